//! The worker of the studies: carries out one question, and keeps what it may need again.

use std::sync::Arc;
use std::time::Duration;

use sim_core::experiment::advise::Variant;
use sim_core::experiment::{Advise, Forecaster, Planner, Recipe, Results, Tornado};
use sim_core::scenario::{Draft, Edit, Scenario};
use sim_core::time::SimDuration;

use super::fixes::Search;
use super::{Compared, Fix, Fixes, Found, Guesses, Job, Shared, Study, hash, short};
use crate::aim::Aim;
use crate::execute::RunOptions;
use crate::interactive::to_watch_both;
use crate::{compare, experiment};

/// Relative width to which a break is searched.
const WIDTH: f64 = 0.10;
/// Relative half-width asked of a difference, and the longest that it is worked on.
const DIFFERENCE: f64 = 0.05;
const PATIENCE: Duration = Duration::from_secs(60);
/// Designs whose finished runs are kept.
const KEPT: usize = 4;

const APOLOGY: &str = "This study stopped on an internal error. Change the design and ask again.";

pub(super) struct Worker<'a> {
    shared: &'a Shared,
    /// Finished runs by design, the newest last.
    runs: Vec<(u64, Results)>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            runs: Vec::new(),
        }
    }

    /// Answers; `false`: it was interrupted.
    pub(super) fn work(&mut self, job: &Job) -> bool {
        let kind = job.study.kind();
        let go_on =
            || self.shared.is_current(kind, job.number) && !self.shared.is_urgent_before(kind);
        match &job.study {
            Study::Fixes(draft) => fixes(self.shared, draft, &go_on),
            Study::Simulate(draft, edits) => {
                let key = hash(draft);
                let earlier = take(&mut self.runs, key);
                let (done, results) = simulate(self.shared, draft, edits, earlier, &go_on);
                keep(&mut self.runs, key, results);
                done
            }
            Study::Compare(a, b) => compared(self.shared, a, b, &go_on),
            Study::Guesses(draft) => guesses(self.shared, draft, &go_on),
        }
    }

    /// Says that a study stopped on an internal error.
    pub(super) fn apologise(&self, study: &Study) {
        let problem = Some(APOLOGY.to_owned());
        self.shared.publish(|found| match study {
            Study::Fixes(draft) | Study::Simulate(draft, _) => {
                found.fixes = Some(Arc::new(Fixes {
                    of: hash(draft),
                    complete: true,
                    problem,
                    ..Fixes::default()
                }));
            }
            Study::Compare(a, b) => found.compared = Some(Arc::new(failed(a, b, APOLOGY))),
            Study::Guesses(draft) => {
                found.guesses = Some(Arc::new(Guesses {
                    of: hash(draft),
                    complete: true,
                    problem,
                    ..Guesses::default()
                }));
            }
        });
    }
}

fn take(runs: &mut Vec<(u64, Results)>, key: u64) -> Results {
    let at = runs.iter().position(|(other, _)| *other == key);
    at.map_or_else(Results::default, |at| runs.remove(at).1)
}

fn keep(runs: &mut Vec<(u64, Results)>, key: u64, results: Results) {
    runs.push((key, results));
    if runs.len() > KEPT {
        runs.remove(0);
    }
}

fn fixes(shared: &Shared, draft: &Draft, go_on: &dyn Fn() -> bool) -> bool {
    let mut answer = Fixes {
        of: hash(draft),
        ..Fixes::default()
    };
    let publish = |answer: &Fixes| {
        let answer = Arc::new(answer.clone());
        shared.publish(|found| found.fixes = Some(answer));
    };
    let known = shared.found.load_full().fixes.clone();
    if known.is_some_and(|known| known.of == answer.of && known.complete) {
        return true;
    }
    match Forecaster::sketch(draft.into()) {
        Err(problem) => answer.problem = Some(problem),
        Ok(forecaster) => {
            answer.base = forecaster.base.clone();
            publish(&answer);
            Search::default().run(&forecaster, go_on, &mut |fixes| {
                answer.fixes = fixes;
                publish(&answer);
            });
        }
    }
    if !go_on() {
        return false;
    }
    answer.complete = true;
    publish(&answer);
    true
}

/// The recipe of short runs, where the scenario has a steady state to be short about.
fn short_recipe(draft: &Draft) -> Recipe {
    let scenario = draft.scenario();
    let mut recipe = Recipe::from(draft);
    if scenario.is_steady() {
        let (seconds, warmup) = short(scenario);
        let set = |path: &str, seconds: f64| Edit::Set {
            path: path.to_owned(),
            value: format!("{seconds} s"),
        };
        recipe.edits.push(set("run.warmup", warmup));
        recipe.edits.push(set("run.duration", seconds));
    }
    recipe
}

fn options() -> RunOptions {
    RunOptions {
        threads: Some(1),
        ..RunOptions::default()
    }
}

fn simulate(
    shared: &Shared,
    draft: &Draft,
    edits: &[Edit],
    earlier: Results,
    go_on: &(dyn Fn() -> bool + Sync),
) -> (bool, Results) {
    let of = hash(draft);
    let known = shared.found.load_full().fixes.clone();
    let Some(known) = known.filter(|known| known.of == of) else {
        return (true, earlier);
    };
    let Some(fix) = known.fixes.iter().find(|fix| fix.edits == edits) else {
        return (true, earlier);
    };
    let money = draft.scenario().objectives.iter();
    let advise = Advise {
        base: known.base.clone(),
        users: draft.scenario().load.users,
        variants: vec![Variant {
            words: fix.words.clone(),
            edits: fix.edits.clone(),
            forecast: fix.forecast.clone(),
        }],
        ignored: money
            .filter(|objective| objective.path.starts_with("cost."))
            .map(|objective| objective.text.clone())
            .collect(),
        simulate: 1,
        search: Some(WIDTH),
        at_once: 1,
    };
    let change = |change: &dyn Fn(&mut Fix)| {
        shared.publish(|found| with_fix(found, of, edits, change));
    };
    change(&|fix| fix.share = Some(0.0));
    let found = experiment(
        &advise,
        &short_recipe(draft),
        &options(),
        earlier,
        &|progress| {
            let share = progress.simulated_s / progress.total_s.max(1e-9);
            change(&|fix| fix.share = Some(share.min(1.0)));
            go_on()
        },
    );
    change(&|fix| fix.share = None);
    if !found.finished {
        return (false, found.results);
    }
    let base = found.answer.breaks_at.filter(|breaks| !breaks.estimate);
    let row = found.answer.fixes.into_iter().next();
    change(&|fix| fix.simulated.clone_from(&row));
    shared.publish(|found| {
        if let Some(fixes) = found.fixes.as_mut().filter(|fixes| fixes.of == of) {
            Arc::make_mut(fixes).breaks_at = base;
        }
    });
    (true, found.results)
}

fn with_fix(found: &mut Found, of: u64, edits: &[Edit], change: &dyn Fn(&mut Fix)) {
    if let Some(fixes) = found.fixes.as_mut().filter(|fixes| fixes.of == of) {
        let fixes = Arc::make_mut(fixes);
        if let Some(fix) = fixes.fixes.iter_mut().find(|fix| fix.edits == edits) {
            change(fix);
        }
    }
}

fn failed(a: &Draft, b: &Draft, problem: &str) -> Compared {
    Compared {
        of: (hash(a), hash(b)),
        report: None,
        running: false,
        problem: Some(problem.to_owned()),
    }
}

/// A short look first, then the whole of it.
fn compared(shared: &Shared, a: &Draft, b: &Draft, go_on: &(dyn Fn() -> bool + Sync)) -> bool {
    let publish = |compared: Compared| {
        shared.publish(|found| found.compared = Some(Arc::new(compared)));
    };
    let known = shared.found.load_full().compared.clone();
    let of = (hash(a), hash(b));
    let known = known.filter(|known| known.of == of);
    if known.as_ref().is_some_and(|known| !known.running) {
        return true;
    }
    let mut report = known.and_then(|known| known.report.clone());
    let running = |report| Compared {
        of,
        report,
        running: true,
        problem: None,
    };
    publish(running(report.clone()));
    let (one, other) = &to_watch_both(a.scenario(), b.scenario());
    if report.is_none() && one.is_steady() && other.is_steady() {
        let options = RunOptions {
            aim: Aim::Length,
            ..options()
        };
        match compare(&shortened(one), &shortened(other), &options, &|_| go_on()) {
            Ok(first) if go_on() => report = Some(first),
            Ok(_) => return false,
            Err(error) => {
                publish(failed(a, b, &error.to_string()));
                return true;
            }
        }
        publish(running(report.clone()));
    }
    let options = RunOptions {
        aim: Aim::Precision(DIFFERENCE),
        max_time: Some(PATIENCE),
        ..options()
    };
    let whole = compare(one, other, &options, &|_| go_on());
    if !go_on() {
        return false;
    }
    match whole {
        Ok(whole) => publish(Compared {
            running: false,
            ..running(Some(whole))
        }),
        Err(_) if report.is_some() => publish(Compared {
            running: false,
            ..running(report)
        }),
        Err(error) => publish(failed(a, b, &error.to_string())),
    }
    true
}

fn shortened(scenario: &Scenario) -> Scenario {
    let (seconds, warmup) = short(scenario);
    let mut scenario = scenario.clone();
    let lasting = |seconds: f64| SimDuration::from_millis((seconds * 1e3) as u64);
    scenario.run.duration = lasting(seconds);
    scenario.run.warmup = lasting(warmup);
    scenario
}

/// Both ends of every guess by the quick estimate, so that all rows are of one kind.
fn guesses(shared: &Shared, draft: &Draft, go_on: &dyn Fn() -> bool) -> bool {
    let mut answer = Guesses {
        of: hash(draft),
        ..Guesses::default()
    };
    let publish = |answer: &Guesses| {
        let answer = Arc::new(answer.clone());
        shared.publish(|found| found.guesses = Some(answer));
    };
    let known = shared.found.load_full().guesses.clone();
    if known.is_some_and(|known| known.of == answer.of && known.complete) {
        return true;
    }
    let forecaster = match Forecaster::sketch(draft.into()) {
        Ok(forecaster) => forecaster,
        Err(problem) => {
            answer.problem = Some(problem);
            answer.complete = true;
            publish(&answer);
            return true;
        }
    };
    let mut tornado = Tornado {
        base: forecaster.base.clone(),
        guesses: Vec::new(),
        simulate: 0,
    };
    answer.base = forecaster.base.clone();
    for guess in sim_core::experiment::guesses::guesses(&forecaster.scenario) {
        if !go_on() {
            return false;
        }
        tornado.guesses.extend(forecaster.end(guess));
        answer.rows = tornado.partial(&Results::default());
        publish(&answer);
    }
    drop(forecaster);
    answer.complete = true;
    publish(&answer);
    true
}
