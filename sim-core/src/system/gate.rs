//! What a comparison says to a gate: which objectives fail that held, which are asked for no more or less strictly, what is
//! worse, and which of these stop it. Exit code, comment and JUnit are made from this one list.
//!
//! An objective is *relaxed* when the second design asks for the same number less strictly, and *dropped* when it asks for
//! nothing of it. Leaves out what an objective means elsewhere: `p95 < 200 ms` is not seen to be weaker than `p99 < 200 ms`.

use crate::report::{CompareReport, Finding, RunReport};
use crate::scenario::{ParsedObjective, stated_objective};

/// What stops a gate, beside an objective that fails and did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// Anything worse beyond doubt does.
    pub worse: bool,
    /// An objective that is dropped or relaxed does.
    pub weaker: bool,
}

/// Behind the reason of what is asked for no more, or less strictly.
pub const WEAKER_WAY_OUT: &str = "; `--allow-weaker` lets that pass";

/// How the second design asks for what the first one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// Not at all.
    Dropped(&'a str),
    /// Less strictly: before, now.
    Relaxed(&'a str, &'a str),
    /// More strictly: before, now.
    Stricter(&'a str, &'a str),
}

/// Objectives of the first design that the second one states otherwise.
#[must_use]
pub fn asked(report: &CompareReport) -> Vec<Asked<'_>> {
    let after: Vec<&str> = texts(&report.b).collect();
    let changed = texts(&report.a).filter(|before| !after.contains(before));
    changed
        .filter_map(|before| restated(before, &after))
        .collect()
}

fn texts(run: &RunReport) -> impl Iterator<Item = &str> {
    run.objectives.iter().map(|o| o.objective.as_str())
}

/// `None`: only written otherwise.
fn restated<'a>(before: &'a str, after: &[&'a str]) -> Option<Asked<'a>> {
    let Some(asked) = stated_objective(before) else {
        return Some(Asked::Dropped(before));
    };
    let on_same_path = |text: &&'a str| {
        let now = stated_objective(text)?;
        (now.path == asked.path && same_side(&now, &asked)).then_some((*text, now))
    };
    let now: Vec<(&str, ParsedObjective)> = after.iter().filter_map(on_same_path).collect();
    match now.iter().find(|(_, now)| now.implies(&asked)) {
        Some((_, now)) if asked.implies(now) => None,
        Some((text, _)) => Some(Asked::Stricter(before, text)),
        None => Some(match now.first() {
            Some((text, _)) => Asked::Relaxed(before, text),
            None => Asked::Dropped(before),
        }),
    }
}

/// Whether both bound a number from the same side.
fn same_side(a: &ParsedObjective, b: &ParsedObjective) -> bool {
    use crate::scenario::Comparison::{AtLeast, AtMost, Greater, Less};
    !matches!(
        (a.comparison, b.comparison),
        (Less | AtMost, Greater | AtLeast) | (Greater | AtLeast, Less | AtMost)
    )
}

/// Fills verdict and findings of a comparison.
pub fn judge_comparison(report: &mut CompareReport, gate: Gate) {
    let mut findings = of_objectives(report);
    findings.extend(weaker(report, gate));
    findings.extend(worse(report, gate));
    findings.extend(stopped(report));
    findings.sort_by_key(|finding| !finding.stops);
    let stops = |kind: fn(&str) -> bool| findings.iter().any(|f| f.stops && kind(&f.kind));
    report.verdict = match () {
        () if stops(|kind| kind != "out_of_budget") => "fail",
        () if stops(|_| true) => "inconclusive",
        () => "pass",
    }
    .to_owned();
    report.findings = findings;
}

fn finding(kind: &str, what: &str, stops: bool, reason: String) -> Finding {
    Finding {
        kind: kind.to_owned(),
        what: what.to_owned(),
        stops,
        reason,
    }
}

fn of_objectives(report: &CompareReport) -> Vec<Finding> {
    let fresh: Vec<&str> = report.newly_failing().collect();
    let before = |objective: &str| {
        let mut all = report.a.objectives.iter();
        all.find(|before| before.objective == objective)
            .map(|before| before.verdict.as_str())
    };
    let found = report.b.objectives.iter().filter_map(|now| {
        let what = now.objective.as_str();
        match (now.verdict.as_str(), before(what)) {
            ("fail", was) if fresh.contains(&what) => {
                let how = match was {
                    None => "is asked for only now, and fails",
                    Some("pass") => "held and fails now",
                    Some(_) => "was undecided and fails now",
                };
                Some(finding(
                    "newly_failing",
                    what,
                    true,
                    format!("`{what}` {how}"),
                ))
            }
            ("fail", _) => Some(finding(
                "still_failing",
                what,
                false,
                format!("`{what}` fails, as it did before"),
            )),
            ("inconclusive", _) => Some(finding(
                "inconclusive",
                what,
                false,
                format!(
                    "`{what}` cannot be decided from these runs; `plimsoll check` runs until it can"
                ),
            )),
            _ => None,
        }
    });
    found.collect()
}

fn weaker(report: &CompareReport, gate: Gate) -> Vec<Finding> {
    let way_out = match gate.weaker {
        true => WEAKER_WAY_OUT,
        false => "",
    };
    let changes = asked(report).into_iter();
    let found = changes.filter_map(|change| match change {
        Asked::Dropped(before) => Some(dropped(before, gate.weaker)),
        Asked::Relaxed(before, now) => Some(finding(
            "relaxed",
            before,
            gate.weaker,
            format!("`{before}` is relaxed to `{now}`{way_out}"),
        )),
        Asked::Stricter(..) => None,
    });
    found.collect()
}

/// An objective that nobody asks for any more.
#[must_use]
pub fn dropped(objective: &str, stops: bool) -> Finding {
    let way_out = match stops {
        true => WEAKER_WAY_OUT,
        false => "",
    };
    let reason = format!("`{objective}` is no longer asked for{way_out}");
    finding("dropped", objective, stops, reason)
}

fn worse(report: &CompareReport, gate: Gate) -> Vec<Finding> {
    let said = |path: &String| {
        let reason = format!("`{path}` is worse beyond doubt");
        finding("worse", path, gate.worse, reason)
    };
    report.worse.iter().map(said).collect()
}

/// A run that was stopped before its end.
fn stopped(report: &CompareReport) -> Option<Finding> {
    let mut sides = [("first", &report.a), ("second", &report.b)].into_iter();
    let cut = |run: &RunReport| {
        matches!(
            run.stop.as_str(),
            "EventBudget" | "TimeBudget" | "Interrupted"
        )
    };
    let (which, run) = sides.find(|(_, run)| cut(run))?;
    let reason = format!(
        "the {which} design was stopped after {:.1} simulated seconds ({}); --max-time and --max-events allow more",
        run.simulated_s, run.stop
    );
    Some(finding("out_of_budget", &run.stop, true, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: &'static str, now: &'static str) -> Option<Asked<'static>> {
        restated(before, &[now])
    }

    #[test]
    fn an_objective_is_dropped_relaxed_or_stricter() {
        let p99 = "publish.delivered.p99 < 500 ms";
        assert_eq!(of(p99, "publish.delivered.p99 < 0.5 s"), None);
        assert!(matches!(
            of(p99, "publish.lost == 0"),
            Some(Asked::Dropped(_))
        ));
        for (before, looser) in [
            (p99, "publish.delivered.p99 < 800 ms"),
            (p99, "publish.delivered.p99 <= 500 ms"),
            ("publish.lost == 0", "publish.lost < 5"),
            ("breaks_at > 300_000 users", "breaks_at > 200k users"),
            ("cost.usd_per_month < 900 USD", "cost.usd_per_month < $1000"),
            (
                "tiers.broker.utilization.cpu.hottest < 70%",
                "tiers.broker.utilization.cpu.hottest < 0.8",
            ),
        ] {
            assert!(
                matches!(of(before, looser), Some(Asked::Relaxed(..))),
                "{looser}"
            );
            assert!(
                matches!(of(looser, before), Some(Asked::Stricter(..))),
                "{looser}"
            );
        }
    }

    #[test]
    fn bounds_from_two_sides_are_two_objectives() {
        let (low, high) = ("connections.open > 10", "connections.open < 90");
        assert!(matches!(of(low, high), Some(Asked::Dropped(_))));
    }
}
