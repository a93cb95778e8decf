//! What a report's figures must agree on: flow balance, Little's law, and the quick estimate.
//!
//! Flow: every operation started has ended or is under way; every delivery owed is received, lost or under way. Little: where
//! one operation alone uses the database (queries), the mean queue is its rate times its mean wait, as the breakdown has it.
//! Quick estimate: a warning where it is off by more than 10 % *and* outside the 99 % interval, which is the printed 95 % one
//! widened by 2.576 / 1.960; percentiles without an interval are not compared, utilisations (which have none) by the 10 %.
//!
//! Left out: intervals from few batches, whose 99 % interval is wider still.

use super::placement::value;
use crate::report::{LatencyReport, OperationReport, RunReport};

/// z(99.5 %) / z(97.5 %).
const WIDER: f64 = 2.575_829_3 / 1.959_964;
/// Relative difference that is worth a warning.
const TOLERATED: f64 = 0.10;
/// Below this share of a resource nobody minds.
const IDLE: f64 = 0.05;
/// Operations behind a utilisation worth comparing.
const ENOUGH: f64 = 5_000.0;
/// Relative imbalance beyond which accounts are wrong.
const IMBALANCE: f64 = 0.01;

/// Sentences for `warnings`: what in a report contradicts itself or the quick estimate. None is the rule.
#[must_use]
pub fn audit(report: &RunReport) -> Vec<String> {
    if report.stop.starts_with("Unstable") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (name, operation) in &report.operations {
        found.extend(flow(name, operation, report.simulated_s));
    }
    found.extend(little(report));
    found.extend(latencies(report));
    found.extend(utilizations(report));
    found
}

/// Deliveries owed = received + in flight + lost; received = rate · time.
fn flow(name: &str, operation: &OperationReport, seconds: f64) -> Vec<String> {
    let mut found = Vec::new();
    let accounted = operation.received + operation.in_flight + operation.lost;
    if operation.received > 0 && accounted < operation.owed {
        found.push(format!(
            "flow balance: {} deliveries of {name} were owed, {accounted} are accounted for",
            operation.owed
        ));
    }
    let by_rate = operation.deliveries_per_s * seconds;
    let received = operation.received as f64;
    if operation.received > 0 && (by_rate - received).abs() > IMBALANCE * received + 1.0 {
        found.push(format!(
            "flow balance: {name} received {received} times, but {by_rate:.0} by its rate"
        ));
    }
    let ended =
        operation.completed_per_s * seconds + (operation.failed + operation.timed_out) as f64;
    let offered = operation.offered_per_s * seconds;
    if ended > offered * (1.0 + IMBALANCE) + 1.0 {
        found.push(format!(
            "flow balance: {ended:.0} operations of {name} ended, {offered:.0} were started"
        ));
    }
    found
}

/// Little's law at the database, where queries alone use it.
fn little(report: &RunReport) -> Option<String> {
    let database = report.tiers.get("database")?;
    let query = report.operations.get("query")?;
    let shared = report.operations.iter().any(|(name, operation)| {
        let uses = |row: &crate::report::BreakdownRow| row.tier == "database";
        name != "query" && operation.breakdown.iter().any(uses)
    });
    let failed = query.failed + query.timed_out;
    if shared || failed > 0 || query.completed_per_s * report.simulated_s < ENOUGH {
        return None;
    }
    let wait_ms: f64 = query
        .breakdown
        .iter()
        .filter(|row| row.tier == "database" && row.cause == "queue")
        .map(|row| row.mean_ms)
        .sum();
    let expected = query.offered_per_s * wait_ms / 1e3;
    let measured = database.queue.mean;
    // A queue under way at either end belongs to one side only.
    let slack = 0.05 * expected.max(measured) + 0.5;
    ((expected - measured).abs() > slack).then(|| {
        format!(
            "Little's law: {measured:.2} queries wait at the database on average, {expected:.2} by rate times wait"
        )
    })
}

fn latencies(report: &RunReport) -> Vec<String> {
    let mut found = Vec::new();
    for (name, operation) in &report.operations {
        for (kind, latency) in &operation.latency_ms {
            for (statistic, estimate) in percentiles(latency) {
                let path = format!("{name}.{kind}.{statistic}");
                let (Some(quick), Some(simulated)) = (value(report, &path), estimate.value) else {
                    continue;
                };
                let (Some(low), Some(high)) = (estimate.low, estimate.high) else {
                    continue;
                };
                let below = simulated - (simulated - low) * WIDER;
                let above = simulated + (high - simulated) * WIDER;
                if off(quick, simulated) && !(below..=above).contains(&quick) {
                    found.push(format!(
                        "the quick estimate of {path} is {quick:.1} ms, the simulation says {simulated:.1} ms: an assumption of the estimate does not hold here"
                    ));
                }
            }
        }
    }
    found
}

fn percentiles(latency: &LatencyReport) -> [(&'static str, crate::report::Estimate); 4] {
    [
        ("mean", latency.mean),
        ("p50", latency.p50),
        ("p95", latency.p95),
        ("p99", latency.p99),
    ]
}

fn utilizations(report: &RunReport) -> Vec<String> {
    let started: f64 = report.operations.values().map(|o| o.offered_per_s).sum();
    if started * report.simulated_s < ENOUGH {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (tier, state) in &report.tiers {
        for (resource, used) in &state.utilization {
            let path = format!("{tier}.{resource}.mean");
            let Some(quick) = value(report, &path) else {
                continue;
            };
            let relevant = quick.max(used.mean) > IDLE;
            if relevant && off(quick, used.mean) {
                found.push(format!(
                    "the quick estimate of {tier}.{resource} is {:.1} % on average, the simulation says {:.1} %",
                    quick * 100.0,
                    used.mean * 100.0
                ));
            }
        }
    }
    found
}

fn off(quick: f64, simulated: f64) -> bool {
    (quick - simulated).abs() > TOLERATED * simulated.abs()
}
