//! One tier from inside: its queue, how full each resource is, and the part it has in the mean and in the slowest 1 %.

use egui::accesskit::Role;
use egui::{ComboBox, Grid, RichText, ScrollArea, Sense, Ui, WidgetInfo, vec2};
use report::sheets;
use sim_core::report::{RunReport, TierReport};

use super::sentence;
use crate::command::UiCommand;
use crate::selection::{Selected, tier_of};
use crate::view_ctx::ViewCtx;
use crate::views::{View, heading, sheet};
use crate::{format, words};

/// The tier that is chosen on the map, beside it.
pub fn show_beside(ui: &mut Ui, view: &ViewCtx<'_>) {
    heading(ui, view, View::Inspector, "");
    ScrollArea::vertical()
        .id_salt("inspector")
        .auto_shrink([false, false])
        .show(ui, |ui| match view.any_report() {
            Some(report) => {
                about(ui, view, report, 110.0);
                ui.add_space(8.0 * view.scale);
                let all = RichText::new("All evidence").font(view.font(13.0));
                if ui.link(all).clicked() {
                    view.send(UiCommand::Toggle(View::Evidence));
                }
            }
            None => sentence(ui, view, "Nothing is measured yet."),
        });
}

/// The same with the tables of the whole path.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, report: &RunReport) {
    about(ui, view, report, 320.0);
    ui.add_space(10.0 * view.scale);
    for grid in sheets::breakdowns(report).iter().take(2) {
        sheet::show(ui, view, grid, grid.rows.len());
        ui.add_space(8.0 * view.scale);
    }
    if let Some(grid) = sheets::latency(report) {
        sheet::show(ui, view, &grid, grid.rows.len());
    }
}

/// The chosen tier, or the one that is fullest.
fn chosen<'r>(view: &ViewCtx<'_>, report: &'r RunReport) -> Option<(&'r str, &'r TierReport)> {
    let chosen = view.state.selected.map(|selected| selected.tier.name());
    let fullest = report.bottleneck.as_ref().map(|b| b.tier.as_str());
    let named = chosen.filter(|name| report.tiers.contains_key(*name));
    let name = named.or(fullest)?;
    let (name, tier) = report.tiers.get_key_value(name)?;
    Some((name.as_str(), tier))
}

fn about(ui: &mut Ui, view: &ViewCtx<'_>, report: &RunReport, width: f32) {
    let Some((name, tier)) = chosen(view, report) else {
        return sentence(ui, view, "No tier has done anything yet.");
    };
    choose(ui, view, report, name);
    let instances = match tier.instances {
        1 => "One instance".to_owned(),
        n => format!("{n} instances"),
    };
    let queue = format!(
        "{instances}. Waiting: {} in the mean, {} at most.",
        format::count((tier.queue.mean * 10.0).round() / 10.0),
        format::count(tier.queue.max as f64)
    );
    sentence(ui, view, &queue);
    if tier.dropped > 0 {
        let refused = format!("Refused: {}.", format::count(tier.dropped as f64));
        sentence(ui, view, &refused);
    }
    ui.add_space(4.0 * view.scale);
    resources(ui, view, tier, width);
    instance(ui, view, name);
    ui.add_space(6.0 * view.scale);
    share(ui, view, report, name);
    let counters: Vec<String> = tier
        .counters
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(name, n)| format!("{} {}", name.replace('_', " "), format::count(*n as f64)))
        .collect();
    if !counters.is_empty() {
        ui.add_space(4.0 * view.scale);
        sentence(ui, view, &format!("Counted: {}.", counters.join(", ")));
    }
}

fn choose(ui: &mut Ui, view: &ViewCtx<'_>, report: &RunReport, name: &str) {
    let title = words::capitalized(&words::tier_title(name));
    let mut tiers: Vec<(&String, u32)> = report.tiers.iter().map(|(n, t)| (n, t.order)).collect();
    tiers.sort_by_key(|(_, order)| *order);
    let response = ComboBox::from_id_salt("tier")
        .selected_text(RichText::new(&title).font(view.strong(15.0)))
        .width(190.0 * view.scale)
        .show_ui(ui, |ui| {
            for (other, _) in tiers {
                let words = words::capitalized(&words::tier_title(other));
                let clicked = ui.selectable_label(other == name, words).clicked();
                if let Some(tier) = tier_of(other).filter(|_| clicked) {
                    let instance = None;
                    view.send(UiCommand::Select(Some(Selected { tier, instance })));
                }
            }
        });
    response
        .response
        .widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, format!("Tier: {title}")));
}

/// A bar per resource, of the fullest instance; a mark where the mean is.
fn resources(ui: &mut Ui, view: &ViewCtx<'_>, tier: &TierReport, width: f32) {
    let mut all: Vec<_> = tier.utilization.iter().collect();
    all.sort_by(|a, b| b.1.hottest.total_cmp(&a.1.hottest));
    Grid::new("resources")
        .num_columns(3)
        .spacing(vec2(10.0, 4.0) * view.scale)
        .show(ui, |ui| {
            for (name, used) in all {
                let text = |words: String| RichText::new(words).font(view.font(13.0));
                ui.label(text(words::resource_title(name)));
                let size = vec2(width, 14.0) * view.scale;
                let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
                let at = |share: f64| rect.left() + rect.width() * share.clamp(0.0, 1.0) as f32;
                let painter = ui.painter();
                painter.rect_filled(rect, 3.0, view.theme.raised);
                let filled = rect.with_max_x(at(used.hottest));
                painter.rect_filled(filled, 3.0, view.theme.utilization(used.hottest));
                let mean = rect
                    .with_min_x(at(used.mean) - 1.0)
                    .with_max_x(at(used.mean) + 1.0);
                painter.rect_filled(mean, 0.0, view.theme.text);
                response.on_hover_text(format!(
                    "Instance {} is the fullest; {} in the mean.",
                    used.instance,
                    format::percent(used.mean)
                ));
                let word = words::fullness(used.hottest);
                ui.label(text(format!("{}, {word}", format::percent(used.hottest))));
                ui.end_row();
            }
        });
}

/// The chosen instance over the last seconds.
fn instance(ui: &mut Ui, view: &ViewCtx<'_>, name: &str) {
    let chosen = view.state.selected.filter(|s| s.tier.name() == name);
    let Some(number) = chosen.and_then(|selected| selected.instance) else {
        return;
    };
    let heat = view.frame.heat.iter().find(|(tier, _)| **tier == name);
    let each = heat.and_then(|(_, heat)| Some((heat.resource, heat.each.get(number as usize)?)));
    let words = match each {
        Some((resource, Some(share))) => format!(
            "Instance {number}: {} {} over the last seconds.",
            words::resource_title(resource),
            format::percent(f64::from(*share))
        ),
        Some((_, None)) => format!("Instance {number} is down."),
        None => format!("Instance {number}: nothing measured yet."),
    };
    sentence(ui, view, &words);
}

/// The part of this tier in the main latency.
fn share(ui: &mut Ui, view: &ViewCtx<'_>, report: &RunReport, name: &str) {
    let Some(operation) = report
        .headline()
        .and_then(|name| report.operations.get(name))
    else {
        return;
    };
    let whole: f64 = operation.breakdown.iter().map(|row| row.mean_ms).sum();
    let rows: Vec<_> = operation
        .breakdown
        .iter()
        .filter(|row| row.tier == name)
        .collect();
    if rows.is_empty() {
        return sentence(ui, view, "The main latency does not pass through it.");
    }
    let mean: f64 = rows.iter().map(|row| row.mean_ms).sum();
    let tail: f64 = rows.iter().map(|row| row.share_of_p99).sum();
    let words = format!(
        "It makes up {} of the mean latency ({}) and {} of the slowest 1 %.",
        format::percent(mean / whole.max(1e-12)),
        format::millis(mean),
        format::percent(tail)
    );
    sentence(ui, view, &words);
    for row in rows {
        let words = format!(
            "{}: {}, {} of the slowest 1 %",
            row.cause,
            format::millis(row.mean_ms),
            format::percent(row.share_of_p99)
        );
        ui.label(
            RichText::new(words)
                .font(view.font(13.0))
                .color(view.theme.muted),
        );
    }
}
