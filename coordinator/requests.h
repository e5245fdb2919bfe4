// What writes and reads have in common.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/replica_plan.h"
#include "coordinator/shard_context.h"
#include "data/schema/schema.h"
#include "ring/cluster_state.h"

namespace tholos::coordinator {

// kInvalid if there is no such table (it was dropped).
absl::StatusOr<std::string> KeyspaceOf(const ring::ClusterState& state, const data::TableId& table);

// PlanWrite or PlanRead of a key, as the shard knows the cluster and its latencies.
using Planner = absl::StatusOr<ReplicaPlan> (*)(const PlanInput&);
absl::StatusOr<ReplicaPlan> PlanKey(ShardContext& shard, const ring::ClusterState& state,
                                    std::string_view keyspace, data::Token token,
                                    ConsistencyLevel level, Planner planner);

// kInvalid if a client's timestamp is further ahead of the wall clock than
// options.timestamp_ahead_max: it would win over everything that is written until then. Timestamps
// are followed, so the bound cannot be from the last one: an hour after an hour would be accepted.
// kOverloaded instead if it is this node's clock that is wrong.
absl::Status CheckTimestamp(ShardContext& shard, data::Timestamp largest);

// kOverloaded, counted: this node's clock is too wrong for what it would decide.
absl::Status RefuseClock(ShardContext& shard);

// For the slow-request log, when a request has been answered. `what`: "read", ...
struct Finished {
  std::string_view what;
  data::TableId table;
  ConsistencyLevel level = ConsistencyLevel::kQuorum;
  absl::Duration took;
  std::string_view statement = {};  // its beginning; empty if there is none
};
void NoteIfSlow(ShardContext& shard, const Finished& request, const absl::Status& outcome);

// A replica that answered with an error.
struct FailedReplica {
  ring::NodeId node;
  absl::Status why;
};
// A kFailure error says who failed, and why; others stay as they are.
absl::Status WithReasons(const ring::ClusterState& state, absl::Status error,
                         const std::vector<FailedReplica>& failed);

// Before a client's request is worked on. kOverloaded: this shard has had more to do than it can for
// a while, and refuses a share of what comes (queue_delay.h).
absl::Status Admit(ShardContext& shard, base::MonotonicTime now);
// The same of one partition. kOverloaded: it has had as many requests as the node's settings allow
// (partition_rates.h). The system's own tables have no such limit.
absl::Status AdmitPartition(ShardContext& shard, PartitionRates::Kind kind,
                            const data::TableId& table, data::Token token, base::MonotonicTime now);

// Before a request of this plan is sent. kOverloaded: too few of its replicas have room
// (replica_queues.h). It is then tried again, kRoomTries times, each after AwaitRoom.
absl::Status AdmitPlan(ShardContext& shard, ReplicaQueues::Kind kind, ReplicaPlan* plan);
// A moment in which replicas make room. Doors hold clients back by what is in progress: answered at
// once, a crowd would come again at once, and refusing it would be all that this node does.
inline constexpr int kRoomTries = 2;
base::Task<void> AwaitRoom(ShardContext& shard, base::Deadline deadline);

// Not further away than options.request_time_max.
base::Deadline EffectiveDeadline(const ShardContext& shard, base::Deadline deadline);
base::Deadline EffectiveDeadline(const ShardContext& shard, base::Deadline deadline,
                                 base::MonotonicTime now);

// The answer once Stop was called: nothing was sent.
absl::Status Stopping();

}  // namespace tholos::coordinator
