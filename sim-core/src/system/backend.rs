//! The tiers behind the connection servers: channel owners, broker, database.
//!
//! Each is a set of FIFO stations where nothing is cancelled or displaced, so departures are known at arrival
//! ([`FastFifo`]). A channel (or a partition) is pinned to one core, which keeps its order: a message needs
//! sequence + copies · copy there, and copy k leaves after sequence + k · copy. Where a broker hands every message to all its
//! nodes (`bus`), its leader spends that for each of the others, and so does each of them; the copies leave the leader. The database serves `pool` queries at a
//! time; a query that finds the queue full, or would wait longer than the timeout, fails.
//!
//! Left out: the memory and disks of these tiers, and statements that hold locks.

use routing::{ChannelId, PlacementMap};

use super::operation::{Kind, Operation};
use crate::quantile::QuantileTable;
use crate::scenario::{Broker, ChannelOwners, Database, ShardBy, Shards};
use crate::station::{Departure, FastFifo};
use crate::time::{SimDuration, SimTime};

/// Nodes whose cores are FIFO stations of their own.
#[derive(Clone, Debug)]
pub struct Nodes {
    /// Stations, node by node.
    pub cores: Vec<FastFifo>,
    /// Cores per node.
    pub per_node: u32,
    /// When each node died last; what it would have sent later is void.
    died: Vec<Option<SimTime>>,
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
        }
    }

    /// Serves a message on the core of a node that its lane falls on: `first` until the copies begin, then `copy` for each.
    /// `None`: the node is dead.
    pub fn serve(
        &mut self,
        now: SimTime,
        (node, lane): (u32, u64),
        (first, copy): (SimDuration, SimDuration),
        copies: usize,
    ) -> Option<Ordered> {
        let core = self.core(node, lane);
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
    placement: PlacementMap,
    sequence: SimDuration,
    copy: SimDuration,
}

impl Owners {
    /// The owners of a tier, idle.
    #[must_use]
    pub fn new(tier: &ChannelOwners) -> Self {
        let ids: Vec<u32> = (0..tier.count).collect();
        Self {
            nodes: Nodes::new(tier.count, tier.machine.cores),
            placement: PlacementMap::new(tier.placement, &ids),
            sequence: tier.sequence,
            copy: tier.copy,
        }
    }

    /// The placement of keys on nodes.
    #[must_use]
    pub fn placement(&self) -> &PlacementMap {
        &self.placement
    }

    /// The node that owns `key`; `None`: it is dead, and nobody takes over.
    #[must_use]
    pub fn owner(&self, key: u64) -> Option<u32> {
        let node = self.placement.owner(key)?;
        let core = &self.nodes.cores[(node * self.nodes.per_node) as usize];
        (!core.is_down()).then_some(node)
    }

    /// The core that orders `key`, alive or not.
    #[must_use]
    pub fn core(&self, key: u64) -> Option<usize> {
        let node = self.placement.owner(key)?;
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
    /// Partition leaders and followers.
    pub partitions: routing::pubsub::Partitions,
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

impl BrokerNodes {
    /// The nodes of a tier, idle.
    #[must_use]
    pub fn new(tier: &Broker) -> Self {
        Self {
            nodes: Nodes::new(tier.count, tier.machine.cores),
            partitions: routing::pubsub::Partitions::new(
                tier.partitions,
                tier.count,
                tier.replication,
                tier.failover.as_nanos(),
            ),
            linger: QuantileTable::new(tier.linger)
                .unwrap_or_else(|problem| panic!("a validated linger: {problem}")),
            publish: tier.publish,
            copy: tier.copy,
            bus: tier.bus,
            count: tier.partitions,
            failover: tier.failover,
        }
    }

    /// The partition of a channel.
    #[must_use]
    pub fn partition(&self, channel: ChannelId) -> u32 {
        (routing::hash::hash_u64(routing::hash::DEFAULT_SEED, u64::from(channel.0))
            % u64::from(self.count)) as u32
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
        let nodes = self.nodes.died.len() as u32;
        for other in (0..nodes).filter(|other| *other != leader) {
            self.nodes
                .serve(now, lane(other), (bus, SimDuration::ZERO), 0);
        }
        let first = self.publish + bus * u64::from(nodes - 1);
        self.nodes
            .serve(now, lane(leader), (first, self.copy), copies)
    }

    fn has_replica(&self, partition: u32) -> bool {
        self.partitions
            .replicas(partition)
            .any(|node| self.partitions.is_up(node))
    }

    /// When a partition without a leader gets one; `None`: no replica is up.
    #[must_use]
    pub fn retry_at(&self, partition: u32, now: SimTime) -> Option<SimTime> {
        let at = self
            .partitions
            .next_failover_at()
            .filter(|_| self.has_replica(partition))?;
        Some(SimTime::from_nanos(at.0).max(now + SimDuration::from_nanos(1)))
    }

    /// What becomes of a copy that `leader` would have sent at `left`, of a message taken in at `taken`.
    #[must_use]
    pub fn sending(
        &self,
        leader: u16,
        channel: ChannelId,
        taken: SimTime,
        left: SimTime,
    ) -> Sending {
        let Some(died) = self.nodes.death(leader, taken, left) else {
            return Sending::Sent;
        };
        let takeover = died + self.failover;
        if !self.has_replica(self.partition(channel)) {
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
    /// What is kept where; `None`: one database has everything.
    placement: Option<(PlacementMap, ShardBy)>,
    query: QuantileTable,
    write: QuantileTable,
}

impl Databases {
    /// The databases of a design, idle.
    #[must_use]
    pub fn new(tier: &Database, shards: Option<&Shards>) -> Self {
        let table = |time| {
            QuantileTable::new(time)
                .unwrap_or_else(|problem| panic!("a validated query time: {problem}"))
        };
        let count = shards.map_or(1, |shards| shards.count);
        let ids: Vec<u32> = (0..count).collect();
        Self {
            shards: vec![DatabasePool::new(tier); count as usize],
            placement: shards.map(|shards| (PlacementMap::new(shards.placement, &ids), shards.by)),
            query: table(tier.query),
            write: table(tier.write),
        }
    }

    /// The shard of an operation: that of its channel, for what is sent to one.
    #[must_use]
    pub fn shard_of(&self, operation: &Operation) -> usize {
        let Some((placement, by)) = &self.placement else {
            return 0;
        };
        let key = match (operation.kind, by) {
            (Kind::Query | Kind::Command, ShardBy::Record) => operation.record,
            (_, ShardBy::Record) => operation.channel.0,
            (_, ShardBy::User) => operation.origin,
        };
        placement.owner(key.into()).unwrap_or_default() as usize
    }

    /// Asks a shard, for a time that falls on `bits`.
    pub fn ask(&mut self, now: SimTime, shard: usize, kind: Kind, bits: u32) -> Queried {
        let table = match kind {
            Kind::Command => &self.write,
            Kind::Publish | Kind::Presence | Kind::Query | Kind::Connect => &self.query,
        };
        self.shards[shard].ask(now, table.sample(bits))
    }

    /// Asks every shard; the last answer is the answer.
    pub fn ask_all(&mut self, now: SimTime, bits: impl Fn(u32) -> u32) -> Queried {
        let mut last: Option<Departure> = None;
        for shard in 0..self.shards.len() {
            match self.ask(now, shard, Kind::Query, bits(shard as u32)) {
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

    /// Whether an operation that asked and would have been answered at `answered` was asking a database that died meanwhile.
    #[must_use]
    pub fn lost(&self, operation: &Operation, answered: SimTime) -> bool {
        let came = operation.mark;
        if operation.scatters {
            self.shards.iter().any(|shard| shard.lost(came, answered))
        } else {
            self.shards[self.shard_of(operation)].lost(came, answered)
        }
    }
}

/// The database behind its connection pool.
#[derive(Clone, Debug)]
pub struct DatabasePool {
    /// Connections of the pool as servers.
    pub pool: FastFifo,
    /// Connections in the pool.
    pub connections: u32,
    /// Queries refused because the queue was full, and those that gave up waiting.
    pub refused: u64,
    /// Queries that gave up waiting.
    pub gave_up: u64,
    queue: u32,
    timeout: Option<SimDuration>,
    died: Option<SimTime>,
}

/// What becomes of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queried {
    /// It starts and ends then.
    Served(Departure),
    /// The queue is full.
    Refused,
    /// It will give up after the timeout.
    GivesUp(SimDuration),
}

impl DatabasePool {
    /// The pool of a tier, idle.
    #[must_use]
    pub fn new(tier: &Database) -> Self {
        Self {
            pool: FastFifo::new(0, tier.pool),
            connections: tier.pool,
            refused: 0,
            gave_up: 0,
            queue: tier.queue,
            timeout: tier.timeout,
            died: None,
        }
    }

    /// The database dies with its queries.
    pub fn kill(&mut self, now: SimTime) {
        self.died = Some(now);
        self.pool.crash(now);
    }

    /// The database is back, idle.
    pub fn restore(&mut self) {
        self.pool.restore();
    }

    /// Whether a query that came in at `came` and would have been answered at `answered` died with the database.
    #[must_use]
    pub fn lost(&self, came: SimTime, answered: SimTime) -> bool {
        self.died
            .is_some_and(|died| came <= died && died < answered)
    }

    /// Asks for a connection for `demand`.
    pub fn ask(&mut self, now: SimTime, demand: SimDuration) -> Queried {
        let wait = self.pool.next_wait(now);
        if let Some(timeout) = self.timeout
            && wait > timeout
        {
            self.gave_up += 1;
            return Queried::GivesUp(timeout);
        }
        if !wait.is_zero() && self.pool.queued(now) >= self.queue as usize {
            self.refused += 1;
            return Queried::Refused;
        }
        match self.pool.arrive(now, demand) {
            Some(departure) => Queried::Served(departure),
            None => Queried::Refused,
        }
    }
}
