//! A swarm of random scenarios: whatever a seed draws, nothing panics, nothing is lost count of, and what is reported
//! holds together.
//!
//! A seed that breaks something is printed with what broke. `SWARM_SEED=17 cargo test -p system-tests --test swarm one_seed
//! -- --nocapture` runs it alone and keeps its scenario in a file, for `plimsoll run`.

mod copies;
mod dice;
mod invariants;
mod mishaps;
mod reduced;
mod scenarios;
mod services;
mod together;

use std::panic::{AssertUnwindSafe, catch_unwind};

use sim_core::engine::{Interrupt, StopReason};
use sim_core::report::RunReport;
use sim_core::scenario::{Edit, Scenario, load_str};
use sim_core::system::SystemRun;
use sim_core::time::SimTime;

/// Events of one run.
const EVENTS: u64 = 200_000;
/// One in so many is run again, cut, cloned, and with its patterns off.
const CLOSER: u64 = 10;

/// What became of one seed.
enum Outcome {
    /// Validation refused it.
    Refused,
    /// All holds.
    Held,
    /// This does not.
    Broken(Vec<String>),
}

fn edited(text: &str, seed: u64, edits: &[Edit]) -> Result<Scenario, Vec<String>> {
    load_str(text, &format!("swarm-{seed}.ron"), edits)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

/// Goes on to `until`, or to the end of the event budget.
fn advance(run: &mut SystemRun, until: SimTime) -> Option<StopReason> {
    let left = EVENTS.saturating_sub(run.work().0);
    run.advance(until, Some(left), &mut |_, _| Interrupt::Continue)
}

/// The result part of a report.
fn result(report: RunReport) -> String {
    let result = RunReport {
        engine: Default::default(),
        ..report
    };
    serde_json::to_string(&result).expect("a report is JSON")
}

/// A run that is looked at twice on its way.
fn run(scenario: &Scenario, broken: &mut Vec<String>) -> Option<SystemRun> {
    let mut run = SystemRun::new(scenario).ok()?;
    let end = run.end();
    for part in 1..=3 {
        let until = SimTime::from_nanos(end.as_nanos() / 3 * part);
        let until = if part == 3 { end } else { until };
        if advance(&mut run, until).is_some() {
            break;
        }
        note(scenario, &run, broken);
    }
    note(scenario, &run, broken);
    Some(run)
}

fn note(scenario: &Scenario, run: &SystemRun, broken: &mut Vec<String>) {
    let report = run.report();
    for what in invariants::broken(scenario, &report) {
        broken.push(format!("at {}: {what}", run.now()));
    }
    // A number that is none would be read back as nothing.
    let read: Result<RunReport, _> = serde_json::from_str(&result(report));
    if let Err(problem) = read {
        broken.push(format!(
            "at {}: the report is not read back: {problem}",
            run.now()
        ));
    }
}

/// People come and go at the slider while faults are on.
fn reseated(scenario: &Scenario, broken: &mut Vec<String>) {
    let Ok(mut run) = SystemRun::new(scenario) else {
        return;
    };
    let before = broken.len();
    let (end, users) = (run.end(), scenario.load.users);
    for (part, users) in [(1, users * 2), (2, users / 3 + 1), (3, users)] {
        advance(&mut run, SimTime::from_nanos(end.as_nanos() / 4 * part));
        note(scenario, &run, broken);
        if part == 3 {
            run.restart_measuring();
        } else if run.set_users(users).is_err() {
            return;
        }
    }
    advance(&mut run, end);
    note(scenario, &run, broken);
    for what in &mut broken[before..] {
        what.insert_str(0, "reseated, ");
    }
}

/// Runs without a look give the same, and so do both copies of a run that is cloned on its way.
fn again(scenario: &Scenario, seen: &SystemRun, broken: &mut Vec<String>) {
    let expected = result(seen.report());
    let Ok(mut first) = SystemRun::new(scenario) else {
        return;
    };
    let mut straight = first.clone();
    advance(&mut straight, seen.end());
    if result(straight.report()) != expected {
        broken.push("the same seed gives another result".to_owned());
    }
    advance(&mut first, SimTime::from_nanos(seen.end().as_nanos() / 2));
    let mut second = first.clone();
    for (name, copy) in [("original", &mut first), ("clone", &mut second)] {
        advance(copy, seen.end());
        if result(copy.report()) != expected {
            broken.push(format!(
                "the {name} of a cloned run ends with another result"
            ));
        }
    }
}

/// What is left of a design without patterns is a system too.
fn plain(text: &str, seed: u64, broken: &mut Vec<String>) {
    let off = ["pooling", "sharding", "caching_and_edge"].map(|pattern| Edit::Set {
        path: format!("patterns.{pattern}"),
        value: "Off".to_owned(),
    });
    match edited(text, seed, &off) {
        Ok(scenario) => {
            let before = broken.len();
            run(&scenario, broken);
            for what in &mut broken[before..] {
                what.insert_str(0, "without patterns, ");
            }
        }
        Err(errors) => broken.push(format!("without patterns: {}", errors.join("; "))),
    }
}

/// When nothing new has come for minutes, nothing is under way.
fn drained(text: &str, seed: u64, broken: &mut Vec<String>) {
    let edits = [
        (
            "load.shape",
            "Steps([(at: \"0 s\", level: 1), (at: \"2 s\", level: 0)])",
        ),
        ("run.duration", "200 s"),
    ]
    .map(|(path, value)| Edit::Set {
        path: path.to_owned(),
        value: value.to_owned(),
    });
    let Ok(scenario) = edited(text, seed, &edits) else {
        return;
    };
    let Ok(mut run) = SystemRun::new(&scenario) else {
        return;
    };
    let stopped = run.advance(run.end(), Some(4 * EVENTS), &mut |_, _| Interrupt::Continue);
    let report = run.report();
    for what in invariants::broken(&scenario, &report) {
        broken.push(format!("drained: {what}"));
    }
    if stopped == Some(StopReason::Finished) {
        for what in invariants::under_way(&scenario, &report) {
            broken.push(format!("drained: {what}"));
        }
    }
}

fn outcome(seed: u64) -> Outcome {
    let text = scenarios::text(seed);
    let tried = catch_unwind(AssertUnwindSafe(|| {
        let mut broken = Vec::new();
        let scenario = match edited(&text, seed, &[]) {
            Ok(scenario) => scenario,
            Err(errors) => {
                let placed = errors.iter().all(|error| error.contains("swarm-"));
                if !placed || errors.is_empty() {
                    broken.push(format!("refused without a place: {errors:?}"));
                    return Outcome::Broken(broken);
                }
                if std::env::var_os("SWARM_SEED").is_some() {
                    println!("{}", errors.join("\n"));
                }
                return Outcome::Refused;
            }
        };
        let Some(seen) = run(&scenario, &mut broken) else {
            return Outcome::Refused;
        };
        if seed.is_multiple_of(CLOSER) {
            again(&scenario, &seen, &mut broken);
        }
        if seed % CLOSER == 1 {
            plain(&text, seed, &mut broken);
        }
        if seed % CLOSER == 4 {
            reseated(&scenario, &mut broken);
        }
        if seed % CLOSER < 4 && seed % CLOSER > 1 && !text.contains("Closed(") {
            drained(&text, seed, &mut broken);
        }
        if broken.is_empty() {
            Outcome::Held
        } else {
            Outcome::Broken(broken)
        }
    }));
    tried.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Outcome::Broken(vec![format!("panic: {}", words.unwrap_or_default())])
    })
}

/// Runs seeds from `first` on until so many have run, and says which of them broke what.
fn swarm(first: u64, wanted: u64) {
    let (mut ran, mut refused, mut failing) = (0, 0, Vec::new());
    let mut seed = first;
    while ran < wanted {
        match outcome(seed) {
            Outcome::Refused => refused += 1,
            Outcome::Held => ran += 1,
            Outcome::Broken(what) => {
                ran += 1;
                println!("seed {seed}:");
                what.iter().take(6).for_each(|line| println!("  {line}"));
                println!(
                    "  SWARM_SEED={seed} cargo test -p system-tests --test swarm one_seed -- --nocapture"
                );
                failing.push(seed);
            }
        }
        seed += 1;
    }
    println!("{ran} scenarios ran, {refused} more were refused");
    assert!(
        failing.is_empty(),
        "{} seeds fail: {failing:?}",
        failing.len()
    );
    assert!(
        refused * 2 < ran,
        "{refused} refused beside {ran}: a third is too many to say what all of them do"
    );
}

#[test]
fn a_swarm_of_random_scenarios_holds() {
    swarm(0, 400);
}

#[test]
#[ignore = "minutes: a part of .ci/deep"]
fn a_thousand_random_scenarios_hold() {
    swarm(1_000_000, 1_000);
}

/// Does nothing unless it is told a seed.
#[test]
fn one_seed() {
    let Ok(seed) = std::env::var("SWARM_SEED") else {
        return;
    };
    let seed: u64 = seed.parse().expect("SWARM_SEED is a number");
    let file = std::env::temp_dir().join(format!("swarm-{seed}.ron"));
    std::fs::write(&file, scenarios::text(seed)).expect("a file in the temporary directory");
    println!("plimsoll run {} --max-events {EVENTS}", file.display());
    if let Outcome::Broken(what) = outcome(seed) {
        panic!("seed {seed}:\n{}", what.join("\n"));
    }
}
