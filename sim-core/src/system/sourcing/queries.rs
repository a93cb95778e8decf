//! Queries to projections, reads of what one has just written, and commands that wait for projections.
//!
//! Models: a query goes to the instance of its projection that reads the partition of its record, and shares the cores there with
//! the events that are put in. It is answered with the version that is visible when it leaves: *stale* if a newer one was
//! committed by then. Who reads what they have just written knows its offset: with `WaitOffset` the query waits until the projection has come to it,
//! with `Sticky` the command side answers. Where commands wait for projections (`Sync`), one is done when every projection has its event.
//! Formula: a read Δ after a write is stale with probability P(lag > Δ); with exponential lag of mean L, e^(−Δ / L).
//! Leaves out: queries about several records, and reads of a replica of a projection.

use routing::log::PartitionId;

use super::SourcingEvent;
use super::projections::Waiter;
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::scenario::Consistency;
use crate::system::event::Event;
use crate::system::operation::{Kind, Operation, OperationId, Part};
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

const QUERY: Purpose = Purpose::named("projection/query");
const AFTER_WRITE: Purpose = Purpose::named("query/after-write");
/// Ordinals of queries that read what somebody has just written.
const AGAIN: u64 = 1 << 58;
const TO_PROJECTION: u64 = 1 << 54;
const FROM_PROJECTION: u64 = 1 << 55;
/// No instance of a projection: the command side.
const COMMANDS: u64 = u64::MAX;

impl World {
    /// Sends a query to its projection.
    pub(in crate::system) fn ask_projection(
        &mut self,
        id: OperationId,
        out: &mut Schedule<'_, Event>,
    ) {
        let from = self.sites.of_server(self.operations[id].server);
        let Some(link) = self.reach(id, from, self.sites.home, TO_PROJECTION) else {
            return self.fail_asking(id, true, out);
        };
        self.operations[id].parts.add(Part::Link, link);
        out.after(link, SourcingEvent::AtProjection(id).into());
    }

    /// A query reaches its projection.
    pub(super) fn at_projection(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let operation = &mut self.operations[id];
        operation.mark = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let waits = operation.in_log && own.consistency == Consistency::WaitOffset;
        let partition = own.log.events.partition_of(operation.record.into()).0;
        let projection = &mut own.projections[own.answering];
        let shows = projection.shows(operation.record);
        let offset = operation.seq.0;
        if waits && shows && !projection.has(partition, offset) {
            if projection.reader(partition).is_none() {
                return self.fail_asking(id, false, out);
            }
            return projection.wait(partition, offset, Waiter::Query(id));
        }
        self.serve_query(id, out);
    }

    /// A core takes on a query.
    pub(super) fn serve_query(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let operation = &mut self.operations[id];
        let sticky = operation.in_log && own.consistency == Consistency::Sticky;
        let partition = own.log.events.partition_of(operation.record.into()).0;
        let projection = &mut own.projections[own.answering];
        let key = operation.key();
        let takes = projection.query.sample(self.draws.u32(QUERY, key, 0));
        let work = (takes, SimDuration::ZERO);
        let lane = routing::hash::hash_u64(routing::hash::DEFAULT_SEED, key);
        let (reader, served) = if sticky {
            let nodes = &mut own.commands.nodes;
            let first = lane % nodes.count() as u64;
            let in_turn =
                (0..nodes.count() as u64).map(|step| (first + step) % nodes.count() as u64);
            let mut alive = in_turn.filter(|&one| !nodes.is_down(one as u32));
            let chosen = alive.next();
            let served = chosen.and_then(|one| nodes.serve(now, (one as u32, lane), work, 0));
            (COMMANDS, served)
        } else {
            let reader = projection.reader(partition);
            let served = reader.and_then(|one| projection.nodes.serve(now, (one, lane), work, 0));
            (reader.map_or(0, u64::from), served)
        };
        let Some(served) = served else {
            return self.fail_asking(id, false, out);
        };
        let (started, at) = (served.departure.started, served.departure.at);
        operation.seq = routing::Seq(reader);
        operation.mark = now;
        operation.parts.add(Part::DatabaseQueue, started - now);
        operation.parts.add(Part::DatabaseService, at - started);
        out.at(at, SourcingEvent::Answered(id).into());
    }

    /// A query is answered with what is visible now.
    pub(super) fn answered(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let home = self.sites.home;
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let operation = &mut self.operations[id];
        let (record, reader) = (operation.record, operation.seq.0);
        let projection = &own.projections[own.answering];
        let newest = self.records.version(record);
        let died = reader != COMMANDS
            && projection
                .nodes
                .death(reader as u16, operation.mark, now)
                .is_some();
        if died {
            return self.fail_asking(id, false, out);
        }
        let partition = own.log.events.partition_of(record.into()).0;
        operation.version = if reader == COMMANDS || !projection.shows(record) {
            newest
        } else {
            projection.version(partition, record)
        };
        if operation.measured && reader != COMMANDS {
            own.behind.0 += projection.outstanding;
            own.behind.1 += 1;
        }
        let (version, server) = (operation.version, operation.server);
        self.note_staleness(id, version.into(), now);
        let to = self.sites.of_server(server);
        let Some(link) = self.reach(id, home, to, FROM_PROJECTION) else {
            return self.fail_asking(id, true, out);
        };
        let bytes = self.inner_bytes(Kind::Query);
        if !self.sites.carried(home, to, bytes) {
            self.ledger.inner.database += bytes;
        }
        self.operations[id].parts.add(Part::Link, link);
        out.after(link, SourcingEvent::Acknowledged(id).into());
    }

    /// A command or message is in the log: it is done, or waits for the projections.
    pub(super) fn in_log(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let operation = &self.operations[id];
        let (ordinal, offset) = (operation.ordinal, operation.seq.0);
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let Some(most) = own.commands.sync else {
            return self.sourced(id, out);
        };
        let PartitionId(partition) = own.log.events.partition_of(operation.record.into());
        let mut missing = 0;
        for projection in &mut own.projections {
            if !projection.has(partition, offset) {
                projection.wait(partition, offset, Waiter::Command(id, ordinal));
                missing += 1;
            }
        }
        if missing == 0 {
            return self.sourced(id, out);
        }
        own.sync.insert(id, missing);
        self.operations[id].mark = out.now();
        out.after(most, SourcingEvent::SyncOver { id, ordinal }.into());
    }

    /// One of the projections that a command waits for has its event.
    pub(super) fn projection_has(
        &mut self,
        id: OperationId,
        ordinal: u64,
        out: &mut Schedule<'_, Event>,
    ) {
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let operation = &mut self.operations[id];
        if operation.ordinal != ordinal {
            return;
        }
        let Some(missing) = own.sync.get_mut(&id) else {
            return;
        };
        *missing -= 1;
        if *missing == 0 {
            own.sync.remove(&id);
            let waited = out.now() - operation.mark;
            operation.parts.add(Part::ReplicaService, waited);
            self.sourced(id, out);
        }
    }

    /// A command has waited for projections as long as it may.
    pub(super) fn sync_over(&mut self, id: OperationId, ordinal: u64) {
        let Some(own) = &mut self.sourcing else {
            return;
        };
        let waits = self.operations[id].ordinal == ordinal && own.sync.remove(&id).is_some();
        if waits {
            self.fail(id, true);
        }
    }

    /// Caches and points of presence hear of an event.
    pub(super) fn heard_of_event(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let record = self.operations[id].record;
        self.cache_hears(id, out);
        self.web_written(record, now, out);
    }

    /// An author reads what a command has written, if they do, some time after its acknowledgement at `receipt`.
    pub(in crate::system) fn read_own_write(
        &mut self,
        command: &Operation,
        receipt: SimTime,
        out: &mut Schedule<'_, Event>,
    ) {
        let query = self.scenario.traffic.query.as_ref();
        let Some(used) = query.and_then(|query| query.read_model.as_ref()) else {
            return;
        };
        let key = command.key();
        if used.after_write > 0.0 && self.draws.chance(AFTER_WRITE, key, 0, used.after_write) {
            let again = SourcingEvent::ReadAgain {
                connection: command.origin,
                record: command.record,
                offset: command.seq.0,
            };
            out.at(receipt + used.delay, again.into());
        }
    }

    /// Somebody reads what they have written.
    pub(super) fn read_again(
        &mut self,
        connection: u32,
        record: u32,
        offset: u64,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Some(own) = &mut self.sourcing else {
            return;
        };
        own.read_again += 1;
        let ordinal = AGAIN + own.read_again;
        if !self.is_online(routing::ConnectionId(connection)) {
            return;
        }
        let measured = now >= self.ledger.since;
        if measured {
            self.ledger.kind(Kind::Query).offered += 1;
        }
        let mut query = Operation::new(Kind::Query, now, connection, ordinal, measured);
        query.record = record;
        query.seq = routing::Seq(offset);
        query.in_log = true;
        self.enter(query, out);
    }
}
