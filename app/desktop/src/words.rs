//! Sentences about a report: what the window says, kept apart from how it looks.

use sim_core::report::{LatencyReport, ObjectiveReport, RunReport, TierReport};
use sim_core::scenario::{Comparison, Objective, Scenario, Tier};

use crate::format;

/// The latency a scenario is judged by, and what happens within it.
pub struct MainLatency<'a> {
    /// `messages arrive`, `queries are answered`.
    pub what: &'static str,
    /// The figures.
    pub latency: &'a LatencyReport,
}

/// Of delivered messages, else of answered queries, updates or connections.
pub fn main_latency(report: &RunReport) -> Option<MainLatency<'_>> {
    let kinds = [
        ("publish", "delivered", "messages arrive"),
        ("edit", "delivered", "edits arrive"),
        ("query", "answered", "queries are answered"),
        ("presence", "delivered", "updates arrive"),
        ("connect", "answered", "connections open"),
    ];
    kinds.into_iter().find_map(|(operation, kind, what)| {
        let latency = report.operations.get(operation)?.latency_ms.get(kind)?;
        Some(MainLatency { what, latency })
    })
}

/// The objective on the 99th percentile that the load line draws, and its limit in milliseconds.
pub fn latency_objective(scenario: &Scenario) -> Option<&Objective> {
    scenario.objectives.iter().find(|objective| {
        let path = objective.path.as_str();
        matches!(objective.comparison, Comparison::Less | Comparison::AtMost)
            && [
                "publish.delivered.p99",
                "edit.delivered.p99",
                "query.answered.p99",
                "presence.delivered.p99",
            ]
            .contains(&path)
    })
}

/// `connection servers` for `connection_servers`.
pub fn tier_title(name: &str) -> String {
    Tier::ALL
        .iter()
        .find(|tier| tier.name() == name)
        .map_or_else(|| name.replace('_', " "), |tier| tier.title().into())
}

/// With a capital letter in front.
pub fn capitalized(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// `CPU`, `file descriptors`.
pub fn resource_title(resource: &str) -> String {
    match resource {
        "cpu" => "CPU".into(),
        "descriptors" => "file descriptors".into(),
        other => other.replace('_', " "),
    }
}

/// How full that is, in a word.
pub fn fullness(share: f64) -> &'static str {
    match share {
        _ if share < 0.5 => "easy",
        _ if share < 0.8 => "busy",
        _ if share < 0.95 => "nearly full",
        _ => "full",
    }
}

/// The fullest resource of a tier, and how full its fullest instance is.
pub fn fullest(tier: &TierReport) -> Option<(&str, f64)> {
    tier.utilization
        .iter()
        .map(|(name, utilization)| (name.as_str(), utilization.hottest))
        .max_by(|one, other| one.1.total_cmp(&other.1))
}

/// `First to give way: the database pool, at about 255 K users.`
pub fn first_to_give_way(report: &RunReport, unit: &str) -> Option<String> {
    let breaks = report.breaks_at.as_ref()?;
    let users = breaks.users.value?;
    let at = match (breaks.estimate, breaks.users.low, breaks.users.high) {
        (false, Some(low), Some(high)) => {
            format!("between {} and {}", format::count(low), format::count(high))
        }
        _ => format!("at about {}", format::count(users)),
    };
    Some(format!(
        "First to give way: {}, {at} {unit}.",
        report::limit_in_words(&breaks.limit)
    ))
}

/// `480 K find no place and 61 % of queries fail`: what a latency of the others does not say; `None` where all is well.
pub fn trouble(report: &RunReport) -> Option<String> {
    /// What is worth a word: one in a hundred.
    const SHARE: f64 = 0.01;
    let mut all = Vec::new();
    let (open, wanted) = (report.connections.open, report.connections.wanted);
    let outside = wanted.saturating_sub(open) as f64;
    if outside > SHARE * wanted as f64 {
        all.push(format!("{} find no place", format::count(outside)));
    }
    for (name, of) in [
        ("publish", "messages"),
        ("query", "queries"),
        ("command", "commands"),
    ] {
        let Some(own) = report.operations.get(name) else {
            continue;
        };
        let failed = (own.failed + own.timed_out) as f64;
        let share = failed / (own.offered_per_s * report.simulated_s).max(1.0);
        if share > SHARE {
            all.push(format!("{} of {of} fail", format::percent(share.min(1.0))));
        }
    }
    (!all.is_empty()).then(|| all.join(" and "))
}

/// `Missed: connections are refused, and the bill is over budget, $554 K of 120_000 USD.`; `None` when nothing is.
pub fn missed(report: &RunReport) -> Option<String> {
    let failed = report
        .objectives
        .iter()
        .filter(|objective| objective.verdict == "fail");
    let said: Vec<String> = failed.map(not_met).collect();
    match &said[..] {
        [] => None,
        [one] => Some(format!("Missed: {one}.")),
        [one, other] => Some(format!("Missed: {one}, and {other}.")),
        [one, other, more @ ..] => Some(format!("Missed: {one}, {other} and {} more.", more.len())),
    }
}

/// What it is that an objective does not want; as it is written where there are no words for it.
fn not_met(objective: &ObjectiveReport) -> String {
    let written = &objective.objective;
    let mut parts = written.splitn(3, ' ');
    let (path, limit) = (parts.next().unwrap_or_default(), parts.nth(1));
    let limit = limit.unwrap_or_default();
    match path.split('.').collect::<Vec<_>>()[..] {
        ["connections", "rejected"] => "connections are refused".to_owned(),
        ["publish", "lost"] => "messages are lost".to_owned(),
        ["cost", "usd_per_month"] => match objective.value {
            Some(usd) => format!("the bill is over budget, {} of {limit}", format::usd(usd)),
            None => written.clone(),
        },
        ["tiers", tier, "utilization", resource, _] => format!(
            "{} of the {} is above {limit}",
            resource_title(resource),
            tier_title(tier)
        ),
        ["publish", "delivered", "p99"] => format!("1 % of messages take longer than {limit}"),
        ["query", "answered", "p99"] => format!("1 % of queries take longer than {limit}"),
        _ => written.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_that_are_missed_are_said_in_words() {
        let mut report = RunReport::clone(&crate::tests::report());
        let failed = |objective: &str, value: f64| ObjectiveReport {
            objective: objective.to_owned(),
            verdict: "fail".to_owned(),
            value: Some(value),
            low: None,
            high: None,
        };
        report.objectives = vec![failed("connections.rejected == 0", 9.0)];
        assert_eq!(
            missed(&report).as_deref(),
            Some("Missed: connections are refused.")
        );
        report.objectives.extend([
            failed("cost.usd_per_month < 120_000 USD", 554_000.0),
            failed(
                "tiers.connection_servers.utilization.cpu.hottest < 80 %",
                0.9,
            ),
        ]);
        assert_eq!(
            missed(&report).as_deref(),
            Some(
                "Missed: connections are refused, the bill is over budget, $554 K of 120_000 USD and 1 more."
            )
        );
    }

    #[test]
    fn those_who_find_no_place_and_what_fails_is_said() {
        let mut report = RunReport::clone(&crate::tests::report());
        assert_eq!(trouble(&report), None);
        report.connections.wanted = 1_000_000;
        report.connections.open = 520_000;
        let queries = report.operations.entry("query".into()).or_default();
        queries.offered_per_s = 100.0;
        queries.failed = (25.0 * report.simulated_s) as u64;
        let said = trouble(&report).expect("it is broken");
        assert_eq!(said, "480 K find no place and 25 % of queries fail");
    }

    #[test]
    fn words_for_shares() {
        let words = [0.1, 0.5, 0.8, 0.95, 2.0].map(fullness);
        assert_eq!(words, ["easy", "busy", "nearly full", "full", "full"]);
    }

    #[test]
    fn tiers_and_resources_have_names() {
        assert_eq!(tier_title("connection_servers"), "connection servers");
        assert_eq!(tier_title("event_log"), "event log");
        assert_eq!(resource_title("descriptors"), "file descriptors");
    }
}
