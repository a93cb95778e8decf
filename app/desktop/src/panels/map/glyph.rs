//! What a tier does, as a small drawing.

use egui::{
    Color32, Painter, Rect, Shape, Stroke, StrokeKind, epaint::CubicBezierShape, pos2, vec2,
};

/// The drawing of the tier with this report name.
pub fn tier(painter: &Painter, rect: Rect, name: &str, color: Color32) {
    let stroke = Stroke::new((rect.height() * 0.085).max(1.2), color);
    match name {
        "load_balancer" => fork(painter, rect, stroke),
        "channel_owners" | "documents" | "log" => ordered(painter, rect, stroke),
        "broker" => hub(painter, rect, stroke),
        "cache" | "edge" => bolt(painter, rect, stroke),
        "pooler" => funnel(painter, rect, stroke),
        "database" | "projections" | "stock" => cylinder(painter, rect, stroke),
        "matching_engine" => ordered(painter, rect, stroke),
        "notifications" => fork(painter, rect, stroke),
        "providers" => hub(painter, rect, stroke),
        _ => rack(painter, rect, stroke),
    }
}

/// Head and shoulders.
pub fn people(painter: &Painter, rect: Rect, color: Color32) {
    let radius = rect.height() * 0.24;
    painter.circle_filled(
        pos2(rect.center().x, rect.top() + radius + rect.height() * 0.04),
        radius,
        color,
    );
    let shoulders = Rect::from_min_max(
        pos2(
            rect.left() + rect.width() * 0.12,
            rect.top() + rect.height() * 0.6,
        ),
        pos2(rect.right() - rect.width() * 0.12, rect.bottom()),
    );
    let round = (shoulders.height() * 0.9) as u8;
    painter.rect_filled(
        shoulders,
        egui::CornerRadius {
            nw: round,
            ne: round,
            sw: 1,
            se: 1,
        },
        color,
    );
}

/// Many become few: a funnel.
fn funnel(painter: &Painter, rect: Rect, stroke: Stroke) {
    let at = |x: f32, y: f32| rect.min + vec2(rect.width() * x, rect.height() * y);
    let points = vec![
        at(0.06, 0.12),
        at(0.94, 0.12),
        at(0.6, 0.56),
        at(0.6, 0.9),
        at(0.4, 0.9),
        at(0.4, 0.56),
    ];
    painter.add(Shape::closed_line(points, stroke));
}

/// Quick: a bolt.
fn bolt(painter: &Painter, rect: Rect, stroke: Stroke) {
    let at = |x: f32, y: f32| rect.min + vec2(rect.width() * x, rect.height() * y);
    let points = vec![
        at(0.58, 0.04),
        at(0.24, 0.56),
        at(0.5, 0.56),
        at(0.42, 0.96),
        at(0.76, 0.42),
        at(0.5, 0.42),
    ];
    painter.add(Shape::closed_line(points, stroke));
}

/// One way in, three ways out.
fn fork(painter: &Painter, rect: Rect, stroke: Stroke) {
    let split = rect.left_center() + vec2(rect.width() * 0.3, 0.0);
    painter.line_segment([rect.left_center(), split], stroke);
    for share in [0.12, 0.5, 0.88] {
        let end = pos2(rect.right(), rect.top() + rect.height() * share);
        let bend = vec2(rect.width() * 0.35, 0.0);
        let points = [split, split + bend, end - bend, end];
        painter.add(CubicBezierShape::from_points_stroke(
            points,
            false,
            Color32::TRANSPARENT,
            stroke,
        ));
        painter.circle_filled(end, stroke.width * 1.3, stroke.color);
    }
}

/// Two boxes with a light each.
fn rack(painter: &Painter, rect: Rect, stroke: Stroke) {
    for top in [0.04, 0.54] {
        let unit = Rect::from_min_size(
            pos2(rect.left(), rect.top() + rect.height() * top),
            vec2(rect.width(), rect.height() * 0.4),
        );
        painter.rect_stroke(unit, 2.0, stroke, StrokeKind::Inside);
        painter.circle_filled(
            pos2(unit.left() + unit.width() * 0.24, unit.center().y),
            stroke.width,
            stroke.color,
        );
    }
}

/// Lines in a sequence.
fn ordered(painter: &Painter, rect: Rect, stroke: Stroke) {
    for share in [0.15, 0.5, 0.85] {
        let y = rect.top() + rect.height() * share;
        painter.circle_filled(
            pos2(rect.left() + stroke.width * 1.3, y),
            stroke.width * 1.3,
            stroke.color,
        );
        painter.line_segment(
            [
                pos2(rect.left() + rect.width() * 0.36, y),
                pos2(rect.right(), y),
            ],
            stroke,
        );
    }
}

/// A point that everything goes through.
fn hub(painter: &Painter, rect: Rect, stroke: Stroke) {
    let center = rect.center();
    for corner in [
        rect.left_top(),
        rect.right_top(),
        rect.left_bottom(),
        rect.right_bottom(),
    ] {
        let end = center + (corner - center) * 0.86;
        painter.line_segment([center, end], stroke);
        painter.circle_filled(end, stroke.width * 1.4, stroke.color);
    }
    painter.circle_filled(center, rect.height() * 0.2, stroke.color);
}

fn cylinder(painter: &Painter, rect: Rect, stroke: Stroke) {
    let radius = vec2(rect.width() * 0.46, rect.height() * 0.17);
    let (top, bottom) = (
        pos2(rect.center().x, rect.top() + radius.y + 0.5),
        pos2(rect.center().x, rect.bottom() - radius.y - 0.5),
    );
    painter.add(Shape::ellipse_stroke(top, radius, stroke));
    for middle in [top + (bottom - top) * 0.5, bottom] {
        let (left, right) = (middle - vec2(radius.x, 0.0), middle + vec2(radius.x, 0.0));
        let down = vec2(0.0, radius.y * 1.33);
        let points = [left, left + down, right + down, right];
        painter.add(CubicBezierShape::from_points_stroke(
            points,
            false,
            Color32::TRANSPARENT,
            stroke,
        ));
    }
    for side in [-radius.x, radius.x] {
        painter.line_segment([top + vec2(side, 0.0), bottom + vec2(side, 0.0)], stroke);
    }
}
