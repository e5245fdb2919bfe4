#include "ring/cluster_state.h"

#include <algorithm>

#include "base/errors.h"
#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::ring {
namespace {

NodeId Id(int number) {
  NodeId id;
  id.bytes[15] = static_cast<uint8_t>(number);
  return id;
}

NodeInfo Node(int number, std::vector<data::Token> tokens,
              NodeStatus status = NodeStatus::kNormal) {
  NodeInfo node;
  node.id = Id(number);
  node.internode = {"10.0.0." + std::to_string(number), 7000};
  node.status = status;
  node.tokens = std::move(tokens);
  return node;
}

// Keyspaces "rf1", "rf2", ... of these replication factors.
data::Schema::Ptr SchemaWith(std::vector<int> factors) {
  data::Schema schema;
  for (const int factor : factors) {
    data::KeyspaceSchema keyspace;
    keyspace.name = "rf" + std::to_string(factor);
    keyspace.replication = {{"class", "SimpleStrategy"},
                            {"replication_factor", std::to_string(factor)}};
    schema = *schema.WithKeyspace(keyspace, 1);
  }
  return std::make_shared<const data::Schema>(std::move(schema));
}

// Replicas found the slow way: all tokens at or after `token` clockwise, then those before it.
ReplicaSet NaiveReplicas(const std::vector<NodeInfo>& nodes, size_t factor, data::Token token) {
  std::map<data::Token, NodeId> owners;
  for (const NodeInfo& node : nodes) {
    if (node.status == NodeStatus::kJoining) continue;
    for (const data::Token t : node.tokens) {
      if (t == data::kMinToken) continue;
      const auto [it, fresh] = owners.emplace(t, node.id);
      if (!fresh) it->second = std::min(it->second, node.id);
    }
  }
  std::vector<NodeId> walk;
  for (auto it = owners.lower_bound(token); it != owners.end(); ++it) walk.push_back(it->second);
  for (auto it = owners.begin(); it != owners.lower_bound(token); ++it) walk.push_back(it->second);
  ReplicaSet replicas;
  for (const NodeId& id : walk) {
    if (replicas.size() == factor) break;
    if (!std::count(replicas.begin(), replicas.end(), id)) replicas.push_back(id);
  }
  return replicas;
}

ReplicaSet Sorted(ReplicaSet set) {
  std::sort(set.begin(), set.end());
  return set;
}

std::vector<NodeInfo> RandomNodes(base::RandomStream& random) {
  std::vector<NodeInfo> nodes;
  const int count = static_cast<int>(random.Between(1, 7));
  for (int i = 1; i <= count; ++i) {
    std::vector<data::Token> tokens;
    // A small token space makes collisions and neighbours of one node frequent.
    const int64_t spread = random.Chance(0.5) ? 20 : int64_t{1} << 62;
    for (int64_t k = random.Between(0, 5); k > 0; --k) {
      tokens.push_back(random.Between(-spread, spread));
    }
    if (random.Chance(0.05)) tokens.push_back(data::kMinToken);
    nodes.push_back(
        Node(i, tokens, random.Chance(0.1) ? NodeStatus::kJoining : NodeStatus::kNormal));
  }
  return nodes;
}

// Every token of the ring with its neighbours, and the ends of the token space.
std::vector<data::Token> ProbesOf(const std::vector<NodeInfo>& nodes) {
  std::vector<data::Token> probes = {data::kMinToken + 1, -(data::kMinToken + 1), 0};
  for (const NodeInfo& node : nodes) {
    for (const data::Token t : node.tokens) {
      if (t != data::kMinToken) probes.insert(probes.end(), {t - 1, t, t + 1});
    }
  }
  return probes;
}

void ExpectTiles(const std::vector<RangeReplicas>& ranges) {
  data::Token expected_start = data::kMinToken;
  for (const RangeReplicas& piece : ranges) {
    EXPECT_EQ(piece.range.start, expected_start);
    expected_start = piece.range.end;
  }
  EXPECT_EQ(expected_start, data::kMinToken);
  for (size_t i = 1; i < ranges.size(); ++i) {
    EXPECT_FALSE(Sorted(ranges[i - 1].replicas) == Sorted(ranges[i].replicas) &&
                 Sorted(ranges[i - 1].pending) == Sorted(ranges[i].pending))
        << "not merged";
  }
}

// The replicas of the one range that holds `token`.
ReplicaSet ReplicasByRange(const std::vector<RangeReplicas>& ranges, data::Token token) {
  ReplicaSet found;
  int holding = 0;
  for (const RangeReplicas& piece : ranges) {
    if (!piece.range.Contains(token)) continue;
    ++holding;
    found = piece.replicas;
  }
  EXPECT_EQ(holding, 1) << "token " << token;
  return found;
}

TEST(ClusterState, EmptyHasNoReplicas) {
  const auto state = ClusterState::Empty();
  EXPECT_EQ(state->epoch(), 0u);
  const auto error = base::GetRequestError(state->ReplicasOf("ks", 1).status());
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind, base::RequestErrorKind::kInvalid);
  const auto bare = ClusterState::Make(1, {}, SchemaWith({3}));
  EXPECT_TRUE(bare->ReplicasOf("rf3", 1)->empty());
  ASSERT_EQ(bare->Ranges("rf3")->size(), 1u);
  EXPECT_EQ((*bare->Ranges("rf3"))[0].range, data::TokenRange{});
}

TEST(ClusterState, TheExampleOfTheHeader) {
  const auto state =
      ClusterState::Make(7, {Node(1, {-40, 60}), Node(2, {-10}), Node(3, {5})}, SchemaWith({2}));
  EXPECT_EQ(*state->ReplicasOf("rf2", -20), (ReplicaSet{Id(2), Id(3)}));
  EXPECT_EQ(*state->ReplicasOf("rf2", 40), (ReplicaSet{Id(1), Id(2)}));
  EXPECT_EQ(*state->ReplicasOf("rf2", -10), (ReplicaSet{Id(2), Id(3)}));  // its own token is its
  EXPECT_EQ(*state->ReplicasOf("rf2", -9), (ReplicaSet{Id(3), Id(1)}));
  EXPECT_EQ(*state->ReplicasOf("rf2", 61), (ReplicaSet{Id(1), Id(2)}));  // around the end
  EXPECT_EQ(*state->ReplicationFactor("rf2"), 2u);
  EXPECT_EQ(state->epoch(), 7u);
}

TEST(ClusterState, FindsNodes) {
  const auto state = ClusterState::Make(1, {Node(1, {1}), Node(2, {2})}, SchemaWith({}));
  ASSERT_NE(state->Find(Id(2)), nullptr);
  EXPECT_EQ(state->Find(Id(2))->tokens, (std::vector<data::Token>{2}));
  EXPECT_EQ(state->Find(Id(3)), nullptr);
  ASSERT_NE(state->FindByInternode({"10.0.0.1", 7000}), nullptr);
  EXPECT_EQ(state->FindByInternode({"10.0.0.1", 7000})->id, Id(1));
  EXPECT_EQ(state->FindByInternode({"10.0.0.1", 7001}), nullptr);
}

TEST(ClusterState, OneTokenTwiceGoesToTheSmallerId) {
  for (const bool swapped : {false, true}) {
    std::vector<NodeInfo> nodes = {Node(1, {10, 20}), Node(2, {10, 30})};
    if (swapped) std::swap(nodes[0], nodes[1]);
    const auto state = ClusterState::Make(1, nodes, SchemaWith({1}));
    EXPECT_EQ(*state->ReplicasOf("rf1", 10), ReplicaSet{Id(1)});
    EXPECT_EQ(*state->ReplicasOf("rf1", 30), ReplicaSet{Id(2)});
  }
}

TEST(ClusterState, AJoiningNodeHasNoReplicas) {
  const auto state =
      ClusterState::Make(1, {Node(1, {10}), Node(2, {20}, NodeStatus::kJoining)}, SchemaWith({3}));
  EXPECT_EQ(*state->ReplicasOf("rf3", 15), ReplicaSet{Id(1)});
  EXPECT_NE(state->Find(Id(2)), nullptr);
}

TEST(ClusterState, PendingReplicasAreThoseOfTheFuture) {
  const auto pending = [](const ClusterState::Ptr& state, data::Token token) {
    return (*state->FindTokenReplicas("rf2", token))->pending;
  };
  const auto natural = [](const ClusterState::Ptr& state, data::Token token) {
    return (*state->FindTokenReplicas("rf2", token))->natural;
  };
  // 3 joins between 1 and 2: it will be the first replica of (10, 20] and the second of (.., 10].
  const auto joining = ClusterState::Make(
      1, {Node(1, {10}), Node(2, {30}), Node(3, {20}, NodeStatus::kJoining)}, SchemaWith({2}));
  EXPECT_EQ(natural(joining, 15), (ReplicaSet{Id(2), Id(1)}));
  EXPECT_EQ(pending(joining, 15), ReplicaSet{Id(3)});
  EXPECT_EQ(pending(joining, 5), ReplicaSet{Id(3)});
  EXPECT_EQ(pending(joining, 25), ReplicaSet{});
  EXPECT_EQ((*joining->FindTokenReplicas("rf2", 15))->datacenters.size(), 3u);
  ASSERT_EQ(joining->Ranges("rf2")->size(), 3u);

  // 3 leaves: it serves until it is gone, and who follows takes over.
  const auto leaving = ClusterState::Make(
      1, {Node(1, {10}), Node(2, {30}), Node(3, {20}, NodeStatus::kLeaving)}, SchemaWith({2}));
  EXPECT_EQ(natural(leaving, 15), (ReplicaSet{Id(3), Id(2)}));
  EXPECT_EQ(pending(leaving, 15), ReplicaSet{Id(1)});
  EXPECT_EQ(natural(leaving, 25), (ReplicaSet{Id(2), Id(1)}));
  EXPECT_EQ(pending(leaving, 25), ReplicaSet{});
}

TEST(ClusterState, DatacentersAreNumberedByName) {
  std::vector<NodeInfo> nodes = {Node(1, {10}), Node(2, {20}), Node(3, {30})};
  nodes[0].datacenter = "west";
  nodes[1].datacenter = nodes[2].datacenter = "east";
  data::KeyspaceSchema keyspace{.name = "ks"};
  keyspace.replication = {{"class", "NetworkTopologyStrategy"}, {"east", "1"}, {"west", "1"}};
  const auto schema = data::Schema().WithKeyspace(keyspace, 1);
  const auto state = ClusterState::Make(1, nodes, std::make_shared<const data::Schema>(*schema));
  EXPECT_EQ(state->datacenters(), (std::vector<std::string>{"east", "west"}));
  EXPECT_EQ(state->DatacenterOf(Id(1)), 1);
  EXPECT_EQ(state->DatacenterOf(Id(3)), 0);
  EXPECT_EQ(state->DatacenterOf(Id(9)), kNoDatacenter);
  const TokenReplicas expected{{Id(2), Id(1)}, {}, {0, 1}};
  EXPECT_EQ(**state->FindTokenReplicas("ks", 15), expected);
  EXPECT_EQ((*state->StrategyOf("ks"))->FactorIn("west"), 1u);
}

TEST(ClusterState, AKeyspaceWithAnUnknownStrategyIsRefusedByName) {
  data::KeyspaceSchema keyspace;
  keyspace.name = "odd";
  keyspace.replication = {{"class", "LunarStrategy"}};
  const auto schema = data::Schema().WithKeyspace(keyspace, 1);
  ASSERT_TRUE(schema.ok());
  const auto state =
      ClusterState::Make(1, {Node(1, {1})}, std::make_shared<const data::Schema>(*schema));
  EXPECT_THAT(std::string(state->ReplicasOf("odd", 1).status().message()),
              testing::HasSubstr("LunarStrategy"));
}

TEST(ClusterState, AgreesWithTheNaiveRing) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::RandomStream random(seed);
    const std::vector<NodeInfo> nodes = RandomNodes(random);
    const auto state = ClusterState::Make(1, nodes, SchemaWith({1, 2, 3, 5}));
    for (const size_t factor : {1, 2, 3, 5}) {
      const std::string keyspace = "rf" + std::to_string(factor);
      const auto ranges = *state->Ranges(keyspace);
      ExpectTiles(ranges);
      for (const data::Token t : ProbesOf(nodes)) {
        const ReplicaSet naive = NaiveReplicas(nodes, factor, t);
        EXPECT_EQ(*state->ReplicasOf(keyspace, t), naive) << "token " << t;
        EXPECT_EQ(Sorted(ReplicasByRange(ranges, t)), Sorted(naive)) << "token " << t;
      }
      // All shares together are the factor, or the number of nodes with tokens.
      double copies = 0;
      for (const NodeInfo& node : nodes) copies += *state->Ownership(keyspace, node.id);
      EXPECT_NEAR(copies, static_cast<double>(NaiveReplicas(nodes, factor, 0).size()), 1e-9);
    }
  }
}

TEST(ClusterStateHolder, GivesTheLastOneSet) {
  ClusterStateHolder holder;
  EXPECT_EQ(holder.Get()->epoch(), 0u);
  const auto pinned = holder.Get();
  holder.Set(ClusterState::Make(5, {Node(1, {1})}, SchemaWith({})));
  EXPECT_EQ(holder.Get()->epoch(), 5u);
  EXPECT_EQ(pinned->epoch(), 0u);
}

}  // namespace
}  // namespace tholos::ring
