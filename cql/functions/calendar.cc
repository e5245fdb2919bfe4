#include "cql/functions/calendar.h"

#include <algorithm>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "base/uuid.h"
#include "cql/time_uuid.h"
#include "data/types/date.h"
#include "data/types/duration.h"

namespace tholos::cql {
namespace {

using data::Duration;
using data::TypeId;

constexpr int64_t kNanosPerMilli = 1'000'000;

struct Day {
  int64_t year;
  int64_t month;  // 1 to 12
  int64_t day;
};

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// The proleptic Gregorian calendar, in eras of 400 years that begin in March.
Day DayOf(int64_t days_since_1970) {
  const int64_t z = days_since_1970 + 719'468;
  const int64_t era = FloorDiv(z, 146'097);
  const int64_t of_era = z - era * 146'097;
  const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t march_month = (5 * of_year + 2) / 153;
  const int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          of_year - (153 * march_month + 2) / 5 + 1};
}

int64_t DaysSince1970(const Day& day) {
  const int64_t year = day.year - (day.month <= 2 ? 1 : 0);
  const int64_t era = FloorDiv(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t of_year =
      (153 * (day.month > 2 ? day.month - 3 : day.month + 9) + 2) / 5 + day.day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year -
         719'468;
}

int64_t DaysInMonth(int64_t year, int64_t month) {
  constexpr int64_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// The day so many months on; the month's last one where it has no such day.
int64_t AddMonths(int64_t days_since_1970, int64_t months) {
  Day day = DayOf(days_since_1970);
  const int64_t count = day.year * 12 + day.month - 1 + months;
  day.year = FloorDiv(count, 12);
  day.month = count - day.year * 12 + 1;
  day.day = std::min(day.day, DaysInMonth(day.year, day.month));
  return DaysSince1970(day);
}

absl::StatusOr<int64_t> Plus(int64_t millis, int64_t months, int64_t days, int64_t more_millis) {
  if (months != 0) {
    const int64_t day = FloorDiv(millis, kMillisPerDay);
    millis = AddMonths(day, months) * kMillisPerDay + (millis - day * kMillisPerDay);
  }
  int64_t result = 0;
  const bool overflows = __builtin_add_overflow(millis, days * kMillisPerDay, &result) ||
                         __builtin_add_overflow(result, more_millis, &result);
  if (overflows) return absl::InvalidArgumentError("the result is out of range");
  return result;
}

absl::StatusOr<data::Value> Encoded(TypeId type, int64_t millis) {
  if (type == TypeId::kDate) return DateOfMillis(millis);
  return data::Value(data::EncodeBigint(millis));
}

std::string ShownDuration(std::string_view bytes) {
  return data::DataType(TypeId::kDuration).ToDisplay(bytes);
}

}  // namespace

int64_t MillisOf(TypeId type, std::string_view bytes) {
  if (type == TypeId::kDate) {
    return (static_cast<int64_t>(data::DecodeDate(bytes)) - data::kEpochDay) * kMillisPerDay;
  }
  if (type == TypeId::kTimeuuid) return TimeUuidMillis(base::Uuid::FromBytes(bytes).value());
  return data::DecodeBigint(bytes);
}

absl::StatusOr<data::Value> DateOfMillis(int64_t millis) {
  const int64_t day = FloorDiv(millis, kMillisPerDay) + data::kEpochDay;
  if (day < 0 || day > 0xFFFFFFFF) {
    return absl::InvalidArgumentError(
        base::StrCat(millis, " milliseconds are out of the range of date"));
  }
  return data::Value(data::EncodeDate(static_cast<uint32_t>(day)));
}

absl::StatusOr<data::Value> AddDuration(TypeId type, std::string_view bytes,
                                        std::string_view duration_bytes, bool subtract) {
  THOLOS_ASSIGN_OR_RETURN(const Duration duration, data::DecodeDuration(duration_bytes));
  if (type == TypeId::kDate && duration.nanos != 0) {
    return absl::InvalidArgumentError(base::StrCat("The duration must have a day precision. Was: ",
                                                   ShownDuration(duration_bytes)));
  }
  const int64_t sign = subtract ? -1 : 1;
  THOLOS_ASSIGN_OR_RETURN(const int64_t millis,
                          Plus(MillisOf(type, bytes), sign * duration.months, sign * duration.days,
                               sign * (duration.nanos / kNanosPerMilli)));
  return Encoded(type, millis);
}

absl::StatusOr<data::Value> FloorToDuration(TypeId type, std::string_view bytes,
                                            std::string_view duration_bytes,
                                            std::string_view start_bytes) {
  THOLOS_ASSIGN_OR_RETURN(const Duration duration, data::DecodeDuration(duration_bytes));
  const int64_t moment = MillisOf(type, bytes);
  const TypeId start_type = type == TypeId::kTimeuuid ? TypeId::kTimestamp : type;
  const int64_t start = start_bytes.empty() ? 0 : MillisOf(start_type, start_bytes);
  if (start > moment) {
    return absl::InvalidArgumentError(
        "The floor function starting time is greater than the provided time");
  }
  if (duration.months < 0 || duration.days < 0 || duration.nanos < 0) {
    return absl::InvalidArgumentError("Negative durations are not supported by the floor function");
  }
  if (type == TypeId::kDate && duration.nanos != 0) {
    return absl::InvalidArgumentError(
        base::StrCat("The floor on date values cannot be computed for the ",
                     ShownDuration(duration_bytes), " duration as precision is below 1 day"));
  }
  if (duration.nanos % kNanosPerMilli != 0) {
    return absl::InvalidArgumentError(
        base::StrCat("The floor cannot be computed for the ", ShownDuration(duration_bytes),
                     " duration as precision is below 1 millisecond"));
  }
  const int64_t millis = duration.nanos / kNanosPerMilli;
  if (duration.months == 0) {
    const __int128 step = static_cast<__int128>(duration.days) * kMillisPerDay + millis;
    if (step == 0) return Encoded(type, moment);
    const auto past = static_cast<int64_t>((static_cast<__int128>(moment) - start) % step);
    return Encoded(type, moment - past);
  }
  // Steps of different lengths: one of the estimated number is near, the longest month being 31
  // days and the mean one 30.4.
  const double step = static_cast<double>(duration.months) * 30.436875 * kMillisPerDay +
                      static_cast<double>(duration.days) * kMillisPerDay +
                      static_cast<double>(millis);
  const auto at = [&](int64_t n) {
    return Plus(start, n * duration.months, n * duration.days, n * millis);
  };
  auto n = static_cast<int64_t>((static_cast<double>(moment) - static_cast<double>(start)) / step);
  for (n = std::max<int64_t>(0, n - 2);; ++n) {
    THOLOS_ASSIGN_OR_RETURN(const int64_t next, at(n + 1));
    if (next > moment) break;
  }
  for (; n > 0; --n) {
    THOLOS_ASSIGN_OR_RETURN(const int64_t here, at(n));
    if (here <= moment) break;
  }
  THOLOS_ASSIGN_OR_RETURN(const int64_t here, at(n));
  return Encoded(type, here);
}

}  // namespace tholos::cql
