// For tests of the native server: a query processor that does what the statement's text says, a
// client, a server with them.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/async/event.h"
#include "base/errors.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "base/strings.h"
#include "coordinator/consistency.h"
#include "cql/protocol/error.h"
#include "cql/protocol/frame_stream.h"
#include "cql/protocol/request.h"
#include "cql/protocol/segment.h"
#include "cql/protocol/wire.h"
#include "cql/rows.h"
#include "gtest/gtest.h"
#include "node/native/server.h"

namespace tholos::node::native {

using cql::protocol::ErrorCode;
using cql::protocol::FrameHeader;
using cql::protocol::FrameStream;
using cql::protocol::Opcode;

// On one shard.
class ScriptedProcessor final : public cql::QueryProcessor {
 public:
  base::Task<absl::StatusOr<cql::PreparedStatementInfo>> Prepare(std::string query,
                                                                 std::string) override {
    cql::PreparedStatementInfo info;
    info.id = query;
    info.result_columns = *columns_;
    co_return info;
  }
  base::Task<absl::StatusOr<cql::QueryResult>> ExecutePrepared(cql::PreparedId id,
                                                               cql::QueryOptions options) override {
    return Execute(std::move(id), std::move(options));
  }
  base::Task<absl::StatusOr<cql::QueryResult>> ExecuteBatch(cql::BatchType,
                                                            std::vector<cql::BatchItem> items,
                                                            cql::QueryOptions) override {
    co_return cql::QueryResult{Rows(std::to_string(items.size())), {}};
  }
  base::Task<absl::StatusOr<cql::QueryResult>> Execute(std::string query,
                                                       cql::QueryOptions options) override {
    if (query == "wait") co_await released_.Wait();
    if (query == "release") released_.Set();
    if (query == "refuse") co_return base::InvalidRequest("refused");
    if (query == "alter") {
      auto columns = *columns_;
      columns.push_back(columns.front());
      columns.back().name = "more";
      columns_ = std::make_shared<const std::vector<cql::ResultColumn>>(std::move(columns));
    }
    if (query == "warn") co_return cql::QueryResult{Rows("x"), {"careful"}};
    if (query == "use") co_return cql::QueryResult{cql::SetKeyspaceResult{"ks"}, {}};
    if (query == "now") {
      co_return cql::QueryResult{
          Rows(base::StrCat(options.now_seconds.value_or(0), " ",
                            coordinator::ConsistencyName(options.serial_consistency))),
          {}};
    }
    if (query == "keyspace") co_return cql::QueryResult{Rows(options.keyspace), {}};
    if (query == "large") {
      ++large_;
      co_return cql::QueryResult{Rows(std::string(kLargeBytes, 'x')), {}};
    }
    if (query == "deleted" && options.paging_state.empty()) {
      cql::RowsResult nothing = Rows("");
      nothing.rows.clear();
      nothing.row_count = 0;
      nothing.paging_state = "there is more";
      co_return cql::QueryResult{std::move(nothing), {}};
    }
    if (query == "deleted") co_return cql::QueryResult{Rows(options.paging_state), {}};
    // Two statements that look alike: what the first is known for is expected of the second.
    if (query == "grows 1") co_return cql::QueryResult{Rows("small"), {}};
    if (query == "grows 2") {
      co_await released_.Wait();
      co_return cql::QueryResult{Rows(std::string(kLargeBytes, 'x')), {}};
    }
    co_return cql::QueryResult{Rows(query), {}};
  }

  static constexpr int64_t kLargeBytes = 3 << 20;
  // How many "large" have been made. From any thread.
  int large() const { return large_; }

 private:
  cql::RowsResult Rows(std::string_view value) const {
    cql::RowsResult rows;
    rows.columns = columns_;
    rows.row_count = 1;
    for (size_t i = 0; i < columns_->size(); ++i) cql::AppendValue(value, &rows.rows);
    return rows;
  }

  std::atomic<int> large_ = 0;
  base::Event released_;
  std::shared_ptr<const std::vector<cql::ResultColumn>> columns_ =
      std::make_shared<const std::vector<cql::ResultColumn>>(
          1, cql::ResultColumn{"k", "t", "v", data::DataType()});
};

struct Answer {
  FrameHeader header;
  std::string body;
  ErrorCode error() const {
    base::Reader in(body);
    return static_cast<ErrorCode>(cql::protocol::ReadInt(in));
  }
};

class Client {
 public:
  Client(uint16_t port, uint8_t version)
      : version_(version),
        fd_(socket(AF_INET, SOCK_STREAM, 0)),
        stream_(FrameStream::Role::kClient, 64 << 20) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Before it connects, or the kernel takes up to 32 MiB that nobody has read.
    const int unread = 1 << 20;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &unread, sizeof(unread));
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const timeval limit{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  }
  ~Client() { close(fd_); }

  void SendRaw(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  void Send(const cql::protocol::Request& request, int16_t stream = 1) {
    std::string frame;
    cql::protocol::EncodeRequest(version_, stream, 0, request, &frame);
    if (!segmented_) return SendRaw(frame);
    std::string wire;
    cql::protocol::AppendSegments(frame, false, &wire);
    SendRaw(wire);
  }
  void Query(std::string text, int16_t stream = 1) {
    Send(cql::protocol::QueryRequest{std::move(text), {}}, stream);
  }
  // Nothing: the server closed the connection (or says nothing for 20 s).
  std::optional<Answer> Receive() {
    while (true) {
      const auto next = stream_.Next();
      if (next.kind == FrameStream::Kind::kFrame) {
        return Answer{next.header, std::string(next.body)};
      }
      if (next.kind == FrameStream::Kind::kBroken) return std::nullopt;
      const ssize_t n = recv(fd_, input_, sizeof(input_), 0);
      at_end_ = n == 0 || (n < 0 && errno == ECONNRESET);
      if (n <= 0) return std::nullopt;
      stream_.Feed({input_, static_cast<size_t>(n)});
    }
  }
  // Nothing more will come from here.
  void EndSending() { shutdown(fd_, SHUT_WR); }
  // The server has closed, as Receive saw.
  bool at_end() const { return at_end_; }
  void Start(cql::protocol::Compression compression = cql::protocol::Compression::kNone) {
    cql::protocol::StartupRequest request{{{"CQL_VERSION", "3.0.0"}}};
    if (compression == cql::protocol::Compression::kLz4) request.options["COMPRESSION"] = "lz4";
    if (compression == cql::protocol::Compression::kSnappy)
      request.options["COMPRESSION"] = "snappy";
    Send(request);
    const auto ready = Receive();
    ASSERT_TRUE(ready.has_value());
    ASSERT_EQ(ready->header.opcode, Opcode::kReady);
    segmented_ = version_ >= 5;
    if (segmented_) stream_.EnterSegments();
    stream_.SetCompression(compression);
  }

 private:
  const uint8_t version_;
  const int fd_;
  FrameStream stream_;
  bool segmented_ = false;
  bool at_end_ = false;
  char input_[64 << 10];
};

class NativeServer : public testing::Test {
 protected:
  void Start(ServerOptions options = {}) {
    options.listen = {"127.0.0.1", FreePort()};
    port_ = options.listen.port;
    auto server = Server::Start(std::move(options),
                                {clock_, *executor_, processor_, *authenticator_, metrics_, log_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  base::Task<void> Release() { (void)co_await processor_.Execute("release", {}); }
  static uint16_t FreePort() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    bind(fd, reinterpret_cast<sockaddr*>(&address), length);
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    close(fd);
    return ntohs(address.sin_port);
  }

  base::RealClock clock_;
  std::unique_ptr<base::RealExecutor> executor_ = base::RealExecutor::Start({.shards = 1}, clock_);
  ScriptedProcessor processor_;
  std::unique_ptr<cql::auth::Authenticator> authenticator_ = cql::auth::AllowAll();
  base::Metrics metrics_;
  base::NullLog log_;
  uint16_t port_ = 0;
  std::unique_ptr<Server> server_;
};

inline bool EndsWith(const std::optional<Answer>& answer, std::string_view text) {
  return answer.has_value() && answer->header.opcode == Opcode::kResult &&
         std::string_view(answer->body).ends_with(text);
}

}  // namespace tholos::node::native
