//! Headless runs: one scenario to its end, or a ramp of loads in parallel.

use std::time::Duration;

use sim_core::report::{RampReport, RunReport};
use sim_core::scenario::Scenario;
use sim_core::system::BuildError;

/// What bounds a run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Stop after this many events.
    pub max_events: Option<u64>,
    /// Stop after this much wall time; such a result is exempt from byte identity.
    pub max_time: Option<Duration>,
    /// Threads for a ramp; `None`: one per core.
    pub threads: Option<usize>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Simulated seconds reached, warm-up included.
    pub simulated_s: f64,
    /// Simulated seconds in all.
    pub total_s: f64,
    /// Events handled.
    pub events: u64,
    /// Runs finished and runs in all (1 for a single run).
    pub runs: (usize, usize),
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The scenario cannot be simulated.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Runs one scenario. `progress` is called a few times per second; returning `false` stops the run and reports what is finished.
pub fn run(
    scenario: &Scenario,
    options: &RunOptions,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<RunReport, ExecuteError> {
    let _ = (scenario, options, progress);
    unimplemented!()
}

/// Runs one scenario at rising loads, several at a time. `finished` sees every report as it comes.
pub fn ramp(
    scenario: &Scenario,
    loads: &[u32],
    options: &RunOptions,
    progress: &(dyn Fn(Progress) -> bool + Sync),
) -> Result<RampReport, ExecuteError> {
    let _ = (scenario, loads, options, progress);
    unimplemented!()
}
