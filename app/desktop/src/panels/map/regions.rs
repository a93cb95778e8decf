//! The regions that connection servers stand in, and where the tiers stand that are in one region only.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use sim_core::report::RegionsReport;
use sim_core::scenario::Scenario;

use super::nodes::Node;
use crate::view_ctx::ViewCtx;
use crate::{faults, format, paint};

/// Regions that have a row of their own.
pub const ROWS: usize = 4;

/// A region of the design.
pub struct Place {
    /// Its name.
    pub name: String,
    /// The database stands there.
    pub home: bool,
    /// `10 servers, 52 % of connections`.
    pub note: String,
    /// Its share of connections.
    pub share: f64,
    /// Everything there is gone.
    pub lost: bool,
}

impl Place {
    /// `eu-west-1, lost: 4 servers, 30 % of connections`.
    fn summary(&self) -> String {
        let home = if self.home { ", home region" } else { "" };
        let lost = if self.lost { ", lost" } else { "" };
        format!("{}{home}{lost}: {}", self.name, self.note)
    }
}

/// The regions of a design that stands in several.
pub fn places(scenario: &Scenario, report: Option<&RegionsReport>) -> Vec<Place> {
    let design = scenario.effective_design();
    let Some(regions) = &design.regions else {
        return Vec::new();
    };
    let named = (0..regions.places.len() as u16).map(|region| {
        let name = faults::region_name(scenario, region);
        let told = report.and_then(|report| report.places.get(&name));
        Place {
            home: name == design.place.0,
            note: told.map_or_else(String::new, |told| {
                let plural = if told.servers == 1 { "" } else { "s" };
                format!(
                    "{} server{plural}, {} of connections",
                    told.servers,
                    format::percent(told.share)
                )
            }),
            share: told.map_or(0.0, |told| told.share),
            lost: told.is_some_and(|told| told.lost),
            name,
        }
    });
    let mut named: Vec<Place> = named.collect();
    if named.len() > ROWS {
        let rest = named.split_off(ROWS - 1);
        let share: f64 = rest.iter().map(|place| place.share).sum();
        let lost = rest.iter().filter(|place| place.lost).count();
        named.push(Place {
            name: format!("{} more regions", rest.len()),
            home: rest.iter().any(|place| place.home),
            note: format!("{} of connections, {lost} lost", format::percent(share)),
            share,
            lost: false,
        });
    }
    named
}

/// A row per region: its name, whether it is home or lost, and a bar for its share of connections.
pub fn rows(ui: &Ui, view: &ViewCtx<'_>, places: &[Place], space: Rect) {
    let pitch = (space.height() / places.len().max(1) as f32).min(25.0 * view.scale);
    if pitch < 12.0 {
        return;
    }
    for (index, place) in places.iter().enumerate() {
        let top = space.top() + pitch * index as f32;
        let row = Rect::from_min_size(
            pos2(space.left(), top),
            vec2(space.width(), pitch - 3.0 * view.scale),
        );
        one(ui, view, place, row);
    }
}

fn one(ui: &Ui, view: &ViewCtx<'_>, place: &Place, row: Rect) {
    let (theme, scale, painter) = (view.theme, view.scale, ui.painter());
    let outline = if place.lost { theme.bad } else { theme.line };
    painter.rect_filled(row, 4.0 * scale, theme.raised);
    if !place.lost && place.share > 0.0 {
        let fill = row.with_max_x(row.left() + row.width() * place.share.clamp(0.0, 1.0) as f32);
        painter.rect_filled(fill, 4.0 * scale, theme.hovered);
    }
    painter.rect_stroke(
        row,
        4.0 * scale,
        Stroke::new(1.0, outline),
        StrokeKind::Inside,
    );
    let inside = row.shrink2(vec2(6.0 * scale, 0.0));
    let name = paint::text(
        painter,
        inside.left_center(),
        Align2::LEFT_CENTER,
        &place.name,
        view.font(12.0),
        theme.text,
        inside.width(),
    );
    let share = format::percent(place.share);
    let (states, ink) = match (place.lost, place.home) {
        (true, _) => (vec!["lost".to_owned()], theme.bad),
        (false, true) => (vec![format!("home, {share}"), share], theme.text),
        (false, false) => (vec![share], theme.text),
    };
    let room = inside.right() - name.right() - 4.0 * scale;
    let at = inside.right_center();
    let fits = |words: &String| {
        let (align, font) = (Align2::RIGHT_CENTER, view.font(12.0));
        paint::text_if_room(painter, at, align, words, font, ink, room)
    };
    // The longest that fits; the frame around its tiers names the home region too.
    states.iter().any(fits);
    let id = ui.scope_id().with(("place", &place.name));
    let response = ui.interact(row, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, place.summary()));
    response.on_hover_text(place.summary());
}

/// A frame around the tiers that stand in the home region only, with its name.
pub fn home(ui: &Ui, view: &ViewCtx<'_>, places: &[Place], tiers: &[Node]) {
    let Some(home) = places.iter().find(|place| place.home) else {
        return;
    };
    let only_there = |node: &&Node| {
        matches!(
            node.name.as_str(),
            "cache" | "pooler" | "database" | "command_side" | "log" | "projections"
        )
    };
    let rects = tiers.iter().filter(only_there).map(|node| node.rect);
    let Some(around) = rects.reduce(Rect::union) else {
        return;
    };
    let (theme, scale) = (view.theme, view.scale);
    let around = around.expand2(vec2(7.0, 13.0) * scale);
    let color = if home.lost { theme.bad } else { theme.faint };
    let corners = [
        around.left_top(),
        around.right_top(),
        around.right_bottom(),
        around.left_bottom(),
    ];
    for (from, to) in corners.into_iter().zip(corners.into_iter().cycle().skip(1)) {
        paint::dashed(ui.painter(), from, to, Stroke::new(1.0, color));
    }
    let words = if home.lost {
        format!("home region {}: lost", home.name)
    } else {
        format!("home region {}", home.name)
    };
    paint::text(
        ui.painter(),
        around.left_top() - vec2(0.0, 3.0 * scale),
        Align2::LEFT_BOTTOM,
        &words,
        view.font(12.0),
        if home.lost { theme.bad } else { theme.muted },
        around.width(),
    );
}
