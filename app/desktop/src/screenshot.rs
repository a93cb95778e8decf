//! A picture of the real window, for the README and for reviews: wait until there is something to see, save, close.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use egui::ColorImage;
use session::Frame;

use crate::{OpenError, Options};

/// Points of the load line a picture should have.
const POINTS: usize = 12;
/// Simulated seconds after which a picture is taken with fewer.
const PATIENCE_S: f64 = 120.0;

/// A picture that was asked for.
#[derive(Clone)]
pub struct Picture {
    path: PathBuf,
    after_s: f64,
    outcome: Arc<Mutex<Outcome>>,
}

#[derive(Clone, PartialEq)]
enum Outcome {
    Waiting,
    Asked,
    Saved,
    Failed(String),
}

impl Picture {
    /// `None`: none was asked for.
    pub fn new(options: &Options) -> Option<Self> {
        let path = options.screenshot.clone()?;
        Some(Self {
            path,
            after_s: options.after_s,
            outcome: Arc::new(Mutex::new(Outcome::Waiting)),
        })
    }

    /// Called once per pass: takes the picture when the time has come, closes the window when it is saved.
    pub fn attend(&self, ctx: &egui::Context, frame: &Frame) {
        match self.get() {
            Outcome::Waiting if self.ready(frame) => {
                self.set(Outcome::Asked);
                let picture = self.clone();
                let again = ctx.clone();
                ctx.request_screenshot(move |image| {
                    picture.set(match save(&image, &picture.path) {
                        Ok(()) => Outcome::Saved,
                        Err(error) => Outcome::Failed(error.to_string()),
                    });
                    again.request_repaint();
                });
            }
            Outcome::Saved | Outcome::Failed(_) => {
                ctx.send_viewport_cmd(egui::ViewportCommand::Close)
            }
            Outcome::Waiting | Outcome::Asked => {}
        }
    }

    /// What became of it.
    pub fn outcome(&self) -> Result<(), OpenError> {
        let reason = match self.get() {
            Outcome::Saved => return Ok(()),
            Outcome::Failed(reason) => reason,
            Outcome::Waiting | Outcome::Asked => "the window was closed before".into(),
        };
        Err(OpenError::Screenshot {
            path: self.path.clone(),
            reason,
        })
    }

    fn ready(&self, frame: &Frame) -> bool {
        let line = frame.load_line.len() >= POINTS || frame.simulated_s > PATIENCE_S;
        let shown = frame.report.is_some() && line && frame.simulated_s >= self.after_s;
        shown || frame.problem.is_some()
    }

    fn get(&self) -> Outcome {
        self.outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, outcome: Outcome) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
    }
}

fn save(image: &ColorImage, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    encode(image, BufWriter::new(File::create(path)?))
}

/// Writes a picture as PNG.
pub fn encode(
    image: &ColorImage,
    to: impl std::io::Write,
) -> Result<(), Box<dyn std::error::Error>> {
    let [width, height] = image.size;
    let mut encoder = png::Encoder::new(to, u32::try_from(width)?, u32::try_from(height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels: Vec<u8> = image
        .pixels
        .iter()
        .flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()])
        .collect();
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_png_file() {
        let path =
            std::env::temp_dir().join(format!("plimsoll-picture-{}.png", std::process::id()));
        save(&ColorImage::filled([3, 2], egui::Color32::WHITE), &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"));
    }
}
