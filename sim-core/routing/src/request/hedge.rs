//! Hedged requests: a second copy to another server when the first is slow.
//!
//! *Models:* a copy at once, another after a delay (the 95th percentile of the latency is usual) or when the first
//! fails; the first answer counts and the loser is cancelled. *Formula:* copies per request = 1 + P(latency >
//! delay); with independent copies P(slower than t) = P(T > t) · P(T > t − delay). *Property:* of two answers one
//! counts. *Leaves out:* finding the percentile, and a budget for copies; a [`crate::retry::RetryBudget`] serves.
//! *Source:* Dean and Barroso, CACM 2013.

use crate::ids::Timestamp;

/// One of the two copies of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Twin {
    /// The one sent at once.
    First,
    /// The hedge.
    Second,
}

impl Twin {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// When a request is hedged and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgeOptions {
    /// How long the first copy has to itself, in nanoseconds.
    pub delay_ns: u64,
    /// When the request ends at the latest.
    pub deadline: Timestamp,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HedgeAnswer {
    /// It is the answer of the request; the copy named is out and can be cancelled.
    Counts {
        /// The loser, if it was sent and has not failed.
        cancel: Option<Twin>,
    },
    /// The request has ended: ignore it.
    Late,
}

/// What to do after a failure or a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HedgeAction {
    /// Send this copy now.
    Send(Twin),
    /// Nothing to do.
    Wait,
    /// The request has failed; whatever is out can be cancelled.
    GiveUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    No,
    Out,
    Settled,
}

/// A hedged request.
#[derive(Clone, Debug)]
pub struct Hedged {
    hedge_at: Timestamp,
    deadline: Timestamp,
    copies: [Sent; 2],
    ended: bool,
}

impl Hedged {
    /// A request whose first copy is sent at `now`.
    #[must_use]
    pub fn new(now: Timestamp, options: HedgeOptions) -> Self {
        Self {
            hedge_at: now.plus(options.delay_ns),
            deadline: options.deadline,
            copies: [Sent::Out, Sent::No],
            ended: false,
        }
    }

    /// When [`Self::on_timeout`] is due: for the second copy, then for the deadline; `None` once ended.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        let at = match self.copies[1] {
            Sent::No => self.hedge_at.min(self.deadline),
            Sent::Out | Sent::Settled => self.deadline,
        };
        (!self.ended).then_some(at)
    }

    /// The timer fired. Says what to do, which is nothing if it fired early or late.
    pub fn on_timeout(&mut self, now: Timestamp) -> HedgeAction {
        if self.ended {
            return HedgeAction::Wait;
        }
        if now >= self.deadline {
            self.ended = true;
            return HedgeAction::GiveUp;
        }
        if self.copies[1] == Sent::No && now >= self.hedge_at {
            return self.send_second();
        }
        HedgeAction::Wait
    }

    /// A copy answered.
    pub fn on_answer(&mut self, copy: Twin) -> HedgeAnswer {
        if self.ended || self.sent(copy) != Sent::Out {
            return HedgeAnswer::Late;
        }
        self.ended = true;
        self.copies[copy as usize] = Sent::Settled;
        let other = copy.other();
        let cancel = (self.sent(other) == Sent::Out).then_some(other);
        HedgeAnswer::Counts { cancel }
    }

    /// A copy failed: the second is sent at once if it is not out yet, and the request fails with its last copy.
    pub fn on_failure(&mut self, copy: Twin) -> HedgeAction {
        if self.ended || self.sent(copy) != Sent::Out {
            return HedgeAction::Wait;
        }
        self.copies[copy as usize] = Sent::Settled;
        match self.sent(copy.other()) {
            Sent::No => self.send_second(),
            Sent::Out => HedgeAction::Wait,
            Sent::Settled => {
                self.ended = true;
                HedgeAction::GiveUp
            }
        }
    }

    /// How many copies have been sent.
    #[must_use]
    pub fn copies(&self) -> u32 {
        1 + u32::from(self.copies[1] != Sent::No)
    }

    /// Whether it is answered or failed.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn send_second(&mut self) -> HedgeAction {
        self.copies[1] = Sent::Out;
        HedgeAction::Send(Twin::Second)
    }

    fn sent(&self, copy: Twin) -> Sent {
        self.copies[copy as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hedged() -> Hedged {
        let options = HedgeOptions {
            delay_ns: 25,
            deadline: Timestamp(1_000),
        };
        Hedged::new(Timestamp(100), options)
    }

    #[test]
    fn a_fast_answer_needs_no_second_copy() {
        let mut request = hedged();
        assert_eq!(request.next_timeout(), Some(Timestamp(125)));
        assert_eq!(request.on_answer(Twin::Second), HedgeAnswer::Late);
        assert_eq!(
            request.on_answer(Twin::First),
            HedgeAnswer::Counts { cancel: None }
        );
        assert_eq!((request.copies(), request.next_timeout()), (1, None));
        assert_eq!(request.on_timeout(Timestamp(125)), HedgeAction::Wait);
    }

    #[test]
    fn the_loser_is_cancelled_and_does_not_count() {
        let mut request = hedged();
        assert_eq!(request.on_timeout(Timestamp(124)), HedgeAction::Wait);
        let sent = request.on_timeout(Timestamp(125));
        assert_eq!(sent, HedgeAction::Send(Twin::Second));
        assert_eq!(request.next_timeout(), Some(Timestamp(1_000)));
        let cancel = Some(Twin::First);
        assert_eq!(
            request.on_answer(Twin::Second),
            HedgeAnswer::Counts { cancel }
        );
        assert_eq!(request.on_answer(Twin::First), HedgeAnswer::Late);
        assert!(request.has_ended());
    }

    #[test]
    fn a_failure_hedges_at_once_and_two_are_the_end() {
        let mut request = hedged();
        let sent = request.on_failure(Twin::First);
        assert_eq!(sent, HedgeAction::Send(Twin::Second));
        assert_eq!(request.on_failure(Twin::First), HedgeAction::Wait);
        assert_eq!(request.on_failure(Twin::Second), HedgeAction::GiveUp);
        let mut slow = hedged();
        assert_eq!(slow.on_timeout(Timestamp(1_000)), HedgeAction::GiveUp);
        assert_eq!(slow.on_answer(Twin::First), HedgeAnswer::Late);
    }
}
