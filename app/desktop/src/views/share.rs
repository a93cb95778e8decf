//! What others can have: the exact command, and files.

use egui::{RichText, TextEdit, Ui};

use super::dialog::{self, Typed};
use crate::command::UiCommand;
use crate::share::Export;
use crate::view_ctx::ViewCtx;
use crate::views::View;

/// Shows it.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let draft = view.state.history.now();
    let folder = Typed::new("folder for exports");
    dialog::show(ui, view, View::Share, 560.0, |ui| {
        let muted = |words: &str| {
            RichText::new(words)
                .font(view.font(13.0))
                .color(view.theme.muted)
        };
        ui.label(RichText::new("The command that runs this").font(view.strong(14.0)));
        let command = draft.command("run");
        let mono = egui::FontId::monospace(13.0 * view.scale);
        ui.label(RichText::new(&command).font(mono));
        ui.horizontal(|ui| {
            if ui.button("Copy").clicked() {
                view.send(UiCommand::CopyCommand);
            }
            ui.label(muted("The same bytes on any machine."));
        });
        ui.add_space(8.0 * view.scale);
        ui.label(RichText::new("Files").font(view.strong(14.0)));
        ui.label(muted(
            "Pages and numbers say what is measured so far, and how to run it again.",
        ));
        let mut place = folder.get(ui, String::new);
        ui.horizontal(|ui| {
            let label = ui.label("Folder");
            let field = TextEdit::singleline(&mut place)
                .font(view.font(14.0))
                .hint_text("where the program was started")
                .desired_width(f32::INFINITY);
            if ui.add(field).labelled_by(label.id).changed() {
                folder.set(ui, place.clone());
            }
        });
        ui.horizontal_wrapped(|ui| {
            for export in Export::ALL {
                let file = export.file_name(draft.beginning().name());
                let path = match place.trim().trim_end_matches(['/', '\\']) {
                    "" => file,
                    place => format!("{place}/{file}"),
                };
                let response = ui.button(export.title()).on_hover_text(&path);
                if response.clicked() {
                    view.send(UiCommand::Export(export, path));
                }
            }
        });
        if let Some(problem) = &view.state.problem {
            ui.label(RichText::new(problem).color(view.theme.bad));
        } else if let Some(notice) = &view.state.desk.notice {
            ui.label(muted(&notice.words));
        }
    });
}
