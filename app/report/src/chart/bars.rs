//! Bars: how full the tiers are, where the time goes, what it costs, how far the load may rise.

use sim_core::report::{OperationReport, RunReport};

use super::Figure;
use super::axis::Axis;
use super::canvas::{Canvas, HAIR, LABEL, Side, Stroke, Type, fit, svg, width_of};
use super::ink::{Dash, Ink};
use crate::grid::letter;
use crate::numbers::{count, millis, percent, usd};
use crate::{phrases, tables};

pub(super) const WIDTH: f64 = 600.0;
/// Width of the load line, which stands in a narrow column.
const LINE_WIDTH: f64 = 500.0;
/// Widest column of names.
const MOST_NAMES: f64 = 250.0;
/// Height of a row.
pub(super) const ROW: f64 = 27.0;
/// Rows of a chart; the table holds all.
pub(super) const MOST_ROWS: usize = 14;

const NAME: Type = Type {
    ink: Ink::Text,
    size: 12.5,
    side: Side::Right,
    bold: false,
};

/// Where bars begin: right of the longest name.
pub(super) fn begin<'a>(names: impl Iterator<Item = &'a str>) -> f64 {
    let widest = names
        .map(|words| width_of(words, NAME.size))
        .fold(60.0, f64::max);
    (widest + 14.0).min(MOST_NAMES)
}

pub(super) fn name(canvas: &Canvas<'_>, begin: f64, y: f64, words: &str) {
    let words = fit(words, begin - 10.0, NAME.size);
    canvas.text((begin - 10.0, y), &words, NAME);
}

/// Lines and labels at 0, 50 and 100 %, from above the rows to `bottom`.
pub(super) fn share_axis(canvas: &Canvas<'_>, at: impl Fn(f64) -> f64, top: f64, bottom: f64) {
    for share in [0.0, 0.5, 1.0] {
        canvas.line((at(share), top - 8.0), (at(share), bottom), HAIR);
        canvas.text(
            (at(share), top - 17.0),
            &percent(share),
            Type {
                side: Side::Middle,
                size: 11.0,
                ..LABEL
            },
        );
    }
}

/// Mean and hottest utilisation of every resource, with the line at 80 %.
pub(crate) fn utilization(report: &RunReport) -> Option<Figure> {
    let mut rows: Vec<(String, f64, f64)> = Vec::new();
    for (tier, t) in tables::in_order(report) {
        let mut used: Vec<_> = t.utilization.iter().collect();
        used.sort_by(|a, b| b.1.hottest.total_cmp(&a.1.hottest));
        let row = |(resource, u): (&String, &sim_core::report::Utilization)| {
            (
                format!("{} {}", phrases::tier(tier), resource.replace('_', " ")),
                u.hottest,
                u.mean,
            )
        };
        rows.extend(used.into_iter().map(row));
    }
    if rows.is_empty() {
        return None;
    }
    let all = rows.len();
    if all > MOST_ROWS {
        let mut fullest: Vec<f64> = rows.iter().map(|r| r.1).collect();
        fullest.sort_by(|a, b| b.total_cmp(a));
        let least = fullest[MOST_ROWS - 1];
        rows.retain(|r| r.1 >= least);
        rows.truncate(MOST_ROWS);
    }
    let (right, top) = (520.0, 30.0);
    let begin = begin(rows.iter().map(|r| r.0.as_str()));
    let at = |share: f64| {
        let share = if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.1)
        };
        begin + (right - begin) * share / 1.1
    };
    let height = top + ROW * rows.len() as f64 + 8.0;
    let hidden = if all > rows.len() {
        format!(" The {} emptiest are in the table only.", all - rows.len())
    } else {
        String::new()
    };
    let over: Vec<String> = rows
        .iter()
        .filter(|r| r.1 >= 0.8)
        .map(|r| format!("{} ({})", r.0, percent(r.1)))
        .collect();
    let fullest = rows.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let first = match (over.is_empty(), fullest) {
        (true, Some(f)) => format!(
            "Nothing is above 80 %; fullest is {}, {}.",
            f.0,
            percent(f.1)
        ),
        _ => format!("Above 80 %: {}.", over.join(", ")),
    };
    let summary = format!(
        "{first} Dark bars are the mean over instances, light ones reach to the hottest.{hidden}"
    );
    let svg = svg(WIDTH, height, &summary, |canvas| {
        share_axis(canvas, at, top, height - 6.0);
        for (index, (words, hottest, mean)) in rows.iter().enumerate() {
            let y = top + ROW * (index as f64 + 0.5);
            let ink = match hottest {
                h if *h >= 1.0 => Ink::Bad,
                h if *h >= 0.8 => Ink::Warn,
                _ => Ink::Series(0),
            };
            name(canvas, begin, y, words);
            canvas.fill(
                (at(0.0), y - 7.0),
                (at(*hottest).max(at(0.0) + 1.0), y + 7.0),
                ink,
                0.38,
            );
            canvas.fill((at(0.0), y - 7.0), (at(*mean), y + 7.0), ink, 1.0);
            let bold = *hottest >= 0.8;
            canvas.text(
                (right + 8.0, y),
                &percent(*hottest),
                Type {
                    ink: Ink::Text,
                    bold,
                    ..LABEL
                },
            );
        }
        canvas.line(
            (at(0.8), top - 8.0),
            (at(0.8), height - 6.0),
            Stroke {
                ink: Ink::Warn,
                dash: Dash::Dashed,
                width: 1.4,
            },
        );
        canvas.text(
            (at(0.8), top - 17.0),
            "80 %",
            Type {
                ink: Ink::Warn,
                side: Side::Middle,
                size: 11.0,
                bold: true,
            },
        );
        canvas.text(
            (right + 8.0, top - 17.0),
            "hottest",
            Type {
                size: 11.0,
                ..LABEL
            },
        );
    });
    Some(Figure {
        title: "How full the tiers are".to_owned(),
        summary,
        svg,
    })
}

/// A stacked bar: name, value, how long each part is, height.
type Bar<'a> = (&'a str, String, fn(&tables::Part) -> f64, f64);

/// The mean beside the slowest 1 %, in parts.
pub(crate) fn causes(operation_name: &str, operation: &OperationReport) -> Option<Figure> {
    let parts = tables::parts(operation);
    let total: f64 = parts.iter().map(|p| p.mean_ms).sum();
    if total <= 0.0 || !total.is_finite() {
        return None;
    }
    let (left, right) = (96.0, WIDTH - 4.0);
    let top_of = |pick: fn(&tables::Part) -> f64| {
        parts
            .iter()
            .max_by(|a, b| pick(a).total_cmp(&pick(b)))
            .map(|p| format!("{} ({})", p.name, percent(pick(p))))
    };
    let summary = format!(
        "Of the mean of {operation_name}, {}, most is {}; of the slowest 1 %, most is {}.",
        millis(total),
        top_of(|p| p.of_mean).unwrap_or_default(),
        top_of(|p| p.of_tail).unwrap_or_default()
    );
    let svg = svg(WIDTH, 126.0, &summary, |canvas| {
        let bars: [Bar<'_>; 2] = [
            ("mean", millis(total), |p| p.of_mean, 36.0),
            ("slowest 1 %", String::new(), |p| p.of_tail, 90.0),
        ];
        for (words, value, pick, y) in bars {
            let whole: f64 = parts.iter().map(pick).sum();
            let lift = if value.is_empty() { 0.0 } else { 8.0 };
            canvas.text((left - 10.0, y - lift), words, NAME);
            canvas.text(
                (left - 10.0, y + 9.0),
                &value,
                Type {
                    side: Side::Right,
                    ..LABEL
                },
            );
            let mut from = left;
            for (index, part) in parts.iter().enumerate() {
                let width = (right - left) * pick(part) / whole.max(1e-12);
                // A hair of paper between parts keeps them apart without colour.
                let to = from + width;
                canvas.fill(
                    (from, y - 18.0),
                    ((to - 1.5).max(from), y + 18.0),
                    Ink::Series(index),
                    1.0,
                );
                let label = format!(
                    "{} {}",
                    letter(index),
                    percent(pick(part) / whole.max(1e-12))
                );
                let paper = Type {
                    ink: Ink::On(index),
                    side: Side::Middle,
                    bold: true,
                    ..LABEL
                };
                if width > width_of(&label, 12.0) + 6.0 {
                    canvas.text(((from + to) / 2.0, y), &label, paper);
                } else if width > 13.0 {
                    canvas.text(((from + to) / 2.0, y), &letter(index).to_string(), paper);
                }
                from = to;
            }
        }
    });
    Some(Figure {
        title: format!("Where the time of {operation_name} goes"),
        summary,
        svg,
    })
}

/// The bill, largest item first.
pub(crate) fn cost(report: &RunReport) -> Option<Figure> {
    let cost = report.cost.as_ref()?;
    let mut items: Vec<(String, f64)> = cost
        .items
        .iter()
        .map(|i| {
            (
                format!(
                    "{}, {}",
                    phrases::tier(&i.tier),
                    i.category.replace('_', " ")
                ),
                i.usd_per_month,
            )
        })
        .collect();
    items.sort_by(|a, b| b.1.total_cmp(&a.1));
    let rest: f64 = items.iter().skip(MOST_ROWS - 1).map(|(_, usd)| usd).sum();
    if items.len() > MOST_ROWS {
        let n = items.len() - (MOST_ROWS - 1);
        items.truncate(MOST_ROWS - 1);
        items.push((format!("{n} smaller items"), rest));
    }
    let most = items
        .iter()
        .map(|(_, usd)| *usd)
        .filter(|v| v.is_finite())
        .fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    let (right, top) = (470.0, 8.0);
    let begin = begin(items.iter().map(|i| i.0.as_str()));
    let height = top + ROW * (items.len() as f64 + 1.0) + 12.0;
    let share = |usd: f64| {
        if cost.usd_per_month > 0.0 {
            usd / cost.usd_per_month
        } else {
            0.0
        }
    };
    let said: Vec<String> = items
        .iter()
        .take(3)
        .map(|(n, v)| format!("{n} {} ({})", usd(*v), percent(share(*v))))
        .collect();
    let summary = format!(
        "{} a month in all; largest: {}.",
        usd(cost.usd_per_month),
        said.join("; ")
    );
    let svg = svg(WIDTH, height, &summary, |canvas| {
        for (index, (words, value)) in items.iter().enumerate() {
            let y = top + ROW * (index as f64 + 0.5);
            name(canvas, begin, y, words);
            let width = ((right - begin) * value / most).max(1.0);
            canvas.fill(
                (begin, y - 7.0),
                (begin + width, y + 7.0),
                Ink::Series(0),
                1.0,
            );
            let label = format!("{}, {}", usd(*value), percent(share(*value)));
            canvas.text(
                (begin + width + 8.0, y),
                &label,
                Type {
                    ink: Ink::Text,
                    ..LABEL
                },
            );
        }
        let y = height - ROW * 0.5 - 2.0;
        canvas.line((20.0, y - ROW * 0.5), (WIDTH - 10.0, y - ROW * 0.5), HAIR);
        canvas.text(
            (begin - 10.0, y),
            "total a month",
            Type { bold: true, ..NAME },
        );
        canvas.text(
            (begin, y),
            &usd(cost.usd_per_month),
            Type {
                ink: Ink::Text,
                bold: true,
                ..LABEL
            },
        );
    });
    Some(Figure {
        title: "What it costs a month".to_owned(),
        summary,
        svg,
    })
}

/// How far the load may rise: the load now, and where something gives way. `None` when that is not known.
pub(crate) fn load_line(report: &RunReport, unit: &str) -> Option<Figure> {
    let b = report.breaks_at.as_ref()?;
    let at = b.users.value.filter(|v| *v > 0.0)?;
    let now = report.users as f64;
    if now <= 0.0 || crate::sentences::saturated(report) {
        return None;
    }
    let how = if b.estimate { "estimate" } else { "simulated" };
    let beyond = now >= at;
    let ratio = if beyond {
        format!("the load now is {} times that", count(now / at))
    } else {
        format!("{} times the load now", count(at / now))
    };
    let interval = match (b.users.low, b.users.high) {
        (Some(low), Some(high)) => format!(", {} to {}", count(low), count(high)),
        _ => String::new(),
    };
    let first = if beyond {
        "The load is beyond the line"
    } else {
        "The load stands below the line"
    };
    let summary = format!(
        "{first}: now {} {unit}, gives way at {} ({how}{interval}), {ratio}. What gives way: {}.",
        count(now),
        count(at),
        phrases::limit(&b.limit).replace('`', "")
    );
    let ends = [
        now,
        now / 3.0,
        at,
        at * 2.0,
        b.users.low.unwrap_or(at),
        b.users.high.unwrap_or(at),
    ];
    let axis = Axis::log("", ends.into_iter(), count);
    let svg = svg(LINE_WIDTH, 112.0, &summary, |canvas| {
        let x = |users: f64| 20.0 + (LINE_WIDTH - 40.0) * axis.place(users);
        let y = 56.0;
        canvas.fill(
            (x(axis.low()), y - 6.0),
            (x(now.min(at)), y + 6.0),
            Ink::Series(0),
            1.0,
        );
        canvas.fill(
            (x(now.min(at)), y - 6.0),
            (x(at), y + 6.0),
            if beyond { Ink::Bad } else { Ink::Series(0) },
            0.3,
        );
        canvas.fill((x(at), y - 6.0), (x(axis.high()), y + 6.0), Ink::Bad, 0.16);
        if let (Some(low), Some(high)) = (b.users.low, b.users.high) {
            canvas.fill((x(low), y - 14.0), (x(high), y + 14.0), Ink::Bad, 0.3);
        }
        for (value, label) in &axis.ticks {
            canvas.line(
                (x(*value), y + 10.0),
                (x(*value), y + 14.0),
                Stroke {
                    ink: Ink::Muted,
                    ..HAIR
                },
            );
            canvas.text(
                (x(*value), y + 25.0),
                label,
                Type {
                    side: Side::Middle,
                    ..LABEL
                },
            );
        }
        canvas.text(
            (LINE_WIDTH / 2.0, 104.0),
            &format!("{unit}, logarithmic"),
            Type {
                side: Side::Middle,
                ..LABEL
            },
        );
        canvas.line(
            (x(at), y - 22.0),
            (x(at), y + 10.0),
            Stroke {
                ink: Ink::Bad,
                dash: Dash::Solid,
                width: 2.0,
            },
        );
        canvas.mark((x(now), y), 3, Ink::Text);
        // Close together, the two words stand on either side.
        let (now_side, at_side) = match x(at) - x(now) {
            d if d.abs() > 190.0 => (Side::Middle, Side::Middle),
            d if d >= 0.0 => (Side::Right, Side::Left),
            _ => (Side::Left, Side::Right),
        };
        let gap = |side| match side {
            Side::Left => 4.0,
            Side::Right => -4.0,
            Side::Middle => 0.0,
        };
        let inside = |px: f64, words: &str, side| {
            // Bold words are a little wider.
            let half = width_of(words, 12.0) * 0.53;
            match side {
                Side::Middle => px.clamp(half, LINE_WIDTH - half),
                Side::Left => px.min(LINE_WIDTH - 2.0 * half - 6.0),
                Side::Right => px.max(2.0 * half + 6.0),
            }
        };
        let words = format!("now {}", count(now));
        let at_x = inside(x(now), &words, now_side) + gap(now_side);
        canvas.text(
            (at_x, y - 30.0),
            &words,
            Type {
                ink: Ink::Text,
                side: now_side,
                bold: true,
                ..LABEL
            },
        );
        let words = format!("gives way at {}, {how}", count(at));
        let at_x = inside(x(at), &words, at_side) + gap(at_side);
        canvas.text(
            (at_x, y - 30.0),
            &words,
            Type {
                ink: Ink::Bad,
                side: at_side,
                bold: true,
                ..LABEL
            },
        );
    });
    Some(Figure {
        title: "How far the load may rise".to_owned(),
        summary,
        svg,
    })
}
