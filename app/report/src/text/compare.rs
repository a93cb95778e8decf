//! A comparison and a check for the terminal: the verdict first, then what moved or failed.

use sim_core::report::{CheckReport, CompareReport};
use sim_core::system::number;

use crate::comparisons::{self, Compared};
use crate::grid::Grid;
use crate::table::{Table, paragraph};
use crate::{Labels, metric, story, tables};

/// Two designs; `a` is the one in use.
pub(crate) fn compare(report: &CompareReport, a: &Labels, b: &Labels) -> String {
    let mut out = String::new();
    let (ours, theirs) = story::names(report, a, b);
    for warning in &report.warnings {
        paragraph(&mut out, &story::full_stop(&format!("Note: {warning}")), 2);
    }
    paragraph(&mut out, &story::capital(&story::compare_lead(report)), 2);
    if let Some(sentence) = story::gate(&report.findings) {
        paragraph(&mut out, &sentence, 2);
    }
    for sentence in story::compare_moved(report) {
        paragraph(&mut out, &sentence, 2);
    }
    moved(report, (&ours, &theirs), &mut out);
    out.push('\n');
    write(&tables::limits(report, (&ours, &theirs)), &mut out);
    out.push('\n');
    let precision = story::precision(&report.b);
    for sentence in &precision {
        paragraph(&mut out, sentence, 2);
    }
    if report.a.same_draws(&report.b) {
        paragraph(
            &mut out,
            &format!(
                "Both on the same random numbers: seed {}, population {}; {} simulated seconds each.",
                report.b.seed, report.b.population_seed, report.b.simulated_s
            ),
            2,
        );
    }
    out
}

/// What each of several files comes to.
pub(crate) fn overview(files: &[Compared<'_>]) -> String {
    let mut out = String::new();
    paragraph(&mut out, &comparisons::lead(files), 2);
    for file in files {
        let name = format!("{}: {}. {}", file.name(), file.verdict(), file.sentence());
        paragraph(&mut out, &format!("  {name}"), 4);
    }
    out
}

/// One file.
pub(crate) fn compared(file: &Compared<'_>) -> String {
    let mut out = String::new();
    match file {
        Compared::Pair { report, a, b } => {
            if let Some(old) = &report.renamed_from {
                paragraph(
                    &mut out,
                    &format!("{}: renamed from {old}.", file.name()),
                    2,
                );
            }
            out.push_str(&compare(report, a, b));
        }
        Compared::New(report) => {
            let lead = format!("{}: new. {}", report.file, comparisons::new_file(report));
            paragraph(&mut out, &lead, 2);
            out.push_str(&check(&comparisons::as_check(report)));
        }
        Compared::Gone(report) => {
            let lead = format!("{}: {}", report.file, comparisons::gone_file(report));
            paragraph(&mut out, &lead, 2);
        }
    }
    out
}

/// Objectives of several scenarios.
pub(crate) fn check(report: &CheckReport) -> String {
    let mut out = String::new();
    paragraph(
        &mut out,
        &format!(
            "{}: {}",
            story::capital(&report.verdict),
            story::check(report)
        ),
        2,
    );
    for scenario in &report.scenarios {
        out.push('\n');
        paragraph(
            &mut out,
            &format!("{}: {}", scenario.scenario, scenario.verdict),
            2,
        );
        for line in scenario.error.iter().flat_map(|error| error.lines()) {
            paragraph(&mut out, &format!("  {line}"), 4);
        }
        for objective in &scenario.objectives {
            let place = match objective.line {
                0 => objective.file.clone(),
                line => format!("{}:{line}", objective.file),
            };
            // The verdicts stand in a column of their own.
            let mut wrapped = String::new();
            paragraph(&mut wrapped, &objective.reason, 16);
            out.push_str(&format!("  {:<12}  {wrapped}", objective.result.verdict));
            if objective.result.verdict != "pass" {
                out.push_str(&format!("{:16}at {place}\n", ""));
            }
        }
    }
    out
}

/// What moved beyond doubt; what did not is only counted.
fn moved(report: &CompareReport, (ours, theirs): (&str, &str), out: &mut String) {
    let mut table = Table::new(2, &["moved", "", ours, theirs, "difference", "relative"]);
    for path in tables::by_verdict(report) {
        let verdict = story::judged(report, path);
        let Some(difference) = report.differences.get(path) else {
            continue;
        };
        if !matches!(verdict, "better" | "worse") {
            continue;
        }
        let kind = metric::kind(path);
        let value = |run| {
            let found = number(path, run).and_then(|estimate| estimate.value);
            found.map_or_else(|| "–".to_owned(), |value| kind.show(value))
        };
        let change = difference.value.map_or(String::new(), |v| kind.signed(v));
        let half = match (difference.low, difference.high) {
            (Some(low), Some(high)) if low < high => {
                format!(" ± {}", kind.show(0.5 * (high - low)))
            }
            _ => String::new(),
        };
        table.row(vec![
            metric::words(path),
            verdict.to_owned(),
            value(&report.a),
            value(&report.b),
            format!("{change}{half}"),
            story::relative(report, path).unwrap_or_default(),
        ]);
    }
    if !table.is_empty() {
        out.push('\n');
        table.write(out);
    }
    match report.same.len() {
        0 => {}
        1 => out.push_str("One other metric shows no difference.\n"),
        n => out.push_str(&format!("{n} other metrics show no difference.\n")),
    }
}

fn write(grid: &Grid, out: &mut String) {
    let head: Vec<&str> = grid.head.iter().map(String::as_str).collect();
    let mut table = Table::new(grid.left, &head);
    for row in &grid.rows {
        let cell = |cell: &crate::grid::Cell| match cell.note.as_str() {
            "" => cell.text.clone(),
            note => format!("{} {note}", cell.text),
        };
        table.row(row.iter().map(cell).collect());
    }
    table.write(out);
}
