//! The one place that changes anything.

mod saving;
mod sharing;

use session::{Command, Frame};
use sim_core::scenario::{Draft, Scenario, ScenarioError};
use sim_core::time::{SimDuration, SimTime};

use crate::command::{Pattern, UiCommand};
use crate::editor::Refused;
use crate::faults;
use crate::history::History;
use crate::lessons::LessonCommand;
use crate::moments;
use crate::selection::MapView;
use crate::state::{FOLLOWS_DRAG, Link, State};
use crate::theme::Look;
use crate::variants::{self, After};
use crate::views::{Place, View};

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
        UiCommand::TakeBack(path) => take_back(&path, state, link),
        UiCommand::AskLimits(path) => state.editor.ask_limits(&path, link),
        UiCommand::Select(selected) => state.selected = selected,
        UiCommand::Zoom(factor) => state.map = state.map.zoomed(factor, egui::Vec2::ZERO),
        UiCommand::SeeMap(map) => state.map = map,
        UiCommand::FitMap => state.map = MapView::default(),
        UiCommand::Open(name) => saving::open(&name, state, link),
        UiCommand::Save => saving::save(state, link),
        UiCommand::SaveAs(path, over) => saving::save_as(&path, over, state, link),
        UiCommand::Choose { save, name } => saving::choose(save, &name, state, ctx),
        UiCommand::DiscardKept => saving::discard(state, link),
        UiCommand::CloseNotice => state.desk.notice = None,
        UiCommand::Export(export, path) => sharing::export(export, &path, state, link, ctx),
        UiCommand::CopyCommand => ctx.copy_text(state.history.now().command("run")),
        UiCommand::Undo => step(state, link, History::undo),
        UiCommand::Redo => step(state, link, History::redo),
        UiCommand::TogglePattern(pattern) => toggle_pattern(pattern, state, link),
        UiCommand::ToggleTheme => {
            let dark = ctx.theme() == egui::Theme::Dark;
            dress(if dark { Look::Light } else { Look::Dark }, state, ctx);
        }
        UiCommand::Dress(look) => dress(look, state, ctx),
        UiCommand::Toggle(view) => toggle(view, state),
        UiCommand::Quit => {
            state.desk.keep_now(state.history.now());
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
        UiCommand::Lesson(command) => lesson(command, state, link, ctx),
        UiCommand::Variant(command) => match variants::handle(command, state, link) {
            After::Nothing => {}
            After::Do(command) => handle(command, state, link, ctx),
            After::Show(draft) => show_other(draft, state, link),
        },
        UiCommand::ShowEvidence(tab) => state.evidence = tab,
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

/// What is done before every pass without being asked for: unsaved work is kept, dropped and chosen files are opened, Escape
/// closes what is in front, and fields that are shown are known.
pub fn attend(state: &mut State, link: &dyn Link, ctx: &egui::Context) {
    saving::attend(state, link, ctx);
    sharing::attend(state, ctx);
    if ctx.input(|input| input.key_pressed(egui::Key::Escape))
        && let Some(listed) = state.open.at(Place::Over)
    {
        state.open.close(listed.view);
    }
    if state.open.has(View::MakeItMine) {
        let draft = state.history.now().clone();
        state.editor.attend(&draft, link);
    }
}

fn dress(look: Look, state: &mut State, ctx: &egui::Context) {
    state.look = look;
    look.wear(ctx);
    state.desk.remember_look(look);
}

fn toggle(view: View, state: &mut State) {
    state.open.toggle(view);
    state.desk.already_there = None;
    state.editor.refused = None;
}

fn take_back(path: &str, state: &mut State, link: &dyn Link) {
    let without = state.history.now().without(path);
    took(without, &[(path.to_owned(), String::new())], state, link);
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
        Ok(draft) => begin(draft, state, link),
        Err(reason) => {
            state.problem = Some(format!("{} could not be opened: {reason}", preset.title))
        }
    }
}

/// Another scenario, with nothing to undo.
fn begin(draft: Draft, state: &mut State, link: &dyn Link) {
    state.desk.keep_now(state.history.now());
    state.own_users = draft.scenario().load.users;
    state.history = History::new(draft);
    state.open.close(View::Gallery);
    state.selected = None;
    state.map = MapView::default();
    load(state, link);
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
    let with = state.history.now().with(fields);
    took(with, fields, state, link);
}

/// Another draft is shown; what is wrong is answered where it was typed, or else in the second line.
fn took(
    next: Result<Draft, Vec<ScenarioError>>,
    fields: &[(String, String)],
    state: &mut State,
    link: &dyn Link,
) {
    state.editor.refused = None;
    let errors = match next {
        Ok(draft) => {
            let before = state.history.now().clone();
            state.history.push(draft);
            variants::leave_ghost(&before, state, link);
            return show_draft(&before, state, link);
        }
        Err(errors) => errors,
    };
    let sentence = errors.first().map(ToString::to_string);
    if let ([(path, value)], Some(sentence), true) =
        (fields, &sentence, state.open.has(View::MakeItMine))
    {
        state.editor.refused = Some(Refused {
            path: path.clone(),
            value: value.clone(),
            sentence: sentence.clone(),
        });
    } else {
        state.problem = sentence;
    }
}

fn step(state: &mut State, link: &dyn Link, way: fn(&mut History) -> bool) {
    let before = state.history.now().clone();
    if way(&mut state.history) {
        state.variants.ghost = None;
        show_draft(&before, state, link);
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
    let same_base = before.beginning() == now.beginning();
    if same_base && rest(before) == rest(now) {
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
