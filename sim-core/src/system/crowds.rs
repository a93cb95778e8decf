//! People who come for a time, and clients that wait for their answer.
//!
//! *Flash crowd:* those who join stand in the population behind the residents, without a connection and in channels like
//! anybody else. When the crowd begins each of them asks the balancer for a server at a uniform time within the given span,
//! is admitted or refused like everybody, and comes back as the reconnect policy says. Each leaves, for good and without a
//! session to resume, when the crowd has lasted and as long again as its draw within the span. What was on its way to
//! somebody who leaves is lost.
//!
//! *Flash crowd as a fault:* those who come are new: they are added behind everybody when it begins, so that nothing before is
//! touched, with a place, an access network and a delay drawn as for anybody of that number. Each joins the channels of one
//! resident, drawn: they come to what goes on there, and channels grow in proportion. They come, connect and leave like those
//! above; without an end they stay. What people do per user is done by so many more from then on.
//!
//! *Closed loop:* a client thinks for an exponential time, asks, and thinks again when the answer has arrived or the question
//! has failed. The n-th question of a client has draws of its own. One that is offline looks again after a think time. A
//! publisher in a closed loop waits until all copies of its message are written, and the last recipient has it.
//!
//! *Leaves out:* a crowd that is under way when the population is re-seated is forgotten; closed loops are those of residents.

use core::ops::Range;
use std::collections::BTreeMap;
use std::sync::Arc;

use routing::{ChannelId, ConnectionId, ServerId};

use super::event::Event;
use super::operation::{Kind, NOBODY, Operation, OperationId};
use super::population::Newcomers;
use super::sessions::Away;
use super::world::World;
use crate::draw::{Draws, Purpose};
use crate::engine::Schedule;
use crate::histogram::UNIT_NS;
use crate::scenario::limits;
use crate::scenario::{Fault, Loop, People, Scenario};
use crate::time::{SimDuration, SimTime};

const JOIN: Purpose = Purpose::named("crowd/join");
const LEAVE: Purpose = Purpose::named("crowd/leave");
const THINK: Purpose = Purpose::named("client/think");
const WRITE: Purpose = Purpose::named("client/write");
const FOLLOW: Purpose = Purpose::named("crowd/follow");
/// Bits of an operation's number that count the questions of one client.
const QUESTIONS: u32 = 30;

/// The connections of each flash crowd, behind those of `residents`.
#[must_use]
pub fn crowds(scenario: &Scenario, residents: u32) -> Vec<Range<u32>> {
    let mut next = residents;
    let crowds = scenario.over_time.flash_crowds.iter();
    crowds
        .map(|crowd| {
            let first = next;
            next += crowd.joins.of(residents);
            first..next
        })
        .collect()
}

/// The connections of those who came with a fault.
#[derive(Clone, Debug)]
pub struct Visit {
    fault: u16,
    who: Range<u32>,
}

/// Clients in a closed loop.
#[derive(Clone, Debug, Default)]
pub struct Thinkers {
    /// Questions that each has asked.
    asked: Vec<u32>,
    /// Messages that each has published.
    published: Vec<u32>,
    /// Copies still to be written of their messages.
    unwritten: BTreeMap<OperationId, u32>,
    /// Those whose answer is there, or has failed, and when.
    free: Vec<(Kind, u32, SimTime)>,
}

impl Thinkers {
    fn count(&mut self, kind: Kind) -> &mut Vec<u32> {
        match kind {
            Kind::Publish => &mut self.published,
            _ => &mut self.asked,
        }
    }

    /// Takes over the numbers of questions asked so far.
    pub fn continue_from(&mut self, earlier: &Thinkers) {
        self.asked.clone_from(&earlier.asked);
        self.published.clone_from(&earlier.published);
    }
}

impl World {
    /// Schedules the flash crowds to come.
    pub(super) fn schedule_crowds(&mut self, out: &mut Schedule<'_, Event>) {
        for (index, crowd) in self.scenario.over_time.flash_crowds.iter().enumerate() {
            let at = SimTime::ZERO + crowd.at;
            if at >= out.now() {
                out.at(at, Event::Crowd(index as u16));
            }
        }
    }

    /// A flash crowd begins: each member has its time to come and to leave.
    pub(super) fn crowd(&mut self, index: u16, out: &mut Schedule<'_, Event>) {
        let index = usize::from(index);
        let within = self.scenario.over_time.flash_crowds[index].within;
        for connection in self.crowds[index].clone() {
            let comes = self.comes(connection, within, out);
            if let Some((_, leaves)) = self.stay(connection) {
                out.at(leaves.max(comes), Event::Cut(connection));
            }
        }
    }

    /// A flash crowd begins that is a fault: its members are new.
    pub(super) fn visit(
        &mut self,
        fault: u16,
        joins: People,
        within: SimDuration,
        out: &mut Schedule<'_, Event>,
    ) {
        let first = self.clients.len();
        let room = limits::USERS.saturating_sub(first.into());
        let many = u64::from(joins.of(self.residents)).min(room) as u32;
        let who = first..first + many;
        let scenario = Arc::clone(&self.scenario);
        let population_draws = Draws::new(scenario.run.population_seed);
        let parts = (&*self.network, &self.sites);
        self.clients
            .extend(many, &Newcomers::new(&scenario), parts, &population_draws);
        if !self.presence_seen.is_empty() {
            let words = self.clients.len().div_ceil(64) as usize;
            self.presence_seen.resize(words, 0);
        }
        let mut channels = Vec::new();
        for connection in who.clone() {
            let residents = self.residents.max(1).into();
            let host = self.draws.below(FOLLOW, connection.into(), 0, residents);
            channels.clear();
            let of_host = self.hub.directory().channels_of(ConnectionId(host as u32));
            channels.extend_from_slice(of_host);
            for &channel in &channels {
                self.hub.join(channel, ConnectionId(connection));
            }
        }
        self.visits.push(Visit {
            fault,
            who: who.clone(),
        });
        for connection in who {
            self.comes(connection, within, out);
        }
    }

    /// A flash crowd that is a fault is over: each member leaves at a time of its own.
    pub(super) fn visit_ends(&mut self, fault: u16, out: &mut Schedule<'_, Event>) {
        // None of them, where the population was re-seated since.
        let visit = self.visits.iter().find(|visit| visit.fault == fault);
        let who = visit.map_or(0..0, |visit| visit.who.clone());
        for connection in who {
            if let Some((_, leaves)) = self.stay(connection) {
                out.at(leaves.max(out.now()), Event::Cut(connection));
            }
        }
    }

    /// Somebody who was not there comes within a time. Returns when.
    fn comes(
        &mut self,
        connection: u32,
        within: SimDuration,
        out: &mut Schedule<'_, Event>,
    ) -> SimTime {
        let now = out.now();
        let away = Away {
            since: now,
            ..Away::new(ServerId::NOWHERE)
        };
        self.away.insert(connection, away);
        let comes = within.scaled(self.draws.unit_f64(JOIN, connection.into(), 0));
        out.after(comes, Event::Attempt(connection));
        now + comes
    }

    /// From when until when somebody of a flash crowd wants a connection; `None`: for good.
    fn stay(&self, connection: u32) -> Option<(SimTime, SimTime)> {
        let crowd = self.crowds.partition_point(|crowd| crowd.end <= connection);
        let crowds = &self.scenario.over_time.flash_crowds;
        let (at, lasts, within) = match crowds.get(crowd) {
            Some(crowd) => (crowd.at, crowd.lasts, crowd.within),
            None => {
                let visit = self
                    .visits
                    .partition_point(|visit| visit.who.end <= connection);
                let fault = self.visits.get(visit)?.fault;
                let timed = &self.scenario.faults[usize::from(fault)];
                let Fault::FlashCrowd { within, .. } = timed.fault else {
                    return None;
                };
                (timed.at, timed.lasts?, within)
            }
        };
        let starts = SimTime::ZERO + at;
        let unit = self.draws.unit_f64(LEAVE, connection.into(), 0);
        Some((starts, starts + lasts + within.scaled(unit)))
    }

    /// Whether somebody wants a connection: residents always, members of a flash crowd while it lasts for them.
    pub(super) fn stays(&self, connection: u32, now: SimTime) -> bool {
        if connection < self.residents {
            return true;
        }
        self.stay(connection)
            .is_none_or(|(from, until)| from <= now && now < until)
    }

    /// Members of flash crowds among the faults that have not begun.
    pub(super) fn people_to_come(&self) -> u64 {
        let faults = self.scenario.faults.iter().enumerate();
        let to_come = faults.filter(|(number, _)| {
            let begun = |visit: &Visit| usize::from(visit.fault) == *number;
            !self.visits.iter().any(begun)
        });
        to_come
            .map(|(_, timed)| match timed.fault {
                Fault::FlashCrowd { joins, .. } => u64::from(joins.of(self.residents)),
                _ => 0,
            })
            .sum()
    }

    /// Connections wanted now.
    pub(super) fn wanted(&self, now: SimTime) -> u64 {
        let joined = self.residents..self.clients.len();
        u64::from(self.residents) + joined.filter(|&c| self.stays(c, now)).count() as u64
    }

    /// Clients of a closed loop, and how long they think; `None`: operations of this kind arrive by themselves.
    pub(super) fn closed_loop(&self, kind: Kind) -> Option<(u32, SimDuration)> {
        let (traffic, over_time) = (&self.scenario.traffic, &self.scenario.over_time);
        let waits = match kind {
            Kind::Query => traffic.query.as_ref().map(|_| over_time.query_loop),
            Kind::Publish => traffic.publish.as_ref().map(|_| over_time.publish_loop),
            _ => None,
        };
        match waits? {
            Loop::Open => None,
            Loop::Closed {
                think_time,
                clients,
            } => Some((clients.of(self.residents).min(self.residents), think_time)),
        }
    }

    /// Lets the clients of closed loops begin to think.
    pub(super) fn begin_thinking(&mut self, out: &mut Schedule<'_, Event>) {
        for kind in [Kind::Query, Kind::Publish] {
            let clients = self.closed_loop(kind).map_or(0, |(clients, _)| clients);
            let counts = self.thinkers.count(kind);
            let known = counts.len().max(clients as usize);
            counts.resize(known, 0);
            for client in 0..clients {
                self.think(kind, client, out.now(), out);
            }
        }
    }

    /// A client thinks from `from` on.
    fn think(&mut self, kind: Kind, client: u32, from: SimTime, out: &mut Schedule<'_, Event>) {
        let Some((_, mean)) = self.closed_loop(kind) else {
            return;
        };
        let nth = self.thinkers.count(kind)[client as usize].into();
        let (purpose, event) = match kind {
            Kind::Publish => (WRITE, Event::Publish(client)),
            _ => (THINK, Event::Ask(client)),
        };
        let thinks = self.draws.exp(purpose, client.into(), nth, mean);
        out.at(from + thinks, event);
    }

    /// A client has thought: it asks or publishes, or looks again later if it has no connection.
    pub(super) fn act(&mut self, kind: Kind, client: u32, out: &mut Schedule<'_, Event>) {
        let user = ConnectionId(client);
        let nth = self.thinkers.count(kind)[client as usize];
        let number = (u64::from(client) << QUESTIONS) | u64::from(nth);
        let channel = match kind {
            Kind::Publish => self.one_of_its_channels(user, kind, number),
            _ => Some(ChannelId(client)),
        };
        let Some(channel) = channel.filter(|_| self.is_online(user)) else {
            let again = out.now() + self.scenario.load.heartbeat;
            self.think(kind, client, again, out);
            return;
        };
        self.thinkers.count(kind)[client as usize] += 1;
        self.start(kind, number, (client, channel), out);
    }

    /// A query has been answered, or a message received: a client that waits for that is free to think from then on.
    pub(super) fn over(&mut self, operation: &Operation, at: SimTime) {
        if operation.origin != NOBODY && self.closed_loop(operation.kind).is_some() {
            let free = &mut self.thinkers.free;
            free.push((operation.kind, operation.origin, at));
        }
    }

    /// So many copies of a message are to be written before its publisher is free to think.
    pub(super) fn await_copies(&mut self, id: OperationId, copies: u32) {
        if self.scenario.over_time.publish_loop == Loop::Open {
            return;
        }
        let operation = self.operations[id];
        match (operation.kind, copies) {
            (Kind::Publish, 0) => self.over(&operation, SimTime::ZERO),
            (Kind::Publish, _) => {
                self.thinkers.unwritten.insert(id, copies);
            }
            _ => {}
        }
    }

    /// A copy has been written, or never will be.
    #[inline]
    pub(super) fn copy_over(&mut self, id: OperationId) {
        let Some(left) = self.thinkers.unwritten.get_mut(&id) else {
            return;
        };
        *left -= 1;
        if *left == 0 {
            self.thinkers.unwritten.remove(&id);
            let operation = self.operations[id];
            self.over(&operation, operation.last_receipt);
        }
    }

    /// A query or a message has failed: who waits for it learns that at once, or when the time for an answer is over.
    pub(super) fn failed(&mut self, operation: &Operation, timed_out: bool) {
        let database = self.scenario.design.database.as_ref();
        let timeout = database.and_then(|database| database.timeout);
        // Where calls are watched, what they waited is part of what was spent.
        let ahead = timed_out && self.calls.is_none();
        let waits = timeout.filter(|_| ahead).unwrap_or_default();
        let spent = operation.parts.total_units() * UNIT_NS;
        let at = operation.started + SimDuration::from_nanos(spent) + waits;
        self.over(operation, at);
    }

    /// Those who are free think again.
    #[inline]
    pub(super) fn think_again(&mut self, out: &mut Schedule<'_, Event>) {
        while let Some((kind, client, at)) = self.thinkers.free.pop() {
            self.think(kind, client, at.max(out.now()), out);
        }
    }
}
