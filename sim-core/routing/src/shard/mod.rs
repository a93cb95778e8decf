//! Shard maps: which shard holds a record, and how records move when the map changes.
//!
//! *Models:* one [`ShardMap`] over every way to split: a hash of a key, key ranges, geographic cells, features,
//! guilds and an explicit directory; the [`RebalancePlan`] between two maps; and the online [`Migration`] that
//! carries it out. *Property:* a record has exactly one shard under a map, and one reader at any time of a move.
//! *Leaves out:* the stores themselves, and transactions across shards. *Source:* in each module.

pub mod cells;
pub mod directory;
pub mod guild;
mod map;
pub mod migration;
pub mod plan;
pub mod ranges;
mod record;

pub use cells::{CellMap, Grid, Place};
pub use directory::DirectoryMap;
pub use guild::GuildMap;
pub use map::{ShardMap, Sharding, Vindex};
pub use migration::{Access, Migration};
pub use plan::{Group, Move, RebalancePlan};
pub use ranges::{KeyRange, RangeError, RangeMap};
pub use record::{Feature, Key, Record, ShardKey};
