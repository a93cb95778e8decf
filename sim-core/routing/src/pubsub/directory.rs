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
use crate::cow::{Arena, CHUNK, CowVec, Segment};
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
    channels: CowVec<Segment>,
    members: Arena<ConnectionId>,
    connections: CowVec<Segment>,
    reverse: Arena<ChannelId>,
    memberships: u64,
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

    fn channel(&self, channel: ChannelId) -> Segment {
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

/// Builds a [`Directory`] channel by channel, without a second copy of the memberships.
#[derive(Clone, Debug)]
pub struct DirectoryBuilder {
    directory: Directory,
    joined: Vec<u32>,
    counts: Vec<u32>,
    sorted: Vec<ConnectionId>,
    touched: Vec<u16>,
}

impl DirectoryBuilder {
    /// A builder for connections `0..connections`.
    #[must_use]
    pub fn new(connections: u32) -> Self {
        Self {
            directory: Directory::new(),
            joined: vec![0; connections as usize],
            counts: vec![0; usize::from(u16::MAX) + 1],
            sorted: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// Adds the next channel (ids count up from 0) and returns its id. `server_of` gives the server of every
    /// connection of the system, by connection id; [`ServerId::NOWHERE`] marks one without a session.
    /// Members may come in any order; one named twice counts once.
    pub fn push_channel(&mut self, members: &[ConnectionId], server_of: &[ServerId]) -> ChannelId {
        let channel = ChannelId(self.directory.channels.len() as u32);
        let mut sorted = std::mem::take(&mut self.sorted);
        let ascending = members.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending {
            sorted.clear();
            sorted.extend_from_slice(members);
            sorted.sort_unstable();
            sorted.dedup();
        }
        self.push_ascending(if ascending { members } else { &sorted }, server_of);
        self.sorted = sorted;
        channel
    }

    /// Finishes the reverse index: room for each connection's channels, then one pass over all members.
    #[must_use]
    pub fn finish(self) -> Directory {
        let Self {
            mut directory,
            joined,
            ..
        } = self;
        for count in joined {
            let segment = directory.reverse.allocate(count as usize);
            directory.connections.push(segment);
        }
        let Directory {
            channels,
            members,
            connections,
            reverse,
            ..
        } = &mut directory;
        let (mut headers, mut cells) = (connections.slices_mut(), reverse.slices_mut());
        for (channel, segment) in channels.iter().enumerate() {
            for member in &members.cells(*segment)[..segment.len as usize] {
                let header = &mut headers[member.index() / CHUNK][member.index() % CHUNK];
                let at = usize::from(header.offset) + header.len as usize;
                cells[header.chunk as usize][at] = ChannelId(channel as u32);
                header.len += 1;
            }
        }
        directory
    }

    /// Counting sort by server; a stable one, so that ids stay ascending inside a group.
    fn push_ascending(&mut self, members: &[ConnectionId], server_of: &[ServerId]) {
        self.touched.clear();
        for member in members {
            let server = server_of[member.index()].0;
            let count = &mut self.counts[usize::from(server)];
            if *count == 0 {
                self.touched.push(server);
            }
            *count += 1;
            self.joined[member.index()] += 1;
        }
        self.touched.sort_unstable();
        let (len, groups) = (members.len(), self.touched.len());
        let narrow = len + groups;
        let cap = if segment::record_width(narrow) == 1 {
            narrow
        } else {
            len + 2 * groups
        };
        let mut segment = self.directory.members.allocate(cap);
        (segment.len, segment.groups) = (len as u32, groups as u16);
        let cells = self.directory.members.cells_mut(segment);
        let mut start = 0;
        for (i, &server) in self.touched.iter().enumerate() {
            let count = &mut self.counts[usize::from(server)];
            let end = start + *count as usize;
            *count = start as u32;
            let server = ServerId(server);
            let home = if server == ServerId::NOWHERE {
                Home::Away(server)
            } else {
                Home::Live(server)
            };
            segment::set_group(cells, i, segment::key_of(home), end);
            start = end;
        }
        for member in members {
            let next = &mut self.counts[server_of[member.index()].index()];
            cells[*next as usize] = *member;
            *next += 1;
        }
        for &server in &self.touched {
            self.counts[usize::from(server)] = 0;
        }
        self.directory.channels.push(segment);
        self.directory.memberships += len as u64;
    }
}
