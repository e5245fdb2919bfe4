// What the texts of date, time and timestamp share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tholos::data {

// Takes what dates and times consist of from the front of a text.
class TimeScanner {
 public:
  explicit TimeScanner(std::string_view text) : rest_(text) {}

  bool AtEnd() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  bool Take(char c);
  // Exactly `digits` digits, at most 18.
  std::optional<int64_t> Number(size_t digits);
  bool Number(size_t digits, int64_t* out);
  size_t CountDigits() const;
  // ".5" as 500 of thousandths (digits 3) or 500000000 of billionths (digits 9); more digits than
  // that are an error.
  bool TakeFraction(size_t digits, int64_t* out);
  // "Z", "+01", "+0100", "+01:00", "UTC", "GMT", "GMT+01:00" or one of the names of RFC 822 and of
  // central Europe ("EST", "PDT", "CET", ...), as minutes east of Greenwich.
  bool TakeZone(int64_t* offset_minutes);

 private:
  std::string_view rest_;
};

// Days since 1970-01-01 in the proleptic Gregorian calendar; nothing if there is no such day.
std::optional<int64_t> DaysFromCivil(int64_t year, int64_t month, int64_t day);
// "2026-01-31"; years beyond 9999 and before 0 with a sign.
std::string FormatDay(int64_t days_since_epoch);

}  // namespace tholos::data
