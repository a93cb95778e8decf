//! Conflicts: 10 editors in 1 000 random histories converge and lose nothing, by transformation and by merging,
//! while the last writer wins exactly once (concept C012); merges are commutative, associative and idempotent;
//! two regions count (C065); and locks with fencing.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod common;

use common::{TestRng, proptest_config};
use proptest::prelude::*;
use routing::Timestamp;
use routing::conflict::ot::{Edit, Ordered, OtBatch, OtClient, OtServer};
use routing::conflict::{
    Crdt, FencedStore, LockRequest, LockTable, LwwMap, LwwRegister, OrSet, PnCounter, ReplicaId,
    Sequence, SequenceOp,
};
use routing::order::{Hlc, HlcClock};
use std::collections::{BTreeSet, VecDeque};

const EDITORS: usize = 10;

/// What editors did: every item ever written, and every item that somebody deleted while it was shown to them.
#[derive(Default)]
struct Truth {
    written: BTreeSet<u32>,
    deleted: BTreeSet<u32>,
}

impl Truth {
    /// A random edit of a list as its editor sees it: mostly insertions, often at one end, so that they collide.
    fn edit(&mut self, rng: &mut TestRng, shown: &[u32]) -> Edit<u32> {
        let hot = rng.below(3) == 0;
        if !shown.is_empty() && rng.below(10) < 4 {
            let at = if hot {
                0
            } else {
                rng.below(shown.len() as u64) as usize
            };
            self.deleted.insert(shown[at]);
            return Edit::Delete { at };
        }
        let value = self.written.len() as u32;
        self.written.insert(value);
        let at = if hot {
            0
        } else {
            rng.below(shown.len() as u64 + 1) as usize
        };
        Edit::Insert { at, value }
    }

    fn left(&self) -> BTreeSet<u32> {
        self.written.difference(&self.deleted).copied().collect()
    }
}

/// Ten editors, a server, and a line with queues both ways; returns edits lost, documents that differ, and steps.
fn edit_by_transformation(seed: u64) -> (usize, usize, u64) {
    let mut rng = TestRng(seed);
    let mut truth = Truth::default();
    let mut server = OtServer::new(Vec::new());
    let mut clients: Vec<OtClient<u32>> = (0..EDITORS as u32)
        .map(|client| OtClient::new(client, Vec::new(), 0))
        .collect();
    let mut up: Vec<VecDeque<OtBatch<u32>>> = vec![VecDeque::new(); EDITORS];
    let mut down: Vec<VecDeque<Ordered<u32>>> = vec![VecDeque::new(); EDITORS];
    let mut edits = 0;
    loop {
        let i = rng.below(EDITORS as u64) as usize;
        match rng.below(4) {
            0 if edits < 200 => {
                let edit = truth.edit(&mut rng, clients[i].document());
                clients[i].edit(edit);
                edits += 1;
            }
            1 => up[i].extend(clients[i].send()),
            2 => {
                if let Some(batch) = up[i].pop_front() {
                    // One in eight comes twice, as after a connection that broke.
                    if rng.below(8) == 0 {
                        up[i].push_back(batch.clone());
                    }
                    if let Ok(ordered) = server.submit(batch) {
                        down.iter_mut()
                            .for_each(|queue| queue.push_back(ordered.clone()));
                    }
                }
            }
            _ => {
                if let Some(ordered) = down[i].pop_front() {
                    clients[i].receive(&ordered).unwrap();
                }
            }
        }
        // What is on its way may build on a revision that its client has left.
        let bases = up.iter().flatten().map(|batch| batch.base);
        let oldest = clients.iter().map(OtClient::revision).chain(bases).min();
        server.forget_before(oldest.unwrap_or(0));
        let idle = up.iter().all(VecDeque::is_empty) && down.iter().all(VecDeque::is_empty);
        if edits == 200 && idle && clients.iter().all(|client| client.unsaved() == 0) {
            break;
        }
    }
    let kept: BTreeSet<u32> = server.document().iter().copied().collect();
    let doubled = server.document().len() - kept.len();
    let lost = kept.symmetric_difference(&truth.left()).count() + doubled;
    let diverged = clients
        .iter()
        .filter(|client| client.document() != server.document())
        .count();
    (lost, diverged, server.steps())
}

/// The same by merging; operations arrive in any order, some twice.
fn edit_by_merging(seed: u64) -> (usize, usize, usize) {
    let mut rng = TestRng(seed);
    let mut truth = Truth::default();
    let mut texts: Vec<Sequence<u32>> = (0..EDITORS as u32)
        .map(|replica| Sequence::new(ReplicaId(replica)))
        .collect();
    let mut under_way: Vec<Vec<SequenceOp<u32>>> = vec![Vec::new(); EDITORS];
    let mut edits = 0;
    while edits < 200 || under_way.iter().any(|queue| !queue.is_empty()) {
        let i = rng.below(EDITORS as u64) as usize;
        if edits < 200 && rng.below(4) == 0 {
            let shown: Vec<u32> = texts[i].iter().copied().collect();
            let op = match truth.edit(&mut rng, &shown) {
                Edit::Insert { at, value } => texts[i].insert(at, value),
                Edit::Delete { at } => texts[i].delete(at).unwrap(),
                Edit::Nothing => continue,
            };
            for (other, queue) in under_way.iter_mut().enumerate() {
                let copies = if other == i {
                    0
                } else {
                    1 + usize::from(rng.below(8) == 0)
                };
                queue.extend(std::iter::repeat_n(op.clone(), copies));
            }
            edits += 1;
        } else if !under_way[i].is_empty() {
            let pick = rng.below(under_way[i].len() as u64) as usize;
            let op = under_way[i].swap_remove(pick);
            texts[i].apply(op);
        }
    }
    let shown: Vec<Vec<u32>> = texts
        .iter()
        .map(|text| text.iter().copied().collect())
        .collect();
    let kept: BTreeSet<u32> = shown[0].iter().copied().collect();
    let lost = kept.symmetric_difference(&truth.left()).count() + shown[0].len() - kept.len();
    let diverged = shown.iter().filter(|one| **one != shown[0]).count();
    (lost, diverged, texts[0].tombstones())
}

#[test]
fn c012_a_thousand_histories_of_ten_editors_converge_and_lose_nothing() {
    let (mut steps, mut tombstones) = (0, 0);
    for seed in 0..1_000 {
        let (lost, diverged, of_history) = edit_by_transformation(seed);
        assert_eq!((lost, diverged), (0, 0), "transformation, seed {seed}");
        steps += of_history;
        let (lost, diverged, of_history) = edit_by_merging(seed);
        assert_eq!((lost, diverged), (0, 0), "merging, seed {seed}");
        tombstones += of_history;
    }
    println!(
        "200 edits by 10 editors: {} steps of transformation, {} tombstones of merging",
        steps / 1_000,
        tombstones / 1_000
    );
}

#[test]
fn c012_the_last_writer_wins_exactly_once() {
    for writers in [2, 10, 100] {
        let mut clocks: Vec<HlcClock> = (0..writers)
            .map(|node| HlcClock::new(node, 0, u64::MAX))
            .collect();
        let mut replicas = vec![LwwRegister::new(); writers as usize];
        for (replica, clock) in replicas.iter_mut().zip(&mut clocks) {
            replica.set(clock.tick(Timestamp(5)), clock.last().node);
        }
        let mut winner = LwwRegister::new();
        for replica in &replicas {
            winner.merge(replica);
        }
        let lost = winner.lost(u64::from(writers));
        println!("{writers} concurrent writes: {lost} lost");
        assert_eq!(lost, u64::from(writers) - 1);
    }
}

/// Two regions add 1 a thousand times each and exchange what they have now and then.
#[test]
fn c065_two_regions_count_exactly_by_merging_and_not_by_the_last_writer() {
    let mut rng = TestRng(1);
    let mut counters = [PnCounter::new(), PnCounter::new()];
    let mut registers = [LwwRegister::<i64>::new(), LwwRegister::new()];
    let mut clocks = [0, 1].map(|node| HlcClock::new(node, 0, u64::MAX));
    for i in 0..2_000u64 {
        let region = (i % 2) as usize;
        counters[region].add(ReplicaId(region as u32), 1);
        let value = registers[region].get().copied().unwrap_or(0);
        registers[region].set(clocks[region].tick(Timestamp(i)), value + 1);
        if rng.below(10) == 0 {
            let other = registers[1 - region].clone();
            registers[region].merge(&other);
            if let Some(seen) = other.written_at() {
                clocks[region].observe(Timestamp(i), seen).unwrap();
            }
            let other = counters[1 - region].clone();
            counters[region].merge(&other);
        }
    }
    let (counter, register) = (counters[1].clone(), registers[1].clone());
    counters[0].merge(&counter);
    registers[0].merge(&register);
    let left = registers[0].get().copied().unwrap_or(0);
    let lost = registers[0].lost(2_000);
    println!(
        "of 2 000 increments: merged {}, last writer {left}, lost {lost}",
        counters[0].value()
    );
    assert_eq!(counters[0].value(), 2_000);
    assert!(lost > 0);
    assert_eq!(
        left as u64 + lost,
        2_000,
        "what is counted as lost is what is missing"
    );
}

/// One of a replica's actions on each type.
type Action = (usize, u8, u8);

fn actions() -> impl Strategy<Value = Vec<Action>> {
    prop::collection::vec((0usize..3, 0u8..4, 0u8..6), 0..60)
}

/// Three replicas act, and merge each other's states at times; also all deltas.
fn replicas_of<C: Crdt + Clone>(
    actions: &[Action],
    empty: &C,
    mut act: impl FnMut(&mut C, ReplicaId, u8, u8) -> C,
) -> ([C; 3], Vec<C>) {
    let mut replicas = [empty.clone(), empty.clone(), empty.clone()];
    let mut deltas = Vec::new();
    for &(replica, kind, value) in actions {
        if kind == 3 {
            let other = replicas[(replica + 1) % 3].clone();
            replicas[replica].merge(&other);
        } else {
            deltas.push(act(
                &mut replicas[replica],
                ReplicaId(replica as u32),
                kind,
                value,
            ));
        }
    }
    (replicas, deltas)
}

fn joined<C: Crdt + Clone>(a: &C, b: &C) -> C {
    let mut a = a.clone();
    a.merge(b);
    a
}

/// The three laws, and that all deltas in any order, each twice, make the same as the states.
fn lawful<C: Crdt + Clone + PartialEq + std::fmt::Debug>(
    (replicas, mut deltas): ([C; 3], Vec<C>),
    empty: &C,
    seed: u64,
) -> Result<C, TestCaseError> {
    let [a, b, c] = &replicas;
    let all = joined(&joined(a, b), c);
    prop_assert_eq!(&all, &joined(c, &joined(b, a)), "commutative");
    prop_assert_eq!(&all, &joined(a, &joined(b, c)), "associative");
    prop_assert_eq!(&all, &joined(&all, b), "idempotent");
    let mut rng = TestRng(seed);
    deltas.extend(deltas.clone());
    for i in (1..deltas.len()).rev() {
        deltas.swap(i, rng.below(i as u64 + 1) as usize);
    }
    let mut from_deltas = empty.clone();
    for delta in &deltas {
        from_deltas.merge(delta);
    }
    prop_assert_eq!(&all, &from_deltas, "deltas");
    Ok(all)
}

proptest! {
    #![proptest_config(proptest_config(512))]

    #[test]
    fn counters_merge(actions in actions(), seed: u64) {
        let mut sum = 0;
        let empty = PnCounter::new();
        let acted = replicas_of(&actions, &empty, |counter, replica, kind, value| {
            let amount = i64::from(value) * (i64::from(kind) - 1);
            sum += amount;
            counter.add(replica, amount)
        });
        let all = lawful(acted, &empty, seed)?;
        prop_assert_eq!(all.value(), sum);
    }

    #[test]
    fn sets_merge(actions in actions(), seed: u64) {
        let empty = OrSet::new();
        let acted = replicas_of(&actions, &empty, |set, replica, kind, value| match kind {
            0 | 1 => set.add(replica, value),
            _ => set.remove(&value),
        });
        // An element is there if and only if some replica added it and nobody who saw that removed it: the
        // replica that added a value last of all and whose addition no later action could have seen must still
        // have it.
        let last = actions.last().copied();
        let all = lawful(acted, &empty, seed)?;
        if let Some((_, 0 | 1, value)) = last {
            prop_assert!(all.contains(&value));
        }
    }

    #[test]
    fn maps_merge_and_count_what_they_lose(actions in actions(), seed: u64) {
        let empty = LwwMap::new();
        let mut writes = 0;
        let mut now = 0;
        let acted = replicas_of(&actions, &empty, |map, replica, kind, value| {
            writes += 1;
            now += u64::from(value % 2);
            let seen = map.register(&(value % 3)).and_then(LwwRegister::written_at);
            let mut clock = HlcClock::new(replica.0, 0, u64::MAX);
            // Later than what it has seen, and unlike every other write.
            clock.observe(Timestamp(now), seen.unwrap_or_default()).unwrap();
            let at = Hlc { logical: clock.tick(Timestamp(now)).logical + writes as u32, ..clock.last() };
            map.set(at, value % 3, (kind > 0).then_some(writes))
        });
        let all = lawful(acted, &empty, seed)?;
        let written: BTreeSet<u8> = actions.iter().filter(|one| one.1 < 3).map(|one| one.2 % 3).collect();
        prop_assert!(all.lost(writes) <= writes - written.len() as u64);
    }

    /// Holders pause for random times; with tokens no write follows that of a successor.
    #[test]
    fn fenced_writes_keep_the_order_of_the_grants(steps in prop::collection::vec((0u32..4, 0u64..80), 1..100)) {
        let (mut locks, mut store) = (LockTable::new(100), FencedStore::new());
        let mut now = 0;
        let mut held: [Option<u64>; 4] = [None; 4];
        let mut written = Vec::new();
        for (client, pause) in steps {
            now += pause;
            if let Some(grant) = locks.poll(Timestamp(now), 1) {
                held[grant.holder as usize] = Some(grant.token);
            }
            match held[client as usize] {
                // It believes that it holds the lock.
                Some(token) => {
                    if store.write(1, token) {
                        written.push(token);
                    } else {
                        held[client as usize] = None;
                    }
                }
                None => if let LockRequest::Granted(grant) = locks.acquire(Timestamp(now), 1, client) {
                    held[client as usize] = Some(grant.token);
                },
            }
        }
        prop_assert!(written.is_sorted());
    }
}
