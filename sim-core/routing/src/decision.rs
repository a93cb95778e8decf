//! Decisions of a hub, for comparing two worlds fed with one trace.
//!
//! *Models:* every answer a hub gives, as five numbers that enter its digest. *Leaves out:* payloads.

use crate::ids::{ChannelId, ConnectionId, Seq, ServerId};

/// One decision of a hub, as it enters the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A connection opened on a server.
    Opened(ConnectionId, ServerId),
    /// A connection closed; whether it may resume.
    Closed(ConnectionId, bool),
    /// A membership began.
    Joined(ChannelId, ConnectionId),
    /// A membership ended.
    Left(ChannelId, ConnectionId),
    /// A message was numbered; owed live and away.
    Published(ChannelId, Seq, u64, u64),
    /// A copy of the last message goes to a server, for so many recipients.
    Copied(ServerId, u32),
    /// A client resumed and is sent `from..to` of a channel, having missed so many.
    Replayed(ChannelId, Seq, Seq, u64),
    /// A server went down, with so many connections.
    ServerDown(ServerId, u64),
    /// A server came up.
    ServerUp(ServerId),
    /// A request was refused.
    Refused(ConnectionId),
}

impl Decision {
    /// The decision as five words: its kind and its parts.
    #[must_use]
    pub const fn words(self) -> [u64; 5] {
        match self {
            Self::Opened(c, s) => [1, c.0 as u64, s.0 as u64, 0, 0],
            Self::Closed(c, resumable) => [2, c.0 as u64, resumable as u64, 0, 0],
            Self::Joined(ch, c) => [3, ch.0 as u64, c.0 as u64, 0, 0],
            Self::Left(ch, c) => [4, ch.0 as u64, c.0 as u64, 0, 0],
            Self::Published(ch, seq, live, away) => [5, ch.0 as u64, seq.0, live, away],
            Self::Copied(s, n) => [6, s.0 as u64, n as u64, 0, 0],
            Self::Replayed(ch, from, to, missed) => [7, ch.0 as u64, from.0, to.0, missed],
            Self::ServerDown(s, n) => [8, s.0 as u64, n, 0, 0],
            Self::ServerUp(s) => [9, s.0 as u64, 0, 0, 0],
            Self::Refused(c) => [10, c.0 as u64, 0, 0, 0],
        }
    }
}
