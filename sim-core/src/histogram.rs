//! Log-linear latency histograms with integer counts and sums, so that removal is exact.
//!
//! Models: latencies in units of 128 ns, rounded to the nearest, saturating at 2³¹ − 1 units
//! (275 s). A bucket is an octave cut in 128 parts, hence at most 0.79 % wide; its index is the top
//! bits of the 32-bit float of the unit count: `(f32(v) >> 16) − (127 << 7)`, with `v` truncated to
//! 24 significant bits first (`v & !(v >> 24)`), so that vector code can compute it alike.
//! Every statistic is a function of counts and sums only; so `remove` undoes `record` exactly, `merge` is
//! associative, and the difference of two snapshots is the histogram of the interval between them.
//!
//! [`CauseHistogram`] adds sums per cause in coarser buckets (an octave in 16 parts), so that the
//! mean and the slowest share both decompose exactly: the parts add up to the whole. Where the share
//! cuts through a coarse bucket, that bucket's sums are apportioned by count.
//! Leaves out: the order of records; the maximum is the upper end of the highest bucket in use.

use std::fmt;

use crate::statistics::CompactHistogram;
use crate::time::SimDuration;

/// Nanoseconds per unit.
pub const UNIT_NS: u64 = 128;
/// The largest unit count; longer latencies are recorded as this one.
pub const MAX_UNITS: u32 = i32::MAX as u32;
/// Buckets of a histogram; the last octave is never used and makes it a power of two.
pub const BUCKETS: usize = 32 << PART_BITS;

const PART_BITS: u32 = 7;
const COARSE_BITS: u32 = 3;
/// Coarse buckets of a [`CauseHistogram`].
pub const COARSE: usize = BUCKETS >> COARSE_BITS;

/// The coarse bucket that a bucket is part of.
#[inline]
pub fn coarse_of(bucket: usize) -> usize {
    bucket >> COARSE_BITS
}

/// The unit count of a span: nearest, saturating.
#[inline]
pub fn units_of(span: SimDuration) -> u32 {
    let units = span.as_nanos().saturating_add(UNIT_NS / 2) / UNIT_NS;
    units.min(u64::from(MAX_UNITS)) as u32
}

/// The span of a unit count.
#[inline]
pub fn span_of(units: u64) -> SimDuration {
    SimDuration::from_nanos(units.saturating_mul(UNIT_NS))
}

/// The bucket of a unit count of at most [`MAX_UNITS`]; zero shares the bucket of one.
#[inline]
pub fn bucket_of(units: u32) -> usize {
    let truncated = units & !(units >> 24);
    let truncated = truncated + u32::from(truncated == 0);
    // The conversion is signed because that is one instruction.
    (((truncated as i32 as f32).to_bits() >> 16) - (127 << PART_BITS)) as usize
}

/// The smallest unit count of a bucket (or of a later one, if no integer lies in it).
pub fn bucket_low(bucket: usize) -> u64 {
    let octave = bucket as u32 >> PART_BITS;
    let part = bucket as u64 & ((1 << PART_BITS) - 1);
    (((1 << PART_BITS) + part) << octave).div_ceil(1 << PART_BITS)
}

/// The largest unit count of a bucket (or its smallest, if no integer lies in it).
pub fn bucket_high(bucket: usize) -> u64 {
    (bucket_low(bucket + 1) - 1).max(bucket_low(bucket))
}

/// Counts of latencies in buckets at most 0.79 % wide, and their sum.
#[derive(Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum_units: u64,
}

/// One used bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketCount {
    /// The shortest latency of the bucket.
    pub low: SimDuration,
    /// The longest latency of the bucket.
    pub high: SimDuration,
    /// How many latencies lie in it.
    pub count: u64,
}

impl Histogram {
    /// An empty histogram (32 KiB).
    pub fn new() -> Self {
        Histogram {
            counts: vec![0; BUCKETS],
            count: 0,
            sum_units: 0,
        }
    }

    /// Adds one latency.
    #[inline]
    pub fn record(&mut self, latency: SimDuration) {
        self.record_n(latency, 1);
    }

    /// Adds `n` equal latencies.
    #[inline]
    pub fn record_n(&mut self, latency: SimDuration, n: u64) {
        self.record_units(units_of(latency), n);
    }

    /// Adds `n` equal latencies given in units of [`UNIT_NS`].
    #[inline]
    pub fn record_units(&mut self, units: u32, n: u64) {
        let units = units.min(MAX_UNITS);
        self.counts[bucket_of(units)] += n;
        self.count += n;
        self.sum_units += u64::from(units) * n;
    }

    /// Takes one latency out again. Panics if its bucket is empty.
    pub fn remove(&mut self, latency: SimDuration) {
        self.remove_units(units_of(latency), 1);
    }

    /// Takes out `n` equal latencies given in units. Panics if the bucket holds fewer.
    pub fn remove_units(&mut self, units: u32, n: u64) {
        let units = units.min(MAX_UNITS);
        let count = &mut self.counts[bucket_of(units)];
        assert!(*count >= n, "a latency removed that was never recorded");
        *count -= n;
        self.count -= n;
        self.sum_units -= u64::from(units) * n;
    }

    /// Adds everything in `other`.
    pub fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum_units += other.sum_units;
    }

    /// Adds everything in a histogram that keeps only the buckets it has seen.
    pub fn merge_compact(&mut self, other: &CompactHistogram) {
        for (bucket, count) in other.used() {
            self.counts[bucket] += count;
        }
        self.count += other.count();
        self.sum_units += other.sum_units();
    }

    /// Takes out everything in `earlier`, an earlier snapshot of this histogram.
    /// Panics if it is none.
    pub fn subtract(&mut self, earlier: &Histogram) {
        assert!(
            self.count >= earlier.count,
            "not an earlier snapshot of this histogram"
        );
        for (mine, theirs) in self.counts.iter_mut().zip(&earlier.counts) {
            assert!(
                *mine >= *theirs,
                "not an earlier snapshot of this histogram"
            );
            *mine -= theirs;
        }
        self.count -= earlier.count;
        self.sum_units -= earlier.sum_units;
    }

    /// How many latencies are recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all latencies, in units of [`UNIT_NS`].
    pub fn sum_units(&self) -> u64 {
        self.sum_units
    }

    /// The mean latency, exact to the rounding of records; `None` without records.
    pub fn mean(&self) -> Option<SimDuration> {
        if self.count == 0 {
            return None;
        }
        let sum_ns = u128::from(self.sum_units) * u128::from(UNIT_NS);
        Some(SimDuration::from_nanos(
            (sum_ns / u128::from(self.count)) as u64,
        ))
    }

    /// The latency at or below which a share `p` (0 to 1) of the records lies, within 0.79 %:
    /// the record of rank ⌈p·n⌉, interpolated in its bucket. `None` without records.
    pub fn quantile(&self, p: f64) -> Option<SimDuration> {
        if self.count == 0 {
            return None;
        }
        let rank = rank_of(p, self.count);
        let mut before = 0;
        for (bucket, &count) in self.counts.iter().enumerate() {
            if before + count >= rank {
                let (low, high) = (bucket_low(bucket), bucket_high(bucket));
                // The middle of the record's share of the bucket, in ns.
                let part = u128::from((high - low) * UNIT_NS) * u128::from(2 * (rank - before) - 1);
                let inside = (part / u128::from(2 * count)) as u64;
                return Some(SimDuration::from_nanos(low * UNIT_NS + inside));
            }
            before += count;
        }
        None
    }

    /// The upper end of the highest bucket in use.
    pub fn max(&self) -> Option<SimDuration> {
        self.counts
            .iter()
            .rposition(|&count| count > 0)
            .map(|bucket| span_of(bucket_high(bucket)))
    }

    /// The lower end of the lowest bucket in use.
    pub fn min(&self) -> Option<SimDuration> {
        self.counts
            .iter()
            .position(|&count| count > 0)
            .map(|bucket| span_of(bucket_low(bucket)))
    }

    /// How many records are longer than `latency`, to the resolution of a bucket.
    pub fn count_above(&self, latency: SimDuration) -> u64 {
        self.counts[bucket_of(units_of(latency)) + 1..].iter().sum()
    }

    /// The used buckets from short to long.
    pub fn buckets(&self) -> impl Iterator<Item = BucketCount> + '_ {
        self.counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(bucket, &count)| BucketCount {
                low: span_of(if bucket == 0 { 0 } else { bucket_low(bucket) }),
                high: span_of(bucket_high(bucket)),
                count,
            })
    }

    /// Counts the buckets that the delivery kernel computed, and their sum in units.
    #[inline]
    pub(crate) fn record_buckets(&mut self, buckets: &[u16], sum_units: u64) {
        let counts: &mut [u64; BUCKETS] = match self.counts.as_mut_slice().try_into() {
            Ok(counts) => counts,
            Err(_) => unreachable!("a histogram has {BUCKETS} buckets"),
        };
        for &bucket in buckets {
            counts[bucket as usize & (BUCKETS - 1)] += 1;
        }
        self.count += buckets.len() as u64;
        self.sum_units += sum_units;
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count)
            .field("mean", &self.mean())
            .field("p50", &self.quantile(0.5))
            .field("p99", &self.quantile(0.99))
            .finish()
    }
}

/// The rank, from 1, of the record that a share `p` of `count` records does not exceed.
fn rank_of(p: f64, count: u64) -> u64 {
    (libm::ceil(p.clamp(0.0, 1.0) * count as f64) as u64).clamp(1, count)
}

/// A histogram that also knows what the latencies consist of: `C` causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseHistogram<const C: usize> {
    total: Histogram,
    /// Per coarse bucket: its records.
    counts: Vec<u64>,
    /// Per coarse bucket: the time of each cause, in ns.
    sums_ns: Vec<[u64; C]>,
}

impl<const C: usize> CauseHistogram<C> {
    /// An empty histogram (36 KiB + 4 KiB per cause).
    pub fn new() -> Self {
        CauseHistogram {
            total: Histogram::new(),
            counts: vec![0; COARSE],
            sums_ns: vec![[0; C]; COARSE],
        }
    }

    /// Adds one latency, the sum of its causes.
    #[inline]
    pub fn record(&mut self, causes: [SimDuration; C]) {
        self.record_n(causes, 1);
    }

    /// Adds `n` equal latencies, each the sum of `causes`. Sums hold 584 years of latency.
    #[inline]
    pub fn record_n(&mut self, causes: [SimDuration; C], n: u64) {
        let units = units_of(causes.iter().copied().sum());
        self.total.record_units(units, n);
        let coarse = bucket_of(units) >> COARSE_BITS;
        self.counts[coarse] += n;
        for (sum, cause) in self.sums_ns[coarse].iter_mut().zip(causes) {
            *sum += cause.as_nanos() * n;
        }
    }

    /// Adds the causes of one latency of `units`, given as (cause, nanoseconds), but not the latency itself: for callers who
    /// keep the latencies in histograms of their own.
    #[inline]
    pub fn record_causes(&mut self, units: u32, causes_ns: impl IntoIterator<Item = (usize, u64)>) {
        let coarse = coarse_of(bucket_of(units.min(MAX_UNITS)));
        self.counts[coarse] += 1;
        for (cause, ns) in causes_ns {
            self.sums_ns[coarse][cause] += ns;
        }
    }

    /// Adds the causes of `n` latencies of one coarse bucket (see [`coarse_of`]): `shared` once for each, `own` for all
    /// together; but not the latencies themselves.
    #[inline]
    pub(crate) fn record_bucket_causes(
        &mut self,
        coarse: usize,
        n: u64,
        shared: &[(usize, u64)],
        own: &[(usize, u64)],
    ) {
        self.counts[coarse] += n;
        let sums = &mut self.sums_ns[coarse];
        for &(cause, ns) in shared {
            sums[cause] += ns * n;
        }
        for &(cause, ns) in own {
            sums[cause] += ns;
        }
    }

    /// Takes out what [`Self::record_causes`] added. Panics if it never did.
    pub fn remove_causes(&mut self, units: u32, causes_ns: impl IntoIterator<Item = (usize, u64)>) {
        let coarse = bucket_of(units.min(MAX_UNITS)) >> COARSE_BITS;
        assert!(
            self.counts[coarse] > 0,
            "a latency removed that was never recorded"
        );
        self.counts[coarse] -= 1;
        for (cause, ns) in causes_ns {
            let sum = &mut self.sums_ns[coarse][cause];
            assert!(*sum >= ns, "a latency removed that was never recorded");
            *sum -= ns;
        }
    }

    /// Takes one latency out again, exactly. Panics if none such is recorded.
    pub fn remove(&mut self, causes: [SimDuration; C]) {
        let units = units_of(causes.iter().copied().sum());
        self.total.remove_units(units, 1);
        let coarse = bucket_of(units) >> COARSE_BITS;
        self.counts[coarse] -= 1;
        for (sum, cause) in self.sums_ns[coarse].iter_mut().zip(causes) {
            assert!(
                *sum >= cause.as_nanos(),
                "a latency removed that was never recorded"
            );
            *sum -= cause.as_nanos();
        }
    }

    /// Adds everything in `other`.
    pub fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        for coarse in 0..COARSE {
            self.counts[coarse] += other.counts[coarse];
            for cause in 0..C {
                self.sums_ns[coarse][cause] += other.sums_ns[coarse][cause];
            }
        }
    }

    /// Takes out everything in `earlier`, an earlier snapshot of this histogram.
    pub fn subtract(&mut self, earlier: &Self) {
        self.total.subtract(&earlier.total);
        for coarse in 0..COARSE {
            self.counts[coarse] -= earlier.counts[coarse];
            for cause in 0..C {
                self.sums_ns[coarse][cause] -= earlier.sums_ns[coarse][cause];
            }
        }
    }

    /// The latencies without their causes.
    pub fn total(&self) -> &Histogram {
        &self.total
    }

    /// The mean time of each cause in nanoseconds; zeros without records. Adds up to the mean.
    pub fn breakdown_mean(&self) -> [f64; C] {
        self.breakdown_slowest(self.counts.iter().sum())
    }

    /// The mean time of each cause in nanoseconds among the slowest share 1 − `p` of the records
    /// (`p` = 0.99: the slowest 1 %; at least one record). Adds up to the mean of those records.
    pub fn breakdown_above(&self, p: f64) -> [f64; C] {
        let count: u64 = self.counts.iter().sum();
        let slowest = libm::ceil((1.0 - p.clamp(0.0, 1.0)) * count as f64) as u64;
        self.breakdown_slowest(slowest.clamp(count.min(1), count))
    }

    fn breakdown_slowest(&self, records: u64) -> [f64; C] {
        let mut sums = [0.0; C];
        let mut left = records;
        for coarse in (0..COARSE).rev() {
            let count = self.counts[coarse];
            if count == 0 || left == 0 {
                continue;
            }
            let taken = left.min(count);
            let share = taken as f64 / count as f64;
            for (sum, &time_ns) in sums.iter_mut().zip(&self.sums_ns[coarse]) {
                *sum += time_ns as f64 * share;
            }
            left -= taken;
        }
        if records > 0 {
            sums = sums.map(|sum| sum / records as f64);
        }
        sums
    }
}

impl<const C: usize> Default for CauseHistogram<C> {
    fn default() -> Self {
        Self::new()
    }
}
