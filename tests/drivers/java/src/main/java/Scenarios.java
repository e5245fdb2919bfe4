// The common scenarios through the Apache Java driver 4.
import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.config.ProgrammaticDriverConfigLoaderBuilder;
import com.datastax.oss.driver.api.core.cql.*;
import com.datastax.oss.driver.api.core.data.CqlVector;
import com.datastax.oss.driver.api.core.data.TupleValue;
import com.datastax.oss.driver.api.core.data.UdtValue;
import com.datastax.oss.driver.api.core.metadata.Node;
import com.datastax.oss.driver.api.core.servererrors.*;
import com.datastax.oss.driver.api.core.type.DataTypes;
import com.datastax.oss.driver.api.core.type.UserDefinedType;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.CompletionStage;

public class Scenarios {
  static final String KEYSPACE = "java";
  static final String[] HOSTS = System.getenv("THOLOS_HOSTS").split(",");
  static final int PORT = Integer.parseInt(System.getenv("THOLOS_PORT"));

  interface Body { void run(CqlSession session) throws Exception; }
  interface Scenario { void run() throws Exception; }

  static CqlSession connect(String version, String compression, boolean keyspace) {
    ProgrammaticDriverConfigLoaderBuilder config = DriverConfigLoader.programmaticBuilder()
        .withString(DefaultDriverOption.REQUEST_CONSISTENCY, "QUORUM")
        .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(20))
        .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, Duration.ofSeconds(20))
        .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, Duration.ofSeconds(20));
    if (version != null) config = config.withString(DefaultDriverOption.PROTOCOL_VERSION, version);
    if (compression != null) config = config.withString(DefaultDriverOption.PROTOCOL_COMPRESSION, compression);
    CqlSessionBuilder builder = CqlSession.builder().withConfigLoader(config.build()).withLocalDatacenter("dc1");
    for (String host : HOSTS) builder.addContactPoint(new InetSocketAddress(host, PORT));
    if (keyspace) builder.withKeyspace(KEYSPACE);
    return builder.build();
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
    for (String version : new String[] {"V4", "V5"}) {
      with(version, "lz4", session -> {
        freshTable(session, "squeezed", "a int PRIMARY KEY, b text");
        PreparedStatement insert = session.prepare("INSERT INTO squeezed (a, b) VALUES (?, ?)");
        for (int size : new int[] {0, 1, 1000, 300000}) {
          String text = "ab".repeat(size);
          session.execute(insert.bind(size, text));
          expectEqual(session.execute("SELECT b FROM squeezed WHERE a = " + size).one().getString(0), text, "text");
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
    with(null, null, session -> {
      freshTable(session, "paged", "p int, c int, PRIMARY KEY (p, c)");
      PreparedStatement insert = session.prepare("INSERT INTO paged (p, c) VALUES (?, ?)");
      for (int round = 0; round < 10; round++) {
        List<CompletionStage<AsyncResultSet>> sent = new ArrayList<>();
        for (int i = 0; i < 500; i++) sent.add(session.executeAsync(insert.bind(round, i)));
        for (CompletionStage<AsyncResultSet> one : sent) one.toCompletableFuture().get();
      }
      int seen = 0;
      for (Row row : session.execute(SimpleStatement.newInstance("SELECT p, c FROM paged").setPageSize(333))) seen += row.getInt(0) >= 0 ? 1 : 0;
      expectEqual(seen, 5000, "rows");
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
    scenarios.put("collections_tuples_user_types_vectors", Scenarios::collectionsTuplesUserTypesVectors);
    scenarios.put("batches", Scenarios::batches);
    scenarios.put("paging", Scenarios::paging);
    scenarios.put("a_thousand_in_flight", Scenarios::aThousandInFlight);
    scenarios.put("re_prepared_after_a_schema_change", Scenarios::rePreparedAfterASchemaChange);
    scenarios.put("errors", Scenarios::errors);
    boolean failed = false;
    for (Map.Entry<String, Scenario> one : scenarios.entrySet()) {
      long started = System.nanoTime();
      try {
        one.getValue().run();
        System.out.printf("ok %s (%.1f s)%n", one.getKey(), (System.nanoTime() - started) / 1e9);
      } catch (Throwable error) {
        failed = true;
        System.out.printf("not ok %s: %s%n", one.getKey(), String.valueOf(error).split("\n")[0]);
        error.printStackTrace();
      }
    }
    System.exit(failed ? 1 : 0);
  }
}
