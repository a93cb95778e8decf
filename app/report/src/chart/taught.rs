//! What a lesson reveals: a number against the load with the guess in it, and watched runs next to each other over time.

use sim_core::report::Estimate;

use super::Figure;
use super::axis::Axis;
use super::canvas::{LABEL, Side, Stroke, Type, fit, spread, svg};
use super::ink::{Dash, Ink};
use super::plane::{Margins, Plane};
use crate::numbers::{count, millis, seconds};

/// Sheet in page units.
const SIZE: (f64, f64) = (600.0, 300.0);

/// A number, milliseconds, against the load; the guess as an upright line.
pub(crate) fn against_load(
    title: &str,
    curve: &[(u64, Estimate)],
    guess: Option<f64>,
    summary: String,
) -> Option<Figure> {
    let known: Vec<(f64, f64, f64, f64)> = curve
        .iter()
        .filter_map(|(users, found)| {
            let value = found.value.filter(|value| *value > 0.0)?;
            let (low, high) = (found.low.unwrap_or(value), found.high.unwrap_or(value));
            Some((*users as f64, low.max(value * 0.1), value, high))
        })
        .collect();
    if known.len() < 2 {
        return None;
    }
    let loads = curve.iter().map(|(users, _)| *users as f64).chain(guess);
    let x = Axis::log("users", loads, count);
    let ends = known.iter().flat_map(|point| [point.1, point.3]);
    let y = Axis::log("", ends, millis);
    let svg = svg(SIZE.0, SIZE.1, &summary, |canvas| {
        let plane = Plane::new(canvas, Margins(16.0, 20.0, 42.0, 62.0), x, y);
        let band: Vec<(f64, f64, f64)> = known.iter().map(|p| (p.0, p.1, p.3)).collect();
        plane.band(&band, Ink::Series(0));
        let line: Vec<(f64, Option<f64>)> = known.iter().map(|p| (p.0, Some(p.2))).collect();
        let stroke = Stroke {
            ink: Ink::Series(0),
            dash: Dash::Solid,
            width: 2.0,
        };
        plane.line(&line, stroke);
        for point in &known {
            canvas.mark(plane.at(point.0, point.2), 0, Ink::Series(0));
        }
        if let Some(guess) = guess {
            let (at, _) = plane.at(guess, known[0].2);
            let stroke = Stroke {
                ink: Ink::Text,
                dash: Dash::Dashed,
                width: 1.5,
            };
            canvas.line((at, plane.top()), (at, plane.bottom()), stroke);
            let set = Type {
                ink: Ink::Text,
                bold: true,
                ..LABEL
            };
            canvas.text((at + 6.0, plane.top() + 8.0), "guessed", set);
        }
    });
    Some(Figure {
        title: title.to_owned(),
        summary,
        svg,
    })
}

/// Named lines over simulated seconds.
pub(crate) fn watched(
    title: &str,
    lines: &[(String, Vec<(f64, f64)>)],
    summary: String,
) -> Option<Figure> {
    const DASHES: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::Dotted, Dash::Mixed];
    let points = || lines.iter().flat_map(|(_, points)| points);
    let end = points().map(|point| point.0).fold(0.0, f64::max);
    let most = points().map(|point| point.1).fold(0.0, f64::max);
    if end <= 0.0 || most <= 0.0 {
        return None;
    }
    let svg = svg(SIZE.0, SIZE.1 * 0.8, &summary, |canvas| {
        let x = Axis::linear("simulated time", 0.0, end, seconds);
        let y = Axis::from_zero("", most, count);
        let plane = Plane::new(canvas, Margins(16.0, 150.0, 42.0, 52.0), x, y);
        let last = |points: &[(f64, f64)]| points.last().copied().unwrap_or((end, 0.0));
        let heights: Vec<f64> = lines
            .iter()
            .map(|(_, points)| plane.at(end, last(points).1).1)
            .collect();
        let heights = spread(&heights, 15.0, plane.top(), plane.bottom());
        for (index, (name, points)) in lines.iter().enumerate() {
            let ink = Ink::Series(index);
            let line: Vec<(f64, Option<f64>)> = points.iter().map(|p| (p.0, Some(p.1))).collect();
            let stroke = Stroke {
                ink,
                dash: DASHES[index % DASHES.len()],
                width: 2.0,
            };
            plane.line(&line, stroke);
            let set = Type {
                ink,
                side: Side::Left,
                ..LABEL
            };
            let words = fit(name, 140.0, set.size);
            canvas.text((plane.right() + 8.0, heights[index]), &words, set);
        }
    });
    Some(Figure {
        title: title.to_owned(),
        summary,
        svg,
    })
}
