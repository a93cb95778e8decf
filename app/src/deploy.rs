//! From a scenario to what the live deployment needs, so that `live` never sees the simulator.

use sim_core::scenario::Scenario;

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Deploys a scenario's design and prints what was measured.
pub(crate) fn deploy(scenario: &Scenario, output: &Output) -> Result<Exit, Failure> {
    let _ = output;
    Err(Failure::Usage(format!(
        "{}: the live deployment is not built yet",
        scenario.name
    )))
}
