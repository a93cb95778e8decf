//! Regions: shares that add up (concept C090), residency that is never violated (C066), the overlap of shuffle
//! shards and the drain of a zone (algorithms.md 3.2).

mod common;

use common::{TestRng, near, proptest_config};
use proptest::prelude::*;
use routing::Timestamp;
use routing::region::{
    Drain, Jurisdiction, Level, Refused, Region, RegionId, RegionRouter, Route, RoutePolicy, Share,
    ShuffleShards, SpillPolicy, ZoneId, ZoneWeights, shuffle,
};

/// Regions on a line, 10 ms apart, with two jurisdictions by turns.
fn regions(n: u16, servers: u32) -> Vec<Region> {
    (0..n)
        .map(|i| Region {
            jurisdiction: Jurisdiction(i % 2),
            weight: u32::from(i) + 1,
            servers,
            rtt_ns: (0..n)
                .map(|j| 1_000_000 + u64::from(i.abs_diff(j)) * 10_000_000)
                .collect(),
        })
        .collect()
}

fn policy(kind: u8, n: u16) -> RoutePolicy {
    match kind {
        0 => RoutePolicy::Nearest,
        1 => RoutePolicy::Weighted,
        2 => RoutePolicy::Failover((0..n).rev().map(RegionId).collect()),
        _ => RoutePolicy::SpillOver(SpillPolicy::default()),
    }
}

/// The share of keys from `origin` that each region serves.
fn shares(router: &RegionRouter, origin: RegionId, n: u16) -> Vec<f64> {
    const KEYS: u64 = 50_000;
    let mut loads = vec![0u32; usize::from(n)];
    for key in 0..KEYS {
        let route = router.route(origin, key, None).expect("a region is up");
        loads[usize::from(route.region.0)] += 1;
    }
    loads
        .into_iter()
        .map(|load| f64::from(load) / KEYS as f64)
        .collect()
}

#[test]
fn a_dead_region_gives_its_share_to_the_next_nearest() {
    let mut router = RegionRouter::new(RoutePolicy::Nearest, regions(5, 10), 1);
    let whole = |router: &RegionRouter| {
        let mut all = [0.0; 5];
        for origin in 0..5 {
            let shares = shares(router, RegionId(origin), 5);
            (0..5).for_each(|i| all[i] += shares[i] / 5.0);
        }
        all
    };
    let before = whole(&router);
    router.set_healthy(RegionId(4), 0);
    let after = whole(&router);
    assert!(before.iter().all(|share| near(*share, 0.2, 1e-9)));
    let expected = [0.2, 0.2, 0.2, 0.4, 0.0];
    for (found, expected) in after.into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-9, "{after:?}");
    }
}

#[test]
fn weights_are_followed_and_a_failure_takes_from_no_other() {
    let mut router = RegionRouter::new(RoutePolicy::Weighted, regions(4, 10), 1);
    let keys = 0..50_000u64;
    let before: Vec<RegionId> = keys
        .clone()
        .map(|key| router.route(RegionId(0), key, None).unwrap().region)
        .collect();
    for (share, weight) in shares(&router, RegionId(0), 4).into_iter().zip(1..) {
        assert!(near(share, f64::from(weight) / 10.0, 3.0), "{share}");
    }
    router.set_healthy(RegionId(2), 0);
    for key in keys {
        let now = router.route(RegionId(3), key, None).unwrap().region;
        assert!(now == before[key as usize] || before[key as usize] == RegionId(2));
    }
}

#[test]
fn load_spills_as_health_falls() {
    for healthy in [100, 72, 60, 50, 25, 0] {
        let spill = RoutePolicy::SpillOver(SpillPolicy::default());
        let mut router = RegionRouter::new(spill, regions(3, 100), 1);
        router.set_healthy(RegionId(0), healthy);
        let found = shares(&router, RegionId(0), 3);
        let formula = (1.0 - 1.4 * f64::from(healthy) / 100.0).max(0.0);
        println!(
            "{healthy} % healthy: spill share {:.3} ({formula:.3})",
            found[1]
        );
        assert!((found[1] - formula).abs() < 0.01 && found[2] == 0.0);
    }
}

proptest! {
    #![proptest_config(proptest_config(400))]

    #[test]
    fn spill_shares_add_up(
        levels in prop::collection::vec((0u32..50, 0u32..50), 1..7), overprovision_percent in 100u32..200,
    ) {
        let levels: Vec<Level> = levels.into_iter().map(|(healthy, servers)| Level { healthy, servers }).collect();
        let policy = SpillPolicy { overprovision_percent, ..SpillPolicy::default() };
        let shares: Vec<Share> = policy.shares(&levels);
        let total: f64 = shares.iter().map(|share| share.load).sum();
        let servers: u32 = levels.iter().map(|level| level.servers).sum();
        prop_assert!((total - f64::from(u32::from(servers > 0))).abs() < 1e-9, "{total}");
        for (level, share) in levels.iter().zip(&shares) {
            prop_assert!(share.load >= 0.0);
            prop_assert!(!share.panic || level.health() < 0.5);
            prop_assert!(share.load == 0.0 || share.panic || level.health() > 0.0);
        }
    }

    #[test]
    fn residency_is_never_violated(
        kind in 0u8..4, healthy in prop::collection::vec(0u32..4, 5), origin in 0u16..5, key: u64, law in 0u16..3,
    ) {
        let mut router = RegionRouter::new(policy(kind, 5), regions(5, 3), 1);
        for (i, &healthy) in (0..).zip(&healthy) {
            router.set_healthy(RegionId(i), healthy);
        }
        let pinned = Jurisdiction(law);
        let up = |law: Option<Jurisdiction>| (0..5).map(RegionId).any(|r| router.is_up(r) && router.allows(r, law));
        match router.route(RegionId(origin), key, Some(pinned)) {
            Ok(Route { region, panic }) => {
                prop_assert!(router.allows(region, Some(pinned)), "served elsewhere");
                prop_assert!(panic || router.is_up(region));
            }
            Err(Refused::Residency) => prop_assert!(!up(Some(pinned)) && up(None)),
            Err(Refused::Down) => prop_assert!(!up(None)),
        }
        let free = router.route(RegionId(origin), key, None);
        prop_assert_eq!(free.is_ok(), up(None) || kind == 3, "without a pin another region takes over");
    }

    #[test]
    fn zones_always_share_a_hundred_percent(shifts in prop::collection::vec((0u16..4, 0u16..4, 0u32..60), 0..30)) {
        let zones = [0, 1, 2, 3].map(ZoneId);
        let mut weights = ZoneWeights::even(&zones, 1);
        for (from, to, percent) in shifts {
            let (had, got) = (weights.percent(ZoneId(from)), weights.percent(ZoneId(to)));
            let moved = weights.shift(ZoneId(from), ZoneId(to), percent);
            prop_assert_eq!(moved, percent.min(had));
            if from != to {
                prop_assert_eq!(weights.percent(ZoneId(from)), had - moved);
                prop_assert_eq!(weights.percent(ZoneId(to)), got + moved);
            }
            prop_assert_eq!(zones.iter().map(|&zone| weights.percent(zone)).sum::<u32>(), 100);
        }
    }
}

#[test]
fn a_drained_zone_gets_nothing_within_300_seconds() {
    const SECOND: u64 = 1_000_000_000;
    let zones = [0, 1, 2].map(ZoneId);
    let mut weights = ZoneWeights::even(&zones, 1);
    let drain = Drain::new(&weights, ZoneId(1), Timestamp::ZERO, 300 * SECOND);
    let mut last = None;
    let mut rng = TestRng(1);
    for step in 0..6_000u64 {
        let now = Timestamp(step * SECOND / 10);
        drain.poll(now, &mut weights);
        for _ in 0..20 {
            if weights.zone(rng.below(1 << 40)) == ZoneId(1) {
                last = Some(now.0 as f64 / 1e9);
            }
        }
    }
    println!("last request in the drained zone after {last:?} s (300 at most)");
    assert!(last.is_some_and(|last| last > 250.0 && last < 300.0));
}

#[test]
fn shuffle_shards_overlap_as_published() {
    const PAIRS: u64 = 400_000;
    let rows = [
        ("8C2 all", 8u32, 2u32, 2u32, 0.035),
        ("16C4 all", 16, 4, 4, 0.000_54),
        ("100C5 at least 3", 100, 5, 3, 0.000_6),
    ];
    for (name, n, k, least, published) in rows {
        let workers: Vec<u32> = (0..n).collect();
        let shards = ShuffleShards::new(&workers, k, 1);
        let sets: Vec<u128> = (0..PAIRS + 1)
            .map(|tenant| {
                let own = shards.workers_of(tenant);
                own.iter().fold(0, |set, &worker| set | 1 << worker)
            })
            .collect();
        let overlap = |pair: &&[u128]| (pair[0] & pair[1]).count_ones() >= least;
        let found = sets.windows(2).filter(overlap).count() as f64 / PAIRS as f64;
        let exact: f64 = (least..=k)
            .map(|m| shuffle::overlap_probability(n, k, m))
            .sum();
        println!(
            "{name}: {:.4} % of pairs measured, {:.4} % exact ({:.4} % published)",
            found * 100.0,
            exact * 100.0,
            published * 100.0
        );
        assert!(near(exact, published, 3.0));
        let sd = (exact / PAIRS as f64).sqrt();
        assert!((found - exact).abs() <= 3.0 * sd, "{name}: {found}");
    }
    assert_eq!(shuffle::combinations(8, 2), 28.0);
    assert_eq!(shuffle::combinations(100, 5), 75_287_520.0);
}

#[test]
fn choices_by_key_are_the_same_for_ever() {
    let keys = [0, 1, 42, u64::MAX];
    let router = RegionRouter::new(RoutePolicy::Weighted, regions(4, 10), 1);
    let routes = keys.map(|key| router.route(RegionId(0), key, None).unwrap().region.0);
    let zones = ZoneWeights::even(&[0, 1, 2].map(ZoneId), 1);
    let workers = ShuffleShards::new(&[0, 1, 2, 3, 4, 5, 6, 7], 2, 1);
    assert_eq!(routes, [1, 2, 1, 2]);
    assert_eq!(keys.map(|key| zones.zone(key).0), [1, 0, 0, 0]);
    assert_eq!(
        keys.map(|key| workers.workers_of(key)),
        [[0, 6], [0, 1], [0, 1], [3, 4]]
    );
}
