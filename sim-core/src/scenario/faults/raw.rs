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
    /// One server after the other is drained and restarted.
    RollingRestart {
        /// Time to leave.
        drain: Quantity,
        /// Time away.
        restart: Quantity,
    },
    /// The caches forget everything: that of the database, and the points of presence.
    FlushCache,
    /// Every connection is cut.
    DropConnections {
        /// Time over which they are cut.
        within: Quantity,
    },
}
