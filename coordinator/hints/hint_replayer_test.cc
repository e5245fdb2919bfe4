// The life of hints in a cluster: written, delivered, dropped, and what crashes leave of them.
#include "coordinator/hints/hint_replayer.h"

#include <gtest/gtest.h>

#include "coordinator/testing/test_cluster.h"

namespace tholos::coordinator {
namespace {

using enum ConsistencyLevel;

bool HasAll(TestCluster& cluster, int node, int from, int to) {
  for (int i = from; i < to; ++i) {
    if (!cluster.HasRow(node, "p", absl::StrCat("c", i))) return false;
  }
  return true;
}

void WriteRows(TestCluster& cluster, int coordinator, int from, int to,
               ConsistencyLevel level = kQuorum) {
  for (int i = from; i < to; ++i) {
    ASSERT_TRUE(
        cluster.Write(coordinator, PutRow("p", absl::StrCat("c", i), i + 1, "v"), level).ok());
  }
}

TEST(HintReplayTest, ANodeThatIsBackGetsWhatItMissed) {
  TestCluster cluster;
  cluster.Kill(2);
  cluster.SetAlive({0, 1});
  WriteRows(cluster, 0, 0, 20);
  cluster.Boot(2);
  EXPECT_FALSE(cluster.HasRow(2, "p", "c0"));
  cluster.SetAlive({0, 1, 2});
  cluster.RunFor(absl::Seconds(3));
  EXPECT_TRUE(HasAll(cluster, 2, 0, 20));
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_delivered_total"), 20);
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_bytes"), 0) << "delivered files are removed";
}

TEST(HintReplayTest, ATimeoutAndAnErrorLeaveHintsToo) {
  TestCluster cluster;
  cluster.network().Isolate("n2");
  WriteRows(cluster, 0, 0, 3);
  cluster.RunFor(absl::Seconds(5));
  cluster.network().HealAll();
  cluster.faults(2).apply_error = absl::ResourceExhaustedError("disk full");
  WriteRows(cluster, 0, 3, 6);
  cluster.RunFor(absl::Seconds(5));
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_written_total"), 6);
  cluster.faults(2) = {};
  cluster.RunFor(absl::Seconds(20));
  EXPECT_TRUE(HasAll(cluster, 2, 0, 6));
}

TEST(HintReplayTest, AnyIsDurableInAHintAlone) {
  TestCluster cluster({.nodes = 4, .replication_factor = 1});
  const auto replica = cluster.state()->ReplicasOf(TestCluster::kKeyspace, data::TokenOf("p"));
  const int owner = replica->at(0).bytes[15] - 1;
  const int other = (owner + 1) % 4;
  cluster.PowerLoss(owner);
  std::vector<int> living;
  for (int node = 0; node < 4; ++node) {
    if (node != owner) living.push_back(node);
  }
  cluster.SetAlive(living);
  WriteRows(cluster, other, 0, 5, kAny);
  // Acknowledged: it survives the loss of power of the only node that knows of it.
  cluster.PowerLoss(other);
  cluster.Boot(other);
  cluster.Boot(owner);
  cluster.SetAlive({0, 1, 2, 3});
  cluster.RunFor(absl::Seconds(3));
  EXPECT_TRUE(HasAll(cluster, owner, 0, 5));
}

TEST(HintReplayTest, AnyFailsIfNothingHoldsTheWrite) {
  TestCluster cluster({.nodes = 4, .replication_factor = 1});
  const auto replica = cluster.state()->ReplicasOf(TestCluster::kKeyspace, data::TokenOf("p"));
  const int owner = replica->at(0).bytes[15] - 1;
  const int other = (owner + 1) % 4;
  cluster.faults(owner).apply_error = absl::InternalError("broken");
  cluster.sim_node(other).files().FailNext(
      {.op = base::sim::DiskOp::kSync, .path_contains = "hints"});
  EXPECT_FALSE(cluster.Write(other, PutRow("p", "c", 1, "v"), kAny).ok());
  EXPECT_TRUE(cluster.Write(other, PutRow("p", "c", 1, "v"), kAny).ok());
}

TEST(HintReplayTest, TheMutantLosesThem) {
  TestClusterOptions options;
  options.coordinator.faults.hints_dropped = true;
  TestCluster cluster(options);
  cluster.SetAlive({0, 1});
  cluster.Kill(2);
  WriteRows(cluster, 0, 0, 3);
  cluster.Boot(2);
  cluster.SetAlive({0, 1, 2});
  cluster.RunFor(absl::Seconds(10));
  EXPECT_FALSE(HasAll(cluster, 2, 0, 3));
}

// Two shards coordinate writes of 500 bytes; both deliver.
TEST(HintReplayTest, TheRateIsThatOfAllShardsTogether) {
  TestClusterOptions options;
  options.coordinator.hints.replay_bytes_per_second = 20000;
  TestCluster cluster(options);
  cluster.Kill(2);
  cluster.SetAlive({0, 1});
  for (int i = 0; i < 400; ++i) {
    const absl::Status written = cluster.Run(0, [&]() -> base::Task<absl::Status> {
      base::Executor& executor = cluster.sim_node(0).executor();
      co_await base::SwitchTo(executor.shard(i % 2));
      absl::Status status = co_await cluster.coordinator(0).Write(
          PutRow("p", absl::StrCat("c", i), i + 1, std::string(500, 'x')),
          {.consistency = kQuorum,
           .deadline = cluster.sim_node(0).clock().Now() + absl::Seconds(2)});
      co_await base::SwitchTo(executor.shard(0));
      co_return status;
    });
    ASSERT_TRUE(written.ok()) << written;
  }
  cluster.Boot(2);
  cluster.SetAlive({0, 1, 2});
  cluster.RunFor(absl::Seconds(4));
  const double delivered = cluster.Metric(0, "tholos_hints_delivered_total");
  EXPECT_GT(delivered, 30);
  EXPECT_LT(delivered, 230) << "4 s of 20000 bytes of over 500, and a batch of each shard";
  cluster.RunFor(absl::Seconds(20));
  EXPECT_TRUE(HasAll(cluster, 2, 0, 400)) << "of both shards";
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_bytes"), 0);
}

TEST(HintReplayTest, ATargetThatTakesAFewAtATimeGetsAllInTheEnd) {
  TestCluster cluster;
  cluster.Kill(2);
  cluster.SetAlive({0, 1});
  const std::string value(500, 'x');
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(cluster.Write(0, PutRow("p", absl::StrCat("c", i), i + 1, value), kQuorum).ok());
  cluster.network().link("n0", "n2").queue_bytes_max = 2200;
  cluster.Boot(2);
  cluster.SetAlive({0, 1, 2});
  cluster.RunFor(absl::Minutes(1));
  EXPECT_TRUE(HasAll(cluster, 2, 0, 20));
}

TEST(HintReplayTest, ATargetThatFallsAgainIsLeftAloneAndTheRestComesLater) {
  TestClusterOptions options;
  options.coordinator.hints.replay_bytes_per_second = 20000;
  TestCluster cluster(options);
  cluster.Kill(2);
  cluster.SetAlive({0, 1});
  const std::string value(500, 'x');
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(cluster.Write(0, PutRow("p", absl::StrCat("c", i), i + 1, value), kQuorum).ok());
  }
  cluster.Boot(2);
  cluster.SetAlive({0, 1, 2});
  cluster.RunFor(absl::Seconds(4));
  const double delivered = cluster.Metric(0, "tholos_hints_delivered_total");
  EXPECT_GT(delivered, 30) << "some";
  EXPECT_LT(delivered, 200) << "at the bounded rate: 4 s of 20000 bytes of over 500";
  cluster.Kill(2);
  cluster.SetAlive({0, 1});
  cluster.RunFor(absl::Seconds(30));
  EXPECT_LT(cluster.Metric(0, "tholos_hints_delivered_total"), delivered + 65)
      << "nothing goes to a dead node";
  cluster.Boot(2);
  cluster.SetAlive({0, 1, 2});
  cluster.RunFor(absl::Seconds(60));
  EXPECT_TRUE(HasAll(cluster, 2, 0, 400));
}

TEST(HintReplayTest, OldHintsAreDroppedNotDelivered) {
  TestClusterOptions options;
  options.coordinator.hints.age_max = absl::Minutes(5);
  TestCluster cluster(options);
  cluster.Kill(2);
  cluster.SetAlive({0, 1});
  WriteRows(cluster, 0, 0, 3);
  cluster.RunFor(absl::Minutes(6));
  WriteRows(cluster, 0, 3, 6);
  cluster.Boot(2);
  cluster.SetAlive({0, 1, 2});
  cluster.RunFor(absl::Seconds(5));
  EXPECT_FALSE(cluster.HasRow(2, "p", "c0"));
  EXPECT_TRUE(HasAll(cluster, 2, 3, 6));
  EXPECT_EQ(cluster.Metric(0, "tholos_hints_dropped_total"), 3);
}

// The coordinator's power fails again and again, while it writes and while it delivers.
TEST(HintReplayTest, CrashesOfTheCoordinatorLoseNothingAcknowledgedAtAny) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    TestClusterOptions options{.seed = seed};
    options.coordinator.hints.file_bytes = 500;
    options.coordinator.hints.replay_bytes_per_second = 2000;
    TestCluster cluster(options);
    base::RandomStream random(seed);
    cluster.PowerLoss(1);
    cluster.PowerLoss(2);
    cluster.SetAlive({0});
    int written = 0;
    for (int crash = 0; crash < 3; ++crash) {
      WriteRows(cluster, 0, written, written + 10, kAny);
      written += 10;
      cluster.PowerLoss(0);
      cluster.Boot(0);
    }
    cluster.Boot(1);
    cluster.Boot(2);
    cluster.SetAlive({0, 1, 2});
    for (int crash = 0; crash < 3; ++crash) {
      cluster.RunFor(absl::Milliseconds(static_cast<int64_t>(random.Below(1500))));
      cluster.PowerLoss(0);
      cluster.Boot(0);
    }
    cluster.RunFor(absl::Seconds(20));
    // A write is in node 0's own copy or in a hint, if not in both.
    const auto page = cluster.Read(1, ReadAll("p"), kAll);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_EQ(page->partitions.at(0).rows.size(), static_cast<size_t>(written));
  }
}

TEST(HintReplayTest, TheHintForThisNodeItself) {
  TestCluster cluster;
  cluster.faults(0).apply_error = absl::ResourceExhaustedError("disk full");
  WriteRows(cluster, 0, 0, 3);
  cluster.RunFor(absl::Seconds(1));
  EXPECT_FALSE(cluster.HasRow(0, "p", "c0"));
  cluster.faults(0) = {};
  cluster.RunFor(absl::Seconds(20));
  EXPECT_TRUE(HasAll(cluster, 0, 0, 3));
}

}  // namespace
}  // namespace tholos::coordinator
