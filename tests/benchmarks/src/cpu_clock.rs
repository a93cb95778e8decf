//! CPU time of this thread. Models nothing; a busy machine hardly disturbs it.
#![allow(
    unsafe_code,
    reason = "one system call without a safe form in the standard library"
)]

/// CPU time that this thread has used, in nanoseconds.
pub fn cpu_time_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is valid for writing, and the call keeps no reference to it.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "no clock of the thread's CPU time");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The CPU time of `work` per item, in nanoseconds.
pub fn ns_per_item(items: u64, work: impl FnOnce()) -> f64 {
    let start = cpu_time_ns();
    work();
    (cpu_time_ns() - start) as f64 / items as f64
}
