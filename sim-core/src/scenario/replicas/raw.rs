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
    /// One takes over from a primary that dies: the one that has heard most in the nearest region. Default: none does.
    pub failover: Option<RawFailover>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// A replica takes over from a primary that dies.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFailover {
    /// Time after which the death is known. Default: 10 s.
    pub detect: Option<Quantity>,
    /// Time from then until the replica is the primary. Default: 20 s.
    pub promote: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}
