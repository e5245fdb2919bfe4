#include "cluster/join.h"

#include <algorithm>

#include "base/check.h"
#include "ring/token_allocator.h"

namespace tholos::cluster {
namespace {

// Sorted and distinct. A node without seeds founds a cluster of its own.
std::vector<base::Endpoint> SortedSeeds(const JoinQuestion& question) {
  std::vector<base::Endpoint> seeds = question.seeds;
  if (seeds.empty()) seeds.push_back(question.self);
  std::sort(seeds.begin(), seeds.end());
  seeds.erase(std::unique(seeds.begin(), seeds.end()), seeds.end());
  return seeds;
}

// Whether a seed other than this node is no member (yet).
bool SeedsMissing(const std::vector<base::Endpoint>& seeds, const JoinQuestion& question) {
  for (const base::Endpoint& seed : seeds) {
    const bool member =
        std::any_of(question.members.begin(), question.members.end(),
                    [&](const ring::NodeInfo& node) { return node.internode == seed; });
    if (!member && seed != question.self) return true;
  }
  return false;
}

}  // namespace

JoinStep DecideJoin(const JoinQuestion& question) {
  const std::vector<base::Endpoint> seeds = SortedSeeds(question);
  const bool is_seed = std::binary_search(seeds.begin(), seeds.end(), question.self);
  const bool patient = question.waited < kSeedPatience;
  for (const ring::NodeInfo& member : question.members) {
    if (member.internode == question.self) return JoinStep::kAddressTaken;
  }
  if (!question.members.empty()) {
    const bool founding = ring::AllHaveSeedTokens(question.members, seeds, ring::kTokensPerNode,
                                                  question.cluster_name);
    if (is_seed && founding) return JoinStep::kTakeSeedTokens;
    return patient && SeedsMissing(seeds, question) ? JoinStep::kWait : JoinStep::kAllocate;
  }
  if (!is_seed) return JoinStep::kWait;
  const gossip::SeedAnswers& answers = question.answers;
  const bool all_heard = answers.answered + answers.refused >= answers.asked;
  return patient && !all_heard ? JoinStep::kWait : JoinStep::kTakeSeedTokens;
}

std::vector<data::Token> TokensFor(JoinStep step, const JoinQuestion& question,
                                   base::RandomStream& random) {
  THOLOS_CHECK(step == JoinStep::kTakeSeedTokens || step == JoinStep::kAllocate);
  if (step == JoinStep::kAllocate) {
    return ring::AllocateTokens(question.members, ring::kTokensPerNode, random);
  }
  const std::vector<base::Endpoint> seeds = SortedSeeds(question);
  const auto rank = std::lower_bound(seeds.begin(), seeds.end(), question.self) - seeds.begin();
  return ring::SeedTokens(static_cast<size_t>(rank), seeds.size(), ring::kTokensPerNode,
                          question.cluster_name);
}

}  // namespace tholos::cluster
