//! Shards and caches as whole systems: the concept rows on scaling a store, on caching and on freshness, and what faults do.
//!
//! An article's claim is a hypothesis: where a figure differs from the claim, the test says so and holds the measured one.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use routing::{Placement, PlacementMap};
use sim_core::report::{RunReport, SeriesReport, TierReport};
use sim_core::scenario::Scenario;
use system_tests::lab::{run, scenario};

/// Everybody reads and writes records of a store; whatever is not the store has room to spare.
const STORE: &str = r#"(
    version: 1,
    name: "store",
    title: "A store",
    story: "Reads and writes of a hundred thousand records.",
    load: (
        users: 20_000,
        places: {"us-east-1": "100 %"},
        access: {"fiber": "100 %"},
        heartbeat: "60 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Rooms(size: 20)),
    traffic: (
        query: (rate: "0.5/s per user", size: "1 KB"),
        command: (rate: "0/s per user", size: "100 B"),
        keys: (count: "100_000 keys", skew: Zipf(exponent: 1.0)),
    ),
    patterns: (pooling: On, sharding: Off, caching_and_edge: Off),
    design: (
        place: "us-east-1",
        routing: Local,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (count: 4, machine: "c7g.4xlarge", profile: "tokio-websocket"),
        database: (machine: "r7g.xlarge", pool: 40, queue: "10_000 queries", timeout: "2 s", query: Exponential(mean: "2 ms")),
        shards: (count: 4),
        // A tenth of the records: 100 000 of 1 000 bytes.
        cache: (count: 4, machine: "r7g.large", capacity: "2_500_000 B", policy: Lru, ttl: "10 min", coalesce: Off),
    ),
    run: (population_seed: 1, seed: 7, warmup: "5 s", duration: "60 s"),
)"#;

fn store(edits: &[(&str, &str)]) -> Scenario {
    scenario(STORE, edits)
}

fn with<'a>(base: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> RunReport {
    let edits: Vec<(&str, &str)> = base.iter().chain(more).copied().collect();
    run(&store(&edits))
}

fn database(report: &RunReport) -> &TierReport {
    &report.tiers["database"]
}

fn hit_ratio(report: &RunReport) -> f64 {
    report.tiers["cache"].hit_ratio.unwrap()
}

/// Over time.
fn hit_ratios(series: &SeriesReport) -> Vec<f64> {
    let ratios = series.tiers["cache"].hit_ratio.iter();
    ratios.map(|ratio| ratio.unwrap()).collect()
}

fn answered_per_s(report: &RunReport, operation: &str) -> f64 {
    report.operations[operation].completed_per_s
}

const SHARDED: (&str, &str) = ("patterns.sharding", "On");
const CACHED: (&str, &str) = ("patterns.caching_and_edge", "On");
const EVEN: (&str, &str) = ("traffic.keys.skew", "Even");

/// Writes that are answered in time while ever more are asked for.
fn sustained(shards: &str, per_user: &str) -> f64 {
    let edits = [
        SHARDED,
        EVEN,
        ("design.shards.count", shards),
        ("traffic.command.rate", per_user),
        ("traffic.query.rate", "0.01/s per user"),
        ("design.database.queue", "100 queries"),
        ("run.duration", "20 s"),
    ];
    answered_per_s(&run(&store(&edits)), "command")
}

#[test]
fn c036_shards_multiply_what_can_be_written() {
    // 40 connections of 2 ms write 20 000 times a second; twice that is asked for.
    let one = sustained("1", "2/s per user");
    let four = sustained("4", "8/s per user");
    println!(
        "writes sustained: one shard {one:.0}/s, four {four:.0}/s: × {:.2}",
        four / one
    );
    assert!((four / one / 4.0 - 1.0).abs() < 0.1);
    assert!((one / 20_000.0 - 1.0).abs() < 0.05);
}

#[test]
fn c041_who_asks_every_shard_waits_for_the_slowest() {
    let slow = (
        "design.database.query",
        "Percentiles(min: \"1 ms\", p50: \"2 ms\", p95: \"3 ms\", p99: \"200 ms\")",
    );
    let base = [
        SHARDED,
        slow,
        ("traffic.query.rate", "0.01/s per user"),
        ("design.shards.count", "100"),
    ];
    let p50 = |share: &str| {
        let report = with(&base, &[("traffic.query.scatter", share)]);
        report.operations["query"].latency_ms["answered"]
            .p50
            .value
            .unwrap()
    };
    let (one, all) = (p50("0 %"), p50("100 %"));
    // The slowest of a hundred exceeds each one's p99 with probability 1 − 0.99^100 = 0.634: more often than not.
    println!("median of one shard {one:.1} ms, of all hundred {all:.1} ms");
    assert!(one < 20.0 && all > 150.0);
}

/// How much more the most loaded shard has to do than the mean: one value for each way to place records.
fn hottest_shards(shards: &str) -> Vec<f64> {
    let placements = ["Slots", "Jump", "Modulo", "Rendezvous"];
    let hottest = |placement: &str| {
        let edits = [
            SHARDED,
            ("design.shards.count", shards),
            ("design.shards.placement", placement),
            ("design.database.pool", "400"),
            ("run.duration", "20 s"),
        ];
        let report = run(&store(&edits));
        let pool = database(&report).utilization["pool"];
        pool.hottest / pool.mean
    };
    placements.map(hottest).to_vec()
}

#[test]
fn c043_skew_decides_how_far_shards_scale() {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    for shards in ["4", "16", "64"] {
        let edits = [
            SHARDED,
            EVEN,
            ("traffic.keys.count", "1_000_000"),
            ("traffic.query.rate", "1/s per user"),
            ("design.shards.count", shards),
            ("design.database.pool", "400"),
        ];
        let report = run(&store(&edits));
        let pool = database(&report).utilization["pool"];
        let efficiency = pool.mean / pool.hottest;
        println!("{shards} shards, all records alike: efficiency {efficiency:.3}");
        assert!(efficiency >= 0.95, "{shards}: {efficiency}");
    }
    // Published are single draws of 100 000 tenants; the mean of many random assignments is 2.27, 6.2 and 22.3.
    for (shards, published, random) in [("16", 1.99, 2.27), ("64", 6.03, 6.2), ("256", 21.9, 22.3)]
    {
        let draws = hottest_shards(shards);
        let hottest = mean(&draws);
        println!(
            "{shards} shards, Zipf 1.0: hottest {hottest:.2} × the mean of {draws:.2?} (published {published})"
        );
        assert!((hottest / random - 1.0).abs() < 0.15, "{shards}: {hottest}");
    }
}

#[test]
fn c050_freshness_is_paid_for_with_latency() {
    let base = [
        CACHED,
        ("traffic.command.rate", "0.2/s per user"),
        ("design.cache.on_write", "Nothing"),
    ];
    let mut before: Option<(f64, f64, f64)> = None;
    for ttl in ["0 s", "1 s", "10 s", "60 s", "300 s"] {
        let report = with(&base, &[("design.cache.ttl", ttl)]);
        let query = &report.operations["query"];
        let mean = query.latency_ms["answered"].mean.value.unwrap();
        let (stale, hits) = (query.stale_ratio, hit_ratio(&report));
        let age = query
            .stale_ms
            .as_ref()
            .and_then(|ages| ages.mean.value)
            .unwrap_or(0.0);
        println!(
            "ttl {ttl}: hit ratio {hits:.3}, mean {mean:.2} ms, {:.1} % stale by {age:.0} ms",
            100.0 * stale
        );
        if ttl == "0 s" {
            assert!(stale == 0.0 && hits == 0.0);
        }
        if let Some((hits_before, mean_before, stale_before)) = before {
            assert!(hits > hits_before && mean < mean_before + 0.02 && stale > stale_before);
        }
        before = Some((hits, mean, stale));
    }
}

#[test]
fn c051_what_tolerates_no_staleness_is_not_cached() {
    let base = [("traffic.command.rate", "0.2/s per user")];
    let cached = with(&base, &[CACHED, ("design.cache.on_write", "Nothing")]);
    let direct = with(&base, &[]);
    let stale = |report: &RunReport| report.operations["query"].stale_ratio;
    println!(
        "stale answers: cached {:.2} %, read from the database {:.2} %",
        100.0 * stale(&cached),
        100.0 * stale(&direct)
    );
    assert!(stale(&cached) > 0.05 && stale(&direct) == 0.0);
}

#[test]
fn c059_a_cache_takes_its_hits_off_the_database() {
    for (policy, published) in [("Lru", 0.738), ("Sieve", 0.787), ("S3Fifo", 0.789)] {
        let report = with(
            &[CACHED, ("traffic.query.rate", "2/s per user")],
            &[("design.cache.policy", policy)],
        );
        let hits = hit_ratio(&report);
        let asked = report.tiers["cache"].counters["fetches"] as f64;
        let reads = report.operations["query"].offered_per_s * report.simulated_s;
        println!(
            "{policy}: hit ratio {hits:.4} (published {published}), the database answers {:.4} of all reads",
            asked / reads
        );
        assert!((hits - published).abs() < 0.02, "{policy}: {hits}");
        assert!((asked / reads - (1.0 - hits)).abs() < 0.01);
    }
}

#[test]
fn c093_requests_for_a_hot_record_are_fetched_once() {
    let base = [
        CACHED,
        ("traffic.keys.count", "1"),
        ("design.cache.capacity", "1 MB"),
        ("design.cache.ttl", "30 s"),
        ("run.duration", "125 s"),
        (
            "design.database.query",
            "Uniform(min: \"300 ms\", max: \"500 ms\")",
        ),
        ("design.database.pool", "100000"),
        ("design.database.queue", "1_000_000 queries"),
    ];
    let rebuilds = |edits: &[(&str, &str)]| {
        let report = with(&base, edits);
        report.tiers["cache"].counters["fetches"] as f64 / (report.simulated_s / 30.4)
    };
    // 10 000 requests a second, a lifetime of 30 s and 0.4 s to fetch.
    let none = rebuilds(&[]);
    let coalesced = rebuilds(&[("design.cache.coalesce", "On")]);
    let early = rebuilds(&[("design.cache.early", "1"), ("run.duration", "400 s")]);
    println!(
        "fetches per expiry: {none:.0} without protection, {coalesced:.2} coalesced, {early:.2} with early expiry"
    );
    assert!((none / 2_960.0 - 1.0).abs() < 0.1, "{none}");
    assert!((coalesced - 1.0).abs() < 0.15, "{coalesced}");
    assert!((1.5..=4.0).contains(&early), "{early}");
}

/// The node's records move as the ring says, miss, and are fetched again; the others stay where they are.
#[test]
fn a_node_added_to_ten_moves_its_share_and_the_database_feels_it() {
    let edits = [
        CACHED,
        ("design.cache.count", "11"),
        ("design.cache.capacity", "909_000 B"),
        ("design.cache.ttl", "1 h"),
        ("traffic.query.rate", "0.02/s per user"),
        (
            "faults",
            "[(at: \"0 s\", lasts: \"300 s\", fault: Kill(tier: \"cache\", first: 10, instances: 1))]",
        ),
        ("run.duration", "1200 s"),
    ];
    let report = run(&store(&edits));
    let series = report.series.as_ref().unwrap();
    let ratios = hit_ratios(series);
    let pool = &series.tiers["database"].cpu;
    let at = |seconds: f64| ((seconds - series.start_s) / series.step_s).round() as usize;
    let mean = |of: &[f64], from: f64, to: f64| {
        let steps = &of[at(from)..at(to)];
        steps.iter().sum::<f64>() / steps.len() as f64
    };
    let before = mean(&ratios, 100.0, 290.0);
    let dip = ratios[at(300.0)..at(345.0)]
        .iter()
        .copied()
        .fold(1.0, f64::min);
    let after = mean(&ratios, 1_000.0, 1_190.0);
    let surge = mean(pool, 300.0, 330.0) / mean(pool, 100.0, 290.0);
    let recovered = ratios[at(345.0)..]
        .iter()
        .position(|&ratio| ratio >= before);
    let recovered_s = recovered.map(|steps| 45.0 + steps as f64 * series.step_s);
    let (ten, eleven): (Vec<u32>, Vec<u32>) = ((0..10).collect(), (0..11).collect());
    let ring = Placement::Ring { virtual_nodes: 100 };
    let (old, new) = (
        PlacementMap::new(ring, &ten),
        PlacementMap::new(ring, &eleven),
    );
    let moved = (0..100_000).filter(|&record| old.owner(record) != new.owner(record));
    let elsewhere = moved
        .clone()
        .filter(|&record| new.owner(record) != Some(10))
        .count();
    let share = moved.count() as f64 / 1e5;
    println!(
        "{share:.3} of the records move, all to the new node; hit ratio {before:.3} before, {dip:.3} at its lowest, {after:.3} at \
         the end; the database works × {surge:.2}; recovered after {recovered_s:?} s"
    );
    assert!(elsewhere == 0 && (share - 1.0 / 11.0).abs() < 0.03);
    // Nothing of what moved is there at first, and nothing else is gone.
    assert!(dip < before - 0.01 && dip > before - share);
    assert!(surge > 1.02 && recovered_s.is_some() && after > before - 0.01);
}

#[test]
fn a_flushed_cache_leaves_the_database_with_everything_for_a_while() {
    let edits = [
        CACHED,
        ("faults", "[(at: \"20 s\", fault: FlushCache)]"),
        ("traffic.query.rate", "1/s per user"),
    ];
    let report = run(&store(&edits));
    let series = report.series.as_ref().unwrap();
    let ratios = hit_ratios(series);
    let lowest = ratios.iter().copied().fold(1.0, f64::min);
    println!(
        "hit ratio {:.3} before the flush, {lowest:.3} at its lowest, {:.3} at the end",
        ratios[5],
        ratios[ratios.len() - 2]
    );
    assert!(lowest < ratios[5] - 0.1 && ratios[ratios.len() - 2] > ratios[5] - 0.03);
    assert_eq!(report.operations["query"].failed, 0);
}

#[test]
fn a_dead_shard_takes_only_its_own_records_with_it() {
    let edits = [
        SHARDED,
        EVEN,
        (
            "faults",
            "[(at: \"20 s\", lasts: \"10 s\", fault: Kill(tier: \"database\", first: 2, instances: 1))]",
        ),
    ];
    let report = run(&store(&edits));
    let query = &report.operations["query"];
    let share = query.failed as f64 / (query.offered_per_s * 10.0);
    println!(
        "one of four shards away for 10 s: {:.3} of those reads fail",
        share
    );
    assert!((share - 0.25).abs() < 0.02, "{share}");
}

#[test]
fn patterns_switched_off_and_on_again_change_nothing() {
    let report = |edits: &[(&str, &str)]| {
        let mut report = with(
            &[
                ("run.duration", "10 s"),
                ("traffic.command.rate", "0.1/s per user"),
            ],
            edits,
        );
        report.engine = Default::default();
        serde_json::to_string(&report).unwrap()
    };
    let off = report(&[]);
    let on = report(&[SHARDED, CACHED]);
    assert_ne!(off, on);
    let twice = [
        SHARDED,
        CACHED,
        ("patterns.sharding", "Off"),
        ("patterns.caching_and_edge", "Off"),
    ];
    let tiers = |json: &str| json.split("\"sources\"").next().unwrap().to_owned();
    assert_eq!(tiers(&report(&twice)), tiers(&off));
    let back: Vec<(&str, &str)> = twice.iter().copied().chain([SHARDED, CACHED]).collect();
    assert_eq!(tiers(&report(&back)), tiers(&on));
}

const REPLICAS: (&str, &str) = (
    "design.replicas",
    r#"(count: 3, lag: Exponential(mean: "100 ms"))"#,
);

/// Reads and writes with three replicas and no cache, 20 000 users.
fn replicated(more: &[(&str, &str)]) -> RunReport {
    let edits = [
        CACHED,
        REPLICAS,
        ("design.cache.capacity", "1 B"),
        ("design.database.query", r#"Constant("2 ms")"#),
        ("design.database.pool", "20"),
        ("traffic.keys", r#"(count: "1_000 keys", skew: Even)"#),
        ("traffic.query.rate", "0.2/s per user"),
        ("traffic.command.rate", "0.02/s per user"),
    ];
    with(&edits, more)
}

fn pool(report: &RunReport, tier: &str) -> f64 {
    report.tiers[tier].utilization["pool"].mean
}

#[test]
fn replicas_take_reads_off_the_primary_and_repeat_its_writes() {
    // 4 000 reads and 400 writes a second of 2 ms: 20 connections carry 10 000 a second.
    let all = replicated(&[]);
    let close = |found: f64, expected: f64| {
        assert!(
            (found / expected - 1.0).abs() < 0.03,
            "{found} is not {expected}"
        )
    };
    close(pool(&all, "database"), 400.0 / 10_000.0);
    close(pool(&all, "replicas"), (4_000.0 / 3.0 + 400.0) / 10_000.0);
    let half = replicated(&[("design.replicas.reads", "50 %")]);
    close(pool(&half, "database"), 2_400.0 / 10_000.0);
    close(pool(&half, "replicas"), (2_000.0 / 3.0 + 400.0) / 10_000.0);
}

#[test]
fn a_replica_answers_with_what_it_knows() {
    let report = replicated(&[]);
    let lag = report.tiers["replicas"].lag_ms.unwrap();
    // The lag itself, a write of 2 ms, half a round trip, and the order of the log after a second of more lag.
    println!("lag {:.1} ms on average, {:.1} at most", lag.mean, lag.max);
    assert!(lag.mean > 90.0 && lag.mean < 130.0 && lag.max < 1_000.0);
    // A record is written 0.4 times a second, and stale as long as it lags.
    let expected = 1.0 - (-0.4 * lag.mean / 1e3).exp();
    let stale = report.operations["query"].stale_ratio;
    println!("stale {stale:.4}, expected {expected:.4}");
    assert!((stale / expected - 1.0).abs() < 0.1);
}

#[test]
fn readers_of_a_dead_replica_ask_the_primary() {
    let dead = (
        "faults",
        r#"[(at: "20 s", lasts: "20 s", fault: Kill(tier: "replicas", first: 1))]"#,
    );
    let (well, hurt) = (replicated(&[]), replicated(&[dead]));
    assert_eq!(hurt.operations["query"].failed, 0);
    // A third of the reads for a third of the minute.
    let more = pool(&hurt, "database") - pool(&well, "database");
    assert!(
        (more / (4_000.0 / 9.0 / 10_000.0) - 1.0).abs() < 0.05,
        "{more}"
    );
}
