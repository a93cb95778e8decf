//! A pull request as its gate meets it: a repository, a base revision, and designs that changed since.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::fs;
use std::path::Path;
use std::process::Command;

use system_tests::{Plimsoll, Scratch};

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .current_dir(folder)
        .args([
            "-c",
            "user.name=tester",
            "-c",
            "user.email=tester@localhost",
        ])
        .args([
            "-c",
            "commit.gpgsign=false",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

/// A small team on a pool of `pool` connections, which must hold twice its load.
fn base(pool: u32, objectives: &str) -> String {
    format!(
        "(version: 1, name: \"base\", extends: \"team-chat\", load: (users: 2_000),\n \
         design: (database: (pool: {pool})),\n objectives: [{objectives}])"
    )
}

const HOLDS: &str = "\"breaks_at > 4_000 users\"";
const VARIANT: &str = "(version: 1, name: \"mine\", extends: \"base.ron\")";
const OTHER: &str = "(version: 1, name: \"other\", extends: \"base.ron\", load: (users: 1_000))";

/// A repository with a base design and two variants of it.
fn repository() -> Scratch {
    let scratch = Scratch::new();
    let _ = scratch.file("base.ron", &base(2, HOLDS));
    let _ = scratch.file("mine.ron", VARIANT);
    let _ = scratch.file("other.ron", OTHER);
    git(scratch.folder(), &["init", "--quiet"]);
    git(scratch.folder(), &["add", "."]);
    git(scratch.folder(), &["commit", "--quiet", "-m", "base"]);
    scratch
}

fn compare(scratch: &Scratch, more: &[&str]) -> Plimsoll {
    Plimsoll::new()
        .inside(scratch.folder())
        .args(&[
            "compare",
            "--baseline-rev",
            "HEAD",
            "--duration",
            "20s",
            "--quiet",
        ])
        .args(more)
}

#[test]
fn an_untouched_pull_request_passes() {
    let scratch = repository();
    compare(
        &scratch,
        &["mine.ron", "--fail-if-worse", "--format", "markdown"],
    )
    .code(0)
    .stdout_contains("no difference that can be told from none");
}

#[test]
fn a_base_that_halves_a_pool_stops_its_variants() {
    let scratch = repository();
    let _ = scratch.file("base.ron", &base(1, HOLDS));
    compare(&scratch, &["mine.ron", "--format", "markdown"])
        .code(4)
        .stdout_contains("`breaks_at > 4_000 users` held and fails now")
        .stdout_contains("`design.database.pool` from 2 to 1")
        .stdout_contains("Breaks at");
}

#[test]
fn several_designs_stand_in_one_comment() {
    let scratch = repository();
    let _ = scratch.file("base.ron", &base(1, HOLDS));
    let comment = scratch.path("moved.md");
    let report = scratch.path("moved.json");
    compare(&scratch, &["mine.ron", "other.ron"])
        .out(&comment)
        .out(&report)
        .code(4);
    let comment = fs::read_to_string(comment).unwrap();
    assert!(comment.contains("held and fails now"), "{comment}");
    assert_eq!(
        comment.matches("# How this was obtained").count(),
        2,
        "{comment}"
    );
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report.as_array().unwrap().len(), 2);
    compare(&scratch, &["mine.ron", "other.ron"])
        .out(&scratch.path("moved.html"))
        .code(2)
        .stderr_contains("an HTML page shows one comparison");
}

#[test]
fn an_objective_that_is_dropped_is_said() {
    let scratch = repository();
    let _ = scratch.file("base.ron", &base(1, "\"publish.lost == 0\""));
    compare(&scratch, &["mine.ron", "--format", "markdown"])
        .code(0)
        .stdout_contains("No longer asked for: `breaks_at > 4_000 users`");
}

#[test]
fn a_stored_report_of_other_draws_is_no_pair() {
    let scratch = repository();
    let stored = scratch.path("stored.json");
    let run = |more: &[&str]| Plimsoll::new().inside(scratch.folder()).args(more);
    run(&["run", "mine.ron", "--quiet", "--duration", "20s"])
        .out(&stored)
        .code(0);
    let stored = stored.display().to_string();
    run(&["compare", "mine.ron", "--baseline", &stored, "--quiet"])
        .args(&["--duration", "30s", "--seed", "8", "--fail-if-worse"])
        .code(0)
        .stdout_contains("not the same random numbers");
}

#[test]
fn one_design_and_an_edit_are_a_pair() {
    Plimsoll::new()
        .args(&["compare", "p1-mvp", "--users", "500", "--duration", "5s"])
        .args(&["--quiet", "--set-b", "design.database.pool=10"])
        .code(0)
        .stdout_contains("`design.database.pool` from 20 to 10");
}

#[test]
fn what_git_cannot_say_is_said_in_words() {
    let scratch = Scratch::new();
    let _ = scratch.file(
        "mine.ron",
        "(version: 1, name: \"mine\", extends: \"p1-mvp\")",
    );
    // The scratch folder may lie inside some repository.
    git(scratch.folder(), &["init", "--quiet"]);
    compare(&scratch, &["mine.ron"])
        .code(2)
        .stderr_contains("git knows no such revision here");
}
