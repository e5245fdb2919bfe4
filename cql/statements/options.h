// Values of WITH name = value.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cql/ast.h"
#include "cql/position.h"
#include "data/schema/schema.h"

namespace tholos::cql {

absl::StatusOr<int64_t> IntegerOption(const Option& option, int64_t min, int64_t max);
absl::StatusOr<bool> BooleanOption(const Option& option);
absl::StatusOr<std::string> StringOption(const Option& option);
// {'class': 'SimpleStrategy', 'replication_factor': 3}: values as their text.
absl::StatusOr<std::map<std::string, std::string>> MapOption(const Option& option);

// Checks the value as Cassandra does (data/schema/table_options.h): "line 1:50 Unknown property
// 'gc_grace'".
absl::Status ApplyTableOption(const Option& option, data::TableSchema* table);

// The same error with its place before the message: of the same kind, or kInvalid if it has none.
absl::Status ErrorOfAt(Position position, const absl::Status& status);

}  // namespace tholos::cql
