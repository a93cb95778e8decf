//! Maglev lookup tables.
//!
//! *Models:* a table of prime size M; each node has its own permutation of the entries and nodes take turns to
//! claim their next free one. *Property:* entries per node differ by one at equal weights, and M > 100·n keeps
//! the imbalance below 1 %; a removed node moves its own entries and a few more. *Formula:* permutation
//! `(offset + j·skip) mod M`; a node of weight w takes a turn in w out of every w_max rounds.
//! *Leaves out:* connection tracking, which Maglev adds to survive the extra moves.
//! *Source:* Eisenbud et al., NSDI 2016; weights as in Envoy.

use super::Node;
use crate::hash::hash_pair;

/// The usual table size.
pub const DEFAULT_TABLE: u32 = 65_537;

const FREE: u32 = u32::MAX;

/// A lookup table from hash to node.
#[derive(Clone, Debug)]
pub struct Maglev {
    table: Vec<u32>,
}

impl Maglev {
    /// A table of `size` entries. Sizes that are not prime are raised to the next prime, so that every skip
    /// visits all entries.
    #[must_use]
    pub fn new(nodes: &[Node], size: u32, seed: u64) -> Self {
        let nodes: Vec<Node> = nodes
            .iter()
            .copied()
            .filter(|node| node.weight > 0)
            .collect();
        let heaviest = nodes
            .iter()
            .map(|node| u64::from(node.weight))
            .max()
            .unwrap_or(0);
        if heaviest == 0 {
            return Self { table: Vec::new() };
        }
        let size = u64::from(next_prime(size.max(2)));
        let permutation = |node: &Node| {
            let offset = hash_pair(seed, u64::from(node.id), 0) % size;
            (
                offset,
                hash_pair(seed, u64::from(node.id), 1) % (size - 1) + 1,
            )
        };
        let mut cursors: Vec<(u64, u64)> = nodes.iter().map(permutation).collect();
        let mut credit = vec![0u64; nodes.len()];
        let mut table = vec![FREE; size as usize];
        let mut filled = 0;
        loop {
            for (i, node) in nodes.iter().enumerate() {
                credit[i] += u64::from(node.weight);
                if credit[i] < heaviest {
                    continue;
                }
                credit[i] -= heaviest;
                let (at, skip) = &mut cursors[i];
                while table[*at as usize] != FREE {
                    *at = (*at + *skip) % size;
                }
                table[*at as usize] = node.id;
                filled += 1;
                if filled == size {
                    return Self { table };
                }
            }
        }
    }

    /// The owner of a hash; `None` without nodes.
    #[must_use]
    pub fn owner(&self, hash: u64) -> Option<u32> {
        let at = hash.checked_rem(self.table.len() as u64)?;
        Some(self.table[at as usize])
    }

    /// The table: the owner of every entry.
    #[must_use]
    pub fn table(&self) -> &[u32] {
        &self.table
    }
}

fn next_prime(from: u32) -> u32 {
    let prime = |n: &u32| {
        (2..)
            .take_while(|d: &u32| d.saturating_mul(*d) <= *n)
            .all(|d| !n.is_multiple_of(d))
    };
    (from..=u32::MAX).find(prime).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_prime() {
        assert_eq!(
            [2, 8, 251, 65_536, 655_373].map(next_prime),
            [2, 11, 251, 65_537, 655_373]
        );
    }

    #[test]
    fn entries_follow_weights() {
        let nodes = [
            Node { id: 4, weight: 1 },
            Node { id: 5, weight: 2 },
            Node { id: 6, weight: 0 },
        ];
        let table = Maglev::new(&nodes, 3_001, 1);
        let of = |id| table.table().iter().filter(|&&owner| owner == id).count();
        assert!(of(4).abs_diff(1_000) <= 1 && of(5).abs_diff(2_001) <= 1 && of(6) == 0);
        assert_eq!(Maglev::new(&[], 3_001, 1).owner(9), None);
    }
}
