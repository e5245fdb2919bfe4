#include "base/random.h"

#include <limits>

#include "gtest/gtest.h"

namespace tholos::base {
namespace {

// Values of the reference C programs (splitmix64.c seeding xoshiro256starstar.c) for seed 0.
TEST(RandomStream, MatchesTheReference) {
  RandomStream random(0);
  EXPECT_EQ(random.Next(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random.Next(), 0xbf6e1f784956452au);
  EXPECT_EQ(random.Next(), 0x1a5f849d4933e6e0u);
}

TEST(RandomStream, StaysInItsBounds) {
  RandomStream random(1);
  int seen[10] = {};
  for (int i = 0; i < 10000; ++i) {
    ++seen[random.Below(10)];
    const double unit = random.Unit();
    EXPECT_GE(unit, 0);
    EXPECT_LT(unit, 1);
    const int64_t between = random.Between(-3, 3);
    EXPECT_GE(between, -3);
    EXPECT_LE(between, 3);
  }
  for (const int count : seen) EXPECT_NEAR(count, 1000, 200);
  EXPECT_EQ(random.Below(1), 0u);
  EXPECT_EQ(random.Between(5, 5), 5);
  random.Between(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  EXPECT_FALSE(random.Chance(0));
  EXPECT_TRUE(random.Chance(1));
}

TEST(RandomStream, SeedsGiveDifferentStreams) {
  RandomStream a(1), b(1), c(2);
  const uint64_t first = a.Next();
  EXPECT_EQ(first, b.Next());
  EXPECT_NE(first, c.Next());
}

}  // namespace
}  // namespace tholos::base
