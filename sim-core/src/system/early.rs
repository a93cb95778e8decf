//! A first look before the warm-up is over, for those who watch.
//!
//! Models: from a given time on the warm-up is measured as if it were none, so that somebody who has just changed the load sees
//! figures soon. When the warm-up ends all of that is forgotten: what a run says from then on is, byte for byte, what it says
//! without a first look. Only sums that are read as differences ([`super::baseline`]) go on.

use super::SystemRun;
use super::event::Event;
use super::world::World;
use crate::scenario::Scenario;
use crate::time::SimTime;

impl SystemRun {
    /// Measures the warm-up from `at` on, until it is over. Nothing happens where it is over by then.
    pub fn measure_early(&mut self, at: SimTime) {
        if at >= self.now() && at < warm(&self.scenario) {
            self.simulation.schedule(at, Event::MeasureEarly);
        }
    }

    /// Whether what is measured now is a first look.
    #[must_use]
    pub fn is_early(&self) -> bool {
        self.simulation.model().postponed.is_some()
    }
}

/// When the warm-up is over.
pub(super) fn warm(scenario: &Scenario) -> SimTime {
    SimTime::ZERO + scenario.run.warmup
}

impl World {
    pub(super) fn measure_early(&mut self, now: SimTime) {
        self.postponed = Some(Box::new(self.ledger.clone()));
        self.ledger.begin_at(now);
        self.begin_measuring(now);
    }

    /// The warm-up is over: measuring begins.
    pub(super) fn measure(&mut self, now: SimTime) {
        if let Some(mut ledger) = self.postponed.take() {
            ledger.egress_bytes = self.ledger.egress_bytes;
            ledger.resync_bytes = self.ledger.resync_bytes;
            ledger.inner = self.ledger.inner;
            self.ledger = *ledger;
            self.useful_poll.clear();
            self.operations.forget_measured();
            for server in &mut self.servers.servers {
                server.in_flight.forget_measured();
            }
        }
        self.begin_measuring(now);
    }
}
