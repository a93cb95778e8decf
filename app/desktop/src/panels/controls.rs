//! The top row: which scenario, play and pause, how far and how fast, and the theme.

use egui::accesskit::Role;
use egui::containers::menu::MenuButton;
use egui::{Align, Button, Layout, Response, RichText, Sense, Ui, WidgetInfo, vec2};
use session::Phase;

use super::faults_menu;
use crate::command::UiCommand;
use crate::view_ctx::ViewCtx;
use crate::views::View;
use crate::{format, paint};

/// One row.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    ui.horizontal(|ui| {
        preset_menu(ui, view);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            help_button(ui, view);
            theme_button(ui, view);
            ui.add_space(10.0 * view.scale);
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
    let time = &view.frame.time;
    if let Some(seeking) = time.seeking {
        let (to, wait) = (
            format::clock(seeking.to_s),
            format::clock(seeking.wait_s.ceil()),
        );
        return format!("going to {to}: about {wait}");
    }
    let shown = format::clock(view.frame.simulated_s);
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

fn theme_button(ui: &mut Ui, view: &ViewCtx<'_>) {
    let name = if view.theme.dark {
        "Light theme"
    } else {
        "Dark theme"
    };
    let response = icon_button(ui, view, name, &UiCommand::ToggleTheme);
    let (center, radius) = (response.rect.center(), 5.5 * view.scale);
    let painter = ui.painter();
    painter.circle_stroke(center, radius, egui::Stroke::new(1.4, view.theme.muted));
    let half = response
        .rect
        .intersect(egui::Rect::everything_left_of(center.x));
    painter
        .with_clip_rect(half)
        .circle_filled(center, radius, view.theme.muted);
}

fn help_button(ui: &mut Ui, view: &ViewCtx<'_>) {
    let response = icon_button(ui, view, "Shortcuts", &UiCommand::Toggle(View::Shortcuts));
    let (center, font) = (response.rect.center(), view.font(15.0));
    ui.painter().text(
        center,
        egui::Align2::CENTER_CENTER,
        "?",
        font,
        view.theme.muted,
    );
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
