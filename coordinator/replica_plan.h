// ReplicaPlan: which replicas a request goes to and how many must answer. A pure function of the
// level, the strategy, the replicas and who is believed alive.
//
// A level counts answers in one or several *groups* of replicas:
//
//   ANY, ONE, TWO, THREE, QUORUM, ALL, SERIAL      all replicas are one group
//   LOCAL_ONE, LOCAL_QUORUM, LOCAL_SERIAL          those of the coordinator's datacenter; the
//   others
//                                                  get writes, and do not count
//   EACH_QUORUM under NetworkTopologyStrategy      a group for each datacenter with copies
//   EACH_QUORUM under SimpleStrategy               as QUORUM: it does not know datacenters
//
// The number comes from the strategy's factor (of the datacenter, for the last two), not from how
// many replicas there are. A write needs one more answer for each *pending* replica of the group
// (ring/cluster_state.h): so whichever of the old and the new owners fall away when a move ends,
// the others still are what the level promised. ANY needs none more. Pending replicas are counted
// like the others, alive or answered.
//
// These are Cassandra's rules, but for one: it finds out only by a timeout that an EACH_QUORUM
// write cannot get the answers of dead pending replicas, here that is UNAVAILABLE like all others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/consistency.h"
#include "coordinator/faults.h"
#include "gossip/liveness.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

// How long replicas took lately; of one that is not here nothing is known. See ReplicaLatencies.
using LatencyMap = absl::btree_map<ring::NodeId, absl::Duration>;

struct PlanInput {
  ConsistencyLevel level = ConsistencyLevel::kQuorum;
  const ring::ReplicationStrategy& strategy;
  const ring::TokenReplicas& replicas;
  const std::vector<std::string>& datacenters;  // ClusterState::datacenters()
  const gossip::LivenessView::Set& alive;
  ring::NodeId self;  // counts as alive
  ring::DatacenterId own_datacenter = ring::kNoDatacenter;
  const LatencyMap* latencies = nullptr;  // nullptr: all alike
  const Faults& faults = kNoFaults;
};

struct ReplicaPlan {
  // Counts towards nothing.
  static constexpr int kNoGroup = -1;

  struct Target {
    ring::NodeId node;
    ring::DatacenterId datacenter = 0;
    int16_t group = 0;
    friend bool operator==(const Target&, const Target&) = default;
  };

  // Live replicas, the preferred ones first: this node, if it is one; the others of its datacenter;
  // those further away. Among equals those that answered faster, and then in ring order: only a
  // clear difference counts (LatencyClass), or all coordinators would turn to the same replica.
  // Writes go to all of them. Reads go to the first of each group; the rest are spares.
  std::vector<Target> targets;
  // Dead replicas in ring order, natural ones before pending ones: each gets a hint of a write.
  std::vector<ring::NodeId> dead;
  ring::DatacenterId own_datacenter = ring::kNoDatacenter;
  // The answers that each group needs.
  absl::InlinedVector<uint32_t, 2> needs;

  uint32_t required() const;  // of all groups
  // "QUORUM needs 2 of [a b] c": for traces and tests. Nodes by their ids' first 8 digits.
  std::string ToString() const;
  friend bool operator==(const ReplicaPlan&, const ReplicaPlan&) = default;
};

// Latencies in classes that are three times apart, from a millisecond on: 0, 1, 2, ...
int LatencyClass(absl::Duration latency);

// kUnavailable (typed; required and alive, of the group that lacks) if in some group fewer replicas
// live than the level requires. Not for ANY: a hint for a dead replica suffices, so only an empty
// replica set is too little. kInvalid for the SERIAL levels: those are of conditional writes.
absl::StatusOr<ReplicaPlan> PlanWrite(const PlanInput& input);
// As above, of natural replicas alone; those that do not count are left out. kInvalid for ANY,
// which no read can have.
absl::StatusOr<ReplicaPlan> PlanRead(const PlanInput& input);

}  // namespace tholos::coordinator
