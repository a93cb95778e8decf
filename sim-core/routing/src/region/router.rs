//! The region router: which region serves a key that comes from somewhere.
//!
//! *Models:* regions with round-trip times between them, servers and health, and a policy over those that are up:
//! the nearest, a weighted choice by key, the first of a fixed order, or spill-over by health. Every choice is a
//! function of the key, so that a user stays in a region while nothing changes. *Residency:* a tenant pinned to a
//! jurisdiction is served there or not at all. *Property:* shares add up to 1; when a region fails, its share goes
//! to the next (nearest, in order) or to all others by weight, and no other share shrinks.
//! *Leaves out:* how long clients hold on to an answer (DNS), and congestion between regions.
//! *Source:* Route 53 and Cloudflare routing policies; for spill-over see [`super::spill`].

use super::spill::{Level, SpillPolicy};
use crate::hash;
use crate::placement::{Node, Rendezvous};
use thiserror::Error;

/// A region, by its place in the router's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(pub u16);

/// A body of law under which data lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Jurisdiction(pub u16);

/// A region as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where its data lie.
    pub jurisdiction: Jurisdiction,
    /// Its share relative to the others, for the weighted policy.
    pub weight: u32,
    /// Its servers.
    pub servers: u32,
    /// The round trip from here to every region of the list, in nanoseconds.
    pub rtt_ns: Vec<u64>,
}

/// How a region is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoutePolicy {
    /// The nearest that is up.
    Nearest,
    /// By key and weight, whatever the distance.
    Weighted,
    /// The first of these that is up; regions not named are never used.
    Failover(Vec<RegionId>),
    /// The nearest, and as its health falls part of the load further and further away.
    SpillOver(SpillPolicy),
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The region that serves it.
    pub region: RegionId,
    /// Whether the region must use all its servers, whatever their health.
    pub panic: bool,
}

/// Why no region serves a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// Others are up, but the tenant's data may not go there.
    #[error("no region of the tenant's jurisdiction is up")]
    Residency,
    /// Nothing is up.
    #[error("no region is up")]
    Down,
}

/// A router over regions.
#[derive(Clone, Debug)]
pub struct RegionRouter {
    policy: RoutePolicy,
    regions: Vec<Region>,
    healthy: Vec<u32>,
    /// For each region, all regions in order of their distance.
    nearest: Vec<Vec<RegionId>>,
    weighted: Rendezvous,
    seed: u64,
}

impl RegionRouter {
    /// A router over regions that are all healthy.
    #[must_use]
    pub fn new(policy: RoutePolicy, regions: Vec<Region>, seed: u64) -> Self {
        let square = regions
            .iter()
            .all(|region| region.rtt_ns.len() == regions.len());
        assert!(square, "a region has a round trip to every region");
        let node = |(id, region): (u32, &Region)| Node {
            id,
            weight: region.weight,
        };
        let nodes: Vec<Node> = (0..).zip(&regions).map(node).collect();
        Self {
            policy,
            healthy: regions.iter().map(|region| region.servers).collect(),
            nearest: regions.iter().map(by_distance).collect(),
            weighted: Rendezvous::new(&nodes, seed),
            regions,
            seed,
        }
    }

    /// Says how many servers of a region are healthy; with none, it is down.
    pub fn set_healthy(&mut self, region: RegionId, healthy: u32) {
        let most = self.regions[usize::from(region.0)].servers;
        self.healthy[usize::from(region.0)] = healthy.min(most);
    }

    /// Whether a region has a healthy server.
    #[must_use]
    pub fn is_up(&self, region: RegionId) -> bool {
        self.healthy[usize::from(region.0)] > 0
    }

    /// The region for a key that comes from `origin`, of a tenant that may be pinned to a jurisdiction.
    pub fn route(
        &self,
        origin: RegionId,
        key: u64,
        pinned: Option<Jurisdiction>,
    ) -> Result<Route, Refused> {
        let calm = |region| Route {
            region,
            panic: false,
        };
        let allowed = |region: &RegionId| self.allows(*region, pinned);
        let takes = |region: &RegionId| allowed(region) && self.is_up(*region);
        let choice = match &self.policy {
            RoutePolicy::Nearest => self
                .by_distance(origin)
                .iter()
                .copied()
                .find(takes)
                .map(calm),
            RoutePolicy::Failover(order) => order.iter().copied().find(takes).map(calm),
            RoutePolicy::Weighted => {
                let takes = |id: &u32| takes(&RegionId(*id as u16));
                let owner = self.weighted.owner_where(self.hash(key), takes);
                owner.map(|id| calm(RegionId(id as u16)))
            }
            RoutePolicy::SpillOver(policy) => self.spill(*policy, origin, key, pinned),
        };
        choice.ok_or_else(|| self.refusal(pinned))
    }

    /// Whether a tenant's data may be in a region.
    #[must_use]
    pub fn allows(&self, region: RegionId, pinned: Option<Jurisdiction>) -> bool {
        let here = self.regions[usize::from(region.0)].jurisdiction;
        pinned.is_none_or(|jurisdiction| jurisdiction == here)
    }

    /// The round trip between two regions, in nanoseconds.
    #[must_use]
    pub fn rtt_ns(&self, from: RegionId, to: RegionId) -> u64 {
        self.regions[usize::from(from.0)].rtt_ns[usize::from(to.0)]
    }

    /// The regions in order of their distance from one; of equals, the first in the list first.
    #[must_use]
    pub fn by_distance(&self, origin: RegionId) -> &[RegionId] {
        &self.nearest[usize::from(origin.0)]
    }

    /// The level of preference into whose share of the load the key's hash falls.
    fn spill(
        &self,
        policy: SpillPolicy,
        origin: RegionId,
        key: u64,
        pinned: Option<Jurisdiction>,
    ) -> Option<Route> {
        let order: Vec<RegionId> = self
            .by_distance(origin)
            .iter()
            .copied()
            .filter(|&region| self.allows(region, pinned))
            .collect();
        let level = |region: &RegionId| Level {
            healthy: self.healthy[usize::from(region.0)],
            servers: self.regions[usize::from(region.0)].servers,
        };
        let levels: Vec<Level> = order.iter().map(level).collect();
        let at = hash::unit_interval(self.hash(key));
        let mut below = 0.0;
        let mut last = None;
        for (region, share) in order.into_iter().zip(policy.shares(&levels)) {
            below += share.load;
            if share.load > 0.0 {
                let panic = share.panic;
                last = Some(Route { region, panic });
            }
            if at < below {
                break;
            }
        }
        last
    }

    fn refusal(&self, pinned: Option<Jurisdiction>) -> Refused {
        let mut all = (0..self.regions.len() as u16).map(RegionId);
        if all.any(|region| self.is_up(region) && !self.allows(region, pinned)) {
            Refused::Residency
        } else {
            Refused::Down
        }
    }

    fn hash(&self, key: u64) -> u64 {
        hash::hash_u64(self.seed, key)
    }
}

fn by_distance(region: &Region) -> Vec<RegionId> {
    let mut order: Vec<RegionId> = (0..region.rtt_ns.len() as u16).map(RegionId).collect();
    order.sort_by_key(|&other| region.rtt_ns[usize::from(other.0)]);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    const EAST: RegionId = RegionId(0);
    const EU: RegionId = RegionId(1);
    const ASIA: RegionId = RegionId(2);
    const EU_LAW: Option<Jurisdiction> = Some(Jurisdiction(1));

    fn router(policy: RoutePolicy) -> RegionRouter {
        let rtt_ms = [[1, 75, 215], [75, 1, 165], [215, 165, 1]];
        let region = |(i, row): (u16, &[u64; 3])| Region {
            jurisdiction: Jurisdiction(i),
            weight: 1,
            servers: 10,
            rtt_ns: row.iter().map(|ms| ms * 1_000_000).collect(),
        };
        RegionRouter::new(policy, (0..).zip(&rtt_ms).map(region).collect(), 1)
    }

    fn region(route: Result<Route, Refused>) -> RegionId {
        route.unwrap().region
    }

    #[test]
    fn the_nearest_fails_over_to_the_next_nearest() {
        let mut router = router(RoutePolicy::Nearest);
        assert_eq!(region(router.route(ASIA, 1, None)), ASIA);
        router.set_healthy(ASIA, 0);
        assert_eq!(region(router.route(ASIA, 1, None)), EU);
        router.set_healthy(EU, 0);
        assert_eq!(region(router.route(ASIA, 1, None)), EAST);
        router.set_healthy(EAST, 0);
        assert_eq!(router.route(ASIA, 1, None), Err(Refused::Down));
    }

    #[test]
    fn a_pinned_tenant_is_refused_and_not_rerouted() {
        let spill = RoutePolicy::SpillOver(SpillPolicy {
            panic_percent: 0,
            ..SpillPolicy::default()
        });
        let failover = RoutePolicy::Failover(vec![EAST, EU]);
        for policy in [RoutePolicy::Nearest, RoutePolicy::Weighted, failover, spill] {
            let mut router = router(policy);
            assert_eq!(region(router.route(EAST, 1, EU_LAW)), EU);
            router.set_healthy(EU, 0);
            assert_eq!(router.route(EU, 1, EU_LAW), Err(Refused::Residency));
            assert_ne!(region(router.route(EU, 1, None)), EU);
        }
    }

    #[test]
    fn the_order_of_failover_is_followed() {
        let mut router = router(RoutePolicy::Failover(vec![EU, EAST]));
        assert_eq!(region(router.route(ASIA, 1, None)), EU);
        router.set_healthy(EU, 0);
        assert_eq!(region(router.route(ASIA, 1, None)), EAST);
        router.set_healthy(EAST, 0);
        assert_eq!(router.route(ASIA, 1, None), Err(Refused::Down), "not named");
    }

    #[test]
    fn a_region_that_panics_takes_its_load_itself() {
        let mut router = router(RoutePolicy::SpillOver(SpillPolicy::default()));
        for id in [EAST, EU, ASIA] {
            router.set_healthy(id, 0);
        }
        let route = router.route(EU, 1, EU_LAW);
        assert_eq!(
            route,
            Ok(Route {
                region: EU,
                panic: true
            })
        );
    }
}
