//! Advice as text: what would fix it, then which guess matters.

use sim_core::report::{AdviceReport, BreaksAt, FixReport, GuessEnd, GuessReport};

use crate::numbers::{count, millis, usd};
use crate::sentences::main_latency;
use crate::table::{Table, paragraph};
use crate::{Labels, phrases, story};

/// Rows of the table of guesses.
const MOST_GUESSES: usize = 12;

/// Writes advice.
pub(crate) fn advice(report: &AdviceReport, labels: &Labels) -> String {
    let mut out = String::new();
    paragraph(&mut out, &opening(report, labels), 0);
    if let Some(best) = report.fixes.first() {
        paragraph(&mut out, &best_fix(report, best, labels), 0);
    }
    if !report.fixes.is_empty() {
        out.push('\n');
        fixes(&mut out, &report.fixes);
    }
    if !report.guesses.is_empty() {
        out.push('\n');
        guesses(&mut out, &report.guesses);
    }
    for note in &report.notes {
        out.push('\n');
        paragraph(&mut out, &format!("Note: {note}."), 2);
    }
    out.push('\n');
    paragraph(&mut out, &footer(report), 2);
    out
}

fn opening(report: &AdviceReport, labels: &Labels) -> String {
    let title = &labels.title;
    let load = report.base.as_ref().map_or_else(String::new, |run| {
        format!(", {} {}", count(run.users as f64), labels.unit)
    });
    let how = |b: &BreaksAt| if b.estimate { " (quick estimate)" } else { "" };
    match &report.breaks_at {
        Some(b) if is_beyond(report, b) => format!(
            "{title}{load}: already beyond what it holds. {} gives way first, at {} {}{}.",
            story::capital(&phrases::limit(&b.limit)),
            users(Some(b)),
            labels.unit,
            how(b)
        ),
        Some(b) => format!(
            "{title}{load}: first to give way is {}, at {} {}{}.",
            phrases::limit(&b.limit),
            users(Some(b)),
            labels.unit,
            how(b)
        ),
        None => format!("{title}{load}: nothing gives way."),
    }
}

/// Whether a design that breaks there is asked for more.
fn is_beyond(report: &AdviceReport, breaks_at: &BreaksAt) -> bool {
    let asked = report.base.as_ref().map(|run| run.users as f64);
    asked
        .zip(breaks_at.users.value)
        .is_some_and(|(asked, at)| at < asked)
}

fn best_fix(report: &AdviceReport, best: &FixReport, labels: &Labels) -> String {
    let value = |b: &Option<BreaksAt>| b.as_ref().and_then(|b| b.users.value);
    let helps = match (value(&report.breaks_at), value(&best.breaks_at)) {
        (Some(before), Some(after)) => after > before * 1.005,
        (before, after) => before.is_some() && after.is_none(),
    };
    let money = best.delta_usd.map_or_else(String::new, |delta| {
        format!(" for {} a month", signed(delta, usd))
    });
    if !helps {
        return match best.resource_full_at {
            Some(users) => format!(
                "No single step moves that load. With {} the first resource is full at {} {}{money}.",
                best.words,
                count(users),
                labels.unit
            ),
            None => "No single step moves that load.".to_owned(),
        };
    }
    let still = match &best.breaks_at {
        Some(b) if is_beyond(report, b) => ", still less than is asked for",
        _ => "",
    };
    format!(
        "Best single step: {}, which holds up to {} {}{money}{still}.",
        best.words,
        users(best.breaks_at.as_ref()),
        labels.unit
    )
}

fn fixes(out: &mut String, fixes: &[FixReport]) {
    let header = [
        "What would fix it",
        "by",
        "breaks at",
        "full at",
        "p99",
        "a month",
        "more",
    ];
    let mut table = Table::new(2, &header);
    for fix in fixes {
        table.row(vec![
            fix.words.clone(),
            how(fix.simulated).to_owned(),
            users(fix.breaks_at.as_ref()),
            fix.resource_full_at
                .map_or_else(|| "never".to_owned(), count),
            fix.p99_ms.map_or_else(|| "-".to_owned(), millis),
            fix.usd_per_month.map(usd).unwrap_or_default(),
            fix.delta_usd
                .map(|delta| signed(delta, usd))
                .unwrap_or_default(),
        ]);
    }
    table.write(out);
}

fn guesses(out: &mut String, guesses: &[GuessReport]) {
    let header = [
        "Which guess matters",
        "now",
        "by",
        "breaks: lower",
        "higher",
        "p99: lower",
        "higher",
    ];
    let mut table = Table::new(3, &header);
    for guess in guesses.iter().take(MOST_GUESSES) {
        let at = |end: &GuessEnd| end.breaks_at.map_or_else(|| "never".to_owned(), count);
        let p99 = |end: &GuessEnd| end.p99_ms.map_or_else(|| "-".to_owned(), millis);
        table.row(vec![
            guess.words.clone(),
            short(&guess.value),
            how(guess.simulated).to_owned(),
            at(&guess.low),
            at(&guess.high),
            p99(&guess.low),
            p99(&guess.high),
        ]);
    }
    table.write(out);
    if guesses.len() > MOST_GUESSES {
        let rest = guesses.len() - MOST_GUESSES;
        paragraph(out, &format!("… and {rest} guesses that matter less"), 2);
    }
}

fn footer(report: &AdviceReport) -> String {
    let base = report.base.as_ref();
    let run = base.map_or_else(String::new, |run| {
        let p99 = main_latency(run).and_then(|(_, latency)| latency.p99.value);
        format!(
            "{} · seed {}, population {} · as it is: p99 {}, {} a month · ",
            run.scenario.name,
            run.seed,
            run.population_seed,
            p99.map_or_else(|| "-".to_owned(), millis),
            run.cost
                .as_ref()
                .map_or_else(|| "-".to_owned(), |cost| usd(cost.usd_per_month)),
        )
    });
    format!("{run}runs share their random numbers; each change is one step by itself")
}

fn how(simulated: bool) -> &'static str {
    if simulated { "simulated" } else { "estimate" }
}

fn users(breaks_at: Option<&BreaksAt>) -> String {
    match breaks_at {
        Some(b) => b.users.value.map_or_else(|| "-".to_owned(), count),
        None => "never".to_owned(),
    }
}

fn signed(value: f64, show: impl Fn(f64) -> String) -> String {
    // Cents are rounding.
    let value = if value.abs() < 1.0 { 0.0 } else { value };
    let sign = if value < 0.0 { "-" } else { "+" };
    format!("{sign}{}", show(value.abs()))
}

fn short(text: &str) -> String {
    const MOST: usize = 16;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let start: String = text.chars().take(MOST - 1).collect();
    format!("{}…", start.trim_end())
}

#[cfg(test)]
mod tests {
    use sim_core::report::Estimate;

    use super::*;
    use crate::sample;

    fn breaks(users: f64) -> Option<BreaksAt> {
        Some(BreaksAt {
            users: Estimate::point(users),
            limit: "database.pool".to_owned(),
            estimate: true,
        })
    }

    #[test]
    fn the_best_step_is_a_sentence_and_every_row_says_how_it_was_found() {
        let fix = |words: &str, users: f64, simulated| FixReport {
            words: words.to_owned(),
            breaks_at: breaks(users),
            p99_ms: Some(212.0),
            usd_per_month: Some(94_000.0),
            delta_usd: Some(-120.0),
            simulated,
            ..FixReport::default()
        };
        let guess = GuessReport {
            words: "rate of messages".to_owned(),
            value: "LogNormal(median: \"2 ms\")".to_owned(),
            low: GuessEnd {
                breaks_at: Some(500_000.0),
                ..GuessEnd::default()
            },
            ..GuessReport::default()
        };
        let report = AdviceReport {
            base: Some(sample::run()),
            breaks_at: breaks(255_000.0),
            fixes: vec![
                fix("a pool of 150 connections", 380_000.0, true),
                fix("+2 connection servers", 255_000.0, false),
            ],
            guesses: vec![guess; 14],
            notes: vec!["stopped early".to_owned()],
        };
        let text = advice(&report, &sample::labels());
        for part in [
            "Team chat, 200 K users: first to give way is the database pool, at 255 K users",
            "Best single step: a pool of 150 connections, which holds up to 380 K users",
            "simulated",
            "estimate",
            "never",
            "2 guesses that matter less",
            "Note: stopped early.",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    }
}
