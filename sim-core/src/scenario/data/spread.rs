//! What a database is sharded by, and what of the load decides how well that goes: where records are, what kind they are of,
//! and who needs several of them.

use crate::time::SimDuration;

use super::skew;
use crate::scenario::asking::Asking;
use crate::scenario::check::Check;
use crate::scenario::error::Problem;
use crate::scenario::limits;
use crate::scenario::model::{Design, Fault, Shards, TimedFault, Traffic};
use crate::scenario::quantity::{count, duration, share};
use crate::scenario::raw::{Ordered, Quantity, RawScenario};
use crate::scenario::traffic::raw::RawTraffic;

use super::raw::{RawCities, RawFeature, RawShardBy};

/// Features of a scenario at most.
pub const FEATURES: usize = 8;
/// Cities at most.
const CITIES: u64 = 10_000;
/// Cells along the edge of a city at most.
const CELLS: u64 = 256;
/// Rings of cells around a record at most.
const RINGS: u64 = 64;
/// Buckets of guilds at most.
const BUCKETS: u64 = 1 << 20;

/// What a database is sharded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardBy {
    /// The record that is read or written.
    Record,
    /// The user who reads or writes.
    User,
    /// The city that the record is in.
    Geo {
        /// Cells along the edge of a city.
        cells: u16,
    },
    /// The feature that the record is of.
    Feature {
        /// Shards of its own, by feature; those without any share what is left.
        own: [u32; FEATURES],
    },
    /// The channel that the record belongs to.
    Guild {
        /// Buckets.
        buckets: u32,
    },
}

/// Where records are, what kind they are of, and who needs several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// Rings of cells that a query looks around its record.
    pub nearby: Option<u32>,
    /// Share of queries that also need a record of another feature.
    pub joins: f64,
    /// The cities.
    pub cities: Option<Cities>,
    /// The features; none: all records are of one kind.
    pub features: Vec<Feature>,
}

/// Cities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cities {
    /// How many.
    pub count: u32,
    /// Exponent of their sizes.
    pub sizes: f64,
    /// Exponent of the cells of one.
    pub downtown: f64,
}

/// A kind of record.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Share of the queries.
    pub reads: f64,
    /// Share of the commands.
    pub writes: f64,
}

/// A change of the number of shards under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reshard {
    /// Shards afterwards.
    pub to: u32,
    /// Records copied at a time.
    pub batch: u32,
    /// Time for which writes go to both shards at least.
    pub double_write: SimDuration,
}

/// Checks where records are and who needs several; `None` where the scenario says nothing of it.
pub fn spread(raw: &RawTraffic, check: &mut Check<'_>) -> Option<Spread> {
    let query = raw.query.as_ref();
    let nearby = query.and_then(|query| query.nearby.as_ref());
    let joins = query.and_then(|query| query.joins.as_ref());
    let spread = Spread {
        nearby: nearby.map(|q| {
            let rings = count(q, &["rings", "ring"], 0, RINGS);
            check.take("traffic.query.nearby", rings, 0) as u32
        }),
        joins: joins.map_or(0.0, |q| check.take("traffic.query.joins", share(q), 0.0)),
        cities: raw.cities.as_ref().map(|raw| cities(raw, check)),
        features: raw
            .features
            .as_ref()
            .map_or_else(Vec::new, |raw| features(raw, check)),
    };
    if spread.joins > 0.0 && spread.features.len() < 2 {
        let problem = Problem::new("there is no other feature to need a record of");
        let help = "add traffic.features, two or more";
        check.problem("traffic.query.joins", problem.help(help));
    }
    (spread != Spread::default()).then_some(spread)
}

fn cities(raw: &RawCities, check: &mut Check<'_>) -> Cities {
    const AT: &str = "traffic.cities";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    Cities {
        count: check.take(
            &at("count"),
            count(&raw.count, &["cities", "city"], 1, CITIES),
            1,
        ) as u32,
        sizes: skew(&at("sizes"), raw.sizes.as_ref(), check),
        downtown: skew(&at("downtown"), raw.downtown.as_ref(), check),
    }
}

fn features(raw: &Ordered<RawFeature>, check: &mut Check<'_>) -> Vec<Feature> {
    const AT: &str = "traffic.features";
    check.names(AT, raw.0.iter().map(|(name, _)| name.as_str()));
    if raw.0.is_empty() || raw.0.len() > FEATURES {
        let problem = Problem::new(format!("{} features", raw.0.len()));
        check.problem(AT, problem.allowed(format!("1 to {FEATURES} features")));
    }
    let features: Vec<Feature> = raw
        .0
        .iter()
        .map(|(name, raw)| {
            let at = format!("{AT}.{name}");
            check.sources(&at, &raw.source, &raw.sources);
            let mut of = |field: &str, q: &Quantity| {
                let at = format!("{at}.{field}");
                check.take(&at, share(q), 0.0)
            };
            Feature {
                name: name.clone(),
                reads: of("reads", &raw.reads),
                writes: of("writes", &raw.writes),
            }
        })
        .collect();
    let sums = [
        ("reads", features.iter().map(|f| f.reads).sum::<f64>()),
        ("writes", features.iter().map(|f| f.writes).sum::<f64>()),
    ];
    for (field, sum) in sums {
        if check.errors.is_empty() && (sum - 1.0).abs() > 0.001 {
            let percent = libm::round(sum * 1e4) / 1e2;
            let problem = Problem::new(format!("the {field} add up to {percent} %"));
            check.problem(AT, problem.allowed("100 %, within 0.1 %"));
        }
    }
    features
}

/// What the shards of a design go by; the features are those of the traffic.
pub fn shard_by(
    raw: Option<&RawShardBy>,
    shards: u32,
    features: Option<&Ordered<RawFeature>>,
    check: &mut Check<'_>,
) -> ShardBy {
    const AT: &str = "design.shards.key";
    match raw {
        None | Some(RawShardBy::Record) => ShardBy::Record,
        Some(RawShardBy::User) => ShardBy::User,
        Some(RawShardBy::Geo { cells }) => {
            let cells = count(cells, &["cells", "cell"], 1, CELLS);
            ShardBy::Geo {
                cells: check.take(&format!("{AT}.cells"), cells, 1) as u16,
            }
        }
        Some(RawShardBy::Guild { buckets }) => {
            let buckets = count(buckets, &["buckets", "bucket"], 1, BUCKETS);
            ShardBy::Guild {
                buckets: check.take(&format!("{AT}.buckets"), buckets, 1) as u32,
            }
        }
        Some(RawShardBy::Feature { own }) => ShardBy::Feature {
            own: own_shards(own, shards, features, check),
        },
    }
}

fn own_shards(
    raw: &Ordered<Quantity>,
    shards: u32,
    features: Option<&Ordered<RawFeature>>,
    check: &mut Check<'_>,
) -> [u32; FEATURES] {
    const AT: &str = "design.shards.key.own";
    let known: Vec<&str> = features
        .iter()
        .flat_map(|features| &features.0)
        .map(|(name, _)| name.as_str())
        .collect();
    let mut own = [0; FEATURES];
    check.names(AT, raw.0.iter().map(|(name, _)| name.as_str()));
    for (name, q) in &raw.0 {
        let at = format!("{AT}.{name}");
        let nouns = ["shards", "shard"];
        let many = check.take(&at, count(q, &nouns, 1, limits::INSTANCES), 1) as u32;
        match known.iter().position(|known| known == name) {
            Some(feature) if feature < FEATURES => own[feature] = many,
            Some(_) => {}
            None => {
                let problem = Problem::unknown("feature of this traffic", name, known.clone());
                check.problem(&at, problem.help("name it in traffic.features"));
            }
        }
    }
    let taken: u32 = own.iter().sum();
    if taken >= shards {
        let problem = Problem::new(format!(
            "features have {taken} shards of their own, of {shards} in all"
        ));
        let help = "raise design.shards.count: one at least is for all other records";
        check.problem(AT, problem.help(help));
    }
    own
}

/// Checks what shards and traffic need of each other.
pub fn check_together(traffic: &Traffic, shards: Option<&Shards>, check: &mut Check<'_>) {
    let cities = traffic
        .spread
        .as_ref()
        .and_then(|spread| spread.cities.as_ref());
    if let Some(ShardBy::Geo { .. }) = shards.map(|shards| shards.by)
        && cities.is_none()
    {
        let problem = Problem::new("nobody knows where records are");
        let help = "add traffic.cities";
        check.problem("design.shards.key", problem.help(help));
    }
}

/// A change of the number of shards, as far as the design alone decides.
pub fn reshard(
    (to, batch, double_write): (&Quantity, &Option<Quantity>, &Option<Quantity>),
    path: &str,
    design: &Design,
    check: &mut Check<'_>,
) -> Reshard {
    let at = |name: &str| format!("{path}.{name}");
    let have = design.shards.map_or(0, |shards| shards.count);
    let by_feature = matches!(
        design.shards.map(|shards| shards.by),
        Some(ShardBy::Feature { .. })
    );
    if have == 0 {
        let problem = Problem::new("there are no shards to change");
        let help = "add design.shards, and patterns.sharding: On";
        check.problem(path, problem.help(help));
    } else if by_feature {
        let problem = Problem::new("a split by features does not say whose a new shard is");
        let help = "shard by Record, User, Geo or Guild, or leave out the fault";
        check.problem(path, problem.help(help));
    }
    let low = u64::from(have) + 1;
    let nouns = ["shards", "shard"];
    Reshard {
        to: check.take(
            &at("to"),
            count(to, &nouns, low, limits::INSTANCES.max(low)),
            1,
        ) as u32,
        batch: check.take_or(&at("batch"), batch, 100, |q| {
            count(q, &["records", "record"], 1, limits::KEYS)
        }) as u32,
        double_write: check.take_or(&at("double_write"), double_write, SimDuration::ZERO, |q| {
            duration(q, SimDuration::ZERO, limits::LONG)
        }),
    }
}

/// Checks that resharding stands alone, and with a database whose single steps nobody watches.
pub fn check_resharding(
    raw: &RawScenario,
    faults: &[TimedFault],
    asking: &Asking,
    check: &mut Check<'_>,
) {
    let mut changes = faults
        .iter()
        .enumerate()
        .filter(|(_, timed)| matches!(timed.fault, Fault::Reshard(_)))
        .map(|(i, _)| format!("faults[{i}].fault"));
    let Some(first) = changes.next() else { return };
    if let Some(second) = changes.next() {
        let problem = Problem::new("shards change a second time");
        check.problem(&second, problem.help("leave one of the changes out"));
    }
    if asking.is_watched() {
        let problem =
            Problem::new("resharding is not simulated together with retries, hedges or overload");
        let help = "leave out design.database.callers, design.database.overload and traffic.query.hedge, or the fault";
        check.problem(&first, problem.help(help));
    }
    let lasts = raw.faults.iter().flatten().map(|fault| &fault.lasts);
    for (i, _) in lasts.enumerate().filter(|(_, lasts)| lasts.is_some()) {
        let fault = faults.get(i).map(|timed| &timed.fault);
        if matches!(fault, Some(Fault::Reshard(_))) {
            let problem = Problem::new("resharding lasts as long as the copying takes");
            let path = format!("faults[{i}].lasts");
            check.problem(&path, problem.help("leave it out"));
        }
    }
}
