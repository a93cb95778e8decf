//! Turns reports into what people and programs read: text for architects, JSON and CSV for the rest.
//!
//! One file per format, one entry point ([`render`]), one shared test over one sample. Nothing here computes a result: what a
//! report does not hold is not shown.

mod csv;
mod digest;
pub mod evidence;
mod growth;
mod json;
pub mod numbers;
mod phrases;
#[doc(hidden)]
pub mod sample;
pub mod table;
mod text;

use sim_core::report::{RampReport, RunReport};

pub use digest::{digest, digest_ramp};
pub use growth::{Growth, growth};
pub use phrases::limit as limit_in_words;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For reading: at most 100 columns, no colour.
    Text,
    /// One object, keys in a stable order.
    Json,
    /// `metric,value,low,high`; a ramp has one row per load.
    Csv,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 3] = [Format::Text, Format::Json, Format::Csv];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Csv => "csv",
        }
    }

    /// The format that a file extension asks for.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "txt" | "text" => Some(Format::Text),
            "json" => Some(Format::Json),
            "csv" => Some(Format::Csv),
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
}

/// Names for people, which the report itself does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The scenario's title: `Team chat`.
    pub title: String,
    /// What one user is called: `users`.
    pub unit: String,
}

/// Writes `document` as `format`, ending in a newline.
#[must_use]
pub fn render(document: Document<'_>, labels: &Labels, format: Format) -> String {
    match (document, format) {
        (Document::Run(run), Format::Text) => text::run(run, labels),
        (Document::Ramp(ramp), Format::Text) => text::ramp(ramp, labels),
        (Document::Run(run), Format::Json) => json::render(run),
        (Document::Ramp(ramp), Format::Json) => json::render(ramp),
        (Document::Run(run), Format::Csv) => csv::run(run),
        (Document::Ramp(ramp), Format::Csv) => csv::ramp(ramp),
    }
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
                let written = render(document, &labels, format);
                let what = format.name();
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
        assert_eq!(Format::from_extension("pdf"), None);
    }
}
