//! Zones as cells: each serves its requests alone, weights move in steps of 1 %, and a zone drains.
//!
//! *Models:* a front door that gives every key to one of the availability zones by weight; what a zone has taken
//! in never leaves it, so that a zone in trouble is cured by draining it. A hundred buckets of keys make steps of
//! 1 %. *Formula:* bucket = h(key) mod 100; while a zone of w buckets drains over d, it still has
//! ⌈w · (1 − t/d)⌉ of them after t. *Property:* a shift moves exactly the buckets it names; after the drain the zone gets
//! nothing. *Leaves out:* requests already within a zone, and weights below 1 %. *Source:* C. Bethea,
//! "Slack's migration to a cellular architecture", Slack Engineering 2023 (drain within 5 minutes, 1 % steps).

use crate::hash;
use crate::ids::Timestamp;

/// Keys are shifted by hundredths.
const BUCKETS: usize = 100;

/// An availability zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub u16);

/// Which zone has which hundredth of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneWeights {
    zones: Vec<ZoneId>,
    buckets: [ZoneId; BUCKETS],
    seed: u64,
}

impl ZoneWeights {
    /// The keys divided evenly over at least one zone.
    #[must_use]
    pub fn even(zones: &[ZoneId], seed: u64) -> Self {
        assert!(!zones.is_empty(), "keys need a zone");
        Self {
            zones: zones.to_vec(),
            buckets: std::array::from_fn(|bucket| zones[bucket * zones.len() / BUCKETS]),
            seed,
        }
    }

    /// The zone of a key.
    #[must_use]
    pub fn zone(&self, key: u64) -> ZoneId {
        let bucket = hash::hash_u64(self.seed, key) % BUCKETS as u64;
        self.buckets[bucket as usize]
    }

    /// The weight of a zone in percent.
    #[must_use]
    pub fn percent(&self, zone: ZoneId) -> u32 {
        self.buckets.iter().filter(|&&owner| owner == zone).count() as u32
    }

    /// Shifts up to `percent` of the keys from one zone to another; returns how many percent moved.
    pub fn shift(&mut self, from: ZoneId, to: ZoneId, percent: u32) -> u32 {
        let held = self.buckets.iter_mut().filter(|owner| **owner == from);
        held.take(percent as usize).fold(0, |moved, owner| {
            *owner = to;
            moved + 1
        })
    }

    /// Takes a zone down to `percent`, step by step to whichever other zone has least; returns how many percent
    /// moved. The only zone keeps all.
    fn lower(&mut self, zone: ZoneId, percent: u32) -> u32 {
        let steps = self.percent(zone).saturating_sub(percent);
        (0..steps).fold(0, |moved, _| {
            let others = self.zones.iter().filter(|&&other| other != zone);
            let heir = others
                .copied()
                .min_by_key(|&other| (self.percent(other), other));
            moved + heir.map_or(0, |heir| self.shift(zone, heir, 1))
        })
    }
}

/// A zone on its way out.
#[derive(Clone, Debug)]
pub struct Drain {
    zone: ZoneId,
    start: Timestamp,
    over_ns: u64,
    /// Its weight at the start.
    percent: u32,
}

impl Drain {
    /// Drains a zone evenly within `over_ns` from `start` on; 0: at once.
    #[must_use]
    pub fn new(weights: &ZoneWeights, zone: ZoneId, start: Timestamp, over_ns: u64) -> Self {
        Self {
            zone,
            start,
            over_ns,
            percent: weights.percent(zone),
        }
    }

    /// Brings the weights up to `now`; returns how many percent moved.
    pub fn poll(&self, now: Timestamp, weights: &mut ZoneWeights) -> u32 {
        weights.lower(self.zone, self.remaining(now))
    }

    /// When the next percent is due; `None` once drained.
    #[must_use]
    pub fn next_step_at(&self, now: Timestamp) -> Option<Timestamp> {
        let left = u64::from(self.remaining(now).checked_sub(1)?);
        let gone = u128::from(u64::from(self.percent) - left) * u128::from(self.over_ns);
        let after = gone.div_ceil(u128::from(self.percent)) as u64;
        Some(self.start.plus(after))
    }

    /// The percent that the zone should still have.
    fn remaining(&self, now: Timestamp) -> u32 {
        let left_ns = self.over_ns.saturating_sub(now.since(self.start));
        if self.over_ns == 0 {
            return if now < self.start { self.percent } else { 0 };
        }
        let exact = u128::from(self.percent) * u128::from(left_ns);
        exact.div_ceil(u128::from(self.over_ns)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONES: [ZoneId; 3] = [ZoneId(0), ZoneId(1), ZoneId(2)];

    fn percents(weights: &ZoneWeights) -> [u32; 3] {
        ZONES.map(|zone| weights.percent(zone))
    }

    #[test]
    fn a_shift_moves_what_it_names() {
        let mut weights = ZoneWeights::even(&ZONES, 1);
        assert_eq!(percents(&weights), [34, 33, 33]);
        let before = weights.clone();
        assert_eq!(weights.shift(ZoneId(0), ZoneId(1), 1), 1);
        assert_eq!(percents(&weights), [33, 34, 33]);
        let moved = (0..20_000).filter(|&key| weights.zone(key) != before.zone(key));
        assert!(moved.count().abs_diff(200) < 50);
        assert_eq!(weights.shift(ZoneId(0), ZoneId(2), 99), 33);
        assert_eq!(percents(&weights), [0, 34, 66]);
    }

    #[test]
    fn a_drain_is_even_and_complete() {
        const MINUTE: u64 = 60_000_000_000;
        let mut weights = ZoneWeights::even(&ZONES, 1);
        let drain = Drain::new(&weights, ZoneId(0), Timestamp(MINUTE), 5 * MINUTE);
        let (mut now, mut steps) = (Timestamp::ZERO, 0);
        while let Some(at) = drain.next_step_at(now) {
            assert!(at > now, "{at:?} comes after {now:?}");
            assert_eq!(drain.poll(Timestamp(at.0 - 1), &mut weights), 0, "not yet");
            assert_eq!(drain.poll(at, &mut weights), 1);
            (now, steps) = (at, steps + 1);
        }
        assert_eq!((now, steps), (Timestamp(6 * MINUTE), 34));
        assert_eq!(percents(&weights), [0, 50, 50]);
        assert!((0..10_000).all(|key| weights.zone(key) != ZoneId(0)));
    }

    #[test]
    fn the_only_zone_keeps_all_and_a_drain_may_be_sudden() {
        let mut only = ZoneWeights::even(&ZONES[..1], 1);
        let drain = Drain::new(&only, ZoneId(0), Timestamp(5), 0);
        assert_eq!(drain.next_step_at(Timestamp(4)), Some(Timestamp(5)));
        assert_eq!(drain.poll(Timestamp(5), &mut only), 0);
        let mut weights = ZoneWeights::even(&ZONES, 1);
        assert_eq!(drain.poll(Timestamp(4), &mut weights), 0);
        assert_eq!(drain.poll(Timestamp(5), &mut weights), 34);
        assert_eq!(drain.next_step_at(Timestamp(5)), None);
    }
}
