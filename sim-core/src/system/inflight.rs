//! What a connection server has written and its clients may not have received yet.
//!
//! Copies and messages to one client are kept apart, since there are many of each, and numbered together: TCP order is that
//! of writing, whatever was written.

use std::collections::VecDeque;

use routing::{ChannelId, Seq};

use super::clients::TICK;
use super::operation::{Kind, OperationId, Parts};
use crate::time::{SimDuration, SimTime};

/// A copy that has been written, as it is kept: what its operation does not know. Millions lie about at once.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What it is a copy of.
    pub operation: OperationId,
    /// Writing time per recipient, in 1/256 units.
    pub per_recipient: u32,
    /// Recipients before this one are written before the pause.
    pub pause_at: u32,
    /// Length of the pause inside the service.
    pub pause: SimDuration,
    /// From the previous station to the server's door, less the link.
    pub transit: SimDuration,
    /// Time in the server's queue.
    pub waited: SimDuration,
    /// Service before the first recipient.
    pub served: SimDuration,
    /// Written down when membership changed since; otherwise they are the channel's members on the server. Connections that
    /// went are [`super::operation::NOBODY`]: the others keep their positions.
    pub recipients: Option<Box<[u32]>>,
    /// When the last of them receives it.
    pub last_receipt: SimTime,
}

/// One message to one client: an answer, a replayed message, an admission.
#[derive(Clone, Copy, Debug)]
pub struct Direct {
    /// To whom.
    pub connection: u32,
    /// What it belongs to.
    pub kind: Kind,
    /// Whether it counts.
    pub measured: bool,
    /// When its operation was started.
    pub started: SimTime,
    /// When it arrives.
    pub receipt: SimTime,
    /// Its latency, in units.
    pub units: u32,
    /// What the latency consists of.
    pub parts: Parts,
    /// The message, when it is a replayed one.
    pub message: Option<(ChannelId, Seq)>,
}

/// One of either.
#[derive(Clone, Copy, Debug)]
pub enum Written<'a> {
    /// A copy for all local recipients.
    Copy(&'a Kept),
    /// A message to one client.
    Direct(&'a Direct),
}

/// What one server has written, oldest first.
#[derive(Clone, Debug, Default)]
pub struct InFlight {
    copies: VecDeque<(u64, Kept)>,
    directs: VecDeque<(u64, Direct)>,
    next: u64,
    /// Copies below this number have their recipients written down.
    settled: u64,
}

/// How long a receipt matters after it: as many ticks as messages of one connection may follow each other at once, since each
/// is held back behind the one before, rounded up by a tick.
const HELD: u64 = 8_192;

/// Whether a receipt at `at` can matter after `now`: as the receipt itself, or as the first of a row that hold each other back
/// until then.
fn matters(at: SimTime, now: SimTime) -> bool {
    at > now.saturating_sub(TICK * HELD)
}

impl InFlight {
    /// Keeps a copy.
    pub fn push_copy(&mut self, kept: Kept) {
        self.copies.push_back((self.next, kept));
        self.next += 1;
    }

    /// Keeps a message to one client.
    pub fn push_direct(&mut self, direct: Direct) {
        self.directs.push_back((self.next, direct));
        self.next += 1;
    }

    /// Lets go of the oldest copy that is received; messages to one client go by themselves. `None`: there is none.
    #[inline]
    pub fn pop_received(&mut self, now: SimTime) -> Option<Kept> {
        while self
            .directs
            .front()
            .is_some_and(|(_, direct)| !matters(direct.receipt, now))
        {
            self.directs.pop_front();
        }
        if matters(self.copies.front()?.1.last_receipt, now) {
            return None;
        }
        self.copies.pop_front().map(|(_, kept)| kept)
    }

    /// All that may not have been received by `now`, in the order of writing.
    pub fn unreceived(&self, now: SimTime) -> impl Iterator<Item = Written<'_>> {
        let copies = self.copies.iter();
        let directs = self.directs.iter();
        let mut all: Vec<(u64, Written<'_>)> = copies
            .filter(|(_, kept)| matters(kept.last_receipt, now))
            .map(|(number, kept)| (*number, Written::Copy(kept)))
            .chain(
                directs
                    .filter(|(_, direct)| matters(direct.receipt, now))
                    .map(|(number, direct)| (*number, Written::Direct(direct))),
            )
            .collect();
        all.sort_unstable_by_key(|&(number, _)| number);
        all.into_iter().map(|(_, written)| written)
    }

    /// The copies since this was last asked, whose recipients must now be written down.
    pub fn since_churn(&mut self) -> impl Iterator<Item = &mut Kept> {
        let settled = core::mem::replace(&mut self.settled, self.next);
        let young = self.copies.iter_mut().rev();
        young
            .take_while(move |(number, _)| *number >= settled)
            .map(|(_, kept)| kept)
    }

    /// The copies, oldest first.
    pub fn copies(&self) -> impl Iterator<Item = &Kept> {
        self.copies.iter().map(|(_, kept)| kept)
    }

    /// The copies, youngest first.
    pub fn copies_mut(&mut self) -> impl Iterator<Item = &mut Kept> {
        self.copies.iter_mut().rev().map(|(_, kept)| kept)
    }

    /// The messages to one client.
    pub fn directs_mut(&mut self) -> impl Iterator<Item = &mut Direct> {
        self.directs.iter_mut().map(|(_, direct)| direct)
    }

    /// Lets nothing count that is under way; a copy counts as its operation does.
    pub fn forget_measured(&mut self) {
        for direct in self.directs_mut() {
            direct.measured = false;
        }
    }
}
