//! The command side: a place, a decision, a batch.
//!
//! Models: an instance takes in so many commands and messages as may be on their way to the log at once ([`Credit`]); the others
//! wait for a place, and are refused when that takes too long. A core reads the version of the record when it begins and has decided after its service
//! time. What it decided rests in the batch of its partition ([`Batcher`]) until that is full or due. A decision that comes too late is
//! made anew, at once, on the same instance. An instance that dies loses what it has in hand and not sent.
//! Formula: with writers w per decision time on one record, conflicts as in [`routing::sourcing::EventStore`]; what is in hand ≤ instances · credit.
//! Leaves out: the time to load a record that is not in memory: put it into `handle`.

use std::collections::VecDeque;

use routing::log::{Batch, BatchLimits, Batcher, Credit};

use super::SourcingEvent;
use crate::draw::{Draws, Purpose};
use crate::engine::Schedule;
use crate::quantile::QuantileTable;
use crate::scenario::{CommandTier, LogTier};
use crate::system::backend::Nodes;
use crate::system::event::{Event, Work};
use crate::system::operation::{Kind, NOBODY, Operation, OperationId, Part};
use crate::system::servers::timestamp;
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

const PICK: Purpose = Purpose::named("command-side/pick");
const HANDLE: Purpose = Purpose::named("command-side/handle");
/// Keeps the choice of an instance apart from the choice of a partition.
const WRITER: u64 = 0x7772_6974_6572;
const TO_COMMANDS: u64 = 1 << 52;
const FROM_COMMANDS: u64 = 1 << 53;

/// The instances of the command side.
#[derive(Clone, Debug)]
pub struct CommandSide {
    /// Their cores.
    pub nodes: Nodes,
    instances: Vec<Instance>,
    handle: QuantileTable,
    one_writer: bool,
    attempts: u32,
    event_bytes: u32,
    /// Longest wait for projections, where commands wait for them.
    pub sync: Option<SimDuration>,
    max_wait: SimDuration,
    linger: SimDuration,
    limits: BatchLimits,
    credit: u64,
    /// Decisions that came too late.
    pub conflicts: u64,
    /// Commands that failed after the last attempt.
    pub gave_up: u64,
    /// Commands and messages that waited too long for a place.
    pub refused: u64,
}

/// One instance.
#[derive(Clone, Debug)]
struct Instance {
    life: u16,
    credit: Credit,
    /// Those that wait for a place, and since when.
    waiting: VecDeque<(SimTime, OperationId)>,
    /// By partition: what is not sent yet.
    open: Vec<Batcher<OperationId>>,
}

impl CommandSide {
    /// The instances of a tier, idle.
    #[must_use]
    pub fn new(tier: &CommandTier, log: &LogTier) -> Self {
        let limits = BatchLimits {
            linger_ns: log.linger.as_nanos(),
            records: log.batch,
            bytes: log.batch_bytes,
        };
        let credit = u64::from(log.in_flight);
        let instance = Instance {
            life: 0,
            credit: Credit::new(credit),
            waiting: VecDeque::new(),
            open: vec![Batcher::new(limits); log.partitions as usize],
        };
        Self {
            nodes: Nodes::new(tier.count, tier.machine.cores),
            instances: vec![instance; tier.count as usize],
            handle: table(tier.handle),
            one_writer: tier.one_writer,
            attempts: tier.attempts,
            event_bytes: tier.event_bytes,
            sync: tier.sync,
            max_wait: log.max_wait,
            linger: log.linger,
            limits,
            credit,
            conflicts: 0,
            gave_up: 0,
            refused: 0,
        }
    }

    /// The instance that a command or message goes to; `None`: all are dead.
    fn pick(&self, operation: &Operation, draws: &Draws) -> Option<u16> {
        let count = self.nodes.count() as u64;
        let first = if self.one_writer {
            routing::hash::hash_u64(WRITER, operation.record.into()) % count
        } else {
            draws.below(PICK, operation.key(), 0, count)
        };
        let in_turn = (0..count).map(|step| ((first + step) % count) as u32);
        let mut alive = in_turn.filter(|&one| !self.nodes.is_down(one));
        alive.next().map(|one| one as u16)
    }

    fn lane(&self, operation: &Operation) -> u64 {
        if self.one_writer {
            routing::hash::hash_u64(WRITER ^ 1, operation.record.into())
        } else {
            routing::hash::hash_u64(WRITER ^ 2, operation.key())
        }
    }

    /// How long the one has waited for a place that has waited longest.
    #[must_use]
    pub fn longest_wait(&self, now: SimTime) -> SimDuration {
        let first = self.instances.iter().filter_map(|one| one.waiting.front());
        let waits = first.map(|&(since, _)| now.saturating_since(since));
        waits.max().unwrap_or_default()
    }

    /// Those that wait for a place.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.instances.iter().map(|one| one.waiting.len()).sum()
    }

    /// Whether an instance still lives the life in which something was sent.
    pub fn lives(&self, (instance, life): (u16, u16)) -> bool {
        self.instances[usize::from(instance)].life == life
    }

    /// Commands and messages are no longer in hand.
    pub fn settled(&mut self, from: (u16, u16), many: u64) {
        if self.lives(from) {
            self.instances[usize::from(from.0)].credit.handled(many);
        }
    }

    /// Whether something is committed only in the version that it was decided on.
    #[must_use]
    pub fn expects(&self, kind: Kind) -> bool {
        kind == Kind::Command && !self.one_writer
    }

    /// An instance dies; what it has in hand and not sent is lost.
    fn crash(&mut self, now: SimTime, instance: u32) -> Vec<OperationId> {
        self.nodes.kill(now, instance);
        let credit = Credit::new(self.credit);
        let limits = self.limits;
        let own = &mut self.instances[instance as usize];
        own.life = own.life.wrapping_add(1);
        own.credit = credit;
        let mut lost: Vec<OperationId> = own.waiting.drain(..).map(|(_, id)| id).collect();
        for open in &mut own.open {
            lost.extend(open.flush().into_iter().flat_map(|batch| batch.items));
            *open = Batcher::new(limits);
        }
        lost
    }
}

pub(super) fn table(time: crate::quantile::Distribution) -> QuantileTable {
    QuantileTable::new(time).unwrap_or_else(|problem| panic!("a validated time: {problem}"))
}

impl World {
    /// Sends a command or message to the command side.
    pub(in crate::system) fn hand_to_command_side(
        &mut self,
        id: OperationId,
        out: &mut Schedule<'_, Event>,
    ) {
        let operation = &mut self.operations[id];
        operation.queries_left = 0;
        let mut link = SimDuration::ZERO;
        if operation.origin != NOBODY {
            let from = self.sites.of_server(operation.server);
            let Some(way) = self.reach(id, from, self.sites.home, TO_COMMANDS) else {
                return self.fail(id, true);
            };
            link = way;
        }
        if self.operations[id].kind == Kind::Publish {
            let ordinal = self.operations[id].ordinal;
            self.operations[id].record =
                self.records.of(&self.draws, Kind::Publish as u64, ordinal);
        }
        self.operations[id].parts.add(Part::Link, link);
        out.after(link, SourcingEvent::AtCommandSide(id).into());
    }

    /// A command or message reaches the command side.
    pub(super) fn at_command_side(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        self.operations[id].mark = now;
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let commands = &mut own.commands;
        let Some(instance) = commands.pick(&self.operations[id], &self.draws) else {
            return self.fail(id, false);
        };
        let chosen = &mut commands.instances[usize::from(instance)];
        if chosen.waiting.is_empty() && chosen.credit.take(1) {
            return self.decide(id, instance, out);
        }
        chosen.waiting.push_back((now, id));
        let most = commands.max_wait;
        out.after(most, SourcingEvent::WaitedLong(instance).into());
    }

    /// A core of an instance takes on a decision.
    fn decide(&mut self, id: OperationId, instance: u16, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let commands = &mut own.commands;
        let operation = &mut self.operations[id];
        let nth = u64::from(operation.queries_left);
        let takes = commands
            .handle
            .sample(self.draws.u32(HANDLE, operation.key(), nth));
        let place = (u32::from(instance), commands.lane(operation));
        let work = (takes, SimDuration::ZERO);
        let Some(served) = commands.nodes.serve(now, place, work, 0) else {
            return self.fail(id, false);
        };
        let (started, at) = (served.departure.started, served.departure.at);
        operation
            .parts
            .add(Part::EdgeQueue, started - operation.mark);
        operation.parts.add(Part::EdgeService, at - started);
        operation.mark = at;
        let life = commands.instances[usize::from(instance)].life;
        if commands.expects(operation.kind) {
            if started > now {
                out.at(started, SourcingEvent::Begins(id).into());
            } else {
                self.begins(id);
            }
        }
        out.at(at, SourcingEvent::Decided { id, instance, life }.into());
    }

    /// An instance reads the version of the record that it decides on.
    pub(super) fn begins(&mut self, id: OperationId) {
        let Some(own) = &self.sourcing else { return };
        let operation = &mut self.operations[id];
        operation.version = own.log.version(operation.record);
    }

    /// An instance has decided, unless it died meanwhile.
    pub(super) fn decided(
        &mut self,
        id: OperationId,
        from: (u16, u16),
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let publish = self.scenario.traffic.publish.as_ref();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        if !own.commands.lives(from) {
            return self.fail(id, false);
        }
        let operation = &self.operations[id];
        let bytes = match operation.kind {
            Kind::Publish => publish.map_or(1, |publish| publish.size_bytes),
            _ => own.commands.event_bytes,
        };
        let partition = own.log.events.partition_of(operation.record.into());
        let open = &mut own.commands.instances[usize::from(from.0)].open[partition.index()];
        let full = open.push(timestamp(now), bytes.into(), id);
        if open.waiting() == 1 {
            let due = SourcingEvent::Due {
                instance: from.0,
                partition: partition.0 as u16,
            };
            out.after(own.commands.linger, due.into());
        }
        if let Some(batch) = full {
            self.send_batch(from, partition.0, batch, out);
        }
    }

    /// The open batch of an instance for a partition may be due.
    pub(super) fn batch_due(
        &mut self,
        instance: u16,
        partition: u16,
        out: &mut Schedule<'_, Event>,
    ) {
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let producer = &mut own.commands.instances[usize::from(instance)];
        let life = producer.life;
        let open = &mut producer.open[usize::from(partition)];
        if let Some(batch) = open.poll(timestamp(out.now())) {
            self.send_batch((instance, life), partition.into(), batch, out);
        }
    }

    fn send_batch(
        &mut self,
        from: (u16, u16),
        partition: u32,
        batch: Batch<OperationId>,
        out: &mut Schedule<'_, Event>,
    ) {
        let home = self.sites.home;
        let link = self.sites.link(home, home);
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let id = own.log.send(out.now(), from, partition, batch);
        out.after(link, SourcingEvent::AtLog(id).into());
    }

    /// Those that waited too long for a place at an instance are refused.
    pub(super) fn waited_long(&mut self, instance: u16, now: SimTime) {
        loop {
            let Some(own) = &mut self.sourcing else {
                return;
            };
            let most = own.commands.max_wait;
            let waiting = &mut own.commands.instances[usize::from(instance)].waiting;
            let late = waiting
                .front()
                .copied()
                .filter(|&(since, _)| since + most <= now);
            let Some((_, id)) = late else { return };
            waiting.pop_front();
            own.commands.refused += 1;
            if self.operations[id].measured {
                let kind = self.operations[id].kind;
                self.ledger.kind(kind).rejected += 1;
            }
            self.fail(id, false);
        }
    }

    /// Those that waited for a place at an instance get those that are free.
    pub(super) fn admit_waiting(&mut self, instance: u16, out: &mut Schedule<'_, Event>) {
        loop {
            let Some(own) = &mut self.sourcing else {
                return;
            };
            let chosen = &mut own.commands.instances[usize::from(instance)];
            if chosen.waiting.is_empty() || chosen.credit.left() == 0 || !chosen.credit.take(1) {
                return;
            }
            if let Some((_, id)) = chosen.waiting.pop_front() {
                self.decide(id, instance, out);
            }
        }
    }

    /// A decision came too late: the next attempt, or none.
    pub(super) fn decide_again(
        &mut self,
        id: OperationId,
        from: (u16, u16),
        out: &mut Schedule<'_, Event>,
    ) {
        let Some(own) = &mut self.sourcing else {
            return;
        };
        own.commands.conflicts += 1;
        let operation = &mut self.operations[id];
        operation.queries_left += 1;
        operation.mark = out.now();
        let ledger = self.ledger.kind(operation.kind);
        ledger.conflicting += u64::from(operation.measured);
        let lives = own.commands.lives(from);
        if u32::from(operation.queries_left) < own.commands.attempts && lives {
            ledger.retried += u64::from(operation.measured);
            return self.decide(id, from.0, out);
        }
        own.commands.gave_up += 1;
        own.commands.settled(from, 1);
        self.fail(id, false);
    }

    /// A command or message is done: its server hears of it.
    pub(super) fn sourced(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let operation = &mut self.operations[id];
        operation.in_log = true;
        if operation.origin == NOBODY {
            return self.route(id, out);
        }
        let to = self.sites.of_server(operation.server);
        let Some(link) = self.reach(id, self.sites.home, to, FROM_COMMANDS) else {
            return self.fail(id, true);
        };
        self.operations[id].parts.add(Part::Link, link);
        out.after(link, SourcingEvent::Acknowledged(id).into());
    }

    /// A server knows that a command or message is done, or has the answer to a query.
    pub(super) fn acknowledged(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let operation = self.operations[id];
        match operation.kind {
            Kind::Publish => {
                self.heard_of_event(id, out);
                self.route(id, out);
            }
            Kind::Query => {
                self.fetched(id, operation.version, out);
                self.next_step(id, out);
            }
            _ => {
                self.heard_of_event(id, out);
                let epoch = self.servers.servers[usize::from(operation.server)].epoch;
                self.arrive_at_server(operation.server, epoch, Work::Answer(id), out);
            }
        }
    }

    pub(in crate::system) fn kill_commands(&mut self, instance: u32, now: SimTime) {
        let Some(own) = &mut self.sourcing else {
            return;
        };
        for id in own.commands.crash(now, instance) {
            self.fail(id, false);
        }
    }
}
