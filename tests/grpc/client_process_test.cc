// The client library on three real processes.
#include <signal.h>

#include <atomic>

#include "absl/time/clock.h"
#include "base/errors.h"
#include "client/client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cluster/process_cluster.h"

namespace tholos::cluster_test {
namespace {

using client::Client;
using client::Result;
using client::Row;
using client::Statement;
using client::Value;
using testing::HasSubstr;

class ClientOnProcesses : public testing::Test {
 protected:
  ClientOnProcesses() : cluster_(3) {
    cluster_.StartAll();
    EXPECT_TRUE(cluster_.WaitUp(3));
  }

  std::unique_ptr<Client> Connect(std::string keyspace = "") {
    client::Options options;
    options.contact_points = {cluster_.host(0), cluster_.host(1), cluster_.host(2)};
    options.keyspace = std::move(keyspace);
    options.topology_interval = absl::Milliseconds(200);
    auto client = Client::Connect(options);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  void CreateKeyspace(Client& client, const std::string& name, int factor) {
    Run(client, "CREATE KEYSPACE " + name +
                    " WITH replication = {'class': 'SimpleStrategy', "
                    "'replication_factor': " +
                    std::to_string(factor) + "}");
  }

  // Until the client has seen the keyspace of t, and all nodes take clients.
  static void WaitUntilRouted(Client& client) {
    ASSERT_TRUE(Eventually(absl::Seconds(30), [&] {
      if (client.stats().nodes_up < 3) return false;
      const uint64_t before = client.stats().to_replica;
      Run(client, {"INSERT INTO t (k, v) VALUES (?, ?)", {0, 0}});
      return client.stats().to_replica > before;
    }));
  }

  static Result Run(Client& client, Statement statement) {
    const std::string text = statement.text;
    auto result = client.Execute(std::move(statement)).Get();
    EXPECT_TRUE(result.ok()) << text << ": " << result.status();
    return result.ok() ? *std::move(result) : Result();
  }

  ProcessCluster cluster_;
};

// One start of the processes for what leaves them as they were.
TEST_F(ClientOnProcesses, ValuesPagesBatchesAndSchemaChanges) {
  const auto client = Connect("ks");
  CreateKeyspace(*client, "ks", 3);
  Run(*client, "CREATE TYPE address (street text, number int)");
  Run(*client,
      "CREATE TABLE t (k int PRIMARY KEY, a ascii, b bigint, d decimal, du duration, f float, i "
      "inet, "
      "l list<int>, m map<text, frozen<list<int>>>, ad address, tu tuple<int, text>, u uuid, "
      "ts timestamp, vi varint, ve vector<float, 2>, bl blob, bo boolean)");
  const base::Uuid uuid = *base::Uuid::Parse("123e4567-e89b-12d3-a456-426614174000");
  const absl::Time time = absl::FromUnixMillis(1'700'000'000'123);
  Statement insert(
      "INSERT INTO t (k, a, b, d, du, f, i, l, m, ad, tu, u, ts, vi, ve, bl, bo) "
      "VALUES (:k, :a, :b, :d, :du, :f, :i, :l, :m, :ad, :tu, :u, :ts, :vi, :ve, :bl, :bo)");
  insert.Bind("k", 1).Bind("a", "ascii").Bind("b", int64_t{1} << 40).Bind("d", "-1.50");
  insert.Bind("du", "1mo2d3h").Bind("f", 1.5).Bind("i", "2001:db8::1");
  insert.Bind("l", std::vector<int>{3, 1, 2});
  insert.Bind("m", std::map<std::string, std::vector<int>>{{"x", {1, 2}}});
  insert.Bind("ad", Value::Map({{"street", "Main"}})).Bind("tu", Value::Tuple({7, Value()}));
  insert.Bind("u", uuid).Bind("ts", time).Bind("vi", "123456789012345678901234567890");
  insert.Bind("ve", std::vector<float>{1, 2}).Bind("bl", Value::Blob("\x01\x02"));
  insert.Bind("bo", Value::Unset());
  Run(*client, insert);
  const Result page = Run(*client, {"SELECT * FROM t WHERE k = ?", {1}});
  const Row row = *page.One();
  EXPECT_EQ(row.At<std::string>("a"), "ascii");
  EXPECT_EQ(row.At<int64_t>("b"), int64_t{1} << 40);
  EXPECT_EQ(row.At<std::string>("d"), "-1.50");
  EXPECT_EQ(row.At<std::string>("du"), "1mo2d3h");
  EXPECT_EQ(row.At<float>("f"), 1.5f);
  EXPECT_EQ(row.At<std::string>("i"), "2001:db8::1");
  EXPECT_EQ(row.At<std::vector<int>>("l"), (std::vector<int>{3, 1, 2}));
  EXPECT_EQ((row.At<std::map<std::string, std::vector<int>>>("m")["x"]), (std::vector<int>{1, 2}));
  EXPECT_EQ(row.At<std::string>("ad"), "{street: 'Main', number: null}");
  EXPECT_EQ(row.At<std::string>("tu"), "(7, null)");
  EXPECT_EQ(row.At<base::Uuid>("u"), uuid);
  EXPECT_EQ(row.At<absl::Time>("ts"), time);
  EXPECT_EQ(row.At<std::string>("vi"), "123456789012345678901234567890");
  EXPECT_EQ(row.At<std::vector<float>>("ve"), (std::vector<float>{1, 2}));
  EXPECT_EQ(row.At<std::string>("bl"), "\x01\x02");
  EXPECT_EQ(row.At<std::optional<bool>>("bo"), std::nullopt);

  // A column more: the statement is the same, its result is not.
  Run(*client, "ALTER TABLE t ADD zz int");
  const Result wider = Run(*client, {"SELECT * FROM t WHERE k = ?", {1}});
  EXPECT_EQ(wider.columns()->size(), page.columns()->size() + 1);
  EXPECT_EQ(wider.One()->At<std::string>("a"), "ascii");
  // The same table made anew, with another type of key.
  Run(*client, "DROP TABLE t");
  Run(*client, "CREATE TABLE t (k text PRIMARY KEY, v int)");
  Run(*client, {"SELECT * FROM t WHERE k = ?", {"one"}});

  Run(*client, "CREATE TABLE p (k int, c int, v text, PRIMARY KEY (k, c))");
  client::Batch batch;
  for (int c = 0; c < 50; ++c)
    batch.statements.push_back({"INSERT INTO p (k, c, v) VALUES (?, ?, ?)", {c % 2, c, "x"}});
  batch.timestamp = 1000;
  batch.tracing = true;
  const auto batched = client->Execute(batch).Get();
  ASSERT_TRUE(batched.ok()) << batched.status();
  EXPECT_TRUE(batched->tracing_id.has_value());
  Statement select("SELECT k, c, writetime(v) FROM p");
  select.page_size = 7;
  client::Rows rows = client->Query(select);
  int count = 0;
  std::string state;
  while (const Row* each = rows.Next()) {
    EXPECT_EQ(each->At<int64_t>(2), 1000);
    if (++count == 7) state = rows.paging_state();
  }
  EXPECT_TRUE(rows.status().ok()) << rows.status();
  EXPECT_EQ(count, 50);
  EXPECT_EQ(rows.Next(), nullptr);
  select.paging_state = state;
  client::Rows rest = client->Query(select);
  for (count = 0; rest.Next() != nullptr;) ++count;
  EXPECT_EQ(count, 43);
  client::Rows wrong = client->Query("SELECT nothing FROM p");
  EXPECT_EQ(wrong.Next(), nullptr);
  EXPECT_EQ(base::GetRequestError(wrong.status())->kind, base::RequestErrorKind::kInvalid);
}

TEST_F(ClientOnProcesses, CallsGoToAReplicaAndOnWhenANodeDies) {
  const auto client = Connect("one");
  CreateKeyspace(*client, "one", 1);
  CreateKeyspace(*client, "three", 3);
  Run(*client, "CREATE TABLE t (k int PRIMARY KEY, v int)");
  Run(*client, "CREATE TABLE three.t (k int PRIMARY KEY, v int)");
  WaitUntilRouted(*client);
  const client::Stats before = client->stats();
  std::set<std::string> nodes;
  for (int k = 0; k < 60; ++k) {
    const std::string node = Run(*client, {"INSERT INTO t (k, v) VALUES (?, ?)", {k, k}}).node;
    EXPECT_EQ(Run(*client, {"SELECT v FROM t WHERE k = ?", {k}}).node, node);
    nodes.insert(node);
  }
  EXPECT_GE(client->stats().to_replica - before.to_replica, 120u);
  EXPECT_EQ(nodes.size(), 3u);

  // A node dies under load: of what may be sent twice nothing fails.
  std::atomic<int> failed = 0;
  std::atomic<int> open = 0;
  std::mutex mutex;
  std::string message;
  const auto load = [&](int from, int count) {
    for (int k = from; k < from + count; ++k) {
      Statement insert("INSERT INTO three.t (k, v) VALUES (?, ?)", {k, k});
      insert.idempotent = true;
      ++open;
      client->Execute(std::move(insert)).Then([&](absl::StatusOr<Result> result) {
        if (!result.ok()) {
          std::lock_guard lock(mutex);
          message = result.status().ToString();
          ++failed;
        }
        --open;
      });
    }
  };
  load(0, 1000);
  cluster_.Kill(2);
  load(1000, 1000);
  ASSERT_TRUE(Eventually(absl::Seconds(20), [&] { return open == 0; }));
  EXPECT_EQ(failed, 0) << message;
  EXPECT_EQ(Run(*client, "SELECT count(*) FROM three.t").One()->At<int64_t>(0), 2000);
  EXPECT_TRUE(Eventually(absl::Seconds(20), [&] { return client->stats().nodes_up == 2; }));
  // It comes back, knows no prepared statement, and is asked again.
  cluster_.Start(2);
  EXPECT_TRUE(Eventually(absl::Seconds(30), [&] {
    return client->stats().nodes_up == 3 &&
           Run(*client, {"SELECT v FROM three.t WHERE k = ?", {1}}).node == cluster_.host(2);
  }));
}

TEST_F(ClientOnProcesses, DeadlinesHoldWhenANodeFreezes) {
  const auto client = Connect("one");
  CreateKeyspace(*client, "one", 1);
  Run(*client, "CREATE TABLE t (k int PRIMARY KEY, v int)");
  WaitUntilRouted(*client);
  int k = 0;
  while (Run(*client, {"INSERT INTO t (k, v) VALUES (?, ?)", {k, k}}).node != cluster_.host(1)) ++k;
  cluster_.Signal(1, SIGSTOP);
  Statement select("SELECT v FROM t WHERE k = ?", {k});
  select.timeout = absl::Milliseconds(300);
  absl::Time start;
  absl::Status status;
  // The signal stops the threads of a process one by one.
  EXPECT_TRUE(Eventually(absl::Seconds(10), [&] {
    start = absl::Now();
    status = client->Execute(select).Get().status();
    return !status.ok();
  }));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(cluster_.host(1)));
  EXPECT_LT(absl::Now() - start, absl::Seconds(3));
  cluster_.Signal(1, SIGCONT);
  select.timeout = absl::Seconds(20);
  EXPECT_EQ(Run(*client, select).One()->At<int>("v"), k);
}

TEST_F(ClientOnProcesses, TheExamplesDoWhatTheySay) {
  const ProcessResult result = RunProcess({BinaryPath("client_example"), cluster_.host(0)});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output,
            "1000 orders\n4950 apples for customer 7\n"
            "value 1 (customer): an integer is no value of type text\n");
  const ProcessResult plain =
      RunProcess({BinaryPath("grpc_example"), cluster_.host(0), "readings"});
  EXPECT_EQ(plain.exit_code, 0);
  EXPECT_EQ(plain.output, "values: 2 rows\nbatch: 10 rows\npages: 4\nerror: INVALID at 1:8\n");
}

}  // namespace
}  // namespace tholos::cluster_test
