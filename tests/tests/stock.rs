//! Units of which no more should be sold than there are, and purchases of several articles on several nodes.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::{OperationReport, RunReport};
use system_tests::lab::{preset, run, scenario};

/// A flash sale: 1 000 units of one article, 5 000 buyers a second for ten seconds, through ten connection servers.
const SALE: &str = r#"(
    version: 1,
    name: "sale",
    title: "Sale",
    story: "Everybody wants one.",
    load: (
        users: 50_000,
        places: {"us-east-1": "100 %"},
        access: {"fiber": "100 %"},
        heartbeat: "60 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Rooms(size: 20)),
    traffic: (reserve: (rate: "5_000/s", size: "200 B", opens: "2 s", lasts: "10 s")),
    patterns: (pooling: On),
    design: (
        place: "us-east-1",
        routing: Local,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (count: 10, machine: "c7g.4xlarge", profile: "tokio-websocket"),
        stock: (count: 1, machine: "c7g.large", units: "1_000 units", step: "20 us", write: "1 ms"),
    ),
    run: (population_seed: 1, seed: 7, warmup: "1 s", duration: "20 s"),
)"#;

fn reserve(report: &RunReport) -> &OperationReport {
    &report.operations["reserve"]
}

fn sale(edits: &[(&str, &str)]) -> RunReport {
    run(&scenario(SALE, edits))
}

fn counter(report: &RunReport, name: &str) -> u64 {
    report.tiers["stock"].counters[name]
}

fn p99(report: &RunReport, kind: &str) -> f64 {
    reserve(report).latency_ms[kind].p99.value.unwrap()
}

fn share(report: &RunReport, what: &str) {
    let own = reserve(report);
    let asked = own.offered_per_s * report.simulated_s;
    println!(
        "{what}: {asked:.0} asked, {} sold, conversion {:.4}, oversold {}, visible p99 {:.3} ms, answered p99 {:.2} ms",
        counter(report, "units_sold"),
        own.conversion.unwrap(),
        own.oversold.unwrap(),
        own.latency_ms
            .get("stockout_visible")
            .map_or(f64::NAN, |latency| latency.p99.value.unwrap()),
        p99(report, "answered"),
    );
}

/// Concept C013: nothing is oversold where one node decides; by copies, more the older they are.
#[test]
fn c013_stock_is_oversold_by_copies_only_and_more_the_older_they_are() {
    let strong = sale(&[]);
    let reserved = sale(&[("design.stock.mode", "Reservation(ttl: \"10 min\")")]);
    for (what, report) in [("strong", &strong), ("reservation", &reserved)] {
        share(report, what);
        let own = reserve(report);
        let asked = own.offered_per_s * report.simulated_s;
        assert!((asked / 50_000.0 - 1.0).abs() < 0.02, "{asked} buyers");
        assert_eq!(own.oversold, Some(0), "{what}");
        assert_eq!(
            counter(report, "units_sold") + counter(report, "units_set_aside"),
            1_000
        );
        assert_eq!(own.failed + own.timed_out, 0, "{what}");
    }
    let mut last = 0;
    for staleness in ["100 ms", "300 ms", "1 s", "3 s"] {
        let mode = format!("Eventual(staleness: \"{staleness}\")");
        let report = sale(&[("design.stock.mode", &mode)]);
        share(&report, staleness);
        let oversold = reserve(&report).oversold.unwrap();
        assert!(oversold > last, "{staleness}: {oversold} after {last}");
        // Each server goes on for a whole copy at most, and the way to it.
        let longest: f64 = match staleness {
            "100 ms" => 0.1,
            "300 ms" => 0.3,
            "1 s" => 1.0,
            _ => 3.0,
        };
        let most = 5_000.0 * (longest + 0.01);
        assert!((oversold as f64) < most, "{oversold} of {most}");
        // On average over the phases of ten servers, half of it.
        let mean = 5_000.0 * longest / 2.0;
        assert!(
            (oversold as f64 / mean - 1.0).abs() < 0.5,
            "{oversold} of {mean}"
        );
        assert!(p99(&report, "stockout_visible") > p99(&strong, "stockout_visible"));
        last = oversold;
    }
}

/// The preset sells what there is; by copies that are a second old it sells more, to its four servers.
#[test]
fn c013_the_flash_sale_of_the_preset() {
    let flash = |edits: &[(&str, &str)]| run(&scenario(preset("flash-sale"), edits));
    let set_aside = flash(&[]);
    share(&set_aside, "preset");
    assert_eq!(reserve(&set_aside).oversold, Some(0));
    let copies = flash(&[("design.stock.mode", "Eventual(staleness: \"1 s\")")]);
    share(&copies, "preset, by copies a second old");
    let oversold = reserve(&copies).oversold.unwrap();
    assert!((100..5_000).contains(&oversold), "{oversold}");
}

/// What is set aside and not paid for is sold to somebody else.
#[test]
fn reservations_that_run_out_come_back() {
    let report = sale(&[
        ("design.stock.mode", "Reservation(ttl: \"2 s\")"),
        ("traffic.reserve.paid", "50 %"),
        (
            "traffic.reserve.payment",
            "Uniform(min: \"1 s\", max: \"1500 ms\")",
        ),
        ("run.duration", "25 s"),
    ]);
    share(&report, "half are paid for");
    let (sold, expired) = (
        counter(&report, "units_sold"),
        counter(&report, "reservations_expired"),
    );
    println!("sold {sold}, expired {expired}");
    assert_eq!(reserve(&report).oversold, Some(0));
    assert_eq!(counter(&report, "paid_too_late"), 0);
    assert!(expired > 500, "{expired} reservations ran out");
    assert!((900..=1_000).contains(&sold), "{sold} units were sold");
    // Who pays after the reservation has run out has nothing.
    let late = sale(&[
        ("design.stock.mode", "Reservation(ttl: \"2 s\")"),
        ("traffic.reserve.payment", "Constant(\"3 s\")"),
        ("run.duration", "25 s"),
    ]);
    assert_eq!(counter(&late, "units_sold"), 0);
    assert!(counter(&late, "paid_too_late") >= 1_000);
}

/// A node that dies fails what it holds; who asks while it is dead is refused; nothing is oversold.
#[test]
fn a_dead_node_sells_nothing() {
    let report = sale(&[
        ("design.stock.units", "1_000_000"),
        ("traffic.reserve.lasts", "60 s"),
        (
            "faults",
            r#"[(at: "5 s", lasts: "2 s", fault: Kill(tier: "stock"))]"#,
        ),
    ]);
    let own = reserve(&report);
    let refused = own.failed as f64;
    println!("{} failed in two seconds of 5 000 a second", own.failed);
    assert!((refused / 10_000.0 - 1.0).abs() < 0.05, "{refused}");
    let answered = own.completed_per_s * report.simulated_s;
    let under_way = counter(&report, "units_sold") as f64 - answered;
    println!("{under_way:.0} answers are on their way at the end");
    assert!(
        (0.0..200.0).contains(&under_way),
        "what is sold is answered"
    );
    let fault = &report.faults[0];
    assert_eq!(fault.time_to_detect_s, Some(0.0));
    assert!(fault.time_to_recover_s.unwrap() < 4.0, "{fault:?}");
}

/// Purchases of two articles over eight nodes, in the same hall as their users.
const PAIRS: [(&str, &str); 8] = [
    ("load.access", "{\"none\": \"100 %\"}"),
    ("traffic.reserve.items", "2"),
    ("traffic.reserve.rate", "500/s"),
    ("traffic.reserve.lasts", "30 s"),
    ("design.stock.count", "8"),
    ("design.stock.articles", "5_000 articles"),
    ("design.stock.write", "5 ms"),
    ("run.duration", "40 s"),
];

fn pairs(mode: &str, more: &[(&str, &str)]) -> RunReport {
    let mut edits = PAIRS.to_vec();
    edits.push(("design.stock.txn", mode));
    edits.extend(more);
    sale(&edits)
}

/// Concept C042: what a crash between two writes leaves behind, and what two-phase commit costs.
#[test]
fn c042_a_crash_between_writes_leaves_halves_only_without_coordination() {
    let kill: (&str, &str) = (
        "faults",
        r#"[(at: "10 s", lasts: "5 s", fault: Kill(tier: "stock", first: 2))]"#,
    );
    let left = |mode| {
        let report = pairs(mode, &[kill]);
        let own = reserve(&report);
        println!(
            "{mode}: {} half committed, {} failed, {} under way, p99 {:.2} ms",
            own.partially_committed.unwrap(),
            own.failed,
            counter(&report, "under_way"),
            p99(&report, "answered"),
        );
        assert!(own.failed > 0, "a node was dead");
        assert_eq!(counter(&report, "under_way"), 0, "{mode}");
        own.partially_committed.unwrap()
    };
    assert!(left("None") > 0);
    assert_eq!(left("TwoPhase"), 0);
    assert_eq!(left("Saga"), 0);
    let single = pairs("None", &[("traffic.reserve.items", "1")]);
    let both = pairs("TwoPhase", &[]);
    let (one, two) = (p99(&single, "answered"), p99(&both, "answered"));
    println!(
        "p99: one node {one:.2} ms, two-phase commit {two:.2} ms, {:.2} times",
        two / one
    );
    assert!(two >= 2.0 * one, "{two} ms against {one} ms");
    // Nobody is short of stock: whole purchases take two units each.
    let sold = counter(&both, "units_sold") as f64;
    let answered = reserve(&both).completed_per_s * both.simulated_s;
    assert!(
        (sold / (2.0 * answered) - 1.0).abs() < 1e-3,
        "{sold} units, {answered} purchases"
    );
}

/// What a purchase needs is said with the place, what is allowed and a way out.
#[test]
fn errors_say_what_is_missing() {
    let wrong = |edits: &[(&str, &str)]| {
        let edits: Vec<sim_core::scenario::Edit> = edits
            .iter()
            .map(|(path, value)| sim_core::scenario::Edit::Set {
                path: (*path).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        let errors = sim_core::scenario::load_str(SALE, "sale.ron", &edits).unwrap_err();
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let text = wrong(&[("traffic.reserve.items", "3")]);
    assert!(
        text.contains("traffic.reserve.items") && text.contains("design.stock.articles"),
        "{text}"
    );
    let text = wrong(&[("design.stock.mode", "Eventual(staleness: \"0 s\")")]);
    assert!(text.contains("design.stock.mode.staleness"), "{text}");
    let text = wrong(&[("faults", r#"[(at: "1 s", fault: Kill(tier: "stocks"))]"#)]);
    assert!(text.contains("stock"), "{text}");
    println!("{text}");
}
