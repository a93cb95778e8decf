//! One name for all ways to shard: a scenario says [`Sharding`], the factory builds a [`ShardMap`].
//!
//! *Models:* record → key → shard. Which property of a record is its key is the choice that matters: records that
//! share a key live together, and a question about anything else must ask several shards. A split by features is
//! vertical: each feature has shards of its own and a map of its own within them.
//! *Property:* a record has exactly one shard, unless there is none at all. *Leaves out:* what records cost.
//! *Source:* in the modules of the maps.

use super::{CellMap, DirectoryMap, Feature, Grid, GuildMap, Key, RangeMap, Record, ShardKey};
use crate::hash;
use crate::ids::ShardId;
use crate::placement::{Node, Placement, PlacementMap};
use std::collections::BTreeMap;

/// What orders the key ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vindex {
    /// The key itself: neighbours stay together, and the newest keys all go to the last range.
    Identity,
    /// Its hash: even, without order.
    Hash,
}

/// A way to shard, as a scenario names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sharding {
    /// By a hash of a key.
    Hash {
        /// The key.
        key: ShardKey,
        /// How hashes are placed.
        placement: Placement,
    },
    /// By ranges of a key, even at first.
    Ranges {
        /// The key.
        key: ShardKey,
        /// What orders it.
        vindex: Vindex,
    },
    /// By geographic cells.
    Cells {
        /// The grid of cells.
        grid: Grid,
        /// Cells along the edge of a block.
        block: u16,
        /// How blocks are placed.
        placement: Placement,
    },
    /// By guild, in two levels.
    Guilds {
        /// Buckets of the first level.
        buckets: u32,
        /// Points of a process on the ring of the second.
        virtual_nodes: u32,
    },
    /// By an explicit table, empty at first.
    Directory {
        /// The key.
        key: ShardKey,
        /// How keys outside the table are placed.
        others: Placement,
    },
    /// By feature, each with shards of its own, split further in its own way.
    Features(Vec<(Feature, Vec<ShardId>, Sharding)>),
}

/// A shard map.
#[derive(Clone, Debug)]
pub enum ShardMap {
    /// By a hash of a key.
    Hash(ShardKey, PlacementMap),
    /// By ranges of a key.
    Ranges(ShardKey, Vindex, RangeMap),
    /// By geographic cells.
    Cells(CellMap),
    /// By guild.
    Guilds(GuildMap),
    /// By an explicit table.
    Directory(ShardKey, DirectoryMap),
    /// By feature.
    Features(BTreeMap<Feature, ShardMap>),
}

impl ShardMap {
    /// Builds a map over `shards`; a split by features names its own and ignores them.
    #[must_use]
    pub fn new(sharding: &Sharding, shards: &[ShardId]) -> Self {
        let ids: Vec<u32> = shards.iter().map(|shard| shard.0).collect();
        let place = |placement| PlacementMap::new(placement, &ids);
        match sharding {
            Sharding::Hash { key, placement } => Self::Hash(*key, place(*placement)),
            Sharding::Ranges { key, vindex } => Self::Ranges(*key, *vindex, RangeMap::even(shards)),
            Sharding::Cells {
                grid,
                block,
                placement,
            } => Self::Cells(CellMap::new(*grid, *block, place(*placement))),
            Sharding::Guilds {
                buckets,
                virtual_nodes,
            } => {
                let seed = hash::DEFAULT_SEED;
                Self::Guilds(GuildMap::new(*buckets, shards, *virtual_nodes, seed))
            }
            Sharding::Directory { key, others } => {
                Self::Directory(*key, DirectoryMap::new(place(*others)))
            }
            Sharding::Features(splits) => {
                let build = |(feature, shards, inner): &(Feature, Vec<ShardId>, Sharding)| {
                    (*feature, Self::new(inner, shards))
                };
                Self::Features(splits.iter().map(build).collect())
            }
        }
    }

    /// The shard of a record; `None` if there is none, or none for its feature.
    #[must_use]
    pub fn owner(&self, record: &Record) -> Option<ShardId> {
        self.owner_of(self.key(record))
    }

    /// The key of a record.
    #[must_use]
    pub fn key(&self, record: &Record) -> Key {
        let value = match self {
            Self::Hash(key, _) | Self::Directory(key, _) => key.of(record),
            Self::Ranges(key, Vindex::Identity, _) => key.of(record),
            Self::Ranges(key, Vindex::Hash, _) => {
                hash::hash_u64(hash::DEFAULT_SEED, key.of(record))
            }
            Self::Cells(map) => map.grid().cell(record.place),
            Self::Guilds(_) => record.guild,
            Self::Features(maps) => {
                let feature = record.feature;
                let inner = maps.get(&feature).map(|map| map.key(record).value);
                let value = inner.unwrap_or_default();
                return Key { feature, value };
            }
        };
        Key::new(value)
    }

    /// The shard of a key of this map.
    #[must_use]
    pub fn owner_of(&self, key: Key) -> Option<ShardId> {
        match self {
            Self::Hash(_, map) => map.owner(key.value).map(ShardId),
            Self::Ranges(_, _, map) => map.owner(key.value),
            Self::Cells(map) => map.owner(key.value),
            Self::Guilds(map) => map.owner(key.value),
            Self::Directory(_, map) => map.owner(key.value),
            Self::Features(maps) => maps.get(&key.feature)?.owner_of(Key::new(key.value)),
        }
    }

    /// Brings in a shard: placements and the ring take it up, ranges halve their widest for it. `false` if it is
    /// there already, or if a split by features must first say whose it is (see [`ShardMap::Features`]).
    pub fn add(&mut self, shard: ShardId) -> bool {
        match self {
            Self::Hash(_, map) => map.add(Node::new(shard.0)),
            Self::Ranges(_, _, map) => {
                map.ranges().all(|(_, owner)| owner != shard) && map.split_widest(shard).is_ok()
            }
            Self::Cells(map) => map.add(shard),
            Self::Guilds(map) => map.add(shard),
            Self::Directory(_, map) => map.add(shard),
            Self::Features(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::Place;

    const SHARDS: [ShardId; 3] = [ShardId(4), ShardId(5), ShardId(6)];

    fn all() -> Vec<Sharding> {
        let placement = Placement::Jump;
        let key = ShardKey::User;
        let hash = Sharding::Hash { key, placement };
        vec![
            hash.clone(),
            Sharding::Ranges {
                key,
                vindex: Vindex::Hash,
            },
            Sharding::Ranges {
                key: ShardKey::Guild,
                vindex: Vindex::Identity,
            },
            Sharding::Cells {
                grid: Grid::torus(64),
                block: 4,
                placement,
            },
            Sharding::Guilds {
                buckets: 64,
                virtual_nodes: 100,
            },
            Sharding::Directory {
                key,
                others: placement,
            },
            Sharding::Features(vec![(Feature(1), SHARDS.to_vec(), hash)]),
        ]
    }

    fn record(i: u64) -> Record {
        let hash = hash::hash_u64(1, i);
        Record {
            user: i,
            guild: hash,
            feature: Feature(1),
            place: Place {
                x: hash as u32,
                y: (hash >> 32) as u32,
            },
        }
    }

    #[test]
    fn every_map_finds_a_shard_for_every_record_and_none_without() {
        for sharding in all() {
            let map = ShardMap::new(&sharding, &SHARDS);
            let mut loads = BTreeMap::<ShardId, u32>::new();
            for i in 0..3_000 {
                *loads.entry(map.owner(&record(i)).unwrap()).or_default() += 1;
            }
            assert!(loads.keys().eq(SHARDS.iter()), "{sharding:?}: {loads:?}");
            if !matches!(sharding, Sharding::Features(_)) {
                assert_eq!(ShardMap::new(&sharding, &[]).owner(&record(1)), None);
            }
        }
    }

    #[test]
    fn a_shard_is_added_once() {
        for sharding in all() {
            let mut map = ShardMap::new(&sharding, &SHARDS);
            let splits_by_feature = matches!(sharding, Sharding::Features(_));
            assert_eq!(map.add(ShardId(7)), !splits_by_feature, "{sharding:?}");
            assert!(!map.add(ShardId(7)), "{sharding:?}");
        }
    }

    #[test]
    fn features_have_shards_of_their_own() {
        let hash = Sharding::Hash {
            key: ShardKey::User,
            placement: Placement::Jump,
        };
        let splits = vec![
            (Feature(1), SHARDS[..1].to_vec(), hash.clone()),
            (Feature(2), SHARDS[1..].to_vec(), hash),
        ];
        let map = ShardMap::new(&Sharding::Features(splits), &[]);
        let of = |feature| {
            let feature = Feature(feature);
            map.owner(&Record {
                feature,
                ..record(9)
            })
        };
        assert_eq!(of(1), Some(ShardId(4)));
        assert!(of(2) > Some(ShardId(4)));
        assert_eq!(of(3), None);
    }
}
