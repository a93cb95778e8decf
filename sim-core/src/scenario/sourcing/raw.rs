//! Event log, command side and projections, as written.

use serde::Deserialize;

use crate::scenario::model::Source;
use crate::scenario::raw::{Quantity, RawDistribution, Sources};

/// The event log: what happened, in order, by partition, on several replicas (pattern event_sourcing).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLog {
    /// Nodes.
    pub count: Quantity,
    /// Name in `machines` or `assets/machines.tsv`.
    pub machine: String,
    /// Partitions; the events of one record stay in one. Default: 24.
    pub partitions: Option<Quantity>,
    /// Copies of each partition, the leader's included, on different nodes. Default: 1.
    pub replication: Option<Quantity>,
    /// Copies in sync without which acks `All` takes nothing. Default: 1.
    pub min_in_sync: Option<Quantity>,
    /// Who must have an event before it is committed. Default: `All`.
    pub acks: Option<RawAcks>,
    /// Longest wait of an event for others to be written with. Default: 0 s, each is written alone.
    pub linger: Option<Quantity>,
    /// Most events in one write. Default: 1 000.
    pub batch: Option<Quantity>,
    /// Most bytes in one write. Default: 16 KiB.
    pub batch_size: Option<Quantity>,
    /// CPU of one event, at each node that has a copy. Default: 5 us.
    pub append: Option<Quantity>,
    /// CPU of one write of several events, at each node that has a copy. Default: 20 us.
    pub per_batch: Option<Quantity>,
    /// Time from then until the leader has it safe, not CPU: a flush to disk, if it waits for that. Default: 0 s.
    pub flush: Option<RawDistribution>,
    /// Time from then until one follower has it, its own flush included, not CPU. Default: exponential with a mean of 1 ms.
    pub replicate: Option<RawDistribution>,
    /// Events that one instance of the command side may have in hand: taken in, and not committed. Default: 10 000.
    pub in_flight: Option<Quantity>,
    /// Longest wait for one of these places; then the event is refused. Default: 60 s.
    pub max_wait: Option<Quantity>,
    /// Time from the death of a node until its partitions have another leader. Default: 10 s.
    pub failover: Option<Quantity>,
    /// How long events are kept on disks that are paid for; a run keeps all of its own. Default: 168 h.
    pub retention: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Who must have an event before it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawAcks {
    /// The leader.
    Local,
    /// Most copies.
    Quorum,
    /// All copies that are in sync.
    All,
}

/// The command side: what is asked for becomes events (pattern event_sourcing).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCommandSide {
    /// Instances.
    pub count: Quantity,
    /// Name in `machines` or `assets/machines.tsv`.
    pub machine: String,
    /// Time of a core to read the state of a record and decide. Default: 200 us.
    pub handle: Option<RawDistribution>,
    /// Who decides. Default: `AnyInstance`.
    pub writers: Option<RawWriters>,
    /// Decisions on one command before it fails because others were always faster. Default: 5.
    pub attempts: Option<Quantity>,
    /// Size of the event that a command makes; a message is as large as it is. Default: 300 B.
    pub event: Option<Quantity>,
    /// When a command or message is done. Default: `Async`.
    pub coupling: Option<RawCoupling>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Who decides on the commands about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawWriters {
    /// Whichever instance: an event is appended only if its record is still as it was read.
    AnyInstance,
    /// One core for each record, which decides on one command after the other, so that nobody else is faster.
    OnePerRecord,
}

/// What a command or message waits for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawCoupling {
    /// The log; projections follow.
    Async,
    /// The log and every projection.
    Sync {
        /// Longest wait for them, after which it has timed out.
        timeout: Quantity,
    },
}

/// A read model that follows the log and answers queries (pattern event_sourcing).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProjection {
    /// Instances. They share the partitions of the log, so at most as many work as there are partitions.
    pub count: Quantity,
    /// Name in `machines` or `assets/machines.tsv`.
    pub machine: String,
    /// What it follows. Default: both.
    pub from: Option<Vec<RawFrom>>,
    /// Share of the records whose events concern it. Default: 100 %.
    pub filter: Option<Quantity>,
    /// CPU of reading one event, concerned or not. Default: 1 us.
    pub read: Option<Quantity>,
    /// Time of a core to put one event that concerns it into the model. Default: 50 us.
    pub apply: Option<RawDistribution>,
    /// Time until its store shows to queries what was put in at once, not CPU; the partition is read on after that. Default: 0 s.
    pub store: Option<RawDistribution>,
    /// Time of a core to answer one query. Default: 500 us.
    pub query: Option<RawDistribution>,
    /// Wait for more events before a partition is read again that had no more. Default: 0 s.
    pub poll: Option<Quantity>,
    /// Most events of a partition that become visible at once. Default: 100.
    pub batch: Option<Quantity>,
    /// Events of a partition between two snapshots of model and position; after a crash it goes on from the last one. Default: 10 000.
    pub snapshot_every: Option<Quantity>,
    /// Time of a core to put in an event again after a crash. Default: as the first time.
    pub replay: Option<Quantity>,
    /// Time from the death of an instance until others take over its partitions. Default: 10 s.
    pub detect: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// What a projection follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawFrom {
    /// Events of commands.
    Commands,
    /// Events of messages.
    Publishes,
}

/// How queries use projections.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawReadModel {
    /// Name of the projection that answers. Default: the first.
    pub from: Option<String>,
    /// What somebody reads who has just written. Default: `None`.
    pub consistency: Option<RawConsistency>,
    /// Share of the commands whose author reads the record again. Default: 0 %.
    pub after_write: Option<Quantity>,
    /// Time from the acknowledgement until then. Default: 0 s.
    pub delay: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// What somebody reads who has just written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawConsistency {
    /// Whatever the projection has.
    None,
    /// The projection answers when it has come to the event.
    WaitOffset,
    /// The command side answers.
    Sticky,
}
