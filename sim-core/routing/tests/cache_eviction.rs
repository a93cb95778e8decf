//! Eviction: every policy within its capacity, FIFO, LRU and LFU against naive models, SIEVE against its paper's
//! pseudocode, and one request sequence whose evictions are pinned.

mod common;

use common::TestRng;
use proptest::prelude::*;
use routing::cache::{Capacity, EvictionPolicy, Store};
use std::collections::BTreeMap;

const POLICIES: [EvictionPolicy; 6] = [
    EvictionPolicy::Fifo,
    EvictionPolicy::Lru,
    EvictionPolicy::Lfu,
    EvictionPolicy::Sieve,
    EvictionPolicy::S3Fifo,
    EvictionPolicy::WTinyLfu,
];

#[derive(Clone, Copy, Debug)]
enum Step {
    Get(u64),
    Put(u64, u32),
    Remove(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u64..30).prop_map(Step::Get),
        4 => (0u64..30, 1u32..12).prop_map(|(key, bytes)| Step::Put(key, bytes)),
        1 => (0u64..30).prop_map(Step::Remove),
    ]
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A naive cache by entries: every key with (uses, when it came, when it was last used).
#[derive(Default)]
struct Naive {
    policy: Option<EvictionPolicy>,
    capacity: usize,
    entries: BTreeMap<u64, (u64, u64, u64)>,
    clock: u64,
}

impl Naive {
    fn get(&mut self, key: u64) -> bool {
        self.clock += 1;
        let clock = self.clock;
        let entry = self.entries.get_mut(&key);
        entry
            .map(|(uses, _, last)| (*uses, *last) = (*uses + 1, clock))
            .is_some()
    }

    /// The key that gives way, if one has to.
    fn put(&mut self, key: u64) -> Option<u64> {
        self.clock += 1;
        if self.entries.contains_key(&key) {
            return None;
        }
        let full = self.entries.len() == self.capacity;
        let rank = |(_, entry): &(&u64, &(u64, u64, u64))| match self.policy {
            Some(EvictionPolicy::Fifo) => (0, entry.1),
            Some(EvictionPolicy::Lru) => (0, entry.2),
            _ => (entry.0, entry.2),
        };
        let victim = full.then(|| self.entries.iter().min_by_key(rank).map(|(&key, _)| key));
        let victim = victim.flatten();
        victim.and_then(|key| self.entries.remove(&key));
        self.entries.insert(key, (1, self.clock, self.clock));
        victim
    }
}

/// Algorithm 1 of the SIEVE paper, with a vector from head (newest) to tail for the list and an index for the hand.
#[derive(Default)]
struct NaiveSieve {
    capacity: usize,
    queue: Vec<(u64, bool)>,
    hand: Option<usize>,
}

impl NaiveSieve {
    fn find(&self, key: u64) -> Option<usize> {
        self.queue.iter().position(|entry| entry.0 == key)
    }

    fn get(&mut self, key: u64) -> bool {
        let found = self.find(key);
        found.map(|at| self.queue[at].1 = true).is_some()
    }

    fn put(&mut self, key: u64) -> Option<u64> {
        if self.find(key).is_some() {
            return None;
        }
        let victim = (self.queue.len() == self.capacity).then(|| self.evict());
        self.queue.insert(0, (key, false));
        self.hand = self.hand.map(|hand| hand + 1);
        victim
    }

    fn evict(&mut self) -> u64 {
        let tail = self.queue.len() - 1;
        let mut object = self.hand.unwrap_or(tail);
        while self.queue[object].1 {
            self.queue[object].1 = false;
            object = object.checked_sub(1).unwrap_or(tail);
        }
        self.hand = object.checked_sub(1);
        self.queue.remove(object).0
    }

    fn remove(&mut self, key: u64) {
        if let Some(at) = self.find(key) {
            self.queue.remove(at);
            self.hand = match self.hand {
                Some(hand) if hand >= at => hand.checked_sub(1),
                hand => hand,
            };
        }
    }
}

proptest! {
    #![proptest_config(config())]

    /// In bytes: the capacity holds, every value is the one put last, and what is gone was handed out.
    #[test]
    fn every_policy_keeps_within_its_capacity(
        steps in prop::collection::vec(step(), 1..300), limit in 1u64..60, seed in 0u32..1000,
    ) {
        for policy in POLICIES {
            let mut store = Store::new(policy, Capacity::Bytes(limit));
            let mut held: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
            let mut value = seed;
            for &step in &steps {
                match step {
                    Step::Get(key) => {
                        prop_assert_eq!(store.get(key).copied(), held.get(&key).map(|entry| entry.0));
                    }
                    Step::Put(key, bytes) => {
                        value += 1;
                        let mut evicted = Vec::new();
                        let fits = store.put(key, bytes, value, &mut evicted).is_ok();
                        prop_assert_eq!(fits, u64::from(bytes) <= limit);
                        held.remove(&key);
                        if fits {
                            held.insert(key, (value, bytes));
                        }
                        for (key, value) in evicted {
                            prop_assert_eq!(held.remove(&key).map(|entry| entry.0), Some(value));
                        }
                    }
                    Step::Remove(key) => {
                        prop_assert_eq!(store.remove(key), held.remove(&key).map(|entry| entry.0));
                    }
                }
                let used: u64 = held.values().map(|entry| u64::from(entry.1)).sum();
                prop_assert_eq!((store.used(), store.len()), (used, held.len()));
                prop_assert!(used <= limit, "{:?} holds {} of {}", policy, used, limit);
            }
        }
    }

    #[test]
    fn fifo_lru_and_lfu_agree_with_naive_models(
        steps in prop::collection::vec(step(), 1..400), capacity in 1u32..20,
    ) {
        for policy in [EvictionPolicy::Fifo, EvictionPolicy::Lru, EvictionPolicy::Lfu] {
            let mut store = Store::new(policy, Capacity::Entries(capacity));
            let mut naive = Naive { policy: Some(policy), capacity: capacity as usize, ..Naive::default() };
            for &step in &steps {
                match step {
                    Step::Get(key) => prop_assert_eq!(store.get(key).is_some(), naive.get(key)),
                    Step::Put(key, bytes) => prop_assert_eq!(put(&mut store, key, bytes), naive.put(key)),
                    Step::Remove(key) => {
                        prop_assert_eq!(store.remove(key).is_some(), naive.entries.remove(&key).is_some());
                    }
                }
            }
        }
    }

    #[test]
    fn sieve_agrees_with_its_pseudocode(steps in prop::collection::vec(step(), 1..400), capacity in 1u32..20) {
        let mut store = Store::new(EvictionPolicy::Sieve, Capacity::Entries(capacity));
        let mut naive = NaiveSieve { capacity: capacity as usize, ..NaiveSieve::default() };
        for step in steps {
            match step {
                Step::Get(key) => prop_assert_eq!(store.get(key).is_some(), naive.get(key)),
                Step::Put(key, bytes) => prop_assert_eq!(put(&mut store, key, bytes), naive.put(key)),
                Step::Remove(key) => {
                    store.remove(key);
                    naive.remove(key);
                }
            }
        }
    }
}

fn put(store: &mut Store<()>, key: u64, bytes: u32) -> Option<u64> {
    let mut evicted = Vec::new();
    assert!(store.put(key, bytes, (), &mut evicted).is_ok());
    assert!(evicted.len() <= 1);
    evicted.first().map(|&(key, ())| key)
}

/// A skewed sequence over 40 keys into 10 places: the first evictions and a digest of all.
#[test]
fn evictions_are_pinned() {
    for (policy, expected) in POLICIES.into_iter().zip(PINNED) {
        let mut store = Store::new(policy, Capacity::Entries(10));
        let (mut rng, mut evictions) = (TestRng(7), Vec::new());
        for _ in 0..2_000 {
            let key = rng.below(40).min(rng.below(40)).min(rng.below(40));
            if store.get(key).is_none() {
                evictions.extend(put(&mut store, key, 1));
            }
        }
        let digest = evictions.iter().fold(0, |digest, &key| {
            routing::hash::hash_pair(digest, digest, key)
        });
        let found = (evictions.len(), &evictions[..12], digest);
        assert_eq!(
            found,
            (expected.0, &expected.1[..], expected.2),
            "{policy:?}"
        );
    }
}

/// Evictions in all, the first twelve, and the digest.
const PINNED: [(usize, [u64; 12], u64); 6] = [
    (
        1174,
        [0, 9, 5, 4, 34, 13, 24, 3, 16, 2, 11, 7],
        10_152_896_323_576_211_759,
    ),
    (
        1147,
        [0, 9, 5, 34, 13, 24, 4, 16, 11, 3, 7, 25],
        14_198_102_857_101_686_141,
    ),
    (
        1031,
        [0, 9, 5, 34, 13, 24, 16, 11, 7, 12, 25, 13],
        3_991_267_350_429_330_158,
    ),
    (
        1028,
        [0, 9, 5, 34, 13, 24, 16, 11, 7, 12, 25, 13],
        13_601_253_352_220_909_814,
    ),
    (
        997,
        [0, 9, 5, 4, 34, 13, 24, 3, 16, 2, 11, 7],
        9_388_355_577_406_550_412,
    ),
    (
        944,
        [2, 11, 7, 1, 12, 25, 0, 8, 9, 31, 5, 19],
        4_448_491_185_133_534_502,
    ),
];
