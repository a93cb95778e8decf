//! A system whose limits are known, in place of a simulation: resources that fill in proportion to users.

use std::collections::BTreeMap;

use super::{Next, Outcome, Planner, Results, RunRequest};
use crate::report::{
    Bottleneck, BreaksAt, ConnectionsReport, CostReport, EngineReport, Estimate, LatencyReport,
    ObjectiveReport, OperationReport, RunReport, SCHEMA, ScenarioId, TierReport, Utilization,
};
use crate::scenario::Edit;

/// Users at which each resource is full.
#[derive(Clone, Debug)]
pub(crate) struct Fake {
    pub(crate) full_at: Vec<(&'static str, &'static str, f64)>,
    /// Users at which the objective on p99 fails.
    pub(crate) p99_fails_at: f64,
}

impl Fake {
    /// What a run of this many users reports.
    pub(crate) fn report(&self, users: u32) -> RunReport {
        let mut tiers: BTreeMap<String, TierReport> = BTreeMap::new();
        let mut fullest: Option<Bottleneck> = None;
        for (tier, resource, full_at) in &self.full_at {
            let used = f64::from(users) / full_at;
            let state = tiers.entry((*tier).to_owned()).or_default();
            let utilization = Utilization {
                hottest: used,
                mean: used,
                instance: 0,
            };
            state
                .utilization
                .insert((*resource).to_owned(), utilization);
            if fullest.as_ref().is_none_or(|b| b.utilization < used) {
                fullest = Some(Bottleneck {
                    tier: (*tier).to_owned(),
                    resource: (*resource).to_owned(),
                    instance: 0,
                    utilization: used,
                    evidence: String::new(),
                });
            }
        }
        let estimate = fullest.as_ref().map(|b| BreaksAt {
            users: Estimate::point(libm::round(f64::from(users) / b.utilization)),
            model: None,
            limit: format!("{}.{}", b.tier, b.resource),
            estimate: true,
        });
        let p99 = 100.0 + 400.0 * f64::from(users) / self.p99_fails_at;
        let fails = f64::from(users) >= self.p99_fails_at;
        let publish = OperationReport {
            latency_ms: BTreeMap::from([("delivered".to_owned(), latency(p99))]),
            ..OperationReport::default()
        };
        RunReport {
            schema: SCHEMA,
            plimsoll: String::new(),
            scenario: ScenarioId {
                name: "fake".to_owned(),
                hash: String::new(),
            },
            seed: 1,
            population_seed: 1,
            users: users.into(),
            simulated_s: 10.0,
            warmup_s: 0.0,
            stop: "Finished".to_owned(),
            operations: BTreeMap::from([("publish".to_owned(), publish)]),
            tiers,
            connections: ConnectionsReport::default(),
            bottleneck: fullest,
            breaks_at: estimate,
            cost: Some(CostReport {
                usd_per_month: f64::from(users),
                ..CostReport::default()
            }),
            objectives: vec![
                objective("publish.delivered.p99 < 500 ms", !fails),
                objective("breaks_at > 1_000_000 users", false),
            ],
            precision: None,
            populations: None,
            regions: None,
            rates: BTreeMap::new(),
            faults: Vec::new(),
            series: None,
            sources: Vec::new(),
            quick_estimate: None,
            warnings: Vec::new(),
            engine: EngineReport::default(),
        }
    }
}

fn objective(text: &str, holds: bool) -> ObjectiveReport {
    ObjectiveReport {
        objective: text.to_owned(),
        verdict: if holds { "pass" } else { "fail" }.to_owned(),
        value: None,
        low: None,
        high: None,
    }
}

fn latency(p99: f64) -> LatencyReport {
    LatencyReport {
        count: 1_000,
        mean: Estimate::point(p99 / 4.0),
        p50: Estimate::point(p99 / 5.0),
        p95: Estimate::point(p99 / 2.0),
        p99: Estimate::point(p99),
        p999: Estimate::point(p99 * 2.0),
        max: p99 * 3.0,
        buckets: Vec::new(),
    }
}

/// The value an edit of this request sets a field to.
pub(crate) fn edited(request: &RunRequest, field: &str) -> Option<f64> {
    request.edits.iter().find_map(|edit| match edit {
        Edit::Set { path, value } if path == field => value.parse().ok(),
        _ => None,
    })
}

/// Executes a planner with a closure; panics if it does not come to an end. Returns the answer and the batches.
pub(crate) fn execute<P: Planner>(
    planner: &P,
    mut model: impl FnMut(&RunRequest) -> Outcome,
) -> (P::Answer, Vec<Vec<RunRequest>>) {
    let mut results = Results::default();
    let mut batches = Vec::new();
    for _ in 0..200 {
        match planner.next(&results) {
            Next::Done(answer) => return (answer, batches),
            Next::Runs(runs) => {
                assert!(!runs.is_empty(), "a batch has a run");
                // Whatever order they finish in.
                for request in runs.iter().rev() {
                    results.push(request.clone(), model(request));
                }
                batches.push(runs);
            }
        }
    }
    panic!("no answer after 200 batches");
}
