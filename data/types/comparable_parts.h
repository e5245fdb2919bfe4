// The components of values that have parts, and the parts' marks; for comparable.cc.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "data/types/data_type.h"

namespace tholos::data {

// What stands before a part; the end of a value's parts sorts before them all.
inline constexpr char kEndMark = 0x00;
inline constexpr char kNullMark = 0x3E;
inline constexpr char kEmptyMark = 0x3F;  // the empty value of a type that has one
inline constexpr char kPartMark = 0x40;

int CompareParts(const DataType& type, std::string_view a, std::string_view b);
// Ascending.
void AppendComparableParts(const DataType& type, std::string_view bytes, std::string* out);
// `flip` is 0xFF where the encoding is complemented, 0 elsewhere. kDataLoss if malformed.
absl::StatusOr<std::string> TakeComparableParts(const DataType& type, std::string_view* in,
                                                char flip);

}  // namespace tholos::data
