//! What tiers and faults did, in a sentence each, beside the table of operations.

mod services;

use sim_core::report::{FaultReport, RunReport};

use crate::numbers::{bytes, count, millis, percent, seconds};
use crate::phrases;
use crate::sentences::events;

/// All there is to say.
pub(crate) fn beside(report: &RunReport) -> Vec<String> {
    let tiers = [
        cached(report),
        connections(report),
        edge(report),
        shards(report),
        replicas(report),
        events::commands(report),
        events::log(report),
        events::projections(report),
        regions(report),
        services::stock(report),
        services::market(report),
        services::notifications(report),
    ];
    let faults = report.faults.iter().map(fault);
    tiers.into_iter().flatten().chain(faults).collect()
}

/// What a cache did for the database; `None` without one.
fn cached(report: &RunReport) -> Option<String> {
    let (name, tier) = report
        .tiers
        .iter()
        .find(|(name, tier)| tier.hit_ratio.is_some() && *name != "edge")?;
    let count_of = |counter: &str| tier.counters.get(counter).copied().unwrap_or(0) as f64;
    let ratio = tier.hit_ratio?;
    let by_region = tier.hit_ratio_by_region.iter();
    let by_region: Vec<String> = by_region
        .map(|(region, ratio)| format!("{} in {region}", percent(*ratio)))
        .collect();
    let by_region = match by_region.len() {
        0 => String::new(),
        _ => format!(" ({})", by_region.join(", ")),
    };
    Some(format!(
        "The {} answers {}{by_region} of what it is asked; {} misses, {} that waited for another's fetch, {} evicted, {} expired, {} \
         dropped by commands.",
        phrases::tier(name),
        percent(ratio),
        count(count_of("misses")),
        count(count_of("coalesced")),
        count(count_of("evicted")),
        count(count_of("expired")),
        count(count_of("invalidated")),
    ))
}

/// Who got no connection of the database; `None` where all share them or all got theirs.
fn connections(report: &RunReport) -> Option<String> {
    let refused = |tier: &str, count: fn(&sim_core::report::TierReport) -> u64| {
        report.tiers.get(tier).map(count).filter(|count| *count > 0)
    };
    let unconnected = |tier: &sim_core::report::TierReport| {
        tier.counters.get("unconnected").copied().unwrap_or(0)
    };
    let without = refused("database", unconnected).map(|all| {
        format!(
            "The database takes no more connections: {} queries of servers that came too late were refused.",
            count(all as f64)
        )
    });
    let at_pooler = refused("pooler", |tier| tier.dropped).map(|all| {
        format!(
            "The connection pooler takes no more clients: {} queries were refused.",
            count(all as f64)
        )
    });
    let all: Vec<String> = without.into_iter().chain(at_pooler).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

/// What points of presence did for the origin; `None` without them.
fn edge(report: &RunReport) -> Option<String> {
    let tier = report.tiers.get("edge")?;
    let count_of = |counter: &str| tier.counters.get(counter).copied().unwrap_or(0) as f64;
    Some(format!(
        "The points of presence answer {} of what they are asked and may keep; {} of the bytes to clients are not sent by the \
         origin. {} requests missed, {} waited for another's fetch, {} were answered with what had been superseded.",
        percent(tier.hit_ratio?),
        percent(tier.origin_offload?),
        count(count_of("misses")),
        count(count_of("coalesced")),
        count(count_of("superseded_answers")),
    ))
}

/// How well a store is sharded, and how more shards were brought in; `None` where a report says nothing of it.
fn shards(report: &RunReport) -> Option<String> {
    let tier = report.tiers.get("database")?;
    let (hot, cross) = (tier.hot_shard_ratio?, tier.cross_shard_ratio?);
    let spread = format!(
        "The most asked shard is asked {hot:.2} times the mean; {} of the questions go to more than one shard.",
        percent(cross),
    );
    let Some(change) = &tier.resharding else {
        return Some(spread);
    };
    let took = change.migration_s.map_or_else(
        || "it was not over at the end".to_owned(),
        |took| format!("it took {}", seconds(took)),
    );
    Some(format!(
        "{spread} New shards took {} of the keys, {} batches; {took}.",
        percent(change.moved_keys),
        count(change.batches as f64),
    ))
}

/// How far replicas were behind; `None` without any, or where nothing was written.
fn replicas(report: &RunReport) -> Option<String> {
    let lag = report.tiers.get("replicas")?.lag_ms?;
    let database = report.tiers.get("database");
    let lost = match database.and_then(|tier| tier.writes_lost) {
        None => String::new(),
        Some(lost) => format!(
            " {} acknowledged writes were lost with a primary that a replica took over from.",
            count(lost as f64)
        ),
    };
    Some(format!(
        "What is written is visible at the replicas after {} on average, {} at most.{lost}",
        millis(lag.mean),
        millis(lag.max)
    ))
}

/// Who is served where, and what crosses between regions; `None` for a design in one.
fn regions(report: &RunReport) -> Option<String> {
    let regions = report.regions.as_ref()?;
    let mut places: Vec<_> = regions.places.iter().collect();
    places.sort_by(|a, b| b.1.share.total_cmp(&a.1.share).then(a.0.cmp(b.0)));
    let place = |(name, place): (&String, &sim_core::report::RegionReport)| {
        let lost = if place.lost { ", lost" } else { "" };
        format!(
            "{name} {} ({} servers, CPU {}{lost})",
            percent(place.share),
            place.servers,
            percent(place.cpu)
        )
    };
    let places: Vec<String> = places.into_iter().map(place).collect();
    let mut text = format!("Connections by region: {}.", places.join(", "));
    if regions.crossings_per_message > 0.0 {
        text += &format!(
            " {} of messages have members in several; {:.2} copies a message cross, {}/s in all.",
            percent(regions.cross_region_ratio),
            regions.crossings_per_message,
            bytes(regions.inter_region_bytes_per_s)
        );
    }
    if regions.residency_violations > 0 {
        text += &format!(
            " {} connections are served under another law than their users'.",
            count(regions.residency_violations as f64)
        );
    }
    Some(text)
}

/// What became of a fault.
fn fault(fault: &FaultReport) -> String {
    let after = |took: f64| match took {
        0.0 => "at once".to_owned(),
        took => format!("after {}", seconds(took)),
    };
    let detected = fault
        .time_to_detect_s
        .map(|took| format!(" noticed {},", after(took)));
    let moved = fault
        .time_to_fail_over_s
        .map(|took| format!(" served elsewhere {},", after(took)));
    let recovered = match (fault.recovered_s, fault.ended_s) {
        (Some(at), Some(ended)) if at > ended => {
            format!("recovered {} after its end", seconds(at - ended))
        }
        (Some(_), Some(_)) => "over with its end".to_owned(),
        (Some(at), None) => format!(
            "all as before {} after its beginning",
            seconds(at - fault.began_s)
        ),
        (None, _) => "not recovered by the end of the run".to_owned(),
    };
    let until = fault.ended_s.map_or_else(
        || "and not over at the end of the run".to_owned(),
        |ended| format!("to {}", seconds(ended)),
    );
    let mut lost = Vec::new();
    let mut add = |number: u64, words: &str| {
        if number > 0 {
            lost.push(format!("{} {words}", count(number as f64)));
        }
    };
    add(fault.failed, "operations failed");
    add(fault.lost.deliveries, "deliveries lost");
    let more = fault.lost.reconnects - fault.lost.reconnects_usual;
    add(more, "reconnects more than usual");
    let lost = match lost.as_slice() {
        [] => "0 operations failed".to_owned(),
        some => some.join(", "),
    };
    let shared = match fault.shares_with.as_slice() {
        [] => String::new(),
        [other] => format!(" (counted for fault {other} too, which overlaps)"),
        others => format!(
            " (counted for {} other faults too, which overlap)",
            others.len()
        ),
    };
    format!(
        "Fault: {} from {} {until}:{}{} {recovered}; {lost}{shared}.",
        fault.fault,
        seconds(fault.began_s),
        detected.unwrap_or_default(),
        moved.unwrap_or_default(),
    )
}
