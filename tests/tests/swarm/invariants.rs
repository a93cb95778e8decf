//! What holds in every report, whatever the system is and whatever happens to it.

use routing::RoutingMode;
use sim_core::report::{
    BreakdownRow, Estimate, LatencyReport, OperationReport, RunReport, TierReport,
};
use sim_core::scenario::{Fault, Loop, Promise, Scenario, TimedFault};

use super::together;

/// What rounding may do to a sum of shares.
const ROUNDING: f64 = 1e-6;
/// Resources that a run cannot use more of than there is; of the others it can ask for more.
const BOUNDED: [&str; 3] = ["cpu", "pool", "connections"];

/// Everything that does not hold.
pub fn broken(scenario: &Scenario, report: &RunReport) -> Vec<String> {
    let mut broken = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            broken.push(what);
        }
    };
    for broken in together::broken(scenario, report) {
        must(false, broken);
    }
    let design = scenario.effective_design();
    let ordered = design
        .ordering
        .is_none_or(|ordering| ordering.promise != Promise::None);
    for (name, operation) in &report.operations {
        counts(name, operation, report.simulated_s, &mut must);
        let reordered = operation.reordered;
        must(
            reordered == 0 || !ordered,
            format!("{name}: {reordered} reordered"),
        );
        latencies(name, operation, &mut must);
        attribution(name, operation, &mut must);
    }
    for (name, tier) in &report.tiers {
        tier_holds(name, tier, &mut must);
    }
    undisturbed(scenario, report, &mut must);
    services(scenario, report, &mut must);
    connections(scenario, report, &mut must);
    money(report, &mut must);
    broken
}

/// What is still under way, attempts to connect aside, and who is still away although nothing stands in their way.
pub fn under_way(scenario: &Scenario, report: &RunReport) -> Vec<String> {
    let mut left = Vec::new();
    let (open, wanted) = (report.connections.open, report.connections.wanted);
    let passing = scenario.faults.iter().all(|fault| fault.lasts.is_some());
    let barred = [
        "accept_rate",
        "memory",
        "connections",
        "descriptors",
        "residency",
    ];
    let rejected = &report.connections.rejected;
    if passing && open < wanted && !barred.iter().any(|reason| rejected.contains_key(*reason)) {
        left.push(format!("{open} connections open for ever, {wanted} wanted"));
    }
    for (name, of) in report
        .operations
        .iter()
        .filter(|(name, _)| *name != "connect")
    {
        let fans_out = of.latency_ms.contains_key("complete");
        let count = |per_s: f64| (per_s * report.simulated_s).round() as u64;
        let offered = count(of.offered_per_s);
        // Not told on purpose, or waiting for who is gone for good.
        let kept = of.withheld.unwrap_or(0) + waiting(name, report);
        let over = count(of.completed_per_s) + of.failed + of.timed_out + kept;
        if !fans_out && over < offered {
            left.push(format!(
                "{name}: {} of {offered} are under way for ever",
                offered - over
            ));
        }
        if of.in_flight > 0 {
            left.push(format!(
                "{name}: {} receipts are under way for ever",
                of.in_flight
            ));
        }
    }
    left
}

/// What waits for nodes or providers that may never come back.
fn waiting(name: &str, report: &RunReport) -> u64 {
    let (tier, counters) = match name {
        "notify" => ("providers", "waiting_"),
        "reserve" => ("stock", "under_way"),
        _ => return 0,
    };
    let tier = report.tiers.get(tier).into_iter();
    let counters = tier
        .flat_map(|tier| &tier.counters)
        .filter(|(own, _)| own.starts_with(counters));
    counters.map(|(_, count)| count).sum()
}

/// Nothing that exists once is sold twice, no number is missing, and nobody is told what they do not want.
fn services(scenario: &Scenario, report: &RunReport, must: &mut Must<'_>) {
    for (name, of) in &report.operations {
        let by_copies = scenario
            .design
            .stock
            .as_ref()
            .is_some_and(|stock| matches!(stock.mode, routing::stock::StockMode::Stale { .. }));
        let oversold = of.oversold.unwrap_or(0);
        must(
            by_copies || oversold == 0,
            format!("{name}: {oversold} oversold"),
        );
        let whole = scenario
            .design
            .stock
            .as_ref()
            .is_some_and(|stock| stock.txn != routing::sourcing::TransactionMode::None);
        let halves = of.partially_committed.unwrap_or(0);
        must(
            !whole || halves == 0,
            format!("{name}: {halves} half committed"),
        );
        let forgets = scenario.design.matching.as_ref().is_some_and(|engines| {
            engines.replicas == 0 && engines.journal.is_zero() && !scenario.faults.is_empty()
        });
        let gaps = of.sequence_gaps.unwrap_or(0);
        must(forgets || gaps == 0, format!("{name}: {gaps} gaps"));
        let unwanted = of.sent_to_switched_off.unwrap_or(0);
        must(
            unwanted == 0,
            format!("{name}: {unwanted} to who had switched it off"),
        );
        for (kind, share) in [
            ("conversion", of.conversion),
            ("misses", of.deadline_miss_ratio),
        ] {
            must(
                share.is_none_or(|share| (0.0..=1.0).contains(&share)),
                format!("{name}: {kind} {share:?}"),
            );
        }
        for (class, own) in &of.classes {
            must(
                own.delivered + own.shed <= own.offered,
                format!("{name}.{class}: {own:?}"),
            );
        }
    }
}

type Must<'a> = dyn FnMut(bool, String) + 'a;

/// Conservation: what was started, and what was owed, has become of it.
fn counts(name: &str, of: &OperationReport, seconds: f64, must: &mut Must<'_>) {
    let count = |per_s: f64| (per_s * seconds).round() as u64;
    let (offered, completed) = (count(of.offered_per_s), count(of.completed_per_s));
    let over = completed + of.failed + of.timed_out;
    must(
        over <= offered,
        format!(
            "{name}: {offered} offered, but {completed} completed, {} failed and {} timed out",
            of.failed, of.timed_out
        ),
    );
    let accounted = of.received + of.in_flight + of.lost;
    let fans_out = of.latency_ms.contains_key("complete");
    must(
        !fans_out || accounted == of.owed,
        format!(
            "{name}: {} owed, but {} received, {} in flight, {} lost",
            of.owed, of.received, of.in_flight, of.lost
        ),
    );
    must(
        of.duplicated == 0,
        format!("{name}: {} duplicated", of.duplicated),
    );
    must(
        (0.0..=1.0).contains(&of.stale_ratio),
        format!("{name}: stale ratio {}", of.stale_ratio),
    );
    let by_region: u64 = of.by_region.values().map(|latency| latency.count).sum();
    let by_access: u64 = of.by_access.values().map(|latency| latency.count).sum();
    let receipts = if fans_out { of.received } else { by_region };
    must(
        by_region == receipts && by_access == receipts,
        format!("{name}: {receipts} receipts, {by_region} by region, {by_access} by access"),
    );
    must(
        fans_out || completed == receipts,
        format!("{name}: {completed} completed, but {receipts} answers"),
    );
}

/// Nothing is lost where nothing goes wrong and nobody is turned away.
fn undisturbed(scenario: &Scenario, report: &RunReport, must: &mut Must<'_>) {
    let design = scenario.effective_design();
    let harmless = |fault: &TimedFault| {
        matches!(
            fault.fault,
            Fault::SlowDown { .. }
                | Fault::HotKey { .. }
                | Fault::FlushCache
                | Fault::SlowLink { .. }
        )
    };
    let calm = scenario.faults.iter().all(harmless)
        && scenario.over_time.flash_crowds.is_empty()
        && design.connection_servers.inbox.is_none()
        && (design.routing != RoutingMode::Local || design.connection_servers.count == 1);
    for name in ["publish", "presence"] {
        let lost = report.operations.get(name).map_or(0, |of| of.lost);
        must(
            lost == 0 || !calm,
            format!("{name}: {lost} lost without a reason"),
        );
        let asks = scenario
            .traffic
            .publish
            .as_ref()
            .is_some_and(|publish| publish.queries > 0);
        let failed = report
            .operations
            .get(name)
            .map_or(0, |of| of.failed + of.timed_out);
        must(
            failed == 0 || !calm || asks,
            format!("{name}: {failed} failed without a reason"),
        );
    }
    let closed = [
        ("query", &scenario.over_time.query_loop),
        ("publish", &scenario.over_time.publish_loop),
    ];
    let online = scenario.load.users.max(report.users as u32);
    for (name, closed) in closed {
        let (Loop::Closed { clients, .. }, Some(of)) = (closed, report.operations.get(name)) else {
            continue;
        };
        let count = |per_s: f64| (per_s * report.simulated_s).round() as u64;
        let over = count(of.completed_per_s) + of.failed + of.timed_out;
        let under_way = count(of.offered_per_s).saturating_sub(over);
        let most = u64::from(clients.of(online));
        must(
            name == "publish" || under_way <= most,
            format!("{name}: {most} clients wait for {under_way} answers"),
        );
    }
    let quick = report.quick_estimate.iter().flatten();
    for (name, value) in quick {
        must(
            value.is_finite() && *value >= 0.0,
            format!("quick estimate {name}: {value}"),
        );
    }
}

/// Percentiles rise, and each lies in its interval.
fn latencies(name: &str, of: &OperationReport, must: &mut Must<'_>) {
    let named = of.latency_ms.iter();
    for (kind, latency) in named.chain(&of.by_region).chain(&of.by_access) {
        must(ordered(latency), format!("{name}.{kind}: {latency:?}"));
    }
}

fn ordered(latency: &LatencyReport) -> bool {
    let percentiles = [latency.p50, latency.p95, latency.p99, latency.p999];
    let values: Vec<f64> = percentiles.iter().filter_map(|p| p.value).collect();
    let all = percentiles.iter().chain([&latency.mean]);
    let low_to_high = |e: &Estimate| match (e.low, e.value, e.high) {
        (Some(low), Some(value), Some(high)) => low <= value && value <= high,
        _ => true,
    };
    let fine = |e: &Estimate| {
        e.value
            .is_none_or(|value| value.is_finite() && value >= 0.0)
    };
    let within = latency.max + latency.max.abs() * ROUNDING;
    values.windows(2).all(|pair| pair[0] <= pair[1])
        && all.clone().all(|e| low_to_high(e) && fine(e))
        && (latency.count == 0 || values.iter().all(|value| *value <= within))
}

/// The mean decomposes into its causes, and so does the slowest hundredth.
fn attribution(name: &str, of: &OperationReport, must: &mut Must<'_>) {
    let weigh = |latency: &LatencyReport| {
        Some(latency.mean.value.or((latency.count == 0).then_some(0.0))? * latency.count as f64)
    };
    let regions: Option<Vec<f64>> = of.by_region.values().map(weigh).collect();
    let count: u64 = of.by_region.values().map(|latency| latency.count).sum();
    let Some(regions) = regions.filter(|_| count > 0) else {
        return;
    };
    let mean = regions.iter().sum::<f64>() / count as f64;
    let sum = |part: fn(&BreakdownRow) -> f64| of.breakdown.iter().map(part).sum::<f64>();
    let parts = sum(|row| row.mean_ms);
    must(
        (parts - mean).abs() <= mean * 1e-3 + 1e-3,
        format!("{name}: the mean is {mean} ms, its parts add up to {parts} ms"),
    );
    let shares = sum(|row| row.share_of_p99);
    must(
        shares == 0.0 || (shares - 1.0).abs() <= ROUNDING,
        format!("{name}: the shares of the slowest add up to {shares}"),
    );
}

fn tier_holds(name: &str, tier: &TierReport, must: &mut Must<'_>) {
    for (resource, used) in &tier.utilization {
        let bounded = BOUNDED.contains(&resource.as_str()) && name != "load_balancer";
        let most = if bounded { 1.0 + ROUNDING } else { f64::MAX };
        let fine = |value: f64| (0.0..=most).contains(&value);
        must(
            fine(used.hottest) && fine(used.mean) && used.mean <= used.hottest * (1.0 + ROUNDING),
            format!("{name}.{resource}: {used:?}"),
        );
        must(
            used.instance < tier.instances.max(1),
            format!(
                "{name}.{resource}: the fullest of {} is {}",
                tier.instances, used.instance
            ),
        );
    }
    let ratio = |ratio: Option<f64>| ratio.is_none_or(|ratio| (0.0..=1.0).contains(&ratio));
    must(
        ratio(tier.hit_ratio),
        format!("{name}: hit ratio {:?}", tier.hit_ratio),
    );
    must(
        tier.origin_offload.is_none_or(|share| share <= 1.0),
        format!("{name}: offload {:?}", tier.origin_offload),
    );
    must(
        tier.queue.mean >= 0.0 && tier.queue.mean.is_finite(),
        format!("{name}: queue {:?}", tier.queue),
    );
}

fn connections(scenario: &Scenario, report: &RunReport, must: &mut Must<'_>) {
    let (open, wanted) = (report.connections.open, report.connections.wanted);
    must(
        open <= wanted,
        format!("{open} connections open, {wanted} wanted"),
    );
    let on_servers = report.tiers["connection_servers"].counters["open"];
    must(
        on_servers == open,
        format!("{open} connections open, {on_servers} of them on servers"),
    );
    let Some(regions) = &report.regions else {
        return;
    };
    let shares: f64 = regions.places.values().map(|region| region.share).sum();
    let there: u64 = regions
        .places
        .values()
        .map(|region| region.connections)
        .sum();
    must(
        (shares - 1.0).abs() < ROUNDING || there == 0,
        format!("the shares of the regions add up to {shares}"),
    );
    must(
        there == open,
        format!("{open} connections open, {there} of them in regions"),
    );
    let residency = scenario
        .design
        .regions
        .as_ref()
        .and_then(|all| all.residency.as_ref());
    let enforced = residency.is_some_and(|residency| residency.enforced);
    must(
        !enforced || regions.residency_violations == 0,
        format!(
            "{} are served under another law",
            regions.residency_violations
        ),
    );
    must(
        (0.0..=1.0).contains(&regions.cross_region_ratio),
        format!("cross-region ratio {}", regions.cross_region_ratio),
    );
}

fn money(report: &RunReport, must: &mut Must<'_>) {
    let Some(cost) = &report.cost else { return };
    let fine = |usd: f64| usd.is_finite() && usd >= 0.0;
    let total = cost.usd_per_month;
    must(fine(total), format!("{total} USD a month"));
    must(
        cost.items.iter().all(|item| fine(item.usd_per_month)),
        format!("{:?}", cost.items),
    );
    let sums = [
        cost.items
            .iter()
            .map(|item| item.usd_per_month)
            .sum::<f64>(),
        cost.by_tier.values().sum(),
        cost.by_purpose.values().sum(),
        cost.by_region.values().sum(),
    ];
    for sum in sums {
        must(
            (sum - total).abs() <= 1e-6 * total + 1e-3,
            format!("{total} USD a month adds up from {sums:?}"),
        );
    }
}
