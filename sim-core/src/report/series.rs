//! What is reported over time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The measured time in equal steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeriesReport {
    /// Start of the first step, simulated seconds.
    pub start_s: f64,
    /// Length of a step, seconds.
    pub step_s: f64,
    /// By operation name.
    pub operations: BTreeMap<String, OperationSeries>,
    /// By tier name.
    pub tiers: BTreeMap<String, TierSeries>,
    /// Open connections at the end of each step.
    pub connections_open: Vec<u64>,
}

/// One operation over time, by the step in which it was started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationSeries {
    /// Started per second.
    pub offered_per_s: Vec<f64>,
    /// Copies received, or answers, per second.
    pub deliveries_per_s: Vec<f64>,
    /// Mean latency; `None` in a step without any.
    pub mean_ms: Vec<Option<f64>>,
    /// Median.
    pub p50_ms: Vec<Option<f64>>,
    /// 99th percentile.
    pub p99_ms: Vec<Option<f64>>,
}

/// One tier over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TierSeries {
    /// Mean share of CPU in use, 0..=1.
    pub cpu: Vec<f64>,
    /// Work waiting at the end of the step, all instances.
    pub queue: Vec<f64>,
    /// Lookups that a cache answered, of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hit_ratio: Vec<Option<f64>>,
    /// Of projections, by name: age of the oldest event that is committed and not visible, at the end of the step, milliseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lag_ms: BTreeMap<String, Vec<f64>>,
    /// Of the same: how many events that are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lag_events: BTreeMap<String, Vec<u64>>,
}
