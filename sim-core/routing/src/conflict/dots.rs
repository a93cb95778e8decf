//! Dots: every change has a name, and what a replica has seen is a set of names.
//!
//! *Models:* a dot is a replica and the number of its change; a context is a set of dots: per replica all up to
//! a number, and a cloud of those beyond a hole. *Property:* the cloud is empty when everything was seen in
//! order. *Leaves out:* replicas that are gone for ever. *Source:* P. Almeida et al., Delta State Replicated
//! Data Types (JPDC 2018).

use super::ReplicaId;
use std::collections::{BTreeMap, BTreeSet};

/// The name of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dot {
    /// Who made it.
    pub replica: ReplicaId,
    /// Its number there; the first is 1.
    pub number: u64,
}

/// A set of dots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DotContext {
    /// All up to here.
    upto: BTreeMap<ReplicaId, u64>,
    cloud: BTreeSet<Dot>,
}

impl DotContext {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of some dots, as a delta has it.
    pub fn of(dots: impl IntoIterator<Item = Dot>) -> Self {
        let mut context = Self {
            upto: BTreeMap::new(),
            cloud: dots.into_iter().collect(),
        };
        context.compact();
        context
    }

    /// Whether a dot is in it.
    #[must_use]
    pub fn contains(&self, dot: Dot) -> bool {
        let upto = self.upto.get(&dot.replica).copied().unwrap_or(0);
        dot.number <= upto || self.cloud.contains(&dot)
    }

    /// The next dot of a replica, which knows all its own; adds it.
    pub fn next(&mut self, replica: ReplicaId) -> Dot {
        let upto = self.upto.entry(replica).or_insert(0);
        *upto += 1;
        Dot {
            replica,
            number: *upto,
        }
    }

    /// Adds all of another set. Returns whether any was new.
    pub fn merge(&mut self, other: &Self) -> bool {
        let mut grown = false;
        for (&replica, &upto) in &other.upto {
            let own = self.upto.entry(replica).or_insert(0);
            grown |= upto > *own;
            *own = upto.max(*own);
        }
        for &dot in &other.cloud {
            if !self.contains(dot) {
                self.cloud.insert(dot);
                grown = true;
            }
        }
        if grown {
            self.compact();
        }
        grown
    }

    /// The dots beyond a hole; all of a set made by [`Self::of`] whose numbers do not begin at 1.
    pub(super) fn cloud(&self) -> impl Iterator<Item = Dot> + '_ {
        self.cloud.iter().copied()
    }

    /// Whether it has any dots but the cloud.
    pub(super) fn is_cloud(&self) -> bool {
        self.upto.is_empty()
    }

    fn compact(&mut self) {
        // Ascending by replica and number, so one pass suffices.
        let upto = &mut self.upto;
        self.cloud.retain(|dot| {
            let seen = upto.get(&dot.replica).copied().unwrap_or(0);
            if dot.number == seen + 1 {
                upto.insert(dot.replica, dot.number);
            }
            dot.number > seen + 1
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_that_is_filled_compacts() {
        let dot = |number| Dot {
            replica: ReplicaId(1),
            number,
        };
        let mut context = DotContext::of([dot(2), dot(3)]);
        assert!(context.is_cloud() && context.contains(dot(3)) && !context.contains(dot(1)));
        assert!(context.merge(&DotContext::of([dot(1)])));
        assert_eq!(
            (context.cloud().count(), context.next(ReplicaId(1))),
            (0, dot(4))
        );
        assert!(!context.merge(&DotContext::of([dot(2)])));
    }
}
