//! Services beside the way of messages: stock that is sold, engines that match orders, notifications and their providers.
//!
//! Each wraps the real objects of [`routing`] and adds what they leave out: cores, disks, ways and faults. Purchases and
//! orders come from clients by their connection server and are answered there; notifications begin at the service. What is
//! oversold, rejected, half committed, out of sequence or told to somebody who did not want it is counted at the objects.
//! Leaves out: more than one region (all of it stands with the database), and the price of providers.

pub mod disk;
pub mod market;
mod market_way;
pub mod notifier;
mod notifier_way;
pub mod reading;
pub mod report;
pub mod stock;
mod stock_way;
mod transactions;

use super::event::{Event, Work};
use super::operation::{Kind, Operation, OperationId, Part};
use super::world::World;
use crate::engine::Schedule;
use crate::scenario::{Scenario, Tier};
use crate::statistics::CompactHistogram;
use crate::time::{SimDuration, SimTime};
use market::Market;
use notifier::Notifier;
use stock::Stocks;

pub use market_way::OrderEvent;
pub use notifier_way::NotifyEvent;
pub use stock_way::StockEvent;

/// What happens at a service.
#[derive(Clone, Copy, Debug)]
pub enum ServiceEvent {
    /// At the stock.
    Stock(StockEvent),
    /// At the matching engines.
    Order(OrderEvent),
    /// At the notification service and the providers.
    Notify(NotifyEvent),
}

/// The services of a design.
#[derive(Clone, Debug)]
pub struct Services {
    /// What is sold.
    pub stock: Option<Stocks>,
    /// Who matches orders.
    pub market: Option<Market>,
    /// Who tells people things.
    pub notifier: Option<Notifier>,
}

impl Services {
    /// Those of a scenario, idle; `None`: it has none.
    #[must_use]
    pub fn of(scenario: &Scenario, clients: u32) -> Option<Box<Self>> {
        let design = &scenario.design;
        let services = Self {
            stock: design
                .stock
                .as_ref()
                .map(|tier| Stocks::new(tier, scenario)),
            market: design
                .matching
                .as_ref()
                .map(|tier| Market::new(tier, scenario)),
            notifier: design
                .notifications
                .as_ref()
                .map(|tier| Notifier::new(tier, scenario, clients)),
        };
        let none =
            services.stock.is_none() && services.market.is_none() && services.notifier.is_none();
        (!none).then(|| Box::new(services))
    }

    /// Counts from now on.
    pub fn restart_counting(&mut self) {
        if let Some(stock) = &mut self.stock {
            stock.counts = stock::StockCounts::default();
            stock.visible = CompactHistogram::new();
        }
        if let Some(market) = &mut self.market {
            market.late = 0;
            market.acknowledged = 0;
            market.told = CompactHistogram::new();
        }
        if let Some(notifier) = &mut self.notifier {
            notifier.restart_counting();
        }
    }

    /// Bytes held by their large arrays.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.stock.as_ref().map_or(0, Stocks::memory_bytes)
            + self.market.as_ref().map_or(0, Market::memory_bytes)
            + self.notifier.as_ref().map_or(0, Notifier::memory_bytes)
    }
}

impl World {
    /// Something happens at a service.
    pub(super) fn service_event(&mut self, event: ServiceEvent, out: &mut Schedule<'_, Event>) {
        match event {
            ServiceEvent::Stock(event) => self.stock_event(event, out),
            ServiceEvent::Order(event) => self.order_event(event, out),
            ServiceEvent::Notify(event) => self.notify_event(event, out),
        }
    }

    /// A server has read a purchase or an order.
    pub(super) fn received_for_service(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        match self.operations[id].kind {
            Kind::Reserve => self.purchase(id, out),
            _ => self.order(id, out),
        }
    }

    /// Schedules what the services do by themselves.
    pub(super) fn begin_services(&mut self, out: &mut Schedule<'_, Event>) {
        self.begin_stock(out);
        self.begin_market(out);
    }

    /// An instance of a service dies.
    pub(super) fn kill_service(
        &mut self,
        tier: Tier,
        instance: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        match (tier, self.services.as_deref_mut()) {
            (Tier::MatchingEngine, _) => self.kill_engine(instance, out),
            (Tier::Providers, _) => self.set_provider(instance, false, out),
            (Tier::Stock, Some(services)) => {
                if let Some(stock) = &mut services.stock {
                    stock.nodes.kill(now, instance);
                }
            }
            (_, Some(services)) => {
                if let Some(notifier) = &mut services.notifier {
                    notifier.nodes.kill(now, instance);
                }
            }
            (_, None) => {}
        }
    }

    /// It is back.
    pub(super) fn restore_service(
        &mut self,
        tier: Tier,
        instance: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        match (tier, self.services.as_deref_mut()) {
            (Tier::MatchingEngine, _) => self.restore_engine(instance),
            (Tier::Providers, _) => self.set_provider(instance, true, out),
            (Tier::Stock, Some(services)) => {
                if let Some(stock) = &mut services.stock {
                    stock.nodes.restore(instance);
                }
            }
            (_, Some(services)) => {
                if let Some(notifier) = &mut services.notifier {
                    notifier.nodes.restore(instance);
                }
            }
            (_, None) => {}
        }
    }

    /// It takes so many times as long.
    pub(super) fn slow_service(&mut self, tier: Tier, instance: u32, factor: f64) {
        let Some(services) = self.services.as_deref_mut() else {
            return;
        };
        let (stock, notifier) = (services.stock.as_mut(), services.notifier.as_mut());
        let nodes = match tier {
            Tier::Stock => stock.map(|own| &mut own.nodes),
            Tier::MatchingEngine => services.market.as_mut().map(|own| &mut own.nodes),
            Tier::Providers => {
                if let Some(notifier) = notifier {
                    notifier.slow_down(instance, factor);
                }
                return;
            }
            _ => notifier.map(|own| &mut own.nodes),
        };
        if let Some(nodes) = nodes {
            nodes.slow_down(instance, factor);
        }
    }

    /// One way between the server of an operation and the services.
    fn service_link(&self, id: OperationId) -> SimDuration {
        let from = self.sites.of_server(self.operations[id].server);
        self.sites.link(from, self.sites.home)
    }

    /// The answer of a service is back at the server that the client is on.
    fn back_at_server(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let server = self.operations[id].server;
        let epoch = self.servers.servers[usize::from(server)].epoch;
        self.arrive_at_server(server, epoch, Work::Answer(id), out);
    }

    /// Adds a wait and a service to an operation.
    fn served_at(&mut self, id: OperationId, parts: [Part; 2], times: [SimTime; 3]) {
        let [came, started, left] = times;
        let own = &mut self.operations[id].parts;
        own.add(parts[0], started - came);
        own.add(parts[1], left - started);
    }

    /// A client has its answer at `receipt`: was it in time?
    pub(super) fn service_answered(&mut self, operation: &Operation, receipt: SimTime) {
        let services = self.services.as_mut();
        if operation.kind == Kind::Order
            && operation.measured
            && let Some(market) = services.and_then(|all| all.market.as_mut())
        {
            let took = receipt.saturating_since(operation.started);
            market.acknowledged += 1;
            market.late += u64::from(market.deadline.is_some_and(|limit| took > limit));
        }
    }
}
