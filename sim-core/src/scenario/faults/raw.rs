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
    /// The cache forgets everything.
    FlushCache,
    /// Every connection is cut.
    DropConnections {
        /// Time over which they are cut.
        within: Quantity,
    },
}
