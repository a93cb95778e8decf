//! The way of a message behind its first server: channel owner or broker, and copies.
//!
//! In process (routing Local), or over a link to the owner of its channel, or to the leader of its partition. There it is
//! numbered, and one copy per target server leaves as soon as it is made. What is read and written on the way stands in
//! [`super::asking`].

use routing::{ConnectionId, RoutingMode, ServerId};

use super::backend::{Ordered, Sending};
use super::event::{Event, STRAIGHT, Work};
use super::operation::{Kind, NOBODY, OperationId, Part};
use super::servers::timestamp;
use super::world::{Sent, World};
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::time::{SimDuration, SimTime};

const LINGER: Purpose = Purpose::named("broker/linger");

impl World {
    /// Sends a message to whoever orders its channel, and its copies on.
    pub(super) fn route(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        if self.must_be_logged(id) {
            return self.hand_to_command_side(id, out);
        }
        if self.operations[id].kind == Kind::Edit {
            return self.edits_to_owner(id, out);
        }
        match self.scenario.design.routing {
            RoutingMode::Local => {
                self.sequence(id, now);
                self.operations[id].mark = now;
                self.send_copies(id, out, |_| now);
            }
            RoutingMode::ChannelOwner | RoutingMode::Broadcast | RoutingMode::Interest => {
                self.hand_in(id, out);
            }
        }
    }

    /// A message leaves its server for whoever orders its channel.
    fn hand_in(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let mut link = SimDuration::ZERO;
        if self.operations[id].origin != NOBODY {
            let from = self.sites.of_server(self.operations[id].server);
            let to = self.ordered_in(id);
            let Some(way) = self.reach(id, from, to, u64::MAX) else {
                return self.fail(id, false);
            };
            link = way;
            let bytes = self.inner_bytes(self.operations[id].kind);
            if !self.sites.carried(from, to, bytes) {
                self.ledger.inner.to_order += bytes;
            }
        }
        self.operations[id].parts.add(Part::Link, link);
        let by_owner = self.scenario.design.routing == RoutingMode::ChannelOwner;
        out.after(
            link,
            if by_owner {
                Event::AtOwner(id)
            } else {
                Event::AtBroker(id)
            },
        );
    }

    pub(super) fn at_owner(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let key = self.path_key(&self.operations[id]);
        let site = self.ordered_in(id);
        let owner = self.owners.as_ref();
        let Some(node) = owner.and_then(|owners| owners.owner(site, key)) else {
            self.fail(id, false);
            return;
        };
        self.sequence(id, now);
        self.operations[id].leader = node as u16;
        let copies = self.copies_from(id, site);
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
        let site = self.ordered_in(id);
        let key = self.path_key(&self.operations[id]);
        let Some(broker) = &mut self.broker else {
            return;
        };
        let partition = broker.partition(key);
        let Some(leader) = broker.leader(now, site, partition) else {
            match broker.retry_at(site, partition, now) {
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
        let copies = self.copies_from(id, site);
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
    /// broker partition with a replica sends again after the failover. So do those that relay.
    pub(super) fn died_on_the_way(
        &mut self,
        server: u16,
        (id, planned, relay): (OperationId, u32, u16),
        out: &mut Schedule<'_, Event>,
    ) -> bool {
        let now = out.now();
        let to = self.sites.of_server(server);
        let straight = relay == STRAIGHT;
        let from = if straight {
            self.left_from(&self.operations[id])
        } else {
            to
        };
        let link = self.sites.link(from, to);
        let left = now.saturating_sub(link);
        let sending = if straight {
            self.sending(id, left)
        } else {
            self.relayed(id, (to, relay), left)
        };
        match sending {
            Sending::Sent => return false,
            Sending::Lost => self.void_copy(usize::from(server), id, planned, now),
            Sending::Again(at) => {
                let work = Work::Copy {
                    operation: id,
                    recipients: planned,
                    relay,
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
        if self.order.is_some() {
            self.number_copies(id);
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
        let local = self.scenario.design.routing == RoutingMode::Local;
        let in_process = local && self.operations[id].origin != NOBODY;
        let copies = self.plan.copies().len() as u64;
        let edits = self.operations[id].edits();
        let bytes = copies * self.inner_bytes(self.operations[id].kind) * u64::from(edits);
        let operation = &mut self.operations[id];
        operation.outstanding = copies as u32 + 1;
        if operation.measured {
            let planned = self.plan.recipients();
            self.ledger.kind(operation.kind).in_transit += planned;
        }
        self.await_copies(id, copies as u32);
        if (self.sites.many() || self.operations[id].relayed) && !in_process {
            return self.send_to_regions(id, out, leaves);
        }
        let link = if in_process {
            SimDuration::ZERO
        } else {
            self.ledger.inner.copies += bytes;
            self.sites.link(0, 0)
        };
        for (k, copy) in self.plan.copies().iter().enumerate() {
            let work = Work::Copy {
                operation: id,
                recipients: copy.recipients,
                relay: STRAIGHT,
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
        self.failed(&operation, timed_out);
        if operation.kind.is_answered() && operation.leader != u16::MAX {
            self.web_failed(id, &operation);
        }
        if operation.kind == Kind::Edit {
            self.edits_failed(id);
        }
        if let Some(list) = operation.recipients {
            self.lists.remove(list);
        }
        self.operations.remove(id);
    }
}
