//! Where the warm-up of a steady run ends: MSER-5.
//!
//! Models: observations (one a second) are averaged by fives; the cut d minimises Σ_{j>d} (z_j − z̄_d)² / (m − d)², the squared
//! standard error of what is left. Several series (message means, queue lengths) give the latest cut of all. A cut
//! beyond half of the run means that it has no steady state. The last five averages are never a remainder of their
//! own: few alike values there would win by chance.
//! Leaves out: runs that are not meant to be steady; they are never cut.
//! Source: White 1997; Franklin and White 2008 (MSER-5, the half-run rule).

use super::estimate::Unsupported;

/// Observations averaged into one.
pub const GROUP: usize = 5;
/// Averages that are always left.
const LEFT: usize = 5;

/// How many observations to cut from the front of all series: the latest cut of all.
pub fn steady_cut(series: &[&[f64]]) -> Result<usize, Unsupported> {
    let mut latest = 0;
    for one in series {
        let cut = mser5(one);
        if cut * 2 > one.len() {
            return Err(Unsupported::NotSteady);
        }
        latest = latest.max(cut);
    }
    Ok(latest)
}

/// How many observations to cut from the front of one series; a multiple of five, and zero for short series.
#[must_use]
pub fn mser5(series: &[f64]) -> usize {
    let averages: Vec<f64> = series
        .chunks_exact(GROUP)
        .map(|group| group.iter().sum::<f64>() / GROUP as f64)
        .collect();
    let m = averages.len();
    if m <= LEFT {
        return 0;
    }
    // Deviations from a value of the series itself: no digits are lost to its level.
    let origin = averages[m - 1];
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for d in (0..m).rev() {
        let z = averages[d] - origin;
        sum += z;
        squares += z * z;
        let left = (m - d) as f64;
        let variance = (squares - sum * sum / left).max(0.0);
        let statistic = variance / (left * left);
        // Ties go to the earlier cut.
        if m - d >= LEFT && statistic <= best.0 {
            best = (statistic, d);
        }
    }
    best.1 * GROUP
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Draws, Purpose};

    fn noise(seed: u64, n: u64) -> Vec<f64> {
        let draws = Draws::new(seed);
        (0..n)
            .map(|i| draws.normal(Purpose::named("test/mser"), 0, i))
            .collect()
    }

    #[test]
    fn cuts_the_warm_up_and_little_else() {
        let mut cuts = Vec::new();
        for seed in 0..50 {
            let mut series = noise(seed, 600);
            for (i, value) in series.iter_mut().enumerate() {
                *value += 30.0 * libm::exp(-(i as f64) / 12.0);
            }
            cuts.push(steady_cut(&[&series]).unwrap());
        }
        cuts.sort_unstable();
        assert!(cuts[0] >= 20 && cuts[25] <= 80, "{cuts:?}");
    }

    #[test]
    fn the_latest_cut_of_all_counts() {
        let flat = vec![3.0; 200];
        let mut late = noise(1, 200);
        late[..40].iter_mut().for_each(|v| *v += 50.0);
        assert_eq!(mser5(&flat), 0);
        assert!((40..=60).contains(&steady_cut(&[&flat, &late, &[1.0, 2.0]]).unwrap()));
    }

    #[test]
    fn a_growing_queue_is_not_steady() {
        let growing: Vec<f64> = (0..300).map(|i| f64::from(i) * f64::from(i)).collect();
        assert_eq!(steady_cut(&[&growing]), Err(Unsupported::NotSteady));
    }
}
