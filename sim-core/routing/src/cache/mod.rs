//! Caching: what is held near its readers, for how long, and what gives way.
//!
//! *Models:* six eviction policies over one [`Store`] with a capacity in entries or bytes, and in front of it a
//! [`Cache`]: look-aside, write-through and write-behind, stale-while-revalidate, request coalescing, probabilistic
//! early expiry and leases. Hit ratios and stale reads are never parameters; they come out of real keys and times.
//! *Leaves out:* the fetches and writes themselves, which the caller makes, and the time an access takes.
//! *Source:* in each module.

mod counters;
mod decision;
mod entry;
mod eviction;
mod flights;
mod front;
mod list;
mod options;
mod store;
mod write_behind;

pub use counters::CacheCounters;
pub use decision::{Filled, Lookup, Served, Written};
pub use entry::Entry;
pub use eviction::EvictionPolicy;
pub use flights::Token;
pub use front::Cache;
pub use options::{CacheOptions, Fetching, Item, Writing};
use store::Index;
pub use store::{Capacity, Store};
pub use write_behind::Flush;
