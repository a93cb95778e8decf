//! W-TinyLFU: newcomers pass through a small LRU window and are then admitted only if they are asked for more often
//! than the entry that would give way.
//!
//! *Models:* a window of 1 % of the capacity; the rest is a segmented LRU, 20 % on probation and 80 % protected. A
//! hit on probation protects; what overflows the protected part is on probation again. A sketch counts all requests,
//! hit or missed, and judges between the window's oldest and the oldest on probation; a tie keeps the latter.
//! *Leaves out:* a window that adapts its size, and Caffeine's random admission against hash floods; a big entry is
//! judged by frequency alone. *Source:* Einziger, Friedman and Manes, ACM Transactions on Storage 13(4), 2017.

use super::Evict;
use super::sketch::Sketch;
use crate::cache::Capacity;
use crate::cache::list::{List, NONE, Nodes};

/// Entries that the sketch has room for from the start; for more it grows when they come.
const MOST_EXPECTED: u64 = 1 << 20;

const WINDOW: u32 = 0;
const PROBATION: u32 = 1;
const PROTECTED: u32 = 2;

/// The window, the two segments and the sketch.
#[derive(Clone, Debug)]
pub(in crate::cache) struct TinyLfu {
    lists: [List; 3],
    window_limit: u64,
    protected_limit: u64,
    sketch: Sketch,
    entries: u64,
}

impl TinyLfu {
    pub(super) fn new(capacity: Capacity) -> Self {
        let limit = capacity.limit();
        let window_limit = (limit / 100).max(1);
        let main_limit = limit.saturating_sub(window_limit);
        let expected = match capacity {
            Capacity::Entries(entries) => u64::from(entries).min(MOST_EXPECTED),
            Capacity::Bytes(_) => 0,
        };
        Self {
            lists: [List::default(); 3],
            window_limit,
            protected_limit: main_limit - main_limit / 5,
            sketch: Sketch::new(expected),
            entries: 0,
        }
    }

    fn list(&mut self, list: u32) -> &mut List {
        &mut self.lists[list as usize]
    }

    fn move_to(&mut self, nodes: &mut Nodes, slot: u32, list: u32) {
        let node = nodes.get_mut(slot);
        let from = std::mem::replace(&mut node.list, list);
        self.list(from).remove(nodes, slot);
        self.list(list).push(nodes, slot);
    }

    /// Moves the oldest of `from` on while it is over `limit`, but for its newest.
    fn overflow(&mut self, nodes: &mut Nodes, from: u32, limit: u64, to: u32) {
        while self.list(from).weight() > limit {
            match self.list(from).oldest() {
                Some(oldest) if nodes.newer(oldest) != NONE => self.move_to(nodes, oldest, to),
                _ => return,
            }
        }
    }

    /// Which of the two gives way: the newcomer, unless it is asked for more often.
    fn loser(&self, nodes: &Nodes, newcomer: u32, resident: u32) -> u32 {
        let frequency = |slot| self.sketch.estimate(nodes.get(slot).key);
        if frequency(newcomer) > frequency(resident) {
            resident
        } else {
            newcomer
        }
    }
}

impl Evict for TinyLfu {
    fn on_request(&mut self, key: u64) {
        self.sketch.count(key);
    }

    fn on_hit(&mut self, nodes: &mut Nodes, slot: u32) {
        match nodes.get(slot).list {
            PROBATION => {
                self.move_to(nodes, slot, PROTECTED);
                self.overflow(nodes, PROTECTED, self.protected_limit, PROBATION);
            }
            list => self.list(list).renew(nodes, slot),
        }
    }

    fn on_insert(&mut self, nodes: &mut Nodes, slot: u32) {
        nodes.get_mut(slot).list = WINDOW;
        self.list(WINDOW).push(nodes, slot);
        self.overflow(nodes, WINDOW, self.window_limit, PROBATION);
        self.entries += 1;
        if self.entries > self.sketch.width() {
            self.sketch.grow();
        }
    }

    fn evict(&mut self, nodes: &mut Nodes, incoming: u64) -> Option<u32> {
        let [window, probation, protected] = &self.lists;
        let pushed_out = window
            .oldest()
            .filter(|_| window.weight() + incoming > self.window_limit);
        let resident = probation.oldest().or_else(|| protected.oldest());
        let slot = match (pushed_out, resident) {
            (Some(newcomer), Some(resident)) => self.loser(nodes, newcomer, resident),
            (newcomer, resident) => newcomer.or(resident).or_else(|| window.oldest())?,
        };
        self.remove(nodes, slot);
        Some(slot)
    }

    fn remove(&mut self, nodes: &mut Nodes, slot: u32) {
        self.list(nodes.get(slot).list).remove(nodes, slot);
        self.entries -= 1;
    }

    fn resize(&mut self, nodes: &mut Nodes, slot: u32, weight: u32) {
        self.list(nodes.get(slot).list).resize(nodes, slot, weight);
    }
}
