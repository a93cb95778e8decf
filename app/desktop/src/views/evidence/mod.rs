//! Why it is so: one tier from inside, tiers over time, the bill, which guess matters, what is assumed, and what was published.

mod bill;
mod guesses;
mod heat;
pub mod inspector;
mod published;

use egui::{Label, RichText, ScrollArea, Ui};
use report::sheets;

use super::{View, heading, sheet};
use crate::command::UiCommand;
use crate::view_ctx::ViewCtx;

/// A part of the evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// One tier: queue, resources, where the time goes.
    #[default]
    Tier,
    /// Tiers over time.
    Heat,
    /// The bill.
    Cost,
    /// Which guess matters.
    Guesses,
    /// Numbers and their sources.
    Sources,
    /// Published scale tests.
    Published,
}

impl Tab {
    /// All, in the order in which they are shown.
    pub const ALL: [Tab; 6] = [
        Tab::Tier,
        Tab::Heat,
        Tab::Cost,
        Tab::Guesses,
        Tab::Sources,
        Tab::Published,
    ];

    fn title(self) -> &'static str {
        match self {
            Tab::Tier => "Inspector",
            Tab::Heat => "Over time",
            Tab::Cost => "Cost",
            Tab::Guesses => "Which guess matters",
            Tab::Sources => "Assumptions",
            Tab::Published => "Published cases",
        }
    }
}

/// In place of map and line.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    heading(ui, view, View::Evidence, "");
    ui.horizontal(|ui| {
        for tab in Tab::ALL {
            let current = view.state.evidence == tab;
            let title = RichText::new(tab.title()).font(view.font(14.0));
            if ui.selectable_label(current, title).clicked() {
                view.send(UiCommand::ShowEvidence(tab));
            }
        }
    });
    ui.add_space(6.0 * view.scale);
    ScrollArea::both()
        .id_salt(("evidence", view.state.evidence.title()))
        .auto_shrink([false, false])
        .show(ui, |ui| part(ui, view));
}

fn part(ui: &mut Ui, view: &ViewCtx<'_>) {
    match view.state.evidence {
        Tab::Guesses => return guesses::show(ui, view),
        Tab::Published => return published::show(ui, view),
        _ => {}
    }
    let Some(report) = view.any_report() else {
        return sentence(ui, view, "Nothing is measured yet.");
    };
    match view.state.evidence {
        Tab::Tier => inspector::show(ui, view, report),
        Tab::Heat => heat::show(ui, view, report),
        Tab::Cost => bill::show(ui, view, report),
        _ => sources(ui, view, report),
    }
}

/// One wrapped sentence.
fn sentence(ui: &mut Ui, view: &ViewCtx<'_>, words: &str) {
    let text = RichText::new(words).font(view.font(14.0));
    ui.add(Label::new(text).wrap());
}

fn sources(ui: &mut Ui, view: &ViewCtx<'_>, report: &sim_core::report::RunReport) {
    let Some(grid) = sheets::sources(report) else {
        return sentence(ui, view, "This scenario names no source.");
    };
    let of = |status: &str| {
        let all = report.sources.iter();
        all.filter(|source| source.status == status).count()
    };
    let words = format!(
        "{} of the {} numbers that this result rests on are assumed, {} were edited.",
        of("Assumed"),
        report.sources.len(),
        of("Edited"),
    );
    sentence(ui, view, &words);
    ui.add_space(4.0 * view.scale);
    sheet::show(ui, view, &grid, grid.rows.len());
}
