//! Event sourcing: a log in place of a database, commands that are decided on versions, and projections that follow.
//!
//! Tests named `cNNN_…` hold a row of the reference table of concepts; each prints what it measured.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::{ProjectionReport, RunReport};
use sim_core::scenario::Scenario;
use sim_core::system::{ReplayCheck, SystemRun, compared};
use sim_core::time::SimTime;
use system_tests::lab::{preset, run, scenario};

/// Writes and reads of a thousand accounts, beside the servers; the log and whoever follows it have room to spare.
const ACCOUNTS: &str = r#"(
    version: 1,
    name: "accounts",
    title: "Accounts",
    story: "Everybody writes, and some read.",
    load: (
        users: 1_000,
        places: {"us-east-1": "100 %"},
        access: {"none": "100 %"},
        heartbeat: "60 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Rooms(size: 20)),
    traffic: (
        command: (rate: "0.2/s per user", size: "100 B"),
        query: (rate: "0.2/s per user", size: "1 KB"),
        keys: (count: "1_000 records", skew: Even),
    ),
    patterns: (pooling: On, event_sourcing: On),
    machines: {
        "wide": (cores: 64, memory: "64 GiB", network: "10 Gbit/s", price: "1 USD/h"),
    },
    design: (
        place: "us-east-1",
        routing: Local,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (count: 4, machine: "c7g.xlarge", profile: "tokio-websocket"),
        log: (
            count: 3, machine: "c7g.xlarge", partitions: 12, replication: 3, acks: Quorum,
            linger: "2 ms", replicate: Exponential(mean: "1 ms"), failover: "2 s",
        ),
        command_side: (count: 2, machine: "c7g.xlarge", handle: Exponential(mean: "1 ms")),
        projections: {
            "balances": (count: 2, machine: "c7g.xlarge", apply: Constant("100 us"), query: Constant("200 us")),
        },
    ),
    run: (population_seed: 1, seed: 7, warmup: "2 s", duration: "30 s"),
)"#;

fn accounts(edits: &[(&str, &str)]) -> Scenario {
    scenario(ACCOUNTS, edits)
}

fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    println!("{what}: {found:.6}, expected {expected:.6}");
    assert!(
        (found - expected).abs() <= tolerance * expected.abs(),
        "{what}: {found} is not {expected} within {tolerance}"
    );
}

fn model<'a>(report: &'a RunReport, name: &str) -> &'a ProjectionReport {
    &report.tiers["projections"].models[name]
}

/// A run to its end.
fn finished(scenario: &Scenario) -> SystemRun {
    let mut run = SystemRun::new(scenario).unwrap();
    let mut go_on = |_: SimTime, _: u64| sim_core::engine::Interrupt::Continue;
    while run.advance(run.end(), None, &mut go_on).is_none() {}
    run
}

/// A run to its end, its report, and its log folded from offset 0.
fn replayed(scenario: &Scenario) -> (RunReport, ReplayCheck) {
    let run = finished(scenario);
    (run.report(), run.replay_check().unwrap())
}

fn counter(report: &RunReport, tier: &str, name: &str) -> u64 {
    report.tiers[tier].counters[name]
}

fn assert_replays(check: &ReplayCheck, report: &RunReport) {
    assert_eq!(check.live, check.replayed, "the fold from offset 0");
    for (at, live, replayed) in &check.as_of {
        assert_eq!(live, replayed, "as of {at}");
    }
    assert_eq!(counter(report, "command_side", "replay_hash_mismatches"), 0);
}

#[test]
fn c029_replay_from_offset_0_is_the_live_state() {
    for seed in 1..=10 {
        let seed = seed.to_string();
        let edits = [
            ("run.seed", seed.as_str()),
            ("run.duration", "10 s"),
            ("traffic.keys.skew", "Zipf(exponent: 1.0)"),
        ];
        let (report, check) = replayed(&accounts(&edits));
        assert!(check.events > 1_500 && check.as_of.len() >= 11, "{check:?}");
        assert_replays(&check, &report);
        assert!(counter(&report, "command_side", "replay_checks") > 300);
        let log = &report.tiers["log"];
        let append = log.append_ms.as_ref().unwrap();
        println!(
            "seed {seed}: {} events of {} records, {} bytes, skew {:.2}, append p99 {:?} ms",
            check.events,
            check.records,
            log.counters["bytes"],
            log.partition_skew.unwrap(),
            append.p99.value,
        );
        assert_eq!(log.counters["bytes"], 300 * check.events as u64);
        assert!(append.p50.value.unwrap() > 2.0, "the linger is part of it");
    }
}

#[test]
fn c030_of_two_writers_one_succeeds_and_conflicts_rise_with_skew() {
    let mut ratios = Vec::new();
    for skew in ["0.0", "0.3", "0.6", "0.9", "1.0"] {
        let skew = format!("Zipf(exponent: {skew})");
        let edits = [
            ("traffic.keys.skew", skew.as_str()),
            ("traffic.command.rate", "1/s per user"),
            ("design.command_side.handle", "Exponential(mean: \"4 ms\")"),
            ("design.command_side.attempts", "100"),
        ];
        let (report, check) = replayed(&accounts(&edits));
        let command = &report.operations["command"];
        let conflicts = counter(&report, "command_side", "conflicts");
        // One event for each version, and one version for each command that was done or is on its way back.
        assert_eq!(check.live, check.replayed);
        let ratio = conflicts as f64 / (conflicts as f64 + check.events as f64);
        let p99 = command.latency_ms["answered"].p99.value.unwrap();
        println!("{skew}: {conflicts} conflicts, ratio {ratio:.4}, command p99 {p99:.2} ms");
        assert!(command.conflicting.unwrap() <= conflicts);
        ratios.push(ratio);
    }
    assert!(ratios.is_sorted_by(|a, b| a < b), "{ratios:?}");
    let alone = run(&accounts(&[
        ("traffic.keys.skew", "Zipf(exponent: 1.5)"),
        ("design.command_side.writers", "OnePerRecord"),
    ]));
    assert_eq!(counter(&alone, "command_side", "conflicts"), 0);
}

#[test]
fn c031_a_slow_projection_falls_behind_alone() {
    // 200 events a second reach one partition; the slow one puts in 100 a second.
    let projections = r#"{ "balances": (count: 1, machine: "c7g.xlarge", read: "0 s", apply: Constant("1 ms"), query: Constant("200 us")), "slow": (count: 1, machine: "c7g.xlarge", read: "0 s", apply: Exponential(mean: "10 ms"), batch: 1), }"#;
    let edits = [
        ("design.projections", projections),
        ("design.log.partitions", "1"),
        ("run.duration", "120 s"),
    ];
    let report = run(&accounts(&edits));
    let lags = &report.series.as_ref().unwrap().tiers["projections"].lag_events;
    let (slow, usual) = (&lags["slow"], &lags["balances"]);
    let step_s = report.series.as_ref().unwrap().step_s;
    let grown = (slow[slow.len() - 1] - slow[0]) as f64;
    let slope = grown / ((slow.len() - 1) as f64 * step_s);
    let events = report.tiers["projections"].models["balances"].events_read as f64;
    let arrival = events / report.simulated_s;
    let served = model(&report, "slow").events_read as f64 / report.simulated_s;
    near("lag slope", slope, arrival - served, 0.02);
    near("service rate", served, 100.0, 0.03);
    println!("usual lag: at most {:?} events", usual.iter().max());
    assert!(usual.iter().all(|events| *events < 30));
    assert_eq!(report.stop, "Finished");
    // A read model built for the query, and the same query on one shared table.
    let shared = run(&scenario(
        ACCOUNTS,
        &[
            ("patterns.event_sourcing", "Off"),
            (
                "design.database",
                r#"(machine: "c7g.xlarge", pool: 20, query: LogNormal(median: "2 ms", p99: "11 ms"))"#,
            ),
        ],
    ));
    let p99 = |report: &RunReport| {
        report.operations["query"].latency_ms["answered"]
            .p99
            .value
            .unwrap()
    };
    println!(
        "query p99: {:.2} ms read model, {:.2} ms shared table",
        p99(&report),
        p99(&shared)
    );
    assert!(p99(&report) < p99(&shared));
}

#[test]
fn c032_recovery_takes_the_events_since_the_snapshot() {
    // A model that takes 1 ms an event to replay dies with 40 s of 200 events a second behind it.
    let recovery = |snapshot: &str| {
        let edits = [
            ("design.log.partitions", "1"),
            ("traffic.query.rate", "0.001/s per user"),
            ("design.projections.balances.count", "1"),
            ("design.projections.balances.read", "0 s"),
            ("design.projections.balances.replay", "1 ms"),
            ("design.projections.balances.snapshot_every", snapshot),
            ("run.duration", "80 s"),
            (
                "faults",
                r#"[(at: "40 s", lasts: "1 s", fault: Kill(tier: "projections"))]"#,
            ),
        ];
        let (report, check) = replayed(&accounts(&edits));
        assert_replays(&check, &report);
        let own = model(&report, "balances").clone();
        println!(
            "snapshot every {snapshot}: {} events again, {:?} s",
            own.repeated, own.recovery_s
        );
        own
    };
    let without = recovery("1_000_000_000");
    assert!((7_500..8_500).contains(&without.repeated), "all of 40 s");
    let replay_s = without.repeated as f64 * 1e-3;
    near(
        "recovery without a snapshot",
        without.recovery_s.unwrap(),
        replay_s,
        0.02,
    );
    let every = recovery("1_000");
    assert!(every.repeated < 1_000, "{every:?}");
    assert!(every.recovery_s.unwrap() <= 1.0, "{every:?}");
}

/// Sixty-four partitions whose events are stored one after the other, each M/M/1 with a mean sojourn of 100 ms.
fn read_own_writes(consistency: &str) -> RunReport {
    let projections = r#"{ "balances": (count: 1, machine: "wide", read: "0 s", apply: Constant("1 us"), store: Exponential(mean: "83.3333 ms"), query: Constant("1 us"), batch: 1), }"#;
    let reads = format!("(consistency: {consistency}, after_write: \"100 %\", delay: \"50 ms\")");
    let edits = [
        ("design.projections", projections),
        ("design.log.partitions", "64"),
        ("design.log.linger", "0 s"),
        ("design.command_side.writers", "OnePerRecord"),
        ("traffic.command.rate", "0.128/s per user"),
        ("traffic.keys.count", "1_000_000 records"),
        ("traffic.query.rate", "0.000001/s per user"),
        ("traffic.query.read_model", reads.as_str()),
        ("run.warmup", "20 s"),
        ("run.duration", "400 s"),
    ];
    run(&accounts(&edits))
}

#[test]
fn c035_a_read_after_a_write_is_stale_as_often_as_the_lag_is_longer() {
    let report = read_own_writes("None");
    let own = model(&report, "balances");
    near("mean lag, ms", own.lag_ms.unwrap().mean, 100.0, 0.05);
    let query = &report.operations["query"];
    println!(
        "stale 50 ms after the own write: {:.4}, e^-0.5 = 0.607",
        query.stale_ratio
    );
    assert!(
        (query.stale_ratio - 0.607).abs() <= 0.02,
        "{}",
        query.stale_ratio
    );
    let p50 = |report: &RunReport| {
        report.operations["query"].latency_ms["answered"]
            .mean
            .value
            .unwrap()
    };
    let waiting = read_own_writes("WaitOffset");
    // Own writes are there; once in a great while somebody else has written the same record since.
    assert!(waiting.operations["query"].stale_ratio < 1e-4);
    // Who waits, waits for what is left of an exponential lag: its mean, as often as it is longer than 50 ms.
    let added = p50(&waiting) - p50(&report);
    near(
        "added by waiting, ms",
        added,
        100.0 * query.stale_ratio,
        0.05,
    );
    let sticky = read_own_writes("Sticky");
    assert_eq!(sticky.operations["query"].stale_ratio, 0.0);
    near(
        "latency of the command side, ms",
        p50(&sticky),
        p50(&report),
        0.2,
    );
}

#[test]
fn staleness_follows_the_table_of_projection_lag() {
    for (delay, expected) in [
        ("0 ms", 1.0),
        ("50 ms", 0.607),
        ("200 ms", 0.135),
        ("1 s", 0.0),
    ] {
        let reads = format!("(after_write: \"100 %\", delay: \"{delay}\")");
        let report = run(&accounts(&[
            ("design.projections.balances.machine", "wide"),
            ("design.projections.balances.count", "1"),
            (
                "design.projections.balances.store",
                "Exponential(mean: \"83.3333 ms\")",
            ),
            ("design.projections.balances.read", "0 s"),
            ("design.projections.balances.query", "Constant(\"1 us\")"),
            ("design.projections.balances.batch", "1"),
            ("design.log.partitions", "64"),
            ("design.log.linger", "0 s"),
            ("design.command_side.writers", "OnePerRecord"),
            ("traffic.command.rate", "0.128/s per user"),
            ("traffic.keys.count", "1_000_000 records"),
            ("traffic.query.rate", "0.000001/s per user"),
            ("traffic.query.read_model", reads.as_str()),
            ("run.warmup", "10 s"),
            ("run.duration", "150 s"),
        ]));
        let found = report.operations["query"].stale_ratio;
        println!("{delay}: {found:.4}, table {expected}");
        assert!((found - expected).abs() <= 0.03, "{delay}: {found}");
    }
}

#[test]
fn c019_a_filter_passes_its_share_of_the_events() {
    let projections = r#"{ "balances": (count: 1, machine: "c7g.xlarge"), "alerts": (count: 1, machine: "c7g.large", filter: "1 %"), }"#;
    let report = run(&accounts(&[
        ("design.projections", projections),
        ("traffic.command.rate", "2/s per user"),
        ("traffic.query.rate", "0.01/s per user"),
        ("traffic.keys.count", "1_000_000 records"),
        ("run.duration", "60 s"),
    ]));
    let (all, alerts) = (model(&report, "balances"), model(&report, "alerts"));
    let share = alerts.events_applied as f64 / all.events_applied as f64;
    println!(
        "{} of {} events concern alerts: {:.4} %",
        alerts.events_applied,
        all.events_applied,
        share * 100.0
    );
    assert!((share - 0.01).abs() <= 0.001, "{share}");
    near(
        "all events reach both",
        alerts.events_read as f64,
        all.events_read as f64,
        0.001,
    );
}

#[test]
fn c064_an_outage_downstream_spreads_only_where_it_is_waited_for() {
    let outage = |coupling: &str| {
        run(&accounts(&[
            ("design.projections.balances.count", "1"),
            ("design.command_side.coupling", coupling),
            ("traffic.query.rate", "0.001/s per user"),
            ("run.duration", "150 s"),
            (
                "faults",
                r#"[(at: "20 s", lasts: "60 s", fault: Kill(tier: "projections"))]"#,
            ),
        ]))
    };
    let errors = |report: &RunReport| {
        let command = &report.operations["command"];
        command.failed + command.timed_out
    };
    let sync = outage("Sync(timeout: \"2 s\")");
    println!(
        "Sync: {} of {:.0} commands fail",
        errors(&sync),
        150.0 * sync.operations["command"].offered_per_s
    );
    assert!(errors(&sync) > 10_000, "200 a second for 60 s");
    let apart = outage("Async");
    assert_eq!(errors(&apart), 0);
    let lags = &apart.series.as_ref().unwrap().tiers["projections"].lag_events["balances"];
    println!(
        "Async: backlog {:?} events at most, {:?} at the end",
        lags.iter().max(),
        lags.last()
    );
    assert!(lags.iter().max().unwrap() > &11_000 && lags.last().unwrap() < &50);
}

#[test]
fn a_dead_leader_loses_what_only_it_had() {
    for (acks, lost) in [("Local", true), ("Quorum", false), ("All", false)] {
        let (report, check) = replayed(&accounts(&[
            ("design.log.acks", acks),
            ("design.log.replicate", "Constant(\"50 ms\")"),
            ("traffic.command.rate", "2/s per user"),
            (
                "faults",
                r#"[(at: "10 s", lasts: "10 s", fault: Kill(tier: "log"))]"#,
            ),
        ]));
        let gone = counter(&report, "log", "lost_acknowledged");
        println!(
            "{acks}: {gone} acknowledged events lost, {} elections",
            counter(&report, "log", "elections")
        );
        assert_eq!(gone > 0, lost, "{acks}");
        assert!(counter(&report, "log", "elections") >= 4);
        assert_replays(&check, &report);
        let command = &report.operations["command"];
        assert_eq!(
            command.failed + command.timed_out,
            0,
            "their senders send again"
        );
    }
}

#[test]
fn a_full_log_holds_its_producers_back() {
    let report = run(&accounts(&[
        ("design.log.count", "1"),
        ("design.log.replication", "1"),
        ("design.log.machine", "c6g.medium"),
        ("design.log.append", "2 ms"),
        ("design.log.in_flight", "200 events"),
        ("design.log.max_wait", "2 s"),
        ("traffic.command.rate", "1/s per user"),
        ("run.duration", "60 s"),
    ]));
    let command = &report.operations["command"];
    println!(
        "offered {:.0}/s, rejected {:?}, failed {}",
        command.offered_per_s, command.rejected, command.failed
    );
    assert!(
        command.rejected.unwrap() > 10_000,
        "half of a thousand a second"
    );
    assert!(command.failed >= command.rejected.unwrap());
    assert!(
        report.tiers["log"].queue.max <= 400,
        "no more than the credit of both instances"
    );
}

#[test]
fn without_the_switch_nothing_changes() {
    let off = accounts(&[
        ("patterns.event_sourcing", "Off"),
        (
            "design.database",
            r#"(machine: "c7g.xlarge", pool: 20, query: Constant("1 ms"))"#,
        ),
    ]);
    let mut bare = off.clone();
    bare.design.sourcing = None;
    assert_eq!(off.hash(), bare.hash());
    let (tuned, plain) = (run(&off), run(&bare));
    assert_eq!(tuned.operations, plain.operations);
    assert_eq!(tuned.tiers, plain.tiers);
    assert!(!tuned.tiers.contains_key("log"));
}

#[test]
fn team_chat_with_event_sourcing() {
    let brief = ("run.duration", "20 s");
    let off = scenario(preset("team-chat"), &[brief]);
    let on = scenario(
        preset("team-chat"),
        &[brief, ("patterns.event_sourcing", "On")],
    );
    let (before, after) = (finished(&off), finished(&on));
    let comparison = compared(&before, &after, 0.95);
    let (before, report) = (before.report(), after.report());
    let check = after.replay_check().unwrap();
    let difference = comparison.differences["publish.delivered.p99"];
    println!("publish p99: {difference:?} ms more");
    // A decision, a linger of a millisecond, the slower of two followers, and two more ways.
    assert!(difference.low.unwrap() > 2.0 && difference.high.unwrap() < 6.0);
    let query = &report.operations["query"];
    let lag = report.tiers["projections"].lag_ms.unwrap();
    println!(
        "queries are {:?} ms behind; the lag is {lag:?}; stale {:.4}",
        query.behind_ms, query.stale_ratio
    );
    near("read staleness", query.behind_ms.unwrap(), lag.mean, 0.05);
    let bill = |report: &RunReport, tier: &str| {
        let items = &report.cost.as_ref().unwrap().items;
        let own = items.iter().filter(|item| item.tier == tier);
        own.map(|item| item.usd_per_month).sum::<f64>()
    };
    for tier in ["command_side", "log", "projections"] {
        println!("{tier}: {:.0} USD a month", bill(&report, tier));
        assert!(bill(&report, tier) > 0.0 && bill(&before, tier) == 0.0);
    }
    assert_replays(&check, &report);
    assert_eq!(report.operations["publish"].lost, 0);
}
