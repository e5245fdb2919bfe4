#include "rpc/shard_port.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace tholos::rpc {
namespace {

// A turn that sends more than this to one stream does so in several batches.
constexpr size_t kBatchBytesTarget = size_t{256} << 10;
// While the last attempt to connect failed less than this ago, calls fail at once. Longer than one
// attempt and the wait before it, so that calls to a dead peer never wait.
constexpr absl::Duration kFailFastSpan = absl::Seconds(10);
constexpr absl::Duration kWantInterval = absl::Seconds(1);
// How long a one-way message waits for a connection.
constexpr absl::Duration kSendPatience = absl::Seconds(5);
// An answer larger than this becomes an error when its stream's budget is overdrawn by a factor
// of 4.
constexpr size_t kSmallAnswerBytes = 4096;

base::Metrics::Labels ShardLabel(int shard) { return {{"shard", std::to_string(shard)}}; }

absl::Status WithCode(absl::StatusCode code, std::string message) {
  return absl::Status(code, message);
}

std::string Describe(const PeerKey& peer) { return peer.endpoint.ToString(); }

}  // namespace

ShardPort::ShardPort(int shard, Deps deps)
    : shard_(shard),
      deps_(deps),
      sent_(deps.metrics.AddCounter("tholos_internode_sent_total",
                                    "Requests and one-way messages sent to other nodes.",
                                    ShardLabel(shard))),
      handled_(deps.metrics.AddCounter("tholos_internode_handled_total",
                                       "Messages of other nodes that were handled.",
                                       ShardLabel(shard))),
      expired_(deps.metrics.AddCounter("tholos_internode_expired_total",
                                       "Messages dropped unexecuted because their deadline passed.",
                                       ShardLabel(shard))),
      refused_(deps.metrics.AddCounter("tholos_internode_queue_full_total",
                                       "Messages refused because the queue to their peer was full.",
                                       ShardLabel(shard))),
      background_(shard, deps.clock, deps.metrics) {}

ShardPort::Peer& ShardPort::FindPeer(const PeerKey& key) {
  auto [it, added] = peers_.try_emplace(key, nullptr);
  if (added) {
    it->second = std::make_unique<Peer>();
    it->second->key = key;
    it->second->budget = deps_.peers.QueueBudget(key);
  }
  return *it->second;
}

absl::Status ShardPort::CheckSize(Verb verb, const Endpoint& to, size_t bytes) const {
  if (bytes <= kMessageBytesMax) return absl::OkStatus();
  return WithCode(absl::StatusCode::kInvalidArgument,
                  base::StrCat(VerbName(verb), " to ", to.ToString(), ": ", bytes,
                               " bytes, at most ", kMessageBytesMax, " can be sent"));
}

absl::Status ShardPort::QueueIsFull(const Peer& peer) {
  refused_.Add();
  return WithCode(absl::StatusCode::kResourceExhausted,
                  base::StrCat("the queue to ", Describe(peer.key), " is full (",
                               peer.budget->used(), " bytes)"));
}

absl::Status ShardPort::TooManyCalls() {
  refused_.Add();
  return WithCode(
      absl::StatusCode::kResourceExhausted,
      base::StrCat("as many calls to other nodes are under way as can be (", pending_.size(), ")"));
}

base::Task<absl::StatusOr<std::string>> ShardPort::Call(Outgoing message, base::Deadline deadline) {
  base::Gate::Holder inside = calls_.Enter();
  if (refusing_ || !inside) co_return absl::UnavailableError("the transport was stopped");
  THOLOS_CO_RETURN_IF_ERROR(CheckSize(message.verb, message.to, message.body.size()));
  Peer& peer = FindPeer({message.to, ClassOf(message.verb)});
  ByteBudget::Hold hold =
      ByteBudget::TryTake(peer.budget, message.body.size() + kEnvelopeHeaderBytes);
  if (!hold) co_return QueueIsFull(peer);
  if (peer.stream == nullptr) {
    THOLOS_CO_RETURN_IF_ERROR(co_await AwaitConnection(peer, deadline));
  }
  if (pending_.full()) co_return TooManyCalls();
  StagedFor(peer.stream).hold.Merge(std::move(hold));
  Waiting waiting;
  BeginCall(
      peer,
      {.verb = message.verb, .token = message.token, .deadline = deadline, .body = message.body},
      std::shared_ptr<AnswerSink>(std::shared_ptr<void>(), &waiting), 0);
  message.body = std::string();
  co_await waiting.done.Wait();
  co_return *std::move(waiting.result);
}

void ShardPort::Ask(const Question& question, base::Deadline deadline,
                    std::shared_ptr<AnswerSink> sink, uint32_t which) {
  const auto& [to, verb, token, body] = question;
  Peer& peer = FindPeer({to, ClassOf(verb)});
  if (refusing_ || peer.stream == nullptr) {
    if (!base::RunNow(
            calls_, AskWhenConnected({to, verb, token, std::string(body)}, deadline, sink, which)))
      sink->OnAnswer(which, absl::UnavailableError("the transport was stopped"));
    return;
  }
  if (absl::Status fits = CheckSize(verb, to, body.size()); !fits.ok())
    return sink->OnAnswer(which, std::move(fits));
  if (pending_.full()) return sink->OnAnswer(which, TooManyCalls());
  if (!ByteBudget::TryTake(peer.budget, body.size() + kEnvelopeHeaderBytes,
                           &StagedFor(peer.stream).hold))
    return sink->OnAnswer(which, QueueIsFull(peer));
  BeginCall(peer, {.verb = verb, .token = token, .deadline = deadline, .body = body},
            std::move(sink), which);
}

base::Task<void> ShardPort::AskWhenConnected(Outgoing message, base::Deadline deadline,
                                             std::shared_ptr<AnswerSink> sink, uint32_t which) {
  sink->OnAnswer(which, co_await Call(std::move(message), deadline));
}

void ShardPort::BeginCall(const Peer& peer, Envelope envelope, std::shared_ptr<AnswerSink> sink,
                          uint32_t which) {
  envelope.kind = EnvelopeKind::kRequest;
  envelope.request_id = (static_cast<uint64_t>(shard_) << 48) |
                        pending_.Add({&peer, peer.stream.get(), envelope.verb, which,
                                      envelope.deadline, std::move(sink)});
  sent_.Add();
  SweepAt(envelope.deadline);
  Stage(peer.stream, envelope);
}

void ShardPort::SweepAt(base::MonotonicTime when) {
  if (when == base::MonotonicTime::Infinite()) return;
  if (sweep_.pending()) {
    if (when >= sweep_at_) return;
    sweep_.Cancel();
  }
  sweep_at_ = when;
  sweep_.Start(when, [this] { Sweep(); });
}

// Ends what is overdue, in the order of its start.
void ShardPort::Sweep() {
  const base::MonotonicTime now = deps_.clock.Now();
  base::MonotonicTime next = base::MonotonicTime::Infinite();
  const std::vector<uint64_t> overdue = pending_.Select([&](const PendingCall& call) {
    if (call.deadline <= now) return true;
    next = std::min(next, call.deadline);
    return false;
  });
  SweepAt(std::max(next, now + SweepInterval(pending_.slots())));
  for (const uint64_t id : overdue) {
    const std::optional<PendingCall> late = pending_.Take(id);
    if (!late) continue;
    late->sink->OnAnswer(
        late->which, WithCode(absl::StatusCode::kDeadlineExceeded,
                              base::StrCat(VerbName(late->verb), " to ", Describe(late->peer->key),
                                           ": no answer in time")));
  }
}

void ShardPort::Send(Outgoing message) {
  if (refusing_ || !CheckSize(message.verb, message.to, message.body.size()).ok()) return;
  Peer& peer = FindPeer({message.to, ClassOf(message.verb)});
  ByteBudget::Hold hold =
      ByteBudget::TryTake(peer.budget, message.body.size() + kEnvelopeHeaderBytes);
  if (!hold) {
    refused_.Add();
    return;
  }
  if (peer.stream == nullptr) {
    scope_.Spawn(SendWhenConnected(peer, std::move(message), std::move(hold)));
    return;
  }
  sent_.Add();
  StagedFor(peer.stream).hold.Merge(std::move(hold));
  Stage(peer.stream, {.kind = EnvelopeKind::kOneWay,
                      .verb = message.verb,
                      .token = message.token,
                      .body = message.body});
}

base::Task<void> ShardPort::SendWhenConnected(Peer& peer, Outgoing message, ByteBudget::Hold hold) {
  const absl::Status connected = co_await AwaitConnection(peer, deps_.clock.Now() + kSendPatience);
  if (!connected.ok()) co_return;
  sent_.Add();
  StagedFor(peer.stream).hold.Merge(std::move(hold));
  Stage(peer.stream, {.kind = EnvelopeKind::kOneWay,
                      .verb = message.verb,
                      .token = message.token,
                      .body = message.body});
}

base::Task<absl::Status> ShardPort::AwaitConnection(Peer& peer, base::Deadline deadline) {
  while (peer.stream == nullptr) {
    if (refusing_) co_return absl::UnavailableError("the transport was stopped");
    const base::MonotonicTime now = deps_.clock.Now();
    if (peer.wanted_at == base::MonotonicTime{} || now - peer.wanted_at >= kWantInterval) {
      peer.wanted_at = now;
      deps_.peers.Want(peer.key);
    }
    if (!peer.failure.ok() && now - peer.failed_at < kFailFastSpan) co_return peer.failure;
    if (!co_await peer.changed.WaitUntil(deadline)) {
      co_return WithCode(absl::StatusCode::kDeadlineExceeded,
                         base::StrCat("could not connect to ", Describe(peer.key), " in time"));
    }
  }
  co_return absl::OkStatus();
}

void ShardPort::OnPeerUp(const PeerKey& key, std::shared_ptr<Stream> stream) {
  Peer& peer = FindPeer(key);
  peer.stream = std::move(stream);
  peer.failure = absl::OkStatus();
  peer.wanted_at = {};
  peer.changed.Pulse();
}

void ShardPort::OnPeerDown(const PeerKey& key, const std::shared_ptr<Stream>& stream,
                           absl::Status why) {
  Peer& peer = FindPeer(key);
  if (stream == nullptr) {
    peer.failure = std::move(why);
    peer.failed_at = deps_.clock.Now();
  } else {
    if (peer.stream == stream) peer.stream = nullptr;
    EndCalls(stream.get(), why);
  }
  peer.changed.Pulse();
}

// In the order of their start.
void ShardPort::EndCalls(const Stream* stream, const absl::Status& why) {
  const std::vector<uint64_t> ended = pending_.Select(
      [&](const PendingCall& call) { return stream == nullptr || call.stream == stream; });
  for (const uint64_t id : ended) {
    const std::optional<PendingCall> call = pending_.Take(id);
    if (call) call->sink->OnAnswer(call->which, BrokenOff(why));
  }
}

void ShardPort::OnAnswers(std::vector<Answer> answers) {
  for (Answer& answer : answers) {
    // Absent: its deadline passed.
    const std::optional<PendingCall> call = pending_.Take(CallOfRequestId(answer.request_id));
    if (call) call->sink->OnAnswer(call->which, std::move(answer.result));
  }
}

void ShardPort::OnRequests(std::shared_ptr<InboundStream> stream, std::vector<Request> requests) {
  if (refusing_) return;
  const base::MonotonicTime now = deps_.clock.Now();
  for (Request& request : requests) {
    const VerbClass stream_class = ClassOf(request.verb);
    if (IsBackground(stream_class)) {
      const size_t bytes = request.hold.bytes();
      const base::Deadline deadline = request.deadline;
      background_.Push(stream_class, bytes, deadline,
                       [this, stream, request = std::move(request)]() mutable {
                         return RunInTurn(std::move(stream), std::move(request));
                       });
      continue;
    }
    const Handler* handler = HandlerOf(stream, request, now);
    if (handler != nullptr) RunHandler(scope_.Enter(), *handler, stream, std::move(request));
  }
}

const Handler* ShardPort::HandlerOf(const std::shared_ptr<InboundStream>& stream,
                                    const Request& request, base::MonotonicTime now) {
  if (request.deadline <= now) {
    expired_.Add();
    stream->Finished(request.hold.bytes());
    return nullptr;
  }
  handled_.Add();
  const auto handler = deps_.handlers.find(request.verb);
  if (handler != deps_.handlers.end()) return &handler->second;
  Respond(stream, request,
          WithCode(absl::StatusCode::kUnimplemented,
                   base::StrCat("no handler for verb ", static_cast<int>(request.verb), " (",
                                VerbName(request.verb), ")")));
  stream->Finished(request.hold.bytes());
  return nullptr;
}

// `handler` is one of the table, which outlives all.
base::RunningNow ShardPort::RunHandler(base::Gate::Holder, const Handler& handler,
                                       std::shared_ptr<InboundStream> stream, Request request) {
  Respond(stream, request,
          co_await handler(
              Incoming{stream->from(), request.verb, std::move(request.body), request.deadline}));
  stream->Finished(request.hold.bytes());
}

base::Task<void> ShardPort::RunInTurn(std::shared_ptr<InboundStream> stream, Request request) {
  const Handler* handler = HandlerOf(stream, request, deps_.clock.Now());
  if (handler == nullptr) co_return;
  Respond(stream, request,
          co_await (*handler)(
              Incoming{stream->from(), request.verb, std::move(request.body), request.deadline}));
  stream->Finished(request.hold.bytes());
}

void ShardPort::Respond(const std::shared_ptr<InboundStream>& stream, const Request& request,
                        absl::StatusOr<std::string> result) {
  if (request.kind != EnvelopeKind::kRequest) return;
  const std::shared_ptr<ByteBudget>& budget = stream->budget();
  if (result.ok() && result->size() > kMessageBytesMax) {
    result = WithCode(absl::StatusCode::kResourceExhausted,
                      base::StrCat(VerbName(request.verb), ": the answer has ", result->size(),
                                   " bytes, at most ", kMessageBytesMax, " can be sent"));
  }
  if (result.ok() && result->size() > kSmallAnswerBytes && budget->used() > 4 * budget->max()) {
    result = absl::ResourceExhaustedError("the queue of answers is full");
  }
  std::string failure;
  if (!result.ok()) base::EncodeStatus(result.status(), &failure);
  const std::string_view body = result.ok() ? std::string_view(*result) : std::string_view(failure);
  ByteBudget::Take(budget, body.size() + kEnvelopeHeaderBytes, &StagedFor(stream).hold);
  Stage(stream, {.kind = result.ok() ? EnvelopeKind::kResponse : EnvelopeKind::kFailure,
                 .verb = request.verb,
                 .request_id = request.request_id,
                 .body = body});
}

ShardPort::Staged& ShardPort::StagedFor(const std::shared_ptr<Stream>& stream) {
  auto& [slot, last_bytes] = stream->stages[static_cast<size_t>(shard_)];
  if (slot < 0) {
    slot = static_cast<int>(staged_.size());
    staged_.push_back({stream, BatchWriter(last_bytes + last_bytes / 4), {}});
    if (!std::exchange(flush_posted_, true)) deps_.loop.Post([this] { Flush(); });
  }
  return staged_[static_cast<size_t>(slot)];
}

void ShardPort::Stage(const std::shared_ptr<Stream>& stream, const Envelope& envelope) {
  Staged& staged = StagedFor(stream);
  // Only the first one asks for the time.
  staged.writer.Add(envelope, staged.writer.empty() ? deps_.clock.Now() : base::MonotonicTime{});
  if (staged.writer.bytes() >= kBatchBytesTarget) {
    stream->Push({staged.writer.Seal(deps_.clock.Now()), std::move(staged.hold)});
  }
}

void ShardPort::Flush() {
  flush_posted_ = false;
  const base::MonotonicTime now = deps_.clock.Now();
  std::vector<Staged> staged = std::exchange(staged_, {});
  for (Staged& batch : staged) {
    batch.stream->stages[static_cast<size_t>(shard_)] = {
        .slot = -1, .last_bytes = static_cast<uint32_t>(batch.writer.bytes())};
    if (!batch.writer.empty()) batch.stream->Push({batch.writer.Seal(now), std::move(batch.hold)});
  }
}

void ShardPort::Refuse() {
  refusing_ = true;
  EndCalls(nullptr, absl::UnavailableError("the transport was stopped"));
  for (auto& [key, peer] : peers_) peer->changed.Pulse();
}

base::Task<void> ShardPort::Stop() {
  THOLOS_CHECK(refusing_);
  // Behind what was posted before.
  co_await base::Yield();
  sweep_.Cancel();
  co_await calls_.Close();
  co_await background_.Stop();
  co_await scope_.Stop();
  while (flush_posted_) co_await base::Yield();
  peers_.clear();
}

}  // namespace tholos::rpc
