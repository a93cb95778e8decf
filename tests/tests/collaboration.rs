//! Documents that several people edit at once: real copies on the simulated network, their owners, and what conflicts cost.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::{OperationReport, RunReport};
use system_tests::lab::{run, scenario};

/// Ten people edit one document, twice a second each.
const EDITORS: &str = r#"(
    version: 1,
    name: "editors",
    title: "Editors",
    story: "Ten people edit one document.",
    load: (
        users: 10,
        places: {"us-east-1": "60 %", "eu-west-1": "40 %"},
        access: {"cable": "50 %", "fiber": "50 %"},
        heartbeat: "2 s",
        heartbeat_timeout: "5 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Everyone),
    traffic: (edit: (rate: "2/s per user", size: "120 B", deletes: "30 %")),
    patterns: (pooling: On),
    design: (
        place: "us-east-1",
        routing: Local,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (
            count: 2, machine: "c7g.xlarge", profile: "tokio-websocket",
            accept: "20K/s", accept_burst: "20K connections", resume: "60 s",
        ),
        documents: (count: 2, machine: "c7g.xlarge", conflict: Ot, sequence: "5 us"),
    ),
    run: (population_seed: 1, seed: 7, warmup: "2 s", duration: "60 s"),
)"#;

fn edit(edits: &[(&str, &str)]) -> RunReport {
    run(&scenario(EDITORS, edits))
}

fn edits(report: &RunReport) -> &OperationReport {
    &report.operations["edit"]
}

fn counter(report: &RunReport, name: &str) -> u64 {
    report.tiers["documents"].counters[name]
}

#[test]
fn c012_ot_and_crdt_lose_nothing_and_converge() {
    for conflict in ["Ot", "Crdt", "Lock"] {
        for seed in ["1", "2", "3", "4"] {
            let report = edit(&[("design.documents.conflict", conflict), ("run.seed", seed)]);
            let own = edits(&report);
            println!(
                "{conflict} {seed}: {:.1} edits/s, conflicting {:?}, diverged {:?}, lost {:?}, transforms {:.1}/s, complete p50 {:.0?} ms",
                own.offered_per_s,
                own.conflicting,
                own.diverged,
                own.lost_edits,
                own.transforms_per_s.unwrap(),
                own.latency_ms["complete"].p50.value,
            );
            assert_eq!(own.diverged, Some(0), "{conflict} {seed}");
            assert_eq!(own.lost_edits, Some(0), "{conflict} {seed}");
            assert_eq!(own.lost, 0, "{conflict} {seed}");
            assert!(counter(&report, "editors") == 10);
            if conflict != "Lock" {
                assert!(own.conflicting > Some(0), "{conflict} {seed}");
            }
            let transforms = own.transforms_per_s.unwrap();
            assert_eq!(transforms > 0.0, conflict == "Ot", "{conflict} {seed}");
        }
    }
}

#[test]
fn c012_the_last_writer_wins_and_the_others_are_lost() {
    // So many edits of one register at one instant; where they are by as many editors, all but one are lost.
    let mut seen = 0;
    for seed in 1..=60 {
        let seed = seed.to_string();
        for n in [2usize, 3, 5] {
            let instants = vec!["10.0"; n].join(", ");
            let at_once = format!("Trace(instants: [{instants}])");
            let report = edit(&[
                ("design.documents.conflict", "LastWriterWins"),
                ("design.documents.items", "1"),
                ("traffic.edit.deletes", "0 %"),
                ("traffic.edit.arrivals", &at_once),
                ("run.seed", &seed),
                ("run.duration", "20 s"),
            ]);
            let own = edits(&report);
            assert_eq!(own.diverged, Some(0));
            if counter(&report, "editors") == n as u64 {
                seen += 1;
                assert_eq!(
                    own.lost_edits,
                    Some(n as u64 - 1),
                    "{n} at once, seed {seed}"
                );
            } else {
                assert!(
                    own.lost_edits < Some(n as u64 - 1),
                    "{n} at once, seed {seed}"
                );
            }
        }
    }
    println!("{seen} times as many editors as edits");
    assert!(seen > 60);
    // All the time: what is overwritten unseen is lost, and no copy differs in the end.
    let report = edit(&[
        ("design.documents.conflict", "LastWriterWins"),
        ("design.documents.items", "1"),
        ("design.documents.clock_skew", "100 ms"),
    ]);
    let own = edits(&report);
    println!(
        "one register, 20 edits/s: lost {:?} of {}",
        own.lost_edits,
        counter(&report, "edits")
    );
    assert!(own.lost_edits > Some(100) && own.diverged == Some(0));
}

#[test]
fn c034_a_crash_loses_what_is_not_saved() {
    // A hundred documents, all of one owner that dies; another one takes over.
    let crowd = [
        ("load.users", "400"),
        ("channels.members", "Rooms(size: 4)"),
        ("design.documents.count", "1"),
        ("design.documents.checkpoint", "40 s"),
        ("run.warmup", "60 s"),
        ("run.duration", "100 s"),
        (
            "faults",
            "[(at: \"110 s\", lasts: \"2 s\", fault: Kill(tier: \"documents\"))]",
        ),
    ];
    let report = edit(&crowd);
    let (mean, max) = (
        counter(&report, "crash_loss_mean_ms"),
        counter(&report, "crash_loss_max_ms"),
    );
    println!(
        "checkpoints every 40 s: {mean} ms lost on average, {max} at most, {} edits",
        counter(&report, "lost_in_crash")
    );
    assert!(max <= 40_100 && max > 30_000, "{max} ms");
    assert!(
        (16_000..=24_000).contains(&mean),
        "{mean} ms: half an interval"
    );
    assert_eq!(counter(&report, "restored"), 100);
    assert!(edits(&report).lost_edits >= Some(counter(&report, "lost_in_crash")));
    assert_eq!(edits(&report).diverged, Some(0));
    let mut with = crowd.to_vec();
    with.push(("design.documents.journal", "500 ms"));
    let report = edit(&with);
    let (saved, max) = (
        counter(&report, "saved_p95_ms"),
        counter(&report, "crash_loss_max_ms"),
    );
    println!(
        "journal: 95 % saved within {saved} ms, {max} ms lost at most, {} edits",
        counter(&report, "lost_in_crash")
    );
    assert!(saved <= 600 && max <= 1_000);
    // Every version since the checkpoint before is what it was.
    let (checked, wrong) = (
        counter(&report, "versions_checked"),
        counter(&report, "versions_wrong"),
    );
    println!("{checked} versions made again");
    assert!(checked > 10_000 && wrong == 0);
    assert_eq!(edits(&report).diverged, Some(0));
}

#[test]
fn c103_windows_make_frames_of_edits() {
    // A hundred editors of one document, three edits a second each.
    let crowd = [("load.users", "100"), ("traffic.edit.rate", "3/s per user")];
    let report = edit(&crowd);
    let own = edits(&report);
    let (edits_per_s, frames) = (own.offered_per_s, own.frames_per_s.unwrap());
    println!(
        "{edits_per_s:.1} edits/s: {:.0} deliveries/s in {frames:.0} frames/s",
        own.deliveries_per_s
    );
    // 300 edits a second to 99 others, within the noise of 18 000 Poisson arrivals.
    assert!((own.deliveries_per_s / 29_700.0 - 1.0).abs() < 0.03);
    assert!((own.deliveries_per_s / edits_per_s - 99.0).abs() < 0.5);
    // Who waits for word of an edit sends the next ones together: a few deliveries share a frame.
    assert!(frames < own.deliveries_per_s && frames > 0.9 * own.deliveries_per_s);
    assert_eq!((own.diverged, own.lost_edits), (Some(0), Some(0)));
    let mut batched = crowd.to_vec();
    batched.push(("design.documents.window", "33 ms"));
    // 5 000 windows.
    batched.push(("run.duration", "165 s"));
    let report = edit(&batched);
    let own = edits(&report);
    let frames = own.frames_per_s.unwrap();
    println!(
        "33 ms: {:.0} deliveries/s in {frames:.0} frames/s, p99 {:?} ms",
        own.deliveries_per_s, own.latency_ms["delivered"].p99.value
    );
    assert!(frames <= 3_031.0 && frames > 2_900.0, "{frames}");
    assert!((own.deliveries_per_s / 29_700.0 - 1.0).abs() < 0.03);
    assert_eq!((own.diverged, own.lost_edits), (Some(0), Some(0)));
}

#[test]
fn c086_merging_is_what_costs() {
    // Merging at twenty times the cost of ordering: the fullest tier is that of the documents, and most of its time is merging.
    let crowd = [
        ("load.users", "4_000"),
        ("channels.members", "Rooms(size: 3)"),
        ("design.documents.count", "1"),
        ("design.documents.machine", "c7g.large"),
    ];
    for conflict in ["Ot", "Crdt"] {
        let mut edits = crowd.to_vec();
        edits.push(("design.documents.conflict", conflict));
        let report = edit(&edits);
        let [ordering, merging, copies] = ["cpu_ordering_ms", "cpu_merging_ms", "cpu_copies_ms"]
            .map(|name| counter(&report, name));
        let cpu = |tier: &str| report.tiers[tier].utilization["cpu"].mean;
        println!(
            "{conflict}: {ordering} ms ordering, {merging} ms merging, {copies} ms copies; documents {:.2}, servers {:.2}",
            cpu("documents"),
            cpu("connection_servers")
        );
        assert!(merging >= 20 * ordering && merging > copies);
        assert!(cpu("documents") > cpu("connection_servers"));
        let bottleneck = report.bottleneck.as_ref().unwrap();
        assert_eq!(
            (bottleneck.tier.as_str(), bottleneck.resource.as_str()),
            ("documents", "cpu")
        );
    }
}

#[test]
fn editors_who_lose_their_connection_catch_up() {
    for conflict in ["Ot", "Crdt", "LastWriterWins", "Lock"] {
        let report = edit(&[
            ("design.documents.conflict", conflict),
            ("design.documents.items", "40"),
            ("design.documents.journal", "200 ms"),
            ("design.documents.failover", "1 s"),
            ("load.users", "60"),
            ("channels.members", "Rooms(size: 6)"),
            (
                "faults",
                "[(at: \"12 s\", lasts: \"4 s\", fault: Kill(tier: \"connection_servers\", first: 1)), (at: \"30 s\", fault: DropConnections(within: \"1 s\")), (at: \"40 s\", lasts: \"5 s\", fault: Kill(tier: \"documents\", first: 1))]",
            ),
        ]);
        let own = edits(&report);
        println!(
            "{conflict}: {} edits, failed {}, diverged {:?}, lost {:?}, caught up {}, resent {}, reloaded {}, lost in the crash {}",
            counter(&report, "edits"),
            own.failed,
            own.diverged,
            own.lost_edits,
            counter(&report, "caught_up"),
            counter(&report, "resent"),
            counter(&report, "reloaded"),
            counter(&report, "lost_in_crash"),
        );
        assert_eq!(own.diverged, Some(0), "{conflict}");
        assert!(counter(&report, "caught_up") > 0 && counter(&report, "resent") > 0);
        assert!(counter(&report, "reloaded") > 0 && counter(&report, "versions_wrong") == 0);
    }
}
