//! What is kept on which shard, and which shards an operation asks.
//!
//! Models: the key of an operation is what the design shards by: its record (or its channel, for what is sent to one), its user,
//! the cell its record is in, the feature it is of, or the channel it belongs to; the shard of a key is the answer of the real
//! [`ShardMap`], and while records move, that of the real [`Migration`]. A query that looks around its record asks the shards of
//! the ring of cells where those are the key, and every shard where they are not: nobody else knows who is near. A query that
//! joins also needs a record of another feature, the one with the same number there. A command about what is moving is
//! written to both shards. *Formula:* hot_shard_ratio = most asked / mean; cross_shard_ratio = operations that ask
//! more than one shard, of all.
//! Numbers of channels are snowflakes, drawn with the population; a record belongs to a channel of somebody drawn at random, so
//! large channels have more of them. A message's own queries are of the first feature.
//! Leaves out: transactions across shards, and routers with an old map.

use routing::shard::{
    Access, CellMap, Feature, Key, Migration, Record, ShardKey, ShardMap, Sharding,
};
use routing::{ChannelId, ConnectionId, Hub, ShardId};

use super::cities::{self, Who};
use super::operation::{Kind, NOBODY, Operation};
use super::servers::timestamp;
use super::world::Sent;
use crate::draw::{Draws, Purpose};
use crate::scenario::{FEATURES, Fault, Scenario, ShardBy, Shards, Spread};
use crate::time::SimTime;

const SNOWFLAKE: Purpose = Purpose::named("population/snowflake");
const BELONGS: Purpose = Purpose::named("population/record-channel");
const JOINS: Purpose = Purpose::named("query/joins");
/// Points of a shard on the ring of buckets.
const RING_POINTS: u32 = 100;

/// How the records of a design are split.
#[derive(Clone, Debug)]
pub struct Split {
    /// Key → shard, before anything moves.
    pub map: ShardMap,
    /// What moves, once something does.
    pub migration: Option<Migration>,
    /// Who asked what, where a report says so.
    pub tally: Option<Tally>,
    by: ShardBy,
    people: Option<cities::Map>,
    features: u32,
    nearby: Option<u32>,
    joins: f64,
    /// By record, its channel; only where that is the key.
    belongs: Vec<u32>,
    population: Draws,
}

/// What was asked of shards while measured.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By shard.
    pub asked: Vec<u64>,
    /// Operations that asked.
    pub operations: u64,
    /// Those that asked more than one shard.
    pub crossing: u64,
}

impl Tally {
    /// The load of the most loaded shard, by the mean.
    #[must_use]
    pub fn hot_ratio(&self) -> Option<f64> {
        let all: u64 = self.asked.iter().sum();
        let most = self.asked.iter().copied().max().unwrap_or_default();
        (all > 0).then(|| most as f64 * self.asked.len() as f64 / all as f64)
    }

    /// Share of the operations that asked more than one shard.
    #[must_use]
    pub fn crossing_ratio(&self) -> Option<f64> {
        (self.operations > 0).then(|| self.crossing as f64 / self.operations as f64)
    }

    /// An operation asks these shards.
    pub fn note(&mut self, shards: impl Iterator<Item = u32>) {
        let mut many = 0;
        for shard in shards {
            let shard = shard as usize;
            if self.asked.len() <= shard {
                self.asked.resize(shard + 1, 0);
            }
            self.asked[shard] += 1;
            many += 1;
        }
        self.operations += 1;
        self.crossing += u64::from(many > 1);
    }
}

impl Split {
    /// The split of a design's shards, if it has any; `hub` knows the channels.
    #[must_use]
    pub fn new(
        scenario: &Scenario,
        records: u32,
        hub: &Hub<Sent>,
        population: &Draws,
    ) -> Option<Self> {
        let shards = scenario.design.shards.as_ref()?;
        let spread = scenario.traffic.spread.as_ref();
        let reshards =
            |timed: &crate::scenario::TimedFault| matches!(timed.fault, Fault::Reshard(_));
        let plain = matches!(shards.by, ShardBy::Record | ShardBy::User);
        let tells = !plain
            || spread.is_some_and(|spread| spread.nearby.is_some() || spread.joins > 0.0)
            || scenario.faults.iter().any(reshards);
        let features = spread.map_or(0, |spread| spread.features.len() as u32);
        let belongs = match shards.by {
            ShardBy::Guild { .. } => belongs(records, hub, population),
            _ => Vec::new(),
        };
        Some(Self {
            map: map(shards, spread),
            migration: None,
            tally: tells.then(|| Tally {
                asked: vec![0; shards.count as usize],
                ..Tally::default()
            }),
            by: shards.by,
            people: people(shards.by, spread, population),
            features: features.max(1),
            nearby: spread.and_then(|spread| spread.nearby),
            joins: spread.map_or(0.0, |spread| spread.joins),
            belongs,
            population: *population,
        })
    }

    /// What a shard map may look at of a record or a channel, as far as it does.
    fn record_of(&self, operation: &Operation) -> Record {
        let asks = matches!(operation.kind, Kind::Query | Kind::Command);
        let mut record = Record::default();
        match self.by {
            ShardBy::Record if asks => record.guild = operation.record.into(),
            ShardBy::Record => record.guild = operation.channel.0.into(),
            ShardBy::User => record.guild = operation.origin.into(),
            ShardBy::Feature { .. } if asks => {
                record.feature = Feature((operation.record % self.features) as u16);
                record.guild = (operation.record / self.features).into();
            }
            ShardBy::Feature { .. } => record.guild = operation.channel.0.into(),
            ShardBy::Guild { .. } => {
                let known = self.belongs.get(operation.record as usize);
                let channel = known
                    .filter(|_| asks)
                    .copied()
                    .unwrap_or(operation.channel.0);
                record.guild = self.snowflake(channel);
            }
            ShardBy::Geo { .. } => {
                let who = if asks || operation.origin == NOBODY {
                    Who::Record(operation.record)
                } else {
                    Who::User(operation.origin)
                };
                if let Some(people) = &self.people {
                    record.place = people.place(who);
                }
            }
        }
        record
    }

    fn snowflake(&self, channel: u32) -> u64 {
        self.population.u64(SNOWFLAKE, channel.into(), 0)
    }

    /// Every key there is, as something that has it.
    #[must_use]
    pub fn keys(&self, records: u32, users: u32, channels: u32) -> Vec<Record> {
        let guild = |guild: u64| Record {
            guild,
            ..Record::default()
        };
        match self.by {
            ShardBy::Record | ShardBy::Feature { .. } => {
                (0..records).map(|record| guild(record.into())).collect()
            }
            ShardBy::User => (0..users).map(|user| guild(user.into())).collect(),
            ShardBy::Guild { .. } => (0..channels)
                .map(|channel| guild(self.snowflake(channel)))
                .collect(),
            ShardBy::Geo { .. } => {
                let at = |record| {
                    let place = self
                        .people
                        .as_ref()
                        .map(|map| map.place(Who::Record(record)));
                    Record {
                        place: place.unwrap_or_default(),
                        ..Record::default()
                    }
                };
                (0..records).map(at).collect()
            }
        }
    }

    /// The key of a stored record, as commands meet it.
    #[must_use]
    pub fn key_of_record(&self, record: u32) -> Key {
        let mut asked = Operation::new(Kind::Command, SimTime::ZERO, NOBODY, 0, false);
        asked.record = record;
        self.map.key(&self.record_of(&asked))
    }

    /// Whether keys have unequal numbers of records.
    #[must_use]
    pub fn counts_records(&self) -> bool {
        matches!(self.by, ShardBy::Geo { .. } | ShardBy::Guild { .. })
    }

    /// Who reads and writes a key at a time.
    fn access(&self, key: Key, at: SimTime) -> Access {
        let owner = self.map.owner_of(key).unwrap_or(ShardId(0));
        let alone = Access {
            owner,
            also_writes: None,
        };
        let moving = self.migration.as_ref();
        moving.map_or(alone, |moving| moving.access(timestamp(at), owner, key))
    }

    /// The shard of an operation that asks one, at the time that it comes.
    #[must_use]
    pub fn shard_of(&self, operation: &Operation) -> u32 {
        let key = self.map.key(&self.record_of(operation));
        self.access(key, operation.mark).owner.0
    }

    /// The shards of an operation that may ask several, at the time that it comes, in order.
    #[must_use]
    pub fn several(&self, operation: &Operation, draws: &Draws) -> Vec<u32> {
        let at = operation.mark;
        let record = self.record_of(operation);
        let key = self.map.key(&record);
        let mut shards = match (operation.kind, &self.map, self.nearby) {
            (Kind::Command, ..) => {
                let access = self.access(key, at);
                let also = access.also_writes.map(|shard| shard.0);
                also.into_iter().chain([access.owner.0]).collect()
            }
            (Kind::Query, ShardMap::Cells(cells), Some(rings)) => {
                self.around(cells, key.value, rings, at)
            }
            _ => {
                let joined = self.joined(operation, draws);
                let other = joined.map(|joined| self.shard_of(&joined));
                let own = self.access(key, at).owner.0;
                other.into_iter().chain([own]).collect()
            }
        };
        shards.sort_unstable();
        shards.dedup();
        shards
    }

    fn around(&self, cells: &CellMap, cell: u64, rings: u32, at: SimTime) -> Vec<u32> {
        if self.migration.is_none() {
            let shards = cells.shards_within(cell, rings);
            return shards.into_iter().map(|shard| shard.0).collect();
        }
        let ring = cells.grid().ring(cell, rings);
        ring.into_iter()
            .map(|cell| self.access(Key::new(cell), at).owner.0)
            .collect()
    }

    /// What else a query needs: the same, of another feature.
    fn joined(&self, query: &Operation, draws: &Draws) -> Option<Operation> {
        let others = self.features - 1;
        let joins = others > 0
            && query.kind == Kind::Query
            && draws.chance(JOINS, query.key(), u64::MAX, self.joins);
        joins.then(|| {
            let step = 1 + draws.below(JOINS, query.key(), 0, others.into()) as u32;
            let (own, first) = (query.record % self.features, query.record / self.features);
            Operation {
                record: first * self.features + (own + step) % self.features,
                ..*query
            }
        })
    }

    /// Whether a query looks around without knowing where.
    #[must_use]
    pub fn asks_around_blindly(&self) -> bool {
        self.nearby.is_some() && !matches!(self.by, ShardBy::Geo { .. })
    }

    /// Whether what an operation asks for may lie on several shards.
    #[must_use]
    pub fn may_ask_several(&self, kind: Kind) -> bool {
        match kind {
            Kind::Query => self.nearby.is_some() || self.joins > 0.0,
            Kind::Command => self.migration.is_some(),
            _ => false,
        }
    }
}

/// The real map of a design's shards.
#[must_use]
pub fn map(shards: &Shards, spread: Option<&Spread>) -> ShardMap {
    let ids: Vec<ShardId> = (0..shards.count).map(ShardId).collect();
    let by_value = Sharding::Hash {
        key: ShardKey::Guild,
        placement: shards.placement,
    };
    let sharding = match shards.by {
        ShardBy::Record | ShardBy::User => by_value,
        ShardBy::Geo { cells } => Sharding::Cells {
            grid: grid(cells, spread),
            block: cells,
            placement: shards.placement,
        },
        ShardBy::Guild { buckets } => Sharding::Guilds {
            buckets,
            virtual_nodes: RING_POINTS,
        },
        ShardBy::Feature { own } => {
            let (rest, others) = ids.split_at(ids.len() - own.iter().sum::<u32>() as usize);
            let mut free = others;
            let split = |feature: usize| {
                let (mine, left) = free.split_at(own[feature] as usize);
                free = left;
                let mine = if mine.is_empty() { rest } else { mine };
                (Feature(feature as u16), mine.to_vec(), by_value.clone())
            };
            Sharding::Features((0..FEATURES).map(split).collect())
        }
    };
    ShardMap::new(&sharding, &ids)
}

/// Shares of all questions by shard, for so many reads and writes a second, where they follow from cities or features.
#[must_use]
pub fn shares_by_shard(
    shards: &Shards,
    spread: Option<&Spread>,
    (reads, writes): (f64, f64),
) -> Option<Vec<f64>> {
    let spread = spread?;
    let map = map(shards, Some(spread));
    let mut loads = vec![0.0; shards.count as usize];
    match (shards.by, &map) {
        (ShardBy::Geo { .. }, ShardMap::Cells(_)) => {
            let people = people(shards.by, Some(spread), &Draws::new(0))?;
            let cities = spread.cities?;
            let keys = crate::scenario::Keys {
                count: cities.count,
                exponent: cities.sizes,
            };
            for (city, share) in (0..).zip(super::records::shares(keys)) {
                let place = people.within(city, 0);
                let owner = map.owner(&Record {
                    place,
                    ..Record::default()
                })?;
                loads[owner.0 as usize] += share;
            }
        }
        (ShardBy::Feature { .. }, ShardMap::Features(maps)) => {
            for (feature, inner) in (0..).zip(&spread.features) {
                let ShardMap::Hash(_, placement) = maps.get(&Feature(feature))? else {
                    return None;
                };
                let nodes = placement.nodes();
                let load = inner.reads * reads + inner.writes * writes;
                let each = load / (reads + writes).max(1e-12) / nodes.len() as f64;
                for node in nodes {
                    loads[node.id as usize] += each;
                }
            }
        }
        _ => return None,
    }
    Some(loads)
}

fn people(by: ShardBy, spread: Option<&Spread>, population: &Draws) -> Option<cities::Map> {
    let ShardBy::Geo { cells } = by else {
        return None;
    };
    let cities = spread?.cities.as_ref()?;
    Some(cities::Map::new(cities, cells, population))
}

fn grid(cells: u16, spread: Option<&Spread>) -> routing::shard::Grid {
    let map = people(ShardBy::Geo { cells }, spread, &Draws::new(0));
    map.map_or(routing::shard::Grid::torus(1), |map| map.grid())
}

/// By record, a channel of somebody drawn at random.
fn belongs(records: u32, hub: &Hub<Sent>, population: &Draws) -> Vec<u32> {
    let users = hub.directory().connection_count().max(1) as u64;
    let channels = hub.directory().channel_count().max(1) as u32;
    let of = |record: u32| {
        let somebody = population.below(BELONGS, record.into(), 0, users) as u32;
        let theirs = hub.directory().channels_of(ConnectionId(somebody));
        let any = population.below(BELONGS, record.into(), 1, theirs.len().max(1) as u64);
        let ChannelId(channel) = theirs
            .get(any as usize)
            .copied()
            .unwrap_or(ChannelId(record % channels));
        channel
    };
    (0..records).map(of).collect()
}

impl super::world::World {
    /// What shards are asked counts from now on.
    pub(super) fn restart_tally(&mut self) {
        let split = self.databases.as_mut().and_then(|all| all.split.as_mut());
        if let Some(tally) = split.and_then(|split| split.tally.as_mut()) {
            let shards = tally.asked.len();
            *tally = Tally::default();
            tally.asked.resize(shards, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Cities, Feature as Kind};
    use routing::Placement;

    fn shards(by: ShardBy) -> Shards {
        Shards {
            count: 6,
            by,
            placement: Placement::Slots,
        }
    }

    #[test]
    fn a_tally_is_of_questions_and_of_who_asked_several() {
        let mut tally = Tally::default();
        assert_eq!((tally.hot_ratio(), tally.crossing_ratio()), (None, None));
        tally.note([0].into_iter());
        tally.note([0, 1, 2, 3].into_iter());
        assert_eq!(tally.asked, [2, 1, 1, 1]);
        assert_eq!(tally.hot_ratio(), Some(1.6));
        assert_eq!(tally.crossing_ratio(), Some(0.5));
    }

    #[test]
    fn features_have_the_last_shards_and_others_the_first() {
        let mut own = [0; FEATURES];
        (own[1], own[2]) = (2, 1);
        let map = map(&shards(ShardBy::Feature { own }), None);
        let found = |feature| {
            let of = |guild| {
                map.owner(&Record {
                    guild,
                    feature: Feature(feature),
                    ..Record::default()
                })
            };
            let found: std::collections::BTreeSet<u32> =
                (0..1_000).filter_map(of).map(|shard| shard.0).collect();
            found.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(found(0), [0, 1, 2]);
        assert_eq!(found(1), [3, 4]);
        assert_eq!(found(2), [5]);
        assert_eq!(found(3), [0, 1, 2]);
    }

    #[test]
    fn shares_follow_from_cities_and_features() {
        let cities = Cities {
            count: 300,
            sizes: 1.0,
            downtown: 0.0,
        };
        let feature = |reads, writes| Kind {
            name: String::new(),
            reads,
            writes,
        };
        let spread = Spread {
            cities: Some(cities),
            features: vec![feature(0.5, 1.0), feature(0.5, 0.0)],
            ..Spread::default()
        };
        let all = |by| shares_by_shard(&shards(by), Some(&spread), (3.0, 1.0)).unwrap();
        let geo = all(ShardBy::Geo { cells: 4 });
        assert!((geo.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(geo.iter().any(|&share| share > 0.159), "{geo:?}");
        let mut own = [0; FEATURES];
        own[1] = 1;
        let split = all(ShardBy::Feature { own });
        // 1.5 of 4 reads are of the second feature, 2.5 on five shards.
        assert!((split[5] - 0.375).abs() < 1e-9 && (split[0] - 0.125).abs() < 1e-9);
        assert!(shares_by_shard(&shards(ShardBy::User), Some(&spread), (1.0, 1.0)).is_none());
    }
}
