//! Write-behind: entries that the source does not have yet.
//!
//! *Models:* dirty entries in the order in which they became dirty; each is due after the interval, the oldest at
//! once while there are more than the limit, and one that was evicted at once. *Property:* what a crash loses was
//! written within the interval. *Leaves out:* a flush that fails: write the value again.

use super::Writing;
use crate::ids::Timestamp;
use std::collections::{BTreeSet, VecDeque};

/// A value that the source has to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flush<T> {
    /// Its key.
    pub key: u64,
    /// The version of the last write.
    pub version: u64,
    /// Since when the source differs.
    pub dirty_since: Timestamp,
    /// The value itself.
    pub value: T,
}

/// What is dirty.
#[derive(Clone, Debug)]
pub(super) struct Backlog<T> {
    interval_ns: u64,
    limit: usize,
    held: BTreeSet<(Timestamp, u64)>,
    /// No longer held, to be flushed at once.
    evicted: VecDeque<Flush<T>>,
}

impl<T> Backlog<T> {
    pub(super) fn new(writing: Writing) -> Self {
        let (interval_ns, limit) = match writing {
            Writing::Behind { interval_ns, limit } => (interval_ns, limit as usize),
            Writing::Around | Writing::Through => (0, 0),
        };
        Self {
            interval_ns,
            limit,
            held: BTreeSet::new(),
            evicted: VecDeque::new(),
        }
    }

    /// Values that the source does not have.
    pub(super) fn len(&self) -> usize {
        self.held.len() + self.evicted.len()
    }

    /// Entries held that are dirty, oldest first.
    pub(super) fn held(&self) -> impl Iterator<Item = (Timestamp, u64)> + '_ {
        self.held.iter().copied()
    }

    /// Values evicted before they were flushed, oldest eviction first.
    pub(super) fn evicted(&self) -> impl Iterator<Item = &Flush<T>> {
        self.evicted.iter()
    }

    pub(super) fn add(&mut self, dirty_since: Timestamp, key: u64) {
        self.held.insert((dirty_since, key));
    }

    pub(super) fn remove(&mut self, dirty_since: Timestamp, key: u64) {
        self.held.remove(&(dirty_since, key));
    }

    pub(super) fn evict(&mut self, flush: Flush<T>) {
        self.remove(flush.dirty_since, flush.key);
        self.evicted.push_back(flush);
    }

    /// When the next flush is due; the origin of time if that is at once.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        let at_once = !self.evicted.is_empty() || self.held.len() > self.limit;
        let oldest = self.held.first().map(|(since, _)| *since);
        if at_once {
            Some(Timestamp::ZERO)
        } else {
            oldest.map(|since| since.plus(self.interval_ns))
        }
    }

    pub(super) fn pop_evicted(&mut self) -> Option<Flush<T>> {
        self.evicted.pop_front()
    }

    /// The oldest dirty entry held, which is dirty no more.
    pub(super) fn pop_held(&mut self) -> Option<(Timestamp, u64)> {
        self.held.pop_first()
    }
}
