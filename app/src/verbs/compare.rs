//! `plimsoll compare`: two designs on the same random numbers; or one against a stored report, or against its own past.
//!
//! Against a revision, files are taken as they are named: one that the revision does not have is checked by itself, one that only
//! the revision has, in a folder of those named, is said.

use anyhow::Context;
use report::{Compared, Labels};
use session::{Aim, RunOptions};
use sim_core::report::{CheckedScenario, CompareReport, GoneFileReport, NewFileReport, RunReport};
use sim_core::scenario::{Edit, Scenario};
use sim_core::system::{Gate, compared_reports, dropped, judge_comparison};

use super::check::{self, Asked};
use crate::exit::{Exit, Failure};
use crate::load;
use crate::output::Output;
use crate::plan::labels;
use crate::progress::Meter;
use crate::revision::{Gone, Revision};
use crate::{interrupt, invocation};

/// `compare`.
#[derive(Debug)]
pub(crate) struct ComparePlan {
    pub(crate) with: Baseline,
    /// Applied to both designs.
    pub(crate) edits: Vec<Edit>,
    /// Applied to the second design only.
    pub(crate) edits_b: Vec<Edit>,
    /// Anything worse beyond doubt is a failure.
    pub(crate) fail_if_worse: bool,
    /// An objective that is dropped or relaxed against the baseline is none.
    pub(crate) allow_weaker: bool,
    pub(crate) options: RunOptions,
    pub(crate) output: Output,
}

/// What the second design is compared with.
#[derive(Debug)]
pub(crate) enum Baseline {
    /// Another scenario.
    Scenario { a: String, b: String },
    /// A report of an earlier day.
    Report { path: std::path::PathBuf, b: String },
    /// The same files at a revision of the repository.
    Revision { rev: String, scenarios: Vec<String> },
}

/// What was found out about one file.
enum Found {
    Pair(Box<(CompareReport, Labels, Labels)>),
    New(Box<NewFileReport>),
    Gone(GoneFileReport),
}

/// Compares, and says where an objective fails that did not fail before.
pub(crate) fn compare(plan: &ComparePlan) -> Result<Exit, Failure> {
    interrupt::listen()?;
    let edits_b: Vec<Edit> = plan.edits.iter().chain(&plan.edits_b).cloned().collect();
    let found = match &plan.with {
        Baseline::Scenario { a, b } => {
            let (a, b) = (load::load(a, &plan.edits)?, load::load(b, &edits_b)?);
            vec![pair(plan, &a, &b, ("", ""))?]
        }
        Baseline::Report { path, b } => {
            vec![against_report(plan, path, &load::load(b, &edits_b)?)?]
        }
        Baseline::Revision { rev, scenarios } => {
            against_revision(plan, &Revision::new(rev)?, scenarios, &edits_b)?
        }
    };
    let files: Vec<Compared<'_>> = found.iter().map(Found::shown).collect();
    let command = invocation::rerun();
    plan.output
        .write_as(|format| Ok(report::render_compared(&files, command.as_deref(), format)))?;
    Ok(found.iter().map(Found::exit).max().unwrap_or(Exit::Ok))
}

impl Found {
    fn shown(&self) -> Compared<'_> {
        match self {
            Found::Pair(pair) => Compared::Pair {
                report: &pair.0,
                a: &pair.1,
                b: &pair.2,
            },
            Found::New(report) => Compared::New(report),
            Found::Gone(report) => Compared::Gone(report),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Found::Pair(pair) => match pair.0.verdict.as_str() {
                "fail" => Exit::ObjectiveFailed,
                "inconclusive" => Exit::OutOfBudget,
                _ => Exit::Ok,
            },
            Found::New(report) => match report.verdict.as_str() {
                "invalid" => Exit::InvalidScenario,
                "fail" => Exit::ObjectiveFailed,
                "inconclusive" => Exit::Inconclusive,
                _ => Exit::Ok,
            },
            Found::Gone(report) if report.verdict == "fail" => Exit::ObjectiveFailed,
            Found::Gone(_) => Exit::Ok,
        }
    }
}

impl ComparePlan {
    /// What stops the gate. Two designs side by side may ask for different things; one design against its past may not.
    fn gate(&self) -> Gate {
        Gate {
            worse: self.fail_if_worse,
            weaker: !self.allow_weaker && !matches!(self.with, Baseline::Scenario { .. }),
        }
    }
}

fn against_report(
    plan: &ComparePlan,
    path: &std::path::Path,
    b: &Scenario,
) -> Result<Found, Failure> {
    let shown = path.display();
    if !path.is_file() {
        return Err(Failure::Usage(format!(
            "--baseline {shown}: there is no such file; it takes a report of `plimsoll run --format json`\n  help: --baseline-rev {shown} compares with a revision of the repository"
        )));
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {shown}"))?;
    let stored: RunReport = serde_json::from_str(&text).map_err(|error| {
        Failure::Usage(format!(
            "--baseline {}: not a report of `plimsoll run --format json`: {error}",
            path.display()
        ))
    })?;
    let meter = Meter::new(plan.output.quiet);
    let outcome = session::run(b, &plan.options, &|progress| meter.show(progress));
    meter.finish();
    let now = outcome.map_err(|error| super::cannot_simulate(b, &error))?;
    let mut report = compared_reports(stored, now);
    judge_comparison(&mut report, plan.gate());
    let stored = Labels {
        title: format!("stored {}", path.display()),
        ..labels(b)
    };
    Ok(Found::Pair(Box::new((report, stored, labels(b)))))
}

fn against_revision(
    plan: &ComparePlan,
    revision: &Revision,
    names: &[String],
    edits_b: &[Edit],
) -> Result<Vec<Found>, Failure> {
    let rev = revision.name();
    let mut found = Vec::new();
    let mut files = Vec::new();
    for name in names {
        let file = match load::find(name) {
            Ok(named) => named.file_name,
            // A list of changed files names those that are deleted too.
            Err(_) if revision.text(name)?.is_some() => {
                files.push(name.clone());
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let before = revision.name_of(&file);
        found.push(match revision.text(&before)? {
            Some(text) => {
                let b = load::load(name, edits_b)?;
                let a = revision.parse(&text, &before, &plan.edits)?;
                let mut pair = pair(plan, &a, &b, (&format!(" at {rev}"), ", now"))?;
                if let Found::Pair(pair) = &mut pair {
                    pair.0.renamed_from = (before != file).then_some(before);
                    pair.0.file = Some(file.clone());
                }
                pair
            }
            None => Found::New(Box::new(new_file(plan, rev, name, &file, edits_b)?)),
        });
        files.push(file);
    }
    for gone in revision.gone(&files) {
        found.extend(gone_file(plan, revision, gone)?.map(Found::Gone));
    }
    Ok(found)
}

/// Checks a file that the revision does not have.
fn new_file(
    plan: &ComparePlan,
    rev: &str,
    name: &str,
    file: &str,
    edits: &[Edit],
) -> Result<NewFileReport, Failure> {
    let asked = Asked {
        edits,
        populations: 1,
        options: RunOptions {
            aim: match plan.options.aim {
                Aim::Length => Aim::Length,
                _ => Aim::Verdicts,
            },
            ..plan.options.clone()
        },
        quiet: plan.output.quiet,
    };
    let checked = match load::load(name, edits) {
        Ok(scenario) if scenario.objectives.is_empty() => {
            without_objective(&asked, name, &scenario)?
        }
        _ => check::one(&asked, name)?,
    };
    Ok(NewFileReport {
        file: file.to_owned(),
        status: "new".to_owned(),
        rev: rev.to_owned(),
        verdict: checked.verdict.clone(),
        checked,
    })
}

/// A new file that asks for nothing: run once, so that the reader sees what it does.
fn without_objective(
    asked: &Asked<'_>,
    name: &str,
    scenario: &Scenario,
) -> Result<CheckedScenario, Failure> {
    let meter = Meter::new(asked.quiet);
    let options = RunOptions {
        aim: Aim::Length,
        ..asked.options.clone()
    };
    let outcome = session::run(scenario, &options, &|progress| meter.show(progress));
    meter.finish();
    let report = outcome.map_err(|error| super::cannot_simulate(scenario, &error))?;
    Ok(CheckedScenario {
        scenario: name.to_owned(),
        verdict: "pass".to_owned(),
        error: None,
        objectives: Vec::new(),
        report: Some(report),
    })
}

/// A file that only the revision has; `None` where it was no scenario.
fn gone_file(
    plan: &ComparePlan,
    revision: &Revision,
    gone: Gone,
) -> Result<Option<GoneFileReport>, Failure> {
    let Some(text) = revision.text(&gone.file)? else {
        return Ok(None);
    };
    let Ok(before) = revision.parse(&text, &gone.file, &[]) else {
        return Ok(None);
    };
    let stops = plan.gate().weaker;
    let objectives: Vec<String> = before.objectives.into_iter().map(|o| o.text).collect();
    let findings: Vec<_> = objectives.iter().map(|o| dropped(o, stops)).collect();
    let verdict = match findings.iter().any(|finding| finding.stops) {
        true => "fail",
        false => "pass",
    };
    let status = match gone.moved_to {
        Some(_) => "moved",
        None => "deleted",
    };
    Ok(Some(GoneFileReport {
        file: gone.file,
        status: status.to_owned(),
        rev: revision.name().to_owned(),
        moved_to: gone.moved_to,
        verdict: verdict.to_owned(),
        objectives,
        findings,
    }))
}

/// Runs one comparison; the suffixes tell designs of one title apart.
fn pair(
    plan: &ComparePlan,
    a: &Scenario,
    b: &Scenario,
    suffixes: (&str, &str),
) -> Result<Found, Failure> {
    let options = if a.hash() == b.hash() && plan.options.aim != Aim::Length {
        // The same design on the same draws: any length shows that nothing differs.
        RunOptions {
            aim: Aim::Length,
            ..plan.options.clone()
        }
    } else {
        plan.options.clone()
    };
    let meter = Meter::new(plan.output.quiet);
    let outcome = session::compare(a, b, &options, &|progress| meter.show(progress));
    meter.finish();
    let mut report = outcome.map_err(|error| super::cannot_simulate(b, &error))?;
    judge_comparison(&mut report, plan.gate());
    let named = |scenario: &Scenario, suffix: &str| {
        let mut labels = labels(scenario);
        labels.title.push_str(suffix);
        labels
    };
    Ok(Found::Pair(Box::new((
        report,
        named(a, suffixes.0),
        named(b, suffixes.1),
    ))))
}
