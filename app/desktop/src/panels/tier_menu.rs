//! What can be done with a tier, or with one instance of it: the menu of a card on the map.

use egui::{Id, TextEdit, Ui};
use sim_core::scenario::Tier;

use super::faults_menu;
use crate::command::UiCommand;
use crate::design_edits::{self, Change};
use crate::faults;
use crate::view_ctx::ViewCtx;

/// The entries. `instance`: what happens to one happens to this one; `None`: to the fullest.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, tier: Tier, instance: u32) {
    let scenario = &view.frame.scenario;
    ui.set_min_width(190.0);
    ui.weak(design_edits::heading(scenario, tier, None));
    changes(ui, view, &design_edits::counts(scenario, tier));
    set_count(ui, view, tier);
    changes(ui, view, &design_edits::machines(scenario, tier));
    let additions = design_edits::additions(scenario, tier);
    if !additions.is_empty() {
        ui.separator();
        changes(ui, view, &additions);
    }
    if tier == Tier::LoadBalancer {
        return;
    }
    let offers = faults::of_instance(scenario, tier, instance);
    if !offers.is_empty() {
        ui.separator();
        faults_menu::offers(ui, view, &offers);
    }
}

fn changes(ui: &mut Ui, view: &ViewCtx<'_>, changes: &[Change]) {
    for change in changes {
        if ui.button(&change.title).clicked() {
            view.send(UiCommand::Edit(change.fields.clone()));
            ui.close();
        }
    }
}

/// Any number.
fn set_count(ui: &mut Ui, view: &ViewCtx<'_>, tier: Tier) {
    let design = view.frame.scenario.effective_design();
    let Some((path, now)) = design_edits::count(&design, tier) else {
        return;
    };
    ui.horizontal(|ui| {
        let label = ui.label("Set to");
        let id = Id::unique(("count of", tier.name()));
        let typed = ui.data(|data| data.get_temp::<String>(id));
        let mut text = typed.unwrap_or_else(|| now.to_string());
        let field = ui
            .add(TextEdit::singleline(&mut text).desired_width(70.0))
            .labelled_by(label.id);
        if field.changed() {
            ui.data_mut(|data| data.insert_temp(id, text.clone()));
        }
        if field.lost_focus() {
            ui.data_mut(|data| data.remove::<String>(id));
            if ui.input(|input| input.key_pressed(egui::Key::Enter)) {
                view.send(UiCommand::Edit(vec![(path.to_owned(), text)]));
                ui.close();
            }
        }
    });
}
