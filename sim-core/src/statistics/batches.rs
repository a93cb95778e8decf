//! Intervals from one steady run: batches of whole messages, longer than 20 decorrelation times.
//!
//! Models: the slots after the cut are joined into b ≥ 20 batches of (nearly) equal time, as many as the rule allows. With C_i
//! samples of sum S_i in batch i, C in all and mean x̄ = S / C:
//!
//! - *Inflation* R: the variance of batch sums by what independent messages would give, Σ (s_i − μ m_i)² · b/(b − 1) / (M v), for
//!   message means of mean μ and variance v. R messages are worth one independent one, so M messages in time T have the
//!   integrated autocorrelation ("decorrelation") time R · T / M. A batch must hold at least 20 R messages, neighbouring
//!   batches must not correlate visibly (r₁ ≤ 3.09/√b); otherwise batches get longer, or the interval is refused.
//! - *Mean*: x̄ ± t_{b−1} · se with se² = b/(b − 1) · Σ (S_i − x̄ C_i)² / C², the ratio estimator: right for batches of unequal
//!   length and load.
//! - *Quantile* ξ of probability p: the batches are asked the inverse question, which share q_i of their samples lies above ξ. The
//!   standard error of q = 1 − p follows as for the mean; the interval ends where the observed share above is q + t · se and
//!   q − t · se, and is widened to the bucket that holds ξ. It reaches farther up than down: a run that lacks slow bouts by
//!   luck is the one to be careful with. (Ends at equal ratios of q, as logits give, pass the upper side three times as often
//!   as the lower. Quantiles of single batches are biased in the tail, where a batch holds only a few bouts of slow messages;
//!   shares are not.) A quantile is refused with less than 20 messages beyond it, when those are worth less than twenty
//!   independent ones, q (1 − q) / se² < 20 / q, or when t · se ≥ q.
//!
//! Leaves out: runs that end or change their load ([`super::replications`]); warm-up, which the caller cuts ([`mod@super::mser`]).
//! Source: Law, Simulation Modeling and Analysis, 5th ed., section 9.5; Woodruff 1952 (quantiles by inversion); Cochran,
//! Sampling Techniques, section 6.3 (ratio estimator); Sokal 1997 (20 autocorrelation times).

use super::compact::{CompactHistogram, bucket_around_ms, ms};
use super::estimate::{Estimate, Unsupported, percentile_name};
use super::slots::{Samples, Slot, SlotSeries};
use super::special::student_t_quantile;
use crate::time::{SimDuration, SimTime};

/// The fewest batches behind an interval.
pub const MIN_BATCHES: usize = 20;
/// Decorrelation times in a batch, at least.
pub const DECORRELATIONS: f64 = 20.0;
/// Messages beyond a quantile, at least.
const BEYOND: f64 = 20.0;
/// Independent messages beyond a quantile, at least.
const INDEPENDENT_BEYOND: f64 = 20.0;
/// Normal score of the test for correlation between neighbouring batches (one in a thousand sound runs fails it).
const CORRELATED: f64 = 3.09;

/// A steady run, cut into batches.
#[derive(Clone, Debug)]
pub struct Batches {
    batches: Vec<Slot>,
    total: Slot,
    inflation: f64,
    span: SimDuration,
}

impl Batches {
    /// The batches of what was published at or after `cut`.
    pub fn new(series: &SlotSeries, cut: SimTime) -> Result<Batches, Unsupported> {
        let slots = whole_slots(series.slots_from(cut));
        let messages: u64 = slots.iter().map(Slot::messages).sum();
        let need = (DECORRELATIONS as u64) * MIN_BATCHES as u64;
        if messages < need {
            return Err(Unsupported::TooFewMessages {
                what: "an interval".to_owned(),
                have: messages,
                need,
            });
        }
        if slots.len() < MIN_BATCHES {
            return Err(Unsupported::TooFewBatches {
                have: slots.len() as u64,
                need: MIN_BATCHES as u64,
            });
        }
        let span = series.slot() * slots.len() as u64;
        let mut inflation = 1.0_f64;
        for per_batch in 1..=slots.len() / MIN_BATCHES {
            let batches = join(&slots, slots.len() / per_batch);
            let found = Dependence::of(&batches);
            inflation = inflation.max(found.inflation);
            if found.is_harmless(messages, batches.len()) {
                return Ok(Batches {
                    total: join(&batches, 1).swap_remove(0),
                    batches,
                    inflation: found.inflation,
                    span,
                });
            }
        }
        Err(Unsupported::TooCorrelated {
            what: "an interval".to_owned(),
            decorrelation: span.scaled(inflation / messages as f64),
            span,
        })
    }

    /// How many batches there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.batches.len()
    }

    /// The mean length of a batch.
    #[must_use]
    pub fn batch_length(&self) -> SimDuration {
        self.span / self.batches.len() as u64
    }

    /// The span of all batches.
    #[must_use]
    pub fn span(&self) -> SimDuration {
        self.span
    }

    /// The integrated autocorrelation time of message means.
    #[must_use]
    pub fn decorrelation(&self) -> SimDuration {
        self.span
            .scaled(self.inflation / self.total.messages() as f64)
    }

    /// Messages in all batches.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.total.messages()
    }

    /// The mean latency in milliseconds.
    pub fn mean_ms(&self, samples: Samples, confidence: f64) -> Result<Estimate, Unsupported> {
        let total = self.total.samples(samples);
        let Some(value) = total.mean_ms() else {
            return Err(Unsupported::TooFewMessages {
                what: "the mean".to_owned(),
                have: 0,
                need: 1,
            });
        };
        let mean_units = total.sum_units() as f64 / total.count() as f64;
        let se = self.standard_error(samples, |batch| {
            batch.sum_units() as f64 - mean_units * batch.count() as f64
        });
        let half = ms(se) * self.t(confidence);
        Ok(self.estimate(value, value - half, value + half, confidence))
    }

    /// The latency in milliseconds at or below which a share `p` of the samples lies.
    pub fn quantile_ms(
        &self,
        samples: Samples,
        p: f64,
        confidence: f64,
    ) -> Result<Estimate, Unsupported> {
        let total = self.total.samples(samples);
        let beyond = p.min(1.0 - p);
        let need = libm::ceil(BEYOND / beyond - 1e-6) as u64;
        let have = total.count().min(self.total.messages());
        let Some(value) = total.quantile_ms(p).filter(|_| have >= need) else {
            return Err(Unsupported::TooFewMessages {
                what: percentile_name(p),
                have,
                need,
            });
        };
        let q = 1.0 - p;
        let se = self.standard_error(samples, |batch| {
            batch.count_above_ms(value) - q * batch.count() as f64
        });
        let independent_beyond = beyond * q * p / (se * se);
        let reach = self.t(confidence) * se;
        if independent_beyond < INDEPENDENT_BEYOND || reach >= beyond {
            return Err(Unsupported::TooFewBouts {
                what: percentile_name(p),
                have: independent_beyond as u64,
                need: INDEPENDENT_BEYOND as u64,
            });
        }
        let end = |q: f64| total.quantile_ms(1.0 - q).unwrap_or(value);
        let (bucket_low, bucket_high) = bucket_around_ms(value);
        let low = end(q + reach).min(bucket_low);
        let high = end(q - reach).max(bucket_high);
        Ok(self.estimate(value, low, high, confidence))
    }

    /// The standard error of a sum of residuals by the count of samples.
    fn standard_error(&self, samples: Samples, residual: impl Fn(&CompactHistogram) -> f64) -> f64 {
        let residuals = self
            .batches
            .iter()
            .map(|batch| residual(batch.samples(samples)));
        let squares: f64 = residuals.map(|z| z * z).sum();
        let b = self.batches.len() as f64;
        libm::sqrt(squares * b / (b - 1.0)) / self.total.samples(samples).count() as f64
    }

    fn t(&self, confidence: f64) -> f64 {
        student_t_quantile(0.5 + confidence / 2.0, self.batches.len() as f64 - 1.0)
    }

    fn estimate(&self, value: f64, low: f64, high: f64, confidence: f64) -> Estimate {
        Estimate {
            value,
            low,
            high,
            confidence,
            units: self.batches.len() as u32,
        }
    }
}

/// How messages in a batch, and batches, depend on each other.
struct Dependence {
    inflation: f64,
    neighbours: f64,
}

impl Dependence {
    fn of(batches: &[Slot]) -> Self {
        let messages: u64 = batches.iter().map(Slot::messages).sum();
        let units: u64 = batches.iter().map(Slot::message_units).sum();
        let squares: u128 = batches.iter().map(Slot::message_squares).sum();
        let (m, b) = (messages as f64, batches.len() as f64);
        let mean = units as f64 / m;
        let spread = squares as f64 - mean * units as f64;
        let residuals: Vec<f64> = batches
            .iter()
            .map(|batch| batch.message_units() as f64 - mean * batch.messages() as f64)
            .collect();
        let sum_squares: f64 = residuals.iter().map(|z| z * z).sum();
        let products: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
        // Constant latencies leave rounding noise only.
        let varies = spread > 1e-9 * squares as f64 && sum_squares > 0.0;
        Dependence {
            inflation: if varies {
                (sum_squares * b / (b - 1.0) / spread).max(1.0)
            } else {
                1.0
            },
            neighbours: if varies { products / sum_squares } else { 0.0 },
        }
    }

    fn is_harmless(&self, messages: u64, batches: usize) -> bool {
        let b = batches as f64;
        messages as f64 / b >= DECORRELATIONS * self.inflation
            && self.neighbours <= CORRELATED / libm::sqrt(b)
    }
}

/// The slots, the last of them joined to its neighbour if it has only begun.
fn whole_slots(slots: &[Slot]) -> Vec<Slot> {
    let mut slots = slots.to_vec();
    let messages: u64 = slots.iter().map(Slot::messages).sum();
    let mean = messages / slots.len().max(1) as u64;
    if slots.len() > 1
        && let Some(last) = slots.pop_if(|last| last.messages() < mean / 2)
        && let Some(before) = slots.last_mut()
    {
        before.merge(&last);
    }
    slots
}

/// Joins neighbours into so many groups, as equal as can be.
pub(super) fn join(slots: &[Slot], groups: usize) -> Vec<Slot> {
    let n = slots.len();
    (0..groups)
        .map(|group| {
            let mut joined = Slot::default();
            for slot in &slots[group * n / groups..(group + 1) * n / groups] {
                joined.merge(slot);
            }
            joined
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Draws, Purpose};
    use crate::histogram::{bucket_of, units_of};

    const P: Purpose = Purpose::named("test/batches");

    /// `messages` messages, 10 ms apart, of `fan_out` equal deliveries.
    fn series(messages: u64, fan_out: u32, latency: impl Fn(u64) -> SimDuration) -> SlotSeries {
        let mut series = SlotSeries::new(SimTime::ZERO, SimDuration::from_millis(250));
        for i in 0..messages {
            let slot = series.slot_index_of(SimTime::from_millis(10 * i)).unwrap();
            let units = units_of(latency(i));
            for _ in 0..fan_out {
                series.record(slot, bucket_of(units) as u16, units);
            }
            series.record_complete(slot, units);
            series.record_message(slot, units);
        }
        series
    }

    fn exponential(i: u64) -> SimDuration {
        Draws::new(3).exp(P, 0, i, SimDuration::from_millis(20))
    }

    #[test]
    fn deliveries_of_one_message_are_one_observation() {
        let alone = Batches::new(&series(30_000, 1, exponential), SimTime::ZERO).unwrap();
        let many = Batches::new(&series(30_000, 50, exponential), SimTime::ZERO).unwrap();
        assert!(alone.decorrelation() < SimDuration::from_millis(30));
        for p in [0.5, 0.99] {
            let (a, b) = (
                alone.quantile_ms(Samples::Delivered, p, 0.95).unwrap(),
                many.quantile_ms(Samples::Delivered, p, 0.95).unwrap(),
            );
            assert!((a.half_width() / b.half_width() - 1.0).abs() < 1e-6);
        }
        let mean = many.mean_ms(Samples::Delivered, 0.95).unwrap();
        assert!(mean.contains(20.0), "{mean:?}");
        // The textbook: 1.96 · 20 ms / √30 000.
        assert!((mean.half_width() / (1.96 * 20.0 / 173.2) - 1.0).abs() < 0.35);
        let p99 = many.quantile_ms(Samples::Complete, 0.99, 0.95).unwrap();
        assert!(p99.contains(20.0 * 4.605_17), "{p99:?}");
    }

    #[test]
    fn a_quantile_beyond_the_data_is_refused_in_words() {
        let batches = Batches::new(&series(500, 1_000, exponential), SimTime::ZERO).unwrap();
        assert!(batches.quantile_ms(Samples::Delivered, 0.95, 0.95).is_ok());
        assert_eq!(
            batches.quantile_ms(Samples::Delivered, 0.999, 0.95),
            Err(Unsupported::TooFewMessages {
                what: "p99.9".into(),
                have: 500,
                need: 20_000
            })
        );
        assert!(matches!(
            Batches::new(&series(399, 9, exponential), SimTime::ZERO),
            Err(Unsupported::TooFewMessages {
                have: 399,
                need: 400,
                ..
            })
        ));
        // Every slow message of 30 000 in one bout of 2 s, and every run like it would have had one or none.
        let bout = |i: u64| SimDuration::from_millis(if i / 200 == 70 { 900 } else { 20 });
        let batches = Batches::new(&series(30_000, 1, bout), SimTime::ZERO);
        let refused = batches.and_then(|b| b.quantile_ms(Samples::Delivered, 0.995, 0.95));
        assert!(refused.is_err(), "{refused:?}");
    }

    #[test]
    fn a_trend_and_a_slow_wave_are_refused() {
        let trend = |i: u64| SimDuration::from_micros(10_000 + i);
        let wave = |i: u64| SimDuration::from_millis(if i % 10_000 < 5_000 { 10 } else { 30 });
        for series in [series(30_000, 1, trend), series(30_000, 1, wave)] {
            assert!(matches!(
                Batches::new(&series, SimTime::ZERO),
                Err(Unsupported::TooCorrelated { .. })
            ));
        }
    }

    #[test]
    fn constant_latencies_are_known_to_their_bucket() {
        let always = |_| SimDuration::from_millis(42);
        let batches = Batches::new(&series(3_000, 1, always), SimTime::ZERO).unwrap();
        let mean = batches.mean_ms(Samples::Delivered, 0.95).unwrap();
        assert!((mean.value - 42.0).abs() < 1e-4 && mean.half_width() == 0.0);
        let p99 = batches.quantile_ms(Samples::Delivered, 0.99, 0.95).unwrap();
        assert!(p99.contains(42.0) && p99.relative_half_width() < 0.004);
        assert!(batches.count() >= MIN_BATCHES);
    }
}
