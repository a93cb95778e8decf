//! The four switches of a design. Those that cannot be switched say why.

use egui::accesskit::{Role, Toggled};
use egui::{Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::command::{Pattern, UiCommand};
use crate::view_ctx::ViewCtx;

/// One row of switches.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0 * view.scale;
        for pattern in Pattern::ALL {
            switch(ui, view, pattern);
        }
    });
}

/// A dot that is full when on, a ring when off, and the name.
fn switch(ui: &mut Ui, view: &ViewCtx<'_>, pattern: Pattern) {
    let (on, theme) = (pattern.is_on(&view.frame.scenario), view.theme);
    let obstacle = pattern.obstacle(&view.frame.scenario);
    let available = obstacle.is_none();
    let galley = ui
        .painter()
        .layout_no_wrap(pattern.title().into(), view.font(13.5), theme.text);
    let height = 28.0 * view.scale;
    let size = vec2(galley.size().x + 42.0 * view.scale, height);
    let sense = if available {
        Sense::click()
    } else {
        Sense::hover()
    };
    let (rect, response) = ui.allocate_exact_size(size, sense);
    response.widget_info(|| WidgetInfo::selected(Role::Switch, available, on, pattern.title()));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_toggled(if on { Toggled::True } else { Toggled::False });
    });
    let hot = available && (response.hovered() || response.has_focus());
    let fill = if hot { theme.hovered } else { theme.surface };
    let outline = if response.has_focus() {
        theme.accent
    } else {
        theme.line
    };
    let painter = ui.painter();
    painter.rect(
        rect,
        height / 2.0,
        fill,
        Stroke::new(1.0, outline),
        StrokeKind::Inside,
    );
    let ink = if available { theme.text } else { theme.faint };
    let dot = pos2(rect.left() + height * 0.58, rect.center().y);
    let radius = 4.5 * view.scale;
    if on {
        painter.circle_filled(
            dot,
            radius,
            if available { theme.accent } else { theme.faint },
        );
    } else {
        painter.circle_stroke(dot, radius - 0.5, Stroke::new(1.4, ink));
    }
    painter.galley_with_override_text_color(
        pos2(
            dot.x + 12.0 * view.scale,
            rect.center().y - galley.size().y / 2.0,
        ),
        galley,
        ink,
    );
    if available && response.clicked() {
        view.send(UiCommand::TogglePattern(pattern));
    }
    response.on_hover_ui(|ui| {
        ui.label(pattern.story());
        if let Some(here) = pattern.here(&view.frame.scenario) {
            ui.label(here);
        }
        if let Some(obstacle) = obstacle {
            ui.weak(obstacle);
        }
    });
}
