//! A set to which every replica adds and from which every replica removes: what was added and not seen by a
//! removal stays.
//!
//! *Models:* each addition has a dot; a removal takes away the dots it has seen, and their names stay in the
//! context, so there are no tombstones. *Property:* of an addition and a concurrent removal the addition wins;
//! merging states or deltas, in any order and however often, gives the same set. *Formula:* bytes = elements +
//! one number per replica. *Leaves out:* removing what somebody else adds at the same time. *Source:* A.
//! Bieniusa et al., An Optimized Conflict-free Replicated Set (2012); P. Almeida et al. (2018); the same kind
//! of set is Phoenix.Tracker's.

use super::{Crdt, Dot, DotContext, ReplicaId};
use std::collections::{BTreeMap, BTreeSet};

/// A set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrSet<T: Ord> {
    dots: BTreeMap<Dot, T>,
    by_value: BTreeMap<T, BTreeSet<Dot>>,
    context: DotContext,
}

impl<T: Ord> Default for OrSet<T> {
    fn default() -> Self {
        Self {
            dots: BTreeMap::new(),
            by_value: BTreeMap::new(),
            context: DotContext::new(),
        }
    }
}

impl<T: Ord + Clone> OrSet<T> {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A replica adds a value. Returns the delta.
    pub fn add(&mut self, replica: ReplicaId, value: T) -> Self {
        let seen = self.take(&value);
        let dot = self.context.next(replica);
        self.put(dot, value.clone());
        let mut delta = Self {
            context: DotContext::of(seen.into_iter().chain([dot])),
            ..Self::default()
        };
        delta.put(dot, value);
        delta
    }

    /// A value is removed, as far as seen here. Returns the delta.
    pub fn remove(&mut self, value: &T) -> Self {
        Self {
            context: DotContext::of(self.take(value)),
            ..Self::default()
        }
    }

    /// Everything that one replica added is removed: it is gone. Returns the delta.
    pub fn remove_replica(&mut self, replica: ReplicaId) -> Self {
        let first = Dot { replica, number: 0 };
        let of_replica = self.dots.range(first..);
        let gone: Vec<Dot> = of_replica
            .take_while(|(dot, _)| dot.replica == replica)
            .map(|(dot, _)| *dot)
            .collect();
        for dot in &gone {
            self.drop_dot(*dot);
        }
        Self {
            context: DotContext::of(gone),
            ..Self::default()
        }
    }

    /// Whether a value is in the set.
    #[must_use]
    pub fn contains(&self, value: &T) -> bool {
        self.by_value.contains_key(value)
    }

    /// Values, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.by_value.keys()
    }

    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_value.len()
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_value.is_empty()
    }

    fn put(&mut self, dot: Dot, value: T) {
        self.by_value.entry(value.clone()).or_default().insert(dot);
        self.dots.insert(dot, value);
    }

    /// Takes a value out; the dots it had.
    fn take(&mut self, value: &T) -> BTreeSet<Dot> {
        let dots = self.by_value.remove(value).unwrap_or_default();
        for dot in &dots {
            self.dots.remove(dot);
        }
        dots
    }

    fn drop_dot(&mut self, dot: Dot) -> bool {
        let Some(value) = self.dots.remove(&dot) else {
            return false;
        };
        if let Some(dots) = self.by_value.get_mut(&value) {
            dots.remove(&dot);
            if dots.is_empty() {
                self.by_value.remove(&value);
            }
        }
        true
    }
}

impl<T: Ord + Clone> Crdt for OrSet<T> {
    fn merge(&mut self, other: &Self) -> bool {
        // What the other has seen and has no more was removed there. A small delta is not compared with everything.
        let removed: Vec<Dot> = if other.context.is_cloud() {
            let cloud = other.context.cloud();
            cloud.filter(|dot| !other.dots.contains_key(dot)).collect()
        } else {
            let own = self.dots.keys().copied();
            own.filter(|dot| other.context.contains(*dot) && !other.dots.contains_key(dot))
                .collect()
        };
        let mut changed = false;
        for dot in removed {
            changed |= self.drop_dot(dot);
        }
        for (&dot, value) in &other.dots {
            if !self.context.contains(dot) {
                self.put(dot, value.clone());
                changed = true;
            }
        }
        self.context.merge(&other.context) | changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ReplicaId = ReplicaId(0);
    const B: ReplicaId = ReplicaId(1);

    #[test]
    fn an_addition_wins_over_a_removal_that_has_not_seen_it() {
        let mut a = OrSet::new();
        a.add(A, "x");
        let mut b = a.clone();
        let removed = a.remove(&"x");
        let added = b.add(B, "x");
        for delta in [&added, &removed] {
            a.merge(delta);
            b.merge(delta);
        }
        assert!(a == b && a.contains(&"x"));
        // A removal that has seen it wins, whichever way it comes.
        let seen = a.remove(&"x");
        b.merge(&seen);
        assert!(b.is_empty() && !b.merge(&added));
    }

    #[test]
    fn a_replica_that_is_gone_takes_its_values_along() {
        let mut a = OrSet::new();
        a.add(A, 1);
        a.add(B, 2);
        a.add(B, 3);
        let mut other = a.clone();
        let delta = a.remove_replica(B);
        other.merge(&delta);
        assert_eq!(other.iter().collect::<Vec<_>>(), [&1]);
    }
}
