//! Where the warm-up of a steady run ends: MSER-5.
//!
//! Models: observations are averaged by fives (fewer at a time where that would leave less than thirty averages; not at all where
//! an observation is an average already); the cut d minimises Σ_{j>d} (z_j − z̄_d)² / (m − d)², the squared standard error of
//! what is left. Several series (message means, queue lengths) give the latest cut of all. Two guards, since averages are few
//! and bursts of queueing are ordinary:
//!
//! - A cut beyond half of the run means that it has no steady state; but some late averages are alike by chance, so it must
//!   leave a sixth of them, and at least halve the statistic of the best earlier cut, to count.
//! - A cut in the first half stands only if what it removes is no burst like others that happens to come first. The rest is
//!   looked at in stretches, as long as the head or a fifth of the rest; the farthest of them from the mean of the rest, scaled
//!   to the length of head and rest, must lie less than half as far as the head. A cut by chance costs more than its share of
//!   the run: it leaves the half that varies less, and so gives a tail that is too short with an interval that is too narrow.
//!
//! Measured on 1 000 steady series each (independent exponential values; autoregressive ones with φ = 0.6): 3.7 and 3.1 % of
//! 60 averages are cut, 0.3 and 0.1 % of 240.
//! Leaves out: runs that are not meant to be steady; they are never cut.
//! Source: White 1997; Franklin and White 2008 (MSER-5, the half-run rule).

use super::estimate::Unsupported;

/// Observations averaged into one, at most.
pub const GROUP: usize = 5;
/// Averages that there should be.
const AVERAGES: usize = 30;
/// Averages that are always left.
const LEFT: usize = 5;
/// The least share of them that is left, one in so many: fewer are too often alike by chance.
const LEFT_ONE_IN: usize = 6;

/// By how much a cut beyond half must be better.
const CLEARLY: f64 = 0.5;
/// By how much what is cut must stand out from stretches of the rest.
const FARTHER: f64 = 2.0;
/// Stretches that the rest is looked at in, at least.
const STRETCHES: usize = 5;

/// How many observations to cut from the front of all series: the latest cut of all.
pub fn steady_cut(series: &[&[f64]]) -> Result<usize, Unsupported> {
    let mut latest = 0;
    for one in series {
        latest = latest.max(mser5(one).ok_or(Unsupported::NotSteady)?);
    }
    Ok(latest)
}

/// How many observations to cut from the front of one series: zero for short series, and `None` where no cut in the first
/// half makes it steady.
#[must_use]
pub fn mser5(series: &[f64]) -> Option<usize> {
    let group = (series.len() / AVERAGES).clamp(1, GROUP);
    let averages: Vec<f64> = series.chunks_exact(group).map(mean_of).collect();
    Some(mser(&averages)? * group)
}

/// As [`mser5`], where every observation is an average already.
#[must_use]
pub fn mser(averages: &[f64]) -> Option<usize> {
    let m = averages.len();
    if m <= LEFT {
        return Some(0);
    }
    let left_at_least = LEFT.max(m / LEFT_ONE_IN);
    // Deviations from a value of the series itself: no digits are lost to its level.
    let origin = averages[m - 1];
    let (mut sum, mut squares) = (0.0, 0.0);
    let (mut late, mut early) = (f64::INFINITY, (f64::INFINITY, 0));
    for d in (0..m).rev() {
        let z = averages[d] - origin;
        sum += z;
        squares += z * z;
        let left = (m - d) as f64;
        let variance = (squares - sum * sum / left).max(0.0);
        let statistic = variance / (left * left);
        // Ties go to the earlier cut.
        if d * 2 <= m && statistic <= early.0 {
            early = (statistic, d);
        } else if d * 2 > m && m - d >= left_at_least {
            late = statistic.min(late);
        }
    }
    if late < CLEARLY * early.0 {
        return None;
    }
    let stands = stands_out(&averages[..early.1], &averages[early.1..]);
    Some(if stands { early.1 } else { 0 })
}

/// Whether `head` lies clearly farther from the mean of `rest` than stretches of the rest do, were they as long.
fn stands_out(head: &[f64], rest: &[f64]) -> bool {
    if head.is_empty() {
        return false;
    }
    let mean = mean_of(rest);
    let stretch = head.len().min((rest.len() / STRETCHES).max(1));
    let (n, h, r) = (stretch as f64, head.len() as f64, rest.len() as f64);
    let distance = (mean_of(head) - mean).abs() / (FARTHER * libm::sqrt(n / h + n / r));
    rest.windows(stretch)
        .all(|stretch| (mean_of(stretch) - mean).abs() < distance)
}

fn mean_of(part: &[f64]) -> f64 {
    part.iter().sum::<f64>() / part.len() as f64
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
        assert_eq!(mser5(&flat), Some(0));
        assert!((40..=60).contains(&steady_cut(&[&flat, &late, &[1.0, 2.0]]).unwrap()));
    }

    #[test]
    fn a_steady_run_is_rarely_called_unsteady() {
        for n in [60, 200, 1_000] {
            let refused = (0..1_000)
                .filter(|&seed| mser5(&noise(seed, n)).is_none())
                .count();
            assert!(refused <= 25, "{refused} of 1000 runs of {n} s");
        }
    }

    #[test]
    fn a_steady_run_is_rarely_cut() {
        let exponential = |seed: u64, n: u64| -> Vec<f64> {
            let draws = Draws::new(seed);
            (0..n)
                .map(|i| -libm::log(1.0 - draws.unit_f64(Purpose::named("test/mser"), 1, i)))
                .collect()
        };
        for (n, at_most) in [(33, 75), (60, 50), (240, 10)] {
            let cut = |series: &[f64]| mser(series).is_some_and(|cut| cut > 0);
            let noisy = (0..1_000).filter(|&seed| cut(&noise(seed, n))).count();
            let bursts = (0..1_000)
                .filter(|&seed| cut(&exponential(seed, n)))
                .count();
            assert!(
                noisy <= 15 && bursts <= at_most,
                "{noisy} and {bursts} of 1000 runs of {n}"
            );
        }
    }

    #[test]
    fn a_growing_queue_is_not_steady() {
        let mut growing = noise(2, 300);
        for (i, value) in growing.iter_mut().enumerate() {
            *value += i as f64;
        }
        assert_eq!(steady_cut(&[&growing]), Err(Unsupported::NotSteady));
    }
}
