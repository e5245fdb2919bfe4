// Whatever parses prints as CQL that parses to an equal tree, and prints alike. Errors name a
// place. Splitting a script loses no statement that parses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cql/parser.h"
#include "cql/script.h"

std::vector<std::string> FuzzSeeds() {
  return {
      "CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'SimpleStrategy', "
      "'replication_factor': 3} AND durable_writes = true;",
      "CREATE TABLE ks.t (a int, b text, c timeuuid, s set<frozen<list<int>>> static, "
      "v vector<float, 3>, PRIMARY KEY ((a, b), c)) WITH CLUSTERING ORDER BY (c DESC) AND comment "
      "= 'x' AND compaction = {'class': 'LeveledCompactionStrategy'}",
      "CREATE TYPE IF NOT EXISTS ks.u (f int, g frozen<map<text, tuple<int, blob>>>)",
      "ALTER TABLE t ADD (x int, y \"Quoted\"\"Name\")",
      "ALTER TYPE u RENAME f TO h AND g TO i",
      "DROP KEYSPACE IF EXISTS ks",
      "TRUNCATE TABLE ks.t",
      "USE \"Ks\"",
      "DESCRIBE FULL SCHEMA",
      "DESC TABLE ks.t",
      "INSERT INTO t (a, b, c) VALUES (?, :name, now()) IF NOT EXISTS USING TTL 5 AND TIMESTAMP ?",
      "INSERT INTO t JSON '{\"a\": 1}' DEFAULT UNSET",
      "UPDATE ks.t USING TIMESTAMP 7 SET a = a + {1, 2}, l[0] = ?, m['k'] = -1.5e-3, u.f = 0xcafe, "
      "n += [1] WHERE k = 1 AND c IN (1, ?, 3) IF EXISTS",
      "DELETE a, m[?], u.f FROM t USING TIMESTAMP 3 WHERE k = 1 AND (c, d) >= (1, 'x')",
      "BEGIN UNLOGGED BATCH USING TIMESTAMP 4 INSERT INTO t (a) VALUES (1); DELETE FROM t WHERE a "
      "= 2; APPLY BATCH;",
      "SELECT DISTINCT a AS x, count(*), CAST(b AS text), writetime(c), ttl(d), m['k'], "
      "m['a'..'b'], u.f, (int) 5 + -c * 2 % 3, token(a, b) FROM ks.t WHERE token(a) > ? AND c "
      "CONTAINS KEY 1 AND d LIKE '%x' AND e != null GROUP BY a, b ORDER BY c DESC, d ANN OF [1.0] "
      "PER PARTITION LIMIT 2 LIMIT :l ALLOW FILTERING",
      "SELECT JSON f(1h30m, P1Y2M3DT4H5M6S, $$dollar ' quoted$$, NaN, -Infinity, "
      "123e4567-e89b-12d3-a456-426614174000, (1, 'a', {x: 1, y: [null]})) FROM t -- comment",
      "/* a */ LIST ROLES // b",
      "CREATE MATERIALIZED VIEW v AS SELECT * FROM t",
      "CREATE CUSTOM INDEX i ON t (keys(m)) USING 'x'",
      "GRANT SELECT ON ALL KEYSPACES TO r"};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tholos::cql;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Script script = SplitScript(text);
  const auto parsed = Parse(text);
  if (!parsed.ok()) {
    if (std::string(parsed.status().message()).find("line ") != 0) std::abort();
    return 0;
  }
  if (script.statements.size() + !script.tail.text.empty() != 1) std::abort();
  const std::string printed = ToCql(parsed->statement);
  const auto again = Parse(printed);
  if (!again.ok()) std::abort();
  if (ToCql(again->statement) != printed) std::abort();
  if (!(again->statement == parsed->statement) || again->markers != parsed->markers) std::abort();
  return 0;
}
