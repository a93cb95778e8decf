//! The tiers behind the connection servers: channel owners, broker, database.
//!
//! Each is a set of FIFO stations where nothing is cancelled or displaced, so departures are known at arrival
//! ([`FastFifo`]). A channel (or a partition) is pinned to one core, which keeps its order: a message needs
//! sequence + copies · copy there, and copy k leaves after sequence + k · copy. The database serves `pool` queries at a
//! time; a query that finds the queue full, or would wait longer than the timeout, fails.
//!
//! Left out: the memory and disks of these tiers, and statements that hold locks.

use routing::{ChannelId, PlacementMap};

use crate::quantile::QuantileTable;
use crate::scenario::{Broker, ChannelOwners, Database};
use crate::station::{Departure, FastFifo};
use crate::time::{SimDuration, SimTime};

/// Channel owners, one FIFO station per core.
#[derive(Clone, Debug)]
pub struct Owners {
    /// Stations, node by node.
    pub cores: Vec<FastFifo>,
    /// Cores per node.
    pub cores_per_node: u32,
    placement: PlacementMap,
    sequence: SimDuration,
    copy: SimDuration,
}

impl Owners {
    /// The owners of a tier, idle.
    #[must_use]
    pub fn new(tier: &ChannelOwners) -> Self {
        let nodes: Vec<u32> = (0..tier.count).collect();
        let cores = (0..tier.count * tier.machine.cores)
            .map(|core| FastFifo::new(core, 1))
            .collect();
        Self {
            cores,
            cores_per_node: tier.machine.cores,
            placement: PlacementMap::new(tier.placement, &nodes),
            sequence: tier.sequence,
            copy: tier.copy,
        }
    }

    /// The placement of keys on nodes.
    #[must_use]
    pub fn placement(&self) -> &PlacementMap {
        &self.placement
    }

    /// Orders a message of `key` and sends `copies` of it. `None`: nobody owns it.
    pub fn order(&mut self, now: SimTime, key: u64, copies: usize) -> Option<Ordered> {
        let node = self.placement.owner(key)?;
        let core = node * self.cores_per_node
            + (routing::hash::hash_u64(CORE_SEED, key) % u64::from(self.cores_per_node)) as u32;
        let demand = self.sequence + self.copy * copies as u64;
        let departure = self.cores[core as usize].arrive(now, demand)?;
        Some(Ordered {
            departure,
            first: departure.started + self.sequence,
            step: self.copy,
        })
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

/// Broker nodes, one FIFO station per core.
#[derive(Clone, Debug)]
pub struct BrokerNodes {
    /// Stations, node by node.
    pub cores: Vec<FastFifo>,
    /// Cores per node.
    pub cores_per_node: u32,
    /// Partition leaders and followers.
    pub partitions: routing::pubsub::Partitions,
    /// When each node died last; what it would have sent later is void.
    pub died: Vec<Option<SimTime>>,
    /// Time a message rests.
    pub linger: QuantileTable,
    publish: SimDuration,
    copy: SimDuration,
    count: u32,
}

impl BrokerNodes {
    /// The nodes of a tier, idle.
    #[must_use]
    pub fn new(tier: &Broker) -> Self {
        let cores = (0..tier.count * tier.machine.cores)
            .map(|core| FastFifo::new(core, 1))
            .collect();
        Self {
            cores,
            cores_per_node: tier.machine.cores,
            partitions: routing::pubsub::Partitions::new(
                tier.partitions,
                tier.count,
                tier.replication,
                tier.failover.as_nanos(),
            ),
            died: vec![None; tier.count as usize],
            linger: QuantileTable::new(tier.linger)
                .unwrap_or_else(|problem| panic!("a validated linger: {problem}")),
            publish: tier.publish,
            copy: tier.copy,
            count: tier.partitions,
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
        let core = leader * self.cores_per_node + partition % self.cores_per_node;
        let demand = self.publish + self.copy * copies as u64;
        let departure = self.cores[core as usize].arrive(now, demand)?;
        Some(Ordered {
            departure,
            first: departure.started + self.publish,
            step: self.copy,
        })
    }

    /// When a partition without a leader gets one; `None`: no replica is up.
    #[must_use]
    pub fn retry_at(&self, partition: u32, now: SimTime) -> Option<SimTime> {
        let lives = self
            .partitions
            .replicas(partition)
            .any(|node| self.partitions.is_up(node));
        let at = self.partitions.next_failover_at().filter(|_| lives)?;
        Some(SimTime::from_nanos(at.0).max(now + SimDuration::from_nanos(1)))
    }

    /// Whether a copy that left a node at `left`, of a message taken in at `taken`, died with the node before.
    #[must_use]
    pub fn voids(&self, node: u16, taken: SimTime, left: SimTime) -> bool {
        let died = self.died.get(usize::from(node)).copied().flatten();
        died.is_some_and(|died| taken <= died && died < left)
    }

    /// Cores of a node.
    #[must_use]
    pub fn node_cores(&self, node: u32) -> core::ops::Range<usize> {
        let first = (node * self.cores_per_node) as usize;
        first..first + self.cores_per_node as usize
    }
}

/// The database behind its connection pool.
#[derive(Clone, Debug)]
pub struct DatabasePool {
    /// Connections of the pool as servers.
    pub pool: FastFifo,
    /// Connections in the pool.
    pub connections: u32,
    /// Time one query holds a connection.
    pub query: QuantileTable,
    /// Queries refused because the queue was full, and those that gave up waiting.
    pub refused: u64,
    /// Queries that gave up waiting.
    pub gave_up: u64,
    queue: u32,
    timeout: Option<SimDuration>,
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
            query: QuantileTable::new(tier.query)
                .unwrap_or_else(|problem| panic!("a validated query time: {problem}")),
            refused: 0,
            gave_up: 0,
            queue: tier.queue,
            timeout: tier.timeout,
        }
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
