//! What can be changed about a tier with one click: how many, on what machine, and whether it is there at all.
//!
//! Numbers of a tier that is added are those of a preset and marked as assumed.

use sim_core::experiment::candidates::neighbour;
use sim_core::scenario::{Design, Machine, Scenario, Tier};

use crate::words;

/// Something to change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// In words.
    pub title: String,
    /// Paths and values.
    pub fields: Vec<(String, String)>,
}

/// How many there are of a tier, and where that is said.
pub fn count(design: &Design, tier: Tier) -> Option<(&'static str, u32)> {
    Some(match tier {
        Tier::LoadBalancer => ("design.load_balancer.count", design.load_balancer.count),
        Tier::ConnectionServers => (
            "design.connection_servers.count",
            design.connection_servers.count,
        ),
        Tier::ChannelOwners => (
            "design.channel_owners.count",
            design.channel_owners.as_ref()?.count,
        ),
        Tier::Broker => ("design.broker.count", design.broker.as_ref()?.count),
        Tier::Cache => ("design.cache.count", design.cache.as_ref()?.count),
        Tier::Database => ("design.shards.count", design.shards.as_ref()?.count),
        Tier::Replicas => ("design.replicas.count", design.replicas.as_ref()?.count),
        Tier::Origin => ("design.origin.count", design.origin.as_ref()?.count),
        Tier::Pooler => {
            let held = design.database.as_ref()?.held.as_ref()?;
            ("design.database.pooler.count", held.pooler.as_ref()?.count)
        }
        Tier::Documents => ("design.documents.count", design.documents.as_ref()?.count),
        Tier::CommandSide => (
            "design.command_side.count",
            design.sourcing.as_ref()?.commands.count,
        ),
        Tier::Log => ("design.log.count", design.sourcing.as_ref()?.log.count),
        Tier::Stock => ("design.stock.count", design.stock.as_ref()?.count),
        Tier::MatchingEngine => ("design.matching.count", design.matching.as_ref()?.count),
        Tier::Notifications => (
            "design.notifications.count",
            design.notifications.as_ref()?.count,
        ),
        Tier::Projections | Tier::Edge | Tier::Providers => return None,
    })
}

fn machine(design: &Design, tier: Tier) -> Option<(&'static str, &Machine)> {
    Some(match tier {
        Tier::ConnectionServers => (
            "design.connection_servers.machine",
            &design.connection_servers.machine,
        ),
        Tier::ChannelOwners => (
            "design.channel_owners.machine",
            &design.channel_owners.as_ref()?.machine,
        ),
        Tier::Broker => ("design.broker.machine", &design.broker.as_ref()?.machine),
        Tier::Cache => ("design.cache.machine", &design.cache.as_ref()?.machine),
        Tier::Database => (
            "design.database.machine",
            &design.database.as_ref()?.machine,
        ),
        Tier::Origin => ("design.origin.machine", &design.origin.as_ref()?.machine),
        Tier::Documents => (
            "design.documents.machine",
            &design.documents.as_ref()?.machine,
        ),
        Tier::CommandSide => (
            "design.command_side.machine",
            &design.sourcing.as_ref()?.commands.machine,
        ),
        Tier::Log => ("design.log.machine", &design.sourcing.as_ref()?.log.machine),
        Tier::Stock => ("design.stock.machine", &design.stock.as_ref()?.machine),
        Tier::MatchingEngine => (
            "design.matching.machine",
            &design.matching.as_ref()?.machine,
        ),
        Tier::Notifications => (
            "design.notifications.machine",
            &design.notifications.as_ref()?.machine,
        ),
        Tier::LoadBalancer
        | Tier::Pooler
        | Tier::Replicas
        | Tier::Edge
        | Tier::Projections
        | Tier::Providers => {
            return None;
        }
    })
}

/// `10 → 11`, `20`, `9`, `5` of a tier: one more, twice as many, one fewer, half.
pub fn counts(scenario: &Scenario, tier: Tier) -> Vec<Change> {
    let design = scenario.effective_design();
    let Some((path, now)) = count(&design, tier) else {
        return Vec::new();
    };
    let mut wanted = vec![
        ("One more", now.saturating_add(1)),
        ("Twice as many", now.saturating_mul(2)),
    ];
    if now > 1 {
        wanted.push(("One fewer", now - 1));
    }
    if now > 2 {
        wanted.push(("Half as many", now / 2));
    }
    let change = |(words, count): (&str, u32)| Change {
        title: format!("{words}: {count}"),
        fields: vec![(path.to_owned(), count.to_string())],
    };
    wanted.into_iter().map(change).collect()
}

/// Another machine of the same family.
pub fn machines(scenario: &Scenario, tier: Tier) -> Vec<Change> {
    let design = scenario.effective_design();
    let Some((path, now)) = machine(&design, tier) else {
        return Vec::new();
    };
    let change = |(words, larger): (&str, bool)| {
        let other = neighbour(now, larger)?;
        Some(Change {
            title: format!("{words}: {}", other.name),
            fields: vec![(path.to_owned(), other.name.clone())],
        })
    };
    [("Larger machine", true), ("Smaller machine", false)]
        .into_iter()
        .filter_map(change)
        .collect()
}

/// What a database may have beside it: tier, its field, what it is called, and what it begins as.
const OPTIONAL: [(Tier, &str, &str, &str); 3] = [
    (
        Tier::Cache,
        "design.cache",
        "a cache",
        r#"(count: 3, machine: "r7g.large", capacity: "1 GB", policy: Lru, ttl: "5 min", source: Assumed("as in team-chat: check this"))"#,
    ),
    (
        Tier::Replicas,
        "design.replicas",
        "read replicas",
        r#"(count: 1, source: Assumed("one of each shard, as in p3-scale: check this"))"#,
    ),
    (
        Tier::Database,
        "design.shards",
        "shards",
        r#"(count: 4, placement: Slots, source: Assumed("as in team-chat: check this"))"#,
    ),
];

/// Adds what a database lacks, or removes what it has.
pub fn additions(scenario: &Scenario, tier: Tier) -> Vec<Change> {
    let design = &scenario.design;
    if design.database.is_none() {
        return Vec::new();
    }
    let mut changes = Vec::new();
    for (of, path, what, value) in OPTIONAL {
        let (there, pattern, on) = match path {
            "design.shards" => (
                design.shards.is_some(),
                "patterns.sharding",
                scenario.patterns.sharding,
            ),
            "design.cache" => (
                design.cache.is_some(),
                "patterns.caching_and_edge",
                scenario.patterns.caching_and_edge,
            ),
            _ => (
                design.replicas.is_some(),
                "patterns.caching_and_edge",
                scenario.patterns.caching_and_edge,
            ),
        };
        let add = vec![
            (path.to_owned(), value.to_owned()),
            (pattern.to_owned(), "On".to_owned()),
        ];
        match (tier, there, on) {
            (Tier::Database, false, _) => changes.push(Change {
                title: format!("Add {what}"),
                fields: add,
            }),
            (Tier::Database, true, false) => changes.push(Change {
                title: format!("Switch on {what}"),
                fields: vec![(pattern.to_owned(), "On".to_owned())],
            }),
            (shown, true, true) if shown == of => changes.push(Change {
                title: format!("Remove {what}"),
                fields: removed(scenario, path, pattern),
            }),
            _ => {}
        }
    }
    changes
}

/// Without a part; what switches nothing on any more is off.
fn removed(scenario: &Scenario, path: &str, pattern: &str) -> Vec<(String, String)> {
    let design = &scenario.design;
    let last = match path {
        "design.shards" => true,
        "design.cache" => design.edge.is_none() && design.regions.is_none(),
        _ => false,
    };
    let off = last.then(|| (pattern.to_owned(), "Off".to_owned()));
    let none = (path.to_owned(), "None".to_owned());
    off.into_iter().chain([none]).collect()
}

/// `Connection servers: 10`
pub fn heading(scenario: &Scenario, tier: Tier, instance: Option<u32>) -> String {
    let title = words::capitalized(tier.title());
    match (instance, count(&scenario.effective_design(), tier)) {
        (Some(instance), _) => format!("{title}, number {}", instance + 1),
        (None, Some((_, count))) => format!("{title}: {count}"),
        (None, None) => title,
    }
}
