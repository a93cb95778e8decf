//! Event sourcing: a command side, the event log, and projections that follow it and answer queries.
//!
//! Models: a command or message goes to an instance of the command side, which needs a place for it (credit), reads the version
//! of its record, decides for its service time, and hands the event to the log; there it is appended if the record still is as it was read, and
//! decided on anew if not. Once the log has committed it, the command is acknowledged, and the message is handed to whoever orders
//! its channel: the log is the outbox. Projections read what is committed, partition by partition, and answer queries with what
//! they have made of it so far. Versions, conflicts, offsets, losses and lags are those of [`routing::sourcing::EventStore`],
//! [`routing::log::EventLog`], [`routing::log::ConsumerGroup`] and [`routing::sourcing::Projection`]; here they get machines, links and time.
//! A message is an event about one record, drawn as those of commands are.
//! Formula: committed = handed in + rest of the linger + way + queue + append + the acknowledging copy; lag of an event = visible − committed.
//! Leaves out: status changes, which are no events, and several regions: log, command side and projections stand with the
//! database, in `design.place`.
//! Source: G. Young, CQRS Documents (2010); J. Kreps et al., Kafka (NetDB 2011).

pub mod bill;
mod commands;
mod log;
mod projections;
mod queries;
pub mod reading;
mod replay;

use std::collections::BTreeMap;

use routing::sourcing::StreamId;

use super::event::Event;
use super::operation::{Kind, OperationId};
use super::world::World;
use crate::engine::Schedule;
use crate::scenario::{Consistency, Scenario, Tier};
use crate::statistics::CompactHistogram;
use crate::time::SimTime;

use commands::CommandSide;
use log::{BatchId, Log};
use projections::Projected;
use replay::Replay;
pub use replay::ReplayCheck;

/// What happens to events.
#[derive(Clone, Copy, Debug)]
pub enum SourcingEvent {
    /// A command or message reaches the command side.
    AtCommandSide(OperationId),
    /// The first of those that wait for a place at an instance may have waited too long.
    WaitedLong(u16),
    /// An instance begins to decide: it reads.
    Begins(OperationId),
    /// It has decided.
    Decided {
        /// On which command or message.
        id: OperationId,
        /// Which instance.
        instance: u16,
        /// Its life.
        life: u16,
    },
    /// An open batch of an instance is due.
    Due {
        /// Which instance.
        instance: u16,
        /// For which partition.
        partition: u16,
    },
    /// A batch reaches the log.
    AtLog(BatchId),
    /// The leader has it safe.
    Flushed(BatchId),
    /// A follower has what the leader had.
    Copied {
        /// Of which partition.
        partition: u16,
        /// Which replica.
        replica: u16,
        /// The end of what it has.
        end: u64,
    },
    /// Partitions led by a node that died get another leader.
    Elect {
        /// The node.
        node: u16,
        /// Which of its deaths.
        death: u32,
    },
    /// What became of a batch is known at the command side.
    Committed(BatchId),
    /// A server knows that a command or message is done, or has the answer to a query.
    Acknowledged(OperationId),
    /// A projection reads on in a partition.
    Read {
        /// Which projection.
        projection: u16,
        /// Which partition.
        partition: u16,
    },
    /// What it has read is in its model.
    Applied {
        /// Which projection.
        projection: u16,
        /// Which partition.
        partition: u16,
        /// How often the reading of that partition was cut short before.
        epoch: u32,
    },
    /// A query reaches its projection.
    AtProjection(OperationId),
    /// It is answered there.
    Answered(OperationId),
    /// The others know that an instance is dead.
    ReaderNoticed {
        /// Of all projections.
        instance: u16,
        /// Which of its deaths.
        death: u32,
    },
    /// A command has waited for projections as long as it may.
    SyncOver {
        /// Which.
        id: OperationId,
        /// Its number, by which another one in its place is told apart.
        ordinal: u64,
    },
    /// Somebody reads what they have written.
    ReadAgain {
        /// Who.
        connection: u32,
        /// What.
        record: u32,
        /// Where in the log it stands.
        offset: u64,
    },
}

/// What is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The aggregate.
    pub stream: StreamId,
    /// The record.
    pub record: u32,
    /// What it changes.
    pub value: u64,
    /// Whether a message says so, and not a command.
    pub message: bool,
}

/// Command side, log and projections.
#[derive(Clone, Debug)]
pub struct Sourcing {
    /// What makes events.
    pub commands: CommandSide,
    /// What keeps them.
    pub log: Log,
    /// What follows them.
    pub projections: Vec<Projected>,
    /// State and its past.
    pub replay: Replay,
    /// The projection that answers queries.
    answering: usize,
    consistency: Consistency,
    /// Commands and messages that wait for projections: how many of these are missing.
    sync: BTreeMap<OperationId, u32>,
    /// Reads of what somebody has written.
    read_again: u64,
    /// What queries found that their projection lacked, summed, and how many they were.
    pub behind: (u64, u64),
}

impl Sourcing {
    /// What a scenario (its patterns applied to its design) has of it.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Option<Box<Self>> {
        let own = scenario.design.sourcing.as_ref()?;
        let query = scenario.traffic.query.as_ref();
        let used = query.and_then(|query| query.read_model.as_ref());
        let log = Log::new(&own.log);
        let partitions = log.events.partitions();
        Some(Box::new(Self {
            commands: CommandSide::new(&own.commands, &own.log),
            projections: own
                .projections
                .iter()
                .map(|tier| Projected::new(tier, partitions))
                .collect(),
            log,
            replay: Replay::default(),
            answering: own.answering(&scenario.traffic),
            consistency: used.map_or(Consistency::None, |used| used.consistency),
            sync: BTreeMap::new(),
            read_again: 0,
            behind: (0, 0),
        }))
    }

    /// An instance of one of the tiers takes so many times as long.
    pub fn slow_down(&mut self, tier: Tier, instance: u32, factor: f64) {
        match tier {
            Tier::CommandSide => self.commands.nodes.slow_down(instance, factor),
            Tier::Log => self.log.nodes.slow_down(instance, factor),
            _ => {
                let (number, member) = self.instance(instance);
                self.projections[number].nodes.slow_down(member, factor);
            }
        }
    }

    /// Measuring begins.
    pub fn restart_counting(&mut self) {
        self.log.committing = CompactHistogram::new();
        for projection in &mut self.projections {
            projection.lags = CompactHistogram::new();
            projection.seen.longest_ns = 0;
        }
    }

    /// The projection of an instance, of all, and its number there.
    #[must_use]
    pub fn instance(&self, instance: u32) -> (usize, u32) {
        let mut own = instance;
        for (number, projection) in self.projections.iter().enumerate() {
            let count = projection.nodes.count() as u32;
            if own < count {
                return (number, own);
            }
            own -= count;
        }
        (0, 0)
    }
}

impl World {
    /// Something happens to events.
    pub(super) fn sourcing_event(&mut self, event: SourcingEvent, out: &mut Schedule<'_, Event>) {
        match event {
            SourcingEvent::AtCommandSide(id) => self.at_command_side(id, out),
            SourcingEvent::WaitedLong(instance) => self.waited_long(instance, out.now()),
            SourcingEvent::Begins(id) => self.begins(id),
            SourcingEvent::Decided { id, instance, life } => {
                self.decided(id, (instance, life), out);
            }
            SourcingEvent::Due {
                instance,
                partition,
            } => self.batch_due(instance, partition, out),
            SourcingEvent::AtLog(batch) => self.at_log(batch, out),
            SourcingEvent::Flushed(batch) => self.flushed(batch, out),
            SourcingEvent::Copied {
                partition,
                replica,
                end,
            } => self.copied(partition.into(), replica.into(), end, out),
            SourcingEvent::Elect { node, death } => self.elect(node.into(), death, out),
            SourcingEvent::Committed(batch) => self.committed(batch, out),
            SourcingEvent::Acknowledged(id) => self.acknowledged(id, out),
            SourcingEvent::Read {
                projection,
                partition,
            } => self.read_on(projection.into(), partition.into(), out),
            SourcingEvent::Applied {
                projection,
                partition,
                epoch,
            } => self.applied(projection.into(), partition.into(), epoch, out),
            SourcingEvent::AtProjection(id) => self.at_projection(id, out),
            SourcingEvent::Answered(id) => self.answered(id, out),
            SourcingEvent::ReaderNoticed { instance, death } => {
                self.reader_noticed(instance.into(), death, out);
            }
            SourcingEvent::SyncOver { id, ordinal } => self.sync_over(id, ordinal),
            SourcingEvent::ReadAgain {
                connection,
                record,
                offset,
            } => self.read_again(connection, record, offset, out),
        }
    }

    /// Whether a message must go through the log before it is ordered.
    pub(super) fn must_be_logged(&self, id: OperationId) -> bool {
        let operation = &self.operations[id];
        self.sourcing.is_some() && operation.kind == Kind::Publish && !operation.in_log
    }

    /// How long the work that waits at command side, log and projections has waited or will wait.
    pub(super) fn sourcing_backlogs(&self, now: SimTime) -> [crate::time::SimDuration; 3] {
        let Some(own) = &self.sourcing else {
            return Default::default();
        };
        let behind = |nodes: &super::backend::Nodes| {
            let waits = nodes.cores.iter().map(|core| core.next_wait(now));
            waits.max().unwrap_or_default()
        };
        let models = own.projections.iter().map(|one| behind(&one.nodes));
        [
            behind(&own.commands.nodes).max(own.commands.longest_wait(now)),
            behind(&own.log.nodes),
            models.max().unwrap_or_default(),
        ]
    }
}
