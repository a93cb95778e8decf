//! Two designs: what moved and by how much, and how full the tiers of both are.

use sim_core::report::{CompareReport, Estimate, RunReport};

use super::Figure;
use super::bars::{MOST_ROWS, ROW, WIDTH, begin, name, share_axis};
use super::canvas::{HAIR, LABEL, Side, Stroke, Type, fit, svg, width_of};
use super::ink::{Dash, Ink};
use crate::numbers::percent;
use crate::{metric, phrases, story, tables};

/// A metric, its relative difference, and the interval.
type Moved<'a> = (&'a str, f64, Option<(f64, f64)>);

/// Relative differences with their intervals: left of the line is less.
pub(crate) fn differences(report: &CompareReport, names: (&str, &str)) -> Option<Figure> {
    let rows: Vec<Moved<'_>> = tables::by_verdict(report)
        .into_iter()
        .filter_map(|path| {
            let share =
                |end: fn(&Estimate) -> Option<f64>| story::relative_share(report, path, end);
            let interval = share(|d| d.low).zip(share(|d| d.high));
            Some((path, share(|d| d.value)?, interval))
        })
        .take(MOST_ROWS)
        .collect();
    if rows.is_empty() {
        return None;
    }
    let widest = rows
        .iter()
        .flat_map(|(_, v, i)| [*v, i.map_or(0.0, |i| i.0), i.map_or(0.0, |i| i.1)])
        .map(f64::abs)
        .fold(0.01, f64::max)
        .min(2.0);
    let words: Vec<String> = rows.iter().map(|r| metric::words(r.0)).collect();
    let begin = begin(words.iter().map(String::as_str));
    let (left, right, top) = (begin + 6.0, 480.0, 30.0);
    let x = |share: f64| left + (right - left) * (0.5 + 0.48 * (share / widest).clamp(-1.0, 1.0));
    let height = top + ROW * rows.len() as f64 + 10.0;
    let say = |(path, share, _): &Moved<'_>| {
        format!(
            "{} {} ({})",
            metric::words(path),
            signed_percent(*share),
            story::judged(report, path)
        )
    };
    let summary = format!(
        "{} against {}, relative: {}. Lines are 95 % intervals of the paired difference.",
        names.1,
        names.0,
        rows.iter().map(say).collect::<Vec<_>>().join("; ")
    );
    let svg = svg(WIDTH, height, &summary, |canvas| {
        for share in [-widest, 0.0, widest] {
            let stroke = if share == 0.0 {
                Stroke {
                    ink: Ink::Muted,
                    ..HAIR
                }
            } else {
                HAIR
            };
            canvas.line((x(share), top - 8.0), (x(share), height - 6.0), stroke);
            let label = if share == 0.0 {
                "no difference".to_owned()
            } else {
                signed_percent(share)
            };
            canvas.text(
                (x(share), top - 17.0),
                &label,
                Type {
                    side: Side::Middle,
                    size: 11.0,
                    ..LABEL
                },
            );
        }
        for (index, (path, share, interval)) in rows.iter().enumerate() {
            let y = top + ROW * (index as f64 + 0.5);
            name(canvas, begin, y, &metric::words(path));
            let judged = story::judged(report, path);
            let (ink, series) = match judged {
                "better" => (Ink::Good, 0),
                "worse" => (Ink::Bad, 3),
                _ => (Ink::Muted, 1),
            };
            if let Some((low, high)) = interval {
                canvas.line(
                    (x(*low), y),
                    (x(*high), y),
                    Stroke {
                        ink,
                        dash: Dash::Solid,
                        width: 2.0,
                    },
                );
            }
            canvas.mark((x(*share), y), series, ink);
            let words = format!("{} {judged}", signed_percent(*share));
            canvas.text(
                (right + 14.0, y),
                &words,
                Type {
                    ink: Ink::Text,
                    bold: judged == "better" || judged == "worse",
                    ..LABEL
                },
            );
        }
    });
    Some(Figure {
        title: "What moved, and by how much".to_owned(),
        summary,
        svg,
    })
}

fn signed_percent(share: f64) -> String {
    match share {
        s if s > 0.0 => format!("+{}", percent(s)),
        s if s < 0.0 => format!("−{}", percent(-s)),
        _ => percent(0.0),
    }
}

/// The fullest resources of both designs, side by side.
pub(crate) fn pairs(report: &CompareReport, names: (&str, &str)) -> Option<Figure> {
    let used = |run: &RunReport, tier: &str, resource: &str| {
        run.tiers
            .get(tier)
            .and_then(|t| t.utilization.get(resource))
            .map(|u| u.hottest)
    };
    let mut keys: Vec<(&String, &String)> = [&report.a, &report.b]
        .into_iter()
        .flat_map(|run| {
            run.tiers
                .iter()
                .flat_map(|(tier, t)| t.utilization.keys().map(move |r| (tier, r)))
        })
        .collect();
    keys.sort();
    keys.dedup();
    let mut rows: Vec<(String, Option<f64>, Option<f64>)> = keys
        .into_iter()
        .map(|(tier, r)| {
            let label = format!("{} {}", phrases::tier(tier), r.replace('_', " "));
            (label, used(&report.a, tier, r), used(&report.b, tier, r))
        })
        .collect();
    rows.sort_by(|x, y| {
        let most =
            |r: &(String, Option<f64>, Option<f64>)| r.1.unwrap_or(0.0).max(r.2.unwrap_or(0.0));
        most(y).total_cmp(&most(x))
    });
    rows.truncate(8);
    if rows.is_empty() {
        return None;
    }
    let (right, top, row) = (520.0, 30.0, 38.0);
    let begin = begin(rows.iter().map(|r| r.0.as_str()));
    let at = |share: f64| begin + (right - begin) * share.clamp(0.0, 1.1) / 1.1;
    let height = top + row * rows.len() as f64 + 34.0;
    let say = |v: Option<f64>| v.map_or_else(|| "not there".to_owned(), percent);
    let said: Vec<String> = rows
        .iter()
        .take(4)
        .map(|(n, a, b)| format!("{n}: {} and {}", say(*a), say(*b)))
        .collect();
    let summary = format!(
        "Hottest instance in {} and in {}: {}.",
        names.0,
        names.1,
        said.join("; ")
    );
    let svg = svg(WIDTH, height, &summary, |canvas| {
        share_axis(canvas, at, top, height - 34.0);
        for (index, (words, a, b)) in rows.iter().enumerate() {
            let y = top + row * (index as f64 + 0.5);
            name(canvas, begin, y, words);
            for (value, dy, series) in [(a, -7.0, 0), (b, 7.0, 1)] {
                if let Some(value) = value {
                    canvas.fill(
                        (at(0.0), y + dy - 6.0),
                        (at(*value).max(at(0.0) + 1.0), y + dy + 6.0),
                        Ink::Series(series),
                        1.0,
                    );
                }
                canvas.text(
                    (right + 8.0, y + dy),
                    &say(*value),
                    Type {
                        ink: Ink::Text,
                        size: 11.5,
                        ..LABEL
                    },
                );
            }
        }
        let line = (at(0.8), top - 8.0);
        canvas.line(
            line,
            (at(0.8), height - 34.0),
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
        let mut from = begin;
        for (words, place, series) in [(names.0, "upper", 0), (names.1, "lower", 1)] {
            let words = fit(&format!("{place}: {words}"), 180.0, 12.0);
            canvas.fill(
                (from, height - 17.0),
                (from + 10.0, height - 7.0),
                Ink::Series(series),
                1.0,
            );
            canvas.text(
                (from + 16.0, height - 12.0),
                &words,
                Type {
                    ink: Ink::Text,
                    ..LABEL
                },
            );
            from += 34.0 + width_of(&words, 12.0);
        }
    });
    Some(Figure {
        title: "How full the tiers are, both designs".to_owned(),
        summary,
        svg,
    })
}
