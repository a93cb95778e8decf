//! Eviction: which entry gives way when a cache is full.
//!
//! *Models:* six policies over the entries of a [`Store`](super::Store), each with constant work per access (SIEVE
//! and S3-FIFO amortized) and no allocation on a hit. *Property:* the same requests evict the same keys, on every
//! machine. *Leaves out:* the cost of fetching an entry again; none of the six weighs it.
//! *Source:* in each module.

mod ghost;
mod lfu;
mod queue;
mod s3_fifo;
mod sieve;
mod sketch;
mod tiny_lfu;

use super::Capacity;
use super::list::Nodes;

/// Which entry gives way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EvictionPolicy {
    /// The one that came first.
    Fifo,
    /// The one used longest ago.
    Lru,
    /// The one used least often since it came; among equals the one used longest ago. Counts never age.
    Lfu,
    /// The first that was not used since a hand passed it last; the hand goes from old to new.
    Sieve,
    /// One that was not used again in a small queue for newcomers, else the first unused one of the main queue.
    S3Fifo,
    /// The less often asked for of two: the oldest of a small window for newcomers, and the oldest of the rest.
    WTinyLfu,
}

/// What a policy hears, and what it is asked. Slots are those of the nodes, which are linked here only.
trait Evict {
    /// A key was asked for, whether or not an entry is there.
    fn on_request(&mut self, _key: u64) {}
    /// The entry in `slot` was used.
    fn on_hit(&mut self, nodes: &mut Nodes, slot: u32);
    /// A new entry came into `slot`, with its key and weight already in the node.
    fn on_insert(&mut self, nodes: &mut Nodes, slot: u32);
    /// Takes out the entry that gives way to `incoming` more weight; `None` if there is none.
    fn evict(&mut self, nodes: &mut Nodes, incoming: u64) -> Option<u32>;
    /// Takes out the entry in `slot`.
    fn remove(&mut self, nodes: &mut Nodes, slot: u32);
    /// Gives the entry in `slot` another weight.
    fn resize(&mut self, nodes: &mut Nodes, slot: u32, weight: u32);
}

/// One policy and what it remembers.
#[derive(Clone, Debug)]
pub(super) enum Engine {
    Queue(queue::Queue),
    Lfu(lfu::Lfu),
    Sieve(sieve::Sieve),
    S3Fifo(s3_fifo::S3Fifo),
    TinyLfu(tiny_lfu::TinyLfu),
}

impl Engine {
    pub(super) fn new(policy: EvictionPolicy, capacity: Capacity) -> Self {
        match policy {
            EvictionPolicy::Fifo => Self::Queue(queue::Queue::fifo()),
            EvictionPolicy::Lru => Self::Queue(queue::Queue::lru()),
            EvictionPolicy::Lfu => Self::Lfu(lfu::Lfu::default()),
            EvictionPolicy::Sieve => Self::Sieve(sieve::Sieve::default()),
            EvictionPolicy::S3Fifo => Self::S3Fifo(s3_fifo::S3Fifo::new(capacity.limit())),
            EvictionPolicy::WTinyLfu => Self::TinyLfu(tiny_lfu::TinyLfu::new(capacity)),
        }
    }

    pub(super) fn on_request(&mut self, key: u64) {
        self.policy().on_request(key);
    }

    pub(super) fn on_hit(&mut self, nodes: &mut Nodes, slot: u32) {
        self.policy().on_hit(nodes, slot);
    }

    pub(super) fn on_insert(&mut self, nodes: &mut Nodes, slot: u32) {
        self.policy().on_insert(nodes, slot);
    }

    pub(super) fn evict(&mut self, nodes: &mut Nodes, incoming: u64) -> Option<u32> {
        self.policy().evict(nodes, incoming)
    }

    pub(super) fn remove(&mut self, nodes: &mut Nodes, slot: u32) {
        self.policy().remove(nodes, slot);
    }

    pub(super) fn resize(&mut self, nodes: &mut Nodes, slot: u32, weight: u32) {
        self.policy().resize(nodes, slot, weight);
    }

    fn policy(&mut self) -> &mut dyn Evict {
        match self {
            Self::Queue(policy) => policy,
            Self::Lfu(policy) => policy,
            Self::Sieve(policy) => policy,
            Self::S3Fifo(policy) => policy,
            Self::TinyLfu(policy) => policy,
        }
    }
}
