//! Shard maps: ranges cover every key once through any splits and merges, a plan turns the old map into the new
//! one and moves the published share (concept C044), reads during a migration see every write, and k-rings have
//! the size they should (C037).

mod common;

use common::{near, proptest_config};
use proptest::prelude::*;
use routing::placement::{Node, Placement, PlacementMap};
use routing::shard::{
    Access, Feature, Grid, Key, Migration, Place, RangeMap, RebalancePlan, Record, ShardKey,
    ShardMap, Sharding, Vindex,
};
use routing::{ShardId, Timestamp, hash};
use std::collections::BTreeMap;

fn shards(n: u32) -> Vec<ShardId> {
    (0..n).map(ShardId).collect()
}

fn record(i: u64) -> Record {
    let hash = hash::hash_u64(7, i);
    Record {
        user: i,
        guild: (i * 1_001) << 22 | hash & 0x3f_ffff,
        feature: Feature(0),
        place: Place {
            x: hash as u32,
            y: (hash >> 32) as u32,
        },
    }
}

fn records(n: u64) -> Vec<Record> {
    (0..n).map(record).collect()
}

/// Every way to shard but the vertical one, which takes no shard by itself.
fn shardings() -> Vec<Sharding> {
    let placements = [
        Placement::Modulo,
        Placement::Jump,
        Placement::Ring { virtual_nodes: 100 },
        Placement::Rendezvous,
        Placement::Maglev { table: 65_537 },
        Placement::Slots,
    ];
    let key = ShardKey::User;
    let hashes = placements.map(|placement| Sharding::Hash { key, placement });
    let others = [
        Sharding::Ranges {
            key,
            vindex: Vindex::Hash,
        },
        Sharding::Cells {
            grid: Grid::globe(180),
            block: 4,
            placement: Placement::Rendezvous,
        },
        Sharding::Guilds {
            buckets: 1_024,
            virtual_nodes: 100,
        },
        Sharding::Directory {
            key: ShardKey::Guild,
            others: Placement::Jump,
        },
    ];
    hashes.into_iter().chain(others).collect()
}

#[test]
fn the_plan_turns_the_old_map_into_the_new_one() {
    let records = records(20_000);
    for sharding in shardings() {
        let old = ShardMap::new(&sharding, &shards(10));
        let mut new = old.clone();
        assert!(new.add(ShardId(10)));
        let plan = RebalancePlan::between(&old, &new, &records);
        let mut moved = 0;
        for record in &records {
            let (before, after) = (old.owner(record).unwrap(), new.owner(record).unwrap());
            assert_eq!(plan.applied(before, old.key(record)), after, "{sharding:?}");
            moved += u32::from(before != after);
        }
        println!(
            "{sharding:?}: {} moves, {:.4} of the keys; {:.4} of the records",
            plan.moves().len(),
            plan.moved_share(),
            f64::from(moved) / 2e4
        );
        assert!(
            RebalancePlan::between(&new, &new, &records)
                .moves()
                .is_empty()
        );
    }
}

#[test]
fn from_ten_to_eleven_shards_the_published_share_moves() {
    const SEEDS: u64 = 40;
    let records = records(20_000);
    let rows = [
        (Placement::Modulo, 0.909, 1.0, false),
        (Placement::Jump, 0.0906, 3.0, true),
        (Placement::Ring { virtual_nodes: 100 }, 0.087, 7.0, true),
        (Placement::Rendezvous, 0.0905, 3.0, true),
        (Placement::Slots, 1.0 / 11.0, 1.0, true),
    ];
    for (placement, published, percent, only_to_new) in rows {
        let mut share = 0.0;
        for seed in 0..SEEDS {
            let nodes: Vec<Node> = (0..10).map(Node::new).collect();
            let map = PlacementMap::with_weights(placement, &nodes, seed);
            let old = ShardMap::Hash(ShardKey::User, map);
            let mut new = old.clone();
            new.add(ShardId(10));
            let plan = RebalancePlan::between(&old, &new, &records);
            share += plan.moved_share() / SEEDS as f64;
            let to_new = plan.moves().iter().all(|step| step.to == ShardId(10));
            assert!(to_new || !only_to_new, "{placement:?} between old shards");
        }
        println!("{placement:?}: {share:.4} moved ({published:.4} published)");
        assert!(near(share, published, percent), "{placement:?}: {share}");
    }
}

#[test]
fn a_feature_that_gets_shards_of_its_own_moves_alone() {
    let by_user = Sharding::Hash {
        key: ShardKey::User,
        placement: Placement::Jump,
    };
    let (accounts, sessions) = (Feature(1), Feature(2));
    let split = |own: &[u32]| {
        let own: Vec<ShardId> = own.iter().copied().map(ShardId).collect();
        let features = vec![
            (accounts, shards(4), by_user.clone()),
            (sessions, own, by_user.clone()),
        ];
        ShardMap::new(&Sharding::Features(features), &[])
    };
    let (old, new) = (split(&[0, 1, 2, 3]), split(&[4, 5]));
    let both = |i| {
        [accounts, sessions].map(|feature| Record {
            feature,
            ..record(i)
        })
    };
    let records: Vec<Record> = (0..5_000).flat_map(both).collect();
    let plan = RebalancePlan::between(&old, &new, &records);
    assert!((plan.moved_share() - 0.5).abs() < 1e-9, "every session");
    for record in &records {
        let (before, key) = (old.owner(record).unwrap(), old.key(record));
        let after = plan.applied(before, key);
        assert_eq!(Some(after), new.owner(record));
        assert_eq!(after >= ShardId(4), record.feature == sessions);
    }
}

#[test]
fn shards_of_records_are_the_same_for_ever() {
    let pinned = [
        [5, 3, 3, 3, 5, 2],
        [3, 5, 6, 4, 4, 6],
        [1, 0, 3, 1, 2, 5],
        [2, 5, 6, 5, 0, 1],
        [3, 0, 3, 4, 3, 1],
        [5, 4, 2, 3, 0, 6],
        [0, 5, 0, 0, 5, 0],
        [3, 0, 6, 0, 3, 2],
        [1, 5, 2, 0, 1, 1],
        [5, 0, 6, 2, 1, 0],
    ];
    let found: Vec<[u32; 6]> = shardings()
        .iter()
        .map(|sharding| {
            let map = ShardMap::new(sharding, &shards(7));
            [0, 1, 2, 42, 1 << 20, 1 << 30].map(|i| map.owner(&record(i)).unwrap().0)
        })
        .collect();
    assert_eq!(found, pinned);
}

#[derive(Clone, Copy, Debug)]
enum Cut {
    Split(u64, u32),
    Merge(usize),
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![
        2 => (any::<u64>(), 0u32..9).prop_map(|(at, shard)| Cut::Split(at, shard)),
        1 => any::<usize>().prop_map(Cut::Merge),
    ]
}

fn covers_every_key_once(map: &RangeMap) {
    let mut next = Some(0);
    for (range, shard) in map.ranges() {
        assert_eq!(Some(range.first), next, "no gap, no overlap");
        assert!(range.first <= range.last);
        assert_eq!(map.owner(range.first), Some(shard));
        assert_eq!(map.owner(range.last), Some(shard));
        next = range.last.checked_add(1);
    }
    assert_eq!(next, None, "up to the last key");
}

proptest! {
    #![proptest_config(proptest_config(200))]

    #[test]
    fn ranges_cover_every_key_once(
        n in 1u32..9, cuts in prop::collection::vec(cut(), 0..60), probes in prop::collection::vec(any::<u64>(), 20),
    ) {
        let first = RangeMap::even(&shards(n));
        let mut map = first.clone();
        for cut in cuts {
            let before = map.clone();
            let starts: Vec<u64> = map.ranges().map(|(range, _)| range.first).collect();
            let (moved, owner) = match cut {
                Cut::Split(at, shard) => (map.split(at, ShardId(shard)), Some(ShardId(shard))),
                Cut::Merge(i) => {
                    let at = starts[i % starts.len()];
                    (map.merge(at), at.checked_sub(1).and_then(|key| before.owner(key)))
                }
            };
            covers_every_key_once(&map);
            for &probe in probes.iter().chain(&starts) {
                let inside = moved.is_ok_and(|range| range.contains(probe));
                let expected = if inside { owner } else { before.owner(probe) };
                prop_assert_eq!(map.owner(probe), expected);
            }
        }
        let plan = RebalancePlan::of_ranges(&first, &map);
        for &probe in &probes {
            let old = first.owner(probe).unwrap();
            prop_assert_eq!(Some(plan.applied(old, Key::new(probe))), map.owner(probe));
        }
        prop_assert!(plan.moved_share() <= 1.0 + 1e-9);
    }

    #[test]
    fn rings_have_their_size_and_are_mutual(side in 1u16..40, k in 0u32..8, a in any::<u64>(), b in any::<u64>()) {
        for grid in [Grid::torus(side), Grid::globe(side)] {
            let (a, b) = (a % grid.cells(), b % grid.cells());
            let ring = grid.ring(a, k);
            prop_assert!(ring.contains(&a) && ring.is_sorted_by(|x, y| x < y));
            prop_assert_eq!(ring.contains(&b), grid.ring(b, k).contains(&a));
            prop_assert!(ring.iter().all(|&cell| cell < grid.cells()));
        }
        let edge = u64::from(2 * k + 1).min(u64::from(side));
        let torus = Grid::torus(side);
        prop_assert_eq!(torus.ring(a % torus.cells(), k).len() as u64, edge * edge);
    }

    /// Against stores that hold the number of the last write: a read finds the last of all.
    #[test]
    fn reads_during_a_migration_see_every_write(
        kind in 0usize..10, least_ns in 0u64..30, steps in prop::collection::vec((0u8..6, 0u64..60, 0u64..9), 0..300),
    ) {
        let records = records(60);
        let old = ShardMap::new(&shardings()[kind], &shards(3));
        let mut new = old.clone();
        new.add(ShardId(3));
        let mut moving = Migration::new(RebalancePlan::between(&old, &new, &records), least_ns);
        let moves = moving.plan().moves().len();
        let mut stores: BTreeMap<(ShardId, Key), usize> = BTreeMap::new();
        let mut last: BTreeMap<Key, usize> = BTreeMap::new();
        let mut now = Timestamp::ZERO;
        for (version, &(what, which, wait)) in steps.iter().enumerate() {
            now = now.plus(wait);
            let key = old.key(&records[which as usize]);
            let owner = old.owner_of(key).unwrap();
            let index = which as usize % moves.max(1);
            match what {
                0 | 1 => {
                    let Access { owner, also_writes } = moving.access(now, owner, key);
                    for shard in [Some(owner), also_writes].into_iter().flatten() {
                        stores.insert((shard, key), version);
                    }
                    last.insert(key, version);
                }
                2 => { moving.begin(now, index); }
                3 => if moving.on_copied(now, index).is_some() {
                    copy(&mut stores, &moving, index);
                },
                4 => { moving.abort(now, index); }
                _ => {
                    let reader = moving.access(now, owner, key).owner;
                    prop_assert_eq!(stores.get(&(reader, key)), last.get(&key));
                }
            }
        }
        for index in 0..moves {
            moving.begin(now, index);
            if moving.on_copied(now, index).is_some() {
                copy(&mut stores, &moving, index);
            }
        }
        let end = now.plus(least_ns);
        prop_assert!(moving.is_finished(end));
        for record in &records {
            let key = old.key(record);
            let access = moving.access(end, old.owner_of(key).unwrap(), key);
            prop_assert_eq!(Some(access.owner), new.owner(record));
            prop_assert_eq!(access.also_writes, None);
            prop_assert_eq!(stores.get(&(access.owner, key)), last.get(&key));
        }
    }
}

/// Copies what the old shard of a move holds to the new one.
fn copy(stores: &mut BTreeMap<(ShardId, Key), usize>, moving: &Migration, index: usize) {
    let step = &moving.plan().moves()[index];
    let held: Vec<(Key, usize)> = stores
        .iter()
        .filter(|((shard, key), _)| *shard == step.from && step.group.contains(*key))
        .map(|((_, key), &version)| (*key, version))
        .collect();
    for (key, version) in held {
        stores.insert((step.to, key), version);
    }
}

#[test]
fn interests_cross_shards_only_at_the_edges_of_blocks() {
    for (block, k) in [(16u16, 1u32), (32, 1), (32, 4), (128, 1)] {
        let sharding = Sharding::Cells {
            grid: Grid::torus(256),
            block,
            placement: Placement::Rendezvous,
        };
        let ShardMap::Cells(map) = ShardMap::new(&sharding, &shards(64)) else {
            panic!("a map of cells");
        };
        let crossing = (0..map.grid().cells()).filter(|&cell| map.shards_within(cell, k).len() > 1);
        let found = crossing.count() as f64 / map.grid().cells() as f64;
        let inner = f64::from(u32::from(block) - 2 * k) / f64::from(block);
        let bound = 1.0 - inner * inner;
        println!(
            "blocks of {block}, k {k}: {found:.4} of the interests ask several shards (at most {bound:.4})"
        );
        // Neighbouring blocks share a shard now and then: one in 64, or more where blocks are few.
        assert!(found <= bound && found >= bound * 0.85);
    }
}
