//! A connection pooler, as written.

use serde::Deserialize;

use crate::scenario::model::Source;
use crate::scenario::raw::{Quantity, Sources};

/// Stands between connection servers and database: holds many client connections and few of the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPooler {
    /// Instances. Each connection of a connection server is to one of them.
    pub count: Quantity,
    /// Name of a machine, which is paid for. Default: it runs beside something else, at no price of its own.
    pub machine: Option<String>,
    /// Cores that one instance uses, each with a queue of its own. Default: 1.
    pub threads: Option<Quantity>,
    /// For how long a client has a connection of the database. Default: `Transaction`.
    pub mode: Option<RawPoolMode>,
    /// Connections of connection servers that one instance takes; in mode `Transaction` also the queries that it has in hand at once. Default: 10 000.
    pub clients: Option<Quantity>,
    /// Connections of one instance to each database. Default: 20.
    pub pool: Option<Quantity>,
    /// CPU of one query or command, there and back, for each database that it asks. Default: 20 us.
    pub cost: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// For how long a client of a pooler has a connection of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawPoolMode {
    /// For one query or command; the next one may have another.
    Transaction,
    /// For as long as it is connected.
    Session,
}
