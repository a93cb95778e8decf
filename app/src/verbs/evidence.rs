//! `plimsoll evidence`: published scale tests beside this program's predictions.

use std::collections::BTreeMap;

use report::evidence;
use sim_core::scenario::Edit;

use crate::exit::{Exit, Failure};
use crate::output::print;
use crate::plan::EvidencePlan;
use crate::progress::Meter;
use crate::{interrupt, load};

/// Simulates every published case and compares. `--duration` shortens the runs.
pub(crate) fn evidence(plan: &EvidencePlan) -> Result<Exit, Failure> {
    interrupt::listen()?;
    let edits: Vec<Edit> = plan
        .duration
        .iter()
        .map(|time| Edit::Set {
            path: "run.duration".to_owned(),
            value: time.clone(),
        })
        .collect();
    let mut reports = BTreeMap::new();
    for case in evidence::cases() {
        let scenario = load::load(&case.preset, &edits)?;
        let meter = Meter::new(plan.quiet);
        let outcome = session::run(&scenario, &session::RunOptions::default(), &|progress| {
            meter.show(progress)
        });
        meter.finish();
        let report = outcome.map_err(|error| super::cannot_simulate(&scenario, &error))?;
        reports.insert(case.preset, report);
    }
    print(&evidence::text(&reports))?;
    Ok(Exit::Ok)
}
