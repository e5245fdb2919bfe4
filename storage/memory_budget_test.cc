#include "storage/memory_budget.h"

#include "gtest/gtest.h"

namespace tholos::storage {
namespace {

constexpr uint64_t kMax = 1000;

TEST(MemoryBudget, TheLargestTableOfAnyShardGoesFirst) {
  MemoryBudget budget(kMax, 3);
  EXPECT_EQ(budget.ShardToFlush(), std::nullopt);
  budget.Tell(0, {.bytes = 400, .active_bytes = 400, .largest_active = 200});
  budget.Tell(1, {.bytes = 300, .active_bytes = 300, .largest_active = 300});
  budget.Tell(2, {.bytes = 300, .active_bytes = 300, .largest_active = 100});
  EXPECT_EQ(budget.bytes(), 1000u);
  EXPECT_EQ(budget.ShardToFlush(), std::nullopt) << "it is kept";
  budget.Tell(2, {.bytes = 301, .active_bytes = 301, .largest_active = 101});
  EXPECT_EQ(budget.ShardToFlush(), 1u);
  // It flushes: what it frees is still there, but no other has to flush for it.
  budget.Tell(1, {.bytes = 300, .active_bytes = 0, .largest_active = 0});
  EXPECT_EQ(budget.bytes(), 1001u);
  EXPECT_EQ(budget.ShardToFlush(), std::nullopt);
  budget.Tell(0, {.bytes = 900, .active_bytes = 900, .largest_active = 700});
  EXPECT_EQ(budget.ShardToFlush(), 0u);
  budget.Tell(1, {});
  EXPECT_EQ(budget.bytes(), 1201u);
}

TEST(MemoryBudget, AllShardsAreSlowedDownAlike) {
  MemoryBudget budget(kMax, 2);
  budget.Tell(0, {.bytes = 1999});
  EXPECT_FALSE(budget.is_full());
  budget.Tell(1, {.bytes = 1});
  EXPECT_TRUE(budget.is_full());
}

TEST(MemoryBudget, WriteDelayGrowsSmoothlyFromNothing) {
  EXPECT_EQ(WriteDelay(0, kMax), absl::ZeroDuration());
  EXPECT_EQ(WriteDelay(1500, kMax), absl::ZeroDuration());
  absl::Duration before;
  for (uint64_t bytes = 1501; bytes <= 2000; ++bytes) {
    const absl::Duration delay = WriteDelay(bytes, kMax);
    EXPECT_GT(delay, before);
    EXPECT_LT(delay - before, absl::Microseconds(100)) << bytes;
    before = delay;
  }
  EXPECT_EQ(WriteDelay(2000, kMax), absl::Milliseconds(20));
  EXPECT_EQ(WriteDelay(9000, kMax), absl::Milliseconds(20));
}

TEST(MemoryBudget, KnowsOfAFullDiskOnAnyShard) {
  MemoryBudget budget(kMax, 2);
  EXPECT_FALSE(budget.disk_full());
  budget.TellDiskFull(1, true);
  EXPECT_TRUE(budget.disk_full());
  budget.TellDiskFull(1, false);
  EXPECT_FALSE(budget.disk_full());
}

TEST(MemoryBudget, WakesShards) {
  MemoryBudget budget(kMax, 2);
  int woken[2] = {};
  budget.Wake(0);
  for (uint32_t i = 0; i < 2; ++i) budget.SetWaker(i, [&woken, i] { ++woken[i]; });
  budget.Wake(1);
  budget.WakeAll();
  budget.SetWaker(0, nullptr);
  budget.WakeAll();
  EXPECT_EQ(woken[0], 1);
  EXPECT_EQ(woken[1], 3);
}

}  // namespace
}  // namespace tholos::storage
