//! How full each instance of each tier was between two instants: where the report has the fullest and the mean, all of them.
//!
//! Utilisation of an instance = time its cores (or pooled connections) were busy / time there was, of nodes with queues per
//! core that of the fullest core; or bytes sent / bytes its network could have sent, if that is fuller at the fullest.
//! Leaves out memory and descriptors, which fill with connections and not with work, and the balancer, which is one service.

use std::collections::BTreeMap;

use super::SystemRun;
use super::backend::Nodes;
use super::baseline::{Baseline, Reading};
use super::world::World;
use crate::scenario::Tier;
use crate::time::SimTime;

/// The accounts of all instances at one instant.
#[derive(Clone, Debug)]
pub struct Readings {
    at: SimTime,
    accounts: Baseline,
}

/// By name of the tier.
pub type Heat = BTreeMap<&'static str, TierHeat>;

/// The instances of a tier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TierHeat {
    /// The resource that is fullest at some instance: `cpu`, `bandwidth` or `pool`.
    pub resource: &'static str,
    /// How full it was, by instance; `None`: it is dead.
    pub each: Vec<Option<f32>>,
}

impl TierHeat {
    /// The fullest instance and how full it is; `None`: all are dead or idle.
    #[must_use]
    pub fn fullest(&self) -> Option<(usize, f32)> {
        let alive = self.each.iter().enumerate();
        let alive = alive.filter_map(|(index, share)| share.map(|share| (index, share)));
        let busy = alive.filter(|(_, share)| *share > 0.0);
        // Of equals the first.
        busy.reduce(|best, next| if next.1 > best.1 { next } else { best })
    }

    /// How many are dead.
    #[must_use]
    pub fn dead(&self) -> usize {
        self.each.iter().filter(|share| share.is_none()).count()
    }
}

impl Readings {
    /// When they were taken.
    #[must_use]
    pub fn at(&self) -> SimTime {
        self.at
    }
}

impl SystemRun {
    /// The accounts of all instances now.
    #[must_use]
    pub fn readings(&self) -> Readings {
        let at = self.now();
        Readings {
            at,
            accounts: Baseline::of(self.simulation.model(), at),
        }
    }

    /// How full each instance was from `earlier` readings of this run to `later` ones, and which are dead now.
    #[must_use]
    pub fn heat(&self, earlier: &Readings, later: &Readings) -> Heat {
        let span = Span {
            world: self.simulation.model(),
            before: &earlier.accounts,
            after: &later.accounts,
            ns: later.at.saturating_since(earlier.at).as_nanos().max(1) as f64,
        };
        span.tiers()
    }
}

struct Span<'a> {
    world: &'a World,
    before: &'a Baseline,
    after: &'a Baseline,
    ns: f64,
}

impl Span<'_> {
    fn tiers(&self) -> Heat {
        let (world, before, after) = (self.world, self.before, self.after);
        let design = &world.scenario.design;
        let mut heat = Heat::new();
        let servers = &world.servers.servers;
        let machine = &design.connection_servers.machine;
        let room = (machine.cores, machine.network_bits_per_s);
        let up = |i: usize| servers[i].is_up();
        let shares = self.fuller((&before.servers, &after.servers), room, up);
        heat.insert(Tier::ConnectionServers.name(), shares);
        let services = world.services.as_deref();
        let nodes = [
            (
                Tier::ChannelOwners,
                world.owners.as_ref().map(|owners| &owners.nodes),
                (&before.owners, &after.owners),
            ),
            (
                Tier::Broker,
                world.broker.as_ref().map(|broker| &broker.nodes),
                (&before.broker, &after.broker),
            ),
            (
                Tier::Cache,
                world.cache.as_ref().map(|cache| &cache.nodes),
                (&before.cache, &after.cache),
            ),
            (
                Tier::Pooler,
                world.pooler.as_ref().map(|pooler| &pooler.nodes),
                (&before.pooler, &after.pooler),
            ),
            (
                Tier::Documents,
                world.documents.as_ref().map(|all| &all.nodes),
                (&before.documents.cores, &after.documents.cores),
            ),
            (
                Tier::CommandSide,
                world.sourcing.as_ref().map(|own| &own.commands.nodes),
                (&before.sourcing.commands, &after.sourcing.commands),
            ),
            (
                Tier::Log,
                world.sourcing.as_ref().map(|own| &own.log.nodes),
                (&before.sourcing.log, &after.sourcing.log),
            ),
            (
                Tier::Stock,
                services.and_then(|all| Some(&all.stock.as_ref()?.nodes)),
                (&before.services.stock, &after.services.stock),
            ),
            (
                Tier::MatchingEngine,
                services.and_then(|all| Some(&all.market.as_ref()?.nodes)),
                (&before.services.engines, &after.services.engines),
            ),
            (
                Tier::Notifications,
                services.and_then(|all| Some(&all.notifier.as_ref()?.nodes)),
                (
                    &before.services.notifications,
                    &after.services.notifications,
                ),
            ),
        ];
        for (tier, nodes, readings) in nodes {
            if let Some(nodes) = nodes {
                heat.insert(tier.name(), self.cores(nodes, readings));
            }
        }
        let projections = world.sourcing.iter().flat_map(|own| &own.projections);
        let (mut first, mut each) = (0, Vec::new());
        for nodes in projections.map(|projection| &projection.nodes) {
            let cores = first..first + nodes.cores.len();
            let of = |own: &Baseline| {
                let all = own.sourcing.projections.get(cores.clone());
                all.unwrap_or_default().to_vec()
            };
            each.extend(self.cores(nodes, (&of(before), &of(after))).each);
            first = cores.end;
        }
        if !each.is_empty() {
            let resource = "cpu";
            heat.insert(Tier::Projections.name(), TierHeat { resource, each });
        }
        if let Some(databases) = &world.databases {
            let pool = databases.shards.first().map_or(1, |one| one.connections);
            let shards = &databases.shards;
            let up = |i: usize| shards.get(i).is_none_or(|shard| !shard.is_down());
            let busy = self.busy((&before.databases, &after.databases), pool, up);
            let of_pool = TierHeat {
                resource: "pool",
                each: busy,
            };
            heat.insert(Tier::Database.name(), of_pool);
        }
        if let (Some(tier), Some(edge)) = (&design.edge, &world.web.edge) {
            let cores = |readings: &Baseline| -> Vec<Reading> {
                readings.web.pops.iter().map(|pop| pop.cores).collect()
            };
            let room = (tier.cores, tier.network_bits_per_s);
            let up = |i: usize| !edge.sites[i].station.is_down();
            let shares = self.fuller((&cores(before), &cores(after)), room, up);
            heat.insert(Tier::Edge.name(), shares);
        }
        if let (Some(tier), Some(origin)) = (&design.origin, &world.web.origin) {
            let room = (tier.machine.cores, tier.machine.network_bits_per_s);
            let up = |i: usize| !origin.servers[i].is_down();
            let shares = self.fuller((&before.web.origin, &after.web.origin), room, up);
            heat.insert(Tier::Origin.name(), shares);
        }
        heat
    }

    /// Cores or network, whichever is fuller at its fullest.
    fn fuller(
        &self,
        readings: (&[Reading], &[Reading]),
        (cores, bits_per_s): (u32, u64),
        up: impl Fn(usize) -> bool + Copy,
    ) -> TierHeat {
        let cpu = TierHeat {
            resource: "cpu",
            each: self.busy(readings, cores, up),
        };
        let room = bits_per_s.max(1) as f64 * self.ns / 8e9;
        let sent = self.each(readings, up, |reading| reading.bytes_out as f64 / room);
        let most = |heat: &TierHeat| heat.fullest().map_or(0.0, |(_, share)| share);
        let network = TierHeat {
            resource: "bandwidth",
            each: sent,
        };
        if most(&network) > most(&cpu) {
            network
        } else {
            cpu
        }
    }

    /// The time that each of a number of cores or connections was busy.
    fn busy(
        &self,
        readings: (&[Reading], &[Reading]),
        places: u32,
        up: impl Fn(usize) -> bool,
    ) -> Vec<Option<f32>> {
        let room = self.ns * f64::from(places.max(1));
        self.each(readings, up, |reading| reading.busy_ns as f64 / room)
    }

    fn each(
        &self,
        (before, after): (&[Reading], &[Reading]),
        up: impl Fn(usize) -> bool,
        share: impl Fn(&Reading) -> f64,
    ) -> Vec<Option<f32>> {
        let earlier = |i: usize| before.get(i).map_or(0.0, &share);
        let now = after.iter().enumerate();
        now.map(|(i, reading)| up(i).then(|| (share(reading) - earlier(i)).max(0.0) as f32))
            .collect()
    }

    /// The fullest core of each node.
    fn cores(&self, nodes: &Nodes, (before, after): (&Vec<Reading>, &Vec<Reading>)) -> TierHeat {
        let share = |reading: &Reading| reading.busy_ns as f64 / self.ns;
        let cores = self.each((before, after), |_| true, share);
        let of_node = |node: u32| {
            let first = (node * nodes.per_node) as usize;
            let own = &cores[first..first + nodes.per_node as usize];
            let fullest = own.iter().flatten().copied().fold(0.0, f32::max);
            (!nodes.is_down(node)).then_some(fullest)
        };
        TierHeat {
            resource: "cpu",
            each: (0..nodes.count() as u32).map(of_node).collect(),
        }
    }
}
