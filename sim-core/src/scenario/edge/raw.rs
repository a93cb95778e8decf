//! The edge as written: points of presence, the origin behind them, assets, and what of the queries is kept there.

use serde::Deserialize;

use crate::scenario::data::raw::{RawCacheStart, RawEviction, RawSkew};
use crate::scenario::model::Source;
use crate::scenario::raw::{Quantity, Sources, Switch};

/// The points of presence of a content delivery network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEdge {
    /// The regions in which one stands each; clients go to the nearest.
    pub places: Vec<String>,
    /// What the entries of one of them may take, as in: `"1 TB"`.
    pub capacity: Quantity,
    /// Which entry gives way. Default: `Lru`.
    pub policy: Option<RawEviction>,
    /// How long an expired entry is served while it is fetched again. Default: 0 s.
    pub stale: Option<Quantity>,
    /// One fetch per entry at a time; the others wait for it. Default: `On`.
    pub coalesce: Option<Switch>,
    /// What they hold when the run begins. Default: `Warm`.
    pub start: Option<RawCacheStart>,
    /// Requests that one of them works on at once. Default: 64.
    pub cores: Option<Quantity>,
    /// Time that one request takes there. Default: 50 us.
    pub lookup: Option<Quantity>,
    /// Network of one of them. Default: 100 Gbit/s.
    pub network: Option<Quantity>,
    /// Time until clients are no longer sent to a dead one. Default: 10 s.
    pub detection: Option<Quantity>,
    /// One more cache, between all of them and the origin. Default: none.
    pub shield: Option<RawShield>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// The origin shield: what one point of presence has fetched, the others need not ask the origin for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawShield {
    /// The region in which it stands.
    pub place: String,
    /// What its entries may take, as in: `"1 TB"`.
    pub capacity: Quantity,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// The web servers that assets come from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOrigin {
    /// Instances.
    pub count: Quantity,
    /// Name of a machine.
    pub machine: String,
    /// CPU of serving one asset. Default: 100 us.
    pub serve: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Scripts, pictures and other files that clients fetch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAsset {
    /// Fetches, as in: `"0.02/s per user"`.
    pub rate: Quantity,
    /// Payload of one asset.
    pub size: Quantity,
    /// How many assets there are.
    pub count: Quantity,
    /// How unequal they are. Default: `Even`.
    pub skew: Option<RawSkew>,
    /// How long a cache may keep one. Default: 24 h.
    pub ttl: Option<Quantity>,
    /// Share of the fetches whose answer a cache may keep; the others always come from the origin. Default: 100 %.
    pub cacheable: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// What points of presence keep of the answers to queries.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawQueryAtEdge {
    /// How long an answer is fresh.
    pub ttl: Quantity,
    /// Whether a command drops the answer everywhere, as soon as word of it arrives. Default: `Off`.
    pub invalidate: Option<Switch>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}
