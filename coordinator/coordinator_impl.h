// ClusterCoordinator: the coordinator of a node of a cluster, put together from its parts.
//
// Order in a node. Start: storage engine, Open, RegisterWith (also ReplicaService's), transport,
// Start.
// Stop: the doors to clients, the transport, Stop, storage engine.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/executor.h"
#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "coordinator/coordinator.h"
#include "coordinator/hints/hint_replayer.h"
#include "coordinator/hints/hint_store.h"
#include "coordinator/options.h"
#include "coordinator/read/read.h"
#include "coordinator/replica_service.h"
#include "coordinator/shard_context.h"
#include "coordinator/timestamp_ceiling.h"
#include "coordinator/timestamp_source.h"
#include "coordinator/trace_store.h"
#include "coordinator/truncate.h"
#include "coordinator/write/batch.h"
#include "coordinator/write/write.h"
#include "gossip/liveness.h"
#include "gossip/skew_view.h"
#include "ring/cluster_state.h"
#include "rpc/transport.h"
#include "storage/engine.h"

namespace tholos::coordinator {

struct CoordinatorDeps {
  const base::Clock& clock;
  base::Random& random;
  base::Executor& executor;
  base::FileSystem& fs;
  base::Metrics& metrics;
  base::Log& log;
  rpc::Transport& transport;
  storage::Engine& engine;
  const ring::ClusterStateHolder& cluster;
  const gossip::LivenessView& liveness;
  const gossip::SkewView& skew;
  // The node's one: the replica service follows with it what peers write.
  TimestampSource& timestamps;
};

// Write and Read are called on shards.
class ClusterCoordinator final : public Coordinator {
 public:
  // Opens the hints and the logged batches. On shard 0. Errors are those of the file system and the
  // engine, whose schema has the system tables (system_schema.h).
  static base::Task<absl::StatusOr<std::unique_ptr<ClusterCoordinator>>> Open(
      CoordinatorOptions options, CoordinatorDeps deps);

  // Answers what other coordinators ask of this one. Before the transport starts. `own`: this
  // node's replica service.
  void RegisterWith(rpc::Transport& transport, ReplicaService& own);
  // Begins to deliver hints and to replay logged batches. On shard 0.
  void Start();
  // Refuses requests (kOverloaded), returns when those in progress, their background work and the
  // writing of hints have ended: at the latest when the deadlines of all requests have passed. On
  // shard 0.
  base::Task<void> Stop();

  // On shard 0.
  RepairNeeds& repair_needs() { return *repairs_; }

  absl::StatusOr<data::Timestamp> NextTimestamp() override;
  absl::Status CheckClock() override;
  base::Task<absl::Status> Write(data::Mutation mutation, RequestOptions options) override;
  base::Task<absl::Status> WriteBatch(std::vector<data::Mutation> mutations, bool logged,
                                      RequestOptions options) override;
  base::Task<absl::Status> Truncate(data::TableId table, RequestOptions options) override;
  TraceHandle BeginTrace(TraceRequest request) override;
  void EndTrace(TraceHandle trace) override;
  base::Task<absl::StatusOr<ReadPage>> Read(data::ReadCommand command,
                                            RequestOptions options) override;

 private:
  struct Shard {
    Shard(ClusterCoordinator& owner, HintStore& hints, int index);
    ShardContext context;
    Writer writer{context};
    BatchWriter batch_writer;
    TraceStore traces;
    Reader reader{context};
  };

  ClusterCoordinator(CoordinatorOptions options, CoordinatorDeps deps,
                     std::unique_ptr<RepairNeeds> repairs, std::unique_ptr<HintStore> hints);
  Shard& Here();
  bool IsBusy(const Shard& shard) const;
  base::Task<bool> Settle(base::Deadline deadline);

  const CoordinatorOptions options_;
  const CoordinatorDeps deps_;
  const ReplicaClient replicas_;
  const std::unique_ptr<RepairNeeds> repairs_;
  const std::unique_ptr<HintStore> hints_;
  Truncations truncations_;
  Truncater truncater_;
  Forwarder forwarder_;
  TimestampCeiling ceiling_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<HintReplayer>> replayers_;  // one a shard
  std::unique_ptr<Batchlog> batchlog_;
};

}  // namespace tholos::coordinator
