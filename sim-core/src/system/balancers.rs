//! The load balancers: one over the servers of each region.
//!
//! Each is a real [`LoadBalancer`]. What it believes of its servers also tells the region router how healthy its region is.

use routing::{Backend, BackendState, Balancer, LoadBalancer, Options, ServerId, Timestamp};

use super::sites::{Site, Sites};
use crate::draw::KeyedRng;
use crate::scenario::Scenario;

/// The balancers of a design.
#[derive(Clone, Debug)]
pub struct Balancers {
    /// By region.
    balancers: Vec<LoadBalancer>,
    /// Servers that are believed to be up, by region.
    up: Vec<Vec<ServerId>>,
}

impl Balancers {
    /// The balancers of a scenario with all its servers up.
    #[must_use]
    pub fn new(scenario: &Scenario, sites: &Sites) -> Self {
        let tier = &scenario.design.load_balancer;
        let options = Options {
            information_age_ns: tier.counters_age.as_nanos(),
            slow_start_ns: tier.slow_start.as_nanos(),
            seed: routing::hash::DEFAULT_SEED,
        };
        let servers = |site: usize| -> Vec<ServerId> {
            let here = sites.servers.at(site as Site);
            here.map(|id| ServerId(id as u16)).collect()
        };
        let up: Vec<Vec<ServerId>> = (0..sites.len()).map(servers).collect();
        let over = |servers: &Vec<ServerId>| {
            let backends: Vec<Backend> = servers.iter().copied().map(Backend::new).collect();
            LoadBalancer::new(tier.policy, options, &backends)
        };
        Self {
            balancers: up.iter().map(over).collect(),
            up,
        }
    }

    /// A server of a region for the key of a connection; `None`: none is up.
    pub fn pick(
        &mut self,
        now: Timestamp,
        site: Site,
        key: u64,
        rng: &mut KeyedRng,
    ) -> Option<ServerId> {
        self.balancers[usize::from(site)].pick(now, key, rng)
    }

    /// A connection is opened on a server.
    pub fn on_opened(&mut self, now: Timestamp, sites: &Sites, server: ServerId) {
        let site = usize::from(sites.of_server(server.0));
        self.balancers[site].on_opened(now, server);
    }

    /// A connection on a server is closed.
    pub fn on_closed(&mut self, now: Timestamp, sites: &Sites, server: ServerId) {
        let site = usize::from(sites.of_server(server.0));
        self.balancers[site].on_closed(now, server);
    }

    /// A server takes new connections, or none; the region router hears of it.
    pub fn set_state(
        &mut self,
        now: Timestamp,
        sites: &mut Sites,
        server: ServerId,
        state: BackendState,
    ) {
        let site = sites.of_server(server.0);
        let up = &mut self.up[usize::from(site)];
        up.retain(|other| *other != server);
        if state == BackendState::Up {
            up.push(server);
        }
        sites.healthy(site, up.len() as u32);
        self.balancers[usize::from(site)].set_state(now, server, state);
    }
}
