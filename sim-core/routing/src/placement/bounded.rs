//! Consistent hashing with bounded loads.
//!
//! *Models:* a ring whose nodes refuse keys above a bound; a key goes to the first node clockwise below it.
//! *Formula:* bound = ⌈(1 + ε) · m / n⌉ for m keys on n nodes, with 1 + ε in percent. *Property:* no node is
//! ever above the bound; a changed key count or node moves O(1/ε²) keys beside those that must move.
//! *Leaves out:* weights in the bound. *Source:* Mirrokni, Thorup and Zadimoghaddam, arXiv 1608.01350; HAProxy
//! `hash-balance-factor`.

use super::{Node, Ring};
use std::collections::BTreeMap;

/// A ring with loads.
#[derive(Clone, Debug)]
pub struct BoundedRing {
    ring: Ring,
    loads: BTreeMap<u32, u64>,
    total: u64,
    factor_percent: u32,
}

impl BoundedRing {
    /// A ring over `nodes` with `virtual_nodes` points per unit of weight and a bound of `factor_percent` of
    /// the mean load, at least 100.
    #[must_use]
    pub fn new(nodes: &[Node], virtual_nodes: u32, factor_percent: u32, seed: u64) -> Self {
        assert!(
            factor_percent >= 100,
            "a bound below the mean load cannot hold"
        );
        let loads = nodes
            .iter()
            .filter(|node| node.weight > 0)
            .map(|node| (node.id, 0))
            .collect();
        Self {
            ring: Ring::new(nodes, virtual_nodes, seed),
            loads,
            total: 0,
            factor_percent,
        }
    }

    /// The bound when `keys` keys are placed.
    #[must_use]
    pub fn bound(&self, keys: u64) -> u64 {
        (keys * u64::from(self.factor_percent)).div_ceil(100 * (self.loads.len() as u64).max(1))
    }

    /// Places one more key, within the bound for the keys placed so far and this one; `None` without nodes.
    pub fn assign(&mut self, hash: u64) -> Option<u32> {
        self.assign_below(hash, self.bound(self.total + 1))
    }

    /// Places one more key within a bound that the caller fixed (for a known number of keys); `None` if all
    /// nodes are at it.
    pub fn assign_below(&mut self, hash: u64, bound: u64) -> Option<u32> {
        let loads = &self.loads;
        let node = self
            .ring
            .owner_where(hash, |id| loads.get(id).is_some_and(|&load| load < bound))?;
        *self.loads.entry(node).or_default() += 1;
        self.total += 1;
        Some(node)
    }

    /// Takes a key off a node.
    pub fn release(&mut self, node: u32) {
        if let Some(load) = self.loads.get_mut(&node)
            && *load > 0
        {
            *load -= 1;
            self.total -= 1;
        }
    }

    /// Keys on each node, by node id.
    pub fn loads(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.loads.iter().map(|(&id, &load)| (id, load))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash_u64;

    #[test]
    fn the_bound_holds_at_every_step() {
        let nodes: Vec<Node> = (0..10).map(Node::new).collect();
        let mut ring = BoundedRing::new(&nodes, 20, 110, 3);
        for key in 1..=2_000u64 {
            let node = ring.assign(hash_u64(0, key)).unwrap();
            let load = ring.loads[&node];
            assert!(load <= ring.bound(key));
        }
        ring.release(3);
        assert_eq!(ring.loads().map(|(_, load)| load).sum::<u64>(), 1_999);
        assert_eq!(BoundedRing::new(&[], 20, 110, 3).assign(1), None);
    }
}
