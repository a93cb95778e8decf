//! A buffer that shows the messages of one stream in the order of their numbers.
//!
//! *Models:* a message ahead of its turn is held until those before it are there, or until the oldest that is
//! held has waited `patience_ns`: then what is missing is given up as a gap. A message that was shown or given
//! up before is dropped. *Property:* numbers shown ascend. *Formula:* the wait of a message is the time by
//! which the slowest of its predecessors is later than itself (head-of-line blocking). *Leaves out:* asking for
//! what is missing. *Source:* RFC 9260 (ordered delivery per stream).

use crate::ids::{Seq, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// A message that may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released<T> {
    /// Its number.
    pub seq: Seq,
    /// When it arrived.
    pub arrived: Timestamp,
    /// Messages before it that were given up for it.
    pub given_up: u64,
    /// The message.
    pub item: T,
}

/// Messages of one stream.
#[derive(Clone, Debug)]
pub struct InOrder<T> {
    patience_ns: u64,
    /// The number that is shown next.
    next: Seq,
    held: BTreeMap<Seq, (Timestamp, T)>,
    /// What is held in the order of arrival; beyond the first some may be shown already.
    arrivals: VecDeque<(Timestamp, Seq)>,
    duplicates: u64,
    too_late: u64,
    gaps: Vec<(Seq, Seq)>,
    given_up: u64,
}

impl<T> InOrder<T> {
    /// A buffer that starts with the number `first`.
    #[must_use]
    pub fn new(first: Seq, patience_ns: u64) -> Self {
        Self {
            patience_ns,
            next: first,
            held: BTreeMap::new(),
            arrivals: VecDeque::new(),
            duplicates: 0,
            too_late: 0,
            gaps: Vec::new(),
            given_up: 0,
        }
    }

    /// A message arrives. Call [`Self::poll`] until it has nothing more.
    pub fn arrive(&mut self, now: Timestamp, seq: Seq, item: T) {
        if seq < self.next {
            // Binary search: gaps are ascending and apart.
            let after = self.gaps.partition_point(|gap| gap.0 <= seq);
            let in_gap = after > 0 && seq < self.gaps[after - 1].1;
            self.too_late += u64::from(in_gap);
            self.duplicates += u64::from(!in_gap);
        } else if let std::collections::btree_map::Entry::Vacant(free) = self.held.entry(seq) {
            free.insert((now, item));
            self.arrivals.push_back((now, seq));
        } else {
            self.duplicates += 1;
        }
    }

    /// The next message to show at `now`.
    pub fn poll(&mut self, now: Timestamp) -> Option<Released<T>> {
        let (&first, _) = self.held.first_key_value()?;
        if first > self.next && self.next_due().is_some_and(|due| due > now) {
            return None;
        }
        let (arrived, item) = self.held.remove(&first)?;
        while let Some((_, seq)) = self.arrivals.front() {
            if self.held.contains_key(seq) {
                break;
            }
            self.arrivals.pop_front();
        }
        let given_up = first.0 - self.next.0;
        if given_up > 0 {
            self.gaps.push((self.next, first));
            self.given_up += given_up;
        }
        self.next = first.next();
        Some(Released {
            seq: first,
            arrived,
            given_up,
            item,
        })
    }

    /// When the next message is shown even if those before it do not come.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let (&first, _) = self.held.first_key_value()?;
        if first == self.next {
            return Some(Timestamp::ZERO);
        }
        let (oldest, _) = self.arrivals.front()?;
        Some(oldest.plus(self.patience_ns))
    }

    /// Messages held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Messages that came again.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Messages that came after they were given up.
    #[must_use]
    pub fn too_late(&self) -> u64 {
        self.too_late
    }

    /// Numbers given up.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(buffer: &mut InOrder<u64>, now: u64) -> Vec<u64> {
        std::iter::from_fn(|| buffer.poll(Timestamp(now)))
            .map(|released| released.seq.0)
            .collect()
    }

    #[test]
    fn a_message_waits_for_those_before_it_and_not_for_ever() {
        let mut buffer = InOrder::new(Seq(1), 100);
        for (now, seq) in [(0, 2), (10, 3), (20, 3), (30, 6)] {
            buffer.arrive(Timestamp(now), Seq(seq), seq);
        }
        assert!(shown(&mut buffer, 40).is_empty());
        buffer.arrive(Timestamp(50), Seq(1), 1);
        assert_eq!(shown(&mut buffer, 50), [1, 2, 3]);
        assert_eq!(buffer.next_due(), Some(Timestamp(130)));
        assert!(shown(&mut buffer, 129).is_empty());
        let late = buffer.poll(Timestamp(130)).unwrap();
        assert_eq!((late.seq, late.given_up), (Seq(6), 2));
        for seq in [4, 2, 6] {
            buffer.arrive(Timestamp(140), Seq(seq), seq);
        }
        assert_eq!((buffer.too_late(), buffer.duplicates()), (1, 3));
        assert_eq!((buffer.given_up(), buffer.held()), (2, 0));
    }
}
