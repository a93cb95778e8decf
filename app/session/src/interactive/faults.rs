//! Breaking something while somebody watches.
//!
//! What is broken now becomes a fault of the running scenario at the next free millisecond, so that a file with the same
//! entry runs the same. While it lasts, and a little after, simulated time goes slowly enough to be watched.

use std::sync::Arc;

use sim_core::scenario::{Fault, Scenario, TimedFault};
use sim_core::time::{SimDuration, SimTime};

use super::{Driver, seconds_of};

/// Simulated seconds per wall second while something is broken.
const BROKEN_PACE: f64 = 4.0;
/// Simulated time after a fault that is watched as slowly.
const AFTER_S: f64 = 20.0;

impl Driver {
    /// Adds a fault now.
    pub(super) fn break_now(&mut self, fault: Fault, lasts: Option<SimDuration>) {
        self.finish_seek();
        let Some(run) = self.run.as_mut().filter(|_| !self.stalled) else {
            self.problem = Some("Nothing runs that could be broken now.".into());
            return;
        };
        let timed = TimedFault {
            at: next_moment(run.now()),
            lasts,
            fault,
        };
        match run.add_fault(timed.clone()) {
            Ok(()) => {
                let now = run.now();
                self.newest = None;
                self.newest_report = None;
                self.keyframes.forget_after(now);
                self.keyframes.will_break(&timed);
                self.keyframes.keep(run);
                Arc::make_mut(&mut self.scenario).faults.push(timed);
                self.problem = None;
            }
            Err(error) => self.problem = Some(format!("It cannot be broken: {error}.")),
        }
    }

    /// Ends a fault now that would last for good.
    pub(super) fn mend_now(&mut self, number: usize) {
        let Some(run) = self.run.as_mut().filter(|_| !self.stalled) else {
            self.problem = Some("Nothing runs in which it could be undone now.".into());
            return;
        };
        let ends = next_moment(run.now());
        match run.end_fault(number, ends) {
            Ok(()) => {
                let faults = &mut Arc::make_mut(&mut self.scenario).faults;
                if let Some(timed) = faults.get_mut(number) {
                    timed.lasts = Some(ends - timed.at);
                }
                self.problem = None;
            }
            Err(error) => self.problem = Some(format!("It cannot be undone: {error}.")),
        }
    }
}

/// How fast simulated time may go because of what is broken; `None`: as it likes.
pub(super) fn pace(scenario: &Scenario, now_s: f64) -> Option<f64> {
    let watched = scenario.faults.iter().any(|timed| {
        let at = seconds_of(timed.at);
        let lasts = timed.lasts.map_or(0.0, seconds_of);
        at <= now_s && now_s < at + lasts + AFTER_S
    });
    watched.then_some(BROKEN_PACE)
}

/// When the next fault begins, if one does: from there on time goes slowly.
pub(super) fn next(scenario: &Scenario, now: SimTime) -> Option<SimTime> {
    let begins = scenario.faults.iter().map(|timed| SimTime::ZERO + timed.at);
    begins.filter(|at| *at > now).min()
}

/// The next millisecond that is no multiple of ten: what happens at fixed times happens there.
fn next_moment(now: SimTime) -> SimDuration {
    const MS: u64 = 1_000_000;
    let ms = now.as_nanos() / MS + 1;
    SimDuration::from_millis(ms + u64::from(ms.is_multiple_of(10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_off_the_grid_of_audits() {
        let moment = |ns| next_moment(SimTime::from_nanos(ns)).as_nanos();
        assert_eq!(moment(0), 1_000_000);
        assert_eq!(moment(9_500_000), 11_000_000);
        assert_eq!(moment(12_000_001), 13_000_000);
    }
}
