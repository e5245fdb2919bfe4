#include "coordinator/write/batch.h"

#include <algorithm>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "base/async/when_all.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/progress.h"
#include "coordinator/requests.h"
#include "coordinator/trace.h"

namespace tholos::coordinator {
namespace {

// How long a guard may take before another one is asked, of the time that the request has.
constexpr int kGuardShareOfTime = 4;
constexpr absl::Duration kRemoveTime = absl::Seconds(10);

}  // namespace

std::vector<data::Mutation> MergeByPartition(std::vector<data::Mutation> mutations) {
  std::vector<data::Mutation> merged;
  absl::btree_map<std::pair<data::TableId, data::DecoratedKey>, size_t> places;
  for (data::Mutation& mutation : mutations) {
    const auto [place, is_new] =
        places.try_emplace({mutation.table, mutation.update.key}, merged.size());
    if (is_new) {
      merged.push_back(std::move(mutation));
    } else {
      data::MergeInto(&merged[place->second].update, std::move(mutation.update));
    }
  }
  return merged;
}

std::vector<ring::NodeId> GuardCandidates(const ring::ClusterState& state,
                                          const gossip::LivenessView::Set& alive,
                                          const ring::NodeId& self, uint64_t turn) {
  const ring::NodeInfo* own = state.Find(self);
  std::vector<const ring::NodeInfo*> near;
  for (const auto& [id, node] : state.nodes()) {
    if (id == self || !alive.contains(id) || node.status == ring::NodeStatus::kJoining) continue;
    if (own == nullptr || node.datacenter == own->datacenter) near.push_back(&node);
  }
  if (!near.empty()) {
    std::rotate(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(turn % near.size()),
                near.end());
  }
  std::vector<ring::NodeId> first, second, last;
  absl::btree_set<std::string> racks;
  for (const ring::NodeInfo* node : near) {
    if (own != nullptr && node->rack == own->rack) {
      last.push_back(node->id);
    } else if (racks.insert(node->rack).second) {
      first.push_back(node->id);
    } else {
      second.push_back(node->id);
    }
  }
  first.insert(first.end(), second.begin(), second.end());
  first.insert(first.end(), last.begin(), last.end());
  first.push_back(self);
  return first;
}

base::Task<absl::Status> BatchWriter::Write(std::vector<data::Mutation> mutations, bool logged,
                                            RequestOptions options) {
  const base::Gate::Holder inside = shard_.requests.Enter();
  if (!inside) co_return Stopping();
  const base::MonotonicTime start = shard_.clock.Now();
  THOLOS_CO_RETURN_IF_ERROR(Admit(shard_, start));
  const ConsistencyLevel level = options.consistency;
  const std::string_view statement = options.statement;
  const data::TableId first = mutations.empty() ? data::TableId() : mutations.front().table;
  const absl::Status outcome =
      co_await Perform(MergeByPartition(std::move(mutations)), logged, std::move(options));
  const absl::Duration took = shard_.clock.Now() - start;
  shard_.metrics.batches.Count(level, took, outcome);
  NoteIfSlow(shard_, {"batch", first, level, took, statement}, outcome);
  co_return outcome;
}

base::Task<absl::Status> BatchWriter::Perform(std::vector<data::Mutation> mutations, bool logged,
                                              RequestOptions options) {
  // 1. Every part is fit to be written before any is sent.
  options.deadline = EffectiveDeadline(shard_, options.deadline);
  absl::StatusOr<std::vector<Writer::Prepared>> prepared = Prepare(mutations, options.consistency);
  for (int i = 0; i < kRoomTries && ReplicaQueues::IsRefusal(prepared.status()); ++i) {
    co_await AwaitRoom(shard_, options.deadline);
    prepared = Prepare(mutations, options.consistency);
  }
  THOLOS_CO_ASSIGN_OR_RETURN(std::vector<Writer::Prepared> writes, std::move(prepared));

  const base::MonotonicTime now = shard_.clock.Now();
  for (const data::Mutation& mutation : mutations) {
    THOLOS_CO_RETURN_IF_ERROR(CheckTimestamp(shard_, LargestTimestamp(mutation.update)));
    THOLOS_CO_RETURN_IF_ERROR(AdmitPartition(shard_, PartitionRates::Kind::kWrite, mutation.table,
                                             mutation.update.key.token, now));
  }

  data::Timestamp largest = data::kNoTimestamp;
  for (const Writer::Prepared& write : writes) largest = std::max(largest, write.timestamp);
  if (!shard_.ceiling.Covers(largest))
    THOLOS_CO_RETURN_IF_ERROR(co_await writer_.Cover(largest, options.deadline));

  // 2. One partition is atomic by itself.
  if (writes.size() <= 1) {
    co_return co_await SendAll(std::move(writes), WriteType::kSimple, std::move(options));
  }
  if (logged) co_return co_await PerformLogged(std::move(writes), std::move(options));
  co_return co_await SendAll(std::move(writes), WriteType::kUnloggedBatch, std::move(options));
}

base::Task<absl::Status> BatchWriter::PerformLogged(std::vector<Writer::Prepared> writes,
                                                    RequestOptions options) {
  // 1. The whole batch to its guards.
  auto batch = std::make_shared<LoggedBatch>();
  batch->id = base::Uuid::Random(random_);
  batch->created_micros = shard_.clock.WallMicros();
  size_t bytes = 0;
  for (const Writer::Prepared& write : writes) {
    batch->mutations.emplace_back(write.message->mutation());
    bytes += write.message->body.size();
  }
  // It is a row of the guards.
  THOLOS_CO_RETURN_IF_ERROR(CheckMutationSize(bytes, shard_.options.mutation_bytes_max / 2));
  THOLOS_CO_ASSIGN_OR_RETURN(const std::vector<ring::NodeId> guards,
                             co_await StoreWithGuards(batch, options));
  if (options.trace != nullptr)
    options.trace->Add(base::StrCat("batch ", batch->id.ToString(), " is safe with ", guards.size(),
                                    guards.size() == 1 ? " guard" : " guards"));

  const bool forgotten = shard_.options.faults.batch_forgotten_early;
  for (size_t i = 0; forgotten && i < guards.size(); ++i)
    shard_.background.Spawn(RemoveFrom(guards[i], batch->id));

  // 2. Every part. If one fails, or this node does, the guards do it later.
  THOLOS_CO_RETURN_IF_ERROR(
      co_await SendAll(std::move(writes), WriteType::kBatch, std::move(options)));

  // 3. Nothing is left to be guarded.
  for (const ring::NodeId& guard : guards) shard_.background.Spawn(RemoveFrom(guard, batch->id));
  co_return absl::OkStatus();
}

base::Task<absl::StatusOr<std::vector<ring::NodeId>>> BatchWriter::StoreWithGuards(
    std::shared_ptr<const LoggedBatch> batch, RequestOptions options) {
  const std::string encoded = EncodeBatch(*batch);
  const std::vector<ring::NodeId> candidates = GuardCandidates(
      *shard_.cluster.Get(), *shard_.liveness.Snapshot(), shard_.options.self, random_.Next());
  std::vector<ring::NodeId> guards;
  absl::Status first_failure;
  size_t next = 0;
  while (guards.size() < kGuards && next < candidates.size() &&
         shard_.clock.Now() < options.deadline) {
    const size_t count = std::min(kGuards - guards.size(), candidates.size() - next);
    std::vector<base::Task<absl::Status>> storing;
    for (size_t i = next; i < next + count; ++i)
      storing.push_back(StoreWith(candidates[i], encoded, options));
    const std::vector<absl::Status> stored = co_await base::WhenAll(std::move(storing));
    for (size_t i = 0; i < count; ++i) {
      if (stored[i].ok()) {
        guards.push_back(candidates[next + i]);
      } else {
        first_failure.Update(stored[i]);
      }
    }
    next += count;
  }
  if (!guards.empty()) co_return guards;
  base::RequestError error{.kind = IsUnanswered(first_failure) || first_failure.ok()
                                       ? base::RequestErrorKind::kTimeout
                                       : base::RequestErrorKind::kFailure,
                           .write = true,
                           .consistency = std::string(ConsistencyName(options.consistency)),
                           .required = static_cast<uint32_t>(std::min(kGuards, candidates.size())),
                           .write_type = std::string(WriteTypeName(WriteType::kBatchLog))};
  if (error.kind == base::RequestErrorKind::kFailure) error.failures = error.required;
  co_return base::MakeRequestError(
      error, base::StrCat("no node could guard the batch: ", base::ToStd(first_failure.message())));
}

base::Task<absl::Status> BatchWriter::StoreWith(ring::NodeId guard, std::string encoded,
                                                RequestOptions options) {
  const base::MonotonicTime now = shard_.clock.Now();
  const base::Deadline patience = now + (options.deadline - now) / kGuardShareOfTime;
  if (guard == shard_.options.self) co_return co_await batchlog_->Store(encoded, options.deadline);
  co_return co_await shard_.replicas.Ask(
      guard, {.verb = rpc::Verb::kBatchStore, .token = GuardToken(encoded), .body = encoded},
      patience);
}

base::Task<void> BatchWriter::RemoveFrom(ring::NodeId guard, base::Uuid id) {
  const base::Deadline deadline = shard_.clock.Now() + kRemoveTime;
  if (guard == shard_.options.self) {
    (void)co_await batchlog_->Remove(id, deadline);
    co_return;
  }
  // If it does not come there, the batch is replayed: nothing changes by that.
  (void)co_await shard_.replicas.Ask(guard,
                                     {.verb = rpc::Verb::kBatchRemove,
                                      .token = BatchKey(id).token,
                                      .body = std::string(id.AsBytes())},
                                     deadline);
}

absl::StatusOr<std::vector<Writer::Prepared>> BatchWriter::Prepare(
    const std::vector<data::Mutation>& mutations, ConsistencyLevel level) const {
  std::vector<Writer::Prepared> writes;
  writes.reserve(mutations.size());
  for (const data::Mutation& mutation : mutations) {
    THOLOS_ASSIGN_OR_RETURN(Writer::Prepared write, writer_.Prepare(mutation, level));
    writes.push_back(std::move(write));
  }
  return writes;
}

base::Task<absl::Status> BatchWriter::SendAll(std::vector<Writer::Prepared> writes, WriteType type,
                                              RequestOptions options) {
  std::vector<base::Task<absl::Status>> sending;
  sending.reserve(writes.size());
  for (Writer::Prepared& write : writes) {
    sending.push_back(writer_.Send(std::move(write), type, options));
  }
  absl::Status outcome;
  for (const absl::Status& one : co_await base::WhenAll(std::move(sending))) outcome.Update(one);
  co_return outcome;
}

}  // namespace tholos::coordinator
