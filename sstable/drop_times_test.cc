#include "sstable/drop_times.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"

namespace tholos::sstable {
namespace {

TEST(DropTimes, ExactWhileTheyAreFew) {
  DropTimes times;
  for (const int64_t seconds : {5, 5, 7, -3}) times.Add(seconds);
  EXPECT_EQ(times.total(), 4u);
  EXPECT_EQ(times.Before(-3), 0u);
  EXPECT_EQ(times.Before(5), 1u);
  EXPECT_EQ(times.Before(6), 3u);
  EXPECT_EQ(times.Before(std::numeric_limits<int64_t>::max()), 4u);
}

TEST(DropTimes, NeverTooManyAndTheSameInAnyOrder) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    base::RandomStream random(seed);
    std::vector<int64_t> moments;
    const uint64_t shift = random.Below(64);
    for (int i = 0; i < 500; ++i) moments.push_back(static_cast<int64_t>(random.Next()) >> shift);
    DropTimes times;
    for (const int64_t moment : moments) times.Add(moment);
    const int64_t at = moments[random.Below(moments.size())];
    const auto below = static_cast<uint64_t>(
        std::count_if(moments.begin(), moments.end(), [at](int64_t each) { return each < at; }));
    EXPECT_LE(times.Before(at), below);
    EXPECT_EQ(times.total(), moments.size());

    std::sort(moments.begin(), moments.end());
    DropTimes sorted;
    for (const int64_t moment : moments) sorted.Add(moment);
    EXPECT_EQ(sorted, times);
    std::string bytes;
    times.EncodeTo(&bytes);
    base::Reader in(bytes);
    EXPECT_EQ(DropTimes::TakeFrom(&in), times);
    EXPECT_TRUE(in.AtEnd());
  }
}

TEST(DropTimes, MalformedOnesAreRefused) {
  for (const std::string& bytes : {std::string("\x40\x00", 2), std::string("\x00\x7F", 2),
                                   std::string("\x00\x02\x02\x01\x00\x01", 6), std::string()}) {
    base::Reader in(bytes);
    (void)DropTimes::TakeFrom(&in);
    EXPECT_FALSE(in.ok());
  }
}

}  // namespace
}  // namespace tholos::sstable
