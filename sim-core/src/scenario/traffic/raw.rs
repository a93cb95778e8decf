//! What clients do, as written.

use serde::Deserialize;

use crate::scenario::asking::raw::RawHedge;
use crate::scenario::data::raw::{RawCities, RawFeature, RawKeys};
use crate::scenario::documents::raw::RawEdit;
use crate::scenario::edge::raw::{RawAsset, RawQueryAtEdge};
use crate::scenario::model::Source;
use crate::scenario::over_time::raw::{RawArrivals, RawLoop};
use crate::scenario::raw::{Ordered, Quantity, RawDistribution, Sources};
use crate::scenario::services::raw::{RawNotify, RawOrder, RawReserve};
use crate::scenario::sourcing::raw::RawReadModel;

/// Operations; one that is left out never happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTraffic {
    /// Messages.
    pub publish: Option<RawPublish>,
    /// Status changes.
    pub presence: Option<RawPresence>,
    /// Reads.
    pub query: Option<RawQuery>,
    /// Writes.
    pub command: Option<RawCommand>,
    /// The records that reads and writes are about. Default: a million, all alike.
    pub keys: Option<RawKeys>,
    /// The cities that records and people are in; matters where the database is sharded by `Geo`. Default: none.
    pub cities: Option<RawCities>,
    /// The kinds of records; matters where the database is sharded by `Feature`. Default: all are of one kind.
    pub features: Option<Ordered<RawFeature>>,
    /// Fetches of scripts, pictures and other files.
    pub asset: Option<RawAsset>,
    /// Edits of documents, with `design.documents`.
    pub edit: Option<RawEdit>,
    /// Purchases of units of which no more should be sold than there are.
    pub reserve: Option<RawReserve>,
    /// Requests to matching engines.
    pub order: Option<RawOrder>,
    /// What people are told outside their connection.
    pub notify: Option<RawNotify>,
}

/// Messages to channels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPublish {
    /// Messages published, as in: `"36/h per user"`.
    pub rate: Quantity,
    /// Payload, encoding included.
    pub size: Quantity,
    /// Who publishes. Default: `Members`.
    pub from: Option<RawPublisher>,
    /// When messages come at that rate. Default: `Poisson`.
    pub arrivals: Option<RawArrivals>,
    /// Whether publishers wait until the last recipient has their message. Default: `Open`.
    pub r#loop: Option<RawLoop>,
    /// Database queries per message. Default: 0.
    pub queries: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Who publishes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawPublisher {
    /// Members of the channel.
    Members,
    /// A process beside the broker, in a region.
    Feed(String),
}

/// Status changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPresence {
    /// Changes of status, as in: `"2/h per user"`.
    pub rate: Quantity,
    /// When changes come at that rate. Default: `Poisson`.
    pub arrivals: Option<RawArrivals>,
    /// Changes of one user within this window are sent once. Default: 0 s.
    pub coalesce: Option<Quantity>,
    /// Payload of one update.
    pub size: Quantity,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Reads answered by the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawQuery {
    /// Reads, as in: `"0.15/s per user"`.
    pub rate: Quantity,
    /// When questions come at that rate. Default: `Poisson`.
    pub arrivals: Option<RawArrivals>,
    /// Whether clients wait for their answers. Default: `Open`.
    pub r#loop: Option<RawLoop>,
    /// Payload of the answer.
    pub size: Quantity,
    /// Share of queries that ask every shard and wait for the last. Default: 0 %.
    pub scatter: Option<Quantity>,
    /// Queries look around their record, so many rings of cells wide: with shards by `Geo` they ask those that the rings touch, with any others every shard. Default: they do not.
    pub nearby: Option<Quantity>,
    /// Share of queries that also need a record of another feature. Default: 0 %.
    pub joins: Option<Quantity>,
    /// What points of presence keep of the answers (pattern caching_and_edge, with `design.edge`). Default: nothing.
    pub edge: Option<RawQueryAtEdge>,
    /// Share of the shards whose answers are enough for a query that asks every shard. Default: 100 %.
    pub needed: Option<Quantity>,
    /// Time by which one query that asks every shard takes longer at each of them, as a heavy one does. Default: none.
    pub common: Option<RawDistribution>,
    /// A second copy of a query to a shard that is slow to answer. Default: none.
    pub hedge: Option<RawHedge>,
    /// How queries use projections (pattern event_sourcing). Default: the first one answers with what it has.
    pub read_model: Option<RawReadModel>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Writes acknowledged by the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCommand {
    /// Writes, as in: `"2/h per user"`.
    pub rate: Quantity,
    /// When commands come at that rate. Default: `Poisson`.
    pub arrivals: Option<RawArrivals>,
    /// Payload of the acknowledgement.
    pub size: Quantity,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}
