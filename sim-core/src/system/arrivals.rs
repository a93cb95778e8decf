//! Who starts what: open-loop arrivals over the whole system, Poisson unless the scenario says otherwise ([`super::rhythm`]).
//!
//! The gap to the n-th operation of a kind, who starts it and in which channel are draws keyed to (kind, n), so a changed
//! design never moves them. A user picked at random publishes in one of its channels at random: messages land in channels in
//! proportion to their members, and the mean fan-out is the size-biased one. A user who is offline starts nothing.

use routing::{ChannelId, ConnectionId};

use super::event::{Event, Work};
use super::ledger::units_ns;
use super::operation::{Kind, NOBODY, Operation, Part};
use super::rhythm::{self, Rhythm};
use super::world::World;
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::scenario::over_time::utc_offset_h;
use crate::scenario::{Arrivals, OverTime, Per, Publisher};
use crate::time::{SimDuration, SimTime};

const WHO: Purpose = Purpose::named("operation/who");
const CHANNEL: Purpose = Purpose::named("operation/channel");
/// Uplink jitter is keyed like downlink jitter, on another stream.
const UPLINK: u64 = 0x7570_6c69_6e6b_0000;

impl World {
    pub(super) fn schedule_arrival(&mut self, kind: Kind, out: &mut Schedule<'_, Event>) {
        let ordinal = self.arrivals[kind.index()];
        let arrivals = self.scenario.over_time.arrivals(kind);
        if let Arrivals::Instants(instants) = arrivals {
            if let Some(at) = instants.get(ordinal as usize) {
                out.at((SimTime::ZERO + *at).max(out.now()), Event::Arrival(kind));
            }
            return;
        }
        let stated = self.offered_per_s(kind);
        let rate = Rhythm::ceiling(arrivals, &self.scenario.over_time, stated);
        let waits = self.closed_loop(kind).is_some();
        if rate <= 0.0 || waits {
            return;
        }
        let gap = rhythm::gap(&self.draws, kind as u64, ordinal, rate);
        let Some(sale) = self.scenario.traffic.reserve.as_ref() else {
            return out.after(gap, Event::Arrival(kind));
        };
        let opens = SimTime::ZERO + sale.opens;
        let closes = sale.lasts.map_or(SimTime::MAX, |lasts| opens + lasts);
        let from = match kind {
            Kind::Reserve => out.now().max(opens),
            _ => out.now(),
        };
        if kind != Kind::Reserve || from + gap <= closes {
            out.at(from + gap, Event::Arrival(kind));
        }
    }

    pub(super) fn arrival(&mut self, kind: Kind, out: &mut Schedule<'_, Event>) {
        let ordinal = self.arrivals[kind.index()];
        self.arrivals[kind.index()] += 1;
        self.schedule_arrival(kind, out);
        self.look_ahead(kind, ordinal);
        let Some(who) = self.who(kind, ordinal) else {
            return;
        };
        if self.happens(kind, ordinal, who.0, out.now()) {
            self.start(kind, ordinal, who, out);
        }
    }

    /// Whether a candidate becomes an operation, at the level of load where it comes from.
    fn happens(&mut self, kind: Kind, ordinal: u64, origin: u32, now: SimTime) -> bool {
        let over_time = &self.scenario.over_time;
        let arrivals = over_time.arrivals(kind);
        if Rhythm::is_plain(arrivals, over_time) {
            return true;
        }
        let utc_offset_h = match origin {
            NOBODY => self.feed_utc_offset_h(),
            origin => {
                let class = self.clients.get(origin).place.class();
                let place = usize::from(class) / self.scenario.load.access.len().max(1);
                let places = &self.scenario.load.places;
                places
                    .get(place)
                    .map_or(0.0, |(region, _)| utc_offset_h(region))
            }
        };
        let rhythm = &mut self.rhythms[kind.index()];
        rhythm.keeps(
            (arrivals, over_time),
            &self.draws,
            ordinal,
            utc_offset_h,
            now,
        )
    }

    fn feed_utc_offset_h(&self) -> f64 {
        let publish = self.scenario.traffic.publish.as_ref();
        match publish.map(|publish| &publish.from) {
            Some(Publisher::Feed(region)) => utc_offset_h(region),
            Some(Publisher::Members) | None => 0.0,
        }
    }

    /// Somebody starts an operation.
    pub(super) fn start(
        &mut self,
        kind: Kind,
        ordinal: u64,
        (origin, channel): (u32, ChannelId),
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let measured = now >= self.ledger.since;
        let mut operation = Operation::new(kind, now, origin, ordinal, measured);
        operation.channel = channel;
        if measured {
            self.ledger.kind(kind).offered += 1;
        }
        if kind == Kind::Notify {
            return self.notify(operation, out);
        }
        if kind == Kind::Edit {
            return self.edit(operation, out);
        }
        if origin == NOBODY {
            let id = self.operations.insert(operation);
            self.route(id, out);
            return;
        }
        if matches!(kind, Kind::Query | Kind::FetchAsset) && self.ask_by_http(operation, out) {
            return;
        }
        self.enter(operation, out);
    }

    /// A client sends an operation to its server.
    pub(super) fn enter(&mut self, mut operation: Operation, out: &mut Schedule<'_, Event>) {
        let origin = operation.origin;
        let client = self.clients.get(origin);
        let jitter = self
            .network
            .jitter_units(client.place, operation.key() ^ UPLINK, origin);
        let uplink = SimDuration::from_nanos(units_ns(client.place.base_units() + jitter));
        operation.parts.add(Part::Uplink, uplink);
        let server = self.hub.connections().server(ConnectionId(origin));
        operation.server = server.0;
        let id = self.operations.insert(operation);
        out.after(uplink, self.at_server(server.0, Work::Receive(id)));
    }

    /// Who starts an operation, and in which channel; `None` when the one drawn is offline or in no channel.
    pub(super) fn who(&self, kind: Kind, ordinal: u64) -> Option<(u32, ChannelId)> {
        let traffic = &self.scenario.traffic;
        let publish = traffic.publish.as_ref().filter(|_| kind == Kind::Publish);
        let edit = traffic.edit.as_ref().filter(|_| kind == Kind::Edit);
        let by_channel = edit.is_some_and(|edit| edit.rate.per == Per::Channel)
            || publish.is_some_and(|publish| {
                publish.rate.per == Per::Channel || publish.from != Publisher::Members
            });
        if by_channel {
            let channel = ChannelId(self.draws.below(
                CHANNEL,
                kind as u64,
                ordinal,
                self.channels.max(1).into(),
            ) as u32);
            if publish.is_some_and(|publish| publish.from != Publisher::Members) {
                return Some((NOBODY, channel));
            }
            let members = self.hub.directory().len(channel) as u64;
            let pick = self.draws.below(WHO, kind as u64, ordinal, members.max(1));
            return self
                .nth_live_member(channel, pick)
                .map(|member| (member.0, channel));
        }
        let user = self.user(kind, ordinal);
        if kind != Kind::Notify && !self.is_online(user) {
            return None;
        }
        if !matches!(kind, Kind::Publish | Kind::Edit) {
            return Some((user.0, ChannelId(user.0)));
        }
        let channel = self.one_of_its_channels(user, kind, ordinal)?;
        Some((user.0, channel))
    }

    /// The channel that a user's message goes to; `None`: it is in none.
    pub(super) fn one_of_its_channels(
        &self,
        user: ConnectionId,
        kind: Kind,
        ordinal: u64,
    ) -> Option<ChannelId> {
        let channels = self.hub.directory().channels_of(user);
        let among = (channels.len() as u64).max(1);
        let index = self.draws.below(CHANNEL, kind as u64, ordinal, among);
        channels.get(index as usize).copied()
    }

    fn user(&self, kind: Kind, ordinal: u64) -> ConnectionId {
        let users = self.clients.len().max(1);
        ConnectionId(self.draws.below(WHO, kind as u64, ordinal, users.into()) as u32)
    }

    /// Reads what the operations after the next ones will need of their users. The rows lie anywhere in memory: read
    /// together they are fetched side by side, and are at hand when their turn comes.
    fn look_ahead(&mut self, kind: Kind, ordinal: u64) {
        const AHEAD: u64 = 32;
        if !ordinal.is_multiple_of(AHEAD) {
            return;
        }
        let mut touched = 0;
        for ordinal in ordinal + AHEAD..ordinal + 2 * AHEAD {
            let user = self.user(kind, ordinal);
            touched ^= self.clients.get(user.0).place.base_units();
            touched ^= u32::from(self.hub.connections().server(user).0);
        }
        core::hint::black_box(touched);
    }

    pub(super) fn nth_live_member(&self, channel: ChannelId, n: u64) -> Option<ConnectionId> {
        let mut left = n as usize;
        for (home, members) in self.hub.directory().groups(channel) {
            if left < members.len() {
                return matches!(home, routing::Home::Live(_)).then(|| members[left]);
            }
            left -= members.len();
        }
        None
    }

    /// Whether a user has an open connection to a server that lives.
    pub(super) fn is_online(&self, user: ConnectionId) -> bool {
        self.hub.connections().open_server(user).is_some() && !self.away.contains_key(&user.0)
    }
}

impl OverTime {
    /// How the operations of a kind arrive.
    fn arrivals(&self, kind: Kind) -> &Arrivals {
        match kind {
            Kind::Publish => &self.publish,
            Kind::Presence => &self.presence,
            Kind::Query => &self.query,
            Kind::Command => &self.command,
            Kind::Edit => &self.edit,
            Kind::Connect | Kind::FetchAsset | Kind::Reserve | Kind::Order | Kind::Notify => {
                &Arrivals::Poisson
            }
        }
    }
}
