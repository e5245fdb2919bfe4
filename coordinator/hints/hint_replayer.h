// HintReplayer: delivers hints to nodes that are back, in order, a few at a time, at a bounded
// rate.
//
// A hint may be delivered twice (after a restart, or when an answer was lost): applying it twice
// changes nothing.
#pragma once

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "coordinator/hints/hint_store.h"
#include "coordinator/replica_client.h"
#include "gossip/liveness.h"

namespace tholos::coordinator {

// Lives on shard 0. Stopped before the store.
class HintReplayer {
 public:
  struct Deps {
    const base::Clock& clock;
    base::Log& log;
    HintStore& store;
    const ReplicaClient& replicas;
    const ring::ClusterStateHolder& cluster;
    const gossip::LivenessView& liveness;
    ring::NodeId self;  // counts as alive
  };
  explicit HintReplayer(Deps deps) : deps_(deps) {}

  void Start();
  base::Task<void> Stop();

 private:
  base::Task<void> Run();
  base::Task<void> Visit(ring::NodeId target);
  base::Task<void> DropOld(HintLog* log);
  // Until nothing is left, the node fails, or Stop.
  base::Task<absl::Status> Replay(HintLog* log);
  base::Task<absl::Status> DeliverAll(ring::NodeId target, const std::vector<Hint>& hints);
  base::Task<absl::Status> Deliver(ring::NodeId target, const Hint& hint);
  bool IsAlive(const ring::NodeId& node) const;

  const Deps deps_;
  base::Event stopping_;
  base::Scope scope_;
  // Nodes that a task is busy with, and when those that failed may be tried again.
  absl::btree_set<ring::NodeId> visited_;
  absl::btree_map<ring::NodeId, base::MonotonicTime> paused_until_;
};

}  // namespace tholos::coordinator
