//! What gives way first, and at about which load.
//!
//! Every resource has a demand that grows as users^e: e = 1 where messages are routed to members, e = 2 where every user
//! reaches all others (channels that grow with the population, see [`delivery_growth`]). A resource at utilisation u, of
//! which f does not depend on the load, is full at users · ((1 − f) / (u − f))^(1/e). The smallest of these is the estimate;
//! it does not know that latency suffers before a resource is full.

use crate::report::{Bottleneck, BreaksAt, Estimate, TierReport};
use crate::scenario::{Members, Per, Scenario, Tier};
use std::collections::BTreeMap;

/// The growth exponent of deliveries with users.
#[must_use]
pub fn delivery_growth(scenario: &Scenario) -> f64 {
    let grows = matches!(
        scenario.channels.members,
        Members::Everyone | Members::Random { .. }
    );
    let per_user = scenario
        .traffic
        .publish
        .as_ref()
        .is_some_and(|publish| publish.rate.per == Per::User);
    if grows && per_user { 2.0 } else { 1.0 }
}

/// One resource of one tier.
#[derive(Clone, Debug)]
struct Full<'a> {
    tier: Tier,
    resource: &'a str,
    instance: u32,
    utilization: f64,
    breaks_at: f64,
}

/// The fullest resource, and the load at which the first one is full.
#[must_use]
pub fn first_to_give_way(
    scenario: &Scenario,
    tiers: &BTreeMap<String, TierReport>,
) -> (Option<Bottleneck>, Option<BreaksAt>) {
    let mut all: Vec<Full<'_>> = Vec::new();
    for tier in Tier::ALL {
        let Some(report) = tiers.get(tier.name()) else {
            continue;
        };
        for (resource, utilization) in &report.utilization {
            let fixed = fixed_share(scenario, tier, resource);
            let variable = utilization.hottest - fixed;
            if variable <= 0.0 {
                continue;
            }
            let growth = match (tier, resource.as_str()) {
                (Tier::ConnectionServers | Tier::LoadBalancer, "cpu" | "bandwidth") => {
                    delivery_growth(scenario)
                }
                _ => 1.0,
            };
            let factor = libm::pow((1.0 - fixed) / variable, 1.0 / growth);
            all.push(Full {
                tier,
                resource,
                instance: utilization.instance,
                utilization: utilization.hottest,
                breaks_at: f64::from(scenario.load.users) * factor,
            });
        }
    }
    let Some(first) = all
        .iter()
        .min_by(|a, b| a.breaks_at.total_cmp(&b.breaks_at))
    else {
        return (None, None);
    };
    let bottleneck = Bottleneck {
        tier: first.tier.name().to_owned(),
        resource: first.resource.to_owned(),
        instance: first.instance,
        utilization: first.utilization,
        evidence: evidence(first, tiers),
    };
    let breaks_at = BreaksAt {
        users: Estimate::point(libm::round(first.breaks_at)),
        limit: format!("{}.{}", first.tier.name(), first.resource),
        estimate: true,
    };
    (Some(bottleneck), Some(breaks_at))
}

fn evidence(full: &Full<'_>, tiers: &BTreeMap<String, TierReport>) -> String {
    let percent = full.utilization * 100.0;
    let queue = tiers
        .get(full.tier.name())
        .map_or(0.0, |tier| tier.queue.mean);
    let what = match full.resource {
        "pool" => "of the pool's connections are in use".to_owned(),
        "connections" => "of the connections it can hold are open".to_owned(),
        "accept" => "of the new connections it can take arrive".to_owned(),
        resource => format!("of its {resource} is in use"),
    };
    let which = if tiers
        .get(full.tier.name())
        .is_some_and(|tier| tier.instances > 1)
    {
        format!(" at instance {}, the fullest", full.instance)
    } else {
        String::new()
    };
    format!("{percent:.1} % {what}{which}; {queue:.2} jobs wait on average")
}

/// The part of a resource that is in use without any users.
fn fixed_share(scenario: &Scenario, tier: Tier, resource: &str) -> f64 {
    let servers = &scenario.design.connection_servers;
    match (tier, resource) {
        (Tier::ConnectionServers, "memory") => {
            servers.profile.base_memory_bytes as f64 / servers.machine.memory_bytes.max(1) as f64
        }
        (Tier::ConnectionServers, "descriptors") => {
            f64::from(servers.profile.reserved_descriptors) / f64::from(servers.descriptors.max(1))
        }
        _ => 0.0,
    }
}
