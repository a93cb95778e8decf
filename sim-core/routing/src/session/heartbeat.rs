//! Heartbeats: how a dead peer is noticed.
//!
//! *Models:* every connection beats once per interval; a peer not heard for the timeout is dead. Connections
//! beat in cohorts with evenly spread phases, so that one event serves a cohort and beats never bunch.
//! *Formula:* beats per second = connections / interval; a death is detected between timeout − interval and
//! timeout after it (mean timeout − interval / 2). *Leaves out:* beats saved by other traffic.

use crate::hash;
use crate::ids::{ConnectionId, Timestamp};

/// The heartbeat of a fleet of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Nanoseconds between two beats of a connection.
    pub interval_ns: u64,
    /// Nanoseconds without a beat after which the peer is dead; at least the interval.
    pub timeout_ns: u64,
    /// Groups of connections that beat together.
    pub cohorts: u32,
}

impl Heartbeat {
    /// A heartbeat; the timeout is raised to the interval, the cohorts to 1.
    #[must_use]
    pub fn new(interval_ns: u64, timeout_ns: u64, cohorts: u32) -> Self {
        assert!(interval_ns > 0, "a heartbeat takes time");
        Self {
            interval_ns,
            timeout_ns: timeout_ns.max(interval_ns),
            cohorts: cohorts.max(1),
        }
    }

    /// The cohort of a connection.
    #[must_use]
    pub fn cohort(&self, connection: ConnectionId) -> u32 {
        let hash = hash::hash_u64(hash::DEFAULT_SEED, u64::from(connection.0));
        (hash % u64::from(self.cohorts)) as u32
    }

    /// When in each interval a cohort beats, in nanoseconds after its start.
    #[must_use]
    pub fn phase_ns(&self, cohort: u32) -> u64 {
        (u128::from(self.interval_ns) * u128::from(cohort % self.cohorts)
            / u128::from(self.cohorts)) as u64
    }

    /// The first beat of a cohort at or after `now`.
    #[must_use]
    pub fn next_beat(&self, now: Timestamp, cohort: u32) -> Timestamp {
        let phase = self.phase_ns(cohort);
        let beats = now.0.saturating_sub(phase).div_ceil(self.interval_ns);
        Timestamp(phase).plus(beats.saturating_mul(self.interval_ns))
    }

    /// When a peer last heard at `last` counts as dead.
    #[must_use]
    pub fn deadline(&self, last: Timestamp) -> Timestamp {
        last.plus(self.timeout_ns)
    }

    /// When the death at `died` of a peer in `cohort` is detected, if beats are the only traffic.
    #[must_use]
    pub fn detected_at(&self, died: Timestamp, cohort: u32) -> Timestamp {
        let next = self.next_beat(died.plus(1), cohort);
        next.plus(self.timeout_ns - self.interval_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cohorts_spread_over_the_interval() {
        let beat = Heartbeat::new(1_000, 2_500, 4);
        assert_eq!(
            [0, 1, 2, 3].map(|cohort| beat.phase_ns(cohort)),
            [0, 250, 500, 750]
        );
        assert_eq!(beat.next_beat(Timestamp(250), 1), Timestamp(250));
        assert_eq!(beat.next_beat(Timestamp(251), 1), Timestamp(1_250));
        let mut counts = [0u32; 4];
        (0..4_000).for_each(|id| counts[beat.cohort(ConnectionId(id)) as usize] += 1);
        assert!(
            counts.iter().all(|count| count.abs_diff(1_000) < 120),
            "{counts:?}"
        );
    }

    #[test]
    fn detection_takes_between_timeout_less_interval_and_timeout() {
        let beat = Heartbeat::new(1_000, 2_500, 4);
        for died in 10_000..12_000 {
            let after = beat.detected_at(Timestamp(died), 2).since(Timestamp(died));
            assert!(after > 1_500 && after <= 2_500, "{after}");
        }
        assert_eq!(beat.deadline(Timestamp(5)), Timestamp(2_505));
    }
}
