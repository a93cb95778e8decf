//! The quick estimate: the analytic answer beside the simulated one.
//!
//! Models: each station by itself, fed with Poisson arrivals at the rates that the *real* placement gives it
//! ([`Placement`], taken once per population and design), and a message's latency as the sum of independent parts:
//!
//! - connection server: M/G/c after Allen and Cunneen with the inbox before the sockets (Cobham's priorities);
//! - channel owner, broker: M/G/1 per core (Pollaczek–Khinchine); database: M/G/c with Erlang C for the pool;
//! - place in the fan-out loop: even over the recipients of the copy that a random delivery is part of;
//! - network: the clients' own base delays and the jitter of their access network, kept in order per connection
//!   (the never-overtaken ones of an M/G/∞).
//!
//! Stop-the-world pauses are a fluid: the backlog of a pause drains at 1 − ρ. Waits beyond zero count as exponential. Parts are added by numerical convolution. Breaks at: the load at which the first
//! resource is full or the first objective fails, each followed by bisection.
//!
//! Left out: purchases, orders and notifications with their tiers, assets, and the latency of queries that points of presence may answer (what they take off the servers is in it),
//! and with them the bill; faults, refused connections, timeouts, two pauses at once, the joint luck of copies of one message, and
//! everything a run's finite length adds. Source: Allen, Probability, Statistics and Queueing Theory, section 5.4; Cobham 1954.

mod audit;
mod curve;
mod data;
pub(crate) mod grid;
mod latency;
mod money;
pub(crate) mod placement;
mod stations;

use std::collections::BTreeMap;

pub use audit::audit;
pub use curve::{CurvePoint, curve};
pub use placement::{Audience, CoreShare, Placement, ServerShare, Sizes};

use crate::scenario::{Comparison, Objective, Scenario};
use latency::Network;
use stations::Model;

/// The statistics of each latency.
const STATISTICS: [(&str, f64); 4] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999)];
/// Halvings of the interval in which a load is looked for.
const HALVINGS: u32 = 24;
/// The same where every look adds distributions.
const LATENCY_HALVINGS: u32 = 8;
/// How far from the estimated load a break is looked for, as a power of 2.
const FARTHEST: i32 = 24;

/// The answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quick {
    /// By report path, in the report's units: `publish.delivered.p99`, `database.pool`, `breaks_at`, `cost.usd_per_month`.
    pub values: BTreeMap<String, f64>,
    /// What fails at `breaks_at`, as in `breaks_at.limit`.
    pub limit: Option<String>,
}

impl Quick {
    /// One number.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<f64> {
        self.values.get(path).copied()
    }
}

/// The quick estimate of a scenario with the placement of its population, or one near it.
#[must_use]
pub fn estimate(scenario: &Scenario, placement: &Placement) -> Quick {
    let model = Model::new(scenario, placement);
    let network = Network::new(&model);
    let mut values = BTreeMap::new();
    let load = model.at(1.0);
    for operation in load.operations() {
        let name = operation.name();
        values.insert(format!("{name}.offered_per_s"), load.offered(operation));
        if let Some(latency) = network.latency(&model, &load, operation) {
            let kind = operation.kind();
            let ms = |seconds: f64| seconds * 1e3;
            values.insert(format!("{name}.{kind}.mean"), ms(latency.mean()));
            for (statistic, p) in STATISTICS {
                values.insert(
                    format!("{name}.{kind}.{statistic}"),
                    ms(latency.quantile(p)),
                );
            }
        }
    }
    values.extend(load.utilization());
    if let Some(usd) = money::usd_per_month(&load) {
        values.insert("cost.usd_per_month".to_owned(), usd);
    }
    if let Some(factor) = resource_full_at(&model) {
        let users = libm::round(model.users() * factor);
        values.insert("breaks_at.resource".to_owned(), users);
    }
    let (limit, at) = breaks_at(scenario, &model, &network);
    if let Some(factor) = at {
        let users = libm::round(model.users() * factor);
        values.insert("breaks_at".to_owned(), users);
    }
    Quick { values, limit }
}

/// The limit that fails first, and at which multiple of the load.
fn breaks_at(
    scenario: &Scenario,
    model: &Model<'_>,
    network: &Network,
) -> (Option<String>, Option<f64>) {
    let worst = |factor: f64| fullest(scenario, model, factor);
    let Some(full_at) = crossing(HALVINGS, |factor| worst(factor).0 >= 1.0) else {
        return (None, None);
    };
    let latencies: Vec<&Objective> = scenario
        .objectives
        .iter()
        .filter(|objective| latency_of(objective).is_some() && is_ceiling(objective))
        .collect();
    let late = |factor: f64| {
        let load = model.at(factor);
        latencies.iter().copied().find(|objective| {
            let Some((name, p)) = latency_of(objective) else {
                return false;
            };
            let operation = load.operations().find(|operation| operation.name() == name);
            operation.is_some_and(|operation| {
                let latency = network.latency(model, &load, operation);
                latency.is_none_or(|latency| {
                    let seconds = p.map_or_else(|| latency.mean(), |p| latency.quantile(p));
                    seconds * 1e3 > objective.limit
                })
            })
        })
    };
    let just_before = full_at * (1.0 - 1e-3);
    if latencies.is_empty() || late(just_before).is_none() {
        return (Some(worst(full_at).1), Some(full_at));
    }
    let (mut low, mut high) = (0.0, just_before);
    for _ in 0..LATENCY_HALVINGS {
        let middle = if low > 0.0 {
            libm::sqrt(low * high)
        } else {
            high / 2.0
        };
        if late(middle).is_some() {
            high = middle;
        } else {
            low = middle;
        }
    }
    let limit = late(high).map(|objective| objective.text.clone());
    (limit, Some(high))
}

/// The multiple of the load at which the first resource is full, whatever the objectives say.
fn resource_full_at(model: &Model<'_>) -> Option<f64> {
    crossing(HALVINGS, |factor| {
        let utilization = model.at(factor).utilization();
        utilization.values().any(|value| *value >= 1.0)
    })
}

/// The resource or objective nearest to its limit, with its share of it; latencies apart.
fn fullest(scenario: &Scenario, model: &Model<'_>, factor: f64) -> (f64, String) {
    let load = model.at(factor);
    let utilization = load.utilization();
    let mut worst = (0.0, String::new());
    let mut consider = |share: f64, name: &str| {
        if share > worst.0 {
            worst = (share, name.to_owned());
        }
    };
    for (name, value) in &utilization {
        if !name.ends_with(".mean") {
            consider(*value, name);
        }
    }
    for objective in scenario.objectives.iter().filter(|o| is_ceiling(o)) {
        let steps: Vec<&str> = objective.path.split('.').collect();
        let value = match steps.as_slice() {
            ["tiers", tier, "utilization", resource, "hottest"] => {
                utilization.get(&format!("{tier}.{resource}")).copied()
            }
            ["cost", "usd_per_month"] => money::usd_per_month(&load),
            _ => None,
        };
        if let Some(value) = value.filter(|_| objective.limit > 0.0) {
            consider(value / objective.limit, &objective.text);
        }
    }
    worst
}

fn is_ceiling(objective: &Objective) -> bool {
    matches!(objective.comparison, Comparison::Less | Comparison::AtMost)
}

/// Operation and probability (`None`: the mean) of an objective on a latency that is estimated.
fn latency_of(objective: &Objective) -> Option<(&str, Option<f64>)> {
    let steps: Vec<&str> = objective.path.split('.').collect();
    let [operation, "delivered" | "answered", statistic] = steps.as_slice() else {
        return None;
    };
    if *statistic == "mean" {
        return Some((operation, None));
    }
    let (_, p) = STATISTICS.iter().find(|(name, _)| name == statistic)?;
    Some((operation, Some(*p)))
}

/// The smallest factor at which `fails`, if it fails anywhere near.
fn crossing(halvings: u32, fails: impl Fn(f64) -> bool) -> Option<f64> {
    let power = |n: i32| libm::ldexp(1.0, n);
    let first = if fails(1.0) {
        (-FARTHEST..=0).rev().find(|n| !fails(power(*n)))? + 1
    } else {
        (1..=FARTHEST).find(|n| fails(power(*n)))?
    };
    let (mut low, mut high) = (power(first - 1), power(first));
    for _ in 0..halvings {
        let middle = 0.5 * (low + high);
        if fails(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
