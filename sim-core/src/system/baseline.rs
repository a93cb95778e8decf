//! The accounts of all tiers at the start of measuring; what a report says is the difference.

use routing::CacheCounters;

use super::caches::CacheNodes;
use super::documents::reading::DocumentsReading;
use super::edge::reading::WebReading;
use super::ledger::InnerBytes;
use super::services::reading::ServiceReading;
use super::sourcing::reading::SourcingReading;
use super::world::World;
use crate::station::FastFifo;
use crate::time::SimTime;

/// Cumulative readings of one station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Core-nanoseconds spent serving.
    pub busy_ns: u64,
    /// Integral of the queue length, job-nanoseconds.
    pub queue_job_ns: u128,
    /// Bytes sent to clients.
    pub bytes_out: u64,
    /// Time stopped.
    pub paused_ns: u64,
    /// CPU time asked for by open connections and by messages.
    pub demand_ns: [u64; 2],
}

/// Readings of all stations at one instant.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// By connection server.
    pub servers: Vec<Reading>,
    /// By owner core.
    pub owners: Vec<Reading>,
    /// By broker core.
    pub broker: Vec<Reading>,
    /// By node core of the cache.
    pub cache: Vec<Reading>,
    /// What the cache has done.
    pub cached: CacheCounters,
    /// By core of the connection pooler.
    pub pooler: Vec<Reading>,
    /// The same by region, where each has its own.
    pub cached_in: Vec<CacheCounters>,
    /// Of points of presence and origin.
    pub web: WebReading,
    /// Of document owners.
    pub documents: DocumentsReading,
    /// Of stock, matching engines and notifications.
    pub services: ServiceReading,
    /// By shard, of its pool; where every region has a database, by region and shard.
    pub databases: Vec<Reading>,
    /// Read replicas.
    pub replicas: Vec<Reading>,
    /// Command side, log and projections.
    pub sourcing: SourcingReading,
    /// Bytes sent to clients in all.
    pub egress_bytes: u64,
    /// Bytes between tiers in all.
    pub inner: InnerBytes,
}

impl Baseline {
    /// The readings of a system now.
    #[must_use]
    pub fn of(world: &World, now: SimTime) -> Self {
        let fifos = |cores: Option<&Vec<FastFifo>>| {
            cores.map_or_else(Vec::new, |cores| {
                cores.iter().map(|core| fifo(core, now)).collect()
            })
        };
        let servers = world.servers.servers.iter().map(|server| Reading {
            busy_ns: server.station.busy_total_ns(now),
            queue_job_ns: server.station.accounts().queue_job_ns(now),
            bytes_out: server.bytes_out,
            paused_ns: server.station.pause_total().as_nanos(),
            demand_ns: server.demand_ns,
        });
        Self {
            servers: servers.collect(),
            egress_bytes: world.ledger.egress_bytes,
            inner: world.ledger.inner,
            owners: fifos(world.owners.as_ref().map(|owners| &owners.nodes.cores)),
            broker: fifos(world.broker.as_ref().map(|broker| &broker.nodes.cores)),
            cache: fifos(world.cache.as_ref().map(|cache| &cache.nodes.cores)),
            pooler: fifos(world.pooler.as_ref().map(|pooler| &pooler.nodes.cores)),
            cached: world
                .cache
                .as_ref()
                .map(CacheNodes::counters)
                .unwrap_or_default(),
            cached_in: world
                .cache
                .iter()
                .filter(|cache| cache.in_each_region())
                .flat_map(|cache| cache.clusters().map(|cluster| cache.counters_of(cluster)))
                .collect(),
            web: WebReading::of(world, now),
            documents: DocumentsReading::of(world.documents.as_deref(), now),
            sourcing: SourcingReading::of(world, now),
            services: ServiceReading::of(world, now),
            replicas: world
                .replicas
                .as_ref()
                .map_or_else(Vec::new, |replicas| replicas.readings(now)),
            databases: match &world.stores {
                Some(stores) => stores.readings(now),
                None => world
                    .databases
                    .iter()
                    .flat_map(|databases| &databases.shards)
                    .map(|shard| shard.reading(now))
                    .collect(),
            },
        }
    }
}

/// The readings of a station.
pub fn fifo(station: &FastFifo, now: SimTime) -> Reading {
    Reading {
        busy_ns: station.busy_ns(now),
        queue_job_ns: station.queue_job_ns(now),
        ..Reading::default()
    }
}
