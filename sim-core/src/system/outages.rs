//! Regions and zones that are lost, and ways between regions that fail.
//!
//! A region is lost with all that stands in it; the database goes with its own, and a cache with the one it stands in. Its clients notice as they do when
//! their server dies. After the detection time everybody knows: the router sends users elsewhere, and the next nearest region
//! orders the channels that were at home there. A zone is every third instance of each tier in its region. What two
//! partitioned regions send each other is lost, and calls between them fail.
//!
//! A channel owner that dies is replaced after its tier's failover time, by the others of its region and as its placement
//! says; it has its channels back as soon as it lives again.
//!
//! A database whose primary is lost is taken over by a replica if the design says so (`failover`).
//!
//! Left out: clients that go back to a nearer region by themselves.

use routing::{BackendState, ServerId};

use super::event::Event;
use super::recovery::Noticed;
use super::servers::timestamp;
use super::sites::Site;
use super::world::World;
use crate::engine::Schedule;
use crate::scenario::{Tier, ZONES};
use crate::time::SimTime;

impl World {
    /// All that stands in a region is gone, or back.
    pub(super) fn lose_region(&mut self, site: Site, begins: bool, out: &mut Schedule<'_, Event>) {
        self.lose(site, begins, out, |_| true);
        self.sites.lose(site, begins);
        let regions = self.scenario.design.regions.as_ref();
        let detect = regions.map(|regions| regions.detect).unwrap_or_default();
        out.after(detect, Event::RegionNoticed(site));
    }

    /// All that stands in a zone of a region is gone, or back.
    pub(super) fn lose_zone(
        &mut self,
        (site, zone): (Site, u32),
        begins: bool,
        out: &mut Schedule<'_, Event>,
    ) {
        self.lose(site, begins, out, |nth| nth % ZONES == zone);
    }

    /// Those of a region's instances, by their number in it, are gone, or back.
    fn lose(
        &mut self,
        site: Site,
        begins: bool,
        out: &mut Schedule<'_, Event>,
        which: impl Fn(u32) -> bool,
    ) {
        let at_home = |there: usize| {
            if site == self.sites.home {
                0..there as u32
            } else {
                0..0
            }
        };
        let caches = match &self.cache {
            Some(cache) if cache.in_each_region() => cache.at(site),
            Some(cache) => at_home(cache.nodes.count()),
            None => 0..0,
        };
        let per_region = self
            .replicas
            .as_ref()
            .map_or(1, |all| all.len() / self.sites.len());
        let replicas = self
            .replicas
            .as_ref()
            .map_or_else(Vec::new, |all| all.at(site));
        let own = self.scenario.design.sourcing.as_ref();
        let sourcing = own.map_or([0; 3], |own| {
            [own.commands.count, own.log.count, own.instances()].map(|count| count as usize)
        });
        let shards = self.primaries_at(site, !begins);
        let documents = at_home(self.documents.as_ref().map_or(0, |all| all.nodes.count()));
        let in_turn =
            |here: core::ops::Range<u32>| -> Vec<(u32, u32)> { (0..).zip(here).collect() };
        // Replicas and primaries may have moved: they keep their numbers.
        let own = |all: Vec<u32>, each: u32| -> Vec<(u32, u32)> {
            all.into_iter().map(|one| (one % each, one)).collect()
        };
        let tiers = [
            (Tier::Replicas, own(replicas, per_region as u32)),
            (
                Tier::ConnectionServers,
                in_turn(self.sites.servers.at(site)),
            ),
            (Tier::ChannelOwners, in_turn(self.sites.owners.at(site))),
            (Tier::Broker, in_turn(self.sites.broker.at(site))),
            (Tier::Cache, in_turn(caches)),
            (Tier::Documents, in_turn(documents)),
            (Tier::Database, own(shards, u32::MAX)),
            (Tier::CommandSide, in_turn(at_home(sourcing[0]))),
            (Tier::Log, in_turn(at_home(sourcing[1]))),
            (Tier::Projections, in_turn(at_home(sourcing[2]))),
        ];
        for (tier, here) in tiers {
            for (nth, instance) in here {
                if !which(nth) {
                    continue;
                }
                if begins {
                    self.kill(tier, instance, out);
                } else {
                    self.restore(tier, instance, out);
                }
            }
        }
    }

    /// Everybody knows that a region is gone, or back.
    pub(super) fn region_noticed(&mut self, site: Site, now: SimTime) {
        if !self.sites.notice(site) {
            return;
        }
        self.recovery.notice(now, Noticed::Region(site.into()));
        for server in self.sites.servers.at(site) {
            self.balancers.set_state(
                timestamp(now),
                &mut self.sites,
                ServerId(server as u16),
                BackendState::Down,
            );
        }
    }

    /// The others of its region know that a channel owner is dead.
    pub(super) fn owner_noticed(&mut self, node: u32, now: SimTime) {
        if let Some(owners) = &mut self.owners {
            owners.take_over(self.sites.owners.site(node), node);
            if owners.nodes.is_down(node) {
                self.recovery.notice(now, Noticed::Owner(node));
            }
        }
    }
}
