//! When records were written, as long as somebody may still be answered with what was there before.
//!
//! Many caches hold many versions of one record, so how old an answer is depends on its version: version v was superseded by
//! write v + 1. A version that expires everywhere within `kept` of its last read needs no older writes than that.

use std::collections::{BTreeMap, VecDeque};

use crate::time::{SimDuration, SimTime};

/// How much longer than a lifetime writes are kept: longer than any fetch takes.
const SPARE: SimDuration = SimDuration::from_secs(60);

/// Times of writes, by record.
#[derive(Clone, Debug)]
pub struct Versions {
    kept: SimDuration,
    writes: BTreeMap<u32, Writes>,
}

/// Those of one record.
#[derive(Clone, Debug, Default)]
struct Writes {
    /// The version that the first of them made.
    first: u32,
    at: VecDeque<SimTime>,
}

impl Versions {
    /// Nothing is written yet; entries are served for `kept` after they were read.
    #[must_use]
    pub fn new(kept: SimDuration) -> Self {
        Self {
            kept: kept + SPARE,
            writes: BTreeMap::new(),
        }
    }

    /// A write made `version` at `at`.
    pub fn write(&mut self, record: u32, version: u32, at: SimTime) {
        let own = self.writes.entry(record).or_default();
        if own.at.is_empty() {
            own.first = version;
        }
        own.at.push_back(at);
        while own.at[0] + self.kept < at {
            own.at.pop_front();
            own.first += 1;
        }
    }

    /// When a version was superseded, if it was.
    #[must_use]
    pub fn superseded(&self, record: u32, version: u32) -> Option<SimTime> {
        let own = self.writes.get(&record)?;
        let next = (version + 1).saturating_sub(own.first);
        own.at.get(next as usize).copied()
    }

    /// The version that a record had at a time, `newest` now.
    #[must_use]
    pub fn version_at(&self, record: u32, at: SimTime, newest: u32) -> u32 {
        let later = self.writes.get(&record).map_or(0, |own| {
            let later = own.at.iter().rev().take_while(|written| **written > at);
            later.count() as u32
        });
        newest.saturating_sub(later)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_own_age() {
        let at = SimTime::from_secs;
        let mut versions = Versions::new(SimDuration::from_secs(10));
        assert_eq!(versions.superseded(3, 0), None);
        for version in 1..=100 {
            versions.write(3, version, at(u64::from(version)));
        }
        assert_eq!(versions.superseded(3, 99), Some(at(100)));
        assert_eq!(versions.superseded(3, 40), Some(at(41)));
        assert_eq!(versions.superseded(3, 100), None);
        assert_eq!(versions.version_at(3, at(98), 100), 98);
        assert_eq!(versions.version_at(3, at(200), 100), 100);
        assert_eq!(versions.superseded(4, 0), None);
        let kept = versions.writes[&3].at.len();
        assert!(kept <= 71, "what no cache can serve is forgotten: {kept}");
    }
}
