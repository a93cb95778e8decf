//! What of the reads reaches the database, and how unevenly its shards are loaded.
//!
//! Hit ratio of record i, asked for λᵢ times a second and written wᵢ times: Che's approximation, 1 − e^(−λᵢ T), with the
//! characteristic time T at which the expected entries fill the capacity, Σ (1 − e^(−λᵢ T)) = C; an entry that lives for τ
//! at most is hit by λᵢ τ / (1 + λᵢ τ) of its reads, and one that commands drop by λᵢ / (λᵢ + wᵢ) of them. The smallest of
//! these counts. Records are taken together in groups of nearly equal popularity. Shards: the most popular records where the
//! placement puts them, the others evenly.
//! Leaves out: the differences between policies (Che's is LRU), coalescing, early refreshes, and copies that are stale.
//! Source: Che, Tung, Wang 2002; Fofack, Nain, Neglia, Towsley 2014 (lifetimes).

use routing::PlacementMap;

use crate::scenario::{CacheTier, Design, Keys, OnWrite, ShardBy, Traffic};

/// Records that are looked at one by one.
const SINGLES: u32 = 256;
/// Groups of the others per factor of two in rank.
const PER_OCTAVE: f64 = 3.0;
/// Powers of four of the load at which the hit ratio is computed; between them it is interpolated.
const POWERS: i32 = 5;

/// Records of about the same popularity.
#[derive(Clone, Copy, Debug)]
struct Group {
    records: f64,
    /// The share of all requests that one of them gets.
    each: f64,
}

/// How reads spread over cache and shards.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    /// Hit ratios at 4^−POWERS … 4^POWERS times the load; empty: no cache.
    hits: Vec<f64>,
    /// Databases.
    pub(super) shards: u32,
    /// The share of what is asked by record that the most loaded shard gets.
    pub(super) hottest: f64,
}

impl Data {
    /// Of a design that is asked `reads` and `writes` times a second, for entries of `entry_bytes`.
    pub(super) fn new(design: &Design, traffic: &Traffic, reads: f64, writes: f64) -> Self {
        let shards = design.shards.map_or(1, |shards| shards.count);
        if design.cache.is_none() && design.shards.is_none() {
            return Self {
                hits: Vec::new(),
                shards,
                hottest: 1.0,
            };
        }
        let groups = groups(traffic.keys);
        let entry = traffic.query.as_ref().map_or(1, |query| query.size_bytes);
        let hit = |scale: f64| -> Vec<f64> {
            match &design.cache {
                Some(cache) => hits(cache, &groups, (reads * scale, writes * scale), entry),
                None => vec![0.0; groups.len()],
            }
        };
        let whole = |hits: &[f64]| {
            let weighted = groups.iter().zip(hits);
            weighted.map(|(g, hit)| g.records * g.each * hit).sum()
        };
        Self {
            hits: design
                .cache
                .iter()
                .flat_map(|_| (-POWERS..=POWERS).map(|n| whole(&hit(libm::ldexp(1.0, 2 * n)))))
                .collect(),
            shards,
            hottest: hottest(design, &groups, &hit(1.0), (reads, writes)),
        }
    }

    /// The hit ratio at a multiple of the load.
    pub(super) fn hit_ratio(&self, factor: f64) -> f64 {
        let Some(last) = self.hits.len().checked_sub(1) else {
            return 0.0;
        };
        let at = 0.5 * libm::log2(factor.max(1e-9)) + f64::from(POWERS);
        let at = at.clamp(0.0, last as f64);
        let below = (at as usize).min(last.saturating_sub(1));
        let (low, high) = (self.hits[below], self.hits[(below + 1).min(last)]);
        low + (high - low) * (at - below as f64)
    }
}

fn groups(keys: Keys) -> Vec<Group> {
    let n = f64::from(keys.count);
    let weight = |rank: f64| libm::pow(rank, -keys.exponent);
    let mut groups: Vec<Group> = (1..=keys.count.min(SINGLES))
        .map(|rank| Group {
            records: 1.0,
            each: weight(f64::from(rank)),
        })
        .collect();
    let mut first = f64::from(SINGLES) + 1.0;
    while first <= n {
        let end = libm::ceil(first * libm::exp2(1.0 / PER_OCTAVE)).min(n + 1.0);
        groups.push(Group {
            records: end - first,
            each: weight(libm::sqrt(first * (end - 1.0))),
        });
        first = end;
    }
    let all: f64 = groups.iter().map(|g| g.records * g.each).sum();
    for group in &mut groups {
        group.each /= all;
    }
    groups
}

/// The hit ratio of each group.
fn hits(cache: &CacheTier, groups: &[Group], (reads, writes): (f64, f64), entry: u32) -> Vec<f64> {
    let capacity = f64::from(cache.count) * (cache.capacity_bytes as f64 / f64::from(entry.max(1)));
    let all: f64 = groups.iter().map(|g| g.records).sum();
    let held = |t: f64| -> f64 {
        let there = |g: &Group| g.records * -libm::expm1(-g.each * reads * t);
        groups.iter().map(there).sum()
    };
    let characteristic = if capacity >= all {
        f64::INFINITY
    } else {
        let (mut low, mut high) = (1e-9, 1e12);
        for _ in 0..60 {
            let middle = libm::sqrt(low * high);
            if held(middle) < capacity {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    };
    let lifetime = (cache.ttl + cache.stale).as_secs_f64();
    let dropped = if cache.on_write == OnWrite::Invalidate {
        writes
    } else {
        0.0
    };
    let of = |g: &Group| {
        let rate = g.each * reads;
        let by_capacity = -libm::expm1(-rate * characteristic);
        let by_lifetime = rate * lifetime / (1.0 + rate * lifetime);
        let by_writes = reads / (reads + dropped).max(1e-12);
        by_capacity.min(by_lifetime).min(by_writes)
    };
    groups.iter().map(of).collect()
}

/// The share of what is left for the database that its most loaded shard gets.
fn hottest(design: &Design, groups: &[Group], hits: &[f64], (reads, writes): (f64, f64)) -> f64 {
    let Some(shards) = design.shards else {
        return 1.0;
    };
    let even = 1.0 / f64::from(shards.count);
    if shards.by == ShardBy::User {
        return even;
    }
    let ids: Vec<u32> = (0..shards.count).collect();
    let map = PlacementMap::new(shards.placement, &ids);
    let mut loads = vec![0.0; ids.len()];
    let (mut rest, mut all) = (0.0, 0.0);
    for (rank, (group, hit)) in groups.iter().zip(hits).enumerate() {
        let load = group.records * group.each * (reads * (1.0 - hit) + writes);
        all += load;
        match map.owner(rank as u64).filter(|_| rank < SINGLES as usize) {
            Some(owner) => loads[owner as usize] += load,
            None => rest += load,
        }
    }
    let most = loads.iter().copied().fold(0.0, f64::max);
    if all > 0.0 {
        (most + rest * even) / all
    } else {
        even
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::shares;

    #[test]
    fn groups_hold_all_records_at_their_popularity() {
        for exponent in [0.0, 0.7, 1.0, 1.2] {
            let keys = Keys {
                count: 100_000,
                exponent,
            };
            let (groups, exact) = (groups(keys), shares(keys));
            let records: f64 = groups.iter().map(|g| g.records).sum();
            assert!((records - 100_000.0).abs() < 0.5);
            assert!((groups[0].each / exact[0] - 1.0).abs() < 0.01, "{exponent}");
        }
    }
}
