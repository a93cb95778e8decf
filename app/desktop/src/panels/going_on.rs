//! What is broken now and how it went, in words above the map; nothing while all is well.

use egui::{Align, Label, Layout, RichText, Ui};

use crate::command::UiCommand;
use crate::faults::{self, Event};
use crate::view_ctx::ViewCtx;

/// Sentences shown; more are counted.
const SHOWN: usize = 2;

/// A line per fault, newest first.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let events = faults::going_on(view.frame);
    if !events.is_empty() {
        ui.scope(|ui| lines(ui, view, &events));
    }
}

fn lines(ui: &mut Ui, view: &ViewCtx<'_>, events: &[Event]) {
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().interact_size.y = 20.0 * view.scale;
    for (index, event) in events.iter().take(SHOWN).enumerate() {
        let color = if event.now {
            view.theme.bad
        } else {
            view.theme.muted
        };
        if index > 0 && event.undo.is_none() {
            sentence(ui, view, &event.words, color);
            continue;
        }
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if index == 0 {
                    copy_link(ui, view);
                }
                if let Some(number) = event.undo {
                    undo_link(ui, view, number);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    sentence(ui, view, &event.words, color);
                });
            });
        });
    }
    if events.len() > SHOWN {
        let more = format!("And {} more.", events.len() - SHOWN);
        sentence(ui, view, &more, view.theme.muted);
    }
}

fn sentence(ui: &mut Ui, view: &ViewCtx<'_>, words: &str, color: egui::Color32) {
    let text = RichText::new(words).font(view.font(14.0)).color(color);
    ui.add(Label::new(text).truncate());
}

/// The end of what lasts until then.
fn undo_link(ui: &mut Ui, view: &ViewCtx<'_>, number: usize) {
    let text = RichText::new("Undo").font(view.font(12.5));
    let response = ui.link(text);
    if response.clicked() {
        view.send(UiCommand::Mend(number));
    }
    response.on_hover_text("Ends it now.");
}

/// The same again from a file.
fn copy_link(ui: &mut Ui, view: &ViewCtx<'_>) {
    let text = RichText::new("Copy as scenario").font(view.font(12.5));
    let response = ui.link(text);
    if response.clicked() {
        view.send(UiCommand::CopyFaults);
    }
    response.on_hover_ui(|ui| {
        ui.label("Copies the entry that makes this happen again, to paste into a scenario file:");
        ui.monospace(faults::entry(&view.frame.scenario));
    });
}
