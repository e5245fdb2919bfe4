// Batches as text and through ExecuteBatch.
#include <string>
#include <utility>
#include <vector>

#include "cql/testing/memory_node.h"
#include "data/types/data_type.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

using ::testing::HasSubstr;

class BatchTest : public ::testing::Test {
 protected:
  explicit BatchTest(QueryLimits limits = {}) : node(limits) {
    node.Run(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', "
        "'replication_factor': 1}");
    node.Run("USE ks");
    node.Run("CREATE TABLE t (k int, c int, v int, PRIMARY KEY (k, c))");
  }

  std::string Run(const std::string& text) { return Show(node.Execute(text)); }

  absl::StatusOr<QueryResult> Batch(BatchType type, std::vector<BatchItem> items,
                                    QueryOptions options = {}) {
    return node.ExecuteBatch(type, std::move(items), std::move(options));
  }

  MemoryNode node;
};

BoundValue Int(int32_t v) { return {data::EncodeInt(v)}; }

TEST_F(BatchTest, WritesAllStatementsWithOneTimestamp) {
  EXPECT_EQ(
      Run("BEGIN BATCH INSERT INTO t (k, c, v) VALUES (1, 1, 1); "
          "INSERT INTO t (k, c, v) VALUES (2, 1, 2); UPDATE t SET v = 3 WHERE k = 1 AND c = 2;"
          " APPLY BATCH"),
      "OK");
  EXPECT_EQ(Run("SELECT k, c, v FROM t WHERE k IN (1, 2)"),
            "k | c | v\n1 | 1 | 1\n1 | 2 | 3\n2 | 1 | 2");
  const std::string a = Run("SELECT writetime(v) FROM t WHERE k = 1 AND c = 1");
  EXPECT_EQ(a, Run("SELECT writetime(v) FROM t WHERE k = 2 AND c = 1"));
  EXPECT_EQ(node.coordinator.logged_batches, 1);
}

TEST_F(BatchTest, OfOnePartitionNeedsNoLog) {
  EXPECT_EQ(Run("BEGIN BATCH INSERT INTO t (k, c, v) VALUES (1, 1, 1); "
                "INSERT INTO t (k, c, v) VALUES (1, 2, 2); APPLY BATCH"),
            "OK");
  EXPECT_EQ(node.coordinator.logged_batches, 0);
  EXPECT_EQ(Run("SELECT c FROM t WHERE k = 1"), "c\n1\n2");
}

TEST_F(BatchTest, UnloggedIsNotLogged) {
  EXPECT_EQ(Run("BEGIN UNLOGGED BATCH INSERT INTO t (k, c, v) VALUES (1, 1, 1); "
                "INSERT INTO t (k, c, v) VALUES (2, 2, 2); APPLY BATCH"),
            "OK");
  EXPECT_EQ(node.coordinator.logged_batches, 0);
  EXPECT_EQ(node.coordinator.unlogged_batches, 1);
}

TEST_F(BatchTest, TakesTimestamps) {
  EXPECT_EQ(Run("BEGIN BATCH USING TIMESTAMP 100 INSERT INTO t (k, c, v) VALUES (1, 1, 1); "
                "APPLY BATCH"),
            "OK");
  EXPECT_EQ(Run("BEGIN BATCH INSERT INTO t (k, c, v) VALUES (1, 2, 1) USING TIMESTAMP 200; "
                "DELETE FROM t USING TIMESTAMP 50 WHERE k = 1; APPLY BATCH"),
            "OK");
  EXPECT_EQ(Run("SELECT c, writetime(v) FROM t WHERE k = 1"), "c | writetime(v)\n1 | 100\n2 | 200");
  EXPECT_EQ(Run("BEGIN BATCH USING TIMESTAMP 1 INSERT INTO t (k, c) VALUES (1, 2) USING TIMESTAMP "
                "200; APPLY BATCH"),
            "error invalid: line 1:1 Timestamp must be set either on BATCH or individual "
            "statements");
  EXPECT_EQ(Run("BEGIN BATCH USING TTL 1 INSERT INTO t (k, c) VALUES (1, 2); APPLY BATCH"),
            "error invalid: line 1:1 Global TTL on the BATCH statement is not supported.");
}

// One timestamp: where a delete and a value meet, the delete wins.
TEST_F(BatchTest, MergesWhatMeetsInAPartition) {
  EXPECT_EQ(Run("BEGIN BATCH INSERT INTO t (k, c, v) VALUES (1, 1, 1); "
                "DELETE FROM t WHERE k = 1 AND c = 1; APPLY BATCH"),
            "OK");
  EXPECT_EQ(Run("SELECT * FROM t WHERE k = 1"), "k | c | v\n(no rows)");
}

TEST_F(BatchTest, TakesItemsOfBothKinds) {
  const PreparedId insert = node.Prepare("INSERT INTO t (k, c, v) VALUES (?, ?, ?)");
  EXPECT_EQ(Show(Batch(BatchType::kLogged,
                       {BatchItem::OfPrepared(insert, {Int(1), Int(1), Int(10)}),
                        BatchItem::OfPrepared(insert, {Int(1), Int(2), Int(20)}),
                        BatchItem::OfText("DELETE FROM t WHERE k = ? AND c = 2", {Int(1)}),
                        BatchItem::OfText("INSERT INTO ks.t (k, c) VALUES (2, 2)", {})})),
            "OK");
  EXPECT_EQ(Run("SELECT k, c, v FROM t WHERE k IN (1, 2)"), "k | c | v\n1 | 1 | 10\n2 | 2 | null");
  QueryOptions options;
  options.timestamp = 5;
  EXPECT_EQ(Show(Batch(BatchType::kUnlogged,
                       {BatchItem::OfPrepared(insert, {Int(3), Int(1), Int(1)})}, options)),
            "OK");
  EXPECT_EQ(Run("SELECT writetime(v) FROM t WHERE k = 3"), "writetime(v)\n5");
}

TEST_F(BatchTest, FailsAsAWhole) {
  const PreparedId insert = node.Prepare("INSERT INTO t (k, c, v) VALUES (?, ?, ?)");
  const BatchItem good = BatchItem::OfPrepared(insert, {Int(1), Int(1), Int(10)});
  EXPECT_THAT(Show(Batch(BatchType::kLogged, {good, BatchItem::OfPrepared(insert, {Int(1)})})),
              HasSubstr("the statement takes 3 values, 1 given"));
  EXPECT_THAT(Show(Batch(BatchType::kLogged, {good, BatchItem::OfPrepared("unknown", {})})),
              HasSubstr("error unprepared"));
  EXPECT_THAT(Show(Batch(BatchType::kLogged, {good, BatchItem::OfText("SELECT", {})})),
              HasSubstr("error syntax: line 1:7"));
  EXPECT_EQ(Show(Batch(BatchType::kLogged, {good, BatchItem::OfText("SELECT * FROM t", {})})),
            "error invalid: Invalid statement in batch: only UPDATE, INSERT and DELETE statements "
            "are allowed.");
  EXPECT_EQ(Show(Batch(BatchType::kCounter, {})),
            "error invalid: counter batches are not supported yet");
  QueryOptions options;
  options.timestamp = data::kNoTimestamp;
  EXPECT_THAT(Show(Batch(BatchType::kLogged, {good}, options)),
              HasSubstr("error invalid: Out of bound timestamp"));
  EXPECT_EQ(Run("SELECT * FROM t"), "k | c | v\n(no rows)");
}

class SmallBatchTest : public BatchTest {
 protected:
  SmallBatchTest()
      : BatchTest({.batch_statements_max = 4,
                   .batch_bytes_warn = 200,
                   .batch_bytes_max = 1500,
                   .batch_partitions_warn = 2}) {}

  static std::string Inserts(int count, int bytes) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += "INSERT INTO b (k, v) VALUES (" + std::to_string(i) + ", '" +
              std::string(bytes, 'x') + "'); ";
    }
    return text;
  }
};

TEST_F(SmallBatchTest, WarnsAndRefusesBySize) {
  node.Run("CREATE TABLE b (k int PRIMARY KEY, v text)");
  const auto run = [&](const std::string& kind, int count, int bytes) {
    return node.Execute("BEGIN " + kind + " BATCH " + Inserts(count, bytes) + "APPLY BATCH");
  };
  const auto small = run("", 1, 5000);
  ASSERT_TRUE(small.ok()) << small.status();
  EXPECT_TRUE(small->warnings.empty()) << "one partition";
  const auto warned = run("", 2, 100);
  ASSERT_TRUE(warned.ok()) << warned.status();
  ASSERT_EQ(warned->warnings.size(), 1u);
  EXPECT_THAT(warned->warnings[0], HasSubstr("Batch for [ks.b] is of size"));
  EXPECT_THAT(Show(run("", 2, 2000)), HasSubstr("error invalid: Batch too large"));
  const auto spread = run("UNLOGGED", 3, 1);
  ASSERT_TRUE(spread.ok()) << spread.status();
  EXPECT_THAT(spread->warnings.back(), HasSubstr("Unlogged batch covering 3 partitions"));
  EXPECT_THAT(Show(run("", 5, 1)), HasSubstr("a batch of 5 statements, the limit is 4"));
}

}  // namespace
}  // namespace tholos::cql
