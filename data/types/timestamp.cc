#include "data/types/timestamp.h"

#include <charconv>
#include <optional>

#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "base/strings.h"
#include "data/types/data_type.h"
#include "data/types/shown.h"

namespace tholos::data {
namespace {

constexpr int64_t kMillisPerSecond = 1000;
constexpr int64_t kSecondsPerMinute = 60;
constexpr int64_t kYearMin = 1;
constexpr int64_t kYearMax = 9999;
// CQL allows offsets as far as time zones go: UTC-12 to UTC+14, and some more.
constexpr int kOffsetHoursMax = 18;

const absl::CivilSecond kEpoch(1970, 1, 1);

// Takes what a timestamp consists of from the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }

  bool Take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // Exactly `digits` digits.
  std::optional<int> Number(size_t digits) {
    if (rest_.size() < digits) return std::nullopt;
    int value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = 10 * value + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }

  size_t CountDigits() const {
    const size_t end = rest_.find_first_not_of("0123456789");
    return end == std::string_view::npos ? rest_.size() : end;
  }

 private:
  std::string_view rest_;
};

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millis = 0;
  int offset_minutes = 0;
};

bool Take(std::optional<int> number, int* field) {
  if (number.has_value()) *field = *number;
  return number.has_value();
}

// ".5", ".50" and ".500" are half a second.
bool TakeFraction(Scanner* in, int* millis) {
  const size_t digits = in->CountDigits();
  if (digits < 1 || digits > 3 || !Take(in->Number(digits), millis)) return false;
  for (size_t i = digits; i < 3; ++i) *millis *= 10;
  return true;
}

// "Z", "+01", "+0100" or "+01:00".
bool TakeZone(Scanner* in, int* offset_minutes) {
  if (in->Take('Z')) return true;
  const bool west = in->Take('-');
  if (!west && !in->Take('+')) return false;
  int hours = 0;
  int minutes = 0;
  if (!Take(in->Number(2), &hours)) return false;
  const bool colon = in->Take(':');
  if ((colon || !in->AtEnd()) && !Take(in->Number(2), &minutes)) return false;
  if (hours > kOffsetHoursMax || minutes > 59) return false;
  *offset_minutes = (west ? -1 : 1) * (60 * hours + minutes);
  return true;
}

bool TakeTime(Scanner* in, Fields* out) {
  if (!Take(in->Number(2), &out->hour) || !in->Take(':') || !Take(in->Number(2), &out->minute)) {
    return false;
  }
  if (!in->Take(':')) return true;
  if (!Take(in->Number(2), &out->second)) return false;
  return !in->Take('.') || TakeFraction(in, &out->millis);
}

std::optional<Fields> ParseFields(std::string_view text) {
  Scanner in(text);
  Fields out;
  if (!Take(in.Number(4), &out.year) || !in.Take('-') || !Take(in.Number(2), &out.month) ||
      !in.Take('-') || !Take(in.Number(2), &out.day)) {
    return std::nullopt;
  }
  if ((in.Take(' ') || in.Take('T')) && !TakeTime(&in, &out)) return std::nullopt;
  if (!in.AtEnd() && !TakeZone(&in, &out.offset_minutes)) return std::nullopt;
  if (!in.AtEnd()) return std::nullopt;
  return out;
}

// The 30th of February and 24:00 are nothing: CivilSecond would carry them over.
bool IsMoment(const Fields& f, const absl::CivilSecond& civil) {
  return f.year >= kYearMin && civil.year() == f.year && civil.month() == f.month &&
         civil.day() == f.day && civil.hour() == f.hour && civil.minute() == f.minute &&
         civil.second() == f.second;
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
  const absl::CivilSecond civil(fields->year, fields->month, fields->day, fields->hour,
                                fields->minute, fields->second);
  if (!IsMoment(*fields, civil)) {
    return absl::InvalidArgumentError(base::StrCat("there is no such date or time: ", Shown(text)));
  }
  const int64_t seconds = (civil - kEpoch) - fields->offset_minutes * kSecondsPerMinute;
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
