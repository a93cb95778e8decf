//! Stock, matching engines and notifications, as written.

use serde::Deserialize;

use crate::scenario::data::raw::RawSkew;
use crate::scenario::model::Source;
use crate::scenario::raw::{Ordered, Quantity, RawDistribution, Sources};

/// Purchases of units of which no more should be sold than there are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawReserve {
    /// Purchases, as in: `"5K/s"` or `"0.02/s per user"`.
    pub rate: Quantity,
    /// Payload of the answer.
    pub size: Quantity,
    /// Different articles of one purchase, one unit of each; more than one needs mode `Strong`. Default: 1.
    pub items: Option<Quantity>,
    /// When the sale begins, from the start of the run. Default: 0 s.
    pub opens: Option<Quantity>,
    /// How long buyers come. Default: to the end of the run.
    pub lasts: Option<Quantity>,
    /// Share of the reservations that are paid for; matters in mode `Reservation`. Default: 100 %.
    pub paid: Option<Quantity>,
    /// Time from a reservation to its payment; matters in mode `Reservation`. Default: 0 s.
    pub payment: Option<RawDistribution>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// The nodes that keep stock; each article is kept by one of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStock {
    /// Nodes.
    pub count: Quantity,
    /// Name of a machine.
    pub machine: String,
    /// Articles. Default: 1.
    pub articles: Option<Quantity>,
    /// How unequally they are bought. Default: `Even`.
    pub skew: Option<RawSkew>,
    /// Units of each article.
    pub units: Quantity,
    /// How they are sold. Default: `Strong`.
    pub mode: Option<RawStockMode>,
    /// What keeps a purchase of several articles whole. Default: `None`.
    pub txn: Option<RawTransactions>,
    /// CPU of one step, one after the other for one article. Default: 20 us.
    pub step: Option<Quantity>,
    /// Time until a step is durable; those that wait for it share it. Default: 1 ms.
    pub write: Option<Quantity>,
    /// Time after which a purchase of several articles no longer waits for a node. Default: 1 s.
    pub timeout: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// How units are sold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawStockMode {
    /// Checked and taken in one step by the node that keeps them.
    Strong,
    /// Set aside by the node that keeps them, then paid for or free again.
    Reservation {
        /// How long they are set aside.
        ttl: Quantity,
    },
    /// By what the connection server was last told; taken from the stock afterwards.
    Eventual {
        /// How often the connection server is told.
        staleness: Quantity,
    },
}

/// What keeps a change across several nodes whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawTransactions {
    /// Nothing: one write after another.
    None,
    /// Two-phase commit.
    TwoPhase,
    /// One write after another; after a failure those done are undone.
    Saga,
}

/// Orders for a matching engine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOrder {
    /// New orders, cancellations and modifications together, as in: `"500/s per user"`.
    pub rate: Quantity,
    /// Payload of an acknowledgement.
    pub size: Quantity,
    /// Symbols.
    pub symbols: Quantity,
    /// How unequally they are traded. Default: `Even`.
    pub skew: Option<RawSkew>,
    /// Share of the requests that cancel a resting order. Default: 0 %.
    pub cancels: Option<Quantity>,
    /// Share of the requests that replace a resting order by a new one. Default: 0 %.
    pub modifies: Option<Quantity>,
    /// An acknowledgement that comes later is of no use. Default: none is too late.
    pub deadline: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Matching engines: each symbol is traded by one, which handles its orders one after the other.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMatching {
    /// Engines, each with one thread.
    pub count: Quantity,
    /// Name of a machine; one for each engine and each of its replicas.
    pub machine: String,
    /// CPU of one request. Default: 167 ns.
    pub service: Option<Quantity>,
    /// Other programs run on an engine's core. Default: none do, it is pinned.
    pub preempted: Option<RawPreempted>,
    /// Time until a request is in the journal, before it is acknowledged; those that wait for it share it. Default: 0 s, no journal.
    pub journal: Option<Quantity>,
    /// Engines that do the same as each, acknowledge before it does, and of which one takes over. Default: 0.
    pub replicas: Option<Quantity>,
    /// Time until one takes over. Default: 1 s.
    pub failover: Option<Quantity>,
    /// What everybody is told of what the engines do. Default: nothing.
    pub market_data: Option<RawMarketData>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Other programs on a core.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPreempted {
    /// Mean time between two turns of theirs.
    pub every: Quantity,
    /// How long one lasts.
    pub lasts: Quantity,
    /// Of all numbers here.
    pub source: Option<Source>,
}

/// What everybody is told of what the engines do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMarketData {
    /// Those online who listen to a symbol: a share, or a number.
    pub receivers: Quantity,
    /// How a message reaches them. Default: `Multicast`.
    pub casting: Option<RawCasting>,
    /// Links between switches that a multicast message takes. Default: 1.
    pub switches: Option<Quantity>,
    /// Payload of one message.
    pub size: Quantity,
    /// CPU of sending one packet, on a core of its own. Default: 200 ns.
    pub packet: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// How one message reaches many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawCasting {
    /// A packet for each receiver.
    Unicast,
    /// One packet, copied by the switches on its way.
    Multicast,
}

/// The network between machines of one place.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RawNet {
    /// That of a region, as measured.
    Regional,
    /// One hall, where clients stand beside the servers.
    Colo {
        /// One way between two machines.
        one_way: Quantity,
        /// Of this number.
        source: Option<Source>,
    },
}

/// Things that people are told outside their connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNotify {
    /// Notifications, as in: `"2/h per user"`.
    pub rate: Quantity,
    /// Payload of one.
    pub size: Quantity,
    /// Share of urgent ones. Default: 0 %.
    pub high: Option<Quantity>,
    /// Share of those that matter least. Default: 0 %.
    pub low: Option<Quantity>,
    /// Providers and their shares, as in: `{"push": "80 %", "sms": "20 %"}`.
    pub providers: Ordered<Quantity>,
    /// Share of those that say again what was said to the same user last. Default: 0 %.
    pub repeats: Option<Quantity>,
    /// What users want. Default: everything, at any time.
    pub preferences: Option<RawPreferences>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// What users want to be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPreferences {
    /// Providers and the share of the users who have switched each off. Default: nobody has.
    pub off: Option<Ordered<Quantity>>,
    /// Hours in which some are told urgent things only. Default: none.
    pub quiet: Option<RawQuiet>,
    /// Notifications to one user within an hour, urgent ones not counted. Default: any number.
    pub hourly_cap: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Hours in which some are told urgent things only.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawQuiet {
    /// Share of the users who want that.
    pub share: Quantity,
    /// From then on by their own clock, as in: `"22 h"`.
    pub from: Quantity,
    /// Until then, as in: `"7 h"`.
    pub to: Quantity,
    /// Of all numbers here.
    pub source: Option<Source>,
}

/// The service that decides whom to tell what, and queues it for the providers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNotifications {
    /// Instances.
    pub count: Quantity,
    /// Name of a machine.
    pub machine: String,
    /// CPU of one notification. Default: 50 us.
    pub decide: Option<Quantity>,
    /// Whether providers have queues of their own. Default: `Bulkheads`.
    pub queueing: Option<RawQueueing>,
    /// Notifications in one queue; a full one drops what matters least. Default: 10 000.
    pub queue: Option<Quantity>,
    /// The same thing is told once within this time. Default: 60 s.
    pub dedupe: Option<Quantity>,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}

/// Whether providers have queues of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RawQueueing {
    /// Each has one.
    Bulkheads,
    /// All wait in one.
    Shared,
}

/// Somebody else's service that tells people things.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProvider {
    /// Notifications that it takes; `"0/s"`: none.
    pub rate: Quantity,
    /// Time from there to the user.
    pub latency: RawDistribution,
    /// Of all numbers here.
    pub source: Option<Source>,
    /// Of single numbers.
    pub sources: Sources,
}
