//! What a cache does with time, misses and writes; chosen once.
//!
//! *Leaves out:* jitter on lifetimes, which the caller adds to [`Item::ttl_ns`].

use super::{Capacity, EvictionPolicy};

/// How a cache behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CacheOptions {
    /// Which entry gives way.
    pub policy: EvictionPolicy,
    /// How much it holds.
    pub capacity: Capacity,
    /// How long an expired entry is still served while it is fetched again (stale-while-revalidate, RFC 5861), in
    /// nanoseconds; 0: not at all.
    pub stale_ns: u64,
    /// The eagerness β of probabilistic early expiry (XFetch); 1 is usual, above 1 is earlier, 0: off.
    pub early_beta: f64,
    /// Who fetches what is missing.
    pub fetching: Fetching,
    /// What a write does.
    pub writing: Writing,
}

impl CacheOptions {
    /// Look-aside without protection: every miss fetches, nothing is served stale.
    #[must_use]
    pub const fn new(policy: EvictionPolicy, capacity: Capacity) -> Self {
        Self {
            policy,
            capacity,
            stale_ns: 0,
            early_beta: 0.0,
            fetching: Fetching::Each,
            writing: Writing::Around,
        }
    }
}

/// Who fetches what is missing or has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fetching {
    /// Every request that misses: a stampede once a fetch takes time.
    Each,
    /// One request per key at a time, until it fills or abandons; the others wait for it, or are served stale. As with
    /// `Each` no fill is refused: one that was read before a change and arrives after it stays until it expires.
    Coalesced,
    /// One request per key and interval, whatever becomes of it; and only the holder of the latest lease may fill,
    /// unless an invalidation or a write voided it.
    Leased {
        /// Between two leases of a key, in nanoseconds; 10 s at Facebook.
        interval_ns: u64,
    },
}

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writing {
    /// Look-aside: it invalidates the entry; the next lookup fetches.
    Around,
    /// Write-through: the entry is replaced once the source has the value.
    Through,
    /// Write-behind: the entry is replaced and the source gets it later; further writes meanwhile are merged.
    Behind {
        /// How long an entry differs from the source at most, in nanoseconds.
        interval_ns: u64,
        /// How many entries do at most; beyond, the oldest is due at once.
        limit: u32,
    },
}

/// A value as it comes from the source or a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<T> {
    /// Its version at the source, for the caller to count stale reads with; the cache compares none.
    pub version: u64,
    /// Its size.
    pub bytes: u32,
    /// How long it is fresh, in nanoseconds.
    pub ttl_ns: u64,
    /// The value itself; `()` where only the decisions count.
    pub value: T,
}
