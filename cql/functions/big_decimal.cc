#include "cql/functions/big_decimal.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::cql {
namespace {

constexpr int64_t kDigitsMax = 10'000;
constexpr size_t kBytesMax = 4200;  // of kDigitsMax digits
constexpr int32_t kMinScale = 32;
constexpr int32_t kMaxScale = 1000;

absl::Status TooLarge() {
  return absl::InvalidArgumentError(base::StrCat("a number of more than ", kDigitsMax, " digits"));
}

size_t BytesOf(const BigInteger& v) { return v.ToTwosComplement().size(); }

// v.unscaled * 10^(to - v.scale), for to >= v.scale.
absl::StatusOr<BigInteger> Rescaled(const Decimal& v, int64_t to) {
  if (v.unscaled.IsZero()) return BigInteger();
  const int64_t zeros = to - v.scale;
  if (zeros > kDigitsMax || BytesOf(v.unscaled) > kBytesMax) return TooLarge();
  return v.unscaled * BigInteger::PowerOfTen(static_cast<uint32_t>(zeros));
}

absl::StatusOr<Decimal> Made(BigInteger unscaled, int64_t scale) {
  if (scale > std::numeric_limits<int32_t>::max() || scale < std::numeric_limits<int32_t>::min()) {
    return absl::InvalidArgumentError("the scale of a decimal is out of range");
  }
  if (BytesOf(unscaled) > kBytesMax) return TooLarge();
  return Decimal{std::move(unscaled), static_cast<int32_t>(scale)};
}

BigInteger Quotient(const BigInteger& dividend, const BigInteger& divisor, Rounding rounding) {
  const auto [quotient, remainder] = BigInteger::DivMod(dividend, divisor);
  const BigInteger doubled = Magnitude(remainder) * BigInteger(2);
  const BigInteger whole = Magnitude(divisor);
  const bool tie_away = rounding == Rounding::kHalfUp || (LowBits(quotient) & 1) != 0;
  if (doubled < whole || (doubled == whole && !tie_away)) return quotient;
  return quotient + BigInteger(dividend.IsNegative() != divisor.IsNegative() ? -1 : 1);
}

// From the digits of the shortest text in scientific form: "1.2345e+10", "1e-05". Java writes 100
// as 100.0, but 10^10 as 1.0E10.
Decimal FromScientific(std::string_view text) {
  const size_t e = text.find('e');
  std::string_view power = text.substr(e + 1);
  if (power.starts_with('+')) power.remove_prefix(1);
  int exponent = 0;
  std::from_chars(power.data(), power.data() + power.size(), exponent);
  std::string digits(text.substr(0, e));
  const size_t point = digits.find('.');
  int scale = -exponent;
  if (point != std::string::npos) {
    scale += static_cast<int>(digits.size() - point) - 1;
    digits.erase(point, 1);
  }
  const bool plain = exponent >= -3 && exponent < 7;
  for (const int wanted = plain ? 1 : 1 - exponent; scale < wanted; ++scale) digits.push_back('0');
  return {BigInteger::FromDecimal(digits).value_or(BigInteger()), scale};
}

template <typename Float>
absl::StatusOr<Decimal> FromShortest(Float v) {
  if (std::isnan(v)) {
    return absl::InvalidArgumentError("A NaN cannot be converted into a decimal");
  }
  if (std::isinf(v)) {
    return absl::InvalidArgumentError("An infinite number cannot be converted into a decimal");
  }
  char buffer[64];
  const char* end =
      std::to_chars(buffer, buffer + sizeof(buffer), v, std::chars_format::scientific).ptr;
  return FromScientific({buffer, static_cast<size_t>(end - buffer)});
}

}  // namespace

uint32_t DigitsOf(const BigInteger& v) {
  return static_cast<uint32_t>(v.ToDecimal().size()) - (v.IsNegative() ? 1 : 0);
}

BigInteger Magnitude(const BigInteger& v) { return v.IsNegative() ? -v : v; }

int64_t LowBits(const BigInteger& v) {
  const std::string bytes = v.ToTwosComplement();
  uint64_t bits = v.IsNegative() ? ~uint64_t{0} : 0;
  for (size_t i = bytes.size() - std::min<size_t>(bytes.size(), 8); i < bytes.size(); ++i) {
    bits = bits << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return static_cast<int64_t>(bits);
}

absl::StatusOr<Decimal> DecimalOf(double v) { return FromShortest(v); }
absl::StatusOr<Decimal> DecimalOf(float v) { return FromShortest(v); }

double ToDouble(const Decimal& v) {
  const std::string text =
      base::StrCat(v.unscaled.ToDecimal(), "e", -static_cast<int64_t>(v.scale));
  return std::strtod(text.c_str(), nullptr);
}

absl::StatusOr<BigInteger> ToInteger(const Decimal& v) {
  if (v.scale <= 0) return Rescaled(v, 0);
  if (v.scale > kDigitsMax) return BigInteger();
  return BigInteger::DivMod(v.unscaled, BigInteger::PowerOfTen(static_cast<uint32_t>(v.scale)))
      .first;
}

Decimal WithoutTrailingZeros(const Decimal& v) {
  if (v.unscaled.IsZero()) return {};
  std::string digits = v.unscaled.ToDecimal();
  const size_t zeros = digits.size() - 1 - digits.find_last_not_of('0');
  if (zeros == 0) return v;
  digits.resize(digits.size() - zeros);
  return {BigInteger::FromDecimal(digits).value_or(BigInteger()),
          v.scale - static_cast<int32_t>(zeros)};
}

absl::StatusOr<BigInteger> Multiply(const BigInteger& a, const BigInteger& b) {
  if (BytesOf(a) + BytesOf(b) > kBytesMax) return TooLarge();
  return a * b;
}

absl::StatusOr<Decimal> Add(const Decimal& a, const Decimal& b) {
  const int64_t scale = std::max(a.scale, b.scale);
  THOLOS_ASSIGN_OR_RETURN(const BigInteger left, Rescaled(a, scale));
  THOLOS_ASSIGN_OR_RETURN(const BigInteger right, Rescaled(b, scale));
  return Made(left + right, scale);
}

absl::StatusOr<Decimal> Subtract(const Decimal& a, const Decimal& b) {
  return Add(a, {-b.unscaled, b.scale});
}

absl::StatusOr<Decimal> Multiply(const Decimal& a, const Decimal& b) {
  THOLOS_ASSIGN_OR_RETURN(BigInteger product, Multiply(a.unscaled, b.unscaled));
  return Made(std::move(product), static_cast<int64_t>(a.scale) + b.scale);
}

absl::StatusOr<Decimal> DivideTo(const Decimal& a, const Decimal& b, int32_t scale,
                                 Rounding rounding) {
  if (b.unscaled.IsZero()) {
    return absl::InvalidArgumentError(a.unscaled.IsZero() ? "Division undefined"
                                                          : "Division by zero");
  }
  // a / b * 10^scale = unscaled_a * 10^(scale - scale_a + scale_b) / unscaled_b
  const int64_t power = static_cast<int64_t>(scale) - a.scale + b.scale;
  if (std::abs(power) > 4 * kDigitsMax) return TooLarge();
  const BigInteger factor = BigInteger::PowerOfTen(static_cast<uint32_t>(std::abs(power)));
  return Made(power >= 0 ? Quotient(a.unscaled * factor, b.unscaled, rounding)
                         : Quotient(a.unscaled, b.unscaled * factor, rounding),
              scale);
}

absl::StatusOr<Decimal> Divide(const Decimal& a, const Decimal& b) {
  const int64_t first_digit = (static_cast<int64_t>(DigitsOf(a.unscaled)) - a.scale) -
                              (static_cast<int64_t>(DigitsOf(b.unscaled)) - b.scale);
  int64_t scale = kMinScale - first_digit;
  scale = std::max({scale, int64_t{a.scale}, int64_t{b.scale}, int64_t{kMinScale}});
  scale = std::min(scale, int64_t{kMaxScale});
  THOLOS_ASSIGN_OR_RETURN(const Decimal quotient, DivideTo(a, b, static_cast<int32_t>(scale)));
  return WithoutTrailingZeros(quotient);
}

absl::StatusOr<Decimal> Remainder(const Decimal& a, const Decimal& b) {
  if (b.unscaled.IsZero()) return absl::InvalidArgumentError("Division by zero");
  const int64_t scale = std::max(a.scale, b.scale);
  THOLOS_ASSIGN_OR_RETURN(const BigInteger left, Rescaled(a, scale));
  THOLOS_ASSIGN_OR_RETURN(const BigInteger right, Rescaled(b, scale));
  return Made(BigInteger::DivMod(left, right).second, scale);
}

Decimal RoundTo(const Decimal& v, uint32_t digits, Rounding rounding) {
  const uint32_t precision = DigitsOf(v.unscaled);
  if (precision <= digits) return v;
  const uint32_t excess = precision - digits;
  const Decimal result{Quotient(v.unscaled, BigInteger::PowerOfTen(excess), rounding),
                       v.scale - static_cast<int32_t>(excess)};
  // 9.99 to two digits is 10.0, which has three.
  return DigitsOf(result.unscaled) > digits ? RoundTo(result, digits, rounding) : result;
}

}  // namespace tholos::cql
