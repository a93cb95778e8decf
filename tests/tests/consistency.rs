//! Regions that write apart: what acknowledgements of others cost, what a cut does, and which updates are lost.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::RunReport;
use sim_core::scenario::assets::assets;
use system_tests::lab::{GROWTH, preset, run, scenario};

/// Three continents of the third phase, each with databases that take writes; fewer users, writes to records that are busy.
fn scale(writes: &str, more: &[(&str, &str)]) -> RunReport {
    let mut edits = vec![
        ("load.users", "20_000"),
        ("design.replicas", "None"),
        ("design.regions.writes", writes),
        ("traffic.command.rate", "\"0.01/s per user\""),
        ("traffic.query.rate", "\"0.02/s per user\""),
        ("traffic.keys", "(count: 2_000, skew: Zipf(exponent: 1.0))"),
        ("objectives", "[]"),
    ];
    edits.extend(more);
    run(&scenario(preset("p3-scale"), &edits))
}

const PLACES: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-1"];

/// Singapore sees nobody for a minute, which is what is measured.
const CUT: [(&str, &str); 3] = [
    ("run.warmup", "10 s"),
    ("run.duration", "60 s"),
    (
        "faults",
        r#"[(at: "10 s", lasts: "60 s", fault: Partition(from: "us-east-1", to: "ap-southeast-1")), (at: "10 s", lasts: "60 s", fault: Partition(from: "eu-west-1", to: "ap-southeast-1"))]"#,
    ),
];

fn counter(report: &RunReport, name: &str) -> u64 {
    report.tiers["database"].counters[name]
}

/// Share of the writes of a region's users, since the cut began, that were accepted.
fn availability(report: &RunReport, before: &RunReport, place: &str) -> f64 {
    let since = |name: &str| {
        let name = format!("{name}_{place}");
        (counter(report, &name) - counter(before, &name)) as f64
    };
    1.0 - since("refused") / since("writes")
}

fn p50(report: &RunReport, operation: &str) -> f64 {
    report.operations[operation].latency_ms["answered"]
        .p50
        .value
        .unwrap()
}

fn round_trip_ms(from: &str, to: &str) -> f64 {
    assets().round_trip(from, to).unwrap().mean.as_nanos() as f64 / 1e6
}

#[test]
fn c015_a_partition_makes_one_choose() {
    for (stance, ack) in [("Consistent", "Quorum"), ("Available", "Local")] {
        let writes = format!("(ack: {ack}, stance: {stance})");
        // From two seconds after the cut on: what was on its way when it came is answered, or has failed.
        let mut begin = CUT.to_vec();
        begin[1] = ("run.duration", "2 s");
        let before = scale(&writes, &begin);
        let cut = scale(&writes, &CUT);
        let [us, eu, ap] = PLACES.map(|place| availability(&cut, &before, place));
        let command = &cut.operations["command"];
        println!(
            "{stance}: available {us:.4} {eu:.4} {ap:.4}, conflicts {:?}, lost updates {:?}",
            command.conflicting, command.lost_updates
        );
        if stance == "Consistent" {
            assert_eq!([us, eu, ap], [1.0, 1.0, 0.0]);
            assert_eq!(command.conflicting, Some(0));
            assert_eq!(command.lost_updates, Some(0));
        } else {
            assert_eq!([us, eu, ap], [1.0; 3]);
            assert!(command.conflicting > Some(0));
        }
        // And then it heals.
        let mut healed = CUT.to_vec();
        healed[1] = ("run.duration", "75 s");
        let healed = scale(&writes, &healed);
        let command = &healed.operations["command"];
        let after = counter(&healed, "converged_after_ms");
        println!(
            "{stance}: alike {after} ms after the cut, diverged {:?}, exchanged {}",
            command.diverged,
            counter(&healed, "exchanged")
        );
        assert!(after <= 5_000);
        assert_eq!(command.diverged, Some(0));
    }
}

#[test]
fn c016_acknowledgements_of_others_cost_their_round_trips() {
    let trips = |from: &str| {
        let others = PLACES.iter().filter(|place| **place != from);
        let mut trips: Vec<f64> = others.map(|to| round_trip_ms(from, to)).collect();
        trips.sort_by(f64::total_cmp);
        trips
    };
    let all: Vec<Vec<f64>> = PLACES.iter().map(|place| trips(place)).collect();
    let nearest = all.iter().map(|trips| trips[0]).fold(f64::MAX, f64::min);
    let farthest = all.iter().map(|trips| trips[1]).fold(0.0, f64::max);
    let mut found = Vec::new();
    for ack in ["Local", "Quorum", "All"] {
        let report = scale(&format!("(ack: {ack})"), &[]);
        let (write, stale) = (
            p50(&report, "command"),
            report.operations["query"].stale_ratio,
        );
        println!(
            "{ack}: write p50 {write:.1} ms, query p50 {:.1} ms, stale {stale:.5}",
            p50(&report, "query")
        );
        assert_eq!(stale > 0.0, ack == "Local", "{ack}: {stale}");
        found.push(write);
    }
    println!("round trips: {nearest} to {farthest} ms");
    // A local write takes its service of 5 ms and the way of the client; the others add what they wait for.
    assert!(found[1] - found[0] >= nearest, "{found:?}");
    assert!(found[2] >= farthest && found[2] > found[1], "{found:?}");
    assert!(found[0] < nearest, "{found:?}");
}

#[test]
fn c065_two_regions_count_together() {
    // Two regions add to one record, about a thousand times each.
    let two = [
        (
            "load.places",
            r#"{"us-east-1": "50 %", "eu-west-1": "50 %"}"#,
        ),
        (
            "design.regions.places",
            r#"{"us-east-1": "50 %", "eu-west-1": "50 %"}"#,
        ),
        ("load.users", "2_000"),
        ("traffic.keys", "(count: 1)"),
        ("traffic.command.rate", "\"0.0167/s per user\""),
        ("run.duration", "60 s"),
    ];
    let with = |writes: &str| {
        let mut edits = two.to_vec();
        edits.push(("design.regions.writes", writes));
        scale("(ack: Local)", &edits)
    };
    let lww = with("(ack: Local, merge: LastWriterWins, clock_skew: \"50 ms\")");
    let crdt = with("(ack: Local, merge: Counter, clock_skew: \"50 ms\")");
    let quorum = with("(ack: Quorum, clock_skew: \"50 ms\")");
    for (name, report) in [
        ("last writer wins", &lww),
        ("counter", &crdt),
        ("quorum", &quorum),
    ] {
        let command = &report.operations["command"];
        println!(
            "{name}: {} updates, lost {:?}, conflicts {:?}, write p50 {:.1} ms",
            counter(report, "writes_acknowledged"),
            command.lost_updates,
            command.conflicting,
            p50(report, "command")
        );
        assert_eq!(command.diverged, Some(0));
        assert!(counter(report, "writes_acknowledged") > 1_800);
    }
    assert!(lww.operations["command"].lost_updates > Some(0));
    assert_eq!(crdt.operations["command"].lost_updates, Some(0));
    assert_eq!(quorum.operations["command"].lost_updates, Some(0));
    assert_eq!(quorum.operations["command"].conflicting, Some(0));
    let nearest = round_trip_ms("us-east-1", "eu-west-1");
    assert!(p50(&quorum, "command") - p50(&crdt, "command") >= nearest);
}

/// Rooms of twenty behind a broker whose partitions rest for different times.
fn rooms(ordering: &str, more: &[(&str, &str)]) -> RunReport {
    let mut edits = vec![
        ("design.routing", "Interest"),
        (
            "design.broker.linger",
            "LogNormal(median: \"5 ms\", p99: \"80 ms\")",
        ),
        ("traffic.publish.rate", "\"0.2/s per user\""),
        ("design.ordering", ordering),
    ];
    edits.extend(more);
    run(&scenario(GROWTH, &edits))
}

#[test]
fn c011_order_is_kept_where_it_is_promised() {
    let p99 = |report: &RunReport| {
        let latency = &report.operations["publish"].latency_ms["delivered"];
        latency.p99.value.unwrap()
    };
    for seed in ["1", "2", "3"] {
        let seed = ("run.seed", seed);
        let with = |promise: &str| rooms(&format!("(promise: {promise})"), &[seed]);
        let none = with("None");
        let free = none.operations["publish"].reordered;
        println!(
            "seed {}: None {free} reordered, p99 {:.1} ms",
            seed.1,
            p99(&none)
        );
        assert!(free > 0);
        assert_eq!(none.operations["publish"].lost, 0);
        for promise in ["PerSender", "PerChannel", "Total"] {
            let report = with(promise);
            let own = &report.operations["publish"];
            let counters = &report.tiers["connection_servers"].counters;
            println!(
                "  {promise}: p99 {:.1} ms, held back {} for {} ms in all, given up {}",
                p99(&report),
                counters["held_back"],
                counters["held_back_ms"],
                counters["given_up"]
            );
            assert_eq!(own.reordered, 0, "{promise}");
            assert_eq!(own.lost, 0, "{promise}");
            assert_eq!(counters["given_up"], 0, "{promise}");
            // Order costs waiting: for one's own messages hardly any, for those of all members of a room more.
            if promise != "PerSender" {
                assert!(
                    counters["held_back"] > 0 && p99(&report) > p99(&none),
                    "{promise}"
                );
            }
        }
    }
    // Two owners, one of them ten times as slow: two ways of different latency.
    let owners = |promise: &str| {
        let ordering = format!("(promise: {promise})");
        let edits = [
            ("design.ordering", ordering.as_str()),
            ("traffic.publish.rate", "\"0.2/s per user\""),
            (
                "faults",
                r#"[(at: "1 s", fault: SlowDown(tier: "channel_owners", first: 0, factor: 40))]"#,
            ),
        ];
        run(&scenario(GROWTH, &edits)).operations["publish"].reordered
    };
    let (none, kept) = (owners("None"), owners("PerChannel"));
    println!("two owners: None {none} reordered, PerChannel {kept}");
    assert!(none > 0 && kept == 0);
}
