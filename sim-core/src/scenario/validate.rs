//! From the file form to the checked scenario. Finds everything that is wrong, not only the first thing.

use routing::session::{Backoff, ReconnectPolicy};

use crate::delivery::Place;
use crate::time::SimDuration;

use super::assets::{PRICE_BOOK, assets};
use super::check::{Check, Mark};
use super::error::{Problem, shorten};
use super::faults::{faults, in_effect};
use super::limits;
use super::model::{
    Access, Channels, Design, LatencyTier, Load, Members, Objective, Patterns, Publisher, Region,
    Run, Scenario, Source, Status, Traffic, Transport,
};
use super::objective;
use super::quantity::{self, count, duration, number, share};
use super::raw::{
    Ordered, Quantity, RawChannels, RawLoad, RawMembers, RawPatterns, RawReconnect, RawRun,
    RawScenario, RawTransport, Switch,
};
use super::regions::{check_regions, check_writes};
use super::scaled;
use super::traffic::traffic;
use super::{
    asking, convert, data, design, documents, edge, ordering, over_time, pooler, replicas,
    services, sourcing, words_of_edit,
};
use crate::cost::{book, book_names};

/// A value that stands in for a refused one; the scenario is refused as a whole, so it is never used.
const REFUSED: SimDuration = SimDuration::ZERO;

/// Checks everything; `None` when there are errors, which are in `check`.
pub fn validate(raw: &RawScenario, check: &mut Check<'_>) -> Option<Scenario> {
    check_name(&raw.name, check);
    let load = load(&raw.load, check);
    let channels = channels(&raw.channels, load.users, check);
    let traffic = traffic(&raw.traffic, check);
    let patterns = patterns(raw.patterns.as_ref());
    let design = design::design(raw, check);
    let run = run(raw.run.as_ref(), check);
    let over_time = over_time::check::over_time((&raw.load, &raw.traffic), &load, &run, check);
    let asking = asking::asking(raw, check);
    let effective = design::effective(&design, Some(&traffic), patterns);
    sourcing::check_together(&traffic, (&design, &effective), patterns, check);
    check_together(&traffic, &effective, patterns, check);
    check_regions(&effective, patterns.pooling, check);
    let faults = faults(
        raw.faults.as_deref().unwrap_or_default(),
        (load.users, &design),
        &run,
        check,
    );
    pooler::check_alone(&design, &asking, check);
    replicas::check_failover(&design, &asking, check);
    check_writes((&design, &effective), &asking, check);
    data::spread::check_resharding(raw, &faults, &asking, check);
    let kinds: Vec<&str> = faults.iter().map(|timed| timed.fault.name()).collect();
    let faults = faults
        .into_iter()
        .filter_map(|fault| in_effect(fault, &effective))
        .collect();
    let mut objectives = objectives(
        raw.objectives.as_deref().unwrap_or_default(),
        (&traffic, &design, &kinds),
        check,
    );
    objectives.extend(tier_objective(raw.latency_tier, &traffic, &design, check));
    edited(check);
    if !check.errors.is_empty() {
        return None;
    }
    let scenario = Scenario {
        name: raw.name.clone(),
        title: raw.title.clone().unwrap_or_else(|| raw.name.clone()),
        story: raw.story.clone().unwrap_or_default(),
        status: raw.status.unwrap_or(Status::Draft),
        load,
        channels,
        traffic,
        over_time,
        asking,
        patterns,
        design,
        faults,
        objectives,
        run,
        sources: std::mem::take(&mut check.sources),
        numbers: Vec::new(),
    };
    scaled::check(&scenario, check).then_some(scenario)
}

fn check_name(name: &str, check: &mut Check<'_>) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        let problem = Problem::new(format!("\"{}\" is not a short name", shorten(name)))
            .allowed("lower-case letters, digits and -, as in \"team-chat\"");
        check.problem("name", problem);
    }
}

fn load(raw: &RawLoad, check: &mut Check<'_>) -> Load {
    check.sources("load", &raw.source, &raw.sources);
    let unit = raw.unit.clone().unwrap_or_else(|| "users".to_owned());
    let users = count(&raw.users, &["users", "user", &unit], 1, limits::USERS);
    let heartbeat = check.take_or(
        "load.heartbeat",
        &raw.heartbeat,
        SimDuration::from_secs(30),
        |q| duration(q, SimDuration::from_millis(100), limits::LONG),
    );
    let classes = raw.places.0.len() * raw.access.0.len();
    if classes > Place::CLASSES {
        check.problem(
            "load.places",
            Problem::new(format!(
                "{} places times {} access networks are {classes} classes of clients",
                raw.places.0.len(),
                raw.access.0.len()
            ))
            .allowed(format!(
                "up to {}; leave out the smallest shares",
                Place::CLASSES
            )),
        );
    }
    let silence = SimDuration::from_nanos(heartbeat.as_nanos().saturating_mul(3));
    Load {
        users: check.take("load.users", users, 1) as u32,
        unit,
        online: check.take_or("load.online", &raw.online, 1.0, share),
        places: places(&raw.places, check),
        access: access(&raw.access, check),
        wifi: check.take_or("load.wifi", &raw.wifi, 0.0, share),
        transport: transport(raw.transport.as_ref(), check),
        heartbeat,
        heartbeat_timeout: check.take_or(
            "load.heartbeat_timeout",
            &raw.heartbeat_timeout,
            silence,
            |q| duration(q, heartbeat, limits::LONG),
        ),
        reconnect: reconnect(raw.reconnect.as_ref(), check),
    }
}

fn places(raw: &Ordered<Quantity>, check: &mut Check<'_>) -> Vec<(Region, f64)> {
    shares("load.places", raw, check, |name| {
        assets().region(name).map(|_| Region(name.to_owned()))
    })
}

fn access(raw: &Ordered<Quantity>, check: &mut Check<'_>) -> Vec<(Access, f64)> {
    shares("load.access", raw, check, |name| {
        assets().access(name).map(|_| Access(name.to_owned()))
    })
}

/// Shares by name, which must be known and add up to 100 % within 0.1 %.
pub(super) fn shares<T>(
    path: &str,
    raw: &Ordered<Quantity>,
    check: &mut Check<'_>,
    known: impl Fn(&str) -> Result<T, Problem>,
) -> Vec<(T, f64)> {
    const TOLERANCE: f64 = 0.001;
    check.names(path, raw.0.iter().map(|(name, _)| name.as_str()));
    let before = check.errors.len();
    let mut out = Vec::new();
    for (name, quantity) in &raw.0 {
        let at = format!("{path}.{name}");
        match known(name) {
            Ok(found) => out.push((found, check.take(&at, share(quantity), 0.0))),
            Err(problem) => check.problem(&at, problem),
        }
    }
    let sum: f64 = out.iter().map(|(_, share)| share).sum();
    if check.errors.len() == before && (sum - 1.0).abs() > TOLERANCE {
        let percent = libm::round(sum * 1e4) / 1e2;
        let mut problem = Problem::new(format!("the shares add up to {percent} %"))
            .allowed("100 %, within 0.1 %");
        let below = format!("{path}.");
        if check.origins().iter().any(|o| o.path.starts_with(&below)) {
            problem = problem.help("shares are set one by one and the others stay: change those too, or set them to 0 %");
        }
        check.problem(path, problem);
    }
    for (_, share) in &mut out {
        *share /= sum.max(TOLERANCE);
    }
    out
}

fn transport(raw: Option<&RawTransport>, check: &mut Check<'_>) -> Transport {
    match raw {
        None | Some(RawTransport::WebSocket) => Transport::WebSocket,
        Some(RawTransport::Sse) => Transport::Sse,
        Some(RawTransport::LongPoll { hold }) => {
            let hold = duration(hold, SimDuration::from_secs(1), limits::LONG);
            Transport::LongPoll {
                hold: check.take("load.transport.hold", hold, REFUSED),
            }
        }
        Some(RawTransport::Poll { interval }) => {
            let interval = duration(interval, SimDuration::from_millis(100), limits::LONG);
            Transport::Poll {
                interval: check.take("load.transport.interval", interval, REFUSED),
            }
        }
    }
}

fn reconnect(raw: Option<&RawReconnect>, check: &mut Check<'_>) -> ReconnectPolicy {
    const AT: &str = "load.reconnect";
    let Some(raw) = raw else {
        check.default_source(AT);
        let (base, cap) = (SimDuration::from_secs(1), SimDuration::from_secs(64));
        return convert::reconnect(Backoff::FullJitter, base, cap, SimDuration::ZERO);
    };
    let (backoff, base, cap, spread) = match raw {
        RawReconnect::Fixed {
            delay,
            spread_first,
        } => (Backoff::Fixed, delay, delay, spread_first),
        RawReconnect::Exponential {
            base,
            cap,
            spread_first,
        } => (Backoff::Exponential, base, cap, spread_first),
        RawReconnect::EqualJitter {
            base,
            cap,
            spread_first,
        } => (Backoff::EqualJitter, base, cap, spread_first),
        RawReconnect::FullJitter {
            base,
            cap,
            spread_first,
        } => (Backoff::FullJitter, base, cap, spread_first),
        RawReconnect::DecorrelatedJitter {
            base,
            cap,
            spread_first,
        } => (Backoff::DecorrelatedJitter, base, cap, spread_first),
    };
    let names = if backoff == Backoff::Fixed {
        ("delay", "delay")
    } else {
        ("base", "cap")
    };
    let mut wait = |name: &str, q: &Quantity, low| {
        check.take(&format!("{AT}.{name}"), duration(q, low, limits::LONG), low)
    };
    let base = wait(names.0, base, limits::SHORT);
    let cap = wait(names.1, cap, base);
    let spread = spread.as_ref().map_or(SimDuration::ZERO, |q| {
        wait("spread_first", q, SimDuration::ZERO)
    });
    convert::reconnect(backoff, base, cap, spread)
}

fn channels(raw: &RawChannels, users: u32, check: &mut Check<'_>) -> Channels {
    check.sources("channels", &raw.source, &raw.sources);
    let per_user = check.take_or("channels.per_user", &raw.per_user, 1.0, |q| {
        number(q, &["channels", "channel"], 0.0, limits::CHANNELS_PER_USER)
    });
    if per_user * f64::from(users) > limits::MEMBERSHIPS {
        let problem = Problem::new(format!(
            "{users} users in {per_user} channels each are too many memberships"
        ))
        .allowed(format!(
            "up to {} memberships",
            quantity::group(limits::MEMBERSHIPS as u64)
        ));
        check.problem("channels.per_user", problem);
    }
    let members = members(&raw.members, check);
    if matches!(members, Members::Rooms { .. } | Members::Everyone) && per_user != 1.0 {
        let problem = Problem::new(format!(
            "{per_user} channels per user, but rooms and `Everyone` hold each user once"
        ))
        .allowed("1, or leave it out");
        check.problem("channels.per_user", problem);
    }
    let locality = raw
        .locality
        .as_ref()
        .map_or(0.0, |q| check.take("channels.locality", share(q), 0.0));
    if locality > 0.0 && matches!(members, Members::Everyone | Members::Random { .. }) {
        let problem = Problem::new("channels of these members are not of one place");
        let help = "choose LogNormal or Rooms, or leave out channels.locality";
        check.problem("channels.locality", problem.help(help));
    }
    let largest = raw.largest.as_ref().map(|q| {
        let most = u64::from(users).max(1);
        check.take("channels.largest", count(q, &["members"], 1, most), 1) as u32
    });
    Channels {
        per_user,
        locality,
        largest,
        members,
    }
}

fn members(raw: &RawMembers, check: &mut Check<'_>) -> Members {
    const AT: &str = "channels.members";
    let nouns: &[&str] = &["members", "member", "users"];
    match raw {
        RawMembers::Everyone => Members::Everyone,
        RawMembers::Rooms { size, source } => {
            check.source(AT, source);
            let size = count(size, nouns, 1, limits::MEMBERS);
            Members::Rooms {
                size: check.take("channels.members.size", size, 1) as u32,
            }
        }
        RawMembers::Random { count: n, source } => {
            check.source(AT, source);
            let n = count(n, &["channels", "channel"], 1, limits::USERS);
            Members::Random {
                count: check.take("channels.members.count", n, 1) as u32,
            }
        }
        RawMembers::LogNormal {
            median,
            p99,
            max,
            source,
        } => {
            check.source(AT, source);
            let most = limits::MEMBERS as f64;
            let median = check.take(
                "channels.members.median",
                number(median, nouns, 1.0, most),
                1.0,
            );
            let p99 = check.take(
                "channels.members.p99",
                number(p99, nouns, median, most),
                median,
            );
            let max = check.take(
                "channels.members.max",
                count(max, nouns, 1, limits::MEMBERS),
                1,
            );
            if (max as f64) < median {
                let problem = Problem::new(format!(
                    "the largest channel, {max}, is below the median, {median}"
                ));
                check.problem(
                    "channels.members.max",
                    problem.allowed(format!("{median} and more")),
                );
            }
            Members::LogNormal {
                median,
                p99,
                max: max as u32,
            }
        }
    }
}

fn patterns(raw: Option<&RawPatterns>) -> Patterns {
    let raw = raw.cloned().unwrap_or_default();
    let is_on = |switch: Option<Switch>| switch == Some(Switch::On);
    Patterns {
        pooling: raw.pooling.unwrap_or(Switch::On) == Switch::On,
        event_sourcing: is_on(raw.event_sourcing),
        sharding: is_on(raw.sharding),
        caching_and_edge: is_on(raw.caching_and_edge),
    }
}

/// What one part of a scenario needs of another.
fn check_together(traffic: &Traffic, design: &Design, patterns: Patterns, check: &mut Check<'_>) {
    if let Some(publish) = &traffic.publish {
        if publish.queries > 0 && design.database.is_none() {
            let problem = Problem::new("messages query a database, but the design has none");
            check.problem(
                "traffic.publish.queries",
                problem.help("add design.database, or set queries: 0"),
            );
        }
        if matches!(publish.from, Publisher::Feed(_)) && design.broker.is_none() && patterns.pooling
        {
            let problem =
                Problem::new("a feed publishes beside the broker, but the design has none");
            check.problem(
                "traffic.publish.from",
                problem.help("add design.broker, or publish from Members"),
            );
        }
    }
    check_store(traffic, design, patterns, check);
    data::spread::check_together(traffic, design.shards.as_ref(), check);
    edge::check_together(traffic, design, check);
    documents::check_together(traffic, design, check);
    ordering::check_together(design, patterns.pooling, check);
    services::check_together(traffic, design, check);
}

/// Whatever is read, written, sharded or cached needs a database, and a switch something to switch on.
fn check_store(traffic: &Traffic, design: &Design, patterns: Patterns, check: &mut Check<'_>) {
    let needs = [
        (
            "traffic.query",
            "queries are answered by the database",
            traffic.query.is_some(),
        ),
        (
            "traffic.command",
            "commands are acknowledged by the database",
            traffic.command.is_some(),
        ),
        (
            "design.shards",
            "shards are those of the database",
            design.shards.is_some(),
        ),
        (
            "design.cache",
            "a cache stands in front of the database",
            design.cache.is_some(),
        ),
        (
            "design.replicas",
            "replicas follow the database",
            design.replicas.is_some(),
        ),
    ];
    for (path, why, there) in needs {
        if there && design.database.is_none() && design.sourcing.is_none() {
            let problem = Problem::new(format!("{why}, but the design has none"));
            let help = format!("add design.database, or leave out {path}");
            check.problem(path, problem.help(help));
        }
    }
    let switches = [
        (
            "sharding",
            "shards",
            patterns.sharding,
            design.shards.is_some() || design.sourcing.is_some(),
        ),
        (
            "caching_and_edge",
            "cache",
            patterns.caching_and_edge,
            design.cache.is_some()
                || design.sourcing.is_some()
                || design.replicas.is_some()
                || design.regions.is_some()
                || design.edge.is_some(),
        ),
    ];
    for (pattern, tier, on, there) in switches {
        if on && !there {
            let problem = Problem::new(format!("the design has no {tier} to switch on"));
            let help = format!("add design.{tier}, or set Off");
            check.problem(&format!("patterns.{pattern}"), problem.help(help));
        }
    }
}

fn objectives(
    raw: &[String],
    of: (&Traffic, &Design, &[&str]),
    check: &mut Check<'_>,
) -> Vec<Objective> {
    check.names("objectives", raw.iter().map(String::as_str));
    let mut out = Vec::new();
    for (i, text) in raw.iter().enumerate().take(limits::ENTRIES) {
        let at = format!("objectives[{i}]");
        match objective::parse(text, of) {
            Ok(parsed) => {
                let (file, line) = check.place(&at);
                out.push(Objective {
                    text: text.clone(),
                    path: parsed.path,
                    comparison: parsed.comparison,
                    limit: parsed.limit,
                    file,
                    line,
                });
            }
            Err(problem) => check.problem(&at, problem),
        }
    }
    out
}

/// What a latency tier asks of messages, or of answers where nothing is published.
fn tier_objective(
    tier: Option<LatencyTier>,
    traffic: &Traffic,
    design: &Design,
    check: &mut Check<'_>,
) -> Option<Objective> {
    let limit = match tier? {
        LatencyTier::SubSecond => "100 ms",
        LatencyTier::FewSecond => "3 s",
        LatencyTier::NearRealTime => "30 s",
    };
    let metric = match traffic {
        _ if traffic.publish.is_some() => "publish.delivered.p99",
        _ if traffic.query.is_some() => "query.answered.p99",
        _ if traffic.order.is_some() => "order.answered.p99",
        _ if traffic.reserve.is_some() => "reserve.answered.p99",
        _ if traffic.notify.is_some() => "notify.delivered.p99",
        _ => "query.answered.p99",
    };
    let text = format!("{metric} < {limit}");
    match objective::parse(&text, (traffic, design, &[])) {
        Ok(parsed) => {
            let (file, line) = check.place("latency_tier");
            Some(Objective {
                text,
                path: parsed.path,
                comparison: parsed.comparison,
                limit: parsed.limit,
                file,
                line,
            })
        }
        Err(problem) => {
            check.problem("latency_tier", problem);
            None
        }
    }
}

fn run(raw: Option<&RawRun>, check: &mut Check<'_>) -> Run {
    let raw = raw.cloned().unwrap_or_default();
    let seed = |q: &Quantity| count(q, &[], 0, 1 << 53);
    let price_book = raw.price_book.unwrap_or_else(|| PRICE_BOOK.to_owned());
    if book(&price_book).is_none() {
        check.problem(
            "run.price_book",
            Problem::unknown("price book", &price_book, book_names()),
        );
    }
    let time = |low| move |q: &Quantity| duration(q, low, limits::RUN);
    Run {
        population_seed: raw
            .population_seed
            .as_ref()
            .map_or(1, |q| check.take("run.population_seed", seed(q), 1)),
        seed: raw
            .seed
            .as_ref()
            .map_or(7, |q| check.take("run.seed", seed(q), 7)),
        warmup: check.take_or(
            "run.warmup",
            &raw.warmup,
            SimDuration::from_secs(10),
            time(SimDuration::ZERO),
        ),
        duration: check.take_or(
            "run.duration",
            &raw.duration,
            SimDuration::from_secs(60),
            time(limits::SHORT),
        ),
        price_book,
        scale: raw
            .scale
            .as_ref()
            .map(|q| {
                let read = count(q, &[], 1, scaled::SMALLEST.into());
                check.take("run.scale", read, 1) as u32
            })
            .filter(|&k| k > 1),
    }
}

/// An edit is the source of what it set; a variant may give another one.
fn edited(check: &mut Check<'_>) {
    for origin in check.origins() {
        let (path, source) = match &origin.mark {
            Mark::Edited => (&origin.path, Source::Edited(words_of_edit(origin))),
            Mark::Given(path, source) => (path, source.clone()),
            Mark::Words => continue,
        };
        let below = format!("{path}.");
        check
            .sources
            .retain(|known, _| known != path && !known.starts_with(&below));
        check.sources.insert(path.clone(), source);
    }
}
