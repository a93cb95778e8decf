//! A sentence above the map about something that was done, and what can be done about it.

use egui::{Align, Label, Layout, RichText, Ui};

use crate::command::UiCommand;
use crate::view_ctx::ViewCtx;

/// One row; nothing while there is nothing to say.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let Some(notice) = &view.state.desk.notice else {
        return;
    };
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let link =
                |ui: &mut Ui, words: &str| ui.link(RichText::new(words).font(view.font(13.0)));
            if link(ui, "Close").clicked() {
                view.send(UiCommand::CloseNotice);
            }
            for (words, command) in notice.offers.iter().rev() {
                if link(ui, words).clicked() {
                    view.send(command.clone());
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let words = RichText::new(&notice.words)
                    .font(view.font(14.0))
                    .color(view.theme.muted);
                ui.add(Label::new(words).wrap());
            });
        });
    });
}
