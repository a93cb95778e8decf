//! The pages of a ramp and of a capacity search: latency, utilisation and cost against users, and where it breaks.

use sim_core::report::{BreaksAt, CapacityReport, RampBreak, RampReport, RunReport};

use super::page::page;
use super::parts::{Top, body, figures, footer, section, top, warnings};
use crate::chart;
use crate::markdown::largest_whole;
use crate::{Labels, story, tables};

/// A ramp as one self-contained page.
#[must_use]
pub fn html_ramp(report: &RampReport, labels: &Labels) -> String {
    let head = Head {
        verb: "ramp",
        lead: story::capital(&story::ramp(report, labels)),
        found: None,
    };
    loads(&head, &report.points, &report.breaks, labels)
}

/// A capacity search as one self-contained page.
#[must_use]
pub fn html_capacity(report: &CapacityReport, labels: &Labels) -> String {
    let head = Head {
        verb: "capacity",
        lead: story::capital(&story::capacity(report, labels)),
        found: report.breaks_at.as_ref(),
    };
    loads(&head, &report.runs, &report.breaks, labels)
}

struct Head<'a> {
    verb: &'a str,
    lead: String,
    found: Option<&'a BreaksAt>,
}

fn loads(head: &Head<'_>, points: &[RunReport], breaks: &[RampBreak], labels: &Labels) -> String {
    let title = format!("{}, {}", labels.title, story::range(points, labels));
    let name = points.first().map_or("", |run| run.scenario.name.as_str());
    let mut out = top(&Top {
        kicker: format!("{} of {name}", head.verb)
            .trim_end_matches(" of ")
            .to_owned(),
        title: &title,
        lead: head.lead.clone(),
        more: Vec::new(),
        state: None,
    });
    out.push_str(&warnings(&story::warnings(points.iter())));
    let unit = &labels.unit;
    let drawn: Vec<_> = [
        chart::latency_by_load(points, breaks, head.found, unit),
        chart::utilization_by_load(points, breaks, head.found, unit),
        chart::cost_by_load(points, breaks, head.found, unit),
    ]
    .into_iter()
    .flatten()
    .collect();
    let broken = tables::breaks(breaks, labels)
        .map(|grid| grid.html())
        .unwrap_or_default();
    out.push_str(&section(
        &format!("As {unit} grow"),
        "",
        &figures(&drawn, &broken),
    ));
    let every = tables::loads(points, breaks, labels)
        .map(|grid| grid.html())
        .unwrap_or_default();
    out.push_str(&section("Every load", "", &every));
    if let Some(run) = largest_whole(points, breaks) {
        let at = story::range(std::slice::from_ref(run), labels);
        let whole = if breaks.iter().all(|b| b.users > run.users) {
            "the largest load simulated at which nothing gives way"
        } else {
            "the smallest load simulated"
        };
        out.push_str(&format!(
            "<div class=\"part\"><h2>At {}</h2>\n<p class=\"intro\">The rest of this page is about {whole}.</p></div>\n",
            crate::escape::html(&at)
        ));
        out.push_str(&body(run, labels));
        out.push_str(&footer(head.verb, run, labels));
    }
    page(&title, &out)
}
