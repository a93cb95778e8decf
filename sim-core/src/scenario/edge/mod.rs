//! The edge of a design: points of presence, the origin behind them, and what is kept there.

pub mod raw;

use crate::time::SimDuration;

use super::assets::assets;
use super::check::Check;
use super::data::raw::{RawCacheStart, RawEviction};
use super::data::{eviction, skew};
use super::design::instances;
use super::error::Problem;
use super::limits;
use super::model::{Design, Keys, Machine, Rate, Region, Scenario, Traffic};
use super::profile::Names;
use super::quantity::{bits_per_s, count, duration, share, size};
use super::raw::{Quantity, Switch};
use super::traffic::{payload, rate};

use raw::{RawAsset, RawEdge, RawOrigin, RawQueryAtEdge, RawShield};

/// Points of presence of one design.
const PLACES: usize = 64;

/// The points of presence of a content delivery network.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeTier {
    /// The region of each.
    pub places: Vec<Region>,
    /// What the entries of one may take.
    pub capacity_bytes: u64,
    /// Which entry gives way.
    pub policy: routing::cache::EvictionPolicy,
    /// How long an expired entry is served while it is fetched again.
    pub stale: SimDuration,
    /// One fetch per entry at a time.
    pub coalesce: bool,
    /// Whether they hold, when the run begins, what they would hold after one lifetime at this load.
    pub warm: bool,
    /// Requests that one works on at once.
    pub cores: u32,
    /// Time of one request.
    pub lookup: SimDuration,
    /// Network of one, bits per second.
    pub network_bits_per_s: u64,
    /// Time until clients are no longer sent to a dead one.
    pub detection: SimDuration,
    /// Between them and the origin.
    pub shield: Option<Shield>,
}

/// The origin shield.
#[derive(Clone, Debug, PartialEq)]
pub struct Shield {
    /// Where it stands.
    pub place: Region,
    /// What its entries may take.
    pub capacity_bytes: u64,
}

/// The web servers that assets come from, in the region of the design.
#[derive(Clone, Debug, PartialEq)]
pub struct OriginTier {
    /// Instances.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// CPU of serving one asset.
    pub serve: SimDuration,
}

/// The operation of fetching an asset.
#[derive(Clone, Debug, PartialEq)]
pub struct Asset {
    /// Fetches per second.
    pub rate: Rate,
    /// Payload of one asset, bytes.
    pub size_bytes: u32,
    /// How many there are, and how unequal.
    pub keys: Keys,
    /// How long a cache may keep one.
    pub ttl: SimDuration,
    /// Share of fetches whose answer a cache may keep.
    pub cacheable: f64,
}

/// What points of presence keep of the answers to queries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueryAtEdge {
    /// How long an answer is fresh.
    pub ttl: SimDuration,
    /// Whether a command drops it.
    pub invalidate: bool,
}

impl Scenario {
    /// Whether points of presence, if the design in effect has any, keep answers to queries.
    #[must_use]
    pub fn keeps_queries_at_edge(&self) -> bool {
        let kept = self.traffic.query.as_ref().and_then(|query| query.edge);
        kept.is_some() && self.patterns.caching_and_edge && self.design.edge.is_some()
    }
}

/// Checks the points of presence.
pub fn edge(raw: &RawEdge, check: &mut Check<'_>) -> EdgeTier {
    const AT: &str = "design.edge";
    const NONE: SimDuration = SimDuration::ZERO;
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let time = |q: &Quantity| duration(q, NONE, limits::LONG);
    EdgeTier {
        places: places(&raw.places, check),
        capacity_bytes: check.take(&at("capacity"), size(&raw.capacity, 1, limits::MEMORY), 1),
        policy: eviction(raw.policy.unwrap_or(RawEviction::Lru)),
        stale: check.take_or(&at("stale"), &raw.stale, NONE, time),
        coalesce: raw.coalesce.unwrap_or(Switch::On) == Switch::On,
        warm: raw.start.unwrap_or(RawCacheStart::Warm) == RawCacheStart::Warm,
        cores: check.take_or(&at("cores"), &raw.cores, 64, |q| {
            count(q, &["cores"], 1, limits::CORES)
        }) as u32,
        lookup: check.take_or(
            &at("lookup"),
            &raw.lookup,
            SimDuration::from_micros(50),
            |q| duration(q, NONE, limits::SERVICE),
        ),
        network_bits_per_s: check.take_or(
            &at("network"),
            &raw.network,
            100_000_000_000,
            bits_per_s,
        ),
        detection: check.take_or(
            &at("detection"),
            &raw.detection,
            SimDuration::from_secs(10),
            time,
        ),
        shield: raw.shield.as_ref().map(|raw| shield(raw, check)),
    }
}

fn places(raw: &[String], check: &mut Check<'_>) -> Vec<Region> {
    const AT: &str = "design.edge.places";
    check.names(AT, raw.iter().map(String::as_str));
    if raw.is_empty() || raw.len() > PLACES {
        let problem = Problem::new(format!("{} points of presence", raw.len()));
        check.problem(AT, problem.allowed(format!("1 to {PLACES} regions")));
    }
    for (i, place) in raw.iter().enumerate().take(PLACES) {
        let known = assets().region(place).map(|_| ());
        check.take(&format!("{AT}[{i}]"), known, ());
    }
    raw.iter().map(|place| Region(place.clone())).collect()
}

fn shield(raw: &RawShield, check: &mut Check<'_>) -> Shield {
    const AT: &str = "design.edge.shield";
    check.sources(AT, &raw.source, &raw.sources);
    let known = assets().region(&raw.place).map(|_| ());
    check.take("design.edge.shield.place", known, ());
    let capacity = size(&raw.capacity, 1, limits::MEMORY);
    Shield {
        place: Region(raw.place.clone()),
        capacity_bytes: check.take("design.edge.shield.capacity", capacity, 1),
    }
}

/// Checks the origin.
pub fn origin(raw: &RawOrigin, names: &Names<'_>, check: &mut Check<'_>) -> OriginTier {
    const AT: &str = "design.origin";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let nouns = ["servers", "server", "instances"];
    OriginTier {
        count: instances(&at("count"), &raw.count, &nouns, check),
        machine: names.machine(&raw.machine, &at("machine"), check),
        serve: check.take_or(
            &at("serve"),
            &raw.serve,
            SimDuration::from_micros(100),
            |q| duration(q, SimDuration::ZERO, limits::SERVICE),
        ),
    }
}

/// Checks the assets.
pub fn asset(raw: &RawAsset, check: &mut Check<'_>) -> Asset {
    const AT: &str = "traffic.asset";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let many = count(&raw.count, &["assets", "files"], 1, limits::KEYS);
    Asset {
        rate: rate(&at("rate"), &raw.rate, check),
        size_bytes: payload(&at("size"), &raw.size, check),
        keys: Keys {
            count: check.take(&at("count"), many, 1) as u32,
            exponent: skew(&at("skew"), raw.skew.as_ref(), check),
        },
        ttl: check.take_or(&at("ttl"), &raw.ttl, SimDuration::from_secs(86_400), |q| {
            duration(q, SimDuration::ZERO, limits::LONG)
        }),
        cacheable: check.take_or(&at("cacheable"), &raw.cacheable, 1.0, share),
    }
}

/// Checks what is kept of the answers to queries.
pub fn query_at_edge(raw: &RawQueryAtEdge, check: &mut Check<'_>) -> QueryAtEdge {
    const AT: &str = "traffic.query.edge";
    check.sources(AT, &raw.source, &raw.sources);
    let ttl = duration(&raw.ttl, SimDuration::ZERO, limits::LONG);
    QueryAtEdge {
        ttl: check.take("traffic.query.edge.ttl", ttl, SimDuration::ZERO),
        invalidate: raw.invalidate == Some(Switch::On),
    }
}

/// Assets come from an origin.
pub fn check_together(traffic: &Traffic, design: &Design, check: &mut Check<'_>) {
    if traffic.asset.is_some() && design.origin.is_none() {
        let problem = Problem::new("assets come from an origin, but the design has none");
        let help = "add design.origin, or leave out traffic.asset";
        check.problem("traffic.asset", problem.help(help));
    }
}
