//! Who there is: connections with their place and access network, channels with their members.
//!
//! Everything here is drawn from the population seed alone, so the run seed never moves a user. Populations are nested:
//! connection `i` has the same place, access and delay whatever the load, channel `c` has the same size, and a
//! membership slot keeps its member when the load grows unless a new user takes it ([`nested_pick`]), so that a ramp
//! compares like with like.
//!
//! The channels of a scale model stand for those of the whole, `k` of like size each: drawn for themselves, the few huge ones
//! that decide the mean fan-out would be others.
//!
//! Left out: people who leave and join channels while the run lasts, and people in the channels who are offline.

use routing::{ChannelId, ConnectionId};

use super::BuildError;
use super::crowds;
use super::network::Network;
use crate::draw::{Draws, Purpose};
use crate::scenario::{Channels, Members, Scenario};

const PLACE: Purpose = Purpose::named("population/place");
/// Whether a channel is of one place, and of which.
const LOCAL: Purpose = Purpose::named("population/local-channel");
const CHANNEL_PLACE: Purpose = Purpose::named("population/channel-place");
const ACCESS: Purpose = Purpose::named("population/access");
const SIZE: Purpose = Purpose::named("population/channel-size");
const MEMBER: Purpose = Purpose::named("population/member");

/// Most memberships a simulation holds; beyond it `u32` offsets and memory run out.
const MAX_MEMBERSHIPS: u64 = 1 << 31;

/// Where a connection comes from: index into [`Network::classes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassId(pub u8);

/// The people of a scenario at one load.
pub struct Population<'a> {
    scenario: &'a Scenario,
    draws: Draws,
    connections: u32,
    residents: u32,
}

impl<'a> Population<'a> {
    /// The population of `scenario` at its number of users.
    pub fn new(scenario: &'a Scenario) -> Result<Self, BuildError> {
        let residents = libm::round(f64::from(scenario.load.users) * scenario.load.online) as u32;
        let crowds = crowds::crowds(scenario, residents);
        let connections = crowds.last().map_or(residents, |crowd| crowd.end);
        let memberships = u64::from(connections) * libm::ceil(scenario.channels.per_user) as u64;
        if memberships > MAX_MEMBERSHIPS {
            return Err(BuildError::TooLarge {
                what: "channel memberships",
                needed: memberships,
                limit: MAX_MEMBERSHIPS,
            });
        }
        Ok(Self {
            scenario,
            draws: Draws::new(scenario.run.population_seed),
            connections,
            residents,
        })
    }

    /// Connections wanted at one time or another.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.connections
    }

    /// Those of people who are there from the start; flash crowds follow.
    #[must_use]
    pub fn residents(&self) -> u32 {
        self.residents
    }

    /// The place of one connection, by its order in the scenario: those who share a room of one place share it.
    fn place(&self, connection: u32) -> usize {
        let entity = match self.scenario.channels.members {
            Members::Rooms { size } if self.is_local(connection / size) => connection / size * size,
            _ => connection,
        };
        self.place_of(PLACE, entity)
    }

    fn place_of(&self, purpose: Purpose, entity: u32) -> usize {
        share_index(
            self.scenario.load.places.iter().map(|p| p.1),
            self.draws.unit_f64(purpose, entity.into(), 0),
        )
    }

    /// Whether the members of a channel all come from one place.
    fn is_local(&self, channel: u32) -> bool {
        let share = self.scenario.channels.locality;
        share > 0.0 && self.draws.chance(LOCAL, channel.into(), 0, share)
    }

    /// Place and access network of one connection.
    #[must_use]
    pub fn class(&self, connection: ConnectionId, network: &Network) -> ClassId {
        let entity = u64::from(connection.0);
        let place = self.place(connection.0);
        let access = share_index(
            self.scenario.load.access.iter().map(|a| a.1),
            self.draws.unit_f64(ACCESS, entity, 0),
        );
        network.class(place, access)
    }

    /// Calls `each` once per channel, in channel order, with its distinct members in no particular order.
    pub fn channels(&self, mut each: impl FnMut(ChannelId, &[ConnectionId])) {
        let mut next = 0;
        self.usual_channels(|channel, members| {
            next = channel.0 + 1;
            each(channel, members);
        });
        if let Some(size) = self.scenario.channels.largest {
            let mut seen = vec![u32::MAX; self.connections as usize];
            let mut members = Vec::new();
            let everyone = Circle {
                places: &[],
                only: None,
                there_are: self.connections,
            };
            let size = size.min(self.connections);
            self.pick_distinct(next, size, &everyone, &mut seen, &mut members);
            each(ChannelId(next), &members);
        }
    }

    fn usual_channels(&self, mut each: impl FnMut(ChannelId, &[ConnectionId])) {
        let Channels {
            per_user, members, ..
        } = &self.scenario.channels;
        match *members {
            Members::LogNormal { median, p99, max } => {
                let sizes = LogNormalSizes {
                    draws: self.draws,
                    mu: libm::log(median),
                    sigma: libm::log(p99 / median) / Z99,
                    max,
                };
                self.sized_channels(*per_user, sizes, &mut each);
            }
            Members::Rooms { size } => self.rooms(size, &mut each),
            Members::Random { count } => self.random_channels(*per_user, count, &mut each),
            Members::Everyone => {
                let everyone: Vec<ConnectionId> = (0..self.connections).map(ConnectionId).collect();
                each(ChannelId(0), &everyone);
            }
        }
    }

    fn wanted_memberships(&self, per_user: f64) -> u64 {
        libm::round(f64::from(self.connections) * per_user) as u64
    }

    /// Channels in order until the memberships are used up; members picked nested and distinct.
    fn sized_channels(
        &self,
        per_user: f64,
        sizes: LogNormalSizes,
        each: &mut impl FnMut(ChannelId, &[ConnectionId]),
    ) {
        let wanted = self.wanted_memberships(per_user);
        let kept = self.scenario.run.scale;
        let kept = kept.map(|k| sizes.of_model(wanted * u64::from(k), k as usize));
        let mut seen = vec![u32::MAX; self.connections as usize];
        let places = self.places();
        let mut members = Vec::new();
        let mut total = 0;
        let mut channel = 0;
        let next = |channel: u32, total: u64| match &kept {
            None => (total < wanted).then(|| sizes.size(channel)),
            Some(kept) => kept.get(channel as usize).copied(),
        };
        while let Some(size) = next(channel, total) {
            let of = self.circle(channel, &places);
            let size = size.min(of.there_are);
            self.pick_distinct(channel, size, &of, &mut seen, &mut members);
            total += u64::from(size);
            each(ChannelId(channel), &members);
            channel += 1;
        }
    }

    /// The place of every connection, and how many come from each, where channels ask for it.
    fn places(&self) -> (Vec<u8>, Vec<u32>) {
        let mut counts = vec![0; self.scenario.load.places.len()];
        if self.scenario.channels.locality <= 0.0 {
            return (Vec::new(), counts);
        }
        let place = |id| {
            let place = self.place(id);
            counts[place] += 1;
            place as u8
        };
        ((0..self.connections).map(place).collect(), counts)
    }

    /// Whom the members of a channel are picked from.
    fn circle<'p>(&self, channel: u32, (places, counts): &'p (Vec<u8>, Vec<u32>)) -> Circle<'p> {
        let everyone = Circle {
            places,
            only: None,
            there_are: self.connections,
        };
        if !self.is_local(channel) {
            return everyone;
        }
        let only = self.place_of(CHANNEL_PLACE, channel);
        let there_are = counts[only];
        if there_are == 0 {
            return everyone;
        }
        Circle {
            places,
            only: Some(only as u8),
            there_are,
        }
    }

    fn pick_distinct(
        &self,
        channel: u32,
        size: u32,
        of: &Circle<'_>,
        seen: &mut [u32],
        members: &mut Vec<ConnectionId>,
    ) {
        /// Up to this size a scan of the list beats a random memory access per member.
        const SCAN: usize = 24;
        members.clear();
        if size == of.there_are {
            members.extend(
                (0..self.connections)
                    .filter(|id| of.has(*id))
                    .map(ConnectionId),
            );
            return;
        }
        let mut ordinal = 0;
        let small = size as usize <= SCAN;
        while members.len() < size as usize {
            let user = nested_pick(&self.draws, u64::from(channel), ordinal, self.connections);
            ordinal += 1;
            if !of.has(user) {
                continue;
            }
            let fresh = if small {
                !members.contains(&ConnectionId(user))
            } else {
                core::mem::replace(&mut seen[user as usize], channel) != channel
            };
            if fresh {
                members.push(ConnectionId(user));
            }
        }
    }

    fn rooms(&self, size: u32, each: &mut impl FnMut(ChannelId, &[ConnectionId])) {
        let mut members = Vec::new();
        for room in 0..self.connections.div_ceil(size) {
            let first = room * size;
            members.clear();
            members.extend((first..self.connections.min(first + size)).map(ConnectionId));
            each(ChannelId(room), &members);
        }
    }

    /// Every user picks its channels; then the lists are turned around.
    fn random_channels(
        &self,
        per_user: f64,
        count: u32,
        each: &mut impl FnMut(ChannelId, &[ConnectionId]),
    ) {
        let picks = (libm::round(per_user) as u32).clamp(1, count);
        let mut pairs: Vec<(u32, u32)> = Vec::with_capacity((self.connections * picks) as usize);
        let mut own = Vec::new();
        for user in 0..self.connections {
            own.clear();
            let mut ordinal = 0;
            while own.len() < picks as usize {
                let channel = self
                    .draws
                    .below(MEMBER, u64::from(user), ordinal, u64::from(count))
                    as u32;
                ordinal += 1;
                if !own.contains(&channel) {
                    own.push(channel);
                    pairs.push((channel, user));
                }
            }
        }
        pairs.sort_unstable();
        let mut members = Vec::new();
        let mut at = 0;
        for channel in 0..count {
            members.clear();
            while at < pairs.len() && pairs[at].0 == channel {
                members.push(ConnectionId(pairs[at].1));
                at += 1;
            }
            each(ChannelId(channel), &members);
        }
    }
}

/// People who come while the system runs.
pub struct Newcomers<'a>(Population<'a>);

impl<'a> Newcomers<'a> {
    /// Those of a scenario.
    #[must_use]
    pub fn new(scenario: &'a Scenario) -> Self {
        Self(Population {
            scenario,
            draws: Draws::new(scenario.run.population_seed),
            connections: 0,
            residents: 0,
        })
    }

    /// Place and access network of one connection, by its number among all.
    #[must_use]
    pub fn class(&self, connection: ConnectionId, network: &Network) -> ClassId {
        self.0.class(connection, network)
    }
}

/// Whom the members of a channel are picked from: everybody, or those of one place.
struct Circle<'p> {
    places: &'p [u8],
    only: Option<u8>,
    there_are: u32,
}

impl Circle<'_> {
    #[inline]
    fn has(&self, user: u32) -> bool {
        self.only
            .is_none_or(|only| self.places[user as usize] == only)
    }
}

/// The 99 % quantile of the standard normal distribution.
const Z99: f64 = 2.326_347_874_040_841;

#[derive(Clone, Copy)]
struct LogNormalSizes {
    draws: Draws,
    mu: f64,
    sigma: f64,
    max: u32,
}

impl LogNormalSizes {
    fn size(&self, channel: u32) -> u32 {
        let z = self.draws.normal(SIZE, u64::from(channel), 0);
        let size = libm::round(libm::exp(self.mu + self.sigma * z));
        (size as u32).clamp(1, self.max)
    }

    /// Sizes of a model of one in `k`, by falling size: two stand for `2k` neighbours in the order of sizes, one standard
    /// deviation above and below their mean, so that they have as many memberships and send as many copies.
    fn of_model(&self, memberships: u64, k: usize) -> Vec<u32> {
        let mut all = Vec::new();
        let mut total = 0;
        while total < memberships {
            let size = self.size(all.len() as u32);
            total += u64::from(size);
            all.push(size);
        }
        all.sort_unstable();
        let pair = |block: &[u32]| {
            let many = block.len() as f64;
            let sizes = || block.iter().map(|&size| f64::from(size));
            let mean = sizes().sum::<f64>() / many;
            let square = sizes().map(|size| size * size).sum::<f64>() / many;
            let deviation = libm::sqrt((square - mean * mean).max(0.0));
            [mean + deviation, (mean - deviation).max(1.0)]
        };
        let sizes = all.rchunks_exact(2 * k).flat_map(pair);
        sizes.map(|size| libm::round(size) as u32).collect()
    }
}

/// Index of the share that `u` in [0, 1) falls into.
fn share_index(shares: impl Iterator<Item = f64>, u: f64) -> usize {
    let mut left = u;
    let mut last = 0;
    for (index, share) in shares.enumerate() {
        if left < share {
            return index;
        }
        left -= share;
        last = index;
    }
    last
}

/// A uniform pick from `0..n` that stays the same when `n` grows, unless it moves to one of the new numbers.
///
/// The range is halved level by level. At each level a draw falls into the lower half, where the pick of the smaller
/// population stands, or into the upper half; at the top level a number that does not exist yet is drawn again. Two to four
/// draws on average, against ln n divisions of a jump hash.
fn nested_pick(draws: &Draws, entity: u64, ordinal: u64, n: u32) -> u32 {
    const UPPER: u64 = 1 << 63;
    debug_assert!(n > 0, "a pick needs somebody to pick");
    let top = u32::BITS - (n - 1).leading_zeros();
    let draw = |level: u32, trial: u64| {
        draws.u64(
            MEMBER,
            entity,
            (ordinal << 16) | (trial << 6) | u64::from(level),
        )
    };
    let mut trial = 0;
    let mut level = top;
    while level > 0 {
        let bits = draw(level, if level == top { trial } else { 0 });
        if bits & UPPER == 0 {
            level -= 1;
            continue;
        }
        let half = 1u32 << (level - 1);
        let number = half + (bits as u32 & (half - 1));
        if number < n {
            return number;
        }
        trial = (trial + 1) & 0x3ff;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_pick_only_moves_to_new_users() {
        let draws = Draws::new(7);
        for key in 0..2_000 {
            let mut before = nested_pick(&draws, key, 0, 1);
            for n in 2..300 {
                let now = nested_pick(&draws, key, 0, n);
                assert!(
                    now == before || now == n - 1,
                    "key {key}, n {n}: {before} -> {now}"
                );
                before = now;
            }
        }
    }

    #[test]
    fn a_nested_pick_is_uniform() {
        let draws = Draws::new(11);
        for n in [3u32, 10, 100, 1_000] {
            let picks = 200_000u64;
            let mut counts = vec![0u64; n as usize];
            for key in 0..picks {
                counts[nested_pick(&draws, key, 1, n) as usize] += 1;
            }
            let expected = picks as f64 / f64::from(n);
            let chi2: f64 = counts
                .iter()
                .map(|&c| (c as f64 - expected) * (c as f64 - expected) / expected)
                .sum();
            let dof = f64::from(n - 1);
            assert!(
                (chi2 - dof).abs() < 5.0 * (2.0 * dof).sqrt(),
                "n {n}: chi-squared {chi2} at {dof} degrees of freedom"
            );
        }
    }

    #[test]
    fn shares_pick_by_size() {
        let shares = [0.6, 0.4];
        assert_eq!(share_index(shares.into_iter(), 0.0), 0);
        assert_eq!(share_index(shares.into_iter(), 0.59), 0);
        assert_eq!(share_index(shares.into_iter(), 0.61), 1);
        assert_eq!(share_index(shares.into_iter(), 0.999_999_999), 1);
    }
}
