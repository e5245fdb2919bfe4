#include "coordinator/read/read.h"

#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "coordinator/read/read_replicas.h"
#include "coordinator/requests.h"

namespace tholos::coordinator {

base::Task<absl::StatusOr<ReadPage>> Reader::Read(data::ReadCommand command,
                                                  RequestOptions options) {
  const base::Gate::Holder inside = shard_.requests.Enter();
  if (!inside) co_return Stopping();
  const base::MonotonicTime start = shard_.clock.Now();
  OperationMetrics& metrics =
      command.key.has_value() ? shard_.metrics.reads : shard_.metrics.range_reads;
  absl::StatusOr<ReadPage> page = co_await Perform(std::move(command), options);
  metrics.Count(options.consistency, shard_.clock.Now() - start, page.status());
  co_return page;
}

base::Task<absl::StatusOr<ReadPage>> Reader::Perform(data::ReadCommand command,
                                                     RequestOptions options) {
  if (command.row_limit == 0 || command.per_partition_limit == 0) {
    co_return base::InvalidRequest("a read's row limit is at least 1");
  }
  const auto cost =
      shard_.in_flight.TryAcquire(command.key.has_value() ? kReadCost : kRangeReadCost);
  if (!cost) co_return base::Overloaded("too many bytes of requests in flight");
  if (command.now_seconds == 0) command.now_seconds = shard_.clock.WallSeconds();
  options.deadline = EffectiveDeadline(shard_, options.deadline);
  if (command.key.has_value()) co_return co_await ReadPartition(std::move(command), options);
  co_return co_await ReadRange(shard_, std::move(command), options);
}

base::Task<absl::StatusOr<ReadPage>> Reader::ReadPartition(data::ReadCommand command,
                                                           RequestOptions options) {
  const ring::ClusterState::Ptr state = shard_.cluster.Get();
  THOLOS_CO_ASSIGN_OR_RETURN(const std::string keyspace, KeyspaceOf(*state, command.table));
  THOLOS_CO_ASSIGN_OR_RETURN(ReplicaPlan plan, PlanKey(shard_, *state, keyspace, command.key->token,
                                                       options.consistency, PlanRead));
  co_return co_await ReadReplicas(shard_, std::move(command), std::move(plan), options);
}

}  // namespace tholos::coordinator
