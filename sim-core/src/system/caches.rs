//! The cache in front of the database: nodes that each run a real [`routing::Cache`].
//!
//! Models: one cluster at home with the database, or one in each region for the reads of its servers. A record has one node of a
//! cluster, by the placement; a node that dies is out of the placement at once and comes back empty, so
//! its records move to the others and back. A lookup, a fill or an invalidation takes CPU of one core of the node: each
//! connection server is served by one of its cores. What is hit, missed, waited for, evicted or stale follows from the keys
//! that are asked for; nothing of it is a parameter.
//! A cluster of a region is filled by what its own servers miss; a command tells every cluster, each after one way from the
//! server that it came in through (what cannot reach a region is sent again until it does), so the others answer with what was
//! there before for about as long. A fill from a replica that is behind stays behind until it expires.
//! Leaves out: commands that reach the database from afar count as written when their acknowledgement is back; memory of waiting requests, and copies of a record on several nodes.

use std::collections::BTreeMap;

use routing::cache::{CacheCounters, CacheOptions, Fetching, Item, Token, Writing};
use routing::{Cache, Capacity, Lookup, PlacementMap};

use super::backend::{Nodes, Ordered};
use super::operation::OperationId;
use super::servers::timestamp;
use super::sites::Site;
use crate::scenario::{CacheTier, OnWrite};
use crate::time::{SimDuration, SimTime};

/// The nodes of the tier.
#[derive(Clone, Debug)]
pub struct CacheNodes {
    /// Their cores.
    pub nodes: Nodes,
    /// What a command does to an entry.
    pub on_write: OnWrite,
    /// Nodes of each cluster.
    each: u32,
    caches: Vec<Cache<()>>,
    options: CacheOptions,
    /// By cluster: over the nodes that live, numbered in it.
    placements: Vec<PlacementMap>,
    /// Reads that fetch what they have missed.
    fetching: BTreeMap<OperationId, Fetch>,
    /// Reads that wait for another one's fetch, by cluster and record: since when, and which.
    waiting: BTreeMap<(Site, u32), Vec<(SimTime, OperationId)>>,
    /// By cluster: counts of nodes that died.
    gone: Vec<CacheCounters>,
    ttl: SimDuration,
    entry_bytes: u32,
    lookup: SimDuration,
}

/// What a command or a fetch sends to the cache.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// Which record.
    pub record: u32,
    /// Its version.
    pub version: u32,
    /// The server that sends it.
    pub server: u16,
    /// The cluster that it is for.
    pub cluster: Site,
    /// The fetch it ends; `None`: a command.
    pub fetch: Option<Fetch>,
}

/// A fetch under way.
#[derive(Clone, Copy, Debug)]
pub struct Fetch {
    /// The node that lets nobody else fetch meanwhile; its record may have moved since.
    pub node: u32,
    /// What it knows it by.
    pub token: Token,
}

impl CacheNodes {
    /// The nodes of a tier in so many clusters, empty; one entry takes `entry_bytes`.
    #[must_use]
    pub fn new(tier: &CacheTier, clusters: u32, entry_bytes: u32) -> Self {
        let ids: Vec<u32> = (0..tier.count).collect();
        let options = CacheOptions {
            stale_ns: tier.stale.as_nanos(),
            early_beta: tier.early,
            fetching: match tier.leases {
                Some(interval) => Fetching::Leased {
                    interval_ns: interval.as_nanos(),
                },
                None if tier.coalesce => Fetching::Coalesced,
                None => Fetching::Each,
            },
            writing: match tier.on_write {
                OnWrite::Replace => Writing::Through,
                OnWrite::Nothing | OnWrite::Invalidate => Writing::Around,
            },
            ..CacheOptions::new(tier.policy, Capacity::Bytes(tier.capacity_bytes))
        };
        Self {
            nodes: Nodes::new(tier.count * clusters, tier.machine.cores),
            on_write: tier.on_write,
            each: tier.count,
            caches: vec![Cache::new(options); (tier.count * clusters) as usize],
            options,
            placements: vec![PlacementMap::new(tier.placement, &ids); clusters as usize],
            fetching: BTreeMap::new(),
            waiting: BTreeMap::new(),
            gone: vec![CacheCounters::default(); clusters as usize],
            ttl: tier.ttl,
            entry_bytes,
            lookup: tier.lookup,
        }
    }

    /// Whether each region has its own.
    #[must_use]
    pub fn in_each_region(&self) -> bool {
        self.placements.len() > 1
    }

    /// All clusters.
    pub fn clusters(&self) -> core::ops::Range<Site> {
        0..self.placements.len() as Site
    }

    /// The cluster that servers of a region ask.
    #[must_use]
    pub fn cluster_of(&self, site: Site) -> Site {
        if self.in_each_region() { site } else { 0 }
    }

    /// The nodes of a cluster.
    #[must_use]
    pub fn at(&self, cluster: Site) -> core::ops::Range<u32> {
        let first = u32::from(cluster) * self.each;
        first..first + self.each
    }

    /// Fills the nodes of a cluster as `asked`, the records of the past lifetime in their order, would have filled them.
    pub fn warm(&mut self, cluster: Site, asked: impl ExactSizeIterator<Item = u32>) {
        let (all, ttl) = (asked.len().max(1) as u128, u128::from(self.ttl.as_nanos()));
        for (nth, record) in asked.enumerate() {
            let Some(node) = self.node(cluster, record) else {
                return;
            };
            let cache = &mut self.caches[node as usize];
            let now = timestamp(SimTime::ZERO);
            if let Lookup::Miss(token) = cache.lookup(now, record.into(), 1.0) {
                let item = Item {
                    version: 0,
                    bytes: self.entry_bytes,
                    // What was fetched early in that lifetime has little of its own left.
                    ttl_ns: (ttl * (nth as u128 + 1) / all) as u64,
                    value: (),
                };
                cache.fill(now, record.into(), token, item);
            }
        }
    }

    /// The node of a record in a cluster; `None`: none lives.
    #[must_use]
    pub fn node(&self, cluster: Site, record: u32) -> Option<u32> {
        let own = self.placements[usize::from(cluster)].owner(record.into())?;
        Some(u32::from(cluster) * self.each + own)
    }

    /// CPU of a node for one step, asked for by a server.
    pub fn serve(&mut self, now: SimTime, node: u32, server: u16) -> Option<Ordered> {
        let lane = (node, u64::from(server));
        self.nodes
            .serve(now, lane, (self.lookup, SimDuration::ZERO), 0)
    }

    /// Looks a record up at its node.
    pub fn lookup(&mut self, now: SimTime, node: u32, record: u32, draw: f64) -> Lookup {
        self.caches[node as usize].lookup(timestamp(now), record.into(), draw)
    }

    /// The version that the first cluster holds, fresh or not.
    #[must_use]
    pub fn held(&self, record: u32) -> Option<u64> {
        let cache = &self.caches[self.node(0, record)? as usize];
        cache.peek(record.into()).map(|entry| entry.version)
    }

    /// Takes in what a fetch or a command brings.
    pub fn update(&mut self, now: SimTime, node: u32, update: Update) {
        let item = Item {
            version: update.version.into(),
            bytes: self.entry_bytes,
            ttl_ns: self.ttl.as_nanos(),
            value: (),
        };
        let (now, record) = (timestamp(now), update.record.into());
        if let Some(begun) = update.fetch.filter(|fetch| fetch.node != node) {
            self.caches[begun.node as usize].abandon(now, record, begun.token);
        }
        let cache = &mut self.caches[node as usize];
        match update.fetch {
            Some(fetch) => {
                cache.fill(now, record, fetch.token, item);
            }
            None => {
                cache.write(now, record, item);
            }
        }
    }

    /// A read fetches what it has missed.
    pub fn fetches(&mut self, id: OperationId, fetch: Fetch) {
        self.fetching.insert(id, fetch);
    }

    /// The fetch of a read is over.
    pub fn fetched(&mut self, id: OperationId) -> Option<Fetch> {
        self.fetching.remove(&id)
    }

    /// The fetch of a read came to nothing; those that wait for the record.
    pub fn abandon(
        &mut self,
        now: SimTime,
        id: OperationId,
        record: u32,
    ) -> Vec<(SimTime, OperationId)> {
        let Some(Fetch { node, token }) = self.fetching.remove(&id) else {
            return Vec::new();
        };
        self.caches[node as usize].abandon(timestamp(now), record.into(), token);
        self.woken((node / self.each) as Site, record)
    }

    /// A read waits for another one's fetch.
    pub fn waits(&mut self, since: SimTime, id: OperationId, (cluster, record): (Site, u32)) {
        let waiting = self.waiting.entry((cluster, record)).or_default();
        waiting.push((since, id));
    }

    /// Those that wait for a record of a cluster no longer do.
    pub fn woken(&mut self, cluster: Site, record: u32) -> Vec<(SimTime, OperationId)> {
        self.waiting.remove(&(cluster, record)).unwrap_or_default()
    }

    /// A node dies with what it holds; those that waited there.
    pub fn kill(&mut self, now: SimTime, node: u32) -> Vec<(SimTime, OperationId)> {
        let here = |&(cluster, record): &(Site, u32)| self.node(cluster, record) == Some(node);
        let waited: Vec<(Site, u32)> = self.waiting.keys().copied().filter(here).collect();
        let (cluster, own) = (node / self.each, node % self.each);
        let there = self.placements[cluster as usize].remove(own);
        self.nodes.kill(now, node);
        if there {
            let dead =
                core::mem::replace(&mut self.caches[node as usize], Cache::new(self.options));
            self.gone[cluster as usize] += *dead.counters();
        }
        waited
            .into_iter()
            .flat_map(|(cluster, record)| self.woken(cluster, record))
            .collect()
    }

    /// A node is back, empty.
    pub fn restore(&mut self, node: u32) {
        self.nodes.restore(node);
        let (cluster, own) = (node / self.each, node % self.each);
        self.placements[cluster as usize].add(routing::Node::new(own));
    }

    /// Everything is dropped.
    pub fn flush(&mut self) {
        for (node, cache) in self.caches.iter_mut().enumerate() {
            let emptied = core::mem::replace(cache, Cache::new(self.options));
            self.gone[node / self.each as usize] += *emptied.counters();
        }
    }

    /// What all nodes have done since the start.
    #[must_use]
    pub fn counters(&self) -> CacheCounters {
        let mut all = CacheCounters::default();
        for cluster in self.clusters() {
            all += self.counters_of(cluster);
        }
        all
    }

    /// What the nodes of a cluster have done since the start.
    #[must_use]
    pub fn counters_of(&self, cluster: Site) -> CacheCounters {
        let mut all = self.gone[usize::from(cluster)];
        for node in self.at(cluster) {
            all += *self.caches[node as usize].counters();
        }
        all
    }

    /// Bytes of all entries.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.caches.iter().map(|cache| cache.store().used()).sum()
    }
}
