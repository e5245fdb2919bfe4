#include "cli/value_text.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace tholos::cli {
namespace {

bool IsTimestamp(const data::DataType& type) { return type.id() == data::TypeId::kTimestamp; }

}  // namespace

std::string ValueToText(const data::DataType& type, std::string_view bytes,
                        const std::string& datetime_format) {
  if (datetime_format.empty() || !IsTimestamp(type) || bytes.empty()) return type.ToDisplay(bytes);
  return absl::FormatTime(datetime_format, absl::FromUnixMillis(data::DecodeBigint(bytes)),
                          absl::UTCTimeZone());
}

absl::StatusOr<std::string> ValueFromText(const data::DataType& type, std::string_view text,
                                          const std::string& datetime_format) {
  if (datetime_format.empty() || !IsTimestamp(type) || text.empty()) return type.FromText(text);
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(datetime_format, std::string(text), absl::UTCTimeZone(), &time, &error)) {
    return absl::InvalidArgumentError(absl::StrCat("expected a timestamp as '", datetime_format,
                                                   "', found '", std::string(text), "'"));
  }
  return data::EncodeBigint(absl::ToUnixMillis(time));
}

}  // namespace tholos::cli
