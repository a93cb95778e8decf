//! Copies of the data near their readers: a cache in each region, and replicas that take over.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::RunReport;
use sim_core::scenario::{Edit, load_str};
use system_tests::lab::{run, scenario};

/// Readers and writers in Virginia and Singapore, 235.8 ms apart there and back; the database stands in Virginia.
const WORLD: &str = r#"(
    version: 1,
    name: "copies",
    title: "Two continents",
    story: "Reads and writes from two continents.",
    load: (
        users: 20_000,
        places: {"us-east-1": "50 %", "ap-southeast-1": "50 %"},
        access: {"fiber": "100 %"},
        heartbeat: "2 s",
        heartbeat_timeout: "5 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Rooms(size: 10)),
    traffic: (
        query: (rate: "0.1/s per user", size: "500 B"),
        command: (rate: "0.01/s per user", size: "100 B"),
        keys: (count: "1_000 keys", skew: Even),
    ),
    patterns: (pooling: On, caching_and_edge: On),
    design: (
        place: "us-east-1",
        regions: (
            places: {"us-east-1": "50 %", "ap-southeast-1": "50 %"},
            detect: "5 s",
        ),
        routing: ChannelOwner,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (
            count: 8, machine: "c7g.xlarge", profile: "tuned",
            accept: "20K/s", accept_burst: "20K connections", resume: "0 s", replay: "64 messages",
        ),
        channel_owners: (count: 2, machine: "c7g.large"),
        database: (machine: "r7g.large", pool: 50, queue: "10_000 queries", query: Constant("2 ms")),
        cache: (count: 2, machine: "r7g.large", capacity: "10 MB", ttl: "10 min", place: EachRegion),
    ),
    run: (population_seed: 1, seed: 7, warmup: "5 s", duration: "60 s"),
)"#;

const ONE_WAY_MS: f64 = 235.8 / 2.0;
const HOME: (&str, &str) = ("design.cache.place", "Home");
const QUIET: (&str, &str) = ("traffic.command.rate", "0/s per user");

fn with(edits: &[(&str, &str)]) -> RunReport {
    run(&scenario(WORLD, edits))
}

fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    println!("{what}: {found:.4}, expected {expected:.4}");
    assert!(
        (found - expected).abs() <= tolerance * expected.abs(),
        "{what}: {found} is not {expected} within {tolerance}"
    );
}

/// Median latency of queries from a place.
fn p50(report: &RunReport, place: &str) -> f64 {
    report.operations["query"].by_region[place]
        .p50
        .value
        .unwrap()
}

#[test]
fn a_hit_is_answered_inside_the_region() {
    let near_them = with(&[QUIET]);
    let at_home = with(&[QUIET, HOME]);
    let (asia, home) = ("ap-southeast-1", "us-east-1");
    let cache = &near_them.tiers["cache"];
    println!("{:?}: {:?}", cache.hit_ratio, cache.hit_ratio_by_region);
    assert!(cache.hit_ratio_by_region.values().all(|ratio| *ratio > 0.9));
    near(
        "the way saved",
        p50(&at_home, asia) - p50(&near_them, asia),
        2.0 * ONE_WAY_MS,
        0.01,
    );
    near("home", p50(&near_them, home), p50(&at_home, home), 0.02);
    // Nodes of both regions are there, and paid for.
    assert_eq!((cache.instances, at_home.tiers["cache"].instances), (4, 2));
    let rent = |report: &RunReport| report.cost.as_ref().unwrap().by_tier["cache"];
    assert!(rent(&near_them) > 2.0 * rent(&at_home));
}

#[test]
fn other_regions_are_stale_for_one_way() {
    let report = with(&[]);
    let home = with(&[HOME]);
    let stale = |report: &RunReport| report.operations["query"].stale_ratio;
    println!("with one cache at home: {:.5}", stale(&home));
    // A record is read once a second in each region and written 0.2 times a second; half of the readers hear of it one way
    // later, and have it, unless a write before has dropped it.
    let expected = 0.5 * 0.2 * ONE_WAY_MS / 1e3 / 1.2;
    near("stale", stale(&report), expected, 0.1);
    // What is written at home is stale abroad for one way from then on; what is written abroad, for one way more.
    let age = report.operations["query"].stale_ms.as_ref().unwrap();
    let mean = age.mean.value.unwrap();
    println!("age {mean:.1} ms on average, {:.1} at most", age.max);
    assert!(mean > 0.4 * ONE_WAY_MS && mean < 1.6 * ONE_WAY_MS);
    assert!(age.max < 3.0 * ONE_WAY_MS);
}

#[test]
fn a_partition_leaves_a_region_with_what_it_has() {
    let cut = r#"[(at: "20 s", lasts: "20 s", fault: Partition(from: "us-east-1", to: "ap-southeast-1"))]"#;
    let report = with(&[("faults", cut)]);
    let age = report.operations["query"].stale_ms.as_ref().unwrap();
    println!("age at most {:.0} ms", age.max);
    assert!(age.max > 15_000.0 && age.max < 21_000.0);
}

#[test]
fn a_cluster_that_comes_back_is_cold() {
    let dead =
        r#"[(at: "20 s", lasts: "1 s", fault: Kill(tier: "cache", first: 2, instances: 2))]"#;
    let (well, hurt) = (with(&[QUIET]), with(&[QUIET, ("faults", dead)]));
    let fetches = |report: &RunReport| report.tiers["cache"].counters["fetches"] as f64;
    // Singapore fetches each of a thousand records again; Virginia has all of its own.
    let again = fetches(&hurt) - fetches(&well);
    near("fetched again", again, 1_000.0, 0.1);
    let ratio = |report: &RunReport, place: &str| report.tiers["cache"].hit_ratio_by_region[place];
    let (asia, home) = ("ap-southeast-1", "us-east-1");
    assert!(ratio(&hurt, asia) < ratio(&well, asia));
    near("home", ratio(&hurt, home), ratio(&well, home), 1e-9);
}

/// Singapore has two replicas of the database in Virginia.
const FOLLOWED: [(&str, &str); 4] = [
    (
        "design.replicas",
        r#"(count: 2, lag: Constant("500 ms"), failover: (detect: "4 s", promote: "6 s"))"#,
    ),
    ("design.cache.capacity", "1 B"),
    ("traffic.command.rate", "0.05/s per user"),
    ("traffic.keys.count", "100_000 keys"),
];
const KILL: &str = r#"[(at: "20 s", lasts: "25 s", fault: Kill(tier: "database", first: 0))]"#;

fn followed(more: &[(&str, &str)]) -> RunReport {
    let edits: Vec<_> = FOLLOWED.iter().chain(more).copied().collect();
    with(&edits)
}

#[test]
fn a_replica_takes_over_and_what_was_not_sent_is_lost() {
    let report = followed(&[("faults", KILL)]);
    let command = &report.operations["command"];
    let rate = command.offered_per_s;
    let unavailable = command.failed as f64 / rate;
    near("unavailable, seconds", unavailable, 10.0, 0.05);
    // Reads go on.
    let query = &report.operations["query"];
    assert_eq!(query.failed + query.timed_out, 0);
    // Acknowledged writes of the last half second; those of Singapore are in the log when they are acknowledged there.
    let lost = report.tiers["database"].writes_lost.unwrap();
    let lag_s = 0.5 + 0.5 * ONE_WAY_MS / 1e3;
    near("writes lost", lost as f64, rate * lag_s, 0.1);
    let fault = &report.faults[0];
    println!("{fault:?}");
    near("detected", fault.detected_s.unwrap(), 24.0, 1e-9);
    near("taken over", fault.failover_s.unwrap(), 30.0, 1e-9);
}

#[test]
fn without_failover_writes_fail_until_the_primary_is_back() {
    let alone = ("design.replicas", r#"(count: 2, lag: Constant("500 ms"))"#);
    let report = followed(&[alone, ("faults", KILL)]);
    let command = &report.operations["command"];
    near(
        "unavailable, seconds",
        command.failed as f64 / command.offered_per_s,
        25.0,
        0.05,
    );
    assert_eq!(report.tiers["database"].writes_lost, None);
    assert_eq!(report.faults[0].failover_s, None);
}

#[test]
fn a_primary_that_is_back_in_time_loses_nothing() {
    let brief = r#"[(at: "20 s", lasts: "5 s", fault: Kill(tier: "database", first: 0))]"#;
    let report = followed(&[("faults", brief)]);
    assert_eq!(report.tiers["database"].writes_lost, Some(0));
    assert_eq!(report.faults[0].failover_s, None);
    // What it had not sent arrives after all: every replica hears of every write.
    let command = &report.operations["command"];
    let written = command.completed_per_s * report.simulated_s;
    let applied = report.tiers["replicas"].counters["applied"] as f64;
    near("applied by four replicas", applied / 4.0, written, 0.12);
}

#[test]
fn a_lost_home_region_is_taken_over_from_the_other() {
    let lost = r#"[(at: "20 s", fault: LoseRegion(region: "us-east-1"))]"#;
    let report = followed(&[("faults", lost)]);
    let series = &report.series.as_ref().unwrap().operations["command"];
    println!("{:?}", series.deliveries_per_s);
    let last: Vec<f64> = series
        .deliveries_per_s
        .iter()
        .rev()
        .skip(1)
        .take(10)
        .copied()
        .collect();
    near(
        "answered again",
        last.iter().sum::<f64>() / 10.0,
        1_000.0,
        0.05,
    );
    // The database is where the others are now: their writes no longer cross the ocean.
    assert!(report.tiers["database"].writes_lost.unwrap() > 0);
}

#[test]
fn what_is_not_simulated_is_said() {
    let edits: Vec<Edit> = FOLLOWED
        .iter()
        .chain(&[("design.database.overload", "(max_queue: \"100 queries\")")])
        .map(|(path, value)| Edit::Set {
            path: (*path).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    let errors = load_str(WORLD, "test.ron", &edits).unwrap_err();
    let text = errors.first().unwrap().to_string();
    println!("{text}");
    assert!(text.contains("takes over is not simulated together with retries"));
}
