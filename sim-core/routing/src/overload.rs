//! The server's side of overload: refuse early, and do no work that nobody waits for.
//!
//! *Models:* two rules of a queue. *Shedding:* a request that finds `max_queue` others waiting is refused at once,
//! which costs the server next to nothing and tells the client before its timeout. *Dropping dead work:* a request
//! whose deadline has passed when its turn comes is thrown away unserved. *Formula:* a queue of q requests at rate
//! μ waits q/μ, so that shedding keeps answers in time if max_queue < μ · timeout. *Property:* either rule lets a
//! system recover from an outage as soon as it can serve what is offered; dropping alone serves requests just
//! before they time out until the backlog is gone. *Leaves out:* priorities, and adaptive targets as in CoDel.
//! *Source:* Google SRE book, "Handling overload"; measured in `tests/metastability.rs`.

use crate::ids::Timestamp;
use crate::retry::Deadline;

/// The rules of a server's queue; by default there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OverloadPolicy {
    /// Requests that may wait; `None`: any number.
    pub max_queue: Option<u32>,
    /// Whether dead work is dropped.
    pub drop_dead_work: bool,
}

/// What becomes of a request that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// It waits.
    Queued,
    /// It is refused at once.
    Shed,
}

/// What becomes of a request whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Turn {
    /// It is served.
    Serve,
    /// It is dropped: nobody waits for it.
    Drop,
}

impl OverloadPolicy {
    /// A request arrives and finds `waiting` others.
    #[must_use]
    pub fn on_arrival(&self, waiting: usize) -> Arrival {
        match self.max_queue {
            Some(most) if waiting >= most as usize => Arrival::Shed,
            _ => Arrival::Queued,
        }
    }

    /// It is a request's turn.
    #[must_use]
    pub fn on_turn(&self, now: Timestamp, deadline: Deadline) -> Turn {
        if self.drop_dead_work && deadline.has_passed(now) {
            Turn::Drop
        } else {
            Turn::Serve
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_sheds_and_the_dead_are_dropped() {
        let policy = OverloadPolicy {
            max_queue: Some(2),
            drop_dead_work: true,
        };
        let found = [1, 2].map(|waiting| policy.on_arrival(waiting));
        assert_eq!(found, [Arrival::Queued, Arrival::Shed]);
        let deadline = Deadline::at(Timestamp(10));
        let turns = [9, 10].map(|now| policy.on_turn(Timestamp(now), deadline));
        assert_eq!(turns, [Turn::Serve, Turn::Drop]);
        let none = OverloadPolicy::default();
        assert_eq!(none.on_arrival(1_000_000), Arrival::Queued);
        assert_eq!(none.on_turn(Timestamp(99), deadline), Turn::Serve);
    }
}
