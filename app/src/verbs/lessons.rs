//! `plimsoll lessons`: guess first, then run, then see; or the guesses of a whole room.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use report::lesson::{
    answer_words, guess_beside, guesses_json, lesson_sentence, page_text, render_guesses,
    render_lesson,
};
use report::table::{Table, paragraph};
use report::{Format, Unsupported};
use session::ExecuteError;
use sim_core::lesson::{self, Answer, Findings, Guesses, Lesson, Page, Question, Reading};
use sim_core::scenario::{Beginning, Draft, nearest};

use crate::exit::{Exit, Failure};
use crate::output::{print, say};
use crate::plan::{LessonsPlan, StudyPlan};
use crate::progress::Meter;
use crate::{interrupt, load, presets};

/// Lists the lessons, goes through one, or puts guesses together.
pub(crate) fn lessons(plan: &LessonsPlan) -> Result<Exit, Failure> {
    match plan {
        LessonsPlan::List => {
            print(&list())?;
            Ok(Exit::Ok)
        }
        LessonsPlan::Study(plan) => study(plan),
        LessonsPlan::Merge { files, out, quiet } => merge(files, out, *quiet),
    }
}

fn list() -> String {
    let mut table = Table::new(2, &["Lesson", "title", "minutes"]);
    let all = lesson::all();
    for lesson in &all {
        let Lesson {
            id, title, minutes, ..
        } = lesson;
        table.row(vec![id.clone(), title.clone(), minutes.to_string()]);
    }
    let mut out = String::new();
    table.write(&mut out);
    for lesson in &all {
        out.push('\n');
        paragraph(&mut out, &format!("{}: {}", lesson.id, lesson.goal), 4);
    }
    out.push_str("\n`plimsoll lessons L1` goes through one: it asks, runs and explains.\n");
    out
}

/// The lesson of a name.
pub(crate) fn find(name: &str) -> Result<Lesson, Failure> {
    let all = lesson::all();
    let ids: Vec<String> = all.iter().map(|lesson| lesson.id.clone()).collect();
    let found = all
        .into_iter()
        .find(|lesson| lesson.id.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let near = nearest(name, ids.iter().map(String::as_str));
        let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
        Failure::Usage(format!(
            "there is no lesson {name:?}{hint}; there are {}",
            ids.join(", ")
        ))
    })
}

fn study(plan: &StudyPlan) -> Result<Exit, Failure> {
    let lesson = &plan.lesson;
    interrupt::listen()?;
    say_story(lesson)?;
    let answers = answers(plan)?;
    if let Some(path) = &plan.export {
        export(path, lesson, plan.name.clone(), &answers)?;
    }
    let mut findings = Findings::default();
    let mut said: Vec<String> = Vec::new();
    let show = |page: &Page, findings: &Findings, said: &mut Vec<String>| -> Result<(), Failure> {
        let mut out = String::new();
        for question in fresh(lesson, findings, said) {
            let guess = answers.get(&question.name);
            let beside = guess_beside(lesson, question, guess, findings);
            out.push('\n');
            paragraph(&mut out, &question.ask, 0);
            paragraph(&mut out, &format!("→ {beside}"), 2);
        }
        out.push_str(&page_text(lesson, page, findings));
        print(&out)
    };
    if !find_out(lesson, &lesson.reveal, &mut findings, plan.quiet)? {
        return Ok(Exit::OutOfBudget);
    }
    show(&lesson.reveal, &findings, &mut said)?;
    let mut out = "\nWhy\n───\n".to_owned();
    for words in &lesson.explain {
        paragraph(&mut out, &lesson_sentence(lesson, &findings, words), 0);
        out.push('\n');
    }
    print(out.trim_end_matches('\n'))?;
    print("\n")?;
    for page in lesson.tries.iter().filter(|_| !plan.short) {
        let title = format!("Try: {}", page.label);
        print(&format!(
            "\n{title}\n{}\n",
            "─".repeat(title.chars().count())
        ))?;
        if !find_out(lesson, page, &mut findings, plan.quiet)? {
            return Ok(Exit::OutOfBudget);
        }
        show(page, &findings, &mut said)?;
    }
    write(&plan.out, |format| {
        render_lesson(lesson, &answers, &findings, format)
    })?;
    Ok(Exit::Ok)
}

/// Questions that are answered now and were not before.
fn fresh<'a>(lesson: &'a Lesson, findings: &Findings, said: &mut Vec<String>) -> Vec<&'a Question> {
    let known = lesson.questions.iter().filter(|question| {
        !said.contains(&question.name)
            && findings.read(lesson, &question.answer) != Reading::Nothing
    });
    let fresh: Vec<&Question> = known.collect();
    said.extend(fresh.iter().map(|question| question.name.clone()));
    fresh
}

fn say_story(lesson: &Lesson) -> Result<(), Failure> {
    let title = format!("{}: {}", lesson.id, lesson.title);
    let mut out = format!("{title}\n{}\n", "─".repeat(title.chars().count()));
    for words in std::iter::once(&lesson.goal).chain(&lesson.story) {
        paragraph(&mut out, words, 0);
        out.push('\n');
    }
    print(out.trim_end_matches('\n'))?;
    print("\n")
}

/// The guesses of the command line, or of whoever sits at the terminal.
fn answers(plan: &StudyPlan) -> Result<BTreeMap<String, Answer>, Failure> {
    let questions = &plan.lesson.questions;
    let mut answers = BTreeMap::new();
    if !plan.guesses.is_empty() {
        for (question, answer) in questions.iter().zip(&plan.guesses) {
            answers.insert(question.name.clone(), answer.clone());
            let mut out = String::from("\n");
            paragraph(&mut out, &question.ask, 0);
            paragraph(
                &mut out,
                &format!("Guess: {}", answer_words(question, answer)),
                0,
            );
            print(&out)?;
        }
        return Ok(answers);
    }
    if plan.no_guess || !io::stdin().is_terminal() {
        return Ok(answers);
    }
    for question in questions {
        if let Some(answer) = ask(question)? {
            answers.insert(question.name.clone(), answer);
        }
    }
    Ok(answers)
}

/// Asks until there is an answer; nothing typed is none.
fn ask(question: &Question) -> Result<Option<Answer>, Failure> {
    let mut out = String::from("\n");
    paragraph(&mut out, &question.ask, 0);
    match &question.guess {
        lesson::Guess::Choice(all) => {
            for (index, (_, words)) in all.iter().enumerate() {
                out.push_str(&format!("  {}  {words}\n", index + 1));
            }
        }
        lesson::Guess::Number { unit, from, to, .. } => {
            let number = report::numbers::count;
            out.push_str(&format!("  {} to {} {unit}\n", number(*from), number(*to)));
        }
    }
    print(&out)?;
    loop {
        print("Your guess (empty: none): ")?;
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        let read = read.context("failed to read from standard input")?;
        if read == 0 || line.trim().is_empty() {
            return Ok(None);
        }
        match question.guess.read(&line) {
            Ok(answer) => return Ok(Some(answer)),
            Err(why) => print(&format!("{why}\n"))?,
        }
    }
}

/// Runs what a page needs and is not there yet; `false`: stopped by hand.
fn find_out(
    lesson: &Lesson,
    page: &Page,
    findings: &mut Findings,
    quiet: bool,
) -> Result<bool, Failure> {
    let missing = Page {
        runs: page
            .runs
            .iter()
            .filter(|run| findings.users(run).is_none())
            .cloned()
            .collect(),
        ..page.clone()
    };
    let jobs = lesson
        .jobs(&missing, &draft)
        .map_err(|why| Failure::Internal(anyhow::anyhow!(why)))?;
    let meter = Meter::new(quiet);
    let outcome = session::run_lesson(&jobs, None, &|frame| meter.show_study(&frame));
    meter.finish();
    match outcome {
        Ok(found) => {
            findings.extend(found);
            Ok(true)
        }
        Err(ExecuteError::Stopped) => {
            say("stopped: what was not finished is left out");
            Ok(false)
        }
        Err(error) => Err(Failure::Internal(anyhow::anyhow!(
            "{}: {error}",
            page.label
        ))),
    }
}

/// A preset, to be edited.
pub(crate) fn draft(name: &str) -> Result<Draft, String> {
    let preset =
        presets::find(name).ok_or_else(|| format!("there is no preset {name:?} in the program"))?;
    let loaded = load::parse(preset.text, &format!("{name}.ron"), &[]);
    let loaded = loaded.map_err(|failure| failure.to_string())?;
    Ok(Draft::new(Beginning::Preset(name.to_owned()), loaded))
}

fn export(
    path: &Path,
    lesson: &Lesson,
    name: Option<String>,
    answers: &BTreeMap<String, Answer>,
) -> Result<(), Failure> {
    let guesses = Guesses {
        name,
        answers: answers.clone(),
        ..Guesses::of(lesson)
    };
    let text = guesses_json(&guesses).context("failed to write guesses")?;
    // Never over a file that may be somebody else's.
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path);
    let mut file = file.map_err(|why| match why.kind() {
        io::ErrorKind::AlreadyExists => Failure::Usage(format!(
            "--export {}: the file is there already; take another name",
            path.display()
        )),
        _ => Failure::Usage(format!("--export {}: {why}", path.display())),
    })?;
    let written = file.write_all(text.as_bytes());
    written.with_context(|| format!("failed to write {}", path.display()))?;
    Ok(())
}

fn merge(files: &[PathBuf], out: &[(PathBuf, Format)], quiet: bool) -> Result<Exit, Failure> {
    interrupt::listen()?;
    let lessons = lesson::all();
    let all = read_all(files, &lessons)?;
    let lesson = match all.first() {
        Some(first) => find(&first.lesson)?,
        None => return Ok(Exit::Ok),
    };
    let mut findings = Findings::default();
    for page in std::iter::once(&lesson.reveal).chain(&lesson.tries) {
        let open = lesson
            .questions
            .iter()
            .any(|question| findings.read(&lesson, &question.answer) == Reading::Nothing);
        if open && !find_out(&lesson, page, &mut findings, quiet)? {
            return Ok(Exit::OutOfBudget);
        }
    }
    let render = |format| render_guesses(&lesson, &all, &findings, format);
    print(&render(Format::Text).unwrap_or_default())?;
    write(out, render)?;
    Ok(Exit::Ok)
}

/// Every file of guesses; all that is wrong is said together.
fn read_all(files: &[PathBuf], lessons: &[Lesson]) -> Result<Vec<Guesses>, Failure> {
    let mut all: Vec<Guesses> = Vec::new();
    let mut wrong = Vec::new();
    for path in files {
        match read(path, lessons) {
            Ok(guesses) => match all.first().filter(|first| first.lesson != guesses.lesson) {
                Some(first) => {
                    let mixed = lesson::GuessesError::Mixed {
                        found: guesses.lesson,
                        before: first.lesson.clone(),
                    };
                    wrong.push(format!("{}: {mixed}", path.display()));
                }
                None => all.push(guesses),
            },
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() {
        Ok(all)
    } else {
        Err(Failure::Scenario(wrong))
    }
}

fn read(path: &Path, lessons: &[Lesson]) -> Result<Guesses, String> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|why| format!("{name}: {why}"))?;
    let guesses: Guesses = serde_json::from_str(&text).map_err(|why| {
        format!(
            "{name}:{}:{}: {why}\n  help: files of guesses are written by `plimsoll lessons L1 --export FILE.json`",
            why.line(),
            why.column()
        )
    })?;
    let checked = guesses.check(lessons).map(drop);
    checked.map_err(|why| format!("{name}: {why}"))?;
    Ok(guesses)
}

fn write(
    files: &[(PathBuf, Format)],
    made: impl Fn(Format) -> Result<String, Unsupported>,
) -> Result<(), Failure> {
    for (path, format) in files {
        let text = made(*format).map_err(|Unsupported| {
            Failure::Usage(format!(
                "--out {}: this cannot be written as {}",
                path.display(),
                format.name()
            ))
        })?;
        fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
        say(&format!("written: {}", path.display()));
    }
    Ok(())
}
