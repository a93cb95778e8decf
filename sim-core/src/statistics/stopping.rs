//! When to stop looking, and what an interval says about a limit.
//!
//! Models: a run is looked at after 1, 2, 4, 8 … times its first length. Every look could stop it by luck, so look k = 1, 2, 3 …
//! works at the confidence 1 − α·2⁻ᵏ: all looks together err with probability at most α. Precision, gates and capacity
//! searches share that schedule. Verdicts: pass when the whole interval satisfies the limit, fail when none of it does,
//! inconclusive between.
//!
//! "== 0" is about events that may never happen: it passes on zero events in n opportunities, and says that their
//! probability is below 3/n (95 %); any event fails it.
//! Leaves out: who runs what. Source: Bonferroni's inequality with a geometric budget; Hanley and Lippman-Hand 1983 (3/n).

use super::estimate::{Estimate, Unsupported};
pub use crate::scenario::Comparison;

/// Looks at doubled run lengths under one budget of error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LookSchedule {
    /// The chance that any look misleads.
    pub alpha: f64,
    /// The last look.
    pub max_looks: u32,
}

/// What to do after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// What was asked is reached.
    Enough,
    /// Run on, to so many times the present length.
    Continue {
        /// Of the present length.
        factor: u32,
    },
    /// The looks are used up.
    GiveUp,
}

/// What an interval says about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it satisfies the limit.
    Pass,
    /// None of it does.
    Fail,
    /// Part of it does.
    Inconclusive,
}

/// What a count of events says about "== 0".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZeroVerdict {
    /// Pass on zero events.
    pub verdict: Verdict,
    /// Upper bound of the probability of an event (95 %).
    pub upper: f64,
}

impl LookSchedule {
    /// An error of at most 5 % in at most `max_looks` looks.
    #[must_use]
    pub fn new(max_looks: u32) -> Self {
        LookSchedule {
            alpha: 0.05,
            max_looks,
        }
    }

    /// The confidence of the intervals at a look, counted from 1.
    #[must_use]
    pub fn confidence(&self, look: u32) -> f64 {
        1.0 - libm::scalbn(self.alpha, -(look.clamp(1, 1_000) as i32))
    }

    /// The length of the run at a look, in first lengths.
    #[must_use]
    pub fn length(&self, look: u32) -> u64 {
        1 << look.saturating_sub(1).min(62)
    }

    /// Whether every estimate, taken at the look's confidence, is as precise as asked: relative half-width at most `target`.
    #[must_use]
    pub fn precise(
        &self,
        look: u32,
        target: f64,
        estimates: &[Result<Estimate, Unsupported>],
    ) -> Decision {
        let reached = |estimate: &Result<Estimate, Unsupported>| match estimate {
            Ok(estimate) => estimate.relative_half_width() <= target,
            Err(_) => false,
        };
        // What no longer run can mend.
        let hopeless = |estimate: &Result<Estimate, Unsupported>| {
            matches!(
                estimate,
                Err(Unsupported::Unstable | Unsupported::NotPaired)
            )
        };
        if estimates.iter().any(hopeless) {
            return Decision::GiveUp;
        }
        self.decide(look, estimates.iter().all(reached))
    }

    /// Whether every verdict is known.
    #[must_use]
    pub fn settled(&self, look: u32, verdicts: &[Verdict]) -> Decision {
        let known = |verdict: &Verdict| *verdict != Verdict::Inconclusive;
        self.decide(look, verdicts.iter().all(known))
    }

    fn decide(&self, look: u32, enough: bool) -> Decision {
        if enough {
            Decision::Enough
        } else if look >= self.max_looks {
            Decision::GiveUp
        } else {
            Decision::Continue { factor: 2 }
        }
    }
}

/// The verdict on `estimate` compared to `limit`. Equality is only ever refuted, or certain: use [`never()`] for "== 0".
#[must_use]
pub fn gate(estimate: &Estimate, comparison: Comparison, limit: f64) -> Verdict {
    let (low, high) = (estimate.low, estimate.high);
    let (pass, fail) = match comparison {
        Comparison::Less => (high < limit, low >= limit),
        Comparison::AtMost => (high <= limit, low > limit),
        Comparison::Greater => (low > limit, high <= limit),
        Comparison::AtLeast => (low >= limit, high < limit),
        Comparison::Equal => (low == limit && high == limit, !estimate.contains(limit)),
    };
    match (pass, fail) {
        (true, _) => Verdict::Pass,
        (_, true) => Verdict::Fail,
        _ => Verdict::Inconclusive,
    }
}

/// The verdict on "== 0" for events that had `opportunities` to happen; inconclusive without any.
#[must_use]
pub fn never(events: u64, opportunities: u64) -> ZeroVerdict {
    let verdict = match (events, opportunities) {
        (0, 0) => Verdict::Inconclusive,
        (0, _) => Verdict::Pass,
        _ => Verdict::Fail,
    };
    let upper = if events == 0 && opportunities > 2 {
        3.0 / opportunities as f64
    } else if opportunities == 0 {
        1.0
    } else {
        super::special::clopper_pearson(events.min(opportunities), opportunities, 0.90).1
    };
    ZeroVerdict { verdict, upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, high: f64) -> Estimate {
        Estimate {
            value: 0.5 * (low + high),
            low,
            high,
            confidence: 0.95,
            units: 20,
        }
    }

    #[test]
    fn the_budget_is_never_overspent() {
        let schedule = LookSchedule::new(12);
        let spent: f64 = (1..=12).map(|look| 1.0 - schedule.confidence(look)).sum();
        assert!(spent < 0.05 && spent > 0.0499);
        assert_eq!(schedule.confidence(1), 0.975);
        assert_eq!(schedule.length(1), 1);
        assert_eq!(schedule.length(5), 16);
    }

    #[test]
    fn looks_end_with_precision_or_with_patience() {
        let schedule = LookSchedule::new(3);
        let (fine, coarse) = (Ok(interval(99.0, 101.0)), Ok(interval(80.0, 120.0)));
        let far = || Err(Unsupported::NotSteady);
        assert_eq!(
            schedule.precise(1, 0.05, std::slice::from_ref(&fine)),
            Decision::Enough
        );
        let more = Decision::Continue { factor: 2 };
        assert_eq!(schedule.precise(1, 0.05, &[fine.clone(), coarse]), more);
        assert_eq!(schedule.precise(2, 0.05, &[fine.clone(), far()]), more);
        assert_eq!(schedule.precise(3, 0.05, &[far()]), Decision::GiveUp);
        let unstable = Err(Unsupported::Unstable);
        assert_eq!(
            schedule.precise(1, 0.05, &[fine, unstable]),
            Decision::GiveUp
        );
        assert_eq!(
            schedule.settled(1, &[Verdict::Pass, Verdict::Fail]),
            Decision::Enough
        );
        assert_eq!(schedule.settled(1, &[Verdict::Inconclusive]), more);
    }

    #[test]
    fn a_limit_within_the_interval_is_inconclusive() {
        let p99 = interval(190.0, 210.0);
        for (comparison, limit, verdict) in [
            (Comparison::Less, 250.0, Verdict::Pass),
            (Comparison::AtMost, 210.0, Verdict::Pass),
            (Comparison::Less, 200.0, Verdict::Inconclusive),
            (Comparison::AtMost, 150.0, Verdict::Fail),
            (Comparison::Less, 190.0, Verdict::Fail),
            (Comparison::Greater, 150.0, Verdict::Pass),
            (Comparison::AtLeast, 250.0, Verdict::Fail),
            (Comparison::Equal, 200.0, Verdict::Inconclusive),
            (Comparison::Equal, 0.0, Verdict::Fail),
        ] {
            assert_eq!(gate(&p99, comparison, limit), verdict);
        }
        assert_eq!(
            gate(&interval(5.0, 5.0), Comparison::Equal, 5.0),
            Verdict::Pass
        );
    }

    #[test]
    fn never_means_less_often_than_three_in_n() {
        let lost = never(0, 6_000);
        assert_eq!((lost.verdict, lost.upper), (Verdict::Pass, 0.0005));
        assert_eq!(never(1, 6_000).verdict, Verdict::Fail);
        assert_eq!(never(0, 0).verdict, Verdict::Inconclusive);
        // The rule of three is the exact bound, nearly.
        let (_, exact) = super::super::special::clopper_pearson(0, 6_000, 0.90);
        assert!((exact / 0.0005 - 1.0).abs() < 0.002);
    }
}
