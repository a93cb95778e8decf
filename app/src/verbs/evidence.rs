//! `plimsoll evidence`: published scale tests beside this program's predictions.

use report::evidence::{self, Run, RunKey, Runs, System};
use sim_core::scenario::Edit;

use crate::exit::{Exit, Failure};
use crate::output::print;
use crate::plan::EvidencePlan;
use crate::progress::Meter;
use crate::{interrupt, load};

/// Simulates every published case that is asked for and compares. `--duration` shortens the runs.
pub(crate) fn evidence(plan: &EvidencePlan) -> Result<Exit, Failure> {
    interrupt::listen()?;
    let systems = evidence::selected(&plan.ids);
    if systems.is_empty() {
        return Err(unknown(&plan.ids));
    }
    let mut runs = Runs::new();
    for key in systems.iter().flat_map(|system| &system.cases) {
        if let Some(key) = key.key()
            && !runs.contains_key(&key)
        {
            let run = simulate(&key, plan)?;
            runs.insert(key, run);
        }
    }
    print(&if plan.json {
        evidence::json(&systems, &runs)
    } else {
        evidence::text(&systems, &runs)
    })?;
    Ok(Exit::Ok)
}

fn simulate((preset, edits): &RunKey, plan: &EvidencePlan) -> Result<Run, Failure> {
    let set = |path: &str, value: &str| Edit::Set {
        path: path.to_owned(),
        value: value.to_owned(),
    };
    let mut edits: Vec<Edit> = edits.iter().map(|(path, value)| set(path, value)).collect();
    edits.extend(plan.duration.iter().map(|time| set("run.duration", time)));
    let scenario = load::load(preset, &edits)?;
    let meter = Meter::new(plan.quiet);
    let outcome = session::run(&scenario, &session::RunOptions::default(), &|progress| {
        meter.show(progress)
    });
    meter.finish();
    let report = outcome.map_err(|error| super::cannot_simulate(&scenario, &error))?;
    Ok(Run { scenario, report })
}

fn unknown(ids: &[String]) -> Failure {
    let all = evidence::systems();
    let name = |system: &System| {
        let cases: Vec<&str> = system.cases.iter().map(|case| case.name.as_str()).collect();
        format!("{} ({})", system.name, cases.join(", "))
    };
    let known: Vec<String> = all.iter().map(name).collect();
    Failure::Usage(format!(
        "no published test is called {}; there are {}",
        ids.join(" or "),
        known.join("; ")
    ))
}
