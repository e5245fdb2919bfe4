// exp and log of decimals, in fixed point: numbers are integers that count 10^-digits.
#include <algorithm>
#include <cmath>

#include "base/status_macros.h"
#include "base/strings.h"
#include "cql/functions/big_decimal.h"

namespace tholos::cql {
namespace {

constexpr uint32_t kPrecisionMin = 32;
constexpr uint32_t kPrecisionMax = 1000;
// exp(+-30000) has some 13,000 digits before (or zeros behind) the point.
constexpr double kExponentMax = 20'000;
constexpr uint32_t kGuardDigits = 12;

struct Fixed {
  uint32_t digits;
  BigInteger one;

  explicit Fixed(uint32_t d) : digits(d), one(BigInteger::PowerOfTen(d)) {}
  BigInteger Times(const BigInteger& a, const BigInteger& b) const {
    return BigInteger::DivMod(a * b, one).first;
  }
  BigInteger Over(const BigInteger& a, const BigInteger& b) const {
    return BigInteger::DivMod(a * one, b).first;
  }
  absl::StatusOr<BigInteger> Of(const Decimal& a) const {
    THOLOS_ASSIGN_OR_RETURN(const Decimal scaled,
                            DivideTo(a, Decimal{BigInteger(1), 0}, static_cast<int32_t>(digits)));
    return scaled.unscaled;
  }

  // By the Taylor series of x / 2^16, squared sixteen times.
  BigInteger Exp(const BigInteger& x) const {
    constexpr int kHalvings = 16;
    const BigInteger small = BigInteger::DivMod(x, BigInteger(int64_t{1} << kHalvings)).first;
    BigInteger sum = one;
    BigInteger term = one;
    for (int64_t n = 1; !term.IsZero(); ++n) {
      term = BigInteger::DivMod(Times(term, small), BigInteger(n)).first;
      sum = sum + term;
    }
    for (int i = 0; i < kHalvings; ++i) sum = Times(sum, sum);
    return sum;
  }

  // Halley's iteration, y += 2 (x - e^y) / (x + e^y), which triples the right digits.
  BigInteger Log(const BigInteger& x, double estimate) const {
    BigInteger y = FixedOf(estimate);
    for (int i = 0; i < 12; ++i) {
      const BigInteger power = Exp(y);
      const BigInteger step = Over((x - power) * BigInteger(2), x + power);
      y = y + step;
      if (Magnitude(step) <= BigInteger(1000)) break;
    }
    return y;
  }

 private:
  BigInteger FixedOf(double value) const {
    const absl::StatusOr<Decimal> decimal = DecimalOf(value);
    return Of(*decimal).value_or(BigInteger());
  }
};

uint32_t PrecisionFor(const Decimal& a) { return std::max(kPrecisionMin, DigitsOf(a.unscaled)); }

absl::Status OutOfRange(std::string_view function) {
  return absl::InvalidArgumentError(
      base::StrCat("the argument of ", function, "() is out of range"));
}

Decimal Rounded(BigInteger value, uint32_t digits, int64_t shift, uint32_t precision) {
  Decimal result{std::move(value), static_cast<int32_t>(digits + shift)};
  return WithoutTrailingZeros(RoundTo(result, precision, Rounding::kHalfEven));
}

// log(m * 10^e) for a positive decimal, in fixed point.
absl::StatusOr<BigInteger> LogIn(const Fixed& fixed, const Decimal& a) {
  const auto digits = static_cast<int64_t>(DigitsOf(a.unscaled));
  const int64_t exponent = digits - 1 - a.scale;  // of the first digit
  const Decimal mantissa{a.unscaled, static_cast<int32_t>(digits - 1)};
  THOLOS_ASSIGN_OR_RETURN(const BigInteger m, fixed.Of(mantissa));
  const BigInteger ten = fixed.one * BigInteger(10);
  const BigInteger log_ten = fixed.Log(ten, std::log(10.0));
  return fixed.Log(m, std::log(ToDouble(mantissa))) + log_ten * BigInteger(exponent);
}

}  // namespace

absl::StatusOr<Decimal> Exp(const Decimal& a) {
  const uint32_t precision = PrecisionFor(a);
  const double size = ToDouble(a);
  if (precision > kPrecisionMax || !(std::abs(size) <= kExponentMax)) return OutOfRange("exp");
  // Digits that the powers lose: those before the point, or the zeros behind it.
  const auto room = static_cast<uint32_t>(std::abs(size) * 0.4343) + kGuardDigits;
  const Fixed fixed(precision + 2 * room + kGuardDigits);
  THOLOS_ASSIGN_OR_RETURN(const BigInteger x, fixed.Of(a));
  return Rounded(fixed.Exp(x), fixed.digits, 0, precision);
}

absl::StatusOr<Decimal> Log(const Decimal& a) {
  if (a.unscaled.IsNegative() || a.unscaled.IsZero()) {
    return absl::InvalidArgumentError("Natural log of number zero or less");
  }
  const uint32_t precision = PrecisionFor(a);
  if (precision > kPrecisionMax) return OutOfRange("log");
  const Fixed fixed(2 * precision + kGuardDigits);
  THOLOS_ASSIGN_OR_RETURN(BigInteger log, LogIn(fixed, a));
  return Rounded(std::move(log), fixed.digits, 0, precision);
}

absl::StatusOr<Decimal> Log10(const Decimal& a) {
  if (a.unscaled.IsNegative() || a.unscaled.IsZero()) {
    return absl::InvalidArgumentError("Log10 of number zero or less");
  }
  const uint32_t precision = PrecisionFor(a);
  if (precision > kPrecisionMax) return OutOfRange("log10");
  const Fixed fixed(2 * precision + kGuardDigits);
  THOLOS_ASSIGN_OR_RETURN(const BigInteger log, LogIn(fixed, a));
  const BigInteger log_ten = fixed.Log(fixed.one * BigInteger(10), std::log(10.0));
  return Rounded(fixed.Over(log, log_ten), fixed.digits, 0, precision);
}

}  // namespace tholos::cql
