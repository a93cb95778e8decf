//! The database behind its connection pool: as many queries at a time as it has connections.
//!
//! Models: forms of the same station. Where nobody abandons, repeats or drops a query, departures are known at arrival
//! ([`FastFifo`]); there, connection servers or a pooler may have connections of their own ([`Shares`]). Where somebody may, every step is an event: a query waits for a connection ([`Pool`]), may be refused when
//! it comes and dropped when its turn comes ([`OverloadPolicy`]), and may be taken out of the queue. A slow instance takes
//! `factor` times as long: for what it takes in after in the first form, for what it begins to serve after in the second.
//! Leaves out: what a query does on the machine, and statements that hold locks.

use routing::Timestamp;
use routing::overload::{Arrival, OverloadPolicy, Turn};
use routing::retry::Deadline;

use super::baseline::Reading;
use super::calls::CopyId;
use super::pooler::Shares;
use crate::scenario::{Asking, Database};
use crate::station::{Acquire, Departure, FastFifo, Pool, PoolConfig};
use crate::time::{SimDuration, SimTime};

/// The database behind its connection pool.
#[derive(Clone, Debug)]
pub struct DatabasePool {
    /// Connections in the pool.
    pub connections: u32,
    /// Queries refused because the queue was full, or because it is dead.
    pub refused: u64,
    /// Queries that gave up waiting.
    pub gave_up: u64,
    /// Queries dropped when their turn came.
    pub dropped_dead: u64,
    /// Queries of connection servers that have no connection; among the refused.
    pub unconnected: u64,
    station: Station,
    queue: u32,
    timeout: Option<SimDuration>,
    died: Option<SimTime>,
    /// How many times as long it takes: always, and while a fault lasts.
    slow: [f64; 2],
}

#[derive(Clone, Debug)]
enum Station {
    Fast(FastFifo),
    /// By whoever has connections of their own; `None`: they got none.
    Shared(Vec<Option<FastFifo>>),
    Watched {
        pool: Pool<CopyId>,
        overload: OverloadPolicy,
        down: bool,
    },
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

/// What becomes of a query whose steps are events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It begins to be served.
    Begins,
    /// It waits, until the deadline at most.
    Waits {
        /// Names it in the queue.
        ticket: u64,
        /// When it gives up.
        deadline: Option<SimTime>,
    },
    /// It is refused.
    Refused,
}

impl DatabasePool {
    /// The pool of a tier, idle; it always takes `slow` times as long.
    #[must_use]
    pub fn new(tier: &Database, asking: &Asking, shares: &Shares, slow: f64) -> Self {
        let station = if asking.is_watched() {
            Station::Watched {
                pool: Pool::new(PoolConfig {
                    permits: tier.pool,
                    capacity: tier.queue as usize,
                    timeout: tier.timeout,
                }),
                overload: asking.overload,
                down: false,
            }
        } else {
            match shares {
                Shares::All(all) => Station::Fast(FastFifo::new(0, *all)),
                Shares::Servers(each) | Shares::Instances(each) => {
                    let own =
                        |(lane, &own): (u32, &u32)| (own > 0).then(|| FastFifo::new(lane, own));
                    Station::Shared((0..).zip(each).map(own).collect())
                }
            }
        };
        Self {
            connections: shares.connections(),
            refused: 0,
            unconnected: 0,
            gave_up: 0,
            dropped_dead: 0,
            station,
            queue: tier.queue,
            timeout: tier.timeout,
            died: None,
            slow: [slow, 1.0],
        }
    }

    /// The pool of a scale model; its steps are not events there.
    pub fn slow_clock(&mut self, k: u32) {
        match &mut self.station {
            Station::Fast(fifo) => fifo.slow_clock(k),
            Station::Shared(lanes) => lanes
                .iter_mut()
                .flatten()
                .for_each(|lane| lane.slow_clock(k)),
            Station::Watched { .. } => {}
        }
    }

    /// It takes `factor` times as long from now on.
    pub fn slow_down(&mut self, factor: f64) {
        self.slow[1] = factor;
    }

    /// How long a query takes that needs `demand`.
    #[must_use]
    pub fn stretched(&self, demand: SimDuration) -> SimDuration {
        let factor = self.slow[0] * self.slow[1];
        if factor == 1.0 {
            demand
        } else {
            demand.scaled(factor)
        }
    }

    /// The database dies with its queries; those that waited for a connection, if somebody watches them.
    pub fn kill(&mut self, now: SimTime) -> Vec<CopyId> {
        self.died = Some(now);
        let mut waiting = Vec::new();
        match &mut self.station {
            Station::Fast(fifo) => {
                fifo.crash(now);
            }
            Station::Shared(lanes) => lanes.iter_mut().flatten().for_each(|lane| {
                lane.crash(now);
            }),
            Station::Watched { pool, down, .. } => {
                pool.reset(now, &mut waiting);
                *down = true;
            }
        }
        waiting
    }

    /// Whether the database is dead.
    #[must_use]
    pub fn is_down(&self) -> bool {
        match &self.station {
            Station::Fast(fifo) => fifo.is_down(),
            Station::Shared(lanes) => lanes.iter().flatten().any(FastFifo::is_down),
            Station::Watched { down, .. } => *down,
        }
    }

    /// The database is back, idle.
    pub fn restore(&mut self) {
        match &mut self.station {
            Station::Fast(fifo) => fifo.restore(),
            Station::Shared(lanes) => lanes.iter_mut().flatten().for_each(FastFifo::restore),
            Station::Watched { down, .. } => *down = false,
        }
    }

    /// Whether a query that came in at `came` and would have been answered at `answered` died with the database.
    #[must_use]
    pub fn lost(&self, came: SimTime, answered: SimTime) -> bool {
        self.died
            .is_some_and(|died| came <= died && died < answered)
    }

    /// Asks for a connection for `demand`, one of those that `lane` has if not all share them.
    pub fn ask(&mut self, now: SimTime, lane: usize, demand: SimDuration) -> Queried {
        let demand = self.stretched(demand);
        let pool = match &mut self.station {
            Station::Fast(pool) => pool,
            Station::Shared(lanes) => match lanes.get_mut(lane) {
                Some(Some(own)) => own,
                _ => {
                    self.refused += 1;
                    self.unconnected += 1;
                    return Queried::Refused;
                }
            },
            Station::Watched { .. } => unreachable!("a watched pool is asked by its events"),
        };
        let wait = pool.next_wait(now);
        if let Some(timeout) = self.timeout
            && wait > timeout
        {
            self.gave_up += 1;
            return Queried::GivesUp(timeout);
        }
        if !wait.is_zero() && pool.queued(now) >= self.queue as usize {
            self.refused += 1;
            return Queried::Refused;
        }
        match pool.arrive(now, demand) {
            Some(departure) => Queried::Served(departure),
            None => Queried::Refused,
        }
    }

    /// A watched query comes in.
    pub fn comes(&mut self, now: SimTime, copy: CopyId) -> Asked {
        let Station::Watched {
            pool,
            overload,
            down,
        } = &mut self.station
        else {
            unreachable!("only a watched pool has events");
        };
        let waits = pool.held() >= self.connections;
        let refused = *down || waits && overload.on_arrival(pool.queued()) == Arrival::Shed;
        let asked = if refused {
            Acquire::Rejected
        } else {
            pool.acquire(now, copy)
        };
        match asked {
            Acquire::Granted => Asked::Begins,
            Acquire::Waiting { ticket, deadline } => Asked::Waits { ticket, deadline },
            Acquire::Rejected => {
                self.refused += 1;
                Asked::Refused
            }
        }
    }

    /// A watched query has been served: the next one whose turn it is, with how long it has waited. `deadline` says until
    /// when an answer to one is of use; those that are too late are appended to `dropped`.
    pub fn next(
        &mut self,
        now: SimTime,
        deadline: impl Fn(CopyId) -> Deadline,
        dropped: &mut Vec<CopyId>,
    ) -> Option<CopyId> {
        let Station::Watched { pool, overload, .. } = &mut self.station else {
            return None;
        };
        while let Some(granted) = pool.release(now) {
            let turn = overload.on_turn(Timestamp(now.as_nanos()), deadline(granted.job));
            if turn == Turn::Serve {
                return Some(granted.job);
            }
            self.dropped_dead += 1;
            dropped.push(granted.job);
        }
        None
    }

    /// A watched query has waited as long as it may; whether it was still waiting.
    pub fn gives_up(&mut self, now: SimTime, ticket: u64) -> bool {
        let Station::Watched { pool, .. } = &mut self.station else {
            return false;
        };
        let waited = pool.timeout(now, ticket).is_some();
        self.gave_up += u64::from(waited);
        waited
    }

    /// A watched query is taken out of the queue; whether it was waiting.
    pub fn cancel(&mut self, now: SimTime, ticket: u64) -> bool {
        match &mut self.station {
            Station::Fast(_) | Station::Shared(_) => false,
            Station::Watched { pool, .. } => pool.cancel(now, ticket).is_some(),
        }
    }

    /// How long a query that comes now will wait; where that cannot be known, how long the first in the queue has waited.
    #[must_use]
    pub fn backlog(&self, now: SimTime) -> SimDuration {
        match &self.station {
            Station::Fast(fifo) => fifo.next_wait(now),
            Station::Shared(lanes) => {
                let waits = lanes.iter().flatten().map(|lane| lane.next_wait(now));
                waits.max().unwrap_or_default()
            }
            Station::Watched { pool, .. } => pool.longest_wait(now),
        }
    }

    /// Queries taken in.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        match &self.station {
            Station::Fast(fifo) => fifo.accepted(),
            Station::Shared(lanes) => lanes.iter().flatten().map(FastFifo::accepted).sum(),
            Station::Watched { pool, .. } => pool.accounts().accepted,
        }
    }

    /// The longest queue so far.
    #[must_use]
    pub fn max_queue(&self) -> usize {
        match &self.station {
            Station::Fast(fifo) => fifo.max_queue(),
            Station::Shared(lanes) => {
                let longest = lanes.iter().flatten().map(FastFifo::max_queue);
                longest.max().unwrap_or_default()
            }
            Station::Watched { pool, .. } => pool.accounts().max_queue,
        }
    }

    /// Its accounts.
    #[must_use]
    pub fn reading(&self, now: SimTime) -> Reading {
        match &self.station {
            Station::Fast(fifo) => Reading {
                busy_ns: fifo.busy_ns(now),
                queue_job_ns: fifo.queue_job_ns(now),
                ..Reading::default()
            },
            Station::Shared(lanes) => {
                lanes
                    .iter()
                    .flatten()
                    .fold(Reading::default(), |sum, lane| Reading {
                        busy_ns: sum.busy_ns + lane.busy_ns(now),
                        queue_job_ns: sum.queue_job_ns + lane.queue_job_ns(now),
                        ..sum
                    })
            }
            Station::Watched { pool, .. } => Reading {
                busy_ns: pool.held_ns(now) as u64,
                queue_job_ns: pool.accounts().queue_job_ns(now),
                ..Reading::default()
            },
        }
    }
}
