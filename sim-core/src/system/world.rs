//! The whole system as one model: population, tiers and what is on its way.
//!
//! The engine hands over one event at a time; [`World`] lets the tier it belongs to react and wires what comes out to the
//! next tier. A publish: client → connection server (reads it) → database, if it needs queries → channel owner or broker
//! (orders it, one copy per server with members) → connection servers (write it) → clients. A query: client → server →
//! database → server → client. Routing decisions are those of [`routing::Hub`] and [`routing::LoadBalancer`].

use core::ops::Range;
use std::collections::BTreeMap;
use std::sync::Arc;

use routing::hub::HubOptions;
use routing::{
    ConnectionId, ConnectionTable, DirectoryBuilder, FanoutPlan, Hub, ReplayLimits, ServerId,
};

use super::BuildError;
use super::backend::{BrokerNodes, Databases, Owners};
use super::backlog::Backlog;
use super::balancers::Balancers;
use super::baseline::Baseline;
use super::between::Bundles;
use super::caches::CacheNodes;
use super::calls::Calls;
use super::clients::Clients;
use super::crowds::{self, Thinkers, Visit};
use super::documents::Documents;
use super::edge::Web;
use super::event::{Event, Work};
use super::ledger::Ledger;
use super::lists::Lists;
use super::network::Network;
use super::operation::{Kind, OperationSlab, Part};
use super::ordering::Order;
use super::pooler::PoolerNodes;
use super::population::Population;
use super::receipts::Scratch;
use super::records::Records;
use super::recovery::Recovery;
use super::replicas::Replicas;
use super::resharding::Resharding;
use super::rhythm::Rhythm;
use super::seating::{BALANCE, Places, seat};
use super::servers::{Servers, timestamp};
use super::services::Services;
use super::sessions::{Away, Fate};
use super::sharding::Split;
use super::sites::{Site, Sites};
use super::sizes::wire;
use super::sourcing::Sourcing;
use super::stores::Stores;
use super::timeline::Timeline;
use super::traces::Traces;
use super::warm::{entry_bytes, history};
use super::whole::Whole;
use crate::delivery::Kernel;
use crate::draw::{Draws, Purpose};
use crate::engine::{Model, Schedule, TimerWheel};
use crate::scenario::{Scenario, Tier, Transport, pooler};
use crate::station::{Lane, Wake};
use crate::time::{SimDuration, SimTime};

const PAUSE_EVERY: Purpose = Purpose::named("server/pause-every");
const PAUSE_LASTS: Purpose = Purpose::named("server/pause-lasts");

/// Interval of heartbeat and poll cohorts.
pub(super) const COHORT: SimDuration = SimDuration::from_millis(100);
/// Interval of the conservation audit.
pub(super) const AUDIT: SimDuration = SimDuration::from_secs(1);

/// What a replay ring keeps of a message.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When it was started.
    pub started: SimTime,
    /// Who missed it although it was sent to them; nobody, usually.
    pub fate: Option<Arc<Fate>>,
}

/// The model behind a [`super::SystemRun`].
#[derive(Clone)]
pub struct World {
    pub(super) scenario: Arc<Scenario>,
    /// What this is a scale model of.
    pub(super) whole: Option<Whole>,
    pub(super) network: Arc<Network>,
    pub(super) draws: Draws,
    pub(super) kernel: Kernel,
    pub(super) wire: routing::session::Transport,
    pub(super) hub: Hub<Sent>,
    pub(super) clients: Clients,
    pub(super) balancers: Balancers,
    pub(super) sites: Sites,
    pub(super) bundles: Bundles,
    pub(super) operations: OperationSlab,
    pub(super) lists: Lists,
    pub(super) servers: Servers,
    pub(super) owners: Option<Owners>,
    pub(super) broker: Option<BrokerNodes>,
    pub(super) databases: Option<Databases>,
    pub(super) pooler: Option<PoolerNodes>,
    /// Command side, log and projections, where state is a log of events.
    pub(super) sourcing: Option<Box<Sourcing>>,
    pub(super) replicas: Option<Replicas>,
    /// How it is asked, where that is watched.
    pub(super) calls: Option<Calls>,
    pub(super) cache: Option<CacheNodes>,
    pub(super) web: Web,
    /// Stock, matching engines, notifications.
    pub(super) services: Option<Box<Services>>,
    pub(super) documents: Option<Box<Documents>>,
    /// Messages in order, where somebody asks.
    pub(super) order: Option<Box<Order>>,
    /// A database in every region, where each takes writes.
    pub(super) stores: Option<Box<Stores>>,
    pub(super) records: Records,
    /// By fault that lasts: its number, the share of questions and the record that they are about.
    pub(super) hot_keys: Vec<(u64, f64, u32)>,
    /// More shards, once there are to be.
    pub(super) resharding: Option<Resharding>,
    /// Queries of the cache itself.
    pub(super) refreshes: u64,
    pub(super) ledger: Ledger,
    /// The ledger that the end of the warm-up begins with, while the warm-up itself is measured.
    pub(super) postponed: Option<Box<Ledger>>,
    /// Single operations, while somebody follows them.
    pub(super) traces: Option<Box<Traces>>,
    pub(super) away: BTreeMap<u32, Away>,
    /// By instance that is down: the faults that keep it there.
    pub(super) down: BTreeMap<(Tier, u32), u32>,
    pub(super) reopened: BTreeMap<u32, SimTime>,
    pub(super) deadlines: TimerWheel,
    pub(super) useful_poll: BTreeMap<u32, u64>,
    /// One bit per connection, all clear between operations.
    pub(super) presence_seen: Vec<u64>,
    pub(super) connects: u64,
    pub(super) deliveries: u64,
    pub(super) channels: u32,
    pub(super) baseline: Baseline,
    pub(super) backlog: Backlog,
    pub(super) timeline: Timeline,
    pub(super) recovery: Recovery,
    pub(super) scratch: Scratch,
    pub(super) recipients: Vec<u32>,
    pub(super) arrivals: [u64; Kind::ALL.len()],
    pub(super) rhythms: [Rhythm; Kind::ALL.len()],
    /// Connections of those who are there from the start; flash crowds follow.
    pub(super) residents: u32,
    pub(super) crowds: Vec<Range<u32>>,
    /// Those that came with a fault, behind everybody who was there, in the order in which they began.
    pub(super) visits: Vec<Visit>,
    pub(super) thinkers: Thinkers,
    pub(super) plan: FanoutPlan,
    pub(super) pairs: Vec<(ServerId, ConnectionId)>,
    pub(super) wakes: Vec<Wake>,
}

impl World {
    /// Builds the population and seats it, as the balancer would have placed it.
    pub fn new(scenario: Arc<Scenario>) -> Result<Self, BuildError> {
        let network = Arc::new(Network::new(&scenario));
        let population = Population::new(&scenario)?;
        let population_draws = Draws::new(scenario.run.population_seed);
        let draws = Draws::new(scenario.run.seed);
        let mut sites = Sites::new(&scenario);
        let clients = Clients::new(&population, (&network, &sites), &population_draws);
        let design = &scenario.design;
        let mut servers = Servers::new(&design.connection_servers);
        let mut balancers = Balancers::new(&scenario, &sites);
        let places = Places {
            sites: &sites,
            network: &network,
            clients: &clients,
        };
        let (mut seats, refused) = seat(
            &population_draws,
            population.residents(),
            &places,
            &mut servers,
            &mut balancers,
        );
        seats.resize(clients.len() as usize, ServerId::NOWHERE);
        let mut builder = DirectoryBuilder::new(population.connections());
        let mut channels = 0;
        population.channels(|_, members| {
            builder.push_channel(members, &seats);
            sites.settle(members, &seats);
            channels += 1;
        });
        let owners = design
            .channel_owners
            .as_ref()
            .map(|owners| Owners::new(owners, &sites));
        let options = HubOptions {
            mode: design.routing,
            replay: ReplayLimits {
                window_ns: design.connection_servers.resume.as_nanos(),
                max_entries: design.connection_servers.replay_messages,
            },
            owners: owners.as_ref().map(|owners| owners.placement().clone()),
        };
        let table = ConnectionTable::open_on(&seats);
        let mut hub = Hub::with_population(
            options,
            design.connection_servers.count as u16,
            builder.finish(),
            table,
        );
        let classes = network.classes().len();
        let mut away = BTreeMap::new();
        for &(connection, _) in &refused {
            hub.close(timestamp(SimTime::ZERO), ConnectionId(connection), false);
            away.insert(connection, Away::new(ServerId::NOWHERE));
        }
        let measure_from = SimTime::ZERO + scenario.run.warmup;
        let mut ledger = Ledger::new(measure_from, classes);
        for &(_, reason) in &refused {
            ledger.refuse(reason);
        }
        let web = Web::new(&scenario);
        let sourced = design.sourcing.is_some();
        let asked =
            design.cache.is_some() || design.shards.is_some() || web.keeps_queries() || sourced;
        let traffic = &scenario.traffic;
        let written = traffic.command.is_some() || sourced && traffic.publish.is_some();
        let records = Records::new(traffic.keys, asked, written, history(&scenario))
            .of_features(traffic.spread.as_ref());
        let cache = design
            .cache
            .as_ref()
            .map(|cache| CacheNodes::new(cache, design.cache_clusters(), entry_bytes(&scenario)));
        let mut world = Self {
            presence_seen: if scenario.traffic.presence.is_some() {
                vec![0; clients.len().div_ceil(64) as usize]
            } else {
                Vec::new()
            },
            kernel: Kernel::detect(),
            wire: wire(scenario.load.transport),
            broker: design
                .broker
                .as_ref()
                .map(|broker| BrokerNodes::new(broker, &sites)),
            databases: design.database.as_ref().map(|database| {
                let split = Split::new(&scenario, records.count(), &hub, &population_draws);
                let count = design.shards.map_or(1, |shards| shards.count);
                let asked_by = (&population_draws, design.connection_servers.count);
                Databases::new(database, count, split, &scenario.asking, asked_by)
            }),
            pooler: pooler(design).map(|tier| {
                let held = design.database.as_ref().and_then(|tier| tier.held.as_ref());
                let each = held.and_then(|held| held.each);
                PoolerNodes::new(tier, design.connection_servers.count, each)
            }),
            replicas: Replicas::of(design, &sites),
            sourcing: Sourcing::of(&scenario),
            calls: Calls::of(&scenario),
            hot_keys: Vec::new(),
            resharding: None,
            cache,
            web,
            services: Services::of(&scenario, clients.len()),
            documents: documents(&scenario),
            order: design.ordering.map(|rule| Box::new(Order::new(rule))),
            stores: Stores::of(design, &population_draws).map(Box::new),
            records,
            refreshes: 0,
            deadlines: TimerWheel::new(COHORT, 4096),
            operations: OperationSlab::default(),
            lists: Lists::default(),
            reopened: BTreeMap::new(),
            useful_poll: BTreeMap::new(),
            connects: 0,
            deliveries: 0,
            baseline: Baseline::default(),
            backlog: Backlog::new(scenario.is_steady()),
            timeline: Timeline::default(),
            recovery: Recovery::default(),
            scratch: Scratch::default(),
            recipients: Vec::new(),
            arrivals: [0; Kind::ALL.len()],
            rhythms: core::array::from_fn(|kind| Rhythm::new(kind as u64)),
            residents: population.residents(),
            crowds: crowds::crowds(&scenario, population.residents()),
            visits: Vec::new(),
            thinkers: Thinkers::default(),
            plan: FanoutPlan::new(),
            pairs: Vec::new(),
            wakes: Vec::new(),
            scenario: Arc::clone(&scenario),
            whole: None,
            network,
            draws,
            hub,
            clients,
            balancers,
            sites,
            bundles: Bundles::default(),
            servers,
            owners,
            ledger,
            postponed: None,
            traces: None,
            away,
            down: BTreeMap::new(),
            channels,
        };
        world.warm_cache();
        world.warm_edge();
        Ok(world)
    }

    /// Schedules what starts by itself: arrivals, pauses, cohorts, faults, retries of those without a seat, audits.
    pub(super) fn begin(&mut self, out: &mut Schedule<'_, Event>) {
        for kind in Kind::ALL {
            self.schedule_arrival(kind, out);
        }
        for server in 0..self.servers.servers.len() as u16 {
            for class in 0..self.servers.pauses.len() as u8 {
                self.schedule_pause(server, class, out);
            }
        }
        out.after(COHORT, Event::Cohort);
        out.after(AUDIT, Event::Audit);
        out.at(self.ledger.since.max(out.now()), Event::Measure);
        for (index, fault) in self.scenario.faults.iter().enumerate() {
            let at = SimTime::ZERO + fault.at;
            if at >= out.now() {
                out.at(
                    at,
                    Event::Fault {
                        index: index as u16,
                        begins: true,
                    },
                );
            }
        }
        self.schedule_crowds(out);
        self.begin_thinking(out);
        self.begin_services(out);
        let waiting: Vec<u32> = self.away.keys().copied().collect();
        for connection in waiting {
            self.try_later(connection, out);
        }
    }

    /// Takes over from a world that this one replaces: draws go on, measuring starts now.
    pub(super) fn continue_from(&mut self, earlier: &World, now: SimTime) {
        self.arrivals = earlier.arrivals;
        self.connects = earlier.connects;
        self.thinkers.continue_from(&earlier.thinkers);
        self.ledger.begin_at(now);
    }

    /// Measuring starts anew; what is under way does not count.
    pub(super) fn restart_measuring(&mut self, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        self.ledger = Ledger::new(now, self.network.classes().len());
        self.operations.forget_measured();
        for server in &mut self.servers.servers {
            server.in_flight.forget_measured();
        }
        self.backlog.restart();
        self.begin_measuring(now);
    }

    /// Takes the readings that measuring starts from.
    pub(super) fn begin_measuring(&mut self, now: SimTime) {
        self.sites.restart_counting();
        self.restart_tally();
        if let Some(own) = &mut self.sourcing {
            own.restart_counting();
        }
        if let Some(services) = &mut self.services {
            services.restart_counting();
        }
        if let Some(documents) = self.documents.as_deref_mut() {
            documents.restart_measuring();
        }
        self.baseline = Baseline::of(self, now);
        self.recovery = Recovery::default();
        let mut timeline = core::mem::take(&mut self.timeline);
        timeline.begin(self, now);
        self.timeline = timeline;
    }

    /// Connections whose server has died without anybody noticing.
    pub(super) fn unnoticed(&self) -> u64 {
        let dead = self
            .servers
            .servers
            .iter()
            .enumerate()
            .filter(|(_, server)| !server.is_up());
        dead.map(|(id, _)| u64::from(self.hub.connections().open_count_on(ServerId(id as u16))))
            .sum()
    }

    /// Bytes held by the large arrays.
    pub(super) fn memory_bytes(&self) -> u64 {
        (self.hub.memory_bytes()
            + self.sites.memory_bytes() as usize
            + self.clients.memory_bytes()
            + self.records.memory_bytes()
            + self.web.memory_bytes()
            + self.services.as_ref().map_or(0, |all| all.memory_bytes())
            + self.documents.as_ref().map_or(0, |all| all.memory_bytes())
            + self.presence_seen.len() * 8) as u64
    }

    /// The event of work on its way to a server as it lives now.
    pub(super) fn at_server(&self, server: u16, work: Work) -> Event {
        Event::AtServer {
            server,
            epoch: self.servers.servers[usize::from(server)].epoch,
            work,
        }
    }

    pub(super) fn arrive_at_server(
        &mut self,
        server: u16,
        epoch: u16,
        work: Work,
        out: &mut Schedule<'_, Event>,
    ) {
        let state = &mut self.servers.servers[usize::from(server)];
        if state.epoch != epoch || !state.is_up() {
            self.void_work(server, work, out);
            return;
        }
        if let Work::Copy {
            operation,
            recipients,
            relay,
        } = work
            && (self.died_on_the_way(server, (operation, recipients, relay), out)
                || self.turned_away(usize::from(server), operation, recipients, out.now()))
        {
            return;
        }
        let lane = match work {
            Work::Copy { .. } | Work::Answer(_) => Lane::Inbox,
            Work::Receive(_) | Work::Accept(_) | Work::Replay(_) | Work::Chores { .. } => {
                Lane::Socket
            }
        };
        let bytes = match work {
            Work::Copy { operation, .. } | Work::Answer(operation) => {
                self.payload_of(&self.operations[operation])
            }
            Work::Replay(_) => self.payload_bytes(Kind::Publish),
            Work::Receive(_) | Work::Accept(_) | Work::Chores { .. } => 0,
        };
        let demand = self.servers.demand(work, bytes);
        let state = &mut self.servers.servers[usize::from(server)];
        state.demand_ns[Servers::purpose(work)] += demand.as_nanos();
        state
            .station
            .arrive(out.now(), work, demand, lane, &mut self.wakes);
        self.schedule_wakes(server, out);
    }

    pub(super) fn schedule_wakes(&mut self, server: u16, out: &mut Schedule<'_, Event>) {
        for wake in self.wakes.drain(..) {
            out.at(
                wake.at,
                Event::ServerDone {
                    server,
                    core: wake.core,
                    stamp: wake.stamp,
                },
            );
        }
    }

    fn server_done(&mut self, server: u16, core: u32, stamp: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let done = self.servers.servers[usize::from(server)].station.complete(
            now,
            core,
            stamp,
            &mut self.wakes,
        );
        self.schedule_wakes(server, out);
        let Some(done) = done else { return };
        match done.job {
            Work::Copy {
                operation,
                recipients,
                ..
            } => {
                self.write_in_turn(server, (operation, recipients), &done, out);
                self.wake_editors(out);
            }
            Work::Receive(id) => {
                let parts = &mut self.operations[id].parts;
                parts.add(Part::ServerQueue, done.waited());
                parts.add(Part::ServerService, done.service);
                parts.add(Part::ServerPause, done.paused);
                self.received(id, out);
            }
            Work::Answer(id) => {
                let parts = &mut self.operations[id].parts;
                parts.add(Part::ServerQueue, done.waited());
                parts.add(Part::ServerService, done.service);
                parts.add(Part::ServerPause, done.paused);
                self.answer(usize::from(server), id, out);
            }
            Work::Accept(connection) => self.admitted(server, connection, out),
            Work::Replay(_) | Work::Chores { .. } => {}
        }
    }

    /// Work that reached a server that is dead, or was on it when it died.
    pub(super) fn void_work(&mut self, server: u16, work: Work, out: &mut Schedule<'_, Event>) {
        match work {
            Work::Copy {
                operation,
                recipients,
                ..
            } => self.void_copy(usize::from(server), operation, recipients, out.now()),
            Work::Receive(id) | Work::Answer(id) => self.fail(id, false),
            Work::Accept(connection) => self.attempt_failed(connection, out),
            Work::Replay(_) | Work::Chores { .. } => {}
        }
    }

    fn schedule_pause(&mut self, server: u16, class: u8, out: &mut Schedule<'_, Event>) {
        let state = &self.servers.servers[usize::from(server)];
        let key = (u64::from(server) << 8) | u64::from(class);
        let bits = self
            .draws
            .u32(PAUSE_EVERY, key, state.pauses[usize::from(class)]);
        let every = self.servers.pauses[usize::from(class)].0.sample(bits);
        out.after(
            every,
            Event::Pause {
                server,
                class,
                epoch: state.epoch,
            },
        );
    }

    fn pause(&mut self, server: u16, class: u8, epoch: u16, out: &mut Schedule<'_, Event>) {
        let state = &mut self.servers.servers[usize::from(server)];
        if state.epoch == epoch && state.is_up() {
            let key = (u64::from(server) << 8) | u64::from(class);
            let bits = self
                .draws
                .u32(PAUSE_LASTS, key, state.pauses[usize::from(class)]);
            let lasts = self.servers.pauses[usize::from(class)].1.sample(bits);
            state.station.pause(out.now(), lasts, &mut self.wakes);
            self.schedule_wakes(server, out);
        }
        self.servers.servers[usize::from(server)].pauses[usize::from(class)] += 1;
        self.schedule_pause(server, class, out);
    }

    /// Heartbeats and polls of one cohort, at every server; and sessions whose deadline has passed.
    fn cohort(&mut self, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let heartbeat = self.scenario.load.heartbeat;
        let poll = match self.scenario.load.transport {
            Transport::Poll { interval } => Some(interval),
            Transport::WebSocket | Transport::Sse | Transport::LongPoll { .. } => None,
        };
        for server in 0..self.servers.servers.len() {
            let state = &mut self.servers.servers[server];
            if !state.is_up() {
                continue;
            }
            let heartbeats = state.chores(0, heartbeat);
            let polls = poll.map_or(0, |interval| state.chores(1, interval));
            if now >= self.ledger.since {
                self.ledger.polls += u64::from(polls);
                self.ledger.heartbeats += u64::from(heartbeats);
            }
            if heartbeats + polls > 0 {
                let epoch = state.epoch;
                self.arrive_at_server(
                    server as u16,
                    epoch,
                    Work::Chores { heartbeats, polls },
                    out,
                );
            }
        }
        self.expire_sessions(now);
        out.after(COHORT, Event::Cohort);
    }

    /// A server of a region for one connection's attempt.
    pub(super) fn pick_server(
        &mut self,
        now: SimTime,
        site: Site,
        connection: u32,
    ) -> Option<ServerId> {
        let mut rng = self.draws.rng(BALANCE, connection.into(), self.connects);
        self.connects += 1;
        let key = routing::hash::hash_u64(routing::hash::DEFAULT_SEED, connection.into());
        self.balancers.pick(timestamp(now), site, key, &mut rng)
    }
}

/// Who keeps the documents of a scenario.
fn documents(scenario: &Scenario) -> Option<Box<Documents>> {
    let tier = scenario.design.documents.as_ref()?;
    let edits = scenario.traffic.edit.as_ref();
    let deletes = edits.map_or(0.0, |edits| edits.deletes);
    Some(Box::new(Documents::new(tier, deletes)))
}

impl Model for World {
    type Event = Event;

    fn handle(&mut self, at: SimTime, event: Event, out: &mut Schedule<'_, Event>) {
        match event {
            Event::AtServer {
                server,
                epoch,
                work,
            } => self.arrive_at_server(server, epoch, work, out),
            Event::ServerDone {
                server,
                core,
                stamp,
            } => self.server_done(server, core, stamp, out),
            Event::Arrival(kind) => self.arrival(kind, out),
            Event::AtRelay(bundle) => self.at_relay(bundle, out),
            Event::AtCache(id) => self.at_cache(id, out),
            Event::FromCache(id) => self.next_step(id, out),
            Event::Moves(index) => self.moves_on(index, out),
            Event::Web(event) => self.web_event(event, out),
            Event::Sourcing(event) => self.sourcing_event(event, out),
            Event::Service(event) => self.service_event(event, out),
            Event::Document(event) => self.document_event(event, out),
            Event::Store(event) => self.store_event(event, out),
            Event::InTurn { server, stream } => self.release_in_turn(server, stream, out),
            Event::CacheUpdate(update) => self.cache_update(update, out),
            Event::AtPooler(id) => self.at_pooler(id, out),
            Event::AtDatabase(id) => self.at_database(id, out),
            Event::Queried(id) => self.queried(id, out),
            Event::AnswerLate { id, late } => self.late_answer(id, late, out),
            Event::AtReplica { id, replica } => self.at_replica(id, replica, out),
            Event::FromReplica { id, replica } => self.replica_answers(id, replica, out),
            Event::ReplicaFailed(id) => self.ask_primary(id, out),
            Event::Replicate {
                replica,
                record,
                version,
                number,
            } => self.heard_of(replica, (record, version, number), out),
            Event::Promote { shard, death } => self.promote(shard, death, at),
            Event::CallWakes(id) => self.call_wakes(id, out),
            Event::CopyComes(id) => self.copy_comes(id, out),
            Event::CopyServed(id) => self.copy_served(id, out),
            Event::CopyGivesUp(id) => self.copy_gives_up(id, out),
            Event::CopyBack(id) => self.copy_back(id, out),
            Event::CopyFailed { copy, gave_up } => self.copy_failed(copy, gave_up, out),
            Event::CopyCancelled(id) => self.copy_cancelled(id, at),
            Event::TwinStarts(id) => self.twin_starts(id, at),
            Event::AtOwner(id) => self.at_owner(id, out),
            Event::AtBroker(id) => self.at_broker(id, out),
            Event::Pause {
                server,
                class,
                epoch,
            } => self.pause(server, class, epoch, out),
            Event::Cohort => self.cohort(out),
            Event::AtBalancer(connection) => self.at_balancer(connection, out),
            Event::Attempt(connection) => self.attempt(connection, out),
            Event::Notice {
                connection,
                server,
                epoch,
            } => self.notice(connection, (server, epoch), out),
            Event::AttemptTimedOut(connection) => self.attempt_timed_out(connection, out),
            Event::Cut(connection) => self.cut(connection, out),
            Event::ServerNoticed { server, epoch } => self.server_noticed(server, epoch, at),
            Event::ServerBack(server) => self.restore(Tier::ConnectionServers, server.into(), out),
            Event::OwnerNoticed(node) => self.owner_noticed(node, at),
            Event::RegionNoticed(site) => self.region_noticed(site, at),
            Event::Fault { index, begins } => self.fault(index, begins, out),
            Event::Rolling {
                index,
                server,
                restart,
            } => self.rolling(index, server, restart, out),
            Event::Crowd(index) => self.crowd(index, out),
            Event::LeaseOver { cluster, record } => self.ask_again(cluster, record, out),
            Event::Ask(client) => self.act(Kind::Query, client, out),
            Event::Publish(client) => self.act(Kind::Publish, client, out),
            Event::Audit => self.audit(out),
            Event::Measure => self.measure(at),
            Event::MeasureEarly => self.measure_early(at),
        }
        self.think_again(out);
    }

    #[inline]
    fn anticipate(&self, event: &Event) {
        let work = match *event {
            Event::AtDatabase(id)
            | Event::AtCache(id)
            | Event::FromCache(id)
            | Event::Queried(id)
            | Event::AtOwner(id)
            | Event::AtBroker(id) => return self.operations.prefetch(id),
            Event::AtServer { work, .. } => Some(work),
            Event::ServerDone { server, core, .. } => self.servers.servers[usize::from(server)]
                .station
                .serving(core),
            _ => None,
        };
        if let Some(Work::Receive(id) | Work::Copy { operation: id, .. } | Work::Answer(id)) = work
        {
            self.operations.prefetch(id);
        }
    }
}
