//! The general station: cores, a bounded queue, a discipline, and everything that can go wrong.
//!
//! Models: `cores` servers. A job carries its service demand, drawn when it was created; its
//! service lasts demand · S(u) · slow-down, fixed when it starts. Disciplines:
//!
//! - `Fifo`: one queue, first come, first served.
//! - `DrainInboxThenSockets`: two lanes, as an event loop reads them. A free core serves the inbox
//!   until it is empty, then as many socket jobs as were ready at that moment, then looks at the
//!   inbox again.
//! - `ProcessorSharing`: all jobs at once, see [`super::sharing`].
//!
//! A *pause* stops the world: every core stops, jobs in service are extended by it, arrivals
//! queue, and the queue drains afterwards. Overlapping pauses are one pause to the later end.
//! A *slow-down* also stretches what is left of jobs in service. A *crash* loses all jobs, bumps
//! the epoch and turns arrivals away until [`Station::restore`].
//!
//! The station asks to be woken by [`Wake`]s; the caller schedules each and answers it with
//! [`Station::complete`]. A wake that no longer applies carries a stale stamp and is ignored.
//! Leaves out: priorities, preemption and set-up times. Source: Kleinrock, Queueing Systems I.

use std::collections::VecDeque;

use super::accounts::Accounts;
use super::load_curve::{LoadCurve, RecentUtilization};
use super::sharing::Sharing;
use crate::time::{SimDuration, SimTime};

/// In which order jobs are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// First come, first served; lanes make no difference.
    Fifo,
    /// The inbox until empty, then the sockets that were ready at that moment.
    DrainInboxThenSockets,
    /// All jobs at once, each at an equal share of the cores and at most one core.
    ProcessorSharing,
}

/// What happens to a job that finds the queue full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// It is turned away, and the sender knows.
    Reject,
    /// The job that has waited longest is discarded in its favour.
    DropOldest,
    /// It is taken and silently discarded.
    DropNewest,
}

/// Where a job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Messages from within the process.
    Inbox,
    /// Bytes from the network.
    Socket,
}

/// A station's fixed properties.
#[derive(Clone, Debug, PartialEq)]
pub struct StationConfig {
    /// Servers in parallel, at least one.
    pub cores: u32,
    /// In which order jobs are served.
    pub discipline: Discipline,
    /// Jobs that can wait (under processor sharing: jobs beyond one per core).
    pub capacity: usize,
    /// What happens beyond that.
    pub overflow: Overflow,
    /// Load-dependent service; `None` is S(u) = 1.
    pub load_curve: Option<LoadCurve>,
}

impl StationConfig {
    /// First come, first served, on `cores` servers with an unbounded queue.
    pub fn fifo(cores: u32) -> Self {
        StationConfig {
            cores,
            discipline: Discipline::Fifo,
            capacity: usize::MAX,
            overflow: Overflow::Reject,
            load_curve: None,
        }
    }
}

/// A wish to be woken: the caller schedules it and answers with [`Station::complete`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// When.
    pub at: SimTime,
    /// Which core, or one of the station's own numbers.
    pub core: u32,
    /// What makes it stale.
    pub stamp: u32,
}

/// What became of an arriving job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission<J> {
    /// Its service has begun.
    Started,
    /// It waits.
    Queued,
    /// It waits in place of an older job, which was discarded.
    Displaced(J),
    /// It was silently discarded.
    Dropped,
    /// It was turned away: the queue is full, or the station is down.
    Rejected,
}

/// A job that was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completed<J> {
    /// The job.
    pub job: J,
    /// When it arrived.
    pub arrived: SimTime,
    /// When its service began.
    pub started: SimTime,
    /// When its service ended: now.
    pub finished: SimTime,
    /// Time in service less pauses.
    pub service: SimDuration,
    /// Pauses inside the service.
    pub paused: SimDuration,
    /// From the beginning of the service to the beginning of its first pause.
    pub paused_after: SimDuration,
    /// Which core served it.
    pub core: u32,
}

impl<J> Completed<J> {
    /// Time spent waiting.
    pub fn waited(&self) -> SimDuration {
        self.started - self.arrived
    }
}

/// A station with `cores` servers.
#[derive(Clone, Debug)]
pub struct Station<J> {
    config: StationConfig,
    inbox: VecDeque<Waiting<J>>,
    sockets: VecDeque<Waiting<J>>,
    cores: Vec<Core<J>>,
    /// Used instead of `cores` under processor sharing.
    sharing: Sharing<J>,
    in_service: usize,
    accounts: Accounts,
    recent: RecentUtilization,
    slow_down: f64,
    paused_until: SimTime,
    pause_stamp: u32,
    pause_total: SimDuration,
    epoch: u32,
    down: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting<J> {
    pub(super) job: J,
    pub(super) demand: SimDuration,
    pub(super) arrived: SimTime,
}

#[derive(Clone, Debug)]
struct Core<J> {
    serving: Option<Serving<J>>,
    stamp: u32,
    /// Socket jobs still to be served before the inbox is looked at again.
    sockets_ready: usize,
    /// Busy time up to `busy_since`, pauses excluded.
    busy_ns: u64,
    busy_since: SimTime,
}

#[derive(Clone, Copy, Debug)]
struct Serving<J> {
    job: J,
    arrived: SimTime,
    started: SimTime,
    finish: SimTime,
    paused: SimDuration,
    paused_after: SimDuration,
}

/// The wake at the end of a pause.
const RESUME: u32 = u32::MAX;
/// The next completion under processor sharing.
const SHARED: u32 = u32::MAX - 1;

impl<J: Copy> Station<J> {
    /// An idle station. Panics without cores.
    pub fn new(config: StationConfig) -> Self {
        assert!(config.cores > 0, "a station needs a core");
        let idle = Core {
            serving: None,
            stamp: 0,
            sockets_ready: 0,
            busy_ns: 0,
            busy_since: SimTime::ZERO,
        };
        Station {
            inbox: VecDeque::new(),
            sockets: VecDeque::new(),
            cores: vec![idle; config.cores as usize],
            sharing: Sharing::new(config.cores),
            in_service: 0,
            accounts: Accounts::default(),
            recent: RecentUtilization::default(),
            slow_down: 1.0,
            paused_until: SimTime::ZERO,
            pause_stamp: 0,
            pause_total: SimDuration::ZERO,
            epoch: 0,
            down: false,
            config,
        }
    }

    /// Takes in a job that needs `demand` of one core. New wakes are appended to `wakes`.
    pub fn arrive(
        &mut self,
        now: SimTime,
        job: J,
        demand: SimDuration,
        lane: Lane,
        wakes: &mut Vec<Wake>,
    ) -> Admission<J> {
        if self.down {
            self.accounts.rejected += 1;
            return Admission::Rejected;
        }
        let waiting = Waiting {
            job,
            demand,
            arrived: now,
        };
        if self.config.discipline == Discipline::ProcessorSharing {
            return self.arrive_shared(now, waiting, wakes);
        }
        if self.in_service < self.cores.len() && now >= self.paused_until {
            // At the end of a pause those who waited come first.
            self.start_idle(now, wakes);
        }
        if now >= self.paused_until
            && let Some(core) = self.cores.iter().position(|core| core.serving.is_none())
        {
            self.accounts.accepted += 1;
            self.cores[core].sockets_ready = 0;
            self.begin(now, core, waiting, wakes);
            return Admission::Started;
        }
        if self.queued() < self.config.capacity {
            self.accounts.accepted += 1;
            self.enqueue(now, waiting, lane);
            return Admission::Queued;
        }
        self.overflow(now, waiting, lane)
    }

    /// The job on a core, if there is one.
    #[inline]
    #[must_use]
    pub fn serving(&self, core: u32) -> Option<J> {
        let serving = &self.cores.get(core as usize)?.serving;
        serving.as_ref().map(|serving| serving.job)
    }

    /// Answers a wake. Returns the job that is done, if the wake still applies; starts the next
    /// ones. New wakes are appended to `wakes`.
    pub fn complete(
        &mut self,
        now: SimTime,
        core: u32,
        stamp: u32,
        wakes: &mut Vec<Wake>,
    ) -> Option<Completed<J>> {
        match core {
            RESUME => {
                if stamp == self.pause_stamp && !self.down {
                    self.start_idle(now, wakes);
                }
                None
            }
            SHARED => self.complete_shared(now, stamp, wakes),
            core => {
                let completed = self.finish(now, core, stamp)?;
                self.start_on(now, core as usize, wakes);
                Some(completed)
            }
        }
    }

    /// Stops every core for `len` from now. New wakes are appended to `wakes`.
    pub fn pause(&mut self, now: SimTime, len: SimDuration, wakes: &mut Vec<Wake>) {
        let begins = self.paused_until.max(now);
        let ends = self.paused_until.max(now + len);
        let extension = ends.saturating_since(begins);
        if extension.is_zero() || self.down {
            return;
        }
        self.paused_until = ends;
        self.pause_total += extension;
        self.pause_stamp = self.pause_stamp.wrapping_add(1);
        wakes.push(Wake {
            at: ends,
            core: RESUME,
            stamp: self.pause_stamp,
        });
        if self.config.discipline == Discipline::ProcessorSharing {
            self.sharing.pause(now, begins, extension);
            self.wake_shared(now, wakes);
            return;
        }
        for index in 0..self.cores.len() {
            self.settle_busy(index, now);
            let core = &mut self.cores[index];
            core.busy_since = ends;
            if let Some(serving) = &mut core.serving {
                if serving.paused.is_zero() {
                    serving.paused_after = now - serving.started;
                }
                serving.paused += extension;
                serving.finish += extension;
                core.stamp = core.stamp.wrapping_add(1);
                wakes.push(Wake {
                    at: serving.finish,
                    core: index as u32,
                    stamp: core.stamp,
                });
            }
        }
    }

    /// Serves `factor` times as slowly from now on, jobs in service included; 1 is full speed.
    /// New wakes are appended to `wakes`. Panics unless the factor is positive.
    pub fn set_slow_down(&mut self, now: SimTime, factor: f64, wakes: &mut Vec<Wake>) {
        assert!(
            factor > 0.0 && factor.is_finite(),
            "a slow-down factor is positive"
        );
        let stretch = factor / self.slow_down;
        self.slow_down = factor;
        if self.config.discipline == Discipline::ProcessorSharing {
            self.sharing.set_slow_down(now, factor);
            self.wake_shared(now, wakes);
            return;
        }
        let resumes = now.max(self.paused_until);
        for (index, core) in self.cores.iter_mut().enumerate() {
            if let Some(serving) = &mut core.serving {
                serving.finish = resumes + serving.finish.saturating_since(resumes).scaled(stretch);
                core.stamp = core.stamp.wrapping_add(1);
                wakes.push(Wake {
                    at: serving.finish,
                    core: index as u32,
                    stamp: core.stamp,
                });
            }
        }
    }

    /// Loses every job, appended to `lost` (in service first, then waiting), and goes down.
    pub fn crash(&mut self, now: SimTime, lost: &mut Vec<J>) {
        let before = lost.len();
        for index in 0..self.cores.len() {
            self.settle_busy(index, now);
            let core = &mut self.cores[index];
            core.stamp = core.stamp.wrapping_add(1);
            core.sockets_ready = 0;
            lost.extend(core.serving.take().map(|serving| serving.job));
        }
        self.sharing.crash(now, lost);
        self.in_service = 0;
        lost.extend(
            self.inbox
                .drain(..)
                .chain(self.sockets.drain(..))
                .map(|waiting| waiting.job),
        );
        self.accounts.set_queued(now, 0);
        self.accounts.lost += (lost.len() - before) as u64;
        self.paused_until = self.paused_until.min(now);
        self.pause_stamp = self.pause_stamp.wrapping_add(1);
        self.epoch += 1;
        self.down = true;
    }

    /// Comes up again, empty and at full speed, after a crash.
    pub fn restore(&mut self, now: SimTime) {
        self.down = false;
        self.slow_down = 1.0;
        self.sharing.set_slow_down(now, 1.0);
    }

    /// Withdraws the first waiting job that `is_it` recognises. Jobs in service cannot be withdrawn.
    pub fn cancel(&mut self, now: SimTime, mut is_it: impl FnMut(&J) -> bool) -> Option<J> {
        let withdrawn = withdraw(&mut self.inbox, &mut is_it)
            .or_else(|| withdraw(&mut self.sockets, &mut is_it))?;
        self.accounts.cancelled += 1;
        self.accounts.set_queued(now, self.queued());
        Some(withdrawn)
    }

    /// Counters since the start.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Jobs waiting now.
    pub fn queued(&self) -> usize {
        self.inbox.len() + self.sockets.len()
    }

    /// Jobs of the inbox waiting now.
    #[inline]
    pub fn inbox_len(&self) -> usize {
        self.inbox.len()
    }

    /// When the job that has waited longest arrived.
    pub fn oldest_arrival(&self) -> Option<SimTime> {
        let first = |lane: &VecDeque<Waiting<J>>| lane.front().map(|waiting| waiting.arrived);
        [first(&self.inbox), first(&self.sockets)]
            .into_iter()
            .flatten()
            .min()
    }

    /// Jobs in service now.
    pub fn in_service(&self) -> usize {
        match self.config.discipline {
            Discipline::ProcessorSharing => self.sharing.len(),
            Discipline::Fifo | Discipline::DrainInboxThenSockets => self.in_service,
        }
    }

    /// How often the station has crashed.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether the station is down after a crash.
    pub fn is_down(&self) -> bool {
        self.down
    }

    /// The station's fixed properties.
    pub fn config(&self) -> &StationConfig {
        &self.config
    }

    /// Time `core` has spent serving up to `now`, pauses excluded. Under processor sharing the
    /// total is spread evenly. The utilisation between two instants is the difference of two readings.
    pub fn busy_ns(&self, core: u32, now: SimTime) -> u64 {
        if self.config.discipline == Discipline::ProcessorSharing {
            return self.sharing.busy_ns(now) / u64::from(self.config.cores);
        }
        let core = &self.cores[core as usize];
        match core.serving {
            Some(_) => core.busy_ns + now.saturating_since(core.busy_since).as_nanos(),
            None => core.busy_ns,
        }
    }

    /// Time all cores have spent serving up to `now`, pauses excluded.
    pub fn busy_total_ns(&self, now: SimTime) -> u64 {
        if self.config.discipline == Discipline::ProcessorSharing {
            return self.sharing.busy_ns(now);
        }
        (0..self.config.cores)
            .map(|core| self.busy_ns(core, now))
            .sum()
    }

    /// All pauses so far, the running one in full.
    pub fn pause_total(&self) -> SimDuration {
        self.pause_total
    }

    /// Whether every accepted job is accounted for.
    pub fn conserves(&self) -> bool {
        self.accounts.conserves(self.in_service())
    }

    fn enqueue(&mut self, now: SimTime, waiting: Waiting<J>, lane: Lane) {
        match (self.config.discipline, lane) {
            (Discipline::DrainInboxThenSockets, Lane::Socket) => self.sockets.push_back(waiting),
            _ => self.inbox.push_back(waiting),
        }
        self.accounts.set_queued(now, self.queued());
    }

    fn overflow(&mut self, now: SimTime, waiting: Waiting<J>, lane: Lane) -> Admission<J> {
        let oldest = match self.config.overflow {
            Overflow::Reject => {
                self.accounts.rejected += 1;
                return Admission::Rejected;
            }
            Overflow::DropNewest => None,
            Overflow::DropOldest => self.pop_oldest(),
        };
        self.accounts.accepted += 1;
        self.accounts.dropped += 1;
        match oldest {
            Some(oldest) => {
                self.enqueue(now, waiting, lane);
                Admission::Displaced(oldest.job)
            }
            None => Admission::Dropped,
        }
    }

    fn pop_oldest(&mut self) -> Option<Waiting<J>> {
        match (self.inbox.front(), self.sockets.front()) {
            (Some(inbox), Some(socket)) if socket.arrived < inbox.arrived => {
                self.sockets.pop_front()
            }
            (Some(_), _) => self.inbox.pop_front(),
            (None, _) => self.sockets.pop_front(),
        }
    }

    /// Ends the service on a core, if the stamp is current.
    fn finish(&mut self, now: SimTime, core: u32, stamp: u32) -> Option<Completed<J>> {
        let index = core as usize;
        if self.cores.get(index)?.stamp != stamp {
            return None;
        }
        let serving = self.cores[index].serving?;
        self.settle_busy(index, now);
        self.cores[index].serving = None;
        self.in_service -= 1;
        self.accounts.completed += 1;
        Some(Completed {
            job: serving.job,
            arrived: serving.arrived,
            started: serving.started,
            finished: now,
            service: (now - serving.started) - serving.paused,
            paused: serving.paused,
            paused_after: serving.paused_after,
            core,
        })
    }

    fn start_idle(&mut self, now: SimTime, wakes: &mut Vec<Wake>) {
        for index in 0..self.cores.len() {
            if self.queued() == 0 {
                return;
            }
            if self.cores[index].serving.is_none() {
                self.start_on(now, index, wakes);
            }
        }
    }

    /// Starts the next job on an idle core, if there is one and the station is not paused.
    fn start_on(&mut self, now: SimTime, index: usize, wakes: &mut Vec<Wake>) {
        if now < self.paused_until {
            return;
        }
        if let Some(next) = self.pick(index) {
            self.accounts.set_queued(now, self.queued());
            self.begin(now, index, next, wakes);
        }
    }

    fn begin(&mut self, now: SimTime, index: usize, next: Waiting<J>, wakes: &mut Vec<Wake>) {
        let service = scaled(next.demand, self.service_factor(now));
        let core = &mut self.cores[index];
        let finish = now + service;
        core.serving = Some(Serving {
            job: next.job,
            arrived: next.arrived,
            started: now,
            finish,
            paused: SimDuration::ZERO,
            paused_after: SimDuration::ZERO,
        });
        core.busy_since = now;
        core.stamp = core.stamp.wrapping_add(1);
        self.in_service += 1;
        wakes.push(Wake {
            at: finish,
            core: index as u32,
            stamp: core.stamp,
        });
    }

    /// The job that a free core serves next.
    fn pick(&mut self, index: usize) -> Option<Waiting<J>> {
        if self.config.discipline == Discipline::Fifo {
            return self.inbox.pop_front();
        }
        let core = &mut self.cores[index];
        if core.sockets_ready > 0 {
            core.sockets_ready -= 1;
            if let Some(socket) = self.sockets.pop_front() {
                return Some(socket);
            }
            core.sockets_ready = 0;
        }
        if let Some(message) = self.inbox.pop_front() {
            return Some(message);
        }
        core.sockets_ready = self.sockets.len().saturating_sub(1);
        self.sockets.pop_front()
    }

    /// S(u) times the slow-down.
    fn service_factor(&mut self, now: SimTime) -> f64 {
        let Some(curve) = &self.config.load_curve else {
            return self.slow_down;
        };
        let window = curve.window();
        let busy = self.busy_total_ns(now);
        let utilization = self.recent.read(now, window, busy, self.config.cores);
        match &self.config.load_curve {
            Some(curve) => self.slow_down * curve.factor(utilization),
            None => self.slow_down,
        }
    }

    /// Moves the running busy time of a core into its sum.
    fn settle_busy(&mut self, index: usize, now: SimTime) {
        let core = &mut self.cores[index];
        if core.serving.is_some() {
            core.busy_ns += now.saturating_since(core.busy_since).as_nanos();
        }
        core.busy_since = core.busy_since.max(now);
    }

    fn arrive_shared(
        &mut self,
        now: SimTime,
        waiting: Waiting<J>,
        wakes: &mut Vec<Wake>,
    ) -> Admission<J> {
        let room = self.cores.len().saturating_add(self.config.capacity);
        let mut displaced = None;
        if self.sharing.len() >= room {
            match self.config.overflow {
                Overflow::Reject => {
                    self.accounts.rejected += 1;
                    return Admission::Rejected;
                }
                Overflow::DropNewest => {}
                Overflow::DropOldest => displaced = self.sharing.remove_oldest(now),
            }
            self.accounts.dropped += 1;
        }
        self.accounts.accepted += 1;
        if self.sharing.len() >= room {
            return Admission::Dropped;
        }
        let factor = self.service_factor(now) / self.slow_down;
        self.sharing.arrive(now, waiting, factor);
        self.wake_shared(now, wakes);
        displaced.map_or(Admission::Started, Admission::Displaced)
    }

    fn complete_shared(
        &mut self,
        now: SimTime,
        stamp: u32,
        wakes: &mut Vec<Wake>,
    ) -> Option<Completed<J>> {
        let completed = self.sharing.complete(now, stamp)?;
        self.accounts.completed += 1;
        self.wake_shared(now, wakes);
        Some(completed)
    }

    fn wake_shared(&mut self, now: SimTime, wakes: &mut Vec<Wake>) {
        if let Some((at, stamp)) = self.sharing.next_wake(now) {
            wakes.push(Wake {
                at,
                core: SHARED,
                stamp,
            });
        }
    }
}

/// The span times a factor; untouched, to the last bit, by the factor 1.
pub(super) fn scaled(span: SimDuration, factor: f64) -> SimDuration {
    if factor == 1.0 {
        span
    } else {
        span.scaled(factor)
    }
}

/// Takes the first recognised job out of a lane.
fn withdraw<J>(lane: &mut VecDeque<Waiting<J>>, is_it: &mut impl FnMut(&J) -> bool) -> Option<J> {
    let index = lane.iter().position(|waiting| is_it(&waiting.job))?;
    lane.remove(index).map(|waiting| waiting.job)
}
