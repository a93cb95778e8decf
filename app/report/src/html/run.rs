//! The page of one run.

use sim_core::report::RunReport;

use super::page::page;
use super::parts::{Top, body, footer, tiles, top, warnings};
use crate::{Labels, sentences, story};

/// A run as one self-contained page.
#[must_use]
pub fn html_run(report: &RunReport, labels: &Labels) -> String {
    let title = sentences::subject(report, labels);
    let more = [
        sentences::gives_way(report, labels),
        sentences::stopped_early(report),
    ];
    let verdict = story::worst(&report.objectives);
    let head = Top {
        kicker: format!("run of {}", report.scenario.name),
        title: &title,
        lead: story::lead(report),
        more: more.into_iter().flatten().collect(),
        state: verdict.zip(story::objectives(&report.objectives)),
    };
    let first: Vec<String> = report
        .warnings
        .iter()
        .map(|w| story::full_stop(w))
        .collect();
    let parts = [
        top(&head),
        warnings(&first),
        tiles(report, labels),
        body(report, labels),
        footer("run", report, labels),
    ];
    page(&title, &parts.concat())
}
