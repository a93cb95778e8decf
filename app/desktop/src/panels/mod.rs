//! The parts of the window. A panel is a function of what is to be seen.

mod controls;
mod faults_menu;
mod fixes;
mod going_on;
pub mod load_line;
mod map;
mod notice;
mod patterns;
mod sentence;
mod tier_menu;

use egui::{CentralPanel, Frame, Margin, Panel, Ui};

use crate::view_ctx::ViewCtx;
use crate::views::{self, Place};

/// Width of what is on the right, on a window of 1280 × 800.
const SIDE: f32 = 380.0;

/// A panel.
#[cfg(test)]
pub type Show = fn(&mut Ui, &ViewCtx<'_>);

/// All panels by name, for tests that look at each.
#[cfg(test)]
pub fn all() -> Vec<(&'static str, Show)> {
    vec![
        ("controls", controls::show),
        ("sentence", sentence::show),
        ("fixes", fixes::show),
        ("patterns", patterns::show),
        ("going on", going_on::show),
        ("map", map::show),
        ("load line", load_line::show),
    ]
}

/// What is there when the window opens.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let side = (24.0 * view.scale) as i8;
    let height = ui.available_height();
    let frame = |top: f32, bottom: f32| {
        let margin = Margin {
            left: side,
            right: side,
            top: (top * view.scale) as i8,
            bottom: (bottom * view.scale) as i8,
        };
        Frame::new()
            .fill(view.theme.background)
            .inner_margin(margin)
    };
    Panel::top("head")
        .show_separator_line(false)
        .frame(frame(14.0, 6.0))
        .show(ui, |ui| {
            controls::show(ui, view);
            ui.add_space(6.0 * view.scale);
            sentence::show(ui, view);
            fixes::show(ui, view);
            ui.add_space(6.0 * view.scale);
            patterns::show(ui, view);
        });
    if view.state.open.at(Place::Whole).is_some() {
        CentralPanel::default()
            .frame(frame(4.0, 14.0))
            .show(ui, |ui| views::show(ui, view, Place::Whole));
        return;
    }
    if view.state.open.at(Place::Strip).is_some() {
        Panel::bottom("strip")
            .show_separator_line(false)
            .resizable(false)
            .frame(frame(4.0, 10.0))
            .show(ui, |ui| views::show(ui, view, Place::Strip));
    }
    let mut narrower = view.scaled(1.0);
    if view.state.open.at(Place::Side).is_some() {
        let all = ui.available_width();
        let width = (SIDE * view.scale).min(all * 0.36);
        Panel::right("side")
            .resizable(false)
            .exact_size(width)
            .frame(frame(8.0, 14.0))
            .show(ui, |ui| views::show(ui, view, Place::Side));
        // What is left shows the same, a little smaller.
        narrower = view.scaled(((all - width) / all * 1.2).clamp(0.72, 1.0));
    }
    let view = &narrower;
    Panel::bottom("load line")
        .show_separator_line(false)
        .resizable(false)
        .exact_size(height * line_share(view))
        .frame(frame(12.0, 14.0))
        .show(ui, |ui| load_line::show(ui, view));
    CentralPanel::default()
        .frame(frame(4.0, 4.0))
        .show(ui, |ui| {
            notice::show(ui, view);
            going_on::show(ui, view);
            map::show(ui, view);
        });
}

/// The part of the window that the load line has; less where the map has more to show.
fn line_share(view: &ViewCtx<'_>) -> f32 {
    let design = view.frame.scenario.effective_design();
    let crowded = design.regions.is_some() || design.edge.is_some() || design.origin.is_some();
    let strip = view.state.open.at(Place::Strip).is_some();
    match (crowded, strip) {
        (_, true) => 0.27,
        (true, false) => 0.34,
        (false, false) => 0.4,
    }
}
