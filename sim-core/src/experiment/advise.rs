//! What would fix it: every resource and policy changed by one step, the best of them simulated.
//!
//! All candidates are ranked by their forecast (the quick estimate): users won before the first limit fails, before the
//! first resource is full, then p99, then money. The best are simulated at the scenario's load under common random numbers, beside the scenario itself; with
//! [`Advise::search`] each of them is also searched for the load at which it breaks.
//!
//! Left out: two changes at once. After the first fix another resource is the tightest: ask again.

use super::forecast::Forecast;
use super::search::{Bracket, Search, Step};
use super::{Next, Outcome, Planner, Results, RunRequest};
use crate::report::{AdviceReport, BreaksAt, Estimate, FixReport, RunReport};
use crate::scenario::Edit;

/// Loads for one search.
const BUDGET: usize = 16;
/// Largest load to try.
const MOST: u32 = 100_000_000;
/// Relative change of `breaks_at` that counts as one.
const NOTICEABLE: f64 = 0.005;

/// A change with its forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// `+2 connection servers`
    pub words: String,
    /// What it sets.
    pub edits: Vec<Edit>,
    /// What the quick estimate says it does.
    pub forecast: Forecast,
}

/// The planner.
#[derive(Clone, Debug)]
pub struct Advise {
    /// Forecast of the scenario as it is.
    pub base: Forecast,
    /// Users of the scenario. Where it breaks below, only what makes it hold more would fix it.
    pub users: u32,
    /// All changes.
    pub variants: Vec<Variant>,
    /// Limits that do not count in a search.
    pub ignored: Vec<String>,
    /// How many of the best are simulated.
    pub simulate: usize,
    /// Relative width to which their break is searched; `None`: the run's own estimate stands.
    pub search: Option<f64>,
    /// Runs at a time.
    pub at_once: usize,
}

impl Advise {
    /// The changes, best forecast first.
    #[must_use]
    pub fn ranked(&self) -> Vec<&Variant> {
        let fixes = |variant: &&Variant| {
            !self.is_beyond()
                || helps(&self.base, &variant.forecast)
                || fuller_later(&self.base, &variant.forecast)
        };
        let mut ranked: Vec<&Variant> = self.variants.iter().filter(fixes).collect();
        ranked.sort_by(|a, b| order(&self.base, &a.forecast, &b.forecast));
        ranked
    }

    /// Whether the scenario asks for more than it holds.
    fn is_beyond(&self) -> bool {
        let users = f64::from(self.users);
        self.base.breaks_at.is_some_and(|breaks| breaks < users)
    }

    /// The scenario itself, then the best changes, as edits.
    fn simulated(&self) -> Vec<Vec<Edit>> {
        let best = self.ranked().into_iter().take(self.simulate);
        std::iter::once(Vec::new())
            .chain(best.map(|variant| variant.edits.clone()))
            .collect()
    }

    fn forecast_of(&self, edits: &[Edit]) -> &Forecast {
        let variant = self.variants.iter().find(|v| v.edits == edits);
        variant.map_or(&self.base, |variant| &variant.forecast)
    }

    fn step(&self, edits: &[Edit], width: f64, results: &Results) -> Step {
        let own = report_of(results, edits).and_then(|r| r.breaks_at.as_ref()?.users.value);
        let forecast = self.forecast_of(edits).breaks_at;
        Search {
            edits,
            ignored: &self.ignored,
            guess: forecast.or(own).unwrap_or(1_000.0).clamp(1.0, MOST.into()),
            most: MOST,
            width,
            at_once: self.at_once.max(1),
            budget: BUDGET,
        }
        .step(results)
    }

    fn bracket(&self, edits: &[Edit], results: &Results) -> Option<Bracket> {
        let width = self.search?;
        match self.step(edits, width, results) {
            Step::Found(bracket) => Some(bracket),
            Step::Runs(_) => None,
        }
    }

    fn row(&self, variant: &Variant, base: &Forecast, results: &Results) -> FixReport {
        let report = report_of(results, &variant.edits);
        let bracket = report.and_then(|_| self.bracket(&variant.edits, results));
        let own = report.map(Forecast::simulated);
        let breaks_at = match bracket.as_ref().and_then(searched) {
            Some(breaks_at) => Some(breaks_at),
            // The quick estimate knows the objectives too, a run's own estimate knows resources only.
            None => estimated(&variant.forecast),
        };
        let seen = own.as_ref().unwrap_or(&variant.forecast);
        FixReport {
            edit: variant.edits.iter().map(as_typed).collect(),
            words: variant.words.clone(),
            breaks_at,
            resource_full_at: variant.forecast.full_at,
            p99_ms: seen.p99_ms,
            usd_per_month: seen.usd_per_month,
            delta_usd: difference(seen.usd_per_month, base.usd_per_month),
            delta_p99_ms: difference(seen.p99_ms, base.p99_ms),
            simulated: own.is_some(),
        }
    }

    fn answer(&self, results: &Results, mut notes: Vec<String>) -> AdviceReport {
        let base = report_of(results, &[]);
        let simulated_base = base.map_or_else(|| self.base.clone(), Forecast::simulated);
        let ranked = self.ranked();
        let mut fixes: Vec<FixReport> = ranked
            .into_iter()
            .map(|variant| {
                let simulated = report_of(results, &variant.edits).is_some();
                let beside = if simulated {
                    &simulated_base
                } else {
                    &self.base
                };
                self.row(variant, beside, results)
            })
            .collect();
        // What was simulated comes first, by what the search found; ties stay in the order of the forecasts.
        let users = |fix: &FixReport| {
            let breaks_at = fix.breaks_at.as_ref().and_then(|b| b.users.value);
            let unit = NOTICEABLE * self.base.breaks_at.unwrap_or(1.0).max(1.0);
            breaks_at.map_or(f64::INFINITY, |users| libm::round(users / unit))
        };
        fixes.sort_by(|a, b| {
            b.simulated
                .cmp(&a.simulated)
                .then(users(b).total_cmp(&users(a)))
        });
        let best = self.ranked().first().map(|v| v.forecast.clone());
        if best.is_none_or(|best| !helps(&self.base, &best)) {
            let limit = self.base.limit.as_deref().unwrap_or("anything");
            notes.push(format!(
                "no single step moves the load at which {limit} gives way; steps are ranked by when the first resource is full"
            ));
        }
        let left_out = self.variants.len() - self.ranked().len();
        if left_out > 0 {
            notes.push(format!(
                "the design is already beyond what it holds: {left_out} steps that do not make it hold more, cheaper ones among them, are left out"
            ));
        }
        for (request, outcome) in results.iter() {
            if let Outcome::Failed(why) = outcome {
                let what: Vec<String> = request.edits.iter().map(as_typed).collect();
                notes.push(format!("{}: {why}", what.join(" ")));
            }
        }
        AdviceReport {
            breaks_at: self
                .bracket(&[], results)
                .as_ref()
                .and_then(searched)
                .or_else(|| estimated(&self.base)),
            base: base.cloned(),
            fixes,
            guesses: Vec::new(),
            notes,
        }
    }
}

impl Planner for Advise {
    type Answer = AdviceReport;

    fn next(&self, results: &Results) -> Next<AdviceReport> {
        let all = self.simulated();
        let wanted = all.iter().cloned().map(RunRequest::edited).collect();
        if let Some(runs) = results.new_ones(wanted) {
            return Next::Runs(runs);
        }
        if let Some(width) = self.search {
            let wanted = all
                .iter()
                .flat_map(|edits| match self.step(edits, width, results) {
                    Step::Runs(runs) => runs,
                    Step::Found(_) => Vec::new(),
                });
            if let Some(runs) = results.new_ones(wanted.collect()) {
                return Next::Runs(runs);
            }
        }
        Next::Done(self.answer(results, Vec::new()))
    }

    fn partial(&self, results: &Results) -> AdviceReport {
        let note = "stopped early: what is marked as simulated was finished, the rest is the quick estimate";
        self.answer(results, vec![note.to_owned()])
    }

    fn at_most(&self) -> usize {
        let each = if self.search.is_some() { 6 } else { 1 };
        (self.simulate.min(self.ranked().len()) + 1) * each
    }
}

/// Best first: later break, later full resource, lower p99, less money.
fn order(base: &Forecast, a: &Forecast, b: &Forecast) -> core::cmp::Ordering {
    let unit = NOTICEABLE * base.breaks_at.unwrap_or(1.0).max(1.0);
    // Differences nobody notices are equal, so that what comes next decides.
    let steps = |users: Option<f64>| users.map_or(f64::INFINITY, |users| libm::round(users / unit));
    let p99 = |f: &Forecast| f.p99_ms.map_or(f64::INFINITY, libm::round);
    let usd = |f: &Forecast| f.usd_per_month.map_or(f64::INFINITY, libm::round);
    steps(b.breaks_at)
        .total_cmp(&steps(a.breaks_at))
        .then(steps(b.full_at).total_cmp(&steps(a.full_at)))
        .then(p99(a).total_cmp(&p99(b)))
        .then(usd(a).total_cmp(&usd(b)))
}

fn helps(base: &Forecast, variant: &Forecast) -> bool {
    match (base.breaks_at, variant.breaks_at) {
        (Some(before), Some(after)) => after > before * (1.0 + NOTICEABLE),
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn fuller_later(base: &Forecast, variant: &Forecast) -> bool {
    match (base.full_at, variant.full_at) {
        (Some(before), Some(after)) => after > before * (1.0 + NOTICEABLE),
        (before, after) => before.is_some() && after.is_none(),
    }
}

fn report_of<'r>(results: &'r Results, edits: &[Edit]) -> Option<&'r RunReport> {
    match results.of(&RunRequest::edited(edits.to_vec()))? {
        Outcome::Report(report) => Some(report),
        Outcome::Failed(_) => None,
    }
}

fn searched(bracket: &Bracket) -> Option<BreaksAt> {
    Some(BreaksAt {
        users: Estimate {
            value: bracket.middle(),
            low: bracket.passing.map(f64::from),
            high: bracket.failing.map(f64::from),
        },
        limit: bracket.limits.first()?.clone(),
        estimate: false,
    })
}

/// A forecast's break.
pub(super) fn estimated(forecast: &Forecast) -> Option<BreaksAt> {
    Some(BreaksAt {
        users: Estimate::point(forecast.breaks_at?),
        limit: forecast.limit.clone().unwrap_or_default(),
        estimate: true,
    })
}

pub(super) fn difference(now: Option<f64>, before: Option<f64>) -> Option<f64> {
    Some(now? - before?)
}

/// An edit as on the command line, without `--set`.
pub(super) fn as_typed(edit: &Edit) -> String {
    match edit {
        Edit::Set { path, value } => format!("{path}={value}"),
        Edit::Users(users) => format!("load.users={users}"),
        Edit::Overlay { file_name, .. } => format!("-f {file_name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::fake::{Fake, edited, execute};

    fn variant(words: &str, path: &str, value: &str, breaks_at: f64, usd: f64) -> Variant {
        Variant {
            words: words.to_owned(),
            edits: vec![Edit::Set {
                path: path.to_owned(),
                value: value.to_owned(),
            }],
            forecast: Forecast {
                breaks_at: Some(breaks_at),
                limit: Some("database.pool".to_owned()),
                full_at: Some(breaks_at),
                fullest: None,
                p99_ms: Some(200.0),
                usd_per_month: Some(usd),
            },
        }
    }

    fn advise() -> Advise {
        let base = Forecast {
            breaks_at: Some(255_000.0),
            limit: Some("database.pool".to_owned()),
            full_at: Some(255_000.0),
            fullest: None,
            p99_ms: Some(210.0),
            usd_per_month: Some(90_000.0),
        };
        Advise {
            base,
            users: 200_000,
            variants: vec![
                variant("+2 servers", "servers", "12", 255_300.0, 95_000.0),
                variant("a larger pool", "pool", "150", 380_000.0, 90_000.0),
                variant("cheap", "cheap", "1", 255_000.0, 80_000.0),
            ],
            ignored: Vec::new(),
            simulate: 2,
            search: None,
            at_once: 2,
        }
    }

    fn run(request: &RunRequest) -> Outcome {
        let pool = edited(request, "pool").unwrap_or(100.0);
        let fake = Fake {
            full_at: vec![("database", "pool", 2_550.0 * pool)],
            p99_fails_at: 1e9,
        };
        Outcome::Report(Box::new(fake.report(request.users.unwrap_or(200_000))))
    }

    #[test]
    fn the_best_are_simulated_beside_the_scenario_in_one_batch() {
        let (answer, batches) = execute(&advise(), run);
        assert_eq!(batches.len(), 1);
        let words: Vec<&str> = answer.fixes.iter().map(|fix| fix.words.as_str()).collect();
        // Differences too small to notice leave the choice to money.
        assert_eq!(words, ["a larger pool", "cheap", "+2 servers"]);
        let simulated: Vec<bool> = answer.fixes.iter().map(|fix| fix.simulated).collect();
        assert_eq!(simulated, [true, true, false]);
        assert_eq!(answer.fixes[0].edit, ["pool=150"]);
        assert_eq!(answer.fixes[0].delta_usd, Some(0.0));
        assert_eq!(answer.fixes[2].delta_usd, Some(5_000.0));
        assert!(
            answer.base.is_some() && answer.notes.is_empty(),
            "{:?}",
            answer.notes
        );
        let seeds = batches.iter().flatten().map(|request| request.seed);
        assert!(
            seeds.into_iter().all(|seed| seed.is_none()),
            "common random numbers"
        );
    }

    #[test]
    fn beyond_what_a_design_holds_a_cheaper_step_fixes_nothing() {
        let beyond = Advise {
            users: 300_000,
            ..advise()
        };
        let (answer, _) = execute(&beyond, run);
        let words: Vec<&str> = answer.fixes.iter().map(|fix| fix.words.as_str()).collect();
        assert_eq!(words, ["a larger pool"]);
        assert!(
            answer.notes[0].contains("already beyond"),
            "{:?}",
            answer.notes
        );
    }

    #[test]
    fn searches_run_side_by_side_and_replace_the_forecast() {
        let advise = Advise {
            search: Some(0.05),
            ..advise()
        };
        let (answer, batches) = execute(&advise, run);
        assert!(
            batches[1].len() >= 4,
            "three searches of two loads each at once"
        );
        let best = answer.fixes[0].breaks_at.as_ref().unwrap();
        assert!(!best.estimate);
        let (low, high) = (best.users.low.unwrap(), best.users.high.unwrap());
        assert!(low < 382_500.0 && 382_500.0 <= high, "{low} to {high}");
        let base = answer.breaks_at.unwrap();
        assert!(!base.estimate && base.users.low.unwrap() < 255_000.0);
    }

    #[test]
    fn stopping_keeps_what_is_finished() {
        let advise = advise();
        let mut results = Results::default();
        let empty = advise.partial(&results);
        assert_eq!(empty.fixes.len(), 3);
        assert!(empty.fixes.iter().all(|fix| !fix.simulated));
        let Next::Runs(runs) = advise.next(&results) else {
            panic!("it needs runs");
        };
        results.push(runs[1].clone(), run(&runs[1]));
        let partial = advise.partial(&results);
        assert_eq!(partial.fixes.iter().filter(|fix| fix.simulated).count(), 1);
        assert!(partial.notes[0].contains("stopped early"));
    }

    #[test]
    fn a_limit_that_no_step_moves_is_said_in_words() {
        let mut advise = advise();
        for variant in &mut advise.variants {
            variant.forecast.breaks_at = advise.base.breaks_at;
        }
        let (answer, _) = execute(&advise, run);
        assert!(
            answer.notes[0].contains("no single step"),
            "{:?}",
            answer.notes
        );
    }
}
