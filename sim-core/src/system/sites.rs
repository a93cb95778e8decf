//! Data centres while a run lasts: which instance stands where, the way between them, and who is sent to which.
//!
//! Users are sent by the real [`RegionRouter`]: it knows the round trips between all places and how many servers of each
//! region its balancer believes to be up. One way between two regions is half their round trip; a partition stops it, a
//! slow link adds to it, and a lost message is sent again after TCP's minimum timeout and a round trip. A channel is at home
//! where most of its members were seated at first; if that region is known to be gone, the next nearest one orders it.
//!
//! Left out: bandwidth between regions, and clients that go back to a nearer region before they lose their connection.
//! Source: `assets/regions.tsv` (measured round trips).

use routing::hash::DEFAULT_SEED;
use routing::region::{Jurisdiction, Refused, Region, RegionId, RegionRouter};
use routing::{ConnectionId, ServerId};

use super::network::MIN_RETRANSMIT;
use crate::scenario::assets::assets;
use crate::scenario::{Design, Regions, Scenario};
use crate::time::SimDuration;

/// Position of a region in the design.
pub type Site = u8;

/// The way from one region to another.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    one_way: SimDuration,
    adds: SimDuration,
    loss: f64,
    /// Partitions in effect.
    cut: u8,
    /// Bytes that went this way.
    bytes: u64,
}

/// What is counted of regions while measuring.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Copies that crossed to another region.
    pub crossings: u64,
    /// Messages that were ordered.
    pub messages: u64,
    /// Those with members on servers of another region than ordered them.
    pub spread_messages: u64,
}

/// The instances of a tier by region.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// First instance of each region, and one behind the last; empty where all stand in one.
    first: Vec<u32>,
    count: u32,
}

impl Spread {
    fn new(regions: Option<&Regions>, count: u32) -> Self {
        let Some(regions) = regions else {
            return Self {
                first: Vec::new(),
                count,
            };
        };
        let mut first = vec![0];
        let mut sum = 0;
        for here in regions.spread(count) {
            sum += here;
            first.push(sum);
        }
        Self { first, count }
    }

    /// The region of an instance.
    #[inline]
    #[must_use]
    pub fn site(&self, instance: u32) -> Site {
        // Few regions: a scan is as fast as anything, and none at all for one.
        let ends = self.first.iter().skip(1);
        ends.take_while(|&&end| end <= instance).count() as Site
    }

    /// The instances of a region.
    #[must_use]
    pub fn at(&self, site: Site) -> core::ops::Range<u32> {
        match self.first.get(usize::from(site)..) {
            Some([from, to, ..]) => *from..*to,
            _ => 0..self.count,
        }
    }
}

/// The data centres of a design.
#[derive(Clone, Debug)]
pub struct Sites {
    /// Their names; one without `design.regions`.
    pub names: Vec<String>,
    /// Where the database stands.
    pub home: Site,
    /// Connection servers.
    pub servers: Spread,
    /// Channel owners.
    pub owners: Spread,
    /// Broker nodes.
    pub broker: Spread,
    /// Whether a message crosses to another region once.
    pub relay: bool,
    /// What is counted while measuring.
    pub counts: Counts,
    router: RegionRouter,
    /// By place of the scenario's users: their region of the router, and the law they are under.
    origins: Vec<(RegionId, Option<Jurisdiction>)>,
    enforced: bool,
    ways: Vec<Way>,
    /// Regions that are gone.
    lost: Vec<bool>,
    /// Whether a region orders messages, as everybody knows it.
    ordering: Vec<bool>,
    /// Home of each channel; empty for one region.
    homes: Vec<Site>,
}

impl Sites {
    /// The data centres of a scenario, all up.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let design = &scenario.design;
        let regions = design.regions.as_ref();
        let names = site_names(design);
        let residency = regions.and_then(|regions| regions.residency.as_ref());
        let law = |place: &crate::scenario::Region| {
            residency.map_or(0, |residency| residency.law_of(place))
        };
        let owners = design.channel_owners.as_ref().map_or(0, |tier| tier.count);
        let broker = design.broker.as_ref().map_or(0, |tier| tier.count);
        let servers = Spread::new(regions, design.connection_servers.count);
        let users: Vec<&str> = scenario
            .load
            .places
            .iter()
            .map(|(p, _)| p.0.as_str())
            .collect();
        let all: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .chain(users.iter().copied())
            .collect();
        let named = |name: &str| crate::scenario::Region(name.to_owned());
        let region = |(number, name): (usize, &&str)| Region {
            jurisdiction: Jurisdiction(law(&named(name))),
            weight: regions
                .and_then(|regions| regions.places.get(number))
                .map_or(1, |(_, share)| (share * 1e4) as u32 + 1),
            servers: if number < names.len() {
                servers.at(number as Site).len() as u32
            } else {
                0
            },
            rtt_ns: all
                .iter()
                .map(|to| round_trip(name, to).as_nanos())
                .collect(),
        };
        let routed: Vec<Region> = all.iter().enumerate().map(region).collect();
        let policy = regions.map_or(routing::region::RoutePolicy::Nearest, |r| r.route.clone());
        let origin = |(number, name): (usize, &&str)| {
            let law = law(&named(name));
            let id = RegionId((names.len() + number) as u16);
            (id, (law > 0).then_some(Jurisdiction(law)))
        };
        let way = |from: &String, to: &String| Way {
            one_way: match design.colo {
                Some(one_way) if from == to => one_way,
                _ => round_trip(from, to) / 2,
            },
            ..Way::default()
        };
        Self {
            home: names
                .iter()
                .position(|name| *name == design.place.0)
                .unwrap_or_default() as Site,
            owners: Spread::new(regions, owners),
            broker: Spread::new(regions, broker),
            servers,
            relay: regions.is_some_and(|regions| regions.relay),
            counts: Counts::default(),
            router: RegionRouter::new(policy, routed, DEFAULT_SEED),
            origins: users.iter().enumerate().map(origin).collect(),
            enforced: residency.is_some_and(|residency| residency.enforced),
            ways: names
                .iter()
                .flat_map(|from| names.iter().map(move |to| way(from, to)))
                .collect(),
            lost: vec![false; names.len()],
            ordering: vec![true; names.len()],
            homes: Vec::new(),
            names,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is more than one.
    #[inline]
    #[must_use]
    pub fn many(&self) -> bool {
        self.ordering.len() > 1
    }

    /// The region of a connection server; that of the database for none.
    #[inline]
    #[must_use]
    pub fn of_server(&self, server: u16) -> Site {
        if !self.many() || server == ServerId::NOWHERE.0 {
            return self.home;
        }
        self.servers.site(server.into())
    }

    /// One way between two regions as it is on a good day.
    #[inline]
    #[must_use]
    pub fn link(&self, from: Site, to: Site) -> SimDuration {
        self.ways[self.way(from, to)].one_way
    }

    /// One way between two regions for a message with the draw `u`; `None`: they do not reach each other.
    #[inline]
    #[must_use]
    pub fn reach(&self, from: Site, to: Site, u: impl FnOnce() -> f64) -> Option<SimDuration> {
        let way = &self.ways[self.way(from, to)];
        if way.cut > 0 {
            return None;
        }
        let once = way.one_way + way.adds;
        let again = way.loss > 0.0 && u() < way.loss;
        Some(if again {
            MIN_RETRANSMIT + once * 3
        } else {
            once
        })
    }

    /// Whether two regions do not reach each other.
    #[inline]
    #[must_use]
    pub fn cut_off(&self, from: Site, to: Site) -> bool {
        self.ways[self.way(from, to)].cut > 0
    }

    fn way(&self, from: Site, to: Site) -> usize {
        usize::from(from) * self.ordering.len() + usize::from(to)
    }

    /// Notes bytes that go to another region; `false`: they stay in one.
    #[inline]
    pub fn carried(&mut self, from: Site, to: Site, bytes: u64) -> bool {
        let way = self.way(from, to);
        self.ways[way].bytes += bytes;
        from != to
    }

    /// Bytes between regions so far: from, to, bytes.
    pub fn bytes(&self) -> impl Iterator<Item = (usize, usize, u64)> + '_ {
        let many = self.len();
        let ways = self.ways.iter().enumerate();
        ways.map(move |(way, Way { bytes, .. })| (way / many, way % many, *bytes))
            .filter(|(from, to, _)| from != to)
    }

    /// The region that a user of a place is sent to.
    pub fn route(&self, place: usize, connection: u32) -> Result<Site, Refused> {
        if !self.many() {
            return Ok(0);
        }
        let (origin, law) = self.origins[place];
        let pinned = law.filter(|_| self.enforced);
        let route = self.router.route(origin, connection.into(), pinned)?;
        Ok(route.region.0 as Site)
    }

    /// Whether a user of a place is served in a region of another law.
    #[must_use]
    pub fn violates(&self, place: usize, site: Site) -> bool {
        let law = self.origins.get(place).and_then(|(_, law)| *law);
        law.is_some() && !self.router.allows(RegionId(site.into()), law)
    }

    /// The balancer of a region believes so many of its servers to be up.
    pub fn healthy(&mut self, site: Site, servers: u32) {
        self.router.set_healthy(RegionId(site.into()), servers);
    }

    /// A region is gone, or back; nobody knows yet.
    pub fn lose(&mut self, site: Site, gone: bool) {
        self.lost[usize::from(site)] = gone;
    }

    /// Everybody knows whether a region is gone; `true`: it is.
    pub fn notice(&mut self, site: Site) -> bool {
        let gone = self.lost[usize::from(site)];
        self.ordering[usize::from(site)] = !gone;
        gone
    }

    /// Whether a region is gone.
    #[must_use]
    pub fn is_lost(&self, site: Site) -> bool {
        self.lost[usize::from(site)]
    }

    /// Counts from now on.
    pub fn restart_counting(&mut self) {
        self.counts = Counts::default();
        for way in &mut self.ways {
            way.bytes = 0;
        }
    }

    /// Two regions are partitioned, or no longer.
    pub fn partition(&mut self, from: Site, to: Site, begins: bool) {
        self.both(from, to, |way| {
            way.cut = if begins {
                way.cut.saturating_add(1)
            } else {
                way.cut.saturating_sub(1)
            };
        });
    }

    /// The way between two regions is worse by so much, or as good as before.
    pub fn slow(&mut self, from: Site, to: Site, adds: SimDuration, loss: f64) {
        self.both(from, to, |way| {
            way.adds = adds;
            way.loss = loss;
        });
    }

    fn both(&mut self, from: Site, to: Site, change: impl Fn(&mut Way)) {
        for way in [self.way(from, to), self.way(to, from)] {
            change(&mut self.ways[way]);
        }
    }

    /// Notes where a channel is at home: where most of its members sit.
    pub fn settle(&mut self, members: &[ConnectionId], seats: &[ServerId]) {
        if !self.many() {
            return;
        }
        let mut here = vec![0u32; self.len()];
        for member in members {
            let seat = seats[member.index()];
            if seat != ServerId::NOWHERE {
                here[usize::from(self.servers.site(seat.0.into()))] += 1;
            }
        }
        let most = here.iter().max().copied().unwrap_or_default();
        let home = here.iter().position(|&members| members == most);
        self.homes.push(home.unwrap_or_default() as Site);
    }

    /// The region that orders the messages of a channel.
    #[inline]
    #[must_use]
    pub fn orders(&self, channel: u32) -> Site {
        if !self.many() {
            return 0;
        }
        self.stand_in(self.homes[channel as usize])
    }

    /// A region, or the nearest one that orders messages in its place.
    #[must_use]
    pub fn stand_in(&self, home: Site) -> Site {
        if self.ordering[usize::from(home)] {
            return home;
        }
        let nearest = self.router.by_distance(RegionId(home.into())).iter();
        let mut up =
            nearest.filter(|region| self.ordering.get(usize::from(region.0)) == Some(&true));
        up.next().map_or(home, |region| region.0 as Site)
    }

    /// Bytes held by what grows with the channels.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.homes.capacity() as u64
    }
}

/// Names of the regions of a design.
#[must_use]
pub fn site_names(design: &Design) -> Vec<String> {
    match &design.regions {
        Some(regions) => regions.names().map(str::to_owned).collect(),
        None => vec![design.place.0.clone()],
    }
}

/// Mean round trip between two places.
#[must_use]
pub fn round_trip(from: &str, to: &str) -> SimDuration {
    let trip = assets().round_trip(from, to);
    trip.map_or(SimDuration::ZERO, |trip| trip.mean)
}
