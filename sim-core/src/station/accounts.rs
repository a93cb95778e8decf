//! What every station counts, and the conservation law over it.
//!
//! Models: jobs offered = accepted + rejected, and
//! accepted = completed + queued + in service + dropped + cancelled + lost,
//! which holds at every instant. Queue length is integrated over time in integers.
//! Leaves out: latencies, which belong to the operation and not to the station.

use crate::time::SimTime;

/// Counters of one station since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Jobs taken in, whatever became of them.
    pub accepted: u64,
    /// Jobs turned away at the door, known to the sender.
    pub rejected: u64,
    /// Jobs that were served.
    pub completed: u64,
    /// Accepted jobs silently discarded by the overflow rule.
    pub dropped: u64,
    /// Queued jobs withdrawn by their owner.
    pub cancelled: u64,
    /// Jobs that were queued or in service when the station crashed.
    pub lost: u64,
    /// The longest queue so far.
    pub max_queue: usize,
    queued: usize,
    queue_job_ns: u128,
    queue_since: SimTime,
}

impl Accounts {
    /// Jobs waiting now.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// The integral of the queue length up to `now`, in job-nanoseconds. The mean queue between
    /// two instants is the difference divided by the nanoseconds between them.
    pub fn queue_job_ns(&self, now: SimTime) -> u128 {
        let since = now.saturating_since(self.queue_since).as_nanos();
        self.queue_job_ns + self.queued as u128 * u128::from(since)
    }

    /// Whether every accepted job is accounted for, given the number in service.
    pub fn conserves(&self, in_service: usize) -> bool {
        let gone = self.completed + self.dropped + self.cancelled + self.lost;
        self.accepted == gone + self.queued as u64 + in_service as u64
    }

    /// Notes that the queue is `queued` long from `now` on.
    #[inline]
    pub(super) fn set_queued(&mut self, now: SimTime, queued: usize) {
        self.queue_job_ns = self.queue_job_ns(now);
        self.queue_since = now;
        self.queued = queued;
        self.max_queue = self.max_queue.max(queued);
    }
}
