//! Same scenario and seed, same result: twice, with another number of threads, and as ever before.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use report::{digest, digest_ramp};
use serde_json::Value;
use session::RunOptions;
use sim_core::report::RunReport;
use sim_core::scenario::{Edit, Scenario, load_str};
use system_tests::Plimsoll;

type Edits = &'static [(&'static str, &'static str)];
type Case = (&'static str, Edits, u64);

/// Preset, edits, and the digest of the report's result part. A changed digest is a changed answer: say why in the commit.
const DIGESTS: [Case; 3] = [
    (
        "team-chat",
        &[
            ("load.users", "2_000 users"),
            ("run.duration", "10 s"),
            ("run.seed", "7"),
        ],
        0xdc03_283d_d486_e57b,
    ),
    (
        "p1-mvp",
        &[
            ("load.users", "2_000 users"),
            ("run.duration", "10 s"),
            ("run.seed", "7"),
        ],
        0x9844_3c8a_7066_82e4,
    ),
    (
        "reconnect-storm",
        &[("load.users", "2_000 users"), ("run.seed", "7")],
        0xa096_439c_dd97_2d91,
    ),
];

fn scenario(preset: &str, edits: &[(&str, &str)]) -> Scenario {
    let text = plimsoll::presets::find(preset)
        .unwrap_or_else(|| panic!("no preset {preset}"))
        .text;
    let set = |(path, value): &(&str, &str)| Edit::Set {
        path: (*path).to_owned(),
        value: (*value).to_owned(),
    };
    let edits: Vec<Edit> = edits.iter().map(set).collect();
    load_str(text, preset, &edits).unwrap_or_else(|errors| panic!("{preset}: {errors:#?}"))
}

fn run(scenario: &Scenario) -> RunReport {
    session::run(scenario, &RunOptions::default(), &|_| true).unwrap()
}

/// A printed report without `engine`.
fn result_part(printed: &str) -> String {
    let mut report: Value = serde_json::from_str(printed).unwrap();
    let engine = report.as_object_mut().unwrap().remove("engine");
    assert!(engine.is_some_and(|engine| engine["events"].as_u64() > Some(0)));
    serde_json::to_string_pretty(&report).unwrap()
}

#[test]
fn the_same_command_prints_the_same_bytes() {
    let print = || {
        let command = Plimsoll::new()
            .run("team-chat")
            .seed(7)
            .users("20k")
            .duration("5s")
            .format("json");
        result_part(&command.code(0).stdout)
    };
    let first = print();
    assert!(first.contains("\"seed\": 7"));
    assert_eq!(first, print());
}

#[test]
fn another_seed_is_another_result() {
    let with = |seed: &str| {
        run(&scenario(
            "team-chat",
            &[
                ("load.users", "1_000 users"),
                ("run.duration", "5 s"),
                ("run.seed", seed),
            ],
        ))
    };
    let (a, b) = (with("7"), with("8"));
    assert_eq!(a.scenario.name, b.scenario.name);
    assert_ne!(digest(&a), digest(&b));
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let scenario = scenario("team-chat", &[("run.duration", "3 s")]);
    let with = |threads: usize| {
        let options = RunOptions {
            threads: Some(threads),
            ..RunOptions::default()
        };
        session::ramp(&scenario, &[500, 1_000, 2_000, 4_000], &options, &|_| true).unwrap()
    };
    let (one, two) = (with(1), with(2));
    assert_eq!(one.points.len(), 4);
    assert!(
        one.points
            .windows(2)
            .all(|pair| pair[0].users < pair[1].users)
    );
    assert_eq!(digest_ramp(&one), digest_ramp(&two));
}

#[test]
fn digests_are_those_of_before() {
    let mut changed = Vec::new();
    for (preset, edits, expected) in DIGESTS {
        let found = digest(&run(&scenario(preset, edits)));
        println!("{preset} {edits:?}: 0x{found:016x}");
        if found != expected {
            changed.push(format!(
                "{preset} {edits:?}: 0x{found:016x}, was 0x{expected:016x}"
            ));
        }
    }
    assert!(changed.is_empty(), "new digests: {changed:#?}");
}
