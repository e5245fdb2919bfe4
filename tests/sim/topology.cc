#include "tests/sim/topology.h"

#include "base/strings.h"

namespace tholos::sim {

Topology OneDatacenter() { return {}; }

Topology ThreeRacks() {
  Topology topology{.places = {}, .replication = "{'class': 'NetworkTopologyStrategy', 'dc1': 3}"};
  for (int n = 0; n < 6; ++n) topology.places.push_back({"dc1", base::StrCat("rack", n % 3)});
  return topology;
}

Topology TwoDatacenters(int each) {
  Topology topology{.places = {},
                    .replication = base::StrCat("{'class': 'NetworkTopologyStrategy', 'dc1': ",
                                                each, ", 'dc2': ", each, "}")};
  for (int n = 0; n < 2 * each; ++n) {
    topology.places.push_back({base::StrCat("dc", 1 + n % 2), base::StrCat("rack", n / 2)});
  }
  return topology;
}

Domain DomainOf(const SimCluster& cluster, int n, coordinator::ConsistencyLevel level) {
  return level == coordinator::ConsistencyLevel::kLocalQuorum ? cluster.datacenter(n) : kEverywhere;
}

}  // namespace tholos::sim
