//! Load balancing: which backend takes a new connection.
//!
//! *Models:* a balancer that sees connections open and close and picks a backend for the next. Backends come
//! up (with a slow start), drain and go down. *Leaves out:* health checks and the time a pick takes.
//! *Source:* HAProxy, Envoy and NGINX balancing policies; Azar et al. and Mitzenmacher for choices.

mod backends;
mod balancer;
mod least;
pub mod rolling;

use crate::ids::{ServerId, Timestamp};
use rand::Rng;

pub use balancer::LoadBalancer;
pub use rolling::{RollingAction, RollingRestart};

/// How a backend is picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// At random, by weight.
    Random,
    /// In turn, by weight.
    RoundRobin,
    /// The fewest connections per weight; among equals the one picked longest ago, then the first added.
    LeastConnections,
    /// Of `d` different backends drawn at random, the one with the fewest connections per weight.
    Choices {
        /// How many are drawn.
        d: u32,
    },
    /// The owner of the key on a consistent-hash ring.
    Ring {
        /// Points per backend and unit of weight.
        virtual_nodes: u32,
    },
    /// As ring, but passing over backends above `factor_percent` of the mean load.
    BoundedRing {
        /// Points per backend and unit of weight.
        virtual_nodes: u32,
        /// The bound in percent of the mean, at least 100 (HAProxy's hash-balance-factor; 125 is usual).
        factor_percent: u32,
    },
    /// The backend with the highest score for the key (HRW), by weight.
    Rendezvous,
    /// Jump consistent hash over the backends in the order they were added; rehashed while the bucket takes
    /// nothing.
    Jump,
    /// A Maglev lookup table.
    Maglev {
        /// Table size, a prime well above 100 times the backends (65 537).
        table: u32,
    },
    /// 16 384 hash slots, divided evenly over the backends; a slot whose backend takes nothing falls to the
    /// next backend that does.
    Slots,
}

/// What a balancer knows and how it treats newcomers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Age of the connection counters, in nanoseconds: least connections and choices see them as they were at
    /// the last refresh, which comes every so often. 0: always current.
    pub information_age_ns: u64,
    /// How long a backend that came up ramps from (nearly) nothing to its weight, in nanoseconds; 0: at once.
    /// Placement policies ignore it: keys have one owner.
    pub slow_start_ns: u64,
    /// Seed of the placement policies.
    pub seed: u64,
}

/// A backend as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backend {
    /// Its server.
    pub id: ServerId,
    /// Its share relative to the others, up to 65 535; 0 takes nothing.
    pub weight: u32,
}

impl Backend {
    /// A backend of weight 1.
    #[must_use]
    pub const fn new(id: ServerId) -> Self {
        Self { id, weight: 1 }
    }
}

/// Whether a backend takes connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BackendState {
    /// Takes new connections.
    Up,
    /// Keeps its connections, takes no new ones.
    Draining,
    /// Gone; its connections will be reported closed by the caller.
    Down,
}

/// Picks backends and hears what became of it.
pub trait Balancer {
    /// The backend for a new connection with this affinity key; `None` if none takes connections.
    fn pick(&mut self, now: Timestamp, key: u64, rng: &mut dyn Rng) -> Option<ServerId>;
    /// A connection opened on a backend (ignored for an unknown one).
    fn on_opened(&mut self, now: Timestamp, server: ServerId);
    /// A connection on a backend closed (ignored for an unknown one).
    fn on_closed(&mut self, now: Timestamp, server: ServerId);
}
