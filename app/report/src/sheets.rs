//! The tables and sentences of a report for a window: the same cells as on a page, drawn by whoever asks.

use sim_core::report::{CompareReport, RunReport};

use crate::grid::Grid;
use crate::{Labels, phrases, sentences, story, tables};

/// Percentiles of every operation.
#[must_use]
pub fn latency(report: &RunReport) -> Option<Grid> {
    tables::latency(report)
}

/// Where the time of each operation goes, in the mean and in the slowest 1 %; the most important operation first.
#[must_use]
pub fn breakdowns(report: &RunReport) -> Vec<Grid> {
    sentences::by_importance(report)
        .filter_map(|(name, operation)| tables::breakdown(name, operation))
        .collect()
}

/// How full every resource of every tier is.
#[must_use]
pub fn tiers(report: &RunReport) -> Option<Grid> {
    tables::tiers(report)
}

/// The bill, largest item first.
#[must_use]
pub fn cost(report: &RunReport) -> Option<Grid> {
    tables::cost(report)
}

/// Numbers and their sources, assumed ones first.
#[must_use]
pub fn sources(report: &RunReport) -> Option<Grid> {
    tables::sources(report)
}

/// Objectives, what was measured, and the verdict.
#[must_use]
pub fn objectives(report: &RunReport) -> Option<Grid> {
    tables::objectives(&report.objectives)
}

/// What differs between two designs: what is worse, then what is better, then the rest.
#[must_use]
pub fn differences(report: &CompareReport, names: (&str, &str)) -> Option<Grid> {
    tables::differences(report, names)
}

/// Where each of two designs breaks.
#[must_use]
pub fn limits(report: &CompareReport, names: (&str, &str)) -> Grid {
    tables::limits(report, names)
}

/// The verdict of a comparison and what moved most, one sentence each; what a reader must know in front.
#[must_use]
pub fn compared(report: &CompareReport) -> Vec<String> {
    let warnings = report.warnings.iter().map(|w| story::full_stop(w));
    let mut all: Vec<String> = warnings.collect();
    all.push(story::capital(&story::compare_lead(report)));
    all.extend(story::compare_moved(report));
    all
}

/// The answer of a run in one paragraph.
#[must_use]
pub fn opening(report: &RunReport, labels: &Labels) -> String {
    sentences::opening(report, labels)
}

/// A tier in words: `database`.
#[must_use]
pub fn tier(name: &str) -> String {
    phrases::tier(name)
}

#[cfg(test)]
mod tests {
    use sim_core::report::SourceReport;

    use super::*;
    use crate::sample;

    #[test]
    fn a_window_has_the_same_tables_as_a_page() {
        let mut run = sample::run();
        run.sources = vec![SourceReport {
            path: "design.database.pool".to_owned(),
            value: "100".to_owned(),
            status: "Assumed".to_owned(),
            source: "a round figure".to_owned(),
        }];
        let all = [
            latency(&run),
            tiers(&run),
            cost(&run),
            sources(&run),
            objectives(&run),
        ];
        for grid in all {
            let grid = grid.expect("the sample has it");
            assert!(grid.rows.iter().all(|row| row.len() == grid.head.len()));
        }
        assert!(!breakdowns(&run).is_empty());
        assert!(opening(&run, &sample::labels()).contains("212"));
    }
}
