//! The frame that is common to what is shown in front of everything.

use egui::{Align2, Id, RichText, Ui, Window, vec2};

use crate::command::UiCommand;
use crate::view_ctx::ViewCtx;
use crate::views::View;

/// A window in the middle; its cross and Escape close it.
pub fn show(ui: &Ui, view: &ViewCtx<'_>, which: View, width: f32, content: impl FnOnce(&mut Ui)) {
    let title = which.listed().map_or("", |listed| listed.title);
    let room = ui.ctx().content_rect();
    let width = (width * view.scale).min(room.width() - 60.0);
    let mut open = true;
    Window::new(RichText::new(title).font(view.strong(15.0)))
        .id(Id::unique(("dialog", title)))
        .open(&mut open)
        .collapsible(false)
        .resizable(false)
        .anchor(Align2::CENTER_TOP, vec2(0.0, 0.12 * room.height()))
        .max_height(room.height() * 0.76)
        .show(ui.ctx(), |ui| {
            ui.set_width(width);
            content(ui);
        });
    if !open {
        view.send(UiCommand::Toggle(which));
    }
}

/// Whether it was not shown in the pass before.
pub fn is_fresh(ui: &Ui, which: View) -> bool {
    let id = Id::unique(("shown in pass", which.listed().map(|listed| listed.title)));
    let now = ui.ctx().cumulative_pass_nr();
    let before = ui.data_mut(|data| {
        let before = data.get_temp::<u64>(id);
        data.insert_temp(id, now);
        before
    });
    before.is_none_or(|before| before + 1 < now)
}

/// A text that is typed here and belongs to nobody else.
pub struct Typed(Id);

impl Typed {
    /// Of this name.
    pub fn new(name: &'static str) -> Self {
        Self(Id::unique(("typed", name)))
    }

    /// What is there, or else what it begins with.
    pub fn get(&self, ui: &Ui, begins: impl FnOnce() -> String) -> String {
        let there = ui.data(|data| data.get_temp(self.0));
        there.unwrap_or_else(begins)
    }

    /// Another text.
    pub fn set(&self, ui: &Ui, text: String) {
        ui.data_mut(|data| data.insert_temp(self.0, text));
    }

    /// Nothing was typed.
    pub fn clear(&self, ui: &Ui) {
        ui.data_mut(|data| data.remove::<String>(self.0));
    }
}
