//! The measured time in steps: how busy each tier was, how much waited, how many connections were open.
//!
//! Models: at every audit the accounts of all stations are read; the difference to the reading before is a step of 1 s. At
//! most 128 steps are kept: then neighbours are joined and the step doubles, so a run of any length keeps 65 to 128.
//! Latencies over time come from the slots of [`super::ledger::KindLedger`], which double alike.

use std::collections::BTreeMap;

use routing::CacheCounters;

use super::baseline::{Baseline, Reading};
use super::ledger::Ledger;
use super::operation::Kind;
use super::world::World;
use crate::report::{OperationSeries, SeriesReport, TierSeries};
use crate::scenario::Tier;
use crate::statistics::{Samples, SlotSeries};
use crate::time::{SimDuration, SimTime};

const STEPS: usize = 128;
/// Projections at most.
const PROJECTIONS: usize = 16;
/// Tiers with stations, in the order of a sample.
const TIERS: [Tier; 17] = [
    Tier::ConnectionServers,
    Tier::ChannelOwners,
    Tier::Broker,
    Tier::Cache,
    Tier::Pooler,
    Tier::Database,
    Tier::Replicas,
    Tier::Edge,
    Tier::Origin,
    Tier::CommandSide,
    Tier::Log,
    Tier::Projections,
    Tier::Stock,
    Tier::MatchingEngine,
    Tier::Notifications,
    Tier::Providers,
    Tier::Documents,
];

/// One step.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    /// Busy share by tier.
    busy: [f64; TIERS.len()],
    /// Mean work waiting by tier.
    waiting: [f64; TIERS.len()],
    open: u64,
    /// Lookups that the cache answered, and all.
    hits: u64,
    lookups: u64,
    /// The same at points of presence.
    edge: (u64, u64),
    /// By projection: events that are not visible, and the age of the oldest in milliseconds.
    lags: [(u64, f64); PROJECTIONS],
}

/// The steps since measuring began.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    start: SimTime,
    step: SimDuration,
    steps: Vec<Step>,
    last: Option<(SimTime, Baseline)>,
    /// Short steps that do not fill one of the present length yet.
    pending: Vec<Step>,
}

impl Timeline {
    /// Begins anew at `now`.
    pub fn begin(&mut self, world: &World, now: SimTime) {
        *self = Self {
            start: now,
            last: Some((now, Baseline::of(world, now))),
            ..Self::default()
        };
    }

    /// Ends a step at `now`. Nothing happens before [`Self::begin`].
    pub fn push(&mut self, world: &World, now: SimTime) {
        let Some((from, before)) = &self.last else {
            return;
        };
        let span = now.saturating_since(*from);
        if span.is_zero() {
            return;
        }
        let after = Baseline::of(world, now);
        let step = step(world, before, &after, span);
        self.last = Some((now, after));
        if self.step.is_zero() {
            self.step = span;
        }
        self.pending.push(step);
        if span * self.pending.len() as u64 >= self.step {
            self.steps.push(mean(&self.pending));
            self.pending.clear();
        }
        if self.steps.len() > STEPS {
            self.steps = self.steps.chunks(2).map(mean).collect();
            self.step = self.step * 2;
        }
    }

    /// The series of a report: steps of the timeline or slots of the latencies, whichever are longer.
    #[must_use]
    pub fn report(&self, world: &World, ledger: &Ledger) -> Option<SeriesReport> {
        if self.steps.len() < 2 {
            return None;
        }
        let kinds = Kind::ALL.iter().map(|kind| &ledger.kinds[kind.index()]);
        let longest = kinds
            .filter(|own| own.slots.messages() > 0)
            .map(|own| own.slots.slot())
            .max()?;
        let length = longest.max(self.step);
        let joined = (length.as_nanos() / self.step.as_nanos()).max(1) as usize;
        let steps: Vec<Step> = self.steps.chunks(joined).map(mean).collect();
        let mut operations = BTreeMap::new();
        for kind in Kind::ALL {
            let own = &ledger.kinds[kind.index()];
            if own.slots.messages() > 0 {
                operations.insert(kind.name().to_owned(), operation(&own.slots, length));
            }
        }
        let mut tiers = BTreeMap::new();
        for (index, tier) in TIERS.into_iter().enumerate() {
            if has(world, tier) {
                tiers.insert(
                    tier.name().to_owned(),
                    TierSeries {
                        cpu: steps.iter().map(|step| step.busy[index]).collect(),
                        queue: steps.iter().map(|step| step.waiting[index]).collect(),
                        hit_ratio: match tier {
                            Tier::Cache => steps.iter().map(Step::hit_ratio).collect(),
                            Tier::Edge => steps.iter().map(Step::edge_hit_ratio).collect(),
                            _ => Vec::new(),
                        },
                        lag_ms: lags(world, tier, |nth| {
                            steps.iter().map(|step| step.lags[nth].1).collect()
                        }),
                        lag_events: lags(world, tier, |nth| {
                            steps.iter().map(|step| step.lags[nth].0).collect()
                        }),
                    },
                );
            }
        }
        Some(SeriesReport {
            start_s: self.start.as_secs_f64(),
            step_s: length.as_secs_f64(),
            operations,
            tiers,
            connections_open: steps.iter().map(|step| step.open).collect(),
        })
    }
}

/// A series of each projection, by its name and number.
fn lags<T>(
    world: &World,
    tier: Tier,
    series: impl Fn(usize) -> Vec<T>,
) -> BTreeMap<String, Vec<T>> {
    let own = world.sourcing.iter().filter(|_| tier == Tier::Projections);
    let all = own.flat_map(|own| own.projections.iter().enumerate());
    all.map(|(nth, projection)| (projection.name.clone(), series(nth)))
        .collect()
}

fn has(world: &World, tier: Tier) -> bool {
    let services = world.services.as_deref();
    match tier {
        Tier::ChannelOwners => world.owners.is_some(),
        Tier::Broker => world.broker.is_some(),
        Tier::Cache => world.cache.is_some(),
        Tier::Pooler => world.pooler.is_some(),
        Tier::Database => world.databases.is_some(),
        Tier::Replicas => world.replicas.is_some(),
        Tier::Edge => world.web.edge.is_some(),
        Tier::Origin => world.web.origin.is_some(),
        Tier::CommandSide | Tier::Log => world.sourcing.is_some(),
        Tier::Projections => {
            let own = world.sourcing.as_ref();
            own.is_some_and(|own| !own.projections.is_empty())
        }
        Tier::Stock => services.is_some_and(|all| all.stock.is_some()),
        Tier::MatchingEngine => services.is_some_and(|all| all.market.is_some()),
        Tier::Notifications => services.is_some_and(|all| all.notifier.is_some()),
        Tier::Providers => !world.scenario.design.providers.is_empty(),
        Tier::Documents => world.documents.is_some(),
        Tier::ConnectionServers | Tier::LoadBalancer => true,
    }
}

fn step(world: &World, before: &Baseline, after: &Baseline, span: SimDuration) -> Step {
    let ns = span.as_nanos() as f64;
    let cores = u64::from(world.scenario.design.connection_servers.machine.cores);
    let shards = world
        .databases
        .iter()
        .flat_map(|databases| &databases.shards);
    let pool = shards
        .map(|shard| u64::from(shard.connections))
        .next()
        .unwrap_or(1);
    let design = &world.scenario.design;
    let of_origin = design.origin.as_ref().map_or(1, |tier| tier.machine.cores);
    let of_edge = design.edge.as_ref().map_or(1, |tier| tier.cores);
    let pops = |own: &Baseline| own.web.pops.iter().map(|pop| pop.cores).collect();
    let (pops_before, pops_after): (Vec<Reading>, Vec<Reading>) = (pops(before), pops(after));
    let groups: [(&Vec<Reading>, &Vec<Reading>, u64); TIERS.len()] = [
        (&before.servers, &after.servers, cores),
        (&before.owners, &after.owners, 1),
        (&before.broker, &after.broker, 1),
        (&before.cache, &after.cache, 1),
        (&before.pooler, &after.pooler, 1),
        (&before.databases, &after.databases, pool),
        (&before.replicas, &after.replicas, pool),
        (&pops_before, &pops_after, u64::from(of_edge)),
        (&before.web.origin, &after.web.origin, of_origin.into()),
        (&before.sourcing.commands, &after.sourcing.commands, 1),
        (&before.sourcing.log, &after.sourcing.log, 1),
        (&before.sourcing.projections, &after.sourcing.projections, 1),
        (&before.services.stock, &after.services.stock, 1),
        (&before.services.engines, &after.services.engines, 1),
        (
            &before.services.notifications,
            &after.services.notifications,
            1,
        ),
        (&before.services.providers, &after.services.providers, 1),
        (&before.documents.cores, &after.documents.cores, 1),
    ];
    let (hits_before, hits_after) = (before.web.hits(), after.web.hits());
    let mut step = Step {
        edge: (hits_after.0 - hits_before.0, hits_after.1 - hits_before.1),
        open: u64::from(world.hub.connections().open_count()) - world.unnoticed(),
        hits: answered(&after.cached) - answered(&before.cached),
        lookups: after.cached.lookups() - before.cached.lookups(),
        ..Step::default()
    };
    for (own, &(events, oldest_ns)) in step.lags.iter_mut().zip(&after.sourcing.lags) {
        *own = (events, oldest_ns as f64 / 1e6);
    }
    for (index, (before, after, servers)) in groups.into_iter().enumerate() {
        let pairs = || before.iter().zip(after.iter());
        let busy: u64 = pairs()
            .map(|(a, b)| b.busy_ns.saturating_sub(a.busy_ns))
            .sum();
        let waited: u128 = pairs()
            .map(|(a, b)| b.queue_job_ns.saturating_sub(a.queue_job_ns))
            .sum();
        let all = (before.len().max(1) as u64 * servers) as f64;
        step.busy[index] = busy as f64 / ns / all;
        step.waiting[index] = waited as f64 / ns;
    }
    step
}

/// Lookups that a cache answered.
fn answered(counters: &CacheCounters) -> u64 {
    counters.hits + counters.stale_served
}

impl Step {
    fn hit_ratio(&self) -> Option<f64> {
        (self.lookups > 0).then(|| self.hits as f64 / self.lookups as f64)
    }

    fn edge_hit_ratio(&self) -> Option<f64> {
        let (hits, lookups) = self.edge;
        (lookups > 0).then(|| hits as f64 / lookups as f64)
    }
}

fn mean(steps: &[Step]) -> Step {
    let n = steps.len().max(1) as f64;
    let average = |read: &dyn Fn(&Step) -> f64| steps.iter().map(read).sum::<f64>() / n;
    Step {
        busy: core::array::from_fn(|tier| average(&|step| step.busy[tier])),
        waiting: core::array::from_fn(|tier| average(&|step| step.waiting[tier])),
        open: steps.last().map_or(0, |step| step.open),
        hits: steps.iter().map(|step| step.hits).sum(),
        lookups: steps.iter().map(|step| step.lookups).sum(),
        edge: (
            steps.iter().map(|step| step.edge.0).sum(),
            steps.iter().map(|step| step.edge.1).sum(),
        ),
        lags: core::array::from_fn(|nth| {
            let last = steps.last().map_or(0, |step| step.lags[nth].0);
            (last, average(&|step| step.lags[nth].1))
        }),
    }
}

fn operation(slots: &SlotSeries, length: SimDuration) -> OperationSeries {
    let mut slots = slots.clone();
    while slots.slot() < length {
        slots.coarsen();
    }
    let seconds = slots.slot().as_secs_f64();
    let mut series = OperationSeries::default();
    for slot in slots.slots() {
        let delivered = slot.samples(Samples::Delivered);
        series.offered_per_s.push(slot.messages() as f64 / seconds);
        series
            .deliveries_per_s
            .push(delivered.count() as f64 / seconds);
        series.mean_ms.push(delivered.mean_ms());
        series.p50_ms.push(delivered.quantile_ms(0.5));
        series.p99_ms.push(delivered.quantile_ms(0.99));
    }
    series
}
