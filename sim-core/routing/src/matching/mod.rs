//! A matching engine for one symbol: the best price first, then who came first.
//!
//! *Models:* limit orders that rest until they are met or cancelled, and market orders that take what there is
//! and leave nothing. Everything the engine says is numbered without gaps. *Formula:* an order costs O(log p)
//! for p price levels and O(1) per trade; a cancellation O(log p) at most. *Property:* the book is never
//! crossed; quantity is conserved: ordered = traded + resting + cancelled; each order trades at the resting
//! order's price; sequence numbers have no gap. *Leaves out:* auctions, hidden and stop orders, self-trade
//! prevention; several symbols: one engine each. *Source:* price–time priority as in Nasdaq's and LMAX's rule
//! books; M. Fowler, The LMAX Architecture (2011).

mod level;

use crate::ids::Seq;
use level::Levels;

/// Who wants what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// To buy.
    Buy,
    /// To sell.
    Sell,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// An order that rests: its place in the engine's table and how often that was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// What a trader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRequest {
    /// At this price or better.
    Limit {
        /// Buy or sell.
        side: Side,
        /// In ticks.
        price: u64,
        /// Units, at least one.
        quantity: u64,
    },
    /// At any price.
    Market {
        /// Buy or sell.
        side: Side,
        /// Units, at least one.
        quantity: u64,
    },
    /// A resting order goes.
    Cancel {
        /// Which.
        order: OrderId,
    },
}

/// What the engine says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineEvent {
    /// An order met a resting one.
    Trade {
        /// The resting one.
        maker: OrderId,
        /// At its price.
        price: u64,
        /// Units.
        quantity: u64,
        /// What the maker has left.
        left: u64,
    },
    /// An order, or what is left of it, rests.
    Resting {
        /// Its name.
        order: OrderId,
        /// Buy or sell.
        side: Side,
        /// In ticks.
        price: u64,
        /// Units.
        quantity: u64,
    },
    /// The whole order was met at once.
    Filled,
    /// A market order found no more; so much of it is gone.
    Unfilled {
        /// Units.
        quantity: u64,
    },
    /// A resting order was cancelled.
    Cancelled {
        /// Which.
        order: OrderId,
        /// Units that were left.
        quantity: u64,
    },
    /// The request makes no sense: no units, or an order that does not rest.
    Rejected,
}

/// The book of one symbol and the numbers of what was said.
#[derive(Clone, Debug, Default)]
pub struct MatchingEngine {
    levels: Levels,
    last: Seq,
}

impl MatchingEngine {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Handles a request. What it says is pushed to `said`, each with its number; the last of these answers the
    /// request itself.
    pub fn handle(&mut self, request: OrderRequest, said: &mut Vec<(Seq, EngineEvent)>) {
        match request {
            OrderRequest::Limit {
                side,
                price,
                quantity,
            } => self.order(side, Some(price), quantity, said),
            OrderRequest::Market { side, quantity } => self.order(side, None, quantity, said),
            OrderRequest::Cancel { order } => {
                let event = match self.levels.remove(order) {
                    Some(quantity) => EngineEvent::Cancelled { order, quantity },
                    None => EngineEvent::Rejected,
                };
                self.say(event, said);
            }
        }
    }

    /// The best price of a side and the units there.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<(u64, u64)> {
        self.levels.best(side)
    }

    /// The last number given.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.last
    }

    /// Orders that rest.
    #[must_use]
    pub fn resting(&self) -> usize {
        self.levels.orders()
    }

    /// Price, units and order of everything that rests on a side, best first, in the order in which it will be met.
    pub fn depth(&self, side: Side) -> impl Iterator<Item = (u64, u64, OrderId)> + '_ {
        self.levels.iter(side)
    }

    fn order(
        &mut self,
        side: Side,
        limit: Option<u64>,
        quantity: u64,
        said: &mut Vec<(Seq, EngineEvent)>,
    ) {
        if quantity == 0 {
            return self.say(EngineEvent::Rejected, said);
        }
        let mut wanted = quantity;
        while wanted > 0 {
            let Some((price, _)) = self.levels.best(side.other()) else {
                break;
            };
            let acceptable = match (side, limit) {
                (_, None) => true,
                (Side::Buy, Some(limit)) => price <= limit,
                (Side::Sell, Some(limit)) => price >= limit,
            };
            if !acceptable {
                break;
            }
            let Some((maker, traded, left)) = self.levels.take_best(side.other(), wanted) else {
                break;
            };
            wanted -= traded;
            let trade = EngineEvent::Trade {
                maker,
                price,
                quantity: traded,
                left,
            };
            self.say(trade, said);
        }
        let answer = match limit {
            _ if wanted == 0 => EngineEvent::Filled,
            None => EngineEvent::Unfilled { quantity: wanted },
            Some(price) => EngineEvent::Resting {
                order: self.levels.add(side, price, wanted),
                side,
                price,
                quantity: wanted,
            },
        };
        self.say(answer, said);
    }

    fn say(&mut self, event: EngineEvent, said: &mut Vec<(Seq, EngineEvent)>) {
        self.last = self.last.next();
        said.push((self.last, event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(side: Side, price: u64, quantity: u64) -> OrderRequest {
        OrderRequest::Limit {
            side,
            price,
            quantity,
        }
    }

    #[test]
    fn price_then_time() {
        let (mut engine, mut said) = (MatchingEngine::new(), Vec::new());
        for (price, quantity) in [(101, 5), (100, 3), (100, 4)] {
            engine.handle(limit(Side::Sell, price, quantity), &mut said);
        }
        said.clear();
        engine.handle(limit(Side::Buy, 101, 9), &mut said);
        let trades: Vec<(u64, u64, u64)> = said
            .iter()
            .filter_map(|(_, event)| match *event {
                EngineEvent::Trade {
                    price,
                    quantity,
                    left,
                    ..
                } => Some((price, quantity, left)),
                _ => None,
            })
            .collect();
        assert_eq!(trades, [(100, 3, 0), (100, 4, 0), (101, 2, 3)]);
        assert_eq!(said.last().unwrap(), &(Seq(7), EngineEvent::Filled));
        assert_eq!(engine.best(Side::Sell), Some((101, 3)));
    }

    #[test]
    fn what_is_left_rests_goes_or_is_cancelled() {
        let (mut engine, mut said) = (MatchingEngine::new(), Vec::new());
        engine.handle(limit(Side::Buy, 99, 10), &mut said);
        let EngineEvent::Resting { order, .. } = said[0].1 else {
            panic!("nobody sells");
        };
        let market = |side, quantity| OrderRequest::Market { side, quantity };
        engine.handle(market(Side::Sell, 4), &mut said);
        engine.handle(market(Side::Buy, 4), &mut said);
        engine.handle(OrderRequest::Cancel { order }, &mut said);
        engine.handle(OrderRequest::Cancel { order }, &mut said);
        engine.handle(market(Side::Sell, 0), &mut said);
        let events: Vec<EngineEvent> = said.iter().skip(3).map(|(_, event)| *event).collect();
        let quantity = 6;
        assert_eq!(
            events,
            [
                EngineEvent::Unfilled { quantity: 4 },
                EngineEvent::Cancelled { order, quantity },
                EngineEvent::Rejected,
                EngineEvent::Rejected,
            ]
        );
        assert_eq!((engine.resting(), engine.best(Side::Buy)), (0, None));
        // The place is used again under another name.
        engine.handle(limit(Side::Buy, 98, 1), &mut said);
        engine.handle(OrderRequest::Cancel { order }, &mut said);
        assert_eq!(
            (said.last().unwrap().1, engine.resting()),
            (EngineEvent::Rejected, 1)
        );
    }
}
