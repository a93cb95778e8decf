//! What a change would do, by the quick estimate: the first look at every candidate.
//!
//! The placement is taken anew where a change moves people, seats or owners ([`Placement::suits`]), which builds the population
//! again; all other changes cost less than 5 ms of CPU.

use super::advise::Variant;
use super::candidates::candidates;
use super::guesses::{Guess, guesses};
use super::tornado::Ends;
use super::{Recipe, RunRequest};
use crate::quick::{Placement, Quick, estimate};
use crate::report::RunReport;
use crate::scenario::{Edit, Scenario, ScenarioError, Tier};

/// Users that a sketch is surveyed at, at most: shares hardly change above.
const SKETCH_USERS: u32 = 100_000;

/// The figures by which changes are ranked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Users at which the first limit fails; `None`: nothing fails.
    pub breaks_at: Option<f64>,
    /// What fails there.
    pub limit: Option<String>,
    /// Users at which the first resource is full, whatever the objectives say.
    pub full_at: Option<f64>,
    /// The fullest resource at the scenario's load: `database.pool`.
    pub fullest: Option<String>,
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
            fullest: fullest(quick),
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
            fullest: report
                .bottleneck
                .as_ref()
                .map(|fullest| format!("{}.{}", fullest.tier, fullest.resource)),
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
    sketch: bool,
    /// Of the scenario as it is.
    pub base: Forecast,
    /// The scenario as it is.
    pub scenario: Scenario,
}

impl Forecaster {
    /// Builds the population once. The error is in words.
    pub fn new(recipe: Recipe) -> Result<Self, String> {
        Self::begin(recipe, false)
    }

    /// One that answers while somebody waits: the population is surveyed at 100 K users at most, which other numbers of users
    /// scale, and a ceiling on money is no limit (what a change costs stands beside it).
    pub fn sketch(recipe: Recipe) -> Result<Self, String> {
        Self::begin(recipe, true)
    }

    fn begin(recipe: Recipe, sketch: bool) -> Result<Self, String> {
        let mut scenario = recipe
            .scenario(&RunRequest::plain())
            .map_err(|errors| in_words(&errors))?;
        if sketch {
            forget_money(&mut scenario);
        }
        let placement = survey(&scenario, sketch)?;
        Ok(Self {
            base: Forecast::quick(&estimate(&scenario, &placement)),
            recipe,
            placement,
            sketch,
            scenario,
        })
    }

    /// What these edits would do; `None`: they do not apply to this scenario, or change nothing.
    #[must_use]
    pub fn forecast(&self, edits: &[Edit]) -> Option<Forecast> {
        let mut changed = self
            .recipe
            .scenario(&RunRequest::edited(edits.to_vec()))
            .ok()?;
        if self.sketch {
            forget_money(&mut changed);
        }
        if changed.hash() == self.scenario.hash() {
            return None;
        }
        let quick = if self.placement.suits(&changed) {
            estimate(&changed, &self.placement)
        } else {
            estimate(&changed, &survey(&changed, self.sketch).ok()?)
        };
        Some(Forecast::quick(&quick))
    }

    /// Every change by one step with its forecast, as far as `go_on` says.
    #[must_use]
    pub fn variants(&self, go_on: &dyn Fn() -> bool) -> Vec<Variant> {
        let all = candidates(&self.scenario).into_iter();
        all.take_while(|_| go_on())
            .filter_map(|candidate| self.variant(candidate.words, candidate.edits))
            .collect()
    }

    /// A change with its forecast; `None`: it does not apply, or changes nothing.
    #[must_use]
    pub fn variant(&self, words: String, edits: Vec<Edit>) -> Option<Variant> {
        let forecast = self.forecast(&edits)?;
        Some(Variant {
            words,
            edits,
            forecast,
        })
    }

    /// Every assumed number with the forecasts of both ends, as far as `go_on` says.
    #[must_use]
    pub fn ends(&self, go_on: &dyn Fn() -> bool) -> Vec<Ends> {
        let all = guesses(&self.scenario).into_iter();
        all.take_while(|_| go_on())
            .filter_map(|guess| self.end(guess))
            .collect()
    }

    /// One of them; `None`: an end does not apply, or changes nothing.
    #[must_use]
    pub fn end(&self, guess: Guess) -> Option<Ends> {
        Some(Ends {
            low: self.forecast(&guess.low)?,
            high: self.forecast(&guess.high)?,
            guess,
        })
    }
}

fn fullest(quick: &Quick) -> Option<String> {
    let of_tier = |path: &str| {
        let resource = path.split_once('.').filter(|(_, rest)| !rest.contains('.'));
        resource.is_some_and(|(tier, _)| Tier::ALL.iter().any(|known| known.name() == tier))
    };
    let resources = quick.values.iter().filter(|(path, _)| of_tier(path));
    let fullest = resources.max_by(|a, b| a.1.total_cmp(b.1))?;
    Some(fullest.0.clone())
}

fn in_words(errors: &[ScenarioError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn survey(scenario: &Scenario, sketch: bool) -> Result<Placement, String> {
    let mut surveyed = scenario.clone();
    if sketch {
        surveyed.load.users = surveyed.load.users.min(SKETCH_USERS);
    }
    Placement::of(&surveyed).map_err(|error| error.to_string())
}

fn forget_money(scenario: &mut Scenario) {
    let objectives = &mut scenario.objectives;
    objectives.retain(|objective| !objective.path.starts_with("cost."));
}
