//! Who has which connections of a database, and the connection pooler in front of it.
//!
//! Models: without a pooler, connection servers connect one after the other, each with as many connections as it keeps, until
//! the database takes no more; a query of a server that came too late is refused. Each server's queries wait for its own
//! connections. A pooler is a hop: CPU of one core of one instance, for each database that is asked, then the wait for one of
//! that instance's connections. Mode `Transaction`: any client has any of them for one query, so all share them; an instance has
//! no more queries in hand than clients it takes. Mode `Session`: each client has its own for as long as it is connected, so
//! servers share them out as they do without a pooler. Servers that find no room at the instances for their connections are
//! refused in either mode. *Formula:* at rate λ, with c = pool of one instance and service S, M/M/c/(c + queue); instances
//! are picked by chance, so n of them are n such queues at λ / n.
//!
//! What waits for a connection waits at the pooler or at the server, and is counted with the database that it waits for.
//!
//! Leaves out: the time to open a connection, a server's own limit on queries in hand beside a pooler that shares, poolers
//! that die, a share of the CPU on the way back, prepared statements and settings of a session that mode `Transaction` loses, and replicas, which have pools
//! of their own.

use routing::ServerId;

use super::backend::Nodes;
use super::event::Event;
use super::operation::{Operation, OperationId, Part};
use super::world::World;
use crate::draw::{Draws, Purpose};
use crate::engine::Schedule;
use crate::scenario::{Database, Pooler};
use crate::time::SimDuration;

const PICK: Purpose = Purpose::named("pooler/pick");

/// Who has the connections of one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shares {
    /// All askers together have so many.
    All(u32),
    /// By connection server: its own.
    Servers(Vec<u32>),
    /// By instance of the pooler, for whoever asks through it.
    Instances(Vec<u32>),
}

impl Shares {
    /// Of a database that `servers` ask.
    #[must_use]
    pub fn of(tier: &Database, servers: u32) -> Self {
        let Some(held) = &tier.held else {
            return Self::All(tier.pool);
        };
        let limit = held.limit.unwrap_or(u32::MAX);
        let own = held.each.unwrap_or(1);
        match &held.pooler {
            None if held.each.is_none() => Self::All(tier.pool.min(limit)),
            None => Self::Servers(granted(servers, own, limit)),
            Some(pooler) => {
                let all = limit.min(pooler.pool.saturating_mul(pooler.count));
                let clients = pooler.clients.saturating_mul(pooler.count);
                if pooler.session {
                    Self::Servers(granted(servers, own, all.min(clients)))
                } else {
                    Self::Instances(granted(pooler.count, pooler.pool, limit))
                }
            }
        }
    }

    /// Connections in all.
    #[must_use]
    pub fn connections(&self) -> u32 {
        match self {
            Self::All(all) => *all,
            Self::Servers(each) | Self::Instances(each) => each.iter().sum::<u32>().max(1),
        }
    }
}

/// What each of `count` gets that ask for `each` one after the other, of `all`.
fn granted(count: u32, each: u32, all: u32) -> Vec<u32> {
    let mut left = all;
    let mut next = || {
        let own = each.min(left);
        left -= own;
        own
    };
    (0..count).map(|_| next()).collect()
}

/// The instances of the pooler.
#[derive(Clone, Debug)]
pub struct PoolerNodes {
    /// Their cores.
    pub nodes: Nodes,
    /// Queries refused: their server has no connection to an instance, or all clients of it are busy.
    pub refused: u64,
    /// By instance: queries that it has taken in and not answered.
    in_hand: Vec<u32>,
    /// By connection server: its connections to the pooler; empty: as many as it needs.
    clients: Vec<u32>,
    /// What one instance takes.
    most: u32,
    cost: SimDuration,
}

impl PoolerNodes {
    /// The instances of a tier, idle, for so many connection servers that keep `each` connections.
    #[must_use]
    pub fn new(tier: &Pooler, servers: u32, each: Option<u32>) -> Self {
        let all = tier.clients.saturating_mul(tier.count);
        Self {
            nodes: Nodes::new(tier.count, tier.threads),
            refused: 0,
            in_hand: vec![0; tier.count as usize],
            clients: each.map_or_else(Vec::new, |each| granted(servers, each, all)),
            most: tier.clients,
            cost: tier.cost,
        }
    }

    /// The instance that an operation goes through.
    #[must_use]
    pub fn instance(&self, operation: &Operation, draws: &Draws) -> u32 {
        let nth = u64::from(operation.queries_left);
        draws.below(PICK, operation.key(), nth, self.nodes.count() as u64) as u32
    }

    /// Client connections, of those that there is room for; `None`: nobody says how many servers keep.
    #[must_use]
    pub fn connected(&self) -> Option<f64> {
        let all = f64::from(self.most) * self.nodes.count() as f64;
        let taken: u32 = self.clients.iter().sum();
        (!self.clients.is_empty()).then(|| f64::from(taken) / all.max(1.0))
    }

    fn takes(&self, server: usize) -> bool {
        self.clients.get(server).is_none_or(|own| *own > 0)
    }
}

/// The number of the connections that a server uses; feeds, which come in through none, use those of the first.
#[must_use]
pub fn lane_of(server: u16) -> usize {
    if server == ServerId::NOWHERE.0 {
        0
    } else {
        server.into()
    }
}

impl World {
    /// A query or command reaches the pooler.
    pub(super) fn at_pooler(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let operation = &mut self.operations[id];
        operation.mark = now;
        let (Some(pooler), Some(databases)) = (&mut self.pooler, &self.databases) else {
            return;
        };
        let asked = databases.asked(operation, &self.draws);
        let instance = pooler.instance(operation, &self.draws);
        let lane = u64::from(operation.server);
        let full = pooler.in_hand[instance as usize] >= pooler.most;
        if full || !pooler.takes(lane_of(operation.server)) {
            pooler.refused += 1;
            return self.fail_asking(id, false, out);
        }
        pooler.in_hand[instance as usize] += 1;
        let work = (pooler.cost * asked as u64, SimDuration::ZERO);
        let Some(served) = pooler.nodes.serve(now, (instance, lane), work, 0) else {
            return self.fail_asking(id, false, out);
        };
        let (started, at) = (served.departure.started, served.departure.at);
        operation.parts.add(Part::PoolerQueue, started - now);
        operation.parts.add(Part::PoolerService, at - started);
        let hop = self.pooler_hop();
        self.operations[id].parts.add(Part::Link, hop);
        out.at(at + hop, Event::AtDatabase(id));
    }

    /// What an operation asked through the pooler is answered, or given up.
    pub(super) fn pooler_done(&mut self, id: OperationId) {
        if let Some(pooler) = &mut self.pooler {
            let instance = pooler.instance(&self.operations[id], &self.draws);
            pooler.in_hand[instance as usize] -= 1;
        }
    }

    /// One way between pooler and database, which stand in one region; nothing without a pooler.
    pub(super) fn pooler_hop(&self) -> SimDuration {
        let home = self.sites.home;
        let pooler = self.pooler.as_ref();
        pooler.map_or(SimDuration::ZERO, |_| self.sites.link(home, home))
    }

    /// The connections that an operation uses at a database.
    pub(super) fn lane(&self, operation: &Operation) -> usize {
        let shares = self.databases.as_ref().map(|all| &all.shares);
        match (shares, &self.pooler) {
            (Some(Shares::Servers(_)), _) => lane_of(operation.server),
            (Some(Shares::Instances(_)), Some(pooler)) => {
                pooler.instance(operation, &self.draws) as usize
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_first_gets_what_there_is() {
        assert_eq!(granted(4, 50, 120), [50, 50, 20, 0]);
        assert_eq!(granted(2, 3, u32::MAX), [3, 3]);
    }
}
