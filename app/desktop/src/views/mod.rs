//! What is hidden until it is asked for: one view per question.
//!
//! A view has a place in the window; two views in one place close each other. A new view is a file here, a [`View`], and a row of
//! [`all`]: menus, shortcuts and the test that opens every view in every theme and size take it from there.

mod help;
mod time_strip;
pub mod waterfall;

use egui::Ui;

use crate::view_ctx::ViewCtx;

/// A view by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// What can be typed.
    Shortcuts,
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
    use Place::{Over, Side, Strip};
    let view = |view, title, place, show| Listed {
        view,
        title,
        place,
        show,
    };
    vec![
        view(View::Shortcuts, "Shortcuts", Over, help::show),
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

/// Shows what is open in a place.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, place: Place) {
    if let Some(listed) = view.state.open.at(place) {
        (listed.show)(ui, view);
    }
}
