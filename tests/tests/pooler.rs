//! Connections of the database: each server's own, a limit to them, and a pooler that shares them out.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::RunReport;
use sim_core::scenario::{Edit, load_str};
use sim_core::theory;
use system_tests::lab::{run, scenario};

/// Everybody reads; 500 users per connection server.
const READERS: &str = r#"(
    version: 1,
    name: "readers",
    title: "Readers",
    story: "Everybody reads.",
    load: (
        users: 5_000,
        places: {"us-east-1": "100 %"},
        access: {"fiber": "100 %"},
        heartbeat: "60 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Rooms(size: 20)),
    traffic: (query: (rate: "0.2/s per user", size: "1 KB")),
    patterns: (pooling: On),
    design: (
        place: "us-east-1",
        routing: Local,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (count: 10, machine: "c7g.4xlarge", profile: "tokio-websocket"),
        database: (machine: "r7g.xlarge", pool: 20, queue: "10_000 queries", query: Exponential(mean: "10 ms")),
    ),
    run: (population_seed: 1, seed: 7, warmup: "5 s", duration: "120 s"),
)"#;

fn read(edits: &[(&str, &str)]) -> RunReport {
    run(&scenario(READERS, edits))
}

/// The mean share of queries' time in ms at a tier for a cause.
fn part(report: &RunReport, tier: &str, cause: &str) -> f64 {
    let rows = report.operations["query"].breakdown.iter();
    let mut rows = rows.filter(|row| row.tier == tier && row.cause == cause);
    rows.next().map_or(0.0, |row| row.mean_ms)
}

#[test]
fn print_it() {
    let report = read(&[("design.database.pooler", "(count: 1)")]);
    println!("{:#?}", report.tiers["pooler"]);
    println!("{:#?}", report.tiers["database"]);
    println!("{:#?}", report.operations["query"].failed);
    println!("{:?}", report.bottleneck);
}
