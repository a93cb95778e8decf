//! A table of a report in the window: the same cells as on a page.

use egui::{Color32, Grid, Label, RichText, Ui, vec2};
use report::{Cell, Set};

use crate::view_ctx::ViewCtx;

/// Widest cell, on a window of 1280 × 800; longer words are wrapped.
const WIDEST: f32 = 380.0;

/// Draws the table with its caption, at most so many rows.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, grid: &report::Grid, most: usize) {
    let scale = view.scale;
    let caption = RichText::new(&grid.caption).font(view.strong(13.5));
    ui.add(Label::new(caption).wrap());
    ui.add_space(2.0 * scale);
    Grid::new(("sheet", &grid.caption))
        .num_columns(grid.head.len())
        .spacing(vec2(16.0, 4.0) * scale)
        .striped(true)
        .show(ui, |ui| {
            for head in &grid.head {
                let text = RichText::new(head).font(view.font(12.0));
                let text = text.color(view.theme.muted);
                ui.label(text);
            }
            ui.end_row();
            for row in grid.rows.iter().take(most) {
                for cell in row {
                    ui.horizontal(|ui| draw(ui, view, cell));
                }
                ui.end_row();
            }
        });
    if grid.rows.len() > most {
        let more = format!("And {} more, in the report.", grid.rows.len() - most);
        let more = RichText::new(more).font(view.font(12.0));
        ui.label(more.color(view.theme.muted));
    }
}

fn draw(ui: &mut Ui, view: &ViewCtx<'_>, cell: &Cell) {
    let color = match cell.set {
        Set::Verdict => verdict(view, &cell.text),
        _ => view.theme.text,
    };
    let mut text = RichText::new(&cell.text).font(view.font(13.0)).color(color);
    if cell.set == Set::Code {
        text = text.monospace().size(12.0 * view.scale);
    }
    let widest = WIDEST * view.scale;
    let long = cell.text.chars().count() > 48;
    let label = Label::new(text);
    let response = if long {
        ui.set_max_width(widest);
        ui.add(label.truncate())
    } else {
        ui.add(label)
    };
    if long {
        response.on_hover_text(&cell.text);
    }
    if !cell.note.is_empty() {
        let note = RichText::new(&cell.note).font(view.font(11.5));
        ui.label(note.color(view.theme.muted));
    }
}

/// The word says it too.
fn verdict(view: &ViewCtx<'_>, word: &str) -> Color32 {
    match word {
        "better" | "pass" => view.theme.good,
        "worse" | "fail" => view.theme.bad,
        "inconclusive" => view.theme.warn,
        _ => view.theme.muted,
    }
}
