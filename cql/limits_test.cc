// What statements may cost: each limit at its value and one above it, and texts made to be
// expensive.
#include <time.h>

#include <functional>
#include <string>
#include <vector>

#include "cql/parser.h"
#include "cql/testing/memory_node.h"
#include "data/types/elements.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kKeyspace[] =
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";

class LimitsTest : public ::testing::Test {
 protected:
  void Start(QueryLimits limits) {
    node = std::make_unique<MemoryNode>(limits);
    node->Run(kKeyspace);
    node->Run("USE ks");
    node->Run(
        "CREATE TABLE t (k text, c text, v text, b blob, l list<int>, s set<int>, m map<int, int>, "
        "f frozen<list<int>>, PRIMARY KEY (k, c))");
  }
  std::string Run(const std::string& text) { return Show(node->Execute(text)); }
  std::vector<std::string> Warnings(const std::string& text) {
    const auto result = node->Execute(text);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->warnings : std::vector<std::string>();
  }

  std::unique_ptr<MemoryNode> node;
};

std::string Repeat(const std::string& text, size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

// "0, 1, 2", each as `item` says.
std::string Join(size_t count, const std::function<std::string(size_t)>& item,
                 const std::string& between = ", ") {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += between;
    out += item(i);
  }
  return out;
}

std::string Numbers(size_t count) {
  return Join(count, [](size_t i) { return std::to_string(i); });
}

TEST_F(LimitsTest, BytesOfAStatement) {
  Start({.statement_bytes_max = 300});
  const std::string select = "SELECT v FROM t WHERE k = 'a'";
  EXPECT_EQ(Run(select + std::string(300 - select.size(), ' ')), "v\n(no rows)");
  EXPECT_EQ(Run(select + std::string(301 - select.size(), ' ')),
            "error invalid: line 1:1 the statement has 301 bytes, the limit is 300");
}

TEST_F(LimitsTest, Nesting) {
  Start({.nesting_depth_max = 10});
  const auto nested = [](size_t depth) {
    return "UPDATE t SET v = " + Repeat("(text) ", depth) + "'x' WHERE k = 'a' AND c = 'b'";
  };
  EXPECT_EQ(Run(nested(8)), "OK");
  EXPECT_THAT(Run(nested(9)), HasSubstr("nesting is deeper than 10 levels"));
  EXPECT_THAT(Run(nested(9)), StartsWith("error invalid: line 1:"));
}

TEST_F(LimitsTest, ConditionsOfAWhere) {
  Start({.relations_max = 5});
  const auto select = [](size_t conditions) {
    return "SELECT v FROM t WHERE " +
           Join(
               conditions, [](size_t i) { return "l CONTAINS " + std::to_string(i); }, " AND ") +
           " ALLOW FILTERING";
  };
  EXPECT_EQ(Run(select(5)), "v\n(no rows)");
  EXPECT_THAT(Run(select(6)), HasSubstr("WHERE has 6 conditions, the limit is 5"));
}

TEST_F(LimitsTest, SelectorsAndFields) {
  Start({.selectors_max = 3, .table_columns_max = 8});
  EXPECT_EQ(Run("SELECT v, v, v FROM t"), "v | v | v\n(no rows)");
  EXPECT_EQ(Run("SELECT v, v, v, v FROM t"),
            "error invalid: SELECT has 4 selectors, the limit is 3");
  const auto type = [](const std::string& name, size_t fields) {
    return "CREATE TYPE " + name + " (" +
           Join(fields, [](size_t i) { return "f" + std::to_string(i) + " int"; }) + ")";
  };
  EXPECT_THAT(Run(type("a", 8)), Not(HasSubstr("error")));
  EXPECT_EQ(Run(type("b", 9)), "error invalid: line 1:1 the type has 9 fields, the limit is 8");
}

TEST_F(LimitsTest, BytesOfAValue) {
  Start({.value_bytes_max = 10});
  const auto insert = [](size_t bytes) {
    return "INSERT INTO t (k, c, v) VALUES ('a', 'b', '" + std::string(bytes, 'x') + "')";
  };
  EXPECT_EQ(Run(insert(10)), "OK");
  EXPECT_EQ(Run(insert(11)), "error invalid: column v: a value of 11 bytes, the limit is 10");
  const auto bound = [&](size_t bytes) {
    return Show(node->Execute("INSERT INTO t (k, c, v) VALUES ('a', 'b', ?)",
                              {.values = {{.value = std::string(bytes, 'x')}}}));
  };
  EXPECT_EQ(bound(10), "OK");
  EXPECT_EQ(bound(11), "error invalid: bind marker 1 (v): a value of 11 bytes, the limit is 10");
  // Made by a function.
  EXPECT_EQ(Run("UPDATE t SET b = textAsBlob('01234567890') WHERE k = 'a' AND c = 'b'"),
            "error invalid: column b: a value of 11 bytes, the limit is 10");
  EXPECT_THAT(Run("INSERT INTO t JSON '{\"k\": \"a\", \"c\": \"b\", \"v\": \"01234567890\"}'"),
              HasSubstr("a value of 11 bytes, the limit is 10"));
}

TEST_F(LimitsTest, BytesOfAKey) {
  Start({.key_bytes_max = 20});
  const auto insert = [](size_t partition, size_t clustering) {
    return "INSERT INTO t (k, c) VALUES ('" + std::string(partition, 'x') + "', '" +
           std::string(clustering, 'x') + "')";
  };
  EXPECT_EQ(Run(insert(20, 1)), "OK");
  EXPECT_EQ(Run(insert(21, 1)), "error invalid: a partition key of 21 bytes, the limit is 20");
  // As it is stored: a byte before a text, and two behind it.
  EXPECT_EQ(Run(insert(1, 17)), "OK");
  EXPECT_EQ(Run(insert(1, 18)), "error invalid: a clustering key of 21 bytes, the limit is 20");
}

TEST_F(LimitsTest, ElementsOfACollection) {
  Start({.collection_elements_warn = 4, .collection_elements_max = 5});
  const auto set = [](const std::string& column, const std::string& value) {
    return "UPDATE t SET " + column + " = " + value + " WHERE k = 'a' AND c = 'b'";
  };
  const auto pairs = [](size_t count) {
    return "{" + Join(count, [](size_t i) { return std::to_string(i) + ": 1"; }) + "}";
  };
  EXPECT_THAT(Warnings(set("l", "[" + Numbers(3) + "]")), IsEmpty());
  EXPECT_THAT(Warnings(set("l", "[" + Numbers(4) + "]")),
              ElementsAre("column l: 4 elements of a collection, the warning threshold is 4"));
  EXPECT_THAT(Warnings(set("l", "l + [" + Numbers(5) + "]")).size(), 1u);
  EXPECT_THAT(Warnings(set("m", pairs(5))).size(), 1u);
  EXPECT_EQ(Run(set("l", "[" + Numbers(6) + "]")),
            "error invalid: column l: 6 elements of a collection, the limit is 5");
  EXPECT_EQ(Run(set("s", "{" + Numbers(6) + "}")),
            "error invalid: column s: 6 elements of a collection, the limit is 5");
  EXPECT_EQ(Run(set("m", "m + " + pairs(6))),
            "error invalid: column m: 6 elements of a collection, the limit is 5");
  EXPECT_EQ(Run(set("f", "[" + Numbers(6) + "]")),
            "error invalid: column f: 6 elements of a collection, the limit is 5");
  // In a batch, warnings travel too.
  EXPECT_EQ(Warnings("BEGIN BATCH " + set("l", "[" + Numbers(4) + "]") + "; " +
                     set("s", "{" + Numbers(4) + "}") + "; APPLY BATCH")
                .size(),
            2u);
}

TEST_F(LimitsTest, KeysOfInLists) {
  Start({.in_product_max = 6});
  const auto texts = [](size_t count) {
    return Join(count, [](size_t i) { return "'" + std::to_string(i) + "'"; });
  };
  EXPECT_EQ(Run("SELECT v FROM t WHERE k IN (" + texts(6) + ")"), "v\n(no rows)");
  EXPECT_EQ(Run("SELECT v FROM t WHERE k IN (" + texts(7) + ")"),
            "error invalid: the IN lists of the statement select at least 7 partitions, the limit "
            "is 6");
  EXPECT_EQ(Run("SELECT v FROM t WHERE k = 'a' AND c IN (" + texts(6) + ")"), "v\n(no rows)");
  EXPECT_EQ(Run("DELETE FROM t WHERE k = 'a' AND c IN (" + texts(7) + ")"),
            "error invalid: the IN lists of the statement select at least 7 rows, the limit is 6");
}

TEST_F(LimitsTest, StatementsOfABatch) {
  Start({.batch_statements_max = 3});
  const auto batch = [](size_t statements) {
    return "BEGIN BATCH " + Repeat("UPDATE t SET v = 'x' WHERE k = 'a' AND c = 'b'; ", statements) +
           "APPLY BATCH";
  };
  EXPECT_EQ(Run(batch(3)), "OK");
  EXPECT_EQ(Run(batch(4)), "error invalid: line 1:1 a batch of 4 statements, the limit is 3");
}

// ---- the parser alone ----

std::string Excess(std::string_view text, const ParseOptions& options = {}) {
  const auto parsed = Parse(text, options);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kResourceExhausted);
  return std::string(parsed.status().message());
}

TEST(ParserLimits, Bytes) {
  const ParseOptions options{.statement_bytes_max = 5};
  EXPECT_TRUE(Parse("USE a", options).ok());
  EXPECT_EQ(Excess("USE ab", options), "line 1:1 the statement has 6 bytes, the limit is 5");
  const std::string long_name(size_t{1} << 20, 'a');
  EXPECT_THAT(Excess("USE " + long_name), HasSubstr("the limit is 1048576"));
}

TEST(ParserLimits, Operators) {
  const auto sum = [](size_t operators) {
    return "SELECT 1" + Repeat(" + 1", operators) + " FROM t";
  };
  EXPECT_TRUE(Parse(sum(1000)).ok());
  EXPECT_THAT(Excess(sum(1001)), HasSubstr("more than 1000 arithmetic operators"));
}

TEST(ParserLimits, Markers) {
  EXPECT_EQ(Excess("INSERT INTO t (a) VALUES (?, ?, ?)", ParseOptions{.bind_markers_max = 2}),
            "line 1:33 more than 2 bind markers");
  const auto with_markers = [](size_t markers) {
    return "SELECT * FROM t WHERE a IN (?" + Repeat(", ?", markers - 1) + ")";
  };
  EXPECT_TRUE(Parse(with_markers(65535)).ok());
  EXPECT_THAT(Excess(with_markers(65536)), HasSubstr("more than 65535 bind markers"));
}

// ---- expensive texts ----

// Of this thread, in seconds.
double CpuOf(const std::function<void()>& work) {
  const auto now = [] {
    timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
  };
  const double before = now();
  work();
  return now() - before;
}

// Far more than any of them takes in a release build, far less than a quadratic one.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define THOLOS_SLOW_BUILD
#endif
#endif
#ifdef THOLOS_SLOW_BUILD
constexpr double kSecondsMax = 20;
#else
constexpr double kSecondsMax = 1;
#endif

TEST_F(LimitsTest, ExpensiveTextsTakeBoundedTimeAndStack) {
  Start({});
  std::string columns = "k int PRIMARY KEY";
  for (int i = 0; i < 1999; ++i) columns += ", column_" + std::to_string(10000 + i) + " int";
  node->Run("CREATE TABLE wide (" + columns + ")");
  constexpr size_t kMany = 100'000;
  const std::string where = " WHERE k = 'a' AND c = 'b'";
  const struct {
    const char* name;
    std::string text;
  } kCases[] = {
      {"parentheses", "UPDATE t SET v = " + Repeat("(", kMany) + "1" + Repeat(")", kMany) + where},
      {"minus signs", "SELECT " + Repeat("- ", kMany) + "1 FROM t"},
      {"lists", "UPDATE t SET l = " + Repeat("[", kMany) + Repeat("]", kMany) + where},
      {"open maps", "UPDATE t SET m = " + Repeat("{1:", kMany)},
      {"calls", "SELECT " + Repeat("abs(", kMany) + "1" + Repeat(")", kMany) + " FROM t"},
      {"types", "CREATE TABLE u (k " + Repeat("list<", kMany) + "int" + Repeat(">", kMany) +
                    " PRIMARY KEY)"},
      {"a sum", "SELECT 1" + Repeat(" + 1", kMany) + " FROM t"},
      {"an IN list", "SELECT v FROM t WHERE k IN (" +
                         Join(65536, [](size_t i) { return "'" + std::to_string(i) + "'"; }) + ")"},
      {"an IN list filtered",
       "SELECT v FROM t WHERE v IN (" +
           Join(65536, [](size_t i) { return "'" + std::to_string(i) + "'"; }) +
           ") ALLOW FILTERING"},
      {"a set", "UPDATE t SET s = {" + Numbers(kMany) + "}" + where},
      {"a set of equals", "UPDATE t SET s = {" + Repeat("1, ", kMany) + "1}" + where},
      {"a map", "UPDATE t SET m = {" +
                    Join(80'000, [](size_t i) { return std::to_string(i) + ": 1"; }) + "}" + where},
      {"list elements removed", "UPDATE t SET l = l - [" + Numbers(kMany) + "]" + where},
      {"columns selected", "SELECT " +
                               Join(
                                   65'000, [](size_t) { return "column_11998"; }, ",") +
                               " FROM wide"},
      {"columns inserted",
       "INSERT INTO wide (k, " +
           Join(1999, [](size_t i) { return "column_" + std::to_string(11998 - i); }) +
           ") VALUES (1" + Repeat(", 1", 1999) + ")"},
      {"an unknown column at the end of many",
       "SELECT " +
           Join(
               65'000, [](size_t) { return "column_11998"; }, ",") +
           ", x FROM wide"},
      {"conditions", "SELECT k FROM wide WHERE " +
                         Join(
                             30'000, [](size_t) { return "column_11998 = 1"; }, " AND ") +
                         " ALLOW FILTERING"},
      {"a batch",
       "BEGIN BATCH " + Repeat("DELETE FROM t WHERE k='a' AND c='b';", 25'000) + " APPLY BATCH"},
      {"many table options", "CREATE TABLE u (k int PRIMARY KEY) WITH " +
                                 Repeat("comment = 'a' AND ", 50'000) + "comment = 'b'"},
      {"columns of a table",
       "CREATE TABLE u (k int PRIMARY KEY" +
           Join(
               60'000, [](size_t i) { return ", c" + std::to_string(i) + " int"; }, "") +
           ")"},
      {"fields of a type",
       "CREATE TYPE u (" + Join(60'000, [](size_t i) { return "c" + std::to_string(i) + " int"; }) +
           ")"},
      {"quotes", "SELECT '" + Repeat("''", kMany) + "' FROM t"},
      {"comments", Repeat("/* */", kMany) + "SELECT v FROM t"},
      {"an open comment", Repeat("/* ", kMany)},
      {"JSON", "INSERT INTO t JSON '" + Repeat("{\"a\":", kMany) + "'"},
      {"JSON lists", "INSERT INTO t JSON '" + Repeat("[", kMany) + "'"},
      {"JSON members",
       "INSERT INTO t JSON '{" +
           Join(30'000, [](size_t i) { return "\"c" + std::to_string(i) + "\": 1"; }) + "}'"},
      {"a digit string", "SELECT 1" + Repeat("0", 500'000) + " + 1 FROM t"},
      {"an exponent", "SELECT (decimal) 1e1000000000 + 1 FROM t"},
      {"a varint", "SELECT (varint) 1" + Repeat("0", 200'000) + " + 1 FROM t"},
  };
  for (const auto& c : kCases) {
    std::string shown;
    const double seconds = CpuOf([&] { shown = Run(c.text); });
    EXPECT_LT(seconds, kSecondsMax) << c.name << ": " << shown.substr(0, 200);
    if (seconds > kSecondsMax / 10) {
      std::cout << c.name << ": " << seconds << " s: " << shown.substr(0, 100) << "\n";
    }
  }
}

}  // namespace
}  // namespace tholos::cql
