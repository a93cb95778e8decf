//! Load over time: the shape of the day by region, ramps, bursts, traces, flash crowds, and clients that wait for their answer.
//!
//! The rates themselves are tested where they are made (`sim-core/src/system/rhythm.rs`: chi-squared over 20 seeds); here they
//! are seen from outside, in what whole runs report.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use std::fs;

use sim_core::engine::Interrupt;
use sim_core::report::RunReport;
use sim_core::scenario::{Edit, Scenario, load_str, load_with};
use sim_core::system::SystemRun;
use sim_core::time::SimTime;
use system_tests::Plimsoll;
use system_tests::lab::{GROWTH, preset, run, scenario};

/// [`GROWTH`] with fields put into its load, publish and a query of its own.
fn story(load: &str, publish: &str, edits: &[(&str, &str)]) -> Scenario {
    scenario(&story_text(load, publish), edits)
}

fn story_text(load: &str, publish: &str) -> String {
    let more = if load.is_empty() { "" } else { "," };
    let heartbeat = format!("heartbeat: \"2 s\", {load}{more}");
    GROWTH
        .replace("heartbeat: \"2 s\",", &heartbeat)
        .replace("size: \"300 B\"", &format!("size: \"300 B\", {publish}"))
}

/// Messages started while measuring.
fn offered(report: &RunReport) -> f64 {
    report.operations["publish"].offered_per_s * report.simulated_s
}

#[test]
fn a_client_that_waits_does_not_see_the_stall_that_the_others_see() {
    let with = |the_loop: &[(&str, &str)]| run(&scenario(preset("closed-loop"), the_loop));
    let closed = with(&[]);
    let open = with(&[("traffic.query.loop", "Open")]);
    let p99 = |report: &RunReport| {
        let latency = &report.operations["query"].latency_ms["answered"];
        (latency.p99.value.unwrap(), latency.max)
    };
    let rate = |report: &RunReport| report.operations["query"].offered_per_s;
    for (name, report) in [("closed", &closed), ("open", &open)] {
        let (p99, max) = p99(report);
        println!(
            "{name} loop: {:.1} queries/s, p99 {p99:.1} ms, max {max:.0} ms",
            rate(report)
        );
    }
    assert!(
        (rate(&closed) / rate(&open) - 1.0).abs() < 0.05,
        "the same load"
    );
    assert!(
        p99(&closed).1 > 900.0,
        "the closed loop met the stall as well"
    );
    assert!(p99(&closed).0 < 50.0, "but its p99 does not show it");
    assert!(p99(&open).0 > 500.0, "the open loop's does");
    let verdicts = [&closed, &open].map(|report| report.objectives[0].verdict.clone());
    println!("objective: {verdicts:?}");
    assert_ne!(verdicts[0], verdicts[1]);
}

#[test]
fn questions_of_a_client_do_not_depend_on_how_many_others_ask() {
    let with = |clients: &str| {
        let closed = format!("Closed(think_time: \"45 ms\", clients: {clients})");
        run(&scenario(
            preset("closed-loop"),
            &[("traffic.query.loop", &closed)],
        ))
    };
    let rate = |report: &RunReport| report.operations["query"].offered_per_s;
    let (few, many) = (rate(&with("5")), rate(&with("20")));
    println!("5 clients ask {few:.1}/s, 20 clients {many:.1}/s");
    assert!((many / few / 4.0 - 1.0).abs() < 0.03);
}

#[test]
fn closed_clients_go_on_when_their_questions_fail() {
    let edits = [
        ("design.database.pool", "1"),
        ("design.database.queue", "0 queries"),
        ("design.database.timeout", "10 ms"),
        (
            "faults",
            "[(at: \"30 s\", lasts: \"10 s\", fault: Kill(tier: \"connection_servers\")), (at: \"60 s\", lasts: \"5 s\", fault: Kill(tier: \"database\"))]",
        ),
        ("load.heartbeat", "1 s"),
        ("load.heartbeat_timeout", "3 s"),
    ];
    let report = run(&scenario(preset("closed-loop"), &edits));
    let query = &report.operations["query"];
    println!(
        "{:.1}/s offered, {:.1}/s completed, {} failed, {} timed out",
        query.offered_per_s, query.completed_per_s, query.failed, query.timed_out
    );
    assert!(query.failed + query.timed_out > 1_000);
    assert!(
        query.offered_per_s > 200.0,
        "they ask again: {}",
        query.offered_per_s
    );
}

#[test]
fn a_ramp_ends_where_it_was_asked_to_and_an_edited_tier_moves_no_arrival() {
    let ramp = "shape: Ramp(from: \"20 %\", to: 1.5, over: \"40 s\")";
    let at_end = [("run.warmup", "40 s"), ("run.duration", "40 s")];
    let end = offered(&run(&story(ramp, "", &at_end))) / 40.0;
    let halfway = offered(&run(&story(
        ramp,
        "",
        &[("run.warmup", "0 s"), ("run.duration", "40 s")],
    ))) / 40.0;
    println!("ramp: {end:.1}/s at the end, {halfway:.1}/s on the way, 200/s stated");
    assert!((end / 300.0 - 1.0).abs() < 0.03, "{end}");
    assert!((halfway / 170.0 - 1.0).abs() < 0.04, "{halfway}");
    let plain = run(&story(ramp, "", &[]));
    let edited = run(&story(
        ramp,
        "",
        &[
            ("design.channel_owners.count", "5"),
            ("design.connection_servers.count", "7"),
        ],
    ));
    assert_eq!(offered(&plain), offered(&edited));
}

#[test]
fn steps_and_bursts_and_their_means() {
    let steps = "shape: Steps([(at: \"2 s\", level: 3), (at: \"12 s\", level: 0.5)])";
    let mean = offered(&run(&story(steps, "", &[]))) / 20.0;
    assert!((mean / 350.0 - 1.0).abs() < 0.04, "{mean}");
    let bursty = "arrivals: Bursty(on: \"500 ms\", off: \"2 s\", factor: 8)";
    let rate = |seed: &str, publish: &str| {
        let report = run(&story(
            "",
            publish,
            &[("run.seed", seed), ("run.duration", "100 s")],
        ));
        let p99 = report.operations["publish"].latency_ms["delivered"]
            .p99
            .value
            .unwrap();
        (offered(&report) / 100.0, p99)
    };
    let runs: Vec<(f64, f64)> = (0..20)
        .map(|seed| rate(&format!("{seed}"), bursty))
        .collect();
    let mean = runs.iter().map(|run| run.0).sum::<f64>() / 20.0;
    let spread = runs
        .iter()
        .map(|run| (run.0 - mean) * (run.0 - mean))
        .sum::<f64>()
        / 19.0;
    // Index of dispersion over long windows: 1 + 2 σ² τ / mean = 1 + 2 · 0.16 · 583² · 0.4 / 200 = 219; of a run's rate
    // √(219 · 200 / 100) = 20.9, of the mean of 20 runs 4.7.
    println!(
        "bursty: {mean:.1}/s over 20 seeds of 200/s stated, {:.1}/s between seeds",
        spread.sqrt()
    );
    assert!((mean - 200.0).abs() < 14.0, "{mean}");
    assert!((12.0..32.0).contains(&spread.sqrt()), "{spread}");
}

#[test]
fn a_load_that_changes_goes_on_when_the_population_is_seated_anew() {
    let edits = [
        (
            "load.flash_crowds",
            "[(at: \"6 s\", lasts: \"4 s\", within: \"1 s\", joins: \"30 %\", activity: 2)]",
        ),
        ("load.shape", "Ramp(from: 0.5, to: 2, over: \"12 s\")"),
        (
            "traffic.query.loop",
            "Closed(think_time: \"200 ms\", clients: \"10 %\")",
        ),
        (
            "traffic.publish.arrivals",
            "Bursty(on: \"1 s\", off: \"1 s\", factor: 5)",
        ),
        ("load.users", "1000"),
        ("run.warmup", "1 s"),
        ("run.duration", "20 s"),
    ];
    let play = |changes: &[(u64, u32)]| {
        let scenario = scenario(preset("team-chat"), &edits);
        let mut run = SystemRun::new(&scenario).unwrap();
        for &(at, users) in changes {
            run.advance(SimTime::from_secs(at), None, &mut |_, _| {
                Interrupt::Continue
            });
            run.set_users(users).unwrap();
        }
        let end = run.end();
        run.advance(end, None, &mut |_, _| Interrupt::Continue);
        run.report()
    };
    let straight = play(&[]);
    let moved = play(&[(3, 3_000), (4, 1_000)]);
    for (name, report) in [("straight", &straight), ("moved", &moved)] {
        let (publish, query) = (&report.operations["publish"], &report.operations["query"]);
        println!(
            "{name}: {:.2} messages/s, {:.1} queries/s, {} open of {}, {} attempts, lost {} of {}",
            publish.offered_per_s,
            query.offered_per_s,
            report.connections.open,
            report.connections.wanted,
            report.connections.attempts,
            publish.lost,
            publish.owed,
        );
        assert_eq!(
            (report.connections.open, report.connections.wanted),
            (1_000, 1_000)
        );
        assert_eq!(report.connections.attempts, 300);
    }
    let rate = |report: &RunReport| report.operations["query"].offered_per_s;
    assert!((rate(&moved) / rate(&straight) - 1.0).abs() < 0.05);
}

#[test]
fn places_are_busy_at_different_hours() {
    let places = (
        "load.places",
        "{\"us-east-1\": \"50 %\", \"ap-northeast-1\": \"50 %\"}",
    );
    let load = "shape: Daily(peak_hour: 14, trough: \"10 %\"), day: (starts: 19)"; // 14:00 in Virginia, 4:00 in Tokyo
    let text = story_text(load, "").replace(
        "publish: (",
        "query: (rate: \"0.2/s per user\", size: \"1 KB\"), publish: (",
    );
    let report = run(&scenario(&text, &[places]));
    let by_region = &report.operations["query"].by_region;
    let (east, tokyo) = (
        by_region["us-east-1"].count,
        by_region["ap-northeast-1"].count,
    );
    println!("at 19:00 UTC: us-east-1 {east}, ap-northeast-1 {tokyo}");
    // 0.1 + 0.9 (1 + cos(2π · 10 / 24)) / 2 = 0.160 at four in the morning.
    let ratio = tokyo as f64 / east as f64;
    assert!((ratio / 0.160 - 1.0).abs() < 0.15, "{ratio}");
}

#[test]
fn a_run_without_an_hour_shows_the_busiest_one_and_its_bill_covers_the_day() {
    let flat = run(&story("", "", &[]));
    let daily = "shape: Daily(peak_hour: 14, trough: \"20 %\")";
    let shaped = run(&story(daily, "", &[]));
    let hourly = "shape: Hourly([0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])";
    let halves = run(&story(hourly, "", &[]));
    let night = run(&story(&format!("{daily}, day: (starts: 7)"), "", &[]));
    let fast = "shape: Daily(peak_hour: 14, trough: \"20 %\"), day: (lasts: \"20 s\")";
    let whole = run(&story(fast, "", &[]));
    let p99 = |report: &RunReport| {
        report.operations["publish"].latency_ms["delivered"]
            .p99
            .value
            .unwrap()
    };
    println!(
        "p99 flat {:.2} ms, daily {:.2} ms",
        p99(&flat),
        p99(&shaped)
    );
    let egress = |report: &RunReport| {
        let cost = report.cost.as_ref().unwrap();
        let items = cost
            .items
            .iter()
            .filter(|item| item.category.contains("egress"));
        items.map(|item| item.usd_per_month).sum::<f64>()
    };
    for (name, report) in [
        ("flat", &flat),
        ("daily", &shaped),
        ("hourly", &halves),
        ("night", &night),
        ("fast", &whole),
    ] {
        let cost = report.cost.as_ref().unwrap();
        println!(
            "{name}: {:.0} USD a month, egress {:.0}, {:.0}/s: {}",
            cost.usd_per_month,
            egress(report),
            offered(report) / report.simulated_s,
            cost.shape
        );
    }
    assert!(
        (offered(&shaped) / offered(&flat) - 1.0).abs() < 0.01,
        "the busiest hour"
    );
    assert!(
        (offered(&night) / offered(&flat) / 0.2 - 1.0).abs() < 0.1,
        "02:00 in Virginia"
    );
    assert!(
        (offered(&whole) / offered(&flat) / 0.6 - 1.0).abs() < 0.05,
        "a day in 20 s"
    );
    assert_eq!(
        flat.cost.as_ref().unwrap().shape,
        "at this load around the clock"
    );
    for (report, mean, off_by) in [
        (&shaped, 0.6, 0.01),
        (&halves, 0.6, 0.01),
        (&night, 0.6, 0.1),
        (&whole, 0.6, 0.05),
    ] {
        let ratio = egress(report) / egress(&flat);
        assert!((ratio / mean - 1.0).abs() < off_by, "egress {ratio}");
    }
}

#[test]
fn a_trace_is_replayed_to_the_operation_whatever_the_design() {
    // Behind a warm-up of 2 s: 200 messages at 3 s and one every 0.1 s from 5.05 s on, to the end at 22 s.
    let mut csv = String::from("# recorded\nseconds\n1.5\n");
    csv.push_str(&"3.0\n".repeat(200));
    for tenth in 0..500 {
        csv.push_str(&format!("{}\n", 5.05 + f64::from(tenth) / 10.0));
    }
    let text = story_text("", "arrivals: Trace(file: \"recorded.csv\")");
    let read = |name: &str| match name {
        "recorded.csv" => Ok(csv.clone()),
        other => Err(format!("no {other}")),
    };
    let load = |edits: &[Edit]| {
        let nowhere =
            |name: &str, _: &str| Err(sim_core::scenario::Problem::new(format!("no {name}")));
        load_with(&text, "trace.ron", edits, &nowhere, &read)
            .unwrap()
            .scenario
    };
    let set = |path: &str, value: &str| Edit::Set {
        path: path.to_owned(),
        value: value.to_owned(),
    };
    for edits in [
        vec![],
        vec![set("run.seed", "99")],
        vec![
            set("load.users", "400"),
            set("design.connection_servers.count", "2"),
        ],
    ] {
        assert_eq!(offered(&run(&load(&edits))), 200.0 + 170.0, "{edits:?}");
    }
    let window = [set("run.warmup", "4 s"), set("run.duration", "10 s")];
    assert_eq!(
        offered(&run(&load(&window))).round(),
        90.0,
        "5.05 s to 13.95 s"
    );
    let refused = load_str(&text, "trace.ron", &[]).unwrap_err();
    assert!(
        refused[0].to_string().contains("recorded.csv"),
        "{}",
        refused[0]
    );
}

#[test]
fn the_command_reads_a_trace_beside_its_scenario() {
    let folder = std::env::temp_dir().join(format!("plimsoll-load-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("day.csv"), "time_s,rate\n0,100\n12,400\n").unwrap();
    let text = story_text("", "arrivals: Trace(file: \"day.csv\")");
    fs::write(folder.join("growth.ron"), text).unwrap();
    let path = folder.join("growth.ron").display().to_string();
    let printed = Plimsoll::new().run(&path).format("json").code(0).stdout;
    let report: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let rate = report["operations"]["publish"]["offered_per_s"]
        .as_f64()
        .unwrap();
    println!("{rate:.1}/s of 250/s");
    assert!((rate / 250.0 - 1.0).abs() < 0.05, "{rate}");
    fs::write(folder.join("day.csv"), "time_s,rate\n0,100\n12,many\n").unwrap();
    let refused = Plimsoll::new().validate(&path).code(3);
    assert!(format!("{refused:?}").contains("day.csv:3"), "{refused:#?}");
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_flash_crowd_comes_through_the_balancer_and_goes() {
    let crowd = "flash_crowds: [(at: \"5 s\", lasts: \"10 s\", within: \"1 s\", joins: \"50 %\", activity: 3)]";
    let during = [("run.warmup", "0 s"), ("run.duration", "14 s")];
    let after = [("run.warmup", "0 s"), ("run.duration", "30 s")];
    let tight = [
        ("run.warmup", "0 s"),
        ("run.duration", "14 s"),
        ("design.connection_servers.accept", "30/s"),
        ("design.connection_servers.accept_burst", "10 connections"),
    ];
    let report = run(&story(crowd, "", &during));
    let connect = &report.operations["connect"];
    println!(
        "open {}, wanted {}, attempts {}, connect p99 {:?} ms",
        report.connections.open,
        report.connections.wanted,
        report.connections.attempts,
        connect.latency_ms["answered"].p99.value
    );
    assert_eq!(report.connections.open, 6_000);
    assert_eq!(report.connections.wanted, 6_000);
    assert_eq!(report.connections.attempts, 2_000);
    assert_eq!(report.connections.reconnects, 0, "newcomers lost nothing");
    // 200/s for 5 s, then up to 300/s times three.
    let expected = 200.0 * 5.0 + 250.0 * 3.0 + 300.0 * 3.0 * 8.0;
    assert!(
        (offered(&report) / expected - 1.0).abs() < 0.04,
        "{} of {expected}",
        offered(&report)
    );
    let report = run(&story(crowd, "", &after));
    assert_eq!(
        (report.connections.open, report.connections.wanted),
        (4_000, 4_000)
    );
    println!(
        "lost with those who left: {} of {}",
        report.operations["publish"].lost, report.operations["publish"].owed
    );
    let report = run(&story(crowd, "", &tight));
    println!(
        "tight: open {}, attempts {}, rejected {:?}",
        report.connections.open, report.connections.attempts, report.connections.rejected
    );
    assert!(report.connections.rejected["accept_rate"] > 1_000);
    // Four servers admit 40 at once and 120 a second for nine seconds.
    assert!((4_300..=5_160).contains(&report.connections.open));
}

#[test]
fn only_constant_load_without_faults_is_steady() {
    let steady = |load: &str, publish: &str| story(load, publish, &[]).is_steady();
    assert!(steady("", ""));
    assert!(steady(
        "shape: Flat",
        "arrivals: Bursty(on: \"1 s\", off: \"1 s\", factor: 3)"
    ));
    assert!(scenario(preset("closed-loop"), &[]).is_steady());
    assert!(!steady("shape: Daily(peak_hour: 14, trough: \"20 %\")", ""));
    assert!(!steady("shape: Ramp(from: 1, to: 2, over: \"1 s\")", ""));
    assert!(!steady(
        "flash_crowds: [(at: \"1 s\", lasts: \"1 s\", joins: 5)]",
        ""
    ));
    assert!(!steady("", "arrivals: Trace(instants: [1.0])"));
    assert!(!scenario(preset("reconnect-storm"), &[]).is_steady());
    let hash = |load: &str| story(load, "", &[]).hash();
    assert_eq!(hash(""), hash("shape: Flat"), "an old file keeps its hash");
    assert_ne!(hash(""), hash("shape: Steps([(at: \"9 s\", level: 2)])"));
}
