// The common scenarios through the Rust driver.
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::time::Instant;

use futures::future::join_all;
use futures::stream::{StreamExt, TryStreamExt};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::client::Compression;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::Statement;

const KEYSPACE: &str = "rust";
type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

async fn connect(compression: Option<Compression>) -> Result<Session, Box<dyn Error + Send + Sync>> {
    let port = std::env::var("THOLOS_PORT")?;
    let hosts: Vec<String> = std::env::var("THOLOS_HOSTS")?.split(',').map(|h| format!("{h}:{port}")).collect();
    Ok(SessionBuilder::new().known_nodes(hosts).compression(compression).build().await?)
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
    fresh_table(&session, "crud", "p int, c text, v bigint, PRIMARY KEY (p, c)").await?;
    let insert = session.prepare(format!("INSERT INTO {KEYSPACE}.crud (p, c, v) VALUES (?, ?, ?)")).await?;
    for i in 0..100i32 {
        session.execute_unpaged(&insert, (i % 3, format!("c{i:03}"), i64::from(i))).await?;
    }
    let select = session.prepare(format!("SELECT c, v FROM {KEYSPACE}.crud WHERE p = ?")).await?;
    let rows = session.execute_unpaged(&select, (1,)).await?.into_rows_result()?;
    expect(rows.rows_num(), 33, "rows")?;
    let (c, v) = rows.first_row::<(String, i64)>()?;
    expect((c.as_str(), v), ("c001", 1), "first row")
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

async fn collections() -> Outcome {
    let session = connect(None).await?;
    fresh_table(&session, "coll", "k int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>, t tuple<int, text>").await?;
    session.query_unpaged(format!("INSERT INTO {KEYSPACE}.coll (k, l, s, m, t) VALUES (?, ?, ?, ?, ?)"),
        (1, vec![3, 1], HashSet::from(["b".to_string()]), HashMap::from([("x".to_string(), 1)]), (7, "y"))).await?;
    let rows = session.query_unpaged(format!("SELECT l, s, m, t FROM {KEYSPACE}.coll"), ()).await?.into_rows_result()?;
    let (l, s, m, t) = rows.first_row::<(Vec<i32>, HashSet<String>, HashMap<String, i32>, (i32, String))>()?;
    expect(l, vec![3, 1], "list")?;
    expect(s, HashSet::from(["b".to_string()]), "set")?;
    expect(m, HashMap::from([("x".to_string(), 1)]), "map")?;
    expect(t, (7, "y".to_string()), "tuple")
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

async fn paging() -> Outcome {
    let session = connect(None).await?;
    fresh_table(&session, "paged", "p int, c int, PRIMARY KEY (p, c)").await?;
    let insert = session.prepare(format!("INSERT INTO {KEYSPACE}.paged (p, c) VALUES (?, ?)")).await?;
    futures::stream::iter(0..5000i32)
        .map(|i| { let (session, insert) = (&session, &insert); async move { session.execute_unpaged(insert, (i % 10, i)).await.map(|_| ()) } })
        .buffer_unordered(100).try_collect::<Vec<()>>().await?;
    let mut select = Statement::new(format!("SELECT p, c FROM {KEYSPACE}.paged"));
    select.set_page_size(333);
    let seen = session.query_iter(select, ()).await?.rows_stream::<(i32, i32)>()?.try_collect::<Vec<_>>().await?.len();
    expect(seen, 5000, "rows")
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

#[tokio::main]
async fn main() {
    let mut failed = false;
    macro_rules! run {
        ($($name:ident),*) => { $({
            let started = Instant::now();
            match $name().await {
                Ok(()) => println!("ok {} ({:.1} s)", stringify!($name), started.elapsed().as_secs_f64()),
                Err(error) => { failed = true; println!("not ok {}: {}", stringify!($name), error.to_string().lines().next().unwrap_or("")); }
            }
        })* };
    }
    run!(discovery, create_read_update_delete, compression, collections, batches, paging, a_thousand_in_flight, re_prepared_after_a_schema_change);
    std::process::exit(if failed { 1 } else { 0 });
}
