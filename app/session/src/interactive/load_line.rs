//! The load line: short headless runs of one scenario at rising loads.
//!
//! The current load comes first, then a few close to where that run expects the break, then the others by their distance
//! from the current one. Loads above an unstable one are left out, and so are loads far above one that took long. Faults are
//! left out too: the line shows steady loads. The simulated time depends on the load alone, so a point is the same
//! whenever and wherever it is computed.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use sim_core::engine::{Interrupt, StopReason};
use sim_core::quick::{self, CurvePoint, Placement};
use sim_core::report::RunReport;
use sim_core::scenario::Scenario;
use sim_core::system::SystemRun;

use super::{LoadPoint, lasting, main_latency, seconds_of, to_watch};

/// Largest load of the grid, unless the scenario's own is larger.
const CHEAP_USERS: u32 = 500_000;
/// A point that took longer than this ends the way up at twice its load.
const DEAR: Duration = Duration::from_secs(6);
/// Largest population that is seated for the quick estimate.
const ESTIMATE_SEATS: u32 = 100_000;
/// Loads that are estimated in a decade.
const ESTIMATES_PER_DECADE: u32 = 8;
/// Shares of the expected break that get a point of their own.
const AROUND_BREAK: [f64; 4] = [0.7, 0.85, 0.95, 1.02];

/// What was found, and the request it answers.
pub(super) struct Measured {
    request: u64,
    pub(super) part: Part,
}

/// What was found.
pub(super) enum Part {
    /// The quick estimate of the whole line.
    Estimate(Vec<CurvePoint>),
    /// One simulated point.
    Point(LoadPoint),
}

struct Job {
    request: u64,
    scenario: Arc<Scenario>,
}

/// The worker's handle. Dropping it cancels the run in progress and ends the thread.
pub(super) struct LoadLine {
    jobs: Sender<Job>,
    wanted: Arc<AtomicU64>,
}

impl LoadLine {
    pub(super) fn start() -> std::io::Result<(Self, Receiver<Measured>)> {
        let (jobs, inbox) = unbounded();
        let (outbox, points) = unbounded();
        let wanted = Arc::new(AtomicU64::new(0));
        let worker = Worker {
            wanted: wanted.clone(),
            outbox,
        };
        std::thread::Builder::new()
            .name("load line".into())
            .spawn(move || {
                for job in inbox {
                    worker.work(&job);
                }
            })?;
        Ok((Self { jobs, wanted }, points))
    }

    /// Cancels what is being computed and starts the line of `scenario`.
    pub(super) fn request(&self, scenario: Arc<Scenario>) {
        let request = self.wanted.fetch_add(1, Ordering::Relaxed) + 1;
        // A worker that has ended leaves the line empty.
        let _ = self.jobs.send(Job { request, scenario });
    }

    pub(super) fn is_current(&self, measured: &Measured) -> bool {
        measured.request == self.wanted.load(Ordering::Relaxed)
    }
}

impl Drop for LoadLine {
    fn drop(&mut self) {
        self.wanted.store(u64::MAX, Ordering::Relaxed);
    }
}

struct Worker {
    wanted: Arc<AtomicU64>,
    outbox: Sender<Measured>,
}

impl Worker {
    fn cancelled(&self, job: &Job) -> bool {
        self.wanted.load(Ordering::Relaxed) != job.request
    }

    fn work(&self, job: &Job) {
        let own = job.scenario.load.users;
        // An estimate that fails leaves the dots out; the line is simulated all the same.
        let estimate = catch_unwind(AssertUnwindSafe(|| estimate(&job.scenario)));
        if let Ok(Some(curve)) = estimate
            && !self.send(job, Part::Estimate(curve))
        {
            return;
        }
        let mut loads = order(own);
        let mut ceiling = u32::MAX;
        let mut next = 0;
        while let Some(&users) = loads.get(next) {
            next += 1;
            if users > ceiling {
                continue;
            }
            let started = Instant::now();
            // An internal error at one load leaves that point out; the line goes on.
            let measured = catch_unwind(AssertUnwindSafe(|| self.measure(job, users)));
            let Some((report, unstable)) = measured.unwrap_or(None) else {
                if self.cancelled(job) {
                    return;
                }
                continue;
            };
            let point = point(users, &report);
            // Too little was measured to say how slow it is: no point, rather than a wrong one.
            let unknown = point.p99_ms.is_none() && !unstable && point.utilization < 1.0;
            if point.p99_ms.is_none() && !unknown {
                ceiling = ceiling.min(users);
            } else if started.elapsed() > DEAR {
                ceiling = ceiling.min(users.saturating_mul(2));
            }
            if next == 1 {
                let mut close = around_break(&report, own);
                close.retain(|users| !loads.contains(users));
                loads.splice(1..1, close);
            }
            if unknown {
                continue;
            }
            if !self.send(job, Part::Point(point)) {
                return;
            }
        }
    }

    /// `false`: nobody listens any more.
    fn send(&self, job: &Job, part: Part) -> bool {
        let request = job.request;
        self.outbox.send(Measured { request, part }).is_ok()
    }

    /// The report, and whether the run was unstable; `None`: cancelled, or this load cannot be built.
    fn measure(&self, job: &Job, users: u32) -> Option<(RunReport, bool)> {
        let mut scenario = Scenario::clone(&job.scenario);
        scenario.load.users = users;
        scenario.faults.clear();
        scenario.run.warmup = lasting(seconds_of(scenario.run.warmup).min(3.0));
        scenario.run.duration = lasting((1_000_000.0 / f64::from(users)).clamp(8.0, 120.0));
        let mut run = SystemRun::new(&to_watch(&scenario)).ok()?;
        let end = run.end();
        let stop = run.advance(end, None, &mut |_, _| {
            if self.cancelled(job) {
                Interrupt::Stop
            } else {
                Interrupt::Continue
            }
        });
        let unstable = matches!(stop, Some(StopReason::Unstable { .. }));
        (stop != Some(StopReason::Interrupted)).then(|| (run.report(), unstable))
    }
}

fn point(users: u32, report: &RunReport) -> LoadPoint {
    let hottest = report
        .tiers
        .values()
        .flat_map(|tier| tier.utilization.values())
        .map(|resource| resource.hottest);
    let p99 = main_latency(report).map(|latency| &latency.p99);
    LoadPoint {
        users,
        p99_ms: p99.and_then(|p99| p99.value),
        p99_between_ms: p99.and_then(|p99| p99.low.zip(p99.high)),
        utilization: hottest.fold(0.0, f64::max),
    }
}

/// The quick estimate of the line, eight loads to a decade, from a population of moderate size.
fn estimate(scenario: &Scenario) -> Option<Vec<CurvePoint>> {
    let mut near = scenario.clone();
    near.load.users = near.load.users.min(ESTIMATE_SEATS);
    near.faults.clear();
    let placement = Placement::of(&near).ok()?;
    let first = if scenario.load.users < 3_000 { 1 } else { 3 } * ESTIMATES_PER_DECADE;
    let last = 7 * ESTIMATES_PER_DECADE;
    let at = |step: u32| 10_f64.powf(f64::from(step) / f64::from(ESTIMATES_PER_DECADE));
    let loads: Vec<u32> = (first..=last).map(|step| at(step).round() as u32).collect();
    Some(quick::curve(&near, &placement, &loads))
}

/// The loads of the line in the order they are computed: 1, 2, 5 in every decade, the current one first.
fn order(own: u32) -> Vec<u32> {
    let lowest = if own < 3_000 { 10 } else { 1_000 };
    let highest = CHEAP_USERS.max(own);
    let mut loads = BTreeSet::new();
    let mut decade = lowest;
    while decade <= highest {
        loads.extend(
            [decade, decade * 2, decade * 5]
                .into_iter()
                .filter(|&users| users <= highest && users != own),
        );
        decade *= 10;
    }
    let mut loads: Vec<u32> = loads.into_iter().collect();
    loads.sort_by_key(|&users| distance(users, own));
    loads.insert(0, own);
    loads
}

/// How far apart two loads are on a logarithmic axis, in thousandths of a doubling.
fn distance(a: u32, b: u32) -> u64 {
    ((f64::from(a) / f64::from(b)).log2().abs() * 1000.0) as u64
}

fn around_break(report: &RunReport, own: u32) -> Vec<u32> {
    let Some(breaks) = report
        .breaks_at
        .as_ref()
        .and_then(|breaks| breaks.users.value)
    else {
        return Vec::new();
    };
    let cheap = f64::from(CHEAP_USERS.max(own));
    AROUND_BREAK
        .iter()
        .map(|share| share * breaks)
        .filter(|&users| users >= 1.0 && users <= cheap)
        .map(two_digits)
        .collect()
}

/// Rounded to two leading digits: loads people say.
fn two_digits(users: f64) -> u32 {
    let unit = 10_f64.powf(users.log10().floor() - 1.0).max(1.0);
    ((users / unit).round() * unit) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_load_comes_first_and_every_load_once() {
        for own in [
            1, 700, 1_000, 3_000, 123_456, 200_000, 500_000, 1_000_000, 10_000_000,
        ] {
            let loads = order(own);
            assert_eq!(loads[0], own);
            let distinct: BTreeSet<u32> = loads.iter().copied().collect();
            assert_eq!(distinct.len(), loads.len(), "{loads:?}");
            assert!(
                loads[1..]
                    .windows(2)
                    .all(|pair| distance(pair[0], own) <= distance(pair[1], own)),
                "{loads:?}"
            );
            assert!(
                loads.iter().all(|&users| users <= CHEAP_USERS.max(own)),
                "{loads:?}"
            );
        }
    }

    #[test]
    fn two_digits_are_kept() {
        assert_eq!(two_digits(254_777.0), 250_000);
        assert_eq!(two_digits(7.3), 7);
    }
}
