//! The living map: who talks to whom, how much flows, and how full each tier is.
//!
//! Left to right a message meets the clients' regions, then the tiers in the order of the report. Arrows carry the measured
//! rates; particles show that simulated time runs, and stand still with it. The word beside a bar says what its colour says.

mod flows;
mod glyph;
mod nodes;

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::view_ctx::ViewCtx;
use crate::{format, paint, words};
use nodes::Node;

/// How far each card behind another stands out.
const STACK: f32 = 4.0;

/// Draws the map into what is left of the window.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let (area, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
    let (places, tiers) = nodes::lay_out(view, area);
    flows::show(ui, view, &places, &tiers);
    for place in &places {
        region(ui, view, place);
    }
    flows::legend(ui, view, area);
    let fullest = fullest(&tiers);
    for (index, node) in tiers.iter().enumerate() {
        tier(ui, view, node, fullest == Some(index));
    }
}

/// Which tier the words name: the one with the fullest resource.
fn fullest(tiers: &[Node]) -> Option<usize> {
    let share = |node: &Node| node.fullest.as_ref().map_or(0.0, |(_, share)| *share);
    let (index, node) = tiers
        .iter()
        .enumerate()
        .max_by(|one, other| share(one.1).total_cmp(&share(other.1)))?;
    (share(node) > 0.0).then_some(index)
}

fn region(ui: &mut Ui, view: &ViewCtx<'_>, node: &Node) {
    let (theme, scale, rect) = (view.theme, view.scale, node.rect);
    let painter = ui.painter();
    painter.rect(
        rect,
        rect.height().min(20.0 * scale),
        theme.surface,
        Stroke::new(1.0, theme.line),
        StrokeKind::Inside,
    );
    let icon = Rect::from_center_size(
        pos2(rect.left() + 17.0 * scale, rect.center().y),
        vec2(14.0, 14.0) * scale,
    );
    glyph::people(painter, icon, theme.muted);
    let left = icon.right() + 7.0 * scale;
    let width = rect.right() - left - 8.0 * scale;
    let middle = rect.center().y;
    paint::text(
        painter,
        pos2(left, middle),
        Align2::LEFT_BOTTOM,
        &node.title,
        view.font(12.5),
        theme.text,
        width,
    );
    paint::text(
        painter,
        pos2(left, middle),
        Align2::LEFT_TOP,
        &node.note,
        view.font(11.5),
        theme.muted,
        width,
    );
    let response = ui.interact(
        rect,
        ui.scope_id().with(("region", &node.title)),
        Sense::hover(),
    );
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Label, true, format!("{}: {}", node.title, node.note))
    });
}

fn tier(ui: &mut Ui, view: &ViewCtx<'_>, node: &Node, fullest: bool) {
    let (theme, scale, rect) = (view.theme, view.scale, node.rect);
    let painter = ui.painter();
    let (outline, width) = if fullest {
        (theme.text, 1.6)
    } else {
        (theme.line, 1.0)
    };
    for behind in (1..node.stacked).rev() {
        let shifted = rect.translate(vec2(STACK, -STACK) * scale * behind as f32);
        painter.rect(
            shifted,
            8.0 * scale,
            theme.surface,
            Stroke::new(1.0, theme.line),
            StrokeKind::Inside,
        );
    }
    painter.rect(
        rect,
        8.0 * scale,
        theme.surface,
        Stroke::new(width, outline),
        StrokeKind::Inside,
    );

    let inner = rect.shrink2(vec2(12.0, 10.0) * scale);
    let icon = Rect::from_min_size(inner.min, vec2(18.0, 18.0) * scale);
    glyph::tier(painter, icon, &node.name, theme.muted);
    let beside = icon.right() + 8.0 * scale;
    let title_width = inner.right() - beside;
    paint::text(
        painter,
        pos2(beside, icon.center().y),
        Align2::LEFT_CENTER,
        &node.title,
        view.strong(13.5),
        theme.text,
        title_width,
    );
    let note = pos2(inner.left(), icon.bottom() + 6.0 * scale);
    paint::text(
        painter,
        note,
        Align2::LEFT_TOP,
        &node.note,
        view.font(12.0),
        theme.muted,
        inner.width(),
    );
    gauge(ui, view, node, inner);

    if let (true, Some((resource, share))) = (fullest, &node.fullest) {
        let at = pos2(rect.center().x, rect.bottom() + 8.0 * scale);
        let resource = words::resource_title(resource);
        let words = format!("fullest: {resource}, {}", format::percent(*share));
        let (font, width) = (view.strong(12.5), rect.width() + 40.0 * scale);
        paint::text(
            ui.painter(),
            at,
            Align2::CENTER_TOP,
            &words,
            font,
            theme.text,
            width,
        );
    }
    let response = ui.interact(
        rect,
        ui.scope_id().with(("tier", &node.name)),
        Sense::hover(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, summary(node, fullest)));
    response.on_hover_ui(|ui| details(ui, view, node));
}

/// The fullest resource as a bar, a figure and a word, with the queue below.
fn gauge(ui: &Ui, view: &ViewCtx<'_>, node: &Node, inner: Rect) {
    let (theme, scale, painter) = (view.theme, view.scale, ui.painter());
    let Some((resource, share)) = &node.fullest else {
        return;
    };
    let queue_line = inner.bottom();
    let bar_bottom = queue_line - 18.0 * scale;
    let bar = Rect::from_min_max(
        pos2(inner.left(), bar_bottom - 7.0 * scale),
        pos2(inner.right(), bar_bottom),
    );
    let figure = format!(
        "{} {}",
        words::resource_title(resource),
        format::percent(*share)
    );
    let label = pos2(inner.left(), bar.top() - 4.0 * scale);
    let word = words::fullness(*share);
    let word_rect = paint::text(
        painter,
        pos2(inner.right(), label.y),
        Align2::RIGHT_BOTTOM,
        word,
        view.font(12.0),
        if *share >= 0.8 {
            theme.warn
        } else {
            theme.muted
        },
        inner.width() * 0.5,
    );
    let left = word_rect.left() - inner.left() - 6.0 * scale;
    paint::text(
        painter,
        label,
        Align2::LEFT_BOTTOM,
        &figure,
        view.font(12.0),
        theme.text,
        left,
    );
    painter.rect_filled(bar, 3.5 * scale, theme.raised);
    let filled = bar.with_max_x(bar.left() + bar.width() * share.clamp(0.02, 1.0) as f32);
    painter.rect_filled(filled, 3.5 * scale, theme.utilization(*share));
    let queue = if node.queue < 0.05 {
        "no queue".into()
    } else {
        format!("queue {}", format::rough(node.queue))
    };
    paint::text(
        painter,
        pos2(inner.left(), queue_line),
        Align2::LEFT_BOTTOM,
        &queue,
        view.font(11.5),
        theme.faint,
        inner.width(),
    );
}

fn summary(node: &Node, fullest: bool) -> String {
    let mut text = format!("{}, {}", node.title, node.note);
    if let Some((resource, share)) = &node.fullest {
        let resource = words::resource_title(resource);
        text += &format!(
            ": {resource} {}, {}",
            format::percent(*share),
            words::fullness(*share)
        );
    }
    if node.queue >= 0.05 {
        text += &format!(", queue {}", format::rough(node.queue));
    }
    if fullest {
        text += ", the fullest tier";
    }
    text
}

fn details(ui: &mut Ui, view: &ViewCtx<'_>, node: &Node) {
    ui.strong(format!("{}, {}", node.title, node.note));
    let Some(tier) = view
        .any_report()
        .and_then(|report| report.tiers.get(&node.name))
    else {
        ui.weak("Nothing measured yet.");
        return;
    };
    for (resource, utilization) in &tier.utilization {
        let (hottest, mean) = (
            format::percent(utilization.hottest),
            format::percent(utilization.mean),
        );
        let title = words::resource_title(resource);
        ui.label(format!(
            "{title}: {hottest} at number {}, {mean} on average",
            utilization.instance + 1
        ));
    }
    let (mean, max) = (
        format::rough(tier.queue.mean),
        format::count(tier.queue.max as f64),
    );
    ui.label(format!("queue: {mean} on average, {max} at most"));
    if tier.dropped > 0 {
        ui.label(format!("{} refused", format::count(tier.dropped as f64)));
    }
}
