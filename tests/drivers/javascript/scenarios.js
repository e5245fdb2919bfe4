// The common scenarios through the JavaScript driver. Arguments: names of scenarios; none: all.
// With THOLOS_CERTIFICATES: those of passwords and TLS instead. The driver has neither version 5 nor
// compression.
'use strict';
const assert = require('assert');
const fs = require('fs');
const { execFile } = require('child_process');
const { promisify } = require('util');
const cassandra = require('cassandra-driver');
const { types, policies } = cassandra;

const hosts = process.env.THOLOS_HOSTS.split(',');
const port = Number(process.env.THOLOS_PORT);
const keyspace = 'js';
const pagingRows = Number(process.env.THOLOS_PAGING_ROWS || 1000000);
const control = (...words) => promisify(execFile)(process.env.THOLOS_CLUSTER, words.map(String));
const unprepared = { prepare: false };
const versions = new Set();  // of the protocol, that the scenario spoke
const notes = [];  // what it measured

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
    versions.add(client.controlConnection.protocolVersion);
    return await body(client);
  } finally {
    await client.shutdown();
  }
}

async function freshTable(client, name, columns) {
  await client.execute(`DROP TABLE IF EXISTS ${name}`, [], unprepared);
  await client.execute(`CREATE TABLE ${name} (${columns})`, [], unprepared);
}

async function waitFor(what, condition, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited for: ${what}`);
}

// Retries on the next node, as the documents of drivers advise for what is idempotent.
class RetryIdempotent extends policies.retry.RetryPolicy {
  next(info) { return info.nbRetry < 5 ? this.retryResult(undefined, false) : this.rethrowResult(); }
  onReadTimeout(info) { return this.next(info); }
  onWriteTimeout(info) { return this.next(info); }
  onUnavailable(info) { return this.next(info); }
  onRequestError(info) { return this.next(info); }
}

// Idempotent writes and reads at QUORUM while `body` disturbs the nodes: none may fail. `body` is
// given a function that waits for an event about a node.
async function underLoad(body) {
  await withClient(4, async (client) => {
    const heard = { hostUp: new Set(), hostDown: new Set() };
    // The newest of each node.
    for (const [kind, other] of [['hostUp', 'hostDown'], ['hostDown', 'hostUp']]) {
      client.on(kind, (host) => {
        heard[kind].add(host.address.split(':')[0]);
        heard[other].delete(host.address.split(':')[0]);
      });
    }
    const event = async (kind, host) => {
      await waitFor(`${kind} ${host}`, () => heard[kind].delete(host));
    };
    await client.execute('DROP KEYSPACE IF EXISTS jsload', [], unprepared);
    await client.execute("CREATE KEYSPACE jsload WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}", [], unprepared);
    await client.execute('CREATE TABLE jsload.t (k int PRIMARY KEY, v int)', [], unprepared);
    const idempotent = { prepare: true, isIdempotent: true };
    let done = 0;
    let stop = false;
    const worker = async (n) => {
      for (let i = 1; !stop; i++) {
        const key = n * 1000 + (i % 50);
        await client.execute('INSERT INTO jsload.t (k, v) VALUES (?, ?)', [key, i], idempotent);
        assert.strictEqual((await client.execute('SELECT v FROM jsload.t WHERE k = ?', [key], idempotent)).first().v, i);
        done++;
      }
    };
    const workers = Promise.all([0, 1, 2, 3].map(worker));
    workers.catch(() => {});  // awaited below
    try {
      await body(event);
    } finally {
      stop = true;
    }
    await workers;
    assert.ok(done >= 50, `only ${done} operations`);
  }, { client: { policies: {
    retry: new RetryIdempotent(), reconnection: new policies.reconnection.ConstantReconnectionPolicy(500),
    loadBalancing: new policies.loadBalancing.TokenAwarePolicy(new policies.loadBalancing.DCAwareRoundRobinPolicy('dc1')) } } });
}

function noteRate(what, rows, started) {
  notes.push(`${rows} rows ${what}, ${Math.round(rows * 1000 / (Date.now() - started))}/s`);
}

async function secured(password, sslOptions) {
  for (const version of [3, 4]) {
    await withClient(version, async (client) => {
      assert.strictEqual((await client.execute('SELECT cluster_name FROM system.local')).first().cluster_name, 'tholos');
    }, { noKeyspace: true, client: { sslOptions, authProvider: new cassandra.auth.PlainTextAuthProvider('tholos', password) } });
  }
}

const scenarios = {
  async discovery() {
    await withClient(4, async (client) => {
      await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`, [], unprepared);
      await client.execute(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}`, [], unprepared);
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
      await client.execute('DROP TABLE IF EXISTS composed', [], unprepared);
      await client.execute('DROP TYPE IF EXISTS address', [], unprepared);
      await client.execute('CREATE TYPE address (street text, number int)', [], unprepared);
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

  async create_read_update_delete() {
    await withClient(4, async (client) => {
      await freshTable(client, 'crud', 'p int, c text, s text STATIC, v bigint, PRIMARY KEY (p, c)');
      await client.execute('INSERT INTO crud (p, c, v) VALUES (?, ?, ?)', [1, 'a', 1]);
      await client.execute('INSERT INTO crud (p, c, v) VALUES (:part, :clust, :val)', { part: 1, clust: 'b', val: 2 });
      await client.execute("UPDATE crud SET s = 'static' WHERE p = 1");
      await client.execute("UPDATE crud SET v = 20 WHERE p = 1 AND c = 'b'", [], unprepared);
      await client.execute("DELETE FROM crud WHERE p = 1 AND c = 'a'");
      await client.execute('INSERT INTO crud (p, c, v) VALUES (?, ?, ?)', [1, 'b', types.unset]);
      const rows = (await client.execute('SELECT c, s, v FROM crud WHERE p = ?', [1])).rows;
      assert.deepStrictEqual(rows.map((r) => [r.c, r.s, String(r.v)]), [['b', 'static', '20']]);
      const none = await client.execute('SELECT * FROM crud WHERE p = 99');
      assert.deepStrictEqual(none.columns.map((c) => c.name), ['p', 'c', 's', 'v']);
    });
  },

  async paging() {
    const partitions = 100;
    const each = Math.floor(pagingRows / partitions);
    await withClient(4, async (client) => {
      await freshTable(client, 'paged', 'p int, c int, PRIMARY KEY (p, c)');
      let next = 0;
      const fill = async () => {
        while (next < partitions) {
          const p = next++;
          for (let start = 0; start < each; start += 100) {
            const queries = [];
            for (let c = start; c < Math.min(start + 100, each); c++) queries.push({ query: 'INSERT INTO paged (p, c) VALUES (?, ?)', params: [p, c] });
            await client.batch(queries, { prepare: true, logged: false });
          }
        }
      };
      let started = Date.now();
      await Promise.all(Array.from({ length: 20 }, fill));
      noteRate('written', each * partitions, started);
      for (const fetchSize of [5000, 777]) {
        started = Date.now();
        let seen = 0;
        for await (const row of await client.execute('SELECT p, c FROM paged', [], { prepare: true, fetchSize })) seen += row.p >= 0 ? 1 : 0;
        assert.strictEqual(seen, each * partitions);
        noteRate(`in pages of ${fetchSize}`, seen, started);
      }
      // A page's state leads on from another client.
      const first = await client.execute('SELECT c FROM paged WHERE p = 5', [], { prepare: true, fetchSize: 33 });
      await withClient(4, async (other) => {
        const second = await other.execute('SELECT c FROM paged WHERE p = 5', [], { prepare: true, fetchSize: 33, pageState: first.pageState });
        assert.strictEqual(second.first().c, 33);
      });
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
      await other.execute('ALTER TABLE grown ADD added text', [], unprepared);
      await other.execute("UPDATE grown SET added = 'new' WHERE k = 1", [], unprepared);
      for (let i = 0; i < 6; i++) assert.strictEqual((await client.execute('SELECT * FROM grown WHERE k = ?', [1])).first().added, 'new');
    }));
  },

  async errors() {
    await withClient(4, async (client) => {
      const codes = types.responseErrorCodes;
      for (const [query, code] of [['SELEKT 1', codes.syntaxError], ['SELECT nope FROM system.local', codes.invalid],
        [`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`, codes.alreadyExists]]) {
        await assert.rejects(client.execute(query, [], unprepared), (error) => error.code === code, query);
      }
    });
  },

  async node_killed_and_restarted_under_load() {
    await underLoad(async (event) => {
      await control('kill', 2);
      await event('hostDown', hosts[1]);
      await control('start', 2);
      await event('hostUp', hosts[1]);
    });
  },

  async rolling_restart() {
    await underLoad(async (event) => {
      for (const [n, host] of hosts.entries()) {
        await control('stop', n + 1);
        await event('hostDown', host);
        await control('start', n + 1);
        await event('hostUp', host);
      }
    });
  },

  // Prepared on a node that has then forgotten it.
  async re_prepared_after_a_restart() {
    const only = new policies.loadBalancing.AllowListPolicy(new policies.loadBalancing.DCAwareRoundRobinPolicy('dc1'), [`${hosts[2]}:${port}`]);
    await withClient(4, async (client) => {
      await freshTable(client, 'again', 'k int PRIMARY KEY, v int');
      const insert = (k) => client.execute('INSERT INTO again (k, v) VALUES (?, ?)', [k, k]);
      await insert(1);
      await control('stop', 3);
      await control('start', 3);
      await waitFor('the node is back', () => client.execute('SELECT key FROM system.local', [], unprepared).then(() => true, () => false));
      await insert(2);
      assert.strictEqual((await client.execute('SELECT * FROM again')).rowLength, 2);
    }, { client: { contactPoints: [hosts[2]], rePrepareOnUp: false,
      policies: { loadBalancing: only, reconnection: new policies.reconnection.ConstantReconnectionPolicy(500) } } });
  },
};

const securedScenarios = {
  async wrong_password() {
    await secured('secret');
    await assert.rejects(secured('wrong'), (error) => Object.values(error.innerErrors || {}).some((e) => e.name === 'AuthenticationError' || /incorrect/.test(e.message)));
  },

  async tls() {
    await secured('secret', { ca: [fs.readFileSync(`${process.env.THOLOS_CERTIFICATES}/ca.pem`)], host: 'localhost', servername: 'localhost', rejectUnauthorized: true });
  },
};

(async () => {
  let failed = 0;
  if (!process.env.THOLOS_CERTIFICATES && process.argv.length === 2) {
    console.log('skip compression: the driver has none');
    console.log('skip protocol_version_5: the driver has versions up to 4');
  }
  const wanted = process.argv.slice(2);
  for (const [name, run] of Object.entries(process.env.THOLOS_CERTIFICATES ? securedScenarios : scenarios)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    versions.clear();
    notes.length = 0;
    const started = Date.now();
    try {
      await run();
      const spoken = [...versions].sort().map((v) => `v${v}`).join(' ');
      console.log(`ok ${name} [${spoken}] (${((Date.now() - started) / 1000).toFixed(1)} s) ${notes.join('; ')}`.trimEnd());
    } catch (error) {
      failed++;
      console.log(`not ok ${name}: ${String(error.message || error).split('\n')[0]}`);
      console.error(error);
    }
  }
  process.exit(failed > 0 ? 1 : 0);
})();
