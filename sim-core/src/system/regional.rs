//! The report of a design that stands in several regions.

use routing::{ConnectionId, ServerId};

use super::baseline::Baseline;
use super::sites::Site;
use super::world::World;
use crate::report::{RegionReport, RegionsReport};
use crate::time::SimTime;

/// What the regions did up to `now`; `None`: there is one only.
#[must_use]
pub fn regions(world: &World, now: SimTime) -> Option<RegionsReport> {
    let sites = &world.sites;
    if !sites.many() {
        return None;
    }
    let seconds = now.saturating_since(world.ledger.since).as_secs_f64();
    let open: Vec<u64> = (0..sites.len()).map(|site| open_in(world, site)).collect();
    let all: u64 = open.iter().sum();
    let after = Baseline::of(world, now);
    let region = |site: usize| RegionReport {
        servers: sites.servers.at(site as Site).len() as u32,
        connections: open[site],
        share: open[site] as f64 / all.max(1) as f64,
        cpu: cpu(world, &after, site, seconds),
        lost: sites.is_lost(site as Site),
    };
    let named = sites.names.iter().enumerate();
    let counts = sites.counts;
    let messages = counts.messages.max(1) as f64;
    let bytes: u64 = sites.bytes().map(|(_, _, bytes)| bytes).sum();
    Some(RegionsReport {
        places: named
            .map(|(site, name)| (name.clone(), region(site)))
            .collect(),
        cross_region_ratio: counts.spread_messages as f64 / messages,
        crossings_per_message: counts.crossings as f64 / messages,
        inter_region_bytes_per_s: bytes as f64 / seconds.max(1e-9),
        residency_violations: violations(world),
    })
}

fn open_in(world: &World, site: usize) -> u64 {
    let servers = world.sites.servers.at(site as Site);
    let up = servers.filter(|id| world.servers.servers[*id as usize].is_up());
    let open = |id: u32| world.hub.connections().open_count_on(ServerId(id as u16));
    up.map(|id| u64::from(open(id))).sum()
}

fn cpu(world: &World, after: &Baseline, site: usize, seconds: f64) -> f64 {
    let servers = world.sites.servers.at(site as Site);
    let cores = f64::from(world.scenario.design.connection_servers.machine.cores);
    let there_is = servers.len() as f64 * cores * seconds * 1e9;
    let busy = |id: u32| {
        let before = world.baseline.servers.get(id as usize);
        let before = before.map_or(0, |reading| reading.busy_ns);
        after.servers[id as usize].busy_ns - before
    };
    let busy: u64 = servers.map(busy).sum();
    busy as f64 / there_is.max(1.0)
}

/// Connections that are served under another law than their user's.
fn violations(world: &World) -> u64 {
    let regions = world.scenario.design.regions.as_ref();
    if regions.is_none_or(|regions| regions.residency.is_none()) {
        return 0;
    }
    let elsewhere = |&connection: &u32| {
        let server = world.hub.connections().server(ConnectionId(connection));
        let place = world
            .network
            .place_of(world.clients.get(connection).place.class());
        world.is_online(ConnectionId(connection))
            && world.sites.violates(place, world.sites.of_server(server.0))
    };
    (0..world.clients.len()).filter(elsewhere).count() as u64
}
