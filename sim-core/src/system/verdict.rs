//! Objectives held against a report.
//!
//! A number with an interval passes when all of the interval satisfies the limit and fails when none of it does. A latency
//! without one (the run is too short for it) is inconclusive, wherever its value lies: an objective is not decided by luck.
//! What never has an interval (counts, money, utilisation) rests on its value, and so does a story told once, which only says
//! how it went that time. A value that the run cannot give is inconclusive. An unstable system fails every objective but
//! those on money, a dead one (nothing it was asked for is completed) all.

use crate::report::{
    Estimate, FaultReport, LatencyReport, ObjectiveReport, OperationReport, RunReport,
};
use crate::scenario::Objective;
use crate::statistics::{self, CONFIDENCE, Verdict, gate};

/// The verdict on one objective.
#[must_use]
pub fn judge(objective: &Objective, report: &RunReport) -> ObjectiveReport {
    let sampled = report.precision.is_some() && is_latency(&objective.path, report);
    judge_by(objective, number(&objective.path, report), sampled, report)
}

/// The verdict of a run that says nothing.
#[must_use]
pub fn undecided(objective: &Objective) -> ObjectiveReport {
    ObjectiveReport {
        objective: objective.text.clone(),
        verdict: "inconclusive".to_owned(),
        value: None,
        low: None,
        high: None,
    }
}

/// As [`judge`], on a number obtained in another way; a `sampled` one says nothing without an interval.
#[must_use]
pub fn judge_by(
    objective: &Objective,
    estimate: Option<Estimate>,
    sampled: bool,
    report: &RunReport,
) -> ObjectiveReport {
    let unstable = report.stop.starts_with("Unstable");
    let money = objective.path.starts_with("cost.");
    let verdict = match estimate {
        _ if is_dead(report) || (unstable && !money) => Verdict::Fail,
        Some(estimate) if !sampled || estimate.low.is_some() => verdict(objective, &estimate),
        _ => Verdict::Inconclusive,
    };
    let shown = estimate.filter(|_| !unstable || money);
    ObjectiveReport {
        objective: objective.text.clone(),
        verdict: match verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Inconclusive => "inconclusive",
        }
        .to_owned(),
        value: shown.and_then(|estimate| estimate.value),
        low: shown.and_then(|estimate| estimate.low),
        high: shown.and_then(|estimate| estimate.high),
    }
}

fn verdict(objective: &Objective, estimate: &Estimate) -> Verdict {
    let (value, high) = match (estimate.value, estimate.low) {
        (Some(value), _) => (value, estimate.high.unwrap_or(value)),
        // At least so much, without an upper bound.
        (None, Some(low)) => (low, f64::INFINITY),
        (None, None) => return Verdict::Inconclusive,
    };
    let interval = statistics::Estimate {
        value,
        low: estimate.low.unwrap_or(value),
        high,
        confidence: CONFIDENCE,
        units: 1,
    };
    gate(&interval, objective.comparison, objective.limit)
}

/// Whether nothing is completed of what is asked for.
fn is_dead(report: &RunReport) -> bool {
    let mut asked = report
        .operations
        .values()
        .filter(|operation| operation.offered_per_s > 0.0);
    let dead =
        |operation: &OperationReport| operation.completed_per_s == 0.0 && operation.received == 0;
    report.simulated_s > 0.0 && asked.clone().next().is_some() && asked.all(dead)
}

/// Whether a path names a statistic of latencies.
#[must_use]
pub fn is_latency(path: &str, report: &RunReport) -> bool {
    let steps: Vec<&str> = path.split('.').collect();
    let [operation, kind, _] = steps.as_slice() else {
        return false;
    };
    // What is measured beside the operations has no interval: it rests on its value.
    if !matches!(*kind, "delivered" | "complete" | "answered") {
        return false;
    }
    let found = report.operations.get(*operation);
    found.is_some_and(|found| found.latency_ms.contains_key(*kind))
}

/// The number at a path of the report.
#[must_use]
pub fn number(path: &str, report: &RunReport) -> Option<Estimate> {
    let steps: Vec<&str> = path.split('.').collect();
    match steps.as_slice() {
        ["breaks_at"] => return Some(report.breaks_at.as_ref()?.users),
        ["faults", which, "time_to_recover_s"] => {
            let fault = fault(which, report)?;
            return Some(match fault.time_to_recover_s {
                Some(took) => Estimate::point(took),
                // What was not over by the end of the run takes longer than that.
                None => Estimate::at_least(fault.watched_s),
            });
        }
        [operation, kind, statistic] => {
            let found = report.operations.get(*operation);
            if let Some(latency) = found.and_then(|found| found.latency_ms.get(*kind)) {
                return latency_value(latency, statistic);
            }
        }
        _ => {}
    }
    value(path, report).map(Estimate::point)
}

fn value(path: &str, report: &RunReport) -> Option<f64> {
    let steps: Vec<&str> = path.split('.').collect();
    match steps.as_slice() {
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
        ["tiers", tier, "append_ms", statistic] => {
            let append = report.tiers.get(*tier)?.append_ms.as_ref()?;
            latency_value(append, statistic)?.value
        }
        ["tiers", tier, "lag_ms", which] => {
            let lag = report.tiers.get(*tier)?.lag_ms?;
            Some(if *which == "mean" { lag.mean } else { lag.max })
        }
        ["tiers", tier, "counters", name] => {
            let count = report.tiers.get(*tier)?.counters.get(*name)?;
            Some(*count as f64)
        }
        ["tiers", tier, "queue", which] => {
            let queue = report.tiers.get(*tier)?.queue;
            Some(if *which == "mean" {
                queue.mean
            } else {
                queue.max as f64
            })
        }
        ["tiers", tier, "hit_ratio"] => report.tiers.get(*tier)?.hit_ratio,
        ["tiers", tier, "origin_offload"] => report.tiers.get(*tier)?.origin_offload,
        ["tiers", tier, "cross_shard_ratio"] => report.tiers.get(*tier)?.cross_shard_ratio,
        ["tiers", tier, "hot_shard_ratio"] => report.tiers.get(*tier)?.hot_shard_ratio,
        ["tiers", tier, "writes_lost"] => Some(report.tiers.get(*tier)?.writes_lost? as f64),
        ["tiers", tier, "dropped"] => Some(report.tiers.get(*tier)?.dropped as f64),
        ["faults", which, rest @ ..] => fault_value(fault(which, report)?, rest),
        [operation, rest @ ..] => operation_value(report.operations.get(*operation)?, rest),
        [] => None,
    }
}

/// The fault with a number, or the only one of a kind.
fn fault<'a>(which: &str, report: &'a RunReport) -> Option<&'a FaultReport> {
    let number = which.parse::<u32>().ok();
    let mut faults = report.faults.iter();
    match number {
        Some(number) => faults.find(|fault| fault.number == number),
        None => faults.find(|fault| fault.kind == which),
    }
}

fn fault_value(fault: &FaultReport, rest: &[&str]) -> Option<f64> {
    let lost = &fault.lost;
    match rest {
        ["time_to_detect_s"] => fault.time_to_detect_s,
        ["time_to_fail_over_s"] => fault.time_to_fail_over_s,
        ["time_to_recover_s"] => fault.time_to_recover_s,
        ["lost", "deliveries"] => Some(lost.deliveries as f64),
        ["lost", "failed"] => Some(lost.failed as f64),
        ["lost", "timed_out"] => Some(lost.timed_out as f64),
        ["lost", "reconnects"] => Some(lost.reconnects as f64),
        ["lost", "reconnects_usual"] => Some(lost.reconnects_usual as f64),
        _ => None,
    }
}

fn operation_value(operation: &OperationReport, rest: &[&str]) -> Option<f64> {
    match rest {
        ["stale_ratio"] => Some(operation.stale_ratio),
        ["offered_per_s"] => Some(operation.offered_per_s),
        ["completed_per_s"] => Some(operation.completed_per_s),
        ["deliveries_per_s"] => Some(operation.deliveries_per_s),
        ["conflicting"] => operation.conflicting.map(|count| count as f64),
        ["diverged"] => operation.diverged.map(|count| count as f64),
        ["lost_edits"] => operation.lost_edits.map(|count| count as f64),
        ["lost_updates"] => operation.lost_updates.map(|count| count as f64),
        ["transforms_per_s"] => operation.transforms_per_s,
        ["frames_per_s"] => operation.frames_per_s,
        ["lost"] => Some(operation.lost as f64),
        ["duplicated"] => Some(operation.duplicated as f64),
        ["reordered"] => Some(operation.reordered as f64),
        ["failed"] => Some(operation.failed as f64),
        ["timed_out"] => Some(operation.timed_out as f64),
        ["retried"] => Some(operation.retried as f64),
        ["behind_ms"] => operation.behind_ms,
        ["rejected"] => operation.rejected.map(|count| count as f64),
        ["oversold"] => operation.oversold.map(|count| count as f64),
        ["partially_committed"] => operation.partially_committed.map(|count| count as f64),
        ["conversion"] => operation.conversion,
        ["deadline_miss_ratio"] => operation.deadline_miss_ratio,
        ["sequence_gaps"] => operation.sequence_gaps.map(|count| count as f64),
        ["withheld"] => operation.withheld.map(|count| count as f64),
        ["sent_to_switched_off"] => operation.sent_to_switched_off.map(|count| count as f64),
        [class, "delivered_ratio"] => operation.classes.get(*class)?.delivered_ratio,
        [class, "shed_ratio"] => operation.classes.get(*class)?.shed_ratio,
        _ => None,
    }
}

fn latency_value(latency: &LatencyReport, statistic: &str) -> Option<Estimate> {
    match statistic {
        "mean" => Some(latency.mean),
        "p50" => Some(latency.p50),
        "p95" => Some(latency.p95),
        "p99" => Some(latency.p99),
        "p999" => Some(latency.p999),
        _ => None,
    }
}
