//! Several comparisons as one Markdown comment: what each file comes to, then each by itself.

use sim_core::report::{GoneFileReport, NewFileReport};

use super::{Page, markdown_compare};
use crate::comparisons::{self, Compared};
use crate::{sentences, story, tables};

/// One row per file, behind the sentence of all.
pub(crate) fn overview(files: &[Compared<'_>]) -> String {
    let mut page = Page::default();
    page.strong(&comparisons::lead(files));
    page.grid(&comparisons::overview(files));
    page.finish()
}

/// One file.
pub(crate) fn compared(file: &Compared<'_>) -> String {
    match file {
        Compared::Pair { report, a, b } => markdown_compare(report, a, b),
        Compared::New(report) => new_file(report),
        Compared::Gone(report) => gone_file(report),
    }
}

fn new_file(report: &NewFileReport) -> String {
    let mut page = Page::default();
    page.strong(&format!("{}: new", report.file));
    page.text(&comparisons::new_file(report));
    if let Some(run) = &report.checked.report {
        page.text(&story::capital(&sentences::latency_sentence(run)));
        page.warnings(&story::warnings(std::iter::once(run)));
    }
    page.section("Objectives", tables::checked(&report.checked));
    page.finish()
}

fn gone_file(report: &GoneFileReport) -> String {
    let mut page = Page::default();
    page.strong(&format!("{}: {}", report.file, report.status));
    page.text(&comparisons::gone_file(report));
    page.finish()
}
