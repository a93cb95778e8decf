//! Small drawing helpers that panels share.

use egui::text::{LayoutJob, TextWrapping};
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, TextFormat, pos2};

/// One line of text, cut with an ellipsis where it would be wider than `width`. Returns where it stands.
pub fn text(
    painter: &Painter,
    at: Pos2,
    align: Align2,
    words: &str,
    font: FontId,
    color: Color32,
    width: f32,
) -> Rect {
    let mut job = LayoutJob::single_section(words.to_owned(), TextFormat::simple(font, color));
    job.wrap = TextWrapping::truncate_at_width(width.max(1.0));
    let galley = painter.layout_job(job);
    let rect = align.anchor_size(at, galley.size());
    painter.galley(rect.min, galley, color);
    rect
}

/// One line of text where it fits into `width`, else nothing: whether it did.
pub fn text_if_room(
    painter: &Painter,
    at: Pos2,
    align: Align2,
    words: &str,
    font: FontId,
    color: Color32,
    width: f32,
) -> bool {
    let galley = painter.layout_no_wrap(words.to_owned(), font, color);
    let fits = galley.size().x <= width;
    if fits {
        let rect = align.anchor_size(at, galley.size());
        painter.galley(rect.min, galley, color);
    }
    fits
}

/// A dashed straight line.
pub fn dashed(painter: &Painter, from: Pos2, to: Pos2, stroke: Stroke) {
    painter.extend(Shape::dashed_line(&[from, to], stroke, 5.0, 4.0));
}

/// A triangle that means *play*, or two bars that mean *pause*, in the middle of `rect`.
pub fn play_or_pause(painter: &Painter, rect: Rect, playing: bool, color: Color32) {
    let center = rect.center();
    let size = rect.height() * 0.5;
    if playing {
        for side in [-1.0, 1.0] {
            let bar = Rect::from_center_size(
                center + egui::vec2(side * size * 0.32, 0.0),
                egui::vec2(size * 0.3, size),
            );
            painter.rect_filled(bar, 1.0, color);
        }
    } else {
        let points = vec![
            pos2(center.x - size * 0.4, center.y - size * 0.55),
            pos2(center.x + size * 0.6, center.y),
            pos2(center.x - size * 0.4, center.y + size * 0.55),
        ];
        painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
    }
}

/// A small triangle that points down: there is a menu.
pub fn opens_below(painter: &Painter, center: Pos2, size: f32, color: Color32) {
    let points = vec![
        pos2(center.x - size, center.y - size * 0.5),
        pos2(center.x + size, center.y - size * 0.5),
        pos2(center.x, center.y + size * 0.6),
    ];
    painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
}
