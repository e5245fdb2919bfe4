#include "gmock/gmock.h"
#include "gossip/gossiper.h"
#include "gossip/testing_cluster.h"
#include "gtest/gtest.h"

namespace tholos::gossip {
namespace {

using base::sim::SeedFromEnvironment;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

constexpr auto Id = TestingCluster::Id;

class ClockTest : public testing::Test {
 protected:
  void Boot(int count) {
    for (int n = 1; n <= count; ++n) cluster.Boot(n);
    ASSERT_LE(cluster.Settle(absl::Minutes(1)), absl::Minutes(1));
  }
  void Step(int n, absl::Duration step) { cluster.Node(n).clock().StepWall(step); }
  const auto& Log(int n) { return cluster.Node(n).log().lines(); }
  bool Await(absl::FunctionRef<bool()> predicate, absl::Duration max) {
    return cluster.simulation.RunUntil(predicate, max) == base::sim::Simulation::Outcome::kReached;
  }
  // In microseconds.
  double Metric(int n, std::string_view name) {
    const std::string line = base::StrCat("\n", name, "_microseconds ");
    const std::string text = cluster[n].metrics.RenderText();
    const size_t place = text.find(line);
    return place == std::string::npos ? 1e18 : std::stod(text.substr(place + line.size()));
  }
  // As node n sees the other one.
  std::optional<absl::Duration> Offset(int n, int other) {
    std::optional<absl::Duration> offset;
    bool done = false;
    cluster.Node(n).executor().shard(0).Post([&] {
      offset = cluster[n].gossiper.ClockOffset(Id(other));
      done = true;
    });
    EXPECT_TRUE(Await([&] { return done; }, absl::Seconds(1)));
    return offset;
  }
  double Ahead(int n) { return absl::ToDoubleSeconds(cluster[n].skew.ahead()); }

  TestingCluster cluster{SeedFromEnvironment()};
};

TEST_F(ClockTest, TheWrongOneOfThreeLearnsThatItIsItself) {
  for (const absl::Duration step : {absl::Hours(1), -absl::Hours(1)}) {
    TestingCluster fresh(SeedFromEnvironment());
    for (int n = 1; n <= 3; ++n) fresh.Boot(n);
    fresh.Node(3).clock().StepWall(step);
    ASSERT_LE(fresh.Settle(absl::Minutes(1)), absl::Minutes(1));
    fresh.simulation.RunFor(absl::Seconds(10));
    EXPECT_TRUE(fresh[3].skew.TooWrong());
    EXPECT_NEAR(absl::ToDoubleSeconds(fresh[3].skew.ahead()), absl::ToDoubleSeconds(step), 0.1);
    for (const int right : {1, 2}) {
      EXPECT_FALSE(fresh[right].skew.TooWrong());
      EXPECT_NEAR(absl::ToDoubleSeconds(fresh[right].skew.ahead()), 0, 0.1);
    }
  }
}

TEST_F(ClockTest, AStepIsSeenAndSaidAndForgiven) {
  Boot(3);
  cluster.simulation.RunFor(absl::Seconds(10));
  for (int n = 1; n <= 3; ++n) EXPECT_THAT(Log(n), Each(Not(HasSubstr("clock")))) << n;
  Step(3, absl::Hours(1));
  EXPECT_TRUE(Await([&] { return cluster[3].skew.TooWrong(); }, absl::Seconds(10)));
  EXPECT_TRUE(Await([&] { return Metric(1, "tholos_gossip_clock_offset") > 3'599'000'000; },
                    absl::Seconds(10)));
  cluster.simulation.RunFor(absl::Seconds(15));
  EXPECT_NEAR(Metric(1, "tholos_gossip_clock_ahead"), 0, 100'000);
  EXPECT_NEAR(Metric(3, "tholos_gossip_clock_ahead"), 3'600'000'000, 100'000);
  EXPECT_THAT(Log(3), Contains(testing::AllOf(HasSubstr("this node's clock is "),
                                              HasSubstr(" ahead of the cluster's"),
                                              HasSubstr("beyond clock_skew_max, 10s"))));
  EXPECT_THAT(Log(3), Each(Not(HasSubstr("the clock of node")))) << "nor does it accuse others";
  EXPECT_THAT(Log(1),
              Contains(testing::AllOf(HasSubstr("the clock of node "), HasSubstr("(n3:7000) is "),
                                      HasSubstr(" ahead of the cluster's"))));
  EXPECT_THAT(Log(1), Each(Not(HasSubstr("this node's clock"))));
  EXPECT_NEAR(Ahead(1), 0, 0.1);
  cluster.simulation.RunFor(absl::Minutes(4));
  const auto said = [&](int n, std::string_view what) {
    return std::count_if(Log(n).begin(), Log(n).end(), [&](const std::string& line) {
      return line.find(what) != std::string::npos;
    });
  };
  EXPECT_EQ(said(3, "this node's clock is"), 1) << "not at every round";
  EXPECT_EQ(said(1, "the clock of node"), 1);

  Step(3, -absl::Hours(1));
  EXPECT_TRUE(Await([&] { return !cluster[3].skew.TooWrong(); }, absl::Seconds(2)));
  cluster.simulation.RunFor(absl::Seconds(30));
  EXPECT_FALSE(cluster[3].skew.TooWrong());
  EXPECT_THAT(Log(3), Contains(HasSubstr("this node's clock is right again")));
  EXPECT_THAT(Log(1), Contains(HasSubstr("the clocks of the other nodes agree again")));
}

// Whose peers answer one after the other: it does not wait for most of them.
TEST_F(ClockTest, ANodeWhoseClockIsPutRightGoesOnWithTheNextRound) {
  Boot(12);
  Step(5, absl::Hours(1));
  EXPECT_TRUE(Await([&] { return cluster[5].skew.TooWrong(); }, absl::Seconds(30)));
  cluster.simulation.RunFor(absl::Seconds(30));
  Step(5, -absl::Hours(1));
  EXPECT_TRUE(
      Await([&] { return !cluster[5].skew.TooWrong(); }, absl::Seconds(1) + absl::Milliseconds(1)));
  EXPECT_FALSE(Await([&] { return cluster[5].skew.TooWrong(); }, absl::Minutes(1)));
}

TEST_F(ClockTest, OneWrongPeerCondemnsNobody) {
  Boot(4);
  Step(2, -absl::Hours(30));
  cluster.simulation.RunFor(absl::Minutes(1));
  for (const int n : {1, 3, 4}) {
    EXPECT_FALSE(cluster[n].skew.TooWrong()) << n;
    EXPECT_NEAR(Ahead(n), 0, 0.1);
  }
  EXPECT_TRUE(cluster[2].skew.TooWrong());
}

TEST_F(ClockTest, OfTwoNobodyCanTell) {
  Boot(2);
  Step(2, absl::Hours(1));
  cluster.simulation.RunFor(absl::Minutes(1));
  for (const int n : {1, 2}) {
    EXPECT_FALSE(cluster[n].skew.TooWrong());
    EXPECT_THAT(Log(n), Contains(HasSubstr("two cannot tell")));
    EXPECT_NEAR(absl::ToDoubleSeconds(*Offset(n, 3 - n)), n == 1 ? 3600 : -3600, 0.1);
  }
}

TEST_F(ClockTest, ADeadPeersClockDoesNotCount) {
  Boot(3);
  Step(3, absl::Hours(1));
  EXPECT_TRUE(Await([&] { return cluster[3].skew.TooWrong(); }, absl::Seconds(10)));
  cluster.Stop(1);
  EXPECT_TRUE(Await([&] { return !cluster[3].skew.TooWrong(); }, absl::Seconds(5)))
      << "of two nobody can tell";
  EXPECT_EQ(Offset(3, 1), std::nullopt);
}

// Answers that are lost or late, and clocks that run at their own rates, accuse nobody.
TEST_F(ClockTest, ABadNetworkMakesNoClockWrong) {
  Boot(3);
  cluster.network.defaults().loss = 0.2;
  cluster.network.defaults().slow_messages = 0.5;
  cluster.network.defaults().slow = absl::Milliseconds(800);
  cluster.Node(1).clock().SetDrift(200);
  cluster.Node(2).clock().SetDrift(-200);
  cluster.simulation.RunFor(absl::Minutes(10));
  for (int n = 1; n <= 3; ++n) EXPECT_THAT(Log(n), Each(Not(HasSubstr("clock")))) << n;
}

}  // namespace
}  // namespace tholos::gossip
