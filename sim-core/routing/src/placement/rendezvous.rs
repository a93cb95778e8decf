//! Rendezvous hashing (highest random weight).
//!
//! *Models:* every node scores every key; the highest score owns it. *Formula:* score = −w / ln u with
//! u = h(node, key) in (0, 1); with equal weights simply the highest u. *Property:* minimal disruption both
//! ways: a new node takes only its own share, a removed node's keys spread over all others; shares follow the
//! weights. Lookup costs O(n). *Leaves out:* the skeleton for large n.
//! *Source:* Thaler and Ravishankar 1996; weights after Schindelhauer and Schomaker 2005.

use super::Node;
use crate::hash::{hash_pair, unit_interval};

/// Nodes that score keys.
#[derive(Clone, Debug)]
pub struct Rendezvous {
    nodes: Vec<Node>,
    equal: bool,
    seed: u64,
}

impl Rendezvous {
    /// A placement over `nodes`; those of weight 0 own nothing.
    #[must_use]
    pub fn new(nodes: &[Node], seed: u64) -> Self {
        let mut all = Self {
            nodes: nodes.to_vec(),
            equal: true,
            seed,
        };
        all.settle();
        all
    }

    /// Adds a node.
    pub fn add(&mut self, node: Node) {
        self.nodes.push(node);
        self.settle();
    }

    /// Removes a node.
    pub fn remove(&mut self, id: u32) {
        self.nodes.retain(|node| node.id != id);
        self.settle();
    }

    /// The owner of a hash; `None` without nodes.
    #[must_use]
    pub fn owner(&self, hash: u64) -> Option<u32> {
        self.owner_where(hash, |_| true)
    }

    /// The owner of a hash among the nodes that `takes` accepts.
    pub fn owner_where(&self, hash: u64, mut takes: impl FnMut(&u32) -> bool) -> Option<u32> {
        let candidates = self.nodes.iter().filter(|node| takes(&node.id));
        let scored = candidates.map(|node| (hash_pair(self.seed, u64::from(node.id), hash), node));
        if self.equal {
            return scored
                .max_by_key(|&(score, node)| (score, node.id))
                .map(|(_, node)| node.id);
        }
        let weighed = scored.map(|(hash, node)| {
            (
                -f64::from(node.weight) / libm::log(unit_interval(hash)),
                node.id,
            )
        });
        weighed
            .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
            .map(|(_, id)| id)
    }

    fn settle(&mut self) {
        self.nodes.retain(|node| node.weight > 0);
        self.equal = self
            .nodes
            .windows(2)
            .all(|pair| pair[0].weight == pair[1].weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash_u64;

    #[test]
    fn equal_weights_take_the_short_way_with_the_same_answers() {
        let nodes: Vec<Node> = (0..7).map(|id| Node { id, weight: 3 }).collect();
        let short = Rendezvous::new(&nodes, 5);
        let long = Rendezvous {
            equal: false,
            ..short.clone()
        };
        for key in 0..2_000 {
            let hash = hash_u64(1, key);
            assert_eq!(short.owner(hash), long.owner(hash));
        }
    }

    #[test]
    fn a_node_of_weight_zero_owns_nothing() {
        let placement = Rendezvous::new(&[Node { id: 1, weight: 0 }, Node { id: 2, weight: 1 }], 5);
        assert!((0..100).all(|key| placement.owner(key) == Some(2)));
        assert_eq!(Rendezvous::new(&[], 5).owner(1), None);
    }
}
