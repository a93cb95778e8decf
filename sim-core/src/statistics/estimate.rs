//! An estimate with its interval, and the reasons why there is none.
//!
//! Models: value, lower and upper end at a stated confidence, and how many independent units (batches, replications, pairs) the
//! interval rests on. A number that the samples cannot support is refused with an [`Unsupported`] that reads as a sentence.
//! Leaves out: how a reader formats numbers.

use crate::time::SimDuration;

/// The usual confidence of an interval.
pub const CONFIDENCE: f64 = 0.95;

/// A number with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// How often such an interval contains the truth, 0 to 1.
    pub confidence: f64,
    /// Batches, replications or pairs behind it.
    pub units: u32,
}

impl Estimate {
    /// Half the length of the interval.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        0.5 * (self.high - self.low)
    }

    /// Half the length of the interval by its value: the precision reached. Zero for an interval without length; infinite
    /// around zero.
    #[must_use]
    pub fn relative_half_width(&self) -> f64 {
        if self.half_width() == 0.0 {
            0.0
        } else {
            self.half_width() / self.value.abs()
        }
    }

    /// Whether the interval contains a number.
    #[must_use]
    pub fn contains(&self, number: f64) -> bool {
        self.low <= number && number <= self.high
    }
}

/// Why samples support no such number.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unsupported {
    /// Too few messages for this statistic at all.
    #[error("{what} needs at least {need} messages and this run has {have}: let it run longer")]
    TooFewMessages {
        /// The statistic, as `p99.9` or `an interval`.
        what: String,
        /// Messages in the samples.
        have: u64,
        /// Messages it takes.
        need: u64,
    },
    /// The run is too short to be cut into batches.
    #[error(
        "an interval needs at least {need} stretches of the run to compare and there are {have}: let it run longer"
    )]
    TooFewBatches {
        /// Slots with messages.
        have: u64,
        /// Slots it takes.
        need: u64,
    },
    /// Messages share queues, pauses and neighbours for so long that the run holds too few independent stretches.
    #[error(
        "messages influence each other for about {decorrelation}, so {span} holds too few independent stretches for {what}: \
         let the run be longer"
    )]
    TooCorrelated {
        /// The statistic.
        what: String,
        /// The integrated autocorrelation time.
        decorrelation: SimDuration,
        /// The span of the samples.
        span: SimDuration,
    },
    /// There are many messages, but the slow ones come in too few bouts.
    #[error(
        "{what} rests on bouts of slow messages, and this run has about {have} of them where {need} are needed: let it run longer"
    )]
    TooFewBouts {
        /// The statistic.
        what: String,
        /// Independent slow messages, about.
        have: u64,
        /// How many it takes.
        need: u64,
    },
    /// Too few replications.
    #[error("an interval needs at least {need} replications and there are {have}")]
    TooFewReplications {
        /// Replications with a value.
        have: u64,
        /// Replications it takes.
        need: u64,
    },
    /// No steady state within the first half of the run.
    #[error("the run does not settle: its first half still looks different from its second")]
    NotSteady,
    /// A queue grows without end.
    #[error("a queue grows without end, so waiting has no average and no percentile")]
    Unstable,
    /// Two runs whose samples cannot be laid side by side.
    #[error("the two runs were not measured over the same stretches of time")]
    NotPaired,
}

/// The name of a percentile: `p50`, `p99.9`.
#[must_use]
pub fn percentile_name(p: f64) -> String {
    let percent = libm::round(p * 1e6) / 1e4;
    format!("p{percent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_read_as_sentences() {
        let refusal = Unsupported::TooFewMessages {
            what: percentile_name(0.999),
            have: 500,
            need: 20_000,
        };
        assert_eq!(
            refusal.to_string(),
            "p99.9 needs at least 20000 messages and this run has 500: let it run longer"
        );
        assert_eq!(percentile_name(0.5), "p50");
        assert_eq!(percentile_name(0.95), "p95");
        let refusal = Unsupported::TooCorrelated {
            what: "the mean".into(),
            decorrelation: SimDuration::from_millis(2_500),
            span: SimDuration::from_secs(60),
        };
        assert!(refusal.to_string().starts_with(
            "messages influence each other for about 2.5 s, so 60 s holds too few independent stretches for the mean"
        ));
    }
}
