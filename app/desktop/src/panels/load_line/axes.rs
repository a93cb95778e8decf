//! The two logarithmic axes of the load line.

use egui::{Align2, Painter, Rect, Stroke, pos2, remap, remap_clamp, vec2};
use session::LoadPoint;

use crate::view_ctx::ViewCtx;
use crate::{format, paint, words};

/// Where loads and latencies stand in the window.
pub struct Axes {
    /// The rectangle that holds the line.
    pub plot: Rect,
    users: (f64, f64),
    milliseconds: (f64, f64),
}

impl Axes {
    /// Fits the axes into `area`: the users of the scenario's axis, and whole decades of latency around everything shown.
    pub fn new(view: &ViewCtx<'_>, area: Rect) -> Self {
        Self::around(view, area, latencies(view))
    }

    /// The same around the points of these lines.
    pub fn of_lines(view: &ViewCtx<'_>, area: Rect, lines: &[&[LoadPoint]]) -> Self {
        let points = lines.iter().flat_map(|line| line.iter());
        let shown = points.filter_map(|point| point.p99_ms);
        Self::around(view, area, decades_around(shown))
    }

    fn around(view: &ViewCtx<'_>, area: Rect, milliseconds: (f64, f64)) -> Self {
        let scale = view.scale;
        let plot = Rect::from_min_max(
            area.min + vec2(58.0 * scale, 26.0 * scale),
            area.max - vec2(14.0 * scale, 32.0 * scale),
        );
        let (first, last) = view.state.axis();
        Self {
            plot,
            users: (f64::from(first), f64::from(last)),
            milliseconds,
        }
    }

    pub fn x(&self, users: f64) -> f32 {
        let share = remap_clamp(
            users.max(1.0).log10(),
            self.users.0.log10()..=self.users.1.log10(),
            0.0..=1.0,
        );
        self.plot.left() + self.plot.width() * share as f32
    }

    pub fn y(&self, milliseconds: f64) -> f32 {
        let range = self.milliseconds.0.log10()..=self.milliseconds.1.log10();
        let share = remap_clamp(milliseconds.max(1e-6).log10(), range, 0.0..=1.0);
        self.plot.bottom() - self.plot.height() * share as f32
    }

    /// The load under a pointer, not rounded; beyond the ends of the axis it goes on.
    pub fn users_at(&self, x: f32) -> f64 {
        let log = remap(
            f64::from(x),
            f64::from(self.plot.left())..=f64::from(self.plot.right()),
            self.users.0.log10()..=self.users.1.log10(),
        );
        10_f64.powf(log)
    }

    pub fn shows(&self, users: f64) -> bool {
        (self.users.0..=self.users.1).contains(&users)
    }

    /// Grid and labels.
    pub fn show(&self, painter: &Painter, view: &ViewCtx<'_>) {
        let (theme, scale, plot) = (view.theme, view.scale, self.plot);
        let hairline = Stroke::new(1.0, theme.line);
        for value in decades(self.milliseconds) {
            let y = self.y(value);
            painter.line_segment([pos2(plot.left(), y), pos2(plot.right(), y)], hairline);
            let at = pos2(plot.left() - 8.0 * scale, y);
            paint::text(
                painter,
                at,
                Align2::RIGHT_CENTER,
                &format::millis(value),
                view.font(12.0),
                theme.faint,
                60.0 * scale,
            );
        }
        let pill = self.x(f64::from(view.state.users));
        for value in decades(self.users) {
            let x = self.x(value);
            painter.line_segment([pos2(x, plot.top()), pos2(x, plot.bottom())], hairline);
            if (x - pill).abs() > 80.0 * scale {
                let at = pos2(x, plot.bottom() + 15.0 * scale);
                paint::text(
                    painter,
                    at,
                    Align2::CENTER_CENTER,
                    &format::count(value),
                    view.font(12.0),
                    theme.faint,
                    60.0 * scale,
                );
            }
        }
    }
}

fn latencies(view: &ViewCtx<'_>) -> (f64, f64) {
    let before = view.state.variants.ghost.iter().flat_map(|g| g.line.iter());
    let line = view.frame.load_line.iter().chain(before);
    let line = line.filter_map(|point| point.p99_ms);
    let now = view
        .report()
        .and_then(words::main_latency)
        .and_then(|main| main.latency.p99.value);
    let objective = words::latency_objective(&view.frame.scenario).map(|objective| objective.limit);
    decades_around(line.chain(now).chain(objective))
}

/// Whole decades around these latencies, and around 100 ms.
fn decades_around(shown: impl Iterator<Item = f64>) -> (f64, f64) {
    let shown = shown.filter(|value| value.is_finite() && *value > 0.0);
    let (lowest, highest) = shown.fold((100.0, 100.0), |(low, high), value| {
        (f64::min(low, value), f64::max(high, value))
    });
    (
        10_f64.powf((lowest * 0.8).log10().floor()),
        10_f64.powf((highest * 1.25).log10().ceil()).min(1e7),
    )
}

fn decades(range: (f64, f64)) -> impl Iterator<Item = f64> {
    let (first, last) = (
        range.0.log10().round() as i32,
        range.1.log10().round() as i32,
    );
    (first..=last).map(|power| 10_f64.powi(power))
}
