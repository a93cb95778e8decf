//! Watched questions on their way: from the connection server to a shard and back, as often as it takes.
//!
//! An attempt is sent if breaker and throttle let it; its copy waits at the shard, is refused, dropped or served, and what comes
//! of it is back a link later. A caller whose time is over gives the attempt up and asks again, or not; the shard learns
//! nothing of it. The wait for attempts that came to nothing is the operation's `retry` time; the steps of the attempt that
//! is answered are its queue, service and link times. What attempt n draws is keyed to the operation, the shard and n; the
//! first attempt draws what an unwatched question would.
//! Left out: stopping a query that runs.

use routing::Timestamp;
use routing::request::{
    HedgeAction, HedgeOptions, Hedged, Scatter, ScatterOptions, Started, TiedCopy, Twin,
};
use routing::retry::{Deadline, Step, Wake};

use super::asking::{COMMON, QUERY_TIME, SCATTER};
use super::calls::{Call, CallId, Calls, Copy, CopyId, NOT_YET, Scattered};
use super::event::Event;
use super::operation::{Asks, Kind, OperationId, Part};
use super::pools::{Asked, DatabasePool};
use super::servers::timestamp;
use super::world::World;
use crate::draw::{KeyedRng, Purpose};
use crate::engine::Schedule;
use crate::scenario::HedgeTo;
use crate::time::{SimDuration, SimTime};

const THROTTLE: Purpose = Purpose::named("caller/throttle");
const BACKOFF: Purpose = Purpose::named("caller/backoff");
/// Tells the ways of answers from those of questions.
const ANSWERS: u64 = 1 << 52;

impl World {
    /// The server of an operation asks the shard that it is about, or all of them.
    pub(super) fn call(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let (Some(databases), Some(calls)) = (&mut self.databases, &mut self.calls) else {
            return;
        };
        let operation = &mut self.operations[id];
        operation.mark = now;
        databases.settle(operation, &self.draws);
        let server = operation.server;
        if operation.asks == Asks::One {
            let shard = databases.shard_of(operation) as u32;
            let call = calls.open(now, (server, shard), id);
            return self.send(call, out);
        }
        let shards = databases.which(operation, &self.draws);
        let parts = shards.len() as u32;
        let needed = match operation.asks {
            Asks::All => databases.needed(),
            _ => parts,
        };
        let options = ScatterOptions {
            parts,
            needed,
            partial_from: needed,
            deadline: Timestamp::NEVER,
        };
        let opened = shards
            .iter()
            .map(|&shard| calls.open(now, (server, shard), id));
        let opened: Vec<CallId> = opened.collect();
        let scattered = Scattered {
            scatter: Scatter::new(options),
            calls: opened.clone(),
            shards,
        };
        calls.scattered.insert(id, scattered);
        for call in opened {
            self.send(call, out);
        }
    }

    /// An attempt of a call begins, if the server lets itself make it.
    fn send(&mut self, id: CallId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(call) = self.open_call(id) else {
            return;
        };
        let (kind, server) = (self.kind_of(call), self.server_of(call));
        let mut rng = self.rng(THROTTLE, call);
        let hedge = self.scenario.asking.hedge;
        // Who is dead asks no more.
        if !self.servers.servers[usize::from(server)].is_up() {
            return self.call_failed(id, out);
        }
        let Some(calls) = &mut self.calls else { return };
        if !calls.try_send(now, server, id, &mut rng) {
            return self.try_failed(id, false, out);
        }
        if let Some(call) = calls.calls.get_mut(id) {
            call.hedged = hedge.filter(|_| kind == Kind::Query).map(|hedge| {
                let options = HedgeOptions {
                    delay_ns: hedge.after.as_nanos(),
                    deadline: Timestamp::NEVER,
                };
                Hedged::new(timestamp(now), options)
            });
        }
        self.send_copy(id, Twin::First, out);
        self.wake_in_time(id, out);
    }

    fn send_copy(&mut self, id: CallId, twin: Twin, out: &mut Schedule<'_, Event>) {
        let (Some(call), Some(databases)) = (self.open_call(id), &self.databases) else {
            return;
        };
        let operation = &self.operations[call.operation];
        let hedge = self.scenario.asking.hedge;
        let shards = databases.shards.len() as u32;
        let away =
            twin == Twin::Second && hedge.is_some_and(|hedge| hedge.to == HedgeTo::NextShard);
        let (key, nth) = (operation.key(), u64::from(operation.queries_left));
        let again = u64::from(call.attempts.attempt()) << 32 | (twin as u64) << 40;
        let demand = if operation.asks != Asks::One {
            let part = u64::from(call.shard) << 16 | nth | again;
            let own = databases.demand(operation.kind, self.draws.u32(SCATTER, key, part));
            own + databases.common(|| self.draws.u32(COMMON, key, nth))
        } else {
            let bits = self.draws.u32(QUERY_TIME, key, nth | again);
            databases.demand(operation.kind, bits)
        };
        let from = self.sites.of_server(operation.server);
        let link = self.sites.link(from, self.sites.home);
        let way = self.reach(call.operation, from, self.sites.home, nth | again);
        let copy = Copy {
            call: id,
            link,
            kind: operation.kind,
            attempt: call.attempts.attempt(),
            twin,
            shard: (call.shard + u32::from(away)) % shards,
            demand,
            deadline: call.attempts.attempt_deadline(),
            sent: out.now(),
            came: NOT_YET,
            started: None,
            served: NOT_YET,
            ticket: None,
            tied: hedge.filter(|hedge| hedge.tied).map(|_| TiedCopy::new()),
        };
        let Some(calls) = &mut self.calls else { return };
        calls.hedges += u64::from(twin == Twin::Second);
        let (tied, now) = (copy.tied.is_some(), copy.sent);
        let copy = calls.copies.insert(copy);
        match way {
            Some(way) => out.after(way, Event::CopyComes(copy)),
            None => {
                let gave_up = true;
                out.after(link, Event::CopyFailed { copy, gave_up });
            }
        }
        let Some(call) = calls.calls.get_mut(id) else {
            return;
        };
        call.copies[twin as usize] = Some(copy);
        // The shard of a twin that was served before this copy was sent has told the other shard then.
        let twin = call.copies[twin.other() as usize].and_then(|other| calls.copies.get(other));
        if let Some(started) = twin.and_then(|twin| twin.started).filter(|_| tied) {
            out.at((started + link).max(now), Event::TwinStarts(copy));
        }
    }

    /// Lets the call be woken when it wants to do something by itself.
    fn wake_in_time(&mut self, id: CallId, out: &mut Schedule<'_, Event>) {
        let call = self
            .calls
            .as_mut()
            .and_then(|calls| calls.calls.get_mut(id));
        let Some(call) = call else { return };
        let own = call.attempts.next_timeout().map(|(at, _)| at);
        let hedged = call.hedged.as_ref().and_then(Hedged::next_timeout);
        let Some(next) = own.into_iter().chain(hedged).min() else {
            return;
        };
        let at = SimTime::from_nanos(next.0);
        if next != Timestamp::NEVER && call.wakes.is_none_or(|wakes| wakes > at) {
            call.wakes = Some(at);
            out.at(at, Event::CallWakes(id));
        }
    }

    /// A call's time has come: for a second copy, for giving an attempt up, or for the next one.
    pub(super) fn call_wakes(&mut self, id: CallId, out: &mut Schedule<'_, Event>) {
        let now = timestamp(out.now());
        let call = self
            .calls
            .as_mut()
            .and_then(|calls| calls.calls.get_mut(id));
        let Some(call) = call else { return };
        call.wakes = call.wakes.filter(|&wakes| wakes > out.now());
        let due = call.attempts.next_timeout().filter(|&(at, _)| at <= now);
        match due {
            Some((_, Wake::TimedOut)) => return self.try_failed(id, true, out),
            Some((_, Wake::BackedOff)) => {
                // The wait was drawn when it began; its end draws nothing.
                let mut rng = self.draws.rng(BACKOFF, 0, 0);
                let step = call.attempts.on_timeout(now, None, &mut rng);
                return self.follow(id, step, out);
            }
            None => {}
        }
        let hedged = call.hedged.as_mut();
        if let Some(HedgeAction::Send(twin)) = hedged.map(|hedged| hedged.on_timeout(now)) {
            self.send_copy(id, twin, out);
        }
        self.wake_in_time(id, out);
    }

    /// An attempt has come to nothing: because its time is over, or for a reason that the server was told.
    fn try_failed(&mut self, id: CallId, by_timer: bool, out: &mut Schedule<'_, Event>) {
        let Some(call) = self.open_call(id) else {
            return;
        };
        let server = self.server_of(call);
        let mut rng = self.rng(BACKOFF, call);
        let Some(calls) = &mut self.calls else { return };
        if by_timer && let Some(call) = calls.calls.get_mut(id) {
            call.timed_out = true;
        }
        let step = calls.attempt_failed(out.now(), server, id, by_timer, &mut rng);
        self.follow(id, step, out);
    }

    fn follow(&mut self, id: CallId, step: Step, out: &mut Schedule<'_, Event>) {
        match step {
            Step::Send { .. } => {
                let operation = self
                    .open_call(id)
                    .map(|call| self.operations[call.operation]);
                if let Some(operation) = operation.filter(|operation| operation.measured) {
                    self.ledger.kind(operation.kind).retried += 1;
                }
                self.send(id, out);
            }
            Step::Wait => self.wake_in_time(id, out),
            Step::GiveUp(_) => self.call_failed(id, out),
        }
    }

    /// A copy reaches its shard.
    pub(super) fn copy_comes(&mut self, id: CopyId, out: &mut Schedule<'_, Event>) {
        let Some((shard, copy)) = self.shard_and_copy(id) else {
            return;
        };
        copy.came = out.now();
        match shard.comes(out.now(), id) {
            Asked::Begins => self.copy_begins(id, out),
            Asked::Waits { ticket, deadline } => {
                copy.ticket = Some(ticket);
                if let Some(at) = deadline {
                    out.at(at, Event::CopyGivesUp(id));
                }
            }
            Asked::Refused => self.tell_failure(id, false, out),
        }
    }

    /// A copy has a connection.
    fn copy_begins(&mut self, id: CopyId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let link = self.sites.link(self.sites.home, self.sites.home);
        let Some((shard, copy)) = self.shard_and_copy(id) else {
            return;
        };
        if copy.tied.as_mut().map(TiedCopy::on_started) == Some(Started::Skip) {
            return self.copy_skipped(id, out);
        }
        copy.started = Some(now);
        out.after(shard.stretched(copy.demand), Event::CopyServed(id));
        let (call, twin, attempt) = (copy.call, copy.twin, copy.attempt);
        if copy.tied.is_some()
            && let Some(call) = self
                .open_call(call)
                .filter(|call| call.attempts.attempt() == attempt)
            && let Some(other) = call.copies[twin.other() as usize]
        {
            out.after(link, Event::TwinStarts(other));
        }
    }

    /// A copy whose twin is being served gives its connection to the next.
    fn copy_skipped(&mut self, id: CopyId, out: &mut Schedule<'_, Event>) {
        let shard = self.shard_and_copy(id).map(|(_, copy)| copy.shard);
        self.forget_copy(id);
        if let Some(shard) = shard {
            self.next_at(shard, out);
        }
    }

    /// A shard has served a copy.
    pub(super) fn copy_served(&mut self, id: CopyId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some((_, copy)) = self.shard_and_copy(id) else {
            return;
        };
        if copy.started.is_none() {
            return; // The shard has died since.
        }
        copy.served = now;
        let (shard, kind, link, call) = (copy.shard, copy.kind, copy.link, copy.call);
        let again = u64::from(copy.attempt) << 32 | (copy.twin as u64) << 40;
        let leg = ANSWERS | again | u64::from(shard) << 16;
        let asker = self.open_call(call).map(|call| self.server_of(call));
        let to = asker.map_or(self.sites.home, |server| self.sites.of_server(server));
        let bytes = self.inner_bytes(kind);
        if !self.sites.carried(self.sites.home, to, bytes) {
            self.ledger.inner.database += bytes;
        }
        let asked = self.open_call(call).map(|call| call.operation);
        let way = match asked {
            Some(asked) => {
                let nth = u64::from(self.operations[asked].queries_left);
                self.reach(asked, self.sites.home, to, leg | nth)
            }
            None => Some(link),
        };
        match way {
            Some(way) => out.after(way, Event::CopyBack(id)),
            None => self.tell_failure(id, true, out),
        }
        self.next_at(shard, out);
    }

    /// A connection of a shard is free.
    fn next_at(&mut self, shard: u32, out: &mut Schedule<'_, Event>) {
        let (Some(databases), Some(calls)) = (&mut self.databases, &mut self.calls) else {
            return;
        };
        let mut dropped = Vec::new();
        let deadline = |id| {
            let copy = calls.copies.get(id);
            copy.map_or(Deadline::NONE, |copy: &Copy| copy.deadline)
        };
        let next = databases.shards[shard as usize].next(out.now(), deadline, &mut dropped);
        for dead in dropped {
            calls.copies.remove(dead);
        }
        if let Some(next) = next {
            self.copy_begins(next, out);
        }
    }

    /// A copy may not wait longer.
    pub(super) fn copy_gives_up(&mut self, id: CopyId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some((shard, copy)) = self.shard_and_copy(id) else {
            return;
        };
        if copy
            .ticket
            .is_some_and(|ticket| shard.gives_up(now, ticket))
        {
            self.tell_failure(id, true, out);
        }
    }

    fn tell_failure(&self, copy: CopyId, gave_up: bool, out: &mut Schedule<'_, Event>) {
        let sent = self.calls.as_ref().and_then(|calls| calls.copies.get(copy));
        let link = sent.map_or(SimDuration::ZERO, |copy| copy.link);
        out.after(link, Event::CopyFailed { copy, gave_up });
    }

    /// A shard has died with the copies that it served and those that waited.
    pub(super) fn copies_lost(
        &mut self,
        shard: u32,
        waiting: Vec<CopyId>,
        out: &mut Schedule<'_, Event>,
    ) {
        let Some(calls) = &mut self.calls else { return };
        let mut lost = calls.in_service_at(shard);
        lost.extend(waiting);
        for &id in &lost {
            if let Some(copy) = calls.copies.get_mut(id) {
                (copy.started, copy.ticket) = (None, None);
            }
        }
        for id in lost {
            self.tell_failure(id, false, out);
        }
    }

    /// The answer to a copy is back at the server.
    pub(super) fn copy_back(&mut self, id: CopyId, out: &mut Schedule<'_, Event>) {
        let Some(calls) = &mut self.calls else { return };
        let Some(copy) = calls.copies.remove(id) else {
            return;
        };
        let call = calls.calls.get(copy.call);
        let server = call.map(|call| self.operations[call.operation].server);
        let counts = server.and_then(|server| calls.on_answer(out.now(), server, &copy));
        let Some(cancel) = counts else {
            calls.wasted += 1;
            return;
        };
        if let Some(other) = cancel {
            out.after(copy.link, Event::CopyCancelled(other));
        }
        self.call_answered(&copy, out);
    }

    fn call_answered(&mut self, copy: &Copy, out: &mut Schedule<'_, Event>) {
        let Some(calls) = &mut self.calls else { return };
        let Some(call) = calls.calls.remove(copy.call) else {
            return;
        };
        let id = call.operation;
        if let Some(scattered) = calls.scattered.get_mut(&id) {
            if scattered
                .scatter
                .on_answer(scattered.part(call.shard))
                .is_none()
            {
                return;
            }
            self.abandon_rest(id, out);
        }
        let parts = &mut self.operations[id].parts;
        let started = copy.started.unwrap_or(copy.served);
        parts.add(Part::DatabaseRetry, copy.sent - call.began);
        parts.add(Part::Link, copy.came - copy.sent);
        parts.add(Part::DatabaseQueue, started - copy.came);
        parts.add(Part::DatabaseService, copy.served - started);
        parts.add(Part::Link, out.now() - copy.served);
        self.has_answer(id, copy.served, out);
    }

    /// Word that a copy was not served is back at the server.
    pub(super) fn copy_failed(&mut self, id: CopyId, gave_up: bool, out: &mut Schedule<'_, Event>) {
        let Some(calls) = &mut self.calls else { return };
        let Some(copy) = calls.copies.remove(id) else {
            return;
        };
        let call = calls.calls.get_mut(copy.call);
        let Some(call) = call.filter(|call| call.attempts.attempt() == copy.attempt) else {
            return;
        };
        match call
            .hedged
            .as_mut()
            .map(|hedged| hedged.on_failure(copy.twin))
        {
            None | Some(HedgeAction::GiveUp) => {
                call.timed_out = gave_up;
                self.try_failed(copy.call, false, out);
            }
            Some(HedgeAction::Send(twin)) => self.send_copy(copy.call, twin, out),
            Some(HedgeAction::Wait) => {}
        }
    }

    /// A question to a shard is given up for good.
    fn call_failed(&mut self, id: CallId, out: &mut Schedule<'_, Event>) {
        let Some(calls) = &mut self.calls else { return };
        let Some(call) = calls.calls.remove(id) else {
            return;
        };
        if let Some(scattered) = calls.scattered.get_mut(&call.operation) {
            if scattered
                .scatter
                .on_failure(scattered.part(call.shard))
                .is_none()
            {
                return;
            }
            self.abandon_rest(call.operation, out);
        }
        let spent = out.now() - call.began;
        let parts = &mut self.operations[call.operation].parts;
        parts.add(Part::DatabaseRetry, spent);
        self.fail_asking(call.operation, call.timed_out, out);
    }

    /// A query that scattered has ended: what it still waits for is not needed.
    fn abandon_rest(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let from = self.sites.of_server(self.operations[id].server);
        let link = self.sites.link(from, self.sites.home);
        let Some(calls) = &mut self.calls else { return };
        let Some(scattered) = calls.scattered.remove(&id) else {
            return;
        };
        for part in scattered.scatter.outstanding() {
            let call = calls.calls.remove(scattered.calls[part as usize]);
            let copies = call.map_or([None; 2], |call| call.copies);
            for copy in copies.into_iter().flatten() {
                out.after(link, Event::CopyCancelled(copy));
            }
        }
    }

    /// Nobody needs a copy: if it still waits it leaves the queue.
    pub(super) fn copy_cancelled(&mut self, id: CopyId, now: SimTime) {
        let Some((shard, copy)) = self.shard_and_copy(id) else {
            return;
        };
        if copy.ticket.is_some_and(|ticket| shard.cancel(now, ticket)) {
            self.forget_copy(id);
        }
    }

    /// The twin of a copy is being served: if the copy still waits it leaves the queue.
    pub(super) fn twin_starts(&mut self, id: CopyId, now: SimTime) {
        let Some((shard, copy)) = self.shard_and_copy(id) else {
            return;
        };
        let leaves = copy.tied.as_mut().is_some_and(TiedCopy::on_twin_started);
        if leaves && copy.ticket.is_some_and(|ticket| shard.cancel(now, ticket)) {
            self.forget_copy(id);
        }
    }

    /// A copy has left without being served, because the other one is: the call counts on that one only.
    fn forget_copy(&mut self, id: CopyId) {
        let Some(calls) = &mut self.calls else { return };
        let Some(copy) = calls.copies.remove(id) else {
            return;
        };
        let call = calls.calls.get_mut(copy.call);
        let call = call.filter(|call| call.attempts.attempt() == copy.attempt);
        if let Some(hedged) = call.and_then(|call| call.hedged.as_mut()) {
            hedged.on_failure(copy.twin);
        }
    }

    fn open_call(&self, id: CallId) -> Option<&Call> {
        self.calls.as_ref().and_then(|calls| calls.calls.get(id))
    }

    fn shard_and_copy(&mut self, id: CopyId) -> Option<(&mut DatabasePool, &mut Copy)> {
        let (Some(databases), Some(Calls { copies, .. })) = (&mut self.databases, &mut self.calls)
        else {
            return None;
        };
        let copy = copies.get_mut(id)?;
        Some((&mut databases.shards[copy.shard as usize], copy))
    }

    fn kind_of(&self, call: &Call) -> Kind {
        self.operations[call.operation].kind
    }

    fn server_of(&self, call: &Call) -> u16 {
        self.operations[call.operation].server
    }

    /// Draws of one attempt of a call.
    fn rng(&self, purpose: Purpose, call: &Call) -> KeyedRng {
        let operation = &self.operations[call.operation];
        let nth = u64::from(operation.queries_left) | u64::from(call.shard) << 16;
        let attempt = u64::from(call.attempts.attempt()) << 32;
        self.draws.rng(purpose, operation.key(), nth | attempt)
    }
}
