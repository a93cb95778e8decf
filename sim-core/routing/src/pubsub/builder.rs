//! Building a directory in bulk.
//!
//! *Models:* a population joined channel by channel, in one pass. *Formula:* grouping is a counting sort by
//! server, O(members); the reverse index is one pass over all memberships with two cache misses each. Peak
//! memory is that of the result and 4 bytes per connection.
//! *Leaves out:* changes; see [`Directory::join`].

use super::directory::{Directory, Home};
use super::segment;
use crate::cow::CHUNK;
use crate::ids::{ChannelId, ConnectionId, ServerId};

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
