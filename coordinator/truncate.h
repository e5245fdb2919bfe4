// Truncate: empties a table on all nodes. All of them must be alive: one that was away would bring
// the data back.
//
// In two steps, so that nothing written before comes in behind. First every node holds its older
// hints and logged batches back, until the request's deadline, and waits until the writes and
// repairs it has on their way have reached their replicas or have failed. Then every node drops
// what it holds back, and empties the table.
#pragma once

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "coordinator/coordinator.h"
#include "coordinator/replica_client.h"
#include "coordinator/truncations.h"
#include "gossip/liveness.h"
#include "rpc/transport.h"
#include "storage/engine.h"

namespace tholos::coordinator {

// Usable from every shard.
class Truncater {
 public:
  struct Deps {
    const base::Clock& clock;
    storage::Engine& engine;
    const ring::ClusterStateHolder& cluster;
    const gossip::LivenessView& liveness;
    const ReplicaClient& replicas;
    Truncations& truncations;
    ring::NodeId self;
    // From any shard: returns when nothing that was on its way from this node to replicas still is;
    // false if the deadline has passed before.
    std::function<base::Task<bool>(base::Deadline)> settle;
  };
  explicit Truncater(Deps deps) : deps_(std::move(deps)) {}

  // Before the transport starts.
  void RegisterWith(rpc::Transport& transport);

  // Coordinator::Truncate.
  base::Task<absl::Status> Truncate(data::TableId table, RequestOptions options);

 private:
  enum class Step : uint8_t { kSettle = 0, kEmpty = 1 };

  base::Task<absl::StatusOr<std::string>> Handle(rpc::Incoming message);
  // On this node. The body of kTruncate is the step and the table's id.
  base::Task<absl::Status> StepHere(Step step, data::TableId table, base::Deadline deadline);
  base::Task<absl::Status> StepAt(ring::NodeId node, Step step, data::TableId table,
                                  base::Deadline deadline);
  // Side by side.
  base::Task<absl::Status> StepEverywhere(const ring::ClusterState& state, Step step,
                                          data::TableId table, base::Deadline deadline);

  const Deps deps_;
};

}  // namespace tholos::coordinator
