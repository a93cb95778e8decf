//! Lessons say what they say: every figure is what stands beside it in the file, at the seeds of the lesson.
//!
//! A lesson that is added as a file of `assets/lessons` is tested by being there. Stray guesses and wrong files are the command line's.

use std::path::PathBuf;

use report::lesson::{figure_words, lesson_sentence, render_lesson};
use sim_core::lesson::{self, Findings, Lesson, Page, Reading};
use sim_core::scenario::{Beginning, Draft};
use system_tests::Plimsoll;
use system_tests::lab::preset;

fn draft(name: &str) -> Result<Draft, String> {
    let nowhere = |_: &str, _: &str| Err(sim_core::scenario::Problem::new("nothing is extended"));
    let no_files = |_: &str| Err("no file is read".to_owned());
    let text = preset(name);
    let loaded = sim_core::scenario::load_with(text, name, &[], &nowhere, &no_files);
    loaded
        .map(|loaded| Draft::new(Beginning::Preset(name.to_owned()), loaded))
        .map_err(|errors| errors[0].to_string())
}

/// Everything that a lesson runs.
fn whole(lesson: &Lesson) -> Findings {
    let all = Page {
        label: "everything".to_owned(),
        runs: lesson.runs.iter().map(|run| run.name.clone()).collect(),
        chart: None,
        words: Vec::new(),
    };
    let jobs = lesson
        .jobs(&all, &draft)
        .unwrap_or_else(|why| panic!("{why}"));
    session::run_lesson(&jobs, None, &|_| true).unwrap_or_else(|why| panic!("{}: {why}", lesson.id))
}

fn figures_are_as_expected(id: &str) {
    let lesson = lesson::all().into_iter().find(|lesson| lesson.id == id);
    let lesson = lesson.expect("it is in the program");
    let found = whole(&lesson);
    let mut wrong = Vec::new();
    for figure in &lesson.figures {
        let reading = found.read(&lesson, &figure.name);
        let words = figure_words(&lesson, figure, &found);
        println!(
            "{id} {}: {words}; expected {:?}",
            figure.name, figure.expect
        );
        let missed = match &figure.expect {
            Some(expected) => !reading.meets(expected),
            None => reading == Reading::Nothing,
        };
        if missed {
            wrong.push(format!(
                "{}: {words}, expected {:?}",
                figure.name, figure.expect
            ));
        }
    }
    assert!(wrong.is_empty(), "{id}: {wrong:#?}");
    for page in std::iter::once(&lesson.reveal).chain(&lesson.tries) {
        for words in &page.words {
            let said = lesson_sentence(&lesson, &found, words);
            assert!(
                !said.contains(['{', '}']) && !said.contains("(not measured)"),
                "{said}"
            );
        }
    }
    for format in [
        report::Format::Text,
        report::Format::Markdown,
        report::Format::Html,
    ] {
        let page = render_lesson(&lesson, &Default::default(), &found, format);
        assert!(page.is_ok_and(|page| page.contains("No guess")));
    }
}

#[test]
fn l1_the_knee() {
    figures_are_as_expected("L1");
}

#[test]
fn l3_the_reconnect_storm() {
    figures_are_as_expected("L3");
}

/// Mean wait per query over twenty seeds beside Erlang's formula for M/M/20; small rooms, since deliveries do not matter here.
#[test]
fn the_wait_before_the_pool_is_that_of_twenty_servers() {
    let seeds = 20;
    for (users, utilization, wait_ms) in [
        ("4000", 0.50, 0.00373),
        ("6000", 0.75, 0.32),
        ("7600", 0.95, 7.55),
    ] {
        let (mut waits, mut full) = (Vec::new(), 0.0);
        for seed in 1..=seeds {
            let seed = seed.to_string();
            let edits = [
                ("load.users", users),
                ("channels.members", "Rooms(size: 2)"),
                ("design.database.query", "Exponential(mean: \"10 ms\")"),
                ("run.duration", "240 s"),
                ("run.seed", seed.as_str()),
            ];
            let scenario = system_tests::lab::scenario(preset("p1-mvp"), &edits);
            let report = system_tests::lab::run(&scenario);
            let rows = &report.operations["publish"].breakdown;
            let wait = rows
                .iter()
                .find(|row| row.tier == "database" && row.cause == "queue");
            waits.push(wait.map_or(0.0, |row| row.mean_ms) / 5.0);
            full += report.tiers["database"].utilization["pool"].mean / f64::from(seeds);
        }
        let mean = waits.iter().sum::<f64>() / f64::from(seeds);
        println!("{users} users: pool {full:.3}, wait {mean:.3} ms; M/M/20 {wait_ms} ms");
        assert!((full / utilization - 1.0).abs() < 0.02, "{users}: {full}");
        assert!((mean / wait_ms - 1.0).abs() < 0.15, "{users}: {mean} ms");
    }
}

/// Attempts per client of one policy over twenty seeds, with a tenth of the clients and of the admissions: the storm does not care
/// how many there are.
#[test]
fn storms_of_twenty_seeds_agree_with_the_reference_model() {
    for (policy, expected) in [
        ("Fixed(delay: \"1 s\")", 37.2),
        ("FullJitter(base: \"1 s\", cap: \"64 s\")", 4.2),
        (
            "FullJitter(base: \"1 s\", cap: \"64 s\", spread_first: \"20 s\")",
            1.0,
        ),
    ] {
        let mut attempts = Vec::new();
        for seed in 1..=20 {
            let seed = seed.to_string();
            let edits = [
                ("load.users", "10_000"),
                ("load.reconnect", policy),
                ("design.connection_servers.accept", "500/s"),
                ("design.connection_servers.accept_burst", "100 connections"),
                ("run.seed", seed.as_str()),
            ];
            let scenario = system_tests::lab::scenario(preset("reconnect-storm"), &edits);
            let report = system_tests::lab::run(&scenario);
            attempts.push(report.connections.attempts as f64 / 10_000.0);
        }
        let mean = attempts.iter().sum::<f64>() / 20.0;
        let (least, most) = attempts
            .iter()
            .fold((f64::MAX, f64::MIN), |(a, b), &x| (a.min(x), b.max(x)));
        println!("{policy}: {mean:.2} attempts per client ({least:.2} to {most:.2})");
        assert!((mean / expected - 1.0).abs() < 0.15, "{policy}: {mean}");
    }
}

fn file(name: &str, text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("plimsoll-lessons-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file for the test");
    path
}

#[test]
fn wrong_guesses_and_wrong_files_are_said_at_once() {
    Plimsoll::new()
        .args(&["lessons"])
        .code(0)
        .stdout_contains("The knee")
        .stdout_contains("The reconnect storm");
    Plimsoll::new()
        .args(&["lessons", "L9"])
        .code(2)
        .stderr_contains("there are L1, L3");
    Plimsoll::new()
        .args(&["lessons", "L1", "--guess", "40K"])
        .code(2)
        .stderr_contains("allowed: 1000 to 12000 users");
    let broken = file(
        "broken.json",
        "{\"version\": 1, \"lesson\": \"L1\",\n \"answers\": 3}",
    );
    let other = file(
        "other.json",
        "{\"version\": 1, \"lesson\": \"L9\", \"answers\": {}}",
    );
    Plimsoll::new()
        .args(&[
            "lessons",
            "--merge",
            &broken.display().to_string(),
            &other.display().to_string(),
        ])
        .code(3)
        .stderr_contains("broken.json:2:")
        .stderr_contains("there is no lesson \"L9\"");
}

#[test]
fn the_guesses_of_a_room_stand_beside_the_answer() {
    let one = |name: &str, number: u32, choice: &str| {
        file(
            name,
            &format!(
                "{{\"version\": 1, \"lesson\": \"L3\", \"answers\": {{\"attempts\": {{\"number\": {number}}}, \"helps\": {{\"choice\": \"{choice}\"}}}}}}"
            ),
        )
        .display()
        .to_string()
    };
    let files = [
        one("a.json", 3, "backoff"),
        one("b.json", 40, "jitter"),
        one("c.json", 20, "jitter"),
    ];
    let page = file("room.html", "");
    let table = file("room.csv", "");
    let mut arguments = vec!["lessons", "--merge"];
    arguments.extend(files.iter().map(String::as_str));
    let (page, table) = (page.display().to_string(), table.display().to_string());
    arguments.extend(["--out", &page, "--out", &table]);
    Plimsoll::new()
        .args(&arguments)
        .code(0)
        .stdout_contains("The guesses of 3 people")
        .stdout_contains("2 of 3 were right")
        .stdout_contains("from 3 to 40, the middle one 20");
    let page = std::fs::read_to_string(page).expect("it was written");
    assert!(page.contains("<svg") && page.contains("the answer"));
    let table = std::fs::read_to_string(table).expect("it was written");
    assert_eq!(table.lines().count(), 7);
}
