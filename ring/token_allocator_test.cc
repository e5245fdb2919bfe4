#include "ring/token_allocator.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "gtest/gtest.h"

namespace tholos::ring {
namespace {

NodeInfo Node(int number, std::vector<data::Token> tokens) {
  NodeInfo node;
  node.id.bytes[15] = static_cast<uint8_t>(number);
  node.tokens = std::move(tokens);
  return node;
}

// The largest share of copies in relation to the mean, worked out anew: every range is given to its
// next `copies` distinct nodes.
double Imbalance(const std::vector<NodeInfo>& nodes, size_t copies) {
  std::vector<std::pair<data::Token, size_t>> places;
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const data::Token token : nodes[i].tokens) places.emplace_back(token, i);
  }
  std::sort(places.begin(), places.end());
  std::vector<double> shares(nodes.size(), 0.0);
  copies = std::min(copies, nodes.size());
  for (size_t i = 0; i < places.size(); ++i) {
    const data::Token before = places[(i + places.size() - 1) % places.size()].first;
    const double width =
        static_cast<double>(static_cast<uint64_t>(places[i].first) - static_cast<uint64_t>(before));
    std::set<size_t> holders;
    for (size_t j = i; holders.size() < copies; ++j)
      holders.insert(places[j % places.size()].second);
    for (const size_t holder : holders) shares[holder] += width / 0x1p64;
  }
  return *std::max_element(shares.begin(), shares.end()) * static_cast<double>(nodes.size()) /
         static_cast<double>(copies);
}

void ExpectValid(const std::vector<NodeInfo>& nodes) {
  std::set<data::Token> all;
  for (const NodeInfo& node : nodes) {
    EXPECT_EQ(node.tokens.size(), kTokensPerNode);
    EXPECT_TRUE(std::is_sorted(node.tokens.begin(), node.tokens.end()));
    for (const data::Token token : node.tokens) {
      EXPECT_NE(token, data::kMinToken);
      EXPECT_TRUE(all.insert(token).second) << "token " << token << " twice";
    }
  }
}

TEST(TokenAllocator, NodesAddedOneByOneStayBalanced) {
  double worst[4] = {};
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    base::RandomStream random(seed);
    std::vector<NodeInfo> nodes;
    for (int n = 1; n <= 10; ++n) {
      nodes.push_back(Node(n, AllocateTokens(nodes, kTokensPerNode, random)));
      for (size_t copies = 1; copies <= 3; ++copies) {
        const double imbalance = Imbalance(nodes, copies);
        worst[copies] = std::max(worst[copies], imbalance);
        if (seed == 1)
          std::printf("%d nodes, %zu copies: largest share %.3f of the mean\n", n, copies,
                      imbalance);
        EXPECT_LE(imbalance, 1.15) << n << " nodes, " << copies << " copies, seed " << seed;
      }
    }
    ExpectValid(nodes);
  }
  std::printf("worst of 4 seeds: %.3f, %.3f, %.3f for 1, 2, 3 copies\n", worst[1], worst[2],
              worst[3]);
}

TEST(TokenAllocator, RandomTokensWouldNotBeBalanced) {
  base::RandomStream random(7);
  std::vector<NodeInfo> nodes;
  for (int n = 1; n <= 10; ++n) {
    std::vector<data::Token> tokens;
    for (size_t i = 0; i < kTokensPerNode; ++i)
      tokens.push_back(static_cast<int64_t>(random.Next()));
    nodes.push_back(Node(n, tokens));
  }
  std::printf("random tokens: %.3f, %.3f\n", Imbalance(nodes, 1), Imbalance(nodes, 3));
  EXPECT_GT(Imbalance(nodes, 1), 1.2);
}

TEST(TokenAllocator, AnUnbalancedRingIsEvenedOut) {
  // One node owns nearly everything through one range.
  std::vector<NodeInfo> nodes = {Node(1, {0}), Node(2, {1000})};
  base::RandomStream random(3);
  nodes.push_back(Node(3, AllocateTokens(nodes, kTokensPerNode, random)));
  EXPECT_EQ(nodes[2].tokens.size(), kTokensPerNode);
  EXPECT_LT(Imbalance(nodes, 1), 2.1);  // node 1 keeps about two thirds
}

TEST(TokenAllocator, FindsTokensInAFullNeighbourhood) {
  std::vector<data::Token> crowded;
  for (data::Token t = 0; t < 16; ++t) crowded.push_back(t);
  const std::vector<NodeInfo> nodes = {Node(1, crowded)};
  base::RandomStream random(3);
  const auto tokens = AllocateTokens(nodes, kTokensPerNode, random);
  ExpectValid({nodes[0], Node(2, tokens)});
}

TEST(TokenAllocator, SeedsOfANewClusterShareEqually) {
  for (const size_t count : {1, 2, 3, 5, 10}) {
    std::vector<NodeInfo> nodes;
    std::vector<base::Endpoint> seeds;
    for (size_t i = 0; i < count; ++i) {
      seeds.push_back({"10.0.0." + std::to_string(10 + i), 7000});
      nodes.push_back(Node(static_cast<int>(i + 1), SeedTokens(i, count, kTokensPerNode, "Test")));
      nodes.back().internode = seeds.back();
    }
    ExpectValid(nodes);
    EXPECT_NEAR(Imbalance(nodes, 1), 1.0, 1e-6) << count;
    EXPECT_LT(Imbalance(nodes, 2), 1.3) << count;
  }
}

TEST(TokenAllocator, KnowsAClusterThatIsBeingFounded) {
  const std::vector<base::Endpoint> seeds = {{"a", 1}, {"b", 1}, {"c", 1}};
  NodeInfo b = Node(2, SeedTokens(1, 3, kTokensPerNode, "Test"));
  b.internode = seeds[1];
  EXPECT_TRUE(AllHaveSeedTokens({}, seeds, kTokensPerNode, "Test"));
  EXPECT_TRUE(AllHaveSeedTokens({b}, seeds, kTokensPerNode, "Test"));
  EXPECT_FALSE(AllHaveSeedTokens({b}, seeds, kTokensPerNode, "Another"));
  EXPECT_FALSE(AllHaveSeedTokens({b}, {seeds[1]}, kTokensPerNode, "Test")) << "once a lone seed";
  NodeInfo stranger = b;
  stranger.internode = {"d", 1};
  EXPECT_FALSE(AllHaveSeedTokens({b, stranger}, seeds, kTokensPerNode, "Test"));
}

}  // namespace
}  // namespace tholos::ring
