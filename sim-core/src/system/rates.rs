//! Intervals of rates and utilisations: batch means over the steps of a steady run.
//!
//! A report keeps 65 to 128 equal steps. Those behind the cut of the latencies are joined into b ≥ 20 batches of equal length,
//! as many as can be had without neighbours that correlate visibly (r₁ ≤ 3.09/√b, as for latencies): the mean of the batches is
//! x̄ ± t_{b−1} · s / √b. Where even 20 batches correlate there is no interval.
//!
//! Leaves out: stories and runs without a steady state; the hottest instance, which is chosen by its value; resources that are
//! counted and not used over time (memory, connections); bandwidth, whose steps are not kept.
//! Source: Law, Simulation Modeling and Analysis, 5th ed., section 9.5.3.

use std::collections::BTreeMap;

use crate::report::{Estimate, RunReport};
use crate::scenario::Tier;
use crate::statistics::batches::MIN_BATCHES;
use crate::statistics::replicated as interval;

/// Normal score of the test for correlation between neighbouring batches.
const CORRELATED: f64 = 3.09;

/// Mean rates and utilisations of a steady run by metric path, each with its interval.
#[must_use]
pub fn rates(report: &RunReport) -> BTreeMap<String, Estimate> {
    let mut found = BTreeMap::new();
    let steady = report.precision.as_ref().filter(|p| p.method == "batches");
    let (Some(precision), Some(series)) = (steady, &report.series) else {
        return found;
    };
    let cut = libm::ceil(precision.cut_s / series.step_s - 1e-9).max(0.0) as usize;
    let mut add = |path: String, steps: &[f64]| {
        let steady = steps.get(cut..).unwrap_or_default();
        if let Some(estimate) = batch_mean(steady, precision.confidence) {
            found.insert(path, estimate);
        }
    };
    for (name, operation) in &series.operations {
        // The last step may be shorter than it is taken for.
        let whole = |steps: &[f64]| steps[..steps.len().saturating_sub(1)].to_vec();
        add(
            format!("{name}.offered_per_s"),
            &whole(&operation.offered_per_s),
        );
        if report
            .operations
            .get(name)
            .is_some_and(|o| o.deliveries_per_s > 0.0)
        {
            add(
                format!("{name}.deliveries_per_s"),
                &whole(&operation.deliveries_per_s),
            );
        }
    }
    for (name, tier) in &series.tiers {
        let resource = if name == Tier::Database.name() {
            "pool"
        } else {
            "cpu"
        };
        add(
            format!("tiers.{name}.utilization.{resource}.mean"),
            &tier.cpu,
        );
    }
    found
}

/// The mean of equal steps with its interval.
fn batch_mean(steps: &[f64], confidence: f64) -> Option<Estimate> {
    (1..=steps.len() / MIN_BATCHES).find_map(|length| {
        let batches: Vec<f64> = steps
            .chunks_exact(length)
            .map(|batch| batch.iter().sum::<f64>() / length as f64)
            .collect();
        if !are_independent(&batches) {
            return None;
        }
        let found = interval(&batches, confidence).ok()?;
        Some(Estimate {
            value: Some(found.value),
            low: Some(found.low),
            high: Some(found.high),
        })
    })
}

/// Whether neighbours do not correlate visibly.
fn are_independent(batches: &[f64]) -> bool {
    let n = batches.len() as f64;
    let mean = batches.iter().sum::<f64>() / n;
    let off = |value: &f64| value - mean;
    let squares: f64 = batches.iter().map(|value| off(value) * off(value)).sum();
    let products: f64 = batches
        .windows(2)
        .map(|pair| off(&pair[0]) * off(&pair[1]))
        .sum();
    products <= squares * CORRELATED / libm::sqrt(n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Draws, Purpose};

    const P: Purpose = Purpose::named("test/rates");

    /// Numbers around 10 of which each keeps a share of the one before.
    fn series(seed: u64, kept: f64) -> Vec<f64> {
        let mut last = 0.0;
        let next = |i: u64| {
            last = kept * last + Draws::new(seed).normal(P, 0, i);
            10.0 + last
        };
        (0..100).map(next).collect()
    }

    #[test]
    fn the_interval_covers_the_mean_as_often_as_it_says() {
        let covered = |kept: f64| {
            let all: Vec<Estimate> = (1..=400)
                .filter_map(|seed| batch_mean(&series(seed, kept), 0.95))
                .collect();
            let hits = all
                .iter()
                .filter(|e| {
                    e.low.is_some_and(|low| low <= 10.0) && e.high.is_some_and(|high| high >= 10.0)
                })
                .count();
            (hits, all.len())
        };
        let (hits, all) = covered(0.0);
        println!("independent steps: {hits} of {all}");
        assert!(all == 400 && hits >= 366, "{hits} of {all}");
        let (hits, all) = covered(0.3);
        println!("steps that keep 0.3: {hits} of {all}");
        assert!(hits as f64 >= 0.85 * all as f64, "{hits} of {all}");
    }

    #[test]
    fn steps_that_hang_together_and_few_steps_have_no_interval() {
        assert_eq!(batch_mean(&series(1, 0.99), 0.95), None);
        assert_eq!(batch_mean(&series(1, 0.0)[..19], 0.95), None);
        let flat = batch_mean(&[0.5; 40], 0.95).unwrap();
        assert_eq!((flat.low, flat.high), (Some(0.5), Some(0.5)));
    }
}
