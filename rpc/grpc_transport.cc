#include "rpc/grpc_transport.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "base/errors.h"
#include "base/status_macros.h"
#include "rpc/dialer.h"
#include "rpc/grpc_server.h"
#include "rpc/shard_port.h"

namespace tholos::rpc {

using base::Task;

class GrpcTransport::Impl {
 public:
  Impl(GrpcTransportOptions options, Deps deps)
      : options_(std::move(options)),
        deps_(deps),
        self_(options_.listen),
        dialer_(
            {deps.executor, deps.clock, deps.metrics, deps.log, deps.random.Stream("rpc/dialer"),
             [this](std::string_view frame) { return OnAnswers(frame); }},
            ports_, options_.queue_bytes_max) {
    for (int i = 0; i < deps_.executor.shard_count(); ++i) {
      ports_.push_back(
          std::make_unique<ShardPort>(i, ShardPort::Deps{deps_.executor.shard(i), deps_.clock,
                                                         deps_.metrics, dialer_, handlers_}));
    }
  }
  ~Impl() { THOLOS_CHECK(!running_) << "the transport was destroyed without Stop()"; }

  void Handle(Verb verb, Handler handler) {
    THOLOS_CHECK(!running_) << "Handle() after Start()";
    THOLOS_CHECK(handlers_.emplace(verb, std::move(handler)).second)
        << "two handlers for " << VerbName(verb);
  }

  Task<absl::Status> Start() {
    THOLOS_CHECK(!running_);
    base::Loop& home = base::Loop::Current();
    co_await base::SwitchTo(deps_.executor.background());
    absl::Status status = Listen();
    co_await base::SwitchTo(home);
    if (status.ok()) server_->Start();
    running_ = status.ok();
    co_return status;
  }

  // From the outside in: nothing new, no streams of ours, no streams of peers, then what still
  // runs.
  Task<void> Stop() {
    for (size_t i = 0; i < ports_.size(); ++i) co_await RunOn(Shard(i), Refuse(ports_[i].get()));
    co_await RunOn(Shard(0), dialer_.Stop());
    if (server_ != nullptr) co_await server_->Stop();
    for (size_t i = 0; i < ports_.size(); ++i) co_await RunOn(Shard(i), ports_[i]->Stop());
    running_ = false;
  }

  Task<absl::StatusOr<std::string>> Call(Outgoing message, base::Deadline deadline) {
    const int shard = deps_.executor.current_shard();
    if (shard >= 0) return ports_[static_cast<size_t>(shard)]->Call(std::move(message), deadline);
    const int owner = OwnerOf(message.token);
    return RunOn(deps_.executor.shard(owner),
                 ports_[static_cast<size_t>(owner)]->Call(std::move(message), deadline));
  }

  ShardPort& PortHere() {
    const int shard = deps_.executor.current_shard();
    THOLOS_CHECK(shard >= 0) << "Ask() from a loop that is no shard";
    return *ports_[static_cast<size_t>(shard)];
  }

  void Send(Outgoing message) {
    const int shard = deps_.executor.current_shard();
    if (shard >= 0) return ports_[static_cast<size_t>(shard)]->Send(std::move(message));
    const int owner = OwnerOf(message.token);
    deps_.executor.shard(owner).Post(
        [port = ports_[static_cast<size_t>(owner)].get(), message = std::move(message)]() mutable {
          port->Send(std::move(message));
        });
  }

  const Endpoint& self() const { return self_; }

 private:
  base::Loop& Shard(size_t index) { return deps_.executor.shard(static_cast<int>(index)); }
  int OwnerOf(int64_t token) const {
    return base::ShardOfToken(token, deps_.executor.shard_count());
  }
  static Task<void> Refuse(ShardPort* port) {
    port->Refuse();
    co_return;
  }

  absl::Status Listen() {
    auto server = InternodeServer::Listen(
        deps_.executor, {options_.listen, options_.cluster_name, options_.inbound_bytes_max},
        {[this](const Endpoint& from) { dialer_.Reachable(from); },
         [this](const std::shared_ptr<InboundStream>& stream, std::string_view frame) {
           return OnRequests(stream, frame);
         }});
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    self_ = server_->endpoint();
    dialer_.SetSelf(options_.cluster_name, self_);
    return absl::OkStatus();
  }

  // On the shard of the stream: decodes a frame, does its own part at once and posts each other
  // shard its part.
  absl::Status OnAnswers(std::string_view frame);
  absl::Status OnRequests(const std::shared_ptr<InboundStream>& stream, std::string_view frame);

  const GrpcTransportOptions options_;
  const Deps deps_;
  Endpoint self_;
  HandlerTable handlers_;
  std::vector<std::unique_ptr<ShardPort>> ports_;
  Dialer dialer_;
  std::unique_ptr<InternodeServer> server_;
  bool running_ = false;
};

namespace {

absl::StatusOr<Answer> ToAnswer(const Envelope& envelope) {
  if (envelope.kind == EnvelopeKind::kResponse) {
    return Answer{envelope.request_id, std::string(envelope.body)};
  }
  if (envelope.kind != EnvelopeKind::kFailure) {
    return absl::DataLossError("a peer sent a request where answers belong");
  }
  std::string_view body = envelope.body;
  absl::Status status;
  THOLOS_RETURN_IF_ERROR(base::DecodeStatus(&body, &status));
  if (status.ok()) return absl::DataLossError("a peer sent a failure that is none");
  return Answer{envelope.request_id, std::move(status)};
}

}  // namespace

absl::Status GrpcTransport::Impl::OnAnswers(std::string_view frame) {
  THOLOS_ASSIGN_OR_RETURN(const auto envelopes, DecodeFrame(frame, deps_.clock.Now()));
  std::vector<std::vector<Answer>> by_shard(ports_.size());
  for (auto& part : by_shard) part.reserve(envelopes.size() / ports_.size() + 1);
  for (const Envelope& envelope : envelopes) {
    THOLOS_ASSIGN_OR_RETURN(Answer answer, ToAnswer(envelope));
    const auto shard = static_cast<size_t>(ShardOfRequestId(answer.request_id));
    if (shard >= by_shard.size()) return absl::DataLossError("a peer answered what was not asked");
    by_shard[shard].push_back(std::move(answer));
  }
  const int here = deps_.executor.current_shard();
  for (size_t i = 0; i < by_shard.size(); ++i) {
    if (by_shard[i].empty()) continue;
    if (static_cast<int>(i) == here) {
      ports_[i]->OnAnswers(std::move(by_shard[i]));
      continue;
    }
    Shard(i).Post([port = ports_[i].get(), answers = std::move(by_shard[i])]() mutable {
      port->OnAnswers(std::move(answers));
    });
  }
  return absl::OkStatus();
}

absl::Status GrpcTransport::Impl::OnRequests(const std::shared_ptr<InboundStream>& stream,
                                             std::string_view frame) {
  THOLOS_ASSIGN_OR_RETURN(const auto envelopes, DecodeFrame(frame, deps_.clock.Now()));
  std::vector<std::vector<Request>> by_shard(ports_.size());
  for (auto& part : by_shard) part.reserve(envelopes.size() / ports_.size() + 1);
  for (const Envelope& envelope : envelopes) {
    if (envelope.kind != EnvelopeKind::kRequest && envelope.kind != EnvelopeKind::kOneWay) {
      return absl::DataLossError("a peer sent an answer where requests belong");
    }
    by_shard[static_cast<size_t>(OwnerOf(envelope.token))].push_back(
        {envelope.kind, envelope.request_id, envelope.verb, envelope.deadline,
         std::string(envelope.body),
         ByteBudget::Take(stream->budget(), envelope.body.size() + kEnvelopeHeaderBytes)});
  }
  const int here = deps_.executor.current_shard();
  for (size_t i = 0; i < by_shard.size(); ++i) {
    if (by_shard[i].empty()) continue;
    if (static_cast<int>(i) == here) {
      ports_[i]->OnRequests(stream, std::move(by_shard[i]));
      continue;
    }
    Shard(i).Post([port = ports_[i].get(), stream, requests = std::move(by_shard[i])]() mutable {
      port->OnRequests(std::move(stream), std::move(requests));
    });
  }
  return absl::OkStatus();
}

GrpcTransport::GrpcTransport(GrpcTransportOptions options, Deps deps)
    : impl_(std::make_unique<Impl>(std::move(options), deps)) {}
GrpcTransport::~GrpcTransport() = default;

void GrpcTransport::Handle(Verb verb, Handler handler) { impl_->Handle(verb, std::move(handler)); }
Task<absl::Status> GrpcTransport::Start() { return impl_->Start(); }
Task<void> GrpcTransport::Stop() { return impl_->Stop(); }
Task<absl::StatusOr<std::string>> GrpcTransport::Call(Outgoing message, base::Deadline deadline) {
  return impl_->Call(std::move(message), deadline);
}
void GrpcTransport::Ask(const Endpoint& to, Verb verb, int64_t token, std::string_view body,
                        base::Deadline deadline, std::shared_ptr<AnswerSink> sink, uint32_t which) {
  impl_->PortHere().Ask({to, verb, token, body}, deadline, std::move(sink), which);
}
void GrpcTransport::Send(Outgoing message) { impl_->Send(std::move(message)); }
const Endpoint& GrpcTransport::self() const { return impl_->self(); }

}  // namespace tholos::rpc
