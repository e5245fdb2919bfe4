// Truncate: empties a table on all nodes. All of them must be alive: one that was away would bring
// the data back.
#pragma once

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
  };
  explicit Truncater(Deps deps) : deps_(deps) {}

  // Before the transport starts.
  void RegisterWith(rpc::Transport& transport);

  // Coordinator::Truncate.
  base::Task<absl::Status> Truncate(data::TableId table, RequestOptions options);

 private:
  base::Task<absl::StatusOr<std::string>> Handle(rpc::Incoming message);
  // On this node. The body of kTruncate is the table's id.
  base::Task<absl::Status> TruncateHere(data::TableId table, base::Deadline deadline);
  base::Task<absl::Status> TruncateAt(ring::NodeId node, data::TableId table,
                                      base::Deadline deadline);

  const Deps deps_;
};

}  // namespace tholos::coordinator
