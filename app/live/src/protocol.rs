//! The wire protocol: one frame per binary WebSocket message, little-endian, its kind in the first byte.
//!
//! ```text
//! client → server                                          server → client
//!  1 hello      connection u32                             129 welcome    connection u32
//!  2 resume     connection u32, (channel u32, seq u64)*    130 resumed    (channel u32, from u64, to u64, missed u64)*
//!  3 publish    channel u32, stamp u64, payload            131 deliver    channel u32, seq u64, stamp u64, payload
//!                                                          132 published  channel u32, seq u64, live u64, away u64, stamp u64
//!  4 join       channel u32                                133 joined     channel u32, changed u8
//!  5 leave      channel u32                                134 left       channel u32, changed u8
//!  6 sync       nonce u64                                  135 synced     nonce u64
//!  7 bye                                                   136 refused    reason u8, stamp u64
//! ```
//! The first frame of a socket is hello or resume. A resume names the last number seen in each channel; the answer lists what
//! follows of each, and those messages follow as deliveries. A stamp is the publisher's intended send time and comes back as it
//! went. A sync is answered after everything before it, so it is a barrier. A bye ends the session; the server then closes.
//!
//! *Leaves out:* authentication, compression, versions. *Source:* hello, identify and resume as in Discord's gateway.

use routing::{ChannelId, ConnectionId, ReplaySlice, Seq, Timestamp};
use tokio_tungstenite::tungstenite::Bytes;

/// Bytes of a delivery before its payload.
pub const DELIVER_HEADER_BYTES: usize = 21;
/// Largest message either side accepts.
pub const MAX_FRAME_BYTES: usize = 1 << 20;

const HELLO: u8 = 1;
const RESUME: u8 = 2;
const PUBLISH: u8 = 3;
const JOIN: u8 = 4;
const LEAVE: u8 = 5;
const SYNC: u8 = 6;
const BYE: u8 = 7;
const WELCOME: u8 = 129;
const RESUMED: u8 = 130;
const DELIVER: u8 = 131;
const PUBLISHED: u8 = 132;
const JOINED: u8 = 133;
const LEFT: u8 = 134;
const SYNCED: u8 = 135;
const REFUSED: u8 = 136;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Begin a session.
    Hello(ConnectionId),
    /// Take a session up again, with the last number seen in each channel.
    Resume(ConnectionId, Vec<(ChannelId, Seq)>),
    /// Publish into a channel.
    Publish {
        /// Where.
        channel: ChannelId,
        /// When it was meant to be sent, by the client's clock.
        stamp: Timestamp,
        /// What.
        payload: Bytes,
    },
    /// Become a member.
    Join(ChannelId),
    /// End a membership.
    Leave(ChannelId),
    /// Answer once everything before is answered.
    Sync(u64),
    /// End the session.
    Bye,
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// A session has begun.
    Welcome(ConnectionId),
    /// A session goes on; these messages follow.
    Resumed(Vec<ReplaySlice>),
    /// A message of a channel.
    Deliver {
        /// Where.
        channel: ChannelId,
        /// Its number there.
        seq: Seq,
        /// When its publisher meant to send it.
        stamp: Timestamp,
        /// What.
        payload: Bytes,
    },
    /// A publish was numbered, and is owed to so many members.
    Published {
        /// Where.
        channel: ChannelId,
        /// Its number there.
        seq: Seq,
        /// Live members.
        owed_live: u64,
        /// Members away that may resume.
        owed_away: u64,
        /// As the publish had it.
        stamp: Timestamp,
    },
    /// A join was handled; whether it changed anything.
    Joined(ChannelId, bool),
    /// A leave was handled; whether it changed anything.
    Left(ChannelId, bool),
    /// The answer to a sync.
    Synced(u64),
    /// A request was refused; the stamp is that of the publish, else 0.
    Refused(Refusal, Timestamp),
}

/// Why a server refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The connection's number is beyond the deployment's population.
    #[error("unknown connection")]
    UnknownConnection,
    /// There is no such channel.
    #[error("unknown channel")]
    UnknownChannel,
    /// There is no session to resume.
    #[error("nothing to resume")]
    NotResumable,
    /// The store's queue is full.
    #[error("the store is full")]
    StoreFull,
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It ends too early.
    #[error("the frame ends too early")]
    Short,
    /// Its first byte means nothing.
    #[error("frames of kind {0} are not known")]
    Kind(u8),
    /// A flag or reason means nothing.
    #[error("a field of the frame has no such value")]
    Value,
    /// It goes on after its end.
    #[error("the frame has bytes after its end")]
    Long,
}

impl Request {
    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Hello(connection) => Writer::new(HELLO).u32(connection.0),
            Self::Resume(connection, seen) => seen.iter().fold(
                Writer::new(RESUME).u32(connection.0),
                |frame, (channel, seq)| frame.u32(channel.0).u64(seq.0),
            ),
            Self::Publish {
                channel,
                stamp,
                payload,
            } => Writer::new(PUBLISH)
                .u32(channel.0)
                .u64(stamp.0)
                .bytes(payload),
            Self::Join(channel) => Writer::new(JOIN).u32(channel.0),
            Self::Leave(channel) => Writer::new(LEAVE).u32(channel.0),
            Self::Sync(nonce) => Writer::new(SYNC).u64(*nonce),
            Self::Bye => Writer::new(BYE),
        }
        .finish()
    }

    /// Reads a frame; a payload shares its bytes.
    ///
    /// # Errors
    /// If the frame is not one of a client.
    pub fn decode(frame: &Bytes) -> Result<Self, FrameError> {
        let mut reader = Reader { frame, at: 0 };
        let request = match reader.u8()? {
            HELLO => Self::Hello(reader.connection()?),
            RESUME => {
                let connection = reader.connection()?;
                let mut seen = Vec::new();
                while !reader.is_at_end() {
                    seen.push((reader.channel()?, reader.seq()?));
                }
                Self::Resume(connection, seen)
            }
            PUBLISH => Self::Publish {
                channel: reader.channel()?,
                stamp: reader.stamp()?,
                payload: reader.rest(),
            },
            JOIN => Self::Join(reader.channel()?),
            LEAVE => Self::Leave(reader.channel()?),
            SYNC => Self::Sync(reader.u64()?),
            BYE => Self::Bye,
            kind => return Err(FrameError::Kind(kind)),
        };
        reader.end(request)
    }
}

impl Response {
    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Welcome(connection) => Writer::new(WELCOME).u32(connection.0),
            Self::Resumed(slices) => slices.iter().fold(Writer::new(RESUMED), |frame, slice| {
                frame
                    .u32(slice.channel.0)
                    .u64(slice.from.0)
                    .u64(slice.to.0)
                    .u64(slice.missed)
            }),
            Self::Deliver {
                channel,
                seq,
                stamp,
                payload,
            } => return deliver(*channel, *seq, *stamp, payload),
            Self::Published {
                channel,
                seq,
                owed_live,
                owed_away,
                stamp,
            } => Writer::new(PUBLISHED)
                .u32(channel.0)
                .u64(seq.0)
                .u64(*owed_live)
                .u64(*owed_away)
                .u64(stamp.0),
            Self::Joined(channel, changed) => {
                Writer::new(JOINED).u32(channel.0).u8(u8::from(*changed))
            }
            Self::Left(channel, changed) => Writer::new(LEFT).u32(channel.0).u8(u8::from(*changed)),
            Self::Synced(nonce) => Writer::new(SYNCED).u64(*nonce),
            Self::Refused(reason, stamp) => Writer::new(REFUSED).u8(reason.code()).u64(stamp.0),
        }
        .finish()
    }

    /// Reads a frame; a payload shares its bytes.
    ///
    /// # Errors
    /// If the frame is not one of a server.
    pub fn decode(frame: &Bytes) -> Result<Self, FrameError> {
        let mut reader = Reader { frame, at: 0 };
        let response = match reader.u8()? {
            WELCOME => Self::Welcome(reader.connection()?),
            RESUMED => {
                let mut slices = Vec::new();
                while !reader.is_at_end() {
                    slices.push(ReplaySlice {
                        channel: reader.channel()?,
                        from: reader.seq()?,
                        to: reader.seq()?,
                        missed: reader.u64()?,
                    });
                }
                Self::Resumed(slices)
            }
            DELIVER => Self::Deliver {
                channel: reader.channel()?,
                seq: reader.seq()?,
                stamp: reader.stamp()?,
                payload: reader.rest(),
            },
            PUBLISHED => Self::Published {
                channel: reader.channel()?,
                seq: reader.seq()?,
                owed_live: reader.u64()?,
                owed_away: reader.u64()?,
                stamp: reader.stamp()?,
            },
            JOINED => Self::Joined(reader.channel()?, reader.flag()?),
            LEFT => Self::Left(reader.channel()?, reader.flag()?),
            SYNCED => Self::Synced(reader.u64()?),
            REFUSED => {
                let reason = Refusal::from_code(reader.u8()?).ok_or(FrameError::Value)?;
                Self::Refused(reason, reader.stamp()?)
            }
            kind => return Err(FrameError::Kind(kind)),
        };
        reader.end(response)
    }
}

/// The frame of a delivery, encoded once and shared by all recipients and by the replay ring.
#[must_use]
pub fn deliver(channel: ChannelId, seq: Seq, stamp: Timestamp, payload: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(DELIVER_HEADER_BYTES + payload.len());
    frame.push(DELIVER);
    Writer(frame)
        .u32(channel.0)
        .u64(seq.0)
        .u64(stamp.0)
        .bytes(payload)
        .finish()
}

impl Refusal {
    const ALL: [Self; 4] = [
        Self::UnknownConnection,
        Self::UnknownChannel,
        Self::NotResumable,
        Self::StoreFull,
    ];

    const fn code(self) -> u8 {
        self as u8
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn new(kind: u8) -> Self {
        Self(vec![kind])
    }

    fn u8(self, value: u8) -> Self {
        self.bytes(&[value])
    }

    fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn finish(self) -> Bytes {
        Bytes::from(self.0)
    }
}

struct Reader<'a> {
    frame: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let bytes = self.frame.get(self.at..).and_then(<[u8]>::first_chunk::<N>);
        self.at += N;
        bytes.copied().ok_or(FrameError::Short)
    }

    fn u8(&mut self) -> Result<u8, FrameError> {
        self.array().map(u8::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, FrameError> {
        self.array().map(u64::from_le_bytes)
    }

    fn flag(&mut self) -> Result<bool, FrameError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(FrameError::Value),
        }
    }

    fn connection(&mut self) -> Result<ConnectionId, FrameError> {
        self.array().map(u32::from_le_bytes).map(ConnectionId)
    }

    fn channel(&mut self) -> Result<ChannelId, FrameError> {
        self.array().map(u32::from_le_bytes).map(ChannelId)
    }

    fn seq(&mut self) -> Result<Seq, FrameError> {
        self.u64().map(Seq)
    }

    fn stamp(&mut self) -> Result<Timestamp, FrameError> {
        self.u64().map(Timestamp)
    }

    fn rest(&mut self) -> Bytes {
        let rest = self.frame.slice(self.at.min(self.frame.len())..);
        self.at = self.frame.len();
        rest
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.frame.len()
    }

    fn end<T>(&self, read: T) -> Result<T, FrameError> {
        if self.is_at_end() {
            Ok(read)
        } else {
            Err(FrameError::Long)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: ChannelId = ChannelId(7);
    const STAMP: Timestamp = Timestamp(u64::MAX - 1);

    fn requests() -> Vec<Request> {
        let payload = Bytes::from_static(b"hello");
        vec![
            Request::Hello(ConnectionId(u32::MAX)),
            Request::Resume(ConnectionId(1), vec![]),
            Request::Resume(
                ConnectionId(1),
                vec![(CHANNEL, Seq(3)), (ChannelId(0), Seq(0))],
            ),
            Request::Publish {
                channel: CHANNEL,
                stamp: STAMP,
                payload,
            },
            Request::Join(CHANNEL),
            Request::Leave(CHANNEL),
            Request::Sync(9),
            Request::Bye,
        ]
    }

    fn responses() -> Vec<Response> {
        let slice = ReplaySlice {
            channel: CHANNEL,
            from: Seq(2),
            to: Seq(9),
            missed: 1,
        };
        let mut all = vec![
            Response::Welcome(ConnectionId(5)),
            Response::Resumed(vec![slice, slice]),
            Response::Deliver {
                channel: CHANNEL,
                seq: Seq(1),
                stamp: STAMP,
                payload: Bytes::new(),
            },
            Response::Published {
                channel: CHANNEL,
                seq: Seq(1),
                owed_live: 2,
                owed_away: 3,
                stamp: STAMP,
            },
            Response::Joined(CHANNEL, true),
            Response::Left(CHANNEL, false),
            Response::Synced(9),
        ];
        all.extend(Refusal::ALL.map(|reason| Response::Refused(reason, STAMP)));
        all
    }

    #[test]
    fn frames_come_back_as_they_went() {
        for request in requests() {
            assert_eq!(Request::decode(&request.encode()), Ok(request));
        }
        for response in responses() {
            assert_eq!(Response::decode(&response.encode()), Ok(response));
        }
    }

    #[test]
    fn every_cut_frame_is_an_answer_not_a_panic() {
        let frames = requests()
            .iter()
            .map(Request::encode)
            .chain(responses().iter().map(Response::encode))
            .collect::<Vec<_>>();
        for frame in frames {
            for end in 0..frame.len() {
                let cut = frame.slice(..end);
                let _ = (Request::decode(&cut), Response::decode(&cut));
            }
        }
        assert_eq!(Request::decode(&Bytes::new()), Err(FrameError::Short));
        assert_eq!(
            Request::decode(&Bytes::from_static(&[99])),
            Err(FrameError::Kind(99))
        );
        assert_eq!(
            Request::decode(&Bytes::from_static(&[BYE, 0])),
            Err(FrameError::Long)
        );
        assert_eq!(
            Response::decode(&Bytes::from_static(&[LEFT, 0, 0, 0, 0, 2])),
            Err(FrameError::Value)
        );
    }
}
