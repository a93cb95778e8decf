//! One name for all placements: a scenario says [`Placement`], the factory builds a [`PlacementMap`].
//!
//! *Models:* `owner(key)` for numbered keys and for byte keys. *Leaves out:* bounded loads, which need to know
//! who is loaded: see [`super::BoundedRing`].

use super::Ring;
use crate::hash;

/// A node that can own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Its number.
    pub id: u32,
    /// Its share relative to the others; 0 owns nothing.
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
    /// A ring with this many points per node and unit of weight.
    Ring {
        /// Points per node.
        virtual_nodes: u32,
    },
}

/// A placement over a set of nodes.
#[derive(Clone, Debug)]
pub struct PlacementMap {
    ring: Ring,
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
        let Placement::Ring { virtual_nodes } = placement;
        Self {
            ring: Ring::new(nodes, virtual_nodes, seed),
            seed,
        }
    }

    /// The owner of a numbered key; `None` without nodes.
    #[must_use]
    pub fn owner(&self, key: u64) -> Option<u32> {
        self.ring.owner(hash::hash_u64(self.seed, key))
    }
}
