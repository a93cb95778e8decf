//! Sessions: where a reader reads, so that it sees its own writes and never goes back in time.
//!
//! *Models:* replicas (or projections) that have applied a log up to an offset each; a session that knows the
//! end of its last write and the end of what it has read. Without a promise a read takes the replica that a
//! balancer picked. *Sticky*: for a while after a write a session reads at the primary. *Wait for offset*: the
//! picked replica answers once it has applied the session's write. Monotonic reads need a replica that has what
//! the session has read: the picked one, or one that has, or the picked one after waiting. *Formula:* a read Δ
//! after its write is stale with probability e^(−Δ/L) for exponential lag of mean L, and then waits L on
//! average for the offset. *Property:* with a promise no read breaks it (sticky: while the lag is below the
//! time it sticks). *Leaves out:* a session that moves to another device without its token. *Source:* D. Terry
//! et al. (PDIS 1994).

use crate::ids::Timestamp;
use crate::log::LogOffset;

/// How a session sees its own writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReadYourWrites {
    /// It may not.
    #[default]
    None,
    /// It reads at the primary for so long after a write.
    Sticky {
        /// In nanoseconds.
        window_ns: u64,
    },
    /// Its read waits until the replica has the write.
    WaitOffset,
}

/// What is promised to a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReadPolicy {
    /// Of its own writes.
    pub own_writes: ReadYourWrites,
    /// That it never reads an older state than before.
    pub monotonic: bool,
}

/// What a session has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The end of the log after its last write.
    written: LogOffset,
    written_at: Option<Timestamp>,
    /// How far the replicas were that it has read.
    read: LogOffset,
}

/// Where a read goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadRoute {
    /// To a replica, at once.
    Replica(usize),
    /// To a replica, which answers when it has applied the log up to this end.
    Wait {
        /// Which.
        replica: usize,
        /// The end it must have reached.
        until: LogOffset,
    },
    /// To the primary.
    Primary,
}

impl Session {
    /// A session that has done nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// It wrote; the log ends there now (one past the write's own offset).
    pub fn wrote(&mut self, now: Timestamp, end: LogOffset) {
        self.written = self.written.max(end);
        self.written_at = Some(now);
    }

    /// It read a replica that had applied the log up to `applied`.
    pub fn has_read(&mut self, applied: LogOffset) {
        self.read = self.read.max(applied);
    }

    /// Whether what a replica shows lacks the session's own last write.
    #[must_use]
    pub fn misses_own_write(&self, applied: LogOffset) -> bool {
        applied < self.written
    }

    /// Whether what a replica shows is older than what the session has read.
    #[must_use]
    pub fn goes_back(&self, applied: LogOffset) -> bool {
        applied < self.read
    }
}

impl ReadPolicy {
    /// Where a session reads at `now`; `applied` is how far each replica is, `picked` the one that a balancer
    /// chose. Without replicas everybody reads at the primary.
    #[must_use]
    pub fn route(
        &self,
        now: Timestamp,
        session: &Session,
        applied: &[LogOffset],
        picked: usize,
    ) -> ReadRoute {
        let Some(&of_picked) = applied.get(picked) else {
            return ReadRoute::Primary;
        };
        let mut needed = LogOffset(0);
        match (self.own_writes, session.written_at) {
            (ReadYourWrites::Sticky { window_ns }, Some(at)) if now.since(at) < window_ns => {
                return ReadRoute::Primary;
            }
            (ReadYourWrites::WaitOffset, Some(_)) => needed = session.written,
            _ => {}
        }
        if self.monotonic {
            needed = needed.max(session.read);
        }
        if of_picked >= needed {
            return ReadRoute::Replica(picked);
        }
        // For its own write a session waits where it was sent; for what it has read elsewhere another replica
        // will do.
        let waits_for_write = self.own_writes == ReadYourWrites::WaitOffset;
        let other = applied.iter().position(|end| *end >= needed);
        match other.filter(|_| !waits_for_write) {
            Some(replica) => ReadRoute::Replica(replica),
            None => ReadRoute::Wait {
                replica: picked,
                until: needed,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_promise_finds_its_way() {
        let mut session = Session::new();
        session.wrote(Timestamp(100), LogOffset(8));
        session.has_read(LogOffset(6));
        let applied = [5, 6, 9].map(LogOffset);
        let route = |own_writes, monotonic, now, picked| {
            let policy = ReadPolicy {
                own_writes,
                monotonic,
            };
            policy.route(Timestamp(now), &session, &applied, picked)
        };
        let sticky = ReadYourWrites::Sticky { window_ns: 50 };
        let wait = |until| ReadRoute::Wait {
            replica: 0,
            until: LogOffset(until),
        };
        assert_eq!(
            route(ReadYourWrites::None, false, 100, 0),
            ReadRoute::Replica(0)
        );
        assert_eq!(
            route(ReadYourWrites::None, true, 100, 0),
            ReadRoute::Replica(1)
        );
        assert_eq!(route(sticky, false, 149, 0), ReadRoute::Primary);
        assert_eq!(route(sticky, true, 150, 0), ReadRoute::Replica(1));
        assert_eq!(route(ReadYourWrites::WaitOffset, false, 900, 0), wait(8));
        assert_eq!(
            route(ReadYourWrites::WaitOffset, true, 900, 2),
            ReadRoute::Replica(2)
        );
        assert_eq!(
            route(ReadYourWrites::None, false, 100, 7),
            ReadRoute::Primary
        );
        assert!(session.misses_own_write(applied[1]) && !session.goes_back(applied[1]));
    }
}
