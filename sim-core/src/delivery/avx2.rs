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
    Batch, HASH_FIRST, HASH_SECOND, JITTER_CELLS, JitterTable, MAX_PART_UNITS, PART_BITS,
    POSITION_BITS, Receipts, SURVIVAL_BITS, positions_fit,
};
use crate::histogram::MAX_UNITS;

const LANES: usize = 8;
const MANTISSA_BITS: i32 = 23 - PART_BITS as i32;

/// Computes as many whole vectors as there are; none without AVX2.
pub(super) fn deliver(batch: &Batch<'_>, jitter: &JitterTable, out: &mut Receipts) -> usize {
    if !std::arch::is_x86_feature_detected!("avx2") || !positions_fit(batch) {
        return 0;
    }
    let len = batch.recipients.len();
    assert!(batch.base_units.len() == len && batch.floor_units.len() == len);
    assert!(out.latency_units.len() == len && out.buckets.len() == len);
    // SAFETY: AVX2 is present, and all five arrays have `len` elements.
    unsafe { deliver_vectors(batch, jitter, out) }
}

/// # Safety
/// Needs AVX2, and arrays of equal lengths in `batch` and `out`.
#[target_feature(enable = "avx2")]
unsafe fn deliver_vectors(batch: &Batch<'_>, jitter: &JitterTable, out: &mut Receipts) -> usize {
    let vectors = batch.recipients.len() / LANES;
    let part_max = _mm256_set1_epi32(MAX_PART_UNITS as i32);
    let wait = _mm256_set1_epi32(batch.wait_units.min(MAX_PART_UNITS) as i32);
    let per_recipient = batch.per_recipient_units_256;
    let steps: [i32; LANES] =
        std::array::from_fn(|i| per_recipient.wrapping_mul(i as u32 + 1) as i32);
    // SAFETY: `steps` holds eight lanes.
    let mut position = unsafe { _mm256_loadu_si256(steps.as_ptr().cast()) };
    let stride = _mm256_set1_epi32(per_recipient.wrapping_mul(LANES as u32) as i32);
    let mut sums = _mm256_setzero_si256();
    let low_halves = _mm256_set1_epi64x(0xffff_ffff);
    for vector in 0..vectors {
        let at = vector * LANES;
        // SAFETY: `at + LANES` does not exceed the common length of the arrays.
        let (ids, base, floor) = unsafe {
            (
                _mm256_loadu_si256(batch.recipients.as_ptr().add(at).cast()),
                _mm256_loadu_si256(batch.base_units.as_ptr().add(at).cast()),
                _mm256_loadu_si256(batch.floor_units.as_ptr().add(at).cast()),
            )
        };
        let drawn = sample(jitter, hash(batch.message_key, ids));
        let written = _mm256_srli_epi32::<{ POSITION_BITS as i32 }>(position);
        position = _mm256_add_epi32(position, stride);
        let early = _mm256_add_epi32(wait, written);
        let late = _mm256_add_epi32(_mm256_min_epu32(base, part_max), drawn);
        let free = _mm256_add_epi32(early, late);
        let floor = _mm256_min_epu32(floor, _mm256_set1_epi32(MAX_UNITS as i32));
        let units = _mm256_max_epu32(free, floor);
        sums = _mm256_add_epi64(sums, _mm256_and_si256(units, low_halves));
        sums = _mm256_add_epi64(sums, _mm256_srli_epi64::<32>(units));
        let packed = pack(buckets(units));
        // SAFETY: `at + LANES` does not exceed the common length of the arrays.
        unsafe {
            _mm256_storeu_si256(out.latency_units.as_mut_ptr().add(at).cast(), units);
            _mm_storeu_si128(out.buckets.as_mut_ptr().add(at).cast(), packed);
        }
    }
    let mut lanes = [0_u64; 4];
    // SAFETY: `lanes` holds 32 bytes.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
    out.sum_units += lanes.iter().sum::<u64>();
    vectors * LANES
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

#[inline]
#[target_feature(enable = "avx2")]
fn sample(jitter: &JitterTable, bits: __m256i) -> __m256i {
    let survival = _mm256_srli_epi32::<{ 32 - SURVIVAL_BITS as i32 }>(bits);
    let survival = _mm256_add_epi32(survival, _mm256_set1_epi32(1));
    let float = _mm256_castps_si256(_mm256_cvtepi32_ps(survival));
    let cell = _mm256_srli_epi32::<MANTISSA_BITS>(float);
    let cell = _mm256_sub_epi32(cell, _mm256_set1_epi32(127 << PART_BITS));
    let cell = _mm256_and_si256(cell, _mm256_set1_epi32(JITTER_CELLS as i32 - 1));
    // SAFETY: the mask keeps every index below the length of the table.
    unsafe { _mm256_i32gather_epi32::<4>(jitter.units.as_ptr().cast(), cell) }
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
