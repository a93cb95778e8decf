//! Event sourcing: state is what its events make of it, and commands, reads and other systems follow from that.
//!
//! *Models:* commands decided against a version ([`EventStore`], [`Aggregate`]), read models that follow at their own
//! speed ([`Projection`]), snapshots and reads as of a time, events that leave the system exactly when state
//! changes ([`Outbox`]), requests that come twice ([`DedupeWindow`], [`IdempotencyKeys`]), and changes across several
//! stores ([`Transaction`]: one after another, two-phase commit, saga). *Property:* live state equals the fold of all
//! events, at every version. *Leaves out:* where events are stored and how fast: see [`crate::log`].
//! *Source:* G. Young, CQRS Documents (2010); M. Fowler, Event Sourcing (2005); in each module.

mod aggregate;
mod dedupe;
mod journal;
mod outbox;
mod participant;
mod projection;
mod snapshot;
mod store;
mod transaction;

pub use aggregate::{Aggregate, StreamId, Version};
pub use dedupe::{Begin, DedupeWindow, IdempotencyKeys};
pub use journal::{Crash, Journal, JournalOptions, JournalWrite};
pub use outbox::{Outbox, OutboxMessage};
pub use participant::{PartState, Participant, TransactionId};
pub use projection::{Projection, ReadModel, Saving};
pub use snapshot::{Snapshot, Snapshots};
pub use store::{CommandError, EventStore, Expected, Recorded, StoreCounters};
pub use transaction::{Call, Outcome, Step, Transaction, TransactionMode};
