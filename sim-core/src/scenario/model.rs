//! The validated scenario: what a run is made from.
//!
//! A [`Scenario`] is Load + Channels + Traffic + Design + Patterns + Faults + Objectives + Run. Every number has been
//! checked: finite, in range, with its unit resolved (durations in integer nanoseconds, sizes in bytes, rates per second,
//! shares in 0..=1). The file form, with strings and optional fields, is [`super::raw`].

mod fault;
mod tier;
mod traffic;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::asking::Asking;
pub use super::data::CachePlace;
pub use super::data::spread::{Cities, FEATURES, Feature, Reshard, ShardBy, Spread};
use super::edge::{EdgeTier, OriginTier};
use super::numbers::Number;
use super::over_time::OverTime;
use crate::quantile::Distribution;
use crate::time::SimDuration;

pub use fault::{Fault, TimedFault, ZONES};
pub use tier::Tier;
pub use traffic::{Command, Keys, Per, Presence, Publish, Publisher, Query, Rate, Traffic};

/// A checked scenario, ready to simulate.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Short name, also the preset's file stem: `team-chat`.
    pub name: String,
    /// Name for people: `Team chat`.
    pub title: String,
    /// What the design is for, in a few sentences.
    pub story: String,
    /// Drafts stay out of the gallery.
    pub status: Status,
    /// Who uses the system.
    pub load: Load,
    /// How users are grouped.
    pub channels: Channels,
    /// What users do.
    pub traffic: Traffic,
    /// How load changes while a run lasts.
    pub over_time: OverTime,
    /// How the database is asked under stress.
    pub asking: Asking,
    /// The four reversible switches.
    pub patterns: Patterns,
    /// Tiers and policies, with the tuning of patterns that are off kept.
    pub design: Design,
    /// Timed faults; a story with faults ends and is never cut as a steady run.
    pub faults: Vec<TimedFault>,
    /// What the design must meet.
    pub objectives: Vec<Objective>,
    /// How to run it.
    pub run: Run,
    /// Where the numbers come from: scenario path (`design.database.query`) to source.
    pub sources: BTreeMap<String, Source>,
    /// All numbers as they were written, each with its source.
    pub numbers: Vec<Number>,
}

/// Whether a preset is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Shown in the gallery.
    Ready,
    /// Not yet for the gallery.
    Draft,
}

/// Where a number comes from and how far to trust it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Measured by this project.
    Measured(String),
    /// A primary text or data set.
    Published(String),
    /// A vendor's price or limits page.
    Vendor(String),
    /// Hearsay: a secondary text.
    Reported(String),
    /// Computed or fitted from other numbers.
    Derived(String),
    /// A guess, with its reasoning.
    Assumed(String),
    /// Changed by the user.
    Edited(String),
}

impl Source {
    /// The status in one word: `Measured`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Source::Measured(_) => "Measured",
            Source::Published(_) => "Published",
            Source::Vendor(_) => "Vendor",
            Source::Reported(_) => "Reported",
            Source::Derived(_) => "Derived",
            Source::Assumed(_) => "Assumed",
            Source::Edited(_) => "Edited",
        }
    }

    /// Who says so, or why it is assumed.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Source::Measured(text)
            | Source::Published(text)
            | Source::Vendor(text)
            | Source::Reported(text)
            | Source::Derived(text)
            | Source::Assumed(text)
            | Source::Edited(text) => text,
        }
    }
}

/// Users and how they are connected.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// People (or devices, or sessions): what the slider moves.
    pub users: u32,
    /// What one user is called in sentences: `users`.
    pub unit: String,
    /// Open connections per user, 0..=1.
    pub online: f64,
    /// Regions users are in, with shares that add up to 1, in file order.
    pub places: Vec<(Region, f64)>,
    /// Access networks with shares that add up to 1, in file order.
    pub access: Vec<(Access, f64)>,
    /// Share of fixed-line (fibre, cable, DSL) connections that add a Wi-Fi hop, 0..=1.
    pub wifi: f64,
    /// How clients receive.
    pub transport: Transport,
    /// Interval of client heartbeats.
    pub heartbeat: SimDuration,
    /// Silence after which a dead peer is noticed.
    pub heartbeat_timeout: SimDuration,
    /// How clients come back.
    pub reconnect: routing::session::ReconnectPolicy,
}

/// A region of `assets/regions.tsv`, by its provider's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region(pub String);

/// An access network of `assets/access.tsv`: `fiber`, `cable`, `dsl`, `4g`, `5g`, `3g`, `leo`, `geo`, or `none` (same zone).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access(pub String);

/// How a client receives updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Transport {
    /// One persistent WebSocket per connection.
    WebSocket,
    /// Server-sent events: one persistent HTTP response, publishes go by request.
    Sse,
    /// A request that the server holds until there is something to say.
    LongPoll {
        /// Longest hold.
        hold: SimDuration,
    },
    /// A request every `interval`.
    Poll {
        /// Time between requests of one client.
        interval: SimDuration,
    },
}

/// How users are grouped into channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Channels {
    /// Mean channels per user.
    pub per_user: f64,
    /// Share of channels whose members all come from one place.
    pub locality: f64,
    /// Members of one channel more.
    pub largest: Option<u32>,
    /// How sizes are drawn.
    pub members: Members,
}

/// The distribution of channel sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Members {
    /// Sizes drawn from a lognormal distribution, at most `max`, and at most all users.
    LogNormal {
        /// Median members per channel.
        median: f64,
        /// 99th percentile of members per channel.
        p99: f64,
        /// Largest channel.
        max: u32,
    },
    /// Disjoint rooms of one size; user `i` sits in room `i / size`.
    Rooms {
        /// Members per room.
        size: u32,
    },
    /// A fixed number of channels; every user picks `per_user` of them at random.
    Random {
        /// Number of channels.
        count: u32,
    },
    /// One channel that holds everybody.
    Everyone,
}

/// The four switches of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patterns {
    /// (1) Pooling and load balancing. Off: one connection server that routes in process.
    pub pooling: bool,
    /// (2) Event sourcing and CQRS.
    pub event_sourcing: bool,
    /// (3) Sharding and partitioning.
    pub sharding: bool,
    /// (4) Caching and edge distribution.
    pub caching_and_edge: bool,
}

/// Tiers and policies.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    /// Region the servers stand in.
    pub place: Region,
    /// The regions they stand in; `None`: all in `place`.
    pub regions: Option<super::Regions>,
    /// How a message finds the servers that hold members.
    pub routing: routing::pubsub::RoutingMode,
    /// In front of the connection servers.
    pub load_balancer: LoadBalancer,
    /// They hold the clients' connections.
    pub connection_servers: ConnectionServers,
    /// They order channels; used by `RoutingMode::ChannelOwner`.
    pub channel_owners: Option<ChannelOwners>,
    /// It carries messages between servers; used by `Broadcast` and `Interest`.
    pub broker: Option<Broker>,
    /// The primary store.
    pub database: Option<Database>,
    /// How many of it there are, and which holds what; `None`: one holds everything.
    pub shards: Option<Shards>,
    /// Copies that follow it and answer queries.
    pub replicas: Option<super::Replicas>,
    /// In front of the database.
    pub cache: Option<CacheTier>,
    /// Close to the users.
    pub edge: Option<EdgeTier>,
    /// Where assets come from.
    pub origin: Option<OriginTier>,
    /// Who keeps documents.
    pub documents: Option<super::documents::DocumentsTier>,
    /// In which order members see messages; `None`: nobody asks.
    pub ordering: Option<super::ordering::Ordering>,
    /// Log, command side and projections.
    pub sourcing: Option<super::Sourcing>,
    /// They keep what is sold.
    pub stock: Option<super::StockTier>,
    /// They match orders.
    pub matching: Option<super::MatchingTier>,
    /// It decides whom to tell what.
    pub notifications: Option<super::NotificationsTier>,
    /// Who carries notifications.
    pub providers: Vec<super::ProviderTier>,
    /// One way between machines of one hall, clients included; `None`: that of a region.
    pub colo: Option<SimDuration>,
}

/// One kind of rented computer.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Provider's name: `c7g.xlarge`.
    pub name: String,
    /// Virtual CPUs.
    pub cores: u32,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Network, bits per second, sustained.
    pub network_bits_per_s: u64,
    /// Rent, micro-dollars per hour.
    pub usd_micro_per_hour: u64,
}

/// The load-balancer tier.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadBalancer {
    /// How a new connection finds a server.
    pub policy: routing::balance::Policy,
    /// How old the counters are that the policy looks at.
    pub counters_age: SimDuration,
    /// Time over which a server that came up gets its full share.
    pub slow_start: SimDuration,
    /// Instances of the balancer.
    pub count: u32,
    /// Open connections one instance can hold.
    pub max_connections: u32,
    /// New connections per second one instance can take.
    pub new_connections_per_s: u32,
    /// Time a packet spends in the balancer, one way.
    pub hop: SimDuration,
}

/// The connection-server tier.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionServers {
    /// Instances.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// What the software costs.
    pub profile: ServerProfile,
    /// Configured limit of connections per server.
    pub max_connections: Option<u32>,
    /// File descriptors a process may open; some are reserved by the profile.
    pub descriptors: u32,
    /// New connections per second one server admits.
    pub accept_per_s: u32,
    /// New connections one server admits at once.
    pub accept_burst: u32,
    /// Copies that wait in a server to be written; beyond, they are dropped.
    pub inbox: Option<u32>,
    /// Messages a connection's outbound queue holds.
    pub outbound_messages: u32,
    /// What happens when it is full.
    pub on_full: routing::session::SlowConsumer,
    /// How long a session can be resumed; zero: never.
    pub resume: SimDuration,
    /// Messages a channel's replay ring holds at most.
    pub replay_messages: u32,
}

/// What connection-server software costs, per operation. CPU times are for one core at low load.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerProfile {
    /// Name in `assets/profiles/servers.ron`.
    pub name: String,
    /// Memory per open connection, bytes, kernel part included.
    pub memory_per_connection_bytes: u64,
    /// Memory of the idle process and system, bytes.
    pub base_memory_bytes: u64,
    /// Descriptors the process needs for itself.
    pub reserved_descriptors: u32,
    /// CPU of accepting one connection (TLS handshake and upgrade).
    pub accept: SimDuration,
    /// CPU of reading one client message and handing it on.
    pub receive: SimDuration,
    /// CPU of taking one copy from the broker or owner.
    pub copy: SimDuration,
    /// CPU of writing one message to one connection.
    pub deliver: SimDuration,
    /// CPU per payload byte written, picoseconds.
    pub deliver_ps_per_byte: u64,
    /// CPU of one heartbeat.
    pub heartbeat: SimDuration,
    /// Service time against utilisation: (utilisation, factor), piecewise linear; empty: constant 1.
    pub load_curve: Vec<(f64, f64)>,
    /// Stop-the-world pauses.
    pub pauses: Vec<PauseClass>,
}

/// One class of stop-the-world pauses.
#[derive(Clone, Debug, PartialEq)]
pub struct PauseClass {
    /// Name in the breakdown: `minor`.
    pub name: String,
    /// Time between two pauses of one server.
    pub every: Distribution,
    /// Length of one pause.
    pub lasts: Distribution,
}

/// The channel-owner tier.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelOwners {
    /// Instances.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// How a channel finds its owner.
    pub placement: routing::placement::Placement,
    /// CPU of ordering one message.
    pub sequence: SimDuration,
    /// CPU of sending one copy to a server.
    pub copy: SimDuration,
    /// Time after which the others take over from one that died; `None`: never.
    pub failover: Option<SimDuration>,
    /// Members that one relay sends to; `None`: no relays.
    pub relay_members: Option<u32>,
}

/// The broker tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Broker {
    /// Nodes.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// Partitions that channels are spread over.
    pub partitions: u32,
    /// Copies of each partition.
    pub replication: u32,
    /// Time from a node's death until its partitions have a new leader.
    pub failover: SimDuration,
    /// CPU of taking one message.
    pub publish: SimDuration,
    /// CPU of sending one copy to a server.
    pub copy: SimDuration,
    /// CPU of handing one message to another node, and of taking it there, where every node gets every message.
    pub bus: Option<SimDuration>,
    /// Time a message rests before it is sent on (batching, poll interval, replication), not CPU.
    pub linger: Distribution,
}

/// The database tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// What it runs on.
    pub machine: Machine,
    /// Connections in the pool: queries in progress at once.
    pub pool: u32,
    /// Time one query holds a connection.
    pub query: Distribution,
    /// Time one command holds a connection.
    pub write: Distribution,
    /// Queries that may wait for a connection.
    pub queue: u32,
    /// Longest wait for a connection.
    pub timeout: Option<SimDuration>,
    /// Who holds connections, where not all share them.
    pub held: Option<super::pooler::Held>,
}

/// How the database is split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shards {
    /// Databases.
    pub count: u32,
    /// What is kept together.
    pub by: ShardBy,
    /// How a key finds its shard.
    pub placement: routing::placement::Placement,
}

/// The cache tier.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheTier {
    /// Nodes.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// What the entries of one node may take.
    pub capacity_bytes: u64,
    /// Which entry gives way.
    pub policy: routing::cache::EvictionPolicy,
    /// How long an entry is fresh.
    pub ttl: SimDuration,
    /// How long an expired entry is served while it is fetched again.
    pub stale: SimDuration,
    /// One fetch per record at a time.
    pub coalesce: bool,
    /// Leases in place of coalescing: one fetch per record within this time.
    pub leases: Option<SimDuration>,
    /// Eagerness of fetching before an entry expires.
    pub early: f64,
    /// What a command does to the entry.
    pub on_write: OnWrite,
    /// Whether it holds, when the run begins, what it would hold after one lifetime at this load.
    pub warm: bool,
    /// How a record finds its node.
    pub placement: routing::placement::Placement,
    /// CPU of one lookup, fill or invalidation.
    pub lookup: SimDuration,
    /// Where it stands; `None`: with the database.
    pub place: Option<CachePlace>,
}

/// What a command does to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnWrite {
    /// Nothing.
    Nothing,
    /// The entry is dropped.
    Invalidate,
    /// The entry is replaced.
    Replace,
}

/// How soon messages must arrive: the worst edge of what the field calls these tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LatencyTier {
    /// Trading, games, control: 99 % within 100 ms.
    SubSecond,
    /// Chat, collaboration: 99 % within 3 s.
    FewSecond,
    /// Feeds, dashboards: 99 % within 30 s.
    NearRealTime,
}

/// A condition on a path of the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// As written: `publish.delivered.p99 < 500 ms`.
    pub text: String,
    /// The report path: `publish.delivered.p99`.
    pub path: String,
    /// The comparison.
    pub comparison: Comparison,
    /// The limit, in the unit of the report field (ms, users, USD, counts).
    pub limit: f64,
    /// The base or overlay that states it (`base.ron`, `preset team-chat`); `None`: the file that was asked for.
    pub file: Option<String>,
    /// Line in that file, from 1; `None`: an option states it.
    pub line: Option<u32>,
}

/// How an objective compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

/// How to run a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Fixes users, channels, sizes, places and placement.
    pub population_seed: u64,
    /// Varies arrivals, service and network.
    pub seed: u64,
    /// Simulated time before measuring starts.
    pub warmup: SimDuration,
    /// Simulated time measured.
    pub duration: SimDuration,
    /// Name of the price book.
    pub price_book: String,
    /// A model of one in so many is simulated; `None`: the whole.
    pub scale: Option<u32>,
}
