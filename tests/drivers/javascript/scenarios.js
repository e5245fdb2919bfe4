// The common scenarios through the JavaScript driver.
'use strict';
const assert = require('assert');
const cassandra = require('cassandra-driver');
const { types, policies } = cassandra;

const hosts = process.env.THOLOS_HOSTS.split(',');
const port = Number(process.env.THOLOS_PORT);
const keyspace = 'js';

function newClient(version, options = {}) {
  return new cassandra.Client({
    contactPoints: hosts, localDataCenter: 'dc1', keyspace: options.noKeyspace ? undefined : keyspace,
    protocolOptions: { port, maxVersion: version },
    queryOptions: { consistency: types.consistencies.quorum, prepare: true },
    policies: { loadBalancing: new policies.loadBalancing.TokenAwarePolicy(new policies.loadBalancing.DCAwareRoundRobinPolicy('dc1')) },
    ...options.client,
  });
}

async function withClient(version, body, options) {
  const client = newClient(version, options);
  try {
    await client.connect();
    return await body(client);
  } finally {
    await client.shutdown();
  }
}

async function freshTable(client, name, columns) {
  await client.execute(`DROP TABLE IF EXISTS ${name}`, [], { prepare: false });
  await client.execute(`CREATE TABLE ${name} (${columns})`, [], { prepare: false });
}

const scenarios = {
  async discovery() {
    await withClient(4, async (client) => {
      await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`, [], { prepare: false });
      await client.execute(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}`, [], { prepare: false });
      assert.deepStrictEqual(client.hosts.values().map((h) => h.address.split(':')[0]).sort(), [...hosts].sort());
      assert.ok(client.hosts.values().every((h) => h.tokens.length === 16 && h.isUp()));
    }, { noKeyspace: true });
  },

  async protocol_versions() {
    for (const version of [3, 4]) {
      await withClient(version, async (client) => {
        await freshTable(client, 'versions', 'a int PRIMARY KEY, b text');
        await client.execute('INSERT INTO versions (a, b) VALUES (?, ?)', [1, 'x']);
        assert.strictEqual((await client.execute('SELECT b FROM versions WHERE a = ?', [1])).first().b, 'x');
        assert.strictEqual(client.controlConnection.protocolVersion, version);
      });
    }
  },

  async token_aware() {
    await withClient(4, async (client) => {
      await freshTable(client, 'aware', 'a int PRIMARY KEY, b int');
      const seen = new Set();
      for (let i = 0; i < 100; i++) {
        const result = await client.execute('INSERT INTO aware (a, b) VALUES (?, ?)', [i, i]);
        const key = Buffer.alloc(4);
        key.writeInt32BE(i);
        const replicas = client.getReplicas(keyspace, key).map((h) => h.address);
        assert.strictEqual(replicas.length, 2);
        assert.ok(replicas.includes(result.info.queriedHost), 'the coordinator is a replica');
        seen.add(result.info.queriedHost);
      }
      assert.strictEqual(seen.size, 3);
    });
  },

  async every_simple_type() {
    const values = {
      ascii: 'a', bigint: types.Long.fromString('-9223372036854775808'), blob: Buffer.from([0, 255]), boolean: true,
      decimal: types.BigDecimal.fromString('-123.4500'), double: 1.5e300, float: 0.25, int: -2147483648,
      timestamp: new Date(1769853600123), uuid: types.Uuid.random(), text: 'žluť', varint: types.Integer.fromString('1' + '0'.repeat(40)),
      timeuuid: types.TimeUuid.now(), inet: types.InetAddress.fromString('2001:db8::1'), date: types.LocalDate.fromString('2026-01-31'),
      time: types.LocalTime.fromString('23:59:59.999999999'), smallint: -32768, tinyint: -128, duration: types.Duration.fromString('1mo2d3ns'),
    };
    await withClient(4, async (client) => {
      for (const [type, value] of Object.entries(values)) {
        const table = 'simple_' + type;
        await freshTable(client, table, `k int PRIMARY KEY, v ${type}`);
        await client.execute(`INSERT INTO ${table} (k, v) VALUES (?, ?)`, [1, value]);
        await client.execute(`INSERT INTO ${table} (k, v) VALUES (?, ?)`, [2, null]);
        const got = (await client.execute(`SELECT v FROM ${table} WHERE k = 1`)).first().v;
        assert.strictEqual(String(got), String(value), type);
        assert.strictEqual((await client.execute(`SELECT v FROM ${table} WHERE k = 2`)).first().v, null, type);
      }
    });
  },

  async collections_tuples_user_types_vectors() {
    await withClient(4, async (client) => {
      await client.execute('DROP TABLE IF EXISTS composed', [], { prepare: false });
      await client.execute('DROP TYPE IF EXISTS address', [], { prepare: false });
      await client.execute('CREATE TYPE address (street text, number int)', [], { prepare: false });
      await freshTable(client, 'composed', 'k int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>, t tuple<int, text>, a frozen<address>, v vector<float, 3>');
      await client.execute('INSERT INTO composed (k, l, s, m, t, a, v) VALUES (?, ?, ?, ?, ?, ?, ?)',
        [1, [3, 1], ['b', 'a'], { x: 1 }, new types.Tuple(7, 'x'), { street: 'Main', number: 7 }, new types.Vector([0.5, 1, 2], 'float')]);
      const row = (await client.execute('SELECT * FROM composed WHERE k = 1')).first();
      assert.deepStrictEqual(row.l, [3, 1]);
      assert.deepStrictEqual(row.s, ['a', 'b']);
      assert.deepStrictEqual(row.m, { x: 1 });
      assert.strictEqual(row.t.get(0), 7);
      assert.strictEqual(row.a.street, 'Main');
      assert.deepStrictEqual(Array.from(row.v), [0.5, 1, 2]);
    });
  },

  async batches() {
    await withClient(4, async (client) => {
      await freshTable(client, 'batched', 'p int, c int, PRIMARY KEY (p, c)');
      for (const logged of [true, false]) {
        const queries = [];
        for (let i = 0; i < 20; i++) queries.push({ query: 'INSERT INTO batched (p, c) VALUES (?, ?)', params: [i % 4, i] });
        await client.batch(queries, { prepare: true, logged });
        assert.strictEqual((await client.execute('SELECT * FROM batched')).rowLength, 20);
      }
    });
  },

  async paging() {
    await withClient(4, async (client) => {
      await freshTable(client, 'paged', 'p int, c int, PRIMARY KEY (p, c)');
      const args = [];
      for (let i = 0; i < 10000; i++) args.push([i % 10, i]);
      await cassandra.concurrent.executeConcurrent(client, 'INSERT INTO paged (p, c) VALUES (?, ?)', args, { concurrencyLevel: 100 });
      let seen = 0;
      for await (const row of await client.execute('SELECT p, c FROM paged', [], { fetchSize: 333 })) seen += row.p >= 0 ? 1 : 0;
      assert.strictEqual(seen, 10000);
    });
  },

  async a_thousand_in_flight() {
    await withClient(4, async (client) => {
      await freshTable(client, 'flight', 'k int PRIMARY KEY, v text');
      const args = [];
      for (let i = 0; i < 10000; i++) args.push([i, String(i)]);
      const result = await cassandra.concurrent.executeConcurrent(client, 'INSERT INTO flight (k, v) VALUES (?, ?)', args, { concurrencyLevel: 1000 });
      assert.strictEqual(result.errors.length, 0);
      await Promise.all(args.slice(0, 1000).map(async ([k, v]) => {
        assert.strictEqual((await client.execute('SELECT v FROM flight WHERE k = ?', [k])).first().v, v);
      }));
    });
  },

  async re_prepared_after_a_schema_change() {
    await withClient(4, (client) => withClient(4, async (other) => {
      await freshTable(client, 'grown', 'k int PRIMARY KEY, v int');
      await client.execute('INSERT INTO grown (k, v) VALUES (1, 2)');
      for (let i = 0; i < 6; i++) assert.strictEqual((await client.execute('SELECT * FROM grown WHERE k = ?', [1])).first().v, 2);
      await other.execute('ALTER TABLE grown ADD added text', [], { prepare: false });
      await other.execute("UPDATE grown SET added = 'new' WHERE k = 1", [], { prepare: false });
      for (let i = 0; i < 6; i++) assert.strictEqual((await client.execute('SELECT * FROM grown WHERE k = ?', [1])).first().added, 'new');
    }));
  },

  async errors() {
    await withClient(4, async (client) => {
      const codes = types.responseErrorCodes;
      for (const [query, code] of [['SELEKT 1', codes.syntaxError], ['SELECT nope FROM system.local', codes.invalid],
        [`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`, codes.alreadyExists]]) {
        await assert.rejects(client.execute(query, [], { prepare: false }), (error) => error.code === code, query);
      }
    });
  },
};

(async () => {
  let failed = 0;
  const wanted = process.argv.slice(2);
  for (const [name, run] of Object.entries(scenarios)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const started = Date.now();
    try {
      await run();
      console.log(`ok ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed++;
      console.log(`not ok ${name}: ${String(error.message || error).split('\n')[0]}`);
      console.error(error);
    }
  }
  process.exit(failed > 0 ? 1 : 0);
})();
