#include "coordinator/requests.h"

#include <algorithm>

#include "base/clock_words.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/progress.h"

namespace tholos::coordinator {
namespace {

absl::Status RefuseClock(ShardContext& shard, std::string_view what) {
  shard.metrics.clock_refused.Add();
  return base::Overloaded(
      base::StrCat("this node's clock is ", base::AheadOfClusters(shard.skew.ahead()), ", beyond ",
                   absl::FormatDuration(shard.skew.max()), " (clock_skew_max): ", what));
}

}  // namespace

absl::StatusOr<std::string> KeyspaceOf(const ring::ClusterState& state,
                                       const data::TableId& table) {
  const auto schema = state.schema().FindTable(table);
  if (schema == nullptr) {
    return base::InvalidRequest(absl::StrCat("there is no table with id ", table.ToString()));
  }
  return schema->keyspace;
}

absl::StatusOr<ReplicaPlan> PlanKey(ShardContext& shard, const ring::ClusterState& state,
                                    std::string_view keyspace, data::Token token,
                                    ConsistencyLevel level, Planner planner) {
  THOLOS_ASSIGN_OR_RETURN(const ring::ReplicationStrategy* strategy, state.StrategyOf(keyspace));
  THOLOS_ASSIGN_OR_RETURN(const ring::TokenReplicas* replicas,
                          state.FindTokenReplicas(keyspace, token));
  const auto alive = shard.liveness.Snapshot();
  return planner({.level = level,
                  .strategy = *strategy,
                  .replicas = *replicas,
                  .datacenters = state.datacenters(),
                  .alive = *alive,
                  .self = shard.options.self,
                  .own_datacenter = state.DatacenterOf(shard.options.self),
                  .latencies = &shard.latencies.Now(shard.clock.Now()),
                  .faults = shard.options.faults});
}

absl::Status CheckTimestamp(ShardContext& shard, data::Timestamp largest) {
  const data::Timestamp now = shard.clock.WallMicros();
  const absl::Duration ahead_max = shard.options.timestamp_ahead_max;
  if (largest <= now || absl::Microseconds(largest - now) <= ahead_max) return absl::OkStatus();
  // It moves nobody's clock: this node gave it, or has seen it.
  if (largest <= shard.timestamps.Latest()) return absl::OkStatus();
  if (shard.skew.TooWrong()) {
    return RefuseClock(shard,
                       base::StrCat("it cannot tell whether the timestamp ", largest,
                                    " lies too far in the future, as it does by this clock, ", now,
                                    " (microseconds). Ask another node"));
  }
  return base::InvalidRequest(absl::StrCat(
      "timestamp ", largest, " lies in the future: at most ", absl::FormatDuration(ahead_max),
      " are allowed beyond the present, ", now, " (microseconds)"));
}

absl::Status RefuseClock(ShardContext& shard) {
  return RefuseClock(shard,
                     "it gives no timestamps and no TTLs until its clock is set right. Ask another "
                     "node, or write without a TTL and with a timestamp");
}

void NoteIfSlow(ShardContext& shard, const Finished& request, const absl::Status& outcome) {
  if (request.took < shard.options.slow_request) return;
  shard.metrics.slow_requests.Add();
  const base::MonotonicTime now = shard.clock.Now();
  if (now < shard.slow_logged_until) return;
  shard.slow_logged_until = now + absl::Seconds(1);
  const auto table = shard.cluster.Get()->schema().FindTable(request.table);
  shard.log.Warning(
      "slow", base::StrCat(request.what, " of ",
                           table == nullptr ? request.table.ToString() : table->QualifiedName(),
                           " at ", ConsistencyName(request.level), " took ",
                           absl::ToInt64Milliseconds(request.took),
                           " ms: ", outcome.ok() ? "done" : base::ToStd(outcome.message()),
                           request.statement.empty() ? "" : "; ", request.statement));
}

absl::Status WithReasons(const ring::ClusterState& state, absl::Status error,
                         const std::vector<FailedReplica>& failed) {
  auto request = base::GetRequestError(error);
  if (!request.has_value() || request->kind != base::RequestErrorKind::kFailure) return error;
  for (const FailedReplica& one : failed) {
    const ring::NodeInfo* node = state.Find(one.node);
    if (node == nullptr || IsUnanswered(one.why)) continue;
    request->reasons.push_back({node->internode.host, absl::IsNotFound(one.why)
                                                          ? base::ReplicaFailureCode::kUnknownTable
                                                          : base::ReplicaFailureCode::kUnknown});
  }
  return base::MakeRequestError(*request, base::ToStd(error.message()));
}

namespace {

constexpr absl::Duration kRoomPatience = absl::Milliseconds(250);

// Many times in an interval of QueueDelay, and too seldom to cost anything.
constexpr absl::Duration kProbeInterval = absl::Milliseconds(5);

// Puts itself behind all that waits for this shard.
base::Task<void> ProbeQueue(ShardContext& shard, base::MonotonicTime start) {
  const base::MonotonicTime now = shard.clock.Now();
  shard.queue_delay.Observe(now, now - start);
  shard.queue_probed = false;
  co_return;
}

}  // namespace

absl::Status Admit(ShardContext& shard, base::MonotonicTime now) {
  if (!shard.queue_probed && now >= shard.queue_probe_after) {
    shard.queue_probed = true;
    shard.queue_probe_after = now + kProbeInterval;
    shard.background.Spawn(ProbeQueue(shard, now));
  }
  if (!shard.queue_delay.Refuses()) return absl::OkStatus();
  shard.metrics.refused_early.Add();
  return base::Overloaded("the node has more requests than it can work on");
}

absl::Status AdmitPartition(ShardContext& shard, PartitionRates::Kind kind,
                            const data::TableId& table, data::Token token,
                            base::MonotonicTime now) {
  if (shard.partition_rates.Admits(kind, table, token, now)) return absl::OkStatus();
  const auto schema = shard.state.Get()->schema().FindTable(table);
  if (schema == nullptr || schema->keyspace.starts_with("system")) return absl::OkStatus();
  shard.metrics.partition_limited.Add();
  const std::string_view what = kind == PartitionRates::Kind::kRead ? "reads" : "writes";
  return base::Overloaded(base::StrCat("a partition of ", schema->QualifiedName(),
                                       " has more than ", shard.partition_rates.RateOf(kind), " ",
                                       what, " a second (partition_", what, "_per_second)"));
}

absl::Status AdmitPlan(ShardContext& shard, ReplicaQueues::Kind kind, ReplicaPlan* plan) {
  absl::Status admitted = shard.replica_queues.Admit(kind, plan);
  if (!admitted.ok()) shard.metrics.replicas_full.Add();
  return admitted;
}

base::Task<void> AwaitRoom(ShardContext& shard, base::Deadline deadline) {
  co_await base::SleepUntil(std::min(deadline, shard.clock.Now() + kRoomPatience));
}

base::Deadline EffectiveDeadline(const ShardContext& shard, base::Deadline deadline) {
  return EffectiveDeadline(shard, deadline, shard.clock.Now());
}

base::Deadline EffectiveDeadline(const ShardContext& shard, base::Deadline deadline,
                                 base::MonotonicTime now) {
  return std::min(deadline, now + shard.options.request_time_max);
}

absl::Status Stopping() { return base::Overloaded("the node is stopping"); }

}  // namespace tholos::coordinator
