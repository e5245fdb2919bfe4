#include "coordinator/replica_service.h"

#include <utility>

#include "base/check.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/digest.h"
#include "coordinator/read/read_memory.h"
#include "coordinator/write_message.h"
#include "data/codec.h"

namespace tholos::coordinator {

ReplicaService::ReplicaService(ReplicaServiceOptions options, Deps deps, EnsureTable ensure_table)
    : options_(options), deps_(deps), ensure_table_(std::move(ensure_table)) {
  for (int i = 0; i < deps_.executor.shard_count(); ++i) {
    shards_.push_back(std::make_unique<Shard>(options_));
  }
}

void ReplicaService::RegisterWith(rpc::Transport& transport) {
  for (rpc::Verb verb : {rpc::Verb::kWrite, rpc::Verb::kRepairWrite, rpc::Verb::kHint,
                         rpc::Verb::kReplayWrite, rpc::Verb::kRepairRead, rpc::Verb::kRepairDigest,
                         rpc::Verb::kReadData, rpc::Verb::kReadDigest, rpc::Verb::kForwardWrite}) {
    transport.Handle(verb,
                     [this](rpc::Incoming message) { return Answer(std::move(message), nullptr); });
  }
  transport.Handle(rpc::Verb::kTraced,
                   [this](rpc::Incoming message) { return AnswerTraced(std::move(message)); });
}

base::Task<absl::StatusOr<std::string>> ReplicaService::Answer(rpc::Incoming message,
                                                               StepNotes* notes) {
  switch (message.verb) {
    case rpc::Verb::kWrite:
    case rpc::Verb::kRepairWrite:
    case rpc::Verb::kHint:
    case rpc::Verb::kReplayWrite:
      return Write(std::move(message), notes);
    case rpc::Verb::kReadData:
    case rpc::Verb::kRepairRead:
      return ReadData(std::move(message), notes);
    case rpc::Verb::kReadDigest:
    case rpc::Verb::kRepairDigest:
      return ReadDigest(std::move(message), notes);
    case rpc::Verb::kForwardWrite:
      if (forward_ != nullptr) return forward_(std::move(message), notes);
      [[fallthrough]];
    default:
      return base::Task<absl::StatusOr<std::string>>::Ready(
          absl::UnimplementedError("no such verb of replicas"));
  }
}

base::Task<absl::StatusOr<std::string>> ReplicaService::AnswerTraced(rpc::Incoming message) {
  THOLOS_CO_ASSIGN_OR_RETURN(TracedRequest request, DecodeTracedRequest(message.body));
  StepNotes notes(deps_.clock);
  notes.Add(base::StrCat(rpc::VerbName(request.verb), " of ", request.body.size(),
                         " bytes received from ", message.from.ToString()));
  message.verb = request.verb;
  message.body = std::move(request.body);
  TracedAnswer answer;
  answer.answer = co_await Answer(std::move(message), &notes);
  answer.steps = notes.steps();
  co_return EncodeTracedAnswer(answer);
}

base::Task<absl::StatusOr<std::string>> ReplicaService::Write(rpc::Incoming message,
                                                              StepNotes* notes) {
  const int shard = deps_.executor.current_shard();
  THOLOS_CHECK(shard >= 0) << "a handler runs on a shard";
  const auto bytes =
      shards_[shard]->in_flight.TryAcquire(static_cast<int64_t>(message.body.size()));
  if (!bytes) co_return base::Overloaded("too many bytes of writes in flight at the replica");
  std::string mutation = std::move(message.body);
  THOLOS_CO_ASSIGN_OR_RETURN(const data::Timestamp timestamp, TakeTimestamp(&mutation));
  deps_.timestamps.Observe(timestamp);
  THOLOS_CO_ASSIGN_OR_RETURN(const data::MutationHeader header, data::PeekMutation(mutation));
  absl::Status applied = co_await deps_.engine.Apply(mutation, message.deadline);
  if (absl::IsNotFound(applied)) {
    THOLOS_CO_RETURN_IF_ERROR(co_await Learn(header.table, message.from));
    applied = co_await deps_.engine.Apply(std::move(mutation), message.deadline);
  }
  if (notes != nullptr)
    notes->Add(applied.ok() ? "durable in the commit log, visible in the memtable"
                            : base::StrCat("not applied: ", base::ToStd(applied.message())));
  if (!applied.ok()) co_return applied;
  co_return std::string();
}

base::Task<absl::StatusOr<std::string>> ReplicaService::ReadData(rpc::Incoming message,
                                                                 StepNotes* notes) {
  base::Semaphore::Units room;
  THOLOS_CO_ASSIGN_OR_RETURN(const data::ReadResult result,
                             co_await Read(std::move(message), notes, &room));
  co_return data::EncodeReadResult(result);
}

base::Task<absl::StatusOr<std::string>> ReplicaService::ReadDigest(rpc::Incoming message,
                                                                   StepNotes* notes) {
  base::Semaphore::Units room;
  THOLOS_CO_ASSIGN_OR_RETURN(const data::ReadResult result,
                             co_await Read(std::move(message), notes, &room));
  co_return EncodeDigest(AnswerDigest(result, options_.faults));
}

base::Task<absl::StatusOr<data::ReadResult>> ReplicaService::Read(rpc::Incoming message,
                                                                  StepNotes* notes,
                                                                  base::Semaphore::Units* room) {
  THOLOS_CO_ASSIGN_OR_RETURN(data::ReadCommand command, data::DecodeReadCommand(message.body));
  if (command.bytes_max > static_cast<uint64_t>(kSmallRangeRead)) {
    Shard& shard = *shards_[deps_.executor.current_shard()];
    *room = co_await shard.answers.Acquire(ReadMemory::ChargeOf(command.bytes_max));
  }
  absl::StatusOr<data::ReadResult> result = co_await deps_.engine.Read(command, message.deadline);
  if (absl::IsNotFound(result.status())) {
    THOLOS_CO_RETURN_IF_ERROR(co_await Learn(command.table, message.from));
    result = co_await deps_.engine.Read(std::move(command), message.deadline);
  }
  if (notes != nullptr)
    notes->Add(result.ok() ? DescribeResult(*result)
                           : base::StrCat("not read: ", base::ToStd(result.status().message())));
  co_return result;
}

// Messages of a new table come in crowds: the first asks, the others wait for it. A table that is
// not found (it was dropped) is not asked for again for a while.
base::Task<absl::Status> ReplicaService::Learn(data::TableId table, base::Endpoint from) {
  Shard& shard = *shards_[deps_.executor.current_shard()];
  const auto turn = co_await shard.asking.Acquire(1);
  if (shard.learned == table) co_return absl::OkStatus();
  if (shard.missing == table && deps_.clock.Now() < shard.missing_until) {
    co_return absl::NotFoundError(absl::StrCat("no table ", table.ToString(), " here"));
  }
  const absl::Status learned = co_await ensure_table_(table, std::move(from));
  (learned.ok() ? shard.learned : shard.missing) = table;
  if (!learned.ok()) shard.missing_until = deps_.clock.Now() + options_.missing_table_pause;
  co_return learned;
}

}  // namespace tholos::coordinator
