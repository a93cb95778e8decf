//! Data centres and who may be served where, as written.

use serde::Deserialize;

use crate::scenario::model::Source;
use crate::scenario::raw::{Ordered, Quantity, Sources, Switch};

/// The regions that a design stands in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRegions {
    /// Shares of the connection servers, channel owners and broker nodes by region, as in: `{"us-east-1": "60 %", "eu-west-1": "40 %"}`; each has one of each at least, and a load balancer of its own.
    pub places: Ordered<Quantity>,
    /// Which region a user connects to. Default: `Nearest`.
    pub route: Option<RawRoute>,
    /// Whether a message crosses to another region once and is copied there, or once for each server. Default: `On`.
    pub relay: Option<Switch>,
    /// Time until everybody knows that a whole region is gone, or back. Default: 30 s.
    pub detect: Option<Quantity>,
    /// Where users may be served. Default: anywhere.
    pub residency: Option<RawResidency>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Which region a user connects to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawRoute {
    /// The nearest one that is up.
    Nearest,
    /// By their shares, whatever the distance.
    Weighted,
    /// The first of these that is up.
    Failover(Vec<String>),
    /// The nearest one, and others for what its healthy servers cannot take.
    SpillOver {
        /// What healthy servers can take, of their normal load. Default: 140 %.
        overprovision: Option<Quantity>,
        /// Share of healthy servers below which all are used, whatever their health. Default: 50 %.
        panic: Option<Quantity>,
    },
}

/// Where users may be served.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawResidency {
    /// The law that holds in places, as in: `{"eu-west-1": "EU", "eu-central-1": "EU"}`; users of such a place may be served in regions of the same law only.
    pub law: Ordered<String>,
    /// Whether it is obeyed, or who is served elsewhere is only counted. Default: `On`.
    pub enforce: Option<Switch>,
}
