#include "data/types/date.h"

#include <charconv>
#include <limits>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/strings.h"
#include "data/types/calendar.h"
#include "data/types/shown.h"

namespace tholos::data {
namespace {

constexpr int64_t kNanosPerSecond = int64_t{1000} * 1000 * 1000;

// The whole text as one number.
template <typename T>
bool IsNumber(std::string_view text, T* v) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *v);
  return error == std::errc() && end == text.data() + text.size();
}

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string EncodeDate(uint32_t day) {
  std::string out;
  base::PutBigEndian32(&out, day);
  return out;
}

uint32_t DecodeDate(std::string_view bytes) {
  THOLOS_CHECK(bytes.size() == 4) << bytes.size();
  return base::LoadBigEndian32(bytes.data());
}

absl::StatusOr<uint32_t> ParseDate(std::string_view text) {
  const absl::Status out_of_range = absl::InvalidArgumentError(
      base::StrCat(Shown(text), " is out of the range of date: -5877641-06-23 to 5881580-07-11"));
  if (IsDigits(text)) {
    uint32_t day = 0;
    if (IsNumber(text, &day)) return day;
    return out_of_range;
  }
  TimeScanner in(text);
  const bool negative = in.Take('-');
  const bool signed_year = negative || in.Take('+');
  const size_t digits = in.CountDigits();
  int64_t year = 0;
  int64_t month = 0;
  int64_t day = 0;
  const bool good = (signed_year ? digits >= 1 && digits <= 9 : digits >= 4 && digits <= 9) &&
                    in.Number(digits, &year) && in.Take('-') && in.Number(2, &month) &&
                    in.Take('-') && in.Number(2, &day) && in.AtEnd();
  if (!good) {
    return absl::InvalidArgumentError(
        base::StrCat("expected a date as 2026-01-31 or a number of days, not ", Shown(text)));
  }
  const std::optional<int64_t> days = DaysFromCivil(negative ? -year : year, month, day);
  if (!days.has_value()) {
    return absl::InvalidArgumentError(base::StrCat("there is no such date: ", Shown(text)));
  }
  const int64_t value = *days + int64_t{kEpochDay};
  if (value < 0 || value > int64_t{std::numeric_limits<uint32_t>::max()}) return out_of_range;
  return static_cast<uint32_t>(value);
}

std::string FormatDate(uint32_t day) { return FormatDay(int64_t{day} - int64_t{kEpochDay}); }

absl::StatusOr<int64_t> ParseTime(std::string_view text) {
  int64_t nanos = 0;
  if (IsDigits(text)) {
    if (IsNumber(text, &nanos) && nanos < kNanosPerDay) return nanos;
    return absl::InvalidArgumentError(base::StrCat(
        Shown(text), " is out of the range of time: 0 to ", kNanosPerDay - 1, " nanoseconds"));
  }
  TimeScanner in(text);
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  bool good = in.Number(2, &hour) && in.Take(':') && in.Number(2, &minute);
  if (good && in.Take(':')) {
    good = in.Number(2, &second) && (!in.Take('.') || in.TakeFraction(9, &nanos));
  }
  if (!good || !in.AtEnd() || hour > 23 || minute > 59 || second > 59) {
    return absl::InvalidArgumentError(
        base::StrCat("expected a time as 10:00:00, 10:00:00.123456789 or nanoseconds since "
                     "midnight, not ",
                     Shown(text)));
  }
  return ((hour * 60 + minute) * 60 + second) * kNanosPerSecond + nanos;
}

std::string FormatTime(int64_t nanos) {
  const int64_t seconds = nanos / kNanosPerSecond;
  return absl::StrFormat("%02d:%02d:%02d.%09d", seconds / 3600, seconds / 60 % 60, seconds % 60,
                         nanos % kNanosPerSecond);
}

}  // namespace tholos::data
