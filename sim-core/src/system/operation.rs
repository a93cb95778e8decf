//! Operations on their way: what each has cost so far, and what is still outstanding.
//!
//! An operation is created when a client (or a feed) starts it and ends when its last copy has been received, its answer
//! has arrived, or it has failed. The time spent before the copies part is kept here by [`Part`]; what a copy adds is
//! known where it is written.

use routing::{ChannelId, Seq};

use crate::engine::prefetch;
use crate::histogram::UNIT_NS;
use crate::time::{SimDuration, SimTime};

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A message to a channel.
    Publish,
    /// A status change to all co-members.
    Presence,
    /// A read answered by the database.
    Query,
    /// Making a connection, again or for the first time.
    Connect,
    /// A write acknowledged by the database.
    Command,
    /// A script, picture or other file.
    FetchAsset,
    /// A purchase of units of which no more should be sold than there are.
    Reserve,
    /// A request to a matching engine.
    Order,
    /// Something that somebody is told outside their connection.
    Notify,
    /// A change of a document that several people edit.
    Edit,
}

impl Kind {
    /// All kinds, in report order.
    pub const ALL: [Kind; 10] = [
        Kind::Publish,
        Kind::Presence,
        Kind::Query,
        Kind::Connect,
        Kind::Command,
        Kind::FetchAsset,
        Kind::Reserve,
        Kind::Order,
        Kind::Notify,
        Kind::Edit,
    ];

    /// Name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Publish => "publish",
            Kind::Presence => "presence",
            Kind::Query => "query",
            Kind::Connect => "connect",
            Kind::Command => "command",
            Kind::FetchAsset => "fetch_asset",
            Kind::Reserve => "reserve",
            Kind::Order => "order",
            Kind::Notify => "notify",
            Kind::Edit => "edit",
        }
    }

    /// Name of its terminal latency: copies are delivered, requests are answered.
    #[must_use]
    pub fn terminal(self) -> &'static str {
        match self {
            Kind::Publish | Kind::Presence | Kind::Notify | Kind::Edit => "delivered",
            Kind::Query
            | Kind::Connect
            | Kind::Command
            | Kind::FetchAsset
            | Kind::Reserve
            | Kind::Order => "answered",
        }
    }

    /// Whether it ends with one answer to who asked, and not with copies to others.
    #[must_use]
    pub fn is_answered(self) -> bool {
        !matches!(self, Kind::Publish | Kind::Presence | Kind::Edit)
    }

    /// Position in [`Self::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Where an operation's time goes: one tier and one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// From the client to its server.
    Uplink,
    /// Waiting for a core of a connection server.
    ServerQueue,
    /// Being read, handed on or copied by a connection server.
    ServerService,
    /// Stopped with a connection server.
    ServerPause,
    /// Between servers.
    Link,
    /// Waiting at the cache.
    CacheQueue,
    /// Being looked up.
    CacheService,
    /// Waiting for another read to fetch the same record.
    CacheFetch,
    /// Waiting for a database connection.
    DatabaseQueue,
    /// Holding a database connection.
    DatabaseService,
    /// Attempts that the database did not answer in time, and the waits after them.
    DatabaseRetry,
    /// Waiting for a connection of a replica.
    ReplicaQueue,
    /// Holding a connection of a replica.
    ReplicaService,
    /// Waiting at the channel owner.
    OwnerQueue,
    /// Being ordered and copied by the channel owner.
    OwnerService,
    /// Waiting at the broker.
    BrokerQueue,
    /// Being taken and copied by the broker.
    BrokerService,
    /// Resting at the broker: batching, polling, replication, failover.
    BrokerLinger,
    /// Written after others of the same copy.
    FanOut,
    /// From the server to the client.
    Downlink,
    /// Held back behind an earlier message of the same connection.
    Order,
    /// Waiting for the client to ask.
    Poll,
    /// Waiting for the client to come back.
    Offline,
    /// Waiting at a point of presence.
    EdgeQueue,
    /// Being looked up there.
    EdgeService,
    /// Waiting there for another request to fetch the same.
    EdgeFetch,
    /// Waiting for a core of a connection pooler.
    PoolerQueue,
    /// Being passed on by it.
    PoolerService,
}

/// Number of [`Part`]s.
pub const PARTS: usize = 28;

impl Part {
    /// All parts with their tier and cause, by index.
    const NAMES: [(&'static str, &'static str); PARTS] = [
        ("network", "uplink"),
        ("connection_servers", "queue"),
        ("connection_servers", "service"),
        ("connection_servers", "pause"),
        ("network", "between servers"),
        ("cache", "queue"),
        ("cache", "service"),
        ("cache", "fetch of another"),
        ("database", "queue"),
        ("database", "service"),
        ("database", "retry"),
        ("replicas", "queue"),
        ("replicas", "service"),
        ("channel_owners", "queue"),
        ("channel_owners", "service"),
        ("broker", "queue"),
        ("broker", "service"),
        ("broker", "linger"),
        ("connection_servers", "fan-out"),
        ("network", "downlink"),
        ("client", "order"),
        ("client", "poll"),
        ("client", "offline"),
        ("edge", "queue"),
        ("edge", "service"),
        ("edge", "fetch of another"),
        ("pooler", "queue"),
        ("pooler", "service"),
    ];

    /// The tier and cause of a part of an operation of a kind. Assets meet neither cache nor database: at those places stand
    /// the shield and the origin, so that an operation needs no more room. Where state is a log of events, messages and commands meet
    /// neither cache, replica nor point of presence, and queries no database: command side, log and projections stand there. Services
    /// stand where an operation passes none of the tiers named here. Edits meet no broker: there stand the waits for earlier edits, for
    /// a lock and for the end of a window.
    #[must_use]
    pub fn name(index: usize, kind: Kind, sourced: bool) -> (&'static str, &'static str) {
        let (tier, cause) = Self::NAMES[index];
        if sourced {
            match (kind, tier, cause) {
                (Kind::Publish | Kind::Command, "edge", "queue" | "service") => {
                    return ("command_side", cause);
                }
                (Kind::Publish | Kind::Command, "cache", "queue" | "service") => {
                    return ("log", cause);
                }
                (Kind::Publish | Kind::Command, "cache", _) => return ("log", "commit"),
                (Kind::Publish | Kind::Command, "replicas", "queue") => return ("log", "linger"),
                (Kind::Publish | Kind::Command, "replicas", _) => {
                    return ("projections", "wait of a command");
                }
                (Kind::Query, "database", "retry") => return ("projections", "wait for offset"),
                (Kind::Query, "database", _) => return ("projections", cause),
                _ => {}
            }
        }
        match (kind, tier) {
            (Kind::FetchAsset, "cache") => ("edge shield", cause),
            (Kind::FetchAsset, "database") => ("origin", cause),
            (Kind::Reserve, "database") => ("stock", cause),
            (Kind::Reserve, "cache") if cause == "service" => ("stock", "write"),
            (Kind::Reserve, "cache") => ("stock", "transaction"),
            (Kind::Order, "channel_owners") => ("matching_engine", cause),
            (Kind::Order, "broker") => ("matching_engine", "journal and replicas"),
            (Kind::Notify, "channel_owners") => ("notifications", cause),
            (Kind::Notify, "database") if cause == "service" => ("providers", "delivery"),
            (Kind::Notify, "database") => ("providers", cause),
            (Kind::Edit, "channel_owners") => ("documents", cause),
            (Kind::Edit, "broker") => match cause {
                "queue" => ("client", "earlier edits"),
                "service" => ("documents", "lock"),
                _ => ("documents", "window"),
            },
            _ => (tier, cause),
        }
    }
}

/// Time by [`Part`], in units of 128 ns. What a span has beyond whole units is carried to the next one, so that the parts add
/// up to the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    units: [u32; PARTS],
    carried_ns: u8,
}

impl Parts {
    /// Adds a span to a part; parts saturate at 549 s.
    #[inline]
    pub fn add(&mut self, part: Part, span: SimDuration) {
        let ns = span.as_nanos() + u64::from(self.carried_ns);
        self.carried_ns = (ns % UNIT_NS) as u8;
        let units = u32::try_from(ns / UNIT_NS).unwrap_or(u32::MAX);
        self.add_units(part, units);
    }

    /// Adds whole units to a part.
    #[inline]
    pub fn add_units(&mut self, part: Part, units: u32) {
        let own = &mut self.units[part as usize];
        *own = own.saturating_add(units);
    }

    /// Adds what followed.
    pub fn join(&mut self, later: &Parts) {
        for (own, more) in self.units.iter_mut().zip(&later.units) {
            *own = own.saturating_add(*more);
        }
        let carried = u64::from(self.carried_ns) + u64::from(later.carried_ns);
        self.carried_ns = (carried % UNIT_NS) as u8;
        self.add_units(Part::Link, (carried / UNIT_NS) as u32);
    }

    /// All of them, up to a carried fraction of a unit.
    #[inline]
    #[must_use]
    pub fn total_units(&self) -> u64 {
        self.units.iter().map(|&units| u64::from(units)).sum()
    }

    /// Counts a carried fraction as a unit of `part`.
    pub fn round_up(&mut self, part: Part) {
        let units = u32::from(self.carried_ns > 0);
        self.carried_ns = 0;
        self.add_units(part, units);
    }

    /// Takes what exceeds `limit` in all off the longest parts.
    pub fn clip(&mut self, limit: u32) {
        while let excess @ 1.. = self.total_units().saturating_sub(limit.into()) {
            if let Some(longest) = self.units.iter_mut().max() {
                *longest -= excess.min((*longest).into()) as u32;
            }
        }
    }

    /// Nanoseconds by part, those that have any.
    pub fn ns(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let parts = self.units.iter().enumerate();
        parts
            .filter(|&(_, &units)| units > 0)
            .map(|(part, &units)| (part, u64::from(units) * UNIT_NS))
    }
}

/// Which shards an operation asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asks {
    /// That of its record.
    #[default]
    One,
    /// Several that follow from what it needs, see [`super::sharding`].
    Several,
    /// All of them.
    All,
}

/// Index of an operation in the [`OperationSlab`].
pub type OperationId = u32;

/// No connection: a feed started the operation.
pub const NOBODY: u32 = u32::MAX;

/// One operation on its way. Laid out by cache line: what every step needs, the parts that requests use (their order is
/// that of [`Part`]), then what only fan-out needs.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Operation {
    /// What it is.
    pub kind: Kind,
    /// Whether it was started while measuring.
    pub measured: bool,
    /// Database queries still to make before it is routed.
    pub queries_left: u16,
    /// Channel of a publish; the user of a presence change; unused otherwise.
    pub channel: ChannelId,
    /// Connection that started it, or [`NOBODY`]: a feed, or a cache that refreshes an entry.
    pub origin: u32,
    /// Copies on their way plus written batches whose last receipt lies in the future.
    pub outstanding: u32,
    /// Owner or broker node that ordered it, or point of presence that it came through; `u16::MAX`: none yet.
    pub leader: u16,
    /// Server it came in through; a feed's has none.
    pub server: u16,
    /// Record that it is about; of a message or a frame with edits their number; unused by what is sent to channels.
    pub record: u32,
    /// Its number among its kind: the key of its draws.
    pub ordinal: u64,
    /// When it was started by the client.
    pub started: SimTime,
    /// When the present leg began.
    pub mark: SimTime,
    /// When its channel ordered it; members who came later are not owed it.
    pub sequenced: SimTime,
    /// Receipts so far.
    pub received: u64,
    /// Time so far, up to where copies part.
    pub parts: Parts,
    /// Its number in the channel.
    pub seq: Seq,
    /// Receipts owed.
    pub owed: u64,
    /// Sum of the latencies of the receipts so far, in units.
    pub latency_units: u64,
    /// Last receipt so far.
    pub last_receipt: SimTime,
    /// Recipient list of a presence change, if any.
    pub recipients: Option<u32>,
    /// Version of its record that it is answered with, where a point of presence asks.
    pub version: u32,
    /// Which shards of the database it asks.
    pub asks: Asks,
    /// Whether its copies go through relays in the region that ordered it.
    pub relayed: bool,
    /// Whether no cache may keep the answer.
    pub uncached: bool,
    /// Whether the log has what it says: a message that may be ordered; of a query, what its author has just written.
    pub in_log: bool,
}

impl Operation {
    /// A new operation, started at `at`.
    #[must_use]
    pub fn new(kind: Kind, at: SimTime, origin: u32, ordinal: u64, measured: bool) -> Self {
        Self {
            kind,
            measured,
            queries_left: 0,
            channel: ChannelId(0),
            origin,
            ordinal,
            started: at,
            mark: at,
            sequenced: at,
            seq: Seq(0),
            parts: Parts::default(),
            outstanding: 0,
            owed: 0,
            received: 0,
            latency_units: 0,
            last_receipt: at,
            leader: u16::MAX,
            server: u16::MAX,
            recipients: None,
            record: 0,
            version: 0,
            asks: Asks::One,
            relayed: false,
            uncached: false,
            in_log: false,
        }
    }

    /// Edits that a frame carries; 1 for anything else.
    #[must_use]
    pub fn edits(&self) -> u32 {
        match self.kind {
            Kind::Edit => self.record.max(1),
            _ => 1,
        }
    }

    /// Key of this operation's per-recipient draws; the same whatever the policy or the tier.
    #[must_use]
    pub fn key(&self) -> u64 {
        // Two bits tell the first kinds apart; what came later is told by the two highest.
        let (low, group) = (self.kind as u64 & 3, self.kind as u64 >> 2);
        (self.ordinal << 2) | low | (group & 1) << 63 | (group >> 1) << 62
    }
}

/// Operations by index, with free places reused.
#[derive(Clone, Debug, Default)]
pub struct OperationSlab {
    places: Vec<Operation>,
    free: Vec<OperationId>,
}

impl OperationSlab {
    /// Keeps an operation.
    pub fn insert(&mut self, operation: Operation) -> OperationId {
        match self.free.pop() {
            Some(id) => {
                self.places[id as usize] = operation;
                id
            }
            None => {
                self.places.push(operation);
                (self.places.len() - 1) as OperationId
            }
        }
    }

    /// Frees an operation's place.
    pub fn remove(&mut self, id: OperationId) {
        self.free.push(id);
    }

    /// Places in use or free: one more than the largest index.
    #[must_use]
    pub fn places(&self) -> usize {
        self.places.len()
    }

    /// Begins to load an operation.
    #[inline]
    pub fn prefetch(&self, id: OperationId) {
        prefetch(&self.places, id as usize);
    }

    /// Lets nothing that is under way count.
    pub fn forget_measured(&mut self) {
        for operation in &mut self.places {
            operation.measured = false;
        }
    }
}

impl core::ops::Index<OperationId> for OperationSlab {
    type Output = Operation;

    fn index(&self, id: OperationId) -> &Operation {
        &self.places[id as usize]
    }
}

impl core::ops::IndexMut<OperationId> for OperationSlab {
    fn index_mut(&mut self, id: OperationId) -> &mut Operation {
        &mut self.places[id as usize]
    }
}
