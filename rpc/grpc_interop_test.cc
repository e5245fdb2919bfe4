// The streams beside gRPC's own library, on either side: what is on the wire is gRPC.
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <gtest/gtest.h>

#include <future>

#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "proto/internode.grpc.pb.h"
#include "rpc/grpc_client.h"
#include "rpc/grpc_server.h"
#include "rpc/handshake.h"

namespace tholos::rpc {
namespace {

using internode::v1::Frame;
using internode::v1::Internode;

class GrpcInterop : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    GTEST_SKIP() << "gRPC's library is not instrumented: all that it orders looks like a race";
#endif
#endif
    base::RealExecutorOptions threads;
    threads.shards = 2;
    threads.background = 1;
    executor_ = base::RealExecutor::Start(threads, clock_);
  }
  base::RealClock clock_;
  std::unique_ptr<base::RealExecutor> executor_;
};

Frame HelloFrom(const std::string& endpoint) {
  Frame frame;
  frame.mutable_hello()->set_protocol_version(kVersions.newest);
  frame.mutable_hello()->set_oldest_version(kVersions.oldest);
  frame.mutable_hello()->set_cluster_name("test");
  frame.mutable_hello()->set_endpoint(endpoint);
  frame.mutable_hello()->set_stream_class(static_cast<uint32_t>(VerbClass::kBulk));
  return frame;
}

// Answers each frame with itself; one that says "stop" breaks its stream.
InboundEvents Echo() {
  return {[](const Endpoint&) {},
          [](const std::shared_ptr<InboundStream>& stream, std::string_view frame) {
            if (frame == "stop") return absl::DataLossError("100 %41 stopped");
            stream->Push({std::string(frame), {}});
            return absl::OkStatus();
          }};
}

// Shared with no other channel: a call must not begin on a connection that is about to end with
// another one.
std::shared_ptr<grpc::Channel> NewConnection(const Endpoint& to) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(to.ToString(), grpc::InsecureChannelCredentials(), arguments);
}

TEST_F(GrpcInterop, ItsClientTalksToOurServer) {
  auto server =
      InternodeServer::Listen(*executor_, {{"127.62.3.1", 0}, "test", 64 << 20}, Echo()).value();
  server->Start();
  // Twice: a connection ends with its call.
  for (int round = 0; round < 2; ++round) {
    const auto stub = Internode::NewStub(NewConnection(server->endpoint()));
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    const auto stream = stub->Stream(&context);
    ASSERT_TRUE(stream->Write(HelloFrom("127.62.3.2:7000")));
    Frame frame;
    ASSERT_TRUE(stream->Read(&frame));
    EXPECT_EQ(frame.hello().cluster_name(), "test");
    EXPECT_EQ(frame.hello().window(), uint64_t{64} << 20);
    for (const size_t bytes : {1, 1000, 100'000, 3 << 20}) {
      Frame question;
      question.set_batch(std::string(bytes, 'q'));
      ASSERT_TRUE(stream->Write(question));
      ASSERT_TRUE(stream->Read(&frame)) << bytes;
      EXPECT_TRUE(frame.batch() == question.batch());
    }
    Frame stop;
    stop.set_batch("stop");
    ASSERT_TRUE(stream->Write(stop));
    EXPECT_FALSE(stream->Read(&frame));
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
    EXPECT_EQ(status.error_message(), "100 %41 stopped");
  }
  base::BlockOn(executor_->shard(0), server->Stop());
}

TEST_F(GrpcInterop, ItsClientHearsOfTheEndAndOfUnknownMethods) {
  auto server =
      InternodeServer::Listen(*executor_, {{"127.62.3.1", 0}, "test", 64 << 20}, Echo()).value();
  server->Start();
  {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    const auto stub = Internode::NewStub(NewConnection(server->endpoint()));
    const auto stream = stub->Stream(&context);
    ASSERT_TRUE(stream->Write(HelloFrom("127.62.3.2:7000")));
    Frame frame;
    ASSERT_TRUE(stream->Read(&frame));
    ASSERT_TRUE(stream->WritesDone());
    EXPECT_FALSE(stream->Read(&frame));
    EXPECT_TRUE(stream->Finish().ok());
  }
  {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    const auto channel = NewConnection(server->endpoint());
    grpc::internal::RpcMethod method("/tholos.internode.v1.Internode/Nothing",
                                     grpc::internal::RpcMethod::NORMAL_RPC, channel);
    Frame answer;
    const grpc::Status status = grpc::internal::BlockingUnaryCall<Frame, Frame>(
        channel.get(), method, &context, Frame(), &answer);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << status.error_message();
  }
  base::BlockOn(executor_->shard(0), server->Stop());
}

class EchoService final : public Internode::Service {
  grpc::Status Stream(grpc::ServerContext*,
                      grpc::ServerReaderWriter<Frame, Frame>* stream) override {
    Frame frame;
    if (!stream->Read(&frame)) return grpc::Status::OK;
    Frame answer = HelloFrom("127.62.3.3:7000");
    answer.mutable_hello()->set_window(64 << 20);
    stream->Write(answer);
    while (stream->Read(&frame)) {
      if (frame.batch() == "stop") return {grpc::StatusCode::ABORTED, "stopped: 100 %41"};
      stream->Write(frame);
    }
    return grpc::Status::OK;
  }
};

TEST_F(GrpcInterop, OurClientTalksToItsServer) {
  EchoService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.62.3.3:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  builder.SetMaxReceiveMessageSize(64 << 20);
  const auto server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);

  std::promise<void> up, all;
  std::promise<absl::Status> done;
  const std::vector<size_t> sizes = {1, 1000, 100'000, 3 << 20};
  size_t wanted = 0;
  for (const size_t bytes : sizes) wanted += bytes;
  OutboundEvents events;
  events.up = [&] { up.set_value(); };
  // What waits together comes as one.
  events.received = [&](std::string_view frame) {
    wanted -= frame.size();
    if (wanted == 0) all.set_value();
    return absl::OkStatus();
  };
  events.done = [&](absl::Status status, const std::shared_ptr<OutboundStream>&) {
    done.set_value(std::move(status));
  };
  const auto stream = DialStream(*executor_, {"127.62.3.3", static_cast<uint16_t>(port)},
                                 {"test", {"127.62.3.4", 1}}, std::move(events));
  up.get_future().get();
  for (const size_t bytes : sizes) stream->Push({std::string(bytes, 'q'), {}});
  all.get_future().get();
  stream->Push({"stop", {}});
  const absl::Status status = done.get_future().get();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
  EXPECT_EQ(std::string(status.message()), "stopped: 100 %41");
  server->Shutdown();
}

}  // namespace
}  // namespace tholos::rpc
