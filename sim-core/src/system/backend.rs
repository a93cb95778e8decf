//! The tiers behind the connection servers: channel owners, broker, database.
//!
//! Each is a set of FIFO stations where nothing is cancelled or displaced, so departures are known at arrival
//! ([`FastFifo`]). A channel (or a partition) is pinned to one core, which keeps its order: a message needs
//! sequence + copies · copy there, and copy k leaves after sequence + k · copy. Where a broker hands every message to all its
//! nodes (`bus`), its leader spends that for each of the others, and so does each of them; the copies leave the leader. The
//! database serves `pool` queries at a time; a query that finds the queue full, or would wait longer than the timeout, fails
//! ([`super::pools`]). A slow node takes `factor` times as long for what it takes in after.
//!
//! Left out: the memory and disks of these tiers, and statements that hold locks.

use routing::PlacementMap;
use routing::pubsub::RelayTree;

use super::operation::{Asks, Kind, Operation};
use super::pooler::Shares;
use super::pools::{DatabasePool, Queried};
use super::servers::timestamp;
use super::sharding::Split;
use super::sites::{Site, Sites};
use crate::draw::{Draws, Purpose};
use crate::quantile::QuantileTable;
use crate::scenario::{Asking, Broker, ChannelOwners, Database, Scenario, SlowShards};
use crate::station::{Departure, FastFifo};
use crate::time::{SimDuration, SimTime};

const SLOW: Purpose = Purpose::named("shard/slow");

/// Nodes whose cores are FIFO stations of their own.
#[derive(Clone, Debug)]
pub struct Nodes {
    /// Stations, node by node.
    pub cores: Vec<FastFifo>,
    /// Cores per node.
    pub per_node: u32,
    /// When each node died last; what it would have sent later is void.
    died: Vec<Option<SimTime>>,
    /// How many times as long each node takes; empty: no node was ever slow.
    slow: Vec<f64>,
}

impl Nodes {
    /// So many nodes of so many cores, idle.
    #[must_use]
    pub fn new(count: u32, per_node: u32) -> Self {
        Self {
            cores: (0..count * per_node)
                .map(|core| FastFifo::new(core, 1))
                .collect(),
            per_node,
            died: vec![None; count as usize],
            slow: Vec::new(),
        }
    }

    /// The nodes of a scale model.
    pub fn slow_clock(&mut self, k: u32) {
        self.cores.iter_mut().for_each(|core| core.slow_clock(k));
    }

    /// A node takes `factor` times as long from now on.
    pub fn slow_down(&mut self, node: u32, factor: f64) {
        self.slow.resize(self.died.len(), 1.0);
        self.slow[node as usize] = factor;
    }

    /// Serves a message on the core of a node that its lane falls on: `first` until the copies begin, then `copy` for each.
    /// `None`: the node is dead.
    pub fn serve(
        &mut self,
        now: SimTime,
        (node, lane): (u32, u64),
        (mut first, mut copy): (SimDuration, SimDuration),
        copies: usize,
    ) -> Option<Ordered> {
        let core = self.core(node, lane);
        if let Some(&factor) = self.slow.get(node as usize) {
            (first, copy) = (first.scaled(factor), copy.scaled(factor));
        }
        let departure = self.cores[core].arrive(now, first + copy * copies as u64)?;
        Some(Ordered {
            departure,
            first: departure.started + first,
            step: copy,
        })
    }

    /// The core of a node that a lane falls on.
    #[must_use]
    pub fn core(&self, node: u32, lane: u64) -> usize {
        (u64::from(node * self.per_node) + lane % u64::from(self.per_node)) as usize
    }

    fn cores_of(&mut self, node: u32) -> &mut [FastFifo] {
        let first = (node * self.per_node) as usize;
        &mut self.cores[first..first + self.per_node as usize]
    }

    /// Number of nodes.
    #[must_use]
    pub fn count(&self) -> usize {
        self.died.len()
    }

    /// Whether a node is dead.
    #[must_use]
    pub fn is_down(&self, node: u32) -> bool {
        self.cores[(node * self.per_node) as usize].is_down()
    }

    /// A node dies with what waits in it.
    pub fn kill(&mut self, now: SimTime, node: u32) {
        self.died[node as usize] = Some(now);
        for core in self.cores_of(node) {
            core.crash(now);
        }
    }

    /// A node is back, empty.
    pub fn restore(&mut self, node: u32) {
        for core in self.cores_of(node) {
            core.restore();
        }
    }

    /// When a node died, if a copy that left it at `left`, of a message taken in at `taken`, would have left a dead node.
    #[must_use]
    pub fn death(&self, node: u16, taken: SimTime, left: SimTime) -> Option<SimTime> {
        let died = self.died.get(usize::from(node)).copied().flatten()?;
        (taken <= died && died < left).then_some(died)
    }
}

/// Channel owners.
#[derive(Clone, Debug)]
pub struct Owners {
    /// Their cores.
    pub nodes: Nodes,
    /// By region.
    placements: Vec<PlacementMap>,
    /// Time after which the others take over from a dead one.
    pub failover: Option<SimDuration>,
    /// Members that one relay sends to.
    relay_members: Option<u32>,
    sequence: SimDuration,
    copy: SimDuration,
}

impl Owners {
    /// The owners of a tier, idle.
    #[must_use]
    pub fn new(tier: &ChannelOwners, sites: &Sites) -> Self {
        let here = |site: usize| {
            let ids: Vec<u32> = sites.owners.at(site as Site).collect();
            PlacementMap::new(tier.placement, &ids)
        };
        Self {
            nodes: Nodes::new(tier.count, tier.machine.cores),
            placements: (0..sites.len()).map(here).collect(),
            failover: tier.failover,
            relay_members: tier.relay_members,
            sequence: tier.sequence,
            copy: tier.copy,
        }
    }

    /// The placement of keys on the nodes of the first region.
    #[must_use]
    pub fn placement(&self) -> &PlacementMap {
        &self.placements[0]
    }

    /// The node that owns `key` in a region; `None`: it is dead, and nobody has taken over.
    #[must_use]
    pub fn owner(&self, site: Site, key: u64) -> Option<u32> {
        let node = self.placed(site, key)?;
        (!self.nodes.is_down(node)).then_some(node)
    }

    /// Relays that a channel with so many members in a region needs; 0: its owner sends by itself.
    #[must_use]
    pub fn relays(&self, members: u64) -> usize {
        let tree = self
            .relay_members
            .map(|limit| RelayTree::new(members, limit));
        tree.filter(|tree| tree.depth() > 1)
            .map_or(0, |tree| tree.relays())
    }

    /// The node that owns `key` in a region, dead or not.
    #[must_use]
    pub fn placed(&self, site: Site, key: u64) -> Option<u32> {
        self.placements[usize::from(site)].owner(key)
    }

    /// The others of its region take over from a node, if it is still dead, or give back to one that lives.
    pub fn take_over(&mut self, site: Site, node: u32) {
        let placement = &mut self.placements[usize::from(site)];
        if self.nodes.is_down(node) {
            placement.remove(node);
        } else {
            placement.add(routing::Node::new(node));
        }
    }

    /// The core that orders `key` in a region, alive or not.
    #[must_use]
    pub fn core(&self, site: Site, key: u64) -> Option<usize> {
        let node = self.placed(site, key)?;
        let lane = routing::hash::hash_u64(CORE_SEED, key);
        Some(self.nodes.core(node, lane))
    }

    /// Orders a message of `key` at its owner and sends `copies` of it.
    pub fn order(&mut self, now: SimTime, node: u32, key: u64, copies: usize) -> Option<Ordered> {
        let lane = routing::hash::hash_u64(CORE_SEED, key);
        self.nodes
            .serve(now, (node, lane), (self.sequence, self.copy), copies)
    }
}

/// Keeps the choice of a core apart from the choice of a node.
const CORE_SEED: u64 = 0x636f_7265;

/// When the copies of one message leave.
#[derive(Clone, Copy, Debug)]
pub struct Ordered {
    /// The service of the whole message.
    pub departure: Departure,
    first: SimTime,
    step: SimDuration,
}

impl Ordered {
    /// When copy `k`, from 0, leaves.
    #[must_use]
    pub fn leaves(&self, k: usize) -> SimTime {
        self.first + self.step * (k as u64 + 1)
    }
}

/// Broker nodes.
#[derive(Clone, Debug)]
pub struct BrokerNodes {
    /// Their cores.
    pub nodes: Nodes,
    /// Partition leaders and followers, a cluster in each region; they number its nodes from 0.
    clusters: Vec<Cluster>,
    /// Time a message rests.
    pub linger: QuantileTable,
    publish: SimDuration,
    copy: SimDuration,
    bus: Option<SimDuration>,
    count: u32,
    failover: SimDuration,
}

/// What becomes of a copy on its way from the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It left before its node died, or after another took over.
    Sent,
    /// The new leader sends it then.
    Again(SimTime),
    /// Its node died, and no replica is up.
    Lost,
}

/// The nodes of a region and who leads which partition.
#[derive(Clone, Debug)]
struct Cluster {
    partitions: routing::pubsub::Partitions,
    first: u32,
}

impl BrokerNodes {
    /// The nodes of a tier, idle.
    #[must_use]
    pub fn new(tier: &Broker, sites: &Sites) -> Self {
        let cluster = |site: usize| {
            let nodes = sites.broker.at(site as Site);
            let count = nodes.len() as u32;
            Cluster {
                partitions: routing::pubsub::Partitions::new(
                    tier.partitions,
                    count,
                    tier.replication.min(count),
                    tier.failover.as_nanos(),
                ),
                first: nodes.start,
            }
        };
        Self {
            nodes: Nodes::new(tier.count, tier.machine.cores),
            clusters: (0..sites.len()).map(cluster).collect(),
            linger: QuantileTable::new(tier.linger)
                .unwrap_or_else(|problem| panic!("a validated linger: {problem}")),
            publish: tier.publish,
            copy: tier.copy,
            bus: tier.bus,
            count: tier.partitions,
            failover: tier.failover,
        }
    }

    /// The node that leads a partition in a region, failovers up to now included; `None`: nobody does yet.
    pub fn leader(&mut self, now: SimTime, site: Site, partition: u32) -> Option<u32> {
        let cluster = &mut self.clusters[usize::from(site)];
        cluster.partitions.poll(timestamp(now));
        self.led_by(site, partition)
    }

    /// The node that leads a partition in a region, as far as is known.
    #[must_use]
    pub fn led_by(&self, site: Site, partition: u32) -> Option<u32> {
        let cluster = &self.clusters[usize::from(site)];
        let leader = cluster.partitions.leader(partition)?;
        Some(cluster.first + leader)
    }

    /// A node of a region dies with what waits in it.
    pub fn kill(&mut self, now: SimTime, site: Site, node: u32) {
        let cluster = &mut self.clusters[usize::from(site)];
        let own = node - cluster.first;
        cluster.partitions.broker_down(timestamp(now), own);
        self.nodes.kill(now, node);
    }

    /// A node of a region is back, empty.
    pub fn restore(&mut self, now: SimTime, site: Site, node: u32) {
        let cluster = &mut self.clusters[usize::from(site)];
        let own = node - cluster.first;
        cluster.partitions.broker_up(timestamp(now), own);
        self.nodes.restore(node);
    }

    /// The partition of a key: of a channel its number.
    #[must_use]
    pub fn partition(&self, key: u64) -> u32 {
        (routing::hash::hash_u64(routing::hash::DEFAULT_SEED, key) % u64::from(self.count)) as u32
    }

    /// Takes a message into a partition at its leader and sends `copies` of it.
    pub fn take(
        &mut self,
        now: SimTime,
        leader: u32,
        partition: u32,
        copies: usize,
    ) -> Option<Ordered> {
        let lane = |node: u32| (node, u64::from(partition));
        let Some(bus) = self.bus else {
            let costs = (self.publish, self.copy);
            return self.nodes.serve(now, lane(leader), costs, copies);
        };
        let own = self
            .clusters
            .partition_point(|cluster| cluster.first <= leader);
        let first = self.clusters[own - 1].first;
        let end = self
            .clusters
            .get(own)
            .map_or(self.nodes.count() as u32, |next| next.first);
        for other in (first..end).filter(|other| *other != leader) {
            self.nodes
                .serve(now, lane(other), (bus, SimDuration::ZERO), 0);
        }
        let first = self.publish + bus * u64::from(end - first - 1);
        self.nodes
            .serve(now, lane(leader), (first, self.copy), copies)
    }

    fn has_replica(&self, site: Site, partition: u32) -> bool {
        let partitions = &self.clusters[usize::from(site)].partitions;
        partitions
            .replicas(partition)
            .any(|node| partitions.is_up(node))
    }

    /// When a partition without a leader gets one; `None`: no replica is up.
    #[must_use]
    pub fn retry_at(&self, site: Site, partition: u32, now: SimTime) -> Option<SimTime> {
        let cluster = &self.clusters[usize::from(site)];
        let at = cluster
            .partitions
            .next_failover_at()
            .filter(|_| self.has_replica(site, partition))?;
        Some(SimTime::from_nanos(at.0).max(now + SimDuration::from_nanos(1)))
    }

    /// What becomes of a copy that `leader` of a region would have sent at `left`, of a message taken in at `taken`.
    #[must_use]
    pub fn sending(
        &self,
        (site, leader): (Site, u16),
        key: u64,
        taken: SimTime,
        left: SimTime,
    ) -> Sending {
        let Some(died) = self.nodes.death(leader, taken, left) else {
            return Sending::Sent;
        };
        let takeover = died + self.failover;
        if !self.has_replica(site, self.partition(key)) {
            Sending::Lost
        } else if left < takeover {
            Sending::Again(takeover)
        } else {
            Sending::Sent
        }
    }
}

/// The databases: one, or as many as there are shards.
#[derive(Clone, Debug)]
pub struct Databases {
    /// Each behind its connection pool.
    pub shards: Vec<DatabasePool>,
    /// Who has which of their connections.
    pub shares: Shares,
    /// What is kept where; `None`: one database has everything.
    pub split: Option<Split>,
    query: QuantileTable,
    write: QuantileTable,
    /// By how much one scattered query takes longer at every shard.
    common: Option<QuantileTable>,
    /// The bits from which on a query takes this long.
    outliers: Option<(u64, SimDuration)>,
    /// Answers that a scattered query waits for.
    needed: u32,
    /// The same as a share of the shards.
    needed_share: Option<f64>,
}

impl Databases {
    /// The databases of a design, idle.
    #[must_use]
    pub fn new(
        tier: &Database,
        count: u32,
        split: Option<Split>,
        asking: &Asking,
        (population, servers): (&Draws, u32),
    ) -> Self {
        let shares = Shares::of(tier, servers);
        let table = |time| {
            QuantileTable::new(time)
                .unwrap_or_else(|problem| panic!("a validated query time: {problem}"))
        };
        Self {
            shards: slowness(count, asking.slow_shards, population)
                .into_iter()
                .map(|slow| DatabasePool::new(tier, asking, &shares, slow))
                .collect(),
            shares,
            split,
            query: table(tier.query),
            write: table(tier.write),
            common: asking.common.map(table),
            outliers: asking.outliers.map(|(share, takes)| {
                let usual = libm::round((1.0 - share) * 4_294_967_296.0) as u64;
                (usual, takes)
            }),
            needed: needed(asking.needed, count),
            needed_share: asking.needed,
        }
    }

    /// There are `to` shards from now on.
    pub fn grow(&mut self, scenario: &Scenario, to: u32) {
        if let Some(tier) = &scenario.design.database {
            let new = || DatabasePool::new(tier, &scenario.asking, &self.shares, 1.0);
            self.shards.resize_with(to as usize, new);
        }
        self.needed = needed(self.needed_share, to);
        let tally = self.split.as_mut().and_then(|split| split.tally.as_mut());
        if let Some(tally) = tally {
            tally.asked.resize(to as usize, 0);
        }
    }

    /// The shard of an operation: that of its channel, for what is sent to one.
    #[must_use]
    pub fn shard_of(&self, operation: &Operation) -> usize {
        let split = self.split.as_ref();
        split.map_or(0, |split| split.shard_of(operation)) as usize
    }

    /// Whether operations of a kind may ask several shards.
    #[must_use]
    pub fn may_ask_several(&self, kind: Kind) -> bool {
        let split = self.split.as_ref();
        split.is_some_and(|split| split.tally.is_some() && split.may_ask_several(kind))
    }

    /// Which shards an operation asks, that asks one or several.
    #[must_use]
    pub fn which(&self, operation: &Operation, draws: &Draws) -> Vec<u32> {
        match (operation.asks, &self.split) {
            (Asks::All, _) => (0..self.shards.len() as u32).collect(),
            (Asks::Several, Some(split)) => split.several(operation, draws),
            _ => vec![self.shard_of(operation) as u32],
        }
    }

    /// How many databases an operation asks that comes now.
    #[must_use]
    pub fn asked(&self, operation: &Operation, draws: &Draws) -> usize {
        match (operation.asks, &self.split) {
            (Asks::All, _) => self.shards.len(),
            (_, Some(split)) if split.may_ask_several(operation.kind) => {
                split.several(operation, draws).len()
            }
            _ => 1,
        }
    }

    /// Lets an operation ask as many shards as it needs, now that it comes; a measured one is noted.
    pub fn settle(&mut self, operation: &mut Operation, draws: &Draws) {
        let Some(split) = &self.split else { return };
        if split.tally.is_none() {
            return;
        }
        let undecided = operation.asks != Asks::All && split.may_ask_several(operation.kind);
        if undecided {
            operation.asks = match split.several(operation, draws).len() {
                0 | 1 => Asks::One,
                _ => Asks::Several,
            };
        }
        if operation.measured {
            let asked = self.which(operation, draws);
            let tally = self.split.as_mut().and_then(|split| split.tally.as_mut());
            if let Some(tally) = tally {
                tally.note(asked.into_iter());
            }
        }
    }

    /// Answers that a scattered query waits for.
    #[must_use]
    pub fn needed(&self) -> u32 {
        self.needed
    }

    /// How long a query holds a connection, for a time that falls on `bits`.
    #[must_use]
    pub fn demand(&self, kind: Kind, bits: u32) -> SimDuration {
        let table = match kind {
            Kind::Command => &self.write,
            _ => &self.query,
        };
        match self.outliers {
            None => table.sample(bits),
            Some((usual, takes)) if u64::from(bits) >= usual => takes,
            // The others share all of the distribution.
            Some((usual, _)) => table.sample(((u64::from(bits) << 32) / usual) as u32),
        }
    }

    /// By how much a scattered query takes longer at every shard, for a time that falls on `bits`.
    #[must_use]
    pub fn common(&self, bits: impl Fn() -> u32) -> SimDuration {
        let common = self.common.as_ref();
        common.map_or(SimDuration::ZERO, |table| table.sample(bits()))
    }

    /// Asks a shard, for a time that falls on `bits`.
    pub fn ask(
        &mut self,
        now: SimTime,
        (shard, lane): (usize, usize),
        kind: Kind,
        bits: u32,
    ) -> Queried {
        let demand = self.demand(kind, bits);
        self.shards[shard].ask(now, lane, demand)
    }

    /// Asks every shard, each for `common` longer; the last answer that is needed is the answer.
    pub fn ask_all(
        &mut self,
        now: SimTime,
        lane: usize,
        common: SimDuration,
        bits: impl Fn(u32) -> u32,
    ) -> Queried {
        if (self.needed as usize) < self.shards.len() {
            return self.ask_some(now, lane, common, bits);
        }
        let mut last: Option<Departure> = None;
        for shard in 0..self.shards.len() {
            let demand = self.demand(Kind::Query, bits(shard as u32)) + common;
            match self.shards[shard].ask(now, lane, demand) {
                Queried::Served(departure) => {
                    last = last
                        .filter(|last| last.at >= departure.at)
                        .or(Some(departure));
                }
                failed @ (Queried::Refused | Queried::GivesUp(_)) => return failed,
            }
        }
        last.map_or(Queried::Refused, Queried::Served)
    }

    /// Asks these shards; the last answer is the answer.
    pub fn ask_each(
        &mut self,
        now: SimTime,
        (shards, lane): (&[u32], usize),
        kind: Kind,
        bits: impl Fn(u32) -> u32,
    ) -> Queried {
        let mut last: Option<Departure> = None;
        for &shard in shards {
            match self.ask(now, (shard as usize, lane), kind, bits(shard)) {
                Queried::Served(departure) => {
                    last = last
                        .filter(|last| last.at >= departure.at)
                        .or(Some(departure));
                }
                failed @ (Queried::Refused | Queried::GivesUp(_)) => return failed,
            }
        }
        last.map_or(Queried::Refused, Queried::Served)
    }

    /// As [`Self::ask_all`], when not all answers are needed: shards that fail are missing only if too few are left.
    fn ask_some(
        &mut self,
        now: SimTime,
        lane: usize,
        common: SimDuration,
        bits: impl Fn(u32) -> u32,
    ) -> Queried {
        let mut failed = Queried::Refused;
        let mut served = Vec::with_capacity(self.shards.len());
        for shard in 0..self.shards.len() {
            let demand = self.demand(Kind::Query, bits(shard as u32)) + common;
            match self.shards[shard].ask(now, lane, demand) {
                Queried::Served(departure) => served.push(departure),
                other => failed = other,
            }
        }
        let nth = self.needed as usize - 1;
        if nth >= served.len() {
            return failed;
        }
        let (_, departure, _) = served.select_nth_unstable_by_key(nth, |departure| departure.at);
        Queried::Served(*departure)
    }

    /// Whether an operation that asked and would have been answered at `answered` was asking a database that died meanwhile.
    #[must_use]
    pub fn lost(&self, operation: &Operation, draws: &Draws, answered: SimTime) -> bool {
        let came = operation.mark;
        let lost = |shard: usize| self.shards[shard].lost(came, answered);
        match operation.asks {
            Asks::One => lost(self.shard_of(operation)),
            Asks::Several => {
                let asked = self.which(operation, draws).into_iter();
                asked.map(|shard| shard as usize).any(lost)
            }
            Asks::All => (0..self.shards.len()).any(lost),
        }
    }
}

/// Answers that a query of `count` shards waits for.
fn needed(share: Option<f64>, count: u32) -> u32 {
    share.map_or(count, |share| {
        (libm::ceil(share * f64::from(count) - 1e-9) as u32).clamp(1, count)
    })
}

/// By shard: how many times as long it always takes. The slow ones are fixed by the population.
fn slowness(count: u32, slow: Option<SlowShards>, population: &Draws) -> Vec<f64> {
    let mut factors = vec![1.0; count as usize];
    let Some(slow) = slow else { return factors };
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_by_key(|&shard| population.u64(SLOW, shard.into(), 0));
    let many = libm::round(slow.share * f64::from(count)) as usize;
    for &shard in &order[..many] {
        factors[shard as usize] = slow.factor;
    }
    factors
}
