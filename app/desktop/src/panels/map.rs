//! The living map: who talks to whom, how much flows, and how full each tier is.
//!
//! Left to right a message meets the clients' regions, then the tiers in the order of the report. Arrows carry the measured
//! rates; particles show that simulated time runs, and stand still with it. The word beside a bar says what its colour says.

mod flows;
mod glyph;
mod heat;
mod nodes;
mod regions;

use egui::accesskit::Role;
use egui::{
    Align2, Painter, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use sim_core::scenario::Tier;

use super::tier_menu;
use crate::command::UiCommand;
use crate::selection::{self, MapView, Selected};
use crate::view_ctx::ViewCtx;
use crate::{format, paint, words};
use nodes::Node;
use regions::Place;

/// How far each card behind another stands out.
const STACK: f32 = 3.0;

/// Draws the map into what is left of the window.
pub fn show(ui: &mut Ui, view: &ViewCtx<'_>) {
    let (seen, ground) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    move_about(ui, view, seen, &ground);
    let area = view.state.map.lies(seen);
    let view = &view.scaled(view.state.map.zoom);
    ui.shrink_clip_rect(seen.expand(2.0));
    let map = nodes::lay_out(view, area);
    flows::show(ui, view, &map);
    for place in &map.places {
        region(ui, view, place);
    }
    flows::legend(ui, view, area);
    regions::home(ui, view, &map.regions, &map.tiers);
    let all: Vec<&Node> = map.tiers.iter().chain(&map.web).collect();
    let fullest = fullest(&all);
    for (index, node) in all.into_iter().enumerate() {
        tier(ui, view, node, fullest == Some(index), &map.regions);
    }
}

/// Drag moves the map, the wheel and a pinch enlarge it, a double click fits it, a click beside the cards chooses nothing.
fn move_about(ui: &Ui, view: &ViewCtx<'_>, seen: Rect, ground: &Response) {
    let map = view.state.map;
    ground.widget_info(|| WidgetInfo::labeled(Role::Group, true, "Map"));
    if ground.dragged() {
        view.send(UiCommand::SeeMap(map.panned(ground.drag_delta(), seen)));
    }
    if ground.double_clicked() {
        view.send(UiCommand::FitMap);
    } else if ground.clicked() && view.state.selected.is_some() {
        view.send(UiCommand::Select(None));
    }
    let Some(at) = ui.pointer_latest_pos().filter(|at| seen.contains(*at)) else {
        return;
    };
    if !ui.rect_contains_pointer(seen) {
        return;
    }
    let (pinch, wheel) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta().y));
    let factor = pinch * (wheel / 300.0).exp();
    if factor != 1.0 {
        let around = MapView::from_middle(seen, Some(at));
        let zoomed = map.zoomed(factor, around).panned(egui::Vec2::ZERO, seen);
        if zoomed != map {
            view.send(UiCommand::SeeMap(zoomed));
        }
    }
}

/// Which tier the words name: the one with the fullest resource.
fn fullest(tiers: &[&Node]) -> Option<usize> {
    let share = |node: &&Node| node.fullest.as_ref().map_or(0.0, |(_, share)| *share);
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

fn tier(ui: &mut Ui, view: &ViewCtx<'_>, node: &Node, fullest: bool, regions: &[Place]) {
    let (theme, scale, rect) = (view.theme, view.scale, node.rect);
    let painter = ui.painter();
    let selected = view.state.selected;
    let (outline, width) = if selected.is_some_and(|selected| selected.tier.name() == node.name) {
        (theme.accent, 2.2)
    } else if fullest {
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

    let inner = rect.shrink2(vec2(11.0, 10.0) * scale);
    let icon = Rect::from_min_size(inner.min, vec2(18.0, 18.0) * scale);
    title(view, painter, node, icon, inner);
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
    let gauge_top = gauge(ui, view, node, inner);
    let cells = cells_space(node, note.y + 19.0 * scale, gauge_top, inner, scale);
    if let (Some(space), Some(heat)) = (cells, &node.heat) {
        heat::show(ui, view, heat, space);
    }
    let below_cells = cells.map_or(note.y + 19.0 * scale, |space| space.bottom() + 6.0 * scale);
    let rows = Rect::from_min_max(
        pos2(inner.left(), below_cells),
        pos2(inner.right(), gauge_top - 4.0 * scale),
    );

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
        Sense::click(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, summary(node, fullest)));
    work_with(&response, ui, view, node, cells);
    response.on_hover_ui(|ui| details(ui, view, node));
    if node.name == "connection_servers" && !regions.is_empty() {
        regions::rows(ui, view, regions, rows);
    }
}

/// The drawing and the name; on a narrow card the name alone.
fn title(view: &ViewCtx<'_>, painter: &Painter, node: &Node, icon: Rect, inner: Rect) {
    let size = if inner.width() < 150.0 * view.scale {
        12.0
    } else {
        13.5
    };
    let beside = pos2(icon.right() + 8.0 * view.scale, icon.center().y);
    let (color, room) = (view.theme.text, inner.right() - beside.x);
    let font = || view.strong(size);
    let align = Align2::LEFT_CENTER;
    if paint::text_if_room(painter, beside, align, &node.title, font(), color, room) {
        glyph::tier(painter, icon, &node.name, view.theme.muted);
    } else {
        let at = icon.left_center();
        paint::text(
            painter,
            at,
            align,
            &node.title,
            font(),
            color,
            inner.width(),
        );
    }
}

/// Room for the cells of a tier with several instances, above its gauge.
fn cells_space(node: &Node, top: f32, gauge_top: f32, inner: Rect, scale: f32) -> Option<Rect> {
    let several = node.heat.as_ref().is_some_and(|heat| heat.each.len() > 1);
    let height = (gauge_top - top - 4.0 * scale).min(12.0 * scale);
    (several && height >= 5.0)
        .then(|| Rect::from_min_size(pos2(inner.left(), top), vec2(inner.width(), height)))
}

/// A click chooses the tier, on a cell the instance; a right click, or the button that comes with the pointer, says what can
/// be done. What happens to one instance happens beside the cells to the fullest.
fn work_with(
    response: &Response,
    ui: &mut Ui,
    view: &ViewCtx<'_>,
    node: &Node,
    cells: Option<Rect>,
) {
    let Some(tier) = selection::tier_of(&node.name) else {
        return;
    };
    let hit = || {
        let at = response.interact_pointer_pos()?;
        heat::instance_at(node.heat.as_ref()?, cells?, at)
    };
    let remembered = response.id.with("instance");
    if response.clicked() || response.secondary_clicked() {
        let instance = hit().map(|instance| instance as u32);
        let fullest = node.heat.as_ref().and_then(|heat| heat.fullest());
        let chosen = instance.or(fullest.map(|(instance, _)| instance as u32));
        ui.data_mut(|data| data.insert_temp(remembered, chosen.unwrap_or(0)));
        view.send(UiCommand::Select(Some(Selected { tier, instance })));
    }
    let chosen = |ui: &Ui| {
        ui.data(|data| data.get_temp::<u32>(remembered))
            .unwrap_or(0)
    };
    response.context_menu(|ui| {
        let instance = chosen(ui);
        tier_menu::show(ui, view, tier, instance);
    });
    let selected = view
        .state
        .selected
        .is_some_and(|selected| selected.tier == tier);
    let more = Rect::from_min_size(
        node.rect.right_top() + vec2(-26.0, 4.0) * view.scale,
        vec2(22.0, 22.0) * view.scale,
    );
    if selected || ui.rect_contains_pointer(node.rect) || response.has_focus() {
        let mut inside = ui.new_child(egui::UiBuilder::new().max_rect(more));
        let dots = egui::RichText::new("…").font(view.strong(13.0));
        let button = egui::Button::new(dots).min_size(more.size());
        let (button, _) =
            egui::containers::menu::MenuButton::from_button(button).ui(&mut inside, |ui| {
                let instance = chosen(ui);
                tier_menu::show(ui, view, tier, instance);
            });
        let name = format!("Change {}", tier.title());
        button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    }
}

/// The fullest resource as a bar, a figure and a word, with the queue below. Returns where it begins.
fn gauge(ui: &Ui, view: &ViewCtx<'_>, node: &Node, inner: Rect) -> f32 {
    let (theme, scale, painter) = (view.theme, view.scale, ui.painter());
    let Some((resource, share)) = &node.fullest else {
        return inner.bottom();
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
    // The figure says what the colour says; the word comes where there is room for both.
    let figure = paint::text(
        painter,
        label,
        Align2::LEFT_BOTTOM,
        &figure,
        view.font(12.0),
        theme.text,
        inner.width(),
    );
    let color = if *share >= 0.8 {
        theme.warn
    } else {
        theme.muted
    };
    let room = inner.right() - figure.right() - 6.0 * scale;
    let at = pos2(inner.right(), label.y);
    let font = || view.font(12.0);
    paint::text_if_room(
        painter,
        at,
        Align2::RIGHT_BOTTOM,
        words::fullness(*share),
        font(),
        color,
        room,
    );
    painter.rect_filled(bar, 3.5 * scale, theme.raised);
    let filled = bar.with_max_x(bar.left() + bar.width() * share.clamp(0.02, 1.0) as f32);
    painter.rect_filled(filled, 3.5 * scale, theme.utilization(*share));
    let each = node.heat.as_ref().filter(|heat| heat.each.len() > 1);
    let each = each.map_or_else(String::new, heat::label);
    let each = paint::text(
        painter,
        pos2(inner.right(), queue_line),
        Align2::RIGHT_BOTTOM,
        &each,
        view.font(11.5),
        theme.muted,
        inner.width(),
    );
    let beside = match (node.hits, node.queue) {
        (_, queue) if queue >= 0.05 => format!("queue {}", format::rough(queue)),
        (Some(hits), _) => format!("{} hits", format::percent(hits)),
        _ => "no queue".into(),
    };
    paint::text_if_room(
        painter,
        pos2(inner.left(), queue_line),
        Align2::LEFT_BOTTOM,
        &beside,
        view.font(11.5),
        theme.faint,
        each.left() - inner.left() - 4.0 * scale,
    );
    figure.top()
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
    if let Some(hits) = node.hits {
        text += &format!(", {} hits", format::percent(hits));
    }
    if fullest {
        text += ", the fullest tier";
    }
    if let Some(heat) = node.heat.as_ref().filter(|heat| heat.each.len() > 1) {
        text += &format!("; {}", heat::summary(heat));
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
    if let Some(heat) = node.heat.as_ref().filter(|heat| heat.each.len() > 1) {
        let resource = words::resource_title(heat.resource);
        ui.label(format!("{resource}, last seconds: {}", heat::summary(heat)));
    }
    if let Some(hits) = tier.hit_ratio {
        ui.label(format!(
            "{} of lookups answered here",
            format::percent(hits)
        ));
    }
    if tier.dropped > 0 {
        ui.label(format!("{} refused", format::count(tier.dropped as f64)));
    }
    if node.name != Tier::LoadBalancer.name() {
        ui.weak("Right click: change it, break it.");
    }
}
