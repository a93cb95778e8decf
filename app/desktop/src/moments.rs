//! Moments of a run that have a name: when it broke, and how long a run must be for what was broken by hand to be in it.

use session::Frame;
use sim_core::scenario::Scenario;
use sim_core::time::SimDuration;

use crate::words;

/// Simulated time that a run goes on after the end of its last fault, so that it shows how the system came back.
const AFTER: SimDuration = SimDuration::from_secs(30);

/// The first thing that went wrong, simulated seconds, and what it was: a fault, or the first step over an objective.
pub fn broke(frame: &Frame) -> Option<(f64, &'static str)> {
    let begun = |at: &f64| *at <= frame.time.reached_s;
    let faults = frame.scenario.faults.iter();
    let faults = faults.map(|timed| timed.at.as_secs_f64());
    let fault = faults.filter(begun).reduce(f64::min);
    let missed = over_objective(frame);
    match (fault, missed) {
        (Some(fault), Some(missed)) if missed < fault => Some((missed, "the objective was missed")),
        (Some(fault), _) => Some((fault, "the first fault")),
        (None, missed) => missed.map(|missed| (missed, "the objective was missed")),
    }
}

/// The first step of the series whose 99th percentile is over the objective.
fn over_objective(frame: &Frame) -> Option<f64> {
    let objective = words::latency_objective(&frame.scenario)?;
    let operation = objective.path.split('.').next()?;
    let series = frame.time.newest.as_ref()?.series.as_ref()?;
    let own = series.operations.get(operation)?;
    let over = |p99: &Option<f64>| p99.is_some_and(|p99| p99 > objective.limit);
    let step = own.p99_ms.iter().position(over)?;
    Some(series.start_s + step as f64 * series.step_s)
}

/// The duration that a run needs for its faults, as it is typed; `None`: it is long enough.
pub fn longer(scenario: &Scenario) -> Option<String> {
    let ends = scenario.faults.iter().map(|timed| {
        let lasts = timed.lasts.unwrap_or(SimDuration::ZERO);
        (timed.at, timed.at + lasts + AFTER)
    });
    let end = scenario.run.warmup + scenario.run.duration;
    let late = ends.filter(|(at, _)| *at >= end);
    let needed = late.map(|(_, over)| over).max()?;
    let seconds = (needed - scenario.run.warmup).as_secs_f64().ceil();
    Some(format!("{seconds} s"))
}
