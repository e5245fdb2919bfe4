// TargetPicker: whom to gossip with in a round. Pure but for the stream it draws from.
//
// - One live peer: from a shuffled list of all that is worked off before it is shuffled anew, so
// that with n live
//   peers each is talked to at least once in 2n - 1 rounds (SWIM's round-robin), where plain chance
//   knows no bound.
// - One dead peer, with probability dead / (live + 1): it may be back, and partitions heal.
// - A seed, if none is among these, with probability seeds / (live + dead), and always while fewer
// live peers than
//   seeds are known: seeds keep parts of a cluster that do not know of each other from staying
//   apart.
#pragma once

#include <vector>

#include "base/endpoint.h"
#include "base/random.h"

namespace tholos::gossip {

class TargetPicker {
 public:
  explicit TargetPicker(base::RandomStream random) : random_(random) {}

  // `live`, `dead` and `seeds` without this node itself. Distinct endpoints.
  std::vector<base::Endpoint> Pick(const std::vector<base::Endpoint>& live,
                                   const std::vector<base::Endpoint>& dead,
                                   const std::vector<base::Endpoint>& seeds);

 private:
  base::Endpoint NextLive(const std::vector<base::Endpoint>& live);
  const base::Endpoint& OneOf(const std::vector<base::Endpoint>& endpoints) {
    return endpoints[random_.Below(endpoints.size())];
  }

  base::RandomStream random_;
  std::vector<base::Endpoint> order_;  // live peers still to come, last first
};

}  // namespace tholos::gossip
