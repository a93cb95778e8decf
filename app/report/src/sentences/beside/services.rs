//! What was sold, matched and told, in a sentence each.

use sim_core::report::{RunReport, TierReport};

use crate::numbers::{count, percent};

fn of(tier: &TierReport, counter: &str) -> f64 {
    tier.counters.get(counter).copied().unwrap_or(0) as f64
}

/// What became of the stock; `None` without purchases.
pub(super) fn stock(report: &RunReport) -> Option<String> {
    let tier = report.tiers.get("stock")?;
    let own = report.operations.get("reserve")?;
    let visible = own.latency_ms.get("stockout_visible");
    let visible = visible
        .and_then(|latency| latency.p99.value)
        .map_or_else(String::new, |p99| {
            format!(
                " 99 % of the connection servers said so within {} of the last unit's sale.",
                crate::numbers::millis(p99)
            )
        });
    let returned = of(tier, "reservations_expired");
    let returned = if returned > 0.0 {
        format!(" {} reservations ran out unpaid.", count(returned))
    } else {
        String::new()
    };
    let halves = own.partially_committed.unwrap_or(0);
    let halves = if halves > 0 {
        format!(
            " {} purchases ended with some of their articles and not all.",
            count(halves as f64)
        )
    } else {
        String::new()
    };
    Some(format!(
        "{} of the purchases got what they asked for, {} were told that nothing is left; {} units were sold that do not \
         exist.{visible}{returned}{halves}",
        percent(own.conversion?),
        count(own.rejected? as f64),
        count(own.oversold? as f64),
    ))
}

/// What the engines did; `None` without orders.
pub(super) fn market(report: &RunReport) -> Option<String> {
    let tier = report.tiers.get("matching_engine")?;
    let own = report.operations.get("order")?;
    let late = own.deadline_miss_ratio.map_or_else(String::new, |missed| {
        format!(" {} of the orders missed their deadline.", percent(missed))
    });
    let told = if of(tier, "market_data_messages") > 0.0 {
        format!(
            " Market data: {} messages in {} packets, received {} times.",
            count(of(tier, "market_data_messages")),
            count(of(tier, "market_data_packets")),
            count(of(tier, "market_data_received")),
        )
    } else {
        String::new()
    };
    Some(format!(
        "The matching engines made {} trades of {} requests; a listener found {} gaps or repetitions in their numbers.{late}{told}",
        count(of(tier, "trades")),
        count(of(tier, "requests")),
        count(own.sequence_gaps? as f64),
    ))
}

/// What became of notifications; `None` without any.
pub(super) fn notifications(report: &RunReport) -> Option<String> {
    let tier = report.tiers.get("notifications")?;
    let own = report.operations.get("notify")?;
    let shed: Vec<String> = ["high", "medium", "low"]
        .into_iter()
        .filter_map(|name| {
            let class = own.classes.get(name)?;
            Some(format!("{} of {name} priority", percent(class.shed_ratio?)))
        })
        .collect();
    let shed = if shed.is_empty() {
        String::new()
    } else {
        format!(" Dropped from full queues: {}.", shed.join(", "))
    };
    Some(format!(
        "{} notifications were not told on purpose: {} over a channel that is off, {} in quiet hours, {} beyond the cap, {} told \
         lately. {} were sent over a channel that was switched off.{shed}",
        count(own.withheld? as f64),
        count(of(tier, "withheld_off")),
        count(of(tier, "withheld_quiet")),
        count(of(tier, "withheld_capped")),
        count(of(tier, "withheld_repeated")),
        count(own.sent_to_switched_off? as f64),
    ))
}
