//! A world's accounts as a report.

use std::collections::BTreeMap;

use super::backend::{Databases, Nodes};
use super::baseline::{Baseline, Reading};
use super::caches::CacheNodes;
use super::documents::reading::{DocumentsReading, counted, judged};
use super::intervals::{Intervals, plain};
use super::ledger::{KindLedger, Ledger, Refusal};
use super::operation::{Kind, PARTS, Part};
use super::pooler::{PoolerNodes, Shares};
use super::pools::DatabasePool;
use super::replicas::Replicas;
use super::sharding::Tally;
use super::world::World;
use routing::{CacheCounters, RoutingMode};

use super::{cost, edge, limits, rates, regional, services, sourcing, verdict};
use crate::histogram::Histogram;
use crate::report::{
    BreakdownRow, ConnectionsReport, EngineReport, LagReport, LatencyReport, OperationReport,
    QueueReport, RunReport, SCHEMA, ScenarioId, TierReport, Utilization,
};
use crate::scenario::{Scenario, Tier};
use crate::statistics::Samples;
use crate::time::{SimDuration, SimTime};

/// A run that measured less than this part of its length says nothing.
const LEAST_SHARE: u64 = 1_000;
/// What it says instead.
pub const TOO_LITTLE: &str = "too little was simulated to say anything: nothing after the warm-up, or next to nothing, was measured";

/// What was measured up to `now`.
#[must_use]
pub fn report(world: &World, now: SimTime, scenario: &Scenario, confidence: f64) -> RunReport {
    let (ledger, in_flight) = world.measured(now);
    let held = world.held_for_absent(now, &ledger);
    let measured = now.saturating_since(ledger.since);
    let seconds = measured.as_secs_f64();
    let unstable = world.backlog.unstable();
    let steady = scenario.is_steady();
    let mut intervals = Intervals::new((&ledger, now), &world.backlog, steady, confidence);
    let mut operations = BTreeMap::new();
    for kind in Kind::ALL {
        let own = &ledger.kinds[kind.index()];
        if own.offered == 0 && world.offered_per_s(kind) == 0.0 {
            continue;
        }
        let way =
            own.in_transit + in_flight[kind.index()] + if kind == Kind::Publish { held } else { 0 };
        let mut told = operation(world, kind, &ledger, way, (seconds, now), &mut intervals);
        services::report::operation(&mut told, world, (kind, own), now);
        operations.insert(kind.name().to_owned(), told);
    }
    if let (Some(stores), Some(command)) = (&world.stores, operations.get_mut("command")) {
        stores.judged(command);
    }
    if let (Some(documents), Some(edit)) = (&world.documents, operations.get_mut("edit")) {
        let after = DocumentsReading::of(Some(documents), now);
        judged(
            edit,
            documents,
            (&world.baseline.documents, &after),
            seconds,
        );
    }
    let mut tiers = tiers(world, &ledger, now, measured);
    let mut warnings = Vec::new();
    let too_little = measured < scenario.run.duration / LEAST_SHARE;
    if too_little {
        // What was busy while nothing was measured has no share of it.
        tiers.values_mut().for_each(|tier| tier.utilization.clear());
        warnings.push(TOO_LITTLE.to_owned());
    }
    let (bottleneck, breaks_at) = limits::first_to_give_way(scenario, &tiers);
    let cost = (!too_little).then(|| cost::cost(world, &ledger, now));
    if let Some(tier) = unstable {
        warnings.push(format!(
            "the queue of {tier} grows without end at this load: no percentile is given"
        ));
    }
    let servers = world.servers.servers.len();
    let traffic = &scenario.traffic;
    let told = traffic.publish.is_some() || traffic.presence.is_some();
    if world.scenario.design.routing == RoutingMode::Local && servers > 1 && told {
        warnings.push(format!("with routing Local, members on the other {} servers receive nothing: choose Interest, Broadcast or ChannelOwner", servers - 1));
    }
    let mut report = RunReport {
        schema: SCHEMA,
        plimsoll: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: ScenarioId {
            name: scenario.name.clone(),
            hash: format!("{:016x}", scenario.hash()),
        },
        seed: scenario.run.seed,
        population_seed: scenario.run.population_seed,
        users: scenario.load.users.into(),
        model: None,
        simulated_s: seconds,
        warmup_s: ledger.since.as_secs_f64(),
        stop: unstable.map_or_else(
            || "Finished".to_owned(),
            |tier| format!("Unstable{{{tier}}}"),
        ),
        operations,
        tiers,
        regions: regional::regions(world, now),
        connections: connections(world, &ledger, now),
        bottleneck,
        breaks_at,
        cost,
        objectives: Vec::new(),
        precision: intervals.precision(),
        populations: None,
        rates: BTreeMap::new(),
        faults: world.recovery.reports(world),
        series: world.timeline.report(world, &ledger),
        sources: scenario.source_reports(),
        quick_estimate: None,
        warnings,
        engine: EngineReport {
            memory_bytes: world.memory_bytes(),
            ..EngineReport::default()
        },
    };
    if let Some(whole) = &world.whole {
        whole.enlarge(&mut report);
    }
    report.rates = rates::rates(&report);
    report.objectives = scenario
        .objectives
        .iter()
        .map(|objective| match too_little {
            true => verdict::undecided(objective),
            false => verdict::judge(objective, &report),
        })
        .collect();
    report
}

fn operation(
    world: &World,
    kind: Kind,
    ledger: &Ledger,
    in_flight: u64,
    (seconds, now): (f64, SimTime),
    intervals: &mut Intervals,
) -> OperationReport {
    let own = &ledger.kinds[kind.index()];
    let sourced = world.sourcing.is_some();
    let logged = matches!(kind, Kind::Publish | Kind::Command);
    let unstable = world.backlog.unstable().is_some();
    let per_s = |count: u64| {
        if seconds > 0.0 {
            count as f64 / seconds
        } else {
            0.0
        }
    };
    let mut latency_ms = BTreeMap::new();
    latency_ms.insert(
        kind.terminal().to_owned(),
        intervals.latency(kind, Samples::Delivered, own),
    );
    let fans_out = !kind.is_answered();
    if fans_out {
        latency_ms.insert(
            "complete".to_owned(),
            intervals.latency(kind, Samples::Complete, own),
        );
    }
    OperationReport {
        offered_per_s: per_s(own.offered),
        completed_per_s: per_s(own.completed),
        deliveries_per_s: if fans_out { per_s(own.received) } else { 0.0 },
        owed: own.owed,
        received: if fans_out { own.received } else { 0 },
        in_flight: if fans_out { in_flight } else { 0 },
        failed: own.failed,
        timed_out: own.timed_out,
        retried: own.retried,
        lost: if fans_out {
            own.owed.saturating_sub(own.received + in_flight)
        } else {
            0
        },
        duplicated: own.duplicated,
        reordered: own.reordered,
        stale_ratio: stale_ratio(kind, own, ledger),
        stale_ms: stale_ms(kind, ledger),
        latency_ms,
        by_region: by_class(world, own, unstable, |class| &class.place),
        by_access: by_class(world, own, unstable, |class| &class.access),
        breakdown: breakdown(kind, own, world.sourcing.is_some()),
        conflicting: (sourced && kind == Kind::Command).then_some(own.conflicting),
        rejected: (sourced && logged).then_some(own.rejected),
        behind_ms: if kind == Kind::Query {
            sourcing::reading::behind_ms(world, now)
        } else {
            None
        },
        ..OperationReport::default()
    }
}

/// Answers that had been superseded, of all.
fn stale_ratio(kind: Kind, own: &KindLedger, ledger: &Ledger) -> f64 {
    let stale = ledger.staleness.count();
    if kind == Kind::Query && stale > 0 {
        stale as f64 / own.completed.max(stale) as f64
    } else {
        0.0
    }
}

/// How long ago they had been; `None`: there was none.
fn stale_ms(kind: Kind, ledger: &Ledger) -> Option<LatencyReport> {
    if kind != Kind::Query || ledger.staleness.count() == 0 {
        return None;
    }
    let mut ages = Histogram::new();
    ages.merge_compact(&ledger.staleness);
    Some(plain(&ages, false))
}

/// Merges the classes that share a name.
fn by_class(
    world: &World,
    own: &KindLedger,
    unstable: bool,
    name: impl Fn(&super::network::Class) -> &String,
) -> BTreeMap<String, LatencyReport> {
    let mut merged: BTreeMap<String, Histogram> = BTreeMap::new();
    for (class, histogram) in world.network.classes().iter().zip(&own.by_class) {
        merged
            .entry(name(class).clone())
            .or_default()
            .merge_compact(histogram);
    }
    merged
        .into_iter()
        .map(|(name, histogram)| (name, plain(&histogram, unstable)))
        .collect()
}

fn breakdown(kind: Kind, own: &KindLedger, sourced: bool) -> Vec<BreakdownRow> {
    let mean = own.causes.breakdown_mean();
    let slow = own.causes.breakdown_above(0.99);
    let slow_total: f64 = slow.iter().sum();
    (0..PARTS)
        .filter(|index| mean[*index] > 0.0)
        .map(|index| (index, Part::name(index, kind, sourced)))
        .map(|(index, (tier, cause))| BreakdownRow {
            tier: tier.to_owned(),
            cause: cause.to_owned(),
            mean_ms: mean[index] / 1e6,
            share_of_p99: if slow_total > 0.0 {
                slow[index] / slow_total
            } else {
                0.0
            },
        })
        .collect()
}

/// Client connections at `now`.
#[must_use]
pub fn connections_at(world: &World, now: SimTime) -> ConnectionsReport {
    let (ledger, _) = world.measured(now);
    connections(world, &ledger, now)
}

fn connections(world: &World, ledger: &Ledger, now: SimTime) -> ConnectionsReport {
    let rejected = Refusal::ALL
        .into_iter()
        .filter(|(reason, _)| ledger.refused[*reason as usize] > 0);
    ConnectionsReport {
        open: u64::from(world.hub.connections().open_count()) - world.unnoticed(),
        wanted: world.wanted(now),
        rejected: rejected
            .map(|(reason, name)| (name.to_owned(), ledger.refused[reason as usize]))
            .collect(),
        reconnects: ledger.reconnects,
        attempts: ledger.attempts,
        resumed: ledger.resumed,
        resync_bytes: ledger.resync_bytes,
    }
}

fn tiers(
    world: &World,
    ledger: &Ledger,
    now: SimTime,
    measured: SimDuration,
) -> BTreeMap<String, TierReport> {
    let readings = Baseline::of(world, now);
    let span = Span {
        before: &world.baseline,
        after: &readings,
        ns: measured.as_nanos().max(1) as f64,
    };
    let mut tiers = BTreeMap::new();
    let mut insert = |tier: Tier, report: TierReport| {
        // Where nobody pools connections or keeps documents, nothing stands at that position.
        let order = Tier::ALL
            .iter()
            .filter(|&&other| other != Tier::Pooler || world.pooler.is_some())
            .filter(|&&other| other != Tier::Documents || world.documents.is_some())
            .position(|&other| other == tier)
            .unwrap_or_default() as u32;
        tiers.insert(tier.name().to_owned(), TierReport { order, ..report });
    };
    insert(Tier::LoadBalancer, load_balancer(world, ledger, measured));
    let mut own = servers(world, ledger, &span);
    if let Some(order) = &world.order {
        let held_ms = order.held.1.as_nanos() / 1_000_000;
        let counts = [
            ("held_back", order.held.0),
            ("held_back_ms", held_ms),
            ("given_up", order.given_up),
        ];
        let named = counts.map(|(name, count)| (name.to_owned(), count));
        own.counters.extend(named);
    }
    insert(Tier::ConnectionServers, own);
    if let Some(owners) = &world.owners {
        let report = fifo_nodes(
            &owners.nodes,
            &span.before.owners,
            &span.after.owners,
            span.ns,
        );
        insert(Tier::ChannelOwners, report);
    }
    if let Some(broker) = &world.broker {
        let report = fifo_nodes(
            &broker.nodes,
            &span.before.broker,
            &span.after.broker,
            span.ns,
        );
        insert(Tier::Broker, report);
    }
    if let Some(cache) = &world.cache {
        let cores = (&span.before.cache, &span.after.cache);
        let report = fifo_nodes(&cache.nodes, cores.0, cores.1, span.ns);
        insert(Tier::Cache, cached(report, world, ledger, &span));
    }
    let own = (&span.before.services, &span.after.services);
    for (tier, report) in services::report::tiers(world, own.0, own.1, span.ns) {
        insert(tier, report);
    }
    if let Some(pooler) = &world.pooler {
        let cores = (&span.before.pooler, &span.after.pooler);
        let report = fifo_nodes(&pooler.nodes, cores.0, cores.1, span.ns);
        insert(Tier::Pooler, passed_on(report, pooler));
    }
    if let Some(databases) = &world.databases {
        let mut report = pools(databases, &span);
        let tally = databases
            .split
            .as_ref()
            .and_then(|split| split.tally.as_ref());
        report.hot_shard_ratio = tally.and_then(Tally::hot_ratio);
        report.cross_shard_ratio = tally.and_then(Tally::crossing_ratio);
        let primaries = world.replicas.as_ref();
        let primaries = primaries.and_then(|all| all.primaries.as_ref());
        report.writes_lost = primaries.map(|all| all.lost);
        report.resharding = world.resharding.as_ref().map(|change| change.report(now));
        if let Some(stores) = &world.stores {
            stores.counted(&mut report, &world.sites.names);
        }
        if let Some(calls) = &world.calls {
            let shards = databases.shards.iter();
            let dropped = shards.map(|shard| shard.dropped_dead).sum();
            let counts = [
                ("dropped_dead", dropped),
                ("served_for_nobody", calls.wasted),
                ("hedges", calls.hedges),
                ("held_back", calls.held_back),
            ];
            let named = counts.map(|(name, count)| (name.to_owned(), count));
            report.counters.extend(named);
        }
        insert(Tier::Database, report);
    }
    if let Some(replicas) = &world.replicas {
        insert(Tier::Replicas, followers(replicas, &span));
    }
    if let Some(documents) = &world.documents {
        let (before, after) = (&span.before.documents, &span.after.documents);
        let report = fifo_nodes(&documents.nodes, &before.cores, &after.cores, span.ns);
        let counts = (&before.counts, &after.counts);
        insert(Tier::Documents, counted(report, documents, counts));
    }
    for (tier, report) in edge::reading::tiers(world, &span.before.web, &span.after.web, span.ns) {
        insert(tier, report);
    }
    let (before, after) = (&span.before.sourcing, &span.after.sourcing);
    for (tier, report) in sourcing::reading::tiers(world, before, after, span.ns) {
        insert(tier, report);
    }
    tiers
}

/// Two sets of readings and the time between them.
struct Span<'a> {
    before: &'a Baseline,
    after: &'a Baseline,
    ns: f64,
}

fn load_balancer(world: &World, ledger: &Ledger, measured: SimDuration) -> TierReport {
    let tier = &world.scenario.design.load_balancer;
    let instances = f64::from(tier.count.max(1));
    let open = f64::from(world.hub.connections().open_count())
        / (instances * f64::from(tier.max_connections.max(1)));
    let seconds = measured.as_secs_f64().max(1e-9);
    let new = ledger.attempts as f64
        / seconds
        / (instances * f64::from(tier.new_connections_per_s.max(1)));
    let even = |value: f64| Utilization {
        hottest: value,
        mean: value,
        instance: 0,
    };
    TierReport {
        instances: tier.count,
        utilization: [
            ("connections".to_owned(), even(open)),
            ("accept".to_owned(), even(new)),
        ]
        .into(),
        ..TierReport::default()
    }
}

fn servers(world: &World, ledger: &Ledger, span: &Span<'_>) -> TierReport {
    let tier = &world.scenario.design.connection_servers;
    let all = &world.servers.servers;
    let cores = f64::from(tier.machine.cores);
    let delta = |read: &dyn Fn(&Reading) -> f64, index: usize| {
        read(&span.after.servers[index]) - span.before.servers.get(index).map_or(0.0, read)
    };
    let each = |value: &dyn Fn(usize) -> f64| utilization((0..all.len()).map(value));
    let capacity = world.servers.capacity;
    let mut resources = BTreeMap::new();
    resources.insert(
        "cpu".to_owned(),
        each(&|i| delta(&|r| r.busy_ns as f64, i) / span.ns / cores),
    );
    let memory = |i: usize| {
        let used = tier.profile.base_memory_bytes
            + all[i].held_max * tier.profile.memory_per_connection_bytes;
        used as f64 / tier.machine.memory_bytes.max(1) as f64
    };
    resources.insert("memory".to_owned(), each(&memory));
    let descriptors = |i: usize| {
        (all[i].held_max + u64::from(tier.profile.reserved_descriptors)) as f64
            / f64::from(tier.descriptors.max(1))
    };
    resources.insert("descriptors".to_owned(), each(&descriptors));
    if tier.max_connections.is_some() {
        resources.insert(
            "connections".to_owned(),
            each(&|i| all[i].held_max as f64 / capacity.configured.max(1) as f64),
        );
    }
    let bits = tier.machine.network_bits_per_s.max(1) as f64;
    resources.insert(
        "bandwidth".to_owned(),
        each(&|i| delta(&|r| r.bytes_out as f64, i) * 8.0 / (span.ns / 1e9) / bits),
    );
    let queues: f64 = (0..all.len())
        .map(|i| delta(&|r| r.queue_job_ns as f64, i))
        .sum();
    let sum = |count: &dyn Fn(&super::servers::Server) -> u64| all.iter().map(count).sum::<u64>();
    TierReport {
        instances: all.len() as u32,
        utilization: resources,
        queue: QueueReport {
            mean: queues / span.ns / all.len().max(1) as f64,
            max: all
                .iter()
                .map(|server| server.station.accounts().max_queue as u64)
                .max()
                .unwrap_or_default(),
        },
        dropped: sum(&|server| {
            let accounts = server.station.accounts();
            accounts.dropped + accounts.rejected + server.turned_away
        }),
        counters: [
            ("open".to_owned(), open_on(world)),
            ("copies".to_owned(), sum(&|server| server.copies)),
            (
                "wasted_copies".to_owned(),
                sum(&|server| server.wasted_copies),
            ),
            ("heartbeats".to_owned(), ledger.heartbeats),
            ("polls".to_owned(), world.ledger.polls),
            ("useful_polls".to_owned(), world.ledger.useful_polls),
            (
                "lost_in_crash".to_owned(),
                sum(&|server| server.station.accounts().lost),
            ),
        ]
        .into(),
        ..TierReport::default()
    }
}

/// Open connections, server by server; those of a dead server that nobody has noticed are not open.
fn open_on(world: &World) -> u64 {
    let servers = world.servers.servers.iter().enumerate();
    servers
        .filter(|(_, server)| server.is_up())
        .map(|(id, _)| {
            let id = routing::ServerId(id as u16);
            u64::from(world.hub.connections().open_count_on(id))
        })
        .sum()
}

/// What the nodes of the cache did, beside how busy they were.
fn cached(nodes: TierReport, world: &World, ledger: &Ledger, span: &Span<'_>) -> TierReport {
    let (before, after) = (&span.before.cached, &span.after.cached);
    let named = [
        ("hits", after.hits - before.hits),
        ("misses", after.misses - before.misses),
        ("stale_served", after.stale_served - before.stale_served),
        ("coalesced", after.coalesced - before.coalesced),
        ("fetches", after.fetches - before.fetches),
        ("evicted", after.evicted - before.evicted),
        ("expired", after.expired - before.expired),
        ("invalidated", after.invalidated - before.invalidated),
        (
            "used_bytes",
            world.cache.as_ref().map_or(0, CacheNodes::used_bytes),
        ),
        ("superseded_answers", ledger.staleness.count()),
    ];
    let lookups = after.lookups() - before.lookups();
    let served = named[0].1 + named[2].1;
    TierReport {
        counters: named
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .collect(),
        hit_ratio: (lookups > 0).then(|| served as f64 / lookups as f64),
        hit_ratio_by_region: hits_by_region(world, span),
        ..nodes
    }
}

/// By region that has a cache of its own and was asked: what that answered, of all.
fn hits_by_region(world: &World, span: &Span<'_>) -> BTreeMap<String, f64> {
    let none = CacheCounters::default();
    let named = world.sites.names.iter().zip(&span.after.cached_in);
    let ratio = |(site, (name, after)): (usize, (&String, &CacheCounters))| {
        let before = span.before.cached_in.get(site).unwrap_or(&none);
        let lookups = after.lookups() - before.lookups();
        let served = after.hits + after.stale_served - before.hits - before.stale_served;
        (lookups > 0).then(|| (name.clone(), served as f64 / lookups as f64))
    };
    named.enumerate().filter_map(ratio).collect()
}

/// What the poolers refused, and the client connections that they hold, beside how busy they were.
fn passed_on(mut nodes: TierReport, pooler: &PoolerNodes) -> TierReport {
    nodes.dropped += pooler.refused;
    if let Some(share) = pooler.connected() {
        let clients = utilization([share].into_iter());
        nodes.utilization.insert("clients".to_owned(), clients);
    }
    nodes
}

/// The pools of all databases.
fn pools(databases: &Databases, span: &Span<'_>) -> TierReport {
    let shards = &databases.shards;
    let none = Reading::default();
    let pairs: Vec<(&Reading, &Reading)> = span
        .after
        .databases
        .iter()
        .enumerate()
        .map(|(shard, after)| (span.before.databases.get(shard).unwrap_or(&none), after))
        .collect();
    let connections = f64::from(shards.first().map_or(1, |shard| shard.connections));
    let busy = pairs
        .iter()
        .map(|(before, after)| (after.busy_ns - before.busy_ns) as f64 / span.ns / connections);
    let queues: f64 = pairs
        .iter()
        .map(|(before, after)| (after.queue_job_ns - before.queue_job_ns) as f64)
        .sum();
    let sum = |of: &dyn Fn(&DatabasePool) -> u64| shards.iter().map(of).sum::<u64>();
    let unconnected = match databases.shares {
        Shares::All(_) => None,
        _ => Some(("unconnected".to_owned(), sum(&|shard| shard.unconnected))),
    };
    TierReport {
        instances: shards.len() as u32,
        utilization: [("pool".to_owned(), utilization(busy))].into(),
        queue: QueueReport {
            mean: queues / span.ns / shards.len().max(1) as f64,
            max: shards
                .iter()
                .map(|shard| shard.max_queue() as u64)
                .max()
                .unwrap_or_default(),
        },
        dropped: sum(&|shard| shard.refused),
        counters: [
            ("queries".to_owned(), sum(&|shard| shard.accepted())),
            ("gave_up".to_owned(), sum(&|shard| shard.gave_up)),
        ]
        .into_iter()
        .chain(unconnected)
        .collect(),
        ..TierReport::default()
    }
}

fn followers(replicas: &Replicas, span: &Span<'_>) -> TierReport {
    let pairs = || span.before.replicas.iter().zip(&span.after.replicas);
    let connections = f64::from(replicas.connections);
    let busy = pairs()
        .map(|(before, after)| (after.busy_ns - before.busy_ns) as f64 / span.ns / connections);
    let queues: u128 = pairs()
        .map(|(before, after)| after.queue_job_ns - before.queue_job_ns)
        .sum();
    let (applied, lag_ns, longest_ns) = replicas.applied;
    TierReport {
        instances: replicas.len() as u32,
        utilization: [("pool".to_owned(), utilization(busy))].into(),
        queue: QueueReport {
            mean: queues as f64 / span.ns / replicas.len().max(1) as f64,
            max: 0,
        },
        dropped: replicas.dropped,
        counters: [("applied".to_owned(), applied)].into(),
        lag_ms: (applied > 0).then(|| LagReport {
            mean: lag_ns as f64 / applied as f64 / 1e6,
            max: longest_ns as f64 / 1e6,
        }),
        ..TierReport::default()
    }
}

/// A tier of nodes whose cores are FIFO stations of their own: the hottest core is the limit.
pub(super) fn fifo_nodes(
    nodes: &Nodes,
    before: &[Reading],
    after: &[Reading],
    ns: f64,
) -> TierReport {
    let (cores, per_node) = (&nodes.cores, nodes.per_node);
    let delta = |read: &dyn Fn(&Reading) -> f64, index: usize| {
        read(&after[index]) - before.get(index).map_or(0.0, read)
    };
    let mut cpu = utilization((0..cores.len()).map(|i| delta(&|r| r.busy_ns as f64, i) / ns));
    cpu.instance /= per_node.max(1);
    let queues: f64 = (0..cores.len())
        .map(|i| delta(&|r| r.queue_job_ns as f64, i))
        .sum();
    TierReport {
        instances: cores.len() as u32 / per_node.max(1),
        utilization: [("cpu".to_owned(), cpu)].into(),
        queue: QueueReport {
            mean: queues / ns / cores.len().max(1) as f64,
            max: cores
                .iter()
                .map(|core| core.max_queue() as u64)
                .max()
                .unwrap_or_default(),
        },
        dropped: cores.iter().map(crate::station::FastFifo::rejected).sum(),
        counters: [
            (
                "messages".to_owned(),
                cores.iter().map(crate::station::FastFifo::accepted).sum(),
            ),
            (
                "lost_in_crash".to_owned(),
                cores.iter().map(crate::station::FastFifo::lost).sum(),
            ),
        ]
        .into(),
        ..TierReport::default()
    }
}

/// The fullest of several instances, and their mean.
pub(super) fn utilization(values: impl Iterator<Item = f64>) -> Utilization {
    let (mut sum, mut count, mut hottest, mut instance) = (0.0, 0u32, 0.0, 0);
    for value in values {
        if value > hottest {
            hottest = value;
            instance = count;
        }
        sum += value;
        count += 1;
    }
    Utilization {
        hottest,
        mean: sum / f64::from(count.max(1)),
        instance,
    }
}
