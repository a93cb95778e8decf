//! The cache in front of the database: nodes that each run a real [`routing::Cache`].
//!
//! Models: a record has one node, by the placement; a node that dies is out of the placement at once and comes back empty, so
//! its records move to the others and back. A lookup, a fill or an invalidation takes CPU of one core of the node: each
//! connection server is served by one of its cores. What is hit, missed, waited for, evicted or stale follows from the keys
//! that are asked for; nothing of it is a parameter.
//! Leaves out: memory of waiting requests, and copies of a record on several nodes.

use std::collections::BTreeMap;

use routing::cache::{CacheCounters, CacheOptions, Fetching, Item, Token, Writing};
use routing::{Cache, Capacity, Lookup, PlacementMap};

use super::backend::{Nodes, Ordered};
use super::operation::OperationId;
use super::servers::timestamp;
use crate::scenario::{CacheTier, OnWrite};
use crate::time::{SimDuration, SimTime};

/// The nodes of the tier.
#[derive(Clone, Debug)]
pub struct CacheNodes {
    /// Their cores.
    pub nodes: Nodes,
    /// What a command does to an entry.
    pub on_write: OnWrite,
    caches: Vec<Cache<()>>,
    options: CacheOptions,
    /// Over the nodes that live.
    placement: PlacementMap,
    /// Reads that fetch what they have missed.
    fetching: BTreeMap<OperationId, Fetch>,
    /// Reads that wait for another one's fetch, by record: since when, and which.
    waiting: BTreeMap<u32, Vec<(SimTime, OperationId)>>,
    /// Counts of nodes that died.
    gone: CacheCounters,
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
    /// The nodes of a tier, empty; one entry takes `entry_bytes`.
    #[must_use]
    pub fn new(tier: &CacheTier, entry_bytes: u32) -> Self {
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
            nodes: Nodes::new(tier.count, tier.machine.cores),
            on_write: tier.on_write,
            caches: vec![Cache::new(options); tier.count as usize],
            options,
            placement: PlacementMap::new(tier.placement, &ids),
            fetching: BTreeMap::new(),
            waiting: BTreeMap::new(),
            gone: CacheCounters::default(),
            ttl: tier.ttl,
            entry_bytes,
            lookup: tier.lookup,
        }
    }

    /// Fills the nodes as `asked`, the records of the past lifetime in their order, would have filled them.
    pub fn warm(&mut self, asked: impl ExactSizeIterator<Item = u32>) {
        let (all, ttl) = (asked.len().max(1) as u128, u128::from(self.ttl.as_nanos()));
        for (nth, record) in asked.enumerate() {
            let Some(node) = self.node(record) else {
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

    /// The node of a record; `None`: none lives.
    #[must_use]
    pub fn node(&self, record: u32) -> Option<u32> {
        self.placement.owner(record.into())
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

    /// The version that a cache holds, fresh or not.
    #[must_use]
    pub fn held(&self, record: u32) -> Option<u64> {
        let cache = &self.caches[self.node(record)? as usize];
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
        self.woken(record)
    }

    /// A read waits for another one's fetch.
    pub fn waits(&mut self, since: SimTime, id: OperationId, record: u32) {
        self.waiting.entry(record).or_default().push((since, id));
    }

    /// Those that wait for a record no longer do.
    pub fn woken(&mut self, record: u32) -> Vec<(SimTime, OperationId)> {
        self.waiting.remove(&record).unwrap_or_default()
    }

    /// A node dies with what it holds; those that waited there.
    pub fn kill(&mut self, now: SimTime, node: u32) -> Vec<(SimTime, OperationId)> {
        let placement = &self.placement;
        let here = |record: &u32| placement.owner((*record).into()) == Some(node);
        let waited: Vec<u32> = self.waiting.keys().copied().filter(here).collect();
        let there = self.placement.remove(node);
        self.nodes.kill(now, node);
        if there {
            let dead =
                core::mem::replace(&mut self.caches[node as usize], Cache::new(self.options));
            self.gone += *dead.counters();
        }
        waited
            .into_iter()
            .flat_map(|record| self.woken(record))
            .collect()
    }

    /// A node is back, empty.
    pub fn restore(&mut self, node: u32) {
        self.nodes.restore(node);
        self.placement.add(routing::Node::new(node));
    }

    /// Everything is dropped.
    pub fn flush(&mut self) {
        for cache in &mut self.caches {
            let emptied = core::mem::replace(cache, Cache::new(self.options));
            self.gone += *emptied.counters();
        }
    }

    /// What all nodes have done since the start.
    #[must_use]
    pub fn counters(&self) -> CacheCounters {
        let mut all = self.gone;
        for cache in &self.caches {
            all += *cache.counters();
        }
        all
    }

    /// Bytes of all entries.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.caches.iter().map(|cache| cache.store().used()).sum()
    }
}
