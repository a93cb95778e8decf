//! Comparisons of several files in one report: what each file comes to, then one after the other. A file that its baseline does
//! not have stands there with its objectives, one that only the baseline has by its name.

use sim_core::report::{CheckReport, CompareReport, GoneFileReport, NewFileReport};

use crate::grid::{Cell, Grid};
use crate::{Format, Labels, csv, html, json, junit, markdown, story, text};

/// What there is to say of one file.
#[derive(Clone, Copy, Debug)]
pub enum Compared<'a> {
    /// Two designs.
    Pair {
        /// What was found.
        report: &'a CompareReport,
        /// What the first, in use, is called.
        a: &'a Labels,
        /// What the second, proposed, is called.
        b: &'a Labels,
    },
    /// A file that the baseline does not have.
    New(&'a NewFileReport),
    /// A file that only the baseline has.
    Gone(&'a GoneFileReport),
}

/// Writes comparisons as `format`, ending in a newline.
#[must_use]
pub fn render_compared(files: &[Compared<'_>], command: Option<&str>, format: Format) -> String {
    match format {
        Format::Junit => junit::comparisons(files),
        Format::Html => html::comparisons(files, command),
        Format::Markdown => together(files, "\n---\n\n", markdown::overview, markdown::compared),
        Format::Text => together(files, "\n", text::overview, text::compared),
        Format::Csv => each(files, csv_of).join("\n"),
        Format::Json => match each(files, json_of).as_slice() {
            [one] => one.clone(),
            all => format!("[\n{}]\n", all.join(",\n")),
        },
    }
}

fn each(files: &[Compared<'_>], write: impl Fn(&Compared<'_>) -> String) -> Vec<String> {
    files.iter().map(write).collect()
}

/// Several files behind what they come to; one by itself.
fn together(
    files: &[Compared<'_>],
    between: &str,
    overview: impl Fn(&[Compared<'_>]) -> String,
    write: impl Fn(&Compared<'_>) -> String,
) -> String {
    let mut all = each(files, &write);
    if files.len() > 1 {
        all.insert(0, overview(files));
    }
    all.join(between)
}

fn json_of(file: &Compared<'_>) -> String {
    match file {
        Compared::Pair { report, .. } => json::render(*report),
        Compared::New(report) => json::render(*report),
        Compared::Gone(report) => json::render(*report),
    }
}

fn csv_of(file: &Compared<'_>) -> String {
    match file {
        Compared::Pair { report, .. } => csv::differences(report),
        Compared::New(report) => csv::verdicts(&as_check(report)),
        Compared::Gone(report) => format!("file,status\n{},{}\n", report.file, report.status),
    }
}

/// A new file as a check of one scenario.
pub(crate) fn as_check(report: &NewFileReport) -> CheckReport {
    CheckReport {
        verdict: report.verdict.clone(),
        scenarios: vec![report.checked.clone()],
    }
}

impl Compared<'_> {
    /// What the file is called.
    pub(crate) fn name(&self) -> String {
        match self {
            Compared::Pair { report, a, b } => report.file.clone().unwrap_or_else(|| {
                let (ours, theirs) = story::names(report, a, b);
                format!("{theirs} against {ours}")
            }),
            Compared::New(report) => report.file.clone(),
            Compared::Gone(report) => report.file.clone(),
        }
    }

    /// `pass`, `fail`, `inconclusive` or `invalid`.
    pub(crate) fn verdict(&self) -> &str {
        match self {
            Compared::Pair { report, .. } => &report.verdict,
            Compared::New(report) => &report.verdict,
            Compared::Gone(report) => &report.verdict,
        }
    }

    /// What a reader must know, in a sentence or two.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Compared::Pair { report, .. } => {
                let renamed = match &report.renamed_from {
                    Some(old) => format!("Renamed from {old}. "),
                    None => String::new(),
                };
                let counts = story::capital(&story::compare_counts(report));
                let gate = story::gate(&report.findings).map_or(String::new(), |g| format!("{g} "));
                format!("{renamed}{gate}{counts}")
            }
            Compared::New(report) => new_file(report),
            Compared::Gone(report) => gone_file(report),
        }
    }
}

/// `New since main, so checked by itself: 2 of 3 objectives pass; …`
pub(crate) fn new_file(report: &NewFileReport) -> String {
    let results: Vec<_> = report
        .checked
        .objectives
        .iter()
        .map(|o| o.result.clone())
        .collect();
    let stand = match (&report.checked.error, story::objectives(&results)) {
        (Some(error), _) => story::full_stop(error),
        (None, Some(sentence)) => sentence,
        (None, None) => "it states no objective.".to_owned(),
    };
    format!(
        "Not there at {}, so nothing to compare; checked by itself: {stand}",
        report.rev
    )
}

/// `Deleted since main; …`
pub(crate) fn gone_file(report: &GoneFileReport) -> String {
    let what = match &report.moved_to {
        Some(to) => format!("Moved since {} to {to}, which is not compared", report.rev),
        None => format!("Deleted since {}", report.rev),
    };
    let asked = match report.objectives.len() {
        0 => "; it stated no objective".to_owned(),
        1 => "; its objective is asked for no more".to_owned(),
        n => format!("; its {n} objectives are asked for no more"),
    };
    let gate = story::gate(&report.findings).map_or(String::new(), |gate| format!(" {gate}"));
    format!("{what}{asked}.{gate}")
}

/// How many files pass, in one sentence.
pub(crate) fn lead(files: &[Compared<'_>]) -> String {
    format!("{} files compared: {}.", files.len(), verdicts(files))
}

/// `2 fail, 1 pass`
pub(crate) fn verdicts(files: &[Compared<'_>]) -> String {
    let words = [
        ("invalid", "invalid"),
        ("fail", "fail"),
        ("inconclusive", "inconclusive"),
        ("pass", "pass"),
    ];
    let parts: Vec<String> = words
        .iter()
        .map(|(verdict, word)| {
            let of = files.iter().filter(|file| file.verdict() == *verdict);
            (of.count(), *word)
        })
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    parts.join(", ")
}

/// One row per file.
pub(crate) fn overview(files: &[Compared<'_>]) -> Grid {
    let mut grid = Grid::new("Files compared", 3, &["file", "verdict", "what moved"]);
    for file in files {
        grid.row(vec![
            Cell::new(file.name()),
            Cell::verdict(file.verdict()),
            Cell::new(file.sentence()),
        ]);
    }
    grid
}
