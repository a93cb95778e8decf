//! `plimsoll capacity`: at how many users it breaks, simulated. What is finished when it is stopped is reported.

use report::Document;
use sim_core::experiment::Capacity;
use sim_core::quick::{Placement, estimate};

use crate::exit::{Exit, Failure};
use crate::plan::{CapacityPlan, labels};
use crate::progress::Meter;
use crate::{interrupt, output};

/// Searches.
pub(crate) fn capacity(plan: &CapacityPlan) -> Result<Exit, Failure> {
    let experiment = &plan.experiment;
    let scenario = &experiment.scenario;
    interrupt::listen()?;
    let placement =
        Placement::of(scenario).map_err(|error| super::cannot_simulate(scenario, &error.into()))?;
    let search = Capacity {
        guess: estimate(scenario, &placement)
            .get("breaks_at")
            .filter(|_| scenario.faults.is_empty()),
        width: plan.within,
        at_once: super::threads(&experiment.options),
        depth: plan.breaks,
        ..Capacity::new(scenario.clone())
    };
    drop(placement);
    let meter = Meter::new(experiment.output.quiet);
    let found = session::experiment(
        &search,
        &experiment.recipe,
        &experiment.options,
        plan.earlier.clone(),
        &|progress| meter.show(progress),
    );
    meter.finish();
    experiment
        .output
        .write(Document::Capacity(&found.answer), &labels(scenario))?;
    if !found.finished {
        output::say(&format!(
            "stopped early: {} loads are finished; {}",
            found.results.len(),
            experiment.output.how_to_resume()
        ));
        return Ok(Exit::OutOfBudget);
    }
    Ok(Exit::Ok)
}
