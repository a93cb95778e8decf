//! Draws, quantile tables and histograms: sound, exact where they claim it, reversible.

#![allow(
    clippy::disallowed_methods,
    reason = "tests read fixtures and compare with the platform's own functions"
)]

use proptest::prelude::*;
use rand::Rng;
use sim_core::draw::{Draws, KeyedRng, Purpose, normal_quantile};
use sim_core::histogram::{CauseHistogram, Histogram, UNIT_NS, bucket_low, bucket_of};
use sim_core::quantile::{Distribution, QuantileTable};
use sim_core::time::SimDuration;

const A: Purpose = Purpose::named("test/a");
const B: Purpose = Purpose::named("test/b");

/// Pearson's statistic of `n` draws in 256 cells, as a normal score.
fn chi_square_score(n: u64, draw: impl Fn(u64) -> u8) -> f64 {
    let mut cells = [0_u64; 256];
    for i in 0..n {
        cells[draw(i) as usize] += 1;
    }
    let expected = n as f64 / 256.0;
    let chi: f64 = cells
        .iter()
        .map(|&c| (c as f64 - expected).powi(2) / expected)
        .sum();
    (chi - 255.0) / (2.0_f64 * 255.0).sqrt()
}

#[test]
fn every_byte_is_uniform_along_every_axis() {
    let draws = Draws::new(1);
    let n = 200_000;
    let mut worst = 0.0_f64;
    for byte in 0..8 {
        let byte_of = |bits: u64| (bits >> (8 * byte)) as u8;
        let scores = [
            chi_square_score(n, |i| byte_of(draws.u64(A, 5, i))),
            chi_square_score(n, |i| byte_of(draws.u64(A, i, 5))),
            chi_square_score(n, |i| byte_of(draws.u64(A, i, i))),
            chi_square_score(n, |i| byte_of(Draws::new(i).u64(A, 5, 5))),
            chi_square_score(n, |i| byte_of(draws.u64(A, i << 32, 0))),
            chi_square_score(n, |i| byte_of(draws.u64(A, 0, i << 40))),
            // Pairs of neighbours.
            chi_square_score(n, |i| byte_of(draws.u64(A, i, 0) ^ draws.u64(A, i + 1, 0))),
            chi_square_score(n, |i| byte_of(draws.u64(A, 0, i) ^ draws.u64(A, 0, i + 1))),
            chi_square_score(n, |i| byte_of(draws.u64(A, i, 0) ^ draws.u64(A, i, 1))),
            chi_square_score(n, |i| byte_of(draws.u64(A, i, 0) ^ draws.u64(B, i, 0))),
            chi_square_score(n, |i| {
                byte_of(draws.u64(A, i, 1).wrapping_sub(draws.u64(A, 1, i)))
            }),
        ];
        worst = scores.into_iter().map(f64::abs).fold(worst, f64::max);
    }
    assert!(worst < 4.5, "a score of {worst}");
}

#[test]
fn every_bit_of_the_key_flips_every_bit_half_the_time() {
    const TRIALS: u64 = 4_000;
    let mut worst = 0.0_f64;
    for axis in 0..3 {
        for bit in 0..64 {
            let mut flips = [0_u32; 64];
            for trial in 0..TRIALS {
                let key = [trial * 3, trial * 5 + 1, trial * 7 + 2];
                let mut near = key;
                near[axis] ^= 1 << bit;
                let draw =
                    |[seed, entity, ordinal]: [u64; 3]| Draws::new(seed).u64(A, entity, ordinal);
                let changed = draw(key) ^ draw(near);
                for (out, count) in flips.iter_mut().enumerate() {
                    *count += (changed >> out & 1) as u32;
                }
            }
            for count in flips {
                worst = worst.max((f64::from(count) / TRIALS as f64 - 0.5).abs());
            }
        }
    }
    // 12 288 binomials of standard deviation 0.0079: five of those.
    assert!(
        worst < 0.04,
        "a bit flips with probability one half ± {worst}"
    );
}

#[test]
fn neighbouring_streams_do_not_correlate() {
    let draws = Draws::new(9);
    let n = 400_000;
    for (da, db) in [
        ((1, 0), (0, 0)),
        ((0, 1), (0, 0)),
        ((1, 1), (0, 0)),
        ((0, 0), (1 << 20, 0)),
    ] {
        let sum: f64 = (0..n)
            .map(|i| {
                let x = draws.unit_f64(A, i + da.0, da.1) - 0.5;
                let y = draws.unit_f64(A, i + db.0, db.1) - 0.5;
                x * y * 12.0
            })
            .sum();
        assert!(
            (sum / (n as f64).sqrt()).abs() < 4.0,
            "correlation between {da:?} and {db:?}"
        );
    }
}

#[test]
fn draws_have_the_moments_they_promise() {
    let draws = Draws::new(4);
    let n = 300_000_u64;
    let mean = SimDuration::from_millis(3);
    let sum: u64 = (0..n).map(|i| draws.exp(A, 0, i, mean).as_nanos()).sum();
    assert!((sum as f64 / n as f64 / 3e6 - 1.0).abs() < 0.01);
    let normals: Vec<f64> = (0..n).map(|i| draws.normal(A, i, 0)).collect();
    let m1 = normals.iter().sum::<f64>() / n as f64;
    let m2 = normals.iter().map(|z| z * z).sum::<f64>() / n as f64;
    let m4 = normals.iter().map(|z| z.powi(4)).sum::<f64>() / n as f64;
    assert!(m1.abs() < 0.01 && (m2 - 1.0).abs() < 0.01 && (m4 - 3.0).abs() < 0.1);
    let below: u64 = (0..n).map(|i| draws.below(A, i, 3, 10)).sum();
    assert!((below as f64 / n as f64 - 4.5).abs() < 0.03);
}

#[test]
fn the_normal_quantile_is_the_published_one() {
    for (p, z) in [
        (0.5, 0.0),
        (0.975, 1.959_963_984_540_054),
        (0.99, 2.326_347_874_040_841),
    ] {
        assert!((normal_quantile(p) - z).abs() < 1e-14);
        assert!((normal_quantile(1.0 - p) + z).abs() < 1e-13);
    }
    assert!((normal_quantile(1e-10) + 6.361_340_902_404_056).abs() < 1e-12);
}

#[test]
fn a_keyed_generator_serves_library_code() {
    let mut rng = KeyedRng::new(1, A, 2, 3);
    let mut same = KeyedRng::new(1, A, 2, 3);
    let mut bytes = [0; 13];
    rng.fill_bytes(&mut bytes);
    assert_eq!(bytes[..8], same.next_u64().to_le_bytes());
    assert_ne!(rng.next_u32(), KeyedRng::new(1, A, 2, 4).next_u32());
}

/// The first three moments about zero of all that a table can give, by its cells' stratified bits.
fn table_moments(table: &QuantileTable) -> [f64; 3] {
    let mut sums = [0.0; 3];
    let strata = 1_u64 << 22;
    let width = (1_u64 << 32) / strata;
    let mut weigh = |bits: u64, weight: f64| {
        let x = table.sample(bits as u32).as_nanos() as f64;
        for (power, sum) in sums.iter_mut().enumerate() {
            *sum += weight * x.powi(power as i32 + 1);
        }
    };
    for stratum in 0..strata - 1 {
        weigh(stratum * width + width / 2, width as f64);
    }
    for bits in (strata - 1) * width..1 << 32 {
        weigh(bits, 1.0);
    }
    sums.map(|sum| sum / (1_u64 << 32) as f64)
}

#[test]
fn tables_have_the_exact_moments() {
    let ms = SimDuration::from_millis;
    let sigma = (200.0_f64 / 20.0).ln() / 2.326_347_874_040_841;
    let lognormal =
        [1.0, 2.0, 3.0].map(|k: f64| (k * 20e6_f64.ln() + k * k * sigma * sigma / 2.0).exp());
    let cases = [
        (
            Distribution::Exponential { mean: ms(5) },
            [5e6, 2.0 * 5e6_f64.powi(2), 6.0 * 5e6_f64.powi(3)],
        ),
        (
            Distribution::LogNormal {
                median: ms(20),
                p99: ms(200),
            },
            lognormal,
        ),
        (
            Distribution::Constant(ms(7)),
            [7e6, 7e6_f64.powi(2), 7e6_f64.powi(3)],
        ),
        (
            Distribution::Uniform {
                min: ms(2),
                max: ms(6),
            },
            [
                4e6,
                (6e6_f64.powi(3) - 2e6_f64.powi(3)) / 12e6,
                (6e6_f64.powi(4) - 2e6_f64.powi(4)) / 16e6,
            ],
        ),
    ];
    for (distribution, exact) in cases {
        let table = QuantileTable::new(distribution).unwrap();
        for (power, (moment, exact)) in table_moments(&table).into_iter().zip(exact).enumerate() {
            let error = moment / exact - 1.0;
            let allowed = [2e-4, 5e-4, 4e-3][power];
            assert!(
                error.abs() < allowed,
                "{distribution:?}: moment {} is off by {error}",
                power + 1
            );
        }
        assert!((table.mean().as_nanos() as f64 / exact[0] - 1.0).abs() < 2e-4);
    }
}

#[test]
fn tables_rise_and_meet_their_percentiles() {
    let ms = SimDuration::from_millis;
    let table = QuantileTable::new(Distribution::Percentiles {
        min: Some(ms(2)),
        p50: ms(20),
        p95: ms(60),
        p99: ms(300),
    })
    .unwrap();
    for (p, expected) in [(0.5, 20e6), (0.95, 60e6), (0.99, 300e6)] {
        let bits = (p * 4_294_967_296.0) as u32;
        assert!((table.sample(bits).as_nanos() as f64 / expected - 1.0).abs() < 4e-3);
        assert!((table.quantile(p).as_nanos() as f64 / expected - 1.0).abs() < 1e-6);
    }
    assert_eq!(table.sample(0), ms(2));
    let mut last = SimDuration::ZERO;
    for bits in (0..u32::MAX - 1_000)
        .step_by(65_521)
        .chain(u32::MAX - 1_000..=u32::MAX)
    {
        assert!(table.sample(bits) >= last);
        last = table.sample(bits);
    }
    assert!(last > ms(3_000), "the tail goes on beyond p99.97");
    let swapped = Distribution::LogNormal {
        median: ms(9),
        p99: ms(8),
    };
    assert!(QuantileTable::new(swapped).is_err());
}

#[test]
fn buckets_tile_the_units() {
    let mut last = 0;
    for units in (1..100_000).chain((0..31).flat_map(|b| [(1 << b) - 1, 1 << b, (1_u32 << b) + 1]))
    {
        let units: u32 = units;
        let bucket = bucket_of(units);
        assert!(bucket_low(bucket) <= u64::from(units.max(1)));
        assert!(u64::from(units) < bucket_low(bucket + 1));
        let width = bucket_low(bucket + 1) - bucket_low(bucket);
        assert!(width <= 1 || width as f64 <= bucket_low(bucket) as f64 * 0.008);
        last = last.max(bucket);
    }
    assert!(last < sim_core::histogram::BUCKETS);
}

fn span(units: u64) -> SimDuration {
    SimDuration::from_nanos(units * UNIT_NS)
}

fn histogram_of(units: &[u64]) -> Histogram {
    let mut histogram = Histogram::new();
    for &units in units {
        histogram.record(span(units));
    }
    histogram
}

fn latencies() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec((0_u32..31).prop_flat_map(|bits| 0..1_u64 << bits), 1..200)
}

proptest! {
    #[test]
    fn merging_is_associative_and_removing_inverts(
        a in latencies(), b in latencies(), c in latencies()
    ) {
        let [ha, hb, hc] = [&a, &b, &c].map(|units| histogram_of(units));
        let mut left = ha.clone();
        left.merge(&hb);
        left.merge(&hc);
        let mut right = hb.clone();
        right.merge(&hc);
        right.merge(&ha);
        prop_assert_eq!(&left, &right);
        for &units in &b {
            left.remove(span(units));
        }
        left.subtract(&hc);
        prop_assert_eq!(left, ha);
    }

    #[test]
    fn quantiles_are_within_a_bucket(mut units in latencies(), p in 0.0_f64..=1.0) {
        let histogram = histogram_of(&units);
        units.sort_unstable();
        let rank = ((p * units.len() as f64).ceil() as usize).clamp(1, units.len());
        let exact = units[rank - 1] as f64;
        let read = histogram.quantile(p).unwrap().as_nanos() as f64 / UNIT_NS as f64;
        prop_assert!((read - exact).abs() <= (exact * 0.008).max(1.0), "{read} for {exact}");
        let mean = units.iter().sum::<u64>() as f64 / units.len() as f64;
        let read = histogram.mean().unwrap().as_nanos() as f64 / UNIT_NS as f64;
        prop_assert!((read - mean).abs() <= 0.01);
    }

    #[test]
    fn causes_add_up(causes in prop::collection::vec([0_u64..9_000_000, 0..40_000_000, 0..1_000], 1..300), p in 0.0_f64..1.0) {
        let mut histogram = CauseHistogram::new();
        for &parts in &causes {
            histogram.record(parts.map(SimDuration::from_nanos));
        }
        let mut totals: Vec<u64> = causes.iter().map(|parts| parts.iter().sum()).collect();
        let mean = totals.iter().sum::<u64>() as f64 / totals.len() as f64;
        let read: f64 = histogram.breakdown_mean().iter().sum();
        prop_assert!((read - mean).abs() < 1e-6 * mean.max(1.0));
        totals.sort_unstable_by(|a, b| b.cmp(a));
        let slowest = (((1.0 - p) * totals.len() as f64).ceil() as usize).max(1);
        let exact = totals[..slowest].iter().sum::<u64>() as f64 / slowest as f64;
        let read: f64 = histogram.breakdown_above(p).iter().sum();
        prop_assert!((read / exact - 1.0).abs() < 0.065, "{read} for {exact}");
        let full = histogram.clone();
        let mut half = CauseHistogram::new();
        for &parts in &causes[..causes.len() / 2] {
            half.record(parts.map(SimDuration::from_nanos));
            histogram.remove(parts.map(SimDuration::from_nanos));
        }
        let mut rest = full.clone();
        rest.subtract(&half);
        prop_assert_eq!(&rest, &histogram);
        rest.merge(&half);
        prop_assert_eq!(rest, full);
    }
}
