//! Lessons: the list, and one step at a time in letters that a whole room can read.
//!
//! First the story, then each question, only then what answers it; then why, and changes to try. Everything works with the keyboard.

mod chart;
mod steps;

use egui::{Align, Button, Layout, RichText, Ui, vec2};

use crate::command::UiCommand;
use crate::lessons::LessonCommand;
use crate::view_ctx::ViewCtx;
use crate::views::View;

/// Shows the list, or the step of the open lesson.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let lessons = &view.state.lessons;
    match lessons.lesson() {
        None => list(ui, view),
        Some(lesson) => steps::show(ui, view, lesson),
    }
}

fn list(ui: &mut Ui, view: &ViewCtx<'_>) {
    let scale = view.scale;
    ui.horizontal(|ui| {
        ui.label(RichText::new("Lessons").font(view.strong(24.0)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button(ui, view, "Close").clicked() {
                view.send(UiCommand::Toggle(View::Lessons));
            }
        });
    });
    let about = "Guess first, then run it, and see what decides.";
    ui.label(
        RichText::new(about)
            .font(view.font(15.0))
            .color(view.theme.muted),
    );
    ui.add_space(12.0 * scale);
    for (index, lesson) in view.state.lessons.all.iter().enumerate() {
        ui.horizontal(|ui| {
            let name = format!("{}  {}", lesson.id, lesson.title);
            let title = Button::new(RichText::new(&name).font(view.strong(18.0)));
            let response = ui.add(title.min_size(vec2(300.0, 44.0) * scale));
            if view.state.lessons.fresh && index == 0 {
                response.request_focus();
                view.send(UiCommand::Lesson(LessonCommand::Shown));
            }
            if response.clicked() {
                view.send(UiCommand::Lesson(LessonCommand::Open(index)));
            }
            ui.add_space(8.0 * scale);
            let minutes = format!("{} minutes. {}", lesson.minutes, lesson.goal);
            let words = RichText::new(minutes)
                .font(view.font(14.0))
                .color(view.theme.muted);
            ui.add(egui::Label::new(words).wrap());
        });
        ui.add_space(8.0 * scale);
    }
}

/// A button in letters that can be read from far.
fn button(ui: &mut Ui, view: &ViewCtx<'_>, words: &str) -> egui::Response {
    let words = RichText::new(words).font(view.font(16.0));
    ui.add(Button::new(words).min_size(vec2(96.0, 38.0) * view.scale))
}
