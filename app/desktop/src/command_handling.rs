//! The one place that changes anything.

use session::{Command, Frame};
use sim_core::scenario::{Draft, Scenario};

use crate::command::{Pattern, UiCommand};
use crate::faults;
use crate::history::History;
use crate::lessons::LessonCommand;
use crate::state::{FOLLOWS_DRAG, Link, State};
use crate::variants::{self, After};

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
        UiCommand::HoldUsers(users) if users <= FOLLOWS_DRAG => ask_for(users, state, link),
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
        UiCommand::Lesson(command) => lesson(command, state, link, ctx),
        UiCommand::Select(selected) => state.selected = selected,
        UiCommand::Variant(command) => match variants::handle(command, state, link) {
            After::Nothing => {}
            After::Do(command) => handle(command, state, link, ctx),
            After::Show(draft) => show_other(draft, state, link),
        },
        UiCommand::ShowEvidence(tab) => state.evidence = tab,
        UiCommand::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
    }
}

/// Moves on in a lesson.
fn lesson(command: LessonCommand, state: &mut State, link: &dyn Link, ctx: &egui::Context) {
    let lessons = &mut state.lessons;
    match command {
        LessonCommand::Open(index) => lessons.open(index),
        LessonCommand::List => lessons.list(),
        LessonCommand::Next if lessons.may_go_on() => lessons.go(lessons.step + 1),
        LessonCommand::Next => {}
        LessonCommand::Back => lessons.go(lessons.step.saturating_sub(1)),
        LessonCommand::Guess(answer) => lessons.guess(Some(answer)),
        LessonCommand::NoGuess => {
            lessons.guess(None);
            lessons.go(lessons.step + 1);
        }
        LessonCommand::Run => {
            let presets = &state.presets;
            let preset = |name: &str| {
                let found = presets.iter().find(|preset| preset.name == name);
                found.map_or_else(
                    || Err(format!("there is no preset {name:?} here")),
                    |preset| (preset.load)(),
                )
            };
            match lessons.jobs(&preset) {
                Ok(jobs) => {
                    lessons.leave();
                    lessons.study = Some(link.run_lesson(jobs, ctx));
                }
                Err(why) => lessons.problem = Some(why),
            }
        }
        LessonCommand::Stop => lessons.leave(),
        LessonCommand::ShowAt(at_s) => {
            lessons.playing = false;
            lessons.shown_s = Some(at_s);
        }
        LessonCommand::PlayAgain => {
            lessons.playing = true;
            lessons.shown_s = Some(0.0);
        }
        LessonCommand::CopyGuesses => {
            if let Some(text) = lessons
                .guesses()
                .and_then(|g| report::lesson::guesses_json(&g))
            {
                ctx.copy_text(text);
                lessons.copied = true;
            }
        }
        LessonCommand::StartOver => lessons.start_over(),
        LessonCommand::Shown => lessons.fresh = false,
    }
    // One machine: what is simulated for the lesson has it for itself.
    if state.lessons.study.is_some() && state.playing {
        handle(UiCommand::TogglePlay, state, link, ctx);
    }
}

/// Takes into the draft what the session has added to the scenario: faults have the time at which they were asked for.
pub fn adopt(frame: &Frame, state: &mut State) {
    let now = state.history.now();
    if frame.loads != state.loads || frame.scenario.faults == now.scenario().faults {
        return;
    }
    let faults = faults::list(&frame.scenario);
    match now.with(&[("faults".into(), faults)]) {
        Ok(draft) => state.history.push(draft),
        Err(errors) => state.problem = errors.first().map(ToString::to_string),
    }
}

fn set_users(users: u32, state: &mut State, link: &dyn Link) {
    let value = users.to_string();
    if let Ok(draft) = state.history.now().with(&[("load.users".into(), value)]) {
        state.history.push(draft);
    }
    ask_for(users, state, link);
}

/// Another number of users for the running system, without a step for undo.
fn ask_for(users: u32, state: &mut State, link: &dyn Link) {
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
        Ok(draft) => {
            state.own_users = draft.scenario().load.users;
            state.history = History::new(draft);
            state.variants.ghost = None;
            state.variants.fixing = false;
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
            variants::leave_ghost(&before, state, &link.frame());
            show_draft(&before, state, link);
        }
        Err(errors) => state.problem = errors.first().map(ToString::to_string),
    }
}

/// Shows a design that was kept, at the load that is shown: a step like any other.
fn show_other(draft: Draft, state: &mut State, link: &dyn Link) {
    let users = ("load.users".to_owned(), state.users.to_string());
    match draft.with(&[users]) {
        Ok(draft) => {
            let before = state.history.now().clone();
            state.variants.ghost = None;
            state.history.push(draft);
            show_draft(&before, state, link);
        }
        Err(errors) => state.problem = errors.first().map(ToString::to_string),
    }
}

fn step(state: &mut State, link: &dyn Link, way: fn(&mut History) -> bool) {
    let before = state.history.now().clone();
    if way(&mut state.history) {
        state.variants.ghost = None;
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
