use std::path::PathBuf;

use session::{RunOptions, ramp, run};
use sim_core::scenario::{Base, Problem, load_with};
use sim_core::time::SimDuration;

use super::*;
use crate::words;

/// Loads of a line as shares of the load at which it breaks.
const SHARES: [f64; 10] = [0.005, 0.02, 0.1, 0.25, 0.5, 0.7, 0.85, 0.95, 1.05, 1.3];

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

fn preset(name: &str) -> Scenario {
    let read = |name: &str| std::fs::read_to_string(folder("presets").join(name));
    let text = |name: &str| read(&format!("{name}.ron")).map_err(|error| error.to_string());
    let find = |name: &str, _: &str| {
        text(name).map_err(Problem::new).map(|text| Base {
            file_name: format!("preset {name}"),
            text,
        })
    };
    let beside = |name: &str| read(name).map_err(|error| error.to_string());
    let file = format!("{name}.ron");
    let loaded = load_with(&text(name).unwrap(), &file, &[], &find, &beside);
    loaded
        .unwrap_or_else(|errors| panic!("{errors:?}"))
        .scenario
}

#[test]
fn what_is_stored_is_about_the_presets_as_they_are() {
    for (name, text) in TEXTS {
        let stored = read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let now = format!("{:016x}", preset(name).hash());
        assert_eq!(
            stored.report.scenario.hash, now,
            "{name} was changed since its result was stored: run\n  cargo test -p desktop --release -- --ignored writes_the_stored_results"
        );
        assert!(words::main_latency(&stored.report).is_some(), "{name}");
        assert!(stored.load_line.len() >= 4, "{name}");
    }
}

#[test]
fn what_is_stored_is_shown_until_the_run_says_more() {
    let scenario = Arc::new(preset("team-chat"));
    let mut frame = Frame {
        number: 0,
        loads: 0,
        phase: session::Phase::Building,
        simulated_s: 0.0,
        speed: 0.0,
        scenario: scenario.clone(),
        report: None,
        heat: Arc::default(),
        load_line: Arc::default(),
        estimate: Arc::default(),
        time: session::TimeFrame::default(),
        problem: None,
    };
    let mut shelf = Shelf::open();
    let first = shelf.fill(Arc::new(frame.clone()));
    assert!(shelf.shown);
    let report = first.report.clone().expect("it is stored");
    assert_eq!(report.users, u64::from(scenario.load.users));
    assert!(first.load_line.len() >= 4);
    let measured = RunReport {
        simulated_s: 30.0,
        ..RunReport::clone(&report)
    };
    frame.report = Some(Arc::new(measured));
    let later = shelf.fill(Arc::new(frame.clone()));
    assert!(!shelf.shown);
    assert!(later.load_line.is_empty());
    let mut other = Scenario::clone(&scenario);
    other.load.users += 1;
    frame.scenario = Arc::new(other);
    frame.report = None;
    assert!(shelf.fill(Arc::new(frame)).report.is_none());
    assert!(!shelf.shown);
}

/// Runs every stored preset to its own end, and its line as the window would.
#[test]
#[ignore = "minutes of simulation: run by hand when a preset was changed"]
fn writes_the_stored_results() {
    for (name, _) in TEXTS {
        let scenario = preset(name);
        let options = RunOptions::default();
        let mut report = run(&scenario, &options, &|_| true).unwrap();
        let breaks = report.breaks_at.as_ref().and_then(|b| b.users.value);
        let breaks = breaks.unwrap_or(f64::from(scenario.load.users) * 3.0);
        let mut loads: Vec<u32> = SHARES
            .map(|share| crate::format::round_load(breaks * share) as u32)
            .to_vec();
        loads.push(scenario.load.users);
        loads.retain(|users| (10..=1_500_000).contains(users));
        loads.sort_unstable();
        loads.dedup();
        let mut shortened = scenario.clone();
        shortened.faults.clear();
        shortened.run.warmup = SimDuration::from_secs(3);
        shortened.run.duration = SimDuration::from_secs(10);
        let points = ramp(&shortened, &loads, &options, &|_| true)
            .unwrap()
            .points;
        let load_line = points.iter().map(|point| {
            let p99 = words::main_latency(point).and_then(|main| main.latency.p99.value);
            let tiers = point.tiers.values();
            let used = tiers.flat_map(|tier| tier.utilization.values().map(|u| u.hottest));
            (point.users as u32, p99, used.fold(0.0, f64::max))
        });
        let load_line = load_line.collect();
        strip(&mut report);
        let stored = Stored { report, load_line };
        let mut text = serde_json::to_string_pretty(&stored).unwrap();
        text.push('\n');
        let path = folder("assets/stored").join(format!("{name}.json"));
        std::fs::write(path, text).unwrap();
    }
}

/// Without what is large or of one machine.
fn strip(report: &mut RunReport) {
    report.series = None;
    report.sources.clear();
    report.quick_estimate = None;
    report.rates.clear();
    report.engine = Default::default();
    for operation in report.operations.values_mut() {
        operation.by_region.clear();
        operation.by_access.clear();
        let latencies = operation.latency_ms.values_mut();
        latencies.for_each(|latency| latency.buckets.clear());
    }
}
