//! Points of presence as whole systems: assets, answers kept close to the users, what is pushed instead, and one that dies.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::{OperationReport, RunReport, TierReport};
use sim_core::scenario::Scenario;
use system_tests::lab::{preset, run, scenario};

/// Everybody reads records and fetches assets; half of them on the other side of an ocean.
const WEB: &str = r#"(
    version: 1,
    name: "web",
    title: "A web",
    story: "Records and assets, from points of presence.",
    load: (
        users: 10_000,
        places: {"us-east-1": "50 %", "eu-west-1": "50 %"},
        access: {"fiber": "100 %"},
        heartbeat: "60 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Rooms(size: 20)),
    traffic: (
        query: (rate: "0.2/s per user", size: "1 KB", edge: (ttl: "10 s")),
        command: (rate: "100/s", size: "100 B"),
        keys: (count: "500 keys", skew: Zipf(exponent: 1.0)),
        asset: (rate: "0.1/s per user", size: "20 KB", count: "500 assets", skew: Zipf(exponent: 1.0)),
    ),
    patterns: (caching_and_edge: On),
    design: (
        place: "us-east-1",
        routing: Local,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (count: 4, machine: "c7g.4xlarge", profile: "tokio-websocket"),
        database: (machine: "r7g.xlarge", pool: 40, timeout: "2 s", query: Exponential(mean: "2 ms")),
        edge: (places: ["us-east-1", "us-east-2", "eu-west-1"], capacity: "1 GB", detection: "5 s"),
        origin: (count: 2, machine: "c7g.4xlarge"),
    ),
    run: (population_seed: 1, seed: 7, warmup: "5 s", duration: "60 s"),
)"#;

const OFF: (&str, &str) = ("patterns.caching_and_edge", "Off");
/// The preset with a fiftieth of its users: 200 rosters a second.
const FEW: [(&str, &str); 2] = [("load.users", "20_000"), ("run.duration", "40 s")];

fn web(edits: &[(&str, &str)]) -> RunReport {
    run(&scenario(WEB, edits))
}

fn live(edits: &[(&str, &str)]) -> Scenario {
    let edits: Vec<(&str, &str)> = FEW.iter().chain(edits).copied().collect();
    scenario(preset("espn-live"), &edits)
}

fn edge(report: &RunReport) -> &TierReport {
    &report.tiers["edge"]
}

fn cost(report: &RunReport, tier: &str, category: &str) -> f64 {
    let items = &report.cost.as_ref().unwrap().items;
    let found = items
        .iter()
        .find(|item| item.tier == tier && item.category == category);
    found.map_or(0.0, |item| item.usd_per_month)
}

fn ages(operation: &OperationReport) -> (f64, f64) {
    let ages = operation.stale_ms.as_ref();
    ages.map_or((0.0, 0.0), |ages| (ages.mean.value.unwrap(), ages.max))
}

/// Between the two regions, one way.
fn one_way_s() -> f64 {
    let assets = sim_core::scenario::assets::assets();
    let trip = assets.round_trip("eu-west-1", "us-east-1").unwrap();
    trip.mean.as_secs_f64() / 2.0
}

/// All but the engine, as bytes.
fn bytes(mut report: RunReport) -> String {
    report.engine = sim_core::report::EngineReport::default();
    serde_json::to_string(&report).unwrap()
}

#[test]
fn c045_points_of_presence_take_the_bytes_off_the_origin() {
    let on = run(&live(&[]));
    let off = run(&live(&[OFF]));
    let offload = edge(&on).origin_offload.unwrap();
    let sent = |report: &RunReport| report.tiers["origin"].counters["bytes_out"] as f64;
    let fewer = 1.0 - sent(&on) / sent(&off);
    let egress = |report: &RunReport| {
        cost(report, "origin", "egress") + cost(report, "connection_servers", "egress")
    };
    let origin = 1.0 - cost(&on, "origin", "egress") / cost(&off, "origin", "egress");
    println!(
        "95 % of assets cacheable: {:.2} % of the bytes to clients are not the origin's; its web servers send {:.2} % \
         fewer bytes, which cost {:.2} % less; all egress of the region falls from {:.0} to {:.0} USD a month, the \
         points of presence cost {:.0}",
        100.0 * offload,
        100.0 * fewer,
        100.0 * origin,
        egress(&off),
        egress(&on),
        cost(&on, "edge", "edge egress") + cost(&on, "edge", "edge requests")
    );
    assert!(offload >= 0.9 && fewer >= 0.9);
    assert!((origin - fewer).abs() < 0.01, "{origin} {fewer}");
    // Nothing but the personal twentieth is left, and it is not cached by accident.
    assert!(fewer < 0.955, "{fewer}");
    assert!(cost(&on, "edge", "edge egress") > 0.0 && cost(&off, "edge", "edge egress") == 0.0);
    let answered = |report: &RunReport| {
        let own = &report.operations["fetch_asset"];
        assert!(own.failed == 0 && own.offered_per_s > 500.0);
        assert!((own.completed_per_s / own.offered_per_s - 1.0).abs() < 0.01);
        own.latency_ms["answered"].p50.value.unwrap()
    };
    assert!(answered(&on) < answered(&off));
}

#[test]
fn c045_a_shield_is_asked_instead_of_the_origin() {
    let cold = ("design.edge.start", "Cold");
    let edits = [cold, ("run.warmup", "0 s"), ("traffic.query.rate", "0/s")];
    let with = |shield: &str| {
        let edits: Vec<(&str, &str)> = edits
            .iter()
            .copied()
            .chain([("design.edge.shield", shield)])
            .collect();
        web(&edits)
    };
    let alone = web(&edits);
    let shielded = with("(place: \"us-east-1\", capacity: \"1 GB\")");
    let fetched = |report: &RunReport| report.tiers["origin"].counters["requests"];
    println!(
        "500 assets, two points of presence: {} fetches from the origin, {} behind a shield, which answered {}",
        fetched(&alone),
        fetched(&shielded),
        edge(&shielded).counters["shield_hits"]
    );
    assert!(fetched(&shielded) <= 500 && fetched(&alone) > 800);
    assert!(edge(&shielded).counters["shield_hits"] > 300);
}

#[test]
fn c046_longer_lifetimes_hit_more_and_serve_older_answers() {
    let mut before = (0.0, 0.0);
    for (ttl, seconds) in [
        ("0 s", 0.0),
        ("1 s", 1.0),
        ("5 s", 5.0),
        ("20 s", 20.0),
        ("40 s", 40.0),
    ] {
        let report = web(&[
            ("traffic.query.edge.ttl", ttl),
            ("traffic.asset.rate", "0/s"),
        ]);
        let hits = edge(&report).hit_ratio.unwrap();
        let query = &report.operations["query"];
        let (mean, max) = ages(query);
        println!(
            "ttl {ttl}: hit ratio {hits:.3}, {:.1} % stale by {mean:.0} ms, {max:.0} ms at most",
            100.0 * query.stale_ratio
        );
        if seconds == 0.0 {
            assert!(hits == 0.0);
        }
        assert!(hits >= before.0 && mean >= before.1);
        // The answer was read before it travelled to where its lifetime began.
        assert!(max <= seconds * 1e3 + 500.0, "{ttl}: {max} ms");
        before = (hits, mean);
    }
}

#[test]
fn c046_while_it_is_fetched_again_an_expired_answer_is_served() {
    let edits = [
        ("traffic.query.edge.ttl", "2 s"),
        ("traffic.asset.rate", "0/s"),
    ];
    let plain = web(&edits);
    let mut more = edits.to_vec();
    more.push(("design.edge.stale", "5 s"));
    let stale = web(&more);
    let p99 = |report: &RunReport| report.operations["query"].latency_ms["answered"].p99.value;
    let (_, oldest) = ages(&stale.operations["query"]);
    println!(
        "stale-while-revalidate: p99 {:?} ms instead of {:?}, {} answers expired, the oldest superseded {oldest:.0} ms before",
        p99(&stale),
        p99(&plain),
        edge(&stale).counters["stale_served"]
    );
    assert!(edge(&stale).counters["stale_served"] > 1_000);
    assert!(edge(&stale).hit_ratio > edge(&plain).hit_ratio);
    assert!(oldest <= 7_500.0 && oldest > 2_500.0);
}

#[test]
fn c046_word_of_a_write_takes_half_a_round_trip() {
    let edits = |invalidate| {
        [
            ("traffic.query.edge.ttl", "40 s"),
            ("traffic.query.edge.invalidate", invalidate),
            ("traffic.command.rate", "10/s"),
            ("traffic.query.rate", "0.5/s per user"),
            ("traffic.asset.rate", "0/s"),
        ]
    };
    let (told, untold) = (web(&edits("On")), web(&edits("Off")));
    let stale = |report: &RunReport| report.operations["query"].stale_ratio;
    let (mean, _) = ages(&told.operations["query"]);
    println!(
        "stale answers: {:.2} % when commands invalidate, superseded {mean:.1} ms before; {:.2} % when they do not",
        100.0 * stale(&told),
        100.0 * stale(&untold)
    );
    // Half of the readers are half a round trip away, and Σ p² of these records is 0.0356.
    let predicted = 0.5 * 10.0 * 0.0356 * one_way_s();
    println!("by the lag of the word {:.2} %", 100.0 * predicted);
    assert!((stale(&told) / predicted - 1.0).abs() < 0.2);
    assert!((mean / 1e3 / (one_way_s() / 2.0) - 1.0).abs() < 0.2);
    assert!(stale(&told) < stale(&untold) / 50.0);
    assert!(edge(&told).counters["invalidated"] > 1_000);
}

#[test]
fn c048_what_is_pushed_is_never_old() {
    // Around goals, and for long enough to speak of one in a hundred.
    let pushed = run(&live(&[
        ("traffic.publish.rate", "5/s per channel"),
        ("traffic.asset.rate", "0/s"),
        ("run.duration", "120 s"),
    ]));
    let scores = &pushed.operations["publish"];
    let p99 = scores.latency_ms["delivered"].p99.value.unwrap();
    let hits = edge(&pushed).hit_ratio.unwrap();
    println!(
        "pushed scores: p99 {p99:.0} ms, {:.3} % stale, {} lost; rosters: hit ratio {hits:.4}",
        100.0 * scores.stale_ratio,
        scores.lost
    );
    assert!(scores.received > 10_000 && scores.lost == 0 && scores.stale_ratio == 0.0);
    assert!(p99 < 2_000.0);
    assert!(hits >= 0.99);
    // The same scores asked for through a cache that keeps them for 10 s: five events a second in each of fifty matches.
    let asked = run(&live(&[
        ("traffic.query.edge.ttl", "10 s"),
        ("traffic.query.edge.invalidate", "Off"),
        ("traffic.query.rate", "0.05/s per user"),
        ("traffic.query.size", "200 B"),
        ("traffic.keys.count", "50"),
        ("traffic.keys.skew", "Even"),
        ("traffic.command.rate", "250/s"),
        ("traffic.asset.rate", "0/s"),
    ]));
    let query = &asked.operations["query"];
    let (mean, max) = ages(query);
    println!(
        "asked for through a 10 s cache: {:.1} % stale, by {:.2} s on average and {:.2} s at most",
        100.0 * query.stale_ratio,
        mean / 1e3,
        max / 1e3
    );
    assert!(query.stale_ratio > 0.9);
    assert!((mean / 1e3 - 5.0).abs() < 0.6, "{mean} ms");
    assert!(max <= 10_500.0);
}

#[test]
fn the_switch_gives_the_same_bytes_after_two_turns() {
    let short = ("run.duration", "5 s");
    let on = scenario(WEB, &[short]);
    let mut turned = on.clone();
    turned.patterns.caching_and_edge = false;
    let off = run(&turned);
    assert!(!off.tiers.contains_key("edge"));
    assert!(off.operations["fetch_asset"].completed_per_s > 500.0);
    assert_eq!(off.operations["fetch_asset"].failed, 0);
    turned.patterns.caching_and_edge = true;
    assert_eq!(bytes(run(&on)), bytes(run(&turned)));
}

#[test]
fn when_a_point_of_presence_dies_the_next_nearest_serves() {
    let fault =
        r#"[(at: "20 s", lasts: "20 s", fault: Kill(tier: "edge", first: 0, instances: 1))]"#;
    let report = web(&[("faults", fault), ("design.edge.start", "Warm")]);
    let healthy = web(&[]);
    let next = |report: &RunReport| edge(report).counters["requests_us-east-2"];
    let series = report.series.as_ref().unwrap();
    let hits = &series.tiers["edge"].hit_ratio;
    let mean = |from: f64, to: f64| {
        let step = |s: f64| ((s - series.start_s) / series.step_s) as usize;
        let part: Vec<f64> = hits[step(from)..step(to)]
            .iter()
            .flatten()
            .copied()
            .collect();
        part.iter().sum::<f64>() / part.len() as f64
    };
    let (before, taken_over, back, later) = (
        mean(10.0, 20.0),
        mean(25.0, 27.0),
        mean(40.0, 42.0),
        mean(55.0, 65.0),
    );
    let failed = report.operations["fetch_asset"].failed + report.operations["query"].failed;
    println!(
        "hit ratio {before:.3} before, {taken_over:.3} when the next takes over cold, {back:.3} when it is back empty, \
         {later:.3} at the end; {failed} requests failed until it was noticed; the next served {} instead of {}",
        next(&report),
        next(&healthy)
    );
    assert_eq!(next(&healthy), 0);
    assert!(next(&report) > 10_000);
    // Half of 3 000 requests a second, for 5 s.
    assert!((failed as f64 / 7_500.0 - 1.0).abs() < 0.1, "{failed}");
    assert!(taken_over < before - 0.05 && back < before - 0.05 && (later - before).abs() < 0.02);
}

#[test]
fn a_flush_empties_the_points_of_presence_too() {
    let flush = ("faults", r#"[(at: "30 s", fault: FlushCache)]"#);
    let (flushed, kept) = (web(&[flush]), web(&[]));
    let misses = |report: &RunReport| edge(report).counters["fetches"];
    assert!(misses(&flushed) > misses(&kept) + 500);
}

#[test]
fn a_dead_web_server_is_passed_over() {
    let kill = (
        "faults",
        r#"[(at: "20 s", fault: Kill(tier: "origin", first: 1, instances: 1))]"#,
    );
    let report = web(&[kill, OFF]);
    let assets = &report.operations["fetch_asset"];
    let origin = &report.tiers["origin"];
    assert!(assets.failed <= 3, "{}", assets.failed);
    assert!(origin.utilization["cpu"].hottest > 1.2 * origin.utilization["cpu"].mean);
    let none = (
        "faults",
        r#"[(at: "20 s", fault: Kill(tier: "origin", instances: 2))]"#,
    );
    let dead = web(&[none, OFF]);
    assert!(dead.operations["fetch_asset"].failed > 30_000);
}

#[test]
fn c093_a_hot_asset_is_fetched_once_per_lifetime_and_place() {
    let with = |coalesce: &str| {
        web(&[
            ("traffic.asset.count", "1"),
            ("traffic.asset.rate", "0.5/s per user"),
            ("traffic.asset.ttl", "10 s"),
            ("traffic.query.rate", "0/s"),
            ("design.edge.coalesce", coalesce),
        ])
    };
    let fetches = |report: &RunReport| edge(report).counters["fetches"];
    let (on, off) = (fetches(&with("On")), fetches(&with("Off")));
    println!(
        "60 s of 2 500 requests a second in two places, 10 s to live: {on} fetches; {off} without coalescing"
    );
    // Each place fetches 6 times, give or take the one that falls on an end.
    assert!((10..=14).contains(&on), "{on}");
    // Without it everybody fetches who comes while the first fetch is under way: 68 ms from the far place, 0.8 ms from the near.
    assert!(off > 400, "{off}");
}
