//! Orders: the engine's queue, its sequence, its market data, and what the way to it costs.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::{OperationReport, RunReport};
use sim_core::theory::SingleServer;
use system_tests::lab::{preset, run, scenario};

/// The exchange with a tenth of its members: a hundred thousand orders a second, for as long as a test needs.
const SMALL: [(&str, &str); 2] = [("load.users", "200"), ("run.duration", "2 s")];

fn trade(edits: &[(&str, &str)]) -> RunReport {
    run(&scenario(preset("trading"), edits))
}

fn small(edits: &[(&str, &str)]) -> RunReport {
    let mut all = SMALL.to_vec();
    all.extend(edits);
    trade(&all)
}

fn order(report: &RunReport) -> &OperationReport {
    &report.operations["order"]
}

fn p99(report: &RunReport) -> f64 {
    order(report).latency_ms["answered"].p99.value.unwrap()
}

fn mean(report: &RunReport) -> f64 {
    order(report).latency_ms["answered"].mean.value.unwrap()
}

fn part(report: &RunReport, cause: &str) -> f64 {
    let mut rows = order(report).breakdown.iter();
    rows.find(|row| row.tier == "matching_engine" && row.cause == cause)
        .map_or(0.0, |row| row.mean_ms * 1e3)
}

fn verdict<'a>(report: &'a RunReport, objective: &str) -> &'a str {
    let mut all = report.objectives.iter();
    let found = all
        .find(|own| own.objective.starts_with(objective))
        .unwrap();
    &found.verdict
}

fn counter(report: &RunReport, name: &str) -> u64 {
    report.tiers["matching_engine"].counters[name]
}

/// Concept C033: a million orders a second on an engine of six million: gap-free per symbol, p99 below a millisecond.
#[test]
fn c033_a_million_orders_a_second_are_sequenced_without_gaps() {
    let report = trade(&[]);
    let own = order(&report);
    let numbers = counter(&report, "sequence_numbers");
    println!(
        "{:.0} orders/s, p99 {:.4} ms, mean {:.4} ms; {numbers} numbers, {} gaps; engine {:.3} busy; {:.2} us of CPU per order, {} events",
        own.offered_per_s,
        p99(&report),
        mean(&report),
        own.sequence_gaps.unwrap(),
        report.tiers["matching_engine"].utilization["cpu"].mean,
        report.engine.cpu_s * 1e6 / (own.offered_per_s * 6.5),
        report.engine.events,
    );
    for objective in &report.objectives {
        println!(
            "{}: {} {:?}",
            objective.objective, objective.verdict, objective.value
        );
    }
    assert!((own.offered_per_s / 1e6 - 1.0).abs() < 0.01);
    assert!(p99(&report) < 1.0);
    assert_eq!(own.sequence_gaps, Some(0));
    assert!(numbers as f64 > own.completed_per_s * report.simulated_s);
    assert_eq!(own.failed + own.timed_out, 0);
    assert!(report.objectives.iter().all(|own| own.verdict == "pass"));
}

/// The engine is one thread: M/D/1. Its journal shares writes: one to two of them.
#[test]
fn an_engine_waits_as_one_server_with_constant_service_does() {
    // 100 000 a second of 7 us: 70 % busy.
    let report = small(&[
        ("design.matching.service", "7 us"),
        ("design.matching.replicas", "0"),
        ("run.duration", "8 s"),
    ]);
    let rate = order(&report).offered_per_s;
    let theory = SingleServer::deterministic(rate, 7e-6).unwrap();
    let (wait, expected) = (part(&report, "queue"), theory.mean_wait() * 1e6);
    println!("wait {wait:.3} us, M/D/1 {expected:.3} us");
    assert!((wait / expected - 1.0).abs() < 0.05);
    let journal = part(&report, "journal and replicas");
    println!("journal of 20 us: {journal:.2} us");
    assert!((20.0..40.0).contains(&journal));
}

/// Concept C002: a hundred milliseconds more on the way, a balancer that everybody shares, other programs on the core.
#[test]
fn c002_what_a_hundred_milliseconds_a_balancer_and_other_programs_cost() {
    let long = ("run.duration", "8 s");
    let alone = small(&[long]);
    let far = small(&[long, ("design.load_balancer.hop", "50 ms")]);
    let missed = |report: &RunReport| order(report).deadline_miss_ratio.unwrap();
    println!(
        "p99 {:.4} ms, misses {:.4}; with 100 ms more {:.2} ms, misses {:.4}",
        p99(&alone),
        missed(&alone),
        p99(&far),
        missed(&far)
    );
    assert!(missed(&far) >= 0.99 && missed(&alone) == 0.0);
    assert_eq!(verdict(&far, "order.answered.p99"), "fail");
    assert_eq!(verdict(&far, "order.deadline_miss_ratio"), "fail");
    assert_eq!(verdict(&alone, "order.answered.p99"), "pass");
    assert_eq!(verdict(&alone, "order.deadline_miss_ratio"), "pass");
    let shared = small(&[("design.load_balancer.hop", "100 us")]);
    println!("a balancer of 100 us: p99 {:.4} ms", p99(&shared));
    assert!((p99(&shared) - p99(&alone) - 0.2).abs() < 0.01);
    let unpinned = small(&[(
        "design.matching.preempted",
        "(every: \"10 ms\", lasts: \"1 ms\")",
    )]);
    println!("other programs on the core: p99 {:.4} ms", p99(&unpinned));
    assert!(p99(&unpinned) > 5.0 * p99(&alone));
}

/// One packet by multicast, one for each listener by unicast: the sender's core and network give way.
#[test]
fn market_data_by_multicast_and_by_unicast() {
    let one = small(&[]);
    let each = small(&[
        ("design.matching.market_data.casting", "Unicast"),
        ("run.duration", "6 s"),
    ]);
    let told = |report: &RunReport| {
        let tier = &report.tiers["matching_engine"];
        let own = |name: &str| tier.utilization[name].mean;
        println!(
            "{} packets of {} messages, received {} times; publisher {:.3}, bandwidth {:.4}",
            counter(report, "market_data_packets"),
            counter(report, "market_data_messages"),
            counter(report, "market_data_received"),
            own("publisher"),
            own("bandwidth"),
        );
        (own("publisher"), own("bandwidth"))
    };
    let (one_busy, one_sent) = told(&one);
    let (each_busy, each_sent) = told(&each);
    // 120 of 200 sessions listen. A core that is asked for more than it has works all the time.
    assert!(
        (each_sent / one_sent - 120.0).abs() < 2.0,
        "{each_sent} and {one_sent}"
    );
    assert!(each_busy > 0.99 && one_busy < 0.05);
    let market = order(&one).latency_ms["market_data"].p99.value.unwrap();
    println!(
        "market data p99 by multicast: {market:.4} ms; by unicast {}",
        each.stop
    );
    assert!(market < 0.1);
    assert_eq!(each.stop, "Unstable{matching_engine}");
    // What one core sends to twenty of them.
    let few = small(&[
        ("design.matching.market_data.casting", "Unicast"),
        ("design.matching.market_data.receivers", "20 users"),
    ]);
    let late = order(&few).latency_ms["market_data"].p99.value.unwrap();
    println!(
        "20 listeners by unicast: {late:.4} ms, orders {:.4} ms",
        p99(&few)
    );
    assert!(late > market && late < 1.0);
    assert!(
        (p99(&one) - p99(&few)).abs() < 0.02,
        "orders do not wait for market data"
    );
}

/// A replica has the same books and goes on numbering; without one and without a journal the numbers begin anew.
#[test]
fn an_engine_that_dies_is_followed_by_its_replica() {
    let kill = (
        "faults",
        r#"[(at: "4 s", lasts: "500 ms", fault: Kill(tier: "matching_engine"))]"#,
    );
    let long = ("run.duration", "8 s");
    let followed = small(&[kill, long]);
    let own = order(&followed);
    println!(
        "with a replica: {} failed, {} gaps",
        own.failed,
        own.sequence_gaps.unwrap()
    );
    // 100 ms until it takes over, at 100 000 a second.
    assert!((own.failed as f64 / 10_000.0 - 1.0).abs() < 0.1);
    assert_eq!(own.sequence_gaps, Some(0));
    assert!((followed.faults[0].time_to_fail_over_s.unwrap() - 0.1).abs() < 1e-9);
    let alone = small(&[
        kill,
        long,
        ("design.matching.replicas", "0"),
        ("design.matching.journal", "0 s"),
    ]);
    let own = order(&alone);
    println!(
        "alone: {} failed, {} gaps or repetitions",
        own.failed,
        own.sequence_gaps.unwrap()
    );
    assert!((own.failed as f64 / 50_000.0 - 1.0).abs() < 0.1);
    assert!(
        own.sequence_gaps.unwrap() > 10_000,
        "its numbers begin anew"
    );
}
