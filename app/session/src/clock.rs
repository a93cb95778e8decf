//! Wall and CPU clocks: what the core may not have.
//!
//! CPU time is the calling thread's own (`CLOCK_THREAD_CPUTIME_ID`), so that runs side by side do not count each other's
//! work. Where there is no such clock, wall time stands in for it.

use std::time::{Duration, Instant};

/// Measures wall and CPU time of the thread it was started on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    wall: Instant,
    cpu: Option<Duration>,
}

impl Stopwatch {
    /// Starts now.
    pub(crate) fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: thread_cpu_time(),
        }
    }

    /// Wall seconds since the start.
    pub(crate) fn wall_s(&self) -> f64 {
        self.wall.elapsed().as_secs_f64()
    }

    /// CPU seconds this thread has used since the start.
    pub(crate) fn cpu_s(&self) -> f64 {
        match (self.cpu, thread_cpu_time()) {
            (Some(before), Some(now)) => now.saturating_sub(before).as_secs_f64(),
            _ => self.wall_s(),
        }
    }
}

/// A wall time by which something must be done, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// `within` from now.
    pub(crate) fn after(within: Option<Duration>) -> Self {
        Self(within.and_then(|span| Instant::now().checked_add(span)))
    }

    /// Whether it has passed.
    pub(crate) fn has_passed(self) -> bool {
        self.0.is_some_and(|at| Instant::now() >= at)
    }
}

/// Says yes at most once per interval, the first time at once.
#[derive(Debug)]
pub(crate) struct Throttle {
    interval: Duration,
    next: Option<Instant>,
}

impl Throttle {
    /// One yes per `interval`.
    pub(crate) fn every(interval: Duration) -> Self {
        Self {
            interval,
            next: None,
        }
    }

    /// Whether it is time again.
    pub(crate) fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = self.next.is_none_or(|next| now >= next);
        if due {
            self.next = now.checked_add(self.interval);
        }
        due
    }
}

#[cfg(unix)]
fn thread_cpu_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(Duration::new(
        u64::try_from(time.tv_sec).ok()?,
        u32::try_from(time.tv_nsec).ok()?,
    ))
}

#[cfg(not(unix))]
fn thread_cpu_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_cpu_time_and_waiting_does_not() {
        let watch = Stopwatch::start();
        std::thread::sleep(Duration::from_millis(30));
        assert!(watch.wall_s() >= 0.03);
        assert!(cfg!(not(unix)) || watch.cpu_s() < 0.03);
        let mut sum = 0u64;
        while watch.cpu_s() < 0.01 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }

    #[test]
    fn deadlines_pass_and_throttles_hold_back() {
        assert!(!Deadline::after(None).has_passed());
        assert!(Deadline::after(Some(Duration::ZERO)).has_passed());
        let mut throttle = Throttle::every(Duration::from_secs(3600));
        assert!(throttle.is_due());
        assert!(!throttle.is_due());
    }
}
