// Integers of any size, for varint and decimal: a sign and limbs of 32 bits. Addition and
// comparison are linear, multiplication, division and the way to decimal digits quadratic; the
// values of CQL are bounded (kVarintBytesMax).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tholos::data {

class BigInteger {
 public:
  BigInteger() = default;  // 0
  explicit BigInteger(int64_t v);
  // Big-endian two's complement of any length; no bytes are 0.
  static BigInteger FromTwosComplement(std::string_view bytes);
  // "-123", "+5", "0007"; nothing if there is something else, or no digit.
  static std::optional<BigInteger> FromDecimal(std::string_view text);

  // Minimal: the shortest bytes, one for 0.
  std::string ToTwosComplement() const;
  std::string ToDecimal() const;
  std::optional<int64_t> ToInt64() const;  // nothing if it does not fit
  double ToDouble() const;                 // rounded; infinity beyond the largest

  bool IsZero() const { return limbs_.empty(); }
  bool IsNegative() const { return negative_; }

  BigInteger operator-() const;
  friend BigInteger operator+(const BigInteger& a, const BigInteger& b);
  friend BigInteger operator-(const BigInteger& a, const BigInteger& b);
  friend BigInteger operator*(const BigInteger& a, const BigInteger& b);
  // Truncates towards zero; the remainder has the sign of the dividend. The divisor is not 0.
  static std::pair<BigInteger, BigInteger> DivMod(const BigInteger& dividend,
                                                  const BigInteger& divisor);
  // 10 to the power of `exponent`.
  static BigInteger PowerOfTen(uint32_t exponent);

  friend bool operator==(const BigInteger&, const BigInteger&) = default;
  friend std::strong_ordering operator<=>(const BigInteger& a, const BigInteger& b);

 private:
  using Limbs = std::vector<uint32_t>;  // the least significant first, the last not 0
  BigInteger(bool negative, Limbs limbs);
  static int CompareLimbs(const Limbs& a, const Limbs& b);
  static Limbs AddLimbs(const Limbs& a, const Limbs& b);
  static Limbs SubtractLimbs(const Limbs& a, const Limbs& b);  // a >= b

  bool negative_ = false;
  Limbs limbs_;
};

}  // namespace tholos::data
