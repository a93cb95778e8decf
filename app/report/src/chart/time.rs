//! The measured time step by step: percentiles, rates, CPU, queues and how far projections are behind; what was cut as warm-up is shaded.

use std::collections::BTreeMap;

use sim_core::report::{RunReport, SeriesReport};

use super::Figure;
use super::axis::Axis;
use super::canvas::{Stroke, svg, width_of};
use super::ink::{Dash, Ink};
use super::plane::{Margins, Plane};
use crate::numbers::{count, millis, percent, rate, seconds};
use crate::phrases;

/// Lines on one chart.
const MOST_LINES: usize = 6;
/// Sheet in page units.
const SIZE: (f64, f64) = (560.0, 280.0);

/// One line over time.
struct Line {
    name: String,
    values: Vec<Option<f64>>,
    /// Drawn thinner and dotted under a companion of the same colour.
    quiet: bool,
    series: usize,
}

/// All charts over time; none without a series.
pub(crate) fn over_time(report: &RunReport) -> Vec<Figure> {
    let Some(series) = report.series.as_ref().filter(|s| s.step_s > 0.0) else {
        return Vec::new();
    };
    let cut_s = report.precision.as_ref().map_or(0.0, |p| p.cut_s);
    let chart = |title: &str, axis: &str, lines: Vec<Line>, unit: fn(f64) -> String| {
        draw(title, axis, series, cut_s, &lines, unit)
    };
    let stable = phrases::unstable_tier(report).is_none();
    let latency = if stable { latency(series) } else { Vec::new() };
    [
        chart(
            "Latency over time",
            "time to receive, by second of sending",
            latency,
            millis,
        ),
        chart("Deliveries over time", "per second", rates(series), rate),
        chart(
            "Use over time",
            "share in use, mean of the instances: CPU, of the database its pool",
            cpu(series),
            percent,
        ),
        chart(
            "Work waiting over time",
            "waiting at the end of the step, all instances",
            queues(series),
            count,
        ),
        chart(
            "Behind the log over time",
            "age of the oldest event that a projection does not show yet, at the end of the step",
            behind(series),
            millis,
        ),
        chart(
            "Connections over time",
            "open at the end of the step",
            connections(series),
            count,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn latency(series: &SeriesReport) -> Vec<Line> {
    let mut lines = Vec::new();
    for (index, (name, operation)) in series.operations.iter().take(MOST_LINES / 2).enumerate() {
        let line = |what: &str, values: &[Option<f64>], quiet| Line {
            name: format!("{name} {what}"),
            values: values.to_vec(),
            quiet,
            series: index,
        };
        lines.push(line("p99", &operation.p99_ms, false));
        lines.push(line("p50", &operation.p50_ms, true));
    }
    lines
}

fn rates(series: &SeriesReport) -> Vec<Line> {
    let of = |operation: &sim_core::report::OperationSeries| some(&operation.deliveries_per_s);
    lines(
        series
            .operations
            .iter()
            .map(|(name, o)| (name.clone(), of(o))),
    )
}

fn cpu(series: &SeriesReport) -> Vec<Line> {
    tiers(series, |tier| &tier.cpu)
}

fn queues(series: &SeriesReport) -> Vec<Line> {
    let queues = tiers(series, |tier| &tier.queue);
    let waits = |line: &Line| line.values.iter().flatten().any(|v| *v > 0.0);
    queues.into_iter().filter(waits).collect()
}

fn behind(series: &SeriesReport) -> Vec<Line> {
    let models = series.tiers.get("projections");
    let lags = models.iter().flat_map(|own| &own.lag_ms);
    lines(lags.map(|(name, lag)| (name.clone(), some(lag))))
}

fn connections(series: &SeriesReport) -> Vec<Line> {
    let open: Vec<Option<f64>> = series
        .connections_open
        .iter()
        .map(|n| Some(*n as f64))
        .collect();
    // A flat line says nothing that the table does not.
    let changes = open.windows(2).any(|pair| pair[0] != pair[1]);
    if !changes || spread_of(&open) < 0.01 {
        Vec::new()
    } else {
        lines([("open".to_owned(), open)].into_iter())
    }
}

fn spread_of(values: &[Option<f64>]) -> f64 {
    let (low, high) = ends(values);
    if high > 0.0 { (high - low) / high } else { 0.0 }
}

fn tiers(series: &SeriesReport, of: fn(&sim_core::report::TierSeries) -> &Vec<f64>) -> Vec<Line> {
    let mut all: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for (name, tier) in &series.tiers {
        let values = some(of(tier));
        if !values.is_empty() {
            all.insert(phrases::tier(name), values);
        }
    }
    lines(all.into_iter())
}

fn some(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|v| Some(*v)).collect()
}

fn lines(all: impl Iterator<Item = (String, Vec<Option<f64>>)>) -> Vec<Line> {
    all.enumerate()
        .take(MOST_LINES)
        .map(|(series, (name, values))| Line {
            name,
            values,
            quiet: false,
            series,
        })
        .collect()
}

fn ends(values: &[Option<f64>]) -> (f64, f64) {
    let finite = values.iter().flatten().copied().filter(|v| v.is_finite());
    finite.fold((f64::INFINITY, 0.0), |(low, high), v| {
        (low.min(v), high.max(v))
    })
}

fn draw(
    title: &str,
    axis: &str,
    series: &SeriesReport,
    cut_s: f64,
    lines: &[Line],
    unit: fn(f64) -> String,
) -> Option<Figure> {
    let steps = lines
        .iter()
        .map(|line| line.values.len())
        .max()
        .unwrap_or(0);
    if steps < 2 {
        return None;
    }
    let end_s = series.start_s + series.step_s * steps as f64;
    let most = lines
        .iter()
        .map(|line| ends(&line.values).1)
        .fold(0.0, f64::max);
    let x = Axis::linear("simulated time", series.start_s, end_s, seconds);
    let y = Axis::from_zero(axis, most, unit);
    let said: Vec<String> = lines
        .iter()
        .map(|line| {
            let (low, high) = ends(&line.values);
            if low > high {
                format!("{}: no observation", line.name)
            } else {
                format!("{} between {} and {}", line.name, unit(low), unit(high))
            }
        })
        .collect();
    let cut = if cut_s > 0.0 {
        format!(
            " The first {} are left out of every other number: not yet steady.",
            seconds(cut_s)
        )
    } else {
        String::new()
    };
    let summary = format!(
        "{}, in steps of {}.{cut}",
        said.join("; "),
        seconds(series.step_s)
    );
    let longest = lines
        .iter()
        .map(|line| width_of(&line.name, 12.0))
        .fold(60.0, f64::max);
    let right = (longest + 32.0).min(190.0);
    let svg = svg(SIZE.0, SIZE.1, &summary, |canvas| {
        let plane = Plane::new(canvas, Margins(38.0, right, 46.0, 58.0), x, y);
        if cut_s > 0.0 {
            plane.shade(
                series.start_s,
                (series.start_s + cut_s).min(end_s),
                Ink::Muted,
                "cut",
            );
        }
        let mut names = Vec::new();
        for line in lines {
            let at = |i: usize| series.start_s + (i as f64 + 0.5) * series.step_s;
            let points: Vec<(f64, Option<f64>)> = line
                .values
                .iter()
                .enumerate()
                .map(|(i, v)| (at(i), *v))
                .collect();
            let (dash, width) = if line.quiet {
                (Dash::of_series(line.series), 1.0)
            } else {
                (Dash::of_series(line.series), 2.0)
            };
            plane.line(
                &points,
                Stroke {
                    ink: Ink::Series(line.series),
                    dash,
                    width,
                },
            );
            if let Some((x, Some(y))) = points.iter().rev().find(|(_, v)| v.is_some()) {
                names.push((line.name.clone(), *x, *y, line.series));
            }
        }
        plane.ends(&names);
    });
    Some(Figure {
        title: title.to_owned(),
        summary,
        svg,
    })
}
