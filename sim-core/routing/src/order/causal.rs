//! A buffer that shows messages in the order of their hybrid logical clocks.
//!
//! *Models:* a message is shown when no earlier one can still come: every sender has been heard (by a message
//! or by a heartbeat) with a timestamp at least as late, and its messages arrive in the order of its numbers;
//! or when it has waited `patience_ns`, as it must while a sender is silent. *Property:* if no message is later
//! than the patience, messages are shown in the order of their timestamps, so never an effect before its cause;
//! one that comes after a later one was shown is shown at once, and counted. *Formula:* a message waits for the
//! sender that is heard last: with heartbeats every h about h more than the longest delay. *Leaves out:*
//! dependencies named by the message, with which only real causes are waited for. *Source:* Lamport's total
//! order broadcast with stability, over the clocks of Kulkarni et al.

use super::{Hlc, SenderId};
use crate::ids::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// A message on show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held<T> {
    /// When it was sent.
    pub hlc: Hlc,
    /// When it arrived.
    pub arrived: Timestamp,
    /// Whether a later one was shown before.
    pub late: bool,
    /// The message.
    pub item: T,
}

/// Messages of several senders.
#[derive(Clone, Debug)]
pub struct CausalBuffer<T> {
    patience_ns: u64,
    /// The latest timestamp heard of each sender.
    heard: BTreeMap<SenderId, Hlc>,
    held: BTreeMap<Hlc, (Timestamp, T)>,
    /// What is held in the order of arrival; beyond the first some may be shown already.
    arrivals: VecDeque<(Timestamp, Hlc)>,
    shown: Hlc,
    late: u64,
}

impl<T> CausalBuffer<T> {
    /// A buffer for messages of these senders.
    pub fn new(senders: impl IntoIterator<Item = SenderId>, patience_ns: u64) -> Self {
        let unheard = |sender| (sender, Hlc::default());
        Self {
            patience_ns,
            heard: senders.into_iter().map(unheard).collect(),
            held: BTreeMap::new(),
            arrivals: VecDeque::new(),
            shown: Hlc::default(),
            late: 0,
        }
    }

    /// A sender joins; from now on it is waited for.
    pub fn join(&mut self, sender: SenderId) {
        self.heard.entry(sender).or_default();
    }

    /// A sender leaves; it is no longer waited for.
    pub fn leave(&mut self, sender: SenderId) {
        self.heard.remove(&sender);
    }

    /// A message arrives, those of one sender in order. Call [`Self::poll`] until it has nothing more.
    pub fn arrive(&mut self, now: Timestamp, sender: SenderId, hlc: Hlc, item: T) {
        self.heartbeat(sender, hlc);
        self.held.insert(hlc, (now, item));
        self.arrivals.push_back((now, hlc));
    }

    /// A sender lets know that it will send nothing before this timestamp.
    pub fn heartbeat(&mut self, sender: SenderId, hlc: Hlc) {
        if let Some(heard) = self.heard.get_mut(&sender) {
            *heard = hlc.max(*heard);
        }
    }

    /// The next message to show at `now`.
    pub fn poll(&mut self, now: Timestamp) -> Option<Held<T>> {
        let (&hlc, _) = self.held.first_key_value()?;
        // What is behind already waits for nothing; what is before an impatient one is shown before it.
        let late = hlc < self.shown;
        let pressed = || self.next_due().is_some_and(|due| due <= now);
        if !late && !self.is_stable(hlc) && !pressed() {
            return None;
        }
        let (arrived, item) = self.held.remove(&hlc)?;
        while let Some((_, hlc)) = self.arrivals.front() {
            if self.held.contains_key(hlc) {
                break;
            }
            self.arrivals.pop_front();
        }
        self.late += u64::from(late);
        self.shown = self.shown.max(hlc);
        Some(Held {
            hlc,
            arrived,
            late,
            item,
        })
    }

    /// When the first message is shown even if a sender stays silent.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let (oldest, _) = self.arrivals.front()?;
        Some(oldest.plus(self.patience_ns))
    }

    /// Messages held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Messages shown after a later one.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.late
    }

    fn is_stable(&self, hlc: Hlc) -> bool {
        self.heard.values().all(|heard| *heard >= hlc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::HlcClock;

    #[test]
    fn an_answer_waits_for_its_question() {
        let (a, b) = (SenderId(0), SenderId(1));
        let mut asking = HlcClock::new(0, 0, u64::MAX);
        let mut answering = HlcClock::new(1, -40, u64::MAX);
        let question = asking.tick(Timestamp(100));
        answering.observe(Timestamp(110), question).unwrap();
        let answer = answering.tick(Timestamp(120));
        let mut buffer = CausalBuffer::new([a, b], 1_000);
        buffer.arrive(Timestamp(130), b, answer, "answer");
        assert_eq!(buffer.poll(Timestamp(130)), None);
        buffer.arrive(Timestamp(190), a, question, "question");
        assert_eq!(buffer.poll(Timestamp(190)).unwrap().item, "question");
        assert_eq!(buffer.poll(Timestamp(190)), None, "a may still say more");
        buffer.heartbeat(a, asking.tick(Timestamp(200)));
        assert_eq!(buffer.poll(Timestamp(210)).unwrap().item, "answer");
        assert_eq!(buffer.late(), 0);
    }

    #[test]
    fn patience_ends_and_what_comes_after_is_late() {
        let senders = [SenderId(0), SenderId(1), SenderId(2)];
        let mut buffer = CausalBuffer::new(senders, 50);
        let hlc = |wall, node| Hlc {
            wall: Timestamp(wall),
            logical: 0,
            node,
        };
        buffer.arrive(Timestamp(100), SenderId(0), hlc(90, 0), 'b');
        assert_eq!(buffer.next_due(), Some(Timestamp(150)));
        assert_eq!(buffer.poll(Timestamp(149)), None);
        assert_eq!(buffer.poll(Timestamp(150)).unwrap().item, 'b');
        buffer.arrive(Timestamp(160), SenderId(1), hlc(80, 1), 'a');
        let late = buffer.poll(Timestamp(160)).unwrap();
        assert!(late.late && late.item == 'a' && buffer.late() == 1);
    }
}
