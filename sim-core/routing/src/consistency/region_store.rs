//! Values by key in several regions, each of which writes on its own.
//!
//! *Models:* a write takes effect in its region and travels to those it reaches; versions tell whether an
//! update is newer, older or concurrent. Of concurrent values the later timestamp stays, everywhere the same
//! one; each value that loses so is counted once. When a cut heals, regions exchange what differs. *Property:*
//! after everybody has exchanged with everybody divergence is 0; without a cut, and with each update applied
//! before the next write of its key, there are no conflicts. *Formula:* an exchange sends what differs, so it
//! takes as long as the writes of the cut. *Leaves out:* finding what differs without comparing all (Merkle
//! trees); values that merge: keep a [`crate::conflict::Crdt`] per region. *Source:* G. DeCandia et al., Dynamo
//! (SOSP 2007), with the last writer as judge.

use super::{Split, Stance, VersionOrder, VersionVector};
use crate::conflict::{Dot, ReplicaId};
use crate::order::Hlc;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// A value on its way to other regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update<T> {
    /// Whose.
    pub key: u64,
    /// What it builds on, itself included.
    pub version: VersionVector,
    /// When it was written.
    pub at: Hlc,
    /// The write that made it.
    pub dot: Dot,
    /// The value.
    pub value: T,
}

/// What an update did in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateEffect {
    /// It is newer.
    Applied,
    /// It was known.
    Known,
    /// It and what was there had not seen each other; one of them is lost.
    Conflict,
}

/// A region does not accept writes: it does not see most of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("region {region} sees {side} of {regions} regions and refuses writes")]
pub struct WriteRefused {
    /// Which.
    pub region: u32,
    /// Regions that it sees, itself included.
    pub side: u32,
    /// All.
    pub regions: u32,
}

/// The values of all regions.
#[derive(Clone, Debug)]
pub struct RegionStore<T> {
    stance: Stance,
    split: Split,
    regions: Vec<BTreeMap<u64, Update<T>>>,
    /// Writes per region, for their names.
    writes: Vec<u64>,
    /// Writes that lost against one that had not seen them.
    lost: BTreeSet<Dot>,
    refused: u64,
}

impl<T: Clone + PartialEq> RegionStore<T> {
    /// Empty regions that see each other.
    #[must_use]
    pub fn new(regions: u32, stance: Stance) -> Self {
        Self {
            stance,
            split: Split::none(regions),
            regions: vec![BTreeMap::new(); regions as usize],
            writes: vec![0; regions as usize],
            lost: BTreeSet::new(),
            refused: 0,
        }
    }

    /// Who sees whom.
    #[must_use]
    pub fn split(&self) -> &Split {
        &self.split
    }

    /// Who sees whom, to be cut or healed.
    pub fn split_mut(&mut self) -> &mut Split {
        &mut self.split
    }

    /// A write in a region. Returns the update, to be applied in the regions it reaches.
    pub fn write(
        &mut self,
        region: u32,
        at: Hlc,
        key: u64,
        value: T,
    ) -> Result<Update<T>, WriteRefused> {
        if !self.split.accepts(self.stance, region) {
            self.refused += 1;
            return Err(WriteRefused {
                region,
                side: self.split.side(region),
                regions: self.split.regions(),
            });
        }
        let values = &mut self.regions[region as usize];
        let mut version = values
            .get(&key)
            .map_or_else(VersionVector::new, |held| held.version.clone());
        let replica = ReplicaId(region);
        version.increment(replica);
        let number = &mut self.writes[region as usize];
        *number += 1;
        let update = Update {
            key,
            version,
            at,
            dot: Dot {
                replica,
                number: *number,
            },
            value,
        };
        values.insert(key, update.clone());
        Ok(update)
    }

    /// An update arrives in a region.
    pub fn apply(&mut self, region: u32, update: &Update<T>) -> UpdateEffect {
        let values = &mut self.regions[region as usize];
        let Some(held) = values.get_mut(&update.key) else {
            values.insert(update.key, update.clone());
            return UpdateEffect::Applied;
        };
        match update.version.compare(&held.version) {
            VersionOrder::Equal | VersionOrder::Before => UpdateEffect::Known,
            VersionOrder::After => {
                held.clone_from(update);
                UpdateEffect::Applied
            }
            VersionOrder::Concurrent => {
                let wins = (update.at, update.dot) > (held.at, held.dot);
                let lost = if wins { held.dot } else { update.dot };
                // The same write may come back with a version that has been merged elsewhere: nothing is lost then.
                if update.dot != held.dot {
                    self.lost.insert(lost);
                }
                let mut version = held.version.clone();
                version.merge(&update.version);
                if wins {
                    held.clone_from(update);
                }
                held.version = version;
                UpdateEffect::Conflict
            }
        }
    }

    /// Two regions that see each other give each other what differs. Returns how many values were sent.
    pub fn exchange(&mut self, a: u32, b: u32) -> u64 {
        if !self.split.reaches(a, b) || a == b {
            return 0;
        }
        let mut sent = 0;
        for (from, to) in [(a, b), (b, a)] {
            let theirs = &self.regions[to as usize];
            let news: Vec<Update<T>> = self.regions[from as usize]
                .values()
                .filter(|held| {
                    theirs.get(&held.key).is_none_or(|other| {
                        let order = held.version.compare(&other.version);
                        matches!(order, VersionOrder::After | VersionOrder::Concurrent)
                    })
                })
                .cloned()
                .collect();
            sent += news.len() as u64;
            for update in &news {
                self.apply(to, update);
            }
        }
        sent
    }

    /// What a region shows for a key.
    #[must_use]
    pub fn read(&self, region: u32, key: u64) -> Option<&T> {
        self.regions[region as usize]
            .get(&key)
            .map(|held| &held.value)
    }

    /// What the value of a key in a region builds on.
    #[must_use]
    pub fn version(&self, region: u32, key: u64) -> Option<&VersionVector> {
        self.regions[region as usize]
            .get(&key)
            .map(|held| &held.version)
    }

    /// Keys that have been written, with what a region shows for them, ascending.
    pub fn values(&self, region: u32) -> impl Iterator<Item = (u64, &T)> {
        let values = self.regions[region as usize].iter();
        values.map(|(&key, held)| (key, &held.value))
    }

    /// Keys that do not read the same in all regions.
    #[must_use]
    pub fn divergence(&self) -> usize {
        let keys: BTreeSet<u64> = self
            .regions
            .iter()
            .flat_map(|one| one.keys())
            .copied()
            .collect();
        let differs = |key: &u64| {
            let mut values = (0..self.split.regions()).map(|region| self.read(region, *key));
            let first = values.next();
            values.any(|value| Some(value) != first)
        };
        keys.iter().filter(|key| differs(key)).count()
    }

    /// Writes that lost against one that had not seen them, each once.
    #[must_use]
    pub fn conflicts(&self) -> usize {
        self.lost.len()
    }

    /// Their names.
    pub fn lost(&self) -> impl Iterator<Item = Dot> + '_ {
        self.lost.iter().copied()
    }

    /// Writes refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Timestamp;

    fn at(wall: u64, node: u32) -> Hlc {
        Hlc {
            wall: Timestamp(wall),
            logical: 0,
            node,
        }
    }

    #[test]
    fn what_was_written_on_both_sides_meets() {
        let mut store = RegionStore::new(3, Stance::Available);
        let first = store.write(0, at(1, 0), 7, 'a').unwrap();
        assert_eq!(store.apply(1, &first), UpdateEffect::Applied);
        assert_eq!(store.apply(1, &first), UpdateEffect::Known);
        store.exchange(0, 2);
        assert_eq!((store.divergence(), store.conflicts()), (0, 0));
        store.split_mut().cut(&[0, 0, 1]);
        store.write(0, at(5, 0), 7, 'b').unwrap();
        store.write(2, at(4, 2), 7, 'c').unwrap();
        assert_eq!(store.exchange(0, 2), 0, "they do not see each other");
        store.split_mut().heal();
        assert_eq!(store.divergence(), 1);
        for (a, b) in [(0, 2), (1, 2), (0, 1)] {
            store.exchange(a, b);
        }
        assert_eq!((store.divergence(), store.conflicts()), (0, 1));
        assert_eq!(store.read(2, 7), Some(&'b'));
    }

    #[test]
    fn a_consistent_store_refuses_on_the_small_side() {
        let mut store = RegionStore::new(3, Stance::Consistent);
        store.split_mut().cut(&[0, 0, 1]);
        assert!(store.write(1, at(1, 1), 7, 'a').is_ok());
        let refused = store.write(2, at(1, 2), 7, 'b').unwrap_err();
        assert_eq!((refused.side, store.refused()), (1, 1));
    }
}
