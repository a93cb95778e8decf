//! How busy each tier is over the measured time: a row per tier, a cell per step, dark to bright.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Ui, WidgetInfo, pos2, vec2};
use sim_core::report::{RunReport, SeriesReport, TierSeries};

use super::sentence;
use crate::view_ctx::ViewCtx;
use crate::{format, paint, words};

/// Steps that are drawn; the last ones of a longer run.
const STEPS: usize = 240;

/// The map, with its words.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>, report: &RunReport) {
    let Some(series) = report.series.as_ref().filter(|s| !s.tiers.is_empty()) else {
        return sentence(ui, view, "Nothing was kept over time yet.");
    };
    let mut tiers: Vec<(&String, &TierSeries)> = series.tiers.iter().collect();
    tiers.sort_by_key(|(name, _)| report.tiers.get(*name).map_or(u32::MAX, |tier| tier.order));
    sentence(ui, view, &summary(series, &tiers));
    ui.add_space(6.0 * view.scale);
    for (name, tier) in &tiers {
        row(
            ui,
            view,
            &words::tier_title(name),
            &tier.cpu,
            &|share| view.theme.utilization(share),
            &|v| format::percent(v),
        );
    }
    ui.add_space(8.0 * view.scale);
    sentence(
        ui,
        view,
        "Work waiting, each row against its own longest queue:",
    );
    for (name, tier) in &tiers {
        let longest = tier.queue.iter().copied().fold(1.0, f64::max);
        let shown = |waiting: f64| view.theme.utilization(waiting / longest);
        row(
            ui,
            view,
            &words::tier_title(name),
            &tier.queue,
            &shown,
            &|waiting| format::count(waiting),
        );
    }
    legend(ui, view);
}

/// When each tier was busiest.
fn summary(series: &SeriesReport, tiers: &[(&String, &TierSeries)]) -> String {
    let peaks = tiers.iter().filter_map(|(name, tier)| {
        let all = tier.cpu.iter().copied().enumerate();
        let (step, most) = all.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let at = series.start_s + step as f64 * series.step_s;
        let name = words::tier_title(name);
        Some(format!(
            "{name} {} at {}",
            format::percent(most),
            format::clock(at)
        ))
    });
    let peaks: Vec<String> = peaks.collect();
    format!(
        "CPU of each tier over the measured time. Busiest: {}.",
        peaks.join(", ")
    )
}

fn row(
    ui: &mut Ui,
    view: &ViewCtx<'_>,
    title: &str,
    values: &[f64],
    color: &dyn Fn(f64) -> egui::Color32,
    say: &dyn Fn(f64) -> String,
) {
    let scale = view.scale;
    let size = vec2(ui.available_width().max(400.0), 22.0 * scale);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let shown = &values[values.len().saturating_sub(STEPS)..];
    let last = shown.last().copied().unwrap_or(0.0);
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Image, true, format!("{title}: {} now", say(last)))
    });
    let cells = Rect::from_min_max(
        rect.min + vec2(170.0 * scale, 2.0),
        rect.max - vec2(80.0 * scale, 2.0),
    );
    let (painter, theme) = (ui.painter(), view.theme);
    let (middle, font) = (rect.left_center(), view.font(13.0));
    paint::text(
        painter,
        middle,
        Align2::LEFT_CENTER,
        title,
        font.clone(),
        theme.text,
        164.0 * scale,
    );
    let width = cells.width() / shown.len().max(1) as f32;
    for (index, value) in shown.iter().enumerate() {
        let left = cells.left() + width * index as f32;
        let cell = Rect::from_min_max(
            pos2(left, cells.top()),
            pos2(left + width + 0.5, cells.bottom()),
        );
        painter.rect_filled(cell, 0.0, color(*value));
    }
    let at = pos2(cells.right() + 8.0 * scale, rect.center().y);
    paint::text(
        painter,
        at,
        Align2::LEFT_CENTER,
        &say(last),
        font,
        theme.muted,
        72.0 * scale,
    );
    let under = ui.pointer_latest_pos().filter(|at| cells.contains(*at));
    let pointed = under.and_then(|at| shown.get(((at.x - cells.left()) / width) as usize));
    if let Some(value) = pointed.copied() {
        response.on_hover_text(format!("{title}: {}", say(value)));
    }
}

/// From empty to full.
fn legend(ui: &mut Ui, view: &ViewCtx<'_>) {
    let scale = view.scale;
    ui.add_space(6.0 * scale);
    let (rect, _) = ui.allocate_exact_size(vec2(360.0, 16.0) * scale, Sense::hover());
    let bar = Rect::from_min_size(
        rect.min + vec2(60.0, 0.0) * scale,
        vec2(220.0, 12.0) * scale,
    );
    let (painter, theme) = (ui.painter(), view.theme);
    for step in 0..44 {
        let share = step as f32 / 44.0;
        let left = bar.left() + bar.width() * share;
        let cell = Rect::from_min_size(
            pos2(left, bar.top()),
            vec2(bar.width() / 44.0 + 0.5, bar.height()),
        );
        painter.rect_filled(cell, 0.0, theme.utilization(f64::from(share)));
    }
    let font = view.font(12.0);
    let (low, high) = (
        bar.left_center() - vec2(8.0, 0.0) * scale,
        bar.right_center() + vec2(8.0, 0.0) * scale,
    );
    paint::text(
        painter,
        low,
        Align2::RIGHT_CENTER,
        "empty",
        font.clone(),
        theme.muted,
        60.0 * scale,
    );
    paint::text(
        painter,
        high,
        Align2::LEFT_CENTER,
        "full",
        font,
        theme.muted,
        60.0 * scale,
    );
}
