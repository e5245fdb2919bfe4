// Values of columns as the fields of a CSV file.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "data/types/data_type.h"

namespace tholos::cli {

// A simple value without quotes, any other as CQL writes it; a timestamp by `datetime_format`
// (absl::FormatTime, in UTC) unless that is empty. ValueFromText is the reverse.
std::string ValueToText(const data::DataType& type, std::string_view bytes,
                        const std::string& datetime_format);
// kInvalidArgument says what was expected.
absl::StatusOr<std::string> ValueFromText(const data::DataType& type, std::string_view text,
                                          const std::string& datetime_format);

}  // namespace tholos::cli
