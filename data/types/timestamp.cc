#include "data/types/timestamp.h"

#include <charconv>
#include <optional>

#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "base/strings.h"
#include "data/types/calendar.h"
#include "data/types/data_type.h"
#include "data/types/shown.h"

namespace tholos::data {
namespace {

constexpr int64_t kMillisPerSecond = 1000;
constexpr int64_t kSecondsPerMinute = 60;
constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kYearMin = 1;
constexpr int64_t kYearMax = 9999;

const absl::CivilSecond kEpoch(1970, 1, 1);

struct Fields {
  int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millis = 0;
  int64_t offset_minutes = 0;
};

bool TakeTime(TimeScanner* in, Fields* out) {
  if (!in->Number(2, &out->hour) || !in->Take(':') || !in->Number(2, &out->minute)) return false;
  if (!in->Take(':')) return true;
  if (!in->Number(2, &out->second)) return false;
  return !in->Take('.') || in->TakeFraction(3, &out->millis);
}

std::optional<Fields> ParseFields(std::string_view text) {
  TimeScanner in(text);
  Fields out;
  if (!in.Number(4, &out.year) || !in.Take('-') || !in.Number(2, &out.month) || !in.Take('-') ||
      !in.Number(2, &out.day)) {
    return std::nullopt;
  }
  // A blank stands before the time or before the zone.
  const bool blank = in.Take(' ');
  const bool time = (blank && in.CountDigits() > 0) || (!blank && in.Take('T'));
  if (time && !TakeTime(&in, &out)) return std::nullopt;
  if (in.AtEnd()) return blank && !time ? std::nullopt : std::optional<Fields>(out);
  if (time) in.Take(' ');
  if (!in.TakeZone(&out.offset_minutes) || !in.AtEnd()) return std::nullopt;
  return out;
}

}  // namespace

absl::StatusOr<int64_t> ParseTimestampMillis(std::string_view text) {
  int64_t millis = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), millis);
  if (error == std::errc() && end == text.data() + text.size()) return millis;

  const std::optional<Fields> fields = ParseFields(text);
  if (!fields.has_value()) {
    return absl::InvalidArgumentError(
        base::StrCat("expected a timestamp as 2026-01-31, 2026-01-31 10:00[:00[.000]][+0100] or "
                     "milliseconds since 1970, not ",
                     Shown(text)));
  }
  const std::optional<int64_t> days = DaysFromCivil(fields->year, fields->month, fields->day);
  if (!days.has_value() || fields->year < kYearMin || fields->hour > 23 || fields->minute > 59 ||
      fields->second > 59) {
    return absl::InvalidArgumentError(base::StrCat("there is no such date or time: ", Shown(text)));
  }
  const int64_t minutes = fields->hour * 60 + fields->minute - fields->offset_minutes;
  const int64_t seconds = *days * kSecondsPerDay + minutes * kSecondsPerMinute + fields->second;
  return seconds * kMillisPerSecond + fields->millis;
}

std::string FormatTimestampMillis(int64_t millis) {
  int64_t seconds = millis / kMillisPerSecond;
  int64_t fraction = millis % kMillisPerSecond;
  if (fraction < 0) {
    fraction += kMillisPerSecond;
    --seconds;
  }
  const absl::CivilSecond civil = kEpoch + seconds;
  if (civil.year() < kYearMin || civil.year() > kYearMax) return base::StrCat(millis);
  return absl::StrFormat("%04d-%02d-%02d %02d:%02d:%02d.%03d+0000", civil.year(), civil.month(),
                         civil.day(), civil.hour(), civil.minute(), civil.second(), fraction);
}

}  // namespace tholos::data
