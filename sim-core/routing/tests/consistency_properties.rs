//! Consistency: reads that are stale by projection lag and by replicas (concept C035, algorithms.md 3.5),
//! quorums that overlap, and regions that are cut for a while (concepts C015, C065).

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod common;

use common::{TestRng, near, proptest_config};
use proptest::prelude::*;
use routing::Timestamp;
use routing::consistency::{
    Quorum, QuorumRead, ReadPolicy, ReadRoute, ReadYourWrites, RegionStore, Session, Stance,
};
use routing::log::LogOffset;
use routing::order::HlcClock;

const MS: u64 = 1_000_000;

/// Reads Δ after the session's own write on a replica whose lag is exponential with a mean of `lag_ms`: the
/// share that is stale, and the mean wait.
fn reads(policy: ReadPolicy, lag_ms: f64, after_ms: u64) -> (f64, f64) {
    const READS: u64 = 40_000;
    let mut rng = TestRng(11);
    let (mut stale, mut waited_ms) = (0, 0.0);
    for i in 0..READS {
        let lag = -libm::log(1.0 - rng.unit()) * lag_ms;
        let written = Timestamp(i * 60_000 * MS);
        let mut session = Session::new();
        session.wrote(written, LogOffset(i + 1));
        let remaining = lag - after_ms as f64;
        let applied = if remaining > 0.0 { i } else { i + 1 };
        let now = written.plus(after_ms * MS);
        match policy.route(now, &session, &[LogOffset(applied)], 0) {
            ReadRoute::Replica(0) => {
                stale += u64::from(session.misses_own_write(LogOffset(applied)))
            }
            ReadRoute::Wait { replica: 0, until } => {
                assert_eq!(until, LogOffset(i + 1));
                waited_ms += remaining;
            }
            ReadRoute::Primary => {}
            other => panic!("there is one replica: {other:?}"),
        }
    }
    (stale as f64 / READS as f64, waited_ms / READS as f64)
}

fn own_writes(own_writes: ReadYourWrites) -> ReadPolicy {
    ReadPolicy {
        own_writes,
        monotonic: false,
    }
}

/// L = 100 ms: 1, 0.607, 0.135, about 0 at 0, 50, 200 and 1 000 ms; L = 1 s: 1, 0.951, 0.819, 0.368.
#[test]
fn c035_staleness_by_lag_and_none_when_the_read_waits() {
    let table = [
        (100.0, [1.0, 0.607, 0.135, 0.0]),
        (1_000.0, [1.0, 0.951, 0.819, 0.368]),
    ];
    for (lag_ms, expected) in table {
        let measured = [0, 50, 200, 1_000]
            .map(|after| reads(own_writes(ReadYourWrites::None), lag_ms, after).0);
        println!(
            "lag {lag_ms} ms: stale after 0, 50, 200, 1 000 ms: {measured:.3?}, expected {expected:?}"
        );
        for (measured, expected) in measured.into_iter().zip(expected) {
            assert!((measured - expected).abs() < 0.01);
        }
    }
    let (stale, waited) = reads(own_writes(ReadYourWrites::WaitOffset), 100.0, 50);
    // e^(−50/100) of the reads wait the 100 ms that are left on average.
    println!("waiting for the offset: stale {stale}, {waited:.1} ms longer on average");
    assert!(stale == 0.0 && near(waited, 60.7, 3.0));
    let sticky = ReadYourWrites::Sticky {
        window_ns: 2_000 * MS,
    };
    assert_eq!(reads(own_writes(sticky), 100.0, 50), (0.0, 0.0));
}

/// Three regions, five keys, a cut of 60 s in two and one; each region writes ten times a second.
fn cut(stance: Stance, seed: u64) -> ([u64; 3], [u64; 3], RegionStore<u64>) {
    let mut rng = TestRng(seed);
    let mut store = RegionStore::new(3, stance);
    let mut clocks = [0, 1, 2].map(|node| HlcClock::new(node, 0, u64::MAX));
    let (mut tried, mut accepted) = ([0; 3], [0; 3]);
    store.split_mut().cut(&[0, 0, 1]);
    for i in 0..600u64 {
        for region in 0..3u32 {
            let now = Timestamp(i * 100 * MS + u64::from(region));
            let at = clocks[region as usize].tick(now);
            tried[region as usize] += 1;
            let Ok(update) = store.write(region, at, rng.below(5), 3 * i + u64::from(region))
            else {
                continue;
            };
            accepted[region as usize] += 1;
            for other in (0..3).filter(|&other| other != region) {
                if store.split().reaches(region, other) {
                    store.apply(other, &update);
                    clocks[other as usize].observe(now, update.at).unwrap();
                }
            }
        }
    }
    (tried, accepted, store)
}

#[test]
fn c015_a_cut_of_a_minute_refuses_or_conflicts_and_heals() {
    for seed in 0..20 {
        let (tried, accepted, store) = cut(Stance::Consistent, seed);
        assert_eq!((accepted[2], accepted[..2] == tried[..2]), (0, true));
        assert_eq!((store.conflicts(), store.refused()), (0, tried[2]));
        let (tried, accepted, mut store) = cut(Stance::Available, seed);
        assert_eq!(accepted, tried);
        let diverged = store.divergence();
        store.split_mut().heal();
        let sent = store.exchange(0, 2) + store.exchange(1, 2);
        if seed == 0 {
            println!(
                "available: {diverged} of 5 keys differ after the cut, {sent} values healed them, {} writes lost",
                store.conflicts()
            );
        }
        assert!(diverged > 0 && store.conflicts() > 0);
        assert_eq!(store.divergence(), 0);
    }
}

#[test]
fn quorums_that_do_not_overlap_miss_writes() {
    let quorum = Quorum {
        replicas: 3,
        write: 1,
        read: 2,
    };
    assert!(!quorum.overlaps());
    let mut reading = QuorumRead::new(quorum);
    // Replica 0 has the write; 1 and 2 answer first.
    assert_eq!(reading.answer(1, 0, ()), None);
    assert_eq!(reading.answer(2, 0, ()), Some((0, ())));
}

proptest! {
    #![proptest_config(proptest_config(512))]

    /// Whatever replicas answer first: a read that overlaps sees the last acknowledged write.
    #[test]
    fn overlapping_quorums_see_the_last_write(n in 1u32..8, write in 1u32..8, read in 1u32..8, seed: u64) {
        let quorum = Quorum { replicas: n, write: write.min(n), read: read.min(n) };
        let mut rng = TestRng(seed);
        let mut shuffled = || {
            let mut order: Vec<u32> = (0..n).collect();
            for i in (1..order.len()).rev() {
                order.swap(i, rng.below(i as u64 + 1) as usize);
            }
            order
        };
        let mut held = vec![0u64; n as usize];
        let mut missed = false;
        for version in 1..20u64 {
            // Acknowledged by the first w; the others never get it.
            for replica in shuffled().into_iter().take(quorum.write as usize) {
                held[replica as usize] = version;
            }
            let mut reading = QuorumRead::new(quorum);
            let answers = shuffled().into_iter().filter_map(|replica| {
                reading.answer(replica, held[replica as usize], ())
            }).collect::<Vec<_>>();
            prop_assert_eq!(answers.len(), 1);
            missed |= answers[0].0 != version;
            prop_assert!(reading.stale().all(|replica| held[replica as usize] < answers[0].0));
        }
        prop_assert!(!missed || !quorum.overlaps());
    }

    /// A session's reads never go back, and with both promises never miss its writes.
    #[test]
    fn promises_are_kept(steps in prop::collection::vec((0usize..3, 0u8..4, 1u64..4), 1..100)) {
        let policy = ReadPolicy { own_writes: ReadYourWrites::WaitOffset, monotonic: true };
        let (mut end, mut applied) = (0, [LogOffset(0); 3]);
        let mut session = Session::new();
        let mut last = LogOffset(0);
        for (now, (replica, action, by)) in steps.into_iter().enumerate() {
            let now = Timestamp(now as u64);
            match action {
                0 => { end += by; }
                1 => { end += 1; session.wrote(now, LogOffset(end)); }
                2 => applied[replica] = LogOffset(end.min(applied[replica].0 + by)),
                _ => {
                    let seen = match policy.route(now, &session, &applied, replica) {
                        ReadRoute::Replica(replica) => applied[replica],
                        ReadRoute::Wait { replica, until } => {
                            applied[replica] = applied[replica].max(until);
                            applied[replica]
                        }
                        ReadRoute::Primary => LogOffset(end),
                    };
                    prop_assert!(seen >= last && !session.misses_own_write(seen));
                    session.has_read(seen);
                    last = seen;
                }
            }
        }
    }

    /// Regions cut and healed at random agree after everybody has met everybody; what stays is the latest write.
    #[test]
    fn regions_agree_after_they_have_met(seed: u64) {
        let mut rng = TestRng(seed);
        let mut store = RegionStore::new(4, Stance::Available);
        let mut clocks = [0, 1, 2, 3].map(|node| HlcClock::new(node, rng.below(100) as i64 - 50, u64::MAX));
        for i in 0..200u64 {
            let (a, b) = (rng.below(4) as u32, rng.below(4) as u32);
            match rng.below(8) {
                0 => store.split_mut().cut(&[0, 0, 0, 0].map(|_: u32| rng.below(2) as u32)),
                1 => store.split_mut().heal(),
                2..5 => { store.exchange(a, b); }
                _ => {
                    let at = clocks[a as usize].tick(Timestamp(1_000 + i));
                    store.write(a, at, rng.below(3), i).unwrap();
                }
            }
        }
        store.split_mut().heal();
        for _ in 0..2 {
            for a in 0..4 {
                for b in 0..a {
                    store.exchange(a, b);
                }
            }
        }
        prop_assert_eq!(store.divergence(), 0);
        prop_assert_eq!(store.exchange(0, 3), 0, "nothing is left to say");
    }
}
