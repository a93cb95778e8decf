//! The delivery kernel for eight recipients at a time, with AVX2.
//!
//! Models: exactly the plain kernel, operation by operation in 32-bit integer lanes; the one
//! conversion to `f32` is of integers below 2²⁴ or truncated to 24 bits, hence exact.
//! Leaves out: batches whose positions exceed 32 bits, and the last few recipients: the plain
//! kernel takes those.
#![allow(
    unsafe_code,
    reason = "vector loads, gathers and stores; twice as fast"
)]

use std::arch::x86_64::*;

use super::{
    BLOCK, Batch, HASH_FIRST, HASH_SECOND, JITTER_CELLS, JitterTables, MAX_PART_UNITS, PART_BITS,
    POSITION_BITS, Place, Receipts, SURVIVAL_BITS, positions_fit,
};

const LANES: usize = 8;
const MANTISSA_BITS: i32 = 23 - PART_BITS as i32;

/// Computes as many whole blocks as there are, then whole vectors; none without AVX2.
pub(super) fn deliver(batch: &Batch<'_>, jitter: &JitterTables, out: &mut Receipts) -> usize {
    if !std::arch::is_x86_feature_detected!("avx2") || !positions_fit(batch) {
        return 0;
    }
    let len = batch.recipients.len();
    assert!(batch.places.len() == len && batch.floor_units.len() == len);
    assert!(out.latency_units.len() == len && out.buckets.len() == len);
    let mut at = 0;
    while at + BLOCK <= len {
        // SAFETY: AVX2 is present, all five arrays have `len` elements, and the block lies within them.
        unsafe { deliver_block::<BLOCK>(batch, jitter, at, out) };
        at += BLOCK;
    }
    while at + LANES <= len {
        // SAFETY: as above.
        unsafe { deliver_block::<LANES>(batch, jitter, at, out) };
        at += LANES;
    }
    at
}

/// The recipients `at..at + N`. Tables are looked up one by one: gathers are no faster where they are good, and far slower
/// where they are not.
///
/// # Safety
/// Needs AVX2, `N` a multiple of eight, and arrays of at least `at + N` elements in `batch` and `out`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn deliver_block<const N: usize>(
    batch: &Batch<'_>,
    jitter: &JitterTables,
    at: usize,
    out: &mut Receipts,
) {
    let mut cells = [0_u32; N];
    let base_mask = _mm256_set1_epi32(Place::MAX_BASE_UNITS as i32);
    for vector in 0..N / LANES {
        let here = vector * LANES;
        // SAFETY: `at + here + LANES` does not exceed the length of the arrays, nor `here + LANES` that of `cells`.
        unsafe {
            let ids = _mm256_loadu_si256(batch.recipients.as_ptr().add(at + here).cast());
            let places = _mm256_loadu_si256(batch.places.as_ptr().add(at + here).cast());
            let cell = cell_of(hash(batch.message_key, ids), places);
            _mm256_storeu_si256(cells.as_mut_ptr().add(here).cast(), cell);
        }
    }
    for cell in &mut cells {
        *cell = jitter.units[*cell as usize];
    }
    let wait = _mm256_set1_epi32(batch.wait_units.min(MAX_PART_UNITS) as i32);
    let per_recipient = batch.per_recipient_units_256;
    let steps: [i32; LANES] =
        std::array::from_fn(|i| per_recipient.wrapping_mul((at + i + 1) as u32) as i32);
    // SAFETY: `steps` holds eight lanes.
    let mut position = unsafe { _mm256_loadu_si256(steps.as_ptr().cast()) };
    let stride = _mm256_set1_epi32(per_recipient.wrapping_mul(LANES as u32) as i32);
    let mut sums = _mm256_setzero_si256();
    let low_halves = _mm256_set1_epi64x(0xffff_ffff);
    for vector in 0..N / LANES {
        let here = vector * LANES;
        // SAFETY: `at + here + LANES` does not exceed the length of the arrays, nor `here + LANES` that of `cells`.
        let (drawn, places, floor) = unsafe {
            (
                _mm256_loadu_si256(cells.as_ptr().add(here).cast()),
                _mm256_loadu_si256(batch.places.as_ptr().add(at + here).cast()),
                _mm256_loadu_si256(batch.floor_units.as_ptr().add(at + here).cast()),
            )
        };
        let written = _mm256_srli_epi32::<{ POSITION_BITS as i32 }>(position);
        position = _mm256_add_epi32(position, stride);
        let early = _mm256_add_epi32(wait, written);
        let late = _mm256_add_epi32(_mm256_and_si256(places, base_mask), drawn);
        let free = _mm256_add_epi32(early, late);
        let units = _mm256_max_epi32(free, floor);
        sums = _mm256_add_epi64(sums, _mm256_and_si256(units, low_halves));
        sums = _mm256_add_epi64(sums, _mm256_srli_epi64::<32>(units));
        let packed = pack(buckets(units));
        // SAFETY: `at + here + LANES` does not exceed the length of the arrays.
        unsafe {
            _mm256_storeu_si256(out.latency_units.as_mut_ptr().add(at + here).cast(), units);
            _mm_storeu_si128(out.buckets.as_mut_ptr().add(at + here).cast(), packed);
        }
    }
    let mut lanes = [0_u64; 4];
    // SAFETY: `lanes` holds 32 bytes.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
    out.sum_units += lanes.iter().sum::<u64>();
}

#[inline]
#[target_feature(enable = "avx2")]
fn hash(message_key: u64, ids: __m256i) -> __m256i {
    let low = _mm256_set1_epi32(message_key as u32 as i32);
    let high = _mm256_set1_epi32((message_key >> 32) as u32 as i32);
    let x = _mm256_xor_si256(ids, low);
    let x = _mm256_xor_si256(x, _mm256_srli_epi32::<16>(x));
    let x = _mm256_mullo_epi32(x, _mm256_set1_epi32(HASH_FIRST as i32));
    let x = _mm256_xor_si256(x, _mm256_srli_epi32::<15>(x));
    let x = _mm256_add_epi32(x, high);
    let x = _mm256_mullo_epi32(x, _mm256_set1_epi32(HASH_SECOND as i32));
    _mm256_xor_si256(x, _mm256_srli_epi32::<15>(x))
}

/// The cells of eight draws in the tables of their classes, one table after the other.
#[inline]
#[target_feature(enable = "avx2")]
fn cell_of(bits: __m256i, places: __m256i) -> __m256i {
    let survival = _mm256_srli_epi32::<{ 32 - SURVIVAL_BITS as i32 }>(bits);
    let survival = _mm256_add_epi32(survival, _mm256_set1_epi32(1));
    let float = _mm256_castps_si256(_mm256_cvtepi32_ps(survival));
    let cell = _mm256_srli_epi32::<MANTISSA_BITS>(float);
    let cell = _mm256_sub_epi32(cell, _mm256_set1_epi32(127 << PART_BITS));
    let class = _mm256_srli_epi32::<{ Place::BASE_BITS as i32 }>(places);
    let table = _mm256_slli_epi32::<{ JITTER_CELLS.trailing_zeros() as i32 }>(class);
    _mm256_add_epi32(table, cell)
}

#[inline]
#[target_feature(enable = "avx2")]
fn buckets(units: __m256i) -> __m256i {
    let truncated = _mm256_andnot_si256(_mm256_srli_epi32::<24>(units), units);
    let truncated = _mm256_max_epi32(truncated, _mm256_set1_epi32(1));
    let float = _mm256_castps_si256(_mm256_cvtepi32_ps(truncated));
    let bucket = _mm256_srli_epi32::<MANTISSA_BITS>(float);
    _mm256_sub_epi32(bucket, _mm256_set1_epi32(127 << PART_BITS))
}

/// Eight numbers below 2¹⁶ in 16 bits each.
#[inline]
#[target_feature(enable = "avx2")]
fn pack(lanes: __m256i) -> __m128i {
    let halves = _mm256_packus_epi32(lanes, lanes);
    _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b00_00_10_00>(halves))
}
