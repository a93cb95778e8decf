//! The way of reads and writes: cache, shard of the database, and back to who asked.
//!
//! Query: its record's node of the cache, if there is one; what that does not have comes from the database, which also fills
//! the cache. Command: the database, then the cache hears of it while the acknowledgement is on its way. A message makes as
//! many queries as it needs, one after the other, before it is routed. A query that scatters asks every shard at once and
//! waits for the last answer. A read sees what was written before it left the database.

use routing::{ConnectionId, Lookup, ServerId, Timestamp};

use super::caches::{CacheNodes, Fetch, Update};
use super::event::{Event, Work};
use super::inflight::Direct;
use super::ledger::units_ns;
use super::operation::{Asks, Kind, NOBODY, Operation, OperationId, Part};
use super::pools::Queried;
use super::sharding::Split;
use super::sites::Site;
use super::world::World;
use crate::draw::{Purpose, open_unit};
use crate::engine::Schedule;
use crate::histogram::units_of;
use crate::scenario::OnWrite;
use crate::time::{SimDuration, SimTime};

pub(super) const QUERY_TIME: Purpose = Purpose::named("database/query");
pub(super) const SCATTER: Purpose = Purpose::named("query/scatter");
pub(super) const COMMON: Purpose = Purpose::named("query/common");
/// How often what cannot reach a cache is sent again.
const AGAIN: SimDuration = SimDuration::from_millis(100);
const EARLY: Purpose = Purpose::named("cache/early");
pub(super) const HOT: Purpose = Purpose::named("fault/hot-key");
/// Ordinals of queries that refresh an entry of the cache.
const REFRESH: u64 = 1 << 59;
/// Legs of an operation's way, apart from its questions to the database.
const TO_CACHE: u64 = 1 << 48;
const FROM_CACHE: u64 = 1 << 49;
const WOKEN: u64 = 1 << 50;
const FROM_DATABASE: u64 = 1 << 51;

impl World {
    /// A server has read a client's operation.
    pub(super) fn received(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let traffic = &self.scenario.traffic;
        let publish = traffic.publish.as_ref();
        let operation = &mut self.operations[id];
        if matches!(operation.kind, Kind::Reserve | Kind::Order) {
            return self.received_for_service(id, out);
        }
        let queries = match operation.kind {
            Kind::Publish => publish.map_or(0, |publish| publish.queries),
            Kind::Query | Kind::Command => 1,
            _ => 0,
        };
        operation.queries_left = queries as u16;
        // What a point of presence asks for is known already, and is one record.
        let drawn = operation.leader == u16::MAX && !operation.in_log;
        if drawn && matches!(operation.kind, Kind::Query | Kind::Command) {
            let (kind, ordinal) = (operation.kind as u64, operation.ordinal);
            operation.record = self.records.of(&self.draws, kind, ordinal);
            for &(index, share, record) in &self.hot_keys {
                if self.draws.chance(HOT, operation.key(), index, share) {
                    operation.record = record;
                }
            }
        }
        if operation.kind == Kind::Query {
            let scatters = drawn && self.scatters(&self.operations[id]);
            // Who reads what they have just written asks whoever has it.
            let around = self.looks_around() || self.operations[id].in_log;
            let operation = &mut self.operations[id];
            if scatters {
                operation.asks = Asks::All;
            }
            if self.cache.is_some() && !scatters && !around {
                let server = operation.server;
                let (from, cache) = (self.sites.of_server(server), self.cache_site(server));
                let Some(link) = self.reach(id, from, cache, TO_CACHE) else {
                    return self.fail_asking(id, true, out);
                };
                self.operations[id].parts.add(Part::Link, link);
                out.after(link, Event::AtCache(id));
                return;
            }
        }
        self.next_step(id, out);
    }

    /// Whether a query asks every shard.
    pub(super) fn scatters(&self, query: &Operation) -> bool {
        let traffic = &self.scenario.traffic;
        let share = traffic.query.as_ref().map_or(0.0, |query| query.scatter);
        let blindly = self
            .databases
            .as_ref()
            .and_then(|databases| databases.split.as_ref())
            .is_some_and(Split::asks_around_blindly);
        blindly || share > 0.0 && self.draws.chance(SCATTER, query.key(), u64::MAX, share)
    }

    /// Whether queries are about what is near their record: no cache holds the answer to that.
    pub(super) fn looks_around(&self) -> bool {
        let spread = self.scenario.traffic.spread.as_ref();
        spread.is_some_and(|spread| spread.nearby.is_some())
    }

    /// A query reaches the node that holds its record.
    pub(super) fn at_cache(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let from = self.cache_site(self.operations[id].server);
        let Some(link) = self.way_back(id, from, FROM_CACHE) else {
            return self.fail_asking(id, true, out);
        };
        let operation = &mut self.operations[id];
        operation.mark = now;
        let (record, server) = (operation.record, operation.server);
        let Some(cache) = &mut self.cache else {
            return;
        };
        let cluster = cache.cluster_of(self.sites.of_server(server));
        let node = cache.node(cluster, record);
        let served = node.and_then(|node| Some((node, cache.serve(now, node, server)?)));
        let Some((node, served)) = served else {
            // Nobody answers: the database does.
            operation.parts.add(Part::Link, link);
            out.after(link, Event::FromCache(id));
            return;
        };
        let draw = open_unit(self.draws.u64(EARLY, operation.key(), 0));
        let started = served.departure.started;
        operation.parts.add(Part::CacheQueue, started - now);
        operation
            .parts
            .add(Part::CacheService, served.departure.at - started);
        let back = served.departure.at + link;
        match cache.lookup(now, node, record, draw) {
            Lookup::Hit(entry) | Lookup::Stale(entry) => {
                operation.queries_left = 0;
                operation.version = entry.version as u32;
                operation.parts.add(Part::Link, link);
                self.ledger.inner.cache += self.inner_bytes(Kind::Query);
                self.note_staleness(id, entry.version, now);
                if let Some(token) = entry.refresh {
                    self.refresh(id, Fetch { node, token }, back, out);
                }
            }
            Lookup::Miss(token) => {
                cache.fetches(id, Fetch { node, token });
                operation.parts.add(Part::Link, link);
            }
            Lookup::Wait(until) => {
                cache.waits(served.departure.at, id, (cluster, record));
                if until != Timestamp::NEVER {
                    // Under a lease nobody may fetch before that, whatever became of the fetch.
                    out.at(
                        SimTime::from_nanos(until.0).max(now),
                        Event::LeaseOver { cluster, record },
                    );
                }
                return;
            }
        }
        out.at(back, Event::FromCache(id));
    }

    /// A query is answered with a version of its record: is there a newer one?
    pub(super) fn note_staleness(&mut self, id: OperationId, version: u64, now: SimTime) {
        let operation = &self.operations[id];
        if operation.measured
            && let Some(since) = self.records.superseded(operation.record, version)
        {
            self.ledger.stale(now.saturating_since(since));
        }
    }

    /// An entry is fetched again behind the back of whoever was answered with it.
    fn refresh(
        &mut self,
        id: OperationId,
        fetch: Fetch,
        at: SimTime,
        out: &mut Schedule<'_, Event>,
    ) {
        let asked = self.operations[id];
        self.refreshes += 1;
        let ordinal = REFRESH + self.refreshes;
        let mut query = Operation::new(Kind::Query, at, NOBODY, ordinal, false);
        query.server = asked.server;
        query.record = asked.record;
        query.queries_left = 1;
        let id = self.operations.insert(query);
        if let Some(cache) = &mut self.cache {
            cache.fetches(id, fetch);
        }
        out.at(at, Event::FromCache(id));
    }

    /// What a fetch or a command brings reaches the cache; those that waited for it are answered.
    pub(super) fn cache_update(&mut self, update: Update, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(cache) = &mut self.cache else {
            return;
        };
        let from = self.sites.of_server(update.server);
        if cache.in_each_region() && self.sites.cut_off(from, update.cluster) {
            return out.after(AGAIN, Event::CacheUpdate(update));
        }
        let node = cache.node(update.cluster, update.record);
        let served = node.and_then(|node| Some((node, cache.serve(now, node, update.server)?)));
        let Some((node, served)) = served else {
            return self.ask_again(update.cluster, update.record, out);
        };
        cache.update(now, node, update);
        if update.fetch.is_none() {
            return;
        }
        for (since, id) in cache.woken(update.cluster, update.record) {
            let from = self.cache_site(self.operations[id].server);
            let Some(link) = self.way_back(id, from, WOKEN) else {
                self.fail_asking(id, true, out);
                continue;
            };
            let operation = &mut self.operations[id];
            operation.queries_left = 0;
            operation.version = update.version;
            let at = served.departure.at.max(since);
            operation.parts.add(Part::CacheFetch, at - since);
            operation.parts.add(Part::Link, link);
            self.note_staleness(id, update.version.into(), now);
            out.at(at + link, Event::FromCache(id));
        }
    }

    /// Those that wait for a record that nobody fetches any more look again.
    pub(super) fn ask_again(&mut self, cluster: Site, record: u32, out: &mut Schedule<'_, Event>) {
        let woken = self.cache.as_mut();
        let woken = woken.map(|cache| cache.woken(cluster, record));
        self.look_again(woken.unwrap_or_default(), out);
    }

    /// They look again, now.
    pub(super) fn look_again(
        &mut self,
        waiting: Vec<(SimTime, OperationId)>,
        out: &mut Schedule<'_, Event>,
    ) {
        for (since, id) in waiting {
            // Who is still being told to wait looks again when that is said.
            let at = since.max(out.now());
            self.operations[id].parts.add(Part::CacheFetch, at - since);
            out.at(at, Event::AtCache(id));
        }
    }

    /// Asks the database as often as the operation needs, then routes or answers it.
    pub(super) fn next_step(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let operation = &mut self.operations[id];
        let sourced = self.sourcing.is_some() && operation.queries_left > 0;
        if sourced && operation.kind == Kind::Command {
            self.hand_to_command_side(id, out);
        } else if sourced && operation.kind == Kind::Query {
            operation.queries_left = 0;
            self.ask_projection(id, out);
        } else if operation.queries_left > 0 && self.databases.is_some() {
            operation.queries_left -= 1;
            if self.stores.is_some() {
                self.ask_store(id, out);
            } else if !self.ask_replica(id, out) {
                self.ask_primary(id, out);
            }
        } else if !matches!(operation.kind, Kind::Query | Kind::Command) {
            self.route(id, out);
        } else if operation.origin == NOBODY && operation.leader == u16::MAX {
            self.operations.remove(id);
        } else {
            let (server, asker) = (operation.server, operation.origin);
            self.clients.prefetch(asker);
            let epoch = self.servers.servers[usize::from(server)].epoch;
            self.arrive_at_server(server, epoch, Work::Answer(id), out);
        }
    }

    /// Asks the database itself.
    pub(super) fn ask_primary(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        if self.calls.is_some() {
            return self.call(id, out);
        }
        let operation = &self.operations[id];
        let (server, leg) = (operation.server, operation.queries_left.into());
        let (from, to) = (self.sites.of_server(server), self.primary_of(operation));
        let Some(link) = self.reach(id, from, to, leg) else {
            return self.fail_asking(id, true, out);
        };
        self.operations[id].parts.add(Part::Link, link);
        let next = match self.pooler {
            Some(_) => Event::AtPooler(id),
            None => Event::AtDatabase(id),
        };
        out.after(link, next);
    }

    pub(super) fn at_database(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let (lane, hop) = (self.lane(&self.operations[id]), self.pooler_hop());
        let home = self.primary_of(&self.operations[id]);
        let operation = &mut self.operations[id];
        operation.mark = now;
        let Some(databases) = &mut self.databases else {
            return;
        };
        databases.settle(operation, &self.draws);
        let (key, nth) = (operation.key(), u64::from(operation.queries_left));
        let by_shard = |shard: u32| {
            let shard = (u64::from(shard) << 16) | nth;
            self.draws.u32(SCATTER, key, shard)
        };
        let asked = match operation.asks {
            Asks::All => {
                let common = databases.common(|| self.draws.u32(COMMON, key, nth));
                databases.ask_all(now, lane, common, by_shard)
            }
            Asks::Several => {
                let shards = databases.which(operation, &self.draws);
                databases.ask_each(now, (&shards, lane), operation.kind, by_shard)
            }
            Asks::One => {
                let shard = databases.shard_of(operation);
                let bits = self.draws.u32(QUERY_TIME, key, nth);
                databases.ask(now, (shard, lane), operation.kind, bits)
            }
        };
        match asked {
            Queried::Served(departure) => {
                let (kind, to) = (operation.kind, self.sites.of_server(operation.server));
                let link = self.sites.link(to, home) + hop;
                let (started, at) = (departure.started, departure.at);
                operation.parts.add(Part::DatabaseQueue, started - now);
                operation.parts.add(Part::DatabaseService, at - started);
                operation.parts.add(Part::Link, link);
                let bytes = self.inner_bytes(kind);
                if !self.sites.carried(home, to, bytes) {
                    self.ledger.inner.database += bytes;
                }
                out.at(at + link, Event::Queried(id));
            }
            Queried::Refused => self.unanswered(id, false, out),
            Queried::GivesUp(_) => self.unanswered(id, true, out),
        }
    }

    fn unanswered(&mut self, id: OperationId, timed_out: bool, out: &mut Schedule<'_, Event>) {
        self.pooler_done(id);
        self.fail_asking(id, timed_out, out);
    }

    /// The database's answer would be back at the server that asked on a good day, unless the database died before it could
    /// give it, or the way back is cut. On a bad day it comes later.
    pub(super) fn queried(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        self.pooler_done(id);
        let operation = &self.operations[id];
        let (from, link) = (self.primary_of(operation), self.database_link(operation));
        let answered = out.now().saturating_sub(link);
        let databases = self.databases.as_ref();
        let lost =
            databases.is_some_and(|databases| databases.lost(operation, &self.draws, answered));
        let leg = u64::from(operation.queries_left) | FROM_DATABASE;
        let Some(way) = self.way_back(id, from, leg).filter(|_| !lost) else {
            return self.fail_asking(id, false, out);
        };
        let way = way + self.pooler_hop();
        if way > link {
            self.operations[id].parts.add(Part::Link, way - link);
            return out.after(
                way - link,
                Event::AnswerLate {
                    id,
                    late: way - link,
                },
            );
        }
        self.has_answer(id, answered, out);
    }

    /// An answer of the database is there that was `late` on its way.
    pub(super) fn late_answer(
        &mut self,
        id: OperationId,
        late: SimDuration,
        out: &mut Schedule<'_, Event>,
    ) {
        let link = self.database_link(&self.operations[id]);
        let answered = out.now().saturating_sub(link + late);
        self.has_answer(id, answered, out);
    }

    /// The way from where it was answered to the server that asked; `None`: they do not reach each other.
    fn way_back(&self, id: OperationId, from: Site, leg: u64) -> Option<SimDuration> {
        let to = self.sites.of_server(self.operations[id].server);
        self.reach(id, from, to, leg)
    }

    /// Where the cache stands that a server asks.
    fn cache_site(&self, server: u16) -> Site {
        match &self.cache {
            Some(cache) if cache.in_each_region() => self.sites.of_server(server),
            _ => self.sites.home,
        }
    }

    /// One way between the server of an operation and its database on a good day, by way of a pooler if there is one.
    fn database_link(&self, operation: &Operation) -> SimDuration {
        let own = self.sites.of_server(operation.server);
        self.sites.link(own, self.primary_of(operation)) + self.pooler_hop()
    }

    /// A server has the answer that the database gave at `answered`.
    pub(super) fn has_answer(
        &mut self,
        id: OperationId,
        answered: SimTime,
        out: &mut Schedule<'_, Event>,
    ) {
        match self.operations[id].kind {
            Kind::Command => self.written(id, answered, out),
            Kind::Query => {
                let record = self.operations[id].record;
                let many = self.cache.as_ref().is_some_and(CacheNodes::in_each_region);
                let version = if many {
                    self.records.version_at(record, answered)
                } else {
                    self.records.version(record)
                };
                self.fetched(id, version, out);
            }
            _ => {}
        }
        self.next_step(id, out);
    }

    /// A command has taken effect.
    fn written(&mut self, id: OperationId, at: SimTime, out: &mut Schedule<'_, Event>) {
        let operation = &self.operations[id];
        let record = operation.record;
        let cached = self.cache.as_ref().and_then(|cache| cache.held(record));
        self.records.write(record, cached, at);
        self.web_written(record, at, out);
        self.replicate(id, at, out);
        self.cache_hears(id, out);
    }

    /// A command has taken effect: the cache hears of it.
    pub(super) fn cache_hears(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let record = self.operations[id].record;
        let hears = self
            .cache
            .as_ref()
            .is_some_and(|cache| cache.on_write != OnWrite::Nothing);
        if hears {
            let version = self.records.version(record);
            let clusters = self.cache.as_ref().map_or(0..0, CacheNodes::clusters);
            for cluster in clusters {
                self.send_update(id, (version, cluster), None, out);
            }
        }
    }

    /// A read has what the cache missed: a version of its record.
    pub(super) fn fetched(&mut self, id: OperationId, version: u32, out: &mut Schedule<'_, Event>) {
        self.operations[id].version = version;
        let fetch = self.cache.as_mut().and_then(|cache| cache.fetched(id));
        if fetch.is_some() {
            let site = self.sites.of_server(self.operations[id].server);
            let cache = self.cache.as_ref();
            let cluster = cache.map_or(0, |cache| cache.cluster_of(site));
            self.send_update(id, (version, cluster), fetch, out);
        }
    }

    fn send_update(
        &mut self,
        id: OperationId,
        (version, cluster): (u32, Site),
        fetch: Option<Fetch>,
        out: &mut Schedule<'_, Event>,
    ) {
        let operation = &self.operations[id];
        let update = Update {
            record: operation.record,
            version,
            server: operation.server,
            cluster,
            fetch,
        };
        let bytes = self.inner_bytes(Kind::Query);
        let many = self.cache.as_ref().is_some_and(CacheNodes::in_each_region);
        let from = self.sites.of_server(update.server);
        let to = if many { cluster } else { self.sites.home };
        if !many || !self.sites.carried(from, to, bytes) {
            self.ledger.inner.cache += bytes;
        }
        let link = self.sites.link(from, to);
        out.after(link, Event::CacheUpdate(update));
    }

    /// A query or command fails; what waits for its fetch looks again.
    pub(super) fn fail_asking(
        &mut self,
        id: OperationId,
        timed_out: bool,
        out: &mut Schedule<'_, Event>,
    ) {
        let record = self.operations[id].record;
        let now = out.now();
        let waiting = self
            .cache
            .as_mut()
            .map(|cache| cache.abandon(now, id, record));
        self.fail(id, timed_out);
        self.look_again(waiting.unwrap_or_default(), out);
    }

    /// Whether the connection that asked a server at `since` is still on it.
    pub(super) fn still_here(&self, server: usize, asker: u32, since: SimTime) -> bool {
        // Where nobody came or went, nothing of the connection needs to be looked at.
        self.servers.servers[server].is_quiet_since(since)
            || self.is_online(ConnectionId(asker))
                && self.hub.connections().server(ConnectionId(asker)) == ServerId(server as u16)
    }

    /// An answer is on its way to the client that asked.
    pub(super) fn answer(&mut self, server: usize, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let operation = self.operations[id];
        if operation.kind == Kind::Edit {
            return self.edit_acknowledged(server, id, out);
        }
        if operation.leader != u16::MAX {
            return self.answer_site(server, id, out);
        }
        if !self.still_here(server, operation.origin, operation.started) {
            self.fail(id, false);
            return;
        }
        self.operations.remove(id);
        let client = self.clients.get(operation.origin);
        let jitter = self
            .network
            .jitter_units(client.place, operation.key(), operation.origin);
        let mut parts = operation.parts;
        let free = now + SimDuration::from_nanos(units_ns(client.place.base_units() + jitter));
        let receipt = free.max(self.clients.last_receipt(operation.origin, now));
        parts.add(Part::Downlink, free - now);
        parts.add(Part::Order, receipt - free);
        let bytes = u64::from(self.wire_bytes(operation.kind));
        self.servers.servers[server].bytes_out += bytes;
        self.ledger.egress_bytes += bytes;
        if operation.measured {
            let ledger = self.ledger.kind(operation.kind);
            ledger.completed += 1;
            ledger.ended(operation.started, units_of(receipt - operation.started));
        }
        let direct = Direct {
            connection: operation.origin,
            kind: operation.kind,
            measured: operation.measured,
            started: operation.started,
            receipt,
            units: units_of(receipt - operation.started),
            parts,
            message: None,
        };
        self.over(&operation, receipt);
        if operation.kind == Kind::Command && self.sourcing.is_some() {
            self.read_own_write(&operation, receipt, out);
        }
        self.service_answered(&operation, receipt);
        self.receive_direct(server, direct);
        self.flush(server, now);
    }
}
