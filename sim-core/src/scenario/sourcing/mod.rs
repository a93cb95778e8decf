//! Event log, command side and projections of a design: pattern 2.

pub mod raw;

use routing::log::Acks;

use crate::quantile::Distribution;
use crate::time::SimDuration;

use super::check::Check;
use super::design::{distribution, instances};
use super::error::Problem;
use super::limits;
use super::model::{Design, Machine, Patterns, Traffic};
use super::profile::Names;
use super::quantity::{self, count, duration, size};
use super::raw::{Quantity, RawDesign, RawDistribution};

use raw::{
    RawAcks, RawCommandSide, RawConsistency, RawCoupling, RawFrom, RawLog, RawProjection,
    RawReadModel, RawWriters,
};

const NONE: SimDuration = SimDuration::ZERO;
/// Projections of one design.
const PROJECTIONS: usize = 16;
/// Fewest events between two snapshots: each copies the model.
const SNAPSHOT: u64 = 100;

/// What stands in place of a database where state is a log of events.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourcing {
    /// The log.
    pub log: LogTier,
    /// What makes events.
    pub commands: CommandTier,
    /// What follows them, in file order.
    pub projections: Vec<ProjectionTier>,
}

/// The event log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogTier {
    /// Nodes.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// Partitions.
    pub partitions: u32,
    /// Copies of each.
    pub replication: u32,
    /// Copies in sync without which [`Acks::All`] takes nothing.
    pub min_in_sync: u32,
    /// Who must have an event.
    pub acks: Acks,
    /// Longest wait for others to be written with.
    pub linger: SimDuration,
    /// Most events of a write.
    pub batch: u32,
    /// Most bytes of a write.
    pub batch_bytes: u64,
    /// CPU of an event.
    pub append: SimDuration,
    /// CPU of a write.
    pub per_batch: SimDuration,
    /// Time until the leader has it safe.
    pub flush: Distribution,
    /// Time from then until a follower has it.
    pub replicate: Distribution,
    /// Events that one instance of the command side has in hand at most.
    pub in_flight: u32,
    /// Longest wait for a place among them.
    pub max_wait: SimDuration,
    /// Time until a dead leader is replaced.
    pub failover: SimDuration,
    /// How long events are kept.
    pub retention: SimDuration,
}

/// The command side.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandTier {
    /// Instances.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// Time of a core for one decision.
    pub handle: Distribution,
    /// Whether one core decides on all commands about a record.
    pub one_writer: bool,
    /// Decisions on one command at most.
    pub attempts: u32,
    /// Size of the event of a command.
    pub event_bytes: u32,
    /// Longest wait for all projections; `None`: it does not wait for them.
    pub sync: Option<SimDuration>,
}

/// A projection.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectionTier {
    /// Its name.
    pub name: String,
    /// Instances.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// Whether it follows commands, and messages.
    pub follows: [bool; 2],
    /// Share of the records that concern it.
    pub filter: f64,
    /// CPU of reading an event.
    pub read: SimDuration,
    /// Time of a core to put one in.
    pub apply: Distribution,
    /// Time until queries see it.
    pub store: Distribution,
    /// Time of a core to answer a query.
    pub query: Distribution,
    /// Wait before an empty partition is read again.
    pub poll: SimDuration,
    /// Most events that become visible at once.
    pub batch: u32,
    /// Events between two snapshots.
    pub snapshot_every: u64,
    /// Time of a core to put one in again.
    pub replay: Option<SimDuration>,
    /// Time until the others take over from a dead instance.
    pub detect: SimDuration,
}

/// What somebody reads who has just written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Whatever the projection has.
    None,
    /// What it has once it has come to the event.
    WaitOffset,
    /// What the command side has.
    Sticky,
}

/// How queries use projections.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadModelUse {
    /// Which one answers; `None`: the first.
    pub from: Option<String>,
    /// What those read who have just written.
    pub consistency: Consistency,
    /// Share of the commands whose author reads the record again.
    pub after_write: f64,
    /// How long after the acknowledgement.
    pub delay: SimDuration,
}

impl Sourcing {
    /// The projection that answers the queries of this traffic, by its number.
    #[must_use]
    pub fn answering(&self, traffic: &Traffic) -> usize {
        let used = traffic
            .query
            .as_ref()
            .and_then(|query| query.read_model.as_ref());
        let named = used.and_then(|used| used.from.as_deref());
        let found = named.and_then(|name| self.projections.iter().position(|one| one.name == name));
        found.unwrap_or_default()
    }

    /// Instances of all projections.
    #[must_use]
    pub fn instances(&self) -> u32 {
        self.projections.iter().map(|one| one.count).sum()
    }
}

/// What a design has for its events; `None`: nothing.
pub fn sourcing(raw: &RawDesign, names: &Names<'_>, check: &mut Check<'_>) -> Option<Sourcing> {
    let log = raw.log.as_ref().map(|raw| log(raw, names, check));
    let commands = raw.command_side.as_ref();
    let commands = commands.map(|raw| command_side(raw, names, check));
    let entries = raw.projections.as_ref().map_or(&[][..], |all| &all.0);
    let all = "design.projections";
    check.names(all, entries.iter().map(|(name, _)| name.as_str()));
    if entries.len() > PROJECTIONS {
        let problem = Problem::new(format!("{} projections", entries.len()));
        check.problem(all, problem.allowed(format!("up to {PROJECTIONS}")));
    }
    let projections = entries.iter().take(PROJECTIONS);
    let projections: Vec<ProjectionTier> = projections
        .map(|(name, raw)| projection(name, raw, names, check))
        .collect();
    match (log, commands) {
        (Some(log), Some(commands)) => Some(Sourcing {
            log,
            commands,
            projections,
        }),
        (Some(_), None) => {
            let problem = Problem::new("a log, but nothing that makes events");
            check.problem("design.log", problem.help("add design.command_side"));
            None
        }
        (None, Some(_)) => {
            let problem = Problem::new("events are made, but there is no log for them");
            check.problem("design.command_side", problem.help("add design.log"));
            None
        }
        (None, None) => {
            if !projections.is_empty() {
                let problem = Problem::new("projections follow a log, but the design has none");
                check.problem(all, problem.help("add design.log and design.command_side"));
            }
            None
        }
    }
}

/// Whether a field says something only where events are switched on.
#[must_use]
pub fn is_tuning(path: &str) -> bool {
    const FIELDS: [&str; 4] = [
        "design.log",
        "design.command_side",
        "design.projections",
        "traffic.query.read_model",
    ];
    let below = |field: &str| path.strip_prefix(field);
    FIELDS
        .iter()
        .filter_map(|field| below(field))
        .any(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn of(
    path: String,
    given: Option<&RawDistribution>,
    default: Distribution,
    check: &mut Check<'_>,
) -> Distribution {
    match given {
        Some(raw) => distribution(raw, &path, NONE, limits::LONG, check),
        None => {
            check.default_source(&path);
            default
        }
    }
}

fn log(raw: &RawLog, names: &Names<'_>, check: &mut Check<'_>) -> LogTier {
    const AT: &str = "design.log";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let nodes = instances(
        &at("count"),
        &raw.count,
        &["nodes", "node", "instances"],
        check,
    );
    let service = |q: &Quantity| duration(q, NONE, limits::SERVICE);
    let time = |q: &Quantity| duration(q, NONE, limits::LONG);
    let events = |q: &Quantity| count(q, &["events", "event"], 1, limits::COUNT);
    let replication = check.take_or(&at("replication"), &raw.replication, 1, |q| {
        count(q, &["copies"], 1, nodes.into())
    });
    let ms = SimDuration::from_millis;
    LogTier {
        count: nodes,
        machine: names.machine(&raw.machine, &at("machine"), check),
        partitions: check.take_or(&at("partitions"), &raw.partitions, 24, |q| {
            count(q, &["partitions", "partition"], 1, 4_096)
        }) as u32,
        replication: replication as u32,
        min_in_sync: check.take_or(&at("min_in_sync"), &raw.min_in_sync, 1, |q| {
            count(q, &["copies"], 1, replication)
        }) as u32,
        acks: match raw.acks.unwrap_or(RawAcks::All) {
            RawAcks::Local => Acks::Local,
            RawAcks::Quorum => Acks::Quorum,
            RawAcks::All => Acks::All,
        },
        linger: check.take_or(&at("linger"), &raw.linger, NONE, time),
        batch: check.take_or(&at("batch"), &raw.batch, 1_000, events) as u32,
        batch_bytes: check.take_or(&at("batch_size"), &raw.batch_size, 16 << 10, |q| {
            size(q, 1, limits::MEMORY)
        }),
        append: check.take_or(
            &at("append"),
            &raw.append,
            SimDuration::from_micros(5),
            service,
        ),
        per_batch: check.take_or(
            &at("per_batch"),
            &raw.per_batch,
            SimDuration::from_micros(20),
            service,
        ),
        flush: of(
            at("flush"),
            raw.flush.as_ref(),
            Distribution::Constant(NONE),
            check,
        ),
        replicate: of(
            at("replicate"),
            raw.replicate.as_ref(),
            Distribution::Exponential { mean: ms(1) },
            check,
        ),
        in_flight: check.take_or(&at("in_flight"), &raw.in_flight, 10_000, events) as u32,
        max_wait: check.take_or(&at("max_wait"), &raw.max_wait, ms(60_000), time),
        failover: check.take_or(&at("failover"), &raw.failover, ms(10_000), time),
        retention: check.take_or(&at("retention"), &raw.retention, ms(7 * 86_400_000), |q| {
            duration(q, SimDuration::from_secs(1), limits::LONG)
        }),
    }
}

fn command_side(raw: &RawCommandSide, names: &Names<'_>, check: &mut Check<'_>) -> CommandTier {
    const AT: &str = "design.command_side";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let handle = Distribution::Constant(SimDuration::from_micros(200));
    CommandTier {
        count: instances(&at("count"), &raw.count, &["instances", "instance"], check),
        machine: names.machine(&raw.machine, &at("machine"), check),
        handle: of(at("handle"), raw.handle.as_ref(), handle, check),
        one_writer: raw.writers.unwrap_or(RawWriters::AnyInstance) == RawWriters::OnePerRecord,
        attempts: check.take_or(&at("attempts"), &raw.attempts, 5, |q| {
            count(q, &["attempts", "decisions"], 1, limits::ATTEMPTS)
        }) as u32,
        event_bytes: check.take_or(&at("event"), &raw.event, 300, |q| {
            size(q, 1, limits::PAYLOAD)
        }) as u32,
        sync: match &raw.coupling {
            None | Some(RawCoupling::Async) => None,
            Some(RawCoupling::Sync { timeout }) => Some(check.take(
                &at("coupling.timeout"),
                duration(timeout, limits::SHORT, limits::LONG),
                NONE,
            )),
        },
    }
}

fn projection(
    name: &str,
    raw: &RawProjection,
    names: &Names<'_>,
    check: &mut Check<'_>,
) -> ProjectionTier {
    let path = super::tree::join("design.projections", name);
    check.sources(&path, &raw.source, &raw.sources);
    let at = |name: &str| format!("{path}.{name}");
    let service = |q: &Quantity| duration(q, NONE, limits::SERVICE);
    let time = |q: &Quantity| duration(q, NONE, limits::LONG);
    let events = |low| move |q: &Quantity| count(q, &["events", "event"], low, limits::COUNT);
    let constant = |us| Distribution::Constant(SimDuration::from_micros(us));
    let from = raw
        .from
        .as_deref()
        .unwrap_or(&[RawFrom::Commands, RawFrom::Publishes]);
    if from.is_empty() {
        let problem = Problem::new("it follows nothing");
        check.problem(&at("from"), problem.allowed("Commands, Publishes, or both"));
    }
    ProjectionTier {
        name: name.to_owned(),
        count: instances(&at("count"), &raw.count, &["instances", "instance"], check),
        machine: names.machine(&raw.machine, &at("machine"), check),
        follows: [
            from.contains(&RawFrom::Commands),
            from.contains(&RawFrom::Publishes),
        ],
        filter: check.take_or(&at("filter"), &raw.filter, 1.0, quantity::share),
        read: check.take_or(&at("read"), &raw.read, SimDuration::from_micros(1), service),
        apply: of(at("apply"), raw.apply.as_ref(), constant(50), check),
        store: of(
            at("store"),
            raw.store.as_ref(),
            Distribution::Constant(NONE),
            check,
        ),
        query: of(at("query"), raw.query.as_ref(), constant(500), check),
        poll: check.take_or(&at("poll"), &raw.poll, NONE, time),
        batch: check.take_or(&at("batch"), &raw.batch, 100, events(1)) as u32,
        snapshot_every: check.take_or(
            &at("snapshot_every"),
            &raw.snapshot_every,
            10_000,
            events(SNAPSHOT),
        ),
        replay: raw
            .replay
            .as_ref()
            .map(|q| check.take(&at("replay"), service(q), NONE)),
        detect: check.take_or(&at("detect"), &raw.detect, SimDuration::from_secs(10), time),
    }
}

/// Checks how queries use projections.
pub fn read_model(raw: &RawReadModel, check: &mut Check<'_>) -> ReadModelUse {
    const AT: &str = "traffic.query.read_model";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    ReadModelUse {
        from: raw.from.clone(),
        consistency: match raw.consistency.unwrap_or(RawConsistency::None) {
            RawConsistency::None => Consistency::None,
            RawConsistency::WaitOffset => Consistency::WaitOffset,
            RawConsistency::Sticky => Consistency::Sticky,
        },
        after_write: check.take_or(&at("after_write"), &raw.after_write, 0.0, quantity::share),
        delay: check.take_or(&at("delay"), &raw.delay, NONE, |q| {
            duration(q, NONE, limits::LONG)
        }),
    }
}

/// The design without what events make needless: where they are switched on, nothing asks the database but messages that
/// query it. Where they are off, no tier of theirs is left.
pub fn switch(design: &mut Design, traffic: Option<&Traffic>, patterns: Patterns) {
    if !patterns.event_sourcing {
        design.sourcing = None;
        return;
    }
    if design.sourcing.is_none() {
        return;
    }
    design.replicas = None;
    let publish = traffic.and_then(|traffic| traffic.publish.as_ref());
    if publish.is_none_or(|publish| publish.queries == 0) {
        design.database = None;
        design.shards = None;
    }
}

/// What the pattern needs of the rest.
pub fn check_together(
    traffic: &Traffic,
    (design, effective): (&Design, &Design),
    patterns: Patterns,
    check: &mut Check<'_>,
) {
    let named = traffic
        .query
        .as_ref()
        .and_then(|query| query.read_model.as_ref());
    let all = design
        .sourcing
        .as_ref()
        .map_or(&[][..], |own| &own.projections);
    if let Some(name) = named.and_then(|used| used.from.as_deref())
        && all.iter().all(|one| one.name != name)
    {
        let known = all.iter().map(|one| one.name.as_str());
        let problem = Problem::unknown("projection of this design", name, known);
        check.problem("traffic.query.read_model.from", problem);
    }
    if !patterns.event_sourcing {
        return;
    }
    if design.sourcing.is_none() {
        let problem = Problem::new("the design has no log and command side to switch on");
        let help =
            "add design.log, design.command_side and, for queries, design.projections, or set Off";
        return check.problem("patterns.event_sourcing", problem.help(help));
    }
    if traffic.query.is_some() && all.is_empty() {
        let problem = Problem::new("queries are answered by a projection, but the design has none");
        check.problem("traffic.query", problem.help("add design.projections"));
    }
    let writes = effective
        .regions
        .as_ref()
        .and_then(|all| all.writes.as_ref());
    if effective.sourcing.is_some() && (effective.ordering.is_some() || writes.is_some()) {
        let problem = Problem::new(
            "the log orders what happens: messages that wait for their turn and writes in every region are not simulated beside it",
        );
        let help = "leave out design.ordering and design.regions.writes, or set Off";
        check.problem("patterns.event_sourcing", problem.help(help));
    }
    let spread = traffic.spread.is_some();
    let scatters = traffic
        .query
        .as_ref()
        .is_some_and(|query| query.scatter > 0.0);
    if (spread || scatters) && effective.sourcing.is_some() {
        let problem = Problem::new(
            "queries about several records, or places and features, are not simulated with event sourcing",
        );
        let help = "leave out scatter, nearby, joins, cities and features, or set Off";
        check.problem("patterns.event_sourcing", problem.help(help));
    }
}
