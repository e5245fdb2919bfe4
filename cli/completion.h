// What may come next in a CQL statement: keywords and the names of the schema.
#pragma once

#include <string>
#include <vector>

#include "proto/tholos/v1/admin.pb.h"

namespace tholos::cli {

// The words that start with `word` (in any case) and fit after `before`: table names after FROM,
// INTO, UPDATE, TABLE and DESCRIBE; keyspace names after USE and KEYSPACE; elsewhere keywords and
// the columns of the tables named in the line. Sorted.
std::vector<std::string> CompleteCql(const tholos::v1::GetSchemaResponse& schema,
                                     const std::string& keyspace, const std::string& before,
                                     const std::string& word);

}  // namespace tholos::cli
