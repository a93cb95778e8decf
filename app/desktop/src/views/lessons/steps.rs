//! One step of a lesson: words, a guess or a result, and the way on.

use egui::{
    Align, Button, Color32, Label, Layout, Panel, ProgressBar, RadioButton, RichText, ScrollArea,
    Slider, Ui, vec2,
};
use report::lesson::{answer_words, guess_beside, lesson_sentence};
use sim_core::lesson::{Answer, Chart, Guess, Lesson, Page, Question, Reading};

use super::{button, chart};
use crate::command::UiCommand;
use crate::format;
use crate::lessons::{LessonCommand, Step, middle};
use crate::view_ctx::ViewCtx;

/// Widest column of words, in letters of the size below.
const COLUMN: f32 = 980.0;
/// What is read first.
const LARGE: f32 = 20.0;

fn send(view: &ViewCtx<'_>, command: LessonCommand) {
    view.send(UiCommand::Lesson(command));
}

/// Shows the step.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, lesson: &Lesson) {
    let lessons = &view.state.lessons;
    head(ui, view, lesson);
    Panel::bottom("way on")
        .show_separator_line(false)
        .frame(egui::Frame::new())
        .show(ui, |ui| way_on(ui, view, lesson));
    egui::CentralPanel::default()
        .frame(egui::Frame::new())
        .show(ui, |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.set_max_width(ui.available_width().min(COLUMN * view.scale));
                if let Some(problem) = &lessons.problem {
                    paragraph(ui, view, problem, view.theme.bad);
                }
                match lessons.now() {
                    Step::Story => words(ui, view, &lesson.story),
                    Step::Question(index) => question(ui, view, &lesson.questions[index]),
                    Step::Reveal => result(ui, view, lesson, &lesson.reveal, true),
                    Step::Explain => explain(ui, view, lesson),
                    Step::Try(index) => result(ui, view, lesson, &lesson.tries[index], false),
                }
            });
        });
}

fn head(ui: &mut Ui, view: &ViewCtx<'_>, lesson: &Lesson) {
    let lessons = &view.state.lessons;
    ui.horizontal(|ui| {
        let step = match lessons.now() {
            Step::Story => "What happens".to_owned(),
            Step::Question(index) => format!("Guess {}", index + 1),
            Step::Reveal => "What is".to_owned(),
            Step::Explain => "Why".to_owned(),
            Step::Try(index) => format!("Try: {}", lesson.tries[index].label),
        };
        ui.label(RichText::new(&lesson.title).font(view.strong(22.0)));
        ui.add_space(6.0 * view.scale);
        ui.label(
            RichText::new(step)
                .font(view.font(18.0))
                .color(view.theme.muted),
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button(ui, view, "All lessons").clicked() {
                send(view, LessonCommand::List);
            }
        });
    });
    ui.add_space(6.0 * view.scale);
}

/// Back and next, and where one is.
fn way_on(ui: &mut Ui, view: &ViewCtx<'_>, lesson: &Lesson) {
    let lessons = &view.state.lessons;
    ui.add_space(6.0 * view.scale);
    ui.horizontal(|ui| {
        ui.add_enabled_ui(lessons.step > 0, |ui| {
            if button(ui, view, "Back").clicked() {
                send(view, LessonCommand::Back);
            }
        });
        let place = format!("Step {} of {}", lessons.step + 1, lessons.steps().len());
        ui.label(
            RichText::new(place)
                .font(view.font(14.0))
                .color(view.theme.muted),
        );
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let last = lessons.step + 1 == lessons.steps().len();
            if last {
                if button(ui, view, "Start over").clicked() {
                    send(view, LessonCommand::StartOver);
                }
            } else {
                let may = lessons.may_go_on();
                ui.add_enabled_ui(may, |ui| {
                    let response = button(ui, view, "Next");
                    if lessons.fresh && may {
                        response.request_focus();
                        send(view, LessonCommand::Shown);
                    }
                    if response.clicked() {
                        send(view, LessonCommand::Next);
                    }
                });
            }
            if lessons.now() == Step::Explain || last {
                let copied = if lessons.copied {
                    "Guesses copied"
                } else {
                    "Copy my guesses"
                };
                let tip = "A file for `plimsoll lessons --merge`, to the clipboard";
                if button(ui, view, copied).on_hover_text(tip).clicked() {
                    send(view, LessonCommand::CopyGuesses);
                }
            }
            if let Step::Question(index) = lessons.now()
                && lessons.answer(&lesson.questions[index].name).is_none()
                && button(ui, view, "No guess").clicked()
            {
                send(view, LessonCommand::NoGuess);
            }
        });
    });
}

fn paragraph(ui: &mut Ui, view: &ViewCtx<'_>, words: &str, color: Color32) {
    let text = RichText::new(words).font(view.font(LARGE)).color(color);
    ui.add(Label::new(text).wrap());
    ui.add_space(8.0 * view.scale);
}

fn words(ui: &mut Ui, view: &ViewCtx<'_>, all: &[String]) {
    ui.add_space(6.0 * view.scale);
    for sentence in all {
        paragraph(ui, view, sentence, view.theme.text);
    }
}

fn explain(ui: &mut Ui, view: &ViewCtx<'_>, lesson: &Lesson) {
    let Some(found) = view.state.lessons.found() else {
        return;
    };
    let said: Vec<String> = lesson
        .explain
        .iter()
        .map(|sentence| lesson_sentence(lesson, found, sentence))
        .collect();
    words(ui, view, &said);
}

fn question(ui: &mut Ui, view: &ViewCtx<'_>, question: &Question) {
    let lessons = &view.state.lessons;
    let given = lessons.answer(&question.name).flatten();
    ui.add_space(6.0 * view.scale);
    let ask = RichText::new(&question.ask).font(view.strong(24.0));
    ui.add(Label::new(ask).wrap());
    ui.add_space(14.0 * view.scale);
    match &question.guess {
        Guess::Choice(all) => {
            for (index, (name, words)) in all.iter().enumerate() {
                let chosen = given == Some(&Answer::Choice(name.clone()));
                let text = RichText::new(words).font(view.font(LARGE));
                ui.spacing_mut().icon_width = 20.0 * view.scale;
                let response = ui.add(RadioButton::new(chosen, text));
                if lessons.fresh && index == 0 && !lessons.may_go_on() {
                    response.request_focus();
                    send(view, LessonCommand::Shown);
                }
                if response.clicked() {
                    send(view, LessonCommand::Guess(Answer::Choice(name.clone())));
                }
                ui.add_space(6.0 * view.scale);
            }
        }
        Guess::Number {
            unit,
            from,
            to,
            log,
        } => {
            let mut number = match given {
                Some(Answer::Number(number)) => *number,
                _ => middle(&question.guess),
            };
            let before = number;
            ui.spacing_mut().slider_width = 620.0 * view.scale;
            ui.style_mut().override_font_id = Some(view.font(LARGE));
            let slider = Slider::new(&mut number, *from..=*to)
                .logarithmic(*log)
                .custom_formatter(|number, _| format::count(number))
                .custom_parser(|text| match question.guess.read(text) {
                    Ok(Answer::Number(number)) => Some(number),
                    _ => None,
                })
                .text(unit.as_str());
            let response = ui.add(slider);
            if lessons.fresh && !lessons.may_go_on() {
                response.request_focus();
                send(view, LessonCommand::Shown);
            }
            if number != before {
                send(view, LessonCommand::Guess(Answer::Number(rounded(number))));
            }
            ui.add_space(10.0 * view.scale);
            let told = lessons.found().is_some_and(|found| !found.is_empty());
            let said = match given {
                _ if told => "It was run: the guess stays as it was.".to_owned(),
                Some(answer) => format!("Your guess: {}.", answer_words(question, answer)),
                None => "Move the handle, or type a number.".to_owned(),
            };
            ui.label(
                RichText::new(said)
                    .font(view.font(LARGE))
                    .color(view.theme.muted),
            );
        }
    }
}

/// Three digits are enough for a guess.
fn rounded(number: f64) -> f64 {
    if number <= 0.0 {
        return number;
    }
    let unit = 10f64.powi(number.log10().floor() as i32 - 2);
    let rounded = (number / unit).round() * unit;
    // A guess of 0.1 + 0.2 is 0.3.
    format!("{rounded:.6}").parse().unwrap_or(rounded)
}

/// A page: what is to be run, how far it is, what was found.
fn result(ui: &mut Ui, view: &ViewCtx<'_>, lesson: &Lesson, page: &Page, first: bool) {
    let lessons = &view.state.lessons;
    let Some(found) = lessons.found() else {
        return;
    };
    if lessons.study.is_some() {
        return working(ui, view, lesson, page);
    }
    if !lessons.is_revealed() {
        return to_run(ui, view, lesson, page, first);
    }
    for question in &lesson.questions {
        let answered = found.read(lesson, &question.answer) != Reading::Nothing;
        let here = first || !found_before(lesson, page, question);
        if answered && here {
            let guess = lessons.answer(&question.name).flatten();
            let beside = guess_beside(lesson, question, guess, found);
            let text = RichText::new(beside)
                .font(view.strong(18.0))
                .color(view.theme.accent);
            ui.add(Label::new(text).wrap());
        }
    }
    for sentence in &page.words {
        let said = lesson_sentence(lesson, found, sentence);
        let text = RichText::new(said).font(view.font(17.0));
        ui.add(Label::new(text).wrap());
    }
    if let Some(drawn) = &page.chart {
        chart::show(ui, view, lesson, drawn);
        if matches!(drawn, Chart::OverTime { .. }) {
            time(ui, view);
        }
    }
}

/// Whether an earlier page than this one has answered a question.
fn found_before(lesson: &Lesson, page: &Page, question: &Question) -> bool {
    let needed = needed(lesson, &question.answer);
    let mut known: Vec<&String> = lesson.reveal.runs.iter().collect();
    for earlier in &lesson.tries {
        if earlier == page {
            break;
        }
        known.extend(&earlier.runs);
    }
    needed.iter().all(|run| known.contains(&run))
}

/// The runs that a figure is read from.
fn needed(lesson: &Lesson, name: &str) -> Vec<String> {
    lesson.runs_of(name)
}

fn to_run(ui: &mut Ui, view: &ViewCtx<'_>, lesson: &Lesson, page: &Page, first: bool) {
    ui.add_space(6.0 * view.scale);
    if first {
        for question in &lesson.questions {
            let guess = view.state.lessons.answer(&question.name).flatten();
            let said = match guess {
                Some(answer) => answer_words(question, answer),
                None => "no guess".to_owned(),
            };
            paragraph(
                ui,
                view,
                &format!("{} {said}.", question.ask),
                view.theme.muted,
            );
        }
    }
    let abouts: Vec<String> = page
        .runs
        .iter()
        .filter_map(|name| lesson.run(name))
        .map(|run| run.about.clone())
        .collect();
    paragraph(
        ui,
        view,
        &format!("To be simulated: {}.", abouts.join("; ")),
        view.theme.text,
    );
    let label = RichText::new(&page.label)
        .font(view.strong(LARGE))
        .color(view.theme.on_accent);
    let run = Button::new(label).fill(view.theme.accent);
    let response = ui.add(run.min_size(vec2(220.0, 52.0) * view.scale));
    if view.state.lessons.fresh {
        response.request_focus();
        send(view, LessonCommand::Shown);
    }
    if response.clicked() {
        send(view, LessonCommand::Run);
    }
}

fn working(ui: &mut Ui, view: &ViewCtx<'_>, lesson: &Lesson, page: &Page) {
    let Some(study) = &view.state.lessons.study else {
        return;
    };
    let frame = study.frame();
    ui.add_space(6.0 * view.scale);
    ui.horizontal(|ui| {
        let share = frame.share.clamp(0.0, 1.0) as f32;
        let words = format!("{} of {} simulations", frame.done, frame.all);
        let bar = ProgressBar::new(share)
            .desired_width(420.0 * view.scale)
            .desired_height(30.0 * view.scale)
            .fill(view.theme.raised)
            .text(RichText::new(words).font(view.font(15.0)));
        ui.add(bar);
        let response = button(ui, view, "Stop");
        if view.state.lessons.fresh {
            response.request_focus();
            send(view, LessonCommand::Shown);
        }
        if response.clicked() {
            send(view, LessonCommand::Stop);
        }
    });
    ui.add_space(8.0 * view.scale);
    if let Some(drawn @ Chart::OverTime { .. }) = &page.chart {
        chart::show(ui, view, lesson, drawn);
    }
}

/// Moves both storms together.
fn time(ui: &mut Ui, view: &ViewCtx<'_>) {
    let lessons = &view.state.lessons;
    let Some(end) = lessons.reached_s() else {
        return;
    };
    ui.horizontal(|ui| {
        if button(ui, view, "Play again").clicked() {
            send(view, LessonCommand::PlayAgain);
        }
        let mut at = lessons.shown_s.unwrap_or(end);
        let before = at;
        ui.spacing_mut().slider_width = 420.0 * view.scale;
        let slider = Slider::new(&mut at, 0.0..=end)
            .custom_formatter(|at, _| format::clock(at))
            .text("simulated");
        ui.add(slider);
        if at != before {
            send(view, LessonCommand::ShowAt(at));
        }
    });
}
