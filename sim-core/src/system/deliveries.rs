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

use super::clients::Client;
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

/// A copy that has been written, as it is kept: what its operation does not know. Millions lie about at once.
#[derive(Clone, Debug)]
pub struct Kept {
    operation: OperationId,
    per_recipient: u32,
    pause_at: u32,
    pause: SimDuration,
    /// From the previous station to the server's door, less the link.
    transit: SimDuration,
    waited: SimDuration,
    /// Service before the first recipient.
    served: SimDuration,
    /// Written down when membership changed since; otherwise they are the channel's members on the server. Connections that
    /// went are [`NOBODY`]: the others keep their positions.
    recipients: Option<Box<[u32]>>,
    last_receipt: SimTime,
}

/// A copy that is written, with all that its receipts depend on.
#[derive(Clone, Debug)]
struct Written {
    operation: OperationId,
    /// Key of its draws.
    key: u64,
    started: SimTime,
    measured: bool,
    kind: Kind,
    /// Time until the writing of the first recipient began.
    upstream: Parts,
    /// Per recipient, in 1/256 units.
    per_recipient: u32,
    /// Recipients before this one are written before the pause.
    pause_at: u32,
    /// Length of the pause inside the service.
    pause: SimDuration,
}

/// Something sent to clients whose last receipt may lie in the future.
#[derive(Clone, Debug)]
pub enum Pending {
    /// A copy for all local recipients.
    Copy(Kept),
    /// One message to one client: an answer, a replayed message, an admission.
    Direct(Box<Direct>),
}

/// One message to one client.
#[derive(Clone, Copy, Debug)]
pub struct Direct {
    /// To whom.
    pub connection: u32,
    /// What it belongs to.
    pub kind: Kind,
    /// Whether it counts.
    pub measured: bool,
    /// When it arrives.
    pub receipt: SimTime,
    /// Its latency, in units.
    pub units: u32,
    /// What the latency consists of.
    pub parts: Parts,
    /// The message, when it is a replayed one.
    pub message: Option<(ChannelId, routing::Seq)>,
}

impl Pending {
    fn last_receipt(&self) -> SimTime {
        match self {
            Pending::Copy(kept) => kept.last_receipt,
            Pending::Direct(direct) => direct.receipt,
        }
    }

    /// Lets it not count; a copy counts as its operation does.
    pub fn forget_measured(&mut self) {
        if let Pending::Direct(direct) = self {
            direct.measured = false;
        }
    }
}

/// A receipt that has been entered and lies in the future.
struct FutureReceipt {
    operation: Option<OperationId>,
    direct: Direct,
}

/// Reused memory of the delivery loop; one entry per recipient.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    clients: Vec<Client>,
    /// Base delay and jitter, in units.
    downlink: Vec<u32>,
    floor: Vec<u32>,
    latencies: Vec<u32>,
    /// Parts that all recipients share, if not zero.
    shared: Vec<(usize, u64)>,
    receipts: crate::delivery::Receipts,
}

impl Scratch {
    fn clear(&mut self) {
        self.clients.clear();
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

    /// What one recipient's latency consists of beside what all share; adds up to it to the nanosecond.
    #[inline]
    fn own(&self, written: &Written, index: u32, downlink: u32, units: u32) -> [(usize, u64); 4] {
        let own = units_ns(Self::own_units(written, index));
        let wait = self.wait_ns(written, index);
        let free =
            units_of(SimDuration::from_nanos(wait)) + Self::own_units(written, index) + downlink;
        let held = units_ns(units.saturating_sub(free));
        let (before, pause) = if index < written.pause_at {
            (0, 0)
        } else {
            (self.written_before_ns, self.pause_ns)
        };
        let held_part = if self.poll.is_some() {
            Part::Poll
        } else {
            Part::Order
        };
        let downlink_ns = units_ns(units).saturating_sub(wait + own + held);
        [
            (Part::FanOut as usize, own + before),
            (Part::ServerPause as usize, pause),
            (held_part as usize, held),
            (Part::Downlink as usize, downlink_ns),
        ]
    }

    /// All that one recipient's latency consists of.
    fn parts(&self, written: &Written, index: u32, downlink: u32, units: u32) -> Parts {
        let mut parts = written.upstream;
        for (part, ns) in self.own(written, index, downlink, units) {
            parts.0[part] += ns;
        }
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
        self.settle_churn(server, &operation, &mut ids, done.finished);
        if ids.is_empty() {
            self.servers.servers[server].wasted_copies += u64::from(planned == 0);
            self.recipients = ids;
            self.release(copy);
            return;
        }
        let mut kept = self.kept(copy, &operation, ids.len() as u32, done);
        let written = self.written(&kept, &operation);
        kept.last_receipt = self.enter_receipts(&written, &ids);
        let last = kept.last_receipt;
        let bytes = u64::from(self.wire_bytes(operation.kind)) * ids.len() as u64;
        let state = &mut self.servers.servers[server];
        state.bytes_out += bytes;
        state.written.push_back(Pending::Copy(kept));
        self.ledger.egress_bytes += bytes;
        self.deliveries += ids.len() as u64;
        self.recipients = ids;
        let operation = &mut self.operations[copy];
        operation.last_receipt = operation.last_receipt.max(last);
        self.flush(server, done.finished);
    }

    /// What is kept of a copy that has been served for `count` recipients.
    fn kept(
        &self,
        copy: OperationId,
        operation: &Operation,
        count: u32,
        done: &Completed<Work>,
    ) -> Kept {
        let copy_cost = self.servers.copy();
        let deliver = self.servers.deliver(self.payload_bytes(operation.kind));
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
                .saturating_since(operation.mark + self.network.server_link()),
            waited: done.waited(),
            served,
            recipients: None,
            last_receipt: SimTime::ZERO,
        }
    }

    /// A kept copy with what its operation knows.
    fn written(&self, kept: &Kept, operation: &Operation) -> Written {
        let mut upstream = operation.parts;
        upstream.add(self.transit_part(), kept.transit);
        upstream.add(Part::Link, self.copy_link(operation));
        upstream.add(Part::ServerQueue, kept.waited);
        upstream.add(Part::ServerService, kept.served);
        Written {
            operation: kept.operation,
            key: operation.key(),
            started: operation.started,
            measured: operation.measured,
            kind: operation.kind,
            upstream,
            per_recipient: kept.per_recipient,
            pause_at: kept.pause_at,
            pause: kept.pause,
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
            scratch.shared.clear();
            let shared = written.upstream.0.iter().copied().enumerate();
            scratch.shared.extend(shared.filter(|&(_, ns)| ns > 0));
            for (index, &units) in scratch.latencies.iter().enumerate() {
                let own = split.own(written, index as u32, scratch.downlink[index], units);
                ledger.receive_causes(scratch.clients[index].class, units, &scratch.shared, &own);
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
        // A pass of its own that does nothing else: the rows lie anywhere in memory, and so are fetched side by side.
        scratch
            .clients
            .extend(ids.iter().map(|&id| self.clients.get(id)));
        for (index, (&id, client)) in ids.iter().zip(&scratch.clients).enumerate() {
            let order = client.last_receipt.saturating_since(written.started);
            let floor = match split.poll {
                Some(interval) => {
                    let wait_ns = split.wait_ns(written, index as u32);
                    let ready = next_poll(id, interval, written.started, wait_ns);
                    order.max(ready + span_of(client.base_units.into()))
                }
                None => order,
            };
            let jitter = self.network.jitter_units(client.class, written.key, id);
            scratch.downlink.push(client.base_units + jitter);
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
    fn settle_churn(
        &mut self,
        server: usize,
        operation: &Operation,
        ids: &mut Vec<u32>,
        now: SimTime,
    ) {
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
                self.mark_missed(operation.channel, operation.seq, connection, now);
            }
        }
    }

    /// Before members of channels on a server change: writes down who the kept batches went to.
    pub(super) fn before_churn(&mut self, server: usize) {
        let mut pending = core::mem::take(&mut self.servers.servers[server].written);
        let copies = pending
            .iter_mut()
            .rev()
            .filter_map(|pending| match pending {
                Pending::Copy(kept) => Some(kept),
                Pending::Direct(_) => None,
            });
        for kept in copies {
            if kept.recipients.is_some() {
                break;
            }
            kept.recipients = Some(self.recipients_of(server, kept).into_boxed_slice());
        }
        self.servers.servers[server].written = pending;
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
            }
            if direct.measured {
                let class = self.clients.get(direct.connection).class;
                let ledger = self.ledger.kind(direct.kind);
                ledger.void(class, direct.units, &direct.parts);
                if matches!(direct.kind, Kind::Query | Kind::Connect) {
                    ledger.completed -= 1;
                    ledger.failed += 1;
                }
            }
            if let Some((channel, seq)) = direct.message {
                self.mark_missed(channel, seq, direct.connection, now);
            }
            self.clients.set_last_receipt(direct.connection, now);
        }
        match only {
            Some(connection) => self.strike_out(server, connection, now),
            None => self.flush(server, SimTime::MAX),
        }
    }

    /// A connection's receipts after `now` have been taken back: its pending messages know it no longer.
    fn strike_out(&mut self, server: usize, connection: u32, now: SimTime) {
        for pending in &mut self.servers.servers[server].written {
            match pending {
                Pending::Copy(kept) => {
                    let ids = kept.recipients.iter_mut().flat_map(|ids| ids.iter_mut());
                    ids.filter(|id| **id == connection)
                        .for_each(|id| *id = NOBODY);
                }
                Pending::Direct(direct) if direct.connection == connection => {
                    direct.receipt = direct.receipt.min(now);
                }
                Pending::Direct(_) => {}
            }
        }
    }

    /// Receipts of a server's pending messages that lie after `now`, computed again from the keyed draws. Each connection's
    /// last future receipt is carried from message to message, since TCP keeps their order.
    fn future_receipts(
        &self,
        server: usize,
        now: SimTime,
        only: Option<u32>,
    ) -> Vec<FutureReceipt> {
        let mut latest = std::collections::BTreeMap::new();
        let mut future = Vec::new();
        for pending in &self.servers.servers[server].written {
            if pending.last_receipt() <= now {
                continue;
            }
            match pending {
                Pending::Copy(kept) => {
                    self.future_of_copy(server, kept, now, only, &mut latest, &mut future);
                }
                Pending::Direct(direct)
                    if only.is_none_or(|connection| connection == direct.connection) =>
                {
                    latest.insert(direct.connection, direct.receipt);
                    future.push(FutureReceipt {
                        operation: None,
                        direct: **direct,
                    });
                }
                Pending::Direct(_) => {}
            }
        }
        future
    }

    fn future_of_copy(
        &self,
        server: usize,
        kept: &Kept,
        now: SimTime,
        only: Option<u32>,
        latest: &mut std::collections::BTreeMap<u32, SimTime>,
        future: &mut Vec<FutureReceipt>,
    ) {
        let operation = &self.operations[kept.operation];
        let written = &self.written(kept, operation);
        let split = Split::of(written, self.scenario.load.transport);
        for (index, id) in self.recipients_of(server, kept).into_iter().enumerate() {
            if id == NOBODY || only.is_some_and(|connection| connection != id) {
                continue;
            }
            let index = index as u32;
            let downlink = self.downlink(written, id);
            let mut units = split.free_units(written, index, downlink);
            if let Some(interval) = split.poll {
                let ready = next_poll(id, interval, written.started, split.wait_ns(written, index));
                units = units.max(units_of(
                    ready + span_of(self.clients.get(id).base_units.into()),
                ));
            }
            let before = latest.get(&id).map_or(SimDuration::ZERO, |at: &SimTime| {
                at.saturating_since(written.started)
            });
            units = units.max(units_of(before)).min(MAX_UNITS);
            let receipt = written.started + SimDuration::from_nanos(units_ns(units));
            if receipt <= now {
                continue;
            }
            latest.insert(id, receipt);
            let direct = Direct {
                connection: id,
                kind: written.kind,
                measured: written.measured,
                receipt,
                units,
                parts: split.parts(written, index, downlink, units),
                message: (written.kind == Kind::Publish)
                    .then_some((operation.channel, operation.seq)),
            };
            future.push(FutureReceipt {
                operation: Some(written.operation),
                direct,
            });
        }
    }

    /// Enters one message to one client: an answer, a replayed message, an admission.
    pub(super) fn receive_direct(&mut self, server: usize, direct: Direct) {
        self.clients
            .set_last_receipt(direct.connection, direct.receipt);
        if direct.measured {
            let class = self.clients.get(direct.connection).class;
            self.ledger
                .kind(direct.kind)
                .receive(class, direct.units, &direct.parts);
        }
        self.servers.servers[server]
            .written
            .push_back(Pending::Direct(Box::new(direct)));
    }

    /// Lets go of batches whose last receipt is past.
    pub(super) fn flush(&mut self, server: usize, now: SimTime) {
        while let Some(pending) = self.servers.servers[server].written.front() {
            if pending.last_receipt() > now {
                return;
            }
            if let Some(Pending::Copy(kept)) = self.servers.servers[server].written.pop_front() {
                self.release(kept.operation);
            }
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
        self.release(id);
    }

    /// Receipts entered that lie after `now`, of measured operations, by kind: they are in flight. Takes them out of `ledger`.
    pub(super) fn take_out_future(
        &self,
        now: SimTime,
        ledger: &mut super::ledger::Ledger,
    ) -> [u64; 4] {
        let mut in_flight = [0; 4];
        for server in 0..self.servers.servers.len() {
            for FutureReceipt { direct, .. } in self.future_receipts(server, now, None) {
                if !direct.measured {
                    continue;
                }
                let class = self.clients.get(direct.connection).class;
                let kind = ledger.kind(direct.kind);
                kind.void(class, direct.units, &direct.parts);
                if matches!(direct.kind, Kind::Query | Kind::Connect) {
                    kind.completed -= 1;
                }
                in_flight[direct.kind.index()] += 1;
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

    fn copy_link(&self, operation: &Operation) -> SimDuration {
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

/// Latency at which the first poll of a client leaves the server again, for a message written `wait_ns` after its start:
/// the poll that is served next, counted from the operation's start.
fn next_poll(id: u32, interval: SimDuration, started: SimTime, wait_ns: u64) -> SimDuration {
    let every = interval.as_nanos();
    let phase = crate::draw::mix(u64::from(id)) % every;
    let ready = started.as_nanos() + wait_ns;
    let next = (ready + every - 1).saturating_sub(phase) / every * every + phase;
    SimDuration::from_nanos(next.saturating_sub(started.as_nanos()))
}
