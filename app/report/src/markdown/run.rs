//! One run as Markdown.

use sim_core::report::RunReport;

use super::{Page, map};
use crate::sentences;
use crate::{Labels, populations, story, tables};

/// A run, verdict first.
#[must_use]
pub fn markdown_run(report: &RunReport, labels: &Labels) -> String {
    let mut page = Page::default();
    page.strong(&sentences::opening(report, labels));
    let first: Vec<String> = [
        sentences::gives_way(report, labels),
        story::objectives(&report.objectives),
        sentences::stopped_early(report),
    ]
    .into_iter()
    .flatten()
    .collect();
    page.text(&first.join(" "));
    let warnings: Vec<String> = report
        .warnings
        .iter()
        .map(|w| story::full_stop(w))
        .collect();
    page.warnings(&warnings);
    body(&mut page, report, labels);
    sources(&mut page, report);
    page.section(
        "How to get this again",
        Some(tables::provenance("run", report, labels)),
    );
    page.list(&story::precision(report));
    page.command(&story::rerun("run", report, labels));
    page.finish()
}

/// Everything about one load: objectives, latency, tiers, cost.
pub(super) fn body(page: &mut Page, report: &RunReport, labels: &Labels) {
    page.section("Objectives", tables::objectives(&report.objectives));
    page.section("Latency", tables::latency(report));
    if let (Some(grid), Some(sentence)) = (populations::grid(report), populations::sentence(report))
    {
        page.text(&sentence);
        page.grid(&grid);
    }
    let places = [
        tables::places(report, "region", |o| &o.by_region),
        tables::places(report, "access", |o| &o.by_access),
    ];
    for grid in places.into_iter().flatten() {
        page.grid(&grid);
    }
    if let Some(map) = map::map(report, labels) {
        page.heading("What gives way first, and where");
        page.text(&story::evidence(report).unwrap_or_default());
        page.blocks.push(map);
    }
    page.folded(
        "Utilisation of every tier",
        tables::tiers(report).as_slice(),
    );
    let causes: Vec<_> = sentences::by_importance(report)
        .filter_map(|(name, operation)| {
            Some((name.to_owned(), tables::breakdown(name, operation)?))
        })
        .collect();
    for (name, grid) in causes {
        page.folded(&format!("Where the time of {name} goes"), &[grid]);
    }
    let counts: Vec<_> = [tables::operations(report), tables::connections(report)]
        .into_iter()
        .flatten()
        .collect();
    page.folded("Rates, deliveries and connections", &counts);
    let mishaps: Vec<String> = sentences::by_importance(report)
        .filter_map(|(name, operation)| sentences::mishaps(name, operation))
        .map(|text| story::capital(&text))
        .chain(sentences::beside(report))
        .collect();
    page.list(&mishaps);
    page.folded(
        "What became of each fault",
        tables::faults(report).as_slice(),
    );
    if let (Some(grid), Some(sentence)) = (tables::cost(report), story::cost(report)) {
        page.heading("Cost");
        page.text(&sentence);
        page.grid(&grid);
    }
}

/// Sources, folded: they are long.
pub(super) fn sources(page: &mut Page, report: &RunReport) {
    page.folded(
        "Assumptions and sources",
        tables::sources(report).as_slice(),
    );
}
