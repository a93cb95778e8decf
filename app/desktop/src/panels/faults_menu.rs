//! What this design can suffer, a click away.

use egui::accesskit::Role;
use egui::containers::menu::MenuButton;
use egui::{Button, RichText, Ui, WidgetInfo, vec2};

use crate::command::UiCommand;
use crate::faults::{self, Group, Offer};
use crate::paint;
use crate::view_ctx::ViewCtx;

/// The button and its menu.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let title = RichText::new("Faults    ").font(view.font(14.0));
    let button = Button::new(title).min_size(vec2(0.0, 30.0 * view.scale));
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_min_width(210.0);
        durations(ui, view);
        for group in faults::offered(&view.frame.scenario, &view.frame.heat) {
            entries(ui, view, &group);
        }
    });
    let tip = egui::pos2(
        response.rect.right() - 13.0 * view.scale,
        response.rect.center().y,
    );
    paint::opens_below(ui.painter(), tip, 4.0 * view.scale, view.theme.muted);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Faults"));
    response.on_hover_text("Break something and watch how the system comes back.");
}

/// How long it lasts: one of a few.
fn durations(ui: &mut Ui, view: &ViewCtx<'_>) {
    ui.weak("Happens now, and lasts (simulated time)");
    ui.horizontal(|ui| {
        for lasts in faults::LASTING_S {
            let chosen = view.state.break_for_s == lasts;
            if ui
                .selectable_label(chosen, faults::lasting(lasts))
                .clicked()
            {
                view.send(UiCommand::BreakFor(lasts));
            }
        }
    });
    ui.separator();
}

fn entries(ui: &mut Ui, view: &ViewCtx<'_>, group: &Group) {
    if group.title.is_empty() {
        offers(ui, view, &group.offers);
    } else {
        ui.menu_button(group.title, |ui| offers(ui, view, &group.offers));
    }
}

/// Offers as buttons that close their menu.
pub fn offers(ui: &mut Ui, view: &ViewCtx<'_>, offers: &[Offer]) {
    for offer in offers {
        if ui.button(&offer.title).clicked() {
            view.send(UiCommand::Break(offer.fault.clone()));
            ui.close();
        }
    }
}
