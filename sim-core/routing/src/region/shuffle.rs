//! Shuffle sharding: every tenant has k of n workers, hardly ever the same as another.
//!
//! *Models:* a tenant's workers, which it alone may bring down: a poisonous tenant takes its k workers with it, and
//! only tenants with the very same k are gone. *Formula:* C(n, k) sets; two tenants share all with probability
//! 1/C(n, k), and exactly m with C(k, m) · C(n − k, k − m)/C(n, k). The set is that of the k highest scores
//! h(worker, tenant), so every set is equally likely, and a worker that joins or leaves changes at most one member
//! of a set. *Leaves out:* choosing sets so that overlaps are bounded, not just rare.
//! *Source:* C. MacCárthaigh, "Workload isolation using shuffle-sharding", Amazon Builders' Library.

use crate::draw;
use crate::hash;
use rand::Rng;

/// Tenant → workers.
#[derive(Clone, Debug)]
pub struct ShuffleShards {
    workers: Vec<u32>,
    k: usize,
    seed: u64,
}

impl ShuffleShards {
    /// Sets of `k` of these workers (all of them if there are fewer).
    #[must_use]
    pub fn new(workers: &[u32], k: u32, seed: u64) -> Self {
        Self {
            workers: workers.to_vec(),
            k: k as usize,
            seed,
        }
    }

    /// The workers of a tenant, ascending.
    #[must_use]
    pub fn workers_of(&self, tenant: u64) -> Vec<u32> {
        let score = |&worker: &u32| hash::hash_pair(self.seed, u64::from(worker), tenant);
        let mut scored: Vec<(u64, u32)> = self
            .workers
            .iter()
            .map(|worker| (score(worker), *worker))
            .collect();
        scored.sort_unstable_by(|a, b| b.cmp(a));
        let mut chosen: Vec<u32> = scored.iter().take(self.k).map(|&(_, id)| id).collect();
        chosen.sort_unstable();
        chosen
    }

    /// A worker for a tenant's request: one of its own that `takes` accepts, at random; `None` if there is none.
    pub fn pick(
        &self,
        tenant: u64,
        rng: &mut dyn Rng,
        takes: impl FnMut(&u32) -> bool,
    ) -> Option<u32> {
        let mut workers = self.workers_of(tenant);
        workers.retain(takes);
        let at = draw::below(rng, workers.len() as u64);
        workers.get(at as usize).copied()
    }

    /// How many workers two tenants share.
    #[must_use]
    pub fn overlap(&self, a: u64, b: u64) -> usize {
        let others = self.workers_of(b);
        let shared = |worker: &u32| others.binary_search(worker).is_ok();
        self.workers_of(a).iter().filter(|id| shared(id)).count()
    }
}

/// C(n, k): how many sets there are.
#[must_use]
pub fn combinations(n: u32, k: u32) -> f64 {
    if k > n {
        return 0.0;
    }
    (0..k.min(n - k)).fold(1.0, |product, i| {
        product * f64::from(n - i) / f64::from(i + 1)
    })
}

/// The probability that two sets of k of n share exactly m.
#[must_use]
pub fn overlap_probability(n: u32, k: u32, m: u32) -> f64 {
    if m > k || k > n {
        return 0.0;
    }
    combinations(k, m) * combinations(n - k, k - m) / combinations(n, k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::testing::TestRng;

    #[test]
    fn there_are_as_many_sets_as_published() {
        let found = [(8, 2), (100, 5), (16, 4), (5, 0), (4, 5)].map(|(n, k)| combinations(n, k));
        assert_eq!(found, [28.0, 75_287_520.0, 1_820.0, 1.0, 0.0]);
        let all: f64 = (0..=5).map(|m| overlap_probability(100, 5, m)).sum();
        assert!((all - 1.0).abs() < 1e-12);
        assert_eq!(overlap_probability(3, 2, 0), 0.0, "two of three must meet");
    }

    #[test]
    fn a_set_is_fixed_and_a_worker_more_changes_one_member() {
        let workers: Vec<u32> = (0..20).collect();
        let (before, after) = (
            ShuffleShards::new(&workers[..19], 4, 1),
            ShuffleShards::new(&workers, 4, 1),
        );
        for tenant in 0..1_000 {
            let (old, new) = (before.workers_of(tenant), after.workers_of(tenant));
            assert!(old.len() == 4 && new.len() == 4);
            let joined = new.iter().filter(|id| !old.contains(id));
            assert!(joined.clone().count() <= 1 && joined.clone().all(|&id| id == 19));
            assert_eq!(after.overlap(tenant, tenant), 4);
        }
    }

    #[test]
    fn requests_stay_within_the_set() {
        let shards = ShuffleShards::new(&[3, 5, 7, 9], 2, 1);
        let own = shards.workers_of(8);
        let mut rng = TestRng(1);
        for _ in 0..100 {
            let picked = shards.pick(8, &mut rng, |_| true).unwrap();
            assert!(own.contains(&picked));
            assert_eq!(shards.pick(8, &mut rng, |&id| id == own[1]), Some(own[1]));
        }
        assert_eq!(shards.pick(8, &mut rng, |id| !own.contains(id)), None);
    }
}
