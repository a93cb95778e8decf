//! FIFO and LRU: one queue, in which a hit moves an entry to the end (LRU) or does nothing (FIFO).
//!
//! *Formula:* under independent requests LRU keeps key i while it is asked for within the characteristic time T,
//! Σ (1 − e^(−pᵢT)) = capacity. *Leaves out:* sampling as in Redis, which only approximates LRU.
//! *Source:* Che, Tung and Wang, "Hierarchical Web Caching Systems", 2002, for the formula.

use super::Evict;
use crate::cache::list::{List, Nodes};

/// Entries in the order in which they came or were last used.
#[derive(Clone, Debug)]
pub(in crate::cache) struct Queue {
    list: List,
    renews: bool,
}

impl Queue {
    pub(super) fn fifo() -> Self {
        Self {
            list: List::default(),
            renews: false,
        }
    }

    pub(super) fn lru() -> Self {
        Self {
            list: List::default(),
            renews: true,
        }
    }
}

impl Evict for Queue {
    fn on_hit(&mut self, nodes: &mut Nodes, slot: u32) {
        if self.renews {
            self.list.renew(nodes, slot);
        }
    }

    fn on_insert(&mut self, nodes: &mut Nodes, slot: u32) {
        self.list.push(nodes, slot);
    }

    fn evict(&mut self, nodes: &mut Nodes, _incoming: u64) -> Option<u32> {
        let oldest = self.list.oldest()?;
        self.list.remove(nodes, oldest);
        Some(oldest)
    }

    fn remove(&mut self, nodes: &mut Nodes, slot: u32) {
        self.list.remove(nodes, slot);
    }

    fn resize(&mut self, nodes: &mut Nodes, slot: u32, weight: u32) {
        self.list.resize(nodes, slot, weight);
    }
}
