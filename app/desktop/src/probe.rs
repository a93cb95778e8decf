//! The window without a screen, for the benchmark: a session, and passes with tessellation but without drawing.

use std::sync::Arc;

use session::{Command, Frame, Session};
use sim_core::scenario::{Draft, Scenario};

use crate::app::Explorer;
use crate::command::UiCommand;
use crate::command_handling::handle;
use crate::state::{Link, State};
use crate::{theme, views};

/// A window that is never drawn.
pub struct Probe {
    ctx: egui::Context,
    explorer: Explorer,
    session: Arc<Session>,
    started: std::time::Instant,
}

struct Shared(Arc<Session>);

impl Link for Shared {
    fn send(&self, command: Command) {
        self.0.send(command);
    }

    fn frame(&self) -> Arc<Frame> {
        self.0.frame()
    }
}

impl Probe {
    /// A window on `draft` with these views open.
    #[must_use]
    pub fn new(draft: Draft, open: &[&str]) -> Self {
        let ctx = egui::Context::default();
        theme::install(&ctx);
        let session = Session::start(Scenario::clone(draft.scenario()), true, || {});
        let session = Arc::new(session);
        let link = Shared(session.clone());
        let state = State::of(draft, true, Vec::new());
        let mut explorer = Explorer::with_state(Box::new(link), state);
        for listed in views::all() {
            if open.contains(&listed.title) {
                let link = Shared(session.clone());
                let command = UiCommand::Toggle(listed.view);
                handle(command, &mut explorer.state, &link, &ctx);
            }
        }
        Self {
            ctx,
            explorer,
            session,
            started: std::time::Instant::now(),
        }
    }

    /// One pass at 1280 × 800; returns the number of triangles.
    pub fn pass(&mut self) -> usize {
        let size = egui::vec2(1280.0, 800.0);
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, size)),
            time: Some(self.started.elapsed().as_secs_f64()),
            ..Default::default()
        };
        let explorer = &mut self.explorer;
        let output = self.ctx.run_ui(input, |ui| {
            explorer.logic(ui.ctx());
            explorer.ui(ui);
        });
        let primitives = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let triangles = |primitive: &egui::ClippedPrimitive| match &primitive.primitive {
            egui::epaint::Primitive::Mesh(mesh) => mesh.indices.len() / 3,
            egui::epaint::Primitive::Callback(_) => 0,
        };
        primitives.iter().map(triangles).sum()
    }

    /// Tells the session something.
    pub fn send(&self, command: Command) {
        self.session.send(command);
    }

    /// The newest frame.
    #[must_use]
    pub fn frame(&self) -> Arc<Frame> {
        self.session.frame()
    }
}
