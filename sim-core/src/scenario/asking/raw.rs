//! What callers and shards do when answers are slow, as written.

use serde::Deserialize;

use crate::scenario::model::Source;
use crate::scenario::raw::{Quantity, Sources, Switch};

/// How connection servers ask the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCallers {
    /// How long a caller waits for one attempt. Default: for ever.
    pub timeout: Option<Quantity>,
    /// Attempts at most, the first included. Default: 1.
    pub attempts: Option<Quantity>,
    /// The wait before each attempt but the first. Default: `Immediate`.
    pub backoff: Option<RawBackoff>,
    /// Retries as a share of the questions of one connection server. Default: no limit.
    pub budget: Option<RawBudget>,
    /// Stops asking a shard that keeps failing, then probes. Default: none.
    pub breaker: Option<RawBreaker>,
    /// Asks a shard the more rarely the fewer questions it answers. Default: none.
    pub throttle: Option<RawThrottle>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// The wait before a retry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawBackoff {
    /// None.
    Immediate,
    /// Always the same wait.
    Fixed {
        /// The wait.
        delay: Quantity,
    },
    /// Doubling waits without jitter.
    Exponential {
        /// Half of the first wait.
        base: Quantity,
        /// Longest wait.
        cap: Quantity,
    },
    /// Half of the doubling wait, and up to the other half.
    EqualJitter {
        /// Half of the first wait.
        base: Quantity,
        /// Longest wait.
        cap: Quantity,
    },
    /// Anything up to the doubling wait.
    FullJitter {
        /// Half of the first wait.
        base: Quantity,
        /// Longest wait.
        cap: Quantity,
    },
    /// Anything between the base and three times the wait before.
    DecorrelatedJitter {
        /// Shortest wait.
        base: Quantity,
        /// Longest wait.
        cap: Quantity,
    },
}

/// Retries as a share of the questions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBudget {
    /// Retries per question, in whole percent.
    pub share: Quantity,
    /// Retries that may be saved up. Default: 100.
    pub burst: Option<Quantity>,
}

/// A circuit breaker.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBreaker {
    /// How far back results count. Default: 10 s.
    pub window: Option<Quantity>,
    /// Calls below which it does not open. Default: 20.
    pub calls: Option<Quantity>,
    /// Failures, in whole percent of the calls, at which it opens. Default: 50 %.
    pub failures: Option<Quantity>,
    /// How long it stays open. Default: 5 s.
    pub open: Option<Quantity>,
    /// Probes that must all succeed before it closes. Default: 1.
    pub probes: Option<Quantity>,
}

/// An adaptive throttle: it rejects max(0, (requests − k · accepts) / (requests + 1)) of what it is asked to send.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawThrottle {
    /// Requests per accepted one that are let through. Default: 2.
    pub k: Option<Quantity>,
    /// How far back requests count. Default: 2 min.
    pub window: Option<Quantity>,
}

/// What a shard of the database does with more than it can serve.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOverload {
    /// Queries that may wait; a query that finds so many is refused at once. Default: what `queue` says.
    pub max_queue: Option<Quantity>,
    /// A query that its caller has given up is dropped when its turn comes. Default: `Off`.
    pub drop_dead_work: Option<Switch>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// A second copy of a question whose answer is slow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawHedge {
    /// How long the first copy has to itself.
    pub after: Quantity,
    /// Where the second copy goes. Default: `Same`.
    pub to: Option<RawHedgeTo>,
    /// The copy that begins to be served takes the other one out of its queue. Default: `Off`.
    pub tied: Option<Switch>,
}

/// Where the second copy of a question goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawHedgeTo {
    /// To the same shard, over another connection of its pool.
    Same,
    /// To the shard after it, which holds a copy of its records.
    NextShard,
}

/// Shards that are always slower than the others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSlowShards {
    /// How many, of all shards.
    pub share: Quantity,
    /// How many times as long they take for a query.
    pub factor: Quantity,
}

/// Queries and commands that take another time than all others: they meet a pause, a cold page, a background job.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOutliers {
    /// How many, of all.
    pub share: Quantity,
    /// How long they hold a connection.
    pub takes: Quantity,
}
