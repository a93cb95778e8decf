//! The decisions of a cache, one situation each.

use super::*;
use crate::cache::{Capacity, EvictionPolicy};

const MIDDLING: f64 = 0.5;

fn options() -> CacheOptions {
    CacheOptions::new(EvictionPolicy::Lru, Capacity::Entries(2))
}

fn item(version: u64) -> Item<char> {
    Item {
        version,
        bytes: 1,
        ttl_ns: 100,
        value: 'x',
    }
}

/// A cache in which key 1 was fetched from time 0 to 20, at version 1.
fn warm(options: CacheOptions) -> Cache<char> {
    let mut cache = Cache::new(options);
    let token = missed(&mut cache, 0);
    assert_eq!(cache.fill(Timestamp(20), 1, token, item(1)), Filled::Held);
    cache
}

fn missed(cache: &mut Cache<char>, at: u64) -> Token {
    match cache.lookup(Timestamp(at), 1, MIDDLING) {
        Lookup::Miss(token) => token,
        other => panic!("{other:?} where a miss is due"),
    }
}

fn hit(version: u64, age_ns: u64) -> Lookup {
    Lookup::Hit(served(version, age_ns))
}

fn served(version: u64, age_ns: u64) -> Served {
    Served {
        version,
        age_ns,
        refresh: None,
    }
}

#[test]
fn an_entry_is_fresh_for_its_lifetime() {
    let mut cache = warm(options());
    assert_eq!(cache.lookup(Timestamp(119), 1, MIDDLING), hit(1, 99));
    missed(&mut cache, 120);
    let counters = cache.counters();
    assert_eq!(
        (counters.hits, counters.misses, counters.expired),
        (1, 2, 1)
    );
}

#[test]
fn one_refreshes_while_the_others_are_served_stale() {
    let mut cache = warm(CacheOptions {
        stale_ns: 50,
        fetching: Fetching::Coalesced,
        ..options()
    });
    let Lookup::Stale(first) = cache.lookup(Timestamp(120), 1, MIDDLING) else {
        panic!("an expired entry is stale");
    };
    let second = cache.lookup(Timestamp(169), 1, MIDDLING);
    assert_eq!(second, Lookup::Stale(served(1, 149)));
    let third = cache.lookup(Timestamp(170), 1, MIDDLING);
    assert_eq!(third, Lookup::Wait(Timestamp::NEVER));
    cache.fill(Timestamp(171), 1, first.refresh.unwrap(), item(2));
    assert_eq!(cache.lookup(Timestamp(172), 1, MIDDLING), hit(2, 1));
}

/// δ = 20, so with u = 1/e the entry is fetched again 20 before it expires.
#[test]
fn early_expiry_takes_the_time_of_the_last_fetch() {
    let mut cache = warm(CacheOptions {
        early_beta: 1.0,
        ..options()
    });
    let draw = 1.0 / std::f64::consts::E;
    assert_eq!(cache.lookup(Timestamp(99), 1, draw), hit(1, 79));
    let early = cache.lookup(Timestamp(101), 1, draw);
    assert!(matches!(early, Lookup::Hit(served) if served.refresh.is_some()));
    assert_eq!(cache.lookup(Timestamp(119), 1, 1.0), hit(1, 99));
    assert_eq!(cache.counters().early_refreshes, 1);
}

#[test]
fn a_stale_set_stays_without_leases_and_is_refused_with_them() {
    for (fetching, expected) in [
        (Fetching::Coalesced, Filled::Held),
        (Fetching::Leased { interval_ns: 10 }, Filled::Rejected),
    ] {
        let mut cache = Cache::new(CacheOptions {
            fetching,
            ..options()
        });
        let token = missed(&mut cache, 0);
        cache.write(Timestamp(5), 1, item(2));
        assert_eq!(cache.fill(Timestamp(6), 1, token, item(1)), expected);
    }
}

#[test]
fn under_leases_an_invalidated_entry_is_served_stale_and_fetched_once_per_interval() {
    let mut cache = warm(CacheOptions {
        stale_ns: 50,
        fetching: Fetching::Leased { interval_ns: 40 },
        ..options()
    });
    assert!(cache.invalidate(Timestamp(30), 1) && !cache.invalidate(Timestamp(31), 1));
    let soon = cache.lookup(Timestamp(39), 1, MIDDLING);
    assert_eq!(soon, Lookup::Stale(served(1, 19)));
    let later = cache.lookup(Timestamp(40), 1, MIDDLING);
    assert!(matches!(later, Lookup::Stale(served) if served.refresh.is_some()));
    let gone = cache.lookup(Timestamp(80), 1, MIDDLING);
    assert!(matches!(gone, Lookup::Miss(_)), "{gone:?}");
}

#[test]
fn write_through_replaces_and_look_aside_invalidates() {
    for (writing, written) in [
        (Writing::Through, Written::Both),
        (Writing::Around, Written::Source),
    ] {
        let mut cache = warm(CacheOptions {
            writing,
            ..options()
        });
        assert_eq!(cache.write(Timestamp(30), 1, item(2)), written);
        let held = cache.peek(1).map(|entry| entry.version);
        assert_eq!(held, (written == Written::Both).then_some(2));
        assert_eq!(cache.next_flush_at(), None);
    }
}

#[test]
fn write_behind_merges_writes_and_flushes_after_the_interval() {
    let mut cache = warm(CacheOptions {
        writing: Writing::Behind {
            interval_ns: 500,
            limit: 9,
        },
        ..options()
    });
    cache.write(Timestamp(30), 1, item(2));
    cache.write(Timestamp(40), 1, item(3));
    assert!(!cache.invalidate(Timestamp(41), 1));
    assert_eq!(cache.lookup(Timestamp(500), 1, MIDDLING), hit(3, 460));
    assert_eq!(cache.next_flush_at(), Some(Timestamp(530)));
    assert_eq!(cache.poll_flush(Timestamp(529)), None);
    let flush = cache.poll_flush(Timestamp(530)).unwrap();
    assert_eq!((flush.version, flush.dirty_since), (3, Timestamp(30)));
    assert_eq!((cache.dirty_len(), cache.next_flush_at()), (0, None));
}

#[test]
fn what_is_evicted_or_beyond_the_limit_is_flushed_at_once() {
    let mut cache = Cache::new(CacheOptions {
        writing: Writing::Behind {
            interval_ns: 500,
            limit: 1,
        },
        ..options()
    });
    for key in 1..=3 {
        cache.write(Timestamp(key), key, item(key));
    }
    let lost: Vec<u64> = cache.dirty().map(|flush| flush.key).collect();
    assert_eq!(lost, [1, 2, 3]);
    let due = std::iter::from_fn(|| cache.poll_flush(Timestamp(3)));
    assert_eq!(due.map(|flush| flush.key).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((cache.dirty_len(), cache.counters().evicted), (1, 1));
}
