//! `plimsoll ramp`: the same scenario at rising loads. What is finished when it is stopped is reported.

use report::Document;
use report::numbers::count;

use crate::exit::{Exit, Failure};
use crate::plan::{RampPlan, labels};
use crate::preflight::Needs;
use crate::progress::Meter;
use crate::{interrupt, output};

/// Runs the plan's loads.
pub(crate) fn ramp(plan: &RampPlan) -> Result<Exit, Failure> {
    let RampPlan {
        scenario,
        loads,
        earlier,
        options,
        output,
    } = plan;
    interrupt::listen()?;
    if !output.quiet {
        announce(plan);
    }
    let meter = Meter::new(output.quiet);
    let labels = labels(scenario);
    let outcome = session::resumed_ramp(
        scenario,
        loads,
        options,
        earlier.clone(),
        &|progress| meter.show(progress),
        &|so_far| output.keep(Document::Ramp(so_far), &labels),
    );
    meter.finish();
    let report = outcome.map_err(|error| super::cannot_simulate(scenario, &error))?;
    output.write(Document::Ramp(&report), &labels)?;
    let too_large = report
        .breaks
        .iter()
        .filter(|b| b.limit.starts_with("simulator."))
        .map(|b| b.users)
        .min();
    let possible = loads
        .iter()
        .filter(|users| too_large.is_none_or(|limit| u64::from(**users) < limit))
        .count();
    if report.points.len() < possible {
        let (done, all) = (report.points.len(), loads.len());
        output::say(&format!(
            "stopped early: {done} of {all} loads are finished, up to {}; {}",
            largest(&report.points),
            output.how_to_resume()
        ));
        return Ok(Exit::OutOfBudget);
    }
    Ok(report
        .points
        .iter()
        .map(super::exit_of)
        .max()
        .unwrap_or(Exit::Ok))
}

fn largest(points: &[sim_core::report::RunReport]) -> String {
    points
        .last()
        .map_or_else(|| "none".to_owned(), |point| count(point.users as f64))
}

fn announce(plan: &RampPlan) {
    let threads = plan
        .options
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let each = plan
        .loads
        .iter()
        .filter(|users| {
            plan.earlier
                .iter()
                .all(|known| known.users != u64::from(**users))
        })
        .map(|users| Needs::of(&plan.scenario, *users))
        .collect();
    if let Some(needs) = Needs::together(each, threads).sentence() {
        output::say(&format!(
            "{} at {} loads: {needs}",
            plan.scenario.name,
            plan.loads.len() - plan.earlier.len()
        ));
    }
}
