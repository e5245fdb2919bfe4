#include "tests/sim/ttl_checker.h"

#include "base/sim/sim_node.h"
#include "gtest/gtest.h"

namespace tholos::sim {
namespace {

constexpr absl::Duration kSecond = absl::Seconds(1);

// Two nodes whose clocks show the same, in whole seconds; node 0 writes, node 1 reads.
class TtlCheckerTest : public testing::Test {
 protected:
  TtlCheckerTest() {
    simulation_.AddNode("n0", {});
    simulation_.AddNode("n1", {});
  }
  int64_t now() const { return clocks_.Seconds(0); }
  TtlChecker::Try Begin(uint64_t version, int32_t ttl) {
    return checker_.Begin("r", version, false, ttl, clocks_.Now(0));
  }
  void Write(uint64_t version, int32_t ttl, Outcome outcome = Outcome::kAcknowledged) {
    checker_.End("r", Begin(version, ttl), outcome);
  }
  void Erase(uint64_t version) {
    checker_.End("r", checker_.Begin("r", version, true, 0, clocks_.Now(0)),
                 Outcome::kAcknowledged);
  }
  TtlChecker::Read ReadNow(bool bound = true) {
    return {simulation_.now(), clocks_.Since(clocks_.Now(1)), bound};
  }
  // Whether it is right that a read now shows this.
  bool Shows(uint64_t version, std::optional<int32_t> ttl_left, bool bound = true) {
    return !checker_.Observe("r", checker_.Floor("r"), TtlChecker::Seen{version, ttl_left},
                             ReadNow(bound));
  }
  bool ShowsNothing() {
    return !checker_.Observe("r", checker_.Floor("r"), std::nullopt, ReadNow());
  }
  bool IsAlive() { return !checker_.ObserveAlive("r", checker_.Floor("r"), ReadNow()); }
  void Pass(int seconds) { simulation_.RunFor(seconds * kSecond); }

  base::sim::Simulation simulation_{{.seed = 1}};
  WallClocks clocks_{simulation_};
  TtlChecker checker_{clocks_};
};

TEST_F(TtlCheckerTest, AValueIsSeenUntilItExpiresAndNotAfter) {
  EXPECT_TRUE(ShowsNothing());
  Write(1, 10);
  EXPECT_TRUE(Shows(1, 10));
  EXPECT_FALSE(ShowsNothing()) << "lost";
  EXPECT_FALSE(Shows(1, 12)) << "it lives too long";
  EXPECT_FALSE(Shows(1, std::nullopt)) << "for ever";
  EXPECT_FALSE(Shows(2, 10)) << "from nowhere";
  EXPECT_TRUE(IsAlive());
  Pass(9);
  EXPECT_TRUE(Shows(1, 1));
  EXPECT_FALSE(ShowsNothing()) << "a second early";
  Pass(1);
  EXPECT_FALSE(Shows(1, 1)) << "expired";
  EXPECT_FALSE(Shows(1, 1, false)) << "at ONE, too";
  EXPECT_FALSE(IsAlive());
  EXPECT_TRUE(ShowsNothing());
  EXPECT_EQ(checker_.latest_expiry(), now());
}

TEST_F(TtlCheckerTest, WhatItReplacedStaysHidden) {
  Write(1, 0);
  Write(2, 5);
  EXPECT_FALSE(Shows(1, std::nullopt));
  EXPECT_TRUE(Shows(1, std::nullopt, false)) << "a replica alone may be behind";
  Pass(5);
  EXPECT_TRUE(ShowsNothing());
  EXPECT_FALSE(Shows(1, std::nullopt)) << "un-expired";
  Write(3, 0, Outcome::kUnknown);
  EXPECT_TRUE(ShowsNothing());
  EXPECT_TRUE(Shows(3, std::nullopt));
  Pass(1000);
  EXPECT_FALSE(ShowsNothing()) << "it was seen, and lives for ever";
  Erase(4);
  EXPECT_TRUE(ShowsNothing());
  EXPECT_FALSE(IsAlive());
  Write(5, 5, Outcome::kNotApplied);
  EXPECT_FALSE(Shows(5, 5)) << "was refused";
  EXPECT_FALSE(IsAlive());
}

TEST_F(TtlCheckerTest, OfTriesTheEarliestExpiryWins) {
  Write(1, 100);
  Write(1, 10, Outcome::kUnknown);
  EXPECT_TRUE(Shows(1, 100)) << "whether the second was written is open";
  EXPECT_TRUE(Shows(1, 10));
  EXPECT_FALSE(Shows(1, 100)) << "it was: a read saw it";
  Pass(10);
  EXPECT_TRUE(ShowsNothing());
  EXPECT_FALSE(Shows(1, 90));
  Write(2, 0);
  const TtlChecker::Read before = ReadNow();
  Pass(1);
  Write(2, 20);
  EXPECT_FALSE(checker_.Observe("r", 2, TtlChecker::Seen{2, std::nullopt}, before))
      << "it began before the second was acknowledged";
  EXPECT_FALSE(Shows(2, std::nullopt));
  EXPECT_TRUE(Shows(2, 20));
}

TEST_F(TtlCheckerTest, ClocksThatAreWrongWidenTheBounds) {
  // Node 0's clock was an hour ahead for a moment of the write.
  const TtlChecker::Try of = Begin(1, 10);
  clocks_.Step(0, absl::Hours(1));
  clocks_.Step(0, -absl::Hours(1));
  checker_.End("r", of, Outcome::kAcknowledged);
  EXPECT_TRUE(Shows(1, 3610));
  EXPECT_TRUE(Shows(1, 10));
  // And before: no read that was under way can matter any more.
  Pass(10);
  Write(2, 60);
  EXPECT_FALSE(ShowsNothing());
  clocks_.Step(1, absl::Hours(-1));
  EXPECT_TRUE(Shows(2, 3660)) << "left, by the clock of the reader";
  EXPECT_FALSE(ShowsNothing());
  // A node whose clock was ahead may have made a tombstone of it.
  clocks_.Step(1, absl::Hours(1) + 60 * kSecond);
  clocks_.Step(1, -60 * kSecond);
  EXPECT_TRUE(ShowsNothing());
  EXPECT_TRUE(Shows(2, 60)) << "another replica has it still";
}

}  // namespace
}  // namespace tholos::sim
