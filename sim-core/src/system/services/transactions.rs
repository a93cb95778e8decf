//! Purchases of several articles, each kept by a node of its own: the real [`Transaction`] and [`Participant`].
//!
//! *Models:* the connection server coordinates. A call takes its way to the node, CPU of the article's core, and a write
//! before it is answered; each write to the coordinator's own log takes as long. A dead node refuses writes and votes; what
//! must happen is asked again after the timeout. A call that a node had not stored when it died is lost, with its answer.
//! *Counted:* partially committed are the purchases that are over and of which some nodes have their part and others do not.
//! *Leaves out:* coordinators that die, and people who see a saga half done.
//!
//! [`Participant`]: routing::sourcing::Participant

use routing::sourcing::{Call, Outcome, PartState, Step, Transaction, TransactionId};

use super::stock_way::{StockEvent, event};
use crate::engine::Schedule;
use crate::system::event::Event;
use crate::system::operation::{OperationId, Part};
use crate::system::servers::timestamp;
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

/// Articles of one purchase are told apart by so many bits.
const PARTS: u32 = 16;
/// What is set aside until a decision comes has no end of its own.
const FOREVER_NS: u64 = u64::MAX / 4;

/// A purchase of several articles.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// Its articles.
    pub articles: Vec<u32>,
    number: u32,
    id: OperationId,
    coordinator: Transaction,
    /// What is set aside of each article.
    set_aside: Vec<Option<u64>>,
    /// Calls so far.
    round: u32,
    /// An article was sold out.
    sold_out: bool,
    /// Some answer was overdue: what is late may still come.
    overdue: bool,
    /// When the coordinator began.
    began: SimTime,
    /// One way to the nodes.
    link: SimDuration,
}

impl Purchase {
    /// What the node of an article calls it.
    #[must_use]
    pub fn part(&self, part: u32) -> TransactionId {
        TransactionId(u64::from(self.number) * u64::from(PARTS) + u64::from(part))
    }
}

impl World {
    pub(super) fn buy_several(
        &mut self,
        id: OperationId,
        items: u32,
        out: &mut Schedule<'_, Event>,
    ) {
        let ordinal = self.operations[id].ordinal;
        let draws: Vec<u64> = (0..items)
            .map(|nth| self.article_of(ordinal, nth.into()))
            .collect();
        let (began, link) = (out.now(), self.service_link(id));
        let Some(stock) = self.stocks() else { return };
        let mut articles: Vec<u32> = Vec::new();
        for bits in draws {
            let mut article = stock.article(bits);
            while articles.contains(&article) {
                article = (article + 1) % stock.articles();
            }
            articles.push(article);
        }
        let mut calls = Vec::new();
        let mut coordinator = Transaction::new(stock.txn, items);
        coordinator.start(&mut calls);
        let number = stock.next_purchase;
        stock.next_purchase += 1;
        let purchase = Purchase {
            set_aside: vec![None; articles.len()],
            articles,
            number,
            id,
            coordinator,
            round: 0,
            sold_out: false,
            overdue: false,
            began,
            link,
        };
        stock.purchases.insert(number, purchase);
        self.send_calls(number, 0, &calls, out);
    }

    /// Sends what a coordinator asks for, once its log is written.
    fn send_calls(
        &mut self,
        number: u32,
        log_writes: u32,
        calls: &[Call],
        out: &mut Schedule<'_, Event>,
    ) {
        let Some(stock) = self.stocks() else { return };
        let (timeout, logged) = (stock.timeout, stock.write * u64::from(log_writes));
        let Some(purchase) = stock.purchases.get_mut(&number) else {
            return;
        };
        purchase.round += 1;
        let (round, link) = (purchase.round, purchase.link);
        for call in calls {
            let call = StockEvent::Call {
                purchase: number,
                part: call.participant as u8,
                step: call.step,
            };
            out.after(logged + link, event(call));
        }
        let overdue = StockEvent::Overdue {
            purchase: number,
            round,
        };
        out.after(logged + timeout, event(overdue));
    }

    /// The article of a part of a purchase that is under way, or may be so at a node; and the way to it.
    fn called(&mut self, number: u32, part: u8) -> Option<(u32, SimDuration)> {
        let stock = self.stocks()?;
        let under_way = stock.purchases.get(&number);
        let purchase = under_way.or_else(|| stock.doubtful.get(&number))?;
        let article = purchase.articles.get(usize::from(part))?;
        Some((*article, purchase.link))
    }

    pub(super) fn part_at_node(
        &mut self,
        purchase: u32,
        part: u8,
        step: Step,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some((article, link)) = self.called(purchase, part) else {
            return;
        };
        let Some(stock) = self.stocks() else { return };
        let lane = (stock.owner(article), article.into());
        let work = (stock.step, SimDuration::ZERO);
        let next = match stock.nodes.serve(now, lane, work, 0) {
            Some(served) => {
                let done = StockEvent::Done {
                    purchase,
                    part,
                    step,
                    taken: now,
                };
                return out.at(served.departure.at, event(done));
            }
            None => StockEvent::Reply {
                purchase,
                part,
                step,
                ok: false,
            },
        };
        if matches!(step, Step::Write | Step::Prepare) {
            out.after(link, event(next));
        }
    }

    pub(super) fn part_done(
        &mut self,
        purchase: u32,
        part: u8,
        step: Step,
        taken: SimTime,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some((article, _)) = self.called(purchase, part) else {
            return;
        };
        let Some(stock) = self.stocks() else { return };
        let node = stock.owner(article);
        if stock.nodes.death(node as u16, taken, now).is_some() {
            return;
        }
        let safe = stock.disks[node as usize].stored(now);
        let kept = StockEvent::Kept {
            purchase,
            part,
            step,
            taken,
        };
        out.at(safe, event(kept));
    }

    pub(super) fn part_kept(
        &mut self,
        number: u32,
        part: u8,
        step: Step,
        taken: SimTime,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some((article, link)) = self.called(number, part) else {
            return;
        };
        let Some(stock) = self.stocks() else { return };
        let node = stock.owner(article);
        if stock.nodes.death(node as u16, taken, now).is_some() {
            return;
        }
        let willing = stock.available(now, article) > 0;
        let (at, index) = (timestamp(now), article as usize);
        let under_way = stock.purchases.get_mut(&number);
        let Some(purchase) = under_way.or_else(|| stock.doubtful.get_mut(&number)) else {
            return;
        };
        let name = purchase.part(part.into());
        let participant = &mut stock.participants[node as usize];
        let before = participant.state(name);
        let ok = participant.handle(at, name, step, willing);
        let after = participant.state(name);
        let own = &mut stock.stocks[index];
        let aside = &mut purchase.set_aside[usize::from(part)];
        match (before, after) {
            (None, Some(PartState::Prepared(_))) => *aside = own.reserve(at, 1, FOREVER_NS).ok(),
            (Some(PartState::Prepared(_)), Some(PartState::Applied)) => {
                let confirmed = aside.take().map(|number| own.confirm(at, number));
                assert!(
                    matches!(confirmed, Some(Ok(()))),
                    "what was prepared is set aside"
                );
            }
            (Some(PartState::Prepared(_)), Some(PartState::Undone)) => {
                let released = aside.take().map(|number| own.release(at, number));
                assert!(
                    matches!(released, Some(Ok(()))),
                    "what was prepared is set aside"
                );
            }
            (None, Some(PartState::Applied)) => {
                assert!(own.take(at, 1).is_ok(), "who is willing has a unit");
            }
            (Some(PartState::Applied), Some(PartState::Undone)) => own.put_back(1),
            _ => {}
        }
        let refused = !ok && !willing && matches!(step, Step::Write | Step::Prepare);
        purchase.sold_out |= refused;
        stock.available(now, article);
        let reply = StockEvent::Reply {
            purchase: number,
            part,
            step,
            ok,
        };
        out.after(link, event(reply));
    }

    pub(super) fn part_answered(
        &mut self,
        number: u32,
        part: u8,
        step: Step,
        ok: bool,
        out: &mut Schedule<'_, Event>,
    ) {
        let call = Call {
            participant: part.into(),
            step,
        };
        self.coordinate(number, out, |coordinator, calls| {
            coordinator.reply(call, ok, calls);
        });
    }

    pub(super) fn parts_overdue(&mut self, number: u32, round: u32, out: &mut Schedule<'_, Event>) {
        let Some(stock) = self.stocks() else { return };
        let Some(purchase) = stock.purchases.get_mut(&number) else {
            return;
        };
        if purchase.round == round {
            purchase.overdue = true;
            self.coordinate(number, out, Transaction::timed_out);
        }
    }

    /// A coordinator hears something, and goes on.
    fn coordinate(
        &mut self,
        number: u32,
        out: &mut Schedule<'_, Event>,
        hear: impl FnOnce(&mut Transaction, &mut Vec<Call>),
    ) {
        let Some(stock) = self.stocks() else { return };
        let Some(purchase) = stock.purchases.get_mut(&number) else {
            return;
        };
        let mut calls = Vec::new();
        let before = purchase.coordinator.log_writes();
        hear(&mut purchase.coordinator, &mut calls);
        let log_writes = purchase.coordinator.log_writes() - before;
        match purchase.coordinator.outcome() {
            Some(outcome) => self.purchase_over(number, outcome, out),
            None if calls.is_empty() => {}
            None => self.send_calls(number, log_writes, &calls, out),
        }
    }

    fn purchase_over(&mut self, number: u32, outcome: Outcome, out: &mut Schedule<'_, Event>) {
        let Some(stock) = self.stocks() else { return };
        let Some(purchase) = stock.purchases.remove(&number) else {
            return;
        };
        let (id, began, sold_out) = (purchase.id, purchase.began, purchase.sold_out);
        let parts = 0..purchase.articles.len() as u32;
        let held = |part: &u32| {
            let node = stock.owner(purchase.articles[*part as usize]) as usize;
            stock.participants[node].has(purchase.part(*part))
        };
        let whole = match parts.clone().filter(held).count() {
            0 => outcome == Outcome::Aborted,
            all => all == purchase.articles.len() && outcome == Outcome::Committed,
        };
        if whole && !purchase.overdue {
            for part in parts {
                let node = stock.owner(purchase.articles[part as usize]) as usize;
                stock.participants[node].forget(purchase.part(part));
            }
        } else {
            stock.doubtful.insert(number, purchase);
        }
        let now = out.now();
        self.operations[id].parts.add(Part::CacheFetch, now - began);
        let measured = self.operations[id].measured;
        let sold = outcome == Outcome::Committed;
        if !sold && !sold_out || outcome == Outcome::Partial {
            return self.fail(id, false);
        }
        if let Some(stock) = self.stocks().filter(|_| measured) {
            stock.counts.sold += u64::from(sold);
            stock.counts.rejected += u64::from(!sold);
        }
        self.back_at_server(id, out);
    }
}
