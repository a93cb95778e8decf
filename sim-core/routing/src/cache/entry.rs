//! What a cache holds for a key, and until when.
//!
//! *Formula:* XFetch fetches a fresh entry early if now − δ·β·ln u ≥ expiry, with δ the time the last fetch took and u
//! uniform in (0, 1]: of many requests about one does, the earlier the longer a fetch takes.
//! *Source:* Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.

use super::Flush;
use crate::ids::Timestamp;

/// What is held for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<T> {
    /// The version it has.
    pub version: u64,
    /// When it was filled or written.
    pub since: Timestamp,
    /// From when on it is stale.
    pub expires_at: Timestamp,
    /// How long the last fetch took, in nanoseconds; 0 if it was only written.
    pub fetch_ns: u64,
    /// Since when the source differs, if it does; until it is flushed the entry does not expire.
    pub dirty_since: Option<Timestamp>,
    /// The value itself.
    pub value: T,
}

impl<T: Clone> Entry<T> {
    /// Whether it may be served as a hit.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.dirty_since.is_some() || now < self.expires_at
    }

    /// XFetch, for an entry that is fresh.
    pub(super) fn expires_early(&self, now: Timestamp, beta: f64, draw: f64) -> bool {
        if beta <= 0.0 || self.dirty_since.is_some() {
            return false;
        }
        let lead_ns = self.fetch_ns as f64 * beta * -libm::log(draw);
        lead_ns >= self.expires_at.since(now) as f64
    }

    pub(super) fn to_flush(&self, key: u64, dirty_since: Timestamp) -> Flush<T> {
        Flush {
            key,
            version: self.version,
            dirty_since,
            value: self.value.clone(),
        }
    }
}
