//! `plimsoll run`: simulate once and report. An unstable system is an answer, not a failure.

use report::Document;

use crate::exit::{Exit, Failure};
use crate::plan::{RunPlan, labels};
use crate::preflight::Needs;
use crate::progress::Meter;
use crate::{interrupt, output};

/// Runs the plan's scenario.
pub(crate) fn run(plan: &RunPlan) -> Result<Exit, Failure> {
    let RunPlan {
        scenario,
        populations,
        options,
        output,
    } = plan;
    interrupt::listen()?;
    if let Some(needs) = Needs::of(scenario, scenario.load.users)
        .sentence()
        .filter(|_| !output.quiet)
    {
        output::say(&format!("{}: {needs}", scenario.name));
    }
    let meter = Meter::new(output.quiet);
    let outcome = session::run_populations(scenario, *populations, options, &|progress| {
        meter.show(progress)
    });
    meter.finish();
    let report = outcome.map_err(|error| super::cannot_simulate(scenario, &error))?;
    output.write(Document::Run(&report), &labels(scenario))?;
    Ok(super::exit_of(&report))
}
