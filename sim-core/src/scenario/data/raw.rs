//! Records and the tiers that keep them, as written.

use serde::Deserialize;

use crate::scenario::asking::raw::{RawCallers, RawOutliers, RawOverload, RawSlowShards};
use crate::scenario::model::Source;
use crate::scenario::pooler::raw::RawPooler;
use crate::scenario::raw::{Ordered, Quantity, RawDistribution, RawPlacement, Sources, Switch};

/// The records that reads and writes are about.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawKeys {
    /// How many there are.
    pub count: Quantity,
    /// How unequal they are. Default: `Even`.
    pub skew: Option<RawSkew>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// How unequal records are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawSkew {
    /// Each is as popular as any other.
    Even,
    /// The n-th most popular one is asked for n^exponent times as rarely as the first.
    Zipf {
        /// 0 is even; 1 is usual.
        exponent: Quantity,
    },
}

/// The cities that records and people are in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCities {
    /// How many there are.
    pub count: Quantity,
    /// How unequal their shares are of all records and people. Default: `Even`.
    pub sizes: Option<RawSkew>,
    /// How unequal the cells of one city are, the one in its middle first. Default: `Even`.
    pub downtown: Option<RawSkew>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// A kind of record, such as accounts, documents or live sessions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFeature {
    /// Its share of the queries.
    pub reads: Quantity,
    /// Its share of the commands.
    pub writes: Quantity,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// The database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDatabase {
    /// Name of a machine.
    pub machine: String,
    /// Name in `database_profiles` or `assets/profiles/databases.ron`; it gives what is left out here. Default: none.
    pub profile: Option<String>,
    /// Queries in progress at once. Default: 20.
    pub pool: Option<Quantity>,
    /// Time one query holds a connection; to be given, unless the profile does.
    pub query: Option<RawDistribution>,
    /// Time one command holds a connection. Default: that of a query.
    pub write: Option<RawDistribution>,
    /// Queries that may wait. Default: 10 000.
    pub queue: Option<Quantity>,
    /// Longest wait. Default: none.
    pub timeout: Option<Quantity>,
    /// Connections that each connection server keeps to each database (or to its pooler), in place of one `pool` that all share; then `queue` is that of each. Default: none.
    pub per_server: Option<Quantity>,
    /// Connections that a database takes; those who come later get fewer or none, and their queries are refused. Default: as many as there are.
    pub max_connections: Option<Quantity>,
    /// What holds its connections for the connection servers; takes the place of `pool`. Default: none.
    pub pooler: Option<RawPooler>,
    /// Queries and commands that take far longer than the others. Default: none.
    pub outliers: Option<RawOutliers>,
    /// How connection servers ask it. Default: once, and they wait for the answer.
    pub callers: Option<RawCallers>,
    /// What it does with more than it can serve. Default: it queues up to `queue` queries, and serves them all.
    pub overload: Option<RawOverload>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// The shards of the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawShards {
    /// Databases like `design.database`.
    pub count: Quantity,
    /// What is kept together. Default: `Record`.
    pub key: Option<RawShardBy>,
    /// How a key finds its shard. Default: `Slots`.
    pub placement: Option<RawPlacement>,
    /// Those that are always slower than the others. Default: none.
    pub slow: Option<RawSlowShards>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// What a database is sharded by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawShardBy {
    /// The record that is read or written.
    Record,
    /// The user who reads or writes.
    User,
    /// Where it is: all of a city is on one shard (`traffic.cities`).
    Geo {
        /// Cells along the edge of a city.
        cells: Quantity,
    },
    /// What kind of record it is: features with shards of their own, and the rest for all others (`traffic.features`).
    Feature {
        /// Shards of their own, by feature.
        own: Ordered<Quantity>,
    },
    /// The channel it belongs to, by the number of that: `(channel >> 22) % buckets`, buckets on a ring of shards.
    Guild {
        /// Buckets.
        buckets: Quantity,
    },
}

/// The cache in front of the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCache {
    /// Nodes.
    pub count: Quantity,
    /// Name of a machine.
    pub machine: String,
    /// Name in `cache_profiles` or `assets/profiles/caches.ron`; it gives what is left out here. Default: none.
    pub profile: Option<String>,
    /// Cores of its machine that a node can use. Default: all.
    pub threads: Option<Quantity>,
    /// What the entries of one node may take, as in: `"4 GiB"`; one entry takes what the answer to a query takes.
    pub capacity: Quantity,
    /// Which entry gives way. Default: `Lru`.
    pub policy: Option<RawEviction>,
    /// How long an entry is fresh. Default: 5 min.
    pub ttl: Option<Quantity>,
    /// How long an expired entry is served while it is fetched again. Default: 0 s.
    pub stale: Option<Quantity>,
    /// One fetch per record at a time; the others wait for it. Default: `On`.
    pub coalesce: Option<Switch>,
    /// Leases in place of coalescing: one fetch per record within this time, whatever becomes of it. Default: none.
    pub leases: Option<Quantity>,
    /// Eagerness of fetching before an entry expires (XFetch): 0 never, 1 usual. Default: 0.
    pub early: Option<Quantity>,
    /// What a command does to the entry. Default: `Invalidate`.
    pub on_write: Option<RawOnWrite>,
    /// What it holds when the run begins. Default: `Warm`.
    pub start: Option<RawCacheStart>,
    /// How a record finds its node. Default: a ring of 100 points per node.
    pub placement: Option<RawPlacement>,
    /// CPU of one lookup, fill or invalidation. Default: 10 us.
    pub lookup: Option<Quantity>,
    /// Where it stands. Default: `Home`.
    pub place: Option<RawCachePlace>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Where a cache stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawCachePlace {
    /// With the database, for the reads of all regions.
    Home,
    /// In each region of the design, `count` nodes for the reads of its own servers.
    EachRegion,
}

/// Which entry of a cache gives way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawEviction {
    /// The oldest.
    Fifo,
    /// The one not used for longest.
    Lru,
    /// The one used least often.
    Lfu,
    /// SIEVE.
    Sieve,
    /// S3-FIFO.
    S3Fifo,
    /// W-TinyLFU.
    TinyLfu,
}

/// What a cache holds when the run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawCacheStart {
    /// What it would hold after one lifetime at this load.
    Warm,
    /// Nothing.
    Cold,
}

/// What a command does to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawOnWrite {
    /// Nothing: the entry stays until it expires.
    Nothing,
    /// The entry is dropped (look-aside).
    Invalidate,
    /// The entry is replaced (write-through).
    Replace,
}
