//! The evidence as JSON: `{systems: [{name, title, source, fitted, cases: [{case, preset, edits, rows}]}]}`.

use serde_json::{Value, json};

use super::{Answer, Case, Judged, Runs, System};

/// Published beside predicted, as JSON.
#[must_use]
pub fn json(systems: &[System], runs: &Runs) -> String {
    let systems: Vec<Value> = systems.iter().map(|system| of(system, runs)).collect();
    let mut text = format!("{:#}", json!({"schema": 1, "systems": systems}));
    text.push('\n');
    text
}

fn of(system: &System, runs: &Runs) -> Value {
    let cases: Vec<Value> = system
        .cases
        .iter()
        .map(|case| of_case(system, case, runs))
        .collect();
    json!({
        "name": system.name,
        "title": system.title,
        "source": system.source,
        "fitted": system.fitted,
        "cases": cases,
    })
}

fn of_case(system: &System, case: &Case, runs: &Runs) -> Value {
    let rows: Vec<Value> = system
        .judge(case, runs)
        .iter()
        .map(|judged| of_row(system, case, judged))
        .collect();
    let edits: Vec<String> = case
        .edits
        .iter()
        .map(|(path, value)| format!("{path}={value}"))
        .collect();
    let score = system
        .scores(case, runs)
        .map(|(ours, copy, before)| json!({"predicted": ours, "copy": copy, "copy_of": before}));
    json!({"case": case.name, "preset": case.preset, "edits": edits, "rows": rows, "log_error": score})
}

fn of_row(system: &System, case: &Case, judged: &Judged<'_>) -> Value {
    let answer = |answer: &Answer| match answer {
        Answer::Number(value) => json!(value),
        Answer::Words(words) => json!(words),
    };
    let missing = (judged.verdict == Some(false)).then(|| system.mechanism(&case.name, judged));
    json!({
        "metric": judged.row.metric,
        "unit": judged.row.unit,
        "fitted": judged.row.fitted,
        "published": answer(&judged.row.published),
        "predicted": answer(&judged.predicted),
        "within": judged.verdict,
        "missing": missing,
    })
}
