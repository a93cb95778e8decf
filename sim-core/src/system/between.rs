//! Copies that are copied again: in another region, and by the relays of a huge channel.
//!
//! Whoever orders a channel sends one copy to every server of its own region, and one to each other region: to the owner, or
//! to the leader of the partition, that the channel falls on *there*. That node takes the message in as if it were to order
//! it and sends a copy to each server of its region. Without the relay, every remote server is sent a copy of its own.
//!
//! A channel with more members in its own region than a relay sends to is sent to relays (a real [`routing::pubsub::RelayTree`]
//! says how many), each of which copies it for an equal part of the servers. They are channel owners too, as placement has it.
//!
//! A node that dies while it relays has sent what it had written by then; the rest is lost with an owner, and sent again after
//! the failover by a broker partition with a replica.
//!
//! Left out: a node that dies and is back while a message is on its way to it, which it then takes in, is taken to lose it.

use routing::RoutingMode;
use routing::pubsub::Copy;

use super::backend::Sending;
use super::event::{Event, STRAIGHT, Work};
use super::operation::{Kind, NOBODY, Operation, OperationId};
use super::sites::Site;
use super::world::World;
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::time::{SimDuration, SimTime};

const LOSS: Purpose = Purpose::named("link/loss");

/// Index of a [`Bundle`].
pub type BundleId = u32;

/// The planned copies of a message for the servers of one region.
#[derive(Clone, Debug)]
struct Bundle {
    operation: OperationId,
    site: Site,
    /// Number of the relay in the region.
    relay: u32,
    /// When it left whoever ordered the message.
    left: SimTime,
    copies: Vec<Copy>,
}

/// Bundles on their way, with free places reused.
#[derive(Clone, Debug, Default)]
pub struct Bundles {
    places: Vec<Option<Bundle>>,
    free: Vec<BundleId>,
}

impl Bundles {
    fn insert(&mut self, bundle: Bundle) -> BundleId {
        match self.free.pop() {
            Some(id) => {
                self.places[id as usize] = Some(bundle);
                id
            }
            None => {
                self.places.push(Some(bundle));
                (self.places.len() - 1) as BundleId
            }
        }
    }

    fn take(&mut self, id: BundleId) -> Option<Bundle> {
        let bundle = self.places.get_mut(id as usize)?.take()?;
        self.free.push(id);
        Some(bundle)
    }
}

impl World {
    /// The region that orders an operation: that of its channel, or of the user whose status changes.
    pub(super) fn ordered_in(&self, id: OperationId) -> Site {
        if !self.sites.many() {
            return 0;
        }
        let operation = &self.operations[id];
        match operation.kind {
            Kind::Presence => {
                let home = self.sites.of_server(operation.server);
                self.sites.stand_in(home)
            }
            _ => self.sites.orders(operation.channel.0),
        }
    }

    /// The region of the node that has ordered an operation.
    pub(super) fn left_from(&self, operation: &Operation) -> Site {
        let node = u32::from(operation.leader);
        if operation.kind == Kind::Edit {
            return self.sites.home;
        }
        match self.scenario.design.routing {
            RoutingMode::Local => self.sites.home,
            RoutingMode::ChannelOwner => self.sites.owners.site(node),
            RoutingMode::Broadcast | RoutingMode::Interest => self.sites.broker.site(node),
        }
    }

    /// One way between the nodes that a copy to a server passes, on a good day.
    pub(super) fn copy_link(&self, operation: &Operation, server: usize) -> SimDuration {
        let local = self.scenario.design.routing == RoutingMode::Local;
        if local && operation.origin != NOBODY {
            return SimDuration::ZERO;
        }
        let (from, to) = (
            self.left_from(operation),
            self.sites.of_server(server as u16),
        );
        let across = self.sites.link(from, to);
        if operation.relayed && from == to || from != to && self.sites.relay {
            across + self.sites.link(to, to)
        } else {
            across
        }
    }

    /// One way for an operation between two regions; `None`: they do not reach each other. `leg` tells its messages apart.
    pub(super) fn reach(
        &self,
        id: OperationId,
        from: Site,
        to: Site,
        leg: u64,
    ) -> Option<SimDuration> {
        let key = self.operations[id].key();
        self.sites
            .reach(from, to, || self.draws.unit_f64(LOSS, key, leg))
    }

    /// Copies that whoever orders a message in a region makes of the present plan. Notes whether it needs relays.
    pub(super) fn copies_from(&mut self, id: OperationId, from: Site) -> usize {
        if !self.sites.many() && !self.has_relays() {
            return self.plan.copies().len();
        }
        let plan = core::mem::take(&mut self.plan);
        let (mut made, mut relayed) = (0, false);
        for here in self.by_region(plan.copies()) {
            let parcels = self.parcels(from, here);
            relayed |= parcels.is_some() && self.region_of(here) == from;
            made += parcels.map_or(here.len(), |parcels| parcels.len());
        }
        self.operations[id].relayed = relayed;
        self.plan = plan;
        made
    }

    pub(super) fn has_relays(&self) -> bool {
        let owners = self.scenario.design.channel_owners.as_ref();
        owners.is_some_and(|owners| owners.relay_members.is_some())
    }

    /// Copies by region: servers come in order, and those of a region stand together.
    fn by_region<'a>(&self, copies: &'a [Copy]) -> Vec<&'a [Copy]> {
        let same = |a: &Copy, b: &Copy| {
            self.sites.of_server(a.server.0) == self.sites.of_server(b.server.0)
        };
        copies.chunk_by(same).collect()
    }

    fn region_of(&self, copies: &[Copy]) -> Site {
        let first = copies.first();
        first.map_or(self.sites.home, |copy| self.sites.of_server(copy.server.0))
    }

    /// How the copies for a region are sent: to a relay each, or (`None`) to the servers themselves.
    fn parcels<'a>(&self, from: Site, here: &'a [Copy]) -> Option<Vec<&'a [Copy]>> {
        if self.region_of(here) != from {
            return self.sites.relay.then(|| vec![here]);
        }
        let members: u64 = here.iter().map(|copy| u64::from(copy.recipients)).sum();
        let relays = self
            .owners
            .as_ref()
            .map_or(0, |owners| owners.relays(members));
        let each = here.len().div_ceil(relays.max(1));
        (relays > 1).then(|| here.chunks(each).collect())
    }

    /// Sends the planned copies to the regions of their servers; copy `k` leaves at `leaves(k)`.
    pub(super) fn send_to_regions(
        &mut self,
        id: OperationId,
        out: &mut Schedule<'_, Event>,
        leaves: impl Fn(usize) -> SimTime,
    ) {
        let from = self.left_from(&self.operations[id]);
        let plan = core::mem::take(&mut self.plan);
        let mut elsewhere = false;
        let mut k = 0;
        for here in self.by_region(plan.copies()) {
            let ends = (from, self.region_of(here));
            elsewhere |= ends.0 != ends.1;
            let Some(parcels) = self.parcels(from, here) else {
                for copy in here {
                    self.send_straight(id, ends, leaves(k), *copy, out);
                    k += 1;
                }
                continue;
            };
            for (relay, copies) in parcels.into_iter().enumerate() {
                self.send_parcel(id, ends, (leaves(k), relay), copies, out);
                k += 1;
            }
        }
        if self.operations[id].kind == Kind::Publish {
            self.sites.counts.messages += 1;
            self.sites.counts.spread_messages += u64::from(elsewhere);
        }
        self.plan = plan;
        self.release(id);
    }

    /// A copy goes from whoever ordered it to its server.
    fn send_straight(
        &mut self,
        id: OperationId,
        (from, to): (Site, Site),
        left: SimTime,
        copy: Copy,
        out: &mut Schedule<'_, Event>,
    ) {
        let server = copy.server.0;
        let Some(link) = self.reach(id, from, to, (1 << 32) | u64::from(server)) else {
            return self.void_copy(server.into(), id, copy.recipients, left);
        };
        let bytes = self.inner_bytes(self.operations[id].kind);
        if self.sites.carried(from, to, bytes) {
            self.sites.counts.crossings += 1;
        } else {
            self.ledger.inner.copies += bytes;
        }
        out.at(
            left + link,
            self.copy_to(server, id, copy.recipients, STRAIGHT),
        );
    }

    fn copy_to(&self, server: u16, operation: OperationId, recipients: u32, relay: u16) -> Event {
        let work = Work::Copy {
            operation,
            recipients,
            relay,
        };
        self.at_server(server, work)
    }

    /// A message goes to a relay, for several servers.
    fn send_parcel(
        &mut self,
        id: OperationId,
        (from, to): (Site, Site),
        (left, relay): (SimTime, usize),
        copies: &[Copy],
        out: &mut Schedule<'_, Event>,
    ) {
        let leg = (relay as u64) << 8 | u64::from(to);
        let Some(link) = self.reach(id, from, to, leg) else {
            for copy in copies {
                self.void_copy(copy.server.index(), id, copy.recipients, left);
            }
            return;
        };
        let bytes = self.inner_bytes(self.operations[id].kind);
        if self.sites.carried(from, to, bytes) {
            self.sites.counts.crossings += 1;
        } else {
            self.ledger.inner.copies += bytes;
        }
        let bundle = self.bundles.insert(Bundle {
            operation: id,
            site: to,
            relay: relay as u32,
            left,
            copies: copies.to_vec(),
        });
        out.at(left + link, Event::AtRelay(bundle));
    }

    /// A message that crossed is copied for the servers of this region.
    pub(super) fn at_relay(&mut self, bundle: BundleId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(bundle) = self.bundles.take(bundle) else {
            return;
        };
        let id = bundle.operation;
        match self.sending(id, bundle.left) {
            Sending::Sent => {}
            Sending::Lost => return self.void_bundle(&bundle, now),
            Sending::Again(at) => {
                let link = now - bundle.left;
                let bundle = Bundle { left: at, ..bundle };
                let again = self.bundles.insert(bundle);
                return out.at(at.max(now) + link, Event::AtRelay(again));
            }
        }
        let operation = self.operations[id];
        let (site, copies) = (bundle.site, bundle.copies.len());
        let key = relay_key(operation.channel.0, bundle.relay);
        let relayed = if self.scenario.design.routing == RoutingMode::ChannelOwner {
            self.owners.as_mut().and_then(|owners| {
                let node = owners.owner(site, key)?;
                Some((node, owners.order(now, node, key, copies)?))
            })
        } else {
            self.broker.as_mut().and_then(|broker| {
                let partition = broker.partition(operation.channel.0.into());
                let leader = broker.leader(now, site, partition)?;
                Some((leader, broker.take(now, leader, partition, copies)?))
            })
        };
        let Some((node, relayed)) = relayed else {
            return self.void_bundle(&bundle, now);
        };
        let bytes = self.inner_bytes(operation.kind) * copies as u64;
        self.ledger.inner.copies += bytes;
        let link = self.sites.link(site, site);
        for (k, copy) in bundle.copies.iter().enumerate() {
            let event = self.copy_to(copy.server.0, id, copy.recipients, node as u16);
            out.at(relayed.leaves(k) + link, event);
        }
    }

    fn void_bundle(&mut self, bundle: &Bundle, now: SimTime) {
        for copy in &bundle.copies {
            self.void_copy(copy.server.index(), bundle.operation, copy.recipients, now);
        }
    }

    /// What became of a copy that a node of a region would have sent on at `left`.
    pub(super) fn relayed(
        &self,
        id: OperationId,
        (site, node): (Site, u16),
        left: SimTime,
    ) -> Sending {
        let operation = &self.operations[id];
        let taken = operation.sequenced + self.sites.link(self.left_from(operation), site);
        if self.scenario.design.routing == RoutingMode::ChannelOwner {
            let owners = self.owners.as_ref();
            let died = owners.and_then(|owners| owners.nodes.death(node, taken, left));
            return died.map_or(Sending::Sent, |_| Sending::Lost);
        }
        let broker = self.broker.as_ref();
        broker.map_or(Sending::Sent, |broker| {
            broker.sending((site, node), operation.channel.0.into(), taken, left)
        })
    }

    /// What became of a copy that whoever ordered an operation would have sent at `left`.
    pub(super) fn sending(&self, id: OperationId, left: SimTime) -> Sending {
        let operation = &self.operations[id];
        if operation.kind == Kind::Edit {
            let (node, taken) = (operation.leader, operation.sequenced);
            let owners = self.documents.as_deref();
            let died = owners.and_then(|owners| owners.nodes.death(node, taken, left));
            return died.map_or(Sending::Sent, |_| Sending::Lost);
        }
        if self.scenario.design.routing == RoutingMode::ChannelOwner {
            let died = self.owners.as_ref().and_then(|owners| {
                owners
                    .nodes
                    .death(operation.leader, operation.sequenced, left)
            });
            return died.map_or(Sending::Sent, |_| Sending::Lost);
        }
        let Some(broker) = &self.broker else {
            return Sending::Sent;
        };
        let at = (self.left_from(operation), operation.leader);
        let key = self.path_key(operation);
        broker.sending(at, key, operation.sequenced, left)
    }
}

/// Where the relays of a channel fall: the first on the owner's key, so that other regions relay where they would order.
fn relay_key(channel: u32, relay: u32) -> u64 {
    u64::from(relay) << 32 | u64::from(channel)
}
