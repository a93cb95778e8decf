//! Jump consistent hash.
//!
//! *Models:* a bucket among n, without memory. *Property:* from n to n + 1 buckets, 1/(n+1) of the keys move,
//! all to the new bucket. *Leaves out:* names and removal of any bucket but the last.
//! *Source:* Lamping and Veach, arXiv 1406.2294.

/// The bucket of a hash in `0..buckets`; `None` without buckets.
#[must_use]
pub fn jump(hash: u64, buckets: u32) -> Option<u32> {
    if buckets == 0 {
        return None;
    }
    let (mut key, mut bucket, mut next) = (hash, 0u32, 0.0f64);
    while next < f64::from(buckets) {
        bucket = next as u32;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let scale = (1u64 << 31) as f64 / ((key >> 33) + 1) as f64;
        next = ((f64::from(bucket) + 1.0) * scale).floor();
    }
    Some(bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_match_the_published_algorithm() {
        assert_eq!(jump(1, 0), None);
        assert_eq!([1, 42, 0xDEAD_10CC].map(|key| jump(key, 1)), [Some(0); 3]);
        // Vectors of the reference implementation, as quoted by its ports.
        assert_eq!(jump(42, 57), Some(43));
        assert_eq!(jump(0xDEAD_10CC, 666), Some(361));
        assert_eq!(jump(256, 1_024), Some(520));
    }
}
