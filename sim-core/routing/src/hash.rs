//! The one placement hash: seeded XXH3 with 64 bits.
//!
//! *Models:* `h(seed, bytes)`, uniform over 64 bits. Every ring point, rendezvous weight, jump bucket and
//! cohort comes from here, so its answers decide where keys live: they are pinned by the golden vectors in
//! the tests below and never change. (`std`'s `DefaultHasher` is unspecified across releases and so unfit.)
//! *Why XXH3:* it is specified, seeded, passes SMHasher, needs no tables and takes about 2 ns for 8 bytes;
//! SipHash costs five times that and guards against floods that dense interned ids cannot mount; FNV and
//! murmur2 mix short integer keys too poorly for a ring with one point per node.
//! Numbers are hashed under a *scrambled* seed: XXH3 combines seed and short input by xor and addition, so that
//! under the raw seeds 0, 1, 2 … dense ids would hash to nearly the same set of values in another order, and
//! rings of neighbouring seeds would share their points (a test of ring imbalance over seeds showed it).
//! *Leaves out:* protection against chosen keys. *Source:* Y. Collet, xxHash 0.8 specification and its
//! sanity test vectors.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The seed used wherever a caller does not name one.
pub const DEFAULT_SEED: u64 = 0x506c_696d_736f_6c6c;

/// The hash of `bytes` under `seed`.
#[must_use]
pub fn hash_bytes(seed: u64, bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, seed)
}

/// The hash of one number (its little-endian bytes) under the scrambled `seed`.
#[must_use]
pub fn hash_u64(seed: u64, x: u64) -> u64 {
    xxh3_64_with_seed(&x.to_le_bytes(), scramble(seed))
}

/// The hash of a pair of numbers under the scrambled `seed`, as for the points of a node on a ring.
#[must_use]
pub fn hash_pair(seed: u64, a: u64, b: u64) -> u64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&a.to_le_bytes());
    bytes[8..].copy_from_slice(&b.to_le_bytes());
    xxh3_64_with_seed(&bytes, scramble(seed))
}

/// The seed under which numbers are hashed: the finalizer of SplitMix64, so that seeds that differ by one have
/// nothing in common.
#[must_use]
pub const fn scramble(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A hash as a real in (0, 1): the middle of its cell among 2^52.
#[must_use]
pub fn unit_interval(hash: u64) -> f64 {
    ((hash >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIME64: u64 = 11_400_714_785_074_694_797;

    /// The buffer of xxHash's own sanity test.
    fn sanity_buffer(len: usize) -> Vec<u8> {
        let mut generator = 2_654_435_761u64;
        let mut bytes = Vec::with_capacity(len);
        for _ in 0..len {
            bytes.push((generator >> 56) as u8);
            generator = generator.wrapping_mul(PRIME64);
        }
        bytes
    }

    #[test]
    fn published_vectors_hold() {
        let vectors: [(usize, u64, u64); 12] = [
            (0, 0, 0x2D06_8005_38D3_94C2),
            (0, PRIME64, 0xA8A6_B918_B2F0_364A),
            (1, 0, 0xC44B_DFF4_074E_ECDB),
            (1, PRIME64, 0x032B_E332_DD76_6EF8),
            (6, 0, 0x27B5_6A84_CD2D_7325),
            (6, PRIME64, 0x8458_9C11_6AB5_9AB9),
            (12, 0, 0xA713_DAF0_DFBB_77E7),
            (12, PRIME64, 0xE730_3E1B_2336_DE0E),
            (24, 0, 0xA3FE_70BF_9D35_10EB),
            (24, PRIME64, 0x850E_80FC_35BD_D690),
            (48, 0, 0x397D_A259_ECBA_1F11),
            (48, PRIME64, 0xADC2_CBAA_44AC_C616),
        ];
        for (len, seed, expected) in vectors {
            assert_eq!(
                hash_bytes(seed, &sanity_buffer(len)),
                expected,
                "length {len} seed {seed:#x}"
            );
        }
    }

    #[test]
    fn pinned_vectors_hold() {
        assert_eq!(hash_bytes(0, &[0; 8]), 0xc77b_3abb_6f87_acd9);
        let pinned = [
            hash_u64(DEFAULT_SEED, 1),
            hash_pair(DEFAULT_SEED, 7, 42),
            hash_bytes(DEFAULT_SEED, b"channel-17"),
        ];
        assert_eq!(
            pinned,
            [
                13_988_051_498_907_996_401,
                12_663_763_732_545_039_033,
                1_881_985_215_974_155_737
            ]
        );
    }

    #[test]
    fn a_number_is_its_little_endian_bytes() {
        assert_eq!(
            hash_u64(9, 0x0102),
            hash_bytes(scramble(9), &[2, 1, 0, 0, 0, 0, 0, 0])
        );
    }

    #[test]
    fn the_unit_interval_is_open() {
        assert!(unit_interval(0) > 0.0);
        assert!(unit_interval(u64::MAX) < 1.0);
    }
}
