// The literals of collections, tuples, user types and vectors:
//
//   list, vector   ['a', 'b']
//   set            {'a', 'b'}
//   map            {'a': 1, 'b': 2}
//   tuple          ('a', null)
//   UDT            {street: 'a', "No": null}
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "data/types/data_type.h"

namespace tholos::data {

// Whether the literal of a simple type is in single quotes.
bool IsQuoted(const DataType& type);

// A valid value of a type with parameters.
std::string FormatLiteral(const DataType& type, std::string_view bytes);
// A whole text as a literal of a type with parameters; elements may be in quotes or not, as long as
// what is not has none of the characters that literals consist of. kInvalidArgument says what was
// expected where.
absl::StatusOr<std::string> ParseLiteral(const DataType& type, std::string_view text);

}  // namespace tholos::data
