#include "cluster/membership.h"

#include <cstdio>

#include "cluster/testing_cluster.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cluster {
namespace {

using base::sim::SeedFromEnvironment;
using testing::Contains;
using testing::HasSubstr;

constexpr uint64_t kSeeds = 10;

// The shares of the token space that the nodes are primary for, as node n sees it.
std::vector<double> PrimaryShares(TestingCluster* cluster, int n) {
  data::KeyspaceSchema keyspace{"one", {{"class", "SimpleStrategy"}, {"replication_factor", "1"}}};
  const auto schema =
      std::make_shared<const data::Schema>(*data::Schema().WithKeyspace(keyspace, 1));
  const auto& nodes = (*cluster)[n].holder.Get()->nodes();
  std::vector<ring::NodeInfo> infos;
  for (const auto& [id, node] : nodes) infos.push_back(node);
  const auto state = ring::ClusterState::Make(1, infos, schema);
  std::vector<double> shares;
  for (const auto& [id, node] : nodes) shares.push_back(*state->Ownership("one", id));
  return shares;
}

TEST(Membership, OneNodeIsACluster) {
  TestingCluster cluster(SeedFromEnvironment());
  cluster.seeds = {};
  cluster.Boot(1);
  EXPECT_LE(cluster.Agree(1), absl::Seconds(1));
  EXPECT_EQ(cluster[1].holder.Get()->nodes().begin()->second.tokens.size(), 16u);
  EXPECT_GE(cluster[1].holder.Get()->epoch(), 1u);
}

TEST(Membership, ThreeSeedsStartedAtOnceShareEqually) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    TestingCluster cluster(seed);
    for (int n = 1; n <= 3; ++n) cluster.Boot(n);
    const absl::Duration took = cluster.Agree(3);
    EXPECT_LE(took, absl::Seconds(8)) << "seed " << seed;
    if (seed == 1) std::printf("three nodes up in %s\n", absl::FormatDuration(took).c_str());
    for (const double share : PrimaryShares(&cluster, 1)) EXPECT_NEAR(share, 1.0 / 3, 1e-6);
  }
}

TEST(Membership, SeedsStartedOneAfterAnotherShareEqually) {
  TestingCluster cluster(SeedFromEnvironment());
  for (int n = 1; n <= 3; ++n) {
    cluster.Boot(n);
    cluster.simulation.RunFor(absl::Seconds(15));
  }
  EXPECT_LE(cluster.Agree(3), absl::Seconds(5));
  for (const double share : PrimaryShares(&cluster, 3)) EXPECT_NEAR(share, 1.0 / 3, 1e-6);
}

TEST(Membership, OtherNodesTakeTheirShare) {
  TestingCluster cluster(SeedFromEnvironment());
  cluster.seeds = {TestingCluster::Address(1)};
  for (int n = 1; n <= 5; ++n) {
    cluster.Boot(n);
    ASSERT_LE(cluster.Agree(static_cast<size_t>(n)), absl::Minutes(1)) << n;
  }
  for (const double share : PrimaryShares(&cluster, 5)) EXPECT_NEAR(share, 0.2, 0.02);
}

TEST(Membership, AllFiveAtOnceWithLossComeUp) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    TestingCluster cluster(seed);
    cluster.network.defaults().loss = 0.1;
    for (int n = 1; n <= 5; ++n) cluster.Boot(n);
    EXPECT_LE(cluster.Agree(5), absl::Minutes(1)) << "seed " << seed;
  }
}

TEST(Membership, ARestartedNodeKnowsTheRingAtOnce) {
  TestingCluster cluster(SeedFromEnvironment());
  for (int n = 1; n <= 3; ++n) cluster.Boot(n);
  ASSERT_LE(cluster.Agree(3), absl::Minutes(1));
  const auto before = cluster[1].holder.Get()->nodes();
  cluster.simulation.RunFor(absl::Seconds(5));
  for (int n = 1; n <= 3; ++n) cluster.Kill(n, /*power_loss=*/true);
  cluster.Boot(2);
  cluster.simulation.RunUntil([&] { return cluster[2].started.ok(); }, absl::Seconds(10));
  EXPECT_EQ(cluster[2].holder.Get()->nodes(), before) << "alone";
  cluster.Boot(1);
  cluster.Boot(3);
  EXPECT_LE(cluster.Agree(3), absl::Seconds(10));
  EXPECT_EQ(cluster[1].holder.Get()->nodes(), before);
}

TEST(Membership, AnOrderlyStopAndStart) {
  TestingCluster cluster(SeedFromEnvironment());
  for (int n = 1; n <= 3; ++n) cluster.Boot(n);
  ASSERT_LE(cluster.Agree(3), absl::Minutes(1));
  cluster.Stop(2);
  EXPECT_LE(cluster.Agree(3), absl::Seconds(1)) << "still in the ring, known to be down";
  cluster.Boot(2);
  EXPECT_LE(cluster.Agree(3), absl::Seconds(5));
}

TEST(Membership, WithoutASeedANodeGivesUp) {
  TestingCluster cluster(SeedFromEnvironment());
  cluster.Boot(4);
  cluster.simulation.RunFor(absl::Minutes(2));
  EXPECT_EQ(cluster[4].started.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(cluster[4].started.ToString(), HasSubstr("n1:7000, n2:7000, n3:7000"));
}

// A power loss at every disk operation of a first start: the next start succeeds, and the ring is
// that of three nodes.
TEST(Membership, AFirstStartSurvivesAPowerLossAtEveryOperation) {
  int crashes = 0;
  for (uint64_t operation = 1; operation < 200; ++operation) {
    TestingCluster cluster(operation);
    cluster.Boot(1);
    cluster.Boot(2);
    cluster.Node(3).files().CrashAtOperation(operation);
    cluster.Boot(3);
    cluster.simulation.RunFor(absl::Seconds(15));
    if (cluster.Node(3).running()) break;
    ++crashes;
    cluster.Node(3).files().CancelCrash();
    cluster.processes.erase(3);
    cluster.Boot(3);
    EXPECT_LE(cluster.Agree(3), absl::Minutes(1)) << "operation " << operation;
  }
  EXPECT_GT(crashes, 10);
}

}  // namespace
}  // namespace tholos::cluster
