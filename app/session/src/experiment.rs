//! Executes experiments: a planner says which runs it needs, threads carry them out, until it can answer.
//!
//! Runs of one batch go side by side, one thread each, in the order of their numbers; what a run finds does not depend on
//! which thread had it. A run that is cut by the clock or by hand is left out, and the planner answers with what is finished.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use sim_core::experiment::{Next, Outcome, Planner, Recipe, Results, RunRequest};

use crate::aim::{self, Aim};
use crate::clock::{Deadline, Stopwatch, Throttle};
use crate::execute::{PROGRESS_INTERVAL, Progress, RunOptions, is_finished, lock};

/// An experiment's answer and what it took.
#[derive(Clone, Debug)]
pub struct Experiment<A> {
    /// What was found out.
    pub answer: A,
    /// Everything that was simulated.
    pub results: Results,
    /// Whether the planner came to its end (`true`), or was stopped by a budget or by hand.
    pub finished: bool,
}

/// Carries out an experiment on `options.threads` threads (one per core if not said). `progress` is called from the worker
/// threads; returning `false` stops them all. Results of an earlier experiment on the same recipe may be handed in.
pub fn experiment<P: Planner + Sync>(
    planner: &P,
    recipe: &Recipe,
    options: &RunOptions,
    earlier: Results,
    progress: &(dyn Fn(Progress) -> bool + Sync),
) -> Experiment<P::Answer> {
    let mut results = earlier;
    let shared = Shared {
        recipe,
        options,
        progress,
        watch: Stopwatch::start(),
        deadline: Deadline::after(options.max_time),
        stopped: AtomicBool::new(false),
        finished: AtomicUsize::new(results.len()),
        at_most: planner.at_most(),
        events: AtomicU64::new(0),
        throttle: Mutex::new(Throttle::every(PROGRESS_INTERVAL)),
    };
    loop {
        let runs = match planner.next(&results) {
            Next::Done(answer) => {
                return Experiment {
                    answer,
                    results,
                    finished: true,
                };
            }
            Next::Runs(runs) => runs,
        };
        let asked = runs.len();
        let outcomes = shared.batch(&runs);
        let answered = outcomes.len();
        for (request, outcome) in outcomes {
            results.push(request, outcome);
        }
        if answered < asked || shared.is_over() {
            return Experiment {
                answer: planner.partial(&results),
                results,
                finished: false,
            };
        }
    }
}

/// What the worker threads share.
struct Shared<'a> {
    recipe: &'a Recipe,
    options: &'a RunOptions,
    progress: &'a (dyn Fn(Progress) -> bool + Sync),
    watch: Stopwatch,
    deadline: Deadline,
    stopped: AtomicBool,
    finished: AtomicUsize,
    at_most: usize,
    events: AtomicU64,
    throttle: Mutex<Throttle>,
}

impl Shared<'_> {
    fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.deadline.has_passed()
    }

    /// Carries out a batch; what was cut is missing.
    fn batch(&self, runs: &[RunRequest]) -> Vec<(RunRequest, Outcome)> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.options.threads.unwrap_or_else(cores);
        let threads = threads.clamp(1, runs.len().max(1));
        let next = AtomicUsize::new(0);
        let outcomes: Mutex<Vec<(RunRequest, Outcome)>> = Mutex::new(Vec::new());
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = runs.get(index).filter(|_| !self.is_over()) else {
                    return;
                };
                if let Some(outcome) = self.one(request) {
                    self.finished.fetch_add(1, Ordering::Relaxed);
                    lock(&outcomes).push((request.clone(), outcome));
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        outcomes
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One run; `None`: it was cut.
    fn one(&self, request: &RunRequest) -> Option<Outcome> {
        let scenario = match self.recipe.scenario(request) {
            Ok(scenario) => scenario,
            Err(errors) => {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                return Some(Outcome::Failed(lines.join("; ")));
            }
        };
        let counted = AtomicU64::new(0);
        let options = RunOptions {
            aim: Aim::Length,
            ..self.options.clone()
        };
        let outcome = aim::pursue(&scenario, &options, self.deadline, &|reached| {
            let before = counted.swap(reached.events, Ordering::Relaxed);
            self.events
                .fetch_add(reached.events.saturating_sub(before), Ordering::Relaxed);
            self.report_progress(reached.simulated_s / reached.total_s.max(1e-9))
        });
        match outcome {
            Ok(report) if is_finished(&report) => Some(Outcome::Report(Box::new(report))),
            Ok(_) => None,
            Err(error) => Some(Outcome::Failed(error.to_string())),
        }
    }

    fn report_progress(&self, share: f64) -> bool {
        // Another thread that is just reporting is as good: never wait for it.
        let due = self
            .throttle
            .try_lock()
            .is_ok_and(|mut throttle| throttle.is_due());
        if due {
            let done = self.finished.load(Ordering::Relaxed);
            let all = self.at_most.max(done + 1);
            let so_far = Progress {
                simulated_s: done as f64 + share,
                total_s: all as f64,
                events: self.events.load(Ordering::Relaxed),
                runs: (done, all.max(2)),
                elapsed_s: self.watch.wall_s(),
            };
            if !(self.progress)(so_far) {
                self.stopped.store(true, Ordering::Relaxed);
            }
        }
        !self.stopped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use sim_core::experiment::{Capacity, RunRequest};

    use super::*;

    const SMALL: &str = include_str!("../../../presets/p1-mvp.ron");

    fn recipe() -> Recipe {
        let set = |path: &str, value: &str| sim_core::scenario::Edit::Set {
            path: path.to_owned(),
            value: value.to_owned(),
        };
        Recipe {
            text: SMALL.to_owned(),
            file_name: "p1-mvp.ron".to_owned(),
            edits: vec![set("run.duration", "2 s"), set("run.warmup", "1 s")],
            files: Default::default(),
        }
    }

    fn capacity() -> Capacity {
        let scenario = recipe().scenario(&RunRequest::plain()).unwrap();
        Capacity {
            width: 0.2,
            ..Capacity::new(scenario)
        }
    }

    #[test]
    fn a_capacity_search_is_the_same_on_any_number_of_threads() {
        let run = |threads| {
            let options = RunOptions {
                threads: Some(threads),
                ..RunOptions::default()
            };
            let found = experiment(
                &capacity(),
                &recipe(),
                &options,
                Results::default(),
                &|_| true,
            );
            assert!(found.finished);
            found.answer.breaks_at
        };
        let one = run(1);
        assert!(one.is_some());
        assert_eq!(one, run(2));
    }

    #[test]
    fn stopping_answers_with_what_is_finished() {
        let options = RunOptions {
            max_time: Some(std::time::Duration::ZERO),
            ..RunOptions::default()
        };
        let found = experiment(
            &capacity(),
            &recipe(),
            &options,
            Results::default(),
            &|_| true,
        );
        assert!(!found.finished);
        assert!(found.results.is_empty());
        assert_eq!(found.answer.breaks_at, None);
    }
}
