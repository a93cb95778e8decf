//! Copies become receipts: one loop per copy and server, no event per recipient.
//!
//! receipt of recipient i = start of writing + copy + (i + 1) · deliver + the connection's base delay + jitter keyed to
//! (message, connection), never before the connection's last receipt. A pause inside the service moves the positions
//! written after it. Receipts are entered when the copy is written, although they lie in the future; the batch is kept
//! until its last receipt is past, so that a kill or a disconnect can take back, exactly, what had not arrived by then
//! ([`World::truncate_server`], [`World::truncate_connection`]). The same draws give the same receipts, so nothing is stored
//! per recipient.
//!
//! When members come and go while copies are under way, the recipient lists of kept batches are written down first
//! ([`World::before_churn`]); copies that are still to be written skip those who came later (a replay has served them) and
//! miss those who left.

use std::collections::BTreeMap;

use routing::{ConnectionId, ServerId};

use super::clients::{Client, Start};
use super::event::Work;
use super::inflight::{Direct, Kept, Written};
use super::ledger::{Ledger, units_ns};
use super::operation::{Kind, NOBODY, Operation, OperationId, Part};
use super::receipts::{Copy, Stretch};
use super::servers::Server;
use super::world::World;
use crate::histogram::UNIT_NS;
use crate::scenario::Transport;
use crate::station::Completed;
use crate::time::{SimDuration, SimTime};

/// A receipt that has been entered and lies in the future.
struct FutureReceipt {
    operation: Option<OperationId>,
    direct: Direct,
}

impl World {
    /// A copy has been served: writes it to the local recipients.
    pub(super) fn write_copy(
        &mut self,
        server: usize,
        copy: OperationId,
        planned: u32,
        done: &Completed<Work>,
    ) {
        let operation = self.operations[copy];
        let mut ids = core::mem::take(&mut self.recipients);
        ids.clear();
        ids.extend(
            self.local_recipients(server, &operation)
                .iter()
                .map(|id| id.0),
        );
        self.servers.servers[server].copies += 1;
        if operation.measured {
            self.ledger.kind(operation.kind).in_transit -= u64::from(planned);
        }
        let members = ids.len();
        self.settle_churn(server, &operation, &mut ids, done.finished);
        if ids.is_empty() {
            self.servers.servers[server].wasted_copies += u64::from(planned == 0);
            self.recipients = ids;
            self.copy_over(copy);
            self.release(copy);
            return;
        }
        let mut kept = self.kept(server, copy, &operation, ids.len() as u32, done);
        if ids.len() < members {
            // Not the members any more, even if nobody comes or goes from now on.
            kept.recipients = Some(ids.as_slice().into());
        }
        let (longest, sum) = self.enter_receipts(server, &kept, &operation, &ids);
        kept.last_receipt = operation.started + SimDuration::from_nanos(units_ns(longest));
        let last = kept.last_receipt;
        let bytes = u64::from(self.wire_bytes_of(&operation)) * ids.len() as u64;
        let state = &mut self.servers.servers[server];
        state.bytes_out += bytes;
        state.in_flight.push_copy(kept);
        self.ledger.egress_bytes += bytes;
        let count = ids.len() as u64;
        self.deliveries += count;
        self.recipients = ids;
        let operation = &mut self.operations[copy];
        operation.received += count;
        operation.latency_units += sum;
        operation.last_receipt = operation.last_receipt.max(last);
        self.copy_over(copy);
        self.flush(server, done.finished);
    }

    /// What is kept of a copy that has been served for `count` recipients.
    fn kept(
        &self,
        server: usize,
        copy: OperationId,
        operation: &Operation,
        count: u32,
        done: &Completed<Work>,
    ) -> Kept {
        let copy_cost = self.servers.copy();
        let deliver = self.servers.deliver(self.payload_of(operation));
        let demand = copy_cost + deliver * u64::from(count);
        let factor = done.service.as_nanos() as f64 / demand.as_nanos().max(1) as f64;
        let served = copy_cost.scaled(factor);
        let per_recipient_ns = deliver.as_nanos() as f64 * factor;
        let before_pause =
            done.paused_after.saturating_sub(served).as_nanos() as f64 / per_recipient_ns.max(1.0);
        Kept {
            operation: copy,
            per_recipient: (per_recipient_ns * 256.0 / UNIT_NS as f64) as u32,
            pause_at: if done.paused.is_zero() {
                count
            } else {
                (before_pause as u32).min(count)
            },
            pause: done.paused,
            transit: done
                .arrived
                .saturating_since(operation.mark + self.copy_link(operation, server)),
            waited: done.waited(),
            served,
            recipients: None,
            last_receipt: SimTime::ZERO,
        }
    }

    /// A kept copy with what its operation knows.
    fn copy_of(&self, server: usize, kept: &Kept, operation: &Operation) -> Copy {
        let mut upstream = operation.parts;
        upstream.add(self.ordering_part(operation.kind), kept.transit);
        upstream.add(Part::Link, self.copy_link(operation, server));
        upstream.add(Part::ServerQueue, kept.waited);
        upstream.add(Part::ServerService, kept.served);
        Copy {
            key: operation.key(),
            started: operation.started,
            upstream,
            per_recipient: kept.per_recipient,
            pause_at: kept.pause_at,
            pause: kept.pause,
            poll: match self.scenario.load.transport {
                Transport::Poll { interval } => Some(interval),
                Transport::WebSocket | Transport::Sse | Transport::LongPoll { .. } => None,
            },
        }
    }

    /// Computes the receipts of a copy and enters them; returns the longest latency and the sum of all, in units.
    fn enter_receipts(
        &mut self,
        server: usize,
        kept: &Kept,
        operation: &Operation,
        ids: &[u32],
    ) -> (u32, u64) {
        let copy = self.copy_of(server, kept, operation);
        let edits = operation.kind == Kind::Edit;
        if edits {
            self.foresee(&copy, ids);
        }
        let followed = self.followed(server, operation.kind, operation.key(), ids);
        let ledger = operation
            .measured
            .then_some(&mut self.ledger.kinds[operation.kind.index()]);
        let delays = (self.kernel, self.network.jitter());
        let latencies = self
            .scratch
            .enter(&copy, ids, &mut self.clients, delays, ledger);
        if edits {
            self.enter_frame(kept.operation, ids);
        }
        if let Some(interval) = copy.poll
            && operation.measured
        {
            self.count_useful_polls(copy.started, ids, interval);
        }
        if let Some((index, id, client)) = followed {
            let stretches = copy.stretches(ids.len() as u32);
            let its = |(_, range): &&(Stretch, core::ops::Range<usize>)| {
                range.contains(&(index as usize))
            };
            if let Some((stretch, _)) = stretches.iter().find(its) {
                let one = copy.one(stretch, index, id, client, self.network.jitter());
                self.trace(operation.kind, copy.started, one);
            }
        }
        latencies
    }

    /// The members of an operation on a server, as they are now.
    fn local_recipients(&self, server: usize, operation: &Operation) -> &[ConnectionId] {
        let server = ServerId(server as u16);
        match operation.recipients {
            Some(list) => self.lists.on(list, server),
            None => self.hub.directory().members_on(operation.channel, server),
        }
    }

    /// Takes those who came after the message was ordered out of the recipients, and marks it missed by those who left.
    fn settle_churn(
        &mut self,
        server: usize,
        operation: &Operation,
        ids: &mut Vec<u32>,
        now: SimTime,
    ) {
        if self.servers.servers[server].is_quiet_since(operation.sequenced) {
            return;
        }
        let since = |s: &Server| {
            s.churn
                .partition_point(|&(at, _, _)| at < operation.sequenced)
        };
        let first = since(&self.servers.servers[server]);
        for index in first..self.servers.servers[server].churn.len() {
            let (_, connection, came) = self.servers.servers[server].churn[index];
            if came || operation.recipients.is_some() {
                // The list of a status change is older than those who left as well.
                ids.retain(|&id| id != connection);
            } else if self
                .hub
                .directory()
                .contains(operation.channel, ConnectionId(connection))
            {
                self.mark_missed(operation.channel, operation.seq, connection, now);
            }
        }
    }

    /// Before members of channels on a server change: writes down who the kept copies went to.
    pub(super) fn before_churn(&mut self, server: usize) {
        let mut in_flight = core::mem::take(&mut self.servers.servers[server].in_flight);
        for kept in in_flight.since_churn() {
            if kept.recipients.is_none() {
                kept.recipients = Some(self.recipients_of(server, kept).into_boxed_slice());
            }
        }
        self.servers.servers[server].in_flight = in_flight;
    }

    /// Who a kept copy went to.
    fn recipients_of(&self, server: usize, kept: &Kept) -> Vec<u32> {
        match &kept.recipients {
            Some(ids) => ids.to_vec(),
            None => {
                let members = self.local_recipients(server, &self.operations[kept.operation]);
                members.iter().map(|id| id.0).collect()
            }
        }
    }

    /// Takes back what all connections of a dead server had not received by now. [`Self::before_churn`] comes first.
    pub(super) fn truncate_server(&mut self, server: usize, now: SimTime) {
        self.truncate(server, now, None);
    }

    /// Takes back what one connection had not received by now. [`Self::before_churn`] comes first.
    pub(super) fn truncate_connection(&mut self, server: usize, connection: u32, now: SimTime) {
        self.truncate(server, now, Some(connection));
    }

    fn truncate(&mut self, server: usize, now: SimTime, only: Option<u32>) {
        self.flush(server, now);
        for future in self.future_receipts(server, now, only) {
            let FutureReceipt { operation, direct } = future;
            if let Some(operation) = operation {
                self.operations[operation].received -= 1;
                self.operations[operation].latency_units -= u64::from(direct.units);
                if direct.kind == Kind::Edit {
                    self.void_frame(operation, &direct);
                }
            }
            if direct.measured {
                let class = self.clients.get(direct.connection).place.class();
                let ledger = self.ledger.kind(direct.kind);
                ledger.void(direct.started, class, direct.units, &direct.parts);
                if direct.kind.is_answered() {
                    ledger.unanswered(direct.started, direct.units);
                    ledger.failed += 1;
                }
            }
            if let Some((channel, seq)) = direct.message {
                self.mark_missed(channel, seq, direct.connection, now);
            }
            self.clients.set_last_receipt(direct.connection, now);
        }
        if self.documents.is_some() {
            self.forget_arrivals(server, now, only);
        }
        match only {
            Some(connection) => self.strike_out(server, connection, now),
            None => self.flush(server, SimTime::MAX),
        }
    }

    /// A connection's receipts after `now` have been taken back: its pending messages know it no longer.
    fn strike_out(&mut self, server: usize, connection: u32, now: SimTime) {
        let in_flight = &mut self.servers.servers[server].in_flight;
        for kept in in_flight.copies_mut() {
            let ids = kept.recipients.iter_mut().flat_map(|ids| ids.iter_mut());
            ids.filter(|id| **id == connection)
                .for_each(|id| *id = NOBODY);
        }
        for direct in in_flight.directs_mut() {
            if direct.connection == connection {
                direct.receipt = direct.receipt.min(now);
            }
        }
    }

    /// Receipts of a server's pending messages that lie after `now`, computed again from the keyed draws. Each connection's
    /// last receipt is carried from message to message, since TCP keeps their order.
    fn future_receipts(
        &self,
        server: usize,
        now: SimTime,
        only: Option<u32>,
    ) -> Vec<FutureReceipt> {
        let mut latest = BTreeMap::new();
        let mut future = Vec::new();
        for written in self.servers.servers[server].in_flight.unreceived(now) {
            match written {
                Written::Copy(kept) => {
                    self.future_of_copy(server, kept, now, only, &mut latest, &mut future);
                }
                Written::Direct(direct)
                    if only.is_none_or(|connection| connection == direct.connection) =>
                {
                    let client = self.unheld(&mut latest, direct.connection, now);
                    client.receive_at(direct.receipt);
                    if direct.receipt > now {
                        future.push(FutureReceipt {
                            operation: None,
                            direct: *direct,
                        });
                    }
                }
                Written::Direct(_) => {}
            }
        }
        future
    }

    /// A connection as [`Self::future_receipts`] follows it: at first with nothing under way.
    fn unheld<'a>(
        &self,
        latest: &'a mut BTreeMap<u32, Client>,
        id: u32,
        now: SimTime,
    ) -> &'a mut Client {
        latest
            .entry(id)
            .or_insert_with(|| self.clients.get(id).unheld(now))
    }

    fn future_of_copy(
        &self,
        server: usize,
        kept: &Kept,
        now: SimTime,
        only: Option<u32>,
        latest: &mut BTreeMap<u32, Client>,
        future: &mut Vec<FutureReceipt>,
    ) {
        let operation = &self.operations[kept.operation];
        let copy = self.copy_of(server, kept, operation);
        let start = Start::of(copy.started);
        let ids = self.recipients_of(server, kept);
        for (stretch, range) in copy.stretches(ids.len() as u32) {
            for index in range {
                let id = ids[index];
                if id == NOBODY || only.is_some_and(|connection| connection != id) {
                    continue;
                }
                let client = self.unheld(latest, id, now);
                let jitter = self.network.jitter();
                let (units, parts) = copy.one(&stretch, index as u32, id, *client, jitter);
                client.receive(start, units);
                let receipt = copy.started + SimDuration::from_nanos(units_ns(units));
                if receipt <= now {
                    continue;
                }
                let direct = Direct {
                    connection: id,
                    kind: operation.kind,
                    measured: operation.measured,
                    started: operation.started,
                    receipt,
                    units,
                    parts,
                    message: (operation.kind == Kind::Publish)
                        .then_some((operation.channel, operation.seq)),
                };
                future.push(FutureReceipt {
                    operation: Some(kept.operation),
                    direct,
                });
            }
        }
    }

    /// Enters one message to one client: an answer, a replayed message, an admission.
    pub(super) fn receive_direct(&mut self, server: usize, direct: Direct) {
        self.clients
            .set_last_receipt(direct.connection, direct.receipt);
        self.trace_direct(&direct);
        if direct.measured {
            let class = self.clients.get(direct.connection).place.class();
            self.ledger.kind(direct.kind).receive(
                direct.started,
                class,
                direct.units,
                &direct.parts,
            );
        }
        self.servers.servers[server].in_flight.push_direct(direct);
    }

    /// Lets go of what has been received.
    pub(super) fn flush(&mut self, server: usize, now: SimTime) {
        while let Some(kept) = self.servers.servers[server].in_flight.pop_received(now) {
            self.release(kept.operation);
        }
    }

    /// One copy or batch of an operation is done with; the last one ends it.
    pub(super) fn release(&mut self, id: OperationId) {
        let operation = &mut self.operations[id];
        operation.outstanding -= 1;
        if operation.outstanding > 0 {
            return;
        }
        let ended = *operation;
        if let Some(list) = ended.recipients {
            self.lists.remove(list);
        }
        self.ledger.copies_ended(&ended);
        if ended.kind == Kind::Edit {
            self.frame_over(id);
        }
        self.operations.remove(id);
    }

    /// Whether a copy found the inbox of its server full: it is dropped.
    pub(super) fn turned_away(
        &mut self,
        server: usize,
        copy: OperationId,
        planned: u32,
        now: SimTime,
    ) -> bool {
        let full = self.servers.is_full(server);
        if full {
            self.servers.servers[server].turned_away += 1;
            self.void_copy(server, copy, planned, now);
        }
        full
    }

    /// A copy that will never be written: its server died, or had no room for it.
    pub(super) fn void_copy(&mut self, server: usize, id: OperationId, planned: u32, now: SimTime) {
        let operation = self.operations[id];
        if operation.measured {
            self.ledger.kind(operation.kind).in_transit -= u64::from(planned);
        }
        if operation.kind == Kind::Publish {
            self.mark_void(
                operation.channel,
                operation.seq,
                ServerId(server as u16),
                now,
            );
        }
        self.forget_number(ServerId(server as u16), id);
        self.copy_over(id);
        self.release(id);
    }

    /// What was measured up to `now`: without the receipts that are entered already and lie in the future (by kind, they are
    /// in flight), and with the messages that are over, although older ones on their servers are not.
    pub(super) fn measured(&self, now: SimTime) -> (Ledger, [u64; Kind::ALL.len()]) {
        let mut ledger = self.ledger.clone();
        let in_flight = self.take_out_future(now, &mut ledger);
        let mut received = vec![0; self.operations.places()];
        for server in &self.servers.servers {
            for kept in server.in_flight.copies() {
                if kept.last_receipt <= now {
                    received[kept.operation as usize] += 1;
                }
            }
        }
        for (id, copies) in received.into_iter().enumerate() {
            let operation = &self.operations[id as OperationId];
            if copies > 0 && copies == operation.outstanding {
                ledger.copies_ended(operation);
                if operation.kind == Kind::Edit {
                    self.end_frame_in(id as OperationId, &mut ledger);
                }
            }
        }
        (ledger, in_flight)
    }

    /// Deliveries that were owed up to now and will not be received.
    pub(super) fn lost_deliveries(&self, now: SimTime) -> u64 {
        let ledger = &self.ledger;
        let fans_out = [Kind::Publish, Kind::Presence, Kind::Edit];
        let open = |kind: Kind| {
            let own = &ledger.kinds[kind.index()];
            own.owed.saturating_sub(own.received + own.in_transit)
        };
        let open: u64 = fans_out.into_iter().map(open).sum();
        // What is recorded as received and lies in the future counts as received: it is lost only when it is taken back.
        open.saturating_sub(self.held_for_absent(now, ledger))
    }

    fn take_out_future(&self, now: SimTime, ledger: &mut Ledger) -> [u64; Kind::ALL.len()] {
        let mut in_flight = [0; Kind::ALL.len()];
        for server in 0..self.servers.servers.len() {
            for FutureReceipt { operation, direct } in self.future_receipts(server, now, None) {
                if let (Kind::Edit, Some(id)) = (direct.kind, operation) {
                    in_flight[Kind::Edit.index()] += self.take_out_frame(id, &direct, ledger);
                }
                if !direct.measured {
                    continue;
                }
                let class = self.clients.get(direct.connection).place.class();
                let kind = ledger.kind(direct.kind);
                kind.void(direct.started, class, direct.units, &direct.parts);
                if direct.kind.is_answered() {
                    kind.unanswered(direct.started, direct.units);
                }
                in_flight[direct.kind.index()] += 1;
            }
        }
        in_flight
    }

    fn count_useful_polls(&mut self, started: SimTime, ids: &[u32], interval: SimDuration) {
        for (&id, &units) in ids.iter().zip(self.scratch.latencies()) {
            let receipt = started + SimDuration::from_nanos(units_ns(units));
            let tick = receipt.as_nanos() / interval.as_nanos();
            if self.useful_poll.insert(id, tick) != Some(tick) {
                self.ledger.useful_polls += 1;
            }
        }
    }
}
