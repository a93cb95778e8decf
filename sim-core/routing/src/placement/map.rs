//! One name for all placements: a scenario says [`Placement`], the factory builds a [`PlacementMap`].
//!
//! *Models:* `owner(key)` for numbered keys and for byte keys, and nodes that come and go.
//! *Leaves out:* bounded loads, which need to know who is loaded: see [`super::BoundedRing`].

use super::{Maglev, Rendezvous, Ring, SlotMap, jump, slots};
use crate::hash;

/// A node that can own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Its number.
    pub id: u32,
    /// Its share relative to the others; 0 owns nothing. Modulo, jump and slots take every node as equal.
    pub weight: u32,
}

impl Node {
    /// A node of weight 1.
    #[must_use]
    pub const fn new(id: u32) -> Self {
        Self { id, weight: 1 }
    }
}

/// A placement algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Placement {
    /// Hash modulo the number of nodes: even, but n/(n+1) of the keys move when a node is added.
    Modulo,
    /// Jump consistent hash over the nodes in order.
    Jump,
    /// A ring with this many points per node and unit of weight.
    Ring {
        /// Points per node.
        virtual_nodes: u32,
    },
    /// Highest random weight.
    Rendezvous,
    /// A Maglev table.
    Maglev {
        /// Table size, a prime well above 100 times the nodes.
        table: u32,
    },
    /// 16 384 hash slots.
    Slots,
}

#[derive(Clone, Debug)]
enum Lookup {
    Modulo,
    Jump,
    Ring(Ring),
    Rendezvous(Rendezvous),
    Maglev(Maglev),
    Slots(SlotMap),
}

/// A placement over a set of nodes.
#[derive(Clone, Debug)]
pub struct PlacementMap {
    placement: Placement,
    nodes: Vec<Node>,
    lookup: Lookup,
    seed: u64,
}

impl PlacementMap {
    /// A map over nodes of equal weight, with the default seed.
    #[must_use]
    pub fn new(placement: Placement, nodes: &[u32]) -> Self {
        let nodes: Vec<Node> = nodes.iter().copied().map(Node::new).collect();
        Self::with_weights(placement, &nodes, hash::DEFAULT_SEED)
    }

    /// A map over weighted nodes.
    #[must_use]
    pub fn with_weights(placement: Placement, nodes: &[Node], seed: u64) -> Self {
        let ids: Vec<u32> = nodes.iter().map(|node| node.id).collect();
        let lookup = match placement {
            Placement::Modulo => Lookup::Modulo,
            Placement::Jump => Lookup::Jump,
            Placement::Ring { virtual_nodes } => {
                Lookup::Ring(Ring::new(nodes, virtual_nodes, seed))
            }
            Placement::Rendezvous => Lookup::Rendezvous(Rendezvous::new(nodes, seed)),
            Placement::Maglev { table } => Lookup::Maglev(Maglev::new(nodes, table, seed)),
            Placement::Slots => Lookup::Slots(SlotMap::new(&ids)),
        };
        Self {
            placement,
            nodes: nodes.to_vec(),
            lookup,
            seed,
        }
    }

    /// The algorithm.
    #[must_use]
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// The nodes, in order.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The table of slots, if keys are placed by it.
    #[must_use]
    pub fn slots(&self) -> Option<&SlotMap> {
        match &self.lookup {
            Lookup::Slots(map) => Some(map),
            _ => None,
        }
    }

    /// The owner of a numbered key; `None` without nodes.
    #[must_use]
    pub fn owner(&self, key: u64) -> Option<u32> {
        match &self.lookup {
            Lookup::Slots(map) => map.owner_of_slot(slots::slot_of_number(key)),
            _ => self.owner_of_hash(hash::hash_u64(self.seed, key)),
        }
    }

    /// The owner of a key of bytes; `None` without nodes.
    #[must_use]
    pub fn owner_of_bytes(&self, key: &[u8]) -> Option<u32> {
        match &self.lookup {
            Lookup::Slots(map) => map.owner(key),
            _ => self.owner_of_hash(hash::hash_bytes(self.seed, key)),
        }
    }

    /// Adds a node; `false` if it is there already.
    pub fn add(&mut self, node: Node) -> bool {
        if self.nodes.iter().any(|known| known.id == node.id) {
            return false;
        }
        self.nodes.push(node);
        match &mut self.lookup {
            Lookup::Modulo | Lookup::Jump => {}
            Lookup::Ring(ring) => ring.add(node),
            Lookup::Rendezvous(rendezvous) => rendezvous.add(node),
            Lookup::Maglev(_) => self.rebuild(),
            Lookup::Slots(map) => {
                map.add(node.id);
            }
        }
        true
    }

    /// Removes a node; `false` if there is none.
    pub fn remove(&mut self, id: u32) -> bool {
        let before = self.nodes.len();
        self.nodes.retain(|node| node.id != id);
        if self.nodes.len() == before {
            return false;
        }
        match &mut self.lookup {
            Lookup::Modulo | Lookup::Jump => {}
            Lookup::Ring(ring) => ring.remove(id),
            Lookup::Rendezvous(rendezvous) => rendezvous.remove(id),
            Lookup::Maglev(_) => self.rebuild(),
            Lookup::Slots(map) => {
                map.remove(id);
            }
        }
        true
    }

    fn rebuild(&mut self) {
        *self = Self::with_weights(self.placement, &self.nodes, self.seed);
    }

    fn owner_of_hash(&self, hash: u64) -> Option<u32> {
        let bucket = |i: u64| self.nodes.get(i as usize).map(|node| node.id);
        match &self.lookup {
            Lookup::Modulo => bucket(hash.checked_rem(self.nodes.len() as u64)?),
            Lookup::Jump => bucket(u64::from(jump(hash, self.nodes.len() as u32)?)),
            Lookup::Ring(ring) => ring.owner(hash),
            Lookup::Rendezvous(rendezvous) => rendezvous.owner(hash),
            Lookup::Maglev(maglev) => maglev.owner(hash),
            Lookup::Slots(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Placement; 6] = [
        Placement::Modulo,
        Placement::Jump,
        Placement::Ring { virtual_nodes: 40 },
        Placement::Rendezvous,
        Placement::Maglev { table: 251 },
        Placement::Slots,
    ];

    #[test]
    fn every_placement_owns_every_key_by_a_node_and_none_without() {
        for placement in ALL {
            let empty = PlacementMap::new(placement, &[]);
            assert_eq!(
                (empty.owner(1), empty.owner_of_bytes(b"k")),
                (None, None),
                "{placement:?}"
            );
            let mut map = PlacementMap::new(placement, &[7, 3, 5]);
            assert!(
                map.add(Node::new(9)) && !map.add(Node::new(9)) && map.remove(3) && !map.remove(3)
            );
            for key in 0..1_000 {
                assert!(
                    [7, 5, 9].contains(&map.owner(key).unwrap()),
                    "{placement:?}"
                );
            }
            assert!(map.owner_of_bytes(b"channel").is_some());
        }
    }
}
