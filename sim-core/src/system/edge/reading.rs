//! What the edge and the origin did, as readings and as tiers of a report.

use std::collections::BTreeMap;

use routing::CacheCounters;

use super::{Site, WebBytes};
use crate::report::{QueueReport, TierReport, Utilization};
use crate::scenario::Tier;
use crate::station::FastFifo;
use crate::system::baseline::{Reading, fifo};
use crate::system::summary::utilization;
use crate::system::world::World;
use crate::time::SimTime;

/// Readings at one instant.
#[derive(Clone, Debug, Default)]
pub struct WebReading {
    /// By point of presence.
    pub pops: Vec<SiteReading>,
    /// Of the shield.
    pub shield: SiteReading,
    /// By server of the origin.
    pub origin: Vec<Reading>,
    /// Bytes that the origin sent.
    pub bytes: WebBytes,
    /// Answers from a site that had been superseded.
    pub superseded: u64,
}

/// Cumulative readings of one site.
#[derive(Clone, Copy, Debug, Default)]
pub struct SiteReading {
    /// Of its cores.
    pub cores: Reading,
    /// Of its cache.
    pub cached: CacheCounters,
    /// Requests.
    pub requests: u64,
    /// Requests sent on.
    pub forwarded: u64,
}

impl SiteReading {
    fn of(site: &Site, now: SimTime) -> Self {
        Self {
            cores: Reading {
                bytes_out: site.bytes_out,
                ..fifo(&site.station, now)
            },
            cached: site.counters(),
            requests: site.requests,
            forwarded: site.forwarded,
        }
    }
}

impl WebReading {
    /// The readings of a system now.
    #[must_use]
    pub fn of(world: &World, now: SimTime) -> Self {
        let web = &world.web;
        let edge = web.edge.as_ref();
        let (pops, shield) = edge.map_or((&[][..], &[][..]), |edge| edge.sites.split_at(edge.pops));
        let origin = web.origin.iter().flat_map(|origin| {
            let servers = origin.servers.iter().zip(&origin.bytes_out);
            servers.map(|(server, &bytes_out)| Reading {
                bytes_out,
                ..fifo(server, now)
            })
        });
        Self {
            pops: pops.iter().map(|site| SiteReading::of(site, now)).collect(),
            shield: shield
                .first()
                .map_or(SiteReading::default(), |site| SiteReading::of(site, now)),
            origin: origin.collect(),
            bytes: web.bytes,
            superseded: edge.map_or(0, |edge| edge.superseded),
        }
    }

    /// Lookups that points of presence answered, and all.
    #[must_use]
    pub fn hits(&self) -> (u64, u64) {
        let sum = |of: fn(&CacheCounters) -> u64| self.pops.iter().map(|pop| of(&pop.cached)).sum();
        (
            sum(|own| own.hits + own.stale_served),
            sum(CacheCounters::lookups),
        )
    }

    /// Bytes that clients got by HTTP.
    fn to_clients(&self) -> u64 {
        let pops = self.pops.iter().map(|pop| pop.cores.bytes_out);
        pops.sum::<u64>() + self.bytes.direct
    }
}

/// The tiers of a report, by what happened between two readings.
pub fn tiers(
    world: &World,
    before: &WebReading,
    after: &WebReading,
    ns: f64,
) -> Vec<(Tier, TierReport)> {
    let design = &world.scenario.design;
    let mut all = Vec::new();
    if let (Some(tier), Some(edge)) = (&design.edge, &world.web.edge) {
        let stations: Vec<&FastFifo> = edge.sites[..edge.pops]
            .iter()
            .map(|site| &site.station)
            .collect();
        let readings =
            |own: &WebReading| -> Vec<Reading> { own.pops.iter().map(|pop| pop.cores).collect() };
        let capacity = (tier.cores, tier.network_bits_per_s);
        let nodes = nodes(&stations, &readings(before), &readings(after), capacity, ns);
        all.push((Tier::Edge, sites(nodes, &edge.sites, before, after)));
    }
    if let (Some(tier), Some(origin)) = (&design.origin, &world.web.origin) {
        let stations: Vec<&FastFifo> = origin.servers.iter().collect();
        let capacity = (tier.machine.cores, tier.machine.network_bits_per_s);
        let mut nodes = nodes(&stations, &before.origin, &after.origin, capacity, ns);
        let bytes = after.bytes.from_origin - before.bytes.from_origin;
        nodes.counters.insert("bytes_out".to_owned(), bytes);
        all.push((Tier::Origin, nodes));
    }
    all
}

/// Instances with cores behind one queue and a network.
fn nodes(
    stations: &[&FastFifo],
    before: &[Reading],
    after: &[Reading],
    (cores, bits_per_s): (u32, u64),
    ns: f64,
) -> TierReport {
    let delta = |read: &dyn Fn(&Reading) -> f64, index: usize| {
        read(&after[index]) - before.get(index).map_or(0.0, read)
    };
    let each =
        |value: &dyn Fn(usize) -> f64| -> Utilization { utilization((0..after.len()).map(value)) };
    let cpu = each(&|i| delta(&|r| r.busy_ns as f64, i) / ns / f64::from(cores));
    let bits = bits_per_s.max(1) as f64;
    let bandwidth = each(&|i| delta(&|r| r.bytes_out as f64, i) * 8.0 / (ns / 1e9) / bits);
    let queues: f64 = (0..after.len())
        .map(|i| delta(&|r| r.queue_job_ns as f64, i))
        .sum();
    let sum = |of: fn(&FastFifo) -> u64| stations.iter().map(|station| of(station)).sum::<u64>();
    TierReport {
        instances: stations.len() as u32,
        utilization: [("cpu".to_owned(), cpu), ("bandwidth".to_owned(), bandwidth)].into(),
        queue: QueueReport {
            mean: queues / ns / stations.len().max(1) as f64,
            max: stations
                .iter()
                .map(|station| station.max_queue() as u64)
                .max()
                .unwrap_or_default(),
        },
        dropped: sum(FastFifo::rejected),
        counters: [("requests".to_owned(), sum(FastFifo::accepted))].into(),
        ..TierReport::default()
    }
}

/// What the points of presence did, beside how busy they were.
fn sites(nodes: TierReport, sites: &[Site], before: &WebReading, after: &WebReading) -> TierReport {
    let none = SiteReading::default();
    let pairs = || {
        let earlier = before.pops.iter().chain(core::iter::repeat(&none));
        earlier.zip(&after.pops)
    };
    let sum = |of: fn(&CacheCounters) -> u64| -> u64 {
        pairs().map(|(a, b)| of(&b.cached) - of(&a.cached)).sum()
    };
    let bytes_out = after.to_clients() - before.to_clients();
    let from = |bytes: &WebBytes| bytes.from_origin + bytes.from_servers;
    let bytes_in = from(&after.bytes) - from(&before.bytes);
    let requests = pairs().map(|(a, b)| b.requests - a.requests).sum();
    let mut counters: BTreeMap<String, u64> = [
        ("requests", requests),
        ("hits", sum(|own| own.hits)),
        ("misses", sum(|own| own.misses)),
        ("stale_served", sum(|own| own.stale_served)),
        ("coalesced", sum(|own| own.coalesced)),
        ("fetches", sum(|own| own.fetches)),
        ("evicted", sum(|own| own.evicted)),
        ("expired", sum(|own| own.expired)),
        ("invalidated", sum(|own| own.invalidated)),
        ("used_bytes", sites.iter().map(Site::used_bytes).sum()),
        ("bytes_out", bytes_out),
        ("bytes_from_origin", bytes_in),
        ("superseded_answers", after.superseded - before.superseded),
        (
            "shield_requests",
            after.shield.requests - before.shield.requests,
        ),
        (
            "shield_hits",
            after.shield.cached.hits - before.shield.cached.hits,
        ),
    ]
    .map(|(name, count)| (name.to_owned(), count))
    .into();
    for ((earlier, later), site) in pairs().zip(sites) {
        let name = format!("requests_{}", site.place);
        counters.insert(name, later.requests - earlier.requests);
    }
    let (hits, lookups) = after.hits();
    let (hits, lookups) = (hits - before.hits().0, lookups - before.hits().1);
    let share = |part: u64, all: u64| (all > 0).then(|| part as f64 / all as f64);
    TierReport {
        counters,
        hit_ratio: share(hits, lookups),
        origin_offload: share(bytes_in, bytes_out).map(|sent| 1.0 - sent),
        ..nodes
    }
}
