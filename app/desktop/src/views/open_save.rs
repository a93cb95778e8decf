//! Which file: to open, or to save to. Both take a path that is typed; where the system has dialogs they are a button away.

use egui::{Key, RichText, TextEdit, Ui};

use super::dialog::{self, Typed};
use crate::command::UiCommand;
use crate::view_ctx::ViewCtx;
use crate::views::View;

/// A file to open.
pub fn show_open(ui: &mut Ui, view: &ViewCtx<'_>) {
    let typed = Typed::new("file to open");
    let fresh = dialog::is_fresh(ui, View::Open);
    if fresh {
        typed.clear(ui);
    }
    dialog::show(ui, view, View::Open, 520.0, |ui| {
        let (path, entered) = path_field(ui, view, &typed, "", fresh);
        ui.horizontal(|ui| {
            if (ui.button("Open").clicked() || entered) && !path.trim().is_empty() {
                view.send(UiCommand::Open(path.trim().to_owned()));
            }
            choose_button(ui, view, false, "");
        });
        problem(ui, view);
        if !view.state.desk.recent.is_empty() {
            ui.add_space(6.0 * view.scale);
            ui.weak("Opened and saved before");
        }
        for recent in &view.state.desk.recent {
            if ui.link(recent).clicked() {
                view.send(UiCommand::Open(recent.clone()));
            }
        }
    });
}

/// A file to save to.
pub fn show_save(ui: &mut Ui, view: &ViewCtx<'_>) {
    let typed = Typed::new("file to save to");
    let fresh = dialog::is_fresh(ui, View::SaveAs);
    if fresh {
        typed.clear(ui);
    }
    let name = crate::files::stem(view.state.history.now().beginning().name());
    let suggested = format!("my-{name}.ron");
    dialog::show(ui, view, View::SaveAs, 520.0, |ui| {
        let words = "The file says what differs from the preset, or is your file with the changes in it. `plimsoll run` takes it.";
        ui.label(
            RichText::new(words)
                .font(view.font(13.0))
                .color(view.theme.muted),
        );
        let (path, entered) = path_field(ui, view, &typed, &suggested, fresh);
        let there = view.state.desk.already_there.as_ref();
        let over = there
            .is_some_and(|there| *there == path.trim() || *there == format!("{}.ron", path.trim()));
        ui.horizontal(|ui| {
            let words = if over { "Write over it" } else { "Save" };
            if ui.button(words).clicked() || entered {
                view.send(UiCommand::SaveAs(path.clone(), over));
            }
            choose_button(ui, view, true, &suggested);
        });
        if over {
            let words = format!("{} is already there.", path.trim());
            ui.label(RichText::new(words).color(view.theme.warn));
        }
        problem(ui, view);
    });
}

/// The path, and whether Enter was pressed in it.
fn path_field(
    ui: &mut Ui,
    view: &ViewCtx<'_>,
    typed: &Typed,
    begins: &str,
    fresh: bool,
) -> (String, bool) {
    let mut path = typed.get(ui, || begins.to_owned());
    let label = ui.label("File");
    let field = TextEdit::singleline(&mut path)
        .font(view.font(14.0))
        .hint_text("designs/mine.ron, or the name of a preset")
        .desired_width(f32::INFINITY);
    let response = ui.add(field).labelled_by(label.id);
    if fresh {
        response.request_focus();
    }
    if response.changed() {
        typed.set(ui, path.clone());
    }
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    (path, entered)
}

fn choose_button(ui: &mut Ui, view: &ViewCtx<'_>, save: bool, name: &str) {
    if view.state.desk.no_dialogs {
        ui.weak("No dialog of the system here: type the path.");
    } else if ui.button("Choose…").clicked() {
        let name = name.to_owned();
        view.send(UiCommand::Choose { save, name });
    }
}

fn problem(ui: &mut Ui, view: &ViewCtx<'_>) {
    if let Some(problem) = &view.state.problem {
        ui.label(RichText::new(problem).color(view.theme.bad));
    }
}
