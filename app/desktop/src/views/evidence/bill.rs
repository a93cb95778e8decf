//! What the money is spent for.

use egui::{Grid, RichText, Sense, Ui, vec2};
use report::sheets;
use sim_core::report::RunReport;

use super::sentence;
use crate::format;
use crate::view_ctx::ViewCtx;
use crate::views::sheet;

/// A bar per item, then what it adds up to.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, report: &RunReport) {
    let (Some(cost), Some(grid)) = (&report.cost, sheets::cost(report)) else {
        return sentence(ui, view, "There is no price for this design.");
    };
    let words = format!(
        "{} a month with the prices of {}: {} per user, {} per million messages.",
        format::usd(cost.usd_per_month),
        cost.price_book,
        format::usd(cost.usd_per_user_month),
        format::usd(cost.usd_per_million_messages),
    );
    sentence(ui, view, &words);
    for note in &cost.notes {
        let note = RichText::new(note).font(view.font(12.5));
        ui.label(note.color(view.theme.muted));
    }
    ui.add_space(6.0 * view.scale);
    bars(ui, view, cost);
    ui.add_space(10.0 * view.scale);
    sheet::show(ui, view, &grid, grid.rows.len());
}

fn bars(ui: &mut Ui, view: &ViewCtx<'_>, cost: &sim_core::report::CostReport) {
    let mut purposes: Vec<(&String, f64)> = cost.by_purpose.iter().map(|(n, v)| (n, *v)).collect();
    purposes.sort_by(|a, b| b.1.total_cmp(&a.1));
    let largest = purposes.first().map_or(1.0, |(_, usd)| usd.max(1e-9));
    Grid::new("purposes")
        .num_columns(3)
        .spacing(vec2(14.0, 4.0) * view.scale)
        .show(ui, |ui| {
            for (name, usd) in purposes.into_iter().filter(|(_, usd)| *usd > 0.0) {
                let text = |words: String| RichText::new(words).font(view.font(13.0));
                ui.label(text(name.replace('_', " ")));
                let size = vec2(320.0, 14.0) * view.scale;
                let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
                let share = (usd / largest) as f32;
                let filled = rect.with_max_x(rect.left() + rect.width() * share);
                ui.painter().rect_filled(rect, 3.0, view.theme.raised);
                ui.painter().rect_filled(filled, 3.0, view.theme.series(0));
                ui.label(text(format::usd(usd)));
                ui.end_row();
            }
        });
}
