//! One run as text.

use sim_core::report::{
    CostReport, Estimate, LatencyReport, OperationReport, RunReport, TierReport,
};

use crate::numbers::{bytes, count, estimate, millis, percent, rate, seconds, usd};
use crate::sentences;
use crate::table::{Table, paragraph};
use crate::text::places;
use crate::{Labels, metric, phrases, populations, story};

/// Rows of a breakdown below this share of the mean and of the tail are added up as `the rest`.
const SMALL_SHARE: f64 = 0.002;

/// Writes a run.
pub(crate) fn run(report: &RunReport, labels: &Labels) -> String {
    let mut out = String::new();
    paragraph(&mut out, &sentences::opening(report, labels), 0);
    for sentence in [
        sentences::gives_way(report, labels),
        sentences::stopped_early(report),
    ]
    .into_iter()
    .flatten()
    {
        paragraph(&mut out, &sentence, 0);
    }
    operations(&mut out, report);
    populations::text(&mut out, report);
    places::places(&mut out, report);
    if phrases::unstable_tier(report).is_none() {
        breakdowns(&mut out, report);
    }
    tiers(&mut out, report);
    connections(&mut out, report);
    faults(&mut out, report);
    if let Some(report) = &report.cost {
        cost(&mut out, report);
    }
    objectives(&mut out, report);
    warnings(&mut out, report);
    out.push('\n');
    if let Some(line) = assumptions(report) {
        paragraph(&mut out, &line, 2);
    }
    for line in footer(report) {
        paragraph(&mut out, &line, 2);
    }
    out
}

fn operations(out: &mut String, report: &RunReport) {
    let header = [
        "Operation",
        "rate",
        "deliveries",
        "mean",
        "p50",
        "p95",
        "p99",
        "p99.9",
        "max",
        "lost",
    ];
    let mut table = Table::new(1, &header);
    let unstable = phrases::unstable_tier(report).is_some();
    for (name, operation) in sentences::by_importance(report) {
        let mut kinds: Vec<(&str, Option<&LatencyReport>)> = operation
            .latency_ms
            .iter()
            .map(|(kind, latency)| (kind.as_str(), Some(latency)))
            .collect();
        // `delivered` before `complete`: the one most people mean comes first.
        kinds.sort_by_key(|(kind, _)| *kind == "complete");
        if kinds.is_empty() {
            kinds.push(("", None));
        }
        for (index, (kind, latency)) in kinds.into_iter().enumerate() {
            let mut row = vec![format!("{name} {kind}").trim_end().to_owned()];
            let first = |text: String| if index == 0 { text } else { String::new() };
            row.push(first(rate(operation.offered_per_s)));
            row.push(if operation.deliveries_per_s > 0.0 {
                first(rate(operation.deliveries_per_s))
            } else {
                String::new()
            });
            row.extend(percentiles(latency.filter(|_| !unstable)));
            row.push(first(count(operation.lost as f64)));
            table.row(row);
            if let Some(halves) = latency.filter(|_| !unstable).and_then(half_widths) {
                let mut row = vec!["  known to".to_owned(), String::new(), String::new()];
                row.extend(halves);
                row.extend([String::new(), String::new()]);
                table.row(row);
            }
        }
    }
    if table.is_empty() {
        return;
    }
    out.push('\n');
    table.write(out);
    for (name, operation) in sentences::by_importance(report) {
        if let Some(sentence) = sentences::mishaps(name, operation) {
            paragraph(out, &sentence, 2);
        }
    }
    let caches = [
        sentences::cached(report),
        sentences::edge(report),
        sentences::shards(report),
    ];
    for sentence in caches.into_iter().flatten() {
        paragraph(out, &sentence, 2);
    }
}

fn percentiles(latency: Option<&LatencyReport>) -> [String; 6] {
    let Some(l) = latency else {
        return std::array::from_fn(|_| "-".to_owned());
    };
    let value = |e: Estimate| e.value.map_or_else(|| "-".to_owned(), millis);
    let max = if l.mean.value.is_some() {
        millis(l.max)
    } else {
        "-".to_owned()
    };
    [
        value(l.mean),
        value(l.p50),
        value(l.p95),
        value(l.p99),
        value(l.p999),
        max,
    ]
}

/// Half-widths of the intervals of mean and percentiles, as shares of the values; `None` where there is no interval at all.
fn half_widths(l: &LatencyReport) -> Option<[String; 5]> {
    let half = |e: Estimate| e.relative_half_width().filter(|half| *half > 0.0);
    let halves = [l.mean, l.p50, l.p95, l.p99, l.p999].map(half);
    let text = |half: Option<f64>| half.map_or_else(String::new, |h| format!("± {}", percent(h)));
    halves.iter().any(Option::is_some).then(|| halves.map(text))
}

fn breakdowns(out: &mut String, report: &RunReport) {
    for (name, operation) in sentences::by_importance(report) {
        if !operation.breakdown.is_empty() {
            out.push('\n');
            breakdown(out, name, operation);
        }
    }
}

fn breakdown(out: &mut String, name: &str, operation: &OperationReport) {
    let total: f64 = operation.breakdown.iter().map(|row| row.mean_ms).sum();
    let share = |ms: f64| if total > 0.0 { ms / total } else { 0.0 };
    let title = format!("Where the time of {name} goes");
    let mut table = Table::new(
        2,
        &[&title, "cause", "mean", "of the mean", "of the slowest 1 %"],
    );
    let mut rows: Vec<_> = operation.breakdown.iter().collect();
    rows.sort_by(|a, b| b.mean_ms.total_cmp(&a.mean_ms));
    let (shown, small): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| share(row.mean_ms) >= SMALL_SHARE || row.share_of_p99 >= SMALL_SHARE);
    for row in shown {
        table.row(vec![
            phrases::tier(&row.tier),
            row.cause.clone(),
            millis(row.mean_ms),
            percent(share(row.mean_ms)),
            percent(row.share_of_p99),
        ]);
    }
    let rest: f64 = small.iter().map(|row| row.mean_ms).sum();
    if rest > 0.0 {
        let tail: f64 = small.iter().map(|row| row.share_of_p99).sum();
        table.row(vec![
            "the rest".into(),
            String::new(),
            millis(rest),
            percent(share(rest)),
            percent(tail),
        ]);
    }
    table.write(out);
}

fn tiers(out: &mut String, report: &RunReport) {
    let mut table = Table::new(
        2,
        &[
            "Tier",
            "resource",
            "hottest",
            "at",
            "mean",
            "instances",
            "waiting",
            "longest",
            "dropped",
        ],
    );
    let mut by_order: Vec<(&String, &TierReport)> = report.tiers.iter().collect();
    by_order.sort_by_key(|(_, tier)| tier.order);
    for (name, tier) in by_order {
        let mut used: Vec<_> = tier.utilization.iter().collect();
        used.sort_by(|a, b| b.1.hottest.total_cmp(&a.1.hottest));
        let queue = [
            metric::mean_queue(tier.queue.mean),
            count(tier.queue.max as f64),
            count(tier.dropped as f64),
        ];
        let head = |index: usize, text: &str| {
            if index == 0 {
                text.to_owned()
            } else {
                String::new()
            }
        };
        for (index, (resource, u)) in used.iter().enumerate() {
            let mut row = vec![head(index, &phrases::tier(name)), (*resource).clone()];
            row.extend([
                percent(u.hottest),
                format!("#{}", u.instance),
                percent(u.mean),
            ]);
            row.push(head(index, &tier.instances.to_string()));
            row.extend(queue.iter().map(|text| head(index, text)));
            table.row(row);
        }
        if used.is_empty() {
            let mut row = vec![phrases::tier(name)];
            row.extend(std::iter::repeat_n(String::new(), 4));
            row.push(tier.instances.to_string());
            row.extend(queue);
            table.row(row);
        }
    }
    if !table.is_empty() {
        out.push('\n');
        table.write(out);
    }
    if let Some(sentence) = story::rates(report) {
        paragraph(out, &sentence, 2);
    }
    if let Some(b) = &report.bottleneck {
        let name = phrases::resource(&b.tier, &b.resource);
        paragraph(
            out,
            &format!(
                "Fullest: {name}, {} at instance #{}: {}.",
                percent(b.utilization),
                b.instance,
                b.evidence.trim_end_matches('.')
            ),
            2,
        );
    }
}

fn connections(out: &mut String, report: &RunReport) {
    let c = &report.connections;
    if c.wanted == 0 && c.attempts == 0 {
        return;
    }
    let mut parts = vec![format!(
        "{} open of {} wanted",
        count(c.open as f64),
        count(c.wanted as f64)
    )];
    let rejected: u64 = c.rejected.values().sum();
    if rejected == 0 {
        parts.push("none rejected".to_owned());
    } else {
        let reasons: Vec<String> = c
            .rejected
            .iter()
            .filter(|(_, n)| **n > 0)
            .map(|(reason, n)| {
                format!(
                    "{} for want of {}",
                    count(*n as f64),
                    phrases::rejection(reason)
                )
            })
            .collect();
        parts.push(format!(
            "{} rejected ({})",
            count(rejected as f64),
            reasons.join(", ")
        ));
    }
    for (n, what) in [
        (c.attempts, "attempts"),
        (c.reconnects, "reconnects"),
        (c.resumed, "resumed"),
    ] {
        if n > 0 {
            parts.push(format!("{} {what}", count(n as f64)));
        }
    }
    if c.resync_bytes > 0 {
        parts.push(format!(
            "{} to bring clients up to date",
            bytes(c.resync_bytes as f64)
        ));
    }
    out.push('\n');
    paragraph(out, &format!("Connections: {}.", parts.join(", ")), 2);
}

fn faults(out: &mut String, report: &RunReport) {
    for fault in &report.faults {
        let detected = fault
            .detected_s
            .map(|at| format!(" noticed after {},", seconds(at - fault.began_s)));
        let recovered = match fault.recovered_s {
            Some(at) if at > fault.ended_s => {
                format!("recovered {} after its end", seconds(at - fault.ended_s))
            }
            Some(_) => "over with its end".to_owned(),
            None => "not recovered by the end of the run".to_owned(),
        };
        let text = format!(
            "Fault: {} from {} to {}:{} {recovered}; {} operations failed.",
            fault.fault,
            seconds(fault.began_s),
            seconds(fault.ended_s),
            detected.unwrap_or_default(),
            count(fault.failed as f64)
        );
        out.push('\n');
        paragraph(out, &text, 2);
    }
}

fn cost(out: &mut String, cost: &CostReport) {
    out.push('\n');
    let (month, million, user) = (
        usd(cost.usd_per_month),
        usd(cost.usd_per_million_messages),
        usd(cost.usd_per_user_month),
    );
    let book = &cost.price_book;
    paragraph(
        out,
        &format!(
            "Cost: {month} a month, {user} per user, {million} per million messages (prices {book})."
        ),
        2,
    );
    let mut table = Table::new(2, &["  for", "what", "a month", "share"]);
    for item in &cost.items {
        let share = if cost.usd_per_month > 0.0 {
            item.usd_per_month / cost.usd_per_month
        } else {
            0.0
        };
        let tier = format!("  {}", phrases::tier(&item.tier));
        table.row(vec![
            tier,
            item.category.clone(),
            usd(item.usd_per_month),
            percent(share),
        ]);
    }
    if !table.is_empty() {
        table.write(out);
    }
    if let Some(line) = purposes(cost) {
        paragraph(out, &line, 2);
    }
    if !cost.notes.is_empty() {
        let notes = cost.notes.join("; ");
        paragraph(out, &format!("Priced so: {notes}."), 2);
    }
}

/// What the money is spent for, largest first.
fn purposes(cost: &CostReport) -> Option<String> {
    let mut spent: Vec<(&str, f64)> = cost
        .by_purpose
        .iter()
        .filter(|(_, month)| **month > 0.0)
        .map(|(purpose, month)| (purpose.as_str(), *month))
        .collect();
    if spent.is_empty() {
        return None;
    }
    spent.sort_by(|a, b| b.1.total_cmp(&a.1));
    let parts: Vec<String> = spent
        .into_iter()
        .map(|(purpose, month)| {
            let share = percent(month / cost.usd_per_month);
            format!("{} {} ({share})", purpose.replace('_', " "), usd(month))
        })
        .collect();
    let year = usd(cost.usd_per_year);
    Some(format!(
        "By purpose: {}; {year} a year, {}.",
        parts.join(", "),
        cost.shape
    ))
}

fn objectives(out: &mut String, report: &RunReport) {
    let mut table = Table::new(3, &["Verdict", "objective", "measured"]);
    for o in &report.objectives {
        let e = Estimate {
            value: o.value,
            low: o.low,
            high: o.high,
        };
        let unit = metric::unit_of(&o.objective);
        table.row(vec![
            o.verdict.clone(),
            o.objective.clone(),
            estimate(e, unit),
        ]);
    }
    if !table.is_empty() {
        out.push('\n');
        table.write(out);
    }
}

fn warnings(out: &mut String, report: &RunReport) {
    if report.warnings.is_empty() {
        return;
    }
    out.push('\n');
    for warning in &report.warnings {
        paragraph(out, &format!("Note: {warning}."), 2);
    }
}

/// How many of the numbers are guesses, and where they stand.
fn assumptions(report: &RunReport) -> Option<String> {
    let all = report.sources.len();
    let of = |status: &str| report.sources.iter().filter(|s| s.status == status).count();
    let edited = match of("Edited") {
        0 => String::new(),
        n => format!(", {n} edited"),
    };
    (all > 0).then(|| {
        format!(
            "Assumptions: {} of {all} numbers are assumed{edited}; --format html lists them with their sources, \
             `plimsoll advise {}` says which matter.",
            of("Assumed"),
            report.scenario.name
        )
    })
}

/// What was run, and what it took.
fn footer(report: &RunReport) -> Vec<String> {
    let engine = &report.engine;
    let mut lines = vec![format!(
        "{} · seed {}, population {} · {} measured after {} · {} events, {} deliveries",
        report.scenario.name,
        report.seed,
        report.population_seed,
        seconds(report.simulated_s),
        seconds(report.warmup_s),
        count(engine.events as f64),
        count(engine.deliveries as f64),
    )];
    if engine.cpu_s > 0.0 {
        let per_s = |n: u64| count(n as f64 / engine.cpu_s);
        lines.push(format!(
            "{} CPU and {} set-up: {} events and {} deliveries per CPU second",
            seconds(engine.cpu_s),
            seconds(engine.setup_cpu_s),
            per_s(engine.events),
            per_s(engine.deliveries),
        ));
    }
    lines
}
