//! The line of the design before, with the way back to it.

use egui::{Align, Layout, RichText, Shape, Stroke, Ui, UiBuilder, pos2, vec2};
use session::LoadPoint;

use super::axes::Axes;
use crate::command::UiCommand;
use crate::variants::VariantCommand;
use crate::view_ctx::ViewCtx;
use crate::{format, paint};

/// Dashed behind the line, from its first to its last stable point.
pub fn line(ui: &Ui, view: &ViewCtx<'_>, axes: &Axes) {
    if let Some(ghost) = &view.state.variants.ghost {
        let stroke = Stroke::new(1.8 * view.scale, view.theme.muted);
        dashed(ui, view, axes, &ghost.line, stroke);
    }
}

fn dashed(ui: &Ui, view: &ViewCtx<'_>, axes: &Axes, line: &[LoadPoint], stroke: Stroke) {
    let painter = ui.painter().with_clip_rect(axes.plot.expand(6.0));
    let stable = line
        .iter()
        .filter(|point| axes.shows(f64::from(point.users)));
    let points: Vec<_> = stable
        .filter_map(|point| Some(pos2(axes.x(f64::from(point.users)), axes.y(point.p99_ms?))))
        .collect();
    let dash = 6.0 * view.scale;
    painter.extend(Shape::dashed_line(&points, stroke, dash, dash * 0.7));
}

/// `before: Sharding off  Undo  Keep both`, at the lower edge, where lines seldom are.
pub fn words(ui: &mut Ui, view: &ViewCtx<'_>, axes: &Axes) {
    let Some(ghost) = &view.state.variants.ghost else {
        return;
    };
    let scale = view.scale;
    let room = axes.plot.shrink(8.0 * scale);
    let row = room.with_min_y(room.bottom() - 22.0 * scale);
    let (from, to) = (
        row.left_center(),
        row.left_center() + vec2(26.0 * scale, 0.0),
    );
    let stroke = Stroke::new(1.8 * scale, view.theme.muted);
    paint::dashed(ui.painter(), from, to, stroke);
    let rest = row.with_min_x(to.x + 6.0 * scale);
    let builder = UiBuilder::new()
        .max_rect(rest)
        .layout(Layout::left_to_right(Align::Center));
    ui.scope_builder(builder, |ui| {
        ui.spacing_mut().item_spacing.x = 12.0 * scale;
        let text = |words: &str| RichText::new(words).font(view.font(12.5));
        let before = text(&format!("before: {}", ghost.words)).color(view.theme.muted);
        ui.add(egui::Label::new(before).truncate());
        for (title, hint, command) in [
            (
                "Undo",
                "The design before comes back.",
                VariantCommand::BackToGhost,
            ),
            (
                "Keep both",
                "Keeps both designs, to put them side by side.",
                VariantCommand::KeepBoth,
            ),
        ] {
            let response = ui.link(text(title));
            if response.clicked() {
                view.send(UiCommand::Variant(command));
            }
            response.on_hover_text(hint);
        }
    });
}

/// What the words of the chart say of it.
pub fn summary(view: &ViewCtx<'_>) -> String {
    let Some(ghost) = &view.state.variants.ghost else {
        return String::new();
    };
    let breaks = ghost
        .report
        .as_ref()
        .and_then(|report| report.breaks_at.as_ref()?.users.value);
    match breaks {
        Some(users) => format!(
            " Before, {}: breaks at about {}.",
            ghost.words,
            format::count(users)
        ),
        None => format!(" Before: {}.", ghost.words),
    }
}
