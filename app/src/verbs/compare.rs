//! `plimsoll compare`: two designs on the same random numbers; or one against a stored report, or against its own past.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use report::{Document, Labels};
use session::{Aim, RunOptions};
use sim_core::report::{CompareReport, RunReport};
use sim_core::scenario::{Base, Edit, Problem, Scenario, load_with};
use sim_core::system::compared_reports;

use crate::exit::{Exit, Failure};
use crate::load::{self, Origin};
use crate::output::Output;
use crate::plan::labels;
use crate::progress::Meter;
use crate::{interrupt, output};

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

/// Compares, and says where an objective fails that did not fail before.
pub(crate) fn compare(plan: &ComparePlan) -> Result<Exit, Failure> {
    interrupt::listen()?;
    let edits_b: Vec<Edit> = plan.edits.iter().chain(&plan.edits_b).cloned().collect();
    let mut found: Vec<Compared> = Vec::new();
    match &plan.with {
        Baseline::Scenario { a, b } => {
            let (a, b) = (load::load(a, &plan.edits)?, load::load(b, &edits_b)?);
            found.push(pair(plan, &a, &b, ("", ""))?);
        }
        Baseline::Report { path, b } => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            let stored: RunReport = serde_json::from_str(&text).map_err(|error| {
                Failure::Usage(format!(
                    "--baseline {}: not a report of `plimsoll run --format json`: {error}",
                    path.display()
                ))
            })?;
            let b = load::load(b, &edits_b)?;
            let meter = Meter::new(plan.output.quiet);
            let outcome = session::run(&b, &plan.options, &|progress| meter.show(progress));
            meter.finish();
            let now = outcome.map_err(|error| super::cannot_simulate(&b, &error))?;
            let report = compared_reports(stored, now);
            let name = Labels {
                title: format!("stored {}", path.display()),
                ..labels(&b)
            };
            found.push((report, name, labels(&b)));
        }
        Baseline::Revision { rev, scenarios } => {
            for name in scenarios {
                let named = load::find(name)?;
                let b = load::load(name, &edits_b)?;
                match at_revision(rev, &named.file_name)? {
                    Some(text) => {
                        let a = parse_at(rev, &text, &named.file_name, &plan.edits)?;
                        found.push(pair(plan, &a, &b, (&format!(" at {rev}"), ", now"))?);
                    }
                    None => output::say(&format!(
                        "{name}: not there at {rev}, so nothing to compare"
                    )),
                }
            }
        }
    }
    let documents: Vec<_> = found
        .iter()
        .map(|(report, a, b)| (Document::Compare(report, a), b))
        .collect();
    if !documents.is_empty() {
        plan.output.write_all(&documents)?;
    }
    let outcomes = found.iter().map(|(report, ..)| outcome(plan, report));
    Ok(outcomes.max().unwrap_or(Exit::Ok))
}

/// A comparison and what its designs are called.
type Compared = (CompareReport, Labels, Labels);

/// Runs one comparison; the suffixes tell designs of one title apart.
fn pair(
    plan: &ComparePlan,
    a: &Scenario,
    b: &Scenario,
    suffixes: (&str, &str),
) -> Result<Compared, Failure> {
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
    let report = outcome.map_err(|error| super::cannot_simulate(b, &error))?;
    let named = |scenario: &Scenario, suffix: &str| {
        let mut labels = labels(scenario);
        labels.title.push_str(suffix);
        labels
    };
    Ok((report, named(a, suffixes.0), named(b, suffixes.1)))
}

fn outcome(plan: &ComparePlan, report: &CompareReport) -> Exit {
    let broke = report.newly_failing().next().is_some();
    let worse = plan.fail_if_worse && !report.worse.is_empty();
    let stopped = [&report.a, &report.b]
        .into_iter()
        .any(|run| super::exit_of(run) == Exit::OutOfBudget);
    match (broke || worse, stopped) {
        (true, _) => Exit::ObjectiveFailed,
        (false, true) => Exit::OutOfBudget,
        (false, false) => Exit::Ok,
    }
}

/// A scenario as it was at a revision, with the bases and files of that revision.
fn parse_at(rev: &str, text: &str, file: &str, edits: &[Edit]) -> Result<Scenario, Failure> {
    let shown = |path: &Path| match at_revision(rev, &path.display().to_string()) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(format!("it was not there at {rev}")),
        Err(_) => Err("git cannot say".to_owned()),
    };
    let base = |name: &str, variant: &str| match Origin::of(name, variant) {
        Origin::File(path) => match shown(&path) {
            Ok(text) => Ok(Base {
                file_name: format!("{} at {rev}", path.display()),
                text,
            }),
            Err(why) => Err(Problem::new(format!(
                "cannot read {}: {why}",
                path.display()
            ))),
        },
        Origin::Preset(_) => load::base(name, variant),
    };
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let beside = |name: &str| shown(&folder.join(name));
    load_with(text, &format!("{file} at {rev}"), edits, &base, &beside)
        .map(|loaded| loaded.scenario)
        .map_err(|errors| Failure::Scenario(errors.iter().map(ToString::to_string).collect()))
}

/// A file's text at a revision; `None` when it was not there.
fn at_revision(rev: &str, file: &str) -> Result<Option<String>, Failure> {
    let git = |arguments: &[&str]| {
        Command::new("git")
            .args(arguments)
            .output()
            .context("failed to run git, which --baseline-rev needs")
    };
    if !git(&["rev-parse", "--git-dir"])?.status.success() {
        return Err(Failure::Usage(format!(
            "--baseline-rev {rev}: this folder is in no git repository; --baseline report.json compares with a stored report"
        )));
    }
    let known = git(&[
        "rev-parse",
        "--verify",
        "--quiet",
        &format!("{rev}^{{commit}}"),
    ])?;
    if !known.status.success() {
        return Err(Failure::Usage(format!(
            "--baseline-rev {rev}: git knows no such revision here; `git fetch` gets those of others, `git branch --all` lists branches"
        )));
    }
    let shown = git(&["show", &format!("{rev}:./{file}")])?;
    Ok(shown
        .status
        .success()
        .then(|| String::from_utf8_lossy(&shown.stdout).into_owned()))
}
