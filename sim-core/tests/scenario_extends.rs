//! `extends`: a variant is a diff to its base, and says so in its sources. What is refused stands in `fixtures/bad/extends-*`.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read files, and fail where one is missing"
)]

use std::path::Path;

use sim_core::scenario::{
    Base, Edit, Loaded, Problem, ScenarioError, Source, load_str, load_with, nearest,
};

fn small() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bases/small.ron");
    std::fs::read_to_string(path).unwrap()
}

/// A base in the middle, which is a variant itself.
const MIDDLE: &str = "(\n  version: 1, name: \"middle\", extends: \"small\",\n  title: \"In the middle\",\n  load: (users: 2_000, online: \"90 %\"),\n)";

fn find(name: &str, _variant: &str) -> Result<Base, Problem> {
    let text = match name {
        "small" => small(),
        "middle" => MIDDLE.to_owned(),
        _ => return Err(Problem::unknown("base", name, ["small", "middle"])),
    };
    Ok(Base {
        file_name: format!("{name}.ron"),
        text,
    })
}

fn with(text: &str, edits: &[Edit]) -> Result<Loaded, Vec<ScenarioError>> {
    load_with(text, "mine.ron", edits, &find, &|_| {
        Err("no files are read here".to_owned())
    })
}

fn mine(fields: &str) -> Loaded {
    let text = format!("(\n  version: 1, name: \"mine\", extends: \"small\",\n  {fields}\n)");
    with(&text, &[]).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn source(loaded: &Loaded, path: &str) -> Option<Source> {
    loaded.scenario.source_of(path).cloned()
}

#[test]
fn a_variant_equals_the_base_with_its_fields_set() {
    let loaded = mine("load: (users: 5_000), design: (connection_servers: (count: 4)),");
    let edits = [
        "name=mine",
        "load.users=5_000",
        "design.connection_servers.count=4",
    ]
    .map(|edit| Edit::parse(edit).unwrap());
    let edited = load_str(&small(), "small.ron", &edits).unwrap();
    assert_eq!(loaded.scenario.hash(), edited.hash());
    assert_eq!(loaded.scenario.title, "mine", "not the title of the base");
    assert_eq!(loaded.written("load.users"), Some("5_000"));
    assert_eq!(loaded.place("load.users"), "mine.ron:3");
    assert_eq!(loaded.place("design.database.pool"), "small.ron:14");
}

#[test]
fn lists_are_replaced_maps_are_merged_choices_change_and_parts_go_away() {
    let loaded = mine(
        "load: (places: {\"us-east-1\": \"60 %\", \"eu-west-1\": \"40 %\"}),
         channels: (members: Everyone),
         design: (database: None),
         traffic: (),
         objectives: [\"publish.lost == 0\"],",
    );
    let scenario = loaded.scenario;
    assert_eq!(scenario.load.places.len(), 2);
    assert_eq!(
        scenario.channels.members,
        sim_core::scenario::Members::Everyone
    );
    assert!(scenario.design.database.is_none());
    assert!(scenario.traffic.publish.is_some(), "`()` says nothing");
    assert_eq!(scenario.objectives.len(), 1);
    assert_eq!(
        (
            scenario.objectives[0].file.as_deref(),
            scenario.objectives[0].line
        ),
        (None, Some(7)),
        "a line of the variant"
    );
    let inherited = mine("load: (users: 5),");
    let of_base = &inherited.scenario.objectives[0];
    assert_eq!(
        (of_base.file.as_deref(), of_base.line),
        (Some("small.ron"), Some(16)),
        "a line of the base, with its name"
    );
}

#[test]
fn sources_are_the_variants_own_or_name_its_file_and_line() {
    let loaded = mine(
        "load: (users: 5_000, online: \"90 %\", sources: {\"users\": Measured(\"our logs\")}),
         traffic: (publish: (rate: \"1/s per user\", source: Assumed(\"busy\"))),
         design: (database: (query: LogNormal(median: \"1 ms\", p99: \"2 ms\", source: Vendor(\"page\")))),",
    );
    let measured = Source::Measured("our logs".to_owned());
    assert_eq!(source(&loaded, "load.users"), Some(measured));
    assert_eq!(
        source(&loaded, "load.online"),
        Some(Source::Edited("mine.ron:3".to_owned()))
    );
    assert_eq!(
        source(&loaded, "traffic.publish.rate"),
        Some(Source::Assumed("busy".to_owned()))
    );
    assert_eq!(
        source(&loaded, "traffic.publish.size"),
        Some(Source::Assumed("a guess".to_owned())),
        "what is inherited keeps its source"
    );
    assert_eq!(
        source(&loaded, "design.database.query"),
        Some(Source::Vendor("page".to_owned()))
    );
    assert_eq!(source(&loaded, "title"), None);
}

#[test]
fn a_variant_of_a_variant_takes_from_both() {
    let text = "(version: 1, name: \"mine\", extends: \"middle\", load: (users: 3_000))";
    let loaded = with(text, &[]).unwrap();
    assert_eq!(loaded.scenario.load.users, 3_000);
    assert_eq!(loaded.scenario.load.online, 0.9);
    assert_eq!(loaded.scenario.title, "mine");
    assert_eq!(loaded.place("load.online"), "middle.ron:4");
    assert_eq!(loaded.place("load.users"), "mine.ron:1");
    let set = Edit::parse("load.users=7").unwrap();
    let loaded = with(text, &[set]).unwrap();
    assert_eq!(loaded.scenario.load.users, 7);
    assert_eq!(loaded.place("load.users"), "--set load.users=7");
}

#[test]
fn a_base_can_only_be_found_by_who_knows_files() {
    let text = "(version: 1, name: \"mine\", extends: \"small\")";
    let errors = load_str(text, "mine.ron", &[]).unwrap_err();
    assert!(
        errors[0]
            .to_string()
            .starts_with("mine.ron:1:37: extends: "),
        "{}",
        errors[0]
    );
    assert_eq!(nearest("smal", ["small"]), Some("small"));
}

#[test]
fn an_overlay_extends_nothing() {
    let overlay = Edit::Overlay {
        file_name: "over.ron".to_owned(),
        text: "(extends: \"small\")".to_owned(),
    };
    let errors = load_str(&small(), "small.ron", &[overlay]).unwrap_err();
    assert!(
        errors[0]
            .to_string()
            .starts_with("over.ron:1:11: extends: an overlay"),
        "{}",
        errors[0]
    );
}
