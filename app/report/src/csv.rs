//! CSV (RFC 4180): a run as `metric,value,low,high`, a ramp as one row per load.
//!
//! Both are the JSON tree made flat: a metric's name is its path, so units stand in the names and a field added to the report
//! arrives here by itself. Estimates take one row with their interval. Histograms and series have tables
//! of their own: [`csv_histogram`] and [`csv_series`].

mod tables;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sim_core::report::{CheckReport, CompareReport, RampReport, RunReport};

use crate::json::ToJson;

pub use tables::{csv_histogram, csv_series};

/// Parts of the report that are tables of their own.
const TABLES: [&str; 2] = ["buckets", "series"];

/// One flat metric.
struct Row {
    metric: String,
    value: String,
    low: String,
    high: String,
}

/// A run: `metric,value,low,high`.
pub(crate) fn run(report: &RunReport) -> String {
    let mut text = "metric,value,low,high\n".to_owned();
    for row in rows(report) {
        text.push_str(&format!(
            "{},{},{},{}\n",
            quote(&row.metric),
            quote(&row.value),
            row.low,
            row.high
        ));
    }
    text
}

/// A ramp: one row per load, one column per metric; intervals are columns of their own where there are any.
pub(crate) fn ramp(report: &RampReport) -> String {
    loads(&report.points)
}

/// Runs at several loads: one row per load.
pub(crate) fn loads(runs: &[RunReport]) -> String {
    let points: Vec<Vec<(String, String)>> = runs.iter().map(|point| cells(&rows(point))).collect();
    let mut columns: Vec<&str> = Vec::new();
    let mut known = BTreeMap::new();
    for (name, _) in points.iter().flatten() {
        if known.insert(name.as_str(), ()).is_none() {
            columns.push(name);
        }
    }
    let mut text = line(columns.iter().copied());
    for point in &points {
        let by_name: BTreeMap<&str, &str> = point
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        text.push_str(&line(
            columns
                .iter()
                .map(|name| by_name.get(name).copied().unwrap_or("")),
        ));
    }
    text
}

/// A comparison: one row per metric.
pub(crate) fn differences(report: &CompareReport) -> String {
    let mut text = "metric,difference,low,high,verdict\n".to_owned();
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for (metric, difference) in &report.differences {
        let listed = |list: &[String]| list.contains(metric);
        let verdict = match () {
            () if listed(&report.better) => "better",
            () if listed(&report.worse) => "worse",
            () if listed(&report.same) => "same",
            () => "",
        };
        text.push_str(&line(
            [
                metric.as_str(),
                &number(difference.value),
                &number(difference.low),
                &number(difference.high),
                verdict,
            ]
            .into_iter(),
        ));
    }
    text
}

/// A check: one row per objective.
pub(crate) fn verdicts(report: &CheckReport) -> String {
    let mut text = "scenario,file,line,objective,verdict,reason\n".to_owned();
    for scenario in &report.scenarios {
        for objective in &scenario.objectives {
            text.push_str(&line(
                [
                    scenario.scenario.as_str(),
                    &objective.file,
                    &objective.line.to_string(),
                    &objective.result.objective,
                    &objective.result.verdict,
                    &objective.reason,
                ]
                .into_iter(),
            ));
        }
    }
    text
}

fn rows(report: &RunReport) -> Vec<Row> {
    let mut rows = Vec::new();
    flatten(String::new(), &report.to_json(), &mut rows);
    rows
}

fn cells(rows: &[Row]) -> Vec<(String, String)> {
    let mut cells = Vec::new();
    for row in rows {
        cells.push((row.metric.clone(), row.value.clone()));
        if !row.low.is_empty() || !row.high.is_empty() {
            cells.push((format!("{}.low", row.metric), row.low.clone()));
            cells.push((format!("{}.high", row.metric), row.high.clone()));
        }
    }
    cells
}

fn flatten(path: String, value: &Value, rows: &mut Vec<Row>) {
    match value {
        Value::Object(map) if is_estimate(map) => {
            let part = |key| scalar(&map[key]);
            rows.push(Row {
                metric: path,
                value: part("value"),
                low: part("low"),
                high: part("high"),
            });
        }
        Value::Object(map) => {
            for (key, child) in map
                .iter()
                .filter(|(key, _)| !TABLES.contains(&key.as_str()))
            {
                let separator = if path.is_empty() { "" } else { "." };
                flatten(format!("{path}{separator}{key}"), child, rows);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(
                    format!(
                        "{path}[{}]",
                        label(item).unwrap_or_else(|| index.to_string())
                    ),
                    item,
                    rows,
                );
            }
        }
        leaf => rows.push(Row {
            metric: path,
            value: scalar(leaf),
            low: String::new(),
            high: String::new(),
        }),
    }
}

fn is_estimate(map: &Map<String, Value>) -> bool {
    map.len() == 3
        && ["value", "low", "high"]
            .iter()
            .all(|key| map.contains_key(*key))
}

/// Rows of lists are named after what identifies them, so that columns of a ramp mean the same thing at every load.
fn label(item: &Value) -> Option<String> {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    if let Some(name) = text("objective").or_else(|| text("path")) {
        return Some(name.to_owned());
    }
    match (text("tier"), text("cause").or_else(|| text("category"))) {
        (Some(tier), Some(kind)) => Some(format!("{tier} {kind}")),
        _ => None,
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut text = cells.map(quote).collect::<Vec<_>>().join(",");
    text.push('\n');
    text
}

pub(crate) fn quote(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn estimates_take_one_row_with_their_interval() {
        let text = run(&sample::run());
        assert!(
            text.contains("\noperations.publish.latency_ms.delivered.p99,212.4,203.1,221.9\n"),
            "{text}"
        );
        assert!(
            text.contains("\ntiers.database.utilization.pool.hottest,0.784,,\n"),
            "{text}"
        );
        assert!(
            text.contains("\nobjectives[publish.lost == 0].verdict,pass,,\n"),
            "{text}"
        );
        assert!(!text.contains("buckets"));
    }

    #[test]
    fn a_ramp_has_one_row_per_load_and_equal_columns() {
        let ramp_report = sample::ramp();
        let text = ramp(&ramp_report);
        assert_eq!(text.lines().count(), 1 + ramp_report.points.len());
        let mut reader = text.lines();
        let header = reader.next().unwrap();
        assert!(header.contains("operations.publish.latency_ms.delivered.p99.low"));
        let commas = |line: &str| line.split(',').count();
        // No cell of these columns is quoted, so commas count cells.
        assert!(!text.contains('"'), "{text}");
        assert!(reader.all(|line| commas(line) == commas(header)));
    }

    #[test]
    fn cells_with_commas_are_quoted() {
        assert_eq!(quote("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quote("plain"), "plain");
    }
}
