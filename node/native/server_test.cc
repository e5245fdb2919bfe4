// The server on real sockets, over a query processor that does what the statement's text says.
#include "node/native/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "base/async/event.h"
#include "base/errors.h"
#include "base/real/block_on.h"
#include "base/real/real_clock.h"
#include "base/real/real_executor.h"
#include "cql/protocol/error.h"
#include "cql/protocol/frame_stream.h"
#include "cql/protocol/request.h"
#include "cql/protocol/result.h"
#include "cql/protocol/segment.h"
#include "cql/protocol/wire.h"
#include "cql/rows.h"
#include "gtest/gtest.h"

namespace tholos::node::native {
namespace {

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
    if (query == "keyspace") co_return cql::QueryResult{Rows(options.keyspace), {}};
    if (query == "large") co_return cql::QueryResult{Rows(std::string(3 << 20, 'x')), {}};
    co_return cql::QueryResult{Rows(query), {}};
  }

 private:
  cql::RowsResult Rows(std::string_view value) const {
    cql::RowsResult rows;
    rows.columns = columns_;
    rows.row_count = 1;
    for (size_t i = 0; i < columns_->size(); ++i) cql::AppendValue(value, &rows.rows);
    return rows;
  }

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
      if (n <= 0) return std::nullopt;
      stream_.Feed({input_, static_cast<size_t>(n)});
    }
  }
  void Start() {
    Send(cql::protocol::StartupRequest{{{"CQL_VERSION", "3.0.0"}}});
    const auto ready = Receive();
    ASSERT_TRUE(ready.has_value());
    ASSERT_EQ(ready->header.opcode, Opcode::kReady);
    segmented_ = version_ >= 5;
    if (segmented_) stream_.EnterSegments();
  }

 private:
  const uint8_t version_;
  const int fd_;
  FrameStream stream_;
  bool segmented_ = false;
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

bool EndsWith(const std::optional<Answer>& answer, std::string_view text) {
  return answer.has_value() && answer->header.opcode == Opcode::kResult &&
         std::string_view(answer->body).ends_with(text);
}

TEST_F(NativeServer, AnswersInEveryVersion) {
  Start();
  for (const uint8_t version : {3, 4, 5}) {
    Client client(port_, version);
    client.Send(cql::protocol::OptionsRequest{});
    EXPECT_EQ(client.Receive()->header.opcode, Opcode::kSupported);
    client.Start();
    client.Query("hello");
    EXPECT_TRUE(EndsWith(client.Receive(), "hello"));
    client.Query("large");
    EXPECT_TRUE(EndsWith(client.Receive(), "xxxx"));
    client.Query("refuse");
    EXPECT_EQ(client.Receive()->error(), ErrorCode::kInvalid);
    client.Query("warn");
    EXPECT_EQ(client.Receive()->header.flags, version >= 4 ? cql::protocol::kFlagWarning : 0);
    client.Query("use");
    client.Receive();
    client.Query("keyspace");
    EXPECT_TRUE(EndsWith(client.Receive(), "ks"));
    client.Send(cql::protocol::BatchRequest{.items = {{}, {}}, .parameters = {}});
    EXPECT_TRUE(EndsWith(client.Receive(), "2"));
  }
}

TEST_F(NativeServer, RequestsAreAnsweredAsTheyEnd) {
  Start();
  for (const uint8_t version : {4, 5}) {
    Client client(port_, version);
    client.Start();
    client.Query("wait", 7);
    client.Query("one", 8);
    if (version == 4) EXPECT_EQ(client.Receive()->header.stream, 8);
    client.Query("release", 9);
    std::vector<int16_t> streams;
    for (int i = 0; i < (version == 4 ? 2 : 3); ++i) {
      streams.push_back(client.Receive()->header.stream);
    }
    std::sort(streams.begin(), streams.end());
    EXPECT_EQ(streams,
              version == 4 ? (std::vector<int16_t>{7, 9}) : (std::vector<int16_t>{7, 8, 9}));
  }
}

TEST_F(NativeServer, OtherVersionsHearWhichAreSpoken) {
  Start();
  for (const uint8_t version : {1, 2, 6, 66}) {
    Client client(port_, 4);
    std::string frame(cql::protocol::kFrameHeaderBytes, '\0');
    cql::protocol::EncodeFrameHeader({.version = version, .opcode = Opcode::kStartup},
                                     frame.data());
    client.SendRaw(frame);
    const auto answer = client.Receive();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->header.version, 5);
    EXPECT_EQ(answer->error(), ErrorCode::kProtocolError);
    EXPECT_NE(answer->body.find("supported versions are (3/v3, 4/v4, 5/v5)"), std::string::npos);
    EXPECT_FALSE(client.Receive().has_value()) << "closed";
  }
}

TEST_F(NativeServer, ProtocolErrors) {
  Start();
  Client early(port_, 4);
  early.Query("before STARTUP");
  EXPECT_EQ(early.Receive()->error(), ErrorCode::kProtocolError);
  EXPECT_FALSE(early.Receive().has_value());
  Client malformed(port_, 4);
  malformed.Start();
  std::string frame(cql::protocol::kFrameHeaderBytes, '\0');
  cql::protocol::EncodeFrameHeader({.version = 4, .opcode = Opcode::kQuery, .length = 2},
                                   frame.data());
  malformed.SendRaw(frame + "xx");
  EXPECT_EQ(malformed.Receive()->error(), ErrorCode::kProtocolError);
  malformed.Query("goes on");
  EXPECT_TRUE(EndsWith(malformed.Receive(), "goes on"));
  Client damaged(port_, 5);
  damaged.Start();
  damaged.SendRaw(std::string(64, 'x'));
  EXPECT_EQ(damaged.Receive()->error(), ErrorCode::kProtocolError);
  EXPECT_FALSE(damaged.Receive().has_value());
}

TEST_F(NativeServer, ColumnsComeAgainWhenTheyChange) {
  Start();
  for (const uint8_t version : {4, 5}) {
    Client client(port_, version);
    client.Start();
    client.Send(cql::protocol::PrepareRequest{"select", ""});
    const auto prepared = client.Receive();
    base::Reader in(prepared->body);
    cql::protocol::ReadInt(in);
    cql::protocol::ExecuteRequest execute;
    execute.id = cql::protocol::ReadShortBytes(in);
    if (version >= 5) execute.result_metadata_id = cql::protocol::ReadShortBytes(in);
    execute.parameters.skip_metadata = true;
    const auto flags = [&] {
      client.Send(execute);
      const auto answer = client.Receive();
      base::Reader body(answer->body);
      cql::protocol::ReadInt(body);
      return cql::protocol::ReadInt(body);
    };
    EXPECT_EQ(flags(), cql::protocol::kMetadataNone);
    client.Query("alter");
    client.Receive();
    EXPECT_EQ(flags(), cql::protocol::kMetadataGlobal |
                           (version >= 5 ? cql::protocol::kMetadataChanged : 0));
    if (version == 4) {
      // Whoever prepares now knows the new columns, but the server cannot tell him from the other.
      client.Send(cql::protocol::PrepareRequest{"select", ""});
      client.Receive();
      EXPECT_EQ(flags(), cql::protocol::kMetadataGlobal);
    }
  }
}

TEST_F(NativeServer, RefusesWhatIsTooMuch) {
  Start({.connections_max = 2, .node_bytes_max = 2000});
  Client one(port_, 4);
  one.Start();
  one.Query("wait", 1);
  one.Query("wait", 2);
  one.Query("wait", 3);
  one.Query("wait", 4);
  EXPECT_EQ(one.Receive()->error(), ErrorCode::kOverloaded);
  Client two(port_, 4);
  two.Start();
  Client three(port_, 4);
  three.Send(cql::protocol::OptionsRequest{});
  EXPECT_FALSE(three.Receive().has_value()) << "a third connection";
  // The node has nothing left for him either, until the others are answered.
  two.Query("release");
  EXPECT_EQ(two.Receive()->error(), ErrorCode::kOverloaded);
  base::BlockOn(executor_->shard(0), Release());
}

TEST_F(NativeServer, AClientThatDoesNotReadIsNotReadFrom) {
  Start({.output_bytes_max = 1 << 20});
  Client greedy(port_, 4);
  greedy.Start();
  // 300 MB of answers if all were made.
  for (int i = 0; i < 100; ++i) greedy.Query("large", static_cast<int16_t>(i));
  Client other(port_, 4);
  other.Start();
  other.Query("alive");
  EXPECT_TRUE(EndsWith(other.Receive(), "alive"));
  int answers = 0;
  while (answers < 100 && EndsWith(greedy.Receive(), "xxxx")) ++answers;
  EXPECT_EQ(answers, 100);
}

TEST_F(NativeServer, SlowHandshakesAndIdleConnectionsAreClosed) {
  Start({.handshake_timeout = absl::Milliseconds(100), .idle_timeout = absl::Milliseconds(100)});
  Client silent(port_, 4);
  EXPECT_FALSE(silent.Receive().has_value());
  Client idle(port_, 4);
  idle.Start();
  EXPECT_FALSE(idle.Receive().has_value());
}

TEST_F(NativeServer, EventsReachThoseWhoRegistered) {
  Start();
  Client client(port_, 4);
  client.Start();
  client.Send(cql::protocol::RegisterRequest{{"STATUS_CHANGE"}});
  EXPECT_EQ(client.Receive()->header.opcode, Opcode::kReady);
  cql::protocol::Event schema;
  schema.type = cql::protocol::EventType::kSchemaChange;
  cql::protocol::Event up;
  up.change = "UP";
  up.node = {"127.0.0.1", 9042};
  server_->SendEvents({schema, up});
  const auto event = client.Receive();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->header.stream, -1);
  EXPECT_NE(event->body.find("STATUS_CHANGE"), std::string::npos);
}

TEST_F(NativeServer, StoppingAnswersWhatIsInWork) {
  Start();
  Client client(port_, 4);
  client.Start();
  client.Query("wait", 1);
  client.Query("one", 2);
  EXPECT_EQ(client.Receive()->header.stream, 2);
  std::thread stopping([this] { server_.reset(); });
  base::BlockOn(executor_->shard(0), Release());
  EXPECT_EQ(client.Receive()->header.stream, 1);
  EXPECT_FALSE(client.Receive().has_value());
  stopping.join();
}

}  // namespace
}  // namespace tholos::node::native
