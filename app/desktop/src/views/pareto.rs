//! Latency against cost of all kept designs; those that no other beats on both are the front.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, remap_clamp, vec2};

use crate::variants::Variant;
use crate::view_ctx::ViewCtx;
use crate::{format, paint, words};

/// One design.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    name: String,
    p99_ms: f64,
    usd_per_month: f64,
    users: u64,
    /// What is not delivered: such a design is fast and cheap for the others only, and is measured against none.
    trouble: Option<String>,
    /// Whether no other is both faster and cheaper.
    front: bool,
}

/// The designs of which both are known.
pub fn points(kept: &[Variant]) -> Vec<Point> {
    let known = kept.iter().filter_map(|variant| {
        let report = variant.report.as_deref()?;
        Some(Point {
            name: variant.name.clone(),
            p99_ms: words::main_latency(report)?.latency.p99.value?,
            usd_per_month: report.cost.as_ref()?.usd_per_month,
            users: report.users,
            trouble: words::trouble(report),
            front: true,
        })
    });
    let mut points: Vec<Point> = known.collect();
    let all = points.clone();
    for point in &mut points {
        point.front = point.trouble.is_none() && !all.iter().any(|other| beats(other, point));
    }
    points
}

fn beats(one: &Point, other: &Point) -> bool {
    let no_worse = one.p99_ms <= other.p99_ms && one.usd_per_month <= other.usd_per_month;
    one.trouble.is_none()
        && no_worse
        && (one.p99_ms < other.p99_ms || one.usd_per_month < other.usd_per_month)
}

/// The chart in words.
pub fn summary(points: &[Point]) -> String {
    let say = |point: &Point| {
        let place = match &point.trouble {
            Some(trouble) => format!("does not hold: {trouble}"),
            None if point.front => "on the front".to_owned(),
            None => "beaten on both".to_owned(),
        };
        format!(
            "{}: 99 % within {}, {} a month at {} users, {place}",
            point.name,
            format::millis(point.p99_ms),
            format::usd(point.usd_per_month),
            format::count(point.users as f64),
        )
    };
    let all: Vec<String> = points.iter().map(say).collect();
    if all.is_empty() {
        return "Latency and cost of kept designs: nothing measured yet.".to_owned();
    }
    format!("Latency and cost of kept designs. {}.", all.join("; "))
}

/// Draws it in what is there.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, height: f32) {
    let (theme, scale) = (view.theme, view.scale);
    let points = points(&view.state.variants.kept);
    let size = vec2(ui.available_width(), height);
    let (area, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, summary(&points)));
    let painter = ui.painter();
    let title = "p99 latency and cost a month; the front is joined";
    let (at, font) = (area.left_top(), view.strong(13.0));
    paint::text(
        painter,
        at,
        Align2::LEFT_TOP,
        title,
        font,
        theme.text,
        area.width(),
    );
    let plot = Rect::from_min_max(
        area.min + vec2(64.0, 30.0) * scale,
        area.max - vec2(20.0, 26.0) * scale,
    );
    let outline = Stroke::new(1.0, theme.line);
    painter.rect_stroke(plot, 0.0, outline, StrokeKind::Inside);
    let range = |of: &dyn Fn(&Point) -> f64| {
        let low = points.iter().map(of).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(of).fold(0.0, f64::max);
        let margin = ((high - low) * 0.25).max(high * 0.02);
        (low - margin, high + margin)
    };
    if points.is_empty() {
        let words = "nothing measured yet";
        let font = view.font(12.5);
        paint::text(
            painter,
            plot.center(),
            Align2::CENTER_CENTER,
            words,
            font,
            theme.muted,
            plot.width(),
        );
        return;
    }
    let (cost, latency) = (range(&|p| p.usd_per_month), range(&|p| p.p99_ms));
    let place = |point: &Point| {
        let x = remap_clamp(point.usd_per_month, cost.0..=cost.1, 0.0..=1.0) as f32;
        let y = remap_clamp(point.p99_ms, latency.0..=latency.1, 0.0..=1.0) as f32;
        pos2(
            plot.left() + plot.width() * x,
            plot.bottom() - plot.height() * y,
        )
    };
    ends(ui, view, plot, cost, latency);
    let mut front: Vec<&Point> = points.iter().filter(|point| point.front).collect();
    front.sort_by(|a, b| a.usd_per_month.total_cmp(&b.usd_per_month));
    let line: Vec<_> = front.iter().map(|point| place(point)).collect();
    painter.line(line, Stroke::new(1.6 * scale, theme.series(0)));
    for point in &points {
        let at = place(point);
        let ring = Stroke::new(1.8 * scale, theme.series(0));
        let fill = if point.front {
            theme.series(0)
        } else {
            theme.background
        };
        let name = match point.trouble {
            Some(_) => {
                let arm = vec2(5.0, 5.0) * scale;
                let (ring, across) = (Stroke::new(1.8 * scale, theme.bad), vec2(arm.x, -arm.y));
                painter.line_segment([at - arm, at + arm], ring);
                painter.line_segment([at - across, at + across], ring);
                format!("{}: does not hold", point.name)
            }
            None => {
                painter.circle(at, 6.0 * scale, fill, ring);
                point.name.clone()
            }
        };
        let beside = at + vec2(10.0, -8.0) * scale;
        let font = view.strong(13.0);
        paint::text(
            painter,
            beside,
            Align2::LEFT_CENTER,
            &name,
            font,
            theme.text,
            130.0 * scale,
        );
    }
}

/// What the ends of the axes stand for.
fn ends(ui: &Ui, view: &ViewCtx<'_>, plot: Rect, cost: (f64, f64), latency: (f64, f64)) {
    let (painter, scale) = (ui.painter(), view.scale);
    let word = |at, align, words: String| {
        let font = view.font(11.5);
        paint::text(
            painter,
            at,
            align,
            &words,
            font,
            view.theme.muted,
            90.0 * scale,
        );
    };
    let below = 4.0 * scale;
    word(
        plot.left_bottom() + vec2(0.0, below),
        Align2::LEFT_TOP,
        format::usd(cost.0),
    );
    word(
        plot.right_bottom() + vec2(0.0, below),
        Align2::RIGHT_TOP,
        format::usd(cost.1),
    );
    let left = -6.0 * scale;
    word(
        plot.left_bottom() + vec2(left, 0.0),
        Align2::RIGHT_BOTTOM,
        format::millis(latency.0),
    );
    word(
        plot.left_top() + vec2(left, 0.0),
        Align2::RIGHT_TOP,
        format::millis(latency.1),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(name: &str, p99_ms: f64, usd_per_month: f64) -> Point {
        Point {
            name: name.to_owned(),
            p99_ms,
            usd_per_month,
            users: 1_000,
            trouble: None,
            front: true,
        }
    }

    #[test]
    fn a_design_that_does_not_hold_beats_none() {
        let mut broken = point("A", 100.0, 50.0);
        broken.trouble = Some("480 K find no place".to_owned());
        assert!(!beats(&broken, &point("B", 200.0, 90.0)));
        assert!(summary(&[broken]).contains("does not hold: 480 K find no place"));
    }

    #[test]
    fn a_design_that_is_slower_and_dearer_is_beaten() {
        let (a, b, c) = (
            point("A", 200.0, 90.0),
            point("B", 180.0, 95.0),
            point("C", 210.0, 91.0),
        );
        assert!(beats(&a, &c) && !beats(&a, &b) && !beats(&b, &a));
        assert!(!beats(&a, &a), "a design does not beat itself");
    }
}
