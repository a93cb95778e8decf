//! What is on screen, written to files for others.

use crate::files::Notice;
use crate::share::{self, Export};
use crate::state::{Link, State};
use crate::views::{Place, View};

/// Writes a report, or asks for a picture that is written when it is there.
pub fn export(export: Export, path: &str, state: &mut State, link: &dyn Link, ctx: &egui::Context) {
    if export.is_picture() {
        // The picture is of what is behind the dialog.
        state.open.close(View::Share);
        if let Some(whole) = state
            .open
            .at(Place::Whole)
            .filter(|_| export == Export::LinePng)
        {
            state.open.close(whole.view);
        }
        state.picture.ask(export, path, ctx);
        return;
    }
    let made = share::bytes(export, &link.frame(), state.history.now());
    let written = made.and_then(|bytes| state.desk.files().export(path, &bytes));
    say(path, written, state);
}

/// Before every pass: writes a picture that was taken.
pub fn attend(state: &mut State, ctx: &egui::Context) {
    if let Some((path, bytes)) = state.picture.attend(ctx) {
        let written = bytes.and_then(|bytes| state.desk.files().export(&path, &bytes));
        say(&path, written, state);
    }
}

fn say(path: &str, written: Result<(), String>, state: &mut State) {
    match written {
        Ok(()) => {
            state.problem = None;
            state.desk.notice = Some(Notice {
                words: format!("{path} is written."),
                offers: Vec::new(),
            });
        }
        Err(reason) => state.problem = Some(format!("{path} could not be written: {reason}")),
    }
}
