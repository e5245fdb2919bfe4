#include "coordinator/write/write.h"

#include <utility>

#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/requests.h"
#include "coordinator/write/write_progress.h"

namespace tholos::coordinator {
namespace {

absl::Status CheckKeySize(std::string_view what, size_t bytes) {
  if (bytes <= data::kKeyBytesMax) return absl::OkStatus();
  return base::InvalidRequest(
      base::StrCat(what, " of ", bytes, " bytes is longer than the limit of ", data::kKeyBytesMax));
}

}  // namespace

absl::Status CheckMutation(const data::Mutation& mutation) {
  const data::Partition& update = mutation.update;
  if (update.IsEmpty()) return base::InvalidRequest("the mutation changes nothing");
  if (update.key.key.empty()) return base::InvalidRequest("the partition key is empty");
  THOLOS_RETURN_IF_ERROR(CheckKeySize("partition key", update.key.key.size()));
  for (const data::Row& row : update.rows) {
    THOLOS_RETURN_IF_ERROR(CheckKeySize("clustering key", row.clustering.size()));
  }
  return absl::OkStatus();
}

absl::Status CheckMutationSize(size_t encoded_bytes, uint64_t bytes_max) {
  if (encoded_bytes <= bytes_max) return absl::OkStatus();
  return base::InvalidRequest(base::StrCat("mutation of ", encoded_bytes,
                                           " bytes is larger than the limit of ", bytes_max));
}

struct Writer::Request {
  Request(ConsistencyLevel level, const ReplicaPlan& plan)
      : progress(level, plan.required, static_cast<uint32_t>(plan.targets.size()),
                 static_cast<uint32_t>(plan.dead.size())) {}

  std::shared_ptr<const WriteMessage> message;
  base::Deadline deadline;
  int64_t created_micros = 0;
  WriteProgress progress;
  base::Semaphore::Units bytes;
  base::Event decided;

  void Changed() {
    if (progress.verdict() != Verdict::kPending) decided.Set();
  }
};

base::Task<absl::Status> Writer::Write(data::Mutation mutation, RequestOptions options) {
  const base::Gate::Holder inside = shard_.requests.Enter();
  if (!inside) co_return Stopping();
  const base::MonotonicTime start = shard_.clock.Now();
  const ConsistencyLevel level = options.consistency;
  const absl::Status outcome = co_await Perform(std::move(mutation), options);
  shard_.metrics.writes.Count(level, shard_.clock.Now() - start, outcome);
  co_return outcome;
}

base::Task<absl::Status> Writer::Perform(data::Mutation mutation, RequestOptions options) {
  // 1. Is it fit to be written, are enough replicas alive, is there room? Until here nothing is
  // sent.
  THOLOS_CO_RETURN_IF_ERROR(CheckMutation(mutation));
  THOLOS_CO_ASSIGN_OR_RETURN(const ReplicaPlan plan, Plan(mutation, options.consistency));
  auto message = WriteMessage::Of(mutation);
  THOLOS_CO_RETURN_IF_ERROR(
      CheckMutationSize(message->mutation().size(), shard_.options.mutation_bytes_max));
  auto bytes = shard_.in_flight.TryAcquire(static_cast<int64_t>(message->body.size()));
  if (!bytes) co_return base::Overloaded("too many bytes of requests in flight");
  shard_.timestamps.Observe(LargestTimestamp(mutation.update));

  // 2. To all live replicas; a hint for each dead one.
  const auto request = std::make_shared<Request>(options.consistency, plan);
  request->message = std::move(message);
  request->deadline = EffectiveDeadline(shard_, options.deadline);
  request->created_micros = shard_.clock.WallMicros();
  request->bytes = std::move(bytes);
  for (const ring::NodeId& replica : plan.targets)
    shard_.background.Spawn(SendTo(replica, request));
  for (const ring::NodeId& replica : plan.dead) shard_.background.Spawn(HintFor(replica, request));

  // 3. Until the level is met, or cannot be any more, or time is up.
  co_await request->decided.WaitUntil(request->deadline);
  if (request->progress.verdict() == Verdict::kEnough) co_return absl::OkStatus();
  co_return request->progress.Error();
}

absl::StatusOr<ReplicaPlan> Writer::Plan(const data::Mutation& mutation,
                                         ConsistencyLevel level) const {
  const ring::ClusterState::Ptr state = shard_.cluster.Get();
  THOLOS_ASSIGN_OR_RETURN(const std::string keyspace, KeyspaceOf(*state, mutation.table));
  THOLOS_ASSIGN_OR_RETURN(const uint32_t factor, state->ReplicationFactor(keyspace));
  THOLOS_ASSIGN_OR_RETURN(const ring::ReplicaSet* replicas,
                          state->FindReplicas(keyspace, mutation.update.key.token));
  const auto alive = shard_.liveness.Snapshot();
  return PlanWrite({level, factor, *replicas, *alive, shard_.options.self});
}

base::Task<void> Writer::SendTo(ring::NodeId replica, std::shared_ptr<Request> request) {
  const absl::Status applied = co_await shard_.replicas.Apply(replica, rpc::Verb::kWrite,
                                                              request->message, request->deadline);
  if (applied.ok()) {
    request->progress.Acknowledged();
    request->Changed();
    co_return;
  }
  request->progress.Failed(applied);
  request->Changed();
  co_await HintFor(replica, std::move(request));
}

base::Task<void> Writer::HintFor(ring::NodeId replica, std::shared_ptr<Request> request) {
  const absl::Status kept =
      co_await shard_.hints.Add(replica, request->message, request->created_micros);
  request->progress.Hinted(kept.ok());
  request->Changed();
}

}  // namespace tholos::coordinator
