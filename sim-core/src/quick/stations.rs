//! Loads and waits of every station at a multiple of the placement's load.
//!
//! Connection server: E₁ = Σ λᵢ E(Sᵢ) erlangs, E₂ = Σ λᵢ E(Sᵢ²). All cores are busy with probability C (Erlang C), the
//! residual work per core is then R = C · E₂ / (2 E₁ c); the inbox waits R / (1 − ρ_inbox), sockets
//! R / ((1 − ρ_inbox)(1 − ρ)). With one core this is Cobham's M/G/1 with two priorities. Ordering core: λ E(S²) / (2 (1 − ρ)).
//! Pool: Erlang C with the wait of M/M/c times (1 + C²) / 2.

use std::collections::BTreeMap;

use super::data::Data;
use super::placement::{CoreShare, Placement, ServerShare};
use crate::quantile::Distribution;
use crate::scenario::{Members, Per, Publisher, Rate, Scenario, ShardBy, Shards, Transport};
use crate::station::LoadCurve;
use crate::system::server_room;
use crate::theory::erlang_c;
use crate::time::SimDuration;
use routing::RoutingMode;

/// Cohorts of heartbeats and polls per second.
const COHORTS_PER_S: f64 = 10.0;
/// Midpoints that stand for a distribution.
const MIDPOINTS: u32 = 256;

/// What the estimate is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Publish,
    Presence,
    Query,
    Command,
}

impl Operation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Operation::Publish => "publish",
            Operation::Presence => "presence",
            Operation::Query => "query",
            Operation::Command => "command",
        }
    }

    /// Which latency is estimated.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Operation::Publish | Operation::Presence => "delivered",
            Operation::Query | Operation::Command => "answered",
        }
    }
}

/// A wait that is nothing, or exponential.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Wait {
    /// Probability that there is one.
    pub(super) share: f64,
    /// Mean where there is one, seconds.
    pub(super) mean: f64,
}

/// A distribution of durations in seconds, by its midpoints.
#[derive(Clone, Debug)]
pub(super) struct Times {
    pub(super) points: Vec<f64>,
    pub(super) mean: f64,
    pub(super) square: f64,
}

impl Times {
    pub(super) fn of(distribution: &Distribution) -> Self {
        let count = match distribution {
            Distribution::Constant(_) => 1,
            _ => MIDPOINTS,
        };
        let at = |i: u32| (f64::from(i) + 0.5) / f64::from(count);
        let points: Vec<f64> = (0..count)
            .map(|i| distribution.survival_quantile_ns(at(i)) / 1e9)
            .collect();
        let mean_of = |power: &dyn Fn(f64) -> f64| {
            points.iter().map(|&s| power(s)).sum::<f64>() / f64::from(count)
        };
        Self {
            mean: mean_of(&|s| s),
            square: mean_of(&|s| s * s),
            points,
        }
    }
}

/// A scenario and its placement, ready to be loaded.
pub(super) struct Model<'a> {
    pub(super) scenario: Scenario,
    pub(super) placement: &'a Placement,
    pub(super) query: Option<Times>,
    pub(super) write: Option<Times>,
    data: Data,
    curve: Option<LoadCurve>,
    /// The scenario's users as a multiple of the placement's.
    base: f64,
    hosted: f64,
}

impl<'a> Model<'a> {
    pub(super) fn new(scenario: &Scenario, placement: &'a Placement) -> Self {
        let design = scenario.effective_design();
        let points = design.connection_servers.profile.load_curve.clone();
        let database = design.database.as_ref();
        let mut model = Self {
            query: database.map(|database| Times::of(&database.query)),
            write: database
                .filter(|_| scenario.traffic.command.is_some())
                .map(|database| Times::of(&database.write)),
            data: Data::default(),
            curve: LoadCurve::new(points, SimDuration::from_millis(100)).ok(),
            base: f64::from(scenario.load.users) / placement.users.max(1.0),
            hosted: placement.servers.iter().map(|s| s.connections).sum(),
            scenario: Scenario {
                design,
                ..scenario.clone()
            },
            placement,
        };
        let load = model.at(1.0);
        let (reads, writes) = (load.query_per_s, load.command_per_s);
        let (design, traffic) = (&model.scenario.design, &model.scenario.traffic);
        model.data = Data::new(design, traffic, reads, writes);
        if let Some(edge) = &design.edge {
            let served = crate::system::served(&model.scenario, edge);
            model.data =
                core::mem::take(&mut model.data).with_edge(edge, traffic, &served, (reads, writes));
        }
        model
    }

    /// Users of the scenario.
    pub(super) fn users(&self) -> f64 {
        f64::from(self.scenario.load.users)
    }

    /// At a multiple of the scenario's users.
    pub(super) fn at(&self, factor: f64) -> Load<'_> {
        let factor = factor * self.base;
        let grows = matches!(
            self.scenario.channels.members,
            Members::Everyone | Members::Random { .. }
        );
        let placement = self.placement;
        let connections = placement.connections * factor;
        let channels = placement.channels * if grows { 1.0 } else { factor };
        let per_s = |rate: Option<Rate>| {
            rate.map_or(0.0, |Rate { per_s, per }| {
                per_s
                    * match per {
                        Per::User => connections,
                        Per::Channel => channels,
                        Per::System => 1.0,
                    }
            })
        };
        let traffic = &self.scenario.traffic;
        let publish = traffic.publish.as_ref();
        let members = publish.is_some_and(|publish| {
            publish.from == Publisher::Members && publish.rate.per != Per::Channel
        });
        let share = if members { placement.starters } else { 1.0 };
        Load {
            model: self,
            factor,
            connections,
            fan_out: if grows { factor } else { 1.0 },
            publish_per_s: per_s(publish.map(|publish| publish.rate)) * share,
            presence_per_s: per_s(traffic.presence.as_ref().map(|presence| presence.rate)),
            query_per_s: per_s(traffic.query.as_ref().map(|query| query.rate))
                * (1.0 - self.data.kept(factor / self.base.max(f64::MIN_POSITIVE))),
            command_per_s: per_s(traffic.command.as_ref().map(|command| command.rate)),
        }
    }

    /// Whether messages come from clients, over a server.
    pub(super) fn clients_publish(&self) -> bool {
        let publish = self.scenario.traffic.publish.as_ref();
        publish.is_none_or(|publish| publish.from == Publisher::Members)
    }

    /// Database queries of one operation.
    pub(super) fn queries(&self, operation: Operation) -> u32 {
        if self.scenario.design.database.is_none() {
            return 0;
        }
        match operation {
            Operation::Publish if self.clients_publish() => self
                .scenario
                .traffic
                .publish
                .as_ref()
                .map_or(0, |publish| publish.queries),
            Operation::Query | Operation::Command => 1,
            Operation::Publish | Operation::Presence => 0,
        }
    }

    /// CPU of writing one message of an operation to one client, seconds at low load.
    pub(super) fn deliver(&self, operation: Operation) -> f64 {
        let profile = &self.scenario.design.connection_servers.profile;
        let ps = u64::from(self.payload(operation)) * profile.deliver_ps_per_byte;
        profile.deliver.as_secs_f64() + ps as f64 / 1e12
    }

    /// Payload bytes of an operation.
    pub(super) fn payload(&self, operation: Operation) -> u32 {
        let traffic = &self.scenario.traffic;
        match operation {
            Operation::Publish => traffic.publish.as_ref().map_or(0, |p| p.size_bytes),
            Operation::Presence => traffic.presence.as_ref().map_or(0, |p| p.size_bytes),
            Operation::Query => traffic.query.as_ref().map_or(0, |q| q.size_bytes),
            Operation::Command => traffic.command.as_ref().map_or(0, |c| c.size_bytes),
        }
    }

    /// CPU of taking a message in and of sending one copy, at the tier that orders.
    pub(super) fn ordering(&self) -> Option<(f64, f64)> {
        let design = &self.scenario.design;
        let (first, copy) = match design.routing {
            RoutingMode::Local => return None,
            RoutingMode::ChannelOwner => {
                let owners = design.channel_owners.as_ref()?;
                (owners.sequence, owners.copy)
            }
            RoutingMode::Broadcast | RoutingMode::Interest => {
                let broker = design.broker.as_ref()?;
                // What a message costs the other nodes comes back from theirs.
                let others = u64::from(broker.count.saturating_sub(1));
                let bus = broker.bus.unwrap_or_default() * (2 * others);
                (broker.publish + bus, broker.copy)
            }
        };
        Some((first.as_secs_f64(), copy.as_secs_f64()))
    }
}

/// Everything at one load.
pub(super) struct Load<'a> {
    pub(super) model: &'a Model<'a>,
    /// Multiple of the placement's load.
    pub(super) factor: f64,
    pub(super) connections: f64,
    /// Multiple of the placement's recipients per message.
    pub(super) fan_out: f64,
    pub(super) publish_per_s: f64,
    pub(super) presence_per_s: f64,
    pub(super) query_per_s: f64,
    pub(super) command_per_s: f64,
}

/// One connection server at one load.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ServerLoad {
    pub(super) cpu: f64,
    pub(super) bandwidth: f64,
    /// Service time against its time at low load.
    pub(super) stretch: f64,
    /// Waits of the inbox and the sockets; `None`: more work than cores.
    pub(super) waits: Option<(Wait, Wait)>,
}

impl Load<'_> {
    /// The operations that happen and are estimated: not queries that points of presence may answer.
    pub(super) fn operations(&self) -> impl Iterator<Item = Operation> {
        let kept = self.model.scenario.keeps_queries_at_edge();
        let happens = [
            (Operation::Publish, self.publish_per_s),
            (Operation::Presence, self.presence_per_s),
            (Operation::Query, self.query_per_s),
            (Operation::Command, self.command_per_s),
        ];
        let happens = happens.into_iter().filter(|(_, per_s)| *per_s > 0.0);
        let happens = happens.filter(move |(operation, _)| !kept || *operation != Operation::Query);
        happens.map(|(operation, _)| operation)
    }

    /// Started per second.
    pub(super) fn offered(&self, operation: Operation) -> f64 {
        match operation {
            Operation::Publish => self.publish_per_s,
            Operation::Presence => self.presence_per_s,
            Operation::Query => self.query_per_s,
            Operation::Command => self.command_per_s,
        }
    }

    /// The share of all connections that a server holds.
    fn share(&self, server: &ServerShare) -> f64 {
        server.connections / self.model.hosted.max(1.0)
    }

    /// What one connection server has to do.
    pub(super) fn server(&self, server: &ServerShare) -> ServerLoad {
        let model = self.model;
        let tier = &model.scenario.design.connection_servers;
        let profile = &tier.profile;
        let count = model.placement.servers.len().max(1) as f64;
        let share = self.share(server);
        let copy = profile.copy.as_secs_f64();
        let mut inbox = Work::default();
        let presence = &model.placement.presence;
        let fan_outs = [
            (
                Operation::Publish,
                server.copies,
                server.recipients,
                server.recipients_sq,
            ),
            (
                Operation::Presence,
                presence.copies / count,
                presence.recipients * share,
                presence.recipients_sq / count,
            ),
        ];
        let mut bytes = 0.0;
        for (operation, copies, recipients, squares) in fan_outs {
            let rate = self.offered(operation);
            let deliver = model.deliver(operation);
            let recipients = recipients * self.fan_out;
            let squares = squares * self.fan_out * self.fan_out;
            inbox.add(
                rate,
                copies * copy + recipients * deliver,
                copies * copy * copy
                    + 2.0 * copy * deliver * recipients
                    + squares * deliver * deliver,
            );
            bytes += rate * recipients * self.wire_bytes(operation);
        }
        for operation in [Operation::Query, Operation::Command] {
            let rate = self.offered(operation) * share;
            let answer = copy + model.deliver(operation);
            inbox.add(rate, answer, answer * answer);
            bytes += rate * self.wire_bytes(operation);
        }
        let mut sockets = Work::default();
        let from_clients = if model.clients_publish() {
            self.publish_per_s
        } else {
            0.0
        };
        let receive = profile.receive.as_secs_f64();
        let received =
            (from_clients + self.presence_per_s + self.query_per_s + self.command_per_s) * share;
        sockets.add(received, receive, receive * receive);
        let chores = self.chores(server.connections * self.factor);
        sockets.add(COHORTS_PER_S, chores, chores * chores);
        let cores = tier.machine.cores;
        let bits = tier.machine.network_bits_per_s.max(1) as f64;
        let (stretch, cpu) = self.stretched(inbox.erlangs + sockets.erlangs, cores);
        ServerLoad {
            cpu,
            bandwidth: bytes * 8.0 / bits,
            stretch,
            waits: waits(inbox.stretched(stretch), sockets.stretched(stretch), cores),
        }
    }

    /// CPU of one cohort of heartbeats and polls.
    fn chores(&self, held: f64) -> f64 {
        let load = &self.model.scenario.load;
        let profile = &self.model.scenario.design.connection_servers.profile;
        let each = |interval: SimDuration, cpu: SimDuration| {
            held * cpu.as_secs_f64() / interval.as_secs_f64().max(1e-9) / COHORTS_PER_S
        };
        let polls = match load.transport {
            Transport::Poll { interval } => each(interval, profile.receive),
            Transport::WebSocket | Transport::Sse | Transport::LongPoll { .. } => 0.0,
        };
        each(load.heartbeat, profile.heartbeat) + polls
    }

    /// Stretch of service and utilisation where they agree: u = erlangs · S(u) / cores.
    fn stretched(&self, erlangs: f64, cores: u32) -> (f64, f64) {
        let cores = f64::from(cores.max(1));
        let Some(curve) = &self.model.curve else {
            return (1.0, erlangs / cores);
        };
        let mut cpu = erlangs / cores;
        for _ in 0..40 {
            cpu = 0.5 * (cpu + erlangs * curve.factor(cpu.min(1.0)) / cores);
        }
        (curve.factor(cpu.min(1.0)), cpu)
    }

    /// Bytes of a message to one client.
    pub(super) fn wire_bytes(&self, operation: Operation) -> f64 {
        let wire = match self.model.scenario.load.transport {
            Transport::WebSocket => routing::session::Transport::WebSocket,
            Transport::Sse => routing::session::Transport::Sse,
            Transport::LongPoll { hold } => routing::session::Transport::LongPoll {
                timeout_ns: hold.as_nanos(),
            },
            Transport::Poll { interval } => routing::session::Transport::Poll {
                interval_ns: interval.as_nanos(),
            },
        };
        wire.bytes_down(self.model.payload(operation).into()) as f64
    }

    /// Utilisation and wait of one ordering core.
    pub(super) fn core(&self, core: &CoreShare) -> (f64, Option<Wait>) {
        let Some((first, copy)) = self.model.ordering() else {
            return (0.0, None);
        };
        let presence = &self.model.placement.presence;
        let kinds = [
            (
                self.publish_per_s,
                [core.messages, core.copies, core.copies_sq],
            ),
            (
                self.presence_per_s * core.presence,
                [1.0, presence.copies, presence.copies_sq],
            ),
        ];
        let mut work = Work::default();
        for (rate, [messages, copies, squares]) in kinds {
            work.add(
                rate,
                messages * first + copies * copy,
                messages * first * first + 2.0 * first * copy * copies + squares * copy * copy,
            );
        }
        let wait = (work.erlangs < 1.0).then(|| Wait {
            share: work.erlangs,
            mean: if work.erlangs > 0.0 {
                work.squares / (2.0 * (1.0 - work.erlangs) * work.erlangs)
            } else {
                0.0
            },
        });
        (work.erlangs, wait)
    }

    /// The share of reads that the cache answers.
    pub(super) fn hit_ratio(&self) -> f64 {
        self.model.data.hit_ratio(self.factor / self.model.base)
    }

    /// Utilisation of the pools, of the most loaded shard and the mean, and the wait at the mean one; `None` without a
    /// database.
    pub(super) fn pool(&self) -> Option<(f64, f64, Option<Wait>)> {
        let database = self.model.scenario.design.database.as_ref()?;
        let query = self.model.query.as_ref()?;
        let data = &self.model.data;
        let traffic = &self.model.scenario.traffic;
        let blindly = traffic.spread.as_ref().is_some_and(|spread| {
            let shards = self.model.scenario.design.shards;
            let by_place = |shards: Shards| matches!(shards.by, ShardBy::Geo { .. });
            spread.nearby.is_some() && !shards.is_none_or(by_place)
        });
        let scatter = match &traffic.query {
            Some(_) if blindly => 1.0,
            query => query.as_ref().map_or(0.0, |query| query.scatter),
        };
        let reads = self.query_per_s * (1.0 - scatter) * (1.0 - self.hit_ratio());
        let on_the_way = self.publish_per_s * f64::from(self.model.queries(Operation::Publish));
        let (mut work, mut to_all) = (Work::default(), Work::default());
        work.add(reads + on_the_way, query.mean, query.square);
        if let Some(write) = &self.model.write {
            work.add(self.command_per_s, write.mean, write.square);
        }
        to_all.add(self.query_per_s * scatter, query.mean, query.square);
        let pool = f64::from(database.pool.max(1));
        let shard = |share: f64| Work {
            erlangs: work.erlangs * share + to_all.erlangs,
            squares: work.squares * share + to_all.squares,
        };
        let mean = shard(1.0 / f64::from(data.shards));
        let wait = erlang_c(database.pool, mean.erlangs).map(|share| Wait {
            share,
            mean: mean.squares / (2.0 * mean.erlangs.max(1e-12) * (pool - mean.erlangs)),
        });
        let hottest = shard(data.hottest).erlangs / pool;
        Some((hottest, mean.erlangs / pool, wait))
    }

    /// Utilisation of the cache's nodes; `None` without one.
    fn cache(&self) -> Option<f64> {
        let cache = self.model.scenario.design.cache.as_ref()?;
        let misses = self.query_per_s * (1.0 - self.hit_ratio());
        let steps = self.query_per_s + misses + self.command_per_s;
        let cores = f64::from(cache.count) * f64::from(cache.machine.cores.max(1));
        Some(steps * cache.lookup.as_secs_f64() / cores)
    }

    /// How full every resource is: the hottest instance, and `….mean` over all.
    pub(super) fn utilization(&self) -> BTreeMap<String, f64> {
        let mut all = BTreeMap::new();
        let design = &self.model.scenario.design;
        let tier = &design.connection_servers;
        let loads: Vec<(f64, ServerLoad)> = self
            .model
            .placement
            .servers
            .iter()
            .map(|server| (server.connections * self.factor, self.server(server)))
            .collect();
        let mut put = |name: &str, values: &mut dyn Iterator<Item = f64>| {
            let (mut hottest, mut sum, mut count) = (0.0, 0.0, 0.0);
            for value in values {
                hottest = f64::max(hottest, value);
                sum += value;
                count += 1.0;
            }
            all.insert(name.to_owned(), hottest);
            all.insert(format!("{name}.mean"), sum / f64::max(count, 1.0));
        };
        put(
            "connection_servers.cpu",
            &mut loads.iter().map(|(_, load)| load.cpu),
        );
        put(
            "connection_servers.bandwidth",
            &mut loads.iter().map(|(_, load)| load.bandwidth),
        );
        let profile = &tier.profile;
        let per_connection = profile.memory_per_connection_bytes as f64;
        let memory = tier.machine.memory_bytes.max(1) as f64;
        put(
            "connection_servers.memory",
            &mut loads.iter().map(|(held, _)| {
                (profile.base_memory_bytes as f64 + held * per_connection) / memory
            }),
        );
        let descriptors = f64::from(tier.descriptors.max(1));
        put(
            "connection_servers.descriptors",
            &mut loads
                .iter()
                .map(|(held, _)| (held + f64::from(profile.reserved_descriptors)) / descriptors),
        );
        if let Some(most) = tier.max_connections {
            put(
                "connection_servers.connections",
                &mut loads.iter().map(|(held, _)| held / f64::from(most.max(1))),
            );
        }
        let balancer = &design.load_balancer;
        let room = f64::from(balancer.count.max(1)) * f64::from(balancer.max_connections.max(1));
        let open = loads.iter().map(|(held, _)| {
            // Those who find no room are not open.
            held.min(server_room(tier) as f64)
        });
        let open: f64 = open.sum();
        put(
            "load_balancer.connections",
            &mut std::iter::once(open / room),
        );
        let ordering = match design.routing {
            RoutingMode::Local => None,
            RoutingMode::ChannelOwner => Some("channel_owners.cpu"),
            RoutingMode::Broadcast | RoutingMode::Interest => Some("broker.cpu"),
        };
        if let Some(name) = ordering {
            let cores = self.model.placement.cores.iter();
            put(name, &mut cores.map(|core| self.core(core).0));
        }
        if let Some(cpu) = self.cache() {
            put("cache.cpu", &mut std::iter::once(cpu));
        }
        if let Some((hottest, mean, _)) = self.pool() {
            all.insert("database.pool".to_owned(), hottest);
            all.insert("database.pool.mean".to_owned(), mean);
        }
        all
    }
}

/// Work that arrives at a station per second.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    /// Seconds of service per second.
    erlangs: f64,
    /// Squared seconds of service per second.
    squares: f64,
}

impl Work {
    fn add(&mut self, rate: f64, service: f64, square: f64) {
        self.erlangs += rate * service;
        self.squares += rate * square;
    }

    fn stretched(self, factor: f64) -> Self {
        Self {
            erlangs: self.erlangs * factor,
            squares: self.squares * factor * factor,
        }
    }
}

/// Waits of an inbox that goes first and of sockets, at `cores` cores.
fn waits(inbox: Work, sockets: Work, cores: u32) -> Option<(Wait, Wait)> {
    let erlangs = inbox.erlangs + sockets.erlangs;
    let cores_f = f64::from(cores.max(1));
    let busy = erlang_c(cores.max(1), erlangs)?;
    if erlangs <= 0.0 || busy <= 0.0 {
        return Some((Wait::default(), Wait::default()));
    }
    let residual = (inbox.squares + sockets.squares) / (2.0 * erlangs * cores_f);
    let of_inbox = residual / (1.0 - inbox.erlangs / cores_f);
    let of_sockets = of_inbox / (1.0 - erlangs / cores_f);
    let wait = |mean| Wait { share: busy, mean };
    Some((wait(of_inbox), wait(of_sockets)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_core_is_pollaczek_khinchine_with_cobhams_priorities() {
        let inbox = Work {
            erlangs: 0.3,
            squares: 0.6,
        };
        let sockets = Work {
            erlangs: 0.2,
            squares: 0.1,
        };
        let (first, second) = waits(inbox, sockets, 1).unwrap();
        let residual = 0.7 / 2.0;
        assert!((first.share * first.mean - residual / 0.7).abs() < 1e-12);
        assert!((second.share * second.mean - residual / (0.7 * 0.5)).abs() < 1e-12);
        assert_eq!(
            waits(
                inbox,
                Work {
                    erlangs: 0.8,
                    squares: 1.0
                },
                1
            ),
            None
        );
    }
}
