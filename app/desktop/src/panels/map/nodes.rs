//! Where the shapes of the map stand, and what they say.

use egui::{Rect, pos2, vec2};
use sim_core::report::TierReport;
use sim_core::scenario::{Scenario, Tier, channel_name, pooler, tiers_of};
use sim_core::system::TierHeat;

use super::regions::{self, Place};
use crate::view_ctx::ViewCtx;
use crate::{format, words};

/// Regions drawn one by one; the rest share a shape.
const REGIONS: usize = 5;

/// One shape.
pub struct Node {
    /// Name in the report.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// How many, of what.
    pub note: String,
    /// Where it stands.
    pub rect: Rect,
    /// Cards drawn on top of each other, 1..=3.
    pub stacked: usize,
    /// Fullest resource and how full it is.
    pub fullest: Option<(String, f64)>,
    /// Mean queue length.
    pub queue: f64,
    /// Of what a cache was asked for, how much it answered.
    pub hits: Option<f64>,
    /// How full each instance was lately; none for one service and before there is something.
    pub heat: Option<TierHeat>,
}

/// What is on the map.
pub struct Layout {
    /// Where users are, in a column on the left.
    pub places: Vec<Node>,
    /// The way of messages and questions, in a row beside them.
    pub tiers: Vec<Node>,
    /// The way of assets, in a row below: points of presence near the users, then the origin.
    pub web: Vec<Node>,
    /// The regions of the design, if there are several.
    pub regions: Vec<Place>,
}

/// Everything in its place.
pub fn lay_out(view: &ViewCtx<'_>, area: Rect) -> Layout {
    let scale = view.scale;
    let told = view.any_report().and_then(|report| report.regions.as_ref());
    let regions = regions::places(&view.frame.scenario, told);
    let is_web = |node: &Node| matches!(node.name.as_str(), "edge" | "origin");
    let (web, tiers): (Vec<Node>, Vec<Node>) = tiers(view).into_iter().partition(is_web);
    let columns = tiers.len() as f32;
    let gap = (area.width() * 0.046).clamp(52.0 * scale, 120.0 * scale);
    let stack = 8.0 * scale;
    let left = (146.0 * scale).min(area.width() * 0.16);
    let card = ((area.width() - left - columns * gap - stack) / columns).clamp(60.0, 210.0 * scale);
    let spare = (area.width() - left - stack - columns * (gap + card)).max(0.0);
    let gap = gap + (spare / columns).min(60.0 * scale);
    let width = left + columns * (gap + card) + stack;
    let origin = area.center().x - width / 2.0;
    let (upper, lower) = rows(area, scale, !web.is_empty());
    let column = |index: usize| origin + left + gap + index as f32 * (card + gap);
    let (middle, height) = upper;
    let extra = extra_height(&regions, middle, height, area, scale);
    let place = |nodes: Vec<Node>, (middle, height): (f32, f32)| -> Vec<Node> {
        let placed = nodes.into_iter().enumerate().map(|(index, mut node)| {
            let extra = if node.name == "connection_servers" {
                extra
            } else {
                0.0
            };
            let size = vec2(card, height + extra);
            node.rect = Rect::from_min_size(pos2(column(index), middle - size.y / 2.0), size);
            node
        });
        placed.collect()
    };
    let legend = 28.0 * scale;
    let users = if web.is_empty() {
        middle
    } else {
        area.center().y - legend / 2.0
    };
    Layout {
        places: users_places(
            view,
            pos2(origin, users),
            vec2(left, area.height() - legend),
        ),
        tiers: place(tiers, upper),
        web: place(web, lower),
        regions,
    }
}

/// Middle and height of the row of messages and of the row of assets.
fn rows(area: Rect, scale: f32, two: bool) -> ((f32, f32), (f32, f32)) {
    let (center, all) = (area.center().y, area.height());
    if !two {
        let height = (all - 76.0 * scale).clamp(96.0 * scale, 150.0 * scale);
        return ((center - 4.0 * scale, height), (center, 0.0));
    }
    let height = ((all - 78.0 * scale) / 2.0).clamp(84.0 * scale, 132.0 * scale);
    let apart = height + 34.0 * scale;
    let upper = center - apart / 2.0 - 6.0 * scale;
    ((upper, height), (upper + apart, height))
}

/// Height that the card of connection servers needs for its regions, as far as there is room.
fn extra_height(regions: &[Place], middle: f32, height: f32, area: Rect, scale: f32) -> f32 {
    if regions.is_empty() {
        return 0.0;
    }
    let room = 2.0 * (middle - area.top()).min(area.bottom() - middle) - 44.0 * scale;
    let wanted = 25.0 * scale * regions.len() as f32 - 14.0 * scale;
    wanted.min(room - height).max(0.0)
}

fn users_places(view: &ViewCtx<'_>, left_middle: egui::Pos2, space: egui::Vec2) -> Vec<Node> {
    let scenario = &view.frame.scenario;
    let users = f64::from(view.state.users);
    // The last shape is for the rest, unless the rest is one.
    let shown = match scenario.load.places.len() {
        all if all <= REGIONS => all,
        _ => REGIONS - 1,
    };
    let mut nodes: Vec<(String, f64)> = scenario
        .load
        .places
        .iter()
        .take(shown)
        .map(|(region, share)| (region.0.clone(), *share))
        .collect();
    let rest: f64 = scenario
        .load
        .places
        .iter()
        .skip(shown)
        .map(|(_, share)| share)
        .sum();
    if rest > 0.0 {
        nodes.push((
            format!("{} more regions", scenario.load.places.len() - shown),
            rest,
        ));
    }
    let pitch = (space.y / nodes.len().max(1) as f32).min(58.0 * view.scale);
    let height = (pitch - 8.0 * view.scale).clamp(20.0, 42.0 * view.scale);
    let top = left_middle.y - pitch * nodes.len() as f32 / 2.0;
    nodes
        .into_iter()
        .enumerate()
        .map(|(index, (title, share))| {
            let y = top + pitch * (index as f32 + 0.5) - height / 2.0;
            Node {
                name: title.clone(),
                title,
                note: format!("{} {}", format::count(users * share), scenario.load.unit),
                rect: Rect::from_min_size(pos2(left_middle.x, y), vec2(space.x, height)),
                stacked: 1,
                fullest: None,
                queue: 0.0,
                hits: None,
                heat: None,
            }
        })
        .collect()
}

/// The tiers of the report; before there is one, those of the design.
fn tiers(view: &ViewCtx<'_>) -> Vec<Node> {
    let scenario = &view.frame.scenario;
    let Some(report) = view.any_report() else {
        return designed(scenario)
            .into_iter()
            .map(|tier| node(view, tier.name(), None))
            .collect();
    };
    let mut tiers: Vec<(&String, &TierReport)> = report.tiers.iter().collect();
    tiers.sort_by_key(|(_, tier)| tier.order);
    tiers
        .into_iter()
        .map(|(name, tier)| node(view, name, Some(tier)))
        .collect()
}

fn designed(scenario: &Scenario) -> Vec<Tier> {
    tiers_of(&scenario.effective_design())
}

fn node(view: &ViewCtx<'_>, name: &str, tier: Option<&TierReport>) -> Node {
    let scenario = &view.frame.scenario;
    let (count, machine) = machines(scenario, name);
    let count = tier.map_or(count, |tier| tier.instances);
    Node {
        name: name.to_owned(),
        title: words::capitalized(&words::tier_title(name)),
        note: machine.map_or_else(
            || format!("{count} ×"),
            |machine| format!("{count} × {machine}"),
        ),
        hits: tier.and_then(|tier| tier.hit_ratio),
        rect: Rect::NOTHING,
        stacked: count.clamp(1, 3) as usize,
        fullest: tier
            .and_then(words::fullest)
            .map(|(resource, share)| (resource.to_owned(), share)),
        queue: tier.map_or(0.0, |tier| tier.queue.mean),
        heat: view.frame.heat.get(name).cloned(),
    }
}

/// How many, on what.
fn machines(scenario: &Scenario, name: &str) -> (u32, Option<String>) {
    let design = scenario.effective_design();
    let of = |count: u32, machine: sim_core::scenario::Machine| (count, Some(machine.name));
    let found = match Tier::ALL.into_iter().find(|tier| tier.name() == name) {
        Some(Tier::LoadBalancer) => Some((design.load_balancer.count, Some("managed".to_owned()))),
        Some(Tier::ConnectionServers) => Some(of(
            design.connection_servers.count,
            design.connection_servers.machine,
        )),
        Some(Tier::ChannelOwners) => design
            .channel_owners
            .map(|owners| of(owners.count, owners.machine)),
        Some(Tier::Broker) => design.broker.map(|broker| of(broker.count, broker.machine)),
        Some(Tier::Cache) => design.cache.map(|cache| of(cache.count, cache.machine)),
        Some(Tier::Pooler) => pooler(&design).map(|pooler| {
            let machine = pooler.machine.as_ref();
            (pooler.count, machine.map(|machine| machine.name.clone()))
        }),
        Some(Tier::Database) => {
            let count = design.shards.map_or(1, |shards| shards.count);
            design.database.map(|database| of(count, database.machine))
        }
        Some(Tier::Replicas) => design.database.map(|database| of(1, database.machine)),
        Some(Tier::Edge) => design
            .edge
            .map(|edge| (edge.places.len() as u32, Some("managed".to_owned()))),
        Some(Tier::Origin) => design.origin.map(|origin| of(origin.count, origin.machine)),
        Some(Tier::Documents) => design.documents.map(|tier| of(tier.count, tier.machine)),
        Some(Tier::CommandSide) => design
            .sourcing
            .map(|own| of(own.commands.count, own.commands.machine)),
        Some(Tier::Log) => design
            .sourcing
            .map(|own| of(own.log.count, own.log.machine)),
        Some(Tier::Projections) => design.sourcing.and_then(|own| {
            let count = own.instances();
            let first = own.projections.into_iter().next()?;
            Some(of(count, first.machine))
        }),
        Some(Tier::Stock) => design.stock.map(|stock| of(stock.count, stock.machine)),
        Some(Tier::MatchingEngine) => design.matching.map(|own| of(own.count, own.machine)),
        Some(Tier::Notifications) => design.notifications.map(|own| of(own.count, own.machine)),
        Some(Tier::Providers) => {
            let of = design.providers.iter().map(|own| channel_name(own.channel));
            let names: Vec<&str> = of.collect();
            Some((names.len() as u32, Some(names.join(", ").replace('_', "-"))))
        }
        None => None,
    };
    found.unwrap_or((1, None))
}
