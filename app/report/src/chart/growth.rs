//! A ramp: latency, cost and utilisation against the number of users, and where it breaks.

use sim_core::report::{BreaksAt, Estimate, RampBreak, RunReport};

use super::Figure;
use super::axis::Axis;
use super::canvas::{Stroke, svg, width_of};
use super::ink::{Dash, Ink};
use super::plane::{Margins, Plane};
use crate::numbers::{count, millis, percent, usd};
use crate::sentences::main_latency;
use crate::{metric, phrases, story};

/// Lines on one chart.
const MOST_LINES: usize = 5;
/// Lines said in words; the table holds all.
const MOST_SAID: usize = 3;
/// Sheet in page units.
const SIZE: (f64, f64) = (560.0, 320.0);

/// One line against users.
struct Line {
    name: String,
    points: Vec<(f64, Estimate)>,
}

/// What one chart shows.
struct Chart<'a> {
    title: String,
    axis: &'a str,
    lines: Vec<Line>,
    unit: fn(f64) -> String,
    y: Axis,
    levels: Vec<(f64, String, Ink)>,
}

/// What all charts of one ramp share.
struct Loads<'a> {
    points: &'a [RunReport],
    breaks: &'a [RampBreak],
    found: Option<&'a BreaksAt>,
    unit: &'a str,
}

/// 50th and 99th percentile of the main operation.
pub(crate) fn latency_by_load(
    points: &[RunReport],
    breaks: &[RampBreak],
    found: Option<&BreaksAt>,
    unit: &str,
) -> Option<Figure> {
    let stable = |run: &&RunReport| phrases::unstable_tier(run).is_none();
    let line = |name: &str, pick: fn(&sim_core::report::LatencyReport) -> Estimate| Line {
        name: name.to_owned(),
        points: points
            .iter()
            .filter(stable)
            .filter_map(|run| Some((run.users as f64, pick(main_latency(run)?.1))))
            .filter(|(_, e)| e.value.is_some())
            .collect(),
    };
    let lines = vec![line("p99", |l| l.p99), line("p50", |l| l.p50)];
    let values = lines
        .iter()
        .flat_map(|l| &l.points)
        .flat_map(|(_, e)| [e.value, e.low, e.high])
        .flatten();
    let mut values: Vec<f64> = values.collect();
    let limit = points.first().and_then(latency_limit);
    values.extend(limit.as_ref().map(|(ms, _)| *ms));
    let y = Axis::log("time", values.into_iter(), millis);
    let levels = limit
        .into_iter()
        .map(|(ms, text)| (ms, text, Ink::Warn))
        .collect();
    let what = points
        .first()
        .and_then(main_latency)
        .map_or("latency", |(words, _)| words);
    let title = format!("Latency against {unit}");
    let axis = if what.contains("messages") {
        "time until a message arrives"
    } else {
        "time until answered"
    };
    draw(
        Chart {
            title,
            axis,
            lines,
            unit: millis,
            y,
            levels,
        },
        &Loads {
            points,
            breaks,
            found,
            unit,
        },
    )
}

/// The limit of an objective on the main 99th percentile.
fn latency_limit(run: &RunReport) -> Option<(f64, String)> {
    run.objectives.iter().find_map(|o| {
        let path = metric::path_of(&o.objective);
        let main = ["publish.delivered.p99", "query.answered.p99"].contains(&path);
        let limit = o.objective.split(['<', '=']).next_back()?.trim();
        let (number, unit) = limit.split_once(' ')?;
        let ms = number.replace('_', "").parse::<f64>().ok()?
            * match unit.trim() {
                "ms" => 1.0,
                "s" => 1e3,
                "us" | "µs" => 1e-3,
                _ => return None,
            };
        main.then(|| (ms, format!("objective {}", millis(ms))))
    })
}

/// Money a month.
pub(crate) fn cost_by_load(
    points: &[RunReport],
    breaks: &[RampBreak],
    found: Option<&BreaksAt>,
    unit: &str,
) -> Option<Figure> {
    let of = |pick: fn(&sim_core::report::CostReport) -> f64| -> Vec<(f64, Estimate)> {
        let with_cost = points
            .iter()
            .filter_map(|run| Some((run, run.cost.as_ref()?)));
        with_cost
            .map(|(run, cost)| (run.users as f64, Estimate::point(pick(cost))))
            .collect()
    };
    let lines = vec![Line {
        name: "a month".to_owned(),
        points: of(|c| c.usd_per_month),
    }];
    let y = Axis::log(
        "",
        lines
            .iter()
            .flat_map(|l| &l.points)
            .filter_map(|(_, e)| e.value),
        usd,
    );
    let title = format!("Cost against {unit}");
    draw(
        Chart {
            title,
            axis: "dollars a month",
            lines,
            unit: usd,
            y,
            levels: Vec::new(),
        },
        &Loads {
            points,
            breaks,
            found,
            unit,
        },
    )
}

/// The fullest resource of every tier.
pub(crate) fn utilization_by_load(
    points: &[RunReport],
    breaks: &[RampBreak],
    found: Option<&BreaksAt>,
    unit: &str,
) -> Option<Figure> {
    let last = points.last()?;
    // One line per tier: its fullest resource at the largest load.
    let mut named: Vec<(&str, &str, f64)> = last
        .tiers
        .iter()
        .filter_map(|(tier, t)| {
            let fullest = t
                .utilization
                .iter()
                .max_by(|a, b| a.1.hottest.total_cmp(&b.1.hottest));
            let (resource, used) = fullest?;
            Some((tier.as_str(), resource.as_str(), used.hottest))
        })
        .collect();
    named.sort_by(|a, b| b.2.total_cmp(&a.2));
    named.truncate(MOST_LINES);
    let lines: Vec<Line> = named
        .iter()
        .map(|(tier, resource, _)| Line {
            name: format!("{} {}", phrases::tier(tier), resource.replace('_', " ")),
            points: points
                .iter()
                .filter_map(|run| {
                    let used = run.tiers.get(*tier)?.utilization.get(*resource)?;
                    Some((run.users as f64, Estimate::point(used.hottest)))
                })
                .collect(),
        })
        .collect();
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
        .map(|v| (v, percent(v)))
        .to_vec();
    let most = lines
        .iter()
        .flat_map(|l| &l.points)
        .filter_map(|(_, e)| e.value)
        .fold(1.0, f64::max);
    let y = Axis::fixed("", 0.0, most.clamp(1.05, 1.2), ticks);
    let title = format!("Utilisation against {unit}");
    let levels = vec![(0.8, "80 %".to_owned(), Ink::Warn)];
    let axis = "fullest resource of each tier, hottest instance; drawn up to 120 %";
    draw(
        Chart {
            title,
            axis,
            lines,
            unit: percent,
            y,
            levels,
        },
        &Loads {
            points,
            breaks,
            found,
            unit,
        },
    )
}

fn draw(chart: Chart<'_>, loads: &Loads<'_>) -> Option<Figure> {
    let Chart {
        title,
        axis,
        lines,
        unit,
        mut y,
        levels,
    } = chart;
    if loads.points.len() < 2 || lines.iter().all(|line| line.points.is_empty()) {
        return None;
    }
    y.title = axis.to_owned();
    let found = loads.found.map(|b| b.users);
    let ends = found
        .into_iter()
        .flat_map(|e| [e.low, e.value, e.high])
        .flatten();
    let users = loads.points.iter().map(|run| run.users as f64).chain(ends);
    let x = Axis::log(&format!("{}, logarithmic", loads.unit), users, count);
    let summary = summary(&lines, unit, loads);
    let longest = lines
        .iter()
        .map(|line| width_of(&line.name, 12.0))
        .fold(60.0, f64::max);
    let chart_right = (longest + 32.0).min(190.0);
    let svg = svg(SIZE.0, SIZE.1, &summary, |canvas| {
        let right = x.high();
        let plane = Plane::new(canvas, Margins(60.0, chart_right, 46.0, 58.0), x, y);
        let unstable: Vec<&RunReport> = loads
            .points
            .iter()
            .filter(|run| phrases::unstable_tier(run).is_some())
            .collect();
        if let Some(first) = unstable.first() {
            plane.shade(first.users as f64, right, Ink::Bad, "");
        }
        for (value, words, ink) in &levels {
            plane.level(*value, words, *ink);
        }
        let mut names = Vec::new();
        for (series, line) in lines.iter().enumerate() {
            let band: Vec<(f64, f64, f64)> = line
                .points
                .iter()
                .filter_map(|(x, e)| Some((*x, e.low?, e.high?)))
                .collect();
            plane.band(&band, Ink::Series(series));
            let points: Vec<(f64, Option<f64>)> =
                line.points.iter().map(|(x, e)| (*x, e.value)).collect();
            let stroke = Stroke {
                ink: Ink::Series(series),
                dash: Dash::of_series(series),
                width: 2.0,
            };
            plane.line(&points, stroke);
            for (x, value) in &points {
                plane.mark(*x, value.unwrap_or_default(), series);
            }
            for (x, low, high) in &band {
                plane.whisker(*x, *low, *high, Ink::Series(series));
            }
            if let Some((x, Some(value))) = points.last() {
                names.push((line.name.clone(), *x, *value, series));
            }
        }
        plane.ends(&names);
        match found {
            Some(Estimate {
                value: Some(value),
                low,
                high,
            }) => {
                if let (Some(low), Some(high)) = (low, high) {
                    plane.shade(low, high, Ink::Bad, "");
                }
                plane.moment(value, &format!("breaks at {}", count(value)), Ink::Bad, 0);
            }
            _ => {
                let first = loads.breaks.iter().map(|b| b.users).min();
                let holds = first.and_then(|users| story::largest_below(loads.points, users));
                if let (Some(holds), Some(fails)) = (holds, first) {
                    // It gives way somewhere in between.
                    plane.shade(holds as f64, fails as f64, Ink::Bad, "");
                }
                for (row, (users, words)) in moments(loads.breaks).into_iter().take(2).enumerate() {
                    plane.moment(users, &words, Ink::Bad, row);
                }
            }
        }
    });
    Some(Figure {
        title,
        summary,
        svg,
    })
}

/// Breaks at one load share one line.
fn moments(breaks: &[RampBreak]) -> Vec<(f64, String)> {
    let mut all: Vec<(u64, &str, usize)> = Vec::new();
    for b in breaks {
        match all.iter_mut().find(|(users, ..)| *users == b.users) {
            Some((_, _, more)) => *more += 1,
            None => all.push((b.users, &b.limit, 0)),
        }
    }
    let words = |(users, limit, more): (u64, &str, usize)| {
        let limit = if limit.contains(['<', '>', '=']) {
            metric::words(metric::path_of(limit))
        } else {
            phrases::limit(limit)
        };
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        (users as f64, format!("{limit}{more}"))
    };
    all.into_iter().map(words).collect()
}

fn summary(lines: &[Line], unit: fn(f64) -> String, loads: &Loads<'_>) -> String {
    let each: Vec<String> = lines
        .iter()
        .take(MOST_SAID)
        .filter_map(|line| {
            let (from, first) = line.points.first()?;
            let (to, last) = line.points.last()?;
            Some(format!(
                "{}: {} at {}, {} at {} {}",
                line.name,
                unit(first.value?),
                count(*from),
                unit(last.value?),
                count(*to),
                loads.unit
            ))
        })
        .collect();
    let unstable = loads
        .points
        .iter()
        .find(|run| phrases::unstable_tier(run).is_some());
    let unstable = unstable.map_or_else(String::new, |run| {
        format!(
            " Unstable from {} {} on: no percentile (shaded).",
            count(run.users as f64),
            loads.unit
        )
    });
    let broken = moments(loads.breaks);
    let broken = broken.first().map_or_else(String::new, |(users, words)| {
        format!(
            " First to give way: {words}, at {} {}.",
            count(*users),
            loads.unit
        )
    });
    let bands = if lines
        .iter()
        .any(|l| l.points.iter().any(|(_, e)| e.low.is_some()))
    {
        " Bands are 95 % intervals."
    } else {
        ""
    };
    format!("{}.{broken}{unstable}{bands}", each.join("; "))
}
