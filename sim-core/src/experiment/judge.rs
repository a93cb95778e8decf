//! Whether one load holds: full resources, an unstable tier, refused connections and failed objectives.
//!
//! The objective `breaks_at` is left out: it is what a search is about. An objective without a verdict makes a load
//! inconclusive unless something else fails.

use crate::report::RunReport;

/// How one load went.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// Everything holds.
    Pass,
    /// These limits fail, the one that explains most first.
    Fail(Vec<String>),
    /// Nothing fails, and these objectives have no verdict.
    Inconclusive(Vec<String>),
}

/// Judges a report; limits in `ignored` do not count.
#[must_use]
pub fn judge(report: &RunReport, ignored: &[String]) -> Judgement {
    let counts = |limit: &String| !ignored.contains(limit);
    let failed: Vec<String> = failed_limits(report).into_iter().filter(counts).collect();
    if !failed.is_empty() {
        return Judgement::Fail(failed);
    }
    let open: Vec<String> = report
        .objectives
        .iter()
        .filter(|objective| objective.verdict == "inconclusive" && is_asked(&objective.objective))
        .map(|objective| objective.objective.clone())
        .filter(counts)
        .collect();
    if open.is_empty() {
        Judgement::Pass
    } else {
        Judgement::Inconclusive(open)
    }
}

/// Every limit that a run fails: full resources (the fullest first), an unstable tier, rejected connections, objectives.
#[must_use]
pub fn failed_limits(report: &RunReport) -> Vec<String> {
    let mut full: Vec<(f64, String)> = Vec::new();
    for (tier, state) in &report.tiers {
        for (resource, used) in &state.utilization {
            if used.hottest >= 1.0 {
                full.push((used.hottest, format!("{tier}.{resource}")));
            }
        }
    }
    full.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut limits: Vec<String> = full.into_iter().map(|(_, limit)| limit).collect();
    limits.extend(unstable(report).filter(|limit| !limits.contains(limit)));
    let rejected = report.connections.rejected.iter().filter(|(_, n)| **n > 0);
    limits.extend(rejected.map(|(reason, _)| format!("connections.rejected.{reason}")));
    let failed = report.objectives.iter().filter(|o| o.verdict == "fail");
    limits.extend(
        failed
            .map(|objective| objective.objective.clone())
            .filter(|text| is_asked(text)),
    );
    limits
}

/// The resource of an unstable tier, where the run knows which: a queue grows just before the resource reads 100 %.
fn unstable(report: &RunReport) -> Option<String> {
    let tier = report.stop.strip_prefix("Unstable{")?.strip_suffix('}')?;
    let name = tier.replace(' ', "_");
    let resource = report.bottleneck.as_ref().filter(|b| b.tier == name);
    Some(match resource {
        Some(bottleneck) => format!("{name}.{}", bottleneck.resource),
        None => format!("unstable.{name}"),
    })
}

fn is_asked(objective: &str) -> bool {
    !objective.trim_start().starts_with("breaks_at")
}
