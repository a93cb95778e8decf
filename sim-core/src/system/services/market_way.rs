//! The way of an order: connection server, the engine of its symbol, and back.

use super::ServiceEvent;
use super::market::Market;
use crate::draw::{Purpose, unit};
use crate::engine::Schedule;
use crate::system::event::Event;
use crate::system::operation::{OperationId, Part};
use crate::system::world::World;

const SYMBOL: Purpose = Purpose::named("order/symbol");
const WHAT: Purpose = Purpose::named("order/what");
const KIND: Purpose = Purpose::named("order/kind");
const TURN: Purpose = Purpose::named("engine/turn");

/// What happens to orders and at the engines.
#[derive(Clone, Copy, Debug)]
pub enum OrderEvent {
    /// A request reaches its engine.
    AtEngine(OperationId),
    /// Its acknowledgement is back at the server.
    Acknowledged(OperationId),
    /// Other programs want the core of an engine.
    Preempted {
        /// Which engine.
        engine: u16,
        /// Which time.
        turn: u32,
    },
    /// A replica takes over from a dead engine.
    TakeOver(u32),
}

pub(super) fn event(event: OrderEvent) -> Event {
    Event::Service(ServiceEvent::Order(event))
}

impl World {
    fn market(&mut self) -> Option<&mut Market> {
        self.services.as_mut()?.market.as_mut()
    }

    pub(super) fn begin_market(&mut self, out: &mut Schedule<'_, Event>) {
        let engines = self.market().map_or(0, |market| market.nodes.count());
        for engine in 0..engines as u16 {
            self.next_turn(engine, 0, out);
        }
    }

    pub(super) fn order_event(&mut self, what: OrderEvent, out: &mut Schedule<'_, Event>) {
        match what {
            OrderEvent::AtEngine(id) => self.at_engine(id, out),
            OrderEvent::Acknowledged(id) => self.engine_answered(id, out),
            OrderEvent::Preempted { engine, turn } => {
                let now = out.now();
                if let Some(market) = self.market()
                    && let Some((_, lasts)) = market.preempted
                {
                    let _away = market.nodes.cores[usize::from(engine)].arrive(now, lasts);
                }
                self.next_turn(engine, turn + 1, out);
            }
            OrderEvent::TakeOver(engine) => {
                if let Some(market) = self.market() {
                    market.restore(engine);
                }
            }
        }
    }

    fn next_turn(&mut self, engine: u16, turn: u32, out: &mut Schedule<'_, Event>) {
        let Some((every, _)) = self.market().and_then(|market| market.preempted) else {
            return;
        };
        let gap = self.draws.exp(TURN, engine.into(), turn.into(), every);
        out.after(gap, event(OrderEvent::Preempted { engine, turn }));
    }

    /// A server has read an order.
    pub(super) fn order(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let link = self.service_link(id);
        self.operations[id].parts.add(Part::Link, link);
        out.after(link, event(OrderEvent::AtEngine(id)));
    }

    fn at_engine(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let (back, home) = (self.service_link(id), self.sites.home);
        let link = self.sites.link(home, home);
        let operation = &mut self.operations[id];
        operation.mark = now;
        let (ordinal, measured) = (operation.ordinal, operation.measured);
        let draws = self.draws;
        let Some(market) = self.services.as_mut().and_then(|all| all.market.as_mut()) else {
            return;
        };
        let (symbol, engine) = market.symbol(draws.u64(SYMBOL, ordinal, 0));
        operation.record = engine;
        let Some((started, at)) = market.serve(now, engine) else {
            return self.fail(id, false);
        };
        let kind = unit(draws.u64(KIND, ordinal, 0));
        market.handle(symbol, draws.u64(WHAT, ordinal, 0), kind);
        market.tell(engine, at, link, measured);
        let safe = market.safe(engine, at, link);
        let parts = &mut operation.parts;
        parts.add(Part::OwnerQueue, started - now);
        parts.add(Part::OwnerService, at - started);
        parts.add(Part::BrokerLinger, safe - at);
        parts.add(Part::Link, back);
        out.at(safe + back, event(OrderEvent::Acknowledged(id)));
    }

    fn engine_answered(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let left = out.now().saturating_sub(self.service_link(id));
        let (engine, taken) = (self.operations[id].record, self.operations[id].mark);
        let died = self.market().is_some_and(|market| {
            let death = market.nodes.death(engine as u16, taken, left);
            death.is_some()
        });
        if died {
            return self.fail(id, false);
        }
        self.back_at_server(id, out);
    }

    /// An engine dies; a replica takes over, if it has one.
    pub(in crate::system) fn kill_engine(&mut self, engine: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(market) = self.market() else { return };
        market.nodes.kill(now, engine);
        if market.replicas > 0 {
            out.after(market.failover, event(OrderEvent::TakeOver(engine)));
        }
    }

    /// An engine is back, unless a replica has taken over meanwhile.
    pub(in crate::system) fn restore_engine(&mut self, engine: u32) {
        if let Some(market) = self.market()
            && market.nodes.is_down(engine)
        {
            market.restore(engine);
        }
    }
}
