//! The way of a purchase: connection server, the node of its article, and back.

use routing::sourcing::Step;
use routing::stock::StockMode;

use super::ServiceEvent;
use super::stock::Stocks;
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::system::event::Event;
use crate::system::operation::{OperationId, Part};
use crate::system::servers::timestamp;
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

const ARTICLE: Purpose = Purpose::named("reserve/article");
const PAID: Purpose = Purpose::named("reserve/paid");
const PAYMENT: Purpose = Purpose::named("reserve/payment");
const PHASE: Purpose = Purpose::named("stock/phase");
/// How often what cannot reach a node is sent again.
const AGAIN: SimDuration = SimDuration::from_millis(100);

/// What happens to purchases and at the stock.
#[derive(Clone, Copy, Debug)]
pub enum StockEvent {
    /// A purchase reaches the node of its article.
    AtNode(OperationId),
    /// The node has looked.
    Looked(OperationId),
    /// What it did is stored.
    Stored(OperationId),
    /// Its answer is back at the server.
    Answered {
        /// Which purchase.
        id: OperationId,
        /// Whether there was something left.
        sold: bool,
    },
    /// Somebody pays.
    Pays {
        /// For which article.
        article: u32,
        /// Which reservation.
        reservation: u64,
        /// Whether it counts.
        measured: bool,
    },
    /// A sale that a server made by its copy reaches the node.
    Told(u32),
    /// The node has taken it from the stock.
    Taken(u32),
    /// A server asks for a copy.
    Copy(u16),
    /// It is there.
    Shown(u16),
    /// A step of a purchase of several articles reaches a node.
    Call {
        /// Which purchase.
        purchase: u32,
        /// Which of its articles.
        part: u8,
        /// What is asked.
        step: Step,
    },
    /// The node has done it, in memory.
    Done {
        /// Which purchase.
        purchase: u32,
        /// Which of its articles.
        part: u8,
        /// What was asked.
        step: Step,
        /// When it was taken in.
        taken: SimTime,
    },
    /// It is stored.
    Kept {
        /// Which purchase.
        purchase: u32,
        /// Which of its articles.
        part: u8,
        /// What was asked.
        step: Step,
        /// When it was taken in.
        taken: SimTime,
    },
    /// The answer of a node is back at the coordinator.
    Reply {
        /// Which purchase.
        purchase: u32,
        /// Which of its articles.
        part: u8,
        /// What was asked.
        step: Step,
        /// Whether it was done.
        ok: bool,
    },
    /// Answers may be overdue.
    Overdue {
        /// Which purchase.
        purchase: u32,
        /// Its calls when this was set.
        round: u32,
    },
}

/// An event of the stock.
pub(super) fn event(event: StockEvent) -> Event {
    Event::Service(ServiceEvent::Stock(event))
}

impl World {
    /// The stock of a design that has one.
    pub(super) fn stocks(&mut self) -> Option<&mut Stocks> {
        self.services.as_mut()?.stock.as_mut()
    }

    pub(super) fn begin_stock(&mut self, out: &mut Schedule<'_, Event>) {
        let servers = self.servers.servers.len() as u16;
        let draws = self.draws;
        let Some(stock) = self.stocks() else { return };
        let StockMode::Stale { refresh_ns } = stock.mode else {
            return;
        };
        for server in 0..servers {
            // Servers started at any time.
            let every = SimDuration::from_nanos(refresh_ns);
            let phase = every.scaled(draws.unit_f64(PHASE, server.into(), 0));
            out.after(phase, event(StockEvent::Copy(server)));
        }
    }

    pub(super) fn stock_event(&mut self, what: StockEvent, out: &mut Schedule<'_, Event>) {
        match what {
            StockEvent::AtNode(id) => self.at_stock(id, out),
            StockEvent::Looked(id) => self.stock_looked(id, out),
            StockEvent::Stored(id) => self.stock_stored(id, out),
            StockEvent::Answered { id, sold } => {
                let operation = self.operations[id];
                let now = out.now();
                if let Some(stock) = self.stocks().filter(|_| !sold) {
                    stock.says(now, operation.server, operation.record);
                }
                self.back_at_server(id, out);
            }
            StockEvent::Pays {
                article,
                reservation,
                measured,
            } => self.pays(article, reservation, measured, out),
            StockEvent::Told(article) => self.told_of_sale(article, out),
            StockEvent::Taken(article) => {
                let now = out.now();
                if let Some(stock) = self.stocks() {
                    stock.stocks[article as usize].sold_unchecked(1);
                    stock.available(now, article);
                }
            }
            StockEvent::Copy(server) => self.copy_of_stock(server, out),
            StockEvent::Shown(server) => {
                let now = out.now();
                if let Some(stock) = self.stocks() {
                    stock.show(now, server);
                }
            }
            StockEvent::Call {
                purchase,
                part,
                step,
            } => self.part_at_node(purchase, part, step, out),
            StockEvent::Done {
                purchase,
                part,
                step,
                taken,
            } => self.part_done(purchase, part, step, taken, out),
            StockEvent::Kept {
                purchase,
                part,
                step,
                taken,
            } => self.part_kept(purchase, part, step, taken, out),
            StockEvent::Reply {
                purchase,
                part,
                step,
                ok,
            } => self.part_answered(purchase, part, step, ok, out),
            StockEvent::Overdue { purchase, round } => self.parts_overdue(purchase, round, out),
        }
    }

    /// The article that the `nth` choice of a purchase falls on.
    pub(super) fn article_of(&self, ordinal: u64, nth: u64) -> u64 {
        self.draws.u64(ARTICLE, ordinal, nth)
    }

    /// A server has read a purchase.
    pub(super) fn purchase(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let operation = self.operations[id];
        let reserve = self.scenario.traffic.reserve.as_ref();
        let items = reserve.map_or(1, |reserve| reserve.items);
        if items > 1 {
            return self.buy_several(id, items, out);
        }
        let bits = self.article_of(operation.ordinal, 0);
        let link = self.service_link(id);
        let Some(stock) = self.stocks() else { return };
        let article = stock.article(bits);
        let by_copy = stock
            .sells_by_copies()
            .then(|| stock.shown(operation.server, article) > 0);
        if let Some(sold) = by_copy {
            if operation.measured {
                stock.counts.sold += u64::from(sold);
                stock.counts.rejected += u64::from(!sold);
            }
            if sold {
                out.after(link, event(StockEvent::Told(article)));
            }
            self.operations[id].record = article;
            return self.back_at_server(id, out);
        }
        let own = &mut self.operations[id];
        own.record = article;
        own.parts.add(Part::Link, link);
        out.after(link, event(StockEvent::AtNode(id)));
    }

    fn at_stock(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let article = self.operations[id].record;
        self.operations[id].mark = now;
        let Some(stock) = self.stocks() else { return };
        let lane = (stock.owner(article), article.into());
        let work = (stock.step, SimDuration::ZERO);
        let Some(served) = stock.nodes.serve(now, lane, work, 0) else {
            return self.fail(id, false);
        };
        let left = served.departure;
        let parts = [Part::DatabaseQueue, Part::DatabaseService];
        self.served_at(id, parts, [now, left.started, left.at]);
        out.at(left.at, event(StockEvent::Looked(id)));
    }

    /// Whether the node of a purchase has died with it.
    fn lost_at_stock(&mut self, id: OperationId, now: SimTime) -> bool {
        let (article, taken) = (self.operations[id].record, self.operations[id].mark);
        let stock = self.stocks();
        stock.is_some_and(|stock| {
            let node = stock.owner(article) as u16;
            stock.nodes.death(node, taken, now).is_some()
        })
    }

    fn stock_looked(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        if self.lost_at_stock(id, now) {
            return self.fail(id, false);
        }
        let article = self.operations[id].record;
        let Some(stock) = self.stocks() else { return };
        if stock.available(now, article) == 0 {
            return self.answer_purchase(id, false, out);
        }
        let node = stock.owner(article) as usize;
        let safe = stock.disks[node].stored(now);
        self.operations[id]
            .parts
            .add(Part::CacheService, safe - now);
        out.at(safe, event(StockEvent::Stored(id)));
    }

    fn stock_stored(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        if self.lost_at_stock(id, now) {
            return self.fail(id, false);
        }
        let operation = self.operations[id];
        let (article, measured) = (operation.record, operation.measured);
        let Some(stock) = self.stocks() else { return };
        let own = &mut stock.stocks[article as usize];
        let (sold, reservation) = match stock.mode {
            StockMode::Reservation { ttl_ns } => {
                let number = own.reserve(timestamp(now), 1, ttl_ns);
                (number.is_ok(), number.ok())
            }
            StockMode::Strong | StockMode::Stale { .. } => {
                (own.take(timestamp(now), 1).is_ok(), None)
            }
        };
        stock.available(now, article);
        if let Some(reservation) = reservation {
            self.will_pay(operation.ordinal, (article, reservation, measured), out);
        }
        self.answer_purchase(id, sold, out);
    }

    fn answer_purchase(&mut self, id: OperationId, sold: bool, out: &mut Schedule<'_, Event>) {
        let link = self.service_link(id);
        let measured = self.operations[id].measured;
        self.operations[id].parts.add(Part::Link, link);
        if let Some(stock) = self.stocks().filter(|_| measured) {
            stock.counts.sold += u64::from(sold);
            stock.counts.rejected += u64::from(!sold);
        }
        out.after(link, event(StockEvent::Answered { id, sold }));
    }

    /// Who has something set aside pays for it, or does not.
    fn will_pay(
        &mut self,
        ordinal: u64,
        (article, reservation, measured): (u32, u64, bool),
        out: &mut Schedule<'_, Event>,
    ) {
        let Some(reserve) = &self.scenario.traffic.reserve else {
            return;
        };
        if !self.draws.chance(PAID, ordinal, 0, reserve.paid) {
            return;
        }
        let bits = self.draws.u32(PAYMENT, ordinal, 0);
        let times = self.stocks().and_then(|stock| stock.payment.as_ref());
        let after = times.map_or(SimDuration::ZERO, |times| times.sample(bits));
        let pays = StockEvent::Pays {
            article,
            reservation,
            measured,
        };
        out.after(after, event(pays));
    }

    fn pays(
        &mut self,
        article: u32,
        reservation: u64,
        measured: bool,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some(stock) = self.stocks() else { return };
        let lane = (stock.owner(article), article.into());
        let work = (stock.step, SimDuration::ZERO);
        if stock.nodes.serve(now, lane, work, 0).is_none() {
            let pays = StockEvent::Pays {
                article,
                reservation,
                measured,
            };
            return out.after(AGAIN, event(pays));
        }
        let own = &mut stock.stocks[article as usize];
        let in_time = own.confirm(timestamp(now), reservation).is_ok();
        if measured {
            stock.counts.paid += u64::from(in_time);
            stock.counts.paid_late += u64::from(!in_time);
        }
    }

    /// A node hears of a sale that was made already.
    fn told_of_sale(&mut self, article: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(stock) = self.stocks() else { return };
        let lane = (stock.owner(article), article.into());
        let work = (stock.step, SimDuration::ZERO);
        match stock.nodes.serve(now, lane, work, 0) {
            Some(served) => out.at(served.departure.at, event(StockEvent::Taken(article))),
            None => out.after(AGAIN, event(StockEvent::Told(article))),
        }
    }

    /// A server is sent what is left.
    fn copy_of_stock(&mut self, server: u16, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let link = {
            let from = self.sites.of_server(server);
            self.sites.link(from, self.sites.home)
        };
        let Some(stock) = self.stocks() else { return };
        let StockMode::Stale { refresh_ns } = stock.mode else {
            return;
        };
        stock.send(now, server);
        out.after(link, event(StockEvent::Shown(server)));
        let every = SimDuration::from_nanos(refresh_ns);
        out.after(every, event(StockEvent::Copy(server)));
    }
}
