//! Intervals for stories that end: independent replications.
//!
//! Models: R runs of the same scenario under different seeds, each giving one value of the statistic (its mean, its p99, its
//! losses). Their mean x̄ ± t_{R−1} · s / √R. With 20 runs or so, t keeps its confidence for skewed values too.
//! Leaves out: the spread between populations, on which the interval is conditional; replications without the value.
//! Source: Law, Simulation Modeling and Analysis, 5th ed., section 9.4.

use super::estimate::{Estimate, Unsupported};
use super::special::student_t_quantile;

/// The fewest replications behind an interval.
pub const MIN_REPLICATIONS: usize = 5;

/// The mean of the replications' values.
pub fn replicated(values: &[f64], confidence: f64) -> Result<Estimate, Unsupported> {
    if values.len() < MIN_REPLICATIONS {
        return Err(Unsupported::TooFewReplications {
            have: values.len() as u64,
            need: MIN_REPLICATIONS as u64,
        });
    }
    let (value, se) = mean_and_error(values);
    let half = student_t_quantile(0.5 + confidence / 2.0, values.len() as f64 - 1.0) * se;
    Ok(Estimate {
        value,
        low: value - half,
        high: value + half,
        confidence,
        units: values.len() as u32,
    })
}

/// The mean and its standard error; exact (and without error) for equal values.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let origin = values[0];
    let mean = origin + values.iter().map(|value| value - origin).sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, libm::sqrt(squares / (n - 1.0) / n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_textbook_interval() {
        // Law, 5th ed., example 4.26: ten observations, mean 1.34, 90 % interval 1.34 ± 0.24.
        let sample = [1.20, 1.50, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.50, 1.09];
        let estimate = replicated(&sample, 0.90).unwrap();
        assert!((estimate.value - 1.343).abs() < 1e-12);
        assert!((estimate.half_width() - 0.24).abs() < 0.005);
        assert_eq!(estimate.units, 10);
    }

    #[test]
    fn equal_values_have_no_error_and_few_values_no_interval() {
        assert_eq!(replicated(&[0.1; 7], 0.95).unwrap().half_width(), 0.0);
        assert_eq!(replicated(&[0.1; 7], 0.95).unwrap().value, 0.1);
        assert!(matches!(
            replicated(&[1.0, 2.0], 0.95),
            Err(Unsupported::TooFewReplications { have: 2, need: 5 })
        ));
    }
}
