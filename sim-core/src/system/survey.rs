//! The survey of a fresh world for the quick estimate: who sits where, read from the routing structures themselves.
//!
//! One pass over the channels: each is planned by the hub as a message would be and weighed by the messages it gets. Status
//! changes are counted exactly for [`SAMPLE`] users (fewer where channels are huge), and their mean corrected by the ratio of
//! distinct to all co-members, which is known for everybody. Delays are those of the clients themselves.

use std::sync::Arc;

use routing::{ChannelId, ConnectionId, FanoutPlan, RoutingMode, ServerId};

use super::BuildError;
use super::sites::Site;
use super::world::World;
use crate::histogram::UNIT_NS;
use crate::quick::grid::{POINTS, Pmf, Sum};
use crate::quick::placement::{
    AccessShare, Audience, CoreShare, Key, Met, NetworkShares, Placement, ServerShare,
};
use crate::scenario::{Per, Publisher, Scenario};

/// Users whose co-members are counted.
const SAMPLE: u32 = 192;
/// Members looked at for that.
const MOST_MEMBERS: u64 = 1_500_000;
/// Users whose messages are counted.
const BUSY_SAMPLE: u32 = 4_096;
/// Groups of connections by how busy they are.
const GROUPS: usize = 8;
/// Clients whose delays are read.
const DELAYS: u32 = 1 << 16;
/// Jitter quantiles per access network.
const JITTERS: u32 = 8_192;

/// Builds a world and takes its survey.
pub fn survey_of(scenario: &Scenario) -> Result<Placement, BuildError> {
    Ok(survey(&World::new(Arc::new(scenario.effective()))?))
}

/// The survey of a world at time zero.
pub fn survey(world: &World) -> Placement {
    let weights = Weights::of(world);
    let mut taken = Taken::new(world);
    for channel in 0..world.channels {
        taken.channel(world, ChannelId(channel), &weights);
    }
    taken.finish(world, &weights)
}

/// How messages fall on channels.
struct Weights {
    by_members: bool,
    feed: bool,
}

impl Weights {
    fn of(world: &World) -> Self {
        let publish = world.scenario.traffic.publish.as_ref();
        let feed = publish.is_some_and(|publish| publish.from != Publisher::Members);
        let per_channel = publish.is_some_and(|publish| publish.rate.per == Per::Channel);
        Self {
            by_members: !feed && !per_channel,
            feed,
        }
    }

    fn of_channel(&self, members: f64) -> f64 {
        if self.by_members { members } else { 1.0 }
    }
}

/// Sums over channels.
struct Taken {
    publish: Audience,
    servers: Vec<ServerShare>,
    cores: Vec<CoreShare>,
    weight: f64,
    members: f64,
    members_sq: f64,
    plan: FanoutPlan,
}

impl Taken {
    fn new(world: &World) -> Self {
        let nodes = [
            world.owners.as_ref().map(|owners| &owners.nodes),
            world.broker.as_ref().map(|broker| &broker.nodes),
        ];
        let ordering = match world.scenario.design.routing {
            RoutingMode::Local => None,
            RoutingMode::ChannelOwner => nodes[0],
            RoutingMode::Broadcast | RoutingMode::Interest => nodes[1],
        };
        Self {
            publish: Audience::default(),
            servers: vec![ServerShare::default(); world.servers.servers.len()],
            cores: vec![CoreShare::default(); ordering.map_or(0, |nodes| nodes.cores.len())],
            weight: 0.0,
            members: 0.0,
            members_sq: 0.0,
            plan: FanoutPlan::new(),
        }
    }

    fn channel(&mut self, world: &World, channel: ChannelId, weights: &Weights) {
        let members = world.hub.directory().len(channel) as f64;
        self.members += members;
        self.members_sq += members * members;
        let weight = weights.of_channel(members);
        if weight <= 0.0 {
            return;
        }
        self.weight += weight;
        let local = world.scenario.design.routing == RoutingMode::Local;
        if local && !weights.feed {
            // A member's server is where the message stays.
            let origins: Vec<(ServerId, f64)> = world
                .hub
                .directory()
                .groups(channel)
                .filter_map(|(home, members)| match home {
                    routing::Home::Live(server) => Some((server, members.len() as f64)),
                    routing::Home::Away(_) => None,
                })
                .collect();
            for (origin, here) in origins {
                self.message(world, channel, origin, weight * here / members.max(1.0));
            }
        } else {
            self.message(world, channel, ServerId(0), weight);
        }
    }

    fn message(&mut self, world: &World, channel: ChannelId, origin: ServerId, weight: f64) {
        let mut plan = core::mem::take(&mut self.plan);
        world.hub.plan(channel, origin, &mut plan);
        let copies = plan.copies().len() as f64;
        let recipients = plan.recipients() as f64;
        let all = &mut self.publish;
        all.recipients += weight * recipients;
        all.copies += weight * copies;
        all.copies_sq += weight * copies * copies;
        for (k, copy) in plan.copies().iter().enumerate() {
            let n = f64::from(copy.recipients);
            all.recipients_sq += weight * n * n;
            all.copy_sizes.add(copy.recipients, weight * n);
            all.copy_numbers.add(k as u32 + 1, weight * n);
            let server = &mut self.servers[copy.server.index()];
            server.copies += weight;
            server.recipients += weight * n;
            server.recipients_sq += weight * n * n;
        }
        if let Some(core) = core_of(world, u64::from(channel.0)) {
            let core = &mut self.cores[core];
            core.messages += weight;
            core.copies += weight * copies;
            core.copies_sq += weight * copies * copies;
            core.recipients += weight * recipients;
        }
        self.plan = plan;
    }

    fn finish(mut self, world: &World, weights: &Weights) -> Placement {
        let total = self.weight.max(1e-9);
        let all = &mut self.publish;
        for sum in [
            &mut all.recipients,
            &mut all.copies,
            &mut all.copies_sq,
            &mut all.recipients_sq,
        ] {
            *sum /= total;
        }
        for (server, state) in self.servers.iter_mut().zip(&world.servers.servers) {
            server.connections = state.held as f64;
            server.copies /= total;
            server.recipients /= total;
            server.recipients_sq /= total;
        }
        for core in &mut self.cores {
            core.messages /= total;
            core.copies /= total;
            core.copies_sq /= total;
            core.recipients /= total;
        }
        let connections = world.clients.len();
        let presence = if world.presence_seen.is_empty() {
            Audience::default()
        } else {
            share_presence(world, &mut self.cores);
            let all_co_members = self.members_sq / f64::from(connections.max(1));
            presence(world, all_co_members)
        };
        let seated = (0..connections).filter(|&id| {
            !world
                .hub
                .directory()
                .channels_of(ConnectionId(id))
                .is_empty()
        });
        let channels = f64::from(world.channels);
        Placement {
            users: f64::from(world.scenario.load.users),
            connections: f64::from(connections),
            channels,
            starters: seated.count() as f64 / f64::from(connections.max(1)),
            size_biased_members: self.members_sq / self.members.max(1.0),
            mean_members: self.members / channels.max(1.0),
            publish: self.publish,
            presence,
            servers: self.servers,
            cores: self.cores,
            met: met(world, weights, total),
            network: network(world),
            key: Key::of(&world.scenario, &world.scenario.design),
        }
    }
}

/// The ordering core that a channel (or a user, for status changes) falls on.
fn core_of(world: &World, key: u64) -> Option<usize> {
    match world.scenario.design.routing {
        RoutingMode::Local => None,
        RoutingMode::ChannelOwner => {
            let owners = world.owners.as_ref()?;
            owners.core(ordered_in(world, key), key)
        }
        RoutingMode::Broadcast | RoutingMode::Interest => {
            let broker = world.broker.as_ref()?;
            let partition = broker.partition(key);
            let leader = broker.led_by(ordered_in(world, key), partition)?;
            Some(broker.nodes.core(leader, partition.into()))
        }
    }
}

/// The region that orders a channel; that of the first for status changes too, which are few.
fn ordered_in(world: &World, channel: u64) -> Site {
    if channel < u64::from(world.channels) {
        world.sites.orders(channel as u32)
    } else {
        world.sites.home
    }
}

/// Which cores order the status changes of whom.
fn share_presence(world: &World, cores: &mut [CoreShare]) {
    let users = world.clients.len();
    let stride = users.div_ceil(1 << 20).max(1);
    let mut counted = 0.0;
    for user in (0..users).step_by(stride as usize) {
        if let Some(core) = core_of(world, u64::from(user)) {
            cores[core].presence += 1.0;
            counted += 1.0;
        }
    }
    if counted > 0.0 {
        cores.iter_mut().for_each(|core| core.presence /= counted);
    }
}

/// Distinct co-members of a sample of users, by server.
fn presence(world: &World, all_co_members: f64) -> Audience {
    let users = world.clients.len();
    let directory = world.hub.directory();
    let mut seen = vec![0u32; users as usize];
    let mut on = vec![0u32; world.servers.servers.len()];
    let mut all = Audience::default();
    let (mut sampled, mut met, mut looked_at) = (0u32, 0.0, 0u64);
    let stride = users.div_ceil(SAMPLE).max(1);
    for user in (0..users).step_by(stride as usize) {
        if looked_at > MOST_MEMBERS {
            break;
        }
        sampled += 1;
        on.fill(0);
        for &channel in directory.channels_of(ConnectionId(user)) {
            for (home, members) in directory.groups(channel) {
                let routing::Home::Live(server) = home else {
                    continue;
                };
                met += members.len() as f64;
                looked_at += members.len() as u64;
                for member in members {
                    if core::mem::replace(&mut seen[member.index()], sampled) != sampled {
                        on[server.index()] += 1;
                    }
                }
            }
        }
        let mut copies = 0u32;
        for &n in on.iter().filter(|n| **n > 0) {
            copies += 1;
            let here = f64::from(n);
            all.recipients += here;
            all.recipients_sq += here * here;
            all.copy_sizes.add(n, here);
            all.copy_numbers.add(copies, here);
        }
        all.copies += f64::from(copies);
        all.copies_sq += f64::from(copies) * f64::from(copies);
    }
    let count = f64::from(sampled.max(1));
    // Which users were sampled moves how many co-members they have, hardly how many of these are distinct.
    let correction = if met > 0.0 {
        all_co_members * count / met
    } else {
        1.0
    };
    all.recipients *= correction / count;
    all.recipients_sq *= correction / count;
    all.copies /= count;
    all.copies_sq /= count;
    all
}

/// How many messages connections get, in groups of as many deliveries each.
fn met(world: &World, weights: &Weights, total: f64) -> Vec<Met> {
    let users = world.clients.len();
    let directory = world.hub.directory();
    let stride = users.div_ceil(BUSY_SAMPLE).max(1);
    let local = world.scenario.design.routing == RoutingMode::Local;
    let here = |channel: ChannelId, user: u32| {
        let members = directory.len(channel) as f64;
        let seat = world.hub.connections().server(ConnectionId(user));
        let share = if local && seat != ServerId::NOWHERE {
            directory.members_on(channel, seat).len() as f64 / members.max(1.0)
        } else {
            1.0
        };
        weights.of_channel(members) / total * share
    };
    let mut rates: Vec<f64> = (0..users)
        .step_by(stride as usize)
        .map(|user| {
            let channels = directory.channels_of(ConnectionId(user));
            channels.iter().map(|&channel| here(channel, user)).sum()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    let all: f64 = rates.iter().sum();
    let count = rates.len().max(1) as f64;
    let mut groups: Vec<(f64, f64)> = vec![(0.0, 0.0); GROUPS];
    let mut below = 0.0;
    for rate in rates {
        let group = (below / all.max(1e-300) * GROUPS as f64) as usize;
        groups[group.min(GROUPS - 1)].0 += 1.0;
        groups[group.min(GROUPS - 1)].1 += rate;
        below += rate;
    }
    let used = groups.into_iter().filter(|group| group.0 > 0.0);
    used.map(|(members, sum)| Met {
        per_message: sum / members,
        of_connections: members / count,
        of_deliveries: if all > 0.0 {
            sum / all
        } else {
            members / count
        },
    })
    .collect()
}

/// One way between two servers, over all pairs.
fn mean_link_s(world: &World) -> f64 {
    let sites = &world.sites;
    let all = sites.servers.site(u32::MAX);
    let share =
        |site: Site| sites.servers.at(site).len() as f64 / world.servers.servers.len() as f64;
    let pairs = (0..all).flat_map(|from| (0..all).map(move |to| (from, to)));
    let mean = pairs.map(|(from, to)| share(from) * share(to) * sites.link(from, to).as_secs_f64());
    if sites.many() {
        mean.sum()
    } else {
        sites.link(0, 0).as_secs_f64()
    }
}

/// The delays of the clients by access network.
fn network(world: &World) -> NetworkShares {
    let accesses = world.network.accesses().max(1);
    let users = world.clients.len();
    let stride = users.div_ceil(DELAYS).max(1);
    let seconds = |units: u32| f64::from(units) * UNIT_NS as f64 / 1e9;
    let mut bases: Vec<Vec<f64>> = vec![Vec::new(); accesses];
    for id in (0..users).step_by(stride as usize) {
        let place = world.clients.get(id).place;
        bases[usize::from(place.class()) % accesses].push(seconds(place.base_units()));
    }
    let total: f64 = bases.iter().map(|access| access.len() as f64).sum();
    let jitters = |access: usize| {
        (0..JITTERS).map(move |i| {
            let bits = ((u64::from(i) << 32 | 1 << 31) / u64::from(JITTERS)) as u32;
            seconds(world.network.jitter().sample(access as u8, bits))
        })
    };
    let longest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let base = longest(&mut bases.iter().map(|access| {
        let mut sorted = access.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() as f64 * 0.9995) as usize;
        sorted.get(rank).copied().unwrap_or(0.0)
    }));
    let jitter = longest(
        &mut (0..accesses)
            .filter(|access| !bases[*access].is_empty())
            .map(|access| jitters(access).nth(JITTERS as usize / 2_000).unwrap_or(0.0)),
    );
    // Two ways and two retransmissions fit with a third to spare.
    let step = ((2.0 * base + 2.0 * jitter) * 1.5 / POINTS as f64).max(1e-7);
    let access: Vec<AccessShare> = bases
        .iter()
        .enumerate()
        .map(|(number, base)| {
            let mut sum = Sum::new(step);
            base.iter().for_each(|&value| sum.point(value, 1.0));
            AccessShare {
                share: base.len() as f64 / total.max(1.0),
                base: sum.finish(),
                jitter: Pmf::of(step, jitters(number).map(|value| (value, 1.0))),
            }
        })
        .collect();
    let ways: Vec<(Pmf, f64)> = access
        .iter()
        .map(|access| (access.base.plus(&access.jitter), access.share))
        .collect();
    NetworkShares {
        step,
        uplink: Pmf::mixture(ways.iter().map(|(way, share)| (way, *share))),
        access,
        link_s: mean_link_s(world),
    }
}
