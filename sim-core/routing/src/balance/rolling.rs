//! Rolling restarts: one backend after the other drains, restarts and comes back.
//!
//! *Models:* the order of a deployment as a state machine: [`RollingRestart::next_action_at`] says when, and
//! [`RollingRestart::poll`] says what. *Formula:* n · (drain + restart) + (n − 1) · pause in all. *Property:* at
//! most one backend is out at a time, and the last one restarted is left with hardly any connections until
//! clients come and go. *Leaves out:* waiting for a backend's health; make the restart long enough.

use crate::ids::{ServerId, Timestamp};
use std::collections::VecDeque;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollingAction {
    /// Stop giving new connections to the backend.
    Drain(ServerId),
    /// Stop it; what is still connected is dropped.
    Stop(ServerId),
    /// It is up again, empty.
    Start(ServerId),
    /// All have been restarted.
    Finished,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Drain,
    Stop,
    Start,
    Finished,
}

/// A rolling restart under way.
#[derive(Clone, Debug)]
pub struct RollingRestart {
    waiting: VecDeque<ServerId>,
    step: Step,
    at: Timestamp,
    drain_ns: u64,
    restart_ns: u64,
    pause_ns: u64,
}

impl RollingRestart {
    /// Restarts `order` from `start` on: each drains for `drain_ns`, is down for `restart_ns`, and the next
    /// follows after `pause_ns`.
    #[must_use]
    pub fn new(
        order: &[ServerId],
        start: Timestamp,
        drain_ns: u64,
        restart_ns: u64,
        pause_ns: u64,
    ) -> Self {
        let step = if order.is_empty() {
            Step::Finished
        } else {
            Step::Drain
        };
        Self {
            waiting: order.iter().copied().collect(),
            step,
            at: start,
            drain_ns,
            restart_ns,
            pause_ns,
        }
    }

    /// When the next action is due; `None` after the last.
    #[must_use]
    pub fn next_action_at(&self) -> Option<Timestamp> {
        (self.step != Step::Finished).then_some(self.at)
    }

    /// Whether all is done.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.step == Step::Finished
    }

    /// The action due at `now`, if any; call again until `None`. Ends with [`RollingAction::Finished`].
    pub fn poll(&mut self, now: Timestamp) -> Option<RollingAction> {
        if now < self.next_action_at()? {
            return None;
        }
        let Some(&server) = self.waiting.front() else {
            self.step = Step::Finished;
            return Some(RollingAction::Finished);
        };
        let (action, next, wait) = match self.step {
            Step::Drain => (RollingAction::Drain(server), Step::Stop, self.drain_ns),
            Step::Stop => (RollingAction::Stop(server), Step::Start, self.restart_ns),
            Step::Start | Step::Finished => {
                self.waiting.pop_front();
                let wait = if self.waiting.is_empty() {
                    0
                } else {
                    self.pause_ns
                };
                (RollingAction::Start(server), Step::Drain, wait)
            }
        };
        (self.step, self.at) = (next, self.at.plus(wait));
        Some(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other() {
        let mut plan = RollingRestart::new(&[ServerId(3), ServerId(1)], Timestamp(100), 10, 5, 2);
        let mut log = Vec::new();
        while let Some(at) = plan.next_action_at() {
            assert_eq!(plan.poll(Timestamp(at.0 - 1)), None);
            log.extend(plan.poll(at).map(|action| (at.0, action)));
        }
        use RollingAction::{Drain, Finished, Start, Stop};
        let (a, b) = (ServerId(3), ServerId(1));
        let expected = [
            (100, Drain(a)),
            (110, Stop(a)),
            (115, Start(a)),
            (117, Drain(b)),
            (127, Stop(b)),
            (132, Start(b)),
            (132, Finished),
        ];
        assert_eq!(log, expected);
        assert!(plan.is_finished() && plan.poll(Timestamp::NEVER).is_none());
        assert_eq!(
            RollingRestart::new(&[], Timestamp(0), 1, 1, 1).next_action_at(),
            None
        );
    }
}
