//! What a run keeps for its intervals: measured time in equal slots, by the instant of publishing.
//!
//! Models: at most 64 slots. Each counts its messages, with the sum and the sum of squares of their mean latencies, and holds the
//! latencies of its deliveries and of its completions ([`CompactHistogram`]). When a 65th slot would begin, neighbours are
//! merged in pairs and the slot doubles, so a run of any length keeps 33 to 64 of them. All is integers: removal undoes
//! recording exactly.
//!
//! A message belongs to the slot it was published in, whenever its deliveries arrive; so a slot holds whole messages, and what
//! lies in different slots depends on each other only through the state of the system.
//! Leaves out: messages published before `start`, and any order within a slot.

use super::compact::CompactHistogram;
use crate::histogram::{MAX_UNITS, bucket_of};
use crate::time::{SimDuration, SimTime};

/// The most slots a series keeps.
pub const MAX_SLOTS: usize = 64;

/// One operation kind's latencies by slot of publishing.
#[derive(Clone, Debug)]
pub struct SlotSeries {
    start: SimTime,
    slot: SimDuration,
    slots: Vec<Slot>,
    /// The slot asked for last: mostly the next one too, found without a division.
    last: usize,
}

/// What was published in one slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    messages: u64,
    message_units: u64,
    message_squares: u128,
    delivered: CompactHistogram,
    complete: CompactHistogram,
}

/// Which latencies of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Samples {
    /// Of every delivery (of every answer, for operations that answer).
    Delivered,
    /// Of every message: that of its last delivery.
    Complete,
}

impl SlotSeries {
    /// A series from `start` on, in slots of at first `slot`. Panics if slots have no length.
    #[must_use]
    pub fn new(start: SimTime, slot: SimDuration) -> Self {
        assert!(!slot.is_zero(), "a slot lasts");
        SlotSeries {
            start,
            slot,
            slots: Vec::new(),
            last: 0,
        }
    }

    /// The number of the slot of what is published at `published`, valid until the next call; `None` before the start. Opens
    /// slots, and doubles their length, as needed.
    #[inline]
    pub fn slot_index_of(&mut self, published: SimTime) -> Option<usize> {
        if published < self.start {
            return None;
        }
        let since = (published - self.start).as_nanos();
        let slot = self.slot.as_nanos();
        let into = since.wrapping_sub(slot.wrapping_mul(self.last as u64));
        if into >= slot || self.last >= self.slots.len() {
            self.last = self.open(since);
        }
        Some(self.last)
    }

    /// Adds one delivery's latency, whose bucket is known.
    #[inline]
    pub fn record(&mut self, slot: usize, bucket: u16, units: u32) {
        self.slots[slot].delivered.record(bucket, units);
    }

    /// Adds the latencies of a batch of deliveries, whose buckets are known, and their sum.
    #[inline]
    pub fn record_all(&mut self, slot: usize, buckets: &[u16], sum_units: u64) {
        self.slots[slot].delivered.record_all(buckets, sum_units);
    }

    /// Takes one delivery's latency out again. Panics if none such is recorded.
    pub fn remove(&mut self, slot: usize, units: u32) {
        self.slots[slot].delivered.remove(units);
    }

    /// Adds the latency of a message's last delivery.
    #[inline]
    pub fn record_complete(&mut self, slot: usize, units: u32) {
        let bucket = bucket_of(units.min(MAX_UNITS)) as u16;
        self.slots[slot].complete.record(bucket, units);
    }

    /// Takes the latency of a message's last delivery out again. Panics if none such is recorded.
    pub fn remove_complete(&mut self, slot: usize, units: u32) {
        self.slots[slot].complete.remove(units);
    }

    /// Adds a message by the mean latency of its deliveries.
    #[inline]
    pub fn record_message(&mut self, slot: usize, mean_units: u32) {
        let slot = &mut self.slots[slot];
        slot.messages += 1;
        slot.message_units += u64::from(mean_units);
        slot.message_squares += u128::from(u64::from(mean_units) * u64::from(mean_units));
    }

    /// Takes a message out again: before it is entered with another mean, or for good. Panics if the slot cannot hold it.
    pub fn remove_message(&mut self, slot: usize, mean_units: u32) {
        let slot = &mut self.slots[slot];
        let square = u128::from(u64::from(mean_units) * u64::from(mean_units));
        assert!(
            slot.messages > 0
                && slot.message_units >= u64::from(mean_units)
                && slot.message_squares >= square,
            "a message removed that was never recorded"
        );
        slot.messages -= 1;
        slot.message_units -= u64::from(mean_units);
        slot.message_squares -= square;
    }

    /// The start of the first slot.
    #[must_use]
    pub fn start(&self) -> SimTime {
        self.start
    }

    /// The present length of a slot.
    #[must_use]
    pub fn slot(&self) -> SimDuration {
        self.slot
    }

    /// All slots from the start to the last message.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The slots that begin at or after `cut`.
    #[must_use]
    pub fn slots_from(&self, cut: SimTime) -> &[Slot] {
        let skipped = cut
            .saturating_since(self.start)
            .as_nanos()
            .div_ceil(self.slot.as_nanos());
        &self.slots[(skipped as usize).min(self.slots.len())..]
    }

    /// The slots that are over at `end`.
    #[must_use]
    pub fn until(&self, end: SimTime) -> SlotSeries {
        let over = end.saturating_since(self.start).as_nanos() / self.slot.as_nanos();
        let mut earlier = self.clone();
        earlier.slots.truncate(over as usize);
        earlier.last = 0;
        earlier
    }

    /// Messages recorded.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.slots.iter().map(|slot| slot.messages).sum()
    }

    /// Merges neighbours in pairs and doubles the slot.
    pub fn coarsen(&mut self) {
        let mut merged = Vec::with_capacity(MAX_SLOTS.min(self.slots.len()));
        let mut slots = self.slots.drain(..);
        while let Some(mut first) = slots.next() {
            if let Some(second) = slots.next() {
                first.merge(&second);
            }
            merged.push(first);
        }
        drop(slots);
        self.slots = merged;
        self.slot = self.slot * 2;
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let histograms = |slot: &Slot| slot.delivered.heap_bytes() + slot.complete.heap_bytes();
        self.slots.capacity() * size_of::<Slot>() + self.slots.iter().map(histograms).sum::<usize>()
    }

    fn open(&mut self, since_ns: u64) -> usize {
        while since_ns / self.slot.as_nanos() >= MAX_SLOTS as u64 {
            self.coarsen();
        }
        let index = (since_ns / self.slot.as_nanos()) as usize;
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, Slot::default);
        }
        index
    }
}

impl PartialEq for SlotSeries {
    fn eq(&self, other: &Self) -> bool {
        (self.start, self.slot) == (other.start, other.slot) && self.slots == other.slots
    }
}

impl Eq for SlotSeries {}

impl Slot {
    /// Messages published.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// The sum of the mean latencies of its messages, in units.
    #[must_use]
    pub fn message_units(&self) -> u64 {
        self.message_units
    }

    /// The sum of their squares.
    #[must_use]
    pub fn message_squares(&self) -> u128 {
        self.message_squares
    }

    /// The latencies of its deliveries, or of its completions.
    #[must_use]
    pub fn samples(&self, samples: Samples) -> &CompactHistogram {
        match samples {
            Samples::Delivered => &self.delivered,
            Samples::Complete => &self.complete,
        }
    }

    /// Adds everything in `other`.
    pub fn merge(&mut self, other: &Slot) {
        self.messages += other.messages;
        self.message_units += other.message_units;
        self.message_squares += other.message_squares;
        self.delivered.merge(&other.delivered);
        self.complete.merge(&other.complete);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series_of(messages: u64) -> SlotSeries {
        let mut series = SlotSeries::new(SimTime::from_secs(1), SimDuration::from_millis(250));
        for i in 0..messages {
            let at = SimTime::from_secs(1) + SimDuration::from_millis(100 * i);
            record(&mut series, at, 1_000 + i as u32);
        }
        series
    }

    fn record(series: &mut SlotSeries, at: SimTime, units: u32) {
        let slot = series.slot_index_of(at).unwrap();
        series.record(slot, bucket_of(units) as u16, units);
        series.record_complete(slot, units);
        series.record_message(slot, units);
    }

    #[test]
    fn a_long_run_keeps_few_slots_and_every_message() {
        for (messages, slots, slot_ms) in [(100, 40, 250), (161, 33, 500), (5_000, 63, 8_000)] {
            let series = series_of(messages);
            assert_eq!(series.slots().len(), slots);
            assert_eq!(series.slot(), SimDuration::from_millis(slot_ms));
            assert_eq!(series.messages(), messages);
            let units: u64 = series.slots().iter().map(Slot::message_units).sum();
            assert_eq!(units, (0..messages).map(|i| 1_000 + i).sum());
        }
    }

    #[test]
    fn nothing_before_the_start_is_kept() {
        let mut series = series_of(10);
        assert_eq!(series.slot_index_of(SimTime::ZERO), None);
        assert_eq!(series.slots_from(SimTime::ZERO).len(), 4);
        assert_eq!(series.slots_from(SimTime::from_millis(1_250)).len(), 3);
        assert_eq!(series.slots_from(SimTime::from_millis(1_251)).len(), 2);
        assert!(series.slots_from(SimTime::MAX).is_empty());
        assert_eq!(series.until(SimTime::MAX), series);
        assert_eq!(series.until(SimTime::from_millis(1_499)).slots().len(), 1);
        assert_eq!(series.until(SimTime::from_millis(1_500)).slots().len(), 2);
        assert!(series.until(SimTime::ZERO).slots().is_empty());
    }

    #[test]
    fn removal_undoes_recording_even_after_slots_have_merged() {
        let mut series = series_of(150);
        let late = SimTime::from_secs(40);
        let mut expected = series.clone();
        expected.slot_index_of(late);
        record(&mut series, SimTime::from_secs(3), 77);
        record(&mut series, late, 9_000_000);
        for (at, units) in [(SimTime::from_secs(3), 77), (late, 9_000_000)] {
            let slot = series.slot_index_of(at).unwrap();
            series.remove(slot, units);
            series.remove_complete(slot, units);
            series.remove_message(slot, units);
        }
        assert_eq!(series, expected);
    }

    #[test]
    #[should_panic(expected = "never recorded")]
    fn a_message_that_was_not_recorded_cannot_be_removed() {
        let mut series = series_of(1);
        series.remove_message(0, 1_001);
    }
}
