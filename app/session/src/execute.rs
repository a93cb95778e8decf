//! Headless runs: one scenario to its end, or a ramp of loads in parallel.
//!
//! The wall clock bounds a run and fills `engine`; it never reaches the simulation, so the result is the same whatever the
//! number of threads. A ramp keeps the loads it has finished when it is stopped, and leaves out the one it was in.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use sim_core::engine::{Interrupt, StopReason};
use sim_core::experiment::failed_limits;
use sim_core::report::{RampBreak, RampReport, RunReport};
use sim_core::scenario::Scenario;
use sim_core::system::{BuildError, SystemRun};

use crate::aim::{self, Aim};
use crate::clock::{Deadline, Stopwatch, Throttle};

/// Wall time between two calls of `progress`.
pub(crate) const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// Wall time between two calls of `kept`.
const KEPT_INTERVAL: Duration = Duration::from_secs(1);

/// What bounds a run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Stop after this many events.
    pub max_events: Option<u64>,
    /// Stop after this much wall time, over all runs; such a result is exempt from byte identity.
    pub max_time: Option<Duration>,
    /// Threads for several runs; `None`: one per core.
    pub threads: Option<usize>,
    /// When a run has said enough; a ramp always keeps to its length.
    pub aim: Aim,
}

impl RunOptions {
    /// Threads for so many runs.
    pub(crate) fn thread_count(&self, runs: usize) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.unwrap_or_else(cores).clamp(1, runs.max(1))
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Simulated seconds reached, warm-up included; on a ramp, every load's seconds weighted by its users.
    pub simulated_s: f64,
    /// Simulated seconds in all.
    pub total_s: f64,
    /// Events handled.
    pub events: u64,
    /// Runs finished and runs in all (1 for a single run).
    pub runs: (usize, usize),
    /// Wall seconds since the start.
    pub elapsed_s: f64,
}

/// Why there is no report.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The scenario cannot be simulated.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Stopped before there was anything to report.
    #[error("stopped before the first run was over: nothing to report")]
    Stopped,
}

/// Runs one scenario until its aim is reached. `progress` is called a few times per second, from the threads that work;
/// returning `false` stops the run and reports what is finished.
pub fn run(
    scenario: &Scenario,
    options: &RunOptions,
    progress: &(dyn Fn(Progress) -> bool + Sync),
) -> Result<RunReport, ExecuteError> {
    let watch = Stopwatch::start();
    let deadline = Deadline::after(options.max_time);
    let throttle = Mutex::new(Throttle::every(PROGRESS_INTERVAL));
    aim::pursue(scenario, options, deadline, &|reached| {
        let Reached {
            simulated_s,
            total_s,
            events,
        } = reached;
        // Another thread that is just reporting is as good: never wait for it.
        !throttle
            .try_lock()
            .is_ok_and(|mut throttle| throttle.is_due())
            || progress(Progress {
                simulated_s,
                total_s,
                events,
                runs: (0, 1),
                elapsed_s: watch.wall_s(),
            })
    })
}

/// Runs one scenario at rising loads, several at a time. `progress` is called from the worker threads; returning `false`
/// stops them all.
///
/// A load that the simulator cannot hold is an error when it is the only one, and else one of the `breaks`
/// (`simulator.…`).
pub fn ramp(
    scenario: &Scenario,
    loads: &[u32],
    options: &RunOptions,
    progress: &(dyn Fn(Progress) -> bool + Sync),
) -> Result<RampReport, ExecuteError> {
    resumed_ramp(scenario, loads, options, Vec::new(), progress, &|_| {})
}

/// A ramp that begins with loads which an earlier one has finished: they stand in the result and are not run again. `kept` is
/// called with all that is finished, after a load and at most once a second, so that nothing is lost when the program dies.
pub fn resumed_ramp(
    scenario: &Scenario,
    loads: &[u32],
    options: &RunOptions,
    earlier: Vec<RunReport>,
    progress: &(dyn Fn(Progress) -> bool + Sync),
    kept: &(dyn Fn(&RampReport) + Sync),
) -> Result<RampReport, ExecuteError> {
    let shared = Shared::new(scenario, loads, options, earlier, progress, kept);
    std::thread::scope(|scope| {
        for _ in 1..shared.threads() {
            scope.spawn(|| shared.work());
        }
        shared.work();
    });
    shared.report()
}

/// How far one simulation is.
pub(crate) struct Reached {
    pub(crate) simulated_s: f64,
    pub(crate) total_s: f64,
    pub(crate) events: u64,
}

/// Advances a simulation to its end on this thread. `reached` is asked often; `false` stops.
pub(crate) fn advance(
    system: &mut SystemRun,
    max_events: Option<u64>,
    deadline: Deadline,
    reached: &(dyn Fn(Reached) -> bool + Sync),
) -> StopReason {
    let end = system.end();
    let total_s = end.as_secs_f64();
    let reason = system.advance(end, max_events, &mut |now, events| {
        if deadline.has_passed() {
            Interrupt::OutOfTime
        } else if reached(Reached {
            simulated_s: now.as_secs_f64(),
            total_s,
            events,
        }) {
            Interrupt::Continue
        } else {
            Interrupt::Stop
        }
    });
    reason.unwrap_or(StopReason::Finished)
}

/// What the worker threads of a ramp share.
struct Shared<'a> {
    scenario: &'a Scenario,
    loads: &'a [u32],
    options: &'a RunOptions,
    progress: &'a (dyn Fn(Progress) -> bool + Sync),
    kept: &'a (dyn Fn(&RampReport) + Sync),
    /// When `kept` is called; taken for as long as it works.
    keeping: Mutex<Throttle>,
    watch: Stopwatch,
    deadline: Deadline,
    /// The next load to be taken.
    next: AtomicUsize,
    finished: AtomicUsize,
    stopped: AtomicBool,
    /// Simulated nanoseconds and events of every load, for progress.
    reached: Vec<(AtomicU64, AtomicU64)>,
    throttle: Mutex<Throttle>,
    outcomes: Vec<Mutex<Option<Result<RunReport, ExecuteError>>>>,
}

impl<'a> Shared<'a> {
    fn new(
        scenario: &'a Scenario,
        loads: &'a [u32],
        options: &'a RunOptions,
        earlier: Vec<RunReport>,
        progress: &'a (dyn Fn(Progress) -> bool + Sync),
        kept: &'a (dyn Fn(&RampReport) + Sync),
    ) -> Self {
        let mut earlier = earlier;
        let known = loads.iter().map(|users| {
            let of = |report: &RunReport| report.users == u64::from(*users);
            let at = earlier.iter().position(of)?;
            Some(Ok(earlier.swap_remove(at)))
        });
        let outcomes: Vec<Mutex<Option<Result<RunReport, ExecuteError>>>> =
            known.map(Mutex::new).collect();
        let reached = |outcome: &Mutex<Option<Result<RunReport, ExecuteError>>>| {
            let time = match &*lock(outcome) {
                Some(Ok(report)) => report.warmup_s + report.simulated_s,
                _ => 0.0,
            };
            (AtomicU64::new((time * 1e9) as u64), AtomicU64::new(0))
        };
        Self {
            scenario,
            loads,
            options,
            progress,
            kept,
            keeping: Mutex::new(Throttle::every(KEPT_INTERVAL)),
            reached: outcomes.iter().map(reached).collect(),
            finished: AtomicUsize::new(outcomes.iter().filter(|o| lock(o).is_some()).count()),
            outcomes,
            watch: Stopwatch::start(),
            deadline: Deadline::after(options.max_time),
            next: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            throttle: Mutex::new(Throttle::every(PROGRESS_INTERVAL)),
        }
    }

    fn threads(&self) -> usize {
        self.options.thread_count(self.loads.len())
    }

    /// Takes loads until there are none.
    fn work(&self) {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.loads.len()
                || self.stopped.load(Ordering::Relaxed)
                || self.deadline.has_passed()
            {
                return;
            }
            if lock(&self.outcomes[index]).is_some() {
                continue;
            }
            let mut scenario = self.scenario.clone();
            scenario.load.users = self.loads[index];
            let options = RunOptions {
                aim: Aim::Length,
                ..self.options.clone()
            };
            let outcome = aim::pursue(&scenario, &options, self.deadline, &|reached| {
                self.report_progress(index, &reached)
            });
            self.finished.fetch_add(1, Ordering::Relaxed);
            *lock(&self.outcomes[index]) = Some(outcome);
            // Another thread that is just keeping what there is comes back to it, or the end does.
            if let Ok(mut keeping) = self.keeping.try_lock()
                && keeping.is_due()
                && let Ok(report) = self.report()
            {
                (self.kept)(&report);
            }
        }
    }

    fn report_progress(&self, index: usize, reached: &Reached) -> bool {
        let (time, events) = &self.reached[index];
        time.store((reached.simulated_s * 1e9) as u64, Ordering::Relaxed);
        events.store(reached.events, Ordering::Relaxed);
        // Another thread that is just reporting is as good: never wait for it.
        let due = self
            .throttle
            .try_lock()
            .is_ok_and(|mut throttle| throttle.is_due());
        if due && !(self.progress)(self.so_far(reached.total_s)) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        !self.stopped.load(Ordering::Relaxed)
    }

    fn so_far(&self, run_s: f64) -> Progress {
        let users: f64 = self.loads.iter().map(|n| f64::from(*n)).sum();
        let weighted = |(load, (time, _)): (&u32, &(AtomicU64, AtomicU64))| {
            f64::from(*load) / users * time.load(Ordering::Relaxed) as f64 / 1e9
        };
        let mean_s: f64 = self.loads.iter().zip(&self.reached).map(weighted).sum();
        let runs = self.loads.len();
        Progress {
            simulated_s: mean_s * runs as f64,
            total_s: run_s * runs as f64,
            events: self
                .reached
                .iter()
                .map(|(_, events)| events.load(Ordering::Relaxed))
                .sum(),
            runs: (self.finished.load(Ordering::Relaxed), runs),
            elapsed_s: self.watch.wall_s(),
        }
    }

    /// What is finished, and what broke.
    fn report(&self) -> Result<RampReport, ExecuteError> {
        let mut points = Vec::with_capacity(self.loads.len());
        let mut too_large = None;
        for (outcome, users) in self.outcomes.iter().zip(self.loads) {
            match &*lock(outcome) {
                Some(Ok(report)) if is_finished(report) => points.push(report.clone()),
                Some(Err(error)) => {
                    too_large.get_or_insert_with(|| (*users, error.clone()));
                }
                _ => {}
            }
        }
        let mut breaks = breaks(&points);
        match too_large {
            Some((_, error)) if points.is_empty() => return Err(error),
            Some((users, ExecuteError::Build(BuildError::TooLarge { what, .. }))) => {
                breaks.push(RampBreak {
                    limit: format!("simulator.{what}"),
                    users: u64::from(users),
                });
            }
            Some((_, ExecuteError::Stopped)) | None => {}
        }
        Ok(RampReport { points, breaks })
    }
}

/// Whether a load's result can stand on a ramp: it was not cut by the clock or by hand.
pub(crate) fn is_finished(report: &RunReport) -> bool {
    report.stop != contract_name(&StopReason::TimeBudget)
        && report.stop != contract_name(&StopReason::Interrupted)
}

/// A reason as the report's contract spells it.
pub(crate) fn contract_name(reason: &StopReason) -> String {
    match reason {
        StopReason::Finished | StopReason::QueueEmpty => "Finished".to_owned(),
        StopReason::EventBudget => "EventBudget".to_owned(),
        StopReason::TimeBudget => "TimeBudget".to_owned(),
        StopReason::Interrupted => "Interrupted".to_owned(),
        StopReason::Unstable { tier } => format!("Unstable{{{tier}}}"),
    }
}

/// The first load at which each limit failed, in the order of the loads.
fn breaks(points: &[RunReport]) -> Vec<RampBreak> {
    let mut breaks: Vec<RampBreak> = Vec::new();
    for point in points {
        for limit in failed_limits(point) {
            if breaks.iter().all(|known| known.limit != limit) {
                breaks.push(RampBreak {
                    limit,
                    users: point.users,
                });
            }
        }
    }
    breaks
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sim_core::report::{
        ConnectionsReport, EngineReport, ObjectiveReport, SCHEMA, ScenarioId, TierReport,
        Utilization,
    };

    use super::*;

    fn report(users: u64, stop: &str, pool: f64, rejected: u64, verdict: &str) -> RunReport {
        let used = Utilization {
            hottest: pool,
            mean: pool,
            instance: 0,
        };
        let database = TierReport {
            utilization: BTreeMap::from([("pool".to_owned(), used)]),
            ..Default::default()
        };
        let objective = "publish.delivered.p99 < 500 ms".to_owned();
        RunReport {
            schema: SCHEMA,
            plimsoll: String::new(),
            scenario: ScenarioId {
                name: "x".to_owned(),
                hash: String::new(),
            },
            seed: 1,
            population_seed: 1,
            users,
            model: None,
            simulated_s: 1.0,
            warmup_s: 0.0,
            stop: stop.to_owned(),
            operations: BTreeMap::new(),
            tiers: BTreeMap::from([("database".to_owned(), database)]),
            connections: ConnectionsReport {
                rejected: BTreeMap::from([("memory".to_owned(), rejected)]),
                ..Default::default()
            },
            bottleneck: None,
            breaks_at: None,
            cost: None,
            objectives: vec![ObjectiveReport {
                objective,
                verdict: verdict.to_owned(),
                value: None,
                low: None,
                high: None,
            }],
            precision: None,
            populations: None,
            regions: None,
            rates: BTreeMap::new(),
            faults: Vec::new(),
            series: None,
            sources: Vec::new(),
            quick_estimate: None,
            warnings: Vec::new(),
            engine: EngineReport::default(),
        }
    }

    #[test]
    fn each_limit_breaks_once_at_its_first_load() {
        let points = [
            report(1_000, "Finished", 0.3, 0, "pass"),
            report(2_000, "Finished", 0.8, 0, "fail"),
            report(4_000, "Unstable{database}", 1.6, 0, "fail"),
            report(8_000, "Unstable{database}", 3.2, 17, "fail"),
        ];
        let found: Vec<(String, u64)> = breaks(&points)
            .into_iter()
            .map(|b| (b.limit, b.users))
            .collect();
        let expected = [
            ("publish.delivered.p99 < 500 ms", 2_000),
            ("database.pool", 4_000),
            ("unstable.database", 4_000),
            ("connections.rejected.memory", 8_000),
        ];
        assert_eq!(
            found,
            expected.map(|(limit, users)| (limit.to_owned(), users))
        );
    }

    #[test]
    fn a_cut_run_does_not_stand_on_a_ramp() {
        assert!(is_finished(&report(1, "Finished", 0.0, 0, "pass")));
        assert!(is_finished(&report(
            1,
            "Unstable{database}",
            2.0,
            0,
            "fail"
        )));
        assert!(is_finished(&report(1, "EventBudget", 0.0, 0, "pass")));
        assert!(!is_finished(&report(1, "TimeBudget", 0.0, 0, "pass")));
        assert!(!is_finished(&report(1, "Interrupted", 0.0, 0, "pass")));
    }

    #[test]
    fn an_interrupted_ramp_is_resumed_with_what_it_kept() {
        let set = |path: &str, value: &str| sim_core::scenario::Edit::Set {
            path: path.to_owned(),
            value: value.to_owned(),
        };
        let edits = [set("run.duration", "3 s"), set("run.warmup", "1 s")];
        let text = include_str!("../../../presets/p1-mvp.ron");
        let scenario = sim_core::scenario::load_str(text, "p1-mvp.ron", &edits).unwrap();
        let (loads, options) = (
            [100, 200, 400],
            RunOptions {
                threads: Some(1),
                ..RunOptions::default()
            },
        );
        let results = |ramp: RampReport| -> Vec<RunReport> {
            let mut points = ramp.points;
            points
                .iter_mut()
                .for_each(|p| p.engine = EngineReport::default());
            points
        };
        let kept: Mutex<Vec<RampReport>> = Mutex::new(Vec::new());
        let keep = |so_far: &RampReport| lock(&kept).push(so_far.clone());
        let whole = resumed_ramp(&scenario, &loads, &options, Vec::new(), &|_| true, &keep);
        let whole = results(whole.unwrap());
        // What was kept after the first load is all that a crash in the second leaves.
        let left = lock(&kept)[0].points.clone();
        assert_eq!(left.len(), 1);
        let mut marked = left;
        marked[0].warnings = vec!["from before".to_owned()];
        let resumed = resumed_ramp(&scenario, &loads, &options, marked, &|_| true, &keep);
        let mut resumed = results(resumed.unwrap());
        assert_eq!(resumed[0].warnings, ["from before"]);
        resumed[0].warnings.clone_from(&whole[0].warnings);
        assert_eq!(resumed, whole);
        // What is kept while resuming has the loads of before in it.
        assert_eq!(
            lock(&kept).last().map(|last| last.points.len() > 1),
            Some(true)
        );
    }
}
