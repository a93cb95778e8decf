//! `plimsoll evidence`: published scale tests beside this program's predictions.

use crate::exit::{Exit, Failure};
use crate::output::print;
use crate::plan::EvidencePlan;

/// Compares every published case with its prediction.
pub(crate) fn evidence(plan: &EvidencePlan) -> Result<Exit, Failure> {
    let _ = &plan.output;
    print("No published case is compared yet.\n")?;
    Ok(Exit::Ok)
}
