//! The order in which members see the messages of a channel, and what a promise of order takes.
//!
//! Models: where `design.ordering` says so, a message goes to the owner or broker partition that its promise allows: without one
//! to any, whoever is next (parallel paths, each with its own queue and rest); per sender that of its sender in the channel; per
//! channel that of the channel; total always the same one. There each copy is numbered in its stream for the server that it goes
//! to, so numbers have no gaps. At the server a real [`InOrder`] holds back what is ahead of its turn, for `patience` at most; a
//! real [`OrderCheck`] per server counts what members see after something that was numbered later. Clients of a server see its
//! messages in the order in which it writes them (TCP), so its count holds for each of them.
//! *Formula:* a message waits for the slowest of those before it in its stream. *Leaves out:* causal order, which needs word of
//! silent senders on the same ways as messages; messages that a client is sent again when it comes back. A sender's order is
//! that in which its messages reach whoever numbers them. Source: [`routing::order`].

use std::collections::BTreeMap;

use routing::hash::{DEFAULT_SEED, hash_u64};
use routing::order::{Arrival, Hlc, InOrder, OrderCheck, OrderStamp};
use routing::{Seq, ServerId};

use super::event::{Event, Work};
use super::operation::{Kind, Operation, OperationId};
use super::servers::timestamp;
use super::world::World;
use crate::engine::Schedule;
use crate::scenario::{Ordering, Promise};
use crate::station::Completed;
use crate::time::{SimDuration, SimTime};

/// A copy that is ahead of its turn.
#[derive(Clone, Debug)]
struct Held {
    operation: OperationId,
    recipients: u32,
    done: Completed<Work>,
}

/// What is under way, with its numbers.
#[derive(Clone, Debug)]
pub struct Order {
    rule: Ordering,
    /// The last number by server and stream.
    last: BTreeMap<(u16, u64), u64>,
    /// Numbers of copies that are under way.
    numbers: BTreeMap<(u16, OperationId), (u64, u64)>,
    buffers: BTreeMap<(u16, u64), InOrder<Held>>,
    checks: BTreeMap<u16, OrderCheck>,
    /// Copies held back, and for how long together.
    pub held: (u64, SimDuration),
    /// Numbers that did not come in time.
    pub given_up: u64,
}

impl Order {
    /// Nothing is under way.
    #[must_use]
    pub fn new(rule: Ordering) -> Self {
        Self {
            rule,
            last: BTreeMap::new(),
            numbers: BTreeMap::new(),
            buffers: BTreeMap::new(),
            checks: BTreeMap::new(),
            held: (0, SimDuration::ZERO),
            given_up: 0,
        }
    }

    fn stream(&self, operation: &Operation) -> u64 {
        let channel = u64::from(operation.channel.0);
        match self.rule.promise {
            Promise::None | Promise::PerChannel => channel,
            Promise::PerSender => channel << 32 | u64::from(operation.origin),
            Promise::Total => 0,
        }
    }
}

impl World {
    /// The key by which a message finds who orders it.
    #[inline]
    pub(super) fn path_key(&self, operation: &Operation) -> u64 {
        let channel = u64::from(operation.channel.0);
        let Some(order) = self.order.as_deref() else {
            return channel;
        };
        if operation.kind != Kind::Publish {
            return channel;
        }
        match order.rule.promise {
            Promise::None => hash_u64(DEFAULT_SEED, operation.key()),
            Promise::PerSender => hash_u64(DEFAULT_SEED, order.stream(operation)),
            Promise::PerChannel => channel,
            Promise::Total => 0,
        }
    }

    /// Numbers the planned copies of a message, each in its stream at its server.
    pub(super) fn number_copies(&mut self, id: OperationId) {
        let Some(order) = self.order.as_deref_mut() else {
            return;
        };
        let stream = order.stream(&self.operations[id]);
        for copy in self.plan.copies() {
            let last = order.last.entry((copy.server.0, stream)).or_default();
            *last += 1;
            order.numbers.insert((copy.server.0, id), (stream, *last));
        }
    }

    /// A copy could be written: it is, if it is its turn, with those that waited for it.
    pub(super) fn write_in_turn(
        &mut self,
        server: u16,
        (operation, recipients): (OperationId, u32),
        done: &Completed<Work>,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some(order) = self.order.as_deref_mut() else {
            return self.write_copy(usize::from(server), operation, recipients, done);
        };
        let Some((stream, number)) = order.numbers.remove(&(server, operation)) else {
            return self.write_copy(usize::from(server), operation, recipients, done);
        };
        let held = Held {
            operation,
            recipients,
            done: *done,
        };
        if order.rule.promise == Promise::None {
            return self.show(server, (stream, number), held, now);
        }
        let patience = order.rule.patience.as_nanos();
        let buffer = order
            .buffers
            .entry((server, stream))
            .or_insert_with(|| InOrder::new(Seq(1), patience));
        buffer.arrive(timestamp(now), Seq(number), held);
        self.release_in_turn(server, stream, out);
    }

    /// Writes what may be written of a stream at a server.
    pub(super) fn release_in_turn(
        &mut self,
        server: u16,
        stream: u64,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        loop {
            let Some(order) = self.order.as_deref_mut() else {
                return;
            };
            let Some(buffer) = order.buffers.get_mut(&(server, stream)) else {
                return;
            };
            let Some(next) = buffer.poll(timestamp(now)) else {
                if let Some(due) = buffer.next_due() {
                    let due = SimTime::from_nanos(due.0).max(now);
                    out.at(due, Event::InTurn { server, stream });
                }
                return;
            };
            order.given_up += next.given_up;
            let waited = now.saturating_since(next.item.done.finished);
            if !waited.is_zero() {
                order.held.0 += 1;
                order.held.1 += waited;
            }
            self.show(server, (stream, next.seq.0), next.item, now);
        }
    }

    /// Members see a message: it is written, after what it has waited for.
    fn show(&mut self, server: u16, (stream, number): (u64, u64), held: Held, now: SimTime) {
        if let Some(order) = self.order.as_deref_mut() {
            let stamp = OrderStamp {
                stream,
                seq: Seq(number),
                hlc: Hlc::default(),
            };
            let check = order.checks.entry(server).or_default();
            let arrival = check.show(stamp, None);
            let operation = &self.operations[held.operation];
            if arrival == Arrival::Reordered && operation.measured {
                let ledger = self.ledger.kind(operation.kind);
                ledger.reordered += u64::from(held.recipients);
            }
        }
        let waited = now.saturating_since(held.done.finished);
        let done = Completed {
            started: held.done.started + waited,
            finished: now,
            ..held.done
        };
        self.write_copy(usize::from(server), held.operation, held.recipients, &done);
    }

    /// A server dies: what it held back is not written.
    pub(super) fn drop_held(&mut self, server: u16, now: SimTime) {
        let Some(order) = self.order.as_deref_mut() else {
            return;
        };
        let mut lost = Vec::new();
        for (_, buffer) in order.buffers.range_mut((server, 0)..=(server, u64::MAX)) {
            // However long the wait: all of it comes out.
            while let Some(one) = buffer.poll(routing::Timestamp::NEVER) {
                lost.push((one.item.operation, one.item.recipients));
            }
        }
        for (operation, recipients) in lost {
            self.void_copy(usize::from(server), operation, recipients, now);
        }
    }

    /// A copy will not be written.
    #[inline]
    pub(super) fn forget_number(&mut self, server: ServerId, operation: OperationId) {
        if let Some(order) = self.order.as_deref_mut() {
            order.numbers.remove(&(server.0, operation));
        }
    }
}
