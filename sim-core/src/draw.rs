//! Counter-based random draws that belong to the operation, not to a shared stream.
//!
//! Models: every draw is a function of (seed, purpose, entity, ordinal) alone, so an edited
//! component never shifts another's draws and two designs under one seed meet the same luck.
//! With `mix` the 64-bit finaliser "moremur" (Pelle Evensen 2019, a stronger murmur3 finaliser):
//!
//! ```text
//! key   = mix(mix(seed + φ) ^ purpose)
//! inner = round(key ^ entity · C₁)            one xor-shift and multiply, a bijection
//! draw  = mix(inner + ordinal · φ)            φ = 2⁶⁴ / golden ratio, as in splitmix64
//! ```
//!
//! For a fixed entity the draw is a bijection of the ordinal, and the reverse; two entities are two
//! starting points of the splitmix64 sequence, scattered over 2⁶⁴. Tests cover uniformity, neighbouring keys and avalanche.
//! Leaves out: cryptographic strength; `below(n)` carries the bias n / 2⁶⁴ of a plain multiplication.

use std::convert::Infallible;

use rand::TryRng;

use crate::time::SimDuration;

const PHI: u64 = 0x9e37_79b9_7f4a_7c15;
const ENTITY: u64 = 0xd1b5_4a32_d192_ed03;
const INNER: u64 = 0xaef1_7502_108e_f2d9;

/// What a draw is for: the stable hash of a name such as `"publish/arrival"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purpose(u64);

impl Purpose {
    /// The purpose of this name. Names are compared by a 64-bit hash and never change meaning.
    pub const fn named(name: &str) -> Self {
        let bytes = name.as_bytes();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut index = 0;
        while index < bytes.len() {
            hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            index += 1;
        }
        Purpose(mix(hash))
    }

    /// A purpose within this one, for example one per named component.
    pub const fn within(self, name: &str) -> Self {
        Purpose(mix(self.0.wrapping_add(Purpose::named(name).0)))
    }
}

/// The draws of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    key: u64,
}

impl Draws {
    /// The draws of `seed`.
    pub const fn new(seed: u64) -> Self {
        Draws {
            key: mix(seed.wrapping_add(PHI)),
        }
    }

    /// 64 random bits.
    #[inline]
    pub const fn u64(&self, purpose: Purpose, entity: u64, ordinal: u64) -> u64 {
        mix(self
            .start(purpose, entity)
            .wrapping_add(ordinal.wrapping_mul(PHI)))
    }

    /// 32 random bits.
    #[inline]
    pub const fn u32(&self, purpose: Purpose, entity: u64, ordinal: u64) -> u32 {
        (self.u64(purpose, entity, ordinal) >> 32) as u32
    }

    /// A number in [0, 1), a multiple of 2⁻⁵³.
    #[inline]
    pub fn unit_f64(&self, purpose: Purpose, entity: u64, ordinal: u64) -> f64 {
        unit(self.u64(purpose, entity, ordinal))
    }

    /// An integer in `0..n`. Panics if `n` is zero.
    #[inline]
    pub fn below(&self, purpose: Purpose, entity: u64, ordinal: u64, n: u64) -> u64 {
        assert!(n > 0, "nothing is below zero");
        ((u128::from(self.u64(purpose, entity, ordinal)) * u128::from(n)) >> 64) as u64
    }

    /// Whether something of probability `p` happens.
    #[inline]
    pub fn chance(&self, purpose: Purpose, entity: u64, ordinal: u64, p: f64) -> bool {
        self.unit_f64(purpose, entity, ordinal) < p
    }

    /// An exponential span of the given mean, truncated to whole nanoseconds; at most 36.7 means.
    #[inline]
    pub fn exp(
        &self,
        purpose: Purpose,
        entity: u64,
        ordinal: u64,
        mean: SimDuration,
    ) -> SimDuration {
        mean.scaled(-libm::log(1.0 - self.unit_f64(purpose, entity, ordinal)))
    }

    /// A standard normal number, by inversion of one draw.
    #[inline]
    pub fn normal(&self, purpose: Purpose, entity: u64, ordinal: u64) -> f64 {
        normal_quantile(open_unit(self.u64(purpose, entity, ordinal)))
    }

    /// A generator of many numbers for this one operation, for library code.
    #[inline]
    pub const fn rng(&self, purpose: Purpose, entity: u64, ordinal: u64) -> KeyedRng {
        KeyedRng {
            state: self.u64(purpose, entity, ordinal),
        }
    }

    #[inline]
    const fn start(&self, purpose: Purpose, entity: u64) -> u64 {
        let key = mix(self.key ^ purpose.0);
        let x = key ^ entity.wrapping_mul(ENTITY);
        let x = (x ^ x >> 32).wrapping_mul(INNER);
        x ^ x >> 29
    }
}

/// A splitmix64 sequence (with the stronger finaliser) that starts at a keyed draw; implements the
/// core trait of `rand`, so that library code can draw as many numbers as it likes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRng {
    state: u64,
}

impl KeyedRng {
    /// The generator of one operation.
    pub const fn new(seed: u64, purpose: Purpose, entity: u64, ordinal: u64) -> Self {
        Draws::new(seed).rng(purpose, entity, ordinal)
    }

    /// The next 64 random bits.
    #[inline]
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(PHI);
        mix(self.state)
    }
}

impl TryRng for KeyedRng {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.draw() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.draw())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.draw().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

/// The finaliser: a bijection of 64 bits in which every input bit flips every output bit with
/// probability one half.
#[inline]
pub const fn mix(x: u64) -> u64 {
    let x = (x ^ x >> 27).wrapping_mul(0x3c79_ac49_2ba7_b653);
    let x = (x ^ x >> 33).wrapping_mul(0x1c69_b3f7_4ac4_ae35);
    x ^ x >> 27
}

/// 64 bits as a number in [0, 1).
#[inline]
pub fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

/// 64 bits as a number in (0, 1), symmetric about one half.
#[inline]
pub fn open_unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
}

/// The number below which a standard normal number lies with probability `p`, to 16 digits.
/// Minus and plus infinity at 0 and 1. Source: Wichura 1988, algorithm AS 241 (PPND16).
pub fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * polynomial(&CENTRE_OVER, r) / polynomial(&CENTRE_UNDER, r);
    }
    normal_tail_quantile(if q < 0.0 { p } else { 1.0 - p }) * q.signum()
}

/// The number that a standard normal number exceeds with probability `s`, for `s` up to 0.075.
fn normal_tail_quantile(s: f64) -> f64 {
    let r = libm::sqrt(-libm::log(s));
    if r <= 5.0 {
        polynomial(&MIDDLE_OVER, r - 1.6) / polynomial(&MIDDLE_UNDER, r - 1.6)
    } else {
        polynomial(&TAIL_OVER, r - 5.0) / polynomial(&TAIL_UNDER, r - 5.0)
    }
}

/// The number that a standard normal number exceeds with probability `s`; exact for tiny `s`.
pub fn normal_survival_quantile(s: f64) -> f64 {
    if s <= 0.0 {
        f64::INFINITY
    } else if s < 0.075 {
        normal_tail_quantile(s)
    } else {
        -normal_quantile(s)
    }
}

/// Coefficients from the constant upwards.
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

const CENTRE_OVER: [f64; 8] = [
    3.387_132_872_796_366_5,
    1.331_416_678_917_843_8e2,
    1.971_590_950_306_551_3e3,
    1.373_169_376_550_946e4,
    4.592_195_393_154_987e4,
    6.726_577_092_700_87e4,
    3.343_057_558_358_813e4,
    2.509_080_928_730_122_7e3,
];
const CENTRE_UNDER: [f64; 8] = [
    1.0,
    4.231_333_070_160_091e1,
    6.871_870_074_920_579e2,
    5.394_196_021_424_751e3,
    2.121_379_430_158_659_7e4,
    3.930_789_580_009_271e4,
    2.872_908_573_572_194_3e4,
    5.226_495_278_852_854e3,
];
const MIDDLE_OVER: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    2.417_807_251_774_506e-1,
    2.272_384_498_926_918_4e-2,
    7.745_450_142_783_414e-4,
];
const MIDDLE_UNDER: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    6.897_673_349_851e-1,
    1.481_039_764_274_800_8e-1,
    1.519_866_656_361_645_7e-2,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const TAIL_OVER: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    2.965_605_718_285_048_7e-1,
    2.653_218_952_657_612_4e-2,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const TAIL_UNDER: [f64; 8] = [
    1.0,
    5.998_322_065_558_88e-1,
    1.369_298_809_227_358e-1,
    1.487_536_129_085_061_5e-2,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];
