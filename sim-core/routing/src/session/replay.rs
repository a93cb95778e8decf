//! Replay rings: the last messages of a channel, for clients that come back.
//!
//! *Models:* per-channel sequence numbers (1, 2, 3 …) and the messages of the last `window_ns`, at most
//! `max_entries` of them. *Property:* a client that saw everything up to `last_seen` and resumes while all that
//! followed is held receives each message exactly once; otherwise it learns how many it missed.
//! *Formula:* 16 bytes for a channel that never spoke; a ring is allocated by the first message.
//! *Leaves out:* storage of older history. *Source:* resume by session and sequence as in Discord's gateway.

use crate::ids::{Seq, Timestamp};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// What a ring keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayLimits {
    /// Age up to which a message is held, in nanoseconds; 0 holds none.
    pub window_ns: u64,
    /// Messages held at most.
    pub max_entries: u32,
}

impl Default for ReplayLimits {
    /// Two minutes, 1 000 messages.
    fn default() -> Self {
        Self {
            window_ns: 120_000_000_000,
            max_entries: 1_000,
        }
    }
}

/// What a resuming client can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// All it has not seen: the numbers `start..end`, `end` excluded; empty when it missed nothing.
    Complete(Range<u64>),
    /// Messages fell out of the ring: `missed` of them are gone; those from `first_available` on are held.
    Gap {
        /// The oldest message still held (one past the last if none is).
        first_available: Seq,
        /// How many messages the client can no longer get.
        missed: u64,
    },
}

#[derive(Clone, Debug)]
struct Entry<T> {
    at: Timestamp,
    payload: T,
}

/// The numbers and last messages of one channel.
#[derive(Clone, Debug)]
pub struct ReplayRing<T> {
    last: Seq,
    entries: Option<Arc<VecDeque<Entry<T>>>>,
}

impl<T> Default for ReplayRing<T> {
    fn default() -> Self {
        Self {
            last: Seq(0),
            entries: None,
        }
    }
}

impl<T: Clone> ReplayRing<T> {
    /// A silent channel.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of the last message; `Seq(0)` before the first.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.last
    }

    /// Messages held, whether or not they have outlived the window since the last publish.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| entries.len())
    }

    /// Whether no message is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers and holds a message, and drops what the limits no longer allow.
    pub fn publish(&mut self, now: Timestamp, payload: T, limits: ReplayLimits) -> Seq {
        self.last = self.last.next();
        if limits.window_ns == 0 || limits.max_entries == 0 {
            self.entries = None;
            return self.last;
        }
        let entries = Arc::make_mut(
            self.entries
                .get_or_insert_with(|| Arc::new(VecDeque::new())),
        );
        entries.push_back(Entry { at: now, payload });
        let full = |entries: &VecDeque<Entry<T>>| entries.len() > limits.max_entries as usize;
        let stale = |entries: &VecDeque<Entry<T>>| {
            entries
                .front()
                .is_some_and(|e| now.since(e.at) > limits.window_ns)
        };
        while full(entries) || stale(entries) {
            entries.pop_front();
        }
        self.last
    }

    /// What a client that saw everything up to `last_seen` can have at `now`.
    #[must_use]
    pub fn resume(&self, last_seen: Seq, now: Timestamp, limits: ReplayLimits) -> Resume {
        let wanted = last_seen.0.saturating_add(1);
        let end = self.last.0 + 1;
        let available = self.first_available(now, limits).0;
        if wanted >= available || wanted >= end {
            return Resume::Complete(wanted.min(end)..end);
        }
        Resume::Gap {
            first_available: Seq(available),
            missed: available - wanted,
        }
    }

    /// The oldest message a client can have at `now`; one past the last if none.
    #[must_use]
    pub fn first_available(&self, now: Timestamp, limits: ReplayLimits) -> Seq {
        let Some(entries) = &self.entries else {
            return self.last.next();
        };
        let stale = entries.partition_point(|entry| now.since(entry.at) > limits.window_ns);
        Seq(self.last.0 + 1 - (entries.len() - stale) as u64)
    }

    /// A message held, with the time it was published.
    #[must_use]
    pub fn get(&self, seq: Seq) -> Option<(Timestamp, &T)> {
        let index = self.index(seq)?;
        let entry = self.entries.as_ref()?.get(index)?;
        Some((entry.at, &entry.payload))
    }

    /// A message held, to be changed in place (an edit, a redaction).
    pub fn get_mut(&mut self, seq: Seq) -> Option<&mut T> {
        let index = self.index(seq)?;
        Arc::make_mut(self.entries.as_mut()?)
            .get_mut(index)
            .map(|entry| &mut entry.payload)
    }

    fn index(&self, seq: Seq) -> Option<usize> {
        let first = self.last.0 + 1 - self.len() as u64;
        (seq.0 <= self.last.0)
            .then(|| seq.0.checked_sub(first))?
            .map(|i| i as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ReplayLimits = ReplayLimits {
        window_ns: 100,
        max_entries: 4,
    };

    fn ring_of(n: u64) -> ReplayRing<u64> {
        let mut ring = ReplayRing::new();
        for i in 1..=n {
            ring.publish(Timestamp(i), i * 10, LIMITS);
        }
        ring
    }

    #[test]
    fn a_silent_channel_costs_sixteen_bytes() {
        assert!(size_of::<ReplayRing<[u64; 9]>>() <= 16);
    }

    #[test]
    fn resume_is_complete_inside_the_ring_and_a_gap_beyond() {
        let ring = ring_of(10);
        assert_eq!(
            ring.resume(Seq(10), Timestamp(10), LIMITS),
            Resume::Complete(11..11)
        );
        assert_eq!(
            ring.resume(Seq(6), Timestamp(10), LIMITS),
            Resume::Complete(7..11)
        );
        assert_eq!(
            ring.resume(Seq(3), Timestamp(10), LIMITS),
            Resume::Gap {
                first_available: Seq(7),
                missed: 3
            }
        );
        assert_eq!(
            ring.resume(Seq(99), Timestamp(10), LIMITS),
            Resume::Complete(11..11)
        );
    }

    #[test]
    fn age_closes_the_window_between_publishes() {
        let ring = ring_of(3);
        assert_eq!(
            ring.resume(Seq(1), Timestamp(102), LIMITS),
            Resume::Complete(2..4)
        );
        assert_eq!(
            ring.resume(Seq(1), Timestamp(103), LIMITS),
            Resume::Gap {
                first_available: Seq(3),
                missed: 1
            }
        );
        assert_eq!(
            ring.resume(Seq(1), Timestamp(999), LIMITS),
            Resume::Gap {
                first_available: Seq(4),
                missed: 2
            }
        );
    }

    #[test]
    fn entries_change_in_place_and_clones_do_not() {
        let mut ring = ring_of(5);
        let copy = ring.clone();
        *ring.get_mut(Seq(4)).unwrap() = 0;
        assert_eq!(
            (ring.get(Seq(4)).unwrap().1, copy.get(Seq(4)).unwrap().1),
            (&0, &40)
        );
        assert!(
            ring.get(Seq(1)).is_none() && ring.get(Seq(6)).is_none() && ring.get(Seq(0)).is_none()
        );
    }

    #[test]
    fn without_a_window_nothing_is_held() {
        let mut ring = ReplayRing::new();
        let none = ReplayLimits {
            window_ns: 0,
            max_entries: 4,
        };
        ring.publish(Timestamp(1), 'a', none);
        assert_eq!(
            ring.resume(Seq(0), Timestamp(1), none),
            Resume::Gap {
                first_available: Seq(2),
                missed: 1
            }
        );
    }
}
