//! The quick estimate under the load line, the band of what is simulated, and what both say of the load in hand.

use egui::{Align2, Rect, Shape, Stroke, Ui, pos2, vec2};

use super::axes::Axes;
use crate::view_ctx::ViewCtx;
use crate::{format, paint};

/// The dotted line, as far as the system keeps up.
pub fn line(ui: &Ui, view: &ViewCtx<'_>, axes: &Axes) {
    let painter = ui.painter().with_clip_rect(axes.plot);
    let curve = view.frame.estimate.iter();
    let shown = curve.filter(|point| axes.shows(f64::from(point.users)));
    let points: Vec<_> = shown
        .map_while(|point| Some(pos2(axes.x(f64::from(point.users)), axes.y(point.p99_ms?))))
        .collect();
    let (radius, gap) = (1.3 * view.scale, 6.0 * view.scale);
    painter.extend(Shape::dotted_line(&points, view.theme.muted, gap, radius));
}

/// Between the ends of the intervals of what is simulated.
pub fn band(ui: &Ui, view: &ViewCtx<'_>, axes: &Axes) {
    let painter = ui.painter().with_clip_rect(axes.plot);
    let fill = view.theme.series(0).gamma_multiply(0.22);
    let ends: Vec<_> = view
        .frame
        .load_line
        .iter()
        .filter(|point| axes.shows(f64::from(point.users)))
        .filter_map(|point| {
            let (low, high) = point.p99_between_ms?;
            let x = axes.x(f64::from(point.users));
            Some((pos2(x, axes.y(high)), pos2(x, axes.y(low))))
        })
        .collect();
    for pair in ends.windows(2) {
        let (left, right) = (pair[0], pair[1]);
        let corners = vec![left.0, right.0, right.1, left.1];
        painter.add(Shape::convex_polygon(corners, fill, Stroke::NONE));
    }
}

/// What the dots and the line are, beside the title that ends at `left`.
pub fn legend(ui: &Ui, view: &ViewCtx<'_>, title: Rect) {
    if view.frame.estimate.is_empty() {
        return;
    }
    let (theme, scale, painter) = (view.theme, view.scale, ui.painter());
    let y = title.center().y;
    let mut x = title.right() + 22.0 * scale;
    let sample = |x: f32| [pos2(x, y), pos2(x + 18.0 * scale, y)];
    painter.extend(Shape::dotted_line(
        &sample(x),
        theme.muted,
        6.0 * scale,
        1.3 * scale,
    ));
    let words = |x: f32, words: &str| {
        let at = pos2(x + 25.0 * scale, y);
        paint::text(
            painter,
            at,
            Align2::LEFT_CENTER,
            words,
            view.font(12.0),
            theme.faint,
            160.0 * scale,
        )
    };
    x = words(x, "quick estimate").right() + 18.0 * scale;
    painter.line_segment(sample(x), Stroke::new(2.2 * scale, theme.series(0)));
    words(x, "simulated, with its interval");
}

/// The quick estimate at the load in hand, ms; `None`: it does not keep up there, or nothing is estimated.
pub fn here(view: &ViewCtx<'_>) -> Option<f64> {
    let users = f64::from(view.state.users);
    let curve = &view.frame.estimate;
    let next = curve.partition_point(|point| f64::from(point.users) < users);
    let after = curve.get(next)?;
    let before = next.checked_sub(1).map_or(after, |index| &curve[index]);
    let (low, high) = (before.p99_ms?, after.p99_ms?);
    let (from, to) = (f64::from(before.users).ln(), f64::from(after.users).ln());
    let way = if to > from {
        (users.ln() - from) / (to - from)
    } else {
        0.0
    };
    Some(low * (high / low).powf(way))
}

/// While nothing is simulated at the load in hand: the estimate, beside the handle.
pub fn at_handle(ui: &Ui, view: &ViewCtx<'_>, axes: &Axes) {
    if view.frame.estimate.is_empty() {
        return;
    }
    let (theme, scale, plot) = (view.theme, view.scale, axes.plot);
    let x = axes.x(f64::from(view.state.users));
    let estimate = here(view);
    let (y, words, color) = match estimate {
        Some(p99) => (
            axes.y(p99),
            format!("about {}, quick estimate", format::millis(p99)),
            theme.text,
        ),
        None => (
            plot.top() + 24.0 * scale,
            "does not keep up, quick estimate".to_owned(),
            theme.bad,
        ),
    };
    if estimate.is_some() {
        let ring = Stroke::new(2.0 * scale, theme.accent);
        ui.painter()
            .circle(pos2(x, y), 5.0 * scale, theme.background, ring);
    }
    let wanted = 200.0 * scale;
    let (at, align) = if plot.right() - x > wanted {
        (pos2(x, y) + vec2(10.0, -12.0) * scale, Align2::LEFT_CENTER)
    } else {
        (
            pos2(x, y) + vec2(-10.0, -12.0) * scale,
            Align2::RIGHT_CENTER,
        )
    };
    let size = vec2(wanted, 16.0 * scale);
    let behind = align.anchor_size(at, size).intersect(plot);
    paint::text(
        ui.painter(),
        at,
        align,
        &words,
        view.font(12.5),
        color,
        behind.width(),
    );
}
