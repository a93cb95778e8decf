//! The page of a check: which scenarios hold, and for those that do not, which objective and why.

use sim_core::report::CheckReport;

use super::page::page;
use super::parts::{Top, section, tiles, top, warnings};
use crate::grid::verdict_html;
use crate::{Labels, escape, markdown, story, tables};

/// A check as one self-contained page.
#[must_use]
pub fn html_check(report: &CheckReport) -> String {
    let title = format!("Check: {}", report.verdict);
    let mut out = top(&Top {
        kicker: "check".to_owned(),
        title: &title,
        lead: story::check(report),
        more: Vec::new(),
        state: Some((
            &report.verdict,
            format!("Verdict: {}, the worst of all.", report.verdict),
        )),
    });
    out.push_str(&warnings(&story::warnings(
        report.scenarios.iter().filter_map(|s| s.report.as_ref()),
    )));
    let all = markdown::check_scenarios(report)
        .filled()
        .map(|grid| grid.html())
        .unwrap_or_default();
    out.push_str(&section("Scenarios", "", &all));
    for scenario in &report.scenarios {
        let mut content = format!("<p>{}</p>\n", verdict_html(&scenario.verdict));
        if let Some(error) = &scenario.error {
            content.push_str(&format!("<pre>{}</pre>\n", escape::html(error)));
        }
        if let Some(run) = &scenario.report {
            let labels = Labels {
                title: scenario.scenario.clone(),
                unit: "users".to_owned(),
                command: None,
            };
            content.push_str(&tiles(run, &labels));
        }
        if let Some(grid) = tables::checked(scenario) {
            content.push_str(&grid.html());
        }
        if let Some(run) = &scenario.report {
            let labels = Labels {
                title: scenario.scenario.clone(),
                unit: "users".to_owned(),
                command: None,
            };
            let grid = tables::provenance("run", run, &labels);
            content.push_str(&format!(
                "<details><summary>How it was run</summary>\n{}</details>\n",
                grid.html()
            ));
        }
        out.push_str(&section(&scenario.scenario, "", &content));
    }
    let command = escape::html(&markdown::rerun_check(report));
    out.push_str(&section(
        "How to get this again",
        "",
        &format!("<pre>{command}</pre>\n"),
    ));
    page(&title, &out)
}
