//! Data centres: which tiers stand where, who connects to which, and who may be served where.

pub mod raw;

use routing::consistency::Stance;
use routing::log::Acks;
use routing::region::{RegionId, RoutePolicy, SpillPolicy};

use crate::time::SimDuration;

use super::asking::Asking;
use super::assets::assets;
use super::check::Check;
use super::error::Problem;
use super::limits;
use super::model::{Design, Region};
use super::quantity::{self, duration};
use super::raw::Switch;
use super::validate::shares;

use raw::{RawAck, RawMerge, RawRegions, RawResidency, RawRoute, RawStance, RawWrites};

/// Most regions of a design.
const MOST: usize = 32;
const AT: &str = "design.regions";

/// The regions of a design.
#[derive(Clone, Debug, PartialEq)]
pub struct Regions {
    /// Their places with their shares of the instances.
    pub places: Vec<(Region, f64)>,
    /// Which one a user connects to; its region ids are positions in `places`.
    pub route: RoutePolicy,
    /// Whether a message crosses to another region once.
    pub relay: bool,
    /// Time until everybody knows that a region is gone, or back.
    pub detect: SimDuration,
    /// Who may be served where.
    pub residency: Option<Residency>,
    /// How the databases of all regions share writes; `None`: there is one.
    pub writes: Option<Writes>,
}

/// How the databases of regions share writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Writes {
    /// Who must have a write.
    pub ack: Acks,
    /// What regions do that do not see most of the others.
    pub stance: Stance,
    /// What becomes of concurrent writes.
    pub merge: Merge,
    /// How wrong clocks are.
    pub clock_skew: SimDuration,
    /// From the end of a partition until regions have exchanged what differs.
    pub exchange: SimDuration,
}

/// What becomes of concurrent writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// The later one stays.
    LastWriterWins,
    /// They add up.
    Counter,
}

/// Who may be served where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residency {
    /// The law that holds in places.
    pub law: Vec<(Region, String)>,
    /// Whether it is obeyed.
    pub enforced: bool,
}

impl Residency {
    /// The law of a place, by number from 1; 0: none.
    #[must_use]
    pub fn law_of(&self, place: &Region) -> u16 {
        let Some((_, law)) = self.law.iter().find(|(named, _)| named == place) else {
            return 0;
        };
        let first = self.law.iter().position(|(_, other)| other == law);
        first.map_or(0, |first| first as u16 + 1)
    }
}

impl Regions {
    /// How many of `count` instances stand in each region: by largest remainder, one at least.
    #[must_use]
    pub fn spread(&self, count: u32) -> Vec<u32> {
        let spare = count.saturating_sub(self.places.len() as u32);
        let exact = |share: f64| share * f64::from(spare);
        let mut counts: Vec<u32> = self
            .places
            .iter()
            .map(|(_, share)| libm::floor(exact(*share)) as u32 + 1)
            .collect();
        let mut order: Vec<usize> = (0..counts.len()).collect();
        let rest = |i: &usize| exact(self.places[*i].1) - libm::floor(exact(self.places[*i].1));
        order.sort_by(|a, b| rest(b).total_cmp(&rest(a)).then(a.cmp(b)));
        let given: u32 = counts.iter().sum();
        for &region in order.iter().take(count.saturating_sub(given) as usize) {
            counts[region] += 1;
        }
        counts
    }

    /// Names of the places, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|(place, _)| place.0.as_str())
    }
}

/// Checks the regions of a design.
pub fn regions(raw: &RawRegions, check: &mut Check<'_>) -> Regions {
    check.sources(AT, &raw.source, &raw.sources);
    let places = shares("design.regions.places", &raw.places, check, known);
    if places.len() > MOST || places.is_empty() {
        let problem = Problem::new(format!("{} regions", places.len()));
        check.problem(
            "design.regions.places",
            problem.allowed(format!("1 to {MOST} regions")),
        );
    }
    Regions {
        route: route(raw.route.as_ref(), &places, check),
        relay: raw.relay.unwrap_or(Switch::On) == Switch::On,
        detect: check.take_or(
            "design.regions.detect",
            &raw.detect,
            SimDuration::from_secs(30),
            |q| duration(q, SimDuration::ZERO, limits::LONG),
        ),
        residency: raw.residency.as_ref().map(|raw| residency(raw, check)),
        writes: raw.writes.as_ref().map(|raw| writes(raw, check)),
        places,
    }
}

fn writes(raw: &RawWrites, check: &mut Check<'_>) -> Writes {
    const WRITES: &str = "design.regions.writes";
    const NONE: SimDuration = SimDuration::ZERO;
    check.sources(WRITES, &raw.source, &raw.sources);
    let time = |q: &_| duration(q, NONE, limits::LONG);
    let ack = match raw.ack.unwrap_or(RawAck::Local) {
        RawAck::Local => Acks::Local,
        RawAck::Quorum => Acks::Quorum,
        RawAck::All => Acks::All,
    };
    let stance = match (raw.stance, ack) {
        (Some(RawStance::Available), _) | (None, Acks::Local) => Stance::Available,
        (Some(RawStance::Consistent) | None, _) => Stance::Consistent,
    };
    if ack != Acks::Local && stance == Stance::Available {
        let problem = Problem::new("a side that waits for others cannot go on without them");
        let help = "choose ack Local, or stance Consistent";
        check.problem(&format!("{WRITES}.stance"), problem.help(help));
    }
    Writes {
        ack,
        stance,
        merge: match raw.merge {
            Some(RawMerge::Counter) => Merge::Counter,
            Some(RawMerge::LastWriterWins) | None => Merge::LastWriterWins,
        },
        clock_skew: check.take_or(&format!("{WRITES}.clock_skew"), &raw.clock_skew, NONE, time),
        exchange: check.take_or(
            &format!("{WRITES}.exchange"),
            &raw.exchange,
            SimDuration::from_secs(1),
            time,
        ),
    }
}

/// What databases in every region do not go together with.
pub fn check_writes(scenario: (&Design, &Design), asking: &Asking, check: &mut Check<'_>) {
    let (written, effective) = scenario;
    let writes = |design: &Design| design.regions.as_ref().and_then(|regions| regions.writes);
    if writes(written).is_none() {
        return;
    }
    let at = "design.regions.writes";
    if written.database.is_none() {
        let problem = Problem::new("there is no database to stand in every region");
        check.problem(at, problem.help("add design.database"));
    }
    let pooled = super::pooler::pooler(effective).is_some();
    let others = [
        ("design.replicas", effective.replicas.is_some()),
        ("design.cache", effective.cache.is_some()),
        ("design.edge", effective.edge.is_some()),
        ("design.database.pooler", pooled),
        ("design.database.callers", asking.is_watched()),
    ];
    for (other, _) in others.iter().filter(|(_, there)| *there) {
        let problem = Problem::new(format!(
            "{other} is not simulated together with a database in every region"
        ));
        check.problem(at, problem.help(format!("leave out {other}, or this")));
    }
}

fn known(name: &str) -> Result<Region, Problem> {
    assets().region(name).map(|_| Region(name.to_owned()))
}

/// The number of a region by its name.
pub fn numbered(
    path: &str,
    name: &str,
    places: &[(Region, f64)],
    check: &mut Check<'_>,
) -> RegionId {
    let found = places.iter().position(|(place, _)| place.0 == name);
    if found.is_none() {
        let names = places.iter().map(|(place, _)| place.0.as_str());
        check.problem(path, Problem::unknown("region of this design", name, names));
    }
    RegionId(found.unwrap_or_default() as u16)
}

fn route(raw: Option<&RawRoute>, places: &[(Region, f64)], check: &mut Check<'_>) -> RoutePolicy {
    const ROUTE: &str = "design.regions.route";
    match raw {
        None | Some(RawRoute::Nearest) => RoutePolicy::Nearest,
        Some(RawRoute::Weighted) => RoutePolicy::Weighted,
        Some(RawRoute::Failover(order)) => {
            if order.is_empty() {
                let problem = Problem::new("nobody is sent anywhere");
                check.problem(ROUTE, problem.allowed("one region at least"));
            }
            let order = order.iter();
            RoutePolicy::Failover(
                order
                    .map(|name| numbered(ROUTE, name, places, check))
                    .collect(),
            )
        }
        Some(RawRoute::SpillOver {
            overprovision,
            panic,
        }) => {
            let standard = SpillPolicy::default();
            let mut percent = |name: &str, raw, default: u32, most: f64| {
                let at = format!("{ROUTE}.{name}");
                let share = check.take_or(&at, raw, f64::from(default) / 100.0, |q| {
                    quantity::factor(q, 0.0, most)
                });
                libm::round(share * 100.0) as u32
            };
            RoutePolicy::SpillOver(SpillPolicy {
                overprovision_percent: percent(
                    "overprovision",
                    overprovision,
                    standard.overprovision_percent,
                    10.0,
                ),
                panic_percent: percent("panic", panic, standard.panic_percent, 1.0),
            })
        }
    }
}

fn residency(raw: &RawResidency, check: &mut Check<'_>) -> Residency {
    const LAW: &str = "design.regions.residency.law";
    check.names(LAW, raw.law.0.iter().map(|(name, _)| name.as_str()));
    let mut law = Vec::new();
    for (name, of) in &raw.law.0 {
        match known(name) {
            Ok(place) => law.push((place, of.clone())),
            Err(problem) => check.problem(&format!("{LAW}.{name}"), problem),
        }
    }
    Residency {
        law,
        enforced: raw.enforce.unwrap_or(Switch::On) == Switch::On,
    }
}

/// What regions need of the other tiers.
pub fn check_regions(design: &Design, pooling: bool, check: &mut Check<'_>) {
    let Some(regions) = &design.regions else {
        return;
    };
    let at = "design.regions.places";
    let many = regions.places.len() as u32;
    if !regions
        .places
        .iter()
        .any(|(place, _)| *place == design.place)
    {
        let problem = Problem::new(format!(
            "the database stands in {} (design.place), which is none of the regions",
            design.place.0
        ));
        check.problem(
            at,
            problem.help("add it to the places, or set design.place to one of them"),
        );
    }
    if pooling && design.routing == routing::RoutingMode::Local && many > 1 {
        let problem = Problem::new(
            "messages do not leave their server with routing Local, so no region hears of another's",
        );
        check.problem(
            at,
            problem.help("add design.channel_owners or design.broker"),
        );
    }
    let tiers = [
        ("connection_servers", Some(design.connection_servers.count)),
        (
            "channel_owners",
            design.channel_owners.as_ref().map(|owners| owners.count),
        ),
        ("broker", design.broker.as_ref().map(|broker| broker.count)),
    ];
    for (tier, count) in tiers {
        if let Some(count) = count.filter(|count| *count < many) {
            let problem = Problem::new(format!("{count} instances do not fill {many} regions"));
            check.problem(
                &format!("design.{tier}.count"),
                problem.allowed(format!("at least {many}, one in each region")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_spread_by_share_and_each_region_has_one() {
        let regions = |shares: &[f64]| Regions {
            places: shares
                .iter()
                .map(|share| (Region("x".to_owned()), *share))
                .collect(),
            route: RoutePolicy::Nearest,
            relay: true,
            detect: SimDuration::ZERO,
            residency: None,
            writes: None,
        };
        assert_eq!(regions(&[0.6, 0.3, 0.1]).spread(10), [5, 3, 2]);
        assert_eq!(regions(&[0.98, 0.01, 0.01]).spread(3), [1, 1, 1]);
        for count in 3..60 {
            let spread = regions(&[0.5, 0.31, 0.19]).spread(count);
            assert_eq!(spread.iter().sum::<u32>(), count);
        }
    }
}
