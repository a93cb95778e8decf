//! What goes wrong, as written.

use serde::Deserialize;

use crate::scenario::model::Source;
use crate::scenario::raw::Quantity;

/// A fault and when it happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFault {
    /// From the start of the run, warm-up included.
    pub at: Quantity,
    /// How long it lasts. Default: for good.
    pub lasts: Option<Quantity>,
    /// What happens.
    pub fault: RawFaultKind,
    /// Of all numbers here.
    pub source: Option<Source>,
}

/// What goes wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawFaultKind {
    /// Instances die.
    Kill {
        /// Name of the tier.
        tier: String,
        /// Number of the first one to die. Default: 0, the first.
        first: Option<Quantity>,
        /// How many die. Default: 1.
        instances: Option<Quantity>,
    },
    /// Instances serve more slowly.
    SlowDown {
        /// Name of the tier.
        tier: String,
        /// Number of the first one. Default: 0, the first.
        first: Option<Quantity>,
        /// How many. Default: 1.
        instances: Option<Quantity>,
        /// How many times as long they take.
        factor: Quantity,
    },
    /// Many queries and commands are about one record, whichever it may be.
    HotKey {
        /// How many of them.
        share: Quantity,
    },
    /// One server after the other is drained and restarted.
    RollingRestart {
        /// Time to leave.
        drain: Quantity,
        /// Time away.
        restart: Quantity,
    },
    /// The caches forget everything: that of the database, and the points of presence.
    FlushCache,
    /// All that stands in a region is gone, and with it whoever stands there alone.
    LoseRegion {
        /// Name of the region.
        region: String,
    },
    /// All that stands in one zone is gone: every third instance of a tier.
    LoseZone {
        /// Name of the region. Default: `design.place`.
        region: Option<String>,
        /// Number of the zone, from 0.
        zone: Quantity,
    },
    /// Two regions do not reach each other; both go on by themselves.
    Partition {
        /// Name of one region.
        from: String,
        /// Name of the other.
        to: String,
    },
    /// The way between two regions takes longer, or loses messages.
    SlowLink {
        /// Name of one region.
        from: String,
        /// Name of the other.
        to: String,
        /// Added to one way. Default: 0 s.
        adds: Option<Quantity>,
        /// Share of messages that are sent again after 200 ms and a round trip. Default: 0 %.
        loss: Option<Quantity>,
    },
    /// The database gets more shards while it works: what moves is copied in batches and written to both shards meanwhile.
    Reshard {
        /// Shards afterwards.
        to: Quantity,
        /// Records in one batch: one query of the old shard, one command of the new one. Default: 100.
        batch: Option<Quantity>,
        /// Time for which writes go to both shards at least. Default: 0 s.
        double_write: Option<Quantity>,
    },
    /// Every connection is cut.
    DropConnections {
        /// Time over which they are cut.
        within: Quantity,
    },
    /// People come who were not there: they connect like anybody, each joins the channels of somebody who is there, and they leave when it is over.
    FlashCrowd {
        /// A share of those online, as in `"50 %"`, or a number.
        joins: Quantity,
        /// Time over which they come, and leave. Default: 10 s.
        within: Option<Quantity>,
    },
}
