//! Nothing that a scenario file or an edit says makes the reader panic, and every error can be shown.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read files, and fail where one is missing"
)]

use std::path::Path;

use proptest::prelude::*;
use sim_core::scenario::{Edit, ScenarioError, load_str, tree};

fn preset(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../presets")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

fn presets() -> Vec<String> {
    let names = [
        "team-chat.ron",
        "p1-mvp.ron",
        "reconnect-storm.ron",
        "published/kafkorama-125k.ron",
    ];
    names.into_iter().map(preset).collect()
}

/// Reads a text, and checks that what is wrong stands somewhere.
fn read(text: &str, edits: &[Edit]) -> Result<(), Vec<ScenarioError>> {
    let result = load_str(text, "fuzz.ron", edits);
    match result {
        Ok(scenario) => {
            let again = load_str(text, "other-name.ron", edits).unwrap();
            assert_eq!(scenario.hash(), again.hash());
            let _ = scenario.effective_design();
            Ok(())
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in &errors {
                let shown = error.to_string();
                assert!(!error.problem.is_empty() && shown.len() < 4_000, "{shown}");
                if let (Some(line), "fuzz.ron") = (error.line, error.file.as_str()) {
                    assert!(line as usize <= text.lines().count() + 1, "{shown}");
                }
            }
            Err(errors)
        }
    }
}

/// Paths that exist, nearly exist, or do not.
fn path() -> impl Strategy<Value = String> {
    let preset = preset("team-chat.ron");
    let root = tree::parse(&preset).unwrap();
    let mut known: Vec<String> = root.leaves().into_iter().map(|(path, _)| path).collect();
    known.extend(
        [
            "design.broker",
            "design.connection_servers",
            "load",
            "traffic.presence",
            "faults[0].at",
            "profiles.mine.deliver",
            "machines.big.cores",
            "channels.members.size",
            "",
            ".",
            "a[",
        ]
        .map(str::to_owned),
    );
    prop_oneof![prop::sample::select(known), "[a-z_.\\[\\]0-9\"]{0,24}"]
}

fn value() -> impl Strategy<Value = String> {
    let known = [
        "20",
        "-1",
        "NaN",
        "inf",
        "1e400",
        "0",
        "20K",
        "10m",
        "60 %",
        "5 ms",
        "1 s",
        "Off",
        "On",
        "None",
        "Some(3)",
        "()",
        "(",
        ")",
        "[",
        "{}",
        "\"x",
        "\"x\"",
        "'x'",
        "Everyone",
        "Constant(\"1 ms\")",
        "LogNormal(median: 1, p99: 2)",
        "(count: 3)",
        "r\"x\"",
        "//",
        "/*",
        "a: 1",
        "1,",
        "18446744073709551616",
        "Feed(\"x\")",
        "é",
        "\\",
        "\u{0}",
    ];
    prop_oneof![
        prop::sample::select(known.map(str::to_owned).to_vec()),
        "\\PC{0,24}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_text_is_refused_without_panic(text in "\\PC{0,80}") {
        prop_assert!(read(&text, &[]).is_err());
    }

    #[test]
    fn random_ron_is_refused_without_panic(
        text in "[()\\[\\]{}:,\"'r#b/*\\\\ a-z0-9.\n_-]{0,60}"
    ) {
        prop_assert!(read(&text, &[]).is_err());
        let _ = read(&format!("(version: 1, {text})"), &[]);
    }

    #[test]
    fn mutated_presets_are_read_or_refused_without_panic(
        which in 0..4_usize,
        cut in any::<prop::sample::Index>(),
        length in 0..12_usize,
        with in prop_oneof!["[()\\[\\]{}:,\"'/*0-9.\\- a-zA-Z%]{0,6}", value()],
    ) {
        let text = presets().swap_remove(which);
        let chars: Vec<char> = text.chars().collect();
        let start = cut.index(chars.len());
        let end = (start + length).min(chars.len());
        let mutated: String =
            chars[..start].iter().copied().chain(with.chars()).chain(chars[end..].iter().copied()).collect();
        let _ = read(&mutated, &[]);
    }

    #[test]
    fn random_edits_are_applied_or_refused_without_panic(path in path(), value in value()) {
        let text = preset("team-chat.ron");
        let _ = read(&text, &[Edit::Set { path, value }]);
    }

    #[test]
    fn edits_keep_the_lines(path in path(), value in value()) {
        let text = preset("team-chat.ron");
        for quote in [false, true] {
            if let Ok(changed) = tree::set(&text, &path, &value, quote) {
                prop_assert_eq!(changed.lines().count(), text.lines().count());
            }
        }
    }

    #[test]
    fn overlays_are_applied_or_refused_without_panic(path in "[a-z_]{1,12}", value in value()) {
        let text = preset("p1-mvp.ron");
        for overlay in [format!("({path}: {value})"), format!("(design: ({path}: {value}))"), value.clone()] {
            let _ = read(&text, &[Edit::Overlay { file_name: "overlay.ron".to_owned(), text: overlay }]);
        }
    }
}
