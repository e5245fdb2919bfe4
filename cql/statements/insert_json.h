// The text of INSERT JSON as values.
#pragma once

#include "absl/status/status.h"
#include "cql/analysis/operand.h"
#include "cql/plan.h"
#include "data/schema/schema.h"

namespace tholos::cql {

// Fills request->json_values, one for each column of the table in its order. A column that the text
// does not name is null, or with `default_unset` left as it is. kInvalid: no JSON object, a member
// that is no column, a value that does not fit its column.
absl::Status TakeJson(const Operand& text, const data::TableSchema& table, bool default_unset,
                      Request* request);

}  // namespace tholos::cql
