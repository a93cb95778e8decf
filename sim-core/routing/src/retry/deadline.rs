//! Deadlines: how long an answer is of use, handed down from caller to callee.
//!
//! *Models:* a point in time that a request carries; whoever handles it may ask what is left, refuse work that
//! nobody waits for any more, and hand down less than it got. *Formula:* handed down = deadline − reserve, the
//! reserve being the way back and what is still to do with the answer. *Leaves out:* clocks that disagree; send
//! what remains and not the time of day. *Source:* Google SRE book, "Deadline propagation"; gRPC.

use crate::ids::Timestamp;

/// When an answer ceases to be of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Timestamp);

impl Deadline {
    /// The answer is of use for ever.
    pub const NONE: Self = Self(Timestamp::NEVER);

    /// The answer is of use until `at`.
    #[must_use]
    pub const fn at(at: Timestamp) -> Self {
        Self(at)
    }

    /// The answer is of use for `ns` nanoseconds from `now` on.
    #[must_use]
    pub const fn after(now: Timestamp, ns: u64) -> Self {
        Self(now.plus(ns))
    }

    /// The time itself.
    #[must_use]
    pub const fn time(self) -> Timestamp {
        self.0
    }

    /// Nanoseconds left; 0 once it has passed.
    #[must_use]
    pub const fn remaining_ns(self, now: Timestamp) -> u64 {
        self.0.since(now)
    }

    /// Whether nobody waits any more. [`Self::NONE`] never passes.
    #[must_use]
    pub fn has_passed(self, now: Timestamp) -> bool {
        now >= self.0 && self != Self::NONE
    }

    /// The deadline for a callee, `reserve_ns` earlier; `None` if that leaves it no time at all.
    #[must_use]
    pub fn hand_down(self, now: Timestamp, reserve_ns: u64) -> Option<Self> {
        if self == Self::NONE {
            return Some(self);
        }
        let left = self.remaining_ns(now).checked_sub(reserve_ns)?;
        (left > 0).then(|| Self::after(now, left))
    }

    /// The earlier of this and a timeout of `ns` nanoseconds from `now` on.
    #[must_use]
    pub fn or_after(self, now: Timestamp, ns: u64) -> Self {
        self.min(Self::after(now, ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_handed_down_until_nothing_is_left() {
        let (now, deadline) = (Timestamp(1_000), Deadline::after(Timestamp(1_000), 300));
        let first = deadline.hand_down(now, 50).unwrap();
        assert_eq!(first.remaining_ns(now), 250);
        let later = Timestamp(1_200);
        assert_eq!(first.hand_down(later, 50), None);
        assert_eq!(
            first.hand_down(later, 49),
            Some(Deadline::at(Timestamp(1_201)))
        );
        assert!(!first.has_passed(Timestamp(1_249)) && first.has_passed(Timestamp(1_250)));
        assert_eq!(first.hand_down(Timestamp(2_000), 0), None);
    }

    #[test]
    fn no_deadline_stays_none_and_a_timeout_shortens_it() {
        let now = Timestamp(5);
        assert_eq!(Deadline::NONE.hand_down(now, 50), Some(Deadline::NONE));
        assert!(!Deadline::NONE.has_passed(Timestamp::NEVER));
        assert_eq!(Deadline::NONE.or_after(now, 10).time(), Timestamp(15));
        assert_eq!(
            Deadline::after(now, 3).or_after(now, 10).time(),
            Timestamp(8)
        );
    }
}
