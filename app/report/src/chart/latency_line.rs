//! The 99th percentile against users by itself: a drawing that needs no page around it, and its figures.

use super::axis::Axis;
use super::canvas::{Stroke, svg};
use super::ink::{Dash, Ink};
use super::plane::{Margins, Plane};
use crate::numbers::{count, millis};

/// Sheet in page units.
const SIZE: (f64, f64) = (760.0, 380.0);
/// The colours of the page in the light, for a drawing without a page.
const COLOURS: &str = "svg{--paper:#FFFFFF;--text:#15202B;--muted:#4B5B6A;--rule:#D3DCE4;--bad:#B34700;--warn:#8F5F00;--s0:#0072B2;background:var(--paper);font-family:Inter,sans-serif}";

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyLine<'a> {
    /// Users and 99th percentile in ms, by rising users; `None`: unstable there.
    pub points: &'a [(f64, Option<f64>)],
    /// The limit of an objective, ms.
    pub limit_ms: Option<f64>,
    /// Users at which it breaks.
    pub breaks_at: Option<f64>,
    /// What one user is called: `users`.
    pub unit: &'a str,
    /// `Team chat`
    pub title: &'a str,
}

impl LatencyLine<'_> {
    fn summary(&self) -> String {
        let points = self.points.iter().map(|(users, p99)| {
            let p99 = p99.map_or_else(|| "unstable".to_owned(), millis);
            format!("{} {}: {p99}", count(*users), self.unit)
        });
        let points: Vec<String> = points.collect();
        format!(
            "{}, p99 against {}. {}.",
            self.title,
            self.unit,
            points.join(", ")
        )
    }
}

/// The drawing as an SVG file; `None` with fewer than two points that have a figure.
#[must_use]
pub fn latency_line_svg(line: &LatencyLine<'_>) -> Option<String> {
    let known: Vec<f64> = line.points.iter().filter_map(|(_, p99)| *p99).collect();
    if known.len() < 2 {
        return None;
    }
    let users = line.points.iter().map(|(users, _)| *users);
    let x = Axis::log(
        &format!("{}, logarithmic", line.unit),
        users.chain(line.breaks_at),
        count,
    );
    let y = Axis::log(
        &format!("{}: 99th percentile", line.title),
        known.into_iter().chain(line.limit_ms),
        millis,
    );
    let drawn = svg(SIZE.0, SIZE.1, &line.summary(), |canvas| {
        let right = x.high();
        let plane = Plane::new(canvas, Margins(64.0, 40.0, 46.0, 58.0), x, y);
        let unstable = line.points.iter().find(|(_, p99)| p99.is_none());
        if let Some((users, _)) = unstable {
            plane.shade(*users, right, Ink::Bad, "");
        }
        if let Some(limit) = line.limit_ms {
            plane.level(limit, &format!("objective {}", millis(limit)), Ink::Warn);
        }
        let stroke = Stroke {
            ink: Ink::Series(0),
            dash: Dash::Solid,
            width: 2.0,
        };
        plane.line(line.points, stroke);
        for (users, p99) in line.points {
            if let Some(p99) = p99 {
                plane.mark(*users, *p99, 0);
            }
        }
        if let Some(users) = line.breaks_at {
            plane.moment(users, &format!("breaks at {}", count(users)), Ink::Bad, 0);
        }
    });
    let (_, inside) = drawn.split_once("<svg ")?;
    let (attributes, body) = inside.split_once('>')?;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" {attributes}><style>{COLOURS}</style>{body}\n",
        SIZE.0, SIZE.1
    ))
}

/// The figures: `users,p99_ms`; no figure where it is unstable.
#[must_use]
pub fn latency_line_csv(line: &LatencyLine<'_>) -> String {
    let mut out = "users,p99_ms\n".to_owned();
    for (users, p99) in line.points {
        let p99 = p99.map_or_else(String::new, |p99| p99.to_string());
        out.push_str(&format!("{users},{p99}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: LatencyLine<'_> = LatencyLine {
        points: &[(1e3, Some(170.0)), (1e5, Some(240.5)), (1e6, None)],
        limit_ms: Some(500.0),
        breaks_at: Some(2.55e5),
        unit: "users",
        title: "Team chat",
    };

    #[test]
    fn the_drawing_is_a_file_of_its_own() {
        let svg = latency_line_svg(&LINE).unwrap();
        let read = roxmltree::Document::parse(&svg).unwrap();
        assert_eq!(
            read.root_element().tag_name().namespace(),
            Some("http://www.w3.org/2000/svg")
        );
        assert!(svg.contains("breaks at 255 K"), "{svg}");
        // Every colour that is named has a value.
        for (at, _) in svg.match_indices("var(--") {
            let name: String = svg[at + 4..].chars().take_while(|c| *c != ')').collect();
            assert!(COLOURS.contains(&format!("{name}:")), "{name}");
        }
        let few = LatencyLine {
            points: &LINE.points[..1],
            ..LINE
        };
        assert_eq!(latency_line_svg(&few), None);
    }

    #[test]
    fn the_figures_are_plain() {
        assert_eq!(
            latency_line_csv(&LINE),
            "users,p99_ms\n1000,170\n100000,240.5\n1000000,\n"
        );
    }
}
