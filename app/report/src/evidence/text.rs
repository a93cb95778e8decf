//! The evidence for a terminal: one block per system.

use std::fmt::Write as _;

use super::{Answer, Case, Judged, Row, Runs, System, Tolerance};
use crate::numbers::{count, millis, rate};
use crate::table::{Table, paragraph};

/// Published beside predicted, as text.
#[must_use]
pub fn text(systems: &[System], runs: &Runs) -> String {
    let mut out = String::from("Published scale tests beside this program's predictions.\n");
    let (mut within, mut judged_rows) = (0, 0);
    for system in systems {
        let judged: Vec<_> = system
            .cases
            .iter()
            .map(|case| (case, system.judge(case, runs)))
            .collect();
        block(&mut out, system, &judged, runs);
        let predicted = judged
            .iter()
            .flat_map(|(_, rows)| rows)
            .filter(|row| !row.row.fitted);
        for verdict in predicted.filter_map(|row| row.verdict) {
            judged_rows += 1;
            within += u32::from(verdict);
        }
    }
    let _ = write!(
        out,
        "\n{within} of {judged_rows} predicted figures are within their tolerance; fitted ones are not counted.\n"
    );
    out
}

fn block(out: &mut String, system: &System, judged: &[(&Case, Vec<Judged<'_>>)], runs: &Runs) {
    let _ = write!(
        out,
        "\n{}\n{}\n",
        system.title,
        "─".repeat(system.title.chars().count())
    );
    paragraph(out, &format!("Published: {}.", system.source), 0);
    paragraph(out, &format!("Fitted: {}.", system.fitted.join("; ")), 0);
    for note in &system.notes {
        paragraph(out, note, 0);
    }
    out.push('\n');
    let header = [
        "case",
        "metric",
        "published",
        "predicted",
        "off by",
        "tolerance",
        "verdict",
    ];
    let mut table = Table::new(2, &header);
    for (case, rows) in judged {
        for (nth, row) in rows.iter().enumerate() {
            let name = if nth == 0 { case.name.as_str() } else { "" };
            table.row(cells(name, row));
        }
    }
    table.write(out);
    for (case, _) in judged {
        scored(out, system, case, runs);
    }
    misses(out, system, judged);
}

fn misses(out: &mut String, system: &System, judged: &[(&Case, Vec<Judged<'_>>)]) {
    let mut lacks: Vec<(&str, Vec<String>)> = Vec::new();
    for (case, rows) in judged {
        for row in rows.iter().filter(|row| row.verdict == Some(false)) {
            let mechanism = system.mechanism(&case.name, row);
            let what = format!("{} {}", case.name, row.row.metric);
            match lacks.iter_mut().find(|(known, _)| *known == mechanism) {
                Some((_, all)) => all.push(what),
                None => lacks.push((mechanism, vec![what])),
            }
        }
    }
    for (mechanism, what) in lacks {
        paragraph(
            out,
            &format!("  Missed: {}: {mechanism}.", what.join(", ")),
            4,
        );
    }
}

fn scored(out: &mut String, system: &System, case: &Case, runs: &Runs) {
    let Some((ours, copy, before)) = system.scores(case, runs) else {
        return;
    };
    let winner = if ours < copy {
        "the prediction wins"
    } else {
        "the copy wins"
    };
    let line = format!(
        "{}: mean |log error| over mean and percentiles {ours:.3} predicted, {copy:.3} for a copy of {before}: {winner}.",
        case.name
    );
    paragraph(out, &line, 4);
}

fn cells(name: &str, judged: &Judged<'_>) -> Vec<String> {
    let row = judged.row;
    let tolerance = match &row.tolerance {
        Tolerance::Relative(share) => format!("{:.0} %", share * 100.0),
        Tolerance::Millis(ms) => millis(*ms),
        Tolerance::AtMost => "at most".to_owned(),
        Tolerance::Exact => "exact".to_owned(),
        Tolerance::Above(_) => "rising".to_owned(),
        Tolerance::Informative => "-".to_owned(),
    };
    let verdict = match (judged.verdict, row.fitted) {
        (Some(true), false) => "within",
        (Some(false), false) => "OUTSIDE",
        (Some(true), true) => "fitted",
        (Some(false), true) => "fitted, OUTSIDE",
        (None, _) => "-",
    };
    let off = judged
        .off()
        .map_or_else(String::new, |off| format!("{:+.0} %", off * 100.0));
    vec![
        name.to_owned(),
        row.metric.clone(),
        shown(row, &row.published),
        shown(row, &judged.predicted),
        off,
        tolerance,
        verdict.to_owned(),
    ]
}

fn shown(row: &Row, answer: &Answer) -> String {
    let value = match answer {
        Answer::Words(words) => return words.clone(),
        Answer::Number(value) => *value,
    };
    match row.unit.as_str() {
        "share" => format!("{:.1} %", value * 100.0),
        "1/s" => rate(value),
        "ms" => millis(value),
        "cores" => format!("{value:.2} cores"),
        "GB" => format!("{value:.1} GB"),
        "KB" => format!("{value:.1} KB"),
        _ => count(value),
    }
}
