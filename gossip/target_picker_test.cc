#include "gossip/target_picker.h"

#include <algorithm>
#include <map>

#include "gtest/gtest.h"

namespace tholos::gossip {
namespace {

using Endpoints = std::vector<base::Endpoint>;

Endpoints Make(const std::string& prefix, int count) {
  Endpoints endpoints;
  for (int i = 0; i < count; ++i) endpoints.push_back({prefix + std::to_string(i), 7000});
  return endpoints;
}

int CountPicked(TargetPicker* picker, const Endpoints& live, const Endpoints& dead,
                const Endpoints& seeds, const Endpoints& of, int rounds) {
  int count = 0;
  for (int i = 0; i < rounds; ++i) {
    for (const base::Endpoint& target : picker->Pick(live, dead, seeds)) {
      count += std::count(of.begin(), of.end(), target);
    }
  }
  return count;
}

TEST(TargetPicker, NobodyToTalkTo) {
  TargetPicker picker{base::RandomStream(1)};
  EXPECT_TRUE(picker.Pick({}, {}, {}).empty());
}

TEST(TargetPicker, EveryLivePeerHasItsTurn) {
  TargetPicker picker{base::RandomStream(1)};
  const Endpoints live = Make("live", 9);
  std::map<base::Endpoint, int> last;
  for (int round = 0; round < 1000; ++round) {
    const Endpoints targets = picker.Pick(live, {}, {});
    ASSERT_EQ(targets.size(), 1u);
    last[targets[0]] = round;
    if (round < 17) continue;
    for (const base::Endpoint& peer : live) EXPECT_LE(round - last[peer], 2 * 9 - 2);
  }
}

TEST(TargetPicker, DeadPeersAreTriedNowAndThen) {
  TargetPicker picker{base::RandomStream(1)};
  // One dead to nine live: a tenth of the rounds.
  EXPECT_NEAR(CountPicked(&picker, Make("live", 9), Make("dead", 1), {}, Make("dead", 1), 10000),
              1000, 100);
  // All dead: every round.
  EXPECT_EQ(CountPicked(&picker, {}, Make("dead", 3), {}, Make("dead", 3), 100), 100);
}

TEST(TargetPicker, SeedsAreSoughtWhileFewAreAlive) {
  TargetPicker picker{base::RandomStream(1)};
  const Endpoints seeds = Make("seed", 2);
  EXPECT_EQ(CountPicked(&picker, {}, {}, seeds, seeds, 100), 100);
  EXPECT_EQ(CountPicked(&picker, Make("live", 1), {}, seeds, seeds, 100), 100);
  // Two seeds to ten that are known: a fifth of the rounds.
  EXPECT_NEAR(CountPicked(&picker, Make("live", 10), {}, seeds, seeds, 10000), 2000, 200);
}

TEST(TargetPicker, TargetsAreDistinct) {
  TargetPicker picker{base::RandomStream(1)};
  const Endpoints live = Make("live", 1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(picker.Pick(live, {}, live).size(), 1u);
}

}  // namespace
}  // namespace tholos::gossip
