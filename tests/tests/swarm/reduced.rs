//! What the swarm has found, as small as it gets.

use sim_core::engine::Interrupt;
use sim_core::report::RunReport;
use sim_core::system::SystemRun;
use sim_core::time::{SimDuration, SimTime};
use system_tests::lab::{GROWTH, scenario};

fn growth(edits: &[(&str, &str)]) -> SystemRun {
    // A value of an edit stands on one line.
    let lines: Vec<String> = edits
        .iter()
        .map(|(_, value)| value.replace('\n', " "))
        .collect();
    let paths = edits.iter().map(|(path, _)| *path);
    let edits: Vec<(&str, &str)> = paths.zip(lines.iter().map(String::as_str)).collect();
    SystemRun::new(&scenario(GROWTH, &edits)).expect("it is small")
}

fn at_ms(run: &mut SystemRun, ms: u64) -> RunReport {
    let until = SimTime::ZERO + SimDuration::from_millis(ms);
    run.advance(until, None, &mut |_, _| Interrupt::Continue);
    run.report()
}

#[test]
fn a_server_that_is_back_before_its_death_was_noticed_knows_nobody() {
    let faults = r#"[(at: "5 s", lasts: "300 ms", fault: Kill(tier: "connection_servers"))]"#;
    let mut run = growth(&[("faults", faults)]);
    let all = at_ms(&mut run, 4_999).connections.open;
    let back = at_ms(&mut run, 5_301).connections.open;
    assert!(
        back <= all * 4 / 5,
        "{back} of {all} are open on servers that know them"
    );
    let end = at_ms(&mut run, 22_000).connections;
    assert_eq!(end.open, all);
    assert_eq!(
        end.reconnects,
        all / 4,
        "each client of one server of four, once"
    );
}

#[test]
fn an_instance_is_back_when_the_last_fault_that_keeps_it_down_is_over() {
    let faults = r#"[
        (at: "4 s", lasts: "10 s", fault: Kill(tier: "database")),
        (at: "6 s", lasts: "2 s", fault: Kill(tier: "database")),
    ]"#;
    let query = r#"(rate: "100/s", size: "1 KB")"#;
    let mut run = growth(&[("faults", faults), ("traffic.query", query)]);
    at_ms(&mut run, 9_000);
    run.restart_measuring();
    let dead = at_ms(&mut run, 13_000).operations["query"].completed_per_s;
    assert_eq!(dead, 0.0);
    at_ms(&mut run, 14_500);
    run.restart_measuring();
    let alive = at_ms(&mut run, 22_000).operations["query"].completed_per_s;
    assert!(alive > 80.0, "{alive}");
}

#[test]
fn slow_links_that_overlap_add_up_and_end_one_by_one() {
    let faults = r#"[
        (at: "3 s", lasts: "15 s", fault: SlowLink(from: "us-east-1", to: "eu-west-1", adds: "600 ms")),
        (at: "4 s", lasts: "4 s", fault: SlowLink(from: "eu-west-1", to: "us-east-1", adds: "400 ms")),
    ]"#;
    let halves = r#"{"us-east-1": "50 %", "eu-west-1": "50 %"}"#;
    let mut run = growth(&[
        ("faults", faults),
        ("load.places", halves),
        ("design.regions", &format!("(places: {halves})")),
        ("patterns.caching_and_edge", "On"),
    ]);
    let mut longest = |from: u64, to: u64| {
        at_ms(&mut run, from);
        run.restart_measuring();
        at_ms(&mut run, to).operations["publish"].latency_ms["delivered"].max
    };
    // There and back: to the owner of a channel, and to a member beside the publisher.
    let (both, one, none) = (
        longest(5_000, 7_900),
        longest(9_500, 17_900),
        longest(19_500, 22_000),
    );
    assert!(both > 2_000.0, "{both} ms");
    assert!((1_200.0..2_000.0).contains(&one), "{one} ms");
    assert!(none < 1_200.0, "{none} ms");
}

#[test]
fn attempts_to_connect_end_in_the_counts_that_they_began_in() {
    let mut run = growth(&[
        (
            "faults",
            r#"[
                (at: "1800 ms", fault: DropConnections(within: "100 ms")),
                (at: "5 s", lasts: "9 s", fault: Kill(tier: "connection_servers", instances: 4)),
            ]"#,
        ),
        ("load.reconnect", r#"Fixed(delay: "50 ms")"#),
        ("design.connection_servers.accept", "\"10/s\""),
        ("design.connection_servers.accept_burst", "1"),
    ]);
    let mut timed_out = 0;
    for ms in (2_001..2_040).chain([4_000, 9_000, 14_000, 22_000]) {
        let report = at_ms(&mut run, ms);
        let connect = &report.operations["connect"];
        let count = |per_s: f64| (per_s * report.simulated_s).round() as u64;
        let over = count(connect.completed_per_s) + connect.failed + connect.timed_out;
        assert!(
            over <= count(connect.offered_per_s),
            "at {ms} ms: {connect:?}"
        );
        timed_out = connect.timed_out;
    }
    assert!(timed_out > 0, "dead servers answer no attempt");
}
