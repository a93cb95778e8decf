//! The cache as its callers see it: lifetimes, misses, invalidations and writes in front of a [`Store`].
//!
//! *Models:* decisions without IO. [`Cache::lookup`] says what to serve and whether to fetch, [`Cache::fill`] takes
//! what was fetched, [`Cache::write`] and [`Cache::invalidate`] hear of changes, and [`Cache::poll_flush`] hands out
//! what the source does not have yet. Waiting callers are woken by whoever fills.
//! *Property:* a hit is the value last filled or written, not evicted, expired or invalidated since.
//! *Leaves out:* sweeping: an expired entry takes its place until it is looked up or evicted.
//! *Source:* RFC 5861 for stale-while-revalidate; Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, for
//! leases and the stale values served under them; VLDB 2015 for early expiry (XFetch, see [`Entry`]).

use super::flights::Flights;
use super::write_behind::Backlog;
use super::{CacheCounters, CacheOptions, Entry, Fetching, Filled, Flush, Item, Lookup};
use super::{Served, Store, Token, Writing, Written};
use crate::ids::Timestamp;

/// A cache.
#[derive(Clone, Debug)]
pub struct Cache<T> {
    options: CacheOptions,
    store: Store<Entry<T>>,
    flights: Flights,
    backlog: Backlog<T>,
    /// Empty between calls; kept for its memory.
    evicted: Vec<(u64, Entry<T>)>,
    counters: CacheCounters,
}

impl<T: Clone> Cache<T> {
    /// An empty cache.
    #[must_use]
    pub fn new(options: CacheOptions) -> Self {
        Self {
            options,
            store: Store::new(options.policy, options.capacity),
            flights: Flights::new(options.fetching),
            backlog: Backlog::new(options.writing),
            evicted: Vec::new(),
            counters: CacheCounters::default(),
        }
    }

    /// How it behaves.
    #[must_use]
    pub fn options(&self) -> &CacheOptions {
        &self.options
    }

    /// What it has done so far.
    #[must_use]
    pub fn counters(&self) -> &CacheCounters {
        &self.counters
    }

    /// Its entries; their number, and how much of the capacity they take.
    #[must_use]
    pub fn store(&self) -> &Store<Entry<T>> {
        &self.store
    }

    /// What to do about a request, with a uniform `draw` in (0, 1] for early expiry.
    pub fn lookup(&mut self, now: Timestamp, key: u64, draw: f64) -> Lookup {
        let Some(entry) = self.store.get(key) else {
            return self.miss(now, key);
        };
        let (version, age_ns) = (entry.version, now.since(entry.since));
        let served = |refresh| Served {
            version,
            age_ns,
            refresh,
        };
        let stale_until = entry.expires_at.plus(self.options.stale_ns);
        if entry.is_fresh(now) {
            let early = entry.expires_early(now, self.options.early_beta, draw);
            let refresh = early.then(|| self.fetch(now, key).ok()).flatten();
            self.counters.hits += 1;
            self.counters.early_refreshes += u64::from(refresh.is_some());
            return Lookup::Hit(served(refresh));
        }
        if now < stale_until {
            self.counters.stale_served += 1;
            return Lookup::Stale(served(self.fetch(now, key).ok()));
        }
        self.store.remove(key);
        self.counters.expired += 1;
        self.miss(now, key)
    }

    /// What is held for a key, fresh or not; counts as no request.
    #[must_use]
    pub fn peek(&self, key: u64) -> Option<&Entry<T>> {
        self.store.peek(key)
    }

    /// Takes what was fetched under a token.
    pub fn fill(&mut self, now: Timestamp, key: u64, token: Token, item: Item<T>) -> Filled {
        let accepted = self.flights.end(now, key, token);
        let filled = if !accepted || self.dirty_since(key).is_some() {
            Filled::Rejected
        } else if self.hold(now, key, item, now.since(token.issued_at()), None) {
            Filled::Held
        } else {
            Filled::TooLarge
        };
        let held = filled == Filled::Held;
        self.counters.fills += u64::from(held);
        self.counters.rejected_fills += u64::from(!held);
        filled
    }

    /// The fetch under a token came to nothing. Coalesced, the next request fetches; a lease is not renewed early.
    pub fn abandon(&mut self, now: Timestamp, key: u64, token: Token) {
        self.flights.end(now, key, token);
    }

    /// The source has changed: the entry is dropped, or under leases with a stale window served as stale from now on.
    /// A dirty entry stays: it is newer than the source. Whether a fresh entry was invalidated.
    pub fn invalidate(&mut self, now: Timestamp, key: u64) -> bool {
        self.flights.void(now, key);
        let keeps_stale =
            matches!(self.options.fetching, Fetching::Leased { .. }) && self.options.stale_ns > 0;
        let Some(entry) = self.store.peek_mut(key) else {
            return false;
        };
        if entry.dirty_since.is_some() {
            return false;
        }
        let was_fresh = entry.is_fresh(now);
        entry.expires_at = entry.expires_at.min(now);
        if !keeps_stale {
            self.store.remove(key);
        }
        self.counters.invalidated += u64::from(was_fresh);
        was_fresh
    }

    /// Hears of a write: once the source has the value, or at once in write-behind. Counts as a use of the entry,
    /// unless it invalidates it.
    pub fn write(&mut self, now: Timestamp, key: u64, item: Item<T>) -> Written {
        self.counters.writes += 1;
        let (dirty_since, written) = match self.options.writing {
            Writing::Around => {
                self.invalidate(now, key);
                return Written::Source;
            }
            Writing::Through => (None, Written::Both),
            Writing::Behind { .. } => (self.dirty_since(key).or(Some(now)), Written::Cache),
        };
        self.flights.void(now, key);
        let fetch_ns = self.store.get(key).map_or(0, |entry| entry.fetch_ns);
        if self.hold(now, key, item, fetch_ns, dirty_since) {
            written
        } else {
            Written::Source
        }
    }

    /// When [`Self::poll_flush`] has something to hand out; `None` while nothing is dirty.
    #[must_use]
    pub fn next_flush_at(&self) -> Option<Timestamp> {
        self.backlog.next_at()
    }

    /// A value due for the source at `now`; call again until `None`, and after every write or fill, since either may
    /// evict. [`Timestamp::NEVER`] flushes everything.
    pub fn poll_flush(&mut self, now: Timestamp) -> Option<Flush<T>> {
        if now < self.next_flush_at()? {
            return None;
        }
        let flush = match self.backlog.pop_evicted() {
            Some(flush) => flush,
            None => {
                let (_, key) = self.backlog.pop_held()?;
                let entry = self.store.peek_mut(key)?;
                let dirty_since = entry.dirty_since.take()?;
                entry.to_flush(key, dirty_since)
            }
        };
        self.counters.flushes += 1;
        Some(flush)
    }

    /// How many values the source does not have.
    #[must_use]
    pub fn dirty_len(&self) -> usize {
        self.backlog.len()
    }

    /// The values that the source does not have and a crash would lose, the evicted ones first.
    pub fn dirty(&self) -> impl Iterator<Item = Flush<T>> + '_ {
        let held = self.backlog.held().filter_map(|(since, key)| {
            let entry = self.store.peek(key)?;
            Some(entry.to_flush(key, since))
        });
        self.backlog.evicted().cloned().chain(held)
    }

    fn dirty_since(&self, key: u64) -> Option<Timestamp> {
        self.store.peek(key)?.dirty_since
    }

    fn miss(&mut self, now: Timestamp, key: u64) -> Lookup {
        match self.fetch(now, key) {
            Ok(token) => {
                self.counters.misses += 1;
                Lookup::Miss(token)
            }
            Err(until) => {
                self.counters.coalesced += 1;
                Lookup::Wait(until)
            }
        }
    }

    fn fetch(&mut self, now: Timestamp, key: u64) -> Result<Token, Timestamp> {
        let begun = self.flights.begin(now, key);
        self.counters.fetches += u64::from(begun.is_ok());
        begun
    }

    /// Puts an item in place of what is there and hands evicted dirty entries to the backlog; whether it fits.
    fn hold(
        &mut self,
        now: Timestamp,
        key: u64,
        item: Item<T>,
        fetch_ns: u64,
        dirty_since: Option<Timestamp>,
    ) -> bool {
        let before = self.dirty_since(key);
        let entry = Entry {
            version: item.version,
            since: now,
            expires_at: now.plus(item.ttl_ns),
            fetch_ns,
            dirty_since,
            value: item.value,
        };
        let put = self.store.put(key, item.bytes, entry, &mut self.evicted);
        match (before, dirty_since) {
            (None, Some(since)) if put.is_ok() => self.backlog.add(since, key),
            (Some(since), _) if put.is_err() => self.backlog.remove(since, key),
            _ => {}
        }
        self.counters.evicted += self.evicted.len() as u64;
        for (key, entry) in self.evicted.drain(..) {
            if let Some(since) = entry.dirty_since {
                self.backlog.evict(entry.to_flush(key, since));
            }
        }
        put.is_ok()
    }
}

#[cfg(test)]
mod tests;
