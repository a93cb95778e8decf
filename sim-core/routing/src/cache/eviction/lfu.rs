//! LFU without ageing: the entry used least often since it came gives way; among equals the one used longest ago.
//!
//! *Models:* buckets in ascending order of use, each a queue of the entries with that count. A hit moves an entry to
//! the next bucket, which stands beside its own or is put there: constant time. A count starts at 1 and dies with
//! its entry. *Property:* after a shift of popularity yesterday's favourites stay, and newcomers evict each other.
//! *Source:* Shah, Mitra and Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme", 2010.

use super::Evict;
use crate::cache::list::{List, NONE, Nodes};

/// The entries with one count.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    uses: u64,
    list: List,
    /// The neighbour with fewer uses.
    below: u32,
    /// The neighbour with more uses.
    above: u32,
}

/// The buckets that hold entries, linked in ascending order.
#[derive(Clone, Debug)]
pub(in crate::cache) struct Lfu {
    buckets: Vec<Bucket>,
    free: Vec<u32>,
    lowest: u32,
}

impl Default for Lfu {
    fn default() -> Self {
        Self {
            buckets: Vec::new(),
            free: Vec::new(),
            lowest: NONE,
        }
    }
}

impl Lfu {
    /// Puts an entry into the bucket for `uses`, which stands right above `below` or comes there.
    fn enter(&mut self, nodes: &mut Nodes, slot: u32, uses: u64, below: u32) {
        let above = match below {
            NONE => self.lowest,
            below => self.buckets[below as usize].above,
        };
        let there = above != NONE && self.buckets[above as usize].uses == uses;
        let bucket = if there {
            above
        } else {
            self.open(uses, below, above)
        };
        nodes.get_mut(slot).list = bucket;
        self.buckets[bucket as usize].list.push(nodes, slot);
    }

    fn open(&mut self, uses: u64, below: u32, above: u32) -> u32 {
        let bucket = Bucket {
            uses,
            list: List::default(),
            below,
            above,
        };
        let id = match self.free.pop() {
            Some(id) => {
                self.buckets[id as usize] = bucket;
                id
            }
            None => {
                self.buckets.push(bucket);
                self.buckets.len() as u32 - 1
            }
        };
        self.link(below, id);
        self.link(id, above);
        id
    }

    fn close_if_empty(&mut self, id: u32) {
        let Bucket {
            list, below, above, ..
        } = self.buckets[id as usize];
        if list.is_empty() {
            self.link(below, above);
            self.free.push(id);
        }
    }

    fn link(&mut self, below: u32, above: u32) {
        match below {
            NONE => self.lowest = above,
            below => self.buckets[below as usize].above = above,
        }
        if above != NONE {
            self.buckets[above as usize].below = below;
        }
    }
}

impl Evict for Lfu {
    fn on_hit(&mut self, nodes: &mut Nodes, slot: u32) {
        let id = nodes.get(slot).list;
        let bucket = &mut self.buckets[id as usize];
        bucket.list.remove(nodes, slot);
        let uses = bucket.uses + 1;
        self.enter(nodes, slot, uses, id);
        self.close_if_empty(id);
    }

    fn on_insert(&mut self, nodes: &mut Nodes, slot: u32) {
        self.enter(nodes, slot, 1, NONE);
    }

    fn evict(&mut self, nodes: &mut Nodes, _incoming: u64) -> Option<u32> {
        let lowest = self.buckets.get(self.lowest as usize)?;
        let slot = lowest.list.oldest()?;
        self.remove(nodes, slot);
        Some(slot)
    }

    fn remove(&mut self, nodes: &mut Nodes, slot: u32) {
        let id = nodes.get(slot).list;
        self.buckets[id as usize].list.remove(nodes, slot);
        self.close_if_empty(id);
    }

    fn resize(&mut self, nodes: &mut Nodes, slot: u32, weight: u32) {
        let id = nodes.get(slot).list;
        self.buckets[id as usize].list.resize(nodes, slot, weight);
    }
}
