//! A capacity search as text: the answer, what breaks in order, one row per load, what a reader must know.

use sim_core::report::{CapacityReport, RunReport};

use crate::numbers::{count, millis, percent, seconds, usd};
use crate::sentences::main_latency;
use crate::table::{Table, paragraph};
use crate::{Labels, phrases, story};

/// Writes a capacity search.
pub(crate) fn capacity(report: &CapacityReport, labels: &Labels) -> String {
    let mut out = String::new();
    let answer = format!("{}: {}", labels.title, story::capacity(report, labels));
    paragraph(&mut out, &answer, 0);
    if report.breaks.len() > 1 {
        out.push('\n');
        let mut table = Table::new(2, &["Gives way", "what", &labels.unit]);
        for (index, b) in report.breaks.iter().enumerate() {
            table.row(vec![
                format!("{}.", index + 1),
                phrases::limit(&b.limit),
                count(b.users as f64),
            ]);
        }
        table.write(&mut out);
    }
    if !report.runs.is_empty() {
        out.push('\n');
        loads(&mut out, report, labels);
    }
    for note in &report.notes {
        out.push('\n');
        paragraph(&mut out, &format!("Note: {note}."), 2);
    }
    if let Some(run) = report.runs.first() {
        out.push('\n');
        paragraph(&mut out, &footer(report, run), 2);
    }
    out
}

fn loads(out: &mut String, report: &CapacityReport, labels: &Labels) {
    let failing = report.breaks_at.as_ref().and_then(|b| b.users.high);
    let header = [
        labels.unit.as_str(),
        "p99",
        "fullest",
        "used",
        "a month",
        "verdict",
    ];
    let mut table = Table::new(0, &header);
    for run in &report.runs {
        let fullest = run.bottleneck.as_ref();
        let p99 = main_latency(run)
            .and_then(|(_, latency)| latency.p99.value)
            .filter(|_| phrases::unstable_tier(run).is_none());
        table.row(vec![
            count(run.users as f64),
            p99.map_or_else(|| "-".to_owned(), millis),
            fullest
                .map(|b| format!("{} {}", phrases::tier(&b.tier), b.resource))
                .unwrap_or_default(),
            fullest.map(|b| percent(b.utilization)).unwrap_or_default(),
            run.cost
                .as_ref()
                .map(|c| usd(c.usd_per_month))
                .unwrap_or_default(),
            match failing {
                Some(failing) if run.users as f64 >= failing => "fails".to_owned(),
                _ => "holds".to_owned(),
            },
        ]);
    }
    table.write(out);
}

fn footer(report: &CapacityReport, run: &RunReport) -> String {
    let cpu_s: f64 = report
        .runs
        .iter()
        .map(|p| p.engine.cpu_s + p.engine.setup_cpu_s)
        .sum();
    format!(
        "{} · seed {}, population {} · {} loads · {} measured at each · {} CPU",
        run.scenario.name,
        run.seed,
        run.population_seed,
        report.runs.len(),
        seconds(run.simulated_s),
        seconds(cpu_s),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_answer_comes_first_then_what_breaks_in_order() {
        let mut found = sample::capacity();
        found.notes.push("an objective passes by luck".to_owned());
        let text = capacity(&found, &sample::labels());
        for part in [
            "Team chat: breaks at 255 K users (249 K to 261 K), simulated: the database pool gives way.",
            "2.         the objective `publish.delivered.p99 < 500 ms`",
            "Note: an objective passes by luck.",
            "fails",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    }
}
