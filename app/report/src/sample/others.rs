//! The samples of the other verbs, and a run with everything a run may hold.

use std::collections::BTreeMap;

use sim_core::report::{
    BreaksAt, CapacityReport, CheckReport, CheckedObjective, CheckedScenario, CompareReport,
    Estimate, GoneFileReport, LatencyReport, NewFileReport, ObjectiveReport, OperationSeries,
    PrecisionReport, RampBreak, RunReport, SeriesReport, SourceReport, TierSeries,
};

use super::{ramp, run};

/// A run with histograms, intervals, a series, sources and precision.
#[must_use]
pub fn full() -> RunReport {
    let mut report = run();
    for (name, operation) in &mut report.operations {
        for (kind, latency) in &mut operation.latency_ms {
            let stretch = if kind == "complete" { 1.6 } else { 1.0 };
            fill(
                latency,
                if name == "query" {
                    36.0
                } else {
                    71.3 * stretch
                },
            );
        }
    }
    // The headline stays that of the plain run.
    if let Some(delivered) = report
        .operations
        .get_mut("publish")
        .and_then(|o| o.latency_ms.get_mut("delivered"))
    {
        delivered.p99 = Estimate {
            value: Some(212.4),
            low: Some(203.1),
            high: Some(221.9),
        };
    }
    report.precision = Some(PrecisionReport {
        method: "batches".to_owned(),
        confidence: 0.95,
        units: 32,
        asked: Some(0.05),
        of: None,
        reached: Some(0.042),
        looks: 3,
        cut_s: 4.0,
        notes: vec![
            "the 99.9th percentile of query has too few independent batches for an interval"
                .to_owned(),
        ],
    });
    report.series = Some(series());
    report.sources = vec![
        source(
            "design.database.query",
            "2.6 ms",
            "Measured",
            "calibrated on this machine at three loads",
        ),
        source(
            "traffic.publish.rate",
            "0.6 per minute",
            "Assumed",
            "an active team; nobody published one",
        ),
        source(
            "design.connection_servers.machine",
            "c7g.2xlarge",
            "Vendor",
            "price list of July 2026",
        ),
    ];
    report
}

/// A capacity search that found its answer.
#[must_use]
pub fn capacity() -> CapacityReport {
    let found = ramp();
    let users = Estimate {
        value: Some(255_000.0),
        low: Some(249_000.0),
        high: Some(261_000.0),
    };
    CapacityReport {
        breaks_at: Some(BreaksAt {
            users,
            limit: "database.pool".to_owned(),
            estimate: false,
        }),
        breaks: vec![
            RampBreak {
                limit: "database.pool".to_owned(),
                users: 255_000,
            },
            RampBreak {
                limit: "publish.delivered.p99 < 500 ms".to_owned(),
                users: 410_000,
            },
        ],
        runs: found.points,
        relieved: Vec::new(),
        notes: Vec::new(),
    }
}

/// A second design that is faster and dearer.
#[must_use]
pub fn compare() -> CompareReport {
    let a = full();
    let mut b = full();
    b.scenario.name = "team-chat-cached".to_owned();
    b.scenario.hash = "fedcba9876543210".to_owned();
    if let Some(publish) = b.operations.get_mut("publish") {
        for row in &mut publish.breakdown {
            row.mean_ms *= 0.84;
        }
        if let Some(delivered) = publish.latency_ms.get_mut("delivered") {
            fill(delivered, 60.0);
            delivered.p99 = Estimate {
                value: Some(178.3),
                low: Some(170.0),
                high: Some(187.0),
            };
        }
    }
    if let Some(pool) = b
        .tiers
        .get_mut("database")
        .and_then(|tier| tier.utilization.get_mut("pool"))
    {
        pool.hottest = 0.31;
        pool.mean = 0.31;
    }
    if let Some(cost) = &mut b.cost {
        cost.usd_per_month = 97_000.0;
        cost.items[1].usd_per_month = 4_500.0;
    }
    b.breaks_at = Some(BreaksAt {
        users: Estimate {
            value: Some(610_000.0),
            low: Some(588_000.0),
            high: Some(633_000.0),
        },
        limit: "connection_servers.cpu".to_owned(),
        estimate: false,
    });
    let difference = |value, low, high| Estimate {
        value: Some(value),
        low: Some(low),
        high: Some(high),
    };
    let differences = BTreeMap::from([
        (
            "publish.delivered.p99".to_owned(),
            difference(-34.1, -45.2, -23.0),
        ),
        (
            "publish.delivered.p50".to_owned(),
            difference(-1.1, -3.4, 1.2),
        ),
        ("query.answered.p99".to_owned(), difference(0.4, -2.0, 2.8)),
        (
            "cost.usd_per_month".to_owned(),
            difference(3_000.0, 3_000.0, 3_000.0),
        ),
        (
            "tiers.database.utilization.pool.hottest".to_owned(),
            difference(-0.474, -0.481, -0.467),
        ),
        ("publish.lost".to_owned(), Estimate::point(0.0)),
    ]);
    CompareReport {
        a,
        b,
        differences,
        better: vec![
            "publish.delivered.p99".to_owned(),
            "tiers.database.utilization.pool.hottest".to_owned(),
        ],
        worse: vec!["cost.usd_per_month".to_owned()],
        same: vec![
            "publish.delivered.p50".to_owned(),
            "query.answered.p99".to_owned(),
            "publish.lost".to_owned(),
        ],
        warnings: Vec::new(),
        file: None,
        renamed_from: None,
        verdict: String::new(),
        findings: Vec::new(),
    }
}

/// A file that the baseline does not have.
#[must_use]
pub fn new_file(name: &str) -> NewFileReport {
    let checked = check().scenarios.swap_remove(0);
    NewFileReport {
        file: name.to_owned(),
        status: "new".to_owned(),
        rev: "main".to_owned(),
        verdict: checked.verdict.clone(),
        checked,
    }
}

/// A file that only the baseline has.
#[must_use]
pub fn gone_file(name: &str) -> GoneFileReport {
    let objective = "publish.lost == 0";
    GoneFileReport {
        file: name.to_owned(),
        status: "deleted".to_owned(),
        rev: "main".to_owned(),
        moved_to: None,
        verdict: "fail".to_owned(),
        objectives: vec![objective.to_owned()],
        findings: vec![sim_core::system::dropped(objective, true)],
    }
}

/// Four scenarios, one of each verdict.
#[must_use]
pub fn check() -> CheckReport {
    let failing = run();
    let objectives = |report: &RunReport| -> Vec<CheckedObjective> {
        let with_reason = |(index, result): (usize, &ObjectiveReport)| CheckedObjective {
            file: "presets/team-chat.ron".to_owned(),
            line: 140 + index as u32,
            result: result.clone(),
            reason: format!(
                "{} measured {} against its limit",
                result.objective,
                result.value.unwrap_or_default()
            ),
        };
        report
            .objectives
            .iter()
            .enumerate()
            .map(with_reason)
            .collect()
    };
    let mut passing = run();
    passing.objectives.truncate(2);
    let mut open = run();
    open.objectives.truncate(1);
    open.objectives[0].verdict = "inconclusive".to_owned();
    let scenario = |name: &str, verdict: &str, report: RunReport| CheckedScenario {
        scenario: name.to_owned(),
        verdict: verdict.to_owned(),
        error: None,
        objectives: objectives(&report),
        report: Some(report),
    };
    CheckReport {
        verdict: "invalid".to_owned(),
        scenarios: vec![
            scenario("team-chat", "fail", failing),
            scenario("presets/small.ron", "pass", passing),
            scenario("p1-mvp", "inconclusive", open),
            CheckedScenario {
                scenario: "broken.ron".to_owned(),
                verdict: "invalid".to_owned(),
                error: Some(
                    "broken.ron:12:5: unknown field `userz`; did you mean `users`?".to_owned(),
                ),
                objectives: Vec::new(),
                report: None,
            },
        ],
    }
}

/// Buckets of 5 % width that follow a log-logistic shape around a median, and percentiles that agree with them.
fn fill(latency: &mut LatencyReport, median: f64) {
    let share = |ms: f64| 1.0 / (1.0 + (ms / median).powf(-4.21));
    let mut buckets = Vec::new();
    let mut before = 0;
    let mut bound = median * 0.05;
    while bound < median * 9.0 {
        let so_far = (share(bound) * latency.count as f64) as u64;
        if so_far > before {
            buckets.push((bound, so_far - before));
        }
        before = so_far;
        bound *= 1.05;
    }
    buckets.push((bound, latency.count - before));
    latency.buckets = buckets;
    let at = |p: f64| median * (p / (1.0 - p)).powf(1.0 / 4.21);
    let around = |value: f64, half: f64| Estimate {
        value: Some(value),
        low: Some(value * (1.0 - half)),
        high: Some(value * (1.0 + half)),
    };
    latency.p50 = around(at(0.5), 0.01);
    latency.p95 = around(at(0.95), 0.02);
    latency.p99 = around(at(0.99), 0.042);
    latency.p999 = Estimate::point(at(0.999));
    latency.max = bound;
}

/// One minute in steps of one second; the first few are still warming up.
fn series() -> SeriesReport {
    let steps = 60;
    let wave = |i: usize, period: f64| (i as f64 / period * std::f64::consts::TAU).sin();
    let early = |i: usize| if i < 4 { 1.8 - 0.2 * i as f64 } else { 1.0 };
    let operation = |p50: f64, p99: f64, per_s: f64| OperationSeries {
        offered_per_s: (0..steps)
            .map(|i| per_s * (1.0 + 0.03 * wave(i, 7.0)))
            .collect(),
        deliveries_per_s: (0..steps)
            .map(|i| per_s * 40.0 * (1.0 + 0.03 * wave(i, 7.0)))
            .collect(),
        mean_ms: (0..steps).map(|i| Some(p50 * 1.2 * early(i))).collect(),
        p50_ms: (0..steps)
            .map(|i| Some(p50 * early(i) * (1.0 + 0.02 * wave(i, 5.0))))
            .collect(),
        p99_ms: (0..steps)
            .map(|i| {
                (i != 33)
                    .then(|| p99 * early(i) * (1.0 + 0.06 * wave(i, 4.3) + 0.03 * wave(i, 11.0)))
            })
            .collect(),
    };
    let tier = |cpu: f64| TierSeries {
        cpu: (0..steps)
            .map(|i| cpu * (1.0 + 0.05 * wave(i, 9.0)))
            .collect(),
        queue: (0..steps)
            .map(|i| (4.0 * (1.0 + wave(i, 6.0))).round())
            .collect(),
        ..TierSeries::default()
    };
    SeriesReport {
        start_s: 5.0,
        step_s: 1.0,
        operations: BTreeMap::from([
            ("publish".to_owned(), operation(71.0, 212.0, 2_000.0)),
            ("query".to_owned(), operation(36.0, 129.0, 30_000.0)),
        ]),
        tiers: BTreeMap::from([
            ("connection_servers".to_owned(), tier(0.58)),
            ("channel_owners".to_owned(), tier(0.21)),
            ("database".to_owned(), tier(0.4)),
        ]),
        connections_open: (0..steps).map(|i| 199_000 + 17 * i as u64).collect(),
    }
}

fn source(path: &str, value: &str, status: &str, source: &str) -> SourceReport {
    SourceReport {
        path: path.to_owned(),
        value: value.to_owned(),
        status: status.to_owned(),
        source: source.to_owned(),
    }
}

/// Numbers of [`full`] as every report for people says them.
#[must_use]
pub fn numbers_of_full() -> Vec<String> {
    use crate::numbers::{count, millis, percent, rate, usd};
    let run = full();
    let mut all = vec![
        count(run.users as f64),
        run.seed.to_string(),
        run.scenario.hash.clone(),
    ];
    for operation in run.operations.values() {
        all.extend([
            rate(operation.offered_per_s),
            rate(operation.deliveries_per_s),
            count(operation.owed as f64),
        ]);
        for l in operation.latency_ms.values() {
            let estimates = [l.mean, l.p50, l.p95, l.p99, l.p999];
            let values = estimates
                .iter()
                .flat_map(|e| [e.value, e.low, e.high])
                .flatten();
            all.extend(values.map(millis));
            all.extend([count(l.count as f64), millis(l.max)]);
        }
        for l in operation
            .by_region
            .values()
            .chain(operation.by_access.values())
        {
            all.extend(l.p99.value.map(millis));
        }
        for row in &operation.breakdown {
            all.extend([millis(row.mean_ms), percent(row.share_of_p99)]);
        }
    }
    for tier in run.tiers.values() {
        all.push(tier.instances.to_string());
        all.push(count(tier.queue.max as f64));
        all.extend(
            tier.utilization
                .values()
                .flat_map(|u| [percent(u.hottest), percent(u.mean)]),
        );
    }
    if let Some(cost) = &run.cost {
        all.extend(
            [
                cost.usd_per_month,
                cost.usd_per_million_messages,
                cost.usd_per_user_month,
            ]
            .map(usd),
        );
        all.extend(cost.items.iter().map(|item| usd(item.usd_per_month)));
        all.push(cost.price_book.clone());
    }
    all.extend(run.breaks_at.and_then(|b| b.users.value).map(count));
    all.extend(run.objectives.iter().map(|o| o.verdict.clone()));
    all.extend(
        run.sources
            .iter()
            .flat_map(|s| [s.value.clone(), s.status.clone(), s.source.clone()]),
    );
    all.extend([
        count(run.connections.open as f64),
        count(run.engine.events as f64),
        run.plimsoll,
    ]);
    all
}
