//! Read replicas: copies of the database that follow it.

pub mod raw;

use crate::quantile::Distribution;
use crate::time::SimDuration;

use super::check::Check;
use super::design::{distribution, instances};
use super::limits;
use super::quantity;

use raw::RawReplicas;

const AT: &str = "design.replicas";

/// Read replicas of a design.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replicas {
    /// Copies of each shard in each region.
    pub count: u32,
    /// Time between a write and its arrival, beside the way.
    pub lag: Distribution,
    /// Share of queries that they answer.
    pub reads: f64,
}

/// Checks the replicas of a design.
pub fn replicas(raw: &RawReplicas, check: &mut Check<'_>) -> Replicas {
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let nouns = ["replicas", "replica", "instances"];
    let usual = Distribution::Exponential {
        mean: SimDuration::from_millis(50),
    };
    if raw.lag.is_none() {
        check.default_source(&at("lag"));
    }
    Replicas {
        count: instances(&at("count"), &raw.count, &nouns, check),
        lag: raw.lag.as_ref().map_or(usual, |lag| {
            distribution(lag, &at("lag"), SimDuration::ZERO, limits::LONG, check)
        }),
        reads: check.take_or(&at("reads"), &raw.reads, 1.0, quantity::share),
    }
}
