//! Every resource and policy of a design, changed by one step.
//!
//! More instances by a fifth (at least one), the next larger machine of the same family, half as much again of a pool or a
//! configured limit, every other balancer policy worth a try, the other routing modes that the design has tiers for, other
//! placements of channels, and every pattern that is off and has something to switch on. A tier that a switch has taken out of
//! the design is not changed.
//!
//! Left out: new tiers (they are designs of their own), steps down, and switching a pattern off.

use routing::balance::Policy;
use routing::placement::Placement;
use routing::pubsub::RoutingMode;

use crate::scenario::assets::assets;
use crate::scenario::{Edit, Held, Machine, Scenario};

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// `+2 connection servers`
    pub words: String,
    /// What it sets.
    pub edits: Vec<Edit>,
}

/// All changes by one step, in the order of the tiers.
#[must_use]
pub fn candidates(scenario: &Scenario) -> Vec<Candidate> {
    let mut all = Vec::new();
    if scenario.patterns.pooling {
        balancer(scenario, &mut all);
    }
    servers(scenario, &mut all);
    if scenario.patterns.pooling {
        ordering(scenario, &mut all);
    }
    database(scenario, &mut all);
    events(scenario, &mut all);
    switches(scenario, &mut all);
    all
}

fn balancer(scenario: &Scenario, all: &mut Vec<Candidate>) {
    let tier = &scenario.design.load_balancer;
    let path = "design.load_balancer";
    all.push(more(path, tier.count, "load balancer"));
    let policies = [
        (
            "LeastConnections",
            Policy::LeastConnections,
            "least connections",
        ),
        (
            "PowerOfTwo",
            Policy::Choices { d: 2 },
            "the better of two servers",
        ),
        ("RoundRobin", Policy::RoundRobin, "round robin"),
    ];
    for (name, policy, words) in policies {
        if policy != tier.policy {
            all.push(set(
                format!("{path}.policy"),
                name,
                format!("balance by {words}"),
            ));
        }
    }
}

fn servers(scenario: &Scenario, all: &mut Vec<Candidate>) {
    let tier = &scenario.design.connection_servers;
    let path = "design.connection_servers";
    if scenario.patterns.pooling {
        all.push(more(path, tier.count, "connection server"));
    }
    all.extend(larger(path, &tier.machine, "connection servers"));
    if let Some(limit) = tier.max_connections {
        let limit = half_again(limit);
        all.push(set(
            format!("{path}.max_connections"),
            limit,
            format!("{limit} connections per server"),
        ));
    }
}

fn ordering(scenario: &Scenario, all: &mut Vec<Candidate>) {
    let design = &scenario.design;
    let modes = [
        (
            "ChannelOwner",
            RoutingMode::ChannelOwner,
            design.channel_owners.is_some(),
        ),
        ("Interest", RoutingMode::Interest, design.broker.is_some()),
        ("Broadcast", RoutingMode::Broadcast, design.broker.is_some()),
    ];
    for (name, mode, possible) in modes {
        if possible && mode != design.routing {
            all.push(set(
                "design.routing".to_owned(),
                name,
                format!("route by {name}"),
            ));
        }
    }
    if let Some(owners) = &design.channel_owners {
        let path = "design.channel_owners";
        all.push(more(path, owners.count, "channel owner"));
        all.extend(larger(path, &owners.machine, "channel owners"));
        let placements = [
            ("Jump", Placement::Jump),
            ("Rendezvous", Placement::Rendezvous),
        ];
        for (name, placement) in placements {
            if placement != owners.placement {
                all.push(set(
                    format!("{path}.placement"),
                    name,
                    format!("place channels by {} hashing", name.to_lowercase()),
                ));
            }
        }
    }
    if let Some(broker) = &design.broker {
        let path = "design.broker";
        all.push(more(path, broker.count, "broker node"));
        all.extend(larger(path, &broker.machine, "broker nodes"));
        let partitions = broker.partitions.saturating_mul(2);
        all.push(set(
            format!("{path}.partitions"),
            partitions,
            format!("{partitions} partitions"),
        ));
    }
}

fn database(scenario: &Scenario, all: &mut Vec<Candidate>) {
    if let Some(database) = &scenario.design.database {
        let held = database.held.as_ref();
        connections(scenario, held, all);
        if held.is_some_and(|held| {
            held.each.is_some() || held.pooler.is_some() && scenario.patterns.pooling
        }) {
            return;
        }
        let pool = half_again(database.pool);
        all.push(set(
            "design.database.pool".to_owned(),
            pool,
            format!("a pool of {pool} connections"),
        ));
    }
}

/// More of what makes, keeps and shows events.
fn events(scenario: &Scenario, all: &mut Vec<Candidate>) {
    let own = scenario.design.sourcing.as_ref();
    let Some(own) = own.filter(|_| scenario.patterns.event_sourcing) else {
        return;
    };
    let side = &own.commands;
    all.push(more(
        "design.command_side",
        side.count,
        "command-side instance",
    ));
    all.push(more("design.log", own.log.count, "log node"));
    for one in &own.projections {
        let path = format!("design.projections.{}", one.name);
        all.push(more(&path, one.count, &format!("{} instance", one.name)));
    }
}

/// Patterns that are off, and that the design names something for.
fn switches(scenario: &Scenario, all: &mut Vec<Candidate>) {
    let (patterns, design) = (scenario.patterns, &scenario.design);
    let near = design.cache.is_some() || design.edge.is_some() || design.regions.is_some();
    let many = design.connection_servers.count > 1;
    let switches = [
        (patterns.pooling, many, "pooling", "Pooling & balancing on"),
        (
            patterns.sharding,
            design.shards.is_some(),
            "sharding",
            "Sharding on",
        ),
        (
            patterns.caching_and_edge,
            near,
            "caching_and_edge",
            "Caching & edge on",
        ),
    ];
    for (on, possible, name, words) in switches {
        if !on && possible {
            all.push(set(format!("patterns.{name}"), "On", words.to_owned()));
        }
    }
}

/// Connections that not all share: as they are held in effect.
fn connections(scenario: &Scenario, held: Option<&Held>, all: &mut Vec<Candidate>) {
    let Some(held) = held else { return };
    let path = "design.database";
    let mut raised = |field: &str, value: Option<u32>, words: &str| {
        if let Some(value) = value.map(half_again) {
            let words = format!("{words} {value} connections");
            all.push(set(format!("{path}.{field}"), value, words));
        }
    };
    raised("max_connections", held.limit, "a database that takes");
    let pooler = held.pooler.as_ref().filter(|_| scenario.patterns.pooling);
    if let Some(pooler) = pooler {
        raised("pooler.pool", Some(pooler.pool), "poolers with");
        if pooler.session {
            all.push(set(
                format!("{path}.pooler.mode"),
                "Transaction",
                "poolers that share connections by transaction".to_owned(),
            ));
        }
        all.push(more(
            &format!("{path}.pooler"),
            pooler.count,
            "connection pooler",
        ));
    } else {
        raised("per_server", held.each, "servers with");
    }
}

fn set(path: String, value: impl ToString, words: String) -> Candidate {
    Candidate {
        words,
        edits: vec![Edit::Set {
            path,
            value: value.to_string(),
        }],
    }
}

fn more(path: &str, count: u32, noun: &str) -> Candidate {
    let step = count.div_ceil(5).max(1);
    let plural = if step == 1 { "" } else { "s" };
    set(
        format!("{path}.count"),
        count.saturating_add(step),
        format!("+{step} {noun}{plural}"),
    )
}

fn half_again(value: u32) -> u32 {
    value.saturating_add(value.div_ceil(2))
}

/// The next larger machine of the same family.
fn larger(path: &str, machine: &Machine, what: &str) -> Option<Candidate> {
    let next = neighbour(machine, true)?;
    Some(set(
        format!("{path}.machine"),
        &next.name,
        format!("{what} on {}", next.name),
    ))
}

/// The next larger or smaller machine of the same family.
#[must_use]
pub fn neighbour(machine: &Machine, larger: bool) -> Option<&'static Machine> {
    let (family, _) = machine.name.split_once('.')?;
    let family = assets()
        .machine_names()
        .filter(|name| name.split_once('.').is_some_and(|(f, _)| f == family))
        .filter_map(|name| assets().machine(name));
    if larger {
        let above = family.filter(|other| other.cores > machine.cores);
        above.min_by_key(|other| other.cores)
    } else {
        let below = family.filter(|other| other.cores < machine.cores);
        below.max_by_key(|other| other.cores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_str;

    #[test]
    fn every_candidate_of_every_tier_is_a_valid_scenario() {
        let text = include_str!("../../../presets/team-chat.ron");
        let scenario = load_str(text, "team-chat.ron", &[]).unwrap();
        let all = candidates(&scenario);
        let words: Vec<&str> = all.iter().map(|c| c.words.as_str()).collect();
        for expected in [
            "+2 connection servers",
            "connection servers on c7g.2xlarge",
            "+1 channel owner",
            "a pool of 150 connections",
            "75000 connections per server",
            "place channels by jump hashing",
            "Sharding on",
            "Caching & edge on",
        ] {
            assert!(
                words.contains(&expected),
                "{expected} is missing in {words:?}"
            );
        }
        for candidate in &all {
            let changed = load_str(text, "team-chat.ron", &candidate.edits);
            assert!(
                changed.is_ok_and(|changed| changed.hash() != scenario.hash()),
                "{candidate:?}"
            );
        }
    }

    #[test]
    fn what_is_switched_off_is_not_changed() {
        let text = include_str!("../../../presets/p1-mvp.ron");
        let scenario = load_str(text, "p1-mvp.ron", &[]).unwrap();
        let all = candidates(&scenario);
        let words: Vec<&str> = all.iter().map(|c| c.words.as_str()).collect();
        assert_eq!(
            words,
            [
                "connection servers on c7g.xlarge",
                "a pool of 30 connections"
            ]
        );
    }
}
