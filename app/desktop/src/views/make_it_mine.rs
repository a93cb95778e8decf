//! The inputs that move this answer most, to be made one's own; behind them every field there is.

use egui::{RichText, ScrollArea, Ui};

use super::{field, fields};
use crate::command::UiCommand;
use crate::editor;
use crate::view_ctx::ViewCtx;
use crate::views::View;

/// Shows it on the right.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("Make it mine").font(view.strong(17.0)));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ui.button("Close").clicked() {
                view.send(UiCommand::Toggle(View::MakeItMine));
            }
        });
    });
    let (first, ranked) = view.state.editor.first();
    let words = if ranked {
        "These guesses move the answer most. Type your own numbers; nothing is lost, every change can be undone."
    } else {
        "Type your own numbers. What moves the answer most is being worked out."
    };
    ui.label(
        RichText::new(words)
            .font(view.font(13.0))
            .color(view.theme.muted),
    );
    ui.add_space(6.0 * view.scale);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for input in &first {
            let found = editor::all().iter().find(|found| found.path == input.path);
            if let Some(found) = found {
                field::show(ui, view, found, &crate::words::capitalized(&input.title));
            }
        }
        fields::show(ui, view);
    });
}
