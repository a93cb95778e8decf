//! Open, save, and what comes back after a crash.

use std::time::Duration;

use super::{begin, load};
use crate::command::UiCommand;
use crate::files::{self, Notice};
use crate::history::History;
use crate::state::{Link, State};
use crate::views::View;
use sim_core::scenario::Beginning;

/// Before every pass: keeps what is not saved, and opens what was dropped on the window or chosen in a dialog.
pub fn attend(state: &mut State, link: &dyn Link, ctx: &egui::Context) {
    let now_s = ctx.input(|input| input.time);
    if let Some(wait_s) = state.desk.attend(state.history.now(), now_s) {
        ctx.request_repaint_after(Duration::from_secs_f64(wait_s));
    }
    let dropped = ctx.input(|input| input.raw.dropped_files.first().cloned());
    if let Some(file) = dropped {
        open(&file.path().display().to_string(), state, link);
    }
    match state.desk.chosen() {
        Some((true, path)) => save_as(&path, true, state, link),
        Some((false, path)) => open(&path, state, link),
        None => {}
    }
}

/// Opens a file or a preset.
pub fn open(name: &str, state: &mut State, link: &dyn Link) {
    match state.desk.files().open(name) {
        Ok(draft) => {
            if let Beginning::File { path, .. } = draft.beginning() {
                let path = path.clone();
                state.desk.used(&path);
            }
            state.open.close(View::Open);
            begin(draft, state, link);
        }
        Err(reason) => state.problem = Some(format!("{name} could not be opened: {reason}")),
    }
}

/// Saves to the file it came from; a preset is saved as a variant, whose name is asked for.
pub fn save(state: &mut State, link: &dyn Link) {
    match state.history.now().beginning() {
        Beginning::File { path, .. } => {
            let path = path.clone();
            save_as(&path, true, state, link);
        }
        Beginning::Preset(_) if state.open.has(View::SaveAs) => {}
        Beginning::Preset(_) => state.open.toggle(View::SaveAs),
    }
}

/// Saves as a file; one that is there is asked about first.
pub fn save_as(path: &str, over: bool, state: &mut State, link: &dyn Link) {
    let path = path.trim();
    if path.is_empty() {
        return;
    }
    let path = if path.ends_with(".ron") {
        path.to_owned()
    } else {
        format!("{path}.ron")
    };
    let draft = state.history.now().clone();
    if !over && state.desk.files().is_there(&path) {
        state.desk.already_there = Some(path);
        return;
    }
    state.desk.already_there = None;
    let name = files::stem(&path);
    let written = draft.to_file(name, &files::title(name));
    let saved = written
        .map_err(|problem| problem.problem)
        .and_then(|text| state.desk.files().save(&path, &text));
    match saved {
        Ok(saved) => {
            let same = saved.scenario().name == draft.scenario().name;
            state.desk.forget(draft.beginning());
            state.desk.used(&path);
            state.open.close(View::SaveAs);
            state.history.push(saved);
            state.problem = None;
            if !same {
                load(state, link);
            }
            let command = state.history.now().command("run");
            state.desk.notice = Some(Notice {
                words: format!("Saved. {command} runs the same."),
                offers: vec![("Copy", UiCommand::CopyCommand)],
            });
        }
        Err(reason) => state.problem = Some(format!("{path} could not be saved: {reason}")),
    }
}

/// Has the system ask.
pub fn choose(save: bool, name: &str, state: &mut State, ctx: &egui::Context) {
    let waking = ctx.clone();
    state
        .desk
        .choose(save, name, move || waking.request_repaint());
}

/// Forgets what came back.
pub fn discard(state: &mut State, link: &dyn Link) {
    let beginning = state.history.now().beginning().clone();
    state.desk.forget(&beginning);
    state.desk.notice = None;
    while state.history.undo() {}
    state.history = History::new(state.history.now().clone());
    state.own_users = state.history.now().scenario().load.users;
    load(state, link);
}

impl State {
    /// What was not saved is here again.
    pub fn recover(&mut self, named: bool) {
        let Some((beginning, edited)) = self.desk.unsaved(self.history.now(), named) else {
            return;
        };
        self.own_users = beginning.scenario().load.users;
        self.users = edited.scenario().load.users;
        self.asked_users = self.users;
        self.history = History::new(beginning);
        self.history.push(edited);
        self.desk.notice = Some(Notice {
            words: "What you did not save is here again.".into(),
            offers: vec![("Discard", UiCommand::DiscardKept)],
        });
    }
}
