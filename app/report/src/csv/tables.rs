//! Histograms and series as tables with stable headers: one row per bucket, one row per step and metric.

use sim_core::report::RunReport;

use super::line;

/// Latency histograms: `operation,kind,upper_ms,count,cumulative_count,cumulative_share`, one row per bucket that is not empty.
#[must_use]
pub fn csv_histogram(report: &RunReport) -> String {
    let mut text = "operation,kind,upper_ms,count,cumulative_count,cumulative_share\n".to_owned();
    for (name, operation) in &report.operations {
        for (kind, latency) in &operation.latency_ms {
            let total: u64 = latency.buckets.iter().map(|(_, n)| n).sum();
            let mut so_far = 0;
            for (upper_ms, n) in &latency.buckets {
                so_far += n;
                let share = so_far as f64 / total.max(1) as f64;
                let cells = [
                    name.clone(),
                    kind.clone(),
                    upper_ms.to_string(),
                    n.to_string(),
                    so_far.to_string(),
                    share.to_string(),
                ];
                text.push_str(&line(cells.iter().map(String::as_str)));
            }
        }
    }
    text
}

/// The measured time: `start_s,end_s,part,name,metric,value`, by step; `part` is `operation`, `tier` or `connections`.
///
/// A step without an observation has an empty value. A run that kept no series gives the header alone.
#[must_use]
pub fn csv_series(report: &RunReport) -> String {
    let mut text = "start_s,end_s,part,name,metric,value\n".to_owned();
    let Some(series) = &report.series else {
        return text;
    };
    let mut columns: Vec<(&str, &str, &str, Vec<Option<f64>>)> = Vec::new();
    let some = |values: &[f64]| values.iter().map(|v| Some(*v)).collect::<Vec<_>>();
    for (name, o) in &series.operations {
        columns.push(("operation", name, "offered_per_s", some(&o.offered_per_s)));
        columns.push((
            "operation",
            name,
            "deliveries_per_s",
            some(&o.deliveries_per_s),
        ));
        columns.push(("operation", name, "mean_ms", o.mean_ms.clone()));
        columns.push(("operation", name, "p50_ms", o.p50_ms.clone()));
        columns.push(("operation", name, "p99_ms", o.p99_ms.clone()));
    }
    for (name, tier) in &series.tiers {
        columns.push(("tier", name, "cpu", some(&tier.cpu)));
        columns.push(("tier", name, "queue", some(&tier.queue)));
    }
    let open = series
        .connections_open
        .iter()
        .map(|n| Some(*n as f64))
        .collect();
    columns.push(("connections", "", "open", open));
    let steps = columns
        .iter()
        .map(|(.., values)| values.len())
        .max()
        .unwrap_or(0);
    for step in 0..steps {
        let start_s = series.start_s + series.step_s * step as f64;
        let end_s = series.start_s + series.step_s * (step + 1) as f64;
        for (part, name, metric, values) in
            columns.iter().filter(|(.., values)| step < values.len())
        {
            let value = values[step].map_or_else(String::new, |v| v.to_string());
            let (start_s, end_s) = (start_s.to_string(), end_s.to_string());
            text.push_str(&line(
                [&start_s, &end_s, *part, *name, *metric, &value].into_iter(),
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn histograms_count_up_to_the_whole() {
        let run = sample::full();
        let text = csv_histogram(&run);
        let rows: usize = run
            .operations
            .values()
            .flat_map(|o| o.latency_ms.values())
            .map(|l| l.buckets.len())
            .sum();
        assert_eq!(text.lines().count(), 1 + rows);
        let delivered: Vec<&str> = text
            .lines()
            .filter(|l| l.starts_with("publish,delivered,"))
            .collect();
        assert!(
            delivered.last().unwrap().ends_with(",241200000,1"),
            "{:?}",
            delivered.last()
        );
    }

    #[test]
    fn series_have_one_row_per_step_and_metric() {
        let text = csv_series(&sample::full());
        // Two operations with five metrics, three tiers with two, and the connections.
        assert_eq!(text.lines().count(), 1 + 60 * (2 * 5 + 3 * 2 + 1));
        assert!(
            text.contains("\n38,39,operation,publish,p99_ms,\n"),
            "a step without observations is empty"
        );
        assert!(text.contains("\n5,6,connections,,open,199000\n"));
        assert_eq!(csv_series(&sample::run()).lines().count(), 1);
    }

    #[test]
    fn strange_names_are_quoted() {
        let mut run = sample::full();
        let operation = run.operations.remove("query").unwrap();
        run.operations.insert("a,\"b\"\nc".to_owned(), operation);
        assert!(csv_histogram(&run).contains("\n\"a,\"\"b\"\"\nc\",answered,"));
    }
}
