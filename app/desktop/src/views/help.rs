//! The list of shortcuts, on request.

use egui::{Align2, Grid, Ui, Window, vec2};

use crate::command::UiCommand;
use crate::view_ctx::ViewCtx;
use crate::views::View;

/// Shows the list.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let mut open = true;
    Window::new("Shortcuts")
        .open(&mut open)
        .collapsible(false)
        .resizable(false)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0))
        .show(ui.ctx(), |ui| {
            Grid::new("shortcuts")
                .num_columns(2)
                .spacing(vec2(24.0, 6.0))
                .show(ui, |ui| {
                    for listed in UiCommand::listed() {
                        ui.label(listed.title);
                        ui.weak(ui.ctx().format_shortcut(&listed.shortcut));
                        ui.end_row();
                    }
                    ui.label("Set the users");
                    ui.weak("drag or click the line; arrow keys");
                    ui.end_row();
                    ui.label("Break one instance");
                    ui.weak("right click on the map, or Faults");
                    ui.end_row();
                });
        });
    if !open {
        view.send(UiCommand::Toggle(View::Shortcuts));
    }
}
