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

#[test]
fn a_long_row_of_messages_that_hold_each_other_back_is_computed_again_as_it_was() {
    // A lost packet holds the next messages back for a fifth of a second; then they arrive one tick after the other, and what
    // is under way in the middle of that follows from the first of them.
    const HELD_BACK: &str = r#"(
        version: 1,
        name: "held-back",
        load: (
            users: 63,
            places: {"af-south-1": "54 %", "eu-central-1": "46 %"},
            access: {"cable": "100 %"},
            transport: Sse,
            heartbeat: "491 ms",
            heartbeat_timeout: "638 ms",
            reconnect: EqualJitter(base: "1496 ms", cap: "21854 ms", spread_first: "331 ms"),
        ),
        channels: (per_user: 3, members: Random(count: 10)),
        traffic: (publish: (rate: "2211/s", size: "59 B")),
        design: (
            place: "af-south-1",
            routing: Local,
            connection_servers: (
                count: 1, machine: "c7g.xlarge", profile: "jvm-gateway",
                max_connections: 129, accept: "2552/s", accept_burst: 5,
            ),
        ),
        faults: [(at: "82 ms", lasts: "877 ms", fault: DropConnections(within: "3 ms"))],
        run: (population_seed: 385, seed: 465, warmup: "500 ms", duration: "3500 ms"),
    )"#;
    let mut run = SystemRun::new(&scenario(HELD_BACK, &[])).expect("it is small");
    let mut until = SimTime::ZERO + SimDuration::from_millis(2_500);
    for _ in 0..800 {
        until += SimDuration::from_micros(500);
        run.advance(until, None, &mut |_, _| Interrupt::Continue);
        assert_eq!(run.report().operations["publish"].duplicated, 0);
    }
}
