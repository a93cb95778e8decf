//! Faults that are added while the system runs.
//!
//! A fault added is an entry of the scenario like any other: the same entry in the file gives the same bytes. Only where it
//! falls on the very nanosecond of another event would the two go in another order; audits and cohorts fall on multiples of
//! 10 ms.

use std::sync::Arc;

use super::SystemRun;
use super::event::Event;
use crate::scenario::{Fault, Scenario, TimedFault, can_happen, limits};
use crate::time::{SimDuration, SimTime};

/// Why a fault cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultRefused {
    /// It would have begun before now.
    #[error("the fault would begin at a time that has passed")]
    Past,
    /// The design has nothing that it could hit.
    #[error("this design has nothing that the fault could hit")]
    NothingToHit,
    /// It has not begun, is over, or ends by itself.
    #[error("that fault does not wait for an end")]
    NothingToEnd,
    /// More people than a simulation holds.
    #[error("that would be more people than the {} of a scenario", limits::USERS)]
    TooManyPeople,
    /// The scale model that is simulated has fewer of these instances.
    #[error(
        "the scale model that is simulated has fewer of what the fault would hit; simulate the whole"
    )]
    NotInModel,
    /// A scenario has room for so many.
    #[error(
        "there are {} faults already, as many as a scenario may have",
        limits::ENTRIES
    )]
    TooMany,
}

impl SystemRun {
    /// Adds a fault that begins now or later. The scenario of this run has it as its last from then on.
    pub fn add_fault(&mut self, timed: TimedFault) -> Result<(), FaultRefused> {
        let at = SimTime::ZERO + timed.at;
        if at < self.simulation.now() {
            return Err(FaultRefused::Past);
        }
        let world = self.simulation.model_mut();
        let index = world.scenario.faults.len();
        if !can_happen(&timed.fault, &world.scenario.design) {
            return Err(FaultRefused::NothingToHit);
        }
        if let Fault::FlashCrowd { joins, .. } = timed.fault {
            let there = u64::from(world.clients.len()) + world.people_to_come();
            if there + u64::from(joins.of(world.residents)) > limits::USERS {
                return Err(FaultRefused::TooManyPeople);
            }
        }
        if index >= limits::ENTRIES {
            return Err(FaultRefused::TooMany);
        }
        let mut whole = Scenario::clone(&self.scenario);
        whole.faults.push(timed);
        if world.whole.is_some() && !whole.run.scale.is_some_and(|k| whole.scales(k).is_ok()) {
            return Err(FaultRefused::NotInModel);
        }
        Arc::make_mut(&mut world.scenario).faults = whole.simulated().faults;
        world.backlog.no_longer_steady();
        self.scenario = Arc::new(whole);
        self.quick = None;
        let event = Event::Fault {
            index: index as u16,
            begins: true,
        };
        self.simulation.schedule(at, event);
        Ok(())
    }

    /// Lets a fault end that has begun and would last for good: it has lasted until then in the scenario, too.
    pub fn end_fault(&mut self, number: usize, ends: SimDuration) -> Result<(), FaultRefused> {
        let at = SimTime::ZERO + ends;
        if at < self.simulation.now() {
            return Err(FaultRefused::Past);
        }
        let now = self.simulation.now();
        let world = self.simulation.model_mut();
        let timed = world.scenario.faults.get(number);
        let begun = |timed: &TimedFault| SimTime::ZERO + timed.at <= now && timed.at < ends;
        let Some(timed) = timed.filter(|timed| begun(timed) && timed.can_be_ended()) else {
            return Err(FaultRefused::NothingToEnd);
        };
        let lasts = Some(ends - timed.at);
        Arc::make_mut(&mut world.scenario).faults[number].lasts = lasts;
        Arc::make_mut(&mut self.scenario).faults[number].lasts = lasts;
        let event = Event::Fault {
            index: number as u16,
            begins: false,
        };
        self.simulation.schedule(at, event);
        Ok(())
    }
}
