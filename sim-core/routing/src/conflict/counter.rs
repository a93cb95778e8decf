//! A counter that every replica may change: increments and decrements per replica.
//!
//! *Formula:* value = Σ up − Σ down over replicas; a merge takes the greater of each. *Property:* exact once
//! everybody has heard everybody, in any order and however often; bytes grow with the replicas, not with the
//! changes. *Leaves out:* a lower bound (a stock that must not go below 0 needs one owner or reservations).
//! *Source:* M. Shapiro et al., INRIA RR-7506 (2011), PN-counter.

use super::{Crdt, ReplicaId};
use std::collections::BTreeMap;

/// A counter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PnCounter {
    counts: BTreeMap<ReplicaId, [u64; 2]>,
}

impl PnCounter {
    /// Zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A replica adds an amount, possibly a negative one. Returns the delta.
    pub fn add(&mut self, replica: ReplicaId, amount: i64) -> Self {
        let counts = self.counts.entry(replica).or_default();
        counts[usize::from(amount < 0)] += amount.unsigned_abs();
        Self {
            counts: BTreeMap::from([(replica, *counts)]),
        }
    }

    /// The value, as far as heard.
    #[must_use]
    pub fn value(&self) -> i64 {
        let sum = |sum: i64, [up, down]: &[u64; 2]| {
            sum.wrapping_add_unsigned(*up).wrapping_sub_unsigned(*down)
        };
        self.counts.values().fold(0, sum)
    }
}

impl Crdt for PnCounter {
    fn merge(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (&replica, theirs) in &other.counts {
            let own = self.counts.entry(replica).or_default();
            for (own, their) in own.iter_mut().zip(theirs) {
                changed |= *their > *own;
                *own = (*own).max(*their);
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_on_both_sides_add_up() {
        let (mut a, mut b) = (PnCounter::new(), PnCounter::new());
        for _ in 0..1_000 {
            a.add(ReplicaId(0), 1);
        }
        let delta = b.add(ReplicaId(1), -300);
        assert!(a.merge(&delta) && !a.merge(&delta));
        b.merge(&a);
        assert_eq!((a.value(), &a), (700, &b));
    }
}
