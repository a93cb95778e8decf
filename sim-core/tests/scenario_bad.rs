//! Every bad scenario under `fixtures/bad` is refused with exactly the errors beside it.
//!
//! `NAME.err` holds the expected text of `NAME.ron`; `UPDATE_EXPECTED=1` writes it anew, to be read before it is kept.
//! Lines of a fixture that start with `//set ` or `//users ` are edits; what a fixture extends stands in `fixtures/bases`.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read files, and fail where one is missing"
)]

use std::fmt::Write as _;
use std::path::Path;

use sim_core::scenario::{Base, Edit, Problem, load_with};

fn edits(text: &str) -> Vec<Edit> {
    let edit = |line: &str| {
        let set = line
            .strip_prefix("//set ")
            .map(|edit| Edit::parse(edit).unwrap());
        set.or_else(|| {
            line.strip_prefix("//users ")
                .map(|users| Edit::Users(users.to_owned()))
        })
    };
    text.lines().filter_map(edit).collect()
}

/// Bases stand in a folder of their own.
fn base(name: &str, _variant: &str) -> Result<Base, Problem> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bases");
    match std::fs::read_to_string(folder.join(name)) {
        Ok(text) => Ok(Base {
            file_name: name.to_owned(),
            text,
        }),
        Err(_) => Err(Problem::unknown(
            "base",
            name,
            ["small.ron", "circle.ron", "broken.ron"],
        )),
    }
}

#[test]
fn bad_scenarios_are_refused_with_the_expected_words() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bad");
    let mut failures = String::new();
    let mut seen = 0;
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "ron"))
    {
        seen += 1;
        let text = std::fs::read_to_string(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let found = match load_with(&text, &name, &edits(&text), &base, &|_| {
            Err("no files are read here".to_owned())
        }) {
            Ok(_) => "accepted".to_owned(),
            Err(errors) => errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n"),
        };
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(path.with_extension("err"), format!("{found}\n")).unwrap();
        }
        let expected = std::fs::read_to_string(path.with_extension("err")).unwrap_or_default();
        if found.trim() != expected.trim() {
            write!(
                failures,
                "{name}\n--- expected\n{expected}\n--- found\n{found}\n\n"
            )
            .unwrap();
        }
    }
    assert!(seen >= 30, "the fixtures are found");
    assert!(failures.is_empty(), "{failures}");
}
