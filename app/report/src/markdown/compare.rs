//! A comparison as Markdown, written for the reviewer of a pull request: what moved, by how much, and where it breaks now.

use sim_core::report::CompareReport;

use super::{Page, map};
use crate::grid::Grid;
use crate::numbers::count;
use crate::{Labels, story, tables};

/// Rows that have not moved, from which on they are folded away.
const FOLDED_FROM: usize = 10;

/// Two designs, the verdict first. `a` is the design in use, `b` the proposed one.
#[must_use]
pub fn markdown_compare(report: &CompareReport, a: &Labels, b: &Labels) -> String {
    let mut page = Page::default();
    let (ours, theirs) = story::names(report, a, b);
    let lead = story::compare_lead(report);
    let file = report.file.as_ref();
    let file = file.map_or(String::new(), |file| format!("{file}: "));
    page.strong(&format!("{file}{theirs} against {ours}: {lead}"));
    if let (Some(file), Some(old)) = (&report.file, &report.renamed_from) {
        page.text(&format!("{file}: renamed from {old}."));
    }
    page.text(&story::gate(&report.findings).unwrap_or_default());
    page.list(&story::compare_moved(report));
    let own = story::warnings([&report.a, &report.b].into_iter());
    let first = report.warnings.iter().map(|w| story::full_stop(w));
    let mut warnings: Vec<String> = first.collect();
    warnings.extend(own.into_iter().filter(|w| !report.warnings.contains(w)));
    page.warnings(&warnings);
    what_moved(report, (&ours, &theirs), &mut page);
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

/// What moved; behind it, folded if it is long, what did not.
fn what_moved(report: &CompareReport, names: (&str, &str), page: &mut Page) {
    let Some(all) = tables::differences(report, names) else {
        return;
    };
    let (moved, still): (Vec<_>, Vec<_>) = all
        .rows
        .iter()
        .cloned()
        .partition(|row| matches!(row[1].text.as_str(), "better" | "worse"));
    if still.len() <= FOLDED_FROM {
        page.section("What moved", Some(all));
        return;
    }
    let with = |rows| Grid {
        rows,
        ..all.clone()
    };
    let (words, count) = ("have not moved beyond doubt", still.len());
    match with(moved).filled() {
        Some(moved) => page.section("What moved", Some(moved)),
        None => page.heading("Nothing moved beyond doubt"),
    }
    page.folded(&format!("{count} metrics {words}"), &[with(still)]);
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

#[cfg(test)]
mod tests {
    use sim_core::report::Estimate;

    use super::*;
    use crate::sample;

    #[test]
    fn what_has_not_moved_is_folded_away_when_it_is_long() {
        let labels = sample::labels();
        let mut report = sample::compare();
        let short = markdown_compare(&report, &labels, &labels);
        assert!(!short.contains("have not moved"), "{short}");
        for tier in 0..12 {
            let path = format!("tiers.t{tier}.utilization.cpu.hottest");
            report.same.push(path.clone());
            report.differences.insert(path, Estimate::point(0.0));
        }
        let long = markdown_compare(&report, &labels, &labels);
        let fold = long.find("<summary>15 metrics have not moved").unwrap();
        for moved in report.better.iter().chain(&report.worse) {
            let row = long.find(&crate::metric::words(moved)).unwrap();
            assert!(row < fold, "{moved} in\n{long}");
        }
    }
}
