//! The latencies of one written copy, and what they consist of.
//!
//! latency of recipient i = shared + (i + 1) · deliver + base + jitter, never less than its floor. *Shared* is all that
//! lies before the first of the recipients that are written without a pause: one [`Stretch`], or two around a pause.
//! Rounded up to units once, it adds to whole units, so a latency is exactly the sum of its parts, and the sums of a whole
//! batch are entered at once.

use super::clients::{Client, Clients, Start};
use super::ledger::{KindLedger, units_ns};
use super::operation::{Part, Parts};
use crate::delivery::{Batch, JitterTables, Kernel, MAX_PART_UNITS, Place, Receipts};
use crate::histogram::{COARSE, UNIT_NS, coarse_of, span_of};
use crate::time::{SimDuration, SimTime};

/// A copy that is written, with all that its receipts depend on.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Key of its draws.
    pub key: u64,
    /// When its operation was started.
    pub started: SimTime,
    /// Time until the writing of the first recipient began.
    pub upstream: Parts,
    /// Per recipient, in 1/256 units.
    pub per_recipient: u32,
    /// Recipients before this one are written before the pause.
    pub pause_at: u32,
    /// Length of the pause inside the service.
    pub pause: SimDuration,
    /// Between a client's polls, when clients ask.
    pub poll: Option<SimDuration>,
}

/// Recipients that are written without a pause between them.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Position of the first.
    pub first: u32,
    /// What they have in common, until the writing of the first begins. A fraction of a unit counts as time on the way.
    shared: Parts,
}

impl Stretch {
    fn new(first: u32, mut shared: Parts) -> Self {
        shared.clip(MAX_PART_UNITS - 1);
        shared.round_up(Part::Downlink);
        Self { first, shared }
    }

    fn wait_units(&self) -> u32 {
        self.shared.total_units() as u32
    }

    fn batch<'a>(
        &self,
        copy: &Copy,
        recipients: &'a [u32],
        places: &'a [Place],
        floor_units: &'a [u32],
    ) -> Batch<'a> {
        Batch {
            wait_units: self.wait_units(),
            per_recipient_units_256: copy.per_recipient,
            message_key: copy.key,
            recipients,
            places,
            floor_units,
        }
    }
}

impl Copy {
    /// The stretches of a copy for `count` recipients, in order; the second one is empty without a pause.
    #[must_use]
    pub fn stretches(&self, count: u32) -> [(Stretch, core::ops::Range<usize>); 2] {
        let before = self.pause_at.min(count);
        let first = Stretch::new(0, self.upstream);
        let mut after = first;
        if before < count {
            let written_ns = u64::from(before) * u64::from(self.per_recipient) * UNIT_NS / 256;
            let mut shared = self.upstream;
            shared.add(Part::FanOut, SimDuration::from_nanos(written_ns));
            shared.add(Part::ServerPause, self.pause);
            after = Stretch::new(before, shared);
        }
        [
            (first, 0..before as usize),
            (after, before as usize..count as usize),
        ]
    }

    fn held_part(&self) -> Part {
        if self.poll.is_some() {
            Part::Poll
        } else {
            Part::Order
        }
    }

    /// The shortest latency of a recipient: order on its connection, and its next poll.
    fn floor_units(&self, stretch: &Stretch, id: u32, client: Client, start: Start) -> u32 {
        let order = client.floor_units(start);
        let Some(interval) = self.poll else {
            return order;
        };
        let ready = next_poll(id, interval, self.started, units_ns(stretch.wait_units()));
        let back = ready + span_of(client.place.base_units().into());
        order.max(crate::histogram::units_of(back))
    }

    /// The latency of one recipient of a stretch in units, and what it consists of, when nothing but `client` holds it back.
    #[must_use]
    pub fn one(
        &self,
        stretch: &Stretch,
        index: u32,
        id: u32,
        client: Client,
        jitter: &JitterTables,
    ) -> (u32, Parts) {
        let start = Start::of(self.started);
        let (ids, places) = ([id], [client.place]);
        let floors = [self.floor_units(stretch, id, client, start)];
        let batch = stretch.batch(self, &ids, &places, &floors);
        let written = batch.position_units((index - stretch.first) as usize);
        let downlink = batch.downlink_units(jitter, 0);
        let free = batch.wait_units + written + downlink;
        let units = free.max(floors[0].min(crate::histogram::MAX_UNITS));
        let mut parts = stretch.shared;
        parts.add_units(Part::FanOut, written);
        parts.add_units(self.held_part(), units - free);
        parts.add_units(Part::Downlink, downlink);
        (units, parts)
    }
}

/// Sums of the latencies of one stretch that fall into one coarse bucket, in units.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    count: u64,
    latency: u64,
    written: u64,
    held: u64,
}

/// Reused memory of the delivery loop.
#[derive(Clone, Debug)]
pub struct Scratch {
    clients: Vec<Client>,
    places: Vec<Place>,
    floors: Vec<u32>,
    receipts: Receipts,
    latencies: Vec<u32>,
    sums: Vec<Sums>,
    /// Coarse buckets in use, as bits.
    used: [u64; COARSE / 64],
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            clients: Vec::new(),
            places: Vec::new(),
            floors: Vec::new(),
            receipts: Receipts::default(),
            latencies: Vec::new(),
            sums: vec![Sums::default(); COARSE],
            used: [0; COARSE / 64],
        }
    }
}

impl Scratch {
    /// Computes the receipts of a copy for `ids`, moves the clients' last receipts and enters the latencies in `ledger`, if
    /// they count. Returns the longest and the sum of all, in units.
    pub fn enter(
        &mut self,
        copy: &Copy,
        ids: &[u32],
        clients: &mut Clients,
        (kernel, jitter): (Kernel, &JitterTables),
        mut ledger: Option<&mut KindLedger>,
    ) -> (u32, u64) {
        let slot = ledger
            .as_deref_mut()
            .and_then(|ledger| ledger.slots.slot_index_of(copy.started));
        let mut sum = 0;
        let start = Start::of(copy.started);
        self.latencies.clear();
        // A pass of its own that does nothing else: the rows lie anywhere in memory, and so are fetched side by side.
        clients.gather(ids, &mut self.clients);
        self.places.clear();
        self.places.extend(self.clients.iter().map(|row| row.place));
        self.floors.clear();
        self.floors
            .extend(self.clients.iter().map(|row| row.floor_units(start)));
        for (stretch, range) in copy.stretches(ids.len() as u32) {
            if range.is_empty() {
                continue;
            }
            if copy.poll.is_some() {
                for index in range.clone() {
                    self.floors[index] =
                        copy.floor_units(&stretch, ids[index], self.clients[index], start);
                }
            }
            let batch = stretch.batch(
                copy,
                &ids[range.clone()],
                &self.places[range.clone()],
                &self.floors[range],
            );
            kernel.deliver(&batch, jitter, &mut self.receipts);
            sum += self.receipts.sum_units;
            if let Some(ledger) = &mut ledger {
                account(
                    &batch,
                    &self.receipts,
                    jitter,
                    &mut self.sums,
                    &mut self.used,
                    (ledger, slot),
                );
                flush(&mut self.sums, &mut self.used, copy, &stretch, ledger);
            }
            self.latencies
                .extend_from_slice(&self.receipts.latency_units);
        }
        clients.receive(start, ids, &self.latencies);
        let longest = self.latencies.iter().copied().max().unwrap_or(0);
        (longest, sum)
    }

    /// The latencies of the last copy entered, in units.
    #[must_use]
    pub fn latencies(&self) -> &[u32] {
        &self.latencies
    }
}

/// Enters the latencies of a batch by class, and sums what they consist of by coarse bucket.
fn account(
    batch: &Batch<'_>,
    receipts: &Receipts,
    jitter: &JitterTables,
    sums: &mut [Sums],
    used: &mut [u64; COARSE / 64],
    (ledger, slot): (&mut KindLedger, Option<usize>),
) {
    if let Some(slot) = slot {
        ledger
            .slots
            .record_all(slot, &receipts.buckets, receipts.sum_units);
    }
    ledger.received += batch.recipients.len() as u64;
    let latencies = receipts.latency_units.iter().zip(&receipts.buckets);
    let conditions = batch.places.iter().zip(batch.floor_units);
    for (index, ((&units, &bucket), (place, &floor))) in latencies.zip(conditions).enumerate() {
        ledger.by_class[usize::from(place.class())].record(bucket, units);
        let coarse = coarse_of(usize::from(bucket));
        used[coarse / 64] |= 1 << (coarse % 64);
        let sum = &mut sums[coarse];
        let written = batch.position_units(index);
        sum.count += 1;
        sum.latency += u64::from(units);
        sum.written += u64::from(written);
        if units <= floor {
            let free = batch.wait_units + written + batch.downlink_units(jitter, index);
            sum.held += u64::from(units - free);
        }
    }
}

/// Enters the sums of a stretch as causes, and clears them.
fn flush(
    sums: &mut [Sums],
    used: &mut [u64; COARSE / 64],
    copy: &Copy,
    stretch: &Stretch,
    ledger: &mut KindLedger,
) {
    let mut shared = [(0, 0); super::operation::PARTS];
    let mut kinds = 0;
    for cause in stretch.shared.ns() {
        shared[kinds] = cause;
        kinds += 1;
    }
    let wait_units = u64::from(stretch.wait_units());
    for (word, bits) in used.iter_mut().enumerate() {
        while *bits != 0 {
            let coarse = word * 64 + bits.trailing_zeros() as usize;
            *bits &= *bits - 1;
            let sum = core::mem::take(&mut sums[coarse]);
            let downlink = sum.latency - sum.written - sum.held - sum.count * wait_units;
            let own = [
                (Part::FanOut as usize, sum.written * UNIT_NS),
                (copy.held_part() as usize, sum.held * UNIT_NS),
                (Part::Downlink as usize, downlink * UNIT_NS),
            ];
            ledger
                .causes
                .record_bucket_causes(coarse, sum.count, &shared[..kinds], &own);
        }
    }
}

/// Latency at which the first poll of a client leaves the server again, for a message written `wait_ns` after its start:
/// the poll that is served next, counted from the operation's start.
fn next_poll(id: u32, interval: SimDuration, started: SimTime, wait_ns: u64) -> SimDuration {
    let every = interval.as_nanos();
    let phase = crate::draw::mix(u64::from(id)) % every;
    let ready = started.as_nanos() + wait_ns;
    let next = (ready + every - 1).saturating_sub(phase) / every * every + phase;
    SimDuration::from_nanos(next.saturating_sub(started.as_nanos()))
}
