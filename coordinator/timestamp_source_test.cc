#include "coordinator/timestamp_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace tholos::coordinator {
namespace {

class SetClock : public base::Clock {
 public:
  base::MonotonicTime Now() const override { return {}; }
  int64_t WallMicros() const override { return wall_micros; }
  int64_t wall_micros = 1'000'000;
};

TEST(TimestampSourceTest, FollowsTheWallClockAndNeverGoesBack) {
  SetClock clock;
  TimestampSource source(clock);
  EXPECT_EQ(source.Next(), 1'000'000);
  EXPECT_EQ(source.Next(), 1'000'001);
  clock.wall_micros = 2'000'000;
  EXPECT_EQ(source.Next(), 2'000'000);
  clock.wall_micros = 500'000;
  EXPECT_EQ(source.Next(), 2'000'001);
}

TEST(TimestampSourceTest, IsNeverBehindWhatWasSeen) {
  SetClock clock;
  TimestampSource source(clock);
  source.Observe(5'000'000);
  EXPECT_EQ(source.Next(), 5'000'001);
  source.Observe(7);
  source.Observe(data::kNoTimestamp);
  EXPECT_EQ(source.Next(), 5'000'002);
}

TEST(TimestampSourceTest, DoesNotFollowTimestampsThatNoClockGave) {
  SetClock clock;
  TimestampSource source(clock);
  source.Observe(clock.wall_micros + TimestampSource::kFollowedAheadMicros + 1);
  source.Observe(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(source.Next(), 1'000'000);
  source.Observe(clock.wall_micros + TimestampSource::kFollowedAheadMicros);
  EXPECT_EQ(source.Next(), clock.wall_micros + TimestampSource::kFollowedAheadMicros + 1);
}

TEST(TimestampSourceTest, NoTwoThreadsGetTheSame) {
  SetClock clock;
  TimestampSource source(clock);
  std::vector<std::vector<data::Timestamp>> given(4);
  std::vector<std::thread> threads;
  for (auto& mine : given) {
    threads.emplace_back([&source, &mine] {
      for (int i = 0; i < 5000; ++i) mine.push_back(source.Next());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<data::Timestamp> all;
  for (const auto& mine : given) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

TEST(LargestTimestampTest, LooksAtEverything) {
  data::Partition partition;
  EXPECT_EQ(LargestTimestamp(partition), data::kNoTimestamp);
  partition.deletion = {5, 0};
  EXPECT_EQ(LargestTimestamp(partition), 5);
  data::Row row;
  row.liveness.timestamp = 6;
  partition.rows.push_back(row);
  EXPECT_EQ(LargestTimestamp(partition), 6);
  partition.rows[0].deletion.timestamp = 7;
  EXPECT_EQ(LargestTimestamp(partition), 7);
  partition.rows[0].cells.push_back({.column = 1, .timestamp = 8});
  EXPECT_EQ(LargestTimestamp(partition), 8);
  data::Row fixed;
  fixed.cells.push_back({.column = 2, .timestamp = 9});
  partition.static_row = fixed;
  EXPECT_EQ(LargestTimestamp(partition), 9);
}

}  // namespace
}  // namespace tholos::coordinator
