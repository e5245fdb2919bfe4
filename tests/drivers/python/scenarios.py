"""The common scenarios through the Python driver. Arguments: names of scenarios; none: all."""
import datetime
import decimal
import ipaddress
import logging
import os
import subprocess
import sys
import threading
import time
import traceback
import uuid

from cassandra import AlreadyExists, ConsistencyLevel, InvalidRequest, Unavailable
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import (DCAwareRoundRobinPolicy, FallthroughRetryPolicy, RetryPolicy,
                                TokenAwarePolicy, WhiteListRoundRobinPolicy)
from cassandra.protocol import SyntaxException
from cassandra.query import BatchStatement, BatchType, SimpleStatement
from cassandra.util import Date, Duration, Time

try:
    from cassandra.io.libevreactor import LibevConnection as Connection
except Exception:  # neither asyncore (gone in Python 3.12) nor libev: asyncio is always there
    from cassandra.io.asyncioreactor import AsyncioConnection as Connection

HOSTS = os.environ["THOLOS_HOSTS"].split(",")
PORT = int(os.environ["THOLOS_PORT"])
CONTROL = os.environ["THOLOS_CLUSTER"]
ROWS = int(os.environ.get("THOLOS_PAGING_ROWS", "1000000"))
KEYSPACE = "py"
SCENARIOS = []
VERSIONS = set()  # of the protocol, that the scenario spoke
NOTES = []  # what it measured
logging.getLogger("cassandra").setLevel(logging.CRITICAL)


def scenario(function):
    SCENARIOS.append(function)
    return function


def control(*words):
    subprocess.run([CONTROL, *map(str, words)], check=True, timeout=120)


class RetryIdempotent(RetryPolicy):
    """Retries what is safe on the next host: what applications are advised to use."""

    def on_read_timeout(self, query, *args, retry_num, **kw):
        return (self.RETRY_NEXT_HOST, None) if retry_num < 5 else (self.RETHROW, None)

    def on_write_timeout(self, query, *args, retry_num, **kw):
        return (self.RETRY_NEXT_HOST, None) if query.is_idempotent and retry_num < 5 else (self.RETHROW, None)

    def on_unavailable(self, query, *args, retry_num, **kw):
        return (self.RETRY_NEXT_HOST, None) if retry_num < 5 else (self.RETHROW, None)

    def on_request_error(self, query, consistency, error, retry_num):
        return (self.RETRY_NEXT_HOST, None) if retry_num < 5 else (self.RETHROW, None)


def connect(version=5, keyspace=KEYSPACE, retry=None, **options):
    profile = ExecutionProfile(load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy("dc1")),
                               retry_policy=retry or FallthroughRetryPolicy(),
                               consistency_level=ConsistencyLevel.QUORUM, request_timeout=20)
    if version is not None:
        options["protocol_version"] = version
    cluster = Cluster(HOSTS, port=PORT, connection_class=Connection,
                      execution_profiles={EXEC_PROFILE_DEFAULT: profile}, **options)
    session = cluster.connect(keyspace)
    VERSIONS.add(cluster.protocol_version)
    return cluster, session


class connected:
    def __init__(self, *args, **kw):
        self.args, self.kw = args, kw

    def __enter__(self):
        self.cluster, session = connect(*self.args, **self.kw)
        return session

    def __exit__(self, *_):
        self.cluster.shutdown()


def fresh_table(session, name, columns):
    session.execute(f"DROP TABLE IF EXISTS {name}")
    session.execute(f"CREATE TABLE {name} ({columns})")


def expect(condition, what="condition"):
    if not condition:
        raise AssertionError(what)


def expect_equal(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what} got {got!r}, want {want!r}")


def note_rate(what, rows, started):
    NOTES.append(f"{rows} rows {what}, {rows / (time.time() - started):.0f}/s")


@scenario
def discovery():
    with connected(keyspace=None) as session:
        session.execute(f"DROP KEYSPACE IF EXISTS {KEYSPACE}")
        session.execute(f"CREATE KEYSPACE {KEYSPACE} WITH replication = "
                        "{'class': 'SimpleStrategy', 'replication_factor': 2}")
        hosts = session.cluster.metadata.all_hosts()
        expect_equal(sorted(h.address for h in hosts), sorted(HOSTS), "hosts")
        expect(all(h.is_up for h in hosts), "all are up")
        expect_equal({h.release_version for h in hosts}, {"5.0.0"})
        expect_equal(session.cluster.metadata.partitioner, "org.apache.cassandra.dht.Murmur3Partitioner")
        expect_equal(len(session.cluster.metadata.token_map.ring), 48, "tokens")
        expect(KEYSPACE in session.cluster.metadata.keyspaces, "keyspace in the metadata")


@scenario
def protocol_versions():
    for version in (3, 4, 5):
        with connected(version) as session:
            fresh_table(session, "versions", "a int PRIMARY KEY, b text")
            insert = session.prepare("INSERT INTO versions (a, b) VALUES (?, ?)")
            for i in range(50):
                session.execute(insert, (i, "x" * i * 100))
            select = session.prepare("SELECT b FROM versions WHERE a = ?")
            for i in range(50):
                expect_equal(session.execute(select, (i,)).one().b, "x" * i * 100)
            session.execute("DROP TABLE versions")


@scenario
def version_is_negotiated():
    # From above what is spoken here, down to it.
    with connected(None) as session:
        expect_equal(session.cluster.protocol_version, 5)


@scenario
def compression():
    for version in (3, 4, 5):
        for name in ("lz4", "snappy"):
            if name == "snappy":
                if version == 5:
                    continue
                try:
                    import snappy  # noqa: F401
                except ImportError:
                    continue
            with connected(version, compression=name) as session:
                fresh_table(session, "squeezed", "a int PRIMARY KEY, b text")
                insert = session.prepare("INSERT INTO squeezed (a, b) VALUES (?, ?)")
                for size in (0, 1, 100, 10_000, 300_000):
                    text = "ab" * (size // 2) + os.urandom(size // 4).hex()
                    session.execute(insert, (size, text))
                    expect_equal(session.execute("SELECT b FROM squeezed WHERE a = %s", (size,)).one().b, text)
                session.execute("DROP TABLE squeezed")


@scenario
def token_aware():
    with connected() as session:
        fresh_table(session, "aware", "a int PRIMARY KEY, b int")
        insert = session.prepare("INSERT INTO aware (a, b) VALUES (?, ?)")
        select = session.prepare("SELECT b FROM aware WHERE a = ?")
        seen = set()
        for i in range(200):
            for statement in (insert.bind((i, i)), select.bind((i,))):
                future = session.execute_async(statement)
                future.result()
                replicas = session.cluster.metadata.get_replicas(KEYSPACE, statement.routing_key)
                expect_equal(len(replicas), 2, "replicas")
                expect(future.coordinator_host in replicas, "the coordinator is a replica")
                seen.add(future.coordinator_host.address)
        expect_equal(seen, set(HOSTS), "coordinators")


SIMPLE = {
    "ascii": "ascii", "bigint": -2**63, "blob": b"\x00\xff", "boolean": True,
    "decimal": decimal.Decimal("-123.4500"), "double": 1.5e300, "float": 0.25, "int": -2**31,
    "timestamp": datetime.datetime(2026, 1, 31, 10, 0, 0, 123000), "uuid": uuid.UUID(int=2**100 + 7),
    "text": "žluťoučký", "varint": 10**40, "timeuuid": uuid.UUID("8ac6d1dc-dbeb-11f0-8de9-0242ac120002"),
    "inet": "2001:db8::1", "date": Date("2026-01-31"), "time": Time(86399999999999), "smallint": -2**15,
    "tinyint": -2**7, "duration": Duration(1, -0, 3)}


@scenario
def every_simple_type():
    for version in (3, 4, 5):
        with connected(version) as session:
            for name, value in SIMPLE.items():
                fresh_table(session, "simple", f"k int PRIMARY KEY, v {name}")
                insert = session.prepare("INSERT INTO simple (k, v) VALUES (?, ?)")
                session.execute(insert, (1, value))
                session.execute(insert, (2, None))
                rows = {r.k: r.v for r in session.execute("SELECT * FROM simple")}
                expect_equal(rows, {1: value, 2: None}, f"v{version} {name}")
            session.execute("DROP TABLE simple")


@scenario
def every_type_as_a_key():
    with connected() as session:
        for name, value in SIMPLE.items():
            if name == "duration":
                continue
            fresh_table(session, "keyed", f"p {name}, c {name}, v int, PRIMARY KEY (p, c)")
            session.execute(session.prepare("INSERT INTO keyed (p, c, v) VALUES (?, ?, 1)"), (value, value))
            row = session.execute(session.prepare("SELECT * FROM keyed WHERE p = ? AND c = ?"), (value, value)).one()
            expect_equal((row.p, row.c), (value, value), name)
        session.execute("DROP TABLE keyed")


@scenario
def collections():
    with connected() as session:
        fresh_table(session, "coll", "k int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>, "
                    "fl frozen<list<frozen<set<int>>>>")
        insert = session.prepare("INSERT INTO coll (k, l, s, m, fl) VALUES (?, ?, ?, ?, ?)")
        session.execute(insert, (1, [3, 1, 2], {"b", "a"}, {"x": 1, "y": 2}, [{1, 2}, {3}]))
        row = session.execute("SELECT * FROM coll WHERE k = 1").one()
        expect_equal((list(row.l), set(row.s), dict(row.m)), ([3, 1, 2], {"a", "b"}, {"x": 1, "y": 2}))
        expect_equal([set(e) for e in row.fl], [{1, 2}, {3}])
        session.execute("UPDATE coll SET l = l + [4], s = s - {'a'}, m['z'] = 3 WHERE k = 1")
        session.execute("UPDATE coll SET l[0] = 30 WHERE k = 1")
        session.execute("DELETE m['x'] FROM coll WHERE k = 1")
        row = session.execute("SELECT * FROM coll WHERE k = 1").one()
        expect_equal((list(row.l), set(row.s), dict(row.m)), ([30, 1, 2, 4], {"b"}, {"y": 2, "z": 3}))
        session.execute(insert, (2, [], set(), {}, []))
        row = session.execute("SELECT l, s, m FROM coll WHERE k = 2").one()
        expect_equal((row.l, row.s, row.m), (None, None, None), "empty collections are null")


@scenario
def tuples_and_user_types():
    with connected() as session:
        session.execute("DROP TABLE IF EXISTS composed")
        session.execute("DROP TYPE IF EXISTS address")
        session.execute("CREATE TYPE address (street text, number int)")
        fresh_table(session, "composed", "k int PRIMARY KEY, t tuple<int, text, frozen<list<int>>>, a frozen<address>, "
                    "b address, m map<text, frozen<address>>")

        class Address:
            def __init__(self, street, number):
                self.street, self.number = street, number

            def __eq__(self, other):
                return (self.street, self.number) == (other.street, other.number)

        session.cluster.register_user_type(KEYSPACE, "address", Address)
        home = Address("Main", 7)
        insert = session.prepare("INSERT INTO composed (k, t, a, b, m) VALUES (?, ?, ?, ?, ?)")
        session.execute(insert, (1, (1, "x", [5]), home, home, {"home": home}))
        row = session.execute("SELECT * FROM composed WHERE k = 1").one()
        expect_equal((row.t[0], row.t[1], list(row.t[2])), (1, "x", [5]))
        expect(row.a == home and row.b == home and row.m["home"] == home, "user types")
        session.execute("UPDATE composed SET b.number = 8 WHERE k = 1")
        expect_equal(session.execute("SELECT b.number AS n FROM composed WHERE k = 1").one().n, 8)
        session.execute("ALTER TYPE address ADD zip text")


@scenario
def vectors():
    with connected() as session:
        fresh_table(session, "vec", "k int PRIMARY KEY, v vector<float, 3>, w vector<text, 2>")
        insert = session.prepare("INSERT INTO vec (k, v, w) VALUES (?, ?, ?)")
        session.execute(insert, (1, [0.5, -1.25, 3.0], ["a", "bc"]))
        row = session.execute("SELECT * FROM vec WHERE k = 1").one()
        expect_equal((list(row.v), list(row.w)), ([0.5, -1.25, 3.0], ["a", "bc"]))


@scenario
def create_read_update_delete():
    with connected() as session:
        fresh_table(session, "crud", "p int, c text, s text STATIC, v bigint, PRIMARY KEY (p, c)")
        session.execute("INSERT INTO crud (p, c, v) VALUES (%s, %s, %s)", (1, "a", 1))
        session.execute("INSERT INTO crud (p, c, v) VALUES (%(p)s, %(c)s, %(v)s)", {"p": 1, "c": "b", "v": 2})
        session.execute("UPDATE crud SET s = 'static' WHERE p = 1")
        expect_equal([tuple(r) for r in session.execute("SELECT p, c, s, v FROM crud WHERE p = 1")],
                     [(1, "a", "static", 1), (1, "b", "static", 2)])
        session.execute("UPDATE crud SET v = 20 WHERE p = 1 AND c = 'b'")
        session.execute("DELETE FROM crud WHERE p = 1 AND c = 'a'")
        expect_equal([(r.c, r.v) for r in session.execute("SELECT * FROM crud WHERE p = 1")], [("b", 20)])
        expect_equal(session.execute("SELECT count(*) FROM crud WHERE p = 1").one()[0], 1)
        expect_equal(session.execute("SELECT * FROM crud WHERE p = 99").column_names, ["p", "c", "s", "v"],
                     "columns of an empty result")
        named = session.prepare("SELECT v FROM crud WHERE p = :part AND c = :clust")
        expect_equal(session.execute(named, {"part": 1, "clust": "b"}).one().v, 20)
        # Unset leaves a column alone.
        update = session.prepare("INSERT INTO crud (p, c, v) VALUES (?, ?, ?)")
        session.execute(update, {"p": 1, "c": "b"})
        expect_equal(session.execute("SELECT v FROM crud WHERE p = 1 AND c = 'b'").one().v, 20)


@scenario
def default_timestamps():
    with connected() as session:
        fresh_table(session, "stamped", "k int PRIMARY KEY, v int")
        session.execute("INSERT INTO stamped (k, v) VALUES (1, 1) USING TIMESTAMP 1000")
        expect_equal(session.execute("SELECT writetime(v) FROM stamped WHERE k = 1").one()[0], 1000)
        before = int(time.time() * 1e6) - 60_000_000
        session.execute("INSERT INTO stamped (k, v) VALUES (1, 2)")
        expect(session.execute("SELECT writetime(v) FROM stamped WHERE k = 1").one()[0] > before)


@scenario
def batches():
    with connected() as session:
        fresh_table(session, "batched", "p int, c int, v text, PRIMARY KEY (p, c)")
        insert = session.prepare("INSERT INTO batched (p, c, v) VALUES (?, ?, ?)")
        for kind in (BatchType.LOGGED, BatchType.UNLOGGED):
            batch = BatchStatement(kind)
            for i in range(20):
                batch.add(insert, (i % 4, i, "prepared"))
            batch.add(SimpleStatement("INSERT INTO batched (p, c, v) VALUES (%s, %s, %s)"), (9, 9, "simple"))
            session.execute(batch)
            expect_equal(len(list(session.execute("SELECT * FROM batched"))), 21)
            session.execute("BEGIN BATCH DELETE FROM batched WHERE p = 0; DELETE FROM batched WHERE p = 9; APPLY BATCH")
            expect_equal(len(list(session.execute("SELECT * FROM batched"))), 15)


@scenario
def what_is_to_come_is_named():
    with connected() as session:
        fresh_table(session, "later", "k int PRIMARY KEY, v int")
        for statement in (
            "INSERT INTO later (k, v) VALUES (1, 1) IF NOT EXISTS",
            "CREATE TABLE counted (k int PRIMARY KEY, n counter)",
            "CREATE INDEX ON later (v)",
        ):
            try:
                session.execute(statement)
            except InvalidRequest as e:
                expect("not supported yet" in str(e), str(e))
            else:
                raise AssertionError(f"{statement} was answered")


@scenario
def re_prepared_after_a_schema_change():
    for version in (4, 5):
        with connected(version) as session, connected(version) as other:
            fresh_table(session, "grown", "k int PRIMARY KEY, v int")
            session.execute("INSERT INTO grown (k, v) VALUES (1, 2)")
            select = session.prepare("SELECT * FROM grown WHERE k = ?")
            for _ in range(6):
                expect_equal(tuple(session.execute(select, (1,)).one()), (1, 2))
            other.execute("ALTER TABLE grown ADD added text")
            other.execute("UPDATE grown SET added = 'new' WHERE k = 1")
            for _ in range(6):
                row = session.execute(select, (1,)).one()
                expect_equal((row.k, row.v, row.added), (1, 2, "new"), f"v{version}")


@scenario
def paging():
    count = ROWS
    with connected() as session:
        fresh_table(session, "paged", "p int, c int, v int, PRIMARY KEY (p, c)")
        insert = session.prepare("INSERT INTO paged (p, c) VALUES (?, ?)")
        insert.consistency_level = ConsistencyLevel.ONE
        partitions = 100
        per_batch = 100

        def batches():
            for start in range(0, count // partitions, per_batch):
                for p in range(partitions):
                    batch = BatchStatement(BatchType.UNLOGGED, consistency_level=ConsistencyLevel.QUORUM)
                    for c in range(start, min(start + per_batch, count // partitions)):
                        batch.add(insert, (p, c))
                    yield batch, None

        from cassandra.concurrent import execute_concurrent
        started = time.time()
        execute_concurrent(session, batches(), concurrency=50, results_generator=False)
        note_rate("written", count, started)
        for fetch_size in (5000, 777):
            statement = SimpleStatement("SELECT p, c FROM paged", fetch_size=fetch_size)
            seen, started = 0, time.time()
            for _ in session.execute(statement):
                seen += 1
            expect_equal(seen, count // partitions * partitions, f"rows in pages of {fetch_size}")
            note_rate(f"in pages of {fetch_size}", seen, started)
        one = SimpleStatement("SELECT c FROM paged WHERE p = 5", fetch_size=33)
        expect_equal([r.c for r in session.execute(one)], list(range(count // partitions)))
        # Pages end after 100,000 rows that a filter drops: without a row, with more behind them.
        none = session.execute(SimpleStatement("SELECT c FROM paged WHERE v = 1 ALLOW FILTERING"))
        expect_equal((len(none.current_rows), none.has_more_pages), (0, count > 100_000), "the first page")
        session.execute(f"INSERT INTO paged (p, c, v) VALUES (99, {count // partitions - 1}, 1)")
        found = session.execute(SimpleStatement("SELECT p, c FROM paged WHERE v = 1 ALLOW FILTERING"))
        expect_equal([tuple(r) for r in found], [(99, count // partitions - 1)], "the row behind empty pages")
        # A page's state leads on from another session.
        result = session.execute(one)
        state = result.paging_state
        with connected() as other:
            rest = [r.c for r in other.execute(one, paging_state=state)]
            expect_equal(rest, list(range(33, count // partitions)))


@scenario
def a_thousand_in_flight():
    with connected() as session:
        fresh_table(session, "flight", "k int PRIMARY KEY, v text")
        insert = session.prepare("INSERT INTO flight (k, v) VALUES (?, ?)")
        results = execute_concurrent_with_args(session, insert, [(i, str(i)) for i in range(20_000)], concurrency=1000)
        expect(all(r.success for r in results))
        select = session.prepare("SELECT k, v FROM flight WHERE k = ?")
        results = execute_concurrent_with_args(session, select, [(i,) for i in range(20_000)], concurrency=1000)
        for i, result in enumerate(results):
            expect(result.success, result.result_or_exc)
            expect_equal(tuple(result.result_or_exc.one()), (i, str(i)))


@scenario
def errors():
    with connected() as session:
        fresh_table(session, "wrong", "k int PRIMARY KEY, v int")
        for statement, error in (("SELEKT 1", SyntaxException), ("SELECT nope FROM wrong", InvalidRequest),
                                 ("SELECT * FROM nowhere", InvalidRequest),
                                 ("CREATE TABLE wrong (k int PRIMARY KEY)", AlreadyExists),
                                 (f"CREATE KEYSPACE {KEYSPACE} WITH replication = "
                                  "{'class': 'SimpleStrategy', 'replication_factor': 1}", AlreadyExists)):
            try:
                session.execute(statement)
                raise AssertionError(f"no error: {statement}")
            except error as raised:
                if error is AlreadyExists:
                    expect_equal(raised.keyspace, KEYSPACE)
        try:
            session.execute(SimpleStatement("SELECT * FROM wrong WHERE k = 1", consistency_level=ConsistencyLevel.THREE))
            raise AssertionError("THREE of two replicas")
        except (Unavailable, NoHostAvailable):
            pass


@scenario
def schema_events():
    with connected() as listener, connected() as actor:
        fresh_table(actor, "heard", "k int PRIMARY KEY")
        wait_for(lambda: "heard" in listener.cluster.metadata.keyspaces[KEYSPACE].tables, "CREATED was heard")
        actor.execute("ALTER TABLE heard ADD v int")
        wait_for(lambda: "v" in listener.cluster.metadata.keyspaces[KEYSPACE].tables["heard"].columns, "UPDATED")
        actor.execute("DROP TABLE heard")
        wait_for(lambda: "heard" not in listener.cluster.metadata.keyspaces[KEYSPACE].tables, "DROPPED")


def wait_for(condition, what, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        try:
            if condition():
                return
        except (KeyError, NoHostAvailable):
            pass
        time.sleep(0.05)
    raise AssertionError(f"waited for: {what}")


class Load:
    """Idempotent reads and writes at QUORUM until stopped; remembers errors."""

    def __init__(self, session):
        session.execute("DROP KEYSPACE IF EXISTS pyload")
        session.execute("CREATE KEYSPACE pyload WITH replication = "
                        "{'class': 'SimpleStrategy', 'replication_factor': 3}")
        session.execute("CREATE TABLE pyload.t (k int PRIMARY KEY, v int)")
        self.session, self.stop, self.errors, self.done = session, False, [], 0
        self.insert = session.prepare("INSERT INTO pyload.t (k, v) VALUES (?, ?)")
        self.select = session.prepare("SELECT v FROM pyload.t WHERE k = ?")
        self.insert.is_idempotent = self.select.is_idempotent = True
        self.written = {}
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(4)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def run(self, n):
        i = 0
        while not self.stop:
            key = n * 1000 + i % 50
            i += 1
            try:
                self.session.execute(self.insert, (key, i))
                self.written[key] = i
                expect_equal(self.session.execute(self.select, (key,)).one().v, i)
                self.done += 1
            except Exception as error:
                self.errors.append(repr(error))

    def __exit__(self, *_):
        self.stop = True
        for thread in self.threads:
            thread.join()

    def check(self, at_least=50):
        expect_equal(self.errors[:3], [], "application errors")
        expect(self.done >= at_least, f"only {self.done} operations")
        for key, value in self.written.items():
            expect_equal(self.session.execute(self.select, (key,)).one().v, value)


def host_is(session, address, up):
    return lambda: session.cluster.metadata.get_host(address, PORT).is_up == up


@scenario
def node_killed_and_restarted_under_load():
    with connected(retry=RetryIdempotent()) as session:
        with Load(session) as load:
            time.sleep(1)
            control("kill", 2)
            wait_for(host_is(session, HOSTS[1], False), "DOWN")
            time.sleep(2)
            control("start", 2)
            wait_for(host_is(session, HOSTS[1], True), "UP", 60)
            time.sleep(2)
        load.check()


@scenario
def rolling_restart():
    with connected(retry=RetryIdempotent()) as session:
        with Load(session) as load:
            for n in (1, 2, 3):
                control("stop", n)
                wait_for(host_is(session, HOSTS[n - 1], False), f"DOWN {n}")
                control("start", n)
                wait_for(host_is(session, HOSTS[n - 1], True), f"UP {n}", 60)
        load.check()


@scenario
def re_prepared_after_a_restart():
    # Prepared on a node that has then forgotten it: UNPREPARED, and the driver prepares again.
    only = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy([HOSTS[2]]), request_timeout=20)
    cluster = Cluster([HOSTS[2]], port=PORT, protocol_version=5, connection_class=Connection,
                      execution_profiles={EXEC_PROFILE_DEFAULT: only}, reprepare_on_up=False)
    try:
        session = cluster.connect(KEYSPACE)
        VERSIONS.add(cluster.protocol_version)
        fresh_table(session, "again", "k int PRIMARY KEY, v int")
        insert = session.prepare("INSERT INTO again (k, v) VALUES (?, ?)")
        session.execute(insert, (1, 1))
        control("stop", 3)
        control("start", 3)
        wait_for(lambda: session.execute("SELECT key FROM system.local").one() is not None, "the node is back", 60)
        session.execute(insert, (2, 2))
        expect_equal(len(list(session.execute("SELECT * FROM again"))), 2)
    finally:
        cluster.shutdown()


def main():
    wanted = sys.argv[1:]
    failed = 0
    for function in SCENARIOS:
        if wanted and function.__name__ not in wanted:
            continue
        VERSIONS.clear()
        NOTES.clear()
        started = time.time()
        try:
            function()
            versions = " ".join(f"v{v}" for v in sorted(VERSIONS))
            print(f"ok {function.__name__} [{versions}] ({time.time() - started:.1f} s) {'; '.join(NOTES)}".rstrip(), flush=True)
        except Exception as error:
            failed += 1
            print(f"not ok {function.__name__}: {type(error).__name__} {str(error)[:300]}", flush=True)
            traceback.print_exc(file=sys.stderr)
    # Threads of the driver may linger.
    sys.stdout.flush()
    os._exit(1 if failed else 0)


main()
