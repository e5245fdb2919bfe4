#include "coordinator/read/read.h"

#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "coordinator/own_replica.h"
#include "coordinator/progress.h"
#include "coordinator/read/read_replicas.h"
#include "coordinator/requests.h"

namespace tholos::coordinator {

base::Task<absl::StatusOr<ReadPage>> Reader::Read(data::ReadCommand command,
                                                  RequestOptions options) {
  base::Gate::Holder inside = shard_.requests.Enter();
  if (!inside) return base::Task<absl::StatusOr<ReadPage>>::Ready(Stopping());
  const base::MonotonicTime start = shard_.clock.Now();
  absl::Status admitted = Admit(shard_, start);
  if (admitted.ok() && command.key.has_value()) {
    admitted = AdmitPartition(shard_, PartitionRates::Kind::kRead, command.table,
                              command.key->token, start);
  }
  if (!admitted.ok()) return base::Task<absl::StatusOr<ReadPage>>::Ready(std::move(admitted));
  if (command.now_seconds == 0) command.now_seconds = shard_.clock.WallSeconds();
  if (std::optional<ReadPage> page = ReadOwnReplica(shard_, command, options)) {
    shard_.metrics.reads.Count(options.consistency, shard_.clock.Now() - start, absl::OkStatus());
    return base::Task<absl::StatusOr<ReadPage>>::Ready(*std::move(page));
  }
  return ReadFromReplicas(std::move(inside), std::move(command), std::move(options), start);
}

base::Task<absl::StatusOr<ReadPage>> Reader::ReadFromReplicas(base::Gate::Holder,
                                                              data::ReadCommand command,
                                                              RequestOptions options,
                                                              base::MonotonicTime start) {
  OperationMetrics& metrics =
      command.key.has_value() ? shard_.metrics.reads : shard_.metrics.range_reads;
  const std::string_view what = command.key.has_value() ? "read" : "range read";
  const data::TableId table = command.table;
  absl::StatusOr<ReadPage> page = co_await Perform(std::move(command), options);
  const absl::Duration took = shard_.clock.Now() - start;
  metrics.Count(options.consistency, took, page.status());
  NoteIfSlow(shard_, {what, table, options.consistency, took}, page.status());
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
  options.deadline = EffectiveDeadline(shard_, options.deadline);
  const RequestEpochs::Holder on_its_way = shard_.epochs.Enter();  // it may repair
  if (command.key.has_value()) co_return co_await ReadPartition(std::move(command), options);
  absl::StatusOr<ReadPage> page = co_await ReadRange(shard_, command, options);
  for (int i = 0; i < kRoomTries && ReplicaQueues::IsRefusal(page.status()); ++i) {
    co_await AwaitRoom(shard_, options.deadline);
    page = co_await ReadRange(shard_, command, options);
  }
  co_return page;
}

// Equal reads of a partition that many ask for at once share answers.
base::Task<absl::StatusOr<ReadPage>> Reader::ReadPartition(data::ReadCommand command,
                                                           RequestOptions options) {
  std::string key = data::EncodeReadCommand(command);
  key.push_back(static_cast<char>(options.consistency));
  ReadSharing::Turn turn(&shard_.read_sharing, std::move(key));
  std::optional<absl::StatusOr<ReadPage>> shared = co_await turn.Wait(options.deadline);
  if (shared.has_value()) {
    if (shared->ok() || base::GetRequestError(shared->status()).has_value()) {
      shard_.metrics.shared_reads.Add();
      co_return *std::move(shared);
    }
    co_return Progress({1}).Error(options.consistency, {});
  }
  absl::StatusOr<ReadPage> page = co_await ReadKey(std::move(command), std::move(options));
  turn.Done(page);
  co_return page;
}

base::Task<absl::StatusOr<ReadPage>> Reader::ReadKey(data::ReadCommand command,
                                                     RequestOptions options) {
  const ring::ClusterState& state = *shard_.state.Get();
  const auto table = state.schema().FindTable(command.table);
  if (table == nullptr) co_return KeyspaceOf(state, command.table).status();
  THOLOS_CO_ASSIGN_OR_RETURN(
      ReplicaPlan plan,
      PlanKey(shard_, state, table->keyspace, command.key->token, options.consistency, PlanRead));
  absl::Status admitted = AdmitPlan(shard_, ReplicaQueues::Kind::kRead, &plan);
  for (int i = 0; i < kRoomTries && !admitted.ok(); ++i) {
    co_await AwaitRoom(shard_, options.deadline);
    admitted = AdmitPlan(shard_, ReplicaQueues::Kind::kRead, &plan);
  }
  if (!admitted.ok()) co_return admitted;
  co_return co_await ReadReplicas(shard_, std::move(command), std::move(plan),
                                  shard_.policies.Of(table), std::move(options));
}

}  // namespace tholos::coordinator
