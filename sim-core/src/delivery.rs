//! The batched delivery kernel: one message, many recipients, one pass in integers.
//!
//! Models: the receipt latency of recipient *i* of a message that one server writes out in order,
//! in units of 128 ns (see [`crate::histogram`]):
//!
//! ```text
//! latency_i = max(floor_i, wait + ⌊(i + 1) · per_recipient / 256⌋ + base_i + jitter(class_i, h_i))
//! h_i       = hash32(message key, recipient id_i)
//! ```
//!
//! `base` is the connection's own one-way delay, `floor` the earliest latency that TCP order
//! allows (the receipt of the message before it), `jitter` a draw keyed to (message, connection) from the
//! distribution of the connection's class: it can be computed again at any time and is never stored. Wait, position and
//! jitter each saturate at 2²⁹ − 1 units (68.7 s), the base at 2²⁵ − 1 (4.3 s).
//!
//! The jitter table is log-linear in the *survival* probability: 24 bits of the hash give
//! v = 1 … 2²⁴, and the cell is the exponent of `f32(v)` and 7 bits of its mantissa; so the far
//! tail has as many cells as the body. Beyond a probability of 2⁻²⁴ the jitter is clipped at its mean there.
//! A cell holds the mean of the distribution over its draws; steps are 1/256 in
//! probability around the median and 1/128 of what remains in the tail.
//!
//! `hash32` is the two-multiplication hash of Ellis ("lowbias32", improved constants) with the
//! two halves of the message key added before each multiplication.
//! On x86-64 with AVX2, found at run time, eight recipients are computed at a time; the plain path
//! gives the same bits. Leaves out: loss and bandwidth, which belong to slow connections with real queues.

use std::sync::Arc;

use crate::histogram::{Histogram, bucket_of, units_of};
use crate::quantile::QuantileTable;
use crate::time::SimDuration;

#[cfg(target_arch = "x86_64")]
mod avx2;

/// What each part of a latency saturates at, in units.
pub const MAX_PART_UNITS: u32 = (1 << 29) - 1;

const SURVIVAL_BITS: u32 = 24;
const PART_BITS: u32 = 7;
/// Power of two, so that an index can be masked.
const JITTER_CELLS: usize = 4_096;
const JITTER_USED: usize = ((SURVIVAL_BITS as usize) << PART_BITS) + 1;
const POSITION_BITS: u32 = 8;

/// Where a recipient is: its one-way delay, and the class that its jitter comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Place(u32);

impl Place {
    /// The longest one-way delay, in units: 4.3 s.
    pub const MAX_BASE_UNITS: u32 = (1 << Self::BASE_BITS) - 1;

    const BASE_BITS: u32 = 25;

    /// How many classes there can be.
    pub const CLASSES: usize = 1 << (u32::BITS - Self::BASE_BITS);

    /// A place `base_units` away (saturating) in a class below [`Self::CLASSES`].
    #[must_use]
    pub fn new(base_units: u32, class: u8) -> Self {
        Self(u32::from(class) << Self::BASE_BITS | base_units.min(Self::MAX_BASE_UNITS))
    }

    /// The one-way delay without jitter, in units.
    #[inline]
    #[must_use]
    pub fn base_units(self) -> u32 {
        self.0 & Self::MAX_BASE_UNITS
    }

    /// The class.
    #[inline]
    #[must_use]
    pub fn class(self) -> u8 {
        (self.0 >> Self::BASE_BITS) as u8
    }
}

/// The jitter distributions of all classes, one table after the other (16 KiB each, shared between clones).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JitterTables {
    units: Arc<[u32]>,
}

impl JitterTables {
    /// The tables of the classes, by class. Panics if there are none, or more than [`Place::CLASSES`].
    pub fn new<'a>(classes: impl IntoIterator<Item = &'a JitterTable>) -> Self {
        let mut units = Vec::new();
        for class in classes {
            units.extend_from_slice(&class.units[..]);
        }
        let count = units.len() / JITTER_CELLS;
        assert!(
            (1..=Place::CLASSES).contains(&count),
            "{count} classes, and 1 to {} fit a place",
            Place::CLASSES
        );
        Self {
            units: units.into(),
        }
    }

    /// The jitter of 32 random bits in a class, in units of 128 ns; longer for smaller numbers. Panics without such a class.
    #[inline]
    pub fn sample(&self, class: u8, bits: u32) -> u32 {
        self.units[usize::from(class) * JITTER_CELLS + jitter_cell(bits) as usize]
    }
}

/// A jitter distribution of one class (16 KiB).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JitterTable {
    units: Box<[u32; JITTER_CELLS]>,
}

impl JitterTable {
    /// The table of a distribution; each cell holds its mean, saturating at [`MAX_PART_UNITS`].
    pub fn new(quantiles: &QuantileTable) -> Self {
        Self::of(|s| quantiles.distribution().survival_quantile_ns(s))
    }

    /// The table of a distribution given by its survival quantiles: the duration, in nanoseconds, that a share `s` exceeds.
    pub fn of(survival_quantile_ns: impl Fn(f64) -> f64) -> Self {
        let mut units = [0; JITTER_CELLS];
        for (cell, value) in units.iter_mut().enumerate().take(JITTER_USED) {
            let mean = mean_between(&survival_quantile_ns, cell_range(cell));
            *value = units_of(mean).min(MAX_PART_UNITS);
        }
        JitterTable {
            units: Box::new(units),
        }
    }
}

/// The cell of 32 random bits. The conversion is signed because that is one instruction.
#[inline]
fn jitter_cell(bits: u32) -> u32 {
    let survival = (bits >> (32 - SURVIVAL_BITS)) + 1;
    ((survival as i32 as f32).to_bits() >> (23 - PART_BITS)) - (127 << PART_BITS)
}

/// The values v of a cell, from and up to (exclusive).
fn cell_range(cell: usize) -> (f64, f64) {
    let start = |cell: usize| {
        let octave = (1_u64 << (cell >> PART_BITS)) as f64;
        let part = (cell & ((1 << PART_BITS) - 1)) as f64;
        libm::ceil(octave * (1.0 + part / f64::from(1 << PART_BITS)))
    };
    (start(cell), start(cell + 1))
}

/// The mean duration over the draws v of `[from, to)`, by the midpoint rule.
fn mean_between(survival_quantile_ns: &impl Fn(f64) -> f64, (from, to): (f64, f64)) -> SimDuration {
    const POINTS: u32 = 16;
    let scale = f64::from(1 << SURVIVAL_BITS);
    let width = (to - from).max(1.0);
    let mut sum = 0.0;
    for point in 0..POINTS {
        let v = from - 1.0 + width * (f64::from(point) + 0.5) / f64::from(POINTS);
        let s = (v / scale).clamp(0.0, 1.0);
        sum += survival_quantile_ns(s);
    }
    SimDuration::from_nanos((sum / f64::from(POINTS)) as u64)
}

/// One message to the recipients of one server.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// From the publication to the start of writing, in units.
    pub wait_units: u32,
    /// Writing time per recipient, in 1/256 units (½ ns).
    pub per_recipient_units_256: u32,
    /// The key of the message's draws.
    pub message_key: u64,
    /// The ids of the recipients in the order of writing.
    pub recipients: &'a [u32],
    /// Per recipient: where it is.
    pub places: &'a [Place],
    /// Per recipient: the earliest latency allowed by order on its connection, in units. Above 2³¹ − 1 it counts as none.
    pub floor_units: &'a [u32],
}

impl Batch<'_> {
    /// Writing time up to and with recipient `index`, in units.
    #[inline]
    #[must_use]
    pub fn position_units(&self, index: usize) -> u32 {
        let position = u64::from(self.per_recipient_units_256) * (index as u64 + 1);
        (position >> POSITION_BITS).min(u64::from(MAX_PART_UNITS)) as u32
    }

    /// Base delay and jitter of recipient `index`, in units.
    #[inline]
    #[must_use]
    pub fn downlink_units(&self, jitter: &JitterTables, index: usize) -> u32 {
        let place = self.places[index];
        let bits = hash32(self.message_key, self.recipients[index]);
        place.base_units() + jitter.sample(place.class(), bits)
    }
}

/// What the kernel computes, in the order of the recipients; kept by the caller and reused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipts {
    /// Latency of each recipient, in units.
    pub latency_units: Vec<u32>,
    /// Histogram bucket of each latency.
    pub buckets: Vec<u16>,
    /// The sum of all latencies, in units.
    pub sum_units: u64,
}

/// Which code computes the receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// One recipient at a time, on any machine.
    Plain,
    /// Eight recipients at a time.
    Avx2,
}

impl Kernel {
    /// The fastest kernel of this machine. Both give the same bits.
    pub fn detect() -> Self {
        if Self::avx2_available() {
            Kernel::Avx2
        } else {
            Kernel::Plain
        }
    }

    /// Whether this machine has AVX2.
    pub fn avx2_available() -> bool {
        #[cfg(target_arch = "x86_64")]
        return std::arch::is_x86_feature_detected!("avx2");
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Computes the receipts of a batch. Panics if the batch's arrays differ in length or a class has no jitter table.
    pub fn deliver(self, batch: &Batch<'_>, jitter: &JitterTables, out: &mut Receipts) {
        let len = batch.recipients.len();
        assert!(
            batch.places.len() == len && batch.floor_units.len() == len,
            "a batch has a place and a floor per recipient"
        );
        out.latency_units.resize(len, 0);
        out.buckets.resize(len, 0);
        out.sum_units = 0;
        let done = self.deliver_vectors(batch, jitter, out);
        deliver_plain(batch, jitter, done, out);
    }

    /// Computes the receipts of a batch and counts them.
    pub fn deliver_into(
        self,
        batch: &Batch<'_>,
        jitter: &JitterTables,
        out: &mut Receipts,
        histogram: &mut Histogram,
    ) {
        self.deliver(batch, jitter, out);
        histogram.record_buckets(&out.buckets, out.sum_units);
    }

    /// Computes as many whole vectors as there are and returns the number of recipients done.
    fn deliver_vectors(
        self,
        batch: &Batch<'_>,
        jitter: &JitterTables,
        out: &mut Receipts,
    ) -> usize {
        match self {
            Kernel::Plain => 0,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => avx2::deliver(batch, jitter, out),
            #[cfg(not(target_arch = "x86_64"))]
            Kernel::Avx2 => 0,
        }
    }
}

/// 32 random bits of a message and a recipient.
#[inline]
pub fn hash32(message_key: u64, recipient: u32) -> u32 {
    let x = recipient ^ message_key as u32;
    let x = (x ^ x >> 16).wrapping_mul(HASH_FIRST);
    let x = (x ^ x >> 15)
        .wrapping_add((message_key >> 32) as u32)
        .wrapping_mul(HASH_SECOND);
    x ^ x >> 15
}

const HASH_FIRST: u32 = 0x21f0_aaad;
const HASH_SECOND: u32 = 0xd35a_2d97;

/// Whether positions of this batch fit 32 bits, as fast code needs.
fn positions_fit(batch: &Batch<'_>) -> bool {
    batch.recipients.len() as u64 * u64::from(batch.per_recipient_units_256) <= u64::from(u32::MAX)
}

/// Recipients per stage of a kernel; each stage is a loop that compilers vectorise.
const BLOCK: usize = 64;

fn deliver_plain(batch: &Batch<'_>, jitter: &JitterTables, from: usize, out: &mut Receipts) {
    let len = batch.recipients.len();
    let mut at = from;
    while at + BLOCK <= len {
        deliver_block::<BLOCK>(batch, jitter, at, out);
        at += BLOCK;
    }
    for at in at..len {
        deliver_block::<1>(batch, jitter, at, out);
    }
}

/// The recipients `at..at + N`, stage by stage.
#[inline]
fn deliver_block<const N: usize>(
    batch: &Batch<'_>,
    jitter: &JitterTables,
    at: usize,
    out: &mut Receipts,
) {
    let mut units = [0; N];
    let places = &batch.places[at..at + N];
    let ids = &batch.recipients[at..at + N];
    for ((cell, &id), place) in units.iter_mut().zip(ids).zip(places) {
        *cell = (place.0 >> Place::BASE_BITS) * JITTER_CELLS as u32
            + jitter_cell(hash32(batch.message_key, id));
    }
    for cell in &mut units {
        *cell = jitter.units[*cell as usize];
    }
    for (units, place) in units.iter_mut().zip(places) {
        *units += place.base_units();
    }
    let wait = batch.wait_units.min(MAX_PART_UNITS);
    if positions_fit(batch) {
        let per_recipient = batch.per_recipient_units_256;
        let mut position = per_recipient.wrapping_mul(at as u32 + 1);
        for units in &mut units {
            *units += wait + (position >> POSITION_BITS);
            position = position.wrapping_add(per_recipient);
        }
    } else {
        for (i, units) in units.iter_mut().enumerate() {
            *units += wait + batch.position_units(at + i);
        }
    }
    let latencies = &mut out.latency_units[at..at + N];
    let mut sum = 0;
    for ((latency, units), &floor) in latencies
        .iter_mut()
        .zip(units)
        .zip(&batch.floor_units[at..at + N])
    {
        // Signed, since that is one comparison less on plain machines.
        *latency = (units as i32).max(floor as i32) as u32;
        sum += u64::from(*latency);
    }
    for (bucket, &units) in out.buckets[at..at + N].iter_mut().zip(&*latencies) {
        *bucket = bucket_of(units) as u16;
    }
    out.sum_units += sum;
}
