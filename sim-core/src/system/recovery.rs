//! How the system comes back after a fault.
//!
//! Models: at every audit, once a second, the counts of all operations, the longest backlog and the open connections are
//! noted. *Goodput* of an operation over a window is completed / offered. All is as before at the first second after the end of
//! a fault (after its beginning, where it does not end) from which every window of five seconds has at least 95 % of the
//! goodput before the fault, for every operation a mean latency of at most a tenth and 10 ms above the slowest five seconds
//! before, and a mean backlog of at most twice the largest before (or 10 ms). What lies before are the last 30 s, or what was
//! measured of them. Noted always: a fault may be added while the system runs.
//!
//! *Detection* is what the simulated system itself does: a registry that misses heartbeats, owners and regions that tell each
//! other after their time, a broker's replicas after its failover. *Failover* of what holds connections is the first second at
//! which at least 99.5 % as many are open as before the fault; of owners, regions' channels and partitions it is the take-over.
//!
//! *Lost* is counted over the time from the beginning of a fault until all was as before, or until the end of the run, by the
//! difference of what had been lost until then: owed − received − under way. Faults whose times overlap share what is lost;
//! each of them has all of it. Reconnects are held against the rate before.
//! Leaves out: what recovers and fails again for another reason counts as not recovered; the share of each of two faults at once.

use super::operation::Kind;
use super::world::World;
use crate::report::{FaultLosses, FaultReport};
use crate::scenario::{Design, Fault, People, Tier, TimedFault};
use crate::time::{SimDuration, SimTime};

/// Seconds of a window.
const WINDOW: usize = 5;
/// Seconds before a fault that say what was normal.
const BEFORE: usize = 30;
const SHARE: f64 = 0.95;
/// As many connections as before.
const CONNECTED: f64 = 0.995;
/// So much longer than in the slowest window before is as long as before.
const SLOWER: f64 = 1.1;
const NOTABLE: SimDuration = SimDuration::from_millis(10);
const KINDS: usize = Kind::ALL.len();

/// Counts at one audit, since measuring began.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    at: SimTime,
    offered: [u64; KINDS],
    completed: [u64; KINDS],
    /// Operations that are over, and what they took: sums of mean latencies, in units.
    over: [(u64, u64); KINDS],
    losses: FaultLosses,
    open: u64,
    backlog: SimDuration,
}

/// Something that somebody notices, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// The registry, that a connection server is dead.
    Server(u16),
    /// The others of its region, that a channel owner is dead; they take over.
    Owner(u32),
    /// Everybody, that a region is gone.
    Region(u16),
    /// The others, that a point of presence is dead.
    Edge(u32),
    /// The others of its projection, that an instance is dead; they take over.
    Reader(u32),
    /// The other document owners, that one is dead; they take over.
    Documents(u32),
}

/// The seconds since measuring began.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    seconds: Vec<Second>,
    noticed: Vec<(SimTime, Noticed)>,
    /// What had been lost when each fault began, by its number.
    begun: Vec<(u16, FaultLosses)>,
    /// When the death of the primary of a shard was known, when a replica had taken over, and whose it was.
    promoted: Vec<(SimTime, SimTime, u32)>,
}

impl Recovery {
    /// Somebody notices something.
    pub fn notice(&mut self, now: SimTime, what: Noticed) {
        self.noticed.push((now, what));
    }

    /// A fault begins.
    pub fn begins(&mut self, world: &World, now: SimTime, fault: u16) {
        if now >= world.ledger.since {
            self.begun.push((fault, losses(world, now, true)));
        }
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
        let open = u64::from(world.hub.connections().open_count());
        self.seconds.push(Second {
            at: now,
            offered: core::array::from_fn(|kind| kinds[kind].offered),
            completed: core::array::from_fn(|kind| kinds[kind].completed),
            over: core::array::from_fn(|kind| {
                let slots = kinds[kind].slots.slots().iter();
                slots.fold((0, 0), |(messages, units), slot| {
                    (messages + slot.messages(), units + slot.message_units())
                })
            }),
            losses: losses(world, now, !self.begun.is_empty()),
            open: open.saturating_sub(world.unnoticed()),
            backlog,
        });
    }

    /// What became of the faults that have begun.
    #[must_use]
    pub fn reports(&self, world: &World) -> Vec<FaultReport> {
        let faults = world.scenario.faults.iter().enumerate();
        let mut told: Vec<Told> = faults
            .filter_map(|(number, timed)| {
                self.told(number, timed, timed.length(&world.scenario.design))
            })
            .collect();
        let spans: Vec<(u32, f64, f64)> = told
            .iter()
            .map(|told| (told.report.number, told.report.began_s, told.until_s))
            .collect();
        for told in &mut told {
            let (own, began, until) = (told.report.number, told.report.began_s, told.until_s);
            let overlaps = |&&(other, from, to): &&(u32, f64, f64)| {
                other != own && from <= until && began <= to
            };
            let others = spans.iter().filter(overlaps);
            told.report.shares_with = others.map(|&(other, ..)| other).collect();
            let fault = &world.scenario.faults[own as usize];
            self.name(&mut told.report, fault, world);
        }
        told.into_iter().map(|told| told.report).collect()
    }

    fn told(&self, number: usize, timed: &TimedFault, lasts: Option<SimDuration>) -> Option<Told> {
        let began = SimTime::ZERO + timed.at;
        let now = self.seconds.last()?.at;
        let ends = lasts.map(|lasts| began + lasts);
        let ended = ends.filter(|&end| end <= now);
        let first = self.seconds.partition_point(|second| second.at < began);
        if first == 0 || first >= self.seconds.len() {
            return None;
        }
        let from = ended.unwrap_or(began);
        let end = self.seconds.partition_point(|second| second.at < from);
        let recovered = self.recovered(first - 1, end);
        let until = recovered.map_or(self.seconds.last(), |at| self.seconds.get(at))?;
        let seconds = |at: SimTime| at.as_secs_f64();
        let before = &self.seconds[first - 1];
        let recovered_s = recovered.map(|at| seconds(self.seconds[at].at));
        let report = FaultReport {
            number: number as u32,
            kind: timed.fault.name().to_owned(),
            began_s: seconds(began),
            ended_s: ended.map(seconds),
            recovered_s,
            watched_s: now.saturating_since(began).as_secs_f64(),
            time_to_recover_s: recovered_s.map(|at| at - seconds(began)),
            failed: (until.losses.failed + until.losses.timed_out)
                - (before.losses.failed + before.losses.timed_out),
            lost: self.lost((number, first - 1), until),
            ..FaultReport::default()
        };
        Some(Told {
            report,
            until_s: seconds(until.at),
        })
    }

    /// What was lost since a fault began.
    fn lost(&self, (number, last): (usize, usize), until: &Second) -> FaultLosses {
        let begun = self.begun.iter().rev();
        let mut begun = begun.filter(|(fault, _)| usize::from(*fault) == number);
        let before = &self.seconds[last];
        let at_first = begun.next().map_or(before.losses, |(_, losses)| *losses);
        let earlier = &self.seconds[last.saturating_sub(BEFORE)];
        let usual = before.losses.reconnects - earlier.losses.reconnects;
        let spans = [
            until.at.saturating_since(before.at),
            before.at.saturating_since(earlier.at),
        ];
        let [span, usual_span] = spans.map(SimDuration::as_nanos);
        let usual = u128::from(usual) * u128::from(span);
        let reconnects = until.losses.reconnects - at_first.reconnects;
        let usual = usual.checked_div(usual_span.into()).unwrap_or_default();
        FaultLosses {
            deliveries: until.losses.deliveries.saturating_sub(at_first.deliveries),
            failed: until.losses.failed - at_first.failed,
            timed_out: until.losses.timed_out - at_first.timed_out,
            reconnects,
            reconnects_usual: reconnects.min(usual as u64),
        }
    }

    /// The second from which all is as it was before `last`, the last second before the fault.
    fn recovered(&self, last: usize, end: usize) -> Option<usize> {
        let before = last.saturating_sub(BEFORE);
        let normal = goodput(&self.seconds[before], &self.seconds[last]);
        let waited = self.seconds[before..=last]
            .iter()
            .map(|second| second.backlog);
        let bearable = (waited.max().unwrap_or_default() * 2).max(NOTABLE);
        let slowest = self.slowest(before, last);
        let fine = |from: usize| {
            let ends = (&self.seconds[from], &self.seconds[from + WINDOW]);
            let window = goodput(ends.0, ends.1);
            let level = |(now, before): (f64, f64)| now >= SHARE * before;
            let quick = |(now, before): (Option<f64>, Option<f64>)| {
                now.zip(before).is_none_or(|(now, before)| now <= before)
            };
            let backlogs = self.seconds[from..from + WINDOW].iter();
            let backlog: SimDuration = backlogs.map(|second| second.backlog).sum();
            backlog <= bearable * WINDOW as u64
                && window.into_iter().zip(normal).all(level)
                && latency(ends.0, ends.1).into_iter().zip(slowest).all(quick)
        };
        let windows = end..self.seconds.len().saturating_sub(WINDOW);
        let bad = windows.clone().rev().find(|&from| !fine(from));
        let from = bad.map_or(end, |bad| bad + 1);
        windows.contains(&from).then_some(from)
    }

    /// The longest mean latency, in units, of each kind that is as long as before; `None`: nothing was over before.
    fn slowest(&self, before: usize, last: usize) -> [Option<f64>; KINDS] {
        let span = WINDOW.min(last - before);
        let mut slowest = [None; KINDS];
        for from in before..=last - span {
            let window = latency(&self.seconds[from], &self.seconds[from + span]);
            for (slowest, now) in slowest.iter_mut().zip(window) {
                *slowest = now.into_iter().chain(*slowest).reduce(f64::max);
            }
        }
        let notable = NOTABLE.as_nanos() as f64 / crate::histogram::UNIT_NS as f64;
        slowest.map(|slowest| Some(slowest? * SLOWER + notable))
    }

    /// Says who detects a fault and who takes over, and when they did.
    fn name(&self, report: &mut FaultReport, timed: &TimedFault, world: &World) {
        let began = SimTime::ZERO + timed.at;
        report.fault = words(&timed.fault, &world.sites.names);
        let (detected, detection) = self.detection(timed, world);
        let (failover, by) = self.failover(timed, world);
        let since = |at: SimTime| at.saturating_since(began).as_secs_f64();
        report.detected_s = detected.map(SimTime::as_secs_f64);
        report.time_to_detect_s = detected.map(since);
        report.detection = detection.to_owned();
        report.failover_s = failover.map(SimTime::as_secs_f64);
        report.time_to_fail_over_s = failover.map(since);
        report.failover = by.to_owned();
    }

    /// When a fault was detected, and by whom or why not.
    fn detection(&self, timed: &TimedFault, world: &World) -> (Option<SimTime>, &'static str) {
        let began = SimTime::ZERO + timed.at;
        let first_of = |hit: &dyn Fn(Noticed) -> bool| {
            let mut all = self.noticed.iter();
            all.find(|&&(at, what)| at >= began && hit(what))
                .map(|&(at, _)| at)
        };
        let standing = |server: u16, region: u16| {
            !world.sites.many() || u16::from(world.sites.of_server(server)) == region
        };
        match timed.fault {
            Fault::Kill {
                tier,
                first,
                instances,
            } => {
                let hit = |instance: u32| (first..first + instances).contains(&instance);
                match tier {
                    Tier::ConnectionServers => (
                        first_of(
                            &|what| matches!(what, Noticed::Server(server) if hit(server.into())),
                        ),
                        "the registry and the balancer, by heartbeats that are missing",
                    ),
                    Tier::ChannelOwners
                        if world.owners.as_ref().is_some_and(|o| o.failover.is_some()) =>
                    {
                        (
                            first_of(&|what| matches!(what, Noticed::Owner(owner) if hit(owner))),
                            "the other owners of its region",
                        )
                    }
                    Tier::ChannelOwners => {
                        (None, "nobody: design.channel_owners.failover is not given")
                    }
                    Tier::Documents => (
                        first_of(&|what| matches!(what, Noticed::Documents(node) if hit(node))),
                        "the other document owners, after design.documents.failover",
                    ),
                    Tier::Broker => (
                        self.taken_over(timed, &world.scenario.design),
                        "the other nodes of the broker",
                    ),
                    Tier::Edge => (
                        first_of(&|what| matches!(what, Noticed::Edge(site) if hit(site))),
                        "whoever sends clients to points of presence, by its own checks",
                    ),
                    Tier::Cache | Tier::Origin => {
                        (Some(began), "its callers, at once: they are refused")
                    }
                    Tier::Replicas => (
                        Some(began),
                        "its callers, at the first question: they are refused",
                    ),
                    Tier::Database => match self.promotions(timed).map(|(known, _)| known).min() {
                        Some(known) => (Some(known), "its replicas, which hear nothing of it"),
                        None => (
                            Some(began),
                            "its callers, at the first question: they are refused",
                        ),
                    },
                    Tier::CommandSide => (Some(began), "its callers, at once: they are refused"),
                    Tier::Log => (
                        self.elected(timed, &world.scenario.design),
                        "the other nodes of the log",
                    ),
                    Tier::Projections => (
                        first_of(&|what| matches!(what, Noticed::Reader(own) if hit(own))),
                        "the others of its projection",
                    ),
                    Tier::MatchingEngine => match engine_takes_over(timed, world) {
                        Some(at) => (Some(at), "its replicas, which hear nothing of it"),
                        None => (Some(began), "its callers, at once: they are refused"),
                    },
                    Tier::Stock | Tier::Notifications => {
                        (Some(began), "its callers, at once: they are refused")
                    }
                    Tier::Providers => (
                        Some(began),
                        "the notification service, at once: it is refused",
                    ),
                    Tier::LoadBalancer | Tier::Pooler => (None, "nobody"),
                }
            }
            Fault::LoseRegion { region } => (
                first_of(&|what| what == Noticed::Region(region)),
                "everybody, after design.regions.detect",
            ),
            Fault::LoseZone { region, .. } => (
                first_of(
                    &|what| matches!(what, Noticed::Server(server) if standing(server, region)),
                ),
                "the registry and the balancer, by heartbeats that are missing",
            ),
            Fault::DropConnections { .. } => (Some(began), "both sides, at once"),
            Fault::SlowDown { .. } => (None, "nothing to detect: it answers, only later"),
            Fault::SlowLink { .. } => (None, "nothing to detect: what is sent arrives, only later"),
            Fault::Partition { .. } => (None, "nobody: both sides go on by themselves"),
            Fault::HotKey { .. } | Fault::FlashCrowd { .. } => {
                (None, "nothing to detect: nothing has failed")
            }
            Fault::FlushCache => (None, "nothing to detect: an empty cache answers"),
            Fault::RollingRestart { .. } | Fault::Reshard(_) => {
                (None, "nothing to detect: it is done on purpose")
            }
        }
    }

    /// When the work of what failed was done elsewhere, and by whom or why nobody does it.
    fn failover(&self, timed: &TimedFault, world: &World) -> (Option<SimTime>, &'static str) {
        let (detected, _) = self.detection(timed, world);
        match timed.fault {
            Fault::Kill { tier, .. } => match tier {
                Tier::ConnectionServers => (self.connected(timed), "other servers, for its users"),
                Tier::ChannelOwners | Tier::Broker if detected.is_some() => {
                    (detected, "the others, which order its channels")
                }
                Tier::ChannelOwners | Tier::Broker => (None, "nobody before it was back"),
                Tier::Documents if detected.is_some() => (
                    detected,
                    "the others, with what was stored of its documents",
                ),
                Tier::Documents => (None, "nobody before it was back"),
                Tier::Cache => (detected, "the other nodes and the database"),
                Tier::Replicas => (detected, "the database itself"),
                Tier::Edge => (detected, "the next nearest points of presence"),
                Tier::Origin => (detected, "the other servers of the origin"),
                Tier::Database => match self.promotions(timed).map(|(_, done)| done).max() {
                    Some(done) => (Some(done), "a replica of each, which is the primary now"),
                    None => (None, "nobody: no replica took over"),
                },
                Tier::CommandSide => (detected, "the other instances"),
                Tier::Log => (detected, "the others, which lead its partitions"),
                Tier::Projections => (detected, "the others, from its last snapshots"),
                Tier::MatchingEngine => match engine_takes_over(timed, world) {
                    Some(at) => (Some(at), "a replica, which has the same books"),
                    None => (None, "nobody: it has no replica, or was back before"),
                },
                Tier::Stock => (None, "nobody: an article is kept by one node"),
                Tier::Notifications => (None, "nobody: what it is given fails"),
                Tier::Providers => (None, "nobody: what is for it waits, or is dropped"),
                Tier::LoadBalancer | Tier::Pooler => (None, "nobody"),
            },
            Fault::LoseRegion { .. } => (self.moved(timed), "other regions, for its users"),
            Fault::LoseZone { .. } => (self.moved(timed), "the other zones, for its users"),
            Fault::DropConnections { .. } => (
                self.connected(timed),
                "all servers, for those that were cut",
            ),
            Fault::RollingRestart { .. } => (None, "nothing has to: each server is drained first"),
            Fault::SlowDown { .. }
            | Fault::HotKey { .. }
            | Fault::FlushCache
            | Fault::Partition { .. }
            | Fault::SlowLink { .. }
            | Fault::Reshard(_)
            | Fault::FlashCrowd { .. } => (None, "nothing has to: nothing is dead"),
        }
    }

    /// When all users of what is lost were elsewhere, and the primaries too that have moved.
    fn moved(&self, timed: &TimedFault) -> Option<SimTime> {
        let primaries = self.promotions(timed).map(|(_, done)| done).max();
        self.connected(timed)
            .map(|users| primaries.map_or(users, |done| users.max(done)))
    }

    /// When the deaths of the primaries that a fault hit were known, and when a replica had taken over.
    fn promotions(&self, timed: &TimedFault) -> impl Iterator<Item = (SimTime, SimTime)> + '_ {
        let hit = match timed.fault {
            Fault::Kill {
                tier: Tier::Database,
                first,
                instances,
            } => first..first + instances,
            Fault::LoseRegion { .. } | Fault::LoseZone { .. } => 0..u32::MAX,
            _ => 0..0,
        };
        let began = SimTime::ZERO + timed.at;
        let ended = timed.lasts.map_or(SimTime::MAX, |lasts| began + lasts);
        self.promoted
            .iter()
            .filter(move |(_, done, shard)| (began..=ended).contains(done) && hit.contains(shard))
            .map(|&(known, done, _)| (known, done))
    }

    /// The first second, after connections were lost, with as many open as before a fault; `None`: not by the end of the run.
    fn connected(&self, timed: &TimedFault) -> Option<SimTime> {
        let began = SimTime::ZERO + timed.at;
        let first = self.seconds.partition_point(|second| second.at < began);
        let before = self.seconds.get(first.checked_sub(1)?)?.open as f64;
        let enough = |second: &&Second| second.open as f64 >= CONNECTED * before;
        let after = &self.seconds[first..];
        let lost = after.iter().position(|second| !enough(&second));
        match lost {
            // They were back before the next second, or nobody was on what failed.
            None => Some(began),
            Some(lost) => after[lost..].iter().find(enough).map(|second| second.at),
        }
    }

    /// When replicas lead the partitions of dead broker nodes; `None`: there are none, or the nodes were back before.
    fn taken_over(&self, timed: &TimedFault, design: &Design) -> Option<SimTime> {
        let broker = design.broker.as_ref()?;
        let all = matches!(timed.fault, Fault::Kill { instances, .. } if instances >= broker.count);
        let in_time = timed.lasts.is_none_or(|lasts| lasts > broker.failover);
        let at = SimTime::ZERO + timed.at + broker.failover;
        let reached = self.seconds.last().is_some_and(|second| second.at >= at);
        (broker.replication > 1 && !all && in_time && reached).then_some(at)
    }

    /// When the other nodes of the log have taken over from those that died, if they do.
    fn elected(&self, timed: &TimedFault, design: &Design) -> Option<SimTime> {
        let log = &design.sourcing.as_ref()?.log;
        let all = matches!(timed.fault, Fault::Kill { instances, .. } if instances >= log.count);
        let in_time = timed.lasts.is_none_or(|lasts| lasts > log.failover);
        let at = SimTime::ZERO + timed.at + log.failover;
        let reached = self.seconds.last().is_some_and(|second| second.at >= at);
        (log.replication > 1 && !all && in_time && reached).then_some(at)
    }
}

/// When a replica takes over from a dead engine; `None`: it has none, or was back before.
fn engine_takes_over(timed: &TimedFault, world: &World) -> Option<SimTime> {
    let engines = world.scenario.design.matching.as_ref()?;
    let in_time = timed.lasts.is_none_or(|lasts| lasts > engines.failover);
    let at = SimTime::ZERO + timed.at + engines.failover;
    (engines.replicas > 0 && in_time).then_some(at)
}

/// A report, and the second up to which losses are counted.
struct Told {
    report: FaultReport,
    until_s: f64,
}

/// What has been lost up to now since measuring began; deliveries only where a fault asks for them.
fn losses(world: &World, now: SimTime, deliveries: bool) -> FaultLosses {
    let ledger = &world.ledger;
    let sum = |count: fn(&super::ledger::KindLedger) -> u64| ledger.kinds.iter().map(count).sum();
    FaultLosses {
        deliveries: if deliveries {
            world.lost_deliveries(now)
        } else {
            0
        },
        failed: sum(|kind| kind.failed),
        timed_out: sum(|kind| kind.timed_out),
        reconnects: ledger.reconnects,
        reconnects_usual: 0,
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

/// Mean latency, in units, of what was over between two audits, by kind; `None` where nothing was.
fn latency(from: &Second, to: &Second) -> [Option<f64>; KINDS] {
    core::array::from_fn(|kind| {
        let ((before, past), (after, all)) = (from.over[kind], to.over[kind]);
        let over = after.checked_sub(before).filter(|over| *over > 0)?;
        Some(all.saturating_sub(past) as f64 / over as f64)
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
        Fault::FlashCrowd { joins, .. } => match joins {
            People::Share(share) => format!("flash crowd of {} % more", share * 100.0),
            People::Count(count) => format!("flash crowd of {count}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred operations a second, of which `completed` are.
    fn noted(
        completed: impl Fn(u64) -> u64,
        backlog_ms: impl Fn(u64) -> u64,
        units: impl Fn(u64) -> u64,
    ) -> Recovery {
        let mut took = 0;
        let mut recovery = Recovery::default();
        let mut done = 0;
        for second in 0..=100 {
            took += 100 * units(second);
            done += if second > 0 { completed(second) } else { 0 };
            recovery.seconds.push(Second {
                at: SimTime::from_secs(second),
                offered: [100 * second; KINDS],
                completed: [done; KINDS],
                losses: FaultLosses {
                    failed: 100 * second - done.min(100 * second),
                    ..FaultLosses::default()
                },
                over: [(100 * (second + 1), took); KINDS],
                backlog: SimDuration::from_millis(backlog_ms(second)),
                open: 1_000,
            });
        }
        recovery
    }

    fn lasting(lasts_s: Option<u64>) -> TimedFault {
        TimedFault {
            at: SimDuration::from_secs(20),
            lasts: lasts_s.map(SimDuration::from_secs),
            fault: Fault::HotKey { share: 0.3 },
        }
    }

    fn report(recovery: &Recovery, lasts_s: Option<u64>) -> FaultReport {
        let timed = lasting(lasts_s);
        recovery.told(0, &timed, timed.lasts).unwrap().report
    }

    /// 20 ms in units.
    const USUAL: u64 = 156_250;

    #[test]
    fn it_is_over_when_goodput_and_backlog_are_what_they_were() {
        let slow = |second| if (21..=40).contains(&second) { 50 } else { 100 };
        let goodput = report(&noted(slow, |_| 3, |_| USUAL), Some(10));
        assert_eq!((goodput.began_s, goodput.ended_s), (20.0, Some(30.0)));
        assert_eq!(goodput.recovered_s, Some(40.0));
        assert_eq!(goodput.time_to_recover_s, Some(20.0));
        assert_eq!((goodput.number, goodput.kind.as_str()), (0, "HotKey"));
        assert_eq!(words(&lasting(None).fault, &[]), "hot key of 30 %");
        let backlog = |second| if (21..50).contains(&second) { 90 } else { 8 };
        let behind = report(&noted(slow, backlog, |_| USUAL), Some(10));
        assert_eq!(behind.recovered_s, Some(50.0));
        let failing = |second| if second > 20 { 80 } else { 100 };
        let never = report(&noted(failing, |_| 3, |_| USUAL), Some(10));
        assert_eq!((never.recovered_s, never.failed), (None, 1_600));
        assert_eq!(never.lost.failed, 1_600);
    }

    #[test]
    fn it_is_not_over_while_answers_come_later_than_before() {
        // One second of five at five times the usual is beyond the band by itself.
        let later = |second| USUAL * if (21..=60).contains(&second) { 5 } else { 1 };
        let late = report(&noted(|_| 100, |_| 3, later), Some(10));
        assert_eq!(late.recovered_s, Some(60.0));
        // 20 ms, a tenth more and 10 ms: within the band.
        let hardly = |second| if second > 20 { USUAL * 8 / 5 } else { USUAL };
        let fine = report(&noted(|_| 100, |_| 3, hardly), Some(10));
        assert_eq!(fine.recovered_s, Some(30.0));
    }

    #[test]
    fn a_fault_without_an_end_may_be_overcome() {
        let slow = |second| if (21..=40).contains(&second) { 50 } else { 100 };
        let noted = noted(slow, |_| 3, |_| USUAL);
        let for_good = report(&noted, None);
        assert_eq!((for_good.ended_s, for_good.recovered_s), (None, Some(40.0)));
        let beyond = report(&noted, Some(500));
        assert_eq!((beyond.ended_s, beyond.recovered_s), (None, Some(40.0)));
    }
}
