//! `plimsoll live`: deploy the design on this machine's sockets and measure.

use crate::exit::{Exit, Failure};
use crate::plan::LivePlan;

/// Deploys the plan's scenario.
#[cfg(feature = "live")]
pub(crate) fn live(plan: &LivePlan) -> Result<Exit, Failure> {
    crate::deploy::deploy(&plan.scenario, &plan.output)
}

/// Deploys the plan's scenario.
#[cfg(not(feature = "live"))]
pub(crate) fn live(_plan: &LivePlan) -> Result<Exit, Failure> {
    Err(Failure::Usage(
        "this program was built without the feature `live`".to_owned(),
    ))
}
