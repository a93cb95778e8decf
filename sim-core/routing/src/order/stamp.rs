//! What a message carries so that its receivers can put it in order.
//!
//! *Models:* five promises. None: nothing is promised. Per sender: the messages of one sender in one channel in
//! the order in which it sent them. Per channel: all messages of a channel in the one order that its sequencer
//! (the owner of the channel) gives. Causal: an answer never before its question, by hybrid logical clocks.
//! Total: all messages of all channels in one order. *Formula:* a stamp is one number, and for causal order a
//! timestamp of 16 bytes. *Property:* numbers have no gaps within their stream. *Leaves out:* the hop to the
//! sequencer, which costs per-channel and total order their latency. *Source:* L. Lamport (CACM 1978); the
//! orders as in V. Hadzilacos and S. Toueg, 1994.

use super::{Hlc, HlcClock};
use crate::ids::{ChannelId, Seq, Timestamp};
use std::collections::BTreeMap;

/// A sender of messages: a client, or a server that speaks for many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderId(pub u32);

/// What is promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ordering {
    /// Nothing.
    None,
    /// The messages of one sender in one channel.
    PerSender,
    /// All messages of one channel.
    #[default]
    PerChannel,
    /// No effect before its cause.
    Causal,
    /// All messages.
    Total,
}

/// What a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderStamp {
    /// The stream in which it is numbered: the sender's in the channel, the channel's, or 0 for the only one.
    pub stream: u64,
    /// Its number there; the first is 1.
    pub seq: Seq,
    /// When it was sent, by its sender's clock; the zero timestamp where no clock is needed.
    pub hlc: Hlc,
}

/// Numbers messages under one promise: at the senders, or at the sequencer.
#[derive(Clone, Debug)]
pub struct Stamper {
    ordering: Ordering,
    last: BTreeMap<u64, u64>,
}

impl Stamper {
    /// Nothing is numbered yet.
    #[must_use]
    pub fn new(ordering: Ordering) -> Self {
        Self {
            ordering,
            last: BTreeMap::new(),
        }
    }

    /// The promise.
    #[must_use]
    pub fn ordering(&self) -> Ordering {
        self.ordering
    }

    /// Whether messages are numbered by one sequencer instead of their senders.
    #[must_use]
    pub fn needs_sequencer(&self) -> bool {
        matches!(self.ordering, Ordering::PerChannel | Ordering::Total)
    }

    /// The stream to which a message belongs. Without a promise, and for causal order, a sender's messages are
    /// numbered too, so that a receiver can tell what is missing or came twice.
    #[must_use]
    pub fn stream_of(&self, channel: ChannelId, sender: SenderId) -> u64 {
        match self.ordering {
            Ordering::None | Ordering::PerSender => {
                u64::from(channel.0) << 32 | u64::from(sender.0)
            }
            Ordering::PerChannel => u64::from(channel.0),
            Ordering::Causal => u64::from(sender.0),
            Ordering::Total => 0,
        }
    }

    /// Numbers a message; causal order takes its sender's clock.
    pub fn stamp(
        &mut self,
        now: Timestamp,
        channel: ChannelId,
        sender: SenderId,
        clock: Option<&mut HlcClock>,
    ) -> OrderStamp {
        let stream = self.stream_of(channel, sender);
        let last = self.last.entry(stream).or_insert(0);
        *last += 1;
        OrderStamp {
            stream,
            seq: Seq(*last),
            hlc: clock.map_or_else(Hlc::default, |clock| clock.tick(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_as_wide_as_the_promise() {
        let sent = [(0, 0), (0, 1), (1, 0), (0, 0)];
        let numbers = |ordering| {
            let mut stamper = Stamper::new(ordering);
            sent.map(|(channel, sender)| {
                stamper
                    .stamp(Timestamp(0), ChannelId(channel), SenderId(sender), None)
                    .seq
                    .0
            })
        };
        assert_eq!(numbers(Ordering::PerSender), [1, 1, 1, 2]);
        assert_eq!(numbers(Ordering::PerChannel), [1, 2, 1, 3]);
        assert_eq!(numbers(Ordering::Causal), [1, 1, 2, 3]);
        assert_eq!(numbers(Ordering::Total), [1, 2, 3, 4]);
        assert!(Stamper::new(Ordering::Total).needs_sequencer());
    }
}
