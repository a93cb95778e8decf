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

use routing::{ChannelId, ConnectionId, ServerId};

use super::event::Work;
use super::ledger::units_ns;
use super::operation::{Kind, NOBODY, Operation, OperationId, Part, Parts};
use super::servers::Server;
use super::world::World;
use crate::delivery::Batch;
use crate::histogram::{MAX_UNITS, UNIT_NS, span_of, units_of};
use crate::scenario::Transport;
use crate::station::Completed;
use crate::time::{SimDuration, SimTime};

/// A copy that has been written: enough to compute its receipts again.
#[derive(Clone, Debug)]
pub struct Written {
    /// The operation.
    pub operation: OperationId,
    /// Its key, kept because the operation may end first.
    key: u64,
    started: SimTime,
    /// Whether it counts.
    pub measured: bool,
    kind: Kind,
    /// Its channel (or user) and number, for marking what was missed.
    channel: ChannelId,
    seq: routing::Seq,
    /// Time until the writing of the first recipient began.
    upstream: Parts,
    /// Per recipient, in 1/256 units.
    per_recipient: u32,
    /// Recipients before this one are written before the pause.
    pause_at: u32,
    /// Length of the pause inside the service.
    pause: SimDuration,
    /// Recipients.
    count: u32,
    /// Written down when membership changed since; otherwise they are the channel's members on the server.
    recipients: Option<Vec<u32>>,
    /// Bytes of one copy on the wire.
    wire_bytes: u32,
    /// Last receipt.
    pub last_receipt: SimTime,
}

/// Reused memory of the delivery loop.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    ids: Vec<u32>,
    base: Vec<u32>,
    floor: Vec<u32>,
    receipts: crate::delivery::Receipts,
    latencies: Vec<u32>,
}

impl World {
    /// A copy has been served: writes it to the local recipients.
    pub(super) fn write_copy(&mut self, server: usize, copy: OperationId, planned: u32, done: &Completed<Work>) {
        let operation = self.operations[copy];
        let mut ids = core::mem::take(&mut self.scratch.ids);
        ids.clear();
        ids.extend(self.local_recipients(server, &operation).iter().map(|id| id.0));
        self.servers.servers[server].copies += 1;
        if operation.measured {
            self.ledger.kind(operation.kind).in_transit -= u64::from(planned);
        }
        self.settle_churn(server, &operation, &mut ids);
        if ids.is_empty() {
            self.servers.servers[server].wasted_copies += u64::from(planned == 0);
            self.scratch.ids = ids;
            self.release(copy);
            return;
        }
        let written = self.written(server, copy, &operation, ids.len() as u32, done);
        let last = self.enter_receipts(&written, &ids);
        let pending = &mut self.servers.servers[server];
        pending.bytes_out += u64::from(written.wire_bytes) * ids.len() as u64;
        pending.written.push_back(Written { last_receipt: last, ..written });
        self.ledger.egress_bytes += u64::from(written_bytes(&operation, self)) * ids.len() as u64;
        self.deliveries += ids.len() as u64;
        self.scratch.ids = ids;
        let operation = &mut self.operations[copy];
        operation.last_receipt = operation.last_receipt.max(last);
        self.flush(server, done.finished);
    }

    fn written(&self, server: usize, copy: OperationId, operation: &Operation, count: u32, done: &Completed<Work>) -> Written {
        let bytes = self.payload_bytes(operation.kind);
        let copy_cost = self.servers.copy();
        let deliver = self.servers.deliver(bytes);
        let demand = copy_cost + deliver * u64::from(count);
        let factor = done.service.as_nanos() as f64 / demand.as_nanos().max(1) as f64;
        let served_copy = copy_cost.scaled(factor);
        let per_recipient_ns = deliver.as_nanos() as f64 * factor;
        let mut upstream = operation.parts;
        upstream.add(self.transit_part(), done.arrived.saturating_since(operation.mark + self.network.server_link()));
        upstream.add(Part::Link, self.copy_link(operation, server));
        upstream.add(Part::ServerQueue, done.waited());
        upstream.add(Part::ServerService, served_copy);
        let before_pause = done.paused_after.saturating_sub(served_copy).as_nanos() as f64 / per_recipient_ns.max(1.0);
        Written {
            operation: copy,
            key: operation.key(),
            started: operation.started,
            measured: operation.measured,
            kind: operation.kind,
            channel: operation.channel,
            seq: operation.seq,
            upstream,
            per_recipient: (per_recipient_ns * 256.0 / UNIT_NS as f64) as u32,
            pause_at: if done.paused.is_zero() { count } else { (before_pause as u32).min(count) },
            pause: done.paused,
            count,
            recipients: None,
            wire_bytes: written_bytes(operation, self),
            last_receipt: SimTime::ZERO,
        }
    }

    /// Computes the receipts of a batch and enters them; returns the last.
    fn enter_receipts(&mut self, written: &Written, ids: &[u32]) -> SimTime {
        let mut latencies = core::mem::take(&mut self.scratch.latencies);
        latencies.clear();
        self.latencies(written, ids, written.count, &mut latencies);
        let mut last = written.started;
        for (index, (&id, &units)) in ids.iter().zip(&latencies).enumerate() {
            let client = self.clients.get_mut(id);
            let receipt = written.started + SimDuration::from_nanos(units_ns(units));
            client.last_receipt = client.last_receipt.max(receipt);
            last = last.max(receipt);
            if written.measured {
                let class = client.class;
                let parts = self.parts_of(written, index as u32, id, units);
                self.ledger.kind(written.kind).receive(class, units, &parts);
            }
        }
        if let Transport::Poll { interval } = self.scenario.load.transport
            && written.measured
        {
            self.count_useful_polls(written, ids, &latencies, interval);
        }
        self.operations[written.operation].received += ids.len() as u64;
        self.scratch.latencies = latencies;
        last
    }

    /// Latencies of the recipients `ids` of a batch, in units: one kernel call before the pause and one after it.
    fn latencies(&mut self, written: &Written, ids: &[u32], count: u32, out: &mut Vec<u32>) {
        let before = written.pause_at.min(count) as usize;
        let upstream_ns: u64 = written.upstream.0.iter().sum();
        self.kernel_call(written, &ids[..before], upstream_ns, out);
        if before < ids.len() {
            let done_ns = before as u64 * u64::from(written.per_recipient) * UNIT_NS / 256;
            self.kernel_call(written, &ids[before..], upstream_ns + written.pause.as_nanos() + done_ns, out);
        }
    }

    fn kernel_call(&mut self, written: &Written, ids: &[u32], wait_ns: u64, out: &mut Vec<u32>) {
        let scratch = &mut self.scratch;
        scratch.base.clear();
        scratch.floor.clear();
        for &id in ids {
            let client = self.clients.get(id);
            let order = client.last_receipt.saturating_since(written.started);
            let asked = match self.scenario.load.transport {
                Transport::Poll { interval } => next_poll(id, interval, written.started, wait_ns) + span_of(client.base_units.into()),
                Transport::WebSocket | Transport::Sse | Transport::LongPoll { .. } => SimDuration::ZERO,
            };
            scratch.base.push(client.base_units + self.network.jitter_units(client.class, written.key, id));
            scratch.floor.push(units_of(order.max(asked)));
        }
        let batch = Batch {
            wait_units: units_of(SimDuration::from_nanos(wait_ns)),
            per_recipient_units_256: written.per_recipient,
            message_key: written.key,
            recipients: ids,
            base_units: &scratch.base,
            floor_units: &scratch.floor,
        };
        self.kernel.deliver(&batch, &self.no_jitter, &mut scratch.receipts);
        out.extend_from_slice(&scratch.receipts.latency_units);
    }

    /// What one recipient's latency consists of; adds up to it to the nanosecond.
    fn parts_of(&self, written: &Written, index: u32, id: u32, units: u32) -> Parts {
        let total = units_ns(units);
        let mut parts = written.upstream;
        let position = if index < written.pause_at { index } else { index - written.pause_at };
        let mut before = written.upstream.0.iter().sum::<u64>();
        if index >= written.pause_at && !written.pause.is_zero() {
            parts.add(Part::ServerPause, written.pause);
            let first = u64::from(written.pause_at) * u64::from(written.per_recipient) * UNIT_NS / 256;
            parts.add(Part::FanOut, SimDuration::from_nanos(first));
            before += written.pause.as_nanos() + first;
        }
        let wait = units_of(SimDuration::from_nanos(before));
        let own = (u64::from(position + 1) * u64::from(written.per_recipient) / 256) as u32;
        parts.add(Part::FanOut, SimDuration::from_nanos(units_ns(own)));
        let client = self.clients.get(id);
        let downlink = client.base_units + self.network.jitter_units(client.class, written.key, id);
        let free = wait + own + downlink;
        let held = units.saturating_sub(free);
        let held_part = match self.scenario.load.transport {
            Transport::Poll { .. } => Part::Poll,
            Transport::WebSocket | Transport::Sse | Transport::LongPoll { .. } => Part::Order,
        };
        parts.add(held_part, SimDuration::from_nanos(units_ns(held)));
        let so_far: u64 = parts.0.iter().sum();
        parts.add(Part::Downlink, SimDuration::from_nanos(total.saturating_sub(so_far)));
        parts
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
    fn settle_churn(&mut self, server: usize, operation: &Operation, ids: &mut Vec<u32>) {
        let newest = self.servers.servers[server].churn.back().map(|&(at, _, _)| at);
        if newest.is_none_or(|at| at < operation.sequenced) {
            return;
        }
        let since = |s: &Server| s.churn.partition_point(|&(at, _, _)| at < operation.sequenced);
        let first = since(&self.servers.servers[server]);
        for index in first..self.servers.servers[server].churn.len() {
            let (_, connection, came) = self.servers.servers[server].churn[index];
            if came {
                ids.retain(|&id| id != connection);
            } else if operation.recipients.is_none() && self.hub.directory().contains(operation.channel, ConnectionId(connection)) {
                self.mark_missed(operation.channel, operation.seq, connection);
            }
        }
    }

    /// Before members of channels on a server change: writes down who the kept batches went to.
    pub(super) fn before_churn(&mut self, server: usize) {
        let mut written = core::mem::take(&mut self.servers.servers[server].written);
        for batch in written.iter_mut().rev() {
            if batch.recipients.is_some() {
                break;
            }
            let operation = self.operations[batch.operation];
            let members = self.local_recipients(server, &operation);
            batch.recipients = Some(members.iter().map(|id| id.0).collect());
        }
        self.servers.servers[server].written = written;
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
        let written = core::mem::take(&mut self.servers.servers[server].written);
        let mut latest = std::collections::BTreeMap::new();
        for batch in &written {
            let Some(ids) = &batch.recipients else { continue };
            for (index, units) in self.future_receipts(batch, ids, now, only, &mut latest) {
                self.take_back(batch, index, ids[index as usize], units);
            }
        }
        self.servers.servers[server].written = written;
        for id in latest.into_keys() {
            self.clients.get_mut(id).last_receipt = now;
        }
    }

    /// Recipients of a batch whose receipt lies after `now`, with their latency. `latest` carries each connection's last
    /// future receipt from batch to batch, since TCP keeps their order.
    fn future_receipts(
        &self,
        batch: &Written,
        ids: &[u32],
        now: SimTime,
        only: Option<u32>,
        latest: &mut std::collections::BTreeMap<u32, SimTime>,
    ) -> Vec<(u32, u32)> {
        let mut future = Vec::new();
        for (index, &id) in ids.iter().enumerate() {
            if only.is_some_and(|connection| connection != id) {
                continue;
            }
            let free = self.free_latency(batch, index as u32, id);
            let floor = latest.get(&id).map_or(SimDuration::ZERO, |at: &SimTime| at.saturating_since(batch.started));
            let units = free.max(units_of(floor)).min(MAX_UNITS);
            let receipt = batch.started + SimDuration::from_nanos(units_ns(units));
            if receipt > now {
                latest.insert(id, receipt);
                future.push((index as u32, units));
            }
        }
        future
    }

    /// Latency of one recipient were it not for order, in units: what the kernel computes.
    fn free_latency(&self, batch: &Written, index: u32, id: u32) -> u32 {
        let client = self.clients.get(id);
        let mut wait_ns: u64 = batch.upstream.0.iter().sum();
        let mut position = index;
        if index >= batch.pause_at {
            position = index - batch.pause_at;
            wait_ns += batch.pause.as_nanos() + u64::from(batch.pause_at) * u64::from(batch.per_recipient) * UNIT_NS / 256;
        }
        let own = (u64::from(position + 1) * u64::from(batch.per_recipient) / 256) as u32;
        let free = units_of(SimDuration::from_nanos(wait_ns)) + own + client.base_units + self.network.jitter_units(client.class, batch.key, id);
        match self.scenario.load.transport {
            Transport::Poll { interval } => {
                let asked = next_poll(id, interval, batch.started, wait_ns) + span_of(client.base_units.into());
                free.max(units_of(asked))
            }
            Transport::WebSocket | Transport::Sse | Transport::LongPoll { .. } => free,
        }
    }

    fn take_back(&mut self, batch: &Written, index: u32, id: u32, units: u32) {
        self.operations[batch.operation].received -= 1;
        if batch.measured {
            let parts = self.parts_of(batch, index, id, units);
            let class = self.clients.get(id).class;
            self.ledger.kind(batch.kind).void(class, units, &parts);
        }
        if batch.kind == Kind::Publish {
            self.mark_missed(batch.channel, batch.seq, id);
        }
    }

    /// Lets go of batches whose last receipt is past.
    pub(super) fn flush(&mut self, server: usize, now: SimTime) {
        while let Some(batch) = self.servers.servers[server].written.front() {
            if batch.last_receipt > now {
                return;
            }
            let operation = batch.operation;
            self.servers.servers[server].written.pop_front();
            self.release(operation);
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
        if ended.measured && ended.received >= ended.owed {
            let ledger = self.ledger.kind(ended.kind);
            ledger.completed += 1;
            if ended.owed > 0 {
                ledger.complete.record(ended.last_receipt.saturating_since(ended.started));
            }
        }
        self.operations.remove(id);
    }

    /// A copy that will never be written: its server died.
    pub(super) fn void_copy(&mut self, server: usize, id: OperationId, planned: u32) {
        let operation = self.operations[id];
        if operation.measured {
            self.ledger.kind(operation.kind).in_transit -= u64::from(planned);
        }
        if operation.kind == Kind::Publish {
            self.mark_void(operation.channel, operation.seq, ServerId(server as u16));
        }
        self.release(id);
    }

    /// Receipts entered that lie after `now`, of measured operations, by kind: they are in flight. Takes them out of `ledger`.
    pub(super) fn take_out_future(&self, now: SimTime, ledger: &mut super::ledger::Ledger) -> [u64; 4] {
        let mut in_flight = [0; 4];
        for (server, state) in self.servers.servers.iter().enumerate() {
            let mut latest = std::collections::BTreeMap::new();
            for batch in &state.written {
                if batch.last_receipt <= now {
                    continue;
                }
                let members: Vec<u32> = match &batch.recipients {
                    Some(ids) => ids.clone(),
                    None => self.local_recipients(server, &self.operations[batch.operation]).iter().map(|id| id.0).collect(),
                };
                for (index, units) in self.future_receipts(batch, &members, now, None, &mut latest) {
                    if !batch.measured {
                        continue;
                    }
                    let id = members[index as usize];
                    let parts = self.parts_of(batch, index, id, units);
                    ledger.kind(batch.kind).void(self.clients.get(id).class, units, &parts);
                    in_flight[batch.kind.index()] += 1;
                }
            }
        }
        in_flight
    }

    /// The part between the previous station and the server's door.
    fn transit_part(&self) -> Part {
        match self.scenario.design.routing {
            routing::RoutingMode::Local => Part::DatabaseService,
            routing::RoutingMode::ChannelOwner => Part::OwnerService,
            routing::RoutingMode::Broadcast | routing::RoutingMode::Interest => Part::BrokerService,
        }
    }

    fn copy_link(&self, operation: &Operation, _server: usize) -> SimDuration {
        match self.scenario.design.routing {
            routing::RoutingMode::Local if operation.origin != NOBODY => SimDuration::ZERO,
            _ => self.network.server_link(),
        }
    }

    fn count_useful_polls(&mut self, written: &Written, ids: &[u32], latencies: &[u32], interval: SimDuration) {
        for (&id, &units) in ids.iter().zip(latencies) {
            let receipt = written.started + SimDuration::from_nanos(units_ns(units));
            let tick = receipt.as_nanos() / interval.as_nanos();
            if self.useful_poll.insert(id, tick) != Some(tick) {
                self.ledger.useful_polls += 1;
            }
        }
    }
}

/// Wire bytes of one copy to one client.
fn written_bytes(operation: &Operation, world: &World) -> u32 {
    world.wire_bytes(operation.kind)
}

/// Latency at which the first poll of a client leaves the server again, for a message written `wait_ns` after its start:
/// the poll that is served next, counted from the operation's start.
fn next_poll(id: u32, interval: SimDuration, started: SimTime, wait_ns: u64) -> SimDuration {
    let every = interval.as_nanos();
    let phase = crate::draw::mix(u64::from(id)) % every;
    let ready = started.as_nanos() + wait_ns;
    let next = (ready + every - 1).saturating_sub(phase) / every * every + phase;
    SimDuration::from_nanos(next.saturating_sub(started.as_nanos()))
}
