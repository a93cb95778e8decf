//! Objectives: `publish.delivered.p99 < 500 ms`, a path of the report, a comparison and a limit in the path's unit.
//!
//! Latencies are limited by durations and compared in milliseconds, what faults take in seconds, shares of a resource by percentages (or 0..=1), money by
//! USD, and everything else by counts.

use super::error::{Problem, list, shorten};
use super::limits;
use super::model::{Comparison, Design, Tier, Traffic};
use super::pooler::pooler;
use super::quantity;
use super::raw::Quantity;
use crate::time::SimDuration;

/// What a path is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Milliseconds.
    Latency,
    /// 0..=1.
    Share,
    /// Messages, connections, queries.
    Count,
    /// Per second.
    Rate,
    /// Users.
    Users,
    /// US dollars.
    Money,
    /// Seconds.
    Seconds,
}

/// A parsed objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// `publish.delivered.p99`
    pub path: String,
    /// `<`
    pub comparison: Comparison,
    /// In the unit of the report field.
    pub limit: f64,
}

/// Operations that a scenario may have or not.
const OPERATIONS: [&str; 9] = [
    "publish",
    "presence",
    "query",
    "command",
    "fetch_asset",
    "reserve",
    "order",
    "notify",
    "edit",
];
const STATISTICS: [&str; 5] = ["mean", "p50", "p95", "p99", "p999"];
const COUNTS: [&str; 8] = [
    "lost",
    "duplicated",
    "reordered",
    "failed",
    "timed_out",
    "retried",
    "conflicting",
    "rejected",
];
/// Latencies of notifications: of all, and by provider and priority.
const NOTIFIED: [&str; 13] = [
    "delivered",
    "push_high",
    "push_medium",
    "push_low",
    "email_high",
    "email_medium",
    "email_low",
    "sms_high",
    "sms_medium",
    "sms_low",
    "in_app_high",
    "in_app_medium",
    "in_app_low",
];
const PRIORITIES: [&str; 3] = ["high", "medium", "low"];
const CLASS_SHARES: [&str; 2] = ["delivered_ratio", "shed_ratio"];
const RATES: [&str; 3] = ["offered_per_s", "completed_per_s", "deliveries_per_s"];
const COSTS: [&str; 3] = [
    "usd_per_month",
    "usd_per_million_messages",
    "usd_per_user_month",
];
const CONNECTIONS: [&str; 6] = [
    "open",
    "wanted",
    "rejected",
    "reconnects",
    "attempts",
    "resumed",
];
/// What a fault takes, and what is lost in it.
const TIMES: [&str; 3] = [
    "time_to_detect_s",
    "time_to_fail_over_s",
    "time_to_recover_s",
];
const LOSSES: [&str; 5] = [
    "deliveries",
    "failed",
    "timed_out",
    "reconnects",
    "reconnects_usual",
];
/// Counters of tiers that may be asked for.
const COUNTERS: [(Tier, &[&str]); 3] = [
    (
        Tier::CommandSide,
        &["conflicts", "gave_up", "refused", "replay_hash_mismatches"],
    ),
    (Tier::Log, &["lost_acknowledged", "elections"]),
    (Tier::Projections, &["repeated"]),
];
const COMPARISONS: [(&str, Comparison); 5] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// Parses an objective and checks that the report of this traffic, design and faults, by their kinds, will have its path.
pub fn parse(text: &str, of: (&Traffic, &Design, &[&str])) -> Result<Parsed, Problem> {
    parse_by(text, |path| measure(path, of))
}

/// Whether the report of this design has a number at a path; bytes that bring clients up to date are one, though none to pass or fail.
pub fn known(path: &str, of: (&Traffic, &Design, &[&str])) -> Result<(), Problem> {
    if path == "connections.resync_bytes" {
        return Ok(());
    }
    measure(path, of).map(drop)
}

/// Parses an objective that was checked before, of a design that is not at hand; `None` where it is none.
#[must_use]
pub fn stated(text: &str) -> Option<Parsed> {
    parse_by(text, |path| Ok(measure_by_name(path))).ok()
}

impl Parsed {
    /// Whether what meets this meets the other too, which is on the same path.
    #[must_use]
    pub fn implies(&self, other: &Self) -> bool {
        use Comparison::{AtLeast, AtMost, Equal, Greater, Less};
        let (own, asked) = (self.limit, other.limit);
        match (self.comparison, other.comparison) {
            (Less, Less | AtMost) | (AtMost | Equal, AtMost) => own <= asked,
            (AtMost | Equal, Less) => own < asked,
            (Greater, Greater | AtLeast) | (AtLeast | Equal, AtLeast) => own >= asked,
            (AtLeast | Equal, Greater) => own > asked,
            (Equal, Equal) => own == asked,
            // Nothing that is counted is less than nothing.
            (AtMost, Equal) => own == 0.0 && asked == 0.0,
            _ => false,
        }
    }
}

fn parse_by(
    text: &str,
    measure: impl Fn(&str) -> Result<Measure, Problem>,
) -> Result<Parsed, Problem> {
    let found = COMPARISONS
        .iter()
        .filter_map(|c| Some((text.find(c.0)?, c)))
        .min_by_key(|(at, c)| (*at, 2 - c.0.len()));
    let Some((at, (sign, comparison))) = found else {
        return Err(Problem::new(format!("\"{}\" compares nothing", shorten(text)))
            .allowed("PATH then <, <=, >, >= or ==, then a limit, as in \"publish.delivered.p99 < 500 ms\""));
    };
    let path = text[..at].trim();
    let limit = limit(text[at + sign.len()..].trim(), measure(path)?)?;
    Ok(Parsed {
        path: path.to_owned(),
        comparison: *comparison,
        limit,
    })
}

/// What a path measures, by its name alone.
fn measure_by_name(path: &str) -> Measure {
    let steps: Vec<&str> = path.split('.').collect();
    match steps.as_slice() {
        ["breaks_at"] => Measure::Users,
        ["cost", _] => Measure::Money,
        ["faults", _, name] if TIMES.contains(name) => Measure::Seconds,
        ["tiers", _, "utilization", ..]
        | [
            "tiers",
            _,
            "hit_ratio" | "origin_offload" | "cross_shard_ratio",
        ]
        | [_, "stale_ratio"] => Measure::Share,
        ["tiers", _, "append_ms" | "lag_ms", _] | [_, "behind_ms"] => Measure::Latency,
        [_, "delivered" | "complete" | "answered", _] => Measure::Latency,
        [operation, name] if own_shares(operation).contains(name) => Measure::Share,
        [_, _, name] if CLASS_SHARES.contains(name) => Measure::Share,
        [_, _, name] if STATISTICS.contains(name) => Measure::Latency,
        [_, name] if RATES.contains(name) => Measure::Rate,
        ["edit", "transforms_per_s" | "frames_per_s"] => Measure::Rate,
        _ => Measure::Count,
    }
}

fn measure(
    path: &str,
    (traffic, design, faults): (&Traffic, &Design, &[&str]),
) -> Result<Measure, Problem> {
    let steps: Vec<&str> = path.split('.').collect();
    match steps.as_slice() {
        ["breaks_at"] => Ok(Measure::Users),
        ["cost", item] => one_of(path, item, &COSTS, Measure::Money),
        ["connections", item] => one_of(path, item, &CONNECTIONS, Measure::Count),
        ["tiers", rest @ ..] => tier(path, rest, design),
        ["faults", rest @ ..] => fault(path, rest, faults),
        [operation, rest @ ..] => {
            let operations = operations(traffic);
            if !operations.contains(operation) {
                let mut known = operations;
                known.extend(["tiers", "connections", "faults", "cost", "breaks_at"]);
                let problem =
                    Problem::unknown("part of the report", operation, known.iter().copied());
                let unused = OPERATIONS.contains(operation);
                return Err(if unused {
                    problem.help(format!("the scenario has no traffic.{}", field(operation)))
                } else {
                    problem
                });
            }
            operation_path(path, operation, rest)
        }
        [] => Err(Problem::new("a path is missing")),
    }
}

/// The field of the traffic that says how often an operation happens.
fn field(operation: &str) -> &str {
    if operation == "fetch_asset" {
        "asset"
    } else {
        operation
    }
}

fn operations(traffic: &Traffic) -> Vec<&'static str> {
    let mut names = vec!["connect"];
    names.extend(traffic.publish.as_ref().map(|_| "publish"));
    names.extend(traffic.presence.as_ref().map(|_| "presence"));
    names.extend(traffic.query.as_ref().map(|_| "query"));
    names.extend(traffic.command.as_ref().map(|_| "command"));
    names.extend(traffic.asset.as_ref().map(|_| "fetch_asset"));
    names.extend(traffic.reserve.as_ref().map(|_| "reserve"));
    names.extend(traffic.order.as_ref().map(|_| "order"));
    names.extend(traffic.notify.as_ref().map(|_| "notify"));
    names.extend(traffic.edit.as_ref().map(|_| "edit"));
    names
}

fn operation_path(path: &str, operation: &str, rest: &[&str]) -> Result<Measure, Problem> {
    let kinds: &[&str] = match operation {
        "publish" | "presence" | "edit" => &["delivered", "complete"],
        "reserve" => &["answered", "stockout_visible"],
        "order" => &["answered", "market_data"],
        "notify" => &NOTIFIED,
        _ => &["answered"],
    };
    match rest {
        [kind, statistic] if kinds.contains(kind) => {
            one_of(path, statistic, &STATISTICS, Measure::Latency)
        }
        ["behind_ms"] if operation == "query" => Ok(Measure::Latency),
        ["stale_ratio"] => Ok(Measure::Share),
        [name] if own_shares(operation).contains(name) => Ok(Measure::Share),
        [name] if own_counts(operation).contains(name) => Ok(Measure::Count),
        [class, name] if operation == "notify" && PRIORITIES.contains(class) => {
            one_of(path, name, &CLASS_SHARES, Measure::Share)
        }
        [name] if RATES.contains(name) => Ok(Measure::Rate),
        [name] if COUNTS.contains(name) => Ok(Measure::Count),
        ["conflicting" | "diverged" | "lost_updates"] if operation == "command" => {
            Ok(Measure::Count)
        }
        ["transforms_per_s" | "frames_per_s"] if operation == "edit" => Ok(Measure::Rate),
        _ => {
            let mut known: Vec<&str> = kinds.to_vec();
            known.extend(COUNTS);
            known.extend(RATES);
            known.push("stale_ratio");
            known.extend(own_shares(operation));
            known.extend(own_counts(operation));
            let name = rest.first().copied().unwrap_or("");
            if kinds.contains(&name) {
                return Err(
                    no_path(path).allowed(format!("{operation}.{name}.{}", STATISTICS.join(" | ")))
                );
            }
            let mut problem =
                no_path(path).allowed(format!("{operation}. and one of {}", list(&known)));
            if let Some(near) = super::error::nearest(name, known.iter().copied()) {
                problem = problem.help(format!("did you mean \"{operation}.{near}\"?"));
            }
            Err(problem)
        }
    }
}

/// Shares of what only this operation has.
fn own_shares(operation: &str) -> &'static [&'static str] {
    match operation {
        "reserve" => &["conversion"],
        "order" => &["deadline_miss_ratio"],
        _ => &[],
    }
}

/// Counts of what only this operation has.
fn own_counts(operation: &str) -> &'static [&'static str] {
    match operation {
        "reserve" => &["rejected", "oversold", "partially_committed"],
        "order" => &["rejected", "sequence_gaps"],
        "notify" => &["withheld", "sent_to_switched_off"],
        "edit" => &["conflicting", "diverged", "lost_edits"],
        _ => &[],
    }
}

fn tier(path: &str, rest: &[&str], design: &Design) -> Result<Measure, Problem> {
    let names: Vec<&str> = tiers(design).iter().map(|tier| tier.name()).collect();
    let Some(name) = rest.first() else {
        return Err(no_path(path).allowed(format!("tiers. and one of {}", list(&names))));
    };
    let Some(tier) = tiers(design).into_iter().find(|tier| tier.name() == *name) else {
        return Err(Problem::unknown("tier of this design", name, names));
    };
    match &rest[1..] {
        ["utilization", resource, which] => {
            let known = resources(tier, design);
            if !known.contains(resource) {
                let kind = format!("resource of {}", tier.name());
                return Err(Problem::unknown(&kind, resource, known.iter().copied()));
            }
            one_of(path, which, &["hottest", "mean"], Measure::Share)
        }
        ["queue", which] => one_of(path, which, &["mean", "max"], Measure::Count),
        ["dropped"] => Ok(Measure::Count),
        ["hit_ratio"] if matches!(tier, Tier::Cache | Tier::Edge) => Ok(Measure::Share),
        ["cross_shard_ratio"] if tier == Tier::Database => Ok(Measure::Share),
        ["writes_lost"] if tier == Tier::Database => Ok(Measure::Count),
        ["hot_shard_ratio"] if tier == Tier::Database => Ok(Measure::Count),
        ["origin_offload"] if tier == Tier::Edge => Ok(Measure::Share),
        ["append_ms", statistic] if tier == Tier::Log => {
            one_of(path, statistic, &STATISTICS, Measure::Latency)
        }
        ["lag_ms", which] if tier == Tier::Projections => {
            one_of(path, which, &["mean", "max"], Measure::Latency)
        }
        ["counters", name]
            if COUNTERS
                .iter()
                .any(|own| own.0 == tier && own.1.contains(name)) =>
        {
            Ok(Measure::Count)
        }
        _ => Err(no_path(path).allowed(format!(
            "tiers.{name}. and utilization.RESOURCE.hottest, queue.max or dropped"
        ))),
    }
}

/// What a fault takes or loses: `faults.0.time_to_recover_s`, or `faults.Kill.lost.deliveries`, of the only one of its kind.
fn fault(path: &str, rest: &[&str], faults: &[&str]) -> Result<Measure, Problem> {
    let Some(which) = rest.first() else {
        return Err(no_path(path).allowed("faults. and the number of a fault, from 0, or its kind"));
    };
    let number = which.parse::<usize>().ok();
    let alike = faults.iter().filter(|kind| *kind == which).count();
    if number.is_none_or(|number| number >= faults.len()) && alike == 0 {
        let problem = Problem::new(format!("the scenario has no fault \"{}\"", shorten(which)));
        return Err(match faults.len() {
            0 => problem.help("add one to faults"),
            many => problem.allowed(format!("0 to {}, or {}", many - 1, list(faults))),
        });
    }
    if number.is_none() && alike > 1 {
        let problem = Problem::new(format!("{alike} faults are a {which}"));
        return Err(problem.allowed("the number of one of them, from 0"));
    }
    match &rest[1..] {
        [name] if TIMES.contains(name) => Ok(Measure::Seconds),
        ["lost", name] => one_of(path, name, &LOSSES, Measure::Count),
        ["detected_s" | "failover_s" | "recovered_s"] => {
            let problem = no_path(path).allowed(list(&TIMES));
            Err(problem.help("that is a time of day of the run; ask for how long it takes"))
        }
        [name] => one_of(path, name, &TIMES, Measure::Seconds),
        _ => Err(no_path(path).allowed(format!(
            "{}, or lost. and one of {}",
            list(&TIMES),
            list(&LOSSES)
        ))),
    }
}

/// The tiers a design has.
#[must_use]
pub fn tiers(design: &Design) -> Vec<Tier> {
    let has = |tier: &Tier| match tier {
        Tier::LoadBalancer | Tier::ConnectionServers => true,
        Tier::ChannelOwners => design.channel_owners.is_some(),
        Tier::Broker => design.broker.is_some(),
        Tier::Cache => design.cache.is_some(),
        Tier::Pooler => pooler(design).is_some(),
        Tier::Database => design.database.is_some(),
        Tier::Replicas => design.replicas.is_some(),
        Tier::Edge => design.edge.is_some(),
        Tier::Origin => design.origin.is_some(),
        Tier::Documents => design.documents.is_some(),
        Tier::CommandSide | Tier::Log => design.sourcing.is_some(),
        Tier::Projections => {
            let own = design.sourcing.as_ref();
            own.is_some_and(|own| !own.projections.is_empty())
        }
        Tier::Stock => design.stock.is_some(),
        Tier::MatchingEngine => design.matching.is_some(),
        Tier::Notifications => design.notifications.is_some(),
        Tier::Providers => !design.providers.is_empty(),
    };
    Tier::ALL.into_iter().filter(has).collect()
}

/// What the report says of a tier; `connections` of a server only where a limit is configured.
fn resources(tier: Tier, design: &Design) -> Vec<&'static str> {
    match tier {
        Tier::LoadBalancer => vec!["connections", "accept"],
        Tier::ConnectionServers => {
            let mut names = vec!["cpu", "memory", "descriptors", "bandwidth"];
            names.extend(
                design
                    .connection_servers
                    .max_connections
                    .map(|_| "connections"),
            );
            names
        }
        Tier::ChannelOwners
        | Tier::Broker
        | Tier::Cache
        | Tier::Documents
        | Tier::CommandSide
        | Tier::Log
        | Tier::Projections => vec!["cpu"],
        Tier::Pooler => vec!["cpu", "clients"],
        Tier::Database | Tier::Replicas => vec!["pool"],
        Tier::Edge | Tier::Origin => vec!["cpu", "bandwidth"],
        Tier::Stock | Tier::Notifications => vec!["cpu"],
        Tier::MatchingEngine => {
            let told = design
                .matching
                .as_ref()
                .and_then(|own| own.market_data.as_ref());
            let mut names = vec!["cpu"];
            names.extend(told.map(|_| "publisher"));
            names.extend(told.map(|_| "bandwidth"));
            names
        }
        Tier::Providers => vec!["rate"],
    }
}

fn one_of(path: &str, name: &str, known: &[&str], measure: Measure) -> Result<Measure, Problem> {
    if known.contains(&name) {
        return Ok(measure);
    }
    let mut problem = no_path(path).allowed(list(known));
    if let Some(near) = super::error::nearest(name, known.iter().copied()) {
        let stem = path.rsplit_once('.').map_or("", |(stem, _)| stem);
        problem = problem.help(format!("did you mean \"{stem}.{near}\"?"));
    }
    Err(problem)
}

fn no_path(path: &str) -> Problem {
    Problem::new(format!("the report has no \"{}\"", shorten(path)))
}

fn limit(text: &str, measure: Measure) -> Result<f64, Problem> {
    let quantity = Quantity::Text(text.to_owned());
    match measure {
        Measure::Latency => quantity::duration(&quantity, SimDuration::ZERO, limits::LONG)
            .map(|limit| limit.as_nanos() as f64 / 1e6),
        Measure::Seconds => quantity::duration(&quantity, SimDuration::ZERO, limits::LONG)
            .map(SimDuration::as_secs_f64),
        Measure::Share => quantity::share(&quantity),
        Measure::Users => quantity::number(&quantity, &["users", "user"], 0.0, 1e12),
        Measure::Count => quantity::number(
            &quantity,
            &["messages", "connections", "deliveries", "queries"],
            0.0,
            1e18,
        ),
        Measure::Rate => quantity::number(&quantity, &["/s"], 0.0, 1e12),
        Measure::Money => {
            let bare = text.strip_prefix('$').unwrap_or(text);
            quantity::number(&Quantity::Text(bare.to_owned()), &["USD"], 0.0, 1e12)
        }
    }
}
