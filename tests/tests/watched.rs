//! What somebody who watches is shown is what a run of the command line says.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::engine::Interrupt;
use sim_core::report::RunReport;
use sim_core::scenario::Scenario;
use sim_core::system::SystemRun;
use sim_core::time::{SimDuration, SimTime};
use system_tests::lab::{preset, scenario};

fn advance(run: &mut SystemRun, until: SimTime) {
    let _ = run.advance(until, None, &mut |_, _| Interrupt::Continue);
}

fn result(mut report: RunReport) -> String {
    report.engine = Default::default();
    serde_json::to_string(&report).unwrap()
}

/// A preset with few users, and a short run.
fn small(name: &str) -> Scenario {
    let mut scenario = scenario(preset(name), &[]);
    scenario.load.users = scenario.load.users.min(2_000);
    scenario.run.warmup = SimDuration::from_secs(5);
    scenario.run.duration = SimDuration::from_secs(8);
    scenario
}
