//! One point of presence, or the shield: a cache, the cores that look things up, and what it has sent.

use std::collections::BTreeMap;

use routing::cache::{CacheCounters, CacheOptions, Fetching, Item, Token};
use routing::{Cache, Capacity, Lookup};

use crate::scenario::EdgeTier;
use crate::station::{Departure, FastFifo};
use crate::system::operation::OperationId;
use crate::system::servers::timestamp;
use crate::time::{SimDuration, SimTime};

/// A fetch under way.
#[derive(Clone, Copy, Debug)]
pub struct Fetch {
    /// The life of the site in which it began.
    pub epoch: u32,
    /// What the cache knows it by.
    pub token: Token,
}

/// A place with a cache.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its region.
    pub place: String,
    /// Its cores.
    pub station: FastFifo,
    /// How often it has died.
    pub epoch: u32,
    /// Requests since the start.
    pub requests: u64,
    /// Bytes sent since the start.
    pub bytes_out: u64,
    /// Requests sent on since the start.
    pub forwarded: u64,
    cache: Cache<()>,
    waiting: BTreeMap<u64, Vec<(SimTime, OperationId)>>,
    /// Counts of earlier lives.
    gone: CacheCounters,
}

impl Site {
    /// A site, empty.
    pub fn new(place: &str, capacity_bytes: u64, tier: &EdgeTier) -> Self {
        let fetching = if tier.coalesce {
            Fetching::Coalesced
        } else {
            Fetching::Each
        };
        let options = CacheOptions {
            stale_ns: tier.stale.as_nanos(),
            fetching,
            ..CacheOptions::new(tier.policy, Capacity::Bytes(capacity_bytes))
        };
        Self {
            place: place.to_owned(),
            station: FastFifo::new(0, tier.cores),
            epoch: 0,
            requests: 0,
            bytes_out: 0,
            forwarded: 0,
            cache: Cache::new(options),
            waiting: BTreeMap::new(),
            gone: CacheCounters::default(),
        }
    }

    /// Looks up an entry before the run; whether it was not there, and is now for `left`.
    pub fn warm(&mut self, key: u64, bytes: u32, left: SimDuration) -> bool {
        let now = SimTime::ZERO;
        match self.cache.lookup(timestamp(now), key, 1.0) {
            Lookup::Miss(token) => {
                self.fill(now, key, token, (0, bytes, left));
                true
            }
            _ => false,
        }
    }

    /// A request comes in; `None`: the site is dead.
    pub fn serve(&mut self, now: SimTime, time: SimDuration) -> Option<Departure> {
        let departure = self.station.arrive(now, time)?;
        self.requests += 1;
        Some(departure)
    }

    /// What to do about a request.
    pub fn lookup(&mut self, now: SimTime, key: u64) -> Lookup {
        self.cache.lookup(timestamp(now), key, 1.0)
    }

    /// Takes what was fetched: version, bytes, lifetime.
    pub fn fill(
        &mut self,
        now: SimTime,
        key: u64,
        token: Token,
        (version, bytes, ttl): (u32, u32, SimDuration),
    ) {
        let item = Item {
            version: version.into(),
            bytes,
            ttl_ns: ttl.as_nanos(),
            value: (),
        };
        self.cache.fill(timestamp(now), key, token, item);
    }

    /// A fetch came to nothing.
    pub fn abandon(&mut self, key: u64, token: Token) {
        // There are no leases, so it does not matter when.
        self.cache.abandon(token.issued_at(), key, token);
    }

    /// Word of a change has arrived.
    pub fn invalidate(&mut self, now: SimTime, key: u64) {
        self.cache.invalidate(timestamp(now), key);
    }

    /// A request waits for another one's fetch.
    pub fn waits(&mut self, since: SimTime, id: OperationId, key: u64) {
        self.waiting.entry(key).or_default().push((since, id));
    }

    /// Those that wait for an entry no longer do.
    pub fn woken(&mut self, key: u64) -> Vec<(SimTime, OperationId)> {
        self.waiting.remove(&key).unwrap_or_default()
    }

    /// It dies with what it holds; those that waited there.
    pub fn kill(&mut self, now: SimTime) -> Vec<OperationId> {
        self.epoch += 1;
        self.station.crash(now);
        self.flush();
        let waiting = core::mem::take(&mut self.waiting);
        waiting.into_values().flatten().map(|(_, id)| id).collect()
    }

    /// It drops everything.
    pub fn flush(&mut self) {
        let empty = Cache::new(*self.cache.options());
        let emptied = core::mem::replace(&mut self.cache, empty);
        self.gone += *emptied.counters();
    }

    /// What its cache has done since the start.
    #[must_use]
    pub fn counters(&self) -> CacheCounters {
        let mut all = self.gone;
        all += *self.cache.counters();
        all
    }

    /// Bytes of its entries.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.cache.store().used()
    }
}
