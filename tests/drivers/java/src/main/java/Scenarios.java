// The common scenarios through the Apache Java driver 4. Arguments: names of scenarios; none: all.
// With THOLOS_CERTIFICATES: those of passwords and TLS instead.
import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.config.ProgrammaticDriverConfigLoaderBuilder;
import com.datastax.oss.driver.api.core.cql.*;
import com.datastax.oss.driver.api.core.data.CqlDuration;
import com.datastax.oss.driver.api.core.data.CqlVector;
import com.datastax.oss.driver.api.core.data.TupleValue;
import com.datastax.oss.driver.api.core.data.UdtValue;
import com.datastax.oss.driver.api.core.auth.AuthenticationException;
import com.datastax.oss.driver.api.core.metadata.Node;
import com.datastax.oss.driver.api.core.metadata.NodeStateListenerBase;
import com.datastax.oss.driver.api.core.servererrors.*;
import com.datastax.oss.driver.api.core.type.DataTypes;
import com.datastax.oss.driver.api.core.type.UserDefinedType;
import java.io.ByteArrayInputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.*;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Scenarios {
  static final String KEYSPACE = "java";
  static final String[] HOSTS = System.getenv("THOLOS_HOSTS").split(",");
  static final int PORT = Integer.parseInt(System.getenv("THOLOS_PORT"));

  /** Of the protocol, that the scenario spoke, and what it measured. */
  static final Set<String> VERSIONS = new TreeSet<>();
  static final List<String> NOTES = new ArrayList<>();

  static CqlSession build(CqlSessionBuilder builder) {
    CqlSession session = builder.build();
    VERSIONS.add(session.getContext().getProtocolVersion().toString().toLowerCase());
    return session;
  }

  static void noteRate(String what, int rows, long started) {
    NOTES.add(String.format("%d rows %s, %.0f/s", rows, what, rows / ((System.nanoTime() - started) / 1e9)));
  }

  interface Body { void run(CqlSession session) throws Exception; }
  interface Scenario { void run() throws Exception; }

  static CqlSession connect(String version, String compression, boolean keyspace) {
    return build(builder(config(version, compression), keyspace));
  }

  static ProgrammaticDriverConfigLoaderBuilder config(String version, String compression) {
    ProgrammaticDriverConfigLoaderBuilder config = DriverConfigLoader.programmaticBuilder()
        .withString(DefaultDriverOption.REQUEST_CONSISTENCY, "QUORUM")
        .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(20))
        .withDuration(DefaultDriverOption.RECONNECTION_BASE_DELAY, Duration.ofMillis(200))
        .withDuration(DefaultDriverOption.RECONNECTION_MAX_DELAY, Duration.ofSeconds(1))
        .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, Duration.ofSeconds(20))
        .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, Duration.ofSeconds(20));
    if (version != null) config = config.withString(DefaultDriverOption.PROTOCOL_VERSION, version);
    if (compression != null) config = config.withString(DefaultDriverOption.PROTOCOL_COMPRESSION, compression);
    return config;
  }

  static CqlSessionBuilder builder(ProgrammaticDriverConfigLoaderBuilder config, boolean keyspace) {
    CqlSessionBuilder builder = CqlSession.builder().withConfigLoader(config.build()).withLocalDatacenter("dc1");
    for (String host : HOSTS) builder.addContactPoint(new InetSocketAddress(host, PORT));
    if (keyspace) builder.withKeyspace(KEYSPACE);
    return builder;
  }

  static void with(String version, String compression, Body body) throws Exception {
    try (CqlSession session = connect(version, compression, true)) { body.run(session); }
  }

  static void freshTable(CqlSession session, String name, String columns) {
    session.execute("DROP TABLE IF EXISTS " + name);
    session.execute("CREATE TABLE " + name + " (" + columns + ")");
  }

  static void expectEqual(Object got, Object want, String what) {
    if (!Objects.equals(got, want)) throw new AssertionError(what + ": got " + got + ", want " + want);
  }

  interface Condition { boolean holds() throws Exception; }

  static void waitFor(String what, Condition condition) throws Exception {
    for (long end = System.nanoTime() + 60_000_000_000L; System.nanoTime() < end; Thread.sleep(50)) {
      if (condition.holds()) return;
    }
    throw new AssertionError("waited for: " + what);
  }

  static void control(String... words) throws Exception {
    List<String> command = new ArrayList<>(List.of(System.getenv("THOLOS_CLUSTER")));
    command.addAll(List.of(words));
    int code = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
    if (code != 0) throw new AssertionError(String.join(" ", words) + " ended with " + code);
  }

  /** What the driver heard of nodes since it was asked last: the newest of each. */
  static class Heard extends NodeStateListenerBase {
    final Set<String> up = ConcurrentHashMap.newKeySet(), down = ConcurrentHashMap.newKeySet();
    static String host(Node node) { return node.getBroadcastRpcAddress().get().getAddress().getHostAddress(); }
    @Override public void onUp(Node node) { up.add(host(node)); down.remove(host(node)); }
    @Override public void onDown(Node node) { down.add(host(node)); up.remove(host(node)); }
    void await(String what, Set<String> set, String host) throws Exception { waitFor(what + " " + host, () -> set.remove(host)); }
  }

  interface Disturbance { void run(Heard heard) throws Exception; }

  /** Idempotent writes and reads at QUORUM while the nodes are disturbed: none may fail. */
  static void underLoad(Disturbance disturbance) throws Exception {
    Heard heard = new Heard();
    ProgrammaticDriverConfigLoaderBuilder config = config(null, null).withClass(DefaultDriverOption.RETRY_POLICY_CLASS, scenarios.RetryIdempotent.class)
        .withBoolean(DefaultDriverOption.REQUEST_DEFAULT_IDEMPOTENCE, true);
    try (CqlSession session = build(builder(config, true).withNodeStateListener(heard))) {
      session.execute("DROP KEYSPACE IF EXISTS javaload");
      session.execute("CREATE KEYSPACE javaload WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}");
      session.execute("CREATE TABLE javaload.t (k int PRIMARY KEY, v int)");
      PreparedStatement insert = session.prepare("INSERT INTO javaload.t (k, v) VALUES (?, ?)");
      PreparedStatement select = session.prepare("SELECT v FROM javaload.t WHERE k = ?");
      AtomicInteger done = new AtomicInteger();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      AtomicReference<Boolean> stop = new AtomicReference<>(false);
      List<Thread> threads = new ArrayList<>();
      for (int n = 0; n < 4; n++) {
        int first = n * 1000;
        threads.add(new Thread(() -> {
          try {
            for (int i = 1; !stop.get(); i++) {
              int key = first + i % 50;
              session.execute(insert.bind(key, i));
              expectEqual(session.execute(select.bind(key)).one().getInt(0), i, "value under load");
              done.incrementAndGet();
            }
          } catch (Throwable error) {
            failure.compareAndSet(null, error);
          }
        }));
      }
      for (Thread thread : threads) thread.start();
      try {
        disturbance.run(heard);
      } finally {
        stop.set(true);
        for (Thread thread : threads) thread.join();
      }
      if (failure.get() != null) throw new AssertionError("an application error: " + failure.get(), failure.get());
      if (done.get() < 50) throw new AssertionError("only " + done + " operations");
    }
  }

  static void nodeKilledAndRestartedUnderLoad() throws Exception {
    underLoad(heard -> {
      control("kill", "2");
      heard.await("DOWN", heard.down, HOSTS[1]);
      control("start", "2");
      heard.await("UP", heard.up, HOSTS[1]);
    });
  }

  static void rollingRestart() throws Exception {
    underLoad(heard -> {
      for (int n = 0; n < 3; n++) {
        control("stop", String.valueOf(n + 1));
        heard.await("DOWN", heard.down, HOSTS[n]);
        control("start", String.valueOf(n + 1));
        heard.await("UP", heard.up, HOSTS[n]);
      }
    });
  }

  /** Prepared on a node that has then forgotten it. */
  static void rePreparedAfterARestart() throws Exception {
    ProgrammaticDriverConfigLoaderBuilder config = config(null, null).withBoolean(DefaultDriverOption.REPREPARE_ENABLED, false)
        .withBoolean(DefaultDriverOption.PREPARE_ON_ALL_NODES, false);
    try (CqlSession session = build(builder(config, true))) {
      freshTable(session, "again", "k int PRIMARY KEY, v int");
      Node node = null;
      for (Node one : session.getMetadata().getNodes().values()) if (Heard.host(one).equals(HOSTS[2])) node = one;
      Node third = node;
      PreparedStatement insert = session.prepare("INSERT INTO again (k, v) VALUES (?, ?)");
      session.execute(insert.bind(1, 1).setNode(third));
      control("stop", "3");
      control("start", "3");
      waitFor("the node is back", () -> {
        try {
          session.execute(SimpleStatement.newInstance("SELECT key FROM system.local").setNode(third));
          return true;
        } catch (RuntimeException error) {
          return false;
        }
      });
      session.execute(insert.bind(2, 2).setNode(third));
      expectEqual(session.execute("SELECT * FROM again").all().size(), 2, "rows");
    }
  }

  static void everySimpleType() throws Exception {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("ascii", "a");
    values.put("bigint", Long.MIN_VALUE);
    values.put("blob", ByteBuffer.wrap(new byte[] {0, -1}));
    values.put("boolean", true);
    values.put("decimal", new BigDecimal("-123.4500"));
    values.put("double", 1.5e300);
    values.put("float", 0.25f);
    values.put("int", Integer.MIN_VALUE);
    values.put("timestamp", Instant.ofEpochMilli(1769853600123L));
    values.put("uuid", UUID.randomUUID());
    values.put("text", "\u017elu\u0165");
    values.put("varint", BigInteger.TEN.pow(40));
    values.put("timeuuid", UUID.fromString("8ac6d1dc-dbeb-11f0-8de9-0242ac120002"));
    values.put("inet", InetAddress.getByName("2001:db8::1"));
    values.put("date", LocalDate.of(2026, 1, 31));
    values.put("time", LocalTime.ofNanoOfDay(86399999999999L));
    values.put("smallint", Short.MIN_VALUE);
    values.put("tinyint", Byte.MIN_VALUE);
    values.put("duration", CqlDuration.newInstance(1, 2, 3));
    with(null, null, session -> {
      for (Map.Entry<String, Object> one : values.entrySet()) {
        freshTable(session, "simple_" + one.getKey(), "k int PRIMARY KEY, v " + one.getKey());
        PreparedStatement insert = session.prepare("INSERT INTO simple_" + one.getKey() + " (k, v) VALUES (?, ?)");
        session.execute(insert.bind(1, one.getValue()));
        session.execute(insert.bind(2, null));
        PreparedStatement select = session.prepare("SELECT v FROM simple_" + one.getKey() + " WHERE k = ?");
        expectEqual(session.execute(select.bind(1)).one().getObject(0), one.getValue(), one.getKey());
        expectEqual(session.execute(select.bind(2)).one().isNull(0), true, one.getKey());
      }
    });
  }

  static void createReadUpdateDelete() throws Exception {
    with(null, null, session -> {
      freshTable(session, "crud", "p int, c text, s text STATIC, v bigint, PRIMARY KEY (p, c)");
      session.execute("INSERT INTO crud (p, c, v) VALUES (?, ?, ?)", 1, "a", 1L);
      session.execute("INSERT INTO crud (p, c, v) VALUES (:p, :c, :v)", Map.of("v", 2L, "p", 1, "c", "b"));
      session.execute("UPDATE crud SET s = 'static' WHERE p = 1");
      session.execute("UPDATE crud SET v = 20 WHERE p = 1 AND c = 'b'");
      session.execute("DELETE FROM crud WHERE p = 1 AND c = 'a'");
      // Not set: the column is left alone.
      session.execute(session.prepare("INSERT INTO crud (p, c, v) VALUES (?, ?, ?)").bind(1, "b"));
      List<Row> rows = session.execute("SELECT c, s, v FROM crud WHERE p = 1").all();
      expectEqual(rows.size(), 1, "rows");
      expectEqual(rows.get(0).getString("s") + rows.get(0).getString("c") + rows.get(0).getLong("v"), "staticb20", "row");
      expectEqual(session.execute("SELECT * FROM crud WHERE p = 99").getColumnDefinitions().size(), 4, "columns of an empty result");
    });
  }

  static void secured(String password, SSLContext tls) throws Exception {
    for (String version : new String[] {"V3", "V4", "V5"}) {
      CqlSessionBuilder builder = builder(config(version, null), false).withAuthCredentials("tholos", password);
      if (tls != null) builder.withSslContext(tls);
      try (CqlSession session = build(builder)) {
        expectEqual(session.execute("SELECT cluster_name FROM system.local").one().getString(0), "tholos", "cluster");
      }
    }
  }

  static void wrongPassword() throws Exception {
    secured("secret", null);
    try {
      secured("wrong", null);
      throw new AssertionError("let in");
    } catch (AllNodesFailedException error) {
      for (List<Throwable> causes : error.getAllErrors().values()) expectEqual(causes.get(0).getClass(), AuthenticationException.class, "cause");
    }
  }

  static void tls() throws Exception {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    byte[] root = Files.readAllBytes(Path.of(System.getenv("THOLOS_CERTIFICATES"), "ca.pem"));
    trusted.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(root)));
    TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, factory.getTrustManagers(), null);
    secured("secret", context);
  }

  static void discovery() throws Exception {
    try (CqlSession session = connect(null, null, false)) {
      session.execute("DROP KEYSPACE IF EXISTS " + KEYSPACE);
      session.execute("CREATE KEYSPACE " + KEYSPACE + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}");
      expectEqual(session.getMetadata().getNodes().size(), 3, "nodes");
      expectEqual(session.getContext().getProtocolVersion().toString(), "V5", "negotiated version");
      expectEqual(session.getMetadata().getTokenMap().get().getTokenRanges().size(), 48, "tokens");
      expectEqual(session.getMetadata().getKeyspace(KEYSPACE).isPresent(), true, "keyspace in the metadata");
    }
  }

  static void protocolVersions() throws Exception {
    for (String version : new String[] {"V3", "V4", "V5"}) {
      with(version, null, session -> {
        freshTable(session, "versions", "a int PRIMARY KEY, b text");
        PreparedStatement insert = session.prepare("INSERT INTO versions (a, b) VALUES (?, ?)");
        session.execute(insert.bind(1, "x"));
        expectEqual(session.execute("SELECT b FROM versions WHERE a = 1").one().getString(0), "x", version);
      });
    }
  }

  static void compression() throws Exception {
    for (String one : new String[] {"V3 lz4", "V3 snappy", "V4 lz4", "V4 snappy", "V5 lz4"}) {
      with(one.split(" ")[0], one.split(" ")[1], session -> {
        freshTable(session, "squeezed", "a int PRIMARY KEY, b text");
        PreparedStatement insert = session.prepare("INSERT INTO squeezed (a, b) VALUES (?, ?)");
        for (int size : new int[] {0, 1, 1000, 300000}) {
          String text = "ab".repeat(size);
          session.execute(insert.bind(size, text));
          expectEqual(session.execute("SELECT b FROM squeezed WHERE a = " + size).one().getString(0), text, one);
        }
      });
    }
  }

  static void tokenAware() throws Exception {
    with(null, null, session -> {
      freshTable(session, "aware", "a int PRIMARY KEY, b int");
      PreparedStatement insert = session.prepare("INSERT INTO aware (a, b) VALUES (?, ?)");
      for (int i = 0; i < 100; i++) {
        BoundStatement bound = insert.bind(i, i);
        Node coordinator = session.execute(bound).getExecutionInfo().getCoordinator();
        Set<Node> replicas = session.getMetadata().getTokenMap().get().getReplicas(KEYSPACE, bound.getRoutingKey());
        expectEqual(replicas.size(), 2, "replicas");
        expectEqual(replicas.contains(coordinator), true, "the coordinator is a replica");
      }
    });
  }

  static void collectionsTuplesUserTypesVectors() throws Exception {
    with(null, null, session -> {
      session.execute("DROP TABLE IF EXISTS composed");
      session.execute("DROP TYPE IF EXISTS address");
      session.execute("CREATE TYPE address (street text, number int)");
      freshTable(session, "composed", "k int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>, t tuple<int, text>, a frozen<address>, v vector<float, 3>");
      UserDefinedType address = session.getMetadata().getKeyspace(KEYSPACE).get().getUserDefinedType("address").get();
      UdtValue home = address.newValue("Main", 7);
      TupleValue tuple = DataTypes.tupleOf(DataTypes.INT, DataTypes.TEXT).newValue(7, "x");
      PreparedStatement insert = session.prepare("INSERT INTO composed (k, l, s, m, t, a, v) VALUES (?, ?, ?, ?, ?, ?, ?)");
      session.execute(insert.bind(1, List.of(3, 1), Set.of("a"), Map.of("x", 1), tuple, home, CqlVector.newInstance(0.5f, 1f, 2f)));
      Row row = session.execute("SELECT * FROM composed").one();
      expectEqual(row.getList("l", Integer.class), List.of(3, 1), "list");
      expectEqual(row.getSet("s", String.class), Set.of("a"), "set");
      expectEqual(row.getMap("m", String.class, Integer.class), Map.of("x", 1), "map");
      expectEqual(row.getTupleValue("t").getInt(0), 7, "tuple");
      expectEqual(row.getUdtValue("a").getString("street"), "Main", "user type");
      expectEqual(row.getVector("v", Float.class), CqlVector.newInstance(0.5f, 1f, 2f), "vector");
    });
  }

  static void batches() throws Exception {
    with(null, null, session -> {
      freshTable(session, "batched", "p int, c int, PRIMARY KEY (p, c)");
      PreparedStatement insert = session.prepare("INSERT INTO batched (p, c) VALUES (?, ?)");
      for (BatchType type : new BatchType[] {BatchType.LOGGED, BatchType.UNLOGGED}) {
        BatchStatementBuilder batch = BatchStatement.builder(type);
        for (int i = 0; i < 20; i++) batch.addStatement(insert.bind(i % 4, i));
        session.execute(batch.build());
      }
      expectEqual(session.execute("SELECT * FROM batched").all().size(), 20, "rows");
    });
  }

  static void paging() throws Exception {
    int partitions = 100;
    int each = Integer.parseInt(System.getenv().getOrDefault("THOLOS_PAGING_ROWS", "1000000")) / partitions;
    with(null, null, session -> {
      freshTable(session, "paged", "p int, c int, PRIMARY KEY (p, c)");
      PreparedStatement insert = session.prepare("INSERT INTO paged (p, c) VALUES (?, ?)");
      long written = System.nanoTime();
      for (int start = 0; start < each; start += 100) {
        List<CompletionStage<AsyncResultSet>> sent = new ArrayList<>();
        for (int p = 0; p < partitions; p++) {
          BatchStatementBuilder batch = BatchStatement.builder(BatchType.UNLOGGED);
          for (int c = start; c < Math.min(start + 100, each); c++) batch.addStatement(insert.bind(p, c));
          sent.add(session.executeAsync(batch.build()));
        }
        for (CompletionStage<AsyncResultSet> one : sent) one.toCompletableFuture().get();
      }
      noteRate("written", each * partitions, written);
      for (int size : new int[] {5000, 777}) {
        long started = System.nanoTime();
        int seen = 0;
        for (Row row : session.execute(SimpleStatement.newInstance("SELECT p, c FROM paged").setPageSize(size))) seen += row.getInt(0) >= 0 ? 1 : 0;
        expectEqual(seen, each * partitions, "rows");
        noteRate("in pages of " + size, seen, started);
      }
    });
  }

  static void aThousandInFlight() throws Exception {
    with(null, null, session -> {
      freshTable(session, "flight", "k int PRIMARY KEY, v text");
      PreparedStatement insert = session.prepare("INSERT INTO flight (k, v) VALUES (?, ?)");
      PreparedStatement select = session.prepare("SELECT v FROM flight WHERE k = ?");
      for (int round = 0; round < 10; round++) {
        List<CompletionStage<AsyncResultSet>> sent = new ArrayList<>();
        for (int i = 0; i < 1000; i++) sent.add(session.executeAsync(insert.bind(round * 1000 + i, "v" + i)));
        for (CompletionStage<AsyncResultSet> one : sent) one.toCompletableFuture().get();
        sent.clear();
        for (int i = 0; i < 1000; i++) sent.add(session.executeAsync(select.bind(round * 1000 + i)));
        for (int i = 0; i < 1000; i++) expectEqual(sent.get(i).toCompletableFuture().get().one().getString(0), "v" + i, "value");
      }
    });
  }

  static void rePreparedAfterASchemaChange() throws Exception {
    for (String version : new String[] {"V4", "V5"}) {
      with(version, null, session -> {
        freshTable(session, "grown", "k int PRIMARY KEY, v int");
        session.execute("INSERT INTO grown (k, v) VALUES (1, 2)");
        PreparedStatement select = session.prepare("SELECT * FROM grown WHERE k = ?");
        for (int i = 0; i < 6; i++) expectEqual(session.execute(select.bind(1)).one().getInt("v"), 2, "value");
        session.execute("ALTER TABLE grown ADD added text");
        session.execute("UPDATE grown SET added = 'new' WHERE k = 1");
        for (int i = 0; i < 6; i++) expectEqual(session.execute(select.bind(1)).one().getString("added"), "new", version);
      });
    }
  }

  static void errors() throws Exception {
    with(null, null, session -> {
      Map<String, Class<?>> wrong = Map.of("SELEKT 1", SyntaxError.class, "SELECT nope FROM system.local", InvalidQueryException.class,
          "CREATE KEYSPACE " + KEYSPACE + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}", AlreadyExistsException.class);
      for (Map.Entry<String, Class<?>> one : wrong.entrySet()) {
        try {
          session.execute(one.getKey());
          throw new AssertionError("no error: " + one.getKey());
        } catch (RuntimeException error) {
          expectEqual(error.getClass(), one.getValue(), one.getKey());
        }
      }
    });
  }

  public static void main(String[] args) {
    Map<String, Scenario> scenarios = new LinkedHashMap<>();
    scenarios.put("discovery", Scenarios::discovery);
    scenarios.put("protocol_versions", Scenarios::protocolVersions);
    scenarios.put("compression", Scenarios::compression);
    scenarios.put("token_aware", Scenarios::tokenAware);
    scenarios.put("every_simple_type", Scenarios::everySimpleType);
    scenarios.put("create_read_update_delete", Scenarios::createReadUpdateDelete);
    scenarios.put("collections_tuples_user_types_vectors", Scenarios::collectionsTuplesUserTypesVectors);
    scenarios.put("batches", Scenarios::batches);
    scenarios.put("paging", Scenarios::paging);
    scenarios.put("a_thousand_in_flight", Scenarios::aThousandInFlight);
    scenarios.put("re_prepared_after_a_schema_change", Scenarios::rePreparedAfterASchemaChange);
    scenarios.put("errors", Scenarios::errors);
    scenarios.put("node_killed_and_restarted_under_load", Scenarios::nodeKilledAndRestartedUnderLoad);
    scenarios.put("rolling_restart", Scenarios::rollingRestart);
    scenarios.put("re_prepared_after_a_restart", Scenarios::rePreparedAfterARestart);
    if (System.getenv("THOLOS_CERTIFICATES") != null) {
      scenarios.clear();
      scenarios.put("wrong_password", Scenarios::wrongPassword);
      scenarios.put("tls", Scenarios::tls);
    }
    boolean failed = false;
    for (Map.Entry<String, Scenario> one : scenarios.entrySet()) {
      if (args.length > 0 && !List.of(args).contains(one.getKey())) continue;
      VERSIONS.clear();
      NOTES.clear();
      long started = System.nanoTime();
      try {
        one.getValue().run();
        System.out.println(String.format("ok %s [%s] (%.1f s) %s", one.getKey(), String.join(" ", VERSIONS),
            (System.nanoTime() - started) / 1e9, String.join("; ", NOTES)).stripTrailing());
      } catch (Throwable error) {
        failed = true;
        System.out.printf("not ok %s: %s%n", one.getKey(), String.valueOf(error).split("\n")[0]);
        error.printStackTrace();
      }
    }
    System.exit(failed ? 1 : 0);
  }
}
