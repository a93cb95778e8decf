//! Read replicas, as written.

use serde::Deserialize;

use crate::scenario::model::Source;
use crate::scenario::raw::{Quantity, RawDistribution, Sources};

/// Copies of the database that follow it and answer queries.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawReplicas {
    /// Copies of each shard in each region.
    pub count: Quantity,
    /// Time between a write and its arrival at a replica, beside the way there. Default: exponential with a mean of 50 ms.
    pub lag: Option<RawDistribution>,
    /// Share of the queries for one record that replicas answer, of those that no cache has. Default: 100 %.
    pub reads: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}
