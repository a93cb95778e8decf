//! Numbers that can be trusted: intervals, objectives, comparisons, and refusals in words. Concept rows are tests of their
//! names and print what they measured.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use session::{Aim, RunOptions};
use sim_core::engine::Interrupt;
use sim_core::report::{Estimate, RunReport};
use sim_core::scenario::Scenario;
use sim_core::scenario::assets::assets;
use sim_core::system::SystemRun;
use sim_core::time::{SimDuration, SimTime};
use system_tests::lab::{GROWTH, preset, run, scenario};
use system_tests::{Plimsoll, Scratch};

fn pursued(scenario: &Scenario, aim: Aim) -> RunReport {
    let options = RunOptions {
        aim,
        ..RunOptions::default()
    };
    session::run(scenario, &options, &|_| true).unwrap()
}

fn half_width(estimate: &Estimate) -> f64 {
    0.5 * (estimate.high.unwrap() - estimate.low.unwrap())
}

fn p99(report: &RunReport) -> Estimate {
    report.operations["publish"].latency_ms["delivered"].p99
}

#[test]
fn c001_three_latency_tiers_give_three_verdicts() {
    let verdict = |tier: &str| {
        let text = GROWTH.replacen(
            "version: 1,",
            &format!("version: 1, latency_tier: {tier},"),
            1,
        );
        let report = run(&scenario(&text, &[]));
        let json = serde_json::to_value(&report).unwrap();
        let last = json["objectives"]
            .as_array()
            .unwrap()
            .last()
            .unwrap()
            .clone();
        (
            last["objective"].as_str().unwrap().to_owned(),
            last["verdict"].as_str().unwrap().to_owned(),
            p99(&report).value.unwrap(),
        )
    };
    let tiers = ["SubSecond", "FewSecond", "NearRealTime"].map(verdict);
    println!("c001: {tiers:?}");
    let targets = tiers.clone().map(|tier| tier.0);
    assert_eq!(
        targets,
        [
            "publish.delivered.p99 < 100 ms",
            "publish.delivered.p99 < 3 s",
            "publish.delivered.p99 < 30 s"
        ]
    );
    for ((_, verdict, p99), limit) in tiers.iter().zip([100.0, 3_000.0, 30_000.0]) {
        assert_eq!(verdict, if *p99 < limit { "pass" } else { "fail" });
    }
}

#[test]
fn c003_stages_add_up_to_the_mean() {
    let report = run(&scenario(
        preset("p2-growth"),
        &[("load.users", "50_000 users"), ("run.duration", "30 s")],
    ));
    let publish = &report.operations["publish"];
    let mean = publish.latency_ms["delivered"].mean.value.unwrap();
    let stages: f64 = publish.breakdown.iter().map(|row| row.mean_ms).sum();
    let p99 = p99(&report).value.unwrap();
    println!("c003: p99 {p99:.0} ms; stages add up to {stages:.4} ms of {mean:.4} ms");
    assert!(p99 < 3_000.0);
    assert!((stages / mean - 1.0).abs() < 0.01);
    let slowest: f64 = publish.breakdown.iter().map(|row| row.share_of_p99).sum();
    assert!((slowest - 1.0).abs() < 1e-9);
}

#[test]
fn c005_nothing_arrives_before_light_could() {
    for name in [
        "team-chat",
        "p1-mvp",
        "p2-growth",
        "team-chat-1m",
        "published/kafkorama-125k",
    ] {
        let scenario = scenario(
            preset(name),
            &[("load.users", "500 users"), ("run.duration", "20 s")],
        );
        let home = &scenario.design.place.0;
        let floors = scenario.load.places.iter().map(|(place, _)| {
            assets()
                .round_trip(&place.0, home)
                .map_or(0.0, |trip| trip.mean.as_millis_f64())
        });
        let floor_ms = floors.fold(f64::INFINITY, f64::min);
        let report = run(&scenario);
        let full = report
            .tiers
            .values()
            .flat_map(|tier| tier.utilization.values());
        let fullest = full.map(|used| used.hottest).fold(0.0, f64::max);
        let latency = &report.operations["publish"].latency_ms["delivered"];
        let least_ms = latency.buckets[0].0;
        println!(
            "c005: {name}: fullest {:.1} %, least {least_ms:.3} ms, propagation {floor_ms:.3} ms",
            fullest * 100.0
        );
        assert!(least_ms >= floor_ms, "{name}");
        assert!(least_ms > 0.0);
    }
}

#[test]
fn c087_open_connections_add_up_at_every_second() {
    let story = GROWTH.replacen("run:", "faults: [(at: \"5 s\", lasts: \"6 s\", fault: Kill(tier: \"connection_servers\", instances: 1))],\n    run:", 1);
    let mut system = SystemRun::new(&scenario(
        &story,
        &[("run.warmup", "0 s"), ("run.duration", "40 s")],
    ))
    .unwrap();
    let mut least = u64::MAX;
    for second in 1..=40 {
        system.advance(SimTime::from_secs(second), None, &mut |_, _| {
            Interrupt::Continue
        });
        let report = system.report();
        let by_server = report.tiers["connection_servers"].counters["open"];
        assert_eq!(by_server, report.connections.open, "after {second} s");
        least = least.min(by_server);
    }
    let wanted = system.report().connections.wanted;
    println!("c087: {least} of {wanted} open at the least, sums equal at 40 instants");
    assert!(least < wanted);
    assert_eq!(system.report().connections.open, wanted);
}

#[test]
fn c088_messages_are_conserved_at_every_second() {
    let mut system = SystemRun::new(&scenario(
        GROWTH,
        &[("run.warmup", "0 s"), ("run.duration", "30 s")],
    ))
    .unwrap();
    let mut received = 0;
    for second in 1..=30 {
        // The audit of every tier's accounts runs at each of these seconds, and stops the program when they are wrong.
        system.advance(SimTime::from_secs(second), None, &mut |_, _| {
            Interrupt::Continue
        });
        let report = system.report();
        for (name, operation) in &report.operations {
            assert_eq!(
                operation.owed,
                operation.received + operation.in_flight + operation.lost,
                "{name} after {second} s"
            );
        }
        received = report.operations["publish"].received;
    }
    println!("c088: {received} received, accounts equal at 30 instants");
    assert!(received > 1_000);
}

#[test]
fn c108_check_exits_with_the_verdict_and_its_reason() {
    let scratch = Scratch::new();
    let with = |name: &str, objective: &str| {
        let text =
            preset("p1-mvp").replacen("\"publish.lost == 0\",", &format!("\"{objective}\","), 1);
        scratch.file(name, &text).display().to_string()
    };
    let check =
        |file: &str| Plimsoll::new().args(&["check", file, "--duration", "80s", "--users", "2k"]);
    check(&with("pass.ron", "publish.lost == 0"))
        .code(0)
        .stdout_contains("less often than 1 in");
    check(&with("fail.ron", "publish.delivered.p99 < 50 ms"))
        .code(4)
        .stdout_contains("fail          publish.delivered.p99 < 50 ms: measured")
        .stdout_contains("between")
        .stdout_contains("fail.ron:");
    let measured = p99(&run(&scenario(
        preset("p1-mvp"),
        &[("load.users", "2k users"), ("run.duration", "80 s")],
    )));
    let within = format!(
        "publish.delivered.p99 < {:.1} ms",
        measured.value.unwrap() + 0.2 * half_width(&measured)
    );
    check(&with("undecided.ron", &within))
        .code(5)
        .stdout_contains("the limit lies within");
    let file = with("undecided.ron", &within);
    Plimsoll::new()
        .args(&[
            "check",
            &file,
            "--duration",
            "80s",
            "--users",
            "2k",
            "--inconclusive",
            "warn",
        ])
        .code(0);
    check(&with("invalid.ron", "publish.delievered.p99 < 50 ms"))
        .code(3)
        .stdout_contains("delivered");
    // Three over four over five over nought.
    let all = [
        with("fail.ron", "publish.delivered.p99 < 50 ms"),
        with("invalid.ron", "x < 1"),
    ];
    Plimsoll::new()
        .args(&["check", &all[0], &all[1], "p1-mvp", "--duration", "5s"])
        .code(3);
}

#[test]
fn one_command_writes_junit_markdown_and_html() {
    let scratch = Scratch::new();
    let outs = ["a.xml", "a.md", "a.html", "a.json"].map(|name| scratch.path(name));
    let mut command = Plimsoll::new().args(&["check", "p1-mvp", "--duration", "20s", "--quiet"]);
    for path in &outs {
        command = command.out(path);
    }
    command.code(0);
    for (path, part) in outs
        .iter()
        .zip(["<testsuites", "| ", "<svg", "\"verdict\""])
    {
        assert!(
            std::fs::read_to_string(path).unwrap().contains(part),
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_run_goes_on_until_it_is_as_precise_as_asked() {
    let scenario = scenario(
        preset("p1-mvp"),
        &[("load.users", "2k users"), ("run.duration", "60 s")],
    );
    let once = pursued(&scenario, Aim::Length);
    let precise = pursued(&scenario, Aim::Precision(0.02));
    let of = |report: &RunReport| report.precision.clone().unwrap();
    println!(
        "once: {:?}; precise: {:?} after {} s",
        of(&once).reached,
        of(&precise).reached,
        precise.simulated_s
    );
    assert!(of(&precise).reached.unwrap() <= 0.02);
    assert!(of(&precise).looks > 1 && precise.simulated_s > once.simulated_s);
    assert!(of(&precise).confidence > 0.95);
    assert!(half_width(&p99(&precise)) < half_width(&p99(&once)));
}

#[test]
fn the_first_difference_of_two_identical_designs_is_exactly_zero() {
    let scenario = scenario(GROWTH, &[("run.duration", "60 s")]);
    let report = session::compare(&scenario, &scenario, &RunOptions::default(), &|_| true).unwrap();
    assert!(report.better.is_empty() && report.worse.is_empty());
    for (path, difference) in &report.differences {
        assert_eq!(difference.value, Some(0.0), "{path}");
        if let (Some(low), Some(high)) = (difference.low, difference.high) {
            assert_eq!((low, high), (0.0, 0.0), "{path}");
        }
    }
}

/// Half-width of the difference of the 99th percentile, paired and as two runs on their own draws would have it.
fn narrower(name: &str, a: &Scenario, b: &Scenario) -> f64 {
    let report = session::compare(a, b, &RunOptions::default(), &|_| true).unwrap();
    let ratio = |path: &str, pick: &dyn Fn(&RunReport) -> Estimate| {
        let paired = half_width(&report.differences[path]);
        let (own_a, own_b) = (half_width(&pick(&report.a)), half_width(&pick(&report.b)));
        own_a.hypot(own_b) / paired
    };
    let mean = ratio("publish.delivered.mean", &|r| {
        r.operations["publish"].latency_ms["delivered"].mean
    });
    let tail = ratio("publish.delivered.p99", &p99);
    println!("{name}: paired is {mean:.1} x narrower for the mean, {tail:.1} x for p99");
    mean.min(tail)
}

#[test]
fn pairing_narrows_the_interval_of_a_cheaper_delivery_and_of_another_policy() {
    let base = [("load.users", "20k users"), ("run.duration", "120 s")];
    let a = scenario(preset("team-chat"), &base);
    let mut b = a.clone();
    let deliver = &mut b.design.connection_servers.profile.deliver;
    *deliver = SimDuration::from_nanos(deliver.as_nanos() * 95 / 100);
    assert!(narrower("a 5 % cheaper delivery", &a, &b) >= 2.5);
    let policy: Vec<(&str, &str)> = base
        .into_iter()
        .chain([("design.load_balancer.policy", "RoundRobin")])
        .collect();
    let b = scenario(preset("team-chat"), &policy);
    assert!(narrower("round robin for least connections", &a, &b) >= 2.5);
}

#[test]
fn editing_one_rate_leaves_all_other_draws_alone() {
    let of = |rate: &str| {
        let report = run(&scenario(
            preset("team-chat"),
            &[
                ("load.users", "2k users"),
                ("run.duration", "20 s"),
                ("traffic.presence.rate", rate),
            ],
        ));
        (
            report.operations["query"].offered_per_s,
            report.operations["publish"].owed,
            report.operations["publish"].offered_per_s,
        )
    };
    let first = of("2/h per user");
    for rate in 3..=12 {
        assert_eq!(of(&format!("{rate}/h per user")), first, "{rate}/h");
    }
}

#[test]
fn what_a_run_cannot_say_is_answered_in_words() {
    // 500 messages support no 99.9th percentile.
    let few = run(&scenario(
        preset("team-chat"),
        &[("load.users", "1k users"), ("run.duration", "50 s")],
    ));
    let publish = &few.operations["publish"].latency_ms["delivered"];
    assert_eq!(publish.p999.value, None);
    let notes = few.precision.unwrap().notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("p99.9 needs at least")),
        "{notes:?}"
    );
    // An unstable tier has no percentile at all, and fails what is asked of it.
    let text = GROWTH.replacen(
        "run:",
        "objectives: [\"publish.delivered.p99 < 10 s\"],\n    run:",
        1,
    );
    let unstable = run(&scenario(
        &text,
        &[
            ("design.channel_owners.sequence", "60 ms"),
            ("run.duration", "60 s"),
        ],
    ));
    assert!(unstable.stop.starts_with("Unstable"), "{}", unstable.stop);
    assert!(
        unstable.operations["publish"].latency_ms["delivered"]
            .p99
            .value
            .is_none()
    );
    assert_eq!(unstable.objectives[0].verdict, "fail");
    assert_eq!(unstable.objectives[0].value, None);
    // An objective on a metric that does not exist is refused with the nearest name.
    Plimsoll::new()
        .args(&[
            "check",
            "team-chat",
            "--set",
            "objectives=[\"publish.delivered.p98 < 1 s\"]",
        ])
        .code(3)
        .stdout_contains("p99");
}

#[test]
fn intervals_of_rates_and_utilisations_cover_the_truth() {
    // 400 users who each ask 0.5 times and write 0.2 times a second, and a query of 2 ms over a pool of 4.
    let truth = [
        ("query.offered_per_s", 200.0),
        ("publish.offered_per_s", 80.0),
        ("tiers.database.utilization.pool.mean", 200.0 * 0.002 / 4.0),
    ];
    let mut covered = [0_u32; 3];
    let mut given = [0_u32; 3];
    for seed in 1..=40 {
        let scenario = scenario(
            preset("team-chat"),
            &[
                ("load.users", "400"),
                ("traffic.query.rate", "0.5/s per user"),
                ("traffic.publish.rate", "0.2/s per user"),
                ("design.database.query", "Exponential(mean: \"2 ms\")"),
                ("design.database.pool", "4"),
                ("run.duration", "60 s"),
                ("run.seed", &seed.to_string()),
            ],
        );
        let report = pursued(&scenario, Aim::Length);
        for (index, (path, truth)) in truth.into_iter().enumerate() {
            let Some(found) = report.rates.get(path) else {
                continue;
            };
            given[index] += 1;
            let (low, high) = (found.low.unwrap(), found.high.unwrap());
            covered[index] += u32::from(low <= truth && truth <= high);
        }
    }
    for (index, (path, _)) in truth.into_iter().enumerate() {
        let (hits, all) = (covered[index], given[index]);
        println!("{path}: {hits} of {all} intervals cover the truth");
        // 95 % of 40 are 38; less than 33 would happen once in 300 times.
        assert!(all >= 35 && hits + 7 >= all, "{path}: {hits} of {all}");
    }
}
