//! Connections that come and go in a running simulation: nothing owed is unaccounted for, whatever is killed, cut or re-seated.

use sim_core::engine::Interrupt;
use sim_core::report::RunReport;
use sim_core::system::SystemRun;
use sim_core::time::{SimDuration, SimTime};
use system_tests::lab::{GROWTH, run, scenario};

fn advance(system: &mut SystemRun, ms: u64) {
    let at = SimTime::from_millis(ms);
    system.advance(at, None, &mut |_, _| Interrupt::Continue);
}

/// owed = received + in flight + lost, for every operation that fans out.
fn assert_adds_up(report: &RunReport) {
    for (name, operation) in &report.operations {
        assert_eq!(
            operation.owed,
            operation.received + operation.in_flight + operation.lost,
            "{name} of seed {}",
            report.seed
        );
    }
}

/// One channel of 8 000 on four slow servers: a message takes 40 ms to write, and a server dies in the middle of one.
fn killed_in_the_middle(resume: &str, seed: u64) -> RunReport {
    let seed = seed.to_string();
    let edits = [
        ("load.users", "8000"),
        ("load.heartbeat", "200 ms"),
        ("channels.members", "Everyone"),
        ("traffic.publish.rate", "0.0005/s per user"),
        ("design.connection_servers.profile", "standard"),
        ("design.connection_servers.resume", resume),
        ("design.connection_servers.replay", "10_000 messages"),
        (
            "faults",
            "[(at: \"10 s\", fault: Kill(tier: \"connection_servers\", first: 1, instances: 1))]",
        ),
        ("run.seed", seed.as_str()),
        ("run.duration", "60 s"),
    ];
    run(&scenario(GROWTH, &edits))
}

#[test]
fn a_kill_in_the_middle_of_a_large_fan_out_adds_up() {
    for seed in 1..=5 {
        let resumed = killed_in_the_middle("2 min", seed);
        let without = killed_in_the_middle("0 s", seed);
        assert_adds_up(&resumed);
        assert_adds_up(&without);
        let (with, none) = (
            &resumed.operations["publish"],
            &without.operations["publish"],
        );
        // Until the registry notices after 5 s, 4 messages a second of the 6 000 who live are owed to 2 000 dead ends, give or
        // take the messages that happen to be sent: at least 3 standard deviations of 15.
        let messages = none.lost as f64 / 2_000.0;
        println!(
            "seed {seed}: with resume {} owed, {} received, {} lost, {} duplicated; without {} lost, {messages:.2} messages of 15",
            with.owed, with.received, with.lost, with.duplicated, none.lost
        );
        assert_eq!((with.lost, with.duplicated), (0, 0), "seed {seed}");
        assert!(
            (messages - 15.0).abs() < 3.0 * 15.0_f64.sqrt() + 1.0,
            "seed {seed}: {messages}"
        );
    }
}

#[test]
fn a_report_at_any_instant_adds_up() {
    for seed in 1..=4 {
        let seed_text = seed.to_string();
        let edits = [
            (
                "channels.members",
                "LogNormal(median: 8, p99: 300, max: 2000)",
            ),
            ("channels.per_user", "6"),
            ("load.access", "{\"fiber\": \"50 %\", \"4g\": \"50 %\"}"),
            (
                "traffic.presence",
                "(rate: \"60/h per user\", size: \"250 B\")",
            ),
            ("traffic.query", "(rate: \"1/s per user\", size: \"2 KB\")"),
            ("design.connection_servers.resume", "30 s"),
            (
                "faults",
                "[(at: \"4 s\", lasts: \"6 s\", fault: Kill(tier: \"connection_servers\", first: 0, instances: 1)), \
                 (at: \"12 s\", fault: DropConnections(within: \"1 s\"))]",
            ),
            ("run.seed", seed_text.as_str()),
        ];
        let mut system = SystemRun::new(&scenario(GROWTH, &edits)).expect("it fits");
        let mut lost_at_most = 0;
        for step in 1..=88 {
            advance(&mut system, step * 250);
            let report = system.report();
            assert_adds_up(&report);
            lost_at_most = lost_at_most.max(report.operations["publish"].lost);
        }
        println!("seed {seed}: 88 reports add up; at most {lost_at_most} lost on the way");
    }
}

#[test]
fn a_rolling_restart_loses_nothing_that_can_be_resumed() {
    let edits = [
        ("design.connection_servers.resume", "2 min"),
        (
            "faults",
            "[(at: \"5 s\", fault: RollingRestart(drain: \"5 s\", restart: \"5 s\"))]",
        ),
        ("run.duration", "60 s"),
    ];
    let report = run(&scenario(GROWTH, &edits));
    assert_adds_up(&report);
    let publish = &report.operations["publish"];
    println!(
        "rolling restart: {} reconnects, {} resumed, {} lost",
        report.connections.reconnects, report.connections.resumed, publish.lost
    );
    assert_eq!(publish.lost, 0);
    assert_eq!(report.connections.open, 4_000);
    assert!(report.connections.reconnects >= 4_000);
}

#[test]
fn up_and_down_again_ends_where_a_fresh_run_is() {
    let edits = [("load.users", "4000"), ("run.duration", "300 s")];
    let scenario = scenario(GROWTH, &edits);
    let fresh = run(&scenario);
    let mut system = SystemRun::new(&scenario).expect("it fits");
    advance(&mut system, 20_000);
    system.set_users(20_000).expect("it fits");
    advance(&mut system, 40_000);
    let large = system.report();
    assert_eq!(large.users, 20_000);
    system.set_users(4_000).expect("it fits");
    advance(&mut system, 302_000);
    let back = system.report();
    assert_adds_up(&back);
    let p = |report: &RunReport, p: fn(&sim_core::report::LatencyReport) -> f64| {
        p(&report.operations["publish"].latency_ms["delivered"])
    };
    let mean = |latency: &sim_core::report::LatencyReport| latency.mean.value.expect("stable");
    let p99 = |latency: &sim_core::report::LatencyReport| latency.p99.value.expect("stable");
    println!(
        "fresh: mean {:.3} ms, p99 {:.3} ms; after 4 K, 20 K, 4 K: mean {:.3} ms, p99 {:.3} ms",
        p(&fresh, mean),
        p(&fresh, p99),
        p(&back, mean),
        p(&back, p99)
    );
    assert_eq!(back.connections.open, fresh.connections.open);
    assert!((p(&back, mean) / p(&fresh, mean) - 1.0).abs() < 0.02);
    assert!((p(&back, p99) / p(&fresh, p99) - 1.0).abs() < 0.05);
    for tier in ["connection_servers", "channel_owners"] {
        let cpu = |report: &RunReport| report.tiers[tier].utilization["cpu"].mean;
        assert!((cpu(&back) / cpu(&fresh) - 1.0).abs() < 0.05, "{tier}");
    }
}

#[test]
fn a_clone_goes_on_by_itself_to_the_same_bytes() {
    let edits = [
        ("traffic.query", "(rate: \"1/s per user\", size: \"2 KB\")"),
        ("design.connection_servers.resume", "30 s"),
        (
            "faults",
            "[(at: \"8 s\", fault: Kill(tier: \"connection_servers\", first: 0, instances: 1))]",
        ),
    ];
    let mut system = SystemRun::new(&scenario(GROWTH, &edits)).expect("it fits");
    advance(&mut system, 7_000);
    let mut copy = system.clone();
    let before = report::digest(&system.report());
    advance(&mut system, 22_000);
    assert_eq!(
        report::digest(&copy.report()),
        before,
        "the original does not move its copy"
    );
    copy.advance(
        SimTime::ZERO + SimDuration::from_secs(22),
        None,
        &mut |_, _| Interrupt::Continue,
    );
    assert_eq!(
        report::digest(&copy.report()),
        report::digest(&system.report())
    );
}
