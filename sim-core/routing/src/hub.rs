//! The hub: directory, connections, replay rings and routing mode behind one door.
//!
//! *Models:* what a set of connection servers knows together. A simulation and a deployment drive the same
//! object with the same calls and compare its [`Hub::digest`], a running hash of every decision.
//! *Semantics:* membership outlives the connection. A closed member stays in its channels, away and on no
//! server, until it leaves them; when it opens again it is live in all of them. A delivery is *owed* to each
//! member that is live, or away and still resumable, when the message is numbered.
//! *Formula:* resumable = away and `now` ≤ time of loss + replay window.
//! *Leaves out:* how long anything takes. *Source:* interest routing as in NATS, channel owners as in Slack,
//! resume as in Discord's gateway.

use crate::cow::CowVec;
pub use crate::decision::Decision;
use crate::hash;
use crate::ids::{ChannelId, ConnectionId, Seq, ServerId, Timestamp};
use crate::placement::PlacementMap;
use crate::pubsub::{Directory, FanoutPlan, Home, RoutingMode};
use crate::session::{ConnectionState, ConnectionTable, ReplayLimits, ReplayRing, Resume};

/// How a hub works.
#[derive(Clone, Debug, Default)]
pub struct HubOptions {
    /// How messages find their servers.
    pub mode: RoutingMode,
    /// What the replay rings hold, and for how long a lost connection may resume.
    pub replay: ReplayLimits,
    /// Where channel owners are, for [`RoutingMode::ChannelOwner`].
    pub owners: Option<PlacementMap>,
}

/// Why a hub refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// The server is down.
    #[error("server {} is down", .0.0)]
    ServerDown(ServerId),
    /// There is no session to resume: it expired, was closed, or never was.
    #[error("connection {} has no session to resume", .0.0)]
    NotResumable(ConnectionId),
}

/// What a publish decided, beside its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The message's number in its channel.
    pub seq: Seq,
    /// Live members, wherever they are, whether or not the plan reaches them.
    pub owed_live: u64,
    /// Members away that may still resume.
    pub owed_away: u64,
}

/// Messages of one channel to send to a client that resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaySlice {
    /// The channel.
    pub channel: ChannelId,
    /// The first message to send.
    pub from: Seq,
    /// One past the last message to send.
    pub to: Seq,
    /// Messages before `from` that the client missed and that are no longer held.
    pub missed: u64,
}

/// Directory, connections, replay rings and routing of one system.
#[derive(Clone, Debug)]
pub struct Hub<T> {
    options: HubOptions,
    directory: Directory,
    connections: ConnectionTable,
    rings: CowVec<ReplayRing<T>>,
    up: Vec<bool>,
    digest: u64,
    decisions: u64,
}

impl<T: Clone> Hub<T> {
    /// A hub with servers `0..servers`, all up, and nobody connected.
    #[must_use]
    pub fn new(options: HubOptions, servers: u16) -> Self {
        Self::with_population(options, servers, Directory::new(), ConnectionTable::new())
    }

    /// A hub over a population built in bulk. The directory and the table must agree on every connection.
    #[must_use]
    pub fn with_population(
        options: HubOptions,
        servers: u16,
        directory: Directory,
        connections: ConnectionTable,
    ) -> Self {
        assert!(servers < ServerId::NOWHERE.0, "at most 65 534 servers");
        let up = vec![true; usize::from(servers)];
        let rings = CowVec::new(ReplayRing::new());
        Self {
            options,
            directory,
            connections,
            rings,
            up,
            digest: hash::DEFAULT_SEED,
            decisions: 0,
        }
    }

    /// Opens a connection on a server; its memberships come with it. Moves it if it is open elsewhere.
    ///
    /// # Errors
    /// [`HubError::ServerDown`] if the server does not answer.
    pub fn open(
        &mut self,
        _now: Timestamp,
        connection: ConnectionId,
        server: ServerId,
    ) -> Result<(), HubError> {
        if !self.is_up(server) {
            self.decide(Decision::Refused(connection));
            return Err(HubError::ServerDown(server));
        }
        self.directory
            .rehome(connection, self.home(connection), Home::Live(server));
        self.connections.set_open(connection, server);
        self.decide(Decision::Opened(connection, server));
        Ok(())
    }

    /// Closes a connection. A resumable one is away and owed messages for the replay window; another ends its
    /// session. Either keeps its memberships.
    pub fn close(&mut self, now: Timestamp, connection: ConnectionId, resumable: bool) {
        let home = self.home(connection);
        let resumable = resumable && matches!(home, Home::Live(_));
        if resumable {
            self.directory.rehome(
                connection,
                home,
                Home::Away(self.connections.server(connection)),
            );
            self.connections
                .set_away(connection, now.plus(self.options.replay.window_ns));
        } else {
            self.directory
                .rehome(connection, home, Home::Away(ServerId::NOWHERE));
            self.connections.set_closed(connection);
        }
        self.decide(Decision::Closed(connection, resumable));
    }

    /// Makes a connection a member of a channel; `false` if it is one already.
    pub fn join(&mut self, channel: ChannelId, connection: ConnectionId) -> bool {
        let joined = self
            .directory
            .join_at(channel, connection, self.home(connection));
        if joined {
            self.decide(Decision::Joined(channel, connection));
        }
        joined
    }

    /// Ends a membership; `false` if there is none.
    pub fn leave(&mut self, channel: ChannelId, connection: ConnectionId) -> bool {
        let left = self
            .directory
            .leave_from(channel, connection, self.home(connection));
        if left {
            self.decide(Decision::Left(channel, connection));
        }
        left
    }

    /// Numbers a message, holds it for replay and plans its copies: one per target server.
    pub fn publish(
        &mut self,
        now: Timestamp,
        channel: ChannelId,
        origin: ServerId,
        payload: T,
        plan: &mut FanoutPlan,
    ) -> Published {
        let limits = self.options.replay;
        let seq = self.ring_mut(channel).publish(now, payload, limits);
        self.plan(channel, origin, plan);
        let (mut owed_live, mut owed_away) = (0, 0);
        for (home, members) in self.directory.groups(channel) {
            match home {
                Home::Live(_) => owed_live += members.len() as u64,
                Home::Away(ServerId::NOWHERE) => {}
                Home::Away(_) => {
                    let resumable =
                        |&&member: &&ConnectionId| self.connections.is_resumable(now, member);
                    owed_away += members.iter().filter(resumable).count() as u64;
                }
            }
        }
        self.decide(Decision::Published(channel, seq, owed_live, owed_away));
        for copy in plan.copies() {
            self.decide(Decision::Copied(copy.server, copy.recipients));
        }
        Published {
            seq,
            owed_live,
            owed_away,
        }
    }

    /// Resumes the session of an away connection on a server, and lists what to send it: for each channel of
    /// `last_seen` that it is a member of, what followed the number it saw last. Fills `out` anew.
    ///
    /// # Errors
    /// [`HubError::ServerDown`], or [`HubError::NotResumable`] when the session has expired: the client opens
    /// anew and fetches the full state.
    pub fn resume(
        &mut self,
        now: Timestamp,
        connection: ConnectionId,
        server: ServerId,
        last_seen: &[(ChannelId, Seq)],
        out: &mut Vec<ReplaySlice>,
    ) -> Result<(), HubError> {
        out.clear();
        if !self.connections.is_resumable(now, connection) {
            self.decide(Decision::Refused(connection));
            return Err(HubError::NotResumable(connection));
        }
        self.open(now, connection, server)?;
        for &(channel, seen) in last_seen {
            if !self.directory.contains(channel, connection) {
                continue;
            }
            let slice = self.replay_slice(now, channel, seen);
            self.decide(Decision::Replayed(
                channel,
                slice.from,
                slice.to,
                slice.missed,
            ));
            out.push(slice);
        }
        Ok(())
    }

    /// A server died: its connections are away and may resume elsewhere. Returns how many. Walks the
    /// connection table and the group records once.
    pub fn server_down(&mut self, now: Timestamp, server: ServerId) -> u64 {
        self.set_up(server, false);
        let lost: Vec<ConnectionId> = self.connections.open_connections(server).collect();
        for &connection in &lost {
            self.connections
                .set_away(connection, now.plus(self.options.replay.window_ns));
        }
        self.directory.server_down(server);
        self.decide(Decision::ServerDown(server, lost.len() as u64));
        lost.len() as u64
    }

    /// A server is up (again, or new).
    pub fn server_up(&mut self, _now: Timestamp, server: ServerId) {
        self.set_up(server, true);
        self.decide(Decision::ServerUp(server));
    }

    /// Whether a server is up.
    #[must_use]
    pub fn is_up(&self, server: ServerId) -> bool {
        self.up.get(server.index()).copied().unwrap_or(false)
    }

    /// Ends the session of an away connection whose deadline has passed; `false` if it has none such.
    pub fn expire(&mut self, now: Timestamp, connection: ConnectionId) -> bool {
        let expired = self
            .connections
            .resume_deadline(connection)
            .is_some_and(|deadline| now > deadline);
        if expired {
            self.close(now, connection, false);
        }
        expired
    }

    /// The memberships.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The connections.
    #[must_use]
    pub fn connections(&self) -> &ConnectionTable {
        &self.connections
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &HubOptions {
        &self.options
    }

    /// The replay ring of a channel; `None` for one that never spoke and lies beyond all that did.
    #[must_use]
    pub fn ring(&self, channel: ChannelId) -> Option<&ReplayRing<T>> {
        self.rings.get(channel.index())
    }

    /// The replay ring of a channel, for changing entries in place.
    pub fn ring_mut(&mut self, channel: ChannelId) -> &mut ReplayRing<T> {
        self.rings.grow(channel.index() + 1);
        self.rings.get_mut(channel.index())
    }

    /// A running hash of all decisions: equal for equal histories.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// Decisions taken so far.
    #[must_use]
    pub fn decisions(&self) -> u64 {
        self.decisions
    }

    /// Bytes held by directory, connections and ring headers, whoever shares them; not the payloads.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.directory.memory_bytes() + self.connections.memory_bytes() + self.rings.memory_bytes()
    }

    /// Plans the copies of a message without numbering it.
    pub fn plan(&self, channel: ChannelId, origin: ServerId, plan: &mut FanoutPlan) {
        plan.clear();
        match self.options.mode {
            RoutingMode::Local => {
                let local = self.directory.members_on(channel, origin).len();
                if local > 0 {
                    plan.push(origin, local as u32);
                }
            }
            RoutingMode::Broadcast => self.plan_broadcast(channel, plan),
            RoutingMode::Interest => self.plan_interest(channel, plan),
            RoutingMode::ChannelOwner => {
                self.plan_interest(channel, plan);
                plan.set_owner(
                    self.options
                        .owners
                        .as_ref()
                        .and_then(|map| map.owner(u64::from(channel.0))),
                );
            }
        }
    }

    fn plan_interest(&self, channel: ChannelId, plan: &mut FanoutPlan) {
        for (home, members) in self.directory.groups(channel) {
            if let Home::Live(server) = home {
                plan.push(server, members.len() as u32);
            }
        }
    }

    fn plan_broadcast(&self, channel: ChannelId, plan: &mut FanoutPlan) {
        let mut groups = self
            .directory
            .groups(channel)
            .filter_map(|(home, members)| match home {
                Home::Live(server) => Some((server, members.len() as u32)),
                Home::Away(_) => None,
            });
        let mut next = groups.next();
        for server in (0..self.up.len())
            .filter(|&i| self.up[i])
            .map(|i| ServerId(i as u16))
        {
            while next.is_some_and(|(on, _)| on < server) {
                next = groups.next();
            }
            plan.push(
                server,
                next.filter(|&(on, _)| on == server)
                    .map_or(0, |(_, count)| count),
            );
        }
    }

    fn replay_slice(&self, now: Timestamp, channel: ChannelId, seen: Seq) -> ReplaySlice {
        let Some(ring) = self.rings.get(channel.index()) else {
            return ReplaySlice {
                channel,
                from: Seq(1),
                to: Seq(1),
                missed: 0,
            };
        };
        let to = ring.last().next();
        match ring.resume(seen, now, self.options.replay) {
            Resume::Complete(range) => ReplaySlice {
                channel,
                from: Seq(range.start),
                to,
                missed: 0,
            },
            Resume::Gap {
                first_available,
                missed,
            } => ReplaySlice {
                channel,
                from: first_available,
                to,
                missed,
            },
        }
    }

    fn home(&self, connection: ConnectionId) -> Home {
        let server = self.connections.server(connection);
        match self.connections.state(connection) {
            ConnectionState::Open => Home::Live(server),
            ConnectionState::Away => Home::Away(server),
            ConnectionState::Closed | ConnectionState::Connecting => Home::Away(ServerId::NOWHERE),
        }
    }

    fn set_up(&mut self, server: ServerId, up: bool) {
        assert!(server != ServerId::NOWHERE, "nowhere is not a server");
        if self.up.len() <= server.index() {
            self.up.resize(server.index() + 1, false);
        }
        self.up[server.index()] = up;
    }

    fn decide(&mut self, decision: Decision) {
        self.decisions += 1;
        for word in decision.words() {
            self.digest = (self.digest ^ word)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29);
        }
    }
}
