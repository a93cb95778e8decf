//! Distributions of durations on an even grid, added by numerical convolution.
//!
//! Models: a duration between two grid points is divided between them so that its mean stays; so the mean of a sum is exact
//! and its variance too large by at most h²/4 per part, h the step. Quantiles interpolate inside a step. Fixed parts never
//! touch the grid: callers add them to the answer. Leaves out: everything beyond [`POINTS`] steps, which counts as the last one.

/// Most points of a distribution.
pub(crate) const POINTS: usize = 1024;
/// Probability that a trimmed tail may hold.
const TRIMMED: f64 = 1e-9;

/// Probabilities of 0, h, 2h, …
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pmf {
    mass: Vec<f64>,
}

impl Pmf {
    /// Always nothing.
    pub(crate) fn zero() -> Self {
        Self { mass: vec![1.0] }
    }

    /// A weighted collection of durations, in seconds, on a grid of step `step`; nothing becomes [`Self::zero`].
    pub(crate) fn of(step: f64, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut sum = Sum::new(step);
        for (value, weight) in points {
            sum.point(value, weight);
        }
        sum.finish()
    }

    /// Nothing with probability 1 − `share`, else exponential with this mean.
    pub(crate) fn sometimes(step: f64, share: f64, mean: f64) -> Self {
        if share <= 0.0 || mean <= 0.0 {
            return Self::zero();
        }
        let r = step / mean;
        let survival = |i: f64| libm::exp(-r * i);
        let mut mass = vec![1.0 - share + share * (1.0 - (1.0 - survival(1.0)) / r)];
        let mut left = 1.0 - mass[0];
        while left > TRIMMED && mass.len() < POINTS {
            let i = mass.len() as f64;
            let here = share * (survival(i - 1.0) - 2.0 * survival(i) + survival(i + 1.0)) / r;
            mass.push(here);
            left -= here;
        }
        close(&mut mass);
        Self { mass }
    }

    /// A mixture of distributions on the same grid; weights need not add up to 1.
    pub(crate) fn mixture<'a>(parts: impl IntoIterator<Item = (&'a Pmf, f64)>) -> Self {
        let mut mass: Vec<f64> = Vec::new();
        let mut total = 0.0;
        for (part, weight) in parts {
            if mass.len() < part.mass.len() {
                mass.resize(part.mass.len(), 0.0);
            }
            for (sum, more) in mass.iter_mut().zip(&part.mass) {
                *sum += weight * more;
            }
            total += weight;
        }
        if total <= 0.0 {
            return Self::zero();
        }
        mass.iter_mut().for_each(|mass| *mass /= total);
        Self { mass }
    }

    /// The sum of two independent durations.
    pub(crate) fn plus(&self, other: &Pmf) -> Pmf {
        let (long, short) = if self.mass.len() >= other.mass.len() {
            (&self.mass, &other.mass)
        } else {
            (&other.mass, &self.mass)
        };
        let length = (long.len() + short.len() - 1).min(POINTS);
        let mut mass = vec![0.0; length];
        for (at, &share) in short.iter().enumerate().take(length) {
            if share > 0.0 {
                for (sum, more) in mass[at..].iter_mut().zip(long) {
                    *sum += share * more;
                }
            }
        }
        close(&mut mass);
        Self { mass }
    }

    /// The sum of `n` independent durations of this kind.
    pub(crate) fn times(&self, n: u32) -> Pmf {
        (0..n).fold(Pmf::zero(), |sum, _| sum.plus(self))
    }

    /// Twice the duration.
    pub(crate) fn doubled(&self) -> Pmf {
        let mut mass = vec![0.0; (2 * self.mass.len() - 1).min(POINTS)];
        for (at, &share) in self.mass.iter().enumerate() {
            let at = (2 * at).min(mass.len() - 1);
            mass[at] += share;
        }
        Self { mass }
    }

    /// The same on a grid of `factor` times the step.
    pub(crate) fn coarser(&self, factor: usize) -> Pmf {
        if factor == 1 {
            return self.clone();
        }
        let points = self.mass.iter().enumerate();
        Pmf::of(
            1.0,
            points.map(|(at, &share)| (at as f64 / factor as f64, share)),
        )
    }

    /// The delay of a message that may not overtake the ones before it, when `rate` messages leave per step and each is
    /// under way for a time like this one: F(t) · exp(−rate ∫ₜ^∞ (1 − F)), the never-overtaken ones of an M/G/∞.
    pub(crate) fn in_order(&self, rate: f64) -> Pmf {
        let mut cumulated = Vec::with_capacity(self.mass.len());
        let mut below = 0.0;
        for share in &self.mass {
            below += share;
            cumulated.push(below);
        }
        let mut mass = vec![0.0; self.mass.len()];
        let (mut beyond, mut above) = (0.0, 1.0);
        for at in (0..self.mass.len()).rev() {
            let within = if at == 0 {
                0.0
            } else {
                beyond += 1.0 - cumulated[at - 1];
                cumulated[at - 1] * libm::exp(-rate * beyond)
            };
            mass[at] = above - within;
            above = within;
        }
        Self { mass }
    }

    /// The mean, in steps.
    pub(crate) fn mean(&self) -> f64 {
        let weighted = self.mass.iter().enumerate();
        weighted.map(|(at, share)| at as f64 * share).sum()
    }

    /// The duration, in steps, that a share `p` does not exceed.
    pub(crate) fn quantile(&self, p: f64) -> f64 {
        let mut below = 0.0;
        for (at, &share) in self.mass.iter().enumerate() {
            if below + share >= p && share > 0.0 {
                let inside = (p - below) / share;
                return (at as f64 - 0.5 + inside).max(0.0);
            }
            below += share;
        }
        self.mass.len() as f64 - 1.0
    }
}

/// Puts what is missing to 1 in the last point.
fn close(mass: &mut [f64]) {
    let sum: f64 = mass.iter().sum();
    if let Some(last) = mass.last_mut() {
        *last += (1.0 - sum).max(0.0);
    }
}

/// A distribution being put together.
pub(crate) struct Sum {
    step: f64,
    mass: Vec<f64>,
}

impl Sum {
    pub(crate) fn new(step: f64) -> Self {
        Self {
            step,
            mass: Vec::new(),
        }
    }

    /// One duration.
    pub(crate) fn point(&mut self, value: f64, weight: f64) {
        let at = (value / self.step).clamp(0.0, (POINTS - 2) as f64);
        let low = at as usize;
        if self.mass.len() < low + 2 {
            self.mass.resize(low + 2, 0.0);
        }
        let above = at - low as f64;
        self.mass[low] += weight * (1.0 - above);
        self.mass[low + 1] += weight * above;
    }

    /// Every duration from `low` to `high` alike.
    pub(crate) fn even(&mut self, low: f64, high: f64, weight: f64) {
        let parts = libm::ceil((high - low) / self.step * 2.0).clamp(1.0, 4096.0);
        let width = (high - low) / parts;
        for part in 0..parts as u32 {
            self.point(low + width * (f64::from(part) + 0.5), weight / parts);
        }
    }

    pub(crate) fn finish(mut self) -> Pmf {
        let total: f64 = self.mass.iter().sum();
        if total <= 0.0 {
            return Pmf::zero();
        }
        while self.mass.len() > 1 && self.mass.last().is_some_and(|last| *last <= 0.0) {
            self.mass.pop();
        }
        self.mass.iter_mut().for_each(|mass| *mass /= total);
        Pmf { mass: self.mass }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_add_up_and_quantiles_are_those_of_the_sum() {
        let step = 0.001;
        let one = Pmf::sometimes(step, 1.0, 0.02);
        let sum = one.times(3);
        assert!((sum.mean() * step - 0.06).abs() < 1e-5);
        // Erlang-3 with mean 60 ms: the 99 % quantile is 8.406 · 20 ms.
        assert!((sum.quantile(0.99) * step / (8.406 * 0.02) - 1.0).abs() < 0.002);
        let fixed = Pmf::of(step, [(0.0123, 1.0)]);
        assert!((fixed.mean() * step - 0.0123).abs() < 1e-12);
        assert!((fixed.doubled().mean() * step - 0.0246).abs() < 1e-12);
        assert!((sum.coarser(4).mean() * 4.0 - sum.mean()).abs() < 1e-9);
    }

    #[test]
    fn a_message_waits_for_slow_ones_before_it() {
        // 1 % take 200 steps, the others none: a message is free if none of 0.1 · 0.01 · 200 before it is still under way.
        let delay = Pmf::of(1.0, [(0.0, 0.99), (200.0, 0.01)]);
        let free = delay.in_order(0.0);
        let pairs = free.mass.iter().zip(&delay.mass);
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-12));
        let held = delay.in_order(0.1);
        let free = 0.99 * libm::exp(-0.1 * 0.01 * 200.0);
        assert!((held.mass[0] - free).abs() < 1e-9, "{}", held.mass[0]);
        assert!((held.mass.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(held.mean() > delay.mean());
    }
}
