//! Read replicas: they hear of every write of their shard in its order, a little later, and answer queries with what they know.
//!
//! Models: a write that took effect at t reaches a replica at t + way + lag (drawn anew every second for each replica, which is
//! busy or not with everything it hears), never before one that was written earlier; there
//! it holds a connection as long as at the primary, and is visible when it is done: a replica that is behind with its work
//! lags further. A query asks a replica of its own region, by chance, and is answered with the version that is visible when
//! the answer leaves: *stale* if a newer one exists. A replica that is dead answers nothing, and the primary is asked; when it
//! is back it has caught up. While its region is cut off from the primary it hears of nothing.
//!
//! Where replicas take over from a primary that dies, see [`super::failover`].
//!
//! Leaves out: replicas of shards that come while it works, queries that ask several shards, and reads that wait for their own writes.

use std::collections::{BTreeMap, VecDeque};

use super::asking::QUERY_TIME;
use super::baseline::Reading;
use super::event::Event;
use super::failover::{self, Arrived, Primaries};
use super::operation::{Asks, Kind, OperationId, Part};
use super::sites::{Site, Sites};
use super::world::World;
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::quantile::QuantileTable;
use crate::scenario::{Database, Design};
use crate::station::FastFifo;
use crate::time::{SimDuration, SimTime};

const LAG: Purpose = Purpose::named("replica/lag");
const READS: Purpose = Purpose::named("replica/reads");
const PICK: Purpose = Purpose::named("replica/pick");
const APPLY: Purpose = Purpose::named("replica/apply");
/// How long a replica keeps its lag before it draws another.
const A_LAG: SimDuration = SimDuration::from_secs(1);
/// How often what is held up by a partition is sent again.
const AGAIN: SimDuration = SimDuration::from_millis(100);

/// All replicas: by region, shard and number.
#[derive(Clone, Debug)]
pub struct Replicas {
    /// Who takes over from whom, where replicas do.
    pub primaries: Option<Primaries>,
    nodes: Vec<Replica>,
    /// By region and shard: those that follow its primary.
    following: Vec<Vec<u32>>,
    shards: u32,
    reads: f64,
    lag: QuantileTable,
    queue: usize,
    timeout: Option<SimDuration>,
    /// Connections of each.
    pub connections: u32,
    /// Writes that became visible, their lags summed, and the longest, in nanoseconds.
    pub applied: (u64, u64, u64),
    /// Queries refused or given up.
    pub dropped: u64,
}

/// One replica.
#[derive(Clone, Debug)]
struct Replica {
    pool: FastFifo,
    site: Site,
    shard: u32,
    /// The number of the last write that reached it, where that counts.
    received: u64,
    /// When the last write so far reaches it.
    heard: SimTime,
    /// Writes on their way through its pool: when they become visible, which record, which version.
    coming: VecDeque<(SimTime, u32, u32)>,
    /// Visible versions of what has been written.
    visible: BTreeMap<u32, u32>,
    died: Option<SimTime>,
}

impl Replica {
    /// The version of a record that is visible at `at`; asked for in order of time.
    fn version(&mut self, record: u32, at: SimTime) -> u32 {
        while let Some(&(_, record, version)) = self.coming.front().filter(|write| write.0 <= at) {
            let known = self.visible.entry(record).or_default();
            *known = version.max(*known);
            self.coming.pop_front();
        }
        self.visible.get(&record).copied().unwrap_or_default()
    }
}

impl Replicas {
    /// The replicas of a design, idle; `None`: it has none.
    #[must_use]
    pub fn of(design: &Design, sites: &Sites) -> Option<Self> {
        let (tier, database) = (design.replicas?, design.database.as_ref()?);
        let shards = design.shards.map_or(1, |shards| shards.count);
        let places = shards * sites.len() as u32;
        let replica = |number: u32| Replica {
            pool: FastFifo::new(number, database.pool),
            site: (number / (shards * tier.count)) as Site,
            shard: number / tier.count % shards,
            received: 0,
            heard: SimTime::ZERO,
            coming: VecDeque::new(),
            visible: BTreeMap::new(),
            died: None,
        };
        Some(Self {
            primaries: tier
                .failover
                .map(|rule| Primaries::new(rule, shards, sites.home)),
            nodes: (0..tier.count * places).map(replica).collect(),
            following: (0..places)
                .map(|place| (place * tier.count..(place + 1) * tier.count).collect())
                .collect(),
            shards,
            reads: tier.reads,
            lag: table(tier.lag),
            queue: queue(database),
            timeout: database.timeout,
            connections: database.pool,
            applied: (0, 0, 0),
            dropped: 0,
        })
    }

    /// Number of replicas.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Those of a region.
    #[must_use]
    pub fn at(&self, site: Site) -> Vec<u32> {
        let first = usize::from(site) * self.shards as usize;
        let here = self.following[first..first + self.shards as usize].iter();
        here.flatten().copied().collect()
    }

    fn site(&self, replica: u32) -> Site {
        self.nodes[replica as usize].site
    }

    /// Those that follow a shard in a region.
    fn following(&self, site: Site, shard: u32) -> &[u32] {
        &self.following[self.place(site, shard)]
    }

    fn place(&self, site: Site, shard: u32) -> usize {
        usize::from(site) * self.shards as usize + shard as usize
    }

    /// The replica that takes over a shard, where it stands and what it has heard of.
    #[must_use]
    pub fn next_primary(&self, shard: u32, sites: &Sites) -> Option<(u32, Site, u64)> {
        let from = self.primaries.as_ref()?.site(shard)?;
        let all = (0..sites.len() as Site).flat_map(|site| self.following(site, shard));
        let alive = all.filter_map(|&number| {
            let replica = &self.nodes[number as usize];
            let there = !replica.pool.is_down();
            there.then_some((number, replica.site, replica.received))
        });
        failover::first_choice(sites, from, alive)
    }

    /// One of those that follow a shard becomes its primary; the others have what it has.
    pub fn follow_another(
        &mut self,
        shard: u32,
        primary: u32,
        (known, written): (&BTreeMap<u32, u32>, u64),
    ) {
        for followers in &mut self.following {
            followers.retain(|&replica| replica != primary);
        }
        let others = self.nodes.iter_mut().zip(0..);
        for (replica, _) in others.filter(|(one, number)| one.shard == shard && *number != primary)
        {
            replica.coming.clear();
            replica.visible.clone_from(known);
            replica.received = written;
        }
    }

    /// An old primary is back, as a replica of its shard.
    pub fn joins(
        &mut self,
        (replica, shard, site): (u32, u32, Site),
        known: BTreeMap<u32, u32>,
        written: u64,
    ) {
        let place = self.place(site, shard);
        self.following[place].push(replica);
        let one = &mut self.nodes[replica as usize];
        (one.site, one.received) = (site, written);
        one.heard = SimTime::ZERO;
        self.restore(replica, known);
    }

    /// How far behind the one most behind is with its work.
    #[must_use]
    pub fn backlog(&self, now: SimTime) -> SimDuration {
        let waits = self.nodes.iter().map(|replica| replica.pool.next_wait(now));
        waits.max().unwrap_or_default()
    }

    /// Readings of the pools.
    #[must_use]
    pub fn readings(&self, now: SimTime) -> Vec<Reading> {
        let of = |replica: &Replica| super::baseline::fifo(&replica.pool, now);
        self.nodes.iter().map(of).collect()
    }

    /// A replica dies with its queries.
    pub fn kill(&mut self, now: SimTime, replica: u32) {
        let replica = &mut self.nodes[replica as usize];
        replica.died = Some(now);
        replica.pool.crash(now);
    }

    /// A replica is back and has caught up: `known` are the versions of all that was written.
    pub fn restore(&mut self, replica: u32, known: BTreeMap<u32, u32>) {
        let replica = &mut self.nodes[replica as usize];
        replica.pool.restore();
        replica.coming.clear();
        replica.visible = known;
    }
}

fn table(time: crate::quantile::Distribution) -> QuantileTable {
    QuantileTable::new(time).unwrap_or_else(|problem| panic!("a validated lag: {problem}"))
}

fn queue(database: &Database) -> usize {
    database.queue as usize
}

impl World {
    /// Sends a query to a replica of its region, if it is one for them; `false`: the primary is asked.
    pub(super) fn ask_replica(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) -> bool {
        let (Some(replicas), Some(databases)) = (&self.replicas, &self.databases) else {
            return false;
        };
        let operation = &self.operations[id];
        let key = operation.key();
        if operation.kind != Kind::Query
            || operation.asks != Asks::One
            || databases.may_ask_several(operation.kind)
            || !self.draws.chance(READS, key, 0, replicas.reads)
        {
            return false;
        }
        let site = self.sites.of_server(operation.server);
        let shard = databases.shard_of(operation) as u32;
        if shard >= replicas.shards {
            return false;
        }
        let here = replicas.following(site, shard);
        if here.is_empty() {
            return false; // It has become the primary.
        }
        let replica = here[self.draws.below(PICK, key, 0, here.len() as u64) as usize];
        let link = self.sites.link(site, site);
        self.operations[id].parts.add(Part::Link, link);
        out.after(link, Event::AtReplica { id, replica });
        true
    }

    /// A query reaches a replica.
    pub(super) fn at_replica(
        &mut self,
        id: OperationId,
        replica: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let (Some(replicas), Some(databases)) = (&mut self.replicas, &self.databases) else {
            return;
        };
        let operation = &mut self.operations[id];
        operation.mark = now;
        let bits = self.draws.u32(QUERY_TIME, operation.key(), 0);
        let demand = databases.demand(Kind::Query, bits);
        let site = replicas.site(replica);
        let link = self.sites.link(site, site);
        let pool = &mut replicas.nodes[replica as usize].pool;
        if pool.is_down() {
            operation.parts.add(Part::Link, link);
            return out.after(link, Event::ReplicaFailed(id));
        }
        let wait = pool.next_wait(now);
        if replicas.timeout.is_some_and(|timeout| wait > timeout) {
            replicas.dropped += 1;
            return self.fail_asking(id, true, out);
        }
        if !wait.is_zero() && pool.queued(now) >= replicas.queue {
            replicas.dropped += 1;
            return self.fail_asking(id, false, out);
        }
        let Some(departure) = pool.arrive(now, demand) else {
            return;
        };
        let (started, at) = (departure.started, departure.at);
        operation.parts.add(Part::ReplicaQueue, started - now);
        operation.parts.add(Part::ReplicaService, at - started);
        operation.parts.add(Part::Link, link);
        self.ledger.inner.database += self.inner_bytes(Kind::Query);
        out.at(at + link, Event::FromReplica { id, replica });
    }

    /// A replica's answer is back at the server that asked.
    pub(super) fn replica_answers(
        &mut self,
        id: OperationId,
        replica: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        let Some(replicas) = &mut self.replicas else {
            return;
        };
        let site = replicas.site(replica);
        let answered = out.now().saturating_sub(self.sites.link(site, site));
        let asked = &mut replicas.nodes[replica as usize];
        let operation = &mut self.operations[id];
        let came = operation.mark;
        if asked
            .died
            .is_some_and(|died| came <= died && died < answered)
        {
            return self.ask_primary(id, out);
        }
        let version = asked.version(operation.record, answered);
        operation.version = version;
        self.note_staleness(id, version.into(), answered);
        self.fetched(id, version, out);
        self.next_step(id, out);
    }

    /// A write has taken effect at `at`: the replicas of its shard will hear of it.
    pub(super) fn replicate(
        &mut self,
        id: OperationId,
        at: SimTime,
        out: &mut Schedule<'_, Event>,
    ) {
        let (Some(replicas), Some(databases)) = (&mut self.replicas, &self.databases) else {
            return;
        };
        let operation = &self.operations[id];
        let (record, shard) = (operation.record, databases.shard_of(operation) as u32);
        if shard >= replicas.shards {
            return;
        }
        let version = self.records.version(record);
        let primaries = replicas.primaries.as_mut();
        let (from, number) = primaries.map_or((self.sites.home, 0), |all| {
            let number = all.acknowledged(shard);
            (all.site(shard).unwrap_or(self.sites.home), number)
        });
        for site in 0..self.sites.len() as Site {
            let place = replicas.place(site, shard);
            for &replica in &replicas.following[place] {
                let bits = self
                    .draws
                    .u32(LAG, replica.into(), at.as_nanos() / A_LAG.as_nanos());
                let way = self.sites.link(from, site) + replicas.lag.sample(bits);
                let own = &mut replicas.nodes[replica as usize];
                own.heard = own.heard.max(at + way);
                let event = Event::Replicate {
                    replica,
                    record,
                    version,
                    number,
                };
                out.at(own.heard.max(out.now()), event);
            }
        }
    }

    /// A write reaches a replica.
    pub(super) fn heard_of(
        &mut self,
        replica: u32,
        (record, version, number): (u32, u32, u64),
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let (Some(replicas), Some(databases)) = (&mut self.replicas, &self.databases) else {
            return;
        };
        let (site, shard) = (
            replicas.site(replica),
            replicas.nodes[replica as usize].shard,
        );
        let primaries = replicas.primaries.as_ref();
        let from = primaries.and_then(|all| all.site(shard));
        let from = from.unwrap_or(self.sites.home);
        let sent = now.saturating_sub(self.sites.link(from, site));
        let arrived = primaries.map_or(Arrived::Taken, |all| all.arrives(shard, number, sent));
        if arrived == Arrived::Void {
            return;
        }
        if arrived == Arrived::Unsent || self.sites.cut_off(from, site) {
            let event = Event::Replicate {
                replica,
                record,
                version,
                number,
            };
            return out.after(AGAIN, event);
        }
        let bytes = self.inner_bytes(Kind::Command);
        if !self.sites.carried(from, site, bytes) {
            self.ledger.inner.database += bytes;
        }
        let key = u64::from(record) << 32 | u64::from(version);
        let bits = self.draws.u32(APPLY, key, replica.into());
        let demand = databases.demand(Kind::Command, bits);
        let Some(replicas) = &mut self.replicas else {
            return;
        };
        let own = &mut replicas.nodes[replica as usize];
        let Some(departure) = own.pool.arrive(now, demand) else {
            return; // It is dead, and catches up when it is back.
        };
        own.received = own.received.max(number);
        // Pools serve several at once; the log is applied in its order.
        let visible = own
            .coming
            .back()
            .map_or(departure.at, |last| last.0.max(departure.at));
        own.coming.push_back((visible, record, version));
        if let Some(written) = self.records.written(record, version) {
            let lag = visible.saturating_since(written).as_nanos();
            let (count, sum, longest) = &mut replicas.applied;
            *count += 1;
            *sum += lag;
            *longest = lag.max(*longest);
        }
    }

    /// A replica is back.
    pub(super) fn replica_back(&mut self, replica: u32) {
        let known = self.records.written_versions();
        if let Some(replicas) = &mut self.replicas {
            let own = replicas.nodes[replica as usize].shard;
            let written = replicas
                .primaries
                .as_ref()
                .map_or(0, |all| all.written(own));
            replicas.nodes[replica as usize].received = written;
            replicas.restore(replica, known);
        }
    }
}
