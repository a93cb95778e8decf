//! What a cache answers: decisions that the caller carries out.

use super::Token;
use crate::ids::Timestamp;

/// What to do about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Serve the entry, which is fresh.
    Hit(Served),
    /// Serve the entry, which has expired or was invalidated.
    Stale(Served),
    /// Fetch, then [`Cache::fill`](super::Cache::fill) (or [`Cache::abandon`](super::Cache::abandon)) with this token.
    Miss(Token),
    /// Look again when the key is filled, or at this time if that is earlier; nothing is there to serve.
    Wait(Timestamp),
}

/// An entry served, fresh or stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The version it has.
    pub version: u64,
    /// How long ago it was filled or written, in nanoseconds.
    pub age_ns: u64,
    /// Fetch it again in the background, and fill with this token.
    pub refresh: Option<Token>,
}

/// What became of a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// Held from now on.
    Held,
    /// The lease is void, or a write is waiting to be flushed: serve the value to whoever fetched it, hold nothing.
    Rejected,
    /// Bigger than the whole cache.
    TooLarge,
}

/// Where a written value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Not in the cache: look-aside, or bigger than the whole cache. The source must have it.
    Source,
    /// In the cache and, by the caller's word, at the source.
    Both,
    /// In the cache; the source gets it by a flush.
    Cache,
}
