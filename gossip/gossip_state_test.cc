#include "gossip/gossip_state.h"

#include <algorithm>
#include <map>

#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::gossip {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

NodeId Id(int number) {
  NodeId id;
  id.bytes[15] = static_cast<uint8_t>(number);
  return id;
}

// One exchange, all three messages through their encoding.
void Exchange(GossipState* a, GossipState* b) {
  const Syn syn = *DecodeSyn(Encode(Syn{false, "c", "p", {a->self(), 1}, a->Digests()}));
  const Ack ack = *DecodeAck(Encode(b->Examine(syn.digests)));
  a->Apply(ack.deltas);
  const Ack2 ack2 = *DecodeAck2(Encode(Ack2{{a->self(), 1}, a->DeltasFor(ack.requests)}));
  b->Apply(ack2.deltas);
}

TEST(GossipState, AnExchangeMakesBothEqual) {
  GossipState a(Id(1), 100), b(Id(2), 200);
  a.SetOwn(StateKey::kStatus, "NORMAL");
  a.Beat();
  b.SetOwn(StateKey::kRack, "r1");
  b.Beat();
  Exchange(&a, &b);
  EXPECT_EQ(a.endpoints(), b.endpoints());
  EXPECT_EQ(a.Find(Id(2))->Get(StateKey::kRack), "r1");
  EXPECT_EQ(b.Find(Id(1))->generation, 100);
}

TEST(GossipState, OnlyWhatChangedIsSent) {
  GossipState a(Id(1), 100), b(Id(2), 200);
  a.SetOwn(StateKey::kStatus, "NORMAL");
  a.SetOwn(StateKey::kLoad, "1");
  Exchange(&a, &b);
  a.SetOwn(StateKey::kLoad, "2");
  a.SetOwn(StateKey::kStatus, "NORMAL");  // as before: no new version
  const Ack ack = a.Examine(b.Digests());
  ASSERT_EQ(ack.deltas.size(), 1u);
  EXPECT_THAT(ack.deltas[0].values,
              ElementsAre(std::make_pair(StateKey::kLoad, VersionedValue{4, "2"})));
  EXPECT_THAT(ack.requests, IsEmpty());
  EXPECT_THAT(b.Apply(ack.deltas),
              ElementsAre(StateChange{Id(1), StateChange::Kind::kBeat, {StateKey::kLoad}}));
  EXPECT_THAT(b.Apply(ack.deltas), IsEmpty()) << "idempotent";
}

TEST(GossipState, AnEmptySynAsksForEverything) {
  GossipState a(Id(1), 100);
  a.SetOwn(StateKey::kStatus, "NORMAL");
  const Ack ack = a.Examine({});
  ASSERT_EQ(ack.deltas.size(), 1u);
  EXPECT_EQ(ack.deltas[0].id, Id(1));
  EXPECT_EQ(ack.deltas[0].from_version, 0u);
}

TEST(GossipState, ANewerGenerationReplacesEverything) {
  GossipState a(Id(1), 100), b(Id(2), 200);
  a.SetOwn(StateKey::kShutdown, "1");
  for (int i = 0; i < 50; ++i) a.Beat();
  Exchange(&a, &b);
  GossipState again(Id(1), 101);
  again.SetOwn(StateKey::kStatus, "NORMAL");
  const auto changes = b.Apply({again.OwnDelta()});
  EXPECT_THAT(changes,
              ElementsAre(StateChange{Id(1), StateChange::Kind::kRestarted, {StateKey::kStatus}}));
  EXPECT_FALSE(b.Find(Id(1))->IsShutdown());
  EXPECT_THAT(b.Apply({a.OwnDelta()}), IsEmpty()) << "the former life came late";
  // A stale peer's request against the old generation is answered in full.
  const auto deltas = b.DeltasFor({{Id(1), 100, 51}});
  ASSERT_EQ(deltas.size(), 1u);
  EXPECT_EQ(deltas[0].from_version, 0u);
  EXPECT_EQ(deltas[0].generation, 101);
}

TEST(GossipState, APartialDeltaIsNotTakenByWhoKnowsLess) {
  GossipState a(Id(1), 100), b(Id(2), 200);
  a.SetOwn(StateKey::kTokens, "t");
  a.SetOwn(StateKey::kStatus, "NORMAL");
  a.SetOwn(StateKey::kLoad, "1");
  const auto partial = a.DeltasFor({{Id(1), 100, 2}});
  EXPECT_THAT(b.Apply(partial), IsEmpty());
  EXPECT_EQ(b.Find(Id(1)), nullptr);
  b.Apply(a.DeltasFor({{Id(1), 100, 0}}));
  EXPECT_EQ(b.Find(Id(1))->Get(StateKey::kTokens), "t");
}

TEST(GossipState, ANodeWithThisNodesIdIsReported) {
  GossipState a(Id(1), 100);
  a.SetOwn(StateKey::kInternode, "10.0.0.1:7000");
  GossipState twin(Id(1), 100);
  twin.SetOwn(StateKey::kInternode, "10.0.0.2:7000");
  for (int i = 0; i < 5; ++i) twin.Beat();
  const auto changes = a.Apply({twin.OwnDelta()});
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].kind, StateChange::Kind::kOwnIdClaimed);
  EXPECT_EQ(a.own().Get(StateKey::kInternode), "10.0.0.1:7000");
  // This node's own words, come back, and its former lives are no such thing.
  a.Beat();
  EXPECT_THAT(a.Apply({a.OwnDelta()}), IsEmpty());
  EXPECT_THAT(a.Apply({GossipState(Id(1), 99).OwnDelta()}), IsEmpty());
  EXPECT_EQ(a.Apply({GossipState(Id(1), 101).OwnDelta()}).size(), 1u);
}

TEST(GossipState, RememberedNodesAreNotGossipedAbout) {
  GossipState a(Id(1), 100), b(Id(2), 200);
  a.Remember(Id(9), {{StateKey::kInternode, "10.0.0.9:7000"}});
  EXPECT_EQ(a.Find(Id(9))->Get(StateKey::kInternode), "10.0.0.9:7000");
  Exchange(&a, &b);
  EXPECT_EQ(b.Find(Id(9)), nullptr);
  GossipState nine(Id(9), 1);
  nine.SetOwn(StateKey::kInternode, "10.0.0.99:7000");
  const auto changes = a.Apply({nine.OwnDelta()});
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].kind, StateChange::Kind::kNew);
  EXPECT_EQ(a.Find(Id(9))->Get(StateKey::kInternode), "10.0.0.99:7000");
}

TEST(GossipState, BoundsAreHeld) {
  GossipState a(Id(1), 100);
  base::RandomStream random(1);
  std::vector<Delta> crowd;
  for (size_t i = 0; i < kEndpointsMax + 100; ++i) {
    crowd.push_back({NodeId::Random(random), 1, 0, 1, {}});
  }
  a.Apply(crowd);
  EXPECT_EQ(a.endpoints().size(), kEndpointsMax);
  // Values that together pass the bound are refused, delta by delta.
  GossipState b(Id(2), 100);
  for (int k = 0; k < 4; ++k) {
    Delta delta{Id(3), 1, static_cast<uint64_t>(k), static_cast<uint64_t>(k + 1), {}};
    delta.values.emplace_back(
        static_cast<StateKey>(100 + k),
        VersionedValue{static_cast<uint64_t>(k + 1), std::string(kValueBytesMax, 'x')});
    b.Apply({delta});
  }
  EXPECT_EQ(b.Find(Id(3))->Bytes(), kEndpointBytesMax);
}

TEST(GossipState, TokensAndNodeInfoComeBack) {
  ring::NodeInfo node;
  node.id = Id(1);
  node.internode = {"10.0.0.1", 7000};
  node.client = {"10.0.0.1", 9043};
  node.datacenter = "dc1";
  node.rack = "r1";
  node.tokens = {-5, 0, 7};
  GossipState a(Id(1), 100);
  EXPECT_EQ(NodeInfoOf(Id(1), a.own()).status().code(), absl::StatusCode::kNotFound);
  for (const auto& [key, value] : ValuesOf(node)) a.SetOwn(key, value);
  EXPECT_EQ(*NodeInfoOf(Id(1), a.own()), node);
  a.SetOwn(StateKey::kTokens, "\x05xx");
  EXPECT_EQ(NodeInfoOf(Id(1), a.own()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(EncodeDigest(0xab), "00000000000000ab");
}

// Random exchanges between random pairs, with lost Acks and Ack2s, values changing and nodes
// restarting: no node ever knows a newer value than its owner wrote, and once changes stop all
// become equal.
TEST(GossipState, RandomExchangesConverge) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::RandomStream random(seed);
    const int count = static_cast<int>(random.Between(2, 8));
    std::vector<GossipState> nodes;
    for (int i = 0; i < count; ++i) nodes.emplace_back(Id(i + 1), 1);
    auto pick = [&] { return random.Below(nodes.size()); };
    for (int step = 0; step < 300; ++step) {
      const size_t i = pick(), j = pick();
      if (random.Chance(0.3)) {
        nodes[i].SetOwn(static_cast<StateKey>(random.Between(1, 6)), std::to_string(step));
      } else if (random.Chance(0.05)) {
        std::destroy_at(&nodes[i]);
        std::construct_at(&nodes[i], Id(static_cast<int>(i) + 1), step + 2);
      } else if (i != j) {
        nodes[i].Beat();
        const Ack ack = nodes[j].Examine(nodes[i].Digests());
        if (random.Chance(0.2)) continue;
        nodes[i].Apply(ack.deltas);
        if (random.Chance(0.2)) continue;
        auto deltas = nodes[i].DeltasFor(ack.requests);
        std::reverse(deltas.begin(), deltas.end());
        nodes[j].Apply(deltas);
        if (random.Chance(0.2)) nodes[j].Apply(deltas);
      }
    }
    for (int round = 0; round < count; ++round) {
      for (size_t i = 0; i < nodes.size(); ++i) Exchange(&nodes[i], &nodes[(i + 1) % nodes.size()]);
    }
    for (const GossipState& node : nodes) EXPECT_EQ(node.endpoints(), nodes[0].endpoints());
    for (const GossipState& node : nodes) {
      EXPECT_EQ(*nodes[0].Find(node.self()), node.own());
    }
  }
}

}  // namespace
}  // namespace tholos::gossip
