//! Recovery figures of faults as whole systems: who notices, who takes over, when all is as before, what is lost.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::{FaultReport, RunReport};
use sim_core::scenario::{Edit, load_str};
use system_tests::lab::{GROWTH, run, scenario};

/// The rooms of the growth phase with one fault, or several.
fn told(faults: &str, edits: &[(&str, &str)]) -> RunReport {
    let faults = &one_line(faults);
    let own = [("faults", faults.as_str()), ("run.duration", "60 s")];
    run(&scenario(GROWTH, &[own.as_slice(), edits].concat()))
}

/// A value for `--set`.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect()
}

fn only(report: &RunReport) -> &FaultReport {
    assert_eq!(report.faults.len(), 1, "{:?}", report.faults);
    let fault = &report.faults[0];
    println!("{}", serde_json::to_string_pretty(fault).unwrap());
    fault
}

#[test]
fn a_dead_server_is_noticed_by_heartbeats_and_its_users_go_elsewhere() {
    let faults = r#"[(at: "20 s", lasts: "20 s", fault: Kill(tier: "connection_servers"))]"#;
    let report = told(faults, &[]);
    let fault = only(&report);
    // The registry misses heartbeats for 5 s; clients learn it within the 2 s before.
    assert_eq!(fault.time_to_detect_s, Some(5.0));
    let moved = fault.time_to_fail_over_s.unwrap();
    assert!((3.0..20.0).contains(&moved), "{moved}");
    // A quarter of 4 000 people, once each.
    let back = fault.lost.reconnects as f64;
    assert!((back - 1_000.0).abs() < 150.0, "{back}");
    assert_eq!(fault.lost.reconnects_usual, 0);
    // All of it, since nothing else happened.
    let publish = &report.operations["publish"];
    assert_eq!(fault.lost.deliveries, publish.lost);
    assert!(publish.lost > 0);
    assert!(fault.recovered_s.unwrap() >= 40.0 && fault.ended_s == Some(40.0));
    assert!(fault.shares_with.is_empty());
}

#[test]
fn a_server_that_stays_dead_is_overcome_and_one_at_the_end_is_not_over() {
    let for_good = r#"[(at: "20 s", fault: Kill(tier: "connection_servers"))]"#;
    let report = told(for_good, &[]);
    let fault = only(&report);
    assert_eq!((fault.number, fault.ended_s), (0, None));
    let took = fault.time_to_recover_s.unwrap();
    assert!((2.0..30.0).contains(&took), "{took}");
    let late = r#"[(at: "58 s", lasts: "60 s", fault: Kill(tier: "connection_servers"))]"#;
    let report = told(late, &[]);
    let fault = only(&report);
    assert_eq!((fault.ended_s, fault.recovered_s), (None, None));
    assert_eq!((fault.time_to_recover_s, fault.watched_s), (None, 4.0));
}

#[test]
fn owners_take_over_after_their_time_and_the_report_says_when() {
    let faults = r#"[(at: "20 s", lasts: "20 s", fault: Kill(tier: "channel_owners"))]"#;
    let never = told(faults, &[]);
    let soon = told(faults, &[("design.channel_owners.failover", "3 s")]);
    let (never, soon) = (only(&never), only(&soon));
    assert_eq!(
        (never.time_to_detect_s, never.time_to_fail_over_s),
        (None, None)
    );
    assert_eq!(soon.time_to_detect_s, Some(3.0));
    assert_eq!(soon.time_to_fail_over_s, Some(3.0));
    assert!(soon.failed > 0 && soon.failed * 3 < never.failed);
    assert!(!never.detection.is_empty() && !never.failover.is_empty());
}

#[test]
fn every_kind_of_fault_says_who_notices_or_why_nobody_has_to() {
    let kinds = [
        r#"SlowDown(tier: "database", factor: 3)"#,
        r#"HotKey(share: "30 %")"#,
        r#"RollingRestart(drain: "1 s", restart: "1 s")"#,
        r#"LoseZone(region: "us-east-1", zone: 0)"#,
        r#"DropConnections(within: "1 s")"#,
        r#"FlashCrowd(joins: "20 %", within: "2 s")"#,
        r#"Kill(tier: "database")"#,
    ];
    for kind in kinds {
        let report = told(
            &format!(r#"[(at: "20 s", lasts: "5 s", fault: {kind})]"#),
            &[],
        );
        let fault = only(&report);
        assert!(kind.starts_with(&fault.kind), "{kind}: {}", fault.kind);
        assert!(
            !fault.detection.is_empty() && !fault.failover.is_empty(),
            "{kind}"
        );
        assert!(fault.ended_s.is_some(), "{kind}");
        assert!(fault.recovered_s.is_some(), "{kind}");
    }
}

#[test]
fn faults_at_once_share_what_is_lost_and_say_so() {
    let faults = r#"[(at: "20 s", lasts: "5 s", fault: Kill(tier: "connection_servers")),
        (at: "22 s", lasts: "5 s", fault: Kill(tier: "connection_servers", first: 1))]"#;
    let report = told(faults, &[]);
    assert_eq!(report.faults[0].shares_with, [1]);
    assert_eq!(report.faults[1].shares_with, [0]);
    assert!(report.faults[0].lost.reconnects >= report.faults[1].lost.reconnects);
}

#[test]
fn a_flash_crowd_connects_and_leaves_again() {
    let crowd = |lasts: &str| {
        format!(r#"[(at: "20 s", {lasts}fault: FlashCrowd(joins: "50 %", within: "5 s"))]"#)
    };
    let quiet = told("[]", &[]);
    let gone = told(&crowd(r#"lasts: "15 s", "#), &[]);
    let stays = told(&crowd(""), &[]);
    let connects = |report: &RunReport| report.connections.attempts;
    assert_eq!(quiet.connections.open, 4_000);
    assert_eq!(
        (gone.connections.open, gone.connections.wanted),
        (4_000, 4_000)
    );
    assert_eq!(
        (stays.connections.open, stays.connections.wanted),
        (6_000, 6_000)
    );
    assert!(connects(&gone) >= 2_000 && connects(&quiet) == 0);
    let sent = |report: &RunReport| report.operations["publish"].offered_per_s;
    let more = sent(&stays) / sent(&quiet);
    // Half as many more for 37.5 of 60 seconds.
    println!("messages: {more:.3} times");
    assert!((more - (1.0 + 0.5 * 37.5 / 60.0)).abs() < 0.06, "{more}");
    // Rooms of 20 that hold 30.
    let copies = |report: &RunReport| {
        let publish = &report.operations["publish"];
        publish.deliveries_per_s / publish.offered_per_s
    };
    assert!(copies(&stays) > 1.15 * copies(&quiet));
    let fault = only(&gone);
    assert_eq!((fault.ended_s, fault.failed), (Some(35.0), 0));
}

#[test]
fn a_crowd_that_servers_do_not_admit_at_once_waits_at_the_door() {
    let faults = r#"[(at: "20 s", fault: FlashCrowd(joins: 4_000, within: "0 s"))]"#;
    let narrow = [
        ("design.connection_servers.accept", "100/s"),
        ("design.connection_servers.accept_burst", "10 connections"),
    ];
    let report = told(faults, &narrow);
    let refused = report.connections.rejected.get("accept_rate");
    assert!(
        refused.is_some_and(|refused| *refused > 1_000),
        "{refused:?}"
    );
    assert_eq!(report.connections.open, report.connections.wanted);
}

#[test]
fn objectives_hold_what_a_fault_takes_against_a_limit() {
    let faults = r#"[(at: "20 s", lasts: "10 s", fault: Kill(tier: "connection_servers"))]"#;
    let objectives = r#"["faults.0.time_to_detect_s < 6 s", "faults.Kill.time_to_detect_s < 4 s",
        "faults.Kill.lost.failed >= 0", "faults.0.time_to_recover_s < 10 s"]"#;
    let report = told(faults, &[("objectives", one_line(objectives).as_str())]);
    let verdicts: Vec<&str> = report
        .objectives
        .iter()
        .map(|o| o.verdict.as_str())
        .collect();
    assert_eq!(
        verdicts,
        ["pass", "fail", "pass", "fail"],
        "{:?}",
        report.objectives
    );
    // One that is not overcome takes longer than was watched: 40 s.
    let never = r#"[(at: "25 s", fault: Kill(tier: "channel_owners"))]"#;
    let objectives =
        r#"["faults.0.time_to_recover_s < 20 s", "faults.0.time_to_recover_s < 90 s"]"#;
    let report = told(never, &[("objectives", objectives)]);
    let verdicts: Vec<&str> = report
        .objectives
        .iter()
        .map(|o| o.verdict.as_str())
        .collect();
    assert_eq!(verdicts, ["fail", "inconclusive"], "{:?}", report.faults);
}

#[test]
fn an_objective_on_a_fault_that_is_not_there_says_what_is() {
    let refused = |objective: &str| {
        let edit = |path: &str, value: String| Edit::Set {
            path: path.to_owned(),
            value,
        };
        let faults = r#"[(at: "20 s", fault: Kill(tier: "database")),
            (at: "30 s", fault: Kill(tier: "channel_owners"))]"#;
        let edits = [
            edit("faults", one_line(faults)),
            edit("objectives", format!("[\"{objective}\"]")),
        ];
        let errors = load_str(GROWTH, "growth.ron", &edits).unwrap_err();
        errors.iter().map(ToString::to_string).collect::<String>()
    };
    for (objective, words) in [
        ("faults.2.time_to_recover_s < 1 s", "0 to 1"),
        ("faults.Kill.time_to_recover_s < 1 s", "2 faults are a Kill"),
        ("faults.0.recovered_s < 1 s", "time_to_recover_s"),
        ("faults.0.time_to_recovr_s < 1 s", "did you mean"),
        (
            "faults.FlashCrowd.lost.failed == 0",
            "no fault \\\"FlashCrowd\\\"",
        ),
    ] {
        let found = refused(objective);
        assert!(
            found.contains(&words.replace('\\', "")),
            "{objective}: {found}"
        );
    }
}
