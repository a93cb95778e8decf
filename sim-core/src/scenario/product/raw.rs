//! What products cost per operation, as written.

use serde::Deserialize;

use crate::scenario::model::Source;
use crate::scenario::raw::{Quantity, RawDistribution, Sources};

/// Broker software. What is left out comes from `like`, else from the defaults of `design.broker`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBrokerProfile {
    /// The profile that gives what is left out.
    pub like: Option<String>,
    /// What it stands for, in a sentence.
    pub about: Option<String>,
    /// Cores of its machine that a node can use.
    pub threads: Option<Quantity>,
    /// CPU of taking one message.
    pub publish: Option<Quantity>,
    /// CPU of one copy to a server.
    pub copy: Option<Quantity>,
    /// Rest before sending.
    pub linger: Option<RawDistribution>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Cache software. What is left out comes from `like`, else from the defaults of `design.cache`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCacheProfile {
    /// The profile that gives what is left out.
    pub like: Option<String>,
    /// What it stands for, in a sentence.
    pub about: Option<String>,
    /// Cores of its machine that a node can use.
    pub threads: Option<Quantity>,
    /// CPU of one lookup, fill or invalidation.
    pub lookup: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Database software. What is left out comes from `like`, else from the defaults of `design.database`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDatabaseProfile {
    /// The profile that gives what is left out.
    pub like: Option<String>,
    /// What it stands for, in a sentence.
    pub about: Option<String>,
    /// Queries in progress at once.
    pub pool: Option<Quantity>,
    /// Time one query holds a connection.
    pub query: Option<RawDistribution>,
    /// Time one command holds a connection.
    pub write: Option<RawDistribution>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}
