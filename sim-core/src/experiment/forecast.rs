//! What a change would do, by the quick estimate: the first look at every candidate.
//!
//! The placement is taken anew where a change moves people, seats or owners ([`Placement::suits`]), which builds the population
//! again; all other changes cost less than 5 ms of CPU.

use super::{Recipe, RunRequest};
use crate::quick::{Placement, Quick, estimate};
use crate::report::RunReport;
use crate::scenario::{Edit, Scenario};

/// The figures by which changes are ranked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Users at which the first limit fails; `None`: nothing fails.
    pub breaks_at: Option<f64>,
    /// What fails there.
    pub limit: Option<String>,
    /// Users at which the first resource is full, whatever the objectives say.
    pub full_at: Option<f64>,
    /// 99th percentile of the main latency; `None` for an unstable system.
    pub p99_ms: Option<f64>,
    /// Bill.
    pub usd_per_month: Option<f64>,
}

/// The latencies that stand for an operation, the main one first.
const MAIN: [(&str, &str); 3] = [
    ("publish", "delivered"),
    ("presence", "delivered"),
    ("query", "answered"),
];

impl Forecast {
    /// Of a quick estimate.
    #[must_use]
    pub fn quick(quick: &Quick) -> Self {
        let p99 = |(operation, kind): (&str, &str)| quick.get(&format!("{operation}.{kind}.p99"));
        let main = MAIN
            .into_iter()
            .find(|(operation, _)| quick.get(&format!("{operation}.offered_per_s")).is_some());
        Self {
            breaks_at: quick.get("breaks_at"),
            limit: quick.limit.clone(),
            full_at: quick.get("breaks_at.resource"),
            p99_ms: main.and_then(p99),
            usd_per_month: quick.get("cost.usd_per_month"),
        }
    }

    /// Of a run.
    #[must_use]
    pub fn simulated(report: &RunReport) -> Self {
        let latency = MAIN
            .into_iter()
            .find_map(|(operation, kind)| report.operations.get(operation)?.latency_ms.get(kind));
        let breaks = report.breaks_at.as_ref();
        Self {
            breaks_at: breaks.and_then(|b| b.users.value),
            limit: breaks.map(|b| b.limit.clone()),
            full_at: breaks.and_then(|b| b.users.value),
            p99_ms: latency.and_then(|latency| latency.p99.value),
            usd_per_month: report.cost.as_ref().map(|cost| cost.usd_per_month),
        }
    }
}

/// Forecasts changes to one scenario.
#[derive(Debug)]
pub struct Forecaster {
    recipe: Recipe,
    placement: Placement,
    /// Of the scenario as it is.
    pub base: Forecast,
    /// The scenario as it is.
    pub scenario: Scenario,
}

impl Forecaster {
    /// Builds the population once. The error is in words.
    pub fn new(recipe: Recipe) -> Result<Self, String> {
        let scenario = recipe.scenario(&RunRequest::plain()).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            lines.join("\n")
        })?;
        let placement = Placement::of(&scenario).map_err(|error| error.to_string())?;
        Ok(Self {
            base: Forecast::quick(&estimate(&scenario, &placement)),
            recipe,
            placement,
            scenario,
        })
    }

    /// What these edits would do; `None`: they do not apply to this scenario, or change nothing.
    #[must_use]
    pub fn forecast(&self, edits: &[Edit]) -> Option<Forecast> {
        let changed = self
            .recipe
            .scenario(&RunRequest::edited(edits.to_vec()))
            .ok()?;
        if changed.hash() == self.scenario.hash() {
            return None;
        }
        let quick = if self.placement.suits(&changed) {
            estimate(&changed, &self.placement)
        } else {
            estimate(&changed, &Placement::of(&changed).ok()?)
        };
        Some(Forecast::quick(&quick))
    }
}
