//! The records of one partition, in segments.
//!
//! *Models:* an append-only sequence cut into segments of a fixed number of records. Retention removes whole closed
//! segments, never the one being written; compaction keeps the last record of each key in the closed ones, so
//! that offsets have holes but keep their order. *Formula:* a record is found by two binary searches, or one and a
//! subtraction in a segment without holes. A clone shares its segments and copies the last one when it is written.
//! *Leaves out:* the bytes themselves, index files, tombstones that expire. *Source:* Kafka's log segments.

use super::LogOffset;
use crate::ids::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<T> {
    /// Its place.
    pub offset: LogOffset,
    /// When it was appended.
    pub at: Timestamp,
    /// Its key.
    pub key: u64,
    /// Its size.
    pub bytes: u32,
    /// What it says.
    pub value: T,
}

/// What closed segments outlive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Age of a segment's last record beyond which it goes; `None` keeps it.
    pub age_ns: Option<u64>,
    /// Bytes beyond which the oldest segments go; `None` keeps them.
    pub bytes: Option<u64>,
}

#[derive(Clone, Debug)]
struct Segment<T> {
    /// Offset of its first record when it was opened.
    base: u64,
    bytes: u64,
    last_at: Timestamp,
    entries: Vec<Entry<T>>,
}

/// The records of a partition.
#[derive(Clone, Debug)]
pub struct Segments<T> {
    segments: VecDeque<Arc<Segment<T>>>,
    segment_records: usize,
    start: u64,
    next: u64,
    bytes: u64,
}

impl<T: Clone> Segments<T> {
    /// An empty log whose segments hold `segment_records` records (at least one).
    #[must_use]
    pub fn new(segment_records: u32) -> Self {
        Self {
            segments: VecDeque::new(),
            segment_records: segment_records.max(1) as usize,
            start: 0,
            next: 0,
            bytes: 0,
        }
    }

    /// The oldest offset that may still be read.
    #[must_use]
    pub fn start(&self) -> LogOffset {
        LogOffset(self.start)
    }

    /// The offset that the next record gets.
    #[must_use]
    pub fn end(&self) -> LogOffset {
        LogOffset(self.next)
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Records held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments.iter().map(|one| one.entries.len()).sum()
    }

    /// Whether no record is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a record at the end.
    pub fn append(&mut self, now: Timestamp, key: u64, bytes: u32, value: T) -> LogOffset {
        let offset = LogOffset(self.next);
        let full = self
            .segments
            .back()
            .is_none_or(|last| self.next - last.base >= self.segment_records as u64);
        if full {
            self.segments.push_back(Arc::new(Segment {
                base: self.next,
                bytes: 0,
                last_at: now,
                entries: Vec::with_capacity(self.segment_records.min(1_024)),
            }));
        }
        let last = self.segments.back_mut().expect("a segment was just opened");
        let last = Arc::make_mut(last);
        last.bytes += u64::from(bytes);
        last.last_at = now;
        last.entries.push(Entry {
            offset,
            at: now,
            key,
            bytes,
            value,
        });
        self.bytes += u64::from(bytes);
        self.next += 1;
        offset
    }

    /// The record at an offset; `None` if it was removed or is yet to come.
    #[must_use]
    pub fn get(&self, offset: LogOffset) -> Option<&Entry<T>> {
        self.read(offset)
            .next()
            .filter(|entry| entry.offset == offset)
    }

    /// Records from an offset on (or from the oldest, if that is later), in order.
    pub fn read(&self, from: LogOffset) -> impl Iterator<Item = &Entry<T>> {
        let from = from.0.max(self.start);
        let first = self
            .segments
            .partition_point(|segment| segment.base <= from)
            .saturating_sub(1);
        let skip = self
            .segments
            .get(first)
            .map_or(0, |segment| segment.position(from));
        self.segments
            .range(first.min(self.segments.len())..)
            .flat_map(|segment| segment.entries.iter())
            .skip(skip)
    }

    /// Forgets the records from `end` on, as a replica does that has more than its new leader. Returns how many.
    pub fn truncate(&mut self, end: LogOffset) -> u64 {
        let cut = self.next.saturating_sub(end.0.max(self.start));
        self.next -= cut;
        while let Some(last) = self.segments.back_mut() {
            if last.base >= self.next && last.base > self.start {
                self.bytes -= last.bytes;
                self.segments.pop_back();
                continue;
            }
            let keep = last.position(self.next);
            let last = Arc::make_mut(last);
            for entry in last.entries.drain(keep..) {
                last.bytes -= u64::from(entry.bytes);
                self.bytes -= u64::from(entry.bytes);
            }
            break;
        }
        cut
    }

    /// Removes the closed segments that retention no longer keeps. Returns the number of records removed.
    pub fn retain(&mut self, now: Timestamp, retention: Retention) -> u64 {
        let mut removed = 0;
        while self.segments.len() > 1 {
            let oldest = &self.segments[0];
            let too_old = retention
                .age_ns
                .is_some_and(|age| now.since(oldest.last_at) > age);
            let too_many = retention.bytes.is_some_and(|most| self.bytes > most);
            if !too_old && !too_many {
                break;
            }
            removed += oldest.entries.len() as u64;
            self.bytes -= oldest.bytes;
            self.segments.pop_front();
            self.start = self.segments[0].base;
        }
        removed
    }

    /// Keeps only the last record of each key in the closed segments. Returns the number of records removed.
    pub fn compact(&mut self) -> u64 {
        let mut last: BTreeMap<u64, LogOffset> = BTreeMap::new();
        for entry in self.segments.iter().flat_map(|one| &one.entries) {
            last.insert(entry.key, entry.offset);
        }
        let closed = self.segments.len().saturating_sub(1);
        let mut removed = 0;
        for segment in self.segments.iter_mut().take(closed) {
            let kept = |entry: &Entry<T>| last[&entry.key] == entry.offset;
            if segment.entries.iter().all(kept) {
                continue;
            }
            let segment = Arc::make_mut(segment);
            let before = segment.entries.len();
            segment.entries.retain(kept);
            removed += (before - segment.entries.len()) as u64;
            let bytes = segment.entries.iter().map(|one| u64::from(one.bytes)).sum();
            self.bytes -= segment.bytes - bytes;
            segment.bytes = bytes;
        }
        removed
    }
}

impl<T> Segment<T> {
    /// How many of its records lie before an offset.
    fn position(&self, offset: u64) -> usize {
        let ahead = offset.saturating_sub(self.base) as usize;
        match self.entries.get(ahead) {
            Some(entry) if entry.offset.0 == offset => ahead,
            _ => self
                .entries
                .partition_point(|entry| entry.offset.0 < offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(records: u64) -> Segments<u64> {
        let mut log = Segments::new(10);
        for i in 0..records {
            assert_eq!(log.append(Timestamp(i), i % 7, 100, i), LogOffset(i));
        }
        log
    }

    fn values(log: &Segments<u64>, from: u64) -> Vec<u64> {
        log.read(LogOffset(from)).map(|entry| entry.value).collect()
    }

    #[test]
    fn reading_starts_anywhere_and_a_clone_keeps_its_past() {
        let mut log = log(35);
        let past = log.clone();
        log.append(Timestamp(99), 0, 1, 35);
        assert_eq!(values(&log, 28), (28..36).collect::<Vec<_>>());
        assert_eq!(values(&past, 28), (28..35).collect::<Vec<_>>());
        assert_eq!(log.get(LogOffset(12)).unwrap().value, 12);
        assert!(log.get(LogOffset(36)).is_none() && values(&log, 99).is_empty());
    }

    #[test]
    fn retention_removes_whole_closed_segments() {
        let mut log = log(35);
        let by_age = Retention {
            age_ns: Some(20),
            bytes: None,
        };
        // The first segment ends at time 9, the second at 19: at 35 only the first is older than 20.
        assert_eq!(log.retain(Timestamp(35), by_age), 10);
        assert_eq!((log.start(), values(&log, 0)[0]), (LogOffset(10), 10));
        let by_bytes = Retention {
            age_ns: None,
            bytes: Some(600),
        };
        assert_eq!(log.retain(Timestamp(35), by_bytes), 20);
        assert_eq!((log.start(), log.bytes()), (LogOffset(30), 500));
        let nothing = Retention {
            age_ns: Some(0),
            bytes: Some(0),
        };
        assert_eq!(log.retain(Timestamp(10_000), nothing), 0, "the last stays");
    }

    #[test]
    fn compaction_keeps_the_last_of_each_key() {
        let mut log = log(35);
        assert_eq!(log.compact(), 28);
        // Keys 0 to 6: their last records are 28 to 34; the open segment (30..35) is not touched.
        assert_eq!(values(&log, 0), [28, 29, 30, 31, 32, 33, 34]);
        assert_eq!((log.end(), log.bytes()), (LogOffset(35), 700));
        assert_eq!(values(&log, 29)[0], 29);
        assert!(log.get(LogOffset(3)).is_none());
    }

    #[test]
    fn truncation_forgets_the_end() {
        for end in 0..=35 {
            let mut log = log(35);
            assert_eq!(log.truncate(LogOffset(end)), 35 - end);
            assert_eq!((log.end(), log.bytes()), (LogOffset(end), end * 100));
            assert_eq!(log.append(Timestamp(50), 1, 100, 77), LogOffset(end));
            assert_eq!(log.read(LogOffset(0)).count() as u64, end + 1);
        }
    }
}
