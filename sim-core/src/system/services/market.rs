//! Matching engines: the real [`MatchingEngine`] of each symbol behind the one thread of its partition.
//!
//! *Models:* a symbol belongs to one engine (by rendezvous), which handles its requests one after the other: one core, FIFO.
//! Limit orders around a middle price, cancellations and modifications of what rests. What it says is numbered without gaps per
//! symbol, and the real [`OrderCheck`] reads the numbers as a listener does. Before the acknowledgement: a journal ([`Disk`]) and
//! the acknowledgements of replicas, both at once. *Market data:* one message per request, by a core that sends a packet to
//! each listener or, by multicast, one that the switches copy ([`packets`]); listeners are counted, not simulated.
//! *Formula:* M/D/1 per engine: wait = ρ s / (2 (1 − ρ)). *Other programs* on the core of an engine take it in turn, each as a
//! job that waits for the orders before it.
//! *Leaves out:* packets that the network loses; auctions; the time to replay a journal; an order that an engine has not
//! acknowledged when it dies is lost to its sender, though its book may show it.
//! *Source:* M. Fowler, The LMAX Architecture (2011).

use routing::matching::{EngineEvent, MatchingEngine, OrderId, OrderRequest, Side};
use routing::order::{OrderCheck, OrderStamp};
use routing::tick::{Casting, packets};
use routing::{Placement, PlacementMap, Seq};

use super::disk::Disk;
use crate::histogram::{bucket_of, units_of};
use crate::scenario::{MatchingTier, Scenario};
use crate::statistics::CompactHistogram;
use crate::system::backend::Nodes;
use crate::system::records::Ranks;
use crate::time::{SimDuration, SimTime};

/// Ethernet 18, IPv4 20 and UDP 8 bytes.
const DATAGRAM: u64 = 46;
/// The middle of all prices, in ticks, and how far orders lie from it.
const MIDDLE: u64 = 10_000;
const SPREAD: u64 = 4;
/// Units of an order: one to so many lots.
const LOTS: u64 = 10;
/// Resting orders of a symbol that are remembered for cancellations.
const REMEMBERED: usize = 32;

/// What the engines did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarketCounts {
    /// Requests handled.
    pub requests: u64,
    /// Trades.
    pub trades: u64,
    /// Cancellations and modifications of what no longer rested.
    pub rejected: u64,
    /// Market data: messages, packets sent, packets behind the switches, copies to listeners.
    pub messages: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets that entered the switches' links.
    pub switched: u64,
    /// Copies that listeners get.
    pub heard: u64,
}

/// Who sends an engine's market data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Publisher {
    free_at: SimTime,
    work: SimDuration,
    /// Bytes sent.
    pub bytes: u64,
}

impl Publisher {
    /// When what comes at `at` has been sent.
    fn send(&mut self, at: SimTime, work: SimDuration) -> SimTime {
        self.free_at = self.free_at.max(at) + work;
        self.work += work;
        self.free_at
    }

    /// Time spent sending up to `now`.
    #[must_use]
    pub fn busy_ns(&self, now: SimTime) -> u64 {
        let ahead = self.free_at.saturating_since(now);
        self.work.saturating_sub(ahead).as_nanos()
    }
}

/// How market data is sent.
#[derive(Clone, Copy, Debug)]
struct Told {
    receivers: u64,
    casting: Casting,
    switches: u64,
    size: u64,
    packet: SimDuration,
}

/// The engines.
#[derive(Clone, Debug)]
pub struct Market {
    /// Their cores.
    pub nodes: Nodes,
    /// Their journals.
    pub journals: Vec<Disk>,
    /// What they did since the start.
    pub counts: MarketCounts,
    /// Acknowledgements of measured orders.
    pub acknowledged: u64,
    /// Those of them that were of no use any more.
    pub late: u64,
    /// After that they are.
    pub deadline: Option<SimDuration>,
    /// From the engine to the last listener.
    pub told: CompactHistogram,
    /// By engine.
    pub publishers: Vec<Publisher>,
    /// What a listener makes of the numbers.
    pub check: OrderCheck,
    /// Engines that do the same as each.
    pub replicas: u32,
    /// Time until one takes over.
    pub failover: SimDuration,
    /// Mean time between turns of other programs, and how long one lasts.
    pub preempted: Option<(SimDuration, SimDuration)>,
    service: SimDuration,
    journal: SimDuration,
    data: Option<Told>,
    ranks: Ranks,
    owners: Vec<u16>,
    books: Vec<MatchingEngine>,
    resting: Vec<Vec<OrderId>>,
    shares: [f64; 2],
    said: Vec<(Seq, EngineEvent)>,
}

impl Market {
    /// The engines of a tier, with empty books.
    #[must_use]
    pub fn new(tier: &MatchingTier, scenario: &Scenario) -> Self {
        let order = scenario.traffic.order.as_ref();
        let symbols = order.map_or(0, |order| order.symbols.count);
        let ids: Vec<u32> = (0..tier.count).collect();
        let placement = PlacementMap::new(Placement::Rendezvous, &ids);
        let owner = |symbol: u32| placement.owner(symbol.into()).unwrap_or_default() as u16;
        let one = crate::scenario::Keys {
            count: 1,
            exponent: 0.0,
        };
        Self {
            nodes: Nodes::new(tier.count, 1),
            journals: vec![Disk::new(tier.journal); tier.count as usize],
            counts: MarketCounts::default(),
            acknowledged: 0,
            late: 0,
            deadline: order.and_then(|order| order.deadline),
            told: CompactHistogram::new(),
            publishers: vec![Publisher::default(); tier.count as usize],
            check: OrderCheck::new(),
            replicas: tier.replicas,
            failover: tier.failover,
            preempted: tier.preempted,
            service: tier.service,
            journal: tier.journal,
            data: tier.market_data.as_ref().map(|own| Told {
                receivers: own.receivers.of(scenario.load.users).into(),
                casting: own.casting,
                switches: own.switches.into(),
                size: own.size_bytes.into(),
                packet: own.packet,
            }),
            ranks: Ranks::new(order.map_or(one, |order| order.symbols)),
            owners: (0..symbols).map(owner).collect(),
            books: vec![MatchingEngine::new(); symbols as usize],
            resting: vec![Vec::new(); symbols as usize],
            shares: order.map_or([0.0; 2], |order| [order.cancels, order.modifies]),
            said: Vec::new(),
        }
    }

    /// The symbol of a draw, and its engine.
    #[must_use]
    pub fn symbol(&self, bits: u64) -> (u32, u32) {
        let symbol = self.ranks.at(bits);
        (symbol, self.owners[symbol as usize].into())
    }

    /// An engine takes in a request: when it begins and when it is done. `None`: it is dead.
    pub fn serve(&mut self, now: SimTime, engine: u32) -> Option<(SimTime, SimTime)> {
        let work = (self.service, SimDuration::ZERO);
        let served = self.nodes.serve(now, (engine, 0), work, 0)?;
        Some((served.departure.started, served.departure.at))
    }

    /// When a request that an engine has handled at `at` may be acknowledged, if a replica is `link` away.
    pub fn safe(&mut self, engine: u32, at: SimTime, link: SimDuration) -> SimTime {
        let stored = self.journals[engine as usize].stored(at);
        let followed = if self.replicas > 0 { at + link * 2 } else { at };
        stored.max(followed)
    }

    /// A request for a symbol, as the bits of a draw have it: what it does to the book, and how much is said.
    pub fn handle(&mut self, symbol: u32, bits: u64, kind: f64) {
        let index = symbol as usize;
        self.counts.requests += 1;
        self.said.clear();
        let known = &mut self.resting[index];
        let replaces = kind < self.shares[0] + self.shares[1];
        let mut orders = kind >= self.shares[0];
        if replaces && !known.is_empty() {
            let order = known.swap_remove((bits >> 32) as usize % known.len());
            let cancel = OrderRequest::Cancel { order };
            self.books[index].handle(cancel, &mut self.said);
            let gone = matches!(self.said.last(), Some((_, EngineEvent::Rejected)));
            self.counts.rejected += u64::from(gone);
            orders &= !gone;
        } else {
            // Who has nothing to cancel orders.
            orders = true;
        }
        if orders {
            let (side, price, quantity) = wanted(bits);
            let limit = OrderRequest::Limit {
                side,
                price,
                quantity,
            };
            self.books[index].handle(limit, &mut self.said);
        }
        for &(seq, event) in &self.said {
            match event {
                EngineEvent::Trade { .. } => self.counts.trades += 1,
                EngineEvent::Resting { order, .. } => {
                    let known = &mut self.resting[index];
                    if known.len() == REMEMBERED {
                        known.swap_remove(bits as usize % REMEMBERED);
                    }
                    known.push(order);
                }
                _ => {}
            }
            let stamp = OrderStamp {
                stream: symbol.into(),
                seq,
                hlc: routing::order::Hlc::default(),
            };
            self.check.show(stamp, None);
        }
    }

    /// Everybody is told what was said last, by an engine that was done at `at`; `link`: one way to them.
    pub fn tell(&mut self, engine: u32, at: SimTime, link: SimDuration, measured: bool) {
        let Some(data) = self.data else { return };
        let (sent, switched) = packets(data.casting, data.receivers, data.switches);
        let publisher = &mut self.publishers[engine as usize];
        let gone = publisher.send(at, data.packet * sent);
        let messages = self.said.len() as u64;
        publisher.bytes += sent * (messages * data.size + DATAGRAM);
        self.counts.messages += messages;
        self.counts.sent += sent;
        self.counts.switched += switched;
        self.counts.heard += data.receivers;
        if measured {
            let units = units_of(gone + link - at);
            self.told.record(bucket_of(units) as u16, units);
        }
    }

    /// How far behind the slowest sender of market data is.
    #[must_use]
    pub fn untold(&self, now: SimTime) -> Option<SimDuration> {
        let waits = self.publishers.iter();
        waits.map(|own| own.free_at.saturating_since(now)).max()
    }

    /// Whether market data is sent.
    #[must_use]
    pub fn tells(&self) -> bool {
        self.data.is_some()
    }

    /// An engine is back: without journal and replicas it has forgotten its books and its numbers.
    pub fn restore(&mut self, engine: u32) {
        self.nodes.restore(engine);
        if self.replicas > 0 || !self.journal.is_zero() {
            return;
        }
        for symbol in 0..self.books.len() {
            if u32::from(self.owners[symbol]) == engine {
                self.books[symbol] = MatchingEngine::new();
                self.resting[symbol].clear();
            }
        }
    }

    /// Orders that rest in all books.
    #[must_use]
    pub fn resting(&self) -> u64 {
        self.books.iter().map(|book| book.resting() as u64).sum()
    }

    /// Bytes held by what grows with symbols.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.books.len()
            * (size_of::<MatchingEngine>() + size_of::<Vec<OrderId>>() + size_of::<u16>())
    }
}

/// A limit order: buy or sell, at most [`SPREAD`] ticks from the middle, one to [`LOTS`] lots.
fn wanted(bits: u64) -> (Side, u64, u64) {
    let side = if bits & 1 == 0 { Side::Buy } else { Side::Sell };
    let off = ((bits >> 8 & 0xffff) * (2 * SPREAD + 1)) >> 16;
    let lots = ((bits >> 24 & 0xff) * LOTS) >> 8;
    (side, MIDDLE - SPREAD + off, lots + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_and_lots_cover_their_ranges() {
        let all: Vec<(Side, u64, u64)> = (0..4_000u64)
            .map(|n| wanted(routing::hash::hash_u64(1, n)))
            .collect();
        let prices = all.iter().map(|(_, price, _)| *price);
        let lots = all.iter().map(|(_, _, lots)| *lots);
        assert_eq!(
            (prices.clone().min(), prices.max()),
            (Some(9_996), Some(10_004))
        );
        assert_eq!((lots.clone().min(), lots.max()), (Some(1), Some(LOTS)));
        let buys = all.iter().filter(|(side, ..)| *side == Side::Buy).count();
        assert!((1_800..2_200).contains(&buys), "{buys}");
    }
}
