//! The way of what is asked for by HTTP: point of presence, shield, origin or connection server, and back to the client.

use routing::region::RegionId;
use routing::session::Transport;
use routing::{ConnectionId, Lookup};

use super::{ASSET, Fetch, WebEvent};
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::histogram::units_of;
use crate::system::event::{Event, Work};
use crate::system::ledger::units_ns;
use crate::system::operation::{Kind, NOBODY, Operation, OperationId, Part};
use crate::system::recovery::Noticed;
use crate::system::world::World;
use crate::time::{SimDuration, SimTime};

const CACHEABLE: Purpose = Purpose::named("asset/cacheable");
/// Jitter on the way up is keyed like jitter on the way down, on another stream.
const UP: u64 = 0x6874_7470_2075_7000;
const DOWN: u64 = 0;
/// Ordinals of requests by which a site refreshes what it holds.
const REFRESH: u64 = 1 << 58;
/// No point of presence: the client asks the origin.
const DIRECT: u16 = u16::MAX;
/// One request on a connection that is open already.
const HTTP: Transport = Transport::Poll { interval_ns: 0 };

impl World {
    /// Something is asked for by HTTP: an asset, or a record that points of presence keep. `false`: it is neither, or no point
    /// of presence is up, and the query takes the client's connection.
    pub(in crate::system) fn ask_by_http(
        &mut self,
        mut operation: Operation,
        out: &mut Schedule<'_, Event>,
    ) -> bool {
        let (key, ordinal, asker) = (operation.key(), operation.ordinal, operation.origin);
        let asset = operation.kind == Kind::FetchAsset;
        if !asset && !self.is_kept(&operation) {
            return false;
        }
        let place = self.place_of(asker);
        let edge = self.web.edge.as_ref();
        operation.leader = edge.and_then(|edge| edge.nearest(place)).unwrap_or(DIRECT);
        if operation.leader == DIRECT && !asset {
            return false;
        }
        let records = self.web.assets.as_ref().filter(|_| asset);
        let kind = operation.kind as u64;
        operation.record = records
            .unwrap_or(&self.records)
            .of(&self.draws, kind, ordinal);
        let asset = self.scenario.traffic.asset.as_ref().filter(|_| asset);
        operation.uncached =
            asset.is_some_and(|asset| !self.draws.chance(CACHEABLE, key, 0, asset.cacheable));
        operation.server = self.hub.connections().server(ConnectionId(asker)).0;
        let up = self.way_of_client(&operation, UP);
        operation.parts.add(Part::Uplink, up);
        let site = operation.leader;
        let id = self.operations.insert(operation);
        let event = if site == DIRECT {
            WebEvent::AtOrigin(id)
        } else {
            WebEvent::AtSite { id, site }
        };
        out.after(up, Event::Web(event));
        true
    }

    /// Whether the answer to a query may be at a point of presence.
    fn is_kept(&self, operation: &Operation) -> bool {
        operation.kind == Kind::Query
            && self.web.keeps_queries()
            && !self.looks_around()
            && !self.scatters(operation)
    }

    fn place_of(&self, client: u32) -> usize {
        self.network
            .place_of(self.clients.get(client).place.class())
    }

    /// One way between a client and its point of presence, or the origin.
    fn way_of_client(&self, operation: &Operation, salt: u64) -> SimDuration {
        let place = self.clients.get(operation.origin).place;
        let jitter = self
            .network
            .jitter_units(place, operation.key() ^ salt, operation.origin);
        let home = SimDuration::from_nanos(units_ns(place.base_units() + jitter));
        let server = self
            .hub
            .connections()
            .server(ConnectionId(operation.origin));
        let served = self.sites.of_server(server.0);
        let region = self.place_of(operation.origin);
        let trunks = self.web.edge.as_ref().map(|edge| &edge.to_place[region]);
        match trunks.and_then(|trunks| trunks.get(usize::from(operation.leader))) {
            Some(&trunk) => home.saturating_sub(self.network.trunk(place, served)) + trunk,
            None => home,
        }
    }

    /// An event of what is asked for by HTTP.
    pub(in crate::system) fn web_event(&mut self, event: WebEvent, out: &mut Schedule<'_, Event>) {
        match event {
            WebEvent::AtSite { id, site } => self.at_site(id, site, out),
            WebEvent::AtOrigin(id) => self.at_origin(id, out),
            WebEvent::Served { id, server } => self.served(id, server, out),
            WebEvent::Filled { id, site } => self.filled(id, site, out),
            WebEvent::AtClient(id) => self.at_client(id, out.now()),
            WebEvent::Invalidate { site, record } => {
                if let Some(edge) = &mut self.web.edge {
                    edge.sites[usize::from(site)].invalidate(out.now(), record.into());
                }
            }
            WebEvent::Noticed { site, epoch } => {
                if let Some(edge) = &mut self.web.edge
                    && edge.sites[usize::from(site)].epoch == epoch
                    && edge.sites[usize::from(site)].station.is_down()
                {
                    edge.router.set_healthy(RegionId(site), 0);
                    self.recovery.notice(out.now(), Noticed::Edge(site.into()));
                }
            }
        }
    }

    fn at_site(&mut self, id: OperationId, site: u16, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let Some(edge) = &mut self.web.edge else {
            return;
        };
        let own = &mut edge.sites[usize::from(site)];
        let Some(departure) = own.serve(now, edge.lookup) else {
            return self.fail(id, false);
        };
        let operation = &mut self.operations[id];
        let parts = if usize::from(site) < edge.pops {
            [Part::EdgeQueue, Part::EdgeService]
        } else {
            [Part::CacheQueue, Part::CacheService]
        };
        operation.parts.add(parts[0], departure.started - now);
        operation
            .parts
            .add(parts[1], departure.at - departure.started);
        if operation.uncached {
            return self.forward(id, site, departure.at, out);
        }
        let key = key_of(operation);
        match own.lookup(now, key) {
            Lookup::Hit(entry) | Lookup::Stale(entry) => {
                operation.version = entry.version as u32;
                if let Some(token) = entry.refresh {
                    let epoch = own.epoch;
                    self.refresh_site(id, site, Fetch { epoch, token }, departure.at, out);
                }
                self.note_old(id, now);
                self.respond(id, site, departure.at, out);
            }
            Lookup::Miss(token) => {
                let epoch = own.epoch;
                edge.fetching.insert((site, id), Fetch { epoch, token });
                self.forward(id, site, departure.at, out);
            }
            Lookup::Wait(_) => own.waits(departure.at, id, key),
        }
    }

    /// A site fetches again what it has just answered with.
    fn refresh_site(
        &mut self,
        id: OperationId,
        site: u16,
        fetch: Fetch,
        at: SimTime,
        out: &mut Schedule<'_, Event>,
    ) {
        let asked = self.operations[id];
        let Some(edge) = &mut self.web.edge else {
            return;
        };
        edge.refreshes += 1;
        let ordinal = REFRESH + edge.refreshes;
        let mut again = Operation::new(asked.kind, at, NOBODY, ordinal, false);
        (again.server, again.record, again.leader) = (asked.server, asked.record, site);
        let id = self.operations.insert(again);
        edge.fetching.insert((site, id), fetch);
        self.forward(id, site, at, out);
    }

    /// A site asks for what it does not have: a connection server, the shield or the origin.
    fn forward(&mut self, id: OperationId, site: u16, at: SimTime, out: &mut Schedule<'_, Event>) {
        let Some(edge) = &mut self.web.edge else {
            return;
        };
        let operation = &mut self.operations[id];
        let from = usize::from(site);
        edge.sites[from].forwarded += 1;
        let shield = edge.shield().filter(|&shield| shield != site);
        let (link, event) = match shield.filter(|_| !operation.uncached) {
            _ if operation.kind == Kind::Query => {
                let server = operation.server;
                let epoch = self.servers.servers[usize::from(server)].epoch;
                let work = Work::Receive(id);
                let event = Event::AtServer {
                    server,
                    epoch,
                    work,
                };
                let region = usize::from(self.sites.of_server(server));
                (edge.to_servers[region][from] + self.network.hop(), event)
            }
            Some(site) => (
                edge.to_shield[from],
                Event::Web(WebEvent::AtSite { id, site }),
            ),
            None => (edge.to_home[from], Event::Web(WebEvent::AtOrigin(id))),
        };
        operation.parts.add(Part::Link, link);
        out.at(at + link, event);
    }

    /// A site answers: the client, or the point of presence that asked the shield.
    fn respond(&mut self, id: OperationId, site: u16, at: SimTime, out: &mut Schedule<'_, Event>) {
        let operation = self.operations[id];
        if operation.origin == NOBODY && operation.leader == site {
            return self.operations.remove(id);
        }
        let bytes = self.http_bytes(operation.kind);
        let Some(edge) = &mut self.web.edge else {
            return;
        };
        edge.sites[usize::from(site)].bytes_out += bytes;
        if usize::from(site) >= edge.pops {
            let asker = operation.leader;
            let link = edge.to_shield[usize::from(asker)];
            self.operations[id].parts.add(Part::Link, link);
            let filled = WebEvent::Filled { id, site: asker };
            return out.at(at + link, Event::Web(filled));
        }
        self.send_to_client(id, at, out);
    }

    fn send_to_client(&mut self, id: OperationId, at: SimTime, out: &mut Schedule<'_, Event>) {
        let down = self.way_of_client(&self.operations[id], DOWN);
        self.operations[id].parts.add(Part::Downlink, down);
        out.at(at + down, Event::Web(WebEvent::AtClient(id)));
    }

    fn at_origin(&mut self, id: OperationId, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let operation = &mut self.operations[id];
        operation.mark = now;
        let key = operation.key();
        let origin = self.web.origin.as_mut();
        let served = origin.and_then(|origin| origin.serve(now, key, &self.draws));
        let Some((server, departure)) = served else {
            return self.fail(id, false);
        };
        // An asset needs no database: its place among the parts is the origin's.
        let (started, at) = (departure.started, departure.at);
        operation.parts.add(Part::DatabaseQueue, started - now);
        operation.parts.add(Part::DatabaseService, at - started);
        out.at(at, Event::Web(WebEvent::Served { id, server }));
    }

    fn served(&mut self, id: OperationId, server: u16, out: &mut Schedule<'_, Event>) {
        let operation = self.operations[id];
        let bytes = self.http_bytes(operation.kind);
        let web = &mut self.web;
        let Some(origin) = &mut web.origin else {
            return;
        };
        if origin.lost(server, operation.mark) {
            return self.fail(id, false);
        }
        origin.bytes_out[usize::from(server)] += bytes;
        web.bytes.from_origin += bytes;
        let edge = web.edge.as_ref().filter(|_| operation.leader != DIRECT);
        let Some(edge) = edge else {
            web.bytes.direct += bytes;
            return self.send_to_client(id, out.now(), out);
        };
        let shield = edge.shield().filter(|_| !operation.uncached);
        let site = shield.unwrap_or(operation.leader);
        let link = edge.to_home[usize::from(site)];
        self.operations[id].parts.add(Part::Link, link);
        out.after(link, Event::Web(WebEvent::Filled { id, site }));
    }

    /// A connection server has written the answer that a point of presence asked for.
    pub(in crate::system) fn answer_site(
        &mut self,
        server: usize,
        id: OperationId,
        out: &mut Schedule<'_, Event>,
    ) {
        let operation = self.operations[id];
        let bytes = self.http_bytes(operation.kind);
        self.servers.servers[server].bytes_out += bytes;
        self.ledger.egress_bytes += bytes;
        self.web.bytes.from_servers += bytes;
        let site = operation.leader;
        let region = usize::from(self.sites.of_server(server as u16));
        let trunk = self
            .web
            .edge
            .as_ref()
            .map(|edge| edge.to_servers[region][usize::from(site)]);
        let link = trunk.unwrap_or_default() + self.network.hop();
        self.operations[id].parts.add(Part::Link, link);
        out.after(link, Event::Web(WebEvent::Filled { id, site }));
    }

    /// What a site has fetched is there: it is kept, and those that asked for it are answered.
    fn filled(&mut self, id: OperationId, site: u16, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let operation = self.operations[id];
        let Some(edge) = &mut self.web.edge else {
            return;
        };
        let fetch = edge.fetching.get(&(site, id)).copied();
        let own = &mut edge.sites[usize::from(site)];
        let died = fetch.is_some_and(|fetch| fetch.epoch != own.epoch);
        if died || own.station.is_down() {
            return self.fail(id, false);
        }
        edge.fetching.remove(&(site, id));
        let mut woken = Vec::new();
        if let Some(Fetch { token, .. }) = fetch {
            let class = usize::from(operation.kind == Kind::FetchAsset);
            let item = (operation.version, edge.bytes[class], edge.ttl[class]);
            let key = key_of(&operation);
            own.fill(now, key, token, item);
            woken = own.woken(key);
        }
        let waited = if usize::from(site) < edge.pops {
            Part::EdgeFetch
        } else {
            Part::CacheFetch
        };
        for (since, waiter) in woken {
            let own = &mut self.operations[waiter];
            own.version = operation.version;
            own.parts.add(waited, now.saturating_since(since));
            // It came before it was looked up in the end.
            let at = now.max(since);
            self.note_old(waiter, at);
            self.respond(waiter, site, at, out);
        }
        self.respond(id, site, now, out);
    }

    fn at_client(&mut self, id: OperationId, now: SimTime) {
        let operation = self.operations[id];
        self.operations.remove(id);
        if operation.measured {
            let class = self.clients.get(operation.origin).place.class();
            let units = units_of(now - operation.started);
            let ledger = self.ledger.kind(operation.kind);
            ledger.completed += 1;
            ledger.ended(operation.started, units);
            ledger.receive(operation.started, class, units, &operation.parts);
        }
        self.over(&operation, now);
    }

    /// A site answers a query with a version of its record: is there a newer one?
    fn note_old(&mut self, id: OperationId, now: SimTime) {
        let operation = &self.operations[id];
        if !operation.measured || operation.kind != Kind::Query {
            return;
        }
        let Some(edge) = &mut self.web.edge else {
            return;
        };
        let versions = edge.versions.as_ref();
        let since =
            versions.and_then(|known| known.superseded(operation.record, operation.version));
        if let Some(since) = since {
            edge.superseded += 1;
            self.ledger.stale(now.saturating_since(since));
        }
    }

    /// A command has taken effect: word of it goes to every point of presence, if they are to hear of it.
    pub(in crate::system) fn web_written(
        &mut self,
        record: u32,
        at: SimTime,
        out: &mut Schedule<'_, Event>,
    ) {
        let version = self.records.version(record);
        let Some(edge) = &mut self.web.edge else {
            return;
        };
        let Some(versions) = &mut edge.versions else {
            return;
        };
        versions.write(record, version, at);
        if edge.invalidates {
            for (site, link) in edge.to_home[..edge.pops].iter().enumerate() {
                let site = site as u16;
                let word = WebEvent::Invalidate { site, record };
                out.at((at + *link).max(out.now()), Event::Web(word));
            }
        }
    }

    /// A request failed: what it fetched is not fetched any more, and those that wait for it get its error.
    pub(in crate::system) fn web_failed(&mut self, id: OperationId, operation: &Operation) {
        let Some(edge) = &mut self.web.edge else {
            return;
        };
        let mut waiting = Vec::new();
        for site in core::iter::once(operation.leader).chain(edge.shield()) {
            let Some(fetch) = edge.fetching.remove(&(site, id)) else {
                continue;
            };
            let own = &mut edge.sites[usize::from(site)];
            if own.epoch == fetch.epoch {
                own.abandon(key_of(operation), fetch.token);
                waiting.extend(own.woken(key_of(operation)));
            }
        }
        for (_, waiter) in waiting {
            self.fail(waiter, false);
        }
    }

    /// A point of presence dies; clients are sent to it until that is noticed.
    pub(in crate::system) fn kill_site(&mut self, site: u32, out: &mut Schedule<'_, Event>) {
        let Some(edge) = &mut self.web.edge else {
            return;
        };
        let own = &mut edge.sites[site as usize];
        if own.station.is_down() {
            return;
        }
        let waiting = own.kill(out.now());
        let epoch = own.epoch;
        let site = site as u16;
        out.after(
            edge.detection,
            Event::Web(WebEvent::Noticed { site, epoch }),
        );
        for id in waiting {
            self.fail(id, false);
        }
    }

    /// A point of presence is back, empty, and known to be.
    pub(in crate::system) fn restore_site(&mut self, site: u32) {
        if let Some(edge) = &mut self.web.edge {
            edge.sites[site as usize].station.restore();
            edge.router.set_healthy(RegionId(site as u16), 1);
        }
    }

    /// Fills the sites with what they would hold after one lifetime at this load.
    pub(in crate::system) fn warm_edge(&mut self) {
        let scenario = &self.scenario;
        let cacheable = scenario.traffic.asset.as_ref();
        let cacheable = cacheable.map_or(0.0, |asset| asset.cacheable);
        let assets = self.offered_per_s(Kind::FetchAsset) * cacheable;
        let queries = if self.web.keeps_queries() {
            self.offered_per_s(Kind::Query)
        } else {
            0.0
        };
        let places = scenario.load.places.iter().map(|&(_, share)| share);
        let places: Vec<f64> = places.collect();
        let warm = scenario.design.edge.as_ref().is_some_and(|edge| edge.warm);
        if let Some(edge) = self.web.edge.as_mut().filter(|_| warm) {
            let of_assets = self.web.assets.as_ref().unwrap_or(&self.records);
            edge.warm(
                &self.draws,
                [queries, assets],
                &places,
                [&self.records, of_assets],
            );
        }
    }

    /// Bytes of an answer by HTTP on the wire.
    fn http_bytes(&self, kind: Kind) -> u64 {
        HTTP.bytes_down(self.payload_bytes(kind).into())
    }
}

/// What an entry is called.
fn key_of(operation: &Operation) -> u64 {
    let asset = operation.kind == Kind::FetchAsset;
    u64::from(operation.record) + u64::from(asset) * ASSET
}

/// Bytes of a request by HTTP on the wire.
pub(super) const REQUEST: u64 = HTTP.bytes_up(0);
