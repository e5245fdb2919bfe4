// Arithmetic on varint and decimal as Java's BigInteger and BigDecimal do it, which Cassandra's is.
// Costs are bounded: results of more than 10000 digits are errors.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "data/types/big_integer.h"
#include "data/types/decimal.h"

namespace tholos::cql {

using data::BigInteger;
using data::Decimal;

// Digits of the magnitude; one for zero.
uint32_t DigitsOf(const BigInteger& v);
BigInteger Magnitude(const BigInteger& v);
// The lowest 64 bits of the two's complement.
int64_t LowBits(const BigInteger& v);

// The shortest decimal that reads back as the number, with at least one digit behind the point:
// 1.0, 0.1, 1.0E+10. kInvalidArgument for NaN and infinities.
absl::StatusOr<Decimal> DecimalOf(double v);
absl::StatusOr<Decimal> DecimalOf(float v);
inline Decimal DecimalOf(const BigInteger& v) { return {v, 0}; }
double ToDouble(const Decimal& v);
// Without the fraction.
absl::StatusOr<BigInteger> ToInteger(const Decimal& v);
Decimal WithoutTrailingZeros(const Decimal& v);

// kInvalidArgument "a number of more than 10000 digits".
absl::StatusOr<BigInteger> Multiply(const BigInteger& a, const BigInteger& b);
absl::StatusOr<Decimal> Add(const Decimal& a, const Decimal& b);
absl::StatusOr<Decimal> Subtract(const Decimal& a, const Decimal& b);
absl::StatusOr<Decimal> Multiply(const Decimal& a, const Decimal& b);
// To at least 32 significant digits and 32 digits behind the point (at most 1000), rounded half up,
// without trailing zeros.
absl::StatusOr<Decimal> Divide(const Decimal& a, const Decimal& b);
enum class Rounding : uint8_t { kHalfUp, kHalfEven };
// With `scale` digits behind the point.
absl::StatusOr<Decimal> DivideTo(const Decimal& a, const Decimal& b, int32_t scale,
                                 Rounding rounding = Rounding::kHalfUp);
absl::StatusOr<Decimal> Remainder(const Decimal& a, const Decimal& b);
// To so many significant digits.
Decimal RoundTo(const Decimal& v, uint32_t digits, Rounding rounding);

// To as many significant digits as the argument has, but at least 32. kInvalidArgument out of
// range.
absl::StatusOr<Decimal> Exp(const Decimal& v);
absl::StatusOr<Decimal> Log(const Decimal& v);
absl::StatusOr<Decimal> Log10(const Decimal& v);

}  // namespace tholos::cql
