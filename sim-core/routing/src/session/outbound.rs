//! Outbound queues: what waits for a client that reads slowly, and what happens when it is too much.
//!
//! *Models:* a queue bounded in entries and bytes, with a policy for slow consumers. *Property:* memory never
//! exceeds the limits; conflation keeps the latest entry of each key, in the place of the one it replaces;
//! blocking hands the wait to the producer (head-of-line). *Formula:* memory ≤ limit · connections.
//! *Leaves out:* write deadlines; the caller disconnects at one. *Source:* NATS `max_pending` 64 MiB.

use std::collections::{BTreeMap, VecDeque};

/// What is done when an entry does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlowConsumer {
    /// The client is disconnected (and may resume).
    Disconnect,
    /// The oldest entries make room.
    DropOldest,
    /// The new entry is dropped.
    DropNewest,
    /// An entry always replaces a waiting one of the same key; with no room left, the oldest make room.
    ConflateByKey,
    /// The producer waits.
    Block,
}

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboundLimits {
    /// Entries at most.
    pub max_entries: u32,
    /// Bytes at most.
    pub max_bytes: u64,
}

impl Default for OutboundLimits {
    /// 65 536 entries, 64 MiB.
    fn default() -> Self {
        Self {
            max_entries: 65_536,
            max_bytes: 64 << 20,
        }
    }
}

/// What became of an entry offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It waits.
    Queued,
    /// It waits; so many older entries were dropped for it.
    DroppedOldest(u32),
    /// It was dropped.
    DroppedNewest,
    /// It took the place of an older entry of its key.
    Conflated,
    /// It does not fit now (one that never will is dropped); offer it again after a [`OutboundQueue::pop`].
    Blocked,
    /// The client must be disconnected; its queue is empty now.
    Disconnect,
}

#[derive(Clone, Debug)]
struct Waiting<M> {
    key: u64,
    bytes: u32,
    message: M,
}

/// The queue of one client.
#[derive(Clone, Debug)]
pub struct OutboundQueue<M> {
    policy: SlowConsumer,
    limits: OutboundLimits,
    entries: VecDeque<Waiting<M>>,
    bytes: u64,
    /// Entries popped or dropped from the front since the start: place in the queue = ordinal − popped.
    popped: u64,
    /// Key → ordinal of its waiting entry, when conflating.
    latest: BTreeMap<u64, u64>,
    dropped: u64,
}

impl<M> OutboundQueue<M> {
    /// An empty queue.
    #[must_use]
    pub fn new(policy: SlowConsumer, limits: OutboundLimits) -> Self {
        Self {
            policy,
            limits,
            entries: VecDeque::new(),
            bytes: 0,
            popped: 0,
            latest: BTreeMap::new(),
            dropped: 0,
        }
    }

    /// Entries waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes waiting.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Entries lost so far: dropped, replaced, or in the queue at a disconnect.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Offers an entry of `bytes` bytes; `key` matters to conflation only.
    pub fn offer(&mut self, key: u64, bytes: u32, message: M) -> Offer {
        if let Some(&ordinal) = self.latest.get(&key) {
            self.replace(
                (ordinal - self.popped) as usize,
                Waiting {
                    key,
                    bytes,
                    message,
                },
            );
            return Offer::Conflated;
        }
        if self.fits(bytes) {
            self.push(key, bytes, message);
            return Offer::Queued;
        }
        match self.policy {
            SlowConsumer::Block if u64::from(bytes) <= self.limits.max_bytes => Offer::Blocked,
            SlowConsumer::DropNewest | SlowConsumer::Block => {
                self.dropped += 1;
                Offer::DroppedNewest
            }
            SlowConsumer::Disconnect => {
                self.dropped += self.entries.len() as u64 + 1;
                self.clear();
                Offer::Disconnect
            }
            SlowConsumer::DropOldest | SlowConsumer::ConflateByKey => {
                self.push_dropping(key, bytes, message)
            }
        }
    }

    /// Takes the oldest entry.
    pub fn pop(&mut self) -> Option<M> {
        let entry = self.entries.pop_front()?;
        self.bytes -= u64::from(entry.bytes);
        if self.latest.get(&entry.key) == Some(&self.popped) {
            self.latest.remove(&entry.key);
        }
        self.popped += 1;
        Some(entry.message)
    }

    fn fits(&self, bytes: u32) -> bool {
        self.entries.len() < self.limits.max_entries as usize
            && self.bytes + u64::from(bytes) <= self.limits.max_bytes
    }

    fn push(&mut self, key: u64, bytes: u32, message: M) {
        if self.policy == SlowConsumer::ConflateByKey {
            self.latest
                .insert(key, self.popped + self.entries.len() as u64);
        }
        self.bytes += u64::from(bytes);
        self.entries.push_back(Waiting {
            key,
            bytes,
            message,
        });
    }

    /// Puts an entry in the place of an older one of its key, and drops from the front if it is too big.
    fn replace(&mut self, place: usize, entry: Waiting<M>) {
        let Some(old) = self.entries.get_mut(place) else {
            return;
        };
        self.bytes = self.bytes - u64::from(old.bytes) + u64::from(entry.bytes);
        *old = entry;
        self.dropped += 1;
        while self.bytes > self.limits.max_bytes && self.pop().is_some() {
            self.dropped += 1;
        }
    }

    fn push_dropping(&mut self, key: u64, bytes: u32, message: M) -> Offer {
        let mut dropped = 0;
        while !self.fits(bytes) && self.pop().is_some() {
            dropped += 1;
        }
        self.dropped += u64::from(dropped);
        if !self.fits(bytes) {
            self.dropped += 1;
            return Offer::DroppedNewest;
        }
        self.push(key, bytes, message);
        Offer::DroppedOldest(dropped)
    }

    fn clear(&mut self) {
        self.popped += self.entries.len() as u64;
        self.entries.clear();
        self.latest.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(policy: SlowConsumer) -> OutboundQueue<u32> {
        let mut queue = OutboundQueue::new(
            policy,
            OutboundLimits {
                max_entries: 3,
                max_bytes: 100,
            },
        );
        for i in 0..3 {
            assert_eq!(queue.offer(u64::from(i), 10, i), Offer::Queued);
        }
        queue
    }

    fn drain(queue: &mut OutboundQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn each_policy_does_as_it_says() {
        let mut q = queue(SlowConsumer::DropNewest);
        assert_eq!(
            (q.offer(9, 10, 9), drain(&mut q)),
            (Offer::DroppedNewest, vec![0, 1, 2])
        );
        let mut q = queue(SlowConsumer::DropOldest);
        assert_eq!(
            (q.offer(9, 90, 9), drain(&mut q)),
            (Offer::DroppedOldest(2), vec![2, 9])
        );
        let mut q = queue(SlowConsumer::Disconnect);
        assert_eq!(
            (q.offer(9, 10, 9), q.len(), q.dropped()),
            (Offer::Disconnect, 0, 4)
        );
        let mut q = queue(SlowConsumer::Block);
        assert_eq!(
            (q.offer(9, 10, 9), q.pop(), q.offer(9, 10, 9)),
            (Offer::Blocked, Some(0), Offer::Queued)
        );
        assert_eq!(drain(&mut q), [1, 2, 9]);
    }

    #[test]
    fn conflation_keeps_the_latest_of_each_key_in_place() {
        let mut q = queue(SlowConsumer::ConflateByKey);
        assert_eq!((q.offer(1, 20, 11), q.bytes()), (Offer::Conflated, 40));
        assert_eq!(q.offer(9, 10, 9), Offer::DroppedOldest(1));
        assert_eq!(q.offer(0, 10, 100), Offer::DroppedOldest(1));
        assert_eq!(drain(&mut q), [2, 9, 100]);
        assert!(q.latest.is_empty() && q.bytes() == 0);
        assert_eq!(
            (q.offer(1, 10, 5), q.offer(1, 200, 6), q.len()),
            (Offer::Queued, Offer::Conflated, 0)
        );
    }

    #[test]
    fn an_entry_beyond_the_limit_never_waits() {
        for policy in [
            SlowConsumer::DropOldest,
            SlowConsumer::DropNewest,
            SlowConsumer::Block,
        ] {
            assert_eq!(queue(policy).offer(9, 101, 9), Offer::DroppedNewest);
        }
    }
}
