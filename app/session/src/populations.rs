//! The same scenario for several populations: drawn by the population seed and those that follow it, each run to its aim.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use sim_core::report::RunReport;
use sim_core::scenario::Scenario;
use sim_core::system::over_populations;

use crate::aim;
use crate::clock::{Deadline, Stopwatch, Throttle};
use crate::execute::{ExecuteError, PROGRESS_INTERVAL, Progress, RunOptions, is_finished, lock};

/// Runs a scenario for so many populations, several at a time, and reports on the first with the spread over all. Populations
/// that are cut by the clock or by hand are left out of the spread; a first one that is cut is reported as it is. `progress`
/// is called as by [`crate::run`].
pub fn run_populations(
    scenario: &Scenario,
    count: usize,
    options: &RunOptions,
    progress: &(dyn Fn(Progress) -> bool + Sync),
) -> Result<RunReport, ExecuteError> {
    if count < 2 {
        return crate::run(scenario, options, progress);
    }
    let watch = Stopwatch::start();
    let deadline = Deadline::after(options.max_time);
    let throttle = Mutex::new(Throttle::every(PROGRESS_INTERVAL));
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let stopped = AtomicBool::new(false);
    let events: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(0)).collect();
    let outcomes: Vec<Mutex<Option<Result<RunReport, ExecuteError>>>> =
        (0..count).map(|_| Mutex::new(None)).collect();
    // Populations are what goes side by side: tellings of a story follow one another.
    let each = RunOptions {
        threads: Some(1),
        ..options.clone()
    };
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let over = stopped.load(Ordering::Relaxed) || deadline.has_passed();
            // The first is begun in any case, so that there is something to report.
            if number >= count || over && number > 0 {
                return;
            }
            let mut scenario = scenario.clone();
            let seed = scenario.run.population_seed.wrapping_add(number as u64);
            scenario.run.population_seed = seed;
            let outcome = aim::pursue(&scenario, &each, deadline, &|reached| {
                events[number].store(reached.events, Ordering::Relaxed);
                let due = throttle
                    .try_lock()
                    .is_ok_and(|mut throttle| throttle.is_due());
                let done = finished.load(Ordering::Relaxed);
                let so_far = || Progress {
                    simulated_s: done as f64 + reached.simulated_s / reached.total_s.max(1e-9),
                    total_s: count as f64,
                    events: events.iter().map(|n| n.load(Ordering::Relaxed)).sum(),
                    runs: (done, count),
                    elapsed_s: watch.wall_s(),
                };
                if due && !progress(so_far()) {
                    stopped.store(true, Ordering::Relaxed);
                }
                !stopped.load(Ordering::Relaxed)
            });
            finished.fetch_add(1, Ordering::Relaxed);
            *lock(&outcomes[number]) = Some(outcome);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..options.thread_count(count) {
            scope.spawn(work);
        }
        work();
    });
    let mut reports = Vec::with_capacity(count);
    for (number, outcome) in outcomes.iter().enumerate() {
        match lock(outcome).take() {
            Some(Err(error)) => return Err(error),
            Some(Ok(report)) if is_finished(&report) || number == 0 => reports.push(report),
            _ => {}
        }
    }
    let missing = reports.len() < count;
    if reports.first().is_some_and(|first| !is_finished(first)) {
        reports.truncate(1);
    }
    let mut merged = over_populations(reports).ok_or(ExecuteError::Stopped)?;
    merged.engine.wall_s = watch.wall_s();
    if missing && is_finished(&merged) {
        let reason = if stopped.load(Ordering::Relaxed) {
            "Interrupted"
        } else {
            "TimeBudget"
        };
        merged.stop = reason.to_owned();
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use sim_core::scenario::{Edit, load_str};

    use super::*;

    fn scenario() -> Scenario {
        let set = |path: &str, value: &str| Edit::Set {
            path: path.to_owned(),
            value: value.to_owned(),
        };
        let edits = [
            set("load.users", "2_000 users"),
            set("run.duration", "10 s"),
            set("run.warmup", "2 s"),
        ];
        load_str(
            include_str!("../../../presets/team-chat.ron"),
            "team-chat.ron",
            &edits,
        )
        .unwrap()
    }

    fn with(count: usize, threads: usize) -> RunReport {
        let options = RunOptions {
            threads: Some(threads),
            ..RunOptions::default()
        };
        let mut report = run_populations(&scenario(), count, &options, &|_| true).unwrap();
        report.engine = Default::default();
        report
    }

    #[test]
    fn one_population_is_the_plain_run() {
        let mut plain = crate::run(&scenario(), &RunOptions::default(), &|_| true).unwrap();
        plain.engine = Default::default();
        assert_eq!(with(1, 1), plain);
    }

    #[test]
    fn four_populations_give_an_interval_over_them_on_any_number_of_threads() {
        let report = with(4, 2);
        let found = report.populations.as_ref().unwrap();
        assert_eq!(found.seeds, [1, 2, 3, 4]);
        // Who shares a channel with whom decides how many copies a message makes.
        let copies = found.numbers["publish.deliveries_per_s"];
        assert!(
            copies.low < copies.value && copies.value < copies.high,
            "{copies:?}"
        );
        assert!(copies.least < copies.most, "{copies:?}");
        assert_eq!(report, with(4, 1));
        // All else is of the first.
        let plain = with(1, 1);
        assert_eq!(report.operations, plain.operations);
    }

    #[test]
    fn a_stopped_first_population_is_reported_as_it_is() {
        let options = RunOptions {
            max_time: Some(std::time::Duration::ZERO),
            ..RunOptions::default()
        };
        let report = run_populations(&scenario(), 3, &options, &|_| true).unwrap();
        assert_eq!(report.stop, "TimeBudget");
        assert_eq!(report.populations, None);
    }
}
