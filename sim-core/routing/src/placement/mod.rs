//! Key placement: which node owns a key.
//!
//! *Models:* a pure function from a 64-bit hash (or, for hash slots, from the bytes of a key) to a node; used
//! for channel owners, partitions, shards and affinity. *Property:* a good placement is even, and moves few
//! keys when nodes come and go. *Leaves out:* moving the data. *Source:* in each module.

pub mod bounded;
pub mod jump;
pub mod maglev;
mod map;
pub mod rendezvous;
pub mod ring;
pub mod slots;

pub use bounded::BoundedRing;
pub use jump::jump;
pub use maglev::Maglev;
pub use map::{Node, Placement, PlacementMap};
pub use rendezvous::Rendezvous;
pub use ring::Ring;
pub use slots::{SLOTS, SlotMap, crc16, slot_of};
