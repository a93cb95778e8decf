//! The way of reads and writes between the stores of regions.

use routing::consistency::{QuorumRead, QuorumWrite};
use routing::log::Acks;

use super::values::Payload;
use super::{Sent, StoreEvent, Stores};
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::system::event::Event;
use crate::system::operation::{Kind, Operation, OperationId, Part};
use crate::system::sites::Site;
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

const TIME: Purpose = Purpose::named("store/time");
/// Legs of a question's way.
const TO_STORE: u64 = 1 << 40;
const FROM_STORE: u64 = 1 << 41;

/// Why a store does not serve.
enum Busy {
    /// Its queue is full.
    Full,
    /// It would wait too long.
    Late,
}

impl Stores {
    /// Takes a piece of work in; when it starts and when it is done.
    fn serve(
        &mut self,
        now: SimTime,
        (site, shard): (Site, u32),
        time: SimDuration,
    ) -> Result<(SimTime, SimTime), Busy> {
        let (queue, timeout) = (self.queue, self.timeout);
        let pool = self.pool(site, shard);
        if timeout.is_some_and(|most| pool.next_wait(now) > most) {
            return Err(Busy::Late);
        }
        if !pool.next_wait(now).is_zero() && pool.queued(now) >= queue {
            return Err(Busy::Full);
        }
        let departure = pool.arrive(now, time).ok_or(Busy::Full)?;
        Ok((departure.started, departure.at))
    }
}

impl World {
    /// An event of the stores of regions.
    pub(in crate::system) fn store_event(
        &mut self,
        event: StoreEvent,
        out: &mut Schedule<'_, Event>,
    ) {
        match event {
            StoreEvent::At { id, site } => self.at_store(id, site, out),
            StoreEvent::Served { id, site } => match self.operations[id].kind {
                Kind::Command => self.store_writes(id, site, out),
                _ => self.store_reads(id, site, out),
            },
            StoreEvent::Comes { update, site } => self.update_comes(update, site, out),
            StoreEvent::Applied { update, site } => self.update_applied(update, site, out),
            StoreEvent::Acked { update } => self.answer_of(update, true, out),
            StoreEvent::Asked { id, site, check } => self.store_asked(id, (site, check), out),
            StoreEvent::Told {
                id,
                site,
                check,
                value,
            } => self.store_told(id, (site, check, value.into()), out),
            StoreEvent::Back(id) => self.next_step(id, out),
            StoreEvent::Exchange => self.exchange_stores(out.now()),
        }
    }

    /// A read or a write asks the store that is to serve it.
    pub(in crate::system) fn ask_store(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let operation = self.operations[id];
        let from = self.sites.of_server(operation.server);
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        let mut site = from;
        if operation.kind == Kind::Command {
            stores.counts.writes[usize::from(from)] += 1;
            let Some(leader) = stores.leader(operation.record, from) else {
                stores.counts.refused[usize::from(from)] += 1;
                return self.fail_asking(id, false, out);
            };
            site = leader;
        }
        let leg = TO_STORE | u64::from(operation.queries_left);
        match self.reach(id, from, site, leg) {
            None => self.store_fails(id, false, out),
            Some(link) => {
                self.operations[id].parts.add(Part::Link, link);
                out.after(link, Event::Store(StoreEvent::At { id, site }));
            }
        }
    }

    fn store_fails(&mut self, id: OperationId, timed_out: bool, out: &mut Schedule<'_, Event>) {
        let operation = self.operations[id];
        let from = self.sites.of_server(operation.server);
        if let Some(stores) = self.stores.as_deref_mut() {
            if operation.kind == Kind::Command {
                stores.counts.refused[usize::from(from)] += 1;
            }
            stores.reads.remove(&id);
        }
        self.fail_asking(id, timed_out, out);
    }

    fn at_store(&mut self, id: OperationId, site: Site, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let operation = self.operations[id];
        let lost = self.sites.is_lost(site);
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        let table = match operation.kind {
            Kind::Command => &stores.write,
            _ => &stores.query,
        };
        let nth = u64::from(operation.queries_left);
        let time = table.sample(self.draws.u32(TIME, operation.key(), nth));
        let shard = stores.shard(operation.record);
        if lost {
            return self.store_fails(id, false, out);
        }
        match stores.serve(now, (site, shard), time) {
            Ok((started, done)) => {
                let parts = &mut self.operations[id].parts;
                parts.add(Part::DatabaseQueue, started - now);
                parts.add(Part::DatabaseService, done - started);
                self.operations[id].mark = done;
                out.at(done, Event::Store(StoreEvent::Served { id, site }));
            }
            Err(busy) => self.store_fails(id, matches!(busy, Busy::Late), out),
        }
    }

    /// A write takes effect where it is ordered, and goes to the others.
    fn store_writes(&mut self, id: OperationId, site: Site, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let operation = self.operations[id];
        let key = u64::from(operation.record);
        let sites = self.sites.len() as Site;
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        let ordered_here =
            stores.rule.ack == Acks::Local || stores.leader(operation.record, site) == Some(site);
        if !ordered_here {
            return self.store_fails(id, false, out);
        }
        let clock = &mut stores.clocks[usize::from(site)];
        let Some(payload) = stores.values.add(site.into(), clock, now, key) else {
            return self.store_fails(id, false, out);
        };
        stores.counts.accepted += 1;
        let update = stores.next;
        stores.next += 1;
        let shard = stores.shard(operation.record);
        let sent = Sent {
            payload,
            key,
            shard,
            ordered_in: site,
            left: 0,
            waits: Some((id, operation.ordinal)),
            quorum: QuorumWrite::new(stores.quorum),
        };
        stores.updates.insert(update, sent);
        self.answer_of(update, true, out);
        for other in (0..sites).filter(|&other| other != site) {
            if self.sites.cut_off(site, other) || self.sites.is_lost(other) {
                self.answer_of(update, false, out);
                continue;
            }
            let link = self.sites.link(site, other);
            if let Some(stores) = self.stores.as_deref_mut()
                && let Some(sent) = stores.updates.get_mut(&update)
            {
                sent.left += 1;
            }
            let comes = StoreEvent::Comes {
                update,
                site: other,
            };
            out.after(link, Event::Store(comes));
        }
        self.update_over(update);
    }

    /// A region answers that it has a write, or that it cannot have it.
    fn answer_of(&mut self, update: u64, stored: bool, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        let Some(sent) = stores.updates.get_mut(&update) else {
            return;
        };
        let decided = sent.quorum.answer(stored);
        let Some((id, ordinal)) = sent.waits.filter(|_| decided.is_some()) else {
            return;
        };
        sent.waits = None;
        let site = sent.ordered_in;
        if decided == Some(true) {
            let (earlier, payload) = (stores.latest.get(&sent.key), &sent.payload);
            let latest = stores.values.latest(payload, earlier, now);
            stores.latest.insert(sent.key, latest);
            stores.counts.acknowledged += 1;
            if let Payload::Register(written) = payload {
                stores.acknowledged.insert(written.dot);
            }
        }
        let operation = &mut self.operations[id];
        if operation.ordinal != ordinal || operation.kind != Kind::Command {
            return;
        }
        operation.parts.add(Part::Link, now - operation.mark);
        if decided == Some(true) {
            self.store_answers(id, site, out);
        } else {
            self.store_fails(id, false, out);
        }
    }

    /// The answer leaves for the server that asked.
    fn store_answers(&mut self, id: OperationId, site: Site, out: &mut Schedule<'_, Event>) {
        let to = self.sites.of_server(self.operations[id].server);
        let leg = FROM_STORE | u64::from(self.operations[id].queries_left);
        let Some(link) = self.reach(id, site, to, leg) else {
            return self.store_fails(id, false, out);
        };
        let bytes = self.inner_bytes(self.operations[id].kind);
        if !self.sites.carried(site, to, bytes) {
            self.ledger.inner.database += bytes;
        }
        self.operations[id].parts.add(Part::Link, link);
        out.after(link, Event::Store(StoreEvent::Back(id)));
    }

    fn update_comes(&mut self, update: u64, site: Site, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let bytes = self.inner_bytes(Kind::Command);
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        let Some(sent) = stores.updates.get(&update) else {
            return;
        };
        let (from, shard) = (sent.ordered_in, sent.shard);
        let salt = (update << 8) | u64::from(site);
        let time = stores.write.sample(self.draws.u32(TIME, u64::MAX, salt));
        let gone = self.sites.cut_off(from, site) || self.sites.is_lost(site);
        // What other regions send is not refused, however much waits.
        let served = (!gone)
            .then(|| stores.pool(site, shard).arrive(now, time))
            .flatten();
        self.sites.carried(from, site, bytes);
        match served {
            Some(departure) => {
                let applied = StoreEvent::Applied { update, site };
                out.at(departure.at, Event::Store(applied));
            }
            None => {
                self.answer_of(update, false, out);
                self.update_done(update);
            }
        }
    }

    fn update_applied(&mut self, update: u64, site: Site, out: &mut Schedule<'_, Event>) {
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        let Some(sent) = stores.updates.get(&update) else {
            return;
        };
        let from = sent.ordered_in;
        stores.values.apply(site.into(), sent.key, &sent.payload);
        if sent.waits.is_some() {
            let cut = self.sites.cut_off(from, site);
            if cut {
                self.answer_of(update, false, out);
            } else {
                let link = self.sites.link(site, from);
                out.after(link, Event::Store(StoreEvent::Acked { update }));
            }
        }
        self.update_done(update);
    }

    /// One region fewer has to hear of a write.
    fn update_done(&mut self, update: u64) {
        if let Some(stores) = self.stores.as_deref_mut()
            && let Some(sent) = stores.updates.get_mut(&update)
        {
            sent.left -= 1;
        }
        self.update_over(update);
    }

    /// Forgets a write that all have and nobody waits for.
    fn update_over(&mut self, update: u64) {
        if let Some(stores) = self.stores.as_deref_mut() {
            let over = |sent: &Sent| sent.left == 0 && sent.waits.is_none();
            if stores.updates.get(&update).is_some_and(over) {
                stores.updates.remove(&update);
            }
        }
    }

    /// The store of a reader's region has its answer; where most are asked, so have the others to say.
    fn store_reads(&mut self, id: OperationId, site: Site, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let operation = self.operations[id];
        let key = u64::from(operation.record);
        let sites = self.sites.len() as Site;
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        let value = stores.values.read(site.into(), key);
        if !stores.asks_around() {
            let latest = stores.latest.get(&key);
            let stale = latest.filter(|latest| stores.values.lacks(site.into(), key, latest));
            let age = stale.map(|latest| now.saturating_since(latest.at));
            self.note_stale(id, age);
            return self.store_answers(id, site, out);
        }
        let mut read = QuorumRead::new(stores.quorum);
        let alone = read.answer(site.into(), value, value);
        stores.reads.insert(id, read);
        if let Some((_, value)) = alone {
            return self.read_over(id, site, value, out);
        }
        let mut reached = 1;
        for other in (0..sites).filter(|&other| other != site) {
            if !self.sites.cut_off(site, other) && !self.sites.is_lost(other) {
                reached += 1;
                let link = self.sites.link(site, other);
                let check = check_of(&operation);
                let asked = StoreEvent::Asked {
                    id,
                    site: other,
                    check,
                };
                out.after(link, Event::Store(asked));
            }
        }
        let stores = self.stores.as_deref();
        if stores.is_some_and(|stores| reached < stores.quorum.read) {
            self.store_fails(id, false, out);
        }
    }

    fn store_asked(
        &mut self,
        id: OperationId,
        (site, check): (Site, u32),
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let operation = self.operations[id];
        let back = self.sites.of_server(operation.server);
        let link = self.sites.link(site, back);
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        if check_of(&operation) != check || !stores.reads.contains_key(&id) {
            return;
        }
        let salt = (operation.ordinal << 8) | u64::from(site);
        let time = stores
            .query
            .sample(self.draws.u32(TIME, u64::MAX - 1, salt));
        let shard = stores.shard(operation.record);
        if let Ok((_, done)) = stores.serve(now, (site, shard), time) {
            let told = StoreEvent::Told {
                id,
                site,
                check,
                value: stores.values.read(site.into(), operation.record.into()) as u32,
            };
            out.at(done + link, Event::Store(told));
        }
    }

    fn store_told(
        &mut self,
        id: OperationId,
        (site, check, value): (Site, u32, u64),
        out: &mut Schedule<'_, Event>,
    ) {
        let operation = self.operations[id];
        let own = self.sites.of_server(operation.server);
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        if check_of(&operation) != check {
            return;
        }
        let Some(read) = stores.reads.get_mut(&id) else {
            return;
        };
        if let Some((_, newest)) = read.answer(site.into(), value, value) {
            self.read_over(id, own, newest, out);
        }
    }

    /// A read has as many answers as it needs.
    fn read_over(
        &mut self,
        id: OperationId,
        site: Site,
        value: u64,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let operation = &mut self.operations[id];
        operation.parts.add(Part::Link, now - operation.mark);
        let (key, asked) = (u64::from(operation.record), operation.started);
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        stores.reads.remove(&id);
        // What was acknowledged after it was asked may be missing.
        let latest = stores.latest.get(&key).filter(|latest| latest.at <= asked);
        let stale = latest.filter(|latest| latest.is_newer_than(value));
        let age = stale.map(|latest| now.saturating_since(latest.at));
        self.note_stale(id, age);
        self.store_answers(id, site, out);
    }

    fn note_stale(&mut self, id: OperationId, age: Option<SimDuration>) {
        let operation = &self.operations[id];
        if let Some(age) = age.filter(|_| operation.measured && operation.kind == Kind::Query) {
            self.ledger.stale(age);
        }
    }

    /// Two regions lose sight of each other, or see each other again.
    pub(in crate::system) fn regroup(&mut self, begins: bool, out: &mut Schedule<'_, Event>) {
        let groups = self.groups();
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        if begins {
            // A side that grows smaller knows at once; one that grows waits until it knows what the others did.
            stores.values.split_mut().cut(&groups);
            // Those who still see each other agree on what most of all have.
            stores.counts.exchanged += stores.values.exchange();
            (stores.healed, stores.converged) = (None, None);
        } else {
            stores.healed = Some(out.now());
            out.after(stores.rule.exchange, Event::Store(StoreEvent::Exchange));
        }
    }

    /// By region: the number of the side it is on.
    fn groups(&self) -> Vec<u32> {
        let count = self.sites.len();
        let mut groups: Vec<u32> = (0..count as u32).collect();
        // As many rounds as regions: sides are few.
        for _ in 0..count {
            for a in 0..count {
                for b in 0..count {
                    if !self.sites.cut_off(a as Site, b as Site) {
                        let side = groups[a].min(groups[b]);
                        (groups[a], groups[b]) = (side, side);
                    }
                }
            }
        }
        groups
    }

    fn exchange_stores(&mut self, now: SimTime) {
        let groups = self.groups();
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        stores.values.split_mut().cut(&groups);
        stores.counts.exchanged += stores.values.exchange();
        self.note_convergence(now);
    }

    /// Whether regions are alike again, after a cut.
    pub(in crate::system) fn note_convergence(&mut self, now: SimTime) {
        let Some(stores) = self.stores.as_deref_mut() else {
            return;
        };
        let waits = stores.converged.is_none();
        if let Some(healed) = stores.healed.filter(|_| waits)
            && stores.settled().divergence() == 0
        {
            stores.converged = Some(now.saturating_since(healed));
        }
    }
}

/// What tells an operation from a later one in its place.
fn check_of(operation: &Operation) -> u32 {
    operation.key() as u32
}

impl Stores {
    /// The values once everything under way has arrived.
    #[must_use]
    pub fn settled(&self) -> super::values::Values {
        let mut values = self.values.clone();
        let count = values.split().regions();
        for sent in self.updates.values() {
            for region in 0..count {
                if values.split().reaches(region, sent.ordered_in.into()) {
                    values.apply(region, sent.key, &sent.payload);
                }
            }
        }
        values
    }
}
