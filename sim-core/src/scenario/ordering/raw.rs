//! The order of messages, as written.

use serde::Deserialize;

use crate::scenario::model::Source;
use crate::scenario::raw::{Quantity, Sources};

/// In which order members see messages. Without it messages of a channel take one way, and nothing is held back or checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOrdering {
    /// What is promised.
    pub promise: RawPromise,
    /// How long a message is held back for one before it that does not come. Default: 1 s.
    pub patience: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawPromise {
    /// Nothing: each message takes any owner or partition.
    None,
    /// The messages of one sender in one channel, in the order in which they come in.
    PerSender,
    /// All messages of one channel.
    PerChannel,
    /// All messages of all channels: one owner or partition orders them.
    Total,
}
