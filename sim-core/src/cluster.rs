//! Counts of a slot cluster (sharded Redis Pub/Sub): computed by the real slots, without a run.
//!
//! A partition is a hash tag; its slot, CRC16 mod 16 384, says which node has its channels. *Naive* partitions are tagged 0, 1,
//! 2, …, and fall on nodes as chance has it. *Balanced* ones are tagged with the first number that hashes to the middle of their
//! own share of the slots, so that they are spread as evenly as slots are. A server holds one connection per partition, or, grouped
//! by node, one per node. Source: centrifugal.dev, "Scaling Redis Pub/Sub", 2026-06-29.

use routing::placement::slots::{SLOTS, SlotMap, slot_of};

/// How many partitions fall on each node.
#[must_use]
pub fn partitions_per_node(partitions: u32, nodes: u32, balanced: bool) -> Vec<u32> {
    let ids: Vec<u32> = (0..nodes).collect();
    let map = SlotMap::new(&ids);
    let mut counts = vec![0; nodes as usize];
    for partition in 0..partitions {
        let tag = if balanced {
            balanced_tag(partition, partitions)
        } else {
            partition
        };
        if let Some(node) = map.owner_of_slot(slot_of_tag(tag)) {
            counts[node as usize] += 1;
        }
    }
    counts
}

/// Connections that servers hold to a cluster.
#[must_use]
pub fn connections(servers: u64, partitions_or_nodes: u64) -> u64 {
    servers * partitions_or_nodes
}

fn slot_of_tag(tag: u32) -> u16 {
    slot_of(format!("{{{tag}}}").as_bytes())
}

/// The first number that hashes to the middle of a partition's share of the slots.
fn balanced_tag(partition: u32, partitions: u32) -> u32 {
    let share = u32::from(SLOTS) / partitions.max(1);
    let middle = partition * share + share / 2;
    let falls_there = |tag: &u32| u32::from(slot_of_tag(*tag)) == middle;
    (0..u32::MAX).find(falls_there).unwrap_or(partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_fall_on_nodes_as_published() {
        assert_eq!(partitions_per_node(128, 6, false), [27, 15, 22, 23, 16, 25]);
        assert_eq!(partitions_per_node(128, 6, true), [21, 22, 21, 21, 22, 21]);
    }

    #[test]
    fn no_nodes_have_no_partitions() {
        assert!(partitions_per_node(128, 0, false).is_empty());
    }
}
