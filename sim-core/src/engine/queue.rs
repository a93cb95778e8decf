//! What every event queue promises: the total order (time, then push order).
//!
//! Models: a set of pending events. Two events of the same instant leave in the order in which
//! they were pushed, whatever happened in between. Leaves out: cancellation; a cancelled event
//! is recognised by its owner (a stamp or generation in the event) when it is due.

use crate::time::SimTime;

/// A queue of pending events in the order (time, push sequence).
pub trait Queue<E: Copy> {
    /// Adds an event at the instant `at`; after all events already pending at that instant.
    fn push(&mut self, at: SimTime, event: E);

    /// Removes the first event if it is due at or before `until`.
    fn pop_until(&mut self, until: SimTime) -> Option<(SimTime, E)>;

    /// The instant of the first event.
    fn peek_time(&self) -> Option<SimTime>;

    /// The number of pending events.
    fn len(&self) -> usize;

    /// Removes the first event.
    fn pop(&mut self) -> Option<(SimTime, E)> {
        self.pop_until(SimTime::MAX)
    }

    /// Whether nothing is pending.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
