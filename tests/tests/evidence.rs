//! Published scale tests beside predictions, and the product profiles they use.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use report::evidence::{self, Tolerance};
use serde_json::Value;
use sim_core::cluster::partitions_per_node;
use system_tests::Plimsoll;
use system_tests::lab::{GROWTH, preset, run, scenario};

/// The cases that `plimsoll evidence ID` prints.
fn cases(id: &str, duration: &str) -> Vec<Value> {
    let done = Plimsoll::new()
        .args(&[
            "evidence",
            id,
            "--quiet",
            "--format",
            "json",
            "--duration",
            duration,
        ])
        .code(0);
    let printed: Value = serde_json::from_str(&done.stdout).unwrap();
    let systems = printed["systems"].as_array().unwrap().clone();
    systems
        .iter()
        .flat_map(|system| system["cases"].as_array().unwrap().clone())
        .collect()
}

fn row<'a>(cases: &'a [Value], case: &str, metric: &str) -> &'a Value {
    let case = cases.iter().find(|found| found["case"] == case).unwrap();
    let rows = case["rows"].as_array().unwrap();
    rows.iter().find(|row| row["metric"] == metric).unwrap()
}

fn predicted(cases: &[Value], case: &str, metric: &str) -> f64 {
    row(cases, case, metric)["predicted"].as_f64().unwrap()
}

#[test]
fn r4_counts_of_the_sharded_cluster_are_those_published() {
    let naive = partitions_per_node(128, 6, false);
    assert_eq!(naive, [27, 15, 22, 23, 16, 25]);
    let balanced = partitions_per_node(128, 6, true);
    assert_eq!(balanced, [21, 22, 21, 21, 22, 21]);
    let counts = cases("R4 counts", "1 s");
    let rows = counts[0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|row| row["within"] == true), "{rows:#?}");
}

#[test]
fn r3_a_classic_cluster_gets_worse_with_more_nodes() {
    let few = cases("R3", "300 ms");
    let cpu = |case: &str| predicted(&few, case, "broker_cpu");
    assert!(cpu("R3 x6") > cpu("R3 -15 %") + 0.05);
    assert!(cpu("R3 x12") > cpu("R3 x6"));
}

#[test]
fn q_mosquitto_fanout_is_a_full_queue_over_the_rate_served() {
    let found = cases("Q-Mosquitto-fanout", "240 s");
    let of = |metric: &str| predicted(&found, "Q-Mosquitto-fanout", metric);
    // 1000 messages ahead, each written to 1000 subscribers at 12.2 us.
    assert!((of("p50") / 12_200.0 - 1.0).abs() < 0.03, "{}", of("p50"));
    assert!(of("p99") < 1.05 * of("p50"));
    // What is under way at the end, one plateau long, has not arrived.
    let served = of("delivered_per_s") * 240.0 / (240.0 - 12.2);
    assert!((served / 82e3 - 1.0).abs() < 0.02, "{served}");
}

#[test]
fn q_mosquitto_p2p_waits_as_long_as_the_closed_loop_says() {
    let found = cases("Q-Mosquitto-p2p", "10 s");
    let of = |metric: &str| predicted(&found, "Q-Mosquitto-p2p", metric);
    // What is under way at the end, one latency long, has not arrived.
    let served = of("delivered_per_s") * 10.0 / (10.0 - of("mean") / 1e3);
    let cycle_ms = 50_000.0 / served * 1e3;
    assert!(
        (of("mean") - (cycle_ms - 1_000.0)).abs() < 40.0,
        "{} {cycle_ms}",
        of("mean")
    );
}

#[test]
fn f2_leases_take_most_queries_off_the_database() {
    let found = cases("F2, no lease", "10 s");
    let ratio = row(&found, "F2, no lease", "reads_per_s over F2, lease");
    assert_eq!(ratio["within"], true, "{ratio}");
}

#[test]
fn every_preset_of_a_table_loads_with_its_edits() {
    for system in evidence::systems() {
        for (name, edits) in system.cases.iter().filter_map(evidence::Case::key) {
            assert!(name.starts_with("published/"), "{name}");
            let edits = edits.iter().map(|(path, value)| format!("{path}={value}"));
            edits
                .fold(Plimsoll::new().validate(&name), |p, edit| p.set(&edit))
                .code(0);
        }
    }
}

#[test]
fn every_judged_row_has_something_to_be_held_against() {
    for system in evidence::systems() {
        for row in system.cases.iter().flat_map(|case| &case.rows) {
            let words = matches!(row.tolerance, Tolerance::Exact | Tolerance::Above(_));
            let open = row.tolerance == Tolerance::Informative;
            let number = row.published.number().is_some_and(f64::is_finite);
            assert!(words || open || number, "{}: {row:?}", system.name);
        }
    }
}

#[test]
fn an_unknown_test_is_an_error_that_lists_the_known_ones() {
    Plimsoll::new()
        .args(&["evidence", "rediss"])
        .code(2)
        .stderr_contains("no published test is called rediss")
        .stderr_contains("redis (R1 -10 %");
}

#[test]
fn a_profile_gives_what_the_scenario_leaves_out_and_says_who_says_so() {
    let with = |edits: &[(&str, &str)]| scenario(GROWTH, edits);
    let own = with(&[("design.broker.profile", "redis-7")]);
    let broker = own.design.broker.unwrap();
    assert_eq!(broker.publish.as_nanos(), 20_000, "what is written wins");
    assert_eq!(broker.machine.cores, 1, "one thread");
    let text = GROWTH.replace(" publish: \"20 us\", copy: \"5 us\", linger", " linger");
    let taken = scenario(&text, &[("design.broker.profile", "redis-7")]);
    assert_eq!(
        taken.design.broker.as_ref().unwrap().publish.as_nanos(),
        769
    );
    let sources = taken.source_reports();
    let found = sources
        .iter()
        .find(|number| number.path == "design.broker.publish")
        .unwrap();
    assert_eq!(
        (found.value.as_str(), found.status.as_str()),
        ("769 ns", "Derived")
    );
}

#[test]
fn a_profile_of_ones_own_is_like_a_shipped_one() {
    let text = GROWTH
        .replace(" publish: \"20 us\", copy: \"5 us\", linger", " profile: \"mine\", linger")
        .replace(
            "    design: (\n",
            "    broker_profiles: {\"mine\": (like: \"redis-7\", copy: \"2 us\", source: Assumed(\"ours\"))},\n    design: (\n",
        );
    let broker = scenario(&text, &[]).design.broker.unwrap();
    assert_eq!(
        (broker.publish.as_nanos(), broker.copy.as_nanos()),
        (769, 2_000)
    );
}

#[test]
fn publishers_in_a_closed_loop_offer_no_more_than_is_served() {
    let text = preset("published/websocket-broadcast");
    let alone = run(&scenario(
        text,
        &[
            ("traffic.publish.loop.clients", "1"),
            ("run.duration", "5 s"),
        ],
    ));
    let four = run(&scenario(text, &[("run.duration", "5 s")]));
    let rate = |report: &sim_core::report::RunReport| report.operations["publish"].offered_per_s;
    // One thread: a second publisher only waits for the first.
    assert!((rate(&four) / rate(&alone) - 1.0).abs() < 0.1);
    assert_eq!(four.operations["publish"].lost, 0);
}

#[test]
fn an_event_log_answers_as_published_and_holds_producers_back() {
    let at_rate = cases("B1", "300 ms");
    for metric in [
        "append.p50",
        "append.p95",
        "append.p99",
        "p50",
        "p95",
        "p99",
    ] {
        let row = row(&at_rate, "B1", metric);
        println!("B1 {metric}: {} of {}", row["predicted"], row["published"]);
        assert_eq!(row["within"], true, "{row:#?}");
    }
    assert_eq!(row(&at_rate, "B1", "held_back")["predicted"], "no");
}
