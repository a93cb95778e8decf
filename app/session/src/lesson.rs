//! The simulations of a lesson: side by side on threads, and how far they are, for a terminal or a window that waits.
//!
//! Jobs are taken in order, one thread each; runs that are watched note connections and attempts at every step, so that two storms
//! on the same draws can be seen next to each other while they go. The result is the same whatever the number of threads.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use sim_core::engine::{Interrupt, StopReason};
use sim_core::lesson::{Findings, Job, Sample, Studied};
use sim_core::system::SystemRun;
use sim_core::time::{SimDuration, SimTime};

use crate::aim::{self, Aim};
use crate::clock::{Deadline, Throttle};
use crate::execute::{ExecuteError, PROGRESS_INTERVAL, Reached, RunOptions, contract_name, lock};

/// How far the simulations of a page are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LessonFrame {
    /// Simulations finished.
    pub done: usize,
    /// Simulations in all.
    pub all: usize,
    /// Share of the work that is done, 0..=1: simulated time, weighted by users.
    pub share: f64,
    /// What watched runs noted until now, by run.
    pub watched: Vec<(String, Vec<Sample>)>,
    /// Everything, or why there is nothing.
    pub outcome: Option<Result<Findings, String>>,
}

/// Carries out the jobs on `threads` threads (one per core if not said). `progress` is called a few times per second from the
/// threads that work; returning `false` stops them all, and there are no findings.
pub fn run_lesson(
    jobs: &[Job],
    threads: Option<usize>,
    progress: &(dyn Fn(LessonFrame) -> bool + Sync),
) -> Result<Findings, ExecuteError> {
    let options = RunOptions {
        threads,
        aim: Aim::Length,
        ..RunOptions::default()
    };
    let desk = Desk {
        jobs,
        progress,
        next: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
        reached: jobs.iter().map(|_| AtomicU64::new(0)).collect(),
        watched: jobs.iter().map(|_| Mutex::new(Vec::new())).collect(),
        throttle: Mutex::new(Throttle::every(PROGRESS_INTERVAL)),
        outcomes: jobs.iter().map(|_| Mutex::new(None)).collect(),
    };
    std::thread::scope(|scope| {
        for _ in 1..options.thread_count(jobs.len()) {
            scope.spawn(|| desk.work());
        }
        desk.work();
    });
    desk.findings()
}

/// What the threads share.
struct Desk<'a> {
    jobs: &'a [Job],
    progress: &'a (dyn Fn(LessonFrame) -> bool + Sync),
    next: AtomicUsize,
    done: AtomicUsize,
    stopped: AtomicBool,
    /// Simulated nanoseconds of every job.
    reached: Vec<AtomicU64>,
    watched: Vec<Mutex<Vec<Sample>>>,
    throttle: Mutex<Throttle>,
    outcomes: Vec<Mutex<Option<Result<Studied, ExecuteError>>>>,
}

impl Desk<'_> {
    fn work(&self) {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = self.jobs.get(index) else {
                return;
            };
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            let outcome = match job.watch_s {
                Some(step_s) => self.watch(index, job, step_s),
                None => self.run(index, job),
            };
            let end = job.scenario.run.warmup + job.scenario.run.duration;
            self.reached[index].store(end.as_nanos(), Ordering::Relaxed);
            self.done.fetch_add(1, Ordering::Relaxed);
            *lock(&self.outcomes[index]) = Some(outcome);
        }
    }

    fn run(&self, index: usize, job: &Job) -> Result<Studied, ExecuteError> {
        let options = RunOptions::default();
        let reached = |at: Reached| {
            let nanos = (at.simulated_s * 1e9) as u64;
            self.reached[index].store(nanos, Ordering::Relaxed);
            self.go_on()
        };
        let report = aim::pursue(&job.scenario, &options, Deadline::after(None), &reached)?;
        Ok(Studied {
            run: job.run.clone(),
            report,
            samples: Vec::new(),
        })
    }

    /// Runs step by step and notes what is open after each.
    fn watch(&self, index: usize, job: &Job, step_s: f64) -> Result<Studied, ExecuteError> {
        let mut system = SystemRun::new(&job.scenario)?;
        let step = SimDuration::from_millis((step_s * 1e3).round().max(1.0) as u64);
        let mut at = SimTime::ZERO;
        while at < system.end() {
            at = (at + step).min(system.end());
            let stopped = system.advance(at, None, &mut |_, _| {
                if self.go_on() {
                    Interrupt::Continue
                } else {
                    Interrupt::Stop
                }
            });
            if stopped.is_some_and(|reason| reason != StopReason::Finished) {
                break;
            }
            let connections = system.connections();
            lock(&self.watched[index]).push(Sample {
                at_s: at.as_secs_f64(),
                open: connections.open,
                attempts: connections.attempts,
            });
            self.reached[index].store(at.as_nanos(), Ordering::Relaxed);
        }
        let mut report = system.report();
        report.stop = contract_name(&StopReason::Finished);
        Ok(Studied {
            run: job.run.clone(),
            report,
            samples: lock(&self.watched[index]).clone(),
        })
    }

    /// Whether to go on; tells how far everything is when it is time to.
    fn go_on(&self) -> bool {
        // Another thread that is just reporting is as good: never wait for it.
        let due = self
            .throttle
            .try_lock()
            .is_ok_and(|mut throttle| throttle.is_due());
        if due && !(self.progress)(self.frame()) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        !self.stopped.load(Ordering::Relaxed)
    }

    fn frame(&self) -> LessonFrame {
        let work = |job: &Job, nanos: f64| nanos * f64::from(job.scenario.load.users);
        let end = |job: &Job| (job.scenario.run.warmup + job.scenario.run.duration).as_nanos();
        let jobs = || self.jobs.iter();
        let all: f64 = jobs().map(|job| work(job, end(job) as f64)).sum();
        let reached = jobs().zip(&self.reached);
        let done: f64 = reached
            .map(|(job, nanos)| work(job, nanos.load(Ordering::Relaxed) as f64))
            .sum();
        let noted = jobs().zip(&self.watched);
        LessonFrame {
            done: self.done.load(Ordering::Relaxed),
            all: self.jobs.len(),
            share: if all > 0.0 { done / all } else { 1.0 },
            watched: noted
                .filter(|(job, _)| job.watch_s.is_some())
                .map(|(job, samples)| (job.run.clone(), lock(samples).clone()))
                .collect(),
            outcome: None,
        }
    }

    /// Everything in the order of the jobs.
    fn findings(self) -> Result<Findings, ExecuteError> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(ExecuteError::Stopped);
        }
        let mut findings = Findings::default();
        for outcome in self.outcomes {
            let outcome = outcome
                .into_inner()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            findings.push(outcome.unwrap_or(Err(ExecuteError::Stopped))?);
        }
        Ok(findings)
    }
}

/// A page's simulations on threads of their own; dropping it stops them.
pub struct LessonRun {
    frame: Arc<ArcSwap<LessonFrame>>,
    stop: Arc<AtomicBool>,
}

impl LessonRun {
    /// Starts; `wake` is called when there is something new to see.
    #[must_use]
    pub fn start(jobs: Vec<Job>, wake: Box<dyn Fn() + Send + Sync>) -> Self {
        let first = LessonFrame {
            all: jobs.len(),
            ..LessonFrame::default()
        };
        let frame = Arc::new(ArcSwap::from_pointee(first));
        let stop = Arc::new(AtomicBool::new(false));
        let (shown, stopping) = (frame.clone(), stop.clone());
        let work = move || {
            let outcome = run_lesson(&jobs, None, &|frame| {
                shown.store(Arc::new(frame));
                wake();
                !stopping.load(Ordering::Relaxed)
            });
            let last = LessonFrame {
                done: jobs.len(),
                all: jobs.len(),
                share: 1.0,
                watched: shown.load().watched.clone(),
                outcome: Some(outcome.map_err(|error| error.to_string())),
            };
            shown.store(Arc::new(last));
            wake();
        };
        let started = std::thread::Builder::new()
            .name("lesson".to_owned())
            .spawn(work);
        if let Err(error) = started {
            frame.store(Arc::new(LessonFrame {
                outcome: Some(Err(format!("no thread could be started: {error}"))),
                ..LessonFrame::default()
            }));
        }
        Self { frame, stop }
    }

    /// How far it is; never blocks.
    #[must_use]
    pub fn frame(&self) -> Arc<LessonFrame> {
        self.frame.load_full()
    }
}

impl Drop for LessonRun {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use sim_core::scenario::{Edit, load_str};

    use super::*;

    fn job(run: &str, watch_s: Option<f64>) -> Job {
        let set = |path: &str, value: &str| Edit::Set {
            path: path.to_owned(),
            value: value.to_owned(),
        };
        let edits = [
            set("load.users", "2000"),
            set("run.warmup", "1 s"),
            set("run.duration", "5 s"),
            set(
                "faults",
                "[(at: \"2 s\", fault: DropConnections(within: \"100 ms\"))]",
            ),
        ];
        let text = include_str!("../../../presets/reconnect-storm.ron");
        let scenario = load_str(text, "storm.ron", &edits).expect("it is valid");
        Job {
            run: run.to_owned(),
            seed: 7,
            scenario: Arc::new(scenario),
            watch_s,
        }
    }

    #[test]
    fn watching_changes_nothing_and_threads_neither() {
        let jobs = [job("watched", Some(0.5)), job("plain", None)];
        let found = |threads| run_lesson(&jobs, Some(threads), &|_| true).expect("it fits");
        let (one, two) = (found(1), found(2));
        for (a, b) in one.all().iter().zip(two.all()) {
            assert_eq!(a.samples, b.samples);
            assert_eq!(a.report.connections, b.report.connections);
        }
        let [watched, plain] = one.all() else {
            panic!("two runs");
        };
        assert_eq!(watched.report.connections, plain.report.connections);
        assert_eq!(watched.report.operations, plain.report.operations);
        assert_eq!(watched.samples.len(), 12);
        assert!(watched.samples.iter().any(|sample| sample.open < 2_000));
        assert_eq!(plain.samples, []);
    }

    #[test]
    fn a_study_that_is_stopped_says_so() {
        let stopped = run_lesson(&[job("plain", None)], Some(1), &|_| false);
        assert!(matches!(stopped, Err(ExecuteError::Stopped)));
    }
}
