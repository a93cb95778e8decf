//! A producer: batches per partition, and a bounded buffer between the application and the log.
//!
//! *Models:* what was offered and is not yet acknowledged fills `buffer_bytes`. When it is full, an offer is
//! refused, or it waits in order, for at most `max_block_ns`: this is how a log that is too slow is felt
//! upstream. *Property:* bytes buffered never exceed the buffer; what waits enters in the order of its offers.
//! *Formula:* above the log's rate μ the buffer is full after buffer / (λ − μ), and from then on the producer
//! passes on exactly μ. *Leaves out:* several connections per broker; retries, which are the caller's: a batch
//! stays in the buffer until it is acknowledged or given up. *Source:* Kafka's `buffer.memory` and `max.block.ms`.

use super::{Batch, BatchLimits, Batcher, PartitionId};
use crate::ids::Timestamp;
use std::collections::VecDeque;

/// What happens to an offer that finds the buffer full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFull {
    /// It is refused at once.
    Refuse,
    /// It waits, and is refused when it has waited this long.
    Block {
        /// In nanoseconds.
        max_block_ns: u64,
    },
}

/// A producer's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerOptions {
    /// When a batch closes.
    pub batch: BatchLimits,
    /// Bytes offered and not yet acknowledged, at most.
    pub buffer_bytes: u64,
    /// When it is full.
    pub on_full: OnFull,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It is in the buffer.
    Buffered,
    /// It waits for room.
    Waiting,
    /// There is no room.
    Refused,
}

/// A batch on its way to a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted<T> {
    /// Where to.
    pub partition: PartitionId,
    /// What.
    pub batch: Batch<T>,
}

#[derive(Clone, Debug)]
struct Waiting<T> {
    since: Timestamp,
    partition: PartitionId,
    bytes: u64,
    item: T,
}

/// A producer over the partitions of a log.
#[derive(Clone, Debug)]
pub struct Producer<T> {
    options: ProducerOptions,
    open: Vec<Batcher<T>>,
    ready: VecDeque<Submitted<T>>,
    waiting: VecDeque<Waiting<T>>,
    buffered_bytes: u64,
    /// Bytes in batches that were handed out and are not acknowledged.
    in_flight_bytes: u64,
    refused: u64,
}

impl<T> Producer<T> {
    /// An idle producer over `partitions` partitions.
    #[must_use]
    pub fn new(options: ProducerOptions, partitions: u32) -> Self {
        Self {
            options,
            open: (0..partitions)
                .map(|_| Batcher::new(options.batch))
                .collect(),
            ready: VecDeque::new(),
            waiting: VecDeque::new(),
            buffered_bytes: 0,
            in_flight_bytes: 0,
            refused: 0,
        }
    }

    /// A record for a partition. One that is bigger than the whole buffer is refused.
    pub fn offer(&mut self, now: Timestamp, partition: PartitionId, bytes: u64, item: T) -> Offer {
        let blocked = !self.waiting.is_empty() || !self.has_room(bytes);
        match self.options.on_full {
            _ if bytes > self.options.buffer_bytes => {}
            _ if !blocked => {
                self.admit(now, partition, bytes, item);
                return Offer::Buffered;
            }
            OnFull::Block { .. } => {
                self.waiting.push_back(Waiting {
                    since: now,
                    partition,
                    bytes,
                    item,
                });
                return Offer::Waiting;
            }
            OnFull::Refuse => {}
        }
        self.refused += 1;
        Offer::Refused
    }

    /// When a batch closes by itself or the first that waits is given up.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let batches = self.open.iter().filter_map(Batcher::next_due).min();
        let given_up = match (self.options.on_full, self.waiting.front()) {
            (OnFull::Block { max_block_ns }, Some(first)) => Some(first.since.plus(max_block_ns)),
            _ => None,
        };
        [batches, given_up].into_iter().flatten().min()
    }

    /// The next batch that is closed at `now`, in order of closing; those due together by partition.
    pub fn poll(&mut self, now: Timestamp) -> Option<Submitted<T>> {
        if self.ready.is_empty() {
            for (partition, open) in self.open.iter_mut().enumerate() {
                if let Some(batch) = open.poll(now) {
                    let partition = PartitionId(partition as u32);
                    self.ready.push_back(Submitted { partition, batch });
                }
            }
        }
        let next = self.ready.pop_front()?;
        self.in_flight_bytes += next.batch.bytes;
        Some(next)
    }

    /// Gives up what has waited too long at `now`, oldest first; call it until it returns `None`.
    pub fn expire(&mut self, now: Timestamp) -> Option<T> {
        let OnFull::Block { max_block_ns } = self.options.on_full else {
            return None;
        };
        let first = self.waiting.front()?;
        if first.since.plus(max_block_ns) > now {
            return None;
        }
        self.refused += 1;
        self.waiting.pop_front().map(|waiting| waiting.item)
    }

    /// A batch of so many bytes was acknowledged, or given up: there is room again, and what waits enters.
    /// Returns how many records did.
    pub fn settled(&mut self, now: Timestamp, bytes: u64) -> u64 {
        assert!(
            bytes <= self.in_flight_bytes,
            "only what is in flight is settled: {bytes} of {} bytes",
            self.in_flight_bytes
        );
        self.in_flight_bytes -= bytes;
        self.buffered_bytes -= bytes;
        let mut entered = 0;
        while self
            .waiting
            .front()
            .is_some_and(|first| self.has_room(first.bytes))
        {
            let Some(first) = self.waiting.pop_front() else {
                break;
            };
            self.admit(now, first.partition, first.bytes, first.item);
            entered += 1;
        }
        entered
    }

    /// Bytes offered and not yet settled, without those that wait.
    #[must_use]
    pub fn buffered_bytes(&self) -> u64 {
        self.buffered_bytes
    }

    /// Records that wait for room.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Records refused or given up so far.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn has_room(&self, bytes: u64) -> bool {
        self.buffered_bytes + bytes <= self.options.buffer_bytes
    }

    fn admit(&mut self, now: Timestamp, partition: PartitionId, bytes: u64, item: T) {
        self.buffered_bytes += bytes;
        if let Some(batch) = self.open[partition.index()].push(now, bytes, item) {
            self.ready.push_back(Submitted { partition, batch });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(on_full: OnFull) -> ProducerOptions {
        ProducerOptions {
            batch: BatchLimits {
                linger_ns: 10,
                records: 2,
                bytes: 1_000,
            },
            buffer_bytes: 400,
            on_full,
        }
    }

    #[test]
    fn a_full_buffer_refuses_until_something_is_acknowledged() {
        let mut producer = Producer::new(options(OnFull::Refuse), 2);
        for item in 0..4 {
            let partition = PartitionId(item % 2);
            assert_eq!(
                producer.offer(Timestamp(0), partition, 100, item),
                Offer::Buffered
            );
        }
        let refused = producer.offer(Timestamp(0), PartitionId(0), 1, 9);
        assert_eq!((refused, producer.refused()), (Offer::Refused, 1));
        let first = producer.poll(Timestamp(0)).unwrap();
        assert_eq!(
            (first.partition, first.batch.items),
            (PartitionId(0), vec![0, 2])
        );
        producer.settled(Timestamp(5), 200);
        assert_eq!(producer.buffered_bytes(), 200);
        assert_eq!(
            producer.offer(Timestamp(5), PartitionId(0), 200, 5),
            Offer::Buffered
        );
        assert_eq!(producer.next_due(), Some(Timestamp(15)));
    }

    #[test]
    fn what_waits_enters_in_order_or_is_given_up() {
        let mut producer = Producer::new(options(OnFull::Block { max_block_ns: 50 }), 1);
        let offers: Vec<Offer> = (0..6)
            .map(|item| producer.offer(Timestamp(item), PartitionId(0), 150, item))
            .collect();
        assert_eq!(offers[..2], [Offer::Buffered; 2]);
        assert_eq!(offers[2..], [Offer::Waiting; 4]);
        assert_eq!(producer.poll(Timestamp(6)).unwrap().batch.items, [0, 1]);
        assert_eq!(producer.settled(Timestamp(6), 300), 2);
        assert_eq!(producer.expire(Timestamp(53)), None);
        assert_eq!(producer.expire(Timestamp(54)), Some(4));
        assert_eq!(
            (producer.expire(Timestamp(54)), producer.waiting()),
            (None, 1)
        );
    }
}
