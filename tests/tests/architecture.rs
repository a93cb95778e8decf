//! The house rules that a compiler does not know: which crate may name which, what the headless binary holds, and tidiness.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use system_tests::repository;

/// Every arrow there is. A package that is not listed fails, and so does an arrow that is not.
const ARROWS: [(&str, &str, &[&str]); 9] = [
    ("sim-core/routing", "routing", &[]),
    ("sim-core", "sim-core", &["routing"]),
    ("app/session", "session", &["sim-core"]),
    ("app/report", "report", &["sim-core"]),
    ("app/live", "live", &["routing"]),
    ("app/desktop", "desktop", &["session", "report", "sim-core"]),
    (
        "app",
        "plimsoll",
        &[
            "desktop", "live", "report", "routing", "session", "sim-core",
        ],
    ),
    (
        "tests",
        "system-tests",
        &[
            "live", "plimsoll", "report", "routing", "session", "sim-core",
        ],
    ),
    ("tests/benchmarks", "benchmarks", &["routing", "sim-core"]),
];

/// What the core may not name, by the start of the crate's name.
const NOT_IN_THE_CORE: [&str; 8] = [
    "tokio",
    "egui",
    "eframe",
    "winit",
    "wgpu",
    "clap",
    "crossbeam",
    "session",
];
/// What the headless binary may not hold.
const NOT_HEADLESS: [&str; 8] = [
    "egui", "eframe", "winit", "wgpu", "tokio", "glow", "desktop", "live",
];
/// Longest file; [`TABLES`] may be longer.
const MOST_LINES: usize = 800;
/// Files that are data.
const TABLES: [&str; 0] = [];
/// Paths of one machine, spelt so that this file does not hold them.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
];

fn manifest(folder: &str) -> toml::Table {
    let path = repository().join(folder).join("Cargo.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Names in every dependency table of a manifest, those of one platform included.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut tables = vec![manifest];
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    tables.extend(
        targets
            .into_iter()
            .flat_map(|t| t.values())
            .filter_map(toml::Value::as_table),
    );
    for table in tables {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (key, value) in table
                .get(kind)
                .and_then(toml::Value::as_table)
                .into_iter()
                .flatten()
            {
                let renamed = value.get("package").and_then(toml::Value::as_str);
                names.insert(renamed.unwrap_or(key).to_owned());
            }
        }
    }
    names
}

#[test]
fn every_package_is_known() {
    let root = manifest("");
    let members = root["workspace"]["members"].as_array().unwrap();
    let members: BTreeSet<&str> = members.iter().map(|m| m.as_str().unwrap()).collect();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(folder, ..)| *folder).collect();
    assert_eq!(members, known);
    for (folder, name, _) in ARROWS {
        assert_eq!(manifest(folder)["package"]["name"].as_str(), Some(name));
    }
}

#[test]
fn arrows_point_one_way() {
    let internal: BTreeSet<&str> = ARROWS.iter().map(|(_, name, _)| *name).collect();
    let mut wrong = Vec::new();
    for (folder, name, allowed) in ARROWS {
        for dependency in dependencies(&manifest(folder)) {
            if internal.contains(dependency.as_str()) && !allowed.contains(&dependency.as_str()) {
                wrong.push(format!("{name} → {dependency}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "arrows that are not in the design: {wrong:#?}"
    );
}

#[test]
fn the_core_names_no_runtime_and_no_window() {
    for folder in ["sim-core", "sim-core/routing"] {
        for dependency in dependencies(&manifest(folder)) {
            let forbidden = NOT_IN_THE_CORE
                .iter()
                .find(|start| dependency.starts_with(**start));
            assert_eq!(forbidden, None, "{folder} depends on {dependency}");
        }
    }
}

#[test]
fn the_headless_binary_holds_no_window_and_no_runtime() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = [
        "tree",
        "-p",
        "plimsoll",
        "--no-default-features",
        "-e",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let crates: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(
        crates.contains("sim-core") && crates.contains("routing"),
        "{crates:?}"
    );
    let forbidden: Vec<_> = crates
        .iter()
        .filter(|name| NOT_HEADLESS.iter().any(|f| name.starts_with(f)))
        .collect();
    assert!(
        forbidden.is_empty(),
        "the headless binary holds {forbidden:?}"
    );
}

#[test]
fn presets_in_the_binary_are_the_files() {
    let root = repository().join("presets");
    let files = files_below(&root, &["ron"]);
    let name = |path: &Path| {
        path.strip_prefix(&root)
            .unwrap()
            .with_extension("")
            .to_string_lossy()
            .replace('\\', "/")
    };
    let on_disk: BTreeMap<String, String> = files
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect();
    let embedded: BTreeMap<String, String> = plimsoll::presets::ALL
        .iter()
        .map(|p| (p.name.to_owned(), p.text.to_owned()))
        .collect();
    let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&embedded),
        names(&on_disk),
        "app/src/presets.rs lists other presets than presets/ holds"
    );
    assert!(
        embedded == on_disk,
        "a preset differs from its file: build again"
    );
}

#[test]
fn presets_are_valid_and_called_like_their_files() {
    for preset in plimsoll::presets::ALL {
        let file = format!("{}.ron", preset.name);
        let scenario =
            sim_core::scenario::load_str(preset.text, &file, &[]).unwrap_or_else(|errors| {
                let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
                panic!("{}", lines.join("\n"))
            });
        let stem = preset.name.rsplit('/').next().unwrap();
        assert!(
            [stem, preset.name].contains(&scenario.name.as_str()),
            "{file} calls itself {}",
            scenario.name
        );
    }
}

#[test]
fn every_rust_file_says_what_it_is() {
    check(&["rs"], |text| {
        (!text.starts_with("//!")).then(|| vec!["does not start with `//!`".to_owned()])
    });
}

#[test]
fn libraries_do_not_unwrap() {
    let libraries =
        ["sim-core/src", "sim-core/routing/src", "app"].map(|folder| repository().join(folder));
    let is_test = |path: &Path| {
        let relative = path.strip_prefix(repository()).unwrap_or(path);
        path.file_stem().is_some_and(|stem| stem == "tests")
            || relative
                .iter()
                .any(|part| part == "tests" || part == "benches" || part == "examples")
    };
    let mut wrong = Vec::new();
    for path in libraries
        .iter()
        .flat_map(|folder| files_below(folder, &["rs"]))
        .filter(|path| !is_test(path))
    {
        let text = fs::read_to_string(&path).unwrap();
        let shipped = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        for (index, line) in shipped.lines().enumerate() {
            if line.contains(".unwrap()") && !line.trim_start().starts_with("//") {
                wrong.push(format!("{}:{}", path.display(), index + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "unwrap outside tests: {wrong:#?}");
}

#[test]
fn files_are_tidy() {
    check(
        &["rs", "ron", "toml", "md", "tsv", "sh", "yml", "yaml"],
        |text| {
            let mut problems = Vec::new();
            for (index, line) in text.lines().enumerate() {
                let mut problem = |what: &str| problems.push(format!("line {}: {what}", index + 1));
                if line.ends_with([' ', '\r']) {
                    problem("trailing blank");
                }
                if let Some(path) = MACHINE_PATHS.iter().find(|path| line.contains(**path)) {
                    problem(&format!("names a path of one machine ({path})"));
                }
            }
            Some(problems).filter(|problems| !problems.is_empty())
        },
    );
    check(&["rs", "ron", "toml", "md"], |text| {
        text.contains('\t').then(|| vec!["holds a tab".to_owned()])
    });
}

#[test]
fn files_are_no_longer_than_they_read_well() {
    check(&["rs"], |text| {
        let lines = text.lines().count();
        (lines > MOST_LINES).then(|| vec![format!("{lines} lines, more than {MOST_LINES}")])
    });
}

/// Applies a rule to every file with one of `extensions` and fails with all that is wrong.
fn check(extensions: &[&str], rule: impl Fn(&str) -> Option<Vec<String>>) {
    let root = repository();
    let mut wrong = Vec::new();
    let files = files_below(&root, extensions);
    assert!(!files.is_empty());
    for path in files {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        if TABLES.contains(&name.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
        wrong.extend(
            rule(&text)
                .into_iter()
                .flatten()
                .map(|problem| format!("{name}: {problem}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Files below a folder, sorted; build output and hidden folders but `.ci` are left out.
fn files_below(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() && name != "target" && (!name.starts_with('.') || name == ".ci") {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|e| extensions.iter().any(|wanted| e == *wanted))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
