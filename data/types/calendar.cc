#include "data/types/calendar.h"

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "base/strings.h"

namespace tholos::data {
namespace {

// CQL allows offsets as far as time zones go: UTC-12 to UTC+14, and some more.
constexpr int64_t kOffsetHoursMax = 18;

struct NamedZone {
  std::string_view name;
  int64_t hours;
};
constexpr NamedZone kZones[] = {{"UTC", 0},  {"GMT", 0},  {"UT", 0},   {"EST", -5}, {"EDT", -4},
                                {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8},
                                {"PDT", -7}, {"CET", 1},  {"CEST", 2}, {"EET", 2},  {"EEST", 3},
                                {"WET", 0},  {"WEST", 1}};

}  // namespace

bool TimeScanner::Take(char c) {
  if (!rest_.starts_with(c)) return false;
  rest_.remove_prefix(1);
  return true;
}

std::optional<int64_t> TimeScanner::Number(size_t digits) {
  if (rest_.size() < digits || digits > 18) return std::nullopt;
  int64_t value = 0;
  for (const char c : rest_.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = 10 * value + (c - '0');
  }
  rest_.remove_prefix(digits);
  return value;
}

bool TimeScanner::Number(size_t digits, int64_t* out) {
  const std::optional<int64_t> number = Number(digits);
  if (number.has_value()) *out = *number;
  return number.has_value();
}

size_t TimeScanner::CountDigits() const {
  const size_t end = rest_.find_first_not_of("0123456789");
  return end == std::string_view::npos ? rest_.size() : end;
}

bool TimeScanner::TakeFraction(size_t digits, int64_t* out) {
  const size_t given = CountDigits();
  if (given < 1 || given > digits || !Number(given, out)) return false;
  for (size_t i = given; i < digits; ++i) *out *= 10;
  return true;
}

bool TimeScanner::TakeZone(int64_t* offset_minutes) {
  if (Take('Z') || Take('z')) return true;
  if (!rest_.starts_with('+') && !rest_.starts_with('-')) {
    const NamedZone* found = nullptr;
    for (const NamedZone& zone : kZones) {
      const bool there = absl::StartsWithIgnoreCase(base::ToAbsl(rest_), base::ToAbsl(zone.name));
      if (there && (found == nullptr || zone.name.size() > found->name.size())) found = &zone;
    }
    if (found == nullptr) return false;
    rest_.remove_prefix(found->name.size());
    *offset_minutes = 60 * found->hours;
    if (AtEnd() || found->hours != 0) return AtEnd();
  }
  const bool west = Take('-');
  if (!west && !Take('+')) return false;
  int64_t hours = 0;
  int64_t minutes = 0;
  if (!Number(2, &hours)) return false;
  const bool colon = Take(':');
  if ((colon || !AtEnd()) && !Number(2, &minutes)) return false;
  if (hours > kOffsetHoursMax || minutes > 59) return false;
  *offset_minutes = (west ? -1 : 1) * (60 * hours + minutes);
  return true;
}

std::optional<int64_t> DaysFromCivil(int64_t year, int64_t month, int64_t day) {
  // The 30th of February is nothing: CivilDay would carry it over.
  const absl::CivilDay civil(year, static_cast<int>(month), static_cast<int>(day));
  if (civil.year() != year || civil.month() != month || civil.day() != day) return std::nullopt;
  return civil - absl::CivilDay(1970, 1, 1);
}

std::string FormatDay(int64_t days_since_epoch) {
  const absl::CivilDay civil = absl::CivilDay(1970, 1, 1) + days_since_epoch;
  const int64_t year = civil.year();
  const std::string_view sign = year < 0 ? "-" : year > 9999 ? "+" : "";
  return base::StrCat(
      sign, absl::StrFormat("%04d-%02d-%02d", year < 0 ? -year : year, civil.month(), civil.day()));
}

}  // namespace tholos::data
