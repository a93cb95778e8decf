//! Experiments beside a window: what would fix it, two designs side by side, which guess matters.
//!
//! One thread works through what was asked. The newest question of a kind replaces the one before, and a more urgent kind goes
//! first: what was interrupted by it is taken up again afterwards, with the runs that were finished kept. Answers are put where
//! the window finds them without waiting ([`Found`]), growing as they come: the quick estimate first, then what is simulated.
//!
//! Runs are short ([`short`]), as those of the load line are: an answer while somebody waits, with the interval that it supports.
//! Leaves out: the whole length and precision of the command line, which the same experiments have there.

mod fixes;
mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, unbounded};
use sim_core::experiment::Forecast;
use sim_core::report::{BreaksAt, CompareReport, FixReport, GuessReport};
use sim_core::scenario::{Draft, Edit, Scenario};

use work::Worker;

/// A question.
#[derive(Clone, Debug)]
pub enum Study {
    /// What would fix this design? By the quick estimate.
    Fixes(Draft),
    /// The same for one of these changes, simulated: the load at which it breaks, as an interval.
    Simulate(Draft, Vec<Edit>),
    /// How do these two designs differ, on the same random numbers?
    Compare(Draft, Draft),
    /// Which guess matters?
    Guesses(Draft),
}

impl Study {
    /// The most urgent kind first.
    const KINDS: usize = 4;

    fn kind(&self) -> usize {
        match self {
            Self::Fixes(_) => 0,
            Self::Simulate(..) => 1,
            Self::Compare(..) => 2,
            Self::Guesses(_) => 3,
        }
    }
}

/// What was found out so far. An answer names the design that it is about by its hash.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What would fix it.
    pub fixes: Option<Arc<Fixes>>,
    /// Two designs.
    pub compared: Option<Arc<Compared>>,
    /// Which guess matters.
    pub guesses: Option<Arc<Guesses>>,
}

/// What would fix one design.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fixes {
    /// Hash of the design.
    pub of: u64,
    /// As it is, by the quick estimate.
    pub base: Forecast,
    /// Where it breaks as it is, simulated.
    pub breaks_at: Option<BreaksAt>,
    /// The changes, best first, at most four.
    pub fixes: Vec<Fix>,
    /// Whether all changes were looked at.
    pub complete: bool,
    /// Why there is no answer, in words.
    pub problem: Option<String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// `+6 connection servers`
    pub words: String,
    /// What it sets.
    pub edits: Vec<Edit>,
    /// What the quick estimate says it does.
    pub forecast: Forecast,
    /// More or less a month than without it.
    pub delta_usd: Option<f64>,
    /// Where it breaks then, by simulation.
    pub simulated: Option<FixReport>,
    /// The share of the simulation that is done, while it runs.
    pub share: Option<f64>,
}

/// Two designs side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Hashes of the designs.
    pub of: (u64, u64),
    /// What differs; `None`: nothing was finished yet.
    pub report: Option<CompareReport>,
    /// Whether it is going on: the intervals will be narrower.
    pub running: bool,
    /// Why there is no answer, in words.
    pub problem: Option<String>,
}

/// Which guess matters in one design.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guesses {
    /// Hash of the design.
    pub of: u64,
    /// As it is, by the quick estimate.
    pub base: Forecast,
    /// The guesses, the one that matters most first.
    pub rows: Vec<GuessReport>,
    /// Whether all were looked at.
    pub complete: bool,
    /// Why there is no answer, in words.
    pub problem: Option<String>,
}

/// The questions and answers of one window. Dropping it ends the thread without waiting for it.
pub struct Studies {
    jobs: Sender<Job>,
    shared: Arc<Shared>,
}

struct Job {
    number: u64,
    study: Study,
}

/// What window and worker share.
struct Shared {
    found: ArcSwap<Found>,
    /// The number of the newest question, by kind.
    asked: [AtomicU64; Study::KINDS],
    /// The number of the last one answered, by kind.
    answered: [AtomicU64; Study::KINDS],
    stop: AtomicBool,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Studies {
    /// Starts the thread; `wake` is called when there is more to see.
    pub fn start(wake: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<Self> {
        let (jobs, inbox) = unbounded();
        let shared = Arc::new(Shared {
            found: ArcSwap::default(),
            asked: Default::default(),
            answered: Default::default(),
            stop: AtomicBool::new(false),
            wake,
        });
        let theirs = shared.clone();
        std::thread::Builder::new()
            .name("studies".into())
            .spawn(move || serve(&inbox, &theirs))?;
        Ok(Self { jobs, shared })
    }

    /// Asks; never blocks.
    pub fn ask(&self, study: Study) {
        let number = self.shared.asked[study.kind()].fetch_add(1, Ordering::Relaxed) + 1;
        // A worker that has ended answers nothing more.
        let _ = self.jobs.send(Job { number, study });
    }

    /// What was found out so far; never blocks.
    #[must_use]
    pub fn found(&self) -> Arc<Found> {
        self.shared.found.load_full()
    }
}

impl Drop for Studies {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn is_current(&self, kind: usize, number: u64) -> bool {
        !self.stop.load(Ordering::Relaxed) && self.asked[kind].load(Ordering::Relaxed) == number
    }

    /// Whether something more urgent waits.
    fn is_urgent_before(&self, kind: usize) -> bool {
        let waits = |kind: usize| {
            let (asked, answered) = (&self.asked[kind], &self.answered[kind]);
            asked.load(Ordering::Relaxed) != answered.load(Ordering::Relaxed)
        };
        (0..kind).any(waits)
    }

    fn publish(&self, change: impl FnOnce(&mut Found)) {
        let mut found = Found::clone(&self.found.load());
        change(&mut found);
        self.found.store(Arc::new(found));
        (self.wake)();
    }
}

fn serve(inbox: &Receiver<Job>, shared: &Shared) {
    let mut worker = Worker::new(shared);
    let mut waiting: Vec<Job> = Vec::new();
    loop {
        if waiting.is_empty() {
            let Ok(job) = inbox.recv() else { return };
            waiting.push(job);
        }
        waiting.extend(inbox.try_iter());
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        waiting.retain(|job| shared.is_current(job.study.kind(), job.number));
        waiting.sort_by_key(|job| job.study.kind());
        let Some(job) = (!waiting.is_empty()).then(|| waiting.remove(0)) else {
            continue;
        };
        let kind = job.study.kind();
        let done = catch_unwind(AssertUnwindSafe(|| worker.work(&job))).unwrap_or_else(|_| {
            worker.apologise(&job.study);
            true
        });
        if done {
            shared.answered[kind].store(job.number, Ordering::Relaxed);
        } else if shared.is_current(kind, job.number) {
            waiting.push(job);
        }
    }
}

/// Hash of the design that a draft gives.
fn hash(draft: &Draft) -> u64 {
    draft.scenario().hash()
}

/// Seconds that are measured while somebody waits, and the warm-up before: those of the scenario, if they are fewer.
fn short(scenario: &Scenario) -> (f64, f64) {
    let seconds = 1e6 / f64::from(scenario.load.users.max(1));
    let own = scenario.run.duration.as_secs_f64();
    let warmup = scenario.run.warmup.as_secs_f64();
    (seconds.clamp(8.0, 60.0).min(own), warmup.min(3.0))
}

#[cfg(test)]
mod tests;
