//! The quick estimate against the simulation, and the audit of a report's own figures.
//!
//! Tolerances are what was measured on these presets with room for the luck of half a minute: utilisation ± 3 %, median ± 3 %,
//! 99th percentile ± 12 %.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::engine::Interrupt;
use sim_core::quick::{Placement, audit, estimate};
use sim_core::report::RunReport;
use sim_core::scenario::{Edit, Scenario, load_str};
use sim_core::system::SystemRun;

const TEAM: &str = include_str!("../../presets/team-chat.ron");
const MVP: &str = include_str!("../../presets/p1-mvp.ron");

fn scenario(text: &str, users: &str, duration: &str) -> Scenario {
    let edits = [
        Edit::Users(users.to_owned()),
        Edit::parse(&format!("run.duration={duration}")).unwrap(),
    ];
    load_str(text, "x.ron", &edits).unwrap()
}

fn run(scenario: &Scenario) -> RunReport {
    let mut system = SystemRun::new(scenario).unwrap();
    let end = system.end();
    system.advance(end, None, &mut |_, _| Interrupt::Continue);
    system.report()
}

fn near(report: &RunReport, path: &str, simulated: f64, tolerance: f64) {
    let quick = report.quick_estimate.as_ref().unwrap()[path];
    let off = quick / simulated - 1.0;
    assert!(
        off.abs() <= tolerance,
        "{path}: quick {quick}, simulated {simulated}, {:+.1} %",
        off * 100.0
    );
}

#[test]
fn it_agrees_with_the_simulation() {
    let team = run(&scenario(TEAM, "20000", "100 s"));
    let mvp = run(&scenario(MVP, "6000", "60 s"));
    for (report, operations) in [
        (&team, ["publish", "query"].as_slice()),
        (&mvp, &["publish"]),
    ] {
        for name in operations {
            let (kind, latency) = report.operations[*name]
                .latency_ms
                .iter()
                .find(|(kind, _)| *kind != "complete")
                .unwrap();
            let path = |statistic: &str| format!("{name}.{kind}.{statistic}");
            near(report, &path("p50"), latency.p50.value.unwrap(), 0.03);
            near(report, &path("p99"), latency.p99.value.unwrap(), 0.12);
        }
        let pool = report.tiers["database"].utilization["pool"].hottest;
        near(report, "database.pool", pool, 0.03);
        let cost = report.cost.as_ref().unwrap().usd_per_month;
        near(report, "cost.usd_per_month", cost, 0.05);
    }
    let cpu = mvp.tiers["connection_servers"].utilization["cpu"].hottest;
    near(&mvp, "connection_servers.cpu", cpu, 0.03);
    assert_eq!(audit(&team), Vec::<String>::new());
    assert_eq!(audit(&mvp), Vec::<String>::new());
}

#[test]
fn a_placement_answers_for_other_rates_pools_and_users() {
    let base = scenario(TEAM, "20000", "10 s");
    let placement = Placement::of(&base).unwrap();
    let load = |text: &str| {
        let edits = [Edit::Users("20000".to_owned()), Edit::parse(text).unwrap()];
        load_str(TEAM, "x.ron", &edits).unwrap()
    };
    let larger = load("design.database.pool=200");
    assert!(placement.suits(&larger));
    let (before, after) = (estimate(&base, &placement), estimate(&larger, &placement));
    let ratio = before.get("database.pool").unwrap() / after.get("database.pool").unwrap();
    assert!((ratio - 2.0).abs() < 1e-9);
    assert!(after.get("breaks_at.resource") > before.get("breaks_at.resource"));
    assert!(!placement.suits(&load("design.connection_servers.count=12")));
    assert!(!placement.suits(&load("channels.per_user=6")));
    // Ten times the users, from the smaller placement and from their own.
    let many = scenario(TEAM, "200000", "10 s");
    let scaled = estimate(&many, &placement);
    let own = estimate(&many, &Placement::of(&many).unwrap());
    for path in [
        "database.pool",
        "connection_servers.memory",
        "query.answered.p50",
    ] {
        let off = scaled.get(path).unwrap() / own.get(path).unwrap() - 1.0;
        assert!(off.abs() < 0.03, "{path}: {off}");
    }
}

#[test]
fn beyond_its_limits_it_gives_no_latency() {
    let base = scenario(TEAM, "20000", "10 s");
    let placement = Placement::of(&base).unwrap();
    let crowd = scenario(TEAM, "400000", "10 s");
    let quick = estimate(&crowd, &placement);
    assert!(quick.get("database.pool").unwrap() > 1.0);
    assert_eq!(quick.get("query.answered.p99"), None);
    assert!(quick.get("breaks_at").unwrap() < 400_000.0);
}

#[test]
fn faults_are_not_estimated() {
    let text = include_str!("../../presets/reconnect-storm.ron");
    let storm = load_str(text, "x.ron", &[]).unwrap();
    assert_eq!(
        SystemRun::new(&storm).unwrap().report().quick_estimate,
        None
    );
}

#[test]
fn an_audit_names_what_does_not_add_up() {
    let good = run(&scenario(TEAM, "20000", "30 s"));
    let mut report = good.clone();
    report.operations.get_mut("publish").unwrap().received /= 2;
    assert!(
        audit(&report)
            .iter()
            .any(|text| text.contains("flow balance"))
    );
    let mut report = good.clone();
    report.tiers.get_mut("database").unwrap().queue.mean = 50.0;
    assert!(
        audit(&report)
            .iter()
            .any(|text| text.contains("Little's law"))
    );
    let mut report = good.clone();
    let pool = report
        .tiers
        .get_mut("database")
        .unwrap()
        .utilization
        .get_mut("pool");
    pool.unwrap().mean = 0.5;
    assert!(
        audit(&report)
            .iter()
            .any(|text| text.contains("database.pool"))
    );
    let mut report = good;
    let publish = report.operations.get_mut("publish").unwrap();
    let p99 = &mut publish.latency_ms.get_mut("delivered").unwrap().p99;
    (p99.value, p99.low, p99.high) = (Some(400.0), Some(390.0), Some(410.0));
    assert!(
        audit(&report)
            .iter()
            .any(|text| text.contains("publish.delivered.p99"))
    );
    // Wide intervals excuse a difference.
    let p99 = &mut report
        .operations
        .get_mut("publish")
        .unwrap()
        .latency_ms
        .get_mut("delivered")
        .unwrap()
        .p99;
    (p99.low, p99.high) = (Some(100.0), Some(700.0));
    assert_eq!(audit(&report), Vec::<String>::new());
}
