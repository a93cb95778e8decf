//! The consistent-hash ring.
//!
//! *Models:* each node has `virtual_nodes` points (times its weight) on a circle of 2^64; a key belongs to the
//! first point at or after its hash. *Formula:* standard deviation of a node's share ≈ mean / √points.
//! *Property:* adding or removing one of n nodes moves about 1/n of the keys, only to or from that node.
//! *Leaves out:* loads; see [`super::BoundedRing`]. *Source:* Karger et al., STOC 1997; Ketama.

use super::Node;
use crate::hash;

/// Points on a circle.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Position and node, ascending; equal positions keep the smaller node first.
    points: Vec<(u64, u32)>,
    virtual_nodes: u32,
    seed: u64,
}

impl Ring {
    /// A ring over `nodes`, with `virtual_nodes` points for each unit of weight.
    #[must_use]
    pub fn new(nodes: &[Node], virtual_nodes: u32, seed: u64) -> Self {
        let mut ring = Self {
            points: Vec::new(),
            virtual_nodes,
            seed,
        };
        for node in nodes {
            ring.push_points(*node);
        }
        ring.points.sort_unstable();
        ring
    }

    /// Adds a node.
    pub fn add(&mut self, node: Node) {
        self.push_points(node);
        self.points.sort_unstable();
    }

    /// Removes a node.
    pub fn remove(&mut self, id: u32) {
        self.points.retain(|&(_, node)| node != id);
    }

    /// The owner of a hash; `None` on an empty ring.
    #[must_use]
    pub fn owner(&self, hash: u64) -> Option<u32> {
        self.walk(hash).next()
    }

    /// The owner of a hash among the nodes that `takes` accepts: the first found clockwise.
    pub fn owner_where(&self, hash: u64, takes: impl FnMut(&u32) -> bool) -> Option<u32> {
        self.walk(hash).find(takes)
    }

    /// The nodes of the points from a hash on, once around, with repetitions.
    pub fn walk(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let at = self
            .points
            .partition_point(|&(position, _)| position < hash);
        let (before, after) = self.points.split_at(at);
        after.iter().chain(before).map(|&(_, node)| node)
    }

    /// The share of the circle that each node owns, by node id; the shares add up to 1.
    #[must_use]
    pub fn shares(&self) -> Vec<(u32, f64)> {
        let mut arcs = std::collections::BTreeMap::<u32, u128>::new();
        let Some(&(last, _)) = self.points.last() else {
            return Vec::new();
        };
        let mut previous = last;
        for (i, &(position, node)) in self.points.iter().enumerate() {
            let wrapped = i == 0;
            let arc = if wrapped && self.points.len() == 1 {
                1u128 << 64
            } else {
                u128::from(position.wrapping_sub(previous))
            };
            *arcs.entry(node).or_default() += arc;
            previous = position;
        }
        arcs.into_iter()
            .map(|(node, arc)| (node, arc as f64 / (1u128 << 64) as f64))
            .collect()
    }

    fn push_points(&mut self, node: Node) {
        for i in 0..u64::from(self.virtual_nodes) * u64::from(node.weight) {
            self.points
                .push((hash::hash_pair(self.seed, u64::from(node.id), i), node.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_ring_owns_nothing_and_one_node_owns_all() {
        let mut ring = Ring::new(&[], 10, 1);
        assert_eq!(ring.owner(5), None);
        ring.add(Node::new(3));
        assert_eq!((ring.owner(0), ring.owner(u64::MAX)), (Some(3), Some(3)));
        assert_eq!(ring.shares(), [(3, 1.0)]);
    }

    #[test]
    fn the_owner_is_the_first_point_at_or_after_the_hash() {
        let ring = Ring {
            points: vec![(10, 1), (20, 2)],
            virtual_nodes: 1,
            seed: 0,
        };
        assert_eq!(
            [10, 11, 20, 21].map(|hash| ring.owner(hash)),
            [Some(1), Some(2), Some(2), Some(1)]
        );
        assert_eq!(ring.owner_where(15, |&node| node != 2), Some(1));
    }

    #[test]
    fn adding_then_removing_restores_the_ring() {
        let nodes: Vec<Node> = (0..5).map(Node::new).collect();
        let before = Ring::new(&nodes, 40, 9);
        let mut ring = before.clone();
        ring.add(Node { id: 9, weight: 2 });
        assert_eq!(ring.points.len(), 7 * 40);
        ring.remove(9);
        assert_eq!(ring.points, before.points);
    }
}
