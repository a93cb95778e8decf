//! Lessons in words: figures with their intervals, guesses beside answers, and the guesses of a whole room.
//!
//! One list of blocks is made for a lesson or a room and written as text, Markdown or HTML, so that all say the same.

use std::collections::BTreeMap;

use sim_core::lesson::{
    Answer, Chart, Figure, Findings, Guess, Guesses, Lesson, Page, Question, Reading, Sample, Show,
    Spread, spread,
};
use sim_core::report::Estimate;

use crate::chart::{self, Figure as Drawing};
use crate::escape::{html, markdown};
use crate::grid::{Cell, Grid};
use crate::html::whole_page;
use crate::numbers::{bytes, count, estimate, millis, percent};
use crate::table::{Table, paragraph};
use crate::{Format, Unsupported, phrases, story};

/// A number as a figure shows it.
#[must_use]
pub fn shown(show: Show, value: f64) -> String {
    match show {
        Show::Count | Show::Plain | Show::Limit | Show::Choice => count(value),
        Show::Percent => percent(value),
        Show::Millis => millis(value),
        Show::Bytes => bytes(value),
    }
}

/// A figure in words, with its interval where there is one.
#[must_use]
pub fn figure_words(lesson: &Lesson, figure: &Figure, findings: &Findings) -> String {
    match findings.read(lesson, &figure.name) {
        Reading::Nothing => "(not measured)".to_owned(),
        Reading::Name(name) => name_words(lesson, figure, &name),
        Reading::Number(found) => {
            let same = |bound: Option<f64>| {
                let unit = |value: f64| shown(figure.show, value);
                bound.map(unit) == found.value.map(unit)
            };
            // An interval that is not seen in the digits shown is left out.
            let plain = if same(found.low) && same(found.high) {
                Estimate::point(found.value.unwrap_or_default())
            } else {
                found
            };
            estimate(plain, |value| shown(figure.show, value))
        }
    }
}

fn name_words(lesson: &Lesson, figure: &Figure, name: &str) -> String {
    let question = lesson.questions.iter().find(|q| q.answer == figure.name);
    match (figure.show, question.and_then(|q| q.guess.words(name))) {
        (Show::Choice, Some(words)) => words.to_owned(),
        _ => phrases::limit(name),
    }
}

/// A sentence of a lesson with its figures.
#[must_use]
pub fn lesson_sentence(lesson: &Lesson, findings: &Findings, sentence: &str) -> String {
    story::capital(&lesson.fill(sentence, &|figure| figure_words(lesson, figure, findings)))
}

/// An answer in the words of its question: `4 K users`.
#[must_use]
pub fn answer_words(question: &Question, answer: &Answer) -> String {
    match (answer, &question.guess) {
        (Answer::Number(number), Guess::Number { unit, .. }) => {
            format!("{} {unit}", count(*number))
        }
        (Answer::Number(number), Guess::Choice(_)) => count(*number),
        (Answer::Choice(name), guess) => guess.words(name).unwrap_or(name).to_owned(),
    }
}

/// What was found as an answer to a question: `7.2 K (7 K to 7.6 K) users`.
#[must_use]
pub fn found_words(lesson: &Lesson, question: &Question, findings: &Findings) -> String {
    let Some(figure) = lesson.figure(&question.answer) else {
        return String::new();
    };
    match (&question.guess, findings.read(lesson, &figure.name)) {
        (Guess::Number { unit, .. }, Reading::Number(_)) => {
            format!("{} {unit}", figure_words(lesson, figure, findings))
        }
        (guess, Reading::Name(name)) => match guess.words(&name) {
            Some(words) => words.to_owned(),
            None => phrases::limit(&name),
        },
        _ => "(not measured)".to_owned(),
    }
}

/// A guess beside what was found, in one sentence.
#[must_use]
pub fn guess_beside(
    lesson: &Lesson,
    question: &Question,
    guess: Option<&Answer>,
    findings: &Findings,
) -> String {
    let found = found_words(lesson, question, findings);
    let Some(guess) = guess else {
        return format!("No guess. Found: {found}.");
    };
    let guessed = answer_words(question, guess);
    let right = match (guess, findings.read(lesson, &question.answer)) {
        (Answer::Number(guess), Reading::Number(found)) => found.value.map(|value| {
            let inside = found.low.is_some_and(|low| low <= *guess)
                && found.high.is_some_and(|high| *guess <= high);
            match guess / value {
                _ if inside => "within the interval".to_owned(),
                ratio if (ratio - 1.0).abs() < 0.05 => "right to 5 %".to_owned(),
                ratio if ratio >= 1.0 => format!("{} times too many", count(ratio)),
                ratio => format!("{} times too few", count(1.0 / ratio)),
            }
        }),
        (Answer::Choice(guess), Reading::Name(found)) => {
            Some(if *guess == found { "right" } else { "not so" }.to_owned())
        }
        _ => None,
    };
    let right = right.map_or(String::new(), |right| format!(" ({right})"));
    format!("Guessed: {guessed}{right}. Found: {found}.")
}

/// What a chart of a page shows, as a table: header and rows.
#[must_use]
pub fn chart_rows(
    lesson: &Lesson,
    chart: &Chart,
    findings: &Findings,
) -> (Vec<String>, Vec<Vec<String>>) {
    match chart {
        Chart::AgainstLoad {
            run, path, title, ..
        } => {
            let row = |(users, found): &(u64, Estimate)| {
                let words = match found.value {
                    Some(_) => estimate(*found, millis),
                    None => "grows without end".to_owned(),
                };
                vec![count(*users as f64), words]
            };
            let rows = findings.curve(run, path).iter().map(row).collect();
            (vec!["users".to_owned(), title.clone()], rows)
        }
        Chart::Bars { title, bars, .. } => {
            let row = |(words, name): &(String, String)| {
                let found = lesson
                    .figure(name)
                    .map(|figure| figure_words(lesson, figure, findings));
                vec![words.clone(), found.unwrap_or_default()]
            };
            (
                vec![String::new(), title.clone()],
                bars.iter().map(row).collect(),
            )
        }
        Chart::OverTime { runs } => over_time(lesson, runs, findings),
    }
}

/// Steps of a table over time.
const TABLE_STEPS: usize = 14;

fn over_time(
    lesson: &Lesson,
    runs: &[String],
    findings: &Findings,
) -> (Vec<String>, Vec<Vec<String>>) {
    let mut head = vec!["after".to_owned()];
    for run in runs {
        let about = lesson.run(run).map_or(run.as_str(), |run| &run.about);
        head.push(format!("open, {about}"));
        head.push("attempts each".to_owned());
    }
    let longest = runs
        .iter()
        .map(|run| findings.samples(run))
        .max_by_key(|s| s.len());
    let Some(times) = longest.filter(|samples| !samples.is_empty()) else {
        return (head, Vec::new());
    };
    let every = times.len().div_ceil(TABLE_STEPS);
    let rows = (every - 1..times.len()).step_by(every).map(|index| {
        let mut row = vec![format!("{} s", count(times[index].at_s))];
        for run in runs {
            let users = findings.users(run).unwrap_or(1).max(1) as f64;
            match findings.samples(run).get(index) {
                Some(sample) => {
                    row.push(count(sample.open as f64));
                    row.push(format!("{:.1}", sample.attempts as f64 / users));
                }
                None => row.extend([String::new(), String::new()]),
            }
        }
        row
    });
    (head, rows.collect())
}

/// Guesses as the file that can be merged.
#[must_use]
pub fn guesses_json(guesses: &Guesses) -> Option<String> {
    let mut text = serde_json::to_string_pretty(guesses).ok()?;
    text.push('\n');
    Some(text)
}

/// One piece of a page.
enum Block {
    Heading(String),
    Words(String),
    Rows(Vec<String>, Vec<Vec<String>>),
    Drawing(Drawing),
}

/// A lesson as far as it was worked through: story, guesses, what was found, why, and what was tried.
///
/// # Errors
/// For formats other than text, Markdown and HTML.
pub fn render_lesson(
    lesson: &Lesson,
    answers: &BTreeMap<String, Answer>,
    findings: &Findings,
    format: Format,
) -> Result<String, Unsupported> {
    let mut blocks: Vec<Block> = lesson.story.iter().cloned().map(Block::Words).collect();
    if findings.holds(&lesson.reveal) {
        blocks.push(Block::Heading("What was guessed, and what is".to_owned()));
        for question in &lesson.questions {
            if findings.read(lesson, &question.answer) == Reading::Nothing {
                continue;
            }
            let beside = guess_beside(lesson, question, answers.get(&question.name), findings);
            blocks.push(Block::Words(format!("{} {beside}", question.ask)));
        }
        page_blocks(lesson, &lesson.reveal, answers, findings, &mut blocks);
        blocks.push(Block::Heading("Why".to_owned()));
        let words = |sentence: &String| Block::Words(lesson_sentence(lesson, findings, sentence));
        blocks.extend(lesson.explain.iter().map(words));
    }
    for page in lesson.tries.iter().filter(|page| findings.holds(page)) {
        blocks.push(Block::Heading(format!("Try: {}", page.label)));
        page_blocks(lesson, page, answers, findings, &mut blocks);
    }
    let title = format!("{}: {}", lesson.id, lesson.title);
    written(&title, &lesson.goal, &blocks, format)
}

/// One page: what is said and the chart's numbers.
#[must_use]
pub fn page_text(lesson: &Lesson, page: &Page, findings: &Findings) -> String {
    let mut blocks = Vec::new();
    page_blocks(lesson, page, &BTreeMap::new(), findings, &mut blocks);
    text(&blocks)
}

fn page_blocks(
    lesson: &Lesson,
    page: &Page,
    answers: &BTreeMap<String, Answer>,
    findings: &Findings,
    blocks: &mut Vec<Block>,
) {
    let words = |sentence: &String| Block::Words(lesson_sentence(lesson, findings, sentence));
    blocks.extend(page.words.iter().map(words));
    if let Some(chart) = &page.chart {
        let drawings = drawings(lesson, chart, answers, findings).into_iter();
        blocks.extend(drawings.map(Block::Drawing));
        let (head, rows) = chart_rows(lesson, chart, findings);
        blocks.push(Block::Rows(head, rows));
    }
}

/// What a chart draws; bars are told by their table.
fn drawings(
    lesson: &Lesson,
    chart: &Chart,
    answers: &BTreeMap<String, Answer>,
    findings: &Findings,
) -> Vec<Drawing> {
    match chart {
        Chart::AgainstLoad {
            run,
            path,
            title,
            guess,
        } => {
            let guess = guess.as_ref().and_then(|name| match answers.get(name) {
                Some(Answer::Number(number)) => Some(*number),
                _ => None,
            });
            let curve = findings.curve(run, path);
            let summary = match guess {
                Some(guess) => format!(
                    "The numbers are in the table below. Guessed: {} users.",
                    count(guess)
                ),
                None => "The numbers are in the table below.".to_owned(),
            };
            chart::against_load(title, &curve, guess, summary)
                .into_iter()
                .collect()
        }
        Chart::OverTime { runs } => {
            let lines = |value: &dyn Fn(&Sample, f64) -> f64| -> Vec<(String, Vec<(f64, f64)>)> {
                let line = |run: &String| {
                    let about = lesson.run(run).map_or(run.as_str(), |run| &run.about);
                    let users = findings.users(run).unwrap_or(1).max(1) as f64;
                    let samples = findings.samples(run).iter();
                    let points = samples.map(|sample| (sample.at_s, value(sample, users)));
                    (about.to_owned(), points.collect())
                };
                runs.iter().map(line).collect()
            };
            let summary = || "The numbers are in the table below.".to_owned();
            let open = lines(&|sample, _| sample.open as f64);
            let tried = lines(&|sample, users| sample.attempts as f64 / users);
            let open = chart::watched("Connections open", &open, summary());
            let tried = chart::watched("Attempts per client until then", &tried, summary());
            open.into_iter().chain(tried).collect()
        }
        Chart::Bars { .. } => Vec::new(),
    }
}

/// The guesses of a room beside what was found; without findings, the guesses alone.
///
/// # Errors
/// For formats other than text, CSV, Markdown and HTML.
pub fn render_guesses(
    lesson: &Lesson,
    all: &[Guesses],
    findings: &Findings,
    format: Format,
) -> Result<String, Unsupported> {
    if format == Format::Csv {
        return Ok(guesses_csv(lesson, all));
    }
    let mut blocks = Vec::new();
    for question in &lesson.questions {
        blocks.push(Block::Heading(question.ask.clone()));
        let found = findings.read(lesson, &question.answer);
        if found != Reading::Nothing {
            let words = found_words(lesson, question, findings);
            blocks.push(Block::Words(format!("Found: {words}.")));
        }
        let (words, rows) = room(question, all, &found);
        blocks.push(Block::Words(words));
        let head = vec!["guess".to_owned(), "people".to_owned(), String::new()];
        if let Some(drawing) = chart::guesses(&question.ask, &rows) {
            blocks.push(Block::Drawing(drawing));
        }
        let row = |(words, people, answer): &(String, usize, bool)| {
            let mark = if *answer { "← the answer" } else { "" };
            vec![words.clone(), people.to_string(), mark.to_owned()]
        };
        blocks.push(Block::Rows(head, rows.iter().map(row).collect()));
    }
    let title = format!("{}: {}", lesson.id, lesson.title);
    let people = match all.len() {
        1 => "The guesses of 1 person.".to_owned(),
        n => format!("The guesses of {n} people."),
    };
    written(&title, &people, &blocks, format)
}

/// Rows of a distribution: words, how many people, and whether the answer is there.
type Rows = Vec<(String, usize, bool)>;

fn room(question: &Question, all: &[Guesses], found: &Reading) -> (String, Rows) {
    match spread(question, all) {
        Spread::Choices(counts) => {
            let right = |name: &str| matches!(found, Reading::Name(found) if found == name);
            let hits: usize = counts.iter().filter(|c| right(&c.0)).map(|c| c.2).sum();
            let guessed: usize = counts.iter().map(|c| c.2).sum();
            let words = if *found == Reading::Nothing {
                format!("{guessed} guessed.")
            } else {
                format!("{hits} of {guessed} were right.")
            };
            let rows = counts.into_iter().map(|(name, words, people)| {
                let answer = right(&name);
                (words, people, answer)
            });
            (words, rows.collect())
        }
        Spread::Numbers { sorted, bins } => {
            let at = |share: f64| sorted.get(((sorted.len() - 1) as f64 * share).round() as usize);
            let words = match (sorted.is_empty(), at(0.0), at(0.5), at(1.0)) {
                (false, Some(least), Some(middle), Some(most)) => format!(
                    "{} guessed: from {} to {}, the middle one {}.",
                    sorted.len(),
                    count(*least),
                    count(*most),
                    count(*middle)
                ),
                _ => "Nobody guessed.".to_owned(),
            };
            let last = bins.len().saturating_sub(1);
            let rows = bins.iter().enumerate().map(|(index, (low, high, people))| {
                let inside = |value: f64| value >= *low && (value < *high || index == last);
                let answer = found.value().is_some_and(inside);
                (
                    format!("{} to {}", count(*low), count(*high)),
                    *people,
                    answer,
                )
            });
            (words, rows.collect())
        }
    }
}

fn guesses_csv(lesson: &Lesson, all: &[Guesses]) -> String {
    let mut out = "lesson,name,question,guess\n".to_owned();
    for guesses in all {
        for question in &lesson.questions {
            let Some(answer) = guesses.answers.get(&question.name) else {
                continue;
            };
            let answer = match answer {
                Answer::Number(number) => number.to_string(),
                Answer::Choice(name) => name.clone(),
            };
            let name = guesses.name.as_deref().unwrap_or_default();
            let cells = [&lesson.id, name, &question.name, &answer].map(crate::csv::quote);
            out.push_str(&cells.join(","));
            out.push('\n');
        }
    }
    out
}

fn written(
    title: &str,
    lead: &str,
    blocks: &[Block],
    format: Format,
) -> Result<String, Unsupported> {
    match format {
        Format::Text => {
            let mut out = format!("{title}\n{}\n", "─".repeat(title.chars().count()));
            paragraph(&mut out, lead, 0);
            out.push_str(&text(blocks));
            Ok(out)
        }
        Format::Markdown => Ok(format!(
            "# {}\n\n{}\n{}",
            markdown(title),
            markdown(lead),
            blocks.iter().map(in_markdown).collect::<String>()
        )),
        Format::Html => {
            let body: String = blocks.iter().map(in_html).collect();
            Ok(whole_page(title, lead, &body))
        }
        _ => Err(Unsupported),
    }
}

fn text(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        out.push('\n');
        match block {
            Block::Heading(words) => {
                paragraph(&mut out, words, 0);
                let width = words.chars().count().min(crate::table::WIDTH);
                out.push_str(&format!("{}\n", "─".repeat(width)));
            }
            Block::Words(words) => paragraph(&mut out, words, 0),
            Block::Rows(head, rows) => {
                let head: Vec<&str> = head.iter().map(String::as_str).collect();
                let mut table = Table::new(1, &head);
                rows.iter().for_each(|row| table.row(row.clone()));
                table.write(&mut out);
            }
            Block::Drawing(_) => {
                out.pop();
            }
        }
    }
    out
}

fn grid(head: &[String], rows: &[Vec<String>]) -> Grid {
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let mut grid = Grid::new("", 1, &head);
    for row in rows {
        grid.row(row.iter().map(Cell::new).collect());
    }
    grid
}

fn in_markdown(block: &Block) -> String {
    match block {
        Block::Heading(words) => format!("\n## {}\n", markdown(words)),
        Block::Words(words) => format!("\n{}\n", markdown(words)),
        Block::Rows(head, rows) => format!("\n{}", grid(head, rows).markdown()),
        Block::Drawing(_) => String::new(),
    }
}

fn in_html(block: &Block) -> String {
    match block {
        Block::Heading(words) => format!("<h2>{}</h2>\n", html(words)),
        Block::Words(words) => format!("<p>{}</p>\n", html(words)),
        Block::Rows(head, rows) => grid(head, rows).html(),
        Block::Drawing(drawing) => crate::html::drawn(drawing),
    }
}
