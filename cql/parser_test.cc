#include "cql/parser.h"

#include <string>
#include <string_view>
#include <vector>

#include "cql/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tholos::cql {
namespace {

using ::testing::HasSubstr;

std::string Error(std::string_view text, const ParseOptions& options = {}) {
  const auto parsed = Parse(text, options);
  if (parsed.ok()) return "parsed: " + ToCql(parsed->statement);
  const bool refused =
      std::string_view(parsed.status().message().data(), parsed.status().message().size())
          .ends_with(" is not supported yet");
  EXPECT_EQ(parsed.status().code(),
            refused ? absl::StatusCode::kUnimplemented : absl::StatusCode::kInvalidArgument);
  return std::string(parsed.status().message());
}

// The error of a limit.
std::string Excess(std::string_view text, const ParseOptions& options = {}) {
  const auto parsed = Parse(text, options);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kResourceExhausted);
  return std::string(parsed.status().message());
}

// The canonical text, or the error.
std::string Canonical(std::string_view text) {
  const auto parsed = Parse(text);
  return parsed.ok() ? ToCql(parsed->statement) : std::string(parsed.status().message());
}

template <typename T>
T ParseAs(std::string_view text) {
  auto parsed = Parse(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status().message();
  return parsed.ok() ? std::get<T>(parsed->statement) : T();
}

// ---- what parses ----

struct TextCase {
  std::string_view text;
  std::string_view canonical = "";  // empty: the text is canonical
};

void ExpectCanonical(const std::vector<TextCase>& cases) {
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    const std::string canonical = Canonical(c.text);
    EXPECT_EQ(canonical, c.canonical.empty() ? c.text : c.canonical);
    EXPECT_EQ(Canonical(canonical), canonical);
  }
}

TEST(Parser, Definitions) {
  ExpectCanonical({
      {"CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': "
       "3}"},
      {"create schema if not exists \"Ks\" with replication={'class':$$X$$} and "
       "durable_writes=TRUE;",
       "CREATE KEYSPACE IF NOT EXISTS \"Ks\" WITH replication = {'class': 'X'} "
       "AND durable_writes = true"},
      {"DROP KEYSPACE ks"},
      {"DROP KEYSPACE IF EXISTS ks"},
      {"CREATE TABLE t (k int, PRIMARY KEY (k))"},
      {"CREATE TABLE ks.t (k int PRIMARY KEY, v text)",
       "CREATE TABLE ks.t (k int, v text, PRIMARY KEY (k))"},
      {"CREATE COLUMNFAMILY t (k int PRIMARY KEY,)", "CREATE TABLE t (k int, PRIMARY KEY (k))"},
      {"CREATE TABLE t (PRIMARY KEY (k), k int,)", "CREATE TABLE t (k int, PRIMARY KEY (k))"},
      {"CREATE TABLE t (a int, PRIMARY KEY ((a)))", "CREATE TABLE t (a int, PRIMARY KEY (a))"},
      {"CREATE TABLE IF NOT EXISTS t (a int, b int, c int, d text, s text STATIC, "
       "PRIMARY KEY ((a, b), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC) AND comment = 'it''s' "
       "AND gc_grace_seconds = 864000 AND caching = {'keys': 'ALL'} AND x = {} AND y = 0.5"},
      {"CREATE TABLE t (k int PRIMARY KEY) WITH comment='a' AND CLUSTERING ORDER BY (k)",
       "CREATE TABLE t (k int, PRIMARY KEY (k)) WITH CLUSTERING ORDER BY (k ASC) "
       "AND comment = 'a'"},
      {"CREATE TABLE t (k map<text, frozen<list<int>>>, l set<uuid>, m tuple<int, ks.udt>, "
       "n \"int\", o \"My\".\"Type\", static int STATIC, PRIMARY KEY (k))"},
      {"CREATE TABLE t (key INT, type Text, name TIMESTAMP, timestamp bigint, ttl int, count "
       "counter, values blob, text text, compact int, clustering int, PRIMARY KEY (key))",
       "CREATE TABLE t (key int, type text, name timestamp, timestamp bigint, ttl int, count "
       "counter, values blob, text text, compact int, clustering int, PRIMARY KEY (key))"},
      {"CREATE TABLE t (k int PRIMARY KEY) WITH compact = 1 AND clustering = 2",
       "CREATE TABLE t (k int, PRIMARY KEY (k)) WITH compact = 1 AND clustering = 2"},
      {"DROP TABLE ks.t"},
      {"DROP TABLE IF EXISTS t"},
      {"TRUNCATE TABLE ks.t"},
      {"TRUNCATE t", "TRUNCATE TABLE t"},
      {"USE ks"},
      {"USE \"Ks\""},
      {"use \"ks\" -- quoted for nothing", "USE ks"},
      {"DESCRIBE KEYSPACES"},
      {"DESCRIBE TABLES"},
      {"DESC SCHEMA", "DESCRIBE SCHEMA"},
      {"DESCRIBE CLUSTER"},
      {"DESC KEYSPACE ks;", "DESCRIBE KEYSPACE ks"},
      {"DESCRIBE TABLE ks.t"},
      {"DESC FULL SCHEMA WITH INTERNALS", "DESCRIBE FULL SCHEMA WITH INTERNALS"},
      {"DESCRIBE ONLY KEYSPACE ks"},
      {"DESCRIBE KEYSPACE"},
      {"DESCRIBE TYPES"},
      {"DESCRIBE TYPE ks.u WITH INTERNALS"},
      {"DESCRIBE FUNCTIONS"},
      {"DESCRIBE AGGREGATE ks.a"},
      {"DESCRIBE INDEX i"},
      {"DESCRIBE MATERIALIZED VIEW ks.v"},
      {"DESCRIBE x"},
      {"DESCRIBE \"tables\""},
      {"DESCRIBE tables.tables"},
      {"CREATE TABLE t (k vector<float, 3>, v frozen<tuple<int, vector<list<int>, 12>>>, "
       "c 'org.x.Custom', PRIMARY KEY (k))"},
      {"ALTER KEYSPACE IF EXISTS ks WITH durable_writes = false"},
      {"CREATE TYPE IF NOT EXISTS ks.u (a int, \"B\" frozen<list<text>>)"},
      {"DROP TYPE IF EXISTS u"},
      {"ALTER TYPE IF EXISTS u ADD IF NOT EXISTS c int"},
      {"ALTER TYPE u RENAME IF EXISTS a TO b AND c TO d"},
      {"ALTER TYPE u ALTER a TYPE text"},
      {"ALTER TABLE ks.t ADD a int", "ALTER TABLE ks.t ADD (a int)"},
      {"ALTER TABLE IF EXISTS t ADD IF NOT EXISTS (a int, b text STATIC)"},
      {"ALTER TABLE t DROP a USING TIMESTAMP 5", "ALTER TABLE t DROP (a) USING TIMESTAMP 5"},
      {"ALTER TABLE t DROP IF EXISTS (a, b)"},
      {"ALTER TABLE t RENAME a TO b AND c TO \"D\""},
      {"ALTER TABLE t ALTER a TYPE int"},
      {"ALTER TABLE t WITH comment = 'x' AND compaction = {'class': 'LeveledCompactionStrategy'}"},
  });
}

TEST(Parser, Modifications) {
  ExpectCanonical({
      {"INSERT INTO t (a) VALUES (1)"},
      {"INSERT INTO ks.t (a, \"B\") VALUES (?, :b) IF NOT EXISTS USING TTL 5 AND TIMESTAMP 6"},
      {"INSERT INTO t (a) VALUES (1) USING TIMESTAMP ? AND TTL :ttl"},
      {"INSERT INTO t (a, b) VALUES (1)"},  // their number is for the analysis
      {"UPDATE t SET a = 1, b = 'x' WHERE k = 0"},
      {"UPDATE ks.t USING TTL ? SET a = f(1) WHERE k = 0 AND c > 1 IF EXISTS"},
      {"UPDATE t SET exists = 1 WHERE k = 0 IF exists = 1 AND b IN (1, 2) AND c IN ?"},
      {"UPDATE t SET a = 1 WHERE k = 0 IF exists CONTAINS 1"},
      {"UPDATE t SET a = system.now() WHERE k = 0"},
      {"DELETE FROM t WHERE k = 1"},
      {"UPDATE t SET a = a + {1}, b = [1, 2] + b, c = c - ?, d['k'] = :v, e.f = 1 WHERE k = 0"},
      {"UPDATE t SET a += 1, b -= [1], c = c -1, d = d + -1 WHERE k = 0",
       "UPDATE t SET a = a + 1, b = b - [1], c = c - 1, d = d + -1 WHERE k = 0"},
      {"UPDATE t SET a = 1 + 2 + f(1) + a WHERE k = 0 IF m['x'] = 1 AND u.f IN (1) AND l[?] IN ?"},
      {"INSERT INTO t JSON '{}'"},
      {"INSERT INTO t JSON ? DEFAULT NULL USING TTL 1", "INSERT INTO t JSON ? USING TTL 1"},
      {"INSERT INTO t JSON :j DEFAULT UNSET IF NOT EXISTS"},
      {"DELETE a, b['x'], c.f, d[?] FROM t WHERE k = 1"},
      {"BEGIN COUNTER BATCH UPDATE t SET c = c + 1 WHERE k = 1; APPLY BATCH"},
      {"DELETE a, b FROM t USING TIMESTAMP 5 WHERE k = 1 IF a != 2"},
      {"BEGIN BATCH APPLY BATCH"},
      {"BEGIN UNLOGGED BATCH USING TIMESTAMP 1 INSERT INTO t (a) VALUES (1); "
       "UPDATE t SET a = 1 WHERE k = 0; DELETE FROM t WHERE k = 1; APPLY BATCH"},
      {"BEGIN BATCH INSERT INTO t (a) VALUES (1) UPDATE t SET a = 1 WHERE k = 0 IF EXISTS "
       "DELETE FROM t WHERE k = 0 APPLY BATCH;",
       "BEGIN BATCH INSERT INTO t (a) VALUES (1); UPDATE t SET a = 1 WHERE k = 0 IF EXISTS; "
       "DELETE FROM t WHERE k = 0; APPLY BATCH"},
  });
}

TEST(Parser, Selects) {
  ExpectCanonical({
      {"SELECT * FROM t"},
      {"select*from T;;", "SELECT * FROM t"},
      {"SELECT a, b AS \"B\", count(*) AS n, count(1), count(a) FROM ks.t"},
      {"SELECT COUNT( * ) FROM t", "SELECT count(*) FROM t"},
      {"SELECT min(a), max(a), sum(a), avg(a), writetime(a), ttl(a), token(a, b), now() FROM t"},
      {"SELECT ks.f(g(a, 1), 'x', ?, null, true) AS v, 5, :m FROM t"},
      {"SELECT \"Token\"(a), \"cast\"(a), \"as\", as1 FROM t"},
      {"SELECT DISTINCT a, b FROM t"},
      {"SELECT distinct FROM t", "SELECT \"distinct\" FROM t"},
      {"SELECT distinct, json FROM t", "SELECT \"distinct\", \"json\" FROM t"},
      {"SELECT distinct AS d FROM t", "SELECT \"distinct\" AS d FROM t"},
      {"SELECT DISTINCT distinct FROM t", "SELECT DISTINCT \"distinct\" FROM t"},
      {"SELECT DISTINCT as FROM t", "SELECT DISTINCT \"as\" FROM t"},
      {"SELECT key, type, ttl, count, writetime, cast FROM values"},
      {"SELECT a FROM per PER PARTITION LIMIT 1"},
      {"SELECT * FROM t WHERE a = 1 AND b < 2 AND c > 3 AND d <= 4 AND e >= 5 AND f != 6"},
      {"SELECT * FROM t WHERE a IN () AND b IN (1, ?, :c) AND c IN ? AND d IN :d"},
      {"SELECT * FROM t WHERE (a, b) = (1, 2) AND (c) < ? AND (a, b) >= :ab AND (a) = (1)"},
      {"SELECT * FROM t WHERE (a, b) IN ((1, 2), ?, (:x, 4)) AND (a, b) IN ? AND (c, d) IN ()"},
      {"SELECT * FROM t WHERE token(a, b) > token(1, 'x') AND token(a, b) <= 5"},
      {"SELECT * FROM t WHERE a CONTAINS 1 AND b CONTAINS KEY 'x' AND c CONTAINS \"key\"(1)"},
      {"SELECT * FROM t WHERE key = 1 AND contains CONTAINS KEY (1, 2)"},
      {"SELECT * FROM t WHERE (a = 1) AND ((b IN (1))) AND (((a, b) > (1, 2)))",
       "SELECT * FROM t WHERE a = 1 AND b IN (1) AND (a, b) > (1, 2)"},
      {"SELECT JSON * FROM t"},
      {"SELECT JSON DISTINCT a, json AS x FROM t", "SELECT JSON DISTINCT a, \"json\" AS x FROM t"},
      {"SELECT json * 2, distinct FROM t", "SELECT \"json\" * 2, \"distinct\" FROM t"},
      {"SELECT DISTINCT -a FROM t", "SELECT DISTINCT - a FROM t"},
      {"SELECT a + b * 2 - - c % 3, (a + b) / 2, a-1, a -1, -1 FROM t",
       "SELECT a + b * 2 - - c % 3, (a + b) / 2, a - 1, a - 1, -1 FROM t"},
      {"SELECT u.f, u.f.g[1], m['k'], m['a'..'b'], l[1..2], s[..?], s[:x..], f(a).b, ks.f(a) FROM "
       "t"},
      {"SELECT CAST(a AS text), cast(b + 1 as int) AS c FROM t",
       "SELECT CAST(a AS text), CAST(b + 1 AS int) AS c FROM t"},
      {"SELECT (int) 3, (int) -3, (a) -3, (a) AS b, (list<int>) [], (ks.u) {a: 1}, (a)[1] FROM t",
       "SELECT (int) 3, (int) -3, (a) - 3, (a) AS b, (list<int>) [], (ks.u) {a: 1}, (a)[1] FROM t"},
      {"SELECT [a, 1], {a, 'x'}, {'k': a}, (a, b), {f: a} FROM t"},
      {"SELECT writetime(m['k']), maxwritetime(u.f), ttl(a) FROM t"},
      {"SELECT * FROM t WHERE m['k'] = 1 AND c LIKE '%x' AND d IS NOT NULL AND l[?] != ?"},
      {"SELECT * FROM t WHERE a = (int) ? AND b = {f: 1, \"G\": [2]} AND c > now() - 2d"},
      {"SELECT * FROM t GROUP BY a, f(b) ORDER BY c DESC, d ASC PER PARTITION LIMIT ? LIMIT :n "
       "ALLOW FILTERING"},
      {"SELECT * FROM t ORDER BY c, d LIMIT 10", "SELECT * FROM t ORDER BY c ASC, d ASC LIMIT 10"},
  });
}

TEST(Parser, Terms) {
  const auto select = [](std::string_view term) {
    return Concat({"SELECT * FROM t WHERE a = ", term});
  };
  const std::vector<TextCase> kCases = {
      {"'it''s'"},
      {"$$it's$$", "'it''s'"},
      {"'\xE2\x82\xAC\n'"},
      {"-12"},
      {"123456789012345678901234567890"},
      {"-1.50e+10"},
      {"nan", "NaN"},
      {"-NAN", "NaN"},
      {"infinity", "Infinity"},
      {"-INFINITY", "-Infinity"},
      {"TRUE", "true"},
      {"False", "false"},
      {"NULL", "null"},
      {"0xCAFE", "0xcafe"},
      {"0x"},
      {"550E8400-E29B-41D4-A716-446655440000", "550e8400-e29b-41d4-a716-446655440000"},
      {"?"},
      {":Name", ":name"},
      {":\"Name\""},
      {": key", ":key"},
      {"uuid()"},
      {"f(g(1), ?)"},
      {"\"F\"(1)"},
      {"token(1)"},
      {"[]"},
      {"[1, [2], 'x']"},
      {"{}"},
      {"{1, {2}, 'x'}"},
      {"{'a': 1, ?: :v, f(1): {}}"},
      {"{:a: :b}"},
      {"{:a, :b}"},
      {"(1)"},
      {"(1, (2, null))"},
      {"1 + 2 * (3 - 4) / -5 % f(1)"},
      {"1 -2", "1 - 2"},
      {"1--2", "1"},
      {"- (int) f(1)"},
      {"(int) 3"},
      {"(frozen<list<int>>) [1]"},
      {"(\"My\".u) {a: 1}"},
      {"CAST(1 AS text)"},
      {"{a: 1, \"B\": {c: ?}}"},
      {"1y2mo3d"},
      {"-12H30M"},
      {"5\xC2\xB5s"},
      {"P1Y2M3DT4H5M6S"},
      {"-PT5M"},
      {"P2W"},
      {"P0001-02-03T04:05:06"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(Canonical(select(c.text)), select(c.canonical.empty() ? c.text : c.canonical));
  }
}

// ---- what the tree says ----

TEST(Parser, BuildsATable) {
  const auto table = ParseAs<CreateTableStatement>(
      "CREATE TABLE IF NOT EXISTS ks.t (a int, b map<text, \"text\">, s int STATIC, "
      "PRIMARY KEY ((a, b), s)) WITH CLUSTERING ORDER BY (s DESC) AND comment = 'x'");
  EXPECT_TRUE(table.if_not_exists);
  EXPECT_EQ(table.table.keyspace, "ks");
  EXPECT_EQ(table.table.name, "t");
  ASSERT_EQ(table.columns.size(), 3u);
  EXPECT_EQ(table.columns[1].name.name, "b");
  EXPECT_EQ(table.columns[1].type.name, "map");
  ASSERT_EQ(table.columns[1].type.params.size(), 2u);
  EXPECT_FALSE(table.columns[1].type.params[0].quoted);
  EXPECT_TRUE(table.columns[1].type.params[1].quoted);
  EXPECT_FALSE(table.columns[1].is_static);
  EXPECT_TRUE(table.columns[2].is_static);
  ASSERT_EQ(table.primary_key.partition.size(), 2u);
  EXPECT_EQ(table.primary_key.partition[1].name, "b");
  ASSERT_EQ(table.primary_key.clustering.size(), 1u);
  ASSERT_EQ(table.clustering_order.size(), 1u);
  EXPECT_TRUE(table.clustering_order[0].descending);
  ASSERT_EQ(table.options.size(), 1u);
  EXPECT_EQ(table.options[0].name, "comment");
  const auto& comment = std::get<Literal>(table.options[0].value.value);
  EXPECT_EQ(comment.kind, Literal::Kind::kString);
  EXPECT_EQ(comment.text, "x");
}

TEST(Parser, BuildsRelations) {
  const auto select = ParseAs<SelectStatement>(
      "SELECT * FROM t WHERE a IN ? AND b IN (?) AND (c, d) > (1, 2) AND token(a) = 1");
  ASSERT_EQ(select.where.size(), 4u);
  EXPECT_EQ(select.where[0].left, Relation::Left::kColumn);
  EXPECT_EQ(select.where[0].op, Operator::kIn);
  EXPECT_TRUE(std::holds_alternative<BindMarker>(std::get<Term>(select.where[0].right).value));
  EXPECT_EQ(std::get<TermList>(select.where[1].right).terms.size(), 1u);
  EXPECT_EQ(select.where[2].left, Relation::Left::kTuple);
  EXPECT_EQ(select.where[2].columns.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<TupleLiteral>(std::get<Term>(select.where[2].right).value));
  EXPECT_EQ(select.where[3].left, Relation::Left::kToken);
}

TEST(Parser, DecodesLiterals) {
  const auto insert = ParseAs<InsertStatement>(
      "INSERT INTO t (a) VALUES ('it''s', 0xCAFE, -NaN, TRUE, "
      "550E8400-E29B-41D4-A716-446655440000, -1)");
  const std::vector<std::pair<Literal::Kind, std::string>> kExpected = {
      {Literal::Kind::kString, "it's"},
      {Literal::Kind::kBlob, "cafe"},
      {Literal::Kind::kFloat, "NaN"},
      {Literal::Kind::kBoolean, "true"},
      {Literal::Kind::kUuid, "550e8400-e29b-41d4-a716-446655440000"},
      {Literal::Kind::kInteger, "-1"}};
  ASSERT_EQ(insert.values.size(), kExpected.size());
  for (size_t i = 0; i < kExpected.size(); ++i) {
    const auto& literal = std::get<Literal>(insert.values[i].value);
    EXPECT_EQ(literal.kind, kExpected[i].first) << i;
    EXPECT_EQ(literal.text, kExpected[i].second) << i;
  }
}

TEST(Parser, NumbersBindMarkersInOrder) {
  const auto parsed = Parse(
      "BEGIN BATCH USING TIMESTAMP :ts INSERT INTO t (a, b) VALUES (?, [:x, :\"X\"]) USING TTL ?; "
      "UPDATE t SET a = :x WHERE k IN ? AND (c, d) IN (?, (?, 1)) IF b = ?; APPLY BATCH");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const std::vector<std::string> kNames = {"ts", "", "x", "X", "", "x", "", "", "", ""};
  ASSERT_EQ(parsed->markers.size(), kNames.size());
  for (size_t i = 0; i < kNames.size(); ++i) {
    EXPECT_EQ(parsed->markers[i].index, static_cast<int>(i));
    EXPECT_EQ(parsed->markers[i].name, kNames[i]) << i;
  }
  EXPECT_EQ(parsed->markers[0].position, (Position{1, 29}));
  const auto& batch = std::get<BatchStatement>(parsed->statement);
  const auto& update = std::get<UpdateStatement>(batch.modifications[1]);
  EXPECT_EQ(std::get<BindMarker>(update.assignments[0].value.value).index, 5);
}

TEST(Parser, PlacesNodes) {
  const auto select = ParseAs<SelectStatement>(
      "\n SELECT f(a), b AS c\nFROM ks.t\n WHERE\td = [1]\n  AND (e, f) IN (?) ORDER BY g");
  EXPECT_EQ(select.position, (Position{2, 2}));
  EXPECT_EQ(select.items[0].position, (Position{2, 9}));
  const auto& call = std::get<SelectorCall>(select.items[0].selector.value);
  EXPECT_EQ(call.position, (Position{2, 9}));
  EXPECT_EQ(call.arguments[0].position(), (Position{2, 11}));
  EXPECT_EQ(select.items[1].alias->position, (Position{2, 20}));
  EXPECT_EQ(select.table.position, (Position{3, 6}));
  EXPECT_EQ(select.where[0].position, (Position{4, 8}));
  EXPECT_EQ(std::get<Term>(select.where[0].right).position(), (Position{4, 12}));
  EXPECT_EQ(select.where[1].position, (Position{5, 7}));
  EXPECT_EQ(select.where[1].columns[1].position, (Position{5, 11}));
  EXPECT_EQ(std::get<TermList>(select.where[1].right).position, (Position{5, 17}));
  EXPECT_EQ(select.order_by[0].position, (Position{5, 30}));
}

TEST(Parser, TellsAssignmentsApart) {
  using Kind = Assignment::Kind;
  const auto update = ParseAs<UpdateStatement>(
      "UPDATE t SET a = 1, b = b + 1, c = 1 + 2 + c, d = d - 1, e[1] = 2, f.g = 3 WHERE k = 0");
  const std::vector<Kind> kKinds = {Kind::kSet,    Kind::kAppend,  Kind::kPrepend,
                                    Kind::kRemove, Kind::kElement, Kind::kField};
  ASSERT_EQ(update.assignments.size(), kKinds.size());
  for (size_t i = 0; i < kKinds.size(); ++i) EXPECT_EQ(update.assignments[i].kind, kKinds[i]) << i;
  EXPECT_EQ(ToCql(update.assignments[2].value), "1 + 2");
  EXPECT_EQ(ToCql(*update.assignments[4].key), "1");
  EXPECT_EQ(update.assignments[5].field.name, "g");
  EXPECT_EQ(Error("UPDATE t SET a = b + 1 WHERE k = 0"),
            "line 1:18 Only expressions of the form X = X + <value> or X = X - <value> are "
            "supported.");
  EXPECT_EQ(Error("UPDATE t SET a = 1 + b WHERE k = 0"),
            "line 1:22 Only expressions of the form X = <value> + X are supported.");
}

// A chain of operators is one node, up to the limit of operators.
TEST(Parser, KeepsChainsFlat) {
  std::string sum = "1";
  for (int i = 0; i < 1000; ++i) sum += " + 1";
  const auto select = ParseAs<SelectStatement>("SELECT " + sum + " FROM t");
  const auto& chain = std::get<Arithmetic>(select.items[0].selector.value);
  EXPECT_EQ(chain.operands.size(), 1001u);
  EXPECT_EQ(chain.operators.size(), 1000u);
}

TEST(Ast, ComparesByWhatItSays) {
  const auto a = ParseAs<SelectStatement>("SELECT f(a) FROM t WHERE k = [1, {'a': (?, null)}]");
  const auto b =
      ParseAs<SelectStatement>("select  F(A)\nfrom T where K=[1,{$$a$$:(?,NULL)}] -- comment");
  EXPECT_EQ(a, b);
  EXPECT_NE(a, ParseAs<SelectStatement>("SELECT f(a) FROM t WHERE k = [1, {'a': (?, 1)}]"));
  EXPECT_NE(a, ParseAs<SelectStatement>("SELECT f(b) FROM t WHERE k = [1, {'a': (?, null)}]"));
  EXPECT_NE(a, ParseAs<SelectStatement>("SELECT f(a) FROM t WHERE k = [1, {'a': (:x, null)}]"));
  const SelectStatement copy = a;
  EXPECT_EQ(copy, a);
}

TEST(Ast, QuotesNamesWhereNeeded) {
  EXPECT_EQ(QuoteName("a_1"), "a_1");
  EXPECT_EQ(QuoteName("key"), "key");
  EXPECT_EQ(QuoteName("A"), "\"A\"");
  EXPECT_EQ(QuoteName("select"), "\"select\"");
  EXPECT_EQ(QuoteName("1a"), "\"1a\"");
  EXPECT_EQ(QuoteName("_a"), "\"_a\"");
  EXPECT_EQ(QuoteName("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(QuoteName("h\xC3\xA9"), "\"h\xC3\xA9\"");
  EXPECT_EQ(QuoteString("it's"), "'it''s'");
}

// ---- what does not parse ----

TEST(Parser, TellsWhatWasExpectedAndFound) {
  const struct {
    std::string_view text;
    std::string_view error;
  } kCases[] = {
      // The statement and its end.
      {"", "line 1:1 expected a statement, found end of text"},
      {" \n ;", "line 2:2 expected a statement, found ';'"},
      {"foo", "line 1:1 expected a statement, found 'foo'"},
      {"'foo'", "line 1:1 expected a statement, found string 'foo'"},
      {"USE a b", "line 1:7 expected end of statement, found 'b'"},
      {"USE a; USE b", "line 1:8 expected end of statement, found 'USE'"},
      {"USE a @", "line 1:7 unexpected character '@'"},
      {"USE 'a'", "line 1:5 expected a keyspace name, found string 'a'"},
      {"USE a.b", "line 1:6 expected end of statement, found '.'"},
      {"USE \"a", "line 1:5 unterminated name"},
      {"USE a /*", "line 1:7 unterminated comment"},
      // Definitions.
      {"CREATE",
       "line 1:7 expected KEYSPACE, SCHEMA, TABLE, COLUMNFAMILY or TYPE, found end of text"},
      {"DROP x", "line 1:6 expected KEYSPACE, SCHEMA, TABLE, COLUMNFAMILY or TYPE, found 'x'"},
      {"CREATE KEYSPACE", "line 1:16 expected IF or a keyspace name, found end of text"},
      {"CREATE KEYSPACE IF EXISTS", "line 1:20 expected NOT, found 'EXISTS'"},
      {"CREATE KEYSPACE ks", "line 1:19 expected WITH, found end of text"},
      {"CREATE KEYSPACE ks WITH", "line 1:24 expected an option name, found end of text"},
      {"CREATE KEYSPACE ks WITH a 1", "line 1:27 expected '=', found '1'"},
      {"CREATE KEYSPACE ks WITH a = b",
       "line 1:29 expected a literal or a map of literals, found 'b'"},
      {"CREATE KEYSPACE ks WITH a = ?",
       "line 1:29 expected a literal or a map of literals, found '?'"},
      {"CREATE KEYSPACE ks WITH a = {'b' 1}", "line 1:34 expected ':', found '1'"},
      {"CREATE KEYSPACE ks WITH a = {'b': {}}", "line 1:35 expected a literal, found '{'"},
      {"CREATE KEYSPACE ks WITH a = {'b': 1", "line 1:36 expected ',' or '}', found end of text"},
      {"CREATE KEYSPACE ks WITH a = 1 AND b = 2 AND \"a\" = 3",
       "line 1:45 option a is given twice"},
      {"DROP KEYSPACE IF x", "line 1:18 expected EXISTS, found 'x'"},
      {"CREATE TABLE", "line 1:13 expected IF or a table name, found end of text"},
      {"CREATE TABLE ks.", "line 1:17 expected a table name, found end of text"},
      {"CREATE TABLE select (a int)", "line 1:14 expected IF or a table name, found 'select'"},
      {"CREATE TABLE t", "line 1:15 expected '(', found end of text"},
      {"CREATE TABLE t ()", "line 1:17 expected a column name, found ')'"},
      {"CREATE TABLE t (a)", "line 1:18 expected a type, found ')'"},
      {"CREATE TABLE t (a int)", "line 1:22 expected a PRIMARY KEY, found ')'"},
      {"CREATE TABLE t (a int b)", "line 1:23 expected STATIC, PRIMARY, ',' or ')', found 'b'"},
      {"CREATE TABLE t (a int PRIMARY)", "line 1:30 expected KEY, found ')'"},
      {"CREATE TABLE t (a int PRIMARY KEY b)", "line 1:35 expected ',' or ')', found 'b'"},
      {"CREATE TABLE t (a list<>)", "line 1:24 expected a type, found '>'"},
      {"CREATE TABLE t (a list<int)", "line 1:27 expected ',' or '>', found ')'"},
      {"CREATE TABLE t (a ks.set)", "line 1:22 expected a type, found 'set'"},
      {"CREATE TABLE t (a int, PRIMARY KEY ())",
       "line 1:37 expected '(' or a column name, found ')'"},
      {"CREATE TABLE t (a int, PRIMARY KEY ((a), ))",
       "line 1:42 expected a column name, found ')'"},
      {"CREATE TABLE t (a int PRIMARY KEY, PRIMARY KEY (a))",
       "line 1:36 PRIMARY KEY is given twice"},
      {"CREATE TABLE t (a int PRIMARY KEY, b int PRIMARY KEY)",
       "line 1:42 PRIMARY KEY is given twice"},
      {"CREATE TABLE t (a int PRIMARY KEY) WITH COMPACT STORAGE",
       "line 1:41 COMPACT STORAGE is not supported"},
      {"CREATE TABLE t (a int PRIMARY KEY) WITH a = 1 AND COMPACT STORAGE",
       "line 1:51 COMPACT STORAGE is not supported"},
      {"CREATE TABLE t (a int PRIMARY KEY) WITH CLUSTERING ORDER (a)",
       "line 1:58 expected BY, found '('"},
      {"CREATE TABLE t (a int PRIMARY KEY) WITH CLUSTERING ORDER BY (a UP)",
       "line 1:64 expected ASC, DESC, ',' or ')', found 'UP'"},
      {"CREATE TABLE t (a int PRIMARY KEY) WITH CLUSTERING ORDER BY (a) AND CLUSTERING ORDER BY "
       "(a)",
       "line 1:69 CLUSTERING ORDER BY is given twice"},
      {"CREATE TABLE t (a int PRIMARY KEY) comment = 1",
       "line 1:36 expected WITH or end of statement, found 'comment'"},
      {"TRUNCATE ks.table", "line 1:13 expected a table name, found 'table'"},
      {"DESCRIBE 'x'",
       "line 1:10 expected FULL, CLUSTER, SCHEMA, KEYSPACES, TABLES, TYPES, FUNCTIONS, AGGREGATES, "
       "ONLY, KEYSPACE, MATERIALIZED, TABLE, COLUMNFAMILY, TYPE, FUNCTION, AGGREGATE, INDEX or a "
       "name, found string 'x'"},
      {"DESCRIBE FULL TABLE", "line 1:15 expected SCHEMA, found 'TABLE'"},
      {"DESCRIBE TABLES WITH x", "line 1:22 expected INTERNALS, found 'x'"},
      {"DESC TABLE", "line 1:11 expected a table name, found end of text"},
      // SELECT.
      {"SELECT", "line 1:7 expected '*' or a selector, found end of text"},
      {"SELECT FROM t", "line 1:8 expected '*' or a selector, found 'FROM'"},
      {"SELECT a,, b FROM t", "line 1:10 expected a selector, found ','"},
      {"SELECT a b FROM t", "line 1:10 expected AS, ',' or FROM, found 'b'"},
      {"SELECT a AS FROM t", "line 1:13 expected an alias, found 'FROM'"},
      {"SELECT *, a FROM t", "line 1:9 expected FROM, found ','"},
      {"SELECT f(*) FROM t", "line 1:10 expected a selector, found '*'"},
      {"SELECT count(* FROM t", "line 1:16 expected ')', found 'FROM'"},
      {"SELECT f(a FROM t", "line 1:12 expected ',' or ')', found 'FROM'"},
      {"SELECT a FROM", "line 1:14 expected a table name, found end of text"},
      {"SELECT a FROM ?", "line 1:15 expected a table name, found '?'"},
      {"SELECT a\nFROM t\nWHER b = 1",
       "line 3:1 expected WHERE, GROUP, ORDER, PER, LIMIT, ALLOW or end of statement, found "
       "'WHER'"},
      {"SELECT a FROM t WHERE", "line 1:22 expected a column name, found end of text"},
      {"SELECT a FROM t WHERE 1 = a", "line 1:23 expected a column name, found '1'"},
      {"SELECT a FROM t WHERE a", "line 1:24 expected an operator, found end of text"},
      {"SELECT a FROM t WHERE a == 1", "line 1:26 expected a value, found '='"},
      {"SELECT a FROM t WHERE a = b", "line 1:27 expected a value, found 'b'"},
      {"SELECT a FROM t WHERE a = 1 b = 2",
       "line 1:29 expected AND, GROUP, ORDER, PER, LIMIT, ALLOW or end of statement, found 'b'"},
      {"SELECT a FROM t WHERE a = 1 AND", "line 1:32 expected a column name, found end of text"},
      {"SELECT a FROM t WHERE a IN 1", "line 1:28 expected '(' or a bind marker, found '1'"},
      {"SELECT a FROM t WHERE a IN (1", "line 1:30 expected ',' or ')', found end of text"},
      {"SELECT a FROM t WHERE (a, b) = 1",
       "line 1:32 expected a tuple or a bind marker, found '1'"},
      {"SELECT a FROM t WHERE (a, b) IN (1)",
       "line 1:34 expected a tuple or a bind marker, found '1'"},
      {"SELECT a FROM t WHERE (a, b) CONTAINS 1",
       "line 1:30 expected an operator, found 'CONTAINS'"},
      {"SELECT a FROM t WHERE (a = 1", "line 1:29 expected ')', found end of text"},
      {"SELECT a FROM t WHERE token(a) IN (1)", "line 1:32 expected an operator, found 'IN'"},
      {"SELECT a FROM t WHERE token a", "line 1:29 expected '(', found 'a'"},
      {"SELECT a FROM t GROUP a", "line 1:23 expected BY, found 'a'"},
      {"SELECT a FROM t ORDER BY f(a)",
       "line 1:27 expected ASC, DESC, ',', PER, LIMIT, ALLOW or end of statement, found '('"},
      {"SELECT a FROM t PER LIMIT 1", "line 1:21 expected PARTITION, found 'LIMIT'"},
      {"SELECT a FROM t LIMIT 1.5", "line 1:23 expected an integer or a bind marker, found '1.5'"},
      {"SELECT a FROM t LIMIT 1 WHERE a = 1",
       "line 1:25 expected ALLOW or end of statement, found 'WHERE'"},
      {"SELECT a FROM t ALLOW", "line 1:22 expected FILTERING, found end of text"},
      {"SELECT a FROM t ALLOW FILTERING x", "line 1:33 expected end of statement, found 'x'"},
      // Modifications.
      {"INSERT t", "line 1:8 expected INTO, found 't'"},
      {"INSERT INTO t VALUES (1)", "line 1:15 expected '(', found 'VALUES'"},
      {"INSERT INTO t () VALUES (1)", "line 1:16 expected a column name, found ')'"},
      {"INSERT INTO t (FROM) VALUES (1)", "line 1:16 expected a column name, found 'FROM'"},
      {"INSERT INTO t (a b) VALUES (1)", "line 1:18 expected ',' or ')', found 'b'"},
      {"INSERT INTO t (a) (1)", "line 1:19 expected VALUES, found '('"},
      {"INSERT INTO t (a) VALUES ()", "line 1:27 expected a value, found ')'"},
      {"INSERT INTO t (a) VALUES (x)", "line 1:27 expected a value, found 'x'"},
      {"INSERT INTO t (a) VALUES (token)", "line 1:27 expected a value, found 'token'"},
      {"INSERT INTO t (a) VALUES (ks.1)", "line 1:30 expected a function name, found '1'"},
      {"INSERT INTO t (a) VALUES (ks.f)", "line 1:31 expected '(', found ')'"},
      {"INSERT INTO t (a) VALUES (\"F\")", "line 1:27 expected a value, found name \"F\""},
      {"INSERT INTO t (a) VALUES (:)", "line 1:28 expected a bind marker's name, found ')'"},
      {"INSERT INTO t (a) VALUES ([1)", "line 1:29 expected ',' or ']', found ')'"},
      {"INSERT INTO t (a) VALUES ({1, 2: 3})", "line 1:32 expected ',' or '}', found ':'"},
      {"INSERT INTO t (a) VALUES ({1: 2, 3})", "line 1:35 expected ':', found '}'"},
      {"INSERT INTO t (a) VALUES (())", "line 1:28 expected a value, found ')'"},
      {"INSERT INTO t (a) VALUES ('x)", "line 1:27 unterminated string"},
      {"INSERT INTO t (a) VALUES (12x)", "line 1:27 malformed number '12x'"},
      {"INSERT INTO t (a) VALUES ('h\xC3\xA9', x)", "line 1:33 expected a value, found 'x'"},
      {"INSERT INTO t (a) VALUES ('\xFF')", "line 1:28 invalid UTF-8 byte 0xff"},
      {"INSERT INTO t (a) VALUES (1) IF EXISTS", "line 1:33 expected NOT, found 'EXISTS'"},
      {"INSERT INTO t (a) VALUES (1) USING x", "line 1:36 expected TTL or TIMESTAMP, found 'x'"},
      {"INSERT INTO t (a) VALUES (1) USING TTL 'x'",
       "line 1:40 expected an integer or a bind marker, found string 'x'"},
      {"INSERT INTO t (a) VALUES (1) USING TTL 1 AND TTL 2", "line 1:46 TTL is given twice"},
      {"INSERT INTO t (a) VALUES (1) USING TIMESTAMP 1 AND TIMESTAMP 2",
       "line 1:52 TIMESTAMP is given twice"},
      {"UPDATE t WHERE k = 1", "line 1:10 expected USING or SET, found 'WHERE'"},
      {"UPDATE t SET a 1", "line 1:16 expected '=', found '1'"},
      {"UPDATE t SET a = 1", "line 1:19 expected ',' or WHERE, found end of text"},
      {"UPDATE t SET a = 1 WHERE k = 1 IF", "line 1:34 expected a column name, found end of text"},
      {"UPDATE t SET a = 1 WHERE k = 1 IF NOT EXISTS",
       "line 1:35 expected a column name, found 'NOT'"},
      {"UPDATE t SET a = 1 WHERE k = 1 IF EXISTS x",
       "line 1:42 expected end of statement, found 'x'"},
      {"DELETE * FROM t WHERE a = 1", "line 1:8 expected a column name, found '*'"},
      {"DELETE FROM t", "line 1:14 expected USING or WHERE, found end of text"},
      {"DELETE FROM t USING TTL 1 WHERE a = 1", "line 1:21 expected TIMESTAMP, found 'TTL'"},
      {"BEGIN x", "line 1:7 expected UNLOGGED, COUNTER or BATCH, found 'x'"},
      {"BEGIN BATCH",
       "line 1:12 expected USING, APPLY, INSERT, UPDATE or DELETE, found end of text"},
      {"BEGIN BATCH SELECT * FROM t; APPLY BATCH",
       "line 1:13 expected USING, APPLY, INSERT, UPDATE or DELETE, found 'SELECT'"},
      {"BEGIN BATCH DELETE FROM t WHERE a = 1;; APPLY BATCH",
       "line 1:39 expected APPLY, INSERT, UPDATE or DELETE, found ';'"},
      {"BEGIN BATCH APPLY", "line 1:18 expected BATCH, found end of text"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(Error(c.text), c.error);
  }
}

TEST(Parser, RefusesByNameWhatItKnows) {
  const struct {
    std::string_view text;
    std::string_view at;
    std::string_view feature;
  } kCases[] = {
      {"CREATE INDEX i ON t (a)", "1:1", "CREATE INDEX"},
      {"CREATE CUSTOM INDEX ON t (a)", "1:1", "CREATE CUSTOM INDEX"},
      {"CREATE MATERIALIZED VIEW v AS SELECT * FROM t", "1:1", "CREATE MATERIALIZED VIEW"},
      {"CREATE FUNCTION f()", "1:1", "CREATE FUNCTION"},
      {"CREATE OR REPLACE FUNCTION f()", "1:1", "CREATE OR REPLACE"},
      {"CREATE AGGREGATE a()", "1:1", "CREATE AGGREGATE"},
      {"CREATE ROLE r", "1:1", "CREATE ROLE"},
      {"CREATE USER u", "1:1", "CREATE USER"},
      {"CREATE TRIGGER x", "1:1", "CREATE TRIGGER"},
      {"SELECT a FROM t WHERE expr(i, 'x')", "1:23", "a custom index expression"},
      {"ALTER TABLE t ALTER a DROP MASKED", "1:23", "DROP MASKED"},
      {"CREATE TABLE a LIKE b", "1:1", "CREATE TABLE LIKE"},
      {" DROP INDEX i", "1:2", "DROP INDEX"},
      {"ALTER ROLE r", "1:1", "ALTER ROLE"},
      {"ALTER MATERIALIZED VIEW v", "1:1", "ALTER MATERIALIZED VIEW"},
      {"GRANT ALL ON t TO r", "1:1", "GRANT"},
      {"REVOKE ALL ON t FROM r", "1:1", "REVOKE"},
      {"LIST ROLES", "1:1", "LIST"},
      {"SELECT a FROM t WHERE a BETWEEN 1 AND 2", "1:25", "BETWEEN"},
      {"SELECT a FROM t WHERE a NOT IN (1)", "1:25", "NOT IN"},
      {"SELECT a FROM t WHERE a NOT CONTAINS 1", "1:25", "NOT"},
      {"SELECT a FROM t ORDER BY a ANN OF [1]", "1:28", "ANN OF"},
      {"CREATE TABLE t (a int MASKED WITH DEFAULT)", "1:23", "MASKED WITH"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(Error(c.text), Concat({"line ", c.at, " ", c.feature, " is not supported yet"}));
  }
}

// ---- bounds ----

std::string Repeat(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result.append(text);
  return result;
}

TEST(Parser, BoundsNesting) {
  const struct {
    std::string_view before, open, core, close, after;
  } kCases[] = {
      {"SELECT * FROM t WHERE a = ", "[", "1", "]", ""},
      {"SELECT * FROM t WHERE a = ", "{", "1", "}", ""},
      {"SELECT * FROM t WHERE a = ", "{1: ", "1", "}", ""},
      {"SELECT * FROM t WHERE a = ", "(", "1", ")", ""},
      {"SELECT * FROM t WHERE a = ", "f(", "1", ")", ""},
      {"SELECT * FROM t WHERE ", "(", "a = 1", ")", ""},
      {"SELECT ", "f(", "a", ")", " FROM t"},
      {"SELECT ", "- ", "a", "", " FROM t"},
      {"SELECT ", "(a + ", "a", ")", " FROM t"},
      {"SELECT ", "CAST(", "a", " AS int)", " FROM t"},
      {"SELECT * FROM t WHERE a = ", "(int) ", "1", "", ""},
      {"SELECT * FROM t WHERE a = ", "{f: ", "1", "}", ""},
      {"CREATE TABLE t (a ", "list<", "int", ">", " PRIMARY KEY)"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(Concat({c.before, c.open}));
    const auto nested = [&](int levels) {
      return Concat({c.before, Repeat(c.open, levels), c.core, Repeat(c.close, levels), c.after});
    };
    EXPECT_TRUE(Parse(nested(50)).ok()) << Error(nested(50));
    EXPECT_THAT(Excess(nested(65)), HasSubstr("nesting is deeper than 64 levels"));
    EXPECT_THAT(Excess(nested(50000)), HasSubstr("nesting is deeper than 64 levels"));
  }
  EXPECT_EQ(Excess("SELECT * FROM t WHERE a = [[1]]", ParseOptions{.nesting_depth_max = 3}),
            "line 1:29 nesting is deeper than 3 levels");
  EXPECT_TRUE(Parse("SELECT * FROM t WHERE a = [[1]]", ParseOptions{.nesting_depth_max = 4}).ok());
}

// An error quotes no more than a line's worth of what was found.
TEST(Parser, AbbreviatesWhatWasFound) {
  EXPECT_EQ(Error("USE a '" + std::string(1000, 'x') + "\n'"),
            "line 1:7 expected end of statement, found string '" + std::string(39, 'x') + "...");
  EXPECT_EQ(Error("USE a 'b\nc'"), "line 1:7 expected end of statement, found string 'b\\nc'");
}

}  // namespace
}  // namespace tholos::cql
