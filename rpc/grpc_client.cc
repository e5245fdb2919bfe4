#include "rpc/grpc_client.h"

#include <utility>

#include "base/strings.h"
#include "proto/internode.grpc.pb.h"
#include "rpc/grpc_settings.h"

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
        cluster_name_(self.cluster_name),
        events_(std::move(events)),
        stub_(Internode::NewStub(MakeChannel(to))) {
    Hello& hello = *out_.mutable_hello();
    hello.set_protocol_version(kProtocolVersion);
    hello.set_cluster_name(self.cluster_name);
    hello.set_endpoint(self.endpoint.ToString());
    hello.set_stream_class(static_cast<uint32_t>(self.stream_class));
  }

  void Start(std::shared_ptr<GrpcOutboundStream> self) {
    self_ = std::move(self);
    stub_->async()->Stream(&context_, this);
    // Writes start outside of reactions; the hold goes when there will be none any more.
    AddHold();
    StartRead(&in_);
    if (BeginWriting()) StartWrite(&out_);
    StartCall();
  }

  void Cancel() override { context_.TryCancel(); }

 private:
  void StartWriting(std::string frame) override {
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
    const absl::Status status = greeted_ ? events_.received(in_.batch()) : OnHello();
    if (!status.ok()) {
      failure_ = status;
      Close();
      context_.TryCancel();
      return;
    }
    StartRead(&in_);
  }

  absl::Status OnHello() {
    const Hello& hello = in_.hello();
    if (!in_.has_hello() || hello.protocol_version() != kProtocolVersion ||
        hello.cluster_name() != cluster_name_) {
      return absl::FailedPreconditionError(
          base::StrCat("the peer speaks protocol ", hello.protocol_version(),
                       " and belongs to cluster '", hello.cluster_name(), "'; this node speaks ",
                       kProtocolVersion, " and belongs to '", cluster_name_, "'"));
    }
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
    events.done(std::move(why), std::move(self_));
  }

  const std::string cluster_name_;
  OutboundEvents events_;
  const std::unique_ptr<Internode::Stub> stub_;
  grpc::ClientContext context_;
  Frame in_;
  Frame out_;
  // Reading reactions only, which come one at a time, and OnDone after them.
  bool greeted_ = false;
  absl::Status failure_;
  // Until gRPC has let go of this object.
  std::shared_ptr<GrpcOutboundStream> self_;
};

}  // namespace

std::shared_ptr<OutboundStream> DialStream(const Endpoint& to, const Greeting& self,
                                           int shard_count, OutboundEvents events) {
  auto stream = std::make_shared<GrpcOutboundStream>(to, self, shard_count, std::move(events));
  stream->Start(stream);
  return stream;
}

}  // namespace tholos::rpc
