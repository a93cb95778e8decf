//! Percentile curves: how slow the slowest one in ten, hundred, thousand is. Both axes are logarithmic.

use sim_core::report::{CompareReport, Estimate, LatencyReport, RunReport};

use super::Figure;
use super::axis::Axis;
use super::canvas::{Stroke, svg, width_of};
use super::ink::{Dash, Ink, SERIES};
use super::plane::{Margins, Plane};
use crate::numbers::millis;
use crate::phrases;
use crate::sentences::by_importance;

/// Lines on one chart.
const MOST_CURVES: usize = 6;
/// Sheet in page units.
const SIZE: (f64, f64) = (560.0, 330.0);

/// One distribution to draw.
struct Curve<'a> {
    name: String,
    latency: &'a LatencyReport,
}

/// The percentile curves of a run; `None` without histograms.
pub(crate) fn percentiles(report: &RunReport) -> Option<Figure> {
    if phrases::unstable_tier(report).is_some() {
        return None;
    }
    let curves: Vec<Curve<'_>> = by_importance(report)
        .flat_map(|(name, operation)| {
            operation
                .latency_ms
                .iter()
                .rev()
                .map(move |(kind, latency)| Curve {
                    name: format!("{name} {kind}"),
                    latency,
                })
        })
        .filter(|curve| !curve.latency.buckets.is_empty())
        .take(MOST_CURVES)
        .collect();
    draw("How slow the slowest are", &curves)
}

/// The main operation of both designs.
pub(crate) fn percentiles_of_two(report: &CompareReport, names: (&str, &str)) -> Option<Figure> {
    let curves: Vec<Curve<'_>> = [(names.0, &report.a), (names.1, &report.b)]
        .into_iter()
        .filter(|(_, run)| phrases::unstable_tier(run).is_none())
        .filter_map(|(name, run)| {
            let (_, latency) = crate::sentences::main_latency(run)?;
            Some(Curve {
                name: name.to_owned(),
                latency,
            })
        })
        .filter(|curve| !curve.latency.buckets.is_empty())
        .collect();
    if curves.len() < 2 {
        return None;
    }
    draw("How slow the slowest are, both designs", &curves)
}

/// Nines as they are drawn: 0 is everything, 1 the slowest tenth, 2 the slowest hundredth.
fn nines(share: f64) -> f64 {
    -(1.0 - share).log10()
}

/// As far as the run supports: its largest percentile with a value.
fn reach(latency: &LatencyReport) -> f64 {
    match () {
        () if latency.p999.value.is_some() => 3.0,
        () if latency.p99.value.is_some() => 2.0,
        () if latency.p95.value.is_some() => nines(0.95),
        () => nines(0.5),
    }
}

fn points(latency: &LatencyReport) -> Vec<(f64, f64)> {
    let total: u64 = latency.buckets.iter().map(|(_, n)| n).sum();
    let end = reach(latency);
    let mut so_far = 0;
    let mut points: Vec<(f64, f64)> = Vec::new();
    for &(bound, n) in &latency.buckets {
        so_far += n;
        let left = total - so_far;
        let at = if left == 0 {
            f64::INFINITY
        } else {
            nines(so_far as f64 / total as f64)
        };
        if at > end {
            // The last piece ends where the support ends.
            if let Some(&(x, y)) = points.last() {
                let share = if at.is_finite() {
                    (end - x) / (at - x)
                } else {
                    0.5
                };
                points.push((end, y * (bound / y).powf(share)));
            }
            break;
        }
        points.push((at, bound));
    }
    thinned(points)
}

/// Points closer than a hair on paper say nothing.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let far = kept
            .last()
            .is_none_or(|last| point.0 - last.0 > 0.004 || (point.1 / last.1).ln().abs() > 0.01);
        if far || index + 1 == points.len() {
            kept.push(*point);
        }
    }
    kept
}

fn draw(title: &str, curves: &[Curve<'_>]) -> Option<Figure> {
    let drawn: Vec<Vec<(f64, f64)>> = curves.iter().map(|curve| points(curve.latency)).collect();
    if drawn.iter().all(|points| points.len() < 2) {
        return None;
    }
    let end = curves
        .iter()
        .map(|curve| reach(curve.latency))
        .fold(1.0, f64::max);
    let ticks = [
        (0.5, "50 %"),
        (0.9, "90 %"),
        (0.99, "99 %"),
        (0.999, "99.9 %"),
    ];
    let ticks = ticks
        .iter()
        .map(|(p, label)| (nines(*p), (*label).to_owned()))
        .filter(|(at, _)| *at <= end + 0.01);
    let x = Axis::fixed(
        "percentile: this share is faster",
        0.0,
        end,
        ticks.collect(),
    );
    let from = 0.05;
    let values = drawn
        .iter()
        .flatten()
        .filter(|(at, _)| *at >= from)
        .map(|(_, ms)| *ms);
    let highs = curves
        .iter()
        .flat_map(|c| marks(c.latency))
        .filter_map(|(_, e)| e.high);
    let y = Axis::log("time", values.chain(highs), millis);
    let summary = summary(curves);
    let longest = curves
        .iter()
        .map(|curve| width_of(&curve.name, 12.0))
        .fold(60.0, f64::max);
    let right = (longest + 32.0).min(190.0);
    let svg = svg(SIZE.0, SIZE.1, &summary, |canvas| {
        let plane = Plane::new(canvas, Margins(38.0, right, 46.0, 58.0), x, y);
        let mut names = Vec::new();
        for (series, (curve, points)) in curves.iter().zip(&drawn).enumerate() {
            let series = series % SERIES;
            let line: Vec<(f64, Option<f64>)> = points
                .iter()
                .filter(|(at, _)| *at >= from)
                .map(|(at, ms)| (*at, Some(*ms)))
                .collect();
            let stroke = Stroke {
                ink: Ink::Series(series),
                dash: Dash::of_series(series),
                width: 2.0,
            };
            plane.line(&line, stroke);
            for (at, e) in marks(curve.latency) {
                if let (Some(low), Some(high)) = (e.low, e.high) {
                    plane.whisker(at, low, high, Ink::Series(series));
                }
            }
            if let Some(&(at, ms)) = points.last() {
                names.push((curve.name.clone(), at, ms, series));
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

fn marks(latency: &LatencyReport) -> Vec<(f64, Estimate)> {
    let at = [
        (0.5, latency.p50),
        (0.95, latency.p95),
        (0.99, latency.p99),
        (0.999, latency.p999),
    ];
    at.into_iter()
        .map(|(p, e)| (nines(p), e))
        .filter(|(_, e)| e.value.is_some())
        .collect()
}

fn summary(curves: &[Curve<'_>]) -> String {
    let say = |e: Estimate| e.value.map(millis);
    let each = curves.iter().map(|curve| {
        let l = curve.latency;
        let parts = [("half", l.p50), ("99 %", l.p99), ("99.9 %", l.p999)];
        let parts: Vec<String> = parts
            .iter()
            .filter_map(|(share, e)| Some(format!("{share} within {}", say(*e)?)))
            .collect();
        format!(
            "{}: {}",
            curve.name,
            if parts.is_empty() {
                "no percentile supported".to_owned()
            } else {
                parts.join(", ")
            }
        )
    });
    let bars = curves
        .iter()
        .any(|c| marks(c.latency).iter().any(|(_, e)| e.low.is_some()));
    let note = if bars {
        " Small bars are 95 % intervals."
    } else {
        ""
    };
    format!("{}.{note}", each.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// A short run supports few percentiles: its curves end early, close to one another.
    #[test]
    fn names_of_curves_that_end_early_stand_clear_of_the_plot_and_of_one_another() {
        let mut run = sample::full();
        for latency in run
            .operations
            .values_mut()
            .flat_map(|o| o.latency_ms.values_mut())
        {
            (latency.p95, latency.p99, latency.p999) =
                (Estimate::none(), Estimate::none(), Estimate::none());
        }
        let figure = percentiles(&run).unwrap();
        let tree = roxmltree::Document::parse(&figure.svg).unwrap();
        let names: Vec<(f64, f64)> = tree
            .descendants()
            .filter(|node| {
                let words = node.text().unwrap_or_default().trim();
                node.has_tag_name("text") && figure.summary.contains(&format!("{words}:"))
            })
            .map(|node| {
                let at = |name| node.attribute(name).unwrap().parse::<f64>().unwrap();
                (at("x"), at("y"))
            })
            .collect();
        assert!(names.len() >= 2, "{}", figure.svg);
        let left = names[0].0;
        assert!(left > SIZE.0 / 2.0);
        for (index, (x, y)) in names.iter().enumerate() {
            assert_eq!(*x, left);
            let near = |other: &(f64, f64)| (other.1 - y).abs() < 14.0;
            assert!(!names[index + 1..].iter().any(near), "{names:?}");
        }
    }
}
