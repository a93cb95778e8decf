//! Which guess matters: a bar per assumed number, from where the design breaks with its lower to its higher value.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, remap_clamp, vec2};
use sim_core::report::{GuessEnd, GuessReport};

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
    let breaks = |row: &&GuessReport| row.breaks_at_swing > MATTERS;
    let by = if found.rows.iter().any(|row| breaks(&row)) {
        By::Break
    } else {
        By::Latency
    };
    let mut moving: Vec<&GuessReport> = found.rows.iter().collect();
    match by {
        By::Break => moving.retain(|row| breaks(row)),
        By::Latency => moving.retain(|row| row.p99_swing_ms > 0.0),
    }
    moving.truncate(ROWS);
    let base = match by {
        By::Break => found.base.breaks_at,
        By::Latency => found.base.p99_ms,
    };
    let now = found.base.breaks_at;
    sentence(ui, view, &summary(view, by, now, &moving, found.rows.len()));
    ui.add_space(6.0 * view.scale);
    let ends = moving
        .iter()
        .flat_map(|row| [by.of(&row.low), by.of(&row.high)]);
    let known: Vec<f64> = ends.flatten().chain(base).filter(|v| *v > 0.0).collect();
    let low = known.iter().copied().fold(f64::INFINITY, f64::min);
    let high = known.iter().copied().fold(1.0, f64::max);
    for row in &moving {
        bar(ui, view, row, by, base, (low / 1.05, high * 1.05));
    }
    let note = if found.complete {
        "By the quick estimate; `plimsoll advise` simulates those that matter most."
            .replace('`', "")
    } else {
        "By the quick estimate; more numbers are being looked at…".to_owned()
    };
    ui.weak(note);
}

fn summary(
    view: &ViewCtx<'_>,
    by: By,
    breaks: Option<f64>,
    rows: &[&GuessReport],
    all: usize,
) -> String {
    let unit = &view.frame.scenario.load.unit;
    let now = breaks.map_or_else(
        || "nothing gives way".to_owned(),
        |users| format!("it breaks at about {} {unit}", format::count(users)),
    );
    match (rows.first(), by) {
        (Some(first), By::Break) => format!(
            "As it is, {now}. Of {all} assumed numbers, {} matters most ({} now): with its lower and higher value it {}.",
            first.words,
            first.value,
            reach(first, by),
        ),
        (Some(first), By::Latency) => format!(
            "As it is, {now}, and none of {all} assumed numbers moves that. For the 99th percentile, {} matters most ({} now): {}.",
            first.words,
            first.value,
            reach(first, by),
        ),
        (None, _) => format!("As it is, {now}. No assumed number moves that."),
    }
}

/// What a bar is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// The load at which it breaks.
    Break,
    /// The 99th percentile, where no guess moves the break.
    Latency,
}

impl By {
    fn of(self, end: &GuessEnd) -> Option<f64> {
        match self {
            By::Break => end.breaks_at,
            By::Latency => end.p99_ms,
        }
    }

    fn say(self, value: Option<f64>) -> String {
        match (self, value) {
            (By::Break, Some(users)) => format::count(users),
            (By::Break, None) => "no load".to_owned(),
            (By::Latency, Some(p99)) => format::millis(p99),
            (By::Latency, None) => "without end".to_owned(),
        }
    }
}

/// `breaks at 500 K and 130 K`
fn reach(row: &GuessReport, by: By) -> String {
    let what = match by {
        By::Break => "breaks at",
        By::Latency => "99 % within",
    };
    let (low, high) = (by.say(by.of(&row.low)), by.say(by.of(&row.high)));
    format!("{what} {low} and {high}")
}

fn bar(
    ui: &mut Ui,
    view: &ViewCtx<'_>,
    row: &GuessReport,
    by: By,
    base: Option<f64>,
    range: (f64, f64),
) {
    let (theme, scale) = (view.theme, view.scale);
    let size = vec2(ui.available_width().max(560.0), 24.0 * scale);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let words = format!("{} ({}): {}", row.words, row.value, reach(row, by));
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
    for (end, series) in [(by.of(&row.low), 0), (by.of(&row.high), 1)] {
        let to = x(end);
        let part = Rect::from_x_y_ranges(middle.min(to)..=middle.max(to), plot.y_range());
        painter.rect_filled(part, 2.0, theme.series(series));
        let label = by.say(end);
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
