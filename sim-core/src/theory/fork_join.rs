//! Fork and join: a job is split over two stations and done when both halves are.
//!
//! Models: Poisson arrivals, one exponential server per half, the same rates. The queues share their arrivals, so their
//! times are associated, and the mean is less than for independent ones: R₂ = (12 − ρ) / 8 · S / (1 − ρ), exact for ρ < 1
//! (at ρ → 0 it is 1.5 S, the mean of the longer of two).
//! Leaves out: more than two ways, for which Nelson and Tantawi give an approximation within 5 %:
//! R_k = (H_k/H_2 + 4/11 (1 − H_k/H_2) ρ) R₂, k ≤ 32. Source: Flatto and Hahn 1984; Nelson and Tantawi 1988.

/// The mean time until both halves are done, for a mean service time of `service` per half and `rate` arrivals per unit of
/// time; `None` if the stations cannot keep up.
#[must_use]
pub fn fork_join_two(rate: f64, service: f64) -> Option<f64> {
    let utilization = rate * service;
    (0.0..1.0)
        .contains(&utilization)
        .then(|| (12.0 - utilization) / 8.0 * service / (1.0 - utilization))
}

/// The mean time until all of `ways` are done, approximately (within 5 % for 2 to 32 ways).
#[must_use]
pub fn fork_join_many(ways: u32, rate: f64, service: f64) -> Option<f64> {
    let two = fork_join_two(rate, service)?;
    let ratio = (1..=ways).map(|k| 1.0 / f64::from(k)).sum::<f64>() / 1.5;
    let utilization = rate * service;
    Some(match ways {
        0 => 0.0,
        1 => service / (1.0 - utilization),
        _ => (ratio + 4.0 / 11.0 * (1.0 - ratio) * utilization) * two,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ends_are_known() {
        assert!((fork_join_two(1e-12, 1.0).unwrap() - 1.5).abs() < 1e-9);
        // Nelson and Tantawi: ρ = 0.8 gives 1.4 · 5.
        assert!((fork_join_two(0.8, 1.0).unwrap() - 7.0).abs() < 1e-12);
        assert_eq!(fork_join_two(1.0, 1.0), None);
    }

    #[test]
    fn many_ways_continue_two() {
        assert_eq!(fork_join_many(2, 0.7, 1.0), fork_join_two(0.7, 1.0));
        assert!((fork_join_many(1, 0.5, 1.0).unwrap() - 2.0).abs() < 1e-12);
        let idle = fork_join_many(8, 1e-12, 1.0).unwrap();
        assert!((idle - 2.717_857).abs() < 1e-5);
    }
}
