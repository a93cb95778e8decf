//! Huge channels: what the largest guild asks of the process that orders it, and what relays change.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::RunReport;
use system_tests::lab::{preset, run, scenario};

/// A million people in one guild and in another one each, on 500 servers.
const MILLION: [(&str, &str); 13] = [
    ("load.users", "1M"),
    ("load.places", r#"{"us-east-1": "100 %"}"#),
    ("channels.per_user", "1"),
    ("channels.largest", "1M"),
    ("patterns.sharding", "Off"),
    ("patterns.caching_and_edge", "Off"),
    ("traffic.query.rate", "0/s per user"),
    ("traffic.publish.rate", "0.18/h per user"),
    ("design.load_balancer.count", "20"),
    ("design.connection_servers.count", "500"),
    ("design.channel_owners.count", "120"),
    ("run.warmup", "1 s"),
    ("run.duration", "6 s"),
];

fn guild(more: &[(&str, &str)]) -> RunReport {
    let edits: Vec<(&str, &str)> = MILLION.iter().chain(more).copied().collect();
    run(&scenario(preset("discord"), &edits))
}

#[test]
fn c040_a_guild_of_a_million_makes_its_process_the_bottleneck_and_relays_cure_it() {
    let alone = guild(&[("design.channel_owners.relay_members", "10M")]);
    let owners = &alone.tiers["channel_owners"].utilization["cpu"];
    let gives_way = alone.bottleneck.as_ref().unwrap();
    println!(
        "without relays: owner {} busy {:.3}, mean {:.4}; first to give way: {} {}",
        owners.instance, owners.hottest, owners.mean, gives_way.tier, gives_way.resource
    );
    assert_eq!(
        (gives_way.tier.as_str(), gives_way.resource.as_str()),
        ("channel_owners", "cpu")
    );
    assert_eq!(gives_way.instance, owners.instance);
    assert!(owners.hottest > 0.8 && owners.mean < 0.3);
    for tier in ["connection_servers", "channel_owners"] {
        let all = alone.tiers[tier].utilization.values();
        assert!(
            all.map(|used| used.mean).fold(0.0, f64::max) < 0.7,
            "{tier}"
        );
    }

    let relayed = guild(&[("design.channel_owners.relay_members", "15_000")]);
    let cured = &relayed.tiers["channel_owners"].utilization["cpu"];
    println!(
        "with relays: hottest {:.3}, mean {:.4}",
        cured.hottest, cured.mean
    );
    // 67 sends instead of 500, and eight more at the relay that falls on the owner's node.
    assert!(cured.hottest < 0.3 * owners.hottest);
    assert_ne!(relayed.bottleneck.as_ref().unwrap().tier, "channel_owners");
    assert_eq!(relayed.operations["publish"].lost, 0);
    assert_eq!(relayed.operations["publish"].reordered, 0);
}
