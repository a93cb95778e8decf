//! The command side: events of many aggregates, appended if nobody was faster.
//!
//! *Models:* a command decided on the state of version v appends only while the version still is v (optimistic
//! concurrency); of several writers with one expected version exactly one succeeds, the others read and decide
//! anew. Live state, snapshots, the state at any version or time, and a rebuild from the first event.
//! *Formula:* with w writers per decision time on one aggregate the share of conflicts is that of decisions
//! that overlap an earlier success. *Property:* a rebuilt state has the digest of the live one. *Leaves out:*
//! storage on disk; put [`Recorded`] into a [`crate::log::EventLog`] keyed by stream to replicate it. *Source:*
//! as [`super`]; H. Kung and J. Robinson (TODS 1981).

use super::{Aggregate, Snapshots, StreamId, Version};
use crate::hash;
use crate::ids::Timestamp;
use crate::log::{LogOffset, Segments};
use thiserror::Error;

/// The version on which a command was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is: the store decides and appends in one step, as a single writer does.
    Any,
    /// This one.
    Exactly(Version),
}

/// Why a command changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CommandError<R> {
    /// Somebody was faster.
    #[error("version {expected:?} was expected and {actual:?} found")]
    Conflict {
        /// The version on which it was decided.
        expected: Version,
        /// The version there is.
        actual: Version,
    },
    /// The aggregate refuses it.
    #[error("the command is refused")]
    Refused(R),
}

/// An event with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<E> {
    /// Whose it is.
    pub stream: StreamId,
    /// The version it made.
    pub version: Version,
    /// What happened.
    pub event: E,
}

/// Totals of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreCounters {
    /// Commands that appended something or nothing, but succeeded.
    pub accepted: u64,
    /// Commands decided on a version that has passed.
    pub conflicts: u64,
    /// Commands that the aggregate refused.
    pub refused: u64,
}

#[derive(Clone, Debug)]
struct Stream<A> {
    live: A,
    /// Where its events are, in order.
    positions: Vec<u64>,
    snapshots: Snapshots<A>,
}

/// Events and live states.
#[derive(Clone, Debug)]
pub struct EventStore<A: Aggregate> {
    events: Segments<Recorded<A::Event>>,
    streams: Vec<Stream<A>>,
    snapshot_every: u64,
    counters: StoreCounters,
    /// Kept between calls.
    decided: Vec<A::Event>,
}

/// Records per segment of the store's log.
const SEGMENT: u32 = 4_096;

impl<A: Aggregate> EventStore<A> {
    /// An empty store that keeps a snapshot of an aggregate every `snapshot_every` of its events; 0 for none.
    #[must_use]
    pub fn new(snapshot_every: u64) -> Self {
        Self {
            events: Segments::new(SEGMENT),
            streams: Vec::new(),
            snapshot_every,
            counters: StoreCounters::default(),
            decided: Vec::new(),
        }
    }

    /// A command on an aggregate, decided on the expected version. Returns the version after it.
    pub fn execute(
        &mut self,
        now: Timestamp,
        stream: StreamId,
        expected: Expected,
        command: &A::Command,
    ) -> Result<Version, CommandError<A::Refusal>> {
        self.reach(stream);
        let actual = self.version(stream);
        if let Expected::Exactly(expected) = expected
            && expected != actual
        {
            self.counters.conflicts += 1;
            return Err(CommandError::Conflict { expected, actual });
        }
        let mut decided = std::mem::take(&mut self.decided);
        decided.clear();
        let answer = self.streams[stream.index()]
            .live
            .decide(command, &mut decided);
        if let Err(refusal) = answer {
            self.decided = decided;
            self.counters.refused += 1;
            return Err(CommandError::Refused(refusal));
        }
        for event in decided.drain(..) {
            self.record(now, stream, event);
        }
        self.decided = decided;
        self.counters.accepted += 1;
        Ok(self.version(stream))
    }

    /// An event that was decided elsewhere, as a replica or a replay has it.
    pub fn record(&mut self, now: Timestamp, stream: StreamId, event: A::Event) -> LogOffset {
        self.reach(stream);
        let of_stream = &mut self.streams[stream.index()];
        let version = Version(of_stream.positions.len() as u64 + 1);
        of_stream.live.apply(&event);
        of_stream.snapshots.offer(now, version, &of_stream.live);
        let recorded = Recorded {
            stream,
            version,
            event,
        };
        let offset = self.events.append(now, u64::from(stream.0), 0, recorded);
        of_stream.positions.push(offset.0);
        offset
    }

    /// The live state of an aggregate; `None` if it has never been named.
    #[must_use]
    pub fn state(&self, stream: StreamId) -> Option<&A> {
        self.streams.get(stream.index()).map(|one| &one.live)
    }

    /// The version of an aggregate.
    #[must_use]
    pub fn version(&self, stream: StreamId) -> Version {
        let events = self.streams.get(stream.index());
        Version(events.map_or(0, |one| one.positions.len() as u64))
    }

    /// The state that all events make, from the first one on.
    #[must_use]
    pub fn rebuilt(&self, stream: StreamId) -> A {
        self.folded(A::default(), stream, 0, u64::MAX)
    }

    /// The state at a version (or the last one), from the nearest snapshot on.
    #[must_use]
    pub fn at_version(&self, stream: StreamId, version: Version) -> A {
        let snapshot = self
            .streams
            .get(stream.index())
            .and_then(|one| one.snapshots.before(version));
        let (state, from) = snapshot.map_or((A::default(), 0), |kept| {
            (kept.state.clone(), kept.version.0)
        });
        self.folded(state, stream, from, version.0)
    }

    /// The state as it was at a time, what happened at that very time included.
    #[must_use]
    pub fn as_of(&self, stream: StreamId, at: Timestamp) -> A {
        let Some(of_stream) = self.streams.get(stream.index()) else {
            return A::default();
        };
        let happened = |position: &u64| {
            let event = self.events.get(LogOffset(*position));
            event.is_some_and(|entry| entry.at <= at)
        };
        let version = of_stream.positions.partition_point(happened) as u64;
        self.at_version(stream, Version(version))
    }

    /// Events that a recovery of an aggregate folds on top of its last snapshot.
    #[must_use]
    pub fn recovery_events(&self, stream: StreamId) -> u64 {
        let version = self.version(stream);
        let of_stream = self.streams.get(stream.index());
        of_stream.map_or(0, |one| one.snapshots.recovery_events(version))
    }

    /// All events, in the one order of this store: what projections read.
    #[must_use]
    pub fn events(&self) -> &Segments<Recorded<A::Event>> {
        &self.events
    }

    /// Number of aggregates.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// A hash over all live states.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.streams.iter().fold(0, |sum, one| {
            hash::hash_pair(hash::DEFAULT_SEED, sum, one.live.digest())
        })
    }

    /// A store that has replayed this one's events from offset 0.
    #[must_use]
    pub fn replayed(&self) -> Self {
        let mut anew = Self::new(self.snapshot_every);
        for entry in self.events.read(LogOffset(0)) {
            anew.record(entry.at, entry.value.stream, entry.value.event.clone());
        }
        anew
    }

    /// Totals.
    #[must_use]
    pub fn counters(&self) -> StoreCounters {
        self.counters
    }

    fn reach(&mut self, stream: StreamId) {
        while self.streams.len() <= stream.index() {
            self.streams.push(Stream {
                live: A::default(),
                positions: Vec::new(),
                snapshots: Snapshots::new(self.snapshot_every),
            });
        }
    }

    /// Events `from..to` of a stream on top of a state.
    fn folded(&self, mut state: A, stream: StreamId, from: u64, to: u64) -> A {
        let Some(of_stream) = self.streams.get(stream.index()) else {
            return state;
        };
        let to = to.min(of_stream.positions.len() as u64) as usize;
        for &position in &of_stream.positions[(from as usize).min(to)..to] {
            let entry = self.events.get(LogOffset(position));
            let entry = entry.expect("a store keeps all its events");
            state.apply(&entry.value.event);
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An account: deposits, and withdrawals that are covered.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    struct Account {
        balance: i64,
        changes: u64,
    }

    impl Aggregate for Account {
        type Command = i64;
        type Event = i64;
        type Refusal = i64;

        fn decide(&self, command: &i64, events: &mut Vec<i64>) -> Result<(), i64> {
            if self.balance + command < 0 {
                return Err(self.balance);
            }
            events.push(*command);
            Ok(())
        }

        fn apply(&mut self, event: &i64) {
            self.balance += event;
            self.changes += 1;
        }

        fn digest(&self) -> u64 {
            hash::hash_pair(7, self.balance as u64, self.changes)
        }
    }

    const S: StreamId = StreamId(2);

    #[test]
    fn of_two_writers_one_succeeds_and_refusals_change_nothing() {
        let mut store = EventStore::<Account>::new(0);
        let seen = store.version(S);
        let first = store.execute(Timestamp(1), S, Expected::Exactly(seen), &100);
        assert_eq!(first, Ok(Version(1)));
        let conflict = CommandError::Conflict {
            expected: Version(0),
            actual: Version(1),
        };
        let second = store.execute(Timestamp(1), S, Expected::Exactly(seen), &50);
        assert_eq!(second, Err(conflict));
        let refused = store.execute(Timestamp(2), S, Expected::Any, &-200);
        assert_eq!(refused, Err(CommandError::Refused(100)));
        assert_eq!(store.state(S).unwrap().balance, 100);
        let expected = StoreCounters {
            accepted: 1,
            conflicts: 1,
            refused: 1,
        };
        assert_eq!((store.counters(), store.streams()), (expected, 3));
    }

    #[test]
    fn any_version_and_any_time_can_be_had_again() {
        let mut store = EventStore::<Account>::new(10);
        let mut live = vec![Account::default()];
        for i in 1..=47 {
            // Two events share each time.
            let now = Timestamp(i / 2 * 10);
            store.execute(now, S, Expected::Any, &(i as i64)).unwrap();
            live.push(store.state(S).unwrap().clone());
        }
        for (version, state) in live.iter().enumerate() {
            assert_eq!(store.at_version(S, Version(version as u64)), *state);
        }
        assert_eq!(store.as_of(S, Timestamp(0)), live[1]);
        assert_eq!(store.as_of(S, Timestamp(19)), live[3]);
        assert_eq!(store.as_of(S, Timestamp(20)), live[5]);
        assert_eq!(store.rebuilt(S), live[47]);
        assert_eq!(store.recovery_events(S), 7);
        assert_eq!(store.replayed().digest(), store.digest());
        assert_eq!(store.as_of(StreamId(99), Timestamp(5)), Account::default());
    }
}
