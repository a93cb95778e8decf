//! What a panel may see. Panels read this and send commands; they change nothing.

use std::cell::RefCell;

use session::Frame;
use sim_core::report::RunReport;

use crate::command::UiCommand;
use crate::state::State;
use crate::theme::{self, Theme};

/// What a panel may see.
pub struct ViewCtx<'a> {
    /// The newest frame of the session.
    pub frame: &'a Frame,
    /// The window's own state.
    pub state: &'a State,
    /// Colours.
    pub theme: &'static Theme,
    /// Size of letters and shapes against a window of 1280 × 800.
    pub scale: f32,
    /// Where commands go.
    pub outbox: &'a Outbox,
}

impl<'a> ViewCtx<'a> {
    /// The same, everything larger by a factor.
    pub fn scaled(&self, factor: f32) -> Self {
        Self {
            scale: self.scale * factor,
            ..*self
        }
    }

    /// Asks for something to be done after this pass.
    pub fn send(&self, command: UiCommand) {
        self.outbox.0.borrow_mut().push(command);
    }

    /// The report, if it is about the load that is shown.
    pub fn report(&self) -> Option<&RunReport> {
        self.any_report()
            .filter(|report| report.users == u64::from(self.state.users))
    }

    /// The newest report, whatever its load.
    pub fn any_report(&self) -> Option<&RunReport> {
        self.frame.report.as_deref()
    }

    /// A font of this size on a window of 1280 × 800.
    pub fn font(&self, size: f32) -> egui::FontId {
        egui::FontId::proportional(size * self.scale)
    }

    /// The same in bold letters.
    pub fn strong(&self, size: f32) -> egui::FontId {
        egui::FontId::new(
            size * self.scale,
            egui::FontFamily::Name(theme::STRONG.into()),
        )
    }
}

/// Commands of one pass.
#[derive(Default)]
pub struct Outbox(RefCell<Vec<UiCommand>>);

impl Outbox {
    /// Takes what is there.
    pub fn take(&self) -> Vec<UiCommand> {
        self.0.take()
    }
}
