//! Turns reports into what people and programs read: text for architects, JSON and CSV for the rest.
//!
//! One file per format, one entry point ([`render`]), one shared test over one sample. Nothing here computes a result: what a
//! report does not hold is not shown.

mod chart;
mod comparisons;
mod csv;
mod digest;
mod escape;
pub mod evidence;
mod github;
mod grid;
mod growth;
mod html;
mod json;
mod junit;
pub mod lesson;
mod markdown;
mod metric;
pub mod numbers;
mod phrases;
mod populations;
mod reason;
#[doc(hidden)]
pub mod sample;
mod sentences;
pub mod sheets;
mod story;
pub mod table;
mod tables;
mod text;

use sim_core::report::{
    AdviceReport, CapacityReport, CheckReport, CompareReport, RampReport, RunReport,
};

pub use chart::{LatencyLine, latency_line_csv, latency_line_svg};
pub use comparisons::{Compared, render_compared};
pub use csv::{csv_histogram, csv_series};
pub use digest::{digest, digest_ramp};
pub use github::annotations;
pub use grid::{Cell, Grid, Set};
pub use growth::{Growth, growth};
pub use html::{html_capacity, html_check, html_compare, html_ramp, html_run};
pub use junit::{junit_check, junit_run};
pub use markdown::{
    markdown_capacity, markdown_check, markdown_compare, markdown_ramp, markdown_run,
};
pub use phrases::limit as limit_in_words;
pub use reason::reason;
pub use story::shell_line;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For reading: at most 100 columns, no colour.
    Text,
    /// One object, keys in a stable order.
    Json,
    /// `metric,value,low,high`; a ramp has one row per load.
    Csv,
    /// For a pull request or a wiki.
    Markdown,
    /// One page with charts that needs nothing else.
    Html,
    /// Objectives as test cases.
    Junit,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 6] = [
        Format::Text,
        Format::Json,
        Format::Csv,
        Format::Markdown,
        Format::Html,
        Format::Junit,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Markdown => "markdown",
            Format::Html => "html",
            Format::Junit => "junit",
        }
    }

    /// The format that a file extension asks for.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "txt" | "text" => Some(Format::Text),
            "json" => Some(Format::Json),
            "csv" => Some(Format::Csv),
            "md" | "markdown" => Some(Format::Markdown),
            "html" | "htm" => Some(Format::Html),
            "xml" => Some(Format::Junit),
            _ => None,
        }
    }
}

/// What there is to write.
#[derive(Clone, Copy, Debug)]
pub enum Document<'a> {
    /// One run.
    Run(&'a RunReport),
    /// Runs at rising loads.
    Ramp(&'a RampReport),
    /// Two designs: the labels given are those of the second, these those of the first.
    Compare(&'a CompareReport, &'a Labels),
    /// Objectives of several scenarios.
    Check {
        /// What was found.
        report: &'a CheckReport,
        /// Whether what could not be decided counts as a failure.
        inconclusive_fails: bool,
    },
    /// A search for the load at which it breaks.
    Capacity(&'a CapacityReport),
    /// What would fix it, and which guess matters.
    Advice(&'a AdviceReport),
}

/// Names for people, which the report itself does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The scenario's title: `Team chat`.
    pub title: String,
    /// What one user is called: `users`.
    pub unit: String,
    /// The command that gives this report again; `None`: one is put together from the report.
    pub command: Option<String>,
}

/// A format that cannot say what a document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported;

impl Format {
    /// Whether a ramp can be written so: JUnit cannot, a ramp has no objective to pass or fail at any one load.
    #[must_use]
    pub fn writes_ramps(self) -> bool {
        self != Format::Junit
    }

    /// Whether advice can be written so.
    #[must_use]
    pub fn writes_advice(self) -> bool {
        matches!(self, Format::Text | Format::Json)
    }
}

/// Writes `document` as `format`, ending in a newline.
///
/// # Errors
/// For a ramp or a capacity search as JUnit, see [`Format::writes_ramps`], and for advice, see [`Format::writes_advice`].
pub fn render(
    document: Document<'_>,
    labels: &Labels,
    format: Format,
) -> Result<String, Unsupported> {
    Ok(match (document, format) {
        (Document::Run(run), Format::Text) => text::run(run, labels),
        (Document::Ramp(ramp), Format::Text) => text::ramp(ramp, labels),
        (Document::Run(run), Format::Json) => json::render(run),
        (Document::Ramp(ramp), Format::Json) => json::render(ramp),
        (Document::Run(run), Format::Csv) => csv::run(run),
        (Document::Ramp(ramp), Format::Csv) => csv::ramp(ramp),
        (Document::Run(run), Format::Markdown) => markdown_run(run, labels),
        (Document::Ramp(ramp), Format::Markdown) => markdown_ramp(ramp, labels),
        (Document::Run(run), Format::Html) => html_run(run, labels),
        (Document::Ramp(ramp), Format::Html) => html_ramp(ramp, labels),
        (Document::Run(run), Format::Junit) => junit_run(run, true),
        (Document::Compare(report, a), Format::Text) => text::compare(report, a, labels),
        (Document::Compare(report, _), Format::Json) => json::render(report),
        (Document::Compare(report, a), Format::Markdown) => markdown_compare(report, a, labels),
        (Document::Compare(report, a), Format::Html) => html_compare(report, a, labels),
        (Document::Compare(report, _), Format::Csv) => csv::differences(report),
        (Document::Check { report, .. }, Format::Text) => text::check(report),
        (Document::Check { report, .. }, Format::Json) => json::render(report),
        (Document::Check { report, .. }, Format::Markdown) => markdown_check(report),
        (Document::Check { report, .. }, Format::Html) => html_check(report),
        (Document::Check { report, .. }, Format::Csv) => csv::verdicts(report),
        (
            Document::Check {
                report,
                inconclusive_fails,
            },
            Format::Junit,
        ) => junit_check(report, inconclusive_fails),
        (Document::Capacity(found), Format::Text) => text::capacity(found, labels),
        (Document::Capacity(found), Format::Json) => json::render(found),
        (Document::Capacity(found), Format::Csv) => csv::loads(&found.runs),
        (Document::Capacity(found), Format::Markdown) => markdown_capacity(found, labels),
        (Document::Capacity(found), Format::Html) => html_capacity(found, labels),
        (Document::Advice(advice), Format::Text) => text::advice(advice, labels),
        (Document::Advice(advice), Format::Json) => json::render(advice),
        (Document::Compare(report, a), Format::Junit) => junit::comparisons(&[Compared::Pair {
            report,
            a,
            b: labels,
        }]),
        (Document::Ramp(_) | Document::Capacity(_), Format::Junit) => return Err(Unsupported),
        (Document::Advice(_), _) => return Err(Unsupported),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What holds for every format and document: it ends in one newline, names the scenario, fits its page, and says the
    /// 99th percentile.
    #[test]
    fn every_format_writes_the_sample() {
        let run = sample::run();
        let ramp = sample::ramp();
        let labels = sample::labels();
        for format in Format::ALL {
            for document in [Document::Run(&run), Document::Ramp(&ramp)] {
                let what = format.name();
                let Ok(written) = render(document, &labels, format) else {
                    assert!(!format.writes_ramps(), "{what}");
                    continue;
                };
                assert!(
                    written.ends_with('\n') && !written.ends_with("\n\n"),
                    "{what}"
                );
                assert!(
                    written.contains("team-chat") || written.contains("Team chat"),
                    "{what}\n{written}"
                );
                assert!(written.contains("212"), "{what}\n{written}");
                assert!(
                    !written.contains('\t') && !written.contains('\x1b'),
                    "{what}"
                );
                for line in written.lines() {
                    assert_eq!(line, line.trim_end(), "{what}: trailing blanks");
                    assert!(
                        format != Format::Text || line.chars().count() <= 100,
                        "{what}: wider than 100: {line}"
                    );
                }
            }
        }
    }

    #[test]
    fn extensions_pick_formats() {
        assert_eq!(Format::from_extension("JSON"), Some(Format::Json));
        assert_eq!(Format::from_extension("csv"), Some(Format::Csv));
        assert_eq!(Format::from_extension("txt"), Some(Format::Text));
        assert_eq!(Format::from_extension("md"), Some(Format::Markdown));
        assert_eq!(Format::from_extension("html"), Some(Format::Html));
        assert_eq!(Format::from_extension("xml"), Some(Format::Junit));
        assert_eq!(Format::from_extension("pdf"), None);
    }
}
