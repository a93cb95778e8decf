//! Conflicts: several writers change one thing before they hear of each other.
//!
//! *Models:* the last writer wins ([`LwwRegister`], [`LwwMap`]); types that merge ([`Crdt`]: [`PnCounter`],
//! [`OrSet`], and the text of [`Sequence`]); edits that one server orders and transforms ([`ot`]); and one
//! writer at a time ([`LockTable`], with fencing tokens). *Property:* merges are commutative, associative and
//! idempotent, so replicas that have heard the same agree; of n concurrent writes to a register n − 1 are lost,
//! and counted. *Leaves out:* how updates travel. *Source:* in each module.

mod counter;
mod dots;
mod lock;
mod lww;
mod or_set;
pub mod ot;
mod sequence;

pub use counter::PnCounter;
pub use dots::{Dot, DotContext};
pub use lock::{FencedStore, Grant, LockRequest, LockTable};
pub use lww::{LwwMap, LwwRegister};
pub use or_set::OrSet;
pub use sequence::{ElementId, Sequence, SequenceChange, SequenceOp};

/// A replica that writes on its own: a region, a server or an editor. Dense from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId(pub u32);

/// How conflicts are resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The last writer wins.
    #[default]
    LastWriter,
    /// Operational transformation at one server.
    Transform,
    /// A type that merges.
    Crdt,
    /// One writer at a time.
    Lock,
}

/// A type whose copies merge. What changes one of them returns a *delta*: a value of the same type that holds
/// the change only, to be merged elsewhere.
pub trait Crdt {
    /// Takes over what the other has and this has not. Returns whether anything changed.
    fn merge(&mut self, other: &Self) -> bool;
}
