// What the parts of the chaos program share.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "tests/cluster/process_cluster.h"

namespace tholos::cluster_test {

constexpr int kChaosNodes = 3;

struct ChaosSettings {
  double seconds = 300;
  int in_flight = 64;
  int shards = 1;  // the nodes share the machine
  uint64_t seed = 1;
  double memory_mib = 768;  // of a node
};

void Pause(absl::Duration span);

// Prints whether a bound is kept; returns `kept`.
bool Check(bool kept, const std::string& what);

// Three nodes that see each other.
bool StartCluster(ProcessCluster& cluster, const ChaosSettings& settings);

// Offers a cluster ten times what it can do, measured beside one that is left in peace.
int Overload(const ChaosSettings& settings);

}  // namespace tholos::cluster_test
