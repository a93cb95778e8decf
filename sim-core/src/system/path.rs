//! The way of an operation behind its first server: database, channel owner or broker, copies, answer.
//!
//! Publish: as many database queries as it needs, one after the other; then in process (routing Local), or over a link to
//! the owner of its channel, or to the leader of its partition. There it is numbered, and one copy per target server leaves
//! as soon as it is made. Query: one database query, then the answer goes back through the server.

use routing::{ConnectionId, RoutingMode, ServerId};

use super::backend::{Ordered, Queried, Sending};
use super::event::{Event, Work};
use super::inflight::Direct;
use super::ledger::units_ns;
use super::operation::{Kind, NOBODY, OperationId, Part};
use super::servers::timestamp;
use super::world::{Sent, World};
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::histogram::units_of;
use crate::time::{SimDuration, SimTime};

const QUERY_TIME: Purpose = Purpose::named("database/query");
const LINGER: Purpose = Purpose::named("broker/linger");

impl World {
    /// A server has read a client's operation.
    pub(super) fn received(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let queries = match self.operations[id].kind {
            Kind::Publish => self
                .scenario
                .traffic
                .publish
                .as_ref()
                .map_or(0, |publish| publish.queries),
            Kind::Query => 1,
            Kind::Presence | Kind::Connect => 0,
        };
        self.operations[id].queries_left = queries as u16;
        self.next_step(id, out);
    }

    /// Asks the database as often as the operation needs, then routes or answers it.
    pub(super) fn next_step(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let operation = &mut self.operations[id];
        if operation.queries_left > 0 && self.database.is_some() {
            operation.queries_left -= 1;
            let link = self.network.server_link();
            operation.parts.add(Part::Link, link);
            out.after(link, Event::AtDatabase(id));
        } else if operation.kind == Kind::Query {
            let (server, asker) = (operation.server, operation.origin);
            self.clients.prefetch(asker);
            let epoch = self.servers.servers[usize::from(server)].epoch;
            self.arrive_at_server(server, epoch, Work::Answer(id), out);
        } else {
            self.route(id, out);
        }
    }

    /// A query's answer is back at the server that asked, unless the database died before it could give it.
    pub(super) fn queried(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let answered = out.now().saturating_sub(self.network.server_link());
        let came = self.operations[id].mark;
        if self
            .database
            .as_ref()
            .is_some_and(|database| database.lost(came, answered))
        {
            self.fail(id, false);
        } else {
            self.next_step(id, out);
        }
    }

    pub(super) fn at_database(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let Some(database) = &mut self.database else {
            return;
        };
        let now = out.now();
        let operation = &mut self.operations[id];
        let bits = self.draws.u32(
            QUERY_TIME,
            operation.key(),
            u64::from(operation.queries_left),
        );
        let demand = database.query.sample(bits);
        match database.ask(now, demand) {
            Queried::Served(departure) => {
                let link = self.network.server_link();
                let kind = operation.kind;
                operation.mark = now;
                operation
                    .parts
                    .add(Part::DatabaseQueue, departure.started - now);
                operation.parts.add(Part::DatabaseService, demand);
                operation.parts.add(Part::Link, link);
                self.ledger.inner.database += self.inner_bytes(kind);
                out.at(departure.at + link, Event::Queried(id));
            }
            Queried::Refused => self.fail(id, false),
            Queried::GivesUp(_) => self.fail(id, true),
        }
    }

    /// Sends a message to whoever orders its channel, and its copies on.
    pub(super) fn route(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        match self.scenario.design.routing {
            RoutingMode::Local => {
                self.sequence(id, now);
                self.operations[id].mark = now;
                self.send_copies(id, out, |_| now);
            }
            RoutingMode::ChannelOwner | RoutingMode::Broadcast | RoutingMode::Interest => {
                let link = if self.operations[id].origin == NOBODY {
                    SimDuration::ZERO
                } else {
                    self.network.server_link()
                };
                self.operations[id].parts.add(Part::Link, link);
                let by_owner = self.scenario.design.routing == RoutingMode::ChannelOwner;
                if self.operations[id].origin != NOBODY {
                    self.ledger.inner.to_order += self.inner_bytes(self.operations[id].kind);
                }
                out.after(
                    link,
                    if by_owner {
                        Event::AtOwner(id)
                    } else {
                        Event::AtBroker(id)
                    },
                );
            }
        }
    }

    pub(super) fn at_owner(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let key = u64::from(self.operations[id].channel.0);
        let Some(node) = self.owners.as_ref().and_then(|owners| owners.owner(key)) else {
            self.fail(id, false);
            return;
        };
        self.sequence(id, now);
        self.operations[id].leader = node as u16;
        let copies = self.plan.copies().len();
        let ordered = self
            .owners
            .as_mut()
            .and_then(|owners| owners.order(now, node, key, copies));
        match ordered {
            Some(ordered) => self.leave(id, now, ordered, Part::OwnerQueue, SimDuration::ZERO, out),
            None => unreachable!("an owner that lives orders"),
        }
    }

    pub(super) fn at_broker(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(broker) = &mut self.broker else {
            return;
        };
        broker.partitions.poll(timestamp(now));
        let partition = broker.partition(self.operations[id].channel);
        let Some(leader) = broker.partitions.leader(partition) else {
            match broker.retry_at(partition, now) {
                Some(at) => {
                    self.operations[id].parts.add(Part::BrokerLinger, at - now);
                    out.at(at, Event::AtBroker(id));
                }
                None => self.fail(id, false),
            }
            return;
        };
        self.sequence(id, now);
        self.operations[id].leader = leader as u16;
        let operation = self.operations[id];
        let copies = self.plan.copies().len();
        let Some(broker) = &mut self.broker else {
            return;
        };
        let linger = broker
            .linger
            .sample(self.draws.u32(LINGER, operation.key(), 0));
        match broker.take(now, leader, partition, copies) {
            Some(ordered) => self.leave(id, now, ordered, Part::BrokerQueue, linger, out),
            None => self.fail(id, false),
        }
    }

    /// Whether a copy that arrives would have left an owner or a broker node after its death. What an owner held is lost; a
    /// broker partition with a replica sends again after the failover.
    pub(super) fn died_on_the_way(
        &mut self,
        server: u16,
        id: OperationId,
        planned: u32,
        out: &mut Schedule<'_, Event>,
    ) -> bool {
        let now = out.now();
        let link = self.network.server_link();
        let operation = &self.operations[id];
        let left = now.saturating_sub(link);
        let by_owner = self
            .owners
            .as_ref()
            .filter(|_| self.scenario.design.routing == RoutingMode::ChannelOwner)
            .and_then(|owners| {
                owners
                    .nodes
                    .death(operation.leader, operation.sequenced, left)
            });
        let sending = match &self.broker {
            _ if by_owner.is_some() => Sending::Lost,
            Some(broker) => broker.sending(
                operation.leader,
                operation.channel,
                operation.sequenced,
                left,
            ),
            None => Sending::Sent,
        };
        match sending {
            Sending::Sent => return false,
            Sending::Lost => self.void_copy(usize::from(server), id, planned, now),
            Sending::Again(at) => {
                let work = Work::Copy {
                    operation: id,
                    recipients: planned,
                };
                out.at(at.max(now) + link, self.at_server(server, work));
            }
        }
        true
    }

    /// Notes the wait at the station that ordered a message, and sends its copies as they leave.
    pub(super) fn leave(
        &mut self,
        id: OperationId,
        now: SimTime,
        ordered: Ordered,
        queue: Part,
        rest: SimDuration,
        out: &mut Schedule<'_, Event>,
    ) {
        let operation = &mut self.operations[id];
        operation.parts.add(queue, ordered.departure.started - now);
        operation.parts.add(Part::BrokerLinger, rest);
        operation.mark = ordered.departure.started + rest;
        self.send_copies(id, out, |k| ordered.leaves(k) + rest);
    }

    /// Numbers a message in its channel and plans one copy per server with members.
    pub(super) fn sequence(&mut self, id: OperationId, now: SimTime) {
        let operation = &mut self.operations[id];
        operation.sequenced = now;
        let origin = match operation.origin {
            NOBODY => ServerId(0),
            connection => self.hub.connections().server(ConnectionId(connection)),
        };
        if operation.kind == Kind::Presence {
            self.plan_presence(id);
            return;
        }
        let sent = Sent {
            started: operation.started,
            fate: None,
        };
        let published = self.hub.publish(
            timestamp(now),
            operation.channel,
            origin,
            sent,
            &mut self.plan,
        );
        operation.seq = published.seq;
        operation.owed = published.owed_live + published.owed_away;
        if operation.measured {
            self.ledger.kind(Kind::Publish).owed += published.owed_live + published.owed_away;
        }
    }

    /// A status change goes to every distinct co-member who is online.
    pub(super) fn plan_presence(&mut self, id: OperationId) {
        let user = ConnectionId(self.operations[id].origin);
        let mut pairs = core::mem::take(&mut self.pairs);
        pairs.clear();
        for &channel in self.hub.directory().channels_of(user) {
            for (home, members) in self.hub.directory().groups(channel) {
                let routing::Home::Live(server) = home else {
                    continue;
                };
                for &member in members {
                    let seen = &mut self.presence_seen[member.index() / 64];
                    let bit = 1 << (member.index() % 64);
                    if *seen & bit == 0 {
                        *seen |= bit;
                        pairs.push((server, member));
                    }
                }
            }
        }
        for &(_, member) in &pairs {
            self.presence_seen[member.index() / 64] = 0;
        }
        let owed = pairs.len() as u64;
        self.pairs = pairs;
        let list = self.lists.insert(&self.pairs, &mut self.plan);
        let operation = &mut self.operations[id];
        operation.recipients = Some(list);
        operation.owed = owed;
        if operation.measured {
            self.ledger.kind(Kind::Presence).owed += owed;
        }
    }

    /// Sends the planned copies; copy `k` leaves at `leaves(k)`.
    pub(super) fn send_copies(
        &mut self,
        id: OperationId,
        out: &mut Schedule<'_, Event>,
        leaves: impl Fn(usize) -> SimTime,
    ) {
        let link = match self.scenario.design.routing {
            RoutingMode::Local if self.operations[id].origin != NOBODY => SimDuration::ZERO,
            _ => self.network.server_link(),
        };
        let copies = self.plan.copies().len() as u64;
        if link > SimDuration::ZERO {
            self.ledger.inner.copies += copies * self.inner_bytes(self.operations[id].kind);
        }
        let operation = &mut self.operations[id];
        operation.outstanding = copies as u32 + 1;
        if operation.measured {
            let planned = self.plan.recipients();
            self.ledger.kind(operation.kind).in_transit += planned;
        }
        for (k, copy) in self.plan.copies().iter().enumerate() {
            let work = Work::Copy {
                operation: id,
                recipients: copy.recipients,
            };
            let epoch = self.servers.servers[copy.server.index()].epoch;
            out.at(
                leaves(k) + link,
                Event::AtServer {
                    server: copy.server.0,
                    epoch,
                    work,
                },
            );
        }
        self.release(id);
    }

    /// Whether the connection that asked a server at `since` is still on it.
    fn still_here(&self, server: usize, asker: u32, since: SimTime) -> bool {
        // Where nobody came or went, nothing of the connection needs to be looked at.
        self.servers.servers[server].is_quiet_since(since)
            || self.is_online(ConnectionId(asker))
                && self.hub.connections().server(ConnectionId(asker)) == ServerId(server as u16)
    }

    /// A query's answer is on its way to the client that asked.
    pub(super) fn answer(&mut self, server: usize, id: OperationId, now: SimTime) {
        let operation = self.operations[id];
        if !self.still_here(server, operation.origin, operation.started) {
            self.fail(id, false);
            return;
        }
        self.operations.remove(id);
        let client = self.clients.get(operation.origin);
        let jitter = self
            .network
            .jitter_units(client.place, operation.key(), operation.origin);
        let mut parts = operation.parts;
        let free = now + SimDuration::from_nanos(units_ns(client.place.base_units() + jitter));
        let receipt = free.max(self.clients.last_receipt(operation.origin, now));
        parts.add(Part::Downlink, free - now);
        parts.add(Part::Order, receipt - free);
        let bytes = u64::from(self.wire_bytes(operation.kind));
        self.servers.servers[server].bytes_out += bytes;
        self.ledger.egress_bytes += bytes;
        if operation.measured {
            let ledger = self.ledger.kind(operation.kind);
            ledger.completed += 1;
            ledger.ended(operation.started, units_of(receipt - operation.started));
        }
        let direct = Direct {
            connection: operation.origin,
            kind: operation.kind,
            measured: operation.measured,
            started: operation.started,
            receipt,
            units: units_of(receipt - operation.started),
            parts,
            message: None,
        };
        self.query_answered(&operation, receipt);
        self.receive_direct(server, direct);
        self.flush(server, now);
    }

    /// An operation ends in an error or a timeout.
    pub(super) fn fail(&mut self, id: OperationId, timed_out: bool) {
        let operation = self.operations[id];
        if operation.measured {
            let ledger = self.ledger.kind(operation.kind);
            if timed_out {
                ledger.timed_out += 1;
            } else {
                ledger.failed += 1;
            }
        }
        self.query_failed(&operation, timed_out);
        if let Some(list) = operation.recipients {
            self.lists.remove(list);
        }
        self.operations.remove(id);
    }
}
