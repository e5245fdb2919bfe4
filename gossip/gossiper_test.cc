#include "gossip/gossiper.h"

#include <cstdio>

#include "gmock/gmock.h"
#include "gossip/testing_cluster.h"
#include "gtest/gtest.h"

namespace tholos::gossip {
namespace {

using base::sim::SeedFromEnvironment;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr auto Id = TestingCluster::Id;

void BootAll(TestingCluster* cluster, int count) {
  for (int n = 1; n <= count; ++n) cluster->Boot(n);
}

TEST(Gossiper, TenNodesFindEachOther) {
  for (const double loss : {0.0, 0.1, 0.3}) {
    TestingCluster cluster(SeedFromEnvironment());
    cluster.network.defaults().loss = loss;
    BootAll(&cluster, 10);
    const absl::Duration took = cluster.Settle(absl::Minutes(2));
    std::printf("loss %.0f %%: ten nodes settled in %s\n", loss * 100,
                absl::FormatDuration(took).c_str());
    EXPECT_LE(took, loss == 0 ? absl::Seconds(8) : absl::Seconds(60));
  }
}

// Each asks those that listen already.
TEST(Gossiper, NodesStartedOneByOneSettleAtOnce) {
  TestingCluster cluster(SeedFromEnvironment());
  for (int n = 1; n <= 3; ++n) {
    cluster.Boot(n);
    EXPECT_LE(cluster.Settle(absl::Minutes(1)), absl::Milliseconds(n == 1 ? 1 : 100)) << n;
  }
}

// Whoever is asked before it listens may not even refuse: the next rounds find it.
TEST(Gossiper, NodesStartedAtOneInstantSettleWithinThreeRounds) {
  absl::Duration worst;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    TestingCluster cluster(seed);
    BootAll(&cluster, 3);
    worst = std::max(worst, cluster.Settle(absl::Minutes(1)));
  }
  std::printf("three nodes settled within %s\n", absl::FormatDuration(worst).c_str());
  EXPECT_LT(worst, absl::Seconds(3));
}

TEST(Gossiper, ValuesSpread) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 5);
  cluster.Settle(absl::Minutes(1));
  cluster[5].gossiper.SetOwn(StateKey::kLoad, "12345");
  const auto spread = [&] {
    for (int n = 1; n <= 5; ++n) {
      if (cluster[n].gossiper.state().Find(Id(5))->Get(StateKey::kLoad) != "12345") return false;
    }
    return true;
  };
  EXPECT_EQ(cluster.simulation.RunUntil(spread, absl::Seconds(15)),
            base::sim::Simulation::Outcome::kReached);
}

TEST(Gossiper, LossAndDelayMakeNobodyFlap) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 5);
  ASSERT_LE(cluster.Settle(absl::Minutes(1)), absl::Minutes(1));
  cluster.network.defaults().loss = 0.3;
  cluster.network.defaults().slow_messages = 0.2;
  cluster.network.defaults().slow = absl::Milliseconds(800);
  cluster.simulation.RunFor(absl::Minutes(10));
  EXPECT_EQ(cluster.Deaths(), 0);
  EXPECT_TRUE(cluster.Settled());
}

TEST(Gossiper, AKilledProcessIsFoundWithinSeconds) {
  absl::Duration worst;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TestingCluster cluster(seed);
    cluster.network.refusals = 1;
    BootAll(&cluster, 3);
    ASSERT_LE(cluster.Settle(absl::Minutes(1)), absl::Minutes(1));
    cluster.simulation.RunFor(absl::Seconds(20));
    cluster.Kill(3);
    const absl::Duration took = cluster.Settle(absl::Minutes(2));
    worst = std::max(worst, took);
    EXPECT_LE(took, absl::Seconds(4)) << "seed " << seed;
  }
  std::printf("a killed process was found dead by both peers within %s\n",
              absl::FormatDuration(worst).c_str());
}

TEST(Gossiper, ASuspectIsProbedAtOnce) {
  TestingCluster cluster(SeedFromEnvironment());
  cluster.network.refusals = 1;
  BootAll(&cluster, 3);
  cluster.Settle(absl::Minutes(1));
  cluster.Kill(3);
  cluster[1].liveness.Suspect(Id(3));
  const base::MonotonicTime begin = cluster.simulation.now();
  cluster.simulation.RunUntil([&] { return !cluster[1].liveness.IsAlive(Id(3)); },
                              absl::Minutes(1));
  EXPECT_LE(cluster.simulation.now() - begin, absl::Milliseconds(1300));
  cluster[1].liveness.Suspect(Id(2));
  cluster.simulation.RunFor(absl::Seconds(5));
  EXPECT_TRUE(cluster[1].liveness.IsAlive(Id(2)));
}

TEST(Gossiper, ASilentMachineIsFoundByPhi) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 4);
  cluster.Settle(absl::Minutes(1));
  cluster.simulation.RunFor(absl::Minutes(2));
  cluster.network.Isolate("n4");
  const base::MonotonicTime cut = cluster.simulation.now();
  const auto found = [&] {
    for (int n = 1; n <= 3; ++n) {
      if (cluster[n].liveness.IsAlive(Id(4))) return false;
    }
    return true;
  };
  ASSERT_EQ(cluster.simulation.RunUntil(found, absl::Minutes(2)),
            base::sim::Simulation::Outcome::kReached);
  const absl::Duration took = cluster.simulation.now() - cut;
  std::printf("a silent machine was found dead after %s\n", absl::FormatDuration(took).c_str());
  EXPECT_GE(took, absl::Seconds(10));
  EXPECT_LE(took, absl::Seconds(45));
  cluster.network.HealAll();
  EXPECT_LE(cluster.Settle(absl::Minutes(1)), absl::Seconds(20));
}

TEST(Gossiper, HalvesOfAPartitionFindEachOtherAgain) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 6);
  cluster.Settle(absl::Minutes(1));
  for (const int a : {1, 3, 5}) {
    for (const int b : {2, 4, 6}) {
      cluster.network.Cut(TestingCluster::Name(a), TestingCluster::Name(b));
      cluster.network.Cut(TestingCluster::Name(b), TestingCluster::Name(a));
    }
  }
  cluster.simulation.RunFor(absl::Minutes(2));
  EXPECT_EQ(cluster[1].liveness.Snapshot()->size(), 3u);
  EXPECT_EQ(cluster[2].liveness.Snapshot()->size(), 3u);
  cluster.network.HealAll();
  EXPECT_LE(cluster.Settle(absl::Minutes(2)), absl::Seconds(30));
}

TEST(Gossiper, AShutdownIsKnownAtOnce) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 3);
  cluster.Settle(absl::Minutes(1));
  cluster.Stop(2);
  EXPECT_LE(cluster.Settle(absl::Minutes(1)), absl::Milliseconds(10));
  cluster.simulation.RunFor(absl::Minutes(1));
  EXPECT_TRUE(cluster.Settled()) << "it stays down";
  cluster.Boot(2);
  EXPECT_LE(cluster.Settle(absl::Minutes(1)), absl::Seconds(5));
}

TEST(Gossiper, ARestartIsANewLife) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 3);
  cluster.Settle(absl::Minutes(1));
  cluster[3].gossiper.SetOwn(StateKey::kLoad, "1");
  cluster.simulation.RunFor(absl::Seconds(30));
  cluster.Kill(3);
  cluster.Node(3).clock().StepWall(-absl::Hours(1));
  cluster.Boot(3);
  EXPECT_LE(cluster.Settle(absl::Minutes(1)), absl::Seconds(5));
  EXPECT_EQ(cluster[1].gossiper.state().Find(Id(3))->Get(StateKey::kLoad), "");
  EXPECT_EQ(cluster[1].Count(PeerEvent::Kind::kDead), 1) << "the old life ended";
  EXPECT_THAT(cluster.Node(1).log().lines(), Contains(HasSubstr("restarted")));
}

TEST(Gossiper, ANodeMayMove) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 3);
  cluster.Settle(absl::Minutes(1));
  cluster.Kill(3);
  cluster.Boot(3, {"elsewhere", 7001}, "test", Id(3));
  EXPECT_LE(cluster.Settle(absl::Minutes(1)), absl::Seconds(5));
  EXPECT_EQ(cluster[1].gossiper.AddressOf(Id(3))->ToString(), "elsewhere:7001");
}

TEST(Gossiper, AnotherClustersNodeIsRefused) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 2);
  cluster.Settle(absl::Minutes(1));
  cluster.Boot(3, TestingCluster::Address(3), "other", Id(3));
  cluster.simulation.RunFor(absl::Minutes(1));
  EXPECT_EQ(cluster[1].gossiper.state().Find(Id(3)), nullptr);
  EXPECT_EQ(cluster[3].gossiper.state().Find(Id(1)), nullptr);
  EXPECT_THAT(cluster.Node(1).log().lines(),
              Contains(HasSubstr("its cluster name \"other\" is not \"test\"")));
  EXPECT_THAT(cluster.Node(3).log().lines(), Contains(HasSubstr("refuses to gossip")));
}

// What nodes 3 and 4 logged in a minute, when both are started with the host id of node 3.
std::vector<std::string> LinesOfCopies(int64_t generation_of_copy) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 3);
  cluster.Settle(absl::Minutes(1));
  cluster.generations[4] = generation_of_copy - 1;
  cluster.Boot(4, TestingCluster::Address(4), "test", Id(3));
  cluster.simulation.RunFor(absl::Minutes(1));
  std::vector<std::string> lines(cluster.Node(3).log().lines().begin(),
                                 cluster.Node(3).log().lines().end());
  lines.insert(lines.end(), cluster.Node(4).log().lines().begin(),
               cluster.Node(4).log().lines().end());
  return lines;
}

TEST(Gossiper, ACopiedDataDirectoryIsComplainedOf) {
  EXPECT_THAT(LinesOfCopies(/*generation_of_copy=*/2),
              Contains(HasSubstr("another node has this node's host id")));
}

TEST(Gossiper, CopiesStartedInTheSameSecondAreComplainedOf) {
  EXPECT_THAT(LinesOfCopies(/*generation_of_copy=*/1),
              Contains(HasSubstr("refuses to gossip: host id " + Id(3).ToString() +
                                 " is taken by the node at ")));
}

TEST(Gossiper, RememberedPeersAreContactedWithoutSeeds) {
  TestingCluster cluster(SeedFromEnvironment());
  // n1 and n2 are the seeds; they are down.
  cluster.Boot(3);
  cluster.Boot(4);
  cluster.simulation.RunFor(absl::Seconds(20));
  EXPECT_FALSE(cluster.Settled());
  cluster[3].gossiper.Remember(Id(4),
                               {{StateKey::kInternode, TestingCluster::Address(4).ToString()}});
  EXPECT_LE(cluster.Settle(absl::Minutes(1)), absl::Seconds(10));
}

base::Task<void> AskInto(TestingCluster::Process* process, std::optional<SeedAnswers>* out) {
  THOLOS_CHECK_OK(co_await process->transport.Start());
  *out = co_await process->gossiper.AskSeeds();
}

// What node n learns of the seeds in a shadow round under `id`.
SeedAnswers AskSeedsAs(TestingCluster* cluster, int n, NodeId id,
                       TestingCluster::Process** process) {
  base::sim::SimNode& machine = cluster->simulation.AddNode(TestingCluster::Name(n), {});
  machine.Boot();
  const GossiperOptions options{.cluster_name = "test",
                                .seeds = {TestingCluster::Address(1), TestingCluster::Address(2)}};
  *process = &machine.Own(std::make_unique<TestingCluster::Process>(
      *cluster, machine, TestingCluster::Address(n), options, id, 1));
  std::optional<SeedAnswers> answers;
  machine.Spawn(AskInto(*process, &answers));
  cluster->simulation.RunUntil([&] { return answers.has_value(); }, absl::Minutes(1));
  return *answers;
}

TEST(Gossiper, TheShadowRoundLearnsWithoutAnnouncing) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 2);
  cluster.Settle(absl::Minutes(1));
  TestingCluster::Process* process = nullptr;
  const SeedAnswers answers = AskSeedsAs(&cluster, 9, Id(9), &process);
  EXPECT_EQ(answers.asked, 2);
  EXPECT_EQ(answers.answered, 2);
  EXPECT_TRUE(answers.rejection.ok());
  EXPECT_NE(process->gossiper.state().Find(Id(2)), nullptr);
  EXPECT_EQ(cluster[1].gossiper.state().Find(Id(9)), nullptr);
  EXPECT_THAT(AskSeedsAs(&cluster, 8, Id(1), &process).rejection.ToString(), HasSubstr("host id"))
      << "the id is taken";
}

base::Task<void> SendGarbage(rpc::Transport* transport, base::Endpoint to, int* errors) {
  for (const rpc::Verb verb : {rpc::Verb::kGossipSyn, rpc::Verb::kGossipAck, rpc::Verb::kEcho}) {
    for (const std::string body : {"", "x", "\x01garbage that is long enough to have a checksum"}) {
      const auto answer =
          co_await transport->Call({.to = to, .verb = verb, .body = body},
                                   base::Loop::Current().clock().Now() + absl::Seconds(1));
      *errors += absl::IsDataLoss(answer.status());
    }
  }
}

TEST(Gossiper, MalformedMessagesAreRefusedAndCounted) {
  TestingCluster cluster(SeedFromEnvironment());
  BootAll(&cluster, 2);
  cluster.Settle(absl::Minutes(1));
  int errors = 0;
  cluster.Node(2).Spawn(SendGarbage(&cluster[2].transport, TestingCluster::Address(1), &errors));
  cluster.simulation.RunFor(absl::Seconds(10));
  EXPECT_EQ(errors, 9);
  EXPECT_THAT(cluster[1].metrics.RenderText(),
              HasSubstr("tholos_gossip_malformed_messages_total 9"));
  EXPECT_TRUE(cluster.Settled());
}

TEST(Gossiper, OneSeedIsOneHistory) {
  uint64_t hashes[2];
  for (uint64_t& hash : hashes) {
    TestingCluster cluster(77);
    cluster.network.defaults().loss = 0.1;
    BootAll(&cluster, 5);
    cluster.simulation.RunFor(absl::Seconds(30));
    cluster.Kill(2);
    cluster.simulation.RunFor(absl::Seconds(30));
    hash = cluster.simulation.trace().hash();
  }
  EXPECT_EQ(hashes[0], hashes[1]);
}

}  // namespace
}  // namespace tholos::gossip
