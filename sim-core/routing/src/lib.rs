//! Sans-IO routing for real-time systems: which server takes a connection, which servers get a copy
//! of a message, what a client that comes back has missed, what a cache holds and serves, and who agrees on what
//! has happened.
//!
//! *Models:* load balancing ([`balance`]), key placement ([`placement`]), publish/subscribe fan-out
//! ([`pubsub`]), client sessions ([`session`]) and a facade over the last two ([`hub`]); caches ([`cache`]), shard
//! maps and their migration ([`shard`]), requests to several servers ([`request`]), the control of retries ([`retry`])
//! and of overload ([`overload`]), and regions ([`region`]). Events and state: the event log ([`log`]), commands,
//! projections and transactions ([`sourcing`]), order ([`order`]), consistency across replicas and regions
//! ([`consistency`]) and conflicts ([`conflict`]). Services on top of these: presence between servers ([`presence`]),
//! feeds ([`feed`]), notifications ([`notify`]), interest by place ([`interest`]), stock ([`stock`]), a matching
//! engine ([`matching`]), and tick loops with datagrams ([`tick`]).
//! *Rules of the house:* the time (`now`, a [`Timestamp`]) and the source of randomness are arguments;
//! nothing here reads a clock, opens a socket, spawns a thread or iterates over a hash map. Every type is
//! `Clone` with value semantics, so a caller may copy a whole system and let the copies diverge.
//! *Leaves out:* service times, capacities and money; they belong to the caller.
//! *Source:* the algorithms are cited in the module that holds them.
//!
//! The same objects drive a discrete-event simulation and a deployment on real sockets; [`hub::Hub`]
//! keeps a digest of its decisions, so that two worlds fed with one trace can be compared.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod balance;
pub mod cache;
pub mod conflict;
pub mod consistency;
pub mod cow;
mod decision;
mod draw;
pub mod feed;
pub mod hash;
pub mod hub;
mod ids;
pub mod interest;
pub mod log;
pub mod matching;
pub mod notify;
pub mod order;
pub mod overload;
pub mod placement;
pub mod presence;
pub mod pubsub;
pub mod region;
pub mod request;
pub mod retry;
pub mod session;
pub mod shard;
pub mod sourcing;
pub mod stock;
pub mod tick;

pub use balance::{Backend, BackendState, Balancer, LoadBalancer, Options, Policy};
pub use cache::{Cache, CacheCounters, CacheOptions, Capacity, EvictionPolicy, Lookup};
pub use hub::{Decision, Hub, HubError, HubOptions, Published, ReplaySlice};
pub use ids::{ChannelId, ConnectionId, Seq, ServerId, ShardId, Timestamp};
pub use placement::{Node, Placement, PlacementMap};
pub use pubsub::{Directory, DirectoryBuilder, FanoutPlan, Home, RoutingMode};
pub use region::{RegionId, RegionRouter};
pub use session::{ConnectionState, ConnectionTable, ReplayLimits, ReplayRing, Resume};
pub use shard::{ShardMap, Sharding};
