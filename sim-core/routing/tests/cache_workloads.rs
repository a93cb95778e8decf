//! Hit ratios of the six eviction policies (algorithms.md 3.4, concept C059): 100 000 keys, 3 million requests, of
//! which the last two thirds are counted. Each figure is printed beside the published one.
//! 162 million requests: about ten CPU-seconds.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

mod common;

use common::TestRng;
use routing::cache::{Capacity, EvictionPolicy, Store};

const KEYS: u32 = 100_000;
const REQUESTS: usize = 3_000_000;

/// In the order of the table's columns.
const POLICIES: [EvictionPolicy; 6] = [
    EvictionPolicy::Fifo,
    EvictionPolicy::Lru,
    EvictionPolicy::Lfu,
    EvictionPolicy::Sieve,
    EvictionPolicy::S3Fifo,
    EvictionPolicy::WTinyLfu,
];

/// Walker's alias table over ranks with probabilities proportional to 1 / rank^exponent.
struct Zipf {
    accept: Vec<f64>,
    alias: Vec<u32>,
    weights: Vec<f64>,
}

impl Zipf {
    fn new(exponent: f64) -> Self {
        let weights: Vec<f64> = (1..=KEYS)
            .map(|rank| f64::from(rank).powf(-exponent))
            .collect();
        let scale = f64::from(KEYS) / weights.iter().sum::<f64>();
        let mut accept: Vec<f64> = weights.iter().map(|w| w * scale).collect();
        let mut alias: Vec<u32> = (0..KEYS).collect();
        let (mut small, mut large): (Vec<u32>, Vec<u32>) =
            (0..KEYS).partition(|&i| accept[i as usize] < 1.0);
        while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
            alias[low as usize] = high;
            accept[high as usize] -= 1.0 - accept[low as usize];
            if accept[high as usize] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        Self {
            accept,
            alias,
            weights,
        }
    }

    fn draw(&self, rng: &mut TestRng) -> u32 {
        let cell = rng.below(u64::from(KEYS)) as usize;
        if rng.unit() < self.accept[cell] {
            cell as u32
        } else {
            self.alias[cell]
        }
    }

    /// The share of requests for the `capacity` most popular keys.
    fn ideal(&self, capacity: u32) -> f64 {
        let top: f64 = self.weights[..capacity as usize].iter().sum();
        top / self.weights.iter().sum::<f64>()
    }
}

fn hit_ratio(policy: EvictionPolicy, capacity: u32, trace: &[u32]) -> f64 {
    let mut store = Store::new(policy, Capacity::Entries(capacity));
    let mut evicted = Vec::new();
    let (mut hits, mut counted) = (0u32, 0u32);
    for (i, &key) in trace.iter().enumerate() {
        let hit = store.get(u64::from(key)).is_some();
        if !hit {
            assert!(store.put(u64::from(key), 1, (), &mut evicted).is_ok());
            evicted.clear();
        }
        if i >= REQUESTS / 3 && key < KEYS {
            counted += 1;
            hits += u32::from(hit);
        }
    }
    f64::from(hits) / f64::from(counted)
}

/// FIFO, LRU, LFU, SIEVE, S3-FIFO, W-TinyLFU.
type Row = [f64; 6];

/// Measures a workload, prints it beside the published row and compares within `tolerance`.
fn measure(workload: &str, capacity: u32, trace: &[u32], published: Row, tolerance: Row) -> Row {
    let found = POLICIES.map(|policy| hit_ratio(policy, capacity, trace));
    println!("{workload}\n  measured  {found:.3?}\n  published {published:.3?}");
    for i in 0..POLICIES.len() {
        assert!(
            (found[i] - published[i]).abs() <= tolerance[i],
            "{workload}, {:?}: {:.3} for {:.3}",
            POLICIES[i],
            found[i],
            published[i]
        );
    }
    found
}

fn stationary(exponent: f64, capacity: u32, ideal: f64, published: Row) {
    let zipf = Zipf::new(exponent);
    let mut rng = TestRng(1);
    let trace: Vec<u32> = (0..REQUESTS).map(|_| zipf.draw(&mut rng)).collect();
    let best = zipf.ideal(capacity);
    let name = format!("Zipf {exponent}, {capacity} entries: ideal {best:.3}, published {ideal}");
    let found = measure(&name, capacity, &trace, published, [0.01; 6]);
    assert!((best - ideal).abs() < 0.001, "{name}");
    let [fifo, lru, _, modern @ ..] = found;
    for ratio in modern {
        assert!(
            fifo < lru && lru < ratio && ratio <= best,
            "{name}: {found:?}"
        );
    }
}

#[test]
fn mild_skew() {
    stationary(
        0.7,
        1_000,
        0.231,
        [0.095, 0.109, 0.194, 0.207, 0.210, 0.207],
    );
    stationary(
        0.7,
        10_000,
        0.488,
        [0.315, 0.348, 0.428, 0.434, 0.443, 0.453],
    );
    stationary(
        0.9,
        1_000,
        0.474,
        [0.307, 0.342, 0.444, 0.460, 0.453, 0.450],
    );
    stationary(
        0.9,
        10_000,
        0.707,
        [0.564, 0.606, 0.672, 0.674, 0.677, 0.681],
    );
}

#[test]
fn strong_skew() {
    stationary(
        1.0,
        1_000,
        0.619,
        [0.465, 0.506, 0.596, 0.607, 0.600, 0.598],
    );
    stationary(
        1.0,
        10_000,
        0.810,
        [0.701, 0.738, 0.786, 0.787, 0.789, 0.790],
    );
    stationary(
        1.1,
        10_000,
        0.890,
        [0.818, 0.845, 0.876, 0.876, 0.877, 0.876],
    );
}

/// Every fourth request is for a key of its own; the ratio is that of the other three.
#[test]
fn a_scan_passes_through_the_modern_policies() {
    let (zipf, mut rng) = (Zipf::new(1.0), TestRng(1));
    let request = |i| match i % 4 {
        0 => KEYS + i as u32,
        _ => zipf.draw(&mut rng),
    };
    let trace: Vec<u32> = (0..REQUESTS).map(request).collect();
    let published = [0.568, 0.611, 0.728, 0.728, 0.735, 0.730];
    let name = "Zipf 1.0, 5 000 entries, 25 % one-hit scan";
    let [fifo, lru, _, modern @ ..] = measure(name, 5_000, &trace, published, [0.01; 6]);
    assert!(fifo < lru && modern.iter().all(|&ratio| ratio > lru + 0.1));
}

/// The figures vary by 0.01 between seeds, those of SIEVE and W-TinyLFU most.
///
/// LFU is 0.22 ± 0.01 here over seeds, whatever breaks its ties, and equals a naive model; the published 0.316 comes
/// from an LFU or a shift that the table does not describe (0.28 to 0.33 if ties go by key and popular keys have
/// low or neighbouring numbers). What the table asserts, that it collapses below half of LRU, holds.
#[test]
fn after_a_shift_lfu_collapses_and_sieve_falls_below_lru() {
    let (zipf, mut rng) = (Zipf::new(1.0), TestRng(1));
    let mut key_of_rank: Vec<u32> = (0..KEYS).collect();
    let mut trace = Vec::with_capacity(REQUESTS);
    for i in 0..REQUESTS {
        if i % 300_000 == 0 {
            shuffle(&mut key_of_rank, &mut rng);
        }
        trace.push(key_of_rank[zipf.draw(&mut rng) as usize]);
    }
    let published = [0.625, 0.663, 0.316, 0.634, 0.705, 0.690];
    let tolerance = [0.01, 0.01, f64::INFINITY, 0.02, 0.01, 0.02];
    let name = "Zipf 1.0, 5 000 entries, popularity reshuffled every 300 K";
    let [fifo, lru, lfu, sieve, s3_fifo, tiny_lfu] =
        measure(name, 5_000, &trace, published, tolerance);
    assert!((lfu - 0.22).abs() <= 0.02, "LFU: {lfu:.3}");
    assert!(lfu < lru / 2.0 && fifo < sieve && sieve < lru);
    assert!(lru < tiny_lfu && tiny_lfu < s3_fifo);
}

fn shuffle(items: &mut [u32], rng: &mut TestRng) {
    for i in (1..items.len()).rev() {
        items.swap(i, rng.below(i as u64 + 1) as usize);
    }
}
