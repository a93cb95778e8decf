//! What a store is sharded by, as whole systems: places, features, guilds, and more shards while it works; and presets with
//! patterns switched off and on.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use serde_json::Value;
use sim_core::report::{ReshardingReport, RunReport, TierReport};
use sim_core::scenario::{Edit, load_str};
use system_tests::lab::{preset, run, scenario};

fn with(text: &str, edits: &[(&str, &str)]) -> RunReport {
    run(&scenario(text, edits))
}

fn database(report: &RunReport) -> &TierReport {
    &report.tiers["database"]
}

fn cross(report: &RunReport) -> f64 {
    database(report).cross_shard_ratio.unwrap()
}

fn hot(report: &RunReport) -> f64 {
    database(report).hot_shard_ratio.unwrap()
}

const SHORT: [(&str, &str); 2] = [("run.warmup", "2 s"), ("run.duration", "20 s")];

#[test]
fn c037_cities_keep_looks_on_one_shard_and_the_largest_makes_its_shard_hot() {
    let at = |more: &[(&str, &str)]| {
        let edits: Vec<_> = SHORT.iter().chain(more).copied().collect();
        with(preset("uber"), &edits)
    };
    let geo = at(&[]);
    let user = at(&[("design.shards.key", "User")]);
    let looks = at(&[
        ("design.shards.key", "User"),
        ("traffic.command.rate", "0/s per user"),
    ]);
    let even = at(&[("traffic.cities.sizes", "Even")]);
    let pool = |report: &RunReport| database(report).utilization["pool"].mean;
    println!(
        "by city: hot {:.2}, crossing {:.4}; by user: hot {:.2}, crossing {:.4} (looks alone {:.4}); pools {:.4} and {:.4}; even cities: hot {:.2}",
        hot(&geo),
        cross(&geo),
        hot(&user),
        cross(&user),
        cross(&looks),
        pool(&geo),
        pool(&user),
        hot(&even),
    );
    assert!(cross(&geo) < 0.05 && cross(&geo) > 0.0);
    // The largest of 300 cities by Zipf 1.0 has 1 / H(300) = 15.9 % of everything: 1.27 times an eighth by itself.
    assert!(hot(&geo) > 1.27 && hot(&geo) > hot(&even));
    assert!(hot(&user) < 1.1, "{}", hot(&user));
    assert!(cross(&looks) == 1.0, "{}", cross(&looks));
    assert!(pool(&user) > 2.0 * pool(&geo));
}

#[test]
fn c037_a_wider_look_crosses_more_borders() {
    let at = |rings: &str| {
        let edits = [
            SHORT[0],
            SHORT[1],
            ("traffic.query.nearby", rings),
            ("traffic.cities.downtown", "Even"),
            ("traffic.command.rate", "0/s per user"),
        ];
        cross(&with(preset("uber"), &edits))
    };
    // A ring of k cells leaves a block of 32 with 1 − ((32 − 2k) / 32)²; seven in eight neighbours are on another shard.
    for (rings, leaves) in [("0", 0.0), ("1", 0.1211), ("4", 0.4375)] {
        let found = at(rings);
        println!("{rings} rings: {found:.4} cross, {leaves:.4} leave their city");
        assert!(
            found <= leaves * 1.03 && found >= leaves * 0.8,
            "{rings}: {found}"
        );
    }
}

#[test]
fn c039_sessions_on_their_own_shards_leave_the_documents_alone() {
    let at = |more: &[(&str, &str)]| {
        let base = [
            ("traffic.query.rate", "0.01/s per user"),
            ("traffic.keys.skew", "Even"),
            ("design.database.query", "Constant(\"2 ms\")"),
        ];
        let edits: Vec<_> = SHORT.iter().chain(&base).chain(more).copied().collect();
        with(preset("collab-editor"), &edits)
    };
    let together = at(&[
        ("design.shards.count", "4"),
        ("design.shards.key", r#"Feature(own: {"accounts": 1})"#),
    ]);
    let apart = at(&[]);
    // The fullest shard is one of the three with documents: 0.2 of all writes each, sessions have 0.19 on each of two.
    let load = |report: &RunReport| database(report).utilization["pool"].hottest;
    let saved = 1.0 - load(&apart) / load(&together);
    // Of the writes of that store, 38 of 98 were of sessions.
    let share = 0.38 / 0.98;
    println!("documents: {saved:.4} less to write, sessions had {share:.4}");
    assert!((saved - share).abs() < 0.02);

    let reads = [
        ("traffic.query.rate", "0.25/s per user"),
        ("traffic.command.rate", "0/s per user"),
    ];
    let joined = |shards: &[(&str, &str)]| {
        let edits: Vec<_> = shards.iter().chain(&reads).copied().collect();
        cross(&at(&edits))
    };
    let before = joined(&[
        ("design.shards.count", "4"),
        ("design.shards.key", r#"Feature(own: {})"#),
    ]);
    let after = joined(&[]);
    println!("queries that ask two shards: {before:.4} before, {after:.4} after");
    assert!(before == 0.0 && (after - 0.1).abs() < 0.005);
}

#[test]
fn c040_what_belongs_to_a_guild_is_on_one_shard() {
    let at = |more: &[(&str, &str)]| {
        let base = [
            SHORT[0],
            ("run.duration", "10 s"),
            ("load.users", "100_000"),
            ("traffic.keys.count", "100_000"),
            ("traffic.query.scatter", "1 %"),
            ("patterns.caching_and_edge", "Off"),
            ("design.shards.key", r#"Guild(buckets: "1_024")"#),
            ("traffic.keys.skew", "Even"),
        ];
        let edits: Vec<_> = base.iter().chain(more).copied().collect();
        with(preset("discord"), &edits)
    };
    // One in a hundred searches everywhere; nothing else leaves its guild.
    let searched = at(&[]);
    println!(
        "crossing {:.4}, hot {:.2}",
        cross(&searched),
        hot(&searched)
    );
    assert!(cross(&searched) < 0.02 && cross(&searched) > 0.005);
    // A guild of half of everybody has a share of the records as large as its share of memberships, on one shard.
    let huge = at(&[("channels.largest", "50_000 members")]);
    println!("with a huge guild: hot {:.2}", hot(&huge));
    assert!(hot(&huge) > hot(&searched));
}

/// Ten shards, and eleven from the fifth second on.
const STORE: &str = r#"(
    version: 1,
    name: "store",
    title: "A store",
    story: "Ten shards become eleven.",
    load: (
        users: 2_000,
        places: {"us-east-1": "100 %"},
        access: {"fiber": "100 %"},
    ),
    channels: (members: Rooms(size: 20)),
    traffic: (
        query: (rate: "1/s per user", size: "1 KB"),
        command: (rate: "0.5/s per user", size: "100 B"),
        keys: (count: "100_000 keys"),
    ),
    patterns: (pooling: On, sharding: On),
    design: (
        place: "us-east-1",
        routing: Local,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (count: 4, machine: "c7g.4xlarge", profile: "tokio-websocket"),
        database: (machine: "r7g.xlarge", pool: 10, query: Exponential(mean: "2 ms")),
        shards: (count: 10),
    ),
    faults: [(at: "5 s", fault: Reshard(to: 11, batch: "50 records", double_write: "3 s"))],
    run: (population_seed: 1, seed: 7, warmup: "2 s", duration: "40 s"),
)"#;

fn resharded(report: &RunReport) -> &ReshardingReport {
    database(report).resharding.as_ref().unwrap()
}

#[test]
fn c044_an_eleventh_shard_moves_what_its_placement_says() {
    let none_between_old = ["Jump", "Ring(virtual_nodes: 100)", "Rendezvous", "Slots"];
    for (placement, expected, tolerance) in [
        ("Modulo", 0.909, 0.003),
        ("Jump", 0.0906, 0.003),
        // Published is one draw, 0.087; the mean is an eleventh, and a tenth of that the standard deviation of one draw.
        ("Ring(virtual_nodes: 100)", 1.0 / 11.0, 0.027),
        ("Rendezvous", 0.0905, 0.003),
        ("Slots", 1.0 / 11.0, 0.0005),
    ] {
        let report = with(STORE, &[("design.shards.placement", placement)]);
        let moved = resharded(&report);
        println!(
            "{placement}: {:.4} moved, {:.4} between old shards, {} moves, {} batches, {:?} s, crossing {:.4}",
            moved.moved_keys,
            moved.moved_between_old_shards,
            moved.moves,
            moved.batches,
            moved.migration_s,
            cross(&report),
        );
        assert!(
            (moved.moved_keys - expected).abs() < tolerance,
            "{placement}"
        );
        let stays = none_between_old.contains(&placement);
        assert_eq!(moved.moved_between_old_shards == 0.0, stays, "{placement}");
        assert!(moved.migration_s.unwrap() >= 3.0, "{placement}");
        assert_eq!(database(&report).instances, 11);
        for operation in ["query", "command"] {
            let operation = &report.operations[operation];
            assert_eq!((operation.failed, operation.timed_out), (0, 0));
        }
    }
}

#[test]
fn c044_copies_take_from_the_pools_and_writes_go_to_both_shards() {
    let at = |faults: &str| {
        with(
            STORE,
            &[("faults", faults), ("design.shards.placement", "Modulo")],
        )
    };
    let fast = at(r#"[(at: "5 s", fault: Reshard(to: 11, batch: "500 records"))]"#);
    let slow = at(r#"[(at: "5 s", fault: Reshard(to: 11, batch: "5 records"))]"#);
    let none = with(STORE, &[("faults", "[]")]);
    let pool = |report: &RunReport| {
        let tier = database(report);
        tier.utilization["pool"].mean * f64::from(tier.instances)
    };
    let (fast_s, slow_s) = (
        resharded(&fast).migration_s.unwrap(),
        resharded(&slow).migration_s.unwrap(),
    );
    println!(
        "batches of 500: {fast_s:.2} s, pools {:.3}; of 5: {slow_s:.2} s, pools {:.3}; none: {:.3}; crossing {:.4} and {:.4}",
        pool(&fast),
        pool(&slow),
        pool(&none),
        cross(&fast),
        cross(&slow),
    );
    assert!(slow_s > 10.0 * fast_s);
    assert!(pool(&slow) > pool(&fast) && pool(&fast) > pool(&none));
    // Only commands about what moves are written twice, and the longer the more of them.
    assert!(cross(&slow) > cross(&fast) && cross(&slow) < 1.0 / 3.0);
    assert!(database(&none).resharding.is_none() && database(&none).cross_shard_ratio.is_none());
}

#[test]
fn c044_one_run_is_like_another() {
    let print = || serde_json::to_string(&with(STORE, &[("run.duration", "10 s")]).tiers).unwrap();
    assert_eq!(print(), print());
}

const PATTERNS: [&str; 4] = ["pooling", "event_sourcing", "sharding", "caching_and_edge"];

/// Small and short; whatever goes wrong in the preset does not here.
const SMALL: [(&str, &str); 5] = [
    ("load.users", "20_000"),
    ("run.warmup", "1 s"),
    ("run.duration", "3 s"),
    ("faults", "[]"),
    ("objectives", "[]"),
];

fn small(text: &str, name: &str, more: &[(String, String)]) -> Value {
    let own = SMALL.map(|(path, value)| (path.to_owned(), value.to_owned()));
    let edits: Vec<Edit> = own
        .iter()
        .chain(more)
        .map(|(path, value)| Edit::Set {
            path: path.clone(),
            value: value.clone(),
        })
        .collect();
    let scenario = load_str(text, name, &edits).unwrap_or_else(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{name}: {}", lines.join("\n"))
    });
    let mut report = serde_json::to_value(run(&scenario)).unwrap();
    let parts = report.as_object_mut().unwrap();
    parts.remove("sources");
    parts.remove("engine");
    report
}

fn set(pattern: &str, on: &str) -> (String, String) {
    (format!("patterns.{pattern}"), on.to_owned())
}

/// The presets that users open; published cases are what they are.
fn products() -> impl Iterator<Item = &'static plimsoll::presets::Preset> {
    let all = plimsoll::presets::ALL.iter();
    all.filter(|preset| !preset.name.contains('/'))
}

#[test]
fn every_preset_runs_with_all_patterns_off() {
    for preset in products() {
        let off = PATTERNS.map(|pattern| set(pattern, "Off"));
        let report = small(preset.text, preset.name, &off);
        assert!(
            report["stop"].as_str().is_some(),
            "{}: {}",
            preset.name,
            report["stop"]
        );
    }
}

#[test]
fn a_pattern_switched_off_and_on_twice_changes_nothing() {
    for preset in products() {
        let plain = small(preset.text, preset.name, &[]);
        let named = |pattern: &&&str| preset.text.contains(&format!("{pattern}: On"));
        for pattern in PATTERNS.iter().filter(named) {
            let twice = ["Off", "On", "Off", "On"].map(|on| set(pattern, on));
            let again = small(preset.text, preset.name, &twice);
            assert!(plain == again, "{}: {pattern}", preset.name);
        }
    }
}
