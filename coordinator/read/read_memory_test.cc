#include "coordinator/read/read_memory.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "base/errors.h"
#include "base/sim/simulation.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

class ReadMemoryTest : public testing::Test {
 protected:
  using Waited = std::shared_ptr<std::optional<absl::StatusOr<ReadMemory::Room>>>;

  void On(std::function<void()> what) {
    bool done = false;
    shard().Post([&] {
      what();
      done = true;
    });
    ASSERT_TRUE(cluster_.RunUntil([&] { return done; }, absl::Seconds(1)));
  }
  Waited Wait(int64_t bytes, absl::Duration patience) {
    auto waited = std::make_shared<std::optional<absl::StatusOr<ReadMemory::Room>>>();
    On([&] {
      const base::Deadline deadline = cluster_.sim_node(0).clock().Now() + patience;
      base::SpawnDetached(shard(), internal::AwaitInto(memory_.Wait(bytes, deadline), waited));
    });
    cluster_.RunFor(absl::Milliseconds(1));
    return waited;
  }
  base::Loop& shard() { return cluster_.sim_node(0).executor().shard(0); }

  TestCluster cluster_{{.nodes = 1, .replication_factor = 1}};
  base::Metrics metrics_;
  base::Gauge& held_ = metrics_.AddGauge("held", "");
  base::Gauge& held_max_ = metrics_.AddGauge("held_max", "");
  ReadMemory memory_{100, held_, held_max_};
};

TEST_F(ReadMemoryTest, TurnsComeInOrderAndWhoIsLateIsRefused) {
  ReadMemory::Room first;
  On([&] { first = memory_.TryTake(60); });
  EXPECT_TRUE(first);
  const Waited large = Wait(80, absl::Seconds(10));
  const Waited late = Wait(90, absl::Seconds(2));
  const Waited small = Wait(10, absl::Seconds(10));
  EXPECT_FALSE(large->has_value());
  On([&] { EXPECT_FALSE(memory_.TryTake(10)) << "others wait"; });
  EXPECT_EQ(memory_.waiting(), 3u);
  On([&] { first.Release(); });
  cluster_.RunFor(absl::Milliseconds(1));
  ASSERT_TRUE(large->has_value() && (*large)->ok());
  EXPECT_FALSE(small->has_value()) << "behind the second";
  cluster_.RunFor(absl::Seconds(3));
  ASSERT_TRUE(late->has_value());
  EXPECT_EQ(base::GetRequestError((*late)->status())->kind, base::RequestErrorKind::kOverloaded);
  ASSERT_TRUE(small->has_value() && (*small)->ok()) << "the one before it gave up";
  EXPECT_EQ(memory_.held(), 90);
  On([&] {
    large->reset();
    small->reset();
  });
  EXPECT_EQ(memory_.held(), 0);
  EXPECT_EQ(held_.value(), 0);
  EXPECT_EQ(held_max_.value(), 90);
}

TEST_F(ReadMemoryTest, MoreThanThereIsComesAlone) {
  ReadMemory::Room first;
  On([&] { first = memory_.TryTake(1); });
  const Waited huge = Wait(1000, absl::Seconds(10));
  EXPECT_FALSE(huge->has_value());
  On([&] { first.Release(); });
  cluster_.RunFor(absl::Milliseconds(1));
  ASSERT_TRUE(huge->has_value() && (*huge)->ok());
  On([&] { EXPECT_FALSE(memory_.TryTake(1)); });
  On([&] {
    const ReadMemory::Room beyond = memory_.Take(50);
    EXPECT_EQ(memory_.held(), 1050);
  });
  On([&] { huge->reset(); });
  On([&] { EXPECT_TRUE(memory_.TryTake(100)); });
}

TEST_F(ReadMemoryTest, TheQueueIsBounded) {
  ReadMemory::Room first;
  On([&] { first = memory_.TryTake(100); });
  std::vector<Waited> waiting;
  for (size_t i = 0; i < ReadMemory::kWaitingMax; ++i) waiting.push_back(Wait(1, absl::Minutes(9)));
  const Waited refused = Wait(1, absl::Minutes(9));
  ASSERT_TRUE(refused->has_value());
  EXPECT_EQ(base::GetRequestError((*refused)->status())->kind, base::RequestErrorKind::kOverloaded);
  On([&] { waiting.clear(); });
  On([&] { first.Release(); });
  EXPECT_TRUE(cluster_.RunUntil([&] { return memory_.held() == 0; }, absl::Seconds(1)));
}

TEST(ReadSizesTest, TheLargestOfLate) {
  using enum ReadSizes::Kind;
  ReadSizes sizes;
  const data::TableId table = TestCluster::kTable;
  EXPECT_EQ(sizes.Expected(table, kRange), 1 << 20);
  EXPECT_EQ(sizes.Expected(table, kPartition), 32 << 10);
  sizes.Observe(table, kPartition, 16 << 20);
  EXPECT_EQ(sizes.Expected(table, kPartition), 16 << 20);
  for (int i = 0; i < 100; ++i) sizes.Observe(table, kPartition, 1000);
  EXPECT_EQ(sizes.Expected(table, kPartition), 1000);
  EXPECT_EQ(sizes.Expected(table, kRange), 1 << 20);
  EXPECT_EQ(ReadSizes::LimitFor(1000, 1 << 20), kSmallRead);
  EXPECT_EQ(ReadSizes::LimitFor(100'000, 1 << 20), 200'000);
  EXPECT_EQ(ReadSizes::LimitFor(600'000, 1 << 20), 1 << 20);
  EXPECT_EQ(ReadSizes::LimitFor(8 << 20, 1 << 20), 9 << 20);
  EXPECT_EQ(ReadSizes::LimitFor(int64_t{1} << 40, 1 << 20), static_cast<int64_t>(kRowBytesMax));
}

}  // namespace
}  // namespace tholos::coordinator
