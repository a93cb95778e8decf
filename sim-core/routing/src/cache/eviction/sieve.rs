//! SIEVE: a FIFO queue and a hand that spares what was used since it last came by.
//!
//! *Models:* one bit per entry, set by a hit. The hand goes from the oldest to the newest entry and around, clears
//! the bits it meets and evicts the first entry without one; unlike CLOCK, what it spares stays where it is, so that
//! newcomers are sifted out at the head. *Property:* better than LRU under a stationary skew, worse after an abrupt
//! shift of popularity, since old entries wait for the hand.
//! *Source:* Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is Simpler than LRU", NSDI 2024, algorithm 1.

use super::Evict;
use crate::cache::list::{List, NONE, Nodes};

/// The queue and the hand in it.
#[derive(Clone, Debug)]
pub(in crate::cache) struct Sieve {
    list: List,
    /// Where the search goes on; [`NONE`]: at the oldest.
    hand: u32,
}

impl Default for Sieve {
    fn default() -> Self {
        Self {
            list: List::default(),
            hand: NONE,
        }
    }
}

impl Evict for Sieve {
    fn on_hit(&mut self, nodes: &mut Nodes, slot: u32) {
        nodes.get_mut(slot).uses = 1;
    }

    fn on_insert(&mut self, nodes: &mut Nodes, slot: u32) {
        self.list.push(nodes, slot);
    }

    fn evict(&mut self, nodes: &mut Nodes, _incoming: u64) -> Option<u32> {
        let oldest = self.list.oldest()?;
        let or_oldest = |slot| if slot == NONE { oldest } else { slot };
        let mut slot = or_oldest(self.hand);
        while nodes.get(slot).uses > 0 {
            nodes.get_mut(slot).uses = 0;
            slot = or_oldest(nodes.newer(slot));
        }
        self.hand = slot;
        self.remove(nodes, slot);
        Some(slot)
    }

    fn remove(&mut self, nodes: &mut Nodes, slot: u32) {
        if self.hand == slot {
            self.hand = nodes.newer(slot);
        }
        self.list.remove(nodes, slot);
    }

    fn resize(&mut self, nodes: &mut Nodes, slot: u32, weight: u32) {
        self.list.resize(nodes, slot, weight);
    }
}
