//! What somebody who watches is shown is what a run of the command line says.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::engine::Interrupt;
use sim_core::report::RunReport;
use sim_core::scenario::{Scenario, load_str};
use sim_core::system::SystemRun;
use sim_core::time::{SimDuration, SimTime};

fn advance(run: &mut SystemRun, until: SimTime) {
    let _ = run.advance(until, None, &mut |_, _| Interrupt::Continue);
}

/// A report without what depends on the machine.
fn result(mut report: RunReport) -> RunReport {
    report.engine = Default::default();
    report
}

const PRESETS: [(&str, &str); 6] = [
    ("team-chat", include_str!("../../../presets/team-chat.ron")),
    (
        "reconnect-storm",
        include_str!("../../../presets/reconnect-storm.ron"),
    ),
    (
        "closed-loop",
        include_str!("../../../presets/closed-loop.ron"),
    ),
    ("p3-scale", include_str!("../../../presets/p3-scale.ron")),
    ("espn-live", include_str!("../../../presets/espn-live.ron")),
    ("inventory", include_str!("../../../presets/inventory.ron")),
];

/// A preset with few users, and a short run.
fn small(name: &str) -> Scenario {
    let (_, text) = PRESETS
        .into_iter()
        .find(|(other, _)| *other == name)
        .unwrap();
    let mut scenario = load_str(text, name, &[]).unwrap();
    scenario.load.users = scenario.load.users.min(2_000);
    scenario.run.warmup = SimDuration::from_secs(5);
    scenario.run.duration = SimDuration::from_secs(8);
    scenario
}

#[test]
fn a_first_look_changes_nothing_that_is_measured_later() {
    for (name, _) in PRESETS {
        let mut scenario = small(name);
        scenario.faults.truncate(0);
        let [plain, early] = [false, true].map(|early| {
            let mut run = SystemRun::new(&scenario).unwrap();
            if early {
                run.measure_early(SimTime::from_secs(1));
                advance(&mut run, SimTime::from_secs(4));
                assert!(run.is_early());
                assert!(run.report().warmup_s < 4.0, "{name}");
            }
            let end = run.end();
            advance(&mut run, end);
            result(run.report())
        });
        assert_eq!(early, plain, "{name}");
    }
}

#[test]
fn single_messages_add_up_and_following_them_changes_nothing() {
    let scenario = small("p3-scale");
    let [plain, followed] = [false, true].map(|follow| {
        let mut run = SystemRun::new(&scenario).unwrap();
        run.follow(follow);
        let end = run.end();
        advance(&mut run, end);
        run
    });
    assert_eq!(result(plain.report()), result(followed.report()));
    assert!(plain.traces().is_empty());
    let traces = followed.traces();
    assert!(traces.len() > 50, "{} traces", traces.len());
    for trace in &traces {
        let sum: u64 = trace.spans.iter().map(|span| span.lasts.as_nanos()).sum();
        let latency = trace.latency.as_nanos();
        // Parts are kept in units of 128 ns.
        assert!(sum.abs_diff(latency) <= 4 * 128, "{trace:?}: {sum}");
    }
    // They are a sample of what is delivered.
    let mut publishes: Vec<f64> = traces
        .iter()
        .filter(|trace| trace.operation == "publish")
        .map(|trace| trace.latency.as_secs_f64() * 1e3)
        .collect();
    publishes.sort_by(f64::total_cmp);
    let median = publishes[publishes.len() / 2];
    let report = followed.report();
    let reported = report.operations["publish"].latency_ms["delivered"]
        .p50
        .value
        .unwrap();
    assert!(
        (median / reported - 1.0).abs() < 0.25,
        "{median} and {reported}"
    );
}

#[test]
fn the_curve_of_the_quick_estimate_is_the_estimate_at_every_load() {
    let scenario = small("team-chat");
    let placement = sim_core::quick::Placement::of(&scenario).unwrap();
    let users = scenario.load.users;
    let curve =
        sim_core::quick::curve(&scenario, &placement, &[users, 100 * users, 10_000 * users]);
    let estimate = sim_core::quick::estimate(&scenario, &placement);
    assert_eq!(curve[0].p99_ms, estimate.get("publish.delivered.p99"));
    assert!(curve[1].p99_ms > curve[0].p99_ms);
    assert_eq!(curve[2].p99_ms, None);
}
