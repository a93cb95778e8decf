//! Processor sharing: all jobs at once, each at an equal share of the cores.
//!
//! Models: with n jobs on c cores each runs at the rate min(1, c / n), divided by the slow-down.
//! *Virtual time* V advances at that rate; a job that arrives at V with demand d is done when V
//! reaches V + d, so the jobs finish in the order of those marks whatever arrives in between.
//! V is kept in 2⁻³² ns; completions are rounded up to whole nanoseconds. Each change of n makes
//! one new wake and the one before it stale. Leaves out: overhead of switching.
//! Source: Kleinrock, Queueing Systems II, chapter 4; virtual time as in fair queueing (Demers, Keshav, Shenker 1989).

use std::collections::BTreeMap;

use super::server::{Completed, Waiting, scaled};
use crate::time::{SimDuration, SimTime};

const FRACTION_BITS: u32 = 32;

/// The jobs that share the cores.
#[derive(Clone, Debug)]
pub(super) struct Sharing<J> {
    cores: u32,
    /// By the virtual time at which they are done, then by arrival.
    jobs: BTreeMap<(u128, u64), Shared<J>>,
    virtual_now: u128,
    /// The instant of `virtual_now`; in the future during a pause.
    updated: SimTime,
    arrivals: u64,
    /// Nanoseconds of real time per nanosecond of work of one core, in 2⁻³².
    slow_down: u128,
    stamp: u32,
    busy_ns: u64,
    pause_ns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Shared<J> {
    job: J,
    arrived: SimTime,
    /// Pauses before it arrived, the running one included.
    pause_ns_before: u64,
    paused_after: Option<SimDuration>,
}

impl<J: Copy> Sharing<J> {
    pub(super) fn new(cores: u32) -> Self {
        Sharing {
            cores,
            jobs: BTreeMap::new(),
            virtual_now: 0,
            updated: SimTime::ZERO,
            arrivals: 0,
            slow_down: 1 << FRACTION_BITS,
            stamp: 0,
            busy_ns: 0,
            pause_ns: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(super) fn arrive(&mut self, now: SimTime, waiting: Waiting<J>, factor: f64) {
        self.advance(now);
        let work = u128::from(scaled(waiting.demand, factor).as_nanos()) << FRACTION_BITS;
        let shared = Shared {
            job: waiting.job,
            arrived: waiting.arrived,
            // What is left of a running pause counts as a pause inside the service.
            pause_ns_before: self.pause_ns - self.updated.saturating_since(now).as_nanos(),
            paused_after: (self.updated > now).then_some(SimDuration::ZERO),
        };
        self.jobs
            .insert((self.virtual_now + work, self.arrivals), shared);
        self.arrivals += 1;
    }

    /// The next completion, with a stamp that makes all earlier wakes stale.
    pub(super) fn next_wake(&mut self, now: SimTime) -> Option<(SimTime, u32)> {
        self.stamp = self.stamp.wrapping_add(1);
        let (&(mark, _), _) = self.jobs.first_key_value()?;
        let left = mark.saturating_sub(self.virtual_now);
        let (jobs, running) = self.sharers();
        let real = left.saturating_mul(jobs).div_ceil(running);
        let ns = real
            .saturating_mul(self.slow_down)
            .div_ceil(1 << (2 * FRACTION_BITS));
        let ns = SimDuration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX));
        Some((self.updated.max(now) + ns, self.stamp))
    }

    pub(super) fn complete(&mut self, now: SimTime, stamp: u32) -> Option<Completed<J>> {
        if stamp != self.stamp {
            return None;
        }
        self.advance(now);
        let (_, shared) = self.jobs.pop_first()?;
        let paused = SimDuration::from_nanos(self.pause_ns - shared.pause_ns_before);
        Some(Completed {
            job: shared.job,
            arrived: shared.arrived,
            started: shared.arrived,
            finished: now,
            service: (now - shared.arrived) - paused,
            paused,
            paused_after: shared.paused_after.unwrap_or_default(),
            core: 0,
        })
    }

    pub(super) fn remove_oldest(&mut self, now: SimTime) -> Option<J> {
        self.advance(now);
        let oldest = *self.jobs.keys().min_by_key(|(_, arrival)| *arrival)?;
        self.jobs.remove(&oldest).map(|shared| shared.job)
    }

    /// Stops from `begins` (now, or the end of the running pause) for `extension`.
    pub(super) fn pause(&mut self, now: SimTime, begins: SimTime, extension: SimDuration) {
        self.advance(now);
        self.updated = begins + extension;
        self.pause_ns += extension.as_nanos();
        for shared in self.jobs.values_mut() {
            shared.paused_after.get_or_insert(now - shared.arrived);
        }
    }

    pub(super) fn set_slow_down(&mut self, now: SimTime, factor: f64) {
        self.advance(now);
        self.slow_down = (factor * (1_u64 << FRACTION_BITS) as f64) as u128;
    }

    pub(super) fn crash(&mut self, now: SimTime, lost: &mut Vec<J>) {
        self.advance(now);
        self.pause_ns -= self.updated.saturating_since(now).as_nanos();
        self.updated = now;
        self.stamp = self.stamp.wrapping_add(1);
        lost.extend(self.jobs.values().map(|shared| shared.job));
        self.jobs.clear();
    }

    /// Core time spent up to `now`.
    pub(super) fn busy_ns(&self, now: SimTime) -> u64 {
        let (_, running) = self.sharers();
        let since = now.saturating_since(self.updated).as_nanos();
        if self.jobs.is_empty() {
            self.busy_ns
        } else {
            self.busy_ns + since * running as u64
        }
    }

    fn advance(&mut self, now: SimTime) {
        let elapsed = u128::from(now.saturating_since(self.updated).as_nanos());
        if elapsed == 0 {
            return;
        }
        self.busy_ns = self.busy_ns(now);
        self.updated = now;
        if !self.jobs.is_empty() {
            let (jobs, running) = self.sharers();
            let work = (elapsed << (2 * FRACTION_BITS)) / self.slow_down;
            self.virtual_now += work * running / jobs;
        }
    }

    /// Jobs present (at least one) and cores they use.
    fn sharers(&self) -> (u128, u128) {
        let jobs = self.jobs.len().max(1) as u128;
        (jobs, jobs.min(u128::from(self.cores)))
    }
}
