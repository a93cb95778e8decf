//! What the window knows beside the frames it is given.

use std::sync::Arc;

use session::{Answers, Command, Found, Frame, Inquiry, LessonRun, Session, Study};
use sim_core::experiment::Recipe;
use sim_core::lesson::Job;
use sim_core::scenario::Draft;

use crate::PresetEntry;
use crate::editor::Editor;
use crate::files::{Desk, Files, NoFiles};
use crate::format::round_load;
use crate::hints::Hints;
use crate::history::History;
use crate::lessons::{Lessons, Studying};
use crate::selection::{MapView, Selected};
use crate::share::Snapshot;
use crate::stored::Shelf;
use crate::theme::Look;
use crate::variants::Variants;
use crate::views::Open;
use crate::views::evidence::Tab;
use crate::views::waterfall::Followed;

/// The end of the users axis.
pub const MOST_USERS: u32 = 10_000_000;

/// Systems up to this size follow the handle while it is dragged; larger ones take too long to build.
pub const FOLLOWS_DRAG: u32 = 500_000;

/// Where frames come from and commands go: a session, or a test's stand-in.
pub trait Link {
    /// Sends a command; never blocks.
    fn send(&self, command: Command);
    /// The newest frame; never blocks.
    fn frame(&self) -> Arc<Frame>;

    /// From now on questions are about this scenario.
    fn about(&self, _recipe: Recipe) {}

    /// Asks what is allowed in a field of a text.
    fn limits(&self, _path: &str, _text: &Arc<str>) {}

    /// What was found out; never blocks.
    fn answers(&self) -> Arc<Answers> {
        Arc::default()
    }

    /// Starts the simulations of a lesson beside the session; never blocks.
    fn run_lesson(&self, jobs: Vec<Job>, ctx: &egui::Context) -> Box<dyn Studying> {
        let waking = ctx.clone();
        Box::new(LessonRun::start(
            jobs,
            Box::new(move || waking.request_repaint()),
        ))
    }

    /// Asks for an experiment beside the simulation; never blocks.
    fn ask(&self, _study: Study) {}

    /// What such experiments found out so far; never blocks.
    fn found(&self) -> Arc<Found> {
        Arc::default()
    }
}

/// A session, and a thread beside it for questions.
pub struct Live {
    /// Simulates.
    pub session: Session,
    /// Answers.
    pub inquiry: Inquiry,
}

impl Link for Live {
    fn send(&self, command: Command) {
        self.session.send(command);
    }

    fn frame(&self) -> Arc<Frame> {
        self.session.frame()
    }

    fn about(&self, recipe: Recipe) {
        self.inquiry.about(recipe);
    }

    fn limits(&self, path: &str, text: &Arc<str>) {
        self.inquiry.limits(path, text);
    }

    fn answers(&self) -> Arc<Answers> {
        self.inquiry.answers()
    }

    fn ask(&self, study: Study) {
        self.session.ask(study);
    }

    fn found(&self) -> Arc<Found> {
        self.session.found()
    }
}

/// What the window knows.
pub struct State {
    /// What is edited, and how it came to be so.
    pub history: History,
    /// Scenarios sent to the session so far: frames about fewer are about what was shown before.
    pub loads: u64,
    /// Whether simulated time should run.
    pub playing: bool,
    /// The number of users shown.
    pub users: u32,
    /// The number of users the session was last asked for.
    pub asked_users: u32,
    /// The number of users the scenario came with.
    pub own_users: u32,
    /// What the menu offers.
    pub presets: Vec<PresetEntry>,
    /// How many seconds what is broken by hand lasts; `None`: until it is undone.
    pub break_for_s: Option<u64>,
    /// The views that are open.
    pub open: Open,
    /// What is chosen on the map.
    pub selected: Option<Selected>,
    /// Designs beside the one that is shown.
    pub variants: Variants,
    /// Results from an earlier run.
    pub stored: Shelf,
    /// What is hinted at.
    pub hints: Hints,
    /// What experiments found out so far.
    pub found: Arc<Found>,
    /// The part of the evidence that is shown.
    pub evidence: Tab,
    /// Which part of the map is seen.
    pub map: MapView,
    /// How the window is dressed.
    pub look: Look,
    /// What *make it mine* knows.
    pub editor: Editor,
    /// Files, and what is remembered.
    pub desk: Desk,
    /// A picture that was asked for.
    pub picture: Snapshot,
    /// The simulated second that was gone to last, until time runs again.
    pub scrubbed_s: Option<f64>,
    /// Whether the session follows single messages.
    pub follows: bool,
    /// Which one is shown.
    pub followed: Followed,
    /// Seconds the map has been moving; stands still with simulated time.
    pub moved_s: f64,
    /// Lessons.
    pub lessons: Lessons,
    /// A sentence about something that did not work here.
    pub problem: Option<String>,
}

impl State {
    /// A window on `frame`.
    #[cfg(test)]
    pub fn new(frame: &Frame, draft: Draft, playing: bool, presets: Vec<PresetEntry>) -> Self {
        let users = frame.scenario.load.users;
        Self {
            loads: frame.loads,
            users,
            asked_users: users,
            own_users: users,
            ..Self::of(draft, playing, presets)
        }
    }

    /// A window on a session that begins with `draft`.
    pub fn of(draft: Draft, playing: bool, presets: Vec<PresetEntry>) -> Self {
        let users = draft.scenario().load.users;
        Self {
            history: History::new(draft),
            loads: 0,
            playing,
            users,
            asked_users: users,
            own_users: users,
            presets,
            break_for_s: crate::faults::LASTS_S,
            open: Open::default(),
            selected: None,
            variants: Variants::default(),
            stored: Shelf::default(),
            hints: Hints::default(),
            found: Arc::default(),
            evidence: Tab::default(),
            map: MapView::default(),
            look: Look::default(),
            editor: Editor::default(),
            desk: Desk::new(Box::new(NoFiles)),
            picture: Snapshot::default(),
            scrubbed_s: None,
            follows: false,
            followed: Followed::default(),
            moved_s: 0.0,
            lessons: Lessons::default(),
            problem: None,
        }
    }

    /// With real files: what is remembered, and what was not saved. `named`: whether this scenario was asked for; else what
    /// was edited last comes back, whatever it was.
    pub fn with_files(mut self, files: Box<dyn Files>, named: bool) -> Self {
        self.desk = Desk::new(files);
        self.look = self.desk.look();
        self.hints = self.desk.hints();
        self.recover(named);
        self
    }

    /// First and last load of the axis. Small systems get a longer axis.
    pub fn axis(&self) -> (u32, u32) {
        (if self.own_users < 3_000 { 10 } else { 1_000 }, MOST_USERS)
    }

    /// A load on the axis, rounded to what people say.
    pub fn on_axis(&self, users: f64) -> u32 {
        let (first, last) = self.axis();
        round_load(users.clamp(f64::from(first), f64::from(last))) as u32
    }

    /// The next load up or down: eight steps per doubling-and-a-bit, always a round number.
    pub fn step(&self, up: bool) -> u32 {
        let users = f64::from(self.users);
        let decade = 10_f64.powf(users.log10().floor());
        let steps = || {
            [
                0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0,
            ]
            .map(|step| step * decade)
            .into_iter()
        };
        let next = if up {
            steps().find(|&step| step > users * 1.001)
        } else {
            steps().rfind(|&step| step < users * 0.999)
        };
        self.on_axis(next.unwrap_or(users))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(users: u32) -> State {
        State {
            users,
            asked_users: users,
            own_users: users,
            ..State::of(crate::tests::draft(), true, Vec::new())
        }
    }

    #[test]
    fn steps_are_round_and_undo_each_other() {
        let mut state = state(200_000);
        assert_eq!(state.step(true), 250_000);
        state.users = state.step(true);
        assert_eq!(state.step(false), 200_000);
    }

    #[test]
    fn steps_end_at_the_axis() {
        assert_eq!(state(MOST_USERS).step(true), MOST_USERS);
        let mut small = state(200);
        small.users = 10;
        assert_eq!(small.step(false), 10);
        for users in [1_000, 1_700, 99_000, 1_000_000] {
            assert!(state(users).step(true) > users);
        }
    }
}
