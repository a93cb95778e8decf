//! What users do, and how often.

use super::Region;
use crate::scenario::data::spread::Spread;
use crate::scenario::documents::Edits;
use crate::scenario::edge::{Asset, QueryAtEdge};
use crate::scenario::services::{Notify, Order, Reserve};
use crate::scenario::sourcing::ReadModelUse;
use crate::time::SimDuration;

/// What users do, and how often. `None`: never.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// A message to a channel.
    pub publish: Option<Publish>,
    /// Status changes seen by all co-members.
    pub presence: Option<Presence>,
    /// A read answered by the database.
    pub query: Option<Query>,
    /// A write acknowledged by the database.
    pub command: Option<Command>,
    /// What queries and commands are about.
    pub keys: Keys,
    /// A script, picture or other file.
    pub asset: Option<Asset>,
    /// A change of a document that several people edit.
    pub edit: Option<Edits>,
    /// Where records are, what kind they are of, and who needs several.
    pub spread: Option<Spread>,
    /// A purchase of units of which no more should be sold than there are.
    pub reserve: Option<Reserve>,
    /// A request to a matching engine.
    pub order: Option<Order>,
    /// Something that somebody is told outside their connection.
    pub notify: Option<Notify>,
}

/// How often something happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Events per second and unit.
    pub per_s: f64,
    /// The unit.
    pub per: Per,
}

/// What a rate counts per.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// One online user.
    User,
    /// One channel.
    Channel,
    /// The whole system.
    System,
}

/// The publish operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    /// Messages per second; `per user` picks one of the user's channels at random.
    pub rate: Rate,
    /// Payload of one message, bytes, encoding included.
    pub size_bytes: u32,
    /// Who publishes.
    pub from: Publisher,
    /// Reads and writes of the database that one message needs before it is sequenced.
    pub queries: u32,
}

/// Who publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publisher {
    /// A member of the channel, over its connection.
    Members,
    /// A process beside the broker (a feed), in a region.
    Feed(Region),
}

/// The presence operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Presence {
    /// Status changes per second.
    pub rate: Rate,
    /// Changes of one user within this window are sent once.
    pub coalesce: SimDuration,
    /// Payload of one update, bytes.
    pub size_bytes: u32,
}

/// The query operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Queries per second.
    pub rate: Rate,
    /// Payload of the answer, bytes.
    pub size_bytes: u32,
    /// Share of queries that ask every shard and wait for the last.
    pub scatter: f64,
    /// What points of presence keep of the answers.
    pub edge: Option<QueryAtEdge>,
    /// How queries use projections.
    pub read_model: Option<ReadModelUse>,
}

/// The command operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Commands per second.
    pub rate: Rate,
    /// Payload of the acknowledgement, bytes.
    pub size_bytes: u32,
}

/// The records that queries and commands are about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keys {
    /// How many there are; the first is the most popular.
    pub count: u32,
    /// The n-th is asked for n^exponent times as rarely as the first; 0: all alike.
    pub exponent: f64,
}
