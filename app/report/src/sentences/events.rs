//! What an event log, its command side and its projections did, in a sentence each.

use sim_core::report::{RunReport, TierReport};

use crate::numbers::{count, millis, seconds};

fn count_of(tier: &TierReport, counter: &str) -> u64 {
    tier.counters.get(counter).copied().unwrap_or(0)
}

fn many(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(number as f64))
}

/// The log; `None` without one.
pub(super) fn log(report: &RunReport) -> Option<String> {
    let tier = report.tiers.get("log")?;
    let p99 = tier.append_ms.as_ref().and_then(|append| append.p99.value);
    let within = p99.map_or_else(String::new, |p99| {
        format!(", 99 % of them committed within {}", millis(p99))
    });
    let skew = tier.partition_skew.unwrap_or(1.0);
    let mut words = format!(
        "The log took {} in {}{within}; its fullest partition has {skew:.2} times the mean.",
        many(count_of(tier, "events"), "event"),
        many(count_of(tier, "batches"), "write"),
    );
    let (elected, lost) = (
        count_of(tier, "elections"),
        count_of(tier, "lost_acknowledged"),
    );
    if elected > 0 {
        words.push_str(&format!(
            " {} got another leader; {} that had been acknowledged are lost.",
            many(elected, "partition"),
            many(lost, "event"),
        ));
    }
    Some(words)
}

/// The command side; `None` without one.
pub(super) fn commands(report: &RunReport) -> Option<String> {
    let tier = report.tiers.get("command_side")?;
    let mut words = Vec::new();
    let conflicts = count_of(tier, "conflicts");
    if conflicts > 0 {
        words.push(format!(
            "{} came too late because its record had changed, {} failed after the last attempt.",
            many(conflicts, "decision"),
            many(count_of(tier, "gave_up"), "command"),
        ));
    }
    let refused = count_of(tier, "refused");
    if refused > 0 {
        words.push(format!(
            "{} found no place at the command side in time: the log is slower than what comes.",
            count(refused as f64),
        ));
    }
    let (checked, differ) = (
        count_of(tier, "replay_checks"),
        count_of(tier, "replay_hash_mismatches"),
    );
    if checked > 0 {
        words.push(format!(
            "Replayed states are those that were: {} compared, {} differ.",
            count(checked as f64),
            count(differ as f64),
        ));
    }
    (!words.is_empty()).then(|| words.join(" "))
}

/// The projections; `None` without any.
pub(super) fn projections(report: &RunReport) -> Option<String> {
    let tier = report.tiers.get("projections")?;
    let mut words = Vec::new();
    for (name, model) in &tier.models {
        let mut sentence = match model.lag_ms {
            Some(lag) => format!(
                "Projection {name} shows an event {} after its commit on average, {} at most",
                millis(lag.mean),
                millis(lag.max),
            ),
            None => format!("Projection {name} showed nothing new"),
        };
        if model.lag_events > 0 {
            sentence.push_str(&format!(
                "; {} behind at the end, the oldest {} old",
                many(model.lag_events, "event"),
                millis(model.oldest_ms),
            ));
        }
        if let Some(took) = model.recovery_s {
            sentence.push_str(&format!(
                "; {} put in again in {}",
                many(model.repeated, "event"),
                seconds(took),
            ));
        }
        words.push(sentence + ".");
    }
    let query = report.operations.get("query");
    if let Some(behind) = query.and_then(|query| query.behind_ms) {
        words.push(format!("Queries found theirs {} behind.", millis(behind)));
    }
    (!words.is_empty()).then(|| words.join(" "))
}
