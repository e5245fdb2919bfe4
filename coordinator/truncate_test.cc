#include "coordinator/truncate.h"

#include <gtest/gtest.h>

#include "base/async/when_all.h"
#include "base/errors.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

absl::Status Truncate(TestCluster& cluster, data::TableId table = TestCluster::kTable) {
  const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(5);
  return cluster.Run(0, [&] { return cluster.coordinator(0).Truncate(table, {kAll, deadline}); });
}

// Node 0 has a hint for node 2.
void WriteWithAHint(TestCluster& cluster) {
  cluster.SetAlive({0, 1});
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum).ok());
  cluster.RunFor(absl::Milliseconds(100));
  ASSERT_EQ(cluster.Metric(0, "tholos_hints_written_total"), 1);
}

TEST(TruncateTest, EmptiesAllReplicas) {
  TestCluster cluster;
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll).ok());
  const absl::Status truncated = Truncate(cluster);
  ASSERT_TRUE(truncated.ok()) << truncated;
  for (int node = 0; node < 3; ++node) EXPECT_FALSE(cluster.HasRow(node, "p", "c"));
  EXPECT_TRUE(cluster.Write(0, PutRow("p", "d", 1, "v"), kAll).ok());
  EXPECT_EQ(Show(cluster.Read(1, ReadAll("p"), kQuorum)), std::vector<std::string>{"p/d=v"});
}

// A write is acknowledged before its last replica has it; that one may take its time.
TEST(TruncateTest, WritesOnTheirWayDoNotComeInBehind) {
  TestCluster cluster;
  cluster.faults(2).apply_delay = absl::Milliseconds(300);
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum).ok());
  cluster.RunFor(absl::Milliseconds(50));
  cluster.faults(2).apply_delay = absl::ZeroDuration();
  EXPECT_FALSE(cluster.HasRow(2, "p", "c"));
  const absl::Status truncated = Truncate(cluster);
  ASSERT_TRUE(truncated.ok()) << truncated;
  cluster.RunFor(absl::Seconds(2));
  for (int node = 0; node < 3; ++node) EXPECT_FALSE(cluster.HasRow(node, "p", "c")) << node;
}

base::Task<bool> LeaveAfterASecond(RequestEpochs* epochs, RequestEpochs::Holder first,
                                   RequestEpochs::Holder* late, RequestEpochs::Holder* behind) {
  *behind = epochs->EnterOldest();
  co_await base::SleepFor(absl::Seconds(1));
  *late = epochs->Enter();
  first = {};
  co_await base::SleepFor(absl::Seconds(1));
  *behind = {};
  co_return true;
}

TEST(TruncateTest, WaitsForOlderRequestsOnly) {
  TestCluster cluster;
  const base::Clock& clock = cluster.sim_node(0).clock();
  const absl::Status status = cluster.Run(0, [&]() -> base::Task<absl::Status> {
    RequestEpochs epochs;
    RequestEpochs::Holder late, behind;
    RequestEpochs::Holder first = epochs.Enter();
    EXPECT_FALSE(co_await epochs.WaitForOlder(clock.Now() + absl::Seconds(1)));
    const base::MonotonicTime start = clock.Now();
    std::vector<base::Task<bool>> both;
    both.push_back(LeaveAfterASecond(&epochs, std::move(first), &late, &behind));
    both.push_back(epochs.WaitForOlder(start + absl::Seconds(10)));
    for (const bool ended : co_await base::WhenAll(std::move(both))) EXPECT_TRUE(ended);
    EXPECT_EQ(absl::ToInt64Milliseconds(clock.Now() - start), 2000);
    co_return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok());
}

TEST(TruncateTest, NeedsEverybody) {
  TestCluster cluster;
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kAll).ok());
  cluster.SetAlive({0, 1});
  const auto error = base::GetRequestError(Truncate(cluster));
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, base::RequestErrorKind::kUnavailable);
  EXPECT_EQ(error->required, 3u);
  EXPECT_EQ(error->alive, 2u);
  EXPECT_TRUE(cluster.HasRow(1, "p", "c"));
  cluster.SetAlive({0, 1, 2});
  cluster.network().Isolate("n2");
  EXPECT_EQ(base::GetRequestError(Truncate(cluster))->kind, base::RequestErrorKind::kTruncate);
  data::TableId unknown = TestCluster::kTable;
  unknown.bytes[0] ^= 1;
  EXPECT_EQ(base::GetRequestError(Truncate(cluster, unknown))->kind,
            base::RequestErrorKind::kInvalid);
}

// What is on its way as a hint does not come back, also if the node with the hint restarts.
TEST(TruncateTest, OlderHintsAreNotDelivered) {
  TestCluster cluster;
  WriteWithAHint(cluster);
  cluster.SetAlive({0, 1, 2});
  ASSERT_TRUE(Truncate(cluster).ok());
  cluster.PowerLoss(0);
  cluster.Boot(0);
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "d", 1, "v"), kAll).ok());
  cluster.RunFor(absl::Seconds(30));
  EXPECT_FALSE(cluster.HasRow(2, "p", "c"));
  EXPECT_TRUE(cluster.HasRow(2, "p", "d"));
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_dropped_total"), 1);
}

// One that fails before anything was emptied leaves the hints where they are.
TEST(TruncateTest, ThatEmptiesNothingLosesNoHints) {
  TestCluster cluster;
  WriteWithAHint(cluster);
  cluster.network().Isolate("n1");
  cluster.SetAlive({0, 1, 2});
  EXPECT_EQ(base::GetRequestError(Truncate(cluster))->kind, base::RequestErrorKind::kTruncate);
  cluster.network().HealAll();
  // While it lasted it was not known what would become of the hint.
  EXPECT_FALSE(cluster.HasRow(2, "p", "c"));
  cluster.RunFor(absl::Seconds(30));
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_dropped_total"), 0);
  for (int node = 0; node < 3; ++node) EXPECT_TRUE(cluster.HasRow(node, "p", "c")) << node;
}

}  // namespace
}  // namespace tholos::coordinator
