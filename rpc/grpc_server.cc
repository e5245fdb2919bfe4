#include "rpc/grpc_server.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <limits>
#include <utility>

#include "base/mutex.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "proto/internode.grpc.pb.h"
#include "rpc/class_limits.h"
#include "rpc/grpc_settings.h"
#include "rpc/handshake.h"

namespace tholos::rpc {
namespace {

using internode::v1::Frame;
using internode::v1::Hello;
using internode::v1::Internode;

// Counts streams, so that Shutdown() can wait for the last one.
class StreamCount {
 public:
  void Add() {
    base::MutexLock lock(&mutex_);
    ++count_;
  }
  void Remove() {
    base::MutexLock lock(&mutex_);
    if (--count_ == 0) none_.notify_all();
  }
  void AwaitNone() {
    base::MutexLock lock(&mutex_);
    while (count_ > 0) none_.wait(mutex_);
  }

 private:
  base::Mutex mutex_;
  std::condition_variable_any none_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

struct ServerShared {
  ListenOptions options;
  Endpoint endpoint;
  InboundEvents events;
  StreamCount streams;
};

class GrpcInboundStream final : public InboundStream, public grpc::ServerBidiReactor<Frame, Frame> {
 public:
  explicit GrpcInboundStream(ServerShared& shared)
      : InboundStream(shared.options.shard_count), shared_(shared) {
    shared_.streams.Add();
  }

  void Start(std::shared_ptr<GrpcInboundStream> self) {
    self_ = std::move(self);
    StartRead(&in_);
  }

  const Endpoint& from() const override { return from_; }
  const std::shared_ptr<ByteBudget>& budget() const override { return budget_; }

 private:
  void StartWriting(std::string frame, uint64_t credit) override {
    if (frame.empty()) {
      out_.clear_content();
    } else {
      out_.set_batch(std::move(frame));
    }
    out_.set_credit(credit);
    StartWrite(&out_);
  }

  void EndWriting() override {
    grpc::Status status;
    {
      // No read may start after Finish().
      base::MutexLock lock(&reading_mutex_);
      finished_ = true;
      status = end_status_;
    }
    Finish(status);
  }

  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnCancel() override { Close(); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Close();
      return;
    }
    const absl::Status status = greeted_ ? shared_.events.received(self_, in_.batch()) : OnHello();
    if (!status.ok()) {
      End(status);
      return;
    }
    ContinueReading();
  }

  void End(const absl::Status& why) {
    {
      base::MutexLock lock(&reading_mutex_);
      end_status_ = grpc::Status(static_cast<grpc::StatusCode>(why.code()),
                                 std::string(base::ToStd(why.message())));
    }
    Close();
  }

  absl::Status OnHello() {
    const Hello& hello = in_.hello();
    if (!in_.has_hello()) return absl::InvalidArgumentError("the first frame is no greeting");
    THOLOS_ASSIGN_OR_RETURN(
        const uint32_t version,
        Agree({shared_.endpoint.ToString(), shared_.options.cluster_name, kVersions},
              {hello.endpoint(),
               hello.cluster_name(),
               {hello.oldest_version(), hello.protocol_version()}}));
    absl::StatusOr<Endpoint> from = Endpoint::Parse(hello.endpoint());
    if (!from.ok()) return from.status();
    if (hello.stream_class() >= kVerbClassCount) {
      return absl::InvalidArgumentError(
          base::StrCat("there is no class ", hello.stream_class(), " of streams"));
    }
    from_ = *std::move(from);
    greeted_ = true;
    const uint64_t window = MakeBudget(static_cast<VerbClass>(hello.stream_class()));
    SetWindows(std::numeric_limits<uint64_t>::max(), window);
    if (BeginWriting()) {
      Hello& answer = *out_.mutable_hello();
      answer.set_protocol_version(version);
      answer.set_oldest_version(kVersions.oldest);
      answer.set_window(window);
      answer.set_cluster_name(shared_.options.cluster_name);
      answer.set_endpoint(shared_.endpoint.ToString());
      answer.set_stream_class(hello.stream_class());
      StartWrite(&out_);
    }
    shared_.events.greeted(from_);
    return absl::OkStatus();
  }

  // What this stream may have in hand.
  uint64_t MakeBudget(VerbClass stream_class) {
    const ClassLimits limits = LimitsOf(
        stream_class, {std::numeric_limits<size_t>::max(), shared_.options.inbound_bytes_max});
    budget_ = std::make_shared<ByteBudget>(limits.inbound_bytes_max, nullptr,
                                           [weak = std::weak_ptr<GrpcInboundStream>(self_)] {
                                             if (auto stream = weak.lock()) stream->ResumeReading();
                                           });
    return limits.inbound_bytes_max;
  }

  // Reads on, unless the requests in hand exceed the budget; then ResumeReading() does when they do
  // not.
  void ContinueReading() {
    base::MutexLock lock(&reading_mutex_);
    if (finished_) return;
    paused_ = true;
    if (!budget_->HasRoom()) return;
    paused_ = false;
    StartRead(&in_);
  }

  void ResumeReading() {
    base::MutexLock lock(&reading_mutex_);
    if (finished_ || !std::exchange(paused_, false)) return;
    StartRead(&in_);
  }

  void OnDone() override {
    const std::shared_ptr<GrpcInboundStream> self = std::move(self_);
    Close();
    shared_.streams.Remove();
  }

  ServerShared& shared_;
  std::shared_ptr<ByteBudget> budget_;  // since the hello
  Endpoint from_;
  Frame in_;
  Frame out_;
  bool greeted_ = false;  // reading reactions only, which come one at a time
  base::Mutex reading_mutex_;
  bool paused_ ABSL_GUARDED_BY(reading_mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(reading_mutex_) = false;
  grpc::Status end_status_ ABSL_GUARDED_BY(reading_mutex_);
  // Until gRPC has let go of this object.
  std::shared_ptr<GrpcInboundStream> self_;
};

class InternodeService final : public Internode::CallbackService {
 public:
  explicit InternodeService(ServerShared& shared) : shared_(shared) {}
  grpc::ServerBidiReactor<Frame, Frame>* Stream(grpc::CallbackServerContext*) override {
    auto stream = std::make_shared<GrpcInboundStream>(shared_);
    stream->Start(stream);
    return stream.get();
  }

 private:
  ServerShared& shared_;
};

// gRPC does not say why it cannot listen; a plain bind does.
std::string WhyNotBind(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* addresses = nullptr;
  const int error =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &addresses);
  if (error != 0) return gai_strerror(error);
  std::string why = "refused";
  const int fd = socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int reuse = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  if (bind(fd, addresses->ai_addr, addresses->ai_addrlen) != 0 || listen(fd, 1) != 0) {
    char buffer[128];
    why = strerror_r(errno, buffer, sizeof(buffer));
  }
  close(fd);
  freeaddrinfo(addresses);
  return why;
}

}  // namespace

struct InternodeServer::Impl {
  ServerShared shared;
  InternodeService service{shared};
  std::unique_ptr<grpc::Server> server;
};

absl::StatusOr<std::unique_ptr<InternodeServer>> InternodeServer::Start(ListenOptions options,
                                                                        InboundEvents events) {
  auto impl = std::make_unique<Impl>();
  impl->shared.options = std::move(options);
  impl->shared.events = std::move(events);
  Endpoint& endpoint = impl->shared.endpoint;
  endpoint = impl->shared.options.listen;

  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(endpoint.ToString(), InternodeServerCredentials(), &port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Peers may ping as often as their keepalive says, and somewhat more.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
  builder.SetMaxReceiveMessageSize(kGrpcMessageBytesMax);
  builder.SetMaxSendMessageSize(kGrpcMessageBytesMax);
  builder.RegisterService(&impl->service);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || port == 0) {
    return absl::Status(
        absl::StatusCode::kFailedPrecondition,
        base::StrCat("cannot listen on ", endpoint.ToString(), ": ", WhyNotBind(endpoint)));
  }
  endpoint.port = static_cast<uint16_t>(port);
  return std::unique_ptr<InternodeServer>(new InternodeServer(std::move(impl)));
}

InternodeServer::InternodeServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
InternodeServer::~InternodeServer() { Shutdown(); }

const Endpoint& InternodeServer::endpoint() const { return impl_->shared.endpoint; }

void InternodeServer::Shutdown() {
  if (impl_->server == nullptr) return;
  impl_->server->Shutdown(std::chrono::system_clock::now());
  impl_->shared.streams.AwaitNone();
  impl_->server->Wait();
  impl_->server.reset();
}

}  // namespace tholos::rpc
