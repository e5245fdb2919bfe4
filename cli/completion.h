// What may come next in a CQL statement: keywords and the names of the schema.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "proto/tholos/v1/admin.pb.h"

namespace tholos::cli {

struct CompletionSchema {
  tholos::v1::GetSchemaResponse tables;
  std::vector<std::pair<std::string, std::string>> types;  // keyspace, name
};

// The words that start with `word` (in any case) and fit after `before`: table names after FROM,
// INTO, UPDATE, TABLE, COPY and DESCRIBE; keyspace names after USE and KEYSPACE; type names after
// TYPE and in definitions; what the shell's own commands take; elsewhere keywords and the columns
// of the tables that `before` names. Sorted.
std::vector<std::string> CompleteCql(const CompletionSchema& schema, const std::string& keyspace,
                                     const std::string& before, const std::string& word);

}  // namespace tholos::cli
