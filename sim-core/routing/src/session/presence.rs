//! Presence: who hears that someone came or went.
//!
//! *Models:* status changes, held back for a coalescing window in which later changes replace earlier ones
//! (and a change undone disappears), and the audience of a change: all distinct live co-members of the
//! connection's channels, with one copy per server. *Formula:* a group of g members with c changes per second
//! each costs g² · c deliveries per second; a window w caps that at g² / w.
//! *Leaves out:* presence between clusters. *Source:* presence fan-out as in XMPP and Slack.

use crate::ids::{ConnectionId, ServerId, Timestamp};
use crate::pubsub::{Directory, FanoutPlan, Home};
use std::collections::BTreeMap;

/// What others see of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// Not there.
    #[default]
    Offline,
    /// There, but idle.
    Idle,
    /// There.
    Online,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    status: Status,
    due: Timestamp,
}

/// Statuses as announced, and changes still held back.
#[derive(Clone, Debug)]
pub struct PresenceTracker {
    window_ns: u64,
    announced: BTreeMap<ConnectionId, Status>,
    pending: BTreeMap<ConnectionId, Pending>,
    /// Due time and connection of what is held back.
    queue: std::collections::BTreeSet<(Timestamp, ConnectionId)>,
}

impl PresenceTracker {
    /// A tracker that holds changes back for `window_ns` nanoseconds; 0 announces at once. Everyone is offline.
    #[must_use]
    pub fn new(window_ns: u64) -> Self {
        Self {
            window_ns,
            announced: BTreeMap::new(),
            pending: BTreeMap::new(),
            queue: std::collections::BTreeSet::new(),
        }
    }

    /// The status others have been told.
    #[must_use]
    pub fn announced(&self, connection: ConnectionId) -> Status {
        self.announced.get(&connection).copied().unwrap_or_default()
    }

    /// A status changes. The announcement is due one window after the first change held back.
    pub fn change(&mut self, now: Timestamp, connection: ConnectionId, status: Status) {
        if let Some(pending) = self.pending.get_mut(&connection) {
            pending.status = status;
            return;
        }
        if status == self.announced(connection) {
            return;
        }
        let due = now.plus(self.window_ns);
        self.pending.insert(connection, Pending { status, due });
        self.queue.insert((due, connection));
    }

    /// When the next announcement is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.queue.first().map(|&(due, _)| due)
    }

    /// The next change to announce at `now`; a change that was undone in its window is skipped.
    pub fn poll(&mut self, now: Timestamp) -> Option<(ConnectionId, Status)> {
        while let Some(&(due, connection)) = self.queue.first() {
            if due > now {
                return None;
            }
            self.queue.pop_first();
            let Some(pending) = self.pending.remove(&connection) else {
                continue;
            };
            assert!(pending.due == due, "what is queued is what is pending");
            if pending.status == self.announced(connection) {
                continue;
            }
            if pending.status == Status::Offline {
                self.announced.remove(&connection);
            } else {
                self.announced.insert(connection, pending.status);
            }
            return Some((connection, pending.status));
        }
        None
    }
}

/// Finds audiences; keeps its buffer between calls.
#[derive(Clone, Debug, Default)]
pub struct PresenceAudience {
    seen: Vec<(ServerId, ConnectionId)>,
}

impl PresenceAudience {
    /// A finder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The distinct live co-members of a connection, itself excluded, by server and id; and the plan of
    /// one copy per server.
    pub fn of(
        &mut self,
        directory: &Directory,
        connection: ConnectionId,
        plan: &mut FanoutPlan,
    ) -> &[(ServerId, ConnectionId)] {
        self.seen.clear();
        for &channel in directory.channels_of(connection) {
            for (home, members) in directory.groups(channel) {
                if let Home::Live(server) = home {
                    let others = members.iter().filter(|&&member| member != connection);
                    self.seen.extend(others.map(|&member| (server, member)));
                }
            }
        }
        self.seen.sort_unstable();
        self.seen.dedup();
        plan.clear();
        for on_server in self.seen.chunk_by(|a, b| a.0 == b.0) {
            plan.push(on_server[0].0, on_server.len() as u32);
        }
        &self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ChannelId;

    #[test]
    fn a_window_coalesces_and_an_undone_change_disappears() {
        let (a, b) = (ConnectionId(1), ConnectionId(2));
        let mut tracker = PresenceTracker::new(100);
        tracker.change(Timestamp(0), a, Status::Online);
        tracker.change(Timestamp(50), a, Status::Idle);
        tracker.change(Timestamp(60), b, Status::Online);
        tracker.change(Timestamp(70), b, Status::Offline);
        assert_eq!(
            (tracker.next_due(), tracker.poll(Timestamp(99))),
            (Some(Timestamp(100)), None)
        );
        assert_eq!(tracker.poll(Timestamp(200)), Some((a, Status::Idle)));
        assert_eq!(
            (tracker.poll(Timestamp(200)), tracker.next_due()),
            (None, None)
        );
        assert_eq!(
            (tracker.announced(a), tracker.announced(b)),
            (Status::Idle, Status::Offline)
        );
    }

    #[test]
    fn an_audience_is_distinct_and_live() {
        let mut directory = Directory::new();
        for channel in [ChannelId(0), ChannelId(1)] {
            for (connection, server) in [(0, 0), (1, 0), (2, 1)] {
                directory.join(channel, ConnectionId(connection), ServerId(server));
            }
        }
        directory.join(ChannelId(1), ConnectionId(3), ServerId(1));
        directory.set_away(ConnectionId(2), ServerId(1));
        let (mut finder, mut plan) = (PresenceAudience::new(), FanoutPlan::new());
        let audience = finder.of(&directory, ConnectionId(0), &mut plan).to_vec();
        assert_eq!(
            audience,
            [
                (ServerId(0), ConnectionId(1)),
                (ServerId(1), ConnectionId(3))
            ]
        );
        assert_eq!((plan.copies().len(), plan.recipients()), (2, 2));
    }
}
