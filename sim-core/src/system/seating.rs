//! Where people sit when a run begins: in the region the router sends them to, on the server its balancer picks.

use routing::ServerId;
use routing::region::Refused;

use super::balancers::Balancers;
use super::clients::Clients;
use super::ledger::Refusal;
use super::network::Network;
use super::servers::{Servers, timestamp};
use super::sites::{Site, Sites};
use crate::draw::{Draws, Purpose};
use crate::time::SimTime;

/// Draws of balancers.
pub const BALANCE: Purpose = Purpose::named("balancer/pick");

/// Who is where, for seating.
pub struct Places<'a> {
    pub sites: &'a Sites,
    pub network: &'a Network,
    pub clients: &'a Clients,
}

impl Places<'_> {
    /// The region that a connection is sent to.
    fn route(&self, connection: u32) -> Result<Site, Refused> {
        let class = self.clients.get(connection).place.class();
        self.sites.route(self.network.place_of(class), connection)
    }
}

/// Places every connection where router and balancer put it; those who find no room are listed with the reason.
pub fn seat(
    draws: &Draws,
    connections: u32,
    places: &Places<'_>,
    servers: &mut Servers,
    balancers: &mut Balancers,
) -> (Vec<ServerId>, Vec<(u32, Refusal)>) {
    let mut seats = Vec::with_capacity(connections as usize);
    let mut refused = Vec::new();
    let capacity = servers.capacity;
    let now = timestamp(SimTime::ZERO);
    let mut rng = draws.rng(BALANCE, u64::MAX, 0);
    for connection in 0..connections {
        let key = routing::hash::hash_u64(routing::hash::DEFAULT_SEED, connection.into());
        let site = match places.route(connection) {
            Ok(site) => site,
            Err(reason) => {
                refused.push((connection, Refusal::of(reason)));
                seats.push(ServerId(0));
                continue;
            }
        };
        let picked = balancers.pick(now, site, key, &mut rng);
        let server = picked.unwrap_or(ServerId(0));
        let state = &mut servers.servers[server.index()];
        match capacity.refuses(state.held) {
            None => {
                state.hold();
                state.counted += 1;
                balancers.on_opened(now, places.sites, server);
            }
            Some(reason) => refused.push((connection, reason)),
        }
        seats.push(server);
    }
    (seats, refused)
}
