//! A database in every region that takes writes: who must have one before it is acknowledged, and what a cut does.
//!
//! Models: commands add one to a record, queries read it. *Ack Local:* the region of whoever writes takes the write, answers, and
//! sends it to the others, which apply it when it comes. *Quorum, All:* each record has a region that orders its writes (by its
//! number, the next one on the same side if that is cut off); it answers when most, or all, have it. Reads ask the store of
//! their own region, and with Quorum most of the regions. The values are those of a real
//! [`routing::consistency::RegionStore`] (the last writer wins) or of real [`routing::conflict::PnCounter`]s; stale answers,
//! conflicts and lost updates are found by their versions. Where the network is cut, [`Stance`] decides who goes on; when it
//! heals, regions that see each other exchange what differs after `exchange`.
//! *Formula:* a write waits for the k-th nearest of the others from where it is ordered: their round trip and their service.
//! *Counts:* a command is *conflicting* when its write was acknowledged and lost against one that had not seen it; *lost updates* = updates
//! acknowledged − the sum of all records once everything under way has arrived and been exchanged.
//! *Assumed:* a cut is known at once, and those on one side agree at once on what they have. *Leaves out:* several questions per message to several shards, repair of reads, the bytes
//! of an exchange, retries. Source: as [`routing::consistency`]; round trips from `assets/regions.tsv`.

pub mod reading;
mod values;
mod way;

use std::collections::{BTreeMap, BTreeSet};

use routing::conflict::Dot;
use routing::consistency::{Quorum, QuorumRead, QuorumWrite, Stance};
use routing::log::Acks;
use routing::order::HlcClock;

use super::operation::OperationId;
use super::sites::Site;
use crate::draw::{Draws, Purpose};
use crate::quantile::QuantileTable;
use crate::scenario::{Design, Writes};
use crate::station::FastFifo;
use crate::time::{SimDuration, SimTime};
use values::{Latest, Payload, Values};

const SKEW: Purpose = Purpose::named("region/clock-skew");

/// What happens at the stores of regions.
#[derive(Clone, Copy, Debug)]
pub enum StoreEvent {
    /// A question reaches the store of a region.
    At {
        /// Which question.
        id: OperationId,
        /// Which region.
        site: Site,
    },
    /// That store has served it.
    Served {
        /// Which question.
        id: OperationId,
        /// Which region.
        site: Site,
    },
    /// A write reaches another region.
    Comes {
        /// Which write.
        update: u64,
        /// Which region.
        site: Site,
    },
    /// That region has applied it.
    Applied {
        /// Which write.
        update: u64,
        /// Which region.
        site: Site,
    },
    /// Word of that is where the write is ordered.
    Acked {
        /// Which write.
        update: u64,
    },
    /// A read reaches another region.
    Asked {
        /// Which read.
        id: OperationId,
        /// Which region.
        site: Site,
        /// What tells it from a later question in its place.
        check: u32,
    },
    /// The answer of that region is back.
    Told {
        /// Which read.
        id: OperationId,
        /// Which region.
        site: Site,
        /// As before.
        check: u32,
        /// What it said.
        value: u32,
    },
    /// An answer is back at the server that asked.
    Back(OperationId),
    /// Regions that see each other exchange what differs.
    Exchange,
}

/// A write on its way to the other regions.
#[derive(Clone, Debug)]
struct Sent {
    payload: Payload,
    key: u64,
    shard: u32,
    ordered_in: Site,
    /// Regions that have not applied it.
    left: u32,
    /// The operation that waits, with its ordinal; `None`: it has been answered.
    waits: Option<(OperationId, u64)>,
    quorum: QuorumWrite,
}

/// Cumulative counts.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Writes by the region of whoever wrote, from the start.
    pub writes: Vec<u64>,
    /// Those that were not accepted.
    pub refused: Vec<u64>,
    /// Writes that took effect where they are ordered.
    pub accepted: u64,
    /// Of those, the ones that were acknowledged.
    pub acknowledged: u64,
    /// Values that exchanges sent.
    pub exchanged: u64,
}

/// The stores of all regions.
#[derive(Clone, Debug)]
pub struct Stores {
    /// By region and shard: its connections.
    pub pools: Vec<FastFifo>,
    /// Since the start.
    pub counts: Counts,
    /// When the last cut healed.
    pub healed: Option<SimTime>,
    /// From then until everything under way, once arrived, made all regions alike.
    pub converged: Option<SimDuration>,
    shards: u32,
    rule: Writes,
    values: Values,
    clocks: Vec<HlcClock>,
    quorum: Quorum,
    query: QuantileTable,
    write: QuantileTable,
    queue: usize,
    timeout: Option<SimDuration>,
    updates: BTreeMap<u64, Sent>,
    next: u64,
    reads: BTreeMap<OperationId, QuorumRead<u64>>,
    latest: BTreeMap<u64, Latest>,
    /// Registers written, by the names of the writes that were acknowledged.
    acknowledged: BTreeSet<Dot>,
}

impl Stores {
    /// The stores of a design; `None`: only one region takes writes.
    #[must_use]
    pub fn of(design: &Design, population: &Draws) -> Option<Self> {
        let regions = design.regions.as_ref()?;
        let (rule, database) = (regions.writes?, design.database.as_ref()?);
        let (count, shards) = (
            regions.places.len() as u32,
            design.shards.map_or(1, |shards| shards.count),
        );
        let table = |time| {
            QuantileTable::new(time)
                .unwrap_or_else(|problem| panic!("a validated service time: {problem}"))
        };
        let clock = |region: u32| {
            let draw = population.unit_f64(SKEW, region.into(), 0);
            let most = rule.clock_skew.as_nanos() as f64;
            HlcClock::new(region, ((2.0 * draw - 1.0) * most) as i64, u64::MAX)
        };
        let write = match rule.ack {
            Acks::Local => 1,
            Acks::Quorum => Quorum::majority(count).write,
            Acks::All => count,
        };
        Some(Self {
            pools: (0..count * shards)
                .map(|pool| FastFifo::new(pool, database.pool))
                .collect(),
            counts: Counts {
                writes: vec![0; count as usize],
                refused: vec![0; count as usize],
                ..Counts::default()
            },
            healed: None,
            converged: None,
            shards,
            values: Values::new(count, rule),
            clocks: (0..count).map(clock).collect(),
            quorum: Quorum {
                replicas: count,
                write,
                read: count - write + 1,
            },
            query: table(database.query),
            write: table(database.write),
            queue: database.queue as usize,
            timeout: database.timeout,
            updates: BTreeMap::new(),
            next: 0,
            reads: BTreeMap::new(),
            latest: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            rule,
        })
    }

    fn pool(&mut self, site: Site, shard: u32) -> &mut FastFifo {
        &mut self.pools[(u32::from(site) * self.shards + shard) as usize]
    }

    /// The shard of a record, in every region the same.
    fn shard(&self, record: u32) -> u32 {
        let hash = routing::hash::hash_u64(routing::hash::DEFAULT_SEED, record.into());
        (hash % u64::from(self.shards)) as u32
    }

    /// The region that orders a write of somebody in `from`; `None`: it is not accepted there.
    fn leader(&self, record: u32, from: Site) -> Option<Site> {
        let split = self.values.split();
        if !split.accepts(self.rule.stance, from.into()) {
            return None;
        }
        if self.rule.ack == Acks::Local {
            return Some(from);
        }
        let regions = split.regions();
        let first = record % regions;
        (0..regions)
            .map(|nth| (first + nth) % regions)
            .find(|&region| split.reaches(region, from.into()))
            .map(|region| region as Site)
    }

    /// Whether a read asks other regions too.
    fn asks_around(&self) -> bool {
        self.rule.ack == Acks::Quorum && self.rule.stance == Stance::Consistent
    }

    /// Longest wait for a connection now.
    #[must_use]
    pub fn backlog(&self, now: SimTime) -> SimDuration {
        let waits = self.pools.iter().map(|pool| pool.next_wait(now));
        waits.max().unwrap_or_default()
    }
}
