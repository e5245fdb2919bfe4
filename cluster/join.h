// How a node that has no tokens yet comes by them: the decision of the first start, as a pure step.
//
//   members known     members are seeds   this node   step
//   (with tokens)     with their combs    is a seed
//   no                -                   yes         take its comb, once every seed answered or
//                                                     refused, or patience is over
//   no                -                   no          wait
//   yes               yes                 yes         take its comb
//   yes               otherwise                       allocate among the members' tokens, once all
//                                                     seeds are members, or patience is over
//   one of them has this node's address               refuse
//
// The last is a node whose data directory is gone. Its replacement would own what the lost node
// owned and have none of it: reads would count it as one of their replicas and miss what was
// acknowledged.
//
// "Comb": ring::SeedTokens, disjoint for any two seeds. So seeds that start at the same moment, or
// one after another without having heard of each other, found a balanced cluster. Nodes that are
// not seeds should be started one after another: two that join at the same moment choose among the
// same ranges (their tokens still differ, and a token that should come out equal belongs to the
// node with the smaller id; only the balance suffers).
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/random.h"
#include "gossip/gossiper.h"
#include "ring/cluster_state.h"

namespace tholos::cluster {

// How long a node waits for seeds that are not there.
inline constexpr absl::Duration kSeedPatience = absl::Seconds(5);

struct JoinQuestion {
  std::string cluster_name;
  base::Endpoint self;
  std::vector<base::Endpoint> seeds;
  std::vector<ring::NodeInfo> members;  // with tokens
  gossip::SeedAnswers answers;
  absl::Duration waited;
};

enum class JoinStep { kWait, kTakeSeedTokens, kAllocate, kAddressTaken };
JoinStep DecideJoin(const JoinQuestion& question);

// The tokens for kTakeSeedTokens and kAllocate.
std::vector<data::Token> TokensFor(JoinStep step, const JoinQuestion& question,
                                   base::RandomStream& random);

}  // namespace tholos::cluster
