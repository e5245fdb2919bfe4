#include "cql/functions/big_decimal.h"
#include "base/strings.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

std::string Shown(const Decimal& d) {
  return base::StrCat(d.unscaled.ToDecimal(), "e", -int64_t{d.scale});
}

Decimal D(int64_t unscaled, int32_t scale) { return {BigInteger(unscaled), scale}; }

TEST(BigDecimal, LowBits) {
  for (const int64_t v :
       {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{255}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(LowBits(BigInteger(v)), v);
    EXPECT_EQ(LowBits(BigInteger(v) + BigInteger(INT64_MAX) * BigInteger(4) + BigInteger(4)), v);
  }
}

TEST(BigDecimal, OfADoubleIsTheShortestText) {
  const std::pair<double, std::string> kCases[] = {
      {1.0, "10e-1"},    {0.1, "1e-1"},      {100, "1000e-1"}, {1e10, "10e9"},
      {1.5e-7, "15e-8"}, {-2.25, "-225e-2"}, {0, "0e-1"},      {1234567, "12345670e-1"}};
  for (const auto& [value, text] : kCases) EXPECT_EQ(Shown(*DecimalOf(value)), text);
  EXPECT_EQ(Shown(*DecimalOf(0.1F)), "1e-1");
}

TEST(BigDecimal, Arithmetic) {
  EXPECT_EQ(Shown(*Divide(D(1, 0), D(3, 0))), "33333333333333333333333333333333e-32");
  EXPECT_EQ(Shown(*Divide(D(1, 0), D(4, 0))), "25e-2");
  EXPECT_EQ(Shown(*Divide(D(100, 0), D(4, 0))), "25e0");
  EXPECT_EQ(Shown(*Add(D(15, 1), D(25, 2))), "175e-2");
  EXPECT_EQ(Shown(*Multiply(D(15, 1), D(-2, 0))), "-30e-1");
  EXPECT_EQ(Shown(*Remainder(D(75, 1), D(2, 0))), "15e-1");
  EXPECT_EQ(Shown(*DivideTo(D(25, 1), D(1, 0), 0)), "3e0");
  EXPECT_EQ(Shown(*DivideTo(D(-25, 1), D(1, 0), 0)), "-3e0");
  EXPECT_EQ(Shown(*DivideTo(D(25, 1), D(1, 0), 0, Rounding::kHalfEven)), "2e0");
  EXPECT_EQ(Shown(RoundTo(D(999, 2), 2, Rounding::kHalfUp)), "10e0");
  EXPECT_FALSE(Divide(D(1, 0), D(0, 0)).ok());
  EXPECT_FALSE(Add(D(1, 2'000'000'000), D(1, 0)).ok());
}

// Digits from a table of constants.
TEST(BigDecimal, Transcendental) {
  EXPECT_EQ(Shown(*Exp(D(1, 0))), "27182818284590452353602874713527e-31");
  EXPECT_EQ(Shown(*Exp(D(0, 0))), "1e0");
  EXPECT_EQ(Shown(*Exp(D(-1, 0))), "36787944117144232159552377016146e-32");
  EXPECT_EQ(Shown(*Log(D(2, 0))), "69314718055994530941723212145818e-32");
  EXPECT_EQ(Shown(*Log(D(10, 0))), "23025850929940456840179914546844e-31");
  EXPECT_EQ(Shown(*Log10(D(1000, 0))), "3e0");
  EXPECT_EQ(Shown(*Log10(D(2, 0))), "30102999566398119521373889472449e-32");
  EXPECT_EQ(Shown(*Log(D(1, 0))), "0e0");
  EXPECT_FALSE(Log(D(0, 0)).ok());
  EXPECT_FALSE(Exp(D(1'000'000, 0)).ok());
}

}  // namespace
}  // namespace tholos::cql
