//! The top row: which scenario, what can be done with it, play and pause, how far and how fast, and the menu of the rest.

use egui::accesskit::Role;
use egui::containers::menu::MenuButton;
use egui::{Align, Button, Layout, Response, RichText, Sense, Ui, WidgetInfo, vec2};
use session::Phase;

use super::faults_menu;
use crate::command::UiCommand;
use crate::theme::Look;
use crate::view_ctx::ViewCtx;
use crate::views::View;
use crate::{format, paint};

/// One row.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    ui.horizontal(|ui| {
        preset_menu(ui, view);
        text_button(ui, view, "Make it mine", View::MakeItMine);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            more_menu(ui, view);
            text_button(ui, view, "Share", View::Share);
            ui.add_space(10.0 * view.scale);
            compare_button(ui, view);
            faults_menu::show(ui, view);
            play_button(ui, view);
            ui.add_space(4.0 * view.scale);
            let status = RichText::new(status(view))
                .font(view.font(13.0))
                .color(view.theme.muted);
            ui.label(status).on_hover_text(
                "Simulated time, and how much of it passes in one second on your clock.",
            );
        });
    });
}

/// `1 min 05 s simulated, 12× real time`.
pub fn status(view: &ViewCtx<'_>) -> String {
    if view.state.stored.shown {
        return "stored, running again".into();
    }
    let time = &view.frame.time;
    if let Some(seeking) = time.seeking {
        let (to, wait) = (
            format::clock(seeking.to_s),
            format::clock(seeking.wait_s.ceil()),
        );
        return format!("going to {to}: about {wait}");
    }
    let model = view.frame.report.as_ref().and_then(|report| report.model);
    let model = model.map_or_else(String::new, |model| {
        let error = format::percent(model.error);
        format!("1:{} model ± {error}, ", model.one_in)
    });
    let shown = model + &format::clock(view.frame.simulated_s);
    let reached = match view.frame.is_back() {
        true => format!("{shown} of {}", format::clock(time.reached_s)),
        false => format!("{shown} simulated"),
    };
    match view.frame.phase {
        Phase::Building => "building".into(),
        Phase::Running if !view.state.playing => format!("{reached}, pausing"),
        Phase::Running if view.frame.speed > 0.0 => {
            format!("{reached}, {}× real time", format::rough(view.frame.speed))
        }
        Phase::Running => reached,
        Phase::Paused => format!("{reached}, paused"),
    }
}

fn preset_menu(ui: &mut Ui, view: &ViewCtx<'_>) {
    let title = RichText::new(format!("{}    ", view.frame.scenario.title))
        .font(view.font(15.0))
        .strong();
    let (response, _) = MenuButton::from_button(
        Button::new(title).min_size(vec2(0.0, 30.0 * view.scale)),
    )
    .ui(ui, |ui| {
        for (title, command) in [
            ("Save", UiCommand::Save),
            ("Save as…", UiCommand::Toggle(View::SaveAs)),
            ("Open…", UiCommand::Toggle(View::Open)),
            ("Gallery", UiCommand::Toggle(View::Gallery)),
            ("Lessons", UiCommand::Toggle(View::Lessons)),
        ] {
            entry(ui, view, title, command);
        }
        ui.separator();
        if view.state.presets.is_empty() {
            ui.weak("No other scenario here.");
        }
        for (index, preset) in view.state.presets.iter().enumerate() {
            let current = preset.name == view.frame.scenario.name;
            if ui.selectable_label(current, &preset.title).clicked() {
                view.send(UiCommand::OpenPreset(index));
            }
        }
    });
    let tip = egui::pos2(
        response.rect.right() - 14.0 * view.scale,
        response.rect.center().y,
    );
    paint::opens_below(ui.painter(), tip, 4.0 * view.scale, view.theme.muted);
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Button,
            true,
            format!("Scenario: {}", view.frame.scenario.title),
        )
    });
    response.on_hover_text(&view.frame.scenario.story);
}

fn play_button(ui: &mut Ui, view: &ViewCtx<'_>) {
    let name = if view.state.playing { "Pause" } else { "Play" };
    let response = icon_button(ui, view, name, &UiCommand::TogglePlay);
    paint::play_or_pause(
        ui.painter(),
        response.rect.shrink(3.0 * view.scale),
        view.state.playing,
        view.theme.text,
    );
}

/// A command in a menu, with how it is typed.
fn entry(ui: &mut Ui, view: &ViewCtx<'_>, title: &str, command: UiCommand) {
    let shortcut = command.shortcut_text(ui.ctx()).unwrap_or_default();
    if ui.add(Button::new(title).shortcut_text(shortcut)).clicked() {
        view.send(command);
        ui.close();
    }
}

/// Once there is something to compare.
fn compare_button(ui: &mut Ui, view: &ViewCtx<'_>) {
    if view.state.variants.kept.len() >= 2 {
        text_button(ui, view, "Compare", View::Compare);
    }
}

/// Opens and closes a view.
fn text_button(ui: &mut Ui, view: &ViewCtx<'_>, title: &str, of: View) {
    let words = RichText::new(title).font(view.font(14.0));
    let button = Button::new(words)
        .selected(view.state.open.has(of))
        .min_size(vec2(0.0, 30.0 * view.scale));
    if ui.add(button).clicked() {
        view.send(UiCommand::Toggle(of));
    }
}

/// How it is dressed, and what else there is.
fn more_menu(ui: &mut Ui, view: &ViewCtx<'_>) {
    let dots = RichText::new("…").font(view.strong(15.0));
    let button = Button::new(dots).min_size(vec2(30.0, 30.0) * view.scale);
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        for look in Look::ALL {
            if ui.radio(view.state.look == look, look.title()).clicked() {
                view.send(UiCommand::Dress(look));
                ui.close();
            }
        }
        ui.separator();
        for (title, command) in [
            ("All commands", UiCommand::Toggle(View::Palette)),
            ("Evidence", UiCommand::Toggle(View::Evidence)),
            ("Shortcuts", UiCommand::Toggle(View::Shortcuts)),
            ("Larger map", UiCommand::Zoom(1.25)),
            ("Smaller map", UiCommand::Zoom(0.8)),
            ("The whole map", UiCommand::FitMap),
        ] {
            entry(ui, view, title, command);
        }
    });
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "More"));
    response.on_hover_text("Colours, commands and shortcuts");
}

/// A square button that is painted afterwards.
fn icon_button(ui: &mut Ui, view: &ViewCtx<'_>, name: &str, command: &UiCommand) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(30.0, 30.0) * view.scale, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let visuals = ui.style().interact(&response);
    let stroke = if response.has_focus() {
        egui::Stroke::new(1.5, view.theme.accent)
    } else {
        visuals.bg_stroke
    };
    ui.painter()
        .rect(rect, 6.0, visuals.bg_fill, stroke, egui::StrokeKind::Inside);
    if response.clicked() {
        view.send(command.clone());
    }
    let shortcut = command.shortcut_text(ui.ctx()).unwrap_or_default();
    response.on_hover_text(format!("{name}  {shortcut}"))
}
