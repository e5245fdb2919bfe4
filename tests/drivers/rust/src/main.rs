// The common scenarios through the Rust driver. Arguments: names of scenarios; none: all. With
// THOLOS_CERTIFICATES: those of passwords and TLS instead. The driver speaks version 4 only.
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::net::IpAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use futures::stream::{StreamExt, TryStreamExt};
use openssl::ssl::{SslContextBuilder, SslMethod, SslVerifyMode};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::client::Compression;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::value::{CqlDate, CqlDuration, CqlTime, CqlTimestamp, CqlTimeuuid, CqlValue, CqlVarint, CqlDecimal};
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::{Consistency, Statement};
use scylla::{DeserializeValue, SerializeValue};

const KEYSPACE: &str = "rust";
// What the scenario measured.
static NOTES: Mutex<Vec<String>> = Mutex::new(vec![]);
type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

fn hosts() -> Vec<String> {
    std::env::var("THOLOS_HOSTS").unwrap_or_default().split(',').map(String::from).collect()
}

fn builder() -> SessionBuilder {
    let port = std::env::var("THOLOS_PORT").unwrap_or_default();
    SessionBuilder::new().known_nodes(hosts().iter().map(|h| format!("{h}:{port}"))).connection_timeout(Duration::from_secs(20))
        .cluster_metadata_refresh_interval(Duration::from_secs(5))
}

// Tells the nodes what to do, beside the runtime's threads.
async fn control(words: &[&str]) -> Outcome {
    let mut command = Command::new(std::env::var("THOLOS_CLUSTER")?);
    command.args(words);
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    if output.status.success() { Ok(()) } else { Err(format!("{words:?}: {}", String::from_utf8_lossy(&output.stderr)).into()) }
}

async fn wait_for(what: &str, condition: impl AsyncFn() -> bool) -> Outcome {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if condition().await {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("waited for: {what}").into())
}

async fn connect(compression: Option<Compression>) -> Result<Session, Box<dyn Error + Send + Sync>> {
    Ok(builder().compression(compression).build().await?)
}

async fn fresh_table(session: &Session, name: &str, columns: &str) -> Outcome {
    session.query_unpaged(format!("DROP TABLE IF EXISTS {KEYSPACE}.{name}"), ()).await?;
    session.query_unpaged(format!("CREATE TABLE {KEYSPACE}.{name} ({columns})"), ()).await?;
    session.await_schema_agreement().await?;
    Ok(())
}

fn expect<T: PartialEq + std::fmt::Debug>(got: T, want: T, what: &str) -> Outcome {
    if got == want { Ok(()) } else { Err(format!("{what}: got {got:?}, want {want:?}").into()) }
}

async fn discovery() -> Outcome {
    let session = connect(None).await?;
    session.query_unpaged(format!("DROP KEYSPACE IF EXISTS {KEYSPACE}"), ()).await?;
    session.query_unpaged(format!("CREATE KEYSPACE {KEYSPACE} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 2}}"), ()).await?;
    session.refresh_metadata().await?;
    let state = session.get_cluster_state();
    expect(state.get_nodes_info().len(), 3, "nodes")?;
    expect(state.get_keyspace(KEYSPACE).is_some(), true, "the keyspace is known")
}

async fn create_read_update_delete() -> Outcome {
    let session = connect(None).await?;
    fresh_table(&session, "crud", "p int, c text, s text STATIC, v bigint, PRIMARY KEY (p, c)").await?;
    let insert = session.prepare(format!("INSERT INTO {KEYSPACE}.crud (p, c, v) VALUES (?, ?, ?)")).await?;
    for i in 0..100i32 {
        session.execute_unpaged(&insert, (i % 3, format!("c{i:03}"), i64::from(i))).await?;
    }
    let named = session.prepare(format!("INSERT INTO {KEYSPACE}.crud (p, c, v) VALUES (:p, :c, :v)")).await?;
    session.execute_unpaged(&named, HashMap::from([("p", CqlValue::Int(1)), ("c", CqlValue::Text("d".into())), ("v", CqlValue::BigInt(7))])).await?;
    for statement in ["UPDATE crud SET s = 'static' WHERE p = 1", "UPDATE crud SET v = 20 WHERE p = 1 AND c = 'c001'", "DELETE FROM crud WHERE p = 1 AND c = 'c004'"] {
        session.query_unpaged(statement.replace("crud", &format!("{KEYSPACE}.crud")), ()).await?;
    }
    let select = session.prepare(format!("SELECT c, s, v FROM {KEYSPACE}.crud WHERE p = ?")).await?;
    let rows = session.execute_unpaged(&select, (1,)).await?.into_rows_result()?;
    expect(rows.rows_num(), 33, "rows")?;
    let (c, s, v) = rows.first_row::<(String, String, i64)>()?;
    expect((c.as_str(), s.as_str(), v), ("c001", "static", 20), "first row")
}

async fn token_aware() -> Outcome {
    let session = connect(None).await?;
    fresh_table(&session, "aware", "a int PRIMARY KEY, b int").await?;
    session.refresh_metadata().await?;
    let insert = session.prepare(format!("INSERT INTO {KEYSPACE}.aware (a, b) VALUES (?, ?)")).await?;
    let mut seen = HashSet::new();
    for i in 0..100i32 {
        let result = session.execute_unpaged(&insert, (i, i)).await?;
        let coordinator = result.request_coordinator().node().host_id;
        let token = insert.calculate_token(&(i, i))?.ok_or("no token")?;
        let replicas: Vec<_> = session.get_cluster_state().get_token_endpoints(KEYSPACE, "aware", token).iter().map(|(n, _)| n.host_id).collect();
        expect(replicas.len(), 2, "replicas")?;
        expect(replicas.contains(&coordinator), true, "the coordinator is a replica")?;
        seen.insert(coordinator);
    }
    expect(seen.len(), 3, "coordinators")
}

async fn every_simple_type() -> Outcome {
    let session = connect(None).await?;
    let address: IpAddr = "2001:db8::1".parse()?;
    let values = [
        ("ascii", CqlValue::Ascii("a".into())), ("bigint", CqlValue::BigInt(i64::MIN)), ("blob", CqlValue::Blob(vec![0, 255])),
        ("boolean", CqlValue::Boolean(true)), ("decimal", CqlValue::Decimal(CqlDecimal::from_signed_be_bytes_and_exponent(vec![0xED, 0x29, 0xBC], 4))),
        ("double", CqlValue::Double(1.5e300)), ("float", CqlValue::Float(0.25)), ("int", CqlValue::Int(i32::MIN)),
        ("timestamp", CqlValue::Timestamp(CqlTimestamp(1769853600123))), ("uuid", CqlValue::Uuid(uuid::Uuid::from_u128(7))),
        ("text", CqlValue::Text("žluť".into())), ("varint", CqlValue::Varint(CqlVarint::from_signed_bytes_be(vec![1; 17]))),
        ("timeuuid", CqlValue::Timeuuid(CqlTimeuuid::from_bytes(*uuid::Uuid::parse_str("8ac6d1dc-dbeb-11f0-8de9-0242ac120002")?.as_bytes()))),
        ("inet", CqlValue::Inet(address)), ("date", CqlValue::Date(CqlDate((1 << 31) + 20484))), ("time", CqlValue::Time(CqlTime(86399999999999))),
        ("smallint", CqlValue::SmallInt(i16::MIN)), ("tinyint", CqlValue::TinyInt(i8::MIN)),
        ("duration", CqlValue::Duration(CqlDuration { months: 1, days: 2, nanoseconds: 3 })),
    ];
    for (name, value) in values {
        let table = format!("simple_{name}");
        fresh_table(&session, &table, &format!("k int PRIMARY KEY, v {name}")).await?;
        let insert = session.prepare(format!("INSERT INTO {KEYSPACE}.{table} (k, v) VALUES (?, ?)")).await?;
        session.execute_unpaged(&insert, (1, Some(&value))).await?;
        session.execute_unpaged(&insert, (2, None::<CqlValue>)).await?;
        let select = session.prepare(format!("SELECT v FROM {KEYSPACE}.{table} WHERE k = ?")).await?;
        for (k, want) in [(1, Some(value)), (2, None)] {
            let rows = session.execute_unpaged(&select, (k,)).await?.into_rows_result()?;
            expect(rows.first_row::<(Option<CqlValue>,)>()?.0, want, name)?;
        }
    }
    Ok(())
}

async fn errors() -> Outcome {
    let session = connect(None).await?;
    let again = format!("CREATE KEYSPACE {KEYSPACE} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}");
    for (statement, text) in [("SELEKT 1", "syntax"), ("SELECT nope FROM system.local", "nope"), (again.as_str(), "already exists")] {
        match session.query_unpaged(statement, ()).await {
            Ok(_) => return Err(format!("no error: {statement}").into()),
            Err(error) if format!("{error:?} {error}").to_lowercase().contains(text) => {}
            Err(error) => return Err(format!("{statement}: {error}").into()),
        }
    }
    Ok(())
}

async fn compression() -> Outcome {
    for algorithm in [Compression::Lz4, Compression::Snappy] {
        let session = connect(Some(algorithm)).await?;
        fresh_table(&session, "squeezed", "a int PRIMARY KEY, b text").await?;
        for size in [0usize, 1, 1000, 300_000] {
            let text = "ab".repeat(size);
            session.query_unpaged(format!("INSERT INTO {KEYSPACE}.squeezed (a, b) VALUES (?, ?)"), (size as i32, &text)).await?;
            let rows = session.query_unpaged(format!("SELECT b FROM {KEYSPACE}.squeezed WHERE a = ?"), (size as i32,)).await?.into_rows_result()?;
            expect(rows.first_row::<(String,)>()?.0 == text, true, "text")?;
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Clone, SerializeValue, DeserializeValue)]
struct Address {
    street: Option<String>,
    number: Option<i32>,
}

async fn collections_tuples_user_types_vectors() -> Outcome {
    let session = connect(None).await?;
    session.query_unpaged(format!("DROP TABLE IF EXISTS {KEYSPACE}.composed"), ()).await?;
    session.query_unpaged(format!("DROP TYPE IF EXISTS {KEYSPACE}.address"), ()).await?;
    session.query_unpaged(format!("CREATE TYPE {KEYSPACE}.address (street text, number int)"), ()).await?;
    fresh_table(&session, "composed", "k int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>, t tuple<int, text>, a frozen<address>, v vector<float, 3>").await?;
    let home = Address { street: Some("Main".into()), number: Some(7) };
    let insert = session.prepare(format!("INSERT INTO {KEYSPACE}.composed (k, l, s, m, t, a, v) VALUES (?, ?, ?, ?, ?, ?, ?)")).await?;
    session.execute_unpaged(&insert, (1, vec![3, 1], HashSet::from(["b".to_string()]), HashMap::from([("x".to_string(), 1)]), (7, "y"), &home, vec![0.5f32, 1.0, 2.0])).await?;
    session.query_unpaged(format!("UPDATE {KEYSPACE}.composed SET l = l + [4], m['z'] = 3 WHERE k = 1"), ()).await?;
    let select = session.prepare(format!("SELECT l, s, m, t, a, v FROM {KEYSPACE}.composed WHERE k = ?")).await?;
    let rows = session.execute_unpaged(&select, (1,)).await?.into_rows_result()?;
    let (l, s, m, t, a, v) = rows.first_row::<(Vec<i32>, HashSet<String>, HashMap<String, i32>, (i32, String), Address, Vec<f32>)>()?;
    expect(l, vec![3, 1, 4], "list")?;
    expect(s, HashSet::from(["b".to_string()]), "set")?;
    expect(m, HashMap::from([("x".to_string(), 1), ("z".to_string(), 3)]), "map")?;
    expect(t, (7, "y".to_string()), "tuple")?;
    expect(a, home, "user type")?;
    expect(v, vec![0.5, 1.0, 2.0], "vector")
}

async fn batches() -> Outcome {
    let session = connect(None).await?;
    fresh_table(&session, "batched", "p int, c int, PRIMARY KEY (p, c)").await?;
    for kind in [BatchType::Logged, BatchType::Unlogged] {
        let mut batch = Batch::new(kind);
        let insert = session.prepare(format!("INSERT INTO {KEYSPACE}.batched (p, c) VALUES (?, ?)")).await?;
        let mut values = vec![];
        for i in 0..20i32 {
            batch.append_statement(insert.clone());
            values.push((i % 4, i));
        }
        session.batch(&batch, values).await?;
    }
    let rows = session.query_unpaged(format!("SELECT * FROM {KEYSPACE}.batched"), ()).await?.into_rows_result()?;
    expect(rows.rows_num(), 20, "rows")
}

fn note_rate(what: &str, rows: i32, started: Instant) {
    let note = format!("{rows} rows {what}, {:.0}/s", f64::from(rows) / started.elapsed().as_secs_f64());
    NOTES.lock().unwrap().push(note);
}

async fn paging() -> Outcome {
    const PARTITIONS: i32 = 100;
    let each = std::env::var("THOLOS_PAGING_ROWS")?.parse::<i32>()? / PARTITIONS;
    let session = connect(None).await?;
    fresh_table(&session, "paged", "p int, c int, PRIMARY KEY (p, c)").await?;
    let insert = session.prepare(format!("INSERT INTO {KEYSPACE}.paged (p, c) VALUES (?, ?)")).await?;
    let fill = |p: i32| {
        let (session, insert) = (&session, &insert);
        async move {
            for start in (0..each).step_by(100) {
                let values: Vec<(i32, i32)> = (start..each.min(start + 100)).map(|c| (p, c)).collect();
                let mut batch = Batch::new(BatchType::Unlogged);
                values.iter().for_each(|_| batch.append_statement(insert.clone()));
                session.batch(&batch, values).await?;
            }
            Ok::<(), Box<dyn Error + Send + Sync>>(())
        }
    };
    let started = Instant::now();
    futures::stream::iter(0..PARTITIONS).map(fill).buffer_unordered(20).try_collect::<Vec<()>>().await?;
    note_rate("written", each * PARTITIONS, started);
    for size in [5000, 777] {
        let started = Instant::now();
        let mut select = Statement::new(format!("SELECT p, c FROM {KEYSPACE}.paged"));
        select.set_page_size(size);
        let mut rows = session.query_iter(select, ()).await?.rows_stream::<(i32, i32)>()?;
        let mut seen = 0;
        while rows.try_next().await?.is_some() {
            seen += 1;
        }
        expect(seen, each * PARTITIONS, "rows")?;
        note_rate(&format!("in pages of {size}"), seen, started);
    }
    Ok(())
}

async fn a_thousand_in_flight() -> Outcome {
    let session = connect(None).await?;
    fresh_table(&session, "flight", "k int PRIMARY KEY, v text").await?;
    let insert = session.prepare(format!("INSERT INTO {KEYSPACE}.flight (k, v) VALUES (?, ?)")).await?;
    let select = session.prepare(format!("SELECT v FROM {KEYSPACE}.flight WHERE k = ?")).await?;
    for round in 0..10i32 {
        let ids: Vec<i32> = (0..1000).map(|i| round * 1000 + i).collect();
        for result in join_all(ids.iter().map(|k| session.execute_unpaged(&insert, (*k, k.to_string())))).await {
            result?;
        }
        for (k, result) in ids.iter().zip(join_all(ids.iter().map(|k| session.execute_unpaged(&select, (*k,)))).await) {
            expect(result?.into_rows_result()?.first_row::<(String,)>()?.0, k.to_string(), "value")?;
        }
    }
    Ok(())
}

async fn re_prepared_after_a_schema_change() -> Outcome {
    let session = connect(None).await?;
    fresh_table(&session, "grown", "k int PRIMARY KEY, v int").await?;
    session.query_unpaged(format!("INSERT INTO {KEYSPACE}.grown (k, v) VALUES (1, 2)"), ()).await?;
    let select = session.prepare(format!("SELECT * FROM {KEYSPACE}.grown WHERE k = ?")).await?;
    for columns in [2usize, 3] {
        for _ in 0..6 {
            let rows = session.execute_unpaged(&select, (1,)).await?.into_rows_result()?;
            expect(rows.column_specs().len(), columns, "columns")?;
        }
        if columns == 2 {
            session.query_unpaged(format!("ALTER TABLE {KEYSPACE}.grown ADD added text"), ()).await?;
            session.await_schema_agreement().await?;
        }
    }
    Ok(())
}

// Prepared on a node that has then forgotten it.
async fn re_prepared_after_a_restart() -> Outcome {
    let session = connect(None).await?;
    fresh_table(&session, "again", "k int PRIMARY KEY, v int").await?;
    let third: IpAddr = hosts()[2].parse()?;
    let node = session.get_cluster_state().get_nodes_info().iter().find(|n| n.address.ip() == third).ok_or("no third node")?.clone();
    let target = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::HostId(node.host_id), None);
    let mut insert = session.prepare(format!("INSERT INTO {KEYSPACE}.again (k, v) VALUES (?, ?)")).await?;
    insert.set_load_balancing_policy(Some(target.clone()));
    session.execute_unpaged(&insert, (1, 1)).await?;
    control(&["stop", "3"]).await?;
    control(&["start", "3"]).await?;
    let mut ping = Statement::new("SELECT key FROM system.local");
    ping.set_load_balancing_policy(Some(target));
    wait_for("the node is back", async || session.query_unpaged(ping.clone(), ()).await.is_ok()).await?;
    session.execute_unpaged(&insert, (2, 2)).await?;
    let rows = session.query_unpaged(format!("SELECT * FROM {KEYSPACE}.again"), ()).await?.into_rows_result()?;
    expect(rows.rows_num(), 2, "rows")
}

// The driver sees a node as connected or not: its events and its connections together.
async fn becomes(session: &Session, n: usize, connected: bool) -> Outcome {
    let address: IpAddr = hosts()[n].parse()?;
    wait_for(&format!("node {} connected: {connected}", n + 1), async || {
        session.get_cluster_state().get_nodes_info().iter().any(|node| node.address.ip() == address && node.is_connected() == connected)
    }).await
}

// Idempotent writes and reads at QUORUM while nodes go and come: none may fail. `steps`: the word
// that ends a node, and which.
async fn under_load(steps: &[(&str, usize)]) -> Outcome {
    let session = Arc::new(connect(None).await?);
    session.query_unpaged("DROP KEYSPACE IF EXISTS rustload", ()).await?;
    session.query_unpaged("CREATE KEYSPACE rustload WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}", ()).await?;
    session.query_unpaged("CREATE TABLE rustload.t (k int PRIMARY KEY, v int)", ()).await?;
    let mut statements = vec![];
    for text in ["INSERT INTO rustload.t (k, v) VALUES (?, ?)", "SELECT v FROM rustload.t WHERE k = ?"] {
        let mut statement = session.prepare(text).await?;
        statement.set_is_idempotent(true);
        statement.set_consistency(Consistency::Quorum);
        statements.push(statement);
    }
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let workers: Vec<_> = (0..4).map(|n| {
        let (session, stop, done, statements) = (session.clone(), stop.clone(), done.clone(), statements.clone());
        tokio::spawn(async move {
            let mut i = 0;
            while !stop.load(Ordering::Relaxed) {
                i += 1;
                let key = n * 1000 + i % 50;
                session.execute_unpaged(&statements[0], (key, i)).await?;
                let rows = session.execute_unpaged(&statements[1], (key,)).await?.into_rows_result()?;
                expect(rows.first_row::<(i32,)>()?.0, i, "value under load")?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Ok(())
        })
    }).collect();
    let disturbed = async {
        for (word, n) in steps {
            let number = (n + 1).to_string();
            control(&[word, &number]).await?;
            becomes(&session, *n, false).await?;
            control(&["start", &number]).await?;
            becomes(&session, *n, true).await?;
        }
        Outcome::Ok(())
    }.await;
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await?.map_err(|error| format!("an application error: {error}"))?;
    }
    disturbed?;
    expect(done.load(Ordering::Relaxed) >= 50, true, "operations")
}

async fn node_killed_and_restarted_under_load() -> Outcome { under_load(&[("kill", 1)]).await }

async fn rolling_restart() -> Outcome { under_load(&[("stop", 0), ("stop", 1), ("stop", 2)]).await }

async fn secured(builder: SessionBuilder, password: &str) -> Outcome {
    let session = builder.user("tholos", password).build().await?;
    let rows = session.query_unpaged("SELECT cluster_name FROM system.local", ()).await?.into_rows_result()?;
    expect(rows.first_row::<(String,)>()?.0, "tholos".to_string(), "cluster")
}

async fn wrong_password() -> Outcome {
    secured(builder(), "secret").await?;
    match secured(builder(), "wrong").await {
        Ok(()) => Err("let in".into()),
        Err(error) if format!("{error:?} {error}").contains("incorrect") => Ok(()),
        Err(error) => Err(format!("not the error of a wrong password: {error:?}").into()),
    }
}

async fn tls() -> Outcome {
    let mut context = SslContextBuilder::new(SslMethod::tls())?;
    context.set_ca_file(format!("{}/ca.pem", std::env::var("THOLOS_CERTIFICATES")?))?;
    context.set_verify(SslVerifyMode::PEER);
    secured(builder().tls_context(Some(context.build())), "secret").await
}

#[tokio::main]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut failed = false;
    macro_rules! run {
        ($($name:ident),*) => { $(if wanted.is_empty() || wanted.iter().any(|w| w == stringify!($name)) {
            let started = Instant::now();
            match $name().await {
                Ok(()) => {
                    let notes = std::mem::take(&mut *NOTES.lock().unwrap()).join("; ");
                    println!("{}", format!("ok {} [v4] ({:.1} s) {notes}", stringify!($name), started.elapsed().as_secs_f64()).trim_end());
                }
                Err(error) => { failed = true; println!("not ok {}: {}", stringify!($name), error.to_string().replace('\n', " ")); }
            }
        })* };
    }
    if std::env::var("THOLOS_CERTIFICATES").is_ok() {
        run!(wrong_password, tls);
    } else {
        if wanted.is_empty() {
            println!("skip protocol_versions_3_and_5: the driver has version 4 only");
        }
        run!(discovery, token_aware, every_simple_type, create_read_update_delete, compression, collections_tuples_user_types_vectors, batches,
            paging, a_thousand_in_flight, re_prepared_after_a_schema_change, errors, node_killed_and_restarted_under_load, rolling_restart,
            re_prepared_after_a_restart);
    }
    std::process::exit(if failed { 1 } else { 0 });
}
