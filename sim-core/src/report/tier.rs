//! How busy a tier was, and what it counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::LatencyReport;

/// One tier's state over the measured time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TierReport {
    /// Position on the path, from 0.
    pub order: u32,
    /// Instances.
    pub instances: u32,
    /// By resource: `cpu`, `memory`, `connections`, `descriptors`, `bandwidth`, `pool`.
    pub utilization: BTreeMap<String, Utilization>,
    /// Work waiting.
    pub queue: QueueReport,
    /// Work refused.
    pub dropped: u64,
    /// Named counters.
    pub counters: BTreeMap<String, u64>,
    /// Lookups that a cache answered, of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hit_ratio: Option<f64>,
    /// Of a cache in each region: the same by region.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hit_ratio_by_region: BTreeMap<String, f64>,
    /// Of points of presence: share of the bytes to clients that neither origin nor connection servers had to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_offload: Option<f64>,
    /// Of read replicas: time between a write and the moment it is visible at one. Of projections: between its commit and that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<LagReport>,
    /// Of a database that a replica takes over: acknowledged writes that it did not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes_lost: Option<u64>,
    /// Of a database whose shards are not by plain records or users: questions to the most asked shard, by the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hot_shard_ratio: Option<f64>,
    /// Of the same: share of the questions that more than one shard was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_shard_ratio: Option<f64>,
    /// More shards while it worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resharding: Option<ReshardingReport>,
    /// Of an event log: time from a decision until it is known that its event is committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub append_ms: Option<LatencyReport>,
    /// Of an event log: events of the fullest partition, by the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_skew: Option<f64>,
    /// Of projections: each by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, ProjectionReport>,
}

/// One projection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProjectionReport {
    /// Events committed and not visible at the end.
    pub lag_events: u64,
    /// Age of the oldest of them, milliseconds.
    pub oldest_ms: f64,
    /// Time from commit until an event is visible.
    pub lag_ms: Option<LagReport>,
    /// The same as a distribution.
    pub lags_ms: Option<LatencyReport>,
    /// Events read, those that do not concern it and repetitions included.
    pub events_read: u64,
    /// Events that concern it and became visible.
    pub events_applied: u64,
    /// Events put in again after crashes.
    pub repeated: u64,
    /// Longest time from taking over a partition until all was visible again that had been.
    pub recovery_s: Option<f64>,
}

/// How far replicas are behind, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LagReport {
    /// Mean over writes and replicas.
    pub mean: f64,
    /// Longest.
    pub max: f64,
}

/// How more shards were brought in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReshardingReport {
    /// Share of the keys that the plan moves.
    pub moved_keys: f64,
    /// Share of the keys that it moves from one old shard to another.
    pub moved_between_old_shards: f64,
    /// Moves of the plan.
    pub moves: u64,
    /// Batches copied.
    pub batches: u64,
    /// From the begin to the last cut-over; `None`: not over by the end of the run.
    pub migration_s: Option<f64>,
}

/// How full one resource is, 0..=1 and above when more is asked than there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Utilization {
    /// Of the fullest instance.
    pub hottest: f64,
    /// Mean over instances.
    pub mean: f64,
    /// Number of the fullest instance.
    pub instance: u32,
}

/// Queue lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueReport {
    /// Time average over instances.
    pub mean: f64,
    /// Longest seen at any instance.
    pub max: u64,
}
