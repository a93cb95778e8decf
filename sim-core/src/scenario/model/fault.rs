//! What can go wrong, and when.

use super::Tier;
use crate::scenario::data::spread::Reshard;
use crate::scenario::over_time::People;
use crate::time::SimDuration;

/// A fault and when it happens.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedFault {
    /// From the start of the run.
    pub at: SimDuration,
    /// Until it is undone; `None`: for good.
    pub lasts: Option<SimDuration>,
    /// What happens.
    pub fault: Fault,
}

/// Zones of a region that the instances of a tier are spread over in turn.
pub const ZONES: u32 = 3;

/// What can go wrong, or be done on purpose.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Instances of a tier die.
    Kill {
        /// Which tier.
        tier: Tier,
        /// The first instance that dies, 0 for the first.
        first: u32,
        /// How many die.
        instances: u32,
    },
    /// Instances of a tier serve more slowly.
    SlowDown {
        /// Which tier.
        tier: Tier,
        /// The first instance, 0 for the first.
        first: u32,
        /// How many.
        instances: u32,
        /// How many times as long they take.
        factor: f64,
    },
    /// One record is asked for by many.
    HotKey {
        /// Share of queries and commands that are about it, 0..=1.
        share: f64,
    },
    /// Connection servers are drained and restarted one after the other.
    RollingRestart {
        /// Time given to a server's clients to leave.
        drain: SimDuration,
        /// Time a server is away.
        restart: SimDuration,
    },
    /// The cache forgets everything.
    FlushCache,
    /// All that stands in a region is gone.
    LoseRegion {
        /// Its position among the regions.
        region: u16,
    },
    /// All that stands in a zone of a region is gone.
    LoseZone {
        /// The region's position; 0 without regions.
        region: u16,
        /// The zone, of [`ZONES`].
        zone: u32,
    },
    /// Two regions do not reach each other.
    Partition {
        /// Position of one.
        from: u16,
        /// Position of the other.
        to: u16,
    },
    /// The way between two regions is worse.
    SlowLink {
        /// Position of one.
        from: u16,
        /// Position of the other.
        to: u16,
        /// Added to one way.
        adds: SimDuration,
        /// Share of messages that must be sent again.
        loss: f64,
    },
    /// The database gets more shards.
    Reshard(Reshard),
    /// Every client connection is cut within a time.
    DropConnections {
        /// Time over which they are cut.
        within: SimDuration,
    },
    /// People come who were not there, and leave when it is over.
    FlashCrowd {
        /// How many.
        joins: People,
        /// Time over which they come, and over which they leave.
        within: SimDuration,
    },
}
