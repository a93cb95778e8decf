//! Replay: whether the past that the log tells is the past that was.
//!
//! Models: at every audit a hash over the states of all records is noted, and the states of some that were just written. At the
//! next audit the store must give the same states as of that time, and make the present ones from their first event on. [`ReplayCheck`] folds
//! the whole log from offset 0 and compares every hash that was noted.
//! Formula: hash of all = Σ hash(record, state), modulo 2⁶⁴, kept up to date event by event.
//! Leaves out: what an election has taken back: notes begin anew then.

use std::collections::BTreeMap;

use routing::hash;
use routing::log::{LogOffset, PartitionId};
use routing::sourcing::{Aggregate, EventStore, StreamId};

use super::log::{Log, State};
use crate::system::servers::timestamp;
use crate::time::{SimDuration, SimTime};

/// Records looked at in an audit.
const SOME: usize = 64;
/// Of those, made anew from the first event.
const REBUILT: usize = 4;

/// Notes of what was.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    sum: u64,
    noted: Vec<(SimTime, u64)>,
    written: Vec<StreamId>,
    samples: Vec<(StreamId, u64)>,
    at: SimTime,
    /// States compared.
    pub checks: u64,
    /// Those that differed.
    pub mismatches: u64,
}

/// The log folded from offset 0, beside what was noted live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayCheck {
    /// Records that were ever written.
    pub records: usize,
    /// Events.
    pub events: usize,
    /// The hash of all states now.
    pub live: u64,
    /// The hash of the fold.
    pub replayed: u64,
    /// Times at which a hash was noted, the hash, and that of the fold as of then.
    pub as_of: Vec<(SimTime, u64, u64)>,
}

fn of(stream: StreamId, digest: u64) -> u64 {
    hash::hash_pair(hash::DEFAULT_SEED, stream.0.into(), digest)
}

impl Replay {
    /// The state of a record has changed, by its hashes; 0: there was none.
    pub fn changed(&mut self, stream: StreamId, (before, after): (u64, u64)) {
        if before != 0 {
            self.sum = self.sum.wrapping_sub(of(stream, before));
        }
        self.sum = self.sum.wrapping_add(of(stream, after));
        if self.written.len() < SOME {
            self.written.push(stream);
        }
    }

    /// An election has taken something back: these are the states now.
    pub fn begin_anew(&mut self, states: impl Iterator<Item = (StreamId, u64)>) {
        self.sum = states.fold(0, |sum, (stream, digest)| {
            sum.wrapping_add(of(stream, digest))
        });
        self.noted.clear();
        self.written.clear();
        self.samples.clear();
    }

    /// Compares what was noted at the last audit, and notes what is.
    pub fn audit(&mut self, now: SimTime, store: &EventStore<State>) {
        let before = SimTime::from_nanos(self.at.as_nanos().saturating_sub(1));
        for (nth, &(stream, digest)) in self.samples.iter().enumerate() {
            // What happened in that very nanosecond stands on either side of the note.
            let same = |at: SimTime| store.as_of(stream, timestamp(at)).digest() == digest;
            let rebuilt = nth >= REBUILT
                || store
                    .state(stream)
                    .is_some_and(|state| store.rebuilt(stream) == *state);
            self.checks += 1;
            self.mismatches += u64::from(!rebuilt || !same(self.at) && !same(before));
        }
        let written = self.written.drain(..);
        let state = |stream| store.state(stream).map_or(0, Aggregate::digest);
        self.samples = written.map(|stream| (stream, state(stream))).collect();
        self.noted.push((now, self.sum));
        self.at = now;
    }

    /// Folds a log from offset 0.
    #[must_use]
    pub fn check(&self, log: &Log) -> ReplayCheck {
        let mut all = Vec::new();
        for partition in 0..log.events.partitions() {
            let events = log.events.partition(PartitionId(partition)).log();
            let said = events
                .read(LogOffset(0))
                .map(|entry| (entry.at, entry.value.stream, entry.value.value));
            all.extend(said);
        }
        all.sort_by_key(|said| said.0);
        let mut states: BTreeMap<StreamId, State> = BTreeMap::new();
        let (mut sum, mut said) = (0u64, all.iter().peekable());
        let mut fold_until = |at: SimTime| {
            while let Some(&(_, stream, value)) = said.next_if(|one| one.0 <= timestamp(at)) {
                let state = states.entry(stream).or_default();
                if *state != State::default() {
                    sum = sum.wrapping_sub(of(stream, state.digest()));
                }
                state.apply(&value);
                sum = sum.wrapping_add(of(stream, state.digest()));
            }
            sum
        };
        let noted = self.noted.iter();
        let as_of = noted
            .map(|&(at, live)| (at, live, fold_until(at)))
            .collect();
        let replayed = fold_until(SimTime::ZERO + SimDuration::MAX);
        ReplayCheck {
            records: states.len(),
            events: all.len(),
            live: self.sum,
            replayed,
            as_of,
        }
    }
}
