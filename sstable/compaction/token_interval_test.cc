#include "sstable/compaction/token_interval.h"

#include "base/executor.h"
#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::sstable {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr data::Token kMin = std::numeric_limits<data::Token>::min();
constexpr data::Token kMax = std::numeric_limits<data::Token>::max();

TEST(TokenInterval, PartsAreWhatShardsOwn) {
  for (const uint32_t count : {1u, 2u, 3u, 5u, 7u, 8u, 13u, 64u}) {
    data::Token expected_first = kMin;
    for (uint32_t i = 0; i < count; ++i) {
      const TokenInterval part = PartOfTokens(i, count);
      EXPECT_EQ(part.first, expected_first);
      EXPECT_EQ(base::ShardOfToken(part.first, static_cast<int>(count)), static_cast<int>(i));
      EXPECT_EQ(base::ShardOfToken(part.last, static_cast<int>(count)), static_cast<int>(i));
      expected_first = part.last + (i + 1 < count ? 1 : 0);
    }
    EXPECT_EQ(PartOfTokens(count - 1, count).last, kMax);
  }
}

TEST(TokenInterval, CutsAndRemoves) {
  const TokenIntervals two = {{0, 9}, {20, 29}};
  EXPECT_THAT(Intersection(two, {5, 24}), ElementsAre(TokenInterval{5, 9}, TokenInterval{20, 24}));
  EXPECT_THAT(Intersection(two, {10, 19}), IsEmpty());
  EXPECT_THAT(Without(two, {5, 24}), ElementsAre(TokenInterval{0, 4}, TokenInterval{25, 29}));
  EXPECT_THAT(Without(two, {kMin, kMax}), IsEmpty());
  EXPECT_THAT(Without({TokenInterval::All()}, {kMin, -1}), ElementsAre(TokenInterval{0, kMax}));
}

TEST(TokenInterval, WhatIsCutAndWhatIsLeftIsTheWhole) {
  base::RandomStream random(7);
  for (int round = 0; round < 1000; ++round) {
    TokenIntervals intervals;
    for (data::Token at = random.Between(0, 5); at < 40;) {
      const data::Token last = at + random.Between(0, 6);
      intervals.push_back({at, last});
      at = last + random.Between(1, 5);
    }
    const data::Token first = random.Between(0, 45);
    const TokenInterval cut{first, first + random.Between(0, 20)};
    const auto has = [](const TokenIntervals& in, data::Token token) {
      return std::any_of(in.begin(), in.end(), [&](auto& i) { return i.Contains(token); });
    };
    for (data::Token token = 0; token < 70; ++token) {
      const bool was = has(intervals, token);
      EXPECT_EQ(has(Intersection(intervals, cut), token), was && cut.Contains(token));
      EXPECT_EQ(has(Without(intervals, cut), token), was && !cut.Contains(token));
    }
  }
}

TEST(TokenInterval, RangesSelectWhatIntervalsContain) {
  base::RandomStream random(3);
  const auto any = [&random] {
    const data::Token near[] = {kMin + 1, kMin + 2, -1, 0, 1, kMax - 1, kMax};
    return near[random.Below(7)];
  };
  for (int round = 0; round < 2000; ++round) {
    TokenInterval interval{any(), any()};
    if (interval.first > interval.last) std::swap(interval.first, interval.last);
    if (random.Chance(0.2)) interval.first = kMin;
    const data::TokenRange range = RangeOf(interval);
    for (const data::Token token :
         {kMin + 1, kMin + 2, data::Token{-1}, data::Token{0}, data::Token{1}, kMax - 1, kMax}) {
      EXPECT_EQ(range.Contains(token), interval.Contains(token))
          << token << " in " << interval.first << ".." << interval.last;
      EXPECT_EQ(IntervalOf(range).Contains(token), range.Contains(token));
    }
  }
}

TEST(TokenInterval, SplitPointsOfMorePartsKeepThoseOfFewer) {
  const TokenInterval slice = PartOfTokens(1, 3);
  EXPECT_THAT(SplitPoints({0, 99}, 4), ElementsAre(25, 50, 75));
  EXPECT_THAT(SplitPoints({0, 1}, 4), ElementsAre(1));
  const auto four = SplitPoints(slice, 4);
  const auto eight = SplitPoints(slice, 8);
  ASSERT_EQ(eight.size(), 7u);
  for (size_t i = 0; i < four.size(); ++i) EXPECT_EQ(four[i], eight[2 * i + 1]);
  EXPECT_THAT(SplitPoints(TokenInterval::All(), 2), ElementsAre(0));
  EXPECT_THAT(SplitPoints(TokenInterval::All(), 1), IsEmpty());
}

}  // namespace
}  // namespace tholos::sstable
