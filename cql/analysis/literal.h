// Literals of one token as values.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cql/ast.h"
#include "data/types/data_type.h"

namespace tholos::cql {

// The bytes of a simple type's value, not validated yet (text may be too long, ascii no ascii); or
// nothing if the literal's kind does not fit the type; kInvalidArgument if it is out of range or
// malformed.
absl::StatusOr<std::optional<std::string>> ConvertLiteral(const Literal& literal,
                                                          const data::DataType& type);

// "integer 12", for messages.
std::string ShowLiteral(const Literal& literal);

}  // namespace tholos::cql
