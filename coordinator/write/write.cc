#include "coordinator/write/write.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/inlined_vector.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "coordinator/own_replica.h"
#include "coordinator/requests.h"
#include "coordinator/trace.h"
#include "coordinator/write/write_progress.h"
#include "data/codec.h"
#include "data/range_tombstones.h"

namespace tholos::coordinator {
namespace {

// A relay that has said nothing for so long is gone, or too slow to wait for; it is not chosen again
// for a while, so that one stopped node delays few writes.
constexpr absl::Duration kRelayPatience = absl::Seconds(1);
constexpr absl::Duration kRelayPause = absl::Seconds(10);

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
  for (const data::RangeTombstone& each : update.range_tombstones) {
    const size_t bytes = std::max(each.range.lower.size(), each.range.upper.size());
    if (bytes > data::kBoundBytesMax) return CheckKeySize("bound of a clustering key", bytes);
  }
  if (!data::InOrder(update.range_tombstones)) {
    return base::InvalidRequest("the ranges to delete overlap, or one is empty");
  }
  return absl::OkStatus();
}

absl::Status CheckMutationSize(size_t encoded_bytes, uint64_t bytes_max) {
  if (encoded_bytes <= bytes_max) return absl::OkStatus();
  return base::InvalidRequest(base::StrCat("mutation of ", encoded_bytes,
                                           " bytes is larger than the limit of ", bytes_max));
}

// The answers of other nodes come here, by their place among the plan's targets.
struct Writer::Request final : rpc::AnswerSink, std::enable_shared_from_this<Request> {
  Request(Writer& writer, ConsistencyLevel level, ReplicaPlan replicas)
      : writer(writer),
        background(writer.shard_.background.Enter()),
        plan(std::move(replicas)),
        under_way(plan.targets.size()),
        progress(level, plan) {}

  Writer& writer;
  base::Gate::Holder background;  // a last answer may leave a hint to be kept
  const ReplicaPlan plan;
  absl::InlinedVector<std::optional<ReplicaQueues::UnderWay>, 4> under_way;  // of SendOver
  std::shared_ptr<const WriteMessage> message;
  rpc::Verb verb = rpc::Verb::kWrite;
  base::Deadline deadline;
  int64_t created_micros = 0;
  TraceHandle trace;
  WriteProgress progress;
  std::vector<FailedReplica> failed;
  base::Semaphore::Units room;
  RequestEpochs::Holder on_its_way;
  base::Event decided;

  void Changed() {
    if (progress.verdict() != Verdict::kPending) decided.Set();
  }

  void OnAnswer(uint32_t which, absl::StatusOr<std::string> answer) override {
    const ReplicaPlan::Target& replica = plan.targets[which];
    under_way[which]->Ended(answer.status());
    writer.shard_.replicas.Note(replica.node, answer.status());
    if (writer.Took(replica, answer.status(), *this)) return;
    base::Scope::Spawn(writer.HintFor(replica.node, shared_from_this()), background.Another());
  }
};

base::Task<absl::Status> Writer::Write(data::Mutation mutation, RequestOptions options) {
  const base::MonotonicTime now = shard_.clock.Now();
  absl::Status fit = Admit(shard_, now);
  if (fit.ok()) fit = CheckTimestamp(shard_, LargestTimestamp(mutation.update));
  if (fit.ok()) {
    fit = AdmitPartition(shard_, PartitionRates::Kind::kWrite, mutation.table,
                         mutation.update.key.token, now);
  }
  if (!fit.ok()) return base::Task<absl::Status>::Ready(std::move(fit));
  return WriteAgain(std::move(mutation), std::move(options), now);
}

base::Task<absl::Status> Writer::WriteAgain(data::Mutation mutation, RequestOptions options) {
  return WriteAgain(std::move(mutation), std::move(options), shard_.clock.Now());
}

base::Task<absl::Status> Writer::WriteAgain(data::Mutation mutation, RequestOptions options,
                                            base::MonotonicTime start) {
  const base::Gate::Holder inside = shard_.requests.Enter();
  if (!inside) co_return Stopping();
  const ConsistencyLevel level = options.consistency;
  const std::string_view statement = options.statement;
  const absl::Status outcome = co_await Perform(mutation, std::move(options), start);
  const absl::Duration took = shard_.clock.Now() - start;
  shard_.metrics.writes.Count(level, took, outcome);
  NoteIfSlow(shard_, {"write", mutation.table, level, took, statement}, outcome);
  co_return outcome;
}

// Nothing: not the only replica here, or a bound is exceeded; the general way tells which.
std::optional<base::Task<absl::Status>> Writer::WriteHere(const data::Mutation& mutation,
                                                          const RequestOptions& options) {
  if (options.trace != nullptr) return std::nullopt;
  const ring::ClusterState& state = *shard_.state.Get();
  const auto table = state.schema().FindTable(mutation.table);
  if (table == nullptr ||
      !OwnReplicaIsEnough(shard_, state, table->keyspace, mutation.update.key.token,
                          options.consistency, /*only=*/true)) {
    return std::nullopt;
  }
  if (!shard_.replica_queues.HasRoom(ReplicaQueues::Kind::kWrite, shard_.options.self))
    return std::nullopt;
  std::string encoded = data::EncodeMutation(mutation);
  if (encoded.size() > shard_.options.mutation_bytes_max) return std::nullopt;
  auto room = shard_.in_flight.TryAcquire(static_cast<int64_t>(encoded.size()));
  if (!room) return std::nullopt;
  shard_.timestamps.Observe(LargestTimestamp(mutation.update));
  return WriteOwnReplica(shard_, std::move(encoded), std::move(room), options.deadline);
}

// `mutation` is the caller's, which awaits this.
base::Task<absl::Status> Writer::Perform(const data::Mutation& mutation, RequestOptions options,
                                         base::MonotonicTime now) {
  THOLOS_CO_RETURN_IF_ERROR(CheckMutation(mutation));
  options.deadline = EffectiveDeadline(shard_, options.deadline, now);
  const data::Timestamp timestamp = LargestTimestamp(mutation.update);
  if (!shard_.ceiling.Covers(timestamp))
    THOLOS_CO_RETURN_IF_ERROR(co_await Cover(timestamp, options.deadline));
  if (auto here = WriteHere(mutation, options)) {
    if ((co_await *std::move(here)).ok()) co_return absl::OkStatus();
  }
  absl::StatusOr<Prepared> write = Prepare(mutation, options.consistency);
  for (int i = 0; i < kRoomTries && ReplicaQueues::IsRefusal(write.status()); ++i) {
    co_await AwaitRoom(shard_, options.deadline);
    write = Prepare(mutation, options.consistency);
  }
  if (!write.ok()) {
    if (shard_.options.faults.unavailable_after_sending) {
      options.consistency = ConsistencyLevel::kAny;
      if (auto anyway = Prepare(mutation, options.consistency); anyway.ok())
        (void)co_await Send(*std::move(anyway), WriteType::kSimple, std::move(options));
    }
    co_return write.status();
  }
  co_return co_await Send(*std::move(write), WriteType::kSimple, std::move(options));
}

base::Task<absl::Status> Writer::Cover(data::Timestamp timestamp, base::Deadline deadline) {
  const absl::Status covered = co_await shard_.ceiling.RaiseAbove(timestamp, deadline);
  if (covered.ok()) co_return covered;
  // Nothing was sent.
  co_return base::Overloaded(
      base::StrCat("the node cannot keep its timestamps: ", base::ToStd(covered.message())));
}

absl::StatusOr<Writer::Prepared> Writer::Prepare(const data::Mutation& mutation,
                                                 ConsistencyLevel level) const {
  THOLOS_RETURN_IF_ERROR(CheckMutation(mutation));
  Prepared write;
  THOLOS_ASSIGN_OR_RETURN(write.plan, Plan(mutation, level));
  if (level != ConsistencyLevel::kAny)
    THOLOS_RETURN_IF_ERROR(AdmitPlan(shard_, ReplicaQueues::Kind::kWrite, &write.plan));
  write.message = WriteMessage::Of(mutation);
  THOLOS_RETURN_IF_ERROR(
      CheckMutationSize(write.message->mutation().size(), shard_.options.mutation_bytes_max));
  write.timestamp = LargestTimestamp(mutation.update);
  write.room = shard_.in_flight.TryAcquire(static_cast<int64_t>(write.message->body.size()));
  if (!write.room) return base::Overloaded("too many bytes of requests in flight");
  return write;
}

base::Task<absl::Status> Writer::Send(Prepared write, WriteType type, RequestOptions options) {
  shard_.timestamps.Observe(write.timestamp);
  // 1. To all live replicas; a hint for each dead one.
  const auto request = std::make_shared<Request>(*this, options.consistency, std::move(write.plan));
  if (!request->background) co_return Stopping();
  const ReplicaPlan& plan = request->plan;
  request->message = std::move(write.message);
  if (options.background) request->verb = rpc::Verb::kReplayWrite;
  request->room = std::move(write.room);
  request->on_its_way = shard_.epochs.Enter();
  const Faults& faults = shard_.options.faults;
  request->deadline = faults.deadlines_ignored ? base::Deadline::Infinite() : options.deadline;
  request->trace = std::move(options.trace);
  if (request->trace != nullptr) request->trace->Add("write needs " + plan.ToString());
  request->created_micros = shard_.clock.WallMicros();
  SendAll(request);
  for (const ring::NodeId& replica : plan.dead) shard_.background.Spawn(HintFor(replica, request));

  // 2. Until the level is met, or cannot be any more, or time is up.
  co_await request->decided.WaitUntil(request->deadline);
  if (request->progress.verdict() == Verdict::kEnough) co_return absl::OkStatus();
  const absl::Status error = request->progress.Error(type);
  if (faults.timeouts_succeed &&
      base::GetRequestError(error)->kind == base::RequestErrorKind::kTimeout)
    co_return absl::OkStatus();
  co_return WithReasons(*shard_.state.Get(), error, request->failed);
}

// One copy to each other datacenter; relays hand on what somebody waits for.
void Writer::SendAll(const std::shared_ptr<Request>& request) {
  const ReplicaPlan& plan = request->plan;
  absl::btree_map<ring::DatacenterId, std::vector<ReplicaPlan::Target>> remote;
  for (size_t i = 0; i < plan.targets.size(); ++i) {
    const ReplicaPlan::Target& replica = plan.targets[i];
    if (replica.datacenter == plan.own_datacenter || plan.own_datacenter == ring::kNoDatacenter ||
        request->verb != rpc::Verb::kWrite) {
      if (request->trace != nullptr) {
        shard_.background.SpawnNow(SendTo(replica, request));
      } else if (replica.node == shard_.options.self) {
        ApplyHere(replica, request);
      } else {
        SendOver(i, request);
      }
    } else {
      remote[replica.datacenter].push_back(replica);
    }
  }
  for (auto& [datacenter, replicas] : remote) {
    if (replicas.size() == 1) {
      shard_.background.Spawn(SendTo(replicas[0], request));
    } else {
      SendThroughRelay(std::move(replicas), request);
    }
  }
}

bool Writer::MayRelay(const ring::NodeId& node) const {
  const auto silent = silent_relays_.find(node);
  return silent == silent_relays_.end() || shard_.clock.Now() >= silent->second;
}

// The first of `replicas` that is not known to be silent hands it on to the others.
void Writer::SendThroughRelay(std::vector<ReplicaPlan::Target> replicas,
                              const std::shared_ptr<Request>& request) {
  const auto relay =
      std::find_if(replicas.begin(), replicas.end(),
                   [&](const ReplicaPlan::Target& replica) { return MayRelay(replica.node); });
  if (relay == replicas.end()) {
    for (const ReplicaPlan::Target& replica : replicas)
      shard_.background.Spawn(SendTo(replica, request));
    return;
  }
  std::iter_swap(replicas.begin(), relay);
  std::vector<ring::NodeId> others;
  for (size_t i = 1; i < replicas.size(); ++i) others.push_back(replicas[i].node);
  const auto expected = shard_.forwarder.Expect(others, request->trace);
  ForwardedWrite forwarded{expected->request_id(), others, request->message->body};
  if (request->trace != nullptr) {
    request->trace->Add(base::StrCat("through ", replicas[0].node.ToString(), " to ", others.size(),
                                     " more in its datacenter"));
  }
  const auto heard = std::make_shared<bool>(false);
  shard_.background.Spawn(
      SendToRelay(replicas[0], EncodeForwardedWrite(forwarded), expected, heard, request));
  for (size_t i = 1; i < replicas.size(); ++i) {
    shard_.background.Spawn(
        AwaitForwarded(replicas[i], i - 1, replicas[0].node, expected, heard, request));
  }
}

base::Task<void> Writer::SendToRelay(ReplicaPlan::Target relay, std::string body,
                                     std::shared_ptr<Forwarder::Expected> expected,
                                     std::shared_ptr<bool> heard,
                                     std::shared_ptr<Request> request) {
  auto under_way = shard_.replica_queues.Send(ReplicaQueues::Kind::kWrite, relay.node);
  const absl::Status applied = co_await shard_.replicas.Ask(
      relay.node,
      {.verb = rpc::Verb::kForwardWrite, .token = request->message->token, .body = std::move(body)},
      request->deadline, request->trace);
  under_way.Ended(applied);
  *heard = true;
  for (size_t i = 0;
       shard_.options.faults.relay_answers_for_all && applied.ok() && i < expected->size(); ++i)
    expected->answer_of(i)->Set(absl::OkStatus());
  // Not reached, or lost since: the others are on their own.
  if (absl::IsUnavailable(applied)) expected->GiveUp();
  if (!Took(relay, applied, *request)) co_await HintFor(relay.node, std::move(request));
}

base::Task<void> Writer::AwaitForwarded(ReplicaPlan::Target replica, size_t other,
                                        ring::NodeId relay,
                                        std::shared_ptr<Forwarder::Expected> expected,
                                        std::shared_ptr<const bool> heard,
                                        std::shared_ptr<Request> request) {
  // Half of the time is for the way through the relay; less if it has fallen silent itself.
  const base::MonotonicTime now = shard_.clock.Now();
  const base::Deadline half = now + (request->deadline - now) / 2;
  std::optional<absl::Status> applied =
      co_await expected->answer_of(other)->WaitUntil(std::min(half, now + kRelayPatience));
  if (!applied.has_value() && *heard) {
    applied = co_await expected->answer_of(other)->WaitUntil(half);
  } else if (!applied.has_value()) {
    silent_relays_[relay] = shard_.clock.Now() + kRelayPause;
  }
  if (!applied.has_value() || Forwarder::IsGivenUp(*applied)) {
    co_await SendTo(replica, std::move(request));
    co_return;
  }
  if (!Took(replica, *applied, *request)) co_await HintFor(replica.node, std::move(request));
}

absl::StatusOr<ReplicaPlan> Writer::Plan(const data::Mutation& mutation,
                                         ConsistencyLevel level) const {
  const ring::ClusterState& state = *shard_.state.Get();
  const auto table = state.schema().FindTable(mutation.table);
  if (table == nullptr) return KeyspaceOf(state, mutation.table).status();
  return PlanKey(shard_, state, table->keyspace, mutation.update.key.token, level, PlanWrite);
}

base::Task<void> Writer::SendTo(ReplicaPlan::Target replica, std::shared_ptr<Request> request) {
  auto under_way = shard_.replica_queues.Send(ReplicaQueues::Kind::kWrite, replica.node);
  const absl::Status applied = co_await shard_.replicas.Apply(
      replica.node, request->verb, request->message, request->deadline, request->trace);
  under_way.Ended(applied);
  if (!Took(replica, applied, *request)) co_await HintFor(replica.node, std::move(request));
}

// The request keeps the scope open.
base::RunningNow Writer::ApplyHere(ReplicaPlan::Target replica, std::shared_ptr<Request> request) {
  auto under_way = shard_.replica_queues.Send(ReplicaQueues::Kind::kWrite, replica.node);
  const absl::Status applied = co_await shard_.replicas.ApplyHere(
      std::string(request->message->mutation()), request->deadline);
  under_way.Ended(applied);
  if (!Took(replica, applied, *request)) co_await HintFor(replica.node, std::move(request));
}

void Writer::SendOver(size_t target, const std::shared_ptr<Request>& request) {
  const ring::NodeId& node = request->plan.targets[target].node;
  request->under_way[target].emplace(shard_.replica_queues.Send(ReplicaQueues::Kind::kWrite, node));
  shard_.replicas.Ask(*shard_.state.Get(), node, request->verb, request->message->token,
                      request->message->body, request->deadline, request,
                      static_cast<uint32_t>(target));
}

// What a replica said: it counts, or (false) it is to get a hint.
bool Writer::Took(const ReplicaPlan::Target& replica, const absl::Status& applied,
                  Request& request) const {
  if (applied.ok()) {
    request.progress.Acknowledged(replica.group);
  } else {
    request.progress.Failed(applied, replica.group);
    request.failed.push_back({replica.node, applied});
  }
  request.Changed();
  return applied.ok() || shard_.options.faults.hints_for_dead_only;
}

base::Task<void> Writer::HintFor(ring::NodeId replica, std::shared_ptr<Request> request) {
  const absl::Status kept =
      co_await shard_.hints.Add(replica, request->message, request->created_micros);
  request->progress.Hinted(kept.ok());
  if (shard_.options.faults.hints_count && kept.ok()) request->progress.HintCounts();
  if (request->trace != nullptr)
    request->trace->Add(base::StrCat(kept.ok() ? "kept a hint for " : "could not keep a hint for ",
                                     replica.ToString()));
  request->Changed();
}

}  // namespace tholos::coordinator
