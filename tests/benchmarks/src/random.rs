//! The random numbers of the workloads, the same for every contender.
//!
//! The logarithm is that of the platform, as in the published figures; contenders share it.
//! Models: xoshiro256++ (Blackman and Vigna 2019) seeded by four outputs of splitmix64;
//! `f64 = (next >> 11) · 2⁻⁵³`; `exp(mean) = trunc(−ln(1 − f64) · mean)`; `below(n) = ((next >> 32) · n) >> 32`.

use serde::{Deserialize, Serialize};

/// A xoshiro256++ generator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Xoshiro {
    state: [u64; 4],
}

impl Xoshiro {
    /// The generator of a seed.
    pub fn new(mut seed: u64) -> Self {
        Xoshiro {
            state: std::array::from_fn(|_| splitmix(&mut seed)),
        }
    }

    /// 64 random bits.
    #[inline]
    pub fn next(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in [0, 1).
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// An exponential number of nanoseconds.
    #[inline]
    pub fn exp(&mut self, mean: f64) -> u64 {
        (-f64::ln(1.0 - self.unit()) * mean) as u64
    }

    /// An integer below `n`.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.next() >> 32) * n) >> 32
    }
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
