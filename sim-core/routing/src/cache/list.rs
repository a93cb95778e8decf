//! Doubly linked lists whose links lie in one flat array.
//!
//! *Models:* [`Nodes`], the array, with freed slots used again last-in first-out; [`List`], a queue over some of the
//! slots from its newest (front) to its oldest (back), with the sum of their weights. A slot is in one list at most.
//! *Formula:* 32 bytes per slot, every operation a constant number of reads and writes.

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

/// What a policy knows of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) key: u64,
    /// What it takes of the capacity.
    pub(super) weight: u32,
    /// Its neighbour that is newer.
    newer: u32,
    /// Its neighbour that is older.
    older: u32,
    /// Which of a policy's lists it is in.
    pub(super) list: u32,
    /// Uses that a policy remembers.
    pub(super) uses: u32,
}

/// All slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
    free: Vec<u32>,
}

impl Nodes {
    /// A slot for a new entry.
    pub(super) fn allocate(&mut self, key: u64, weight: u32) -> u32 {
        let node = Node {
            key,
            weight,
            newer: NONE,
            older: NONE,
            list: 0,
            uses: 0,
        };
        if let Some(slot) = self.free.pop() {
            *self.get_mut(slot) = node;
            return slot;
        }
        let slot = self.nodes.len() as u32;
        assert!(slot < NONE, "a cache holds fewer than 2^32 - 1 entries");
        self.nodes.push(node);
        slot
    }

    /// Gives a slot back that is in no list.
    pub(super) fn release(&mut self, slot: u32) {
        self.free.push(slot);
    }

    pub(super) fn get(&self, slot: u32) -> &Node {
        &self.nodes[slot as usize]
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Node {
        &mut self.nodes[slot as usize]
    }

    /// The neighbour that is newer, or [`NONE`].
    pub(super) fn newer(&self, slot: u32) -> u32 {
        self.get(slot).newer
    }
}

/// Some slots in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    newest: u32,
    oldest: u32,
    weight: u64,
}

impl Default for List {
    fn default() -> Self {
        Self {
            newest: NONE,
            oldest: NONE,
            weight: 0,
        }
    }
}

impl List {
    /// The sum of the weights.
    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    pub(super) fn is_empty(&self) -> bool {
        self.oldest == NONE
    }

    pub(super) fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// Adds a slot that is in no list as the newest.
    pub(super) fn push(&mut self, nodes: &mut Nodes, slot: u32) {
        let node = nodes.get_mut(slot);
        (node.newer, node.older) = (NONE, self.newest);
        self.weight += u64::from(node.weight);
        match self.newest {
            NONE => self.oldest = slot,
            newest => nodes.get_mut(newest).newer = slot,
        }
        self.newest = slot;
    }

    /// Takes out a slot of this list.
    pub(super) fn remove(&mut self, nodes: &mut Nodes, slot: u32) {
        let Node {
            newer,
            older,
            weight,
            ..
        } = *nodes.get(slot);
        match newer {
            NONE => self.newest = older,
            newer => nodes.get_mut(newer).older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => nodes.get_mut(older).newer = newer,
        }
        self.weight -= u64::from(weight);
    }

    /// Makes a slot of this list the newest.
    pub(super) fn renew(&mut self, nodes: &mut Nodes, slot: u32) {
        if self.newest != slot {
            self.remove(nodes, slot);
            self.push(nodes, slot);
        }
    }

    /// Gives a slot of this list another weight.
    pub(super) fn resize(&mut self, nodes: &mut Nodes, slot: u32, weight: u32) {
        let node = nodes.get_mut(slot);
        self.weight = self.weight - u64::from(node.weight) + u64::from(weight);
        node.weight = weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(list: &List, nodes: &Nodes) -> Vec<u64> {
        let (mut keys, mut slot) = (Vec::new(), list.oldest);
        while slot != NONE {
            keys.push(nodes.get(slot).key);
            slot = nodes.newer(slot);
        }
        keys
    }

    #[test]
    fn slots_move_and_leave_at_both_ends_and_between() {
        let (mut nodes, mut list) = (Nodes::default(), List::default());
        let slots: Vec<u32> = (0..4).map(|key| nodes.allocate(key, 10)).collect();
        slots.iter().for_each(|&slot| list.push(&mut nodes, slot));
        assert_eq!(
            (order(&list, &nodes), list.weight()),
            (vec![0, 1, 2, 3], 40)
        );
        list.renew(&mut nodes, slots[0]);
        list.renew(&mut nodes, slots[0]);
        assert_eq!(order(&list, &nodes), [1, 2, 3, 0]);
        list.remove(&mut nodes, slots[2]);
        list.remove(&mut nodes, slots[1]);
        list.resize(&mut nodes, slots[3], 1);
        assert_eq!((order(&list, &nodes), list.weight()), (vec![3, 0], 11));
        list.remove(&mut nodes, slots[0]);
        list.remove(&mut nodes, slots[3]);
        assert!(list.is_empty() && list.weight() == 0 && list.oldest().is_none());
    }

    #[test]
    fn a_freed_slot_is_used_again() {
        let mut nodes = Nodes::default();
        let slots = [nodes.allocate(1, 1), nodes.allocate(2, 1)];
        nodes.release(slots[0]);
        assert_eq!(nodes.allocate(3, 1), slots[0]);
        assert_eq!(nodes.allocate(4, 1), 2);
    }
}
