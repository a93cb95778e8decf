//! The explorer: one window, one sentence, one line that is also the control.
//!
//! A frame of the session goes in, commands come out. What is edited is a draft, step by step ([`history`]); what is hidden until
//! asked for is a view ([`views`]). Panels and views only read ([`view_ctx::ViewCtx`]) and send [`command::UiCommand`]s;
//! [`command_handling`] is the one place that changes anything. All colours come from `assets/theme`.

mod app;
mod command;
mod command_handling;
mod design_edits;
mod editor;
mod faults;
mod files;
mod format;
mod hints;
mod history;
mod lessons;
mod moments;
mod paint;
mod panels;
mod probe;
mod screenshot;
mod selection;
mod share;
mod state;
mod stored;
mod theme;
mod variants;
mod view_ctx;
mod views;
mod words;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use sim_core::scenario::{Draft, Scenario};

pub use files::{Chosen, Files, Kept, NoFiles};
pub use probe::Probe;

/// A scenario the menu offers.
pub struct PresetEntry {
    /// Its short name: `team-chat`.
    pub name: String,
    /// Its name for people: `Team chat`.
    pub title: String,
    /// What it says.
    pub scenario: Arc<Scenario>,
    /// Reads it; the error is a sentence.
    pub load: PresetLoader,
}

/// Reads a scenario when it is asked for.
pub type PresetLoader = Box<dyn Fn() -> Result<Draft, String>>;

/// How the window opens.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Save a picture of the window (PNG) and close.
    pub screenshot: Option<PathBuf>,
    /// Simulated seconds to wait before the picture is taken; the load line is waited for too.
    pub after_s: f64,
    /// Size of the window, points; `None`: 1280 × 800.
    pub size: Option<[f32; 2]>,
    /// Light or dark; `None`: as the system prefers.
    pub light: Option<bool>,
    /// Titles of views to open and commands to carry out, one after the other as soon as there is something to see.
    pub open: Vec<String>,
    /// The scenario was asked for; otherwise what was edited last and not saved may come in its place.
    pub named: bool,
}

/// Why there was no window.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing to draw on.
    #[error("there is no display here (neither WAYLAND_DISPLAY nor DISPLAY is set)")]
    NoDisplay,
    /// The system refused a window.
    #[error("the window could not be opened: {0}")]
    Window(String),
    /// The picture was asked for and not made.
    #[error("the picture {path} could not be saved: {reason}")]
    Screenshot {
        /// Where it should have gone.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// Opens the explorer on `draft` and returns when its window is closed.
pub fn open(draft: Draft, presets: Vec<PresetEntry>) -> Result<(), OpenError> {
    open_with(draft, presets, Box::new(NoFiles), Options::default())
}

/// [`open`] with a say in how.
pub fn open_with(
    draft: Draft,
    presets: Vec<PresetEntry>,
    files: Box<dyn Files>,
    options: Options,
) -> Result<(), OpenError> {
    if !has_display() {
        return Err(OpenError::NoDisplay);
    }
    let picture = screenshot::Picture::new(&options);
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Plimsoll")
            .with_app_id("plimsoll")
            .with_inner_size(options.size.unwrap_or([1280.0, 800.0]))
            .with_min_inner_size([1024.0, 640.0]),
        renderer: eframe::Renderer::Glow,
        ..Default::default()
    };
    let saved = picture.clone();
    // Missing system libraries make the window library panic; that is an answer too, not a crash.
    let opened = catch_unwind(AssertUnwindSafe(move || {
        let create = move |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, _> {
            Ok(Box::new(app::Window::new(
                &cc.egui_ctx,
                draft,
                presets,
                files,
                &options,
                picture,
            )))
        };
        eframe::run_native("Plimsoll", native, Box::new(create))
    }));
    match opened {
        Ok(Ok(())) => saved.map_or(Ok(()), |picture| picture.outcome()),
        Ok(Err(error)) => Err(OpenError::Window(error.to_string())),
        Err(_) => Err(OpenError::Window(
            "a system library is missing (see the message above)".into(),
        )),
    }
}

/// Only on Linux and its relatives can a session lack a display.
fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET") || set("DISPLAY")
}
