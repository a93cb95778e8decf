//! Key ranges with split and merge.
//!
//! *Models:* the keys from 0 to 2^64 − 1, cut into contiguous ranges with one shard each. *Property:* through any
//! splits and merges the ranges cover every key exactly once, and a split or merge moves exactly the range it
//! names. *Formula:* share of a range = its keys / 2^64. *Leaves out:* choosing where to split; the caller knows
//! its loads. *Source:* Vitess keyspace ids (`-40,40-80,80-c0,c0-`), Citus hash ranges, Bigtable tablets.

use crate::ids::ShardId;
use std::collections::BTreeMap;
use thiserror::Error;

/// The keys from `first` to `last`, both included, so that the whole space is a range too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRange {
    /// The least key.
    pub first: u64,
    /// The greatest key.
    pub last: u64,
}

impl KeyRange {
    /// Every key.
    pub const ALL: Self = Self {
        first: 0,
        last: u64::MAX,
    };

    /// Whether a key lies within.
    #[must_use]
    pub const fn contains(&self, key: u64) -> bool {
        self.first <= key && key <= self.last
    }

    /// Its share of the key space.
    #[must_use]
    pub fn share(&self) -> f64 {
        let keys = u128::from(self.last - self.first) + 1;
        keys as f64 / (1u128 << 64) as f64
    }
}

/// Why a range was not split or merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RangeError {
    /// The map has no ranges at all.
    #[error("a map without shards has no ranges")]
    Empty,
    /// The key begins a range already, so that there is nothing to split off.
    #[error("a range begins at key {0} already")]
    NothingToSplit(u64),
    /// No range begins at the key, or it is the first, which has no range before it.
    #[error("no range that could join one before it begins at key {0}")]
    NothingToMerge(u64),
}

/// Which shard has which range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeMap {
    /// First key of each range; a range ends where the next begins. The first begins at 0.
    starts: BTreeMap<u64, ShardId>,
}

impl RangeMap {
    /// The key space divided evenly over `shards` in order; no ranges without shards.
    #[must_use]
    pub fn even(shards: &[ShardId]) -> Self {
        let n = shards.len() as u128;
        let start = |i: usize| ((i as u128) << 64).div_ceil(n) as u64;
        Self {
            starts: shards
                .iter()
                .enumerate()
                .map(|(i, &shard)| (start(i), shard))
                .collect(),
        }
    }

    /// The shard of a key; `None` without ranges.
    #[must_use]
    pub fn owner(&self, key: u64) -> Option<ShardId> {
        let (_, &shard) = self.starts.range(..=key).next_back()?;
        Some(shard)
    }

    /// The range that holds a key.
    #[must_use]
    pub fn range_of(&self, key: u64) -> Option<KeyRange> {
        let (&first, _) = self.starts.range(..=key).next_back()?;
        Some(KeyRange {
            first,
            last: self.end_of(first),
        })
    }

    /// The ranges in order, with their shards.
    pub fn ranges(&self) -> impl Iterator<Item = (KeyRange, ShardId)> + '_ {
        self.starts.iter().map(|(&first, &shard)| {
            let last = self.end_of(first);
            (KeyRange { first, last }, shard)
        })
    }

    /// How many ranges there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Splits the range around `at`: from that key on, it belongs to `shard`. Returns the part split off, the only
    /// keys that may change hands.
    pub fn split(&mut self, at: u64, shard: ShardId) -> Result<KeyRange, RangeError> {
        let whole = self.range_of(at).ok_or(RangeError::Empty)?;
        if whole.first == at {
            return Err(RangeError::NothingToSplit(at));
        }
        self.starts.insert(at, shard);
        Ok(KeyRange { first: at, ..whole })
    }

    /// Joins the range that begins at `at` to the one before it, whose shard takes it over. Returns the part
    /// joined, the only keys that may change hands.
    pub fn merge(&mut self, at: u64) -> Result<KeyRange, RangeError> {
        let joined = self.range_of(at).ok_or(RangeError::Empty)?;
        if at == 0 || joined.first != at {
            return Err(RangeError::NothingToMerge(at));
        }
        self.starts.remove(&at);
        Ok(joined)
    }

    /// Halves the widest range (the first of equals) and gives its upper half to `shard`; the whole space if there
    /// are no ranges yet. Returns what moved; a map of 2^64 ranges has nothing left to halve.
    pub fn split_widest(&mut self, shard: ShardId) -> Result<KeyRange, RangeError> {
        let width = |range: &KeyRange| (range.last - range.first, std::cmp::Reverse(range.first));
        let Some(widest) = self.ranges().map(|(range, _)| range).max_by_key(width) else {
            self.starts.insert(0, shard);
            return Ok(KeyRange::ALL);
        };
        let middle = widest.first + (widest.last - widest.first).div_ceil(2);
        self.split(middle, shard)
    }

    fn end_of(&self, first: u64) -> u64 {
        let later = (std::ops::Bound::Excluded(first), std::ops::Bound::Unbounded);
        let next = self.starts.range(later).next();
        next.map_or(u64::MAX, |(&start, _)| start - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARDS: [ShardId; 4] = [ShardId(0), ShardId(1), ShardId(2), ShardId(3)];

    #[test]
    fn four_shards_are_the_ranges_of_vitess() {
        let map = RangeMap::even(&SHARDS);
        let starts: Vec<u64> = map.ranges().map(|(range, _)| range.first >> 56).collect();
        assert_eq!(starts, [0x00, 0x40, 0x80, 0xc0]);
        assert_eq!(map.owner(0x7fff_ffff_ffff_ffff), Some(ShardId(1)));
        assert_eq!(map.owner(u64::MAX), Some(ShardId(3)));
    }

    #[test]
    fn a_split_and_its_merge_restore_the_map() {
        let before = RangeMap::even(&SHARDS);
        let mut map = before.clone();
        let part = map.split(0x60 << 56, ShardId(9)).unwrap();
        assert_eq!((part.first >> 56, part.last >> 56), (0x60, 0x7f));
        assert!((part.share() - 0.125).abs() < 1e-15);
        assert_eq!(map.owner(part.last), Some(ShardId(9)));
        assert_eq!(map.merge(part.first), Ok(part));
        assert_eq!(map, before);
    }

    #[test]
    fn what_cannot_be_split_or_merged_is_said() {
        let mut map = RangeMap::even(&SHARDS);
        assert_eq!(map.split(0, ShardId(9)), Err(RangeError::NothingToSplit(0)));
        assert_eq!(map.merge(0), Err(RangeError::NothingToMerge(0)));
        assert_eq!(map.merge(5), Err(RangeError::NothingToMerge(5)));
        let mut empty = RangeMap::even(&[]);
        assert!(empty.is_empty() && empty.owner(5).is_none());
        assert_eq!(empty.split(5, ShardId(9)), Err(RangeError::Empty));
        assert_eq!(empty.split_widest(ShardId(9)), Ok(KeyRange::ALL));
        assert_eq!((empty.len(), KeyRange::ALL.share()), (1, 1.0));
    }

    #[test]
    fn the_widest_range_is_halved() {
        let mut map = RangeMap::even(&SHARDS[..3]);
        map.split_widest(ShardId(7)).unwrap();
        let widths: Vec<f64> = map.ranges().map(|(range, _)| range.share()).collect();
        let sixth = 1.0 / 6.0;
        for (width, expected) in widths.iter().zip([sixth, sixth, 1.0 / 3.0, 1.0 / 3.0]) {
            assert!((width - expected).abs() < 1e-12, "{widths:?}");
        }
    }
}
