//! Connections that are lost and made again.
//!
//! A client whose connection is gone waits as its reconnect policy says, then asks the balancer for a server. The server
//! refuses when it is full or admits fewer per second; otherwise it spends the profile's accept time. A session that comes
//! back within the resume window is sent what it missed from the replay rings of its channels, in order; older messages, and
//! all messages of a session that expired, stay lost.
//!
//! A server that dies says nothing. A client notices when the heartbeat timeout has passed since the last heartbeat that was
//! answered, which lies up to one interval before the death; the registry notices one timeout after it. Until then messages
//! are still sent to it. A connection that is *cut* (by the
//! network, or by a server that drains) is noticed at once on both sides.
//!
//! What a client had received when its connection went is recomputed from the keyed draws, see [`super::deliveries`]; only
//! what it missed is noted, on the ring entry ([`Fate`]).

use std::sync::Arc;

use routing::region::Refused;
use routing::{BackendState, ChannelId, ConnectionId, ConnectionState, Seq, ServerId};

use super::event::{Event, Work};
use super::faults::NOTICE;
use super::inflight::Direct;
use super::ledger::{Ledger, Refusal, units_ns};
use super::operation::{Kind, Part, Parts};
use super::population::ClassId;
use super::recovery::Noticed;
use super::servers::timestamp;
use super::sites::Site;
use super::world::World;
use crate::draw::{Draws, Purpose};
use crate::engine::Schedule;
use crate::histogram::units_of;
use crate::time::{SimDuration, SimTime};

const RECONNECT: Purpose = Purpose::named("client/reconnect");

/// Who missed a message although it was sent to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Servers that died before writing it, and when that was known.
    pub void_on: Vec<(ServerId, SimTime)>,
    /// Connections that went before they had received it, and when.
    pub missed_by: Vec<(u32, SimTime)>,
}

/// A client without a connection.
#[derive(Clone, Copy, Debug)]
pub struct Away {
    /// The server it was on.
    pub server: ServerId,
    /// Attempts so far.
    pub attempts: u32,
    /// Its last wait.
    pub waited: SimDuration,
    /// When it lost the connection.
    pub since: SimTime,
    /// When its present attempt began.
    pub attempt_began: SimTime,
    /// The region its present attempt goes to.
    pub site: Site,
}

impl Away {
    /// A client that has just lost its connection to `server`.
    #[must_use]
    pub fn new(server: ServerId) -> Self {
        Self {
            server,
            attempts: 0,
            waited: SimDuration::ZERO,
            since: SimTime::ZERO,
            attempt_began: SimTime::ZERO,
            site: 0,
        }
    }
}

impl World {
    /// A client waits before its next attempt.
    pub(super) fn try_later(&mut self, connection: u32, out: &mut Schedule<'_, Event>) {
        if !self.stays(connection, out.now()) {
            return;
        }
        let Some(away) = self.away.get_mut(&connection) else {
            return;
        };
        let mut rng = self.draws.rng(
            RECONNECT,
            connection.into(),
            (away.since.as_nanos() << 8) | u64::from(away.attempts),
        );
        let policy = &self.scenario.load.reconnect;
        let wait =
            SimDuration::from_nanos(policy.delay(away.attempts, away.waited.as_nanos(), &mut rng));
        away.waited = wait;
        away.attempts += 1;
        out.after(wait, Event::Attempt(connection));
    }

    /// A client sends its request to connect.
    pub(super) fn attempt(&mut self, connection: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        if !self.stays(connection, now) {
            return;
        }
        let Some(away) = self.away.get_mut(&connection) else {
            return;
        };
        away.attempt_began = now;
        let again = away.attempts > 1;
        if now >= self.ledger.since {
            self.ledger.attempts += 1;
            let kind = self.ledger.kind(Kind::Connect);
            kind.offered += 1;
            kind.retried += u64::from(again);
        }
        if let Err(reason) = self.send_to_region(connection) {
            return self.refuse(connection, Refusal::of(reason), out);
        }
        out.after(self.one_way(connection), Event::AtBalancer(connection));
    }

    /// The region that a client asks next: the router chooses, and the way there is another one.
    fn send_to_region(&mut self, connection: u32) -> Result<(), Refused> {
        if !self.sites.many() {
            return Ok(());
        }
        let class = self.clients.get(connection).place.class();
        let site = self.sites.route(self.network.place_of(class), connection)?;
        let Some(away) = self.away.get_mut(&connection) else {
            return Ok(());
        };
        away.site = site;
        let population = Draws::new(self.scenario.run.population_seed);
        let delay = self
            .network
            .base_delay(&population, connection, ClassId(class), site);
        self.clients.move_to(connection, delay);
        Ok(())
    }

    /// The balancer picks a server, which admits or refuses.
    pub(super) fn at_balancer(&mut self, connection: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let site = self.away.get(&connection).map_or(0, |away| away.site);
        let Some(server) = self.pick_server(now, site, connection) else {
            self.refuse(connection, Refusal::NoServer, out);
            return;
        };
        let capacity = self.servers.capacity;
        let state = &mut self.servers.servers[server.index()];
        if !state.is_up() {
            // Nothing answers: the attempt times out.
            return self.attempt_failed(connection, out);
        }
        match state.admit(now, &capacity) {
            Ok(()) => {
                state.counted += 1;
                self.balancers
                    .on_opened(timestamp(now), &self.sites, server);
                let event = self.at_server(server.0, Work::Accept(connection));
                out.after(SimDuration::ZERO, event);
            }
            Err(reason) => self.refuse(connection, reason, out),
        }
    }

    fn refuse(&mut self, connection: u32, reason: Refusal, out: &mut Schedule<'_, Event>) {
        if out.now() >= self.ledger.since {
            self.ledger.refuse(reason);
        }
        if self.attempt_counts(connection) {
            self.ledger.kind(Kind::Connect).failed += 1;
        }
        // The refusal travels back before the client can wait.
        out.after(
            self.one_way(connection),
            Event::Notice {
                connection,
                server: u16::MAX,
                epoch: 0,
            },
        );
    }

    /// Whether the present attempt of a client began while measuring.
    fn attempt_counts(&self, connection: u32) -> bool {
        let away = self.away.get(&connection);
        away.is_some_and(|away| away.attempt_began >= self.ledger.since)
    }

    /// An attempt reached a dead server, or was lost with its server.
    pub(super) fn attempt_failed(&mut self, connection: u32, out: &mut Schedule<'_, Event>) {
        let patience = self.scenario.load.heartbeat_timeout;
        out.after(patience, Event::AttemptTimedOut(connection));
    }

    /// A client gives up an attempt that nobody has answered.
    pub(super) fn attempt_timed_out(&mut self, connection: u32, out: &mut Schedule<'_, Event>) {
        if self.attempt_counts(connection) {
            self.ledger.kind(Kind::Connect).timed_out += 1;
        }
        self.try_later(connection, out);
    }

    /// A client notices that its connection to `server` is gone, or (`u16::MAX`) that its attempt has failed.
    pub(super) fn notice(
        &mut self,
        connection: u32,
        (server, epoch): (u16, u16),
        out: &mut Schedule<'_, Event>,
    ) {
        if server != u16::MAX {
            let state = &self.servers.servers[usize::from(server)];
            if state.is_up() || state.epoch != epoch.wrapping_add(1) {
                return; // It has been back since, and its clients know.
            }
            let id = ConnectionId(connection);
            let moved = self.hub.connections().server(id) != ServerId(server)
                || self.away.contains_key(&connection);
            if moved {
                return;
            }
            let away = Away {
                since: out.now(),
                ..Away::new(ServerId(server))
            };
            self.away.insert(connection, away);
        }
        self.try_later(connection, out);
    }

    /// A server has admitted a client: its session is resumed, or begins anew.
    pub(super) fn admitted(&mut self, server: u16, connection: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let id = ConnectionId(connection);
        let Some(away) = self.away.remove(&connection) else {
            return;
        };
        self.before_churn(usize::from(server));
        if self.hub.connections().state(id) == ConnectionState::Open {
            // The registry has not noticed yet that its old server died.
            self.uncount(away.server, now);
            self.hub.close(timestamp(now), id, self.resumable());
        }
        self.deadlines.cancel(connection);
        let last_seen = self.last_seen(connection, away.server, now);
        let mut slices = Vec::new();
        let resumed = self
            .hub
            .resume(
                timestamp(now),
                id,
                ServerId(server),
                &last_seen,
                &mut slices,
            )
            .is_ok();
        if !resumed && self.hub.open(timestamp(now), id, ServerId(server)).is_err() {
            self.away.insert(connection, away);
            self.attempt_failed(connection, out);
            return;
        }
        let measured = now >= self.ledger.since;
        if measured {
            self.ledger.reconnects += u64::from(away.server != ServerId::NOWHERE);
            self.ledger.resumed += u64::from(resumed);
        }
        if resumed {
            let slices: Vec<(ChannelId, Seq, Seq)> = slices
                .iter()
                .map(|slice| (slice.channel, slice.from, slice.to))
                .collect();
            self.replay(server, connection, &slices, out);
        }
        self.reopened.insert(connection, now);
        self.editor_back(connection);
        self.servers.servers[usize::from(server)].note_churn(now, connection, true);
        self.record_connect(server, connection, &away, now);
        if !self.stays(connection, now) {
            out.after(SimDuration::ZERO, Event::Cut(connection));
        }
    }

    fn record_connect(&mut self, server: u16, connection: u32, away: &Away, now: SimTime) {
        let one_way = self.one_way(connection);
        let receipt = (now + one_way).max(self.clients.last_receipt(connection, now));
        let latency = receipt - away.attempt_began;
        let mut parts = Parts::default();
        parts.add(Part::Uplink, one_way);
        parts.add(Part::Downlink, one_way);
        parts.add(
            Part::ServerService,
            latency.saturating_sub(one_way + one_way),
        );
        let measured = away.attempt_began >= self.ledger.since;
        if measured {
            let ledger = self.ledger.kind(Kind::Connect);
            ledger.completed += 1;
            ledger.ended(away.attempt_began, units_of(latency));
        }
        let direct = Direct {
            connection,
            kind: Kind::Connect,
            measured,
            started: away.attempt_began,
            receipt,
            units: units_of(latency),
            parts,
            message: None,
        };
        self.receive_direct(usize::from(server), direct);
    }

    /// For every channel of a connection: the number of the last message it has received.
    fn last_seen(&self, connection: u32, server: ServerId, now: SimTime) -> Vec<(ChannelId, Seq)> {
        let id = ConnectionId(connection);
        let channels = self.hub.directory().channels_of(id);
        channels
            .iter()
            .map(|&channel| (channel, self.first_missed(channel, connection, server, now)))
            .collect()
    }

    /// The number before the first message of a channel that a connection missed.
    fn first_missed(
        &self,
        channel: ChannelId,
        connection: u32,
        server: ServerId,
        now: SimTime,
    ) -> Seq {
        let Some(ring) = self.hub.ring(channel) else {
            return Seq(0);
        };
        let mut seen = ring.last();
        while let Some((at, sent)) = ring.get(seen) {
            if !self.missed(at.0, sent.fate.as_deref(), connection, server, now) {
                break;
            }
            seen = Seq(seen.0 - 1);
        }
        seen
    }

    fn missed(
        &self,
        ordered_ns: u64,
        fate: Option<&Fate>,
        connection: u32,
        server: ServerId,
        now: SimTime,
    ) -> bool {
        // What it missed in an earlier life of its session has been replayed since.
        let from = self
            .reopened
            .get(&connection)
            .copied()
            .unwrap_or(SimTime::ZERO);
        let noted = fate.is_some_and(|fate| {
            fate.void_on
                .iter()
                .any(|&(on, at)| on == server && at >= from)
                || fate
                    .missed_by
                    .iter()
                    .any(|&(by, at)| by == connection && at >= from)
        });
        noted
            || self
                .away_since(connection, now)
                .is_some_and(|since| ordered_ns >= since.as_nanos())
    }

    /// When the registry began to hold messages for an absent session.
    fn away_since(&self, connection: u32, now: SimTime) -> Option<SimTime> {
        let deadline = self
            .hub
            .connections()
            .resume_deadline(ConnectionId(connection))?;
        let window = self.scenario.design.connection_servers.resume;
        Some(
            SimTime::from_nanos(deadline.0)
                .saturating_sub(window)
                .min(now),
        )
    }

    /// Writes what a client missed, channel by channel, in order.
    fn replay(
        &mut self,
        server: u16,
        connection: u32,
        slices: &[(ChannelId, Seq, Seq)],
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let client = self.clients.get(connection);
        let deliver = self.servers.deliver(self.payload_bytes(Kind::Publish));
        let bytes = u64::from(self.wire_bytes(Kind::Publish));
        let mut written = now;
        let mut count: u32 = 0;
        let mut last = self.clients.last_receipt(connection, now);
        for &(channel, from, to) in slices {
            for seq in (from.0..to.0).map(Seq) {
                let Some(started) = self
                    .hub
                    .ring(channel)
                    .and_then(|ring| ring.get(seq))
                    .map(|(_, sent)| sent.started)
                else {
                    continue;
                };
                written += deliver;
                count += 1;
                last = last
                    .max(written + SimDuration::from_nanos(units_ns(client.place.base_units())));
                let mut parts = Parts::default();
                parts.add(Part::Offline, last - started);
                let direct = Direct {
                    connection,
                    kind: Kind::Publish,
                    measured: started >= self.ledger.since,
                    started,
                    receipt: last,
                    units: units_of(last - started),
                    parts,
                    message: Some((channel, seq)),
                };
                self.receive_direct(usize::from(server), direct);
            }
        }
        if count == 0 {
            return;
        }
        self.ledger.resync_bytes += bytes * u64::from(count);
        self.ledger.egress_bytes += bytes * u64::from(count);
        self.servers.servers[usize::from(server)].bytes_out += bytes * u64::from(count);
        self.deliveries += u64::from(count);
        let event = self.at_server(server, Work::Replay(count));
        out.after(SimDuration::ZERO, event);
    }

    /// A connection is cut; both sides notice at once.
    pub(super) fn cut(&mut self, connection: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let id = ConnectionId(connection);
        if self.hub.connections().state(id) != ConnectionState::Open
            || self.away.contains_key(&connection)
        {
            return;
        }
        let server = self.hub.connections().server(id);
        self.before_churn(server.index());
        if self.servers.servers[server.index()].is_up() {
            self.truncate_connection(server.index(), connection, now);
            self.servers.servers[server.index()].note_churn(now, connection, false);
        }
        let state = &mut self.servers.servers[server.index()];
        state.held = state.held.saturating_sub(1);
        self.uncount(server, now);
        let resumable = self.resumable() && self.stays(connection, now);
        self.hub.close(timestamp(now), id, resumable);
        self.watch_deadline(connection, now);
        self.away.insert(
            connection,
            Away {
                since: now,
                ..Away::new(server)
            },
        );
        self.try_later(connection, out);
    }

    /// The balancer counts one connection fewer on a server.
    fn uncount(&mut self, server: ServerId, now: SimTime) {
        if server == ServerId::NOWHERE {
            return;
        }
        let state = &mut self.servers.servers[server.index()];
        if state.counted > 0 {
            state.counted -= 1;
            self.balancers
                .on_closed(timestamp(now), &self.sites, server);
        }
    }

    fn resumable(&self) -> bool {
        !self.scenario.design.connection_servers.resume.is_zero()
    }

    pub(super) fn watch_deadline(&mut self, connection: u32, now: SimTime) {
        let at = now + self.scenario.design.connection_servers.resume + SimDuration::from_nanos(1);
        // The cohort event reads the wheel every slot, so no event of its own is needed.
        let _slot = self.deadlines.schedule(connection, at);
    }

    /// Ends the sessions whose resume window has passed.
    pub(super) fn expire_sessions(&mut self, now: SimTime) {
        let mut due = Vec::new();
        self.deadlines.due(now, &mut due);
        for connection in due {
            self.hub.expire(timestamp(now), ConnectionId(connection));
        }
    }

    /// The registry and the balancer notice that a server is dead.
    pub(super) fn server_noticed(&mut self, server: u16, epoch: u16, now: SimTime) {
        let state = &self.servers.servers[usize::from(server)];
        if state.is_up() || state.epoch != epoch.wrapping_add(1) {
            return;
        }
        self.recovery.notice(now, Noticed::Server(server));
        self.balancers.set_state(
            timestamp(now),
            &mut self.sites,
            ServerId(server),
            BackendState::Down,
        );
        self.forget_connections(server, now);
    }

    /// The registry and the balancer forget the connections of a server that has died.
    fn forget_connections(&mut self, server: u16, now: SimTime) -> Vec<u32> {
        let counted = core::mem::take(&mut self.servers.servers[usize::from(server)].counted);
        for _ in 0..counted {
            self.balancers
                .on_closed(timestamp(now), &self.sites, ServerId(server));
        }
        let connected: Vec<u32> = self
            .hub
            .connections()
            .open_connections(ServerId(server))
            .map(|id| id.0)
            .collect();
        self.hub.server_down(timestamp(now), ServerId(server));
        for &connection in &connected {
            self.watch_deadline(connection, now);
        }
        connected
    }

    /// A server is back, empty. Whoever has not noticed that it was gone learns it now: the registry at once, a client when it
    /// sends its next heartbeat.
    pub(super) fn server_back(&mut self, server: u16, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        if self.servers.servers[usize::from(server)].is_up() {
            return;
        }
        for connection in self.forget_connections(server, now) {
            // Copies that were sent meanwhile find nobody.
            self.servers.servers[usize::from(server)].note_churn(now, connection, false);
            if self.away.contains_key(&connection) {
                continue;
            }
            let away = Away {
                since: now,
                ..Away::new(ServerId(server))
            };
            self.away.insert(connection, away);
            let interval = self.scenario.load.heartbeat;
            let phase = self
                .draws
                .unit_f64(NOTICE, connection.into(), now.as_nanos());
            out.after(
                interval.scaled(phase),
                Event::Notice {
                    connection,
                    server: u16::MAX,
                    epoch: 0,
                },
            );
        }
        let state = &mut self.servers.servers[usize::from(server)];
        state.station.restore(now);
        self.hub.server_up(timestamp(now), ServerId(server));
        self.balancers.set_state(
            timestamp(now),
            &mut self.sites,
            ServerId(server),
            BackendState::Up,
        );
    }

    /// One way between a client and its server, without jitter.
    pub(super) fn one_way(&self, connection: u32) -> SimDuration {
        SimDuration::from_nanos(units_ns(self.clients.get(connection).place.base_units()))
    }

    /// Notes that a connection did not receive a message that was sent to it.
    pub(super) fn mark_missed(
        &mut self,
        channel: ChannelId,
        seq: Seq,
        connection: u32,
        now: SimTime,
    ) {
        if let Some(fate) = self.fate_mut(channel, seq) {
            fate.missed_by.push((connection, now));
        }
    }

    /// Notes that a server died with its copy of a message.
    pub(super) fn mark_void(
        &mut self,
        channel: ChannelId,
        seq: Seq,
        server: ServerId,
        now: SimTime,
    ) {
        if let Some(fate) = self.fate_mut(channel, seq) {
            fate.void_on.push((server, now));
        }
    }

    fn fate_mut(&mut self, channel: ChannelId, seq: Seq) -> Option<&mut Fate> {
        let ring = self.hub.ring_mut(channel);
        let sent = ring.get_mut(seq)?;
        Some(Arc::make_mut(sent.fate.get_or_insert_default()))
    }

    /// Messages held for sessions that can still be resumed: owed, not received, not lost yet.
    pub(super) fn held_for_absent(&self, now: SimTime, ledger: &Ledger) -> u64 {
        if !self.resumable() {
            return 0;
        }
        let connections = self.hub.connections();
        let away = self
            .away
            .iter()
            .map(|(&connection, away)| (connection, away.server));
        let dead =
            (0..self.servers.servers.len()).filter(|&server| !self.servers.servers[server].is_up());
        let unnoticed = dead.flat_map(|server| {
            let server = ServerId(server as u16);
            connections
                .open_connections(server)
                .map(move |id| (id.0, server))
        });
        let unnoticed = unnoticed.filter(|(connection, _)| !self.away.contains_key(connection));
        let resumable = |connection: u32| {
            let id = ConnectionId(connection);
            connections.is_resumable(timestamp(now), id)
                || connections.state(id) == ConnectionState::Open
        };
        away.chain(unnoticed)
            .filter(|&(connection, _)| resumable(connection))
            .map(|(connection, server)| self.held_for(connection, server, now, ledger))
            .sum()
    }

    fn held_for(&self, connection: u32, server: ServerId, now: SimTime, ledger: &Ledger) -> u64 {
        let mut held = 0;
        for &channel in self.hub.directory().channels_of(ConnectionId(connection)) {
            let Some(ring) = self.hub.ring(channel) else {
                continue;
            };
            let mut seq = ring.last();
            while let Some((at, sent)) = ring.get(seq) {
                if !self.missed(at.0, sent.fate.as_deref(), connection, server, now) {
                    break;
                }
                held += u64::from(sent.started >= ledger.since);
                seq = Seq(seq.0 - 1);
            }
        }
        held
    }
}
