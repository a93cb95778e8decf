//! Who holds the connections of a database: everybody together, each connection server its own, or a pooler.

pub mod raw;

use crate::time::SimDuration;

use super::asking::Asking;
use super::check::Check;
use super::data::raw::RawDatabase;
use super::design::instances;
use super::error::Problem;
use super::limits;
use super::model::{Design, Machine, Source};
use super::profile::Names;
use super::quantity::{count, duration};

use raw::{RawPoolMode, RawPooler};

const AT: &str = "design.database.pooler";
/// Connections at most.
const CONNECTIONS: u64 = 1_000_000;

/// Who holds the connections of a database, where they are not shared by all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// Connections that each connection server keeps to each database, or to the pooler.
    pub each: Option<u32>,
    /// Connections that a database takes.
    pub limit: Option<u32>,
    /// What holds them for the connection servers.
    pub pooler: Option<Pooler>,
}

/// A connection pooler.
#[derive(Clone, Debug, PartialEq)]
pub struct Pooler {
    /// Instances.
    pub count: u32,
    /// What each runs on, if it is paid for.
    pub machine: Option<Machine>,
    /// Cores of each.
    pub threads: u32,
    /// Whether a client keeps its connection of the database while it is connected.
    pub session: bool,
    /// Client connections of each.
    pub clients: u32,
    /// Connections of each to each database.
    pub pool: u32,
    /// CPU of one question to one database.
    pub cost: SimDuration,
}

/// The pooler of a design.
#[must_use]
pub fn pooler(design: &Design) -> Option<&Pooler> {
    design.database.as_ref()?.held.as_ref()?.pooler.as_ref()
}

/// Checks who holds the connections of the database; `None`: all share one pool.
pub fn held(raw: &RawDatabase, names: &Names<'_>, check: &mut Check<'_>) -> Option<Held> {
    let nouns = ["connections", "connection"];
    let connections = |q: &_| count(q, &nouns, 1, CONNECTIONS);
    let each = raw.per_server.as_ref();
    let limit = raw.max_connections.as_ref();
    let pooler = raw.pooler.as_ref();
    if limit.is_some() && each.is_none() && pooler.is_none() {
        let problem = Problem::new("a limit, but nobody who holds connections of their own");
        let help = "say how many each connection server keeps (design.database.per_server), or add design.database.pooler";
        check.problem("design.database.max_connections", problem.help(help));
    }
    let held = Held {
        each: each.map(|q| check.take("design.database.per_server", connections(q), 1) as u32),
        limit: limit
            .map(|q| check.take("design.database.max_connections", connections(q), 1) as u32),
        pooler: pooler.map(|raw| read(raw, names, check)),
    };
    if held.each.is_none() && held.pooler.as_ref().is_some_and(|pooler| pooler.session) {
        let problem = Problem::new(
            "in this mode every connection of a client takes one, but nobody says how many clients have",
        );
        let help = "add design.database.per_server, or choose mode Transaction";
        check.problem(&format!("{AT}.mode"), problem.help(help));
    }
    (held != Held::default()).then_some(held)
}

fn read(raw: &RawPooler, names: &Names<'_>, check: &mut Check<'_>) -> Pooler {
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let nouns = ["connections", "connection"];
    let machine = raw.machine.as_ref();
    let machine = machine.map(|name| names.machine(name, &at("machine"), check));
    let cores = machine.as_ref().map_or(limits::CORES, |m| m.cores.into());
    let pool = check.take_or(&at("pool"), &raw.pool, 20, |q| {
        count(q, &nouns, 1, CONNECTIONS)
    }) as u32;
    if raw.pool.is_none() {
        let source = "PgBouncer's default_pool_size (planetscale/database-skills)";
        check.source(&at("pool"), &Some(Source::Published(source.to_owned())));
    }
    Pooler {
        count: instances(
            &at("count"),
            &raw.count,
            &["poolers", "pooler", "instances"],
            check,
        ),
        threads: check.take_or(&at("threads"), &raw.threads, 1, |q| {
            count(q, &["threads", "thread"], 1, cores)
        }) as u32,
        machine,
        session: raw.mode.unwrap_or(RawPoolMode::Transaction) == RawPoolMode::Session,
        clients: check.take_or(&at("clients"), &raw.clients, 10_000, |q| {
            count(q, &nouns, 1, CONNECTIONS)
        }) as u32,
        pool,
        cost: check.take_or(&at("cost"), &raw.cost, SimDuration::from_micros(20), |q| {
            duration(q, SimDuration::ZERO, limits::SERVICE)
        }),
    }
}

/// Checks that connections of their own stand with a database whose single steps nobody watches.
pub fn check_alone(design: &Design, asking: &Asking, check: &mut Check<'_>) {
    let database = design.database.as_ref();
    let Some(held) = database.and_then(|database| database.held.as_ref()) else {
        return;
    };
    if asking.is_watched() {
        let (path, what) = match held.pooler {
            Some(_) => (AT, "a pooler is"),
            None => (
                "design.database.per_server",
                "connections of each server are",
            ),
        };
        let problem = Problem::new(format!(
            "{what} not simulated together with retries, hedges or overload"
        ));
        let help = "leave out design.database.callers, design.database.overload and traffic.query.hedge, or this";
        check.problem(path, problem.help(help));
    }
}
