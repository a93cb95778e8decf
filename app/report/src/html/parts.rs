//! Pieces of a page that several verbs share.

use sim_core::report::{BreaksAt, RunReport};

use crate::chart::{self, Figure};
use crate::escape::{html, html_prose};
use crate::grid::{Grid, shape, tone};
use crate::numbers::{count, millis, percent, usd};
use crate::sentences::{beside as beside_operations, by_importance, main_latency, mishaps};
use crate::{Labels, phrases, populations, sentences, story, tables};

/// The top of a page.
pub(super) struct Top<'a> {
    /// `run of team-chat`
    pub(super) kicker: String,
    /// `Team chat, 200 K users`
    pub(super) title: &'a str,
    /// The verdict in one sentence.
    pub(super) lead: String,
    /// What gives way, and the like.
    pub(super) more: Vec<String>,
    /// A verdict and its sentence.
    pub(super) state: Option<(&'a str, String)>,
}

/// Writes the top.
pub(super) fn top(top: &Top<'_>) -> String {
    let mut out = format!(
        "<header>\n<p class=\"kicker\">Plimsoll <span>{}</span></p>\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n",
        html(&top.kicker),
        html(top.title),
        html_prose(&top.lead)
    );
    for sentence in &top.more {
        out.push_str(&format!(
            "<p class=\"second\">{}</p>\n",
            html_prose(sentence)
        ));
    }
    if let Some((verdict, sentence)) = &top.state {
        out.push_str(&format!(
            "<p class=\"state {0}\">{1}<span>{2}</span></p>\n",
            tone(verdict),
            shape(tone(verdict)),
            html_prose(sentence)
        ));
    }
    out.push_str("</header>\n");
    out
}

/// What a reader must know first.
pub(super) fn warnings(warnings: &[String]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let items: String = warnings
        .iter()
        .map(|w| format!("<li>{}</li>\n", html_prose(w)))
        .collect();
    format!(
        "<aside aria-label=\"Warnings\">\n<h2>Read this first</h2>\n<ul>\n{items}</ul>\n</aside>\n"
    )
}

/// A heading, a sentence below it, and its content; nothing without content.
pub(super) fn section(heading: &str, intro: &str, content: &str) -> String {
    if content.is_empty() && intro.is_empty() {
        return String::new();
    }
    let intro = if intro.is_empty() {
        String::new()
    } else {
        format!("<p class=\"intro\">{}</p>\n", html_prose(intro))
    };
    format!(
        "<section>\n<h2>{}</h2>\n{intro}{content}</section>\n",
        html(heading)
    )
}

/// A drawing with its numbers in words.
pub(super) fn figure(figure: &Figure) -> String {
    format!(
        "<figure>\n<figcaption><strong>{}</strong> {}</figcaption>\n<div class=\"chart\">{}</div>\n</figure>\n",
        html(&figure.title),
        html(&figure.summary),
        figure.svg
    )
}

/// Figures side by side where there is room, and a last cell of something else.
pub(super) fn figures(all: &[Figure], last: &str) -> String {
    if all.is_empty() {
        return last.to_owned();
    }
    let drawn: String = all.iter().map(figure).collect();
    let last = if last.is_empty() {
        String::new()
    } else {
        format!("<div>{last}</div>\n")
    };
    format!("<div class=\"pair\">\n{drawn}{last}</div>\n")
}

/// A figure with its table beside it.
pub(super) fn beside(drawn: Option<&Figure>, table: Option<&Grid>) -> String {
    let table = table.map(Grid::html);
    match (drawn.map(figure), table) {
        (Some(figure), Some(table)) => {
            format!("<div class=\"beside\">\n{figure}<div>{table}</div>\n</div>\n")
        }
        (Some(figure), None) => format!("<div class=\"pair\">\n{figure}</div>\n"),
        (None, table) => table.unwrap_or_default(),
    }
}

/// The four numbers of a run.
pub(super) fn tiles(report: &RunReport, labels: &Labels) -> String {
    let mut all: Vec<(String, String, String)> = Vec::new();
    if phrases::unstable_tier(report).is_none()
        && let Some((words, latency)) = main_latency(report)
        && let Some(p99) = latency.p99.value
    {
        let note = match (latency.p99.low, latency.p99.high) {
            (Some(low), Some(high)) => format!("{} to {}", millis(low), millis(high)),
            _ => "no interval".to_owned(),
        };
        all.push((format!("99 % {words} within"), millis(p99), note));
    }
    if let Some((b, users)) = report
        .breaks_at
        .as_ref()
        .and_then(|b| Some((b, b.users.value?)))
    {
        let (name, note) = if sentences::saturated(report) {
            ("beyond what it holds; breaks below", labels.unit.clone())
        } else {
            ("breaks at", breaks_note(b, labels))
        };
        all.push((name.to_owned(), count(users), note));
    }
    if let Some(b) = &report.bottleneck {
        let note = phrases::resource(&b.tier, &b.resource);
        all.push(("fullest".to_owned(), percent(b.utilization), note));
    }
    if let Some(c) = &report.cost {
        all.push((
            "cost a month".to_owned(),
            usd(c.usd_per_month),
            format!("{} per user", usd(c.usd_per_user_month)),
        ));
    }
    if all.is_empty() {
        return String::new();
    }
    let tile = |(name, value, note): &(String, String, String)| {
        format!(
            "<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>\n",
            html(name),
            html(value),
            html(note)
        )
    };
    format!(
        "<dl class=\"tiles\">\n{}</dl>\n",
        all.iter().map(tile).collect::<String>()
    )
}

fn breaks_note(b: &BreaksAt, labels: &Labels) -> String {
    match (b.users.low, b.users.high, b.estimate) {
        (Some(low), Some(high), _) => {
            format!("{} to {} {}", count(low), count(high), labels.unit)
        }
        (.., true) => format!("{}, estimate", labels.unit),
        (.., false) => format!("{}, simulated", labels.unit),
    }
}

/// Everything about one load, from what gives way to what it costs.
pub(super) fn body(report: &RunReport, labels: &Labels) -> String {
    let mut out = String::new();
    let line = chart::load_line(report, &labels.unit);
    let gives_way = beside(line.as_ref(), None);
    let gives_way = section(
        "What gives way, and where",
        &story::evidence(report).unwrap_or_default(),
        &gives_way,
    );
    let objectives = tables::objectives(&report.objectives)
        .map(|grid| grid.html())
        .unwrap_or_default();
    let objectives = section("Objectives", "", &objectives);
    if gives_way.is_empty() || objectives.is_empty() {
        out.push_str(&gives_way);
        out.push_str(&objectives);
    } else {
        out.push_str(&format!(
            "<div class=\"split\">\n{gives_way}{objectives}</div>\n"
        ));
    }
    out.push_str(&latency(report));
    out.push_str(&section(
        "Other users and channels",
        &populations::sentence(report).unwrap_or_default(),
        &populations::grid(report)
            .map(|grid| grid.html())
            .unwrap_or_default(),
    ));
    out.push_str(&causes(report));
    let intro =
        "A resource above 80 % leaves little room for bursts and for the loss of an instance.";
    let used = chart::utilization(report);
    let used_intro = if used.is_some() { intro } else { "" };
    let tables = tables::tiers(report)
        .map(|grid| grid.html())
        .unwrap_or_default();
    out.push_str(&section(
        "Tiers",
        used_intro,
        &format!("{}{tables}", beside(used.as_ref(), None)),
    ));
    let mishaps: String = by_importance(report)
        .filter_map(|(name, o)| mishaps(name, o))
        .chain(beside_operations(report))
        .map(|text| format!("<p>{}</p>\n", html(&story::capital(&text))))
        .collect();
    let counts = tables::operations(report)
        .map(|grid| grid.html())
        .unwrap_or_default();
    let connections = tables::connections(report)
        .map(|grid| grid.html())
        .unwrap_or_default();
    out.push_str(&section(
        "Deliveries and connections",
        "",
        &format!("{counts}{mishaps}{connections}"),
    ));
    let faults = tables::faults(report).map(|grid| grid.html());
    out.push_str(&section("Faults", "", &faults.unwrap_or_default()));
    let bill = beside(chart::cost(report).as_ref(), tables::cost(report).as_ref());
    out.push_str(&section(
        "Cost",
        &story::cost(report).unwrap_or_default(),
        &bill,
    ));
    out
}

fn latency(report: &RunReport) -> String {
    let places: String = [
        tables::places(report, "region", |o| &o.by_region),
        tables::places(report, "access", |o| &o.by_access),
    ]
    .into_iter()
    .flatten()
    .map(|grid| grid.html())
    .collect();
    let curve = chart::percentiles(report).map(|f| figure(&f));
    let upper = match (curve, places.is_empty()) {
        (Some(curve), false) => {
            format!("<div class=\"beside\">\n{curve}<div>{places}</div>\n</div>\n")
        }
        (Some(curve), true) => format!("<div class=\"pair\">\n{curve}</div>\n"),
        (None, _) => places,
    };
    let table = tables::latency(report)
        .map(|grid| grid.html())
        .unwrap_or_default();
    let over_time = figures(&chart::over_time(report), "");
    let intro = match phrases::unstable_tier(report) {
        Some(tier) => format!(
            "The queue at the {} grows for as long as the load lasts: no percentile describes it, so none is given.",
            phrases::tier(&tier)
        ),
        None => String::new(),
    };
    let mut out = section("Latency", &intro, &format!("{table}{upper}"));
    out.push_str(&section("Over time", "", &over_time));
    out
}

fn causes(report: &RunReport) -> String {
    if phrases::unstable_tier(report).is_some() {
        return String::new();
    }
    let all: String = by_importance(report)
        .map(|(name, operation)| {
            beside(
                chart::causes(name, operation).as_ref(),
                tables::breakdown(name, operation).as_ref(),
            )
        })
        .collect();
    let intro = "The mean beside the slowest 1 %: what is large in the lower bar only is what to fix for the tail.";
    section(
        "Where the time goes",
        if all.is_empty() { "" } else { intro },
        &all,
    )
}

/// Assumptions, and how the numbers were obtained.
pub(super) fn footer(verb: &str, report: &RunReport, labels: &Labels) -> String {
    let mut out = String::new();
    let sources = tables::sources(report)
        .map(|grid| grid.html())
        .unwrap_or_default();
    out.push_str(&section("Assumptions and sources", "", &sources));
    let how: String = story::precision(report)
        .iter()
        .map(|s| format!("<p>{}</p>\n", html_prose(s)))
        .collect();
    let grid = tables::provenance(verb, report, labels).html();
    out.push_str(&section(
        "How the numbers were obtained",
        "",
        &format!("<div class=\"prose\">{how}</div>\n{grid}"),
    ));
    out
}
