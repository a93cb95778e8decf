//! What command side, log and projections did between two instants, for the report.

use std::collections::BTreeMap;

use super::projections::Seen;
use crate::histogram::Histogram;
use crate::report::{LagReport, ProjectionReport, QueueReport, TierReport};
use crate::scenario::Tier;
use crate::system::baseline::{Reading, fifo};
use crate::system::intervals::plain;
use crate::system::summary::{fifo_nodes, utilization};
use crate::system::world::World;
use crate::time::SimTime;

/// The accounts of the three tiers at one instant.
#[derive(Clone, Debug, Default)]
pub struct SourcingReading {
    /// By core of the command side.
    pub commands: Vec<Reading>,
    /// By core of the log.
    pub log: Vec<Reading>,
    /// By core of all projections, one after the other.
    pub projections: Vec<Reading>,
    /// Bytes appended.
    pub bytes: u64,
    /// By projection: what became visible.
    pub seen: Vec<Seen>,
    /// By projection: events committed and not visible, and the age of the oldest of them in nanoseconds.
    pub lags: Vec<(u64, u64)>,
    /// What queries found that their projection lacked, summed, and how many they were.
    pub behind: (u64, u64),
}

impl SourcingReading {
    /// The accounts of a system now.
    #[must_use]
    pub fn of(world: &World, now: SimTime) -> Self {
        let Some(own) = &world.sourcing else {
            return Self::default();
        };
        let cores = |nodes: &crate::system::backend::Nodes| -> Vec<Reading> {
            nodes.cores.iter().map(|core| fifo(core, now)).collect()
        };
        let lag = |one: &super::projections::Projected| {
            let (events, oldest) = one.lag(&own.log, now);
            (events, oldest.as_nanos())
        };
        Self {
            commands: cores(&own.commands.nodes),
            log: cores(&own.log.nodes),
            projections: own
                .projections
                .iter()
                .flat_map(|one| cores(&one.nodes))
                .collect(),
            bytes: own.log.bytes,
            seen: own.projections.iter().map(|one| one.seen).collect(),
            lags: own.projections.iter().map(lag).collect(),
            behind: own.behind,
        }
    }
}

fn named(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    let all = counts.iter();
    all.map(|&(name, count)| (name.to_owned(), count)).collect()
}

/// How far queries found their projection behind, by Little's law: events that it lacked on average / events per second, in
/// milliseconds; `None`: none was asked, or nothing happened.
#[must_use]
pub fn behind_ms(world: &World, now: SimTime) -> Option<f64> {
    let own = world.sourcing.as_ref()?;
    let (before, after) = (&world.baseline.sourcing, SourcingReading::of(world, now));
    let asked = after.behind.1 - before.behind.1;
    let answering = own.answering;
    let earlier = before.seen.get(answering).copied().unwrap_or_default();
    let events = after.seen.get(answering)?.expected - earlier.expected;
    let ns = now.saturating_since(world.ledger.since).as_nanos();
    if asked == 0 || events == 0 {
        return None;
    }
    let lacked = (after.behind.0 - before.behind.0) as f64 / asked as f64;
    Some(lacked * ns as f64 / events as f64 / 1e6)
}

/// The three tiers from `before` to `after`.
#[must_use]
pub fn tiers(
    world: &World,
    before: &SourcingReading,
    after: &SourcingReading,
    ns: f64,
) -> Vec<(Tier, TierReport)> {
    let Some(own) = &world.sourcing else {
        return Vec::new();
    };
    let commands = &own.commands;
    let mut side = fifo_nodes(&commands.nodes, &before.commands, &after.commands, ns);
    side.dropped += commands.refused;
    side.counters.extend(named(&[
        ("conflicts", commands.conflicts),
        ("gave_up", commands.gave_up),
        ("refused", commands.refused),
        ("waiting_for_credit", commands.waiting() as u64),
        ("replay_checks", own.replay.checks),
        ("replay_hash_mismatches", own.replay.mismatches),
    ]));
    let kept = &own.log;
    let mut log = fifo_nodes(&kept.nodes, &before.log, &after.log, ns);
    log.counters = named(&[
        ("events", kept.events.appended()),
        ("batches", kept.appended),
        ("bytes", kept.bytes),
        ("elections", kept.elections),
        ("lost_acknowledged", kept.lost_acknowledged),
        ("resent", kept.resent),
    ]);
    log.partition_skew = Some(kept.events.skew());
    let mut committing = Histogram::new();
    committing.merge_compact(&kept.committing);
    log.append_ms = (committing.count() > 0).then(|| plain(&committing, false));
    let mut all = vec![(Tier::CommandSide, side), (Tier::Log, log)];
    if !own.projections.is_empty() {
        all.push((Tier::Projections, projections(world, before, after, ns)));
    }
    all
}

fn projections(
    world: &World,
    before: &SourcingReading,
    after: &SourcingReading,
    ns: f64,
) -> TierReport {
    let own = world.sourcing.iter().flat_map(|own| &own.projections);
    let none = Reading::default();
    let busy = |core: usize| {
        let earlier = before.projections.get(core).unwrap_or(&none).busy_ns;
        (after.projections[core].busy_ns - earlier) as f64 / ns
    };
    let waited = |core: usize| {
        let earlier = before.projections.get(core).unwrap_or(&none).queue_job_ns;
        (after.projections[core].queue_job_ns - earlier) as f64 / ns
    };
    let mut report = TierReport::default();
    let (mut shares, mut first) = (Vec::new(), 0);
    let (mut visible, mut lag_ns, mut longest) = (0u64, 0u64, 0u64);
    for (number, projection) in own.enumerate() {
        let per_node = projection.nodes.per_node as usize;
        for node in 0..projection.nodes.count() {
            let cores = first + node * per_node..first + (node + 1) * per_node;
            shares.push(cores.map(busy).fold(0.0, f64::max));
        }
        first += projection.nodes.cores.len();
        let seen = after.seen[number];
        let earlier = before.seen.get(number).copied().unwrap_or_default();
        let shown = seen.visible - earlier.visible;
        let lag = seen.lag_ns - earlier.lag_ns;
        (visible, lag_ns) = (visible + shown, lag_ns + lag);
        longest = longest.max(seen.longest_ns);
        let mut lags = Histogram::new();
        lags.merge_compact(&projection.lags);
        let (events, oldest_ns) = after.lags[number];
        let model = ProjectionReport {
            lag_events: events,
            oldest_ms: oldest_ns as f64 / 1e6,
            lag_ms: (shown > 0).then(|| LagReport {
                mean: lag as f64 / shown as f64 / 1e6,
                max: seen.longest_ns as f64 / 1e6,
            }),
            lags_ms: (lags.count() > 0).then(|| plain(&lags, false)),
            events_read: seen.read - earlier.read,
            events_applied: shown,
            repeated: seen.repeated,
            recovery_s: (seen.recovery_ns > 0).then(|| seen.recovery_ns as f64 / 1e9),
        };
        report.models.insert(projection.name.clone(), model);
        report.instances += projection.nodes.count() as u32;
        *report.counters.entry("events_read".to_owned()).or_default() += seen.read;
        *report.counters.entry("repeated".to_owned()).or_default() += seen.repeated;
    }
    report.utilization = [("cpu".to_owned(), utilization(shares.into_iter()))].into();
    let cores = after.projections.len();
    let nodes = world.sourcing.iter().flat_map(|own| &own.projections);
    let queues = nodes.flat_map(|one| &one.nodes.cores);
    report.queue = QueueReport {
        mean: (0..cores).map(waited).sum::<f64>() / cores.max(1) as f64,
        max: queues
            .map(|core| core.max_queue() as u64)
            .max()
            .unwrap_or_default(),
    };
    report.lag_ms = (visible > 0).then(|| LagReport {
        mean: lag_ns as f64 / visible as f64 / 1e6,
        max: longest as f64 / 1e6,
    });
    report
}
