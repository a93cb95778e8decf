//! A receiver that counts what went wrong with the order of what it was shown.
//!
//! *Models:* per stream the numbers seen, as intervals. A message is *reordered* when one with a greater number
//! was shown before it, a *duplicate* when its own number was; numbers never seen below the greatest seen are
//! *missing*; a message that names its cause is *acausal* if the cause was not shown before. *Formula:*
//! messages = first-time + duplicates; greatest number = first-time + missing. *Property:* memory grows with
//! the holes, not with the messages. *Leaves out:* how far a message was displaced.

use super::OrderStamp;
use crate::ids::Seq;
use std::collections::BTreeMap;

/// What a message turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The greatest number so far.
    InOrder,
    /// A hole is filled.
    Reordered,
    /// Seen before.
    Duplicate,
}

/// Totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    /// Messages shown, duplicates included.
    pub messages: u64,
    /// Shown after a later one.
    pub reordered: u64,
    /// Shown again.
    pub duplicates: u64,
    /// Shown before their cause.
    pub acausal: u64,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    /// The greatest number seen.
    last: u64,
    /// Numbers not seen below it, `start → end` with the end excluded.
    holes: BTreeMap<u64, u64>,
}

/// Streams as one receiver sees them.
#[derive(Clone, Debug, Default)]
pub struct OrderCheck {
    streams: BTreeMap<u64, Seen>,
    counts: OrderCounts,
}

impl OrderCheck {
    /// Nothing was shown; the first number of a stream is 1.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A message is shown, and possibly names the message that caused it.
    pub fn show(&mut self, stamp: OrderStamp, cause: Option<OrderStamp>) -> Arrival {
        if cause.is_some_and(|cause| !self.has_shown(cause.stream, cause.seq)) {
            self.counts.acausal += 1;
        }
        self.counts.messages += 1;
        let arrival = self
            .streams
            .entry(stamp.stream)
            .or_default()
            .show(stamp.seq.0);
        match arrival {
            Arrival::InOrder => {}
            Arrival::Reordered => self.counts.reordered += 1,
            Arrival::Duplicate => self.counts.duplicates += 1,
        }
        arrival
    }

    /// Whether a message was shown.
    #[must_use]
    pub fn has_shown(&self, stream: u64, seq: Seq) -> bool {
        self.streams
            .get(&stream)
            .is_some_and(|seen| seq.0 <= seen.last && seen.hole_of(seq.0).is_none())
    }

    /// Totals so far.
    #[must_use]
    pub fn counts(&self) -> OrderCounts {
        self.counts
    }

    /// Numbers below the greatest of their stream that were not shown.
    #[must_use]
    pub fn missing(&self) -> u64 {
        let holes = self.streams.values().flat_map(|seen| &seen.holes);
        holes.map(|(start, end)| end - start).sum()
    }
}

impl Seen {
    fn hole_of(&self, seq: u64) -> Option<(u64, u64)> {
        let (&start, &end) = self.holes.range(..=seq).next_back()?;
        (seq < end).then_some((start, end))
    }

    fn show(&mut self, seq: u64) -> Arrival {
        if seq > self.last {
            if seq > self.last + 1 {
                self.holes.insert(self.last + 1, seq);
            }
            self.last = seq;
            return Arrival::InOrder;
        }
        let Some((start, end)) = self.hole_of(seq) else {
            return Arrival::Duplicate;
        };
        self.holes.remove(&start);
        if start < seq {
            self.holes.insert(start, seq);
        }
        if seq + 1 < end {
            self.holes.insert(seq + 1, end);
        }
        Arrival::Reordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Hlc;

    fn stamp(stream: u64, seq: u64) -> OrderStamp {
        OrderStamp {
            stream,
            seq: Seq(seq),
            hlc: Hlc::default(),
        }
    }

    #[test]
    fn holes_are_filled_and_duplicates_are_told_apart() {
        let mut check = OrderCheck::new();
        let arrivals = [1, 5, 3, 3, 2, 5, 6].map(|seq| check.show(stamp(0, seq), None));
        use Arrival::{Duplicate, InOrder, Reordered};
        assert_eq!(
            arrivals,
            [
                InOrder, InOrder, Reordered, Duplicate, Reordered, Duplicate, InOrder
            ]
        );
        assert_eq!(check.missing(), 1);
        let counts = check.counts();
        assert_eq!(
            (counts.messages, counts.reordered, counts.duplicates),
            (7, 2, 2)
        );
        check.show(stamp(1, 1), Some(stamp(0, 4)));
        check.show(stamp(1, 2), Some(stamp(0, 6)));
        assert_eq!(check.counts().acausal, 1);
    }
}
