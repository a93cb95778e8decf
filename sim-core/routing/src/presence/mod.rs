//! Presence between servers: who is there, without anybody who knows all.
//!
//! *Models:* every server has a set of (user, server) that merges (see [`crate::conflict::OrSet`]) and sends
//! what changed on it once per period to all others; when nothing changed, a heartbeat every so many periods. A
//! server that is not heard for `down_ns` counts as down, and its users are not shown until it is heard again.
//! Broadcasts are numbered: who misses one asks for the whole state. *Formula:* messages per second of n
//! servers = n (n − 1) / period at most, / (silent periods · period) when nothing changes; changes within a
//! period travel together, and one undone within it not at all. *Property:* servers that hear each other agree
//! after one period; a death is seen within `down_ns` and a period. *Leaves out:* who is told of a change among
//! clients: [`crate::session::presence`]. *Source:* Phoenix.Tracker (period 1.5 s, heartbeat after 10 silent
//! ones, down after 30 s).

use crate::conflict::{Crdt, OrSet, ReplicaId};
use crate::ids::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// When a server speaks, and when it counts as down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceOptions {
    /// Between two broadcasts, in nanoseconds.
    pub period_ns: u64,
    /// Periods without a change after which a heartbeat is sent.
    pub silent_periods: u32,
    /// Silence after which a server is down.
    pub down_ns: u64,
}

impl Default for PresenceOptions {
    /// As Phoenix.Tracker: 1.5 s, 10 periods, 30 s.
    fn default() -> Self {
        Self {
            period_ns: 1_500_000_000,
            silent_periods: 10,
            down_ns: 30_000_000_000,
        }
    }
}

/// Somebody on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Presence {
    /// Who.
    pub user: u32,
    /// Where.
    pub server: ReplicaId,
}

/// What a server tells the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceBroadcast {
    /// Who tells it.
    pub from: ReplicaId,
    /// The broadcasts of changes so far, this one included.
    pub number: u64,
    /// What changed since the last; `None` in a heartbeat.
    pub changes: Option<OrSet<Presence>>,
}

/// What a broadcast did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// What is shown has changed.
    Changed,
    /// It is known already.
    Known,
    /// Something before it is missing: ask for the sender's state and give it to [`PresenceServer::receive_state`].
    Missed,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    heard: Timestamp,
    number: u64,
    down: bool,
}

/// One server's view.
#[derive(Clone, Debug)]
pub struct PresenceServer {
    server: ReplicaId,
    options: PresenceOptions,
    set: OrSet<Presence>,
    /// What changed on this server since its last broadcast.
    changes: OrSet<Presence>,
    /// Users who came or went an odd number of times since.
    changed: BTreeSet<u32>,
    /// Whether users of another server were forgotten since.
    forgot: bool,
    number: u64,
    next_period: Timestamp,
    silent: u32,
    peers: BTreeMap<ReplicaId, Peer>,
    sent: u64,
}

impl PresenceServer {
    /// A server that starts at `now` and hears from these others.
    pub fn new(
        now: Timestamp,
        server: ReplicaId,
        others: impl IntoIterator<Item = ReplicaId>,
        options: PresenceOptions,
    ) -> Self {
        let peer = Peer {
            heard: now,
            number: 0,
            down: false,
        };
        Self {
            server,
            options,
            set: OrSet::new(),
            changes: OrSet::new(),
            changed: BTreeSet::new(),
            forgot: false,
            number: 0,
            next_period: now.plus(options.period_ns),
            silent: 0,
            peers: others.into_iter().map(|other| (other, peer)).collect(),
            sent: 0,
        }
    }

    /// A user comes to this server.
    pub fn came(&mut self, user: u32) {
        let presence = self.own(user);
        if !self.set.contains(&presence) {
            let delta = self.set.add(self.server, presence);
            self.note(user, &delta);
        }
    }

    /// A user leaves this server.
    pub fn went(&mut self, user: u32) {
        let presence = self.own(user);
        if self.set.contains(&presence) {
            let delta = self.set.remove(&presence);
            self.note(user, &delta);
        }
    }

    /// When [`Self::poll`] has something to do.
    #[must_use]
    pub fn next_due(&self) -> Timestamp {
        let deaths = self.peers.values().filter(|peer| !peer.down);
        let deaths = deaths.map(|peer| peer.heard.plus(self.options.down_ns));
        deaths.fold(self.next_period, Timestamp::min)
    }

    /// At the end of a period: what to send to all others, if anything.
    pub fn poll(&mut self, now: Timestamp) -> Option<PresenceBroadcast> {
        if now < self.next_period {
            return None;
        }
        self.next_period = now.plus(self.options.period_ns);
        self.silent += 1;
        let changed = self.forgot || !self.changed.is_empty();
        self.forgot = false;
        self.changed.clear();
        if !changed && self.silent < self.options.silent_periods {
            return None;
        }
        self.silent = 0;
        self.number += u64::from(changed);
        self.sent += 1;
        Some(PresenceBroadcast {
            from: self.server,
            number: self.number,
            // The names of what was undone within a period travel with the next change.
            changes: changed.then(|| std::mem::take(&mut self.changes)),
        })
    }

    /// A broadcast of another server arrives.
    pub fn receive(&mut self, now: Timestamp, broadcast: &PresenceBroadcast) -> Heard {
        let Some(peer) = self.peers.get_mut(&broadcast.from) else {
            return Heard::Known;
        };
        peer.heard = now.max(peer.heard);
        let back = std::mem::take(&mut peer.down);
        let next = peer.number + u64::from(broadcast.changes.is_some());
        if broadcast.number > next {
            return Heard::Missed;
        }
        let Some(changes) = broadcast
            .changes
            .as_ref()
            .filter(|_| broadcast.number == next)
        else {
            return if back { Heard::Changed } else { Heard::Known };
        };
        peer.number = broadcast.number;
        if self.set.merge(changes) || back {
            Heard::Changed
        } else {
            Heard::Known
        }
    }

    /// This server's whole state, for one that missed something.
    #[must_use]
    pub fn state(&self) -> PresenceBroadcast {
        PresenceBroadcast {
            from: self.server,
            number: self.number,
            changes: Some(self.set.clone()),
        }
    }

    /// Another server's whole state arrives. What changed there since its last broadcast is in it and comes
    /// again, which does no harm.
    pub fn receive_state(&mut self, now: Timestamp, state: &PresenceBroadcast) -> bool {
        if let Some(peer) = self.peers.get_mut(&state.from) {
            peer.heard = now.max(peer.heard);
            peer.number = peer.number.max(state.number);
            peer.down = false;
        }
        state
            .changes
            .as_ref()
            .is_some_and(|set| self.set.merge(set))
    }

    /// Servers that have not been heard for too long at `now` are down. Returns those, ascending.
    pub fn expire(&mut self, now: Timestamp) -> Vec<ReplicaId> {
        let mut down = Vec::new();
        for (&server, peer) in &mut self.peers {
            if !peer.down && peer.heard.plus(self.options.down_ns) <= now {
                peer.down = true;
                down.push(server);
            }
        }
        down
    }

    /// A server will not come back: its users are forgotten, here and where this is told.
    pub fn forget(&mut self, server: ReplicaId) {
        self.peers.remove(&server);
        let gone: Vec<Presence> = self.set.iter().copied().collect();
        for presence in gone.iter().filter(|one| one.server == server) {
            let delta = self.set.remove(presence);
            self.changes.merge(&delta);
            self.forgot = true;
        }
    }

    /// Whether a user is shown as there, on whatever server.
    #[must_use]
    pub fn is_there(&self, user: u32) -> bool {
        let servers = self.peers.iter().filter(|(_, peer)| !peer.down);
        let mut servers = servers.map(|(server, _)| *server).chain([self.server]);
        servers.any(|server| self.set.contains(&Presence { user, server }))
    }

    /// All that is shown, ascending.
    pub fn shown(&self) -> impl Iterator<Item = Presence> + '_ {
        let up = |one: &&Presence| self.peers.get(&one.server).is_none_or(|peer| !peer.down);
        self.set.iter().filter(up).copied()
    }

    /// Broadcasts and heartbeats sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    const fn own(&self, user: u32) -> Presence {
        Presence {
            user,
            server: self.server,
        }
    }

    fn note(&mut self, user: u32, delta: &OrSet<Presence>) {
        self.changes.merge(delta);
        if !self.changed.remove(&user) {
            self.changed.insert(user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn pair() -> [PresenceServer; 2] {
        [0, 1].map(|number| {
            let (own, other) = (ReplicaId(number), ReplicaId(1 - number));
            PresenceServer::new(Timestamp(0), own, [other], PresenceOptions::default())
        })
    }

    #[test]
    fn changes_travel_once_a_period_and_silence_has_a_heartbeat() {
        let [mut a, mut b] = pair();
        b.came(1);
        b.went(1);
        assert_eq!(b.poll(Timestamp(3 * S / 2)), None, "undone");
        a.came(7);
        a.came(8);
        a.went(8);
        assert_eq!(a.poll(Timestamp(S)), None);
        let told = a.poll(Timestamp(3 * S / 2)).unwrap();
        assert_eq!(b.receive(Timestamp(2 * S), &told), Heard::Changed);
        assert_eq!(b.receive(Timestamp(2 * S), &told), Heard::Known);
        assert!(b.is_there(7) && !b.is_there(8));
        let mut heartbeats = Vec::new();
        for period in 2..=21 {
            heartbeats.extend(a.poll(Timestamp(period * 3 * S / 2)).map(|_| period));
        }
        assert_eq!((heartbeats, a.sent()), (vec![11, 21], 3));
    }

    #[test]
    fn a_silent_server_is_down_and_its_users_come_back_with_it() {
        let [mut a, mut b] = pair();
        a.came(7);
        let told = a.poll(Timestamp(2 * S)).unwrap();
        b.receive(Timestamp(2 * S), &told);
        assert!(b.expire(Timestamp(31 * S)).is_empty());
        assert_eq!(b.expire(Timestamp(32 * S)), [ReplicaId(0)]);
        assert!(!b.is_there(7) && b.shown().next().is_none());
        a.came(9);
        a.poll(Timestamp(33 * S));
        a.came(10);
        let later = a.poll(Timestamp(35 * S)).unwrap();
        assert_eq!(b.receive(Timestamp(35 * S), &later), Heard::Missed);
        assert!(b.receive_state(Timestamp(36 * S), &a.state()));
        assert!(b.is_there(7) && b.is_there(9) && b.is_there(10));
        b.forget(ReplicaId(0));
        assert_eq!(b.shown().count(), 0);
    }
}
