//! What the services did, as tiers and operations of a report.

use std::collections::BTreeMap;

use routing::notify::{Channel, Priority};

use super::market::{Market, MarketCounts};
use super::notifier::{Notifier, Withheld};
use super::reading::ServiceReading;
use super::stock::Stocks;
use crate::histogram::Histogram;
use crate::report::{ClassReport, LatencyReport, OperationReport, QueueReport, TierReport};
use crate::scenario::{Tier, channel_name};
use crate::statistics::CompactHistogram;
use crate::system::baseline::Reading;
use crate::system::intervals::plain;
use crate::system::ledger::KindLedger;
use crate::system::operation::Kind;
use crate::system::summary::{fifo_nodes, utilization};
use crate::system::world::World;
use crate::time::SimTime;

const PRIORITIES: [&str; 3] = ["high", "medium", "low"];

/// The tiers of a report, by what happened between two readings.
#[must_use]
pub fn tiers(
    world: &World,
    before: &ServiceReading,
    after: &ServiceReading,
    ns: f64,
) -> Vec<(Tier, TierReport)> {
    let mut all = Vec::new();
    let Some(services) = &world.services else {
        return all;
    };
    if let Some(stock) = &services.stock {
        let nodes = fifo_nodes(&stock.nodes, &before.stock, &after.stock, ns);
        all.push((Tier::Stock, stocks(nodes, stock)));
    }
    if let Some(market) = &services.market {
        let nodes = fifo_nodes(&market.nodes, &before.engines, &after.engines, ns);
        let bits = world
            .scenario
            .design
            .matching
            .as_ref()
            .map_or(1, |tier| tier.machine.network_bits_per_s);
        let report = engines(nodes, market, (before, after), (bits, ns));
        all.push((Tier::MatchingEngine, report));
    }
    if let Some(notifier) = &services.notifier {
        let (own, then) = (&before.notifications, &after.notifications);
        let mut nodes = fifo_nodes(&notifier.nodes, own, then, ns);
        nodes
            .counters
            .extend(counted(&withheld(&notifier.withheld)));
        all.push((Tier::Notifications, nodes));
        if !notifier.carriers.is_empty() {
            all.push((Tier::Providers, carriers(notifier, before, after, ns)));
        }
    }
    all
}

fn counted(all: &[(&str, u64)]) -> BTreeMap<String, u64> {
    all.iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

fn stocks(mut nodes: TierReport, stock: &Stocks) -> TierReport {
    let sum = |of: fn(&routing::stock::Stock) -> u64| stock.stocks.iter().map(of).sum::<u64>();
    nodes.counters.extend(counted(&[
        ("units_sold", sum(routing::stock::Stock::sold)),
        ("units_set_aside", sum(routing::stock::Stock::reserved)),
        ("reservations_expired", sum(routing::stock::Stock::expired)),
        ("paid_in_time", stock.counts.paid),
        ("paid_too_late", stock.counts.paid_late),
        ("oversold_units", stock.oversold()),
        ("partially_committed", stock.partial()),
        ("under_way", stock.purchases.len() as u64),
    ]));
    nodes
}

fn engines(
    mut nodes: TierReport,
    market: &Market,
    (before, after): (&ServiceReading, &ServiceReading),
    (bits_per_s, ns): (u64, f64),
) -> TierReport {
    let (was, is): (&MarketCounts, &MarketCounts) = (&before.market, &after.market);
    let counts = market.check.counts();
    nodes.counters.extend(counted(&[
        ("requests", is.requests - was.requests),
        ("trades", is.trades - was.trades),
        ("rejected", is.rejected - was.rejected),
        ("resting_orders", market.resting()),
        ("sequence_numbers", counts.messages),
        ("sequence_missing", market.check.missing()),
        ("sequence_repeated", counts.duplicates),
    ]));
    if market.tells() {
        nodes.counters.extend(counted(&[
            ("market_data_messages", is.messages - was.messages),
            ("market_data_packets", is.sent - was.sent),
            ("market_data_switched", is.switched - was.switched),
            ("market_data_received", is.heard - was.heard),
        ]));
        let none = Reading::default();
        let pairs = || {
            let earlier = before.publishers.iter().chain(core::iter::repeat(&none));
            earlier.zip(&after.publishers)
        };
        let busy = pairs().map(|(a, b)| (b.busy_ns - a.busy_ns) as f64 / ns);
        let sent = pairs().map(|(a, b)| (b.bytes_out - a.bytes_out) as f64 * 8.0);
        let share = sent.map(|bits| bits / (ns / 1e9) / bits_per_s.max(1) as f64);
        let own = &mut nodes.utilization;
        own.insert("publisher".to_owned(), utilization(busy));
        own.insert("bandwidth".to_owned(), utilization(share));
    }
    nodes
}

fn withheld(own: &Withheld) -> [(&'static str, u64); 4] {
    [
        ("withheld_off", own.off),
        ("withheld_quiet", own.quiet),
        ("withheld_capped", own.capped),
        ("withheld_repeated", own.repeated),
    ]
}

fn carriers(
    notifier: &Notifier,
    before: &ServiceReading,
    after: &ServiceReading,
    ns: f64,
) -> TierReport {
    let none = Reading::default();
    let pairs = || {
        let earlier = before.providers.iter().chain(core::iter::repeat(&none));
        earlier.zip(&after.providers)
    };
    let busy = pairs().map(|(a, b)| (b.busy_ns - a.busy_ns) as f64 / ns);
    let queues = pairs().map(|(a, b)| (b.queue_job_ns - a.queue_job_ns) as f64 / ns);
    let mut counters = BTreeMap::new();
    for (index, carrier) in notifier.carriers.iter().enumerate() {
        let name = channel_name(carrier.channel);
        let sent = after.sent[index] - before.sent.get(index).copied().unwrap_or_default();
        counters.insert(format!("sent_{name}"), sent);
        counters.insert(format!("waiting_{name}"), carrier.waiting);
    }
    let shed = notifier.classes.iter().map(|class| class.shed);
    TierReport {
        instances: notifier.carriers.len() as u32,
        utilization: [("rate".to_owned(), utilization(busy))].into(),
        queue: QueueReport {
            mean: queues.sum::<f64>() / notifier.carriers.len() as f64,
            max: notifier.longest(),
        },
        dropped: shed.sum(),
        counters,
        ..TierReport::default()
    }
}

fn latency(of: &CompactHistogram, unstable: bool) -> Option<LatencyReport> {
    (of.count() > 0).then(|| {
        let mut all = Histogram::new();
        all.merge_compact(of);
        plain(&all, unstable)
    })
}

/// Adds to the report of an operation what only its service knows.
pub fn operation(
    report: &mut OperationReport,
    world: &World,
    (kind, own): (Kind, &KindLedger),
    now: SimTime,
) {
    let Some(services) = &world.services else {
        return;
    };
    if !matches!(kind, Kind::Reserve | Kind::Order | Kind::Notify) {
        return;
    }
    let (before, after) = (&world.baseline.services, ServiceReading::of(world, now));
    let unstable = world.backlog.unstable().is_some();
    match kind {
        Kind::Reserve => {
            let Some(stock) = &services.stock else { return };
            let counts = &stock.counts;
            let asked = counts.sold + counts.rejected;
            report.rejected = Some(counts.rejected);
            report.oversold = Some(after.oversold - before.oversold);
            report.partially_committed = Some(after.partial - before.partial.min(after.partial));
            report.conversion = (asked > 0).then(|| counts.sold as f64 / asked as f64);
            let visible = latency(&stock.visible, false);
            let visible = visible.map(|own| ("stockout_visible".to_owned(), own));
            report.latency_ms.extend(visible);
        }
        Kind::Order => {
            let Some(market) = &services.market else {
                return;
            };
            report.rejected = Some(after.market.rejected - before.market.rejected);
            report.sequence_gaps = Some(after.gaps - before.gaps.min(after.gaps));
            let failed = own.failed + own.timed_out;
            let ended = market.acknowledged + failed;
            if market.deadline.is_some() && ended > 0 {
                report.deadline_miss_ratio = Some((market.late + failed) as f64 / ended as f64);
            }
            let told = latency(&market.told, unstable);
            let told = told.map(|own| ("market_data".to_owned(), own));
            report.latency_ms.extend(told);
        }
        Kind::Notify => {
            let Some(notifier) = &services.notifier else {
                return;
            };
            notified(report, notifier, unstable);
        }
        _ => {}
    }
}

fn notified(report: &mut OperationReport, notifier: &Notifier, unstable: bool) {
    let withheld = withheld(&notifier.withheld);
    report.withheld = Some(withheld.iter().map(|(_, count)| count).sum());
    report.sent_to_switched_off = Some(notifier.unwanted);
    let all = PRIORITIES.into_iter().zip(&notifier.classes);
    for (name, own) in all.filter(|(_, own)| own.offered > 0) {
        let over = own.delivered + own.shed;
        let share = |count: u64| (over > 0).then(|| count as f64 / over as f64);
        let class = ClassReport {
            offered: own.offered,
            delivered: own.delivered,
            shed: own.shed,
            delivered_ratio: share(own.delivered),
            shed_ratio: share(own.shed),
        };
        report.classes.insert(name.to_owned(), class);
    }
    for channel in Channel::ALL {
        for (class, name) in PRIORITIES.into_iter().enumerate() {
            let index = channel.index() * Priority::ALL.len() + class;
            let told = latency(&notifier.told[index], unstable);
            let told = told.map(|own| (format!("{}_{name}", channel_name(channel)), own));
            report.latency_ms.extend(told);
        }
    }
}
