//! Every preset validates, is named like its file, and says where each of its numbers comes from.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read files, and fail where one is missing"
)]

use std::path::{Path, PathBuf};

use sim_core::scenario::assets::assets;
use sim_core::scenario::tree::{self, Kind, Node};
use sim_core::scenario::{Edit, Fault, Scenario, Source, Status, Tier, load_str};

fn presets() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets");
    let mut found = Vec::new();
    for folder in [root.clone(), root.join("published")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "ron") {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(found.len() >= 8, "the presets are found");
    found
}

fn load(path: &Path, text: &str, edits: &[Edit]) -> Scenario {
    let name = path.file_name().unwrap().to_string_lossy();
    load_str(text, &name, edits).unwrap_or_else(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

fn preset(name: &str) -> Scenario {
    let (path, text) = presets()
        .into_iter()
        .find(|(path, _)| path.file_stem().unwrap() == name)
        .unwrap();
    load(&path, &text, &[])
}

#[test]
fn every_preset_validates_and_carries_its_file_name() {
    for (path, text) in presets() {
        let scenario = load(&path, &text, &[]);
        assert_eq!(scenario.name, path.file_stem().unwrap().to_string_lossy());
        assert!(
            !scenario.story.is_empty(),
            "{} tells a story",
            scenario.name
        );
        if scenario.status == Status::Ready {
            assert!(
                !scenario.objectives.is_empty(),
                "{} has objectives",
                scenario.name
            );
        }
    }
}

#[test]
fn every_number_in_a_preset_has_a_source() {
    for (path, text) in presets() {
        let scenario = load(&path, &text, &[]);
        let root = tree::parse(&text).unwrap();
        for part in ["load", "channels", "traffic", "design", "faults"] {
            let Some(node) = root.child(part) else {
                continue;
            };
            for at in numbers(node, part, &text) {
                assert!(
                    scenario.source_of(&at).is_some(),
                    "{}: {at} has no source",
                    path.display()
                );
            }
        }
    }
}

/// Paths of all values that hold a digit and are not part of a source.
fn numbers(node: &Node, path: &str, text: &str) -> Vec<String> {
    match &node.kind {
        Kind::Fields { fields, .. } => fields
            .iter()
            .filter(|field| {
                !["source", "sources", "name", "place", "profile"].contains(&field.name.as_str())
            })
            .flat_map(|field| numbers(&field.value, &tree::join(path, &field.name), text))
            .collect(),
        Kind::Items { items, .. } => items
            .iter()
            .enumerate()
            .flat_map(|(i, item)| numbers(item, &format!("{path}[{i}]"), text))
            .collect(),
        _ => {
            let value = &text[node.span.start..node.span.end];
            if value.bytes().any(|b| b.is_ascii_digit()) {
                vec![path.to_owned()]
            } else {
                Vec::new()
            }
        }
    }
}

#[test]
fn the_sources_name_their_kind_and_survive_into_the_scenario() {
    let scenario = preset("team-chat");
    assert!(matches!(
        scenario.source_of("traffic.query.rate"),
        Some(Source::Reported(_))
    ));
    assert!(matches!(
        scenario.source_of("traffic.query.size"),
        Some(Source::Assumed(_))
    ));
    assert!(matches!(
        scenario.source_of("design.connection_servers.machine"),
        Some(Source::Vendor(_))
    ));
    let deliver = scenario.source_of("design.connection_servers.profile.deliver");
    assert!(matches!(deliver, Some(Source::Derived(_))), "{deliver:?}");
    assert!(scenario.source_of("title").is_none());
}

#[test]
fn memory_admits_what_the_first_phase_says() {
    let scenario = preset("p1-mvp");
    let servers = scenario.effective_design().connection_servers;
    let free = servers.machine.memory_bytes - servers.profile.base_memory_bytes;
    assert_eq!(free / servers.profile.memory_per_connection_bytes, 8_192);
    assert_eq!(servers.machine.cores, 2);
}

#[test]
fn published_gateways_would_be_as_busy_as_published() {
    for (name, low, high) in [
        ("kafkorama-125k", 0.60, 0.75),
        ("kafkorama-250k", 0.65, 0.81),
        ("kafkorama-1m", 0.55, 0.68),
    ] {
        let scenario = preset(name);
        let servers = &scenario.design.connection_servers;
        let profile = &servers.profile;
        let bytes = f64::from(scenario.traffic.publish.as_ref().unwrap().size_bytes);
        let deliver =
            profile.deliver.as_nanos() as f64 + bytes * profile.deliver_ps_per_byte as f64 / 1e3;
        let busy =
            f64::from(scenario.load.users) * deliver / 1e9 / f64::from(servers.machine.cores);
        assert!((low..=high).contains(&busy), "{name}: {busy}");
        assert_eq!(profile.pauses.len(), 2);
    }
}

#[test]
fn without_pooling_one_server_is_left_and_the_tuning_is_kept() {
    let (path, text) = presets()
        .into_iter()
        .find(|(path, _)| path.file_stem().unwrap() == "team-chat")
        .unwrap();
    let off = load(
        &path,
        &text,
        &[Edit::parse("patterns.pooling=Off").unwrap()],
    );
    let effective = off.effective_design();
    assert_eq!(effective.connection_servers.count, 1);
    assert!(effective.channel_owners.is_none() && effective.broker.is_none());
    assert_eq!(effective.routing, routing::pubsub::RoutingMode::Local);
    assert_eq!(
        off.design.connection_servers.count, 10,
        "the tuning is kept"
    );
    assert!(off.design.channel_owners.is_some());
}

#[test]
fn a_switched_off_tier_cannot_fail() {
    let (path, text) = presets()
        .into_iter()
        .find(|(path, _)| path.file_stem().unwrap() == "team-chat")
        .unwrap();
    let faults = "faults=[(at: \"20 s\", fault: Kill(tier: \"channel_owners\")), \
                  (at: \"30 s\", fault: Kill(tier: \"connection_servers\", instances: 3))]";
    let faults = Edit::parse(faults).unwrap();
    let on = load(&path, &text, std::slice::from_ref(&faults));
    assert_eq!(on.faults.len(), 2);
    let off = load(
        &path,
        &text,
        &[faults, Edit::parse("patterns.pooling=Off").unwrap()],
    );
    assert_eq!(off.faults.len(), 1);
    let one = Fault::Kill {
        tier: Tier::ConnectionServers,
        first: 0,
        instances: 1,
    };
    assert_eq!(off.faults[0].fault, one);
}

#[test]
fn profiles_hold_as_many_connections_as_they_say() {
    let (path, text) = presets()
        .into_iter()
        .find(|(path, _)| path.file_stem().unwrap() == "team-chat")
        .unwrap();
    for (profile, machine, ceiling) in [
        ("threaded", "c7g.large", 5e3),
        ("standard", "c7g.large", 25e3),
        ("tuned", "c7g.large", 50e3),
        ("linkedin-like", "c7g.large", 100e3),
        ("erlang-like", "r7g.xlarge", 1.42e6),
        ("erlang-like", "r7g.2xlarge", 2.9e6),
        ("tokio-websocket", "c7g.xlarge", 275e3),
        ("tokio-websocket-plain", "c7g.xlarge", 732e3),
    ] {
        let set = |field: &str, name: &str| {
            Edit::parse(&format!("design.connection_servers.{field}={name}")).unwrap()
        };
        let edits = [set("profile", profile), set("machine", machine)];
        let servers = load(&path, &text, &edits).design.connection_servers;
        let free = servers.machine.memory_bytes - servers.profile.base_memory_bytes;
        let holds = (free / servers.profile.memory_per_connection_bytes) as f64;
        assert!((holds / ceiling - 1.0).abs() < 0.02, "{profile}: {holds}");
    }
    for (name, _) in assets().profiles() {
        let set = format!("design.connection_servers.profile={name}");
        load(&path, &text, &[Edit::parse(&set).unwrap()]);
    }
}
