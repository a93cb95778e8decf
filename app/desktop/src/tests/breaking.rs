//! Heat and regions on the map, and faults as clicks.

use sim_core::report::{FaultReport, RegionReport, RegionsReport};
use sim_core::scenario::{Fault, Tier, TimedFault, load_str};
use sim_core::system::TierHeat;
use sim_core::time::SimDuration;

use super::*;

/// Three regions, a cache and four shards.
pub(super) const WORLD: &str = r#"(
    version: 1,
    name: "world",
    title: "Three continents",
    story: "Rooms of ten in three regions.",
    load: (
        users: 200_000,
        places: {"us-east-1": "50 %", "eu-west-1": "30 %", "ap-southeast-1": "20 %"},
        access: {"fiber": "100 %"},
    ),
    channels: (members: Rooms(size: 10)),
    traffic: (
        publish: (rate: "0.05/s per user", size: "500 B"),
        query: (rate: "0.05/s per user", size: "500 B"),
    ),
    patterns: (pooling: On, sharding: On, caching_and_edge: On),
    design: (
        place: "us-east-1",
        regions: (places: {"us-east-1": "50 %", "eu-west-1": "30 %", "ap-southeast-1": "20 %"}),
        routing: ChannelOwner,
        connection_servers: (count: 12, machine: "c7g.xlarge", profile: "tuned"),
        channel_owners: (count: 6, machine: "c7g.large"),
        cache: (count: 2, machine: "r7g.large", capacity: "64 MiB", ttl: "30 s"),
        database: (machine: "r7g.large", pool: 50, query: Constant("5 ms")),
        shards: (count: 4),
    ),
    run: (population_seed: 1, seed: 7, warmup: "2 s", duration: "20 s"),
)"#;

fn heat(resource: &'static str, each: &[f32]) -> TierHeat {
    TierHeat {
        resource,
        each: each
            .iter()
            .map(|&share| (share >= 0.0).then_some(share))
            .collect(),
    }
}

/// A shard is hot, a connection server dead, Europe lost.
fn world() -> Frame {
    let mut frame = frame(Phase::Running);
    frame.scenario = Arc::new(load_str(WORLD, "world.ron", &[]).expect("it is valid"));
    let place = |servers, share, lost| RegionReport {
        servers,
        connections: (200_000.0 * share) as u64,
        share,
        cpu: 0.3,
        lost,
    };
    let mut report = report();
    report
        .tiers
        .insert("cache".into(), tier(3, 2, &[("cpu", 0.2)], 0.0));
    report
        .tiers
        .insert("database".into(), tier(4, 4, &[("pool", 0.78)], 2.0));
    report.regions = Some(RegionsReport {
        places: [
            ("us-east-1".to_owned(), place(6, 0.7, false)),
            ("eu-west-1".to_owned(), place(4, 0.0, true)),
            ("ap-southeast-1".to_owned(), place(2, 0.3, false)),
        ]
        .into(),
        ..Default::default()
    });
    frame.report = Some(Arc::new(report));
    let mut servers = [0.4; 12];
    servers[7] = -1.0;
    frame.heat = Arc::new(
        [
            ("connection_servers", heat("cpu", &servers)),
            (
                "channel_owners",
                heat("cpu", &[0.1, 0.2, 0.1, 0.15, 0.1, 0.12]),
            ),
            ("cache", heat("cpu", &[0.1, 0.2])),
            ("database", heat("pool", &[0.2, 0.92, 0.18, 0.2])),
        ]
        .into(),
    );
    frame
}

fn with_fault(mut frame: Frame, at_s: u64, lasts_s: u64, fault: Fault) -> Frame {
    Arc::make_mut(&mut frame.scenario).faults.push(TimedFault {
        at: SimDuration::from_secs(at_s),
        lasts: Some(SimDuration::from_secs(lasts_s)),
        fault,
    });
    frame
}

const KILL: Fault = Fault::Kill {
    tier: Tier::Database,
    first: 1,
    instances: 1,
};

#[test]
fn the_menu_offers_what_the_design_can_suffer_and_a_click_breaks_it() {
    let link = link(world());
    let mut harness = explorer(&link);
    harness.get_by_label("Faults").click();
    harness.run();
    harness.get_by_label("Happens now, and lasts (simulated time)");
    for title in [
        "10 s",
        "30 s",
        "2 min",
        "until undone",
        "Flash crowd: half as many more",
        "Lose a zone of us-east-1",
        "Flush the caches",
        "One hot key: half of all questions",
        "Roll a restart",
        "Drop all connections",
    ] {
        harness.get_by_label(title);
    }
    for title in [
        "Slow down",
        "Lose a region",
        "Partition",
        "Slow a link by 250 ms",
    ] {
        harness.get_by_label_contains(title);
    }
    harness.get_by_label_contains("Kill").click();
    harness.run();
    harness
        .get_by_label("database shard 2, the fullest: 92 %")
        .click();
    harness.run();
    let sent = link.sent.borrow();
    assert!(
        matches!(&sent[..], [Command::Break { fault, lasts: Some(lasts) }]
            if *fault == KILL && lasts.as_secs_f64() == 30.0),
        "{sent:?}"
    );
}

#[test]
fn what_lasts_until_it_is_undone_is_undone_by_a_click() {
    let link_now = link(world());
    let mut harness = explorer(&link_now);
    harness.get_by_label("Faults").click();
    harness.run();
    harness.get_by_label("until undone").click();
    harness.run();
    if harness
        .query_by_label("Flash crowd: half as many more")
        .is_none()
    {
        harness.get_by_label("Faults").click();
        harness.run();
    }
    harness
        .get_by_label("Flash crowd: half as many more")
        .click();
    harness.run();
    let sent = link_now.sent.borrow();
    assert!(
        matches!(
            &sent[..],
            [Command::Break {
                fault: Fault::FlashCrowd { .. },
                lasts: None
            }]
        ),
        "{sent:?}"
    );
    let mut broken = with_fault(world(), 53, 30, KILL);
    Arc::make_mut(&mut broken.scenario).faults[0].lasts = None;
    let link_broken = link(broken);
    let mut harness = explorer(&link_broken);
    harness.get_by_label("Database shard 2 is dead, until it is undone.");
    harness.get_by_label("Undo").click();
    harness.run();
    assert!(matches!(&link_broken.sent.borrow()[..], [Command::Mend(0)]));
}

#[test]
fn a_design_in_one_region_without_a_cache_offers_neither() {
    let mut plain = frame(Phase::Paused);
    let mut bare = Scenario::clone(&plain.scenario);
    bare.patterns.caching_and_edge = false;
    plain.scenario = bare.into();
    let mut harness = explorer(&link(plain));
    harness.get_by_label("Faults").click();
    harness.run();
    harness.get_by_label("Drop all connections");
    for title in ["Flush the caches", "Lose a region", "Partition"] {
        assert!(harness.query_by_label_contains(title).is_none(), "{title}");
    }
}

#[test]
fn what_is_broken_is_a_sentence_above_the_map() {
    let broken = with_fault(world(), 53, 30, KILL);
    let mut harness = explorer(&link(broken.clone()));
    harness.get_by_label("Database shard 2 is dead; 18 s left.");
    harness.get_by_label("Copy as scenario").click();
    let mut copied = false;
    for _ in 0..4 {
        harness.step();
        copied |= harness
            .output()
            .platform_output
            .commands
            .iter()
            .any(|command| {
                matches!(command, egui::OutputCommand::CopyText(text)
                if text.contains("Kill(tier: \"database\", first: 1, instances: 1)"))
            });
    }
    assert!(copied);
    let lost = with_fault(broken, 60, 30, Fault::LoseRegion { region: 1 });
    explorer(&link(lost)).get_by_label("Region eu-west-1 is lost; 25 s left.");
    let calm = explorer(&link(world()));
    assert!(calm.query_by_label("Copy as scenario").is_none());
}

#[test]
fn what_is_over_tells_how_it_went_and_before_it_nothing_is_told() {
    let mut over = with_fault(world(), 20, 30, KILL);
    let mut report = RunReport::clone(over.report.as_ref().expect("there is one"));
    report.faults = vec![FaultReport {
        fault: "death of database #1".into(),
        began_s: 20.0,
        ended_s: Some(50.0),
        recovered_s: Some(58.0),
        failed: 1_234,
        ..FaultReport::default()
    }];
    over.report = Some(Arc::new(report));
    explorer(&link(over.clone())).get_by_label(
        "Database shard 2 was dead until 15 s ago: all as before 8 s after its end, 1.23 K operations failed.",
    );
    over.simulated_s = 15.0;
    let before = explorer(&link(over));
    assert!(before.query_by_label_contains("was dead").is_none());
}

#[test]
fn heat_and_regions_can_be_heard() {
    let harness = explorer(&link(world()));
    harness.get_by_label_contains("the fullest of 4 now is number 2 at 92 %, 38 % on average");
    harness.get_by_label_contains("40 % on average, 1 dead");
    harness.get_by_label("us-east-1, home region: 6 servers, 70 % of connections");
    harness.get_by_label("eu-west-1, lost: 4 servers, 0 % of connections");
    harness.get_by_label("ap-southeast-1: 2 servers, 30 % of connections");
}

#[test]
fn a_right_click_on_the_map_breaks_what_was_clicked() {
    let link = link(world());
    let mut harness = explorer(&link);
    harness
        .get_by_label_contains("the fullest of 4 now is number 2")
        .click_secondary();
    harness.run();
    harness.get_by_label("Slow down database shard 2");
    harness.get_by_label("Kill database shard 2").click();
    harness.run();
    assert!(matches!(&link.sent.borrow()[..], [Command::Break { fault, .. }] if *fault == KILL));
}

#[test]
fn it_fits_into_small_and_large_windows_in_both_themes() {
    let link = link(with_fault(world(), 53, 30, KILL));
    for size in [
        vec2(1024.0, 640.0),
        vec2(1280.0, 800.0),
        vec2(2560.0, 1440.0),
    ] {
        for theme in [Theme::Dark, Theme::Light] {
            let mut harness = explorer_with(&link, theme, 1.0, size, Vec::new());
            harness.run();
            let cut = cut_short(&harness);
            assert!(cut.is_empty(), "{size}: cut short: {cut:?}");
            let window = egui::Rect::from_min_size(egui::Pos2::ZERO, size);
            for node in harness.root().children_recursive() {
                let words = node
                    .accesskit_node()
                    .label()
                    .or(node.accesskit_node().value());
                if words.is_some_and(|words| !words.is_empty()) {
                    let rect = node.rect();
                    assert!(
                        window.expand(0.5).contains_rect(rect),
                        "{size}: {node:?} {rect}"
                    );
                }
            }
        }
    }
}

/// What was painted with an ellipsis.
pub fn cut_short(harness: &Harness<'_, Explorer>) -> Vec<String> {
    fn of(shape: &egui::Shape, found: &mut Vec<String>) {
        match shape {
            egui::Shape::Vec(shapes) => shapes.iter().for_each(|shape| of(shape, found)),
            egui::Shape::Text(text) if text.galley.elided => found.push(text.galley.text().into()),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let shapes = &harness.output().shapes;
    assert!(!shapes.is_empty(), "something is painted");
    shapes
        .iter()
        .for_each(|clipped| of(&clipped.shape, &mut found));
    found
}
