// Where the nodes of a simulated cluster are, and what the workloads ask of it.
#pragma once

#include <string>
#include <vector>

#include "coordinator/consistency.h"
#include "tests/sim/checker.h"
#include "tests/sim/sim_cluster.h"

namespace tholos::sim {

struct Topology {
  std::vector<Place> places = std::vector<Place>(3);
  std::string replication = "{'class': 'SimpleStrategy', 'replication_factor': 3}";
};

// Three nodes, three copies.
Topology OneDatacenter();
// Six nodes on three racks, three copies: one on each rack.
Topology ThreeRacks();
// Two datacenters of `each` nodes, each on a rack of its own, with a copy of everything.
Topology TwoDatacenters(int each);

// Levels of writes and reads of which every read sees every acknowledged write, and what bounds it:
// LOCAL_QUORUM binds the datacenter where the request was coordinated.
struct Levels {
  coordinator::ConsistencyLevel write = coordinator::ConsistencyLevel::kQuorum;
  coordinator::ConsistencyLevel read = coordinator::ConsistencyLevel::kQuorum;
};
// LOCAL_QUORUM both; or EACH_QUORUM writes and LOCAL_QUORUM reads.
inline constexpr Levels kLocalLevels = {coordinator::ConsistencyLevel::kLocalQuorum,
                                        coordinator::ConsistencyLevel::kLocalQuorum};
inline constexpr Levels kEachLevels = {coordinator::ConsistencyLevel::kEachQuorum,
                                       coordinator::ConsistencyLevel::kLocalQuorum};

// Of an answer at `level` from node n.
Domain DomainOf(const SimCluster& cluster, int n, coordinator::ConsistencyLevel level);

}  // namespace tholos::sim
