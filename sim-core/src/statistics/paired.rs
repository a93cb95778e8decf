//! The difference between two runs on common random numbers.
//!
//! Models: two runs with the same seeds and the same load, measured over the same slots: slot i of one saw the same users do the
//! same things as slot i of the other. Batches pair up, and what both share cancels. With residuals z_i = (S_i − x̄ C_i) / C of
//! each run, the difference x̄_b − x̄_a has se² = b/(b − 1) · Σ (z_b,i − z_a,i)². For quantiles the difference of the
//! pooled quantiles is the value, and se² = b/(b − 1) · Σ w_i² (D_i − D)² with D_i the difference of the quantiles of
//! batch i and w_i its share of the samples (sectioning). Identical runs differ by exactly zero, with an interval of
//! exactly zero.
//! Leaves out: runs of different loads, which the caller names first. Source: Law, section 11.2; Asmussen and Glynn,
//! Stochastic Simulation, section III.5 (sectioning).

use super::batches::{Batches, MIN_BATCHES, join};
use super::compact::{CompactHistogram, ms};
use super::estimate::{Estimate, Unsupported, percentile_name};
use super::slots::{Samples, Slot, SlotSeries};
use super::special::student_t_quantile;
use crate::time::SimTime;

/// Two runs, cut into the same batches.
#[derive(Clone, Debug)]
pub struct Paired {
    a: Vec<Slot>,
    b: Vec<Slot>,
    total_a: Slot,
    total_b: Slot,
}

impl Paired {
    /// Pairs what was published at or after `cut` in both runs. Each must support batches of its own.
    pub fn new(a: &SlotSeries, b: &SlotSeries, cut: SimTime) -> Result<Paired, Unsupported> {
        let (a, b) = alike(a, b)?;
        let (own_a, own_b) = (Batches::new(&a, cut)?, Batches::new(&b, cut)?);
        let (slots_a, slots_b) = (a.slots_from(cut), b.slots_from(cut));
        let slots = slots_a.len().min(slots_b.len());
        let groups = own_a.count().min(own_b.count()).min(slots).max(MIN_BATCHES);
        if slots < MIN_BATCHES || slots_a.len().abs_diff(slots_b.len()) > 1 {
            return Err(Unsupported::NotPaired);
        }
        Ok(Paired {
            a: join(&slots_a[..slots], groups),
            b: join(&slots_b[..slots], groups),
            total_a: join(&slots_a[..slots], 1).swap_remove(0),
            total_b: join(&slots_b[..slots], 1).swap_remove(0),
        })
    }

    /// Mean latency of `b` less that of `a`, in milliseconds.
    pub fn mean_difference_ms(
        &self,
        samples: Samples,
        confidence: f64,
    ) -> Result<Estimate, Unsupported> {
        let (total_a, total_b) = (self.total_a.samples(samples), self.total_b.samples(samples));
        let (Some(mean_a), Some(mean_b)) = (total_a.mean_ms(), total_b.mean_ms()) else {
            return Err(none_of("the mean"));
        };
        let residuals = self
            .pairs(samples)
            .map(|(a, b)| ms(mean_residual(b, total_b)) - ms(mean_residual(a, total_a)));
        let squares = residuals.map(|z| z * z).sum();
        Ok(self.estimate(mean_b - mean_a, squares, confidence))
    }

    /// The quantile `p` of `b` less that of `a`, in milliseconds.
    pub fn quantile_difference_ms(
        &self,
        samples: Samples,
        p: f64,
        confidence: f64,
    ) -> Result<Estimate, Unsupported> {
        let (total_a, total_b) = (self.total_a.samples(samples), self.total_b.samples(samples));
        let need = libm::ceil(self.a.len() as f64 / p.min(1.0 - p) - 1e-6) as u64;
        let have = self.total_a.messages().min(self.total_b.messages());
        let (Some(whole_a), Some(whole_b), true) =
            (total_a.quantile_ms(p), total_b.quantile_ms(p), have >= need)
        else {
            return Err(Unsupported::TooFewMessages {
                what: percentile_name(p),
                have,
                need,
            });
        };
        let value = whole_b - whole_a;
        let mut squares = 0.0;
        for (a, b) in self.pairs(samples) {
            let (Some(of_a), Some(of_b)) = (a.quantile_ms(p), b.quantile_ms(p)) else {
                return Err(none_of(&percentile_name(p)));
            };
            let share = (a.count() + b.count()) as f64 / (total_a.count() + total_b.count()) as f64;
            let z = share * (of_b - of_a - value);
            squares += z * z;
        }
        Ok(self.estimate(value, squares, confidence))
    }

    fn pairs(
        &self,
        samples: Samples,
    ) -> impl Iterator<Item = (&CompactHistogram, &CompactHistogram)> {
        let pairs = self.a.iter().zip(&self.b);
        pairs.map(move |(a, b)| (a.samples(samples), b.samples(samples)))
    }

    fn estimate(&self, value: f64, squares: f64, confidence: f64) -> Estimate {
        let b = self.a.len() as f64;
        let se = libm::sqrt(squares * b / (b - 1.0));
        let half = student_t_quantile(0.5 + confidence / 2.0, b - 1.0) * se;
        Estimate {
            value,
            low: value - half,
            high: value + half,
            confidence,
            units: self.a.len() as u32,
        }
    }
}

/// A batch's share of the deviation of the mean, in units.
fn mean_residual(batch: &CompactHistogram, total: &CompactHistogram) -> f64 {
    let mean = total.sum_units() as f64 / total.count() as f64;
    (batch.sum_units() as f64 - mean * batch.count() as f64) / total.count() as f64
}

fn none_of(what: &str) -> Unsupported {
    Unsupported::TooFewMessages {
        what: what.to_owned(),
        have: 0,
        need: 1,
    }
}

/// Both series in slots of the same length from the same start.
fn alike(a: &SlotSeries, b: &SlotSeries) -> Result<(SlotSeries, SlotSeries), Unsupported> {
    let (mut a, mut b) = (a.clone(), b.clone());
    while a.slot() < b.slot() {
        a.coarsen();
    }
    while b.slot() < a.slot() {
        b.coarsen();
    }
    if a.slot() == b.slot() && a.start() == b.start() {
        Ok((a, b))
    } else {
        Err(Unsupported::NotPaired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Draws, Purpose};
    use crate::histogram::{bucket_of, units_of};
    use crate::time::SimDuration;

    fn run(messages: u64, more: SimDuration, seed: u64) -> SlotSeries {
        let mut series = SlotSeries::new(SimTime::ZERO, SimDuration::from_millis(250));
        let draws = Draws::new(seed);
        for i in 0..messages {
            let slot = series.slot_index_of(SimTime::from_millis(10 * i)).unwrap();
            let purpose = Purpose::named("test/paired");
            let latency = draws.exp(purpose, 0, i, SimDuration::from_millis(20)) + more;
            let units = units_of(latency);
            series.record(slot, bucket_of(units) as u16, units);
            series.record_message(slot, units);
        }
        series
    }

    #[test]
    fn a_run_differs_from_itself_by_exactly_nothing() {
        let run = run(20_000, SimDuration::ZERO, 1);
        let paired = Paired::new(&run, &run.clone(), SimTime::ZERO).unwrap();
        for estimate in [
            paired.mean_difference_ms(Samples::Delivered, 0.95).unwrap(),
            paired
                .quantile_difference_ms(Samples::Delivered, 0.99, 0.95)
                .unwrap(),
        ] {
            assert_eq!(
                (estimate.value, estimate.low, estimate.high),
                (0.0, 0.0, 0.0)
            );
        }
    }

    #[test]
    fn common_luck_cancels() {
        let (a, b) = (
            run(20_000, SimDuration::ZERO, 1),
            run(20_000, SimDuration::from_millis(2), 1),
        );
        let other = run(20_000, SimDuration::from_millis(2), 2);
        let paired = Paired::new(&a, &b, SimTime::ZERO).unwrap();
        let apart = Paired::new(&a, &other, SimTime::ZERO).unwrap();
        let (near, far) = (
            paired.mean_difference_ms(Samples::Delivered, 0.95).unwrap(),
            apart.mean_difference_ms(Samples::Delivered, 0.95).unwrap(),
        );
        assert!(near.half_width() < 0.001 && near.contains(2.0), "{near:?}");
        assert!(far.half_width() > 0.2 && far.contains(2.0), "{far:?}");
        let p50 = paired
            .quantile_difference_ms(Samples::Delivered, 0.5, 0.95)
            .unwrap();
        assert!(p50.low > 1.8 && p50.high < 2.2, "{p50:?}");
    }

    #[test]
    fn different_spans_do_not_pair() {
        let (a, b) = (
            run(20_000, SimDuration::ZERO, 1),
            run(14_000, SimDuration::ZERO, 1),
        );
        assert_eq!(
            Paired::new(&a, &b, SimTime::ZERO).unwrap_err(),
            Unsupported::NotPaired
        );
    }
}
