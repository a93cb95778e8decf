//! A ramp as text: one row per load, what broke in order, and how the work grows.

use sim_core::report::{RampReport, RunReport};

use crate::growth::growth;
use crate::numbers::{count, millis, percent, rate, usd};
use crate::sentences::main_latency;
use crate::table::{Table, paragraph};
use crate::{Labels, phrases};

/// Writes a ramp.
pub(crate) fn ramp(report: &RampReport, labels: &Labels) -> String {
    let mut out = String::new();
    paragraph(&mut out, &opening(report, labels), 0);
    for sentence in growth_sentences(report, labels) {
        paragraph(&mut out, &sentence, 0);
    }
    if !report.points.is_empty() {
        out.push('\n');
        loads(&mut out, report, labels);
    }
    if !report.breaks.is_empty() {
        out.push('\n');
        breaks(&mut out, report, labels);
    }
    if let Some(run) = report.points.first() {
        out.push('\n');
        paragraph(&mut out, &footer(report, run), 2);
    }
    out
}

fn opening(report: &RampReport, labels: &Labels) -> String {
    let Labels { title, unit, .. } = labels;
    let (Some(first), Some(last)) = (report.points.first(), report.points.last()) else {
        return format!("{title}: no load was finished.");
    };
    let (from, to) = (count(first.users as f64), count(last.users as f64));
    match report.breaks.first() {
        Some(b) => {
            let what = phrases::limit(&b.limit);
            format!(
                "{title}, {from} to {to} {unit}: first to give way is {what}, at {} {unit}.",
                count(b.users as f64)
            )
        }
        None => format!("{title}, {from} to {to} {unit}: nothing gives way."),
    }
}

/// How deliveries and each operation's rate grow; what grows like all deliveries is said once.
fn growth_sentences(report: &RampReport, labels: &Labels) -> Vec<String> {
    let all = growth(report, |run| {
        run.operations.values().map(|o| o.deliveries_per_s).sum()
    });
    let Some(all) = all else { return Vec::new() };
    let say = |what: &str, g: crate::Growth| {
        let (words, unit) = (g.in_words(), &labels.unit);
        format!(
            "{what} {words} with {unit} (log-log slope {:.2} over {} loads).",
            g.slope, g.points
        )
    };
    // `grow quadratically (…) with users` reads badly: the bracket goes last.
    let tidy = |text: String| match (text.find(" (a power"), text.find(") with ")) {
        (Some(open), Some(close)) => {
            let aside = text[open..=close].to_owned();
            let without = text.replacen(&aside, "", 1);
            format!(
                "{}: {}.",
                without.trim_end_matches('.'),
                aside.trim_start_matches(" (").trim_end_matches(')')
            )
        }
        _ => text,
    };
    let mut sentences = vec![tidy(say("Deliveries", all))];
    let names: Vec<&String> = report
        .points
        .last()
        .map(|run| run.operations.keys().collect())
        .unwrap_or_default();
    for name in names {
        let own = growth(report, |run| {
            run.operations.get(name).map_or(0.0, |o| o.deliveries_per_s)
        });
        if let Some(own) = own.filter(|own| (own.slope - all.slope).abs() > 0.1) {
            sentences.push(tidy(say(&format!("Deliveries of {name}"), own)));
        }
    }
    sentences
}

fn loads(out: &mut String, report: &RampReport, labels: &Labels) {
    let header = [
        labels.unit.as_str(),
        "deliveries",
        "p50",
        "p99",
        "fullest",
        "used",
        "a month",
        "gives way",
    ];
    let mut table = Table::new(0, &header);
    for run in &report.points {
        let latency = main_latency(run)
            .map(|(_, latency)| latency)
            .filter(|_| phrases::unstable_tier(run).is_none());
        let percentile = |pick: fn(&sim_core::report::LatencyReport) -> Option<f64>| {
            latency
                .and_then(pick)
                .map_or_else(|| "-".to_owned(), millis)
        };
        let deliveries: f64 = run.operations.values().map(|o| o.deliveries_per_s).sum();
        let fullest = run.bottleneck.as_ref();
        table.row(vec![
            count(run.users as f64),
            rate(deliveries),
            percentile(|l| l.p50.value),
            percentile(|l| l.p99.value),
            fullest
                .map(|b| format!("{} {}", phrases::tier(&b.tier), b.resource))
                .unwrap_or_default(),
            fullest.map(|b| percent(b.utilization)).unwrap_or_default(),
            run.cost
                .as_ref()
                .map(|c| usd(c.usd_per_month))
                .unwrap_or_default(),
            state(report, run),
        ]);
    }
    table.write(out);
}

/// How a load went, in a few words.
fn state(report: &RampReport, run: &RunReport) -> String {
    if let Some(tier) = phrases::unstable_tier(run) {
        return format!("unstable: {}", phrases::tier(&tier));
    }
    let stopped = if run.stop == "Finished" {
        ""
    } else {
        "stopped early, "
    };
    let fresh = report
        .breaks
        .iter()
        .filter(|b| b.users == run.users)
        .count();
    match (fresh, stopped) {
        (0, "") => "-".to_owned(),
        (0, _) => "stopped early".to_owned(),
        (n, _) => format!("{stopped}{n} new"),
    }
}

fn breaks(out: &mut String, report: &RampReport, labels: &Labels) {
    let mut table = Table::new(2, &["Gives way", "what", &labels.unit]);
    for (index, b) in report.breaks.iter().enumerate() {
        table.row(vec![
            format!("{}.", index + 1),
            phrases::limit(&b.limit),
            count(b.users as f64),
        ]);
    }
    table.write(out);
}

fn footer(report: &RampReport, run: &RunReport) -> String {
    let cpu_s: f64 = report
        .points
        .iter()
        .map(|p| p.engine.cpu_s + p.engine.setup_cpu_s)
        .sum();
    let events: u64 = report.points.iter().map(|p| p.engine.events).sum();
    format!(
        "{} · seed {}, population {} · {} loads · {} measured at each · {} events · {} CPU",
        run.scenario.name,
        run.seed,
        run.population_seed,
        report.points.len(),
        crate::numbers::seconds(run.simulated_s),
        count(events as f64),
        crate::numbers::seconds(cpu_s),
    )
}
