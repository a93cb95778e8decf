//! Why an objective passes, fails or is undecided, in one sentence: metric, limit, value and interval.

use sim_core::report::{ObjectiveReport, RunReport};
use sim_core::statistics::never;

use crate::numbers::count;
use crate::{metric, sentences};

/// The sentence. For "== 0" it says how rare the event is at most, given how often it could have happened.
#[must_use]
pub fn reason(result: &ObjectiveReport, report: &RunReport) -> String {
    let unit = metric::unit_of(&result.objective);
    let path = metric::path_of(&result.objective);
    let Some(value) = result.value else {
        let why = why_none(path, report);
        return format!("{}: {why}", result.objective);
    };
    let mut text = format!("{}: measured {}", result.objective, unit(value));
    if let (Some(low), Some(high)) = (result.low, result.high)
        && low < high
    {
        text.push_str(&format!(", between {} and {}", unit(low), unit(high)));
    }
    if result.verdict == "inconclusive" {
        text.push_str(match result.low {
            Some(_) => "; the limit lies within the interval",
            None => "; the run is too short to say how far that may be off",
        });
    }
    let zero = result.objective.ends_with("== 0") && value == 0.0;
    if let Some(chances) = chances(path, report).filter(|n| zero && *n > 0) {
        let bound = never(0, chances).upper;
        text.push_str(&format!(
            " of {}: less often than 1 in {} (95 %)",
            count(chances as f64),
            count(1.0 / bound)
        ));
    }
    text
}

/// How often what an objective counts could have happened.
fn chances(path: &str, report: &RunReport) -> Option<u64> {
    let (operation, counted) = path.split_once('.')?;
    let operation = report.operations.get(operation)?;
    match counted {
        "lost" | "duplicated" | "reordered" => Some(operation.owed),
        "failed" | "timed_out" | "retried" => {
            Some((operation.offered_per_s * report.simulated_s).round() as u64)
        }
        _ => None,
    }
}

fn why_none(path: &str, report: &RunReport) -> String {
    if let Some(tier) = report.stop.strip_prefix("Unstable{") {
        let tier = tier.trim_end_matches('}').replace('_', " ");
        return format!("the queue of {tier} grows without end, so there is no such number");
    }
    if sentences::too_little(report) {
        return "too little was simulated".to_owned();
    }
    let notes = report.precision.iter().flat_map(|p| &p.notes);
    let of_path = path.rsplit_once('.').map_or(path, |(head, _)| head);
    notes
        .into_iter()
        .find(|note| note.starts_with(of_path))
        .map_or_else(
            || "the run gives no such number".to_owned(),
            |note| {
                note.split_once(": ")
                    .map_or(note.clone(), |(_, why)| why.to_owned())
            },
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn objective(text: &str, verdict: &str, value: Option<f64>) -> ObjectiveReport {
        ObjectiveReport {
            objective: text.to_owned(),
            verdict: verdict.to_owned(),
            value,
            low: value.map(|v| v - 9.0),
            high: value.map(|v| v + 9.0),
        }
    }

    #[test]
    fn a_reason_names_metric_limit_value_and_interval() {
        let result = objective("publish.delivered.p99 < 250 ms", "fail", Some(321.0));
        assert_eq!(
            reason(&result, &sample::run()),
            "publish.delivered.p99 < 250 ms: measured 321 ms, between 312 ms and 330 ms"
        );
    }

    #[test]
    fn never_is_said_with_its_bound() {
        let mut run = sample::run();
        if let Some(publish) = run.operations.get_mut("publish") {
            publish.owed = 6_000;
        }
        let mut result = objective("publish.lost == 0", "pass", Some(0.0));
        (result.low, result.high) = (None, None);
        assert_eq!(
            reason(&result, &run),
            "publish.lost == 0: measured 0 of 6 K: less often than 1 in 2 K (95 %)"
        );
    }
}
