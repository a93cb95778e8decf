//! Money: published arithmetic (rows `Y-cost-*`), exact sums of measured bills, and the concept rows about cost. Each prints
//! what it measured.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use routing::session::Transport;
use sim_core::cost::{
    Instances, Multiplexing, Purpose, Rent, Transfer, Usage, bill, book, heartbeats_per_s, managed,
};
use sim_core::report::{CostReport, RunReport};
use system_tests::lab::{GROWTH, preset, run, scenario};
use system_tests::repository;

fn near(measured: f64, expected: f64, tolerance: f64) -> bool {
    (measured / expected - 1.0).abs() <= tolerance
}

fn cost(report: &RunReport) -> &CostReport {
    report.cost.as_ref().unwrap()
}

fn usd(micro: u64) -> f64 {
    micro as f64 / 1e6
}

fn machines(machine: &str, count: u64) -> f64 {
    let usage = Usage {
        instances: vec![Instances {
            tier: "servers".to_owned(),
            region: "us-east-1".to_owned(),
            machine: machine.to_owned(),
            own_usd_micro_per_hour: None,
            count,
            rent: Rent::All(Purpose::IdleConnections),
        }],
        ..Usage::default()
    };
    usd(bill(&usage, book("2026-07").unwrap()).usd_micro_per_month())
}

#[test]
fn y_cost_1m_idle_managed() {
    let at = |service: &str, category: &str| {
        let month = managed(service, 1_000_000, 43_800_000_000, 0, 0).unwrap();
        let lines = month.bill.lines.iter();
        let of = lines.filter(|line| line.category == category);
        usd(of.map(|line| line.usd_micro).sum())
    };
    let rows = [
        (
            "apigw_websocket",
            at("apigw_websocket", "connection minutes"),
            10_950.0,
        ),
        ("iot_core", at("iot_core", "connection minutes"), 3_504.0),
        (
            "ably_conn_minutes",
            at("ably", "connection minutes"),
            27_640.5,
        ),
        (
            "azure_signalr_1000_units",
            at("azure_signalr", "1000 units"),
            48_970.0,
        ),
        (
            "self_host_c7g.4xlarge_x1",
            machines("c7g.4xlarge", 1),
            423.4,
        ),
    ];
    for (row, ours, published) in rows {
        println!("Y-cost-1M-idle-managed {row}: {ours:.2} USD a month, expected {published:.2}");
        assert!(near(ours, published, 0.001), "{row}");
    }
}

#[test]
fn y_cost_k4_egress() {
    let usage = Usage {
        egress: vec![Transfer {
            tier: "servers".to_owned(),
            region: "us-east-1".to_owned(),
            to: None,
            bytes: 609_000_000 * 2_628_000,
        }],
        ..Usage::default()
    };
    let egress = usd(bill(&usage, book("2026-07").unwrap()).usd_micro_per_month());
    let vm = machines("c5n.9xlarge", 1);
    let rows = [
        ("egress", egress, 83_913.8),
        ("vm_c5n.9xlarge", vm, 1_419.12),
        ("egress_share", egress / (egress + vm), 0.983),
    ];
    for (row, ours, published) in rows {
        println!("Y-cost-K4-egress {row}: {ours:.3}, expected {published}");
        assert!(near(ours, published, 0.005), "{row}");
    }
}

/// A scenario of a published scale test.
fn published(name: &str) -> String {
    let path = repository().join(format!("presets/published/{name}.ron"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Short runs of everything that fits a test.
fn systems() -> Vec<(&'static str, RunReport)> {
    let short = [("run.warmup", "2 s"), ("run.duration", "8 s")];
    let mut systems = vec![("growth", run(&scenario(GROWTH, &short)))];
    for name in [
        "p1-mvp",
        "team-chat",
        "team-chat-1m",
        "reconnect-storm",
        "kafkorama-125k",
    ] {
        let mut edits = short.to_vec();
        match name {
            "team-chat-1m" => edits[1].1 = "3 s",
            // Its connections are cut at 20 s.
            "reconnect-storm" => edits[1].1 = "30 s",
            _ => {}
        }
        let text = match name {
            "kafkorama-125k" => published(name),
            _ => preset(name).to_owned(),
        };
        systems.push((name, run(&scenario(&text, &edits))));
    }
    systems
}

#[test]
fn c082_idle_connections_against_messages_in_every_bill() {
    let systems = systems();
    let (mut most, mut above_cpu) = (Vec::new(), Vec::new());
    for (name, report) in &systems {
        let cost = cost(report);
        let spent = |purpose: &str| cost.by_purpose[purpose];
        let (idle, cpu) = (spent("idle_connections"), spent("message_cpu"));
        let deliveries: f64 = report.operations.values().map(|o| o.deliveries_per_s).sum();
        let crossover = cost.crossover_deliveries_per_s.unwrap();
        println!(
            "c082: {name:<16} {:>9.0} USD: idle {idle:.0}, message CPU {cpu:.0}, egress {:.0}, data {:.0}, edge {:.0}; \
             {:.3} deliveries/s a connection, on the servers connections cost as much as messages at {crossover:.3}",
            cost.usd_per_month,
            spent("egress"),
            spent("data"),
            spent("edge"),
            deliveries / report.connections.open as f64,
        );
        let largest = cost
            .by_purpose
            .iter()
            .max_by(|a, b| a.1.total_cmp(b.1))
            .unwrap();
        if largest.0 == "idle_connections" {
            most.push(*name);
        }
        if idle > cpu {
            above_cpu.push(*name);
        }
        let splits = [
            ("purpose", cost.by_purpose.values().sum::<f64>()),
            ("tier", cost.by_tier.values().sum()),
            ("region", cost.by_region.values().sum()),
            (
                "item",
                cost.items.iter().map(|item| item.usd_per_month).sum(),
            ),
            ("year", cost.usd_per_year / 12.0),
        ];
        for (split, sum) in splits {
            // Every part is a whole number of micro-dollars; only their printed form is rounded.
            assert!(
                (sum - cost.usd_per_month).abs() < 1e-6,
                "{name} by {split}: {sum}"
            );
        }
    }
    println!(
        "c082: connections are the largest item in {} of {} ({}); above message CPU in {} ({})",
        most.len(),
        systems.len(),
        most.join(", "),
        above_cpu.len(),
        above_cpu.join(", ")
    );
    println!(
        "c082: the article's side, \"the largest cost for most\", {}",
        if 2 * most.len() > systems.len() {
            "holds"
        } else {
            "differs"
        }
    );
}

#[test]
fn c083_heartbeats_of_a_million_idle_connections() {
    for (interval, expected) in [
        ("30 s", 33_333.0),
        ("41.25 s", 24_242.0),
        ("4 s", 250_000.0),
    ] {
        let edits = [
            ("load.users", "1M"),
            ("load.heartbeat", interval),
            ("load.heartbeat_timeout", "120 s"),
            ("traffic.publish.rate", "0.0001/s per user"),
            ("design.connection_servers.count", "8"),
            ("design.connection_servers.machine", "c7g.16xlarge"),
            ("run.warmup", "0 s"),
            ("run.duration", "10 s"),
        ];
        let scenario = scenario(GROWTH, &edits);
        let report = run(&scenario);
        let servers = &report.tiers["connection_servers"];
        let measured = servers.counters["heartbeats"] as f64 / report.simulated_s;
        let idle = cost(&report).by_purpose["idle_connections"];
        println!(
            "c083: 1 M connections, every {interval}: {measured:.0} heartbeats/s (expected {expected}), {:.2} % of CPU; \
             {idle:.0} USD a month for idle connections",
            servers.utilization["cpu"].mean * 100.0
        );
        assert_eq!(report.connections.open, 1_000_000);
        assert!(near(measured, expected, 0.01), "{measured}");
        let computed = heartbeats_per_s(1_000_000, scenario.load.heartbeat.as_nanos() / 1_000_000);
        assert!(near(computed, expected, 0.001), "{computed}");
    }
}

#[test]
fn c084_many_small_messages_cost_more_than_one_large_one() {
    let bytes_per_delivery = |rate: &str, size: &str| {
        let edits = [
            ("load.users", "1000"),
            ("traffic.publish.rate", rate),
            ("traffic.publish.size", size),
            ("run.duration", "60 s"),
        ];
        let report = run(&scenario(GROWTH, &edits));
        let item = |tier: &str, category: &str| {
            let mut items = cost(&report).items.iter();
            let of = items.find(|item| item.tier == tier && item.category == category);
            of.map_or(0.0, |item| item.usd_per_month)
        };
        let egress = item("connection_servers", "egress");
        // All within the first price tier of 0.09 USD per GB.
        assert!(egress < 10_240.0 * 0.09);
        let deliveries = report.operations["publish"].deliveries_per_s * 2_628_000.0;
        (egress / 0.09 * 1e9 / deliveries, egress)
    };
    let (small, small_usd) = bytes_per_delivery("0.5/s per user", "50 B");
    let (large, large_usd) = bytes_per_delivery("0.05/s per user", "500 B");
    let ratio = 10.0 * small / large;
    let wire = |payload| Transport::WebSocket.bytes_down(payload) as f64;
    let computed = 10.0 * wire(50) / wire(500);
    // Ten updates in one frame are one message of 500 bytes.
    println!(
        "c084: 10 x 50 B take {:.0} B on the wire, 1 x 500 B {large:.0} B: ratio {ratio:.3}, computed {computed:.3}; \
         egress {small_usd:.2} against {large_usd:.2} USD a month; batching ten into one recovers {:.1} % of the bytes",
        10.0 * small,
        100.0 * (1.0 - 1.0 / ratio)
    );
    assert!(near(ratio, computed, 0.02), "{ratio} against {computed}");
    assert!((2.0..2.5).contains(&computed));
}

#[test]
fn c091_multiplexing_sessions_over_fewer_connections() {
    // tokio-websocket with TLS: 29.2 KB, of which 6.6 KB (task, channel, codec) stay with each session, measured without TLS.
    let plain = Multiplexing {
        sessions: 40_000,
        per_transport: 1,
        transport_bytes: 22_600,
        session_bytes: 6_600,
    };
    let shared = Multiplexing {
        per_transport: 10,
        ..plain
    };
    let measure = |levers: Multiplexing| {
        let connection = levers.transport_bytes + levers.session_bytes * levers.per_transport;
        let text = GROWTH
            .replace("profile: \"tuned\"", "profile: \"mux\"")
            .replace(
                "    design: (",
                &format!(
                    "    profiles: {{\"mux\": (like: \"tokio-websocket\", memory_per_connection: \"{connection} B\")}},\n    design: ("
                ),
            );
        let users = levers.transports().to_string();
        let edits = [
            ("load.users", users.as_str()),
            ("traffic.publish.rate", "0.0001/s per user"),
        ];
        let scenario = scenario(&text, &edits);
        let report = run(&scenario);
        let tier = &scenario.design.connection_servers;
        let servers = &report.tiers["connection_servers"];
        let held = servers.utilization["memory"].mean * tier.machine.memory_bytes as f64
            - tier.profile.base_memory_bytes as f64;
        let heartbeats = servers.counters["heartbeats"] as f64 / report.simulated_s;
        (
            report.connections.open,
            held * f64::from(tier.count),
            heartbeats,
        )
    };
    let (before, before_bytes, before_beats) = measure(plain);
    let (after, after_bytes, after_beats) = measure(shared);
    let transport_share = 22_600.0 / 29_200.0;
    let saved = 1.0 - after_bytes / before_bytes;
    println!(
        "c091: 40 000 sessions, 10 per connection: {before} to {after} connections, {:.0} to {:.0} MB ({:.1} % less; \
         transport is {:.1} % of a connection), {before_beats:.0} to {after_beats:.0} heartbeats/s",
        before_bytes / 1e6,
        after_bytes / 1e6,
        saved * 100.0,
        transport_share * 100.0
    );
    assert_eq!((before, after), (40_000, 4_000));
    assert!(near(saved, transport_share * 0.9, 0.01), "{saved}");
    assert!(near(before_bytes, plain.memory_bytes() as f64, 0.001));
    assert!(near(after_bytes, shared.memory_bytes() as f64, 0.001));
    assert!(near(before_beats / after_beats, 10.0, 0.01));
}
