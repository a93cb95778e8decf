//! Orders, the engines that match them, and the network of one hall.

use routing::tick::Casting;

use super::raw::{RawCasting, RawMarketData, RawMatching, RawNet, RawOrder, RawPreempted};
use crate::scenario::check::Check;
use crate::scenario::data::skew;
use crate::scenario::design::instances;
use crate::scenario::error::Problem;
use crate::scenario::limits;
use crate::scenario::model::{Design, Keys, Machine, Rate, Source, Traffic};
use crate::scenario::over_time::People;
use crate::scenario::over_time::check::people;
use crate::scenario::profile::Names;
use crate::scenario::quantity::{count, duration, share};
use crate::scenario::traffic::{payload, rate};
use crate::time::SimDuration;

/// Symbols at most.
const SYMBOLS: u64 = 1_000_000;
/// Replicas of one engine at most.
const REPLICAS: u64 = 8;
/// Links between switches at most.
const SWITCHES: u64 = 10_000;

/// The operation of ordering.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Requests per second.
    pub rate: Rate,
    /// Payload of an acknowledgement, bytes.
    pub size_bytes: u32,
    /// Symbols, and how unequally they are traded.
    pub symbols: Keys,
    /// Share of cancellations.
    pub cancels: f64,
    /// Share of modifications.
    pub modifies: f64,
    /// An acknowledgement that comes later is of no use.
    pub deadline: Option<SimDuration>,
}

/// The matching engines.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchingTier {
    /// Engines.
    pub count: u32,
    /// What each and each replica runs on.
    pub machine: Machine,
    /// CPU of one request.
    pub service: SimDuration,
    /// Mean time between the turns of other programs, and how long one lasts.
    pub preempted: Option<(SimDuration, SimDuration)>,
    /// Time until a request is in the journal; zero: there is none.
    pub journal: SimDuration,
    /// Engines that do the same as each.
    pub replicas: u32,
    /// Time until one takes over.
    pub failover: SimDuration,
    /// What everybody is told.
    pub market_data: Option<MarketData>,
}

/// What everybody is told of what the engines do.
#[derive(Clone, Debug, PartialEq)]
pub struct MarketData {
    /// Those who listen to a symbol.
    pub receivers: People,
    /// How a message reaches them.
    pub casting: Casting,
    /// Links between switches that a multicast message takes.
    pub switches: u32,
    /// Payload of one message, bytes.
    pub size_bytes: u32,
    /// CPU of sending one packet.
    pub packet: SimDuration,
}

/// Checks orders.
pub fn order(raw: &RawOrder, check: &mut Check<'_>) -> Order {
    const AT: &str = "traffic.order";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let cancels = check.take_or(&at("cancels"), &raw.cancels, 0.0, share);
    let modifies = check.take_or(&at("modifies"), &raw.modifies, 0.0, share);
    if cancels + modifies > 1.0 {
        let problem = Problem::new("cancellations and modifications are more than all requests");
        check.problem(
            &at("modifies"),
            problem.allowed("together 100 % at most; the others are new orders"),
        );
    }
    Order {
        rate: rate(&at("rate"), &raw.rate, check),
        size_bytes: payload(&at("size"), &raw.size, check),
        symbols: Keys {
            count: check.take(
                &at("symbols"),
                count(&raw.symbols, &["symbols", "symbol"], 1, SYMBOLS),
                1,
            ) as u32,
            exponent: skew(&at("skew"), raw.skew.as_ref(), check),
        },
        cancels,
        modifies,
        deadline: raw.deadline.as_ref().map(|q| {
            let time = duration(q, SimDuration::from_nanos(1), limits::LONG);
            check.take(&at("deadline"), time, limits::SHORT)
        }),
    }
}

/// Checks the engines.
pub fn matching(raw: &RawMatching, names: &Names<'_>, check: &mut Check<'_>) -> MatchingTier {
    const AT: &str = "design.matching";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let service = |q: &_| duration(q, SimDuration::ZERO, limits::SERVICE);
    let each = SimDuration::from_nanos(167);
    if raw.service.is_none() {
        let words =
            "6 M orders per second on one thread (LMAX; martinfowler.com/articles/lmax.html)";
        check.source(&at("service"), &Some(Source::Published(words.to_owned())));
    }
    MatchingTier {
        count: instances(&at("count"), &raw.count, &["engines", "engine"], check),
        machine: names.machine(&raw.machine, &at("machine"), check),
        service: match &raw.service {
            None => each,
            Some(q) => check.take(
                &at("service"),
                duration(q, SimDuration::from_nanos(1), limits::SERVICE),
                each,
            ),
        },
        preempted: raw.preempted.as_ref().map(|raw| preempted(raw, check)),
        journal: check.take_or(&at("journal"), &raw.journal, SimDuration::ZERO, service),
        replicas: check.take_or(&at("replicas"), &raw.replicas, 0, |q| {
            count(q, &["replicas", "replica", "engines"], 0, REPLICAS)
        }) as u32,
        failover: check.take_or(
            &at("failover"),
            &raw.failover,
            SimDuration::from_secs(1),
            |q| duration(q, limits::SHORT, limits::LONG),
        ),
        market_data: raw.market_data.as_ref().map(|raw| market_data(raw, check)),
    }
}

fn preempted(raw: &RawPreempted, check: &mut Check<'_>) -> (SimDuration, SimDuration) {
    const AT: &str = "design.matching.preempted";
    check.source(AT, &raw.source);
    let tiny = SimDuration::from_micros(1);
    let time = |q: &_| duration(q, tiny, limits::LONG);
    (
        check.take(
            "design.matching.preempted.every",
            time(&raw.every),
            limits::SHORT,
        ),
        check.take("design.matching.preempted.lasts", time(&raw.lasts), tiny),
    )
}

fn market_data(raw: &RawMarketData, check: &mut Check<'_>) -> MarketData {
    const AT: &str = "design.matching.market_data";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    MarketData {
        receivers: people(&at("receivers"), &raw.receivers, 1.0, check),
        casting: match raw.casting.unwrap_or(RawCasting::Multicast) {
            RawCasting::Unicast => Casting::Unicast,
            RawCasting::Multicast => Casting::Multicast,
        },
        switches: check.take_or(&at("switches"), &raw.switches, 1, |q| {
            count(q, &["links", "switches"], 1, SWITCHES)
        }) as u32,
        size_bytes: payload(&at("size"), &raw.size, check),
        packet: check.take_or(
            &at("packet"),
            &raw.packet,
            SimDuration::from_nanos(200),
            |q| duration(q, SimDuration::ZERO, limits::SERVICE),
        ),
    }
}

/// One way between two machines of one hall; `None`: they stand in a region.
pub fn net(raw: Option<&RawNet>, check: &mut Check<'_>) -> Option<SimDuration> {
    match raw? {
        RawNet::Regional => None,
        RawNet::Colo { one_way, source } => {
            check.source("design.net", source);
            let time = duration(one_way, SimDuration::ZERO, limits::LONG);
            Some(check.take("design.net.one_way", time, SimDuration::ZERO))
        }
    }
}

/// Orders need engines.
pub fn check_together(traffic: &Traffic, design: &Design, check: &mut Check<'_>) {
    if traffic.order.is_some() && design.matching.is_none() {
        let problem = Problem::new("orders go to a matching engine, but the design has none");
        let help = "add design.matching, or leave out traffic.order";
        check.problem("traffic.order", problem.help(help));
    }
}
