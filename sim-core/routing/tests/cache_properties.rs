//! The cache against a model of its source and of what it may serve, under random requests, fills, changes and
//! flushes, for every way to fetch and to write.

use proptest::prelude::*;
use routing::Timestamp;
use routing::cache::{
    Cache, CacheOptions, Capacity, EvictionPolicy, Fetching, Filled, Item, Lookup, Token, Writing,
    Written,
};
use std::collections::BTreeMap;

const LEASE_NS: u64 = 20;
const FLUSH_NS: u64 = 15;
const FLUSH_LIMIT: u32 = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    Advance(u64),
    Lookup(u64, f64),
    /// Fill from one of the fetches under way.
    Fill(usize, u32, u64),
    Abandon(usize),
    Change(u64, u32, u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0u64..12).prop_map(Step::Advance),
        4 => (0u64..6, 0.001f64..1.0).prop_map(|(key, draw)| Step::Lookup(key, draw)),
        3 => (0usize..9, 1u32..8, 0u64..60).prop_map(|(i, bytes, ttl)| Step::Fill(i, bytes, ttl)),
        1 => (0usize..9).prop_map(Step::Abandon),
        2 => (0u64..6, 1u32..8, 0u64..60).prop_map(|(key, bytes, ttl)| Step::Change(key, bytes, ttl)),
    ]
}

fn options() -> impl Strategy<Value = CacheOptions> {
    let fetching = prop_oneof![
        Just(Fetching::Each),
        Just(Fetching::Coalesced),
        Just(Fetching::Leased {
            interval_ns: LEASE_NS
        }),
    ];
    let writing = prop_oneof![
        Just(Writing::Around),
        Just(Writing::Through),
        Just(Writing::Behind {
            interval_ns: FLUSH_NS,
            limit: FLUSH_LIMIT
        }),
    ];
    let policy = prop_oneof![
        Just(EvictionPolicy::Lru),
        Just(EvictionPolicy::S3Fifo),
        Just(EvictionPolicy::WTinyLfu)
    ];
    let stale_ns = prop_oneof![Just(0u64), 1u64..40];
    (fetching, writing, policy, stale_ns, 4u64..40).prop_map(
        |(fetching, writing, policy, stale_ns, bytes)| CacheOptions {
            fetching,
            writing,
            stale_ns,
            early_beta: 1.0,
            ..CacheOptions::new(policy, Capacity::Bytes(bytes))
        },
    )
}

/// A fetch under way: what it read when it began.
#[derive(Clone, Copy, Debug)]
struct Fetch {
    key: u64,
    token: Token,
    version: u64,
}

/// What the cache may serve for a key, unless it evicted it.
#[derive(Clone, Copy, Debug)]
struct May {
    version: u64,
    expires_at: Timestamp,
    dirty: bool,
}

struct World {
    cache: Cache<()>,
    now: Timestamp,
    source: BTreeMap<u64, u64>,
    written: BTreeMap<u64, u64>,
    may: BTreeMap<u64, May>,
    fetches: Vec<Fetch>,
    leased_at: BTreeMap<u64, Timestamp>,
    lookups: u64,
}

impl World {
    fn new(options: CacheOptions) -> Self {
        Self {
            cache: Cache::new(options),
            now: Timestamp::ZERO,
            source: BTreeMap::new(),
            written: BTreeMap::new(),
            may: BTreeMap::new(),
            fetches: Vec::new(),
            leased_at: BTreeMap::new(),
            lookups: 0,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Advance(ns) => self.now = self.now.plus(ns),
            Step::Lookup(key, draw) => self.lookup(key, draw),
            Step::Fill(i, bytes, ttl_ns) if i < self.fetches.len() => self.fill(i, bytes, ttl_ns),
            Step::Abandon(i) if i < self.fetches.len() => {
                let fetch = self.fetches.remove(i);
                self.cache.abandon(self.now, fetch.key, fetch.token);
            }
            Step::Change(key, bytes, ttl_ns) => self.change(key, bytes, ttl_ns),
            Step::Fill(..) | Step::Abandon(_) => {}
        }
        self.flush(self.now);
        assert!(self.cache.dirty_len() <= FLUSH_LIMIT as usize);
        let Capacity::Bytes(limit) = self.cache.options().capacity else {
            unreachable!("all caches here are limited in bytes");
        };
        assert!(self.cache.store().used() <= limit);
        let oldest = self.cache.dirty().map(|flush| flush.dirty_since).min();
        assert!(oldest.is_none_or(|since| self.now.since(since) < FLUSH_NS));
    }

    fn lookup(&mut self, key: u64, draw: f64) {
        self.lookups += 1;
        let stale_ns = self.cache.options().stale_ns;
        let may = self.may.get(&key).copied();
        let token = match self.cache.lookup(self.now, key, draw) {
            Lookup::Hit(served) => {
                let may = may.expect("a hit for a key that was never filled");
                assert_eq!(served.version, may.version);
                assert!(may.dirty || self.now < may.expires_at, "a hit after expiry");
                served.refresh
            }
            Lookup::Stale(served) => {
                let may = may.expect("a stale answer for a key that was never filled");
                assert_eq!(served.version, may.version);
                assert!(may.expires_at <= self.now && self.now < may.expires_at.plus(stale_ns));
                served.refresh
            }
            Lookup::Miss(token) => Some(token),
            Lookup::Wait(until) => {
                assert!(self.now < until);
                None
            }
        };
        if let Some(token) = token {
            self.begin(key, token);
        }
    }

    fn begin(&mut self, key: u64, token: Token) {
        match self.cache.options().fetching {
            Fetching::Each => {}
            Fetching::Coalesced => {
                let twice = self.fetches.iter().any(|fetch| fetch.key == key);
                assert!(!twice, "two fetches of one key under way");
            }
            Fetching::Leased { interval_ns } => {
                let last = self.leased_at.insert(key, self.now);
                assert!(last.is_none_or(|last| self.now.since(last) >= interval_ns));
            }
        }
        let version = self.source.get(&key).copied().unwrap_or(0);
        self.fetches.push(Fetch {
            key,
            token,
            version,
        });
    }

    fn fill(&mut self, i: usize, bytes: u32, ttl_ns: u64) {
        let Fetch {
            key,
            token,
            version,
        } = self.fetches.remove(i);
        let item = item(version, bytes, ttl_ns);
        match self.cache.fill(self.now, key, token, item) {
            Filled::Held => {
                let leased = matches!(self.cache.options().fetching, Fetching::Leased { .. });
                let current = self.source.get(&key).copied().unwrap_or(0);
                assert!(!leased || version == current, "a lease let a stale set in");
                self.hold(key, version, ttl_ns, false);
            }
            Filled::TooLarge => {
                self.may.remove(&key);
            }
            Filled::Rejected => {}
        }
    }

    fn change(&mut self, key: u64, bytes: u32, ttl_ns: u64) {
        let version = self.written.get(&key).copied().unwrap_or(0) + 1;
        self.written.insert(key, version);
        let item = item(version, bytes, ttl_ns);
        let written = self.cache.write(self.now, key, item);
        if written != Written::Cache {
            self.source.insert(key, version);
        }
        match written {
            Written::Source => self.invalidated(key),
            Written::Both | Written::Cache => {
                self.hold(key, version, ttl_ns, written == Written::Cache);
            }
        }
    }

    fn invalidated(&mut self, key: u64) {
        let options = self.cache.options();
        let leased = matches!(options.fetching, Fetching::Leased { .. });
        let around = options.writing == Writing::Around;
        if leased && around && options.stale_ns > 0 {
            let now = self.now;
            self.may
                .entry(key)
                .and_modify(|may| may.expires_at = may.expires_at.min(now));
        } else {
            self.may.remove(&key);
        }
    }

    fn hold(&mut self, key: u64, version: u64, ttl_ns: u64, dirty: bool) {
        let expires_at = self.now.plus(ttl_ns);
        let may = May {
            version,
            expires_at,
            dirty,
        };
        self.may.insert(key, may);
    }

    fn flush(&mut self, now: Timestamp) {
        while let Some(flush) = self.cache.poll_flush(now) {
            let newest = self.source.insert(flush.key, flush.version);
            assert!(newest < Some(flush.version), "a flush undid a newer write");
            let may = self.may.get_mut(&flush.key);
            may.expect("a flush of what was never written").dirty = false;
        }
    }
}

fn item(version: u64, bytes: u32, ttl_ns: u64) -> Item<()> {
    Item {
        version,
        bytes,
        ttl_ns,
        value: (),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A hit is what was put last and neither expired nor invalidated; one fetch per key under way when coalesced, one
    /// per interval under leases, which let no stale set in; no write is lost by write-behind, late or undone.
    #[test]
    fn the_cache_keeps_its_promises(options in options(), steps in prop::collection::vec(step(), 1..200)) {
        let mut world = World::new(options);
        for step in steps {
            world.step(step);
        }
        world.flush(Timestamp::NEVER);
        prop_assert_eq!(&world.source, &world.written);
        prop_assert_eq!(world.cache.dirty().count(), 0);
        let counters = world.cache.counters();
        prop_assert_eq!(counters.lookups(), world.lookups);
        prop_assert!(counters.fetches <= counters.misses + counters.stale_served + counters.early_refreshes);
    }
}
