//! The origin of assets: web servers that take requests in turn.
//!
//! Models: each server's cores share one queue (M/G/c); who serves is the decision of a real [`LoadBalancer`] (in turn). A
//! server that dies is taken out at once, and what it worked on fails.
//! Leaves out: disks, and the memory that holds the files.

use routing::balance::Policy;
use routing::{Backend, BackendState, Balancer, LoadBalancer, Options, ServerId};

use crate::draw::{Draws, Purpose};
use crate::scenario::OriginTier;
use crate::station::{Departure, FastFifo};
use crate::system::servers::timestamp;
use crate::time::{SimDuration, SimTime};

const PICK: Purpose = Purpose::named("origin/pick");

/// The web servers.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Their cores.
    pub servers: Vec<FastFifo>,
    /// Bytes that each has sent since the start.
    pub bytes_out: Vec<u64>,
    balancer: LoadBalancer,
    died: Vec<Option<SimTime>>,
    serve: SimDuration,
}

impl Origin {
    /// The servers of a tier, idle.
    #[must_use]
    pub fn new(tier: &OriginTier) -> Self {
        let ids = 0..tier.count;
        let options = Options {
            information_age_ns: 0,
            slow_start_ns: 0,
            seed: routing::hash::DEFAULT_SEED,
        };
        let backends: Vec<Backend> = ids
            .clone()
            .map(|id| Backend::new(ServerId(id as u16)))
            .collect();
        Self {
            servers: ids
                .map(|id| FastFifo::new(id, tier.machine.cores))
                .collect(),
            bytes_out: vec![0; tier.count as usize],
            balancer: LoadBalancer::new(Policy::RoundRobin, options, &backends),
            died: vec![None; tier.count as usize],
            serve: tier.serve,
        }
    }

    /// Serves a request; which server does, and when; `None`: none is up.
    pub fn serve(&mut self, now: SimTime, key: u64, draws: &Draws) -> Option<(u16, Departure)> {
        let mut rng = draws.rng(PICK, key, 0);
        let server = self.balancer.pick(timestamp(now), key, &mut rng)?;
        let departure = self.servers[server.index()].arrive(now, self.serve)?;
        Some((server.0, departure))
    }

    /// Whether a server died while it worked on what came in at `came`.
    #[must_use]
    pub fn lost(&self, server: u16, came: SimTime) -> bool {
        self.died[usize::from(server)].is_some_and(|died| came <= died)
    }

    /// A server dies.
    pub fn kill(&mut self, now: SimTime, server: u32) {
        self.died[server as usize] = Some(now);
        self.servers[server as usize].crash(now);
        self.set(now, server, BackendState::Down);
    }

    /// A server is back.
    pub fn restore(&mut self, now: SimTime, server: u32) {
        self.servers[server as usize].restore();
        self.set(now, server, BackendState::Up);
    }

    fn set(&mut self, now: SimTime, server: u32, state: BackendState) {
        let id = ServerId(server as u16);
        self.balancer.set_state(timestamp(now), id, state);
    }
}
