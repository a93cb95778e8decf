//! A ramp and a capacity search as Markdown: what breaks where, then every load.

use sim_core::report::{CapacityReport, RampBreak, RampReport, RunReport};

use super::{Page, run};
use crate::{Labels, story, tables};

/// A ramp, what gives way first.
#[must_use]
pub fn markdown_ramp(report: &RampReport, labels: &Labels) -> String {
    let mut page = Page::default();
    page.strong(&format!(
        "{}, {}: {}",
        labels.title,
        story::range(&report.points, labels),
        story::ramp(report, labels)
    ));
    loads(&mut page, "ramp", &report.points, &report.breaks, labels);
    page.finish()
}

/// A capacity search, its answer first.
#[must_use]
pub fn markdown_capacity(report: &CapacityReport, labels: &Labels) -> String {
    let mut page = Page::default();
    page.strong(&format!(
        "{}: {}",
        labels.title,
        story::capacity(report, labels)
    ));
    loads(&mut page, "capacity", &report.runs, &report.breaks, labels);
    page.finish()
}

fn loads(page: &mut Page, verb: &str, points: &[RunReport], breaks: &[RampBreak], labels: &Labels) {
    page.warnings(&story::warnings(points.iter()));
    page.section("What gives way, in order", tables::breaks(breaks, labels));
    page.section("Every load", tables::loads(points, breaks, labels));
    if let Some(last) = largest_whole(points, breaks) {
        page.heading(&format!(
            "At {}",
            story::range(std::slice::from_ref(last), labels)
        ));
        run::body(page, last, labels);
        run::sources(page, last);
        page.section(
            "How to get this again",
            Some(tables::provenance(verb, last, labels)),
        );
        page.list(&story::precision(last));
        page.command(&story::rerun(verb, last, labels));
    }
}

/// The largest load before anything gives way; the smallest where all do.
pub(crate) fn largest_whole<'a>(
    points: &'a [RunReport],
    breaks: &[RampBreak],
) -> Option<&'a RunReport> {
    let first = breaks.iter().map(|b| b.users).min().unwrap_or(u64::MAX);
    points
        .iter()
        .rfind(|run| run.users < first)
        .or(points.first())
}
