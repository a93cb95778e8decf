//! What was measured: operations by kind, deliveries owed and received, latency by class and by cause.
//!
//! lost = owed − received − in flight, where *owed* counts every member with an open session, or one that can still be
//! resumed, when the message was ordered; *in flight* are copies on their way, receipts in the future and messages held for
//! sessions that can still be resumed. Only operations started while measuring count.

use routing::region::Refused;

use super::operation::{Kind, Operation, PARTS, Parts};
use crate::histogram::{CauseHistogram, Histogram, bucket_of, span_of, units_of};
use crate::statistics::{CompactHistogram, Samples, SlotSeries};
use crate::time::{SimDuration, SimTime};

/// The first length of a slot of [`KindLedger::slots`].
const SLOT: SimDuration = SimDuration::from_millis(250);

/// The counts and latencies of one kind of operation.
#[derive(Clone, Debug)]
pub struct KindLedger {
    /// Operations started.
    pub offered: u64,
    /// Operations completed: every owed receipt arrived, or the answer did.
    pub completed: u64,
    /// Receipts owed.
    pub owed: u64,
    /// Receipts that arrived (or will, see [`super::deliveries`]).
    pub received: u64,
    /// Receipts owed on copies that have not been written yet.
    pub in_transit: u64,
    /// Operations that ended in an error.
    pub failed: u64,
    /// Operations ended by a timeout.
    pub timed_out: u64,
    /// Attempts after the first.
    pub retried: u64,
    /// Receipts of something received before.
    pub duplicated: u64,
    /// Decisions that came too late.
    pub conflicting: u64,
    /// Refused because there was no place for it.
    pub rejected: u64,
    /// Receipts after one of something that was numbered later.
    pub reordered: u64,
    /// What the latencies consist of.
    pub causes: CauseHistogram<PARTS>,
    /// Latency to each recipient, or of the answer, by class.
    pub by_class: Vec<CompactHistogram>,
    /// The same latencies, and those of the last recipients, by when their operation was started.
    pub slots: SlotSeries,
}

impl KindLedger {
    fn new(since: SimTime, classes: usize) -> Self {
        Self {
            offered: 0,
            completed: 0,
            owed: 0,
            received: 0,
            in_transit: 0,
            failed: 0,
            timed_out: 0,
            retried: 0,
            duplicated: 0,
            conflicting: 0,
            rejected: 0,
            reordered: 0,
            causes: CauseHistogram::new(),
            by_class: vec![CompactHistogram::new(); classes],
            slots: SlotSeries::new(since, SLOT),
        }
    }

    /// Adds a receipt of `units` latency that consists of `parts`, of an operation started at `started`.
    pub fn receive(&mut self, started: SimTime, class: u8, units: u32, parts: &Parts) {
        self.received += 1;
        let bucket = bucket_of(units) as u16;
        self.by_class[usize::from(class)].record(bucket, units);
        self.causes.record_causes(units, parts.ns());
        if let Some(slot) = self.slots.slot_index_of(started) {
            self.slots.record(slot, bucket, units);
        }
    }

    /// Takes back a receipt: exactly what [`Self::receive`] added.
    pub fn void(&mut self, started: SimTime, class: u8, units: u32, parts: &Parts) {
        self.received -= 1;
        self.by_class[usize::from(class)].remove(units);
        self.causes.remove_causes(units, parts.ns());
        if let Some(slot) = self.slots.slot_index_of(started) {
            self.slots.remove(slot, units);
        }
    }

    /// An operation started at `started` is over: its receipts took `mean_units` on average. Requests have one receipt.
    pub fn ended(&mut self, started: SimTime, mean_units: u32) {
        if let Some(slot) = self.slots.slot_index_of(started) {
            self.slots.record_message(slot, mean_units);
        }
    }

    /// An answer that counted as the end of its operation did not arrive.
    pub fn unanswered(&mut self, started: SimTime, units: u32) {
        self.completed -= 1;
        if let Some(slot) = self.slots.slot_index_of(started) {
            self.slots.remove_message(slot, units);
        }
    }

    /// All receipts of an operation started at `started` have arrived, the last one at `last`.
    pub fn all_received(&mut self, started: SimTime, last: SimTime) {
        let latency = last.saturating_since(started);
        if let Some(slot) = self.slots.slot_index_of(started) {
            self.slots.record_complete(slot, units_of(latency));
        }
    }

    /// Before when operations must have been started to be over at `now`, all but one in a thousand of the last of them. What
    /// is still under way is more often slow than fast, so a mean up to `now` would be too low.
    #[must_use]
    pub fn settled_by(&self, samples: Samples, now: SimTime) -> SimTime {
        let slow = self.latencies(samples).quantile(0.999);
        now.saturating_sub(slow.unwrap_or_default())
    }

    /// The latencies of all deliveries, or of all last ones.
    #[must_use]
    pub fn latencies(&self, samples: Samples) -> Histogram {
        let mut all = Histogram::new();
        for slot in self.slots.slots() {
            all.merge_compact(slot.samples(samples));
        }
        all
    }
}

/// Everything measured since `since`.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Start of measuring.
    pub since: SimTime,
    /// By [`Kind::index`].
    pub kinds: Vec<KindLedger>,
    /// Bytes sent to clients.
    pub egress_bytes: u64,
    /// Bytes of those that brought clients up to date.
    pub resync_bytes: u64,
    /// Connect attempts.
    pub attempts: u64,
    /// Connections made after a loss.
    pub reconnects: u64,
    /// Sessions resumed.
    pub resumed: u64,
    /// Refused attempts by [`Refusal`].
    pub refused: [u64; Refusal::ALL.len()],
    /// Bytes between tiers since the start.
    pub inner: InnerBytes,
    /// Heartbeats of clients.
    pub heartbeats: u64,
    /// Ages of what queries were answered with although it had been superseded.
    pub staleness: CompactHistogram,
    /// Poll requests, and those that brought something.
    pub polls: u64,
    /// Polls that brought something.
    pub useful_polls: u64,
}

/// Bytes that went from one tier to another, within the region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InnerBytes {
    /// Connection server to owner or broker: messages to be ordered.
    pub to_order: u64,
    /// Owner, broker or first server to the servers with members: copies.
    pub copies: u64,
    /// Between connection servers and the database.
    pub database: u64,
    /// Between connection servers and the cache.
    pub cache: u64,
}

/// Why a connection was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No memory for one more.
    Memory,
    /// No file descriptor left.
    Descriptors,
    /// The configured limit is reached.
    Connections,
    /// The server admits fewer per second.
    AcceptRate,
    /// No server takes connections.
    NoServer,
    /// No region where the user may be served is up.
    Residency,
}

impl Refusal {
    /// All reasons with their names in reports.
    pub const ALL: [(Refusal, &'static str); 6] = [
        (Refusal::Memory, "memory"),
        (Refusal::Descriptors, "descriptors"),
        (Refusal::Connections, "connections"),
        (Refusal::AcceptRate, "accept_rate"),
        (Refusal::NoServer, "no_server"),
        (Refusal::Residency, "residency"),
    ];

    /// Why no region serves somebody.
    #[must_use]
    pub fn of(refused: Refused) -> Self {
        match refused {
            Refused::Residency => Refusal::Residency,
            Refused::Down => Refusal::NoServer,
        }
    }
}

impl Ledger {
    /// An empty ledger that begins at `since`.
    #[must_use]
    pub fn new(since: SimTime, classes: usize) -> Self {
        Self {
            since,
            kinds: vec![KindLedger::new(since, classes); Kind::ALL.len()],
            egress_bytes: 0,
            resync_bytes: 0,
            attempts: 0,
            reconnects: 0,
            resumed: 0,
            refused: [0; Refusal::ALL.len()],
            inner: InnerBytes::default(),
            heartbeats: 0,
            staleness: CompactHistogram::new(),
            polls: 0,
            useful_polls: 0,
        }
    }

    /// Nothing has been measured yet; measuring begins at `since`.
    pub fn begin_at(&mut self, since: SimTime) {
        self.since = since;
        for kind in &mut self.kinds {
            kind.slots = SlotSeries::new(since, SLOT);
        }
    }

    /// The ledger of one kind.
    #[inline]
    pub fn kind(&mut self, kind: Kind) -> &mut KindLedger {
        &mut self.kinds[kind.index()]
    }

    /// All copies of an operation are received, or lost.
    pub fn copies_ended(&mut self, ended: &Operation) {
        if !ended.measured {
            return;
        }
        let ledger = self.kind(ended.kind);
        if let Some(mean) = ended.latency_units.checked_div(ended.received) {
            ledger.ended(ended.started, mean as u32);
        }
        if ended.received >= ended.owed {
            ledger.completed += 1;
            if ended.owed > 0 {
                ledger.all_received(ended.started, ended.last_receipt);
            }
        }
    }

    /// A query was answered with what had been superseded `age` ago.
    pub fn stale(&mut self, age: SimDuration) {
        let units = units_of(age);
        self.staleness.record(bucket_of(units) as u16, units);
    }

    /// Counts a refusal.
    pub fn refuse(&mut self, reason: Refusal) {
        self.refused[reason as usize] += 1;
    }
}

/// Nanoseconds of a latency in kernel units.
#[inline]
#[must_use]
pub fn units_ns(units: u32) -> u64 {
    span_of(u64::from(units)).as_nanos()
}
