//! Purchases and the stock that they take from.

use routing::sourcing::TransactionMode;
use routing::stock::StockMode;

use super::raw::{RawReserve, RawStock, RawStockMode, RawTransactions};
use crate::quantile::Distribution;
use crate::scenario::check::Check;
use crate::scenario::data::skew;
use crate::scenario::design::{distribution, instances};
use crate::scenario::error::Problem;
use crate::scenario::limits;
use crate::scenario::model::{Design, Keys, Machine, Rate, Traffic};
use crate::scenario::profile::Names;
use crate::scenario::quantity::{count, duration, share};
use crate::scenario::traffic::{payload, rate};
use crate::time::SimDuration;

/// Articles of one purchase at most.
const ITEMS: u64 = 16;
/// Articles at most.
const ARTICLES: u64 = 100_000;

/// The operation of buying.
#[derive(Clone, Debug, PartialEq)]
pub struct Reserve {
    /// Purchases per second.
    pub rate: Rate,
    /// Payload of the answer, bytes.
    pub size_bytes: u32,
    /// Different articles of one purchase.
    pub items: u32,
    /// When the sale begins.
    pub opens: SimDuration,
    /// How long buyers come; `None`: always.
    pub lasts: Option<SimDuration>,
    /// Share of the reservations that are paid for.
    pub paid: f64,
    /// Time from a reservation to its payment.
    pub payment: Distribution,
}

/// The nodes that keep stock.
#[derive(Clone, Debug, PartialEq)]
pub struct StockTier {
    /// Nodes.
    pub count: u32,
    /// What each runs on.
    pub machine: Machine,
    /// Articles, and how unequally they are bought.
    pub articles: Keys,
    /// Units of each.
    pub units: u64,
    /// How they are sold.
    pub mode: StockMode,
    /// What keeps a purchase of several articles whole.
    pub txn: TransactionMode,
    /// CPU of one step.
    pub step: SimDuration,
    /// Time until a step is durable.
    pub write: SimDuration,
    /// Time after which nobody waits for a node.
    pub timeout: SimDuration,
}

/// Checks purchases.
pub fn reserve(raw: &RawReserve, check: &mut Check<'_>) -> Reserve {
    const AT: &str = "traffic.reserve";
    const NONE: SimDuration = SimDuration::ZERO;
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    Reserve {
        rate: rate(&at("rate"), &raw.rate, check),
        size_bytes: payload(&at("size"), &raw.size, check),
        items: check.take_or(&at("items"), &raw.items, 1, |q| {
            count(q, &["articles", "items"], 1, ITEMS)
        }) as u32,
        opens: check.take_or(&at("opens"), &raw.opens, NONE, |q| {
            duration(q, NONE, limits::LONG)
        }),
        lasts: raw.lasts.as_ref().map(|q| {
            let time = duration(q, limits::SHORT, limits::LONG);
            check.take(&at("lasts"), time, limits::SHORT)
        }),
        paid: check.take_or(&at("paid"), &raw.paid, 1.0, share),
        payment: raw
            .payment
            .as_ref()
            .map_or(Distribution::Constant(NONE), |raw| {
                distribution(raw, &at("payment"), NONE, limits::LONG, check)
            }),
    }
}

/// Checks the stock.
pub fn stock(raw: &RawStock, names: &Names<'_>, check: &mut Check<'_>) -> StockTier {
    const AT: &str = "design.stock";
    check.sources(AT, &raw.source, &raw.sources);
    let at = |name: &str| format!("{AT}.{name}");
    let long = |q: &_| duration(q, limits::SHORT, limits::LONG);
    let mode = match raw.mode.as_ref().unwrap_or(&RawStockMode::Strong) {
        RawStockMode::Strong => StockMode::Strong,
        RawStockMode::Reservation { ttl } => StockMode::Reservation {
            ttl_ns: check
                .take(&at("mode.ttl"), long(ttl), limits::SHORT)
                .as_nanos(),
        },
        RawStockMode::Eventual { staleness } => StockMode::Stale {
            refresh_ns: check
                .take(&at("mode.staleness"), long(staleness), limits::SHORT)
                .as_nanos(),
        },
    };
    let service = |q: &_| duration(q, SimDuration::ZERO, limits::SERVICE);
    StockTier {
        count: instances(&at("count"), &raw.count, &["nodes", "node"], check),
        machine: names.machine(&raw.machine, &at("machine"), check),
        articles: Keys {
            count: check.take_or(&at("articles"), &raw.articles, 1, |q| {
                count(q, &["articles", "article"], 1, ARTICLES)
            }) as u32,
            exponent: skew(&at("skew"), raw.skew.as_ref(), check),
        },
        units: check.take(
            &at("units"),
            count(&raw.units, &["units", "unit"], 0, limits::COUNT),
            0,
        ),
        mode,
        txn: match raw.txn.unwrap_or(RawTransactions::None) {
            RawTransactions::None => TransactionMode::None,
            RawTransactions::TwoPhase => TransactionMode::TwoPhase,
            RawTransactions::Saga => TransactionMode::Saga,
        },
        step: check.take_or(
            &at("step"),
            &raw.step,
            SimDuration::from_micros(20),
            service,
        ),
        write: check.take_or(
            &at("write"),
            &raw.write,
            SimDuration::from_millis(1),
            service,
        ),
        timeout: check.take_or(
            &at("timeout"),
            &raw.timeout,
            SimDuration::from_secs(1),
            long,
        ),
    }
}

/// Purchases need a stock, and enough articles.
pub fn check_together(traffic: &Traffic, design: &Design, check: &mut Check<'_>) {
    let Some(reserve) = &traffic.reserve else {
        return;
    };
    let Some(stock) = &design.stock else {
        let problem = Problem::new("purchases take from a stock, but the design has none");
        let help = "add design.stock, or leave out traffic.reserve";
        return check.problem("traffic.reserve", problem.help(help));
    };
    if reserve.items > stock.articles.count {
        let problem = Problem::new(format!(
            "a purchase of {} different articles, but there are {}",
            reserve.items, stock.articles.count
        ));
        let allowed = format!("1 to {}", stock.articles.count);
        check.problem(
            "traffic.reserve.items",
            problem.allowed(allowed).help("add design.stock.articles"),
        );
    }
    if reserve.items > 1 && stock.mode != StockMode::Strong {
        let problem = Problem::new("purchases of several articles are simulated in mode Strong");
        check.problem(
            "design.stock.mode",
            problem
                .allowed("Strong")
                .help("or set traffic.reserve.items: 1"),
        );
    }
}
