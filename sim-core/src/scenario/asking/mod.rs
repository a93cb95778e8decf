//! How the database is asked under stress: retries and their brakes, overload, hedges, and what makes leaves slow.
//!
//! It stands apart from the design so that a scenario that says nothing of it is the same as before, to its hash.

pub mod raw;

use routing::overload::OverloadPolicy;
use routing::retry::BreakerOptions;
use routing::retry::throttle::TWO_MINUTES_NS;
use routing::session::{Backoff, ReconnectPolicy};

use crate::quantile::Distribution;
use crate::time::SimDuration;

use super::check::Check;
use super::design::distribution;
use super::error::Problem;
use super::limits;
use super::quantity::{count, duration, factor, number, share};
use super::raw::{Quantity, RawScenario, Switch};

use raw::{
    RawBackoff, RawBreaker, RawBudget, RawCallers, RawHedge, RawHedgeTo, RawOutliers, RawOverload,
    RawSlowShards, RawThrottle,
};

/// How the database is asked, beyond one attempt that waits for its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asking {
    /// What a connection server does about slow answers and errors.
    pub callers: Option<Callers>,
    /// What a shard does with more than it can serve.
    pub overload: OverloadPolicy,
    /// The second copy of a query.
    pub hedge: Option<Hedge>,
    /// Share of the shards that a scattered query waits for; `None`: all.
    pub needed: Option<f64>,
    /// Time that every shard takes longer for one scattered query, the same at each.
    pub common: Option<Distribution>,
    /// Share of queries and commands that take another time, and that time.
    pub outliers: Option<(f64, SimDuration)>,
    /// Shards that are always slower.
    pub slow_shards: Option<SlowShards>,
}

/// What a connection server does about slow answers and errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Callers {
    /// How long it waits for one attempt.
    pub timeout: Option<SimDuration>,
    /// Attempts at most.
    pub attempts: u32,
    /// The wait before a retry.
    pub backoff: ReconnectPolicy,
    /// Retries in percent of the questions, and at once.
    pub budget: Option<(u32, u32)>,
    /// When it stops asking a shard.
    pub breaker: Option<BreakerOptions>,
    /// K in percent, and the window.
    pub throttle: Option<(u32, SimDuration)>,
}

/// The second copy of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// When it is sent.
    pub after: SimDuration,
    /// Where to.
    pub to: HedgeTo,
    /// The copy that is served first takes the other one out of its queue.
    pub tied: bool,
}

/// Where the second copy of a query goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HedgeTo {
    /// To the same shard.
    Same,
    /// To the shard after it.
    NextShard,
}

/// Shards that are always slower.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowShards {
    /// How many, 0..=1 of all.
    pub share: f64,
    /// How many times as long they take.
    pub factor: f64,
}

impl Asking {
    /// Whether questions can be abandoned, asked again, refused or dropped: then every step of one is an event.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.callers.is_some() || self.hedge.is_some() || self.overload != OverloadPolicy::default()
    }
}

/// Checks how the database is asked.
pub fn asking(raw: &RawScenario, check: &mut Check<'_>) -> Asking {
    let database = raw.design.database.as_ref();
    let query = raw.traffic.query.as_ref();
    let asking = Asking {
        callers: database
            .and_then(|database| database.callers.as_ref())
            .map(|raw| callers(raw, check)),
        overload: database
            .and_then(|database| database.overload.as_ref())
            .map(|raw| overload(raw, check))
            .unwrap_or_default(),
        hedge: query
            .and_then(|query| query.hedge.as_ref())
            .map(|raw| hedge(raw, check)),
        needed: query
            .and_then(|query| query.needed.as_ref())
            .map(|q| check.take("traffic.query.needed", needed(q), 1.0)),
        common: query
            .and_then(|query| query.common.as_ref())
            .map(|raw| distribution(raw, COMMON, SimDuration::ZERO, limits::LONG, check)),
        outliers: database
            .and_then(|database| database.outliers.as_ref())
            .map(|raw| outliers(raw, check)),
        slow_shards: raw
            .design
            .shards
            .as_ref()
            .and_then(|shards| shards.slow.as_ref())
            .map(|raw| slow_shards(raw, check)),
    };
    let timeout = asking.callers.as_ref().and_then(|callers| callers.timeout);
    if asking.overload.drop_dead_work && timeout.is_none() {
        let problem = Problem::new("no work is ever dead: callers wait for ever");
        let help = "add design.database.callers.timeout";
        check.problem(
            "design.database.overload.drop_dead_work",
            problem.help(help),
        );
    }
    asking
}

const COMMON: &str = "traffic.query.common";

fn needed(q: &Quantity) -> Result<f64, Problem> {
    match share(q)? {
        none if none <= 0.0 => {
            Err(Problem::new("a query that waits for nobody").allowed("above 0 %, up to 100 %"))
        }
        some => Ok(some),
    }
}

fn callers(raw: &RawCallers, check: &mut Check<'_>) -> Callers {
    const AT: &str = "design.database.callers";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let wait = |q: &Quantity| duration(q, limits::SHORT, limits::LONG);
    Callers {
        timeout: raw
            .timeout
            .as_ref()
            .map(|q| check.take(&at("timeout"), wait(q), SimDuration::ZERO)),
        attempts: check.take_or(&at("attempts"), &raw.attempts, 1, |q| {
            count(q, &["attempts", "attempt"], 1, limits::ATTEMPTS)
        }) as u32,
        backoff: backoff(raw.backoff.as_ref(), &at("backoff"), check),
        budget: raw
            .budget
            .as_ref()
            .map(|raw| budget(raw, &at("budget"), check)),
        breaker: raw
            .breaker
            .as_ref()
            .map(|raw| breaker(raw, &at("breaker"), check)),
        throttle: raw
            .throttle
            .as_ref()
            .map(|raw| throttle(raw, &at("throttle"), check)),
    }
}

fn backoff(raw: Option<&RawBackoff>, path: &str, check: &mut Check<'_>) -> ReconnectPolicy {
    let (backoff, base, cap) = match raw {
        None | Some(RawBackoff::Immediate) => return ReconnectPolicy::new(Backoff::Fixed, 0, 0),
        Some(RawBackoff::Fixed { delay }) => (Backoff::Fixed, ("delay", delay), ("delay", delay)),
        Some(RawBackoff::Exponential { base, cap }) => {
            (Backoff::Exponential, ("base", base), ("cap", cap))
        }
        Some(RawBackoff::EqualJitter { base, cap }) => {
            (Backoff::EqualJitter, ("base", base), ("cap", cap))
        }
        Some(RawBackoff::FullJitter { base, cap }) => {
            (Backoff::FullJitter, ("base", base), ("cap", cap))
        }
        Some(RawBackoff::DecorrelatedJitter { base, cap }) => {
            (Backoff::DecorrelatedJitter, ("base", base), ("cap", cap))
        }
    };
    let mut wait = |(name, q): (&str, &Quantity), low| {
        let read = duration(q, low, limits::LONG);
        check.take(&format!("{path}.{name}"), read, low)
    };
    let base = wait(base, limits::SHORT);
    let cap = wait(cap, base);
    ReconnectPolicy::new(backoff, base.as_nanos(), cap.as_nanos())
}

fn budget(raw: &RawBudget, path: &str, check: &mut Check<'_>) -> (u32, u32) {
    let at = |name: &str| format!("{path}.{name}");
    let burst = check.take_or(&at("burst"), &raw.burst, 100, |q| {
        count(q, &["retries"], 0, limits::COUNT)
    });
    let share = check.take(&at("share"), percent(&raw.share), 0);
    (share, burst as u32)
}

/// A share in whole percent, as `routing` counts.
fn percent(q: &Quantity) -> Result<u32, Problem> {
    let percent = share(q)? * 100.0;
    let whole = libm::round(percent);
    if (percent - whole).abs() > 1e-6 {
        return Err(Problem::new(format!("{q} is no whole percent")).allowed("1 %, 2 %, 3 %, …"));
    }
    Ok(whole as u32)
}

fn breaker(raw: &RawBreaker, path: &str, check: &mut Check<'_>) -> BreakerOptions {
    let usual = BreakerOptions::default();
    let at = |name: &str| format!("{path}.{name}");
    let wait = |q: &Quantity| duration(q, limits::SHORT, limits::LONG);
    let calls = |q: &Quantity| count(q, &["calls", "probes"], 1, limits::COUNT);
    let ns = SimDuration::from_nanos;
    BreakerOptions {
        window_ns: check
            .take_or(&at("window"), &raw.window, ns(usual.window_ns), wait)
            .as_nanos(),
        least_calls: check.take_or(&at("calls"), &raw.calls, usual.least_calls.into(), calls)
            as u32,
        failure_percent: check.take_or(
            &at("failures"),
            &raw.failures,
            usual.failure_percent,
            percent,
        ),
        open_ns: check
            .take_or(&at("open"), &raw.open, ns(usual.open_ns), wait)
            .as_nanos(),
        probes: check.take_or(&at("probes"), &raw.probes, usual.probes.into(), calls) as u32,
    }
}

fn throttle(raw: &RawThrottle, path: &str, check: &mut Check<'_>) -> (u32, SimDuration) {
    let at = |name: &str| format!("{path}.{name}");
    let k = check.take_or(&at("k"), &raw.k, 2.0, |q| number(q, &[], 1.0, 100.0));
    let window = SimDuration::from_nanos(TWO_MINUTES_NS);
    let window = check.take_or(&at("window"), &raw.window, window, |q| {
        duration(q, limits::SHORT, limits::LONG)
    });
    (libm::round(k * 100.0) as u32, window)
}

fn overload(raw: &RawOverload, check: &mut Check<'_>) -> OverloadPolicy {
    const AT: &str = "design.database.overload";
    check.sources(AT, &raw.source, &raw.sources);
    OverloadPolicy {
        max_queue: raw.max_queue.as_ref().map(|q| {
            let most = count(q, &["queries"], 0, limits::COUNT);
            check.take(&format!("{AT}.max_queue"), most, 0) as u32
        }),
        drop_dead_work: raw.drop_dead_work == Some(Switch::On),
    }
}

fn hedge(raw: &RawHedge, check: &mut Check<'_>) -> Hedge {
    const AT: &str = "traffic.query.hedge";
    let after = duration(&raw.after, SimDuration::ZERO, limits::LONG);
    Hedge {
        after: check.take(&format!("{AT}.after"), after, SimDuration::ZERO),
        to: match raw.to {
            None | Some(RawHedgeTo::Same) => HedgeTo::Same,
            Some(RawHedgeTo::NextShard) => HedgeTo::NextShard,
        },
        tied: raw.tied == Some(Switch::On),
    }
}

fn outliers(raw: &RawOutliers, check: &mut Check<'_>) -> (f64, SimDuration) {
    const AT: &str = "design.database.outliers";
    let shortest = SimDuration::from_nanos(1);
    let takes = duration(&raw.takes, shortest, limits::LONG);
    (
        check.take(&format!("{AT}.share"), share(&raw.share), 0.0),
        check.take(&format!("{AT}.takes"), takes, shortest),
    )
}

fn slow_shards(raw: &RawSlowShards, check: &mut Check<'_>) -> SlowShards {
    const AT: &str = "design.shards.slow";
    SlowShards {
        share: check.take(&format!("{AT}.share"), share(&raw.share), 0.0),
        factor: check.take(
            &format!("{AT}.factor"),
            factor(&raw.factor, 1.0, limits::SLOW_DOWN),
            1.0,
        ),
    }
}
