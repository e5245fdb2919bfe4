// The server on real sockets, over a query processor that does what the statement's text says.
#include "node/native/server.h"

#include <algorithm>
#include <set>
#include <thread>

#include "base/async/event.h"
#include "base/real/block_on.h"
#include "cql/protocol/result.h"
#include "gtest/gtest.h"
#include "node/native/testing.h"

namespace tholos::node::native {
namespace {

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

TEST_F(NativeServer, CqlVersionsFromThreeOn) {
  Start();
  for (const char* version : {"3.0.0", "3.4.7", "4.0.0", "10.1"}) {
    Client client(port_, 4);
    client.Send(cql::protocol::StartupRequest{{{"CQL_VERSION", version}}});
    EXPECT_EQ(client.Receive()->header.opcode, Opcode::kReady) << version;
  }
  for (const char* version : {"2.9.9", "3", "", ".", "x.1", "-3.1"}) {
    Client client(port_, 4);
    client.Send(cql::protocol::StartupRequest{{{"CQL_VERSION", version}}});
    EXPECT_EQ(client.Receive()->error(), ErrorCode::kProtocolError) << version;
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
    if (version == 5) {
      EXPECT_EQ(flags(), cql::protocol::kMetadataGlobal | cql::protocol::kMetadataChanged);
      continue;
    }
    client.Send(execute);
    EXPECT_EQ(client.Receive()->error(), ErrorCode::kUnprepared);
    // Told so once; a client that does not prepare again gets the columns all the same.
    EXPECT_EQ(flags(), cql::protocol::kMetadataGlobal);
    // Whoever prepares now knows the new columns, but the server cannot tell him from the other.
    Client late(port_, version);
    late.Start();
    late.Send(cql::protocol::PrepareRequest{"select", ""});
    late.Receive();
    late.Send(execute);
    EXPECT_EQ(late.Receive()->header.opcode, Opcode::kResult);
  }
}

TEST_F(NativeServer, ParametersReachTheProcessor) {
  Start();
  Client client(port_, 5);
  client.Start();
  cql::protocol::QueryRequest query{"now", {}};
  query.parameters.now_in_seconds = 1'700'000'000;
  query.parameters.serial_consistency = 9;
  client.Send(query);
  EXPECT_TRUE(EndsWith(client.Receive(), "1700000000 LOCAL_SERIAL"));
  query.parameters.serial_consistency = 4;
  client.Send(query);
  EXPECT_EQ(client.Receive()->error(), ErrorCode::kInvalid);
}

TEST_F(NativeServer, APageWithoutRowsMayHaveMoreBehindIt) {
  Start();
  for (const uint8_t version : {3, 4, 5}) {
    SCOPED_TRACE(version);
    Client client(port_, version);
    client.Start();
    cql::protocol::QueryRequest query{"deleted", {}};
    query.parameters.skip_metadata = true;
    client.Send(query);
    const auto page = client.Receive();
    ASSERT_TRUE(page.has_value());
    base::Reader in(page->body);
    EXPECT_EQ(cql::protocol::ReadInt(in), 2) << "rows";
    const int32_t flags = cql::protocol::ReadInt(in);
    EXPECT_TRUE(flags & cql::protocol::kMetadataMorePages);
    EXPECT_EQ(cql::protocol::ReadInt(in), 1) << "columns";
    const int32_t state_bytes = cql::protocol::ReadInt(in);
    ASSERT_EQ(state_bytes, 13);
    query.parameters.paging_state = std::string(in.Raw(static_cast<size_t>(state_bytes)));
    EXPECT_EQ(query.parameters.paging_state, "there is more");
    EXPECT_TRUE(page->body.ends_with(std::string(4, '\0'))) << "no row";
    client.Send(query);
    const auto last = client.Receive();
    EXPECT_TRUE(EndsWith(last, "there is more"));
    base::Reader rest(last->body);
    cql::protocol::ReadInt(rest);
    EXPECT_FALSE(cql::protocol::ReadInt(rest) & cql::protocol::kMetadataMorePages);
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

// Requests that only wait take no processor: there come to be slots for all, and for others.
TEST_F(NativeServer, SlotsFollowWhatTheShardCanDo) {
  Start({.slots = {.first = 4, .min = 4, .max = 1000}});
  Client many(port_, 4);
  many.Start();
  for (int i = 0; i < 300; ++i) many.Query("wait", static_cast<int16_t>(i));
  Client other(port_, 4);
  other.Start();
  other.Query("release");
  EXPECT_TRUE(other.Receive().has_value());
  std::set<int16_t> answered;
  for (int i = 0; i < 300; ++i) {
    const auto answer = many.Receive();
    ASSERT_TRUE(answer.has_value()) << i;
    answered.insert(answer->header.stream);
  }
  EXPECT_EQ(answered.size(), 300u);
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

TEST_F(NativeServer, AClientThatSendsNoMoreGetsItsAnswers) {
  Start();
  for (int i = 0; i < 100; ++i) {
    Client client(port_, 4);
    client.Start();
    client.Query("one", 1);
    client.Query("large", 2);
    client.EndSending();
    EXPECT_TRUE(EndsWith(client.Receive(), "one"));
    EXPECT_TRUE(EndsWith(client.Receive(), "xxxx"));
    EXPECT_FALSE(client.Receive().has_value());
    ASSERT_TRUE(client.at_end());
  }
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
