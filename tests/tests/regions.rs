//! Designs in several regions as whole systems: who is served where, what crosses, and what is lost with a region.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::report::{RegionsReport, RunReport};
use sim_core::scenario::Scenario;
use system_tests::lab::{run, scenario};

/// A chat of three continents with room to spare.
const WORLD: &str = r#"(
    version: 1,
    name: "world",
    title: "Three continents",
    story: "Rooms of ten, some of one place, in three regions.",
    load: (
        users: 6_000,
        places: {"us-east-1": "50 %", "eu-west-1": "30 %", "ap-southeast-1": "20 %"},
        access: {"fiber": "100 %"},
        heartbeat: "2 s",
        heartbeat_timeout: "5 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Rooms(size: 10)),
    traffic: (
        publish: (rate: "0.05/s per user", size: "500 B"),
        query: (rate: "0.05/s per user", size: "500 B"),
    ),
    patterns: (pooling: On, caching_and_edge: On),
    design: (
        place: "us-east-1",
        regions: (
            places: {"us-east-1": "50 %", "eu-west-1": "30 %", "ap-southeast-1": "20 %"},
            detect: "5 s",
        ),
        routing: ChannelOwner,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (
            count: 20, machine: "c7g.xlarge", profile: "tuned",
            accept: "20K/s", accept_burst: "20K connections", resume: "0 s", replay: "64 messages",
        ),
        channel_owners: (count: 6, machine: "c7g.large"),
        database: (machine: "r7g.large", pool: 50, queue: "10_000 queries", query: Constant("5 ms")),
    ),
    run: (population_seed: 1, seed: 7, warmup: "2 s", duration: "20 s"),
)"#;

const ALONE: [(&str, &str); 1] = [("patterns.caching_and_edge", "Off")];

fn world(edits: &[(&str, &str)]) -> Scenario {
    scenario(WORLD, edits)
}

fn with(edits: &[(&str, &str)]) -> RunReport {
    run(&world(edits))
}

fn regions(report: &RunReport) -> &RegionsReport {
    report.regions.as_ref().unwrap()
}

/// Median latency of an operation for the users of a place.
fn p50(report: &RunReport, operation: &str, place: &str) -> f64 {
    report.operations[operation].by_region[place]
        .p50
        .value
        .unwrap()
}

fn share(report: &RunReport, place: &str) -> f64 {
    regions(report).places[place].share
}

fn mean(report: &RunReport, operation: &str, kind: &str) -> f64 {
    report.operations[operation].latency_ms[kind]
        .mean
        .value
        .unwrap()
}

fn near(what: &str, found: f64, expected: f64, tolerance: f64) {
    println!("{what}: {found:.4}, expected {expected:.4}");
    assert!(
        (found - expected).abs() <= tolerance * expected.abs(),
        "{what}: {found} is not {expected} within {tolerance}"
    );
}

/// Everybody talks to people of the same place.
const LOCAL: (&str, &str) = ("channels.locality", "100 %");
const TWO: (&str, &str) = (
    "design.regions.places",
    r#"{"us-east-1": "60 %", "eu-west-1": "40 %"}"#,
);

#[test]
fn c047_a_region_near_its_users_saves_their_way() {
    let far = with(&[LOCAL, TWO]);
    let near_them = with(&[LOCAL]);
    let asia = |report: &RunReport| p50(report, "publish", "ap-southeast-1");
    let (before, after) = (asia(&far), asia(&near_them));
    println!("Asia: {before:.1} -> {after:.1} ms");
    // To the nearest of the others, Ireland, and back: 186.6 ms.
    assert!(before > 180.0 && after < 40.0 && before - after >= 100.0);
    let home = |report: &RunReport| p50(report, "publish", "us-east-1");
    near("Virginia", home(&near_them), home(&far), 0.05);
}

#[test]
fn c049_pairs_of_two_regions_are_later_by_the_way_between_them() {
    let pairs = [
        (
            "load.places",
            r#"{"us-east-1": "50 %", "eu-west-1": "50 %"}"#,
        ),
        (TWO.0, r#"{"us-east-1": "50 %", "eu-west-1": "50 %"}"#),
        ("channels.members", "Rooms(size: 2)"),
        ("load.users", "30_000"),
    ];
    let at = |locality: &str| {
        let edits: Vec<_> = pairs
            .iter()
            .copied()
            .chain([("channels.locality", locality)])
            .collect();
        with(&edits)
    };
    let intra = mean(&at("100 %"), "publish", "delivered");
    for locality in [0.0, 0.6] {
        let report = at(&format!("{} %", locality * 100.0));
        // Pairs that are not of one place by choice are half of the time by chance.
        let apart = (1.0 - locality) * 0.5;
        near(
            "pairs apart",
            regions(&report).cross_region_ratio,
            apart,
            0.05,
        );
        // A message crosses once on its way to one of the two: to the other if its channel is at home with the sender, to
        // the channel's home and back if not.
        let inter = (mean(&report, "publish", "delivered") - (1.0 - apart) * intra) / apart;
        near(
            "one way, Virginia to Ireland, ms",
            inter - intra,
            70.5 / 2.0,
            0.1,
        );
    }
}

#[test]
fn c062_the_sun_does_not_set_on_three_regions() {
    let day = r#"Daily(peak_hour: 20, trough: "10 %")"#;
    let peak = |places: &str| {
        let edits = [
            ("load.places", places),
            ("design.place", "us-west-1"),
            (
                "design.regions.places",
                r#"{"us-west-1": "34 %", "eu-west-2": "33 %", "ap-southeast-1": "33 %"}"#,
            ),
            ("load.shape", day),
            ("load.day", r#"(lasts: "120 s")"#),
            ("traffic.publish.rate", "0.5/s per user"),
            ("run.duration", "120 s"),
        ];
        let report = with(&edits);
        let offered = &report.series.as_ref().unwrap().operations["publish"].offered_per_s;
        let mean = offered.iter().sum::<f64>() / offered.len() as f64;
        offered.iter().copied().fold(0.0, f64::max) / mean
    };
    let one = peak(r#"{"eu-west-2": "100 %"}"#);
    let three = peak(r#"{"us-west-1": "34 %", "eu-west-2": "33 %", "ap-southeast-1": "33 %"}"#);
    println!("peak / mean: one region {one:.2}, three 8 h apart {three:.2}");
    assert!(one > 1.5 && three < 1.2);
}

/// Europe is lost five seconds into the measured time, for good.
const NO_EUROPE: (&str, &str) = (
    "faults",
    r#"[(at: "7 s", fault: LoseRegion(region: "eu-west-1"))]"#,
);
const LAW: &str = r#"(law: {"eu-west-1": "EU"}, enforce: "#;

#[test]
fn c066_who_is_pinned_to_a_region_is_unavailable_without_it_and_not_moved() {
    let at = |enforce: &str| {
        let residency = format!("{LAW}{enforce})");
        with(&[
            ("design.regions.residency", &residency),
            NO_EUROPE,
            ("run.duration", "40 s"),
        ])
    };
    let obeyed = at("On");
    let europeans = share(&with(&[]), "eu-west-1") * 6_000.0;
    near(
        "connections left",
        obeyed.connections.open as f64,
        6_000.0 - europeans,
        0.001,
    );
    assert_eq!(regions(&obeyed).residency_violations, 0);
    assert!(obeyed.connections.rejected["residency"] > 1_000);

    let counted = at("Off");
    assert_eq!(counted.connections.open, 6_000);
    near(
        "served elsewhere",
        regions(&counted).residency_violations as f64,
        europeans,
        0.001,
    );
}

#[test]
fn c085_a_message_crosses_once_per_region_or_once_per_subscriber() {
    // Every user has a server of their own, every room members in all three regions.
    let edits = [
        ("load.users", "1500"),
        ("design.connection_servers.count", "1500"),
        (
            "load.places",
            r#"{"us-east-1": "34 %", "eu-west-1": "33 %", "ap-southeast-1": "33 %"}"#,
        ),
        (
            "design.regions.places",
            r#"{"us-east-1": "40 %", "eu-west-1": "30 %", "ap-southeast-1": "30 %"}"#,
        ),
        ("channels.members", "Rooms(size: 30)"),
        ("traffic.query.rate", "0/s per user"),
    ];
    let at = |relay: &str| {
        let edits: Vec<_> = edits
            .iter()
            .copied()
            .chain([("design.regions.relay", relay)])
            .collect();
        with(&edits)
    };
    let (once, each) = (at("On"), at("Off"));
    near(
        "copies between regions",
        regions(&once).crossings_per_message,
        2.0,
        0.001,
    );
    // A channel is at home where most of its members are: 13.2 of 30 on average, by this population.
    let remote = regions(&each).crossings_per_message;
    println!("copies without relay: {remote:.2}");
    assert!((15.0..20.0).contains(&remote));
    let billed = |report: &RunReport| {
        let items = report.cost.as_ref().unwrap().items.iter();
        let between = items.filter(|item| item.category == "inter-region");
        between.map(|item| item.usd_per_month).sum::<f64>()
    };
    // Messages on their way to be ordered cross in both: what is saved is bytes of copies.
    let bytes = |report: &RunReport| regions(report).inter_region_bytes_per_s;
    near(
        "bytes and dollars",
        billed(&each) / billed(&once),
        bytes(&each) / bytes(&once),
        0.15,
    );
    assert!(bytes(&each) > 5.0 * bytes(&once));
}

#[test]
fn c090_the_share_of_a_dead_region_moves_to_the_next_nearest() {
    let sum = |report: &RunReport| {
        let places = regions(report).places.values();
        places.map(|place| place.share).sum::<f64>()
    };
    let before = with(&[]);
    let lost = with(&[
        (
            "faults",
            r#"[(at: "7 s", fault: LoseRegion(region: "ap-southeast-1"))]"#,
        ),
        ("run.duration", "40 s"),
    ]);
    for report in [&before, &lost] {
        assert!((sum(report) - 1.0).abs() < 1e-9);
    }
    assert_eq!(share(&lost, "ap-southeast-1"), 0.0);
    assert!(regions(&lost).places["ap-southeast-1"].lost);
    assert!((share(&lost, "us-east-1") - share(&before, "us-east-1")).abs() < 1e-9);
    let moved = share(&before, "eu-west-1") + share(&before, "ap-southeast-1");
    near(
        "Ireland with Singapore",
        share(&lost, "eu-west-1"),
        moved,
        0.001,
    );
}

#[test]
fn survivors_of_a_lost_region_carry_its_load_and_its_users_go_further() {
    let peak = [
        ("traffic.publish.rate", "2/s per user"),
        LOCAL,
        ("load.users", "3_000"),
    ];
    let when = |more: &[(&str, &str)]| {
        let edits: Vec<_> = peak.iter().copied().chain(more.iter().copied()).collect();
        with(&edits)
    };
    let before = when(&[]);
    // Lost before measuring begins, and long enough ago that everybody is back.
    let after = when(&[
        (
            "faults",
            r#"[(at: "1 s", fault: LoseRegion(region: "ap-southeast-1"))]"#,
        ),
        ("run.warmup", "25 s"),
    ]);
    let cpu = |report: &RunReport| regions(report).places["eu-west-1"].cpu;
    let more = share(&after, "eu-west-1") / share(&before, "eu-west-1");
    near(
        "CPU of Ireland's servers",
        cpu(&after) / cpu(&before),
        more,
        0.05,
    );
    let way = p50(&after, "publish", "ap-southeast-1") - p50(&before, "publish", "ap-southeast-1");
    near("Singapore's way to Ireland and back, ms", way, 186.6, 0.05);
    assert_eq!(after.operations["publish"].lost, 0);
}

#[test]
fn partitioned_regions_go_on_by_themselves_and_lose_what_they_send_each_other() {
    let partition =
        r#"[(at: "7 s", lasts: "5 s", fault: Partition(from: "us-east-1", to: "eu-west-1"))]"#;
    let cut = with(&[("faults", partition)]);
    let apart = &cut.operations["publish"];
    assert!(apart.lost > 0 && apart.failed > 0);
    assert_eq!(cut.connections.open, 6_000);
    // Europe's questions to the database are answered by nobody for five of twenty seconds.
    let asked = &cut.operations["query"];
    let share = share(&cut, "eu-west-1") * 5.0 / 20.0;
    near(
        "questions unanswered",
        (asked.timed_out + asked.failed) as f64 / (asked.offered_per_s * 20.0),
        share,
        0.15,
    );
    let at_home = with(&[("faults", partition), LOCAL]);
    assert_eq!(at_home.operations["publish"].lost, 0);
    assert_eq!(at_home.operations["publish"].failed, 0);
}

#[test]
fn a_slow_link_is_slow_for_what_crosses_it() {
    let slow = r#"[(at: "0 s", fault: SlowLink(from: "us-east-1", to: "eu-west-1", adds: "100 ms", loss: "10 %"))]"#;
    let europe = |report: &RunReport| {
        report.operations["query"].by_region["eu-west-1"]
            .mean
            .value
            .unwrap()
    };
    let (before, after) = (with(&[LOCAL]), with(&[LOCAL, ("faults", slow)]));
    // There and back: 100 ms each, and for a tenth of the questions and of the answers 200 ms and a round trip of 270.5 ms.
    near(
        "Europe's questions, ms more",
        europe(&after) - europe(&before),
        2.0 * (100.0 + 0.1 * 470.5),
        0.1,
    );
    near(
        "messages at home",
        p50(&after, "publish", "eu-west-1"),
        p50(&before, "publish", "eu-west-1"),
        0.02,
    );
}

#[test]
fn a_slow_link_is_slow_for_a_cache_and_for_watched_questions_too() {
    let slow =
        r#"[(at: "0 s", fault: SlowLink(from: "us-east-1", to: "eu-west-1", adds: "100 ms"))]"#;
    let cache = (
        "design.cache",
        r#"(count: 1, machine: "r7g.large", capacity: "64 MiB", ttl: "30 s")"#,
    );
    let retry = (
        "design.database.callers",
        r#"(timeout: "20 s", attempts: 2)"#,
    );
    let europe = |report: &RunReport| {
        report.operations["query"].by_region["eu-west-1"]
            .p50
            .value
            .unwrap()
    };
    // Questions to the cache of so many records miss, and go to the database as well: there and back twice.
    for (edits, ways) in [(vec![LOCAL, cache], 4.0), (vec![LOCAL, retry], 2.0)] {
        let before = with(&edits);
        let after = with(&[edits.as_slice(), &[("faults", slow)]].concat());
        let more = europe(&after) - europe(&before);
        near("Europe's questions, ms more", more, ways * 100.0, 0.1);
    }
}

#[test]
fn a_partition_keeps_europe_from_the_cache_as_well() {
    let partition =
        r#"[(at: "7 s", lasts: "5 s", fault: Partition(from: "us-east-1", to: "eu-west-1"))]"#;
    let cache = (
        "design.cache",
        r#"(count: 1, machine: "r7g.large", capacity: "64 MiB", ttl: "30 s", start: Warm)"#,
    );
    let keys = ("traffic.keys", r#"(count: 20)"#);
    let cut = with(&[cache, keys, ("faults", partition)]);
    let asked = &cut.operations["query"];
    near(
        "questions unanswered",
        (asked.timed_out + asked.failed) as f64 / (asked.offered_per_s * 20.0),
        share(&cut, "eu-west-1") * 5.0 / 20.0,
        0.15,
    );
}

#[test]
fn a_broker_that_dies_while_it_relays_has_not_sent_what_it_had_not_written() {
    // Europe's only broker node is gone for 10 ms, in which a third of a message comes: what is lost is what it held. It
    // writes eight copies of 8 ms for each of 30 messages a second, on two cores.
    let slow = [
        TWO,
        ("design.routing", "Interest"),
        (
            "design.broker",
            r#"(count: 2, machine: "c7g.large", partitions: 16, copy: "8 ms")"#,
        ),
        ("channels.members", "Rooms(size: 100)"),
        ("traffic.publish.rate", "\"0.005/s per user\""),
    ];
    let fault = r#"[(at: "9 s", lasts: "10 ms", fault: Kill(tier: "broker", first: 1))]"#;
    let before = with(&slow);
    let after = with(&[slow.as_slice(), &[("faults", fault)]].concat());
    assert_eq!(before.operations["publish"].lost, 0);
    let lost = after.operations["publish"].lost;
    println!("{lost} deliveries lost in 10 ms");
    // Forty members of a room are in Europe. A message that comes to a dead node is lost for all of them; fewer are those of the
    // copies that the node had not written yet.
    assert!((1..40).contains(&lost), "{lost}");
}

#[test]
fn a_zone_takes_a_third_with_it_and_clients_come_back() {
    let zone = r#"[(at: "7 s", lasts: "10 s", fault: LoseZone(region: "us-east-1", zone: 1))]"#;
    let report = with(&[("faults", zone), ("run.duration", "30 s")]);
    let europe = regions(&report).places["eu-west-1"].connections;
    assert_eq!(report.connections.open, 6_000);
    // Three or four of the ten servers in Virginia.
    let back = report.connections.reconnects as f64;
    near(
        "came back",
        back / (6_000.0 * share(&report, "us-east-1")),
        0.35,
        0.2,
    );
    assert_eq!(europe, regions(&with(&[])).places["eu-west-1"].connections);
}

#[test]
fn owners_take_over_from_each_other_when_they_are_told_to() {
    let dead = (
        "faults",
        r#"[(at: "7 s", fault: Kill(tier: "channel_owners"))]"#,
    );
    let failed = |edits: &[(&str, &str)]| with(edits).operations["publish"].failed;
    let never = failed(&[dead]);
    let soon = failed(&[dead, ("design.channel_owners.failover", "2 s")]);
    println!("failed: {never} without, {soon} with a failover of 2 s");
    // 15 s against 2 s.
    near(
        "share of the time",
        soon as f64 / never as f64,
        2.0 / 15.0,
        0.3,
    );
}

#[test]
fn regions_switched_off_and_on_twice_are_the_same() {
    let text = |report: RunReport| {
        let mut report = report;
        report.engine = Default::default();
        serde_json::to_string(&report).unwrap()
    };
    let first = text(with(&[]));
    let off = with(&ALONE);
    assert!(off.regions.is_none());
    assert_eq!(off.connections.open, 6_000);
    let on = with(&[
        ALONE[0],
        ("patterns.caching_and_edge", "On"),
        ALONE[0],
        ("patterns.caching_and_edge", "On"),
    ]);
    assert_eq!(strip(first), strip(text(on)));
}

/// Without the list of what was edited.
fn strip(text: String) -> String {
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value.as_object_mut().unwrap().remove("sources");
    value.to_string()
}
