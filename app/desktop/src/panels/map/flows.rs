//! What flows between the shapes: an arrow there, an arrow back, their rates, and particles in one mesh.

use egui::{Align2, Color32, Mesh, Painter, Pos2, Rect, Shape, Stroke, Ui, pos2, vec2};
use sim_core::report::RunReport;

use super::nodes::{Layout, Node};
use crate::view_ctx::ViewCtx;
use crate::{format, paint};

/// Points a particle moves per second.
const PARTICLE_SPEED: f64 = 46.0;
/// Distance between the way there and the way back.
const LANES: f32 = 10.0;

/// One arrow.
struct Flow {
    from: Pos2,
    to: Pos2,
    per_s: f64,
    color: Color32,
}

/// Rates on the map, per simulated second.
struct Rates {
    requests: f64,
    deliveries: f64,
    publishes: f64,
    /// Edits to the owners of their documents.
    edits: f64,
    /// To the cache.
    looked_up: f64,
    /// To the database: all of it, or what the cache does not answer.
    queries: f64,
    /// What is asked for by HTTP, of the points of presence or of the origin itself.
    assets: f64,
    /// To the origin of assets.
    to_origin: f64,
    /// To the stock.
    purchases: f64,
    /// To the matching engines.
    orders: f64,
    /// To the notification service.
    notifications: f64,
}

/// Arrows below the cards, so that nothing runs across a word.
pub fn show(ui: &Ui, view: &ViewCtx<'_>, map: &Layout) {
    let (places, tiers) = (&map.places, &map.tiers);
    let Some(first) = tiers.first() else { return };
    let rates = view.report().map(|report| rates(report, view));
    let known = rates.as_ref();
    let (there, back) = (view.theme.series(0), view.theme.series(1));
    let lane = LANES * view.scale / 2.0;
    let mut flows = Vec::new();
    let share = 1.0 / places.len().max(1) as f64;
    let entry = pos2(first.rect.left(), first.rect.center().y);
    for place in places {
        let from = pos2(place.rect.right(), place.rect.center().y);
        pair(
            &mut flows,
            from,
            entry,
            lane,
            known.map(|rates| (rates.requests * share, rates.deliveries * share)),
            [there, back],
        );
    }
    if let Some(web) = map.web.first() {
        let entry = pos2(web.rect.left(), web.rect.center().y);
        for place in places {
            let from = pos2(place.rect.right(), place.rect.center().y);
            let each = known.map(|rates| (rates.assets * share, rates.assets * share));
            pair(&mut flows, from, entry, lane, each, [there, back]);
        }
    }
    let steps = |row: &'_ [Node]| -> Vec<(Pos2, Pos2, String)> {
        let pairs = row.iter().zip(row.iter().skip(1));
        let ends = pairs.map(|(one, next)| {
            let from = pos2(exit(view, one), one.rect.center().y);
            let to = pos2(next.rect.left(), next.rect.center().y);
            (from, to, next.name.clone())
        });
        ends.collect()
    };
    for (from, to, next) in steps(tiers).into_iter().chain(steps(&map.web)) {
        let rates = known.map(|rates| match next.as_str() {
            "connection_servers" => (rates.requests, rates.deliveries),
            "cache" => (rates.looked_up, rates.looked_up),
            "pooler" | "database" | "projections" => (rates.queries, rates.queries),
            "origin" => (rates.to_origin, rates.to_origin),
            "documents" => (rates.edits, rates.edits),
            "stock" => (rates.purchases, rates.purchases),
            "matching_engine" => (rates.orders, rates.orders),
            "notifications" | "providers" => (rates.notifications, 0.0),
            _ => (rates.publishes, rates.publishes),
        });
        pair(&mut flows, from, to, lane, rates, [there, back]);
        label(ui.painter(), view, from, to, &next, known);
    }
    for flow in &flows {
        arrow(
            ui.painter(),
            view,
            flow.from,
            flow.to,
            flow.color.gamma_multiply(0.45),
        );
    }
    particles(ui.painter(), view, &flows);
}

/// Right edge of a shape, cards behind it included.
fn exit(view: &ViewCtx<'_>, node: &Node) -> f32 {
    node.rect.right() + super::STACK * view.scale * (node.stacked - 1) as f32
}

/// What the two colours of arrows mean.
pub fn legend(ui: &Ui, view: &ViewCtx<'_>, area: Rect) {
    let (painter, scale) = (ui.painter(), view.scale);
    let mut at = area.left_bottom() + vec2(0.0, -8.0 * scale);
    for (index, words) in ["requests", "answers and deliveries"]
        .into_iter()
        .enumerate()
    {
        let line = [at, at + vec2(18.0 * scale, 0.0)];
        let ends = if index == 0 { line } else { [line[1], line[0]] };
        let color = view.theme.series(index);
        arrow(painter, view, ends[0], ends[1], color);
        let beside = at + vec2(24.0 * scale, 0.0);
        let (font, color) = (view.font(11.5), view.theme.muted);
        let width = area.width() / 3.0;
        let rect = paint::text(
            painter,
            beside,
            Align2::LEFT_CENTER,
            words,
            font,
            color,
            width,
        );
        at.x = rect.right() + 18.0 * scale;
    }
}

fn rates(report: &RunReport, view: &ViewCtx<'_>) -> Rates {
    let offered = |name: &str| {
        report
            .operations
            .get(name)
            .map_or(0.0, |operation| operation.offered_per_s)
    };
    let delivered: f64 = report
        .operations
        .values()
        .map(|operation| operation.deliveries_per_s)
        .sum();
    let (publish, presence, query) = (offered("publish"), offered("presence"), offered("query"));
    let per_message = view
        .frame
        .scenario
        .traffic
        .publish
        .as_ref()
        .map_or(0, |publish| publish.queries);
    let (command, edits) = (offered("command"), offered("edit"));
    let (purchases, orders) = (offered("reserve"), offered("order"));
    let cache = report.tiers.get("cache");
    let asked = |name: &str, over_s: f64| {
        let tier = report.tiers.get(name);
        let asked = tier.and_then(|tier| tier.counters.get("requests"));
        asked.map(|&asked| asked as f64 / over_s.max(1e-9))
    };
    // The origin counts from the start, the points of presence what was measured.
    let to_origin = asked("origin", report.warmup_s + report.simulated_s).unwrap_or(0.0);
    let missed = 1.0 - cache.and_then(|tier| tier.hit_ratio).unwrap_or(0.0);
    Rates {
        requests: publish + presence + query + command + edits + purchases + orders,
        deliveries: delivered + query + command + purchases + orders,
        publishes: publish + presence,
        edits,
        looked_up: query,
        queries: query * missed + command + publish * f64::from(per_message),
        assets: asked("edge", report.simulated_s).unwrap_or(to_origin),
        to_origin,
        purchases,
        orders,
        notifications: offered("notify"),
    }
}

fn pair(
    flows: &mut Vec<Flow>,
    from: Pos2,
    to: Pos2,
    lane: f32,
    rates: Option<(f64, f64)>,
    colors: [Color32; 2],
) {
    let (there, back) = rates.unwrap_or((0.0, 0.0));
    let shift = vec2(0.0, lane);
    flows.push(Flow {
        from: from - shift,
        to: to - shift,
        per_s: there,
        color: colors[0],
    });
    flows.push(Flow {
        from: to + shift,
        to: from + shift,
        per_s: back,
        color: colors[1],
    });
}

fn label(
    painter: &Painter,
    view: &ViewCtx<'_>,
    from: Pos2,
    to: Pos2,
    next: &str,
    rates: Option<&Rates>,
) {
    let Some(rates) = rates else { return };
    let words = match next {
        "connection_servers" => [format::rate(rates.requests), format::rate(rates.deliveries)],
        "cache" => [format::rate(rates.looked_up), String::new()],
        "pooler" | "database" | "projections" => [format::rate(rates.queries), String::new()],
        "origin" => [format::rate(rates.to_origin), String::new()],
        "documents" => [format::rate(rates.edits), String::new()],
        "stock" => [format::rate(rates.purchases), String::new()],
        "matching_engine" => [format::rate(rates.orders), String::new()],
        "notifications" | "providers" => [format::rate(rates.notifications), String::new()],
        _ => [format::rate(rates.publishes), String::new()],
    };
    let row = Rect::from_two_pos(from, to).expand2(vec2(0.0, 1.0));
    labels(
        painter,
        view,
        (from.x + to.x) / 2.0,
        to.x - from.x + 8.0 * view.scale,
        &row,
        &words,
    );
}

/// The rate there above the lanes, the rate back below.
fn labels(
    painter: &Painter,
    view: &ViewCtx<'_>,
    x: f32,
    width: f32,
    row: &Rect,
    words: &[String; 2],
) {
    let off = (LANES / 2.0 + 6.0) * view.scale;
    let y = row.center().y;
    let font = || view.font(11.5);
    let (there, back) = (view.theme.series(0), view.theme.series(1));
    paint::text(
        painter,
        pos2(x, y - off),
        Align2::CENTER_BOTTOM,
        &words[0],
        font(),
        there,
        width,
    );
    paint::text(
        painter,
        pos2(x, y + off),
        Align2::CENTER_TOP,
        &words[1],
        font(),
        back,
        width,
    );
}

fn arrow(painter: &Painter, view: &ViewCtx<'_>, from: Pos2, to: Pos2, color: Color32) {
    let along = (to - from).normalized();
    let size = 5.0 * view.scale;
    let across = along.rot90() * size * 0.6;
    let tip = to - along * 2.0;
    let line = [from + along * 2.0, tip - along * size];
    painter.line_segment(line, Stroke::new(1.2 * view.scale, color));
    let head = vec![
        tip,
        tip - along * size + across,
        tip - along * size - across,
    ];
    painter.add(Shape::convex_polygon(head, color, Stroke::NONE));
}

/// Small squares along every arrow: more where more flows, on a logarithmic scale. One mesh.
fn particles(painter: &Painter, view: &ViewCtx<'_>, flows: &[Flow]) {
    let mut mesh = Mesh::default();
    let half = 1.9 * view.scale;
    for (index, flow) in flows.iter().enumerate() {
        let length = f64::from((flow.to - flow.from).length());
        if flow.per_s <= 0.0 || length < 12.0 {
            continue;
        }
        let most = (length / 9.0).floor().max(1.0);
        let count = ((1.0 + flow.per_s).log10() * 1.6).ceil().clamp(1.0, most) as usize;
        let moved = view.state.moved_s * PARTICLE_SPEED * f64::from(view.scale) / length;
        for number in 0..count {
            let place = (moved + number as f64 / count as f64 + index as f64 * 0.37).fract() as f32;
            let center = flow.from + (flow.to - flow.from) * (0.04 + 0.86 * place);
            mesh.add_colored_rect(
                Rect::from_center_size(center, vec2(half * 2.0, half * 2.0)),
                flow.color,
            );
        }
    }
    painter.add(mesh);
}
