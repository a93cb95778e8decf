//! Latencies as sums of independent parts on a grid.
//!
//! publish: uplink + socket wait + receive + queries · (pool wait + query) + ordering wait + its copy's turn + inbox wait +
//! copy + its recipient's turn + downlink, and a link between any two tiers. Up- and downlink of a query are those of one
//! connection. Fixed parts are added at the end, off the grid.

use super::grid::{Pmf, Sum};
use super::placement::{Audience, Met};
use super::stations::{Load, Model, Operation, ServerLoad, Times, Wait};
use crate::scenario::Transport;
use routing::RoutingMode;

/// Most parts that an even spread over a copy's recipients is cut into.
const MEAN_WAITS_THAT_FIT: f64 = 40.0;

/// A latency.
pub(super) struct Latency {
    step: f64,
    fixed: f64,
    varying: Pmf,
}

impl Latency {
    /// Seconds.
    pub(super) fn mean(&self) -> f64 {
        self.fixed + self.step * self.varying.mean()
    }

    /// Seconds that a share `p` does not exceed.
    pub(super) fn quantile(&self, p: f64) -> f64 {
        self.fixed + self.step * self.varying.quantile(p)
    }
}

/// What the network adds, at the scenario's own load.
pub(super) struct Network {
    step: f64,
    publish: Pmf,
    presence: Pmf,
    query: Pmf,
}

impl Network {
    /// The network of a model.
    pub(super) fn new(model: &Model<'_>) -> Self {
        let load = model.at(1.0);
        let shares = &model.placement.network;
        let met = |per_delivery: bool| in_order_rates(model, &load, per_delivery);
        let by_delivery = met(true);
        let by_connection = met(false);
        let step = shares.step;
        let poll = match model.scenario.load.transport {
            Transport::Poll { interval } => {
                let mut sum = Sum::new(step);
                sum.even(0.0, interval.as_secs_f64(), 1.0);
                Some(sum.finish())
            }
            Transport::WebSocket | Transport::Sse | Transport::LongPoll { .. } => None,
        };
        let ordered = |jitter: &Pmf, rates: &[(f64, f64)]| {
            let all: Vec<(Pmf, f64)> = rates
                .iter()
                .map(|&(rate, share)| (jitter.in_order(rate * step), share))
                .collect();
            Pmf::mixture(all.iter().map(|(pmf, share)| (pmf, *share)))
        };
        let (mut down, mut both) = (Vec::new(), Vec::new());
        for access in &shares.access {
            let jitter = match &poll {
                Some(poll) => poll.clone(),
                None => ordered(&access.jitter, &by_delivery),
            };
            down.push((access.base.plus(&jitter), access.share));
            if load.query_per_s > 0.0 {
                let jitters = access.jitter.plus(&ordered(&access.jitter, &by_connection));
                both.push((access.base.doubled().plus(&jitters), access.share));
            }
        }
        let mix = |parts: &[(Pmf, f64)]| Pmf::mixture(parts.iter().map(|(pmf, s)| (pmf, *s)));
        let down = mix(&down);
        let through = shares.uplink.plus(&down);
        Self {
            step,
            publish: if model.clients_publish() {
                through.clone()
            } else {
                down
            },
            presence: through,
            query: mix(&both),
        }
    }

    /// The latency of an operation; `None` where a station on its way has more work than it can do.
    pub(super) fn latency(
        &self,
        model: &Model<'_>,
        load: &Load<'_>,
        operation: Operation,
    ) -> Option<Latency> {
        let way = Way::of(model, load, operation)?;
        let network = match operation {
            Operation::Publish => &self.publish,
            Operation::Presence => &self.presence,
            Operation::Query | Operation::Command => &self.query,
        };
        // Waits that would not fit the grid of the network get a coarser one.
        let room = self.step * super::grid::POINTS as f64 / 4.0;
        let factor = libm::ceil(way.mean_varying * MEAN_WAITS_THAT_FIT / 8.0 / room).max(1.0);
        let step = self.step * factor;
        let varying = way.on_grid(step);
        Some(Latency {
            step,
            fixed: way.fixed,
            varying: network.coarser(factor as usize).plus(&varying),
        })
    }
}

/// Messages per second that connections get, with their shares.
fn in_order_rates(model: &Model<'_>, load: &Load<'_>, per_delivery: bool) -> Vec<(f64, f64)> {
    let other = load.presence_per_s * model.placement.presence.recipients * load.fan_out
        / load.connections.max(1.0)
        + (load.query_per_s + load.command_per_s) / load.connections.max(1.0);
    // A connection meets as many messages of its channels whatever their number, unless channels grow.
    let messages = load.publish_per_s / load.factor.max(1e-12) * load.fan_out;
    let share = |met: &Met| {
        if per_delivery {
            met.of_deliveries
        } else {
            met.of_connections
        }
    };
    let rate = |met: &Met| met.per_message * messages + other;
    model
        .placement
        .met
        .iter()
        .map(|met| (rate(met), share(met)))
        .collect()
}

/// The parts behind the network.
struct Way<'a> {
    fixed: f64,
    mean_varying: f64,
    waits: Vec<(Wait, u32)>,
    query: Option<(&'a Times, u32, f64)>,
    copies: Option<(&'a Audience, f64)>,
    recipients: Option<(&'a Audience, f64, f64)>,
    linger: Option<Times>,
    pauses: Vec<(f64, Times)>,
}

impl<'a> Way<'a> {
    fn of(model: &'a Model<'a>, load: &Load<'_>, operation: Operation) -> Option<Self> {
        let placement = model.placement;
        let design = &model.scenario.design;
        let profile = &design.connection_servers.profile;
        let link = placement.network.link_s;
        let by_client = operation != Operation::Publish || model.clients_publish();
        let average = average_server(load)?;
        let (inbox, sockets) = average.waits?;
        let queries = model.queries(operation);
        let cached = operation == Operation::Query && design.cache.is_some();
        // How often the database is asked.
        let asked = if cached { 1.0 - load.hit_ratio() } else { 1.0 };
        let trips = f64::from(queries) * (asked + f64::from(u32::from(cached)));
        let audience = match operation {
            Operation::Publish => Some(&placement.publish),
            Operation::Presence => Some(&placement.presence),
            Operation::Query | Operation::Command => None,
        };
        let mut way = Way {
            fixed: average.stretch * profile.copy.as_secs_f64() + 2.0 * link * trips,
            mean_varying: 0.0,
            waits: vec![(inbox, 1)],
            query: None,
            copies: None,
            recipients: None,
            linger: None,
            pauses: Vec::new(),
        };
        if by_client {
            way.fixed += average.stretch * profile.receive.as_secs_f64();
            way.waits.push((sockets, 1));
        }
        if queries > 0 {
            let (_, _, wait) = load.pool()?;
            let wait = wait?;
            let share = wait.share * asked;
            way.waits.push((Wait { share, ..wait }, queries));
            let times = match operation {
                Operation::Command => &model.write,
                Operation::Publish | Operation::Presence | Operation::Query => &model.query,
            };
            way.query = times.as_ref().map(|times| (times, queries, asked));
            if let Some(cache) = design.cache.as_ref().filter(|_| cached) {
                way.fixed += cache.lookup.as_secs_f64();
            }
        }
        let visits = 1 + u32::from(by_client);
        for class in &profile.pauses {
            let (every, lasts) = (Times::of(&class.every), Times::of(&class.lasts));
            // Fluid: who comes t after a pause of L began waits L − (1 − ρ) t, until the backlog is gone after L / (1 − ρ).
            let affected = lasts.mean / (1.0 - average.cpu.clamp(0.0, 0.99));
            let share = affected / every.mean.max(affected).max(1e-12);
            for _ in 0..visits {
                way.pauses.push((share, lasts.clone()));
            }
        }
        let deliver = average.stretch * model.deliver(operation);
        let Some(audience) = audience else {
            way.fixed += deliver;
            way.mean_varying = way.mean();
            return Some(way);
        };
        way.recipients = Some((audience, deliver, load.fan_out));
        if let Some((first, copy)) = model.ordering() {
            way.fixed += first + if by_client { 2.0 * link } else { link };
            way.copies = Some((audience, copy));
            way.waits.push((ordering_wait(load)?, 1));
            if let (Some(broker), true) =
                (&design.broker, design.routing != RoutingMode::ChannelOwner)
            {
                way.linger = Some(Times::of(&broker.linger));
            }
        } else if !by_client {
            way.fixed += link;
        }
        way.mean_varying = way.mean();
        Some(way)
    }

    fn mean(&self) -> f64 {
        let waits = self.waits.iter();
        let waits: f64 = waits
            .map(|(wait, n)| f64::from(*n) * wait.share * wait.mean)
            .sum();
        let slowest = self
            .waits
            .iter()
            .map(|(wait, _)| wait.share * wait.mean * 4.0);
        let written = self.recipients.map_or(0.0, |(all, deliver, scale)| {
            all.copy_sizes.mean() * scale * deliver
        });
        let query = self
            .query
            .map_or(0.0, |(times, n, asked)| times.mean * f64::from(n) * asked);
        waits
            + slowest.sum::<f64>()
            + written
            + query
            + self.linger.as_ref().map_or(0.0, |times| times.mean)
    }

    fn on_grid(&self, step: f64) -> Pmf {
        let mut sum = Pmf::zero();
        for (wait, n) in &self.waits {
            sum = sum.plus(&Pmf::sometimes(step, wait.share, wait.mean).times(*n));
        }
        if let Some((times, n, asked)) = self.query {
            let (zero, one) = (Pmf::zero(), spread(step, times));
            let time = Pmf::mixture([(&zero, 1.0 - asked), (&one, asked)]);
            sum = sum.plus(&time.times(n));
        }
        if let Some(times) = &self.linger {
            sum = sum.plus(&spread(step, times));
        }
        if let Some((audience, copy)) = self.copies {
            let turns = audience.copy_numbers.iter();
            sum = sum.plus(&Pmf::of(step, turns.map(|(k, weight)| (k * copy, weight))));
        }
        if let Some((audience, deliver, scale)) = self.recipients {
            let mut turns = Sum::new(step);
            for (n, weight) in audience.copy_sizes.iter() {
                let n = (n * scale).max(1.0);
                turns.even(0.5 * deliver, (n + 0.5) * deliver, weight);
            }
            sum = sum.plus(&turns.finish());
        }
        for (share, lasts) in &self.pauses {
            let mut inside = Sum::new(step);
            for &length in &lasts.points {
                inside.even(0.0, length, length);
            }
            let inside = inside.finish();
            let (zero, hit) = (Pmf::zero(), share.clamp(0.0, 1.0));
            sum = sum.plus(&Pmf::mixture([(&zero, 1.0 - hit), (&inside, hit)]));
        }
        sum
    }
}

fn spread(step: f64, times: &Times) -> Pmf {
    Pmf::of(step, times.points.iter().map(|&point| (point, 1.0)))
}

/// The server that a random delivery meets: shares and means weighted by recipients.
fn average_server(load: &Load<'_>) -> Option<ServerLoad> {
    let servers = &load.model.placement.servers;
    let mut sum = ServerLoad::default();
    let (mut inbox, mut sockets) = (Wait::default(), Wait::default());
    let mut total = 0.0;
    for server in servers {
        let weight = if load.publish_per_s > 0.0 {
            server.recipients
        } else {
            server.connections
        };
        if weight <= 0.0 {
            continue;
        }
        let state = load.server(server);
        let (first, second) = state.waits?;
        total += weight;
        sum.stretch += weight * state.stretch;
        sum.cpu += weight * state.cpu;
        for (all, one) in [(&mut inbox, first), (&mut sockets, second)] {
            all.share += weight * one.share;
            all.mean += weight * one.share * one.mean;
        }
    }
    if total <= 0.0 {
        return None;
    }
    for all in [&mut inbox, &mut sockets] {
        all.mean /= all.share.max(1e-300);
        all.share /= total;
    }
    sum.stretch /= total;
    sum.cpu /= total;
    sum.waits = Some((inbox, sockets));
    Some(sum)
}

/// The wait at the ordering core that a random delivery passed.
fn ordering_wait(load: &Load<'_>) -> Option<Wait> {
    let mut all = Wait::default();
    let mut total = 0.0;
    for core in &load.model.placement.cores {
        let (_, wait) = load.core(core);
        let wait = wait?;
        all.share += core.recipients * wait.share;
        all.mean += core.recipients * wait.share * wait.mean;
        total += core.recipients;
    }
    if total <= 0.0 {
        return Some(all);
    }
    all.mean /= all.share.max(1e-300);
    all.share /= total;
    Some(all)
}
