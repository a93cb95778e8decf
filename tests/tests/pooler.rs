//! Connections of the database: each server's own, a limit to them, and a pooler that shares them out.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::RunReport;
use sim_core::scenario::{Edit, load_str};
use sim_core::theory::{FiniteQueue, ManyServers};
use system_tests::lab::{run, scenario};

/// 1 000 reads a second of 10 ms, through ten connection servers with room to spare.
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

/// Requests a second, and their mean time at the database.
const RATE: f64 = 1_000.0;
const SERVICE: f64 = 0.010;

fn read(edits: &[(&str, &str)]) -> RunReport {
    run(&scenario(READERS, edits))
}

/// The mean time of queries at a tier for a cause, seconds.
fn part(report: &RunReport, tier: &str, cause: &str) -> f64 {
    let mut rows = report.operations["query"].breakdown.iter();
    rows.find(|row| row.tier == tier && row.cause == cause)
        .map_or(0.0, |row| row.mean_ms / 1e3)
}

fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    println!("{what}: {found:.6}, expected {expected:.6}");
    assert!(
        (found - expected).abs() <= tolerance * expected.abs(),
        "{what}: {found} is not {expected} within {tolerance}"
    );
}

fn utilization(report: &RunReport, tier: &str, resource: &str) -> f64 {
    report.tiers[tier].utilization[resource].mean
}

fn failed(report: &RunReport) -> u64 {
    report.operations["query"].failed + report.operations["query"].timed_out
}

/// One pooler with so many connections of the database.
fn pooled(pool: &str, more: &[(&str, &str)]) -> RunReport {
    let pooler = format!("(count: 1, pool: {pool}, cost: \"20 us\")");
    let mut edits = vec![("design.database.pooler", pooler.as_str())];
    edits.extend(more);
    read(&edits)
}

#[test]
fn connections_shared_by_transaction_are_one_queue() {
    // 1 000 a second of 10 ms on 12 connections: M/M/12 at 83 %, long enough for its waits to settle.
    let report = pooled("12", &[("run.duration", "400 s")]);
    let theory = ManyServers::new(12, RATE, SERVICE).unwrap();
    near(
        "wait for a connection",
        part(&report, "database", "queue"),
        theory.mean_wait(),
        0.1,
    );
    near(
        "connections in use",
        utilization(&report, "database", "pool"),
        theory.utilization(),
        0.02,
    );
    near(
        "CPU of the pooler",
        utilization(&report, "pooler", "cpu"),
        RATE * 20e-6,
        0.02,
    );
    assert_eq!(failed(&report), 0);
}

#[test]
fn what_finds_its_queue_full_is_refused() {
    // 8 connections carry 800 of 1 000 a second; 16 may wait: M/M/8/24.
    let report = pooled("8", &[("design.database.queue", "16 queries")]);
    let theory = FiniteQueue::new(8, 24, RATE, SERVICE).unwrap();
    let offered = report.operations["query"].offered_per_s * report.simulated_s;
    near(
        "refused",
        failed(&report) as f64 / offered,
        theory.share_rejected(),
        0.05,
    );
    near(
        "time at the database",
        part(&report, "database", "queue") + part(&report, "database", "service"),
        theory.mean_response(),
        0.05,
    );
}

#[test]
fn connections_of_their_own_wait_longer_than_shared_ones() {
    // Ten servers with 2 connections each are ten M/M/2 of 100 a second; 20 shared ones are M/M/20.
    let own = read(&[("design.database.per_server", "2 connections")]);
    let shared = pooled("20", &[("design.database.per_server", "2 connections")]);
    let expected = ManyServers::new(2, RATE / 10.0, SERVICE)
        .unwrap()
        .mean_wait();
    near("own", part(&own, "database", "queue"), expected, 0.1);
    let all = part(&shared, "database", "queue");
    println!("shared: {:.3} ms", all * 1e3);
    assert!(all < expected / 20.0);
}

/// Ten servers with 50 connections each; the database takes 200.
const CROWDED: [(&str, &str); 2] = [
    ("design.database.per_server", "50 connections"),
    ("design.database.max_connections", "200 connections"),
];

#[test]
fn c061_a_pooler_relieves_the_limit_of_connections() {
    // The first four servers have theirs; what comes to the other six is refused.
    let crowded = read(&CROWDED);
    let offered = crowded.operations["query"].offered_per_s * crowded.simulated_s;
    near("refused", failed(&crowded) as f64 / offered, 0.6, 0.02);
    let database = &crowded.tiers["database"];
    let unconnected = database.counters["unconnected"];
    assert_eq!(unconnected, database.dropped);
    assert!(unconnected >= failed(&crowded), "{unconnected}");
    // 100 shared ones serve all of them.
    let relieved = pooled("100", &CROWDED);
    assert_eq!(failed(&relieved), 0);
    // 500 of 10 000 clients.
    near(
        "clients",
        utilization(&relieved, "pooler", "clients"),
        0.05,
        1e-9,
    );
}

#[test]
fn sessions_keep_their_connections() {
    let session = ("design.database.pooler.mode", "Session");
    let per_transaction = pooled("100", &CROWDED);
    let per_session = pooled("100", &[CROWDED[0], CROWDED[1], session]);
    // Two servers of ten have all 100.
    let offered = per_session.operations["query"].offered_per_s * per_session.simulated_s;
    near("refused", failed(&per_session) as f64 / offered, 0.8, 0.02);
    assert_eq!(failed(&per_transaction), 0);
}

#[test]
fn a_pooler_that_is_short_of_cpu_is_what_gives_way() {
    // 0.9 ms of CPU for each of 1 000 a second.
    let report = read(&[(
        "design.database.pooler",
        "(count: 1, pool: 40, cost: \"0.9 ms\")",
    )]);
    let bottleneck = report.bottleneck.as_ref().unwrap();
    assert_eq!(
        (bottleneck.tier.as_str(), bottleneck.resource.as_str()),
        ("pooler", "cpu")
    );
    let breaks = report.breaks_at.as_ref().unwrap();
    near(
        "breaks at",
        breaks.users.value.unwrap(),
        5_000.0 / 0.9,
        0.03,
    );
    // M/D/1 at 90 %: ρ S / (2 (1 − ρ)); it takes long to settle.
    near(
        "wait for a core",
        part(&report, "pooler", "queue"),
        0.9 * 0.0009 / 0.2,
        0.15,
    );
    // Twice as many are half as busy each.
    let two = read(&[(
        "design.database.pooler",
        "(count: 2, pool: 40, cost: \"0.9 ms\")",
    )]);
    near("two", utilization(&two, "pooler", "cpu"), 0.45, 0.03);
}

#[test]
fn clients_that_find_no_room_are_refused() {
    // A hundredth of a second each: ten are in hand on average, five may be.
    let report = read(&[(
        "design.database.pooler",
        "(count: 1, pool: 40, clients: 5, cost: \"0 us\")",
    )]);
    // So is the way there, and back to the server: three of four ways. Erlang B.
    let service = SERVICE + 3.0 * part(&report, "network", "between servers") / 4.0;
    let theory = FiniteQueue::new(5, 5, RATE, service).unwrap();
    let offered = report.operations["query"].offered_per_s * report.simulated_s;
    near(
        "refused",
        failed(&report) as f64 / offered,
        theory.share_rejected(),
        0.05,
    );
    assert!(report.tiers["pooler"].dropped > 0);
}

#[test]
fn without_pooling_there_is_no_pooler() {
    let off = pooled("20", &[("patterns.pooling", "Off")]);
    assert!(!off.tiers.contains_key("pooler"));
}

/// The first problem of a scenario with edits.
fn problem(edits: &[(&str, &str)]) -> String {
    let edits: Vec<Edit> = edits
        .iter()
        .map(|(path, value)| Edit::Set {
            path: (*path).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    let errors = load_str(READERS, "test.ron", &edits).unwrap_err();
    errors.first().unwrap().to_string()
}

#[test]
fn what_is_not_simulated_is_said() {
    type Edits = &'static [(&'static str, &'static str)];
    let cases: [(Edits, [&str; 2]); 4] = [
        (
            &[("design.database.max_connections", "100")],
            ["nobody who holds connections", "design.database.per_server"],
        ),
        (
            &[("design.database.pooler", "(count: 1, mode: Session)")],
            ["every connection of a client", "mode Transaction"],
        ),
        (
            &[
                ("design.database.pooler", "(count: 1)"),
                ("design.database.overload", "(max_queue: \"100 queries\")"),
            ],
            ["a pooler is not simulated", "leave out"],
        ),
        (
            &[
                ("design.database.pooler", "(count: 1)"),
                (
                    "faults",
                    r#"[(at: "20 s", lasts: "20 s", fault: Kill(tier: "pooler", first: 0))]"#,
                ),
            ],
            ["killed", "database"],
        ),
    ];
    for (edits, parts) in cases {
        let text = problem(edits);
        println!("{text}\n");
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}
