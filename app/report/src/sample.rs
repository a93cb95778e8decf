//! One hand-written report for the tests of every format. Its figures are made up, plausible, and nobody's result.

use std::collections::BTreeMap;

use sim_core::report::{
    Bottleneck, BreakdownRow, BreaksAt, ConnectionsReport, CostItem, CostReport, EngineReport,
    Estimate, LatencyReport, ObjectiveReport, OperationReport, QueueReport, RampBreak, RampReport,
    RunReport, SCHEMA, ScenarioId, TierReport, Utilization,
};

use crate::Labels;

mod others;

pub use others::{capacity, check, compare, full, gone_file, new_file, numbers_of_full};

/// Names for the sample.
#[must_use]
pub fn labels() -> Labels {
    Labels {
        title: "Team chat".to_owned(),
        unit: "users".to_owned(),
        command: None,
    }
}

/// A healthy run.
#[must_use]
pub fn run() -> RunReport {
    RunReport {
        schema: SCHEMA,
        plimsoll: "0.1.0".to_owned(),
        scenario: ScenarioId { name: "team-chat".to_owned(), hash: "0123456789abcdef".to_owned() },
        seed: 7,
        population_seed: 1,
        users: 200_000,
        model: None,
        simulated_s: 60.0,
        warmup_s: 5.0,
        stop: "Finished".to_owned(),
        operations: operations(),
        tiers: tiers(),
        connections: ConnectionsReport { open: 200_000, wanted: 200_000, reconnects: 12, resumed: 12, attempts: 12, ..Default::default() },
        bottleneck: Some(Bottleneck {
            tier: "database".to_owned(),
            resource: "pool".to_owned(),
            instance: 0,
            utilization: 0.784,
            evidence: "125 of 160 pool connections are busy on average and 31 queries wait at the worst moment".to_owned(),
        }),
        breaks_at: Some(BreaksAt { users: Estimate::point(255_100.0), limit: "database.pool".to_owned(), estimate: true }),
        cost: Some(cost()),
        objectives: objectives(),
        precision: None,
        populations: None,
        regions: None,
        rates: BTreeMap::new(),
        faults: Vec::new(),
        series: None,
        sources: Vec::new(),
        quick_estimate: None,
        warnings: vec!["channel sizes are assumed: the mean fan-out follows from them".to_owned()],
        engine: EngineReport {
            events: 12_300_000,
            deliveries: 240_000_000,
            cpu_s: 4.1,
            wall_s: 4.3,
            setup_cpu_s: 0.8,
            memory_bytes: 61_000_000,
        },
    }
}

/// Three loads, of which the last is unstable.
#[must_use]
pub fn ramp() -> RampReport {
    let mut small = run();
    small.users = 20_000;
    scale(&mut small, 0.1);
    let mut broken = run();
    broken.users = 2_000_000;
    broken.stop = "Unstable{database}".to_owned();
    scale(&mut broken, 10.0);
    for latency in broken
        .operations
        .values_mut()
        .flat_map(|o| o.latency_ms.values_mut())
    {
        for e in [
            &mut latency.mean,
            &mut latency.p50,
            &mut latency.p95,
            &mut latency.p99,
            &mut latency.p999,
        ] {
            *e = Estimate::none();
        }
    }
    broken
        .connections
        .rejected
        .insert("memory".to_owned(), 1_234);
    broken.objectives[0].verdict = "fail".to_owned();
    let breaks = [
        "database.pool",
        "unstable.database",
        "connections.rejected.memory",
        "publish.delivered.p99 < 500 ms",
    ];
    let breaks = breaks
        .map(|limit| RampBreak {
            limit: limit.to_owned(),
            users: 2_000_000,
        })
        .to_vec();
    RampReport {
        points: vec![small, run(), broken],
        breaks,
    }
}

fn scale(report: &mut RunReport, factor: f64) {
    for operation in report.operations.values_mut() {
        operation.offered_per_s *= factor;
        operation.completed_per_s *= factor;
        operation.deliveries_per_s *= factor;
    }
    for used in report
        .tiers
        .values_mut()
        .flat_map(|t| t.utilization.values_mut())
    {
        used.hottest *= factor;
        used.mean *= factor;
    }
    if let Some(bottleneck) = &mut report.bottleneck {
        bottleneck.utilization *= factor;
    }
    if let Some(cost) = &mut report.cost {
        cost.usd_per_month *= factor;
    }
}

fn operations() -> BTreeMap<String, OperationReport> {
    let regions = [("us-east-1", 121.0), ("eu-west-1", 214.0)];
    let accesses = [("cable", 180.0), ("4g", 260.0)];
    let publish = OperationReport {
        offered_per_s: 2_000.0,
        completed_per_s: 1_999.6,
        deliveries_per_s: 4.02e6,
        owed: 241_200_400,
        received: 241_200_000,
        in_flight: 400,
        latency_ms: BTreeMap::from([
            (
                "delivered".to_owned(),
                latency(241_200_000, [88.1, 71.3, 171.2, 212.4, 318.7], 1_204.0),
            ),
            (
                "complete".to_owned(),
                latency(120_000, [131.0, 118.0, 240.1, 342.0, 498.0], 1_204.0),
            ),
        ]),
        by_region: regions
            .map(|(name, p99)| (name.to_owned(), place(p99)))
            .into(),
        by_access: accesses
            .map(|(name, p99)| (name.to_owned(), place(p99)))
            .into(),
        breakdown: vec![
            row("network", "network", 61.2, 0.52),
            row("connection_servers", "fan-out", 17.4, 0.31),
            row("channel_owners", "service", 4.2, 0.05),
            row("database", "queue", 5.3, 0.12),
        ],
        ..OperationReport::default()
    };
    let query = OperationReport {
        offered_per_s: 30_000.0,
        completed_per_s: 29_990.0,
        latency_ms: BTreeMap::from([(
            "answered".to_owned(),
            latency(1_800_000, [41.0, 38.0, 92.0, 121.0, 190.0], 600.0),
        )]),
        ..OperationReport::default()
    };
    BTreeMap::from([("publish".to_owned(), publish), ("query".to_owned(), query)])
}

fn latency(count: u64, [mean, p50, p95, p99, p999]: [f64; 5], max: f64) -> LatencyReport {
    let mut report = LatencyReport {
        count,
        mean: Estimate::point(mean),
        p50: Estimate::point(p50),
        p95: Estimate::point(p95),
        p99: Estimate::point(p99),
        p999: Estimate::point(p999),
        max,
        buckets: vec![(p50, count / 2), (max, count - count / 2)],
    };
    if p99 == 212.4 {
        report.p99 = Estimate {
            value: Some(p99),
            low: Some(203.1),
            high: Some(221.9),
        };
    }
    report
}

fn place(p99: f64) -> LatencyReport {
    let shape = [p99 * 0.4, p99 * 0.35, p99 * 0.8, p99, p99 * 1.5];
    LatencyReport {
        buckets: Vec::new(),
        ..latency(120_600_000, shape, p99 * 4.0)
    }
}

fn row(tier: &str, cause: &str, mean_ms: f64, share_of_p99: f64) -> BreakdownRow {
    BreakdownRow {
        tier: tier.to_owned(),
        cause: cause.to_owned(),
        mean_ms,
        share_of_p99,
    }
}

fn tiers() -> BTreeMap<String, TierReport> {
    let tier = |order, instances, used: &[(&str, f64, f64, u32)]| TierReport {
        order,
        instances,
        utilization: used
            .iter()
            .map(|&(name, hottest, mean, instance)| {
                (
                    name.to_owned(),
                    Utilization {
                        hottest,
                        mean,
                        instance,
                    },
                )
            })
            .collect(),
        queue: QueueReport { mean: 0.4, max: 31 },
        ..TierReport::default()
    };
    BTreeMap::from([
        (
            "load_balancer".to_owned(),
            tier(0, 2, &[("connections", 0.51, 0.5, 1)]),
        ),
        (
            "connection_servers".to_owned(),
            tier(1, 10, &[("cpu", 0.62, 0.58, 3), ("memory", 0.41, 0.4, 3)]),
        ),
        (
            "channel_owners".to_owned(),
            tier(2, 4, &[("cpu", 0.33, 0.21, 2)]),
        ),
        (
            "database".to_owned(),
            tier(3, 1, &[("pool", 0.784, 0.784, 0), ("cpu", 0.4, 0.4, 0)]),
        ),
    ])
}

fn cost() -> CostReport {
    let item = |tier: &str, category: &str, usd_per_month| CostItem {
        tier: tier.to_owned(),
        category: category.to_owned(),
        usd_per_month,
    };
    CostReport {
        usd_per_month: 94_000.0,
        usd_per_million_messages: 17.88,
        usd_per_user_month: 0.47,
        price_book: "2026-07".to_owned(),
        items: vec![
            item("connection_servers", "egress", 92_500.0),
            item("connection_servers", "machines", 1_500.0),
        ],
        ..CostReport::default()
    }
}

fn objectives() -> Vec<ObjectiveReport> {
    let objective = |objective: &str, verdict: &str, value, low, high| ObjectiveReport {
        objective: objective.to_owned(),
        verdict: verdict.to_owned(),
        value: Some(value),
        low,
        high,
    };
    vec![
        objective(
            "publish.delivered.p99 < 500 ms",
            "pass",
            212.4,
            Some(203.1),
            Some(221.9),
        ),
        objective("publish.lost == 0", "pass", 0.0, None, Some(1.2e-8)),
        objective("breaks_at > 300_000 users", "fail", 255_100.0, None, None),
    ]
}
