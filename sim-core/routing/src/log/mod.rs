//! The event log: what happened, in order, per partition, on several replicas, read by groups.
//!
//! *Models:* records that become batches at a [`Producer`] (linger, records, bytes, a bounded buffer), partitions
//! by the hash of a key, replicas that follow a leader, acknowledgement by one, most or all of them
//! ([`Partition`]), groups of consumers that share partitions ([`ConsumerGroup`]), retention and compaction
//! ([`Segments`]). *Property:* records of one partition are read in the order of their offsets, by each group once
//! while nobody fails and at least once when somebody does. *Leaves out:* how long a write or a copy takes: the
//! caller says when something has arrived. *Source:* J. Kreps et al., Kafka (NetDB 2011); KIP-429 (cooperative
//! rebalancing); the acknowledgement and in-sync rules of Kafka's documentation.

pub mod assign;
mod batcher;
mod credit;
mod event_log;
mod group;
mod partition;
mod producer;
mod segments;

pub use assign::{Assignor, assign};
pub use batcher::{Batch, BatchLimits, Batcher};
pub use credit::Credit;
pub use event_log::{EventLog, LogOptions};
pub use group::{ConsumerGroup, Handover, Rebalance, Resumed};
pub use partition::{Acks, AppendError, Election, Partition, Replication};
pub use producer::{Offer, OnFull, Producer, ProducerOptions, Submitted};
pub use segments::{Entry, Retention, Segments};

/// A partition of a log, dense from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u32);

impl PartitionId {
    /// The number as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The place of a record in its partition: the first is 0. As an end it is the place of the record after the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogOffset(pub u64);

/// A member of a consumer group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u32);
