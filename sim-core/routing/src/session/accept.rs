//! The accept limiter: how many connections a server admits per second.
//!
//! *Models:* a token bucket: `burst` tokens, refilled at `rate`; a connection takes one or is rejected.
//! *Formula:* admitted in any interval of t seconds ≤ burst + rate · t. Integer arithmetic in billionths of a
//! token, so no rounding accumulates. *Leaves out:* a queue of waiting connections.

use crate::ids::Timestamp;

const TOKEN: u64 = 1_000_000_000;

/// A token bucket.
#[derive(Clone, Debug)]
pub struct AcceptLimiter {
    rate_per_s: u64,
    /// In billionths of a token.
    full: u64,
    level: u64,
    updated: Timestamp,
}

impl AcceptLimiter {
    /// A full bucket: `rate_per_s` connections per second, `burst` at once (at least 1).
    #[must_use]
    pub fn new(rate_per_s: u32, burst: u32) -> Self {
        let full = u64::from(burst.max(1)) * TOKEN;
        Self {
            rate_per_s: u64::from(rate_per_s),
            full,
            level: full,
            updated: Timestamp::ZERO,
        }
    }

    /// Admits a connection if there is a token for it. Time never runs backwards; an earlier `now` counts as
    /// the last one.
    pub fn try_accept(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let admitted = self.level >= TOKEN;
        if admitted {
            self.level -= TOKEN;
        }
        admitted
    }

    /// When the next connection could be admitted, if none comes before; [`Timestamp::NEVER`] at rate 0.
    #[must_use]
    pub fn next_at(&self, now: Timestamp) -> Timestamp {
        let mut later = self.clone();
        later.refill(now);
        let lacking = TOKEN.saturating_sub(later.level);
        if lacking == 0 {
            return now;
        }
        if self.rate_per_s == 0 {
            return Timestamp::NEVER;
        }
        now.max(self.updated)
            .plus(lacking.div_ceil(self.rate_per_s))
    }

    /// Whole tokens in the bucket at `now`.
    #[must_use]
    pub fn tokens(&self, now: Timestamp) -> u32 {
        let mut later = self.clone();
        later.refill(now);
        (later.level / TOKEN) as u32
    }

    /// `rate` tokens per second are `rate` billionths per nanosecond.
    fn refill(&mut self, now: Timestamp) {
        let earned = now.since(self.updated).saturating_mul(self.rate_per_s);
        self.level = self.level.saturating_add(earned).min(self.full);
        self.updated = self.updated.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_then_rate() {
        let mut limiter = AcceptLimiter::new(5_000, 1_000);
        let admitted = |limiter: &mut AcceptLimiter, at: u64, n: u32| {
            (0..n).filter(|_| limiter.try_accept(Timestamp(at))).count()
        };
        assert_eq!(admitted(&mut limiter, 0, 3_000), 1_000);
        assert_eq!(limiter.next_at(Timestamp(0)), Timestamp(200_000));
        assert_eq!(admitted(&mut limiter, 100_000_000, 3_000), 500);
        assert_eq!(limiter.tokens(Timestamp(3_600_000_000_000)), 1_000);
        assert_eq!(
            admitted(&mut limiter, 50, 5),
            0,
            "time does not run backwards"
        );
    }

    #[test]
    fn no_fraction_is_lost() {
        let mut limiter = AcceptLimiter::new(3, 1);
        assert!(limiter.try_accept(Timestamp(0)));
        let mut admitted = 0;
        for step in 1..=1_000_000u64 {
            admitted += u32::from(limiter.try_accept(Timestamp(step * 100_000)));
        }
        assert!(
            (299..=300).contains(&admitted),
            "{admitted} in 100 s at 3 per second"
        );
    }
}
