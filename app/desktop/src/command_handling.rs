//! The one place that changes anything.

use session::Command;
use sim_core::scenario::Scenario;

use crate::command::{Pattern, UiCommand};
use crate::faults;
use crate::state::{FOLLOWS_DRAG, Link, State};

/// Does what was asked for.
pub fn handle(command: UiCommand, state: &mut State, link: &dyn Link, ctx: &egui::Context) {
    match command {
        UiCommand::TogglePlay => {
            state.playing = !state.playing;
            link.send(if state.playing {
                Command::Play
            } else {
                Command::Pause
            });
        }
        UiCommand::SetUsers(users) => set_users(users, state, link),
        UiCommand::HoldUsers(users) if users <= FOLLOWS_DRAG => set_users(users, state, link),
        UiCommand::HoldUsers(users) => state.users = users,
        UiCommand::MoreUsers => set_users(state.step(true), state, link),
        UiCommand::FewerUsers => set_users(state.step(false), state, link),
        UiCommand::ResetUsers => set_users(state.own_users, state, link),
        UiCommand::OpenPreset(index) => open_preset(index, state, link),
        UiCommand::Break(fault) => {
            state.problem = None;
            let lasts = faults::lasts(&fault, state.break_for_s);
            link.send(Command::Break { fault, lasts });
        }
        UiCommand::BreakFor(seconds) => state.break_for_s = seconds,
        UiCommand::Mend(number) => {
            state.problem = None;
            link.send(Command::Mend(number));
        }
        UiCommand::CopyFaults => ctx.copy_text(faults::entry(&link.frame().scenario)),
        UiCommand::TogglePattern(pattern) => toggle_pattern(pattern, state, link),
        UiCommand::ToggleTheme => {
            let dark = ctx.theme() == egui::Theme::Dark;
            ctx.set_theme(if dark {
                egui::ThemePreference::Light
            } else {
                egui::ThemePreference::Dark
            });
        }
        UiCommand::ToggleHelp => state.help_open = !state.help_open,
        UiCommand::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
    }
}

fn set_users(users: u32, state: &mut State, link: &dyn Link) {
    state.users = users;
    if users != state.asked_users {
        state.asked_users = users;
        state.problem = None;
        link.send(Command::SetUsers(users));
    }
}

fn open_preset(index: usize, state: &mut State, link: &dyn Link) {
    let Some(preset) = state.presets.get(index) else {
        return;
    };
    match (preset.load)() {
        Ok(scenario) => {
            state.own_users = scenario.load.users;
            load(scenario, state, link);
        }
        Err(reason) => {
            state.problem = Some(format!("{} could not be opened: {reason}", preset.title))
        }
    }
}

fn toggle_pattern(pattern: Pattern, state: &mut State, link: &dyn Link) {
    let mut scenario = Scenario::clone(&link.frame().scenario);
    if pattern.obstacle(&scenario).is_some() {
        return;
    }
    let switch = match pattern {
        Pattern::Pooling => &mut scenario.patterns.pooling,
        Pattern::EventSourcing => &mut scenario.patterns.event_sourcing,
        Pattern::Sharding => &mut scenario.patterns.sharding,
        Pattern::CachingAndEdge => &mut scenario.patterns.caching_and_edge,
    };
    *switch = !*switch;
    load(scenario, state, link);
}

fn load(scenario: Scenario, state: &mut State, link: &dyn Link) {
    state.users = scenario.load.users;
    state.asked_users = state.users;
    state.problem = None;
    link.send(Command::Load(Box::new(scenario)));
}
