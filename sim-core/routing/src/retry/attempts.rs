//! The attempts of one request: timeout, backoff, try again, give up.
//!
//! *Models:* a client that waits for an answer until a timeout (never longer than the deadline), then sends again
//! after a backoff, while attempts, budget and deadline last. *Formula:* the waits are those of
//! [`ReconnectPolicy::delay`] for attempts 1, 2, …; R retries are 1 + R attempts. *Property:* one answer counts,
//! that of the attempt that is out; the answer to one given up is waste. *Leaves out:* the answer itself.
//! *Source:* Google SRE book, "Addressing cascading failures"; M. Brooker, AWS 2015, for the jitter.

use super::{Deadline, RetryBudget};
use crate::ids::Timestamp;
use crate::session::{Backoff, ReconnectPolicy};
use rand::Rng;

/// How often and when a request is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryPolicy {
    /// How long an attempt may take, in nanoseconds.
    pub timeout_ns: u64,
    /// Attempts at most, the first included.
    pub max_attempts: u32,
    /// The wait before each attempt but the first.
    pub backoff: ReconnectPolicy,
}

impl RetryPolicy {
    /// A policy that tries again at once, up to `retries` times.
    #[must_use]
    pub const fn immediate(timeout_ns: u64, retries: u32) -> Self {
        Self {
            timeout_ns,
            max_attempts: retries.saturating_add(1),
            backoff: ReconnectPolicy::new(Backoff::Fixed, 0, 0),
        }
    }
}

/// Why a request was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GaveUp {
    /// It has had all its attempts.
    Attempts,
    /// Its deadline has passed, or will have before the next attempt.
    Deadline,
    /// There was no budget for another retry.
    Budget,
}

/// What a request does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Send this attempt now.
    Send {
        /// Its number, from 0.
        attempt: u32,
    },
    /// Wait for [`Attempts::next_timeout`].
    Wait,
    /// It has failed.
    GiveUp(GaveUp),
}

/// Why a request wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wake {
    /// The attempt that is out times out.
    TimedOut,
    /// The wait before the next attempt is over.
    BackedOff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Out { until: Timestamp },
    Waiting { until: Timestamp },
    Ended,
}

/// A request under way.
#[derive(Clone, Debug)]
pub struct Attempts {
    policy: RetryPolicy,
    deadline: Deadline,
    attempt: u32,
    /// The wait before the present attempt.
    waited_ns: u64,
    state: State,
}

impl Attempts {
    /// A request whose attempt 0 is sent at `now`.
    #[must_use]
    pub fn new(policy: RetryPolicy, now: Timestamp, deadline: Deadline) -> Self {
        let mut request = Self {
            policy,
            deadline,
            attempt: 0,
            waited_ns: 0,
            state: State::Ended,
        };
        request.send(now);
        request
    }

    /// The number of the present attempt, from 0.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The deadline that the present attempt carries: its own timeout, or the request's if that is earlier.
    #[must_use]
    pub fn attempt_deadline(&self) -> Deadline {
        match self.state {
            State::Out { until } => Deadline::at(until),
            State::Waiting { .. } | State::Ended => self.deadline,
        }
    }

    /// When [`Self::on_timeout`] is due and why; `None` once ended.
    #[must_use]
    pub fn next_timeout(&self) -> Option<(Timestamp, Wake)> {
        match self.state {
            State::Out { until } => Some((until, Wake::TimedOut)),
            State::Waiting { until } => Some((until, Wake::BackedOff)),
            State::Ended => None,
        }
    }

    /// The timer fired: the attempt has timed out or the wait is over. Nothing happens if it fired early. A retry
    /// takes from `budget`, if there is one.
    pub fn on_timeout(
        &mut self,
        now: Timestamp,
        budget: Option<&mut RetryBudget>,
        rng: &mut dyn Rng,
    ) -> Step {
        match self.state {
            State::Out { until } if now >= until => self.fail(now, budget, rng),
            State::Waiting { until } if now >= until => self.send(now),
            State::Out { .. } | State::Waiting { .. } | State::Ended => Step::Wait,
        }
    }

    /// The server refused an attempt or answered it with an error. Nothing happens if it is not the one out.
    pub fn on_error(
        &mut self,
        now: Timestamp,
        attempt: u32,
        budget: Option<&mut RetryBudget>,
        rng: &mut dyn Rng,
    ) -> Step {
        if !self.is_out(attempt) {
            return Step::Wait;
        }
        self.fail(now, budget, rng)
    }

    /// An answer arrived. Returns whether it counts: only that of the attempt that is out does.
    pub fn on_answer(&mut self, attempt: u32) -> bool {
        let counts = self.is_out(attempt);
        if counts {
            self.state = State::Ended;
        }
        counts
    }

    fn is_out(&self, attempt: u32) -> bool {
        attempt == self.attempt && matches!(self.state, State::Out { .. })
    }

    fn send(&mut self, now: Timestamp) -> Step {
        let until = self.deadline.or_after(now, self.policy.timeout_ns).time();
        self.state = State::Out { until };
        Step::Send {
            attempt: self.attempt,
        }
    }

    fn fail(
        &mut self,
        now: Timestamp,
        budget: Option<&mut RetryBudget>,
        rng: &mut dyn Rng,
    ) -> Step {
        let next = self.attempt + 1;
        if next >= self.policy.max_attempts {
            return self.give_up(GaveUp::Attempts);
        }
        let backoff = &self.policy.backoff;
        let wait = backoff.delay(next, self.waited_ns, rng);
        let at = now.plus(wait);
        if self.deadline.has_passed(at) {
            return self.give_up(GaveUp::Deadline);
        }
        if budget.is_some_and(|budget| !budget.try_retry()) {
            return self.give_up(GaveUp::Budget);
        }
        (self.attempt, self.waited_ns) = (next, wait);
        if wait == 0 {
            return self.send(now);
        }
        self.state = State::Waiting { until: at };
        Step::Wait
    }

    fn give_up(&mut self, why: GaveUp) -> Step {
        self.state = State::Ended;
        Step::GiveUp(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::testing::TestRng;

    #[test]
    fn retries_follow_timeouts_until_the_attempts_are_used_up() {
        let mut rng = TestRng(1);
        let policy = RetryPolicy::immediate(100, 2);
        let mut request = Attempts::new(policy, Timestamp(0), Deadline::NONE);
        let mut step =
            |request: &mut Attempts, now| request.on_timeout(Timestamp(now), None, &mut rng);
        assert_eq!(step(&mut request, 99), Step::Wait, "early");
        assert_eq!(step(&mut request, 100), Step::Send { attempt: 1 });
        assert_eq!(
            request.next_timeout(),
            Some((Timestamp(200), Wake::TimedOut))
        );
        assert!(!request.on_answer(0), "given up");
        let mut answered = request.clone();
        assert!(answered.on_answer(1) && !answered.on_answer(1));
        assert_eq!(answered.next_timeout(), None);
        assert_eq!(step(&mut request, 200), Step::Send { attempt: 2 });
        assert_eq!(step(&mut request, 300), Step::GiveUp(GaveUp::Attempts));
        assert_eq!(step(&mut request, 400), Step::Wait, "it has ended");
    }

    #[test]
    fn a_backoff_waits_and_a_deadline_ends_it() {
        let mut rng = TestRng(1);
        let policy = RetryPolicy {
            backoff: ReconnectPolicy::new(Backoff::Exponential, 10, 1_000),
            ..RetryPolicy::immediate(100, 9)
        };
        let mut request = Attempts::new(policy, Timestamp(0), Deadline::at(Timestamp(250)));
        assert_eq!(request.attempt_deadline(), Deadline::at(Timestamp(100)));
        let stale = request.on_error(Timestamp(30), 1, None, &mut rng);
        assert_eq!(stale, Step::Wait, "another attempt");
        request.on_error(Timestamp(50), 0, None, &mut rng);
        assert_eq!(
            request.next_timeout(),
            Some((Timestamp(70), Wake::BackedOff))
        );
        let sent = request.on_timeout(Timestamp(70), None, &mut rng);
        assert_eq!(sent, Step::Send { attempt: 1 });
        request.on_timeout(Timestamp(170), None, &mut rng);
        request.on_timeout(Timestamp(210), None, &mut rng);
        assert_eq!(
            request.next_timeout(),
            Some((Timestamp(250), Wake::TimedOut))
        );
        let end = request.on_timeout(Timestamp(250), None, &mut rng);
        assert_eq!(end, Step::GiveUp(GaveUp::Deadline));
    }

    #[test]
    fn without_budget_there_is_no_retry() {
        let mut rng = TestRng(1);
        let mut budget = RetryBudget::new(10, 1);
        let policy = RetryPolicy::immediate(100, 9);
        let mut request = Attempts::new(policy, Timestamp(0), Deadline::NONE);
        let first = request.on_error(Timestamp(1), 0, Some(&mut budget), &mut rng);
        let second = request.on_error(Timestamp(2), 1, Some(&mut budget), &mut rng);
        assert_eq!(
            (first, second),
            (Step::Send { attempt: 1 }, Step::GiveUp(GaveUp::Budget))
        );
    }
}
