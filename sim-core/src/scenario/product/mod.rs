//! Product profiles: what named brokers, caches and databases cost per operation.
//!
//! `profile: "redis-7"` in `design.broker`, `design.cache` or `design.database` fills in what the scenario itself leaves out; a
//! number that stands in the scenario wins, and what no profile gives has the tier's default. The scenario's own profiles
//! (`broker_profiles`, `cache_profiles`, `database_profiles`) come before those of `assets/profiles/`. Each number that a profile
//! gives is noted with the profile's source.
//!
//! Connection servers have profiles of their own form ([`super::profile`]), which are complete.

pub mod raw;

use super::assets::assets;
use super::check::Check;
use super::data::raw::{RawCache, RawDatabase};
use super::design::distribution;
use super::error::{Problem, shorten};
use super::limits;
use super::model::{Machine, Source};
use super::quantity::{count, duration};
use super::raw::{Ordered, Quantity, RawBroker, RawDistribution, RawScenario, Sources};
use crate::time::SimDuration;

use raw::{RawBrokerProfile, RawCacheProfile, RawDatabaseProfile};

const NONE: SimDuration = SimDuration::ZERO;

/// The profiles that a scenario may name.
pub struct Products<'a> {
    brokers: Library<'a, RawBrokerProfile>,
    caches: Library<'a, RawCacheProfile>,
    databases: Library<'a, RawDatabaseProfile>,
    /// Whether the scenario's own are free of errors; what is wrong with them is said once.
    sound: bool,
}

impl<'a> Products<'a> {
    /// Checks the profiles that a scenario brings.
    pub fn new(raw: &'a RawScenario, check: &mut Check<'_>) -> Self {
        let errors = check.errors.len();
        let mut products = Self {
            sound: true,
            brokers: Library {
                own: entries(raw.broker_profiles.as_ref()),
                shipped: assets().brokers(),
            },
            caches: Library {
                own: entries(raw.cache_profiles.as_ref()),
                shipped: assets().caches(),
            },
            databases: Library {
                own: entries(raw.database_profiles.as_ref()),
                shipped: assets().databases(),
            },
        };
        products.brokers.check_own(check);
        products.caches.check_own(check);
        products.databases.check_own(check);
        products.sound = check.errors.len() == errors;
        products
    }

    /// The broker with what its profile gives.
    pub fn broker(&self, raw: &RawBroker, check: &mut Check<'_>) -> RawBroker {
        let mut raw = raw.clone();
        let Some(name) = raw.profile.clone().filter(|_| self.sound) else {
            return raw;
        };
        let mut fill = self.brokers.filling(&name, "design.broker", check);
        fill.quantity("threads", &mut raw.threads, |p| &p.threads);
        fill.quantity("publish", &mut raw.publish, |p| &p.publish);
        fill.quantity("copy", &mut raw.copy, |p| &p.copy);
        fill.times("linger", &mut raw.linger, |p| &p.linger);
        raw
    }

    /// The cache with what its profile gives.
    pub fn cache(&self, raw: &RawCache, check: &mut Check<'_>) -> RawCache {
        let mut raw = raw.clone();
        let Some(name) = raw.profile.clone().filter(|_| self.sound) else {
            return raw;
        };
        let mut fill = self.caches.filling(&name, "design.cache", check);
        fill.quantity("threads", &mut raw.threads, |p| &p.threads);
        fill.quantity("lookup", &mut raw.lookup, |p| &p.lookup);
        raw
    }

    /// The database with what its profile gives.
    pub fn database(&self, raw: &RawDatabase, check: &mut Check<'_>) -> RawDatabase {
        let mut raw = raw.clone();
        let Some(name) = raw.profile.clone().filter(|_| self.sound) else {
            return raw;
        };
        let mut fill = self.databases.filling(&name, "design.database", check);
        fill.quantity("pool", &mut raw.pool, |p| &p.pool);
        fill.times("query", &mut raw.query, |p| &p.query);
        fill.times("write", &mut raw.write, |p| &p.write);
        raw
    }
}

/// The machine as software uses it that runs on so many threads: the rest of its cores are paid for and idle.
pub fn used(
    machine: Machine,
    threads: Option<&Quantity>,
    path: &str,
    check: &mut Check<'_>,
) -> Machine {
    let Some(raw) = threads else {
        return machine;
    };
    let threads = check.take(&format!("{path}.threads"), threads_of(raw), machine.cores);
    Machine {
        cores: machine.cores.min(threads),
        ..machine
    }
}

fn threads_of(raw: &Quantity) -> Result<u32, Problem> {
    count(raw, &["threads", "thread"], 1, limits::CORES).map(|threads| threads as u32)
}

fn entries<P>(raw: Option<&Ordered<P>>) -> &[(String, P)] {
    raw.map_or(&[], |Ordered(entries)| entries)
}

/// What all profiles have.
trait Profile: 'static {
    /// What errors call it.
    const KIND: &'static str;
    /// The scenario's section of them.
    const SECTION: &'static str;

    fn like(&self) -> Option<&String>;
    fn sources(&self) -> (&Option<Source>, &Sources);
    /// Checks the numbers that stand in the profile at `at`.
    fn check(&self, at: &str, check: &mut Check<'_>);

    fn source_of(&self, field: &str) -> Option<Source> {
        let (all, single) = self.sources();
        let Some(Ordered(entries)) = single else {
            return all.clone();
        };
        let found = entries.iter().find(|(name, _)| name == field);
        found.map(|(_, source)| source.clone()).or(all.clone())
    }
}

/// The profiles of one kind.
struct Library<'a, P: 'static> {
    own: &'a [(String, P)],
    shipped: &'static [(String, P)],
}

impl<P: Profile> Library<'_, P> {
    fn check_own(&self, check: &mut Check<'_>) {
        check.names(P::SECTION, self.own.iter().map(|(name, _)| name.as_str()));
        for (name, profile) in self.own {
            let at = format!("{}.{name}", P::SECTION);
            let (all, single) = profile.sources();
            check.sources(&at, all, single);
            profile.check(&at, check);
            self.chain(name, &at, check);
        }
    }

    fn find(&self, name: &str) -> Option<&P> {
        let named = |entries: &'_ [(String, P)]| entries.iter().position(|(own, _)| own == name);
        named(self.own)
            .map(|at| &self.own[at].1)
            .or_else(|| named(self.shipped).map(|at| &self.shipped[at].1))
    }

    /// The profile and those it is like, nearest first; notes unknown names and circles.
    fn chain(&self, name: &str, path: &str, check: &mut Check<'_>) -> Vec<&P> {
        const LONGEST: usize = 8;
        let mut chain = Vec::new();
        let (mut name, mut at) = (name.to_owned(), path.to_owned());
        while let Some(profile) = self.find(&name) {
            chain.push(profile);
            let Some(like) = profile.like() else {
                return chain;
            };
            if chain.len() == LONGEST {
                let problem = format!("\"{}\" is like itself, in a circle", shorten(&name));
                check.problem(&at, Problem::new(problem));
                return Vec::new();
            }
            at = format!("{}.{name}.like", P::SECTION);
            name = like.clone();
        }
        let known = self.own.iter().chain(self.shipped);
        let known = known.map(|(name, _)| name.as_str());
        check.problem(&at, Problem::unknown(P::KIND, &name, known));
        Vec::new()
    }

    fn filling<'f, 'c>(
        &'f self,
        name: &str,
        tier: &'static str,
        check: &'f mut Check<'c>,
    ) -> Filling<'f, 'c, P> {
        let chain = self.chain(name, &format!("{tier}.profile"), check);
        Filling { chain, tier, check }
    }
}

/// Fills in what a tier leaves out: the nearest profile in the chain that has a field gives it.
struct Filling<'f, 'c, P> {
    chain: Vec<&'f P>,
    tier: &'static str,
    check: &'f mut Check<'c>,
}

impl<P: Profile> Filling<'_, '_, P> {
    fn quantity(
        &mut self,
        field: &str,
        target: &mut Option<Quantity>,
        get: impl Fn(&P) -> &Option<Quantity>,
    ) {
        self.fill(field, target, get, plain);
    }

    fn times(
        &mut self,
        field: &str,
        target: &mut Option<RawDistribution>,
        get: impl Fn(&P) -> &Option<RawDistribution>,
    ) {
        self.fill(field, target, get, in_words);
    }

    fn fill<T: Clone>(
        &mut self,
        field: &str,
        target: &mut Option<T>,
        get: impl Fn(&P) -> &Option<T>,
        shown: impl Fn(&T) -> String,
    ) {
        if target.is_some() {
            return;
        }
        let found = self.chain.iter().find_map(|profile| {
            let value = get(profile).as_ref()?;
            Some((value.clone(), profile.source_of(field)))
        });
        if let Some((value, source)) = found {
            let path = format!("{}.{field}", self.tier);
            self.check.source(&path, &source);
            self.check.unwritten.insert(path, shown(&value));
            *target = Some(value);
        }
    }
}

fn plain(quantity: &Quantity) -> String {
    match quantity {
        Quantity::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

fn in_words(raw: &RawDistribution) -> String {
    match raw {
        RawDistribution::Constant(q) => plain(q),
        RawDistribution::Exponential { mean, .. } => format!("Exponential(mean: {})", plain(mean)),
        RawDistribution::Uniform { min, max, .. } => {
            format!("Uniform(min: {}, max: {})", plain(min), plain(max))
        }
        RawDistribution::LogNormal { median, p99, .. } => {
            format!("LogNormal(median: {}, p99: {})", plain(median), plain(p99))
        }
        RawDistribution::Percentiles { p50, p95, p99, .. } => format!(
            "Percentiles(p50: {}, p95: {}, p99: {})",
            plain(p50),
            plain(p95),
            plain(p99)
        ),
    }
}

fn check_threads(raw: Option<&Quantity>, at: &str, check: &mut Check<'_>) {
    if let Some(raw) = raw {
        check.take(&format!("{at}.threads"), threads_of(raw), 1);
    }
}

fn check_service(field: &str, raw: Option<&Quantity>, at: &str, check: &mut Check<'_>) {
    if let Some(raw) = raw {
        let time = duration(raw, NONE, limits::SERVICE);
        check.take(&format!("{at}.{field}"), time, NONE);
    }
}

fn check_times(field: &str, raw: Option<&RawDistribution>, at: &str, check: &mut Check<'_>) {
    if let Some(raw) = raw {
        distribution(raw, &format!("{at}.{field}"), NONE, limits::LONG, check);
    }
}

impl Profile for RawBrokerProfile {
    const KIND: &'static str = "broker profile";
    const SECTION: &'static str = "broker_profiles";

    fn like(&self) -> Option<&String> {
        self.like.as_ref()
    }

    fn sources(&self) -> (&Option<Source>, &Sources) {
        (&self.source, &self.sources)
    }

    fn check(&self, at: &str, check: &mut Check<'_>) {
        check_threads(self.threads.as_ref(), at, check);
        check_service("publish", self.publish.as_ref(), at, check);
        check_service("copy", self.copy.as_ref(), at, check);
        check_times("linger", self.linger.as_ref(), at, check);
    }
}

impl Profile for RawCacheProfile {
    const KIND: &'static str = "cache profile";
    const SECTION: &'static str = "cache_profiles";

    fn like(&self) -> Option<&String> {
        self.like.as_ref()
    }

    fn sources(&self) -> (&Option<Source>, &Sources) {
        (&self.source, &self.sources)
    }

    fn check(&self, at: &str, check: &mut Check<'_>) {
        check_threads(self.threads.as_ref(), at, check);
        check_service("lookup", self.lookup.as_ref(), at, check);
    }
}

impl Profile for RawDatabaseProfile {
    const KIND: &'static str = "database profile";
    const SECTION: &'static str = "database_profiles";

    fn like(&self) -> Option<&String> {
        self.like.as_ref()
    }

    fn sources(&self) -> (&Option<Source>, &Sources) {
        (&self.source, &self.sources)
    }

    fn check(&self, at: &str, check: &mut Check<'_>) {
        if let Some(pool) = &self.pool {
            let pool = count(pool, &["connections"], 1, 1_000_000);
            check.take(&format!("{at}.pool"), pool, 1);
        }
        check_times("query", self.query.as_ref(), at, check);
        check_times("write", self.write.as_ref(), at, check);
    }
}
