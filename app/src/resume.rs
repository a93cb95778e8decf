//! `--resume FILE.json`: what an earlier `ramp` or `capacity` has finished, if it is of the same scenario and options.
//!
//! Every run of a report states the hash of its scenario, in which users, seeds, length and all edits are; it must be the hash
//! of what would be run now. Runs that were cut by a budget of events are run again, since no report says how large it was.

use std::path::Path;

use report::numbers::count;
use sim_core::experiment::{Outcome, Recipe, Results, RunRequest};
use sim_core::report::{CapacityReport, RampReport, RunReport, SCHEMA};
use sim_core::scenario::{Edit, Scenario};

use crate::exit::Failure;

/// Lengths that a capacity search asks for, as multiples of the scenario's.
const LENGTHS: [u32; 3] = [1, 2, 4];

/// The loads of an earlier ramp that need not be run again.
pub(crate) fn ramp(
    path: &Path,
    scenario: &Scenario,
    loads: &[u32],
    max_events: Option<u64>,
) -> Result<Vec<RunReport>, Failure> {
    let (text, form) = (read(path)?, "ramp");
    let report: RampReport =
        serde_json::from_str(&text).map_err(|error| wrong_form(path, form, &error))?;
    let mut kept = Vec::new();
    for (index, point) in report.points.into_iter().enumerate() {
        let mut there = scenario.clone();
        there.load.users = u32::try_from(point.users).unwrap_or(u32::MAX);
        let place = format!("points[{index}] ({} users)", count(point.users as f64));
        same(path, &place, form, &point, &[&there])?;
        if loads.contains(&there.load.users) && is_whole(&point, max_events) {
            kept.push(point);
        }
    }
    Ok(kept)
}

/// The loads of an earlier search that need not be run again, those of its later breaks among them.
pub(crate) fn capacity(
    path: &Path,
    recipe: &Recipe,
    max_events: Option<u64>,
) -> Result<Results, Failure> {
    let (text, form) = (read(path)?, "capacity");
    let report: CapacityReport =
        serde_json::from_str(&text).map_err(|error| wrong_form(path, form, &error))?;
    let mut results = Results::default();
    let mut keep = |at: &str, edits: &[Edit], runs: Vec<RunReport>| {
        for (index, run) in runs.into_iter().enumerate() {
            let place = format!("{at}[{index}] ({} users)", count(run.users as f64));
            let request = request_of(path, &place, recipe, edits, &run)?;
            if is_whole(&run, max_events) {
                let id = results.len() as u32;
                results.push(RunRequest { id, ..request }, Outcome::Report(Box::new(run)));
            }
        }
        Ok::<(), Failure>(())
    };
    keep("runs", &[], report.runs)?;
    for (index, relieved) in report.relieved.into_iter().enumerate() {
        let at = format!("relieved[{index}].runs");
        let set = |edit: &String| {
            let (path, value) = edit.split_once('=')?;
            Some(Edit::Set {
                path: path.to_owned(),
                value: value.to_owned(),
            })
        };
        // Edits that are none are not of this scenario, which its hash tells.
        let edits: Vec<Edit> = relieved.edits.iter().filter_map(set).collect();
        keep(&at, &edits, relieved.runs)?;
    }
    Ok(results)
}

/// The request that a run answers.
fn request_of(
    path: &Path,
    place: &str,
    recipe: &Recipe,
    edits: &[Edit],
    run: &RunReport,
) -> Result<RunRequest, Failure> {
    let request = |length_factor| RunRequest {
        users: u32::try_from(run.users).ok(),
        length_factor,
        edits: edits.to_vec(),
        ..RunRequest::plain()
    };
    let mut possible = Vec::new();
    for request in LENGTHS.map(request) {
        let scenario = recipe.scenario(&request).map_err(|errors| {
            Failure::Scenario(errors.iter().map(ToString::to_string).collect())
        })?;
        possible.push((request, scenario));
    }
    let scenarios: Vec<&Scenario> = possible.iter().map(|(_, scenario)| scenario).collect();
    let which = same(path, place, "capacity", run, &scenarios)?;
    Ok(possible.swap_remove(which).0)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|why| {
        Failure::Usage(format!(
            "--resume {}: cannot be read: {why}; the first time, leave --resume out and keep what is finished with --out {}",
            path.display(),
            path.display()
        ))
    })
}

fn wrong_form(path: &Path, form: &str, error: &serde_json::Error) -> Failure {
    Failure::Usage(format!(
        "--resume {}:{}:{}: not a report of `plimsoll {form} --format json`: {error}",
        path.display(),
        error.line(),
        error.column()
    ))
}

/// Which of several scenarios a run is of; if of none, what differs and the way out.
fn same(
    path: &Path,
    place: &str,
    form: &str,
    run: &RunReport,
    scenarios: &[&Scenario],
) -> Result<usize, Failure> {
    let hash = |scenario: &Scenario| format!("{:016x}", scenario.hash());
    let now = scenarios[0];
    let version = env!("CARGO_PKG_VERSION");
    let anew = format!("run `plimsoll {form}` without --resume");
    let (what, help) = if run.schema != SCHEMA || run.plimsoll != version {
        let what = format!("written by plimsoll {}, this is {version}", run.plimsoll);
        (what, anew)
    } else if let Some(which) = scenarios
        .iter()
        .position(|scenario| hash(scenario) == run.scenario.hash)
    {
        return Ok(which);
    } else if run.scenario.name != now.name {
        let names = (&run.scenario.name, &now.name);
        let what = format!("of the scenario {}, this is {}", names.0, names.1);
        (what, format!("name {}, or {anew}", names.0))
    } else if run.seed != now.run.seed {
        let seeds = (run.seed, now.run.seed);
        let what = format!("of seed {}, this is seed {}", seeds.0, seeds.1);
        (what, format!("add --seed {}, or {anew}", seeds.0))
    } else if run.population_seed != now.run.population_seed {
        let seeds = (run.population_seed, now.run.population_seed);
        let what = format!("of population seed {}, this is {}", seeds.0, seeds.1);
        (
            what,
            format!("add --set run.population_seed={}, or {anew}", seeds.0),
        )
    } else {
        let what = "of a scenario that differs in its text or in --set, -f or --duration";
        let help = format!("give the same options as then, or {anew}");
        (what.to_owned(), help)
    };
    Err(Failure::Usage(format!(
        "--resume {}: {place}: {what}\n  help: {help}",
        path.display()
    )))
}

/// Whether a run stands as it would be run now, with this budget of events.
fn is_whole(run: &RunReport, max_events: Option<u64>) -> bool {
    run.stop != "EventBudget" && max_events.is_none_or(|most| run.engine.events <= most)
}
