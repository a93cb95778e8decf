//! A check as Markdown: which scenarios hold, and for those that do not, which objective and why.

use sim_core::report::{CheckReport, CheckedObjective};

use super::Page;
use crate::grid::{Cell, Grid};
use crate::{sentences, story, tables};

/// A check, its verdict first.
#[must_use]
pub fn markdown_check(report: &CheckReport) -> String {
    let mut page = Page::default();
    page.strong(&format!(
        "{}: {}",
        story::capital(&report.verdict),
        story::check(report)
    ));
    page.warnings(&story::warnings(
        report.scenarios.iter().filter_map(|s| s.report.as_ref()),
    ));
    if let Some(grid) = scenarios(report).filled() {
        page.grid(&grid);
    }
    for scenario in &report.scenarios {
        if let Some(grid) = tables::checked(scenario) {
            page.heading(&format!("{}: {}", scenario.scenario, scenario.verdict));
            page.grid(&grid);
        }
    }
    let ran: Vec<String> = report
        .scenarios
        .iter()
        .filter_map(|s| Some((&s.scenario, s.report.as_ref()?)))
        .map(|(name, run)| {
            format!(
                "{}: hash {}, seed {}, population seed {}, plimsoll {}.",
                name, run.scenario.hash, run.seed, run.population_seed, run.plimsoll
            )
        })
        .collect();
    page.list(&ran);
    page.command(&rerun(report));
    page.finish()
}

/// One row per scenario.
pub(crate) fn scenarios(report: &CheckReport) -> Grid {
    let mut grid = Grid::new(
        "Scenarios checked",
        4,
        &["scenario", "verdict", "objectives", "result"],
    );
    for s in &report.scenarios {
        let results: Vec<_> = s.objectives.iter().map(|o| o.result.clone()).collect();
        let said = match (&s.error, &s.report) {
            (Some(error), _) => error.clone(),
            // What stops it, if something does; else what it achieves.
            (None, Some(run)) => {
                let stops =
                    |o: &&CheckedObjective| s.verdict != "pass" && o.result.verdict == s.verdict;
                match s.objectives.iter().find(stops) {
                    Some(objective) => story::full_stop(&objective.reason),
                    None => story::capital(&sentences::latency_sentence(run)),
                }
            }
            (None, None) => String::new(),
        };
        let passed = results.iter().filter(|r| r.verdict == "pass").count();
        let stand = if results.is_empty() {
            "none".to_owned()
        } else {
            format!("{passed} of {} pass", results.len())
        };
        grid.row(vec![
            Cell::new(&s.scenario),
            Cell::verdict(&s.verdict),
            Cell::new(stand),
            Cell::new(said),
        ]);
    }
    grid
}

/// The command of a check.
pub(crate) fn rerun(report: &CheckReport) -> String {
    let names = report.scenarios.iter().map(|s| s.scenario.as_str());
    story::shell_line(["plimsoll", "check"].into_iter().chain(names))
}
