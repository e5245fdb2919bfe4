// Peers that are no good ones, over real sockets.
#include "rpc/grpc_server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "proto/internode.pb.h"
#include "rpc/grpc_address.h"
#include "rpc/grpc_session.h"
#include "rpc/handshake.h"

namespace tholos::rpc {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);
// Long before a peer that does not greet is given up (10 s).
constexpr absl::Duration kSoon = absl::Seconds(4);

// Answers each frame with four of its size.
InboundEvents Echo() {
  return {[](const Endpoint&) {},
          [](const std::shared_ptr<InboundStream>& stream, std::string_view frame) {
            for (int i = 0; i < 4; ++i) stream->Push({std::string(frame), {}});
            return absl::OkStatus();
          }};
}

class InternodeServerTest : public testing::Test, public GrpcSession::Owner {
 protected:
  InternodeServerTest() {
    base::RealExecutorOptions threads;
    threads.shards = 2;
    threads.background = 1;
    executor_ = base::RealExecutor::Start(threads, clock_);
  }
  ~InternodeServerTest() override {
    Stop();
    for (const int fd : fds_) close(fd);
  }

  void StartServer(int connections_max) {
    server_ = InternodeServer::Listen(
                  *executor_, {{"127.62.4.1", 0}, "test", 64 << 20, connections_max}, Echo())
                  .value();
    server_->Start();
  }
  void Stop() {
    if (server_ == nullptr) return;
    base::BlockOn(executor_->shard(0), server_->Stop());
    server_.reset();
  }

  // A plain socket, which blocks.
  int Connect() {
    const SocketAddress address = ParseAddress(server_->endpoint()).front();
    const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length), 0);
    fds_.push_back(fd);
    return fd;
  }
  // Reads until the server closes; false if it does not. `session` (null: nobody) takes and answers
  // what comes.
  bool IsClosed(int fd, absl::Duration patience = kPatience, GrpcSession* session = nullptr) {
    const base::MonotonicTime until = clock_.Now() + patience;
    char buffer[4096];
    while (true) {
      const absl::Duration left = std::max(until - clock_.Now(), absl::ZeroDuration());
      pollfd poll_fd{fd, POLLIN, 0};
      if (poll(&poll_fd, 1, static_cast<int>(absl::ToInt64Milliseconds(left))) != 1) return false;
      const ssize_t count = recv(fd, buffer, sizeof(buffer), 0);
      if (count == 0 || (count < 0 && errno == ECONNRESET)) return true;
      if (count < 0) return false;
      if (session == nullptr) continue;
      EXPECT_TRUE(session->Receive({buffer, static_cast<size_t>(count)}).ok());
      SendAll(fd, *session);
    }
  }
  // All that `session` has to say; false where the socket is full.
  static bool SendAll(int fd, GrpcSession& session) {
    std::string wire;
    EXPECT_TRUE(session.Produce(&wire, size_t{64} << 20).ok());
    for (size_t sent = 0; sent < wire.size();) {
      const ssize_t count =
          send(fd, wire.data() + sent, wire.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0) return false;
      sent += static_cast<size_t>(count);
    }
    return true;
  }
  // Takes from the socket until `messages` have come.
  void AwaitMessages(int fd, GrpcSession& session, size_t messages) {
    char buffer[4096];
    while (messages_.size() < messages) {
      const ssize_t count = recv(fd, buffer, sizeof(buffer), 0);
      ASSERT_GT(count, 0);
      ASSERT_TRUE(session.Receive({buffer, static_cast<size_t>(count)}).ok());
    }
  }
  // A dialling side that has begun its call and greets next.
  std::unique_ptr<GrpcSession> Greet() {
    auto session = std::make_unique<GrpcSession>(GrpcSession::Side::kDialling, *this);
    session->Call("127.62.4.1:1");
    internode::v1::Frame frame;
    frame.mutable_hello()->set_protocol_version(kVersions.newest);
    frame.mutable_hello()->set_oldest_version(kVersions.oldest);
    frame.mutable_hello()->set_cluster_name("test");
    frame.mutable_hello()->set_endpoint("127.62.4.2:7000");
    frame.mutable_hello()->set_stream_class(static_cast<uint32_t>(VerbClass::kBulk));
    session->Send(MakeGrpcMessage(frame.SerializeAsString()));
    return session;
  }

  bool OnMessage(std::string_view message) override {
    messages_.emplace_back(message);
    return true;
  }
  void OnPeerEnded(absl::Status) override {}

  base::RealClock clock_;
  std::unique_ptr<base::RealExecutor> executor_;
  std::unique_ptr<InternodeServer> server_;
  std::vector<int> fds_;
  std::vector<std::string> messages_;
};

TEST_F(InternodeServerTest, BytesThatAreNoHttp2CloseTheirConnection) {
  StartServer(10);
  const int fd = Connect();
  const std::string_view request = "GET / HTTP/1.1\r\nHost: tholos\r\n\r\n";
  ASSERT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  EXPECT_TRUE(IsClosed(fd, kSoon));
}

TEST_F(InternodeServerTest, ConnectionsBeyondTheMaximumAreClosed) {
  StartServer(2);
  const int first = Connect();
  Connect();
  EXPECT_TRUE(IsClosed(Connect(), kSoon));
  // Room again, as soon as the server has seen it.
  close(first);
  fds_.erase(fds_.begin());
  while (true) {
    const int fd = Connect();
    auto session = Greet();
    if (!SendAll(fd, *session)) continue;
    char byte;
    if (recv(fd, &byte, 1, 0) == 1) break;
  }
}

TEST_F(InternodeServerTest, APeerThatNeverGreetsIsGivenUp) {
  StartServer(10);
  const int silent = Connect();
  // It lives, and answers pings.
  const int lively = Connect();
  GrpcSession session(GrpcSession::Side::kDialling, *this);
  session.Call("127.62.4.1:1");
  ASSERT_TRUE(SendAll(lively, session));
  EXPECT_TRUE(IsClosed(lively, kPatience, &session));
  EXPECT_TRUE(IsClosed(silent, kSoon)) << "at the same time, or before";
}

// It takes a window of answers in its socket; the server stops all the same, and others are served.
TEST_F(InternodeServerTest, APeerThatNeverReadsHoldsNobodyUp) {
  StartServer(10);
  const int deaf = Connect();
  auto session = Greet();
  ASSERT_TRUE(SendAll(deaf, *session));
  AwaitMessages(deaf, *session, 1);
  ASSERT_TRUE(session->idle());
  for (int i = 0; i < 32; ++i) {
    if (!session->idle()) break;
    session->Send(MakeGrpcMessage(std::string(1 << 20, 'q'), 0));
    if (!SendAll(deaf, *session)) break;
  }
  messages_.clear();
  const int other = Connect();
  auto second = Greet();
  ASSERT_TRUE(SendAll(other, *second));
  AwaitMessages(other, *second, 1);
  second->Send(MakeGrpcMessage("a batch", 0));
  ASSERT_TRUE(SendAll(other, *second));
  AwaitMessages(other, *second, 2);
  Stop();
  EXPECT_TRUE(IsClosed(other));
}

// With all that is on its way, and twice while connections come.
TEST_F(InternodeServerTest, ItStopsUnderNewConnections) {
  for (int round = 0; round < 20; ++round) {
    StartServer(1000);
    for (int i = 0; i < 10; ++i) {
      auto session = Greet();
      SendAll(Connect(), *session);
    }
    Stop();
    for (const int fd : fds_) close(fd);
    fds_.clear();
  }
}

}  // namespace
}  // namespace tholos::rpc
