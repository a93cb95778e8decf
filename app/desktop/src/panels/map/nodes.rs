//! Where the shapes of the map stand, and what they say.

use egui::{Rect, pos2, vec2};
use sim_core::report::TierReport;
use sim_core::scenario::{Scenario, Tier};

use crate::view_ctx::ViewCtx;
use crate::{format, words};

/// Regions drawn one by one; the rest share a shape.
const REGIONS: usize = 4;

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
}

/// Regions in a column on the left, tiers in a row beside them.
pub fn lay_out(view: &ViewCtx<'_>, area: Rect) -> (Vec<Node>, Vec<Node>) {
    let scale = view.scale;
    let tiers = tiers(view);
    let columns = tiers.len() as f32;
    let gap = (area.width() * 0.06).clamp(52.0 * scale, 120.0 * scale);
    let stack = 8.0 * scale;
    let left = (150.0 * scale).min(area.width() * 0.16);
    let card = ((area.width() - left - columns * gap - stack) / columns).clamp(60.0, 210.0 * scale);
    let height = (area.height() - 76.0 * scale).clamp(96.0 * scale, 150.0 * scale);
    let spare = (area.width() - left - stack - columns * (gap + card)).max(0.0);
    let gap = gap + (spare / columns).min(60.0 * scale);
    let width = left + columns * (gap + card) + stack;
    let origin = area.center().x - width / 2.0;
    let middle = area.center().y - 4.0 * scale;
    let placed = tiers
        .into_iter()
        .enumerate()
        .map(|(index, mut node)| {
            let x = origin + left + gap + index as f32 * (card + gap);
            node.rect = Rect::from_min_size(pos2(x, middle - height / 2.0), vec2(card, height));
            node
        })
        .collect();
    (
        regions(view, pos2(origin, middle), vec2(left, area.height())),
        placed,
    )
}

fn regions(view: &ViewCtx<'_>, left_middle: egui::Pos2, space: egui::Vec2) -> Vec<Node> {
    let scenario = &view.frame.scenario;
    let users = f64::from(view.state.users);
    let mut nodes: Vec<(String, f64)> = scenario
        .load
        .places
        .iter()
        .take(REGIONS)
        .map(|(region, share)| (region.0.clone(), *share))
        .collect();
    let rest: f64 = scenario
        .load
        .places
        .iter()
        .skip(REGIONS)
        .map(|(_, share)| share)
        .sum();
    if rest > 0.0 {
        nodes.push((
            format!("{} more regions", scenario.load.places.len() - REGIONS),
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
            .map(|tier| node(scenario, tier.name(), None))
            .collect();
    };
    let mut tiers: Vec<(&String, &TierReport)> = report.tiers.iter().collect();
    tiers.sort_by_key(|(_, tier)| tier.order);
    tiers
        .into_iter()
        .map(|(name, tier)| node(scenario, name, Some(tier)))
        .collect()
}

fn designed(scenario: &Scenario) -> Vec<Tier> {
    let design = scenario.effective_design();
    Tier::ALL
        .into_iter()
        .filter(|tier| match tier {
            Tier::LoadBalancer | Tier::ConnectionServers => true,
            Tier::ChannelOwners => design.channel_owners.is_some(),
            Tier::Broker => design.broker.is_some(),
            Tier::Cache => design.cache.is_some(),
            Tier::Database => design.database.is_some(),
            Tier::Replicas => design.replicas.is_some(),
            Tier::Edge => design.edge.is_some(),
            Tier::Origin => design.origin.is_some(),
        })
        .collect()
}

fn node(scenario: &Scenario, name: &str, tier: Option<&TierReport>) -> Node {
    let (count, machine) = machines(scenario, name);
    let count = tier.map_or(count, |tier| tier.instances);
    Node {
        name: name.to_owned(),
        title: capitalized(&words::tier_title(name)),
        note: machine.map_or_else(
            || format!("{count} ×"),
            |machine| format!("{count} × {machine}"),
        ),
        rect: Rect::NOTHING,
        stacked: count.clamp(1, 3) as usize,
        fullest: tier
            .and_then(words::fullest)
            .map(|(resource, share)| (resource.to_owned(), share)),
        queue: tier.map_or(0.0, |tier| tier.queue.mean),
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
        Some(Tier::Database) => {
            let count = design.shards.map_or(1, |shards| shards.count);
            design.database.map(|database| of(count, database.machine))
        }
        Some(Tier::Replicas) => design.database.map(|database| of(1, database.machine)),
        Some(Tier::Edge) => design
            .edge
            .map(|edge| (edge.places.len() as u32, Some("managed".to_owned()))),
        Some(Tier::Origin) => design.origin.map(|origin| of(origin.count, origin.machine)),
        None => None,
    };
    found.unwrap_or((1, None))
}

fn capitalized(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
