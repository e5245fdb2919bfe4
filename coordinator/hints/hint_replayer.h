// HintReplayer: delivers a shard's hints to nodes that are back, in order, a few at a time, at a
// rate that is bounded over all shards.
//
// A hint may be delivered twice (after a restart, or when an answer was lost): applying it twice
// changes nothing.
#pragma once

#include <functional>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "base/async/event.h"
#include "base/async/scope.h"
#include "base/async/task.h"
#include "base/clock.h"
#include "coordinator/hints/hint_store.h"
#include "coordinator/replica_client.h"
#include "coordinator/request_epochs.h"
#include "coordinator/truncations.h"
#include "gossip/liveness.h"

namespace tholos::coordinator {

// Confined to its shard. Stopped before the store.
class HintReplayer {
 public:
  struct Deps {
    const base::Clock& clock;
    base::Log& log;
    HintStore& store;
    const ReplicaClient& replicas;
    const ring::ClusterStateHolder& cluster;
    const gossip::LivenessView& liveness;
    const Truncations& truncations;
    ring::NodeId self;           // counts as alive
    std::function<bool()> busy;  // the shard has a lot of requests in progress
    // Held while a hint is on its way.
    std::function<RequestEpochs::Holder()> enter;
    const Faults& faults = kNoFaults;
  };
  explicit HintReplayer(Deps deps) : deps_(std::move(deps)) {}

  void Start();
  base::Task<void> Stop();

 private:
  base::Task<void> Run();
  base::Task<void> Visit(ring::NodeId target);
  base::Task<void> DropOld(HintLog* log);
  // The cluster has not known the node for a while.
  bool HasLeft(const ring::NodeId& target);
  base::Task<void> DropRemoved(HintLog* log);
  // Until nothing is left, the node fails, or Stop.
  base::Task<absl::Status> Replay(HintLog* log);
  // Lets requests go first.
  base::Task<void> Yield();
  // After `bytes` were sent: the rates, of the node and of all.
  base::Task<void> Pace(HintLog* log, uint64_t bytes);
  // `*delivered`: so many from the first on.
  base::Task<absl::Status> DeliverAll(ring::NodeId target, const std::vector<Hint>& hints,
                                      size_t* delivered, bool* put_back);
  // A hint of a table that the node does not know (yet) goes to the end of its file, so that the
  // others are not kept waiting: `*put_back`.
  base::Task<absl::Status> Deliver(ring::NodeId target, const Hint& hint, bool* put_back);
  std::shared_ptr<const WriteMessage> MessageOf(WriteMessage write) const;
  bool IsAlive(const ring::NodeId& node) const;

  const Deps deps_;
  base::Event stopping_;
  base::Scope scope_;
  // Nodes that a task is busy with, and when those that failed may be tried again.
  absl::btree_set<ring::NodeId> visited_;
  absl::btree_map<ring::NodeId, base::MonotonicTime> paused_until_;
  absl::btree_map<ring::NodeId, base::MonotonicTime> unknown_since_;
};

}  // namespace tholos::coordinator
