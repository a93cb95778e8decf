//! Guild shards: every event of a guild on one shard, in two levels.
//!
//! *Models:* a guild's number is a snowflake whose time stands above its low 22 bits. *Formula:* bucket =
//! (guild >> 22) mod buckets, which is what Discord calls a shard; bucket → process by a consistent-hash ring.
//! *Property:* all events of one guild meet in one process; a process that joins takes whole buckets from the
//! others, about 1/n of them. *Leaves out:* the size of guilds: one large guild makes its process hot whatever
//! the number of processes. *Source:* Discord developer documentation, "Sharding": `(guild_id >> 22) %
//! num_shards`; Discord engineering on guild processes and their ring.

use crate::ids::ShardId;
use crate::placement::{Node, Placement, PlacementMap};

/// Low bits of a snowflake that hold no time: worker, process and increment.
const SNOWFLAKE_LOW_BITS: u32 = 22;

/// Guild → bucket → process.
#[derive(Clone, Debug)]
pub struct GuildMap {
    buckets: u32,
    processes: PlacementMap,
}

impl GuildMap {
    /// A map with so many buckets (at least one) over processes on a ring with `virtual_nodes` points each.
    #[must_use]
    pub fn new(buckets: u32, processes: &[ShardId], virtual_nodes: u32, seed: u64) -> Self {
        let nodes: Vec<Node> = processes.iter().map(|shard| Node::new(shard.0)).collect();
        let ring = Placement::Ring { virtual_nodes };
        Self {
            buckets: buckets.max(1),
            processes: PlacementMap::with_weights(ring, &nodes, seed),
        }
    }

    /// The bucket of a guild.
    #[must_use]
    pub fn bucket(&self, guild: u64) -> u32 {
        ((guild >> SNOWFLAKE_LOW_BITS) % u64::from(self.buckets)) as u32
    }

    /// How many buckets there are.
    #[must_use]
    pub fn buckets(&self) -> u32 {
        self.buckets
    }

    /// The process that holds a bucket; `None` without processes.
    #[must_use]
    pub fn process_of_bucket(&self, bucket: u32) -> Option<ShardId> {
        self.processes.owner(u64::from(bucket)).map(ShardId)
    }

    /// The process that holds a guild.
    #[must_use]
    pub fn owner(&self, guild: u64) -> Option<ShardId> {
        self.process_of_bucket(self.bucket(guild))
    }

    /// Adds a process; `false` if it is there already.
    pub fn add(&mut self, process: ShardId) -> bool {
        self.processes.add(Node::new(process.0))
    }

    /// Removes a process, whose buckets go to those next on the ring; `false` if there is none.
    pub fn remove(&mut self, process: ShardId) -> bool {
        self.processes.remove(process.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_the_published_formula() {
        let map = GuildMap::new(16, &[ShardId(0)], 100, 1);
        // The snowflake of Discord's own example, whose time part is 41 944 705 796.
        assert_eq!(map.bucket(175_928_847_299_117_063), 4);
        assert_eq!(41_944_705_796u64 % 16, 4);
        assert_eq!(map.bucket(5 << 22), map.bucket((5 << 22) + 4_194_303));
    }

    #[test]
    fn processes_take_and_give_whole_buckets() {
        let processes: Vec<ShardId> = (0..10).map(ShardId).collect();
        let before = GuildMap::new(1_000, &processes, 100, 1);
        let mut map = before.clone();
        assert!(map.add(ShardId(10)) && !map.add(ShardId(10)));
        let moved: Vec<u32> = (0..1_000)
            .filter(|&bucket| map.process_of_bucket(bucket) != before.process_of_bucket(bucket))
            .collect();
        assert!((50..150).contains(&moved.len()), "{}", moved.len());
        assert!(
            moved
                .iter()
                .all(|&bucket| map.process_of_bucket(bucket) == Some(ShardId(10)))
        );
        assert!(map.remove(ShardId(10)) && !map.remove(ShardId(10)));
        assert!((0..1_000).all(|b| map.process_of_bucket(b) == before.process_of_bucket(b)));
    }
}
