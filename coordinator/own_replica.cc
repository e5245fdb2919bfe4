#include "coordinator/own_replica.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/async/event.h"
#include "coordinator/read/resolve.h"

namespace tholos::coordinator {
namespace {

// What is read at once is handed on at once; more than this is charged, the general way.
constexpr int64_t kOwnReadBytesMax = 64 << 10;

bool IsDatacenterLevel(ConsistencyLevel level) {
  return level == ConsistencyLevel::kLocalOne || level == ConsistencyLevel::kLocalQuorum;
}

uint32_t FactorOf(const ShardContext& shard, const ring::ClusterState& state,
                  const ring::ReplicationStrategy& strategy, ConsistencyLevel level) {
  if (!IsDatacenterLevel(level)) return strategy.factor;
  const ring::DatacenterId own = state.DatacenterOf(shard.options.self);
  return own < state.datacenters().size() ? strategy.FactorIn(state.datacenters()[own])
                                          : strategy.factor;
}

// A write in the engine, which may outlast who waits for it.
struct Applied {
  base::Event done;
  absl::Status status;
  base::Semaphore::Units room;
};

base::Task<void> Apply(ShardContext& shard, std::string encoded_mutation, base::Deadline deadline,
                       std::shared_ptr<Applied> applied) {
  auto under_way = shard.replica_queues.Send(ReplicaQueues::Kind::kWrite, shard.options.self);
  applied->status = co_await shard.replicas.ApplyHere(std::move(encoded_mutation), deadline);
  under_way.Ended(applied->status);
  applied->done.Set();
}

}  // namespace

bool OwnReplicaIsEnough(const ShardContext& shard, const ring::ClusterState& state,
                        std::string_view keyspace, data::Token token, ConsistencyLevel level,
                        bool only) {
  if (level == ConsistencyLevel::kAny || level == ConsistencyLevel::kEachQuorum || IsSerial(level))
    return false;
  const auto strategy = state.StrategyOf(keyspace);
  const auto replicas = state.FindTokenReplicas(keyspace, token);
  if (!strategy.ok() || !replicas.ok()) return false;
  if (RequiredAnswers(level, FactorOf(shard, state, **strategy, level)) != 1) return false;
  const ring::ReplicaSet& natural = (*replicas)->natural;
  if (only && (natural.size() != 1 || !(*replicas)->pending.empty())) return false;
  return std::find(natural.begin(), natural.end(), shard.options.self) != natural.end();
}

std::optional<ReadPage> ReadOwnReplica(ShardContext& shard, const data::ReadCommand& command,
                                       const RequestOptions& options) {
  if (!command.key.has_value() || command.after.has_value() || options.trace != nullptr ||
      command.row_limit == 0 || command.per_partition_limit == 0) {
    return std::nullopt;
  }
  const ring::ClusterState& state = *shard.state.Get();
  const auto table = state.schema().FindTable(command.table);
  if (table == nullptr ||
      shard.policies.Of(table).speculative_retry.kind() == SpeculativeRetry::Kind::kAlways) {
    return std::nullopt;
  }
  if (!OwnReplicaIsEnough(shard, state, table->keyspace, command.key->token, options.consistency,
                          /*only=*/false)) {
    return std::nullopt;
  }
  if (shard.read_sizes.Expected(command.table, ReadSizes::Kind::kPartition) > kOwnReadBytesMax)
    return std::nullopt;
  data::ReadCommand own = command;
  own.bytes_max = std::min(own.bytes_max, static_cast<uint64_t>(kOwnReadBytesMax));
  auto result = shard.replicas.ReadHere(std::move(own), options.deadline).TakeReady();
  // A page that ends early leads on by the rules of the general way.
  if (!result.has_value() || !result->ok() || (*result)->more) return std::nullopt;
  for (const data::Partition& partition : (*result)->partitions) {
    shard.timestamps.Observe(LargestTimestamp(partition));
  }
  const uint64_t tombstones = CountTombstones(command, (*result)->partitions);
  return ReadPage{.partitions = LiveOnly(command, std::move((*result)->partitions), false),
                  .next = std::nullopt,
                  .tombstones = tombstones};
}

base::Task<absl::Status> WriteOwnReplica(ShardContext& shard, std::string encoded_mutation,
                                         base::Semaphore::Units room, base::Deadline deadline) {
  const auto applied = std::make_shared<Applied>();
  applied->room = std::move(room);
  shard.background.Spawn(Apply(shard, std::move(encoded_mutation), deadline, applied));
  if (!co_await applied->done.WaitUntil(deadline))
    co_return absl::DeadlineExceededError("no answer in time");
  co_return applied->status;
}

}  // namespace tholos::coordinator
