#include "data/types/duration.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/strings.h"
#include "data/types/shown.h"
#include "data/types/vint.h"

namespace tholos::data {
namespace {

constexpr int64_t kMicro = 1000;
constexpr int64_t kMilli = 1000 * kMicro;
constexpr int64_t kSecond = 1000 * kMilli;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kMonthsPerYear = 12;
constexpr int64_t kDaysPerWeek = 7;

enum class Part : uint8_t { kMonths, kDays, kNanos };

struct Unit {
  std::string_view symbol;
  Part part;
  int64_t factor;
};

// The largest first: that is the order in which they may be written.
constexpr Unit kUnits[] = {{"y", Part::kMonths, kMonthsPerYear},
                           {"mo", Part::kMonths, 1},
                           {"w", Part::kDays, kDaysPerWeek},
                           {"d", Part::kDays, 1},
                           {"h", Part::kNanos, kHour},
                           {"m", Part::kNanos, kMinute},
                           {"s", Part::kNanos, kSecond},
                           {"ms", Part::kNanos, kMilli},
                           {"us", Part::kNanos, kMicro},
                           {"\xC2\xB5s", Part::kNanos, kMicro},
                           {"ns", Part::kNanos, 1}};
constexpr Unit kIsoDates[] = {
    {"Y", Part::kMonths, kMonthsPerYear}, {"M", Part::kMonths, 1}, {"D", Part::kDays, 1}};
constexpr Unit kIsoWeeks[] = {{"W", Part::kDays, kDaysPerWeek}};
constexpr Unit kIsoTimes[] = {
    {"H", Part::kNanos, kHour}, {"M", Part::kNanos, kMinute}, {"S", Part::kNanos, kSecond}};

// Takes numbers and units from the front of a text and adds them up. Sums are magnitudes; the
// largest of them is one beyond the largest positive number, as a negative duration may have it.
class DurationParser {
 public:
  explicit DurationParser(std::string_view text) : text_(text), rest_(text) {}

  absl::StatusOr<Duration> Parse() {
    negative_ = Take('-');
    if (rest_.empty()) return Malformed();
    const bool good = rest_.front() == 'P' || rest_.front() == 'p' ? TakeIso() : TakeUnits(kUnits);
    if (!error_.ok()) return error_;
    if (!good || !rest_.empty()) return Malformed();
    return Duration{static_cast<int32_t>(Signed(sums_[0])), static_cast<int32_t>(Signed(sums_[1])),
                    Signed(sums_[2])};
  }

 private:
  absl::Status Malformed() const {
    return absl::InvalidArgumentError(base::StrCat(
        "expected a duration as 1y2mo3d4h5m6s, P1Y2M3DT4H5M6S, P4W or P0001-02-03T04:05:06, not ",
        Shown(text_)));
  }

  int64_t Signed(uint64_t magnitude) const {
    return static_cast<int64_t>(negative_ ? ~magnitude + 1 : magnitude);
  }

  bool Take(char c) {
    if (rest_.empty() || absl::ascii_toupper(static_cast<unsigned char>(rest_[0])) != c) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }

  bool TakeNumber(uint64_t* number, size_t digits_max = 20) {
    size_t digits = 0;
    uint64_t v = 0;
    while (digits < rest_.size() &&
           absl::ascii_isdigit(static_cast<unsigned char>(rest_[digits]))) {
      const auto digit = static_cast<uint64_t>(rest_[digits++] - '0');
      if (v > (std::numeric_limits<uint64_t>::max() - digit) / 10) return TooLarge();
      v = 10 * v + digit;
    }
    if (digits == 0 || digits > digits_max) return false;
    rest_.remove_prefix(digits);
    *number = v;
    return true;
  }

  bool TooLarge() {
    error_ = absl::InvalidArgumentError(
        base::StrCat(Shown(text_),
                     " is out of the range of duration: months and days take 32 bits, nanoseconds "
                     "64"));
    return false;
  }

  bool Add(uint64_t number, const Unit& unit) {
    const uint64_t limit =
        (unit.part == Part::kNanos ? uint64_t{std::numeric_limits<int64_t>::max()}
                                   : uint64_t{std::numeric_limits<int32_t>::max()}) +
        (negative_ ? 1 : 0);
    uint64_t& sum = sums_[static_cast<size_t>(unit.part)];
    const auto factor = static_cast<uint64_t>(unit.factor);
    if (number > limit / factor || sum > limit - number * factor) return TooLarge();
    sum += number * factor;
    return true;
  }

  // Numbers with units, in the order of the table, until something else follows or the end.
  template <size_t kCount>
  bool TakeUnits(const Unit (&units)[kCount]) {
    size_t next = 0;
    bool any = false;
    while (!rest_.empty() && absl::ascii_isdigit(static_cast<unsigned char>(rest_[0]))) {
      uint64_t number = 0;
      if (!TakeNumber(&number)) return false;
      const Unit* unit = TakeUnit(units, kCount);
      if (unit == nullptr) return false;
      const auto index = static_cast<size_t>(unit - units);
      if (index < next) return OutOfOrder(*unit);
      // µs is us.
      next = index + (unit->symbol == "us" ? 2 : 1);
      if (!Add(number, *unit)) return false;
      any = true;
    }
    return any;
  }

  bool OutOfOrder(const Unit& unit) {
    error_ = absl::InvalidArgumentError(base::StrCat("invalid duration ", Shown(text_), ": ",
                                                     unit.symbol,
                                                     " is given twice or after a smaller unit"));
    return false;
  }

  // The longest symbol that is there: 1mo is a month, 1m a minute.
  const Unit* TakeUnit(const Unit* units, size_t count) {
    const Unit* found = nullptr;
    for (size_t i = 0; i < count; ++i) {
      const bool there =
          absl::StartsWithIgnoreCase(base::ToAbsl(rest_), base::ToAbsl(units[i].symbol));
      if (there && (found == nullptr || units[i].symbol.size() > found->symbol.size())) {
        found = &units[i];
      }
    }
    if (found != nullptr) rest_.remove_prefix(found->symbol.size());
    return found;
  }

  bool TakeIso() {
    rest_.remove_prefix(1);
    if (rest_.find('-') != std::string_view::npos) return TakeAlternative();
    if (rest_.ends_with('W') || rest_.ends_with('w')) return TakeUnits(kIsoWeeks);
    const bool dates = !rest_.empty() && rest_[0] != 'T' && rest_[0] != 't';
    if (dates && !TakeUnits(kIsoDates)) return false;
    if (rest_.empty()) return dates;
    return Take('T') && TakeUnits(kIsoTimes);
  }

  // 0001-02-03T04:05:06
  bool TakeAlternative() {
    constexpr size_t kDigits[] = {4, 2, 2, 2, 2, 2};
    constexpr char kAfter[] = {'-', '-', 'T', ':', ':', '\0'};
    const Unit* kParts[] = {&kIsoDates[0], &kIsoDates[1], &kIsoDates[2],
                            &kIsoTimes[0], &kIsoTimes[1], &kIsoTimes[2]};
    for (size_t i = 0; i < 6; ++i) {
      const size_t before = rest_.size();
      uint64_t number = 0;
      if (!TakeNumber(&number, kDigits[i]) || before - rest_.size() != kDigits[i]) return false;
      if (!Add(number, *kParts[i])) return false;
      if (kAfter[i] != '\0' && !Take(kAfter[i])) return false;
    }
    return true;
  }

  const std::string_view text_;
  std::string_view rest_;
  bool negative_ = false;
  uint64_t sums_[3] = {0, 0, 0};
  absl::Status error_;
};

uint64_t Magnitude(int64_t v) {
  return v < 0 ? ~static_cast<uint64_t>(v) + 1 : static_cast<uint64_t>(v);
}

void AppendUnit(uint64_t* rest, int64_t factor, std::string_view symbol, std::string* out) {
  const uint64_t count = *rest / static_cast<uint64_t>(factor);
  *rest %= static_cast<uint64_t>(factor);
  if (count != 0) base::StrAppend(out, count, symbol);
}

}  // namespace

std::string EncodeDuration(const Duration& v) {
  std::string out;
  PutVint(&out, v.months);
  PutVint(&out, v.days);
  PutVint(&out, v.nanos);
  return out;
}

absl::StatusOr<Duration> DecodeDuration(std::string_view bytes) {
  const auto invalid = [](std::string_view why) {
    return absl::InvalidArgumentError(base::StrCat("a duration ", why));
  };
  const auto fits = [](int64_t v) { return v == static_cast<int32_t>(v); };
  const std::optional<int64_t> months = TakeVint(&bytes);
  const std::optional<int64_t> days = TakeVint(&bytes);
  const std::optional<int64_t> nanos = TakeVint(&bytes);
  if (!months.has_value() || !days.has_value() || !nanos.has_value() || !bytes.empty()) {
    return invalid("takes three vints");
  }
  if (!fits(*months)) return invalid(base::StrCat("takes 32 bits of months, not ", *months));
  if (!fits(*days)) return invalid(base::StrCat("takes 32 bits of days, not ", *days));
  const bool negative = *months < 0 || *days < 0 || *nanos < 0;
  const bool positive = *months > 0 || *days > 0 || *nanos > 0;
  if (negative && positive) {
    return invalid("takes months, days and nanoseconds of the same sign");
  }
  return Duration{static_cast<int32_t>(*months), static_cast<int32_t>(*days), *nanos};
}

absl::StatusOr<Duration> ParseDuration(std::string_view text) {
  return DurationParser(text).Parse();
}

std::string FormatDuration(const Duration& v) {
  std::string out;
  if (v.months < 0 || v.days < 0 || v.nanos < 0) out = "-";
  uint64_t months = Magnitude(v.months);
  AppendUnit(&months, kMonthsPerYear, "y", &out);
  AppendUnit(&months, 1, "mo", &out);
  uint64_t days = Magnitude(v.days);
  AppendUnit(&days, 1, "d", &out);
  uint64_t nanos = Magnitude(v.nanos);
  AppendUnit(&nanos, kHour, "h", &out);
  AppendUnit(&nanos, kMinute, "m", &out);
  AppendUnit(&nanos, kSecond, "s", &out);
  AppendUnit(&nanos, kMilli, "ms", &out);
  AppendUnit(&nanos, kMicro, "us", &out);
  AppendUnit(&nanos, 1, "ns", &out);
  return out.empty() ? "0ns" : out;
}

}  // namespace tholos::data
