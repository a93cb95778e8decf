//! Which guess matters: a bar per assumed number, from where the design breaks with its lower to its higher value.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, remap_clamp, vec2};
use sim_core::report::GuessReport;

use super::sentence;
use crate::view_ctx::ViewCtx;
use crate::{format, paint};

/// Rows that are shown.
const ROWS: usize = 14;
/// Swing below which a guess does not matter.
const MATTERS: f64 = 1.005;

/// The tornado.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let of = view.state.history.now().scenario().hash();
    let found = view.state.found.guesses.as_deref();
    let Some(found) = found.filter(|found| found.of == of) else {
        return sentence(
            ui,
            view,
            "Every assumed number is being taken lower and higher…",
        );
    };
    if let Some(problem) = &found.problem {
        return sentence(ui, view, problem);
    }
    let base = found.base.breaks_at;
    let moving: Vec<&GuessReport> = found
        .rows
        .iter()
        .filter(|row| row.breaks_at_swing > MATTERS)
        .take(ROWS)
        .collect();
    sentence(ui, view, &summary(view, base, &moving, found.rows.len()));
    ui.add_space(6.0 * view.scale);
    let ends = moving
        .iter()
        .flat_map(|row| [row.low.breaks_at, row.high.breaks_at]);
    let known: Vec<f64> = ends.flatten().chain(base).filter(|v| *v > 0.0).collect();
    let low = known.iter().copied().fold(f64::INFINITY, f64::min);
    let high = known.iter().copied().fold(1.0, f64::max);
    for row in &moving {
        bar(ui, view, row, base, (low / 1.05, high * 1.05));
    }
    let note = if found.complete {
        "Where it breaks is the quick estimate; the first three rows were simulated at both ends for latency and cost."
    } else {
        "The quick estimate; the first rows are being simulated…"
    };
    ui.weak(note);
}

fn summary(view: &ViewCtx<'_>, base: Option<f64>, rows: &[&GuessReport], all: usize) -> String {
    let unit = &view.frame.scenario.load.unit;
    let now = base.map_or_else(
        || "nothing gives way".to_owned(),
        |users| format!("breaks at about {} {unit}", format::count(users)),
    );
    match rows.first() {
        Some(first) => format!(
            "As it is, it {now}. Of {all} assumed numbers, {} matters most ({} now): with its lower and higher value it {}.",
            first.words,
            first.value,
            reach(first),
        ),
        None => format!("As it is, it {now}. No assumed number moves that."),
    }
}

/// `breaks at 500 K and 130 K`
fn reach(row: &GuessReport) -> String {
    let at = |end: Option<f64>| end.map_or_else(|| "no load".to_owned(), format::count);
    format!(
        "breaks at {} and {}",
        at(row.low.breaks_at),
        at(row.high.breaks_at)
    )
}

fn bar(ui: &mut Ui, view: &ViewCtx<'_>, row: &GuessReport, base: Option<f64>, range: (f64, f64)) {
    let (theme, scale) = (view.theme, view.scale);
    let size = vec2(ui.available_width().max(560.0), 24.0 * scale);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let words = format!("{} ({}): {}", row.words, row.value, reach(row));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words.clone()));
    let plot = Rect::from_min_max(
        rect.min + vec2(260.0 * scale, 3.0),
        rect.max - vec2(90.0 * scale, 3.0),
    );
    let x = |users: Option<f64>| {
        let log = range.0.log10()..=range.1.log10();
        let users = users.unwrap_or(range.1);
        plot.left() + plot.width() * remap_clamp(users.log10(), log, 0.0..=1.0) as f32
    };
    let painter = ui.painter();
    let font = view.font(13.0);
    paint::text(
        painter,
        rect.left_center(),
        Align2::LEFT_CENTER,
        &row.words,
        font,
        theme.text,
        250.0 * scale,
    );
    let middle = x(base);
    for (end, series) in [(row.low.breaks_at, 0), (row.high.breaks_at, 1)] {
        let to = x(end);
        let part = Rect::from_x_y_ranges(middle.min(to)..=middle.max(to), plot.y_range());
        painter.rect_filled(part, 2.0, theme.series(series));
        let label = end.map_or_else(|| "never".to_owned(), format::count);
        let word = if series == 0 { "lower" } else { "higher" };
        let (at, align) = if to >= middle {
            (pos2(to + 5.0 * scale, plot.center().y), Align2::LEFT_CENTER)
        } else {
            (
                pos2(to - 5.0 * scale, plot.center().y),
                Align2::RIGHT_CENTER,
            )
        };
        if (to - middle).abs() > 2.0 {
            let text = format!("{word}: {label}");
            paint::text(
                painter,
                at,
                align,
                &text,
                view.font(11.5),
                theme.muted,
                110.0 * scale,
            );
        }
    }
    let line = [pos2(middle, rect.top()), pos2(middle, rect.bottom())];
    painter.line_segment(line, Stroke::new(1.4 * scale, theme.text));
    response.on_hover_ui(|ui| {
        ui.label(words);
        ui.weak(format!("Assumed: {}", row.source));
    });
}
