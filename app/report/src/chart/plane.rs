//! Two axes with their grid, and lines, bands and marks between them.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{Canvas, FINE, HAIR, LABEL, Point, Side, Stroke, Type, fit, spread, sure};
use super::ink::{Dash, Ink};

/// Margins around the plane, in page units: top, right, bottom, left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Margins(
    pub(super) f64,
    pub(super) f64,
    pub(super) f64,
    pub(super) f64,
);

/// Axes on a canvas. Data are placed by plotters on a unit square.
pub(super) struct Plane<'c, 'a> {
    canvas: &'c Canvas<'a>,
    square: DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    x: Axis,
    y: Axis,
    margins: Margins,
    size: (f64, f64),
}

impl<'c, 'a> Plane<'c, 'a> {
    /// Draws grid, ticks and titles.
    pub(super) fn new(canvas: &'c Canvas<'a>, margins: Margins, x: Axis, y: Axis) -> Self {
        let Margins(top, right, bottom, left) = margins;
        let whole = canvas.sheet.dim_in_pixel();
        let size = (f64::from(whole.0) / FINE, f64::from(whole.1) / FINE);
        let px = |units: f64| (units * FINE) as i32;
        let across = px(left)..px(size.0 - right);
        let down = px(size.1 - bottom)..px(top);
        let unit =
            Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(0.0..1.0, 0.0..1.0, (across, down));
        let plane = Self {
            canvas,
            square: canvas.sheet.apply_coord_spec(unit),
            x,
            y,
            margins,
            size,
        };
        plane.frame();
        plane
    }

    fn frame(&self) {
        let (left, right) = (self.margins.3, self.size.0 - self.margins.1);
        let (top, bottom) = (self.margins.0, self.size.1 - self.margins.2);
        for (value, label) in &self.y.ticks {
            let (_, y) = self.at(self.x.low(), *value);
            self.canvas.line((left, y), (right, y), HAIR);
            self.canvas.text(
                (left - 8.0, y),
                label,
                Type {
                    side: Side::Right,
                    ..LABEL
                },
            );
        }
        let axis = Stroke {
            ink: Ink::Muted,
            ..HAIR
        };
        for (value, label) in &self.x.ticks {
            let (x, _) = self.at(*value, self.y.low());
            self.canvas.line((x, bottom), (x, bottom + 4.0), axis);
            self.canvas.text(
                (x, bottom + 15.0),
                label,
                Type {
                    side: Side::Middle,
                    ..LABEL
                },
            );
        }
        self.canvas.line((left, bottom), (right, bottom), axis);
        self.canvas.text(
            ((left + right) / 2.0, self.size.1 - 8.0),
            &self.x.title,
            Type {
                side: Side::Middle,
                ..LABEL
            },
        );
        self.canvas
            .text((2.0, (top - 22.0).min(14.0)), &self.y.title, LABEL);
    }

    /// Where data stand on the sheet.
    pub(super) fn at(&self, x: f64, y: f64) -> Point {
        let (x, y) = self
            .square
            .map_coordinate(&(self.x.place(x), self.y.place(y)));
        (f64::from(x) / FINE, f64::from(y) / FINE)
    }

    /// The lower edge.
    pub(super) fn bottom(&self) -> f64 {
        self.size.1 - self.margins.2
    }

    /// The upper edge.
    pub(super) fn top(&self) -> f64 {
        self.margins.0
    }

    /// The right edge.
    pub(super) fn right(&self) -> f64 {
        self.size.0 - self.margins.1
    }

    /// Lines through data; a `None` leaves a gap.
    pub(super) fn line(&self, points: &[(f64, Option<f64>)], stroke: Stroke) {
        for piece in points.split(|(_, y)| y.is_none_or(|y| !y.is_finite())) {
            let places: Vec<(f64, f64)> = piece
                .iter()
                .filter_map(|(x, y)| Some((self.x.place(*x), self.y.place((*y)?))))
                .collect();
            if places.len() > 1 {
                sure(self.square.draw(&PathElement::new(places, stroke.style())));
            }
        }
    }

    /// The area between two values; fewer than two points draw nothing.
    pub(super) fn band(&self, points: &[(f64, f64, f64)], ink: Ink) {
        if points.len() < 2 {
            return;
        }
        let upper = points
            .iter()
            .map(|(x, _, high)| (self.x.place(*x), self.y.place(*high)));
        let lower = points
            .iter()
            .rev()
            .map(|(x, low, _)| (self.x.place(*x), self.y.place(*low)));
        let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
        sure(self.square.draw(&Polygon::new(
            outline,
            ink.marker(Dash::Solid).mix(0.18).filled(),
        )));
    }

    /// An interval at one place.
    pub(super) fn whisker(&self, x: f64, low: f64, high: f64, ink: Ink) {
        let (px, py) = self.at(x, low);
        let (_, top) = self.at(x, high);
        let stroke = Stroke {
            ink,
            dash: Dash::Solid,
            width: 1.4,
        };
        self.canvas.line((px, py), (px, top), stroke);
        for y in [py, top] {
            self.canvas.line((px - 3.5, y), (px + 3.5, y), stroke);
        }
    }

    /// A line across the plane with its name at the right, inside.
    pub(super) fn level(&self, y: f64, words: &str, ink: Ink) {
        if !self.y.holds(y) {
            return;
        }
        let (left, py) = self.at(self.x.low(), y);
        self.canvas.line(
            (left, py),
            (self.right(), py),
            Stroke {
                ink,
                dash: Dash::Dashed,
                width: 1.2,
            },
        );
        self.canvas.text(
            (left + 6.0, py - 9.0),
            words,
            Type {
                ink,
                size: 11.0,
                ..LABEL
            },
        );
    }

    /// A line down the plane with its name above it, in one of two rows, on the side that has room.
    pub(super) fn moment(&self, x: f64, words: &str, ink: Ink, row: usize) {
        let (px, _) = self.at(x, self.y.low());
        let y = self.top() - 8.0 - 14.0 * row as f64;
        let stroke = Stroke {
            ink,
            dash: Dash::Dashed,
            width: 1.4,
        };
        self.canvas.line((px, y - 5.0), (px, self.bottom()), stroke);
        let left_room = px - 4.0;
        let right_room = self.size.0 - px - 4.0;
        let (side, dx, room) = if left_room > right_room {
            (Side::Right, -5.0, left_room)
        } else {
            (Side::Left, 5.0, right_room)
        };
        let set = Type {
            ink,
            size: 11.5,
            side,
            bold: true,
        };
        self.canvas.text((px + dx, y), &fit(words, room, 11.5), set);
    }

    /// Shade between two places.
    pub(super) fn shade(&self, from: f64, to: f64, ink: Ink, words: &str) {
        let (left, _) = self.at(from, self.y.low());
        let (right, _) = self.at(to, self.y.low());
        self.canvas
            .fill((left, self.top()), (right, self.bottom()), ink, 0.1);
        self.canvas.text(
            (left + 4.0, self.bottom() - 9.0),
            words,
            Type {
                size: 11.0,
                ..LABEL
            },
        );
    }

    /// A series' mark.
    pub(super) fn mark(&self, x: f64, y: f64, series: usize) {
        self.canvas.mark(self.at(x, y), series, Ink::Series(series));
    }

    /// Names at the right edge, beside where each line ends, none over another.
    pub(super) fn ends(&self, names: &[(String, f64, f64, usize)]) {
        let heights: Vec<f64> = names.iter().map(|(_, x, y, _)| self.at(*x, *y).1).collect();
        let placed = spread(&heights, 15.0, self.top(), self.bottom());
        for ((name, x, y, series), height) in names.iter().zip(placed) {
            let (end, from) = self.at(*x, *y);
            // A line that ends early is closed by a mark and named at the edge by colour and dashes alone: a leader would look
            // like its continuation.
            let early = end < self.right() - 60.0;
            if early {
                self.mark(*x, *y, *series);
            }
            let at = self.right() + 26.0;
            let stroke = Stroke {
                ink: Ink::Series(*series),
                dash: Dash::Solid,
                width: 1.0,
            };
            if !early && ((from - height).abs() > 2.0 || end < self.right() - 4.0) {
                self.canvas.path(
                    &[
                        (end + 4.0, from),
                        (self.right() + 4.0, height),
                        (self.right() + 6.0, height),
                    ],
                    stroke,
                );
            }
            let sample = Stroke {
                ink: Ink::Series(*series),
                dash: Dash::of_series(*series),
                width: 2.0,
            };
            self.canvas.line(
                (self.right() + 6.0, height),
                (self.right() + 22.0, height),
                sample,
            );
            let words = fit(name, self.size.0 - at - 2.0, 12.0);
            self.canvas.text(
                (at, height),
                &words,
                Type {
                    ink: Ink::Text,
                    ..LABEL
                },
            );
        }
    }
}
