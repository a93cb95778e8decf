//! Faults that are added while a system runs: the same fault in the file gives the same bytes.
#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use sim_core::engine::Interrupt;
use sim_core::report::RunReport;
use sim_core::scenario::{Fault, People, Scenario, Tier, TimedFault};
use sim_core::system::{FaultRefused, SystemRun};
use sim_core::time::{SimDuration, SimTime};
use system_tests::lab::scenario;

/// Two regions, owners, a cache and a database: something of everything that can break.
const WORLD: &str = r#"(
    version: 1,
    name: "world",
    title: "Two continents",
    story: "Rooms of ten in two regions, with records behind a cache.",
    load: (
        users: 2_000,
        places: {"us-east-1": "60 %", "eu-west-1": "40 %"},
        access: {"fiber": "100 %"},
        heartbeat: "2 s",
        heartbeat_timeout: "5 s",
        reconnect: FullJitter(base: "1 s", cap: "8 s"),
    ),
    channels: (members: Rooms(size: 10)),
    traffic: (
        publish: (rate: "0.05/s per user", size: "500 B"),
        query: (rate: "0.2/s per user", size: "500 B"),
    ),
    patterns: (pooling: On, sharding: On, caching_and_edge: On),
    design: (
        place: "us-east-1",
        regions: (places: {"us-east-1": "60 %", "eu-west-1": "40 %"}, detect: "5 s"),
        routing: ChannelOwner,
        load_balancer: (max_connections: "10M", new_connections: "1M/s"),
        connection_servers: (
            count: 8, machine: "c7g.xlarge", profile: "tuned",
            accept: "20K/s", accept_burst: "20K connections", resume: "0 s", replay: "64 messages",
        ),
        channel_owners: (count: 4, machine: "c7g.large"),
        cache: (count: 2, machine: "r7g.large", capacity: "64 MiB", ttl: "30 s"),
        database: (machine: "r7g.large", pool: 50, queue: "10_000 queries", query: Constant("5 ms")),
        shards: (count: 4),
    ),
    FAULTS
    run: (population_seed: 1, seed: 7, warmup: "2 s", duration: "20 s"),
)"#;

fn world(faults: &str) -> Scenario {
    scenario(&WORLD.replace("FAULTS", faults), &[])
}

fn advance(run: &mut SystemRun, until_ms: u64) {
    let until = SimTime::from_nanos(until_ms * 1_000_000);
    let _ = run.advance(until, None, &mut |_, _| Interrupt::Continue);
}

fn end(mut run: SystemRun) -> RunReport {
    let _ = run.advance(run.end(), None, &mut |_, _| Interrupt::Continue);
    run.report()
}

fn all() -> Vec<Fault> {
    let (first, instances) = (1, 1);
    let kill = |tier| Fault::Kill {
        tier,
        first,
        instances,
    };
    let slow = |tier| Fault::SlowDown {
        tier,
        first,
        instances,
        factor: 5.0,
    };
    vec![
        kill(Tier::ConnectionServers),
        kill(Tier::ChannelOwners),
        kill(Tier::Cache),
        kill(Tier::Database),
        slow(Tier::Database),
        slow(Tier::ConnectionServers),
        Fault::HotKey { share: 0.5 },
        Fault::FlushCache,
        Fault::LoseRegion { region: 1 },
        Fault::LoseZone { region: 0, zone: 1 },
        Fault::Partition { from: 0, to: 1 },
        Fault::SlowLink {
            from: 0,
            to: 1,
            adds: SimDuration::from_millis(250),
            loss: 0.05,
        },
        Fault::DropConnections {
            within: SimDuration::from_secs(2),
        },
        Fault::FlashCrowd {
            joins: People::Share(0.5),
            within: SimDuration::from_secs(2),
        },
        Fault::FlashCrowd {
            joins: People::Count(700),
            within: SimDuration::ZERO,
        },
        Fault::RollingRestart {
            drain: SimDuration::from_secs(1),
            restart: SimDuration::from_millis(500),
        },
    ]
}

#[test]
fn a_fault_added_while_running_is_the_fault_of_the_file_byte_for_byte() {
    let undisturbed = world("");
    for fault in all() {
        let ends = !matches!(
            fault,
            Fault::FlushCache | Fault::DropConnections { .. } | Fault::RollingRestart { .. }
        );
        let timed = TimedFault {
            at: SimDuration::from_millis(6_543),
            lasts: ends.then(|| SimDuration::from_secs(4)),
            fault,
        };
        let entry = timed.written(&undisturbed.design);
        let written = world(&format!("faults: [{entry}],"));
        assert_eq!(written.faults, std::slice::from_ref(&timed), "{entry}");
        let of_file = end(SystemRun::new(&written).unwrap());

        let mut run = SystemRun::new(&undisturbed).unwrap();
        advance(&mut run, 6_542);
        run.add_fault(timed).unwrap();
        let added = end(run);
        assert_eq!(
            serde_json::to_string(&added).unwrap(),
            serde_json::to_string(&of_file).unwrap(),
            "{entry}"
        );
        let healthy = end(SystemRun::new(&undisturbed).unwrap());
        assert_ne!(
            added.operations, healthy.operations,
            "{entry} does something"
        );
    }
}

#[test]
fn a_fault_that_is_undone_is_one_that_has_lasted_until_then() {
    let undisturbed = world("");
    let kill = Fault::Kill {
        tier: Tier::ConnectionServers,
        first: 1,
        instances: 1,
    };
    let crowd = Fault::FlashCrowd {
        joins: People::Count(500),
        within: SimDuration::from_secs(1),
    };
    for fault in [kill, crowd, Fault::LoseRegion { region: 1 }] {
        let ended = TimedFault {
            at: SimDuration::from_millis(6_543),
            lasts: Some(SimDuration::from_millis(5_004)),
            fault,
        };
        let entry = ended.written(&undisturbed.design);
        let of_file = world(&format!("faults: [{entry}],"));
        let of_file = end(SystemRun::new(&of_file).unwrap());

        let mut run = SystemRun::new(&undisturbed).unwrap();
        advance(&mut run, 6_542);
        let open = TimedFault {
            lasts: None,
            ..ended.clone()
        };
        run.add_fault(open).unwrap();
        let ends = ended.at + ended.lasts.unwrap();
        assert_eq!(run.end_fault(0, ends), Err(FaultRefused::NothingToEnd));
        advance(&mut run, 7_000);
        assert_eq!(run.end_fault(0, ends), Ok(()));
        assert_eq!(run.end_fault(0, ends), Err(FaultRefused::NothingToEnd));
        assert_eq!(
            serde_json::to_string(&end(run)).unwrap(),
            serde_json::to_string(&of_file).unwrap(),
            "{entry}"
        );
    }
}

#[test]
fn what_the_design_does_not_have_is_refused() {
    let mut run = SystemRun::new(&world("")).unwrap();
    advance(&mut run, 3_000);
    let at = |ms, fault| TimedFault {
        at: SimDuration::from_millis(ms),
        lasts: None,
        fault,
    };
    let kill = |tier, first| Fault::Kill {
        tier,
        first,
        instances: 1,
    };
    let wrong = [
        kill(Tier::LoadBalancer, 0),
        kill(Tier::Broker, 0),
        kill(Tier::Database, 4),
        kill(Tier::Database, u32::MAX),
        Fault::LoseRegion { region: 2 },
        Fault::LoseZone { region: 0, zone: 3 },
        Fault::Partition { from: 1, to: 1 },
        Fault::HotKey { share: f64::NAN },
    ];
    for fault in wrong {
        let refused = run.add_fault(at(4_000, fault.clone()));
        assert_eq!(refused, Err(FaultRefused::NothingToHit), "{fault:?}");
    }
    let late = run.add_fault(at(2_000, Fault::FlushCache));
    assert_eq!(late, Err(FaultRefused::Past));
}

#[test]
fn heat_shows_the_shard_that_a_hot_key_falls_on_and_who_is_dead() {
    let mut run = SystemRun::new(&world("")).unwrap();
    let lasting = |fault| TimedFault {
        at: SimDuration::from_millis(4_001),
        lasts: Some(SimDuration::from_secs(60)),
        fault,
    };
    advance(&mut run, 4_000);
    run.add_fault(lasting(Fault::Kill {
        tier: Tier::Cache,
        first: 0,
        instances: 2,
    }))
    .unwrap();
    run.add_fault(lasting(Fault::HotKey { share: 0.8 }))
        .unwrap();
    let before = run.readings();
    advance(&mut run, 12_000);
    let heat = run.heat(&before, &run.readings());
    assert_eq!(heat["cache"].each, [None, None]);
    let shards = &heat["database"];
    let (hot, share) = shards.fullest().unwrap();
    let others = shards.each.iter().enumerate().filter(|(i, _)| *i != hot);
    let next = others.map(|(_, share)| share.unwrap()).fold(0.0, f32::max);
    assert!(share > 3.0 * next, "{shards:?}");
    assert_eq!((shards.resource, shards.dead()), ("pool", 0));
    assert_eq!(heat["connection_servers"].each.len(), 8);
    // The same accounts as those of the report, over the same time.
    let report = run.report();
    assert_eq!(
        report.tiers["database"].utilization["pool"].instance as usize,
        hot
    );
}
