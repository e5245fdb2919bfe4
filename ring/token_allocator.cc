#include "ring/token_allocator.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "base/check.h"
#include "base/checksum.h"

namespace tholos::ring {
namespace {

constexpr double kTokenSpace = 0x1p64;
constexpr int kPlans = 32;
constexpr size_t kBalancedCopiesMax = 3;
// A new token leaves at least this part of the range to its owner: two nodes that read the ring
// slightly differently do not end up with one token.
constexpr double kPartTakenMax = 0.95;
// Ranges at least this wide, as a part of the widest, are as good as it.
constexpr double kWideEnough = 0.7;
// How far the randomness moves a token, as a part of what it takes.
constexpr double kJitter = 0.1;

// The ring as owners' indices: 0 is the new node, the others count from 1.
using Ring = absl::btree_map<data::Token, size_t>;

uint64_t Distance(data::Token from, data::Token to) {
  return static_cast<uint64_t>(to) - static_cast<uint64_t>(from);
}

data::Token Advance(data::Token from, uint64_t by) {
  return static_cast<data::Token>(static_cast<uint64_t>(from) + by);
}

// Where the range that ends at `it` starts (exclusive): the place before, around the end. One place
// alone has the whole ring.
data::Token StartOf(const Ring& ring, Ring::const_iterator it) {
  return it == ring.begin() ? std::prev(ring.end())->first : std::prev(it)->first;
}

double WidthOf(const Ring& ring, Ring::const_iterator it) {
  const uint64_t width = Distance(StartOf(ring, it), it->first);
  return width == 0 ? kTokenSpace : static_cast<double>(width);
}

// The part of the token space that each node holds a copy of.
std::vector<double> Shares(const Ring& ring, size_t owners, size_t copies) {
  std::vector<double> shares(owners, 0.0);
  std::vector<size_t> seen;
  for (auto it = ring.begin(); it != ring.end(); ++it) {
    const double width = WidthOf(ring, it) / kTokenSpace;
    seen.clear();
    auto next = it;
    for (size_t steps = 0; steps < ring.size() && seen.size() < copies; ++steps) {
      if (std::find(seen.begin(), seen.end(), next->second) == seen.end()) {
        seen.push_back(next->second);
        shares[next->second] += width;
      }
      if (++next == ring.end()) next = ring.begin();
    }
  }
  return shares;
}

// One of the largest ranges of the node that owns most (the new node left out).
Ring::const_iterator RangeToSplit(const Ring& ring, const std::vector<double>& shares,
                                  base::RandomStream& random) {
  const size_t owner =
      static_cast<size_t>(std::max_element(shares.begin() + 1, shares.end()) - shares.begin());
  double widest = 0;
  for (auto it = ring.begin(); it != ring.end(); ++it) {
    if (it->second == owner) widest = std::max(widest, WidthOf(ring, it));
  }
  auto chosen = ring.end();
  uint64_t candidates = 0;
  for (auto it = ring.begin(); it != ring.end(); ++it) {
    if (it->second != owner || WidthOf(ring, it) < widest * kWideEnough) continue;
    if (random.Below(++candidates) == 0) chosen = it;
  }
  return chosen;
}

// One greedy plan: the ring with the new node's tokens in it. Nothing if the ranges are too narrow.
std::optional<Ring> Plan(Ring ring, size_t owners, size_t count, base::RandomStream& random) {
  std::vector<double> shares = Shares(ring, owners, 1);
  const double target = 1.0 / static_cast<double>(owners);
  for (size_t i = 0; i < count; ++i) {
    const auto split = RangeToSplit(ring, shares, random);
    const double missing = std::max(target - shares[0], 0.0) * kTokenSpace;
    const double jitter = 1 + kJitter * (random.Unit() - 0.5);
    const double take = std::min(missing / static_cast<double>(count - i) * jitter,
                                 WidthOf(ring, split) * kPartTakenMax);
    const auto offset = static_cast<uint64_t>(std::max(take, 1.0));
    const data::Token token = Advance(StartOf(ring, split), offset);
    const size_t owner = split->second;
    if (token == data::kMinToken || !ring.emplace(token, 0).second) return std::nullopt;
    shares[owner] -= static_cast<double>(offset) / kTokenSpace;
    shares[0] += static_cast<double>(offset) / kTokenSpace;
  }
  return ring;
}

// The largest share in relation to the mean, for the worst number of copies.
double Imbalance(const Ring& ring, size_t owners) {
  double worst = 0;
  for (size_t copies = 1; copies <= std::min(kBalancedCopiesMax, owners); ++copies) {
    const std::vector<double> shares = Shares(ring, owners, copies);
    const double mean = static_cast<double>(copies) / static_cast<double>(owners);
    worst = std::max(worst, *std::max_element(shares.begin(), shares.end()) / mean);
  }
  return worst;
}

Ring RingOf(const std::vector<NodeInfo>& nodes, size_t* owners) {
  Ring ring;
  absl::btree_map<NodeId, const NodeInfo*> sorted;
  for (const NodeInfo& node : nodes) sorted.emplace(node.id, &node);
  *owners = 1;
  for (const auto& [id, node] : sorted) {
    bool owns = false;
    for (const data::Token token : node->tokens) {
      owns |= token != data::kMinToken && ring.emplace(token, *owners).second;
    }
    if (owns) ++*owners;
  }
  return ring;
}

// Tokens at equal distances, the first at `phase` (a part of the distance).
std::vector<data::Token> EvenTokens(size_t count, double phase) {
  std::vector<data::Token> tokens;
  const double distance = kTokenSpace / static_cast<double>(count);
  for (size_t i = 0; i < count; ++i) {
    const auto offset = static_cast<uint64_t>(distance * (static_cast<double>(i) + phase));
    tokens.push_back(Advance(data::kMinToken, std::max<uint64_t>(offset, 1)));
  }
  return tokens;
}

}  // namespace

std::vector<data::Token> AllocateTokens(const std::vector<NodeInfo>& nodes, size_t count,
                                        base::RandomStream& random) {
  size_t owners = 0;
  const Ring ring = RingOf(nodes, &owners);
  if (ring.empty()) return EvenTokens(count, random.Unit() * 0.99);
  std::optional<Ring> best;
  double best_imbalance = 0;
  for (int i = 0; i < kPlans; ++i) {
    std::optional<Ring> plan = Plan(ring, owners, count, random);
    if (!plan.has_value()) continue;
    const double imbalance = Imbalance(*plan, owners);
    if (best.has_value() && imbalance >= best_imbalance) continue;
    best = std::move(plan);
    best_imbalance = imbalance;
  }
  std::vector<data::Token> tokens;
  if (best.has_value()) {
    for (const auto& [token, owner] : *best) {
      if (owner == 0) tokens.push_back(token);
    }
    return tokens;
  }
  // Ranges of a few tokens only: any free ones will do.
  absl::btree_set<data::Token> drawn;
  while (drawn.size() < count) {
    const data::Token token = random.Between(data::kMinToken + 1, -(data::kMinToken + 1));
    if (!ring.contains(token)) drawn.insert(token);
  }
  return {drawn.begin(), drawn.end()};
}

std::vector<data::Token> SeedTokens(size_t index, size_t seed_count, size_t count,
                                    std::string_view cluster_name) {
  THOLOS_CHECK(index < seed_count);
  // In each of `count` groups every seed gets one place, in an order that differs from group to
  // group: a node's ranges then have different neighbours, who share its load when it is down.
  base::RandomStream order(base::Checksum64(cluster_name));
  const std::vector<data::Token> places = EvenTokens(count * seed_count, 0.5);
  std::vector<size_t> seeds(seed_count);
  std::iota(seeds.begin(), seeds.end(), 0);
  std::vector<data::Token> tokens;
  for (size_t group = 0; group < count; ++group) {
    for (size_t i = seed_count - 1; i > 0; --i) std::swap(seeds[i], seeds[order.Below(i + 1)]);
    const auto place = std::find(seeds.begin(), seeds.end(), index) - seeds.begin();
    tokens.push_back(places[group * seed_count + static_cast<size_t>(place)]);
  }
  return tokens;
}

bool AllHaveSeedTokens(const std::vector<NodeInfo>& nodes,
                       const std::vector<base::Endpoint>& sorted_seeds, size_t count,
                       std::string_view cluster_name) {
  for (const NodeInfo& node : nodes) {
    const auto it = std::find(sorted_seeds.begin(), sorted_seeds.end(), node.internode);
    if (it == sorted_seeds.end()) return false;
    const auto rank = static_cast<size_t>(it - sorted_seeds.begin());
    if (node.tokens != SeedTokens(rank, sorted_seeds.size(), count, cluster_name)) return false;
  }
  return true;
}

}  // namespace tholos::ring
