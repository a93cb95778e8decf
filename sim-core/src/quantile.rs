//! Distributions of durations, and their quantile tables: 32 random bits to nanoseconds by lookup.
//!
//! Models: the inverse of the distribution function. 32 bits `b` mean the probability
//! p = (b + ½) / 2³². The table is log-linear in *both* tails: each half of [0, 1] is cut into
//! octaves (…, [2⁻³, 2⁻²), [2⁻², 2⁻¹)) of the distance to its end, and each octave into 64 cells,
//! in which the quantile is interpolated linearly in integers. The 128 distances next to each end have a cell
//! each: the extreme tail is exact, up to 1 − 2⁻³³, where the draw ends.
//! More bits are a longer duration: the same bits under two distributions are paired luck.
//!
//! `Percentiles` has normal scores z(p): ln q is linear in z between p50, p95 and p99 (pieces of
//! log-normals), continues the slope p95–p99 beyond p99 and the slope p50–p95 below p50, and is cut off at `min`.
//! Leaves out: correlation between draws.

use std::sync::Arc;

use crate::draw::normal_survival_quantile;
use crate::time::SimDuration;

/// Cells per octave.
const CELLS: u32 = 64;
const CELL_BITS: u32 = 6;
/// Cells of one half; the octaves of a 31-bit distance.
const HALF_CELLS: usize = (31 - CELL_BITS as usize + 1) * CELLS as usize;
/// The normal score of 0.99.
const Z99: f64 = 2.326_347_874_040_841;
/// The normal score of 0.95.
const Z95: f64 = 1.644_853_626_951_472_7;

/// A distribution of durations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(SimDuration),
    /// Every duration between two bounds alike.
    Uniform {
        /// The shortest.
        min: SimDuration,
        /// The longest.
        max: SimDuration,
    },
    /// Memoryless, with this mean.
    Exponential {
        /// The mean.
        mean: SimDuration,
    },
    /// The logarithm is normal.
    LogNormal {
        /// Half of all durations are shorter.
        median: SimDuration,
        /// 99 % of all durations are shorter.
        p99: SimDuration,
    },
    /// Log-linear between measured percentiles.
    Percentiles {
        /// The shortest, if it is known.
        min: Option<SimDuration>,
        /// The median.
        p50: SimDuration,
        /// The 95th percentile.
        p95: SimDuration,
        /// The 99th percentile.
        p99: SimDuration,
    },
}

/// Why parameters describe no distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DistributionError {
    /// Percentiles must not decrease.
    #[error("{smaller} must not be longer than {larger}")]
    Order {
        /// The parameter that must be the smaller.
        smaller: &'static str,
        /// The parameter that must be the larger.
        larger: &'static str,
    },
    /// A log-normal distribution has positive percentiles.
    #[error("{0} must be longer than zero")]
    Zero(&'static str),
}

impl Distribution {
    /// Checks the parameters.
    pub fn validate(&self) -> Result<(), DistributionError> {
        let ordered = |a: SimDuration, b: SimDuration, smaller, larger| {
            if a <= b {
                Ok(())
            } else {
                Err(DistributionError::Order { smaller, larger })
            }
        };
        let positive = |d: SimDuration, name| {
            if d.is_zero() {
                Err(DistributionError::Zero(name))
            } else {
                Ok(())
            }
        };
        match *self {
            Distribution::Constant(_) | Distribution::Exponential { .. } => Ok(()),
            Distribution::Uniform { min, max } => ordered(min, max, "min", "max"),
            Distribution::LogNormal { median, p99 } => {
                positive(median, "median")?;
                ordered(median, p99, "median", "p99")
            }
            Distribution::Percentiles { min, p50, p95, p99 } => {
                positive(p50, "p50")?;
                ordered(min.unwrap_or_default(), p50, "min", "p50")?;
                ordered(p50, p95, "p50", "p95")?;
                ordered(p95, p99, "p95", "p99")
            }
        }
    }

    /// The duration exceeded with probability `s` (in 0 to 1), in nanoseconds.
    /// Infinite at `s` = 0 where the distribution has no end.
    pub fn survival_quantile_ns(&self, s: f64) -> f64 {
        match *self {
            Distribution::Constant(value) => ns(value),
            Distribution::Uniform { min, max } => ns(min) + (ns(max) - ns(min)) * (1.0 - s),
            Distribution::Exponential { mean } => -libm::log(s) * ns(mean),
            Distribution::LogNormal { median, p99 } => {
                let sigma = libm::log(ns(p99) / ns(median)) / Z99;
                ns(median) * libm::exp(sigma * normal_survival_quantile(s))
            }
            Distribution::Percentiles { min, p50, p95, p99 } => {
                let z = normal_survival_quantile(s);
                let body = libm::log(ns(p95) / ns(p50)) / Z95;
                let tail = libm::log(ns(p99) / ns(p95)) / (Z99 - Z95);
                let value = if z <= Z95 {
                    ns(p50) * libm::exp(body * z)
                } else {
                    ns(p95) * libm::exp(tail * (z - Z95))
                };
                value.max(ns(min.unwrap_or_default()))
            }
        }
    }
}

fn ns(span: SimDuration) -> f64 {
    span.as_nanos() as f64
}

/// The inverse of a distribution as a table (26 KiB, shared between clones).
#[derive(Clone, Debug, PartialEq)]
pub struct QuantileTable {
    distribution: Distribution,
    /// Cell edges by distance to the lower end, then by distance to the upper end, in ns.
    lower: Arc<[u64]>,
    upper: Arc<[u64]>,
    mean: SimDuration,
}

impl QuantileTable {
    /// The table of a distribution.
    pub fn new(distribution: Distribution) -> Result<Self, DistributionError> {
        distribution.validate()?;
        let edge = |s: f64| distribution.survival_quantile_ns(s).min(9.2e18) as u64;
        let distance = |cell: usize| (cell_start(cell) as f64 + 0.5) / 4_294_967_296.0;
        let lower = (0..=HALF_CELLS)
            .map(|cell| edge(1.0 - distance(cell)))
            .collect();
        let upper = (0..=HALF_CELLS).map(|cell| edge(distance(cell))).collect();
        let mut table = QuantileTable {
            distribution,
            lower,
            upper,
            mean: SimDuration::ZERO,
        };
        table.mean = table.mean_of_cells();
        Ok(table)
    }

    /// The duration of 32 random bits; longer for larger numbers.
    #[inline]
    pub fn sample(&self, bits: u32) -> SimDuration {
        let (edges, distance) = if bits >> 31 == 0 {
            (&self.lower, bits)
        } else {
            (&self.upper, !bits)
        };
        let (cell, offset, width_bits) = cell_of(distance);
        let (from, to) = (edges[cell], edges[cell + 1]);
        let ns = if from <= to {
            from + ((u128::from(to - from) * u128::from(offset)) >> width_bits) as u64
        } else {
            from - ((u128::from(from - to) * u128::from(offset)) >> width_bits) as u64
        };
        SimDuration::from_nanos(ns)
    }

    /// The mean of what [`QuantileTable::sample`] gives.
    pub fn mean(&self) -> SimDuration {
        self.mean
    }

    /// The duration below which a share `p` (0 to 1) lies, exactly. The ends are those of the draw.
    pub fn quantile(&self, p: f64) -> SimDuration {
        let tiny = 0.5 / 4_294_967_296.0;
        let s = (1.0 - p).clamp(tiny, 1.0 - tiny);
        SimDuration::from_nanos(self.distribution.survival_quantile_ns(s) as u64)
    }

    /// The distribution behind the table.
    pub fn distribution(&self) -> &Distribution {
        &self.distribution
    }

    fn mean_of_cells(&self) -> SimDuration {
        let mut twice_sum = 0_u128;
        for edges in [&self.lower, &self.upper] {
            for cell in 0..HALF_CELLS {
                let width = u128::from(cell_start(cell + 1) - cell_start(cell));
                let (a, b) = (u128::from(edges[cell]), u128::from(edges[cell + 1]));
                // Offsets run from 0 to width − 1, so the mean offset is (width − 1) / 2.
                twice_sum += a * (width + 1) + b * (width - 1);
            }
        }
        SimDuration::from_nanos((twice_sum >> 33) as u64)
    }
}

/// The cell of a 31-bit distance, the offset in the cell and the bits of the cell's width.
#[inline]
fn cell_of(distance: u32) -> (usize, u32, u32) {
    let top = 31 - (distance | (CELLS - 1)).leading_zeros();
    let width_bits = (top + 1).saturating_sub(CELL_BITS + 1);
    let cell = (distance >> width_bits) + width_bits * CELLS;
    (
        cell as usize,
        distance & ((1 << width_bits) - 1),
        width_bits,
    )
}

/// The first distance of a cell.
fn cell_start(cell: usize) -> u64 {
    let cell = cell as u64;
    let cells = u64::from(CELLS);
    if cell < 2 * cells {
        return cell;
    }
    let width_bits = cell / cells - 1;
    (cell - width_bits * cells) << width_bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_tile_the_distances() {
        assert_eq!(cell_start(HALF_CELLS), 1 << 31);
        for cell in 0..HALF_CELLS {
            let (start, end) = (cell_start(cell), cell_start(cell + 1));
            assert_eq!(cell_of(start as u32).0, cell);
            assert_eq!(cell_of((end - 1) as u32).0, cell);
            assert_eq!(cell_of(start as u32).1, 0);
            assert_eq!(1 << cell_of(start as u32).2, end - start);
        }
    }
}
