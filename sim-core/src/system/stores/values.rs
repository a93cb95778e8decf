//! What records hold in every region: registers of which the last writer wins, or counters that merge.

use std::collections::{BTreeMap, BTreeSet};

use routing::conflict::{Crdt, Dot, PnCounter, ReplicaId};
use routing::consistency::{RegionStore, Split, Update, VersionOrder, VersionVector};
use routing::order::HlcClock;

use crate::scenario::{Merge, Writes};
use crate::system::servers::timestamp;
use crate::time::SimTime;

/// A write as other regions get it.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A register.
    Register(Update<u64>),
    /// A part of a counter.
    Counter(PnCounter),
}

/// The last acknowledged write of a record.
#[derive(Clone, Debug)]
pub struct Latest {
    /// What it builds on, where registers are kept.
    version: Option<VersionVector>,
    /// Its value; of a counter the updates acknowledged.
    value: u64,
    /// When.
    pub at: SimTime,
}

/// The values of all regions.
#[derive(Clone, Debug)]
pub enum Values {
    /// The last writer wins.
    Registers(RegionStore<u64>),
    /// Counters merge.
    Counters {
        /// By region and record.
        regions: Vec<BTreeMap<u64, PnCounter>>,
        /// Who sees whom.
        split: Split,
    },
}

impl Values {
    /// Empty regions.
    #[must_use]
    pub fn new(regions: u32, rule: Writes) -> Self {
        match rule.merge {
            Merge::LastWriterWins => Values::Registers(RegionStore::new(regions, rule.stance)),
            Merge::Counter => Values::Counters {
                regions: vec![BTreeMap::new(); regions as usize],
                split: Split::none(regions),
            },
        }
    }

    /// Who sees whom.
    #[must_use]
    pub fn split(&self) -> &Split {
        match self {
            Values::Registers(store) => store.split(),
            Values::Counters { split, .. } => split,
        }
    }

    /// The network is cut, or whole again.
    pub fn split_mut(&mut self) -> &mut Split {
        match self {
            Values::Registers(store) => store.split_mut(),
            Values::Counters { split, .. } => split,
        }
    }

    /// Adds one to a record in a region; `None`: that refuses writes.
    pub fn add(
        &mut self,
        region: u32,
        clock: &mut HlcClock,
        now: SimTime,
        key: u64,
    ) -> Option<Payload> {
        match self {
            Values::Registers(store) => {
                let value = store.read(region, key).copied().unwrap_or(0) + 1;
                let written = store.write(region, clock.tick(timestamp(now)), key, value);
                written.ok().map(Payload::Register)
            }
            Values::Counters { regions, .. } => {
                let counter = regions[region as usize].entry(key).or_default();
                Some(Payload::Counter(counter.add(ReplicaId(region), 1)))
            }
        }
    }

    /// A write arrives in a region.
    pub fn apply(&mut self, region: u32, key: u64, payload: &Payload) {
        match (self, payload) {
            (Values::Registers(store), Payload::Register(update)) => {
                store.apply(region, update);
            }
            (Values::Counters { regions, .. }, Payload::Counter(delta)) => {
                let counter = regions[region as usize].entry(key).or_default();
                counter.merge(delta);
            }
            _ => unreachable!("all records are of one kind"),
        }
    }

    /// All that see each other give each other what differs; how many values were sent.
    pub fn exchange(&mut self) -> u64 {
        let count = self.split().regions();
        let mut sent = 0;
        // A second round brings what the first brought to a region that had its turn.
        for _ in 0..2 {
            for a in 0..count {
                for b in a + 1..count {
                    sent += self.exchange_two(a, b);
                }
            }
        }
        sent
    }

    fn exchange_two(&mut self, a: u32, b: u32) -> u64 {
        match self {
            Values::Registers(store) => store.exchange(a, b),
            Values::Counters { regions, split } => {
                if !split.reaches(a, b) {
                    return 0;
                }
                let mut sent = 0;
                for (from, to) in [(a, b), (b, a)] {
                    let theirs = regions[from as usize].clone();
                    for (key, counter) in theirs {
                        let own = regions[to as usize].entry(key).or_default();
                        sent += u64::from(own.merge(&counter));
                    }
                }
                sent
            }
        }
    }

    /// What a region shows for a record.
    #[must_use]
    pub fn read(&self, region: u32, key: u64) -> u64 {
        match self {
            Values::Registers(store) => store.read(region, key).copied().unwrap_or(0),
            Values::Counters { regions, .. } => {
                let counter = regions[region as usize].get(&key);
                counter.map_or(0, |counter| counter.value().max(0) as u64)
            }
        }
    }

    /// The last acknowledged write of a record is this one.
    #[must_use]
    pub fn latest(&self, payload: &Payload, earlier: Option<&Latest>, at: SimTime) -> Latest {
        let before = earlier.map_or(0, |one| one.value);
        match payload {
            Payload::Register(update) => Latest {
                version: Some(update.version.clone()),
                value: before.max(update.value),
                at,
            },
            Payload::Counter(_) => Latest {
                version: None,
                value: before + 1,
                at,
            },
        }
    }

    /// Whether what a region shows lacks an acknowledged write.
    #[must_use]
    pub fn lacks(&self, region: u32, key: u64, latest: &Latest) -> bool {
        match (self, &latest.version) {
            (Values::Registers(store), Some(acked)) => match store.version(region, key) {
                None => true,
                Some(held) => matches!(
                    held.compare(acked),
                    VersionOrder::Before | VersionOrder::Concurrent
                ),
            },
            _ => self.read(region, key) < latest.value,
        }
    }

    /// Records that do not read the same everywhere.
    #[must_use]
    pub fn divergence(&self) -> u64 {
        match self {
            Values::Registers(store) => store.divergence() as u64,
            Values::Counters { regions, .. } => {
                let keys = regions.iter().flat_map(|one| one.keys());
                let keys: BTreeSet<u64> = keys.copied().collect();
                let differs = |key: &&u64| {
                    let first = self.read(0, **key);
                    (1..regions.len() as u32).any(|region| self.read(region, **key) != first)
                };
                keys.iter().filter(differs).count() as u64
            }
        }
    }

    /// Writes that lost against one that had not seen them, of those that were acknowledged.
    #[must_use]
    pub fn conflicts(&self, acknowledged: &BTreeSet<Dot>) -> u64 {
        match self {
            Values::Registers(store) => {
                let lost = store.lost().filter(|dot| acknowledged.contains(dot));
                lost.count() as u64
            }
            Values::Counters { .. } => 0,
        }
    }

    /// The sum of all records in a region.
    #[must_use]
    pub fn sum(&self, region: u32) -> u64 {
        match self {
            Values::Registers(store) => store.values(region).map(|(_, value)| value).sum(),
            Values::Counters { regions, .. } => {
                let counters = regions[region as usize].values();
                counters.map(|counter| counter.value().max(0) as u64).sum()
            }
        }
    }
}

impl Latest {
    /// Whether an answer is of an earlier value.
    #[must_use]
    pub fn is_newer_than(&self, value: u64) -> bool {
        value < self.value
    }
}
