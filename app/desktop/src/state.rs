//! What the window knows beside the frames it is given.

use std::sync::Arc;

use session::{Command, Frame, Session};
use sim_core::scenario::Draft;

use crate::PresetEntry;
use crate::format::round_load;
use crate::history::History;
use crate::views::Open;
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
}

impl Link for Session {
    fn send(&self, command: Command) {
        Session::send(self, command);
    }

    fn frame(&self) -> Arc<Frame> {
        Session::frame(self)
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
    /// The views that are open.
    pub open: Open,
    /// The simulated second that was gone to last, until time runs again.
    pub scrubbed_s: Option<f64>,
    /// Whether the session follows single messages.
    pub follows: bool,
    /// Which one is shown.
    pub followed: Followed,
    /// Seconds the map has been moving; stands still with simulated time.
    pub moved_s: f64,
    /// A sentence about something that did not work here.
    pub problem: Option<String>,
}

impl State {
    /// A window on `frame`.
    pub fn new(frame: &Frame, draft: Draft, playing: bool, presets: Vec<PresetEntry>) -> Self {
        let users = frame.scenario.load.users;
        Self {
            history: History::new(draft),
            loads: frame.loads,
            playing,
            users,
            asked_users: users,
            own_users: users,
            presets,
            open: Open::default(),
            scrubbed_s: None,
            follows: false,
            followed: Followed::default(),
            moved_s: 0.0,
            problem: None,
        }
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
            history: History::new(crate::tests::draft()),
            loads: 0,
            playing: true,
            users,
            asked_users: users,
            own_users: users,
            presets: Vec::new(),
            open: Open::default(),
            scrubbed_s: None,
            follows: false,
            followed: Followed::default(),
            moved_s: 0.0,
            problem: None,
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
