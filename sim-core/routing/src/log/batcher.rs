//! Group commit: several records share one write.
//!
//! *Models:* a batch that is open for at most `linger_ns` after its first record, and closes when it holds
//! `records` records or `bytes` bytes. *Formula:* at λ records per second a batch holds about
//! min(records, 1 + λ · linger), so that a write that costs c is paid c / that per record, and a record waits half
//! the linger on average. *Property:* no record waits longer than the linger. *Leaves out:* compression.
//! *Source:* D. DeWitt et al., 1984 (group commit); Kafka's `linger.ms` and `batch.size`.

use crate::ids::Timestamp;

/// When a batch closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Longest wait of its first record, in nanoseconds; 0 makes a batch of each record.
    pub linger_ns: u64,
    /// Most records.
    pub records: u32,
    /// Most bytes; a single record may be bigger.
    pub bytes: u64,
}

/// Records that are written together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<T> {
    /// When its first record came.
    pub opened: Timestamp,
    /// Sum of the sizes.
    pub bytes: u64,
    /// The records, in the order in which they came.
    pub items: Vec<T>,
}

/// Makes batches.
#[derive(Clone, Debug)]
pub struct Batcher<T> {
    limits: BatchLimits,
    open: Option<Batch<T>>,
}

impl<T> Batcher<T> {
    /// Nothing is open.
    #[must_use]
    pub fn new(limits: BatchLimits) -> Self {
        Self { limits, open: None }
    }

    /// Adds a record and returns the batch that this closes: the one before, if the record does not fit into it,
    /// or else its own, if that is full now.
    pub fn push(&mut self, now: Timestamp, bytes: u64, item: T) -> Option<Batch<T>> {
        let fits = self
            .open
            .as_ref()
            .is_none_or(|open| open.bytes + bytes <= self.limits.bytes);
        let before = if fits { None } else { self.open.take() };
        let open = self.open.get_or_insert_with(|| Batch {
            opened: now,
            bytes: 0,
            items: Vec::new(),
        });
        open.bytes += bytes;
        open.items.push(item);
        if before.is_some() {
            return before;
        }
        let full = open.bytes >= self.limits.bytes
            || open.items.len() >= self.limits.records as usize
            || self.limits.linger_ns == 0;
        if full { self.open.take() } else { None }
    }

    /// When the open batch closes by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| self.due(open))
    }

    /// The batch that is due at `now`.
    pub fn poll(&mut self, now: Timestamp) -> Option<Batch<T>> {
        self.next_due()
            .filter(|due| *due <= now)
            .and_then(|_| self.open.take())
    }

    /// Closes what is open, as a writer does that has become idle.
    pub fn flush(&mut self) -> Option<Batch<T>> {
        self.open.take()
    }

    /// Records in the open batch.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.items.len())
    }

    fn due(&self, open: &Batch<T>) -> Timestamp {
        let full = open.bytes >= self.limits.bytes
            || open.items.len() >= self.limits.records as usize
            || self.limits.linger_ns == 0;
        if full {
            open.opened
        } else {
            open.opened.plus(self.limits.linger_ns)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BatchLimits = BatchLimits {
        linger_ns: 5_000_000,
        records: 3,
        bytes: 100,
    };

    #[test]
    fn a_batch_closes_by_count_by_size_and_by_time() {
        let mut batcher = Batcher::new(LIMITS);
        assert!(batcher.push(Timestamp(0), 10, 'a').is_none());
        assert!(batcher.push(Timestamp(1), 10, 'b').is_none());
        let full = batcher.push(Timestamp(2), 10, 'c').unwrap();
        assert_eq!((full.items, full.bytes), (vec!['a', 'b', 'c'], 30));
        assert!(batcher.push(Timestamp(3), 60, 'd').is_none());
        let before = batcher.push(Timestamp(4), 60, 'e').unwrap();
        assert_eq!((before.items, batcher.waiting()), (vec!['d'], 1));
        assert_eq!(batcher.next_due(), Some(Timestamp(5_000_004)));
        assert!(batcher.poll(Timestamp(5_000_003)).is_none());
        assert_eq!(batcher.poll(Timestamp(5_000_004)).unwrap().items, ['e']);
        assert_eq!(batcher.next_due(), None);
    }

    #[test]
    fn without_linger_each_record_goes_alone_and_a_big_one_is_due_at_once() {
        let mut eager = Batcher::new(BatchLimits {
            linger_ns: 0,
            ..LIMITS
        });
        assert_eq!(eager.push(Timestamp(7), 1, 'a').unwrap().items, ['a']);
        let mut batcher = Batcher::new(LIMITS);
        batcher.push(Timestamp(0), 10, 'a');
        assert_eq!(batcher.push(Timestamp(1), 500, 'b').unwrap().items, ['a']);
        assert_eq!(batcher.next_due(), Some(Timestamp(1)));
    }

    /// The formula above: at one record per millisecond and a linger of 5 ms a batch holds 6.
    #[test]
    fn batches_grow_with_the_rate() {
        for (gap_ns, expected) in [(1_000_000, 6), (100_000, 51), (10_000_000, 1)] {
            let mut batcher = Batcher::new(BatchLimits {
                records: 1_000,
                bytes: 1_000_000,
                ..LIMITS
            });
            let mut sizes = Vec::new();
            for i in 0..1_000u64 {
                let now = Timestamp(i * gap_ns);
                // What is due at the same instant closes after the record that arrives then.
                if batcher.next_due().is_some_and(|due| due < now) {
                    sizes.push(batcher.poll(now).unwrap().items.len());
                }
                batcher.push(now, 1, i);
            }
            assert!(sizes.iter().all(|&size| size == expected), "{sizes:?}");
        }
    }
}
