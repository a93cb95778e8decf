//! The edge: points of presence that each run a real [`routing::Cache`], an origin shield, and the origin of assets.
//!
//! Models: a client asks by HTTP, on a connection that is open already, the nearest point of presence that is up, by round
//! trip ([`RegionRouter`]); one that dies is still asked until that is detected, and those requests fail; it comes back empty.
//! What it does not have comes from the shield, if there is one, and from there from the origin; answers to queries come from
//! a connection server, whatever stands behind it, and fill it on their way back. Hits, stale answers, waiting for another
//! one's fetch and evictions follow from the keys that are asked for. Who waits for a fetch that fails gets its error. A
//! command that invalidates reaches each of them after half a round trip: until then, and by a fetch that began before it,
//! stale answers are given.
//! Formula: one way to a client = half the round trip of its last mile + half of that between its region and the place.
//! Leaves out: opening connections, the time that many bytes take, filling as CPU, and how clients learn where to go.
//! Source: RFC 9111 (lifetimes), RFC 5861 (stale-while-revalidate), RFC 9211 names the parts.

pub mod bill;
mod origin;
pub mod reading;
mod site;
mod way;

use std::collections::BTreeMap;

use routing::region::{Jurisdiction, Region, RegionId, RegionRouter, RoutePolicy};

use super::versions::Versions;
pub use origin::Origin;
pub use site::{Fetch, Site};

use super::operation::{Kind, OperationId};
use super::records::Records;
use super::sites::{round_trip, site_names};
use crate::draw::{Draws, Purpose};
use crate::scenario::{EdgeTier, Scenario};
use crate::time::{SimDuration, SimTime};

const WARM: Purpose = Purpose::named("edge/warm");
/// Entries are told apart: assets lie above the records.
const ASSET: u64 = 1 << 32;
/// Fetches that warm one point of presence: enough for any policy to settle.
const MOST: f64 = 1e6;

/// What is asked for by HTTP.
#[derive(Clone, Copy, Debug)]
pub enum WebEvent {
    /// A request reaches a point of presence, or the shield.
    AtSite {
        /// Which request.
        id: OperationId,
        /// Which site.
        site: u16,
    },
    /// A request reaches the origin.
    AtOrigin(OperationId),
    /// A server of the origin has answered.
    Served {
        /// Which request.
        id: OperationId,
        /// Which server.
        server: u16,
    },
    /// What a site has fetched is there.
    Filled {
        /// Which request.
        id: OperationId,
        /// Which site.
        site: u16,
    },
    /// An answer reaches the client.
    AtClient(OperationId),
    /// Word of a command reaches a site.
    Invalidate {
        /// Which site.
        site: u16,
        /// What has changed.
        record: u32,
    },
    /// Clients are no longer sent to a dead site.
    Noticed {
        /// Which site.
        site: u16,
        /// The life that ended.
        epoch: u32,
    },
}

/// Everything that is asked for by HTTP, and who answers.
#[derive(Clone, Debug, Default)]
pub struct Web {
    /// Assets, by popularity.
    assets: Option<Records>,
    /// Where they come from.
    pub origin: Option<Origin>,
    /// Points of presence.
    pub edge: Option<Edge>,
    /// Bytes since the start.
    pub bytes: WebBytes,
}

/// Bytes on the wire that the origin sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebBytes {
    /// From the web servers, to whoever asked.
    pub from_origin: u64,
    /// Those of them that went to clients, past the points of presence.
    pub direct: u64,
    /// From connection servers to points of presence.
    pub from_servers: u64,
}

/// Points of presence, with the shield behind them as the last site.
#[derive(Clone, Debug)]
pub struct Edge {
    /// All sites.
    pub sites: Vec<Site>,
    /// How many of them are points of presence.
    pub pops: usize,
    router: RegionRouter,
    /// By place of the scenario: its number at the router.
    origins: Vec<RegionId>,
    /// One way by place of the scenario and site.
    to_place: Vec<Vec<SimDuration>>,
    /// One way between a site and the origin, which stands in the region of the database.
    to_home: Vec<SimDuration>,
    /// One way by region of the design and site.
    to_servers: Vec<Vec<SimDuration>>,
    /// One way between a site and the shield.
    to_shield: Vec<SimDuration>,
    /// Fetches under way.
    fetching: BTreeMap<(u16, OperationId), Fetch>,
    /// When records were written; `None`: answers to queries are not kept.
    versions: Option<Versions>,
    /// Whether commands drop what is kept.
    invalidates: bool,
    ttl: [SimDuration; 2],
    bytes: [u32; 2],
    lookup: SimDuration,
    detection: SimDuration,
    refreshes: u64,
    /// Answers from a site that had been superseded.
    pub superseded: u64,
}

impl Web {
    /// What a scenario (its patterns applied to its design) has of it.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let asset = scenario.traffic.asset.as_ref();
        Self {
            assets: asset.map(|asset| Records::new(asset.keys, true, false, None)),
            origin: scenario.design.origin.as_ref().map(Origin::new),
            edge: scenario
                .design
                .edge
                .as_ref()
                .map(|tier| Edge::new(tier, scenario)),
            bytes: WebBytes::default(),
        }
    }

    /// How long the longest queue of a site is, in time.
    pub fn edge_wait(&self, now: SimTime) -> SimDuration {
        let sites = self.edge.iter().flat_map(|edge| &edge.sites);
        let waits = sites.map(|site| site.station.next_wait(now));
        waits.max().unwrap_or_default()
    }

    /// How long the longest queue of a server of the origin is, in time.
    pub fn origin_wait(&self, now: SimTime) -> SimDuration {
        let servers = self.origin.iter().flat_map(|origin| &origin.servers);
        let waits = servers.map(|server| server.next_wait(now));
        waits.max().unwrap_or_default()
    }

    /// Bytes held by the tables of assets.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.assets.as_ref().map_or(0, Records::memory_bytes)
    }

    /// Whether points of presence keep answers to queries.
    #[must_use]
    pub fn keeps_queries(&self) -> bool {
        self.edge
            .as_ref()
            .is_some_and(|edge| edge.versions.is_some())
    }
}

impl Edge {
    fn new(tier: &EdgeTier, scenario: &Scenario) -> Self {
        let traffic = &scenario.traffic;
        let home = scenario.design.place.0.as_str();
        let mut at: Vec<&str> = tier.places.iter().map(|place| place.0.as_str()).collect();
        let pops = at.len();
        let users = scenario
            .load
            .places
            .iter()
            .map(|(place, _)| place.0.as_str());
        let users: Vec<&str> = users.collect();
        let (router, origins) = router(&at, &users);
        let capacities = vec![tier.capacity_bytes; pops];
        let mut sites: Vec<Site> = at
            .iter()
            .zip(capacities)
            .map(|(place, capacity)| Site::new(place, capacity, tier))
            .collect();
        if let Some(shield) = &tier.shield {
            at.push(&shield.place.0);
            sites.push(Site::new(&shield.place.0, shield.capacity_bytes, tier));
        }
        let from = |place: &str| at.iter().map(|site| round_trip(site, place) / 2).collect();
        let shield = tier.shield.as_ref().map_or(home, |shield| &shield.place.0);
        let query = traffic.query.as_ref();
        let kept = query.and_then(|query| query.edge);
        let asset = traffic.asset.as_ref();
        let ttl = kept.map_or(SimDuration::ZERO, |kept| kept.ttl);
        Self {
            to_place: users.iter().map(|place| from(place)).collect(),
            to_home: from(home),
            to_servers: site_names(&scenario.design)
                .iter()
                .map(|region| from(region))
                .collect(),
            to_shield: from(shield),
            sites,
            pops,
            router,
            origins,
            fetching: BTreeMap::new(),
            versions: kept.map(|_| Versions::new(ttl + tier.stale)),
            invalidates: kept.is_some_and(|kept| kept.invalidate),
            ttl: [ttl, asset.map_or(SimDuration::ZERO, |asset| asset.ttl)],
            bytes: [
                query.map_or(1, |query| query.size_bytes),
                asset.map_or(1, |asset| asset.size_bytes),
            ],
            lookup: tier.lookup,
            detection: tier.detection,
            refreshes: 0,
            superseded: 0,
        }
    }

    /// The point of presence that serves a place of the scenario; `None`: none is up.
    fn nearest(&self, place: usize) -> Option<u16> {
        let origin = *self.origins.get(place)?;
        let route = self.router.route(origin, 0, None::<Jurisdiction>).ok()?;
        Some(route.region.0)
    }

    /// The shares of the users whom each point of presence serves; `places` are those of the places.
    fn shares(&self, places: &[f64]) -> Vec<f64> {
        let mut served = vec![0.0; self.pops];
        for (place, users) in places.iter().enumerate() {
            if let Some(site) = self.nearest(place) {
                served[usize::from(site)] += users;
            }
        }
        served
    }

    /// The site of the shield.
    fn shield(&self) -> Option<u16> {
        (self.sites.len() > self.pops).then_some(self.pops as u16)
    }

    /// Fills the sites as the past lifetime at this load would have filled them: `per_s` queries and fetches a second, by
    /// users who live in `places`. What is left of an entry's own lifetime is any part of it.
    pub fn warm(&mut self, draws: &Draws, per_s: [f64; 2], places: &[f64], of: [&Records; 2]) {
        let share = 1.0 / self.pops as f64;
        let served = self.shares(places);
        for (site, served) in served.into_iter().enumerate() {
            for class in [0, 1] {
                let asked = per_s[class] * served * self.ttl[class].as_secs_f64();
                let asked = libm::ceil(asked.min(MOST * share)) as u64;
                for nth in 0..asked {
                    let kind = [Kind::Query, Kind::FetchAsset][class] as u64;
                    let ordinal = u64::MAX - (((site as u64) << 32) | nth);
                    let record = of[class].of(draws, kind, ordinal);
                    self.warm_one(draws, site, class, record);
                }
            }
        }
    }

    fn warm_one(&mut self, draws: &Draws, site: usize, class: usize, record: u32) {
        let key = u64::from(record) + class as u64 * ASSET;
        let shield = self.shield().filter(|_| class == 1).map(usize::from);
        for site in core::iter::once(site).chain(shield) {
            let left = self.ttl[class].scaled(draws.unit_f64(WARM, key, site as u64));
            if !self.sites[site].warm(key, self.bytes[class], left) {
                return;
            }
        }
    }
}

/// The shares of the users whom each point of presence of a tier serves while all are up.
#[must_use]
pub fn served(scenario: &Scenario, tier: &EdgeTier) -> Vec<f64> {
    let places: Vec<f64> = scenario.load.places.iter().map(|place| place.1).collect();
    Edge::new(tier, scenario).shares(&places)
}

/// The router of clients to points of presence, and the numbers there of the places that clients are in.
fn router(pops: &[&str], users: &[&str]) -> (RegionRouter, Vec<RegionId>) {
    let mut names = pops.to_vec();
    let origins = users.iter().map(|user| {
        let known = names.iter().position(|name| name == user);
        RegionId(known.unwrap_or_else(|| {
            names.push(user);
            names.len() - 1
        }) as u16)
    });
    let origins = origins.collect();
    let region = |(number, from): (usize, &&str)| Region {
        jurisdiction: Jurisdiction::default(),
        weight: 1,
        // Places without a point of presence serve nobody.
        servers: u32::from(number < pops.len()),
        rtt_ns: names
            .iter()
            .map(|to| round_trip(from, to).as_nanos())
            .collect(),
    };
    let regions = names.iter().enumerate().map(region).collect();
    let seed = routing::hash::DEFAULT_SEED;
    (
        RegionRouter::new(RoutePolicy::Nearest, regions, seed),
        origins,
    )
}
