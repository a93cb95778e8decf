//! A seeded random source for the tests of this crate: SplitMix64.
#![allow(dead_code, reason = "each test file uses its own part")]

use rand::{Rng, TryRng};
use std::convert::Infallible;

#[derive(Clone, Debug)]
pub struct TestRng(pub u64);

impl TryRng for TestRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|x| (x >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            *byte = self.try_next_u64()? as u8;
        }
        Ok(())
    }
}

impl TestRng {
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Largest over mean.
pub fn peak(loads: &[u32]) -> f64 {
    let mean = loads.iter().map(|&load| f64::from(load)).sum::<f64>() / loads.len() as f64;
    loads.iter().copied().max().map_or(0.0, f64::from) / mean
}

/// Whether `value` is within `percent` of `expected`.
pub fn near(value: f64, expected: f64, percent: f64) -> bool {
    (value - expected).abs() <= expected.abs() * percent / 100.0
}

/// A configuration of proptest that writes no files.
pub fn proptest_config(cases: u32) -> proptest::prelude::ProptestConfig {
    proptest::prelude::ProptestConfig {
        cases,
        failure_persistence: None,
        ..Default::default()
    }
}
