//! A sheet to draw on, in page units. plotters places on whole pixels, so the sheet is drawn ten times finer than it is shown.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::ink::{Dash, Ink, develop};
use crate::escape;

/// Drawing units in one page unit.
pub(super) const FINE: f64 = 10.0;
/// plotters divides a font size by this.
const FONT: f64 = 1.24;

/// The whole sheet.
pub(super) type Sheet<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Where a word stands beside its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The point is at its left end.
    Left,
    /// The point is at its middle.
    Middle,
    /// The point is at its right end.
    Right,
}

/// How a word is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub(super) ink: Ink,
    pub(super) size: f64,
    pub(super) side: Side,
    pub(super) bold: bool,
}

/// Ordinary words of a chart.
pub(super) const LABEL: Type = Type {
    ink: Ink::Muted,
    size: 12.0,
    side: Side::Left,
    bold: false,
};

/// A stroke.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub(super) ink: Ink,
    pub(super) dash: Dash,
    pub(super) width: f64,
}

/// A hairline.
pub(super) const HAIR: Stroke = Stroke {
    ink: Ink::Rule,
    dash: Dash::Solid,
    width: 1.0,
};

/// A point in page units from the upper left.
pub(super) type Point = (f64, f64);

/// What can be drawn on.
pub(super) struct Canvas<'a> {
    pub(super) sheet: Sheet<'a>,
}

/// Draws a sheet and gives its SVG, labelled for who does not see it.
pub(super) fn svg(width: f64, height: f64, label: &str, draw: impl FnOnce(&Canvas<'_>)) -> String {
    let mut text = String::new();
    let size = (fine(width).unsigned_abs(), fine(height).unsigned_abs());
    {
        let canvas = Canvas {
            sheet: SVGBackend::with_string(&mut text, size).into_drawing_area(),
        };
        draw(&canvas);
        sure(canvas.sheet.present());
    }
    let body = text.split_once('>').map_or("", |(_, body)| body);
    let body = develop(body)
        .replace(" opacity=\"1\"", "")
        .replace(" font-family=\"sans-serif\"", "")
        .replace(">\n", ">")
        .replace("\n</text>", "</text>")
        .replace(" \"/>", "\"/>");
    format!(
        "<svg role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {} {}\">{}",
        escape::html(label),
        size.0,
        size.1,
        body.trim_end()
    )
}

impl Canvas<'_> {
    /// A line through points.
    pub(super) fn path(&self, points: &[Point], stroke: Stroke) {
        if points.len() > 1 {
            let points: Vec<(i32, i32)> = points.iter().map(|p| dot(*p)).collect();
            sure(self.sheet.draw(&PathElement::new(points, stroke.style())));
        }
    }

    /// A straight line.
    pub(super) fn line(&self, from: Point, to: Point, stroke: Stroke) {
        self.path(&[from, to], stroke);
    }

    /// A filled box.
    pub(super) fn fill(&self, from: Point, to: Point, ink: Ink, opacity: f64) {
        let style = ink.marker(Dash::Solid).mix(opacity).filled();
        sure(
            self.sheet
                .draw(&Rectangle::new([dot(from), dot(to)], style)),
        );
    }

    /// A filled shape.
    pub(super) fn shape(&self, points: &[Point], ink: Ink, opacity: f64) {
        let points: Vec<(i32, i32)> = points.iter().map(|p| dot(*p)).collect();
        sure(self.sheet.draw(&Polygon::new(
            points,
            ink.marker(Dash::Solid).mix(opacity).filled(),
        )));
    }

    /// A mark at a point; series differ by shape and colour.
    pub(super) fn mark(&self, (x, y): Point, series: usize, ink: Ink) {
        let r = 4.0;
        match series % 4 {
            0 => {
                let style = ink.marker(Dash::Solid).filled();
                sure(self.sheet.draw(&Circle::new(dot((x, y)), fine(r), style)));
            }
            1 => self.fill((x - 3.6, y - 3.6), (x + 3.6, y + 3.6), ink, 1.0),
            2 => self.shape(
                &[(x, y - 5.0), (x + 4.8, y + 3.6), (x - 4.8, y + 3.6)],
                ink,
                1.0,
            ),
            _ => self.shape(
                &[(x, y - 5.2), (x + 5.2, y), (x, y + 5.2), (x - 5.2, y)],
                ink,
                1.0,
            ),
        }
    }

    /// Words, their middle at the height of the point.
    pub(super) fn text(&self, (x, y): Point, words: &str, set: Type) {
        let style = if set.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let side = match set.side {
            Side::Left => HPos::Left,
            Side::Middle => HPos::Center,
            Side::Right => HPos::Right,
        };
        let ink = set.ink.marker(Dash::Solid);
        let font: FontDesc<'_> = ("sans-serif", set.size * FONT * FINE, style).into();
        // The baseline stands a third of the size below the middle.
        let style = TextStyle::from(font)
            .color(&ink)
            .pos(Pos::new(side, VPos::Bottom));
        let baseline = (x, y + set.size * (0.35 + 0.25));
        sure(
            self.sheet
                .draw(&Text::new(words.to_owned(), dot(baseline), style)),
        );
    }
}

impl Stroke {
    pub(super) fn style(self) -> ShapeStyle {
        self.ink
            .marker(self.dash)
            .stroke_width(fine(self.width).unsigned_abs())
    }
}

/// How wide words are, about: an m takes the room of two narrow letters.
pub(super) fn width_of(words: &str, size: f64) -> f64 {
    let wide = |letter: char| matches!(letter, 'm' | 'w' | 'M' | 'W' | '%');
    let letters = words.chars();
    let widths = letters.map(|letter| if wide(letter) { 0.9 } else { 0.53 });
    widths.sum::<f64>() * size
}

/// Words cut to a width, with dots where they were cut: in the middle, since names often differ at their ends.
pub(super) fn fit(words: &str, width: f64, size: f64) -> String {
    let most = (width / (size * 0.53)).max(3.0) as usize;
    let chars: Vec<char> = words.chars().collect();
    if chars.len() <= most {
        return words.to_owned();
    }
    let tail = (most - 1) / 3;
    let head: String = chars[..most - 1 - tail].iter().collect();
    let tail: String = chars[chars.len() - tail..].iter().collect();
    format!("{}…{}", head.trim_end(), tail.trim_start())
}

/// Heights moved apart so that labels do not touch; the order is kept.
pub(super) fn spread(heights: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut placed = heights.to_vec();
    let mut least = top;
    for index in &order {
        placed[*index] = placed[*index].max(least);
        least = placed[*index] + gap;
    }
    let mut most = bottom;
    for index in order.iter().rev() {
        placed[*index] = placed[*index].min(most);
        most = placed[*index] - gap;
    }
    placed
}

fn fine(units: f64) -> i32 {
    (units * FINE).round().clamp(-1e6, 1e6) as i32
}

fn dot((x, y): Point) -> (i32, i32) {
    (fine(x), fine(y))
}

/// A drawing into memory has nothing that could fail.
pub(super) fn sure<E: Error + Send + Sync>(drawn: Result<(), DrawingAreaErrorKind<E>>) {
    assert!(drawn.is_ok(), "drawing into a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_moved_apart_and_keep_their_order() {
        assert_eq!(
            spread(&[10.0, 11.0, 50.0], 14.0, 0.0, 100.0),
            [10.0, 24.0, 50.0]
        );
        assert_eq!(spread(&[99.0, 98.0], 14.0, 0.0, 100.0), [100.0, 86.0]);
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(fit("database", 200.0, 12.0), "database");
        let cut = fit("a very long name of tier 7", 70.0, 12.0);
        assert!(
            cut.starts_with("a very") && cut.ends_with('7') && cut.contains('…'),
            "{cut}"
        );
    }
}
