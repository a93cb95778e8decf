//! What others can have of what is on screen: reports, the load line, a picture.
//!
//! A report is what was measured so far; the command that stands in it runs the scenario anew, to the precision that is asked
//! of it.

use std::sync::{Arc, Mutex, PoisonError};

use egui::{ColorImage, Context, Id, Rect};
use report::{Document, Format, Labels, LatencyLine};
use session::Frame;
use sim_core::scenario::Draft;

use crate::{screenshot, words};

/// A file that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// The decision page.
    Html,
    /// The decision page for a wiki or a pull request.
    Markdown,
    /// All numbers.
    Json,
    /// The load line as a drawing.
    LineSvg,
    /// The load line as a picture.
    LinePng,
    /// The load line as figures.
    LineCsv,
    /// The whole window.
    WindowPng,
}

impl Export {
    /// All of them, in the order of the dialog.
    pub const ALL: [Export; 7] = [
        Self::Html,
        Self::Markdown,
        Self::Json,
        Self::LineSvg,
        Self::LinePng,
        Self::LineCsv,
        Self::WindowPng,
    ];

    /// Its name on the button.
    pub fn title(self) -> &'static str {
        match self {
            Self::Html => "Decision page, HTML",
            Self::Markdown => "Decision page, Markdown",
            Self::Json => "All numbers, JSON",
            Self::LineSvg => "Load line, SVG",
            Self::LinePng => "Load line, PNG",
            Self::LineCsv => "Load line, CSV",
            Self::WindowPng => "This window, PNG",
        }
    }

    /// What it might be called.
    pub fn file_name(self, scenario: &str) -> String {
        let end = match self {
            Self::Html => ".html",
            Self::Markdown => ".md",
            Self::Json => ".json",
            Self::LineSvg => "-load-line.svg",
            Self::LinePng => "-load-line.png",
            Self::LineCsv => "-load-line.csv",
            Self::WindowPng => "-window.png",
        };
        format!("{}{end}", crate::files::stem(scenario))
    }

    /// Whether it is taken from the screen.
    pub fn is_picture(self) -> bool {
        matches!(self, Self::LinePng | Self::WindowPng)
    }
}

/// What is written; the error is a sentence.
pub fn bytes(export: Export, frame: &Frame, draft: &Draft) -> Result<Vec<u8>, String> {
    let nothing_yet = || "nothing is measured yet".to_owned();
    let scenario = draft.scenario();
    let labels = Labels {
        title: scenario.title.clone(),
        unit: scenario.load.unit.clone(),
        command: Some(draft.command("run")),
    };
    let document = |format| {
        let run = frame.report.as_deref().ok_or_else(nothing_yet)?;
        report::render(Document::Run(run), &labels, format)
            .map_err(|_| format!("a run has no form as {}", format.name()))
    };
    let text = match export {
        Export::Html => document(Format::Html)?,
        Export::Markdown => document(Format::Markdown)?,
        Export::Json => document(Format::Json)?,
        Export::LineSvg | Export::LineCsv => {
            let points: Vec<(f64, Option<f64>)> = frame
                .load_line
                .iter()
                .map(|point| (f64::from(point.users), point.p99_ms))
                .collect();
            let breaks_at = frame.report.as_ref().and_then(|run| run.breaks_at.as_ref());
            let line = LatencyLine {
                points: &points,
                limit_ms: words::latency_objective(scenario).map(|objective| objective.limit),
                breaks_at: breaks_at.and_then(|breaks| breaks.users.value),
                unit: &labels.unit,
                title: &labels.title,
            };
            match export {
                Export::LineCsv => report::latency_line_csv(&line),
                _ => report::latency_line_svg(&line)
                    .ok_or("fewer than two points are simulated yet")?,
            }
        }
        Export::LinePng | Export::WindowPng => return Err("a picture is taken, not written".into()),
    };
    Ok(text.into_bytes())
}

fn line_area() -> Id {
    Id::unique("area of the load line")
}

/// Where the load line stands, for a picture of it.
pub fn remember_area(ctx: &Context, area: Rect) {
    ctx.data_mut(|data| data.insert_temp(line_area(), area));
}

/// A picture that was asked for.
#[derive(Clone, Default)]
pub struct Snapshot {
    wanted: Option<(Export, String)>,
    asked: bool,
    taken: Arc<Mutex<Option<Arc<ColorImage>>>>,
}

impl Snapshot {
    /// Asks for a picture of the next pass: a dialog in front of it is closed by then.
    pub fn ask(&mut self, export: Export, path: &str, ctx: &Context) {
        self.wanted = Some((export, path.to_owned()));
        self.asked = false;
        ctx.request_repaint();
    }

    fn request(&mut self, ctx: &Context) {
        self.asked = true;
        let (taken, again) = (Arc::clone(&self.taken), ctx.clone());
        let keep = move |image: Arc<ColorImage>| {
            *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(image);
            again.request_repaint();
        };
        ctx.request_screenshot(keep);
    }

    /// The picture as a PNG file, once it is taken: its path and its bytes.
    pub fn attend(&mut self, ctx: &Context) -> Option<(String, Result<Vec<u8>, String>)> {
        if self.wanted.is_some() && !self.asked {
            self.request(ctx);
        }
        let image = self
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        let (export, path) = self.wanted.take()?;
        let area = ctx.data(|data| data.get_temp::<Rect>(line_area()));
        let pixels = ctx.pixels_per_point();
        let part = match (export, area) {
            (Export::LinePng, Some(area)) => {
                let whole = ctx.content_rect();
                image.region(&area.expand(12.0).intersect(whole), Some(pixels))
            }
            _ => ColorImage::clone(&image),
        };
        let mut bytes = Vec::new();
        let encoded = screenshot::encode(&part, &mut bytes).map_err(|error| error.to_string());
        Some((path, encoded.map(|()| bytes)))
    }
}
