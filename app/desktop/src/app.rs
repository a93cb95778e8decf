//! The window: takes the newest frame, shows the panels, and has the commands done.

use std::sync::Arc;

use session::{Frame, Inquiry, Session};
use sim_core::scenario::{Draft, Scenario};

use crate::command::UiCommand;
use crate::command_handling::{self, handle};
use crate::screenshot::Picture;
use crate::state::{Link, Live, State};
use crate::stored::Shelf;
use crate::theme;
use crate::view_ctx::{Outbox, ViewCtx};
use crate::views::{self, Place};
use crate::{Options, PresetEntry, files::Files, panels, variants};

/// Points of the load line after which a view is opened for a picture, and simulated seconds after which it is with fewer.
const SEEN: usize = 10;
const PATIENCE_S: f64 = 60.0;
/// Width that the map needs at a scale of 1, points: larger letters take what is beyond.
const WIDTH: f32 = 1190.0;

/// The explorer without a window around it: what tests drive.
pub struct Explorer {
    link: Box<dyn Link>,
    pub(crate) frame: Arc<Frame>,
    pub state: State,
}

impl Explorer {
    /// An explorer on whatever `link` shows.
    #[cfg(test)]
    pub fn new(
        link: Box<dyn Link>,
        draft: Draft,
        playing: bool,
        presets: Vec<PresetEntry>,
    ) -> Self {
        let frame = link.frame();
        let state = State::new(&frame, draft, playing, presets);
        Self::with_state(link, state)
    }

    /// An explorer that knows something already.
    pub fn with_state(link: Box<dyn Link>, state: State) -> Self {
        let frame = link.frame();
        Self { link, frame, state }
    }

    /// Before every pass: the newest frame, and the shortcuts that were typed.
    pub fn logic(&mut self, ctx: &egui::Context) {
        self.frame = self.state.stored.fill(self.link.frame());
        command_handling::adopt(&self.frame, &mut self.state);
        variants::attend(&self.frame, &mut self.state, &*self.link);
        if self.state.playing && self.frame.speed > 0.0 {
            self.state.moved_s += f64::from(ctx.input(|input| input.unstable_dt).min(0.1));
        }
        let dt = f64::from(ctx.input(|input| input.unstable_dt));
        if self.state.lessons.attend(dt) {
            ctx.request_repaint();
        }
        let typing = ctx.text_edit_focused();
        let mut all = UiCommand::listed();
        // A key with Shift would also do what it does without.
        all.sort_by_key(|listed| !listed.shortcut.modifiers.shift);
        for listed in all {
            // In a text field the plain keys are letters, and it undoes by itself.
            let own = listed.shortcut.modifiers.is_none()
                || matches!(listed.command, UiCommand::Undo | UiCommand::Redo);
            if typing && own {
                continue;
            }
            if ctx.input_mut(|input| input.consume_shortcut(&listed.shortcut)) {
                handle(listed.command, &mut self.state, &*self.link, ctx);
            }
        }
        command_handling::attend(&mut self.state, &*self.link, ctx);
    }

    /// One pass over all panels.
    pub fn ui(&mut self, ui: &mut egui::Ui) {
        let outbox = Outbox::default();
        let size = ui.available_size();
        let theme = self.state.look.theme(ui.visuals().dark_mode);
        let scale = (size.x / 1280.0).min(size.y / 800.0).clamp(0.86, 2.4);
        let view = ViewCtx {
            frame: &self.frame,
            state: &self.state,
            theme,
            scale: (scale * theme.letters).min(scale.max(size.x / WIDTH)),
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
    /// What is still to be opened, the next one last.
    opening: Vec<String>,
}

impl Window {
    /// Starts a session that wakes this window.
    pub fn new(
        ctx: &egui::Context,
        draft: Draft,
        presets: Vec<PresetEntry>,
        files: Box<dyn Files>,
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
        let mut state = State::of(draft, true, presets).with_files(files, options.named);
        if options.light.is_none() {
            state.look.wear(ctx);
        }
        let scenario = Scenario::clone(state.history.now().scenario());
        let session = Session::start(scenario, true, move || waking.request_repaint());
        let wake = ctx.clone();
        let inquiry = Inquiry::start(move || wake.request_repaint());
        state.stored = Shelf::open();
        let opening = options.open.iter().rev().cloned().collect();
        Self {
            explorer: Explorer::with_state(Box::new(Live { session, inquiry }), state),
            picture,
            opening,
        }
    }

    /// The next of what was asked to be open; `true`: all is.
    fn all_is_open(&mut self, ctx: &egui::Context) -> bool {
        let Some(title) = self.opening.last().cloned() else {
            return true;
        };
        let (frame, state) = (&self.explorer.frame, &mut self.explorer.state);
        let seen = frame.load_line.len() >= SEEN || frame.simulated_s > PATIENCE_S;
        if frame.loads == state.loads && frame.report.is_some() && seen {
            self.opening.pop();
            let view = views::all().into_iter().find(|view| view.title == title);
            let command = view
                .map(|listed| UiCommand::Toggle(listed.view))
                .or_else(|| {
                    let mut all = UiCommand::listed().into_iter();
                    Some(all.find(|listed| listed.title == title)?.command)
                });
            match command {
                Some(command) => handle(command, state, &*self.explorer.link, ctx),
                None => state.problem = Some(format!("There is no view or command {title:?}.")),
            }
        }
        false
    }
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.explorer.logic(ctx);
        let open = self.all_is_open(ctx);
        if let Some(picture) = self.picture.as_ref().filter(|_| open) {
            picture.attend(ctx, &self.explorer.frame);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.explorer.ui(ui);
    }
}
