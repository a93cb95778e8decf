//! The file form of a scenario: what a RON file may say, before anything is checked.
//!
//! Quantities are strings with units or plain numbers. A field that may be left out is an `Option`; its default is named in
//! its comment and filled in by validation, where it appears among the sources as `Assumed("default…")`. Every struct with
//! numbers takes `source` for all of them and `sources` for single ones, by field name.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::data::raw::{RawCache, RawDatabase, RawShards};
use super::documents::raw::RawDocuments;
use super::edge::raw::{RawEdge, RawOrigin};
use super::faults::raw::RawFault;
use super::model::{LatencyTier, Source, Status};
use super::ordering::raw::RawOrdering;
use super::over_time::raw::{RawDay, RawFlashCrowd, RawShape};
use super::product::raw::{RawBrokerProfile, RawCacheProfile, RawDatabaseProfile};
use super::regions::raw::RawRegions;
use super::replicas::raw::RawReplicas;
use super::services::raw::{RawMatching, RawNet, RawNotifications, RawProvider, RawStock};
use super::sourcing::raw::{RawCommandSide, RawLog, RawProjection};
use super::traffic::raw::RawTraffic;

/// A number, or text with a unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// `"200K users"`
    Text(String),
    /// `12`
    Integer(i128),
    /// `0.5`
    Real(f64),
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quantity::Text(text) => write!(f, "\"{}\"", super::error::shorten(text)),
            Quantity::Integer(value) => write!(f, "{value}"),
            Quantity::Real(value) => write!(f, "{value}"),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct QuantityVisitor;
        impl Visitor<'_> for QuantityVisitor {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or text with a unit such as \"250 ms\"")
            }

            fn visit_u64<E>(self, value: u64) -> Result<Quantity, E> {
                Ok(Quantity::Integer(i128::from(value)))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Quantity, E> {
                Ok(Quantity::Integer(i128::from(value)))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Quantity, E> {
                Ok(Quantity::Real(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Quantity, E> {
                Ok(Quantity::Text(value.to_owned()))
            }
        }
        deserializer.deserialize_any(QuantityVisitor)
    }
}

/// A map that keeps the order of the file, and every entry of a name that stands twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered<T>(pub Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
            type Value = Ordered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from names, such as {\"us-east-1\": \"60 %\"}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(MapVisitor(std::marker::PhantomData))
    }
}

/// Sources of single numbers, by field name.
pub type Sources = Option<Ordered<Source>>;

/// A scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawScenario {
    /// Format version; checked before anything else.
    pub version: u32,
    /// The preset, or the file beside this one, that this scenario says only the differences to. Default: none, all stands here.
    pub extends: Option<String>,
    /// Short name of the scenario, the file's without extension: `"team-chat"`.
    pub name: String,
    /// What people call it. Default: the name.
    pub title: Option<String>,
    /// What it is about, in a sentence or two. Default: empty.
    pub story: Option<String>,
    /// Whether it is finished. Default: `Draft`.
    pub status: Option<Status>,
    /// Users.
    pub load: RawLoad,
    /// Channels.
    pub channels: RawChannels,
    /// Operations.
    pub traffic: RawTraffic,
    /// The four switches. Default: pooling On, the others Off.
    pub patterns: Option<RawPatterns>,
    /// Tiers.
    pub design: RawDesign,
    /// Machines of one's own, by name, beside `assets/machines.tsv`.
    pub machines: Option<Ordered<RawMachine>>,
    /// Server software of one's own, by name, beside `assets/profiles/servers.ron`.
    pub profiles: Option<Ordered<RawProfile>>,
    /// Broker software of one's own, by name, beside `assets/profiles/brokers.ron`.
    pub broker_profiles: Option<Ordered<RawBrokerProfile>>,
    /// Cache software of one's own, by name, beside `assets/profiles/caches.ron`.
    pub cache_profiles: Option<Ordered<RawCacheProfile>>,
    /// Database software of one's own, by name, beside `assets/profiles/databases.ron`.
    pub database_profiles: Option<Ordered<RawDatabaseProfile>>,
    /// What goes wrong, and when. Default: none.
    pub faults: Option<Vec<RawFault>>,
    /// What the design must meet: `"publish.delivered.p99 < 500 ms"`. Default: none.
    pub objectives: Option<Vec<String>>,
    /// How soon messages must arrive; an objective on the 99th percentile. Default: none.
    pub latency_tier: Option<LatencyTier>,
    /// Seeds, times and prices. Default: seeds 1 and 7, 10 s + 60 s, the newest price book.
    pub run: Option<RawRun>,
}

/// Users and how they are connected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLoad {
    /// How many there are: what the slider moves. As in: `"200K users"`.
    pub users: Quantity,
    /// What one user is called. Default: `users`.
    pub unit: Option<String>,
    /// Open connections per user. Default: 100 %.
    pub online: Option<Quantity>,
    /// Shares by region.
    pub places: Ordered<Quantity>,
    /// Shares by access network.
    pub access: Ordered<Quantity>,
    /// Share of fixed lines with a Wi-Fi hop. Default: 0 %.
    pub wifi: Option<Quantity>,
    /// How clients receive. Default: `WebSocket`.
    pub transport: Option<RawTransport>,
    /// Time between two heartbeats of a client. Default: 30 s.
    pub heartbeat: Option<Quantity>,
    /// Silence after which a dead peer is noticed. Default: three heartbeats.
    pub heartbeat_timeout: Option<Quantity>,
    /// How clients come back. Default: full jitter, 1 s to 64 s.
    pub reconnect: Option<RawReconnect>,
    /// How much is going on over time. Default: `Flat`.
    pub shape: Option<RawShape>,
    /// The clock of a daily shape.
    pub day: Option<RawDay>,
    /// People who come for a time and leave again. Default: none.
    pub flash_crowds: Option<Vec<RawFlashCrowd>>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// How clients receive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawTransport {
    /// Persistent WebSocket.
    WebSocket,
    /// Server-sent events.
    Sse,
    /// Held requests.
    LongPoll {
        /// Longest hold.
        hold: Quantity,
    },
    /// Repeated requests.
    Poll {
        /// Time between two.
        interval: Quantity,
    },
}

/// How clients come back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawReconnect {
    /// Always the same wait.
    Fixed {
        /// The wait.
        delay: Quantity,
        /// Spread of the first try. Default: 0 s.
        spread_first: Option<Quantity>,
    },
    /// Doubling waits without jitter.
    Exponential {
        /// First wait.
        base: Quantity,
        /// Longest wait.
        cap: Quantity,
        /// Spread of the first try. Default: 0 s.
        spread_first: Option<Quantity>,
    },
    /// Half of the doubling wait, and up to the other half.
    EqualJitter {
        /// First wait.
        base: Quantity,
        /// Longest wait.
        cap: Quantity,
        /// Spread of the first try. Default: 0 s.
        spread_first: Option<Quantity>,
    },
    /// Anything up to the doubling wait.
    FullJitter {
        /// First wait.
        base: Quantity,
        /// Longest wait.
        cap: Quantity,
        /// Spread of the first try. Default: 0 s.
        spread_first: Option<Quantity>,
    },
    /// Anything between the base and three times the wait before.
    DecorrelatedJitter {
        /// First wait.
        base: Quantity,
        /// Longest wait.
        cap: Quantity,
        /// Spread of the first try. Default: 0 s.
        spread_first: Option<Quantity>,
    },
}

/// How users are grouped.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawChannels {
    /// Mean channels per user. Default: 1.
    pub per_user: Option<Quantity>,
    /// Share of channels whose members all come from one place. Default: 0 %.
    pub locality: Option<Quantity>,
    /// One more channel, of so many members. Default: none.
    pub largest: Option<Quantity>,
    /// Sizes.
    pub members: RawMembers,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// The distribution of channel sizes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawMembers {
    /// Lognormal sizes.
    LogNormal {
        /// Median members.
        median: Quantity,
        /// 99th percentile of members.
        p99: Quantity,
        /// Largest channel.
        max: Quantity,
        /// Of these numbers.
        source: Option<Source>,
    },
    /// Disjoint rooms.
    Rooms {
        /// Members per room.
        size: Quantity,
        /// Of these numbers.
        source: Option<Source>,
    },
    /// Random choice among a fixed number.
    Random {
        /// Number of channels.
        count: Quantity,
        /// Of these numbers.
        source: Option<Source>,
    },
    /// One channel for all.
    Everyone,
}

/// A pattern's switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Switch {
    /// Applied.
    On,
    /// Not applied; its tuning is kept.
    Off,
}

/// The four switches.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPatterns {
    /// Pooling and load balancing. Default: On.
    pub pooling: Option<Switch>,
    /// Event sourcing and CQRS. Default: Off.
    pub event_sourcing: Option<Switch>,
    /// Sharding and partitioning. Default: Off.
    pub sharding: Option<Switch>,
    /// Caching and edge distribution. Default: Off.
    pub caching_and_edge: Option<Switch>,
}

/// Tiers and policies.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDesign {
    /// Region of the servers; with `regions`, that of the database.
    pub place: String,
    /// Regions that the tiers stand in (pattern caching and edge). Default: all in `place`.
    pub regions: Option<RawRegions>,
    /// How a message finds the servers with members. Default: `ChannelOwner` with channel owners, else `Interest` with a broker, else `Local`.
    pub routing: Option<RawRouting>,
    /// It spreads new connections over the servers. Default: least connections, one instance.
    pub load_balancer: Option<RawLoadBalancer>,
    /// They hold the connections.
    pub connection_servers: RawConnectionServers,
    /// They order channels.
    pub channel_owners: Option<RawChannelOwners>,
    /// It carries messages between servers.
    pub broker: Option<RawBroker>,
    /// The primary store.
    pub database: Option<RawDatabase>,
    /// The database several times over, each with a part of the records (pattern sharding).
    pub shards: Option<RawShards>,
    /// Copies of the database that follow it and answer queries (pattern caching and edge). Default: none.
    pub replicas: Option<RawReplicas>,
    /// In front of the database (pattern caching_and_edge).
    pub cache: Option<RawCache>,
    /// Close to the users (pattern caching_and_edge).
    pub edge: Option<RawEdge>,
    /// Where assets come from.
    pub origin: Option<RawOrigin>,
    /// Who keeps documents that are edited together. Default: nobody.
    pub documents: Option<RawDocuments>,
    /// In which order members see messages, and what is held back for it. Default: nobody asks.
    pub ordering: Option<RawOrdering>,
    /// What happened, in order (pattern event_sourcing).
    pub log: Option<RawLog>,
    /// What makes events (pattern event_sourcing).
    pub command_side: Option<RawCommandSide>,
    /// Read models that follow the log and answer queries, by name (pattern event_sourcing).
    pub projections: Option<Ordered<RawProjection>>,
    /// Nodes that keep what is sold.
    pub stock: Option<RawStock>,
    /// Engines that match orders.
    pub matching: Option<RawMatching>,
    /// The service that decides whom to tell what.
    pub notifications: Option<RawNotifications>,
    /// Who carries notifications, by name: `push`, `email`, `sms`, `in_app`.
    pub providers: Option<Ordered<RawProvider>>,
    /// The network between machines of one place. Default: `Regional`.
    pub net: Option<RawNet>,
}

/// How a message finds the servers with members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawRouting {
    /// In process: one server.
    Local,
    /// To every server, through the broker.
    Broadcast,
    /// To the servers that subscribed, through the broker.
    Interest,
    /// Through the owner of the channel.
    ChannelOwner,
}

/// The load balancer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLoadBalancer {
    /// How a new connection finds a server. Default: `LeastConnections`.
    pub policy: Option<RawPolicy>,
    /// Age of the connection counts it decides by. Default: 0 s.
    pub counters_age: Option<Quantity>,
    /// Time over which a new server gets its full share. Default: 0 s.
    pub slow_start: Option<Quantity>,
    /// Instances. Default: 1.
    pub count: Option<Quantity>,
    /// Open connections of one instance. Default: 1 M.
    pub max_connections: Option<Quantity>,
    /// New connections of one instance. Default: 20 K/s.
    pub new_connections: Option<Quantity>,
    /// Time a packet spends in it, one way. Default: 0.1 ms.
    pub hop: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// How a new connection finds a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawPolicy {
    /// Any.
    Random,
    /// One after the other.
    RoundRobin,
    /// The emptiest.
    LeastConnections,
    /// The emptier of two random ones: `Choices(d: 2)`.
    PowerOfTwo,
    /// The emptiest of `d` random ones.
    Choices {
        /// How many are drawn.
        d: Quantity,
    },
    /// The owner of the user on a ring.
    Ring {
        /// Points per server.
        virtual_nodes: Quantity,
    },
    /// As `Ring`, passing over servers above a bound.
    BoundedRing {
        /// Points per server.
        virtual_nodes: Quantity,
        /// The bound over the mean load: 1.25.
        factor: Quantity,
    },
    /// Highest random weight.
    Rendezvous,
    /// Jump consistent hash.
    Jump,
    /// A Maglev table.
    Maglev {
        /// Table size, a prime.
        table: Quantity,
    },
    /// 16 384 hash slots.
    Slots,
}

/// The connection servers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConnectionServers {
    /// Instances.
    pub count: Quantity,
    /// Name in `machines` or `assets/machines.tsv`.
    pub machine: String,
    /// Name in `profiles` or `assets/profiles/servers.ron`. Default: `standard`.
    pub profile: Option<String>,
    /// Configured limit. Default: none (memory and descriptors decide).
    pub max_connections: Option<Quantity>,
    /// File descriptors of one server. Default: 1 048 576 (the Linux `fs.nr_open`).
    pub descriptors: Option<Quantity>,
    /// New connections of one server. Default: 5 K/s.
    pub accept: Option<Quantity>,
    /// New connections at once. Default: 1 K.
    pub accept_burst: Option<Quantity>,
    /// Messages that wait in one server to be written; a copy that finds as many is dropped. Default: none, all wait.
    pub inbox: Option<Quantity>,
    /// Outbound queue of one connection. Default: 256 messages.
    pub outbound: Option<Quantity>,
    /// What happens when an outbound queue is full. Default: `Disconnect`.
    pub on_full: Option<RawSlowConsumer>,
    /// How long a session can be resumed. Default: 0 s, never.
    pub resume: Option<Quantity>,
    /// Replay ring of one channel. Default: 128 messages.
    pub replay: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// What happens when an outbound queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawSlowConsumer {
    /// The client is cut off.
    Disconnect,
    /// The oldest message goes.
    DropOldest,
    /// The newest message goes.
    DropNewest,
    /// The latest message per key stays.
    ConflateByKey,
    /// The producer waits.
    Block,
}

/// The channel owners.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawChannelOwners {
    /// Instances.
    pub count: Quantity,
    /// Name of a machine.
    pub machine: String,
    /// How a channel finds its owner. Default: `Ring(virtual_nodes: 100)`.
    pub placement: Option<RawPlacement>,
    /// CPU of ordering one message. Default: 20 us.
    pub sequence: Option<Quantity>,
    /// CPU of one copy to a server. Default: 5 us.
    pub copy: Option<Quantity>,
    /// Time after which the others take over the channels of one that died. Default: never.
    pub failover: Option<Quantity>,
    /// Members of a channel that one relay sends to: what has more in a region is sent to relays first, which are owners too. Default: no relays.
    pub relay_members: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// How a channel finds its owner.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawPlacement {
    /// `hash % n`
    Modulo,
    /// Jump consistent hash.
    Jump,
    /// A circle with points per node.
    Ring {
        /// Points per node.
        virtual_nodes: Quantity,
    },
    /// Highest random weight.
    Rendezvous,
    /// A Maglev table.
    Maglev {
        /// Table size, a prime.
        table: Quantity,
    },
    /// 16 384 hash slots.
    Slots,
}

/// The broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBroker {
    /// Nodes.
    pub count: Quantity,
    /// Name of a machine.
    pub machine: String,
    /// Name in `broker_profiles` or `assets/profiles/brokers.ron`; it gives what is left out here. Default: none.
    pub profile: Option<String>,
    /// Cores of its machine that a node can use. Default: all.
    pub threads: Option<Quantity>,
    /// Partitions that channels are spread over. Default: 64.
    pub partitions: Option<Quantity>,
    /// Copies of each partition. Default: 1.
    pub replication: Option<Quantity>,
    /// Time until another node takes over for a dead one. Default: 10 s.
    pub failover: Option<Quantity>,
    /// CPU of taking one message. Default: 10 us.
    pub publish: Option<Quantity>,
    /// CPU of one copy to a server. Default: 5 us.
    pub copy: Option<Quantity>,
    /// CPU of handing one message to another node, and of taking it there, where every node gets every message. Default: none, only the leader does.
    pub bus: Option<Quantity>,
    /// Rest before sending. Default: none.
    pub linger: Option<RawDistribution>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// A distribution of durations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawDistribution {
    /// Always the same.
    Constant(Quantity),
    /// Exponential.
    Exponential {
        /// Mean.
        mean: Quantity,
        /// Of these numbers.
        source: Option<Source>,
    },
    /// Uniform.
    Uniform {
        /// Shortest.
        min: Quantity,
        /// Longest.
        max: Quantity,
        /// Of these numbers.
        source: Option<Source>,
    },
    /// Lognormal.
    LogNormal {
        /// Median.
        median: Quantity,
        /// 99th percentile.
        p99: Quantity,
        /// Of these numbers.
        source: Option<Source>,
    },
    /// Through three percentiles.
    Percentiles {
        /// Least. Default: no bound.
        min: Option<Quantity>,
        /// Median.
        p50: Quantity,
        /// 95th percentile.
        p95: Quantity,
        /// 99th percentile.
        p99: Quantity,
        /// Of these numbers.
        source: Option<Source>,
    },
}

/// A machine of one's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMachine {
    /// Virtual CPUs.
    pub cores: Quantity,
    /// Memory.
    pub memory: Quantity,
    /// Network, sustained.
    pub network: Quantity,
    /// Rent. Default: 0 USD/h.
    pub price: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Server software. What is left out comes from `like`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProfile {
    /// The profile that gives what is left out.
    pub like: Option<String>,
    /// What it stands for, in a sentence.
    pub about: Option<String>,
    /// Cores of its machine that a server can use; all if no profile says.
    pub threads: Option<Quantity>,
    /// Memory per open connection, kernel part included.
    pub memory_per_connection: Option<Quantity>,
    /// Memory of the idle process and system.
    pub base_memory: Option<Quantity>,
    /// Descriptors the process needs for itself.
    pub reserved_descriptors: Option<Quantity>,
    /// CPU of accepting one connection.
    pub accept: Option<Quantity>,
    /// CPU of reading one client message.
    pub receive: Option<Quantity>,
    /// CPU of taking one copy from broker or owner.
    pub copy: Option<Quantity>,
    /// CPU of writing one message to one connection.
    pub deliver: Option<Quantity>,
    /// CPU per payload byte written.
    pub deliver_per_byte: Option<Quantity>,
    /// CPU of one heartbeat.
    pub heartbeat: Option<Quantity>,
    /// (utilisation, factor) points.
    pub load_curve: Option<Vec<(f64, f64)>>,
    /// Stop-the-world pauses.
    pub pauses: Option<Vec<RawPause>>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// One class of pauses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPause {
    /// Name in the breakdown.
    pub name: String,
    /// Time between two.
    pub every: RawDistribution,
    /// Length of one.
    pub lasts: RawDistribution,
    /// Of all numbers here.
    pub source: Option<Source>,
}

/// How to run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRun {
    /// Seed of users, channels, sizes and places. Default: 1.
    pub population_seed: Option<Quantity>,
    /// Seed of arrivals, service and network. Default: 7.
    pub seed: Option<Quantity>,
    /// Simulated time before measuring. Default: 10 s.
    pub warmup: Option<Quantity>,
    /// Simulated time measured. Default: 60 s.
    pub duration: Option<Quantity>,
    /// Prices to use. Default: `2026-07`.
    pub price_book: Option<String>,
    /// Simulate a model of one in so many: of the users, and of every machine's cores. Figures are for the whole. Default: the whole.
    pub scale: Option<Quantity>,
}
