#include "coordinator/truncate.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

absl::Status Truncate(TestCluster& cluster, data::TableId table = TestCluster::kTable) {
  const base::Deadline deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(5);
  return cluster.Run(0, [&] { return cluster.coordinator(0).Truncate(table, {kAll, deadline}); });
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
  cluster.SetAlive({0, 1});
  ASSERT_TRUE(cluster.Write(0, PutRow("p", "c", 1, "v"), kQuorum).ok());
  cluster.RunFor(absl::Milliseconds(100));
  ASSERT_EQ(cluster.Metric(0, "tholos_hints_written_total"), 1);
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

}  // namespace
}  // namespace tholos::coordinator
