//! Ghosts: the keys evicted last, without their values.
//!
//! *Models:* the latest evictions up to a weight in all; a key is a ghost while its own latest one is among them.
//! A key that came back keeps its place until it falls out, as in the paper's hash table of insertion times.
//! *Formula:* 16 bytes of queue and 16 to 32 of index per eviction. *Source:* the paper on S3-FIFO.

use crate::cache::Index;
use std::collections::VecDeque;

/// A window over the latest evictions.
#[derive(Clone, Debug)]
pub(super) struct Ghosts {
    /// Key and weight, oldest first.
    evictions: VecDeque<(u64, u32)>,
    /// The number of a key's latest eviction, modulo 2^32.
    latest: Index<u32>,
    /// The number of the oldest eviction held.
    first: u32,
    weight: u64,
    limit: u64,
}

impl Ghosts {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            evictions: VecDeque::new(),
            latest: Index::default(),
            first: 0,
            weight: 0,
            limit,
        }
    }

    pub(super) fn contains(&self, key: u64) -> bool {
        self.latest.contains_key(&key)
    }

    pub(super) fn push(&mut self, key: u64, weight: u32) {
        let number = self.first.wrapping_add(self.evictions.len() as u32);
        self.evictions.push_back((key, weight));
        self.latest.insert(key, number);
        self.weight += u64::from(weight);
        while self.weight > self.limit {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((key, weight)) = self.evictions.pop_front() else {
            return;
        };
        if self.latest.get(&key) == Some(&self.first) {
            self.latest.remove(&key);
        }
        self.weight -= u64::from(weight);
        self.first = self.first.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_ghost_while_its_latest_eviction_is_among_the_last() {
        let mut ghosts = Ghosts::new(3);
        for key in [1, 2, 1, 3] {
            ghosts.push(key, 1);
        }
        assert!(ghosts.contains(1) && ghosts.contains(2) && ghosts.contains(3));
        ghosts.push(4, 1);
        assert!(ghosts.contains(1) && !ghosts.contains(2));
        ghosts.push(5, 2);
        assert!(!ghosts.contains(1) && !ghosts.contains(3) && ghosts.contains(4));
        ghosts.push(6, 9);
        assert!(!ghosts.contains(6) && ghosts.latest.is_empty());
    }
}
