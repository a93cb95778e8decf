//! Client connections as the simulator sees them: how far away each is, and when it last received something.
//!
//! 16 bytes per connection, in chunks shared between clones. Membership and session state live in the real
//! [`routing::Hub`].

use routing::cow::CowVec;

use super::network::Network;
use super::population::Population;
use crate::draw::Draws;
use crate::histogram::units_of;
use crate::time::SimTime;

/// One connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Client {
    /// Last receipt: TCP delivers in order, so nothing arrives before it.
    pub last_receipt: SimTime,
    /// One way to its server without jitter, in kernel units.
    pub base_units: u32,
    /// Place and access network.
    pub class: u8,
}

/// All connections.
#[derive(Clone, Debug)]
pub struct Clients {
    rows: CowVec<Client>,
}

impl Clients {
    /// The connections of a population; delays are drawn from the population seed.
    #[must_use]
    pub fn new(population: &Population<'_>, network: &Network, draws: &Draws) -> Self {
        let mut rows = CowVec::new(Client::default());
        rows.grow(population.connections() as usize);
        for id in 0..population.connections() {
            let class = population.class(routing::ConnectionId(id), network);
            let base_units = units_of(network.base_delay(draws, id, class));
            *rows.get_mut(id as usize) = Client { base_units, class: class.0, ..Client::default() };
        }
        Self { rows }
    }

    /// Number of connections wanted.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.rows.len() as u32
    }

    /// One connection.
    #[inline]
    #[must_use]
    pub fn get(&self, id: u32) -> Client {
        self.rows.get(id as usize).copied().unwrap_or_default()
    }

    /// One connection, to be changed.
    #[inline]
    pub fn get_mut(&mut self, id: u32) -> &mut Client {
        self.rows.get_mut(id as usize)
    }

    /// Bytes held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.rows.memory_bytes()
    }
}
