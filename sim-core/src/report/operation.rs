//! What became of the operations of one kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Estimate;

/// One operation's outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationReport {
    /// Started per simulated second.
    pub offered_per_s: f64,
    /// Finished per simulated second.
    pub completed_per_s: f64,
    /// Copies received by clients per simulated second.
    pub deliveries_per_s: f64,
    /// Deliveries owed.
    pub owed: u64,
    /// Deliveries received.
    pub received: u64,
    /// Deliveries on their way when the run ended.
    pub in_flight: u64,
    /// Ended in an error.
    pub failed: u64,
    /// Ended by a timeout.
    pub timed_out: u64,
    /// Attempts after the first.
    pub retried: u64,
    /// Owed, not received and not in flight.
    pub lost: u64,
    /// Received more than once.
    pub duplicated: u64,
    /// Received out of channel order.
    pub reordered: u64,
    /// Share of answers that had been superseded when they were given, 0..=1.
    pub stale_ratio: f64,
    /// How long ago, for those that had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_ms: Option<LatencyReport>,
    /// By kind: `delivered`, `complete`, `answered`; of orders also `market_data`, of purchases `stockout_visible`, of notifications each provider and priority, as in `push_high`.
    pub latency_ms: BTreeMap<String, LatencyReport>,
    /// `delivered` (or `answered`) by region.
    pub by_region: BTreeMap<String, LatencyReport>,
    /// `delivered` (or `answered`) by access network.
    pub by_access: BTreeMap<String, LatencyReport>,
    /// Where the time goes.
    pub breakdown: Vec<BreakdownRow>,
    /// Of edits: ordered after one by somebody else that their author had not seen. Of commands to a database in every region: writes that
    /// lost against one that had not seen them. Of commands that are decided on a version: decisions that came too late, because the
    /// record had changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflicting: Option<u64>,
    /// Of edits: documents with a copy that was not what it should have been. Of such commands: records that do not read the same
    /// everywhere once all that is under way has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<u64>,
    /// Of edits: those whose effect is in no copy, although nobody deleted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_edits: Option<u64>,
    /// Of commands to a database in every region: updates acknowledged that are in no record in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_updates: Option<u64>,
    /// Of edits: steps of transformation per simulated second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transforms_per_s: Option<f64>,
    /// Of edits: what editors received per simulated second, each with one edit or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames_per_s: Option<f64>,
    /// Of queries to a projection: how far behind the log it was when they asked, as lacking events over their rate, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_ms: Option<f64>,
    /// Of purchases: told that nothing is left; of orders: cancellations and modifications of what no longer rested; of what becomes
    /// events: refused because it waited too long for a place at the command side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
    /// Of purchases: units sold beyond what there was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oversold: Option<u64>,
    /// Of purchases of several articles: those that are over, with some of their articles and not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partially_committed: Option<u64>,
    /// Of purchases: share that got what they asked for, 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversion: Option<f64>,
    /// Of orders: share that failed or was acknowledged too late, 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_miss_ratio: Option<f64>,
    /// Of orders: sequence numbers that a listener missed, saw again or saw late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_gaps: Option<u64>,
    /// Of notifications: not told on purpose, as the user wants it or because it was told lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<u64>,
    /// Of notifications: handed over for a channel that the user has switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_to_switched_off: Option<u64>,
    /// Of notifications by priority: `high`, `medium`, `low`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, ClassReport>,
}

/// What became of the notifications of one priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// Wanted by their users and not told before.
    pub offered: u64,
    /// Told.
    pub delivered: u64,
    /// Dropped from a full queue.
    pub shed: u64,
    /// Told, of those that are over, 0..=1.
    pub delivered_ratio: Option<f64>,
    /// Dropped, of those that are over, 0..=1.
    pub shed_ratio: Option<f64>,
}

/// A latency distribution, milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyReport {
    /// Observations.
    pub count: u64,
    /// Mean.
    pub mean: Estimate,
    /// Median.
    pub p50: Estimate,
    /// 95th percentile.
    pub p95: Estimate,
    /// 99th percentile.
    pub p99: Estimate,
    /// 99.9th percentile.
    pub p999: Estimate,
    /// Largest.
    pub max: f64,
    /// Upper bucket bound and count, non-empty buckets only; empty in the by-region and by-access tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<(f64, u64)>,
}

/// Time spent at one tier for one cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BreakdownRow {
    /// Tier name, `network` or `client`.
    pub tier: String,
    /// `queue`, `service`, `network`, `pause`, `fan-out`, `order`.
    pub cause: String,
    /// Contribution to the mean, milliseconds.
    pub mean_ms: f64,
    /// Share of the time of the slowest 1 %, 0..=1.
    pub share_of_p99: f64,
}
