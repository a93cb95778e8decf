//! What of the reads reaches the database, and how unevenly its shards are loaded.
//!
//! Hit ratio of record i, asked for λᵢ times a second and written wᵢ times: Che's approximation, 1 − e^(−λᵢ T), with the
//! characteristic time T at which the expected entries fill the capacity, Σ (1 − e^(−λᵢ T)) = C; an entry that lives for τ
//! at most is hit by λᵢ τ / (1 + λᵢ τ) of its reads, and one that commands drop by λᵢ / (λᵢ + wᵢ) of them. The smallest of
//! these counts. Records are taken together in groups of nearly equal popularity. Shards: the most popular records where the
//! placement puts them, the others evenly.
//! Points of presence are such caches, each for the users that it serves; a data-centre cache behind them is taken to see the
//! same mix of records as without them.
//! Leaves out: the differences between policies (Che's is LRU), coalescing, early refreshes, and copies that are stale.
//! Source: Che, Tung, Wang 2002; Fofack, Nain, Neglia, Towsley 2014 (lifetimes).

use routing::PlacementMap;

use crate::scenario::{CacheTier, Design, EdgeTier, Keys, OnWrite, ShardBy, Spread, Traffic};
use crate::system::shares_by_shard;

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

/// What decides how much a cache answers.
#[derive(Clone, Copy, Debug)]
struct Holds {
    entries: f64,
    lifetime_s: f64,
    /// Whether commands drop entries.
    dropped: bool,
}

impl Holds {
    fn of(cache: &CacheTier, entry_bytes: u32) -> Self {
        let bytes = f64::from(cache.count) * cache.capacity_bytes as f64;
        Self {
            entries: bytes / f64::from(entry_bytes.max(1)),
            lifetime_s: (cache.ttl + cache.stale).as_secs_f64(),
            dropped: cache.on_write == OnWrite::Invalidate,
        }
    }
}

/// How reads spread over cache and shards.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    /// Shares of the reads that points of presence answer, at the same loads as `hits`; empty: none.
    kept: Vec<f64>,
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
                shards,
                hottest: 1.0,
                ..Self::default()
            };
        }
        let groups = groups(traffic.keys);
        let entry = traffic.query.as_ref().map_or(1, |query| query.size_bytes);
        let hit = |scale: f64| -> Vec<f64> {
            match &design.cache {
                Some(cache) => {
                    let holds = Holds::of(cache, entry);
                    hits(holds, &groups, (reads * scale, writes * scale))
                }
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
            hottest: hottest(
                (design, traffic.spread.as_ref()),
                &groups,
                &hit(1.0),
                (reads, writes),
            ),
            kept: Vec::new(),
        }
    }

    /// With points of presence that keep answers; `served` are their shares of the users.
    pub(super) fn with_edge(
        self,
        edge: &EdgeTier,
        traffic: &Traffic,
        served: &[f64],
        (reads, writes): (f64, f64),
    ) -> Self {
        let Some((query, kept)) = traffic.query.as_ref().and_then(|q| Some((q, q.edge?))) else {
            return self;
        };
        let groups = groups(traffic.keys);
        let holds = Holds {
            entries: edge.capacity_bytes as f64 / f64::from(query.size_bytes.max(1)),
            lifetime_s: (kept.ttl + edge.stale).as_secs_f64(),
            dropped: kept.invalidate,
        };
        let at = |scale: f64| -> f64 {
            let of_site = |share: &f64| {
                let hits = hits(holds, &groups, (reads * scale * share, writes * scale));
                let weighted = groups.iter().zip(hits);
                share
                    * weighted
                        .map(|(g, hit)| g.records * g.each * hit)
                        .sum::<f64>()
            };
            served.iter().map(of_site).sum()
        };
        let loads = -POWERS..=POWERS;
        Self {
            kept: loads.map(|n| at(libm::ldexp(1.0, 2 * n))).collect(),
            ..self
        }
    }

    /// The share of the reads that points of presence answer, at a multiple of the load.
    pub(super) fn kept(&self, factor: f64) -> f64 {
        between(&self.kept, factor)
    }

    /// The hit ratio at a multiple of the load.
    pub(super) fn hit_ratio(&self, factor: f64) -> f64 {
        between(&self.hits, factor)
    }
}

/// What is known at powers of four of the load, at a multiple of it; 0 where nothing is.
fn between(known: &[f64], factor: f64) -> f64 {
    let Some(last) = known.len().checked_sub(1) else {
        return 0.0;
    };
    let at = 0.5 * libm::log2(factor.max(1e-9)) + f64::from(POWERS);
    let at = at.clamp(0.0, last as f64);
    let below = (at as usize).min(last.saturating_sub(1));
    let (low, high) = (known[below], known[(below + 1).min(last)]);
    low + (high - low) * (at - below as f64)
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
fn hits(holds: Holds, groups: &[Group], (reads, writes): (f64, f64)) -> Vec<f64> {
    let capacity = holds.entries;
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
    let lifetime = holds.lifetime_s;
    let dropped = if holds.dropped { writes } else { 0.0 };
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
fn hottest(
    (design, spread): (&Design, Option<&Spread>),
    groups: &[Group],
    hits: &[f64],
    (reads, writes): (f64, f64),
) -> f64 {
    let Some(shards) = design.shards else {
        return 1.0;
    };
    let even = 1.0 / f64::from(shards.count);
    if let Some(shares) = shares_by_shard(&shards, spread, (reads, writes)) {
        return shares.into_iter().fold(even, f64::max);
    }
    if shards.by != ShardBy::Record {
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
