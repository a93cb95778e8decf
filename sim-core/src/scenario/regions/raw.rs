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
    /// A database in every region, which takes writes. Default: there is one, in `design.place`.
    pub writes: Option<RawWrites>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// How the databases of regions share writes: a command adds one to its record, a query reads it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWrites {
    /// Who must have a write before it is acknowledged. Default: `Local`.
    pub ack: Option<RawAck>,
    /// What regions do that do not see most of the others. Default: `Available`, and with acks of others `Consistent`.
    pub stance: Option<RawStance>,
    /// What becomes of writes that have not seen each other. Default: `LastWriterWins`.
    pub merge: Option<RawMerge>,
    /// Regions' clocks are ahead or behind by up to this. Default: 0 s.
    pub clock_skew: Option<Quantity>,
    /// Time from the end of a partition until regions have exchanged what differs. Default: 1 s.
    pub exchange: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Who must have a write before it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawAck {
    /// The region of whoever writes; the others hear of it later.
    Local,
    /// Most regions; reads ask most of them too.
    Quorum,
    /// All regions.
    All,
}

/// What regions do that do not see most of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawStance {
    /// They refuse writes (CP).
    Consistent,
    /// They go on, and merge later (AP).
    Available,
}

/// What becomes of writes that have not seen each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawMerge {
    /// The later one stays, the others are lost.
    LastWriterWins,
    /// They add up.
    Counter,
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
