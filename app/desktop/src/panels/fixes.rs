//! What would fix it: a row of at most four changes under the sentence, each with what it holds and what it costs.
//!
//! Estimated at once; a change under the pointer or with the focus is simulated. A click makes it.

use egui::accesskit::Role;
use egui::{
    Align2, Label, Rect, Response, RichText, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};
use session::{Fix, Fixes};

use crate::command::UiCommand;
use crate::variants::{self, VariantCommand};
use crate::view_ctx::ViewCtx;
use crate::{format, paint};

/// Nothing, until it is asked for.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    if !view.state.variants.fixing {
        return;
    }
    ui.add_space(4.0 * view.scale);
    let Some(fixes) = variants::fixes(view.state) else {
        words(ui, view, "Looking at every resource and policy…");
        return;
    };
    row(ui, view, fixes);
    if let Some(note) = note(view, fixes) {
        words(ui, view, &note);
    }
}

fn words(ui: &mut Ui, view: &ViewCtx<'_>, words: &str) {
    let text = RichText::new(words)
        .font(view.font(13.0))
        .color(view.theme.muted);
    ui.add(Label::new(text).truncate());
}

/// The chips share the width.
fn row(ui: &mut Ui, view: &ViewCtx<'_>, fixes: &Fixes) {
    if fixes.fixes.is_empty() {
        return;
    }
    let gap = 8.0 * view.scale;
    let count = fixes.fixes.len().max(3) as f32;
    let width = (ui.available_width() - gap * (count - 1.0)) / count;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for (index, fix) in fixes.fixes.iter().enumerate() {
            chip(ui, view, index, fix, width);
        }
    });
}

fn chip(ui: &mut Ui, view: &ViewCtx<'_>, index: usize, fix: &Fix, width: f32) {
    let (theme, scale) = (view.theme, view.scale);
    let size = vec2(width, 50.0 * scale);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let (effect, how) = (effect(view, fix), how(fix));
    response.widget_info(|| {
        let name = format!("{}: {effect} {how}", fix.words);
        WidgetInfo::labeled(Role::Button, true, name)
    });
    let hot = response.hovered() || response.has_focus();
    let fill = if hot { theme.hovered } else { theme.surface };
    let outline = if hot { theme.accent } else { theme.line };
    let painter = ui.painter();
    painter.rect(
        rect,
        8.0 * scale,
        fill,
        Stroke::new(1.0, outline),
        StrokeKind::Inside,
    );
    let inner = rect.shrink2(vec2(12.0, 7.0) * scale);
    progress(ui, view, fix, rect);
    let (top, bottom) = (inner.left_top(), inner.left_bottom());
    let (strong, font) = (view.strong(13.5), view.font(12.5));
    let room = inner.width();
    paint::text(
        painter,
        top,
        Align2::LEFT_TOP,
        &fix.words,
        strong,
        theme.text,
        room,
    );
    let full = format!("{effect} {how}");
    paint::text(
        painter,
        bottom,
        Align2::LEFT_BOTTOM,
        &full,
        font,
        theme.muted,
        room,
    );
    act(view, index, fix, &response);
    response.on_hover_ui(|ui| {
        ui.label(format!("{}: {effect}", fix.words));
        ui.weak(format!("{}. A click makes this change.", explained(fix)));
    });
}

/// How much of the simulation is done: a line along the lower edge.
fn progress(ui: &Ui, view: &ViewCtx<'_>, fix: &Fix, rect: Rect) {
    if let Some(share) = fix.share {
        let inset = 9.0 * view.scale;
        let line = Rect::from_min_max(
            rect.left_bottom() + vec2(inset, -3.0 * view.scale),
            rect.right_bottom() - vec2(inset, 1.0),
        );
        let done = line.with_max_x(line.left() + line.width() * share as f32);
        ui.painter().rect_filled(done, 1.0, view.theme.accent);
    }
}

fn act(view: &ViewCtx<'_>, index: usize, fix: &Fix, response: &Response) {
    if response.clicked() {
        view.send(UiCommand::Variant(VariantCommand::AcceptFix(index)));
    } else if response.hovered() || response.has_focus() {
        let tried = view.state.variants.tried.as_ref() == Some(&fix.edits);
        if !tried && fix.simulated.is_none() {
            view.send(UiCommand::Variant(VariantCommand::TryFix(index)));
        }
    }
}

/// `breaks at 410 K, +$420 a month,`
fn effect(view: &ViewCtx<'_>, fix: &Fix) -> String {
    let simulated = fix
        .simulated
        .as_ref()
        .and_then(|row| row.breaks_at.as_ref());
    let users = simulated.map(|breaks| breaks.users);
    let at = match users.map(|users| (users.low, users.high)) {
        Some((Some(low), Some(high))) => {
            format!(
                "breaks at {} to {}",
                format::count(low),
                format::count(high)
            )
        }
        Some((Some(low), None)) => format!("holds {} at least", format::count(low)),
        _ => match fix.forecast.breaks_at {
            Some(users) => format!("breaks at {}", format::count(format::round_load(users))),
            None => "nothing gives way".to_owned(),
        },
    };
    format!("{at}, {},{}", price(view, fix), in_all(view, fix))
}

/// ` $554 K in all,` where the bill that is shown is of a system that does not deliver all there is: it is no measure of what a
/// change costs.
fn in_all(view: &ViewCtx<'_>, fix: &Fix) -> String {
    let shown = view.report().and_then(|report| report.cost.as_ref());
    let less = |all: f64| shown.is_some_and(|cost| cost.usd_per_month < 0.9 * all);
    match fix.forecast.usd_per_month.filter(|&all| less(all)) {
        Some(all) => format!(" {} in all,", format::usd(all)),
        None => String::new(),
    }
}

/// `+$420 a month`, `no extra cost`.
fn price(view: &ViewCtx<'_>, fix: &Fix) -> String {
    let simulated = fix.simulated.as_ref().and_then(|row| row.delta_usd);
    match simulated.or(fix.delta_usd) {
        Some(usd) if usd.abs() < 1.0 => "no extra cost".to_owned(),
        Some(usd) if usd < 0.0 => format!("−{} a month", format::usd(-usd)),
        Some(usd) => format!("+{} a month", format::usd(usd)),
        None if view
            .any_report()
            .is_some_and(|report| report.cost.is_none()) =>
        {
            "no price known".to_owned()
        }
        None => "price not estimated".to_owned(),
    }
}

fn how(fix: &Fix) -> String {
    match (&fix.simulated, fix.share) {
        (Some(_), _) => "simulated".to_owned(),
        (None, Some(share)) => format!(
            "simulating, {}",
            format::percent((share * 20.0).round() / 20.0)
        ),
        (None, None) => "estimated".to_owned(),
    }
}

fn explained(fix: &Fix) -> &'static str {
    match fix.simulated {
        Some(_) => {
            "Simulated on the same random numbers as the design as it is: it holds the smaller load and fails at the larger one"
        }
        None => "The quick estimate, from queueing formulas; it is simulated while you point at it",
    }
}

/// What else a reader must know.
fn note(view: &ViewCtx<'_>, fixes: &Fixes) -> Option<String> {
    if let Some(problem) = &fixes.problem {
        return Some(problem.clone());
    }
    if fixes.fixes.is_empty() {
        let limit = fixes.base.limit.as_deref().map(report::limit_in_words);
        return Some(match (fixes.complete, limit) {
            (false, _) => "Looking at every resource and policy…".to_owned(),
            (true, Some(limit)) => {
                format!("No single step moves the load at which {limit} gives way.")
            }
            (true, None) => "Nothing gives way, so there is nothing to fix.".to_owned(),
        });
    }
    over_budget(view, fixes)
}

/// A ceiling on money is no limit of a machine, but of a purse: where it is reached.
fn over_budget(view: &ViewCtx<'_>, fixes: &Fixes) -> Option<String> {
    let scenario = view.state.history.now().scenario();
    let ceiling = scenario
        .objectives
        .iter()
        .find(|objective| objective.path == "cost.usd_per_month")?;
    let largest = fixes.fixes.iter().filter_map(|fix| fix.forecast.breaks_at);
    let largest = largest.fold(0.0, f64::max);
    let now = fixes.base.usd_per_month?;
    let users = f64::from(scenario.load.users);
    let reached = users * ceiling.limit / now.max(1.0);
    (reached < largest).then(|| {
        format!(
            "The budget of {} a month is spent at about {} {}.",
            format::usd(ceiling.limit),
            format::count(format::round_load(reached)),
            scenario.load.unit
        )
    })
}
