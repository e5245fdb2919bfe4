#include "data/types/big_integer.h"

#include <algorithm>

#include "base/coding.h"
#include "base/random.h"
#include "gmock/gmock.h"

namespace tholos::data {
namespace {

// The model: 128 bits of the compiler's own arithmetic.
std::string Text(__int128 v) {
  if (v == 0) return "0";
  std::string reversed;
  const bool negative = v < 0;
  for (; v != 0; v /= 10)
    reversed.push_back(static_cast<char>('0' + std::abs(static_cast<int>(v % 10))));
  if (negative) reversed.push_back('-');
  return std::string(reversed.rbegin(), reversed.rend());
}

std::string TwosComplement(__int128 v) {
  std::string bytes;
  for (int i = 15; i >= 0; --i) bytes.push_back(static_cast<char>(v >> (8 * i)));
  return bytes;
}

__int128 RandomNumber(base::RandomStream& random, int bits) {
  const unsigned __int128 wide =
      static_cast<unsigned __int128>(random.Next()) << 64 | random.Next();
  __int128 v = static_cast<__int128>(wide >> (128 - 1 - random.Below(static_cast<uint64_t>(bits))));
  // Runs of ones and zeros, where carries go far.
  if (random.Chance(0.3)) v &= ~static_cast<__int128>(0xFFFFFFFF) << (8 * random.Below(4));
  if (random.Chance(0.2))
    v = (static_cast<__int128>(1) << random.Below(static_cast<uint64_t>(bits))) - 1;
  return random.Chance(0.5) ? v : -v;
}

BigInteger Big(__int128 v) { return BigInteger::FromTwosComplement(TwosComplement(v)); }

TEST(BigInteger, AgreesWithMachineArithmetic) {
  const uint64_t seed = 4;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  for (int i = 0; i < 20000; ++i) {
    const __int128 a = RandomNumber(random, 100);
    const __int128 b = RandomNumber(random, 60);
    const __int128 c = RandomNumber(random, 60);
    ASSERT_EQ(Big(a).ToDecimal(), Text(a));
    ASSERT_EQ(BigInteger::FromDecimal(Text(a)).value(), Big(a));
    ASSERT_EQ(BigInteger::FromTwosComplement(Big(a).ToTwosComplement()), Big(a));
    ASSERT_EQ((Big(a) + Big(b)).ToDecimal(), Text(a + b));
    ASSERT_EQ((Big(a) - Big(b)).ToDecimal(), Text(a - b));
    ASSERT_EQ((Big(c) * Big(b)).ToDecimal(), Text(c * b));
    ASSERT_EQ(Big(a) < Big(b), a < b);
    ASSERT_EQ(Big(a) == Big(b), a == b);
    ASSERT_EQ((-Big(a)).ToDecimal(), Text(-a));
    if (b != 0) {
      const auto [quotient, rest] = BigInteger::DivMod(Big(a), Big(b));
      ASSERT_EQ(quotient.ToDecimal(), Text(a / b)) << Text(a) << " / " << Text(b);
      ASSERT_EQ(rest.ToDecimal(), Text(a % b)) << Text(a) << " % " << Text(b);
    }
    const bool fits = a == static_cast<__int128>(static_cast<int64_t>(a));
    ASSERT_EQ(Big(a).ToInt64().has_value(), fits);
    if (fits) {
      ASSERT_EQ(*Big(a).ToInt64(), static_cast<int64_t>(a));
    }
    ASSERT_EQ(Big(c).ToDouble(), static_cast<double>(c));
  }
}

// Beyond 128 bits: what must hold among the operations themselves.
TEST(BigInteger, DivisionUndoesMultiplication) {
  const uint64_t seed = 5;
  SCOPED_TRACE(seed);
  base::RandomStream random(seed);
  const auto number = [&random] {
    // Limbs at the edges, where the estimates of long division are wrong.
    static constexpr uint32_t kEdges[] = {0, 1, 3, 0x20000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
    std::string bytes;
    for (uint64_t n = 1 + random.Below(12); n > 0; --n) {
      base::PutBigEndian32(&bytes, random.Chance(0.7) ? kEdges[random.Below(std::size(kEdges))]
                                                      : static_cast<uint32_t>(random.Next()));
    }
    bytes.resize(bytes.size() - random.Below(4));
    return BigInteger::FromTwosComplement(bytes);
  };
  for (int i = 0; i < 3000; ++i) {
    const BigInteger a = number();
    const BigInteger b = number();
    if (b.IsZero()) continue;
    const auto [quotient, rest] = BigInteger::DivMod(a, b);
    ASSERT_EQ(quotient * b + rest, a);
    ASSERT_TRUE(rest.IsZero() || rest.IsNegative() == a.IsNegative());
    const BigInteger positive_rest = rest.IsNegative() ? -rest : rest;
    ASSERT_LT(positive_rest, b.IsNegative() ? -b : b);
    ASSERT_EQ(BigInteger::FromDecimal(a.ToDecimal()).value(), a);
  }
}

TEST(BigInteger, Edges) {
  // The estimate of the quotient is one too large, and the divisor has to be added back.
  const auto hex = [](std::initializer_list<uint32_t> limbs) {
    std::string bytes(1, '\0');
    for (const uint32_t limb : limbs) base::PutBigEndian32(&bytes, limb);
    return BigInteger::FromTwosComplement(bytes);
  };
  const auto [quotient, rest] =
      BigInteger::DivMod(hex({0x80000000, 0, 3}), hex({0x20000000, 0, 1}));
  EXPECT_EQ(quotient, BigInteger(3));
  EXPECT_EQ(rest, hex({0x20000000, 0, 0}));
  EXPECT_EQ(BigInteger().ToTwosComplement(), std::string(1, '\0'));
  EXPECT_EQ(BigInteger(-1).ToTwosComplement(), "\xFF");
  EXPECT_EQ(BigInteger(127).ToTwosComplement(), "\x7F");
  EXPECT_EQ(BigInteger(128).ToTwosComplement(), std::string("\0\x80", 2));
  EXPECT_EQ(BigInteger(-128).ToTwosComplement(), "\x80");
  EXPECT_EQ(BigInteger(-129).ToTwosComplement(), "\xFF\x7F");
  EXPECT_EQ(BigInteger(INT64_MIN).ToDecimal(), "-9223372036854775808");
  EXPECT_EQ(BigInteger::PowerOfTen(30).ToDecimal(), "1" + std::string(30, '0'));
  for (const std::string_view text : {"", "-", "+", "1.0", " 1", "1x", "--1"}) {
    EXPECT_EQ(BigInteger::FromDecimal(text), std::nullopt) << text;
  }
  EXPECT_EQ(BigInteger::FromDecimal("-000")->ToDecimal(), "0");
}

}  // namespace
}  // namespace tholos::data
