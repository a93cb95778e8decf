//! Caching: what is held near its readers, and which of it gives way.
//!
//! *Models:* six eviction policies over one [`Store`] with a capacity in entries or bytes. Hit ratios are never
//! parameters; they come out of real keys. *Leaves out:* the values' bytes on a wire, and the time an access takes.
//! *Source:* in each module.

mod eviction;
mod list;
mod store;

pub use eviction::EvictionPolicy;
use store::Index;
pub use store::{Capacity, Store};
