//! A frequency sketch: how often a key was asked for lately, in 8 bytes per cached entry.
//!
//! *Models:* a count-min sketch of four rows of 4-bit counters. A key's count is the least of its four; it stops at
//! 15. After a sample of ten times the capacity all counters are halved, so that old popularity fades.
//! *Formula:* estimate ≥ the true (capped, halved) count; four counters per entry and row keep the excess small.
//! *Leaves out:* the paper's optional doorkeeper. *Source:* Einziger, Friedman and Manes, "TinyLFU: A Highly
//! Efficient Cache Admission Policy", ACM Transactions on Storage 13(4), 2017.

use crate::hash::{DEFAULT_SEED, hash_u64};

const ROWS: u32 = 4;
const MOST: u64 = 15;

/// The counters: each word holds four of every row.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    words: Vec<u64>,
    /// Requests counted since the last halving, and half of what was counted before it.
    counted: u64,
    sample: u64,
}

impl Sketch {
    /// For a cache of about this many entries, at least 16.
    pub(super) fn new(entries: u64) -> Self {
        let entries = entries.max(16);
        Self {
            words: vec![0; entries.next_power_of_two() as usize],
            counted: 0,
            sample: 10 * entries,
        }
    }

    /// Entries it is wide enough for.
    pub(super) fn width(&self) -> u64 {
        self.words.len() as u64
    }

    /// Doubles the width. The two halves answer as the whole did, and part from now on.
    pub(super) fn grow(&mut self) {
        self.words.extend_from_within(..);
        self.sample *= 2;
    }

    /// Counts one request.
    pub(super) fn count(&mut self, key: u64) {
        let hash = hash_u64(DEFAULT_SEED, key);
        let mut added = false;
        for row in 0..ROWS {
            let (word, shift) = self.place(hash, row);
            if (self.words[word] >> shift) & MOST < MOST {
                self.words[word] += 1 << shift;
                added = true;
            }
        }
        self.counted += u64::from(added);
        if self.counted >= self.sample {
            self.halve();
        }
    }

    /// How often the key was asked for, about.
    pub(super) fn estimate(&self, key: u64) -> u64 {
        let hash = hash_u64(DEFAULT_SEED, key);
        let counter = |row| {
            let (word, shift) = self.place(hash, row);
            (self.words[word] >> shift) & MOST
        };
        (0..ROWS).map(counter).min().unwrap_or(0)
    }

    /// The word and the bit at which a row's counter for a hash starts.
    fn place(&self, hash: u64, row: u32) -> (usize, u32) {
        let step = (hash >> 32) | 1;
        let cell = (hash & 0xffff_ffff).wrapping_add(step.wrapping_mul(u64::from(row)));
        let word = (cell >> 2) as usize & (self.words.len() - 1);
        (word, 4 * (4 * row + (cell & 3) as u32))
    }

    fn halve(&mut self) {
        for word in &mut self.words {
            *word = (*word >> 1) & 0x7777_7777_7777_7777;
        }
        self.counted /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_never_too_low_and_seldom_too_high() {
        let mut sketch = Sketch::new(1_000);
        for key in 0..1_000 {
            (0..1 + key % 5).for_each(|_| sketch.count(key));
        }
        let excess: u64 = (0..1_000)
            .map(|key| sketch.estimate(key).checked_sub(1 + key % 5).unwrap())
            .sum();
        assert!(excess < 30, "{excess} too much in all");
    }

    #[test]
    fn counters_stop_at_fifteen_and_halve_after_a_sample() {
        let mut sketch = Sketch::new(16);
        (0..40).for_each(|_| sketch.count(7));
        assert_eq!(sketch.estimate(7), 15);
        (0..145).for_each(|key| sketch.count(1_000 + key));
        assert_eq!(sketch.estimate(7), 7);
    }

    #[test]
    fn a_wider_sketch_remembers() {
        let mut sketch = Sketch::new(16);
        (0..5).for_each(|_| sketch.count(7));
        sketch.grow();
        assert_eq!((sketch.estimate(7), sketch.width()), (5, 32));
    }
}
