//! Faults of a scenario: instances that die and come back, rolling restarts, connections that are cut.
//!
//! A connection server dies silently, see [`super::sessions`]. A channel owner takes what it holds with it, and messages for
//! its channels fail until it is back or others take over. What fails by region or zone stands in [`super::outages`].
//! A broker partition with a replica goes on after the failover. A dead shard of the database
//! answers no query. A dead node of the cache is out of the placement at once, and comes back empty. So does a point of
//! presence, but clients are sent to it until its death is detected; a web server of the origin is out at once. A rolling restart drains one server after the other: its clients are cut over the drain time, then it restarts.
//!
//! A slow instance takes `factor` times as long: a connection server for what it serves from then on, what it is serving
//! included; the others for what they take in or begin after, see [`super::backend`] and [`super::pools`]. Slow-downs that
//! overlap multiply; slow links add up, and an instance is back when the last fault that keeps it down is over. A hot key is one record, whichever, that a share of all queries and commands is about.
//!
//! A flash crowd comes and leaves as [`super::crowds`] says. What became of each fault stands in [`super::recovery`].
//!
//! Left out: balancers and connection poolers that die.

use routing::{BackendState, ConnectionId, ConnectionState, ServerId};

use super::asking::HOT;
use super::edge;
use super::event::Event;
use super::servers::timestamp;
use super::sites::Site;
use super::world::World;
use crate::draw::Purpose;
use crate::engine::Schedule;
use crate::scenario::{Fault, Tier, TimedFault};
use crate::time::{SimDuration, SimTime};

pub(super) const NOTICE: Purpose = Purpose::named("client/notice");
const CUT: Purpose = Purpose::named("fault/cut");

impl World {
    /// A fault of the scenario begins or ends.
    pub(super) fn fault(&mut self, index: u16, begins: bool, out: &mut Schedule<'_, Event>) {
        let timed = self.scenario.faults[usize::from(index)].clone();
        if begins && let Some(lasts) = timed.lasts {
            out.after(
                lasts,
                Event::Fault {
                    index,
                    begins: false,
                },
            );
        }
        if begins {
            let mut recovery = core::mem::take(&mut self.recovery);
            recovery.begins(self, out.now(), index);
            self.recovery = recovery;
        }
        match timed.fault {
            Fault::Kill {
                tier,
                first,
                instances,
            } => {
                for instance in first..first + instances {
                    if begins {
                        self.kill(tier, instance, out);
                    } else {
                        self.restore(tier, instance, out);
                    }
                }
            }
            Fault::SlowDown {
                tier,
                first,
                instances,
                ..
            } => {
                for instance in first..first + instances {
                    self.set_speed(tier, instance, out);
                }
            }
            Fault::Reshard(change) if begins => self.reshard(change, out),
            Fault::HotKey { share } => self.hot_key(index, share, begins),
            Fault::RollingRestart { .. } if begins => out.after(
                SimDuration::ZERO,
                Event::Rolling {
                    index,
                    server: 0,
                    restart: false,
                },
            ),
            Fault::DropConnections { within } if begins => {
                self.drop_connections(index, within, out);
            }
            Fault::FlushCache if begins => {
                if let Some(cache) = &mut self.cache {
                    cache.flush();
                }
                let edge = self.web.edge.iter_mut();
                edge.flat_map(|edge| &mut edge.sites)
                    .for_each(edge::Site::flush);
            }
            Fault::LoseRegion { region } => self.lose_region(region as Site, begins, out),
            Fault::LoseZone { region, zone } => self.lose_zone((region as Site, zone), begins, out),
            Fault::Partition { from, to } => {
                self.sites.partition(from as Site, to as Site, begins);
                self.regroup(begins, out);
            }
            Fault::SlowLink { from, to, .. } => self.set_link((from, to), out.now()),
            Fault::FlashCrowd { joins, within } if begins => {
                self.visit(index, joins, within, out);
            }
            Fault::FlashCrowd { .. } => self.visit_ends(index, out),
            Fault::RollingRestart { .. }
            | Fault::DropConnections { .. }
            | Fault::FlushCache
            | Fault::Reshard(_) => {}
        }
    }

    /// One more fault keeps an instance down; the first one kills it.
    pub(super) fn kill(&mut self, tier: Tier, instance: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        if !self.keep_down(tier, instance) {
            return;
        }
        match tier {
            Tier::ConnectionServers => self.kill_server(instance as u16, out),
            Tier::ChannelOwners => {
                if let Some(owners) = &mut self.owners {
                    owners.nodes.kill(now, instance);
                    if let Some(failover) = owners.failover {
                        out.after(failover, Event::OwnerNoticed(instance));
                    }
                }
            }
            Tier::Broker => {
                if let Some(broker) = &mut self.broker {
                    broker.kill(now, self.sites.broker.site(instance), instance);
                }
            }
            Tier::Cache => {
                let waiting = self.cache.as_mut().map(|cache| cache.kill(now, instance));
                self.look_again(waiting.unwrap_or_default(), out);
            }
            Tier::Database => {
                let waiting = self
                    .databases
                    .as_mut()
                    .map(|databases| databases.shards[instance as usize].kill(now));
                self.copies_lost(instance, waiting.unwrap_or_default(), out);
                self.primary_died(instance, out);
            }
            Tier::Replicas => {
                if let Some(replicas) = &mut self.replicas {
                    replicas.kill(now, instance);
                }
            }
            Tier::Edge => self.kill_site(instance, out),
            Tier::Documents => self.kill_documents(instance, out),
            Tier::Origin => {
                if let Some(origin) = &mut self.web.origin {
                    origin.kill(now, instance);
                }
            }
            Tier::CommandSide => self.kill_commands(instance, now),
            Tier::Log => self.kill_log(instance, out),
            Tier::Projections => self.kill_projection(instance, out),
            Tier::Stock | Tier::MatchingEngine | Tier::Notifications | Tier::Providers => {
                self.kill_service(tier, instance, out);
            }
            Tier::LoadBalancer | Tier::Pooler => unreachable!("the scenario refuses it"),
        }
    }

    /// Lets an instance take as many times as long as all faults that last now say together.
    fn set_speed(&mut self, tier: Tier, instance: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let faults = self.scenario.faults.iter();
        let factor: f64 = faults
            .filter_map(|timed| slowing(timed, tier, instance, now))
            .product();
        match tier {
            Tier::ConnectionServers => {
                let station = &mut self.servers.servers[instance as usize].station;
                station.set_slow_down(now, factor, &mut self.wakes);
                self.schedule_wakes(instance as u16, out);
            }
            Tier::ChannelOwners => {
                if let Some(owners) = &mut self.owners {
                    owners.nodes.slow_down(instance, factor);
                }
            }
            Tier::Broker => {
                if let Some(broker) = &mut self.broker {
                    broker.nodes.slow_down(instance, factor);
                }
            }
            Tier::Cache => {
                if let Some(cache) = &mut self.cache {
                    cache.nodes.slow_down(instance, factor);
                }
            }
            Tier::Pooler => {
                if let Some(pooler) = &mut self.pooler {
                    pooler.nodes.slow_down(instance, factor);
                }
            }
            Tier::Documents => {
                if let Some(documents) = &mut self.documents {
                    documents.nodes.slow_down(instance, factor);
                }
            }
            Tier::Database => {
                if let Some(databases) = &mut self.databases {
                    databases.shards[instance as usize].slow_down(factor);
                }
            }
            Tier::CommandSide | Tier::Log | Tier::Projections => {
                if let Some(own) = &mut self.sourcing {
                    own.slow_down(tier, instance, factor);
                }
            }
            Tier::Stock | Tier::MatchingEngine | Tier::Notifications | Tier::Providers => {
                self.slow_service(tier, instance, factor);
            }
            Tier::LoadBalancer | Tier::Edge | Tier::Origin | Tier::Replicas => {
                unreachable!("the scenario refuses it")
            }
        }
    }

    /// Lets the way between two regions be as bad as all faults that last now say together.
    fn set_link(&mut self, ends: (u16, u16), now: SimTime) {
        let faults = self.scenario.faults.iter();
        let (mut adds, mut lost) = (SimDuration::ZERO, 0.0);
        for timed in faults.filter(|timed| lasts(timed, now)) {
            if let Fault::SlowLink {
                from,
                to,
                adds: more,
                loss,
            } = timed.fault
                && (ends == (from, to) || ends == (to, from))
            {
                adds += more;
                lost += loss * (1.0 - lost);
            }
        }
        let (from, to) = (ends.0 as Site, ends.1 as Site);
        self.sites.slow(from, to, adds, lost);
    }

    /// One record is asked for by many, or no longer.
    fn hot_key(&mut self, index: u16, share: f64, begins: bool) {
        let fault = u64::from(index);
        self.hot_keys.retain(|&(other, ..)| other != fault);
        if begins {
            let records = self.records.count().into();
            let record = self.draws.below(HOT, fault, u64::MAX, records) as u32;
            self.hot_keys.push((fault, share, record));
        }
    }

    /// One more fault keeps an instance down; `true`: it is the first.
    fn keep_down(&mut self, tier: Tier, instance: u32) -> bool {
        let faults = self.down.entry((tier, instance)).or_default();
        *faults += 1;
        *faults == 1
    }

    /// One fault fewer keeps an instance down; after the last one it is back.
    pub(super) fn restore(&mut self, tier: Tier, instance: u32, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let faults = self.down.remove(&(tier, instance)).unwrap_or(1);
        if faults > 1 {
            self.down.insert((tier, instance), faults - 1);
            return;
        }
        match tier {
            Tier::ConnectionServers => self.server_back(instance as u16, out),
            Tier::ChannelOwners => {
                if let Some(owners) = &mut self.owners {
                    owners.nodes.restore(instance);
                    owners.take_over(self.sites.owners.site(instance), instance);
                }
            }
            Tier::Broker => {
                if let Some(broker) = &mut self.broker {
                    broker.restore(now, self.sites.broker.site(instance), instance);
                }
            }
            Tier::Cache => {
                if let Some(cache) = &mut self.cache {
                    cache.restore(instance);
                }
            }
            Tier::Database => self.primary_back(instance),
            Tier::Edge => self.restore_site(instance),
            Tier::Documents => self.restore_documents(instance, now),
            Tier::Replicas => self.replica_back(instance),
            Tier::Origin => {
                if let Some(origin) = &mut self.web.origin {
                    origin.restore(now, instance);
                }
            }
            Tier::CommandSide => {
                if let Some(own) = &mut self.sourcing {
                    own.commands.nodes.restore(instance);
                }
            }
            Tier::Log => self.restore_log(instance, out),
            Tier::Projections => self.restore_projection(instance, out),
            Tier::Stock | Tier::MatchingEngine | Tier::Notifications | Tier::Providers => {
                self.restore_service(tier, instance, out);
            }
            Tier::LoadBalancer | Tier::Pooler => unreachable!("the scenario refuses it"),
        }
    }

    /// A server dies without a word.
    pub(super) fn kill_server(&mut self, server: u16, out: &mut Schedule<'_, Event>) {
        let now = out.now();
        let index = usize::from(server);
        if !self.servers.servers[index].is_up() {
            return;
        }
        self.before_churn(index);
        self.truncate_server(index, now);
        self.drop_held(server, now);
        let state = &mut self.servers.servers[index];
        let epoch = state.epoch;
        state.epoch = state.epoch.wrapping_add(1);
        state.held = 0;
        let mut lost = Vec::new();
        state.station.crash(now, &mut lost);
        for work in lost {
            self.void_work(server, work, out);
        }
        let connected: Vec<u32> = self
            .hub
            .connections()
            .open_connections(ServerId(server))
            .map(|id| id.0)
            .collect();
        let interval = self.scenario.load.heartbeat;
        for connection in connected {
            let phase = self
                .draws
                .unit_f64(NOTICE, connection.into(), now.as_nanos());
            let wait = self
                .scenario
                .load
                .heartbeat_timeout
                .saturating_sub(interval.scaled(phase));
            out.after(
                wait,
                Event::Notice {
                    connection,
                    server,
                    epoch,
                },
            );
        }
        out.after(
            self.scenario.load.heartbeat_timeout,
            Event::ServerNoticed { server, epoch },
        );
    }

    fn drop_connections(&mut self, index: u16, within: SimDuration, out: &mut Schedule<'_, Event>) {
        for connection in 0..self.clients.len() {
            if self.hub.connections().state(ConnectionId(connection)) == ConnectionState::Open {
                let at = within.scaled(self.draws.unit_f64(CUT, connection.into(), index.into()));
                out.after(at, Event::Cut(connection));
            }
        }
    }

    /// One step of a rolling restart: drain a server, then restart it, then the next.
    pub(super) fn rolling(
        &mut self,
        index: u16,
        server: u16,
        restart: bool,
        out: &mut Schedule<'_, Event>,
    ) {
        let now = out.now();
        let Fault::RollingRestart {
            drain,
            restart: takes,
        } = self.scenario.faults[usize::from(index)].fault
        else {
            return;
        };
        let connected: Vec<u32> = self
            .hub
            .connections()
            .open_connections(ServerId(server))
            .map(|id| id.0)
            .collect();
        if !restart {
            self.balancers.set_state(
                timestamp(now),
                &mut self.sites,
                ServerId(server),
                BackendState::Draining,
            );
            for connection in connected {
                let at = drain.scaled(self.draws.unit_f64(
                    CUT,
                    connection.into(),
                    (u64::from(index) << 32) | u64::from(server),
                ));
                out.after(at, Event::Cut(connection));
            }
            out.after(
                drain,
                Event::Rolling {
                    index,
                    server,
                    restart: true,
                },
            );
            return;
        }
        for connection in connected {
            self.cut(connection, out);
        }
        self.balancers.set_state(
            timestamp(now),
            &mut self.sites,
            ServerId(server),
            BackendState::Down,
        );
        if self.keep_down(Tier::ConnectionServers, server.into()) {
            let mut lost = Vec::new();
            let state = &mut self.servers.servers[usize::from(server)];
            state.epoch = state.epoch.wrapping_add(1);
            state.held = 0;
            state.station.crash(now, &mut lost);
            for work in lost {
                self.void_work(server, work, out);
            }
        }
        out.after(takes, Event::ServerBack(server));
        if usize::from(server) + 1 < self.servers.servers.len() {
            out.after(
                takes,
                Event::Rolling {
                    index,
                    server: server + 1,
                    restart: false,
                },
            );
        }
    }
}

/// How many times as long an instance takes because of a fault, if it does now.
fn slowing(timed: &TimedFault, slow: Tier, instance: u32, now: SimTime) -> Option<f64> {
    let Fault::SlowDown {
        tier,
        first,
        instances,
        factor,
    } = timed.fault
    else {
        return None;
    };
    let hit = tier == slow && (first..first + instances).contains(&instance);
    (lasts(timed, now) && hit).then_some(factor)
}

/// Whether a fault has begun and is not over.
fn lasts(timed: &TimedFault, now: SimTime) -> bool {
    let began = SimTime::ZERO + timed.at;
    began <= now && timed.lasts.is_none_or(|lasts| now < began + lasts)
}
