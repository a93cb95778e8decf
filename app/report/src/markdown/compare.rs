//! A comparison as Markdown, written for the reviewer of a pull request: what moved, by how much, and where it breaks now.

use sim_core::report::CompareReport;

use super::{Page, map};
use crate::numbers::count;
use crate::{Labels, story, tables};

/// Two designs, the verdict first. `a` is the design in use, `b` the proposed one.
#[must_use]
pub fn markdown_compare(report: &CompareReport, a: &Labels, b: &Labels) -> String {
    let mut page = Page::default();
    let (ours, theirs) = story::names(report, a, b);
    let lead = story::compare_lead(report);
    page.strong(&format!("{theirs} against {ours}: {lead}"));
    page.list(&story::compare_moved(report));
    let own = story::warnings([&report.a, &report.b].into_iter());
    let first = report.warnings.iter().map(|w| story::full_stop(w));
    let mut warnings: Vec<String> = first.collect();
    warnings.extend(own.into_iter().filter(|w| !report.warnings.contains(w)));
    page.warnings(&warnings);
    page.section("What moved", tables::differences(report, (&ours, &theirs)));
    page.section(
        "Where it breaks now",
        Some(tables::limits(report, (&ours, &theirs))),
    );
    for (name, run, labels) in [(&ours, &report.a, a), (&theirs, &report.b, b)] {
        if let Some(sentence) = story::objectives(&run.objectives) {
            page.text(&format!("{name}: {sentence}"));
        }
        if let Some(map) = map::map(run, labels) {
            page.blocks.push(format!(
                "<details>\n<summary>Tiers of {}</summary>\n\n{map}\n\n</details>",
                crate::escape::html(name)
            ));
        }
    }
    page.heading("How this was obtained");
    page.list(&[
        format!(
            "Both designs on {}, at {} and {} {}; differences are the second less the first.",
            if report.a.same_draws(&report.b) {
                "the same random numbers"
            } else {
                "random numbers of their own"
            },
            count(report.a.users as f64),
            count(report.b.users as f64),
            a.unit
        ),
        format!(
            "{}: {}, hash {}; {}: {}, hash {}.",
            ours,
            report.a.scenario.name,
            report.a.scenario.hash,
            theirs,
            report.b.scenario.name,
            report.b.scenario.hash
        ),
        format!(
            "Seed {}, population seed {}, plimsoll {}.",
            report.b.seed, report.b.population_seed, report.b.plimsoll
        ),
    ]);
    page.list(&story::precision(&report.b));
    page.command(&rerun(report, b));
    page.finish()
}

/// The command of a comparison.
pub(crate) fn rerun(report: &CompareReport, labels: &Labels) -> String {
    labels.command.clone().unwrap_or_else(|| {
        let names = [
            report.a.scenario.name.as_str(),
            report.b.scenario.name.as_str(),
        ];
        let seed = report.b.seed.to_string();
        story::shell_line(["plimsoll", "compare", names[0], names[1], "--seed", &seed].into_iter())
    })
}
