//! A hot key expires (algorithms.md 3.4, concept C093): lifetime 30 s, each rebuild 0.3 to 0.5 s, Poisson requests.
//! How many rebuilds per expiry (per 30 s), and what share of the requests waits. Each figure is printed beside the
//! published one. Some 120 million lookups: about five CPU-seconds.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

mod common;

use common::{TestRng, near};
use routing::Timestamp;
use routing::cache::{
    Cache, CacheOptions, Capacity, EvictionPolicy, Fetching, Item, Lookup, Token,
};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const SECOND: u64 = 1_000_000_000;
const TTL: u64 = 30 * SECOND;
const KEY: u64 = 7;

const ITEM: Item<()> = Item {
    version: 1,
    bytes: 1,
    ttl_ns: TTL,
    value: (),
};

#[derive(Clone, Copy, Debug)]
struct Stampede {
    per_expiry: f64,
    /// Requests that wait, in percent.
    blocked: f64,
}

fn unprotected() -> CacheOptions {
    CacheOptions::new(EvictionPolicy::Lru, Capacity::Entries(1))
}

fn coalescing() -> CacheOptions {
    CacheOptions {
        fetching: Fetching::Coalesced,
        ..unprotected()
    }
}

fn xfetch() -> CacheOptions {
    CacheOptions {
        early_beta: 1.0,
        ..unprotected()
    }
}

/// From a warm cache on, for as long as `expiries` lifetimes.
fn stampede(options: CacheOptions, per_s: f64, expiries: u64) -> Stampede {
    let mut cache = Cache::new(options);
    let mut rng = TestRng(1);
    let mut rebuilds: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut tokens: Vec<Token> = Vec::new();
    let (mut now, mut blocked, mut lookups) = (0, 0u64, 0u64);
    warm(&mut cache);
    while now < expiries * TTL {
        now += (-(1.0 - rng.unit()).ln() / per_s * 1e9) as u64;
        while let Some(&Reverse((at, number))) = rebuilds.peek()
            && at <= now
        {
            rebuilds.pop();
            cache.fill(Timestamp(at), KEY, tokens[number], ITEM);
        }
        let (token, waits) = match cache.lookup(Timestamp(now), KEY, 1.0 - rng.unit()) {
            Lookup::Hit(served) | Lookup::Stale(served) => (served.refresh, false),
            Lookup::Miss(token) => (Some(token), true),
            Lookup::Wait(_) => (None, true),
        };
        if let Some(token) = token {
            let took = 3 * SECOND / 10 + rng.below(SECOND / 5);
            rebuilds.push(Reverse((now + took, tokens.len())));
            tokens.push(token);
        }
        lookups += 1;
        blocked += u64::from(waits);
    }
    Stampede {
        per_expiry: tokens.len() as f64 / expiries as f64,
        blocked: 100.0 * blocked as f64 / lookups as f64,
    }
}

/// A first fill that took 0.4 s and is as old as the run.
fn warm(cache: &mut Cache<()>) {
    if let Lookup::Miss(token) = cache.lookup(Timestamp::ZERO, KEY, 1.0) {
        cache.fill(Timestamp(4 * SECOND / 10), KEY, token, ITEM);
    }
}

/// Requests per second.
const RATES: [f64; 4] = [10.0, 100.0, 1_000.0, 10_000.0];

/// Runs long enough that the standard errors are below 2 %, without early expiry and with it.
const STEADY: [u64; 4] = [1_000, 200, 60, 30];
const SCATTERED: [u64; 4] = [5_000, 2_000, 1_000, 200];

/// All rates: rebuilds per expiry within `tolerance` percent of the published ones.
fn check(
    name: &str,
    options: CacheOptions,
    expiries: [u64; 4],
    published: [f64; 4],
    tolerance: f64,
) -> [Stampede; 4] {
    std::array::from_fn(|i| {
        let (per_s, published) = (RATES[i], published[i]);
        let found = stampede(options, per_s, expiries[i]);
        println!("{name}, {per_s} req/s, published {published}: {found:.4?}");
        assert!(
            near(found.per_expiry, published, tolerance),
            "{name}: {} for {published}",
            found.per_expiry
        );
        found
    })
}

#[test]
fn without_protection_everyone_rebuilds() {
    let published = [4.7, 36.0, 307.0, 2_962.0];
    let found = check("none", unprotected(), STEADY, published, 5.0);
    assert!(found[1..].iter().all(|f| near(f.blocked, 1.0, 20.0)));
}

#[test]
fn coalescing_rebuilds_once() {
    let found = check("coalescing", coalescing(), STEADY, [0.98; 4], 2.0);
    assert!(found[1..].iter().all(|f| near(f.blocked, 1.3, 8.0)));
}

/// A rebuild of length δ begins as the rate λ of requests times the chance of each, e^(−x/δ) at x before expiry, has
/// summed to 1, so about δ ln λδ early; e of them begin before the first ends: e · 30 / (30 − δ ln λδ) per 30 s, or
/// 2.9, 2.9 and 3.1 at 100, 1 000 and 10 000 req/s. The published ones scatter about that as some hundred expiries do.
#[test]
fn early_expiry_rebuilds_a_few_times_and_nobody_waits() {
    let published = [2.3, 2.7, 2.9, 3.2];
    let found = check("XFetch", xfetch(), SCATTERED, published, 12.0);
    assert!(found[1..].iter().all(|f| f.blocked < 0.000_5));
    assert!(found.iter().all(|f| f.per_expiry <= 4.0));
}

#[test]
fn early_expiry_coalesced_is_one_rebuild_that_nobody_waits_for() {
    let both = CacheOptions {
        early_beta: 1.0,
        ..coalescing()
    };
    let found = stampede(both, 1_000.0, 200);
    println!("both, 1000 req/s: {found:?}");
    assert!(near(found.per_expiry, 30.0 / 27.6, 5.0) && found.blocked < 0.01);
}
