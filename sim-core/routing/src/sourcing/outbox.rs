//! The transactional outbox: a message is stored with the change that causes it, and published later.
//!
//! *Models:* messages in the order of their changes; a relay claims some, publishes them, and confirms. What
//! was claimed when the relay crashes is published again. *Property:* a message is published if and only if its
//! change was committed, at least once, in order; it is duplicated only by a crash between publishing and
//! confirming. Publishing without an outbox loses a message for each crash between the commit and the publish.
//! *Leaves out:* the store's transaction itself. *Source:* C. Richardson, Microservices Patterns (2018),
//! transactional outbox.

use crate::ids::Timestamp;
use std::collections::VecDeque;

/// A message that waits to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxMessage<T> {
    /// Its number; the first is 0.
    pub id: u64,
    /// When its change was committed.
    pub committed: Timestamp,
    /// The message.
    pub item: T,
}

/// Messages of committed changes.
#[derive(Clone, Debug)]
pub struct Outbox<T> {
    waiting: VecDeque<OutboxMessage<T>>,
    /// How many from the front are claimed.
    claimed: usize,
    next_id: u64,
    confirmed: u64,
    republished: u64,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            claimed: 0,
            next_id: 0,
            confirmed: 0,
            republished: 0,
        }
    }
}

impl<T: Clone> Outbox<T> {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A change is committed, and with it its message. Returns the message's number.
    pub fn commit(&mut self, now: Timestamp, item: T) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.waiting.push_back(OutboxMessage {
            id,
            committed: now,
            item,
        });
        id
    }

    /// The relay takes the next message to publish.
    pub fn claim(&mut self) -> Option<OutboxMessage<T>> {
        let message = self.waiting.get(self.claimed)?.clone();
        self.claimed += 1;
        Some(message)
    }

    /// All messages up to this number are published. Returns how many that settles.
    pub fn confirm(&mut self, id: u64) -> usize {
        let mut settled = 0;
        while self.claimed > 0 && self.waiting.front().is_some_and(|first| first.id <= id) {
            self.waiting.pop_front();
            self.claimed -= 1;
            settled += 1;
        }
        self.confirmed += settled as u64;
        settled
    }

    /// The relay crashes: what it claimed and did not confirm will be claimed again. Returns how many.
    pub fn relay_crashed(&mut self) -> usize {
        let again = std::mem::take(&mut self.claimed);
        self.republished += again as u64;
        again
    }

    /// Messages not yet confirmed.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.waiting.len()
    }

    /// Messages confirmed.
    #[must_use]
    pub fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Messages claimed again after crashes: the most that may be published twice.
    #[must_use]
    pub fn republished(&self) -> u64 {
        self.republished
    }

    /// When the oldest change that is not published was committed.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        self.waiting.front().map(|first| first.committed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_publishes_again_and_loses_nothing() {
        let mut outbox = Outbox::new();
        for i in 0..5u64 {
            assert_eq!(outbox.commit(Timestamp(i), i * 10), i);
        }
        let mut published: Vec<u64> = (0..3).map(|_| outbox.claim().unwrap().item).collect();
        assert_eq!(outbox.confirm(1), 2);
        assert_eq!(outbox.relay_crashed(), 1);
        while let Some(message) = outbox.claim() {
            published.push(message.item);
            outbox.confirm(message.id);
        }
        assert_eq!(published, [0, 10, 20, 20, 30, 40]);
        assert_eq!(
            (outbox.pending(), outbox.confirmed(), outbox.republished()),
            (0, 5, 1)
        );
    }
}
