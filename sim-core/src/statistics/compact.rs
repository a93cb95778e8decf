//! A histogram that spends memory only on the buckets it has seen.
//!
//! Models: the buckets of [`crate::histogram`], but only the span between the shortest and the longest latency seen, in steps of
//! 64, and 32-bit counts: some 5 KiB where a full histogram takes 32. A count that outgrows 32 bits moves
//! 2³¹ into a list on the side, so counts stay exact. Removal undoes recording; two histograms with the same content are equal
//! whatever way they came to it.
//! Leaves out: everything but counts and their sum.

use crate::histogram::{BUCKETS, MAX_UNITS, UNIT_NS, bucket_high, bucket_low, bucket_of};

/// Buckets the span grows by.
const STEP: usize = 64;
/// What a full count hands over to the list.
const CARRY: u32 = 1 << 31;

/// Counts of latencies by bucket, and their sum in units of 128 ns.
#[derive(Clone, Debug, Default)]
pub struct CompactHistogram {
    /// The bucket of the first count.
    first: usize,
    counts: Vec<u32>,
    /// (bucket, multiples of [`CARRY`]), in no order, almost always empty.
    carries: Vec<(u16, u32)>,
    count: u64,
    sum_units: u64,
}

impl CompactHistogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one latency whose bucket is known.
    #[inline]
    pub fn record(&mut self, bucket: u16, units: u32) {
        debug_assert_eq!(usize::from(bucket), bucket_of(units.min(MAX_UNITS)));
        let at = usize::from(bucket).wrapping_sub(self.first);
        match self.counts.get_mut(at) {
            Some(count) if *count < u32::MAX => *count += 1,
            _ => self.add(usize::from(bucket), 1),
        }
        self.count += 1;
        self.sum_units += u64::from(units);
    }

    /// Adds latencies whose buckets are known, and their sum: what the delivery kernel computes for one batch.
    #[inline]
    pub fn record_all(&mut self, buckets: &[u16], sum_units: u64) {
        for &bucket in buckets {
            let at = usize::from(bucket).wrapping_sub(self.first);
            match self.counts.get_mut(at) {
                Some(count) if *count < u32::MAX => *count += 1,
                _ => self.add(usize::from(bucket), 1),
            }
        }
        self.count += buckets.len() as u64;
        self.sum_units += sum_units;
    }

    /// Takes one latency out again. Panics if its bucket is empty.
    pub fn remove(&mut self, units: u32) {
        let bucket = bucket_of(units.min(MAX_UNITS));
        let at = bucket.wrapping_sub(self.first);
        let count = self.counts.get_mut(at);
        let count = count.expect("a latency removed that was never recorded");
        if *count == 0 {
            let carry = self
                .carries
                .iter_mut()
                .find(|(b, n)| usize::from(*b) == bucket && *n > 0);
            let carry = carry.expect("a latency removed that was never recorded");
            carry.1 -= 1;
            *count = CARRY;
        }
        *count -= 1;
        self.count -= 1;
        self.sum_units -= u64::from(units);
    }

    /// Adds everything in `other`.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.used() {
            self.add(bucket, count);
        }
        self.count += other.count;
        self.sum_units += other.sum_units;
    }

    /// How many latencies are recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum in units of 128 ns.
    #[must_use]
    pub fn sum_units(&self) -> u64 {
        self.sum_units
    }

    /// The mean in milliseconds; `None` without records.
    #[must_use]
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| ms(self.sum_units as f64 / self.count as f64))
    }

    /// The latency in milliseconds at or below which a share `p` of the records lies: linear in the rank within a bucket, which
    /// is at most 0.79 % wide. `None` without records.
    #[must_use]
    pub fn quantile_ms(&self, p: f64) -> Option<f64> {
        let rank = p.clamp(0.0, 1.0) * self.count as f64;
        let mut before = 0.0;
        let mut last = None;
        for (bucket, count) in self.used() {
            let count = count as f64;
            let (low, high) = edges(bucket);
            if before + count >= rank {
                return Some(ms(low + (high - low) * ((rank - before) / count).max(0.0)));
            }
            before += count;
            last = Some(ms(high));
        }
        last
    }

    /// How many records lie above `latency_ms`, a bucket's records spread evenly over it: the inverse of
    /// [`Self::quantile_ms`].
    #[must_use]
    pub fn count_above_ms(&self, latency_ms: f64) -> f64 {
        let units = latency_ms * 1e6 / UNIT_NS as f64;
        let mut above = 0.0;
        for (bucket, count) in self.used() {
            let (low, high) = edges(bucket);
            above += count as f64 * ((high - units) / (high - low)).clamp(0.0, 1.0);
        }
        above
    }

    /// The used buckets, ascending, with their counts.
    pub fn used(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let counts = self.counts.iter().enumerate();
        counts
            .map(move |(at, &count)| {
                let bucket = self.first + at;
                (bucket, u64::from(count) + self.carried(bucket))
            })
            .filter(|&(_, count)| count > 0)
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u32>()
            + self.carries.capacity() * size_of::<(u16, u32)>()
    }

    fn carried(&self, bucket: usize) -> u64 {
        let own = self
            .carries
            .iter()
            .filter(|(b, _)| usize::from(*b) == bucket);
        own.map(|(_, n)| u64::from(*n) * u64::from(CARRY)).sum()
    }

    /// Adds to a bucket's count alone.
    #[cold]
    fn add(&mut self, bucket: usize, count: u64) {
        self.cover(bucket);
        let cell = &mut self.counts[bucket - self.first];
        let sum = u64::from(*cell) + count;
        if sum < u64::from(CARRY) {
            *cell = sum as u32;
            return;
        }
        let carry = sum / u64::from(CARRY) - 1;
        *cell = (sum - carry * u64::from(CARRY)) as u32;
        if let Some(own) = self
            .carries
            .iter_mut()
            .find(|(b, _)| usize::from(*b) == bucket)
        {
            own.1 += carry as u32;
        } else if carry > 0 {
            self.carries.push((bucket as u16, carry as u32));
        }
    }

    /// Extends the span to hold a bucket.
    fn cover(&mut self, bucket: usize) {
        let low = bucket / STEP * STEP;
        let high = (low + STEP).min(BUCKETS);
        if self.counts.is_empty() {
            self.first = low;
            self.counts = vec![0; high - low];
            return;
        }
        if low < self.first {
            let mut counts = vec![0; self.first - low];
            counts.append(&mut self.counts);
            self.counts = counts;
            self.first = low;
        }
        if high > self.first + self.counts.len() {
            let len = high - self.first;
            self.counts.reserve_exact(len - self.counts.len());
            self.counts.resize(len, 0);
        }
    }
}

impl PartialEq for CompactHistogram {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count
            && self.sum_units == other.sum_units
            && self.used().eq(other.used())
    }
}

impl Eq for CompactHistogram {}

/// The lower and upper end of what rounds into a bucket, in units.
fn edges(bucket: usize) -> (f64, f64) {
    let low = if bucket == 0 {
        0.0
    } else {
        bucket_low(bucket) as f64 - 0.5
    };
    (low, bucket_high(bucket) as f64 + 0.5)
}

/// The ends, in milliseconds, of the bucket that a latency falls into.
pub(super) fn bucket_around_ms(latency_ms: f64) -> (f64, f64) {
    let units = libm::round(latency_ms * 1e6 / UNIT_NS as f64).clamp(0.0, f64::from(MAX_UNITS));
    let (low, high) = edges(bucket_of(units as u32));
    (ms(low), ms(high))
}

/// Units as milliseconds.
pub(super) fn ms(units: f64) -> f64 {
    units * UNIT_NS as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::{Draws, Purpose};
    use crate::histogram::Histogram;
    use crate::time::SimDuration;

    const P: Purpose = Purpose::named("test/compact");

    fn record(histogram: &mut CompactHistogram, units: u32) {
        histogram.record(bucket_of(units) as u16, units);
    }

    #[test]
    fn agrees_with_the_full_histogram_and_undoes_what_it_did() {
        let draws = Draws::new(5);
        let units =
            |i| 1 + (draws.exp(P, 0, i, SimDuration::from_millis(3)).as_nanos() / 128) as u32;
        let mut compact = CompactHistogram::new();
        let mut full = Histogram::new();
        for i in 0..50_000 {
            record(&mut compact, units(i));
            full.record_units(units(i), 1);
        }
        assert_eq!(
            (compact.count(), compact.sum_units()),
            (full.count(), full.sum_units())
        );
        for p in [0.01, 0.5, 0.9, 0.99, 0.999] {
            let (ours, theirs) = (compact.quantile_ms(p).unwrap(), full.quantile(p).unwrap());
            assert!((ours / theirs.as_millis_f64() - 1.0).abs() < 0.008, "{p}");
            let above = compact.count_above_ms(ours) / 50_000.0;
            assert!((above - (1.0 - p)).abs() < 1e-9);
        }
        let before = compact.clone();
        for i in 50_000..60_000 {
            record(&mut compact, units(i) * 3);
        }
        assert_ne!(compact, before);
        for i in 50_000..60_000 {
            compact.remove(units(i) * 3);
        }
        assert_eq!(compact, before);
        assert!(compact.heap_bytes() < 10_000);
    }

    #[test]
    fn a_batch_is_the_sum_of_its_latencies() {
        let units = [5, 900_000, 77, 5, 2_000_000_000];
        let (mut one_by_one, mut at_once) = (CompactHistogram::new(), CompactHistogram::new());
        units
            .iter()
            .for_each(|&units| record(&mut one_by_one, units));
        let buckets: Vec<u16> = units.iter().map(|&units| bucket_of(units) as u16).collect();
        at_once.record_all(&buckets, units.iter().map(|&units| u64::from(units)).sum());
        assert_eq!(one_by_one, at_once);
        assert_eq!(at_once.used().count(), 4);
    }

    #[test]
    fn counts_beyond_32_bits_are_exact() {
        let mut half = CompactHistogram::new();
        half.add(700, u64::from(u32::MAX));
        half.count = u64::from(u32::MAX);
        let mut sum = half.clone();
        for _ in 0..5 {
            sum.merge(&half);
        }
        assert_eq!(sum.used().next(), Some((700, 6 * u64::from(u32::MAX))));
        let units = bucket_low(700) as u32;
        sum.sum_units = 3 * u64::from(units);
        for _ in 0..3 {
            sum.remove(units);
        }
        record(&mut sum, units);
        assert_eq!(sum.used().next(), Some((700, 6 * u64::from(u32::MAX) - 2)));
    }

    #[test]
    #[should_panic(expected = "never recorded")]
    fn what_was_not_recorded_cannot_be_removed() {
        CompactHistogram::new().remove(9);
    }
}
