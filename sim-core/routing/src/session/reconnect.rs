//! Reconnection: how long a client waits before it tries again.
//!
//! *Models:* the client's side of a reconnect storm. *Formula,* with try a = 0, 1, 2 … and e = min(cap, base ·
//! 2^a): fixed waits base; exponential waits e; full jitter U(0, e); equal jitter e/2 + U(0, e/2); decorrelated
//! jitter min(cap, U(base, 3 · previous wait)), the previous wait being at least the base. Try 0 comes at once,
//! or after U(0, spread) if the server's farewell or the client asks for a spread; so the first wait e is twice
//! the base.
//! *Property:* without jitter clients return in step and most find the server full; with it the peak and the
//! total work fall. *Leaves out:* giving up. *Source:* M. Brooker, "Exponential backoff and jitter", AWS 2015.

use crate::draw;
use rand::Rng;

/// How the wait grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backoff {
    /// Always the base.
    Fixed,
    /// Doubling, without jitter.
    Exponential,
    /// Uniform between nothing and the doubling bound.
    FullJitter,
    /// Half the doubling bound, and up to as much again.
    EqualJitter,
    /// Uniform between the base and three times the previous wait.
    DecorrelatedJitter,
}

/// When a client tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReconnectPolicy {
    /// How the wait grows.
    pub backoff: Backoff,
    /// The fixed wait, the least decorrelated wait, and half the first bound of the others, in nanoseconds.
    pub base_ns: u64,
    /// The largest bound, in nanoseconds.
    pub cap_ns: u64,
    /// Over how many nanoseconds first tries are spread; `None`: at once.
    pub spread_first_ns: Option<u64>,
}

impl ReconnectPolicy {
    /// A policy whose first try comes at once.
    #[must_use]
    pub const fn new(backoff: Backoff, base_ns: u64, cap_ns: u64) -> Self {
        Self {
            backoff,
            base_ns,
            cap_ns,
            spread_first_ns: None,
        }
    }

    /// The same with first tries spread.
    #[must_use]
    pub const fn spread_first(self, spread_ns: u64) -> Self {
        Self {
            spread_first_ns: Some(spread_ns),
            ..self
        }
    }

    /// The wait in nanoseconds before try number `attempt` (0 is the first after the loss); `previous_ns` is
    /// the wait before the last try, which only decorrelated jitter looks at.
    pub fn delay(&self, attempt: u32, previous_ns: u64, rng: &mut dyn Rng) -> u64 {
        if attempt == 0 {
            let spread = self.spread_first_ns;
            return spread.map_or(0, |spread| draw::between(rng, 0, spread));
        }
        let bound = self.bound(attempt);
        match self.backoff {
            Backoff::Fixed => self.base_ns,
            Backoff::Exponential => bound,
            Backoff::FullJitter => draw::between(rng, 0, bound),
            Backoff::EqualJitter => bound / 2 + draw::between(rng, 0, bound - bound / 2),
            Backoff::DecorrelatedJitter => {
                let high = previous_ns.max(self.base_ns).saturating_mul(3);
                draw::between(rng, self.base_ns, high).min(self.cap_ns)
            }
        }
    }

    fn bound(&self, attempt: u32) -> u64 {
        let factor = 1u64.checked_shl(attempt).unwrap_or(u64::MAX);
        self.base_ns.saturating_mul(factor).min(self.cap_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::testing::TestRng;

    #[test]
    fn bounds_double_up_to_the_cap() {
        let mut rng = TestRng(1);
        let policy = ReconnectPolicy::new(Backoff::Exponential, 1_000, 64_000);
        let waits: Vec<u64> = (0..9)
            .map(|attempt| policy.delay(attempt, 0, &mut rng))
            .collect();
        assert_eq!(
            waits,
            [
                0, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000, 64_000
            ]
        );
        assert_eq!(policy.delay(u32::MAX, 0, &mut rng), 64_000);
        assert_eq!(
            ReconnectPolicy {
                backoff: Backoff::Fixed,
                ..policy
            }
            .delay(9, 0, &mut rng),
            1_000
        );
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        let mut rng = TestRng(2);
        let policy = |backoff| ReconnectPolicy::new(backoff, 1_000, 64_000).spread_first(500);
        for _ in 0..1_000 {
            assert!(policy(Backoff::FullJitter).delay(0, 0, &mut rng) <= 500);
            assert!(policy(Backoff::FullJitter).delay(2, 0, &mut rng) <= 4_000);
            assert!((2_000..=4_000).contains(&policy(Backoff::EqualJitter).delay(2, 0, &mut rng)));
            let decorrelated = policy(Backoff::DecorrelatedJitter);
            assert!((1_000..=3_000).contains(&decorrelated.delay(1, 0, &mut rng)));
            assert!((1_000..=9_000).contains(&decorrelated.delay(2, 3_000, &mut rng)));
            assert!(decorrelated.delay(9, 60_000, &mut rng) <= 64_000);
        }
    }
}
