//! Objectives held against a report.
//!
//! Without intervals a verdict rests on the point estimate; a value the run cannot give is inconclusive; an unstable system
//! fails every objective on its latency and its load.

use crate::report::{LatencyReport, ObjectiveReport, OperationReport, RunReport};
use crate::scenario::{Comparison, Objective};

/// The verdict on one objective.
#[must_use]
pub fn judge(objective: &Objective, report: &RunReport, unstable: bool) -> ObjectiveReport {
    let estimate = value(&objective.path, report);
    let cost = objective.path.starts_with("cost.");
    let verdict = match estimate {
        _ if unstable && !cost => "fail",
        Some(value) if holds(objective.comparison, value, objective.limit) => "pass",
        Some(_) => "fail",
        None => "inconclusive",
    };
    ObjectiveReport {
        objective: objective.text.clone(),
        verdict: verdict.to_owned(),
        value: estimate.filter(|_| !unstable || cost),
        low: None,
        high: None,
    }
}

fn holds(comparison: Comparison, value: f64, limit: f64) -> bool {
    match comparison {
        Comparison::Less => value < limit,
        Comparison::AtMost => value <= limit,
        Comparison::Greater => value > limit,
        Comparison::AtLeast => value >= limit,
        Comparison::Equal => value == limit,
    }
}

/// The number at a path of the report.
fn value(path: &str, report: &RunReport) -> Option<f64> {
    let steps: Vec<&str> = path.split('.').collect();
    match steps.as_slice() {
        ["breaks_at"] => report.breaks_at.as_ref()?.users.value,
        ["cost", item] => {
            let cost = report.cost.as_ref()?;
            match *item {
                "usd_per_month" => Some(cost.usd_per_month),
                "usd_per_million_messages" => Some(cost.usd_per_million_messages),
                "usd_per_user_month" => Some(cost.usd_per_user_month),
                _ => None,
            }
        }
        ["connections", item] => {
            let connections = &report.connections;
            match *item {
                "open" => Some(connections.open as f64),
                "wanted" => Some(connections.wanted as f64),
                "rejected" => Some(connections.rejected.values().sum::<u64>() as f64),
                "reconnects" => Some(connections.reconnects as f64),
                "attempts" => Some(connections.attempts as f64),
                "resumed" => Some(connections.resumed as f64),
                "resync_bytes" => Some(connections.resync_bytes as f64),
                _ => None,
            }
        }
        ["tiers", tier, "utilization", resource, which] => {
            let utilization = report.tiers.get(*tier)?.utilization.get(*resource)?;
            Some(if *which == "hottest" {
                utilization.hottest
            } else {
                utilization.mean
            })
        }
        ["tiers", tier, "queue", which] => {
            let queue = report.tiers.get(*tier)?.queue;
            Some(if *which == "mean" {
                queue.mean
            } else {
                queue.max as f64
            })
        }
        ["tiers", tier, "dropped"] => Some(report.tiers.get(*tier)?.dropped as f64),
        [operation, rest @ ..] => operation_value(report.operations.get(*operation)?, rest),
        [] => None,
    }
}

fn operation_value(operation: &OperationReport, rest: &[&str]) -> Option<f64> {
    match rest {
        [kind, statistic] => latency_value(operation.latency_ms.get(*kind)?, statistic),
        ["stale_ratio"] => Some(operation.stale_ratio),
        ["offered_per_s"] => Some(operation.offered_per_s),
        ["completed_per_s"] => Some(operation.completed_per_s),
        ["deliveries_per_s"] => Some(operation.deliveries_per_s),
        ["lost"] => Some(operation.lost as f64),
        ["duplicated"] => Some(operation.duplicated as f64),
        ["reordered"] => Some(operation.reordered as f64),
        ["failed"] => Some(operation.failed as f64),
        ["timed_out"] => Some(operation.timed_out as f64),
        ["retried"] => Some(operation.retried as f64),
        _ => None,
    }
}

fn latency_value(latency: &LatencyReport, statistic: &str) -> Option<f64> {
    match statistic {
        "mean" => latency.mean.value,
        "p50" => latency.p50.value,
        "p95" => latency.p95.value,
        "p99" => latency.p99.value,
        "p999" => latency.p999.value,
        _ => None,
    }
}
