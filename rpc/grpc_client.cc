#include "rpc/grpc_client.h"

#include <limits>
#include <utility>

#include "absl/hash/hash.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "proto/internode.pb.h"
#include "rpc/grpc_address.h"
#include "rpc/grpc_socket.h"
#include "rpc/handshake.h"

namespace tholos::rpc {
namespace {

using internode::v1::Frame;
using internode::v1::Hello;

// Confined to `loop_`, but for what Stream and OutboundStream allow everybody.
class GrpcOutboundStream final : public OutboundStream,
                                 public GrpcSocket::Owner,
                                 public std::enable_shared_from_this<GrpcOutboundStream> {
 public:
  GrpcOutboundStream(base::Loop& loop, base::Loop& background, const Endpoint& to,
                     const Greeting& self, int shard_count, OutboundEvents events)
      : OutboundStream(shard_count),
        loop_(loop),
        background_(background),
        to_(to),
        self_({self.endpoint.ToString(), self.cluster_name, kVersions}),
        stream_class_(self.stream_class),
        events_(std::move(events)) {}

  // Names are looked up where that may block.
  void Start() {
    kept_ = shared_from_this();
    std::vector<SocketAddress> addresses = ParseAddress(to_);
    if (!addresses.empty()) {
      loop_.Post([self = shared_from_this(), addresses = std::move(addresses)]() mutable {
        self->Connect(std::move(addresses));
      });
      return;
    }
    background_.Post([self = shared_from_this()] {
      self->loop_.Post([self, addresses = ResolveAddress(self->to_)]() mutable {
        if (addresses.ok()) {
          self->Connect(*std::move(addresses));
        } else {
          self->End(addresses.status());
        }
      });
    });
  }

  void Cancel() override {
    loop_.Post([self = shared_from_this()] { self->End(absl::CancelledError("cancelled")); });
  }

 private:
  void Connect(std::vector<SocketAddress> addresses) {
    if (ended_) return;
    connector_ = std::make_unique<Connector>(std::move(addresses), [this](absl::StatusOr<int> fd) {
      connector_.reset();
      if (fd.ok()) {
        OnConnected(*fd);
      } else {
        End(fd.status());
      }
    });
    connector_->Start();
  }

  void OnConnected(int fd) {
    socket_ = std::make_shared<GrpcSocket>(GrpcSession::Side::kDialling, fd, *this);
    socket_->Call(to_.ToString());
    if (!BeginWriting()) return;
    Frame frame;
    Hello& hello = *frame.mutable_hello();
    hello.set_protocol_version(self_.versions.newest);
    hello.set_oldest_version(self_.versions.oldest);
    hello.set_cluster_name(self_.cluster_name);
    hello.set_endpoint(self_.name);
    hello.set_stream_class(static_cast<uint32_t>(stream_class_));
    socket_->Write(MakeGrpcMessage(frame.SerializeAsString()));
  }

  // Nobody sends requests on a stream that this node dialled: there is nothing to credit.
  void StartWriting(std::string frame, uint64_t) override {
    if (base::Loop::CurrentOrNull() == &loop_) return Write(std::move(frame));
    loop_.Post([self = shared_from_this(), frame = std::move(frame)]() mutable {
      self->Write(std::move(frame));
    });
  }
  void Write(std::string frame) {
    if (ended_) return WriteDone(false);
    socket_->Write(MakeGrpcMessage(std::move(frame), 0));
  }
  void EndWriting() override {}

  void OnWritten(bool ok) override { WriteDone(ok); }

  bool OnMessage(std::string_view message) override {
    absl::Status status = OnFrame(message);
    if (status.ok()) return true;
    End(std::move(status));
    return false;
  }

  absl::Status OnFrame(std::string_view message) {
    THOLOS_ASSIGN_OR_RETURN(const FrameView frame, ParseGrpcFrame(message));
    if (!greeted_) return OnHello(frame);
    if (frame.credit != 0) THOLOS_RETURN_IF_ERROR(OnCredit(frame.credit));
    return frame.batch.empty() ? absl::OkStatus() : events_.received(frame.batch);
  }

  absl::Status OnHello(const FrameView& frame) {
    Hello hello;
    if (!frame.hello.has_value() ||
        !hello.ParseFromArray(frame.hello->data(), static_cast<int>(frame.hello->size()))) {
      return absl::DataLossError("the first frame is no greeting");
    }
    THOLOS_RETURN_IF_ERROR(CheckAgreed(self_, hello.cluster_name(), hello.protocol_version()));
    SetWindows(hello.window(), std::numeric_limits<uint64_t>::max());
    greeted_ = true;
    events_.up();
    return absl::OkStatus();
  }

  void OnPeerEnded(absl::Status why) override {
    End(why.ok() ? absl::UnavailableError("the peer ended the stream") : std::move(why));
  }

  // With the socket's OnClosed, or here where there is none.
  void End(absl::Status why) {
    if (ended_) return;
    connector_.reset();
    if (socket_ != nullptr) return socket_->Close(std::move(why));
    OnClosed(std::move(why));
  }

  void OnClosed(absl::Status why) override {
    ended_ = true;
    Close();
    // The stream may outlive this call in the hands of others; the events may not. Nor may anything
    // here be touched once `done` has it.
    const OutboundEvents events = std::move(events_);
    events.done(std::move(why), std::move(kept_));
  }

  base::Loop& loop_;
  base::Loop& background_;
  const Endpoint to_;
  const Party self_;
  const VerbClass stream_class_;
  OutboundEvents events_;
  std::unique_ptr<Connector> connector_;  // while connecting
  std::shared_ptr<GrpcSocket> socket_;    // since then
  bool greeted_ = false;
  bool ended_ = false;
  // Until `done`.
  std::shared_ptr<GrpcOutboundStream> kept_;
};

}  // namespace

std::shared_ptr<OutboundStream> DialStream(base::Executor& executor, const Endpoint& to,
                                           const Greeting& self, OutboundEvents events) {
  const int shards = executor.shard_count();
  const size_t spread = absl::HashOf(to, static_cast<int>(self.stream_class));
  auto stream = std::make_shared<GrpcOutboundStream>(
      executor.shard(static_cast<int>(spread % static_cast<size_t>(shards))), executor.background(),
      to, self, shards, std::move(events));
  stream->Start();
  return stream;
}

}  // namespace tholos::rpc
