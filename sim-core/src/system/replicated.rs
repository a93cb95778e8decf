//! One report of several replications of a story that ends.
//!
//! Each replication tells the same story to the same population with other draws; the numbers of interest are means over
//! replications with Student's t intervals. Counts, tiers and series are those of the first replication. An objective on a
//! count passes as one on a latency does, by its interval, and is undecided while there are too few replications for one
//! and they differ; one that says "==" passes only if it holds in every replication.

use super::verdict::{is_latency, judge_by, number};
use crate::report::{Estimate, LatencyReport, PrecisionReport, RunReport};
use crate::scenario::{Comparison, Scenario};
use crate::statistics::{Unsupported, replicated as interval};

/// Merges reports of the same scenario, which differ in their seeds only; `None` without any.
#[must_use]
pub fn replicated(
    scenario: &Scenario,
    reports: &[RunReport],
    confidence: f64,
) -> Option<RunReport> {
    let mut merged = reports.first()?.clone();
    let mut notes = Vec::new();
    for (name, operation) in &mut merged.operations {
        for (kind, latency) in &mut operation.latency_ms {
            let find = |report: &RunReport| {
                let operation = report.operations.get(name)?;
                operation.latency_ms.get(kind).cloned()
            };
            let all: Vec<Option<LatencyReport>> = reports.iter().map(find).collect();
            let over = |read: &dyn Fn(&LatencyReport) -> Estimate| {
                let values = all.iter().map(|one| read(one.as_ref()?).value).collect();
                estimate(values, confidence)
            };
            latency.mean = over(&|one| one.mean);
            latency.p50 = over(&|one| one.p50);
            latency.p95 = over(&|one| one.p95);
            latency.p99 = over(&|one| one.p99);
            latency.p999 = over(&|one| one.p999);
        }
    }
    merged.objectives = scenario
        .objectives
        .iter()
        .map(|objective| {
            let values: Vec<Option<f64>> = reports
                .iter()
                .map(|report| number(&objective.path, report)?.value)
                .collect();
            let least = at_least(&objective.path, reports);
            if let Some(low) = least {
                return judge_by(objective, Some(Estimate::at_least(low)), false, &merged);
            }
            let every = |limit: f64| values.iter().all(|value| *value == Some(limit));
            let differ = values.iter().any(|value| *value != values[0]);
            let sampled = objective.comparison != Comparison::Equal
                && (differ || is_latency(&objective.path, &merged));
            let estimate = match objective.comparison {
                Comparison::Equal if every(objective.limit) => Estimate::point(objective.limit),
                Comparison::Equal => worst(&values, objective.limit),
                _ => estimate(values, confidence),
            };
            judge_by(objective, Some(estimate), sampled, &merged)
        })
        .collect();
    if reports.len() > 1 {
        notes.push(format!(
            "counts, tiers and series are those of the first of {} replications (seed {})",
            reports.len(),
            merged.seed
        ));
    }
    if let Err(refusal) = interval(&vec![0.0; reports.len()], confidence) {
        notes.push(refusal.to_string());
    }
    merged.precision = Some(PrecisionReport {
        method: "replications".to_owned(),
        confidence,
        units: reports.len() as u32,
        asked: None,
        of: None,
        reached: None,
        looks: 1,
        cut_s: 0.0,
        notes,
    });
    for report in &reports[1..] {
        merged.engine.events += report.engine.events;
        merged.engine.deliveries += report.engine.deliveries;
        merged.engine.cpu_s += report.engine.cpu_s;
        merged.engine.setup_cpu_s += report.engine.setup_cpu_s;
        for warning in &report.warnings {
            if !merged.warnings.contains(warning) {
                merged.warnings.push(warning.clone());
            }
        }
    }
    Some(merged)
}

/// The least bound of a number that no replication could give; `None`: one could, or one has no bound.
fn at_least(path: &str, reports: &[RunReport]) -> Option<f64> {
    let bounds: Option<Vec<f64>> = reports
        .iter()
        .map(|report| {
            let number = number(path, report)?;
            number.low.filter(|_| number.value.is_none())
        })
        .collect();
    bounds?.into_iter().reduce(f64::min)
}

/// The mean of all values with its interval; without interval when there are too few, nothing when one is missing.
fn estimate(values: Vec<Option<f64>>, confidence: f64) -> Estimate {
    let Some(values) = values.into_iter().collect::<Option<Vec<f64>>>() else {
        return Estimate::none();
    };
    match interval(&values, confidence) {
        Ok(found) => Estimate {
            value: Some(found.value),
            low: Some(found.low),
            high: Some(found.high),
        },
        Err(Unsupported::TooFewReplications { .. }) => values
            .first()
            .map_or(Estimate::none(), |&value| Estimate::point(value)),
        Err(_) => Estimate::none(),
    }
}

/// The value farthest from what it should equal.
fn worst(values: &[Option<f64>], limit: f64) -> Estimate {
    let farthest = values
        .iter()
        .flatten()
        .max_by(|a, b| (*a - limit).abs().total_cmp(&(*b - limit).abs()));
    farthest.map_or(Estimate::none(), |&value| Estimate::point(value))
}
