//! Scenarios for tests: a preset or a text, some `--set` edits, a run.

use sim_core::report::RunReport;
use sim_core::scenario::{Edit, Scenario, load_str};

/// Reads a scenario text with edits.
///
/// # Panics
/// If the scenario is wrong: the test that wrote it is.
#[must_use]
pub fn scenario(text: &str, edits: &[(&str, &str)]) -> Scenario {
    let edits: Vec<Edit> = edits
        .iter()
        .map(|(path, value)| Edit::Set {
            path: (*path).to_owned(),
            value: (*value).to_owned(),
        })
        .collect();
    load_str(text, "test.ron", &edits).unwrap_or_else(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

/// The text of a preset.
///
/// # Panics
/// If there is no such preset.
#[must_use]
pub fn preset(name: &str) -> &'static str {
    plimsoll::presets::find(name)
        .unwrap_or_else(|| panic!("no preset {name}"))
        .text
}

/// Runs a scenario to its end.
///
/// # Panics
/// If it cannot be simulated.
#[must_use]
pub fn run(scenario: &Scenario) -> RunReport {
    session::run(scenario, &session::RunOptions::default(), &|_| true)
        .unwrap_or_else(|problem| panic!("{problem}"))
}

/// A small design of the growth phase: four connection servers, channel owners, a database, rooms of 20.
pub const GROWTH: &str = r#"(
    version: 1,
    name: "growth",
    title: "Growth",
    story: "A small design for tests.",
    load: (
        users: 4000,
        places: {"us-east-1": "100 %"},
        access: {"fiber": "100 %"},
        heartbeat: "2 s",
        heartbeat_timeout: "5 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Rooms(size: 20)),
    traffic: (publish: (rate: "0.05/s per user", size: "300 B")),
    patterns: (pooling: On),
    design: (
        place: "us-east-1",
        routing: ChannelOwner,
        load_balancer: (policy: LeastConnections, max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (
            count: 4, machine: "c7g.xlarge", profile: "tuned",
            accept: "20K/s", accept_burst: "20K connections", resume: "0 s", replay: "64 messages",
        ),
        channel_owners: (count: 2, machine: "c7g.large", placement: Ring(virtual_nodes: 100), sequence: "20 us", copy: "5 us"),
        broker: (count: 3, machine: "c7g.xlarge", partitions: 30, replication: 2, failover: "2 s", publish: "20 us", copy: "5 us", linger: Constant("1 ms")),
        database: (machine: "r7g.large", pool: 50, queue: "10_000 queries", query: Constant("5 ms")),
    ),
    run: (population_seed: 1, seed: 7, warmup: "2 s", duration: "20 s"),
)"#;
