//! Version vectors: whether one version builds on another, or neither on the other.
//!
//! *Formula:* a ≤ b if every count of a is at most that of b; concurrent if neither a ≤ b nor b ≤ a.
//! *Leaves out:* writers that are gone for ever. *Source:* D. Parker et al. (IEEE TSE 1983).

use crate::conflict::ReplicaId;
use std::collections::BTreeMap;

/// Writes seen, by writer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionVector {
    counts: BTreeMap<ReplicaId, u64>,
}

/// How two versions stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionOrder {
    /// The same.
    Equal,
    /// The first is older.
    Before,
    /// The first is newer.
    After,
    /// Neither has seen the other.
    Concurrent,
}

impl VersionVector {
    /// Nothing was seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A writer writes once more. Returns the number of its write.
    pub fn increment(&mut self, writer: ReplicaId) -> u64 {
        let count = self.counts.entry(writer).or_insert(0);
        *count += 1;
        *count
    }

    /// How this version stands to another.
    #[must_use]
    pub fn compare(&self, other: &Self) -> VersionOrder {
        match (self.covers(other), other.covers(self)) {
            (true, true) => VersionOrder::Equal,
            (true, false) => VersionOrder::After,
            (false, true) => VersionOrder::Before,
            (false, false) => VersionOrder::Concurrent,
        }
    }

    /// Sees what the other has seen.
    pub fn merge(&mut self, other: &Self) {
        for (&writer, &count) in &other.counts {
            let own = self.counts.entry(writer).or_insert(0);
            *own = count.max(*own);
        }
    }

    fn covers(&self, other: &Self) -> bool {
        let seen = |writer| self.counts.get(writer).copied().unwrap_or(0);
        let mut theirs = other.counts.iter();
        theirs.all(|(writer, count)| seen(writer) >= *count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_and_merged() {
        let mut a = VersionVector::new();
        a.increment(ReplicaId(0));
        let mut b = a.clone();
        assert_eq!(a.compare(&b), VersionOrder::Equal);
        assert_eq!(
            (b.increment(ReplicaId(1)), a.compare(&b)),
            (1, VersionOrder::Before)
        );
        a.increment(ReplicaId(0));
        assert_eq!(a.compare(&b), VersionOrder::Concurrent);
        a.merge(&b);
        assert_eq!(a.compare(&b), VersionOrder::After);
    }
}
