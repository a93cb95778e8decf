//! What is hidden until it is asked for: one view per question.
//!
//! A view has a place in the window; two views in one place close each other. A new view is a file here, a [`View`], and a row of
//! [`all`]: menus, shortcuts and the test that opens every view in every theme and size take it from there.

mod compare;
mod dialog;
pub mod evidence;
mod field;
mod fields;
mod gallery;
mod help;
mod lessons;
mod make_it_mine;
mod open_save;
pub mod palette;
mod pareto;
mod share;
mod sheet;
mod time_strip;
pub mod waterfall;

use egui::{Align, Label, Layout, RichText, Ui};

use crate::command::UiCommand;

use crate::view_ctx::ViewCtx;

/// A view by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// What can be typed.
    Shortcuts,
    /// Guess, run, see.
    Lessons,
    /// Two kept designs side by side.
    Compare,
    /// Why it is so.
    Evidence,
    /// One tier.
    Inspector,
    /// The inputs that move the answer most, and behind them all fields.
    MakeItMine,
    /// All commands by name.
    Palette,
    /// The finished presets as cards.
    Gallery,
    /// A file to open.
    Open,
    /// A file to save to.
    SaveAs,
    /// What others can have of it.
    Share,
    /// The run over time.
    TimeStrip,
    /// One message on its way.
    Waterfall,
}

/// Where a view is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In front of everything, in the middle.
    Over,
    /// On the right, beside the map and the line.
    Side,
    /// At the bottom, below the map and the line.
    Strip,
    /// In place of the map and the line.
    Whole,
}

/// A view as the window knows it.
pub struct Listed {
    /// Which.
    pub view: View,
    /// Its name in menus and for screen readers.
    pub title: &'static str,
    /// Where it is shown.
    pub place: Place,
    /// Draws it.
    pub show: fn(&mut Ui, &ViewCtx<'_>),
}

/// All views.
pub fn all() -> Vec<Listed> {
    use Place::{Over, Side, Strip, Whole};
    let view = |view, title, place, show| Listed {
        view,
        title,
        place,
        show,
    };
    vec![
        view(View::Shortcuts, "Shortcuts", Over, help::show),
        view(View::Compare, "Compare", Whole, compare::show),
        view(View::Lessons, "Lessons", Whole, lessons::show),
        view(View::Evidence, "Evidence", Whole, evidence::show),
        view(
            View::Inspector,
            "Inspector",
            Side,
            evidence::inspector::show_beside,
        ),
        view(View::MakeItMine, "Make it mine", Side, make_it_mine::show),
        view(View::Palette, "All commands", Over, palette::show),
        view(View::Gallery, "Gallery", Whole, gallery::show),
        view(View::Open, "Open", Over, open_save::show_open),
        view(View::SaveAs, "Save as", Over, open_save::show_save),
        view(View::Share, "Share", Over, share::show),
        view(View::TimeStrip, "Time strip", Strip, time_strip::show),
        view(View::Waterfall, "Follow one message", Side, waterfall::show),
    ]
}

impl View {
    /// What the window knows of it.
    pub fn listed(self) -> Option<Listed> {
        all().into_iter().find(|listed| listed.view == self)
    }
}

/// The views that are open: one per place.
#[derive(Clone, Debug, Default)]
pub struct Open(Vec<View>);

impl Open {
    /// Whether it is open.
    pub fn has(&self, view: View) -> bool {
        self.0.contains(&view)
    }

    /// Opens a view in its place, or closes it.
    pub fn toggle(&mut self, view: View) {
        if self.has(view) {
            self.close(view);
        } else {
            self.open(view);
        }
    }

    /// Opens a view in its place.
    pub fn open(&mut self, view: View) {
        let place = |view: View| view.listed().map(|listed| listed.place);
        self.0.retain(|&other| place(other) != place(view));
        self.0.push(view);
    }

    /// Closes a view.
    pub fn close(&mut self, view: View) {
        self.0.retain(|&other| other != view);
    }

    /// The open view of a place.
    pub fn at(&self, place: Place) -> Option<Listed> {
        let listed = self.0.iter().filter_map(|view| view.listed());
        listed.into_iter().find(|listed| listed.place == place)
    }
}

/// The title of a view and the way to close it.
fn heading(ui: &mut Ui, view: &ViewCtx<'_>, which: View, words: &str) {
    let title = which.listed().map_or("", |listed| listed.title);
    ui.horizontal(|ui| {
        ui.label(RichText::new(title).font(view.strong(17.0)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let close = RichText::new("Close").font(view.font(13.5));
            if ui.button(close).clicked() {
                view.send(UiCommand::Toggle(which));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let words = RichText::new(words).font(view.font(13.5));
                ui.add(Label::new(words.color(view.theme.muted)).truncate());
            });
        });
    });
}

/// Shows what is open in a place.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, place: Place) {
    if let Some(listed) = view.state.open.at(place) {
        (listed.show)(ui, view);
    }
}
