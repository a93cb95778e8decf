//! What the cache holds when a run begins, and how long writes are remembered.

use super::operation::Kind;
use super::sites::Site;
use super::world::World;
use crate::scenario::Scenario;
use crate::time::SimDuration;

/// Draws of what was asked for before the run, apart from all kinds.
const WARM: u64 = u64::MAX;

impl World {
    /// Fills the cache with what it would hold after one lifetime at this load.
    pub(super) fn warm_cache(&mut self) {
        /// Enough for any policy to settle, and a second of work.
        const MOST: f64 = 5e6;
        let per_s = self.offered_per_s(Kind::Query);
        let warm = self
            .scenario
            .design
            .cache
            .as_ref()
            .filter(|cache| cache.warm);
        let (Some(tier), Some(cache)) = (warm, &mut self.cache) else {
            return;
        };
        let asked = libm::ceil((per_s * tier.ttl.as_secs_f64()).min(MOST)) as u32;
        let (records, draws) = (&self.records, &self.draws);
        // Each cluster was asked by its own users.
        let seated = |cluster: Site| -> u64 {
            let here = self.sites.servers.at(cluster);
            here.map(|id| self.servers.servers[id as usize].held).sum()
        };
        let all: u64 = cache.clusters().map(seated).sum();
        for cluster in cache.clusters() {
            let share = match cache.in_each_region() {
                true => seated(cluster) as f64 / all.max(1) as f64,
                false => 1.0,
            };
            let asked = (f64::from(asked) * share) as u32;
            let of = |nth: u32| records.of(draws, WARM, u64::from(cluster) << 32 | u64::from(nth));
            cache.warm(cluster, (0..asked).map(of));
        }
    }
}

/// How long writes are remembered, where copies of several ages are read: as long as a cache may keep what a replica, which
/// is behind by its lag, or another region has answered.
pub fn history(scenario: &Scenario) -> Option<SimDuration> {
    /// As far as any projection may be behind whose answers have an age.
    const LAGGING: SimDuration = SimDuration::from_secs(3_600);
    /// More than any replica lags that keeps up.
    const BEHIND: SimDuration = SimDuration::from_secs(120);
    let design = &scenario.design;
    let cached = design.cache.as_ref();
    if design.sourcing.is_some() {
        return Some(LAGGING);
    }
    if design.replicas.is_none() && design.cache_clusters() < 2 {
        return None;
    }
    Some(cached.map_or(BEHIND, |cache| cache.ttl + cache.stale + BEHIND))
}

/// What an entry of the cache takes: an answer.
pub fn entry_bytes(scenario: &Scenario) -> u32 {
    let query = scenario.traffic.query.as_ref();
    query.map_or(1, |query| query.size_bytes)
}
