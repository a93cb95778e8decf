//! From checked values to the policy types of crate `routing`, whose times are plain nanoseconds.

use routing::session::{ReconnectPolicy, SlowConsumer};

use crate::time::SimDuration;

use super::raw::RawSlowConsumer;

/// The same wait each time.
pub fn fixed(delay: SimDuration) -> ReconnectPolicy {
    ReconnectPolicy::Fixed {
        delay_ns: delay.as_nanos(),
    }
}

/// Doubling waits without jitter.
pub fn exponential(base: SimDuration, cap: SimDuration) -> ReconnectPolicy {
    ReconnectPolicy::Exponential {
        base_ns: base.as_nanos(),
        cap_ns: cap.as_nanos(),
    }
}

/// Half of the doubling wait, and up to the other half.
pub fn equal_jitter(base: SimDuration, cap: SimDuration, spread: SimDuration) -> ReconnectPolicy {
    ReconnectPolicy::EqualJitter {
        base_ns: base.as_nanos(),
        cap_ns: cap.as_nanos(),
        spread_first_ns: spread.as_nanos(),
    }
}

/// Anything up to the doubling wait.
pub fn full_jitter(base: SimDuration, cap: SimDuration, spread: SimDuration) -> ReconnectPolicy {
    ReconnectPolicy::FullJitter {
        base_ns: base.as_nanos(),
        cap_ns: cap.as_nanos(),
        spread_first_ns: spread.as_nanos(),
    }
}

/// Anything between the base and three times the wait before.
pub fn decorrelated(base: SimDuration, cap: SimDuration, spread: SimDuration) -> ReconnectPolicy {
    ReconnectPolicy::Decorrelated {
        base_ns: base.as_nanos(),
        cap_ns: cap.as_nanos(),
        spread_first_ns: spread.as_nanos(),
    }
}

/// What happens when an outbound queue is full.
pub fn slow_consumer(raw: RawSlowConsumer) -> SlowConsumer {
    match raw {
        RawSlowConsumer::Disconnect => SlowConsumer::Disconnect,
        RawSlowConsumer::DropOldest => SlowConsumer::DropOldest,
        RawSlowConsumer::DropNewest => SlowConsumer::DropNewest,
        RawSlowConsumer::Conflate => SlowConsumer::Conflate,
    }
}
