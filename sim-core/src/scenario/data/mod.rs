//! Records and the tiers that keep them: shards of the database, and the cache in front of it.

pub mod raw;
pub mod spread;

use routing::cache::EvictionPolicy;
use routing::placement::Placement;

use crate::time::SimDuration;

use super::check::Check;
use super::design::{instances, placement};
use super::limits;
use super::model::{CacheTier, Design, Keys, OnWrite, Shards};
use super::product;
use super::profile::Names;
use super::quantity::{count, duration, number, size};
use super::raw::{Ordered, Quantity, Switch};

use raw::{
    RawCache, RawCachePlace, RawCacheStart, RawEviction, RawFeature, RawKeys, RawOnWrite,
    RawShards, RawSkew,
};

/// Where a cache stands, if not at home with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CachePlace {
    /// A cluster of all its nodes in each region of the design.
    EachRegion,
}

impl Design {
    /// Clusters that the cache consists of, each with all nodes of the tier.
    #[must_use]
    pub fn cache_clusters(&self) -> u32 {
        let place = self.cache.as_ref().and_then(|cache| cache.place);
        match (place, &self.regions) {
            (Some(CachePlace::EachRegion), Some(regions)) => regions.places.len() as u32,
            _ => 1,
        }
    }
}

/// Records where the scenario says nothing of them.
const KEYS: u32 = 1_000_000;

/// The records of a scenario.
pub fn keys(raw: Option<&RawKeys>, check: &mut Check<'_>) -> Keys {
    const AT: &str = "traffic.keys";
    let Some(raw) = raw else {
        return Keys {
            count: KEYS,
            exponent: 0.0,
        };
    };
    check.sources(AT, &raw.source, &raw.sources);
    Keys {
        count: check.take(
            "traffic.keys.count",
            count(&raw.count, &["keys", "records"], 1, limits::KEYS),
            1,
        ) as u32,
        exponent: skew("traffic.keys.skew", raw.skew.as_ref(), check),
    }
}

/// The exponent of a skew; none where all are alike.
pub(super) fn skew(path: &str, raw: Option<&RawSkew>, check: &mut Check<'_>) -> f64 {
    match raw {
        None | Some(RawSkew::Even) => 0.0,
        Some(RawSkew::Zipf { exponent }) => check.take(
            &format!("{path}.exponent"),
            number(exponent, &[], 0.0, 4.0),
            0.0,
        ),
    }
}

/// The shards of a design.
pub fn shards(
    raw: &RawShards,
    features: Option<&Ordered<RawFeature>>,
    check: &mut Check<'_>,
) -> Shards {
    const AT: &str = "design.shards";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let count = instances(
        &at("count"),
        &raw.count,
        &["shards", "shard", "instances"],
        check,
    );
    Shards {
        count,
        by: spread::shard_by(raw.key.as_ref(), count, features, check),
        placement: placement(
            raw.placement.as_ref(),
            Placement::Slots,
            &at("placement"),
            check,
        ),
    }
}

/// The cache of a design.
pub fn cache(raw: &RawCache, names: &Names<'_>, check: &mut Check<'_>) -> CacheTier {
    const AT: &str = "design.cache";
    const NONE: SimDuration = SimDuration::ZERO;
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let time = |q: &Quantity| duration(q, NONE, limits::LONG);
    CacheTier {
        count: instances(
            &at("count"),
            &raw.count,
            &["nodes", "node", "instances"],
            check,
        ),
        machine: product::used(
            names.machine(&raw.machine, &at("machine"), check),
            raw.threads.as_ref(),
            AT,
            check,
        ),
        capacity_bytes: check.take(&at("capacity"), size(&raw.capacity, 1, limits::MEMORY), 1),
        policy: eviction(raw.policy.unwrap_or(RawEviction::Lru)),
        ttl: check.take_or(&at("ttl"), &raw.ttl, SimDuration::from_secs(300), time),
        stale: check.take_or(&at("stale"), &raw.stale, NONE, time),
        coalesce: raw.coalesce.unwrap_or(Switch::On) == Switch::On,
        leases: raw.leases.as_ref().map(|q| {
            let interval = duration(q, limits::SHORT, limits::LONG);
            check.take(&at("leases"), interval, NONE)
        }),
        early: check.take_or(&at("early"), &raw.early, 0.0, |q| {
            number(q, &[], 0.0, 100.0)
        }),
        on_write: match raw.on_write {
            Some(RawOnWrite::Nothing) => OnWrite::Nothing,
            None | Some(RawOnWrite::Invalidate) => OnWrite::Invalidate,
            Some(RawOnWrite::Replace) => OnWrite::Replace,
        },
        warm: raw.start.unwrap_or(RawCacheStart::Warm) == RawCacheStart::Warm,
        placement: placement(
            raw.placement.as_ref(),
            Placement::Ring { virtual_nodes: 100 },
            &at("placement"),
            check,
        ),
        lookup: check.take_or(
            &at("lookup"),
            &raw.lookup,
            SimDuration::from_micros(10),
            |q| duration(q, NONE, limits::SERVICE),
        ),
        place: match raw.place {
            Some(RawCachePlace::EachRegion) => Some(CachePlace::EachRegion),
            None | Some(RawCachePlace::Home) => None,
        },
    }
}

pub(super) fn eviction(raw: RawEviction) -> EvictionPolicy {
    match raw {
        RawEviction::Fifo => EvictionPolicy::Fifo,
        RawEviction::Lru => EvictionPolicy::Lru,
        RawEviction::Lfu => EvictionPolicy::Lfu,
        RawEviction::Sieve => EvictionPolicy::Sieve,
        RawEviction::S3Fifo => EvictionPolicy::S3Fifo,
        RawEviction::TinyLfu => EvictionPolicy::WTinyLfu,
    }
}
