//! From checked values to the policy types of crate `routing`, whose times are plain nanoseconds.

use routing::session::{Backoff, ReconnectPolicy, SlowConsumer};

use crate::time::SimDuration;

use super::raw::RawSlowConsumer;

/// How clients come back; a spread of zero means that the first try comes at once.
pub fn reconnect(
    backoff: Backoff,
    base: SimDuration,
    cap: SimDuration,
    spread_first: SimDuration,
) -> ReconnectPolicy {
    let policy = ReconnectPolicy::new(backoff, base.as_nanos(), cap.as_nanos());
    if spread_first.is_zero() {
        policy
    } else {
        policy.spread_first(spread_first.as_nanos())
    }
}

/// What happens when an outbound queue is full.
pub fn slow_consumer(raw: RawSlowConsumer) -> SlowConsumer {
    match raw {
        RawSlowConsumer::Disconnect => SlowConsumer::Disconnect,
        RawSlowConsumer::DropOldest => SlowConsumer::DropOldest,
        RawSlowConsumer::DropNewest => SlowConsumer::DropNewest,
        RawSlowConsumer::ConflateByKey => SlowConsumer::ConflateByKey,
        RawSlowConsumer::Block => SlowConsumer::Block,
    }
}
