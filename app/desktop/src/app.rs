//! The window: takes the newest frame, shows the panels, and has the commands done.

use std::sync::Arc;

use session::{Frame, Session};
use sim_core::scenario::{Draft, Scenario};

use crate::command::UiCommand;
use crate::command_handling::{self, handle};
use crate::screenshot::Picture;
use crate::state::{Link, State};
use crate::theme::{self, Theme};
use crate::view_ctx::{Outbox, ViewCtx};
use crate::views::{self, Place};
use crate::{Options, PresetEntry, panels};

/// The explorer without a window around it: what tests drive.
pub struct Explorer {
    link: Box<dyn Link>,
    frame: Arc<Frame>,
    pub state: State,
}

impl Explorer {
    /// An explorer on whatever `link` shows.
    pub fn new(
        link: Box<dyn Link>,
        draft: Draft,
        playing: bool,
        presets: Vec<PresetEntry>,
    ) -> Self {
        let frame = link.frame();
        let state = State::new(&frame, draft, playing, presets);
        Self { link, frame, state }
    }

    /// Before every pass: the newest frame, and the shortcuts that were typed.
    pub fn logic(&mut self, ctx: &egui::Context) {
        self.frame = self.link.frame();
        command_handling::adopt(&self.frame, &mut self.state);
        if self.state.playing && self.frame.speed > 0.0 {
            self.state.moved_s += f64::from(ctx.input(|input| input.unstable_dt).min(0.1));
        }
        for listed in UiCommand::listed() {
            if ctx.input_mut(|input| input.consume_shortcut(&listed.shortcut)) {
                handle(listed.command, &mut self.state, &*self.link, ctx);
            }
        }
    }

    /// One pass over all panels.
    pub fn ui(&mut self, ui: &mut egui::Ui) {
        let outbox = Outbox::default();
        let size = ui.available_size();
        let view = ViewCtx {
            frame: &self.frame,
            state: &self.state,
            theme: Theme::of(ui.visuals().dark_mode),
            scale: (size.x / 1280.0).min(size.y / 800.0).clamp(0.86, 2.4),
            outbox: &outbox,
        };
        panels::show(ui, &view);
        views::show(ui, &view, Place::Over);
        for command in outbox.take() {
            handle(command, &mut self.state, &*self.link, ui.ctx());
            ui.ctx().request_repaint();
        }
    }
}

/// The explorer in its window.
pub struct Window {
    explorer: Explorer,
    picture: Option<Picture>,
}

impl Window {
    /// Starts a session that wakes this window.
    pub fn new(
        ctx: &egui::Context,
        draft: Draft,
        presets: Vec<PresetEntry>,
        options: &Options,
        picture: Option<Picture>,
    ) -> Self {
        theme::install(ctx);
        if let Some(light) = options.light {
            ctx.set_theme(if light {
                egui::ThemePreference::Light
            } else {
                egui::ThemePreference::Dark
            });
        }
        let waking = ctx.clone();
        let scenario = Scenario::clone(draft.scenario());
        let session = Session::start(scenario, true, move || waking.request_repaint());
        let mut explorer = Explorer::new(Box::new(session), draft, true, presets);
        for listed in views::all() {
            if options.open.iter().any(|title| title == listed.title) {
                let command = UiCommand::Toggle(listed.view);
                handle(command, &mut explorer.state, &*explorer.link, ctx);
            }
        }
        Self { explorer, picture }
    }
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.explorer.logic(ctx);
        if let Some(picture) = &self.picture {
            picture.attend(ctx, &self.explorer.frame);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.explorer.ui(ui);
    }
}
