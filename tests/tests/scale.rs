//! Scale models beside the whole: what a model of one in `k` says of a system, and how far that is off.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::{Estimate, RunReport};
use sim_core::scenario::{Edit, MODEL_ERROR, load_str};
use system_tests::lab::{GROWTH, preset, run, scenario};

/// What a report says, by name, and its relative half-width if it has one.
type Said = (String, f64, Option<f64>);

fn said(report: &RunReport) -> Vec<Said> {
    let mut all = Vec::new();
    for (operation, own) in &report.operations {
        for (kind, latency) in &own.latency_ms {
            let of: [(&str, &Estimate); 4] = [
                ("mean", &latency.mean),
                ("p50", &latency.p50),
                ("p95", &latency.p95),
                ("p99", &latency.p99),
            ];
            for (name, estimate) in of.into_iter().filter(|_| kind != "complete") {
                let value = estimate.value.unwrap_or(f64::NAN);
                let half = estimate.relative_half_width();
                all.push((format!("{operation}.{kind}.{name}"), value, half));
            }
        }
    }
    all
}

fn utilizations(report: &RunReport) -> Vec<Said> {
    let mut all = Vec::new();
    for (tier, own) in &report.tiers {
        for (resource, used) in &own.utilization {
            all.push((format!("{tier}.{resource}"), used.mean, Some(0.0)));
        }
    }
    all
}

/// A relative difference of a model from the whole, what of it the intervals do not explain, and in words.
struct Off {
    by: f64,
    beyond: Option<f64>,
    what: String,
}

/// All of them, the largest last.
fn off(whole: &[Said], model: &[Said]) -> Vec<Off> {
    assert_eq!(whole.len(), model.len());
    let mut all: Vec<Off> = whole
        .iter()
        .zip(model)
        .map(|((name, whole, half), (other, model, own))| {
            assert_eq!(name, other);
            let by = if *whole == 0.0 {
                *model
            } else {
                model / whole - 1.0
            };
            let noise = half.zip(*own).map(|(half, own)| half.hypot(own));
            let words = noise.map_or("none".to_owned(), |noise| {
                format!("± {:.1} %", 100.0 * noise)
            });
            Off {
                by,
                beyond: noise.map(|noise| (by.abs() - noise).max(0.0)),
                what: format!("{name}: {whole:.3} whole, {model:.3} model, intervals {words}"),
            }
        })
        .collect();
    all.sort_by(|one, other| one.by.abs().total_cmp(&other.by.abs()));
    all
}

/// Holds a model of one in `k` against the whole.
fn hold(text: &str, edits: &[(&str, &str)], k: u32) {
    let whole = run(&scenario(text, edits));
    let scale = k.to_string();
    let edits: Vec<_> = [edits, &[("run.scale", scale.as_str())]].concat();
    let model = run(&scenario(text, &edits));
    assert_eq!(model.model.unwrap().one_in, k);
    assert_eq!((model.users, whole.model), (whole.users, None));
    let latencies = off(&said(&whole), &said(&model));
    println!("1:{k} of {} users of {}", whole.users, whole.scenario.name);
    for off in latencies.iter().rev().take(6) {
        println!("  {:+6.2} %  {}", 100.0 * off.by, off.what);
    }
    let full = off(&utilizations(&whole), &utilizations(&model));
    for off in full.iter().rev().take(3) {
        println!("  {:+6.2} %  {}", 100.0 * off.by, off.what);
    }
    let money = |report: &RunReport| report.cost.as_ref().unwrap().usd_per_month;
    let dearer = money(&model) / money(&whole) - 1.0;
    println!(
        "  {:+6.2} %  ${:.0} whole, ${:.0} model",
        100.0 * dearer,
        money(&whole),
        money(&model)
    );
    for off in latencies.iter().chain(&full) {
        assert!(
            off.beyond.is_none_or(|beyond| beyond <= MODEL_ERROR),
            "{}",
            off.what
        );
    }
    let judged = |off: &&Off| off.beyond.is_some() && off.what.starts_with("publish.delivered");
    assert_eq!(latencies.iter().filter(judged).count(), 4, "no intervals");
    assert!(dearer.abs() <= MODEL_ERROR, "{dearer}");
    let counts = |report: &RunReport| {
        let publish = &report.operations["publish"];
        [
            publish.offered_per_s,
            publish.deliveries_per_s,
            report.connections.open as f64,
        ]
    };
    for (whole, model) in counts(&whole).into_iter().zip(counts(&model)) {
        assert!(
            (model / whole - 1.0).abs() <= MODEL_ERROR,
            "{model} of {whole}"
        );
    }
}

#[test]
fn half_of_team_chat_says_what_the_whole_says() {
    hold(preset("team-chat"), &[("run.duration", "120 s")], 2);
}

#[test]
#[ignore = "a minute of CPU; .ci/deep runs it"]
fn a_quarter_of_a_million_users_says_what_the_whole_says() {
    hold(preset("team-chat-1m"), &[("run.duration", "30 s")], 4);
}

#[test]
#[ignore = "minutes of CPU and 4 GB; .ci/deep runs it"]
fn a_sixteenth_of_ten_million_users_says_what_the_whole_says() {
    hold(preset("team-chat-10m"), &[], 16);
    hold(preset("team-chat-10m"), &[], 8);
}

#[test]
fn a_model_that_cannot_be_is_refused_with_those_that_can() {
    let refused = |text: &str, k: &str| {
        let edits = [Edit::Set {
            path: "run.scale".to_owned(),
            value: k.to_owned(),
        }];
        let errors = load_str(text, "test.ron", &edits).err().unwrap_or_default();
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        println!("{k}: {lines:?}");
        lines.join("\n")
    };
    let thirds = refused(preset("team-chat"), "3");
    assert!(thirds.contains("4 / 3 cores"), "{thirds}");
    let fans = refused(preset("espn-live"), "2");
    println!("{thirds}\n{fans}");
    assert!(thirds.contains("allowed: 2"), "{thirds}");
    assert!(fans.contains("leave run.scale out"), "{fans}");
}

#[test]
fn a_fault_hits_the_same_instances_and_loses_as_much() {
    let text = GROWTH.replace("users: 4000", "users: 16_000");
    let kill = r#"[(at: "6 s", lasts: "4 s", fault: Kill(tier: "connection_servers", first: 1))]"#;
    let edits = [("faults", kill)];
    let whole = run(&scenario(&text, &edits));
    let model = run(&scenario(&text, &[edits[0], ("run.scale", "2")]));
    let lost = |report: &RunReport| report.operations["publish"].lost as f64;
    let back = |report: &RunReport| report.connections.reconnects as f64;
    println!(
        "lost {} and {}, back {} and {}",
        lost(&whole),
        lost(&model),
        back(&whole),
        back(&model)
    );
    assert!((back(&model) / back(&whole) - 1.0).abs() < 0.05);
    assert!((lost(&model) / lost(&whole) - 1.0).abs() < 0.15);
    assert_eq!(whole.faults.len(), model.faults.len());
}
