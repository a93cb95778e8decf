//! Notifications: queues before providers, priorities, and what users do not want.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::{OperationReport, RunReport};
use system_tests::lab::{preset, run, scenario};

/// Three providers with room to spare; text messages stop from 20 s to 40 s.
const OUTAGE: &str = r#"(
    version: 1,
    name: "outage",
    title: "Outage",
    story: "Text messages stop.",
    load: (
        users: 5_000,
        places: {"us-east-1": "100 %"},
        access: {"fiber": "100 %"},
        heartbeat: "60 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Rooms(size: 20)),
    traffic: (
        notify: (
            rate: "1_000/s", size: "1 KB", high: "30 %", low: "30 %",
            providers: {"push": "80 %", "email": "10 %", "sms": "10 %"},
            preferences: (off: {"email": "25 %", "sms": "50 %"}),
        ),
    ),
    patterns: (pooling: On),
    design: (
        place: "us-east-1",
        routing: Local,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (count: 1, machine: "c7g.4xlarge", profile: "tokio-websocket"),
        notifications: (count: 2, machine: "c7g.large", queue: "100_000 notifications", dedupe: "10 s"),
        providers: {
            "push": (rate: "10_000/s", latency: Constant("50 ms")),
            "email": (rate: "1_000/s", latency: Constant("1 s")),
            "sms": (rate: "200/s", latency: Constant("1 s")),
        },
    ),
    run: (population_seed: 1, seed: 7, warmup: "5 s", duration: "60 s"),
)"#;

const STOPS: (&str, &str) = (
    "faults",
    r#"[(at: "20 s", lasts: "20 s", fault: Kill(tier: "providers", first: 2))]"#,
);
const SHARED: (&str, &str) = ("design.notifications.queueing", "Shared");

fn tell(edits: &[(&str, &str)]) -> RunReport {
    run(&scenario(OUTAGE, edits))
}

fn notify(report: &RunReport) -> &OperationReport {
    &report.operations["notify"]
}

fn p99(report: &RunReport, kind: &str) -> f64 {
    notify(report).latency_ms[kind].p99.value.unwrap()
}

fn counter(report: &RunReport, tier: &str, name: &str) -> u64 {
    report.tiers[tier].counters[name]
}

/// Concept C020: who waits for a push does not notice that text messages stop, unless all wait in one queue.
#[test]
fn c020_a_provider_that_stops_stops_nobody_else() {
    let (calm, stopped) = (tell(&[]), tell(&[STOPS]));
    let (before, after) = (p99(&calm, "push_high"), p99(&stopped, "push_high"));
    let shared = p99(&tell(&[STOPS, SHARED]), "push_high");
    println!(
        "urgent push p99: {before:.2} ms, text messages stopped {after:.2} ms, one queue {shared:.1} ms"
    );
    assert!((after / before - 1.0).abs() < 0.05);
    assert!(shared > 10.0 * before);
    // What waited for text messages is told when they go again.
    let (calm_sms, late_sms) = (p99(&calm, "sms_high"), p99(&stopped, "sms_high"));
    println!("urgent text messages p99: {calm_sms:.0} ms and {late_sms:.0} ms");
    assert!(late_sms > calm_sms + 10_000.0);
    assert_eq!(
        counter(&stopped, "providers", "waiting_sms"),
        0,
        "the backlog drains"
    );
    let fault = &stopped.faults[0];
    println!(
        "{} {:?} {:?}",
        fault.fault, fault.detection, fault.time_to_recover_s
    );
    assert!(fault.time_to_recover_s.is_some_and(|took| took > 20.0));
    // Throttled to nothing for the whole run.
    let none = tell(&[("design.providers.sms.rate", "0/s")]);
    assert!((p99(&none, "push_high") / before - 1.0).abs() < 0.05);
    assert_eq!(counter(&none, "providers", "sent_sms"), 0);
    for report in [&calm, &stopped, &none] {
        let own = notify(report);
        assert_eq!(own.sent_to_switched_off, Some(0));
    }
    // 10 % by mail that a quarter has switched off, 10 % by text message that half has.
    let off = counter(&calm, "notifications", "withheld_off") as f64;
    let asked = notify(&calm).offered_per_s * calm.simulated_s;
    println!("{off} of {asked} over a channel that is off");
    assert!((off / asked / 0.075 - 1.0).abs() < 0.1);
}

/// Concept C022: twice as much as a provider takes: urgent ones arrive, the least important are dropped first.
#[test]
fn c022_overload_falls_on_what_matters_least() {
    let report = tell(&[
        ("traffic.notify.providers", "{\"push\": \"100 %\"}"),
        ("design.providers.push.rate", "500/s"),
        ("design.notifications.queue", "1_000"),
    ]);
    let classes = &notify(&report).classes;
    let of = |name: &str| classes[name];
    for name in ["high", "medium", "low"] {
        println!("{name}: {:?}", of(name));
    }
    let shed = |name: &str| of(name).shed_ratio.unwrap();
    assert!(of("high").delivered_ratio.unwrap() >= 0.999);
    assert!(shed("low") > shed("medium") && shed("medium") > shed("high"));
    // 500 of 1 000: all 300 urgent ones and half of the 400 others.
    assert!((shed("medium") - 0.5).abs() < 0.05, "{}", shed("medium"));
    assert!(shed("low") > 0.99);
    let rate = report.tiers["providers"].utilization["rate"].hottest;
    assert!((rate - 1.0).abs() < 0.01, "{rate}");
}

/// Quiet hours, a cap and repetitions withhold what they should; urgent things break the first two.
#[test]
fn users_are_not_told_what_they_do_not_want() {
    let all_day = "(quiet: (share: \"100 %\", from: \"0 h\", to: \"23 h\"))";
    let hours = [
        ("load.day", "(starts: \"3\")"),
        ("traffic.notify.preferences", all_day),
    ];
    let quiet = tell(&hours[1..]);
    let told = |report: &RunReport, name: &str| {
        let class = notify(report).classes.get(name);
        class.map_or(0, |class| class.delivered)
    };
    println!(
        "quiet: {} urgent, {} others",
        told(&quiet, "high"),
        told(&quiet, "low")
    );
    assert!(told(&quiet, "high") > 10_000);
    assert_eq!(told(&quiet, "low") + told(&quiet, "medium"), 0);
    let capped = tell(&[("traffic.notify.preferences", "(hourly_cap: 2)")]);
    let others = told(&capped, "low") + told(&capped, "medium");
    println!(
        "two per hour: {others} others to 5 000 users, {} beyond",
        counter(&capped, "notifications", "withheld_capped")
    );
    assert!(others <= 10_000);
    assert!(counter(&capped, "notifications", "withheld_capped") > 10_000);
    let again = tell(&[("traffic.notify.repeats", "20 %")]);
    let repeated = counter(&again, "notifications", "withheld_repeated") as f64;
    let asked = notify(&again).offered_per_s * again.simulated_s;
    println!("repeated {repeated} of {asked}");
    assert!(repeated > 0.05 * asked && repeated < 0.2 * asked);
}

/// The preset tells the story that its comment tells.
#[test]
fn the_preset_meets_its_objectives_while_text_messages_stop() {
    let report = run(&scenario(preset("notify"), &[]));
    for objective in &report.objectives {
        println!(
            "{}: {} {:?}",
            objective.objective, objective.verdict, objective.value
        );
        assert_eq!(objective.verdict, "pass", "{}", objective.objective);
    }
    let shared = run(&scenario(preset("notify"), &[SHARED]));
    let (own, one) = (p99(&report, "push_high"), p99(&shared, "push_high"));
    println!("urgent push p99: {own:.0} ms, in one queue {one:.0} ms");
    assert!(one > 10.0 * own);
}
