#include "cluster/join.h"

#include "gtest/gtest.h"
#include "ring/token_allocator.h"

namespace tholos::cluster {
namespace {

base::Endpoint At(const std::string& host) { return {host, 7000}; }

// The member at `host`, a seed with its comb if `rank` says which of three.
ring::NodeInfo Member(const std::string& host, int rank) {
  ring::NodeInfo node;
  node.id.bytes[0] = static_cast<uint8_t>(host[0]);
  node.internode = At(host);
  if (rank >= 0) {
    node.tokens = ring::SeedTokens(static_cast<size_t>(rank), 3, ring::kTokensPerNode, "test");
  } else {
    node.tokens = {1, 2, 3};
  }
  return node;
}

gossip::SeedAnswers Answers(int asked, int answered, int refused) {
  return {.asked = asked, .answered = answered, .refused = refused};
}

TEST(DecideJoin, TheTableOfTheHeader) {
  const std::vector<base::Endpoint> seeds = {At("c"), At("a"), At("b")};
  const auto soon = absl::Seconds(1), late = absl::Seconds(6);
  const struct {
    std::string what;
    std::string self;
    std::vector<ring::NodeInfo> members;
    gossip::SeedAnswers answers;
    absl::Duration waited;
    JoinStep step;
  } cases[] = {
      {"a seed, all others refuse", "a", {}, Answers(2, 0, 2), soon, JoinStep::kTakeSeedTokens},
      {"a seed, others start too", "a", {}, Answers(2, 1, 1), soon, JoinStep::kTakeSeedTokens},
      {"a seed, one is silent", "a", {}, Answers(2, 1, 0), soon, JoinStep::kWait},
      {"a seed, one is silent for long",
       "a",
       {},
       Answers(2, 1, 0),
       late,
       JoinStep::kTakeSeedTokens},
      {"no seed, nobody knows", "d", {}, Answers(3, 3, 0), late, JoinStep::kWait},
      {"a seed among seeds",
       "b",
       {Member("a", 0)},
       Answers(2, 1, 1),
       soon,
       JoinStep::kTakeSeedTokens},
      {"a seed whose directory is gone",
       "b",
       {Member("a", 0), Member("b", 1), Member("c", 2)},
       Answers(2, 2, 0),
       soon,
       JoinStep::kAddressTaken},
      {"a node whose directory is gone",
       "d",
       {Member("a", 0), Member("d", -1)},
       Answers(2, 1, 0),
       late,
       JoinStep::kAddressTaken},
      {"a seed in an old cluster",
       "b",
       {Member("a", -1), Member("c", 2)},
       Answers(2, 2, 0),
       soon,
       JoinStep::kAllocate},
      {"a seed's comb under another address",
       "b",
       {Member("d", 0)},
       Answers(2, 2, 0),
       late,
       JoinStep::kAllocate},
      {"no seed, all seeds are members",
       "d",
       {Member("a", 0), Member("b", 1), Member("c", 2)},
       Answers(3, 1, 0),
       soon,
       JoinStep::kAllocate},
      {"no seed, a seed still starts",
       "d",
       {Member("a", 0), Member("b", 1)},
       Answers(3, 3, 0),
       soon,
       JoinStep::kWait},
      {"no seed, a seed is gone",
       "d",
       {Member("a", 0), Member("b", 1)},
       Answers(3, 2, 1),
       late,
       JoinStep::kAllocate},
  };
  for (const auto& c : cases) {
    const JoinQuestion question{"test", At(c.self), seeds, c.members, c.answers, c.waited};
    EXPECT_EQ(DecideJoin(question), c.step) << c.what;
  }
}

TEST(DecideJoin, ANodeWithoutSeedsFoundsItsOwnCluster) {
  const JoinQuestion question{.cluster_name = "test", .self = At("a")};
  EXPECT_EQ(DecideJoin(question), JoinStep::kTakeSeedTokens);
  base::RandomStream random(1);
  EXPECT_EQ(TokensFor(JoinStep::kTakeSeedTokens, question, random),
            ring::SeedTokens(0, 1, ring::kTokensPerNode, "test"));
}

TEST(TokensFor, SeedsTakeTheCombOfTheirRank) {
  base::RandomStream random(1);
  const JoinQuestion question{
      .cluster_name = "test", .self = At("b"), .seeds = {At("c"), At("b"), At("a"), At("b")}};
  EXPECT_EQ(TokensFor(JoinStep::kTakeSeedTokens, question, random),
            ring::SeedTokens(1, 3, ring::kTokensPerNode, "test"));
}

}  // namespace
}  // namespace tholos::cluster
