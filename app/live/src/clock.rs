//! Clocks: the `now` that the routing library is handed.
//!
//! *Models:* one monotonic clock per deployment, shared by server and load generator, so that a latency is a difference of two
//! of its readings; and a clock set by hand, for feeding a trace. *Leaves out:* clocks of several machines and their drift.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use routing::Timestamp;

/// Where `now` comes from.
pub trait Clock: Debug + Send + Sync {
    /// The time, in nanoseconds since the clock's origin; never less than it was.
    fn now(&self) -> Timestamp;
}

/// The machine's monotonic clock, from 0 at its creation.
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    origin: Instant,
}

impl MonotonicClock {
    /// Starts at 0 now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    /// Real time until `at`; zero if it has passed.
    #[must_use]
    pub fn until(&self, at: Timestamp) -> Duration {
        Duration::from_nanos(at.since(self.now()))
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Timestamp {
        Timestamp(u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands still until it is set.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_ns: AtomicU64,
}

impl ManualClock {
    /// Moves the clock to `now`; it never goes back.
    pub fn set(&self, now: Timestamp) {
        self.now_ns.fetch_max(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now_ns.load(Ordering::SeqCst))
    }
}
