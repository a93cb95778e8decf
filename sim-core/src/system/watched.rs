//! What somebody who watches a run asks of it beside its report: single steps, and which run of its own would show the same.

use super::SystemRun;
use super::early::warm;
use crate::engine::{Interrupt, StopReason};
use crate::report::RunReport;
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};

impl SystemRun {
    /// Handles the next event, and whatever else happens at the same instant. `None`: it is done, and there is more.
    pub fn step(&mut self) -> Option<StopReason> {
        let mut go_on = |_: SimTime, _: u64| Interrupt::Continue;
        match self.advance(self.end(), Some(1), &mut go_on) {
            Some(StopReason::EventBudget) | None => self.advance(self.now(), None, &mut go_on),
            reason => reason,
        }
    }

    /// The scenario whose run ends now: this one, lasting as long as was measured so far. Its command line is that of this
    /// scenario with `--duration`.
    #[must_use]
    pub fn so_far(&self) -> Scenario {
        let measured = self.now().saturating_since(warm(&self.scenario));
        let mut scenario = (*self.scenario).clone();
        if measured > SimDuration::ZERO {
            scenario.run.duration = measured;
        }
        scenario
    }

    /// What a run of [`Self::so_far`] reports: the same figures, under the name of the run that gives them.
    #[must_use]
    pub fn report_so_far(&self) -> RunReport {
        self.report_of(&self.so_far(), crate::statistics::CONFIDENCE)
    }
}
