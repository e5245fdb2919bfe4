// ReplicaPlan: which replicas a request goes to and how many must answer. A pure function of the
// level, the replica set and who is believed alive.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/consistency.h"
#include "gossip/liveness.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

struct PlanInput {
  ConsistencyLevel level = ConsistencyLevel::kQuorum;
  uint32_t replication_factor = 1;
  const ring::ReplicaSet& replicas;  // may be fewer than the factor: the cluster is small
  const gossip::LivenessView::Set& alive;
  ring::NodeId self;  // counts as alive
};

struct ReplicaPlan {
  // Live replicas: this node first if it is one, then the others in ring order. Writes go to all of
  // them, reads to the first `required`; the rest are spares.
  std::vector<ring::NodeId> targets;
  // Dead replicas in ring order: each gets a hint of a write.
  std::vector<ring::NodeId> dead;
  uint32_t required = 1;
  friend bool operator==(const ReplicaPlan&, const ReplicaPlan&) = default;
};

// kUnavailable (typed; required and alive) if fewer replicas live than the level requires. Not for
// ANY: a hint for a dead replica suffices, so only an empty replica set is too little.
absl::StatusOr<ReplicaPlan> PlanWrite(const PlanInput& input);
// As above; kInvalid for ANY, which no read can have.
absl::StatusOr<ReplicaPlan> PlanRead(const PlanInput& input);

}  // namespace tholos::coordinator
