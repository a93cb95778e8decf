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
    let page = scratch.path("moved.html");
    compare(&scratch, &["mine.ron", "other.ron"])
        .out(&page)
        .code(4);
    let page = fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("<h1>").count(), 1);
    for part in ["href=\"#file-2\">other.ron", "<article id=\"file-2\">"] {
        assert!(page.contains(part), "{part} is missing");
    }
}

#[test]
fn junit_agrees_with_the_exit_code() {
    let scratch = repository();
    let xml = scratch.path("moved.xml");
    compare(&scratch, &["mine.ron", "other.ron"])
        .out(&xml)
        .code(0);
    let same = fs::read_to_string(&xml).unwrap();
    assert!(same.contains("failures=\"0\" errors=\"0\""), "{same}");
    assert_eq!(same.matches("<testsuite ").count(), 2, "{same}");
    let _ = scratch.file("base.ron", &base(1, HOLDS));
    compare(&scratch, &["mine.ron", "other.ron"])
        .out(&xml)
        .code(4);
    let broken = fs::read_to_string(&xml).unwrap();
    assert!(broken.contains("type=\"newly_failing\""), "{broken}");
    assert!(broken.contains("held and fails now"), "{broken}");
}

#[test]
fn new_renamed_and_deleted_files_are_said() {
    let scratch = repository();
    let folder = scratch.folder();
    git(folder, &["mv", "mine.ron", "ours.ron"]);
    git(folder, &["rm", "--quiet", "other.ron"]);
    let _ = scratch.file(
        "fresh.ron",
        "(version: 1, name: \"fresh\", extends: \"base.ron\", objectives: [\"publish.lost == 0\", \"cost.usd_per_month < 1 USD\"])",
    );
    let report = scratch.path("moved.json");
    let xml = scratch.path("moved.xml");
    let comment = scratch.path("moved.md");
    compare(&scratch, &["ours.ron", "fresh.ron", "base.ron"])
        .out(&report)
        .out(&xml)
        .out(&comment)
        .out(&scratch.path("moved.html"))
        .code(4)
        .stderr_is_empty();
    let comment = fs::read_to_string(comment).unwrap();
    for part in [
        "ours.ron: renamed from mine.ron.",
        "Not there at HEAD, so nothing to compare; checked by itself: 1 of 2 objectives",
        "Deleted since HEAD; its objective is asked for no more",
    ] {
        assert!(comment.contains(part), "{part} is missing in {comment}");
    }
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report[0]["renamed_from"], "mine.ron");
    assert_eq!(report[1]["status"], "new");
    assert_eq!(report[3]["file"], "other.ron");
    assert_eq!(report[3]["status"], "deleted");
    let xml = fs::read_to_string(xml).unwrap();
    assert_eq!(xml.matches("<testsuite ").count(), 4, "{xml}");
    compare(&scratch, &["ours.ron", "--allow-weaker"])
        .code(0)
        .stdout_contains("other.ron");
}

#[test]
fn an_objective_that_is_dropped_or_relaxed_stops_the_gate() {
    let scratch = repository();
    let _ = scratch.file("base.ron", &base(1, "\"publish.lost == 0\""));
    let dropped = ["mine.ron", "--format", "markdown"];
    compare(&scratch, &dropped)
        .code(4)
        .stdout_contains("No longer asked for: `breaks_at > 4_000 users`")
        .stdout_contains("`breaks_at > 4_000 users` is no longer asked for; `--allow-weaker`");
    let _ = scratch.file("base.ron", &base(2, "\"breaks_at > 3_000 users\""));
    compare(&scratch, &dropped)
        .code(4)
        .stdout_contains("`breaks_at > 4_000 users` is relaxed to `breaks_at > 3_000 users`");
    compare(&scratch, &["mine.ron", "--allow-weaker"])
        .code(0)
        .stdout_contains("Asked for less strictly");
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
