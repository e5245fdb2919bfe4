// The simulated randomness door of one node: a stream depends on the seed, the node, how often it
// has booted, the name and how often that name was asked for.
#pragma once

#include <string>

#include "absl/container/btree_map.h"
#include "base/random.h"

namespace tholos::base::sim {

class SimRandom final : public Random {
 public:
  explicit SimRandom(uint64_t node_seed) : node_seed_(node_seed) {}
  RandomStream Stream(std::string_view name) override;
  void CountBoot() {
    ++boots_;
    calls_.clear();
  }

 private:
  const uint64_t node_seed_;
  uint64_t boots_ = 0;
  absl::btree_map<std::string, uint64_t> calls_;
};

}  // namespace tholos::base::sim
