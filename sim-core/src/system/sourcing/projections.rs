//! Projections: read models that follow the log, each at its own speed.
//!
//! Models: the instances of a projection are a [`ConsumerGroup`]: they share the partitions, at most one reads each. A partition
//! that has something new is read after `poll`, up to `batch` events at once; reading and putting them in takes a core of its
//! reader, the one of the partition, and when the store of the model has them, all are visible. After that it reads on at once, or waits for more. What an instance held when it died is
//! gone back to its last snapshot ([`Projection`], model and position together); after `detect` the others read its partitions from there,
//! and what was visible before is put in again.
//! Formula: lag of an event = visible − committed; at λ events per second and a core that puts in μ, M/G/1 for batches of one; lag
//! grows at λ − μ where μ < λ; recovery = events since the snapshot · replay.
//! Leaves out: the time to load a snapshot and to write one.

mod readers;

use std::collections::BTreeMap;

use routing::hash;
use routing::log::{Assignor, ConsumerGroup, Entry, LogOffset, MemberId, PartitionId};
use routing::sourcing::{Projection, ReadModel, Saving};

use super::commands::table;
use super::log::Log;
use super::{Fact, SourcingEvent};
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::histogram::{bucket_of, units_of};
use crate::quantile::QuantileTable;
use crate::scenario::ProjectionTier;
use crate::statistics::CompactHistogram;
use crate::system::backend::Nodes;
use crate::system::event::Event;
use crate::system::operation::{OperationId, Part};
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

const APPLY: Purpose = Purpose::named("projection/apply");
const STORE: Purpose = Purpose::named("projection/store");
/// Keeps what concerns a projection apart from where it stands.
const FILTER: u64 = 0x6669_6c74_6572;

/// How many events of each record have been put in.
#[derive(Clone, Debug, Default)]
pub struct Model {
    concern: Concern,
    versions: BTreeMap<u32, u32>,
}

/// What concerns a projection.
#[derive(Clone, Copy, Debug, Default)]
struct Concern {
    follows: [bool; 2],
    /// Records below this part of 2³² by their hash.
    records: u64,
}

impl Concern {
    fn is_about(self, fact: Fact) -> bool {
        self.follows[usize::from(fact.message)] && self.has(fact.record)
    }

    fn has(self, record: u32) -> bool {
        hash::hash_u64(FILTER, record.into()) >> 32 < self.records
    }
}

impl ReadModel for Model {
    type Event = Fact;

    fn handle(&mut self, event: &Entry<Fact>) -> bool {
        let concerned = self.concern.is_about(event.value);
        if concerned {
            *self.versions.entry(event.value.record).or_default() += 1;
        }
        concerned
    }
}

/// A projection.
#[derive(Clone, Debug)]
pub struct Projected {
    /// Its name.
    pub name: String,
    /// Cores of its instances.
    pub nodes: Nodes,
    group: ConsumerGroup,
    partitions: Vec<Following>,
    concern: Concern,
    read: SimDuration,
    apply: QuantileTable,
    store: QuantileTable,
    /// Time of a core to answer a query.
    pub query: QuantileTable,
    poll: SimDuration,
    batch: u64,
    replay: Option<SimDuration>,
    detect: SimDuration,
    deaths: Vec<u32>,
    /// Events that concern it, committed and not visible yet.
    pub outstanding: u64,
    /// What became visible so far.
    pub seen: Seen,
    /// Lags of the events that became visible.
    pub lags: CompactHistogram,
}

/// What became visible in a projection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Events read, repetitions included.
    pub read: u64,
    /// Events that concern it and were committed.
    pub expected: u64,
    /// Of those, visible.
    pub visible: u64,
    /// Their lags, summed, in nanoseconds.
    pub lag_ns: u64,
    /// The longest.
    pub longest_ns: u64,
    /// Events that were put in again.
    pub repeated: u64,
    /// The longest time from taking over a partition until all was visible again that had been.
    pub recovery_ns: u64,
}

/// How far it has come in one partition.
#[derive(Clone, Debug)]
struct Following {
    projection: Projection<Model>,
    busy: bool,
    /// Whether it will look soon.
    woken: bool,
    epoch: u32,
    reading_to: u64,
    /// The end of what was ever visible.
    shown: u64,
    recovering: Option<(SimTime, u64)>,
    waiting: Vec<(u64, Waiter)>,
}

/// Who waits for an offset.
#[derive(Clone, Copy, Debug)]
pub enum Waiter {
    /// A query.
    Query(OperationId),
    /// A command or message, with its number among its kind.
    Command(OperationId, u64),
}

impl Projected {
    /// A projection at the beginning of an empty log.
    #[must_use]
    pub fn new(tier: &ProjectionTier, partitions: u32) -> Self {
        let concern = Concern {
            follows: tier.follows,
            records: libm::round(tier.filter * 4_294_967_296.0) as u64,
        };
        let model = Model {
            concern,
            versions: BTreeMap::new(),
        };
        let mut group = ConsumerGroup::new(Assignor::CooperativeSticky, partitions);
        for member in 0..tier.count {
            for moved in group.join(MemberId(member)).moved {
                group.release(moved.partition);
            }
        }
        let following = Following {
            projection: Projection::new(model, Saving::Together, tier.snapshot_every),
            busy: false,
            woken: false,
            epoch: 0,
            reading_to: 0,
            shown: 0,
            recovering: None,
            waiting: Vec::new(),
        };
        Self {
            name: tier.name.clone(),
            nodes: Nodes::new(tier.count, tier.machine.cores),
            group,
            partitions: vec![following; partitions as usize],
            concern,
            read: tier.read,
            apply: table(tier.apply),
            store: table(tier.store),
            query: table(tier.query),
            poll: tier.poll,
            batch: tier.batch.into(),
            replay: tier.replay,
            detect: tier.detect,
            deaths: vec![0; tier.count as usize],
            outstanding: 0,
            seen: Seen::default(),
            lags: CompactHistogram::new(),
        }
    }

    /// An event is committed. Returns whether it concerns this projection, which will show it.
    pub fn expects(&mut self, fact: Fact) -> bool {
        let concerned = self.concern.is_about(fact);
        self.outstanding += u64::from(concerned);
        self.seen.expected += u64::from(concerned);
        concerned
    }

    /// Whether a record concerns it.
    #[must_use]
    pub fn shows(&self, record: u32) -> bool {
        self.concern.has(record)
    }

    /// The version of a record that is visible.
    #[must_use]
    pub fn version(&self, partition: u32, record: u32) -> u32 {
        let model = self.partitions[partition as usize].projection.model();
        model.versions.get(&record).copied().unwrap_or_default()
    }

    /// The instance that reads a partition, if it lives.
    #[must_use]
    pub fn reader(&self, partition: u32) -> Option<u32> {
        let reader = self.group.reader(PartitionId(partition))?.0;
        (!self.nodes.is_down(reader)).then_some(reader)
    }

    /// Whether the event at an offset is visible.
    #[must_use]
    pub fn has(&self, partition: u32, offset: u64) -> bool {
        let own = &self.partitions[partition as usize];
        own.projection.position().0 > offset
    }

    /// Somebody waits for the event at an offset.
    pub fn wait(&mut self, partition: u32, offset: u64, who: Waiter) {
        let own = &mut self.partitions[partition as usize];
        own.waiting.push((offset, who));
    }

    /// Whether it has come no further than the log has in any partition.
    #[must_use]
    pub fn is_behind(&self, log: &Log) -> bool {
        (0..).zip(&self.partitions).all(|(number, own)| {
            let end = log.events.partition(PartitionId(number)).log().end();
            own.projection.position() <= end
        })
    }

    /// Events committed and not visible, and how old the oldest of them is.
    #[must_use]
    pub fn lag(&self, log: &Log, now: SimTime) -> (u64, SimDuration) {
        let (mut events, mut oldest) = (0, SimDuration::ZERO);
        for (number, own) in (0..).zip(&self.partitions) {
            let position = own.projection.position().0;
            let behind = log.committed(number).saturating_sub(position);
            if behind == 0 {
                continue;
            }
            events += behind;
            let commits = log.commits(number);
            let next = commits.partition_point(|commit| commit.0 <= position);
            if let Some(commit) = commits.get(next) {
                oldest = oldest.max(now.saturating_since(commit.1));
            }
        }
        (events, oldest)
    }

    /// Events in, event by event, of a partition that has shown `shown` of them.
    fn work(&self, entry: &Entry<Fact>, shown: u64, bits: impl Fn(u64) -> u32) -> SimDuration {
        if !self.concern.is_about(entry.value) {
            return self.read;
        }
        let offset = entry.offset.0;
        self.read
            + match self.replay.filter(|_| offset < shown) {
                Some(again) => again,
                None => self.apply.sample(bits(offset)),
            }
    }
}

impl World {
    /// Something new may be readable in a partition.
    pub(super) fn wake_projections(&mut self, partition: u32, out: &mut Schedule<'_, Event>) {
        let home = self.sites.home;
        let link = self.sites.link(home, home);
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let of_log = own.log.events.partition(PartitionId(partition));
        let readable = of_log.readable().0;
        for (number, projection) in own.projections.iter_mut().enumerate() {
            let here = &mut projection.partitions[partition as usize];
            if here.busy || here.woken || here.projection.position().0 >= readable {
                continue;
            }
            here.woken = true;
            let read = SourcingEvent::Read {
                projection: number as u16,
                partition: partition as u16,
            };
            out.after(link + projection.poll, read.into());
        }
    }

    /// A projection reads what is new in a partition.
    pub(super) fn read_on(&mut self, number: usize, partition: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let projection = &mut own.projections[number];
        projection.partitions[partition as usize].woken = false;
        let Some(reader) = projection.reader(partition) else {
            return;
        };
        if projection.partitions[partition as usize].busy {
            return;
        }
        let most = projection.batch;
        let id = PartitionId(partition);
        let range = projection.group.fetch(&own.log.events, id, most);
        if range.is_empty() {
            return;
        }
        let entity = (number as u64) << 32 | u64::from(partition);
        let bits = |offset: u64| self.draws.u32(APPLY, entity, offset);
        let shown = projection.partitions[partition as usize].shown;
        let events = own.log.events.partition(id).log();
        let events = events.read(LogOffset(range.start));
        let events = events.take_while(|entry| entry.offset.0 < range.end);
        let work = events
            .map(|entry| projection.work(entry, shown, bits))
            .sum::<SimDuration>();
        let lane = u64::from(partition);
        let work = (work, SimDuration::ZERO);
        let Some(served) = projection.nodes.serve(now, (reader, lane), work, 0) else {
            return;
        };
        let here = &mut projection.partitions[partition as usize];
        here.busy = true;
        here.reading_to = range.end;
        let applied = SourcingEvent::Applied {
            projection: number as u16,
            partition: partition as u16,
            epoch: here.epoch,
        };
        let bits = self.draws.u32(STORE, entity, range.start);
        let shown = served.departure.at + projection.store.sample(bits);
        out.at(shown, applied.into());
    }

    /// What a projection has read is in its model.
    pub(super) fn applied(
        &mut self,
        number: usize,
        partition: u32,
        epoch: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let projection = &mut own.projections[number];
        let here = &mut projection.partitions[partition as usize];
        if here.epoch != epoch {
            return;
        }
        here.busy = false;
        let id = PartitionId(partition);
        let events = own.log.events.partition(id).log();
        let from = here.projection.position().0;
        let end = here.reading_to;
        here.projection.advance(events, LogOffset(end), u64::MAX);
        projection.seen.read += end - from;
        let fresh = events.read(LogOffset(from.max(here.shown)));
        let commits = own.log.commits(partition);
        for entry in fresh.take_while(|entry| entry.offset.0 < end) {
            if !projection.concern.is_about(entry.value) {
                continue;
            }
            let next = commits.partition_point(|commit| commit.0 <= entry.offset.0);
            let lag = commits
                .get(next)
                .map_or(SimDuration::ZERO, |commit| now.saturating_since(commit.1));
            projection.outstanding = projection.outstanding.saturating_sub(1);
            let seen = &mut projection.seen;
            seen.visible += 1;
            seen.lag_ns += lag.as_nanos();
            seen.longest_ns = seen.longest_ns.max(lag.as_nanos());
            let units = units_of(lag);
            projection.lags.record(bucket_of(units) as u16, units);
        }
        here.shown = here.shown.max(end);
        if let Some((since, target)) = here.recovering
            && end >= target
        {
            here.recovering = None;
            let took = now.saturating_since(since).as_nanos();
            projection.seen.recovery_ns = projection.seen.recovery_ns.max(took);
        }
        let mut done = Vec::new();
        here.waiting.retain(|&(offset, who)| {
            let there = offset < end;
            if there {
                done.push(who);
            }
            !there
        });
        projection.group.release(id);
        for who in done {
            self.offset_reached(who, out);
        }
        self.read_on(number, partition, out);
    }

    /// What somebody waited for is visible.
    fn offset_reached(&mut self, who: Waiter, out: &mut Schedule<'_, Event>) {
        match who {
            Waiter::Query(id) => {
                let operation = &mut self.operations[id];
                let waited = out.now() - operation.mark;
                operation.parts.add(Part::DatabaseRetry, waited);
                self.serve_query(id, out);
            }
            Waiter::Command(id, ordinal) => self.projection_has(id, ordinal, out),
        }
    }
}
