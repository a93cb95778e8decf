//! The delivery kernel: both paths give equal bits, and the latencies are those of the formula.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

use sim_core::delivery::{
    Batch, JitterTable, JitterTables, Kernel, MAX_PART_UNITS, Place, Receipts, hash32,
};
use sim_core::draw::{KeyedRng, Purpose};
use sim_core::histogram::{Histogram, MAX_UNITS, bucket_of};
use sim_core::quantile::{Distribution, QuantileTable};
use sim_core::time::SimDuration;

fn lognormal(median: SimDuration) -> JitterTable {
    let p99 = median.scaled((0.6_f64 * 2.326_347_874_040_841).exp());
    JitterTable::new(
        &QuantileTable::new(Distribution::LogNormal { median, p99 }).expect("a valid distribution"),
    )
}

fn three_classes() -> JitterTables {
    JitterTables::new(&[20, 1, 300].map(|ms| lognormal(SimDuration::from_millis(ms))))
}

fn check(rng: &mut KeyedRng, len: usize, jitter: &JitterTables) {
    let mut array = |wild: bool| -> Vec<u32> {
        (0..len)
            .map(|_| rng.draw() as u32 >> if wild { rng.draw() % 32 } else { 14 })
            .collect()
    };
    let (ids, base, floor) = (
        array(true),
        array(len.is_multiple_of(3)),
        array(len.is_multiple_of(2)),
    );
    let places: Vec<Place> = (base.iter().zip(&ids))
        .map(|(&base, &id)| Place::new(base, (id % 3) as u8))
        .collect();
    let batch = Batch {
        wait_units: rng.draw() as u32 >> (rng.draw() % 32),
        per_recipient_units_256: rng.draw() as u32 >> (rng.draw() % 32),
        message_key: rng.draw(),
        recipients: &ids,
        places: &places,
        floor_units: &floor,
    };
    let (mut plain, mut fast) = (Receipts::default(), Receipts::default());
    let (mut counted, mut counted_fast) = (Histogram::new(), Histogram::new());
    Kernel::Plain.deliver_into(&batch, jitter, &mut plain, &mut counted);
    Kernel::Avx2.deliver_into(&batch, jitter, &mut fast, &mut counted_fast);
    assert_eq!(plain, fast);
    assert_eq!(counted, counted_fast);
    let mut one_by_one = Histogram::new();
    for i in 0..len {
        let part = |units: u64| units.min(u64::from(MAX_PART_UNITS));
        let position = (i as u64 + 1) * u64::from(batch.per_recipient_units_256) / 256;
        let drawn = u64::from(jitter.sample((ids[i] % 3) as u8, hash32(batch.message_key, ids[i])));
        let base = u64::from(base[i].min(Place::MAX_BASE_UNITS));
        let free = part(batch.wait_units.into()) + part(position) + base + drawn;
        assert_eq!(u64::from(batch.position_units(i)), part(position));
        assert_eq!(u64::from(batch.downlink_units(jitter, i)), base + drawn);
        let units = free.max(if floor[i] <= MAX_UNITS {
            floor[i].into()
        } else {
            0
        }) as u32;
        assert_eq!(plain.latency_units[i], units);
        assert_eq!(plain.buckets[i] as usize, bucket_of(units));
        one_by_one.record_units(units, 1);
    }
    assert_eq!(one_by_one, counted);
}

#[test]
fn both_kernels_give_the_bits_of_the_formula() {
    if !Kernel::avx2_available() {
        eprintln!("this machine has no AVX2: only the plain kernel is tested");
    }
    let mut rng = KeyedRng::new(5, Purpose::named("test/delivery"), 0, 0);
    let jitter = three_classes();
    for len in 0..=200 {
        for _ in 0..8 {
            check(&mut rng, len, &jitter);
        }
    }
    check(&mut rng, 10_007, &jitter);
}

#[test]
fn jitter_has_the_moments_and_the_tail_of_its_distribution() {
    let jitter = three_classes();
    let n = 1_u64 << 24;
    let mut sums = [0.0_f64; 3];
    for survival in 0..n {
        let ns = f64::from(jitter.sample(0, (survival << 8) as u32)) * 128.0;
        for (power, sum) in sums.iter_mut().enumerate() {
            *sum += ns.powi(power as i32 + 1);
        }
    }
    for (power, sum) in sums.into_iter().enumerate() {
        let k = power as f64 + 1.0;
        let exact = (k * 20e6_f64.ln() + k * k * 0.36 / 2.0).exp();
        let error = sum / n as f64 / exact - 1.0;
        assert!(
            error.abs() < [2e-4, 1e-3, 5e-3][power],
            "moment {k} is off by {error}"
        );
    }
}

#[test]
fn hashes_of_neighbours_are_uniform_and_independent() {
    let key = |m: u64| sim_core::draw::mix(m + 77);
    let n = 1_u64 << 18;
    let tests: [&dyn Fn(u64) -> u32; 5] = [
        &|i| hash32(key(1), i as u32),
        &|i| hash32(key(i), 12_345),
        &|i| hash32(key(3), i as u32) ^ hash32(key(3), i as u32 + 1),
        &|i| hash32(key(i), 7) ^ hash32(key(i + 1), 7),
        &|i| hash32(key(4), i as u32) ^ hash32(key(5), i as u32),
    ];
    for (index, test) in tests.into_iter().enumerate() {
        let mut cells = vec![0_u64; 4_096];
        for i in 0..n {
            cells[(test(i) >> 20) as usize] += 1;
        }
        let expected = n as f64 / 4_096.0;
        let chi: f64 = cells
            .iter()
            .map(|&c| (c as f64 - expected).powi(2) / expected)
            .sum();
        let score = (chi - 4_095.0) / (2.0_f64 * 4_095.0).sqrt();
        assert!(score.abs() < 4.5, "test {index}: a score of {score}");
    }
}
