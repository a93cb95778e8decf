//! The channel directory: channel → members, grouped by server, and connection → channels.
//!
//! *Models:* the table that a fan-out walks. Members of a channel are one contiguous array of 32-bit ids;
//! inside it the members on one server are contiguous too, so that a message costs one slice per server.
//! A member is *live* on a server, or *away*: its server died or its client dropped, and it may come back.
//! *Formula:* memory per membership = 4 (member) + 4 (reverse index) + at most 4 per group + 16 per channel
//! and per connection, shared copy-on-write. Joining, leaving, going away and coming back move one member per
//! group of the channel. A dead server relabels its group in each channel without walking the members.
//! *Leaves out:* the order of members inside a group once it was changed (a bulk build leaves it ascending),
//! and names. *Source:* grouping by node as in Discord's Manifold: one remote send per node.

use super::segment;
use crate::cow::{Arena, CowVec, Segment};
use crate::ids::{ChannelId, ConnectionId, ServerId};

/// Where the members of a group are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Home {
    /// On a server that answers.
    Live(ServerId),
    /// Away, last seen on this server ([`ServerId::NOWHERE`] if without a session).
    Away(ServerId),
}

/// Channel → members grouped by server, and connection → channels.
#[derive(Clone, Debug)]
pub struct Directory {
    pub(super) channels: CowVec<Segment>,
    pub(super) members: Arena<ConnectionId>,
    pub(super) connections: CowVec<Segment>,
    pub(super) reverse: Arena<ChannelId>,
    pub(super) memberships: u64,
}

impl Default for Directory {
    fn default() -> Self {
        Self::new()
    }
}

impl Directory {
    /// A directory without channels.
    #[must_use]
    pub fn new() -> Self {
        Self {
            channels: CowVec::new(Segment::default()),
            members: Arena::new(),
            connections: CowVec::new(Segment::default()),
            reverse: Arena::new(),
            memberships: 0,
        }
    }

    /// Channels known (one more than the largest id seen).
    #[must_use]
    pub fn channel_count(&self) -> usize {
        self.channels.len()
    }

    /// Connections known (one more than the largest id seen).
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.connections.len()
    }

    /// Memberships in all channels.
    #[must_use]
    pub fn memberships(&self) -> u64 {
        self.memberships
    }

    /// Members of a channel, live and away.
    #[must_use]
    pub fn len(&self, channel: ChannelId) -> usize {
        self.channel(channel).len as usize
    }

    /// Whether nobody is a member of anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.memberships == 0
    }

    /// The groups of a channel, by server, live before away.
    #[must_use]
    pub fn groups(&self, channel: ChannelId) -> Groups<'_> {
        let segment = self.channel(channel);
        Groups {
            cells: self.members.cells(segment),
            groups: usize::from(segment.groups),
            next: 0,
            start: 0,
        }
    }

    /// The members of a channel that are live on `server`.
    #[must_use]
    pub fn members_on(&self, channel: ChannelId, server: ServerId) -> &[ConnectionId] {
        self.members_at(channel, Home::Live(server))
    }

    /// The members of a channel at `home`.
    #[must_use]
    pub fn members_at(&self, channel: ChannelId, home: Home) -> &[ConnectionId] {
        let segment = self.channel(channel);
        let cells = self.members.cells(segment);
        match segment::find(cells, usize::from(segment.groups), segment::key_of(home)) {
            Ok(i) => &cells[segment::start(cells, i)..segment::group(cells, i).1],
            Err(_) => &[],
        }
    }

    /// The servers with a live member of the channel, ascending.
    pub fn servers(&self, channel: ChannelId) -> impl Iterator<Item = ServerId> + '_ {
        self.groups(channel).filter_map(|(home, _)| match home {
            Home::Live(server) => Some(server),
            Home::Away(_) => None,
        })
    }

    /// The channels of a connection, in the order it joined them (until it leaves one).
    #[must_use]
    pub fn channels_of(&self, connection: ConnectionId) -> &[ChannelId] {
        let segment = self.connection(connection);
        &self.reverse.cells(segment)[..segment.len as usize]
    }

    /// Whether the connection is a member of the channel. Scans the connection's channels.
    #[must_use]
    pub fn contains(&self, channel: ChannelId, connection: ConnectionId) -> bool {
        self.channels_of(connection).contains(&channel)
    }

    /// Makes a connection a live member; `false` if it is a member already.
    pub fn join(&mut self, channel: ChannelId, connection: ConnectionId, server: ServerId) -> bool {
        self.join_at(channel, connection, Home::Live(server))
    }

    /// Makes a connection a member at `home`; `false` if it is a member already.
    pub fn join_at(&mut self, channel: ChannelId, connection: ConnectionId, home: Home) -> bool {
        self.channels.grow(channel.index() + 1);
        self.connections.grow(connection.index() + 1);
        if self.contains(channel, connection) {
            return false;
        }
        self.insert(channel, connection, segment::key_of(home));
        self.push_reverse(connection, channel);
        self.memberships += 1;
        true
    }

    /// Ends a membership, wherever the member is; `false` if there is none. Scans the channel; see
    /// [`Self::leave_from`] when the home is known.
    pub fn leave(&mut self, channel: ChannelId, connection: ConnectionId) -> bool {
        let home = self
            .groups(channel)
            .find(|(_, members)| members.contains(&connection))
            .map(|(home, _)| home);
        home.is_some_and(|home| self.leave_from(channel, connection, home))
    }

    /// Ends the membership of a member at `home`; `false` if it is not there.
    pub fn leave_from(&mut self, channel: ChannelId, connection: ConnectionId, home: Home) -> bool {
        if !self.remove(channel, connection, segment::key_of(home)) {
            return false;
        }
        self.pop_reverse(connection, channel);
        self.memberships -= 1;
        true
    }

    /// Marks the members on a dead server away, in all channels. Returns the memberships affected.
    pub fn server_down(&mut self, server: ServerId) -> u64 {
        let count = self.channels.len() as u32;
        self.server_down_in(server, (0..count).map(ChannelId))
    }

    /// As [`Self::server_down`], in the given channels only.
    pub fn server_down_in(
        &mut self,
        server: ServerId,
        channels: impl IntoIterator<Item = ChannelId>,
    ) -> u64 {
        channels
            .into_iter()
            .map(|channel| self.relabel_away(channel, server))
            .sum()
    }

    /// Marks one connection on `server` away in all its channels. Returns the memberships affected.
    pub fn set_away(&mut self, connection: ConnectionId, server: ServerId) -> usize {
        self.rehome(connection, Home::Live(server), Home::Away(server))
    }

    /// Makes a connection that was away from `old` live on `new`. Returns the memberships affected.
    pub fn come_back(&mut self, connection: ConnectionId, old: ServerId, new: ServerId) -> usize {
        self.rehome(connection, Home::Away(old), Home::Live(new))
    }

    /// Moves a connection from one home to another in all its channels where it is there.
    pub fn rehome(&mut self, connection: ConnectionId, from: Home, to: Home) -> usize {
        let segment = self.connection(connection);
        let mut moved = 0;
        for i in 0..segment.len as usize {
            let channel = self.reverse.cells(segment)[i];
            if self.remove(channel, connection, segment::key_of(from)) {
                self.insert(channel, connection, segment::key_of(to));
                moved += 1;
            }
        }
        moved
    }

    /// Bytes held by members, groups and channel headers and by the reverse lists (the part that grows with
    /// memberships), whoever shares them.
    #[must_use]
    pub fn membership_bytes(&self) -> usize {
        self.channels.memory_bytes() + self.members.memory_bytes() + self.reverse.memory_bytes()
    }

    /// Bytes held by the headers of connections.
    #[must_use]
    pub fn connection_bytes(&self) -> usize {
        self.connections.memory_bytes()
    }

    /// Bytes held in all.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.membership_bytes() + self.connection_bytes()
    }

    pub(super) fn channel(&self, channel: ChannelId) -> Segment {
        self.channels
            .get(channel.index())
            .copied()
            .unwrap_or_default()
    }

    fn connection(&self, connection: ConnectionId) -> Segment {
        self.connections
            .get(connection.index())
            .copied()
            .unwrap_or_default()
    }

    fn relabel_away(&mut self, channel: ChannelId, server: ServerId) -> u64 {
        let mut segment = self.channel(channel);
        let groups = usize::from(segment.groups);
        let (live, away) = (
            segment::key_of(Home::Live(server)),
            segment::key_of(Home::Away(server)),
        );
        let Ok(i) = segment::find(self.members.cells(segment), groups, live) else {
            return 0;
        };
        let cells = self.members.cells_mut(segment);
        let end = segment::group(cells, i).1;
        let moved = end - segment::start(cells, i);
        if i + 1 < groups && segment::group(cells, i + 1).0 == away {
            segment::remove_group(cells, groups, i);
            segment.groups -= 1;
            *self.channels.get_mut(channel.index()) = segment;
        } else {
            segment::set_group(cells, i, away, end);
        }
        moved as u64
    }

    fn insert(&mut self, channel: ChannelId, connection: ConnectionId, key: u32) {
        let mut segment = self.channel(channel);
        let groups = usize::from(segment.groups);
        let found = segment::find(self.members.cells(segment), groups, key);
        let records = groups + usize::from(found.is_err());
        let cap = segment.cap as usize;
        if segment.len as usize + 1 + records * segment::record_width(cap) > cap {
            segment = self.regrow(segment, records);
        }
        let cells = self.members.cells_mut(segment);
        let i = match found {
            Ok(i) => i,
            Err(i) => {
                assert!(
                    groups < usize::from(u16::MAX),
                    "a channel has at most 65 535 groups"
                );
                segment::insert_group(cells, groups, i, key);
                i
            }
        };
        segment::insert_member(cells, records, i, connection);
        segment.groups = records as u16;
        segment.len += 1;
        *self.channels.get_mut(channel.index()) = segment;
    }

    fn remove(&mut self, channel: ChannelId, connection: ConnectionId, key: u32) -> bool {
        let mut segment = self.channel(channel);
        let groups = usize::from(segment.groups);
        let cells = self.members.cells(segment);
        let Ok(i) = segment::find(cells, groups, key) else {
            return false;
        };
        let (start, end) = (segment::start(cells, i), segment::group(cells, i).1);
        let Some(at) = cells[start..end]
            .iter()
            .position(|&member| member == connection)
        else {
            return false;
        };
        let cells = self.members.cells_mut(segment);
        segment::remove_member(cells, groups, i, start + at);
        if end - start == 1 {
            segment::remove_group(cells, groups, i);
            segment.groups -= 1;
        }
        segment.len -= 1;
        *self.channels.get_mut(channel.index()) = segment;
        true
    }

    /// Moves a channel to a larger segment, with room for one more member and `records` groups.
    fn regrow(&mut self, old: Segment, records: usize) -> Segment {
        let (len, groups) = (old.len as usize, usize::from(old.groups));
        let room = |width: usize| {
            let need = len + 1 + records * width;
            need + need / 4 + 2
        };
        let narrow = room(1);
        let cap = if segment::record_width(narrow) == 1 {
            narrow
        } else {
            room(2)
        };
        let mut new = self.members.allocate(cap);
        (new.len, new.groups) = (old.len, old.groups);
        let source: Vec<ConnectionId> = self.members.cells(old).to_vec();
        let target = self.members.cells_mut(new);
        target[..len].copy_from_slice(&source[..len]);
        for i in 0..groups {
            let (key, end) = segment::group(&source, i);
            segment::set_group(target, i, key, end);
        }
        self.members.release(old);
        new
    }

    fn push_reverse(&mut self, connection: ConnectionId, channel: ChannelId) {
        let mut segment = self.connection(connection);
        if segment.len == segment.cap {
            let mut larger = self
                .reverse
                .allocate(segment.cap as usize + segment.cap as usize / 2 + 2);
            larger.len = segment.len;
            let source = self.reverse.cells(segment).to_vec();
            self.reverse.cells_mut(larger)[..source.len()].copy_from_slice(&source);
            self.reverse.release(segment);
            segment = larger;
        }
        self.reverse.cells_mut(segment)[segment.len as usize] = channel;
        segment.len += 1;
        *self.connections.get_mut(connection.index()) = segment;
    }

    fn pop_reverse(&mut self, connection: ConnectionId, channel: ChannelId) {
        let mut segment = self.connection(connection);
        let len = segment.len as usize;
        let Some(at) = self
            .channels_of(connection)
            .iter()
            .position(|&c| c == channel)
        else {
            return;
        };
        self.reverse.cells_mut(segment).copy_within(at + 1..len, at);
        segment.len -= 1;
        *self.connections.get_mut(connection.index()) = segment;
    }
}

/// Iterator over the groups of a channel.
#[derive(Clone, Debug)]
pub struct Groups<'a> {
    cells: &'a [ConnectionId],
    groups: usize,
    next: usize,
    start: usize,
}

impl<'a> Iterator for Groups<'a> {
    type Item = (Home, &'a [ConnectionId]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.groups {
            return None;
        }
        let (key, end) = segment::group(self.cells, self.next);
        let members = &self.cells[self.start..end];
        self.next += 1;
        self.start = end;
        Some((segment::home_of(key), members))
    }
}
