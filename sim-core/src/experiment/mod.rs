//! Experiments: planners that say which runs they need next, until they can answer.
//!
//! A [`Planner`] is pure: it looks at the finished [`Results`] and returns [`Next::Runs`] (all of one batch may run side by
//! side) or [`Next::Done`]. It keeps no state of its own, so the same results give the same next step, whoever executes them
//! and in which order they finished. [`Planner::partial`] answers with what there is when somebody stops.
//!
//! - [`capacity`]: at how many users does it break, and what breaks next?
//! - [`advise`]: what would fix it? Every resource and policy changed by one step, or by as many as hold a load.
//! - [`tornado`]: which guess matters? The same over the numbers that are only assumed.
//!
//! Left out: running anything (`session` does), and stopping rules inside one run ([`crate::statistics`]).

pub mod advise;
pub mod candidates;
pub mod capacity;
mod forecast;
pub mod guesses;
mod holding;
mod judge;
mod search;
pub mod tornado;

pub use advise::Advise;
pub use capacity::Capacity;
pub use forecast::{Forecast, Forecaster};
pub use judge::{Judgement, failed_limits, judge};
pub use tornado::Tornado;

use std::collections::BTreeMap;

use crate::report::RunReport;
use crate::scenario::{Draft, Edit, Problem, Scenario, ScenarioError, load_with};

/// One simulation that a planner asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    /// Its number: 0, 1, 2, … in the order asked.
    pub id: u32,
    /// Changes to the experiment's scenario.
    pub edits: Vec<Edit>,
    /// Another number of users.
    pub users: Option<u32>,
    /// Another run seed; the same seed is common random numbers.
    pub seed: Option<u64>,
    /// Measure so many times longer than the scenario says.
    pub length_factor: u32,
    /// Of the intervals it should be able to give.
    pub confidence: f64,
}

impl RunRequest {
    /// The scenario as it is.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            id: 0,
            edits: Vec::new(),
            users: None,
            seed: None,
            length_factor: 1,
            confidence: 0.95,
        }
    }

    /// The scenario with changes.
    #[must_use]
    pub fn edited(edits: Vec<Edit>) -> Self {
        Self {
            edits,
            ..Self::plain()
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It ran to its end.
    Report(Box<RunReport>),
    /// It cannot be simulated, and why.
    Failed(String),
}

/// Everything finished so far, in the order of the requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    entries: Vec<(RunRequest, Outcome)>,
}

impl Results {
    /// Files an outcome; order does not matter.
    pub fn push(&mut self, request: RunRequest, outcome: Outcome) {
        let at = self
            .entries
            .partition_point(|(other, _)| other.id < request.id);
        self.entries.insert(at, (request, outcome));
    }

    /// Requests and outcomes by number.
    pub fn iter(&self) -> impl Iterator<Item = (&RunRequest, &Outcome)> {
        self.entries
            .iter()
            .map(|(request, outcome)| (request, outcome))
    }

    /// Reports with their requests by number.
    pub fn reports(&self) -> impl Iterator<Item = (&RunRequest, &RunReport)> {
        self.iter().filter_map(|(request, outcome)| match outcome {
            Outcome::Report(report) => Some((request, &**report)),
            Outcome::Failed(_) => None,
        })
    }

    /// The outcome of a request like this one, whatever its number.
    #[must_use]
    pub fn of(&self, wanted: &RunRequest) -> Option<&Outcome> {
        self.iter()
            .find(|(request, _)| same(request, wanted))
            .map(|(_, outcome)| outcome)
    }

    /// Requests answered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is finished.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives requests their numbers, the ones answered before left out; `None` when none is left.
    fn new_ones(&self, wanted: Vec<RunRequest>) -> Option<Vec<RunRequest>> {
        let mut fresh: Vec<RunRequest> = Vec::new();
        for request in wanted {
            if self.of(&request).is_none() && fresh.iter().all(|other| !same(other, &request)) {
                let id = (self.len() + fresh.len()) as u32;
                fresh.push(RunRequest { id, ..request });
            }
        }
        (!fresh.is_empty()).then_some(fresh)
    }
}

fn same(a: &RunRequest, b: &RunRequest) -> bool {
    RunRequest { id: 0, ..a.clone() } == RunRequest { id: 0, ..b.clone() }
}

/// What a planner wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Next<A> {
    /// These runs, in any order and side by side.
    Runs(Vec<RunRequest>),
    /// Nothing more.
    Done(A),
}

/// An experiment.
pub trait Planner {
    /// What it finds out.
    type Answer;
    /// The next step after these results.
    fn next(&self, results: &Results) -> Next<Self::Answer>;
    /// The answer so far, when the experiment is stopped.
    fn partial(&self, results: &Results) -> Self::Answer;
    /// Runs it may need in all, for progress.
    fn at_most(&self) -> usize;
}

/// A scenario's text and the edits of whoever asked: what requests are applied to.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The text.
    pub text: String,
    /// What errors call it.
    pub file_name: String,
    /// Edits that hold for every run.
    pub edits: Vec<Edit>,
    /// Texts of the files that the text names (traces), by their names in it.
    pub files: BTreeMap<String, String>,
}

impl From<&Draft> for Recipe {
    fn from(draft: &Draft) -> Self {
        Self {
            text: draft.base().text.clone(),
            file_name: draft.beginning().name().to_owned(),
            edits: draft.edits(),
            files: draft.base().files.clone(),
        }
    }
}

impl Recipe {
    /// The scenario of a request.
    pub fn scenario(&self, request: &RunRequest) -> Result<Scenario, Vec<ScenarioError>> {
        let edits: Vec<Edit> = self.edits.iter().chain(&request.edits).cloned().collect();
        let files = |name: &str| {
            let text = self.files.get(name).cloned();
            text.ok_or_else(|| "it was not read with the scenario".to_owned())
        };
        let nowhere = |_: &str, _: &str| Err(Problem::new("a base is part of the text by now"));
        let loaded = load_with(&self.text, &self.file_name, &edits, &nowhere, &files)?;
        let mut scenario = loaded.scenario;
        if let Some(users) = request.users {
            scenario.load.users = users;
        }
        if let Some(seed) = request.seed {
            scenario.run.seed = seed;
        }
        scenario.run.duration = scenario.run.duration * u64::from(request.length_factor.max(1));
        Ok(scenario)
    }
}

/// A fake model for the planners' tests: reports of a system whose limits are known.
#[cfg(test)]
pub(crate) mod fake;
