//! Records and their keys: what a shard map may look at, and what it looks at.
//!
//! *Models:* whose a record is, which group and kind it belongs to and where it is; a key is the part that decides
//! its shard. *Leaves out:* its size and its load.

use super::Place;

/// A kind of record: accounts, documents, live sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feature(pub u16);

/// What a record is about: everything a shard map may look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub user: u64,
    /// The group it belongs to: a guild, team, tenant or channel.
    pub guild: u64,
    /// What kind it is.
    pub feature: Feature,
    /// Where it is.
    pub place: Place,
}

/// The property of a record by which it is hashed, ranged or looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShardKey {
    /// Its user.
    User,
    /// Its group.
    Guild,
}

impl ShardKey {
    /// Its value in a record.
    #[must_use]
    pub const fn of(self, record: &Record) -> u64 {
        match self {
            Self::User => record.user,
            Self::Guild => record.guild,
        }
    }
}

/// A key within the records of its feature; equal keys live on one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The feature, where the map splits by it; else the first.
    pub feature: Feature,
    /// A user, group, cell or place in the order of ranges.
    pub value: u64,
}

impl Key {
    /// A key of a map that does not split by feature.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        let feature = Feature(0);
        Self { feature, value }
    }
}
