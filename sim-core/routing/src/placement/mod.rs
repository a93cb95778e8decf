//! Key placement: which node owns a key.
//!
//! *Models:* a pure function from a 64-bit hash (or, for hash slots, from the bytes of a key) to a node; used
//! for channel owners, partitions, shards and affinity. *Property:* a good placement is even, and moves few
//! keys when nodes come and go. *Leaves out:* moving the data. *Source:* in each module.

mod map;
pub mod ring;

pub use map::{Node, Placement, PlacementMap};
pub use ring::Ring;
