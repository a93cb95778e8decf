//! The page of a comparison: what moved and by how much, where each breaks, both designs side by side.

use sim_core::report::CompareReport;

use super::page::page;
use super::parts::{Top, beside, figures, footer, section, tiles, top, warnings};
use crate::chart;
use crate::escape::html;
use crate::{Labels, sentences, story, tables};

/// Two designs as one self-contained page. `a` is the design in use, `b` the proposed one.
#[must_use]
pub fn html_compare(report: &CompareReport, a: &Labels, b: &Labels) -> String {
    let (title, body) = content(report, a, b);
    page(&title, &body)
}

/// Title and body.
pub(super) fn content(report: &CompareReport, a: &Labels, b: &Labels) -> (String, String) {
    let (ours, theirs) = story::names(report, a, b);
    let names = (ours.as_str(), theirs.as_str());
    let title = format!("{theirs} against {ours}");
    let mut out = top(&Top {
        kicker: if report.a.same_draws(&report.b) {
            "comparison on the same random numbers".to_owned()
        } else {
            "comparison".to_owned()
        },
        title: &title,
        lead: story::capital(&story::compare_lead(report)),
        more: story::compare_moved(report),
        state: story::gate(&report.findings).map(|why| (report.verdict.as_str(), why)),
    });
    let mut first: Vec<String> = report
        .warnings
        .iter()
        .map(|w| story::full_stop(w))
        .collect();
    for own in story::warnings([&report.a, &report.b].into_iter()) {
        if !first.contains(&own) {
            first.push(own);
        }
    }
    out.push_str(&warnings(&first));
    let moved = chart::differences(report, names);
    let table = tables::differences(report, names)
        .map(|grid| grid.html())
        .unwrap_or_default();
    out.push_str(&section(
        "What moved",
        "",
        &format!("{}{table}", beside(moved.as_ref(), None)),
    ));
    out.push_str(&section(
        "Where it breaks now",
        "",
        &tables::limits(report, names).html(),
    ));
    let drawn: Vec<_> = [
        chart::percentiles_of_two(report, names),
        chart::pairs(report, names),
    ]
    .into_iter()
    .flatten()
    .collect();
    out.push_str(&section("Side by side", "", &figures(&drawn, "")));
    for (name, run, labels) in [(names.0, &report.a, a), (names.1, &report.b, b)] {
        let objectives = tables::objectives(&run.objectives)
            .map(|grid| grid.html())
            .unwrap_or_default();
        let tiers = tables::tiers(run)
            .map(|grid| grid.html())
            .unwrap_or_default();
        let bill = beside(chart::cost(run).as_ref(), tables::cost(run).as_ref());
        let latency = tables::latency(run)
            .map(|grid| grid.html())
            .unwrap_or_default();
        let content = format!(
            "<p class=\"intro\">{}</p>\n{}{objectives}{latency}{bill}{tiers}",
            html(&sentences::opening(run, labels)),
            tiles(run, labels)
        );
        out.push_str(&section(name, "", &content));
    }
    let command = Labels {
        command: Some(crate::markdown::rerun_compare(report, b)),
        ..b.clone()
    };
    out.push_str(&footer("compare", &report.b, &command));
    (title, out)
}
