//! What queries and commands are about: which record, and which version of it is the newest.
//!
//! Models: record n of N, from 1, is asked for with probability n^−s / Σ k^−s (Zipf; s = 0: all alike). The record of an
//! operation is a draw keyed to it, by Walker's alias method: one draw, two looks at a table. A command makes a new version;
//! a read is *stale* if what it was answered with had been superseded by then, and its age is the time since.
//! Where records are of several features, record r is of feature r mod F: a draw by the shares of the features decides which of F
//! neighbours in rank it is, so that each feature is as unequal as all records together.
//! Leaves out: values, and records that come and go.
//! Source: Vose 1991 (the table).

use std::collections::BTreeMap;

use super::operation::Kind;
use super::versions::Versions;
use crate::draw::{Draws, Purpose, unit};
use crate::scenario::{Keys, Spread};
use crate::time::{SimDuration, SimTime};

const RECORD: Purpose = Purpose::named("operation/record");
const FEATURE: Purpose = Purpose::named("operation/feature");

/// Numbers 0 to N − 1, drawn by Zipf.
#[derive(Clone, Debug)]
pub struct Ranks {
    count: u32,
    /// By number: the share of its column that is its own, of 2³², and whose the rest is. Empty: all alike.
    columns: Vec<(u32, u32)>,
}

impl Ranks {
    /// So many with this exponent.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        let columns = if keys.exponent > 0.0 {
            columns(&shares(keys))
        } else {
            Vec::new()
        };
        let count = keys.count;
        Self { count, columns }
    }

    /// The one that a draw falls on.
    #[must_use]
    pub fn at(&self, bits: u64) -> u32 {
        let column = (((bits >> 32) * u64::from(self.count)) >> 32) as u32;
        match self.columns.get(column as usize) {
            Some(&(own, other)) if bits as u32 >= own => other,
            _ => column,
        }
    }
}

/// All records.
#[derive(Clone, Debug)]
pub struct Records {
    ranks: Ranks,
    /// By feature: the upper ends of its parts of the queries and of the commands. Empty: all are of one kind.
    features: Vec<[f64; 2]>,
    /// By record; empty where nothing is written.
    states: Vec<State>,
    /// When what was written, where answers come from several copies.
    history: Option<Versions>,
}

/// The newest version of a record.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    version: u32,
    /// When the version that a cache holds was superseded.
    superseded: SimTime,
}

impl Records {
    /// The records of a scenario, as nobody has written them yet. Where it matters neither which one is `asked` for nor which
    /// one is `written`, all are one.
    #[must_use]
    pub fn new(keys: Keys, asked: bool, written: bool, history: Option<SimDuration>) -> Self {
        let one = Keys {
            count: 1,
            exponent: 0.0,
        };
        Self {
            ranks: Ranks::new(if asked || written { keys } else { one }),
            features: Vec::new(),
            states: if written {
                vec![State::default(); keys.count as usize]
            } else {
                Vec::new()
            },
            history: history.filter(|_| written).map(Versions::new),
        }
    }

    /// The record of operation `ordinal` of a kind.
    #[must_use]
    pub fn of(&self, draws: &Draws, kind: u64, ordinal: u64) -> u32 {
        let record = self.ranks.at(draws.u64(RECORD, kind, ordinal));
        if self.features.is_empty() {
            return record;
        }
        let column = usize::from(kind == Kind::Command as u64);
        let drawn = unit(draws.u64(FEATURE, kind, ordinal));
        let last = self.features.len() - 1;
        let own = self.features.iter().position(|ends| drawn < ends[column]);
        let (own, all) = (own.unwrap_or(last) as u32, self.features.len() as u32);
        let whole = record - record % all + own;
        // The last neighbours may be fewer than there are features.
        if whole < self.count() { whole } else { own }
    }

    /// They are of the features of a scenario.
    #[must_use]
    pub fn of_features(mut self, spread: Option<&Spread>) -> Self {
        let features = spread.map_or(&[][..], |spread| &spread.features);
        if features.len() as u32 > self.count() {
            return self;
        }
        let mut ends = [0.0; 2];
        for feature in features {
            ends = [ends[0] + feature.reads, ends[1] + feature.writes];
            self.features.push(ends);
        }
        self
    }

    /// How many there are, as far as it matters.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.ranks.count
    }

    /// The newest version of a record.
    #[must_use]
    pub fn version(&self, record: u32) -> u32 {
        self.states
            .get(record as usize)
            .map_or(0, |state| state.version)
    }

    /// The version that a record had at a time not long ago.
    #[must_use]
    pub fn version_at(&self, record: u32, at: SimTime) -> u32 {
        let newest = self.version(record);
        let history = self.history.as_ref();
        history.map_or(newest, |history| history.version_at(record, at, newest))
    }

    /// When the version that a cache holds was superseded, if it was.
    #[must_use]
    pub fn superseded(&self, record: u32, version: u64) -> Option<SimTime> {
        if let Some(history) = &self.history {
            return history.superseded(record, version as u32);
        }
        let state = self.states.get(record as usize)?;
        (u64::from(state.version) > version).then_some(state.superseded)
    }

    /// A command takes effect at `at`; `cached` is the version that a cache holds.
    pub fn write(&mut self, record: u32, cached: Option<u64>, at: SimTime) {
        if let Some(state) = self.states.get_mut(record as usize) {
            if cached.is_none_or(|cached| cached == u64::from(state.version)) {
                state.superseded = at;
            }
            state.version = state.version.wrapping_add(1);
            if let Some(history) = &mut self.history {
                history.write(record, state.version, at);
            }
        }
    }

    /// When a version was written, if that is remembered.
    #[must_use]
    pub fn written(&self, record: u32, version: u32) -> Option<SimTime> {
        let before = version.checked_sub(1)?;
        self.history.as_ref()?.superseded(record, before)
    }

    /// The versions of all records that have been written.
    #[must_use]
    pub fn written_versions(&self) -> BTreeMap<u32, u32> {
        let states = self.states.iter().enumerate();
        let written = states.filter(|(_, state)| state.version > 0);
        written
            .map(|(record, state)| (record as u32, state.version))
            .collect()
    }

    /// Bytes held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of_val(self.ranks.columns.as_slice()) + size_of_val(self.states.as_slice())
    }
}

/// What each record is asked for, of all.
#[must_use]
pub fn shares(keys: Keys) -> Vec<f64> {
    let weights: Vec<f64> = (1..=keys.count)
        .map(|rank| libm::pow(f64::from(rank), -keys.exponent))
        .collect();
    let all: f64 = weights.iter().rev().sum();
    weights.into_iter().map(|weight| weight / all).collect()
}

/// Walker's columns: each holds 1 / N, of one record or of two.
fn columns(shares: &[f64]) -> Vec<(u32, u32)> {
    let n = shares.len() as f64;
    let mut left: Vec<f64> = shares.iter().map(|share| share * n).collect();
    let (mut small, mut large): (Vec<u32>, Vec<u32>) =
        (0..shares.len() as u32).partition(|&record| left[record as usize] < 1.0);
    let mut columns: Vec<(u32, u32)> = (0..shares.len() as u32)
        .map(|record| (u32::MAX, record))
        .collect();
    while let (Some(needy), Some(&rich)) = (small.pop(), large.last()) {
        let own = left[needy as usize];
        columns[needy as usize] = ((own * 4_294_967_296.0) as u32, rich);
        left[rich as usize] -= 1.0 - own;
        if left[rich as usize] < 1.0 {
            large.pop();
            small.push(rich);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_drawn_as_often_as_their_rank_says() {
        for exponent in [0.0, 0.7, 1.0, 1.2] {
            let keys = Keys {
                count: 1_000,
                exponent,
            };
            let records = Records::new(keys, true, false, None);
            let mut drawn = vec![0u32; 1_000];
            for ordinal in 0..1_000_000 {
                drawn[records.of(&Draws::new(3), 2, ordinal) as usize] += 1;
            }
            let shares = shares(keys);
            for rank in [0usize, 1, 9, 99, 999] {
                let expected = shares[rank] * 1e6;
                let deviation = (f64::from(drawn[rank]) - expected) / expected.sqrt();
                assert!(deviation.abs() < 4.5, "{exponent}, {rank}: {deviation}");
            }
        }
    }

    #[test]
    fn a_version_is_stale_from_the_write_that_superseded_it() {
        let keys = Keys {
            count: 10,
            exponent: 0.0,
        };
        let mut records = Records::new(keys, true, true, None);
        let at = SimTime::from_secs;
        records.write(4, Some(0), at(1));
        records.write(4, Some(0), at(2));
        assert_eq!(records.superseded(4, 0), Some(at(1)));
        assert_eq!(records.superseded(4, 2), None);
        records.write(4, None, at(3));
        assert_eq!(records.version(4), 3);
    }
}
