//! Snapshots: states kept now and then, so that a fold need not begin at the first event.
//!
//! *Formula:* with a snapshot every s events a recovery folds fewer than s events, (s − 1) / 2 on average,
//! instead of all; at r events per second that takes (s − 1) / 2r. *Property:* a fold from any snapshot equals
//! the fold from the beginning. *Leaves out:* the time to write and to load one. *Source:* as [`super`].

use super::Version;
use crate::ids::Timestamp;

/// A state that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot<S> {
    /// Events it has seen.
    pub version: Version,
    /// When the last of them happened.
    pub at: Timestamp,
    /// The state.
    pub state: S,
}

/// Snapshots of one stream, oldest first.
#[derive(Clone, Debug)]
pub struct Snapshots<S> {
    every: u64,
    kept: Vec<Snapshot<S>>,
}

impl<S: Clone> Snapshots<S> {
    /// One every `every` events; 0 for none.
    #[must_use]
    pub fn new(every: u64) -> Self {
        Self {
            every,
            kept: Vec::new(),
        }
    }

    /// The state after an event; it is kept if its turn has come. Returns whether it was.
    pub fn offer(&mut self, at: Timestamp, version: Version, state: &S) -> bool {
        let turn = self.every > 0 && version.0 > 0 && version.0.is_multiple_of(self.every);
        if turn {
            let state = state.clone();
            self.kept.push(Snapshot { version, at, state });
        }
        turn
    }

    /// The last snapshot at or before a version.
    #[must_use]
    pub fn before(&self, version: Version) -> Option<&Snapshot<S>> {
        let after = self.kept.partition_point(|one| one.version <= version);
        self.kept[..after].last()
    }

    /// The last snapshot whose last event happened at or before a time.
    #[must_use]
    pub fn as_of(&self, at: Timestamp) -> Option<&Snapshot<S>> {
        // Later events may share the snapshot's time: those are folded on top.
        let after = self.kept.partition_point(|one| one.at <= at);
        self.kept[..after].last()
    }

    /// Events that a recovery at a version folds.
    #[must_use]
    pub fn recovery_events(&self, version: Version) -> u64 {
        version.0 - self.before(version).map_or(0, |one| one.version.0)
    }

    /// Snapshots kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Forgets all but the last `keep`.
    pub fn thin(&mut self, keep: usize) {
        let gone = self.kept.len().saturating_sub(keep);
        self.kept.drain(..gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_before_a_version_or_a_time() {
        let mut snapshots = Snapshots::new(10);
        for version in 1..=35 {
            let kept = snapshots.offer(Timestamp(version * 2), Version(version), &version);
            assert_eq!(kept, version % 10 == 0);
        }
        assert_eq!(snapshots.before(Version(29)).unwrap().state, 20);
        assert!(snapshots.before(Version(9)).is_none());
        assert_eq!(snapshots.as_of(Timestamp(60)).unwrap().state, 30);
        assert_eq!(snapshots.as_of(Timestamp(59)).unwrap().state, 20);
        assert_eq!(snapshots.recovery_events(Version(35)), 5);
        snapshots.thin(1);
        assert_eq!(
            (snapshots.len(), snapshots.recovery_events(Version(29))),
            (1, 29)
        );
    }
}
