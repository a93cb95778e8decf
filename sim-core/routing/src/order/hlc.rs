//! Hybrid logical clocks: timestamps that respect causality and stay close to the wall clock.
//!
//! *Formula:* a clock holds (l, c). An event at wall time w: l' = max(l, w); c' = c + 1 if l' = l, else 0. On
//! receiving (lm, cm): l' = max(l, lm, w); c' = max(c, cm) + 1, c + 1, cm + 1 or 0, according to which of them
//! l' equals. Ties between clocks are broken by the node. *Property:* if e happened before f then hlc(e) <
//! hlc(f); |l − w| ≤ the greatest skew between clocks. *Leaves out:* packing into 64 bits. *Source:* S.
//! Kulkarni et al., Logical Physical Clocks (OPODIS 2014).

use crate::ids::Timestamp;
use thiserror::Error;

/// A timestamp, ordered by time, then counter, then node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hlc {
    /// The greatest wall time that it knew of.
    pub wall: Timestamp,
    /// Events since at that wall time.
    pub logical: u32,
    /// Whose clock.
    pub node: u32,
}

/// A timestamp that no honest clock gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a timestamp is {ahead_ns} ns ahead of this clock, more than the {allowed_ns} allowed")]
pub struct HlcError {
    /// How far ahead.
    pub ahead_ns: u64,
    /// How far is allowed.
    pub allowed_ns: u64,
}

/// The clock of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HlcClock {
    last: Hlc,
    /// Nanoseconds by which the node's wall clock is ahead (or, if negative, behind).
    skew_ns: i64,
    max_ahead_ns: u64,
}

impl HlcClock {
    /// A clock whose node's wall clock is wrong by `skew_ns`, and that refuses timestamps more than
    /// `max_ahead_ns` ahead of it.
    #[must_use]
    pub fn new(node: u32, skew_ns: i64, max_ahead_ns: u64) -> Self {
        Self {
            last: Hlc {
                node,
                ..Hlc::default()
            },
            skew_ns,
            max_ahead_ns,
        }
    }

    /// What the node's wall clock shows at `now`.
    #[must_use]
    pub fn wall(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add_signed(self.skew_ns))
    }

    /// The last timestamp given or seen.
    #[must_use]
    pub fn last(&self) -> Hlc {
        self.last
    }

    /// The timestamp of an event here: a send, or a write.
    pub fn tick(&mut self, now: Timestamp) -> Hlc {
        let wall = self.wall(now);
        if wall > self.last.wall {
            self.last.wall = wall;
            self.last.logical = 0;
        } else {
            self.last.logical += 1;
        }
        self.last
    }

    /// A message with a timestamp arrives: what happens here from now on happened after it.
    pub fn observe(&mut self, now: Timestamp, seen: Hlc) -> Result<Hlc, HlcError> {
        let wall = self.wall(now);
        let ahead_ns = seen.wall.since(wall);
        if ahead_ns > self.max_ahead_ns {
            return Err(HlcError {
                ahead_ns,
                allowed_ns: self.max_ahead_ns,
            });
        }
        let greatest = wall.max(seen.wall).max(self.last.wall);
        let mut logical = None;
        if greatest == self.last.wall {
            logical = Some(self.last.logical);
        }
        if greatest == seen.wall {
            logical = logical.max(Some(seen.logical));
        }
        self.last.wall = greatest;
        self.last.logical = logical.map_or(0, |count| count + 1);
        Ok(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_later_than_its_question_whatever_the_skew() {
        let mut ahead = HlcClock::new(0, 500, 1_000);
        let mut behind = HlcClock::new(1, -500, 1_000);
        let question = ahead.tick(Timestamp(1_000));
        assert_eq!(question.wall, Timestamp(1_500));
        behind.observe(Timestamp(1_010), question).unwrap();
        let answer = behind.tick(Timestamp(1_020));
        assert!(answer > question && answer.wall == Timestamp(1_500));
        let alone = HlcClock::new(1, -500, 1_000).tick(Timestamp(1_020));
        assert!(alone < question, "the wall clock alone says the contrary");
        // Once the wall clock has passed, the counter starts anew.
        assert_eq!(behind.tick(Timestamp(2_100)).logical, 0);
    }

    #[test]
    fn the_counter_follows_the_greatest_of_three() {
        let mut clock = HlcClock::new(0, 0, 1_000);
        clock.tick(Timestamp(10));
        let seen = |wall, logical| Hlc {
            wall: Timestamp(wall),
            logical,
            node: 1,
        };
        let at = |hlc: Hlc| (hlc.wall.0, hlc.logical);
        assert_eq!(
            at(clock.observe(Timestamp(5), seen(10, 7)).unwrap()),
            (10, 8)
        );
        assert_eq!(
            at(clock.observe(Timestamp(5), seen(9, 99)).unwrap()),
            (10, 9)
        );
        assert_eq!(
            at(clock.observe(Timestamp(5), seen(20, 3)).unwrap()),
            (20, 4)
        );
        assert_eq!(
            at(clock.observe(Timestamp(30), seen(20, 3)).unwrap()),
            (30, 0)
        );
        let refused = clock.observe(Timestamp(30), seen(1_031, 0)).unwrap_err();
        assert_eq!(refused.ahead_ns, 1_001);
    }
}
