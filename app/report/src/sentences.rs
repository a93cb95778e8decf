//! The sentences a report opens with.

mod beside;
mod events;

use sim_core::report::{
    BY_IMPORTANCE, BreaksAt, Estimate, LatencyReport, OperationReport, RunReport,
};

use sim_core::system::TOO_LITTLE;

use crate::numbers::{count, millis, percent, usd};
use crate::{Labels, phrases};

pub(crate) use beside::beside;

/// What a report says of its event log, command side and projections; nothing without them.
pub(crate) fn events(report: &RunReport) -> Vec<String> {
    let all = [
        events::commands(report),
        events::log(report),
        events::projections(report),
    ];
    all.into_iter().flatten().collect()
}

/// Operations in the order people ask for them, the others by name.
pub(crate) fn by_importance(report: &RunReport) -> impl Iterator<Item = (&str, &OperationReport)> {
    let rank = |name: &str| {
        let known = BY_IMPORTANCE.iter().position(|first| *first == name);
        known.unwrap_or(BY_IMPORTANCE.len())
    };
    let mut operations: Vec<(&str, &OperationReport)> = report
        .operations
        .iter()
        .map(|(n, o)| (n.as_str(), o))
        .collect();
    operations.sort_by_key(|(name, _)| rank(name));
    operations.into_iter()
}

/// The latency that matters most, and what it is about in words.
pub(crate) fn main_latency(report: &RunReport) -> Option<(&'static str, &LatencyReport)> {
    let name = report.headline()?;
    let (kind, words) = match name {
        "publish" => ("delivered", "of messages arrive"),
        "edit" => ("delivered", "of edits arrive"),
        "query" => ("answered", "of queries are answered"),
        "presence" => ("delivered", "of status changes arrive"),
        "order" => ("answered", "of orders are acknowledged"),
        "reserve" => ("answered", "of purchases are answered"),
        "notify" => ("delivered", "of notifications arrive"),
        _ => ("answered", "of connects succeed"),
    };
    let latency = report.operations.get(name)?.latency_ms.get(kind)?;
    (latency.count > 0).then_some((words, latency))
}

/// Who and how many: `Team chat, 200 K users`.
pub(crate) fn subject(report: &RunReport, labels: &Labels) -> String {
    format!(
        "{}, {} {}",
        labels.title,
        count(report.users as f64),
        labels.unit
    )
}

/// The answer, in one paragraph.
pub(crate) fn opening(report: &RunReport, labels: &Labels) -> String {
    let subject = subject(report, labels);
    let cost = report
        .cost
        .as_ref()
        .map(|c| format!(" {} a month.", usd(c.usd_per_month)))
        .unwrap_or_default();
    format!("{subject}: {}{cost}", latency_sentence(report))
}

pub(crate) fn latency_sentence(report: &RunReport) -> String {
    if let Some(tier) = phrases::unstable_tier(report) {
        return format!(
            "unstable at the {}. Work arrives there faster than it can be done and the queue grows for as long as the load \
             lasts, so no percentile is given.",
            phrases::tier(&tier)
        );
    }
    if too_little(report) {
        return "too little was simulated to say anything; allow more with --max-time, --max-events or --duration.".to_owned();
    }
    match main_latency(report) {
        Some((words, latency)) if latency.p99.value.is_some() => {
            format!("99 % {words} within {}.", plus_minus(latency.p99))
        }
        Some(_) => {
            "too little was measured for a 99th percentile; simulate longer with --duration."
                .to_owned()
        }
        None => "nothing was delivered or answered while measured.".to_owned(),
    }
}

/// Whether a resource is as full as it can be, so that a load estimated from its use is only the load that was run.
pub(crate) fn saturated(report: &RunReport) -> bool {
    const FULL: f64 = 0.02;
    let users = report.users as f64;
    report.breaks_at.as_ref().is_some_and(|b| {
        let at = b.users.value.unwrap_or(f64::INFINITY);
        b.estimate
            && (phrases::unstable_tier(report).is_some() && at <= users * (1.0 + FULL)
                || at <= users && at >= users * (1.0 - FULL))
    })
}

/// Whether a run was stopped before it could say anything.
pub(crate) fn too_little(report: &RunReport) -> bool {
    report.warnings.iter().any(|warning| warning == TOO_LITTLE)
}

/// `212 ± 9 ms` where there is an interval, `212 ms` elsewhere.
pub(crate) fn plus_minus(e: Estimate) -> String {
    let value = e.value.unwrap_or_default();
    match (e.low, e.high) {
        (Some(low), Some(high)) if high > low => {
            let centre = millis(value);
            let half = millis((high - low) / 2.0);
            match (centre.split_once(' '), half.split_once(' ')) {
                (Some((number, unit)), Some((_, half_unit))) if unit == half_unit => {
                    let decimals = number.split_once('.').map_or(0, |(_, d)| d.len());
                    let half = half
                        .split_once(' ')
                        .and_then(|(h, _)| h.parse::<f64>().ok())
                        .unwrap_or_default();
                    format!("{number} ± {half:.decimals$} {unit}")
                }
                _ => format!("{centre} ± {half}"),
            }
        }
        _ => millis(value),
    }
}

/// What gives way first, and where.
pub(crate) fn gives_way(report: &RunReport, labels: &Labels) -> Option<String> {
    let fullest = report.bottleneck.as_ref();
    match (&report.breaks_at, fullest) {
        (
            Some(BreaksAt {
                users,
                limit,
                estimate,
            }),
            _,
        ) if users.value.is_some() => {
            let at = users.value.unwrap_or_default();
            let what = phrases::limit(limit);
            if saturated(report) {
                return Some(format!(
                    "Already beyond what it holds: {what} is full, so this run cannot say at how many {} it broke; \
                     `plimsoll capacity` finds it.",
                    labels.unit
                ));
            }
            let begin = if at <= report.users as f64 {
                "Already beyond what it holds"
            } else {
                "First to give way"
            };
            let about = if *estimate { "about " } else { "" };
            let interval = match (users.low, users.high) {
                (Some(low), Some(high)) => format!(" ({} to {})", count(low), count(high)),
                _ => String::new(),
            };
            let mark = if *estimate { " (estimate)" } else { "" };
            let (at, unit) = (count(at), &labels.unit);
            Some(format!(
                "{begin}: {what}, at {about}{at} {unit}{interval}{mark}."
            ))
        }
        (_, Some(b)) => Some(format!(
            "Fullest: {}, {} used.",
            phrases::resource(&b.tier, &b.resource),
            percent(b.utilization)
        )),
        _ => None,
    }
}

/// Why a run ended before its time, if it did.
pub(crate) fn stopped_early(report: &RunReport) -> Option<String> {
    let why = match report.stop.as_str() {
        "Finished" => return None,
        "EventBudget" => "the event budget ran out",
        "TimeBudget" => "the time budget ran out",
        "Interrupted" => "it was interrupted",
        stop if stop.starts_with("Unstable") => return None,
        other => return Some(format!("Stopped early: {other}.")),
    };
    Some(format!(
        "Stopped early: {why} after {} measured.",
        crate::numbers::seconds(report.simulated_s)
    ))
}

/// What went wrong in one operation; `None` when nothing did.
pub(crate) fn mishaps(name: &str, operation: &OperationReport) -> Option<String> {
    let kinds = [
        (operation.failed, "failed"),
        (operation.timed_out, "timed out"),
        (operation.retried, "retried"),
        (operation.duplicated, "received twice"),
        (operation.reordered, "received out of order"),
        (
            operation.conflicting.unwrap_or(0),
            "concurrent with somebody else's",
        ),
        (operation.lost_edits.unwrap_or(0), "left no trace"),
    ];
    let mut parts: Vec<String> = kinds
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", count(*n as f64)))
        .collect();
    if let Some(diverged @ 1..) = operation.diverged {
        parts.push(format!("{} documents diverged", count(diverged as f64)));
    }
    if operation.stale_ratio > 0.0 {
        parts.push(format!(
            "{} of answers stale",
            percent(operation.stale_ratio)
        ));
    }
    (!parts.is_empty()).then(|| format!("{name}: {}.", parts.join(", ")))
}
