//! The database asked under stress: retries and what brakes them, overload, hedges, slow leaves, and the faults that start it.
//!
//! Published figures stand beside the measured ones in what the tests print.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::RunReport;
use system_tests::lab::{preset, run, scenario};

/// When the trigger of the preset `metastable` ends, seconds.
const TRIGGER_ENDS_S: f64 = 30.0;

fn metastable(users: &str, retries: u32, more: &[(&str, &str)], seed: u64) -> RunReport {
    let (attempts, seed) = ((1 + retries).to_string(), seed.to_string());
    let base = [
        ("load.users", users),
        ("design.database.callers.attempts", attempts.as_str()),
        ("run.seed", seed.as_str()),
    ];
    let edits: Vec<(&str, &str)> = base.iter().chain(more).copied().collect();
    run(&scenario(preset("metastable"), &edits))
}

/// Seconds of the run at which it was as before, by seed; `None`: never.
fn recovers(
    users: &str,
    retries: u32,
    more: &[(&str, &str)],
    seeds: core::ops::Range<u64>,
) -> Vec<Option<f64>> {
    let recovered = |seed: u64| {
        metastable(users, retries, more, seed)
            .faults
            .first()?
            .recovered_s
    };
    seeds.map(recovered).collect()
}

fn mean(times: &[Option<f64>]) -> f64 {
    let times: Vec<f64> = times.iter().flatten().copied().collect();
    times.iter().sum::<f64>() / times.len() as f64
}

const SECOND_HALF: (&str, &str) = ("run.duration", "200 s");

#[test]
fn c105_retry_amplification_and_metastability() {
    // Published recoveries are single draws of a server of its own; the threshold is load × (1 + retries) = 1.
    for (users, retries, published) in [
        ("700", 0, 46.0),
        ("450", 1, 86.0),
        ("200", 3, 50.0),
        ("240", 3, 149.0),
    ] {
        let found = recovers(users, retries, &[], 0..5);
        println!(
            "{users} of 1000/s, {retries} retries: recovered at {found:?}, mean {:.0} s (published {published})",
            mean(&found)
        );
        assert!(found.iter().all(Option::is_some), "{found:?}");
        assert!((mean(&found) / published - 1.0).abs() < 0.25, "{found:?}");
    }
    for (users, retries) in [("500", 1), ("270", 3), ("300", 3), ("700", 3)] {
        let found = recovers(users, retries, &[], 0..2);
        println!("{users} of 1000/s, {retries} retries: recovered at {found:?} (published never)");
        assert!(found.iter().all(Option::is_none), "{found:?}");
    }
    let report = metastable("270", 3, &[], 7);
    let query = &report.operations["query"];
    let attempts = 1.0 + query.retried as f64 / (query.offered_per_s * report.simulated_s);
    println!("{attempts:.2} attempts per question at 270 of 1000/s");
    assert!(attempts > 3.0 && query.timed_out > 50_000);
}

#[test]
fn c105_what_brakes_retries_and_what_does_not() {
    let budget = (
        "design.database.callers.budget",
        "(share: \"10 %\", burst: \"100 retries\")",
    );
    let shed = ("design.database.overload", "(max_queue: 500)");
    let drop = ("design.database.overload", "(drop_dead_work: On)");
    for (name, cure, published) in [
        ("budget of 10 %", budget, 53.0),
        ("shedding at 500", shed, 30.0),
        ("dropping dead work", drop, 38.0),
    ] {
        let found = recovers("700", 3, &[cure, SECOND_HALF], 0..5);
        println!("{name}: recovered at {found:?} (published {published})");
        assert!(found.iter().all(Option::is_some), "{name}: {found:?}");
        assert!(
            (mean(&found) / published - 1.0).abs() < 0.25,
            "{name}: {found:?}"
        );
    }
    for base in ["100 ms", "1 s"] {
        let jitter = format!("FullJitter(base: \"{base}\", cap: \"64 s\")");
        let backoff = ("design.database.callers.backoff", jitter.as_str());
        let found = recovers("700", 3, &[backoff], 0..3);
        println!("full jitter from {base}: recovered at {found:?} (published never)");
        assert!(found.iter().all(Option::is_none), "{base}: {found:?}");
    }
    let throttle = ("design.database.callers.throttle", "(window: \"10 s\")");
    let breaker = ("design.database.callers.breaker", "()");
    for (name, cure) in [("throttle", throttle), ("breaker", breaker)] {
        let found = recovers("700", 3, &[cure, SECOND_HALF], 0..3);
        println!("{name}: recovered at {found:?} (nothing published)");
        assert!(found.iter().all(Option::is_some), "{name}: {found:?}");
        assert!(mean(&found) < 4.0 * TRIGGER_ENDS_S);
    }
}

/// Everybody asks every one of a hundred shards.
const FAN_OUT: &str = r#"(
    version: 1,
    name: "fan-out",
    title: "A hundred leaves",
    story: "Queries that ask a hundred shards.",
    load: (users: 1000, places: {"us-east-1": "100 %"}, access: {"none": "100 %"}),
    channels: (members: Rooms(size: 20)),
    traffic: (query: (rate: "0.05/s per user", size: "1 KB", scatter: "100 %")),
    patterns: (pooling: Off, sharding: On),
    design: (
        place: "us-east-1",
        routing: Local,
        load_balancer: (hop: "0 s"),
        connection_servers: (count: 1, machine: "c7g.4xlarge", profile: "tuned"),
        database: (
            machine: "r7g.xlarge", pool: 1000, queue: "10_000 queries",
            query: Percentiles(min: "1 ms", p50: "5 ms", p95: "10 ms", p99: "1 s"),
        ),
        shards: (count: 100),
    ),
    run: (population_seed: 1, seed: 7, warmup: "5 s", duration: "400 s"),
)"#;

/// Share of the queries that took `ms` and longer.
fn slower(report: &RunReport, ms: f64) -> f64 {
    let latency = &report.operations["query"].latency_ms["answered"];
    let slow = latency.buckets.iter().filter(|bucket| bucket.0 > ms);
    slow.map(|bucket| bucket.1).sum::<u64>() as f64 / latency.count as f64
}

#[test]
fn a_second_copy_cures_the_tail_of_a_hundred_leaves() {
    // One in a hundred leaves takes more than a second. The published figures are of a leaf that takes a second exactly.
    let plain = run(&scenario(FAN_OUT, &[]));
    let hedge = ("traffic.query.hedge", "(after: \"25 ms\")");
    let hedged = run(&scenario(FAN_OUT, &[hedge]));
    let p99 = |report: &RunReport| {
        report.operations["query"].latency_ms["answered"]
            .p99
            .value
            .unwrap()
    };
    let counters = &hedged.tiers["database"].counters;
    let load = counters["hedges"] as f64 / (counters["queries"] - counters["hedges"]) as f64;
    let (before, after) = (slower(&plain, 1_000.0), slower(&hedged, 1_000.0));
    println!(
        "P(1 s and more) {before:.3} -> {after:.4} (published .625 -> .0085, theory .634), p99 {:.0} -> {:.0} ms, load +{:.1} % \
         (published +2.8 %)",
        p99(&plain),
        p99(&hedged),
        100.0 * load
    );
    assert!((before - 0.634).abs() < 0.02, "{before}");
    assert!(after < 0.02, "{after}");
}
