//! What a cache has done so far.

/// Counts since the start. Every lookup is a hit, a miss, stale or coalesced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounters {
    /// Lookups answered by a fresh entry.
    pub hits: u64,
    /// Lookups whose caller has to fetch.
    pub misses: u64,
    /// Lookups answered by an expired or invalidated entry.
    pub stale_served: u64,
    /// Lookups that wait for another's fetch.
    pub coalesced: u64,
    /// Fetches begun while the entry was fresh.
    pub early_refreshes: u64,
    /// Fetches begun, for whatever reason.
    pub fetches: u64,
    /// Values taken from a fetch.
    pub fills: u64,
    /// Values from a fetch that were refused: lease void, entry dirty, or beyond the capacity.
    pub rejected_fills: u64,
    /// Entries that gave way to others.
    pub evicted: u64,
    /// Entries dropped because a lookup found them expired.
    pub expired: u64,
    /// Fresh entries invalidated.
    pub invalidated: u64,
    /// Values written.
    pub writes: u64,
    /// Values handed out for the source, write-behind.
    pub flushes: u64,
}

impl CacheCounters {
    /// All lookups.
    #[must_use]
    pub fn lookups(&self) -> u64 {
        self.hits + self.misses + self.stale_served + self.coalesced
    }

    /// The share of lookups answered by a fresh entry; 0 before the first.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        self.hits as f64 / self.lookups().max(1) as f64
    }
}

impl core::ops::AddAssign for CacheCounters {
    fn add_assign(&mut self, more: Self) {
        self.hits += more.hits;
        self.misses += more.misses;
        self.stale_served += more.stale_served;
        self.coalesced += more.coalesced;
        self.early_refreshes += more.early_refreshes;
        self.fetches += more.fetches;
        self.fills += more.fills;
        self.rejected_fills += more.rejected_fills;
        self.evicted += more.evicted;
        self.expired += more.expired;
        self.invalidated += more.invalidated;
        self.writes += more.writes;
        self.flushes += more.flushes;
    }
}
