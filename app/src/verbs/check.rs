//! `plimsoll check`: a gate for CI. Runs until every objective passes or fails, and says where each stands and why.

use report::{Document, Labels};
use session::{Aim, RunOptions};
use sim_core::experiment::failed_limits;
use sim_core::report::{
    CheckReport, CheckedObjective, CheckedScenario, ObjectiveReport, RunReport,
};
use sim_core::scenario::{Comparison, Edit, Objective, Scenario, tree};

use crate::exit::{Exit, Failure};
use crate::load::{self, Named};
use crate::output::{self, Output};
use crate::progress::Meter;
use crate::{interrupt, invocation};

/// `check`.
#[derive(Debug)]
pub(crate) struct CheckPlan {
    pub(crate) scenarios: Vec<String>,
    pub(crate) edits: Vec<Edit>,
    /// How many populations an objective must hold for.
    pub(crate) populations: usize,
    pub(crate) options: RunOptions,
    pub(crate) output: Output,
    /// Whether what could not be decided fails the gate.
    pub(crate) inconclusive_fails: bool,
    /// Say failures as workflow commands of GitHub Actions, on standard error.
    pub(crate) annotate: bool,
}

/// How scenarios are judged.
pub(crate) struct Asked<'a> {
    pub(crate) edits: &'a [Edit],
    /// How many populations an objective must hold for.
    pub(crate) populations: usize,
    pub(crate) options: RunOptions,
    pub(crate) quiet: bool,
}

/// Checks every scenario, writes one report, and returns the worst outcome.
pub(crate) fn check(plan: &CheckPlan) -> Result<Exit, Failure> {
    interrupt::listen()?;
    let asked = Asked {
        edits: &plan.edits,
        populations: plan.populations,
        options: plan.options.clone(),
        quiet: plan.output.quiet,
    };
    let mut scenarios = Vec::new();
    for name in &plan.scenarios {
        scenarios.push(one(&asked, name)?);
    }
    let has = |verdict: &str| scenarios.iter().any(|s| s.verdict == verdict);
    let (verdict, exit) = if has("invalid") {
        ("invalid", Exit::InvalidScenario)
    } else if has("fail") {
        ("fail", Exit::ObjectiveFailed)
    } else if has("inconclusive") && plan.inconclusive_fails {
        ("inconclusive", Exit::Inconclusive)
    } else if has("inconclusive") {
        ("inconclusive", Exit::Ok)
    } else {
        ("pass", Exit::Ok)
    };
    let report = CheckReport {
        verdict: verdict.to_owned(),
        scenarios,
    };
    let document = Document::Check {
        report: &report,
        inconclusive_fails: plan.inconclusive_fails,
    };
    let labels = Labels {
        title: "check".to_owned(),
        unit: "users".to_owned(),
        command: invocation::rerun(),
    };
    plan.output.write(document, &labels)?;
    if plan.annotate {
        for line in report::annotations(&report, plan.inconclusive_fails).lines() {
            output::say(line);
        }
    }
    Ok(exit)
}

/// Checks one scenario.
pub(crate) fn one(asked: &Asked<'_>, name: &str) -> Result<CheckedScenario, Failure> {
    let named = load::find(name)?;
    let invalid = |error: String| CheckedScenario {
        scenario: name.to_owned(),
        verdict: "invalid".to_owned(),
        error: Some(error),
        objectives: Vec::new(),
        report: None,
    };
    let scenario = match load::load(name, asked.edits) {
        Ok(scenario) => scenario,
        Err(Failure::Scenario(errors)) => return Ok(invalid(errors.join("\n"))),
        Err(other) => return Err(other),
    };
    if scenario.objectives.is_empty() {
        return Ok(invalid(format!(
            "{}: objectives: there are none, so there is nothing to check; add some, as objectives: [\"publish.delivered.p99 < 500 ms\"]",
            named.file_name
        )));
    }
    let report = match simulate(asked, &scenario) {
        Ok(report) => report,
        Err(session::ExecuteError::Stopped) => {
            return Ok(CheckedScenario {
                scenario: name.to_owned(),
                verdict: "inconclusive".to_owned(),
                error: Some("out of budget before anything was known".to_owned()),
                objectives: Vec::new(),
                report: None,
            });
        }
        Err(error) => return Ok(invalid(format!("{}: {error}", named.file_name))),
    };
    let mut objectives = Vec::new();
    for (objective, result) in scenario.objectives.iter().zip(&report.objectives) {
        objectives.push(judged(asked, &scenario, objective, result, &report, &named));
    }
    let has = |verdict: &str| objectives.iter().any(|o| o.result.verdict == verdict);
    let stopped = super::exit_of(&report) == Exit::OutOfBudget;
    let verdict = if has("fail") {
        "fail"
    } else if has("inconclusive") || stopped {
        "inconclusive"
    } else {
        "pass"
    };
    Ok(CheckedScenario {
        scenario: name.to_owned(),
        verdict: verdict.to_owned(),
        error: stopped.then(|| "out of budget: stopped before the end".to_owned()),
        objectives,
        report: Some(report),
    })
}

fn simulate(asked: &Asked<'_>, scenario: &Scenario) -> Result<RunReport, session::ExecuteError> {
    let meter = Meter::new(asked.quiet);
    let outcome =
        session::run_populations(scenario, asked.populations, &asked.options, &|progress| {
            meter.show(progress)
        });
    meter.finish();
    outcome
}

/// An objective with its place and the reason of its verdict. "breaks_at > N" is not left to an estimate: the design is
/// simulated at N users, and holds there or does not.
fn judged(
    asked: &Asked<'_>,
    scenario: &Scenario,
    objective: &Objective,
    result: &ObjectiveReport,
    report: &RunReport,
    named: &Named,
) -> CheckedObjective {
    let mut result = result.clone();
    let mut reason = report::reason(&result, report);
    let above = matches!(
        objective.comparison,
        Comparison::Greater | Comparison::AtLeast
    );
    if objective.path == "breaks_at" && above && super::exit_of(report) == Exit::Ok {
        let (verdict, why) = holds_at(asked, scenario, objective.limit);
        reason = format!("{}: {why}", objective.text);
        result.verdict = verdict.to_owned();
    }
    let (file, line) = place(objective, named);
    if let Some(preset) = objective.file.as_ref().filter(|base| is_preset(base)) {
        let line = objective.line.unwrap_or(0);
        reason.push_str(&format!(" (as line {line} of {preset} asks)"));
    }
    CheckedObjective {
        file,
        line,
        result,
        reason,
    }
}

/// Where an objective stands: in the file, or in the file that it extends. One of a preset is no line of anybody's file, so it
/// stands where the preset is named.
fn place(objective: &Objective, named: &Named) -> (String, u32) {
    let own = named.file_name.clone();
    match &objective.file {
        None => (own, objective.line.unwrap_or(0)),
        Some(base) if !is_preset(base) => (base.clone(), objective.line.unwrap_or(0)),
        Some(_) => {
            let root = tree::parse(&named.text).ok();
            let key = root.and_then(|root| root.key("extends"));
            let line = key.map_or(0, |key| tree::line_column(&named.text, key.start).0);
            (own, line)
        }
    }
}

fn is_preset(base: &str) -> bool {
    base.starts_with(load::PRESET)
}

/// Whether a design holds at a load: simulated there, against every limit and its other objectives.
fn holds_at(asked: &Asked<'_>, scenario: &Scenario, users: f64) -> (&'static str, String) {
    let mut there = scenario.clone();
    there.load.users = users as u32;
    there.objectives.retain(|o| o.path != "breaks_at");
    let at = report::numbers::count(users);
    let options = RunOptions {
        aim: if there.objectives.is_empty() {
            Aim::Length
        } else {
            Aim::Verdicts
        },
        ..asked.options.clone()
    };
    let meter = Meter::new(asked.quiet);
    let outcome = session::run(&there, &options, &|progress| meter.show(progress));
    meter.finish();
    match outcome {
        Err(error) => (
            "inconclusive",
            format!("not simulated at {at} users: {error}"),
        ),
        Ok(report) => match failed_limits(&report).first() {
            Some(limit) => (
                "fail",
                format!(
                    "simulated at {at} users, {} gives way",
                    report::limit_in_words(limit)
                ),
            ),
            None if report
                .objectives
                .iter()
                .any(|o| o.verdict == "inconclusive") =>
            {
                (
                    "inconclusive",
                    format!("simulated at {at} users, an objective is undecided"),
                )
            }
            None => (
                "pass",
                format!("simulated at {at} users, nothing gives way"),
            ),
        },
    }
}
