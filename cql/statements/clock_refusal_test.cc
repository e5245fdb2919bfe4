// What is refused while the node's clock is too wrong, and what goes on.
#include "base/errors.h"
#include "cql/testing/memory_node.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

class ClockRefusalTest : public testing::Test {
 protected:
  ClockRefusalTest() {
    node.Run(
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', "
        "'replication_factor': 1}");
    node.Run("USE ks");
    node.Run("CREATE TABLE t (k int PRIMARY KEY, v int)");
    node.Run("CREATE TABLE short (k int PRIMARY KEY, v int) WITH default_time_to_live = 60");
    node.Run("INSERT INTO t (k, v) VALUES (0, 0)");
    node.coordinator.clock_status = base::Overloaded("the clock is wrong");
  }
  static bool IsRefused(const absl::StatusOr<QueryResult>& result) {
    const auto error = base::GetRequestError(result.status());
    return error.has_value() && error->kind == base::RequestErrorKind::kOverloaded;
  }
  MemoryNode node;
};

TEST_F(ClockRefusalTest, WhatTheClockDecidesIsRefusedAndTheRestGoesOn) {
  const struct {
    const char* statement;
    bool refused;
  } kCases[] = {
      {"INSERT INTO t (k, v) VALUES (1, 1)", true},
      {"UPDATE t SET v = 1 WHERE k IN (1, 2)", true},
      {"DELETE FROM t WHERE k = 0", true},
      {"INSERT INTO t (k, v) VALUES (1, 1) USING TIMESTAMP 5 AND TTL 60", true},
      {"INSERT INTO short (k, v) VALUES (1, 1) USING TIMESTAMP 5", true},
      {"BEGIN BATCH INSERT INTO t (k, v) VALUES (1, 1) USING TIMESTAMP 5; "
       "INSERT INTO t (k, v) VALUES (2, 2); APPLY BATCH",
       true},
      {"INSERT INTO t (k, v) VALUES (3, 3) USING TIMESTAMP 5", false},
      {"INSERT INTO short (k, v) VALUES (3, 3) USING TIMESTAMP 5 AND TTL 0", false},
      {"DELETE FROM t USING TIMESTAMP 5 WHERE k = 9", false},
      {"BEGIN BATCH USING TIMESTAMP 5 INSERT INTO t (k, v) VALUES (4, 4); APPLY BATCH", false},
      {"BEGIN BATCH INSERT INTO t (k, v) VALUES (5, 5) USING TIMESTAMP 5; "
       "INSERT INTO t (k, v) VALUES (6, 6) USING TIMESTAMP 7; APPLY BATCH",
       false},
      {"SELECT * FROM t", false},
  };
  for (const auto& c : kCases) {
    const auto result = node.Execute(c.statement);
    EXPECT_EQ(IsRefused(result), c.refused) << c.statement << ": " << Show(result);
    EXPECT_EQ(result.ok(), !c.refused) << c.statement << ": " << Show(result);
  }
  EXPECT_EQ(Show(node.Execute("SELECT v FROM t WHERE k IN (0, 1, 2, 3, 4, 5, 6)")),
            "v\n0\n3\n4\n5\n6")
      << "nothing of what was refused";
  node.coordinator.clock_status = absl::OkStatus();
  EXPECT_TRUE(node.Execute("INSERT INTO t (k, v) VALUES (1, 1)").ok());
}

TEST_F(ClockRefusalTest, TheClientsTimeWillDo) {
  QueryOptions options;
  options.timestamp = 5;
  EXPECT_TRUE(node.Execute("INSERT INTO t (k, v) VALUES (1, 1)", options).ok());
  EXPECT_TRUE(IsRefused(node.Execute("INSERT INTO short (k, v) VALUES (1, 1)", options)));
  options.now_seconds = 1'800'000'000;
  EXPECT_TRUE(node.Execute("INSERT INTO short (k, v) VALUES (1, 1)", options).ok());
  options.timestamp = std::nullopt;
  EXPECT_TRUE(IsRefused(node.Execute("INSERT INTO t (k, v) VALUES (1, 1)", options)));
}

TEST_F(ClockRefusalTest, ABatchHasOneTimestamp) {
  node.coordinator.clock_status = absl::OkStatus();
  ASSERT_TRUE(node.Execute("BEGIN BATCH INSERT INTO t (k, v) VALUES (1, 1); "
                           "INSERT INTO t (k, v) VALUES (2, 2) USING TIMESTAMP 5; "
                           "INSERT INTO t (k, v) VALUES (3, 3); APPLY BATCH")
                  .ok());
  const std::string first = Show(node.Execute("SELECT writetime(v) FROM t WHERE k = 1"));
  EXPECT_EQ(Show(node.Execute("SELECT writetime(v) FROM t WHERE k = 3")), first);
  EXPECT_EQ(Show(node.Execute("SELECT writetime(v) FROM t WHERE k = 2")), "writetime(v)\n5");
}

}  // namespace
}  // namespace tholos::cql
