//! Published scale tests that this program is held against.

use egui::{CollapsingHeader, Grid, RichText, Ui, vec2};
use report::evidence::{Answer, Case, System, systems};

use super::sentence;
use crate::format;
use crate::view_ctx::ViewCtx;

/// A block per system.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let systems = systems();
    let cases: usize = systems.iter().map(|system| system.cases.len()).sum();
    let words = format!(
        "{cases} published tests of {} systems. `plimsoll evidence` simulates each and prints predicted beside published; with a name, only that.",
        systems.len()
    );
    sentence(ui, view, &words.replace('`', ""));
    ui.add_space(4.0 * view.scale);
    for system in &systems {
        let title = RichText::new(&system.title).font(view.font(14.0));
        CollapsingHeader::new(title)
            .id_salt(system.name)
            .show(ui, |ui| block(ui, view, system));
    }
}

fn block(ui: &mut Ui, view: &ViewCtx<'_>, system: &System) {
    sentence(ui, view, &format!("Published: {}.", system.source));
    sentence(ui, view, &format!("Fitted: {}.", system.fitted.join("; ")));
    Grid::new(("published", system.name))
        .num_columns(3)
        .striped(true)
        .spacing(vec2(18.0, 3.0) * view.scale)
        .show(ui, |ui| {
            for case in &system.cases {
                rows(ui, view, case);
            }
        });
    ui.label(RichText::new(format!("plimsoll evidence {}", system.name)).monospace());
}

fn rows(ui: &mut Ui, view: &ViewCtx<'_>, case: &Case) {
    let text = |words: &str| RichText::new(words).font(view.font(13.0));
    for (nth, row) in case.rows.iter().enumerate() {
        ui.label(text(if nth == 0 { &case.name } else { "" }));
        let fitted = if row.fitted { ", fitted" } else { "" };
        ui.label(text(&format!("{}{fitted}", row.metric)));
        let value = match &row.published {
            Answer::Number(value) => format!("{} {}", format::count(*value), row.unit),
            Answer::Words(words) => words.clone(),
        };
        ui.label(text(&value));
        ui.end_row();
    }
}
