#include "rpc/sim_transport.h"

#include <utility>

#include "base/async/task.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/executor.h"
#include "base/sim/sim_node.h"
#include "base/sim/simulation.h"
#include "base/strings.h"

namespace tholos::rpc {
namespace {

std::string Name(Verb verb, const Endpoint& to) {
  return base::StrCat(VerbName(verb), " to ", to.ToString());
}

absl::Status Unavailable(Verb verb, const Endpoint& to, std::string_view why) {
  return absl::UnavailableError(base::StrCat(Name(verb, to), ": ", why));
}

absl::Status TooLarge(Verb verb, const Endpoint& to, size_t bytes) {
  return absl::InvalidArgumentError(
      base::StrCat(Name(verb, to), ": a message of ", bytes, " bytes exceeds ", kMessageBytesMax));
}

}  // namespace

SimTransport::SimTransport(SimNetwork& network, base::sim::SimNode& node, Endpoint self)
    : network_(network), node_(node), self_(std::move(self)), instance_(network.Add(this)) {
  for (int i = 0; i < node_.executor().shard_count(); ++i) {
    scopes_.push_back(std::make_unique<base::Scope>());
    background_.push_back(std::make_unique<BackgroundQueue>(i, node_.clock(), metrics_));
  }
}

SimTransport::~SimTransport() {
  THOLOS_CHECK(!started_ || stopped_ || base::Loop::CurrentCrashed())
      << "the transport of " << node_.name() << " was not stopped";
  network_.Remove(instance_, !stopped_);
}

const std::string& SimTransport::node_name() const { return node_.name(); }

void SimTransport::Handle(Verb verb, Handler handler) {
  THOLOS_CHECK(!started_) << "handlers are set before the start";
  const bool added = handlers_.emplace(verb, std::move(handler)).second;
  THOLOS_CHECK(added) << "two handlers for " << VerbName(verb);
}

base::Task<absl::Status> SimTransport::Start() {
  THOLOS_CHECK(!started_) << "started twice";
  absl::Status listening = network_.Listen(self_, instance_);
  started_ = listening.ok();
  co_return listening;
}

base::Task<void> SimTransport::Stop() {
  stopped_ = true;
  network_.StopListening(self_, instance_);
  while (!pending_.empty()) BreakCall(pending_.begin()->first, "this node is stopping");
  for (size_t i = 0; i < scopes_.size(); ++i) {
    base::Loop& shard = node_.executor().shard(static_cast<int>(i));
    co_await base::RunOn(shard, background_[i]->Stop());
    co_await base::RunOn(shard, scopes_[i]->Stop());
  }
}

base::Task<absl::StatusOr<std::string>> SimTransport::Call(Outgoing message,
                                                           base::Deadline deadline) {
  const Endpoint to = message.to;
  const Verb verb = message.verb;
  if (!started_ || stopped_) co_return Unavailable(verb, to, "this node does not send");
  if (message.body.size() > kMessageBytesMax) co_return TooLarge(verb, to, message.body.size());
  if (network_.QueueFull(*this, to, verb, message.body.size())) {
    co_return absl::ResourceExhaustedError(base::StrCat(Name(verb, to), ": the queue is full"));
  }
  const uint64_t id = ++last_request_id_;
  auto completion = std::make_shared<base::Completion<absl::StatusOr<std::string>>>();
  if (deadline > node_.clock().Now()) {
    pending_.emplace(id, PendingCall{to, verb, &base::Loop::Current(), completion});
    Transmit(to, 0,
             {.kind = EnvelopeKind::kRequest,
              .verb = verb,
              .request_id = id,
              .token = message.token,
              .deadline = deadline,
              .body = message.body});
  }
  const std::weak_ptr<bool> alive = alive_;
  auto answer = co_await completion->WaitUntil(deadline);
  if (answer.has_value()) co_return *std::move(answer);
  if (!alive.expired()) pending_.erase(id);
  co_return absl::DeadlineExceededError(base::StrCat(Name(verb, to), ": no answer in time"));
}

void SimTransport::Ask(const Endpoint& to, Verb verb, int64_t token, std::string_view body,
                       base::Deadline deadline, std::shared_ptr<AnswerSink> sink, uint32_t which) {
  const int shard = node_.executor().current_shard();
  THOLOS_CHECK(shard >= 0) << "Ask() from a loop that is no shard";
  if (!scopes_[static_cast<size_t>(shard)]->SpawnNow(
          CallFor({to, verb, token, std::string(body)}, deadline, sink, which))) {
    sink->OnAnswer(which, Unavailable(verb, to, "this node does not send"));
  }
}

base::Task<void> SimTransport::CallFor(Outgoing message, base::Deadline deadline,
                                       std::shared_ptr<AnswerSink> sink, uint32_t which) {
  sink->OnAnswer(which, co_await Call(std::move(message), deadline));
}

void SimTransport::Send(Outgoing message) {
  if (!started_ || stopped_ || message.body.size() > kMessageBytesMax) return;
  if (network_.QueueFull(*this, message.to, message.verb, message.body.size())) return;
  Transmit(message.to, 0,
           {.kind = EnvelopeKind::kOneWay,
            .verb = message.verb,
            .token = message.token,
            .body = message.body});
}

void SimTransport::Transmit(const Endpoint& to, uint64_t to_instance, const Envelope& envelope) {
  // A process that is about to be killed says nothing any more.
  if (!node_.running()) return;
  const base::MonotonicTime now = node_.clock().Now();
  BatchWriter writer;
  writer.Add(envelope, now);
  const bool request = envelope.kind == EnvelopeKind::kRequest;
  network_.Send({.from = self_,
                 .to = to,
                 .from_instance = instance_,
                 .to_instance = to_instance,
                 .request_id = request ? envelope.request_id : 0,
                 .frame = writer.Seal(now)},
                envelope.verb);
}

void SimTransport::Receive(std::string frame, const Endpoint& from, uint64_t from_instance) {
  const auto envelopes = DecodeFrame(frame, node_.clock().Now());
  THOLOS_CHECK(envelopes.ok()) << envelopes.status() << ": the simulated network damages nothing";
  for (const Envelope& envelope : *envelopes) {
    if (envelope.kind == EnvelopeKind::kResponse) {
      Finish(envelope.request_id, std::string(envelope.body));
    } else if (envelope.kind == EnvelopeKind::kFailure) {
      absl::Status status;
      std::string_view body = envelope.body;
      const absl::Status decoded = base::DecodeStatus(&body, &status);
      Finish(envelope.request_id, decoded.ok() ? status : decoded);
    } else {
      StartJob({.from = from,
                .verb = envelope.verb,
                .body = std::string(envelope.body),
                .deadline = envelope.deadline,
                .kind = envelope.kind,
                .request_id = envelope.request_id,
                .from_instance = from_instance},
               envelope.token);
    }
  }
}

void SimTransport::StartJob(Job job, int64_t token) {
  if (!started_ || stopped_) return;
  base::Executor& executor = node_.executor();
  const int shard = base::ShardOfToken(token, executor.shard_count());
  executor.shard(shard).Post([this, shard, alive = std::weak_ptr<bool>(alive_),
                              job = std::move(job)]() mutable {
    if (alive.expired()) return;
    const VerbClass stream_class = ClassOf(job.verb);
    if (!IsBackground(stream_class)) {
      scopes_[shard]->Spawn(RunJob(std::move(job)));
      return;
    }
    const size_t bytes = job.body.size() + kEnvelopeHeaderBytes;
    const base::Deadline deadline = job.deadline;
    background_[shard]->Push(stream_class, bytes, deadline, [this, job = std::move(job)]() mutable {
      return RunJob(std::move(job));
    });
  });
}

base::Task<void> SimTransport::RunJob(Job job) {
  if (job.deadline <= node_.clock().Now()) co_return;
  const auto handler = handlers_.find(job.verb);
  if (handler == handlers_.end()) {
    Answer(job, absl::UnimplementedError(base::StrCat("no handler for ", VerbName(job.verb))));
    co_return;
  }
  Incoming message{job.from, job.verb, std::move(job.body), job.deadline};
  absl::StatusOr<std::string> result = co_await handler->second(std::move(message));
  Answer(job, std::move(result));
}

void SimTransport::Answer(const Job& job, absl::StatusOr<std::string> result) {
  if (job.kind == EnvelopeKind::kOneWay) return;
  if (result.ok() && result->size() > kMessageBytesMax) {
    result = TooLarge(job.verb, job.from, result->size());
  }
  std::string failure;
  if (!result.ok()) base::EncodeStatus(result.status(), &failure);
  Transmit(job.from, job.from_instance,
           {.kind = result.ok() ? EnvelopeKind::kResponse : EnvelopeKind::kFailure,
            .verb = job.verb,
            .request_id = job.request_id,
            .body = result.ok() ? *result : failure});
}

void SimTransport::Finish(uint64_t request_id, absl::StatusOr<std::string> result) {
  const auto it = pending_.find(request_id);
  if (it == pending_.end()) return;  // answered before, or too late
  PendingCall call = std::move(it->second);
  pending_.erase(it);
  call.loop->Post([answer = std::move(call.answer), result = std::move(result)]() mutable {
    answer->Set(std::move(result));
  });
}

void SimTransport::FailCall(uint64_t request_id, std::string_view why) {
  const auto it = pending_.find(request_id);
  if (it != pending_.end()) Finish(request_id, Unavailable(it->second.verb, it->second.to, why));
}

void SimTransport::BreakCall(uint64_t request_id, std::string_view why) {
  const auto it = pending_.find(request_id);
  if (it == pending_.end()) return;
  Finish(request_id, BrokenOff(Unavailable(it->second.verb, it->second.to, why)));
}

void SimTransport::FailCallsTo(const Endpoint& to, uint64_t last_id) {
  std::vector<uint64_t> broken;
  for (const auto& [id, call] : pending_) {
    if (id <= last_id && call.to == to) broken.push_back(id);
  }
  for (const uint64_t id : broken) BreakCall(id, "the connection broke");
}

}  // namespace tholos::rpc
