//! Large arrays lie on large pages, where the system gives them on request (Linux).
//!
//! A simulation of a million users reads rows of arrays of many megabytes in no order; with pages of 4 KiB the processor spends
//! some percent of the run looking up where they lie. Blocks of two megabytes and more are therefore offered to the kernel for
//! pages of that size (`madvise`, `MADV_HUGEPAGE`), which may decline. All else is the system's allocator as it is.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator, which asks for large pages under large blocks.
#[derive(Debug)]
pub(crate) struct LargePages;

/// Size of a large page, and of the smallest block that may fill one.
const LARGE: usize = 2 << 20;

#[allow(
    unsafe_code,
    reason = "an allocator is unsafe by its trait; each call is the system's, under the caller's promises"
)]
// SAFETY: every block comes from the system's allocator and returns to it with the layout it was asked for with.
unsafe impl GlobalAlloc for LargePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of the system's allocator.
        offer(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        offer(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        offer(unsafe { System.realloc(block, layout, size) }, size)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Offers the whole pages of a block to the kernel, if it is large, and returns it.
#[cfg(target_os = "linux")]
#[inline]
#[allow(unsafe_code, reason = "advice has no safe form; it changes no content")]
fn offer(block: *mut u8, size: usize) -> *mut u8 {
    const PAGE: usize = 4096;
    if size >= LARGE && !block.is_null() {
        let before = block.align_offset(PAGE);
        let len = (size - before) / PAGE * PAGE;
        // SAFETY: the range lies within the block. Whether the advice is taken does not matter.
        unsafe { libc::madvise(block.add(before).cast(), len, libc::MADV_HUGEPAGE) };
    }
    block
}

#[cfg(not(target_os = "linux"))]
fn offer(block: *mut u8, _: usize) -> *mut u8 {
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_any_size_keep_their_content_when_they_grow() {
        for size in [1, 4096, LARGE - 1, LARGE, 3 * LARGE + 5] {
            let mut block: Vec<u8> = vec![7; size];
            block.reserve_exact(2 * LARGE);
            assert!(block.iter().all(|&byte| byte == 7), "{size}");
            assert!(vec![0_u64; size].iter().all(|&word| word == 0), "{size}");
        }
    }
}
