//! The simulated system: a scenario's population and tiers, driven by the engine.

use crate::engine::{Interrupt, StopReason};
use crate::report::RunReport;
use crate::scenario::Scenario;
use crate::time::SimTime;

/// Why a scenario cannot be simulated here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The population would not fit the machine-independent limits of the simulator.
    #[error("{what} needs {needed}, more than the {limit} this simulator handles; lower load.users or channels.per_user")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How much is needed.
        needed: u64,
        /// How much there may be.
        limit: u64,
    },
}

/// One scenario being simulated. Cloning copies the whole state, so time can be scrubbed.
#[derive(Clone)]
pub struct SystemRun {}

impl SystemRun {
    /// Builds the population, places it, and schedules the first arrivals and faults.
    pub fn new(scenario: &Scenario) -> Result<Self, BuildError> {
        let _ = scenario;
        unimplemented!()
    }

    /// Simulates up to `until` (at most [`Self::end`]). `None`: reached, and there is more to do.
    pub fn advance(
        &mut self,
        until: SimTime,
        max_events: Option<u64>,
        interrupt: &mut dyn FnMut(SimTime, u64) -> Interrupt,
    ) -> Option<StopReason> {
        let _ = (until, max_events, interrupt);
        unimplemented!()
    }

    /// Simulated time reached.
    #[must_use]
    pub fn now(&self) -> SimTime {
        unimplemented!()
    }

    /// End of the measured time: warm-up plus duration.
    #[must_use]
    pub fn end(&self) -> SimTime {
        unimplemented!()
    }

    /// Moves the end, for a run that goes on as long as somebody watches.
    pub fn set_end(&mut self, end: SimTime) {
        let _ = end;
        unimplemented!()
    }

    /// Re-seats the population at another size, already connected, as the balancer would have placed it.
    pub fn set_users(&mut self, users: u32) -> Result<(), BuildError> {
        let _ = users;
        unimplemented!()
    }

    /// Forgets what was measured so far; the state goes on.
    pub fn restart_measuring(&mut self) {
        unimplemented!()
    }

    /// Events handled and deliveries computed so far.
    #[must_use]
    pub fn work(&self) -> (u64, u64) {
        unimplemented!()
    }

    /// What was measured since the warm-up ended. `engine.cpu_s` and `wall_s` are filled by the caller.
    #[must_use]
    pub fn report(&self) -> RunReport {
        unimplemented!()
    }
}
