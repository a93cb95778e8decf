//! How the system comes back after a fault that ends.
//!
//! Models: at every audit, once a second, the counts of all operations and the longest backlog are noted. *Goodput* of an
//! operation over a window is completed / offered. A fault is over at the first second after its end from which every
//! window of five seconds has at least 95 % of the goodput before the fault and a mean backlog of at most twice the largest
//! before (or 10 ms). Noted always: a fault may be added while the system runs.
//! Leaves out: what recovers and fails again for another reason counts as not recovered.

use super::operation::Kind;
use super::world::World;
use crate::report::FaultReport;
use crate::scenario::{Fault, Tier, TimedFault};
use crate::time::{SimDuration, SimTime};

/// Seconds of a window.
const WINDOW: usize = 5;
/// Seconds before a fault that say what was normal.
const BEFORE: usize = 30;
const SHARE: f64 = 0.95;
const NOTABLE: SimDuration = SimDuration::from_millis(10);
const KINDS: usize = Kind::ALL.len();

/// Counts at one audit, since measuring began.
#[derive(Clone, Copy, Debug)]
struct Second {
    at: SimTime,
    offered: [u64; KINDS],
    completed: [u64; KINDS],
    failed: u64,
    backlog: SimDuration,
}

/// The seconds since measuring began.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    seconds: Vec<Second>,
    /// When the registry noticed dead servers.
    noticed: Vec<(SimTime, u16)>,
    /// When everybody knew that a region was gone.
    missed: Vec<(SimTime, u16)>,
    /// When the death of the primary of a shard was known, when a replica had taken over, and whose it was.
    promoted: Vec<(SimTime, SimTime, u32)>,
}

impl Recovery {
    /// The registry notices that a server is dead.
    pub fn noticed(&mut self, now: SimTime, server: u16) {
        self.noticed.push((now, server));
    }

    /// Everybody knows that a region is gone.
    pub fn missed(&mut self, now: SimTime, region: u16) {
        self.missed.push((now, region));
    }

    /// A replica has taken over from the primary of a shard, whose death was known before.
    pub fn promoted(&mut self, known: SimTime, now: SimTime, shard: u32) {
        self.promoted.push((known, now, shard));
    }

    /// Notes a second.
    pub fn push(&mut self, world: &World, now: SimTime, backlog: SimDuration) {
        if now < world.ledger.since {
            return;
        }
        let kinds = &world.ledger.kinds;
        self.seconds.push(Second {
            at: now,
            offered: core::array::from_fn(|kind| kinds[kind].offered),
            completed: core::array::from_fn(|kind| kinds[kind].completed),
            failed: kinds.iter().map(|kind| kind.failed + kind.timed_out).sum(),
            backlog,
        });
    }

    /// What became of the faults that ended.
    #[must_use]
    pub fn reports(&self, faults: &[TimedFault], regions: &[String]) -> Vec<FaultReport> {
        faults
            .iter()
            .filter_map(|fault| self.report(fault, regions))
            .collect()
    }

    fn report(&self, timed: &TimedFault, regions: &[String]) -> Option<FaultReport> {
        let began = SimTime::ZERO + timed.at;
        let ended = began + timed.lasts?;
        let first = self.seconds.partition_point(|second| second.at < began);
        let end = self.seconds.partition_point(|second| second.at < ended);
        if first == 0 || end >= self.seconds.len() {
            return None;
        }
        let recovered = self.recovered(first - 1, end);
        let until = recovered.map_or(self.seconds.last(), |at| self.seconds.get(at))?;
        let seconds = |at: SimTime| at.as_secs_f64();
        Some(FaultReport {
            fault: words(&timed.fault, regions),
            began_s: seconds(began),
            ended_s: seconds(ended),
            detected_s: self.detected(timed, began).map(seconds),
            failover_s: self.taken_over(timed, began).map(seconds),
            recovered_s: recovered.map(|at| seconds(self.seconds[at].at)),
            failed: until.failed - self.seconds[first - 1].failed,
        })
    }

    /// The second from which all is as it was before `last`, the last second before the fault.
    fn recovered(&self, last: usize, end: usize) -> Option<usize> {
        let before = last.saturating_sub(BEFORE);
        let normal = goodput(&self.seconds[before], &self.seconds[last]);
        let waited = self.seconds[before..=last]
            .iter()
            .map(|second| second.backlog);
        let bearable = (waited.max().unwrap_or_default() * 2).max(NOTABLE);
        let fine = |from: usize| {
            let window = goodput(&self.seconds[from], &self.seconds[from + WINDOW]);
            let level = |(now, before): (f64, f64)| now >= SHARE * before;
            let backlogs = self.seconds[from..from + WINDOW].iter();
            let backlog: SimDuration = backlogs.map(|second| second.backlog).sum();
            backlog <= bearable * WINDOW as u64 && window.into_iter().zip(normal).all(level)
        };
        let windows = end..self.seconds.len().saturating_sub(WINDOW);
        let bad = windows.clone().rev().find(|&from| !fine(from));
        let from = bad.map_or(end, |bad| bad + 1);
        windows.contains(&from).then_some(from)
    }

    /// When the last of the primaries that a fault killed had been replaced.
    fn taken_over(&self, timed: &TimedFault, began: SimTime) -> Option<SimTime> {
        self.of_primaries(timed, began).map(|(_, done)| done).max()
    }

    fn of_primaries(
        &self,
        timed: &TimedFault,
        began: SimTime,
    ) -> impl Iterator<Item = (SimTime, SimTime)> + '_ {
        let hit = match timed.fault {
            Fault::Kill {
                tier: Tier::Database,
                first,
                instances,
            } => first..first + instances,
            Fault::LoseRegion { .. } | Fault::LoseZone { .. } => 0..u32::MAX,
            _ => 0..0,
        };
        let ended = timed.lasts.map_or(SimTime::MAX, |lasts| began + lasts);
        let own = self
            .promoted
            .iter()
            .filter(move |(_, done, shard)| (began..=ended).contains(done) && hit.contains(shard));
        own.map(|&(known, done, _)| (known, done))
    }

    fn detected(&self, timed: &TimedFault, began: SimTime) -> Option<SimTime> {
        let first_of = |all: &[(SimTime, u16)], hit: &dyn Fn(u16) -> bool| {
            let mut all = all.iter();
            let found = all.find(|&&(at, which)| at >= began && hit(which));
            found.map(|&(at, _)| at)
        };
        match timed.fault {
            Fault::Kill {
                tier: Tier::ConnectionServers,
                first,
                instances,
            } => first_of(&self.noticed, &|server| {
                (first..first + instances).contains(&server.into())
            }),
            Fault::Kill {
                tier: Tier::Database,
                ..
            } => self
                .of_primaries(timed, began)
                .map(|(known, _)| known)
                .min(),
            Fault::LoseRegion { region } => first_of(&self.missed, &|lost| lost == region),
            _ => None,
        }
    }
}

/// Completed of offered between two audits, by kind; 1 where nothing was offered.
fn goodput(from: &Second, to: &Second) -> [f64; KINDS] {
    core::array::from_fn(|kind| match to.offered[kind] - from.offered[kind] {
        0 => 1.0,
        // Answers on their way to clients that went are taken back: there may be fewer than before.
        offered => to.completed[kind].saturating_sub(from.completed[kind]) as f64 / offered as f64,
    })
}

fn words(fault: &Fault, regions: &[String]) -> String {
    let name = |region: u16| regions.get(usize::from(region)).map_or("?", String::as_str);
    let of = |tier: Tier, first: u32, instances: u32| match instances {
        1 => format!("{} #{first}", tier.title()),
        _ => format!("{} #{first} to #{}", tier.title(), first + instances - 1),
    };
    match *fault {
        Fault::Kill {
            tier,
            first,
            instances,
        } => format!("death of {}", of(tier, first, instances)),
        Fault::SlowDown {
            tier,
            first,
            instances,
            factor,
        } => format!("slow-down × {factor} of {}", of(tier, first, instances)),
        Fault::HotKey { share } => format!("hot key of {} %", share * 100.0),
        Fault::LoseRegion { region } => format!("loss of {}", name(region)),
        Fault::LoseZone { region, zone } => format!("loss of zone {zone} of {}", name(region)),
        Fault::Partition { from, to } => {
            format!("partition of {} and {}", name(from), name(to))
        }
        Fault::SlowLink { from, to, .. } => {
            format!("slow way between {} and {}", name(from), name(to))
        }
        Fault::RollingRestart { .. } => "rolling restart".to_owned(),
        Fault::Reshard(change) => format!("change to {} shards", change.to),
        Fault::FlushCache => "flush of the cache".to_owned(),
        Fault::DropConnections { .. } => "drop of all connections".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred operations a second, of which `completed` are.
    fn told(completed: impl Fn(u64) -> u64, backlog_ms: impl Fn(u64) -> u64) -> Recovery {
        let mut recovery = Recovery::default();
        let mut done = 0;
        for second in 0..=100 {
            done += if second > 0 { completed(second) } else { 0 };
            recovery.seconds.push(Second {
                at: SimTime::from_secs(second),
                offered: [100 * second; KINDS],
                completed: [done; KINDS],
                failed: 100 * second - done.min(100 * second),
                backlog: SimDuration::from_millis(backlog_ms(second)),
            });
        }
        recovery
    }

    fn fault() -> [TimedFault; 1] {
        [TimedFault {
            at: SimDuration::from_secs(20),
            lasts: Some(SimDuration::from_secs(10)),
            fault: Fault::HotKey { share: 0.3 },
        }]
    }

    #[test]
    fn it_is_over_when_goodput_and_backlog_are_what_they_were() {
        let slow = |second| if (21..=40).contains(&second) { 50 } else { 100 };
        let report = |recovery: Recovery| recovery.reports(&fault(), &[]).pop().unwrap();
        let goodput = report(told(slow, |_| 3));
        assert_eq!((goodput.began_s, goodput.ended_s), (20.0, 30.0));
        assert_eq!(goodput.recovered_s, Some(40.0));
        assert_eq!(goodput.fault, "hot key of 30 %");
        let backlog = |second| if (21..50).contains(&second) { 90 } else { 8 };
        assert_eq!(report(told(slow, backlog)).recovered_s, Some(50.0));
        let never = report(told(|second| if second > 20 { 80 } else { 100 }, |_| 3));
        assert_eq!((never.recovered_s, never.failed), (None, 1_600));
    }
}
