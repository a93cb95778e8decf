//! How a quantity grows with the number of users: the slope of a least-squares line through (log users, log quantity).
//!
//! A slope of 1 is linear growth, 2 quadratic. A power of the load is never exponential growth, and the words say so. Points
//! where something gave way are left out: what is measured there is the limit, not the demand.

use sim_core::report::{RampReport, RunReport};

/// A fitted power law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Exponent of the load.
    pub slope: f64,
    /// Points fitted.
    pub points: usize,
}

impl Growth {
    /// The growth as a verb and an adverb: `grow linearly`.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self.slope {
            s if s.abs() <= 0.1 => "do not grow",
            s if s < 0.0 => "shrink",
            s if s < 0.9 => "grow more slowly than linearly",
            s if s <= 1.1 => "grow linearly",
            s if s < 1.9 => "grow faster than linearly and slower than quadratically",
            s if s <= 2.1 => "grow quadratically (a power of the load, not exponentially)",
            _ => "grow faster than quadratically",
        }
    }
}

/// Growth of `quantity` over the ramp's healthy points; `None` with fewer than two.
#[must_use]
pub fn growth(ramp: &RampReport, quantity: impl Fn(&RunReport) -> f64) -> Option<Growth> {
    let points: Vec<(f64, f64)> = ramp
        .points
        .iter()
        .filter(|run| is_healthy(run))
        .map(|run| (run.users as f64, quantity(run)))
        .filter(|(users, value)| *users > 0.0 && *value > 0.0)
        .map(|(users, value)| (users.ln(), value.ln()))
        .collect();
    let n = points.len() as f64;
    let mean_x = points.iter().map(|p| p.0).sum::<f64>() / n;
    let mean_y = points.iter().map(|p| p.1).sum::<f64>() / n;
    let sxx: f64 = points.iter().map(|p| (p.0 - mean_x).powi(2)).sum();
    let sxy: f64 = points.iter().map(|p| (p.0 - mean_x) * (p.1 - mean_y)).sum();
    (points.len() >= 2 && sxx > 0.0).then(|| Growth {
        slope: sxy / sxx,
        points: points.len(),
    })
}

/// Whether a run carried all it was asked to.
fn is_healthy(run: &RunReport) -> bool {
    let full = run
        .tiers
        .values()
        .flat_map(|tier| tier.utilization.values())
        .any(|u| u.hottest >= 1.0);
    !run.stop.starts_with("Unstable") && run.connections.rejected.values().all(|n| *n == 0) && !full
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn ramp_with(exponent: i32) -> RampReport {
        let mut ramp = sample::ramp();
        for (index, point) in ramp.points.iter_mut().enumerate() {
            point.stop = "Finished".to_owned();
            point.connections.rejected.clear();
            point.tiers.clear();
            point.users = 1000 * 4u64.pow(index as u32);
            let deliveries = 1e-3 * (point.users as f64).powi(exponent);
            point
                .operations
                .get_mut("publish")
                .unwrap()
                .deliveries_per_s = deliveries;
        }
        ramp
    }

    fn publish(run: &RunReport) -> f64 {
        run.operations["publish"].deliveries_per_s
    }

    #[test]
    fn linear_and_quadratic_growth_are_told_apart() {
        let linear = growth(&ramp_with(1), publish).unwrap();
        assert!((linear.slope - 1.0).abs() < 1e-9);
        assert_eq!(linear.in_words(), "grow linearly");
        let quadratic = growth(&ramp_with(2), publish).unwrap();
        assert!((quadratic.slope - 2.0).abs() < 1e-9);
        assert!(quadratic.in_words().starts_with("grow quadratically"));
    }

    #[test]
    fn one_point_has_no_growth() {
        let mut ramp = ramp_with(1);
        ramp.points.truncate(1);
        assert_eq!(growth(&ramp, publish), None);
    }
}
