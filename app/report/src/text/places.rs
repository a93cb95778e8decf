//! 99th percentiles by region and by access network, one column per operation.

use std::collections::{BTreeMap, BTreeSet};

use sim_core::report::{LatencyReport, OperationReport, RunReport};

use crate::numbers::{millis, percent};
use crate::phrases;
use crate::sentences::by_importance;
use crate::table::Table;

type Places = BTreeMap<String, LatencyReport>;

/// Writes both tables; none for an unstable run, which has no percentile.
pub(super) fn places(out: &mut String, report: &RunReport) {
    if phrases::unstable_tier(report).is_some() {
        return;
    }
    table(out, report, "region", |operation| &operation.by_region);
    table(out, report, "access", |operation| &operation.by_access);
}

fn table(out: &mut String, report: &RunReport, by: &str, of: fn(&OperationReport) -> &Places) {
    let operations: Vec<(&str, &Places)> = by_importance(report)
        .map(|(name, operation)| (name, of(operation)))
        .filter(|(_, places)| !places.is_empty())
        .collect();
    let names: BTreeSet<&String> = operations.iter().flat_map(|(_, p)| p.keys()).collect();
    let Some((_, main)) = operations.first() else {
        return;
    };
    // With one place only, the row repeats the operation's own.
    if names.len() < 2 {
        return;
    }
    let title = format!("p99 by {by}");
    let mut header = vec![title.as_str(), "share"];
    header.extend(operations.iter().map(|(name, _)| *name));
    let mut table = Table::new(1, &header);
    let mut slowest_first: Vec<&String> = names.into_iter().collect();
    slowest_first.sort_by(|a, b| p99(main, b).total_cmp(&p99(main, a)));
    let total: u64 = main.values().map(|latency| latency.count).sum();
    for place in slowest_first {
        let count = main.get(place).map_or(0, |latency| latency.count);
        let share = percent(count as f64 / total.max(1) as f64);
        let mut row = vec![place.clone(), share];
        row.extend(operations.iter().map(|(_, places)| cell(places.get(place))));
        table.row(row);
    }
    out.push('\n');
    table.write(out);
}

fn p99(places: &Places, place: &str) -> f64 {
    places
        .get(place)
        .and_then(|latency| latency.p99.value)
        .unwrap_or(0.0)
}

fn cell(latency: Option<&LatencyReport>) -> String {
    let value = latency.and_then(|latency| latency.p99.value);
    value.map_or_else(|| "-".to_owned(), millis)
}
