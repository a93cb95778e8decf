//! Two designs on the same random numbers: what moved, by how much, and whether that is beyond doubt.
//!
//! Steady runs of equal length are paired by when operations were started ([`Paired`]); stories are paired telling by
//! telling. Money and what follows from the design alone is exact; utilisation and rates carry no interval. Paired draws tell
//! microseconds apart that nobody would notice: a difference counts as better or worse from 1 % on, that of a utilisation
//! from one percentage point; without the same draws five times that. A latency without an interval is not judged. Left out: designs of different warm-up, whose latencies have no interval.

use std::collections::BTreeMap;

use super::SystemRun;
use super::operation::Kind;
use super::verdict::{is_latency, number};
use crate::report::{CompareReport, Estimate, RunReport};
use crate::statistics::{self, Paired, Samples, Unsupported, replicated as interval};
use crate::time::{SimDuration, SimTime};

/// Latency statistics that are compared, with their share of samples.
const STATISTICS: [(&str, Option<f64>); 4] = [
    ("mean", None),
    ("p50", Some(0.5)),
    ("p95", Some(0.95)),
    ("p99", Some(0.99)),
];

/// The smallest relative difference that counts.
const NOTABLE: f64 = 0.01;
/// The same where the draws are not the same, or not as many: sums and rates then differ by chance.
const NOTABLE_UNPAIRED: f64 = 0.05;

/// Compares two steady runs of the same length.
#[must_use]
pub fn compared(a: &SystemRun, b: &SystemRun, confidence: f64) -> CompareReport {
    let reports = (a.report_at(confidence), b.report_at(confidence));
    let mut differences = BTreeMap::new();
    let cut = |report: &RunReport| {
        let cut_s = report.precision.as_ref().map_or(0.0, |p| p.cut_s);
        SimDuration::from_secs_f64(cut_s).unwrap_or_default()
    };
    let cut = cut(&reports.0).max(cut(&reports.1));
    let mut notes = Vec::new();
    let (now_a, now_b) = (a.now(), b.now());
    let measured = |run: &SystemRun| run.simulation.model().measured(run.now()).0;
    let (ledger_a, ledger_b) = (measured(a), measured(b));
    for kind in Kind::ALL {
        let (own_a, own_b) = (&ledger_a.kinds[kind.index()], &ledger_b.kinds[kind.index()]);
        if own_a.slots.messages() == 0 || own_b.slots.messages() == 0 {
            continue;
        }
        let since: SimTime = own_a.slots.start();
        for (samples, name) in samples_of(kind) {
            let settled = own_a
                .settled_by(samples, now_a)
                .min(own_b.settled_by(samples, now_b));
            let (slots_a, slots_b) = (own_a.slots.until(settled), own_b.slots.until(settled));
            let paired = Paired::new(&slots_a, &slots_b, since + cut);
            if let Err(refusal) = &paired {
                notes.push(format!(
                    "differences of {}.{name} have no interval: {refusal}",
                    kind.name()
                ));
            }
            for (statistic, p) in STATISTICS {
                let path = format!("{}.{name}.{statistic}", kind.name());
                let found = paired.as_ref().ok().map(|paired| match p {
                    None => paired.mean_difference_ms(samples, confidence),
                    Some(p) => paired.quantile_difference_ms(samples, p, confidence),
                });
                let difference = match found {
                    Some(Ok(estimate)) => bounded(&estimate),
                    _ => between(&path, &reports.0, &reports.1),
                };
                differences.insert(path, difference);
            }
        }
    }
    finish(reports.0, reports.1, differences, notes)
}

/// Compares two stories, told equally often with the same seeds. Panics without a telling.
#[must_use]
pub fn compared_stories(
    merged: (RunReport, RunReport),
    tellings: (&[RunReport], &[RunReport]),
    confidence: f64,
) -> CompareReport {
    let mut differences = BTreeMap::new();
    for kind in Kind::ALL {
        for (_, name) in samples_of(kind) {
            for (statistic, _) in STATISTICS {
                let path = format!("{}.{name}.{statistic}", kind.name());
                let pairs = tellings.0.iter().zip(tellings.1);
                let values: Option<Vec<f64>> = pairs
                    .map(|(a, b)| Some(number(&path, b)?.value? - number(&path, a)?.value?))
                    .collect();
                let Some(values) = values else { continue };
                let difference = match interval(&values, confidence) {
                    Ok(estimate) => bounded(&estimate),
                    Err(Unsupported::TooFewReplications { .. }) | Err(_) => {
                        between(&path, &merged.0, &merged.1)
                    }
                };
                differences.insert(path, difference);
            }
        }
    }
    finish(merged.0, merged.1, differences, Vec::new())
}

/// Compares with a report of an earlier day, whose draws need not be the same: intervals add up in quadrature.
#[must_use]
pub fn compared_reports(a: RunReport, b: RunReport) -> CompareReport {
    let mut differences = BTreeMap::new();
    for kind in Kind::ALL {
        for (_, name) in samples_of(kind) {
            for (statistic, _) in STATISTICS {
                let path = format!("{}.{name}.{statistic}", kind.name());
                if let (Some(of_a), Some(of_b)) = (number(&path, &a), number(&path, &b)) {
                    differences.insert(path, unpaired(&of_a, &of_b));
                }
            }
        }
    }
    finish(a, b, differences, Vec::new())
}

fn samples_of(kind: Kind) -> Vec<(Samples, &'static str)> {
    let mut all = vec![(Samples::Delivered, kind.terminal())];
    if matches!(kind, Kind::Publish | Kind::Presence) {
        all.push((Samples::Complete, "complete"));
    }
    all
}

fn bounded(estimate: &statistics::Estimate) -> Estimate {
    Estimate {
        value: Some(estimate.value),
        low: Some(estimate.low),
        high: Some(estimate.high),
    }
}

fn unpaired(a: &Estimate, b: &Estimate) -> Estimate {
    let (Some(of_a), Some(of_b)) = (a.value, b.value) else {
        return Estimate::none();
    };
    let value = of_b - of_a;
    let half = |e: &Estimate| Some(0.5 * (e.high? - e.low?));
    match (half(a), half(b)) {
        (Some(half_a), Some(half_b)) => {
            let half = libm::sqrt(half_a * half_a + half_b * half_b);
            Estimate {
                value: Some(value),
                low: Some(value - half),
                high: Some(value + half),
            }
        }
        _ => Estimate::point(value),
    }
}

/// The difference of two numbers without an interval.
fn between(path: &str, a: &RunReport, b: &RunReport) -> Estimate {
    let value = |report: &RunReport| number(path, report)?.value;
    match (value(a), value(b)) {
        (Some(of_a), Some(of_b)) => Estimate::point(of_b - of_a),
        _ => Estimate::none(),
    }
}

/// Adds what has no interval, and sorts the metrics by what the difference means.
fn finish(
    a: RunReport,
    b: RunReport,
    mut differences: BTreeMap<String, Estimate>,
    notes: Vec<String>,
) -> CompareReport {
    for path in plain_paths(&a, &b) {
        let difference = between(&path, &a, &b);
        if difference.value.is_some() {
            differences.entry(path).or_insert(difference);
        }
    }
    let notable = if a.same_draws(&b) {
        NOTABLE
    } else {
        NOTABLE_UNPAIRED
    };
    let (mut better, mut worse, mut same) = (Vec::new(), Vec::new(), Vec::new());
    for (path, difference) in &differences {
        let Some(value) = difference.value else {
            continue;
        };
        // A latency that no interval speaks for may have moved by chance.
        if is_latency(path, &a) && difference.low.is_none() {
            continue;
        }
        let list = match direction(path) {
            _ if !counts(path, difference, &a, notable) => &mut same,
            None => continue,
            Some(up_is_good) if up_is_good == (value > 0.0) => &mut better,
            Some(_) => &mut worse,
        };
        list.push(path.clone());
    }
    let mut warnings = Vec::new();
    if a.users != b.users {
        warnings.push(format!(
            "the loads differ: {} users in the first, {} in the second",
            a.users, b.users
        ));
    }
    for (report, which) in [(&a, "first"), (&b, "second")] {
        if let Some(tier) = report.stop.strip_prefix("Unstable{") {
            let tier = tier.trim_end_matches('}');
            warnings.push(format!("the {which} design is unstable: the queue of {tier} grows without end, so it has no percentiles to compare"));
        }
    }
    if !a.same_draws(&b) {
        warnings.push(format!(
            "not the same random numbers: seed {}, population {}, {} s in the first; seed {}, population {}, {} s in the second. \
             What has no interval counts from 5 % on",
            a.seed, a.population_seed, a.simulated_s, b.seed, b.population_seed, b.simulated_s
        ));
    }
    warnings.extend(notes);
    CompareReport {
        a,
        b,
        differences,
        better,
        worse,
        same,
        warnings,
        file: None,
        renamed_from: None,
        verdict: String::new(),
        findings: Vec::new(),
    }
}

/// Metrics beside latency, of all tiers and operations that both designs have.
fn plain_paths(a: &RunReport, b: &RunReport) -> Vec<String> {
    let mut paths = vec!["breaks_at".to_owned(), "connections.rejected".to_owned()];
    for item in [
        "usd_per_month",
        "usd_per_million_messages",
        "usd_per_user_month",
    ] {
        paths.push(format!("cost.{item}"));
    }
    for name in a
        .operations
        .keys()
        .filter(|name| b.operations.contains_key(*name))
    {
        for count in [
            "lost",
            "duplicated",
            "failed",
            "timed_out",
            "deliveries_per_s",
        ] {
            paths.push(format!("{name}.{count}"));
        }
    }
    for (tier, state) in &a.tiers {
        for resource in state.utilization.keys() {
            paths.push(format!("tiers.{tier}.utilization.{resource}.hottest"));
        }
    }
    paths
}

/// Whether more is better; `None`: neither is.
fn direction(path: &str) -> Option<bool> {
    match path {
        "breaks_at" => Some(true),
        _ if path.ends_with("deliveries_per_s") => None,
        _ => Some(false),
    }
}

fn counts(path: &str, difference: &Estimate, a: &RunReport, notable: f64) -> bool {
    let Some(value) = difference.value else {
        return false;
    };
    if let (Some(low), Some(high)) = (difference.low, difference.high)
        && low <= 0.0
        && high >= 0.0
    {
        return false;
    }
    if path.contains(".utilization.") {
        return value.abs() >= notable;
    }
    let of_a = number(path, a).and_then(|a| a.value).unwrap_or(0.0);
    value.abs() > of_a.abs() * notable && value != 0.0
}
