//! Client connections as the simulator sees them: how far away each is, and when it last received something.
//!
//! 16 bytes per connection, in chunks shared between clones until one of them writes. Membership and session state live in
//! the real [`routing::Hub`].

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::network::Network;
use super::population::Population;
use crate::draw::Draws;
use crate::histogram::units_of;
use crate::time::SimTime;

const CHUNK_BITS: u32 = 14;
const CHUNK: usize = 1 << CHUNK_BITS;

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

type Chunk = [Client; CHUNK];

/// All connections.
#[derive(Clone, Debug)]
pub struct Clients {
    chunks: Vec<Arc<Chunk>>,
    len: u32,
}

impl Clients {
    /// The connections of a population; delays are drawn from the population seed.
    #[must_use]
    pub fn new(population: &Population<'_>, network: &Network, draws: &Draws) -> Self {
        let len = population.connections();
        let client = |id: u32| {
            let class = population.class(routing::ConnectionId(id), network);
            let base_units = units_of(network.base_delay(draws, id, class));
            Client {
                base_units,
                class: class.0,
                ..Client::default()
            }
        };
        let chunks = (0..len.div_ceil(CHUNK as u32)).map(|chunk| {
            let mut rows = vec![Client::default(); CHUNK];
            let first = chunk << CHUNK_BITS;
            for (row, id) in rows.iter_mut().zip(first..len) {
                *row = client(id);
            }
            let rows: Box<Chunk> = rows
                .into_boxed_slice()
                .try_into()
                .unwrap_or_else(|_| unreachable!("a chunk has its size"));
            Arc::from(rows)
        });
        Self {
            chunks: chunks.collect(),
            len,
        }
    }

    /// Number of connections wanted.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// One connection.
    #[inline]
    #[must_use]
    pub fn get(&self, id: u32) -> Client {
        self.chunks[(id >> CHUNK_BITS) as usize][id as usize & (CHUNK - 1)]
    }

    /// Moves the last receipt of a connection.
    #[inline]
    pub fn set_last_receipt(&mut self, id: u32, at: SimTime) {
        owned(&mut self.chunks[(id >> CHUNK_BITS) as usize])[id as usize & (CHUNK - 1)]
            .last_receipt = at;
    }

    /// Bytes held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.chunks.len() * size_of::<Chunk>()
    }
}

/// The chunk for writing; copied first if a clone shares it. As [`Arc::make_mut`], without its locked instruction: this runs
/// once per delivery.
#[inline]
fn owned(chunk: &mut Arc<Chunk>) -> &mut Chunk {
    if Arc::strong_count(chunk) != 1 {
        return copied(chunk);
    }
    fence(Ordering::Acquire);
    // SAFETY: this is the only strong handle and it is borrowed exclusively; weak handles are never made here, so nobody else
    // can read the chunk or make another handle while the reference lives. The fence orders this after the release of
    // handles that other threads have dropped.
    unsafe { &mut *Arc::as_ptr(chunk).cast_mut() }
}

#[cold]
fn copied(chunk: &mut Arc<Chunk>) -> &mut Chunk {
    Arc::make_mut(chunk)
}
