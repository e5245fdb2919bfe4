// The client against servers that do what the test says.
#include "client/client.h"

#include <atomic>

#include "base/errors.h"
#include "client/testing/scripted_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::client {
namespace {

namespace pb = ::tholos::v1;
using testing::HasSubstr;

std::unique_ptr<Client> Connected(std::vector<std::string> contact_points,
                                  Options options = Options()) {
  options.contact_points = std::move(contact_points);
  auto client = Client::Connect(std::move(options));
  EXPECT_TRUE(client.ok()) << client.status();
  return client.ok() ? *std::move(client) : nullptr;
}

ScriptedServer::Answer Answer(const pb::SessionCall& call, int) {
  return call.has_prepare() ? ScriptedServer::Prepared() : ScriptedServer::Void();
}

int Executes(const ScriptedServer& server) {
  int count = 0;
  for (const pb::SessionCall& call : server.calls()) count += call.has_execute();
  return count;
}

Statement Write(bool idempotent) {
  Statement statement("UPDATE t SET v = 1");
  statement.idempotent = idempotent;
  return statement;
}

TEST(Connecting, SaysWhyItFailed) {
  Options options;
  EXPECT_EQ(Client::Connect(options).status().code(), absl::StatusCode::kInvalidArgument);
  options.contact_points = {"127.7.1.1:1"};
  absl::Status status = Client::Connect(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("127.7.1.1:1"));
  options.contact_points = {"no port:x"};
  status = Client::Connect(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("contact point 'no port:x'"));
  options.contact_points = {"127.7.1.1:1"};
  options.tries_max = 0;
  EXPECT_EQ(Client::Connect(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Connecting, ToAnotherServiceIsToldApart) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.7.1.2:0", grpc::InsecureServerCredentials(), &port);
  pb::Tholos::Service unimplemented;
  builder.RegisterService(&unimplemented);
  const auto server = builder.BuildAndStart();
  Options options;
  options.contact_points = {"127.7.1.2:" + std::to_string(port)};
  const absl::Status status = Client::Connect(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no node of Tholos"));
}

TEST(Connecting, NeedsOneContactPointAndItsDatacenter) {
  ScriptedServer server("127.7.1.3", Answer);
  EXPECT_NE(Connected({"127.7.1.3:1", server.address()}), nullptr);
  Options options;
  options.contact_points = {server.address()};
  options.datacenter = "elsewhere";
  const absl::Status status = Client::Connect(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no datacenter elsewhere"));
}

TEST(Statements, WithValuesArePreparedOnceAndRaw) {
  ScriptedServer server("127.7.1.4", Answer);
  const auto client = Connected({server.address()});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client->Execute({"w", {i}}).Get().ok());
  const auto calls = server.calls();
  ASSERT_EQ(calls.size(), 4u);
  EXPECT_TRUE(calls[0].has_prepare());
  EXPECT_EQ(calls[3].execute().prepared_id(), "id");
  EXPECT_EQ(calls[3].execute().raw_values(), std::string("\0\0\0\4\0\0\0\2", 8));
  EXPECT_EQ(client->stats().calls, 3u);
  EXPECT_EQ(client->stats().prepared, 1u);
  // A value that does not fit: perhaps the marker has another type by now, which it has not.
  const auto wrong = client->Execute({"w", {"x"}}).Get();
  EXPECT_EQ(wrong.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(server.calls().size(), 5u);
  EXPECT_TRUE(server.calls()[4].has_prepare());
}

TEST(Statements, PagesWithoutRowsAreNoEnd) {
  ScriptedServer server("127.7.1.17", [](const pb::SessionCall& call, int) {
    pb::SessionAnswer answer = *ScriptedServer::Void();
    pb::RowsPage& page = *answer.mutable_execute()->mutable_rows();
    page.add_columns()->set_name("k");
    page.mutable_columns(0)->set_type(9);
    const std::string& state = call.execute().paging_state();
    if (state.size() < 5) page.set_paging_state(state + "x");
    if (state.size() != 3) return ScriptedServer::Answer(answer);
    page.set_row_count(1);
    page.set_raw_rows(std::string("\0\0\0\4\0\0\0\7", 8));
    return ScriptedServer::Answer(answer);
  });
  const auto client = Connected({server.address()});
  Rows rows = client->Query("select");
  const Row* row = rows.Next();
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(*row->Get<int32_t>("k"), 7);
  EXPECT_EQ(rows.Next(), nullptr);
  EXPECT_TRUE(rows.status().ok()) << rows.status();
  EXPECT_EQ(server.calls().size(), 6u);
}

TEST(Statements, CarryTheirOptions) {
  ScriptedServer server("127.7.1.5", Answer);
  Options options;
  options.keyspace = "default";
  options.consistency = Consistency::kOne;
  const auto client = Connected({server.address()}, options);
  EXPECT_TRUE(client->Execute("one").Get().ok());
  Statement statement("two");
  statement.keyspace = "ks";
  statement.consistency = Consistency::kAll;
  statement.timestamp = -3;
  statement.tracing = true;
  statement.page_size = 9;
  statement.paging_state = "there";
  statement.timeout = absl::Seconds(3);
  EXPECT_TRUE(client->Execute(statement).Get().ok());
  Batch batch;
  batch.kind = Batch::Kind::kUnlogged;
  batch.statements = {"plain", Statement("w", {1}), Statement("w", {2})};
  EXPECT_TRUE(client->Execute(batch).Get().ok());
  const auto calls = server.calls();
  ASSERT_EQ(calls.size(), 4u);
  EXPECT_EQ(calls[0].execute().keyspace(), "default");
  EXPECT_EQ(calls[0].execute().consistency(), pb::CONSISTENCY_ONE);
  const pb::ExecuteRequest& two = calls[1].execute();
  EXPECT_EQ(two.keyspace(), "ks");
  EXPECT_EQ(two.consistency(), pb::CONSISTENCY_ALL);
  EXPECT_EQ(two.timestamp(), -3);
  EXPECT_TRUE(two.tracing());
  EXPECT_EQ(two.page_size(), 9u);
  EXPECT_EQ(two.paging_state(), "there");
  EXPECT_LE(calls[1].timeout_ms(), 3000u);
  EXPECT_GT(calls[1].timeout_ms(), 2000u);
  EXPECT_TRUE(calls[2].has_prepare());
  const pb::BatchRequest& sent = calls[3].batch();
  EXPECT_EQ(sent.kind(), pb::BatchRequest::UNLOGGED);
  EXPECT_EQ(sent.statements(0).query(), "plain");
  EXPECT_EQ(sent.statements(2).prepared_id(), "id");
}

TEST(Failures, UnpreparedIsPreparedAgainButNotForEver) {
  ScriptedServer server("127.7.1.6", [](const pb::SessionCall& call, int n) {
    if (call.has_prepare()) return ScriptedServer::Prepared();
    return n < 3 || n > 4 ? ScriptedServer::Error(pb::ErrorDetail::UNPREPARED, 5)
                          : ScriptedServer::Void();
  });
  const auto client = Connected({server.address()});
  EXPECT_TRUE(client->Execute({"w", {1}}).Get().ok());  // prepare, no, prepare, yes
  EXPECT_TRUE(client->Execute({"w", {1}}).Get().ok());
  const absl::Status status = client->Execute({"w", {1}}).Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_LT(server.calls().size(), 20u);
}

TEST(Failures, GoToAnotherNode) {
  ScriptedServer bad("127.7.1.7", [](const pb::SessionCall&, int) {
    return ScriptedServer::Error(pb::ErrorDetail::UNAVAILABLE, 14);
  });
  ScriptedServer good("127.7.1.8", Answer);
  bad.SetNodes({bad.address(), good.address()});
  const auto client = Connected({bad.address()});
  for (int i = 0; i < 6; ++i) {
    const auto result = client->Execute(Write(false)).Get();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->node, good.address());
  }
  EXPECT_GT(bad.calls().size(), 0u);
}

TEST(Failures, OverloadIsTriedAgainOnTheSameNodeIfThereIsNoOther) {
  ScriptedServer server("127.7.1.9", [](const pb::SessionCall& call, int n) {
    return n < 2 ? ScriptedServer::Error(pb::ErrorDetail::OVERLOADED, 8) : Answer(call, n);
  });
  const auto client = Connected({server.address()});
  EXPECT_TRUE(client->Execute(Write(false)).Get().ok());
  EXPECT_EQ(client->stats().tries, 3u);
}

TEST(Failures, AreGivenUpAfterTriesMax) {
  ScriptedServer server("127.7.1.10", [](const pb::SessionCall&, int) {
    return ScriptedServer::Error(pb::ErrorDetail::OVERLOADED, 8);
  });
  const auto client = Connected({server.address()});
  const absl::Status status = client->Execute(Write(true)).Get().status();
  EXPECT_EQ(base::GetRequestError(status)->kind, base::RequestErrorKind::kOverloaded);
  EXPECT_EQ(Executes(server), 4);
}

TEST(Failures, ABrokenConnectionIsTriedAgainIfThatIsTheSame) {
  ScriptedServer breaks("127.7.1.11",
                        [](const pb::SessionCall&, int) { return ScriptedServer::Break(); });
  ScriptedServer good("127.7.1.12", Answer);
  for (const bool idempotent : {false, true}) {
    breaks.SetNodes({breaks.address()});
    const auto client = Connected({breaks.address()});
    const absl::Status status = client->Execute(Write(idempotent)).Get().status();
    // Not UNAVAILABLE, although nobody was left: it may have been applied.
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
    breaks.SetNodes({breaks.address(), good.address()});
    const auto other = Connected({breaks.address()});
    int ok = 0;
    for (int i = 0; i < 2; ++i) ok += other->Execute(Write(idempotent)).Get().ok();
    EXPECT_EQ(ok, idempotent ? 2 : 1);
  }
}

TEST(Failures, SilenceEndsAtTheDeadline) {
  ScriptedServer server("127.7.1.13",
                        [](const pb::SessionCall&, int) { return ScriptedServer::Answer(); });
  const auto client = Connected({server.address()});
  Statement statement("SELECT 1");
  statement.timeout = absl::Milliseconds(100);
  const absl::Status status = client->Execute(statement).Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr(server.address()));
  EXPECT_EQ(Executes(server), 1);
}

TEST(Failures, NobodyLeftNamesTheNodes) {
  auto server = std::make_unique<ScriptedServer>("127.7.1.14", Answer);
  const std::string address = server->address();
  const auto client = Connected({address});
  EXPECT_TRUE(client->Execute(Write(true)).Get().ok());
  server->Stop();
  // Calls that are sent before the client has seen the end of the stream may have been applied.
  absl::Status status = absl::AbortedError("");
  for (int i = 0; i < 1000 && absl::IsAborted(status); ++i)
    status = client->Execute(Write(true)).Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(address));
}

TEST(Failures, AnswersThatAreNoneDoNotHurt) {
  ScriptedServer server("127.7.1.15", [](const pb::SessionCall& call, int n) {
    pb::SessionAnswer answer;
    if (n == 0) return ScriptedServer::Answer(answer);           // of no kind
    if (n == 1) return ScriptedServer::Prepared();               // of another kind
    answer.mutable_execute()->mutable_rows()->set_row_count(7);  // rows that are not there
    answer.mutable_execute()->mutable_rows()->add_columns()->set_type(9);
    return n == 2 ? ScriptedServer::Answer(answer) : Answer(call, n);
  });
  const auto client = Connected({server.address()});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(client->Execute(Write(false)).Get().status().code(), absl::StatusCode::kDataLoss)
        << i;
  EXPECT_TRUE(client->Execute(Write(false)).Get().ok());
}

TEST(Limits, OfOpenCalls) {
  ScriptedServer server("127.7.1.16",
                        [](const pb::SessionCall&, int) { return ScriptedServer::Answer(); });
  Options options;
  options.calls_max = 2;
  options.timeout = absl::Milliseconds(200);
  const auto client = Connected({server.address()}, options);
  auto a = client->Execute("a");
  auto b = client->Execute("b");
  EXPECT_EQ(client->Execute("c").Get().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(client->stats().open, 2u);
  EXPECT_EQ(std::move(a).Get().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(std::move(b).Get().status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(Closing, WaitsForEveryCallback) {
  ScriptedServer server("127.7.1.17", Answer);
  const auto client = Connected({server.address()});
  std::atomic<int> called = 0;
  for (int i = 0; i < 1000; ++i) {
    client->Execute({"w", {i}}).Then([&](absl::StatusOr<Result> result) {
      EXPECT_TRUE(result.ok()) << result.status();
      ++called;
    });
  }
  client->Close();
  EXPECT_EQ(called, 1000);
  EXPECT_EQ(client->Execute("late").Get().status().code(), absl::StatusCode::kCancelled);
  client->Close();
}

TEST(Topologies, AreFollowed) {
  ScriptedServer first("127.7.1.18", Answer);
  ScriptedServer second("127.7.1.19", Answer);
  Options options;
  options.topology_interval = absl::Milliseconds(20);
  const auto client = Connected({first.address()}, options);
  EXPECT_EQ(client->stats().nodes, 1u);
  first.SetNodes({second.address()});
  second.SetNodes({second.address()});
  // Whatever comes first: no call fails on the way.
  while (client->Execute(Write(false)).Get()->node != second.address()) {
  }
  EXPECT_EQ(client->stats().nodes, 1u);
}

}  // namespace
}  // namespace tholos::client
