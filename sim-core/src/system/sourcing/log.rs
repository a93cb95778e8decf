//! The event log: batches that are appended, copied and committed.
//!
//! Models: a batch reaches the node that leads its partition and takes CPU there, on the core of the partition; when the leader has
//! it safe, each event is appended if the record still has the version that it was decided on (the check and the append are
//! one step), and the followers copy it: CPU of theirs, then the time of a copy, in order. It is committed as soon as those have it
//! whom [`routing::log::Acks`] asks for. Replica r of partition p stands on node (p + r) mod n. A node that dies takes the lead of
//! its partitions with it until the failover; batches meanwhile wait at their sender. What only the dead leader had is gone:
//! events that nobody was told of are sent again, the others are lost. The state of records is made anew then, from the log.
//! Formula: CPU of a batch of k events = replicas · (per batch + k · append); copies of one event: quorum or all, as [`routing::log::Partition`] has it.
//! Leaves out: the bandwidth of disks and network, and followers that fall out of sync without dying.

mod elections;

use std::collections::{BTreeMap, VecDeque};

use routing::hash;
use routing::log::{Batch, EventLog, LogOffset, LogOptions, PartitionId, Replication, Retention};
use routing::sourcing::{Aggregate, EventStore, Expected, StreamId, Version};

use super::commands::table;
use super::{Fact, SourcingEvent};
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::histogram::{bucket_of, units_of};
use crate::quantile::QuantileTable;
use crate::scenario::LogTier;
use crate::statistics::CompactHistogram;
use crate::system::backend::Nodes;
use crate::system::event::Event;
use crate::system::operation::{Kind, OperationId, Part};
use crate::system::servers::timestamp;
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

const FLUSH: Purpose = Purpose::named("log/flush");
const REPLICATE: Purpose = Purpose::named("log/replicate");
/// How often a batch is sent again that too few replicas would have.
const AGAIN: SimDuration = SimDuration::from_millis(100);
/// Versions between two snapshots of a record.
const SNAPSHOT: u64 = 256;

/// Number of a batch on its way.
pub type BatchId = u32;

/// The state of a record: a fold of what was said about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    changes: u64,
    sum: u64,
}

impl Aggregate for State {
    type Command = u64;
    type Event = u64;
    type Refusal = core::convert::Infallible;

    fn decide(&self, command: &u64, events: &mut Vec<u64>) -> Result<(), Self::Refusal> {
        events.push(*command);
        Ok(())
    }

    fn apply(&mut self, event: &u64) {
        self.changes += 1;
        self.sum = hash::hash_pair(hash::DEFAULT_SEED, self.sum, *event);
    }

    fn digest(&self) -> u64 {
        hash::hash_pair(hash::DEFAULT_SEED, self.changes, self.sum)
    }
}

/// The nodes and what they hold.
#[derive(Clone, Debug)]
pub struct Log {
    /// Their cores.
    pub nodes: Nodes,
    /// What they hold.
    pub events: EventLog<Fact>,
    /// What follows from it, by record.
    pub store: EventStore<State>,
    /// By record that was ever written: its aggregate.
    streams: BTreeMap<u32, StreamId>,
    batches: Vec<InLog>,
    free: Vec<BatchId>,
    partitions: Vec<OfPartition>,
    /// By node: how often it has died.
    deaths: Vec<u32>,
    append: SimDuration,
    per_batch: SimDuration,
    flush: QuantileTable,
    replicate: QuantileTable,
    failover: SimDuration,
    min_in_sync: Option<u32>,
    sent: u64,
    /// Time from a decision until its event is committed and known to be.
    pub committing: CompactHistogram,
    /// Batches appended.
    pub appended: u64,
    /// Bytes appended.
    pub bytes: u64,
    /// Leaders elected.
    pub elections: u64,
    /// Events lost that somebody had been told of.
    pub lost_acknowledged: u64,
    /// Batches sent again.
    pub resent: u64,
}

/// What is known of a partition besides its events.
#[derive(Clone, Debug, Default)]
struct OfPartition {
    /// Appended, not committed.
    pending: VecDeque<BatchId>,
    /// Waiting for a leader.
    parked: Vec<BatchId>,
    /// By replica: when its last copy so far arrives.
    copies: Vec<SimTime>,
    /// Ends of what is committed, and when it was.
    commits: Vec<(u64, SimTime)>,
}

/// A batch on its way.
#[derive(Clone, Debug)]
struct InLog {
    from: (u16, u16),
    partition: u32,
    items: Vec<OperationId>,
    bytes: u64,
    /// Those of its items that came too late.
    late: Vec<OperationId>,
    number: u64,
    closed: SimTime,
    taken: SimTime,
    node: u32,
    queue: SimDuration,
    service: SimDuration,
    end: u64,
}

impl Log {
    /// The nodes of a tier, idle.
    #[must_use]
    pub fn new(tier: &LogTier) -> Self {
        let replication = Replication {
            factor: tier.replication,
            min_in_sync: tier.min_in_sync,
            acks: tier.acks,
            max_lag_ns: u64::MAX,
        };
        let of_partition = OfPartition {
            copies: vec![SimTime::ZERO; tier.replication as usize],
            ..OfPartition::default()
        };
        Self {
            nodes: Nodes::new(tier.count, tier.machine.cores),
            events: EventLog::new(LogOptions {
                partitions: tier.partitions,
                replication,
                segment_records: 4_096,
                retention: Retention::default(),
            }),
            store: EventStore::new(SNAPSHOT),
            streams: BTreeMap::new(),
            batches: Vec::new(),
            free: Vec::new(),
            partitions: vec![of_partition; tier.partitions as usize],
            deaths: vec![0; tier.count as usize],
            append: tier.append,
            per_batch: tier.per_batch,
            flush: table(tier.flush),
            replicate: table(tier.replicate),
            failover: tier.failover,
            min_in_sync: (tier.acks == routing::log::Acks::All).then_some(tier.min_in_sync),
            sent: 0,
            committing: CompactHistogram::new(),
            appended: 0,
            bytes: 0,
            elections: 0,
            lost_acknowledged: 0,
            resent: 0,
        }
    }

    /// The version of a record, as its leader has it.
    #[must_use]
    pub fn version(&self, record: u32) -> u32 {
        let stream = self.streams.get(&record);
        stream.map_or(0, |stream| self.store.version(*stream).0 as u32)
    }

    /// A batch is on its way.
    pub fn send(
        &mut self,
        now: SimTime,
        from: (u16, u16),
        partition: u32,
        batch: Batch<OperationId>,
    ) -> BatchId {
        self.sent += 1;
        let sent = InLog {
            from,
            partition,
            items: batch.items,
            bytes: batch.bytes,
            late: Vec::new(),
            number: self.sent,
            closed: now,
            taken: now,
            node: 0,
            queue: SimDuration::ZERO,
            service: SimDuration::ZERO,
            end: 0,
        };
        match self.free.pop() {
            Some(id) => {
                self.batches[id as usize] = sent;
                id
            }
            None => {
                self.batches.push(sent);
                self.batches.len() as BatchId - 1
            }
        }
    }

    fn node_of(&self, partition: u32, replica: u32) -> u32 {
        (partition + replica) % self.nodes.count() as u32
    }

    /// The node that leads a partition; `None`: nobody does.
    #[must_use]
    pub fn leader(&self, partition: u32) -> Option<u32> {
        let replica = self.events.partition(PartitionId(partition)).leader()?;
        Some(self.node_of(partition, replica))
    }

    /// The end of what is committed of a partition.
    #[must_use]
    pub fn committed(&self, partition: u32) -> u64 {
        let commits = &self.partitions[partition as usize].commits;
        commits.last().map_or(0, |commit| commit.0)
    }

    /// Ends of what is committed of a partition, and when it was.
    #[must_use]
    pub fn commits(&self, partition: u32) -> &[(u64, SimTime)] {
        &self.partitions[partition as usize].commits
    }

    fn work(&self, events: usize) -> SimDuration {
        self.per_batch + self.append * events as u64
    }

    /// The replicas of a partition that stand on a node.
    fn replicas_on(&self, partition: u32, node: u32) -> impl Iterator<Item = u32> + use<> {
        let (count, copies) = (
            self.nodes.count() as u32,
            self.partitions[partition as usize].copies.len() as u32,
        );
        (0..copies).filter(move |replica| (partition + replica) % count == node)
    }

    /// All records follow from what the log holds, after a part of it was lost.
    fn make_anew(&mut self) {
        let mut store = EventStore::new(SNAPSHOT);
        for partition in 0..self.events.partitions() {
            let events = self.events.partition(PartitionId(partition)).log();
            for entry in events.read(LogOffset(0)) {
                store.record(entry.at, entry.value.stream, entry.value.value);
            }
        }
        self.store = store;
    }
}

impl World {
    /// A batch reaches the node that leads its partition.
    pub(super) fn at_log(&mut self, id: BatchId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let log = &mut own.log;
        let batch = &log.batches[id as usize];
        let (partition, number) = (batch.partition, batch.number);
        let work = log.work(batch.items.len());
        let Some(node) = log.leader(partition) else {
            return log.partitions[partition as usize].parked.push(id);
        };
        let lane = u64::from(partition / log.nodes.count() as u32);
        let served = log
            .nodes
            .serve(now, (node, lane), (work, SimDuration::ZERO), 0);
        let Some(served) = served else {
            return log.partitions[partition as usize].parked.push(id);
        };
        let flush = log.flush.sample(self.draws.u32(FLUSH, number, 0));
        let batch = &mut log.batches[id as usize];
        (batch.taken, batch.node) = (now, node);
        batch.queue = served.departure.started - now;
        batch.service = served.departure.at - served.departure.started;
        out.at(
            served.departure.at + flush,
            SourcingEvent::Flushed(id).into(),
        );
    }

    /// The leader has a batch safe: what was decided in time is appended.
    pub(super) fn flushed(&mut self, id: BatchId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let (log, commands) = (&mut own.log, &own.commands);
        let batch = &log.batches[id as usize];
        let partition = PartitionId(batch.partition);
        let died = log.nodes.death(batch.node as u16, batch.taken, now);
        let died = died.is_some();
        if died || log.leader(partition.0) != Some(batch.node) {
            log.resent += 1;
            return out.after(SimDuration::ZERO, SourcingEvent::AtLog(id).into());
        }
        let in_sync = log.events.partition(partition).in_sync();
        if log.min_in_sync.is_some_and(|least| in_sync < least) {
            return out.after(AGAIN, SourcingEvent::AtLog(id).into());
        }
        let items = core::mem::take(&mut log.batches[id as usize].items);
        let size = (log.batches[id as usize].bytes / items.len().max(1) as u64) as u32;
        let (mut kept, mut late) = (Vec::with_capacity(items.len()), Vec::new());
        for item in items {
            let operation = &mut self.operations[item];
            let next = StreamId(log.streams.len() as u32);
            let stream = *log.streams.entry(operation.record).or_insert(next);
            let expected = if commands.expects(operation.kind) {
                Expected::Exactly(Version(operation.version.into()))
            } else {
                Expected::Any
            };
            let value = operation.key();
            let before = log.store.state(stream).map_or(0, Aggregate::digest);
            let decided = log.store.execute(timestamp(now), stream, expected, &value);
            if decided.is_err() {
                late.push(item);
                continue;
            }
            let after = log.store.state(stream).map_or(0, Aggregate::digest);
            own.replay.changed(stream, (before, after));
            let fact = Fact {
                stream,
                record: operation.record,
                value,
                message: operation.kind == Kind::Publish,
            };
            let key = operation.record.into();
            let offset =
                log.events
                    .partition_mut(partition)
                    .append(timestamp(now), key, size, fact);
            // The leader is up and enough replicas are in sync: that was asked just now.
            if let Ok(offset) = offset {
                operation.seq = routing::Seq(offset.0);
                log.bytes += u64::from(size);
            }
            kept.push(item);
        }
        log.appended += 1;
        let end = log.events.partition(partition).log().end().0;
        let batch = &mut log.batches[id as usize];
        (batch.items, batch.end) = (kept, end);
        batch.late.append(&mut late);
        let (many, number) = (batch.items.len(), batch.number);
        log.partitions[partition.index()].pending.push_back(id);
        self.copy_to_followers(partition.0, (many, number), out);
        self.note_commits(partition.0, out);
    }

    /// Followers copy what the leader has.
    fn copy_to_followers(
        &mut self,
        partition: u32,
        (events, number): (usize, u64),
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let home = self.sites.home;
        let link = self.sites.link(home, home);
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let log = &mut own.log;
        let of_log = log.events.partition(PartitionId(partition));
        let (end, leader) = (of_log.log().end().0, of_log.leader());
        let work = log.work(events);
        let copies = log.partitions[partition as usize].copies.len() as u32;
        for replica in (0..copies).filter(|replica| Some(*replica) != leader) {
            let node = log.node_of(partition, replica);
            let lane = u64::from(partition / log.nodes.count() as u32);
            let came = now + link;
            let served = log
                .nodes
                .serve(now, (node, lane), (work, SimDuration::ZERO), 0);
            let Some(served) = served else { continue };
            let bits = self.draws.u32(REPLICATE, number, replica.into());
            let there = served.departure.at.max(came) + log.replicate.sample(bits);
            let last = &mut log.partitions[partition as usize].copies[replica as usize];
            *last = there.max(*last);
            let copied = SourcingEvent::Copied {
                partition: partition as u16,
                replica: replica as u16,
                end,
            };
            out.at(*last, copied.into());
        }
    }

    /// A follower has what the leader had.
    pub(super) fn copied(
        &mut self,
        partition: u32,
        replica: u32,
        end: u64,
        out: &mut Schedule<'_, Event>,
    ) {
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let now = timestamp(out.now());
        let of_log = own.log.events.partition_mut(PartitionId(partition));
        of_log.copied(now, replica, LogOffset(end));
        self.note_commits(partition, out);
    }

    /// What those have whom the acknowledgement asks for is committed: senders and projections hear of it.
    fn note_commits(&mut self, partition: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let home = self.sites.home;
        let link = self.sites.link(home, home);
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let log = &mut own.log;
        let of_log = log.events.partition(PartitionId(partition));
        let acknowledged = of_log.acknowledged().0;
        let here = &mut log.partitions[partition as usize];
        let before = here.commits.last().map_or(0, |commit| commit.0);
        while let Some(&id) = here.pending.front() {
            let batch = &log.batches[id as usize];
            if batch.end > acknowledged {
                break;
            }
            here.pending.pop_front();
            if here.commits.last().is_none_or(|last| last.0 < batch.end) {
                here.commits.push((batch.end, now));
            }
            out.after(link, SourcingEvent::Committed(id).into());
        }
        let after = here.commits.last().map_or(0, |commit| commit.0);
        let fresh = of_log.log().read(LogOffset(before));
        let fresh = fresh
            .take((after - before) as usize)
            .map(|entry| entry.value);
        let answering = own.answering;
        for fact in fresh {
            let mut shown = own.projections.is_empty();
            for (number, projection) in own.projections.iter_mut().enumerate() {
                let concerned = projection.expects(fact);
                shown |= number == answering && concerned;
            }
            if shown {
                let cache = self.cache.as_ref();
                let held = cache.and_then(|cache| cache.held(fact.record));
                self.records.write(fact.record, held, now);
            }
        }
        self.wake_projections(partition, out);
    }

    /// What became of a batch is known where it was sent.
    pub(super) fn committed(&mut self, id: BatchId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let home = self.sites.home;
        let link = self.sites.link(home, home);
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let batch = &mut own.log.batches[id as usize];
        let (items, late) = (
            core::mem::take(&mut batch.items),
            core::mem::take(&mut batch.late),
        );
        let (from, closed) = (batch.from, batch.closed);
        let (queue, service) = (batch.queue, batch.service);
        own.log.free.push(id);
        let rest = now - closed;
        let committing = rest.saturating_sub(link * 2 + queue + service);
        let ways = rest.saturating_sub(committing + queue + service);
        for &item in items.iter().chain(&late) {
            let operation = &mut self.operations[item];
            operation
                .parts
                .add(Part::ReplicaQueue, closed - operation.mark);
            operation.parts.add(Part::Link, ways);
            operation.parts.add(Part::CacheQueue, queue);
            operation.parts.add(Part::CacheService, service);
            operation.parts.add(Part::CacheFetch, committing);
            if operation.measured {
                let units = units_of(now - operation.mark);
                own.log.committing.record(bucket_of(units) as u16, units);
            }
            operation.mark = now;
        }
        own.commands.settled(from, items.len() as u64);
        for item in items {
            self.in_log(item, out);
        }
        for item in late {
            self.decide_again(item, from, out);
        }
        self.admit_waiting(from.0, out);
    }
}
