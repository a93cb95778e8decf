//! Both lessons from the list to the last change, with hand-made reports: no thread, no clock.

use std::cell::Cell;

use sim_core::lesson::{Findings, Job, Sample, Studied};

use super::breaking::cut_short;
use super::*;
use crate::lessons::{LessonCommand, Step, Studying};
use crate::views::View;

/// A study that is half done at first, and finished when it is told.
struct HandMade {
    finished: Rc<Cell<bool>>,
    half: Arc<session::LessonFrame>,
    whole: Arc<session::LessonFrame>,
}

impl Studying for HandMade {
    fn frame(&self) -> Arc<session::LessonFrame> {
        if self.finished.get() {
            self.whole.clone()
        } else {
            self.half.clone()
        }
    }
}

/// A session whose studies are hand-made.
struct Taught {
    link: Scripted,
    finished: Rc<Cell<bool>>,
}

impl Link for Taught {
    fn send(&self, command: Command) {
        self.link.send(command);
    }

    fn frame(&self) -> Arc<Frame> {
        self.link.frame()
    }

    fn run_lesson(&self, jobs: Vec<Job>, _: &egui::Context) -> Box<dyn Studying> {
        Box::new(hand_made(&jobs, self.finished.clone()))
    }
}

/// A clean storm: 5 000 a second come back.
fn storm(attempts_per_s: u64) -> Vec<Sample> {
    let sample = |second: u64| Sample {
        at_s: second as f64,
        open: (second * 5_000).min(100_000),
        attempts: second * attempts_per_s,
    };
    (0..=60).map(sample).collect()
}

fn studied(job: &Job) -> Studied {
    let users = u64::from(job.scenario.load.users);
    let mut report = report();
    report.users = users;
    report.connections.wanted = 100_000;
    report.connections.open = if job.run == "exponential" {
        81_000
    } else {
        100_000
    };
    report.connections.attempts = match job.run.as_str() {
        "fixed" | "exponential" => 3_700_000,
        "full" => 420_000,
        _ => 100_000,
    };
    let unstable = job.run == "ramp" && users > 8_000;
    let p99 = 340.0 + 4_000.0 / (8_400.0 - users.min(8_300) as f64).max(1.0);
    let estimate = Estimate {
        value: (!unstable).then_some(p99),
        low: Some(p99 * 0.97),
        high: Some(p99 * 1.03),
    };
    let publish = report.operations.get_mut("publish").expect("it is there");
    publish.latency_ms = [("delivered".to_owned(), latency(estimate))].into();
    publish.breakdown = vec![sim_core::report::BreakdownRow {
        tier: "database".into(),
        cause: "queue".into(),
        mean_ms: 5.0 * users as f64 / 1_000.0,
        share_of_p99: 0.4,
    }];
    publish.lost = if job.run == "no_resume" { 8_000 } else { 0 };
    if users > 7_900 {
        report.objectives[0].verdict = "fail".into();
    }
    Studied {
        run: job.run.clone(),
        report,
        samples: match job.watch_s {
            Some(_) if job.run == "fixed" => storm(61_000),
            Some(_) => storm(1_600),
            None => Vec::new(),
        },
    }
}

fn hand_made(jobs: &[Job], finished: Rc<Cell<bool>>) -> HandMade {
    let mut findings = Findings::default();
    jobs.iter().map(studied).for_each(|one| findings.push(one));
    let all = jobs.len();
    let watched = findings.all().iter().filter(|one| !one.samples.is_empty());
    let half = session::LessonFrame {
        done: all / 2,
        all,
        share: 0.5,
        watched: watched
            .map(|one| (one.run.clone(), one.samples[..30].to_vec()))
            .collect(),
        outcome: None,
    };
    let whole = session::LessonFrame {
        done: all,
        share: 1.0,
        outcome: Some(Ok(findings)),
        ..half.clone()
    };
    HandMade {
        finished,
        half: half.into(),
        whole: whole.into(),
    }
}

fn presets() -> Vec<PresetEntry> {
    let entry = |name: &'static str, text: &'static str| PresetEntry {
        name: name.to_owned(),
        title: name.to_owned(),
        scenario: draft_of(name, text).scenario().clone(),
        load: Box::new(move || Ok(draft_of(name, text))),
    };
    vec![
        entry("p1-mvp", include_str!("../../../../presets/p1-mvp.ron")),
        entry(
            "reconnect-storm",
            include_str!("../../../../presets/reconnect-storm.ron"),
        ),
    ]
}

fn classroom(
    theme: Theme,
    pixels: f32,
    size: egui::Vec2,
) -> (Harness<'static, Explorer>, Rc<Cell<bool>>) {
    let finished = Rc::new(Cell::new(false));
    let taught = Taught {
        link: link(frame(Phase::Paused)),
        finished: finished.clone(),
    };
    let mut explorer = Explorer::new(Box::new(taught), draft(), false, presets());
    explorer.state.open.toggle(View::Lessons);
    let harness = Harness::builder()
        .with_size(size)
        .with_pixels_per_point(pixels)
        .with_theme(theme)
        .with_context_setup(theme::install)
        .build_ui_state(
            |ui: &mut Ui, explorer: &mut Explorer| {
                explorer.logic(ui.ctx());
                explorer.ui(ui);
            },
            explorer,
        );
    (harness, finished)
}

/// Everything with words stands inside the window and is not cut.
fn looks_whole(harness: &Harness<'_, Explorer>, size: egui::Vec2, what: &str) {
    let cut = cut_short(harness);
    assert!(cut.is_empty(), "{what}, {size}: cut short: {cut:?}");
    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
    for node in harness.root().children_recursive() {
        let own = node.accesskit_node();
        let words = own.label().or(own.value());
        if words.is_some_and(|words| !words.is_empty()) {
            let rect = node.rect();
            assert!(
                window.expand(0.5).contains_rect(rect),
                "{what}, {size}: {node:?} {rect}"
            );
        }
    }
}

/// Through one lesson by what can be pressed; `see` is called at every step.
fn work_through(
    harness: &mut Harness<'static, Explorer>,
    finished: &Cell<bool>,
    lesson: &str,
    see: &dyn Fn(&Harness<'static, Explorer>, &str),
) {
    harness.run();
    see(harness, "list");
    harness.get_by_label_contains(lesson).click();
    harness.run();
    for _ in 0..20 {
        let lessons = &harness.state().state.lessons;
        let step = lessons.now();
        see(harness, &format!("{lesson} {step:?}"));
        match step {
            Step::Question(0) if lesson == "The knee" => {
                harness.key_press(Key::ArrowRight);
            }
            Step::Question(0) => harness.get_by_role(egui::accesskit::Role::Slider).focus(),
            Step::Question(_) => {
                let choice = harness
                    .get_all_by_role(egui::accesskit::Role::RadioButton)
                    .next();
                choice.expect("there is a choice").click();
            }
            Step::Reveal | Step::Try(_) => {
                finished.set(false);
                let label = lessons.page().expect("it has a page").label.clone();
                harness
                    .get_all_by_label(&label)
                    .last()
                    .expect("it can be run")
                    .click();
                harness.run();
                see(harness, &format!("{lesson} {step:?} working"));
                harness.get_by_label("Stop");
                finished.set(true);
                harness.run();
                see(harness, &format!("{lesson} {step:?} found"));
            }
            _ => {}
        }
        harness.run();
        if step == Step::Question(0) && lesson != "The knee" {
            harness.key_press(Key::ArrowRight);
            harness.run();
        }
        if harness.query_by_label("Next").is_none() {
            return;
        }
        harness.get_by_label("Next").click();
        harness.run();
    }
    panic!("{lesson} never ends");
}

#[test]
fn both_lessons_from_the_list_to_the_last_change() {
    for lesson in ["The knee", "The reconnect storm"] {
        let (mut harness, finished) = classroom(Theme::Dark, 1.0, vec2(1280.0, 800.0));
        work_through(&mut harness, &finished, lesson, &|_, _| {});
        let lessons = &harness.state().state.lessons;
        assert_eq!(lessons.step + 1, lessons.steps().len());
        let guesses = lessons.guesses().expect("a lesson is open");
        assert_eq!(guesses.answers.len(), 2, "{guesses:?}");
        assert!(guesses.check(&lessons.all).is_ok());
        harness.get_by_label("Copy my guesses").click();
        harness.run();
        harness.get_by_label("Guesses copied");
    }
}

#[test]
fn nothing_is_revealed_before_the_guess() {
    let (mut harness, _) = classroom(Theme::Dark, 1.0, vec2(1280.0, 800.0));
    harness.run();
    harness.get_by_label_contains("The knee").click();
    harness.run();
    harness.get_by_label("Next").click();
    harness.run();
    assert_eq!(harness.state().state.lessons.now(), Step::Question(0));
    assert!(harness.get_by_label("Next").accesskit_node().is_disabled());
    harness.get_by_label("No guess").click();
    harness.run();
    assert_eq!(harness.state().state.lessons.now(), Step::Question(1));
    assert!(harness.query_by_label("Run it").is_none());
}

#[test]
fn both_storms_move_together() {
    let (mut harness, finished) = classroom(Theme::Light, 1.0, vec2(1280.0, 800.0));
    finished.set(true);
    let lessons = &mut harness.state_mut().state.lessons;
    lessons.open(1);
    lessons.go(3);
    harness.run();
    harness.get_by_label("Run both storms").click();
    harness.run();
    harness.get_by_label_contains("After 1 min 00 s: every second: 100 K open, 3.66 M attempts");
    let handle = |at_s: f64| crate::command::UiCommand::Lesson(LessonCommand::ShowAt(at_s));
    let ctx = harness.ctx.clone();
    let still = link(frame(Phase::Paused));
    crate::command_handling::handle(handle(10.0), &mut harness.state_mut().state, &still, &ctx);
    harness.run();
    harness.get_by_label_contains(
        "After 10 s: every second: 50 K open, 610 K attempts; first attempt spread over 20 s: 50 K open, 16 K attempts.",
    );
}

#[test]
fn every_step_fits_in_every_theme_and_size() {
    for (size, pixels) in [
        (vec2(1024.0, 640.0), 1.0),
        (vec2(1280.0, 800.0), 2.0),
        (vec2(2560.0, 1440.0), 1.0),
    ] {
        for theme in [Theme::Dark, Theme::Light] {
            for lesson in ["The knee", "The reconnect storm"] {
                let (mut harness, finished) = classroom(theme, pixels, size);
                work_through(&mut harness, &finished, lesson, &|harness, what| {
                    looks_whole(harness, size, what);
                });
            }
        }
    }
}
