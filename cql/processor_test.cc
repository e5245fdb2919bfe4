#include "cql/processor.h"

#include "base/errors.h"
#include "base/strings.h"
#include "cql/testing/memory_node.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

using base::RequestErrorKind;

constexpr char kKeyspace[] =
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";

std::optional<RequestErrorKind> KindOf(const absl::Status& status) {
  const auto error = base::GetRequestError(status);
  return error ? std::optional(error->kind) : std::nullopt;
}

std::vector<BoundValue> Values(std::vector<std::string> values) {
  std::vector<BoundValue> bound;
  for (std::string& value : values) bound.push_back({.value = std::move(value)});
  return bound;
}

class ProcessorTest : public testing::Test {
 protected:
  void SetUp() override {
    node_.Run(kKeyspace);
    node_.Run("USE ks");
    node_.Run("CREATE TABLE t (k int, j text, c int, v text, PRIMARY KEY ((k, j), c))");
  }

  absl::StatusOr<PreparedStatementInfo> Prepare(std::string query) {
    return node_.world.Run(node_.processor->Prepare(std::move(query), "ks"));
  }
  absl::StatusOr<QueryResult> ExecutePrepared(PreparedId id, QueryOptions options) {
    options.deadline = node_.world.clock().Now() + absl::Seconds(1);
    return node_.world.Run(node_.processor->ExecutePrepared(std::move(id), std::move(options)));
  }

  MemoryNode node_;
};

TEST_F(ProcessorTest, PrepareTellsParametersAndColumns) {
  const auto info = Prepare("INSERT INTO t (c, j, k, v) VALUES (1, ?, :key, ?) USING TTL ?");
  ASSERT_TRUE(info.ok()) << info.status();
  const std::vector<ResultColumn> expected = {
      {"ks", "t", "j", data::DataType(data::TypeId::kText)},
      {"ks", "t", "key", data::DataType(data::TypeId::kInt)},
      {"ks", "t", "v", data::DataType(data::TypeId::kText)},
      {"ks", "t", "[ttl]", data::DataType(data::TypeId::kInt)}};
  EXPECT_EQ(info->parameters, expected);
  EXPECT_TRUE(info->result_columns.empty());
  EXPECT_EQ(info->partition_key_indexes, (std::vector<uint16_t>{1, 0}));
}

TEST_F(ProcessorTest, PartitionKeyIndexesNeedTheWholeKeyAsMarkers) {
  const std::pair<const char*, std::vector<uint16_t>> kCases[] = {
      {"SELECT v FROM t WHERE k = ? AND j = ?", {0, 1}},
      {"SELECT v FROM t WHERE c = ? AND j = ? AND k = ?", {2, 1}},
      {"SELECT v FROM t WHERE k = 1 AND j = ?", {}},
      {"SELECT v FROM t WHERE k IN (?) AND j = ?", {0, 1}},
      {"SELECT v FROM t WHERE k IN (?, ?) AND j = ?", {}},
      {"SELECT v FROM t", {}},
      {"UPDATE t SET v = ? WHERE k = ? AND j = ? AND c = ?", {1, 2}},
      {"DELETE FROM t WHERE j = ? AND k = ?", {1, 0}},
  };
  for (const auto& [query, expected] : kCases) {
    const auto info = Prepare(query);
    ASSERT_TRUE(info.ok()) << query << info.status();
    EXPECT_EQ(info->partition_key_indexes, expected) << query;
  }
}

TEST_F(ProcessorTest, AStatementWhoseValuesAreOthersNowIsToBePreparedAgain) {
  ASSERT_TRUE(node_.Execute("CREATE TABLE s (k int PRIMARY KEY, v int)").ok());
  const auto info = Prepare("INSERT INTO s (k, v) VALUES (?, ?)");
  ASSERT_TRUE(info.ok());
  ASSERT_TRUE(node_.Execute("DROP TABLE s").ok());
  ASSERT_TRUE(node_.Execute("CREATE TABLE s (k int PRIMARY KEY, v text)").ok());
  EXPECT_EQ(KindOf(ExecutePrepared(info->id, {}).status()), RequestErrorKind::kUnprepared);
  ASSERT_TRUE(Prepare("INSERT INTO s (k, v) VALUES (?, ?)").ok());
  EXPECT_EQ(KindOf(ExecutePrepared(info->id, {}).status()), RequestErrorKind::kInvalid)
      << "values are missing";
}

TEST_F(ProcessorTest, TheIdIsThatOfTheText) {
  const auto a = Prepare("SELECT v FROM t");
  const auto b = Prepare("SELECT v FROM t");
  const auto c = Prepare("SELECT c FROM t");
  EXPECT_EQ(a->id, b->id);
  EXPECT_NE(a->id, c->id);
}

TEST_F(ProcessorTest, UnknownIdIsUnprepared) {
  EXPECT_EQ(KindOf(ExecutePrepared("0123456789abcdef", {}).status()),
            RequestErrorKind::kUnprepared);
  EXPECT_EQ(KindOf(ExecutePrepared("", {}).status()), RequestErrorKind::kUnprepared);
}

TEST_F(ProcessorTest, APreparedStatementFollowsTheSchema) {
  const auto select = Prepare("SELECT * FROM u WHERE k = ?");
  EXPECT_EQ(KindOf(select.status()), RequestErrorKind::kInvalid);
  node_.Run("CREATE TABLE u (k int PRIMARY KEY, v int)");
  const auto prepared = Prepare("SELECT * FROM u WHERE k = ?");
  ASSERT_TRUE(prepared.ok());
  node_.Run("INSERT INTO u (k, v) VALUES (1, 1)");
  const auto first = ExecutePrepared(prepared->id, {.values = Values({data::EncodeInt(1)})});
  EXPECT_EQ(Show(first), "k | v\n1 | 1");
  node_.Run("DROP TABLE u");
  EXPECT_EQ(Show(ExecutePrepared(prepared->id, {.values = Values({data::EncodeInt(1)})})),
            "error invalid: line 1:15 table ks.u does not exist");
  node_.Run("CREATE TABLE u (k bigint PRIMARY KEY, w text)");
  node_.Run("INSERT INTO u (k, w) VALUES (1, 'new')");
  // Its parameter is of another type now: only the client can know what to bind.
  EXPECT_EQ(
      KindOf(ExecutePrepared(prepared->id, {.values = Values({data::EncodeBigint(1)})}).status()),
      RequestErrorKind::kUnprepared);
  const auto again = Prepare("SELECT * FROM u WHERE k = ?");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->id, prepared->id);
  const auto second = ExecutePrepared(again->id, {.values = Values({data::EncodeBigint(1)})});
  EXPECT_EQ(Show(second), "k | w\n1 | 'new'");
}

TEST_F(ProcessorTest, PlansAreMadeOncePerShardAndSchema) {
  const auto analyses = [this] {
    const std::string text = node_.metrics.RenderText();
    const size_t at = text.find("tholos_cql_analyses_total{shard=\"0\"} ");
    return std::stoi(text.substr(text.find("} ", at) + 2));
  };
  const auto prepared = Prepare("SELECT v FROM t WHERE k = 1 AND j = 'a'");
  const int before = analyses();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ExecutePrepared(prepared->id, {}).ok());
  EXPECT_EQ(analyses(), before);
  node_.Run("CREATE TABLE other (k int PRIMARY KEY)");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ExecutePrepared(prepared->id, {}).ok());
  EXPECT_EQ(analyses(), before + 2);  // the CREATE itself, and the plan
}

TEST_F(ProcessorTest, AnotherShardMakesItsOwnPlan) {
  const auto prepared = Prepare("SELECT v FROM t WHERE k = 1 AND j = 'a'");
  ASSERT_TRUE(prepared.ok());
  const auto result = node_.world.Run(
      base::RunOn(node_.world.shard(1),
                  node_.processor->ExecutePrepared(
                      prepared->id, {.deadline = node_.world.clock().Now() + absl::Seconds(1)})));
  EXPECT_TRUE(result.ok()) << result.status();
}

TEST_F(ProcessorTest, ConsistencyAndDeadlineReachTheCoordinator) {
  const base::Deadline deadline = node_.world.clock().Now() + absl::Seconds(5);
  QueryOptions options{
      .consistency = coordinator::ConsistencyLevel::kAll, .deadline = deadline, .keyspace = "ks"};
  ASSERT_TRUE(
      node_.world
          .Run(node_.processor->Execute("INSERT INTO t (k, j, c) VALUES (1, 'a', 1)", options))
          .ok());
  EXPECT_EQ(node_.coordinator.last_options.consistency, coordinator::ConsistencyLevel::kAll);
  EXPECT_EQ(node_.coordinator.last_options.deadline, deadline);
}

TEST_F(ProcessorTest, AnAggregateStopsAtTheDeadline) {
  for (int i = 0; i < 5; ++i) {
    node_.Run(base::StrCat("INSERT INTO t (k, j, c) VALUES (1, 'a', ", i, ")"));
  }
  node_.coordinator.rows_max = 1;
  QueryOptions options{.deadline = node_.world.clock().Now() - absl::Seconds(1), .keyspace = "ks"};
  const auto result = node_.world.Run(node_.processor->Execute("SELECT count(*) FROM t", options));
  EXPECT_EQ(KindOf(result.status()), RequestErrorKind::kTimeout);
}

TEST_F(ProcessorTest, PagingStatesOfOtherStatementsAreRefused) {
  for (int i = 0; i < 5; ++i) {
    node_.Run(base::StrCat("INSERT INTO t (k, j, c) VALUES (1, 'a', ", i, ")"));
  }
  const RowsResult page = node_.Rows("SELECT c FROM t", {.page_size = 2});
  ASSERT_FALSE(page.paging_state.empty());
  QueryOptions next{.page_size = 2, .paging_state = page.paging_state};
  EXPECT_EQ(node_.Rows("SELECT c FROM t", next).row_count, 2u);
  EXPECT_EQ(KindOf(node_.Execute("SELECT v FROM t", next).status()), RequestErrorKind::kInvalid);
  next.paging_state[3] ^= 1;
  EXPECT_EQ(KindOf(node_.Execute("SELECT c FROM t", next).status()), RequestErrorKind::kInvalid);
}

// A paging state of more partitions than the values of this execution name.
TEST_F(ProcessorTest, PagingStatesOfOtherValuesDoNoHarm) {
  const auto prepared = Prepare("SELECT c FROM t WHERE k IN (?, ?) AND j = 'a'");
  for (int i = 0; i < 4; ++i) {
    node_.Run(base::StrCat("INSERT INTO t (k, j, c) VALUES (2, 'a', ", i, ")"));
  }
  QueryOptions options{.values = Values({data::EncodeInt(1), data::EncodeInt(2)}), .page_size = 1};
  auto page = ExecutePrepared(prepared->id, options);
  ASSERT_TRUE(page.ok());
  options.paging_state = std::get<RowsResult>(page->result).paging_state;
  options.values = Values({data::EncodeInt(1), data::EncodeInt(1)});
  EXPECT_EQ(KindOf(ExecutePrepared(prepared->id, options).status()), RequestErrorKind::kInvalid);
}

TEST(ProcessorLimits, AreKept) {
  MemoryNode node({.statement_bytes_max = 300,
                   .value_bytes_max = 10,
                   .in_product_max = 4,
                   .table_columns_max = 3,
                   .page_rows_max = 3,
                   .page_bytes_max = 30,
                   .filtered_rows_max = 2});
  node.Run(kKeyspace);
  node.Run("USE ks");
  node.Run("CREATE TABLE t (k int, c int, v text, PRIMARY KEY (k, c))");
  EXPECT_EQ(Show(node.Execute("SELECT " + std::string(300, ' '))),
            "error invalid: line 1:1 the statement has 307 bytes, the limit is 300");
  EXPECT_EQ(Show(node.Execute("CREATE TABLE u (k int PRIMARY KEY, a int, b int, c int)")),
            "error invalid: line 1:1 the table has 4 columns, the limit is 3");
  EXPECT_EQ(Show(node.Execute("INSERT INTO t (k, c, v) VALUES (1, 1, ?)",
                              {.values = Values({std::string(11, 'x')})})),
            "error invalid: bind marker 1 (v): a value of 11 bytes, the limit is 10");
  EXPECT_EQ(
      Show(node.Execute("SELECT v FROM t WHERE k IN (1, 2, 3, 4, 5)")),
      "error invalid: the IN lists of the statement select at least 5 partitions, the limit is 4");
  EXPECT_TRUE(node.Execute("SELECT v FROM t WHERE k IN (1, 2, 3, 4, 4)").ok());
  EXPECT_EQ(Show(node.Execute("SELECT v FROM t WHERE k = 1 AND c IN (1, 2, 3, 4, 5)")),
            "error invalid: the IN lists of the statement select at least 5 rows, the limit is 4");
  for (int i = 0; i < 5; ++i) {
    node.Run(base::StrCat("INSERT INTO t (k, c, v) VALUES (1, ", i, ", 'v", i, "')"));
  }
  EXPECT_EQ(node.Rows("SELECT c FROM t", {.page_size = 1000}).row_count, 3u);
  // Each of these rows counts 20 bytes.
  EXPECT_EQ(node.Rows("SELECT c, v, v FROM t", {.page_size = 1000}).row_count, 2u);
  node.coordinator.rows_max = 2;
  const RowsResult filtered = node.Rows("SELECT c FROM t WHERE v = 'v4' ALLOW FILTERING");
  EXPECT_TRUE(filtered.row_count == 0);
  EXPECT_FALSE(filtered.paging_state.empty());
}

TEST(ProcessorLimits, KeysAreAtMost64KiB) {
  MemoryNode node;
  node.Run(kKeyspace);
  node.Run("CREATE TABLE ks.t (k text, c text, PRIMARY KEY (k, c))");
  const std::string insert = "INSERT INTO ks.t (k, c) VALUES (?, ?)";
  EXPECT_TRUE(node.Execute(insert, {.values = Values({std::string(65535, 'x'), "c"})}).ok());
  EXPECT_EQ(
      KindOf(node.Execute(insert, {.values = Values({std::string(65536, 'x'), "c"})}).status()),
      RequestErrorKind::kInvalid);
  EXPECT_EQ(
      KindOf(node.Execute(insert, {.values = Values({"k", std::string(65536, 'x')})}).status()),
      RequestErrorKind::kInvalid);
}

TEST(ProcessorLimits, PreparedStatementsAreForgotten) {
  MemoryNode node({.prepared_bytes_max = 2000, .prepared_plan_bytes_max = 10000});
  node.Run(kKeyspace);
  node.Run("CREATE TABLE ks.t (k int PRIMARY KEY)");
  std::vector<PreparedId> ids;
  for (int i = 0; i < 50; ++i) {
    const auto info = node.world.Run(
        node.processor->Prepare(base::StrCat("SELECT k FROM ks.t WHERE k = ", i), ""));
    ASSERT_TRUE(info.ok());
    ids.push_back(info->id);
  }
  const QueryOptions options{.deadline = node.world.clock().Now() + absl::Seconds(1)};
  const auto run = [&](const PreparedId& id) {
    return node.world.Run(node.processor->ExecutePrepared(id, options)).status();
  };
  EXPECT_EQ(KindOf(run(ids.front())), RequestErrorKind::kUnprepared);
  EXPECT_TRUE(run(ids.back()).ok());
}

}  // namespace
}  // namespace tholos::cql
