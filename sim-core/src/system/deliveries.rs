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
    /// Written down when membership changed since; otherwise they are the channel's members on the server.
    recipients: Option<Vec<u32>>,
    /// Bytes of one copy on the wire.
    wire_bytes: u32,
    /// Last receipt.
    pub last_receipt: SimTime,
}

/// Reused memory of the delivery loop; one entry per recipient.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    class: Vec<u8>,
    /// Base delay and jitter, in units.
    downlink: Vec<u32>,
    floor: Vec<u32>,
    latencies: Vec<u32>,
    receipts: crate::delivery::Receipts,
}

impl Scratch {
    fn clear(&mut self) {
        self.class.clear();
        self.downlink.clear();
        self.floor.clear();
        self.latencies.clear();
    }
}

/// How the latency of a batch's recipients splits: what all share, and where a pause falls.
struct Split {
    upstream_ns: u64,
    /// Writing time of those before the pause, and the pause itself.
    written_before_ns: u64,
    pause_ns: u64,
    poll: Option<SimDuration>,
}

impl Split {
    fn of(written: &Written, transport: Transport) -> Self {
        let poll = match transport {
            Transport::Poll { interval } => Some(interval),
            Transport::WebSocket | Transport::Sse | Transport::LongPoll { .. } => None,
        };
        Self {
            upstream_ns: written.upstream.0.iter().sum(),
            written_before_ns: u64::from(written.pause_at)
                * u64::from(written.per_recipient)
                * UNIT_NS
                / 256,
            pause_ns: written.pause.as_nanos(),
            poll,
        }
    }

    /// Time until the writing of recipient `index`, or of the first one after the pause, begins.
    fn wait_ns(&self, written: &Written, index: u32) -> u64 {
        if index < written.pause_at {
            self.upstream_ns
        } else {
            self.upstream_ns + self.written_before_ns + self.pause_ns
        }
    }

    /// Writing time from there to recipient `index`, in units, as the kernel counts it.
    fn own_units(written: &Written, index: u32) -> u32 {
        let position = if index < written.pause_at {
            index
        } else {
            index - written.pause_at
        };
        (u64::from(position + 1) * u64::from(written.per_recipient) / 256) as u32
    }

    /// Latency of a recipient were it not for order, in units: what the kernel computes.
    fn free_units(&self, written: &Written, index: u32, downlink: u32) -> u32 {
        units_of(SimDuration::from_nanos(self.wait_ns(written, index)))
            + Self::own_units(written, index)
            + downlink
    }

    /// What one recipient's latency consists of; adds up to it to the nanosecond.
    #[inline]
    fn parts(&self, written: &Written, index: u32, downlink: u32, units: u32) -> Parts {
        let own = units_ns(Self::own_units(written, index));
        let held = units_ns(units.saturating_sub(self.free_units(written, index, downlink)));
        let mut parts = written.upstream;
        let mut fan_out = own;
        if index >= written.pause_at && self.pause_ns > 0 {
            fan_out += self.written_before_ns;
            parts.0[Part::ServerPause as usize] += self.pause_ns;
        }
        parts.0[Part::FanOut as usize] += fan_out;
        let held_part = if self.poll.is_some() {
            Part::Poll
        } else {
            Part::Order
        };
        parts.0[held_part as usize] += held;
        let so_far = self.wait_ns(written, index) + own + held;
        parts.0[Part::Downlink as usize] += units_ns(units).saturating_sub(so_far);
        parts
    }
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
        self.settle_churn(server, &operation, &mut ids);
        if ids.is_empty() {
            self.servers.servers[server].wasted_copies += u64::from(planned == 0);
            self.recipients = ids;
            self.release(copy);
            return;
        }
        let written = self.written(server, copy, &operation, ids.len() as u32, done);
        let last = self.enter_receipts(&written, &ids);
        let pending = &mut self.servers.servers[server];
        pending.bytes_out += u64::from(written.wire_bytes) * ids.len() as u64;
        pending.written.push_back(Written {
            last_receipt: last,
            ..written
        });
        self.ledger.egress_bytes += u64::from(written_bytes(&operation, self)) * ids.len() as u64;
        self.deliveries += ids.len() as u64;
        self.recipients = ids;
        let operation = &mut self.operations[copy];
        operation.last_receipt = operation.last_receipt.max(last);
        self.flush(server, done.finished);
    }

    fn written(
        &self,
        server: usize,
        copy: OperationId,
        operation: &Operation,
        count: u32,
        done: &Completed<Work>,
    ) -> Written {
        let bytes = self.payload_bytes(operation.kind);
        let copy_cost = self.servers.copy();
        let deliver = self.servers.deliver(bytes);
        let demand = copy_cost + deliver * u64::from(count);
        let factor = done.service.as_nanos() as f64 / demand.as_nanos().max(1) as f64;
        let served_copy = copy_cost.scaled(factor);
        let per_recipient_ns = deliver.as_nanos() as f64 * factor;
        let mut upstream = operation.parts;
        upstream.add(
            self.transit_part(),
            done.arrived
                .saturating_since(operation.mark + self.network.server_link()),
        );
        upstream.add(Part::Link, self.copy_link(operation, server));
        upstream.add(Part::ServerQueue, done.waited());
        upstream.add(Part::ServerService, served_copy);
        let before_pause = done.paused_after.saturating_sub(served_copy).as_nanos() as f64
            / per_recipient_ns.max(1.0);
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
            pause_at: if done.paused.is_zero() {
                count
            } else {
                (before_pause as u32).min(count)
            },
            pause: done.paused,
            recipients: None,
            wire_bytes: written_bytes(operation, self),
            last_receipt: SimTime::ZERO,
        }
    }

    /// Computes the receipts of a batch and enters them; returns the last.
    fn enter_receipts(&mut self, written: &Written, ids: &[u32]) -> SimTime {
        let mut scratch = core::mem::take(&mut self.scratch);
        self.latencies(written, ids, &mut scratch);
        let mut longest = 0;
        for (&id, &units) in ids.iter().zip(&scratch.latencies) {
            self.clients.set_last_receipt(
                id,
                written.started + SimDuration::from_nanos(units_ns(units)),
            );
            longest = longest.max(units);
        }
        if written.measured {
            let ledger = &mut self.ledger.kinds[written.kind.index()];
            let split = Split::of(written, self.scenario.load.transport);
            for (index, &units) in scratch.latencies.iter().enumerate() {
                let parts = split.parts(written, index as u32, scratch.downlink[index], units);
                ledger.receive(scratch.class[index], units, &parts);
            }
            if let Transport::Poll { interval } = self.scenario.load.transport {
                self.count_useful_polls(written, ids, &scratch.latencies, interval);
            }
        }
        self.operations[written.operation].received += ids.len() as u64;
        self.scratch = scratch;
        written.started + SimDuration::from_nanos(units_ns(longest))
    }

    /// Latencies of the recipients `ids` of a batch, in units: one kernel call before the pause and one after it.
    fn latencies(&self, written: &Written, ids: &[u32], scratch: &mut Scratch) {
        let split = Split::of(written, self.scenario.load.transport);
        scratch.clear();
        for (index, &id) in ids.iter().enumerate() {
            let client = self.clients.get(id);
            let order = client.last_receipt.saturating_since(written.started);
            let floor = match split.poll {
                Some(interval) => {
                    let ready = next_poll(
                        id,
                        interval,
                        written.started,
                        split.wait_ns(written, index as u32),
                    );
                    order.max(ready + span_of(client.base_units.into()))
                }
                None => order,
            };
            scratch.class.push(client.class);
            scratch
                .downlink
                .push(client.base_units + self.network.jitter_units(client.class, written.key, id));
            scratch.floor.push(units_of(floor));
        }
        let before = (written.pause_at as usize).min(ids.len());
        for range in [0..before, before..ids.len()] {
            if range.is_empty() {
                continue;
            }
            let batch = Batch {
                wait_units: units_of(SimDuration::from_nanos(
                    split.wait_ns(written, range.start as u32),
                )),
                per_recipient_units_256: written.per_recipient,
                message_key: written.key,
                recipients: &ids[range.clone()],
                base_units: &scratch.downlink[range.clone()],
                floor_units: &scratch.floor[range],
            };
            self.kernel
                .deliver(&batch, &self.no_jitter, &mut scratch.receipts);
            scratch
                .latencies
                .extend_from_slice(&scratch.receipts.latency_units);
        }
    }

    /// Base delay and jitter of one recipient, in units.
    fn downlink(&self, batch: &Written, id: u32) -> u32 {
        let client = self.clients.get(id);
        client.base_units + self.network.jitter_units(client.class, batch.key, id)
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
        let newest = self.servers.servers[server]
            .churn
            .back()
            .map(|&(at, _, _)| at);
        if newest.is_none_or(|at| at < operation.sequenced) {
            return;
        }
        let since = |s: &Server| {
            s.churn
                .partition_point(|&(at, _, _)| at < operation.sequenced)
        };
        let first = since(&self.servers.servers[server]);
        for index in first..self.servers.servers[server].churn.len() {
            let (_, connection, came) = self.servers.servers[server].churn[index];
            if came {
                ids.retain(|&id| id != connection);
            } else if operation.recipients.is_none()
                && self
                    .hub
                    .directory()
                    .contains(operation.channel, ConnectionId(connection))
            {
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
            let Some(ids) = &batch.recipients else {
                continue;
            };
            for (index, units) in self.future_receipts(batch, ids, now, only, &mut latest) {
                self.take_back(batch, index, ids[index as usize], units);
            }
        }
        self.servers.servers[server].written = written;
        for id in latest.into_keys() {
            self.clients.set_last_receipt(id, now);
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
        let split = Split::of(batch, self.scenario.load.transport);
        for (index, &id) in ids.iter().enumerate() {
            if only.is_some_and(|connection| connection != id) {
                continue;
            }
            let index = index as u32;
            let mut units = split.free_units(batch, index, self.downlink(batch, id));
            if let Some(interval) = split.poll {
                let ready = next_poll(id, interval, batch.started, split.wait_ns(batch, index));
                units = units.max(units_of(
                    ready + span_of(self.clients.get(id).base_units.into()),
                ));
            }
            let before = latest.get(&id).map_or(SimDuration::ZERO, |at: &SimTime| {
                at.saturating_since(batch.started)
            });
            units = units.max(units_of(before)).min(MAX_UNITS);
            let receipt = batch.started + SimDuration::from_nanos(units_ns(units));
            if receipt > now {
                latest.insert(id, receipt);
                future.push((index, units));
            }
        }
        future
    }

    fn take_back(&mut self, batch: &Written, index: u32, id: u32, units: u32) {
        self.operations[batch.operation].received -= 1;
        if batch.measured {
            let split = Split::of(batch, self.scenario.load.transport);
            let parts = split.parts(batch, index, self.downlink(batch, id), units);
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
                ledger
                    .complete
                    .record(ended.last_receipt.saturating_since(ended.started));
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
    pub(super) fn take_out_future(
        &self,
        now: SimTime,
        ledger: &mut super::ledger::Ledger,
    ) -> [u64; 4] {
        let mut in_flight = [0; 4];
        for (server, state) in self.servers.servers.iter().enumerate() {
            let mut latest = std::collections::BTreeMap::new();
            for batch in &state.written {
                if batch.last_receipt <= now {
                    continue;
                }
                let members: Vec<u32> = match &batch.recipients {
                    Some(ids) => ids.clone(),
                    None => self
                        .local_recipients(server, &self.operations[batch.operation])
                        .iter()
                        .map(|id| id.0)
                        .collect(),
                };
                for (index, units) in self.future_receipts(batch, &members, now, None, &mut latest)
                {
                    if !batch.measured {
                        continue;
                    }
                    let id = members[index as usize];
                    let split = Split::of(batch, self.scenario.load.transport);
                    let parts = split.parts(batch, index, self.downlink(batch, id), units);
                    ledger
                        .kind(batch.kind)
                        .void(self.clients.get(id).class, units, &parts);
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

    fn count_useful_polls(
        &mut self,
        written: &Written,
        ids: &[u32],
        latencies: &[u32],
        interval: SimDuration,
    ) {
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
