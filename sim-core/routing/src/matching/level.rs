//! The orders that rest, by side, price and time.
//!
//! *Models:* a table of orders, each in a list that is linked both ways, one list per price. *Formula:* 40
//! bytes per order; adding and removing touch one price level and no other order but the neighbours. *Leaves
//! out:* names of traders.

use super::{OrderId, Side};
use std::collections::BTreeMap;

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Order {
    price: u64,
    quantity: u64,
    before: u32,
    after: u32,
    generation: u32,
    side: Side,
    rests: bool,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    first: u32,
    last: u32,
    quantity: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    orders: Vec<Order>,
    free: Vec<u32>,
    buys: BTreeMap<u64, Level>,
    sells: BTreeMap<u64, Level>,
}

impl Levels {
    pub(super) fn orders(&self) -> usize {
        self.orders.len() - self.free.len()
    }

    pub(super) fn best(&self, side: Side) -> Option<(u64, u64)> {
        let best = match side {
            Side::Buy => self.buys.last_key_value(),
            Side::Sell => self.sells.first_key_value(),
        };
        best.map(|(&price, level)| (price, level.quantity))
    }

    pub(super) fn iter(&self, side: Side) -> impl Iterator<Item = (u64, u64, OrderId)> + '_ {
        let (buys, sells) = match side {
            Side::Buy => (Some(self.buys.values().rev()), None),
            Side::Sell => (None, Some(self.sells.values())),
        };
        let levels = buys
            .into_iter()
            .flatten()
            .chain(sells.into_iter().flatten());
        levels.flat_map(|level| {
            let next = |slot: &u32| Some(self.orders[*slot as usize].after).filter(|s| *s != NONE);
            std::iter::successors(Some(level.first), next).map(|slot| {
                let order = &self.orders[slot as usize];
                (order.price, order.quantity, self.id(slot))
            })
        })
    }

    /// An order rests, behind all others at its price.
    pub(super) fn add(&mut self, side: Side, price: u64, quantity: u64) -> OrderId {
        let slot = self.slot();
        let levels = match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        };
        let level = levels.entry(price).or_insert(Level {
            first: slot,
            last: NONE,
            quantity: 0,
        });
        let before = std::mem::replace(&mut level.last, slot);
        level.quantity += quantity;
        if before != NONE {
            self.orders[before as usize].after = slot;
        }
        let order = &mut self.orders[slot as usize];
        *order = Order {
            price,
            quantity,
            before,
            after: NONE,
            generation: order.generation,
            side,
            rests: true,
        };
        self.id(slot)
    }

    /// An order goes. Returns what was left of it; `None` if it does not rest.
    pub(super) fn remove(&mut self, id: OrderId) -> Option<u64> {
        let order = *self.orders.get(id.slot as usize)?;
        if !order.rests || order.generation != id.generation {
            return None;
        }
        if order.before != NONE {
            self.orders[order.before as usize].after = order.after;
        }
        if order.after != NONE {
            self.orders[order.after as usize].before = order.before;
        }
        let levels = self.side_mut(order.side);
        let level = levels.get_mut(&order.price)?;
        level.quantity -= order.quantity;
        if level.first == id.slot {
            level.first = order.after;
        }
        if level.last == id.slot {
            level.last = order.before;
        }
        if level.first == NONE {
            levels.remove(&order.price);
        }
        let gone = &mut self.orders[id.slot as usize];
        gone.rests = false;
        gone.generation = gone.generation.wrapping_add(1);
        self.free.push(id.slot);
        Some(order.quantity)
    }

    /// Takes up to `wanted` units of the first order at the best price: the order, the units, and what it has left.
    pub(super) fn take_best(&mut self, side: Side, wanted: u64) -> Option<(OrderId, u64, u64)> {
        let (price, _) = self.best(side)?;
        let level = self.side_mut(side).get_mut(&price)?;
        let slot = level.first;
        let id = self.id(slot);
        let has = self.orders[slot as usize].quantity;
        if has <= wanted {
            self.remove(id);
            return Some((id, has, 0));
        }
        self.orders[slot as usize].quantity -= wanted;
        if let Some(level) = self.side_mut(side).get_mut(&price) {
            level.quantity -= wanted;
        }
        Some((id, wanted, has - wanted))
    }

    fn id(&self, slot: u32) -> OrderId {
        OrderId {
            slot,
            generation: self.orders[slot as usize].generation,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeMap<u64, Level> {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    /// A free place in the table.
    fn slot(&mut self) -> u32 {
        if let Some(slot) = self.free.pop() {
            return slot;
        }
        self.orders.push(Order {
            price: 0,
            quantity: 0,
            before: NONE,
            after: NONE,
            generation: 0,
            side: Side::Buy,
            rests: false,
        });
        (self.orders.len() - 1) as u32
    }
}
