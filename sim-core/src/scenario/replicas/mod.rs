//! Read replicas: copies of the database that follow it.

pub mod raw;

use crate::quantile::Distribution;
use crate::time::SimDuration;

use super::asking::Asking;
use super::check::Check;
use super::design::{distribution, instances};
use super::error::Problem;
use super::limits;
use super::model::Design;
use super::quantity;
use super::raw::Quantity;

use raw::{RawFailover, RawReplicas};

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
    /// How one takes over from a primary that dies; `None`: none does.
    pub failover: Option<Failover>,
}

/// How a replica takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failover {
    /// Time after which a death is known.
    pub detect: SimDuration,
    /// Time from then on.
    pub promote: SimDuration,
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
        failover: raw.failover.as_ref().map(|raw| failover(raw, check)),
    }
}

fn failover(raw: &RawFailover, check: &mut Check<'_>) -> Failover {
    const AT: &str = "design.replicas.failover";
    check.sources(AT, &raw.source, &raw.sources);
    let mut take = |field: &str, given: &Option<Quantity>, default: u64| {
        let default = SimDuration::from_secs(default);
        check.take_or(&format!("{AT}.{field}"), given, default, |q| {
            quantity::duration(q, SimDuration::ZERO, limits::LONG)
        })
    };
    Failover {
        detect: take("detect", &raw.detect, 10),
        promote: take("promote", &raw.promote, 20),
    }
}

/// Checks that replicas take over only where nobody watches the single steps of the database.
pub fn check_failover(design: &Design, asking: &Asking, check: &mut Check<'_>) {
    let replicas = design.replicas.as_ref();
    if asking.is_watched() && replicas.is_some_and(|replicas| replicas.failover.is_some()) {
        let problem = Problem::new(
            "a replica that takes over is not simulated together with retries, hedges or overload",
        );
        let help = "leave out design.database.callers, design.database.overload and traffic.query.hedge, or this";
        check.problem("design.replicas.failover", problem.help(help));
    }
}
