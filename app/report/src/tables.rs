//! The tables that Markdown and HTML share.

mod faults;

use std::collections::BTreeMap;

use sim_core::report::{
    BreakdownRow, CheckedObjective, CheckedScenario, CompareReport, Estimate, LatencyReport,
    ObjectiveReport, OperationReport, RampBreak, RunReport, TierReport,
};
use sim_core::system::number;

use crate::grid::{Cell, Grid};
use crate::numbers::{bytes, count, millis, percent, rate, seconds, usd};
use crate::sentences::{by_importance, main_latency};
use crate::{Labels, metric, phrases, sentences, story};

pub(crate) use faults::faults;

/// Rows of a breakdown below this share of the mean and of the tail are added up as `the rest`.
const SMALL_SHARE: f64 = 0.01;
/// Rows of a breakdown that keep a colour of their own; the rest is added up.
const MOST_CAUSES: usize = 6;

/// Percentiles of every operation.
pub(crate) fn latency(report: &RunReport) -> Option<Grid> {
    if phrases::unstable_tier(report).is_some() {
        return None;
    }
    let mut grid = Grid::new(
        "Time from sending to receiving, by operation; intervals below the values",
        1,
        &[
            "operation",
            "observations",
            "mean",
            "p50",
            "p95",
            "p99",
            "p99.9",
            "max",
        ],
    );
    for (name, operation) in by_importance(report) {
        for (kind, l) in operation
            .latency_ms
            .iter()
            .rev()
            .filter(|(_, l)| l.count > 0)
        {
            let mut row = vec![
                Cell::new(format!("{name} {kind}")),
                Cell::new(count(l.count as f64)),
            ];
            row.extend([l.mean, l.p50, l.p95, l.p99, l.p999].map(|e| Cell::estimate(e, millis)));
            row.push(Cell::new(millis(l.max)));
            grid.row(row);
        }
    }
    grid.filled()
}

/// Rates and counts of every operation.
pub(crate) fn operations(report: &RunReport) -> Option<Grid> {
    let mut grid = Grid::new(
        "Operations: rates and deliveries while measured",
        1,
        &[
            "operation",
            "started",
            "finished",
            "deliveries",
            "owed",
            "received",
            "on the way",
            "lost",
        ],
    );
    for (name, o) in by_importance(report) {
        let n = |value: u64| Cell::new(count(value as f64));
        grid.row(vec![
            Cell::new(name),
            Cell::new(rate(o.offered_per_s)),
            Cell::new(rate(o.completed_per_s)),
            Cell::new(rate(o.deliveries_per_s)),
            n(o.owed),
            n(o.received),
            n(o.in_flight),
            n(o.lost),
        ]);
    }
    grid.filled()
}

/// 99th percentiles by region or by access network, one column per operation.
pub(crate) fn places(
    report: &RunReport,
    by: &str,
    of: fn(&OperationReport) -> &BTreeMap<String, LatencyReport>,
) -> Option<Grid> {
    if phrases::unstable_tier(report).is_some() {
        return None;
    }
    let operations: Vec<(&str, &BTreeMap<String, LatencyReport>)> = by_importance(report)
        .map(|(name, o)| (name, of(o)))
        .filter(|(_, p)| !p.is_empty())
        .collect();
    let (_, main) = operations.first()?;
    let p99 = |place: &str| main.get(place).and_then(|l| l.p99.value).unwrap_or(0.0);
    let mut names: Vec<&String> = operations.iter().flat_map(|(_, p)| p.keys()).collect();
    names.sort();
    names.dedup();
    names.sort_by(|a, b| p99(b).total_cmp(&p99(a)));
    // With one place only, the row repeats the operation's own.
    if names.len() < 2 {
        return None;
    }
    let mut head = vec![by, "share"];
    head.extend(operations.iter().map(|(name, _)| *name));
    let mut grid = Grid::new(format!("99th percentile by {by}, slowest first"), 1, &head);
    let total: u64 = main.values().map(|l| l.count).sum();
    for name in names {
        let share = main.get(name).map_or(0, |l| l.count) as f64 / total.max(1) as f64;
        let mut row = vec![Cell::new(name), Cell::new(percent(share))];
        row.extend(operations.iter().map(|(_, places)| match places.get(name) {
            Some(l) => Cell::estimate(l.p99, millis),
            None => Cell::new("–"),
        }));
        grid.row(row);
    }
    grid.filled()
}

/// One part of the mean and of the slowest 1 %.
pub(crate) struct Part {
    /// `network, uplink`.
    pub(crate) name: String,
    /// Milliseconds of the mean.
    pub(crate) mean_ms: f64,
    /// Share of the mean.
    pub(crate) of_mean: f64,
    /// Share of the slowest 1 %.
    pub(crate) of_tail: f64,
}

/// Where an operation's time goes, largest first, small causes added up.
pub(crate) fn parts(operation: &OperationReport) -> Vec<Part> {
    let total: f64 = operation.breakdown.iter().map(|row| row.mean_ms).sum();
    let share = |row: &BreakdownRow| {
        if total > 0.0 {
            row.mean_ms / total
        } else {
            0.0
        }
    };
    let mut rows: Vec<&BreakdownRow> = operation.breakdown.iter().collect();
    let weight = |row: &BreakdownRow| share(row).max(row.share_of_p99);
    rows.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    let large = rows.iter().filter(|row| weight(row) >= SMALL_SHARE).count();
    let shown = if rows.len() <= MOST_CAUSES {
        large
    } else {
        large.min(MOST_CAUSES)
    };
    let mut parts: Vec<Part> = rows[..shown]
        .iter()
        .map(|row| Part {
            name: format!("{}, {}", phrases::tier(&row.tier), row.cause),
            mean_ms: row.mean_ms,
            of_mean: share(row),
            of_tail: row.share_of_p99,
        })
        .collect();
    let rest = &rows[shown..];
    if !rest.is_empty() {
        parts.push(Part {
            name: format!("the rest ({} causes)", rest.len()),
            mean_ms: rest.iter().map(|row| row.mean_ms).sum(),
            of_mean: rest.iter().map(|row| share(row)).sum(),
            of_tail: rest.iter().map(|row| row.share_of_p99).sum(),
        });
    }
    parts
}

/// Where an operation's time goes, keyed like its chart.
pub(crate) fn breakdown(name: &str, operation: &OperationReport) -> Option<Grid> {
    let mut grid = Grid::new(
        format!("Where the time of {name} goes"),
        1,
        &[
            "tier and cause",
            "mean",
            "of the mean",
            "of the slowest 1 %",
        ],
    );
    for (index, part) in parts(operation).iter().enumerate() {
        grid.row(vec![
            Cell {
                key: Some(index),
                ..Cell::new(&part.name)
            },
            Cell::new(millis(part.mean_ms)),
            Cell::new(percent(part.of_mean)),
            Cell::new(percent(part.of_tail)),
        ]);
    }
    grid.filled()
}

/// Tiers in the order a message meets them.
pub(crate) fn in_order(report: &RunReport) -> Vec<(&String, &TierReport)> {
    let mut tiers: Vec<(&String, &TierReport)> = report.tiers.iter().collect();
    tiers.sort_by_key(|(_, tier)| tier.order);
    tiers
}

/// How full every resource of every tier is.
pub(crate) fn tiers(report: &RunReport) -> Option<Grid> {
    let mut grid = Grid::new(
        "Utilisation of every tier, fullest resource first",
        2,
        &[
            "tier",
            "resource",
            "hottest",
            "instance",
            "mean",
            "instances",
            "waiting",
            "longest",
            "dropped",
        ],
    );
    for (name, tier) in in_order(report) {
        let mut used: Vec<_> = tier.utilization.iter().collect();
        used.sort_by(|a, b| b.1.hottest.total_cmp(&a.1.hottest));
        let own = [
            tier.instances.to_string(),
            metric::mean_queue(tier.queue.mean),
            count(tier.queue.max as f64),
            count(tier.dropped as f64),
        ];
        for (index, (resource, u)) in used.iter().enumerate() {
            let mut row = vec![
                Cell::new(if index == 0 {
                    phrases::tier(name)
                } else {
                    String::new()
                }),
                Cell::new(resource.replace('_', " ")),
                Cell::new(percent(u.hottest)),
                Cell::new(u.instance.to_string()),
                Cell::new(percent(u.mean)),
            ];
            row.extend(own.iter().map(|text| {
                Cell::new(if index == 0 {
                    text.clone()
                } else {
                    String::new()
                })
            }));
            grid.row(row);
        }
        if used.is_empty() {
            let mut row = vec![Cell::new(phrases::tier(name))];
            row.extend((0..4).map(|_| Cell::new("")));
            row.extend(own.map(Cell::new));
            grid.row(row);
        }
    }
    grid.filled()
}

/// Client connections.
pub(crate) fn connections(report: &RunReport) -> Option<Grid> {
    let c = &report.connections;
    if c.wanted == 0 && c.attempts == 0 {
        return None;
    }
    let mut grid = Grid::new(
        "Client connections: at the end, and events while measured",
        1,
        &["connections", "number"],
    );
    let mut add = |name: String, text: String| grid.row(vec![Cell::new(name), Cell::new(text)]);
    add("open at the end".into(), count(c.open as f64));
    add("wanted at the end".into(), count(c.wanted as f64));
    if c.rejected.values().all(|n| *n == 0) {
        add("rejected".into(), "none".into());
    }
    for (reason, n) in c.rejected.iter().filter(|(_, n)| **n > 0) {
        add(
            format!("rejected for want of {}", phrases::rejection(reason)),
            count(*n as f64),
        );
    }
    add("attempts".into(), count(c.attempts as f64));
    add("reconnects after a loss".into(), count(c.reconnects as f64));
    add("resumed with their replay".into(), count(c.resumed as f64));
    add(
        "sent to bring clients up to date".into(),
        bytes(c.resync_bytes as f64),
    );
    grid.filled()
}

/// The bill.
pub(crate) fn cost(report: &RunReport) -> Option<Grid> {
    let cost = report.cost.as_ref()?;
    let mut grid = Grid::new(
        "Cost a month, largest item first",
        2,
        &["tier", "item", "a month", "share"],
    );
    let mut items: Vec<_> = cost.items.iter().collect();
    items.sort_by(|a, b| b.usd_per_month.total_cmp(&a.usd_per_month));
    let share = |usd: f64| {
        if cost.usd_per_month > 0.0 {
            usd / cost.usd_per_month
        } else {
            0.0
        }
    };
    for item in items {
        grid.row(vec![
            Cell::new(phrases::tier(&item.tier)),
            Cell::new(item.category.replace('_', " ")),
            Cell::new(usd(item.usd_per_month)),
            Cell::new(percent(share(item.usd_per_month))),
        ]);
    }
    grid.row(vec![
        Cell::new("total"),
        Cell::new(""),
        Cell::new(usd(cost.usd_per_month)),
        Cell::new(percent(1.0)),
    ]);
    grid.filled()
}

/// Verdicts.
pub(crate) fn objectives(objectives: &[ObjectiveReport]) -> Option<Grid> {
    let mut grid = Grid::new(
        "Objectives, what was measured, and the verdict",
        2,
        &["objective", "verdict", "measured"],
    );
    for o in objectives {
        let e = Estimate {
            value: o.value,
            low: o.low,
            high: o.high,
        };
        grid.row(vec![
            Cell::code(&o.objective),
            Cell::verdict(&o.verdict),
            Cell::estimate(e, metric::unit_of(&o.objective)),
        ]);
    }
    grid.filled()
}

/// Numbers of the scenario and their sources; assumptions first.
pub(crate) fn sources(report: &RunReport) -> Option<Grid> {
    let mut grid = Grid::new(
        "Numbers the result rests on, assumed ones first",
        4,
        &["number", "value", "status", "source"],
    );
    const ORDER: [&str; 7] = [
        "Assumed",
        "Edited",
        "Reported",
        "Derived",
        "Vendor",
        "Published",
        "Measured",
    ];
    let rank = |status: &str| {
        ORDER
            .iter()
            .position(|known| *known == status)
            .unwrap_or(ORDER.len())
    };
    let mut rows: Vec<_> = report.sources.iter().collect();
    rows.sort_by_key(|s| rank(&s.status));
    for s in rows {
        grid.row(vec![
            Cell::code(&s.path),
            Cell::new(&s.value),
            Cell::new(&s.status),
            Cell::new(&s.source),
        ]);
    }
    grid.filled()
}

/// What was run. Times of the machine are left out: the same result gives the same bytes.
pub(crate) fn provenance(verb: &str, report: &RunReport, labels: &Labels) -> Grid {
    let mut grid = Grid::new("How to get this report again", 2, &["what", "value"]);
    let mut add = |name: &str, cell: Cell| grid.row(vec![Cell::new(name), cell]);
    add("command", Cell::code(story::rerun(verb, report, labels)));
    add(
        "scenario",
        Cell::new(&report.scenario.name).note(format!("hash {}", report.scenario.hash)),
    );
    add(
        "seed",
        Cell::new(report.seed.to_string()).note("arrivals, service, network"),
    );
    add(
        "population seed",
        Cell::new(report.population_seed.to_string()).note("users, channels, placement"),
    );
    add(
        "measured",
        Cell::new(seconds(report.simulated_s))
            .note(format!("simulated, after {}", seconds(report.warmup_s))),
    );
    add("ended", Cell::new(&report.stop));
    add(
        "program",
        Cell::new(format!("plimsoll {}", report.plimsoll))
            .note(format!("report schema {}", report.schema)),
    );
    let engine = &report.engine;
    add(
        "work",
        Cell::new(format!("{} events", count(engine.events as f64)))
            .note(format!("{} deliveries", count(engine.deliveries as f64))),
    );
    grid
}

/// One row per load.
pub(crate) fn loads(points: &[RunReport], breaks: &[RampBreak], labels: &Labels) -> Option<Grid> {
    let mut grid = Grid::new(
        "Every load simulated",
        0,
        &[
            &labels.unit,
            "deliveries",
            "p50",
            "p99",
            "fullest",
            "used",
            "a month",
            "per user",
            "gives way",
        ],
    );
    for run in points {
        let unstable = phrases::unstable_tier(run);
        let latency = main_latency(run)
            .map(|(_, l)| l)
            .filter(|_| unstable.is_none());
        let percentile = |pick: fn(&LatencyReport) -> Estimate| {
            latency.map_or_else(
                || Cell::new("not supported"),
                |l| Cell::estimate(pick(l), millis),
            )
        };
        let deliveries: f64 = run.operations.values().map(|o| o.deliveries_per_s).sum();
        let fullest = run.bottleneck.as_ref();
        let money = |pick: fn(&sim_core::report::CostReport) -> f64| {
            Cell::new(
                run.cost
                    .as_ref()
                    .map_or_else(|| "–".to_owned(), |c| usd(pick(c))),
            )
        };
        let fresh = breaks.iter().filter(|b| b.users == run.users).count();
        let state = match (unstable, run.stop.as_str(), fresh) {
            (Some(tier), ..) => format!("unstable: {}", phrases::tier(&tier)),
            (None, "Finished", 0) => "–".to_owned(),
            (None, "Finished", n) => format!("{n} new"),
            (None, _, 0) => "stopped early".to_owned(),
            (None, _, n) => format!("stopped early, {n} new"),
        };
        grid.row(vec![
            Cell::new(count(run.users as f64)),
            Cell::new(rate(deliveries)),
            percentile(|l| l.p50),
            percentile(|l| l.p99),
            Cell::new(fullest.map_or_else(
                || "–".to_owned(),
                |b| format!("{} {}", phrases::tier(&b.tier), b.resource),
            )),
            Cell::new(fullest.map_or_else(|| "–".to_owned(), |b| percent(b.utilization))),
            money(|c| c.usd_per_month),
            money(|c| c.usd_per_user_month),
            Cell::new(state),
        ]);
    }
    grid.filled()
}

/// What gives way, in order.
pub(crate) fn breaks(breaks: &[RampBreak], labels: &Labels) -> Option<Grid> {
    let mut grid = Grid::new(
        "What gives way, in order of load",
        2,
        &["", "what gives way", &labels.unit],
    );
    for (index, b) in breaks.iter().enumerate() {
        grid.row(vec![
            Cell::new(format!("{}", index + 1)),
            Cell::new(story::capital(&phrases::limit(&b.limit))),
            Cell::new(count(b.users as f64)),
        ]);
    }
    grid.filled()
}

/// What moved, judged metrics first.
pub(crate) fn differences(report: &CompareReport, names: (&str, &str)) -> Option<Grid> {
    let mut grid = Grid::new(
        if report.a.same_draws(&report.b) {
            "Paired differences on the same random numbers"
        } else {
            "Differences"
        },
        2,
        &[
            "metric",
            "verdict",
            names.0,
            names.1,
            "difference",
            "relative",
        ],
    );
    for path in by_verdict(report) {
        let kind = metric::kind(path);
        let side = |run: &RunReport| match number(path, run) {
            Some(e) => Cell::estimate(e, |v| kind.show(v)),
            None => Cell::new("–"),
        };
        let difference = report
            .differences
            .get(path)
            .copied()
            .unwrap_or(Estimate::none());
        grid.row(vec![
            Cell::new(metric::words(path)),
            Cell::verdict(story::judged(report, path)),
            side(&report.a),
            side(&report.b),
            Cell::estimate(difference, |v| kind.signed(v)),
            Cell::new(story::relative(report, path).unwrap_or_else(|| "–".to_owned())),
        ]);
    }
    grid.filled()
}

/// Metrics of a comparison: worse, better, the rest; each by name.
pub(crate) fn by_verdict(report: &CompareReport) -> Vec<&str> {
    const ORDER: [&str; 4] = ["worse", "better", "same", "not judged"];
    let rank = |path: &str| {
        let judged = story::judged(report, path);
        ORDER
            .iter()
            .position(|o| *o == judged)
            .unwrap_or(ORDER.len())
    };
    let mut paths: Vec<&str> = report.differences.keys().map(String::as_str).collect();
    paths.sort_by_key(|path| rank(path));
    paths
}

/// Where both designs break, and what is fullest.
pub(crate) fn limits(report: &CompareReport, names: (&str, &str)) -> Grid {
    let mut grid = Grid::new(
        "Where each breaks",
        3,
        &[
            "design",
            "first to give way",
            "fullest now",
            "used",
            "breaks at",
        ],
    );
    for (name, run) in [(names.0, &report.a), (names.1, &report.b)] {
        let (what, at) = match &run.breaks_at {
            Some(b) => {
                let how = match b.estimate {
                    true if sentences::saturated(run) => "or less: it is full",
                    true => "estimate",
                    false => "simulated",
                };
                let mut cell = Cell::estimate(b.users, count);
                cell.note = if cell.note.is_empty() {
                    how.to_owned()
                } else {
                    format!("{}, {how}", cell.note)
                };
                (story::capital(&phrases::limit(&b.limit)), cell)
            }
            None => ("not known".to_owned(), Cell::new("–")),
        };
        let fullest = run.bottleneck.as_ref();
        grid.row(vec![
            Cell::new(name),
            Cell::new(what),
            Cell::new(fullest.map_or_else(
                || "–".to_owned(),
                |b| phrases::resource(&b.tier, &b.resource),
            )),
            Cell::new(fullest.map_or_else(|| "–".to_owned(), |b| percent(b.utilization))),
            at,
        ]);
    }
    grid
}

/// The objectives of a checked scenario, with the reason.
pub(crate) fn checked(scenario: &CheckedScenario) -> Option<Grid> {
    let mut grid = Grid::new(
        "Objectives, and why",
        4,
        &["objective", "verdict", "why", "stated at", "measured"],
    );
    // What stops the scenario first.
    let rank = |o: &&CheckedObjective| match o.result.verdict.as_str() {
        "fail" => 0,
        "inconclusive" => 1,
        _ => 2,
    };
    let mut objectives: Vec<&CheckedObjective> = scenario.objectives.iter().collect();
    objectives.sort_by_key(rank);
    for o in objectives {
        let r = &o.result;
        let e = Estimate {
            value: r.value,
            low: r.low,
            high: r.high,
        };
        let place = if o.line > 0 {
            format!("{}:{}", o.file, o.line)
        } else {
            o.file.clone()
        };
        grid.row(vec![
            Cell::code(&r.objective),
            Cell::verdict(&r.verdict),
            Cell::new(&o.reason),
            Cell::code(place),
            Cell::estimate(e, metric::unit_of(&r.objective)),
        ]);
    }
    grid.filled()
}
