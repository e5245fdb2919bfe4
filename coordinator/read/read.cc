#include "coordinator/read/read.h"

#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
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
  NoteIfSlow(shard_, {what, table, options.consistency, took, options.statement}, page.status());
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
  co_return co_await ReadInRoom(std::move(command), std::move(options));
}

// Equal reads of a partition that many ask for at once share answers.
base::Task<absl::StatusOr<ReadPage>> Reader::ReadPartition(data::ReadCommand command,
                                                           RequestOptions options) {
  std::string key = data::EncodeReadCommand(command);
  key.push_back(static_cast<char>(options.consistency));
  key.push_back(static_cast<char>((options.repair ? 1 : 0) + (options.background ? 2 : 0)));
  ReadSharing::Turn turn(&shard_.read_sharing, std::move(key));
  std::optional<absl::StatusOr<ReadPage>> shared = co_await turn.Wait(options.deadline);
  if (shared.has_value()) {
    if (shared->ok() || base::GetRequestError(shared->status()).has_value()) {
      shard_.metrics.shared_reads.Add();
      co_return *std::move(shared);
    }
    co_return Progress({1}).Error(options.consistency, {});
  }
  absl::StatusOr<ReadPage> page = co_await ReadInRoom(std::move(command), std::move(options));
  turn.Done(page);
  co_return page;
}

base::Task<absl::StatusOr<ReadPage>> Reader::ReadInRoom(data::ReadCommand command,
                                                        RequestOptions options) {
  const ReadSizes::Kind kind = ReadSizes::KindOf(command);
  const int64_t small = kind == ReadSizes::Kind::kPartition ? kSmallRead : kSmallRangeRead;
  const uint64_t share = command.bytes_max;
  const base::MonotonicTime start = shard_.clock.Now();
  const base::MonotonicTime half = start + (options.deadline - start) / 2;
  const auto page_bytes = static_cast<int64_t>(std::min(command.bytes_limit, kRowBytesMax));
  uint64_t needed = 0;
  uint64_t tombstones = 0;
  uint64_t repaired = 0;
  while (true) {
    const int64_t expected = shard_.read_sizes.Expected(command.table, kind);
    const auto limit = std::min<uint64_t>(
        share, std::max(needed, static_cast<uint64_t>(ReadSizes::LimitFor(expected, page_bytes))));
    ReadMemory::Room room;
    command.bytes_max = limit;
    if (limit > static_cast<uint64_t>(small)) {
      const int64_t charge = ReadMemory::ChargeOf(limit);
      room = shard_.read_memory.TryTake(charge);
      const bool large = needed != 0 || expected >= ReadSizes::kLarge;
      if (!room && large && !options.ahead) {
        shard_.metrics.read_waits.Add();
        THOLOS_CO_ASSIGN_OR_RETURN(room,
                                   co_await shard_.read_memory.Wait(charge, options.deadline));
      } else if (!room) {
        command.bytes_max = std::min(limit, static_cast<uint64_t>(small));
      }
    }
    absl::StatusOr<ReadPage> page = co_await ReadOnce(command, options);
    if (!page.ok()) co_return page;
    page->tombstones += std::exchange(tombstones, 0);
    page->repaired += std::exchange(repaired, 0);
    if (page->needed != 0 && !options.ahead) {
      if (page->needed > kRowBytesMax) {
        co_return base::InvalidRequest(base::StrCat("a row of ", page->needed, " bytes: at most ",
                                                    kRowBytesMax, " can be read"));
      }
      needed = std::max(needed, page->needed);
      shard_.read_sizes.Observe(command.table, kind, static_cast<int64_t>(needed));
    } else {
      const bool short_page = page->next.has_value() && command.bytes_max < command.bytes_limit;
      const uint64_t bytes = std::max(page->answer_bytes, page->needed);
      const bool cut = short_page && bytes >= command.bytes_max / 2;
      shard_.read_sizes.Observe(
          command.table, kind,
          static_cast<int64_t>(
              cut ? std::max(bytes, std::min(2 * command.bytes_max, command.bytes_limit)) : bytes));
      const bool go_on = short_page && page->partitions.empty() && !options.ahead &&
                         page->tombstones < shard_.options.page_tombstones_max &&
                         shard_.clock.Now() < half;
      if (!go_on) {
        if (room) page->room = std::make_shared<const ReadMemory::Room>(std::move(room));
        co_return page;
      }
      command.after = std::move(page->next);
    }
    tombstones = page->tombstones;
    repaired = page->repaired;
  }
}

base::Task<absl::StatusOr<ReadPage>> Reader::ReadOnce(data::ReadCommand command,
                                                      RequestOptions options) {
  if (command.key.has_value()) return ReadKey(std::move(command), std::move(options));
  return ReadPieces(std::move(command), std::move(options));
}

base::Task<absl::StatusOr<ReadPage>> Reader::ReadPieces(data::ReadCommand command,
                                                        RequestOptions options) {
  absl::StatusOr<ReadPage> page = co_await ReadRange(shard_, command, options);
  for (int i = 0; i < kRoomTries && ReplicaQueues::IsRefusal(page.status()); ++i) {
    co_await AwaitRoom(shard_, options.deadline);
    page = co_await ReadRange(shard_, command, options);
  }
  co_return page;
}

// No coroutine: every read of a partition goes through here.
base::Task<absl::StatusOr<ReadPage>> Reader::ReadKey(data::ReadCommand command,
                                                     RequestOptions options) {
  absl::StatusOr<KeyPlan> plan = Plan(command, options);
  if (ReplicaQueues::IsRefusal(plan.status()))
    return ReadKeyLater(std::move(command), std::move(options));
  if (!plan.ok()) return base::Task<absl::StatusOr<ReadPage>>::Ready(plan.status());
  return ReadReplicas(shard_, std::move(command), std::move(plan->replicas), plan->policy,
                      std::move(options));
}

base::Task<absl::StatusOr<ReadPage>> Reader::ReadKeyLater(data::ReadCommand command,
                                                          RequestOptions options) {
  co_await AwaitRoom(shard_, options.deadline);
  absl::StatusOr<KeyPlan> plan = Plan(command, options);
  for (int i = 1; i < kRoomTries && ReplicaQueues::IsRefusal(plan.status()); ++i) {
    co_await AwaitRoom(shard_, options.deadline);
    plan = Plan(command, options);
  }
  if (!plan.ok()) co_return plan.status();
  co_return co_await ReadReplicas(shard_, std::move(command), std::move(plan->replicas),
                                  plan->policy, std::move(options));
}

absl::StatusOr<Reader::KeyPlan> Reader::Plan(const data::ReadCommand& command,
                                             const RequestOptions& options) {
  const ring::ClusterState& state = *shard_.state.Get();
  const auto table = state.schema().FindTable(command.table);
  if (table == nullptr) return KeyspaceOf(state, command.table).status();
  THOLOS_ASSIGN_OR_RETURN(
      ReplicaPlan plan,
      PlanKey(shard_, state, table->keyspace, command.key->token, options.consistency, PlanRead));
  THOLOS_RETURN_IF_ERROR(AdmitPlan(shard_, ReplicaQueues::Kind::kRead, &plan));
  return KeyPlan{std::move(plan), shard_.policies.Of(table)};
}

}  // namespace tholos::coordinator
