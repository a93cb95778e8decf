//! A directory: an explicit table of keys and shards, with a placement for all others.
//!
//! *Models:* the lookup service of a directory-sharded store; also the exceptions (one huge tenant on a shard of
//! its own) that a hashed store makes. *Property:* assigning a key moves that key and no other.
//! *Leaves out:* the time and the availability of the lookup itself. *Source:* Azure Architecture Center,
//! "Sharding pattern", lookup strategy.

use crate::ids::ShardId;
use crate::placement::{Node, PlacementMap};
use std::collections::BTreeMap;

/// Key → shard, by table or else by placement.
#[derive(Clone, Debug)]
pub struct DirectoryMap {
    table: BTreeMap<u64, ShardId>,
    others: PlacementMap,
}

impl DirectoryMap {
    /// An empty table; `others` places the keys that it does not hold.
    #[must_use]
    pub fn new(others: PlacementMap) -> Self {
        Self {
            table: BTreeMap::new(),
            others,
        }
    }

    /// The shard of a key; `None` if neither knows one.
    #[must_use]
    pub fn owner(&self, key: u64) -> Option<ShardId> {
        let entry = self.table.get(&key).copied();
        entry.or_else(|| self.others.owner(key).map(ShardId))
    }

    /// Gives a key to a shard; returns the shard it had in the table.
    pub fn assign(&mut self, key: u64, shard: ShardId) -> Option<ShardId> {
        self.table.insert(key, shard)
    }

    /// Takes a key off the table, so that it goes where the placement says; returns the shard it had.
    pub fn release(&mut self, key: u64) -> Option<ShardId> {
        self.table.remove(&key)
    }

    /// The table in order of keys.
    pub fn entries(&self) -> impl Iterator<Item = (u64, ShardId)> + '_ {
        self.table.iter().map(|(&key, &shard)| (key, shard))
    }

    /// Adds a shard to the placement of the others; `false` if it is there already.
    pub fn add(&mut self, shard: ShardId) -> bool {
        self.others.add(Node::new(shard.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Placement;

    #[test]
    fn an_entry_moves_its_key_and_no_other() {
        let mut map = DirectoryMap::new(PlacementMap::new(Placement::Jump, &[0, 1, 2]));
        let before = map.clone();
        assert_eq!(map.assign(7, ShardId(9)), None);
        assert_eq!(map.owner(7), Some(ShardId(9)));
        assert!((0..1_000).all(|key| key == 7 || map.owner(key) == before.owner(key)));
        assert_eq!(map.entries().collect::<Vec<_>>(), [(7, ShardId(9))]);
        assert_eq!(map.release(7), Some(ShardId(9)));
        assert_eq!(map.owner(7), before.owner(7));
        assert!(map.add(ShardId(3)) && !map.add(ShardId(3)));
    }
}
