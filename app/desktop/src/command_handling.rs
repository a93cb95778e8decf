//! The one place that changes anything.

use session::{Command, Frame};
use sim_core::scenario::{Draft, Scenario};
use sim_core::time::{SimDuration, SimTime};

use crate::command::{Pattern, UiCommand};
use crate::faults;
use crate::history::History;
use crate::moments;
use crate::state::{FOLLOWS_DRAG, Link, State};
use crate::views::View;

/// Does what was asked for.
pub fn handle(command: UiCommand, state: &mut State, link: &dyn Link, ctx: &egui::Context) {
    state.scrubbed_s = None;
    match command {
        UiCommand::TogglePlay => {
            state.playing = !state.playing;
            if !state.playing {
                state.open.open(View::TimeStrip);
            }
            link.send(if state.playing {
                Command::Play
            } else {
                Command::Pause
            });
        }
        UiCommand::SetUsers(users) => set_users(users, state, link),
        UiCommand::HoldUsers(users) if users <= FOLLOWS_DRAG => ask_for(users, state, link),
        UiCommand::HoldUsers(users) => state.users = users,
        UiCommand::MoreUsers => set_users(state.step(true), state, link),
        UiCommand::FewerUsers => set_users(state.step(false), state, link),
        UiCommand::ResetUsers => set_users(state.own_users, state, link),
        UiCommand::OpenPreset(index) => open_preset(index, state, link),
        UiCommand::Break(fault) => {
            state.problem = None;
            state.open.open(View::TimeStrip);
            let lasts = faults::lasts(&fault);
            link.send(Command::Break { fault, lasts });
        }
        UiCommand::CopyFaults => ctx.copy_text(faults::entry(&link.frame().scenario)),
        UiCommand::Edit(fields) => edit(&fields, state, link),
        UiCommand::Undo => step(state, link, History::undo),
        UiCommand::Redo => step(state, link, History::redo),
        UiCommand::TogglePattern(pattern) => toggle_pattern(pattern, state, link),
        UiCommand::ToggleTheme => {
            let dark = ctx.theme() == egui::Theme::Dark;
            ctx.set_theme(if dark {
                egui::ThemePreference::Light
            } else {
                egui::ThemePreference::Dark
            });
        }
        UiCommand::Toggle(view) => state.open.toggle(view),
        UiCommand::Scrub(to_s) => scrub(to_s, state, link),
        UiCommand::BeforeItBroke => {
            if let Some((broke_s, _)) = moments::broke(&link.frame()) {
                state.open.open(View::TimeStrip);
                scrub((broke_s - 1.0).max(0.0), state, link);
            }
        }
        UiCommand::Step(step) => {
            state.playing = false;
            state.open.open(View::TimeStrip);
            link.send(Command::Step(step));
        }
        UiCommand::Newest => {
            state.playing = false;
            link.send(Command::Newest);
        }
        UiCommand::SetPace(pace) => link.send(Command::SetPace(pace)),
        UiCommand::FollowMessage(followed) => state.followed = followed,
        UiCommand::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
    }
    // Messages are followed while somebody looks at them, whatever opened or closed the view.
    let follows = state.open.has(View::Waterfall);
    if follows != state.follows {
        state.follows = follows;
        link.send(Command::Follow(follows));
    }
}

fn scrub(to_s: f64, state: &mut State, link: &dyn Link) {
    state.playing = false;
    state.scrubbed_s = Some(to_s);
    let to_ms = (to_s.max(0.0) * 1e3).round() as u64;
    link.send(Command::Scrub(
        SimTime::ZERO + SimDuration::from_millis(to_ms),
    ));
}

/// Takes into the draft what the session has added to the scenario: faults have the time at which they were asked for.
pub fn adopt(frame: &Frame, state: &mut State) {
    let now = state.history.now();
    if frame.loads != state.loads || frame.scenario.faults == now.scenario().faults {
        return;
    }
    let mut fields = vec![("faults".into(), faults::list(&frame.scenario))];
    if let Some(duration) = moments::longer(&frame.scenario) {
        fields.push(("run.duration".into(), duration));
    }
    match now.with(&fields) {
        Ok(draft) => state.history.push(draft),
        Err(errors) => state.problem = errors.first().map(ToString::to_string),
    }
}

fn set_users(users: u32, state: &mut State, link: &dyn Link) {
    if let Some(draft) = with_users(users, state) {
        state.history.push(draft);
    }
    ask_for(users, state, link);
}

fn with_users(users: u32, state: &State) -> Option<Draft> {
    let fields = [("load.users".to_owned(), users.to_string())];
    state.history.now().with(&fields).ok()
}

/// Another number of users for the running system, without a step for undo.
fn ask_for(users: u32, state: &mut State, link: &dyn Link) {
    state.users = users;
    if users == state.asked_users {
        return;
    }
    state.asked_users = users;
    state.problem = None;
    if let Some(draft) = with_users(users, state) {
        let scenario = Scenario::clone(draft.scenario());
        link.send(Command::SetUsers(Box::new(scenario)));
    }
}

fn open_preset(index: usize, state: &mut State, link: &dyn Link) {
    let Some(preset) = state.presets.get(index) else {
        return;
    };
    match (preset.load)() {
        Ok(draft) => {
            state.own_users = draft.scenario().load.users;
            state.history = History::new(draft);
            load(state, link);
        }
        Err(reason) => {
            state.problem = Some(format!("{} could not be opened: {reason}", preset.title))
        }
    }
}

fn toggle_pattern(pattern: Pattern, state: &mut State, link: &dyn Link) {
    let scenario = state.history.now().scenario();
    if pattern.obstacle(scenario).is_some() {
        return;
    }
    let value = if pattern.is_on(scenario) { "Off" } else { "On" };
    edit(&[(pattern.path().into(), value.into())], state, link);
}

fn edit(fields: &[(String, String)], state: &mut State, link: &dyn Link) {
    match state.history.now().with(fields) {
        Ok(draft) => {
            let before = state.history.now().clone();
            state.history.push(draft);
            show_draft(&before, state, link);
        }
        Err(errors) => state.problem = errors.first().map(ToString::to_string),
    }
}

fn step(state: &mut State, link: &dyn Link, way: fn(&mut History) -> bool) {
    let before = state.history.now().clone();
    if way(&mut state.history) {
        show_draft(&before, state, link);
    }
}

/// Has the session run the draft: another number of users is taken while running, anything else begins anew.
fn show_draft(before: &Draft, state: &mut State, link: &dyn Link) {
    let now = state.history.now();
    let rest = |draft: &Draft| -> Vec<(String, String)> {
        let changes = draft.changes().iter();
        changes
            .filter(|(path, _)| path != "load.users")
            .cloned()
            .collect()
    };
    if rest(before) == rest(now) {
        ask_for(now.scenario().load.users, state, link);
    } else {
        load(state, link);
    }
}

fn load(state: &mut State, link: &dyn Link) {
    let scenario = Scenario::clone(state.history.now().scenario());
    state.users = scenario.load.users;
    state.asked_users = state.users;
    state.problem = None;
    state.loads += 1;
    link.send(Command::Load(Box::new(scenario)));
}
