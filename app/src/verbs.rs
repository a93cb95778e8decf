//! One file per verb: each takes its plan and returns how it ended.

pub(crate) mod advise;
pub(crate) mod capacity;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod evidence;
pub(crate) mod explain;
pub(crate) mod explore;
pub(crate) mod lessons;
pub(crate) mod live;
pub(crate) mod new;
pub(crate) mod presets;
pub(crate) mod ramp;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod validate;

use session::ExecuteError;
use sim_core::report::RunReport;
use sim_core::scenario::Scenario;

use crate::exit::{Exit, Failure};

/// Whether a run came to its end.
fn exit_of(report: &RunReport) -> Exit {
    match report.stop.as_str() {
        "EventBudget" | "TimeBudget" | "Interrupted" => Exit::OutOfBudget,
        _ => Exit::Ok,
    }
}

/// A scenario that is well-formed and yet too large for the simulator is an invalid scenario.
fn cannot_simulate(scenario: &Scenario, error: &ExecuteError) -> Failure {
    Failure::Scenario(vec![format!("{}: {error}", scenario.name)])
}

/// Runs that go side by side.
fn threads(options: &session::RunOptions) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    options.threads.unwrap_or_else(cores).max(1)
}
