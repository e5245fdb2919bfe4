#include "rpc/grpc_client.h"

#include <limits>
#include <utility>

#include "base/status_macros.h"
#include "proto/internode.grpc.pb.h"
#include "rpc/grpc_settings.h"
#include "rpc/handshake.h"

namespace tholos::rpc {
namespace {

using internode::v1::Frame;
using internode::v1::Hello;
using internode::v1::Internode;

std::shared_ptr<grpc::Channel> MakeChannel(const Endpoint& to) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, kGrpcMessageBytesMax);
  arguments.SetInt(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, kGrpcMessageBytesMax);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Every stream has a connection of its own, and reconnecting is the Dialer's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return grpc::CreateCustomChannel(to.ToString(), InternodeChannelCredentials(), arguments);
}

class GrpcOutboundStream final : public OutboundStream,
                                 public grpc::ClientBidiReactor<Frame, Frame> {
 public:
  GrpcOutboundStream(const Endpoint& to, const Greeting& self, int shard_count,
                     OutboundEvents events)
      : OutboundStream(shard_count),
        self_({self.endpoint.ToString(), self.cluster_name, kVersions}),
        events_(std::move(events)),
        stub_(Internode::NewStub(MakeChannel(to))) {
    Hello& hello = *out_.mutable_hello();
    hello.set_protocol_version(self_.versions.newest);
    hello.set_oldest_version(self_.versions.oldest);
    hello.set_cluster_name(self_.cluster_name);
    hello.set_endpoint(self_.name);
    hello.set_stream_class(static_cast<uint32_t>(self.stream_class));
  }

  void Start(std::shared_ptr<GrpcOutboundStream> self) {
    kept_ = std::move(self);
    stub_->async()->Stream(&context_, this);
    // Writes start outside of reactions; the hold goes when there will be none any more.
    AddHold();
    StartRead(&in_);
    if (BeginWriting()) StartWrite(&out_);
    StartCall();
  }

  void Cancel() override { context_.TryCancel(); }

 private:
  // Nobody sends requests on a stream that this node dialled: there is nothing to credit.
  void StartWriting(std::string frame, uint64_t) override {
    out_.set_batch(std::move(frame));
    StartWrite(&out_);
  }
  void EndWriting() override { RemoveHold(); }

  void OnWriteDone(bool ok) override { WriteDone(ok); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Close();
      return;
    }
    const absl::Status status = greeted_ ? OnFrame() : OnHello();
    if (!status.ok()) {
      failure_ = status;
      Close();
      context_.TryCancel();
      return;
    }
    StartRead(&in_);
  }

  absl::Status OnFrame() {
    if (in_.credit() != 0) THOLOS_RETURN_IF_ERROR(OnCredit(in_.credit()));
    return in_.batch().empty() ? absl::OkStatus() : events_.received(in_.batch());
  }

  absl::Status OnHello() {
    const Hello& hello = in_.hello();
    if (!in_.has_hello()) return absl::DataLossError("the first frame is no greeting");
    THOLOS_RETURN_IF_ERROR(CheckAgreed(self_, hello.cluster_name(), hello.protocol_version()));
    SetWindows(hello.window(), std::numeric_limits<uint64_t>::max());
    greeted_ = true;
    events_.up();
    return absl::OkStatus();
  }

  void OnDone(const grpc::Status& status) override {
    Close();
    // The stream may outlive this call in the hands of others; the events may not. Nor may anything
    // here be touched once `done` has it.
    const OutboundEvents events = std::move(events_);
    absl::Status why = failure_.ok() ? ToAbslStatus(status) : failure_;
    if (why.ok()) why = absl::UnavailableError("the peer ended the stream");
    events.done(std::move(why), std::move(kept_));
  }

  const Party self_;
  OutboundEvents events_;
  const std::unique_ptr<Internode::Stub> stub_;
  grpc::ClientContext context_;
  Frame in_;
  Frame out_;
  // Reading reactions only, which come one at a time, and OnDone after them.
  bool greeted_ = false;
  absl::Status failure_;
  // Until gRPC has let go of this object.
  std::shared_ptr<GrpcOutboundStream> kept_;
};

}  // namespace

std::shared_ptr<OutboundStream> DialStream(const Endpoint& to, const Greeting& self,
                                           int shard_count, OutboundEvents events) {
  auto stream = std::make_shared<GrpcOutboundStream>(to, self, shard_count, std::move(events));
  stream->Start(stream);
  return stream;
}

}  // namespace tholos::rpc
