//! S3-FIFO: a small queue sifts out what is asked for once, a main queue keeps the rest, ghosts are let in at once.
//!
//! *Models:* newcomers enter the small queue (10 % of the capacity), former ghosts the main one. What leaves the
//! small queue goes to the main queue if it was used more than once there, and else becomes a ghost. The main queue
//! gives an entry another round per use, up to three. There are as many ghosts as the main queue has room for
//! (in bytes: as many bytes as they had). *Leaves out:* nothing of the paper's algorithm 1.
//! *Source:* Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023.

use super::Evict;
use super::ghost::Ghosts;
use crate::cache::list::{List, Nodes};

/// What a use counter reaches at most: it has two bits.
const MOST_USES: u32 = 3;

const SMALL: u32 = 0;
const MAIN: u32 = 1;

/// The two queues and the ghosts.
#[derive(Clone, Debug)]
pub(in crate::cache) struct S3Fifo {
    queues: [List; 2],
    small_limit: u64,
    main_limit: u64,
    ghosts: Ghosts,
}

impl S3Fifo {
    pub(super) fn new(capacity: u64) -> Self {
        let small_limit = (capacity / 10).max(1);
        let main_limit = capacity.saturating_sub(small_limit);
        Self {
            queues: [List::default(); 2],
            small_limit,
            main_limit,
            ghosts: Ghosts::new(main_limit),
        }
    }

    fn queue(&mut self, nodes: &Nodes, slot: u32) -> &mut List {
        &mut self.queues[nodes.get(slot).list as usize]
    }

    fn enter(&mut self, nodes: &mut Nodes, slot: u32, queue: u32) {
        let node = nodes.get_mut(slot);
        (node.list, node.uses) = (queue, 0);
        self.queues[queue as usize].push(nodes, slot);
    }

    /// Moves used entries on until one of the small queue gives way; `None` once the main queue has to.
    fn evict_small(&mut self, nodes: &mut Nodes) -> Option<u32> {
        while self.queues[MAIN as usize].weight() <= self.main_limit {
            let oldest = self.queues[SMALL as usize].oldest()?;
            self.remove(nodes, oldest);
            let node = *nodes.get(oldest);
            if node.uses <= 1 {
                self.ghosts.push(node.key, node.weight);
                return Some(oldest);
            }
            self.enter(nodes, oldest, MAIN);
        }
        None
    }

    fn evict_main(&mut self, nodes: &mut Nodes) -> Option<u32> {
        let main = &mut self.queues[MAIN as usize];
        loop {
            let oldest = main.oldest()?;
            if nodes.get(oldest).uses == 0 {
                main.remove(nodes, oldest);
                return Some(oldest);
            }
            nodes.get_mut(oldest).uses -= 1;
            main.renew(nodes, oldest);
        }
    }
}

impl Evict for S3Fifo {
    fn on_hit(&mut self, nodes: &mut Nodes, slot: u32) {
        let node = nodes.get_mut(slot);
        node.uses = (node.uses + 1).min(MOST_USES);
    }

    fn on_insert(&mut self, nodes: &mut Nodes, slot: u32) {
        let known = self.ghosts.contains(nodes.get(slot).key);
        self.enter(nodes, slot, if known { MAIN } else { SMALL });
    }

    fn evict(&mut self, nodes: &mut Nodes, _incoming: u64) -> Option<u32> {
        let small = self.queues[SMALL as usize].weight();
        if small >= self.small_limit || self.queues[MAIN as usize].is_empty() {
            self.evict_small(nodes).or_else(|| self.evict_main(nodes))
        } else {
            self.evict_main(nodes)
        }
    }

    fn remove(&mut self, nodes: &mut Nodes, slot: u32) {
        self.queue(nodes, slot).remove(nodes, slot);
    }

    fn resize(&mut self, nodes: &mut Nodes, slot: u32, weight: u32) {
        self.queue(nodes, slot).resize(nodes, slot, weight);
    }
}
