// What the operations of one shard share.
#pragma once

#include "base/async/scope.h"
#include "base/async/semaphore.h"
#include "base/clock.h"
#include "coordinator/hints/hint_store.h"
#include "coordinator/options.h"
#include "coordinator/partition_rates.h"
#include "coordinator/queue_delay.h"
#include "coordinator/read/latency_estimate.h"
#include "coordinator/read/read_memory.h"
#include "coordinator/read/read_sharing.h"
#include "coordinator/read/table_policy.h"
#include "coordinator/replica_client.h"
#include "coordinator/replica_latencies.h"
#include "coordinator/replica_queues.h"
#include "coordinator/request_epochs.h"
#include "coordinator/request_metrics.h"
#include "coordinator/timestamp_ceiling.h"
#include "coordinator/timestamp_source.h"
#include "coordinator/write/forward.h"
#include "gossip/liveness.h"
#include "gossip/skew_view.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

// Confined to its shard, except for what it refers to.
struct ShardContext {
  const CoordinatorOptions& options;
  const base::Clock& clock;
  const ring::ClusterStateHolder& cluster;
  const gossip::LivenessView& liveness;
  const gossip::SkewView& skew;
  const ReplicaClient& replicas;
  HintStore& hints;
  TimestampSource& timestamps;
  base::Log& log;
  Forwarder& forwarder;
  TimestampCeiling& ceiling;
  RequestMetrics metrics;
  ring::ClusterStateCache state{cluster};

  // Requests in progress, by bytes: beyond it the answer is kOverloaded.
  base::Semaphore in_flight{options.in_flight_bytes_max};
  ReadMemory read_memory{options.read_bytes_max, metrics.read_bytes, metrics.read_bytes_max};
  ReadSizes read_sizes;
  base::Semaphore repairs{kRepairBytesMax};
  LatencyEstimate read_latency;
  ReplicaLatencies latencies;
  ReplicaQueues replica_queues{clock};
  TablePolicies policies;
  ReadSharing read_sharing{options.faults};
  ExtraBudget speculation;
  PartitionRates partition_rates{options.partition_rates};
  QueueDelay queue_delay;
  bool queue_probed = false;  // one probe of the queue is in it
  base::MonotonicTime queue_probe_after;

  // Of the slow-request log: one line a second.
  base::MonotonicTime slow_logged_until;

  // What is on its way to replicas.
  RequestEpochs epochs;

  // Requests that somebody awaits, and what goes on after they were answered.
  base::Gate requests;
  base::Scope background;

  // Of messages of read repair in flight: one of the largest.
  static constexpr int64_t kRepairBytesMax = 18 << 20;
};

}  // namespace tholos::coordinator
