//! Edits: `--set`, overlays and `--users`, and what becomes of sources and of the hash.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read files, and fail where one is missing"
)]

use std::path::Path;

use sim_core::scenario::{Edit, Scenario, ScenarioError, Source, load_str, parse_objective, tree};

fn team_chat() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets/team-chat.ron");
    std::fs::read_to_string(path).unwrap()
}

fn edited(edits: &[&str]) -> Result<Scenario, Vec<ScenarioError>> {
    let edits: Vec<Edit> = edits
        .iter()
        .map(|edit| Edit::parse(edit).unwrap())
        .collect();
    load_str(&team_chat(), "team-chat.ron", &edits)
}

fn overlaid(text: &str) -> Result<Scenario, Vec<ScenarioError>> {
    let edit = Edit::Overlay {
        file_name: "overlay.ron".to_owned(),
        text: text.to_owned(),
    };
    load_str(&team_chat(), "team-chat.ron", &[edit])
}

#[test]
fn a_set_value_takes_the_place_of_a_number_a_text_or_a_choice() {
    let scenario = edited(&[
        "design.connection_servers.count=20",
        "load.users=1M",
        "load.online=90 %",
        "design.load_balancer.policy=PowerOfTwo",
        "design.channel_owners.placement.virtual_nodes=200",
        "channels.members=Rooms(size: 50)",
        "channels.per_user=1",
        "objectives[0]=publish.delivered.p99 < 1 s",
    ])
    .unwrap();
    assert_eq!(scenario.design.connection_servers.count, 20);
    assert_eq!(scenario.load.users, 1_000_000);
    assert_eq!(scenario.load.online, 0.9);
    assert_eq!(scenario.objectives[0].limit, 1_000.0);
    assert_eq!(
        scenario.sources["design.connection_servers.count"],
        Source::Edited("--set design.connection_servers.count=20".to_owned())
    );
}

#[test]
fn a_field_that_was_left_out_is_put_in() {
    let scenario = edited(&[
        "design.connection_servers.descriptors=65_536",
        "title=Chat",
        "design.broker=(count: 3, machine: \"m7g.large\")",
        "design.broker.replication=3",
        "machines.big.cores=8",
        "machines.big.memory=64 GiB",
        "machines.big.network=10 Gbit/s",
        "design.connection_servers.machine=big",
    ]);
    // `machines.big` is checked only when all edits are in, so the order within one command does not matter.
    let scenario = scenario.unwrap();
    assert_eq!(scenario.design.connection_servers.descriptors, 65_536);
    assert_eq!(scenario.title, "Chat");
    assert_eq!(scenario.design.broker.as_ref().unwrap().replication, 3);
    assert_eq!(scenario.design.connection_servers.machine.cores, 8);
}

#[test]
fn an_overlay_sets_its_leaves_and_its_errors_stand_in_it() {
    let scenario = overlaid(
        "( // a variant\n  load: (users: \"400K users\"),\n  design: (database: (pool: 200, query: Constant(\"3 ms\"))),\n)",
    )
    .unwrap();
    assert_eq!(scenario.load.users, 400_000);
    assert_eq!(scenario.design.database.as_ref().unwrap().pool, 200);
    assert_eq!(
        scenario.sources["design.database.pool"],
        Source::Edited("overlay.ron:3".to_owned())
    );
    let errors = overlaid("(\n  load: (users: \"10m\"),\n)").unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "overlay.ron:2:17: load.users: \"10m\" could mean two things\n  help: 10M or 10 min?"
    );
    let errors = overlaid("(\n  load: (user: \"1M\"),\n)").unwrap_err();
    assert!(
        errors[0]
            .to_string()
            .starts_with("overlay.ron:2:16: load.user: unknown field"),
        "{}",
        errors[0]
    );
}

#[test]
fn users_are_set_and_edited_lines_keep_their_numbers() {
    let users = Edit::Users("1k".to_owned());
    let scenario = load_str(&team_chat(), "team-chat.ron", &[users]).unwrap();
    assert_eq!(scenario.load.users, 1_000);
    let text = team_chat();
    let changed = tree::set(&text, "design.broker.count", "3", false).unwrap();
    assert_eq!(changed.lines().count(), text.lines().count());
    let line = text
        .lines()
        .position(|line| line.contains("publish.lost == 0"))
        .unwrap() as u32
        + 1;
    let lost = scenario
        .objectives
        .iter()
        .find(|objective| objective.path == "publish.lost")
        .unwrap();
    assert_eq!(lost.line, Some(line));
}

#[test]
fn another_number_of_users_is_the_same_before_and_after_reading() {
    // The largest channel may be larger than all users of one load, and not of the next.
    let at = |users: &str| edited(&[&format!("load.users={users}")]).unwrap();
    let mut grown = at("5K");
    grown.load.users = 200_000;
    assert_eq!(grown.hash(), edited(&[]).unwrap().hash());
    assert_eq!(grown.channels, edited(&[]).unwrap().channels);
}

#[test]
fn the_hash_changes_with_what_decides_and_not_with_words() {
    let hash = |edits: &[&str]| edited(edits).unwrap().hash();
    let plain = hash(&[]);
    assert_eq!(plain, hash(&["title=Another"]));
    assert_eq!(
        plain,
        hash(&["load.users=200K users"]),
        "an edit to the same value"
    );
    assert_ne!(plain, hash(&["load.users=200_001"]));
    assert_ne!(
        plain,
        hash(&["design.connection_servers.on_full=DropOldest"])
    );
    assert_ne!(plain, hash(&["patterns.pooling=Off"]));
    let commented = team_chat().replace("version: 1,", "version: 1, // a comment\n");
    assert_eq!(
        plain,
        load_str(&commented, "team-chat.ron", &[]).unwrap().hash()
    );
}

#[test]
fn objectives_are_read_in_the_unit_of_their_path() {
    let scenario = edited(&[]).unwrap();
    let limit = |text: &str| parse_objective(text, &scenario).map(|parsed| parsed.limit);
    assert_eq!(limit("publish.delivered.p99<=0.5 s"), Ok(500.0));
    assert_eq!(limit("breaks_at > 300K users"), Ok(300_000.0));
    assert_eq!(limit("cost.usd_per_month < 120_000"), Ok(120_000.0));
    assert_eq!(limit("cost.usd_per_month < $120K"), Ok(120_000.0));
    assert_eq!(
        limit("tiers.database.utilization.pool.hottest < 80 %"),
        Ok(0.8)
    );
    assert_eq!(limit("publish.lost == 0"), Ok(0.0));
    assert!(limit("publish.delivered.p99 < 80 %").is_err());
    assert!(limit("publish.lost == 5 ms").is_err());
    assert!(limit("").is_err() && limit("<").is_err() && limit("< 5").is_err());
}

#[test]
fn an_edit_without_value_is_explained() {
    assert!(Edit::parse("design.connection_servers.count").is_err());
    assert!(Edit::parse("=3").is_err());
    assert_eq!(
        Edit::parse("objectives[0]=publish.lost == 0"),
        Ok(Edit::Set {
            path: "objectives[0]".to_owned(),
            value: "publish.lost == 0".to_owned()
        })
    );
}
