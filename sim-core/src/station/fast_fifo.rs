//! First come, first served without completion events: the departure is known at the arrival.
//!
//! Models: c servers and one unbounded queue, by the Kiefer–Wolfowitz recursion: a job starts at
//! max(arrival, the instant the first server becomes free) and leaves `demand` later. Start times
//! of those still waiting are kept, so that the queue length and the busy time at any later instant are true,
//! although no event marks them. What leaves is stamped with (station, epoch): a crash bumps the
//! epoch and voids what would have left later.
//! Leaves out: everything that could change a departure after the fact (pauses, cancellation, bounded
//! queues, load-dependent service): use [`super::Station`], which gives the same departures for the same draws.
//! Source: Kiefer and Wolfowitz 1955.

use std::collections::VecDeque;

use crate::time::{SimDuration, SimTime};

/// Who sent something, and in which life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The number of the station.
    pub station: u32,
    /// How often it had crashed.
    pub epoch: u32,
}

/// When a job starts and leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// When its service begins.
    pub started: SimTime,
    /// When it leaves, unless the station crashes before.
    pub at: SimTime,
    /// Valid while the station [accepts](FastFifo::is_current) it.
    pub stamp: Stamp,
}

/// A first-come-first-served station that needs one event per job.
#[derive(Clone, Debug)]
pub struct FastFifo {
    stamp: Stamp,
    /// When each server becomes free: a binary heap with the first on top.
    free_at: Vec<SimTime>,
    /// Start times of waiting jobs, ascending; those in the past are cut off at the next arrival.
    starts: VecDeque<SimTime>,
    /// Jobs by their departure are not kept: all departed, or in service, or waiting.
    accepted: u64,
    lost: u64,
    rejected: u64,
    /// Sums over all accepted jobs, as if nothing were cut short.
    demand_ns: u64,
    wait_ns: u128,
    max_queue: usize,
    now: SimTime,
    down: bool,
    /// How many times as slow its clock is; 1 but in a scale model.
    slow: u32,
}

impl FastFifo {
    /// Station number `station` with `cores` idle servers. Panics without cores.
    pub fn new(station: u32, cores: u32) -> Self {
        assert!(cores > 0, "a station needs a core");
        FastFifo {
            stamp: Stamp { station, epoch: 0 },
            free_at: vec![SimTime::ZERO; cores as usize],
            starts: VecDeque::new(),
            accepted: 0,
            lost: 0,
            rejected: 0,
            demand_ns: 0,
            wait_ns: 0,
            max_queue: 0,
            now: SimTime::ZERO,
            down: false,
            slow: 1,
        }
    }

    /// The station of a scale model of one in `k`: it gets one in `k` of the jobs, and its clock goes `k` times as slow, so that
    /// they meet the same queue as in the whole. What comes out is told in the time of those who wait: (d − a) / k after a.
    pub fn slow_clock(&mut self, k: u32) {
        self.slow = k.max(1);
    }

    /// Takes in a job and says when it leaves; `None` while the station is down. Arrivals come in
    /// order of time.
    #[inline]
    pub fn arrive(&mut self, now: SimTime, demand: SimDuration) -> Option<Departure> {
        if self.down {
            self.rejected += 1;
            return None;
        }
        self.cut(now);
        let demand = match self.slow {
            1 => demand,
            k => demand * u64::from(k),
        };
        let started = self.free_at[0].max(now);
        let at = started + demand;
        self.occupy_first(at);
        self.accepted += 1;
        self.demand_ns += demand.as_nanos();
        if started > now {
            self.wait_ns += u128::from((started - now).as_nanos());
            self.starts.push_back(started);
            self.max_queue = self.max_queue.max(self.starts.len());
        }
        Some(Departure {
            started: self.told(now, started),
            at: self.told(now, at),
            stamp: self.stamp,
        })
    }

    /// A time to come in the time of those who wait.
    #[inline]
    fn told(&self, now: SimTime, at: SimTime) -> SimTime {
        match self.slow {
            1 => at,
            k => now + (at - now) / u64::from(k),
        }
    }

    /// How long a job arriving at `now` would wait.
    #[inline]
    pub fn next_wait(&self, now: SimTime) -> SimDuration {
        let wait = self.free_at[0].saturating_since(now);
        match self.slow {
            1 => wait,
            k => wait / u64::from(k),
        }
    }

    /// Loses every job that has not left, and goes down. Returns how many those are.
    pub fn crash(&mut self, now: SimTime) -> u64 {
        let lost = (self.queued(now) + self.in_service(now)) as u64;
        self.wait_ns = self.queue_job_ns(now);
        self.demand_ns = self.busy_ns(now);
        self.starts.clear();
        for free_at in &mut self.free_at {
            *free_at = now.min(*free_at);
        }
        self.lost += lost;
        self.stamp.epoch += 1;
        self.down = true;
        self.now = now;
        lost
    }

    /// Whether it is down after a crash.
    pub fn is_down(&self) -> bool {
        self.down
    }

    /// Comes up again, empty, after a crash.
    pub fn restore(&mut self) {
        self.down = false;
    }

    /// Whether what carries this stamp was sent by this life of the station.
    #[inline]
    pub fn is_current(&self, stamp: Stamp) -> bool {
        stamp == self.stamp
    }

    /// The stamp of what is sent now.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Jobs waiting at `now`, which is no earlier than the last arrival.
    pub fn queued(&self, now: SimTime) -> usize {
        self.starts.len() - self.starts.partition_point(|&start| start <= now)
    }

    /// Jobs in service at `now`, which is no earlier than the last arrival.
    pub fn in_service(&self, now: SimTime) -> usize {
        self.free_at
            .iter()
            .filter(|&&free_at| free_at > now)
            .count()
    }

    /// Jobs taken in.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Jobs that had left by `now`.
    pub fn completed(&self, now: SimTime) -> u64 {
        self.accepted - self.lost - (self.queued(now) + self.in_service(now)) as u64
    }

    /// Jobs lost in crashes.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Jobs turned away while down.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// The longest queue so far.
    pub fn max_queue(&self) -> usize {
        self.max_queue
    }

    /// Time all servers have spent serving up to `now`, which is no earlier than the last arrival.
    pub fn busy_ns(&self, now: SimTime) -> u64 {
        let ahead = |free_at: &SimTime| free_at.saturating_since(now).as_nanos();
        // A server with work ahead is busy without a gap until it is free; what waits lies in it.
        self.demand_ns - self.free_at.iter().map(ahead).sum::<u64>()
    }

    /// The integral of the queue length up to `now`, in job-nanoseconds.
    pub fn queue_job_ns(&self, now: SimTime) -> u128 {
        let ahead = self
            .starts
            .iter()
            .map(|start| start.saturating_since(now).as_nanos());
        self.wait_ns - ahead.map(u128::from).sum::<u128>()
    }

    #[inline]
    fn cut(&mut self, now: SimTime) {
        assert!(now >= self.now, "arrivals out of order");
        self.now = now;
        while self.starts.front().is_some_and(|&start| start <= now) {
            self.starts.pop_front();
        }
    }

    /// Gives the server that is free first work until `at`, and sifts it down the heap.
    #[inline]
    fn occupy_first(&mut self, at: SimTime) {
        let heap = &mut self.free_at;
        let mut hole = 0;
        loop {
            let left = 2 * hole + 1;
            if left >= heap.len() {
                break;
            }
            let right = left + 1;
            let child = if right < heap.len() && heap[right] < heap[left] {
                right
            } else {
                left
            };
            if heap[child] >= at {
                break;
            }
            heap[hole] = heap[child];
            hole = child;
        }
        heap[hole] = at;
    }
}
