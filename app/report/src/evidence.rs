//! Published scale tests beside predictions.
//!
//! The cases are a table (`assets/evidence/`): system, preset, metric, published value, tolerance. A preset's run answers each
//! metric. Parameters are fitted on the cases marked `fitted` alone; a case marked `predicted` is scored by its mean
//! |ln(predicted / published)| over mean and percentiles, against the null model that copies the fitted case before it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sim_core::report::{LatencyReport, RunReport};

use crate::numbers::millis;
use crate::table::{Table, paragraph};

const TABLE: &str = include_str!("../../../assets/evidence/kafkorama.tsv");

/// The parameters fitted on K1 and K2 together; everything else is published or assumed beforehand.
const FITTED: [&str; 4] = [
    "broker linger 1.7-2.7 ms (the median)",
    "22.8 us of CPU per delivery (the CPU of K2)",
    "a short pause every 300 ms on average (p93.75 to p98.4)",
    "that lasts 6 ms on average (p93.75 to p98.4)",
];

/// One published test.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// `K1`
    pub name: String,
    /// The preset that simulates it.
    pub preset: String,
    /// Whether parameters were fitted on it.
    pub fitted: bool,
    /// What was published.
    pub rows: Vec<Row>,
}

/// One published figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// `mean`, `p99.609`, `max`, `cpu`, `delivered_per_s`.
    pub metric: String,
    /// The published value, in the metric's unit (ms, share of cores, 1/s).
    pub published: f64,
    /// How far off a prediction may be.
    pub tolerance: Tolerance,
}

/// How a prediction is held against a published figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// A share of the published value.
    Relative(f64),
    /// Milliseconds.
    Millis(f64),
    /// At most the published value.
    AtMost,
    /// Shown, not judged.
    Informative,
}

impl Tolerance {
    /// Whether a prediction is close enough; `None`: not judged.
    #[must_use]
    pub fn holds(self, published: f64, predicted: f64) -> Option<bool> {
        match self {
            Tolerance::Relative(share) => Some((predicted / published - 1.0).abs() <= share),
            Tolerance::Millis(ms) => Some((predicted - published).abs() <= ms),
            Tolerance::AtMost => Some(predicted <= published),
            Tolerance::Informative => None,
        }
    }
}

/// All published cases.
///
/// # Panics
/// If the embedded table does not parse; a test reads it.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let rows = TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .filter(|line| !line.is_empty());
    for line in rows {
        let cells: Vec<&str> = line.split('\t').collect();
        let [name, preset, role, metric, value, _unit, tolerance] = cells[..] else {
            panic!("a row of the evidence table has seven cells: {line}");
        };
        let row = Row {
            metric: metric.to_owned(),
            published: value
                .parse()
                .unwrap_or_else(|_| panic!("not a number: {value}")),
            tolerance: tolerance_of(tolerance),
        };
        match cases.last_mut().filter(|case| case.name == name) {
            Some(case) => case.rows.push(row),
            None => cases.push(Case {
                name: name.to_owned(),
                preset: preset.to_owned(),
                fitted: role == "fitted",
                rows: vec![row],
            }),
        }
    }
    cases
}

fn tolerance_of(text: &str) -> Tolerance {
    let number = text.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    match (text, number) {
        ("at most", _) => Tolerance::AtMost,
        ("informative", _) => Tolerance::Informative,
        (text, Some(n)) if text.ends_with('%') => Tolerance::Relative(n / 100.0),
        (_, Some(n)) => Tolerance::Millis(n),
        _ => panic!("no tolerance: {text}"),
    }
}

/// What a run says about a metric.
#[must_use]
pub fn predicted(report: &RunReport, metric: &str) -> Option<f64> {
    let publish = report.operations.get("publish")?;
    let delivered = publish.latency_ms.get("delivered")?;
    match metric {
        "delivered_per_s" => Some(publish.deliveries_per_s),
        "mean" => delivered.mean.value,
        "max" => Some(delivered.max),
        "cpu" => Some(
            report
                .tiers
                .get("connection_servers")?
                .utilization
                .get("cpu")?
                .mean,
        ),
        percentile => quantile(
            delivered,
            percentile.strip_prefix('p')?.parse::<f64>().ok()? / 100.0,
        ),
    }
}

/// The upper bound of the bucket that a share `p` does not exceed.
fn quantile(latency: &LatencyReport, p: f64) -> Option<f64> {
    let rank = (p * latency.count as f64).ceil() as u64;
    let mut so_far = 0;
    latency.buckets.iter().find_map(|&(high, count)| {
        so_far += count;
        (so_far >= rank).then_some(high)
    })
}

/// Mean |ln(model / published)| over the mean and all percentiles that both know.
fn score(case: &Case, model: impl Fn(&str) -> Option<f64>) -> f64 {
    let errors: Vec<f64> = case
        .rows
        .iter()
        .filter(|row| row.metric == "mean" || row.metric.starts_with('p'))
        .filter_map(|row| Some((model(&row.metric)? / row.published).ln().abs()))
        .collect();
    errors.iter().sum::<f64>() / errors.len().max(1) as f64
}

/// Published beside predicted, as text. `reports`: by preset.
#[must_use]
pub fn text(reports: &BTreeMap<String, RunReport>) -> String {
    let cases = cases();
    let mut out = String::from("Published scale tests beside this program's predictions.\n\n");
    let fitted = format!(
        "Fitted on K1 and K2 together: {}. Published, not fitted: stop-the-world pauses of 70-90 ms every 20-28 s. The tail \
         is what queues behind a pause and drains.",
        FITTED.join("; ")
    );
    paragraph(&mut out, &fitted, 0);
    let mut misses = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let Some(report) = reports.get(&case.preset) else {
            continue;
        };
        let role = if case.fitted {
            "fitted on"
        } else {
            "predicted"
        };
        let _ = writeln!(out, "\n{} ({}, {role})", case.name, case.preset);
        let mut table = Table::new(
            1,
            &[
                "metric",
                "published",
                "predicted",
                "off by",
                "tolerance",
                "verdict",
            ],
        );
        for row in &case.rows {
            let Some(value) = predicted(report, &row.metric) else {
                continue;
            };
            let verdict = row.tolerance.holds(row.published, value);
            if verdict == Some(false) {
                misses.push(format!(
                    "{} {}: {}",
                    case.name,
                    row.metric,
                    missing(&row.metric, value < row.published)
                ));
            }
            table.row(cells(row, value, verdict));
        }
        table.write(&mut out);
        if !case.fitted {
            scored(
                &mut out,
                case,
                report,
                index.checked_sub(1).map(|before| &cases[before]),
            );
        }
    }
    out.push('\n');
    if misses.is_empty() {
        out.push_str("Every judged figure is within its tolerance.\n");
    } else {
        out.push_str("Outside the tolerance, and the mechanism that is missing:\n");
        for miss in misses {
            paragraph(&mut out, &format!("  {miss}"), 4);
        }
    }
    out
}

fn cells(row: &Row, value: f64, verdict: Option<bool>) -> Vec<String> {
    let show = |value: f64| match row.metric.as_str() {
        "cpu" => format!("{:.1} %", value * 100.0),
        "delivered_per_s" => crate::numbers::rate(value),
        _ => millis(value),
    };
    let tolerance = match row.tolerance {
        Tolerance::Relative(share) => format!("{:.0} %", share * 100.0),
        Tolerance::Millis(ms) => millis(ms),
        Tolerance::AtMost => "at most".to_owned(),
        Tolerance::Informative => "-".to_owned(),
    };
    let verdict = match verdict {
        Some(true) => "within",
        Some(false) => "OUTSIDE",
        None => "informative",
    };
    let off = format!("{:+.0} %", (value / row.published - 1.0) * 100.0);
    vec![
        row.metric.clone(),
        show(row.published),
        show(value),
        off,
        tolerance,
        verdict.to_owned(),
    ]
}

fn scored(out: &mut String, case: &Case, report: &RunReport, before: Option<&Case>) {
    let ours = score(case, |metric| predicted(report, metric));
    let Some(before) = before else { return };
    let copied = |metric: &str| {
        before
            .rows
            .iter()
            .find(|row| row.metric == metric)
            .map(|row| row.published)
    };
    let null = score(case, copied);
    let winner = if ours < null {
        "the prediction wins"
    } else {
        "the copy wins"
    };
    let _ = writeln!(
        out,
        "Mean |log error| over mean and percentiles: {ours:.3} predicted, {null:.3} for a copy of {}: {winner}.",
        before.name
    );
}

/// What a miss says is not modelled.
fn missing(metric: &str, low: bool) -> &'static str {
    match (metric, low) {
        ("cpu", _) => "cost per delivery falls as batches grow: fewer system calls per message",
        ("delivered_per_s", _) => "the published rate is nominal",
        ("mean", _) => "follows from the percentiles it sums up",
        ("p50" | "p75" | "p87.5", false) => {
            "one core writes all recipients of a message here; a gateway spreads them over its worker threads"
        }
        (_, true) => {
            "all cores share one queue here; connections pinned to worker threads wait behind a busy one, and client and \
             broker machines pause too"
        }
        (_, false) => {
            "pauses whose length follows the live heap: one length for all machine sizes here"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses() {
        let cases = cases();
        let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["K1", "K2", "K4"]);
        assert!(cases.iter().all(|case| case.rows.len() >= 14));
        assert!(cases[0].fitted && cases[1].fitted && !cases[2].fitted);
    }

    #[test]
    fn a_perfect_model_scores_zero_and_a_copy_does_not() {
        let cases = cases();
        let truth = |metric: &str| {
            cases[2]
                .rows
                .iter()
                .find(|row| row.metric == metric)
                .map(|row| row.published)
        };
        assert!(score(&cases[2], truth) < 1e-12);
        let copy = |metric: &str| {
            cases[1]
                .rows
                .iter()
                .find(|row| row.metric == metric)
                .map(|row| row.published)
        };
        assert!(score(&cases[2], copy) > 0.05);
    }

    #[test]
    fn tolerances_judge() {
        assert_eq!(Tolerance::Relative(0.15).holds(4.0, 4.5), Some(true));
        assert_eq!(Tolerance::Millis(1.0).holds(3.0, 4.5), Some(false));
        assert_eq!(Tolerance::AtMost.holds(0.75, 0.7), Some(true));
        assert_eq!(Tolerance::Informative.holds(1.0, 9.0), None);
    }
}
