//! Draws from a caller's random source whose values are fixed here, whatever release of `rand` feeds them.
//!
//! *Formula:* `below(n)` = high word of a 64 × 64 bit product (bias below n / 2^64); `unit` = 53 bits.
//! *Leaves out:* rejection, since the bias cannot be seen. *Source:* D. Lemire, arXiv 1805.10941.

use rand::Rng;

/// A uniform integer in `0..n` (0 when `n` is 0).
pub(crate) fn below(rng: &mut dyn Rng, n: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(n)) >> 64) as u64
}

/// A uniform integer in `low..=high`.
pub(crate) fn between(rng: &mut dyn Rng, low: u64, high: u64) -> u64 {
    assert!(low <= high, "an empty range has no uniform draw");
    let width = u128::from(high - low) + 1;
    low + ((u128::from(rng.next_u64()) * width) >> 64) as u64
}

#[cfg(test)]
pub(crate) mod testing {
    use rand::TryRng;
    use std::convert::Infallible;

    /// SplitMix64: a small seeded source for tests.
    #[derive(Clone, Debug)]
    pub(crate) struct TestRng(pub(crate) u64);

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
}

#[cfg(test)]
mod tests {
    use super::{testing::TestRng, *};

    #[test]
    fn draws_stay_in_range_and_reach_both_ends() {
        let mut rng = TestRng(1);
        let mut seen = [false; 3];
        for _ in 0..100 {
            seen[below(&mut rng, 3) as usize] = true;
            assert!((5..=7).contains(&between(&mut rng, 5, 7)));
        }
        assert_eq!(seen, [true; 3]);
        assert_eq!(between(&mut rng, 4, 4), 4);
    }
}
