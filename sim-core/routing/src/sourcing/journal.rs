//! The state of one owner in memory, and what of it survives a crash.
//!
//! *Models:* changes numbered as they happen; a checkpoint of the whole state every so often; and, if there is
//! one, a journal to which changes are written in batches between checkpoints. A write is safe when the caller
//! says that it is stored. *Formula:* a crash loses what happened since the last safe write: with checkpoints
//! every T alone up to T, T / 2 on average; with a journal up to its linger and one write. *Property:* lost +
//! safe = changes; what is safe stays so. *Leaves out:* the time that a write takes; a disk that fails.
//! *Source:* Figma, Making multiplayer more reliable (checkpoints every 30 to 60 s; a write-ahead journal).

use crate::ids::Timestamp;
use crate::log::{Batch, BatchLimits, Batcher};

/// How an owner saves its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalOptions {
    /// Between two checkpoints, in nanoseconds.
    pub checkpoint_ns: u64,
    /// When a batch goes to the journal; `None` without a journal.
    pub journal: Option<BatchLimits>,
}

/// Something to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalWrite {
    /// The whole state, up to this change.
    Checkpoint {
        /// The last change in it.
        upto: u64,
    },
    /// Changes, in order, with the time at which each happened.
    Batch(Batch<(u64, Timestamp)>),
}

/// What a crash cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Changes that are gone.
    pub lost: u64,
    /// When the first of them happened.
    pub since: Option<Timestamp>,
    /// Changes of the journal that are replayed on top of the last checkpoint.
    pub replayed: u64,
}

/// What an owner has stored.
#[derive(Clone, Debug)]
pub struct Journal {
    options: JournalOptions,
    open: Option<Batcher<(u64, Timestamp)>>,
    /// The last change.
    last: u64,
    /// Times of the changes that are not safe, the oldest first, with their numbers.
    unsafe_changes: std::collections::VecDeque<(u64, Timestamp)>,
    checkpointed: u64,
    journaled: u64,
    next_checkpoint: Timestamp,
}

impl Journal {
    /// A state without changes.
    #[must_use]
    pub fn new(now: Timestamp, options: JournalOptions) -> Self {
        Self {
            options,
            open: options.journal.map(Batcher::new),
            last: 0,
            unsafe_changes: std::collections::VecDeque::new(),
            checkpointed: 0,
            journaled: 0,
            next_checkpoint: now.plus(options.checkpoint_ns),
        }
    }

    /// The first checkpoint is due at another time: not all owners began at once.
    #[must_use]
    pub fn first_checkpoint(mut self, at: Timestamp) -> Self {
        self.next_checkpoint = at;
        self
    }

    /// The state changes by so many bytes. Returns a batch that this fills.
    pub fn changed(&mut self, now: Timestamp, bytes: u64) -> Option<JournalWrite> {
        self.last += 1;
        self.unsafe_changes.push_back((self.last, now));
        let open = self.open.as_mut()?;
        open.push(now, bytes, (self.last, now))
            .map(JournalWrite::Batch)
    }

    /// When [`Self::poll`] has something to store.
    #[must_use]
    pub fn next_due(&self) -> Timestamp {
        let batch = self.open.as_ref().and_then(Batcher::next_due);
        batch.map_or(self.next_checkpoint, |due| due.min(self.next_checkpoint))
    }

    /// What is to be stored at `now`; call it until it returns `None`. Nothing changed: no checkpoint.
    pub fn poll(&mut self, now: Timestamp) -> Option<JournalWrite> {
        if let Some(batch) = self.open.as_mut().and_then(|open| open.poll(now)) {
            return Some(JournalWrite::Batch(batch));
        }
        if now < self.next_checkpoint {
            return None;
        }
        self.next_checkpoint = now.plus(self.options.checkpoint_ns);
        (self.last > self.checkpointed).then_some(JournalWrite::Checkpoint { upto: self.last })
    }

    /// A write is stored. Writes of one kind are stored in the order in which they were made.
    pub fn stored(&mut self, write: &JournalWrite) {
        match write {
            JournalWrite::Checkpoint { upto } => {
                self.checkpointed = self.checkpointed.max(*upto);
            }
            JournalWrite::Batch(batch) => {
                let last = batch.items.last().map_or(0, |(number, _)| *number);
                self.journaled = self.journaled.max(last);
            }
        }
        let safe = self.safe();
        while self.unsafe_changes.front().is_some_and(|one| one.0 <= safe) {
            self.unsafe_changes.pop_front();
        }
    }

    /// The owner crashes and starts with what is stored.
    pub fn crash(&mut self, now: Timestamp) -> Crash {
        let safe = self.safe();
        let crash = Crash {
            lost: self.last - safe,
            since: self.unsafe_changes.front().map(|(_, at)| *at),
            replayed: safe - self.checkpointed,
        };
        self.last = safe;
        self.unsafe_changes.clear();
        self.open = self.options.journal.map(Batcher::new);
        self.next_checkpoint = now.plus(self.options.checkpoint_ns);
        crash
    }

    /// The last change that survives a crash.
    #[must_use]
    pub fn safe(&self) -> u64 {
        self.checkpointed.max(self.journaled)
    }

    /// For how long the oldest change that is not safe has been so.
    #[must_use]
    pub fn unsaved_ns(&self, now: Timestamp) -> u64 {
        let oldest = self.unsafe_changes.front();
        oldest.map_or(0, |(_, at)| now.since(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_first_checkpoint_may_be_due_earlier() {
        let options = JournalOptions {
            checkpoint_ns: 100,
            journal: None,
        };
        let mut owner = Journal::new(Timestamp(0), options).first_checkpoint(Timestamp(30));
        owner.changed(Timestamp(10), 1);
        assert_eq!(
            (owner.next_due(), owner.poll(Timestamp(29))),
            (Timestamp(30), None)
        );
        assert_eq!(
            owner.poll(Timestamp(30)),
            Some(JournalWrite::Checkpoint { upto: 1 })
        );
        assert_eq!(owner.next_due(), Timestamp(130));
    }

    /// A change every 10 ms; a crash at each of many times. Returns the longest and the mean time lost, in ms.
    fn lost_ms(journal: Option<BatchLimits>) -> (u64, u64) {
        let options = JournalOptions {
            checkpoint_ns: 30_000 * MS,
            journal,
        };
        let (mut owner, mut losses) = (Journal::new(Timestamp(0), options), Vec::new());
        for i in 1..30_000u64 {
            let now = Timestamp(i * 10 * MS);
            let full = owner.changed(now, 100);
            while let Some(write) = owner.poll(now) {
                owner.stored(&write);
            }
            full.iter().for_each(|write| owner.stored(write));
            if i > 6_000 && i % 7 == 0 {
                let unsaved = owner.unsaved_ns(now);
                let crash = owner.clone().crash(now);
                assert_eq!(crash.since.map_or(0, |at| now.since(at)), unsaved);
                losses.push(unsaved / MS);
            }
        }
        let mean = losses.iter().sum::<u64>() / losses.len() as u64;
        (losses.iter().copied().max().unwrap_or(0), mean)
    }

    /// Concept C034: checkpoints every 30 s lose up to 30 s, half of it on average; a journal loses its linger.
    #[test]
    fn c034_a_journal_bounds_what_a_crash_loses() {
        let (longest, mean) = lost_ms(None);
        println!("checkpoints alone: {longest} ms at most, {mean} ms on average");
        assert!((29_900..=30_000).contains(&longest) && (14_800..15_200).contains(&mean));
        let limits = BatchLimits {
            linger_ns: 500 * MS,
            records: 1_000,
            bytes: 1_000_000,
        };
        let (longest, _) = lost_ms(Some(limits));
        println!("with a journal: {longest} ms at most");
        assert!(longest <= 500);
    }

    #[test]
    fn a_crash_replays_the_journal_on_the_checkpoint() {
        let limits = BatchLimits {
            linger_ns: 10,
            records: 3,
            bytes: 1_000,
        };
        let options = JournalOptions {
            checkpoint_ns: 100,
            journal: Some(limits),
        };
        let mut owner = Journal::new(Timestamp(0), options);
        for i in 1..=4 {
            if let Some(write) = owner.changed(Timestamp(i), 1) {
                owner.stored(&write);
            }
        }
        let checkpoint = JournalWrite::Checkpoint { upto: 2 };
        owner.stored(&checkpoint);
        let expected = Crash {
            lost: 1,
            since: Some(Timestamp(4)),
            replayed: 1,
        };
        assert_eq!((owner.crash(Timestamp(9)), owner.safe()), (expected, 3));
        assert!(owner.changed(Timestamp(10), 1).is_none() && owner.unsaved_ns(Timestamp(15)) == 5);
    }
}
