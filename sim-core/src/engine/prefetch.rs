//! Asks the processor for state before an event needs it.
//!
//! Models: nothing; a hint. With a million pending events each touches rows nobody has read for
//! long, and waiting for memory is most of what an event costs. The next few events are known, so
//! their rows can be on the way while earlier events are handled.

/// Begins to load `rows[index]` into the caches; does nothing where there is no such row or the
/// machine has no such instruction. Never changes a result.
#[inline]
#[allow(
    unsafe_code,
    reason = "the instruction has no safe form; it reads no memory that the program can see"
)]
pub fn prefetch<T>(rows: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(row) = rows.get(index) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch of any address is defined; this one is that of a living row.
        for line in 0..size_of::<T>().div_ceil(64) {
            let at = std::ptr::from_ref(row).cast::<i8>().wrapping_add(line * 64);
            unsafe { _mm_prefetch::<_MM_HINT_T0>(at) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (rows, index);
}
